/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the journal to a host: at most two batches in flight, never past what was released, dead letters left out.  Runs in
 * core. Needs the journal.
 */
#include "base/log.h"
#include "watch/private.h"

#define RETRY_MS 1000 /* after the journal could not be read */

static void retry(void *ctx)
{
  struct bw_watcher *w = ctx;
  bw_timer_free(&w->retry);
  bw_watcher_feed(w);
}

/*
 * The range that is fed next as one batch, within what the block at hand holds: not past what was released; not across what was
 * applied before (its output is suppressed, what follows is not); not across the ends of a bisection's piece.
 */
static struct bw_range next_range(const struct bw_watcher *w, uint64_t block_last)
{
  struct bw_range r = {w->cursor, block_last};
  if (r.last > w->ws->released)
    r.last = w->ws->released;
  if (r.first <= w->applied && r.last > w->applied)
    r.last = w->applied;
  return bw_poison_limit(w, r);
}

/* Re-encodes the part of a block that is wanted.  A tick ends it: r->last moves there. */
static int cut_batch(struct bw_watcher *w, struct bw_str block, struct bw_range *r, struct bw_buf *out, struct bw_error *err)
{
  struct bw_watchers *ws = w->ws;
  uint64_t i;
  int rc = bw_batch_read(&ws->reader, block, 0, err);
  for (i = 0; rc == BW_OK && i < ws->reader.batch.count; i++) {
    const struct bw_record *rec = bw_batch_at(&ws->reader.batch, i);
    if (rec->offset < r->first || rec->offset > r->last || bw_poison_skips(w, rec->offset))
      continue;
    rc = bw_batch_add(&ws->writer, rec, err);
    if (rec->kind == BW_KIND_TICK)
      r->last = rec->offset;
  }
  bw_batch_finish(&ws->writer, out);
  return rc;
}

static void no_records(struct bw_watchers *ws, struct bw_buf *out)
{
  bw_batch_finish(&ws->writer, out);
}

/* The range is known only after the records: the head is filled in last. */
static void head_set(struct bw_buf *frame, struct bw_range r)
{
  struct bw_buf head = {0};
  bw_buf_add_u64(&head, r.first);
  bw_buf_add_u64(&head, r.last);
  memcpy(frame->data, head.data, head.len);
  bw_buf_clear(&head);
}

/* Whether what was released is committed: where the journal then holds nothing more, the rest was lost and has been reported.
 */
static bool all_lost(struct bw_watchers *ws)
{
  struct bw_journal_stats stats;
  return bw_journal_stats(ws->journal, &stats, NULL) == BW_OK && ws->released < stats.next;
}

/* Makes the next HOST_BATCH.  1: it is in ws->frame; 0: there is nothing to send. */
static int next_batch(struct bw_watcher *w, struct bw_range *ret, struct bw_error *err)
{
  struct bw_watchers *ws = w->ws;
  struct bw_str block;
  struct bw_range r;
  uint64_t first = 0, last = 0;
  struct bw_error why = {0};
  int rc = bw_journal_read(ws->journal, w->cursor, &block, &first, &last, &why);
  if (rc == 0 && all_lost(ws)) {
    first = last = UINT64_MAX; /* nothing is left of it; who waits for it must not wait for ever */
    rc = 1;
  }
  if (rc == 0)
    return 0;
  if (rc < 0 && rc != BW_ECORRUPT) {
    if (err)
      *err = why;
    return rc;
  }
  r = next_range(w, last);
  bw_buf_reset(&ws->frame);
  bw_buf_add_u64(&ws->frame, 0);
  bw_buf_add_u64(&ws->frame, 0);
  if (rc == BW_ECORRUPT) {
    /* The range still passes through the host, so that its order and our offsets stay one. */
    bw_watcher_notice(w, "journal_damaged", "records %llu to %llu cannot be read and are skipped: %s",
                      (unsigned long long)first, (unsigned long long)last, why.message);
    no_records(ws, &ws->frame);
  } else if (r.first <= first && r.last == last && !bw_poison_in(w, r)) {
    bw_buf_add_str(&ws->frame, block); /* as it is; the journal ends its blocks at ticks */
  } else if (first > r.last) {
    no_records(ws, &ws->frame);
  } else if ((rc = cut_batch(w, block, &r, &ws->frame, err)) < 0) {
    return rc;
  }
  head_set(&ws->frame, r);
  *ret = r;
  return 1;
}

static bool may_send(const struct bw_watcher *w)
{
  uint32_t most = w->bisecting && w->cursor >= w->suspect.first ? 1 : BW_FLIGHTS_MAX;
  return w->phase == BW_PHASE_FEEDING && !w->saving && !w->retry && w->nflights < most && w->cursor <= w->ws->released;
}

void bw_watcher_feed(struct bw_watcher *w)
{
  struct bw_error err = {0};
  struct bw_range r = {0, 0};
  int rc;
  while (may_send(w)) {
    /* A snapshot first: it is asked for when nothing is in flight, and nothing is sent until it has come. */
    if (bw_snapshot_due(w)) {
      bw_snapshot_ask(w);
      break;
    }
    rc = next_batch(w, &r, &err);
    if (rc == 0)
      break;
    if (rc > 0)
      rc = bw_conn_send(w->conn, BW_FRAME_HOST_BATCH, 0, bw_buf_str(&w->ws->frame), &err);
    if (rc < 0) {
      if (!w->unreadable)
        bw_watcher_notice(w, "journal_unreadable", "the journal cannot be read at record %llu, trying again: %s",
                          (unsigned long long)w->cursor, err.message);
      w->unreadable = true;
      w->retry = bw_timer_new(w->ws->loop, RETRY_MS, false, retry, w);
      break;
    }
    w->unreadable = false;
    w->flights[w->nflights++] = r;
    w->cursor = r.last + 1;
    if (w->nflights == 1)
      bw_watcher_deadline(w, true);
  }
}

void bw_watcher_begin(struct bw_watcher *w)
{
  w->phase = BW_PHASE_FEEDING;
  w->snap_mono = bw_monotonic();
  w->since_snap = 0;
  bw_watcher_deadline(w, false);
  if (w->cursor <= w->applied)
    bw_log(BW_LOG_INFO, "watcher replays the journal", "watcher=%s from=%llu to=%llu", w->cfg.name,
           (unsigned long long)w->cursor, (unsigned long long)w->applied);
  bw_watcher_feed(w);
}
