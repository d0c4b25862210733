/* SPDX-License-Identifier: Apache-2.0 */
/* The long comparison: a season against the year, for accounts whose months say nothing, since they work in bursts or little.
   Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define LONG_WEEKS 57   /* as many as a series surely keeps */
#define QUIET_WEEK 0.35 /* a week in which everybody else did less than this share of their usual says nothing of anybody */
#define DEEP 100        /* what the depth of a fall is worth, in chance */
#define SHALLOW 4
#define LEAST_ACTIVE_WEEKS 8
#define LEAST_WEEKLY 35 /* events a week of everybody else, below which they say nothing */

/* Weeks up to the day, oldest first, without those in which nobody did much.  Returns how many; ret_others: the others' mean.
 */
static uint32_t telling_weeks(const struct eval *e, uint32_t n, double *x, double *others)
{
  double usual, all[LONG_WEEKS], sorted[LONG_WEEKS];
  uint32_t i, k = 0;
  bw_series_spans(e->u->pool, &e->act->events, e->day, 7, n, x);
  bw_series_spans(e->u->pool, &e->u->fleet.events, e->day, 7, n, all);
  for (i = 0; i < n; i++) {
    sorted[i] = all[i] = all[i] > x[i] ? all[i] - x[i] : 0;
  }
  usual = bw_median(sorted, n);
  for (i = 0; i < n; i++)
    if (usual < LEAST_WEEKLY || all[i] >= QUIET_WEEK * usual) {
      x[k] = x[i];
      others[k++] = usual < LEAST_WEEKLY ? 1 : all[i];
    }
  return k;
}

/* Rank correlation of a week with the next: bursts last, so neighbours are worth less than two weeks. */
static double inertia(const double *x, uint32_t n)
{
  double rank[LONG_WEEKS], mean = (n + 1) / 2.0, top = 0, bottom = 0;
  uint32_t i, k;
  for (i = 0; i < n; i++)
    for (k = 0, rank[i] = 0.5; k < n; k++)
      rank[i] += x[k] < x[i] ? 1 : x[k] == x[i] ? 0.5 : 0;
  for (i = 0; i < n; i++) {
    bottom += (rank[i] - mean) * (rank[i] - mean);
    if (i + 1 < n)
      top += (rank[i] - mean) * (rank[i + 1] - mean);
  }
  if (!(bottom > 0) || top <= 0)
    return 0;
  return top / bottom > 0.6 ? 0.6 : top / bottom;
}

/* Are the last m of n weeks lower than those before?  Mann and Whitney's rank sum (1947), ties averaged; the size of a burst
   does not matter, how often there are any does.  The probability by chance, in the normal approximation. */
static double lower_by_chance(const double *x, uint32_t n, uint32_t m, double ratio)
{
  double u = 0, ties = 0, var, rho = inertia(x, n - m), y[LONG_WEEKS];
  uint32_t i, k, same, b = n - m;
  for (i = 0; i < n; i++)
    y[i] = i < b ? x[i] : x[i] / ratio;
  for (i = b; i < n; i++)
    for (k = 0; k < b; k++)
      u += y[k] < y[i] ? 1 : y[k] == y[i] ? 0.5 : 0;
  for (i = 0; i < n; i++) {
    for (k = same = 0; k < n; k++)
      same += y[k] == y[i];
    ties += (double)same * same - 1; /* over the members of a tie: t (t^2 - 1) */
  }
  var = (double)m * b / 12 * ((n + 1) - ties / ((double)n * (n - 1))) * (1 + rho) / (1 - rho);
  return var > 0 ? bw_normal_tail(((double)m * b / 2 - u - 0.5) / sqrt(var)) : 1;
}

struct long_change long_compare(const struct eval *e, int32_t window, bool open)
{
  double least = option_number(e->u, OPT_LONG_MIN) * (open ? 0.5 : 1);
  struct long_change c = {.ratio = 1, .chance = 1};
  double x[LONG_WEEKS], others[LONG_WEEKS], before = 0, f_now = 0, f_before = 0, sum, all;
  uint32_t m = (uint32_t)window / 7, n, i, b, active = 0;
  int32_t history = e->day - e->act->first + 1;
  n = history / 7 > LONG_WEEKS ? LONG_WEEKS : (uint32_t)(history / 7);
  if (m < 4 || m > LONG_WEEKS / 2 || n < 2 * m ||
      (double)bw_series_bound(&e->act->events, e->day - 7 * (int32_t)n + 1, e->day) < least ||
      (all = sum_back(e, &e->act->events, 7 * (int32_t)n, 0)) < least)
    return c;
  sum = sum_back(e, &e->act->events, 7 * (int32_t)m, 0);
  if (!open && sum * (n - m) >= 0.85 * m * (all - sum))
    return c; /* nowhere near a decline: most accounts, most days */
  sum = 0;
  n = telling_weeks(e, n, x, others);
  if (n < (open ? m + 1 : 2 * m + m / 2))
    return c;
  b = n - m;
  for (i = 0; i < n; i++) {
    *(i < b ? &before : &c.now) += x[i];
    *(i < b ? &f_before : &f_now) += others[i];
    active += i < b && x[i] > 0;
    sum += x[i] - (i >= m ? x[i - m] : 0);
    if (i + 1 == m || (i < b && i >= m && sum < c.lowest))
      c.lowest = sum;
  }
  c.weeks = m;
  c.weeks_before = b;
  if (e->u->cfg.value[OPT_FLEET_CORRECT].integer && f_before > 0) /* a rise of everybody makes nobody's level a decline */
    c.ratio = f_now * b / (f_before * m);
  c.ratio = c.ratio > 1 ? 1 : c.ratio < 0.25 ? 0.25 : c.ratio;
  c.usual = before / b * m;
  c.known = c.usual * c.ratio >= least && (open || active >= LEAST_ACTIVE_WEEKS);
  c.change = c.usual > 0 ? c.now / (c.usual * c.ratio) - 1 : 0;
  if (c.known && !open && c.change <= -option_number(e->u, OPT_LONG_THRESHOLD) && c.now <= c.lowest * c.ratio)
    c.chance = lower_by_chance(x, n, m, c.ratio);
  return c;
}

/* The year's lowest window is the account's own proof of what it does by itself.  The further below it, the less of a rank sum
   is asked: of an account that is as good as gone, little; of one that goes on at a lower level, much. */
static bool long_decline(const struct eval *e, const struct long_change *l, double chance)
{
  double lowest = l->ratio * l->lowest;
  if (!l->known || l->change > -option_number(e->u, OPT_LONG_THRESHOLD))
    return false;
  if (l->now <= lowest / 3 && l->change <= -0.75)
    return l->chance <= DEEP * chance;
  if (l->now <= lowest / 2)
    return l->chance <= chance;
  return l->now <= (1 - option_number(e->u, OPT_BASELINE)) * lowest && l->chance <= chance / SHALLOW;
}

/* Nothing by the month: a season against the year; or two months, which show sooner what is plain. */
bool long_opens(const struct eval *e, struct long_change *l, enum bw_known known, double value)
{
  if (known != BW_ABSENT && value <= e->u->cfg.set[SIG_USAGE_DECLINE].rule.threshold)
    return false;
  if (long_decline(e, l, option_number(e->u, OPT_LONG_CHANCE)))
    return true;
  *l = long_compare(e, option_days(e->u, OPT_MID_WINDOW), false);
  return long_decline(e, l, option_number(e->u, OPT_MID_CHANCE));
}

void long_speak(struct eval *e, enum bw_step step, const struct long_change *l)
{
  const struct bw_rule *rule = &e->u->cfg.set[SIG_USAGE_DECLINE].rule;
  ev_begin(e);
  ev_str(e, "what", BW_STR("events, against the account's own year"));
  ev_num(e, "now", l->now);
  ev_num(e, "before", l->usual);
  ev_num(e, "lowest_before", l->lowest);
  ev_num(e, "weeks", l->weeks);
  ev_num(e, "weeks_before", l->weeks_before);
  ev_num(e, "change", l->change);
  ev_num(e, "fleet_change", l->ratio - 1);
  if (step == BW_STEP_OPENED)
    ev_num(e, "p", l->chance);
  ev_weeks(e, &e->act->events, 26);
  speak(e, SIG_USAGE_DECLINE, 0, step, l->change, rule->threshold, bw_strength(rule, l->change, 1));
}
