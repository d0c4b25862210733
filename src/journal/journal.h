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

/* The store outlives the journal.  Of what was appended, only what was committed is there. */
int bw_journal_open(struct bw_store *store, struct bw_journal **ret_journal, struct bw_error *err);
void bw_journal_close(struct bw_journal **journal);

/* The offset that the next record will get; the first offset still kept. */
uint64_t bw_journal_next(const struct bw_journal *j);
uint64_t bw_journal_first(const struct bw_journal *j);

/*
 * Adds a record to the pending block and returns its offset (the record's own is ignored).  Not durable yet.  A tick ends its
 * block; so do 16,384 records, and a size of about 1 MiB.  BW_EINVAL, BW_ELIMIT: the record is malformed or over a limit, and
 * nothing was added.
 */
int bw_journal_append(struct bw_journal *j, const struct bw_record *r, uint64_t *ret_offset, struct bw_error *err);
/* Bytes appended and not yet flushed: flush before this grows large. */
size_t bw_journal_pending(const struct bw_journal *j);
/* Writes the pending block into the store's open transaction.  After the store has committed, call _committed(); after it has
   failed, _rolled_back(), which forgets the pending records and their offsets. */
int bw_journal_flush(struct bw_journal *j, struct bw_error *err); /* BW_ESTATE without an open transaction */
void bw_journal_committed(struct bw_journal *j);
void bw_journal_rolled_back(struct bw_journal *j);

/*
 * The block that holds `from`, or the next one after it: its encoded batch (borrowed until the next call on the journal) and
 * its first and last offset.  1: there is one; 0: at the end; BW_ECORRUPT: the block is damaged: it has been copied to
 * the set-aside table, ret_first..ret_last name what is lost, and reading can go on at ret_last + 1.  Only committed blocks.
 * Offsets that no block holds are damage as well.  What is lost is reported once, by whichever call comes upon it first
 * (here, in _verify or in _seek_arrival), and skipped from then on.  The set-aside is written in the open transaction, or in
 * one of its own.
 */
int bw_journal_read(struct bw_journal *j, uint64_t from, struct bw_str *ret_batch, uint64_t *ret_first, uint64_t *ret_last,
                    struct bw_error *err);

/*
 * Deletes whole blocks whose arrivals all lie before arrival_ms and whose offsets are all below `keep_from`, from the oldest on
 * up to the first that must stay, at most 1,024 in a call, in the open transaction or in one of its own.  ret_deleted: records.
 */
int bw_journal_retain(struct bw_journal *j, int64_t arrival_ms, uint64_t keep_from, uint64_t *ret_deleted,
                      struct bw_error *err);
/*
 * Makes large blocks of neighbouring small ones that arrived on one day (UTC) before arrival_ms, in one short step: in the open
 * transaction, or in one of its own.  1: call again; 0: nothing is left to do.  ret_merged (may be NULL): blocks that became
 * one.  Records, offsets and what readers are given stay the same; a crash leaves either the old blocks or the new one.
 */
int bw_journal_merge(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_merged, struct bw_error *err);
/* The first offset that arrived at or after arrival_ms (to rebuild the de-duplication window); the next one where none did.
   BW_ECORRUPT as for _read: ask again. */
int bw_journal_seek_arrival(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_offset, struct bw_error *err);

/* bytes are those of the stored blocks; damaged_blocks counts set-aside rows, missing stretches included.  Pending records are
   not counted. */
struct bw_journal_stats {
  uint64_t first, next, blocks, bytes, damaged_blocks, damaged_records;
};
int bw_journal_stats(struct bw_journal *j, struct bw_journal_stats *ret_stats, struct bw_error *err);
/* Reads every block from disk; logs and sets aside what is damaged; ret_damaged counts the places.  For `basewatch verify`. */
int bw_journal_verify(struct bw_journal *j, uint64_t *ret_damaged, struct bw_error *err);

#endif
