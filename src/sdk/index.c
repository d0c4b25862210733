/* SPDX-License-Identifier: Apache-2.0 */
/* Hot tables.  Runs in watcher hosts; no privileges needed. */
#include "sdk/index.h"

#include <stdlib.h>

#include "base/hash.h"

static void slot_insert(struct bw_slot *slots, uint32_t mask, struct bw_slot s)
{
  uint32_t i = s.hash & mask;
  while (slots[i].ref)
    i = (i + 1) & mask;
  slots[i] = s;
}

static void grow(struct bw_index *ix)
{
  uint32_t n = ix->slots ? (ix->mask + 1) * 2 : 64, i;
  struct bw_slot *fresh = bw_large_alloc(n * sizeof *fresh);
  if (ix->slots)
    for (i = 0; i <= ix->mask; i++)
      if (ix->slots[i].ref)
        slot_insert(fresh, n - 1, ix->slots[i]);
  free(ix->slots);
  ix->slots = fresh;
  ix->mask = n - 1;
}

void bw_index_put(struct bw_index *ix, uint32_t hash, uint32_t entry)
{
  if (!ix->slots || (uint64_t)ix->count * 3 >= ((uint64_t)ix->mask + 1) * 2)
    grow(ix);
  slot_insert(ix->slots, ix->mask, (struct bw_slot){hash, entry + 1});
  ix->count++;
}

void bw_index_clear(struct bw_index *ix)
{
  free(ix->slots);
  *ix = (struct bw_index){0};
}

void *bw_arena_alloc(struct bw_arena *a, size_t size)
{
  char *p;
  size = (size + 63) & ~(size_t)63;
  BW_ASSERT(size <= BW_ARENA_REGION);
  if (a->nregions == 0 || BW_ARENA_REGION - a->used < size) {
    p = bw_large_alloc(BW_ARENA_REGION);
    a->regions = bw_realloc(a->regions, (size_t)a->nregions + 1, sizeof *a->regions);
    a->regions[a->nregions++] = p;
    a->used = 0;
  }
  p = a->regions[a->nregions - 1] + a->used;
  a->used += size;
  return p;
}

void bw_arena_clear(struct bw_arena *a)
{
  uint32_t i;
  for (i = 0; i < a->nregions; i++)
    free(a->regions[i]);
  free(a->regions);
  *a = (struct bw_arena){0};
}

uint32_t bw_chunks_add(struct bw_chunks *c)
{
  uint32_t i = c->count;
  if (i >> BW_CHUNK_SHIFT >= c->nchunks) {
    c->chunks = bw_realloc(c->chunks, (size_t)c->nchunks + 1, sizeof *c->chunks);
    c->chunks[c->nchunks++] = bw_arena_alloc(&c->arena, c->size << BW_CHUNK_SHIFT);
  }
  c->count++;
  return i;
}

void bw_chunks_clear(struct bw_chunks *c)
{
  free(c->chunks);
  bw_arena_clear(&c->arena);
  *c = (struct bw_chunks){.size = c->size};
}

void bw_keyed_init(struct bw_keyed *t, size_t entry_size, uint32_t max)
{
  *t = (struct bw_keyed){.entries = {.size = entry_size}, .max = max};
}

void bw_keyed_clear(struct bw_keyed *t)
{
  uint32_t i;
  for (i = 0; i < t->entries.count; i++) {
    struct bw_key *k = bw_keyed_at(t, i);
    if (k->len > BW_KEY_INLINE)
      free((char *)(uintptr_t)bw_key_str(k).data);
  }
  bw_index_clear(&t->index);
  bw_chunks_clear(&t->entries);
}

uint32_t bw_keyed_append(struct bw_keyed *t, struct bw_str s)
{
  struct bw_key *k;
  uint32_t i;
  if (t->entries.count >= t->max || s.len > BW_KEY_MAX)
    return BW_NONE;
  i = bw_chunks_add(&t->entries);
  k = bw_keyed_at(t, i);
  k->len = (uint16_t)s.len;
  if (s.len > BW_KEY_INLINE) {
    char *copy = bw_strndup(s.data, s.len);
    memcpy(k->text, &copy, sizeof copy);
  } else if (s.len) {
    memcpy(k->text, s.data, s.len);
  }
  return i;
}

uint32_t bw_keyed_add(struct bw_keyed *t, uint32_t hash, struct bw_str s)
{
  uint32_t i = bw_keyed_append(t, s);
  if (i != BW_NONE)
    bw_index_put(&t->index, hash, i);
  return i;
}

void bw_intern_init(struct bw_intern *t, uint64_t seed, uint32_t max)
{
  bw_keyed_init(&t->table, sizeof(struct bw_key), max);
  t->seed = seed;
  t->refused = 0;
}

void bw_intern_clear(struct bw_intern *t)
{
  bw_keyed_clear(&t->table);
}

uint32_t bw_intern_find(const struct bw_intern *t, struct bw_str s)
{
  return bw_keyed_find(&t->table, bw_hash_fold(bw_hash_str(s, t->seed)), s) + 1; /* BW_NONE + 1 is 0 */
}

uint32_t bw_intern_get(struct bw_intern *t, struct bw_str s)
{
  uint32_t h = bw_hash_fold(bw_hash_str(s, t->seed)), i = bw_keyed_find(&t->table, h, s);
  if (i == BW_NONE)
    i = bw_keyed_add(&t->table, h, s);
  if (i == BW_NONE)
    t->refused++;
  return i + 1;
}

struct bw_str bw_intern_str(const struct bw_intern *t, uint32_t id)
{
  if (id == 0 || id > bw_keyed_count(&t->table))
    return (struct bw_str){"", 0};
  return bw_key_str(bw_keyed_at(&t->table, id - 1));
}
