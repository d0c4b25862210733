/* SPDX-License-Identifier: Apache-2.0 */
/* Metered resources against the plan: at the limit, near it, forecasts.  Runs in a watcher host; no privileges needed. */
#include <math.h>
#include <stdio.h>

#include "usage.h"

#define FORECAST_WEEKS_MAX 26

static int32_t month_start(int32_t day)
{
  int y, m, d;
  bw_day_to_civil(day, &y, &m, &d);
  return day - d + 1;
}

/* Use in the meter's own window as of e->day; `window` above 0 asks for another span of days. */
double meter_used(const struct eval *e, const struct meter *m, const struct counter *c, int32_t window)
{
  const struct bw_pool *p = e->u->pool;
  double v = 0;
  int32_t d;
  if (m->window == METER_GAUGE && !window) {
    for (d = e->day; d > e->day - 35 && v == 0; d--)
      v = (double)bw_series_get(p, &c->s, d);
  } else if (m->window == METER_MONTH && !window) {
    v = (double)bw_series_sum(p, &c->s, month_start(e->day), e->day);
  } else {
    v = (double)bw_series_sum(p, &c->s, e->day - (window ? window : m->days) + 1, e->day);
  }
  return v / m->scale;
}

#define STAY_MAX 182 /* days, as the options have it */

/* The most that any window held which ended within the last `days` days: of whole months where the plan counts by them. */
double meter_highest(const struct eval *e, const struct meter *m, const struct counter *c, int32_t days)
{
  uint64_t x[STAY_MAX + 220], sum = 0, most = 0;
  int32_t window = m->window == METER_GAUGE ? 1 : m->days > 200 ? 200 : m->days, n, i, to;
  days = days > STAY_MAX ? STAY_MAX : days;
  if (m->window == METER_MONTH) {
    for (to = e->day; to > e->day - days; to = month_start(to) - 1) {
      sum = bw_series_sum(e->u->pool, &c->s, month_start(to), to);
      most = sum > most ? sum : most;
    }
    return (double)most / m->scale;
  }
  n = days + window;
  bw_series_copy(e->u->pool, &c->s, e->day - n + 1, (uint32_t)n, x);
  for (i = 0; i < n; i++) {
    sum += x[i] - (i >= window ? x[i - window] : 0);
    most = i >= window - 1 && sum > most ? sum : most;
  }
  return (double)most / m->scale;
}

static int32_t meter_days(const struct meter *m)
{
  return m->window == METER_MONTH ? 30 : m->window == METER_GAUGE ? 1 : m->days;
}

/* ratio: of now; most: what any window of late held. */
static void speak_meter(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, const struct counter *c,
                        double used, double limit, double ratio, double most)
{
  const struct meter *m = &e->u->cfg.meters[c->key];
  const struct bw_rule *rule = &e->u->cfg.set[sig].rule;
  ev_begin(e);
  ev_str(e, "resource", m->resource);
  ev_num(e, "used", used);
  ev_num(e, "limit", limit);
  if (m->window == METER_GAUGE)
    ev_day(e, "as_of", e->day);
  else
    ev_window(e, "window", m->window == METER_MONTH ? month_start(e->day) : e->day - m->days + 1, e->day);
  if (most > used)
    ev_num(e, "highest_lately", most);
  ev_num(e, "used_7d", meter_used(e, m, c, 7));
  ev_weeks(e, &c->s, 12);
  speak(e, sig, key, step, ratio, rule->threshold, bw_strength(rule, ratio, 0.25));
}

static double limit_errors(const struct eval *e, uint16_t key)
{
  const struct counter *c = e->u->cfg.set[SIG_USAGE_LIMIT].on ? counter_find(e->act, C_LIMIT, key) : NULL;
  return c ? sum_back(e, &c->s, e->u->cfg.set[SIG_USAGE_LIMIT].window, 0) : 0;
}

/* At a limit now and then is one episode: while it is open, the highest window of late counts, against today's limit.  What is
   told is today's use. */
static void judge_meter(struct eval *e, enum signal_id sig, enum option_id stay, const struct counter *c, double used,
                        double limit, double ratio)
{
  const struct meter *m = &e->u->cfg.meters[c->key];
  const struct setting *s = &e->u->cfg.set[sig];
  double most = used;
  enum bw_step step;
  if (!s->on)
    return;
  if (ratio < s->rule.clear && is_open(e, sig, m->resource_id) && option_days(e->u, stay) > 0)
    most = meter_highest(e, m, c, option_days(e->u, stay));
  step = judge_told(e, sig, m->resource_id, most >= s->min ? BW_KNOWN : BW_ABSENT, most / limit > ratio ? most / limit : ratio,
                    ratio);
  if (step)
    speak_meter(e, sig, m->resource_id, step, c, used, limit, ratio, most);
}

static void check_meter(struct eval *e, const struct counter *c)
{
  struct usage *u = e->u;
  const struct meter *m = &u->cfg.meters[c->key];
  double limit = facts_limit(u, e->a->facts, m->limit_id), used, ratio, full, rate, run = option_number(u, OPT_RUN_RATE);
  if (limit <= 0) {
    if (is_open(e, SIG_USAGE_NEAR_LIMIT, m->resource_id) || is_open(e, SIG_USAGE_LIMIT, m->resource_id))
      limit = INFINITY; /* the limit was lifted */
    else
      return;
  }
  used = meter_used(e, m, c, 0);
  ratio = full = used / limit;
  if (run > 0 && m->window != METER_GAUGE) { /* as many points above the threshold as the run rate is above its own */
    rate = meter_used(e, m, c, 7) * meter_days(m) / 7 / limit;
    if (rate >= run && ratio < u->cfg.set[SIG_USAGE_NEAR_LIMIT].rule.threshold)
      ratio = u->cfg.set[SIG_USAGE_NEAR_LIMIT].rule.threshold;
  }
  if (limit_errors(e, m->resource_id) > 0 && full < u->cfg.set[SIG_USAGE_LIMIT].rule.threshold)
    full = u->cfg.set[SIG_USAGE_LIMIT].rule.threshold;
  judge_meter(e, SIG_USAGE_LIMIT, OPT_LIMIT_STAY, c, used, limit, full);
  judge_meter(e, SIG_USAGE_NEAR_LIMIT, OPT_NEAR_STAY, c, used, limit, ratio);
}

/* The third highest daily peak of the week is at 80 %: so were three days at least. */
static void check_rate(struct eval *e, const struct counter *c)
{
  struct usage *u = e->u;
  const struct meter *m = &u->cfg.meters[c->key];
  const struct setting *s = &u->cfg.set[SIG_API_RATE_NEAR];
  double limit = facts_limit(u, e->a->facts, m->rate_limit_id), x[BW_TREND_MAX], ratio;
  int32_t n = s->window > BW_TREND_MAX ? BW_TREND_MAX : s->window, i, want = (int32_t)s->min;
  enum bw_step step;
  if ((limit <= 0 && !is_open(e, SIG_API_RATE_NEAR, m->resource_id)) || want > n)
    return;
  limit = limit > 0 ? limit : INFINITY; /* it was lifted */
  for (i = 0; i < n; i++)
    x[i] = (double)bw_series_get(u->pool, &c->s, e->day - i) / m->scale;
  bw_sort(x, (uint32_t)n);
  ratio = x[n - (want < 1 ? 1 : want)] / limit;
  step = judge(e, SIG_API_RATE_NEAR, m->resource_id, BW_KNOWN, ratio);
  if (!step)
    return;
  ev_begin(e);
  ev_str(e, "resource", m->resource);
  ev_num(e, "rate_limit", limit);
  ev_num(e, "rate_window_ms", (double)m->rate_window);
  ev_num(e, "highest_peak", x[n - 1]);
  ev_num(e, "days_at_least_so_high", want);
  ev_num(e, "peak_on_those_days", x[n - (want < 1 ? 1 : want)]);
  ev_window(e, "window", e->day - n + 1, e->day);
  speak(e, SIG_API_RATE_NEAR, m->resource_id, step, ratio, s->rule.threshold, bw_strength(&s->rule, ratio, 0.25));
}

void check_limits(struct eval *e)
{
  uint32_t i;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    if (c->kind == C_METER)
      check_meter(e, c);
    else if (c->kind == C_METER_PEAK)
      check_rate(e, c);
  }
}

static bool fit_weeks(const struct eval *e, const struct meter *m, const struct counter *c, struct bw_trend *ret_t)
{
  double x[FORECAST_WEEKS_MAX];
  int32_t weeks = e->u->cfg.set[SIG_LIMIT_FORECAST].window / 7, i;
  uint32_t n, skip = 0;
  weeks = weeks > FORECAST_WEEKS_MAX ? FORECAST_WEEKS_MAX : weeks < 4 ? 4 : weeks;
  n = (uint32_t)weeks;
  if (m->window == METER_GAUGE) {
    for (i = 0; i < weeks; i++) {
      int32_t end = e->day - 7 * (weeks - 1 - i);
      x[i] = (double)bw_series_max(e->u->pool, &c->s, end - 6, end) / m->scale;
    }
  } else {
    bw_series_spans(e->u->pool, &c->s, e->day, 7, n, x);
    for (i = 0; i < weeks; i++)
      x[i] = x[i] / m->scale * meter_days(m) / 7; /* as if the whole window went on so */
  }
  while (skip < n && x[skip] == 0)
    skip++;
  return n - skip >= 8 && bw_trend_rising(x + skip, n - skip, ret_t);
}

/*
 * The trend over whole weeks, carried on until the window's use meets the limit.  False: too short, or no rise that is
 * beyond chance.  The forecast is in days from e->day.  Signals and traits ask for the same one.
 */
bool meter_trend(const struct eval *e, const struct meter *m, const struct counter *c, double limit, struct bw_trend *ret_t,
                 struct bw_forecast *ret_days)
{
  struct trend_memo *memo = &e->u->trends[c->key];
  if (memo->account != e->index || memo->at_ms != e->at_ms || memo->day != e->day) {
    *memo = (struct trend_memo){.at_ms = e->at_ms, .account = e->index, .day = e->day};
    memo->rising = fit_weeks(e, m, c, &memo->trend);
  }
  if (!memo->rising)
    return false;
  *ret_t = memo->trend;
  bw_trend_reach(ret_t, limit, ret_days);
  ret_days->steps *= 7;
  ret_days->earliest *= 7;
  ret_days->latest *= 7;
  return true;
}

static int32_t ahead(const struct eval *e, double days)
{
  return e->day + (int32_t)(days > 3650 ? 3650 : ceil(days));
}

/* Returns whether the limit is met, or will be within the window of tier_outgrown. */
static bool check_forecast(struct eval *e, const struct counter *c)
{
  struct usage *u = e->u;
  const struct meter *m = &u->cfg.meters[c->key];
  const struct setting *s = &u->cfg.set[SIG_LIMIT_FORECAST];
  double limit = facts_limit(u, e->a->facts, m->limit_id), used;
  struct bw_trend t;
  struct bw_forecast days = {0};
  enum bw_known known = BW_ABSENT;
  enum bw_step step;
  bool outgrown;
  if (limit <= 0 && !is_open(e, SIG_LIMIT_FORECAST, m->resource_id))
    return false;
  limit = limit > 0 ? limit : INFINITY; /* it was lifted */
  used = meter_used(e, m, c, 0);
  if (used < limit && isfinite(limit) && meter_trend(e, m, c, limit, &t, &days))
    known = days.steps < s->min && !is_open(e, SIG_LIMIT_FORECAST, m->resource_id) ? BW_ABSENT : BW_KNOWN;
  outgrown = used >= limit || (days.steps > 0 && days.steps <= u->cfg.set[SIG_TIER_OUTGROWN].window);
  step = judge(e, SIG_LIMIT_FORECAST, m->resource_id, known, days.steps);
  if (!step)
    return outgrown;
  ev_begin(e);
  ev_str(e, "resource", m->resource);
  ev_num(e, "used", used);
  ev_num(e, "limit", limit);
  if (known == BW_KNOWN) {
    ev_day(e, "date", ahead(e, days.steps));
    ev_window(e, "interval", ahead(e, days.earliest), ahead(e, days.latest));
    ev_num(e, "slope_per_week", t.slope);
    ev_num(e, "slope_lower", t.lower);
    ev_num(e, "slope_upper", t.upper);
  }
  ev_weeks(e, &c->s, 12);
  speak(e, SIG_LIMIT_FORECAST, m->resource_id, step, days.steps, s->rule.threshold,
        known == BW_KNOWN ? 0.5 + bw_strength(&s->rule, days.steps, 1) : 0);
  return outgrown;
}

/* Active users a month on the way to the seats bought: one more limit of the plan. */
static bool seats_outgrown(struct eval *e)
{
  double seats = facts_seats(e->a->facts), x[12];
  struct bw_trend t;
  struct bw_forecast f;
  int i;
  if (seats <= 0)
    return false;
  if (seats_used(e) >= seats)
    return true;
  for (i = 0; i < 12; i++)
    x[i] = mau_on(e->u, e->act, e->day - 7 * (11 - i), e->u->cfg.mau_window);
  if (x[0] <= 0 || !bw_trend_rising(x, 12, &t))
    return false;
  bw_trend_reach(&t, seats, &f);
  return f.steps * 7 <= e->u->cfg.set[SIG_TIER_OUTGROWN].window;
}

#define LIMITS_MAX (MAX_METERS + 1) /* the seats are the last */

/* The limits of the plan, and which of them are outgrown. */
struct tier {
  uint32_t n;
  bool is[LIMITS_MAX];
  double lately[LIMITS_MAX]; /* above 0: not now, but the highest window of late was at this share of today's limit */
};

/* While an episode is open a limit counts for as long as usage_limit, or seat_limit, would stay open by it: use at a limit that
   comes in bursts is one episode, and a plan with higher limits ends it at once. */
static void outgrown_lately(const struct eval *e, int32_t stay, struct tier *t)
{
  double seats = facts_seats(e->a->facts), limit;
  uint32_t i;
  for (i = 0; stay > 0 && i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    const struct meter *m = &e->u->cfg.meters[c->kind == C_METER ? c->key : 0];
    if (c->kind != C_METER || t->is[c->key] || (limit = facts_limit(e->u, e->a->facts, m->limit_id)) <= 0)
      continue;
    t->lately[c->key] = meter_highest(e, m, c, stay) / limit;
    t->is[c->key] = t->lately[c->key] >= e->u->cfg.set[SIG_USAGE_LIMIT].rule.clear;
    t->n += t->is[c->key];
  }
  if (stay <= 0 || seats <= 0 || t->is[MAX_METERS])
    return;
  t->lately[MAX_METERS] = seats_lately(e, seats_used(e), stay) / seats;
  t->is[MAX_METERS] = t->lately[MAX_METERS] >= e->u->cfg.set[SIG_SEAT_LIMIT].rule.clear;
  t->n += t->is[MAX_METERS];
}

static void ev_ratio(struct eval *e, struct bw_str what, double now, double lately)
{
  char key[160];
  (void)snprintf(key, sizeof key, "%.*s_ratio", BW_FMT(what));
  ev_num(e, key, now);
  (void)snprintf(key, sizeof key, "%.*s_highest_ratio", BW_FMT(what));
  if (lately > now)
    ev_num(e, key, lately);
}

static void speak_tier(struct eval *e, enum bw_step step, const struct tier *t)
{
  const struct setting *s = &e->u->cfg.set[SIG_TIER_OUTGROWN];
  uint32_t i;
  ev_begin(e);
  ev_num(e, "limits_outgrown", t->n);
  ev_window(e, "horizon", e->day, e->day + s->window);
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    const struct meter *m = &e->u->cfg.meters[c->kind == C_METER ? c->key : 0];
    double limit = c->kind == C_METER ? facts_limit(e->u, e->a->facts, m->limit_id) : -1;
    if (limit > 0)
      ev_ratio(e, m->resource, meter_used(e, m, c, 0) / limit, t->lately[c->key]);
  }
  if (facts_seats(e->a->facts) > 0)
    ev_ratio(e, BW_STR("seat"), seats_used(e) / facts_seats(e->a->facts), t->lately[MAX_METERS]);
  speak(e, SIG_TIER_OUTGROWN, 0, step, t->n, s->rule.threshold, 0.5 + bw_strength(&s->rule, t->n, 1));
}

void check_limits_daily(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_TIER_OUTGROWN];
  struct tier t = {0};
  uint32_t i;
  enum bw_step step;
  if (!e->a->facts || (!s->on && !e->u->cfg.set[SIG_LIMIT_FORECAST].on))
    return;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    if (c->kind == C_METER)
      t.n += t.is[c->key] = check_forecast(e, c);
  }
  if (!s->on)
    return;
  t.n += t.is[MAX_METERS] = seats_outgrown(e);
  if (t.n < s->rule.clear && is_open(e, SIG_TIER_OUTGROWN, 0))
    outgrown_lately(e, option_days(e->u, OPT_TIER_STAY), &t);
  step = judge(e, SIG_TIER_OUTGROWN, 0, BW_KNOWN, t.n);
  if (step)
    speak_tier(e, step, &t);
}
