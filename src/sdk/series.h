/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Day series: one number per UTC day, in blocks of 32 days whose elements are as wide as they must be (1, 2, 4 or 8 bytes).
 * Blocks come from a pool, on the first number that is not zero; old ones are dropped.  Runs in watcher hosts; no privileges.
 */
#ifndef BW_SDK_SERIES_H
#define BW_SDK_SERIES_H

#include "sdk/state.h"

#define BW_SERIES_BLOCK 32
#define BW_SERIES_DAY_MAX 65535                       /* 2149-06-06 */
#define BW_SERIES_VALUE_MAX ((UINT64_C(1) << 53) - 1) /* exact in a double; sums saturate there */

struct bw_pool;
struct bw_pool *bw_pool_new(void);
void bw_pool_free(struct bw_pool **p); /* and all blocks: series need not be cleared first, but their refs must be */
size_t bw_pool_bytes(const struct bw_pool *p);

struct bw_series { /* init by zeroing, then keep if the default (14 blocks, 417 days at least) is not wanted */
  uint32_t *refs;
  uint16_t first; /* block number of refs[0] */
  uint8_t n, cap;
  uint8_t keep; /* blocks */
  uint8_t pad[3];
};

/* Asks for the lines that adding to the newest day will need: first the table, some records later the block. */
static inline void bw_series_prefetch_table(const struct bw_series *s)
{
  if (s->n)
    __builtin_prefetch(&s->refs[s->n - 1]);
}
void bw_series_prefetch_block(const struct bw_pool *p, const struct bw_series *s);
/* Days outside 0..BW_SERIES_DAY_MAX, and days older than what is kept, are ignored.  Values stay within
   0..BW_SERIES_VALUE_MAX. */
void bw_series_add(struct bw_pool *p, struct bw_series *s, int32_t day, int64_t delta);
void bw_series_set(struct bw_pool *p, struct bw_series *s, int32_t day, uint64_t value);
uint64_t bw_series_get(const struct bw_pool *p, const struct bw_series *s, int32_t day);
/* Over the days from..to, both included. */
uint64_t bw_series_sum(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to);
/* No less than their sum: from the widths of the elements, without a look at them. */
uint64_t bw_series_bound(const struct bw_series *s, int32_t from, int32_t to);
uint64_t bw_series_max(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to);
uint32_t bw_series_days(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to);  /* not zero */
int32_t bw_series_newest(const struct bw_pool *p, const struct bw_series *s, int32_t from, int32_t to); /* not zero; -1: none */
/* Days from..from+n-1 into out. */
void bw_series_copy(const struct bw_pool *p, const struct bw_series *s, int32_t from, uint32_t n, uint64_t *out);
/* Sums of n consecutive spans of `step` days, the last of which ends on `to`; oldest first. */
void bw_series_spans(const struct bw_pool *p, const struct bw_series *s, int32_t to, int32_t step, uint32_t n, double *out);
void bw_series_clear(struct bw_pool *p, struct bw_series *s);

void bw_series_save(const struct bw_pool *p, const struct bw_series *s, struct bw_state_out *out);
void bw_series_load(struct bw_pool *p, struct bw_series *s, struct bw_state_in *in); /* errors: in->bad */

#endif
