/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many small blocks into few large ones: a quiet hour's tick, a single event and the like are each a block of their own when
 * they are committed, and cost a row and a checksum each, uncompressed.  core process.
 *
 * Readers are promised blocks that end at ticks.  So a merged block keeps parts: batches, each up to the next tick, compressed
 * as one; a reader is given a part.
 */
#include <stdlib.h>

#include "base/time.h"
#include "journal/private.h"

#define HEADS 1024                    /* looked at in one step */
#define SMALL_BYTES (BLOCK_BYTES / 4) /* of an encoded block: a larger one stays as it is */

/* Blocks that follow one another and may become one. */
struct run {
  size_t from, n; /* among the heads */
  uint64_t records, raw_bytes;
};

struct merge {
  struct bw_journal *j;
  struct block_head heads[HEADS];
  uint64_t sizes[HEADS]; /* of their data as stored */
  size_t nheads;
  struct bw_batch_writer writer;
  struct bw_batch_reader reader;
  struct bw_buf parts, batch;
};

static bool old_enough(const struct merge *m, size_t i, int64_t arrival_ms)
{
  return m->heads[i].max_arrival < arrival_ms && m->heads[i].last < m->j->committed.next;
}

static bool small(const struct merge *m, size_t i)
{
  const struct block_head *h = &m->heads[i];
  return h->codec != CODEC_PARTS && h->raw_bytes < SMALL_BYTES && h->last >= h->first && h->records < BLOCK_RECORDS &&
         bw_lost_next(m->j, h->first) > h->last;
}

/* Of one day, so that retention stays exact to a day. */
static bool fits(const struct merge *m, const struct run *r, size_t i)
{
  const struct block_head *before = &m->heads[i - 1], *h = &m->heads[i];
  return small(m, i) && h->first == before->last + 1 && bw_time_day(h->max_arrival) == bw_time_day(before->max_arrival) &&
         r->records + h->records <= BLOCK_RECORDS && r->raw_bytes + h->raw_bytes <= BLOCK_BYTES;
}

/* The next run of two or more.  *ret_seen: how many heads need not be looked at again. */
static bool find_run(const struct merge *m, int64_t arrival_ms, struct run *ret, size_t *ret_seen)
{
  size_t i = 0;
  while (i < m->nheads && old_enough(m, i, arrival_ms)) {
    struct run r = {i, 1, m->heads[i].records, m->heads[i].raw_bytes};
    for (i++; i < m->nheads && small(m, r.from) && old_enough(m, i, arrival_ms) && fits(m, &r, i); i++) {
      r.n++;
      r.records += m->heads[i].records;
      r.raw_bytes += m->heads[i].raw_bytes;
    }
    if (r.n < 2)
      continue;
    *ret = r;
    *ret_seen = i;
    return true;
  }
  *ret_seen = i;
  return false;
}

static void end_part(struct merge *m)
{
  if (m->writer.count == 0)
    return;
  bw_buf_reset(&m->batch);
  bw_batch_finish(&m->writer, &m->batch);
  bw_buf_add_lstr(&m->parts, bw_buf_str(&m->batch));
}

static int64_t least(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* Adds a block's records.  1: done; 0: it is damaged, which whoever reads it will report; negative: failed. */
static int take_block(struct merge *m, const struct block_head *h, struct bw_error *err)
{
  struct bw_journal *j = m->j;
  uint64_t i;
  int rc = BW_OK;
  if (bw_block_load(j, h, &rc, err) != NULL || rc < 0)
    return rc;
  if ((rc = bw_batch_read(&m->reader, bw_buf_str(&j->raw), 0, err)) < 0)
    return rc;
  for (i = 0; rc == BW_OK && i < m->reader.nrecords; i++) {
    rc = bw_batch_add(&m->writer, &m->reader.records[i], err);
    if (m->reader.records[i].kind == BW_KIND_TICK)
      end_part(m);
  }
  return rc < 0 ? rc : 1;
}

/* The run's blocks go, one comes.  r->n becomes what was really taken: up to the first damaged one. */
static int make_one(struct merge *m, struct run *r, struct bw_error *err)
{
  struct bw_journal *j = m->j;
  const struct block_head *heads = &m->heads[r->from];
  struct block_head whole = heads[0];
  struct bw_str data;
  uint8_t sum[CHECKSUM_BYTES];
  uint64_t stored = 0;
  struct bw_stmt *q;
  size_t n;
  int rc = 1;
  for (n = 0; n < r->n && (rc = take_block(m, &heads[n], err)) == 1; n++) {
    whole.last = heads[n].last;
    whole.min_time = least(whole.min_time, heads[n].min_time);
    whole.max_time = most(whole.max_time, heads[n].max_time);
    whole.min_arrival = least(whole.min_arrival, heads[n].min_arrival);
    whole.max_arrival = most(whole.max_arrival, heads[n].max_arrival);
    stored += m->sizes[r->from + n];
  }
  r->n = n;
  if (rc < 0 || n < 2)
    return rc < 0 ? rc : BW_OK;
  end_part(m);
  whole.records = whole.last - whole.first + 1;
  data = bw_block_pack_parts(j, &whole, bw_buf_str(&m->parts));
  bw_block_checksum(&whole, data, sum);
  /* The old blocks are about to go: nothing takes their place that could not be read back. */
  if (bw_block_unpack(j, &whole, bw_str_n((const char *)sum, sizeof sum), data) != NULL)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_BUG, "blocks from record %llu on could not be merged",
                   (unsigned long long)whole.first);
  j->nparts = 0;
  rc = bw_store_prepare(j->store, "DELETE FROM journal_block WHERE first BETWEEN ? AND ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)whole.first);
  bw_stmt_int(q, 2, (int64_t)whole.last);
  if ((rc = bw_stmt_run(q, err)) != 0 || (rc = bw_block_insert(j, &whole, data, err)) != 0)
    return rc;
  j->now.blocks -= n - 1 < j->now.blocks ? n - 1 : 0;
  j->now.bytes = j->now.bytes + data.len > stored ? j->now.bytes + data.len - stored : data.len;
  return BW_OK;
}

static int step(struct merge *m, int64_t arrival_ms, uint64_t *merged, bool *more, struct bw_error *err)
{
  struct bw_journal *j = m->j;
  struct run r = {0, 0, 0, 0};
  uint64_t from = j->now.merged > j->now.first ? j->now.merged : j->now.first;
  size_t seen = 0;
  bool found;
  int rc = bw_block_heads(j, from, m->heads, m->sizes, HEADS, err);
  if (rc <= 0)
    return rc;
  m->nheads = (size_t)rc;
  found = find_run(m, arrival_ms, &r, &seen);
  if (seen == 0)
    return BW_OK;
  if (found && (rc = make_one(m, &r, err)) < 0)
    return rc;
  if (found && r.n < 2)
    seen = r.from + 1; /* damaged: past it, or past the one before it */
  else if (found)
    seen = r.from + r.n;
  *merged = found && r.n >= 2 ? r.n : 0;
  *more = true;
  j->now.merged = m->heads[seen - 1].last + 1;
  return bw_journal_save_state(j, err);
}

int bw_journal_merge(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_merged, struct bw_error *err)
{
  bool own = !bw_store_in_transaction(j->store), more = false;
  struct state before = j->now;
  struct merge *m;
  uint64_t merged = 0;
  int rc = bw_store_begin(j->store, err);
  if (rc)
    return rc;
  m = bw_alloc(sizeof *m);
  m->j = j;
  rc = step(m, arrival_ms, &merged, &more, err);
  bw_batch_writer_clear(&m->writer);
  bw_batch_reader_clear(&m->reader);
  bw_buf_clear(&m->parts);
  bw_buf_clear(&m->batch);
  free(m);
  if (own && rc)
    bw_store_rollback(j->store);
  else if (own)
    rc = bw_store_commit(j->store, err);
  if (rc) {
    j->now = before;
    return rc;
  }
  if (own)
    j->committed = j->now;
  if (ret_merged)
    *ret_merged = merged;
  return more;
}
