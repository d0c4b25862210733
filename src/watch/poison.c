/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deaths on a batch, and the search for the one record that causes them.  Runs in core.
 * Needs the store and the journal.
 *
 * After three deaths on the same batch, its range is fed in halves.  A piece that is survived narrows the range to what comes
 * after it, a piece that is not to itself; a single record that kills is set aside and never fed to this watcher again.
 */
#include <stdlib.h>

#include "watch/private.h"

static uint64_t half(struct bw_range r)
{
  uint64_t n = (r.last - r.first + 1) / 2;
  return n ? n : 1;
}

static size_t dead_at(const struct bw_watcher *w, uint64_t offset)
{
  size_t lo = 0, hi = w->ndead;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (w->dead[mid] < offset)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

bool bw_poison_skips(const struct bw_watcher *w, uint64_t offset)
{
  size_t i = dead_at(w, offset);
  return i < w->ndead && w->dead[i] == offset;
}

bool bw_poison_in(const struct bw_watcher *w, struct bw_range r)
{
  size_t i = dead_at(w, r.first);
  return i < w->ndead && w->dead[i] <= r.last;
}

struct bw_range bw_poison_limit(const struct bw_watcher *w, struct bw_range r)
{
  if (!w->bisecting || r.first > w->suspect.last)
    return r;
  if (r.first < w->suspect.first) {
    if (r.last >= w->suspect.first)
      r.last = w->suspect.first - 1;
    return r;
  }
  if (r.last > w->suspect.last)
    r.last = w->suspect.last;
  if (r.last - r.first >= w->piece)
    r.last = r.first + w->piece - 1;
  return r;
}

static void dead_insert(struct bw_watcher *w, uint64_t offset)
{
  size_t at = dead_at(w, offset);
  if (at < w->ndead && w->dead[at] == offset)
    return;
  if (w->ndead == w->dead_cap) {
    w->dead_cap = w->dead_cap ? w->dead_cap * 2 : 16;
    w->dead = bw_realloc(w->dead, w->dead_cap, sizeof *w->dead);
  }
  memmove(w->dead + at + 1, w->dead + at, (w->ndead - at) * sizeof *w->dead);
  w->dead[at] = offset;
  w->ndead++;
}

/* The record itself, for the operator.  A range without one (a gap, a damaged block) yields a letter without a body. */
static int find_record(struct bw_watchers *ws, uint64_t offset, struct bw_record *ret_record, struct bw_error *err)
{
  struct bw_record none = {.offset = offset};
  struct bw_str batch;
  uint64_t first, last, i;
  int rc = bw_journal_read(ws->journal, offset, &batch, &first, &last, err);
  *ret_record = none;
  if (rc == 1)
    rc = bw_batch_read(&ws->reader, batch, 0, err);
  for (i = 0; rc >= 0 && i < ws->reader.batch.count; i++)
    if (bw_batch_at(&ws->reader.batch, i)->offset == offset)
      *ret_record = *bw_batch_at(&ws->reader.batch, i);
  return rc < 0 && rc != BW_ECORRUPT ? rc : BW_OK;
}

static void condemn(struct bw_watcher *w, uint64_t offset, const char *reason)
{
  struct bw_watchers *ws = w->ws;
  struct bw_error err = {0};
  struct bw_record r;
  char account[101] = "";
  int rc = find_record(ws, offset, &r, &err);
  if (r.account.len > 0) /* the record is borrowed from the journal */
    memcpy(account, r.account.data, r.account.len < 100 ? r.account.len : 100);
  if (rc == BW_OK)
    rc = bw_store_begin(ws->store, &err);
  if (rc == BW_OK)
    rc = bw_rows_dead_letter(w, &r, reason, &err);
  if (rc == BW_OK) {
    dead_insert(w, offset);
    rc = bw_watchers_done(ws, &err);
  }
  w->bisecting = false;
  w->deaths = 0;
  w->failures = 0; /* those were the search's; the next such record must not wait for their backoff */
  if (rc < 0) {
    bw_watchers_failed(ws);
    bw_watcher_notice(w, "dead_letter_failed", "record %llu could not be set aside and will be tried again: %s",
                      (unsigned long long)offset, err.message);
    return;
  }
  bw_watcher_notice(
      w, "poison_record",
      "record %llu (%s, account \"%s\") ends this watcher every time and was set aside for it: %s.  See `basewatch "
      "dead-letters`; the watcher goes on without it",
      (unsigned long long)offset, bw_kind_name(r.kind) ? bw_kind_name(r.kind) : "unreadable", account, reason);
}

static void suspect(struct bw_watcher *w, struct bw_range r, const char *reason)
{
  if (r.first == r.last) {
    condemn(w, r.first, reason);
    return;
  }
  if (!w->bisecting)
    bw_watcher_notice(w, "bisecting", "it died %u times on records %llu to %llu (%s): looking for the one that causes it",
                      w->deaths, (unsigned long long)r.first, (unsigned long long)r.last, reason);
  w->bisecting = true;
  w->suspect = r;
  w->piece = half(r);
}

void bw_poison_death(struct bw_watcher *w, struct bw_range culprit, const char *reason)
{
  bool same = w->deaths > 0 && culprit.first <= w->blamed.last && culprit.last >= w->blamed.first;
  if (w->bisecting && culprit.first >= w->suspect.first && culprit.last <= w->suspect.last) {
    suspect(w, culprit, reason);
    return;
  }
  w->deaths = same ? w->deaths + 1 : 1;
  w->blamed = culprit;
  if (w->deaths >= BW_DEATHS_MAX)
    suspect(w, culprit, reason);
}

void bw_poison_survived(struct bw_watcher *w, struct bw_range r)
{
  w->strangers = 0;
  if (w->deaths > 0 && r.last >= w->blamed.last && !w->bisecting)
    w->deaths = 0;
  if (!w->bisecting || r.last < w->suspect.first)
    return;
  if (r.last >= w->suspect.last) {
    w->bisecting = false; /* all of it passed: whatever it was did not come again */
    w->deaths = 0;
    return;
  }
  w->suspect.first = r.last + 1;
  w->piece = half(w->suspect);
}
