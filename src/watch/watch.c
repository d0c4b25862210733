/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watchers as core sees them: configuration, life and death of their hosts, what others may ask.  Runs in core.
 * Needs the store and the journal; hosts are started and killed by whoever made the events.
 */
#include "watch/watch.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "host/host.h"
#include "proc/spawn.h"
#include "watch/private.h"

#define BACKOFF_CAP_MS (60 * BW_SECOND)
#define LEAVE_MS 2000 /* from the end of its socket to the end of the process */
#define DEGRADED_AFTER 3u

static void spawn(struct bw_watcher *w);

void bw_watcher_notice(struct bw_watcher *w, const char *code, const char *fmt, ...)
{
  char text[1024];
  int n = snprintf(text, sizeof text, "watcher %s: ", w->cfg.name);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
  va_end(ap);
  bw_log(BW_LOG_WARN, text, "watcher=%s code=%s", w->cfg.name, code);
  if (w->ws->events.notice)
    w->ws->events.notice(w->ws->ctx, w->index, code, text);
}

int bw_watchers_done(struct bw_watchers *ws, struct bw_error *err)
{
  int rc;
  if (ws->events.dirty) {
    ws->events.dirty(ws->ctx);
    return BW_OK;
  }
  rc = bw_store_commit(ws->store, err);
  if (rc == BW_OK)
    bw_watchers_committed(ws);
  else
    bw_watchers_rolled_back(ws);
  return rc;
}

void bw_watchers_failed(struct bw_watchers *ws)
{
  if (ws->events.dirty)
    return; /* whoever owns the transaction rolls it back */
  bw_store_rollback(ws->store);
  bw_watchers_rolled_back(ws);
}

/* ---- death ---- */

static int64_t backoff(const struct bw_watcher *w)
{
  int64_t ms = w->cfg.backoff_ms;
  uint32_t i;
  if (w->bisecting)
    return ms; /* each death is progress */
  for (i = 1; i < w->failures && ms < BACKOFF_CAP_MS; i++)
    ms *= 2;
  return ms < BACKOFF_CAP_MS ? ms : BACKOFF_CAP_MS;
}

static void restart(void *ctx)
{
  struct bw_watcher *w = ctx;
  bw_timer_free(&w->restart);
  spawn(w);
}

static void restart_later(struct bw_watcher *w, int64_t delay)
{
  w->phase = BW_PHASE_NONE;
  bw_timer_free(&w->restart);
  if (w->started)
    w->restart = bw_timer_new(w->ws->loop, delay, false, restart, w);
}

/* Whether a death is the watcher's own: not where we had no reason to end it, and not every SIGKILL of a stranger (an
   operator, the kernel short of memory). */
static bool own_fault(struct bw_watcher *w, int status, bool known)
{
  if (known)
    return true;
  if (w->killed || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
    return false;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    return ++w->strangers % BW_STRANGERS_MAX == 0;
  return true;
}

/* The process is gone and so is its socket: what it came to, and when it comes back. */
static void bury(struct bw_watcher *w, int status)
{
  struct bw_range culprit = w->nflights ? w->flights[0] : (struct bw_range){0, 0};
  bool known = w->reason[0] != '\0', fault = own_fault(w, status, known), fed = w->nflights > 0;
  char how[128];
  bw_watcher_deadline(w, false);
  bw_timer_free(&w->retry);
  bw_describe_status(status, how, sizeof how);
  if (!known)
    snprintf(w->reason, sizeof w->reason, "%s", how);
  if (fault || !w->killed)
    snprintf(w->last_error, sizeof w->last_error, "%s", w->reason);
  bw_log(BW_LOG_WARN, "watcher host ended", "watcher=%s error=%s fault=%d", w->cfg.name, bw_log_quote(bw_str(w->reason)),
         fault);
  w->pid = 0;
  w->last_exit = status;
  w->last_exit_at = bw_monotonic();
  w->nflights = 0;
  w->saving = w->gone = w->killed = false;
  w->cursor = 0;
  w->restarts++;
  if (fault) {
    w->failures++;
    if (fed)
      bw_poison_death(w, culprit, w->reason);
    if (!w->degraded && (w->failures >= DEGRADED_AFTER || w->bisecting)) {
      w->degraded = true;
      bw_watcher_notice(w, "watcher_degraded", "it keeps dying (%s); the others go on without waiting for it", w->reason);
    }
  }
  w->reason[0] = '\0';
  restart_later(w, fault ? backoff(w) : w->cfg.backoff_ms);
}

void bw_watcher_kill(struct bw_watcher *w, const char *reason)
{
  struct bw_watchers *ws = w->ws;
  if (w->phase == BW_PHASE_NONE || (w->phase == BW_PHASE_DYING && w->killed))
    return;
  if (reason && !w->reason[0])
    snprintf(w->reason, sizeof w->reason, "%s", reason);
  bw_conn_free(&w->conn);
  bw_watcher_deadline(w, false);
  w->phase = BW_PHASE_DYING;
  w->killed = true;
  if (w->gone)
    bury(w, w->gone_status);
  else if (ws->events.kill)
    ws->events.kill(ws->ctx, w->index);
}

void bw_watcher_lost(struct bw_watcher *w)
{
  w->conn = NULL;
  if (w->gone) {
    bury(w, w->gone_status);
    return;
  }
  w->phase = BW_PHASE_DYING;
  bw_watcher_deadline(w, true);
}

void bw_watchers_gone(struct bw_watchers *ws, uint32_t slot, int status)
{
  struct bw_watcher *w = slot < ws->n ? &ws->w[slot] : NULL;
  if (!w || w->phase == BW_PHASE_NONE)
    return;
  if (!w->conn) {
    bury(w, status);
    return;
  }
  /* What it said before it went is still in its socket, whose end comes next. */
  w->gone = true;
  w->gone_status = status;
}

/* ---- deadlines ---- */

static void too_late(void *ctx)
{
  struct bw_watcher *w = ctx;
  char reason[128];
  bw_timer_free(&w->deadline);
  if (w->phase == BW_PHASE_DYING) {
    bw_watcher_kill(w, "it closed its socket and went on");
    return;
  }
  snprintf(reason, sizeof reason, "it did not %s within %lld ms",
           w->saving                       ? "give its snapshot"
           : w->phase == BW_PHASE_FEEDING  ? "answer a batch"
           : w->phase == BW_PHASE_SPAWNING ? "start"
                                           : "become ready",
           (long long)w->cfg.deadline_ms);
  bw_watcher_kill(w, reason);
}

void bw_watcher_deadline(struct bw_watcher *w, bool on)
{
  int64_t ms = w->phase == BW_PHASE_DYING ? LEAVE_MS : w->cfg.deadline_ms;
  if (!on)
    bw_timer_free(&w->deadline);
  else if (w->deadline)
    bw_timer_again(w->deadline, ms);
  else
    w->deadline = bw_timer_new(w->ws->loop, ms, false, too_late, w);
}

/* ---- birth ---- */

static void spawn(struct bw_watcher *w)
{
  struct bw_watchers *ws = w->ws;
  w->phase = BW_PHASE_SPAWNING;
  if (ws->events.spawn && ws->events.spawn(ws->ctx, w->index) >= 0) {
    bw_watcher_deadline(w, true);
    return;
  }
  w->failures++;
  snprintf(w->last_error, sizeof w->last_error, "no process could be asked for");
  restart_later(w, backoff(w));
}

void bw_watchers_attach(struct bw_watchers *ws, uint32_t slot, pid_t pid, int fd)
{
  struct bw_watcher *w = slot < ws->n ? &ws->w[slot] : NULL;
  struct bw_host_config config;
  if (!w || w->phase != BW_PHASE_SPAWNING) {
    close(fd); /* of one that was given up meanwhile: it ends by itself */
    return;
  }
  config = (struct bw_host_config){.plugin = bw_str(w->cfg.plugin),
                                   .options = w->cfg.options,
                                   .seed = ws->seed,
                                   .memory_bytes = w->cfg.memory_bytes,
                                   .flags = w->cfg.best_effort ? BW_HOST_BEST_EFFORT : 0};
  w->conn = bw_conn_new(ws->loop, fd, BW_FRAME_MAX, &bw_watcher_conn_events, w);
  w->pid = pid;
  w->phase = BW_PHASE_OPENING;
  bw_watcher_deadline(w, true);
  bw_buf_reset(&ws->frame);
  bw_host_config_write(&ws->frame, &config);
  (void)bw_conn_send(w->conn, BW_FRAME_HOST_CONFIG, 0, bw_buf_str(&ws->frame), NULL);
}

void bw_watchers_start(struct bw_watchers *ws)
{
  uint32_t i;
  for (i = 0; i < ws->n; i++)
    if (!ws->w[i].started) {
      ws->w[i].started = true;
      spawn(&ws->w[i]);
    }
}

/* ---- the whole ---- */

static void configure(struct bw_watcher *w, const struct bw_watcher_config *c)
{
  w->cfg = *c;
#define DEFAULT(field, value) w->cfg.field = w->cfg.field ? w->cfg.field : (value)
  DEFAULT(deadline_ms, 30 * BW_SECOND);
  DEFAULT(snapshot_records, 200000);
  DEFAULT(snapshot_ms, 15 * BW_MINUTE);
  DEFAULT(backoff_ms, 500);
#undef DEFAULT
  if (w->cfg.options.len == 0)
    w->cfg.options = BW_STR("{}");
}

int bw_watchers_new(struct bw_loop *loop, struct bw_store *store, struct bw_journal *journal,
                    const struct bw_watcher_config *configs, uint32_t n, uint64_t seed, const struct bw_watchers_events *events,
                    void *ctx, struct bw_watchers **ret, struct bw_error *err)
{
  struct bw_watchers *ws = bw_alloc(sizeof *ws);
  uint32_t i;
  int rc = BW_OK;
  ws->loop = loop;
  ws->store = store;
  ws->journal = journal;
  ws->events = *events;
  ws->ctx = ctx;
  ws->seed = seed;
  ws->n = n;
  ws->w = bw_calloc(n ? n : 1, sizeof *ws->w);
  for (i = 0; i < n && rc == BW_OK; i++) {
    ws->w[i].ws = ws;
    ws->w[i].index = i;
    ws->w[i].last_exit_at = -1;
    configure(&ws->w[i], &configs[i]);
    rc = bw_rows_load(&ws->w[i], err);
  }
  if (rc < 0) {
    bw_watchers_free(&ws);
    return rc;
  }
  *ret = ws;
  return BW_OK;
}

void bw_watchers_free(struct bw_watchers **watchers)
{
  struct bw_watchers *ws = *watchers;
  uint32_t i;
  if (!ws)
    return;
  for (i = 0; i < ws->n; i++) {
    struct bw_watcher *w = &ws->w[i];
    bw_conn_free(&w->conn);
    bw_timer_free(&w->deadline);
    bw_timer_free(&w->restart);
    bw_timer_free(&w->retry);
    bw_described_clear(&w->plugin);
    free(w->state_key);
    free(w->dead);
  }
  bw_batch_reader_clear(&ws->reader);
  bw_batch_writer_clear(&ws->writer);
  bw_buf_clear(&ws->frame);
  bw_buf_clear(&ws->scratch);
  free(ws->w);
  free(ws);
  *watchers = NULL;
}

void bw_watchers_release(struct bw_watchers *ws, uint64_t offset)
{
  uint32_t i;
  if (offset > ws->released)
    ws->released = offset;
  for (i = 0; i < ws->n; i++)
    bw_watcher_feed(&ws->w[i]);
}

void bw_watchers_committed(struct bw_watchers *ws)
{
  uint32_t i;
  for (i = 0; i < ws->n; i++)
    ws->w[i].durable = ws->w[i].applied;
}

void bw_watchers_rolled_back(struct bw_watchers *ws)
{
  uint32_t i;
  for (i = 0; i < ws->n; i++) {
    struct bw_watcher *w = &ws->w[i];
    uint64_t applied = w->applied, gen = w->snap_gen;
    char *key = bw_strdup(w->state_key);
    struct bw_error err = {0};
    bool ahead;
    if (bw_rows_load(w, &err) < 0)
      bw_watcher_notice(w, "store_failed", "where it stood cannot be read: %s", err.message);
    ahead = w->applied != applied || w->snap_gen != gen || w->saving;
    if (w->told > w->applied)
      w->told = w->applied;
    if (ahead) {
      bw_watcher_kill(w, NULL);
      free(key);
      continue;
    }
    /* The key of the process that runs, which its next snapshot is stored with. */
    if (w->phase == BW_PHASE_FEEDING || w->phase == BW_PHASE_LOADING) {
      free(w->state_key);
      w->state_key = key;
    } else {
      free(key);
    }
  }
}

void bw_watchers_snapshot(struct bw_watchers *ws)
{
  uint32_t i;
  for (i = 0; i < ws->n; i++)
    if (ws->w[i].since_snap > 0)
      bw_snapshot_ask(&ws->w[i]);
}

/* ---- questions ---- */

uint64_t bw_watchers_applied(const struct bw_watchers *ws, uint32_t watcher)
{
  return watcher < ws->n ? ws->w[watcher].applied : 0;
}

bool bw_watchers_waiting(const struct bw_watchers *ws, uint64_t offset)
{
  uint32_t i;
  for (i = 0; i < ws->n; i++)
    if (!ws->w[i].degraded && ws->w[i].applied < offset)
      return true;
  return false;
}

uint64_t bw_watchers_keep_from(const struct bw_watchers *ws)
{
  uint64_t keep = UINT64_MAX;
  uint32_t i;
  for (i = 0; i < ws->n; i++) {
    uint64_t mine = ws->w[i].snap_chunks ? ws->w[i].snap_offset + 1 : 0;
    keep = mine < keep ? mine : keep;
  }
  return keep;
}

struct bw_str bw_watchers_description(const struct bw_watchers *ws, uint32_t watcher)
{
  return watcher < ws->n ? bw_buf_str(&ws->w[watcher].plugin.json) : BW_STR("");
}

uint32_t bw_watchers_count(const struct bw_watchers *ws)
{
  return ws->n;
}

const char *bw_watcher_state_name(enum bw_watcher_state state)
{
  static const char *const names[] = {"stopped", "starting", "replaying", "running", "backing off"};
  return names[state];
}

static enum bw_watcher_state state_of(const struct bw_watcher *w)
{
  if (!w->started)
    return BW_WATCHER_STOPPED;
  if (w->phase == BW_PHASE_FEEDING)
    return w->cursor <= w->applied ? BW_WATCHER_REPLAYING : BW_WATCHER_RUNNING;
  return w->phase == BW_PHASE_NONE || w->phase == BW_PHASE_DYING ? BW_WATCHER_BACKING_OFF : BW_WATCHER_STARTING;
}

void bw_watchers_status(const struct bw_watchers *ws, uint32_t watcher, struct bw_watcher_status *ret_status)
{
  const struct bw_watcher *w = &ws->w[watcher];
  *ret_status = (struct bw_watcher_status){.name = w->cfg.name,
                                           .state = state_of(w),
                                           .degraded = w->degraded,
                                           .bisecting = w->bisecting,
                                           .applied = w->applied,
                                           .released = ws->released,
                                           .lag = ws->released > w->applied ? ws->released - w->applied : 0,
                                           .restarts = w->restarts,
                                           .dead_letters = w->ndead,
                                           .snapshot_offset = w->snap_offset,
                                           .snapshot_at_ms = w->snap_at,
                                           .snapshot_bytes = w->snap_bytes,
                                           .version = w->plugin.version,
                                           .last_error = w->last_error,
                                           .pid = w->pid,
                                           .memory_bytes = bw_process_memory(w->pid),
                                           .last_exit_age_ms = -1,
                                           .last_exit = w->last_exit};
  if (w->last_exit_at < 0)
    return;
  ret_status->last_exit_age_ms = bw_monotonic() - w->last_exit_at;
  bw_describe_status(w->last_exit, ret_status->last_exit_text, sizeof ret_status->last_exit_text);
}
