/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core's side of the conversations with watcher hosts: who has read the journal how far, what came of it (exactly once),
 * snapshots, and what to do with one that dies, hangs, floods or lies.  Speaks to processes only through the events given:
 * `core` wires them to its line to the parent.
 *
 * A watcher's number is its index in the configuration; it is its slot too.
 */
#ifndef BW_WATCH_WATCH_H
#define BW_WATCH_WATCH_H

#include <sys/types.h>

#include "journal/journal.h"
#include "loop/loop.h"
#include "store/store.h"

struct bw_watchers;
extern const struct bw_schema bw_watch_schema;

struct bw_watcher_config {
  const char *name;      /* unique; the key of its rows in the store */
  const char *plugin;    /* absolute path */
  struct bw_str options; /* JSON object; empty: {} */
  struct bw_str
      description;       /* what the plugin must say of itself (JSON), for its signals are told by number; empty: anything */
  int64_t deadline_ms;   /* for one batch, a snapshot, or start-up; default 30 s */
  uint64_t memory_bytes; /* address space of the host; 0: no limit */
  uint64_t snapshot_records; /* a snapshot after this many records; default 200,000 */
  int64_t snapshot_ms;       /* or after this long, where there are new ones; default 15 min */
  int64_t backoff_ms;        /* before the first restart; doubles up to 60 s; default 500 */
  bool best_effort;          /* allow a kernel without Landlock or seccomp */
};

struct bw_watchers_events {
  /* Start a host in this slot; bw_watchers_attach() or bw_watchers_gone() follows.  Negative: it cannot be asked for now. */
  int (*spawn)(void *ctx, uint32_t slot);
  /* Kill it; bw_watchers_gone() follows. */
  void (*kill)(void *ctx, uint32_t slot);
  /*
   * What a watcher said on records first..last, each piece once: called within the store's open transaction, in which the
   * watcher's applied offset moves too.  outputs (wire/output.h) are checked: they decode, and indices lie within the
   * watcher's description.  May be empty.  Negative: the transaction must be rolled back by whoever owns it, followed by
   * bw_watchers_rolled_back().
   */
  int (*output)(void *ctx, uint32_t watcher, uint64_t first, uint64_t last, struct bw_str outputs, struct bw_error *err);
  /* The watcher has just applied the last of what was released.  Not called where nothing was left to apply: who releases asks
     bw_watchers_waiting() too.  May release more. */
  void (*caught_up)(void *ctx, uint32_t watcher, uint64_t offset);
  /* Something for the operator: code is a short stable word. */
  void (*notice)(void *ctx, uint32_t watcher, const char *code, const char *text);
  /* The transaction holds something: commit soon (with the journal's group commit) and call bw_watchers_committed(), or
     bw_watchers_rolled_back().  NULL: the watchers commit each batch themselves. */
  void (*dirty)(void *ctx);
};

/* Reads where each watcher stood.  store, journal, loop and the configuration's strings outlive it.  No host is started before
   bw_watchers_start().  seed is the hash seed of all hosts. */
int bw_watchers_new(struct bw_loop *loop, struct bw_store *store, struct bw_journal *journal,
                    const struct bw_watcher_config *configs, uint32_t n, uint64_t seed, const struct bw_watchers_events *events,
                    void *ctx, struct bw_watchers **ret, struct bw_error *err);
/* Closes the conversations; does not kill (the hosts leave when their socket closes). */
void bw_watchers_free(struct bw_watchers **ws);
void bw_watchers_start(struct bw_watchers *ws);

/* The host of a slot: its process (0: not known) and socket (taken), or its end (status as of waitpid(2)). */
void bw_watchers_attach(struct bw_watchers *ws, uint32_t slot, pid_t pid, int fd);
void bw_watchers_gone(struct bw_watchers *ws, uint32_t slot, int status);

/* The journal may be fed up to and including this offset, which must be committed.  Never goes back. */
void bw_watchers_release(struct bw_watchers *ws, uint64_t offset);

void bw_watchers_committed(struct bw_watchers *ws);
/* Forgets what was applied since the last commit; the hosts concerned restart from their snapshots. */
void bw_watchers_rolled_back(struct bw_watchers *ws);

/* The last offset applied in the present transaction; 0: none. */
uint64_t bw_watchers_applied(const struct bw_watchers *ws, uint32_t watcher);
/* Whether a watcher that is not degraded has yet to apply `offset`: who waits at a tick waits for these. */
bool bw_watchers_waiting(const struct bw_watchers *ws, uint64_t offset);
/* What no watcher needs any more: every record below it is in all snapshots (for the journal's retention). */
uint64_t bw_watchers_keep_from(const struct bw_watchers *ws);
/* Asks for a snapshot now, of each watcher that has applied something since its last. */
void bw_watchers_snapshot(struct bw_watchers *ws);
/* The description that the host gave (bw_instance_describe() JSON); empty before it was ready once. */
struct bw_str bw_watchers_description(const struct bw_watchers *ws, uint32_t watcher);

enum bw_watcher_state {
  BW_WATCHER_STOPPED,  /* not started */
  BW_WATCHER_STARTING, /* process asked for, plugin loading, snapshot loading */
  BW_WATCHER_REPLAYING,
  BW_WATCHER_RUNNING,
  BW_WATCHER_BACKING_OFF /* dead; a restart is due */
};
const char *bw_watcher_state_name(enum bw_watcher_state state);

struct bw_watcher_status {
  const char *name;
  enum bw_watcher_state state;
  bool degraded;                   /* it keeps dying; the others do not wait for it */
  bool bisecting;                  /* looking for a poison record */
  uint64_t applied, released, lag; /* offsets; lag = records released and not applied */
  uint64_t restarts;
  uint64_t dead_letters;
  uint64_t snapshot_offset;
  int64_t snapshot_at_ms;   /* BW_TIME_NONE: none yet */
  uint64_t snapshot_bytes;  /* as stored */
  const char *version;      /* of the plugin; "" before it was ready */
  const char *last_error;   /* "" where there was none */
  pid_t pid;                /* of its host; 0: there is none now */
  uint64_t memory_bytes;    /* resident; 0: not known */
  int64_t last_exit_age_ms; /* since a host of it ended; -1: none has since core started */
  int last_exit;            /* as of waitpid(2) */
  char last_exit_text[128]; /* in words; "" where there was none */
};
uint32_t bw_watchers_count(const struct bw_watchers *ws);
void bw_watchers_status(const struct bw_watchers *ws, uint32_t watcher, struct bw_watcher_status *ret_status);

#endif
