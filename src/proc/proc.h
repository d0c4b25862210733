/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: the role table, the supervisor (the parent), and the child's side of its line to the parent.
 *
 * The parent re-executes /proc/self/exe with `--role NAME` and the arguments it was given itself.  A child finds its line
 * to the parent on descriptor BW_FD_PARENT; everything else arrives over it by SCM_RIGHTS.  A slotted child (a watcher host)
 * has no line to the parent: its BW_FD_PARENT is its socket to the hub (core), and its arguments and environment are empty.
 * The parent parses nothing but fixed-size binary messages.
 */
#ifndef BW_PROC_PROC_H
#define BW_PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "loop/loop.h"

#define BW_FD_PARENT 3
#define BW_SLOTS_MAX 256
/* A role that exits with this before it was ever ready ends the daemon instead of being restarted (sysexits: EX_CONFIG). */
#define BW_EXIT_CONFIG 78

enum bw_role_flag {
  BW_ROLE_HUB = 1,    /* core: exactly one.  May ask for slots; every other resident role gets a socket to it */
  BW_ROLE_SLOTTED = 2 /* started only on the hub's request, any number of times; at most one such role */
};

struct bw_role {
  const char *name;
  /* The child's main; its return is the exit status.  argv[0] is the program, then the parent's own arguments (none where
     slotted).  SIGPIPE is ignored already. */
  int (*run)(int fd, int argc, char **argv);
  unsigned flags;
  unsigned stop_order; /* lower stops earlier; slotted ones stop just before the hub.  The hub's must be the highest */
  const char *help;    /* one sentence, for --help */
};

struct bw_supervise_options {
  const char *user;         /* children run as this user, where started as root; NULL: as we are */
  int64_t backoff_ms;       /* before the first restart; doubles; default 200 */
  int64_t backoff_cap_ms;   /* default 30 s */
  int64_t healthy_ms;       /* running this long after ready forgets earlier failures; default 60 s */
  int64_t hang_ms;          /* a ready child that answers no ping this long is killed; default 60 s, or half of systemd's
                               watchdog where that is less */
  int64_t start_ms;         /* a child that is not ready by then is killed; default 30 min (a long recovery) */
  int64_t stop_ms;          /* each stage of an orderly stop, then SIGKILL; default 20 s */
  const char *exe;          /* what to execute; default /proc/self/exe */
  const char *again;        /* an argument for children that are started once the daemon was ready; may be NULL */
  void (*ready)(void *ctx); /* may be NULL: all resident roles are ready (READY=1 has been said) */
  void *ctx;
};

/* If argv[1] is "--role": runs that role, puts its exit status in *ret_status and returns true.  Call it first in main(). */
bool bw_role_main(const struct bw_role *roles, size_t n, int argc, char **argv, int *ret_status);

/*
 * The parent.  Starts every role that is not slotted, restarts what dies, and returns the exit status of the daemon after an
 * orderly stop (SIGTERM, SIGINT) or BW_EXIT_CONFIG.  SIGHUP becomes `reload` in the hub.  Tells systemd READY, RELOADING
 * (and READY again), STOPPING, and WATCHDOG while every ready child answers, where it
 * started us.  options
 * may be NULL.
 */
int bw_supervise(const struct bw_role *roles, size_t n, int argc, char **argv, const struct bw_supervise_options *options);

/* ---- the child's side ---- */

struct bw_parent_link;

struct bw_parent_events {
  /* A fresh socket to another role ("web" sees "core", core sees "web"); it replaces an earlier one to the same role.  Owned
     by the callee. */
  void (*peer)(void *ctx, const char *role, int fd);
  /* The hub's: slot N runs as process pid, its socket is fd (the callee's). */
  void (*spawned)(void *ctx, uint32_t slot, pid_t pid, int fd);
  /* The hub's: slot N ended; status as of waitpid(2). */
  void (*gone)(void *ctx, uint32_t slot, int status);
  void (*reload)(void *ctx);
  /* Finish and leave the loop.  Also called when the parent has died. */
  void (*stop)(void *ctx);
};

/* Any event may be NULL (descriptors are then closed).  Takes fd.  Pings are answered by itself: a loop that turns is alive. */
struct bw_parent_link *bw_parent_link_new(struct bw_loop *loop, int fd, const struct bw_parent_events *events, void *ctx);
void bw_parent_link_free(struct bw_parent_link **link);
/* The hub's: that resident role (not itself) is to stop in order, and is started again at once. */
int bw_parent_restart(struct bw_parent_link *link, const char *role, struct bw_error *err);
/* This child is ready; the start-up barrier ends when all have said so. */
int bw_parent_ready(struct bw_parent_link *link, struct bw_error *err);
/* The hub's.  spawn: answered by spawned(), or by gone() where it could not be; a slot that still runs is refused with gone
   of status 0 only after its own end, so spawn after gone().  kill: SIGKILL, answered by gone(). */
int bw_parent_spawn(struct bw_parent_link *link, uint32_t slot, struct bw_error *err);
int bw_parent_kill(struct bw_parent_link *link, uint32_t slot, struct bw_error *err);

#endif
