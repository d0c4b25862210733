/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays: judging accounts by the rules, so that open signals become leads with an owner, and every reason is kept.  Evaluates
 * accounts, gives and queues leads, keeps them.  Runs in core and in replays; needs no privileges.
 */
#ifndef BW_PLAYS_PLAYS_H
#define BW_PLAYS_PLAYS_H

#include "book/book.h"
#include "config/config.h"
#include "rules/rules.h"
#include "signals/signals.h"

/* ---- leads -------------------------------------------------------------------------------------------------------------- */

enum bw_lead_status {
  BW_LEAD_OPEN = 0,
  BW_LEAD_SNOOZED,
  BW_LEAD_APPROVED,
  BW_LEAD_SENT,
  BW_LEAD_REJECTED,
  BW_LEAD_CLOSED,
  BW_LEAD_QUEUED, /* over its owner's budget of the day: waits, unseen, for a better one */
  BW_LEAD_STATUSES
};
const char *bw_lead_status_name(enum bw_lead_status status);
int bw_lead_status_parse(struct bw_str name); /* or -1 */

/* Owned by the engine; borrowed until the next call that changes it.  Text is never NULL. */
struct bw_lead {
  uint64_t number;
  char id[24]; /* "L" and the number */
  char *account, *play, *family, *motion, *type;
  char *priority; /* "high", "medium", "low" */
  enum bw_lead_status status;
  enum bw_mode mode; /* SHADOW: recorded, never shown as work */
  char *owner;       /* the one person accountable: their e-mail where routes/ lists them, else as the book names them */
  char *owner_for;   /* whom the route named, where that is somebody else; empty: the owner */
  char *owner_note;  /* "for anna@example.com (away until 2026-12-05)"; empty */
  char *owner_role;  /* "ae", "am", "csm", ..., "operator" */
  char *csm;         /* who is told at the same moment; empty: unknown or the owner themselves */
  bool csm_required; /* the route says that the CSM must be told */
  int64_t opened_at, updated_at;
  int64_t released_at;              /* when it came before its owner; BW_TIME_NONE: it is, or was till its end, queued */
  int64_t sla_at;                   /* first contact is due; BW_TIME_NONE while queued */
  int64_t review_until;             /* the CSM's window; BW_TIME_NONE: none */
  int64_t snoozed_until, closed_at; /* BW_TIME_NONE */
  int64_t close_at;                 /* an expansion joined to the renewal of that day; BW_TIME_NONE: not joined */
  char *joined_to;                  /* id of the renewal's open lead; empty: none */
  bool nurture;                     /* not ready to be pursued: the play's lead for the nurture band */
  double score;                     /* 0..100 */
  double estimate;                  /* in currency per year; NAN where the play has none or a value was missing */
  char *currency;
  char *primary_signal; /* type, or type[key] */
  char *fields_json;    /* the eight fields that the owner reads */
  char *why_json;       /* the whole evaluation */
  char *angle;          /* template text of the opening angle */
  char *title;          /* the opening move in words */
  char *template_name;
  char *reason;      /* why it was rejected or closed; empty before */
  uint64_t offset;   /* journal offset of the tick that opened it */
  uint32_t enriched; /* how often a re-fire added something */
};
/* One line of the replay, newline included: {"kind":"lead","at","lead","account","play","event","status",...}. */
void bw_lead_line_json(struct bw_buf *out, const struct bw_lead *lead, const char *event, int64_t at_ms);
/* All of it as one object, for the control API. */
void bw_lead_json(struct bw_buf *out, const struct bw_lead *lead);

struct bw_lead_events {
  void *ctx;
  void (*opened)(void *ctx, const struct bw_lead *lead);
  void (*enriched)(void *ctx, const struct bw_lead *lead); /* a new signal, or a higher priority */
  void (*spoke)(void *ctx, const struct bw_lead *lead); /* its play fired again, or it has another owner: numbers and names that
                                                           a draft of it holds may be others now; may be NULL */
  void (*changed)(void *ctx, const struct bw_lead *lead, enum bw_lead_status before);
  /* A new lead is over its owner's budget: `opened` follows when it is released.  NULL: `changed` tells. */
  void (*queued)(void *ctx, const struct bw_lead *lead);
  void (*notice)(void *ctx, const struct bw_notice *notice); /* for the operator: no owner was found; may be NULL */
};

/* ---- the engine --------------------------------------------------------------------------------------------------------- */

struct bw_engine_options {
  char *operator_name;              /* who owns what no route resolves; default "operator" */
  char *currency;                   /* where the account names none; default "USD" */
  int64_t expire_ms;                /* an untouched open lead closes after it; default 45 d */
  int64_t expire_sent_ms;           /* a sent one without outcome closes after it; default 90 d */
  bool business_hours;              /* SLA counted in working time; default true */
  int64_t day_start_ms, day_end_ms; /* of a working day, after midnight; default 8 h, 18 h */
  char *workdays;                   /* default "mon,tue,wed,thu,fri" */
  char *timezone;                   /* where no person's own is known; default "UTC" */
  int64_t budget;                   /* new leads per owner and working day; 0: no limit; default 10 */
};
extern const struct bw_setting bw_engine_settings[];
extern const size_t bw_engine_nsettings;
void bw_engine_options_default(struct bw_engine_options *ret_options); /* free with bw_settings_clear() */
/* From the section "leads" (NULL: it is not there), complaining of what cannot be.  Free with bw_settings_clear(). */
void bw_engine_options_read(const struct bw_node *leads, struct bw_engine_options *ret_options, struct bw_complaints *c);

extern const struct bw_schema bw_plays_schema;
/* plays, signals, book borrowed; store may be NULL; options copied, NULL for defaults.  Loads leads from the store. */
struct bw_engine;
int bw_engine_open(const struct bw_plays *plays, struct bw_signals *signals, struct bw_book *book, struct bw_store *store,
                   const struct bw_engine_options *options, const struct bw_lead_events *events, struct bw_engine **ret_engine,
                   struct bw_error *err);
void bw_engine_close(struct bw_engine **engine);
/* Swaps the rules and the settings between two evaluations; the caller frees the old set of rules afterwards.  Open leads keep
   what they were told. */
void bw_engine_configure(struct bw_engine *e, const struct bw_plays *plays, const struct bw_engine_options *options);
const struct bw_plays *bw_engine_plays(const struct bw_engine *e);

/*
 * Lets evaluations of accounts without a weighed open signal cost next to nothing: from now on the caller passes every episode
 * that opens to bw_engine_heard() (from within bw_signals_events.on_signal).  What is open already is found by itself.  Without
 * this call each account is looked up in the signals.
 */
void bw_engine_hear_signals(struct bw_engine *e);
void bw_engine_heard(struct bw_engine *e, const struct bw_episode *ep);
/* Looks at one account: opens and enriches leads.  Cheap where no play's signal is open.  Events are called from within: they
   may read leads and open an environment, but not evaluate, ask why_not or decide. */
int bw_engine_evaluate(struct bw_engine *e, struct bw_str account, int64_t now_ms, uint64_t offset, struct bw_error *err);
/* Wakes snoozed leads whose time has come, closes what expired.  Once per tick, before evaluating. */
int bw_engine_tick(struct bw_engine *e, int64_t now_ms, uint64_t offset, struct bw_error *err);
/*
 * The end of a tick, after all evaluations: new leads come before their owners, the best first, as far as each one's budget of
 * the day goes; the rest is queued.  What was queued before is judged anew and released where there is room again.
 */
int bw_engine_settle(struct bw_engine *e, int64_t now_ms, uint64_t offset, struct bw_error *err);
/* Queued leads of an owner (empty: of all), the next one first.  fn returns negative to stop, and changes nothing. */
int bw_leads_each_queued(struct bw_engine *e, struct bw_str owner, int (*fn)(void *ctx, const struct bw_lead *lead), void *ctx);
/* {"owner","limit": or null,"used","waiting","from","until"}: the budget of the working day that holds now_ms. */
void bw_budget_json(struct bw_engine *e, struct bw_str owner, int64_t now_ms, struct bw_buf *out);

/*
 * What the play would decide now, as JSON, without recording anything: {"account","play","fires":bool,"blocked_by":
 * "signals|gate|timing|score|readiness|estimate|floor|open_lead|suppressed|nothing_new|","says": one
 * sentence,"signals":[...],"gates":[...],"score":{...},
 * "readiness":{...},"estimate":{...},"floor":{...},"route":{...},"suppressed_until","open_lead"}.  play empty: an array over
 * all plays.  BW_ENOTFOUND where there is no such play.
 */
int bw_engine_why_not(struct bw_engine *e, struct bw_str account, struct bw_str play, int64_t now_ms, struct bw_buf *ret_json,
                      struct bw_error *err);

struct bw_env;
/*
 * What templates can see of an account and its lead (NULL: lead.* is missing): as bw_env_open(), with the engine's rules,
 * signals, book and settings behind it.  Closed with bw_env_close(), and before the engine is.
 */
int bw_engine_open_env(const struct bw_engine *engine, struct bw_str account, const struct bw_lead *lead, int64_t now_ms,
                       struct bw_env **ret_env, struct bw_error *err);

/* By id ("L12"); closed ones are read from the store and stay valid until the next find.  NULL: none. */
const struct bw_lead *bw_leads_find(struct bw_engine *e, struct bw_str id);
/* The open (not rejected, not closed) lead of an account and family; shadows apart.  NULL: none. */
const struct bw_lead *bw_leads_find_open(const struct bw_engine *e, struct bw_str account, struct bw_str family);
/* Live ones (neither rejected nor closed), by number; closed too where `closed` (those still in memory). */
int bw_leads_each(const struct bw_engine *e, bool closed, int (*fn)(void *ctx, const struct bw_lead *lead), void *ctx);
/* All live leads of an account. */
int bw_leads_each_of(const struct bw_engine *e, struct bw_str account, int (*fn)(void *ctx, const struct bw_lead *lead),
                     void *ctx);

/* Decisions.  BW_ENOTFOUND, or BW_ESTATE with a message where the lead's status does not allow it.  Shadows are never approved.
 */
int bw_lead_approve(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err);
int bw_lead_unapprove(struct bw_engine *e, struct bw_str id, int64_t now_ms,
                      struct bw_error *err); /* draft changed after all */
int bw_lead_sent(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err);
int bw_lead_reject(struct bw_engine *e, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err);
int bw_lead_snooze(struct bw_engine *e, struct bw_str id, int64_t until_ms, int64_t now_ms, struct bw_error *err);
int bw_lead_wake(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err);
int bw_lead_close(struct bw_engine *e, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err);
/* A deal is open for the lead: where it would expire by now, its time begins anew.  Nothing where there is no live one of this
   id and account. */
void bw_lead_keep(struct bw_engine *e, struct bw_str id, struct bw_str account, int64_t now_ms);
/* The angle filled in by drafts, into the eight fields. */
int bw_lead_set_angle(struct bw_engine *e, struct bw_str id, struct bw_str angle, struct bw_error *err);

/* As bw_signals_save() and _committed(). */
int bw_leads_save(struct bw_engine *e, struct bw_error *err);
void bw_leads_committed(struct bw_engine *e);

struct bw_engine_stats {
  uint64_t evaluated, fired, open, shadow, suppressed, expired;
  uint64_t queued, dropped; /* went to the queue; left it unseen */
  uint64_t nurture;         /* evaluations that ended in the nurture band, without a lead */
};
void bw_engine_stats(const struct bw_engine *e, struct bw_engine_stats *ret_stats);

/* ---- for those who look and change nothing: lint, and what a reload would change ---------------------------------------- */

/*
 * A second engine over the same signals and book, with other rules, for asking what they would do.  It has no leads of its own:
 * never let it evaluate, tick or save.
 */
int bw_engine_beside(const struct bw_engine *running, const struct bw_plays *plays, const struct bw_engine_options *options,
                     int64_t now_ms, struct bw_engine **ret_engine, struct bw_error *err);
enum bw_dry_state {
  BW_DRY_NO = 0, /* it does not fire: blocked_by */
  BW_DRY_OPENS,  /* it would open a lead */
  BW_DRY_HOLDS,  /* its lead is open */
  BW_DRY_ADDS,   /* another play's lead of its family is open */
  BW_DRY_RESTS   /* after a close */
};
struct bw_dry {
  const char *play, *family;
  size_t index; /* of the play */
  enum bw_dry_state state;
  bool shadow, nurture;
  const char *blocked_by;                              /* as in bw_engine_why_not(); empty where it fires */
  double score, estimate;                              /* the rest only where it fires */
  const char *priority, *owner, *role, *template_name; /* priority: where its lead is open, never below that one's */
  const struct bw_lead *lead;                          /* the family's open one, or NULL */
};
/* What each play that weighs an open signal of the account would do now, by e's rules and the open leads of `leads` (e itself,
   or the running engine).  Records nothing.  All is borrowed for the call. */
int bw_engine_dry(struct bw_engine *e, struct bw_engine *leads, struct bw_str account, int64_t now_ms,
                  void (*fn)(void *ctx, const struct bw_dry *d), void *ctx, struct bw_error *err);
/* The play of each lead opened since, shadows left out, as far as it is saved; the newest first. */
int bw_engine_fired(struct bw_engine *e, int64_t since_ms, void (*fn)(void *ctx, struct bw_str play), void *ctx,
                    struct bw_error *err);

#endif
