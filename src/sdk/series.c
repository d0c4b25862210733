/* SPDX-License-Identifier: Apache-2.0 */
/* Day series.  Runs in watcher hosts; no privileges needed. */
#include "sdk/series.h"

#include <stdlib.h>

#include "base/error.h"
#include "sdk/index.h"

#define CLASSES 4 /* element width 1 << class */
#define PER_CHUNK 512
#define DEFAULT_KEEP 14

/* A ref is (block number + 1) << 2 | class; 0 means 32 zeros. */
struct bw_pool {
  struct bw_arena arena;
  struct {
    char **chunks;
    uint32_t nchunks, used, free; /* free: head of a list threaded through freed blocks, number + 1 */
  } c[CLASSES];
};

static size_t block_bytes(uint32_t cls)
{
  return (size_t)BW_SERIES_BLOCK << cls;
}

static inline void *block(const struct bw_pool *p, uint32_t ref)
{
  uint32_t cls = ref & 3, i = (ref >> 2) - 1;
  return p->c[cls].chunks[i / PER_CHUNK] + (i % PER_CHUNK) * block_bytes(cls);
}

struct bw_pool *bw_pool_new(void)
{
  return bw_alloc(sizeof(struct bw_pool));
}

void bw_pool_free(struct bw_pool **p)
{
  uint32_t cls;
  if (!*p)
    return;
  for (cls = 0; cls < CLASSES; cls++)
    free((*p)->c[cls].chunks);
  bw_arena_clear(&(*p)->arena);
  free(*p);
  *p = NULL;
}

size_t bw_pool_bytes(const struct bw_pool *p)
{
  size_t n = 0;
  uint32_t cls;
  for (cls = 0; cls < CLASSES; cls++)
    n += p->c[cls].nchunks * PER_CHUNK * block_bytes(cls);
  return n;
}

static uint32_t take(struct bw_pool *p, uint32_t cls)
{
  uint32_t i = p->c[cls].free;
  if (i) {
    void *b = block(p, i << 2 | cls);
    memcpy(&p->c[cls].free, b, sizeof(uint32_t));
    memset(b, 0, block_bytes(cls));
    return i << 2 | cls;
  }
  i = p->c[cls].used++;
  if (i / PER_CHUNK >= p->c[cls].nchunks) {
    p->c[cls].chunks = bw_realloc(p->c[cls].chunks, (size_t)p->c[cls].nchunks + 1, sizeof(char *));
    p->c[cls].chunks[p->c[cls].nchunks++] = bw_arena_alloc(&p->arena, PER_CHUNK * block_bytes(cls));
  }
  return (i + 1) << 2 | cls;
}

static void give(struct bw_pool *p, uint32_t ref)
{
  uint32_t cls = ref & 3;
  if (!ref)
    return;
  memcpy(block(p, ref), &p->c[cls].free, sizeof(uint32_t));
  p->c[cls].free = ref >> 2;
}

static inline uint64_t peek(const void *b, uint32_t cls, uint32_t i)
{
  switch (cls) {
  case 0:
    return ((const uint8_t *)b)[i];
  case 1:
    return ((const uint16_t *)b)[i];
  case 2:
    return ((const uint32_t *)b)[i];
  default:
    return ((const uint64_t *)b)[i];
  }
}

static inline void poke(void *b, uint32_t cls, uint32_t i, uint64_t v)
{
  switch (cls) {
  case 0:
    ((uint8_t *)b)[i] = (uint8_t)v;
    return;
  case 1:
    ((uint16_t *)b)[i] = (uint16_t)v;
    return;
  case 2:
    ((uint32_t *)b)[i] = (uint32_t)v;
    return;
  default:
    ((uint64_t *)b)[i] = v;
  }
}

static uint32_t class_of(uint64_t v)
{
  return v <= UINT8_MAX ? 0 : v <= UINT16_MAX ? 1 : v <= UINT32_MAX ? 2 : 3;
}

static void drop_front(struct bw_pool *p, struct bw_series *s, uint32_t k)
{
  uint32_t i;
  if (k > s->n)
    k = s->n;
  for (i = 0; i < k; i++)
    give(p, s->refs[i]);
  memmove(s->refs, s->refs + k, (s->n - k) * sizeof *s->refs);
  s->n = (uint8_t)(s->n - k);
  s->first = (uint16_t)(s->first + k);
}

static void reserve(struct bw_series *s, uint32_t n)
{
  uint32_t cap = s->cap ? s->cap : 2;
  if (n <= s->cap)
    return;
  while (cap < n)
    cap *= 2;
  if (cap > 255)
    cap = 255;
  s->refs = bw_realloc(s->refs, cap, sizeof *s->refs);
  s->cap = (uint8_t)cap;
}

/* The place of a block number in refs, made if need be; -1 where it is older than what is kept. */
static int place(struct bw_pool *p, struct bw_series *s, uint32_t number)
{
  uint32_t keep = s->keep ? s->keep : DEFAULT_KEEP, k;
  if (s->n == 0) {
    reserve(s, 1);
    s->first = (uint16_t)number;
    s->refs[0] = 0;
    s->n = 1;
    return 0;
  }
  if (number < s->first) {
    k = s->first - number;
    if (s->n + k > keep)
      return -1;
    reserve(s, s->n + k);
    memmove(s->refs + k, s->refs, s->n * sizeof *s->refs);
    memset(s->refs, 0, k * sizeof *s->refs);
    s->n = (uint8_t)(s->n + k);
    s->first = (uint16_t)number;
    return 0;
  }
  k = number - s->first;
  if (k >= s->n + keep) { /* a long silence: nothing of the old is kept */
    drop_front(p, s, s->n);
    s->first = (uint16_t)number;
    k = 0;
  } else if (k >= keep) {
    drop_front(p, s, k + 1 - keep);
    if (s->n == 0)
      s->first = (uint16_t)(number + 1 - keep);
    k = number - s->first;
  }
  if (k >= s->n) {
    reserve(s, k + 1);
    memset(s->refs + s->n, 0, (k + 1 - s->n) * sizeof *s->refs);
    s->n = (uint8_t)(k + 1);
  }
  return (int)k;
}

static void store(struct bw_pool *p, uint32_t *ref, uint32_t i, uint64_t v)
{
  uint32_t cls = *ref & 3, want = class_of(v), fresh, j;
  if (!*ref) {
    if (!v)
      return;
    *ref = take(p, want);
    cls = want;
  } else if (want > cls) {
    const void *old = block(p, *ref);
    fresh = take(p, want);
    for (j = 0; j < BW_SERIES_BLOCK; j++)
      poke(block(p, fresh), want, j, peek(old, cls, j));
    give(p, *ref);
    *ref = fresh;
    cls = want;
  }
  poke(block(p, *ref), cls, i, v);
}

void bw_series_set(struct bw_pool *p, struct bw_series *s, int32_t day, uint64_t value)
{
  int at;
  if (day < 0 || day > BW_SERIES_DAY_MAX || (value == 0 && bw_series_get(p, s, day) == 0))
    return;
  at = place(p, s, (uint32_t)day / BW_SERIES_BLOCK);
  if (at >= 0)
    store(p, &s->refs[at], (uint32_t)day % BW_SERIES_BLOCK, value > BW_SERIES_VALUE_MAX ? BW_SERIES_VALUE_MAX : value);
}

void bw_series_add(struct bw_pool *p, struct bw_series *s, int32_t day, int64_t delta)
{
  uint32_t i = (uint32_t)day % BW_SERIES_BLOCK;
  uint64_t old, fresh;
  int at;
  if (day < 0 || day > BW_SERIES_DAY_MAX || delta == 0)
    return;
  at = place(p, s, (uint32_t)day / BW_SERIES_BLOCK);
  if (at < 0)
    return;
  old = s->refs[at] ? peek(block(p, s->refs[at]), s->refs[at] & 3, i) : 0;
  if (delta < 0)
    fresh = old > (uint64_t)-delta ? old - (uint64_t)-delta : 0;
  else
    fresh = old + (uint64_t)delta > BW_SERIES_VALUE_MAX ? BW_SERIES_VALUE_MAX : old + (uint64_t)delta;
  store(p, &s->refs[at], i, fresh);
}

void bw_series_prefetch_block(const struct bw_pool *p, const struct bw_series *s)
{
  if (s->n && s->refs[s->n - 1])
    __builtin_prefetch(block(p, s->refs[s->n - 1]), 1);
  if (s->n > 1 && s->refs[s->n - 2]) /* a month back, for sums */
    __builtin_prefetch(block(p, s->refs[s->n - 2]));
}

uint64_t bw_series_get(const struct bw_pool *p, const struct bw_series *s, int32_t day)
{
  uint32_t number = (uint32_t)day / BW_SERIES_BLOCK, ref;
  if (day < 0 || day > BW_SERIES_DAY_MAX || number < s->first || number - s->first >= s->n)
    return 0;
  ref = s->refs[number - s->first];
  return ref ? peek(block(p, ref), ref & 3, (uint32_t)day % BW_SERIES_BLOCK) : 0;
}

/* A walk over the stored blocks that meet some days; lo..hi are the elements of the block that lie inside. */
struct walk {
  const struct bw_pool *pool;
  const struct bw_series *s;
  int32_t from, to, base;
  uint32_t next, cls, lo, hi;
  const void *b;
};

static inline struct walk walk_days(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to)
{
  struct walk w = {.pool = p, .s = s, .from = from < 0 ? 0 : from, .to = to > BW_SERIES_DAY_MAX ? BW_SERIES_DAY_MAX : to};
  uint32_t number = (uint32_t)w.from / BW_SERIES_BLOCK;
  w.next = number > s->first ? number - s->first : 0;
  if (w.from > w.to)
    w.next = s->n;
  return w;
}

static inline bool walk_next(struct walk *w)
{
  while (w->next < w->s->n) {
    uint32_t ref = w->s->refs[w->next];
    w->base = (int32_t)((w->s->first + w->next) * BW_SERIES_BLOCK);
    w->next++;
    if (w->base > w->to)
      return false;
    if (!ref)
      continue;
    w->cls = ref & 3;
    w->b = block(w->pool, ref);
    w->lo = w->from > w->base ? (uint32_t)(w->from - w->base) : 0;
    w->hi = w->to - w->base < BW_SERIES_BLOCK - 1 ? (uint32_t)(w->to - w->base) : BW_SERIES_BLOCK - 1;
    return true;
  }
  return false;
}

/* Ones in the middle: read from 32 - lo on, they cover the elements from lo; from 63 - hi on, those up to hi. */
#define TIMES_32(X) X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
static const uint8_t byte_mask[96] = {TIMES_32(0), TIMES_32(0xff), TIMES_32(0)};
static const uint16_t short_mask[96] = {TIMES_32(0), TIMES_32(0xffff), TIMES_32(0)};

static inline uint64_t masked_word(const void *from, const void *mask_lo, const void *mask_hi, size_t at)
{
  uint64_t v, lo, hi;
  memcpy(&v, (const char *)from + at, sizeof v);
  memcpy(&lo, (const char *)mask_lo + at, sizeof lo);
  memcpy(&hi, (const char *)mask_hi + at, sizeof hi);
  return v & lo & hi;
}

/* The elements lo..hi of a block, eight bytes at a time: sums are what most of a daily pass is. */
static uint64_t sum_bytes(const void *b, uint32_t lo, uint32_t hi)
{
  const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
  uint64_t sum = 0, v;
  size_t at;
  if (hi - lo == BW_SERIES_BLOCK - 1) {
    for (at = 0; at < BW_SERIES_BLOCK; at += sizeof v) {
      memcpy(&v, (const char *)b + at, sizeof v);
      sum += (v & even) + (v >> 8 & even);
    }
    return (sum * UINT64_C(0x0001000100010001)) >> 48;
  }
  for (at = lo & ~7u; at <= hi; at += sizeof v) {
    v = masked_word(b, byte_mask + 32 - lo, byte_mask + 63 - hi, at);
    sum += (v & even) + (v >> 8 & even); /* four sums of 16 bits */
  }
  return (sum * UINT64_C(0x0001000100010001)) >> 48;
}

static uint64_t sum_shorts(const void *b, uint32_t lo, uint32_t hi)
{
  const uint64_t even = UINT64_C(0x0000ffff0000ffff);
  uint64_t sum = 0, v;
  size_t at;
  for (at = 2 * (size_t)lo & ~(size_t)7; at <= 2 * (size_t)hi; at += sizeof v) {
    v = masked_word(b, short_mask + 32 - lo, short_mask + 63 - hi, at);
    sum += (v & even) + (v >> 16 & even); /* two sums of 32 bits */
  }
  return (sum & UINT32_MAX) + (sum >> 32);
}

static uint64_t sum_wide(const void *b, uint32_t cls, uint32_t lo, uint32_t hi)
{
  uint64_t sum = 0;
  uint32_t i;
  for (i = lo; i <= hi; i++)
    sum += peek(b, cls, i);
  return sum;
}

/* The places in refs of the blocks that meet some days; false: none do. */
static inline bool places_of(const struct bw_series *s, int32_t from, int32_t to, uint32_t *ret_first, uint32_t *ret_last)
{
  int32_t first = (int32_t)((uint32_t)from / BW_SERIES_BLOCK) - s->first;
  int32_t last = (int32_t)((uint32_t)to / BW_SERIES_BLOCK) - s->first;
  if (from > to || last < 0 || first >= s->n)
    return false;
  *ret_first = first < 0 ? 0 : (uint32_t)first;
  *ret_last = last >= s->n ? s->n - 1u : (uint32_t)last;
  return true;
}

/* The walk again, with less around it. */
uint64_t bw_series_sum(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to)
{
  uint64_t sum = 0;
  uint32_t i, last;
  from = from < 0 ? 0 : from;
  if (to < 0 || !places_of(s, from, to, &i, &last))
    return 0;
  for (; i <= last; i++) {
    int32_t base = (int32_t)(s->first + i) * BW_SERIES_BLOCK;
    uint32_t ref = s->refs[i], cls = ref & 3, lo, hi;
    const void *b;
    if (!ref)
      continue;
    lo = from > base ? (uint32_t)(from - base) : 0;
    hi = to - base < BW_SERIES_BLOCK - 1 ? (uint32_t)(to - base) : BW_SERIES_BLOCK - 1;
    b = block(p, ref);
    sum += cls == 0 ? sum_bytes(b, lo, hi) : cls == 1 ? sum_shorts(b, lo, hi) : sum_wide(b, cls, lo, hi);
  }
  return sum > BW_SERIES_VALUE_MAX ? BW_SERIES_VALUE_MAX : sum;
}

uint64_t bw_series_bound(const struct bw_series *s, int32_t from, int32_t to)
{
  static const uint64_t most[CLASSES] = {UINT8_MAX, UINT16_MAX, UINT32_MAX, BW_SERIES_VALUE_MAX};
  uint64_t sum = 0;
  uint32_t i, last;
  if (to < 0 || !places_of(s, from < 0 ? 0 : from, to, &i, &last))
    return 0;
  for (; i <= last && sum <= BW_SERIES_VALUE_MAX; i++)
    sum += s->refs[i] ? BW_SERIES_BLOCK * most[s->refs[i] & 3] : 0;
  return sum > BW_SERIES_VALUE_MAX ? BW_SERIES_VALUE_MAX : sum;
}

uint64_t bw_series_max(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to)
{
  struct walk w = walk_days(p, s, from, to);
  uint64_t max = 0;
  uint32_t i;
  while (walk_next(&w))
    for (i = w.lo; i <= w.hi; i++) {
      uint64_t v = peek(w.b, w.cls, i);
      max = v > max ? v : max;
    }
  return max;
}

uint32_t bw_series_days(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to)
{
  struct walk w = walk_days(p, s, from, to);
  uint32_t n = 0, i;
  while (walk_next(&w))
    for (i = w.lo; i <= w.hi; i++)
      n += peek(w.b, w.cls, i) != 0;
  return n;
}

int32_t bw_series_newest(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to)
{
  uint32_t i, last, k;
  from = from < 0 ? 0 : from;
  if (to < 0 || !places_of(s, from, to, &i, &last))
    return -1;
  for (;; last--) {
    int32_t base = (int32_t)(s->first + last) * BW_SERIES_BLOCK;
    uint32_t ref = s->refs[last], lo = from > base ? (uint32_t)(from - base) : 0;
    k = to - base < BW_SERIES_BLOCK - 1 ? (uint32_t)(to - base) + 1 : BW_SERIES_BLOCK;
    for (; ref && k > lo; k--)
      if (peek(block(p, ref), ref & 3, k - 1))
        return base + (int32_t)k - 1;
    if (last == i)
      return -1;
  }
}

void bw_series_copy(const struct bw_pool *p, const struct bw_series *s, int32_t from, uint32_t n, uint64_t *out)
{
  struct walk w = walk_days(p, s, from, from + (int32_t)n - 1);
  uint32_t i;
  memset(out, 0, n * sizeof *out);
  while (walk_next(&w))
    for (i = w.lo; i <= w.hi; i++)
      out[w.base + (int32_t)i - from] = peek(w.b, w.cls, i);
}

void bw_series_spans(const struct bw_pool *p, const struct bw_series *s, int32_t to, int32_t step, uint32_t n, double *out)
{
  uint32_t i;
  for (i = 0; i < n; i++) {
    int32_t end = to - step * (int32_t)(n - 1 - i);
    out[i] = (double)bw_series_sum(p, s, end - step + 1, end);
  }
}

void bw_series_clear(struct bw_pool *p, struct bw_series *s)
{
  uint32_t i;
  if (p)
    for (i = 0; i < s->n; i++)
      give(p, s->refs[i]);
  free(s->refs);
  *s = (struct bw_series){.keep = s->keep};
}

void bw_series_save(const struct bw_pool *p, const struct bw_series *s, struct bw_state_out *out)
{
  uint32_t b, i;
  bw_state_put(out, s->n);
  if (!s->n)
    return;
  bw_state_put(out, s->first);
  for (b = 0; b < s->n; b++) {
    uint32_t ref = s->refs[b];
    bw_state_put(out, ref != 0);
    for (i = 0; ref && i < BW_SERIES_BLOCK; i++)
      bw_state_put(out, peek(block(p, ref), ref & 3, i));
  }
}

void bw_series_load(struct bw_pool *p, struct bw_series *s, struct bw_state_in *in)
{
  uint32_t keep = s->keep ? s->keep : DEFAULT_KEEP, b, i;
  uint64_t values[BW_SERIES_BLOCK], top;
  uint32_t n = (uint32_t)bw_state_get(in, keep);
  bw_series_clear(p, s);
  if (!n || in->bad)
    return;
  s->first = (uint16_t)bw_state_get(in, BW_SERIES_DAY_MAX / BW_SERIES_BLOCK + 1 - n);
  reserve(s, n);
  memset(s->refs, 0, n * sizeof *s->refs);
  s->n = (uint8_t)n;
  for (b = 0; b < n && !in->bad; b++) {
    if (!bw_state_get(in, 1))
      continue;
    for (i = 0, top = 0; i < BW_SERIES_BLOCK; i++) {
      values[i] = bw_state_get(in, BW_SERIES_VALUE_MAX);
      top |= values[i];
    }
    s->refs[b] = take(p, class_of(top));
    for (i = 0; i < BW_SERIES_BLOCK; i++)
      poke(block(p, s->refs[b]), s->refs[b] & 3, i, values[i]);
  }
}
