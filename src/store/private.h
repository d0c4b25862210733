/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the store that only its own files see.  core process; needs the state directory. */
#ifndef BW_STORE_PRIVATE_H
#define BW_STORE_PRIVATE_H

#include <sqlite3.h>

#include "base/map.h"
#include "store/store.h"

#define BW_STORE_PAGE 8192

struct bw_store {
  sqlite3 *db;
  char *path;
  int lock_fd;   /* -1: in memory */
  bool clean;    /* the last process closed the file */
  char *doubt;   /* see bw_store_doubt() */
  bool in_txn;   /* between begin and commit or rollback, whatever SQLite did meanwhile */
  int wal_pages; /* after the last commit */
  bool wal_warned;
  struct bw_map *stmts; /* by text */
};

/* Turns the connection's last failure rc into our code; "what" starts the message. */
int bw_store_fail(struct bw_store *s, int rc, struct bw_error *err, const char *what);
/* Runs a script. */
int bw_store_exec(struct bw_store *s, const char *sql, struct bw_error *err, const char *what);
/* The first column of the first row as a number. */
int bw_store_query_int(struct bw_store *s, const char *sql, int64_t *ret, struct bw_error *err);
void bw_stmt_free(void *stmt);

/* lock.c: takes the lock file beside the database; sets lock_fd and clean.  ret_died: the last process had it when it ended. */
int bw_store_lock(struct bw_store *s, bool existed, bool *ret_died, struct bw_error *err);
void bw_store_mark_open(struct bw_store *s);    /* the write-ahead log is there */
void bw_store_mark_closing(struct bw_store *s); /* before it goes */
void bw_store_unlock(struct bw_store *s, bool clean);

/* wal.c: what is missing or damaged of what the last process left, in words; NULL: nothing that can be told.  The caller frees
   it. */
char *bw_wal_doubt(const struct bw_store *s, bool died);

/* schema.c */
int bw_store_migrate(struct bw_store *s, const struct bw_schema *const *schemas, size_t n, struct bw_error *err);

#endif
