/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: what watchers say, kept as episodes and traits per account.  One shift on one account is one episode, however often
 * the watcher speaks of it.  Runs in core and in replays; needs no privileges.
 */
#ifndef BW_SIGNALS_SIGNALS_H
#define BW_SIGNALS_SIGNALS_H

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "store/store.h"

/* ---- the catalogue: every signal and trait that the configured watchers may emit ------------------------------------ */

#define BW_CATALOG_MAX_WATCHERS 64
#define BW_CATALOG_MAX_TYPES 4096

struct bw_signal_type {
  const char *name;       /* "seat_limit" */
  const char *watcher;    /* the plugin that emits it: "usage" */
  uint32_t direction;     /* enum bw_direction */
  uint32_t urgency;       /* enum bw_urgency */
  const char *play_types; /* "usage,tier", "any" or "" */
  const char *help;
  bool configured; /* false: known by name (docs/signals), but no configured watcher emits it: never open */
};

struct bw_trait_type {
  const char *name;    /* with its prefix: "usage.dau_mau" */
  const char *watcher; /* "usage" */
  bool is_text;
  const char *unit;
  const char *help;
};

struct bw_catalog;
struct bw_catalog *bw_catalog_new(void); /* knows the common signal types by name, none of them configured */
void bw_catalog_free(struct bw_catalog **catalog);
/*
 * Adds a watcher from its description (host/instance.h, bw_instance_describe) and gives the index by which bw_signals_apply()
 * knows it: 0, 1, ... in order of adding.  The same plugin may be added several times (one watcher split by account); two
 * plugins may share a signal's name only if its direction is the same.  BW_EINVAL, BW_EEXIST, BW_ELIMIT.
 */
int bw_catalog_add(struct bw_catalog *c, struct bw_str description, uint32_t *ret_watcher, struct bw_error *err);
/* The kinds of records that the watcher asks for, as BW_KIND_BITs; 0 where there is no such watcher. */
uint64_t bw_catalog_kinds(const struct bw_catalog *c, size_t watcher);
size_t bw_catalog_signals(const struct bw_catalog *c);
size_t bw_catalog_traits(const struct bw_catalog *c);
/* NULL past the end.  The index is stable; it identifies the type wherever a number does. */
const struct bw_signal_type *bw_catalog_signal(const struct bw_catalog *c, size_t i);
const struct bw_trait_type *bw_catalog_trait(const struct bw_catalog *c, size_t i);
/* The index, or -1. */
int bw_catalog_find_signal(const struct bw_catalog *c, struct bw_str name);
int bw_catalog_find_trait(const struct bw_catalog *c, struct bw_str name); /* "usage.dau_mau" */
/* All names, NULL-terminated, for suggestions; borrowed until the next add. */
const char *const *bw_catalog_signal_names(const struct bw_catalog *c);
const char *const *bw_catalog_trait_names(const struct bw_catalog *c);
/* What the evidence of a common signal may hold: names with spaces between, "*_ratio" for all that end so.  NULL where that is
   not known: a watcher of your own, or one that says something else by the name. */
const char *bw_signal_evidence(const struct bw_signal_type *type);
const char *bw_direction_name(uint32_t direction); /* "up", "down", "both", "unclear", "revival", "context" */
const char *bw_urgency_name(uint32_t urgency);     /* "watch", "low", "medium", "high" */

/* ---- episodes and traits ---------------------------------------------------------------------------------------------- */

/* Borrowed until the next call that changes the signals. */
struct bw_episode {
  uint64_t id; /* from 1, in order of opening; never reused */
  struct bw_str account;
  struct bw_str key;
  const struct bw_signal_type *type;
  uint32_t type_index; /* in the catalogue */
  uint32_t watcher;    /* index of the watcher that opened it */
  int64_t opened_at, updated_at;
  int64_t cleared_at;                     /* BW_TIME_NONE while open */
  int64_t held_until;                     /* the fleet guard holds it back from plays; BW_TIME_NONE where it does not */
  uint64_t opened_offset, updated_offset; /* journal offsets of the records that caused it */
  double value, threshold;
  double strength, peak_strength; /* 0..1 */
  struct bw_str evidence;         /* a JSON object, NUL-terminated */
  bool expired;                   /* cleared by us, because its watcher fell silent about it */
};

struct bw_trait_value {
  struct bw_str account, key;
  const struct bw_trait_type *type;
  uint32_t type_index;
  uint32_t value_type; /* BW_VALUE_NUMBER, BW_VALUE_STRING; BW_VALUE_NULL where withdrawn */
  double number;
  struct bw_str text;
  int64_t at_ms;
  uint64_t offset;
};

/* Calls are made from within bw_signals_apply() and _tick(); they must not call back into the signals.  Any may be NULL. */
struct bw_signals_events {
  void *ctx;
  void (*on_signal)(void *ctx, const struct bw_episode *e, enum bw_signal_state state);
  void (*on_trait)(void *ctx, const struct bw_trait_value *t); /* only when the value changed */
  void (*on_notice)(void *ctx, const struct bw_notice *n, const char *source);
};

struct bw_signals_options {
  int64_t expiry_ms;     /* an episode that its watcher has not spoken of for so long is closed; default 45 d */
  char *persist;         /* comma-separated types that never expire; default "data_export" */
  double fleet_share;    /* more than this share of active accounts opening one down signal on one tick; default 20 % */
  int64_t fleet_min;     /* and at least so many accounts; default 20 */
  int64_t fleet_hold_ms; /* held so long; still open then, it is believed; default 3 d */
  int64_t active_ms;     /* an account that a watcher spoke of within this is active; default 28 d */
};
extern const struct bw_setting bw_signals_settings[];
extern const size_t bw_signals_nsettings;
void bw_signals_options_default(struct bw_signals_options *ret_options); /* free with bw_settings_clear() */

struct bw_signals;
extern const struct bw_schema bw_signals_schema;

/* The catalogue is borrowed and must not grow afterwards; options are copied, NULL for the defaults; store may be NULL.  Loads
   what the store holds; what belongs to watchers no longer configured stays in the store, unseen. */
int bw_signals_open(const struct bw_catalog *catalog, const struct bw_signals_options *options, struct bw_store *store,
                    const struct bw_signals_events *events, struct bw_signals **ret_signals, struct bw_error *err);
void bw_signals_close(struct bw_signals **s);
/* Other settings, from the next tick on; NULL for the defaults. */
void bw_signals_configure(struct bw_signals *s, const struct bw_signals_options *options);

/*
 * Takes what a watcher said (wire/output.h) after records up to `offset`.  An opening of an open episode updates it; an update
 * of one that is not open opens it; a clearing of one is counted and otherwise ignored.  A word without evidence keeps the
 * evidence that there was: a watcher that learns nothing for long so says that its episode goes on, or it would expire.
 * BW_EINVAL where the bytes are damaged: what stood before the damage has been taken.
 */
int bw_signals_apply(struct bw_signals *s, uint32_t watcher, struct bw_str outputs, uint64_t offset, struct bw_error *err);

/* After all watchers' outputs up to this tick were applied, before plays look: the fleet guard, and on the first tick of a UTC
   day, expiry and the release of held episodes. */
int bw_signals_tick(struct bw_signals *s, int64_t now_ms, uint64_t offset, struct bw_error *err);

/* An operator's word that a fleet-wide shift is real: releases the held episodes of a type (empty: all); returns how many. */
size_t bw_signals_release(struct bw_signals *s, struct bw_str type);

/* Writes what changed into the store's open transaction.  Call _committed() after the commit; without it (it failed), the next
   save writes the same again.  Without a store both only forget. */
int bw_signals_save(struct bw_signals *s, struct bw_error *err);
void bw_signals_committed(struct bw_signals *s);

/* Open episodes of an account, held ones included, in the catalogue's order of types, then by key.  fn returns negative to
 * stop. */
int bw_signals_each_open(const struct bw_signals *s, struct bw_str account, int (*fn)(void *ctx, const struct bw_episode *e),
                         void *ctx);
/* All open episodes, in order of opening. */
int bw_signals_each(const struct bw_signals *s, int (*fn)(void *ctx, const struct bw_episode *e), void *ctx);
/* The open episode; an empty key takes the strongest (ties: the first key).  Held ones are skipped.  NULL: none. */
const struct bw_episode *bw_signals_find(const struct bw_signals *s, struct bw_str account, uint32_t type, struct bw_str key);
/* Sum of the strengths of the account's open, not held, up signals: "signal density", by which owners' inboxes are ranked. */
double bw_signals_density(const struct bw_signals *s, struct bw_str account);
size_t bw_signals_count_open(const struct bw_signals *s, struct bw_str account); /* not held */

/* A current trait by full name or index; an empty key takes the one without a key.  False: none. */
bool bw_signals_trait(const struct bw_signals *s, struct bw_str account, const char *name, struct bw_str key,
                      struct bw_trait_value *ret_value);
bool bw_signals_trait_at(const struct bw_signals *s, struct bw_str account, uint32_t type, struct bw_str key,
                         struct bw_trait_value *ret_value);
/* All traits of an account, in the catalogue's order, then by key. */
int bw_signals_each_trait(const struct bw_signals *s, struct bw_str account,
                          int (*fn)(void *ctx, const struct bw_trait_value *t), void *ctx);

/* Accounts whose picture changed since the last call, in order of first change; fn may be NULL to forget them. */
void bw_signals_take_changed(struct bw_signals *s, void (*fn)(void *ctx, struct bw_str account), void *ctx);
/* Accounts with open episodes, in order of account id: for the daily look at all of them. */
void bw_signals_each_account(const struct bw_signals *s, void (*fn)(void *ctx, struct bw_str account), void *ctx);

struct bw_signals_stats {
  uint64_t accounts, traits, open, held, opened, cleared, expired, unknown_clears, orphans, refused;
};
void bw_signals_stats(const struct bw_signals *s, struct bw_signals_stats *ret_stats);

/* One line of the replay, newline included:
   {"kind":"signal","at","account","signal","key","state","direction","value","threshold","strength","evidence"}
   {"kind":"trait","at","account","trait","key","value"}; "key" only where there is one. */
void bw_episode_json(struct bw_buf *out, const struct bw_episode *e, enum bw_signal_state state);
void bw_trait_value_json(struct bw_buf *out, const struct bw_trait_value *t);

#endif
