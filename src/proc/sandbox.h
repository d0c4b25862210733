/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gives away for good: descriptors, limits, files (Landlock), system calls (seccomp).  Needs no privileges.
 * Each function is final: there is no way back within the process.
 */
#ifndef BW_PROC_SANDBOX_H
#define BW_PROC_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Closes every descriptor but 0-2 and keep[0..n) (ascending). */
void bw_sandbox_close_fds(const int *keep, size_t n);

struct bw_sandbox_limits {
  uint64_t memory_bytes; /* address space; 0: none.  Ignored in a build with sanitizers */
  uint64_t open_files;   /* highest descriptor + 1; 0: unchanged */
  bool no_files;         /* may not grow a file (RLIMIT_FSIZE 0) */
};
/* no-new-privs, no core dump, not dumpable, dies with its parent, and these limits. */
int bw_sandbox_basics(const struct bw_sandbox_limits *limits, struct bw_error *err);

/* Landlock: only these paths, only for reading and executing.  n may be 0: no files at all.  A path that does not exist is
   skipped.  BW_EVERSION where the kernel has no Landlock. */
int bw_sandbox_files(const char *const *paths, size_t n, struct bw_error *err);

enum bw_sandbox_filter {
  BW_FILTER_LOAD, /* a watcher host before dlopen: mapping files read-only, memory, its socket; anything else ends the process
                   */
  BW_FILTER_RUN,  /* a watcher host after open(): reading and writing what is open, memory, exit */
  BW_FILTER_WEB   /* accept and talk on sockets that are open; no files, no new sockets, no processes */
};
/* BW_EVERSION where the kernel has no seccomp filters. */
int bw_sandbox_filter(enum bw_sandbox_filter filter, struct bw_error *err);

/* For `web`, after it opened its listeners: no files, no new sockets, no processes.  best_effort: logs instead of failing where
   the kernel cannot. */
int bw_sandbox_web(bool best_effort, struct bw_error *err);

/* Whether this kernel can do both; why names what is missing (may be NULL). */
bool bw_sandbox_available(const char **why);

/* root → user, for good: groups, gid, uid.  BW_ENOTFOUND for an unknown name. */
int bw_sandbox_user(const char *user, struct bw_error *err);

#endif
