/* SPDX-License-Identifier: Apache-2.0 */
/* A watcher in a sandboxed host process, spoken to synchronously: for replays and for describing plugins that are not
   trusted.  Same outputs as bw_instance_* in one process. */
#ifndef BW_WATCH_HOSTED_H
#define BW_WATCH_HOSTED_H

#include "base/buf.h"
#include "base/error.h"

struct bw_hosted;

struct bw_hosted_options {
  uint64_t memory_bytes; /* 0: no limit */
  int64_t deadline_ms;   /* for one answer; 0: 30 s */
  bool best_effort;      /* run without what the kernel lacks */
};

/* Runs `exe --role host` (exe NULL: /proc/self/exe) with the conversation on descriptor 3.  options may be NULL.  SIGPIPE
   should be ignored. */
int bw_hosted_open(const char *exe, const char *plugin, struct bw_str options_json, uint64_t seed,
                   const struct bw_hosted_options *options, struct bw_hosted **ret, struct bw_error *err);
/* The plugin's description as bw_instance_describe() gives it. */
struct bw_str bw_hosted_description(const struct bw_hosted *h);
/* Feeds one encoded batch (wire/record.h) and appends what the watcher says.  After a negative return only close is allowed. */
int bw_hosted_records(struct bw_hosted *h, struct bw_str batch, struct bw_buf *out, struct bw_error *err);
int bw_hosted_save(struct bw_hosted *h, struct bw_buf *out, struct bw_error *err);
int bw_hosted_load(struct bw_hosted *h, struct bw_str state, struct bw_error *err);
void bw_hosted_close(struct bw_hosted **h);

/* Describes a plugin without running its code in this process. */
int bw_hosted_describe(const char *exe, const char *plugin, struct bw_buf *ret_json, struct bw_error *err);

#endif
