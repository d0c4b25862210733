/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deals: what came of a lead.  A lead's outcomes, as people and the CRM tell them, and the opportunity that they make, with its
 * own stages, amount, dates and credit.  Every outcome is kept in order and in the audit chain; the opportunity goes into the
 * journal as a record.  Runs in core and in replays; through the store only.
 */
#ifndef BW_DEALS_DEALS_H
#define BW_DEALS_DEALS_H

#include "approvals/approvals.h"
#include "book/book.h"
#include "config/config.h"
#include "plays/plays.h"

/* ---- settings: `opportunities:` of basewatch.yaml ---- */

enum bw_deal_state {
  BW_DEAL_NONE = 0, /* outcomes, but no opportunity (yet) */
  BW_DEAL_OPEN,
  BW_DEAL_WON,
  BW_DEAL_LOST
};
const char *bw_deal_state_name(enum bw_deal_state state); /* "none", "open", "won", "lost" */

/* What a person can say of a lead. */
enum bw_outcome {
  BW_OUTCOME_NONE = 0,
  BW_OUTCOME_CONVERSATION,
  BW_OUTCOME_OPPORTUNITY,
  BW_OUTCOME_PROPOSAL,
  BW_OUTCOME_WON,
  BW_OUTCOME_LOST,
  BW_OUTCOME_NOTHING
};
const char *bw_outcome_name(enum bw_outcome outcome);
enum bw_outcome bw_outcome_parse(struct bw_str word); /* BW_OUTCOME_NONE: no such word */
/* won, lost and nothing end a lead. */
bool bw_outcome_final(enum bw_outcome outcome);

struct bw_deal_stage {
  char *name;
  int64_t within_ms;        /* how long a deal may stand in it; 0: as long as it likes */
  enum bw_deal_state state; /* OPEN, WON or LOST */
  enum bw_outcome after;    /* the outcome that brings a deal here; BW_OUTCOME_NONE: only the CRM does */
  char **also;              /* what the CRM calls it */
  size_t nalso;
};

struct bw_deals_options {
  char *pipeline, *renewal_pipeline, *revival_pipeline; /* of expansions, and of the other motions */
  int64_t stale_ms;                                     /* a deal older than this is a problem */
  int64_t close_urgent_ms, close_ms;                    /* from the outcome to the expected close: priority high, and others */
  int64_t cross_close_urgent_ms, cross_close_ms;        /* the same for cross-sell */
  const struct bw_node *stages_node, *splits_node;
  struct bw_deal_stage *stages;
  size_t nstages;
  char **split_for, **split; /* "expansion/cross_sell" → "ae=70,csm=30" */
  size_t nsplits;
};
extern const struct bw_setting bw_deals_settings[];
extern const size_t bw_deals_nsettings;
/* Reads and checks the node (NULL: all defaults).  Free with bw_deals_options_clear().  BW_EINVAL with complaints. */
int bw_deals_options_read(const struct bw_node *node, struct bw_deals_options *ret_options, struct bw_complaints *c);
void bw_deals_options_clear(struct bw_deals_options *options);
/* By our name or one of the CRM's, letters of any case; -1: unknown. */
int bw_deal_stage_find(const struct bw_deals_options *o, struct bw_str name);
/* "ae=70,csm=30": at most 8 parts of up to two decimals that sum to 100.  The normal form is appended to ret. */
int bw_split_parse(struct bw_str text, struct bw_buf *ret, struct bw_error *err);

/* ---- a deal ---- */

enum bw_deal_text {
  BW_DEAL_ID = 0,        /* "bw-L12-5f3a9c1e07": made of the lead */
  BW_DEAL_LEAD,          /* "L12" */
  BW_DEAL_ACCOUNT,       /* its id */
  BW_DEAL_CRM,           /* the CRM's id of the same opportunity; empty: not linked */
  BW_DEAL_NAME,          /* "Acme GmbH - Expansion - Seat - $4,800" */
  BW_DEAL_PIPELINE,      /* as the settings named it when the deal was made */
  BW_DEAL_MOTION,        /* of the lead */
  BW_DEAL_TYPE,          /* of the lead */
  BW_DEAL_PLAY,          /* of the lead */
  BW_DEAL_CURRENCY,      /* ISO 4217 */
  BW_DEAL_SOURCE,        /* the lead's primary signal */
  BW_DEAL_OWNER,         /* of the account */
  BW_DEAL_OWNER_ROLE,    /* of the lead's owner: what a split may name */
  BW_DEAL_LEAD_OWNER,    /* who that is */
  BW_DEAL_CSM,           /* of the account */
  BW_DEAL_CHAMPION,      /* contact id */
  BW_DEAL_CHAMPION_NAME, /* their name */
  BW_DEAL_BUYER,         /* the economic buyer's contact id */
  BW_DEAL_BUYER_NAME,    /* their name */
  BW_DEAL_STAGE,         /* name; kept as it was where the settings know it no more */
  BW_DEAL_LOSS_REASON,   /* one of bw_loss_reasons, or the CRM's own words */
  BW_DEAL_SPLIT,         /* "ae=70,csm=30" */
  BW_DEAL_CRM_STAGE,     /* what the CRM said last, in our name */
  BW_DEAL_TEXTS
};

struct bw_deal_step {
  char *stage;
  int64_t at; /* when it was entered */
  char *who;  /* the person, or "crm" */
  bool by_record;
};

/* Owned by the room; borrowed until its next call.  Texts are never NULL. */
struct bw_deal {
  char *text[BW_DEAL_TEXTS];
  enum bw_deal_state state;
  bool adopted;         /* the CRM had it first: records of ours go to its id */
  double amount;        /* incremental ARR in currency; NAN: unknown */
  int64_t created_at;   /* when it became an opportunity; BW_TIME_NONE: it has not */
  int64_t stage_at;     /* when the stage was entered */
  int64_t close_at;     /* expected close, or the day of the end; BW_TIME_NONE */
  int64_t closed_at;    /* BW_TIME_NONE: open */
  int64_t slow_at;      /* the tick that found it too long in its stage; BW_TIME_NONE */
  int64_t stale_at;     /* the tick that found it too old; BW_TIME_NONE */
  int64_t entries;      /* outcomes so far */
  enum bw_outcome said; /* the latest one */
  int64_t said_at;
  int64_t amount_at, close_set_at, owner_at, crm_at; /* event time of what last spoke about each */
  struct bw_deal_step *steps;                        /* the history of its stages, oldest first */
  size_t nsteps;
};

extern const char *const bw_loss_reasons[]; /* "timing" ..., ended by NULL */

/* ---- the room ---- */

struct bw_deals;

/* How the room sees leads; bw_deals_engine() gives the engine's.  find: as bw_leads_find(). */
struct bw_deals_leads {
  void *ctx;
  const struct bw_lead *(*find)(void *ctx, struct bw_str id);
  int (*close)(void *ctx, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err);
  /* Keeps a live lead whose deal is open from expiring. */
  void (*keep)(void *ctx, struct bw_str id, struct bw_str account, int64_t now_ms);
};
struct bw_deals_leads bw_deals_engine(struct bw_engine *engine);

struct bw_deals_events {
  void *ctx;
  /* For the operator; may be NULL. */
  void (*notice)(void *ctx, int64_t at_ms, struct bw_str account, struct bw_str code, struct bw_str text);
};

extern const struct bw_schema bw_deals_schema;
/* Everything is borrowed for the life of the room; store may be NULL: nothing is kept.  Loads what the store holds. */
int bw_deals_open(struct bw_store *store, const struct bw_deals_options *options, const struct bw_deals_leads *leads,
                  const struct bw_book *book, const struct bw_deals_events *events, struct bw_deals **ret_deals,
                  struct bw_error *err);
void bw_deals_close(struct bw_deals **deals);
/* After a reload. */
void bw_deals_set_options(struct bw_deals *d, const struct bw_deals_options *options);

/* What a person says.  Everything is borrowed for the call. */
struct bw_outcome_request {
  struct bw_str lead;
  enum bw_outcome outcome;
  double amount;        /* NAN: not given */
  struct bw_str reason; /* lost: one of bw_loss_reasons */
  struct bw_str note;   /* at most 2000 bytes */
  struct bw_str split;  /* won: "ae=70,csm=30"; empty: as before, or the settings' */
  struct bw_str who;    /* a person */
  struct bw_str via;    /* whose login it came by; empty: their own */
  int64_t at;           /* when it happened: not before the last outcome, not after now; BW_TIME_NONE: now */
  int64_t now;
};
struct bw_outcome_result {
  const struct bw_deal *deal;
  bool made;                      /* this outcome made the opportunity */
  bool closed;                    /* this outcome closed the lead */
  int64_t at;                     /* when it happened */
  const struct bw_record *record; /* to be journaled; NULL: none; borrowed until the next call */
};
/*
 * Records one outcome: the entry, its audit row (both with the next bw_deals_save()), the opportunity, the end of the lead.
 * Refuses, having changed nothing: BW_ENOTFOUND (no such lead), BW_EINVAL (what is missing or malformed, in words), BW_ESTATE
 * (the order of things does not allow it).  Any other failure leaves memory ahead of the store.
 */
int bw_deals_outcome(struct bw_deals *d, const struct bw_outcome_request *r, struct bw_outcome_result *ret,
                     struct bw_error *err);

/*
 * One opportunity record of the journal: moves the deal that it names by our id, by the lead's id, or by the CRM's id once the
 * two were linked; others are ignored.  Records that this room made itself change nothing where their outcome is known.
 */
int bw_deals_apply(struct bw_deals *d, const struct bw_record *r, struct bw_error *err);
/* Flags deals that are too long in their stage or too old, each once, and keeps their leads.  Before the plays' own tick. */
void bw_deals_tick(struct bw_deals *d, int64_t now_ms);

/* Writes what changed, the outcomes and their audit rows into the store's open transaction.  Where that transaction fails the
   room is ahead of the store: close it and open it again. */
int bw_deals_save(struct bw_deals *d, struct bw_error *err);

/* The deal of a lead (state NONE: outcomes only), or NULL. */
const struct bw_deal *bw_deals_of(struct bw_deals *d, const struct bw_lead *lead);
const struct bw_deal *bw_deals_find(const struct bw_deals *d, struct bw_str id);
/* All opportunities in order of their making; fn returns negative to stop. */
int bw_deals_each(const struct bw_deals *d, int (*fn)(void *ctx, const struct bw_deal *deal), void *ctx);
/* One object; now_ms for the days in the stage. */
void bw_deal_json(struct bw_buf *out, const struct bw_deal *deal, int64_t now_ms);
/* Every outcome of the deal's lead, oldest first, as saved: [{"at","recorded","who","outcome","amount","reason","note","split",
   "by_record"}]. */
int bw_deal_outcomes_json(struct bw_deals *d, const struct bw_deal *deal, struct bw_buf *out, struct bw_error *err);

#endif
