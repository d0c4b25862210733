/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watcher conversations over real host processes: exactly once, snapshots, kills, and watchers that crash, hang, flood,
 * allocate and lie.  The test is the parent: it starts and reaps the hosts.
 */
#include "base/test.h"

#include "watch/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "config.h"
#include "host/instance.h"
#include "proc/sandbox.h"
#include "proc/spawn.h"
#include "wire/conn.h"
#include "wire/output.h"

#define NMAX 2

struct bench {
  struct bw_loop *loop;
  struct bw_store *store;
  struct bw_journal *journal;
  struct bw_watchers *ws;
  struct bw_timer *reaper;
  char *exe;
  pid_t pid[NMAX];
  struct bw_buf said[NMAX], notices;
  uint64_t caught_up[NMAX], last[NMAX];
  unsigned spawned, fail_outputs, dirty;
  bool group; /* commits are the test's, as a pipeline's */
  bool fake;  /* the test itself plays the host */
  int fake_fd, kills;
};

static char *built(const char *path)
{
  const char *dir = getenv("BW_BUILDDIR");
  return bw_asprintf("%s/%s", dir ? dir : ".", path);
}

/* ---- the parent ---- */

static int on_spawn(void *ctx, uint32_t slot)
{
  struct bench *b = ctx;
  const struct bw_spawn how = {.exe = b->exe, .role = "host", .bare = true};
  int fds[2];
  assert_int_equal(b->pid[slot], 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  if (b->fake) {
    b->fake_fd = fds[1];
    bw_watchers_attach(b->ws, slot, 0, fds[0]);
    return BW_OK;
  }
  assert_int_equal(bw_spawn(&how, fds[1], &b->pid[slot], NULL), BW_OK);
  close(fds[1]);
  b->spawned++;
  bw_watchers_attach(b->ws, slot, b->pid[slot], fds[0]);
  return BW_OK;
}

static void on_kill(void *ctx, uint32_t slot)
{
  struct bench *b = ctx;
  b->kills++;
  if (b->pid[slot] > 0)
    kill(b->pid[slot], SIGKILL);
}

static void reap(void *ctx)
{
  struct bench *b = ctx;
  uint32_t i;
  int status;
  for (i = 0; i < NMAX; i++)
    if (b->pid[i] > 0 && waitpid(b->pid[i], &status, WNOHANG) == b->pid[i]) {
      b->pid[i] = 0;
      bw_watchers_gone(b->ws, i, status);
    }
}

/* ---- the pipeline ---- */

static int on_output(void *ctx, uint32_t w, uint64_t first, uint64_t last, struct bw_str outputs, struct bw_error *err)
{
  struct bench *b = ctx;
  if (b->fail_outputs > 0) {
    b->fail_outputs--;
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "no room, says the test");
  }
  assert_true(first == b->last[w] + 1 && last >= first); /* in order, without gaps, once */
  b->last[w] = last;
  bw_buf_add_str(&b->said[w], outputs);
  return BW_OK;
}

static void on_caught_up(void *ctx, uint32_t w, uint64_t offset)
{
  ((struct bench *)ctx)->caught_up[w] = offset;
}

static void on_notice(void *ctx, uint32_t w, const char *code, const char *text)
{
  struct bench *b = ctx;
  bw_buf_printf(&b->notices, "[%u %s] %s\n", w, code, text);
}

static void on_dirty(void *ctx)
{
  ((struct bench *)ctx)->dirty++;
}

static void bench_open(struct bench *b)
{
  static const struct bw_schema *const schemas[] = {&bw_journal_schema, &bw_watch_schema};
  struct bw_error err = {0};
  *b = (struct bench){.loop = bw_loop_new(), .exe = built("src/watch/tests/host_main")};
  if (bw_store_open(":memory:", schemas, 2, &b->store, &err) < 0 || bw_journal_open(b->store, &b->journal, &err) < 0)
    fail_msg("%s", err.message);
  b->reaper = bw_timer_new(b->loop, 2, true, reap, b);
}

static void watchers_open(struct bench *b, const struct bw_watcher_config *configs, uint32_t n)
{
  const struct bw_watchers_events events = {on_spawn, on_kill, on_output, on_caught_up, on_notice, b->group ? on_dirty : NULL};
  struct bw_error err = {0};
  if (bw_watchers_new(b->loop, b->store, b->journal, configs, n, 1, &events, b, &b->ws, &err) < 0)
    fail_msg("%s", err.message);
  bw_watchers_start(b->ws);
}

static void watchers_close(struct bench *b)
{
  uint32_t i;
  bw_watchers_free(&b->ws);
  for (i = 0; i < NMAX; i++)
    if (b->pid[i] > 0) {
      kill(b->pid[i], SIGKILL);
      waitpid(b->pid[i], NULL, 0);
      b->pid[i] = 0;
    }
}

static void bench_close(struct bench *b)
{
  uint32_t i;
  if (b->ws)
    watchers_close(b);
  bw_timer_free(&b->reaper);
  bw_journal_close(&b->journal);
  bw_store_close(&b->store);
  for (i = 0; i < NMAX; i++)
    bw_buf_clear(&b->said[i]);
  bw_buf_clear(&b->notices);
  free(b->exe);
  bw_loop_free(&b->loop);
}

/* n records over 20 accounts, then a tick; the one at `poison` (0: none) is poison.  Committed. */
static void append(struct bench *b, size_t n, size_t poison)
{
  struct bw_error err = {0};
  char account[16];
  uint64_t offset;
  size_t i;
  assert_int_equal(bw_store_begin(b->store, &err), BW_OK);
  for (i = 1; i <= n; i++) {
    struct bw_record r = {.kind = BW_KIND_TRACK, .time_ms = 1000000 + (int64_t)bw_journal_next(b->journal)};
    r.arrival_ms = r.time_ms;
    r.name = bw_str(i == poison ? "poison" : "x");
    snprintf(account, sizeof account, "a%llu", (unsigned long long)bw_journal_next(b->journal) * 7 % 20);
    r.account = bw_str(account);
    assert_int_equal(bw_journal_append(b->journal, &r, &offset, &err), BW_OK);
  }
  {
    struct bw_record tick = {.kind = BW_KIND_TICK, .time_ms = 1000000 + (int64_t)bw_journal_next(b->journal)};
    tick.arrival_ms = tick.time_ms;
    assert_int_equal(bw_journal_append(b->journal, &tick, &offset, &err), BW_OK);
  }
  assert_int_equal(bw_journal_flush(b->journal, &err), BW_OK);
  assert_int_equal(bw_store_commit(b->store, &err), BW_OK);
  bw_journal_committed(b->journal);
}

static uint64_t newest(const struct bench *b)
{
  return bw_journal_next(b->journal) - 1;
}

static void until_applied(struct bench *b, uint32_t w, uint64_t offset)
{
  int64_t end = bw_monotonic() + 60000;
  while (bw_watchers_applied(b->ws, w) < offset) {
    struct bw_watcher_status s;
    bw_watchers_status(b->ws, w, &s);
    if (bw_monotonic() > end)
      fail_msg("applied %llu of %llu, %s, \"%s\"\n%s", (unsigned long long)s.applied, (unsigned long long)offset,
               bw_watcher_state_name(s.state), s.last_error, bw_buf_cstr(&b->notices));
    assert_int_equal(bw_loop_turn(b->loop, 10, NULL), BW_OK);
  }
}

static void until_notice(struct bench *b, const char *text)
{
  int64_t end = bw_monotonic() + 60000;
  while (!strstr(bw_buf_cstr(&b->notices), text)) {
    if (bw_monotonic() > end)
      fail_msg("\"%s\" is not among:\n%s", text, bw_buf_cstr(&b->notices));
    assert_int_equal(bw_loop_turn(b->loop, 10, NULL), BW_OK);
  }
}

/* What the honest watcher says of the whole journal in this process, without the records that `skip` holds. */
static void expect(struct bench *b, const char *options, const uint64_t *skip, size_t nskip, struct bw_buf *out)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_instance *inst = NULL;
  struct bw_batch_reader reader = {0};
  struct bw_error err = {0};
  struct bw_str batch;
  uint64_t at = 1, first, last, i;
  size_t k;
  int rc;
  assert_int_equal(bw_instance_open(path, bw_str(options), 1, &inst, &err), BW_OK);
  while ((rc = bw_journal_read(b->journal, at, &batch, &first, &last, &err)) != 0) {
    at = last + 1;
    if (rc < 0)
      continue;
    assert_int_equal(bw_batch_read(&reader, batch, 1, &err), BW_OK);
    for (i = 0; i < reader.batch.count; i++) {
      struct bw_batch one = {sizeof one, sizeof *reader.records, 1, &reader.records[i]};
      for (k = 0; k < nskip && skip[k] != reader.records[i].offset; k++)
        ;
      if (k == nskip)
        assert_int_equal(bw_instance_records(inst, &one, out, &err), BW_OK);
    }
  }
  bw_batch_reader_clear(&reader);
  bw_instance_close(&inst);
}

static void same(struct bench *b, uint32_t w, const char *options, const uint64_t *skip, size_t nskip)
{
  struct bw_buf want = {0};
  expect(b, options, skip, nskip, &want);
  assert_true(want.len > 100);
  if (!bw_str_eq(bw_buf_str(&want), bw_buf_str(&b->said[w])))
    fail_msg("the watcher said something else than it should: %zu bytes, not %zu\n%s", b->said[w].len, want.len,
             bw_buf_cstr(&b->notices));
  bw_buf_clear(&want);
}

static struct bw_watcher_config config(const char *name, char *path, const char *options)
{
  return (struct bw_watcher_config){.name = name,
                                    .plugin = path,
                                    .options = bw_str(options),
                                    .deadline_ms = 10000,
                                    .backoff_ms = 5,
                                    .snapshot_records = 500,
                                    .best_effort = !bw_sandbox_available(NULL)};
}

/* ---- the tests ---- */

static void exactly_once(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c = config("toy", path, "{\"threshold\":40}");
  struct bw_watcher_status s;
  struct bench b;
  int i, k;
  (void)state;
  bench_open(&b);
  watchers_open(&b, &c, 1);
  for (i = 0; i < 5; i++)
    append(&b, 300, 0);
  bw_watchers_release(b.ws, 450); /* in the middle of a block: no further */
  until_applied(&b, 0, 450);
  for (i = 0; i < 5; i++)
    bw_loop_turn(b.loop, 5, NULL);
  assert_int_equal(bw_watchers_applied(b.ws, 0), 450);
  assert_int_equal(b.caught_up[0], 450);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  assert_int_equal(b.caught_up[0], newest(&b));
  assert_false(bw_watchers_waiting(b.ws, newest(&b)));
  bw_watchers_status(b.ws, 0, &s);
  assert_int_equal(s.state, BW_WATCHER_RUNNING);
  assert_int_equal(s.restarts, 0);
  assert_int_equal(s.pid, b.pid[0]);
  assert_true(s.memory_bytes > 100000);
  assert_int_equal(s.last_exit_age_ms, -1);
  assert_string_equal(s.last_exit_text, "");
  assert_string_equal(s.version, "1.0");
  assert_true(bw_watchers_description(b.ws, 0).len > 100);
  /* core restarts, with more in the journal each time: from the snapshot, suppressing what was said. */
  for (k = 0; k < 3; k++) {
    watchers_close(&b);
    append(&b, 100, 0);
    watchers_open(&b, &c, 1);
    bw_watchers_release(b.ws, newest(&b));
    until_applied(&b, 0, newest(&b));
  }
  bw_watchers_status(b.ws, 0, &s);
  assert_true(s.snapshot_offset > 0 && s.snapshot_offset <= s.applied && s.snapshot_bytes > 0);
  assert_int_equal(bw_watchers_keep_from(b.ws), s.snapshot_offset + 1);
  same(&b, 0, "{\"threshold\":40}", NULL, 0);
  bench_close(&b);
}

static void killed_at_random(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c = config("toy", path, "");
  struct bw_watcher_status s;
  struct bench b;
  uint64_t x = 0x9E3779B97F4A7C15;
  unsigned kills = 0;
  int64_t end = bw_monotonic() + 60000;
  pid_t killed = 0;
  (void)state;
  bench_open(&b);
  watchers_open(&b, &c, 1);
  while (kills < 12) {
    assert_true(bw_monotonic() < end);
    append(&b, 60, 0);
    bw_watchers_release(b.ws, newest(&b));
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    bw_loop_turn(b.loop, (int64_t)(x % 50), NULL);
    if (x % 3 == 0 && b.pid[0] > 0 && b.pid[0] != killed) {
      killed = b.pid[0];
      kill(killed, SIGKILL);
      kills++;
    }
  }
  until_applied(&b, 0, newest(&b));
  bw_watchers_status(b.ws, 0, &s);
  assert_true(s.restarts >= kills - 1);
  assert_int_equal(s.dead_letters, 0);
  same(&b, 0, "", NULL, 0);
  bench_close(&b);
}

/* Two poison records in a small journal: both are found, everything else is as if they were never there. */
static void poisoned(const char *plugin, int64_t deadline_ms, uint64_t memory, const char *reason)
{
  char *bad BW_AUTOFREE = bw_asprintf("src/host/tests/%s", plugin), *path BW_AUTOFREE = built(bad);
  char *good BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c[2] = {config("bad", path, ""), config("good", good, "")};
  const uint64_t skip[2] = {61 + 47, 61 * 2 + 3};
  struct bw_watcher_status s;
  struct bench b;
  const char *p;
  bench_open(&b);
  c[0].deadline_ms = deadline_ms;
  c[0].memory_bytes = memory;
  append(&b, 60, 0);
  append(&b, 60, 47);
  append(&b, 60, 3);
  append(&b, 60, 0);
  watchers_open(&b, c, 2);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 1, newest(&b)); /* the others go on */
  until_applied(&b, 0, newest(&b));
  bw_watchers_status(b.ws, 0, &s);
  if (s.dead_letters != 2)
    fail_msg("%s: %llu dead letters\n%s", plugin, (unsigned long long)s.dead_letters, bw_buf_cstr(&b.notices));
  assert_false(s.degraded);
  assert_false(s.bisecting);
  same(&b, 0, "", skip, 2);
  same(&b, 1, "", NULL, 0);
  p = strstr(bw_buf_cstr(&b.notices), "[0 poison_record] watcher bad: record 108 (track, account \"a16\")");
  if (!p || !strstr(p, reason) || !strstr(p + 1, "[0 poison_record] watcher bad: record 125"))
    fail_msg("%s", b.notices.data);
  /* For good: core restarts, the letters stay, nothing is said twice. */
  watchers_close(&b);
  append(&b, 50, 0);
  watchers_open(&b, c, 2);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  until_applied(&b, 1, newest(&b));
  same(&b, 0, "", skip, 2);
  bw_watchers_status(b.ws, 0, &s);
  assert_int_equal(s.restarts, 0);
  bench_close(&b);
}

static void crashes(void **state)
{
  (void)state;
#ifdef BW_SANITIZERS
  poisoned("crash.so", 10000, 0, "it ended with status 1");
#else
  poisoned("crash.so", 10000, 0, "it was ended by signal 11");
#endif
}

static void hangs(void **state)
{
  (void)state;
  poisoned("hang.so", 400, 0, "it did not answer a batch within 400 ms");
}

static void floods(void **state)
{
  (void)state;
  poisoned("flood.so", 10000, 0, "it said more than");
}

static void allocates(void **state)
{
  (void)state;
  poisoned("alloc.so", 10000, 256u << 20, "records() failed (-12)");
}

static void lies(void **state)
{
  (void)state;
  poisoned("liar.so", 10000, 0, "not in the plugin's table");
}

static void does_not_open(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c[2] = {config("typo", path, "{\"treshold\":1}"), config("good", path, "")};
  struct bw_watcher_status s;
  struct bench b;
  (void)state;
  bench_open(&b);
  append(&b, 100, 0);
  watchers_open(&b, c, 2);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 1, newest(&b));
  until_notice(&b, "[0 watcher_degraded]");
  assert_false(bw_watchers_waiting(b.ws, newest(&b)));
  bw_watchers_status(b.ws, 0, &s);
  assert_true(s.degraded);
  assert_non_null(strstr(s.last_error, "did you mean threshold?"));
  assert_int_equal(s.applied, 0);
  assert_int_equal(s.lag, newest(&b));
  assert_int_equal(bw_watchers_keep_from(b.ws), 0);
  bench_close(&b);
}

static void rebuilds(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so"), *later BW_AUTOFREE = built("src/host/tests/later.so");
  struct bw_watcher_config c = config("toy", path, "{\"threshold\":1000}");
  struct bench b;
  size_t before;
  (void)state;
  bench_open(&b);
  append(&b, 600, 0);
  watchers_open(&b, &c, 1);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  bw_watchers_snapshot(b.ws);
  before = b.said[0].len;
  while (bw_watchers_keep_from(b.ws) == 0)
    bw_loop_turn(b.loop, 5, NULL);
  /* Another threshold: nothing old is said again, the counts go on from the whole journal. */
  watchers_close(&b);
  c.options = BW_STR("{\"threshold\":30}");
  append(&b, 20, 0);
  watchers_open(&b, &c, 1);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  until_notice(&b, "[0 watcher_rebuild]");
  {
    struct bw_reader in = bw_reader(b.said[0].data + before, b.said[0].len - before);
    struct bw_output o;
    size_t traits = 0;
    while (bw_output_next(&in, &o, NULL) > 0)
      if (o.kind == BW_OUTPUT_TRAIT) {
        traits++;
        assert_true(o.u.trait.number == 31);
      }
    assert_int_equal(traits, 20);
  }
  /* A later version of the state: likewise. */
  bw_watchers_snapshot(b.ws);
  while (bw_watchers_keep_from(b.ws) != newest(&b) + 1)
    bw_loop_turn(b.loop, 5, NULL);
  watchers_close(&b);
  bw_buf_reset(&b.notices);
  c.plugin = later;
  append(&b, 20, 0);
  watchers_open(&b, &c, 1);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  until_notice(&b, "[0 watcher_rebuild]");
  bench_close(&b);
}

/* A pipeline's group commits, some of which fail. */
static void rolled_back(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c = config("toy", path, "");
  struct bench b;
  struct bw_error err;
  size_t kept = 0;
  uint64_t kept_last = 0;
  int64_t end = bw_monotonic() + 60000;
  int i, commits = 0;
  (void)state;
  bench_open(&b);
  b.group = true;
  for (i = 0; i < 12; i++)
    append(&b, 90, 0);
  watchers_open(&b, &c, 1);
  for (i = 1; i <= 12; i++) {
    bw_watchers_release(b.ws, (uint64_t)i * 91);
    while (bw_watchers_applied(b.ws, 0) < (uint64_t)i * 91 || b.dirty > 0) {
      assert_true(bw_monotonic() < end);
      bw_loop_turn(b.loop, 5, NULL);
      if (b.dirty == 0)
        continue;
      b.dirty = 0;
      if (++commits % 3 == 0) {
        bw_store_rollback(b.store);
        b.said[0].len = kept;
        b.last[0] = kept_last;
        bw_watchers_rolled_back(b.ws);
        continue;
      }
      assert_int_equal(bw_store_commit(b.store, &err), BW_OK);
      bw_watchers_committed(b.ws);
      kept = b.said[0].len;
      kept_last = b.last[0];
    }
  }
  assert_true(commits >= 16);
  same(&b, 0, "", NULL, 0);
  bench_close(&b);
}

static void no_room(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c = config("toy", path, "");
  struct bw_watcher_status s;
  struct bench b;
  (void)state;
  bench_open(&b);
  append(&b, 300, 0);
  append(&b, 300, 0);
  b.fail_outputs = 4;
  watchers_open(&b, &c, 1);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  same(&b, 0, "", NULL, 0);
  bw_watchers_status(b.ws, 0, &s);
  assert_int_equal(s.restarts, 4);
  assert_int_equal(s.dead_letters, 0);
  assert_non_null(strstr(bw_buf_cstr(&b.notices), "no room, says the test"));
  bench_close(&b);
}

static void sql_run(struct bench *b, const char *sql)
{
  struct bw_stmt *q;
  assert_int_equal(bw_store_begin(b->store, NULL), BW_OK);
  assert_int_equal(bw_store_prepare(b->store, sql, &q, NULL), BW_OK);
  assert_int_equal(bw_stmt_run(q, NULL), BW_OK);
  assert_int_equal(bw_store_commit(b->store, NULL), BW_OK);
}

/* A block in the middle and the last one cannot be read: that is said once, and nobody waits for them. */
static void damaged_journal(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_watcher_config c[2] = {config("one", path, ""), config("two", path, "")};
  struct bench b;
  struct bw_error err;
  int i;
  (void)state;
  bench_open(&b);
  for (i = 0; i < 4; i++)
    append(&b, 99, 0);
  sql_run(&b, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 101");
  sql_run(&b, "UPDATE journal_block SET data = zeroblob(length(data)) WHERE first = 301");
  bw_journal_close(&b.journal); /* which remembers recent blocks */
  assert_int_equal(bw_journal_open(b.store, &b.journal, &err), BW_OK);
  watchers_open(&b, c, 2);
  bw_watchers_release(b.ws, newest(&b));
  until_applied(&b, 0, newest(&b));
  until_applied(&b, 1, newest(&b));
  until_notice(&b, "records 101 to 200 cannot be read and are skipped");
  until_notice(&b, "records 301 to 400 cannot be read and are skipped");
  same(&b, 0, "", NULL, 0);
  same(&b, 1, "", NULL, 0);
  bench_close(&b);
}

/* A host that has been taken over: whatever it sends, core survives, stores nothing of it, and has it killed. */
static void hostile_host(void **state)
{
  static const char description[] = "{\"name\":\"toy\",\"version\":\"1\",\"state_version\":1,\"signals\":[{}],\"traits\":[{}]}";
  struct bw_watcher_config c = config("toy", (char *)(uintptr_t) "/nowhere.so", "");
  uint64_t x = 0x2545F4914F6CDD1D;
  struct bench b;
  char bytes[64];
  int seed, i, k, killed = 0;
  (void)state;
  bench_open(&b);
  b.fake = true;
  append(&b, 10, 0);
  for (seed = 0; seed < 400; seed++) {
    b.kills = 0;
    watchers_open(&b, &c, 1);
    bw_watchers_release(b.ws, newest(&b));
    if (seed % 4 != 0) /* it begins as it should */
      assert_int_equal(bw_frame_write(b.fake_fd, BW_FRAME_HOST_READY, 0, bw_str(description), NULL), BW_OK);
    for (i = 0; i < 4; i++) {
      uint16_t type;
      size_t len;
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      type = (uint16_t)(BW_FRAME_HOST_READY + x % 5);
      len = (size_t)(x >> 20) % sizeof bytes;
      for (k = 0; k < (int)sizeof bytes; k++)
        x ^= x << 13, x ^= x >> 7, x ^= x << 17, bytes[k] = (char)(x >> 56);
      if (seed % 3 == 0) { /* the right head for the batch that it was sent, then rubbish */
        memset(bytes, 0, 16);
        bytes[0] = 1, bytes[8] = 11;
      }
      (void)bw_frame_write(b.fake_fd, type, 0, bw_str_n(bytes, len), NULL);
      bw_loop_turn(b.loop, 0, NULL);
      bw_loop_turn(b.loop, 0, NULL);
    }
    close(b.fake_fd);
    for (i = 0; i < 3; i++)
      bw_loop_turn(b.loop, 0, NULL);
    killed += b.kills > 0;
    bw_watchers_gone(b.ws, 0, SIGKILL);
    assert_int_equal(bw_watchers_applied(b.ws, 0), 0);
    assert_int_equal(b.said[0].len, 0);
    bw_watchers_free(&b.ws);
  }
  assert_true(killed > 300);
  bench_close(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exactly_once), cmocka_unit_test(killed_at_random), cmocka_unit_test(crashes),
      cmocka_unit_test(hangs),        cmocka_unit_test(floods),           cmocka_unit_test(allocates),
      cmocka_unit_test(lies),         cmocka_unit_test(does_not_open),    cmocka_unit_test(rebuilds),
      cmocka_unit_test(rolled_back),  cmocka_unit_test(no_room),          cmocka_unit_test(damaged_journal),
      cmocka_unit_test(hostile_host)};
  signal(SIGPIPE, SIG_IGN);
  bw_log_init("test", BW_LOG_ERROR);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
