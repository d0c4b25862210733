/* SPDX-License-Identifier: Apache-2.0 */
/* Message ids seen within a window of arrival time, as 128-bit keyed hashes (SipHash-2-4-128): 40 bytes an id. */
#ifndef BW_INGEST_DEDUP_H
#define BW_INGEST_DEDUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct bw_dedup;

struct bw_dedup_options {
  int64_t window_ms; /* 0: 24 h */
  size_t limit;      /* ids kept at most; at the limit the oldest go first (counted); 0: 8 million */
  uint8_t key[16];   /* random, from the caller: a sender cannot make ids collide */
};

struct bw_dedup_stats {
  uint64_t held, duplicates, evicted; /* evicted: went before the window was over, because of the limit */
};

struct bw_dedup *bw_dedup_new(const struct bw_dedup_options *options);
void bw_dedup_free(struct bw_dedup **dedup);

/*
 * True: not seen within the window; it is held now, uncommitted.  False: a duplicate.  The empty id is always new and never
 * held. arrival_ms should not go back; where it does, the latest one counts.  Also for rebuilding at start: feed the journal's
 * records since now - window, then commit.
 */
bool bw_dedup_add(struct bw_dedup *dedup, struct bw_str id, int64_t arrival_ms);
/* Ids added since the last of these are kept for good, or forgotten (the store's transaction failed). */
void bw_dedup_committed(struct bw_dedup *dedup);
void bw_dedup_rolled_back(struct bw_dedup *dedup);

void bw_dedup_stats(const struct bw_dedup *dedup, struct bw_dedup_stats *ret_stats);

#endif
