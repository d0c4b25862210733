/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a host to the store: readiness, outputs, snapshots, errors.  Runs in core, on what an untrusted process wrote.
 * Needs the store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "host/host.h"
#include "watch/private.h"
#include "wire/output.h"

/* What a snapshot must have been made with to be of use: any other state version or option means a rebuild. */
static char *key_of(const struct bw_watcher *w)
{
  return bw_asprintf("%s state %u options %.*s", w->plugin.name, w->plugin.state_version, BW_FMT(w->cfg.options));
}

static void start_over(struct bw_watcher *w)
{
  w->cursor = bw_journal_first(w->ws->journal);
  if (w->cursor == 0)
    w->cursor = 1;
  bw_watcher_begin(w);
}

/* Another file under the same name may number its signals otherwise. */
static int check_description(const struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  if (w->cfg.description.len == 0 || bw_str_eq(w->cfg.description, payload))
    return BW_OK;
  return bw_fail(
      err, BW_EVERSION, BW_CLASS_CONFIG,
      "its plugin was replaced by one that says something else of itself (now version %s): `basewatch reload` takes it up",
      w->plugin.version);
}

/* The host has opened its plugin. */
static int opened(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  char *key;
  bool same;
  int rc = bw_described_read(&w->plugin, payload, err);
  if (rc == 0)
    rc = check_description(w, payload, err);
  if (rc < 0)
    return rc;
  key = key_of(w);
  same = strcmp(key, w->state_key) == 0;
  if (!same && w->snap_chunks > 0)
    bw_watcher_notice(w, "watcher_rebuild",
                      "its options or the version of its state have changed: its state is rebuilt from the "
                      "journal; what it said before stays");
  free(w->state_key);
  w->state_key = key;
  if (w->snap_chunks == 0 || !same || w->snap_bad) {
    if (w->snap_chunks > 0) {
      if ((rc = bw_store_begin(w->ws->store, err)) == BW_OK)
        rc = bw_rows_snapshot_forget(w, err);
      if (rc < 0)
        bw_watchers_failed(w->ws);
      if (rc < 0 || (rc = bw_watchers_done(w->ws, err)) < 0)
        return rc;
    }
    w->snap_bad = false;
    start_over(w);
    return BW_OK;
  }
  w->phase = BW_PHASE_LOADING;
  w->load_chunk = 0;
  rc = bw_snapshot_send(w, err);
  if (rc == BW_ECORRUPT)
    w->snap_bad = true;
  return rc;
}

static int on_ready(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  if (w->phase == BW_PHASE_OPENING)
    return opened(w, payload, err);
  if (w->phase != BW_PHASE_LOADING || w->load_chunk < w->snap_chunks)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "it said that it is ready at the wrong time");
  w->cursor = w->snap_offset + 1;
  bw_watcher_begin(w);
  return BW_OK;
}

/* Stores what came of a batch, once. */
static int apply(struct bw_watcher *w, struct bw_range r, struct bw_str said, struct bw_error *err)
{
  struct bw_watchers *ws = w->ws;
  int rc;
  if (r.last <= w->applied)
    return BW_OK; /* a replay */
  if ((rc = bw_store_begin(ws->store, err)) < 0)
    return rc;
  if (ws->events.output && (rc = ws->events.output(ws->ctx, w->index, r.first, r.last, said, err)) < 0)
    return rc;
  return bw_rows_applied(w, r.last, err);
}

static void recovered(struct bw_watcher *w)
{
  if (w->degraded && !w->bisecting)
    bw_watcher_notice(w, "watcher_recovered", "it works again");
  w->degraded = w->bisecting;
  w->failures = w->bisecting ? w->failures : 0;
}

static void caught_up(struct bw_watcher *w)
{
  uint64_t released = w->ws->released;
  if (w->applied < released || w->told >= released || released == 0)
    return;
  w->told = released;
  if (w->ws->events.caught_up)
    w->ws->events.caught_up(w->ws->ctx, w->index, released);
}

static int on_output(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  struct bw_reader in = bw_reader(payload.data, payload.len);
  struct bw_range r = {bw_read_u64(&in), 0};
  struct bw_str said;
  bool fresh;
  int rc;
  r.last = bw_read_u64(&in);
  said = bw_str_n(in.p, bw_reader_left(&in));
  if (in.bad || w->nflights == 0 || r.first != w->flights[0].first || r.last != w->flights[0].last)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "it answered another batch than it was given");
  if (said.len > BW_OUTPUT_MAX_BYTES + BW_EVIDENCE_MAX * 2)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_BUG, "it said more than %u bytes about one batch", BW_OUTPUT_MAX_BYTES);
  if ((rc = bw_output_check(said, w->plugin.nsignals, w->plugin.ntraits, err)) < 0)
    return rc;
  fresh = r.last > w->applied;
  if ((rc = apply(w, r, said, err)) < 0) {
    /* Not its fault, and its state is ahead of ours now: it begins again from its snapshot. */
    bw_watcher_notice(w, "store_failed", "what it said about records %llu to %llu could not be stored: %s",
                      (unsigned long long)r.first, (unsigned long long)r.last, err ? err->message : "");
    bw_watcher_kill(w, NULL);
    bw_watchers_failed(w->ws);
    return BW_OK;
  }
  w->nflights--;
  w->flights[0] = w->flights[1];
  w->since_snap += r.last - r.first + 1;
  bw_poison_survived(w, r);
  if (fresh)
    recovered(w);
  bw_watcher_deadline(w, w->nflights > 0);
  if (fresh && bw_watchers_done(w->ws, err) < 0) {
    bw_watcher_notice(w, "store_failed", "what it said could not be committed: %s", err->message);
    return BW_OK;
  }
  caught_up(w);
  bw_watcher_feed(w);
  if (bw_snapshot_due(w))
    bw_snapshot_ask(w);
  return BW_OK;
}

static int on_snapshot(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  int rc = bw_snapshot_take(w, payload, err);
  if (rc == BW_ENOSPC || rc == BW_EIO) {
    bw_watcher_notice(w, "store_failed", "its snapshot could not be stored: %s", err->message);
    bw_watcher_kill(w, NULL);
    bw_watchers_failed(w->ws);
    return BW_OK;
  }
  if (rc == BW_OK && !w->saving)
    bw_watcher_feed(w);
  return rc;
}

/* Its last words.  The end of the socket follows. */
static int on_error(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  struct bw_error said;
  (void)err;
  bw_host_error_read(payload, &said);
  if (w->phase == BW_PHASE_LOADING)
    w->snap_bad = true; /* its own snapshot is of no use to it */
  snprintf(w->reason, sizeof w->reason, "%s", said.message);
  return BW_OK;
}

static const struct {
  uint16_t type;
  int (*take)(struct bw_watcher *w, struct bw_str payload, struct bw_error *err);
} messages[] = {{BW_FRAME_HOST_READY, on_ready},
                {BW_FRAME_HOST_OUTPUT, on_output},
                {BW_FRAME_HOST_SNAPSHOT, on_snapshot},
                {BW_FRAME_HOST_ERROR, on_error}};

static int on_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct bw_watcher *w = ctx;
  struct bw_error err = {0};
  size_t i;
  int rc = BW_EPEER;
  (void)request;
  bw_fail(&err, BW_EPEER, BW_CLASS_BUG, "it sent message %u, which no watcher host sends", type);
  if (w->conn != c)
    return BW_OK;
  for (i = 0; i < sizeof messages / sizeof *messages; i++)
    if (messages[i].type == type)
      rc = messages[i].take(w, payload, &err);
  if (rc < 0)
    bw_watcher_kill(w, err.message);
  return BW_OK;
}

static void on_drained(void *ctx, struct bw_conn *c)
{
  struct bw_watcher *w = ctx;
  struct bw_error err = {0};
  if (w->conn != c || w->phase != BW_PHASE_LOADING)
    return;
  if (bw_snapshot_send(w, &err) < 0) {
    w->snap_bad = true;
    bw_watcher_kill(w, err.message);
  }
}

static void on_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  struct bw_watcher *w = ctx;
  (void)why;
  if (w->conn == c)
    bw_watcher_lost(w);
}

const struct bw_conn_events bw_watcher_conn_events = {on_frame, on_closed, on_drained};
