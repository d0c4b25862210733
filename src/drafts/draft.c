/* SPDX-License-Identifier: Apache-2.0 */
/* A draft: rendered with the origin of every value, and its gaps.  Runs in core and in replays; no privileges needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/language.h"
#include "drafts/drafts_impl.h"
#include "drafts/locale.h"
#include "drafts/mustache_impl.h"

#define MAX_RECIPIENTS 20

static const char *const field_names[BW_DRAFT_FIELDS] = {"to", "subject", "body"};

const char *bw_draft_field_name(enum bw_draft_field f)
{
  return field_names[f];
}

void bw_draft_gap_clear(struct bw_draft_gap *g)
{
  free(g->name);
  free(g->hint);
  free(g->reason);
}

void bw_draft_fill_clear(struct bw_draft_fill *f)
{
  free(f->name);
  free(f->raw);
  free(f->from);
}

void bw_draft_clear(struct bw_draft *d)
{
  size_t i;
  for (i = 0; i < d->ngaps; i++)
    bw_draft_gap_clear(&d->gaps[i]);
  for (i = 0; i < d->nfills; i++)
    bw_draft_fill_clear(&d->fills[i]);
  for (i = 0; i < BW_DRAFT_FIELDS; i++)
    free(d->field[i]);
  free(d->gaps);
  free(d->fills);
  free(d->lead);
  free(d->template_name);
  free(d->channel);
  free(d->by);
  *d = (struct bw_draft){0};
}

void bw_draft_add_gap(struct bw_draft *d, struct bw_draft_gap gap)
{
  d->gaps = bw_realloc(d->gaps, d->ngaps + 1, sizeof *d->gaps);
  d->gaps[d->ngaps++] = gap;
}

void bw_draft_add_fill(struct bw_draft *d, struct bw_draft_fill fill)
{
  d->fills = bw_realloc(d->fills, d->nfills + 1, sizeof *d->fills);
  d->fills[d->nfills++] = fill;
}

void bw_draft_copy(const struct bw_draft *d, struct bw_draft *ret)
{
  struct bw_draft c = {.version = d->version, .complete = d->complete, .at = d->at};
  size_t i;
  memcpy(c.hash, d->hash, sizeof c.hash);
  c.lead = bw_strdup(d->lead);
  c.template_name = bw_strdup(d->template_name);
  c.channel = bw_strdup(d->channel);
  c.by = bw_strdup(d->by);
  for (i = 0; i < BW_DRAFT_FIELDS; i++)
    c.field[i] = bw_strdup(d->field[i]);
  for (i = 0; i < d->ngaps; i++) {
    const struct bw_draft_gap *g = &d->gaps[i];
    bw_draft_add_gap(
        &c, (struct bw_draft_gap){bw_strdup(g->name), bw_strdup(g->hint), bw_strdup(g->reason), g->field, g->offset, g->len});
  }
  for (i = 0; i < d->nfills; i++) {
    const struct bw_draft_fill *f = &d->fills[i];
    bw_draft_add_fill(
        &c, (struct bw_draft_fill){bw_strdup(f->name), bw_strdup(f->raw), bw_strdup(f->from), f->field, f->offset, f->len});
  }
  *ret = c;
}

/* ---- whole fields that cannot go out as they are ------------------------- */

static void count_bad(void *ctx, struct bw_str address)
{
  *(size_t *)ctx += !bw_address_valid(address);
}

static bool has_gap(const struct bw_draft *d, enum bw_draft_field f)
{
  size_t i;
  for (i = 0; i < d->ngaps; i++)
    if (d->gaps[i].field == f)
      return true;
  return false;
}

static void whole_field_gap(struct bw_draft *d, enum bw_draft_field f, const char *reason)
{
  bw_draft_add_gap(d, (struct bw_draft_gap){.name = bw_strdup(field_names[f]),
                                            .hint = bw_strdup(""),
                                            .reason = bw_strdup(reason),
                                            .field = f,
                                            .len = strlen(d->field[f])});
}

static void check_recipients(struct bw_draft *d)
{
  size_t bad = 0, n = bw_recipients(bw_str(d->field[BW_DRAFT_TO]), count_bad, &bad);
  if (n == 0)
    whole_field_gap(d, BW_DRAFT_TO, "there is no recipient");
  else if (bad)
    whole_field_gap(d, BW_DRAFT_TO, "is not an e-mail address such as name@example.com");
  else if (n > MAX_RECIPIENTS)
    whole_field_gap(d, BW_DRAFT_TO, "more than 20 recipients");
}

static int compare_places(size_t field_a, size_t offset_a, size_t field_b, size_t offset_b)
{
  if (field_a != field_b)
    return field_a < field_b ? -1 : 1;
  return offset_a < offset_b ? -1 : offset_a > offset_b;
}

static int by_gap_place(const void *a, const void *b)
{
  const struct bw_draft_gap *x = a, *y = b;
  return compare_places(x->field, x->offset, y->field, y->offset);
}

static int by_fill_place(const void *a, const void *b)
{
  const struct bw_draft_fill *x = a, *y = b;
  return compare_places(x->field, x->offset, y->field, y->offset);
}

void bw_draft_finish(struct bw_draft *d)
{
  if (!has_gap(d, BW_DRAFT_TO))
    check_recipients(d);
  if (!has_gap(d, BW_DRAFT_SUBJECT) && bw_text_blank(bw_str(d->field[BW_DRAFT_SUBJECT])))
    whole_field_gap(d, BW_DRAFT_SUBJECT, "is blank");
  if (!has_gap(d, BW_DRAFT_SUBJECT) && strlen(d->field[BW_DRAFT_SUBJECT]) > BW_DRAFT_MAX_SUBJECT)
    whole_field_gap(d, BW_DRAFT_SUBJECT, "is longer than 400 bytes; write a shorter one");
  if (!has_gap(d, BW_DRAFT_BODY) && bw_text_blank(bw_str(d->field[BW_DRAFT_BODY])))
    whole_field_gap(d, BW_DRAFT_BODY, "is blank");
  if (d->ngaps)
    qsort(d->gaps, d->ngaps, sizeof *d->gaps, by_gap_place);
  if (d->nfills)
    qsort(d->fills, d->nfills, sizeof *d->fills, by_fill_place);
  d->complete = d->ngaps == 0;
  bw_draft_hash(d, d->hash);
}

/* ---- rendering ---------------------------------------------------------- */

struct rendering {
  const struct bw_templates *set;
  const char *language; /* of the text; empty: English */
  struct bw_draft *d;
  enum bw_draft_field field;
  size_t missing; /* loose texts */
};

static const struct bw_mustache *find_partial(void *ctx, struct bw_str name)
{
  const struct rendering *r = ctx;
  const struct bw_template *t = r->set ? bw_templates_partial(r->set, name, r->language) : NULL;
  return t ? t->part[BW_DRAFT_BODY].m : NULL;
}

static void take_note(void *ctx, const struct bw_mustache_note *n)
{
  struct rendering *r = ctx;
  struct bw_str from = n->provenance.len ? n->provenance : BW_STR("null");
  r->missing += n->missing;
  if (!r->d)
    return;
  if (n->missing)
    bw_draft_add_gap(r->d, (struct bw_draft_gap){bw_str_dup(n->name), bw_str_dup(n->hint),
                                                 bw_strdup(n->reason ? n->reason : ""), r->field, n->offset, n->shown.len});
  else
    bw_draft_add_fill(r->d, (struct bw_draft_fill){bw_str_dup(n->name), bw_str_dup(n->raw), bw_str_dup(from), r->field,
                                                   n->offset, n->shown.len});
}

/* The text that a view has for a name, in ret (of at most `size` bytes with its NUL); empty where there is none. */
static struct bw_str view_text(const struct bw_view *view, const char *name, char *ret, size_t size)
{
  struct bw_view_value v = {0};
  if (view->lookup)
    view->lookup(view->ctx, bw_str(name), &v);
  if (v.type != BW_VIEW_TEXT || v.text.len == 0 || v.text.len >= size)
    return bw_str_n("", 0);
  memcpy(ret, v.text.data, v.text.len);
  ret[v.text.len] = '\0';
  return bw_str_n(ret, v.text.len);
}

/* What the account's record says now: it may have been mended since the lead was opened. */
static const char *currency_of(const struct bw_view *view, const char *otherwise, char ret[64])
{
  return view_text(view, "account.currency", ret, 64).len ? ret : otherwise;
}

static struct bw_mustache_options strict_options(const char *currency, size_t max_output, struct rendering *r)
{
  return (struct bw_mustache_options){.strict = true,
                                      .clean = true,
                                      .max_value = BW_DRAFT_MAX_VALUE,
                                      .max_output = max_output,
                                      .currency = currency,
                                      .partial = find_partial,
                                      .note = take_note,
                                      .ctx = r};
}

/* The account's locale: its field "locale" ("de-AT"), else its language, in its country where that is known, by code or by name
   ("German", "Germany").  American English where nothing is. */
static const struct bw_locale *locale_of(const struct bw_view *view)
{
  static const char *const names[] = {"account.locale", "account.custom.locale", "account.language"};
  char text[60], country[60], language[3], region[3], both[8];
  struct bw_str said = {"", 0};
  size_t i;
  for (i = 0; i < 3 && !said.len; i++)
    said = view_text(view, names[i], text, sizeof text);
  if (!said.len)
    return bw_locale_find(BW_STR("en-US"));
  if (!bw_language_code(said, language))
    return bw_locale_find(said);
  if (i < 3 || !bw_country_code(view_text(view, "account.country", country, sizeof country), region))
    return bw_locale_find(bw_str(language));
  (void)snprintf(both, sizeof both, "%s-%s", language, region);
  return bw_locale_find(bw_str(both));
}

int bw_draft_render(const struct bw_templates *set, const struct bw_template *t, const struct bw_view *view, struct bw_str lead,
                    const char *currency, int64_t now, struct bw_draft *ret_draft, struct bw_error *err)
{
  struct bw_draft d = {.lead = bw_str_dup(lead), .version = 1, .at = now};
  const struct bw_locale *locale = locale_of(view);
  char language[3] = {locale->tag[0], locale->tag[1], '\0'};
  const struct bw_template *in = bw_templates_in(set, bw_str(t->name), language);
  struct rendering r = {set, "", &d, BW_DRAFT_TO, 0};
  char said[64];
  struct bw_mustache_options options = strict_options(currency_of(view, currency, said), BW_DRAFT_MAX_BODY, &r);
  struct bw_buf out = {0};
  int rc = BW_OK;
  size_t f;
  t = in ? in : t; /* set and t may come from two places */
  r.language = t->language;
  options.locale = locale;
  options.words = bw_locale_speaks(locale, t->language[0] ? bw_str(t->language) : BW_STR("en")) ? locale : NULL;
  d.template_name = bw_strdup(t->name);
  d.channel = bw_strdup(t->channel ? t->channel : "mail");
  d.by = bw_strdup(BW_DRAFT_OURS);
  for (f = 0; rc == BW_OK && f < BW_DRAFT_FIELDS; f++) {
    r.field = (enum bw_draft_field)f;
    bw_buf_reset(&out);
    rc = bw_mustache_render(t->part[f].m, view, &options, &out, err);
    d.field[f] = bw_str_dup(bw_buf_str(&out));
  }
  bw_buf_clear(&out);
  if (rc < 0) {
    (void)bw_error_prefix(err, "template %s (%s)", t->name, t->file);
    bw_draft_clear(&d);
    return rc;
  }
  bw_draft_finish(&d);
  *ret_draft = d;
  return BW_OK;
}

int bw_text_render(struct bw_str text, const struct bw_view *view, const char *currency, struct bw_buf *out,
                   size_t *ret_missing, struct bw_error *err)
{
  struct rendering r = {0};
  char said[64];
  struct bw_mustache_options options = strict_options(currency_of(view, currency, said), 4096, &r);
  struct bw_mustache_where where = {0};
  struct bw_mustache *m = NULL;
  int rc = bw_mustache_compile(text, &m, &where, err);
  if (rc < 0) {
    (void)bw_error_prefix(err, "line %u, column %u", where.line, where.column);
    return rc;
  }
  rc = bw_mustache_render(m, view, &options, out, err);
  bw_mustache_free(&m);
  if (rc == BW_OK && ret_missing)
    *ret_missing = r.missing;
  return rc;
}

/* ---- as JSON ------------------------------------------------------------ */

static void place_json(struct bw_buf *out, enum bw_draft_field field, size_t offset, size_t len, const char *name)
{
  bw_json_open(out, '{');
  bw_json_key(out, "field");
  bw_json_cstr(out, field_names[field]);
  bw_json_key(out, "offset");
  bw_json_int(out, (int64_t)offset);
  bw_json_key(out, "length");
  bw_json_int(out, (int64_t)len);
  bw_json_key(out, "name");
  bw_json_cstr(out, name);
}

void bw_draft_missing_json(struct bw_buf *out, const struct bw_draft *d)
{
  size_t i;
  bw_json_open(out, '[');
  for (i = 0; i < d->ngaps; i++) {
    const struct bw_draft_gap *g = &d->gaps[i];
    place_json(out, g->field, g->offset, g->len, g->name);
    bw_json_key(out, "hint");
    bw_json_cstr(out, g->hint);
    bw_json_key(out, "reason");
    bw_json_cstr(out, g->reason);
    bw_json_close(out, '}');
  }
  bw_json_close(out, ']');
}

void bw_draft_provenance_json(struct bw_buf *out, const struct bw_draft *d)
{
  size_t i;
  bw_json_open(out, '[');
  for (i = 0; i < d->nfills; i++) {
    const struct bw_draft_fill *f = &d->fills[i];
    struct bw_str value = bw_str_n(d->field[f->field] + f->offset, f->len);
    place_json(out, f->field, f->offset, f->len, f->name);
    bw_json_key(out, "value");
    bw_json_str(out, value);
    if (!bw_str_is(value, f->raw)) {
      bw_json_key(out, "raw");
      bw_json_cstr(out, f->raw);
    }
    bw_json_key(out, "from");
    bw_json_raw(out, bw_str(f->from));
    bw_json_close(out, '}');
  }
  bw_json_close(out, ']');
}

void bw_draft_json(struct bw_buf *out, const struct bw_draft *d)
{
  size_t f;
  bw_json_open(out, '{');
  bw_json_key(out, "lead");
  bw_json_cstr(out, d->lead);
  bw_json_key(out, "version");
  bw_json_int(out, d->version);
  bw_json_key(out, "template");
  bw_json_cstr(out, d->template_name);
  bw_json_key(out, "channel");
  bw_json_cstr(out, d->channel);
  for (f = 0; f < BW_DRAFT_FIELDS; f++) {
    bw_json_key(out, field_names[f]);
    bw_json_cstr(out, d->field[f]);
  }
  bw_json_key(out, "complete");
  bw_json_bool(out, d->complete);
  bw_json_key(out, "missing");
  bw_draft_missing_json(out, d);
  bw_json_key(out, "provenance");
  bw_draft_provenance_json(out, d);
  bw_json_key(out, "hash");
  bw_json_cstr(out, d->hash);
  bw_json_key(out, "by");
  bw_json_cstr(out, d->by);
  bw_json_key(out, "at");
  bw_json_time(out, d->at);
  bw_json_close(out, '}');
}
