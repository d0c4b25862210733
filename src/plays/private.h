/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: verdicts, the engine, its leads, and what it remembers. */
#ifndef BW_PLAYS_PRIVATE_H
#define BW_PLAYS_PRIVATE_H

#include "names/env.h"
#include "plays/plays.h"
#include "rules/compiled.h"

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
struct routed {
  char *nominal; /* whom the route named first, where it is not the owner */
  char *note;    /* "for anna@example.com (away until 2026-12-05)"; NULL: for the owner */
  char *gap;     /* nobody was found: what would help; NULL: somebody was */
  int pool;      /* the role whose pool has its turn with this lead; -1: none */
  char *route;
};
struct verdict {
  bool fires;
  const char *blocked_by; /* "signals", "gate", ...: the first; NULL: it fires */
  size_t blocked_gate;
  char *says;                      /* one sentence, once explained */
  uint8_t gates[MAX_GATES], floor; /* enum answer */
  int route;
  bool nurture, diverted; /* diverted: by an `otherwise` */
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

void bw_readiness_judge(struct bw_env *env, const struct play *play, struct readiness_result *ret);
void bw_readiness_explain(struct bw_env *env, const struct play *play, struct verdict *v);
void bw_timing_judge(struct bw_env *env, const struct play *play, struct timing_result *ret);
void bw_timing_explain(struct bw_env *env, const struct play *play, struct verdict *v);
/* The highest stage that milestones prove, as environments ask (struct bw_env_source); the engine is their ctx. */
int bw_journey_stage(void *engine, struct bw_env *env, struct bw_str *ret_why);
void bw_journey_explain(struct bw_engine *e, struct bw_buf *out);

/* "change": what single value, changed, would make the condition hold, and none of the gates fail that hold; after it was
   evaluated with its leaves collected, which are gone then.  In words too, into says. */
void bw_change_explain(struct bw_env *env, const struct bw_expr *e, const struct gate_list *gates, struct bw_buf *out,
                       struct bw_buf *says);
/* The expression with the collected values in place of their names. */
void bw_arithmetic(const struct bw_env *env, struct bw_str source, struct bw_buf *out);

/* "values": [{"name","value","text","from"}], from the collected leaves. */
void bw_values_json(struct bw_env *env, struct bw_buf *out);
/* "account.acv is 8,000, ...": of at most six. */
void bw_values_text(struct bw_env *env, struct bw_buf *out);

/* ---- who gets a lead: rows (route_rows.c), people (route.c), pools (pool.c) ---- */

void bw_routed_clear(struct routed *r);
/* The first row that holds, or NULL; what it was and why not the earlier ones goes into b. */
const struct route_row *bw_route_choose(struct bw_engine *e, const struct play *play, const struct route *r, struct bw_buf *b);
void bw_play_route(struct bw_engine *e, const struct play *play, int route, struct verdict *v);
/* The next of a role's pool, without taking their turn; empty where nobody is there.  Borrowed. */
struct bw_str bw_pool_pick(struct bw_engine *e, const struct role *r, bool *ret_sticky);
bool bw_pool_member(const struct role *r, struct bw_str who);
void bw_pool_take_turn(struct bw_engine *e, const struct verdict *v); /* the owner has had it, where it was the pool's */

/* ---- desks, and what is remembered: turns of pools, budgets, gaps that were told ---- */

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

/* ---- leads, and the engine that owns them ---- */

struct lead {
  struct bw_lead pub;
  char *signals; /* all that triggered since it opened, one per line, sorted */
  bool dirty;
  struct family *family, *own; /* own: of its play alone */
  size_t expansions;           /* joined to it */
  struct place place;
};
struct family {
  struct lead *open;
  int64_t closed_at; /* BW_TIME_NONE: never */
};
/* What a play finds at an account: the lead of its family; or one of its own, opened when it was of another family. */
struct standing {
  struct lead *open;
  int64_t closed_at;
};
struct lead_list {
  struct lead **items;
  size_t n, cap;
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
  struct bw_zone *zone; /* of options.timezone */
  struct bw_lead_events events;
  struct bw_map *families;   /* account NUL family [NUL shadow play], and of plays alone → struct family */
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

/* ---- from a verdict to a lead (evaluate.c) ---- */

/* Reads what is open on the account in e->env; returns the plays that weigh any of it. */
struct play_set bw_engine_gather(struct bw_engine *e, struct bw_str account, int64_t now_ms);
/* What was open when the family's last lead was closed has had its answer: only a relapse, a new episode, asks again. */
bool bw_nothing_new(const struct bw_env *env, const struct play *p, struct standing s);
/* Closed lately, or nothing new since. */
bool bw_family_rests(const struct bw_env *env, const struct play *p, struct standing s);
/* Where the lead's account was given to somebody else, or the operator's lead finds an owner: takes it there; true (route.c).
 */
bool bw_lead_reroute(struct bw_engine *e, struct lead *l);
/* What the verdict says becomes the lead's. */
void bw_lead_take(struct bw_engine *e, struct lead *l, const struct verdict *v);
/* Its clock starts now: the CSM has a working day for what they know, where the play gives it, and then its owner has theirs.
 */
void bw_lead_start_clock(const struct bw_engine *e, struct lead *l, const struct play *p, const struct verdict *v,
                         int64_t now_ms);

/* ---- leads in memory (leads.c), in the store (persist.c), as JSON (lead_json.c), joined (joins.c) ---- */

struct family *bw_family(struct bw_engine *e, struct bw_str account, const char *family, const char *shadow_play, bool add);
struct family *bw_family_of_play(struct bw_engine *e, struct bw_str account, const char *play, bool shadow, bool add);
struct standing bw_standing(struct bw_engine *e, struct bw_str account, const struct play *p, bool shadow);
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
void bw_lead_fields(struct lead *l, const struct verdict *v, struct bw_env *env); /* the eight that the owner reads */
int bw_priority_rank(const char *priority);                                       /* 2 high, 1 medium, 0 low */

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

/* ---- working time (worktime.c) ---- */

/* When the working day that holds t began: the last opening at or before it.  Around the clock: midnight. */
int64_t bw_workday_start(const struct bw_engine *e, int64_t t);
int64_t bw_next_workday(const struct bw_engine *e, int64_t t); /* the first opening after t */
/* So much working time after from_ms, by the clock of where `who` is. */
int64_t bw_working_deadline(const struct bw_engine *e, const char *who, int64_t from_ms, int64_t duration_ms);

/* ---- what is remembered (kept.c) ---- */

struct kept *bw_kept_get(struct bw_engine *e, char kind, struct bw_str name, bool add);
void bw_kept_dirty(struct bw_engine *e, struct kept *k);
extern const char bw_desks_schema[]; /* a step of the room's schema */
int bw_desks_load(struct bw_engine *e, struct bw_error *err);
int bw_desks_save(struct bw_engine *e, struct bw_error *err);
void bw_desks_committed(struct bw_engine *e);
void bw_desks_clear(struct bw_engine *e);

/* ---- desks and their budgets (budget.c), and who waits for one (queue.c) ---- */

/* After every change of a lead's status or owner. */
void bw_desk_update(struct bw_engine *e, struct lead *l);
size_t bw_desk_live(const struct bw_engine *e, struct bw_str who);
/* A new lead, in the tables already: takes the pool's turn, tells of a gap.  True: it waits for the end of the tick. */
bool bw_lead_arrived(struct bw_engine *e, struct lead *l, const struct verdict *v, int64_t now_ms);
/* Queued leads of an account whose signals are over leave the queue. */
int bw_queue_recheck(struct bw_engine *e, struct bw_str account, int64_t now_ms, struct bw_error *err);
/* Whether the owner may get one more on the working day that began at `day`; and that they got it. */
bool bw_desk_has_room(struct bw_engine *e, struct desk *d, int64_t day);
void bw_desk_spend(struct bw_engine *e, struct desk *d, int64_t day);
/* The operator hears of a lead that nobody owns, once for an account and route. */
void bw_gap_tell(struct bw_engine *e, const struct lead *l, const struct verdict *v, int64_t now_ms);

#endif
