/* SPDX-License-Identifier: Apache-2.0 */
/* What single events do beyond being activity.  Runs in a watcher host; no privileges needed. */
#include <math.h>
#include <stdlib.h>

#include "usage.h"

#define MAX_COUNTERS 256 /* per account */
#define MAX_DEPTS 500
#define MAX_PROGRESS 64
#define MAX_SHARERS 256
#define SHORT_KEEP 4 /* blocks of a series that is only asked for its last 96 days */

const struct counter *counter_find(const struct activity *act, uint16_t kind, uint16_t key)
{
  uint32_t i;
  for (i = 0; i < act->ncounters; i++)
    if (act->counters[i].kind == kind && act->counters[i].key == key)
      return &act->counters[i];
  return NULL;
}

struct counter *counter_get(struct activity *act, uint16_t kind, uint16_t key)
{
  uint32_t i;
  for (i = 0; i < act->ncounters; i++)
    if (act->counters[i].kind == kind && act->counters[i].key == key)
      return &act->counters[i];
  if (act->ncounters >= MAX_COUNTERS)
    return NULL;
  act->counters = grown(act->counters, act->ncounters, sizeof *act->counters);
  act->counters[act->ncounters] = (struct counter){.kind = kind, .key = key};
  return &act->counters[act->ncounters++];
}

static void count(struct usage *u, struct activity *act, uint16_t kind, uint16_t key, int32_t day, int64_t n)
{
  struct counter *c = counter_get(act, kind, key);
  if (c)
    bw_series_add(u->pool, &c->s, day, n);
  act->dirty |= DIRTY_COUNTERS;
}

void count_feature(struct usage *u, struct activity *act, uint16_t id, int32_t day)
{
  struct feature *f;
  uint32_t i;
  for (i = 0; i < act->nfeatures; i++)
    if (act->feature_ids[i] == id)
      break;
  if (i == act->nfeatures) {
    if (i >= u->cfg.max_features)
      return;
    act->feature_ids = grown(act->feature_ids, i, sizeof *act->feature_ids);
    act->features = grown(act->features, i, sizeof *act->features);
    act->feature_ids[i] = id;
    act->features[i] = (struct feature){.id = id, .first = (uint16_t)day, .last = (uint16_t)day, .s = {.keep = SHORT_KEEP}};
    act->nfeatures++;
    u->used_features[id >> 3] = (uint8_t)(u->used_features[id >> 3] | 1u << (id & 7));
  }
  f = &act->features[i];
  if (day == f->last) {
    f->today++;
  } else if (day > f->last) {
    bw_series_add(u->pool, &f->s, f->last, f->today);
    f->last = (uint16_t)day;
    f->today = 1;
  } else {
    bw_series_add(u->pool, &f->s, day, 1);
    if (day < f->first)
      f->first = (uint16_t)day;
  }
}

static void dept_user(struct usage *u, struct dept *d, uint32_t user)
{
  uint32_t i;
  (void)u;
  for (i = 0; i < d->nusers; i++)
    if (d->users[i] == user)
      return;
  if (d->nusers >= DEPT_USERS)
    return;
  d->users = grown(d->users, d->nusers, sizeof *d->users);
  d->users[d->nusers++] = user;
}

void see_department(struct usage *u, struct activity *act, uint16_t id, uint32_t user, int32_t day)
{
  int32_t unseen = option_days(u, OPT_UNSEEN);
  struct dept *d;
  uint32_t i;
  for (i = 0; i < act->ndepts && act->depts[i].id != id; i++)
    ;
  if (i == act->ndepts) {
    if (i >= MAX_DEPTS)
      return;
    act->depts = grown(act->depts, i, sizeof *act->depts);
    act->depts[i] = (struct dept){.id = id, .first = (uint16_t)day, .last = (uint16_t)day, .fresh = (uint16_t)day};
    act->ndepts++;
    act->dirty |= DIRTY_COUNTERS;
  }
  d = &act->depts[i];
  if (day > d->last + unseen) {
    d->fresh = (uint16_t)day;
    d->nusers = 0;
  }
  if (day < d->first) {
    if (d->fresh == d->first)
      d->fresh = (uint16_t)day;
    d->first = (uint16_t)day;
  }
  if (day > d->last)
    d->last = (uint16_t)day;
  if (user != BW_NONE && day >= d->fresh && day <= d->fresh + 60) {
    uint32_t before = d->nusers;
    dept_user(u, d, user);
    if (d->nusers != before)
      act->dirty |= DIRTY_COUNTERS;
  }
}

struct sharing *sharing_of(struct usage *u, uint32_t user, bool make)
{
  if (user >= u->sharing.count && !make)
    return NULL;
  while (user >= u->sharing.count)
    (void)bw_chunks_add(&u->sharing);
  return bw_chunks_at(&u->sharing, user);
}

/* Distinct devices (or addresses) of a user within one hour. */
void see_device(struct usage *u, const struct bw_record *r, struct activity *act, uint32_t user, int32_t day)
{
  const struct bw_field *f = field_of(r, u->cfg.device, u->cfg.ndevice);
  uint32_t hour = (uint32_t)(r->time_ms / BW_HOUR), h, i;
  struct sharing *s;
  if (!f || f->text.len == 0)
    return;
  h = bw_hash_fold(bw_hash_str(f->text, 0)); /* saved, so not under the host's seed */
  s = sharing_of(u, user, true);
  if (s->hour != hour) {
    if (hour < s->hour)
      return;
    s->hour = hour;
    s->nseen = 0;
  }
  for (i = 0; i < s->nseen; i++)
    if (s->seen[i] == h)
      return;
  if (s->nseen < 4)
    s->seen[s->nseen++] = h;
  if (s->nseen < u->cfg.set[SIG_LOGIN_SHARING].min || (s->ndays && s->days[0] >= day))
    return;
  memmove(s->days + 1, s->days, sizeof s->days - sizeof *s->days);
  s->days[0] = (uint16_t)day;
  if (s->ndays < 7)
    s->ndays++;
  act->dirty |= DIRTY_COUNTERS;
  for (i = 0; i < act->nsharers; i++)
    if (act->sharers[i] == user)
      return;
  if (act->nsharers >= MAX_SHARERS)
    return;
  act->sharers = grown(act->sharers, act->nsharers, sizeof *act->sharers);
  act->sharers[act->nsharers++] = user;
}

static bool holds(const struct bw_record *r, const struct rule_of_event *rule)
{
  uint32_t i;
  for (i = 0; i < rule->nwhere; i++) {
    const struct bw_field *f = field_of(r, &rule->where[i], 1);
    if (!f || !bw_str_eq(f->text, rule->equals[i]))
      return false;
  }
  return true;
}

static int64_t quantity(const struct bw_record *r, const struct rule_of_event *rule, const struct meter *m)
{
  const struct bw_field *f = rule->nfields ? field_of(r, rule->fields, rule->nfields) : NULL;
  double v = 1;
  if (rule->nfields && !f)
    v = m->window == METER_GAUGE ? 0 : 1;
  else if (f && (f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL))
    v = f->number;
  v *= m->scale;
  if (!(v > 0))
    return 0;
  return v > 9e15 ? (int64_t)BW_SERIES_VALUE_MAX : llround(v);
}

static void take_rate(struct usage *u, struct activity *act, const struct meter *m, uint16_t key, int64_t q, int64_t time_ms,
                      int32_t day)
{
  struct counter *c = counter_get(act, C_METER_PEAK, key);
  int64_t slot = time_ms / m->rate_window;
  if (!c || slot < c->now_slot)
    return;
  if (slot > c->now_slot) {
    c->now_slot = slot;
    c->now = 0;
  }
  c->now = (uint64_t)c->now + (uint64_t)q > UINT32_MAX ? UINT32_MAX : (uint32_t)(c->now + (uint64_t)q);
  if (c->now > bw_series_get(u->pool, &c->s, day))
    bw_series_set(u->pool, &c->s, day, c->now);
}

static void take_meter(struct usage *u, const struct bw_record *r, struct activity *act, int32_t day,
                       const struct rule_of_event *rule)
{
  const struct meter *m = &u->cfg.meters[rule->index];
  int64_t q = quantity(r, rule, m);
  struct counter *c = counter_get(act, C_METER, rule->index);
  if (!c)
    return;
  if (m->window == METER_GAUGE)
    bw_series_set(u->pool, &c->s, day, (uint64_t)q);
  else
    bw_series_add(u->pool, &c->s, day, q);
  if (m->rate_window > 0)
    take_rate(u, act, m, rule->index, q, r->time_ms, day);
  act->dirty |= DIRTY_METER;
}

static uint16_t named(struct usage *u, const struct bw_record *r, const struct rule_of_event *rule)
{
  const struct bw_field *f = field_of(r, rule->fields, rule->nfields);
  if (!f || f->text.len == 0 || f->text.len > 128 || f->type == BW_VALUE_JSON)
    return 0;
  return (uint16_t)bw_intern_get(&u->names, f->text);
}

/* Is the receiver of a share an active user of the same account already? */
static bool is_user(const struct usage *u, struct bw_str name, uint32_t account)
{
  uint32_t h = bw_hash_fold(bw_hash_str(name, u->seed)), i;
  const struct bw_index *ix = &u->users.index;
  if (ix->slots)
    for (i = h & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask)
      if (ix->slots[i].hash == h) {
        const struct user *x = bw_keyed_at(&u->users, ix->slots[i].ref - 1);
        if (x->account == account && bw_key_eq(&x->key, name))
          return true;
      }
  return false;
}

static void take_step(struct usage *u, const struct bw_record *r, struct activity *act, uint32_t user, int32_t day,
                      const struct rule_of_event *rule)
{
  const struct pattern *p = &u->cfg.patterns[rule->index];
  struct progress *g = NULL;
  uint32_t i;
  if (p->nsteps == 1) {
    count(u, act, C_PATTERN, rule->index, day, 1);
    return;
  }
  if (user == BW_NONE)
    return;
  for (i = 0; i < act->nprogress; i++)
    if (act->progress[i].user == user && act->progress[i].pattern == rule->index)
      g = &act->progress[i];
  if (g && r->time_ms - g->started > p->within)
    g->step = 0;
  if (g && g->step == rule->step && (rule->step > 0)) {
    if (++g->step == p->nsteps) {
      g->step = 0;
      count(u, act, C_PATTERN, rule->index, day, 1);
    }
    return;
  }
  if (rule->step != 0)
    return;
  if (!g) {
    if (act->nprogress >= MAX_PROGRESS) { /* the oldest gives way */
      memmove(act->progress, act->progress + 1, (act->nprogress - 1u) * sizeof *act->progress);
      act->nprogress--;
    }
    if (act->nprogress < MAX_PROGRESS && (act->nprogress & (act->nprogress - 1)) == 0)
      act->progress = bw_realloc(act->progress, MAX_PROGRESS, sizeof *act->progress);
    g = &act->progress[act->nprogress++];
  }
  *g = (struct progress){.user = user, .pattern = rule->index, .step = 1, .started = r->time_ms};
}

void act_on(struct usage *u, const struct bw_record *r, uint32_t index, struct activity *act, uint32_t user, int32_t day,
            const struct rule_of_event *rule)
{
  static const uint16_t plain[ACT_KINDS] = {[ACT_INVITE_REFUSED] = C_INVITE_REFUSED,
                                            [ACT_EXPORT] = C_EXPORT,
                                            [ACT_AUTOMATION] = C_AUTOMATION,
                                            [ACT_SHARE] = C_SHARE,
                                            [ACT_SIGN_UP] = C_SIGN_UP,
                                            [ACT_PAID] = C_PAID,
                                            [ACT_LIMIT_ERROR] = C_LIMIT};
  const struct bw_field *f;
  uint16_t id;
  if (rule->nwhere && !holds(r, rule))
    return;
  switch (rule->action) {
  case ACT_SIGN_IN:
    bw_series_add(u->pool, &act->logins, day, 1);
    break;
  case ACT_FEATURE:
    if ((id = named(u, r, rule)))
      count_feature(u, act, id, day);
    break;
  case ACT_METER:
    take_meter(u, r, act, day, rule);
    break;
  case ACT_STEP:
    take_step(u, r, act, user, day, rule);
    break;
  case ACT_SHARE:
    f = field_of(r, rule->fields, rule->nfields);
    if (!f || !is_user(u, f->text, index))
      count(u, act, C_SHARE, 0, day, 1);
    break;
  case ACT_PAID:
  case ACT_LIMIT_ERROR:
    count(u, act, plain[rule->action], named(u, r, rule), day, 1);
    break;
  default:
    count(u, act, plain[rule->action], 0, day, 1);
  }
}

void activity_clear(struct usage *u, struct activity *act)
{
  uint32_t i;
  for (i = 0; i < act->nfeatures; i++)
    bw_series_clear(u->pool, &act->features[i].s);
  for (i = 0; i < act->ncounters; i++)
    bw_series_clear(u->pool, &act->counters[i].s);
  for (i = 0; i < act->ndepts; i++)
    free(act->depts[i].users);
  bw_series_clear(u->pool, &act->events);
  bw_series_clear(u->pool, &act->logins);
  bw_series_clear(u->pool, &act->dau);
  bw_series_clear(u->pool, &act->mau_days);
  free(act->feature_ids);
  free(act->features);
  free(act->counters);
  free(act->depts);
  free(act->episodes);
  free(act->progress);
  free(act->moves);
  free(act->published);
  free(act->sharers);
}
