/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher host process, and the messages between it and whoever feeds it (core, or a replay). */
#ifndef BW_HOST_HOST_H
#define BW_HOST_HOST_H

#include "base/buf.h"
#include "base/error.h"

/*
 * The role's main: a strictly blocking conversation on fd.  Puts the sandbox up before anything of the plugin runs.  Returns
 * the exit status.  Nothing in the process may be trusted once the plugin is loaded.
 *
 *   → HOST_CONFIG  (below)                          ← HOST_READY  JSON of bw_instance_describe(), or HOST_ERROR
 *   → HOST_LOAD    u8 last, bytes                   ← nothing, until the last one: HOST_READY with an empty payload
 *   → HOST_BATCH   u64 first, u64 last, a batch     ← HOST_OUTPUT u64 first, u64 last, outputs (wire/output.h)
 *   → HOST_SAVE                                     ← HOST_SNAPSHOT u8 last, bytes; as many as it takes
 *                                                   ← HOST_ERROR  JSON {"code","class","message"}, then the end
 * Answers come in the order of the requests and carry their request id.  Log lines, the plugin's too (at most 32 for each call
 * into it), go to standard error.
 */
int bw_host_run(int fd);

#define BW_HOST_CHUNK (1u << 20) /* of a snapshot */

enum bw_host_config_flag {
  BW_HOST_BEST_EFFORT = 1, /* run without what the kernel lacks, and log it; else refuse */
  BW_HOST_DESCRIBE = 2     /* only describe; no instance is opened, the host ends after HOST_READY */
};

struct bw_host_config {
  struct bw_str plugin;  /* absolute path */
  struct bw_str options; /* JSON object; empty: {} */
  uint64_t seed;
  uint64_t memory_bytes; /* address space; 0: no limit */
  uint32_t flags;
};
void bw_host_config_write(struct bw_buf *b, const struct bw_host_config *c);
/* Strings borrow from bytes. */
int bw_host_config_read(struct bw_str bytes, struct bw_host_config *ret_config, struct bw_error *err);

/* HOST_ERROR's payload, both ways.  A host lies: code and class outside the enums become BW_EPEER, the text is made printable.
 */
void bw_host_error_write(struct bw_buf *b, const struct bw_error *e);
void bw_host_error_read(struct bw_str bytes, struct bw_error *ret_error);

#endif
