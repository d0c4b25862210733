/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same watchers, signals and plays over record files, on a virtual clock, without a daemon.  Prints one JSON object per
 * line. Same input, same output, byte for byte: in one process or through sandboxed hosts, with any number of threads.
 */
#ifndef BW_REPLAY_REPLAY_H
#define BW_REPLAY_REPLAY_H

#include <stdio.h>

#include "base/error.h"
#include "base/time.h"

enum bw_replay_kind {
  BW_REPLAY_SIGNALS = 1,
  BW_REPLAY_TRAITS = 2,
  BW_REPLAY_LEADS = 4,
  BW_REPLAY_DRAFTS = 8,
  BW_REPLAY_NOTICES = 16
};
#define BW_REPLAY_ALL 31u

struct bw_replay_options {
  const char *config_dir;
  const char *plugin_dir; /* NULL: as configured */
  const char *const *files;
  size_t nfiles;
  int64_t from;         /* lines before it are not printed; BW_TIME_NONE: all */
  int64_t to;           /* the last tick is at or before it; BW_TIME_NONE: the end of the data */
  int64_t at;           /* not BW_TIME_NONE: one single tick, at this time, and nothing after it */
  int64_t tick;         /* replaces the configured one; 0: as configured */
  int64_t first_tick;   /* none before it: what comes earlier is learned unscored; BW_TIME_NONE: from the first record */
  unsigned kinds;       /* what to print */
  bool dedup;           /* leave out message ids seen before, as the daemon does; else every record counts */
  unsigned threads;     /* that parse, besides the one that watches */
  const char *host_exe; /* run the watchers in sandboxed hosts of this program; NULL: in this process */
  uint64_t checkpoint;  /* not 0: save every watcher and restore it into a new instance after so many records (a test) */
  FILE *out;
  FILE *stats; /* NULL, or where one JSON line of counts and times goes at the end */
};

/* Complaints about the configuration and refused lines go to standard error.  0, or negative; ret_refused: how many lines could
   not be read, and are not in what was printed. */
int bw_replay_run(const struct bw_replay_options *options, uint64_t *ret_refused, struct bw_error *err);

#endif
