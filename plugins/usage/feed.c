/* SPDX-License-Identifier: Apache-2.0 */
/* Records into pieces: the hot path, no allocation per event.  Runs in a watcher host; no privileges needed. */
#include <stdlib.h>

#include "usage.h"

#define AHEAD 32 /* records between the first asking for a line and using it */

/* What was found ahead; only ever a guess, to be checked. */
struct hint {
  uint32_t account, user;
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

/* The fleet's totals, of one day at a time. */
void fleet_settle(struct usage *u)
{
  struct fleet *f = &u->fleet;
  bw_series_add(u->pool, &f->events, f->now.day, f->now.events);
  bw_series_add(u->pool, &f->users, f->now.day, f->now.users);
  f->now.events = f->now.users = 0;
}

static void fleet_count(struct usage *u, int32_t day, uint32_t events, uint32_t users)
{
  struct fleet *f = &u->fleet;
  if (day != f->now.day) {
    fleet_settle(u);
    f->now.day = day;
  }
  f->now.events += events;
  f->now.users += users;
}

/* Where a record's day was not yet counted for its user: counts it.  What there is to do for the account goes into op. */
static void user_day(struct user *x, int32_t day, struct op *op)
{
  int32_t ago = x->last - day;
  if (ago < 0) {
    x->bits = x->last && -ago < 64 ? x->bits << -ago | 1 : 1;
    op->before = x->last;
    op->arg |= EVENT_USER_DAY | EVENT_NEWEST_DAY;
    x->last = (uint16_t)day;
    x->flags &= (uint8_t)~USER_SIGNED_IN;
  } else if (ago < 64 && !(x->bits >> ago & 1)) { /* late */
    x->bits |= UINT64_C(1) << ago;
    op->arg |= EVENT_USER_DAY;
    if (day < x->first)
      x->first = (uint16_t)day;
  }
}

static void put_dept(struct usage *u, struct op op, uint16_t id, uint32_t user)
{
  op.code = OP_DEPT;
  op.id = id;
  op.user = user;
  stage_put(&u->stage, op);
}

/* The event itself, and what its user's first activity of the day brings about. */
static void take_activity(struct usage *u, const struct bw_record *r, struct op op, uint32_t user)
{
  struct user *x = user == BW_NONE ? NULL : bw_keyed_at(&u->users, user);
  bool active = (u->cfg.activity & BW_KIND_BIT(r->kind)) != 0;
  uint16_t before = x ? x->last : 0;
  op.arg = (uint8_t)((r->kind == BW_KIND_TRACK ? EVENT_TRACK : 0) | (active ? EVENT_ACTIVE : 0));
  if (active && x)
    user_day(x, op.day, &op);
  fleet_count(u, op.day, (op.arg & EVENT_TRACK) != 0, (op.arg & EVENT_USER_DAY) != 0);
  stage_event(&u->stage, op);
  if (!(op.arg & EVENT_USER_DAY))
    return;
  if (x->first == 0) {
    x->first = op.day;
    merger_user(u, user, op.day);
  }
  if (x->flags & USER_MOVED && op.arg & EVENT_NEWEST_DAY)
    merger_stayed(u, user, op.day);
  if (x->dept && before >> 3 != op.day >> 3) /* its last day is asked for in months: once in eight days will do */
    put_dept(u, op, x->dept, user);
}

static uint32_t user_of(struct usage *u, const struct bw_record *r, uint32_t account, uint32_t guess)
{
  const struct user *x;
  if (r->subject.len == 0 || r->subject.len > BW_KEY_MAX)
    return BW_NONE;
  if (guess != BW_NONE) {
    x = bw_keyed_at(&u->users, guess);
    if (x->account == account && bw_key_eq(&x->key, r->subject))
      return guess;
  }
  return user_get(u, hash_of(u, r->subject, r->subject_hash), r->subject, account);
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

/* Nearly always it is the user's as it was, which needs no look-up. */
static uint16_t department_id(struct usage *u, struct bw_str name, const struct user *x)
{
  if (x && x->dept && bw_str_eq(bw_intern_str(&u->names, x->dept), name))
    return x->dept;
  return (uint16_t)bw_intern_get(&u->names, name);
}

static void take_department(struct usage *u, const struct bw_record *r, struct op op, uint16_t newest, uint32_t user)
{
  const struct bw_field *f = field_of(r, &u->cfg.department);
  struct user *x = user == BW_NONE ? NULL : bw_keyed_at(&u->users, user);
  uint16_t id;
  if (!f || f->text.len == 0 || f->text.len > 128 || f->type == BW_VALUE_JSON)
    return;
  id = department_id(u, f->text, x);
  if (!id)
    return;
  if (x) {
    if (x->dept == id && op.day >= newest)
      return; /* seen with the user's activity */
    x->dept = id;
  }
  put_dept(u, op, id, user);
}

/* Counted once a day where it is users that count. */
static void take_sign_in(struct usage *u, struct op op, uint32_t user)
{
  if (u->cfg.logins_by_user && user != BW_NONE) {
    struct user *x = bw_keyed_at(&u->users, user);
    if (x->last != op.day || x->flags & USER_SIGNED_IN)
      return;
    x->flags |= USER_SIGNED_IN;
  }
  stage_sign_in(&u->stage, op);
}

static void take_meaning(struct usage *u, const struct bw_record *r, struct op op, uint32_t user)
{
  struct meaning spare;
  const struct meaning *m = meaning_of(u, r, &spare);
  uint32_t i;
  for (i = 0; i < m->nrules; i++) {
    const struct rule_of_event *rule = &u->cfg.rules[m->rules[i]];
    if (rule->action == ACT_SIGN_IN && rule->nwhere == 0)
      take_sign_in(u, op, user);
    else
      act_on(u, r, op, user, rule);
  }
  if (m->own_feature)
    stage_feature(&u->stage, op, (uint16_t)m->own_feature);
}

static struct account *account_of(struct usage *u, const struct bw_record *r, uint32_t guess, uint32_t *ret_index)
{
  if (r->account.len == 0)
    return NULL;
  if (guess == BW_NONE || !bw_key_eq(bw_keyed_at(&u->accounts, guess), r->account))
    return account_get(u, r->account, r->account_hash, ret_index);
  *ret_index = guess;
  return bw_keyed_at(&u->accounts, guess);
}

static void take_event(struct usage *u, const struct bw_record *r, const struct hint *hint)
{
  struct account *a;
  struct op op = {0};
  uint32_t user;
  int32_t day;
  if (!countable(u, r, &day))
    return;
  if (!(a = account_of(u, r, hint->account, &op.account))) {
    u->no_account++;
    return;
  }
  (void)activity_get(u, a);
  op.day = (uint16_t)day;
  if (op.day > a->newest)
    a->newest = op.day;
  user = user_of(u, r, op.account, hint->user);
  take_activity(u, r, op, user);
  if (u->cfg.department.n && r->nfields)
    take_department(u, r, op, a->newest, user);
  take_meaning(u, r, op, user);
  if (u->cfg.device.n && r->nfields && user != BW_NONE && u->cfg.activity & BW_KIND_BIT(r->kind))
    see_device(u, r, op, user);
  touch(u, a, op.account);
}

/*
 * Each record is met three times before it is counted, each time one step further down the chain of pointers, so that no step
 * waits for memory: the user's slot; the user; his account.
 */
static void ahead_slot(const struct usage *u, const struct bw_record *r)
{
  bw_index_prefetch(&u->users.index, hash_of(u, r->subject, r->subject_hash));
  __builtin_prefetch(r->fields);
  __builtin_prefetch(r->fields + 1);
}

static void ahead_user(const struct usage *u, const struct bw_record *r, struct hint *hint)
{
  *hint = (struct hint){BW_NONE, bw_index_peek(&u->users.index, hash_of(u, r->subject, r->subject_hash))};
  if (hint->user != BW_NONE)
    __builtin_prefetch(bw_keyed_at(&u->users, hint->user), 1);
}

static void ahead_account(const struct usage *u, struct hint *hint)
{
  if (hint->user == BW_NONE)
    return;
  hint->account = ((const struct user *)bw_keyed_at(&u->users, hint->user))->account;
  __builtin_prefetch(bw_keyed_at(&u->accounts, hint->account), 1);
}

static void look_ahead(const struct usage *u, const struct bw_batch *b, uint64_t i, struct hint *hints)
{
  if (i + 2 * AHEAD < b->count) { /* a record is three lines long */
    __builtin_prefetch(bw_batch_at(b, i + 2 * AHEAD));
    __builtin_prefetch(&bw_batch_at(b, i + 2 * AHEAD)->name_hash);
  }
  if (i + AHEAD < b->count)
    ahead_slot(u, bw_batch_at(b, i + AHEAD));
  if (i + AHEAD / 2 < b->count)
    ahead_user(u, bw_batch_at(b, i + AHEAD / 2), &hints[(i + AHEAD / 2) % AHEAD]);
  if (i + AHEAD / 4 < b->count)
    ahead_account(u, &hints[(i + AHEAD / 4) % AHEAD]);
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
  for (i = 0; i < batch->count && u->rc == 0; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    if (!u->hash_checked)
      check_hash(u, r);
    if (!u->hash_checked && r->kind != BW_KIND_TICK && r->account.len == 0 && r->kind != BW_KIND_PLAN)
      continue; /* an event without an account counts nowhere */
    if (u->stage.n >= u->stage.flush_at)
      stage_flush(u);
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
