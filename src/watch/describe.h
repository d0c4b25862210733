/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: what a host says about its plugin, as far as its outputs are checked against it. */
#ifndef BW_WATCH_DESCRIBE_H
#define BW_WATCH_DESCRIBE_H

#include "base/buf.h"
#include "base/error.h"

struct bw_described {
  struct bw_buf json;
  char name[65], version[65];
  uint32_t state_version, nsignals, ntraits;
};

/* Checks it (a host lies) and copies it. */
int bw_described_read(struct bw_described *d, struct bw_str json, struct bw_error *err);
void bw_described_clear(struct bw_described *d);
/* What waitpid(2) gave, for people. */
void bw_describe_status(int status, char *out, size_t size);

#endif
