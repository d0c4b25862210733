/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line, read alike by the parent and by its children. */
#ifndef BW_DAEMON_OPTIONS_H
#define BW_DAEMON_OPTIONS_H

#include "base/time.h"

struct daemon_options {
  const char *config_dir;
  const char *state_dir;
  const char *plugin_dir; /* NULL: as configured */
  const char *user;       /* NULL: as we are */
  int64_t hang_ms;        /* a child that gives no sign of life this long is killed; 0: the default */
  int64_t start_time;     /* the clock starts here; BW_TIME_NONE: the machine's clock */
  int64_t started_at; /* of the machine's clock, when the daemon was started: set by the parent, so that a restarted child goes
                         on */
  bool again;         /* the parent's word to a child: the daemon has been ready before */
  bool check, tests, verbose;
};

/* 0; 1: help or version was printed; negative: refused, and said why on standard error. */
int daemon_options_parse(int argc, char **argv, struct daemon_options *ret_options);
/* The clock that these options ask for; lives as long as the process. */
const struct bw_clock *daemon_clock(const struct daemon_options *o);

#endif
