/* SPDX-License-Identifier: Apache-2.0 */
/* An account that fell silent, against its own habit.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define LOOK 410       /* days looked at, silence included: as many as a series surely keeps */
#define LEAST_HABIT 84 /* days up to the last activity */
#define LEAST_DAYS 12  /* active days that make a habit */
#define LEAST_OTHERS 5 /* events a day of everybody else, below which they say nothing */

/* How often spans of so many days held anything. */
struct level {
  int32_t days;
  double hits, all;
};

struct habit {
  int32_t last;   /* last active day, as of the tick */
  double silent;  /* days since, weighed as below */
  double longest; /* longest earlier gap, likewise */
  double chance;  /* of so long a silence */
  uint32_t active_days;
  struct level weeks, months;
};

/* A day counts for as much as everybody else's activity on it was of what that weekday usually has: what nobody did on a
   holiday, between two releases, or while the feed was dead, is no account's silence. */
static void day_weights(const struct eval *e, int32_t from, int32_t n, const uint64_t *own, double *ret_w)
{
  uint64_t all[LOOK];
  double sum[7] = {0}, days[7] = {0};
  int32_t i, w, weekday = bw_day_weekday(from);
  bw_series_copy(e->u->pool, &e->u->fleet.events, from, (uint32_t)n, all);
  for (i = 0, w = weekday; i < n; i++, w = w == 6 ? 0 : w + 1) {
    all[i] = all[i] > own[i] ? all[i] - own[i] : 0;
    sum[w] += (double)all[i];
    days[w]++;
  }
  for (w = 0; w < 7; w++)
    sum[w] = days[w] > 0 ? sum[w] / days[w] : 0;
  for (i = 0, w = weekday; i < n; i++, w = w == 6 ? 0 : w + 1) {
    ret_w[i] = sum[w] < LEAST_OTHERS || (double)all[i] >= sum[w] ? 1 : (double)all[i] / sum[w];
    if (ret_w[i] > 0 && all[i] * 4 < (uint64_t)sum[w] && fleet_dead(e->u, from + i))
      ret_w[i] = 0;
  }
}

/* Whole spans back from the last active day; that one is left out, since it holds activity by definition. */
static struct level spans_active(const uint64_t *x, const double *weight, int32_t n, int32_t days)
{
  struct level l = {.days = days};
  int32_t i, k;
  for (i = n - 2 * days; i >= 0; i -= days) {
    double any = 0, w = 0;
    for (k = 0; k < days; k++) {
      any = x[i + k] ? 1 : any;
      w += weight[i + k];
    }
    l.hits += any;
    l.all += any > 0 ? 1 : w / days;
  }
  return l;
}

static double log_idle(double hits, double all, double prior)
{
  return log((all - hits + prior) / (all + 2 * prior));
}

/* Day after day with the weekday's own habit. */
static double chance_of_days(const uint64_t *x, const double *weight, int32_t n, int32_t all, int32_t from)
{
  double hit[7] = {0}, days[7] = {0}, idle[7], log_chance = 0;
  int32_t i, w;
  for (i = 0, w = bw_day_weekday(from); i < n; i++, w = w == 6 ? 0 : w + 1) {
    days[w] += x[i] ? 1 : weight[i];
    hit[w] += x[i] != 0;
  }
  for (i = 0; i < 7; i++)
    idle[i] = log_idle(hit[i], days[i], 0.1);
  for (i = n, w = bw_day_weekday(from + n); i < all; i++, w = w == 6 ? 0 : w + 1)
    log_chance += weight[i] * idle[w];
  return log_chance;
}

/* The likeliest of the ways in which the account could be silent by chance: days that are idle each for itself, weeks, since
   work comes in bursts, and months where gaps of half a month were seen.  What never happened in so many spans is taken to
   happen half a time in one more, so a short history asks for a longer silence. */
static double chance_of(const struct habit *h, double log_days)
{
  double best = log_days, l;
  if ((l = log_idle(h->weeks.hits, h->weeks.all, 0.5) * h->silent / h->weeks.days) > best)
    best = l;
  if (h->longest > 14 && (l = log_idle(h->months.hits, h->months.all, 0.5) * h->silent / h->months.days) > best)
    best = l;
  return exp(best);
}

static bool read_habit(const struct eval *e, struct habit *ret)
{
  uint64_t x[LOOK];
  double weight[LOOK], gap = 0;
  struct habit h = {.last = e->act->last > e->day ? e->day : e->act->last};
  int32_t from = e->day - LOOK + 1 > e->act->first ? e->day - LOOK + 1 : e->act->first, n, i, all;
  n = h.last - from + 1;
  all = e->day - from + 1;
  if (n < LEAST_HABIT || all > LOOK)
    return false;
  bw_series_copy(e->u->pool, &e->act->events, from, (uint32_t)all, x);
  day_weights(e, from, all, x, weight);
  h.weeks = spans_active(x, weight, n, 7);
  h.months = spans_active(x, weight, n, 28);
  for (i = 0; i < n; i++) {
    gap = x[i] ? 0 : gap + weight[i];
    h.longest = gap > h.longest ? gap : h.longest;
    h.active_days += x[i] != 0;
  }
  for (i = n; i < all; i++)
    h.silent += weight[i];
  h.chance = chance_of(&h, chance_of_days(x, weight, n, all, from));
  *ret = h;
  return true;
}

/* Active in most weeks, or, where it comes and goes, in most months. */
static bool habitual(const struct habit *h)
{
  return h->active_days >= LEAST_DAYS &&
         (h->weeks.hits * 4 >= h->weeks.all * 3 || (h->months.all >= 4 && h->months.hits * 4 >= h->months.all * 3));
}

void check_silence(struct eval *e)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_GONE_SILENT];
  bool open = is_open(e, SIG_GONE_SILENT, 0);
  struct habit h = {0};
  enum bw_known known = BW_ABSENT;
  enum bw_step step;
  double value = 0;
  if (!s->on || !e->act->last || (e->day - e->act->last < (int32_t)s->min && !open))
    return;
  if (open && e->day - e->act->last >= 7 && (e->day - e->act->last) % 7 != 0)
    return;                                         /* what is told and goes on is looked at every week */
  if (e->day - e->act->last > LOOK - LEAST_HABIT) { /* told long ago, or never a habit */
    known = open ? BW_KNOWN : BW_ABSENT;
    value = open ? s->rule.threshold : 0;
  } else if (read_habit(e, &h)) {
    value = h.silent / (h.longest < 3 ? 3 : h.longest);
    if (open || (habitual(&h) && e->act->first + option_days(u, OPT_SILENT_HISTORY) <= e->day && h.silent >= s->min &&
                 h.chance <= option_number(u, OPT_SILENT_CHANCE)))
      known = BW_KNOWN;
  }
  if (known == BW_KNOWN && !open && (fleet_holds(u) || merger_holds_decline(u, e->a, e->day)))
    known = BW_HELD;
  if (open && h.silent > 0) /* the account's own gaps cannot grow while it is silent: only activity ends it */
    value = value < s->rule.threshold ? s->rule.threshold : value;
  step = judge(e, SIG_GONE_SILENT, 0, known, value);
  if (!step)
    return;
  ev_begin(e);
  ev_day(e, "last_active", e->act->last);
  ev_num(e, "days_silent", e->day - e->act->last);
  ev_num(e, "days_silent_weighed", h.silent);
  ev_num(e, "longest_usual_gap", h.longest);
  ev_num(e, "weeks_active", h.weeks.hits);
  ev_num(e, "weeks_looked_at", h.weeks.all);
  ev_num(e, "months_active", h.months.hits);
  ev_num(e, "months_looked_at", h.months.all);
  ev_num(e, "p", h.chance);
  ev_weeks(e, &e->act->events, 26);
  speak(e, SIG_GONE_SILENT, 0, step, value, s->rule.threshold, 0.5 + bw_strength(&s->rule, value, 1) / 2);
}
