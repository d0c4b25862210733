/* SPDX-License-Identifier: Apache-2.0 */
/* Merging small blocks: fewer of them, the same records to the byte, readers as before, at any step and after any crash. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "journal/journal.h"

#define HOURS (20 * 24)
#define DAY0 (BW_DAY * 20000)

static const struct bw_schema *const schemas[] = {&bw_journal_schema};
static char dir[] = "/tmp/bw-test-merge-XXXXXX";
static char path[64];

struct both {
  struct bw_store *store;
  struct bw_journal *j;
};

static struct both open_both(void)
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

static int remove_file(void **state)
{
  static const char *const ends[] = {"", "-wal", "-shm"};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    char *name BW_AUTOFREE = bw_asprintf("%s%s", path, ends[i]);
    (void)unlink(name);
  }
  return 0;
}

static void commit(struct both *b)
{
  struct bw_error err = {0};
  if (bw_store_begin(b->store, &err) != 0 || bw_journal_flush(b->j, &err) != 0 || bw_store_commit(b->store, &err) != 0)
    fail_msg("%s", err.message);
  bw_journal_committed(b->j);
}

static void append(struct both *b, uint32_t kind, int64_t at)
{
  char id[32];
  struct bw_field f = {BW_STR("feature"), BW_STR("reports"), 0, BW_SECTION_PROPERTIES, BW_VALUE_STRING};
  struct bw_record r = {.kind = kind,
                        .time_ms = at - 7,
                        .arrival_ms = at,
                        .account = BW_STR("acme"),
                        .subject = BW_STR("u1"),
                        .name = BW_STR("Feature Used"),
                        .nfields = 1,
                        .fields = &f};
  struct bw_error err = {0};
  snprintf(id, sizeof id, "m%llu", (unsigned long long)bw_journal_next(b->j));
  r.id = bw_str(id);
  if (kind == BW_KIND_TICK)
    r = (struct bw_record){.kind = kind, .time_ms = at, .arrival_ms = at};
  if (bw_journal_append(b->j, &r, NULL, &err) != 0)
    fail_msg("%s", err.message);
}

/* A quiet installation: an event now and then, each committed by itself, and a tick each hour. */
static void fill(struct both *b)
{
  int hour, i;
  for (hour = 0; hour < HOURS; hour++) {
    int64_t at = DAY0 + hour * BW_HOUR;
    for (i = 0; i < hour % 4; i++) {
      append(b, BW_KIND_TRACK, at + i * 1000);
      commit(b);
    }
    append(b, BW_KIND_TICK, at + BW_HOUR - 1);
    commit(b);
  }
}

/* Everything as `export` prints it.  Each batch ends at a tick at the latest. */
static void dump(struct bw_journal *j, struct bw_buf *out)
{
  struct bw_batch_reader reader = {0};
  uint64_t from = bw_journal_first(j), first, last, i;
  struct bw_error err = {0};
  struct bw_str batch;
  int rc;
  bw_buf_reset(out);
  while ((rc = bw_journal_read(j, from, &batch, &first, &last, &err)) == 1) {
    assert_true(first <= from && from <= last);
    assert_int_equal(bw_batch_read(&reader, batch, 0, &err), 0);
    assert_int_equal(reader.nrecords, last - first + 1);
    for (i = 0; i < reader.nrecords; i++) {
      assert_int_equal(reader.records[i].offset, first + i);
      assert_true(reader.records[i].kind != BW_KIND_TICK || i + 1 == reader.nrecords);
      bw_buf_printf(out, "%llu ", (unsigned long long)reader.records[i].offset);
      bw_record_json(out, &reader.records[i]);
      bw_buf_add_char(out, '\n');
    }
    from = last + 1;
  }
  if (rc != 0)
    fail_msg("%s", err.message);
  assert_int_equal(from, bw_journal_next(j));
  bw_batch_reader_clear(&reader);
}

static void same(struct bw_journal *j, const struct bw_buf *want)
{
  struct bw_buf got = {0};
  dump(j, &got);
  assert_int_equal(got.len, want->len);
  assert_memory_equal(got.data, want->data, got.len);
  bw_buf_clear(&got);
}

static struct bw_journal_stats stats(struct both *b)
{
  struct bw_journal_stats st;
  assert_int_equal(bw_journal_stats(b->j, &st, NULL), 0);
  return st;
}

static int64_t count(struct both *b, const char *sql)
{
  struct bw_stmt *q;
  int64_t n;
  assert_int_equal(bw_store_prepare(b->store, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  n = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return n;
}

/* The counters are what the table holds. */
static void sound(struct both *b)
{
  struct bw_journal_stats st = stats(b);
  uint64_t damaged = 1;
  assert_int_equal(st.blocks, count(b, "SELECT count(*) FROM journal_block"));
  assert_int_equal(st.bytes, count(b, "SELECT sum(length(data)) FROM journal_block"));
  assert_int_equal(bw_journal_verify(b->j, &damaged, NULL), 0);
  assert_int_equal(damaged, 0);
}

/* Step by step, in a new process' place after each; each step also once undone, as by a crash before its commit. */
static void fewer_blocks_same_records(void **state)
{
  struct both b = open_both();
  struct bw_buf want = {0};
  struct bw_error err = {0};
  struct bw_journal_stats before, after;
  uint64_t merged, all = 0;
  int rc, steps = 0;
  (void)state;
  fill(&b);
  dump(b.j, &want);
  before = stats(&b);
  assert_int_equal(before.blocks, before.next - 1); /* each record is a block */
  do {
    assert_int_equal(bw_store_begin(b.store, &err), 0);
    assert_true(bw_journal_merge(b.j, DAY0 + 18 * BW_DAY, &merged, &err) >= 0);
    bw_store_rollback(b.store);
    bw_journal_rolled_back(b.j);
    same(b.j, &want);
    rc = bw_journal_merge(b.j, DAY0 + 18 * BW_DAY, &merged, &err);
    if (rc < 0)
      fail_msg("%s", err.message);
    all += merged;
    steps += rc;
    if (steps % 2) {
      close_both(&b);
      b = open_both();
    }
    sound(&b);
    same(b.j, &want);
  } while (rc == 1);
  after = stats(&b);
  assert_int_equal(steps, 18);
  /* One block for each day that is over, those of the last two days as they were. */
  assert_int_equal(after.blocks, 18 + before.blocks / 10);
  assert_int_equal(all, before.blocks / 10 * 9);
  assert_true(after.bytes * 3 < before.bytes);
  assert_int_equal(after.first, before.first);
  assert_int_equal(after.next, before.next);
  print_message("%llu blocks of %llu bytes became %llu of %llu\n", (unsigned long long)before.blocks,
                (unsigned long long)before.bytes, (unsigned long long)after.blocks, (unsigned long long)after.bytes);
  /* Nothing is done twice; the next day brings the next. */
  assert_int_equal(bw_journal_merge(b.j, DAY0 + 18 * BW_DAY, &merged, &err), 0);
  assert_int_equal(bw_journal_merge(b.j, DAY0 + 19 * BW_DAY, &merged, &err), 1);
  assert_int_equal(merged, before.blocks / 20);
  same(b.j, &want);
  append(&b, BW_KIND_TRACK, DAY0 + 20 * BW_DAY);
  commit(&b);
  assert_int_equal(bw_journal_next(b.j), before.next + 1);
  close_both(&b);
  bw_buf_clear(&want);
}

/* Who looks for an arrival, starts in the middle, or deletes what is old, finds what it found before. */
static void readers_and_retention(void **state)
{
  struct both b = open_both();
  uint64_t want[HOURS], got, deleted, first, last, next;
  struct bw_error err = {0};
  struct bw_str batch;
  int hour;
  (void)state;
  fill(&b);
  next = bw_journal_next(b.j);
  for (hour = 0; hour < HOURS; hour++)
    assert_int_equal(bw_journal_seek_arrival(b.j, DAY0 + hour * BW_HOUR, &want[hour], &err), 0);
  while (bw_journal_merge(b.j, INT64_MAX, NULL, &err) == 1)
    ;
  assert_int_equal(stats(&b).blocks, 20);
  for (hour = 0; hour < HOURS; hour++) {
    assert_int_equal(bw_journal_seek_arrival(b.j, DAY0 + hour * BW_HOUR, &got, &err), 0);
    assert_int_equal(got, want[hour]);
  }
  for (got = 1; got < next; got += 13) {
    assert_int_equal(bw_journal_read(b.j, got, &batch, &first, &last, &err), 1);
    assert_true(first <= got && got <= last && last - first < 4);
  }
  assert_int_equal(bw_journal_retain(b.j, DAY0 + 5 * BW_DAY + BW_HOUR, next, &deleted, &err), 0);
  assert_int_equal(bw_journal_first(b.j), want[5 * 24]); /* exact to the day */
  assert_int_equal(deleted, want[5 * 24] - 1);
  sound(&b);
  close_both(&b);
}

/* A damaged small block stays where it is, so that it is named when it is read; its neighbours are merged without it. */
static void damage_is_not_merged(void **state)
{
  struct both b = open_both();
  struct bw_error err = {0};
  struct bw_stmt *q;
  struct bw_str batch;
  uint64_t first = 0, last = 0, from;
  int rc, lost = 0;
  (void)state;
  fill(&b);
  assert_int_equal(bw_store_begin(b.store, &err), 0);
  assert_int_equal(
      bw_store_prepare(b.store, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 20", &q, &err), 0);
  assert_int_equal(bw_stmt_run(q, &err), 0);
  assert_int_equal(bw_store_commit(b.store, &err), 0);
  while ((rc = bw_journal_merge(b.j, INT64_MAX, NULL, &err)) == 1)
    ;
  assert_int_equal(rc, 0);
  assert_int_equal(stats(&b).blocks, 20 + 2); /* the first day: before it, it, after it */
  for (from = 1; (rc = bw_journal_read(b.j, from, &batch, &first, &last, &err)) != 0; from = last + 1)
    if (rc == BW_ECORRUPT) {
      lost++;
      assert_true(first == 20 && last == 20);
    }
  assert_int_equal(lost, 1);
  close_both(&b);
  /* And one that is damaged after it was merged is lost as a whole, and said so. */
  b = open_both();
  assert_int_equal(bw_store_begin(b.store, &err), 0);
  assert_int_equal(bw_store_prepare(b.store, "UPDATE journal_block SET raw_bytes = raw_bytes + 1 WHERE first = 21", &q, &err),
                   0);
  assert_int_equal(bw_stmt_run(q, &err), 0);
  assert_int_equal(bw_store_commit(b.store, &err), 0);
  assert_int_equal(bw_journal_read(b.j, 30, &batch, &first, &last, &err), BW_ECORRUPT);
  assert_true(first == 21 && last == 60);
  assert_int_equal(bw_journal_read(b.j, 61, &batch, &first, &last, &err), 1);
  close_both(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(fewer_blocks_same_records, remove_file),
                                     cmocka_unit_test_teardown(readers_and_retention, remove_file),
                                     cmocka_unit_test_teardown(damage_is_not_merged, remove_file)};
  int rc;
  if (!mkdtemp(dir))
    return 1;
  snprintf(path, sizeof path, "%s/j.db", dir);
  rc = cmocka_run_group_tests_name("merge", tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
