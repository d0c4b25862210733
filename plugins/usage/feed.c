/* SPDX-License-Identifier: Apache-2.0 */
/* Records into counters: the hot path, no allocation per event.  Runs in a watcher host; no privileges needed. */
#include <stdlib.h>

#include "usage.h"

#define AHEAD 32 /* records between the first asking for a line and using it */

/* What was found ahead; only ever a guess, to be checked. */
struct hint {
  uint32_t account, user;
  const struct activity *act; /* for prefetching only */
};
#define USER_KINDS                                                                                                             \
  (BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_PAGE) | BW_KIND_BIT(BW_KIND_SCREEN) | BW_KIND_BIT(BW_KIND_IDENTIFY) |      \
   BW_KIND_BIT(BW_KIND_GROUP))
#define FACT_KINDS (BW_KIND_BIT(BW_KIND_ACCOUNT) | BW_KIND_BIT(BW_KIND_PLAN) | BW_KIND_BIT(BW_KIND_SUBSCRIPTION))

struct account *account_get(struct usage *u, struct bw_str name, uint64_t hash, uint32_t *ret_index)
{
  uint32_t h = hash_of(u, name, hash), i = bw_keyed_find(&u->accounts, h, name);
  if (i == BW_NONE)
    i = bw_keyed_add(&u->accounts, h, name);
  if (i == BW_NONE) {
    u->full_accounts++;
    return NULL;
  }
  *ret_index = i;
  return bw_keyed_at(&u->accounts, i);
}

struct activity *activity_get(struct usage *u, struct account *a)
{
  if (!a->act)
    a->act = bw_arena_alloc(&u->activities, sizeof *a->act);
  return a->act;
}

void touch(struct usage *u, struct account *a, uint32_t index)
{
  if (a->flags & ACCOUNT_TOUCHED)
    return;
  a->flags |= ACCOUNT_TOUCHED;
  if (u->ntouched == u->captouched) {
    u->captouched = u->captouched ? u->captouched * 2 : 1024;
    u->touched = bw_realloc(u->touched, u->captouched, sizeof *u->touched);
  }
  u->touched[u->ntouched++] = index;
}

/* Today's counters into the series. */
void activity_flush(struct usage *u, struct activity *act)
{
  bw_series_add(u->pool, &act->events, act->day, act->today_events);
  bw_series_add(u->pool, &act->logins, act->day, act->today_logins);
  bw_series_add(u->pool, &act->dau, act->day, act->today_dau);
  bw_series_add(u->pool, &u->fleet.events, act->day, act->today_events);
  bw_series_add(u->pool, &u->fleet.users, act->day, act->today_dau);
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

/* Counts the user's activity on a day, once. */
static void user_active(struct usage *u, struct activity *act, uint32_t index, int32_t day)
{
  struct user *x = bw_keyed_at(&u->users, index);
  int32_t ago, before = x->last;
  if (day == before)
    return;
  if (day > before) {
    ago = day - before;
    x->bits = x->last && ago < 64 ? x->bits << ago | 1 : 1;
    ring_move(u, act, x->last, day);
    x->last = (uint16_t)day;
    x->flags &= (uint8_t)~USER_SIGNED_IN;
    if (x->first == 0) {
      x->first = (uint16_t)day;
      merger_user(u, index, day);
    }
  } else { /* late */
    ago = x->last - day;
    if (ago >= 64 || x->bits >> ago & 1)
      return;
    x->bits |= UINT64_C(1) << ago;
    if (day < x->first)
      x->first = (uint16_t)day;
  }
  if (day == act->day)
    act->today_dau++;
  else {
    bw_series_add(u->pool, &act->dau, day, 1);
    bw_series_add(u->pool, &u->fleet.users, day, 1);
  }
  if (x->dept && before >> 3 != day >> 3) /* its last day is asked for in months: once in eight days will do */
    see_department(u, act, x->dept, index, day);
}

static uint32_t user_get(struct usage *u, const struct bw_record *r, uint32_t account, uint32_t guess)
{
  uint32_t h = hash_of(u, r->subject, r->subject_hash), i;
  const struct bw_index *ix = &u->users.index;
  struct user *x;
  if (guess != BW_NONE) {
    x = bw_keyed_at(&u->users, guess);
    if (x->account == account && bw_key_eq(&x->key, r->subject))
      return guess;
  }
  if (ix->slots)
    for (i = h & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask)
      if (ix->slots[i].hash == h) {
        x = bw_keyed_at(&u->users, ix->slots[i].ref - 1);
        if (x->account == account && bw_key_eq(&x->key, r->subject))
          return ix->slots[i].ref - 1;
      }
  i = bw_keyed_add(&u->users, h, r->subject);
  if (i == BW_NONE) {
    u->full_users++;
    return BW_NONE;
  }
  ((struct user *)bw_keyed_at(&u->users, i))->account = account;
  return i;
}

/* False where the record's day cannot be counted. */
static bool countable(struct usage *u, const struct bw_record *r, int32_t *ret_day)
{
  int64_t known = u->tick > u->newest ? u->tick : u->newest;
  int32_t day;
  if (r->time_ms <= 0 || r->time_ms / BW_DAY <= RING || r->time_ms / BW_DAY > BW_SERIES_DAY_MAX - 1) {
    u->late_or_bad++;
    return false;
  }
  day = (int32_t)(r->time_ms / BW_DAY);
  if (r->arrival_ms > known)
    known = r->arrival_ms;
  if (known > 0 && r->time_ms > known + BW_DAY) {
    u->future++;
    return false;
  }
  if (r->time_ms > u->newest) {
    if (u->newest && r->time_ms - u->newest > BW_HOUR)
      fleet_gap(u, r->time_ms - u->newest, day);
    u->newest = r->time_ms;
  }
  *ret_day = day;
  return true;
}

static void take_department(struct usage *u, const struct bw_record *r, struct activity *act, uint32_t user, int32_t day)
{
  const struct bw_field *f = field_of(r, u->cfg.department, u->cfg.ndepartment);
  uint16_t id;
  if (!f || f->text.len == 0 || f->text.len > 128 || f->type == BW_VALUE_JSON)
    return;
  id = (uint16_t)bw_intern_get(&u->names, f->text);
  if (!id)
    return;
  if (user != BW_NONE) {
    struct user *x = bw_keyed_at(&u->users, user);
    if (x->dept == id && day >= act->day)
      return; /* seen with the user's activity */
    x->dept = id;
  }
  see_department(u, act, id, user, day);
}

static void take_sign_in(struct usage *u, struct activity *act, uint32_t user, int32_t day)
{
  if (u->cfg.logins_by_user && user != BW_NONE) {
    struct user *x = bw_keyed_at(&u->users, user);
    if (x->last != day || x->flags & USER_SIGNED_IN)
      return;
    x->flags |= USER_SIGNED_IN;
  }
  if (day == act->day)
    act->today_logins++;
  else
    bw_series_add(u->pool, &act->logins, day, 1);
}

static void take_meaning(struct usage *u, const struct bw_record *r, uint32_t index, struct activity *act, uint32_t user,
                         int32_t day)
{
  struct meaning spare;
  const struct meaning *m = meaning_of(u, r, &spare);
  uint32_t i;
  for (i = 0; i < m->nrules; i++) {
    const struct rule_of_event *rule = &u->cfg.rules[m->rules[i]];
    if (rule->action == ACT_SIGN_IN && rule->nwhere == 0)
      take_sign_in(u, act, user, day);
    else
      act_on(u, r, index, act, user, day, rule);
  }
  if (m->own_feature)
    count_feature(u, act, (uint16_t)m->own_feature, day);
}

static void take_event(struct usage *u, const struct bw_record *r, const struct hint *hint)
{
  struct account *a;
  struct activity *act;
  uint32_t index, user = BW_NONE;
  int32_t day;
  bool active = (u->cfg.activity & BW_KIND_BIT(r->kind)) != 0;
  if (!countable(u, r, &day))
    return;
  if (r->account.len && hint->account != BW_NONE && bw_key_eq(bw_keyed_at(&u->accounts, hint->account), r->account)) {
    index = hint->account;
    a = bw_keyed_at(&u->accounts, index);
  } else if (r->account.len == 0 || !(a = account_get(u, r->account, r->account_hash, &index))) {
    u->no_account++;
    return;
  }
  act = activity_get(u, a);
  if (day > act->day)
    roll(u, act, day);
  if (act->first == 0 || day < act->first)
    act->first = (uint16_t)day;
  if (r->kind == BW_KIND_TRACK) {
    if (day == act->day) {
      act->today_events++;
    } else {
      bw_series_add(u->pool, &act->events, day, 1);
      bw_series_add(u->pool, &u->fleet.events, day, 1);
    }
  }
  if (r->subject.len && r->subject.len <= BW_KEY_MAX)
    user = user_get(u, r, index, hint->user);
  if (active) {
    if (day > act->last)
      act->last = (uint16_t)day;
    if (user != BW_NONE)
      user_active(u, act, user, day);
  }
  if (u->cfg.ndepartment && r->nfields)
    take_department(u, r, act, user, day);
  take_meaning(u, r, index, act, user, day);
  if (active && user != BW_NONE && u->cfg.ndevice && r->nfields)
    see_device(u, r, act, user, day);
  touch(u, a, index);
}

/*
 * Each record is met five times before it is counted, each time one step further down the chain of pointers, so that no step
 * waits for memory: table slots; entries; the account's activity; its series' tables; their newest blocks.
 */
static void ahead_slots(const struct usage *u, const struct bw_record *r)
{
  bw_index_prefetch(&u->accounts.index, hash_of(u, r->account, r->account_hash));
  bw_index_prefetch(&u->users.index, hash_of(u, r->subject, r->subject_hash));
}

static void ahead_entries(const struct usage *u, const struct bw_record *r, struct hint *hint)
{
  hint->account = bw_index_peek(&u->accounts.index, hash_of(u, r->account, r->account_hash));
  hint->user = bw_index_peek(&u->users.index, hash_of(u, r->subject, r->subject_hash));
  if (hint->account != BW_NONE)
    __builtin_prefetch(bw_keyed_at(&u->accounts, hint->account));
  if (hint->user != BW_NONE)
    __builtin_prefetch(bw_keyed_at(&u->users, hint->user), 1);
}

static void ahead_activity(const struct usage *u, struct hint *hint)
{
  const char *p;
  hint->act = hint->account == BW_NONE ? NULL : ((struct account *)bw_keyed_at(&u->accounts, hint->account))->act;
  for (p = (const char *)hint->act; p && p < (const char *)hint->act + offsetof(struct activity, ring); p += 64)
    __builtin_prefetch(p, 1);
}

static void ahead_tables(const struct bw_record *r, const struct hint *hint)
{
  const struct activity *act = hint->act;
  int32_t day = (int32_t)(r->time_ms / BW_DAY);
  if (!act)
    return;
  __builtin_prefetch(&act->ring[(uint32_t)day % RING], 1);
  if (act->nfeatures) {
    __builtin_prefetch(act->feature_ids);
    __builtin_prefetch(act->features, 1);
  }
  if (act->ndepts)
    __builtin_prefetch(act->depts, 1);
  if (act->ndepts > 2)
    __builtin_prefetch(&act->depts[2], 1);
  if (act->ncounters)
    __builtin_prefetch(act->counters);
  if (act->day == day)
    return;
  bw_series_prefetch_table(&act->events);
  bw_series_prefetch_table(&act->logins);
  bw_series_prefetch_table(&act->dau);
  bw_series_prefetch_table(&act->mau_days);
}

static void ahead_blocks(const struct usage *u, const struct bw_record *r, const struct hint *hint)
{
  const struct activity *act = hint->act;
  if (!act || act->day == (int32_t)(r->time_ms / BW_DAY))
    return;
  bw_series_prefetch_block(u->pool, &act->events);
  bw_series_prefetch_block(u->pool, &act->logins);
  bw_series_prefetch_block(u->pool, &act->dau);
  bw_series_prefetch_block(u->pool, &act->mau_days);
}

static void look_ahead(const struct usage *u, const struct bw_batch *b, uint64_t i, struct hint *hints)
{
  if (i + AHEAD < b->count)
    ahead_slots(u, bw_batch_at(b, i + AHEAD));
  if (i + AHEAD * 3 / 4 < b->count)
    ahead_entries(u, bw_batch_at(b, i + AHEAD * 3 / 4), &hints[(i + AHEAD * 3 / 4) % AHEAD]);
  if (i + AHEAD / 2 < b->count)
    ahead_activity(u, &hints[(i + AHEAD / 2) % AHEAD]);
  if (i + AHEAD / 4 < b->count)
    ahead_tables(bw_batch_at(b, i + AHEAD / 4), &hints[(i + AHEAD / 4) % AHEAD]);
  if (i + AHEAD / 8 < b->count)
    ahead_blocks(u, bw_batch_at(b, i + AHEAD / 8), &hints[(i + AHEAD / 8) % AHEAD]);
}

/* Our hash and the host's should be one function; if they ever are not, ours it is. */
static void check_hash(struct usage *u, const struct bw_record *r)
{
  if (r->account.len == 0)
    return;
  u->own_hash = bw_hash_str(r->account, u->seed) != r->account_hash;
  u->hash_checked = true;
}

int32_t feed_batch(struct usage *u, const struct bw_batch *batch)
{
  struct hint hints[AHEAD];
  uint64_t i;
  memset(hints, 0xff, sizeof hints); /* BW_NONE */
  for (i = 0; i < AHEAD; i++)
    hints[i].act = NULL;
  for (i = 0; i < batch->count && u->rc == 0; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    if (!u->hash_checked)
      check_hash(u, r);
    if (!u->hash_checked && r->kind != BW_KIND_TICK && r->account.len == 0 && r->kind != BW_KIND_PLAN)
      continue; /* an event without an account counts nowhere */
    look_ahead(u, batch, i, hints);
    if (r->kind == BW_KIND_TICK)
      evaluate_tick(u, r);
    else if (r->kind < BW_KIND_COUNT && USER_KINDS & BW_KIND_BIT(r->kind))
      take_event(u, r, &hints[i % AHEAD]);
    else if (r->kind < BW_KIND_COUNT && FACT_KINDS & BW_KIND_BIT(r->kind))
      facts_take(u, r);
  }
  return u->rc;
}
