/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: what expressions and templates can see of an account at one moment, and where each value came from.  It knows the book
 * and the signals; of leads, milestones and past values it knows what the owner of an environment tells it.  Runs in core, in
 * replays and in `--check`; needs no privileges.
 */
#ifndef BW_NAMES_NAMES_H
#define BW_NAMES_NAMES_H

#include "book/book.h"
#include "expr/expr.h"
#include "signals/signals.h"

/* ---- where a value came from -------------------------------------------------------------------------------------------- */

enum bw_provenance_kind {
  BW_FROM_NOWHERE = 0,
  BW_FROM_RECORD,   /* a field of the book; offset is the journal offset of the record that set it */
  BW_FROM_TRAIT,    /* a watcher's trait; offset of the record that caused it */
  BW_FROM_SIGNAL,   /* an episode */
  BW_FROM_SETTING,  /* configuration, or a default of ours */
  BW_FROM_COMPUTED, /* from other values, or from the lead */
  BW_FROM_HUMAN     /* filled in by a person (drafts) */
};
struct bw_provenance {
  enum bw_provenance_kind kind;
  struct bw_str name; /* what supplied it, in full: "account acme: traits.acv", "usage.seats_needed", "signal usage_decline" */
  uint64_t offset;    /* journal offset; 0 unknown */
  uint64_t episode;   /* signals: the episode's id */
  int64_t at_ms;      /* when it was so; BW_TIME_NONE unknown */
};
const char *bw_provenance_kind_name(enum bw_provenance_kind kind); /* "record", "trait", ... */
void bw_provenance_json(struct bw_buf *out, const struct bw_provenance *p);

/* ---- the table (docs/names.md lists it) --------------------------------------------------------------------------------- */

/* The fixed names, for documentation and completion: false past the end. */
bool bw_env_name_at(size_t i, const char **ret_name, enum bw_type *ret_type, const char **ret_help);
/* For checking templates when they are loaded: the type a name will have.  BW_ENOTFOUND with a suggestion; BW_EINVAL: of a
   signal that no draft may speak of, for it can mean good or bad news. */
int bw_env_check_name(const struct bw_catalog *catalog, struct bw_str name, enum bw_type *ret_type, struct bw_error *err);

/* The place of a step of the value journey in bw_stages, or -1. */
int bw_stage_rank(struct bw_str name);

/* ---- names of people ----------------------------------------------------------------------------------------------------- */

/*
 * The given name in a full name, as a salutation has it, appended to out: titles are skipped ("Frau Dr. Dana Park"), "Park,
 * Dana" and names in Chinese, Japanese and Korean script begin with the family's, "ERIN" is "Erin".  NULL, or why there is
 * none, for a person to fill it in: "is an e-mail address and no name".  The other one is for what is known to be a given name:
 * all of it.
 */
const char *bw_given_name(struct bw_str full, struct bw_buf *out);
const char *bw_given_whole(struct bw_str first, struct bw_buf *out);

/* ---- expressions over names --------------------------------------------------------------------------------------------- */

/* How far an evaluation must have come before a name has a value. */
enum bw_level { BW_LEVEL_GATES = 0, BW_LEVEL_SCORED, BW_LEVEL_ESTIMATED, BW_LEVEL_ALL, BW_LEVEL_TEMPLATE };

/* The names that a set of expressions uses, each in a slot, and the traits whose past they ask for. */
struct bw_names;
struct bw_names *bw_names_new(const struct bw_catalog *catalog); /* borrowed */
void bw_names_free(struct bw_names **names);
/*
 * Signals that can mean good or bad news are for a person to judge: nothing that may write to a customer can ask for them.
 * Expressions compiled from now on may, if `judged`; at first they may not.
 */
void bw_names_judged(struct bw_names *names, bool judged);
/* As bw_expr_compile(), with names up to that level and the functions open, stage, quartile, trend.  The expression is
   evaluated in environments that have these names (struct bw_env_source). */
int bw_names_compile(struct bw_names *names, struct bw_str source, enum bw_type want, enum bw_level level,
                     struct bw_expr **ret_expr, struct bw_expr_position *ret_position, struct bw_error *err);

/* A trait that some expression asks quartile() or trend() of; borrowed from the names. */
struct bw_tracked {
  uint32_t type;   /* in the catalogue */
  const char *key; /* NULL: none */
  bool quartile;
  int32_t days; /* the longest look back; 0: only the present value */
};
bool bw_names_tracked_at(const struct bw_names *names, size_t i, struct bw_tracked *ret_tracked);

/* ---- one account, and one lead, at one moment --------------------------------------------------------------------------- */

/* Strings that an environment gives out live until bw_env_close(), or the next change of the book, the signals or the lead. */
struct bw_env;

/* Where an environment reads from, as its owner tells it.  All of it is borrowed and outlives the environment. */
struct bw_env_source {
  const struct bw_catalog *catalog;
  struct bw_book *book;
  struct bw_signals *signals;
  const char *currency;         /* where the account names none */
  const struct bw_names *names; /* of the expressions that are evaluated in it; NULL: none is */
  void *ctx;                    /* of the calls; each may be NULL: nothing is known of it then */
  /* The stage that the milestones of the value journey prove; -1 where nothing can be told, and why not in ret_why (NULL:
     nobody asks). */
  int (*stage)(void *ctx, struct bw_env *env, struct bw_str *ret_why);
  /* The past of a trait; tracked is its place in bw_names_tracked_at().  The quarter of the accounts in which a value lies, 1
     to 4; 0: too few have the trait. */
  int (*quartile)(void *ctx, size_t tracked, double value, uint64_t *ret_accounts);
  /* The value that held on a day (NAN: it was withdrawn); false: none is known so far back.  ret_first: the first day that is;
     INT32_MAX: none. */
  bool (*past)(void *ctx, size_t tracked, struct bw_str account, int32_t day, double *ret_value, int32_t *ret_first);
};

/* What names show of a lead.  Text is never NULL; empty: it has none. */
struct bw_env_lead {
  const char *id, *play, *family, *motion, *type, *priority, *csm, *currency, *primary_signal, *title;
  const char *owner, *owner_name; /* owner_name: as people are listed; empty: not known */
  int64_t opened_at, sla_at;      /* BW_TIME_NONE: none */
  double score, estimate;         /* NAN: none */
  const char *why_json;           /* "signals" in it: what the lead saw, for episodes that are over now */
  int64_t updated_at;             /* when it saw that */
};

/* lead may be NULL: lead.* is missing then.  Borrowed: all but account and the lead's struct.  An account that nobody knows is
   accepted. */
int bw_env_open(const struct bw_env_source *from, struct bw_str account, const struct bw_env_lead *lead, int64_t now_ms,
                struct bw_env **ret_env, struct bw_error *err);
void bw_env_close(struct bw_env **env);
/*
 * The value of a name such as account.name, trait.usage.resource_ratio[api_calls], signal.seat_limit.evidence.used, lead.sla.
 * A value that is not there: BW_TYPE_ERROR with BW_VALUE_MISSING, whose s says "account.csm: an account record with
 * traits.csm would supply it"; returns 0 all the same.  BW_ENOTFOUND: no such name, with a suggestion.
 */
int bw_env_lookup(struct bw_env *env, const char *name, struct bw_value *ret_value, struct bw_provenance *ret_from,
                  struct bw_error *err);

#endif
