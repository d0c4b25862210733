/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticks: those of the clock, and those that a history import calls for.  What is known of them is kept in the store with the
 * records, so that a restart in the middle of an import changes nothing.  Runs in core.
 */
#include "base/log.h"
#include "core/private.h"
#include "signals/signals.h"

#define HISTORY_QUIET_MS BW_MINUTE       /* so long after a history import the clock's ticks wait for another one */
#define HISTORY_OPEN_MS (15 * BW_MINUTE) /* ... and after the last batch of one that did not end, for the rest of it */
#define MISSED_DAYS_MAX 400
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

static void tell_interrupted(struct core *c)
{
  core_notice(
      c, BW_URGENCY_MEDIUM, BW_STR(""), "history_interrupted",
      BW_STR("A history import did not come to its end.  Repeat it: for some minutes the clock's ticks, and live events, "
             "wait for it."));
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
  if (t->wait_until - core_now(c) > HISTORY_QUIET_MS)
    tell_interrupted(c);
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

/* ---- history ---- */

bool core_history_waits(const struct core *c)
{
  int64_t wait = c->ticks.wait_until - core_now(c);
  return c->importing || (wait > 0 && wait <= HISTORY_OPEN_MS); /* longer: the machine's clock was set back */
}

int core_history_ticks(struct core *c, const struct bw_record *r, struct bw_error *err)
{
  struct core_ticks *t = &c->ticks;
  int64_t now = core_now(c), day = bw_day_time(bw_time_day(r->time_ms < now ? r->time_ms : now));
  int rc = BW_OK;
  if (!core_calls_for_ticks(c, r->kind))
    return BW_OK;
  if (t->history == BW_TIME_NONE)
    t->history = day;
  for (; rc == 0 && t->history < day; t->history += BW_DAY)
    rc = core_append_tick(c, t->history + BW_DAY, err);
  return rc;
}

int64_t core_scored_until(const struct core *c)
{
  return c->ticks.last > c->ticks.history ? c->ticks.last : c->ticks.history;
}

bool core_history_behind(const struct core *c, const struct bw_record *r)
{
  int64_t until = core_scored_until(c);
  return until != BW_TIME_NONE && r->time_ms < until - BW_DAY && core_calls_for_ticks(c, r->kind);
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

const char *core_ticks_wait(const struct core *c)
{
  if (!c->ticks.begun && c->ticks.last == BW_TIME_NONE)
    return "events";
  return core_history_waits(c) || c->queue.batches ? "history" : NULL;
}

static bool may_tick(const struct core *c)
{
  return !c->o->tests && !c->full && !c->stopping && !core_ticks_wait(c);
}

/* ---- a history import ---- */

/* In a test nothing waits for what may come: its clock may stand still. */
static int64_t wait_for(const struct core *c, int64_t ms)
{
  return c->o->tests ? 0 : core_now(c) + ms;
}

/* Where it finds live events, which no tick has seen by chance, it is late all the same. */
int core_history_batch(struct core *c, struct bw_request *req, struct bw_error *err)
{
  const struct core_ticks *t = &c->ticks;
  bool late = t->begun && t->last == BW_TIME_NONE && t->history == BW_TIME_NONE && may_tick(c);
  int rc = late ? append_due(c, core_now(c), err) : BW_OK;
  if (rc < 0)
    return rc;
  bw_request_keep(req);
  c->importing = true;
  c->ticks.wait_until = wait_for(c, HISTORY_OPEN_MS);
  return BW_OK;
}

static void wait_on(struct core *c, int64_t ms)
{
  c->importing = bw_control_kept(c->control) > 0;
  c->ticks.wait_until = wait_for(c, ms);
  core_commit_soon(c, 0);
  core_queue_soon(c, 0);
}

/* Another file may follow at once. */
int core_history_end(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  (void)args;
  (void)err;
  bw_request_let_go(req);
  wait_on(c, HISTORY_QUIET_MS);
  bw_request_reply_json(req, json_object());
  return BW_OK;
}

void core_history_gone(void *ctx)
{
  struct core *c = ctx;
  tell_interrupted(c);
  wait_on(c, HISTORY_OPEN_MS);
}

static void on_tick_timer(void *ctx)
{
  struct core *c = ctx;
  struct bw_error err;
  if (may_tick(c)) {
    if (append_due(c, core_now(c), &err) < 0)
      bw_log(BW_LOG_ERROR, "the tick could not be journaled", "error=%s", BW_Q(err.message));
    else if (c->ticks.last != c->durable_ticks.last)
      core_commit_soon(c, 0);
  }
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
