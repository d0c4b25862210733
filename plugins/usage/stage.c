/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records are counted in two steps.  The first, in the order of arrival, finds the account and the user and settles what is the
 * user's; what is the account's it writes down here, 16 bytes a piece.  The second takes these by account, so that an account's
 * counters are fetched from memory once for all of its events and not once for each.
 *
 * Where the one step ends and the other begins must never show: pieces change their own account only, and those of one account
 * keep their order.  Runs in a watcher host; no privileges needed.
 */
#include <stdlib.h>

#include "usage.h"

#define SLACK 64     /* pieces that one record may add beyond flush_at */
#define FIRST 1024   /* room to begin with */
#define MAX_DIGIT 12 /* bits; twice as many number the most accounts that the options allow */

static void make_room(struct stage *s)
{
  uint32_t most = s->flush_at + SLACK, room = s->room ? s->room * 2 : FIRST;
  struct op *ops;
  room = room > most ? most : room;
  room = room <= s->n ? s->n + SLACK : room; /* flush_at was lowered */
  ops = bw_large_alloc(room * sizeof *ops);
  if (s->n)
    memcpy(ops, s->ops, s->n * sizeof *ops);
  free(s->ops);
  free(s->spare);
  s->ops = ops;
  s->spare = bw_large_alloc(room * sizeof *s->spare);
  s->room = room;
}

void stage_put(struct stage *s, struct op op)
{
  if (s->n == s->room)
    make_room(s);
  s->ops[s->n++] = op;
}

void stage_event(struct stage *s, struct op op)
{
  s->event = s->n;
  op.code = OP_EVENT;
  stage_put(s, op);
}

void stage_sign_in(struct stage *s, struct op op)
{
  struct op *e = &s->ops[s->event];
  if (!(e->arg & EVENT_SIGN_IN)) {
    e->arg |= EVENT_SIGN_IN;
    return;
  }
  op.code = OP_SIGN_IN;
  stage_put(s, op);
}

void stage_feature(struct stage *s, struct op op, uint16_t id)
{
  struct op *e = &s->ops[s->event];
  if (!e->id) {
    e->id = id;
    return;
  }
  op.code = OP_FEATURE;
  op.id = id;
  stage_put(s, op);
}

void stage_meter(struct stage *s, struct op op, uint8_t meter, uint64_t quantity)
{
  struct op *e = &s->ops[s->event];
  if (e->arg < EVENT_METER && meter < EVENT_METERS && quantity <= UINT32_MAX) {
    e->arg = (uint8_t)(e->arg + (meter + 1) * EVENT_METER);
    e->capped = (uint32_t)quantity;
    return;
  }
  op.code = OP_METER;
  op.arg = meter;
  op.quantity = quantity;
  stage_put(s, op);
}

void stage_clear(struct stage *s)
{
  free(s->ops);
  free(s->spare);
  *s = (struct stage){.flush_at = s->flush_at};
}

/* One pass of a radix sort: stable, by `bits` bits of the account's number. */
static void sort_pass(const struct op *from, struct op *to, uint32_t n, uint32_t shift, uint32_t bits)
{
  uint32_t at[1u << MAX_DIGIT], mask = (1u << bits) - 1, i, sum = 0;
  memset(at, 0, sizeof *at << bits);
  for (i = 0; i < n; i++)
    at[from[i].account >> shift & mask]++;
  for (i = 0; i <= mask; i++) {
    uint32_t here = at[i];
    at[i] = sum;
    sum += here;
  }
  for (i = 0; i < n; i++)
    to[at[from[i].account >> shift & mask]++] = from[i];
}

/* Two passes of half the bits each, so the outcome is where it was, and a flush of few pieces does not walk all accounts. */
static void sort_by_account(struct stage *s, uint32_t naccounts)
{
  uint32_t bits = 1;
  while (bits < MAX_DIGIT && naccounts > 1u << 2 * bits)
    bits++;
  sort_pass(s->ops, s->spare, s->n, 0, bits);
  sort_pass(s->spare, s->ops, s->n, bits, bits);
}

/* Where each account's pieces begin, and the end; in the spare memory, which nobody needs any more. */
static uint32_t find_runs(const struct stage *s, uint32_t *starts)
{
  uint32_t i, n = 0;
  for (i = 0; i < s->n; i++)
    if (i == 0 || s->ops[i].account != s->ops[i - 1].account)
      starts[n++] = i;
  starts[n] = s->n;
  return n;
}

static struct account *account_of(const struct usage *u, uint32_t run, const uint32_t *starts)
{
  return bw_keyed_at(&u->accounts, u->stage.ops[starts[run]].account);
}

static void ahead_of_run(const struct usage *u, uint32_t run, uint32_t nruns, const uint32_t *starts)
{
  if (run + 16 < nruns)
    __builtin_prefetch(&account_of(u, run + 16, starts)->act);
  if (run + 10 < nruns)
    ahead_activity(account_of(u, run + 10, starts)->act);
  if (run + 6 < nruns)
    ahead_tables(account_of(u, run + 6, starts)->act);
  if (run + 3 < nruns)
    ahead_blocks(u, account_of(u, run + 3, starts)->act);
}

void stage_flush(struct usage *u)
{
  struct stage *s = &u->stage;
  uint32_t *starts, nruns, k;
  if (s->n == 0)
    return;
  if (s->n == s->room)
    make_room(s); /* for the end of the last run */
  sort_by_account(s, bw_keyed_count(&u->accounts));
  starts = (uint32_t *)(void *)s->spare;
  nruns = find_runs(s, starts);
  for (k = 0; k < nruns; k++) {
    ahead_of_run(u, k, nruns, starts);
    apply(u, &s->ops[starts[k]], starts[k + 1] - starts[k]);
  }
  s->n = 0;
}
