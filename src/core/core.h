/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core: the one process that owns the state.  Takes records in, drives the pipeline and the watchers through the journal, keeps
 * decisions, answers the control API.  One thread, one store connection.
 */
#ifndef BW_CORE_CORE_H
#define BW_CORE_CORE_H

#include "base/time.h"
#include "config/config.h"
#include "loop/loop.h"

struct bw_core_options {
  const char *config_dir;
  const char *state_dir;
  const char *plugin_dir; /* NULL: as configured */
  const char *host_exe;   /* describes plugins in a sandbox; "/proc/self/exe" */
  bool again; /* started again while the daemon runs: with the configuration that was accepted, not with the files */
  const struct bw_clock *clock;
  bool tests; /* allow the control API's test commands; ticks come from there alone */
  /* What `web:` of basewatch.yaml must meet before it replaces the one in use (itself, at the start): web reads it only then.
   */
  int (*check_web)(const struct bw_node *web, const struct bw_node *in_use, struct bw_complaints *c);
};

/* Where the accepted configuration is kept; NULL: nowhere yet.  The caller frees it. */
char *core_accepted_dir(const char *state_dir);

/* The role: fd is the line to the parent.  Returns the exit status. */
int bw_core_run(int fd, const struct bw_core_options *options);

#endif
