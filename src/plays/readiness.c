/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of an account: the points of each dimension.  What is not known counts a fixed number of points, and the record
 * that would supply it is named.  Runs in core and replays; no privileges.
 */
#include <math.h>

#include "base/json.h"
#include "plays/private.h"

static const char *const band_names[] = {"pursue", "nurture", "wait"};

/* ---- judging ---- */

/* The points; 0 where they are not known. */
static int points_of(struct bw_env *env, const struct bw_expr *e, struct bw_value *ret)
{
  double d;
  *ret = (struct bw_value){.type = BW_TYPE_NULL};
  if (!e)
    return 0;
  bw_expr_eval(e, &env->eval, ret);
  d = ret->type == BW_TYPE_DOUBLE ? ret->d : ret->type == BW_TYPE_INT ? (double)ret->i : 0;
  return d >= 1 && d <= 3 ? (int)floor(d) : 0;
}

static int shared_points(struct bw_env *env, const struct bw_expr *e, bool alike)
{
  struct bw_value v;
  bool known = false;
  int *memo = alike ? bw_env_answer(env, e, &known) : NULL;
  int points = known ? *memo : points_of(env, e, &v);
  if (memo)
    *memo = points;
  return points;
}

void bw_readiness_judge(struct bw_env *env, const struct play *p, struct readiness_result *ret)
{
  const struct readiness *r = &p->readiness;
  size_t i;
  ret->total = 0;
  for (i = 0; i < DIMENSIONS; i++) {
    int points = shared_points(env, r->dimension[i], r->alike[i]);
    ret->known[i] = points > 0;
    ret->points[i] = points ? points : r->unknown;
    ret->total += ret->points[i];
  }
  ret->band = ret->total >= r->pursue ? BAND_PURSUE : ret->total >= r->from ? BAND_NURTURE : BAND_WAIT;
}

/* ---- explaining ---- */

/* What would supply a dimension. */
static void supply(struct bw_env *env, size_t i, const struct bw_expr *e, const struct bw_value *r, struct bw_buf *out)
{
  if (!e)
    bw_buf_printf(out, "no configured watcher supplies what the expression asks for (%s)", bw_dimensions[i].expression);
  else if (r->type == BW_TYPE_ERROR)
    bw_buf_add_str(out, r->s);
  else {
    bw_values_text(env, out);
    bw_buf_printf(out, "%swhich gives no 1, 2 or 3", out->len ? ", " : "");
  }
}

static void dimension(struct bw_env *env, const struct play *p, const struct readiness_result *r, size_t i, struct bw_buf *b,
                      struct bw_buf *says)
{
  const struct bw_expr *e = p->readiness.dimension[i];
  struct bw_buf text = {0};
  struct bw_value v;
  env->eval.nleaves = 0;
  (void)points_of(env, e, &v);
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_cstr(b, bw_dimensions[i].name);
  bw_json_key(b, "points");
  bw_json_int(b, r->points[i]);
  bw_json_key(b, "known");
  bw_json_bool(b, r->known[i]);
  bw_json_key(b, "expression");
  bw_json_str(b, e ? bw_expr_source(e) : bw_str(bw_dimensions[i].expression));
  bw_values_json(env, b);
  if (!r->known[i]) {
    supply(env, i, e, &v, &text);
    bw_json_key(b, "supply");
    bw_json_str(b, bw_buf_str(&text));
  }
  bw_json_close(b, '}');
  if (r->points[i] < 3) {
    bw_buf_printf(says, "%s%s %d", says->len ? ", " : "", bw_dimensions[i].name, r->points[i]);
    if (!r->known[i])
      bw_buf_printf(says, " (not known: %s)", bw_buf_cstr(&text));
  }
  bw_buf_clear(&text);
}

static void explain_points(const struct readiness_result *r, struct bw_buf *b)
{
  size_t i;
  bw_json_key(b, "readiness");
  bw_json_open(b, '{');
  for (i = 0; i < DIMENSIONS; i++) {
    bw_json_key(b, bw_dimensions[i].name);
    if (r->known[i])
      bw_json_int(b, r->points[i]);
    else
      bw_json_null(b);
  }
  bw_json_key(b, "total");
  bw_json_int(b, r->total);
  bw_json_key(b, "of");
  bw_json_int(b, DIMENSIONS * 3);
  bw_json_key(b, "verdict");
  bw_json_cstr(b, band_names[r->band]);
  bw_json_close(b, '}');
}

void bw_readiness_explain(struct bw_env *env, const struct play *p, struct verdict *v)
{
  const struct readiness *rule = &p->readiness;
  struct bw_buf *b = &v->why, lacking = {0};
  size_t i;
  explain_points(&v->readiness, b);
  bw_json_key(b, "readiness_rule");
  bw_json_open(b, '{');
  bw_json_key(b, "pursue");
  bw_json_num(b, rule->pursue);
  bw_json_key(b, "nurture");
  bw_json_num(b, rule->from);
  bw_json_key(b, "unknown");
  bw_json_int(b, rule->unknown);
  bw_json_key(b, "decides");
  bw_json_bool(b, rule->decides > 0);
  bw_json_key(b, "dimensions");
  bw_json_open(b, '[');
  for (i = 0; i < DIMENSIONS; i++)
    dimension(env, p, &v->readiness, i, b, &lacking);
  bw_json_close(b, ']');
  bw_json_close(b, '}');
  if (v->blocked_by && !v->says && strcmp(v->blocked_by, "readiness") == 0)
    v->says = bw_asprintf("%s: readiness is %d of 18 points, and this play pursues from %g on; what lacks: %s",
                          v->readiness.band == BAND_NURTURE ? "nurture, do not pursue" : "wait", v->readiness.total,
                          rule->pursue, bw_buf_cstr(&lacking));
  bw_buf_clear(&lacking);
}
