/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child delivers an approved draft from a real store file into a real Maildir and ends, without any clean-up, before or
 * after its n-th system call or commit, for every n.  Whoever comes after it goes on from what is on disk: the Maildir then
 * has exactly one message, with exactly the approved bytes, and nothing in tmp.  Then the same with two deaths in a row.
 */
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delivery/tests/desk.h"

#define BODY "Hi Dana,\n\nyour team uses 40 of 40 seats.\n\nBest,\nAda\n"
#define DIED 77
#define MAX_POINTS 400

/* Points where it may end: one before and one after every call. */
static int points_left = -1; /* negative: never */
static int points_seen;

static void point(void)
{
  points_seen++;
  if (points_left >= 0 && points_left-- == 0)
    _exit(DIED);
}

static int sys_open(void *ctx, const char *path, int flags, unsigned mode)
{
  int fd;
  (void)ctx;
  point();
  fd = open(path, flags, (mode_t)mode);
  point();
  return fd;
}

/* At most 200 bytes at once, so that half-written files are among the ruins. */
static ssize_t sys_write(void *ctx, int fd, const void *data, size_t len)
{
  ssize_t n;
  (void)ctx;
  point();
  n = write(fd, data, len > 200 ? 200 : len);
  point();
  return n;
}

static int sys_fsync(void *ctx, int fd)
{
  int rc;
  (void)ctx;
  point();
  rc = fsync(fd);
  point();
  return rc;
}

static int sys_close(void *ctx, int fd)
{
  int rc;
  (void)ctx;
  point();
  rc = close(fd);
  point();
  return rc;
}

static int sys_rename(void *ctx, const char *from, const char *to)
{
  int rc;
  (void)ctx;
  point();
  rc = rename(from, to);
  point();
  return rc;
}

static int sys_unlink(void *ctx, const char *path)
{
  int rc;
  (void)ctx;
  point();
  rc = unlink(path);
  point();
  return rc;
}

static int sys_mkdir(void *ctx, const char *path, unsigned mode)
{
  int rc;
  (void)ctx;
  point();
  rc = mkdir(path, (mode_t)mode);
  point();
  return rc;
}

static const struct bw_maildir_sys mortal = {sys_open,   sys_write,  sys_fsync, sys_close,
                                             sys_rename, sys_unlink, sys_mkdir, NULL};

/* As core does it: approve if nobody has, then step by step. */
static int work(struct desk *d)
{
  bool did = true;
  int rc = bw_store_begin(d->store, NULL);
  if (rc == 0 && desk_state(d) == 0) {
    rc = desk_approve(d);
    point();
  }
  if (rc == 0)
    rc = bw_store_commit(d->store, NULL);
  bw_outbox_committed(d->outbox);
  point();
  while (rc == 0 && did) {
    rc = bw_store_begin(d->store, NULL);
    if (rc == 0)
      rc = bw_outbox_step(d->outbox, NOW, &did, NULL, NULL);
    point();
    if (rc == 0)
      rc = bw_store_commit(d->store, NULL);
    bw_outbox_committed(d->outbox);
    point();
  }
  return rc;
}

/* A life that ends after so many points; true where it did end there. */
static bool live(struct desk *d, int points, int *ret_seen)
{
  int status = 0, pipe_fds[2];
  pid_t pid;
  assert_int_equal(pipe(pipe_fds), 0);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int rc;
    points_left = points;
    points_seen = 0;
    d->sys = &mortal;
    rc = desk_open(d);
    if (rc == 0)
      rc = work(d);
    if (write(pipe_fds[1], &points_seen, sizeof points_seen) != sizeof points_seen)
      rc = -1;
    desk_close(d);
    _exit(rc == 0 ? 0 : 1);
  }
  (void)close(pipe_fds[1]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
  if (WEXITSTATUS(status) == 0 && ret_seen)
    assert_int_equal(read(pipe_fds[0], ret_seen, sizeof *ret_seen), (ssize_t)sizeof *ret_seen);
  (void)close(pipe_fds[0]);
  return WEXITSTATUS(status) == DIED;
}

static void prepare(struct desk *d)
{
  desk_make(d);
  assert_int_equal(desk_open(d), 0);
  assert_int_equal(bw_store_begin(d->store, NULL), 0);
  assert_int_equal(desk_draft(d, BODY), 0);
  assert_int_equal(bw_store_commit(d->store, NULL), 0);
  desk_close(d);
}

static void exactly_one_message(struct desk *d, int point_of_death)
{
  struct bw_buf found = {0}, expected = {0};
  struct bw_error err = {0};
  int64_t rows;
  assert_int_equal(desk_open(d), 0);
  desk_expected(d, BODY, &expected);
  assert_true(expected.len > 300);
  if (desk_files(d, "new", &found) + desk_files(d, "cur", &found) != 1 || desk_files(d, "tmp", NULL) != 0 ||
      desk_state(d) != BW_OUTBOX_SENT || !bw_str_eq(bw_buf_str(&found), bw_buf_str(&expected)))
    fail_msg("death at %d: new %zu, cur %zu, tmp %zu, state %d", point_of_death, desk_files(d, "new", NULL),
             desk_files(d, "cur", NULL), desk_files(d, "tmp", NULL), (int)desk_state(d));
  assert_int_equal(bw_audit_verify(d->store, &rows, &err), 0);
  assert_int_equal(rows, 2); /* approved, sent: once each */
  bw_buf_clear(&found);
  bw_buf_clear(&expected);
}

static int count_points(void)
{
  struct desk d;
  int n = 0;
  prepare(&d);
  assert_false(live(&d, -1, &n));
  exactly_one_message(&d, -1);
  desk_remove(&d);
  assert_true(n > 30 && n < MAX_POINTS);
  return n;
}

static void death_at_every_point_leaves_one_message(void **state)
{
  int n = count_points(), i;
  (void)state;
  for (i = 0; i < n; i++) {
    struct desk d;
    prepare(&d);
    assert_true(live(&d, i, NULL));
    assert_false(live(&d, -1, NULL));
    exactly_one_message(&d, i);
    desk_remove(&d);
  }
  (void)fprintf(stderr, "%d deaths, one message after each\n", n);
}

static void two_deaths_leave_one_message(void **state)
{
  int n = count_points(), i;
  (void)state;
  for (i = 0; i < n; i += 3) {
    struct desk d;
    prepare(&d);
    assert_true(live(&d, i, NULL));
    (void)live(&d, (i * 7) % 11, NULL);
    assert_false(live(&d, -1, NULL));
    exactly_one_message(&d, i);
    desk_remove(&d);
  }
}

/* A mail reader takes the message while nobody has noted that it is there. */
static void a_reader_between_rename_and_commit_is_no_second_message(void **state)
{
  int n = count_points(), i, seen = 0;
  (void)state;
  for (i = 0; i < n; i++) {
    struct desk d;
    struct bw_buf path = {0};
    prepare(&d);
    assert_true(live(&d, i, NULL));
    if (desk_files(&d, "new", NULL) == 1) {
      bw_buf_printf(&path, "cd '%s' && for f in new/*; do mv \"$f\" \"cur/${f#new/}:2,S\"; done", d.maildir);
      assert_int_equal(system(bw_buf_cstr(&path)), 0);
      seen++;
    }
    assert_false(live(&d, -1, NULL));
    exactly_one_message(&d, i);
    bw_buf_clear(&path);
    desk_remove(&d);
  }
  assert_true(seen > 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(death_at_every_point_leaves_one_message),
                                     cmocka_unit_test(two_deaths_leave_one_message),
                                     cmocka_unit_test(a_reader_between_rename_and_commit_is_no_second_message)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
