/* SPDX-License-Identifier: Apache-2.0 */
/* Routing, as the files of this room share it: route tables, roles, and who gets a lead.  Included by private.h. */
#ifndef BW_PLAYS_ROUTES_H
#define BW_PLAYS_ROUTES_H

#include "plays/plays.h"

#define MAX_ROUTES 128
#define MAX_ROWS 128
#define MAX_ROLES 64

struct bw_env;
struct loader;
struct play;
struct verdict;

struct route_row {
  char **types; /* NULL: any */
  size_t ntypes;
  char *motion; /* NULL: any */
  struct bw_expr *when;
  int role;
  bool csm_required;
  uint32_t line;
};
struct route {
  char *name;
  struct route_row *rows;
  size_t nrows;
  int *fallback; /* roles */
  size_t nfallback;
};
struct role {
  char *name;
  struct bw_expr **people; /* tried in order */
  size_t npeople;
};

void bw_load_routes_document(struct loader *l, const struct bw_node *root);
int bw_find_route(const struct bw_plays *p, const char *name);
int bw_find_role(const struct bw_plays *p, struct bw_str name);
void bw_route_clear(struct route *r);
void bw_role_clear(struct role *r);
void bw_play_route(struct bw_env *env, const struct play *play, int route, struct verdict *v);
int64_t bw_sla_deadline(const struct bw_engine_options *o, int64_t from_ms, int64_t duration_ms);

#endif
