/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: one watcher, as core sees it.  Files: watch.c (life), feed.c (journal to host), talk.c (host to store),
   poison.c (deaths, bisection), store.c (rows), snapshot.c. */
#ifndef BW_WATCH_PRIVATE_H
#define BW_WATCH_PRIVATE_H

#include "base/time.h"
#include "watch/describe.h"
#include "watch/watch.h"
#include "wire/conn.h"

#define BW_FLIGHTS_MAX 2
#define BW_DEATHS_MAX 3    /* on one batch, then it is bisected */
#define BW_STRANGERS_MAX 4 /* SIGKILLs that were not ours: every such many count as one death */

/* A range of offsets; empty where first > last. */
struct bw_range {
  uint64_t first, last;
};

enum bw_phase {
  BW_PHASE_NONE,     /* no process */
  BW_PHASE_SPAWNING, /* asked for */
  BW_PHASE_OPENING,  /* HOST_CONFIG sent */
  BW_PHASE_LOADING,  /* HOST_LOAD being sent */
  BW_PHASE_FEEDING,
  BW_PHASE_DYING /* its socket is closed, or it was killed; gone() will come */
};

struct bw_watcher {
  struct bw_watchers *ws;
  uint32_t index;
  struct bw_watcher_config cfg; /* with defaults */
  enum bw_phase phase;
  struct bw_conn *conn;
  struct bw_timer *deadline, *restart, *retry;
  pid_t pid;
  int last_exit;
  int64_t last_exit_at;       /* monotonic; -1: none yet */
  bool started, gone, killed; /* gone: gone() came before the socket's end; killed: by us */
  int gone_status;
  bool unreadable; /* the journal, at the last try: said once */

  /* where it stands */
  uint64_t cursor;           /* the next offset to send */
  uint64_t applied, durable; /* in the present transaction; committed */
  uint64_t told;             /* released offset for which caught_up() was called */
  struct bw_range flights[BW_FLIGHTS_MAX];
  uint32_t nflights;

  /* snapshots */
  char *state_key; /* what a snapshot must have been made with: state version and options */
  uint64_t snap_offset, snap_bytes, snap_gen;
  uint32_t snap_chunks;
  int64_t snap_at;   /* UTC; BW_TIME_NONE: there is none */
  int64_t snap_mono; /* when it was made, or the process became ready */
  uint64_t since_snap;
  bool saving, snap_bad;
  uint64_t save_offset, save_bytes;
  uint32_t save_chunks, load_chunk;

  /* deaths */
  struct bw_range blamed;  /* the batch that it last died on */
  uint32_t deaths;         /* on it */
  uint32_t strangers;      /* SIGKILLs by others since the last success */
  struct bw_range suspect; /* being bisected, where bisecting */
  bool bisecting;
  uint64_t piece; /* offsets fed at a time within suspect */
  uint64_t *dead; /* sorted offsets that are skipped */
  size_t ndead, dead_cap;
  uint32_t failures; /* without success in between */
  bool degraded;
  uint64_t restarts;
  struct bw_described plugin;
  char reason[512]; /* why it is dying, where that is known */
  char last_error[512];
};

struct bw_watchers {
  struct bw_loop *loop;
  struct bw_store *store;
  struct bw_journal *journal;
  struct bw_watchers_events events;
  void *ctx;
  uint64_t seed, released;
  uint32_t n;
  struct bw_watcher *w;
  struct bw_batch_reader reader;
  struct bw_batch_writer writer;
  struct bw_buf frame, scratch;
};

/* watch.c */
void bw_watcher_notice(struct bw_watcher *w, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Ends the conversation; the process is killed.  reason NULL: no fault of the watcher's. */
void bw_watcher_kill(struct bw_watcher *w, const char *reason);
/* Its socket has ended. */
void bw_watcher_lost(struct bw_watcher *w);
void bw_watcher_deadline(struct bw_watcher *w, bool on);
/* Commits, or asks for it. */
int bw_watchers_done(struct bw_watchers *ws, struct bw_error *err);

/* Something could not be written: the transaction goes, where it is ours. */
void bw_watchers_failed(struct bw_watchers *ws);

/* talk.c */
extern const struct bw_conn_events bw_watcher_conn_events;

/* feed.c: sends what may be sent. */
void bw_watcher_feed(struct bw_watcher *w);
void bw_watcher_begin(struct bw_watcher *w); /* after opening or loading: from cursor on */

/* poison.c */
/* A death with `culprit` in flight. */
void bw_poison_death(struct bw_watcher *w, struct bw_range culprit, const char *reason);
void bw_poison_survived(struct bw_watcher *w, struct bw_range r);
bool bw_poison_skips(const struct bw_watcher *w, uint64_t offset);
bool bw_poison_in(const struct bw_watcher *w, struct bw_range r);
/* The part of r that may be fed as one batch. */
struct bw_range bw_poison_limit(const struct bw_watcher *w, struct bw_range r);

/* snapshot.c */
void bw_snapshot_ask(struct bw_watcher *w);
bool bw_snapshot_due(const struct bw_watcher *w);
int bw_snapshot_take(struct bw_watcher *w, struct bw_str payload, struct bw_error *err);
/* Sends as much of the stored snapshot as the queue should hold. */
int bw_snapshot_send(struct bw_watcher *w, struct bw_error *err);

/* store.c */
int bw_rows_load(struct bw_watcher *w, struct bw_error *err);
int bw_rows_applied(struct bw_watcher *w, uint64_t offset, struct bw_error *err);
int bw_rows_snapshot_chunk(struct bw_watcher *w, uint64_t gen, uint32_t seq, struct bw_str data, struct bw_error *err);
int bw_rows_snapshot_done(struct bw_watcher *w, uint64_t gen, struct bw_error *err);
int bw_rows_snapshot_read(struct bw_watcher *w, uint32_t seq, struct bw_buf *out, struct bw_error *err);
int bw_rows_snapshot_forget(struct bw_watcher *w, struct bw_error *err);
int bw_rows_dead_letter(struct bw_watcher *w, const struct bw_record *r, const char *reason, struct bw_error *err);

#endif
