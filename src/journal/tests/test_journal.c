/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the journal: a model with commits and rollbacks, damage of every kind, retention, crashes. */
#include "base/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/journal.h"

static const struct bw_schema *const schemas[] = {&bw_journal_schema};
static char dir[] = "/tmp/bw-test-journal-XXXXXX";
static uint64_t seed = 1;

static uint64_t rnd(uint64_t n)
{
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (seed >> 33) % n;
}

static char *db_path(void)
{
  return bw_asprintf("%s/j.db", dir);
}

static int clean_dir(void **state)
{
  DIR *d = opendir(dir);
  struct dirent *e;
  (void)state;
  while (d && (e = readdir(d)))
    if (e->d_name[0] != '.')
      unlinkat(dirfd(d), e->d_name, 0);
  if (d)
    closedir(d);
  return 0;
}

struct both {
  struct bw_store *store;
  struct bw_journal *j;
};

static struct both open_both(const char *path)
{
  struct both b = {NULL, NULL};
  struct bw_error err = {0};
  if (bw_store_open(path, schemas, 1, &b.store, &err) != 0 || bw_journal_open(b.store, &b.j, &err) != 0)
    fail_msg("%s", err.message);
  return b;
}

static void close_both(struct both *b)
{
  bw_journal_close(&b->j);
  bw_store_close(&b->store);
}

/* Everything of a record follows from n, so that what is read can be checked. */
static struct bw_record make(uint64_t n, char text[256], struct bw_field *field)
{
  size_t len = 20 + n % 200;
  memset(text, (int)('a' + n % 26), len);
  snprintf(text, 20, "%llu", (unsigned long long)n);
  *field = (struct bw_field){BW_STR("value"), bw_str_n(text, len), 0, BW_SECTION_PROPERTIES, BW_VALUE_STRING};
  return (struct bw_record){.kind = n % 500 == 499 ? BW_KIND_TICK : BW_KIND_TRACK,
                            .time_ms = (int64_t)(1000000 + n * 10 % 777),
                            .arrival_ms = (int64_t)(1000000 + n * 10),
                            .account = BW_STR("acme"),
                            .name = BW_STR("Feature Used"),
                            .id = bw_str_n(text, 20),
                            .nfields = 1,
                            .fields = field};
}

static int append_n(struct bw_journal *j, uint64_t n, uint64_t *ret_offset)
{
  char text[256];
  struct bw_field f;
  struct bw_record r = make(n, text, &f);
  struct bw_error err;
  return bw_journal_append(j, &r, ret_offset, &err);
}

static void commit_both(struct both *b)
{
  struct bw_error err = {0};
  if (bw_store_begin(b->store, &err) != 0 || bw_journal_flush(b->j, &err) != 0 || bw_store_commit(b->store, &err) != 0)
    fail_msg("%s", err.message);
  bw_journal_committed(b->j);
}

/* Appends from..to-1 (record n gets offset n) and commits. */
static void fill(struct both *b, uint64_t from, uint64_t to)
{
  uint64_t offset;
  for (; from < to; from++) {
    assert_int_equal(append_n(b->j, from, &offset), 0);
    assert_int_equal(offset, from);
  }
  commit_both(b);
}

static void check_batch(struct bw_str batch, uint64_t first, uint64_t last, const uint64_t *model)
{
  struct bw_batch_reader reader = {0};
  char text[256];
  struct bw_field f;
  uint64_t i;
  assert_int_equal(bw_batch_read(&reader, batch, 1, NULL), 0);
  assert_int_equal(reader.nrecords, last - first + 1);
  for (i = 0; i < reader.nrecords; i++) {
    const struct bw_record *got = &reader.records[i];
    struct bw_record want = make(model ? model[first + i] : first + i, text, &f);
    assert_int_equal(got->offset, first + i);
    assert_int_equal(got->kind, want.kind);
    assert_int_equal(got->time_ms, want.time_ms);
    assert_int_equal(got->arrival_ms, want.arrival_ms);
    assert_true(bw_str_eq(got->id, want.id) && bw_str_eq(got->account, want.account));
    assert_true(got->nfields == 1 && bw_str_eq(got->fields[0].text, f.text));
    assert_true(got->kind != BW_KIND_TICK || got->offset == last);
  }
  bw_batch_reader_clear(&reader);
}

/* Reads all from `from`; every record must be what the model says.  Returns the next offset. */
static uint64_t read_all(struct bw_journal *j, uint64_t from, const uint64_t *model)
{
  struct bw_str batch;
  uint64_t first, last;
  struct bw_error err;
  int rc;
  while ((rc = bw_journal_read(j, from, &batch, &first, &last, &err)) == 1) {
    assert_true(first <= from && from <= last);
    check_batch(batch, first, last, model);
    from = last + 1;
  }
  if (rc != 0)
    fail_msg("%s", err.message);
  return from;
}

static void test_round_trip(void **state)
{
  char *path BW_AUTOFREE = db_path();
  struct both b = open_both(path);
  struct bw_journal_stats st;
  struct bw_str batch;
  uint64_t first, last, offset;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_journal_next(b.j), 1);
  assert_int_equal(bw_journal_first(b.j), 1);
  assert_int_equal(bw_journal_read(b.j, 1, &batch, &first, &last, &err), 0);
  assert_int_equal(append_n(b.j, 1, &offset), 0);
  assert_true(bw_journal_pending(b.j) > 0);
  assert_int_equal(bw_journal_flush(b.j, &err), BW_ESTATE);
  assert_int_equal(bw_store_begin(b.store, &err), 0);
  assert_int_equal(bw_journal_flush(b.j, &err), 0);
  assert_int_equal(bw_journal_pending(b.j), 0);
  assert_int_equal(bw_journal_read(b.j, 1, &batch, &first, &last, &err), 0); /* not committed yet */
  assert_int_equal(bw_store_commit(b.store, &err), 0);
  bw_journal_committed(b.j);
  assert_int_equal(read_all(b.j, 1, NULL), 2);
  fill(&b, 2, 40000);
  assert_int_equal(read_all(b.j, 1, NULL), 40000);
  assert_int_equal(read_all(b.j, 12345, NULL), 40000);
  close_both(&b);
  b = open_both(path);
  assert_int_equal(bw_journal_next(b.j), 40000);
  assert_int_equal(read_all(b.j, 1, NULL), 40000);
  assert_int_equal(bw_journal_stats(b.j, &st, &err), 0);
  assert_int_equal(st.first, 1);
  assert_int_equal(st.next, 40000);
  assert_true(st.blocks >= 80 && st.blocks < 90); /* a tick every 500 */
  assert_true(st.bytes > 0 && st.bytes < 40000 * 100);
  assert_int_equal(st.damaged_blocks, 0);
  close_both(&b);
}

/* Blocks end at 16,384 records and at about 1 MiB. */
static void test_block_limits(void **state)
{
  struct both b = open_both(":memory:");
  struct bw_record small = {.kind = BW_KIND_PAGE, .time_ms = 5, .arrival_ms = 5}, large = small, bad = small;
  char *text BW_AUTOFREE = bw_alloc(60000);
  struct bw_field f = {BW_STR("k"), bw_str_n(text, 60000), 0, 0, BW_VALUE_STRING}, nan_field = f;
  struct bw_str batch;
  uint64_t first, last;
  struct bw_error err;
  int i;
  (void)state;
  for (i = 0; i < 60000; i++)
    text[i] = (char)(32 + rnd(90)); /* that does not compress well */
  for (i = 0; i < 20000; i++)
    assert_int_equal(bw_journal_append(b.j, &small, NULL, &err), 0);
  large.nfields = 1;
  large.fields = &f;
  for (i = 0; i < 40; i++)
    assert_int_equal(bw_journal_append(b.j, &large, NULL, &err), 0);
  commit_both(&b);
  assert_int_equal(bw_journal_read(b.j, 1, &batch, &first, &last, &err), 1);
  assert_int_equal(last, 16384);
  for (i = 0; (bw_journal_read(b.j, last + 1, &batch, &first, &last, &err)) == 1; i++)
    assert_true(batch.len <= 1 << 20);
  assert_int_equal(i, 3);
  assert_int_equal(last, 20040);
  /* what could not be decoded later is refused now */
  bad.time_ms = -1;
  assert_int_equal(bw_journal_append(b.j, &bad, NULL, &err), BW_EINVAL);
  bad = small;
  bad.kind = BW_KIND_COUNT;
  assert_int_equal(bw_journal_append(b.j, &bad, NULL, &err), BW_EINVAL);
  nan_field.type = BW_VALUE_NUMBER;
  nan_field.number = NAN;
  bad = small;
  bad.nfields = 1;
  bad.fields = &nan_field;
  assert_int_equal(bw_journal_append(b.j, &bad, NULL, &err), BW_EINVAL);
  f.text.len = 70000;
  text = bw_realloc(text, 70000, 1);
  memset(text, 'x', 70000);
  f.text.data = text;
  assert_int_equal(bw_journal_append(b.j, &large, NULL, &err), BW_ELIMIT);
  assert_int_equal(bw_journal_next(b.j), 20041);
  commit_both(&b);
  close_both(&b);
}

/* Thousands of random appends, flushes, commits, rollbacks and restarts, against an array. */
static void test_model(void **state)
{
  enum { MAX = 30000 };
  char *path BW_AUTOFREE = db_path();
  struct both b = open_both(path);
  uint64_t *model = bw_calloc(MAX + 1, sizeof *model), committed = 1, next = 1, value = 0, offset;
  struct bw_error err;
  int step;
  (void)state;
  seed = 42;
  for (step = 0; step < 1200 && next < MAX - 100; step++) {
    uint64_t n = rnd(60), i, flushed;
    for (i = 0; i < n; i++) {
      model[next] = ++value;
      assert_int_equal(append_n(b.j, value, &offset), 0);
      assert_int_equal(offset, next);
      next++;
    }
    switch (rnd(8)) {
    case 0: /* a failed transaction */
      assert_int_equal(bw_store_begin(b.store, &err), 0);
      assert_int_equal(bw_journal_flush(b.j, &err), 0);
      bw_store_rollback(b.store);
      bw_journal_rolled_back(b.j);
      next = committed;
      break;
    case 1: /* flushed twice in one transaction, and more appended before the commit */
      assert_int_equal(bw_store_begin(b.store, &err), 0);
      assert_int_equal(bw_journal_flush(b.j, &err), 0);
      model[next] = ++value;
      assert_int_equal(append_n(b.j, value, NULL), 0);
      next++;
      assert_int_equal(bw_journal_flush(b.j, &err), 0);
      flushed = next;
      model[next] = ++value;
      assert_int_equal(append_n(b.j, value, NULL), 0);
      next++;
      assert_int_equal(bw_store_commit(b.store, &err), 0);
      bw_journal_committed(b.j);
      committed = flushed;
      break;
    case 2:
    case 3:
    case 4:
      commit_both(&b);
      committed = next;
      break;
    case 5:
      if (rnd(4) == 0) { /* what was not committed is gone */
        close_both(&b);
        b = open_both(path);
        next = committed;
      }
      break;
    case 6: /* what is there becomes fewer blocks; nobody notices */
      assert_true(bw_journal_merge(b.j, INT64_MAX, NULL, &err) >= 0);
      break;
    default:
      break;
    }
    assert_int_equal(bw_journal_next(b.j), next);
    if (rnd(10) == 0)
      assert_int_equal(read_all(b.j, 1 + rnd(committed), model), committed);
  }
  commit_both(&b);
  assert_int_equal(read_all(b.j, 1, model), next);
  close_both(&b);
  b = open_both(path);
  assert_int_equal(read_all(b.j, 1, model), next);
  assert_true(next > 10000);
  close_both(&b);
  free(model);
}

/* ---- damage ---- */

static int64_t sql_int(struct bw_store *s, const char *sql)
{
  struct bw_stmt *q;
  int64_t v = -1;
  assert_int_equal(bw_store_prepare(s, sql, &q, NULL), 0);
  if (bw_stmt_step(q, NULL) == 1)
    v = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return v;
}

static void sql_run(struct bw_store *s, const char *sql)
{
  struct bw_stmt *q;
  struct bw_error err;
  if (bw_store_begin(s, &err) != 0 || bw_store_prepare(s, sql, &q, &err) != 0 || bw_stmt_run(q, &err) != 0 ||
      bw_store_commit(s, &err) != 0)
    fail_msg("%s: %s", sql, err.message);
}

/* Reads all; every damaged stretch is reported once and adds up to exactly lost_first..lost_last. */
static void expect_lost(struct both *b, uint64_t next, uint64_t lost_first, uint64_t lost_last)
{
  uint64_t from = 1, first, last, told_first = 0, told_last = 0;
  struct bw_str batch;
  struct bw_error err;
  char range[64];
  int rc;
  while ((rc = bw_journal_read(b->j, from, &batch, &first, &last, &err)) != 0) {
    if (rc == BW_ECORRUPT) {
      snprintf(range, sizeof range, "records %llu to %llu", (unsigned long long)first, (unsigned long long)last);
      assert_non_null(strstr(err.message, range));
      assert_true(told_last == 0 || first == told_last + 1);
      told_first = told_first ? told_first : first;
      told_last = last;
    } else {
      assert_int_equal(rc, 1);
      check_batch(batch, first, last, NULL);
    }
    from = last + 1;
  }
  assert_int_equal(from, next);
  assert_int_equal(told_first, lost_first);
  assert_int_equal(told_last, lost_last);
  /* once: the second reader passes over it, and so does the next process */
  for (from = 1; (rc = bw_journal_read(b->j, from, &batch, &first, &last, &err)) == 1; from = last + 1)
    assert_true(last < lost_first || first > lost_last);
  assert_int_equal(rc, 0);
}

/* Every single byte of a stored block, flipped, is noticed, and so is every field of its head. */
static void test_byte_flips(void **state)
{
  static const char *const fields[] = {"last",        "records",     "min_time", "max_time",
                                       "min_arrival", "max_arrival", "codec",    "raw_bytes"};
  char *path BW_AUTOFREE = db_path();
  struct both b = open_both(path);
  struct bw_str batch;
  struct bw_error err;
  uint64_t first, last;
  int64_t len, i;
  size_t f;
  (void)state;
  fill(&b, 1, 101);
  fill(&b, 101, 201);
  fill(&b, 201, 301);
  close_both(&b);
  for (i = 0;; i++) {
    char *flip BW_AUTOFREE = NULL;
    b = open_both(path);
    len = sql_int(b.store, "SELECT length(data) FROM journal_block WHERE first = 101");
    if (i >= len + 16) {
      close_both(&b);
      break;
    }
    /* in a transaction that is rolled back, so that one file serves for all */
    assert_int_equal(bw_store_begin(b.store, &err), 0);
    {
      const char *col = i < len ? "data" : "checksum";
      struct bw_stmt *q;
      int64_t at = i < len ? i : i - len;
      char *get BW_AUTOFREE = bw_asprintf("SELECT %s FROM journal_block WHERE first = 101", col);
      char *set BW_AUTOFREE = bw_asprintf("UPDATE journal_block SET %s = ? WHERE first = 101", col);
      struct bw_str old;
      assert_int_equal(bw_store_prepare(b.store, get, &q, &err), 0);
      assert_int_equal(bw_stmt_step(q, &err), 1);
      old = bw_stmt_col_str(q, 0);
      flip = bw_alloc(old.len);
      memcpy(flip, old.data, old.len);
      flip[at] = (char)(flip[at] ^ (1 << rnd(8)));
      bw_stmt_reset(q);
      assert_int_equal(bw_store_prepare(b.store, set, &q, &err), 0);
      bw_stmt_blob(q, 1, bw_str_n(flip, i < len ? (size_t)len : 16));
      assert_int_equal(bw_stmt_run(q, &err), 0);
    }
    assert_int_equal(bw_journal_read(b.j, 150, &batch, &first, &last, &err), BW_ECORRUPT);
    assert_true(first == 101 && last == 200);
    bw_store_rollback(b.store);
    bw_journal_rolled_back(b.j);
    assert_int_equal(read_all(b.j, 1, NULL), 301); /* the rollback undid the damage and its report */
    close_both(&b);
    i += len > 400 ? (int64_t)rnd(6) : 0;
  }
  for (f = 0; f < sizeof fields / sizeof *fields; f++) {
    char *set BW_AUTOFREE = bw_asprintf("UPDATE journal_block SET %s = %s + 1 WHERE first = 101", fields[f], fields[f]);
    struct bw_stmt *q;
    b = open_both(path);
    assert_int_equal(bw_store_begin(b.store, &err), 0);
    assert_int_equal(bw_store_prepare(b.store, set, &q, &err), 0);
    assert_int_equal(bw_stmt_run(q, &err), 0);
    assert_int_equal(bw_journal_read(b.j, 101, &batch, &first, &last, &err), BW_ECORRUPT);
    assert_true(first == 101 && last == 200);
    bw_store_rollback(b.store);
    close_both(&b);
  }
}

static void test_set_aside(void **state)
{
  char *path BW_AUTOFREE = db_path();
  struct both b = open_both(path);
  struct bw_journal_stats st;
  struct bw_error err;
  uint64_t damaged = 9;
  (void)state;
  fill(&b, 1, 101);
  fill(&b, 101, 201);
  fill(&b, 201, 301);
  sql_run(b.store, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 101");
  close_both(&b);
  b = open_both(path);
  expect_lost(&b, 301, 101, 200);
  assert_int_equal(sql_int(b.store, "SELECT count(*) FROM journal_damaged WHERE first = 101 AND last = 200 AND "
                                    "reason LIKE '%checksum%' AND length(data) > 50"),
                   1);
  assert_int_equal(sql_int(b.store, "SELECT count(*) FROM journal_block"), 2);
  bw_journal_stats(b.j, &st, &err);
  assert_true(st.damaged_blocks == 1 && st.damaged_records == 100 && st.blocks == 2);
  close_both(&b);
  b = open_both(path);
  bw_journal_stats(b.j, &st, &err);
  assert_true(st.damaged_blocks == 1 && st.damaged_records == 100 && st.blocks == 2);
  assert_int_equal(bw_journal_verify(b.j, &damaged, &err), 0);
  assert_int_equal(damaged, 0);
  fill(&b, 301, 401);
  sql_run(b.store, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 201");
  sql_run(b.store, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 301");
  assert_int_equal(bw_journal_verify(b.j, &damaged, &err), 0); /* in the memory cache or not */
  assert_int_equal(damaged, 2);
  close_both(&b);
}

/* Rows that are gone: in the middle, at the start, at the end, all. */
static void test_missing(void **state)
{
  static const struct {
    const char *sql;
    uint64_t first, last;
  } cases[] = {{"DELETE FROM journal_block WHERE first = 201", 201, 300},
               {"DELETE FROM journal_block WHERE first IN (101, 201)", 101, 300},
               {"DELETE FROM journal_block WHERE first = 1", 1, 100},
               {"DELETE FROM journal_block WHERE first >= 201", 201, 400},
               {"DELETE FROM journal_block", 1, 400},
               {"UPDATE journal_block SET first = 150 WHERE first = 101", 101, 200},
               {"UPDATE journal_block SET last = 120 WHERE first = 101", 101, 200},
               {"UPDATE journal_block SET last = 999999 WHERE first = 301", 301, 400}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *path BW_AUTOFREE = db_path();
    struct both b = open_both(path);
    uint64_t k;
    for (k = 1; k < 400; k += 100)
      fill(&b, k, k + 100);
    sql_run(b.store, cases[i].sql);
    close_both(&b);
    b = open_both(path);
    assert_int_equal(bw_journal_next(b.j), 401);
    expect_lost(&b, 401, cases[i].first, cases[i].last);
    fill(&b, 401, 501);
    close_both(&b);
    clean_dir(NULL);
  }
}

static void test_retention(void **state)
{
  char *path BW_AUTOFREE = db_path();
  struct both b = open_both(path);
  struct bw_error err;
  uint64_t deleted, k, offset;
  (void)state;
  for (k = 1; k < 1000; k += 100)
    fill(&b, k, k + 100);
  assert_int_equal(bw_journal_seek_arrival(b.j, 0, &offset, &err), 0);
  assert_int_equal(offset, 1);
  for (k = 1; k < 1001; k += 37) {
    assert_int_equal(bw_journal_seek_arrival(b.j, (int64_t)(1000000 + k * 10), &offset, &err), 0);
    assert_int_equal(offset, k);
    assert_int_equal(bw_journal_seek_arrival(b.j, (int64_t)(1000000 + k * 10 - 3), &offset, &err), 0);
    assert_int_equal(offset, k);
  }
  assert_int_equal(bw_journal_seek_arrival(b.j, INT64_MAX, &offset, &err), 0);
  assert_int_equal(offset, 1001);
  /* the block that holds the limit stays whole (the ticks at 499 and 999 end blocks too) */
  assert_int_equal(bw_journal_retain(b.j, 1000000 + 350 * 10, 1000, &deleted, &err), 0);
  assert_int_equal(deleted, 300);
  assert_int_equal(bw_journal_first(b.j), 301);
  assert_int_equal(read_all(b.j, bw_journal_first(b.j), NULL), 1001);
  assert_int_equal(bw_journal_retain(b.j, INT64_MAX, 450, &deleted, &err), 0); /* somebody still needs 450 */
  assert_int_equal(deleted, 100);
  /* within a transaction that fails */
  assert_int_equal(bw_store_begin(b.store, &err), 0);
  assert_int_equal(bw_journal_retain(b.j, INT64_MAX, UINT64_MAX, &deleted, &err), 0);
  assert_int_equal(deleted, 600);
  bw_store_rollback(b.store);
  bw_journal_rolled_back(b.j);
  assert_int_equal(bw_journal_first(b.j), 401);
  assert_int_equal(read_all(b.j, bw_journal_first(b.j), NULL), 1001);
  /* all gone: the offsets go on */
  assert_int_equal(bw_journal_retain(b.j, INT64_MAX, UINT64_MAX, &deleted, &err), 0);
  assert_int_equal(bw_journal_first(b.j), 1001);
  close_both(&b);
  b = open_both(path);
  assert_int_equal(bw_journal_next(b.j), 1001);
  assert_int_equal(bw_journal_first(b.j), 1001);
  assert_int_equal(read_all(b.j, bw_journal_first(b.j), NULL), 1001);
  fill(&b, 1001, 1101);
  assert_int_equal(read_all(b.j, 1001, NULL), 1101);
  close_both(&b);
}

/* No room: the flush or the commit fails, the offsets are given again, and it goes on when there is room. */
static void test_no_room(void **state)
{
  char *path BW_AUTOFREE = db_path(), *text BW_AUTOFREE = bw_alloc(60000);
  struct both b = open_both(path);
  struct bw_field f = {BW_STR("k"), bw_str_n(text, 60000), 0, 0, BW_VALUE_STRING};
  struct bw_record large = {.kind = BW_KIND_PAGE, .nfields = 1, .fields = &f};
  struct bw_error err = {0};
  uint64_t offset;
  int i, rc = 0;
  (void)state;
  fill(&b, 1, 101);
  assert_true(sql_int(b.store, "PRAGMA max_page_count = 60") > 0);
  for (i = 0; i < 40 * 60000; i++) {
    text[i % 60000] = (char)(32 + rnd(90));
    if (i % 60000 == 59999)
      assert_int_equal(bw_journal_append(b.j, &large, NULL, &err), 0);
  }
  rc = bw_store_begin(b.store, &err);
  if (!rc)
    rc = bw_journal_flush(b.j, &err);
  if (!rc)
    rc = bw_store_commit(b.store, &err);
  assert_int_equal(rc, BW_ENOSPC);
  assert_int_equal(err.cls, BW_CLASS_TRANSIENT);
  bw_store_rollback(b.store);
  bw_journal_rolled_back(b.j);
  assert_int_equal(bw_journal_next(b.j), 101);
  assert_int_equal(bw_journal_pending(b.j), 0);
  assert_int_equal(read_all(b.j, 1, NULL), 101);
  assert_true(sql_int(b.store, "PRAGMA max_page_count = 100000") > 0);
  assert_int_equal(append_n(b.j, 101, &offset), 0);
  assert_int_equal(offset, 101);
  fill(&b, 102, 201);
  close_both(&b);
  b = open_both(path);
  assert_int_equal(read_all(b.j, 1, NULL), 201);
  close_both(&b);
}

/* A child that appends and commits, reporting each committed offset, is killed at random: what it reported is there, once, in
   order. */
static void test_kill(void **state)
{
  char *path BW_AUTOFREE = db_path();
  uint64_t reported = 0;
  int round;
  (void)state;
  seed = 5;
  for (round = 0; round < 30; round++) {
    struct both b;
    uint64_t seen, next, damaged;
    int fds[2], status;
    struct bw_error err;
    pid_t pid;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
      b = open_both(path);
      for (;;) {
        uint64_t i, n = 1 + rnd(300);
        next = bw_journal_next(b.j);
        for (i = 0; i < n; i++)
          if (append_n(b.j, next + i, NULL) != 0)
            _exit(1);
        commit_both(&b);
        if (rnd(4) == 0 && bw_journal_merge(b.j, INT64_MAX, NULL, NULL) < 0)
          _exit(1);
        next = bw_journal_next(b.j) - 1;
        if (write(fds[1], &next, sizeof next) != sizeof next)
          _exit(1);
      }
    }
    close(fds[1]);
    usleep((useconds_t)(10000 + rnd(50000)));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &seen, sizeof seen) == sizeof seen)
      reported = seen;
    close(fds[0]);
    rnd(1000);
    b = open_both(path);
    assert_true(bw_journal_next(b.j) > reported);
    assert_int_equal(read_all(b.j, 1, NULL), bw_journal_next(b.j));
    assert_int_equal(bw_journal_verify(b.j, &damaged, &err), 0);
    assert_int_equal(damaged, 0);
    close_both(&b);
  }
  assert_true(reported > 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_round_trip, clean_dir), cmocka_unit_test_teardown(test_block_limits, clean_dir),
      cmocka_unit_test_teardown(test_model, clean_dir),      cmocka_unit_test_teardown(test_byte_flips, clean_dir),
      cmocka_unit_test_teardown(test_set_aside, clean_dir),  cmocka_unit_test_teardown(test_missing, clean_dir),
      cmocka_unit_test_teardown(test_retention, clean_dir),  cmocka_unit_test_teardown(test_kill, clean_dir),
      cmocka_unit_test_teardown(test_no_room, clean_dir),
  };
  int rc;
  if (!mkdtemp(dir))
    return 1;
  rc = cmocka_run_group_tests_name("journal", tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
