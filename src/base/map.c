/* SPDX-License-Identifier: Apache-2.0 */
/* Hash map.  Entries stand in a dense array in insertion order; the index holds positions in it.  No privileges needed. */
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/hash.h"

struct entry {
  uint64_t hash;
  char *key; /* NULL: removed */
  size_t len;
  void *value;
};

struct bw_map {
  struct entry *entries;
  uint32_t *index;  /* position + 1; 0 is empty */
  size_t used, cap; /* entries, removed ones included */
  size_t live;
  size_t mask; /* index size - 1 */
  uint64_t seed;
};

uint64_t bw_hash_seed(void)
{
  static uint64_t seed;
  if (seed == 0 && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = (uint64_t)(uintptr_t)&seed; /* a sandbox without getrandom: address randomisation still varies it */
  return seed;
}

struct bw_map *bw_map_new(void)
{
  struct bw_map *m = bw_alloc(sizeof *m);
  m->seed = bw_hash_seed();
  m->mask = 15;
  m->index = bw_calloc(m->mask + 1, sizeof *m->index);
  return m;
}

void bw_map_free(struct bw_map **mp, void (*free_value)(void *))
{
  struct bw_map *m = *mp;
  size_t i;
  if (!m)
    return;
  for (i = 0; i < m->used; i++) {
    if (!m->entries[i].key)
      continue;
    if (free_value)
      free_value(m->entries[i].value);
    free(m->entries[i].key);
  }
  free(m->entries);
  free(m->index);
  free(m);
  *mp = NULL;
}

/* The index slot that holds key, or the empty slot where its probe ends. */
static size_t find(const struct bw_map *m, uint64_t hash, struct bw_str key)
{
  size_t slot = hash & m->mask;
  while (m->index[slot]) {
    const struct entry *e = &m->entries[m->index[slot] - 1];
    if (e->key && e->hash == hash && bw_str_eq(bw_str_n(e->key, e->len), key))
      return slot;
    slot = (slot + 1) & m->mask;
  }
  return slot;
}

void *bw_map_get(const struct bw_map *m, struct bw_str key)
{
  uint32_t at = m->index[find(m, bw_hash_str(key, m->seed), key)];
  return at ? m->entries[at - 1].value : NULL;
}

/* Drops removed entries and makes the index fit: at most half full. */
static void rebuild(struct bw_map *m)
{
  size_t i, n = 0, slot;
  for (i = 0; i < m->used; i++)
    if (m->entries[i].key)
      m->entries[n++] = m->entries[i];
  m->used = n;
  while (n * 2 >= m->mask)
    m->mask = m->mask * 2 + 1;
  BW_ASSERT(m->mask < UINT32_MAX);
  free(m->index);
  m->index = bw_calloc(m->mask + 1, sizeof *m->index);
  for (i = 0; i < n; i++) {
    for (slot = m->entries[i].hash & m->mask; m->index[slot];)
      slot = (slot + 1) & m->mask;
    m->index[slot] = (uint32_t)(i + 1);
  }
}

void *bw_map_put(struct bw_map *m, struct bw_str key, void *value)
{
  uint64_t hash = bw_hash_str(key, m->seed);
  size_t slot = find(m, hash, key);
  struct entry *e;
  BW_ASSERT(value);
  if (m->index[slot]) {
    void *old = m->entries[m->index[slot] - 1].value;
    m->entries[m->index[slot] - 1].value = value;
    return old;
  }
  if ((m->used + 1) * 2 >= m->mask) {
    rebuild(m);
    slot = find(m, hash, key);
  }
  if (m->used == m->cap) {
    m->cap = m->cap ? m->cap * 2 : 8;
    m->entries = bw_realloc(m->entries, m->cap, sizeof *m->entries);
  }
  e = &m->entries[m->used++];
  *e = (struct entry){hash, bw_str_dup(key), key.len, value};
  m->index[slot] = (uint32_t)m->used;
  m->live++;
  return NULL;
}

void *bw_map_remove(struct bw_map *m, struct bw_str key)
{
  size_t slot = find(m, bw_hash_str(key, m->seed), key);
  struct entry *e;
  void *old;
  if (!m->index[slot])
    return NULL;
  e = &m->entries[m->index[slot] - 1];
  old = e->value;
  free(e->key);
  e->key = NULL; /* the index keeps pointing here, as a tombstone, until the next rebuild */
  e->value = NULL;
  m->live--;
  return old;
}

size_t bw_map_count(const struct bw_map *m)
{
  return m->live;
}

bool bw_map_next(const struct bw_map *m, size_t *i, struct bw_str *ret_key, void **ret_value)
{
  while (*i < m->used) {
    const struct entry *e = &m->entries[(*i)++];
    if (!e->key)
      continue;
    if (ret_key)
      *ret_key = bw_str_n(e->key, e->len);
    if (ret_value)
      *ret_value = e->value;
    return true;
  }
  return false;
}
