/* SPDX-License-Identifier: Apache-2.0 */
/* Traits, told when they changed enough to matter.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

#define MAX_PUBLISHED 200 /* per account */

static struct published *published_get(struct activity *act, uint16_t trait, uint16_t key)
{
  uint32_t i;
  for (i = 0; i < act->npublished; i++)
    if (act->published[i].trait == trait && act->published[i].key == key)
      return &act->published[i];
  if (act->npublished >= MAX_PUBLISHED)
    return NULL;
  act->published = grown(act->published, act->npublished, sizeof *act->published);
  act->published[act->npublished] = (struct published){trait, key, -1e30f};
  return &act->published[act->npublished++];
}

static void emit(struct eval *e, struct bw_trait *t)
{
  struct usage *u = e->u;
  int32_t rc;
  t->size = sizeof *t;
  t->at_ms = e->at_ms;
  t->account = bw_key_str(&e->a->key);
  rc = u->host->emit_trait(u->host->ctx, t);
  if (rc < 0 && u->rc == 0)
    u->rc = rc;
}

static void put(struct eval *e, enum trait_id trait, uint16_t key, double value, double least)
{
  struct published *p;
  struct bw_trait t = {.trait = trait, .type = BW_VALUE_NUMBER, .key = bw_intern_str(&e->u->names, key)};
  double change;
  if (!e->u->cfg.trait_on[trait] || !(p = published_get(e->act, trait, key)))
    return;
  value = value == floor(value) ? value : round(value * 1000) / 1000;
  change = fabs(value - (double)p->value);
  if (change <= fabs(value) * 1e-6 ||
      (p->value > -1e29f && value != 0 && p->value != 0 && change < least * fabs((double)p->value)))
    return;
  p->value = (float)value;
  t.number = value;
  emit(e, &t);
}

/* day 0: withdrawn. */
static void put_day(struct eval *e, enum trait_id trait, uint16_t key, int32_t day, int32_t least)
{
  struct published *p;
  struct bw_trait t = {.trait = trait, .type = day ? BW_VALUE_STRING : BW_VALUE_NULL, .key = bw_intern_str(&e->u->names, key)};
  char text[11];
  if (!e->u->cfg.trait_on[trait])
    return;
  if (!day && !e->act->npublished)
    return;
  p = published_get(e->act, trait, key);
  if (!p || (!day && p->value < 1) || (day && fabs((double)p->value - day) < least))
    return;
  p->value = (float)day;
  if (day) {
    bw_day_format(day, text);
    t.text = bw_str(text);
  }
  emit(e, &t);
}

static double seats_needed(const struct eval *e, double used)
{
  double x[13];
  struct bw_trend t;
  uint32_t i, skip = 0;
  if (e->a->facts && e->a->facts->provisioned >= 0)
    return used;
  for (i = 0; i < 13; i++)
    x[i] = mau_on(e->u, e->act, e->day - 7 * (int32_t)(12 - i), e->u->cfg.mau_window);
  while (skip < 13 && x[skip] == 0)
    skip++;
  if (13 - skip < 8 || !bw_trend_rising(x + skip, 13 - skip, &t))
    return used;
  return fmax(used, ceil(bw_trend_at(&t, 90.0 / 7) - 1e-9));
}

static void put_seats(struct eval *e, double least)
{
  double used = seats_used(e);
  put(e, TRAIT_SEATS_USED, 0, used, least);
  if (facts_seats(e->a->facts) >= 0)
    put(e, TRAIT_SEATS_BOUGHT, 0, facts_seats(e->a->facts), 0);
}

static void put_meters(struct eval *e, bool with_date)
{
  double least = option_number(e->u, OPT_TRAIT_CHANGE), limit, used;
  struct bw_forecast days;
  struct bw_trend t;
  uint32_t i;
  for (i = 0; i < e->act->ncounters; i++) {
    const struct counter *c = &e->act->counters[i];
    const struct meter *m = c->kind == C_METER ? &e->u->cfg.meters[c->key] : NULL;
    if (!m)
      continue;
    used = meter_used(e, m, c, 0);
    put(e, TRAIT_USAGE, m->resource_id, used, fmax(least, 0.05));
    limit = facts_limit(e->u, e->a->facts, m->limit_id);
    if (limit <= 0)
      continue;
    put(e, TRAIT_LIMIT_RATIO, m->resource_id, used / limit, fmax(least, 0.05));
    if (!with_date || !e->u->cfg.trait_on[TRAIT_LIMIT_DATE])
      continue;
    if (used < limit && meter_trend(e, m, c, limit, &t, &days) && days.steps <= 730)
      put_day(e, TRAIT_LIMIT_DATE, m->resource_id, e->day + (int32_t)ceil(days.steps), 7);
    else
      put_day(e, TRAIT_LIMIT_DATE, m->resource_id, 0, 0);
  }
}

void traits_hourly(struct eval *e)
{
  double least = option_number(e->u, OPT_TRAIT_CHANGE);
  if (!e->u->cfg.any_trait)
    return;
  if (e->act->dirty & (DIRTY_USERS | DIRTY_FACTS))
    put_seats(e, least);
  if (e->act->dirty & (DIRTY_METER | DIRTY_FACTS))
    put_meters(e, false);
}

void traits_publish(struct eval *e)
{
  const struct usage *u = e->u;
  double least = option_number(u, OPT_TRAIT_CHANGE), coarse = fmax(least, 0.05), mau, depts = 0;
  const struct counter *c;
  uint32_t i;
  if (!u->cfg.any_trait || !e->act->first)
    return;
  mau = mau_on(u, e->act, e->day, u->cfg.mau_window);
  put_seats(e, least);
  if (u->cfg.trait_on[TRAIT_SEATS_NEEDED])
    put(e, TRAIT_SEATS_NEEDED, 0, seats_needed(e, seats_used(e)), least);
  put(e, TRAIT_DAU, 0, sum_back(e, &e->act->dau, 7, 0) / 7, fmax(least, 0.1));
  put(e, TRAIT_WAU, 0, mau_on(u, e->act, e->day, 7), coarse);
  put(e, TRAIT_MAU, 0, mau, least);
  put(e, TRAIT_DAU_MAU, 0, mau > 0 ? sum_back(e, &e->act->dau, 28, 0) / (28 * mau) : 0, coarse);
  put(e, TRAIT_FEATURE_BREADTH, 0, breadth_on(e, e->day, 28), 0);
  if ((c = counter_find(e->act, C_AUTOMATION, 0)))
    put(e, TRAIT_AUTOMATION_DEPTH, 0, mau > 0 ? sum_back(e, &c->s, 28, 0) / mau : 0, coarse);
  put_meters(e, true);
  put_day(e, TRAIT_FIRST_ACTIVE, 0, e->act->first, 1);
  if (e->act->last)
    put_day(e, TRAIT_LAST_ACTIVE, 0, e->act->last, 7);
  for (i = 0; i < e->act->ndepts; i++)
    depts += e->act->depts[i].last > e->day - 90;
  put(e, TRAIT_DEPARTMENTS, 0, depts, 0);
  put(e, TRAIT_EVENTS_28D, 0, sum_back(e, &e->act->events, 28, 0), coarse);
  put(e, TRAIT_EVENTS_PREV_28D, 0, sum_back(e, &e->act->events, 28, 28), coarse);
}
