/* SPDX-License-Identifier: Apache-2.0 */
/* What is damaged or missing: set aside in a table, so that it is named once and never silently skipped.  core process. */
#include <stdlib.h>

#include "journal/private.h"

static void add_range(struct bw_journal *j, uint64_t first, uint64_t last)
{
  size_t at = j->nlost;
  if (j->nlost == j->lost_cap) {
    j->lost_cap = j->lost_cap ? j->lost_cap * 2 : 8;
    j->lost = bw_realloc(j->lost, j->lost_cap, sizeof *j->lost);
  }
  while (at > 0 && j->lost[at - 1].first > first) {
    j->lost[at] = j->lost[at - 1];
    at--;
  }
  j->lost[at] = (struct range){first, last};
  j->nlost++;
  j->now.damaged_blocks++;
  j->now.damaged_records += last - first + 1;
}

int bw_lost_load(struct bw_journal *j, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(j->store, "SELECT first, last FROM journal_damaged ORDER BY first", &q, err);
  j->nlost = 0;
  j->now.damaged_blocks = j->now.damaged_records = 0;
  if (rc)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0)
    add_range(j, (uint64_t)bw_stmt_col_int(q, 0), (uint64_t)bw_stmt_col_int(q, 1));
  return rc;
}

/* Ranges never overlap: each is cut to what was not lost before. */
uint64_t bw_lost_end(const struct bw_journal *j, uint64_t offset)
{
  size_t lo = 0, hi = j->nlost;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (j->lost[mid].last < offset)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < j->nlost && j->lost[lo].first <= offset ? j->lost[lo].last : 0;
}

uint64_t bw_lost_next(const struct bw_journal *j, uint64_t offset)
{
  size_t i;
  for (i = 0; i < j->nlost; i++)
    if (j->lost[i].last >= offset)
      return j->lost[i].first > offset ? j->lost[i].first : offset;
  return UINT64_MAX;
}

uint64_t bw_lost_before(const struct bw_journal *j, uint64_t offset)
{
  uint64_t last = 0;
  size_t i;
  for (i = 0; i < j->nlost && j->lost[i].last < offset; i++)
    last = j->lost[i].last;
  return last;
}

static int insert(struct bw_journal *j, uint64_t first, uint64_t last, uint64_t row, const char *reason, bool with_data,
                  struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(j->store,
                            with_data ? "INSERT OR REPLACE INTO journal_damaged(first, last, reason, data) "
                                        "VALUES(?1, ?2, ?3, (SELECT data FROM journal_block WHERE first = ?4))"
                                      : "INSERT OR REPLACE INTO journal_damaged(first, last, reason, data) "
                                        "VALUES(?1, ?2, ?3, CASE ?4 WHEN 0 THEN NULL END)",
                            &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)first);
  bw_stmt_int(q, 2, (int64_t)last);
  bw_stmt_text(q, 3, bw_str(reason));
  bw_stmt_int(q, 4, (int64_t)row);
  return bw_stmt_run(q, err);
}

/* Takes the row out.  One whose pages are damaged may resist: it then stays, and the lost range hides it. */
static int remove_row(struct bw_journal *j, uint64_t row, struct bw_error *err)
{
  struct bw_stmt *q;
  int64_t bytes = 0;
  int rc = bw_store_prepare(j->store, "SELECT length(data) FROM journal_block WHERE first = ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)row);
  if (bw_stmt_step(q, NULL) > 0)
    bytes = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  if ((rc = bw_store_prepare(j->store, "DELETE FROM journal_block WHERE first = ?", &q, err)) != 0)
    return rc;
  bw_stmt_int(q, 1, (int64_t)row);
  rc = bw_stmt_run(q, err);
  if (rc)
    return rc == BW_ECORRUPT ? BW_OK : rc;
  j->now.blocks -= j->now.blocks > 0;
  j->now.bytes -= (uint64_t)bytes < j->now.bytes ? (uint64_t)bytes : j->now.bytes;
  return bw_journal_save_state(j, err);
}

static int record_loss(struct bw_journal *j, uint64_t first, uint64_t last, uint64_t row, const char *reason,
                       struct bw_error *err)
{
  int rc = insert(j, first, last, row, reason, row != 0, err);
  if (rc == BW_ECORRUPT) /* its data cannot even be read */
    rc = insert(j, first, last, row, reason, false, err);
  if (!rc && row)
    rc = remove_row(j, row, err);
  return rc;
}

int bw_lost_set_aside(struct bw_journal *j, uint64_t first, uint64_t last, uint64_t row, const char *reason,
                      struct bw_error *err)
{
  bool own = !bw_store_in_transaction(j->store);
  struct state before = j->now;
  int rc = bw_store_begin(j->store, err);
  if (rc)
    return rc;
  rc = record_loss(j, first, last, row, reason, err);
  if (own && rc)
    bw_store_rollback(j->store);
  else if (own)
    rc = bw_store_commit(j->store, err);
  if (rc) {
    j->now = before;
    return rc;
  }
  add_range(j, first, last);
  if (own)
    j->committed = j->now;
  return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT,
                 "the journal lost records %llu to %llu: the block %s; what is left of it has been set aside in the table "
                 "journal_damaged; send these records again if their source still has them",
                 (unsigned long long)first, (unsigned long long)last, reason);
}
