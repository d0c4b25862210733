/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness: six dimensions of 1 to 3 points.  What they are made of is configuration; what is not known counts a fixed number
 * of points, and the record that would supply it is named.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "plays/private.h"

/* A boundary belongs to the better band.  0 points: the value is none that the dimension knows. */
static const struct {
  const char *name, *expression;
} builtin[DIMENSIONS] = {
    {"adoption", "trait.usage.dau_mau >= 0.6 ? 3 : trait.usage.dau_mau >= 0.3 ? 2 : 1"},
    {"health", "account.health == \"green\" ? 3 : account.health == \"yellow\" ? 2 : account.health == \"red\" ? 1 : 0"},
    {"time_since_purchase", "account.months >= 3 && account.months <= 12 ? 3 : account.months >= 1 ? 2 : 1"},
    {"signals", "triggered >= 2 ? 3 : triggered >= 1 ? 2 : 1"},
    {"relationship", "account.relationship == \"multi-threaded\" ? 3 : account.relationship == \"single\" ? 2 : 1"},
    {"budget", "account.budget == \"positive\" ? 3 : account.budget == \"stable\" ? 2 : account.budget == \"cuts\" ? 1 : 0"},
};
static const char *const band_names[] = {"pursue", "nurture", "wait"};

/* ---- loading ---- */

void bw_readiness_clear(struct readiness *r)
{
  size_t i;
  for (i = 0; i < DIMENSIONS; i++)
    if (r->own[i])
      bw_expr_free(&r->dimension[i]);
  free(r->name);
  free(r->template_name);
  *r = (struct readiness){0};
}

void bw_load_builtin_readiness(struct loader *l)
{
  struct readiness *r = &l->p->builtin;
  size_t i;
  *r = (struct readiness){.pursue = 12, .from = 8, .unknown = 1, .decides = -1, .route = -1};
  for (i = 0; i < DIMENSIONS; i++) {
    r->dimension[i] = bw_load_builtin(l, builtin[i].expression, BW_TYPE_DOUBLE, BW_LEVEL_SCORED);
    r->own[i] = true;
  }
}

static void copy(struct readiness *to, const struct readiness *from)
{
  *to = *from;
  memset(to->own, 0, sizeof to->own);
  to->name = NULL;
  to->template_name = from->template_name ? bw_strdup(from->template_name) : NULL;
}

static const struct readiness *find(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->nreadinesses; i++)
    if (bw_str_is(name, p->readinesses[i].name))
      return &p->readinesses[i];
  return NULL;
}

static const struct readiness *find_used(struct loader *l, const struct bw_node *n)
{
  const struct readiness *r = find(l->p, n->text);
  const char **names BW_AUTOFREE = NULL;
  const char *near;
  size_t i;
  if (r)
    return r;
  names = bw_calloc(l->p->nreadinesses + 1, sizeof *names);
  for (i = 0; i < l->p->nreadinesses; i++)
    names[i] = l->p->readinesses[i].name;
  near = bw_nearest(n->text, names);
  bw_complain(l->complaints, n, "there is no document \"readiness: %.*s\" in plays/%s%s%s",
              (int)(n->text.len > 60 ? 60 : n->text.len), n->text.data, near ? "; did you mean " : "", near ? near : "",
              near ? "?" : "");
  return NULL;
}

/* nurture: 8, or {from: 8, route: NAME, template: NAME}. */
static void take_nurture(struct loader *l, const struct bw_node *n, struct readiness *r)
{
  static const char *const keys[] = {"from", "route", "template", NULL};
  const struct bw_node *v;
  if (n->type != BW_NODE_MAP) {
    bw_load_number(l, n, 6, 18, &r->from);
    return;
  }
  bw_load_known_keys(l, n, keys);
  if ((v = bw_node_get(n, "from")))
    bw_load_number(l, v, 6, 18, &r->from);
  if (!(v = bw_node_get(n, "route"))) {
    bw_complain(l->complaints, n,
                "\"nurture\" says where a lead of this band goes: {from: 8, route: ..., template: ...}; without a "
                "route there is no lead, and \"nurture: 8\" is enough");
    return;
  }
  r->route = bw_load_route_name(l, v);
  if ((v = bw_node_get(n, "template"))) {
    free(r->template_name);
    r->template_name = bw_load_text(l, n, "template", "");
    r->template_line = v->line;
    r->template_column = v->column;
  }
}

static void take_dimensions(struct loader *l, const struct bw_node *n, struct readiness *r)
{
  const char *names[DIMENSIONS + 1] = {NULL};
  const struct bw_node *v;
  size_t i;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n,
                "\"dimensions\" should be a map from a dimension to the expression that gives its points, 1 to 3");
    return;
  }
  for (i = 0; i < DIMENSIONS; i++)
    names[i] = builtin[i].name;
  bw_load_known_keys(l, n, names);
  for (i = 0; i < DIMENSIONS; i++) {
    if (!(v = bw_node_get(n, names[i])))
      continue;
    r->dimension[i] = bw_load_expr(l, v, BW_TYPE_DOUBLE, BW_LEVEL_SCORED);
    r->own[i] = true;
  }
}

static void take(struct loader *l, const struct bw_node *n, struct readiness *r)
{
  const struct bw_node *v;
  double unknown;
  if ((v = bw_node_get(n, "pursue")))
    bw_load_number(l, v, 6, 18, &r->pursue);
  if ((v = bw_node_get(n, "nurture")))
    take_nurture(l, v, r);
  if ((v = bw_node_get(n, "unknown")) && bw_load_number(l, v, 1, 2, &unknown))
    r->unknown = unknown >= 2 ? 2 : 1;
  if ((v = bw_node_get(n, "decides"))) {
    if (v->type == BW_NODE_BOOL)
      r->decides = v->number > 0;
    else
      bw_complain(l->complaints, v, "\"decides\" should be true or false");
  }
  if ((v = bw_node_get(n, "dimensions")))
    take_dimensions(l, v, r);
  if (r->from > r->pursue)
    bw_complain(l->complaints, n, "nurture begins at %g points and pursuit at %g: it should be the other way round", r->from,
                r->pursue);
}

void bw_load_readiness_document(struct loader *l, const struct bw_node *root)
{
  static const char *const keys[] = {"readiness", "pursue", "nurture", "unknown", "decides", "dimensions", "note", NULL};
  struct bw_plays *p = l->p;
  char *name = bw_load_text(l, root, "readiness", NULL);
  struct readiness *r;
  bw_load_known_keys(l, root, keys);
  if (!name[0] || find(p, bw_str(name)) || p->nreadinesses >= MAX_GATE_LISTS) {
    bw_complain(
        l->complaints, bw_node_get(root, "readiness"),
        "a shared readiness needs a name of its own (\"default\" is for all plays that name none); \"%s\" is empty or taken",
        name);
    free(name);
    return;
  }
  p->readinesses = bw_realloc(p->readinesses, p->nreadinesses + 1, sizeof *p->readinesses);
  r = &p->readinesses[p->nreadinesses++];
  copy(r, &p->builtin);
  r->name = name;
  take(l, root, r);
}

void bw_load_readiness(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const keys[] = {"use", "pursue", "nurture", "unknown", "decides", "dimensions", NULL};
  const struct bw_node *n = bw_node_get(root, "readiness");
  const struct bw_node *use = n && n->type == BW_NODE_MAP ? bw_node_get(n, "use") : n && n->type == BW_NODE_STRING ? n : NULL;
  size_t i;
  const struct readiness *base = use ? find_used(l, use) : find(l->p, BW_STR("default"));
  copy(&p->readiness, base ? base : &l->p->builtin);
  if (n && n->type == BW_NODE_MAP) {
    bw_load_known_keys(l, n, keys);
    take(l, n, &p->readiness);
  } else if (n && n->type != BW_NODE_STRING) {
    bw_complain(l->complaints, n, "\"readiness\" should be the name of a shared one, or a map: {pursue: 12, nurture: 8}");
  }
  for (i = 0; i < DIMENSIONS; i++)
    p->readiness.alike[i] = !p->readiness.own[i] && bw_expr_is_alike(p->readiness.dimension[i]);
  if (p->readiness.decides < 0)
    p->readiness.decides = strcmp(p->motion, "expansion") == 0;
}

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
    bw_buf_printf(out, "no configured watcher supplies what the expression asks for (%s)", builtin[i].expression);
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
  bw_json_cstr(b, builtin[i].name);
  bw_json_key(b, "points");
  bw_json_int(b, r->points[i]);
  bw_json_key(b, "known");
  bw_json_bool(b, r->known[i]);
  bw_json_key(b, "expression");
  bw_json_str(b, e ? bw_expr_source(e) : bw_str(builtin[i].expression));
  bw_values_json(env, b);
  if (!r->known[i]) {
    supply(env, i, e, &v, &text);
    bw_json_key(b, "supply");
    bw_json_str(b, bw_buf_str(&text));
  }
  bw_json_close(b, '}');
  if (r->points[i] < 3) {
    bw_buf_printf(says, "%s%s %d", says->len ? ", " : "", builtin[i].name, r->points[i]);
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
    bw_json_key(b, builtin[i].name);
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
