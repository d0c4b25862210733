/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: names in slots, compiled plays and routes, the engine's leads. */
#ifndef BW_PLAYS_PRIVATE_H
#define BW_PLAYS_PRIVATE_H

#include "names/env.h"
#include "plays/plays.h"
#include "plays/routes.h"

#define MAX_PLAYS 256
#define MAX_GATES 64
#define MAX_GATE_LISTS 64
#define MAX_WEIGHTS 64
#define DEFAULT_THRESHOLD 60
#define DEFAULT_SUPPRESS (30 * BW_DAY)

/* ---- compiled rules ---- */
struct gate {
  char *name;
  struct bw_expr *require;
  int otherwise;    /* index of a route, or -1 */
  const char *from; /* the shared list that it came from; NULL: the play's own */
  bool shared;      /* name and require are that list's */
  bool alike;       /* shared, and its answer is the same for all plays */
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
#define DIMENSIONS 6
struct readiness {
  char *name;                            /* of a shared document; NULL: a play's own */
  double pursue, from;                   /* points of 18: a lead from `pursue` on, nurture from `from` on */
  int unknown;                           /* points of a dimension whose value nobody supplied: 1 or 2 */
  int decides;                           /* or is only shown */
  struct bw_expr *dimension[DIMENSIONS]; /* 1 to 3 points each; NULL: nothing configured can supply it */
  bool own[DIMENSIONS];                  /* ours to free */
  bool alike[DIMENSIONS];                /* the points are the same for all plays that share it */
  int route;                             /* of the nurture band; -1: no lead */
  char *template_name;                   /* of the nurture band; NULL: the play's */
  uint32_t template_line, template_column;
};
struct timing {
  int64_t never_before_ms;    /* tenure; 0: no such floor */
  bool escalation;            /* an open escalation blocks */
  int escalation_signal;      /* in the catalogue, or -1 */
  bool renewal;               /* mind the renewal at all */
  int64_t join_from, join_to; /* joined to a renewal that is so near */
  int64_t block_within;       /* and never so near */
  char *renewal_family;       /* which lead of the account is the renewal's */
};
struct milestone {
  char *name;
  struct bw_expr *when;
};
struct journey {
  bool there; /* some document defines it */
  struct {
    struct milestone *items;
    size_t n;
  } stage[5];
};
/* A bit per play. */
struct play_set {
  uint64_t words[MAX_PLAYS / 64];
};
struct play {
  char *name, *family, *motion, *type, *route_name, *template_name, *angle, *title, *review_by;
  enum bw_mode mode;
  struct bw_map *pilot; /* account ids; NULL: none */
  struct weight *weights;
  size_t nweights;
  struct gate_list gates;
  double threshold;
  double open_share; /* of a weight, for being open at all; the rest by strength */
  struct readiness readiness;
  struct timing timing;
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
  struct roster roster;
  const struct bw_catalog *catalog;
  struct bw_names *names; /* in the slots of all expressions */
  struct play *plays;
  struct route *routes;
  struct role *roles;
  struct gate_list *gate_lists;
  struct readiness builtin, *readinesses;
  struct journey journey;
  size_t nplays, nroutes, nroles, ngate_lists, nreadinesses;
  struct play_set *triggers; /* per signal type: the plays that weigh it */
};

/* While loading. */
struct loader {
  struct bw_plays *p;
  struct bw_complaints *complaints;
  const char *dir;
};
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
/* One of ours: no complaint, NULL where a name that it needs is not configured. */
struct bw_expr *bw_load_builtin(struct loader *l, const char *text, enum bw_type want, enum bw_level level);
bool bw_expr_is_alike(const struct bw_expr *e); /* it reads nothing that differs between the plays of an account */
int bw_load_route_name(struct loader *l, const struct bw_node *n); /* its index, or -1 with a complaint */
bool bw_load_number(struct loader *l, const struct bw_node *n, double min, double max, double *ret);
/* {route: NAME} → its index, or -1; n may be NULL. */
int bw_load_otherwise(struct loader *l, const struct bw_node *n);
void bw_gate_list_clear(struct gate_list *g);
/* Compiles a scalar; complains at the very character; NULL on failure. */
struct bw_expr *bw_load_expr(struct loader *l, const struct bw_node *at, enum bw_type want, enum bw_level level);
/* Complains about keys that are not among the NULL-terminated names. */
void bw_load_known_keys(struct loader *l, const struct bw_node *map, const char *const *names);
char *bw_load_text(struct loader *l, const struct bw_node *map, const char *key, const char *missing);
bool bw_load_duration(struct loader *l, const struct bw_node *at, int64_t *ret_ms);
void bw_play_clear(struct play *p);

/* ---- what a play decides of the account in e->env: judged first, explained where somebody will read it ---- */
enum answer { ANSWER_YES, ANSWER_DIVERTED, ANSWER_MISSING, ANSWER_ERROR, ANSWER_NO };
enum band { BAND_PURSUE, BAND_NURTURE, BAND_WAIT };
struct readiness_result {
  int points[DIMENSIONS], total;
  bool known[DIMENSIONS];
  enum band band;
};
enum timing_block { TIMING_FREE, TIMING_YOUNG, TIMING_ESCALATION, TIMING_RENEWAL };
struct timing_result {
  enum timing_block block;
  int64_t until;    /* when the block ends; BW_TIME_NONE: nobody can tell */
  int64_t close_at; /* joined to the renewal of that day; BW_TIME_NONE: not joined */
};
struct verdict {
  bool fires;
  const char *blocked_by; /* "signals", "gate", ...: the first; NULL: it fires */
  size_t blocked_gate;
  char *says;                      /* one sentence, once explained */
  uint8_t gates[MAX_GATES], floor; /* enum answer */
  int route;
  bool nurture;
  struct timing_result timing;
  struct readiness_result readiness;
  double score, estimate;
  uint32_t urgency;
  const char *priority, *template_name;
  const struct bw_episode *best;
  char *primary; /* type or type[key] of it */
  char *signals; /* all triggered, one per line */
  char *owner, *role, *csm;
  bool csm_required, shadow;
  int64_t review_ms; /* 0: none */
  struct bw_buf route_json;
  struct bw_buf why;
  struct bw_buf signals_json; /* for the eight fields */
  struct routed routed;
};
void bw_verdict_init(struct verdict *v);
void bw_verdict_clear(struct verdict *v);
bool bw_is_shadow(const struct play *p, struct bw_str account);
/* Without `full` it stops at the first block.  Writes nothing down. */
void bw_play_judge(struct bw_env *env, const struct play *play, bool full, struct verdict *v);
/* Who gets it, and whether it is reviewed first: once it is judged. */
void bw_play_assign(struct bw_engine *e, const struct play *play, struct verdict *v);
/* v->why, left open at its end so that the caller can add what only it knows, and v->signals_json.  After judging in full, or
   where nothing blocked, and assigning. */
void bw_play_explain(struct bw_engine *e, const struct play *play, bool full, struct verdict *v);
double bw_play_weight(const struct play *p, uint32_t type);
/* Yes or no, with nothing written down; with an `otherwise` it is never "no". */
enum answer bw_play_ask(struct bw_env *env, const struct bw_expr *e, bool diverts);

void bw_readiness_judge(struct bw_env *env, const struct play *play, struct readiness_result *ret);
void bw_readiness_explain(struct bw_env *env, const struct play *play, struct verdict *v);
void bw_timing_judge(struct bw_env *env, const struct play *play, struct timing_result *ret);
void bw_timing_explain(struct bw_env *env, const struct play *play, struct verdict *v);
/* The highest stage that milestones prove, as environments ask (struct bw_env_source); the engine is their ctx. */
int bw_journey_stage(void *engine, struct bw_env *env, struct bw_str *ret_why);
void bw_journey_explain(struct bw_engine *e, struct bw_buf *out);

/* "change": what single value, changed, would make the condition hold; after it was evaluated with its leaves collected, which
   are gone then.  In words too, into says. */
void bw_change_explain(struct bw_env *env, const struct bw_expr *e, struct bw_buf *out, struct bw_buf *says);
/* The expression with the collected values in place of their names. */
void bw_arithmetic(const struct bw_env *env, struct bw_str source, struct bw_buf *out);

/* "values": [{"name","value","text","from"}], from the collected leaves. */
void bw_values_json(struct bw_env *env, struct bw_buf *out);
/* "account.acv is 8,000, ...": of at most six. */
void bw_values_text(struct bw_env *env, struct bw_buf *out);

/* ---- leads ---- */
struct lead {
  struct bw_lead pub;
  char *signals; /* all that triggered since it opened, one per line, sorted */
  bool dirty;
  struct family *family;
  size_t expansions; /* joined to it */
  struct place place;
};
struct family {
  struct lead *open;
  int64_t closed_at; /* BW_TIME_NONE: never */
};
/* Accounts that may have something to be looked at, by a hash. */
struct heard {
  bool on;
  uint64_t *bits;
  size_t mask, n;
  int32_t day; /* of the last rebuilding */
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
  struct lead **leads;       /* in order of number */
  size_t nleads, leads_cap;
  struct lead **dirty;
  size_t ndirty, dirty_cap;
  struct lead *found; /* a closed one, read from the store */
  uint64_t next_number;
  struct sample_table **tables; /* past values, in the order of bw_names_tracked_at() */
  size_t ntables;
  struct heard heard;
  bool sweep; /* the store may hold some that nobody asks for */
  struct desks desks;
  struct bw_env_source source; /* what environments read from */
  struct bw_env env;           /* reused, of the account that is judged */
  struct bw_engine_stats stats;
};
struct lead_list {
  struct lead **items;
  size_t n, cap;
};

/* ---- past values of traits (samples.c) ---- */
void bw_samples_follow(struct bw_engine *e); /* the engine's plays are others now */
void bw_samples_close(struct bw_engine *e);
void bw_samples_note(struct bw_engine *e, struct bw_str account, int64_t now_ms);
void bw_samples_tick(struct bw_engine *e, int64_t now_ms); /* the quarters, on the first tick of a day */
/* As environments ask (struct bw_env_source); the engine is their ctx. */
int bw_samples_quartile(void *engine, size_t tracked, double value, uint64_t *ret_accounts);
bool bw_samples_past(void *engine, size_t tracked, struct bw_str account, int32_t day, double *ret_value, int32_t *ret_first);
int bw_samples_load(struct bw_engine *e, struct bw_error *err);
int bw_samples_save(struct bw_engine *e, struct bw_error *err);
void bw_samples_committed(struct bw_engine *e);

/* ---- accounts that can be passed over (heard.c) ---- */
void bw_heard_lead(struct bw_engine *e, const struct bw_lead *lead);
void bw_heard_tick(struct bw_engine *e, int64_t now_ms);
void bw_heard_plays(struct bw_engine *e);
bool bw_heard_nothing(const struct bw_engine *e, struct bw_str account);

/* Reads what is open on the account in e->env; returns the plays that weigh any of it. */
struct play_set bw_engine_gather(struct bw_engine *e, struct bw_str account, int64_t now_ms);

/* ---- leads in memory ---- */
bool bw_nothing_new(const struct bw_env *env, const struct play *p, const struct family *f);
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
/* Links the account's expansions and renewals, after any of its leads opened, changed or closed; `fresh` is not told apart. */
void bw_leads_join(struct bw_engine *e, struct bw_str account, const struct lead *fresh);
size_t bw_lead_count_expansions(const char *fields_json);
/* What the verdict says becomes the lead's. */
void bw_lead_take(struct bw_engine *e, struct lead *l, const struct verdict *v);
void bw_lead_fields(struct lead *l, const struct verdict *v, struct bw_env *env);

#endif
