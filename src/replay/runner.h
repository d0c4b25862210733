/* SPDX-License-Identifier: Apache-2.0 */
/* One watcher of a replay: in this process, or in a sandboxed host; fed synchronously. */
#ifndef BW_REPLAY_RUNNER_H
#define BW_REPLAY_RUNNER_H

#include "pipeline/setup.h"
#include "wire/record.h"

struct bw_runner;

/* host_exe NULL: in this process. */
int bw_runner_open(const struct bw_watcher_setup *watcher, const char *host_exe, uint64_t seed, struct bw_runner **ret,
                   struct bw_error *err);
void bw_runner_close(struct bw_runner **r);
/* Feeds records; what the watcher says is appended to out. */
int bw_runner_feed(struct bw_runner *r, const struct bw_batch *batch, struct bw_buf *out, struct bw_error *err);
/* Saves the state, ends the instance, and restores into a new one: must change nothing. */
int bw_runner_renew(struct bw_runner *r, struct bw_error *err);

#endif
