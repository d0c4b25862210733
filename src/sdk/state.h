/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher's saved state: a stream of numbers and strings with a head (a word, a version) and a checksum at the end.
 * What is read is not trusted: every number has an upper bound, and after the first breach every read gives zero and `bad`
 * stays set.  Runs in watcher hosts; no privileges needed.
 */
#ifndef BW_SDK_STATE_H
#define BW_SDK_STATE_H

#include "base/buf.h"
#include "basewatch/plugin.h"

struct bw_state_out {
  const struct bw_save_args *args;
  struct bw_buf buf;
  uint64_t sum;
  int32_t rc; /* negative: the host's write failed */
};
void bw_state_begin(struct bw_state_out *o, const struct bw_save_args *args, const char *word, uint32_t version);
void bw_state_put(struct bw_state_out *o, uint64_t v);
void bw_state_put_signed(struct bw_state_out *o, int64_t v);
void bw_state_put_num(struct bw_state_out *o, double v);
void bw_state_put_str(struct bw_state_out *o, struct bw_str s);
int32_t bw_state_end(struct bw_state_out *o); /* writes the checksum; 0, or the host's error */

struct bw_state_in {
  const struct bw_load_args *args;
  char *data; /* a window on the stream */
  size_t at, len, cap;
  uint64_t sum;
  size_t summed; /* bytes before this are in sum */
  bool bad, eof;
  const char *what; /* the first thing wrong */
};
/* False (with args->error filled) where head or version are not the expected. */
bool bw_state_open(struct bw_state_in *in, const struct bw_load_args *args, const char *word, uint32_t version);
uint64_t bw_state_get(struct bw_state_in *in, uint64_t max);
int64_t bw_state_get_signed(struct bw_state_in *in, int64_t min, int64_t max);
double bw_state_get_num(struct bw_state_in *in);                          /* finite, or bad */
struct bw_str bw_state_get_str(struct bw_state_in *in, uint64_t max_len); /* borrowed until the next read */
void bw_state_refuse(struct bw_state_in *in, const char *what);
/* Checks sum and end; frees.  0, or BW_ECORRUPT with args->error filled. */
int32_t bw_state_close(struct bw_state_in *in);

#endif
