/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticks: those of the clock, and what is known of all.  That is kept in the store with the records, so that a restart changes
 * nothing.  Runs in core.
 */
#include <stdio.h>

#include "base/log.h"
#include "core/private.h"
#include "signals/signals.h"

#define MISSED_DAYS_MAX 400
#define AHEAD_MOST_MS (10 * BW_MINUTE) /* of the last tick, before the clock: it is corrected now and then */
#define TABLES                                                                                                                 \
  (BW_KIND_BIT(BW_KIND_ACCOUNT) | BW_KIND_BIT(BW_KIND_CONTACT) | BW_KIND_BIT(BW_KIND_PLAN) |                                   \
   BW_KIND_BIT(BW_KIND_SUBSCRIPTION) | BW_KIND_BIT(BW_KIND_OPPORTUNITY))
#define OURS (BW_KIND_BIT(BW_KIND_TICK) | BW_KIND_BIT(BW_KIND_FETCH))

/* ---- what is kept ---- */

static void bind_time(struct bw_stmt *q, int i, int64_t ms)
{
  if (ms == BW_TIME_NONE)
    bw_stmt_null(q, i);
  else
    bw_stmt_int(q, i, ms);
}

static int64_t time_at(struct bw_stmt *q, int i)
{
  return bw_stmt_col_null(q, i) ? BW_TIME_NONE : bw_stmt_col_int(q, i);
}

int core_ticks_load(struct core *c, struct bw_error *err)
{
  struct core_ticks *t = &c->ticks;
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, "SELECT last, history, wait_until, begun FROM core_ticks", &q, err);
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  if (rc == 1) {
    *t = (struct core_ticks){time_at(q, 0), time_at(q, 1), bw_stmt_col_int(q, 2), bw_stmt_col_int(q, 3) != 0};
    bw_stmt_reset(q);
  }
  core_tick_known(c, bw_pipeline_last_tick(c->pipeline)); /* of an earlier release, which kept no such row */
  core_history_load(c);
  return BW_OK;
}

int core_ticks_save(struct core *c, struct bw_error *err)
{
  const struct core_ticks *t = &c->ticks, *was = &c->durable_ticks;
  struct bw_stmt *q;
  int rc;
  if (t->last == was->last && t->history == was->history && t->wait_until == was->wait_until && t->begun == was->begun)
    return BW_OK;
  rc = bw_store_prepare(c->store, "UPDATE core_ticks SET last = ?1, history = ?2, wait_until = ?3, begun = ?4", &q, err);
  if (rc < 0)
    return rc;
  bind_time(q, 1, t->last);
  bind_time(q, 2, t->history);
  bw_stmt_int(q, 3, t->wait_until);
  bw_stmt_int(q, 4, t->begun);
  return bw_stmt_run(q, err);
}

void core_tick_known(struct core *c, int64_t at_ms)
{
  struct core_ticks *t = &c->ticks;
  if (at_ms != BW_TIME_NONE && (t->last == BW_TIME_NONE || at_ms > t->last))
    t->last = at_ms;
}

int core_append_tick(struct core *c, int64_t at_ms, struct bw_error *err)
{
  struct bw_record r = {.kind = BW_KIND_TICK, .time_ms = at_ms};
  uint64_t offset;
  int rc;
  if (c->ticks.last != BW_TIME_NONE && at_ms <= c->ticks.last)
    return BW_OK; /* time does not go back for the watchers */
  r.arrival_ms = core_now(c);
  rc = bw_journal_append(c->journal, &r, &offset, err);
  if (rc == 0)
    c->ticks.last = at_ms;
  return rc;
}

/* ---- what is scored ---- */

/* Of a row of a table only a watcher that lives off tables alone has something to say. */
bool core_calls_for_ticks(const struct core *c, uint32_t kind)
{
  const struct bw_catalog *catalog = core_setup(c)->catalog;
  size_t i;
  if (!(TABLES & BW_KIND_BIT(kind)))
    return true;
  for (i = 0; i < core_setup(c)->nwatchers; i++) {
    uint64_t kinds = bw_catalog_kinds(catalog, i);
    if (kinds & BW_KIND_BIT(kind) && !(kinds & ~(TABLES | OURS)))
      return true;
  }
  return false;
}

/* An empty daemon's ticks serve nobody, and whatever history is brought in later would come behind them. */
void core_ticks_begin(struct core *c, uint32_t kind)
{
  c->ticks.begun = c->ticks.begun || core_calls_for_ticks(c, kind);
}

/* ---- the clock's ticks ---- */

/* After days away: one tick for each midnight that passed, so that daily rules see every day, then the present one. */
static int append_due(struct core *c, int64_t now, struct bw_error *err)
{
  int64_t tick = core_setup(c)->tick_ms, due = now / tick * tick, last = c->ticks.last, day;
  int rc = BW_OK;
  if (last != BW_TIME_NONE && due - last > BW_DAY) {
    day = bw_day_time(bw_time_day(last)) + BW_DAY;
    if (due - day > MISSED_DAYS_MAX * BW_DAY)
      day = bw_day_time(bw_time_day(due)) - MISSED_DAYS_MAX * BW_DAY;
    for (; rc == 0 && day < due; day += BW_DAY)
      rc = core_append_tick(c, day, err);
  }
  return rc < 0 ? rc : core_append_tick(c, due, err);
}

/* Ticks never go back: after a clock that was wrong they wait for the right one to come as far.  (In a test they come as told.)
 */
bool core_clock_behind(const struct core *c)
{
  int64_t tick = core_setup(c)->tick_ms, most = tick > AHEAD_MOST_MS ? tick : AHEAD_MOST_MS;
  return !c->o->tests && c->ticks.last != BW_TIME_NONE && c->ticks.last - core_now(c) > most;
}

const char *core_ticks_wait(const struct core *c)
{
  if (core_clock_behind(c))
    return "clock";
  if (!c->ticks.begun && c->ticks.last == BW_TIME_NONE)
    return "events";
  return core_history_waits(c) || c->queue.batches ? "history" : NULL;
}

static bool may_tick(const struct core *c)
{
  return !c->o->tests && !c->full && !c->stopping && !core_ticks_wait(c);
}

static void tell_clock(struct core *c)
{
  char last[BW_TIME_TEXT], now[BW_TIME_TEXT], text[400];
  if (c->told_clock == core_clock_behind(c))
    return;
  c->told_clock = !c->told_clock;
  if (!c->told_clock)
    return;
  bw_time_format(c->ticks.last, last);
  bw_time_format(core_now(c), now);
  (void)snprintf(text, sizeof text,
                 "The last tick is of %s, and the clock says %s: nothing is scored until then.  If the clock was wrong, "
                 "restore a backup, or bring what `basewatch export` gives into an empty state directory, with --history.",
                 last, now);
  core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "clock_behind", bw_str(text));
}

int core_append_due(struct core *c, struct bw_error *err)
{
  return may_tick(c) ? append_due(c, core_now(c), err) : BW_OK;
}

static void on_tick_timer(void *ctx)
{
  struct core *c = ctx;
  struct bw_error err;
  tell_clock(c);
  if (core_append_due(c, &err) < 0)
    bw_log(BW_LOG_ERROR, "the tick could not be journaled", "error=%s", BW_Q(err.message));
  else if (c->ticks.last != c->durable_ticks.last)
    core_commit_soon(c, 0);
  core_tick_timer(c);
}

void core_tick_timer(struct core *c)
{
  int64_t tick = core_setup(c)->tick_ms, wait = tick - core_now(c) % tick;
  if (wait > 5000)
    wait = 5000; /* the machine's clock may be set, or it may sleep: look again soon */
  if (!c->tick_timer)
    c->tick_timer = bw_timer_new(c->loop, wait, false, on_tick_timer, c);
  else
    bw_timer_again(c->tick_timer, wait);
}
