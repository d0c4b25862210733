/* SPDX-License-Identifier: Apache-2.0 */
/* How deeply an account uses what it has, itself and against the fleet.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

static double dau_mau(const struct eval *e, int32_t window, int32_t ago, double *ret_users)
{
  double users = mau_on(e->u, e->act, e->day - ago, e->u->cfg.mau_window);
  *ret_users = users;
  return users > 0 ? sum_back(e, &e->act->dau, window, ago) / (window * users) : 0;
}

/* One window is soon low by a holiday or a project's end, and high by its start: the window before it has to agree, both that a
   low adoption begins and that it ends. */
static double two_windows(const struct eval *e, double ratio, int32_t window, double least)
{
  double users, before = dau_mau(e, window, window, &users);
  if (users < (least > 1 ? least : 1))
    return ratio;
  return is_open(e, SIG_ADOPTION_LOW, 0) == (before < ratio) ? before : ratio;
}

/* The newest of the last windows in which there were users enough to say; a quiet month is not the end of an episode. */
static double newest_window(const struct eval *e, int32_t window, double least, double *ret_users)
{
  double ratio = 0;
  int32_t ago;
  for (ago = 0; ago <= 3 * window; ago += window) {
    ratio = dau_mau(e, window, ago, ret_users);
    if (*ret_users > 0 && *ret_users >= least)
      break;
  }
  return ratio;
}

static void check_stickiness(struct eval *e, enum signal_id sig)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[sig];
  bool open = is_open(e, sig, 0);
  double least = least_volume(e, sig, 0), users = 0;
  double ratio = 0;
  bool whole = e->act->first && e->act->first + 2 * s->window <= e->day + 1;
  enum bw_known known;
  enum bw_step step;
  if (!s->on)
    return;
  if (open)
    ratio = newest_window(e, s->window, least, &users);
  else if ((users = mau_on(u, e->act, e->day, u->cfg.mau_window)) >= least && users > 0)
    ratio = dau_mau(e, s->window, 0, &users);
  known = users >= least && users > 0 ? BW_KNOWN : BW_ABSENT;
  if (sig == SIG_ADOPTION_LOW && !whole)
    known = BW_ABSENT;
  if (sig == SIG_ADOPTION_LOW && known == BW_KNOWN && (fleet_low(u) || merger_holds_decline(u, e->a, e->day)))
    known = BW_HELD;
  if (sig == SIG_ADOPTION_LOW && known == BW_KNOWN)
    ratio = two_windows(e, ratio, s->window, s->min / 2);
  step = judge(e, sig, 0, known, ratio);
  if (!step)
    return;
  ev_begin(e);
  ev_num(e, "dau_mau", ratio);
  ev_num(e, "mau", users);
  ev_num(e, "user_days", sum_back(e, &e->act->dau, s->window, 0));
  ev_window(e, "window", e->day - s->window + 1, e->day);
  ev_weeks(e, &e->act->dau, 12);
  speak(e, sig, 0, step, ratio, s->rule.threshold, bw_strength(&s->rule, ratio, 0.5));
}

/* A value against the fleet's quantile cuts: opens at cut[0], stays down to cut[1]. */
static enum bw_step against_fleet(struct eval *e, enum signal_id sig, bool known, double value, const double cut[2],
                                  struct bw_rule *ret_rule)
{
  struct bw_rule rule = e->u->cfg.set[sig].rule;
  rule.threshold = cut[0];
  rule.clear = cut[1] < cut[0] ? cut[1] : cut[0];
  *ret_rule = rule;
  if (cut[0] < 0) /* too few accounts today to say where the cut is */
    return judge_by(e, sig, 0, known && is_open(e, sig, 0) ? BW_HELD : BW_ABSENT, value, &rule);
  return judge_by(e, sig, 0, known ? BW_KNOWN : BW_ABSENT, value, &rule);
}

/* Open whatever the value is today; it is still told how it stands. */
static enum bw_step judge_staying(struct eval *e, enum signal_id sig, double value, const double cut[2],
                                  struct bw_rule *ret_rule)
{
  struct bw_rule rule = e->u->cfg.set[sig].rule;
  rule.threshold = cut[0] < 0 || isinf(cut[0]) ? 0 : cut[0];
  rule.clear = value < rule.threshold ? value : rule.threshold;
  *ret_rule = rule;
  return judge_by(e, sig, 0, BW_KNOWN, value, &rule);
}

static void speak_quantile(struct eval *e, enum signal_id sig, enum bw_step step, const char *what, double value,
                           const struct bw_rule *rule, const struct bw_series *s)
{
  double thr = isfinite(rule->threshold) ? rule->threshold : 0;
  int32_t w = e->u->cfg.set[sig].window;
  ev_begin(e);
  ev_num(e, what, value);
  ev_num(e, "fleet_cut", thr);
  ev_num(e, "fleet_quantile", e->u->cfg.set[sig].rule.threshold);
  ev_num(e, "mau", mau_on(e->u, e->act, e->day, e->u->cfg.mau_window));
  ev_window(e, "window", e->day - w + 1, e->day);
  if (s)
    ev_weeks(e, s, 12);
  speak(e, sig, 0, step, value, thr, 0.25 + 0.75 * bw_strength(rule, value, 1));
}

static void check_logins_heavy(struct eval *e, double users)
{
  const struct setting *s = &e->u->cfg.set[SIG_HEAVY_LOGINS];
  double logins = sum_back(e, &e->act->logins, s->window, 0);
  struct bw_rule rule;
  enum bw_step step =
      against_fleet(e, SIG_HEAVY_LOGINS, users >= least_volume(e, SIG_HEAVY_LOGINS, 0) && users > 0 && logins > 0,
                    users > 0 ? logins / users : 0, e->u->fleet.login_cut, &rule);
  if (step)
    speak_quantile(e, SIG_HEAVY_LOGINS, step, "logins_per_user", users > 0 ? logins / users : 0, &rule, &e->act->logins);
}

/* Uses are never taken back, and the newest stays in the window the longest. */
static bool used_between(const struct eval *e, struct feature *f, int32_t from, int32_t to)
{
  if (f->witness < from || f->witness > to) {
    int32_t day = bw_series_newest(e->u->pool, &f->s, from, to);
    if (day <= 0)
      return false;
    f->witness = (uint16_t)day;
  }
  return true;
}

/* Features used in the window before; more than `enough` of them need not be counted. */
static double features_before(const struct eval *e, int32_t window, double enough)
{
  int32_t to = e->day - window;
  double n = 0;
  uint32_t i;
  for (i = 0; i < e->act->nfeatures && n <= enough; i++) {
    struct feature *f = &e->act->features[i];
    if (f->first <= to && f->last > to - window)
      n += f->last <= to || used_between(e, f, to - window + 1, to);
  }
  return n;
}

/* Is it broad over this window and `stay` days before it together, against the fleet over as long? */
static bool broad_lately(const struct eval *e, double cut)
{
  int32_t stay = option_days(e->u, OPT_BREADTH_STAY);
  return stay > 0 && breadth_on(e, e->day, e->u->cfg.set[SIG_FEATURE_BREADTH].window + stay) >= cut;
}

static void check_breadth(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_FEATURE_BREADTH];
  double rise = option_number(e->u, OPT_BREADTH_RISE), now, before;
  bool stays;
  struct bw_rule rule = s->rule;
  enum bw_step step;
  now = breadth_on(e, e->day, s->window);
  if (rise <= 0) {
    /* breadth that comes and goes is one episode */
    stays = is_open(e, SIG_FEATURE_BREADTH, 0) && broad_lately(e, e->u->fleet.broad_cut);
    if (stays)
      step = judge_staying(e, SIG_FEATURE_BREADTH, now, e->u->fleet.breadth_cut, &rule);
    else
      step = against_fleet(e, SIG_FEATURE_BREADTH, now >= least_volume(e, SIG_FEATURE_BREADTH, 0), now, e->u->fleet.breadth_cut,
                           &rule);
    if (step)
      speak_quantile(e, SIG_FEATURE_BREADTH, step, "features", now, &rule, NULL);
    return;
  }
  before = 0;
  if (now >= rise || is_open(e, SIG_FEATURE_BREADTH, 0))
    before = features_before(e, s->window, is_open(e, SIG_FEATURE_BREADTH, 0) ? INFINITY : now - rise);
  rule.threshold = rise;
  rule.clear = rise > 1 ? rise - 1 : rise;
  step = judge_by(e, SIG_FEATURE_BREADTH, 0, before >= 1 ? BW_KNOWN : BW_ABSENT, now - before, &rule);
  if (!step)
    return;
  ev_begin(e);
  ev_num(e, "features", now);
  ev_num(e, "features_before", before);
  ev_window(e, "window", e->day - s->window + 1, e->day);
  speak(e, SIG_FEATURE_BREADTH, 0, step, now - before, rise, bw_strength(&rule, now - before, 1));
}

static double runs(const struct eval *e, int32_t window, int32_t ago)
{
  const struct counter *c = counter_find(e->act, C_AUTOMATION, 0);
  return c ? sum_back(e, &c->s, window, ago) : 0;
}

static void check_automation(struct eval *e, double users)
{
  const struct setting *s = &e->u->cfg.set[SIG_AUTOMATION_DEPTH];
  const struct counter *c = counter_find(e->act, C_AUTOMATION, 0);
  struct bw_rule rule;
  enum bw_step step;
  double n;
  if (!c)
    return;
  n = sum_back(e, &c->s, s->window, 0);
  step = against_fleet(e, SIG_AUTOMATION_DEPTH, n >= least_volume(e, SIG_AUTOMATION_DEPTH, 0) && users > 0,
                       users > 0 ? n / users : 0, e->u->fleet.automation_cut, &rule);
  if (step)
    speak_quantile(e, SIG_AUTOMATION_DEPTH, step, "runs_per_user", users > 0 ? n / users : 0, &rule, &c->s);
}

/* Highest of the windows that ended within `stay` days. */
static double best_limit_ratio(const struct eval *e, int32_t stay)
{
  double best = 0, limit;
  uint32_t i;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    if (c->kind != C_METER)
      continue;
    limit = facts_limit(e->u, e->a->facts, e->u->cfg.meters[c->key].limit_id);
    if (limit > 0) {
      const struct meter *m = &e->u->cfg.meters[c->key];
      double used = stay ? meter_highest(e, m, c, stay) : meter_used(e, m, c, 0);
      best = used / limit > best ? used / limit : best;
    }
  }
  return best;
}

static bool in_top(double value, double cut)
{
  return cut >= 0 && value >= cut;
}

struct ready {
  bool breadth, seat, limit, automation;
  double n, users;
};

/* In which top quartiles it is; with `stay`, by the best window that ended within so many days. */
static struct ready readiness(const struct eval *e, int32_t window, int32_t stay)
{
  const struct fleet *f = &e->u->fleet;
  double seats = facts_seats(e->a->facts), used = seats_used(e), users, each = 0, best = best_limit_ratio(e, stay);
  bool same = stay > 0; /* what the fleet is too quiet to say stays as it was */
  struct ready r = {0};
  int32_t ago;
  for (ago = 0; ago <= stay; ago += window) {
    users = mau_on(e->u, e->act, e->day - ago, e->u->cfg.mau_window);
    r.users = users > r.users ? users : r.users;
    if (users > 0 && runs(e, window, ago) / users > each)
      each = runs(e, window, ago) / users;
  }
  if (e->a->facts)
    used = seats_lately(e, used, stay);
  r.breadth = in_top(breadth_on(e, e->day, window), f->breadth_cut[0]) || (stay && broad_lately(e, f->broad_cut));
  r.seat = seats > 0 && (f->seat_cut < 0 ? same && used > 0 : used / seats >= f->seat_cut);
  r.limit = best > 0 && (f->limit_cut < 0 ? same : best >= f->limit_cut);
  r.automation = each > 0 && (f->automation_cut[0] < 0 ? same : each >= f->automation_cut[0]);
  r.n = r.breadth + r.seat + r.limit + r.automation;
  return r;
}

static void check_ready(struct eval *e, double users)
{
  const struct setting *s = &e->u->cfg.set[SIG_EXPANSION_READY];
  struct ready r;
  enum bw_step step;
  if (!s->on || (!e->act->nepisodes && users < 1))
    return;
  r = readiness(e, s->window, 0);
  if (r.n < s->rule.clear && is_open(e, SIG_EXPANSION_READY, 0))
    r = readiness(e, s->window, option_days(e->u, OPT_READY_STAY));
  step = judge(e, SIG_EXPANSION_READY, 0, r.users > 0 ? BW_KNOWN : BW_ABSENT, r.n);
  if (!step)
    return;
  ev_begin(e);
  ev_num(e, "in_top_quartile", r.n);
  ev_num(e, "feature_breadth", r.breadth);
  ev_num(e, "seat_utilization", r.seat);
  ev_num(e, "limits", r.limit);
  ev_num(e, "automation", r.automation);
  ev_window(e, "window", e->day - s->window + 1, e->day);
  ev_weeks(e, &e->act->events, 12);
  speak(e, SIG_EXPANSION_READY, 0, step, r.n, s->rule.threshold, r.n / 4);
}

void check_adoption(struct eval *e)
{
  double users = mau_on(e->u, e->act, e->day, e->u->cfg.mau_window);
  if (users < 1 && !e->act->nepisodes)
    return;
  check_stickiness(e, SIG_ADOPTION_HIGH);
  check_stickiness(e, SIG_ADOPTION_LOW);
  if (e->u->cfg.set[SIG_HEAVY_LOGINS].on)
    check_logins_heavy(e, users);
  if (e->u->cfg.set[SIG_FEATURE_BREADTH].on)
    check_breadth(e);
  if (e->u->cfg.set[SIG_AUTOMATION_DEPTH].on)
    check_automation(e, users);
  check_ready(e, users);
}
