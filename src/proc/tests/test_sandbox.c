/* SPDX-License-Identifier: Apache-2.0 */
/* What a process can still do in its sandbox.  Each case is a child that exits with 0 where all is as it should be. */
#include "config.h"

#include "base/test.h"

#include "proc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/conn.h"

#define CHECK(cond)                                                                                                            \
  do {                                                                                                                         \
    if (!(cond)) {                                                                                                             \
      fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno);                                             \
      _exit(1);                                                                                                                \
    }                                                                                                                          \
  } while (0)

static int in_child(void (*fn)(void))
{
  int status;
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    fn();
    _exit(0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

static void fine(void (*fn)(void))
{
  assert_int_equal(in_child(fn), 0);
}

static void fatal(void (*fn)(void))
{
  int status = in_child(fn);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ---- web ---- */

static int listener;
static struct sockaddr_in address;

static int on_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct bw_loop *loop = ctx;
  CHECK(bw_conn_send(c, type, request, payload, NULL) == BW_OK);
  bw_loop_stop(loop);
  return BW_OK;
}

static void on_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  (void)ctx, (void)c, (void)why;
}

static void on_accept(int fd, int ready, void *ctx)
{
  static const struct bw_conn_events events = {on_frame, on_closed, NULL};
  int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  (void)ready;
  CHECK(got >= 0);
  CHECK(bw_conn_new(ctx, got, 100, &events, ctx) != NULL);
}

/* Serves one request on the listener that was open before, and can do nothing else. */
static void web(void)
{
  struct bw_error err;
  struct bw_loop *loop;
  int fds[2];
  CHECK(bw_sandbox_web(false, &err) == BW_OK);
  loop = bw_loop_new(); /* even what libevent needs is still possible */
  CHECK(bw_watch_new(loop, listener, BW_WATCH_READ, on_accept, loop) != NULL);
  CHECK(bw_loop_run(loop, &err) == BW_OK);
  CHECK(open("/etc/passwd", O_RDONLY) == -1);
  CHECK(open("/proc/self/status", O_RDONLY) == -1);
  CHECK(open("/tmp/basewatch-web", O_WRONLY | O_CREAT, 0600) == -1);
  CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1 && errno == EPERM);
  CHECK(kill(getppid(), 0) == -1 && errno == EPERM);
}

static void web_sandbox(void **state)
{
  struct bw_buf buf = {0};
  struct bw_error err = {0};
  uint16_t type;
  uint32_t request;
  socklen_t size = sizeof address;
  int status, fd;
  pid_t pid;
  (void)state;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 5), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  pid = fork();
  if (pid == 0) {
    web();
    _exit(0);
  }
  fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(bw_frame_write(fd, 9, 5, BW_STR("hello"), &err), BW_OK);
  assert_int_equal(bw_frame_read(fd, 100, &type, &request, &buf, &err), 1);
  assert_true(bw_str_is(bw_buf_str(&buf), "hello"));
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  close(fd);
  close(listener);
  bw_buf_clear(&buf);
}

static void web_execs(void)
{
  CHECK(bw_sandbox_web(false, NULL) == BW_OK);
  execl("/bin/true", "true", (char *)NULL);
}

static void web_forks(void)
{
  pid_t pid;
  CHECK(bw_sandbox_web(false, NULL) == BW_OK);
  pid = fork();
  if (pid == 0)
    _exit(0);
  CHECK(pid == -1 && errno == EPERM);
}

static void web_processes(void **state)
{
  (void)state;
  fatal(web_execs);
  fine(web_forks);
}

/* ---- the pieces ---- */

static void closes_all_but(void)
{
  int keep[2], i, fd;
  for (i = 3; i < 20; i++)
    CHECK(dup2(0, i) == i);
  keep[0] = 5, keep[1] = 9;
  bw_sandbox_close_fds(keep, 2);
  for (fd = 0; fd < 30; fd++)
    CHECK((fcntl(fd, F_GETFD) >= 0) == (fd <= 2 || fd == 5 || fd == 9));
}

static void only_these_files(void)
{
  static const char *const paths[] = {"/usr/lib", "/etc/hostname", "/nowhere/at/all"};
  struct bw_sandbox_limits none = {0};
  struct bw_error err;
  int fd;
  CHECK(bw_sandbox_basics(&none, &err) == BW_OK);
  CHECK(bw_sandbox_files(paths, 3, &err) == BW_OK);
  fd = open("/etc/hostname", O_RDONLY);
  CHECK(fd >= 0);
  close(fd);
  CHECK(open("/etc/hostname", O_WRONLY) == -1 && errno == EACCES);
  CHECK(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
  CHECK(open("/usr/lib", O_RDONLY | O_DIRECTORY) >= 0);
  CHECK(open("/usr", O_RDONLY | O_DIRECTORY) == -1 && errno == EACCES);
}

static void run_filter_is_fatal(void)
{
  struct bw_sandbox_limits none = {0};
  CHECK(bw_sandbox_basics(&none, NULL) == BW_OK);
  CHECK(bw_sandbox_filter(BW_FILTER_LOAD, NULL) == BW_OK);
  CHECK(bw_sandbox_filter(BW_FILTER_RUN, NULL) == BW_OK);
  (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void run_filter_opens_nothing(void)
{
  struct bw_sandbox_limits none = {0};
  CHECK(bw_sandbox_basics(&none, NULL) == BW_OK);
  CHECK(bw_sandbox_filter(BW_FILTER_LOAD, NULL) == BW_OK);
  CHECK(open("/etc/hostname", O_RDONLY) >= 0);
  CHECK(bw_sandbox_filter(BW_FILTER_RUN, NULL) == BW_OK);
  CHECK(open("/etc/hostname", O_RDONLY) == -1 && errno == EPERM);
}

static void becomes_user(void)
{
  struct bw_error err;
  struct passwd *pw = getpwnam("nobody");
  CHECK(bw_sandbox_user("no-such-user-here", &err) == BW_ENOTFOUND);
  if (geteuid() != 0 || !pw)
    return;
  CHECK(bw_sandbox_user("nobody", &err) == BW_OK);
  CHECK(getuid() == pw->pw_uid && geteuid() == pw->pw_uid && getgid() == pw->pw_gid);
  CHECK(setuid(0) == -1);
}

static void pieces(void **state)
{
  const char *why = "nothing";
  (void)state;
  assert_true(bw_sandbox_available(&why));
  assert_null(why);
  fine(closes_all_but);
  fine(only_these_files);
  fatal(run_filter_is_fatal);
  fine(run_filter_opens_nothing);
  fine(becomes_user);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(web_sandbox), cmocka_unit_test(web_processes), cmocka_unit_test(pieces)};
  const char *why;
  if (!bw_sandbox_available(&why)) {
    fprintf(stderr, "skipped: this kernel has no %s\n", why);
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
