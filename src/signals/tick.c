/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on a tick: the fleet guard, the release of what it held, expiry.  Runs in core and replays; no privileges. */
#include <stdlib.h>

#include "base/time.h"
#include "signals/private.h"

/* Closes the gaps that cleared episodes left. */
static void compact(struct bw_signals *s)
{
  size_t i, n = 0;
  if (s->holes * 2 < s->nopen)
    return;
  for (i = 0; i < s->nopen; i++)
    if (s->open[i]) {
      s->open[i]->slot = n;
      s->open[n++] = s->open[i];
    }
  s->nopen = n;
  s->holes = 0;
}

static uint64_t active_accounts(const struct bw_signals *s, int64_t now_ms)
{
  uint64_t n = 0;
  size_t i;
  for (i = 0; i < s->naccounts; i++)
    n += s->accounts[i]->seen_ms != BW_TIME_NONE && s->accounts[i]->seen_ms >= now_ms - s->options.active_ms;
  return n;
}

static int by_account(const void *a, const void *b)
{
  const struct account *x = *(struct account *const *)a, *y = *(struct account *const *)b;
  return x < y ? -1 : x > y; /* only to count distinct ones: the order is never seen */
}

/* Accounts with a fresh or held episode of the type. */
static uint64_t accounts_moved(const struct bw_signals *s, uint32_t type)
{
  struct account **list = bw_calloc(s->nopen + 1, sizeof *list);
  size_t i, n = 0;
  uint64_t distinct = 0;
  for (i = 0; i < s->nopen; i++) {
    const struct episode *ep = s->open[i];
    if (ep && ep->pub.type_index == type && (ep->fresh || ep->pub.held_until != BW_TIME_NONE))
      list[n++] = ep->account;
  }
  qsort(list, n, sizeof *list, by_account);
  for (i = 0; i < n; i++)
    distinct += i == 0 || list[i] != list[i - 1];
  free(list);
  return distinct;
}

static void hold(struct bw_signals *s, uint32_t type, uint64_t moved, uint64_t active, int64_t now_ms)
{
  char when[BW_TIME_TEXT];
  char *text BW_AUTOFREE = NULL;
  int64_t until = now_ms + s->options.fleet_hold_ms;
  uint64_t n = 0;
  size_t i;
  for (i = 0; i < s->nfresh; i++) {
    struct episode *ep = s->fresh[i];
    if (!ep || ep->pub.type_index != type)
      continue;
    ep->pub.held_until = until;
    if (s->store)
      bw_signals_mark_dirty(s, ep);
    n++;
  }
  bw_time_format(until, when);
  text =
      bw_asprintf("%s opened on %llu accounts at once; with those already held that is %llu of %llu active accounts (%.1f %%), "
                  "which looks like a holiday, an outage or broken tracking rather than %llu customers leaving. They are held "
                  "back from plays until %s; check the feed. If the shift is real: basewatch release %s",
                  bw_catalog_signal(s->catalog, type)->name, (unsigned long long)n, (unsigned long long)moved,
                  (unsigned long long)active, active ? 100.0 * (double)moved / (double)active : 100.0,
                  (unsigned long long)moved, when, bw_catalog_signal(s->catalog, type)->name);
  bw_signals_notice(s, now_ms, BW_URGENCY_HIGH, "fleet_shift", bw_str(text));
}

static void guard(struct bw_signals *s, int64_t now_ms)
{
  size_t ntypes = bw_catalog_signals(s->catalog), i;
  uint32_t *opened, type;
  uint64_t active = UINT64_MAX;
  if (s->nfresh) {
    opened = bw_calloc(ntypes, sizeof *opened);
    for (i = 0; i < s->nfresh; i++)
      if (s->fresh[i])
        opened[s->fresh[i]->pub.type_index]++;
    for (type = 0; type < ntypes; type++) {
      uint64_t moved;
      if (!opened[type])
        continue;
      moved = accounts_moved(s, type);
      if (moved < (uint64_t)s->options.fleet_min)
        continue;
      if (active == UINT64_MAX)
        active = active_accounts(s, now_ms);
      if ((double)moved > s->options.fleet_share * (double)active)
        hold(s, type, moved, active, now_ms);
    }
    free(opened);
  }
  for (i = 0; i < s->nfresh; i++)
    if (s->fresh[i])
      s->fresh[i]->fresh = 0;
  s->nfresh = 0;
}

static void release(struct bw_signals *s, struct episode *ep)
{
  ep->pub.held_until = BW_TIME_NONE;
  if (s->store)
    bw_signals_mark_dirty(s, ep);
  bw_signals_mark_changed(s, ep->account);
}

size_t bw_signals_release(struct bw_signals *s, struct bw_str type)
{
  size_t i, n = 0;
  for (i = 0; i < s->nopen; i++) {
    struct episode *ep = s->open[i];
    if (!ep || ep->pub.held_until == BW_TIME_NONE || (type.len && !bw_str_is(type, ep->pub.type->name)))
      continue;
    release(s, ep);
    n++;
  }
  return n;
}

static void daily(struct bw_signals *s, int64_t now_ms)
{
  size_t i, n = s->nopen;
  for (i = 0; i < n; i++) {
    struct episode *ep = s->open[i];
    if (!ep)
      continue;
    if (ep->pub.updated_at + s->options.expiry_ms < now_ms && !s->persists[ep->pub.type_index])
      bw_signals_end(s, ep, now_ms, true);
    else if (ep->pub.held_until != BW_TIME_NONE && ep->pub.held_until <= now_ms)
      release(s, ep); /* still open after the hold: it is no blip */
  }
}

int bw_signals_tick(struct bw_signals *s, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
  int32_t day = bw_time_day(now_ms);
  if (now_ms < 0 || now_ms > BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "a tick with an impossible time");
  guard(s, now_ms);
  if (day > s->last_day) {
    daily(s, now_ms);
    s->last_day = day;
  }
  compact(s);
  s->tick_offset = offset;
  s->meta_dirty = true;
  return 0;
}
