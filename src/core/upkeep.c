/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep of the store, some times a day: old records and the book's old values go, small blocks of the journal become large
 * ones.  In short steps with pauses, each a transaction of its own, so that nobody who waits for a commit notices.  Runs in
 * core.
 */
#include "base/log.h"
#include "core/private.h"

#define EVERY_MS (6 * BW_HOUR)
#define FIRST_MS (10 * BW_MINUTE)
#define FIRST_IN_TESTS_MS 500
#define PAUSE_MS 20

/* Each does a little: 1 there is more, 0 done, negative failed. */
static int delete_records(struct core *c, struct bw_error *err)
{
  uint64_t projected = bw_pipeline_projected(c->pipeline), keep = bw_watchers_keep_from(c->watchers), deleted = 0;
  int rc = bw_journal_retain(c->journal, core_now(c) - core_setup(c)->retention_ms, keep < projected ? keep : projected,
                             &deleted, err);
  c->upkeep.deleted += deleted;
  return rc < 0 ? rc : deleted > 0;
}

static int forget_values(struct core *c, struct bw_error *err)
{
  uint64_t deleted = 0;
  int rc =
      bw_book_retain(bw_pipeline_book(c->pipeline), &c->upkeep.sweep, core_now(c) - core_setup(c)->retention_ms, &deleted, err);
  c->upkeep.forgotten += deleted;
  return rc;
}

static int merge_blocks(struct core *c, struct bw_error *err)
{
  uint64_t merged = 0;
  /* Days that are over, and some minutes more for clocks that disagree. */
  int64_t today = bw_day_time(bw_time_day(core_now(c) - 10 * BW_MINUTE));
  int rc = bw_journal_merge(c->journal, today, &merged, err);
  c->upkeep.merged += merged;
  c->upkeep.merged_into += merged > 0;
  return rc;
}

static int (*const steps[])(struct core *c, struct bw_error *err) = {delete_records, forget_values, merge_blocks};
#define NSTEPS ((int)(sizeof steps / sizeof *steps))

static void end_round(struct core *c)
{
  struct core_upkeep *u = &c->upkeep;
  if (u->deleted || u->forgotten || u->merged)
    bw_log(BW_LOG_INFO, "upkeep", "records_deleted=%llu earlier_values_deleted=%llu blocks_merged=%llu into=%llu",
           (unsigned long long)u->deleted, (unsigned long long)u->forgotten, (unsigned long long)u->merged,
           (unsigned long long)u->merged_into);
  u->deleted = u->forgotten = u->merged = u->merged_into = 0;
  u->step = 0;
  bw_timer_again(u->timer, EVERY_MS);
}

static void on_upkeep(void *ctx)
{
  struct core *c = ctx;
  struct core_upkeep *u = &c->upkeep;
  struct bw_error err = {0};
  int rc;
  if (c->stopping)
    return;
  if (c->full || core_commit(c) < 0) { /* no time for it */
    bw_timer_again(u->timer, BW_MINUTE);
    return;
  }
  rc = steps[u->step](c, &err);
  if (rc < 0)
    bw_log(BW_LOG_ERROR, "upkeep failed and is tried again later", "error=%s", BW_Q(err.message));
  if (rc <= 0)
    u->step++;
  if (u->step == NSTEPS)
    end_round(c);
  else
    bw_timer_again(u->timer, PAUSE_MS);
}

void core_upkeep_start(struct core *c)
{
  c->upkeep.timer = bw_timer_new(c->loop, c->o->tests ? FIRST_IN_TESTS_MS : FIRST_MS, false, on_upkeep, c);
}

void core_upkeep_stop(struct core *c)
{
  bw_timer_free(&c->upkeep.timer);
  bw_book_sweep_clear(&c->upkeep.sweep);
}
