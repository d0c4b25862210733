/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: batches from web and the command line → identity, de-duplication → the journal's pending block.  Nothing is answered
 * here; the commit does that.  Runs in core; the bytes come from other processes and are not trusted.
 */
#include "base/hash.h"
#include "base/log.h"
#include "core/private.h"
#include "ingest/mask.h"
#include "ingest/segment.h"

#define MAX_PENDING 4096
#define MAX_PENDING_RECORDS 262144
#define MAX_REJECTED 10000   /* rows kept for inspection */
#define MAX_UNRESOLVED 10000 /* distinct rows kept */

static const char *const schema_steps[] = {
    "CREATE TABLE rejected (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, source TEXT NOT NULL, place TEXT NOT "
    "NULL,"
    " reason TEXT NOT NULL, text BLOB NOT NULL);"
    "CREATE TABLE unresolved (kind INTEGER NOT NULL, subject BLOB NOT NULL, name BLOB NOT NULL, source TEXT NOT NULL,"
    " at INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (kind, subject, name, source)) WITHOUT ROWID;"
    "CREATE TABLE intake_total (one INTEGER PRIMARY KEY CHECK (one = 1), rejected INTEGER NOT NULL);"
    "INSERT INTO intake_total VALUES (1, 0);",
    "CREATE TABLE core_ticks (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER, history INTEGER, wait_until INTEGER NOT "
    "NULL, begun INTEGER NOT NULL);"
    "INSERT INTO core_ticks VALUES (1, NULL, NULL, 0, 0);",
    "CREATE TABLE store_probe (one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL);",
    "CREATE TABLE core_queue (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, records INTEGER NOT NULL,"
    " batch BLOB NOT NULL);"};
const struct bw_schema core_schema = {"core", schema_steps, sizeof schema_steps / sizeof *schema_steps};

static void count_second(struct core_counters *n, int64_t now_ms, uint64_t records)
{
  int64_t second = now_ms / 1000;
  for (; n->minute_at < second; n->minute_at = n->minute_at < second - 60 ? second - 60 : n->minute_at + 1)
    n->minute[(n->minute_at + 1) % 60] = 0;
  n->minute[second % 60] += records;
}

/* What cannot be tied to an account is kept as a record all the same, and shown, with how often it came. */
static int note_unresolved(struct core *c, const struct bw_record *r, struct bw_str source, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc;
  if (++c->n.unresolved > MAX_UNRESOLVED && c->n.unresolved % 64 != 0)
    return BW_OK; /* after the first many, a sample is enough */
  rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_store_prepare(c->store,
                          "INSERT INTO unresolved (kind, subject, name, source, at, count) VALUES (?1, ?2, ?3, ?4, ?5, 1)"
                          " ON CONFLICT DO UPDATE SET count = count + 1, at = excluded.at",
                          &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, r->kind);
  bw_stmt_blob(q, 2, r->subject);
  bw_stmt_blob(q, 3, r->name);
  bw_stmt_text(q, 4, source);
  bw_stmt_int(q, 5, r->arrival_ms);
  return bw_stmt_run(q, err);
}

static int take_record(struct core *c, struct bw_record *r, struct bw_str source, bool history, struct bw_ingested *n,
                       struct bw_error *err)
{
  int rc = BW_OK;
  if (r->kind == BW_KIND_TICK || r->kind == BW_KIND_FETCH) {
    n->rejected++; /* only core makes these */
    return BW_OK;
  }
  if (!bw_dedup_add(c->dedup, r->id, r->arrival_ms)) {
    n->duplicates++;
    return BW_OK;
  }
  if (history)
    rc = core_history_ticks(c, r, err);
  r->offset = bw_journal_next(c->journal);
  if (rc == 0 && bw_identity_resolve(c->identity, r) == BW_IDENTITY_UNRESOLVED)
    rc = note_unresolved(c, r, source, err);
  if (rc == 0)
    rc = bw_journal_append(c->journal, r, &r->offset, err);
  if (rc == BW_ELIMIT) { /* over a limit now that its account is known: refused alone */
    n->rejected++;
    return BW_OK;
  }
  if (rc < 0)
    return rc;
  n->accepted++;
  n->behind += history && core_history_behind(c, r);
  core_ticks_begin(c, r->kind);
  return BW_OK;
}

static void add_pending(struct core *c, struct bw_request *req, const struct bw_ingested *n)
{
  if (c->npending == c->pending_cap) {
    c->pending_cap = c->pending_cap ? c->pending_cap * 2 : 64;
    c->pending = bw_realloc(c->pending, c->pending_cap, sizeof *c->pending);
  }
  c->pending[c->npending++] = (struct core_pending){req, *n};
  c->pending_records += n->accepted;
}

static int can_take(const struct core *c, struct bw_error *err)
{
  if (c->stopping)
    return bw_fail(err, BW_EAGAIN, BW_CLASS_TRANSIENT, "the daemon is stopping; send it again");
  if (c->full)
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the store cannot take data now; send it again later");
  if (c->npending >= MAX_PENDING || c->pending_records >= MAX_PENDING_RECORDS)
    return bw_fail(err, BW_EAGAIN, BW_CLASS_TRANSIENT, "too much is waiting to be made durable; send it again later");
  return BW_OK;
}

/* Those in c->reader. */
static int take_records(struct core *c, struct bw_str source, bool history, struct bw_ingested *n, struct bw_error *err)
{
  int64_t now = core_now(c);
  uint64_t i;
  int rc = BW_OK;
  for (i = 0; rc == 0 && i < c->reader.batch.count; i++) {
    struct bw_record *r = &c->reader.records[i];
    r->arrival_ms = now > c->last_arrival ? now : c->last_arrival;
    rc = take_record(c, r, source, history, n, err);
  }
  n->scored_ms = n->behind ? core_scored_until(c) : BW_TIME_NONE;
  c->last_arrival = now > c->last_arrival ? now : c->last_arrival;
  c->n.accepted += n->accepted;
  c->n.duplicates += n->duplicates;
  count_second(&c->n, now, n->accepted);
  return rc;
}

int core_take_queued(struct core *c, struct bw_str source, struct bw_str batch, struct bw_error *err)
{
  struct bw_ingested n = {0};
  int rc = bw_batch_read(&c->reader, batch, bw_hash_seed(), err);
  if (rc == 0)
    rc = take_records(c, source, false, &n, err);
  c->n.rejected += n.rejected;
  if (n.rejected)
    bw_log(BW_LOG_WARN, "records that had queued were over a limit", "source=%s count=%llu", bw_log_quote(source),
           (unsigned long long)n.rejected);
  return rc;
}

int core_ingest(void *ctx, struct bw_request *req, int64_t arrival_ms, struct bw_str source, struct bw_str batch,
                struct bw_error *err)
{
  struct core *c = ctx;
  struct bw_ingested n = {0};
  bool history = bw_str_prefix(source, "history");
  int rc = can_take(c, err);
  (void)arrival_ms; /* when it arrived is said by the one clock that the journal goes by */
  if (rc == 0)
    rc = bw_batch_read(&c->reader, batch, bw_hash_seed(), err);
  if (rc < 0)
    return rc;
  if (history && (rc = core_history_batch(c, req, err)) < 0)
    return rc;
  if (!history && core_queues(c, &c->reader.batch)) {
    n.accepted = n.queued = c->reader.batch.count;
    rc = core_queue_add(c, source, batch, n.queued, err);
  } else {
    rc = take_records(c, source, history, &n, err);
  }
  c->n.bytes += batch.len;
  core_commit_soon(c, 0);
  if (rc < 0)
    return rc; /* the sender sends all of it again; what was taken is then a duplicate */
  add_pending(c, req, &n);
  return BW_OK;
}

/* ---- rejected input ---- */

/* What was refused is kept for a person to look at, but for the secrets in it. */
static int keep_reject(struct core *c, const struct bw_reject *r, struct bw_error *err)
{
  struct bw_stmt *q;
  struct bw_buf text = {0};
  int rc =
      bw_store_prepare(c->store, "INSERT INTO rejected (at, source, place, reason, text) VALUES (?1, ?2, ?3, ?4, ?5)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, core_now(c));
  bw_stmt_text(q, 2, r->source);
  bw_stmt_text(q, 3, r->where);
  bw_stmt_text(q, 4, r->reason);
  bw_mask_write_keys(r->text, &text);
  bw_stmt_blob(q, 5, bw_buf_str(&text));
  rc = bw_stmt_run(q, err);
  bw_buf_clear(&text);
  return rc;
}

static int run_int(struct core *c, const char *sql, int64_t v, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, sql, &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, v);
  return bw_stmt_run(q, err);
}

int core_reject(void *ctx, struct bw_request *req, const struct bw_reject *items, size_t n, struct bw_error *err)
{
  struct core *c = ctx;
  struct bw_ingested result = {.rejected = n};
  size_t i;
  int rc = can_take(c, err);
  if (rc == 0)
    rc = bw_store_begin(c->store, err);
  for (i = 0; rc == 0 && i < n; i++)
    rc = keep_reject(c, &items[i], err);
  if (rc == 0)
    rc = run_int(c, "UPDATE intake_total SET rejected = rejected + ?1", (int64_t)n, err);
  if (rc == 0)
    rc = run_int(c, "DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?1", MAX_REJECTED, err);
  if (rc < 0)
    return rc;
  c->n.rejected += n;
  add_pending(c, req, &result);
  core_commit_soon(c, 0);
  return BW_OK;
}

/* ---- start ---- */

static void load_block(struct core *c, const struct bw_batch *batch, int64_t window_start)
{
  uint64_t i;
  for (i = 0; i < batch->count; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    if (r->kind == BW_KIND_TICK)
      core_tick_known(c, r->time_ms);
    else
      core_ticks_begin(c, r->kind); /* of an earlier release, which did not say so */
    if (r->arrival_ms >= window_start)
      (void)bw_dedup_add(c->dedup, r->id, r->arrival_ms);
    if (r->arrival_ms > c->last_arrival)
      c->last_arrival = r->arrival_ms;
  }
}

/* The journal's own arrivals say where the window begins: nothing here depends on how long we were away. */
int core_intake_load(struct core *c, struct bw_error *err)
{
  int64_t start = core_now(c) - core_setup(c)->dedup_window_ms;
  struct bw_str batch;
  uint64_t from, first, last;
  int rc = core_ticks_load(c, err);
  if (rc == 0)
    rc = core_queue_load(c, err);
  if (rc == 0)
    rc = bw_journal_seek_arrival(c->journal, start, &from, err);
  while (rc >= 0 && (rc = bw_journal_read(c->journal, from, &batch, &first, &last, err)) != 0) {
    if (rc == BW_ECORRUPT) {
      core_notice_damage(c, err);
    } else if (rc < 0 || (rc = bw_batch_read(&c->reader, batch, bw_hash_seed(), err)) < 0) {
      return rc;
    } else {
      load_block(c, &c->reader.batch, start);
    }
    from = last + 1;
    rc = BW_OK;
  }
  bw_dedup_committed(c->dedup);
  return rc;
}
