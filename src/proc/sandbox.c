/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors, limits and files (Landlock) given away for good.  Runs at the start of the watcher hosts and of web.
 * Needs no privileges; takes the ones there are.
 */
#include "config.h"

#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

void bw_sandbox_close_fds(const int *keep, size_t n)
{
  unsigned from = 3;
  size_t i;
  for (i = 0; i < n; i++) {
    if (keep[i] < (int)from)
      continue;
    if ((unsigned)keep[i] > from)
      (void)close_range(from, (unsigned)keep[i] - 1, 0);
    from = (unsigned)keep[i] + 1;
  }
  (void)close_range(from, ~0u, 0);
}

static int limit(int what, uint64_t value, const char *name, struct bw_error *err)
{
  struct rlimit old, r = {.rlim_cur = value, .rlim_max = value};
  /* Only ever downwards: raising needs a privilege, and is not what we are here for. */
  if (getrlimit((__rlimit_resource_t)what, &old) == 0 && old.rlim_max < r.rlim_max)
    r.rlim_cur = r.rlim_max = old.rlim_max;
  if (setrlimit((__rlimit_resource_t)what, &r) < 0)
    return bw_fail_errno(err, BW_EIO, "cannot limit %s", name);
  return BW_OK;
}

int bw_sandbox_basics(const struct bw_sandbox_limits *limits, struct bw_error *err)
{
  int rc = BW_OK;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
      prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return bw_fail_errno(err, BW_EIO, "cannot give up privileges");
  if ((rc = limit(RLIMIT_CORE, 0, "core dumps", err)) < 0)
    return rc;
  if (limits->no_files && (rc = limit(RLIMIT_FSIZE, 0, "files", err)) < 0)
    return rc;
  if (limits->open_files && (rc = limit(RLIMIT_NOFILE, limits->open_files, "open files", err)) < 0)
    return rc;
#ifndef BW_SANITIZERS
  /* The address sanitizer reserves terabytes of address space. */
  if (limits->memory_bytes)
    rc = limit(RLIMIT_AS, limits->memory_bytes, "memory", err);
#endif
  return rc;
}

/* ---- Landlock ---- */

#define NO_LANDLOCK                                                                                                            \
  "this kernel has no Landlock: run Linux 5.13 or later with `landlock` in the list of /sys/kernel/security/lsm (the kernel "  \
  "parameter `lsm=` sets it); in a container, let its runtime allow the landlock_* system calls"

/* As the newest kernel knows it; the size given names how much of it a kernel is told. */
struct ruleset {
  uint64_t files, net, scoped;
};

/* What each version of the interface can refuse; a right that is not handled stays allowed. */
static const struct {
  struct ruleset rights;
  size_t size;
} abis[] = {
    {{0, 0, 0}, 0},
    {{(1u << 13) - 1, 0, 0}, 8},
    {{(1u << 14) - 1, 0, 0}, 8},  /* + refer */
    {{(1u << 15) - 1, 0, 0}, 8},  /* + truncate */
    {{(1u << 15) - 1, 3, 0}, 16}, /* + TCP bind, connect */
    {{(1u << 16) - 1, 3, 0}, 16}, /* + ioctl on devices */
    {{(1u << 16) - 1, 3, 3}, 24}, /* + abstract Unix sockets, signals */
};

static int landlock_abi(void)
{
  long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
  long known = (long)(sizeof abis / sizeof *abis) - 1;
  return abi < 1 ? 0 : (int)(abi < known ? abi : known);
}

static int allow_path(int ruleset, const char *path, struct bw_error *err)
{
  struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE};
  struct stat st;
  int fd = open(path, O_PATH | O_CLOEXEC), rc = BW_OK;
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return BW_OK;
  if (fd < 0 || fstat(fd, &st) < 0) {
    rc = bw_fail_errno(err, BW_EIO, "cannot open %s", path);
  } else {
    if (S_ISDIR(st.st_mode))
      rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    rule.parent_fd = fd;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
      rc = bw_fail_errno(err, BW_EIO, "cannot allow %s", path);
  }
  if (fd >= 0)
    close(fd);
  return rc;
}

int bw_sandbox_files(const char *const *paths, size_t n, struct bw_error *err)
{
  int abi = landlock_abi(), rc = BW_OK;
  size_t i;
  long ruleset;
  if (abi == 0)
    return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG, NO_LANDLOCK);
  ruleset = syscall(SYS_landlock_create_ruleset, &abis[abi].rights, abis[abi].size, 0);
  if (ruleset < 0)
    return bw_fail_errno(err, BW_EIO, "cannot make a Landlock ruleset");
  for (i = 0; i < n && rc == BW_OK; i++)
    rc = allow_path((int)ruleset, paths[i], err);
  if (rc == BW_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    rc = bw_fail_errno(err, BW_EIO, "cannot give up privileges");
  if (rc == BW_OK && syscall(SYS_landlock_restrict_self, (int)ruleset, 0) < 0)
    rc = bw_fail_errno(err, BW_EIO,
                       "cannot enter the Landlock ruleset (in a container: let its runtime allow the landlock_* calls)");
  close((int)ruleset);
  return rc;
}

bool bw_sandbox_available(const char **why)
{
  const char *missing = NULL;
  if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
    missing = "seccomp";
  else if (landlock_abi() == 0)
    missing = "Landlock";
  if (why)
    *why = missing;
  return !missing;
}

/* ---- whole sandboxes ---- */

static int tolerate(int rc, bool best_effort, struct bw_error *err)
{
  if (rc != BW_EVERSION || !best_effort)
    return rc;
  bw_log(BW_LOG_WARN, "sandbox incomplete", "missing=%s", bw_log_quote(bw_str(err->message)));
  return BW_OK;
}

int bw_sandbox_web(bool best_effort, struct bw_error *err)
{
  const struct bw_sandbox_limits limits = {.no_files = false};
  struct bw_error own;
  int rc;
  if (!err)
    err = &own;
  if ((rc = bw_sandbox_basics(&limits, err)) < 0)
    return rc;
  if ((rc = tolerate(bw_sandbox_files(NULL, 0, err), best_effort, err)) < 0)
    return rc;
  return tolerate(bw_sandbox_filter(BW_FILTER_WEB, err), best_effort, err);
}

int bw_sandbox_user(const char *user, struct bw_error *err)
{
  const struct passwd *pw;
  errno = 0;
  pw = getpwnam(user);
  if (!pw)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "user %s does not exist here: create it, or change `user:`", user);
  if (getuid() == pw->pw_uid && geteuid() == pw->pw_uid)
    return BW_OK;
  if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
      setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
    return bw_fail_errno(err, BW_EIO, "cannot become user %s", user);
  if (pw->pw_uid != 0 && setuid(0) == 0)
    return bw_fail(err, BW_EIO, BW_CLASS_BUG, "still able to become root again after becoming %s", user);
  return BW_OK;
}
