/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: one SQLite connection, one thread, exclusive, WAL, synchronous=FULL.  The only room that knows SQLite.
 * Rooms bring their tables as schemas and speak through prepared statements.
 */
#ifndef BW_STORE_STORE_H
#define BW_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct bw_store;
struct bw_stmt;

/* steps[i] brings a room's tables from version i to i+1.  A released step never changes; new ones are appended. */
struct bw_schema {
  const char *room;
  const char *const *steps;
  size_t nsteps;
};

/*
 * Opens (creating it, mode 0600) and migrates.  ":memory:" for tests and replays.  Refuses a file of a later version
 * (BW_EVERSION), one that is damaged (BW_ECORRUPT, naming the page) or empty beside its write-ahead log, one that is not ours
 * (BW_EINVAL) and one that another process has open (BW_EEXIST, naming it), and says what to do.  The pages are checked when
 * the last process did not close the file.  The schemas are used during the call only.
 */
int bw_store_open(const char *path, const struct bw_schema *const *schemas, size_t n, struct bw_store **ret_store,
                  struct bw_error *err);
/* What the opening found that says that acknowledged data may be lost, though the rest can be used, in words for the operator:
   a write-ahead log that is gone, or damaged in the middle.  NULL: nothing.  Borrowed.  Damage in the last transaction before a
   crash cannot be told from one that was being written. */
const char *bw_store_doubt(const struct bw_store *s);
/* Rolls back what is open, frees every statement, and marks the file as closed cleanly. */
void bw_store_close(struct bw_store **store);
/* The same without the mark: something is wrong with the file, and whoever opens it next looks at all of it. */
void bw_store_abandon(struct bw_store **store);
/* Reads every page (SQLite's quick_check).  BW_ECORRUPT names the first thing found. */
int bw_store_check(struct bw_store *s, struct bw_error *err);

/* Opens a transaction, unless one is open. */
int bw_store_begin(struct bw_store *s, struct bw_error *err);
/* Durable when it returns 0.  On failure (BW_ENOSPC, BW_EIO; class transient) all since begin is rolled back, and the store can
   be used again. */
int bw_store_commit(struct bw_store *s, struct bw_error *err);
void bw_store_rollback(struct bw_store *s);
/* True between begin and commit or rollback. */
bool bw_store_in_transaction(const struct bw_store *s);

/*
 * Cached by the text of sql (a literal); owned by the store; comes reset and unbound.  So one text serves one use at a time: a
 * walk over rows must not prepare the text that it walks with.  A failed write may make SQLite roll the whole transaction
 * back; from then on every step fails with BW_ESTATE until the caller has rolled back (or failed to commit), so that no half
 * of a transaction can become durable.
 */
int bw_store_prepare(struct bw_store *s, const char *sql, struct bw_stmt **ret_stmt, struct bw_error *err);
/* Parameters from 1.  text and blob are borrowed until the statement is reset. */
void bw_stmt_int(struct bw_stmt *q, int i, int64_t v);
void bw_stmt_num(struct bw_stmt *q, int i, double v);
void bw_stmt_text(struct bw_stmt *q, int i, struct bw_str v);
void bw_stmt_blob(struct bw_stmt *q, int i, struct bw_str v);
void bw_stmt_null(struct bw_stmt *q, int i);
/* 1: a row is there; 0: done (and reset); negative: failed (and reset). */
int bw_stmt_step(struct bw_stmt *q, struct bw_error *err);
/* Runs to the end, ignoring rows. */
int bw_stmt_run(struct bw_stmt *q, struct bw_error *err);
void bw_stmt_reset(struct bw_stmt *q);
/* Columns from 0, of the present row; text and blob are valid until the next step. */
int64_t bw_stmt_col_int(struct bw_stmt *q, int i);
double bw_stmt_col_num(struct bw_stmt *q, int i);
struct bw_str bw_stmt_col_str(struct bw_stmt *q, int i);
bool bw_stmt_col_null(struct bw_stmt *q, int i);
/* Rows that the last insert, update or delete changed; the row id of the last insert. */
int64_t bw_store_changes(struct bw_store *s);
int64_t bw_store_last_id(struct bw_store *s);

#endif
