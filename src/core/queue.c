/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is live queues while history is being brought in: a watcher that has seen somebody today cannot make anything of what he
 * did last year.  A queued batch is as durable as a journaled one, and is acknowledged as such; when history has come to its
 * end, it is taken in as if it came then.  Runs in core; needs nothing that intake does not need.
 */
#include "base/log.h"
#include "core/private.h"

#define BATCHES_A_TURN 64
#define LOOK_MS 5000

int core_queue_load(struct core *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "SELECT count(*), coalesce(sum(records), 0) FROM core_queue", &q, err);
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  c->queue = (struct core_queue){(uint64_t)bw_stmt_col_int(q, 0), (uint64_t)bw_stmt_col_int(q, 1)};
  bw_stmt_reset(q);
  return BW_OK;
}

/* Tables are wanted at once: they stand beside time, and no watcher counts them by the day. */
static bool any_activity(const struct core *c, const struct bw_batch *batch)
{
  uint64_t i;
  for (i = 0; i < batch->count; i++)
    if (core_calls_for_ticks(c, bw_batch_at(batch, i)->kind))
      return true;
  return false;
}

bool core_queues(const struct core *c, const struct bw_batch *batch)
{
  return (c->queue.batches || core_history_waits(c)) && any_activity(c, batch);
}

int core_queue_add(struct core *c, struct bw_str source, struct bw_str batch, uint64_t records, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_store_prepare(c->store, "INSERT INTO core_queue (source, records, batch) VALUES (?1, ?2, ?3)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, source);
  bw_stmt_int(q, 2, (int64_t)records);
  bw_stmt_blob(q, 3, batch);
  rc = bw_stmt_run(q, err);
  if (rc == 0) {
    c->queue.batches++;
    c->queue.records += records;
  }
  return rc;
}

/* ---- taken in ---- */

static int delete_until(struct core *c, int64_t id, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "DELETE FROM core_queue WHERE id <= ?1", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, id);
  return bw_stmt_run(q, err);
}

/* The first batches, into the open transaction: whole, or it is rolled back. */
static int take_some(struct core *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int64_t last = 0;
  int rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_store_prepare(c->store, "SELECT id, source, records, batch FROM core_queue ORDER BY id LIMIT ?1", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, BATCHES_A_TURN);
  while ((rc = bw_stmt_step(q, err)) == 1) {
    last = bw_stmt_col_int(q, 0);
    c->queue.batches--;
    c->queue.records -= (uint64_t)bw_stmt_col_int(q, 2);
    if ((rc = core_take_queued(c, bw_stmt_col_str(q, 1), bw_stmt_col_str(q, 3), err)) < 0)
      break;
  }
  bw_stmt_reset(q);
  if (last == 0)
    c->queue = (struct core_queue){0};
  return rc < 0 ? rc : delete_until(c, last, err);
}

static void on_timer(void *ctx)
{
  struct core *c = ctx;
  struct bw_error err;
  if (c->queue.batches && !c->full && !c->stopping && !core_history_waits(c)) {
    if (take_some(c, &err) < 0)
      core_restart(c, err.message); /* what was taken stands in memory alone */
    else
      core_commit_soon(c, 0); /* which brings us back */
  }
  core_queue_soon(c, LOOK_MS);
}

void core_queue_soon(struct core *c, int64_t within_ms)
{
  if (!c->queue_timer)
    c->queue_timer = bw_timer_new(c->loop, within_ms, false, on_timer, c);
  else
    bw_timer_again(c->queue_timer, within_ms);
}
