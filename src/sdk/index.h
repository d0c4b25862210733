/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hot tables of the SDK: an open-addressed index, chunked entries that never move, and both together as a table of named
 * things. Runs in watcher hosts; no privileges needed.
 *
 * Entries are numbered in order of insertion, so whoever walks by number never sees the hash.
 */
#ifndef BW_SDK_INDEX_H
#define BW_SDK_INDEX_H

#include "base/error.h"
#include "base/str.h"

#define BW_NONE UINT32_MAX

/* ---- an index from 32-bit hashes to entry numbers ---- */
struct bw_slot {
  uint32_t hash;
  uint32_t ref; /* entry number + 1; 0: empty */
};
struct bw_index { /* init by zeroing */
  struct bw_slot *slots;
  uint32_t mask, count;
};

/* The host's 64-bit hash, folded. */
static inline uint32_t bw_hash_fold(uint64_t h)
{
  return (uint32_t)(h ^ h >> 32);
}
void bw_index_put(struct bw_index *ix, uint32_t hash, uint32_t entry);
void bw_index_clear(struct bw_index *ix);
/* Asks the processor for the line that a look-up of this hash will need. */
static inline void bw_index_prefetch(const struct bw_index *ix, uint32_t hash)
{
  if (ix->slots)
    __builtin_prefetch(&ix->slots[hash & ix->mask]);
}
/* The first entry whose 32-bit hash matches (a likely, not a certain, answer: for prefetching), or BW_NONE. */
static inline uint32_t bw_index_peek(const struct bw_index *ix, uint32_t hash)
{
  uint32_t i;
  if (!ix->slots)
    return BW_NONE;
  for (i = hash & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask)
    if (ix->slots[i].hash == hash)
      return ix->slots[i].ref - 1;
  return BW_NONE;
}

/* ---- memory that lives as long as its owner, in few large pages: random access to small pages is mostly page walks ---- */
struct bw_arena { /* init by zeroing */
  char **regions;
  uint32_t nregions;
  size_t used; /* of the newest */
};
void *bw_arena_alloc(struct bw_arena *a, size_t size); /* zeroed, aligned to 64 bytes; at most BW_ARENA_REGION */
void bw_arena_clear(struct bw_arena *a);
#define BW_ARENA_REGION BW_LARGE_PAGE

/* ---- entries of one size, in chunks: pointers stay valid ---- */
#define BW_CHUNK_SHIFT 10
struct bw_chunks {
  char **chunks;
  uint32_t count, nchunks;
  size_t size; /* of one entry, at most 2048 bytes */
  struct bw_arena arena;
};
static inline void *bw_chunks_at(const struct bw_chunks *c, uint32_t i)
{
  return c->chunks[i >> BW_CHUNK_SHIFT] + (i & ((1u << BW_CHUNK_SHIFT) - 1)) * c->size;
}
uint32_t bw_chunks_add(struct bw_chunks *c); /* a zeroed entry; its number */
void bw_chunks_clear(struct bw_chunks *c);

/* ---- a table of named things: every entry begins with a bw_key ---- */
#define BW_KEY_INLINE 38 /* a UUID with dashes fits */
#define BW_KEY_MAX 512
struct bw_key {
  uint16_t len;
  char text[BW_KEY_INLINE]; /* longer names: the first bytes are a pointer to a copy */
};
static inline struct bw_str bw_key_str(const struct bw_key *k)
{
  const char *p = k->text;
  if (k->len > BW_KEY_INLINE)
    memcpy(&p, k->text, sizeof p);
  return (struct bw_str){p, k->len};
}
static inline bool bw_key_eq(const struct bw_key *k, struct bw_str s)
{
  return k->len == s.len && bw_bytes_eq(bw_key_str(k).data, s.data, s.len);
}

struct bw_keyed {
  struct bw_index index;
  struct bw_chunks entries;
  uint32_t max; /* entries; further ones are refused */
};
/* entry_size includes the bw_key at the start. */
void bw_keyed_init(struct bw_keyed *t, size_t entry_size, uint32_t max);
void bw_keyed_clear(struct bw_keyed *t);
static inline void *bw_keyed_at(const struct bw_keyed *t, uint32_t i)
{
  return bw_chunks_at(&t->entries, i);
}
static inline uint32_t bw_keyed_count(const struct bw_keyed *t)
{
  return t->entries.count;
}
/* hash is bw_hash_fold() of the 64-bit hash of s.  The entry's number or BW_NONE. */
static inline uint32_t bw_keyed_find(const struct bw_keyed *t, uint32_t hash, struct bw_str s)
{
  const struct bw_index *ix = &t->index;
  uint32_t i;
  if (!ix->slots)
    return BW_NONE;
  for (i = hash & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask)
    if (ix->slots[i].hash == hash && bw_key_eq(bw_keyed_at(t, ix->slots[i].ref - 1), s))
      return ix->slots[i].ref - 1;
  return BW_NONE;
}
/* Adds without looking whether it is there; BW_NONE where the table is full or the name over BW_KEY_MAX bytes. */
uint32_t bw_keyed_add(struct bw_keyed *t, uint32_t hash, struct bw_str s);
/* The same, for callers that put it into the index themselves. */
uint32_t bw_keyed_append(struct bw_keyed *t, struct bw_str s);

/* ---- bounded interning: names to small numbers, from 1; 0 is "none" and "no room" ---- */
struct bw_intern {
  struct bw_keyed table;
  uint64_t seed;
  uint64_t refused; /* names that did not fit */
};
void bw_intern_init(struct bw_intern *t, uint64_t seed, uint32_t max);
void bw_intern_clear(struct bw_intern *t);
uint32_t bw_intern_get(struct bw_intern *t, struct bw_str s);        /* adds */
uint32_t bw_intern_find(const struct bw_intern *t, struct bw_str s); /* 0 where unknown */
struct bw_str bw_intern_str(const struct bw_intern *t, uint32_t id); /* empty for 0 */

#endif
