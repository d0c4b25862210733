/* SPDX-License-Identifier: Apache-2.0 */
/* Appending, flushing and retention.  core process; the store is its only door to the disk. */
#include "journal/journal.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/time.h"
#include "journal/private.h"

static const char *const steps[] = {
    /* data comes last, so that the head of a row can be read when its overflow pages cannot */
    "CREATE TABLE journal_block(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, records INTEGER NOT NULL,"
    " min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, min_arrival INTEGER NOT NULL, max_arrival INTEGER NOT NULL,"
    " codec INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, checksum BLOB NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX journal_arrival ON journal_block(max_arrival);"
    "CREATE TABLE journal_meta(id INTEGER PRIMARY KEY CHECK(id = 1), next INTEGER NOT NULL, first INTEGER NOT NULL,"
    " blocks INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "INSERT INTO journal_meta VALUES(1, 1, 1, 0, 0);"
    "CREATE TABLE journal_damaged(first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL, data BLOB,"
    " PRIMARY KEY(first, last)) WITHOUT ROWID;",
    /* with it, blocks of parts: an older program must not take them for damaged ones */
    "ALTER TABLE journal_meta ADD COLUMN merged INTEGER NOT NULL DEFAULT 1;",
};
const struct bw_schema bw_journal_schema = {"journal", steps, sizeof steps / sizeof *steps};

/* ---- state ---- */

int bw_journal_load_state(struct bw_journal *j, struct bw_error *err)
{
  struct bw_stmt *q;
  struct state s = {.next = 1, .first = 1};
  int rc = bw_store_prepare(j->store, "SELECT next, first, blocks, bytes, merged FROM journal_meta WHERE id = 1", &q, err);
  if (rc || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  if (rc > 0) {
    s.next = (uint64_t)bw_stmt_col_int(q, 0);
    s.first = (uint64_t)bw_stmt_col_int(q, 1);
    s.blocks = (uint64_t)bw_stmt_col_int(q, 2);
    s.bytes = (uint64_t)bw_stmt_col_int(q, 3);
    s.merged = (uint64_t)bw_stmt_col_int(q, 4);
    bw_stmt_reset(q);
  }
  if ((rc = bw_store_prepare(j->store, "SELECT first, last FROM journal_block ORDER BY first DESC LIMIT 1", &q, err)) != 0 ||
      (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  /* The meta row is written with every block.  Should it be behind, an offset must not be given twice. */
  if (rc > 0) {
    uint64_t first = (uint64_t)bw_stmt_col_int(q, 0), last = (uint64_t)bw_stmt_col_int(q, 1);
    if (last >= s.next && last >= first && last - first < BW_BATCH_MAX_RECORDS)
      s.next = last + 1;
    bw_stmt_reset(q);
  }
  if (s.next < 1 || s.next > INT64_MAX || s.first < 1 || s.first > s.next)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT,
                   "the journal's own counters are damaged (first %llu, next %llu); restore the database from a backup",
                   (unsigned long long)s.first, (unsigned long long)s.next);
  j->now = s;
  rc = bw_lost_load(j, err);
  j->committed = j->now;
  return rc;
}

int bw_journal_save_state(struct bw_journal *j, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(
      j->store, "INSERT OR REPLACE INTO journal_meta(id, next, first, blocks, bytes, merged) VALUES(1, ?, ?, ?, ?, ?)", &q,
      err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)j->now.next);
  bw_stmt_int(q, 2, (int64_t)j->now.first);
  bw_stmt_int(q, 3, (int64_t)j->now.blocks);
  bw_stmt_int(q, 4, (int64_t)j->now.bytes);
  bw_stmt_int(q, 5, (int64_t)j->now.merged);
  return bw_stmt_run(q, err);
}

int bw_journal_open(struct bw_store *store, struct bw_journal **ret_journal, struct bw_error *err)
{
  struct bw_journal *j;
  int rc;
  if (sodium_init() < 0)
    return bw_fail(err, BW_EIO, BW_CLASS_TRANSIENT, "libsodium cannot start: no random numbers from the kernel");
  j = bw_alloc(sizeof *j);
  j->store = store;
  j->zip = ZSTD_createCCtx();
  j->unzip = ZSTD_createDCtx();
  BW_ASSERT(j->zip && j->unzip);
  rc = bw_journal_load_state(j, err);
  if (rc) {
    bw_journal_close(&j);
    return rc;
  }
  j->next = j->now.next;
  *ret_journal = j;
  return BW_OK;
}

static void drop_cut(struct bw_journal *j)
{
  while (j->ncut)
    bw_buf_clear(&j->cut[--j->ncut].raw);
  j->cut_bytes = 0;
}

void bw_journal_close(struct bw_journal **jp)
{
  struct bw_journal *j = *jp;
  size_t i;
  if (!j)
    return;
  drop_cut(j);
  free(j->cut);
  for (i = 0; i < j->ncache; i++)
    bw_buf_clear(&j->cache[i].raw);
  free(j->lost);
  free(j->parts);
  bw_batch_writer_clear(&j->writer);
  bw_batch_reader_clear(&j->reader);
  bw_buf_clear(&j->raw);
  bw_buf_clear(&j->packed);
  ZSTD_freeCCtx(j->zip);
  ZSTD_freeDCtx(j->unzip);
  free(j);
  *jp = NULL;
}

uint64_t bw_journal_next(const struct bw_journal *j)
{
  return j->next;
}

uint64_t bw_journal_first(const struct bw_journal *j)
{
  return j->now.first;
}

/* ---- appending ---- */

static void cut(struct bw_journal *j)
{
  struct block *b;
  if (j->writer.count == 0)
    return;
  if (j->ncut == j->cut_cap) {
    j->cut_cap = j->cut_cap ? j->cut_cap * 2 : 4;
    j->cut = bw_realloc(j->cut, j->cut_cap, sizeof *j->cut);
  }
  b = &j->cut[j->ncut++];
  *b = (struct block){.head = j->open};
  b->head.records = j->writer.count;
  b->head.last = b->head.first + j->writer.count - 1;
  bw_batch_finish(&j->writer, &b->raw);
  j->cut_bytes += b->raw.len;
}

/* What the decoder would refuse must not get in: it would look like damage later. */
static int check_record(const struct bw_record *r, struct bw_error *err)
{
  uint32_t i;
  if (r->kind == BW_KIND_NONE || r->kind >= BW_KIND_COUNT || r->time_ms < 0 || r->time_ms > BW_TIME_MAX || r->arrival_ms < 0 ||
      r->arrival_ms > BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the record's kind (%u) or one of its times is out of range", r->kind);
  for (i = 0; i < r->nfields && i < BW_RECORD_MAX_FIELDS; i++) {
    const struct bw_field *f = &r->fields[i];
    bool numeric = f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL;
    if (f->section > BW_SECTION_CONTEXT || f->type > BW_VALUE_JSON || (numeric && !isfinite(f->number)))
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "field %u of the record is malformed", i);
  }
  return BW_OK;
}

static int64_t least(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

int bw_journal_append(struct bw_journal *j, const struct bw_record *r, uint64_t *ret_offset, struct bw_error *err)
{
  struct bw_record copy = *r;
  struct block_head *h = &j->open;
  int rc = check_record(r, err);
  copy.offset = j->next;
  if (!rc)
    rc = bw_batch_add(&j->writer, &copy, err);
  if (rc)
    return rc;
  if (j->writer.count == 1)
    *h = (struct block_head){.first = j->next,
                             .min_time = r->time_ms,
                             .max_time = r->time_ms,
                             .min_arrival = r->arrival_ms,
                             .max_arrival = r->arrival_ms};
  h->min_time = least(h->min_time, r->time_ms);
  h->max_time = most(h->max_time, r->time_ms);
  h->min_arrival = least(h->min_arrival, r->arrival_ms);
  h->max_arrival = most(h->max_arrival, r->arrival_ms);
  if (ret_offset)
    *ret_offset = j->next;
  j->next++;
  if (r->kind == BW_KIND_TICK || j->writer.count >= BLOCK_RECORDS || j->writer.bytes.len >= BLOCK_BYTES)
    cut(j);
  return BW_OK;
}

size_t bw_journal_pending(const struct bw_journal *j)
{
  return j->writer.bytes.len + j->cut_bytes;
}

int bw_block_insert(struct bw_journal *j, const struct block_head *h, struct bw_str data, struct bw_error *err)
{
  struct bw_stmt *q;
  uint8_t sum[CHECKSUM_BYTES];
  int rc = bw_store_prepare(j->store, "INSERT INTO journal_block VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &q, err);
  if (rc)
    return rc;
  bw_block_checksum(h, data, sum);
  bw_stmt_int(q, 1, (int64_t)h->first);
  bw_stmt_int(q, 2, (int64_t)h->last);
  bw_stmt_int(q, 3, (int64_t)h->records);
  bw_stmt_int(q, 4, h->min_time);
  bw_stmt_int(q, 5, h->max_time);
  bw_stmt_int(q, 6, h->min_arrival);
  bw_stmt_int(q, 7, h->max_arrival);
  bw_stmt_int(q, 8, h->codec);
  bw_stmt_int(q, 9, (int64_t)h->raw_bytes);
  bw_stmt_blob(q, 10, bw_str_n((const char *)sum, sizeof sum));
  bw_stmt_blob(q, 11, data);
  return bw_stmt_run(q, err);
}

static int write_block(struct bw_journal *j, struct block *b, struct bw_error *err)
{
  struct bw_str data = bw_block_pack(j, b);
  const struct block_head *h = &b->head;
  int rc = bw_block_insert(j, h, data, err);
  if (rc)
    return rc;
  b->flushed = true;
  j->cut_bytes -= b->raw.len;
  j->now.next = h->last + 1;
  j->now.blocks++;
  j->now.bytes += data.len;
  return BW_OK;
}

int bw_journal_flush(struct bw_journal *j, struct bw_error *err)
{
  size_t i;
  int rc = BW_OK;
  if (!bw_store_in_transaction(j->store))
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "the journal is flushed outside a transaction");
  cut(j);
  if (j->ncut == 0 || j->cut[j->ncut - 1].flushed)
    return BW_OK;
  for (i = 0; i < j->ncut && !rc; i++)
    if (!j->cut[i].flushed)
      rc = write_block(j, &j->cut[i], err);
  return rc ? rc : bw_journal_save_state(j, err);
}

/* Takes the block's bytes over; the oldest make room. */
static void remember(struct bw_journal *j, struct block *b)
{
  size_t drop = 0, i;
  while (drop < j->ncache && (j->ncache - drop == CACHE_BLOCKS || j->cache_bytes + b->raw.len > CACHE_BYTES)) {
    j->cache_bytes -= j->cache[drop].raw.len;
    bw_buf_clear(&j->cache[drop].raw);
    drop++;
  }
  for (i = drop; i < j->ncache; i++)
    j->cache[i - drop] = j->cache[i];
  j->ncache -= drop;
  j->cache[j->ncache++] = *b;
  j->cache_bytes += b->raw.len;
}

void bw_journal_committed(struct bw_journal *j)
{
  size_t i, n;
  for (n = 0; n < j->ncut && j->cut[n].flushed; n++)
    remember(j, &j->cut[n]);
  for (i = n; i < j->ncut; i++)
    j->cut[i - n] = j->cut[i];
  j->ncut -= n;
  j->committed = j->now;
}

void bw_journal_rolled_back(struct bw_journal *j)
{
  drop_cut(j);
  bw_buf_reset(&j->writer.bytes);
  j->writer = (struct bw_batch_writer){.bytes = j->writer.bytes};
  j->now = j->committed;
  j->next = j->now.next;
  if (bw_lost_load(j, NULL) != 0) /* cannot be read now: then what was found stays known, which hides nothing new */
    j->now = j->committed;
  j->committed = j->now;
}

/* ---- retention ---- */

static int oldest(struct bw_journal *j, struct block_head *ret, uint64_t *ret_bytes, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(
      j->store, "SELECT first, last, records, max_arrival, length(data) FROM journal_block ORDER BY first LIMIT 1", &q, err);
  if (rc || (rc = bw_stmt_step(q, err)) <= 0)
    return rc;
  ret->first = (uint64_t)bw_stmt_col_int(q, 0);
  ret->last = (uint64_t)bw_stmt_col_int(q, 1);
  ret->records = (uint64_t)bw_stmt_col_int(q, 2);
  ret->max_arrival = bw_stmt_col_int(q, 3);
  *ret_bytes = (uint64_t)bw_stmt_col_int(q, 4);
  bw_stmt_reset(q);
  return 1;
}

static int run_with(struct bw_journal *j, const char *sql, uint64_t value, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(j->store, sql, &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)value);
  return bw_stmt_run(q, err);
}

static int delete_oldest(struct bw_journal *j, int64_t arrival_ms, uint64_t keep_from, uint64_t *deleted, struct bw_error *err)
{
  struct block_head h = {0};
  uint64_t bytes = 0;
  int rc = 0, i;
  for (i = 0; i < 1024 && (rc = oldest(j, &h, &bytes, err)) > 0; i++) {
    if (h.max_arrival >= arrival_ms || h.last >= keep_from || h.last >= j->committed.next)
      break;
    if ((rc = run_with(j, "DELETE FROM journal_block WHERE first = ?", h.first, err)) != 0)
      return rc;
    *deleted += h.records;
    j->now.blocks -= j->now.blocks > 0;
    j->now.bytes -= bytes < j->now.bytes ? bytes : j->now.bytes;
    if (h.last >= j->now.first)
      j->now.first = h.last + 1;
  }
  if (rc < 0 || i == 0)
    return rc < 0 ? rc : BW_OK;
  rc = run_with(j, "DELETE FROM journal_damaged WHERE last < ?", j->now.first, err);
  if (!rc)
    rc = bw_lost_load(j, err);
  return rc ? rc : bw_journal_save_state(j, err);
}

int bw_journal_retain(struct bw_journal *j, int64_t arrival_ms, uint64_t keep_from, uint64_t *ret_deleted, struct bw_error *err)
{
  bool own = !bw_store_in_transaction(j->store);
  struct state before = j->now;
  uint64_t deleted = 0;
  int rc = bw_store_begin(j->store, err);
  if (rc)
    return rc;
  rc = delete_oldest(j, arrival_ms, keep_from, &deleted, err);
  if (own && rc)
    bw_store_rollback(j->store);
  else if (own)
    rc = bw_store_commit(j->store, err);
  if (rc) {
    (void)bw_lost_load(j, NULL);
    j->now = before;
    return rc;
  }
  if (own)
    j->committed = j->now;
  if (ret_deleted)
    *ret_deleted = deleted;
  return BW_OK;
}

int bw_journal_stats(struct bw_journal *j, struct bw_journal_stats *ret_stats, struct bw_error *err)
{
  const struct state *s = &j->committed;
  (void)err;
  *ret_stats = (struct bw_journal_stats){.first = s->first,
                                         .next = s->next,
                                         .blocks = s->blocks,
                                         .bytes = s->bytes,
                                         .damaged_blocks = s->damaged_blocks,
                                         .damaged_records = s->damaged_records};
  return BW_OK;
}
