/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record files for replay and import: JSONL (plain, .gz, .zst) and CSV, parsed in parallel ahead of the consumer, given out in
 * one order that does not depend on the number of threads: by event time across files, in file order where times are equal.
 */
#ifndef BW_INGEST_READER_H
#define BW_INGEST_READER_H

#include "base/buf.h"
#include "ingest/segment.h"

struct bw_file_reader;

struct bw_reader_options {
  unsigned threads;   /* workers besides the caller; 0: none, the caller parses all */
  size_t chunk_bytes; /* 0: 512 KiB (less with many files).  A line longer than a chunk is refused */
  uint64_t seed;
  int64_t arrival_ms;   /* BW_TIME_NONE: replay, arrival is the event time.  Else import: all records arrive now */
  int64_t csv_time_ms;  /* time of CSV rows that have none; 0 in replay */
  uint32_t csv_kind;    /* BW_KIND_NONE: guessed per file */
  bool keep_order;      /* import: files one after the other as named, not merged by time */
  struct bw_str source; /* for made-up message ids (import); borrowed */
  /* Called from bw_reader_next() on the caller's thread, in order, for refused lines: the first 1000 of each chunk (all are
     counted).  May be NULL. */
  void (*rejected)(void *ctx, const char *path, uint64_t line, struct bw_str text, const struct bw_error *why);
  void *ctx;
};

struct bw_reader_stats {
  uint64_t bytes; /* of text, inflated */
  uint64_t lines, records, rejected;
  uint64_t late;     /* came with a time before what had been given out */
  uint64_t doubtful; /* cells of CSV that stay text, for they can mean two things */
  char doubt[200];   /* the first of them: "accounts.csv:17: arr is \"36.000\"" */
};

/* "-" is standard input.  Opens and looks at all files; BW_EIO or BW_EINVAL naming the file. */
int bw_reader_open(const char *const *paths, size_t n, const struct bw_reader_options *options,
                   struct bw_file_reader **ret_reader, struct bw_error *err);
void bw_reader_close(struct bw_file_reader **reader);

/*
 * The next batch, without the ticks that an export holds: 1; 0: all read; negative: a file could not be read to its end (what
 * came before has been given out).  The batch and its strings are valid until the next call.  Its records may be changed in
 * place (identity, offsets).  Records are ordered by time, also across calls, but for `late` ones.
 */
int bw_reader_next(struct bw_file_reader *reader, struct bw_batch *ret_batch, struct bw_error *err);
/* The records of such a batch, to be completed in place. */
static inline struct bw_record *bw_reader_records(const struct bw_batch *batch)
{
  return (struct bw_record *)(uintptr_t)batch->records;
}

/* After a failure: the i-th of the other files that were not given out to their end, and whether it was begun.  NULL: there are
   no more.  Borrowed. */
const char *bw_reader_unread(const struct bw_file_reader *reader, size_t i, bool *ret_begun);
/* What its user should know of the doubtful cells, as one line with its end.  False: there are none. */
bool bw_reader_doubts(const struct bw_reader_stats *stats, struct bw_buf *out);
void bw_reader_stats(const struct bw_file_reader *reader, struct bw_reader_stats *ret_stats);

#endif
