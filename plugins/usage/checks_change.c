/* SPDX-License-Identifier: Apache-2.0 */
/* Growth, decline, doubling: change against the account's own past.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define SPANS_MAX 13 /* windows of the past year */
#define WEEKS 26
#define YEAR 364     /* whole weeks */
#define LONG_HOLD 3  /* days: a window of a season needs no long proof */
#define AWAY_DAYS 14 /* a low month that ends in so long a silence is silence */

/* One comparison of a window with the window before it.  What guards an opening, and what is told of it, is measured when it is
   asked for: on most days of most accounts it is not. */
struct change {
  const struct bw_series *s; /* NULL: active users */
  int32_t window;
  bool measured;             /* what stands below the line */
  double now, before, ratio; /* ratio: the fleet's own */
  double change;             /* relative, the fleet divided out */
  /* ---- */
  double z, dispersion;
  double usual, highest; /* median and greatest of earlier windows; negative: too few */
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
  week = bw_dispersion(x, (uint32_t)weeks, 3, 1) * weeks / (weeks - 1.5);
  if (n >= 3) {
    bw_series_spans(e->u->pool, s, e->day - window, window, (uint32_t)n, x);
    span = bw_dispersion(x, (uint32_t)n, 2, 1) * n / (n - 1.5);
  }
  return week > span ? week : span;
}

static void usual_windows(const struct eval *e, const struct bw_series *s, int32_t window, int32_t history, struct change *c)
{
  double x[6];
  int32_t n = history / window - 1, i;
  n = n > 6 ? 6 : n;
  if (n < 2)
    return;
  bw_series_spans(e->u->pool, s, e->day - window, window, (uint32_t)n, x);
  for (i = 0, c->highest = x[0]; i < n; i++)
    c->highest = x[i] > c->highest ? x[i] : c->highest;
  c->usual = bw_median(x, (uint32_t)n);
}

static double fleet_ratio(double log_fleet)
{
  return log_fleet == 0 ? 1 : exp(log_fleet);
}

static struct change compare(const struct eval *e, const struct bw_series *s, int32_t window, double log_fleet)
{
  struct change c = {.s = s, .window = window, .ratio = fleet_ratio(log_fleet), .dispersion = 1, .usual = -1, .highest = -1};
  c.now = sum_back(e, s, window, 0);
  c.before = sum_back(e, s, window, window);
  c.change = c.before > 0 ? (c.now - c.before * c.ratio) / (c.before * c.ratio) : 0;
  return c;
}

static void measure_users(const struct eval *e, struct change *c)
{
  double x[12];
  uint32_t i;
  for (i = 0; i < 12; i++)
    x[i] = mau_on(e->u, e->act, e->day - c->window * (int32_t)(12 - i), e->u->cfg.mau_window);
  for (i = 0; i < 11 && x[i] == 0; i++)
    ;
  c->dispersion = bw_dispersion(x + i, 12 - i, 2, 1);
  c->z = bw_compare_counts(c->now, c->before, c->ratio, c->dispersion);
  c->usual = bw_median(x + i, 12 - i);
}

/* Only where something changed. */
static void measure(const struct eval *e, struct change *c)
{
  int32_t history = e->act->first ? e->day - e->act->first + 1 : 0;
  if (c->measured)
    return;
  c->measured = true;
  history = history > 400 ? 400 : history;
  if (!c->s && c->change < -0.05) {
    measure_users(e, c);
  } else if (c->s && c->before > 0 && fabs(c->change) > 0.05) {
    c->dispersion = own_dispersion(e, c->s, c->window, history);
    c->z = bw_compare_counts(c->now, c->before, c->ratio, c->dispersion);
    usual_windows(e, c->s, c->window, history, c);
  }
}

/* A return to the usual after a peak or a holiday is no news, and a burst like others of the last half-year no growth; what is
   news is beyond chance against the usual window too, or a low window alone would make a growth of the next. */
static bool stands_out(const struct eval *e, const struct change *c, double z_least, bool down)
{
  double by = option_number(e->u, OPT_BASELINE);
  if (by <= 0 || c->usual < 0)
    return true;
  if (down)
    return c->now <= c->usual * c->ratio * (1 - by);
  return c->now >= c->usual * c->ratio * (1 + by) && c->now >= c->highest * c->ratio * (1 + by) &&
         (z_least < 0 || bw_compare_counts(c->now, c->usual, c->ratio, c->dispersion) >= z_least);
}

/* Did the same weeks of the year before fall as well, and is there nothing that is beyond that fall?  The summer of a school is
   no decline.  Those weeks' return says when to look again. */
static bool as_a_year_ago(const struct eval *e, const struct bw_series *s, const struct change *c, int32_t window)
{
  double least = 1 - option_number(e->u, OPT_YEAR_AGO), now, before;
  if (least >= 1 || e->act->first + YEAR + 2 * window > e->day)
    return false;
  now = sum_back(e, s, window, YEAR);
  before = sum_back(e, s, window, YEAR + window);
  return before > 0 && now <= least * before && c->now * before >= least * c->before * c->ratio * now;
}

/* A holiday of its own, or a pause between two projects, passes: a decline that opens is one that the last week still shows.
   Like chance itself it is not asked where chance is not to be tested (z below 0). */
static bool still_low(const struct eval *e, const struct bw_series *s, const struct change *c, int32_t window, double z)
{
  double week = sum_back(e, s, 7, 0), usual = (c->usual > c->before ? c->usual : c->before) * c->ratio * 7 / window;
  if (z < 0)
    return true;
  if (e->u->cfg.set[SIG_GONE_SILENT].on && e->day - e->act->last >= AWAY_DAYS)
    return false; /* nobody at all: that is silence, or a holiday of its own, and its return decides */
  return week <= 0.85 * usual && !as_a_year_ago(e, s, c, window);
}

static bool beyond_chance(double z, double least, bool down)
{
  return least < 0 || (down ? -z >= least : z >= least);
}

static void speak_change(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, struct change *c,
                         const struct bw_series *s, const char *what)
{
  const struct setting *set = &e->u->cfg.set[sig];
  int32_t w = set->window;
  measure(e, c);
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

static bool held(const struct eval *e, bool down)
{
  if (down)
    return fleet_holds(e->u) || merger_holds_decline(e->u, e->a, e->day);
  return (e->u->fleet.spike && e->u->cfg.value[OPT_FLEET_HOLD].integer) || merger_holds_growth(e->u, e->a, e->day);
}

/*
 * Known opens; while an episode is open the tests that only guard its opening are not asked again.  Held: merger, feed.
 */
static enum bw_known knowledge(const struct eval *e, enum signal_id sig, uint32_t key, struct change *c, double z_least,
                               int32_t history, bool down)
{
  const struct setting *s = &e->u->cfg.set[sig];
  if (held(e, down))
    return BW_HELD;
  if (is_open(e, sig,
              key)) /* the earlier window shrinks with what it measured: only a real recovery or the end of use clears */
    return c->before > 0 ? BW_KNOWN : BW_ABSENT;
  if (!(c->before >= s->min) || c->before <= 0 || !e->act->first || e->act->first + history > e->day)
    return BW_ABSENT;
  /* the account's own dispersion only widens what chance explains */
  if (!c->measured && fabs(c->change) > 0.05 &&
      !beyond_chance(bw_compare_counts(c->now, c->before, c->ratio, 1), z_least, down))
    return BW_ABSENT;
  measure(e, c);
  return beyond_chance(c->z, z_least, down) && stands_out(e, c, z_least, down) ? BW_KNOWN : BW_ABSENT;
}

/* A value that surely does not open anything, whatever else is known of it: known, absent and held are the same then. */
static bool out_of_reach(const struct eval *e, enum signal_id sig, uint32_t key, double value)
{
  const struct bw_rule *r = &e->u->cfg.set[sig].rule;
  double margin = 1e-6 * (1 + fabs(r->threshold));
  return (r->below ? value > r->threshold + margin : value < r->threshold - margin) && !is_open(e, sig, key);
}

static void check_growth(struct eval *e, struct change *c)
{
  enum bw_known known = BW_ABSENT;
  enum bw_step step;
  if (!e->u->cfg.set[SIG_USAGE_GROWTH].on || (fabs(c->change) < 1e-12 && !e->act->nepisodes))
    return;
  if (!out_of_reach(e, SIG_USAGE_GROWTH, 0, c->change))
    known = knowledge(e, SIG_USAGE_GROWTH, 0, c, e->u->cfg.z_growth, option_days(e->u, OPT_GROWTH_HISTORY), false);
  step = judge(e, SIG_USAGE_GROWTH, 0, known, c->change);
  if (step)
    speak_change(e, SIG_USAGE_GROWTH, 0, step, c, &e->act->events, "events");
}

/* Two ways to see a decline: a month against the month before, and a season against the year.  An open one ends when neither
   shows it any more. */
static void check_decline(struct eval *e, struct change *c)
{
  const struct setting *s = &e->u->cfg.set[SIG_USAGE_DECLINE];
  bool open = is_open(e, SIG_USAGE_DECLINE, 0), by_long = false;
  struct bw_rule rule = s->rule;
  struct long_change l = {0};
  enum bw_known known;
  enum bw_step step;
  double value = c->change;
  if (!s->on)
    return;
  if (out_of_reach(e, SIG_USAGE_DECLINE, 0, value))
    known = held(e, true) ? BW_HELD : BW_ABSENT;
  else
    known = knowledge(e, SIG_USAGE_DECLINE, 0, c, e->u->cfg.z_decline, option_days(e->u, OPT_DECLINE_HISTORY), true);
  if (known == BW_KNOWN && !open && !still_low(e, &e->act->events, c, s->window, e->u->cfg.z_decline))
    known = BW_ABSENT;
  if (known != BW_HELD) {
    l = long_compare(e, option_days(e->u, OPT_LONG_WINDOW), open);
    by_long = open ? l.known && (known == BW_ABSENT || l.change < value) : long_opens(e, &l, known, value);
  }
  if (by_long) {
    known = BW_KNOWN;
    value = l.change;
  }
  if (by_long && rule.hold > LONG_HOLD)
    rule.hold = LONG_HOLD;
  step = judge_by(e, SIG_USAGE_DECLINE, 0, known, value, &rule);
  if (step && by_long)
    long_speak(e, step, &l);
  else if (step)
    speak_change(e, SIG_USAGE_DECLINE, 0, step, c, &e->act->events, "events");
}

/* Active users: the months' distinct users, compared as counts of people. */
static struct change compare_users(const struct eval *e, int32_t window)
{
  struct change c = {
      .window = window, .ratio = fleet_ratio(e->u->fleet.user_log_ratio), .dispersion = 1, .usual = -1, .highest = -1};
  c.now = mau_on(e->u, e->act, e->day, e->u->cfg.mau_window);
  c.before = mau_on(e->u, e->act, e->day - window, e->u->cfg.mau_window);
  c.change = c.before > 0 ? (c.now - c.before * c.ratio) / (c.before * c.ratio) : 0;
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
  bool by_users = e->u->cfg.value[OPT_LOGINS_USERS].integer;
  if (!s->on)
    return;
  c = compare(e, series, s->window, e->u->fleet.login_log_ratio);
  if (by_users && c.before < s->min) { /* sign-ins are not, or hardly, sent */
    series = &e->act->dau;
    what = "user days";
    c = compare(e, series, s->window, e->u->fleet.day_log_ratio);
  }
  if (by_users)
    users = compare_users(e, s->window);
  if (out_of_reach(e, SIG_LOGINS_DECLINE, 0, c.change) && (!by_users || out_of_reach(e, SIG_LOGINS_DECLINE, 0, users.change))) {
    (void)judge(e, SIG_LOGINS_DECLINE, 0, BW_ABSENT, c.change);
    return;
  }
  known = knowledge(e, SIG_LOGINS_DECLINE, 0, &c, z, history, true);
  if (by_users && known == BW_ABSENT) {
    if (knowledge(e, SIG_LOGINS_DECLINE, 0, &users, z, history, true) == BW_KNOWN) {
      c = users;
      what = "active users";
      known = BW_KNOWN;
    }
  }
  if (known == BW_KNOWN && !is_open(e, SIG_LOGINS_DECLINE, 0) && !still_low(e, series, &c, s->window, z))
    known = BW_ABSENT;
  step = judge(e, SIG_LOGINS_DECLINE, 0, known, c.change);
  if (step)
    speak_change(e, SIG_LOGINS_DECLINE, 0, step, &c, series, what);
}

static void check_feature(struct eval *e, struct feature *f)
{
  const struct setting *s = &e->u->cfg.set[SIG_FEATURE_DOUBLED];
  struct change c = {
      .ratio = fleet_ratio(e->u->fleet.log_ratio), .usual = -1, .highest = -1, .dispersion = 1, .measured = true};
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
  struct usage *u = e->u;
  int32_t up = u->cfg.set[SIG_USAGE_GROWTH].window, down = u->cfg.set[SIG_USAGE_DECLINE].window;
  struct change c;
  uint32_t i;
  if (!e->act->first)
    return;
  c = compare(e, &e->act->events, up, u->fleet.log_ratio);
  check_growth(e, &c);
  if (down != up)
    c = compare(e, &e->act->events, down, u->fleet.log_ratio);
  check_decline(e, &c);
  check_logins(e);
  if (e->u->cfg.set[SIG_FEATURE_DOUBLED].on)
    for (i = 0; i < e->act->nfeatures; i++)
      check_feature(e, &e->act->features[i]);
}
