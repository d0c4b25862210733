/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blocks back, finding what is damaged or missing.  core process. */
#include "base/log.h"
#include "base/time.h"
#include "journal/private.h"

static void head_of_row(struct bw_stmt *q, struct block_head *h)
{
  *h = (struct block_head){.first = (uint64_t)bw_stmt_col_int(q, 0),
                           .last = (uint64_t)bw_stmt_col_int(q, 1),
                           .records = (uint64_t)bw_stmt_col_int(q, 2),
                           .min_time = bw_stmt_col_int(q, 3),
                           .max_time = bw_stmt_col_int(q, 4),
                           .min_arrival = bw_stmt_col_int(q, 5),
                           .max_arrival = bw_stmt_col_int(q, 6),
                           .codec = (uint32_t)bw_stmt_col_int(q, 7),
                           .raw_bytes = (uint64_t)bw_stmt_col_int(q, 8)};
}

#define HEAD "first, last, records, min_time, max_time, min_arrival, max_arrival, codec, raw_bytes"

static int query_head(struct bw_journal *j, const char *sql, uint64_t offset, struct block_head *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(j->store, sql, &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)offset);
  if ((rc = bw_stmt_step(q, err)) > 0) {
    head_of_row(q, ret);
    bw_stmt_reset(q);
  }
  return rc;
}

int bw_block_heads(struct bw_journal *j, uint64_t from, struct block_head *ret, uint64_t *ret_sizes, size_t max,
                   struct bw_error *err)
{
  struct bw_stmt *q;
  size_t n = 0;
  int rc = bw_store_prepare(
      j->store, "SELECT " HEAD ", length(data) FROM journal_block WHERE first >= ? ORDER BY first LIMIT ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)from);
  bw_stmt_int(q, 2, (int64_t)max);
  while (n < max && (rc = bw_stmt_step(q, err)) > 0) {
    head_of_row(q, &ret[n]);
    ret_sizes[n++] = (uint64_t)bw_stmt_col_int(q, 9);
  }
  bw_stmt_reset(q);
  return rc < 0 ? rc : (int)n;
}

/* The block that holds from, or the next one: 1; none: 0. */
static int find(struct bw_journal *j, uint64_t from, struct block_head *ret, struct bw_error *err)
{
  int rc = query_head(j, "SELECT " HEAD " FROM journal_block WHERE first <= ? ORDER BY first DESC LIMIT 1", from, ret, err);
  if (rc < 0 || (rc > 0 && ret->last >= from))
    return rc;
  return query_head(j, "SELECT " HEAD " FROM journal_block WHERE first > ? ORDER BY first LIMIT 1", from, ret, err);
}

const char *bw_block_load(struct bw_journal *j, const struct block_head *h, int *rc, struct bw_error *err)
{
  struct bw_stmt *q;
  const char *why = "is gone";
  *rc = bw_store_prepare(j->store, "SELECT checksum, data FROM journal_block WHERE first = ?", &q, err);
  if (*rc)
    return why;
  bw_stmt_int(q, 1, (int64_t)h->first);
  *rc = bw_stmt_step(q, err);
  if (*rc > 0) {
    struct bw_str data = bw_stmt_col_str(q, 1); /* before the checksum: reading it may fail and free other columns */
    why = bw_block_unpack(j, h, bw_stmt_col_str(q, 0), data);
    bw_stmt_reset(q);
  }
  if (*rc == BW_ECORRUPT) {
    *rc = 0;
    return "lies on damaged pages of the database";
  }
  if (*rc > 0)
    *rc = 0;
  return why;
}

/*
 * How much a damaged row lost: its own head cannot be trusted, so its neighbours say.  At least `from`.  Cut where a known loss
 * begins, so that lost ranges do not overlap.
 */
static int damaged_range(struct bw_journal *j, const struct block_head *h, uint64_t from, struct range *ret,
                         struct bw_error *err)
{
  struct block_head other;
  uint64_t lo = j->committed.first, hi = j->committed.next - 1, known;
  int rc =
      query_head(j, "SELECT " HEAD " FROM journal_block WHERE first < ? ORDER BY first DESC LIMIT 1", h->first, &other, err);
  if (rc < 0)
    return rc;
  if (rc > 0)
    lo = other.last < h->first && other.last >= lo ? other.last + 1 : h->first;
  rc = query_head(j, "SELECT " HEAD " FROM journal_block WHERE first > ? ORDER BY first LIMIT 1", h->first, &other, err);
  if (rc < 0)
    return rc;
  if (rc > 0 && other.first - 1 < hi)
    hi = other.first - 1;
  known = bw_lost_before(j, from);
  if (known >= lo)
    lo = known + 1;
  lo = lo > from ? from : lo;
  hi = hi < from ? from : hi;
  known = bw_lost_next(j, from);
  *ret = (struct range){lo, known <= hi && known > from ? known - 1 : hi};
  return BW_OK;
}

static int report(struct bw_journal *j, struct range lost, uint64_t row, const char *why, uint64_t *ret_first,
                  uint64_t *ret_last, struct bw_error *err)
{
  int rc = bw_lost_set_aside(j, lost.first, lost.last, row, why, err);
  if (rc == BW_ECORRUPT) {
    *ret_first = lost.first;
    *ret_last = lost.last;
  }
  return rc;
}

/* from..limit-1 are in no block. */
static int missing(struct bw_journal *j, uint64_t from, uint64_t limit, uint64_t *ret_first, uint64_t *ret_last,
                   struct bw_error *err)
{
  uint64_t known = bw_lost_next(j, from);
  struct range lost = {from, (known < limit ? known : limit) - 1};
  return report(j, lost, 0, "is not in the database at all", ret_first, ret_last, err);
}

static const struct block *cached(const struct bw_journal *j, uint64_t from)
{
  size_t i;
  for (i = 0; i < j->ncache; i++)
    if (from >= j->cache[i].head.first && from <= j->cache[i].head.last)
      return &j->cache[i];
  return NULL;
}

/* The part of the block at hand that holds the offset; NULL where another block is at hand, or none. */
static const struct part *find_part(const struct bw_journal *j, const struct block_head *h, uint64_t offset)
{
  size_t lo = 0, hi = j->nparts;
  if (j->nparts == 0 || j->parts[0].first != h->first || j->parts[j->nparts - 1].last != h->last)
    return NULL;
  while (lo + 1 < hi) {
    size_t mid = (lo + hi) / 2;
    if (j->parts[mid].first <= offset)
      lo = mid;
    else
      hi = mid;
  }
  return offset <= j->parts[lo].last ? &j->parts[lo] : NULL;
}

/* What a reader gets of an unpacked block: all of it, or the part that holds `from`. */
static int give(struct bw_journal *j, const struct block_head *h, uint64_t from, struct bw_str *ret_batch, uint64_t *ret_first,
                uint64_t *ret_last)
{
  const struct part *p = h->codec == CODEC_PARTS ? find_part(j, h, from > h->first ? from : h->first) : NULL;
  *ret_batch = p ? bw_str_n(j->raw.data + p->at, p->len) : bw_buf_str(&j->raw);
  *ret_first = p ? p->first : h->first;
  *ret_last = p ? p->last : h->last;
  return 1;
}

static int read_stored(struct bw_journal *j, uint64_t from, struct block_head *ret, uint64_t *ret_first, uint64_t *ret_last,
                       struct bw_error *err)
{
  uint64_t end = j->committed.next;
  struct block_head h;
  struct range lost;
  const char *why;
  int rc = find(j, from, &h, err);
  if (rc < 0)
    return rc;
  if (rc == 0 || h.first >= end)
    return missing(j, from, end, ret_first, ret_last, err);
  if (h.first > from)
    return missing(j, from, h.first, ret_first, ret_last, err);
  if (h.codec == CODEC_PARTS && find_part(j, &h, from)) {
    *ret = h;
    return 1;
  }
  why = bw_block_load(j, &h, &rc, err);
  if (rc)
    return rc;
  if (!why) {
    *ret = h;
    return 1;
  }
  if ((rc = damaged_range(j, &h, from, &lost, err)) != 0)
    return rc;
  return report(j, lost, h.first, why, ret_first, ret_last, err);
}

static int read_block(struct bw_journal *j, uint64_t from, bool use_cache, struct bw_str *ret_batch, uint64_t *ret_first,
                      uint64_t *ret_last, struct bw_error *err)
{
  const struct block *hot;
  struct block_head h = {0};
  uint64_t lost;
  int rc;
  if (from < j->now.first)
    from = j->now.first;
  while ((lost = bw_lost_end(j, from)) != 0)
    from = lost + 1;
  if (from >= j->committed.next)
    return 0;
  hot = use_cache ? cached(j, from) : NULL;
  if (hot) {
    *ret_batch = bw_buf_str(&hot->raw);
    *ret_first = hot->head.first;
    *ret_last = hot->head.last;
    return 1;
  }
  rc = read_stored(j, from, &h, ret_first, ret_last, err);
  if (rc != 1)
    return rc;
  return give(j, &h, from, ret_batch, ret_first, ret_last);
}

int bw_journal_read(struct bw_journal *j, uint64_t from, struct bw_str *ret_batch, uint64_t *ret_first, uint64_t *ret_last,
                    struct bw_error *err)
{
  return read_block(j, from, true, ret_batch, ret_first, ret_last, err);
}

int bw_journal_verify(struct bw_journal *j, uint64_t *ret_damaged, struct bw_error *err)
{
  uint64_t from = j->now.first, first, last, damaged = 0;
  struct bw_error own;
  struct bw_str batch;
  int rc;
  while ((rc = read_block(j, from, false, &batch, &first, &last, &own)) != 0) {
    if (rc == BW_ECORRUPT) {
      damaged++;
      bw_log(BW_LOG_ERROR, "damaged journal", "first=%llu last=%llu error=%s", (unsigned long long)first,
             (unsigned long long)last, BW_Q(own.message));
    } else if (rc < 0) {
      if (err)
        *err = own;
      return rc;
    }
    from = last + 1;
  }
  *ret_damaged = damaged;
  return BW_OK;
}

/* The first block with an arrival late enough, by the index alone. */
static int seek_block(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_first, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(j->store, "SELECT min(first) FROM journal_block WHERE max_arrival >= ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, arrival_ms);
  if ((rc = bw_stmt_step(q, err)) <= 0)
    return rc;
  rc = !bw_stmt_col_null(q, 0);
  *ret_first = (uint64_t)bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return rc;
}

int bw_journal_seek_arrival(struct bw_journal *j, int64_t arrival_ms, uint64_t *ret_offset, struct bw_error *err)
{
  uint64_t from = 0, start, first, last;
  struct bw_str batch;
  size_t i;
  int rc = seek_block(j, arrival_ms, &from, err);
  if (rc < 0)
    return rc;
  if (rc == 0 || from >= j->committed.next) {
    *ret_offset = j->committed.next;
    return BW_OK;
  }
  start = from;
  while ((rc = read_block(j, from, false, &batch, &first, &last, err)) == 1) {
    if ((rc = bw_batch_read(&j->reader, batch, 0, err)) < 0)
      return rc;
    for (i = 0; i < j->reader.nrecords; i++)
      if (j->reader.records[i].arrival_ms >= arrival_ms) {
        *ret_offset = j->reader.records[i].offset;
        return BW_OK;
      }
    from = last + 1; /* the next part of it */
  }
  if (rc == 0)
    *ret_offset = start;
  return rc;
}
