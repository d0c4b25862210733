/* SPDX-License-Identifier: Apache-2.0 */
/* Growth, decline, doubling, silence: change against the account's own past.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define SPANS_MAX 13 /* windows of the past year */
#define WEEKS 26

/* One comparison of a window with the window before it. */
struct change {
  double now, before, ratio; /* ratio: the fleet's own */
  double change;             /* relative, the fleet divided out */
  double z, dispersion;
  double usual; /* median of earlier windows; negative: too few */
};

/*
 * How much wider than chance the account's own windows vary: from its weeks, and from its past windows (work comes in projects,
 * releases, quarters), whichever is wider.  Few windows say little, so their estimate is widened by n / (n - 1.5).
 */
static double own_dispersion(const struct eval *e, const struct bw_series *s, int32_t window, int32_t history)
{
  double x[WEEKS + SPANS_MAX], week, span = 1;
  int32_t n = history / window - 1, weeks = history / 7 - 1;
  n = n > SPANS_MAX ? SPANS_MAX : n;
  weeks = weeks > WEEKS ? WEEKS : weeks;
  if (weeks < 4)
    return 1;
  bw_series_spans(e->u->pool, s, e->day - 7, 7, (uint32_t)weeks, x);
  week = bw_dispersion(x, (uint32_t)weeks, 3, 1);
  if (n >= 3) {
    bw_series_spans(e->u->pool, s, e->day - window, window, (uint32_t)n, x);
    span = bw_dispersion(x, (uint32_t)n, 2, 1) * n / (n - 1.5);
  }
  return week > span ? week : span;
}

static double usual_window(const struct eval *e, const struct bw_series *s, int32_t window, int32_t history)
{
  double x[6];
  int32_t n = history / window - 1;
  n = n > 6 ? 6 : n;
  if (n < 2)
    return -1;
  bw_series_spans(e->u->pool, s, e->day - window, window, (uint32_t)n, x);
  return bw_median(x, (uint32_t)n);
}

static struct change compare(const struct eval *e, const struct bw_series *s, int32_t window, double log_fleet)
{
  struct change c = {.ratio = exp(log_fleet)};
  int32_t history = e->act->first ? e->day - e->act->first + 1 : 0;
  history = history > 400 ? 400 : history;
  c.now = sum_back(e, s, window, 0);
  c.before = sum_back(e, s, window, window);
  c.change = c.before > 0 ? (c.now - c.before * c.ratio) / (c.before * c.ratio) : 0;
  c.usual = -1;
  c.dispersion = 1;
  if (c.before > 0 && fabs(c.change) > 0.05) { /* the rest matters only where something changed */
    c.dispersion = own_dispersion(e, s, window, history);
    c.z = bw_compare_counts(c.now, c.before, c.ratio, c.dispersion);
    c.usual = usual_window(e, s, window, history);
  }
  return c;
}

/* A return to the usual after a peak or a holiday is no news. */
static bool stands_out(const struct eval *e, const struct change *c, bool down)
{
  double by = option_number(e->u, OPT_BASELINE);
  if (by <= 0 || c->usual < 0)
    return true;
  return down ? c->now <= c->usual * c->ratio * (1 - by) : c->now >= c->usual * c->ratio * (1 + by);
}

static bool beyond_chance(double z, double least, bool down)
{
  return least < 0 || (down ? -z >= least : z >= least);
}

static void speak_change(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, const struct change *c,
                         const struct bw_series *s, const char *what)
{
  const struct setting *set = &e->u->cfg.set[sig];
  int32_t w = set->window;
  ev_begin(e);
  ev_str(e, "what", bw_str(what));
  ev_num(e, "now", c->now);
  ev_num(e, "before", c->before);
  ev_window(e, "window", e->day - w + 1, e->day);
  ev_window(e, "window_before", e->day - 2 * w + 1, e->day - w);
  ev_num(e, "change", c->change);
  ev_num(e, "fleet_change", c->ratio - 1);
  ev_num(e, "fleet_accounts", e->u->fleet.accounts);
  ev_num(e, "z", c->z);
  ev_num(e, "p", bw_normal_tail(fabs(c->z)));
  ev_num(e, "dispersion", c->dispersion);
  if (c->usual >= 0)
    ev_num(e, "usual_window", c->usual);
  ev_weeks(e, s, 12);
  speak(e, sig, key, step, sig == SIG_FEATURE_DOUBLED ? c->change + 1 : c->change, set->rule.threshold,
        bw_strength(&set->rule, sig == SIG_FEATURE_DOUBLED ? c->change + 1 : c->change, 1));
}

/*
 * Known opens; while an episode is open the tests that only guard its opening are not asked again.  Held: merger, feed.
 */
static enum bw_known knowledge(const struct eval *e, enum signal_id sig, uint32_t key, const struct change *c, double z_least,
                               int32_t history, bool down)
{
  const struct setting *s = &e->u->cfg.set[sig];
  bool open = is_open(e, sig, key);
  if (down && (fleet_holds(e->u) || merger_holds_decline(e->u, e->a, e->day)))
    return BW_HELD;
  if (!down && ((e->u->fleet.spike && e->u->cfg.value[OPT_FLEET_HOLD].integer) || merger_holds_growth(e->u, e->a, e->day)))
    return BW_HELD;
  if (open) /* the earlier window shrinks with what it measured: only a real recovery or the end of use clears */
    return c->before > 0 ? BW_KNOWN : BW_ABSENT;
  if (!(c->before >= s->min) || c->before <= 0 || !e->act->first || e->act->first + history > e->day)
    return BW_ABSENT;
  return beyond_chance(c->z, z_least, down) && stands_out(e, c, down) ? BW_KNOWN : BW_ABSENT;
}

static void check_events(struct eval *e, enum signal_id sig, bool down, double z_least, enum option_id history)
{
  const struct setting *s = &e->u->cfg.set[sig];
  struct change c;
  enum bw_known known;
  enum bw_step step;
  if (!s->on)
    return;
  c = compare(e, &e->act->events, s->window, e->u->fleet.log_ratio);
  if (fabs(c.change) < 1e-12 && !e->act->nepisodes)
    return;
  known = knowledge(e, sig, 0, &c, z_least, option_days(e->u, history), down);
  step = judge(e, sig, 0, known, c.change);
  if (step)
    speak_change(e, sig, 0, step, &c, &e->act->events, "events");
}

/* Active users: the months' distinct users, compared as counts of people. */
static struct change compare_users(const struct eval *e, int32_t window)
{
  struct change c = {.ratio = exp(e->u->fleet.user_log_ratio), .dispersion = 1, .usual = -1};
  double x[12];
  uint32_t i;
  c.now = mau_on(e->u, e->act, e->day, e->u->cfg.mau_window);
  c.before = mau_on(e->u, e->act, e->day - window, e->u->cfg.mau_window);
  c.change = c.before > 0 ? (c.now - c.before * c.ratio) / (c.before * c.ratio) : 0;
  if (c.change < -0.05) {
    for (i = 0; i < 12; i++)
      x[i] = mau_on(e->u, e->act, e->day - window * (int32_t)(12 - i), e->u->cfg.mau_window);
    for (i = 0; i < 11 && x[i] == 0; i++)
      ;
    c.dispersion = bw_dispersion(x + i, 12 - i, 2, 1);
    c.z = bw_compare_counts(c.now, c.before, c.ratio, c.dispersion);
    c.usual = bw_median(x + i, 12 - i);
  }
  return c;
}

/* Login days where sign-ins are sent, else days on which users were active; then the number of active users. */
static void check_logins(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_LOGINS_DECLINE];
  int32_t history = option_days(e->u, OPT_LOGINS_HISTORY);
  double z = e->u->cfg.z_logins;
  const struct bw_series *series = &e->act->logins;
  const char *what = "login days";
  struct change c, users;
  enum bw_known known;
  enum bw_step step;
  if (!s->on)
    return;
  c = compare(e, series, s->window, e->u->fleet.login_log_ratio);
  if (e->u->cfg.value[OPT_LOGINS_USERS].integer && c.before < s->min) { /* sign-ins are not, or hardly, sent */
    series = &e->act->dau;
    what = "user days";
    c = compare(e, series, s->window, e->u->fleet.day_log_ratio);
  }
  known = knowledge(e, SIG_LOGINS_DECLINE, 0, &c, z, history, true);
  if (e->u->cfg.value[OPT_LOGINS_USERS].integer && known == BW_ABSENT) {
    users = compare_users(e, s->window);
    if (knowledge(e, SIG_LOGINS_DECLINE, 0, &users, z, history, true) == BW_KNOWN) {
      c = users;
      what = "active users";
      known = BW_KNOWN;
    }
  }
  step = judge(e, SIG_LOGINS_DECLINE, 0, known, c.change);
  if (step)
    speak_change(e, SIG_LOGINS_DECLINE, 0, step, &c, series, what);
}

static void check_feature(struct eval *e, struct feature *f)
{
  const struct setting *s = &e->u->cfg.set[SIG_FEATURE_DOUBLED];
  struct change c = {.ratio = exp(e->u->fleet.log_ratio), .usual = -1, .dispersion = 1};
  enum bw_known known = BW_ABSENT;
  enum bw_step step;
  double today = f->last <= e->day && f->last > e->day - s->window ? f->today : 0;
  bool open = is_open(e, SIG_FEATURE_DOUBLED, f->id);
  if (f->last <= e->day - s->window && !open)
    return;
  c.before = sum_back(e, &f->s, s->window, s->window);
  if (c.before < s->min && !open)
    return;
  c.now = sum_back(e, &f->s, s->window, 0) + today;
  c.change = c.before > 0 ? c.now / (c.before * c.ratio) - 1 : 0;
  if (c.before > 0 && (open || c.change + 1 >= s->rule.threshold)) {
    double weeks[8];
    bw_series_spans(e->u->pool, &f->s, e->day - 7, 7, 8, weeks);
    c.dispersion = bw_dispersion(weeks, 8, 3, 1) * 1.5;
    c.z = bw_compare_counts(c.now, c.before, c.ratio, c.dispersion);
    known = knowledge(e, SIG_FEATURE_DOUBLED, f->id, &c, e->u->cfg.z_doubled, 0, false);
    if (known == BW_KNOWN && !open && f->first + option_days(e->u, OPT_DOUBLED_HISTORY) > e->day)
      known = BW_ABSENT;
  }
  step = judge(e, SIG_FEATURE_DOUBLED, f->id, known, c.change + 1);
  if (step)
    speak_change(e, SIG_FEATURE_DOUBLED, f->id, step, &c, &f->s, "uses of the feature");
}

void check_change(struct eval *e)
{
  uint32_t i;
  if (!e->act->first)
    return;
  check_events(e, SIG_USAGE_GROWTH, false, e->u->cfg.z_growth, OPT_GROWTH_HISTORY);
  check_events(e, SIG_USAGE_DECLINE, true, e->u->cfg.z_decline, OPT_DECLINE_HISTORY);
  check_logins(e);
  if (e->u->cfg.set[SIG_FEATURE_DOUBLED].on)
    for (i = 0; i < e->act->nfeatures; i++)
      check_feature(e, &e->act->features[i]);
}

/* ---- silence ---- */

#define HABIT_DAYS 182

struct habit {
  int32_t last;      /* last active day, as of the tick */
  double silent;     /* days since, weighed as below */
  double longest;    /* longest earlier gap, likewise */
  double log_chance; /* of so long a silence, days taken one by one with their weekdays' own habit */
  uint32_t weeks_active, weeks;
};

#define SPAN_MAX (HABIT_DAYS + 121)
#define LEAST_OTHERS 5 /* events a day of everybody else, below which they say nothing */

/* A day counts for as much as everybody else's activity on it was of what that weekday usually has: what nobody did on a
   holiday, or while the feed was dead, is no account's silence. */
static void day_weights(const struct eval *e, int32_t from, int32_t n, const uint64_t *own, double *ret_w)
{
  uint64_t all[SPAN_MAX];
  double sum[7] = {0}, days[7] = {0}, usual;
  int32_t i;
  bw_series_copy(e->u->pool, &e->u->fleet.events, from, (uint32_t)n, all);
  for (i = 0; i < n; i++) {
    all[i] = all[i] > own[i] ? all[i] - own[i] : 0;
    sum[bw_day_weekday(from + i)] += (double)all[i];
    days[bw_day_weekday(from + i)]++;
  }
  for (i = 0; i < n; i++) {
    int w = bw_day_weekday(from + i);
    usual = days[w] > 0 ? sum[w] / days[w] : 0;
    ret_w[i] = usual < LEAST_OTHERS ? 1 : (double)all[i] >= usual ? 1 : (double)all[i] / usual;
    if (fleet_dead(e->u, from + i))
      ret_w[i] = 0;
  }
}

static bool active_on(const uint64_t *events, int32_t i)
{
  return events[i] != 0;
}

/* Share of each weekday that has activity, as if half a day more had been seen with a quarter of it active. */
static void weekday_habit(const uint64_t *x, const double *weight, int32_t n, int32_t from, double p[7])
{
  double hit[7] = {0}, all[7] = {0};
  int32_t i;
  for (i = 0; i < n; i++) {
    int w = bw_day_weekday(from + i);
    all[w] += active_on(x, i) ? 1 : weight[i];
    hit[w] += active_on(x, i);
  }
  for (i = 0; i < 7; i++)
    p[i] = all[i] > 0 ? (hit[i] + 0.25) / (all[i] + 0.5) : 0;
}

static bool read_habit(const struct eval *e, struct habit *ret)
{
  uint64_t x[SPAN_MAX];
  double weight[SPAN_MAX], gap = 0, p[7];
  struct habit h = {.last = e->act->last > e->day ? e->day : e->act->last};
  int32_t from, n, i, k, all, any;
  from = h.last - HABIT_DAYS + 1 > e->act->first ? h.last - HABIT_DAYS + 1 : e->act->first;
  n = h.last - from + 1;
  all = e->day - from + 1;
  if (n < 56 || all > SPAN_MAX)
    return false;
  bw_series_copy(e->u->pool, &e->act->events, from, (uint32_t)all, x);
  day_weights(e, from, all, x, weight);
  for (i = n - 7; i >= 0; i -= 7) { /* whole weeks up to the last active day */
    for (k = 0, any = 0; k < 7; k++)
      any |= active_on(x, i + k);
    h.weeks++;
    h.weeks_active += any != 0;
  }
  for (i = 0; i < n; i++) {
    gap = active_on(x, i) ? 0 : gap + weight[i];
    h.longest = gap > h.longest ? gap : h.longest;
  }
  weekday_habit(x, weight, n, from, p);
  for (i = n; i < all; i++) {
    h.silent += weight[i];
    h.log_chance += weight[i] * log(1 - p[bw_day_weekday(from + i)]);
  }
  *ret = h;
  return true;
}

void check_silence(struct eval *e)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_GONE_SILENT];
  bool open = is_open(e, SIG_GONE_SILENT, 0), habitual;
  struct habit h = {0};
  enum bw_known known = BW_ABSENT;
  enum bw_step step;
  double value = 0;
  if (!s->on || !e->act->last || (e->day - e->act->last < (int32_t)s->min && !open))
    return;
  if (e->day - e->act->last > 120) { /* told long ago, or never a habit */
    known = open ? BW_KNOWN : BW_ABSENT;
    value = open ? s->rule.threshold : 0;
  } else if (read_habit(e, &h)) {
    value = h.silent / (h.longest < 3 ? 3 : h.longest);
    habitual = h.weeks >= 8 && h.weeks_active * 4 >= h.weeks * 3;
    if (open || (habitual && e->act->first + option_days(u, OPT_SILENT_HISTORY) <= e->day && h.silent >= s->min &&
                 exp(h.log_chance) <= option_number(u, OPT_SILENT_CHANCE)))
      known = BW_KNOWN;
  }
  if (known == BW_KNOWN && !open && (fleet_holds(u) || merger_holds_decline(u, e->a, e->day)))
    known = BW_HELD;
  step = judge(e, SIG_GONE_SILENT, 0, known, value);
  if (!step)
    return;
  ev_begin(e);
  ev_day(e, "last_active", e->act->last);
  ev_num(e, "days_silent", e->day - e->act->last);
  ev_num(e, "days_silent_weighed", h.silent);
  ev_num(e, "longest_usual_gap", h.longest);
  ev_num(e, "weeks_active", h.weeks_active);
  ev_num(e, "weeks_looked_at", h.weeks);
  ev_num(e, "p", exp(h.log_chance));
  ev_weeks(e, &e->act->events, 12);
  speak(e, SIG_GONE_SILENT, 0, step, value, s->rule.threshold, 0.5 + bw_strength(&s->rule, value, 1) / 2);
}
