/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the store: transactions, migrations, the lock, crashes, a full disk, a failing fsync, damage. */
#define _GNU_SOURCE /* unshare */
#include "base/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/store.h"

static const char *const steps_v2[] = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB); CREATE TABLE other(k TEXT PRIMARY KEY, v REAL);",
    "ALTER TABLE t ADD COLUMN extra TEXT;",
};
static const struct bw_schema v1 = {"room", steps_v2, 1}, v2 = {"room", steps_v2, 2};
static const struct bw_schema *const old_schemas[] = {&v1}, *const schemas[] = {&v2};

static char dir[] = "/tmp/bw-test-store-XXXXXX";
static const char *self;

static char *in_dir(const char *name)
{
  return bw_asprintf("%s/%s", dir, name);
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

static struct bw_store *open_ok(const char *path)
{
  struct bw_store *s = NULL;
  struct bw_error err = {0};
  if (bw_store_open(path, schemas, 1, &s, &err) != 0)
    fail_msg("%s", err.message);
  return s;
}

static int put(struct bw_store *s, int64_t id, struct bw_str data, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, "INSERT INTO t(id, data) VALUES(?, ?)", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, id);
  bw_stmt_blob(q, 2, data);
  return bw_stmt_run(q, err);
}

static int64_t number(struct bw_store *s, const char *sql)
{
  struct bw_stmt *q;
  int64_t v;
  assert_int_equal(bw_store_prepare(s, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  v = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return v;
}

static void pragma(struct bw_store *s, const char *sql)
{
  struct bw_stmt *q;
  assert_int_equal(bw_store_prepare(s, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_run(q, NULL), 0);
}

static void test_values(void **state)
{
  struct bw_store *s = open_ok(":memory:");
  struct bw_stmt *q, *again;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_store_prepare(s, "SELECT ?, ?, ?, ?, ?, ?", &q, &err), 0);
  bw_stmt_int(q, 1, INT64_MIN);
  bw_stmt_num(q, 2, 0.1);
  bw_stmt_text(q, 3, BW_STR("gr\xc3\xbc\xc3\x9f"));
  bw_stmt_blob(q, 4, bw_str_n("\0\1", 2));
  bw_stmt_null(q, 5);
  bw_stmt_text(q, 6, (struct bw_str){NULL, 0});
  assert_int_equal(bw_stmt_step(q, &err), 1);
  assert_true(bw_stmt_col_int(q, 0) == INT64_MIN);
  assert_true(bw_stmt_col_num(q, 1) == 0.1);
  assert_true(bw_str_is(bw_stmt_col_str(q, 2), "gr\xc3\xbc\xc3\x9f"));
  assert_true(bw_str_eq(bw_stmt_col_str(q, 3), bw_str_n("\0\1", 2)));
  assert_true(bw_stmt_col_null(q, 4));
  assert_false(bw_stmt_col_null(q, 5));
  assert_int_equal(bw_stmt_col_str(q, 5).len, 0);
  /* the same text gives the same statement, reset and unbound */
  assert_int_equal(bw_store_prepare(s, "SELECT ?, ?, ?, ?, ?, ?", &again, &err), 0);
  assert_ptr_equal(again, q);
  assert_int_equal(bw_stmt_step(q, &err), 1);
  assert_true(bw_stmt_col_null(q, 0));
  assert_int_equal(bw_stmt_step(q, &err), 0);
  /* a parameter that is not there is noticed */
  bw_stmt_int(q, 7, 1);
  assert_true(bw_stmt_step(q, &err) < 0);
  assert_int_equal(bw_stmt_step(q, &err), 1);
  assert_true(bw_store_prepare(s, "SELEKT", &q, &err) < 0);
  assert_non_null(strstr(err.message, "SELEKT"));
  assert_int_equal(err.cls, BW_CLASS_BUG);
  bw_store_close(&s);
  assert_null(s);
  bw_store_close(&s);
}

static void test_transactions(void **state)
{
  char *path BW_AUTOFREE = in_dir("tx.db");
  struct bw_store *s = open_ok(path);
  struct bw_error err;
  struct stat st;
  (void)state;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(bw_store_commit(s, &err), BW_ESTATE);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_true(bw_store_in_transaction(s));
  assert_int_equal(put(s, 1, BW_STR("one"), &err), 0);
  assert_int_equal(bw_store_changes(s), 1);
  assert_int_equal(bw_store_last_id(s), 1);
  assert_int_equal(bw_store_commit(s, &err), 0);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(put(s, 2, BW_STR("two"), &err), 0);
  assert_int_equal(put(s, 2, BW_STR("again"), &err), BW_EEXIST); /* a constraint keeps the transaction */
  bw_store_rollback(s);
  assert_false(bw_store_in_transaction(s));
  assert_int_equal(number(s, "SELECT count(*) FROM t"), 1);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(put(s, 3, BW_STR("lost"), &err), 0);
  bw_store_close(&s); /* rolls back */
  s = open_ok(path);
  assert_int_equal(number(s, "SELECT count(*) FROM t"), 1);
  assert_int_equal(number(s, "PRAGMA synchronous"), 2);
  assert_int_equal(number(s, "PRAGMA foreign_keys"), 1);
  assert_int_equal(number(s, "PRAGMA page_size"), 8192);
  bw_store_close(&s);
}

static void test_migrations(void **state)
{
  static const char *const broken_steps[] = {"CREATE TABLE x(id INTEGER);", "CREATE TABLE x(id INTEGER);"};
  static const struct bw_schema broken = {"broken", broken_steps, 2};
  const struct bw_schema *const with_broken[] = {&v2, &broken};
  char *path BW_AUTOFREE = in_dir("m.db");
  struct bw_store *s = NULL;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_store_open(path, old_schemas, 1, &s, &err), 0);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(put(s, 1, BW_STR("kept"), &err), 0);
  assert_int_equal(bw_store_commit(s, &err), 0);
  bw_store_close(&s);
  /* a failing step leaves the file as it was, its own room and the others' */
  assert_true(bw_store_open(path, with_broken, 2, &s, &err) < 0);
  assert_null(s);
  assert_non_null(strstr(err.message, "\"broken\", step 2"));
  assert_int_equal(bw_store_open(path, old_schemas, 1, &s, &err), 0);
  assert_int_equal(number(s, "SELECT version FROM schema_version WHERE room = 'room'"), 1);
  bw_store_close(&s);
  s = open_ok(path);
  assert_int_equal(number(s, "SELECT version FROM schema_version WHERE room = 'room'"), 2);
  assert_int_equal(number(s, "SELECT count(*) FROM t WHERE extra IS NULL"), 1);
  bw_store_close(&s);
  assert_int_equal(bw_store_open(path, old_schemas, 1, &s, &err), BW_EVERSION);
  assert_non_null(strstr(err.message, "later basewatch"));
}

static void write_file(const char *path, const char *data, size_t len)
{
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  fclose(f);
}

static void test_not_ours(void **state)
{
  char *path BW_AUTOFREE = in_dir("n.db"), *missing BW_AUTOFREE = in_dir("none/x.db");
  char junk[9000];
  struct bw_store *s = NULL;
  struct bw_error err;
  (void)state;
  memset(junk, 'j', sizeof junk);
  write_file(path, junk, sizeof junk);
  assert_int_equal(bw_store_open(path, schemas, 1, &s, &err), BW_ECORRUPT);
  assert_int_equal(bw_store_open(missing, schemas, 1, &s, &err), BW_EIO);
  assert_int_equal(bw_store_open(dir, schemas, 1, &s, &err), BW_EIO);
  assert_null(s);
}

static void fill(struct bw_store *s, int64_t from, int64_t to)
{
  char data[3000];
  struct bw_error err;
  assert_int_equal(bw_store_begin(s, &err), 0);
  for (; from < to; from++) {
    memset(data, (int)('a' + from % 26), sizeof data);
    assert_int_equal(put(s, from, bw_str_n(data, sizeof data), &err), 0);
  }
  assert_int_equal(bw_store_commit(s, &err), 0);
}

static void test_damage(void **state)
{
  char *path BW_AUTOFREE = in_dir("d.db"), *lock BW_AUTOFREE = in_dir("d.db-lock");
  struct bw_store *s = open_ok(path);
  struct bw_error err;
  char zeros[8192] = {1, 2, 3};
  int fd;
  (void)state;
  fill(s, 1, 200);
  bw_store_close(&s);
  fd = open(path, O_RDWR | O_CLOEXEC);
  assert_int_equal(pwrite(fd, zeros, sizeof zeros, 8192 * 5), sizeof zeros);
  close(fd);
  s = open_ok(path); /* closed cleanly: not checked at open, but on demand */
  assert_int_equal(bw_store_check(s, &err), BW_ECORRUPT);
  assert_int_equal(err.cls, BW_CLASS_PERMANENT);
  bw_store_close(&s);
  write_file(lock, "4711\n", 5);
  assert_int_equal(bw_store_open(path, schemas, 1, &s, &err), BW_ECORRUPT);
  assert_non_null(strstr(err.message, "damaged"));
  assert_non_null(strstr(err.message, "backup"));
  /* and still so at the next try */
  assert_int_equal(bw_store_open(path, schemas, 1, &s, &err), BW_ECORRUPT);
}

static void test_second_opener(void **state)
{
  char *path BW_AUTOFREE = in_dir("l.db"), pid[32];
  struct bw_store *s = open_ok(path), *second = NULL;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_store_open(path, schemas, 1, &second, &err), BW_EEXIST);
  snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
  assert_non_null(strstr(err.message, pid));
  bw_store_close(&s);
  second = open_ok(path);
  bw_store_close(&second);
}

/* Too little room: the transaction fails as a whole, and the next one that fits succeeds. */
static void test_no_room(void **state)
{
  char *path BW_AUTOFREE = in_dir("f.db"), data[3000];
  struct bw_store *s = open_ok(path);
  struct bw_error err = {0};
  int64_t i;
  int rc = 0;
  (void)state;
  memset(data, 'x', sizeof data);
  fill(s, 1, 20);
  pragma(s, "PRAGMA max_page_count = 40");
  assert_int_equal(bw_store_begin(s, &err), 0);
  for (i = 1000; i < 2000 && rc == 0; i++)
    rc = put(s, i, bw_str_n(data, sizeof data), &err);
  assert_int_equal(rc, BW_ENOSPC);
  assert_int_equal(err.cls, BW_CLASS_TRANSIENT);
  /* whatever is written now must not become durable on its own */
  if (put(s, 5000, BW_STR("half"), &err) == 0)
    bw_store_rollback(s);
  else
    assert_true(bw_store_commit(s, &err) < 0);
  assert_false(bw_store_in_transaction(s));
  assert_int_equal(number(s, "SELECT count(*) FROM t"), 19);
  pragma(s, "PRAGMA max_page_count = 4000");
  fill(s, 3000, 3100);
  assert_int_equal(number(s, "SELECT count(*) FROM t"), 119);
  bw_store_close(&s);
}

/* On a file system of 2 MiB that fills: runs in a child with a mount namespace of its own.  Exit 0 good, 77 cannot. */
static int full_disk_child(void)
{
  char path[128], ballast[128], data[3000];
  struct bw_store *s = NULL;
  struct bw_error err = {0};
  int64_t done = 0, i;
  int rc = 0, failures = 0, fd;
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("tmpfs", dir, "tmpfs", 0, "size=2m") != 0)
    return 77;
  snprintf(path, sizeof path, "%s/full.db", dir);
  snprintf(ballast, sizeof ballast, "%s/ballast", dir);
  fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  for (i = 0; i < 300; i++)
    if (write(fd, data, sizeof data) < 0)
      return 1;
  close(fd);
  if (bw_store_open(path, schemas, 1, &s, &err) != 0)
    return 2;
  memset(data, 'y', sizeof data);
  for (i = 1; i <= 2000 && failures < 5; i++) { /* one row a transaction, until it is full; then it must fail cleanly */
    rc = bw_store_begin(s, &err);
    if (!rc)
      rc = put(s, i, bw_str_n(data, sizeof data), &err);
    if (!rc)
      rc = bw_store_commit(s, &err);
    if (rc == 0) {
      done++;
      continue;
    }
    bw_store_rollback(s);
    failures++;
    if (rc != BW_ENOSPC || err.cls != BW_CLASS_TRANSIENT) {
      fprintf(stderr, "full disk: code %d: %s\n", rc, err.message);
      return 3;
    }
  }
  if (failures < 5 || done == 0 || number(s, "SELECT count(*) FROM t") != done)
    return 4;
  unlink(ballast); /* room again */
  if (bw_store_begin(s, &err) != 0 || put(s, 9000, BW_STR("after"), &err) != 0 || bw_store_commit(s, &err) != 0)
    return 5;
  bw_store_close(&s);
  if (bw_store_open(path, schemas, 1, &s, &err) != 0 || bw_store_check(s, &err) != 0)
    return 6;
  rc = number(s, "SELECT count(*) FROM t") == done + 1 ? 0 : 7;
  bw_store_close(&s);
  return rc;
}

static void test_full_disk(void **state)
{
  int status;
  pid_t pid;
  (void)state;
  fflush(NULL);
  pid = fork();
  if (pid == 0)
    _exit(full_disk_child());
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    print_message("full disk: no right to mount a small tmpfs here; skipped\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

/*
 * Under strace: commits rows while fsync or write fails now and then.  Every failure must be clean (code, class), what was
 * acknowledged must be there, and the store must go on afterwards.
 */
static int fsync_child(const char *path)
{
  struct bw_store *s = NULL;
  struct bw_error err = {0};
  int64_t good = 0, bad = 0, i;
  int rc = bw_store_open(path, schemas, 1, &s, &err);
  if (rc)
    return 1;
  for (i = 1; i <= 60; i++) {
    rc = bw_store_begin(s, &err);
    if (!rc)
      rc = put(s, i, BW_STR("row"), &err);
    if (!rc)
      rc = bw_store_commit(s, &err);
    if (rc)
      bw_store_rollback(s);
    if (rc && ((rc != BW_EIO && rc != BW_ENOSPC) || err.cls != BW_CLASS_TRANSIENT))
      return 2;
    good += rc == 0;
    bad += rc != 0;
    if (rc == 0 && i > 40 && number(s, "SELECT count(*) FROM t") != good)
      return 3;
  }
  bw_store_close(&s);
  for (i = 0; (rc = bw_store_open(path, schemas, 1, &s, &err)) == BW_EIO && i < 3; i++) /* it fails still */
    ;
  if (rc != 0 || bw_store_check(s, &err) != 0)
    return 4;
  i = number(s, "SELECT count(*) FROM t"); /* one that was refused last may be whole on disk: the sync failed, then the close */
  if (i < good || i > good + 1)
    return 6;
  bw_store_close(&s);
  return bad > 0 && good > 20 ? 0 : 5;
}

static void run_injected(const char *calls, const char *what)
{
  char *path BW_AUTOFREE = in_dir("e.db");
  char *cmd BW_AUTOFREE = bw_asprintf("ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=%s -e inject=%s:%s '%s' "
                                      "--fsync-child '%s'",
                                      calls, calls, what, self, path);
  int rc = system(cmd);
  clean_dir(NULL);
  assert_true(WIFEXITED(rc));
  if (WEXITSTATUS(rc) != 0)
    fail_msg("%s, %s: the child ended with %d", calls, what, WEXITSTATUS(rc));
}

static void test_failing_disk(void **state)
{
  (void)state;
  if (system("strace -o /dev/null true >/dev/null 2>&1") != 0) {
    print_message("failing disk: strace is not here or may not trace; skipped\n");
    skip();
  }
  run_injected("fsync,fdatasync", "error=EIO:when=12+3");
  run_injected("pwrite64", "error=ENOSPC:when=60+19");
  run_injected("pwrite64", "error=EIO:when=61+23");
}

/* A short life of a store: opened, written, closed. */
static int life_child(const char *path)
{
  struct bw_store *s = NULL;
  struct bw_error err = {0};
  if (bw_store_open(path, schemas, 1, &s, &err) != 0)
    return 1;
  if (bw_store_begin(s, &err) != 0 || put(s, 1 + number(s, "SELECT coalesce(max(id), 0) FROM t"), BW_STR("row"), &err) != 0 ||
      bw_store_commit(s, &err) != 0)
    return 2;
  bw_store_close(&s);
  return 0;
}

/* True where it was killed as it made that call for the n-th time. */
static bool killed_at(const char *call, int n, const char *path)
{
  char *cmd BW_AUTOFREE =
      bw_asprintf("ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=%s -e inject=%s:signal=KILL:when=%d '%s' "
                  "--life-child '%s' 2>/dev/null",
                  call, call, n, self, path);
  int rc = system(cmd);
  if (WIFEXITED(rc) && WEXITSTATUS(rc) == 0)
    return false;
  assert_true(WIFSIGNALED(rc) || WEXITSTATUS(rc) == 128 + SIGKILL);
  return true;
}

/* Wherever in its life a process is killed: nothing is missing, and nobody is told that something is. */
static void test_kill_everywhere(void **state)
{
  static const char *const calls[] = {"ftruncate", "pwrite64", "fdatasync", "unlink", "openat"};
  char *path BW_AUTOFREE = in_dir("l.db");
  size_t i;
  int n, kills = 0;
  (void)state;
  if (system("strace -o /dev/null true >/dev/null 2>&1") != 0) {
    print_message("kill everywhere: strace is not here or may not trace; skipped\n");
    skip();
  }
  for (i = 0; i < sizeof calls / sizeof *calls; i++)
    for (n = 1; n < 200 && killed_at(calls[i], n, path); n++) {
      struct bw_store *s = open_ok(path);
      kills++;
      if (bw_store_doubt(s))
        fail_msg("killed at %s number %d: %s", calls[i], n, bw_store_doubt(s));
      assert_int_equal(number(s, "SELECT coalesce(max(id), 0) - count(*) FROM t"), 0);
      if (n % 2) /* the next one finds it closed, or half open as this one did */
        bw_store_close(&s);
      else
        bw_store_abandon(&s);
    }
  assert_true(kills > 20);
}

/* Killed at random: what was reported as committed is there. */
static void test_kill(void **state)
{
  char *path BW_AUTOFREE = in_dir("k.db");
  int64_t reported = 0;
  int round;
  (void)state;
  srand(7);
  for (round = 0; round < 12; round++) {
    struct bw_store *s;
    int fds[2], status;
    int64_t next = reported + 1, seen;
    pid_t pid;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
      struct bw_error err;
      s = open_ok(path);
      for (next = number(s, "SELECT coalesce(max(id), 0) FROM t") + 1;; next++)
        if (bw_store_begin(s, &err) != 0 || put(s, next, BW_STR("x"), &err) != 0 || bw_store_commit(s, &err) != 0 ||
            write(fds[1], &next, sizeof next) != sizeof next)
          _exit(1);
    }
    close(fds[1]);
    usleep((useconds_t)(20000 + rand() % 60000));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &seen, sizeof seen) == sizeof seen)
      reported = seen;
    close(fds[0]);
    s = open_ok(path);
    assert_null(bw_store_doubt(s)); /* whatever was being written */
    assert_true(number(s, "SELECT coalesce(max(id), 0) FROM t") >= reported);
    assert_int_equal(number(s, "SELECT coalesce(max(id), 0) - count(*) FROM t"), 0);
    bw_store_close(&s);
  }
  assert_true(reported > 12);
}

#define TRANSACTIONS 12
#define FRAME (24 + 8192)

/* A process that writes so many transactions, one page each or some more, and dies; first: rows that were checkpointed, so that
   what they left lies behind. */
static void die_after(const char *path, int64_t first)
{
  pid_t pid;
  int status;
  fflush(NULL);
  pid = fork();
  if (pid == 0) {
    struct bw_store *s = open_ok(path);
    int64_t i;
    if (first > 0) {
      fill(s, 1000, 1000 + first);
      pragma(s, "PRAGMA wal_checkpoint(RESTART)");
    }
    for (i = 1; i <= TRANSACTIONS; i++)
      fill(s, i, i + 1);
    _exit(0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static struct bw_buf read_file(const char *path)
{
  struct bw_buf b = {0};
  FILE *f = fopen(path, "rbe");
  char block[4096];
  size_t n;
  assert_non_null(f);
  while ((n = fread(block, 1, sizeof block, f)) > 0)
    bw_buf_add_str(&b, bw_str_n(block, n));
  (void)fclose(f);
  return b;
}

/* Opens a copy of a dead process's files whose log was changed so: what is said of it. */
static char *doubt_of(struct bw_str db, struct bw_str wal, int64_t *ret_rows)
{
  char *path BW_AUTOFREE = in_dir("c.db"), *wal_path BW_AUTOFREE = in_dir("c.db-wal"), *lock BW_AUTOFREE = in_dir("c.db-lock");
  struct bw_store *s;
  char *doubt;
  write_file(path, db.data, db.len);
  write_file(wal_path, wal.data, wal.len);
  write_file(lock, "4711\n", 5);
  assert_int_equal(chmod(path, 0600), 0);
  s = open_ok(path);
  doubt = bw_store_doubt(s) ? bw_strdup(bw_store_doubt(s)) : NULL;
  *ret_rows = number(s, "SELECT count(*) FROM t WHERE id < 1000");
  bw_store_close(&s);
  return doubt;
}

/* Where each transaction of the present generation ends, in frames. */
static size_t commits(struct bw_str wal, size_t *ret_ends)
{
  size_t n = 0, i;
  for (i = 0; 32 + (i + 1) * FRAME <= wal.len; i++) {
    const char *f = wal.data + 32 + i * FRAME;
    if (memcmp(f + 8, wal.data + 16, 8) != 0)
      break;
    if (memcmp(f + 4, "\0\0\0", 4) != 0)
      ret_ends[n++] = i + 1;
  }
  return n;
}

/* One byte flipped: said where a later transaction shows that it was durable, and never where nothing was flipped. */
static void check_flips(struct bw_str db, struct bw_buf *wal)
{
  static const size_t at[] = {1, 9, 18, 24 + 5000}; /* page number, salt, checksum, page */
  size_t ends[64], n = commits(bw_buf_str(wal), ends), frame, i;
  int64_t rows;
  char *doubt = doubt_of(db, bw_buf_str(wal), &rows);
  assert_null(doubt);
  assert_int_equal(rows, TRANSACTIONS);
  assert_true(n >= TRANSACTIONS);
  for (frame = 0; frame < ends[n - 1]; frame++)
    for (i = 0; i < sizeof at / sizeof *at; i++) {
      char *byte = wal->data + 32 + frame * FRAME + at[i];
      bool sure = frame + 2 < ends[n - 2]; /* a frame that tells, its commit, and one more */
      *byte = (char)(*byte ^ 0x40);
      doubt = doubt_of(db, bw_buf_str(wal), &rows);
      *byte = (char)(*byte ^ 0x40);
      if (sure && (!doubt || !strstr(doubt, "was copied to")))
        fail_msg("frame %zu of %zu, byte %zu: %s", frame, ends[n - 1], at[i], doubt ? doubt : "nothing is said");
      if (frame >= ends[n - 2] && doubt)
        fail_msg("the last transaction: %s", doubt);
      free(doubt);
    }
}

static void test_damaged_log(void **state)
{
  char *path BW_AUTOFREE = in_dir("o.db"), *wal_path BW_AUTOFREE = in_dir("o.db-wal"), *doubt;
  struct bw_buf db, wal, copy;
  char *kept BW_AUTOFREE = in_dir("c.db-wal-damaged");
  int64_t rows, older;
  size_t len;
  (void)state;
  for (older = 0; older <= 400; older += 400) { /* with nothing behind it, and with an older generation */
    die_after(path, older);
    db = read_file(path);
    wal = read_file(wal_path);
    assert_true(wal.len > (size_t)older * 4096); /* what was checkpointed still lies there */
    check_flips(bw_buf_str(&db), &wal);
    for (len = wal.len; len > 33; len -= len < 4001 ? len - 33 : 4001) { /* torn */
      doubt = doubt_of(bw_buf_str(&db), bw_str_n(wal.data, len), &rows);
      assert_null(doubt);
    }
    wal.data[17] = (char)(wal.data[17] ^ 1); /* its own header: nothing of it is taken */
    doubt = doubt_of(bw_buf_str(&db), bw_buf_str(&wal), &rows);
    assert_non_null(doubt);
    assert_non_null(strstr(doubt, "behind its 0. page"));
    assert_int_equal(rows, 0);
    free(doubt);
    copy = read_file(kept);
    assert_int_equal(copy.len, wal.len);
    assert_memory_equal(copy.data, wal.data, wal.len);
    bw_buf_clear(&copy);
    bw_buf_clear(&db);
    bw_buf_clear(&wal);
    clean_dir(NULL);
  }
}

static void test_missing_log(void **state)
{
  char *path BW_AUTOFREE = in_dir("m.db"), *wal BW_AUTOFREE = in_dir("m.db-wal");
  struct bw_store *s;
  struct bw_error err;
  (void)state;
  die_after(path, 0);
  assert_int_equal(unlink(wal), 0);
  s = open_ok(path);
  assert_non_null(strstr(bw_store_doubt(s), "is not there"));
  bw_store_close(&s);
  s = open_ok(path); /* closed cleanly, it has none */
  assert_null(bw_store_doubt(s));
  bw_store_close(&s);
  die_after(path, 0);
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(bw_store_open(path, schemas, 1, &s, &err), BW_ECORRUPT);
  assert_int_equal(err.cls, BW_CLASS_CONFIG);
  assert_non_null(strstr(err.message, "is empty or missing"));
  assert_int_equal(access(wal, R_OK), 0);
}

/* The write-ahead log is moved into the database on the way, and starts over. */
static void test_wal_is_bounded(void **state)
{
  char *path BW_AUTOFREE = in_dir("w.db"), *wal BW_AUTOFREE = in_dir("w.db-wal");
  struct bw_store *s = open_ok(path);
  struct stat st;
  int64_t i;
  (void)state;
  for (i = 0; i < 40; i++)
    fill(s, 1 + i * 200, 1 + (i + 1) * 200);
  assert_int_equal(stat(wal, &st), 0);
  assert_true(st.st_size < 16 << 20); /* of some 25 MiB written */
  bw_store_close(&s);
  assert_int_equal(stat(wal, &st), -1);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_values, clean_dir),         cmocka_unit_test_teardown(test_transactions, clean_dir),
      cmocka_unit_test_teardown(test_migrations, clean_dir),     cmocka_unit_test_teardown(test_not_ours, clean_dir),
      cmocka_unit_test_teardown(test_damage, clean_dir),         cmocka_unit_test_teardown(test_second_opener, clean_dir),
      cmocka_unit_test_teardown(test_no_room, clean_dir),        cmocka_unit_test_teardown(test_full_disk, clean_dir),
      cmocka_unit_test_teardown(test_failing_disk, clean_dir),   cmocka_unit_test_teardown(test_kill, clean_dir),
      cmocka_unit_test_teardown(test_wal_is_bounded, clean_dir), cmocka_unit_test_teardown(test_damaged_log, clean_dir),
      cmocka_unit_test_teardown(test_missing_log, clean_dir),    cmocka_unit_test_teardown(test_kill_everywhere, clean_dir),
  };
  int rc;
  if (argc == 3 && strcmp(argv[1], "--fsync-child") == 0)
    return fsync_child(argv[2]);
  if (argc == 3 && strcmp(argv[1], "--life-child") == 0)
    return life_child(argv[2]);
  self = argv[0];
  if (!mkdtemp(dir))
    return 1;
  rc = cmocka_run_group_tests_name("store", tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
