/* SPDX-License-Identifier: Apache-2.0 */
/* The second step of counting: pieces into the counters of their account.  Runs in a watcher host; no privileges needed. */
#include <stdlib.h>

#include "usage.h"

#define MAX_COUNTERS 256 /* per account */
#define MAX_DEPTS 500
#define MAX_PROGRESS 64
#define MAX_SHARERS 256
#define SHORT_KEEP 4 /* blocks of a series that is only asked for its last 96 days */

/* One account's run of pieces.  Quantities of one meter and day are summed up before they are added. */
struct run {
  struct usage *u;
  struct activity *act;
  struct counter *meter; /* NULL: nothing summed up */
  int32_t meter_day;
  uint64_t sum;
};

const struct counter *counter_find(const struct activity *act, uint16_t kind, uint16_t key)
{
  uint32_t i;
  for (i = 0; i < act->ncounters; i++)
    if (act->counters[i].kind == kind && act->counters[i].key == key)
      return &act->counters[i];
  return NULL;
}

static void settle_meter(struct run *r)
{
  if (r->meter)
    bw_series_add(r->u->pool, &r->meter->s, r->meter_day, (int64_t)r->sum);
  r->meter = NULL;
  r->sum = 0;
}

/* May move the counters. */
static struct counter *counter_get(struct run *r, uint16_t kind, uint16_t key)
{
  struct activity *act = r->act;
  uint32_t i;
  for (i = 0; i < act->ncounters; i++)
    if (act->counters[i].kind == kind && act->counters[i].key == key)
      return &act->counters[i];
  if (act->ncounters >= MAX_COUNTERS)
    return NULL;
  settle_meter(r);
  act->counters = grown(act->counters, act->ncounters, sizeof *act->counters);
  act->counters[act->ncounters] = (struct counter){.kind = kind, .key = key};
  return &act->counters[act->ncounters++];
}

static void count(struct run *r, uint16_t kind, uint16_t key, int32_t day)
{
  struct counter *c = counter_get(r, kind, key);
  if (c)
    bw_series_add(r->u->pool, &c->s, day, 1);
  r->act->dirty |= DIRTY_COUNTERS;
}

/* Today's counters into the series. */
void activity_flush(struct usage *u, struct activity *act)
{
  bw_series_add(u->pool, &act->events, act->day, act->today_events);
  bw_series_add(u->pool, &act->logins, act->day, act->today_logins);
  bw_series_add(u->pool, &act->dau, act->day, act->today_dau);
  act->today_events = act->today_logins = act->today_dau = 0;
}

/* The account's newest day moves on: MAU of the days passed is written down before later activity changes the ring. */
static void roll(struct usage *u, struct activity *act, int32_t day)
{
  int32_t d, window = u->cfg.mau_window;
  if (act->day == 0) {
    act->day = day;
    return;
  }
  activity_flush(u, act);
  for (d = act->day; d < day && d < act->day + RING; d++) {
    bw_series_set(u->pool, &act->mau_days, d, act->mau);
    act->mau -= act->ring[(uint32_t)(d + 1 - window) % RING];
    act->ring[(uint32_t)(d + 1) % RING] = 0;
  }
  if (day - act->day >= RING) {
    memset(act->ring, 0, sizeof act->ring);
    act->mau = 0;
  }
  act->day = day;
}

/* A user's newest day moves, from 0 where it is his first. */
static void ring_move(struct usage *u, struct activity *act, int32_t from, int32_t to)
{
  int32_t newest = act->day, window = u->cfg.mau_window;
  if (from > 0 && from > newest - RING && act->ring[(uint32_t)from % RING] > 0) {
    act->ring[(uint32_t)from % RING]--;
    if (from > newest - window)
      act->mau--;
  }
  if (to > newest - RING) {
    act->ring[(uint32_t)to % RING]++;
    if (to > newest - window) {
      act->mau++;
      act->dirty |= DIRTY_USERS;
    }
  }
}

static void apply_sign_in(struct run *r, const struct op *op)
{
  if (op->day == r->act->day)
    r->act->today_logins++;
  else
    bw_series_add(r->u->pool, &r->act->logins, op->day, 1);
}

static struct feature *feature_get(struct usage *u, struct activity *act, uint16_t id, uint16_t day)
{
  uint32_t i;
  for (i = 0; i < act->nfeatures; i++)
    if (act->feature_ids[i] == id)
      return &act->features[i];
  if (i >= u->cfg.max_features)
    return NULL;
  act->feature_ids = grown(act->feature_ids, i, sizeof *act->feature_ids);
  act->features = grown(act->features, i, sizeof *act->features);
  act->feature_ids[i] = id;
  act->features[i] = (struct feature){.id = id, .first = day, .last = day, .s = {.keep = SHORT_KEEP}};
  act->nfeatures++;
  u->used_features[id >> 3] = (uint8_t)(u->used_features[id >> 3] | 1u << (id & 7));
  return &act->features[i];
}

static void apply_feature(struct run *r, const struct op *op)
{
  struct feature *f = feature_get(r->u, r->act, op->id, op->day);
  if (!f)
    return;
  if (op->day == f->last) {
    f->today++;
  } else if (op->day > f->last) {
    bw_series_add(r->u->pool, &f->s, f->last, f->today);
    f->last = op->day;
    f->today = 1;
  } else {
    bw_series_add(r->u->pool, &f->s, op->day, 1);
    if (op->day < f->first)
      f->first = op->day;
  }
}

static void apply_count(struct run *r, const struct op *op)
{
  count(r, op->arg, op->id, op->day);
}

static void add_meter(struct run *r, uint8_t meter, int32_t day, uint64_t quantity)
{
  struct counter *c = counter_get(r, C_METER, meter);
  if (!c)
    return;
  r->act->dirty |= DIRTY_METER;
  if (r->u->cfg.meters[meter].window == METER_GAUGE) {
    bw_series_set(r->u->pool, &c->s, day, quantity);
    return;
  }
  if (r->meter != c || r->meter_day != day || r->sum > BW_SERIES_VALUE_MAX) {
    settle_meter(r);
    r->meter = c;
    r->meter_day = day;
  }
  r->sum += quantity;
}

static void apply_meter(struct run *r, const struct op *op)
{
  add_meter(r, op->arg, op->day, op->quantity);
}

static void count_event(struct run *r, const struct op *op)
{
  struct activity *act = r->act;
  uint32_t event = (op->arg & EVENT_TRACK) != 0, user_day = (op->arg & EVENT_USER_DAY) != 0;
  if (op->day == act->day) {
    act->today_events += event;
    act->today_dau += user_day;
    return;
  }
  bw_series_add(r->u->pool, &act->events, op->day, event);
  bw_series_add(r->u->pool, &act->dau, op->day, user_day);
}

static void apply_event(struct run *r, const struct op *op)
{
  struct activity *act = r->act;
  if (op->day > act->day)
    roll(r->u, act, op->day);
  if (act->first == 0 || op->day < act->first)
    act->first = op->day;
  if (op->arg & EVENT_ACTIVE && op->day > act->last)
    act->last = op->day;
  if (op->arg & EVENT_NEWEST_DAY)
    ring_move(r->u, act, op->before, op->day);
  count_event(r, op);
  if (op->arg & EVENT_SIGN_IN)
    apply_sign_in(r, op);
  if (op->id)
    apply_feature(r, op);
  if (op->arg >= EVENT_METER)
    add_meter(r, (uint8_t)(op->arg / EVENT_METER - 1), op->day, op->capped);
}

static void apply_rate(struct run *r, const struct op *op)
{
  struct counter *c = counter_get(r, C_METER_PEAK, op->arg);
  int64_t slot = (op->day * BW_DAY + op->ms) / r->u->cfg.meters[op->arg].rate_window;
  if (!c || slot < c->now_slot)
    return;
  if (slot > c->now_slot) {
    c->now_slot = slot;
    c->now = 0;
  }
  c->now = (uint64_t)c->now + op->capped > UINT32_MAX ? UINT32_MAX : c->now + op->capped;
  if (c->now > bw_series_get(r->u->pool, &c->s, op->day))
    bw_series_set(r->u->pool, &c->s, op->day, c->now);
}

static void dept_user(struct activity *act, struct dept *d, uint32_t user)
{
  uint32_t i;
  for (i = 0; i < d->nusers; i++)
    if (d->users[i] == user)
      return;
  if (d->nusers >= DEPT_USERS)
    return;
  d->users = grown(d->users, d->nusers, sizeof *d->users);
  d->users[d->nusers++] = user;
  act->dirty |= DIRTY_COUNTERS;
}

static struct dept *dept_get(struct activity *act, uint16_t id, uint16_t day)
{
  uint32_t i;
  for (i = 0; i < act->ndepts; i++)
    if (act->depts[i].id == id)
      return &act->depts[i];
  if (i >= MAX_DEPTS)
    return NULL;
  act->depts = grown(act->depts, i, sizeof *act->depts);
  act->depts[i] = (struct dept){.id = id, .first = day, .last = day, .fresh = day};
  act->ndepts++;
  act->dirty |= DIRTY_COUNTERS;
  return &act->depts[i];
}

static void apply_dept(struct run *r, const struct op *op)
{
  struct dept *d = dept_get(r->act, op->id, op->day);
  if (!d)
    return;
  if (op->day > d->last + option_days(r->u, OPT_UNSEEN)) {
    d->fresh = op->day;
    d->nusers = 0;
  }
  if (op->day < d->first) {
    if (d->fresh == d->first)
      d->fresh = op->day;
    d->first = op->day;
  }
  if (op->day > d->last)
    d->last = op->day;
  if (op->user != BW_NONE && op->day >= d->fresh && op->day <= d->fresh + 60)
    dept_user(r->act, d, op->user);
}

static struct progress *progress_find(struct activity *act, uint32_t user, uint8_t pattern)
{
  uint32_t i;
  for (i = 0; i < act->nprogress; i++)
    if (act->progress[i].user == user && act->progress[i].pattern == pattern)
      return &act->progress[i];
  return NULL;
}

static struct progress *progress_add(struct activity *act)
{
  if (act->nprogress >= MAX_PROGRESS) { /* the oldest gives way */
    memmove(act->progress, act->progress + 1, (act->nprogress - 1u) * sizeof *act->progress);
    act->nprogress--;
  }
  if ((act->nprogress & (act->nprogress - 1)) == 0)
    act->progress = bw_realloc(act->progress, MAX_PROGRESS, sizeof *act->progress);
  return &act->progress[act->nprogress++];
}

static void apply_step(struct run *r, const struct op *op)
{
  uint8_t pattern = op->arg % MAX_PATTERNS, step = op->arg / MAX_PATTERNS;
  const struct pattern *p = &r->u->cfg.patterns[pattern];
  struct progress *g = progress_find(r->act, op->user, pattern);
  int64_t at = op->day * BW_DAY + op->ms;
  if (g && at - g->started > p->within)
    g->step = 0;
  if (g && g->step == step && step > 0) {
    if (++g->step == p->nsteps) {
      g->step = 0;
      count(r, C_PATTERN, pattern, op->day);
    }
    return;
  }
  if (step != 0)
    return;
  if (!g)
    g = progress_add(r->act);
  *g = (struct progress){.user = op->user, .pattern = pattern, .step = 1, .started = at};
}

static void apply_sharer(struct run *r, const struct op *op)
{
  struct activity *act = r->act;
  uint32_t i;
  act->dirty |= DIRTY_COUNTERS;
  for (i = 0; i < act->nsharers; i++)
    if (act->sharers[i] == op->user)
      return;
  if (act->nsharers >= MAX_SHARERS)
    return;
  act->sharers = grown(act->sharers, act->nsharers, sizeof *act->sharers);
  act->sharers[act->nsharers++] = op->user;
}

static void apply_move(struct run *r, const struct op *op)
{
  uint16_t kind = op->code == OP_MOVED_OUT ? C_MOVED_OUT : C_MOVED_IN;
  struct counter *c = counter_get(r, kind, 0);
  if (c)
    bw_series_add(r->u->pool, &c->s, op->day, op->arg ? -1 : 1);
  if (op->code == OP_MOVED_OUT && op->arg)
    merger_take_back(r->act, op->other);
  else if (op->code == OP_MOVED_OUT)
    merger_note(r->act, op->other, op->day);
}

void apply(struct usage *u, const struct op *ops, uint32_t n)
{
  static void (*const how[OP_CODES])(struct run *, const struct op *) = {
      [OP_EVENT] = apply_event,   [OP_SIGN_IN] = apply_sign_in, [OP_FEATURE] = apply_feature, [OP_COUNT] = apply_count,
      [OP_METER] = apply_meter,   [OP_RATE] = apply_rate,       [OP_DEPT] = apply_dept,       [OP_STEP] = apply_step,
      [OP_SHARER] = apply_sharer, [OP_MOVED_OUT] = apply_move,  [OP_MOVED_IN] = apply_move};
  struct run r = {.u = u, .act = ((struct account *)bw_keyed_at(&u->accounts, ops->account))->act};
  uint32_t i;
  for (i = 0; i < n; i++)
    how[ops[i].code](&r, &ops[i]);
  settle_meter(&r);
}

void ahead_activity(const struct activity *act)
{
  const char *p = (const char *)act, *end = p + sizeof *act;
  for (; p < end; p += 64)
    __builtin_prefetch(p, 1);
}

void ahead_tables(const struct activity *act)
{
  uint32_t i;
  if (act->nfeatures)
    __builtin_prefetch(act->feature_ids);
  for (i = 0; i < act->nfeatures && i < 24; i += 2) /* two to a line */
    __builtin_prefetch(&act->features[i], 1);
  if (act->ndepts)
    __builtin_prefetch(act->depts, 1);
  if (act->ncounters)
    __builtin_prefetch(act->counters, 1);
  bw_series_prefetch_table(&act->events);
  bw_series_prefetch_table(&act->logins);
  bw_series_prefetch_table(&act->dau);
  bw_series_prefetch_table(&act->mau_days);
}

void ahead_blocks(const struct usage *u, const struct activity *act)
{
  if (act->ncounters)
    bw_series_prefetch_table(&act->counters->s);
  bw_series_prefetch_block(u->pool, &act->events);
  bw_series_prefetch_block(u->pool, &act->logins);
  bw_series_prefetch_block(u->pool, &act->dau);
  bw_series_prefetch_block(u->pool, &act->mau_days);
}
