/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which accounts can be passed over at once: a bit for each account that has, or lately had, an open signal that some play
 * weighs, or an open lead.  A bit too many costs a look, never an answer.  Runs in core and replays; no privileges.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "plays/private.h"

#define LEAST_BITS 65536
#define BITS_PER_ACCOUNT 16

static size_t bit_of(const struct heard *h, struct bw_str account)
{
  return bw_hash_str(account, UINT64_C(0x9e3779b97f4a7c15)) & h->mask;
}

static void mark(struct heard *h, struct bw_str account)
{
  size_t at = bit_of(h, account);
  h->n += !(h->bits[at / 64] >> (at % 64) & 1);
  h->bits[at / 64] |= UINT64_C(1) << (at % 64);
}

static bool weighed(const struct bw_plays *p, uint32_t type)
{
  size_t i;
  for (i = 0; i < sizeof p->triggers[type].words / sizeof *p->triggers[type].words; i++)
    if (p->triggers[type].words[i])
      return true;
  return false;
}

static int count(void *ctx, const struct bw_episode *ep)
{
  (void)ep;
  ++*(size_t *)ctx;
  return 0;
}

static int mark_episode(void *ctx, const struct bw_episode *ep)
{
  struct bw_engine *e = ctx;
  if (weighed(e->plays, ep->type_index))
    mark(&e->heard, ep->account);
  return 0;
}

static int mark_lead(void *ctx, const struct bw_lead *lead)
{
  mark(&((struct bw_engine *)ctx)->heard, bw_str(lead->account));
  return 0;
}

static void rebuild(struct bw_engine *e, int32_t day)
{
  struct heard *h = &e->heard;
  size_t open = 0, bits = LEAST_BITS;
  bw_signals_each(e->signals, count, &open);
  while (bits < (open + e->nleads) * BITS_PER_ACCOUNT)
    bits *= 2;
  if (bits != h->mask + 1) {
    free(h->bits);
    h->bits = bw_calloc(bits / 64, sizeof *h->bits);
    h->mask = bits - 1;
  }
  memset(h->bits, 0, bits / 8);
  h->n = 0;
  bw_signals_each(e->signals, mark_episode, e);
  bw_leads_each(e, true, mark_lead, e);
  h->day = day;
}

void bw_engine_hear_signals(struct bw_engine *e)
{
  e->heard.on = true;
  rebuild(e, INT32_MIN);
}

void bw_engine_heard(struct bw_engine *e, const struct bw_episode *ep)
{
  if (e->heard.on)
    mark_episode(e, ep);
}

void bw_heard_lead(struct bw_engine *e, const struct bw_lead *lead)
{
  if (e->heard.on)
    mark_lead(e, lead);
}

/* Forgets, once a day, whose signals have cleared; and grows. */
void bw_heard_tick(struct bw_engine *e, int64_t now_ms)
{
  struct heard *h = &e->heard;
  if (h->on && (h->day != bw_time_day(now_ms) || h->n > (h->mask + 1) / 4))
    rebuild(e, bw_time_day(now_ms));
}

void bw_heard_plays(struct bw_engine *e)
{
  if (e->heard.on)
    rebuild(e, e->heard.day);
}

bool bw_heard_nothing(const struct bw_engine *e, struct bw_str account)
{
  size_t at;
  if (!e->heard.on)
    return false;
  at = bit_of(&e->heard, account);
  return !(e->heard.bits[at / 64] >> (at % 64) & 1);
}
