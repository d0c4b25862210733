/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork and exec of one role.  Runs in the parent, and in a replay that hosts watchers.
 * Between fork and exec the child gives up the parent's user where one is configured.
 */
#include "config.h"

#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/proc.h"
#include "proc/sandbox.h"

extern char **environ;

/* The default of everything, as a fresh program expects; SIGPIPE is ignored by bw_role_main(). */
static void reset_signals(void)
{
  sigset_t none;
  int signo;
  for (signo = 1; signo < NSIG; signo++)
    if (signo != SIGKILL && signo != SIGSTOP)
      (void)signal(signo, SIG_DFL);
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* fd becomes BW_FD_PARENT and survives exec; everything else is closed on exec already. */
static bool place_fd(int fd)
{
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null > STDERR_FILENO)
    (void)dup2(null, STDIN_FILENO);
  if (fd == BW_FD_PARENT)
    return fcntl(fd, F_SETFD, 0) == 0;
  return dup2(fd, BW_FD_PARENT) == BW_FD_PARENT;
}

static _Noreturn void child(const struct bw_spawn *how, char **argv, int fd, pid_t parent)
{
  static char *nothing[] = {NULL};
  struct bw_error err;
  reset_signals();
  if (how->user && geteuid() == 0 && bw_sandbox_user(how->user, &err) < 0) {
    bw_log(BW_LOG_ERROR, "cannot start a process", "role=%s error=%s", how->role, bw_log_quote(bw_str(err.message)));
    _exit(BW_EXIT_CONFIG);
  }
  /* After the change of user, which would clear it.  The parent may have died before. */
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent || !place_fd(fd))
    _exit(127);
  execve(how->exe, argv, how->bare ? nothing : environ);
  bw_log(BW_LOG_ERROR, "cannot start a process", "role=%s exe=%s errno=%d", how->role, BW_Q(how->exe), errno);
  _exit(127);
}

int bw_spawn(const struct bw_spawn *how, int fd, pid_t *ret_pid, struct bw_error *err)
{
  int n = how->argc > 0 ? how->argc : 1, i;
  char **argv = bw_calloc((size_t)n + 4, sizeof *argv);
  sigset_t all, old;
  pid_t parent = getpid(), pid;
  argv[0] = (char *)(uintptr_t)(how->argc > 0 ? how->argv[0] : "basewatch");
  argv[1] = (char *)(uintptr_t) "--role";
  argv[2] = (char *)(uintptr_t)how->role;
  for (i = 1; i < how->argc; i++)
    argv[i + 2] = how->argv[i];
  argv[n + 2] = (char *)(uintptr_t)how->more;
  /* A signal that arrives between fork and exec must not run the parent's handlers in the child. */
  sigfillset(&all);
  (void)sigprocmask(SIG_SETMASK, &all, &old);
  pid = fork();
  if (pid == 0)
    child(how, argv, fd, parent);
  (void)sigprocmask(SIG_SETMASK, &old, NULL);
  free(argv);
  if (pid < 0)
    return bw_fail_errno(err, BW_EIO, "cannot fork for role %s", how->role);
  *ret_pid = pid;
  return BW_OK;
}

uint64_t bw_process_memory(pid_t pid)
{
  char path[40], text[128];
  unsigned long long size = 0, resident = 0;
  ssize_t n;
  int fd;
  if (pid <= 0)
    return 0;
  (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  text[n < 0 ? 0 : n] = '\0';
  if (sscanf(text, "%llu %llu", &size, &resident) != 2)
    return 0;
  return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
