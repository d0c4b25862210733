/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of hashes in order of arrival, and an open-addressing index into it.  Old ones leave at the head, forgotten ones at
 * the tail. Runs in core; no privileges.
 */
#include "ingest/dedup.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/time.h"

#define NOTHING UINT32_MAX
#define FIRST_CAP 1024

struct entry {
  uint64_t h1, h2;
  int64_t arrival_ms;
};

struct bw_dedup {
  struct bw_dedup_options options;
  struct entry *ring; /* cap, a power of two */
  uint32_t *index;    /* 2 * cap slots: position in the ring, or NOTHING */
  size_t cap;
  uint64_t head, tail, committed; /* counts of all entries ever; position = count & (cap - 1) */
  int64_t latest_ms;
  struct bw_dedup_stats stats;
};

static void index_alloc(struct bw_dedup *d)
{
  size_t i;
  d->index = bw_realloc(d->index, d->cap * 2, sizeof *d->index);
  for (i = 0; i < d->cap * 2; i++)
    d->index[i] = NOTHING;
}

struct bw_dedup *bw_dedup_new(const struct bw_dedup_options *options)
{
  struct bw_dedup *d = bw_alloc(sizeof *d);
  d->options = *options;
  if (d->options.window_ms <= 0)
    d->options.window_ms = BW_DAY;
  if (d->options.limit == 0)
    d->options.limit = 8000000;
  if (d->options.limit > (size_t)1 << 30)
    d->options.limit = (size_t)1 << 30;
  d->cap = FIRST_CAP;
  d->ring = bw_calloc(d->cap, sizeof *d->ring);
  index_alloc(d);
  d->latest_ms = INT64_MIN;
  return d;
}

void bw_dedup_free(struct bw_dedup **dedup)
{
  if (!*dedup)
    return;
  free((*dedup)->ring);
  free((*dedup)->index);
  free(*dedup);
  *dedup = NULL;
}

static size_t index_mask(const struct bw_dedup *d)
{
  return d->cap * 2 - 1;
}

/* The slot that holds the entry, or the free one where it would go. */
static size_t find(const struct bw_dedup *d, uint64_t h1, uint64_t h2)
{
  size_t i = (size_t)h1 & index_mask(d);
  while (d->index[i] != NOTHING) {
    const struct entry *e = &d->ring[d->index[i]];
    if (e->h1 == h1 && e->h2 == h2)
      break;
    i = (i + 1) & index_mask(d);
  }
  return i;
}

/* Linear probing without tombstones: what follows moves up where it may. */
static void unlink_slot(struct bw_dedup *d, size_t hole)
{
  size_t i = hole, home, mask = index_mask(d);
  for (;;) {
    i = (i + 1) & mask;
    if (d->index[i] == NOTHING)
      break;
    home = (size_t)d->ring[d->index[i]].h1 & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      d->index[hole] = d->index[i];
      hole = i;
    }
  }
  d->index[hole] = NOTHING;
}

static void forget(struct bw_dedup *d, uint64_t at)
{
  const struct entry *e = &d->ring[at & (d->cap - 1)];
  unlink_slot(d, find(d, e->h1, e->h2));
}

static void expire(struct bw_dedup *d)
{
  while (d->head < d->tail && d->latest_ms - d->ring[d->head & (d->cap - 1)].arrival_ms >= d->options.window_ms)
    forget(d, d->head++);
}

static void grow(struct bw_dedup *d)
{
  size_t old = d->cap;
  struct entry *ring = bw_calloc(old * 2, sizeof *ring);
  uint64_t i;
  for (i = d->head; i < d->tail; i++)
    ring[i & (old * 2 - 1)] = d->ring[i & (old - 1)];
  free(d->ring);
  d->ring = ring;
  d->cap = old * 2;
  index_alloc(d);
  for (i = d->head; i < d->tail; i++) {
    const struct entry *e = &ring[i & (d->cap - 1)];
    d->index[find(d, e->h1, e->h2)] = (uint32_t)(i & (d->cap - 1));
  }
}

bool bw_dedup_add(struct bw_dedup *d, struct bw_str id, int64_t arrival_ms)
{
  uint64_t h[2];
  size_t slot;
  if (id.len == 0)
    return true;
  (void)crypto_shorthash_siphashx24((unsigned char *)h, (const unsigned char *)id.data, id.len, d->options.key);
  if (arrival_ms > d->latest_ms)
    d->latest_ms = arrival_ms;
  expire(d);
  if (d->index[find(d, h[0], h[1])] != NOTHING) {
    d->stats.duplicates++;
    return false;
  }
  if (d->tail - d->head >= d->options.limit) {
    forget(d, d->head++);
    d->stats.evicted++;
  }
  if (d->tail - d->head == d->cap)
    grow(d);
  slot = find(d, h[0], h[1]);
  d->ring[d->tail & (d->cap - 1)] = (struct entry){h[0], h[1], d->latest_ms};
  d->index[slot] = (uint32_t)(d->tail & (d->cap - 1));
  d->tail++;
  return true;
}

void bw_dedup_committed(struct bw_dedup *d)
{
  d->committed = d->tail;
}

void bw_dedup_rolled_back(struct bw_dedup *d)
{
  uint64_t keep = d->committed > d->head ? d->committed : d->head;
  while (d->tail > keep)
    forget(d, --d->tail);
  d->committed = d->tail;
}

void bw_dedup_stats(const struct bw_dedup *d, struct bw_dedup_stats *ret_stats)
{
  *ret_stats = d->stats;
  ret_stats->held = d->tail - d->head;
}
