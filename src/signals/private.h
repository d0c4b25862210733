/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the tables behind struct bw_signals. */
#ifndef BW_SIGNALS_PRIVATE_H
#define BW_SIGNALS_PRIVATE_H

#include "signals/signals.h"

#define MAX_OPEN_PER_ACCOUNT 512
#define MAX_TRAITS_PER_ACCOUNT 4096
#define MAX_ACCOUNT_NAME 512

/* ---- catalogue ---- */
struct signal_row {
  struct bw_signal_type pub;
  char *name, *watcher, *play_types, *help;
};
struct trait_row {
  struct bw_trait_type pub;
  char *name, *watcher, *unit, *help;
};
/* One added watcher: its own indices, mapped to the catalogue's. */
struct watcher_row {
  char *name;
  uint32_t plugin; /* the first watcher of the same plugin: the bit in dirty masks */
  uint64_t kinds;  /* BW_KIND_BITs of the records that it asks for */
  uint32_t *signals, *traits;
  uint32_t nsignals, ntraits;
};
struct bw_catalog {
  struct signal_row *signals;
  struct trait_row *traits;
  struct watcher_row *watchers;
  size_t nsignals, ntraits, nwatchers;
  struct bw_map *signal_index, *trait_index; /* name → position + 1 */
  const char **signal_names, **trait_names;
};
/* The common signals by name. */
struct bw_known_signal {
  const char *name, *watcher, *play_types;
  uint32_t direction, urgency;
  const char *evidence; /* see bw_signal_evidence() */
};
extern const struct bw_known_signal bw_known_signals[];
extern const size_t bw_nknown_signals;

/* ---- episodes and traits ---- */
/* Keys are few and shared: kept once. */
struct key {
  uint32_t len;
  char text[];
};

struct account;
struct episode {
  struct bw_episode pub;
  struct account *account;
  const struct key *key;
  char *evidence;
  size_t slot;  /* in open */
  size_t fresh; /* in fresh, + 1 */
  bool dirty;
};

struct trait {
  uint32_t type; /* catalogue index */
  uint32_t is_text;
  const struct key *key;
  union {
    double number;
    char *text;
  };
  int64_t at_ms;
  uint64_t offset;
};

struct account {
  uint64_t hash;
  int64_t seen_ms;       /* the last change that a watcher told us of */
  uint64_t dirty;        /* a bit per plugin whose traits changed since the save */
  struct episode **open; /* by type, key */
  struct trait *traits;  /* by type, key */
  uint32_t nopen, open_cap;
  uint32_t ntraits, traits_cap;
  bool changed, listed; /* in s->changed, in s->dirty_accounts */
  uint32_t name_len;
  char name[];
};

struct bw_signals {
  const struct bw_catalog *catalog;
  struct bw_store *store;
  struct bw_signals_events events;
  struct bw_signals_options options;
  bool *persists; /* per type */
  uint64_t seed;
  struct account **slots; /* open addressing by hash */
  size_t mask;
  struct account **accounts; /* in order of appearance */
  size_t naccounts, accounts_cap;
  struct bw_map *keys;
  struct episode **open; /* in order of opening; NULL where closed since the last compaction */
  size_t nopen, open_cap, holes;
  struct episode **fresh; /* down episodes opened since the last tick; NULL where closed since */
  size_t nfresh, fresh_cap;
  struct episode **dirty; /* to be saved; the closed ones are freed after */
  size_t ndirty, dirty_cap;
  struct account **dirty_accounts;
  size_t ndirty_accounts, dirty_accounts_cap;
  struct account **changed;
  size_t nchanged, changed_cap;
  struct bw_map *names; /* trait name → its id in the store, as (void *)(uintptr_t) */
  uint64_t next_id;
  int32_t last_day;
  uint64_t tick_offset;
  bool meta_dirty;
  struct bw_signals_stats stats;
};

/* Grows an array for one more; returns the new array. */
void *bw_signals_grow(void *array, size_t n, size_t *cap, size_t size);
struct account *bw_signals_account(const struct bw_signals *s, struct bw_str name); /* or NULL */
struct account *bw_signals_account_add(struct bw_signals *s, struct bw_str name);
const struct key *bw_signals_key(struct bw_signals *s, struct bw_str text);
/* Puts an episode into the account's and the global order; without telling anyone. */
void bw_signals_attach(struct bw_signals *s, struct episode *ep);
/* Closes it: detaches, tells, and frees it at once or after the next save. */
void bw_signals_end(struct bw_signals *s, struct episode *ep, int64_t at_ms, bool expired);
void bw_signals_touch(struct bw_signals *s, struct account *a, uint32_t watcher, int64_t at_ms);
void bw_signals_mark_changed(struct bw_signals *s, struct account *a);
void bw_signals_mark_dirty(struct bw_signals *s, struct episode *ep);
void bw_signals_notice(struct bw_signals *s, int64_t at_ms, uint32_t severity, const char *code, struct bw_str text);
/* Sets or, with BW_VALUE_NULL, removes; true where that changed anything.  The account's limit makes it false. */
bool bw_signals_put_trait(struct bw_signals *s, struct account *a, const struct bw_trait_value *v);
int bw_signals_load(struct bw_signals *s, struct bw_error *err);

static inline struct bw_str bw_key_str(const struct key *k)
{
  return k ? bw_str_n(k->text, k->len) : BW_STR("");
}
static inline struct bw_str bw_account_str(const struct account *a)
{
  return bw_str_n(a->name, a->name_len);
}

#endif
