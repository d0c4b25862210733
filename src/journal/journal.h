/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: every record that reached us, in order, durable before it is acknowledged.  Blocks of records (wire/record.h,
 * zstd, BLAKE2b checksum) are rows of the store.
 */
#ifndef BW_JOURNAL_JOURNAL_H
#define BW_JOURNAL_JOURNAL_H

#include "store/store.h"
#include "wire/record.h"

struct bw_journal;
extern const struct bw_schema bw_journal_schema;

/* The store outlives the journal. */
int bw_journal_open(struct bw_store *store, struct bw_journal **ret_journal, struct bw_error *err);
void bw_journal_close(struct bw_journal **journal);

/* The offset that the next record will get; the first offset still kept. */
uint64_t bw_journal_next(const struct bw_journal *j);
uint64_t bw_journal_first(const struct bw_journal *j);

/* Adds a record to the pending block and returns its offset.  Not durable yet.  A tick ends its block. */
int bw_journal_append(struct bw_journal *j, const struct bw_record *r, uint64_t *ret_offset, struct bw_error *err);
/* Writes the pending block into the store's open transaction.  After the store has committed, call _committed(); after it has
   failed, _rolled_back(), which forgets the pending records and their offsets. */
int bw_journal_flush(struct bw_journal *j, struct bw_error *err);
void bw_journal_committed(struct bw_journal *j);
void bw_journal_rolled_back(struct bw_journal *j);

/*
 * The block that holds `from`, or the next one after it: its encoded batch (borrowed until the next call on the journal) and
 * its first and last offset.  1: there is one; 0: at the end; BW_ECORRUPT: the block is damaged: it has been copied to
 * the set-aside table, ret_first..ret_last name what is lost, and reading can go on at ret_last + 1.  Only committed blocks.
 */
int bw_journal_read(struct bw_journal *j, uint64_t from, struct bw_str *ret_batch, uint64_t *ret_first, uint64_t *ret_last,
                    struct bw_error *err);

/* Deletes whole blocks whose arrivals all lie before arrival_ms and whose offsets are all below `keep_from`. */
int bw_journal_retain(struct bw_journal *j, int64_t arrival_ms, uint64_t keep_from, uint64_t *ret_deleted,
                      struct bw_error *err);
/* The first offset that arrived at or after arrival_ms (to rebuild the de-duplication window). */
int bw_journal_seek_arrival(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_offset, struct bw_error *err);

struct bw_journal_stats {
  uint64_t first, next, blocks, bytes, damaged_blocks, damaged_records;
};
int bw_journal_stats(struct bw_journal *j, struct bw_journal_stats *ret_stats, struct bw_error *err);
/* Reads every block; reports and sets aside what is damaged.  For `basewatch verify` and start-up after a crash. */
int bw_journal_verify(struct bw_journal *j, uint64_t *ret_damaged, struct bw_error *err);

#endif
