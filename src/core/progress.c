/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress: journal → pipeline → watchers, tick by tick.  Records are projected up to and including the next tick; the watchers
 * are released up to there; when all that are well have answered, the plays look; then it goes on.  Runs in core.
 */
#include "base/log.h"
#include "core/private.h"

#define BLOCKS_A_TURN 8

static void failed(struct core *c, const struct bw_error *err)
{
  core_restart(c, err->message);
}

/* True where the tick that everything waits for has been dealt with. */
static bool tick_done(struct core *c)
{
  int64_t at;
  bool historic;
  uint64_t offset = bw_pipeline_waiting_tick(c->pipeline, &at, &historic);
  struct bw_error err;
  if (offset == 0)
    return true;
  if (bw_watchers_waiting(c->watchers, offset))
    return false;
  if (bw_pipeline_tick(c->pipeline, at, offset, historic, &err) < 0) {
    failed(c, &err);
    return false;
  }
  core_commit_soon(c, COMMIT_LAG_MS);
  return true;
}

/* One block: 1 taken, 0 nothing there, negative: failed. */
static int take_block(struct core *c, struct bw_error *err)
{
  struct bw_str batch;
  uint64_t first = 0, last = 0, from = bw_pipeline_projected(c->pipeline) + 1;
  struct bw_batch part;
  int rc;
  if (c->skip_to > from)
    from = c->skip_to;
  rc = bw_journal_read(c->journal, from, &batch, &first, &last, err);
  if (rc == BW_ECORRUPT) {
    core_notice_damage(c, err);
    c->skip_to = last + 1;
    bw_watchers_release(c->watchers, last);
    return 1;
  }
  if (rc <= 0)
    return rc;
  rc = bw_batch_read(&c->pump_reader, batch, 0, err);
  if (rc < 0)
    return rc;
  part = c->pump_reader.batch;
  if (first < from) { /* a restart in the middle of a block */
    part.records = bw_batch_at(&part, from - first);
    part.count -= from - first;
  }
  rc = bw_pipeline_project(c->pipeline, &part, err);
  if (rc < 0)
    return rc;
  bw_watchers_release(c->watchers, last);
  core_commit_soon(c, COMMIT_LAG_MS);
  return 1;
}

static void pump(void *ctx)
{
  struct core *c = ctx;
  struct bw_error err = {0};
  int i, rc = 1;
  if (c->full || c->stopping)
    return;
  for (i = 0; i < BLOCKS_A_TURN && rc > 0; i++) {
    if (!tick_done(c))
      return; /* a watcher's caught_up event brings us back */
    rc = take_block(c, &err);
  }
  if (rc < 0)
    failed(c, &err);
  else if (rc > 0)
    core_pump_soon(c);
}

void core_pump_soon(struct core *c)
{
  if (!c->pump_timer)
    c->pump_timer = bw_timer_new(c->loop, 0, false, pump, c);
  else
    bw_timer_again(c->pump_timer, 0);
}

/* ---- what the watchers' conversations ask for and tell ---- */

static int watcher_spawn(void *ctx, uint32_t slot)
{
  struct core *c = ctx;
  return bw_parent_spawn(c->parent, slot, NULL);
}

static void watcher_kill(void *ctx, uint32_t slot)
{
  struct core *c = ctx;
  (void)bw_parent_kill(c->parent, slot, NULL);
}

static int watcher_output(void *ctx, uint32_t watcher, uint64_t first, uint64_t last, struct bw_str outputs,
                          struct bw_error *err)
{
  struct core *c = ctx;
  int rc = bw_pipeline_output(c->pipeline, watcher, last, outputs, err);
  (void)first;
  if (rc < 0) /* some of it may stand in the open transaction and in memory: only what is durable counts */
    core_restart(c, err->message);
  return rc;
}

static void watcher_caught_up(void *ctx, uint32_t watcher, uint64_t offset)
{
  struct core *c = ctx;
  (void)watcher;
  (void)offset;
  core_pump_soon(c);
}

static void watcher_notice(void *ctx, uint32_t watcher, const char *code, const char *text)
{
  struct core *c = ctx;
  (void)watcher;
  core_notice(c, BW_URGENCY_HIGH, BW_STR(""), code, bw_str(text));
  core_pump_soon(c); /* it may be that nobody has to be waited for any more */
}

static void watcher_dirty(void *ctx)
{
  core_commit_soon(ctx, COMMIT_LAG_MS);
}

const struct bw_watchers_events core_watchers_events = {
    .spawn = watcher_spawn,
    .kill = watcher_kill,
    .output = watcher_output,
    .caught_up = watcher_caught_up,
    .notice = watcher_notice,
    .dirty = watcher_dirty,
};
