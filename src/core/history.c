/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History imports: each day of the past has its tick as its records cross it; the clock's ticks, and live records (queue.c),
 * wait until an import has come to its end, or so long that nobody seems to bring the rest.  Runs in core.
 */
#include "core/private.h"

#define HISTORY_QUIET_MS BW_MINUTE       /* so long after a history import the clock's ticks wait for another one */
#define HISTORY_OPEN_MS (15 * BW_MINUTE) /* ... and after the last batch of one that did not end, for the rest of it */

/* ---- what is scored ---- */

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

/* ---- from its first batch to its end ---- */

bool core_history_waits(const struct core *c)
{
  int64_t wait = c->ticks.wait_until - core_now(c);
  return c->importing || (wait > 0 && wait <= HISTORY_OPEN_MS); /* longer: the machine's clock was set back */
}

static void tell_interrupted(struct core *c)
{
  core_notice(
      c, BW_URGENCY_MEDIUM, BW_STR(""), "history_interrupted",
      BW_STR("A history import did not come to its end.  Repeat it: for some minutes the clock's ticks, and live events, "
             "wait for it."));
}

void core_history_load(struct core *c)
{
  if (c->ticks.wait_until - core_now(c) > HISTORY_QUIET_MS)
    tell_interrupted(c);
}

/* In a test nothing waits for what may come: its clock may stand still. */
static int64_t wait_for(const struct core *c, int64_t ms)
{
  return c->o->tests ? 0 : core_now(c) + ms;
}

/* Where it finds live events, which no tick has seen by chance, it is late all the same. */
int core_history_batch(struct core *c, struct bw_request *req, struct bw_error *err)
{
  const struct core_ticks *t = &c->ticks;
  bool late = t->begun && t->last == BW_TIME_NONE && t->history == BW_TIME_NONE;
  int rc = late ? core_append_due(c, err) : BW_OK;
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

/* Another file may follow at once, unless they say that none does. */
int core_history_end(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  (void)err;
  bw_request_let_go(req);
  wait_on(c, bw_args_bool(args, "last") ? 0 : HISTORY_QUIET_MS);
  bw_request_reply_json(req, json_object());
  return BW_OK;
}

void core_history_gone(void *ctx)
{
  struct core *c = ctx;
  tell_interrupted(c);
  wait_on(c, HISTORY_OPEN_MS);
}
