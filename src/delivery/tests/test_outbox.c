/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: its protocol, tampered texts and files, a full disk, people's second thoughts. */
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "delivery/tests/desk.h"

#define BODY "Hi Dana,\n\nbest\n"

static struct desk desk;

/* The disk's mood: which call fails, and with what. */
static struct {
  const char *call;
  int error;
} mood;

static bool sulks(const char *call)
{
  if (!mood.call || strcmp(mood.call, call) != 0)
    return false;
  errno = mood.error;
  return true;
}

static int sys_open(void *ctx, const char *path, int flags, unsigned mode)
{
  (void)ctx;
  return sulks("open") ? -1 : open(path, flags, (mode_t)mode);
}

static ssize_t sys_write(void *ctx, int fd, const void *data, size_t len)
{
  (void)ctx;
  return sulks("write") ? -1 : write(fd, data, len);
}

static int sys_fsync(void *ctx, int fd)
{
  (void)ctx;
  return sulks("fsync") ? -1 : fsync(fd);
}

static int sys_close(void *ctx, int fd)
{
  int rc = close(fd);
  (void)ctx;
  return sulks("close") ? -1 : rc;
}

static int sys_rename(void *ctx, const char *from, const char *to)
{
  (void)ctx;
  return sulks("rename") ? -1 : rename(from, to);
}

static int sys_unlink(void *ctx, const char *path)
{
  (void)ctx;
  return sulks("unlink") ? -1 : unlink(path);
}

static int sys_mkdir(void *ctx, const char *path, unsigned mode)
{
  (void)ctx;
  return sulks("mkdir") ? -1 : mkdir(path, (mode_t)mode);
}

static const struct bw_maildir_sys moody = {sys_open, sys_write, sys_fsync, sys_close, sys_rename, sys_unlink, sys_mkdir, NULL};

static int begin(void **state)
{
  (void)state;
  mood.call = NULL;
  desk_make(&desk);
  desk.sys = &moody;
  return desk_open(&desk) || bw_store_begin(desk.store, NULL) || desk_draft(&desk, BODY) || desk_approve(&desk) ||
         bw_store_commit(desk.store, NULL);
}

static int end(void **state)
{
  (void)state;
  desk_remove(&desk);
  return 0;
}

/* One committed step at a time; true where it did something. */
static bool step(int64_t now)
{
  struct bw_error err = {0};
  bool did = false;
  bw_outbox_committed(desk.outbox);
  assert_int_equal(bw_store_begin(desk.store, NULL), 0);
  if (bw_outbox_step(desk.outbox, now, &did, NULL, &err) < 0)
    fail_msg("%s", err.message);
  assert_int_equal(bw_store_commit(desk.store, NULL), 0);
  bw_outbox_committed(desk.outbox);
  return did;
}

static void run(const char *sql)
{
  struct bw_stmt *q;
  assert_int_equal(bw_store_begin(desk.store, NULL), 0);
  assert_int_equal(bw_store_prepare(desk.store, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_run(q, NULL), 0);
  assert_int_equal(bw_store_commit(desk.store, NULL), 0);
}

static void a_message_goes_through_its_states(void **state)
{
  struct bw_buf found = {0}, expected = {0};
  (void)state;
  desk_expected(&desk, BODY, &expected);
  assert_int_equal(desk_state(&desk), BW_OUTBOX_STAGED);
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_READY);
  assert_int_equal(desk_files(&desk, "tmp", &found), 1);
  assert_int_equal(desk_files(&desk, "new", NULL), 0);
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_SENT);
  assert_int_equal(desk_files(&desk, "tmp", NULL), 0);
  assert_int_equal(desk_files(&desk, "new", &found), 1);
  assert_string_equal(bw_buf_cstr(&found), bw_buf_cstr(&expected));
  assert_false(step(NOW + BW_DAY));
  assert_int_equal(desk.changes, 2);
  assert_int_equal(desk.notices, 0);
  bw_buf_clear(&found);
  bw_buf_clear(&expected);
}

static void two_steps_never_share_a_transaction(void **state)
{
  struct bw_error err = {0};
  bool did;
  (void)state;
  /* begin() has not said that the approval is committed. */
  assert_int_equal(bw_outbox_step(desk.outbox, NOW, &did, NULL, &err), BW_ESTATE);
  bw_outbox_committed(desk.outbox);
  assert_int_equal(bw_store_begin(desk.store, NULL), 0);
  assert_int_equal(bw_outbox_step(desk.outbox, NOW, &did, NULL, &err), 0);
  assert_true(did);
  assert_int_equal(bw_outbox_step(desk.outbox, NOW, &did, NULL, &err), BW_ESTATE);
  /* What is rolled back is done again from the start. */
  bw_store_rollback(desk.store);
  bw_outbox_rolled_back(desk.outbox);
  assert_int_equal(desk_state(&desk), BW_OUTBOX_STAGED);
  assert_true(step(NOW));
  assert_true(step(NOW));
  assert_int_equal(desk_files(&desk, "new", NULL), 1);
}

static void drain_does_it_all_and_a_lead_is_sent_once(void **state)
{
  struct bw_decision a = {0};
  struct bw_error err = {0};
  size_t steps = 0;
  int64_t next = 0;
  (void)state;
  bw_outbox_committed(desk.outbox);
  assert_int_equal(bw_outbox_drain(desk.outbox, NOW, &steps, &next, &err), 0);
  assert_int_equal(steps, 2);
  assert_true(next == BW_TIME_NONE);
  assert_int_equal(desk_files(&desk, "new", NULL), 1);
  assert_int_equal(bw_decision_approval(desk.store, BW_STR(LEAD), &a, &err), 0);
  assert_int_equal(bw_outbox_add(desk.outbox, &a, BW_STR(""), NULL, &err), BW_EEXIST);
  bw_decision_clear(&a);
}

static void a_changed_text_is_parked(void **state)
{
  (void)state;
  run("UPDATE draft SET body = replace(body, 'best', 'worst')");
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_PARKED);
  assert_int_equal(desk.notices, 1);
  assert_non_null(strstr(desk.said, "does not match its own hash"));
  assert_false(step(NOW + BW_DAY));
  assert_int_equal(desk_files(&desk, "tmp", NULL) + desk_files(&desk, "new", NULL), 0);
}

/* Text and hash changed together: the approval does not know this hash. */
static void a_changed_text_with_its_hash_is_parked(void **state)
{
  struct bw_draft d = {0};
  struct bw_buf sql = {0};
  (void)state;
  assert_int_equal(bw_draft_load(desk.store, BW_STR(LEAD), 2, &d, NULL), 0);
  d.field[BW_DRAFT_BODY][0] = 'h';
  bw_draft_hash(&d, d.hash);
  bw_buf_printf(&sql, "UPDATE draft SET body = 'h' || substr(body, 2), hash = '%s' WHERE version = 2", d.hash);
  run(bw_buf_cstr(&sql));
  bw_buf_reset(&sql);
  bw_buf_printf(&sql, "UPDATE outbox SET hash = '%s'", d.hash);
  run(bw_buf_cstr(&sql));
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_PARKED);
  assert_non_null(strstr(desk.said, "not the one that ada@vendor.example approved"));
  assert_int_equal(desk_files(&desk, "tmp", NULL) + desk_files(&desk, "new", NULL), 0);
  bw_buf_clear(&sql);
  bw_draft_clear(&d);
}

static void a_changed_file_is_parked(void **state)
{
  char command[200];
  (void)state;
  assert_true(step(NOW));
  (void)snprintf(command, sizeof command, "cd '%s/tmp' && for f in *; do echo x >> \"$f\"; done", desk.maildir);
  assert_int_equal(system(command), 0);
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_PARKED);
  assert_int_equal(desk_files(&desk, "new", NULL), 0);
}

static void what_is_gone_is_parked_until_a_person_says_so(void **state)
{
  char command[200];
  struct bw_error err = {0};
  int64_t rows;
  (void)state;
  assert_true(step(NOW));
  (void)snprintf(command, sizeof command, "rm '%s'/tmp/*", desk.maildir);
  assert_int_equal(system(command), 0);
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_PARKED);
  assert_non_null(strstr(desk.said, "nowhere in the Maildir"));
  assert_false(step(NOW + BW_DAY));
  assert_int_equal(bw_outbox_resend(desk.outbox, 1, BW_STR(" "), NOW, &err), BW_EINVAL);
  assert_int_equal(bw_outbox_resend(desk.outbox, 2, BW_STR("ada"), NOW, &err), BW_ENOTFOUND);
  assert_int_equal(bw_store_begin(desk.store, NULL), 0);
  assert_int_equal(bw_outbox_resend(desk.outbox, 1, BW_STR("ada"), NOW, &err), 0);
  assert_int_equal(bw_store_commit(desk.store, NULL), 0);
  assert_true(step(NOW));
  assert_true(step(NOW));
  assert_int_equal(desk_state(&desk), BW_OUTBOX_SENT);
  assert_int_equal(desk_files(&desk, "new", NULL), 1);
  assert_int_equal(bw_outbox_resend(desk.outbox, 1, BW_STR("ada"), NOW, &err), BW_ESTATE);
  assert_int_equal(bw_audit_verify(desk.store, &rows, &err), 0);
  assert_int_equal(rows, 4); /* approved, parked, resend, sent */
}

static void a_sulking_disk_is_tried_again(void **state)
{
  static const struct {
    const char *call;
    int error;
    enum bw_outbox_state at;
  } moods[] = {{"open", ENOSPC, BW_OUTBOX_STAGED},   {"write", ENOSPC, BW_OUTBOX_STAGED}, {"write", EIO, BW_OUTBOX_STAGED},
               {"fsync", EIO, BW_OUTBOX_STAGED},     {"close", EIO, BW_OUTBOX_STAGED},    {"mkdir", EROFS, BW_OUTBOX_STAGED},
               {"unlink", EACCES, BW_OUTBOX_STAGED}, {"rename", ENOSPC, BW_OUTBOX_READY}, {"fsync", EIO, BW_OUTBOX_READY}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof moods / sizeof *moods; i++) {
    int64_t now = NOW, wait = 30 * BW_SECOND;
    int k;
    struct bw_buf found = {0}, expected = {0};
    assert_int_equal(begin(NULL), 0);
    if (moods[i].at == BW_OUTBOX_READY)
      assert_true(step(now));
    mood.call = moods[i].call;
    mood.error = moods[i].error;
    for (k = 0; k < 10; k++) {
      assert_true(step(now));
      assert_int_equal(desk_state(&desk), moods[i].at);
      assert_false(step(now + wait - 1));
      now += wait;
      wait = wait * 2 < BW_HOUR ? wait * 2 : BW_HOUR;
    }
    assert_int_equal(desk.notices, 1);
    mood.call = NULL;
    while (step(now))
      ;
    desk_expected(&desk, BODY, &expected);
    assert_int_equal(desk_state(&desk), BW_OUTBOX_SENT);
    assert_int_equal(desk_files(&desk, "new", &found), 1);
    assert_int_equal(desk_files(&desk, "tmp", NULL), 0);
    assert_string_equal(bw_buf_cstr(&found), bw_buf_cstr(&expected));
    bw_buf_clear(&found);
    bw_buf_clear(&expected);
    (void)end(NULL);
  }
}

static void names_do_not_leave_the_maildir(void **state)
{
  static const char *const bad[] = {"../x", "a/b", "", ".hidden", "a:2,S"};
  enum bw_maildir_place place;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(bw_maildir_write(NULL, desk.maildir, bad[i], BW_STR("x"), NULL), BW_EINVAL);
    assert_int_equal(bw_maildir_publish(NULL, desk.maildir, bad[i], NULL), BW_EINVAL);
    assert_int_equal(bw_maildir_find(desk.maildir, bad[i], &place, NULL), BW_EINVAL);
  }
}

int main(void)
{
#define WITH_DESK(f) cmocka_unit_test_setup_teardown(f, begin, end)
  const struct CMUnitTest tests[] = {WITH_DESK(a_message_goes_through_its_states),
                                     WITH_DESK(two_steps_never_share_a_transaction),
                                     WITH_DESK(drain_does_it_all_and_a_lead_is_sent_once),
                                     WITH_DESK(a_changed_text_is_parked),
                                     WITH_DESK(a_changed_text_with_its_hash_is_parked),
                                     WITH_DESK(a_changed_file_is_parked),
                                     WITH_DESK(what_is_gone_is_parked_until_a_person_says_so),
                                     cmocka_unit_test(a_sulking_disk_is_tried_again),
                                     WITH_DESK(names_do_not_leave_the_maildir)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
