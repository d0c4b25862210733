/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users who turn up under another account: an acquisition or a domain's new name looks like a decline of the one and a growth
 * of the other, and is neither.  Runs in a watcher host; no privileges needed.
 */
#include <stdlib.h>

#include "usage.h"

#define MOVE_WINDOW 90  /* days within which the old activity must lie */
#define SHARE_WINDOW 63 /* days over which movers and movable are counted */
#define MAX_MOVES 32
#define MOVE_LONG 365 /* days before the last activity over which slow moves are counted */

/* The user's entry under another account with the newest activity; the older account on a tie.  The table's order never shows.
 */
static uint32_t newest_elsewhere(const struct usage *u, const struct user *x, int32_t day)
{
  struct bw_str name = bw_key_str(&x->key);
  uint32_t h = bw_hash_fold(bw_hash_str(name, u->seed)), i, best = BW_NONE;
  const struct bw_index *ix = &u->users.index;
  const struct user *b = NULL;
  for (i = h & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask) {
    const struct user *o;
    if (ix->slots[i].hash != h)
      continue;
    o = bw_keyed_at(&u->users, ix->slots[i].ref - 1);
    if (o == x || o->account == x->account || o->last == 0 || o->last > day || day - o->last > MOVE_WINDOW ||
        o->flags & USER_MOVED || !bw_key_eq(&o->key, name))
      continue;
    if (!b || o->last > b->last || (o->last == b->last && o->account < b->account)) {
      b = o;
      best = ix->slots[i].ref - 1;
    }
  }
  return best;
}

void merger_note(struct activity *from, uint32_t to, int32_t day)
{
  uint32_t i;
  for (i = 0; i < from->nmoves && from->moves[i].to != to; i++)
    ;
  if (i == from->nmoves) {
    if (i >= MAX_MOVES)
      return;
    from->moves = grown(from->moves, i, sizeof *from->moves);
    from->moves[i] = (struct move){.to = to, .first = (uint16_t)day};
    from->nmoves++;
  }
  if (day - from->moves[i].last > 2 * SHARE_WINDOW) {
    from->moves[i].n = 0;
    from->moves[i].first = (uint16_t)day;
  }
  if (from->moves[i].n < UINT16_MAX)
    from->moves[i].n++;
  if (day > from->moves[i].last)
    from->moves[i].last = (uint16_t)day;
}

void merger_user(struct usage *u, uint32_t index, int32_t day)
{
  struct user *x = bw_keyed_at(&u->users, index), *o;
  uint32_t best = newest_elsewhere(u, x, day);
  if (best == BW_NONE)
    return;
  o = bw_keyed_at(&u->users, best);
  o->flags |= USER_MOVED;
  stage_put(&u->stage, (struct op){.account = o->account, .day = (uint16_t)day, .code = OP_MOVED_OUT, .other = x->account});
  stage_put(&u->stage, (struct op){.account = x->account, .day = (uint16_t)day, .code = OP_MOVED_IN, .other = o->account});
}

static double moved(const struct usage *u, const struct activity *act, uint16_t kind, int32_t day, int32_t window)
{
  const struct counter *c = counter_find(act, kind, 0);
  return c ? (double)bw_series_sum(u->pool, &c->s, day - window + 1, day) : 0;
}

/* Users active in the last 9 weeks, movers included: each is counted under the last day that he was active here. */
static double movable(const struct usage *u, const struct activity *act, int32_t day)
{
  return mau_on(u, act, day, SHARE_WINDOW);
}

void merger_account(struct usage *u, uint32_t index, int32_t day, int64_t at_ms)
{
  struct account *a = bw_keyed_at(&u->accounts, index), *b;
  struct bw_str from, to;
  uint32_t i;
  for (i = 0; i < a->act->nmoves; i++) {
    struct move *m = &a->act->moves[i];
    double base = movable(u, a->act, day);
    if (m->told || day - m->last > SHARE_WINDOW || m->n < option_number(u, OPT_MERGE_MIN) ||
        m->n < option_number(u, OPT_MERGE_SHARE) * base)
      continue;
    m->told = true;
    b = bw_keyed_at(&u->accounts, m->to);
    a->act->merged_out = (uint16_t)day;
    b->act->merged_in = (uint16_t)day;
    from = bw_key_str(&a->key);
    to = bw_key_str(&b->key);
    notice(
        u, BW_URGENCY_MEDIUM, at_ms, from, "company_merged",
        "%u of %.0f recently active users of \"%.*s\" moved to \"%.*s\": a merger or a new domain, not a decline; signals of "
        "decline and growth of both are held.  Join the two accounts where they are one customer.",
        m->n, base, BW_FMT(from), BW_FMT(to));
  }
}

static bool lately(int32_t told, int32_t day, int32_t hold)
{
  return told && day >= told && day - told <= hold;
}

/* An account that has gone quiet: did several of its people turn up elsewhere since, half of those that it had?  They may have
   been few and slow, so the base is what it had before it went quiet.  One person who left is no merger. */
static bool quiet_and_moved(const struct usage *u, const struct activity *act, int32_t day)
{
  int32_t since = act->last - MOVE_LONG + 1;
  double out, base;
  if (day - act->last < 7 || !act->nmoves)
    return false;
  out = moved(u, act, C_MOVED_OUT, day, day - since + 1);
  base = (double)bw_series_sum(u->pool, &act->mau_days, since, act->last) / MOVE_LONG;
  return out >= 2 && out >= option_number(u, OPT_MERGE_SHARE) * base;
}

/* Before a merger is certain, a good share of movers is reason enough to say nothing yet.  An account that ended with its
   merger stays at rest for good. */
bool merger_holds_decline(const struct usage *u, const struct account *a, int32_t day)
{
  const struct activity *act = a->act;
  int32_t hold = option_days(u, OPT_MERGE_HOLD);
  double out;
  if (lately(act->merged_out, day, hold) || (act->merged_out && act->last <= act->merged_out + hold) ||
      quiet_and_moved(u, act, day))
    return true;
  out = moved(u, act, C_MOVED_OUT, day, MOVE_WINDOW);
  return out > 0 && out >= option_number(u, OPT_MERGE_SHARE) / 2 * movable(u, act, day);
}

bool merger_holds_growth(const struct usage *u, const struct account *a, int32_t day)
{
  double in;
  if (lately(a->act->merged_in, day, option_days(u, OPT_MERGE_HOLD)))
    return true;
  in = moved(u, a->act, C_MOVED_IN, day, MOVE_WINDOW);
  return in > 0 && in >= option_number(u, OPT_MERGE_SHARE) / 2 * mau_on(u, a->act, day, u->cfg.mau_window);
}
