/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: who gets a lead.  Two kinds of documents: "roles" (role to person) and "route" (a table).  No privileges. */
#include <stdlib.h>

#include "plays/private.h"

static const char *const motions[] = {"expansion", "renewal", "revival", NULL};
static const char *const types[] = {"seat", "tier", "cross_sell", "usage", "risk", "any", NULL};

static bool one_of(struct bw_str s, const char *const *names)
{
  size_t i;
  for (i = 0; names[i]; i++)
    if (bw_str_is(s, names[i]))
      return true;
  return false;
}

void bw_role_clear(struct role *r)
{
  size_t i;
  for (i = 0; i < r->npeople; i++)
    bw_expr_free(&r->people[i]);
  free(r->people);
  free(r->name);
}

void bw_route_clear(struct route *r)
{
  size_t i, j;
  for (i = 0; i < r->nrows; i++) {
    for (j = 0; j < r->rows[i].ntypes; j++)
      free(r->rows[i].types[j]);
    free(r->rows[i].types);
    free(r->rows[i].motion);
    bw_expr_free(&r->rows[i].when);
  }
  free(r->rows);
  free(r->fallback);
  free(r->name);
}

/* The items of a list, or the one scalar. */
static size_t items_of(const struct bw_node *n, const struct bw_node **ret_items)
{
  if (n->type == BW_NODE_LIST) {
    *ret_items = n->items;
    return n->nitems;
  }
  *ret_items = n;
  return n->type == BW_NODE_NULL ? 0 : 1;
}

static void take_role(struct loader *l, const struct bw_node *n)
{
  struct bw_plays *p = l->p;
  const struct bw_node *items;
  size_t count = items_of(n, &items), i;
  struct role *r;
  if (bw_find_role(p, n->key) >= 0 || bw_str_is(n->key, "operator")) {
    bw_complain_key(l->complaints, n, "the role \"%.*s\" is given twice (operator is always there)", BW_FMT(n->key));
    return;
  }
  if (p->nroles >= MAX_ROLES || count > 16) {
    bw_complain_key(l->complaints, n, "more than %d roles, or more than 16 places to look for one person", MAX_ROLES);
    return;
  }
  p->roles = bw_realloc(p->roles, p->nroles + 1, sizeof *p->roles);
  r = &p->roles[p->nroles++];
  *r = (struct role){.name = bw_str_dup(n->key), .people = bw_calloc(count + 1, sizeof *r->people)};
  for (i = 0; i < count; i++) {
    struct bw_expr *e = bw_load_expr(l, &items[i], BW_TYPE_STRING, LEVEL_GATES);
    if (e)
      r->people[r->npeople++] = e;
  }
}

/* The index of a role; operator is -1, and so is what was complained about. */
static int role_at(struct loader *l, const struct bw_node *n)
{
  const char *names[MAX_ROLES + 2];
  const char *near;
  size_t i;
  int at;
  if (n->type == BW_NODE_STRING && bw_str_is(n->text, "operator"))
    return -1;
  at = n->type == BW_NODE_STRING ? bw_find_role(l->p, n->text) : -1;
  if (at >= 0)
    return at;
  for (i = 0; i < l->p->nroles; i++)
    names[i] = l->p->roles[i].name;
  names[i++] = "operator";
  names[i] = NULL;
  near = bw_nearest(n->text, names);
  bw_complain(l->complaints, n,
              "there is no role of this name%s%s%s; roles are listed in the document \"roles\", which must come "
              "before (file names are read in order)",
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  return -1;
}

static void take_types(struct loader *l, const struct bw_node *n, struct route_row *row)
{
  const struct bw_node *items;
  size_t count = items_of(n, &items), i;
  if (count > 16)
    count = 16;
  row->types = bw_calloc(count + 1, sizeof *row->types);
  for (i = 0; i < count; i++) {
    if (items[i].type != BW_NODE_STRING || !one_of(items[i].text, types)) {
      bw_complain(l->complaints, &items[i], "a type should stand here: seat, tier, cross_sell, usage, risk or any");
      continue;
    }
    row->types[row->ntypes++] = bw_str_dup(items[i].text);
  }
}

static void take_row(struct loader *l, const struct bw_node *n, struct route *r)
{
  static const char *const keys[] = {"type", "motion", "when", "to", "csm", "note", NULL};
  const struct bw_node *v;
  struct route_row *row;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "a row should be a map: {type: seat, when: ..., to: csm}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  r->rows = bw_realloc(r->rows, r->nrows + 1, sizeof *r->rows);
  row = &r->rows[r->nrows++];
  *row = (struct route_row){.role = -1, .line = n->line};
  if ((v = bw_node_get(n, "type")))
    take_types(l, v, row);
  if ((v = bw_node_get(n, "motion"))) {
    if (v->type != BW_NODE_STRING || !one_of(v->text, motions))
      bw_complain(l->complaints, v, "a motion should stand here: expansion, renewal or revival");
    else
      row->motion = bw_str_dup(v->text);
  }
  if ((v = bw_node_get(n, "when")))
    row->when = bw_load_expr(l, v, BW_TYPE_BOOL, LEVEL_ALL);
  if ((v = bw_node_get(n, "to")))
    row->role = role_at(l, v);
  else
    bw_complain(l->complaints, n, "\"to\" is missing: the role that gets the lead");
  if ((v = bw_node_get(n, "csm"))) {
    row->csm_required = bw_str_is(v->text, "required");
    if (v->type != BW_NODE_STRING || (!row->csm_required && !bw_str_is(v->text, "optional")))
      bw_complain(l->complaints, v, "\"csm\" is required (they must be told) or optional");
  }
}

static void take_route(struct loader *l, const struct bw_node *root)
{
  static const char *const keys[] = {"route", "rows", "fallback", "note", NULL};
  struct bw_plays *p = l->p;
  const struct bw_node *rows = bw_node_get(root, "rows"), *fallback = bw_node_get(root, "fallback"), *items;
  struct route *r;
  size_t i, count;
  char *name = bw_load_text(l, root, "route", NULL);
  if (bw_find_route(p, name) >= 0 || p->nroutes >= MAX_ROUTES) {
    bw_complain(l->complaints, bw_node_get(root, "route"), "the route \"%s\" is there twice, or there are more than %d", name,
                MAX_ROUTES);
    free(name);
    return;
  }
  bw_load_known_keys(l, root, keys);
  p->routes = bw_realloc(p->routes, p->nroutes + 1, sizeof *p->routes);
  r = &p->routes[p->nroutes++];
  *r = (struct route){.name = name};
  if (!rows || rows->type != BW_NODE_LIST || rows->nitems == 0 || rows->nitems > MAX_ROWS) {
    bw_complain(l->complaints, rows ? rows : root, "\"rows\" should be a list of 1 to %d rows", MAX_ROWS);
    return;
  }
  for (i = 0; i < rows->nitems; i++)
    take_row(l, &rows->items[i], r);
  if (!fallback)
    return;
  count = items_of(fallback, &items);
  r->fallback = bw_calloc(count + 1, sizeof *r->fallback);
  for (i = 0; i < count && i < MAX_ROLES; i++) {
    int role = role_at(l, &items[i]);
    if (role >= 0)
      r->fallback[r->nfallback++] = role;
  }
}

void bw_load_routes_document(struct loader *l, const struct bw_node *root)
{
  const struct bw_node *roles = root->type == BW_NODE_MAP ? bw_node_get(root, "roles") : NULL;
  size_t i;
  if (roles) {
    static const char *const keys[] = {"roles", "note", NULL};
    bw_load_known_keys(l, root, keys);
    for (i = 0; roles->type == BW_NODE_MAP && i < roles->nitems; i++)
      take_role(l, &roles->items[i]);
    if (roles->type != BW_NODE_MAP)
      bw_complain(l->complaints, roles, "\"roles\" should be a map of role to names: {csm: account.csm}");
  } else if (root->type == BW_NODE_MAP && bw_node_get(root, "route")) {
    take_route(l, root);
  } else {
    bw_complain(l->complaints, root, "a document in routes/ begins with \"route: NAME\" or \"roles:\"");
  }
}
