/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchers' rows: how far each is, its snapshot, its dead letters.  Runs in core.
 * Needs the store.
 */
#include <stdlib.h>

#include "watch/private.h"

static const char *const steps[] = {
    "CREATE TABLE watcher_state ("
    "  name TEXT PRIMARY KEY,"
    "  applied INTEGER NOT NULL DEFAULT 0,"  /* what came of every record up to it is stored */
    "  state_key TEXT NOT NULL DEFAULT '',"  /* what the snapshot was made with: state version and options */
    "  snap_gen INTEGER NOT NULL DEFAULT 0," /* which watcher_snapshot rows are whole */
    "  snap_chunks INTEGER NOT NULL DEFAULT 0,"
    "  snap_offset INTEGER NOT NULL DEFAULT 0,"
    "  snap_bytes INTEGER NOT NULL DEFAULT 0,"
    "  snap_at INTEGER"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE watcher_snapshot ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  gen INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  data BLOB NOT NULL," /* zstd */
    "  UNIQUE (name, gen, seq)"
    ") STRICT;"
    "CREATE TABLE dead_letter ("
    "  id INTEGER PRIMARY KEY,"
    "  watcher TEXT NOT NULL,"
    "  journal_offset INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL," /* when it was set aside */
    "  kind TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  record TEXT NOT NULL," /* JSON */
    "  UNIQUE (watcher, journal_offset)"
    ") STRICT;"};

const struct bw_schema bw_watch_schema = {"watch", steps, sizeof steps / sizeof *steps};

static int prepare(struct bw_watcher *w, const char *sql, struct bw_stmt **q, struct bw_error *err)
{
  int rc = bw_store_prepare(w->ws->store, sql, q, err);
  if (rc == BW_OK)
    bw_stmt_text(*q, 1, bw_str(w->cfg.name));
  return rc;
}

static int load_state(struct bw_watcher *w, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w,
                   "SELECT applied, state_key, snap_gen, snap_chunks, snap_offset, snap_bytes, snap_at FROM watcher_state "
                   "WHERE name = ?1",
                   &q, err);
  if (rc == BW_OK)
    rc = bw_stmt_step(q, err);
  free(w->state_key);
  w->state_key = bw_strdup("");
  w->applied = w->snap_gen = w->snap_offset = w->snap_bytes = 0;
  w->snap_chunks = 0;
  w->snap_at = BW_TIME_NONE;
  if (rc <= 0)
    return rc;
  w->applied = (uint64_t)bw_stmt_col_int(q, 0);
  free(w->state_key);
  w->state_key = bw_str_dup(bw_stmt_col_str(q, 1));
  w->snap_gen = (uint64_t)bw_stmt_col_int(q, 2);
  w->snap_chunks = (uint32_t)bw_stmt_col_int(q, 3);
  w->snap_offset = (uint64_t)bw_stmt_col_int(q, 4);
  w->snap_bytes = (uint64_t)bw_stmt_col_int(q, 5);
  w->snap_at = bw_stmt_col_null(q, 6) ? BW_TIME_NONE : bw_stmt_col_int(q, 6);
  bw_stmt_reset(q);
  return BW_OK;
}

static int load_dead(struct bw_watcher *w, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w, "SELECT journal_offset FROM dead_letter WHERE watcher = ?1 ORDER BY journal_offset", &q, err);
  w->ndead = 0;
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    if (w->ndead == w->dead_cap) {
      w->dead_cap = w->dead_cap ? w->dead_cap * 2 : 16;
      w->dead = bw_realloc(w->dead, w->dead_cap, sizeof *w->dead);
    }
    w->dead[w->ndead++] = (uint64_t)bw_stmt_col_int(q, 0);
  }
  return rc;
}

int bw_rows_load(struct bw_watcher *w, struct bw_error *err)
{
  int rc = load_state(w, err);
  w->durable = w->applied;
  return rc < 0 ? rc : load_dead(w, err);
}

int bw_rows_applied(struct bw_watcher *w, uint64_t offset, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w,
                   "INSERT INTO watcher_state (name, applied) VALUES (?1, ?2) "
                   "ON CONFLICT (name) DO UPDATE SET applied = excluded.applied",
                   &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 2, (int64_t)offset);
  rc = bw_stmt_run(q, err);
  if (rc == BW_OK)
    w->applied = offset;
  return rc;
}

int bw_rows_snapshot_chunk(struct bw_watcher *w, uint64_t gen, uint32_t seq, struct bw_str data, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w, "INSERT OR REPLACE INTO watcher_snapshot (name, gen, seq, data) VALUES (?1, ?2, ?3, ?4)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 2, (int64_t)gen);
  bw_stmt_int(q, 3, seq);
  bw_stmt_blob(q, 4, data);
  return bw_stmt_run(q, err);
}

/* The rows of other generations: replaced, or never finished. */
static int drop_others(struct bw_watcher *w, uint64_t gen, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w, "DELETE FROM watcher_snapshot WHERE name = ?1 AND gen <> ?2", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 2, (int64_t)gen);
  return bw_stmt_run(q, err);
}

int bw_rows_snapshot_done(struct bw_watcher *w, uint64_t gen, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w,
                   "INSERT INTO watcher_state (name, state_key, snap_gen, snap_chunks, snap_offset, snap_bytes, snap_at) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET state_key = excluded.state_key, "
                   "snap_gen = excluded.snap_gen, snap_chunks = excluded.snap_chunks, snap_offset = excluded.snap_offset, "
                   "snap_bytes = excluded.snap_bytes, snap_at = excluded.snap_at",
                   &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 2, bw_str(w->state_key));
  bw_stmt_int(q, 3, (int64_t)gen);
  bw_stmt_int(q, 4, w->snap_chunks);
  bw_stmt_int(q, 5, (int64_t)w->snap_offset);
  bw_stmt_int(q, 6, (int64_t)w->snap_bytes);
  if (w->snap_at == BW_TIME_NONE)
    bw_stmt_null(q, 7);
  else
    bw_stmt_int(q, 7, w->snap_at);
  rc = bw_stmt_run(q, err);
  return rc < 0 ? rc : drop_others(w, gen, err);
}

int bw_rows_snapshot_read(struct bw_watcher *w, uint32_t seq, struct bw_buf *out, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = prepare(w, "SELECT data FROM watcher_snapshot WHERE name = ?1 AND gen = ?2 AND seq = ?3", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 2, (int64_t)w->snap_gen);
  bw_stmt_int(q, 3, seq);
  rc = bw_stmt_step(q, err);
  if (rc == 0)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "piece %u of the snapshot is missing", seq);
  if (rc < 0)
    return rc;
  bw_buf_add_str(out, bw_stmt_col_str(q, 0));
  bw_stmt_reset(q);
  return BW_OK;
}

int bw_rows_snapshot_forget(struct bw_watcher *w, struct bw_error *err)
{
  w->snap_chunks = 0;
  w->snap_offset = w->snap_bytes = 0;
  w->snap_at = BW_TIME_NONE;
  return bw_rows_snapshot_done(w, ++w->snap_gen, err);
}

int bw_rows_dead_letter(struct bw_watcher *w, const struct bw_record *r, const char *reason, struct bw_error *err)
{
  struct bw_buf json = {0};
  struct bw_stmt *q;
  const char *kind = bw_kind_name(r->kind);
  int rc = prepare(w,
                   "INSERT OR IGNORE INTO dead_letter (watcher, journal_offset, at_ms, kind, account, reason, record) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   &q, err);
  if (rc < 0)
    return rc;
  if (kind)
    bw_record_json(&json, r);
  else
    bw_buf_add_cstr(&json, "{}");
  bw_stmt_int(q, 2, (int64_t)r->offset);
  bw_stmt_int(q, 3, bw_clock_now(bw_clock_system()));
  bw_stmt_text(q, 4, bw_str(kind ? kind : "?"));
  bw_stmt_text(q, 5, r->account);
  bw_stmt_text(q, 6, bw_str(reason));
  bw_stmt_text(q, 7, bw_buf_str(&json));
  rc = bw_stmt_run(q, err);
  bw_buf_clear(&json);
  return rc;
}
