/* SPDX-License-Identifier: Apache-2.0 */
/* Routing, as the files of this room share it: route tables, roles, people, pools, budgets.  Included by private.h. */
#ifndef BW_PLAYS_ROUTES_H
#define BW_PLAYS_ROUTES_H

#include "plays/plays.h"

#define MAX_ROUTES 128
#define MAX_ROWS 128
#define MAX_ROLES 64
#define MAX_PEOPLE 4096
#define MAX_AWAY 64
#define MAX_MEMBERS 256
#define MAX_CHAIN 5 /* of delegates */
#define DEFAULT_BUDGET 10

struct bw_env;
struct lead;
struct loader;
struct play;
struct verdict;

/* ---- tables (load_routes.c, band.c) ---- */

struct words {
  char **items; /* NULL-terminated */
  size_t n;     /* 0: any */
};
struct route_row {
  struct words motions, types, segments;
  struct bw_band size, estimate, tenure, vendor; /* tenure in ms */
  struct bw_expr *when;
  int role; /* -1: the operator */
  bool csm_required;
  bool never; /* the vendor's size is outside of `vendor`: the row is for another company */
  char *note; /* may be empty */
  char *file;
  uint32_t line, column;
};
struct route {
  char *name;
  struct route_row *rows;
  size_t nrows;
  int *fallback; /* roles */
  size_t nfallback;
};
struct pool {
  char **members; /* as their people records name them; NULL: all people who have the role */
  size_t nmembers;
  bool given, least_loaded;
  char *file;
  uint32_t line, column;
};
struct role {
  char *name;
  struct bw_expr **people; /* tried in order */
  size_t npeople;
  struct pool pool; /* tried after them */
};

void bw_load_routes_document(struct loader *l, const struct bw_node *root);
/* When all documents are read: what needs all of them. */
void bw_load_routes_finish(struct loader *l);
int bw_find_route(const struct bw_plays *p, const char *name);
int bw_find_role(const struct bw_plays *p, struct bw_str name);
void bw_route_clear(struct route *r);
void bw_role_clear(struct role *r);
/* The items of a list, or the one scalar. */
size_t bw_load_items(const struct bw_node *n, const struct bw_node **ret_items);
/* "< 10K", ">= 5M", "5M..20M"; of durations where `duration`.  Complains; leaves ret unset then. */
void bw_load_band(struct loader *l, const struct bw_node *at, bool duration, struct bw_band *ret_band);
bool bw_load_amount(struct loader *l, const struct bw_node *at, struct bw_str text, double *ret);
bool bw_band_holds(const struct bw_band *b, double v);

/* ---- people and settings of routes (people.c, load_people.c) ---- */

struct away {
  int64_t from, until; /* until is the first moment back */
  int32_t last_day;    /* for reading */
};
struct person {
  char *email, *name, *slack, *delegate;
  struct words roles;
  struct away *away;
  size_t naway;
  int64_t capacity; /* new leads a day; -1: leads.budget, 0: no limit */
  int stands_in;    /* index of the delegate, or -1 */
  char *file;
  uint32_t line, column;
};
struct constant {
  char *name;
  double value;
};
struct roster {
  struct person *people;
  size_t n;
  struct bw_map *index; /* e-mail, name, Slack name in small letters → struct person's index + 1 */
  struct constant *constants;
  size_t nconstants;
};
void bw_load_people(struct loader *l, const struct bw_node *list);
void bw_load_route_settings(struct loader *l, const struct bw_node *map);
void bw_load_people_finish(struct loader *l);
void bw_roster_clear(struct roster *r);
/* By e-mail, name or Slack name, letters of any case; NULL where they are not listed. */
const struct person *bw_person_find(const struct roster *r, struct bw_str who);
/* The span that holds now; NULL where they are there. */
const struct away *bw_person_away(const struct person *p, int64_t now_ms);
/*
 * Whoever answers for `who` now: themselves, or the first of their delegates who is there; NULL where nobody is.  Borrowed from
 * the roster or from who.  ret_note gets "anna@example.com (away until 2026-12-05)" where it is not themselves.
 */
struct bw_str bw_person_now(const struct roster *r, struct bw_str who, int64_t now_ms, struct bw_buf *ret_note);
double bw_route_constant(const struct roster *r, const char *name); /* NAN: not given */

/* ---- who gets a lead (route.c, pool.c) ---- */

struct routed {
  char *nominal; /* whom the route named first, where it is not the owner */
  char *note;    /* "for anna@example.com (away until 2026-12-05)"; NULL: for the owner */
  char *gap;     /* nobody was found: what would help; NULL: somebody was */
  int pool;      /* the role whose pool has its turn with this lead; -1: none */
  char *route;
};
void bw_routed_clear(struct routed *r);
/* The first row that holds, or NULL; what it was and why not the earlier ones goes into b. */
const struct route_row *bw_route_choose(struct bw_engine *e, const struct play *play, const struct route *r, struct bw_buf *b);
void bw_play_route(struct bw_engine *e, const struct play *play, int route, struct verdict *v);
/* The next of a role's pool, without taking their turn; empty where nobody is there.  Borrowed. */
struct bw_str bw_pool_pick(struct bw_engine *e, const struct role *r, bool *ret_sticky);
bool bw_pool_member(const struct role *r, struct bw_str who);

/* ---- working time (worktime.c) ---- */

int64_t bw_sla_deadline(const struct bw_engine_options *o, int64_t from_ms, int64_t duration_ms);
/* When the working day that holds t began: the last opening at or before it.  Around the clock: midnight. */
int64_t bw_workday_start(const struct bw_engine_options *o, int64_t t);
int64_t bw_next_workday(const struct bw_engine_options *o, int64_t t); /* the first opening after t */

/* ---- what is kept: turns of pools, budgets, gaps that were told (kept.c) ---- */

struct kept {
  char kind; /* 'b' budget, 'p' pool, 'g' gap */
  char *name;
  size_t name_len;
  int64_t number, at;
  char *text;
  bool dirty, gone;
};
struct desk { /* one owner */
  char *who;
  size_t live;         /* leads that wait for something of theirs */
  struct kept *budget; /* number: given out since `at`, the start of a working day */
};
struct place { /* of a lead: what it is counted as */
  struct desk *desk;
  size_t queue; /* its place in desks.queue, + 1; 0: not queued */
  bool live, fresh;
};
struct desks {
  struct bw_map *by_owner, *kept;
  struct kept **dirty;
  size_t ndirty, dirty_cap;
  struct lead **queue; /* in no order */
  size_t nqueue, queue_cap;
};
struct kept *bw_kept_get(struct bw_engine *e, char kind, struct bw_str name, bool add);
void bw_kept_dirty(struct bw_engine *e, struct kept *k);
void bw_kept_clear(struct bw_engine *e);
extern const char bw_desks_schema[]; /* a step of the room's schema */
int bw_desks_load(struct bw_engine *e, struct bw_error *err);
int bw_desks_save(struct bw_engine *e, struct bw_error *err);
void bw_desks_committed(struct bw_engine *e);
void bw_desks_clear(struct bw_engine *e);

/* ---- budgets (budget.c) ---- */

/* After every change of a lead's status or owner. */
void bw_desk_update(struct bw_engine *e, struct lead *l);
size_t bw_desk_live(const struct bw_engine *e, struct bw_str who);
/* A new lead, in the tables already: takes the pool's turn, tells of a gap.  True: it waits for the end of the tick. */
bool bw_lead_arrived(struct bw_engine *e, struct lead *l, const struct verdict *v, int64_t now_ms);
/* Queued leads of an account whose signals are over leave the queue. */
int bw_queue_recheck(struct bw_engine *e, struct bw_str account, int64_t now_ms, struct bw_error *err);

#endif
