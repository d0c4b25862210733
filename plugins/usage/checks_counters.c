/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of telling events in a window, and people: invitations, paywalls, sign-ups, shares, departments, shared logins. */
#include <math.h>

#include "usage.h"

static void speak_count(struct eval *e, enum signal_id sig, uint32_t key, enum bw_step step, double n, double threshold,
                        int32_t window, const char *what, const struct bw_series *s)
{
  struct bw_rule rule = e->u->cfg.set[sig].rule;
  rule.threshold = threshold;
  ev_begin(e);
  ev_num(e, what, n);
  ev_window(e, "window", e->day - window + 1, e->day);
  if (key)
    ev_str(e, "key", bw_intern_str(&e->u->names, key));
  if (s)
    ev_weeks(e, s, 12);
  speak(e, sig, key, step, n, threshold, 0.25 + 0.75 * bw_strength(&rule, n, 1));
}

/* n within the window, of one counter. */
static void check_count(struct eval *e, enum signal_id sig, const struct counter *c, uint32_t key, const char *what)
{
  const struct setting *s = &e->u->cfg.set[sig];
  double n = sum_back(e, &c->s, s->window, 0);
  enum bw_step step = judge(e, sig, key, BW_KNOWN, n);
  if (step)
    speak_count(e, sig, key, step, n, s->rule.threshold, s->window, what, &c->s);
}

static void check_pattern(struct eval *e, const struct counter *c)
{
  const struct pattern *p = &e->u->cfg.patterns[c->key];
  struct bw_rule rule = e->u->cfg.set[SIG_WORKAROUND].rule;
  double n = sum_back(e, &c->s, p->window, 0);
  bool owned = p->product_id && facts_owns(e->a->facts, p->product_id);
  enum bw_step step;
  rule.threshold = p->count;
  rule.clear = rule.clear < p->count ? rule.clear : p->count;
  step = judge_by(e, SIG_WORKAROUND, p->name_id, owned ? BW_ABSENT : BW_KNOWN, n, &rule);
  if (step)
    speak_count(e, SIG_WORKAROUND, p->name_id, step, n, p->count, p->window, "occurrences", &c->s);
}

/* Days with a limit error, a paywall, or a metered resource at its limit. */
static uint32_t limit_days(const struct eval *e, int32_t window)
{
  uint64_t hit[400] = {0}, x[400];
  uint32_t i, n = 0;
  int32_t k;
  window = window > 400 ? 400 : window;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    if (c->kind != C_LIMIT && c->kind != C_PAID)
      continue;
    bw_series_copy(e->u->pool, &c->s, e->day - window + 1, (uint32_t)window, x);
    for (k = 0; k < window; k++)
      hit[k] |= x[k];
  }
  for (k = 0; k < window; k++)
    n += hit[k] != 0;
  return n;
}

static void check_free(struct eval *e)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_FREE_CLUSTER];
  bool is_free = facts_free(u, e->a), low;
  double n;
  enum bw_step step;
  if (s->on && (is_free || is_open(e, SIG_FREE_CLUSTER, 0))) {
    n = mau_on(u, e->act, e->day, s->window < RING ? s->window : RING - 1);
    step = judge(e, SIG_FREE_CLUSTER, 0, is_free ? BW_KNOWN : BW_ABSENT, n);
    if (step)
      speak_count(e, SIG_FREE_CLUSTER, 0, step, n, s->rule.threshold, s->window, "active_users", &e->act->dau);
  }
  s = &u->cfg.set[SIG_FREE_LIMITS];
  low = is_free || (e->a->facts && e->a->facts->arr >= 0 && e->a->facts->arr <= option_number(u, OPT_LOW_SPEND));
  if (s->on && e->act->ncounters && (low || is_open(e, SIG_FREE_LIMITS, 0))) {
    n = limit_days(e, s->window);
    step = judge(e, SIG_FREE_LIMITS, 0, low ? BW_KNOWN : BW_ABSENT, n);
    if (step)
      speak_count(e, SIG_FREE_LIMITS, 0, step, n, s->rule.threshold, s->window, "days_with_limit_hits", NULL);
  }
}

/* Not active in the weeks before that day, as far as is known: 64 days up to the newest. */
static bool was_away(const struct user *x, int32_t day)
{
  int32_t since = x->last - day + 1;
  return since > 0 && since < 32 && x->bits >> since == 0;
}

/* Recent users of a department that is new to an account which is not. */
static void check_dept(struct eval *e, const struct dept *d)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_NEW_DEPARTMENT];
  int32_t history = option_days(u, OPT_DEPT_HISTORY), joined = option_days(u, OPT_DEPT_JOINED);
  bool fresh = d->fresh > e->day - s->window && d->fresh <= e->day && e->act->first < e->day - history;
  enum bw_known known = !fresh ? BW_ABSENT : merger_holds_growth(u, e->a, e->day) ? BW_HELD : BW_KNOWN;
  uint32_t i, n = 0;
  enum bw_step step;
  if (!fresh && !is_open(e, SIG_NEW_DEPARTMENT, d->id))
    return;
  for (i = 0; i < d->nusers; i++) {
    const struct user *x = bw_keyed_at(&u->users, d->users[i]);
    if (joined == 0 || x->first + joined >= d->fresh || was_away(x, d->fresh))
      n += x->last == 0 ? 0 : x->last > e->day - s->window;
  }
  step = judge(e, SIG_NEW_DEPARTMENT, d->id, known, n);
  if (!step)
    return;
  ev_begin(e);
  ev_str(e, "department", bw_intern_str(&u->names, d->id));
  ev_num(e, "users", n);
  ev_day(e, "since", d->fresh);
  ev_window(e, "window", e->day - s->window + 1, e->day);
  ev_num(e, "departments_known", e->act->ndepts - 1);
  speak(e, SIG_NEW_DEPARTMENT, d->id, step, n, s->rule.threshold, 0.25 + 0.75 * bw_strength(&s->rule, n, 1));
}

static void check_sharing(struct eval *e)
{
  struct usage *u = e->u;
  const struct setting *s = &u->cfg.set[SIG_LOGIN_SHARING];
  int32_t days = (int32_t)option_number(u, OPT_SHARING_DAYS);
  uint32_t i, k, n = 0;
  enum bw_step step;
  if (!e->act->nsharers)
    return;
  for (i = 0; i < e->act->nsharers; i++) {
    const struct sharing *x = sharing_of(u, e->act->sharers[i], false);
    int32_t in = 0;
    for (k = 0; x && k < x->ndays; k++)
      in += x->days[k] > e->day - s->window && x->days[k] <= e->day;
    n += in >= (days > 7 ? 7 : days);
  }
  step = judge(e, SIG_LOGIN_SHARING, 0, BW_KNOWN, n);
  if (step)
    speak_count(e, SIG_LOGIN_SHARING, 0, step, n, s->rule.threshold, s->window, "users_shared", &e->act->dau);
}

void check_counters(struct eval *e)
{
  uint32_t i;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    switch (c->kind) {
    case C_INVITE_REFUSED:
      check_count(e, SIG_INVITE_BLOCKED, c, 0, "refused_invitations");
      break;
    case C_PAID:
      check_count(e, SIG_PAID_FEATURE_ATTEMPT, c, c->key, "attempts");
      break;
    case C_SIGN_UP:
      check_count(e, SIG_ORGANIC_SIGNUPS, c, 0, "sign_ups");
      break;
    case C_SHARE:
      check_count(e, SIG_PRODUCT_SHARING, c, 0, "shares");
      break;
    case C_PATTERN:
      check_pattern(e, c);
      break;
    default:
      break;
    }
  }
  for (i = 0; i < e->act->ndepts; i++)
    check_dept(e, &e->act->depts[i]);
  check_free(e);
  check_sharing(e);
}
