/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users who turn up under another account: an acquisition or a domain's new name looks like a decline of the one and a growth
 * of the other, and is neither.  Who is active under the old account again and again has not moved: he works for both, or
 * the accounts number their users alike.  Runs in a watcher host; no privileges needed.
 */
#include <stdlib.h>

#include "usage.h"

#define MOVE_WINDOW 90  /* days within which the old activity must lie */
#define SHARE_WINDOW 63 /* days over which movers and movable are counted */
#define MAX_MOVES 32
#define MOVE_LONG 365 /* days before the last activity over which slow moves are counted */
#define SETTLED 28    /* days before a merger is told: by then, who only works for both was seen again */

static bool may_have_moved(const struct user *o, const struct user *to, int32_t day)
{
  return o->account != to->account && o->last > 0 && o->last <= day && day - o->last <= MOVE_WINDOW && !(o->flags & USER_MOVED);
}

/* The user's entry under another account with the newest activity; the older account on a tie.  The table's order never shows.
   A name that many accounts have is not one person's. */
static uint32_t newest_elsewhere(const struct usage *u, const struct user *x, int32_t day)
{
  struct bw_str name = bw_key_str(&x->key);
  uint32_t same[NAMESAKES], i, best = BW_NONE;
  uint32_t n = user_namesakes(u, bw_hash_fold(bw_hash_str(name, u->seed)), name, same);
  const struct user *b = NULL;
  for (i = 0; i < n && n < NAMESAKES; i++) {
    const struct user *o = bw_keyed_at(&u->users, same[i]);
    if (may_have_moved(o, x, day) && (!b || o->last > b->last || (o->last == b->last && o->account < b->account))) {
      b = o;
      best = same[i];
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

void merger_take_back(struct activity *from, uint32_t to)
{
  uint32_t i;
  for (i = 0; i < from->nmoves; i++)
    if (from->moves[i].to == to && from->moves[i].n > 0)
      from->moves[i].n--;
}

static void put_move(struct usage *u, uint32_t from, uint32_t to, uint16_t day, bool back)
{
  stage_put(&u->stage, (struct op){.account = from, .day = day, .code = OP_MOVED_OUT, .arg = back, .other = to});
  stage_put(&u->stage, (struct op){.account = to, .day = day, .code = OP_MOVED_IN, .arg = back, .other = from});
}

void merger_user(struct usage *u, uint32_t index, int32_t day)
{
  struct user *x = bw_keyed_at(&u->users, index), *o;
  uint32_t best = newest_elsewhere(u, x, day);
  if (best == BW_NONE)
    return;
  o = bw_keyed_at(&u->users, best);
  o->flags = (o->flags & USER_SIGNED_IN) | USER_MOVED;
  o->moved_to = x->account;
  put_move(u, o->account, x->account, (uint16_t)day, false);
}

void merger_stayed(struct usage *u, uint32_t index, int32_t day)
{
  struct user *o = bw_keyed_at(&u->users, index);
  struct bw_str name = bw_key_str(&o->key);
  uint32_t there = user_find(u, bw_hash_fold(bw_hash_str(name, u->seed)), name, o->moved_to);
  const struct user *x = there == BW_NONE ? NULL : bw_keyed_at(&u->users, there);
  if (x && day <= x->first)
    return; /* may have been before the move */
  o->flags += USER_RETURNED;
  if (o->flags < RETURNS * USER_RETURNED)
    return;
  o->flags &= USER_SIGNED_IN;
  if (x)
    put_move(u, o->account, x->account, x->first, true);
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
    if (m->told || day - m->first < SETTLED || day - m->last > SHARE_WINDOW || m->n < option_number(u, OPT_MERGE_MIN) ||
        m->n < option_number(u, OPT_MERGE_SHARE) * base)
      continue;
    m->told = true;
    b = bw_keyed_at(&u->accounts, m->to);
    a->act->merged_out = (uint16_t)day;
    b->act->merged_in = (uint16_t)day;
    from = bw_key_str(&a->key);
    to = bw_key_str(&b->key);
    notice(u, BW_URGENCY_MEDIUM, at_ms, from, "company_merged",
           "%u users of \"%.*s\", where %.0f were active within nine weeks, moved to \"%.*s\": a merger or a new domain, not a "
           "decline; signals of decline and growth of both are held.  Join the two accounts where they are one customer.",
           m->n, BW_FMT(from), base, BW_FMT(to));
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
