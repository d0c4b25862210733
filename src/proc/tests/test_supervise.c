/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor with tiny roles.  This program is its own daemon: re-executed with --role it plays hub, worker and slot, and
 * appends what happens to a journal file that the tests read.
 */
#include "base/test.h"

#include "proc/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "proc/spawn.h"
#include "wire/conn.h"

extern char **environ;

/* ---- the roles ---- */

static const char *journal, *scenario;

static void note(const char *text)
{
  char line[128];
  int n = snprintf(line, sizeof line, "%s %d\n", text, (int)getpid());
  int fd = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, (size_t)n) != n)
    abort();
  close(fd);
}

static size_t count_in(const char *path, const char *text)
{
  char all[16384];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof all - 1);
  size_t found = 0;
  const char *p = all;
  if (fd >= 0)
    close(fd);
  all[n < 0 ? 0 : n] = '\0';
  while ((p = strstr(p, text)) != NULL) {
    found++;
    p++;
  }
  return found;
}

struct app {
  struct bw_loop *loop;
  struct bw_parent_link *link;
  const char *name;
  struct bw_conn *peer;
};

static int peer_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct app *a = ctx;
  char text[64];
  (void)c, (void)type, (void)request;
  snprintf(text, sizeof text, "%s heard %.*s", a->name, BW_FMT(payload));
  note(text);
  return BW_OK;
}

static void peer_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  struct app *a = ctx;
  (void)why;
  if (a->peer == c)
    a->peer = NULL;
}

static void on_peer(void *ctx, const char *role, int fd)
{
  static const struct bw_conn_events events = {peer_frame, peer_closed, NULL};
  struct app *a = ctx;
  char text[64];
  snprintf(text, sizeof text, "%s meets %s", a->name, role);
  note(text);
  bw_conn_free(&a->peer);
  a->peer = bw_conn_new(a->loop, fd, 64, &events, a);
  bw_conn_send(a->peer, 1, 0, bw_str(a->name), NULL);
}

static void on_spawned(void *ctx, uint32_t slot, pid_t pid, int fd)
{
  char c = 0, text[64];
  (void)ctx;
  assert_true(pid > 1 && kill(pid, 0) == 0 && bw_process_memory(pid) > 0);
  snprintf(text, sizeof text, "slot %u %s", slot, read(fd, &c, 1) == 1 && c == 's' ? "speaks" : "is dumb");
  note(text);
  close(fd);
}

static void on_gone(void *ctx, uint32_t slot, int status)
{
  char text[64];
  (void)ctx;
  snprintf(text, sizeof text, "slot %u gone %d", slot, WIFSIGNALED(status) ? WTERMSIG(status) : -1);
  note(text);
}

static void on_reload(void *ctx)
{
  struct app *a = ctx;
  note("reload");
  if (strcmp(scenario, "slots") == 0)
    bw_parent_kill(a->link, 3, NULL);
}

static void on_stop(void *ctx)
{
  struct app *a = ctx;
  bw_loop_stop(a->loop);
}

static int run(const char *name, int fd, char **argv)
{
  static const struct bw_parent_events events = {on_peer, on_spawned, on_gone, on_reload, on_stop};
  struct app a = {.name = name};
  char text[64];
  bool first;
  journal = argv[1];
  scenario = argv[2];
  snprintf(text, sizeof text, "%s starts", name);
  note(text);
  first = count_in(journal, text) == 1;
  if (strcmp(name, "worker") == 0 && strcmp(scenario, "config") == 0)
    return BW_EXIT_CONFIG;
  if (strcmp(name, "worker") == 0 && strcmp(scenario, "crash") == 0 && count_in(journal, text) <= 3)
    abort();
  a.loop = bw_loop_new();
  a.link = bw_parent_link_new(a.loop, fd, &events, &a);
  bw_parent_ready(a.link, NULL);
  if (strcmp(name, "worker") == 0 && strcmp(scenario, "hang") == 0 && first)
    for (;;)
      pause();
  if (strcmp(name, "hub") == 0 && strcmp(scenario, "slots") == 0)
    bw_parent_spawn(a.link, 3, NULL);
  bw_loop_run(a.loop, NULL);
  snprintf(text, sizeof text, "%s stops", name);
  note(text);
  bw_conn_free(&a.peer);
  bw_parent_link_free(&a.link);
  bw_loop_free(&a.loop);
  return 0;
}

static int run_hub(int fd, int argc, char **argv)
{
  (void)argc;
  return run("hub", fd, argv);
}

static int run_worker(int fd, int argc, char **argv)
{
  (void)argc;
  return run("worker", fd, argv);
}

static int run_slot(int fd, int argc, char **argv)
{
  char c;
  (void)argv;
  /* No arguments, no environment. */
  if (argc != 1 || environ[0] != NULL || write(fd, "s", 1) != 1)
    return 1;
  while (read(fd, &c, 1) > 0 || 1)
    pause();
}

static const struct bw_role roles[] = {{"hub", run_hub, BW_ROLE_HUB, 2, "Hub."},
                                       {"worker", run_worker, 0, 1, "Worker."},
                                       {"slot", run_slot, BW_ROLE_SLOTTED, 0, "Slot."}};

/* ---- the tests ---- */

static char dir[] = "/tmp/basewatch-test-XXXXXX";

struct daemon {
  char path[64];
  pid_t pid;
};

static void say_ready(void *ctx)
{
  (void)ctx;
  note("all ready");
}

static void daemon_start(struct daemon *d, const char *name)
{
  static char program[] = "test", path[64], what[32];
  char *argv[] = {program, path, what, NULL};
  const struct bw_supervise_options options = {
      .backoff_ms = 20, .backoff_cap_ms = 100, .hang_ms = 400, .stop_ms = 5000, .ready = say_ready};
  snprintf(d->path, sizeof d->path, "%s/%s", dir, name);
  snprintf(path, sizeof path, "%s", d->path);
  snprintf(what, sizeof what, "%s", name);
  journal = d->path;
  d->pid = fork();
  assert_true(d->pid >= 0);
  if (d->pid == 0)
    _exit(bw_supervise(roles, 3, 3, argv, &options));
}

static void until(const struct daemon *d, const char *text, size_t times)
{
  int64_t end = bw_monotonic() + 20000;
  while (count_in(d->path, text) < times) {
    if (bw_monotonic() > end)
      fail_msg("\"%s\" did not happen %zu times", text, times);
    usleep(5000);
  }
}

static int daemon_stop(struct daemon *d, int signo)
{
  int status;
  if (signo)
    assert_int_equal(kill(d->pid, signo), 0);
  assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
  unlink(d->path);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* The pid of the latest line with this text. */
static pid_t pid_of(const struct daemon *d, const char *text)
{
  char line[128];
  pid_t pid = 0;
  FILE *f = fopen(d->path, "re");
  assert_non_null(f);
  while (fgets(line, sizeof line, f))
    if (strncmp(line, text, strlen(text)) == 0)
      pid = (pid_t)atoi(line + strlen(text));
  fclose(f);
  assert_true(pid > 0);
  return pid;
}

static void orderly(void **state)
{
  struct daemon d;
  char all[4096];
  int fd;
  ssize_t n;
  (void)state;
  daemon_start(&d, "orderly");
  until(&d, "all ready", 1);
  until(&d, "worker heard hub", 1);
  until(&d, "hub heard worker", 1);
  assert_int_equal(kill(d.pid, SIGHUP), 0);
  until(&d, "reload", 1);
  assert_int_equal(kill(d.pid, SIGTERM), 0);
  until(&d, "hub stops", 1);
  fd = open(d.path, O_RDONLY);
  n = read(fd, all, sizeof all - 1);
  close(fd);
  assert_true(n > 0);
  all[n] = '\0';
  assert_non_null(strstr(all, "worker stops"));
  assert_true(strstr(all, "worker stops") < strstr(all, "hub stops"));
  assert_int_equal(daemon_stop(&d, 0), 0);
}

static void crashes_back_off(void **state)
{
  struct daemon d;
  int64_t began = bw_monotonic();
  (void)state;
  daemon_start(&d, "crash");
  until(&d, "worker starts", 4);
  until(&d, "all ready", 1);
  assert_true(bw_monotonic() - began >= 20 + 40 + 80);
  assert_int_equal(count_in(d.path, "hub starts"), 1);
  assert_int_equal(daemon_stop(&d, SIGTERM), 0);
}

static void hangs_are_killed(void **state)
{
  struct daemon d;
  (void)state;
  daemon_start(&d, "hang");
  until(&d, "worker starts", 2);
  until(&d, "worker heard hub", 1);
  assert_int_equal(count_in(d.path, "hub starts"), 1);
  assert_int_equal(daemon_stop(&d, SIGINT), 0);
}

static void peers_come_back(void **state)
{
  struct daemon d;
  (void)state;
  daemon_start(&d, "peers");
  until(&d, "worker heard hub", 1);
  assert_int_equal(kill(pid_of(&d, "worker starts"), SIGKILL), 0);
  until(&d, "worker heard hub", 2);
  until(&d, "hub heard worker", 2);
  assert_int_equal(kill(pid_of(&d, "hub starts"), SIGKILL), 0);
  until(&d, "hub starts", 2);
  until(&d, "worker heard hub", 3);
  assert_int_equal(count_in(d.path, "worker starts"), 2); /* it stayed */
  assert_int_equal(daemon_stop(&d, SIGTERM), 0);
}

static void slots(void **state)
{
  struct daemon d;
  (void)state;
  daemon_start(&d, "slots");
  until(&d, "slot 3 speaks", 1);
  assert_int_equal(kill(d.pid, SIGHUP), 0);
  until(&d, "slot 3 gone 9", 1);
  /* The hub dies with its slot running: the next hub gets a fresh one, and hears nothing of the old. */
  assert_int_equal(kill(pid_of(&d, "hub starts"), SIGKILL), 0);
  until(&d, "slot 3 speaks", 2);
  assert_int_equal(kill(pid_of(&d, "hub starts"), SIGKILL), 0);
  until(&d, "slot 3 speaks", 3);
  assert_int_equal(count_in(d.path, "gone"), 1);
  assert_int_equal(daemon_stop(&d, SIGTERM), 0);
}

static void bad_configuration_ends_it(void **state)
{
  struct daemon d;
  (void)state;
  daemon_start(&d, "config");
  assert_int_equal(daemon_stop(&d, 0), BW_EXIT_CONFIG);
}

static void children_die_with_the_parent(void **state)
{
  struct daemon d;
  pid_t hub, worker;
  int64_t end = bw_monotonic() + 20000;
  int status;
  (void)state;
  daemon_start(&d, "orphans");
  until(&d, "all ready", 1);
  hub = pid_of(&d, "hub starts");
  worker = pid_of(&d, "worker starts");
  assert_int_equal(kill(d.pid, SIGKILL), 0);
  assert_int_equal(waitpid(d.pid, &status, 0), d.pid);
  while (kill(hub, 0) == 0 || kill(worker, 0) == 0) {
    assert_true(bw_monotonic() < end);
    usleep(5000);
  }
  unlink(d.path);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(orderly),
                                     cmocka_unit_test(crashes_back_off),
                                     cmocka_unit_test(hangs_are_killed),
                                     cmocka_unit_test(peers_come_back),
                                     cmocka_unit_test(slots),
                                     cmocka_unit_test(bad_configuration_ends_it),
                                     cmocka_unit_test(children_die_with_the_parent)};
  int status;
  if (bw_role_main(roles, 3, argc, argv, &status))
    return status;
  if (!mkdtemp(dir))
    return 1;
  status = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(dir);
  return status;
}
