/* SPDX-License-Identifier: Apache-2.0 */
/* CSV tables of accounts, contacts, plans, subscriptions and opportunities into records, one per row. */
#ifndef BW_INGEST_CSV_H
#define BW_INGEST_CSV_H

#include "ingest/segment.h"

#define BW_CSV_MAX_COLUMNS 256
#define BW_CSV_MAX_ROW (64u << 10) /* bytes */

struct bw_csv;

struct bw_csv_options {
  const char *name;   /* the file's name, for messages; also guessed from where the kind is not given; borrowed */
  uint32_t kind;      /* BW_KIND_NONE: guessed from the name ("accounts.csv"), else from the header */
  int64_t time_ms;    /* of rows without a timestamp column; 0 in replay: "from the beginning" */
  int64_t arrival_ms; /* BW_TIME_NONE: the row's time */
  uint64_t seed;
};

struct bw_csv_events {
  /* A row was refused ("accounts.csv:17: ..." is in why); text is the row, re-quoted.  May be NULL. */
  void (*rejected)(void *ctx, uint64_t line, struct bw_str text, const struct bw_error *why);
  /* A number that can mean two things ("36.000") stays text.  May be NULL. */
  void (*doubtful)(void *ctx, uint64_t line, const struct bw_field *cell);
  void *ctx;
};

/* Rows go into batch (borrowed until finished).  The strings are copied. */
struct bw_csv *bw_csv_new(const struct bw_csv_options *options, const struct bw_csv_events *events);
void bw_csv_free(struct bw_csv **csv);
/* Any cut of the text.  BW_EINVAL: the header cannot be used (no known kind, no id column, a column twice), or a quote is never
   closed; the file is refused.  Single bad rows are reported and left out. */
int bw_csv_feed(struct bw_csv *csv, struct bw_str text, struct bw_event_batch *batch, struct bw_error *err);
int bw_csv_finish(struct bw_csv *csv, struct bw_event_batch *batch, struct bw_error *err);
uint64_t bw_csv_rejected(const struct bw_csv *csv);

/* The table that maps header names onto record fields, for the manual: i-th line ("account: id ← account_id, id, ..."), or
 * NULL. */
const char *bw_csv_help(size_t i);

#endif
