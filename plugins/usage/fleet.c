/* SPDX-License-Identifier: Apache-2.0 */
/* The whole feed: what moves everybody at once is no account's news.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define PROFILE_WEEKS 8
#define LOOK_BACK 3 /* days that a dip is judged over */
#define LEAST_EXPECTED 20
#define GAP_DAYS 400 /* as many as a series surely keeps */
#define YEAR 364
#define SPIKE_MARGIN 1.5
#define GAP_MARGIN 1.5
#define PHI_SPANS 16

static double fleet_events(void *ctx, int32_t day)
{
  const struct usage *u = ctx;
  return (double)bw_series_get(u->pool, &u->fleet.events, day);
}

/* Dead days, and the time before there was anybody to watch, say nothing of what a weekday holds. */
static bool skip_dead(void *ctx, int32_t day)
{
  const struct usage *u = ctx;
  return day < u->fleet.first_day || fleet_dead(u, day);
}

bool fleet_dead(const struct usage *u, int32_t day)
{
  uint32_t i, n = u->fleet.ndead < 64 ? u->fleet.ndead : 64;
  for (i = 0; i < n; i++)
    if (u->fleet.dead_days[i] == day)
      return true;
  return false;
}

static double expected(struct usage *u, int32_t day)
{
  return bw_weekday_expected(fleet_events, skip_dead, u, day, PROFILE_WEEKS);
}

/* A day on which the feed held (nearly) nothing of what it should is nobody's silence. */
static void note_dead_days(struct usage *u, int32_t day)
{
  struct fleet *f = &u->fleet;
  int32_t d = f->dead_checked + 1;
  if (d < day - 60)
    d = day - 60;
  for (; d <= day; d++) {
    double e = expected(u, d), n = fleet_events(u, d);
    if (e >= LEAST_EXPECTED && n < 0.2 * e) {
      f->dead_days[f->ndead % 64] = (uint16_t)d;
      f->ndead++;
      if (f->ndead >= 128)
        f->ndead -= 64;
    }
  }
  f->dead_checked = day;
}

/* The last days against their weekdays' profile: a ratio, and z of the difference under the fleet's own dispersion. */
static bool against_profile(struct usage *u, int32_t day, double *ret_got, double *ret_ratio, double *ret_z)
{
  double got = 0, want = 0, e, spans[PHI_SPANS], phi;
  int32_t d;
  for (d = day; d > day - LOOK_BACK; d--) {
    e = expected(u, d);
    if (e < 0)
      return false;
    want += e;
    got += fleet_events(u, d);
  }
  if (want < LEAST_EXPECTED)
    return false;
  /* whole weeks alone would hide bursts, three days alone the weekend: the wider of the two */
  bw_series_spans(u->pool, &u->fleet.events, day - LOOK_BACK, 7, PROFILE_WEEKS, spans);
  phi = bw_dispersion(spans, PROFILE_WEEKS, 3, 1);
  for (d = 0; d < PHI_SPANS; d++)
    spans[d] = (double)bw_series_sum(u->pool, &u->fleet.events, day - 7 * (d + 1) - LOOK_BACK + 1, day - 7 * (d + 1));
  e = bw_dispersion(spans, PHI_SPANS, 3, 1);
  phi = e > phi ? e : phi;
  *ret_got = got;
  *ret_ratio = got / want;
  *ret_z = (got - want) / sqrt(phi * want);
  return true;
}

/* The feed's own habit of bursts: what so many days held at most, but for the greatest hundredth, in the year before. */
static double usual_peak(const struct usage *u, int32_t day)
{
  uint64_t x[YEAR + LOOK_BACK];
  double sums[YEAR], sum = 0;
  int32_t i, n = 0, from = day - LOOK_BACK - YEAR - LOOK_BACK + 1;
  bw_series_copy(u->pool, &u->fleet.events, from, YEAR + LOOK_BACK, x);
  for (i = 0; i < YEAR + LOOK_BACK; i++) {
    sum += (double)x[i] - (i >= LOOK_BACK ? (double)x[i - LOOK_BACK] : 0);
    if (i >= LOOK_BACK && from + i - LOOK_BACK >= u->fleet.first_day)
      sums[n++] = sum;
  }
  return n ? bw_quantile(sums, (uint32_t)n, 0.99) : 0;
}

static void judge_fleet(struct usage *u, int32_t day, int64_t at_ms)
{
  struct fleet *f = &u->fleet;
  double got, peak, ratio, z, dip = option_number(u, OPT_FLEET_DIP), spike = option_number(u, OPT_FLEET_SPIKE);
  char from[11], to[11];
  if (!against_profile(u, day, &got, &ratio, &z)) {
    f->dip = f->spike = false;
    return;
  }
  bw_day_format(day - LOOK_BACK + 1, from);
  bw_day_format(day, to);
  if (!f->dip && ratio < dip && z < -3) {
    f->dip = true;
    notice(u, BW_URGENCY_MEDIUM, at_ms, BW_STR(""), "fleet_dip",
           "the events of all accounts from %s to %s were %.0f %% of what these weekdays usually hold: a holiday, an outage or "
           "lost tracking.  No downward signal opens until it is over.",
           from, to, 100 * ratio);
  } else if (f->dip && ratio > (1 + dip) / 2) {
    f->dip = false;
  }
  if (!f->spike && ratio > spike && z > 3 && got > SPIKE_MARGIN * (peak = usual_peak(u, day))) {
    f->spike = true;
    notice(
        u, BW_URGENCY_LOW, at_ms, BW_STR(""), "fleet_spike",
        "the events of all accounts from %s to %s were %.0f, more than half as many again as the year before ever held in %d "
        "days (%.0f): check for events sent twice.  No growth signal opens until it is over.",
        from, to, got, LOOK_BACK, peak);
  } else if (f->spike && ratio < (1 + spike) / 2) {
    f->spike = false;
  }
}

void fleet_gap(struct usage *u, int64_t ms, int32_t day)
{
  uint64_t minutes = (uint64_t)(ms / BW_MINUTE);
  if (minutes > bw_series_get(u->pool, &u->fleet.gaps, day))
    bw_series_set(u->pool, &u->fleet.gaps, day, minutes);
}

/* The feed's own habit of silence: the longest gap of the last year but for the worst, which may have been an outage, and half
   as much again. */
static int64_t usual_gap(const struct usage *u, int32_t day)
{
  uint64_t x[GAP_DAYS], top[2] = {0};
  uint32_t i;
  bw_series_copy(u->pool, &u->fleet.gaps, day - GAP_DAYS + 1, GAP_DAYS, x);
  for (i = 0; i < GAP_DAYS; i++)
    if (x[i] > top[0]) {
      top[1] = top[0];
      top[0] = x[i];
    } else if (x[i] > top[1]) {
      top[1] = x[i];
    }
  return (int64_t)(GAP_MARGIN * (double)top[1]) * BW_MINUTE;
}

/* Silence of the whole feed, counted in the days that would have held something. */
void fleet_hourly(struct usage *u, int64_t at_ms)
{
  struct fleet *f = &u->fleet;
  int64_t quiet = at_ms - u->newest;
  double missing = 0, e;
  int32_t d, today = bw_time_day(at_ms - 1);
  char since[BW_TIME_TEXT];
  if (u->newest == 0 || quiet < u->cfg.value[OPT_FLEET_SILENT].integer) {
    f->silent = false;
    return;
  }
  if (f->silent || quiet <= usual_gap(u, today))
    return;
  for (d = bw_time_day(u->newest); d <= today && d < bw_time_day(u->newest) + 14; d++) {
    int64_t from = bw_day_time(d) > u->newest ? bw_day_time(d) : u->newest;
    int64_t to = bw_day_time(d + 1) < at_ms ? bw_day_time(d + 1) : at_ms;
    if ((e = expected(u, d)) > 0 && to > from)
      missing += e * (double)(to - from) / BW_DAY;
  }
  if (missing < LEAST_EXPECTED)
    return;
  f->silent = true;
  bw_time_format(u->newest, since);
  notice(u, BW_URGENCY_HIGH, at_ms, BW_STR(""), "feed_silent",
         "no usage event of any account since %s, where about %.0f were due: look at the senders.  No downward signal opens "
         "until events come again.",
         since, missing);
}

enum { G_RATIO, G_USERS, G_USER_DAYS, G_LOGIN_DAYS, G_BREADTH, G_BROAD, G_LOGINS, G_AUTOMATION, G_SEATS, G_LIMIT, G_COUNT };
struct gather {
  struct usage *u;
  double *x[G_COUNT];
  uint32_t n[G_COUNT];
  bool correct, wanted[G_COUNT];
};

static void add(struct gather *g, int what, double v)
{
  g->x[what][g->n[what]++] = v;
}

static void gather_limits(struct gather *g, struct eval *e)
{
  const struct usage *u = g->u;
  double best = -1, limit;
  uint32_t i;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    if (c->kind != C_METER)
      continue;
    limit = facts_limit(u, e->a->facts, u->cfg.meters[c->key].limit_id);
    if (limit > 0 && meter_used(e, &u->cfg.meters[c->key], c, 0) / limit > best)
      best = meter_used(e, &u->cfg.meters[c->key], c, 0) / limit;
  }
  if (best >= 0)
    add(g, G_LIMIT, best);
}

/* The log change of a window against the one before, where there was volume; nobody asks for it where it is not divided out. */
static void add_ratio(struct gather *g, struct eval *e, int what, const struct bw_series *s, double min)
{
  double before = sum_back(e, s, 28, 28), now;
  if (!(before >= min) || before <= 0)
    return;
  now = g->correct ? sum_back(e, s, 28, 0) : before;
  add(g, what, g->correct ? log((now > 0 ? now : 0.5) / before) : 0);
}

static void add_broad(struct gather *g, struct eval *e)
{
  const struct usage *u = g->u;
  uint32_t n = breadth_on(e, e->day, u->cfg.set[SIG_FEATURE_BREADTH].window + option_days(u, OPT_BREADTH_STAY));
  if (n)
    add(g, G_BROAD, n);
}

static void gather_account(struct gather *g, struct eval *e)
{
  const struct usage *u = g->u;
  const struct counter *c;
  int32_t w = 28;
  double now, before, users, seats;
  bool old = e->act->first + 2 * w <= e->day;
  if (old)
    add_ratio(g, e, G_RATIO, &e->act->events, u->cfg.set[SIG_USAGE_DECLINE].min);
  if (old && g->correct) {
    add_ratio(g, e, G_USER_DAYS, &e->act->dau, u->cfg.set[SIG_LOGINS_DECLINE].min);
    add_ratio(g, e, G_LOGIN_DAYS, &e->act->logins, u->cfg.set[SIG_LOGINS_DECLINE].min);
  }
  users = mau_on(u, e->act, e->day, u->cfg.mau_window);
  if (old && g->correct && (before = mau_on(u, e->act, e->day - w, u->cfg.mau_window)) >= 3)
    add(g, G_USERS, log((users > 0 ? users : 0.5) / before));
  if (g->wanted[G_BROAD])
    add_broad(g, e);
  if (users < 1)
    return;
  if (g->wanted[G_BREADTH])
    add(g, G_BREADTH, breadth_on(e, e->day, u->cfg.set[SIG_FEATURE_BREADTH].window));
  if (g->wanted[G_LOGINS] && users >= u->cfg.set[SIG_HEAVY_LOGINS].min && (now = sum_back(e, &e->act->logins, w, 0)) > 0)
    add(g, G_LOGINS, now / users);
  if (g->wanted[G_AUTOMATION] && (c = counter_find(e->act, C_AUTOMATION, 0)) && (now = sum_back(e, &c->s, w, 0)) > 0)
    add(g, G_AUTOMATION, now / users);
  if (g->wanted[G_SEATS] && (seats = facts_seats(e->a->facts)) > 0)
    add(g, G_SEATS, seats_used(e) / seats);
  if (g->wanted[G_LIMIT])
    gather_limits(g, e);
}

/* Which quantiles some signal that is on will ask for. */
static void want(struct gather *g)
{
  const struct config *c = &g->u->cfg;
  bool ready = c->set[SIG_EXPANSION_READY].on;
  g->correct = c->value[OPT_FLEET_CORRECT].integer;
  g->wanted[G_BREADTH] = ready || (c->set[SIG_FEATURE_BREADTH].on && option_number(g->u, OPT_BREADTH_RISE) <= 0);
  g->wanted[G_BROAD] = g->wanted[G_BREADTH] && option_days(g->u, OPT_BREADTH_STAY) > 0;
  g->wanted[G_LOGINS] = c->set[SIG_HEAVY_LOGINS].on;
  g->wanted[G_AUTOMATION] = ready || c->set[SIG_AUTOMATION_DEPTH].on;
  g->wanted[G_SEATS] = g->wanted[G_LIMIT] = ready;
}

static void cuts(struct gather *g, int what, enum signal_id sig, double *cut)
{
  const struct usage *u = g->u;
  uint32_t least = (uint32_t)option_number(u, OPT_FLEET_MIN);
  cut[0] = cut[1] = -1; /* not known; infinity: nobody stands out */
  if (g->n[what] < least)
    return;
  cut[0] = bw_quantile_cut(g->x[what], g->n[what], u->cfg.set[sig].rule.threshold);
  cut[1] = bw_quantile_cut(g->x[what], g->n[what], u->cfg.set[sig].rule.clear);
}

/* The fleet's change: of the middle account; none where too few have volume, or where it shall not be divided out. */
static double median_of(struct gather *g, int what)
{
  if (!g->correct || g->n[what] < option_number(g->u, OPT_FLEET_MIN))
    return 0;
  return bw_median(g->x[what], g->n[what]);
}

static void measure(struct usage *u, int32_t day, int64_t at_ms)
{
  struct gather g = {.u = u};
  struct fleet *f = &u->fleet;
  uint32_t n = bw_keyed_count(&u->accounts), i, active = 0, least = (uint32_t)option_number(u, OPT_FLEET_MIN);
  want(&g);
  for (i = 0; i < n; i++)
    active += ((struct account *)bw_keyed_at(&u->accounts, i))->act != NULL;
  if (u->nscratch < active) {
    u->nscratch = active + active / 4 + 64;
    u->scratch = bw_realloc(u->scratch, (size_t)u->nscratch * G_COUNT, sizeof *u->scratch);
  }
  for (i = 0; i < G_COUNT; i++)
    g.x[i] = u->scratch + (size_t)i * u->nscratch;
  for (i = 0; i < n; i++) {
    struct account *a = bw_keyed_at(&u->accounts, i);
    struct eval e = {.u = u, .a = a, .act = a->act, .index = i, .day = day, .at_ms = at_ms};
    ahead_of_account(u, i);
    if (a->act && a->act->last && day - a->act->last < 2 * RING)
      gather_account(&g, &e);
  }
  f->accounts = g.n[G_RATIO];
  f->log_ratio = median_of(&g, G_RATIO);
  f->user_log_ratio = median_of(&g, G_USERS);
  f->day_log_ratio = median_of(&g, G_USER_DAYS);
  f->login_log_ratio = median_of(&g, G_LOGIN_DAYS);
  cuts(&g, G_BREADTH, SIG_FEATURE_BREADTH, f->breadth_cut);
  f->broad_cut = g.n[G_BROAD] >= least ? bw_quantile_cut(g.x[G_BROAD], g.n[G_BROAD], u->cfg.set[SIG_FEATURE_BREADTH].rule.clear)
                                       : INFINITY;
  cuts(&g, G_LOGINS, SIG_HEAVY_LOGINS, f->login_cut);
  cuts(&g, G_AUTOMATION, SIG_AUTOMATION_DEPTH, f->automation_cut);
  f->seat_cut = g.n[G_SEATS] >= least ? bw_quantile_cut(g.x[G_SEATS], g.n[G_SEATS], 0.75) : -1;
  f->limit_cut = g.n[G_LIMIT] >= least ? bw_quantile_cut(g.x[G_LIMIT], g.n[G_LIMIT], 0.75) : -1;
}

void fleet_daily(struct usage *u, int32_t day, int64_t at_ms)
{
  if (u->fleet.dead_checked == 0)
    u->fleet.dead_checked = u->fleet.first_day = day;
  note_dead_days(u, day);
  judge_fleet(u, day, at_ms);
  measure(u, day, at_ms);
  u->fleet.day = day;
}
