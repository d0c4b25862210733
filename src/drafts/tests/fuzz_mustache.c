/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a template, and as the values in it.  Input: a byte of options, the template up to a NUL, the value.  What must
 * hold: limits, notes that point at what they say, gaps that stand where the draft says, and no value that acts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drafts/drafts.h"
#include "drafts/locale.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                            \
  do {                                                                                                                         \
    if (!(cond))                                                                                                               \
      abort();                                                                                                                 \
  } while (0)

struct input {
  struct bw_str template, value;
  const struct bw_mustache *self;
  const struct bw_buf *out;
};

static void lookup(void *ctx, struct bw_str name, struct bw_view_value *ret);

static void item(void *ctx, size_t i, struct bw_view_value *ret)
{
  const struct input *in = ctx;
  ret->type = i ? BW_VIEW_MAP : BW_VIEW_TEXT;
  ret->text = in->value;
  ret->view = (struct bw_view){lookup, ctx};
}

/* The first letter of a name chooses what it is. */
static void lookup(void *ctx, struct bw_str name, struct bw_view_value *ret)
{
  static const struct {
    char letter;
    enum bw_view_type type;
  } kinds[] = {{'t', BW_VIEW_TEXT}, {'n', BW_VIEW_NUMBER}, {'d', BW_VIEW_TIME}, {'m', BW_VIEW_MAP},     {'l', BW_VIEW_LIST},
               {'y', BW_VIEW_TRUE}, {'f', BW_VIEW_FALSE},  {'x', BW_VIEW_NONE}, {'\0', BW_VIEW_MISSING}};
  const struct input *in = ctx;
  size_t i = 0;
  while (kinds[i].letter && (name.len == 0 || kinds[i].letter != name.data[0]))
    i++;
  ret->type = kinds[i].type;
  ret->text = kinds[i].type == BW_VIEW_TEXT ? in->value : bw_str_n("", 0);
  if (in->value.len >= 8) {
    memcpy(&ret->number, in->value.data, 8);
    memcpy(&ret->time, in->value.data, 8);
  }
  ret->view = (struct bw_view){lookup, ctx};
  ret->nitems = name.len;
  ret->item = item;
  ret->item_ctx = ctx;
}

static const struct bw_mustache *self(void *ctx, struct bw_str name)
{
  const struct input *in = ctx;
  return name.len > 3 ? NULL : in->self;
}

static void check_note(void *ctx, const struct bw_mustache_note *n)
{
  const struct input *in = ctx;
  CHECK(n->offset + n->shown.len == in->out->len);
  CHECK(n->shown.len == 0 || memcmp(in->out->data + n->offset, n->shown.data, n->shown.len) == 0);
}

static void render(struct input *in, uint8_t flags)
{
  struct bw_mustache_options o = {.html = flags & 1,
                                  .strict = flags & 2,
                                  .clean = flags & 4,
                                  .max_value = flags & 8 ? 20 : 0,
                                  .max_output = 4096,
                                  .currency = flags & 16 ? "USD" : NULL,
                                  .locale = flags & 32 ? bw_locale_find(in->value) : NULL,
                                  .words = flags & 64 ? bw_locale_find(in->value) : NULL,
                                  .partial = self,
                                  .note = check_note,
                                  .ctx = in};
  struct bw_view view = {lookup, in};
  struct bw_mustache_where where = {0};
  struct bw_mustache *m = NULL;
  struct bw_error err = {0};
  struct bw_buf out = {0};
  if (bw_mustache_compile(in->template, &m, &where, &err) < 0) {
    CHECK(err.message[0] && where.line && where.column);
    return;
  }
  in->self = m;
  in->out = &out;
  if (bw_mustache_render(m, &view, &o, &out, &err) < 0)
    CHECK(out.len == 0 && err.message[0]);
  CHECK(out.len <= 4096);
  bw_buf_clear(&out);
  bw_mustache_free(&m);
}

static void check_draft(const struct bw_draft *d)
{
  struct bw_buf json = {0};
  size_t i;
  CHECK(d->complete == (d->ngaps == 0));
  for (i = 0; i < d->ngaps; i++)
    CHECK(d->gaps[i].offset + d->gaps[i].len <= strlen(d->field[d->gaps[i].field]));
  for (i = 0; i < d->nfills; i++)
    CHECK(d->fills[i].offset + d->fills[i].len <= strlen(d->field[d->fills[i].field]));
  CHECK(!strchr(d->field[BW_DRAFT_TO], '\n') && !strchr(d->field[BW_DRAFT_SUBJECT], '\n'));
  bw_draft_json(&json, d);
  bw_buf_clear(&json);
}

static void draft(struct input *in)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  struct bw_view view = {lookup, in};
  struct bw_draft d = {0}, e = {0};
  if (bw_templates_add(set, "t", "t", in->template, &c) == 0 &&
      bw_draft_render(set, bw_templates_at(set, 0), &view, BW_STR("L1"), "EUR", 0, &d, NULL) == 0) {
    check_draft(&d);
    if (d.ngaps && bw_draft_edit(&d, bw_str(d.gaps[0].name), BW_STR("filled in"), BW_STR("eve"), 1, &e, NULL) == 0) {
      check_draft(&e);
      CHECK(e.version == 2 && strcmp(e.hash, d.hash) != 0);
      bw_draft_clear(&e);
    }
    if (bw_draft_rewrite(&d, BW_DRAFT_BODY, in->value, BW_STR("eve"), 1, &e, NULL) == 0) {
      check_draft(&e);
      bw_draft_clear(&e);
    }
    bw_draft_clear(&d);
  }
  bw_complaints_clear(&c);
  bw_templates_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *text = (const char *)data + 1, *end;
  struct input in = {.self = NULL};
  if (size < 1)
    return 0;
  end = size > 1 ? memchr(text, '\0', size - 1) : NULL;
  in.template = bw_str_n(text, end ? (size_t)(end - text) : size - 1);
  in.value = end ? bw_str_n(end + 1, size - 2 - in.template.len) : bw_str_n("", 0);
  render(&in, data[0]);
  draft(&in);
  return 0;
}
