/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call filters (seccomp).  Run at the start of the watcher hosts and of web.
 * Need no privileges.  Tables name what is allowed; the rest ends the process, or fails with EPERM where a library asks
 * out of habit and does without.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc/sandbox.h"

#define NO_SECCOMP                                                                                                             \
  "this kernel takes no seccomp filter (%s): run one built with CONFIG_SECCOMP_FILTER, as Debian's are; in a container, let "  \
  "its runtime allow the seccomp system call"
#define LAST_FD 3 /* a host's standard descriptors and its socket */

/* Needed by everything that computes. */
static const int compute[] = {SCMP_SYS(brk),
                              SCMP_SYS(munmap),
                              SCMP_SYS(mremap),
                              SCMP_SYS(madvise),
                              SCMP_SYS(futex),
                              SCMP_SYS(exit),
                              SCMP_SYS(exit_group),
                              SCMP_SYS(rt_sigreturn),
                              SCMP_SYS(restart_syscall),
                              SCMP_SYS(rt_sigprocmask),
                              SCMP_SYS(clock_gettime),
                              SCMP_SYS(clock_getres),
                              SCMP_SYS(gettimeofday),
                              SCMP_SYS(time),
                              SCMP_SYS(getpid),
                              SCMP_SYS(gettid),
                              SCMP_SYS(sched_yield)};

/* A conversation on descriptors that are open. */
static const int converse[] = {SCMP_SYS(read), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(poll), SCMP_SYS(ppoll)};
static const int say[] = {SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(sendmsg)};

/* dlopen: which files, Landlock says. */
static const int load[] = {SCMP_SYS(close), SCMP_SYS(fstat),   SCMP_SYS(newfstatat), SCMP_SYS(statx),
                           SCMP_SYS(lseek), SCMP_SYS(pread64), SCMP_SYS(mprotect),   SCMP_SYS(seccomp)};

/* Asked for out of habit (locale, time zone, terminals, stacks, entropy); libraries do without. */
static const int habit[] = {SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2),   SCMP_SYS(readlink),
                            SCMP_SYS(readlinkat), SCMP_SYS(stat),      SCMP_SYS(lstat),        SCMP_SYS(getcwd),
                            SCMP_SYS(ioctl),      SCMP_SYS(fcntl),     SCMP_SYS(prlimit64),    SCMP_SYS(getrlimit),
                            SCMP_SYS(sysinfo),    SCMP_SYS(uname),     SCMP_SYS(getuid),       SCMP_SYS(geteuid),
                            SCMP_SYS(getgid),     SCMP_SYS(getegid),   SCMP_SYS(sigaltstack),  SCMP_SYS(rt_sigaction),
                            SCMP_SYS(getrandom),  SCMP_SYS(prctl),     SCMP_SYS(getppid),      SCMP_SYS(sched_getaffinity),
                            SCMP_SYS(getdents64), SCMP_SYS(getrusage), SCMP_SYS(nanosleep),    SCMP_SYS(clock_nanosleep),
                            SCMP_SYS(unlink),     SCMP_SYS(mlock),     SCMP_SYS(get_mempolicy)};
/* The same, once the plugin is open: now files too. */
static const int habit_later[] = {SCMP_SYS(open),  SCMP_SYS(openat), SCMP_SYS(close),    SCMP_SYS(fstat),  SCMP_SYS(newfstatat),
                                  SCMP_SYS(statx), SCMP_SYS(lseek),  SCMP_SYS(mprotect), SCMP_SYS(pread64)};

#ifdef BW_SANITIZERS
/* The sanitizers' own needs; Landlock still says which files. */
static const int sanitizers[] = {
    SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(getrandom),         SCMP_SYS(readlink), SCMP_SYS(prlimit64),
    SCMP_SYS(prctl),       SCMP_SYS(getrusage),    SCMP_SYS(sched_getaffinity), SCMP_SYS(fstat),    SCMP_SYS(newfstatat),
    SCMP_SYS(close),       SCMP_SYS(getrlimit),    SCMP_SYS(mprotect),          SCMP_SYS(lseek)};
#endif

static const int web[] = {SCMP_SYS(accept),
                          SCMP_SYS(accept4),
                          SCMP_SYS(shutdown),
                          SCMP_SYS(close),
                          SCMP_SYS(readv),
                          SCMP_SYS(epoll_create1),
                          SCMP_SYS(epoll_ctl),
                          SCMP_SYS(epoll_wait),
                          SCMP_SYS(epoll_pwait),
                          SCMP_SYS(epoll_pwait2),
                          SCMP_SYS(select),
                          SCMP_SYS(pselect6),
                          SCMP_SYS(timerfd_create),
                          SCMP_SYS(timerfd_settime),
                          SCMP_SYS(eventfd2),
                          SCMP_SYS(pipe2),
                          SCMP_SYS(fcntl),
                          SCMP_SYS(ioctl),
                          SCMP_SYS(getsockopt),
                          SCMP_SYS(setsockopt),
                          SCMP_SYS(getsockname),
                          SCMP_SYS(getpeername),
                          SCMP_SYS(nanosleep),
                          SCMP_SYS(clock_nanosleep),
                          SCMP_SYS(rt_sigaction),
                          SCMP_SYS(rt_sigpending),
                          SCMP_SYS(rt_sigtimedwait),
                          SCMP_SYS(sigaltstack),
                          SCMP_SYS(getrandom),
                          SCMP_SYS(sysinfo),
                          SCMP_SYS(uname),
                          SCMP_SYS(dup),
                          SCMP_SYS(fstat),
                          SCMP_SYS(newfstatat),
                          SCMP_SYS(lseek),
                          SCMP_SYS(mprotect),
                          SCMP_SYS(sched_getaffinity),
                          SCMP_SYS(prlimit64),
                          SCMP_SYS(getuid),
                          SCMP_SYS(geteuid),
                          SCMP_SYS(getgid),
                          SCMP_SYS(getegid),
                          SCMP_SYS(getppid),
                          SCMP_SYS(getrusage),
                          SCMP_SYS(prctl),
                          SCMP_SYS(mmap),
                          SCMP_SYS(membarrier),
                          SCMP_SYS(rseq)};
/* Nobody does these by accident. */
static const int web_fatal[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace)};

/* Fills what is not set yet: a rule that was added before stands. */
static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
  size_t i;
  int rc = 0;
  for (i = 0; i < n && rc == 0; i++) {
    rc = seccomp_rule_add(f, action, calls[i], 0);
    if (rc == -EACCES || rc == -EEXIST || rc == -EDOM)
      rc = 0; /* already so; or the filter's default anyway; or a call that this machine has not */
  }
  return rc;
}
#define ADD(f, action, table) add_all(f, action, table, sizeof(table) / sizeof *(table))

/* Signals to oneself only: abort() and the like. */
static int add_self_signal(scmp_filter_ctx f)
{
  return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

static int add_own_fds(scmp_filter_ctx f, const int *calls, size_t n)
{
  size_t i;
  int rc = 0;
  for (i = 0; i < n && rc == 0; i++)
    rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 1, SCMP_A0(SCMP_CMP_LE, LAST_FD));
  return rc;
}

static int fill_load(scmp_filter_ctx f)
{
  const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  int rc = 0;
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, load);
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, converse);
  rc = rc ? rc : add_own_fds(f, say, sizeof say / sizeof *say);
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 0);
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0));
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0));
  return rc;
}

static int fill_run(scmp_filter_ctx f)
{
  int rc = add_own_fds(f, converse, 3); /* read, recvfrom, recvmsg */
  rc = rc ? rc : add_own_fds(f, say, sizeof say / sizeof *say);
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(poll), 0);
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ppoll), 0);
  /* Memory, but no new code. */
  rc = rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#ifdef BW_SANITIZERS
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, sanitizers);
#endif
  return rc ? rc : ADD(f, SCMP_ACT_ERRNO(EPERM), habit_later);
}

static int fill_web(scmp_filter_ctx f)
{
  int rc = ADD(f, SCMP_ACT_ALLOW, web);
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, converse);
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, say);
  rc = rc ? rc : ADD(f, SCMP_ACT_KILL_PROCESS, web_fatal);
  return rc;
}

static int fill_host(scmp_filter_ctx f, enum bw_sandbox_filter filter)
{
  int rc = filter == BW_FILTER_LOAD ? fill_load(f) : fill_run(f);
#ifdef BW_SANITIZERS
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, sanitizers);
#endif
  rc = rc ? rc : ADD(f, SCMP_ACT_ERRNO(EPERM), habit);
  return rc;
}

int bw_sandbox_filter(enum bw_sandbox_filter filter, struct bw_error *err)
{
  scmp_filter_ctx f = seccomp_init(filter == BW_FILTER_WEB ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
  int rc;
  if (!f)
    return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG, NO_SECCOMP, "cannot begin one");
  /* No-new-privs is set by bw_sandbox_basics(); asking for it again would need prctl(2) in the second filter. */
  rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
  rc = rc ? rc : ADD(f, SCMP_ACT_ALLOW, compute);
  rc = rc ? rc : add_self_signal(f);
  rc = rc ? rc : filter == BW_FILTER_WEB ? fill_web(f) : fill_host(f, filter);
  rc = rc ? rc : seccomp_load(f);
  seccomp_release(f);
  if (rc == -EINVAL || rc == -ENOSYS || rc == -ECANCELED)
    return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG, NO_SECCOMP, strerror(-rc));
  if (rc < 0) {
    errno = -rc;
    return bw_fail_errno(err, BW_EIO, "cannot filter system calls");
  }
  return BW_OK;
}
