/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share while rules are read: the loader, its helpers, and who reads which document. */
#ifndef BW_RULES_PRIVATE_H
#define BW_RULES_PRIVATE_H

#include "rules/compiled.h"

#define MAX_GATE_LISTS 64
#define MAX_WEIGHTS 64
#define MAX_ROUTES 128
#define MAX_ROWS 128
#define MAX_ROLES 64
#define MAX_PEOPLE 4096
#define MAX_AWAY 64
#define MAX_MEMBERS 256
#define MAX_CHAIN 5 /* of delegates */
#define DEFAULT_THRESHOLD 60
#define DEFAULT_SUPPRESS (30 * BW_DAY)

extern const char *const bw_motions[], *const bw_lead_types[]; /* NULL-terminated */

struct loader {
  struct bw_plays *p;
  struct bw_complaints *complaints;
  const char *dir;
  const char *timezone; /* of people who name none; NULL: UTC */
  bool unread;          /* some file could not be read: what is not found may be in it, and is not complained about */
  char **templates;     /* names, NULL-terminated, while they are checked; NULL: there is no folder of them */
};

/* ---- values (load_values.c) ---- */

/* Compiles a scalar; complains at the very character; NULL on failure. */
struct bw_expr *bw_load_expr(struct loader *l, const struct bw_node *at, enum bw_type want, enum bw_level level);
/* One of ours: no complaint, NULL where a name that it needs is not configured. */
struct bw_expr *bw_load_builtin(struct loader *l, const char *text, enum bw_type want, enum bw_level level);
bool bw_expr_is_alike(const struct bw_expr *e); /* it reads nothing that differs between the plays of an account */
/* Complains about keys that are not among the NULL-terminated names. */
void bw_load_known_keys(struct loader *l, const struct bw_node *map, const char *const *names);
/* Never NULL; `missing` is what stands for a key that is not there, NULL: it must be. */
char *bw_load_text(struct loader *l, const struct bw_node *map, const char *key, const char *missing);
/* The items of a list, or the one scalar. */
size_t bw_load_items(const struct bw_node *n, const struct bw_node **ret_items);
bool bw_load_number(struct loader *l, const struct bw_node *n, double min, double max, double *ret);
bool bw_load_duration(struct loader *l, const struct bw_node *at, int64_t *ret_ms);
/* Something that is named and not there, with the nearest of the NULL-terminated names that are; nothing where a file could not
   be read, in which it may be. */
void bw_load_absent(struct loader *l, const struct bw_node *at, const char *const *names, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int bw_load_route_name(struct loader *l, const struct bw_node *n); /* its index, or -1 with a complaint */
/* {route: NAME, template: NAME}; n may be NULL. */
struct otherwise bw_load_otherwise(struct loader *l, const struct bw_node *n);
void bw_otherwise_clear(struct otherwise *o);

/* ---- plays and what they share (load_play.c, load_gates.c, load_readiness.c, load_journey.c, load_timing.c) ---- */

void bw_load_plays_document(struct loader *l, const struct bw_node *root);
void bw_load_shared_document(struct loader *l, const struct bw_node *root); /* what comes before plays; ignores others */
void bw_load_gates_document(struct loader *l, const struct bw_node *root);
void bw_load_gates(struct loader *l, const struct bw_node *root, struct play *p);
void bw_load_builtin_readiness(struct loader *l);
void bw_load_readiness_document(struct loader *l, const struct bw_node *root);
void bw_load_readiness(struct loader *l, const struct bw_node *root, struct play *p);
void bw_readiness_clear(struct readiness *r);
void bw_load_journey_document(struct loader *l, const struct bw_node *root);
void bw_journey_clear(struct journey *j);
void bw_load_timing(struct loader *l, const struct bw_node *root, struct play *p);
void bw_gate_list_clear(struct gate_list *g);
void bw_play_clear(struct play *p);

/* ---- routes and roles (load_routes.c, band.c) ---- */

void bw_load_routes_document(struct loader *l, const struct bw_node *root);
/* When all documents are read: what needs all of them. */
void bw_load_routes_finish(struct loader *l);
int bw_find_route(const struct bw_plays *p, const char *name);
void bw_route_clear(struct route *r);
void bw_role_clear(struct role *r);
/* "< 10K", ">= 5M", "5M..20M"; of durations where `duration`.  Complains; leaves ret unset then. */
void bw_load_band(struct loader *l, const struct bw_node *at, bool duration, struct bw_band *ret_band);
bool bw_load_amount(struct loader *l, const struct bw_node *at, struct bw_str text, double *ret);
void bw_words_clear(struct words *w);

/* ---- people and settings of routes (load_people.c) ---- */

void bw_load_people(struct loader *l, const struct bw_node *list);
void bw_load_route_settings(struct loader *l, const struct bw_node *map);
void bw_load_people_finish(struct loader *l);
void bw_roster_clear(struct roster *r);

#endif
