/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the journal that only its own files see.  core process. */
#ifndef BW_JOURNAL_PRIVATE_H
#define BW_JOURNAL_PRIVATE_H

#include <zstd.h>

#include "journal/journal.h"

#define BLOCK_RECORDS 16384
/* With one more record of the largest size a block stays under 1 MiB. */
#define BLOCK_BYTES ((1u << 20) - BW_RECORD_MAX_BYTES - 64)
#define CHECKSUM_BYTES 16
#define CACHE_BLOCKS 32
#define CACHE_BYTES (8u << 20)

/* PARTS: what merging makes of small blocks: zstd over parts, each a u32 length and a batch that a reader is given by itself.
 */
enum codec { CODEC_RAW = 0, CODEC_ZSTD = 1, CODEC_PARTS = 2 };

/* A block's row without its data. */
struct block_head {
  uint64_t first, last, records;
  int64_t min_time, max_time, min_arrival, max_arrival;
  uint32_t codec;
  uint64_t raw_bytes;
};

struct block {
  struct block_head head;
  struct bw_buf raw; /* the encoded batch */
  bool flushed;
};

/* What the meta row holds, and the damage counts. */
struct state {
  uint64_t next; /* of what is written */
  uint64_t first, blocks, bytes, damaged_blocks, damaged_records;
  uint64_t merged; /* blocks that begin below it have been looked at by merging */
};

struct range {
  uint64_t first, last;
};

/* One batch within a block of parts. */
struct part {
  uint64_t first, last;
  size_t at, len;
};

struct bw_journal {
  struct bw_store *store;
  struct state committed, now;
  uint64_t next; /* of what is appended */

  struct bw_batch_writer writer; /* the open block */
  struct block_head open;
  struct block *cut; /* finished blocks: flushed ones first */
  size_t ncut, cut_cap, cut_bytes;

  struct block cache[CACHE_BLOCKS]; /* the newest committed blocks, oldest first */
  size_t ncache, cache_bytes;

  struct range *lost; /* set aside already, in order */
  size_t nlost, lost_cap;

  struct bw_batch_reader reader; /* for checking what is read */
  struct bw_buf raw, packed;
  struct part *parts; /* of the block in raw, where it is one of parts: spares unpacking it again for each */
  size_t nparts, parts_cap;
  ZSTD_CCtx *zip;
  ZSTD_DCtx *unzip;
};

/* block.c */
void bw_block_checksum(const struct block_head *h, struct bw_str data, uint8_t out[CHECKSUM_BYTES]);
/* Compresses where that helps; sets the head's codec and raw_bytes.  The data is borrowed from the block or from j->packed. */
struct bw_str bw_block_pack(struct bw_journal *j, struct block *b);
/* Checks everything and leaves the batch in j->raw; of a block of parts, all of them, and j->parts says where.  NULL, or the
 * reason why it is damaged (static). */
const char *bw_block_unpack(struct bw_journal *j, const struct block_head *h, struct bw_str checksum, struct bw_str data);

/* Compresses parts that stand in `raw`; sets the head's codec and raw_bytes.  Borrowed from j->packed; empty where zstd fails.
 */
struct bw_str bw_block_pack_parts(struct bw_journal *j, struct block_head *h, struct bw_str raw);

/* read.c */
/* Up to `max` heads from the block that begins at or after `from` on: how many, or negative. */
int bw_block_heads(struct bw_journal *j, uint64_t from, struct block_head *ret, uint64_t *ret_sizes, size_t max,
                   struct bw_error *err);
/* NULL: unpacked.  Otherwise why not; *rc is set where it was no damage but a failure. */
const char *bw_block_load(struct bw_journal *j, const struct block_head *h, int *rc, struct bw_error *err);

/* journal.c */
/* The row of a block. */
int bw_block_insert(struct bw_journal *j, const struct block_head *h, struct bw_str data, struct bw_error *err);
int bw_journal_load_state(struct bw_journal *j, struct bw_error *err);
int bw_journal_save_state(struct bw_journal *j, struct bw_error *err);

/* lost.c */
int bw_lost_load(struct bw_journal *j, struct bw_error *err);
/* The last offset of the lost stretch that holds `offset`, or 0. */
uint64_t bw_lost_end(const struct bw_journal *j, uint64_t offset);
/* The last lost offset before `offset`, or 0. */
uint64_t bw_lost_before(const struct bw_journal *j, uint64_t offset);
/* The first lost offset at or after `offset`, or UINT64_MAX. */
uint64_t bw_lost_next(const struct bw_journal *j, uint64_t offset);
/* Records first..last as lost; row is the first offset of the damaged block's row, or 0 where there is none.  Returns
   BW_ECORRUPT with the message, or what kept it from being recorded. */
int bw_lost_set_aside(struct bw_journal *j, uint64_t first, uint64_t last, uint64_t row, const char *reason,
                      struct bw_error *err);

#endif
