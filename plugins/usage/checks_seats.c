/* SPDX-License-Identifier: Apache-2.0 */
/* Seats: limit, utilization, added, idle.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

static void speak_seats(struct eval *e, enum signal_id sig, enum bw_step step, double used, double seats, double ratio)
{
  const struct bw_rule *rule = &e->u->cfg.set[sig].rule;
  int32_t w = e->u->cfg.mau_window;
  ev_begin(e);
  ev_num(e, "seats_used", used);
  ev_num(e, "seats_bought", seats);
  ev_window(e, "window", e->day - w + 1, e->day);
  if (e->a->facts->provisioned >= 0)
    ev_str(e, "used_means", BW_STR("provisioned users"));
  else
    ev_str(e, "used_means", BW_STR("distinct active users"));
  ev_num(e, "used_28d_before", mau_on(e->u, e->act, e->day - 28, w));
  ev_weeks(e, &e->act->dau, 12);
  speak(e, sig, 0, step, ratio, rule->threshold, bw_strength(rule, ratio, 0.25));
}

/* The most of any window that ended within the last `days` days: seats that were in use so lately are not free, and a number of
   users that swings is one episode. */
double seats_lately(const struct eval *e, double used, int32_t days)
{
  int32_t from = e->day - days, newest = e->act->day;
  double most;
  if (e->a->facts->provisioned >= 0 || days <= 0)
    return used;
  most = (double)bw_series_max(e->u->pool, &e->act->mau_days, from, e->day - 1);
  if (newest >= from && newest < e->day && e->act->mau > most) /* it is written down when there is activity again */
    most = e->act->mau;
  return most > used ? most : used;
}

/* ratio: of now, at least what the seats used say.  The highest of late keeps an episode open; what is told is so today. */
static void check_level(struct eval *e, enum signal_id sig, enum option_id stay, double used, double seats, double ratio)
{
  const struct bw_rule *rule = &e->u->cfg.set[sig].rule;
  bool known = seats > 0 && seats >= least_volume(e, sig, 0);
  double most = ratio;
  enum bw_step step;
  if (!e->u->cfg.set[sig].on)
    return;
  if (known && ratio < rule->clear && is_open(e, sig, 0))
    most = seats_lately(e, used, option_days(e->u, stay)) / seats;
  step = judge_told(e, sig, 0, known ? BW_KNOWN : BW_ABSENT, known ? most : 0, known ? ratio : 0);
  if (step)
    speak_seats(e, sig, step, used, seats > 0 ? seats : 1, known ? ratio : used);
}

/* At the limit by use, or by an invitation that was refused: the greater claim speaks. */
static void check_limit(struct eval *e, double used, double seats)
{
  const struct counter *c = e->u->cfg.set[SIG_SEAT_LIMIT].on ? counter_find(e->act, C_INVITE_REFUSED, 0) : NULL;
  double refused = c ? sum_back(e, &c->s, e->u->cfg.set[SIG_INVITE_BLOCKED].window, 0) : 0;
  double ratio = seats > 0 ? used / seats : 0, full = e->u->cfg.set[SIG_SEAT_LIMIT].rule.threshold;
  check_level(e, SIG_SEAT_LIMIT, OPT_SEATS_STAY, used, seats, refused > 0 && ratio < full ? full : ratio);
}

/* Seats that are no longer told of end what is open about them. */
static bool wants_seats(const struct eval *e, double seats)
{
  return e->a->facts && (seats >= 0 || e->act->nepisodes);
}

void check_seats(struct eval *e)
{
  double seats = facts_seats(e->a->facts), used;
  if (!wants_seats(e, seats))
    return;
  used = seats_used(e);
  check_limit(e, used, seats);
  check_level(e, SIG_SEAT_UTILIZATION, OPT_UTILIZATION_STAY, used, seats, seats > 0 ? used / seats : 0);
}

static double seats_on(const struct facts *f, int32_t day)
{
  double seats = -1;
  uint32_t i;
  for (i = 0; i < f->nseat_changes && f->seat_changes[i].day <= day; i++)
    seats = f->seat_changes[i].seats;
  return seats;
}

static void check_added(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_SEATS_ADDED];
  double before = seats_on(e->a->facts, e->day - s->window), now = e->a->facts->seats;
  bool known = before > 0 && now - before >= s->min;
  double rise = known ? (now - before) / before : 0;
  enum bw_step step = judge(e, SIG_SEATS_ADDED, 0, known ? BW_KNOWN : BW_ABSENT, rise);
  if (!step)
    return;
  ev_begin(e);
  ev_num(e, "seats_bought", now);
  ev_num(e, "seats_before", before);
  ev_window(e, "window", e->day - s->window + 1, e->day);
  ev_num(e, "active_users", mau_on(e->u, e->act, e->day, e->u->cfg.mau_window));
  ev_weeks(e, &e->act->dau, 12);
  speak(e, SIG_SEATS_ADDED, 0, step, rise, s->rule.threshold, bw_strength(&s->rule, rise, 1));
}

/* Since when there are as many seats as now.  The first that were told of are as old as the contract, whenever that was. */
static int32_t seats_since(const struct facts *f)
{
  bool changed = f->nseat_changes > 1;
  return f->nseat_changes && (changed || f->start <= 0) ? f->seat_changes[f->nseat_changes - 1].day : f->start;
}

/* Idle says something only where activity is seen at all, and the seats have been there for a whole window. */
static void check_idle(struct eval *e, double seats)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_IDLE_SEATS];
  const struct facts *f = e->a->facts;
  int32_t w = s->window > RING - 1 ? RING - 1 : s->window;
  double active = mau_on(u, e->act, e->day, w), before = w == u->cfg.mau_window ? mau_on(u, e->act, e->day - w, w) : active;
  bool known = seats >= least_volume(e, SIG_IDLE_SEATS, 0) && seats > 0 && e->act->first &&
               e->act->first + 2 * s->window <= e->day && seats_since(f) + s->window <= e->day;
  enum bw_known k = known ? BW_KNOWN : BW_ABSENT;
  enum bw_step step;
  if (known && (fleet_low(u) || merger_holds_decline(u, e->a, e->day)))
    k = BW_HELD;
  if (is_open(e, SIG_IDLE_SEATS, 0) ? before < active : before > active)
    active = before; /* two windows must agree that it begins, and that it ends */
  step = judge(e, SIG_IDLE_SEATS, 0, k, known ? active / seats : 1);
  if (step)
    speak_seats(e, SIG_IDLE_SEATS, step, active, seats > 0 ? seats : 1, active / (seats > 0 ? seats : 1));
}

void check_seats_daily(struct eval *e)
{
  double seats = facts_seats(e->a->facts);
  if (!wants_seats(e, seats))
    return;
  if (e->u->cfg.set[SIG_SEATS_ADDED].on)
    check_added(e);
  if (e->u->cfg.set[SIG_IDLE_SEATS].on)
    check_idle(e, seats);
}
