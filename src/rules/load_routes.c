/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: who gets a lead.  Documents: "settings" (amounts with names), "people", "roles" (role to person), "route" (a table).
 * Runs wherever rules are read; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "rules/private.h"

static bool one_of(struct bw_str s, const char *const *names)
{
  size_t i;
  for (i = 0; names[i]; i++)
    if (bw_str_is(s, names[i]))
      return true;
  return false;
}

void bw_words_clear(struct words *w)
{
  size_t i;
  for (i = 0; i < w->n; i++)
    free(w->items[i]);
  free(w->items);
}

void bw_role_clear(struct role *r)
{
  struct words members = {r->pool.members, r->pool.nmembers};
  size_t i;
  for (i = 0; i < r->npeople; i++)
    bw_expr_free(&r->people[i]);
  bw_words_clear(&members);
  free(r->pool.file);
  free(r->people);
  free(r->name);
}

void bw_route_clear(struct route *r)
{
  size_t i;
  for (i = 0; i < r->nrows; i++) {
    struct route_row *row = &r->rows[i];
    bw_words_clear(&row->motions);
    bw_words_clear(&row->types);
    bw_words_clear(&row->segments);
    free(row->size.text);
    free(row->estimate.text);
    free(row->tenure.text);
    free(row->vendor.text);
    free(row->note);
    free(row->file);
    bw_expr_free(&row->when);
  }
  free(r->rows);
  free(r->fallback);
  free(r->name);
}

int bw_find_route(const struct bw_plays *p, const char *name)
{
  size_t i;
  for (i = 0; i < p->nroutes; i++)
    if (strcmp(p->routes[i].name, name) == 0)
      return (int)i;
  return -1;
}

int bw_find_role(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->nroles; i++)
    if (bw_str_is(name, p->roles[i].name))
      return (int)i;
  return -1;
}

/* ---- roles ---- */

static void take_members(struct loader *l, const struct bw_node *n, struct pool *pool)
{
  const struct bw_node *items;
  size_t count = bw_load_items(n, &items), i, j;
  if (!count || count > MAX_MEMBERS) {
    bw_complain(l->complaints, n, "\"members\" should list 1 to %d people: [anna@example.com, ben@example.com]", MAX_MEMBERS);
    return;
  }
  pool->members = bw_calloc(count + 1, sizeof *pool->members);
  for (i = 0; i < count; i++) {
    if (items[i].type != BW_NODE_STRING || !items[i].text.len || items[i].text.len > 320) {
      bw_complain(l->complaints, &items[i], "a person should stand here: anna@example.com");
      continue;
    }
    for (j = 0; j < pool->nmembers && !bw_str_is(items[i].text, pool->members[j]); j++)
      ;
    if (j < pool->nmembers)
      bw_complain(l->complaints, &items[i], "\"%s\" is in the pool twice", pool->members[j]);
    else
      pool->members[pool->nmembers++] = bw_str_dup(items[i].text);
  }
}

static void take_pool(struct loader *l, const struct bw_node *n, struct role *r)
{
  static const char *const keys[] = {"members", "by", "note", NULL};
  const struct bw_node *v;
  if (r->pool.given) {
    bw_complain(l->complaints, n, "a role has one pool, as the last place to look");
    return;
  }
  r->pool = (struct pool){.given = true, .line = n->line, .column = n->column, .file = bw_strdup(n->file ? n->file : "")};
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "a pool should be a map: {members: [anna@example.com], by: round_robin}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  if ((v = bw_node_get(n, "members")))
    take_members(l, v, &r->pool);
  v = bw_node_get(n, "by");
  r->pool.least_loaded = v && bw_str_is(v->text, "least_loaded");
  if (v && !r->pool.least_loaded && !bw_str_is(v->text, "round_robin"))
    bw_complain(l->complaints, v, "\"by\" is round_robin (each in turn) or least_loaded (who has the fewest open leads)");
}

/* One place to look: an expression, or {pool: ...}. */
static void take_place(struct loader *l, const struct bw_node *n, struct role *r)
{
  static const char *const keys[] = {"pool", "note", NULL};
  struct bw_expr *e;
  if (n->type == BW_NODE_MAP) {
    bw_load_known_keys(l, n, keys);
    if (bw_node_get(n, "pool"))
      take_pool(l, bw_node_get(n, "pool"), r);
    else
      bw_complain(l->complaints, n, "a name (account.csm) or a pool ({pool: {members: [...]}}) should stand here");
    return;
  }
  if (r->pool.given)
    bw_complain(l->complaints, n, "the pool is the last place to look: what comes after it would never be reached");
  e = bw_load_expr(l, n, BW_TYPE_STRING, BW_LEVEL_GATES);
  if (e)
    r->people[r->npeople++] = e;
}

static void take_role(struct loader *l, const struct bw_node *n)
{
  struct bw_plays *p = l->p;
  const struct bw_node *items;
  size_t count = bw_load_items(n, &items), i;
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
  for (i = 0; i < count; i++)
    take_place(l, &items[i], r);
}

/* The index of a role; operator is -1, and so is what was complained about. */
static int role_at(struct loader *l, const struct bw_node *n)
{
  const char *names[MAX_ROLES + 2];
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
  bw_load_absent(
      l, n, names,
      "there is no role of this name; roles are listed in the document \"roles\", which must come before (file names "
      "are read in order)");
  return -1;
}

/* ---- rows ---- */

/* A word or a list of them, each one of `names` (NULL: any text). */
static void take_words(struct loader *l, const struct bw_node *n, const char *const *names, const char *what, struct words *ret)
{
  const struct bw_node *items;
  size_t count = bw_load_items(n, &items), i;
  if (count > 32) {
    bw_complain(l->complaints, n, "more than 32 of them; leave the column out for any");
    return;
  }
  ret->items = bw_calloc(count + 1, sizeof *ret->items);
  for (i = 0; i < count; i++) {
    const struct bw_node *v = &items[i];
    if (v->type == BW_NODE_LIST || v->type == BW_NODE_MAP || !v->text.len || (names && !one_of(v->text, names)))
      bw_complain(l->complaints, v, "%s", what);
    else
      ret->items[ret->n++] = bw_str_dup(v->text);
  }
}

/* Our own size is one number: the row is for us, or it is not. */
static void take_vendor(struct loader *l, const struct bw_node *n, struct route_row *row)
{
  double size = bw_route_constant(&l->p->roster, "vendor_size");
  bw_load_band(l, n, false, &row->vendor);
  if (isnan(size) && !l->unread)
    bw_complain(l->complaints, n,
                "a row by vendor_size needs the size of your own company: \"settings: {vendor_size: 8M}\" in routes/, in a "
                "file that comes before");
  else if (!isnan(size))
    row->never = !bw_band_holds(&row->vendor, size);
}

static void take_columns(struct loader *l, const struct bw_node *n, struct route_row *row)
{
  const struct bw_node *v;
  if ((v = bw_node_get(n, "type")))
    take_words(l, v, bw_lead_types, "a type should stand here: seat, tier, cross_sell, usage, risk or any", &row->types);
  if ((v = bw_node_get(n, "motion")))
    take_words(l, v, bw_motions, "a motion should stand here: expansion, renewal or revival", &row->motions);
  if ((v = bw_node_get(n, "segment")))
    take_words(l, v, NULL, "a segment should stand here, as your account records name it: smb", &row->segments);
  if ((v = bw_node_get(n, "size")))
    bw_load_band(l, v, false, &row->size);
  if ((v = bw_node_get(n, "estimate")))
    bw_load_band(l, v, false, &row->estimate);
  if ((v = bw_node_get(n, "tenure")))
    bw_load_band(l, v, true, &row->tenure);
  if ((v = bw_node_get(n, "vendor_size")))
    take_vendor(l, v, row);
  if ((v = bw_node_get(n, "when")))
    row->when = bw_load_expr(l, v, BW_TYPE_BOOL, BW_LEVEL_ALL);
}

static void take_row(struct loader *l, const struct bw_node *n, struct route *r)
{
  static const char *const keys[] = {"motion",   "type", "size", "vendor_size", "tenure", "segment",
                                     "estimate", "when", "to",   "csm",         "note",   NULL};
  const struct bw_node *v;
  struct route_row *row;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "a row should be a map: {type: seat, when: ..., to: csm}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  r->rows = bw_realloc(r->rows, r->nrows + 1, sizeof *r->rows);
  row = &r->rows[r->nrows++];
  *row = (struct route_row){.role = -1, .line = n->line, .column = n->column};
  row->file = bw_strdup(n->file ? n->file : "");
  row->note = bw_load_text(l, n, "note", "");
  take_columns(l, n, row);
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
  count = bw_load_items(fallback, &items);
  r->fallback = bw_calloc(count + 1, sizeof *r->fallback);
  for (i = 0; i < count && i < MAX_ROLES; i++) {
    int role = role_at(l, &items[i]);
    if (role >= 0)
      r->fallback[r->nfallback++] = role;
  }
}

static void take_roles(struct loader *l, const struct bw_node *root, const struct bw_node *roles)
{
  static const char *const keys[] = {"roles", "note", NULL};
  size_t i;
  bw_load_known_keys(l, root, keys);
  for (i = 0; roles->type == BW_NODE_MAP && i < roles->nitems; i++)
    take_role(l, &roles->items[i]);
  if (roles->type != BW_NODE_MAP)
    bw_complain(l->complaints, roles, "\"roles\" should be a map of role to names: {csm: account.csm}");
}

void bw_load_routes_document(struct loader *l, const struct bw_node *root)
{
  static const char *const people_keys[] = {"people", "note", NULL}, *const settings_keys[] = {"settings", "note", NULL};
  const struct bw_node *n;
  if (root->type != BW_NODE_MAP) {
    bw_complain(l->complaints, root,
                "a document in routes/ begins with \"route: NAME\", \"roles:\", \"people:\" or \"settings:\"");
  } else if ((n = bw_node_get(root, "roles"))) {
    take_roles(l, root, n);
  } else if ((n = bw_node_get(root, "people"))) {
    bw_load_known_keys(l, root, people_keys);
    bw_load_people(l, n);
  } else if ((n = bw_node_get(root, "settings"))) {
    bw_load_known_keys(l, root, settings_keys);
    bw_load_route_settings(l, n);
  } else if (bw_node_get(root, "route")) {
    take_route(l, root);
  } else {
    bw_complain(l->complaints, root,
                "a document in routes/ begins with \"route: NAME\", \"roles:\", \"people:\" or \"settings:\"");
  }
}

/* ---- when all are known ---- */

/* Members as their people records name them, so that one person has one name. */
static void finish_pool(struct loader *l, struct role *r)
{
  const struct roster *roster = &l->p->roster;
  struct pool *pool = &r->pool;
  size_t i, j;
  for (i = 0; i < pool->nmembers; i++) {
    const struct person *p = bw_person_find(roster, bw_str(pool->members[i]));
    if (p) {
      free(pool->members[i]);
      pool->members[i] = bw_strdup(p->email);
    } else if (roster->n) {
      bw_complain_at(l->complaints, pool->file, pool->line, pool->column,
                     "\"%s\" in the pool of the role %s is not listed under \"people\"", pool->members[i], r->name);
    }
  }
  if (pool->members)
    return;
  pool->members = bw_calloc(roster->n + 1, sizeof *pool->members);
  for (i = 0; i < roster->n; i++)
    for (j = 0; j < roster->people[i].roles.n; j++)
      if (strcmp(roster->people[i].roles.items[j], r->name) == 0) {
        pool->members[pool->nmembers++] = bw_strdup(roster->people[i].email);
        break;
      }
  if (!pool->nmembers)
    bw_complain_at(l->complaints, pool->file, pool->line, pool->column,
                   "the pool of the role %s is empty: list its members, or give people \"roles: [%s]\"", r->name, r->name);
}

void bw_load_routes_finish(struct loader *l)
{
  size_t i;
  if (l->unread)
    return;
  bw_load_people_finish(l);
  for (i = 0; i < l->p->nroles; i++)
    if (l->p->roles[i].pool.given)
      finish_pool(l, &l->p->roles[i]);
}
