/* SPDX-License-Identifier: Apache-2.0 */
/* Save and load.  What is loaded is not trusted: every number has bounds, every reference is checked.  No privileges needed. */
#include <math.h>
#include <stdlib.h>

#include "usage.h"

#define DAY_MAX BW_SERIES_DAY_MAX

/* One description serves both ways, so that they cannot disagree: out or in is NULL. */
struct io {
  struct usage *u;
  struct bw_state_out *out;
  struct bw_state_in *in;
};

static uint64_t number(struct io *io, uint64_t v, uint64_t max)
{
  if (io->in)
    return bw_state_get(io->in, max);
  bw_state_put(io->out, v);
  return v;
}

static int64_t signed_number(struct io *io, int64_t v)
{
  if (io->in)
    return bw_state_get_signed(io->in, -(INT64_C(1) << 60), INT64_C(1) << 60);
  bw_state_put_signed(io->out, v);
  return v;
}

/* Bits as they are: infinities are cut levels that nobody reaches. */
static double real(struct io *io, double v)
{
  uint8_t special = isinf(v) ? (v > 0 ? 1 : 2) : 0;
  special = (uint8_t)number(io, special, 2);
  if (special)
    return special == 1 ? INFINITY : -INFINITY;
  if (io->in)
    return bw_state_get_num(io->in);
  bw_state_put_num(io->out, v);
  return v;
}

static bool ok(const struct io *io)
{
  return !io->in || !io->in->bad;
}

static void series(struct io *io, struct bw_series *s)
{
  if (io->in)
    bw_series_load(io->u->pool, s, io->in);
  else
    bw_series_save(io->u->pool, s, io->out);
}

static uint16_t day16(struct io *io, uint16_t v)
{
  return (uint16_t)number(io, v, DAY_MAX);
}

static uint16_t name(struct io *io, uint16_t v)
{
  return (uint16_t)number(io, v, bw_keyed_count(&io->u->names.table));
}

static uint32_t user_ref(struct io *io, uint32_t v)
{
  uint32_t n = (uint32_t)number(io, v, UINT32_MAX);
  if (io->in && n >= bw_keyed_count(&io->u->users)) {
    bw_state_refuse(io->in, "a user that is not there");
    return 0;
  }
  return n;
}

static void io_features(struct io *io, struct activity *act)
{
  uint16_t n = (uint16_t)number(io, act->nfeatures, io->u->cfg.max_features), i;
  for (i = 0; i < n && ok(io); i++) {
    struct feature *f;
    if (io->in) {
      act->feature_ids = grown(act->feature_ids, i, sizeof *act->feature_ids);
      act->features = grown(act->features, i, sizeof *act->features);
      act->features[i] = (struct feature){.s = {.keep = 4}};
      act->nfeatures = (uint16_t)(i + 1);
    }
    f = &act->features[i];
    f->id = name(io, f->id);
    act->feature_ids[i] = f->id;
    f->first = day16(io, f->first);
    f->last = day16(io, f->last);
    f->today = (uint32_t)number(io, f->today, UINT32_MAX);
    series(io, &f->s);
    io->u->used_features[f->id >> 3] = (uint8_t)(io->u->used_features[f->id >> 3] | 1u << (f->id & 7));
  }
}

static void io_counters(struct io *io, struct activity *act)
{
  uint16_t n = (uint16_t)number(io, act->ncounters, 256), i;
  for (i = 0; i < n && ok(io); i++) {
    struct counter *c;
    if (io->in) {
      act->counters = grown(act->counters, i, sizeof *act->counters);
      act->counters[i] = (struct counter){0};
      act->ncounters = (uint16_t)(i + 1);
    }
    c = &act->counters[i];
    c->kind = (uint16_t)number(io, c->kind, C_KINDS - 1);
    c->key = (uint16_t)number(io, c->key, UINT16_MAX);
    c->now = (uint32_t)number(io, c->now, UINT32_MAX);
    c->now_slot = signed_number(io, c->now_slot);
    series(io, &c->s);
    if (io->in && (((c->kind == C_METER || c->kind == C_METER_PEAK) && c->key >= io->u->cfg.nmeters) ||
                   (c->kind == C_PATTERN && c->key >= io->u->cfg.npatterns) ||
                   ((c->kind == C_PAID || c->kind == C_LIMIT) && c->key > bw_keyed_count(&io->u->names.table))))
      bw_state_refuse(io->in, "a counter of something that is not configured");
  }
}

static void io_depts(struct io *io, struct activity *act)
{
  uint16_t n = (uint16_t)number(io, act->ndepts, 500), i, k, nusers;
  for (i = 0; i < n && ok(io); i++) {
    struct dept *d;
    if (io->in) {
      act->depts = grown(act->depts, i, sizeof *act->depts);
      act->depts[i] = (struct dept){0};
      act->ndepts = (uint16_t)(i + 1);
    }
    d = &act->depts[i];
    d->id = name(io, d->id);
    d->first = day16(io, d->first);
    d->last = day16(io, d->last);
    d->fresh = day16(io, d->fresh);
    nusers = (uint16_t)number(io, d->nusers, DEPT_USERS);
    for (k = 0; k < nusers && ok(io); k++) {
      if (io->in) {
        d->users = grown(d->users, k, sizeof *d->users);
        d->users[k] = 0;
        d->nusers = (uint16_t)(k + 1);
      }
      d->users[k] = user_ref(io, d->users[k]);
    }
  }
}

static void io_episodes(struct io *io, struct activity *act)
{
  uint16_t n = (uint16_t)number(io, act->nepisodes, 400), i;
  for (i = 0; i < n && ok(io); i++) {
    struct kept *k;
    struct bw_episode *p;
    if (io->in) {
      act->episodes = grown(act->episodes, i, sizeof *act->episodes);
      act->episodes[i] = (struct kept){0};
      act->nepisodes = (uint16_t)(i + 1);
    }
    k = &act->episodes[i];
    p = &k->e;
    p->type = (uint16_t)number(io, p->type, SIG_COUNT - 1);
    p->key = name(io, p->key);
    p->phase = (uint8_t)number(io, p->phase, BW_PHASE_COOLING);
    p->since = (int32_t)number(io, (uint64_t)p->since, DAY_MAX);
    p->spoke = (int32_t)number(io, (uint64_t)p->spoke, DAY_MAX);
    p->said = real(io, p->said);
    k->known = (int32_t)number(io, (uint64_t)k->known, DAY_MAX);
    k->strength = (uint16_t)number(io, k->strength, 1000);
    k->threshold = real(io, k->threshold);
  }
}

static void io_small(struct io *io, struct activity *act)
{
  uint16_t n = (uint16_t)number(io, act->nprogress, 64), i;
  if (io->in && n)
    act->progress = bw_calloc(64, sizeof *act->progress);
  for (i = 0; i < n && ok(io); i++) {
    struct progress *g = &act->progress[i];
    act->nprogress = io->in ? (uint16_t)(i + 1) : act->nprogress;
    g->user = user_ref(io, g->user);
    g->pattern = (uint8_t)number(io, g->pattern, MAX_PATTERNS - 1);
    g->step = (uint8_t)number(io, g->step, MAX_STEPS);
    g->started = signed_number(io, g->started);
  }
  n = (uint16_t)number(io, act->nmoves, 32);
  for (i = 0; i < n && ok(io); i++) {
    if (io->in) {
      act->moves = grown(act->moves, i, sizeof *act->moves);
      act->moves[i] = (struct move){0};
      act->nmoves = (uint16_t)(i + 1);
    }
    act->moves[i].to = (uint32_t)number(io, act->moves[i].to, bw_keyed_count(&io->u->accounts) - 1);
    act->moves[i].n = (uint16_t)number(io, act->moves[i].n, UINT16_MAX);
    act->moves[i].first = day16(io, act->moves[i].first);
    act->moves[i].last = day16(io, act->moves[i].last);
    act->moves[i].told = number(io, act->moves[i].told, 1) != 0;
  }
  n = (uint16_t)number(io, act->npublished, 200);
  for (i = 0; i < n && ok(io); i++) {
    if (io->in) {
      act->published = grown(act->published, i, sizeof *act->published);
      act->published[i] = (struct published){0};
      act->npublished = (uint16_t)(i + 1);
    }
    act->published[i].trait = (uint16_t)number(io, act->published[i].trait, TRAIT_COUNT - 1);
    act->published[i].key = name(io, act->published[i].key);
    act->published[i].value = (float)real(io, (double)act->published[i].value);
  }
  n = (uint16_t)number(io, act->nsharers, 256);
  for (i = 0; i < n && ok(io); i++) {
    if (io->in) {
      act->sharers = grown(act->sharers, i, sizeof *act->sharers);
      act->nsharers = (uint16_t)(i + 1);
      act->sharers[i] = 0;
    }
    act->sharers[i] = user_ref(io, act->sharers[i]);
  }
}

static void io_activity(struct io *io, struct activity *act)
{
  uint32_t i;
  act->day = (int32_t)number(io, (uint64_t)act->day, DAY_MAX);
  act->today_events = (uint32_t)number(io, act->today_events, UINT32_MAX);
  act->today_logins = (uint32_t)number(io, act->today_logins, UINT32_MAX);
  act->today_dau = (uint32_t)number(io, act->today_dau, UINT32_MAX);
  act->mau = (uint32_t)number(io, act->mau, UINT32_MAX);
  act->first = day16(io, act->first);
  act->last = day16(io, act->last);
  act->dirty = (uint8_t)number(io, act->dirty, 255);
  act->merged_out = day16(io, act->merged_out);
  act->merged_in = day16(io, act->merged_in);
  for (i = 0; i < RING; i++)
    act->ring[i] = (uint32_t)number(io, act->ring[i], UINT32_MAX);
  series(io, &act->events);
  series(io, &act->logins);
  series(io, &act->dau);
  series(io, &act->mau_days);
  io_features(io, act);
  io_counters(io, act);
  io_depts(io, act);
  io_episodes(io, act);
  io_small(io, act);
}

static void io_facts(struct io *io, struct facts *f)
{
  uint16_t n, i;
  f->plan = name(io, f->plan);
  f->start = day16(io, f->start);
  f->end = day16(io, f->end);
  f->has_subscription = number(io, f->has_subscription, 1) != 0;
  f->has_account = number(io, f->has_account, 1) != 0;
  f->seats = real(io, f->seats);
  f->provisioned = real(io, f->provisioned);
  f->arr = real(io, f->arr);
  n = (uint16_t)number(io, f->nlimits, 64);
  for (i = 0; i < n && ok(io); i++) {
    if (io->in) {
      f->limits = grown(f->limits, i, sizeof *f->limits);
      f->limits[i] = (struct limit){0};
      f->nlimits = (uint16_t)(i + 1);
    }
    f->limits[i].key = name(io, f->limits[i].key);
    f->limits[i].value = real(io, f->limits[i].value);
  }
  n = (uint16_t)number(io, f->nowned, 64);
  for (i = 0; i < n && ok(io); i++) {
    if (io->in) {
      f->owned = grown(f->owned, i, sizeof *f->owned);
      f->owned[i] = (struct owned){0};
      f->nowned = (uint16_t)(i + 1);
    }
    f->owned[i].product = name(io, f->owned[i].product);
    f->owned[i].since = day16(io, f->owned[i].since);
  }
  f->nseat_changes = (uint16_t)number(io, f->nseat_changes, SEAT_CHANGES);
  for (i = 0; i < f->nseat_changes && ok(io); i++) {
    f->seat_changes[i].day = day16(io, f->seat_changes[i].day);
    f->seat_changes[i].seats = real(io, f->seat_changes[i].seats);
  }
}

/* A table of names: how many, then the names; entries are made on the way in, and not yet in the table's index. */
static uint32_t io_keys(struct io *io, struct bw_keyed *t)
{
  uint32_t n = (uint32_t)number(io, bw_keyed_count(t), t->max), i;
  for (i = 0; i < n && ok(io); i++) {
    struct bw_str s;
    if (io->out) {
      bw_state_put_str(io->out, bw_key_str(bw_keyed_at(t, i)));
      continue;
    }
    s = bw_state_get_str(io->in, BW_KEY_MAX);
    if (ok(io) && bw_keyed_append(t, s) == BW_NONE)
      bw_state_refuse(io->in, "a table is over its limit");
  }
  return ok(io) ? n : 0;
}

static uint32_t io_indexed_keys(struct io *io, struct bw_keyed *t)
{
  uint32_t n = io_keys(io, t), i;
  for (i = 0; io->in && i < n; i++)
    bw_index_put(&t->index, bw_hash_fold(bw_hash_str(bw_key_str(bw_keyed_at(t, i)), io->u->seed)), i);
  return n;
}

static void io_users(struct io *io)
{
  struct usage *u = io->u;
  uint32_t n = io_keys(io, &u->users), i, nsharing, k;
  for (i = 0; i < n && ok(io); i++) {
    struct user *x = bw_keyed_at(&u->users, i);
    x->bits = number(io, x->bits, UINT64_MAX);
    x->account = (uint32_t)number(io, x->account, bw_keyed_count(&u->accounts) - 1);
    x->last = day16(io, x->last);
    x->first = day16(io, x->first);
    x->dept = name(io, x->dept);
    x->flags = (uint8_t)number(io, x->flags, RETURNS * USER_RETURNED - 1);
    if (x->flags & USER_MOVED)
      x->moved_to = (uint32_t)number(io, x->moved_to, bw_keyed_count(&u->accounts) - 1);
  }
  if (io->in)
    users_index(u);
  nsharing = (uint32_t)number(io, u->sharing.count, n);
  for (i = 0; i < nsharing && ok(io); i++) {
    struct sharing *s = io->in ? sharing_of(u, i, true) : bw_chunks_at(&u->sharing, i);
    s->hour = (uint32_t)number(io, s->hour, UINT32_MAX);
    s->nseen = (uint8_t)number(io, s->nseen, 4);
    s->ndays = (uint8_t)number(io, s->ndays, 7);
    for (k = 0; k < s->nseen; k++)
      s->seen[k] = (uint32_t)number(io, s->seen[k], UINT32_MAX);
    for (k = 0; k < s->ndays; k++)
      s->days[k] = day16(io, s->days[k]);
  }
}

static void io_accounts(struct io *io)
{
  struct usage *u = io->u;
  uint32_t n = bw_keyed_count(&u->accounts), i, has;
  for (i = 0; i < n && ok(io); i++) {
    struct account *a = bw_keyed_at(&u->accounts, i);
    has = (uint32_t)number(io, (a->act ? 1u : 0) | (a->facts ? 2u : 0) | (a->flags & ACCOUNT_TOUCHED ? 4u : 0), 7);
    if (has & 2 && !a->facts)
      a->facts = bw_alloc(sizeof *a->facts);
    if (has & 2)
      io_facts(io, a->facts);
    if (has & 1)
      io_activity(io, activity_get(u, a));
    if (has & 1)
      a->newest = (uint16_t)a->act->day;
    if (io->in && has & 4)
      touch(u, a, i);
  }
  /* a move or a user's account must have an activity to refer to */
  for (i = 0; io->in && i < bw_keyed_count(&u->users) && ok(io); i++) {
    const struct user *x = bw_keyed_at(&u->users, i);
    if (!((struct account *)bw_keyed_at(&u->accounts, x->account))->act)
      bw_state_refuse(io->in, "a user of an account without activity");
  }
  for (i = 0; io->in && i < n && ok(io); i++) {
    const struct activity *act = ((struct account *)bw_keyed_at(&u->accounts, i))->act;
    uint32_t k;
    for (k = 0; act && k < act->nmoves; k++)
      if (!((struct account *)bw_keyed_at(&u->accounts, act->moves[k].to))->act)
        bw_state_refuse(io->in, "a move to an account without activity");
  }
}

static void io_plans(struct io *io)
{
  struct usage *u = io->u;
  uint32_t n = io_indexed_keys(io, &u->plans), i, k, nlimits;
  for (i = 0; i < n && ok(io); i++) {
    struct plan *p = bw_keyed_at(&u->plans, i);
    nlimits = (uint32_t)number(io, p->nlimits, 64);
    for (k = 0; k < nlimits && ok(io); k++) {
      if (io->in) {
        p->limits = grown(p->limits, k, sizeof *p->limits);
        p->limits[k] = (struct limit){0};
        p->nlimits = k + 1;
      }
      p->limits[k].key = name(io, p->limits[k].key);
      p->limits[k].value = real(io, p->limits[k].value);
    }
  }
}

static void io_fleet(struct io *io)
{
  struct fleet *f = &io->u->fleet;
  uint32_t i;
  series(io, &f->events);
  series(io, &f->users);
  series(io, &f->gaps);
  f->day = (int32_t)number(io, (uint64_t)f->day, DAY_MAX);
  f->log_ratio = real(io, f->log_ratio);
  f->user_log_ratio = real(io, f->user_log_ratio);
  f->day_log_ratio = real(io, f->day_log_ratio);
  f->login_log_ratio = real(io, f->login_log_ratio);
  f->accounts = (uint32_t)number(io, f->accounts, UINT32_MAX);
  for (i = 0; i < 2; i++) {
    f->breadth_cut[i] = real(io, f->breadth_cut[i]);
    f->login_cut[i] = real(io, f->login_cut[i]);
    f->automation_cut[i] = real(io, f->automation_cut[i]);
  }
  f->seat_cut = real(io, f->seat_cut);
  f->limit_cut = real(io, f->limit_cut);
  f->dip = number(io, f->dip, 1) != 0;
  f->spike = number(io, f->spike, 1) != 0;
  f->silent = number(io, f->silent, 1) != 0;
  for (i = 0; i < 64; i++)
    f->dead_days[i] = day16(io, f->dead_days[i]);
  f->ndead = (uint32_t)number(io, f->ndead, 128);
  f->dead_checked = (int32_t)number(io, (uint64_t)f->dead_checked, DAY_MAX);
  f->first_day = (int32_t)number(io, (uint64_t)f->first_day, DAY_MAX);
}

static void io_all(struct io *io)
{
  struct usage *u = io->u;
  uint32_t i, configured = (uint32_t)number(io, u->cfg.nmeters, UINT32_MAX), n;
  if (io->in && configured != u->cfg.nmeters)
    bw_state_refuse(io->in, "the configured resources changed");
  configured = (uint32_t)number(io, u->cfg.npatterns, UINT32_MAX);
  if (io->in && configured != u->cfg.npatterns)
    bw_state_refuse(io->in, "the configured patterns changed");
  /* the configuration interned its own names first, in the same order */
  n = (uint32_t)number(io, bw_keyed_count(&u->names.table), u->names.table.max);
  for (i = 0; i < n && ok(io); i++) {
    struct bw_str s;
    if (io->out) {
      bw_state_put_str(io->out, bw_intern_str(&u->names, i + 1));
      continue;
    }
    s = bw_state_get_str(io->in, BW_KEY_MAX);
    if (ok(io) && bw_intern_get(&u->names, s) != i + 1)
      bw_state_refuse(io->in, "the configured names changed");
  }
  u->names.refused = number(io, u->names.refused, UINT64_MAX);
  u->tick = signed_number(io, u->tick);
  u->newest = signed_number(io, u->newest);
  u->tick_day = (int32_t)signed_number(io, u->tick_day);
  u->future = number(io, u->future, UINT64_MAX);
  u->late_or_bad = number(io, u->late_or_bad, UINT64_MAX);
  u->no_account = number(io, u->no_account, UINT64_MAX);
  u->full_users = number(io, u->full_users, UINT64_MAX);
  u->full_accounts = number(io, u->full_accounts, UINT64_MAX);
  u->told_future = (int32_t)signed_number(io, u->told_future);
  u->told_full = (int32_t)signed_number(io, u->told_full);
  u->told_names = (int32_t)signed_number(io, u->told_names);
  (void)io_indexed_keys(io, &u->accounts);
  io_users(io);
  io_plans(io);
  io_accounts(io);
  io_fleet(io);
}

int32_t usage_save(void *self, const struct bw_save_args *args)
{
  struct bw_state_out out;
  struct io io = {.u = self, .out = &out};
  stage_flush(self);
  fleet_settle(self);
  bw_state_begin(&out, args, STATE_WORD, STATE_VERSION);
  io_all(&io);
  return bw_state_end(&out);
}

int32_t usage_load(void *self, const struct bw_load_args *args)
{
  struct bw_state_in in;
  struct io io = {.u = self, .in = &in};
  if (bw_state_open(&in, args, STATE_WORD, STATE_VERSION))
    io_all(&io);
  return bw_state_close(&in);
}
