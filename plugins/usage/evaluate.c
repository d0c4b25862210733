/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks: which accounts are looked at, how episodes are kept and told.  Runs in a watcher host; no privileges needed. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "usage.h"

#define MAX_EPISODES 400 /* per account */
#define TOLD_EVERY 7     /* days between two notices of the same kind */
#define REMIND_DAYS 21   /* whoever keeps the signals takes an episode that is never spoken of for over */
#define HELD_MAX 120     /* days: a dip, or people who may be a merger, are over by then; what is held longer ends */

void notice(struct usage *u, uint32_t severity, int64_t at_ms, struct bw_str account, const char *code, const char *fmt, ...)
{
  struct bw_notice n = {.size = sizeof n, .severity = severity, .at_ms = at_ms, .account = account, .code = bw_str(code)};
  char text[1024];
  va_list ap;
  int32_t rc;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  n.text = bw_str(text);
  if (!bw_utf8_valid(n.text.data, n.text.len)) /* cut within a letter */
    n.text.len = strlen(text) > 8 ? strlen(text) - 8 : 0;
  while (n.text.len && !bw_utf8_valid(n.text.data, n.text.len))
    n.text.len--;
  rc = u->host->emit_notice(u->host->ctx, &n);
  if (rc < 0 && u->rc == 0)
    u->rc = rc;
}

/* ---- measures ---- */

uint32_t mau_on(const struct usage *u, const struct activity *act, int32_t day, int32_t window)
{
  int32_t d, to = act->day;
  uint64_t n = 0;
  if (day < act->day) {
    if (window != u->cfg.mau_window || act->day - day >= RING)
      return (uint32_t)bw_series_get(u->pool, &act->mau_days, day);
    if (day < act->day)
      return (uint32_t)bw_series_get(u->pool, &act->mau_days, day);
  }
  if (day == act->day && window == u->cfg.mau_window)
    return act->mau;
  for (d = day - window + 1 > to - RING + 1 ? day - window + 1 : to - RING + 1; d <= to; d++)
    n += act->ring[(uint32_t)d % RING];
  return (uint32_t)n;
}

double sum_back(const struct eval *e, const struct bw_series *s, int32_t window, int32_t ago)
{
  return (double)bw_series_sum(e->u->pool, s, e->day - ago - window + 1, e->day - ago);
}

double seats_used(const struct eval *e)
{
  if (e->a->facts && e->a->facts->provisioned >= 0)
    return e->a->facts->provisioned;
  return mau_on(e->u, e->act, e->day, e->u->cfg.mau_window);
}

uint32_t breadth_on(const struct eval *e, int32_t day, int32_t window)
{
  uint32_t i, n = 0;
  for (i = 0; i < e->act->nfeatures; i++) {
    const struct feature *f = &e->act->features[i];
    if (f->last <= day - window || f->first > day)
      continue;
    n += f->last <= day || bw_series_sum(e->u->pool, &f->s, day - window + 1, day) > 0;
  }
  return n;
}

/* ---- episodes ---- */

static struct kept *kept_find(const struct activity *act, enum signal_id sig, uint32_t key)
{
  uint32_t i;
  for (i = 0; i < act->nepisodes; i++)
    if (act->episodes[i].e.type == sig && act->episodes[i].e.key == key)
      return &act->episodes[i];
  return NULL;
}

bool is_open(const struct eval *e, enum signal_id sig, uint32_t key)
{
  const struct kept *p = kept_find(e->act, sig, key);
  return p && p->e.phase == BW_PHASE_OPEN;
}

double least_volume(const struct eval *e, enum signal_id sig, uint32_t key)
{
  double min = e->u->cfg.set[sig].min;
  return min > 0 && is_open(e, sig, key) ? min / 2 : min;
}

/* Four significant digits are enough to read and to draw. */
static double shortened(double v)
{
  char text[32];
  if (!isfinite(v) || (v == floor(v) && fabs(v) < 1e15))
    return v;
  (void)snprintf(text, sizeof text, "%.4g", v);
  return strtod(text, NULL);
}

static void emit(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, double value, double threshold,
                 double strength, struct bw_str evidence)
{
  struct usage *u = e->u;
  struct bw_signal s = {.size = sizeof s,
                        .type = sig,
                        .state = step,
                        .at_ms = e->at_ms,
                        .account = bw_key_str(&e->a->key),
                        .key = bw_intern_str(&u->names, key),
                        .value = shortened(value),
                        .threshold = threshold,
                        .strength = strength,
                        .evidence = evidence};
  int32_t rc = u->host->emit_signal(u->host->ctx, &s);
  if (rc < 0 && u->rc == 0)
    u->rc = rc;
}

/*
 * What is open is spoken of every three weeks, changed or not.  While nothing can be concluded the last word is repeated,
 * without evidence, so that what was known stands; after HELD_MAX days of that it ends: whatever is seen later is measured
 * afresh.
 */
static enum bw_step judge_kept(struct eval *e, struct kept *p, enum bw_known known, double value, double told,
                               const struct bw_rule *rule)
{
  bool open = p->e.phase == BW_PHASE_OPEN, due = e->day - p->e.spoke >= REMIND_DAYS;
  enum bw_step step;
  if (open && known == BW_HELD && e->day - p->known > HELD_MAX)
    known = BW_ABSENT;
  if (known != BW_HELD)
    p->known = e->day;
  step = bw_detect_told(rule, &p->e, e->day, known, value, told);
  if (!open || !due || step || p->e.phase != BW_PHASE_OPEN)
    return step;
  p->e.spoke = e->day;
  if (known == BW_HELD) {
    emit(e, p->e.type, p->e.key, BW_STEP_UPDATED, p->e.said, p->threshold, p->strength / 1000.0, BW_STR(""));
    return BW_STEP_NONE;
  }
  p->e.said = told;
  return BW_STEP_UPDATED;
}

static enum bw_step judge_any(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value, double told,
                              const struct bw_rule *rule)
{
  struct activity *act = e->act;
  struct kept *p = kept_find(act, sig, key), fresh = {.e = {.type = (uint16_t)sig, .key = (uint16_t)key}};
  enum bw_step step;
  if (!e->u->cfg.set[sig].on)
    return BW_STEP_NONE;
  if (p) {
    step = judge_kept(e, p, known, value, told, rule);
    if (p->e.phase == BW_PHASE_QUIET) /* the last takes its place */
      *p = act->episodes[--act->nepisodes];
    if (act->nepisodes == 0) {
      free(act->episodes);
      act->episodes = NULL;
    }
    return step;
  }
  step = judge_kept(e, &fresh, known, value, told, rule);
  if (fresh.e.phase == BW_PHASE_QUIET)
    return BW_STEP_NONE;
  if (act->nepisodes >= MAX_EPISODES)
    return BW_STEP_NONE;
  act->episodes = grown(act->episodes, act->nepisodes, sizeof *act->episodes);
  act->episodes[act->nepisodes++] = fresh;
  return step;
}

enum bw_step judge_by(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value,
                      const struct bw_rule *rule)
{
  return judge_any(e, sig, key, known, value, value, rule);
}

enum bw_step judge(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value)
{
  return judge_any(e, sig, key, known, value, value, &e->u->cfg.set[sig].rule);
}

enum bw_step judge_told(struct eval *e, enum signal_id sig, uint32_t key, enum bw_known known, double value, double told)
{
  return judge_any(e, sig, key, known, value, told, &e->u->cfg.set[sig].rule);
}

struct bw_buf *ev_begin(struct eval *e)
{
  struct bw_buf *b = &e->u->evidence;
  bw_buf_reset(b);
  bw_json_open(b, '{');
  return b;
}

void ev_num(struct eval *e, const char *key, double v)
{
  bw_json_key(&e->u->evidence, key);
  bw_json_num(&e->u->evidence, shortened(v));
}

void ev_day(struct eval *e, const char *key, int32_t day)
{
  bw_json_key(&e->u->evidence, key);
  bw_json_day(&e->u->evidence, day);
}

void ev_str(struct eval *e, const char *key, struct bw_str s)
{
  bw_json_key(&e->u->evidence, key);
  bw_json_str(&e->u->evidence, s);
}

void ev_window(struct eval *e, const char *key, int32_t from, int32_t to)
{
  struct bw_buf *b = &e->u->evidence;
  bw_json_key(b, key);
  bw_json_open(b, '[');
  bw_json_day(b, from);
  bw_json_day(b, to);
  bw_json_close(b, ']');
}

void ev_weeks(struct eval *e, const struct bw_series *s, uint32_t weeks)
{
  struct bw_buf *b = &e->u->evidence;
  double x[26];
  uint32_t i;
  weeks = weeks > 26 ? 26 : weeks;
  bw_series_spans(e->u->pool, s, e->day, 7, weeks, x);
  bw_json_key(b, "weekly");
  bw_json_open(b, '[');
  for (i = 0; i < weeks; i++)
    bw_json_num(b, x[i]);
  bw_json_close(b, ']');
  ev_day(e, "weekly_to", e->day);
}

void speak(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, double value, double threshold, double strength)
{
  struct kept *p = kept_find(e->act, sig, key);
  double s = step == BW_STEP_CLEARED || !(strength > 0) ? 0 : round((strength > 1 ? 1 : strength) * 1000);
  if (p) {
    p->strength = (uint16_t)s;
    p->threshold = threshold;
  }
  bw_json_close(&e->u->evidence, '}');
  emit(e, sig, key, step, value, threshold, s / 1000, bw_buf_str(&e->u->evidence));
}

/* ---- which accounts, when ---- */

static void hourly(struct eval *e)
{
  uint8_t dirty = e->act->dirty;
  if (dirty & (DIRTY_USERS | DIRTY_FACTS))
    check_seats(e);
  if (dirty & (DIRTY_METER | DIRTY_FACTS | DIRTY_COUNTERS))
    check_limits(e);
  if (dirty & (DIRTY_COUNTERS | DIRTY_FACTS))
    check_counters(e);
  if (dirty)
    traits_hourly(e);
  e->act->dirty = 0;
}

static void daily(struct eval *e)
{
  if (e->act->nmoves)
    merger_account(e->u, e->index, e->day, e->at_ms);
  check_seats(e);
  check_seats_daily(e);
  check_limits(e);
  check_limits_daily(e);
  check_change(e);
  check_silence(e);
  check_adoption(e);
  check_counters(e);
  check_spread(e);
  traits_publish(e);
  e->act->dirty = 0;
}

/* An account that was ever active is looked at while its windows hold anything, an episode is alive, or a contract speaks. */
static bool wants_daily(const struct account *a, int32_t day)
{
  const struct activity *act = a->act;
  if (!act)
    return false;
  return act->nepisodes || (act->last && day - act->last <= 400) || act->ncounters || a->facts;
}

static int ascending(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/* Seats that were added on an account without any activity are news too: facts alone make it worth an activity. */
static struct activity *wanted_activity(struct usage *u, struct account *a)
{
  if (!a->act && a->facts && a->facts->nseat_changes > 1)
    return activity_get(u, a);
  return a->act;
}

static void evaluate_one(struct usage *u, uint32_t index, int32_t day, int64_t at_ms, bool is_daily)
{
  struct account *a = bw_keyed_at(&u->accounts, index);
  struct eval e = {.u = u, .a = a, .act = a->act, .index = index, .day = day, .at_ms = at_ms, .daily = is_daily};
  if (is_daily)
    daily(&e);
  else
    hourly(&e);
}

static void limits_notices(struct usage *u, int32_t day, int64_t at_ms)
{
  if (u->future && day - u->told_future >= TOLD_EVERY) {
    u->told_future = day;
    notice(u, BW_URGENCY_MEDIUM, at_ms, BW_STR(""), "future_events",
           "%llu events lie more than a day ahead of the newest known time and are not counted: check the senders' clocks.",
           (unsigned long long)u->future);
    u->future = 0;
  }
  if ((u->full_accounts || u->full_users) && day - u->told_full >= TOLD_EVERY) {
    u->told_full = day;
    notice(u, BW_URGENCY_HIGH, at_ms, BW_STR(""), "table_full",
           "%llu records found no room for their account and %llu none for their user: raise max_accounts or max_users, or "
           "split the watcher.",
           (unsigned long long)u->full_accounts, (unsigned long long)u->full_users);
    u->full_accounts = u->full_users = 0;
  }
  if (u->names.refused && day - u->told_names >= TOLD_EVERY) {
    u->told_names = day;
    notice(u, BW_URGENCY_MEDIUM, at_ms, BW_STR(""), "too_many_names",
           "there are more distinct feature, department or resource names than max_names; new ones are not told apart.  Is an "
           "identifier sent where a name belongs?");
    u->names.refused = 0;
  }
}

/* Until noon a new day has little to say: trends are judged as of the day before. */
static int32_t as_of(int64_t at_ms)
{
  return bw_time_day(at_ms - 12 * BW_HOUR);
}

/* Account by account, memory is the most of the work: what comes next is asked for in time. */
void ahead_of_account(const struct usage *u, uint32_t index)
{
  const struct account *a;
  uint32_t n = bw_keyed_count(&u->accounts);
  if (index + 24 < n)
    __builtin_prefetch(&((struct account *)bw_keyed_at(&u->accounts, index + 24))->act);
  if (index + 12 < n && (a = bw_keyed_at(&u->accounts, index + 12))->act) {
    ahead_activity(a->act);
    if (a->facts)
      __builtin_prefetch(&a->facts->seats);
  }
  if (index + 8 < n && (a = bw_keyed_at(&u->accounts, index + 8))->act)
    ahead_tables(a->act);
  if (index + 4 < n && (a = bw_keyed_at(&u->accounts, index + 4))->act)
    ahead_blocks(u, a->act);
}

static void daily_pass(struct usage *u, int64_t at_ms)
{
  int32_t day = as_of(at_ms);
  uint32_t i, n = bw_keyed_count(&u->accounts);
  fleet_daily(u, day, at_ms);
  for (i = 0; i < n && u->rc == 0; i++) {
    struct account *a = bw_keyed_at(&u->accounts, i);
    ahead_of_account(u, i);
    if (wants_daily(a, day))
      evaluate_one(u, i, day, at_ms, true);
  }
  limits_notices(u, day, at_ms);
}

static void flush_account(struct usage *u, uint32_t index)
{
  struct account *a = bw_keyed_at(&u->accounts, index);
  if (!(a->flags & ACCOUNT_TOUCHED))
    return;
  a->flags &= (uint16_t)~ACCOUNT_TOUCHED;
  if (wanted_activity(u, a))
    activity_flush(u, a->act);
}

/* All accounts are looked at anyway: no need to sort those that were touched. */
static void daily_tick(struct usage *u, int64_t at)
{
  uint32_t i, n = bw_keyed_count(&u->accounts);
  for (i = 0; i < n && u->ntouched; i++) {
    ahead_of_account(u, i);
    flush_account(u, i);
  }
  fleet_hourly(u, at);
  daily_pass(u, at);
}

static void hourly_tick(struct usage *u, int64_t at)
{
  uint32_t i;
  if (u->ntouched)
    qsort(u->touched, u->ntouched, sizeof *u->touched, ascending);
  for (i = 0; i < u->ntouched; i++)
    flush_account(u, u->touched[i]);
  fleet_hourly(u, at);
  for (i = 0; i < u->ntouched && u->rc == 0; i++)
    if (((struct account *)bw_keyed_at(&u->accounts, u->touched[i]))->act)
      evaluate_one(u, u->touched[i], bw_time_day(at - 1), at, false);
}

void evaluate_tick(struct usage *u, const struct bw_record *tick)
{
  int64_t at = tick->time_ms;
  int32_t today = bw_time_day(at);
  bool is_daily = today > u->tick_day;
  if (at < u->tick || at / BW_DAY <= RING || at / BW_DAY >= BW_SERIES_DAY_MAX)
    return; /* ticks never go back */
  stage_flush(u);
  fleet_settle(u);
  u->tick = at;
  u->tick_day = today;
  if (is_daily)
    daily_tick(u, at);
  else
    hourly_tick(u, at);
  u->ntouched = 0;
}
