/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: plays, gates, readiness, journey, routes, roles and people, read from files, checked, and compiled once.  Nothing here
 * looks at an account.  Runs in core, in replays and in `--check`; reads the configuration directory.
 */
#ifndef BW_RULES_RULES_H
#define BW_RULES_RULES_H

#include "config/config.h"
#include "expr/expr.h"
#include "signals/signals.h"

/* ---- plays -------------------------------------------------------------------------------------------------------------- */

enum bw_mode { BW_MODE_SHADOW = 0, BW_MODE_PILOT = 1, BW_MODE_LIVE = 2 };
const char *bw_mode_name(enum bw_mode mode);

struct bw_plays; /* immutable: safe to evaluate with while another set is compiled beside it */
/*
 * Reads dir/plays/ *.yaml and dir/routes/ *.yaml in order of file name and checks all of it against the catalogue, and template
 * names against dir/templates/.  Every problem becomes a complaint with file:line:column; with any, nothing is returned and the
 * result is BW_EINVAL.  Warnings do not stop it.  The catalogue is borrowed for the life of the set.
 */
int bw_plays_load(const char *dir, const struct bw_catalog *catalog, struct bw_complaints *complaints,
                  struct bw_plays **ret_plays);
/* The same, and with complaints too it gives what there is: to be looked at with bw_plays_at() by whoever has more to check,
   and freed.  timezone (leads.timezone, known to be one; NULL: UTC) is where people are who name none. */
int bw_plays_read(const char *dir, const struct bw_catalog *catalog, const char *timezone, struct bw_complaints *complaints,
                  struct bw_plays **ret_plays);
void bw_plays_free(struct bw_plays **plays);

/* What others may know of a play; borrowed from the set. */
struct bw_play_info {
  const char *name, *family, *motion, *type, *route, *template_name, *angle;
  const char *title; /* the opening move in words, for the owner; may be empty */
  enum bw_mode mode;
  const char *file;
  uint32_t line, column;
  uint32_t template_line, template_column, angle_line, angle_column;
};
size_t bw_plays_count(const struct bw_plays *p);
bool bw_plays_at(const struct bw_plays *p, size_t i, struct bw_play_info *ret_info);
int bw_plays_find(const struct bw_plays *p, struct bw_str name); /* index, or -1 */
/* How the play weighs a signal type (catalogue index); 0 where it does not use it.  Lint and drafts ask. */
double bw_plays_weight(const struct bw_plays *p, size_t play, uint32_t signal_type);

/* ---- routes, roles and people, as lint and others look at them (borrowed from the set) ---------------------------------- */

struct bw_band {
  bool set; /* false: any */
  double lo, hi;
  bool lo_in, hi_in; /* whether the ends belong to it */
  char *text;        /* as written */
};
/* One row of a route table, with what is constant about it. */
struct bw_route_row_info {
  const char *route;
  size_t row, rows; /* from 1; of how many */
  const char *file;
  uint32_t line, column;
  const char *role, *note;
  struct bw_str when; /* the condition's source; empty: none */
  bool csm_required;
  bool never; /* its vendor_size is not ours: it is for another company, and nothing is wrong with it */
  const char *const *motions, *const *types, *const *segments;
  size_t nmotions, ntypes, nsegments;                           /* 0: any */
  const struct bw_band *size, *estimate, *tenure, *vendor_size; /* tenure in ms */
};
/* All rows of all routes, in order of their files; false past the end. */
bool bw_routes_at(const struct bw_plays *p, size_t i, struct bw_route_row_info *ret_info);
enum bw_route_relation {
  BW_ROUTES_APART = 0, /* no lead fits both; or they are of different routes, or one is never taken */
  BW_ROUTES_OVERLAP,   /* some lead may fit both: the earlier row takes it */
  BW_ROUTES_COVERS     /* whatever fits j fits i: where i comes first, j is never reached */
};
/* By the constant columns and the text of `when`: i and j as in bw_routes_at(). */
enum bw_route_relation bw_routes_compare(const struct bw_plays *p, size_t i, size_t j);

struct bw_role_info {
  const char *name;
  size_t places; /* expressions that are tried before the pool */
  bool pool, least_loaded;
  const char *const *members;
  size_t nmembers;
};
bool bw_roles_at(const struct bw_plays *p, size_t i, struct bw_role_info *ret_info);

struct bw_person_info {
  const char *email, *name, *slack;
  const char *delegate; /* e-mail, or empty */
  const char *const *roles;
  size_t nroles;
  int64_t capacity; /* new leads a day; 0: no limit; -1: leads.budget */
};
size_t bw_people_count(const struct bw_plays *p);
bool bw_people_at(const struct bw_plays *p, size_t i, struct bw_person_info *ret_info);
/* By e-mail, name or Slack name, letters of any case; -1: not listed. */
int bw_people_find(const struct bw_plays *p, struct bw_str who);
/* The first moment back; BW_TIME_NONE where they are there. */
int64_t bw_people_away_until(const struct bw_plays *p, size_t i, int64_t now_ms);

/* ---- what plays say in full, for those who look and change nothing: lint, and what a reload would change ---------------- */

/* What plays say beside struct bw_play_info; borrowed from the set. */
struct bw_play_rules {
  double threshold, open_share; /* open_share: of a weight, for being open at all */
  int64_t suppress_ms;
  int64_t review_ms;                                     /* 0: none */
  int64_t never_before_ms;                               /* tenure; 0: no such floor */
  int64_t renewal_block_ms;                              /* -1: minds no renewal */
  bool escalation_blocks;                                /* by `timing`; a gate may ask too */
  const struct bw_expr *estimate, *floor;                /* may be NULL */
  const char *floor_otherwise, *nurture_route;           /* names of routes, or NULL */
  const char *floor_template, *nurture_template;         /* or NULL: the play's */
  const struct bw_expr *review_when;                     /* or NULL: always */
  const char *priority;                                  /* fixed, or NULL */
  const struct bw_expr *priority_high, *priority_medium; /* or NULL */
  size_t npilot;                                         /* accounts that take part */
};
bool bw_play_rules(const struct bw_plays *p, size_t play, struct bw_play_rules *ret_rules);
struct bw_gate_info {
  const char *name;
  const char *from; /* the shared list; NULL: the play's own */
  const struct bw_expr *require;
  const char *otherwise;          /* name of a route, or NULL */
  const char *otherwise_template; /* of the draft then; NULL: the play's */
};
bool bw_gates_at(const struct bw_plays *p, size_t play, size_t i, struct bw_gate_info *ret_gate);
/* The i-th fallback role of a route; NULL past the end. */
const char *bw_route_fallback_at(const struct bw_plays *p, const char *route, size_t i);
/* The i-th milestone of the value journey, its name and condition; NULL past the end. */
const char *bw_journey_when_at(const struct bw_plays *p, size_t i, const struct bw_expr **ret_when);

#endif
