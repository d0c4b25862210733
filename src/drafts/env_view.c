/* SPDX-License-Identifier: Apache-2.0 */
/* The names of an account as a view for templates.  Runs in core and in replays; no privileges needed. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "drafts/drafts_impl.h"

struct bw_env_view {
  struct bw_env *env;
  struct bw_buf text, provenance, hint; /* of the latest lookup */
};

struct bw_env_view *bw_env_view_new(struct bw_env *env)
{
  struct bw_env_view *ev = bw_alloc(sizeof *ev);
  ev->env = env;
  return ev;
}

void bw_env_view_free(struct bw_env_view **ev)
{
  if (!ev || !*ev)
    return;
  bw_buf_clear(&(*ev)->text);
  bw_buf_clear(&(*ev)->provenance);
  bw_buf_clear(&(*ev)->hint);
  free(*ev);
  *ev = NULL;
}

static void convert(const struct bw_value *v, struct bw_view_value *ret);

static void list_item(void *ctx, size_t i, struct bw_view_value *ret)
{
  const struct bw_value *items = ctx;
  convert(&items[i], ret);
}

static void convert(const struct bw_value *v, struct bw_view_value *ret)
{
  switch (v->type) {
  case BW_TYPE_BOOL:
    ret->type = v->b ? BW_VIEW_TRUE : BW_VIEW_FALSE;
    break;
  case BW_TYPE_INT:
    ret->type = BW_VIEW_NUMBER;
    ret->number = (double)v->i;
    break;
  case BW_TYPE_DOUBLE:
    ret->type = BW_VIEW_NUMBER;
    ret->number = v->d;
    break;
  case BW_TYPE_DURATION: /* in days, as people count them */
    ret->type = BW_VIEW_NUMBER;
    ret->number = (double)v->i / (double)BW_DAY;
    break;
  case BW_TYPE_TIMESTAMP:
    ret->type = BW_VIEW_TIME;
    ret->time = v->i;
    break;
  case BW_TYPE_STRING:
  case BW_TYPE_RANK:
    ret->type = BW_VIEW_TEXT;
    ret->text = v->s;
    break;
  case BW_TYPE_LIST:
    ret->type = BW_VIEW_LIST;
    ret->nitems = v->list.n;
    ret->item = list_item;
    ret->item_ctx = (void *)(uintptr_t)v->list.items;
    break;
  default:
    ret->type = BW_VIEW_MISSING;
    break;
  }
}

static void look_up(void *ctx, struct bw_str name, struct bw_view_value *ret)
{
  struct bw_env_view *ev = ctx;
  char *key BW_AUTOFREE = bw_str_dup(name);
  struct bw_provenance from = {0};
  struct bw_value v = {0};
  struct bw_error err = {0};
  int rc = bw_env_lookup(ev->env, key, &v, &from, &err);
  bw_buf_reset(&ev->hint);
  bw_buf_reset(&ev->provenance);
  ret->type = BW_VIEW_MISSING;
  if (rc < 0) {
    bw_buf_add_cstr(&ev->hint, err.message);
  } else if (v.type == BW_TYPE_ERROR) {
    bw_buf_add_str(&ev->hint, v.s);
  } else {
    convert(&v, ret);
    bw_provenance_json(&ev->provenance, &from);
    ret->provenance = bw_buf_str(&ev->provenance);
  }
  ret->hint = bw_buf_str(&ev->hint);
}

struct bw_view bw_env_view(struct bw_env_view *ev)
{
  return (struct bw_view){look_up, ev};
}

/* ---- the names in templates ----------------------------------------------- */

struct names_check {
  const struct bw_catalog *catalog;
  struct bw_complaints *c;
  bool judged; /* a person reads it, and nobody is written to: signals that can mean good or bad news may be told */
};

/* {{account.name|money}}: every draft would have a gap there. */
static void check_filter(const struct names_check *k, const struct bw_node *at, struct bw_str name, enum bw_mustache_use use,
                         enum bw_type type)
{
  static const struct {
    enum bw_type type;
    enum bw_mustache_use use;
    const char *says;
  } wrong[] = {{BW_TYPE_STRING, BW_MUSTACHE_NUMBER, "a text, and its filter takes numbers"},
               {BW_TYPE_TIMESTAMP, BW_MUSTACHE_NUMBER, "a day, and its filter takes numbers: |date writes it"},
               {BW_TYPE_RANK, BW_MUSTACHE_NUMBER, "a text, and its filter takes numbers"},
               {BW_TYPE_BOOL, BW_MUSTACHE_NUMBER, "a yes or no, and its filter takes numbers"},
               {BW_TYPE_LIST, BW_MUSTACHE_NUMBER, "a list, and its filter takes numbers"},
               {BW_TYPE_DOUBLE, BW_MUSTACHE_DAY, "a number, and |date takes days"},
               {BW_TYPE_DURATION, BW_MUSTACHE_DAY, "a span of time, and |date takes days"},
               {BW_TYPE_BOOL, BW_MUSTACHE_DAY, "a yes or no, and |date takes days"},
               {BW_TYPE_LIST, BW_MUSTACHE_DAY, "a list, and |date takes days"},
               {BW_TYPE_RANK, BW_MUSTACHE_DAY, "a text, and |date takes days"}};
  size_t i;
  for (i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (wrong[i].type == BW_TYPE_KIND(type) && wrong[i].use == use)
      bw_complain(k->c, at, "%.*s is %s", BW_FMT(name), wrong[i].says);
}

static void check_name(void *ctx, struct bw_str name, enum bw_mustache_use use, const char *file, uint32_t line,
                       uint32_t column)
{
  const struct names_check *k = ctx;
  struct bw_node at = {.file = file, .line = line, .column = column};
  struct bw_error err = {0};
  enum bw_type type = BW_TYPE_ANY;
  int rc;
  if (use == BW_MUSTACHE_PARTIAL)
    return;
  rc = bw_str_is(name, ".") ? 0 : bw_env_check_name(k->catalog, name, &type, &err);
  if (rc == 0)
    check_filter(k, &at, name, use, type);
  if (rc == 0 || (rc == BW_EINVAL && k->judged))
    return;
  if (bw_str_prefix(name, "trait."))
    bw_warn(k->c, &at, "%s", err.message);
  else
    bw_complain(k->c, &at, "%s", err.message);
}

int bw_text_check(const struct bw_node *at, bool judged, const struct bw_catalog *catalog, struct bw_complaints *complaints)
{
  struct names_check k = {catalog, complaints, judged};
  struct bw_mustache_where where = {1, 1};
  struct bw_mustache *m = NULL;
  struct bw_error err = {0};
  enum bw_mustache_use use;
  struct bw_str name;
  struct bw_node place;
  size_t before = complaints->count, i;
  if (bw_mustache_compile(at->text, &m, &where, &err) < 0) {
    place = bw_node_inside(at, bw_text_offset(at->text, where.line, where.column));
    bw_complain(complaints, &place, "%s", err.message);
    return BW_EINVAL;
  }
  for (i = 0; bw_mustache_next_name(m, &i, &name, &use, &where);) {
    place = bw_node_inside(at, bw_text_offset(at->text, where.line, where.column));
    if (use == BW_MUSTACHE_PARTIAL)
      bw_complain(complaints, &place, "partials are for templates; write the text itself here");
    else
      check_name(&k, name, use, place.file, place.line, place.column);
  }
  bw_mustache_free(&m);
  return complaints->count > before ? BW_EINVAL : BW_OK;
}

int bw_templates_check(const struct bw_templates *set, const struct bw_catalog *catalog, struct bw_complaints *complaints)
{
  struct names_check k = {catalog, complaints, false};
  size_t before = complaints->count, i;
  for (i = 0; i < set->n; i++)
    bw_template_names(set->list[i], check_name, &k);
  return complaints->count > before ? BW_EINVAL : BW_OK;
}
