/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements, cached by their text.  core process. */
#include <limits.h>
#include <stdlib.h>

#include "store/private.h"

struct bw_stmt {
  struct bw_store *store;
  sqlite3_stmt *stmt;
  int bind_rc; /* the first parameter that did not fit: reported by the next step */
};

void bw_stmt_free(void *p)
{
  struct bw_stmt *q = p;
  sqlite3_finalize(q->stmt);
  free(q);
}

int bw_store_prepare(struct bw_store *s, const char *sql, struct bw_stmt **ret_stmt, struct bw_error *err)
{
  struct bw_stmt *q = bw_map_get(s->stmts, bw_str(sql));
  sqlite3_stmt *stmt;
  int rc;
  if (q) {
    bw_stmt_reset(q);
    *ret_stmt = q;
    return BW_OK;
  }
  rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
  if (rc != SQLITE_OK)
    return bw_store_fail(s, rc, err, sql);
  if (!stmt)
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "an empty statement");
  q = bw_alloc(sizeof *q);
  q->store = s;
  q->stmt = stmt;
  bw_map_put(s->stmts, bw_str(sql), q);
  *ret_stmt = q;
  return BW_OK;
}

static void bound(struct bw_stmt *q, int rc)
{
  if (rc != SQLITE_OK && q->bind_rc == SQLITE_OK)
    q->bind_rc = rc;
}

void bw_stmt_int(struct bw_stmt *q, int i, int64_t v)
{
  bound(q, sqlite3_bind_int64(q->stmt, i, v));
}

void bw_stmt_num(struct bw_stmt *q, int i, double v)
{
  bound(q, sqlite3_bind_double(q->stmt, i, v));
}

/* A NULL pointer would bind NULL: an empty string is an empty string. */
void bw_stmt_text(struct bw_stmt *q, int i, struct bw_str v)
{
  bound(q, sqlite3_bind_text64(q->stmt, i, v.len ? v.data : "", v.len, SQLITE_STATIC, SQLITE_UTF8));
}

void bw_stmt_blob(struct bw_stmt *q, int i, struct bw_str v)
{
  bound(q, sqlite3_bind_blob64(q->stmt, i, v.len ? v.data : "", v.len, SQLITE_STATIC));
}

void bw_stmt_null(struct bw_stmt *q, int i)
{
  bound(q, sqlite3_bind_null(q->stmt, i));
}

void bw_stmt_reset(struct bw_stmt *q)
{
  sqlite3_reset(q->stmt);
  sqlite3_clear_bindings(q->stmt);
  q->bind_rc = SQLITE_OK;
}

int bw_stmt_step(struct bw_stmt *q, struct bw_error *err)
{
  struct bw_store *s = q->store;
  int rc = q->bind_rc;
  if (s->in_txn && sqlite3_get_autocommit(s->db)) {
    bw_stmt_reset(q);
    return bw_fail(err, BW_ESTATE, BW_CLASS_TRANSIENT,
                   "%s: the transaction was rolled back by an earlier failure; nothing of it is kept", s->path);
  }
  if (rc == SQLITE_OK)
    rc = sqlite3_step(q->stmt);
  if (rc == SQLITE_ROW)
    return 1;
  if (rc == SQLITE_DONE) {
    bw_stmt_reset(q);
    return 0;
  }
  rc = bw_store_fail(s, rc, err, sqlite3_sql(q->stmt));
  bw_stmt_reset(q);
  return rc;
}

int bw_stmt_run(struct bw_stmt *q, struct bw_error *err)
{
  int rc;
  while ((rc = bw_stmt_step(q, err)) > 0)
    ;
  return rc;
}

int64_t bw_stmt_col_int(struct bw_stmt *q, int i)
{
  return sqlite3_column_int64(q->stmt, i);
}

double bw_stmt_col_num(struct bw_stmt *q, int i)
{
  return sqlite3_column_double(q->stmt, i);
}

struct bw_str bw_stmt_col_str(struct bw_stmt *q, int i)
{
  const char *data = sqlite3_column_blob(q->stmt, i); /* the bytes of a text as well: stored as UTF-8 */
  int len = sqlite3_column_bytes(q->stmt, i);
  return data ? bw_str_n(data, (size_t)len) : BW_STR("");
}

bool bw_stmt_col_null(struct bw_stmt *q, int i)
{
  return sqlite3_column_type(q->stmt, i) == SQLITE_NULL;
}

int64_t bw_store_changes(struct bw_store *s)
{
  return sqlite3_changes64(s->db);
}

int64_t bw_store_last_id(struct bw_store *s)
{
  return sqlite3_last_insert_rowid(s->db);
}
