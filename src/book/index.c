/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and walking, always in order of id, so that hash order never shows.  core process, replay. */
#include <stdlib.h>

#include "book/private.h"

static int by_id(const void *a, const void *b)
{
  return bw_str_cmp(bw_entity_id(*(struct bw_entity *const *)a), bw_entity_id(*(struct bw_entity *const *)b));
}

/* ---- per account ---- */

/* Where id is, or would stand. */
static size_t place(const struct members *m, struct bw_str id)
{
  size_t lo = 0, hi = m->n;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (bw_str_cmp(bw_entity_id(m->items[mid]), id) < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static void join(struct bw_book *b, struct bw_entity *e, struct bw_str account)
{
  struct members *m = bw_map_get(b->members[e->kind], account);
  size_t at;
  if (account.len == 0)
    return;
  if (!m) {
    m = bw_alloc(sizeof *m);
    bw_map_put(b->members[e->kind], account, m);
  }
  if (m->n == m->cap) {
    m->cap = m->cap ? m->cap * 2 : 2;
    m->items = bw_realloc(m->items, m->cap, sizeof *m->items);
  }
  at = place(m, bw_entity_id(e));
  memmove(m->items + at + 1, m->items + at, (m->n - at) * sizeof *m->items);
  m->items[at] = e;
  m->n++;
}

static void leave(struct bw_book *b, struct bw_entity *e, struct bw_str account)
{
  struct members *m = bw_map_get(b->members[e->kind], account);
  size_t at = m ? place(m, bw_entity_id(e)) : 0;
  if (!m || at == m->n || m->items[at] != e)
    return;
  memmove(m->items + at, m->items + at + 1, (m->n - at - 1) * sizeof *m->items);
  m->n--;
}

void bw_index_move(struct bw_book *b, struct bw_entity *e, struct bw_str from, struct bw_str to)
{
  if (bw_str_eq(from, to))
    return;
  leave(b, e, from);
  join(b, e, to);
}

/* ---- all of a kind ---- */

void bw_index_add(struct bw_book *b, struct bw_entity *e)
{
  size_t k = e->kind;
  bw_map_put(b->entities[k], bw_entity_id(e), e);
  if (b->nall[k] == b->sorted_cap[k]) {
    b->sorted_cap[k] = b->sorted_cap[k] ? b->sorted_cap[k] * 2 : 16;
    b->sorted[k] = bw_realloc(b->sorted[k], b->sorted_cap[k], sizeof *b->sorted[k]);
  }
  b->sorted[k][b->nall[k]++] = e;
}

/* Sorts what came since the last walk, and merges it in from behind. */
static void sort(struct bw_book *b, size_t k)
{
  size_t old = b->nsorted[k], fresh = b->nall[k] - old, to = b->nall[k];
  struct bw_entity **all = b->sorted[k], **tail;
  if (fresh == 0)
    return;
  qsort(all + old, fresh, sizeof *all, by_id);
  tail = bw_calloc(fresh, sizeof *tail);
  memcpy(tail, all + old, fresh * sizeof *tail);
  while (fresh > 0)
    if (old > 0 && by_id(&all[old - 1], &tail[fresh - 1]) > 0)
      all[--to] = all[--old];
    else
      all[--to] = tail[--fresh];
  free(tail);
  b->nsorted[k] = b->nall[k];
}

static void free_members(void *p)
{
  struct members *m = p;
  free(m->items);
  free(m);
}

void bw_index_free(struct bw_book *b)
{
  size_t k;
  for (k = 0; k < BW_ENTITY_KINDS; k++) {
    bw_map_free(&b->members[k], free_members);
    bw_map_free(&b->entities[k], bw_entity_free);
    free(b->sorted[k]);
  }
  bw_map_free(&b->changed, NULL);
}

/* ---- the public ones ---- */

const struct bw_entity *bw_book_find(const struct bw_book *b, enum bw_entity_kind kind, struct bw_str id)
{
  return (unsigned)kind < BW_ENTITY_KINDS ? bw_map_get(b->entities[kind], id) : NULL;
}

size_t bw_book_count(const struct bw_book *b, enum bw_entity_kind kind)
{
  return b->nall[kind];
}

int bw_book_each(const struct bw_book *b, enum bw_entity_kind kind, int (*fn)(void *ctx, const struct bw_entity *e), void *ctx)
{
  size_t i;
  int rc;
  union {
    const struct bw_book *is;
    struct bw_book *sorts;
  } book = {b}; /* the order is a cache: the picture stays as it is */
  sort(book.sorts, kind);
  for (i = 0; i < b->nall[kind]; i++)
    if ((rc = fn(ctx, b->sorted[kind][i])) < 0)
      return rc;
  return BW_OK;
}

int bw_book_each_of(const struct bw_book *b, enum bw_entity_kind kind, struct bw_str account,
                    int (*fn)(void *ctx, const struct bw_entity *e), void *ctx)
{
  const struct bw_entity *only;
  const struct members *m;
  size_t i;
  int rc = BW_OK;
  if (kind == BW_ENTITY_SUBSCRIPTION || kind == BW_ENTITY_ACCOUNT) {
    only = bw_book_find(b, kind, account);
    rc = only ? fn(ctx, only) : BW_OK;
    return rc < 0 ? rc : BW_OK;
  }
  m = bw_map_get(b->members[kind], account);
  for (i = 0; m && i < m->n && rc >= 0; i++)
    rc = fn(ctx, m->items[i]);
  return rc < 0 ? rc : BW_OK;
}

void bw_book_mark_changed(struct bw_book *b, struct bw_str account)
{
  if (account.len && !bw_map_get(b->changed, account))
    bw_map_put(b->changed, account, b);
}

void bw_book_take_changed(struct bw_book *b, void (*fn)(void *ctx, struct bw_str account), void *ctx)
{
  struct bw_map *taken = b->changed;
  struct bw_str account;
  size_t i = 0;
  if (bw_map_count(taken) == 0)
    return;
  b->changed = bw_map_new(); /* first: fn may cause further changes */
  while (fn && bw_map_next(taken, &i, &account, NULL))
    fn(ctx, account);
  bw_map_free(&taken, NULL);
}
