/* SPDX-License-Identifier: Apache-2.0 */
/* Watchers in real host processes: same outputs as in this process, and what the sandbox stops. */
#include "base/test.h"

#include "watch/hosted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "config.h"
#include "host/instance.h"
#include "proc/sandbox.h"
#include "wire/record.h"

static char *built(const char *path)
{
  const char *dir = getenv("BW_BUILDDIR");
  return bw_asprintf("%s/%s", dir ? dir : ".", path);
}

static int try_open(const char *name, const char *options, const struct bw_hosted_options *how, struct bw_hosted **h,
                    struct bw_error *err)
{
  char *exe BW_AUTOFREE = built("src/watch/tests/host_main"), *dir BW_AUTOFREE = built("src/host/tests");
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, name);
  struct bw_hosted_options o = {0};
  if (how)
    o = *how;
  o.best_effort = !bw_sandbox_available(NULL);
  return bw_hosted_open(exe, path, bw_str(options), 1, &o, h, err);
}

static struct bw_hosted *opened(const char *name, const char *options, const struct bw_hosted_options *how)
{
  struct bw_hosted *h = NULL;
  struct bw_error err = {0};
  if (try_open(name, options, how, &h, &err) < 0)
    fail_msg("%s: %s", name, err.message);
  return h;
}

/* n track records over 50 accounts, then a tick; encoded. */
static void batch(struct bw_buf *out, uint64_t from, size_t n, const char *name)
{
  struct bw_batch_writer w = {0};
  char account[16];
  size_t i;
  for (i = 0; i < n; i++) {
    struct bw_record r = {.kind = BW_KIND_TRACK, .time_ms = 1000 + (int64_t)i, .offset = from + i, .name = bw_str(name)};
    snprintf(account, sizeof account, "a%zu", (from + i) * 7 % 50);
    r.account = bw_str(account);
    assert_int_equal(bw_batch_add(&w, &r, NULL), BW_OK);
  }
  assert_int_equal(bw_batch_add(&w, &(struct bw_record){.kind = BW_KIND_TICK, .time_ms = 9000, .offset = from + n}, NULL),
                   BW_OK);
  bw_batch_finish(&w, out);
  bw_batch_writer_clear(&w);
}

static void in_process(struct bw_instance *i, struct bw_str bytes, struct bw_buf *out)
{
  struct bw_batch_reader r = {0};
  assert_int_equal(bw_batch_read(&r, bytes, 1, NULL), BW_OK);
  assert_int_equal(bw_instance_records(i, &r.batch, out, NULL), BW_OK);
  bw_batch_reader_clear(&r);
}

static void same_as_in_process(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_hosted *h = opened("good.so", "{\"threshold\":40}", NULL), *again;
  struct bw_instance *i = NULL;
  struct bw_buf a = {0}, b = {0}, bytes = {0}, saved_h = {0}, saved_i = {0}, described = {0};
  struct bw_error err = {0};
  int k;
  (void)state;
  assert_int_equal(bw_instance_open(path, BW_STR("{\"threshold\":40}"), 1, &i, &err), BW_OK);
  assert_int_equal(bw_instance_describe(path, &described, &err), BW_OK);
  assert_true(bw_str_eq(bw_hosted_description(h), bw_buf_str(&described)));
  for (k = 0; k < 5; k++) {
    bw_buf_reset(&bytes);
    batch(&bytes, (uint64_t)k * 1000 + 1, 900, "x");
    in_process(i, bw_buf_str(&bytes), &a);
    assert_int_equal(bw_hosted_records(h, bw_buf_str(&bytes), &b, &err), BW_OK);
    if (k == 2) { /* saved, ended, begun anew, restored */
      assert_int_equal(bw_hosted_save(h, &saved_h, &err), BW_OK);
      assert_int_equal(bw_instance_save(i, &saved_i, &err), BW_OK);
      assert_true(bw_str_eq(bw_buf_str(&saved_h), bw_buf_str(&saved_i)));
      again = opened("good.so", "{\"threshold\":40}", NULL);
      assert_int_equal(bw_hosted_load(again, bw_buf_str(&saved_h), &err), BW_OK);
      bw_hosted_close(&h);
      h = again;
    }
  }
  assert_true(a.len > 1000);
  assert_true(bw_str_eq(bw_buf_str(&a), bw_buf_str(&b)));
  bw_hosted_close(&h);
  assert_null(h);
  bw_instance_close(&i);
  bw_buf_clear(&a);
  bw_buf_clear(&b);
  bw_buf_clear(&bytes);
  bw_buf_clear(&saved_h);
  bw_buf_clear(&saved_i);
  bw_buf_clear(&described);
}

static void errors_arrive(void **state)
{
  struct bw_hosted *h = NULL;
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(try_open("good.so", "{\"treshold\":1}", NULL, &h, &err), BW_ENOTFOUND);
  assert_non_null(strstr(err.message, "did you mean threshold?"));
  assert_int_equal(err.cls, BW_CLASS_CONFIG);
  assert_int_equal(try_open("nothing.so", "", NULL, &h, &err), BW_ENOTFOUND);
  assert_null(h);
  h = opened("good.so", "", NULL);
  assert_true(bw_hosted_load(h, BW_STR("abc"), &err) < 0);
  assert_non_null(strstr(err.message, "the state is cut off"));
  bw_hosted_close(&h);
  h = opened("good.so", "", NULL);
  assert_true(bw_hosted_records(h, BW_STR("no batch"), &(struct bw_buf){0}, &err) < 0);
  assert_non_null(strstr(err.message, "record batch"));
  bw_hosted_close(&h);
}

static void misbehaves(const char *name, const char *options, const struct bw_hosted_options *how, const char *message)
{
  struct bw_hosted *h = opened(name, options, how);
  struct bw_buf bytes = {0}, out = {0};
  struct bw_error err = {0};
  batch(&bytes, 1, 3, "poison");
  assert_true(bw_hosted_records(h, bw_buf_str(&bytes), &out, &err) < 0);
  if (!strstr(err.message, message))
    fail_msg("%s: \"%s\" does not say \"%s\"", name, err.message, message);
  assert_int_equal(out.len, 0);
  assert_true(bw_hosted_records(h, bw_buf_str(&bytes), &out, &err) < 0);
  bw_hosted_close(&h);
  bw_buf_clear(&bytes);
  bw_buf_clear(&out);
}

static void misbehaviour_stays_there(void **state)
{
  const struct bw_hosted_options quick = {.deadline_ms = 300}, small = {.memory_bytes = 512u << 20};
  (void)state;
#ifdef BW_SANITIZERS
  misbehaves("crash.so", "", NULL, "the watcher host is gone");
#else
  misbehaves("crash.so", "", NULL, "ended by signal 11");
#endif
  misbehaves("hang.so", "", &quick, "did not answer in time");
  misbehaves("flood.so", "", NULL, "it said more than");
  misbehaves("alloc.so", "", &small, "records() failed (-12)");
  misbehaves("liar.so", "", NULL, "not in the plugin's table");
  misbehaves("failing.so", "", NULL, "records() failed (-7)");
}

/* A constructor that tries something: either the sandbox ended it, or it got an error and went on; never success. */
static void evil_constructors(void **state)
{
  char told[256], log[] = "/tmp/basewatch-evil-log-XXXXXX", name[16];
  int k, saved;
  (void)state;
  if (!bw_sandbox_available(NULL))
    skip();
  saved = dup(STDERR_FILENO);
  for (k = 1; k <= 7; k++) {
    struct bw_hosted *h = NULL;
    struct bw_error err = {0};
    int fd, rc;
    ssize_t n;
    strcpy(log + sizeof log - 7, "XXXXXX");
    fd = mkstemp(log);
    assert_true(fd >= 0);
    snprintf(name, sizeof name, "evil%d.so", k);
    dup2(fd, STDERR_FILENO);
    rc = try_open(name, "", NULL, &h, &err);
    dup2(saved, STDERR_FILENO);
    n = pread(fd, told, sizeof told - 1, 0);
    told[n < 0 ? 0 : n] = '\0';
    close(fd);
    unlink(log);
    if (strstr(told, "EVIL SUCCEEDED"))
      fail_msg("%s did it", name);
    /* Reading a file is refused by Landlock with an error, which a plugin survives; the others are fatal. */
    if (k == 1)
      assert_int_equal(rc, BW_OK);
    else if (rc == BW_OK || !strstr(err.message, "what the sandbox does not allow"))
      fail_msg("%s: %d \"%s\"", name, rc, err.message);
    bw_hosted_close(&h);
  }
  close(saved);
  assert_int_equal(access("/tmp/basewatch-evil", F_OK), -1);
}

/* The same plugins do succeed without a sandbox: the test above can fail. */
static void evil_is_able(void **state)
{
  char *path BW_AUTOFREE = built("src/host/tests/evil1.so");
  struct bw_buf json = {0};
  char told[64] = "";
  int p[2], saved = dup(STDERR_FILENO);
  (void)state;
  assert_int_equal(pipe(p), 0);
  dup2(p[1], STDERR_FILENO);
  assert_int_equal(bw_instance_describe(path, &json, NULL), BW_OK);
  dup2(saved, STDERR_FILENO);
  close(p[1]);
  assert_true(read(p[0], told, sizeof told - 1) > 0);
  assert_string_equal(told, "EVIL SUCCEEDED\n");
  close(p[0]);
  close(saved);
  bw_buf_clear(&json);
}

static void describes(void **state)
{
  char *exe BW_AUTOFREE = built("src/watch/tests/host_main"), *path BW_AUTOFREE = built("src/host/tests/good.so");
  struct bw_buf json = {0};
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(bw_hosted_describe(exe, path, &json, &err), BW_OK);
  assert_non_null(strstr(bw_buf_cstr(&json), "\"name\":\"toy\""));
  bw_buf_clear(&json);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_as_in_process), cmocka_unit_test(errors_arrive), cmocka_unit_test(misbehaviour_stays_there),
      cmocka_unit_test(evil_constructors),  cmocka_unit_test(evil_is_able),  cmocka_unit_test(describes)};
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
