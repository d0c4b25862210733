/* SPDX-License-Identifier: Apache-2.0 */
/* Starting one process of ours: by the parent, and by a replay that hosts watchers. */
#ifndef BW_PROC_SPAWN_H
#define BW_PROC_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct bw_spawn {
  const char *exe;  /* what to execute */
  const char *role; /* `--role NAME` */
  int argc;         /* the parent's own arguments, passed on; 0: none but the program's name */
  char **argv;
  const char *more; /* one more argument; NULL: none */
  const char *user; /* become this one first; NULL: stay */
  bool bare;        /* an empty environment */
};

/* Starts it with fd as BW_FD_PARENT; fd stays the caller's.  It dies with the thread that starts it. */
int bw_spawn(const struct bw_spawn *how, int fd, pid_t *ret_pid, struct bw_error *err);
/* Resident memory of a process in bytes, as /proc says; 0 where it does not (it has ended, or /proc is hidden). */
uint64_t bw_process_memory(pid_t pid);

#endif
