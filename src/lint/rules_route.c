/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about routes: whose a lead is, who is told, which rows are never reached.  No privileges. */
#include <string.h>

#include "lint/private.h"

static bool among(const char *const *words, size_t n, const char *word)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (strcmp(words[i], "any") == 0 || strcmp(words[i], word) == 0)
      return true;
  return n == 0;
}

bool lint_row_takes(const struct bw_route_row_info *row, const struct lint_play *p)
{
  return !row->never && among(row->motions, row->nmotions, p->info.motion) && among(row->types, row->ntypes, p->info.type);
}

const char *lint_route_of(const struct lint_play *p, size_t i)
{
  const char *rest[] = {p->rules.floor_otherwise, p->rules.nurture_route};
  size_t k;
  if (i-- == 0)
    return p->info.route;
  for (k = 0; k < p->ngates; k++)
    if (p->gates[k].info.otherwise && i-- == 0)
      return p->gates[k].info.otherwise;
  for (k = 0; k < 2; k++)
    if (rest[k] && i-- == 0)
      return rest[k];
  return NULL;
}

const char *lint_template_of(const struct lint_play *p, size_t i)
{
  const char *rest[] = {p->rules.floor_template, p->rules.nurture_template};
  size_t k;
  if (i-- == 0)
    return p->info.template_name;
  for (k = 0; k < p->ngates; k++)
    if (p->gates[k].info.otherwise_template && i-- == 0)
      return p->gates[k].info.otherwise_template;
  for (k = 0; k < 2; k++)
    if (rest[k] && i-- == 0)
      return rest[k];
  return NULL;
}

static bool row_of(const struct bw_route_row_info *row, const char *route)
{
  return strcmp(row->route, route) == 0;
}

static struct where row_at(const struct bw_route_row_info *row)
{
  return (struct where){row->file, row->line, row->column};
}

static bool is_taken(const struct bw_lint *l, const struct lint_play *p, const char *route)
{
  struct bw_route_row_info row;
  size_t i;
  for (i = 0; bw_routes_at(l->setup->plays, i, &row); i++)
    if (row_of(&row, route) && lint_row_takes(&row, p))
      return true;
  return bw_route_fallback_at(l->setup->plays, route, 0) != NULL;
}

void check_owner(struct bw_lint *l)
{
  const char *route;
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; (route = lint_route_of(&l->plays[i], k)); k++)
      if (!is_taken(l, &l->plays[i], route))
        lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "route"),
                       "%s: no row of the route %s takes motion %s with type %s, and it has no fallback", l->plays[i].info.name,
                       route, l->plays[i].info.motion, l->plays[i].info.type);
}

static bool used(const struct bw_lint *l, const char *route)
{
  const char *r;
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; (r = lint_route_of(&l->plays[i], k)); k++)
      if (strcmp(r, route) == 0)
        return true;
  return false;
}

static bool conditional(const struct bw_route_row_info *row)
{
  return row->when.len || row->nmotions || row->ntypes || row->nsegments || row->size->set || row->estimate->set ||
         row->tenure->set || row->vendor_size->set;
}

void check_fallback(struct bw_lint *l)
{
  struct bw_route_row_info row;
  size_t i;
  for (i = 0; bw_routes_at(l->setup->plays, i, &row); i++)
    if (row.row == row.rows && conditional(&row) && used(l, row.route) && !bw_route_fallback_at(l->setup->plays, row.route, 0))
      lint_find(l, row_at(&row), "the route %s ends in a row with conditions and has no fallback", row.route);
}

static bool told(const struct bw_route_row_info *row)
{
  return row->csm_required || strcmp(row->role, "csm") == 0 || strcmp(row->role, "operator") == 0;
}

void check_csm_notice(struct bw_lint *l)
{
  struct bw_route_row_info row;
  const char *route;
  size_t i, k, r;
  for (r = 0; bw_routes_at(l->setup->plays, r, &row); r++) {
    const struct lint_play *by = NULL;
    for (i = 0; i < l->nplays && !by; i++)
      for (k = 0; l->plays[i].expansion && (route = lint_route_of(&l->plays[i], k)); k++)
        if (row_of(&row, route) && lint_row_takes(&row, &l->plays[i]))
          by = &l->plays[i];
    if (by && !told(&row))
      lint_find(l, row_at(&row), "row %zu of the route %s gives expansions (%s) to the %s without csm: required", row.row,
                row.route, by->info.name, row.role);
  }
}

void check_unreachable_row(struct bw_lint *l)
{
  struct bw_route_row_info a, b;
  size_t i, j;
  for (j = 0; bw_routes_at(l->setup->plays, j, &b); j++)
    for (i = 0; i < j && bw_routes_at(l->setup->plays, i, &a);
         i++) /* a row for our size leaves the others to other companies */
      if (!a.vendor_size->set && bw_routes_compare(l->setup->plays, i, j) == BW_ROUTES_COVERS) {
        lint_find(l, row_at(&b), "row %zu of the route %s is never reached: row %zu takes everything that it would", b.row,
                  b.route, a.row);
        break;
      }
}

void check_overlap(struct bw_lint *l)
{
  struct bw_route_row_info a, b;
  size_t i, j;
  for (j = 0; bw_routes_at(l->setup->plays, j, &b); j++)
    for (i = 0; i < j && bw_routes_at(l->setup->plays, i, &a); i++)
      if (bw_routes_compare(l->setup->plays, i, j) == BW_ROUTES_OVERLAP &&
          bw_routes_compare(l->setup->plays, j, i) == BW_ROUTES_OVERLAP && strcmp(a.role, b.role) != 0 && !*a.note)
        lint_find(l, row_at(&b), "rows %zu (%s) and %zu (%s) of the route %s fit some of the same leads; row %zu takes them",
                  a.row, a.role, b.row, b.role, b.route, a.row);
}

void check_unused_route(struct bw_lint *l)
{
  struct bw_route_row_info row;
  size_t i;
  for (i = 0; bw_routes_at(l->setup->plays, i, &row); i++)
    if (row.row == 1 && !used(l, row.route))
      lint_find(l, row_at(&row), "no play uses the route %s", row.route);
}

static bool role_used(const struct bw_lint *l, const char *role)
{
  struct bw_route_row_info row;
  const char *fallback;
  size_t i, k;
  for (i = 0; bw_routes_at(l->setup->plays, i, &row); i++) {
    if (strcmp(row.role, role) == 0)
      return true;
    for (k = 0; row.row == 1 && (fallback = bw_route_fallback_at(l->setup->plays, row.route, k)); k++)
      if (strcmp(fallback, role) == 0)
        return true;
  }
  return false;
}

static struct where role_at(const struct bw_lint *l, const char *role)
{
  size_t i;
  for (i = 0; i < l->nroots; i++) {
    const struct bw_node *roles = l->roots[i]->type == BW_NODE_MAP ? bw_node_get(l->roots[i], "roles") : NULL;
    const struct bw_node *n = roles && roles->type == BW_NODE_MAP ? bw_node_get(roles, role) : NULL;
    if (n)
      return (struct where){n->file, n->key_line, n->key_column};
  }
  return (struct where){0};
}

void check_empty_role(struct bw_lint *l)
{
  struct bw_role_info role;
  size_t i;
  for (i = 0; bw_roles_at(l->setup->plays, i, &role); i++)
    if (!role.places && !role.pool && role_used(l, role.name))
      lint_find(l, role_at(l, role.name), "the role %s gets leads, and names no place to look for a person", role.name);
}
