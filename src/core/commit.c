/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: everything that arrived or was concluded since the last one becomes durable in one transaction; only then is
 * anything acknowledged.  Runs in core.
 */
#include <stdlib.h>

#include "base/log.h"
#include "core/private.h"

#define PROBE_BYTES (1 << 20)
#define PROBE_MOST (64 << 20)

static void on_commit_timer(void *ctx)
{
  struct core *c = ctx;
  c->commit_due = false;
  (void)core_commit(c);
}

void core_commit_soon(struct core *c, int64_t within_ms)
{
  if (c->commit_due && within_ms > 0)
    return;
  c->commit_due = true;
  if (!c->commit_timer)
    c->commit_timer = bw_timer_new(c->loop, within_ms, false, on_commit_timer, c);
  else
    bw_timer_again(c->commit_timer, within_ms);
}

static void answer_pending(struct core *c, const struct bw_error *failed)
{
  size_t i;
  for (i = 0; i < c->npending; i++) {
    if (failed)
      bw_request_fail(c->pending[i].request, failed);
    else
      bw_request_ingested(c->pending[i].request, &c->pending[i].result);
  }
  c->npending = c->pending_records = 0;
}

/* A full disk takes an empty transaction: only what needs room shows that there is some.  Random, for a file system that
   compresses. */
static int write_probe(struct core *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "INSERT OR REPLACE INTO store_probe (one, data) VALUES (1, randomblob(?1))", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, c->probe_bytes);
  return bw_stmt_run(q, err);
}

/* The row that is found at a start was of no use: what needed the room needed more of it. */
static int drop_probe(struct core *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "DELETE FROM store_probe", &q, err);
  return rc < 0 ? rc : bw_stmt_run(q, err);
}

static int probe(struct core *c, bool drop, struct bw_error *err)
{
  if (c->probe_bytes)
    return write_probe(c, err);
  return drop ? drop_probe(c, err) : BW_OK;
}

/* What was read of the journal led to something that goes with this commit, or there is nothing left to read. */
static bool probe_served(const struct core *c, bool concluded)
{
  return c->probe_kept && (concluded || bw_pipeline_projected(c->pipeline) + 1 >= bw_journal_next(c->journal));
}

int core_commit_start(struct core *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "SELECT length(data) FROM store_probe", &q, err);
  c->probe_bytes = PROBE_BYTES;
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  if (rc == 1) {
    c->probe_bytes = bw_stmt_col_int(q, 0) * 2;
    bw_stmt_reset(q);
  }
  if (c->probe_bytes > PROBE_MOST)
    c->probe_bytes = PROBE_MOST;
  if (core_commit(c) == 0) /* else we wait for room */
    core_commit_soon(c, COMMIT_LAG_MS);
  return BW_OK;
}

static int write_all(struct core *c, bool drop, struct bw_error *err)
{
  int rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_journal_flush(c->journal, err);
  if (rc == 0)
    rc = core_ticks_save(c, err);
  if (rc == 0)
    rc = bw_identity_save(c->identity, err);
  if (rc == 0)
    rc = bw_pipeline_save(c->pipeline, err);
  if (rc == 0)
    rc = probe(c, drop, err);
  if (rc == 0)
    rc = bw_store_commit(c->store, err);
  return rc;
}

static void succeeded(struct core *c, bool dropped)
{
  bw_journal_committed(c->journal);
  bw_identity_committed(c->identity);
  bw_dedup_committed(c->dedup);
  bw_pipeline_committed(c->pipeline);
  bw_watchers_committed(c->watchers);
  if (c->full)
    core_notice(c, BW_URGENCY_MEDIUM, BW_STR(""), "store_recovered", BW_STR("The store takes data again."));
  c->full = false;
  c->probe_kept = c->probe_bytes || (c->probe_kept && !dropped);
  c->probe_bytes = 0;
  c->durable_ticks = c->ticks;
  c->durable_queue = c->queue;
  c->n.commits++;
  answer_pending(c, NULL);
  if (c->queue.batches && !core_history_waits(c))
    core_queue_soon(c, 0);
  bw_watchers_start(c->watchers); /* the first time: what they say has to be kept */
  core_pump_soon(c);
}

static void refused(struct core *c, bool concluded, const struct bw_error *err)
{
  c->n.commit_failures++;
  bw_store_rollback(c->store);
  bw_journal_rolled_back(c->journal);
  bw_identity_rolled_back(c->identity);
  bw_dedup_rolled_back(c->dedup);
  c->ticks = c->durable_ticks;
  c->queue = c->durable_queue;
  if (!c->full)
    core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "store_refuses", bw_str(err->message));
  c->full = true;
  c->probe_bytes = c->probe_bytes ? c->probe_bytes : PROBE_BYTES;
  answer_pending(c, err);
  /* Book, signals and leads in memory are ahead of the store by what was just lost.  The journal has the records: start again
     from there rather than guess.  The next core waits for room before it derives anything. */
  if (concluded) {
    core_restart(c, err->message);
  } else {
    bw_watchers_rolled_back(c->watchers);
    core_commit_soon(c, 1000); /* the probe */
  }
}

int core_commit(struct core *c)
{
  struct bw_error err = {0};
  int64_t start = bw_monotonic();
  bool concluded = bw_pipeline_dirty(c->pipeline), drop = probe_served(c, concluded);
  int rc = write_all(c, drop, &err);
  c->n.commit_seconds += (double)(bw_monotonic() - start) / 1e3;
  if (rc == 0)
    succeeded(c, drop);
  else
    refused(c, concluded, &err);
  return rc;
}
