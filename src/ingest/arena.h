/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator for bytes that live and die together; blocks never move.  Runs in every process; no privileges. */
#ifndef BW_INGEST_ARENA_H
#define BW_INGEST_ARENA_H

#include <stdlib.h>

#include "base/error.h"
#include "base/str.h"

#define BW_ARENA_BLOCK (64u << 10)

struct bw_arena_block {
  struct bw_arena_block *older;
  size_t cap;
  char bytes[];
};

/* Zero to begin. */
struct bw_arena {
  struct bw_arena_block *last;
  size_t used;  /* of the last block */
  size_t total; /* bytes held */
};

static inline char *bw_arena_new_block(struct bw_arena *a, size_t n)
{
  size_t cap = n > BW_ARENA_BLOCK ? n : BW_ARENA_BLOCK;
  struct bw_arena_block *b = (struct bw_arena_block *)bw_realloc(NULL, 1, sizeof *b + cap);
  b->older = a->last;
  b->cap = cap;
  a->last = b;
  a->used = n;
  a->total += cap;
  return b->bytes;
}

static inline char *bw_arena_take(struct bw_arena *a, size_t n)
{
  char *p;
  if (!a->last || a->last->cap - a->used < n)
    return bw_arena_new_block(a, n);
  p = a->last->bytes + a->used;
  a->used += n;
  return p;
}

static inline struct bw_str bw_arena_keep(struct bw_arena *a, struct bw_str s)
{
  char *p = bw_arena_take(a, s.len);
  if (s.len)
    memcpy(p, s.data, s.len);
  return (struct bw_str){p, s.len};
}

/* Keeps one block of the ordinary size, so that a batch that is filled again and again allocates nothing. */
static inline void bw_arena_reset(struct bw_arena *a)
{
  struct bw_arena_block *b = a->last, *older;
  for (; b && (b->older || b->cap != BW_ARENA_BLOCK); b = older) {
    older = b->older;
    a->total -= b->cap;
    free(b);
  }
  a->last = b;
  a->used = 0;
}

static inline void bw_arena_clear(struct bw_arena *a)
{
  struct bw_arena_block *b, *older;
  for (b = a->last; b; b = older) {
    older = b->older;
    free(b);
  }
  *a = (struct bw_arena){0};
}

#endif
