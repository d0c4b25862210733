/* SPDX-License-Identifier: Apache-2.0 */
/* What paths there are.  No privileges. */
#include "web/internal.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct bw_route routes[] = {
    {"/v1/track", BW_ROUTE_EVENTS, BW_KIND_TRACK},
    {"/v1/identify", BW_ROUTE_EVENTS, BW_KIND_IDENTIFY},
    {"/v1/group", BW_ROUTE_EVENTS, BW_KIND_GROUP},
    {"/v1/page", BW_ROUTE_EVENTS, BW_KIND_PAGE},
    {"/v1/screen", BW_ROUTE_EVENTS, BW_KIND_SCREEN},
    {"/v1/alias", BW_ROUTE_EVENTS, BW_KIND_ALIAS},
    {"/v1/batch", BW_ROUTE_EVENTS, BW_KIND_NONE},
    {"/v1/import", BW_ROUTE_EVENTS, BW_KIND_NONE},
    /* what Segment's browser library calls them */
    {"/v1/t", BW_ROUTE_EVENTS, BW_KIND_TRACK},
    {"/v1/i", BW_ROUTE_EVENTS, BW_KIND_IDENTIFY},
    {"/v1/g", BW_ROUTE_EVENTS, BW_KIND_GROUP},
    {"/v1/p", BW_ROUTE_EVENTS, BW_KIND_PAGE},
    {"/v1/s", BW_ROUTE_EVENTS, BW_KIND_SCREEN},
    {"/v1/a", BW_ROUTE_EVENTS, BW_KIND_ALIAS},
    {"/v1/b", BW_ROUTE_EVENTS, BW_KIND_NONE},
    {"/healthz", BW_ROUTE_HEALTH, 0},
    {"/metrics", BW_ROUTE_METRICS, 0},
};
_Static_assert(COUNT(routes) < BW_WEB_ROUTES, "the counters have a row for each route and one for what is unknown");

const struct bw_route *bw_route_at(size_t i)
{
  return i < COUNT(routes) ? &routes[i] : NULL;
}

const struct bw_route *bw_route_find(struct bw_str path)
{
  size_t i;
  while (path.len > 1 && path.data[path.len - 1] == '/')
    path.len--;
  for (i = 0; i < COUNT(routes); i++)
    if (bw_str_is(path, routes[i].path))
      return &routes[i];
  return NULL;
}

size_t bw_route_index(const struct bw_route *route)
{
  return route ? (size_t)(route - routes) : COUNT(routes);
}
