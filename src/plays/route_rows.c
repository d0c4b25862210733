/* SPDX-License-Identifier: Apache-2.0 */
/* Which row of a route holds for a lead, and in words why not the earlier ones.  Runs in core and replays; no privileges. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "plays/private.h"

static bool has_word(const struct words *w, const char *word, bool any_case)
{
  size_t i;
  for (i = 0; i < w->n; i++)
    if (strcmp(w->items[i], "any") == 0 || (any_case ? strcasecmp(w->items[i], word) : strcmp(w->items[i], word)) == 0)
      return true;
  return w->n == 0;
}

static void list_words(struct bw_buf *out, const struct words *w)
{
  size_t i;
  for (i = 0; i < w->n; i++)
    bw_buf_printf(out, "%s%s", i ? " or " : "", w->items[i]);
}

static bool word_fits(const struct words *w, const char *column, const char *word, struct bw_buf *why)
{
  if (has_word(w, word, false))
    return true;
  bw_buf_printf(why, "the %s is %s; the row is for ", column, word);
  list_words(why, w);
  return false;
}

static struct bw_value account_value(struct bw_env *env, const char *name)
{
  struct bw_value v;
  bw_env_account_value(env, name, &v);
  return v;
}

static bool missing(const struct bw_value *v, struct bw_buf *why)
{
  if (v->type == BW_TYPE_ERROR)
    bw_buf_printf(why, "a value is missing (%.*s)", BW_FMT(v->s));
  return v->type == BW_TYPE_ERROR;
}

static bool segment_fits(struct bw_env *env, const struct route_row *row, struct bw_buf *why)
{
  struct bw_value v;
  char *text BW_AUTOFREE = NULL;
  if (!row->segments.n)
    return true;
  v = account_value(env, "account.segment");
  if (missing(&v, why))
    return false;
  text = bw_str_dup(v.s);
  if (has_word(&row->segments, text, true))
    return true;
  bw_buf_printf(why, "the segment is %s; the row is for ", text);
  list_words(why, &row->segments);
  return false;
}

static bool band_fits(const struct bw_band *b, const char *what, const struct bw_value *v, struct bw_buf *why)
{
  double number = v->type == BW_TYPE_DURATION ? (double)v->i : v->d;
  if (missing(v, why))
    return false;
  if (bw_band_holds(b, number))
    return true;
  bw_buf_printf(why, "%s is ", what);
  bw_value_text(why, v);
  bw_buf_printf(why, "; the row is for %s", b->text);
  return false;
}

static bool bands_fit(struct bw_env *env, const struct route_row *row, struct bw_buf *why)
{
  struct bw_value v;
  if (row->size.set) {
    v = account_value(env, "account.arr");
    if (!band_fits(&row->size, "the account's size (ARR)", &v, why))
      return false;
  }
  if (row->tenure.set) {
    v = account_value(env, "account.tenure");
    if (!band_fits(&row->tenure, "the tenure", &v, why))
      return false;
  }
  if (row->estimate.set) {
    v = isfinite(env->estimate) ? bw_value_double(env->estimate)
                                : bw_value_error(BW_VALUE_MISSING, BW_STR("estimate: the play has none"));
    if (!band_fits(&row->estimate, "the estimate", &v, why))
      return false;
  }
  return true;
}

static struct bw_value vendor_size(const struct bw_engine *e)
{
  return bw_value_double(bw_route_constant(&e->plays->roster, "vendor_size"));
}

static bool vendor_fits(const struct bw_engine *e, const struct route_row *row, struct bw_buf *why)
{
  struct bw_value v = vendor_size(e);
  return !row->never || band_fits(&row->vendor, "our own size (vendor_size)", &v, why);
}

static bool when_holds(struct bw_env *env, const struct route_row *row, struct bw_buf *why)
{
  struct bw_value v;
  size_t i, shown = 0;
  if (!row->when)
    return true;
  env->eval.nleaves = 0;
  bw_expr_eval(row->when, &env->eval, &v);
  if (v.type == BW_TYPE_BOOL && v.b)
    return true;
  if (missing(&v, why))
    return false;
  bw_buf_printf(why, "%.*s does not hold", BW_FMT(bw_expr_source(row->when)));
  for (i = 0; i < env->eval.nleaves && shown < 6; i++) {
    const struct bw_leaf *leaf = &env->eval.leaves[i];
    if (leaf->value.type == BW_TYPE_ERROR || leaf->value.type == BW_TYPE_SIGNAL)
      continue;
    bw_buf_printf(why, "%s%.*s is ", shown++ ? ", " : ": ", BW_FMT(leaf->name));
    bw_value_text(why, &leaf->value);
  }
  return false;
}

/* why: the first column that does not hold, in words. */
static bool row_fits(struct bw_engine *e, const struct route_row *row, const struct play *play, struct bw_buf *why)
{
  struct bw_env *env = &e->env;
  return vendor_fits(e, row, why) && word_fits(&row->motions, "motion", play->motion, why) &&
         word_fits(&row->types, "type", play->type, why) && segment_fits(env, row, why) && bands_fit(env, row, why) &&
         when_holds(env, row, why);
}

static void note_json(struct bw_buf *b, const struct route_row *row)
{
  if (row->note[0]) {
    bw_json_key(b, "note");
    bw_json_cstr(b, row->note);
  }
}

static void because_band(struct bw_buf *out, const struct bw_band *b, const char *what, const struct bw_value *v)
{
  if (!b->set)
    return;
  bw_buf_printf(out, "%s%s ", out->len ? "; " : "", what);
  bw_value_text(out, v);
  bw_buf_printf(out, " (%s)", b->text);
}

static void because_word(struct bw_buf *out, const struct words *w, const char *what, struct bw_str v)
{
  if (w->n)
    bw_buf_printf(out, "%s%s %.*s", out->len ? "; " : "", what, BW_FMT(v));
}

/* Each column of the row that was taken, with the account's value. */
static void because(struct bw_engine *e, const struct route_row *row, const struct play *play, struct bw_buf *out)
{
  struct bw_env *env = &e->env;
  struct bw_value v = vendor_size(e);
  because_band(out, &row->vendor, "our own size", &v);
  because_word(out, &row->motions, "motion", bw_str(play->motion));
  because_word(out, &row->types, "type", bw_str(play->type));
  v = account_value(env, "account.segment");
  because_word(out, &row->segments, "segment", v.s);
  v = account_value(env, "account.arr");
  because_band(out, &row->size, "ARR", &v);
  v = account_value(env, "account.tenure");
  because_band(out, &row->tenure, "tenure", &v);
  v = bw_value_double(env->estimate);
  because_band(out, &row->estimate, "estimate", &v);
  if (row->when)
    bw_buf_printf(out, "%s%.*s holds", out->len ? "; " : "", BW_FMT(bw_expr_source(row->when)));
  if (!out->len)
    bw_buf_add_cstr(out, "it has no conditions");
}

const struct route_row *bw_route_choose(struct bw_engine *e, const struct play *play, const struct route *r, struct bw_buf *b)
{
  const struct route_row *row = NULL;
  struct bw_buf skipped = {0}, why = {0};
  size_t i;
  bw_json_open(&skipped, '[');
  for (i = 0; i < r->nrows && !row; i++) {
    bw_buf_reset(&why);
    if (row_fits(e, &r->rows[i], play, &why)) {
      row = &r->rows[i];
      continue;
    }
    bw_json_open(&skipped, '{');
    bw_json_key(&skipped, "row");
    bw_json_int(&skipped, (int64_t)i + 1);
    note_json(&skipped, &r->rows[i]);
    bw_json_key(&skipped, "why");
    bw_json_str(&skipped, bw_buf_str(&why));
    bw_json_close(&skipped, '}');
  }
  bw_json_close(&skipped, ']');
  bw_json_key(b, "row");
  bw_json_int(b, row ? row - r->rows + 1 : 0);
  if (row) {
    note_json(b, row);
    bw_buf_reset(&why);
    because(e, row, play, &why);
    bw_json_key(b, "why");
    bw_json_str(b, bw_buf_str(&why));
  }
  if (row && row->when) {
    bw_json_key(b, "when");
    bw_json_str(b, bw_expr_source(row->when));
    bw_values_json(&e->env, b);
  }
  if (skipped.len > 2) {
    bw_json_key(b, "skipped");
    bw_json_raw(b, bw_buf_str(&skipped));
  }
  bw_buf_clear(&skipped);
  bw_buf_clear(&why);
  return row;
}
