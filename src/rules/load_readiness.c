/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What readiness is made of: six dimensions of 1 to 3 points, the bands, and what an unknown value counts; a play's own, or
 * shared.  Runs wherever rules are read; no privileges.
 */
#include <stdlib.h>

#include "rules/private.h"

/* A boundary belongs to the better band.  0 points: the value is none that the dimension knows. */
const struct dimension bw_dimensions[DIMENSIONS] = {
    {"adoption", "trait.usage.dau_mau >= 0.6 ? 3 : trait.usage.dau_mau >= 0.3 ? 2 : 1"},
    {"health", "account.health == \"green\" ? 3 : account.health == \"yellow\" ? 2 : account.health == \"red\" ? 1 : 0"},
    {"time_since_purchase", "account.months >= 3 && account.months <= 12 ? 3 : account.months >= 1 ? 2 : 1"},
    {"signals", "triggered >= 2 ? 3 : triggered >= 1 ? 2 : 1"},
    {"relationship", "account.relationship == \"multi-threaded\" ? 3 : account.relationship == \"single\" ? 2 : 1"},
    {"budget", "account.budget == \"positive\" ? 3 : account.budget == \"stable\" ? 2 : account.budget == \"cuts\" ? 1 : 0"},
};

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
    r->dimension[i] = bw_load_builtin(l, bw_dimensions[i].expression, BW_TYPE_DOUBLE, BW_LEVEL_SCORED);
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
  size_t i;
  if (r)
    return r;
  names = bw_calloc(l->p->nreadinesses + 1, sizeof *names);
  for (i = 0; i < l->p->nreadinesses; i++)
    names[i] = l->p->readinesses[i].name;
  bw_load_absent(l, n, names, "there is no document \"readiness: %.*s\" in plays/", (int)(n->text.len > 60 ? 60 : n->text.len),
                 n->text.data);
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
    names[i] = bw_dimensions[i].name;
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
