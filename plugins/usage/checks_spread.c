/* SPDX-License-Identifier: Apache-2.0 */
/* Products owned and not owned, and exports.  Daily.  Runs in a watcher host; no privileges needed. */
#include <math.h>

#include "usage.h"

static const struct feature *feature_find(const struct activity *act, uint16_t id)
{
  uint32_t i;
  for (i = 0; i < act->nfeatures; i++)
    if (act->feature_ids[i] == id)
      return &act->features[i];
  return NULL;
}

/* Days of the window on which any feature that borders the product was used. */
static uint32_t adjacent_days(const struct eval *e, uint16_t product, int32_t window)
{
  const struct config *c = &e->u->cfg;
  uint64_t x[BW_TREND_MAX];
  bool hit[BW_TREND_MAX] = {false};
  uint32_t i, n = 0;
  int32_t k;
  window = window > BW_TREND_MAX ? BW_TREND_MAX : window;
  for (i = 0; i < c->nadjacent; i++) {
    const struct feature *f = c->adjacent[i].product == product ? feature_find(e->act, c->adjacent[i].feature) : NULL;
    if (!f)
      continue;
    bw_series_copy(e->u->pool, &f->s, e->day - window + 1, (uint32_t)window, x);
    for (k = 0; k < window; k++)
      hit[k] = hit[k] || x[k] || e->day - window + 1 + k == f->last;
  }
  for (k = 0; k < window; k++)
    n += hit[k];
  return n;
}

static void check_adjacent(struct eval *e)
{
  const struct config *c = &e->u->cfg;
  const struct setting *s = &c->set[SIG_FEATURE_ADJACENCY];
  uint32_t i, k, days;
  enum bw_step step;
  for (i = 0; i < c->nadjacent; i++) {
    uint16_t product = c->adjacent[i].product;
    for (k = 0; k < i && c->adjacent[k].product != product; k++)
      ;
    if (k < i)
      continue; /* looked at already */
    days = adjacent_days(e, product, s->window);
    step = judge(e, SIG_FEATURE_ADJACENCY, product, facts_owns(e->a->facts, product) ? BW_ABSENT : BW_KNOWN, days);
    if (!step)
      continue;
    ev_begin(e);
    ev_str(e, "product", bw_intern_str(&e->u->names, product));
    ev_num(e, "days_with_bordering_use", days);
    ev_window(e, "window", e->day - s->window + 1, e->day);
    bw_json_key(&e->u->evidence, "features");
    bw_json_open(&e->u->evidence, '[');
    for (k = 0; k < c->nadjacent; k++)
      if (c->adjacent[k].product == product && feature_find(e->act, c->adjacent[k].feature))
        bw_json_str(&e->u->evidence, bw_intern_str(&e->u->names, c->adjacent[k].feature));
    bw_json_close(&e->u->evidence, ']');
    speak(e, SIG_FEATURE_ADJACENCY, product, step, days, s->rule.threshold, 0.25 + 0.75 * bw_strength(&s->rule, days, 1));
  }
}

/* Last use of a product's features here (0: never), and whether anybody anywhere is known to use them at all: a product whose
   features no event ever names is not unused, it is unseen. */
static int32_t product_last_use(const struct eval *e, uint16_t product, bool *ret_seen)
{
  const struct config *c = &e->u->cfg;
  const struct feature *f;
  int32_t last = 0;
  bool mapped = false;
  uint32_t i;
  *ret_seen = false;
  for (i = 0; i < c->nproducts; i++)
    if (c->products[i].product == product) {
      mapped = *ret_seen = true;
      f = feature_find(e->act, c->products[i].feature);
      last = f && f->last > last ? f->last : last;
    }
  if (mapped)
    return last;
  f = feature_find(e->act, product);
  *ret_seen = (e->u->used_features[product >> 3] >> (product & 7) & 1) != 0;
  return f ? f->last : 0;
}

static void check_owned(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_NOT_ADOPTED];
  const struct facts *f = e->a->facts;
  enum bw_known known;
  enum bw_step step;
  int32_t last, since, days;
  bool seen;
  uint16_t i;
  for (i = 0; f && i < f->nowned; i++) {
    uint16_t product = f->owned[i].product;
    last = product_last_use(e, product, &seen);
    since = f->start > f->owned[i].since || f->start == 0 ? f->owned[i].since : f->start;
    days = e->day - (last > since ? last : since);
    if (e->act->last + 14 < e->day && !is_open(e, SIG_NOT_ADOPTED, product))
      continue; /* an account that is not active at all has another problem */
    known = !seen ? BW_ABSENT : fleet_holds(e->u) ? BW_HELD : BW_KNOWN;
    step = judge(e, SIG_NOT_ADOPTED, product, known, days);
    if (!step)
      continue;
    ev_begin(e);
    ev_str(e, "product", bw_intern_str(&e->u->names, product));
    ev_num(e, "days_unused", days);
    ev_day(e, "owned_since", since);
    if (last)
      ev_day(e, "last_used", last);
    speak(e, SIG_NOT_ADOPTED, product, step, days, s->rule.threshold, 0.25 + 0.75 * bw_strength(&s->rule, days, 1));
  }
}

/* Exports of the window against the mean of the twelve windows before it. */
static void check_exports(struct eval *e)
{
  const struct setting *s = &e->u->cfg.set[SIG_DATA_EXPORT];
  const struct counter *c = counter_find(e->act, C_EXPORT, 0);
  double x[12], now, base = 0, ratio, p, phi, chance = option_number(e->u, OPT_EXPORT_CHANCE);
  int32_t history = e->day - e->act->first, n = history / s->window - 1, i;
  enum bw_known known;
  enum bw_step step;
  if (!c)
    return;
  n = n > 12 ? 12 : n;
  now = sum_back(e, &c->s, s->window, 0);
  if (n < 4 || (now == 0 && !is_open(e, SIG_DATA_EXPORT, 0)))
    n = n < 4 ? 0 : n;
  bw_series_spans(e->u->pool, &c->s, e->day - s->window, s->window, (uint32_t)(n > 0 ? n : 1), x);
  for (i = 0; i < n; i++)
    base += x[i] / n;
  phi = bw_dispersion(x, (uint32_t)(n > 0 ? n : 1), 3, 1);
  ratio = now / (base > 1 ? base : 1); /* below one a window, one is the baseline */
  p = 1 - bw_poisson_cdf((now - 1) / phi, (base > 0.2 ? base : 0.2) / phi);
  known = n >= 4 && now >= s->min && (p <= chance || is_open(e, SIG_DATA_EXPORT, 0)) ? BW_KNOWN : BW_ABSENT;
  step = judge(e, SIG_DATA_EXPORT, 0, known, ratio);
  if (!step)
    return;
  ev_begin(e);
  ev_num(e, "exports", now);
  ev_num(e, "baseline", base);
  ev_num(e, "p", p);
  ev_num(e, "dispersion", phi);
  ev_window(e, "window", e->day - s->window + 1, e->day);
  ev_window(e, "baseline_window", e->day - s->window * (n + 1) + 1, e->day - s->window);
  ev_weeks(e, &c->s, 12);
  speak(e, SIG_DATA_EXPORT, 0, step, ratio, s->rule.threshold, bw_strength(&s->rule, ratio, 1));
}

void check_spread(struct eval *e)
{
  if (e->u->cfg.set[SIG_FEATURE_ADJACENCY].on)
    check_adjacent(e);
  if (e->u->cfg.set[SIG_NOT_ADOPTED].on)
    check_owned(e);
  if (e->u->cfg.set[SIG_DATA_EXPORT].on)
    check_exports(e);
}
