/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: names in slots, compiled plays and routes, the engine's leads. */
#ifndef BW_PLAYS_PRIVATE_H
#define BW_PLAYS_PRIVATE_H

#include "plays/plays.h"
#include "plays/routes.h"

#define MAX_PLAYS 256
#define MAX_GATES 64
#define MAX_GATE_LISTS 64
#define MAX_WEIGHTS 64
#define DEFAULT_THRESHOLD 60
#define DEFAULT_SUPPRESS (30 * BW_DAY)

/* ---- names ---- */
enum root {
  R_ACCOUNT,
  R_SUBSCRIPTION,
  R_PLAN,
  R_NEXT_PLAN,
  R_CHAMPION,
  R_BUYER,
  R_SPONSOR,
  R_LEAD,
  R_TOP,
  R_TRAIT,
  R_SIGNAL,
  R_COUNT
};
/* How far an evaluation must have come before a name has a value. */
enum level { LEVEL_GATES = 0, LEVEL_SCORED, LEVEL_ESTIMATED, LEVEL_ALL, LEVEL_TEMPLATE };
enum signal_part {
  PART_ITSELF,
  PART_VALUE,
  PART_THRESHOLD,
  PART_STRENGTH,
  PART_PEAK,
  PART_OPENED,
  PART_UPDATED,
  PART_EVIDENCE
};

struct bw_env;
struct name_row {
  const char *name; /* after the root and a dot; "limits.*" takes any further parts */
  enum bw_type type;
  /* NULL: the entity's field of that name.  Else computes; sets ret_from->kind or leaves a missing error. */
  void (*compute)(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from);
  const char *help;
};
struct root_row {
  const char *name; /* "account"; "" for bare names */
  const struct name_row *rows;
  size_t nrows;
  const char *record; /* what kind of record supplies it: "an account record" */
};
extern const struct root_row bw_roots[R_TRAIT];

/* A name, understood. */
struct env_name {
  enum root root;
  const struct name_row *row; /* roots before R_TRAIT */
  uint32_t type_index;        /* R_TRAIT, R_SIGNAL: in the catalogue */
  enum signal_part part;
  enum bw_type type;
  char *key;  /* of a trait or signal; "limits.api_calls" and the like; NULL: none */
  char *rest; /* the path within evidence */
  char *text; /* in full */
};
struct name_table {
  struct env_name *names;
  size_t n, cap;
};
/* Understands a path; level bounds what may be used.  ret_used as bw_expr_env.resolve. */
int bw_name_parse(const struct bw_catalog *catalog, const struct bw_path *path, enum level level, struct env_name *ret_name,
                  size_t *ret_used, struct bw_error *err);
void bw_name_clear(struct env_name *n);
uint32_t bw_name_table_add(struct name_table *t, struct env_name *n); /* takes n */
void bw_name_table_clear(struct name_table *t);
/* "a.b[c]["d e"]" into parts. */
int bw_path_parse(struct bw_str text, struct bw_path *ret_path, struct bw_error *err);

/* ---- the value journey ---- */
extern const char *const bw_stages[];  /* in order, NULL-terminated */
int bw_stage_rank(struct bw_str name); /* or -1 */

/* ---- compiled rules ---- */
struct gate {
  char *name;
  struct bw_expr *require;
  int otherwise;    /* index of a route, or -1 */
  const char *from; /* the shared list that it came from; NULL: the play's own */
  bool shared;      /* name and require are that list's */
};
struct gate_list {
  char *name; /* NULL: a play's own */
  struct gate *items;
  size_t n;
};
struct weight {
  uint32_t signal;
  double weight;
};
struct play {
  char *name, *family, *motion, *type, *route_name, *template_name, *angle, *title, *review_by;
  enum bw_mode mode;
  struct bw_map *pilot; /* account ids; NULL: none */
  struct weight *weights;
  size_t nweights;
  struct gate_list gates;
  double threshold;
  double open_share;        /* of a weight, for being open at all; the rest by strength */
  double pursue, nurture;   /* readiness, of 18 */
  struct bw_expr *estimate; /* may be NULL */
  struct bw_expr *floor;    /* may be NULL */
  int floor_otherwise;
  char *priority; /* fixed; NULL: by expressions, else by the signals' urgency */
  struct bw_expr *priority_high, *priority_medium;
  int64_t review_ms; /* 0: none */
  struct bw_expr *review_when;
  int64_t sla_ms[3]; /* high, medium, low */
  int64_t suppress_ms;
  int route;
  char *file;
  uint32_t line, column, template_line, template_column;
};
struct bw_plays {
  const struct bw_catalog *catalog;
  struct name_table names;
  struct play *plays;
  struct route *routes;
  struct role *roles;
  struct gate_list *gate_lists;
  size_t nplays, nroutes, nroles, ngate_lists;
  bool *triggers; /* per signal type: some play weighs it */
};

/* While loading. */
struct loader {
  struct bw_plays *p;
  struct bw_complaints *complaints;
  const char *dir;
  enum level level; /* of the expression being compiled */
};
void bw_load_plays_document(struct loader *l, const struct bw_node *root);
void bw_load_shared_document(struct loader *l, const struct bw_node *root); /* what comes before plays; ignores others */
void bw_load_gates_document(struct loader *l, const struct bw_node *root);
void bw_load_gates(struct loader *l, const struct bw_node *root, struct play *p);
/* {route: NAME} → its index, or -1; n may be NULL. */
int bw_load_otherwise(struct loader *l, const struct bw_node *n);
void bw_gate_list_clear(struct gate_list *g);
/* Compiles a scalar; complains at the very character; NULL on failure. */
struct bw_expr *bw_load_expr(struct loader *l, const struct bw_node *at, enum bw_type want, enum level level);
/* Complains about keys that are not among the NULL-terminated names. */
void bw_load_known_keys(struct loader *l, const struct bw_node *map, const char *const *names);
char *bw_load_text(struct loader *l, const struct bw_node *map, const char *key, const char *missing);
bool bw_load_duration(struct loader *l, const struct bw_node *at, int64_t *ret_ms);
void bw_play_clear(struct play *p);
extern const struct bw_expr_function bw_play_functions[];
extern const size_t bw_play_nfunctions;

/* ---- one account at one moment ---- */
struct bw_env {
  const struct bw_engine *engine;
  const struct bw_catalog *catalog;
  struct bw_str account;
  const struct bw_lead *lead;
  int64_t now_ms;
  const struct bw_entity *entity[R_LEAD];
  bool looked[R_LEAD];            /* entity[] is filled */
  const struct name_table *names; /* what slots mean while a play is evaluated */
  struct name_table own;          /* bw_env_lookup()'s */
  struct bw_map *own_index;
  /* as far as an evaluation has come; NULL and NAN before */
  double score, estimate;
  const char *priority;
  const struct play *play;
  struct bw_eval eval;
};
void bw_env_init(struct bw_env *env, const struct bw_engine *engine, struct bw_str account, const struct bw_lead *lead,
                 int64_t now_ms);
void bw_env_reset(struct bw_env *env); /* forgets all but its memory */
void bw_env_clear(struct bw_env *env);
void bw_env_read(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from);
const struct bw_entity *bw_env_entity(struct bw_env *env, enum root root);
void bw_env_missing(struct bw_env *env, struct bw_value *ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- what a play decides ---- */
struct verdict {
  bool fires;
  const char *blocked_by; /* "signals", "gate", ...; NULL: it fires */
  char *says;             /* one sentence */
  double score, estimate;
  const char *priority;
  char *primary; /* type or type[key] */
  char *signals; /* all triggered, one per line */
  char *owner, *role, *csm;
  bool csm_required, shadow;
  int64_t review_ms; /* 0: none */
  struct bw_buf why;
  struct bw_buf signals_json; /* for the eight fields */
};
void bw_verdict_clear(struct verdict *v);
/* Evaluates all of it; `full` goes on after a block, for why-not. */
void bw_play_decide(struct bw_env *env, const struct play *play, bool full, struct verdict *v);
/* Whether any signal that the play weighs is open. */
bool bw_play_triggered(const struct bw_env *env, const struct play *play);
void bw_play_readiness(struct bw_env *env, const struct play *play, const struct verdict *v, struct bw_buf *out);
/* "values": [{"name","value","text"}], from the collected leaves. */
void bw_values_json(const struct bw_env *env, struct bw_buf *out);

/* ---- leads ---- */
struct lead {
  struct bw_lead pub;
  char *signals; /* all that triggered since it opened, one per line, sorted */
  bool dirty;
  struct family *family;
};
struct family {
  struct lead *open;
  int64_t closed_at; /* BW_TIME_NONE: never */
};
struct bw_engine {
  const struct bw_plays *plays;
  struct bw_signals *signals;
  struct bw_book *book;
  struct bw_store *store;
  struct bw_engine_options options;
  struct bw_lead_events events;
  struct bw_map *families;   /* account NUL family [NUL shadow play] → struct family */
  struct bw_map *by_id;      /* leads in memory */
  struct bw_map *by_account; /* account → struct lead_list */
  struct lead **leads;       /* in order of number; NULL where dropped */
  size_t nleads, leads_cap, nholes;
  struct lead **dirty;
  size_t ndirty, dirty_cap;
  struct lead *found; /* a closed one, read from the store */
  uint64_t next_number;
  struct bw_env env; /* reused */
  struct bw_engine_stats stats;
};
struct lead_list {
  struct lead **items;
  size_t n, cap;
};
struct family *bw_family(struct bw_engine *e, struct bw_str account, const char *family, const char *shadow_play, bool add);
struct lead *bw_lead_new(struct bw_engine *e);
void bw_lead_free(struct lead *l);
void bw_lead_add(struct bw_engine *e, struct lead *l, bool shadow_family); /* into the tables */
void bw_lead_dirty(struct bw_engine *e, struct lead *l);
void bw_lead_drop(struct bw_engine *e, struct lead *l); /* a closed one that is saved leaves memory */
void bw_lead_set(char **field, const char *value);
int bw_leads_load(struct bw_engine *e, struct bw_error *err);
struct lead *bw_lead_read(struct bw_engine *e, uint64_t number, struct bw_error *err);
int bw_lead_move(struct bw_engine *e, struct lead *l, enum bw_lead_status to, struct bw_str reason, int64_t now_ms,
                 struct bw_error *err);
void bw_lead_fields(struct bw_engine *e, struct lead *l, const struct verdict *v, struct bw_env *env);

#endif
