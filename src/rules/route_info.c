/* SPDX-License-Identifier: Apache-2.0 */
/* Route tables as others may look at them: every row with its constant columns, and how two rows relate.  No privileges. */
#include <math.h>
#include <strings.h>

#include "rules/private.h"

static const struct route_row *row_at(const struct bw_plays *p, size_t i, const struct route **ret_route)
{
  size_t r;
  for (r = 0; r < p->nroutes; r++) {
    if (i < p->routes[r].nrows) {
      *ret_route = &p->routes[r];
      return &p->routes[r].rows[i];
    }
    i -= p->routes[r].nrows;
  }
  return NULL;
}

bool bw_routes_at(const struct bw_plays *p, size_t i, struct bw_route_row_info *ret)
{
  const struct route *r = NULL;
  const struct route_row *row = row_at(p, i, &r);
  if (!row)
    return false;
  *ret = (struct bw_route_row_info){.route = r->name,
                                    .row = (size_t)(row - r->rows) + 1,
                                    .rows = r->nrows,
                                    .file = row->file,
                                    .line = row->line,
                                    .column = row->column,
                                    .role = row->role >= 0 ? p->roles[row->role].name : "operator",
                                    .note = row->note,
                                    .when = row->when ? bw_expr_source(row->when) : BW_STR(""),
                                    .csm_required = row->csm_required,
                                    .never = row->never,
                                    .motions = (const char *const *)row->motions.items,
                                    .types = (const char *const *)row->types.items,
                                    .segments = (const char *const *)row->segments.items,
                                    .nmotions = row->motions.n,
                                    .ntypes = row->types.n,
                                    .nsegments = row->segments.n,
                                    .size = &row->size,
                                    .estimate = &row->estimate,
                                    .tenure = &row->tenure,
                                    .vendor_size = &row->vendor};
  return true;
}

static bool has(const struct words *w, const char *word)
{
  size_t i;
  for (i = 0; i < w->n; i++)
    if (strcasecmp(w->items[i], word) == 0)
      return true;
  return false;
}

static bool any(const struct words *w)
{
  return w->n == 0 || has(w, "any");
}

static bool words_cover(const struct words *a, const struct words *b)
{
  size_t i;
  if (any(a))
    return true;
  for (i = 0; i < b->n; i++)
    if (!has(a, b->items[i]))
      return false;
  return !any(b);
}

static bool words_meet(const struct words *a, const struct words *b)
{
  size_t i;
  for (i = 0; i < a->n; i++)
    if (has(b, a->items[i]))
      return true;
  return any(a) || any(b);
}

/* Whether a's lower end leaves room below b's lower end, or is the same. */
static bool lower_covers(const struct bw_band *a, const struct bw_band *b)
{
  double x = a->set ? a->lo : -INFINITY, y = b->set ? b->lo : -INFINITY;
  return x < y || (x <= y && (!isfinite(x) || a->lo_in || !b->lo_in));
}

static bool upper_covers(const struct bw_band *a, const struct bw_band *b)
{
  double x = a->set ? a->hi : INFINITY, y = b->set ? b->hi : INFINITY;
  return x > y || (x >= y && (!isfinite(x) || a->hi_in || !b->hi_in));
}

/* A band asks for a value: without one only a row without the column holds. */
static bool band_covers(const struct bw_band *a, const struct bw_band *b)
{
  return !a->set || (b->set && lower_covers(a, b) && upper_covers(a, b));
}

static bool ends_meet(double hi, bool hi_in, double lo, bool lo_in)
{
  return hi > lo || (hi >= lo && hi_in && lo_in);
}

static bool band_meets(const struct bw_band *a, const struct bw_band *b)
{
  return !a->set || !b->set || (ends_meet(a->hi, a->hi_in, b->lo, b->lo_in) && ends_meet(b->hi, b->hi_in, a->lo, a->lo_in));
}

static bool when_covers(const struct route_row *a, const struct route_row *b)
{
  return !a->when || (b->when && bw_str_eq(bw_expr_source(a->when), bw_expr_source(b->when)));
}

enum bw_route_relation bw_routes_compare(const struct bw_plays *p, size_t i, size_t j)
{
  const struct route *r1 = NULL, *r2 = NULL;
  const struct route_row *a = row_at(p, i, &r1), *b = row_at(p, j, &r2);
  if (!a || !b || r1 != r2 || a->never || b->never)
    return BW_ROUTES_APART;
  if (!words_meet(&a->motions, &b->motions) || !words_meet(&a->types, &b->types) || !words_meet(&a->segments, &b->segments) ||
      !band_meets(&a->size, &b->size) || !band_meets(&a->estimate, &b->estimate) || !band_meets(&a->tenure, &b->tenure))
    return BW_ROUTES_APART;
  if (words_cover(&a->motions, &b->motions) && words_cover(&a->types, &b->types) && words_cover(&a->segments, &b->segments) &&
      band_covers(&a->size, &b->size) && band_covers(&a->estimate, &b->estimate) && band_covers(&a->tenure, &b->tenure) &&
      when_covers(a, b))
    return BW_ROUTES_COVERS;
  return BW_ROUTES_OVERLAP;
}

bool bw_roles_at(const struct bw_plays *p, size_t i, struct bw_role_info *ret)
{
  const struct role *r;
  if (i >= p->nroles)
    return false;
  r = &p->roles[i];
  *ret = (struct bw_role_info){.name = r->name,
                               .places = r->npeople,
                               .pool = r->pool.given,
                               .least_loaded = r->pool.least_loaded,
                               .members = (const char *const *)r->pool.members,
                               .nmembers = r->pool.nmembers};
  return true;
}
