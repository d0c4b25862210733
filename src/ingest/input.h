/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a file, inflated where it is gzip or Zstandard (told by its first bytes).  Of no interest outside of this room. */
#ifndef BW_INGEST_INPUT_H
#define BW_INGEST_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct bw_input;

/* "-" is standard input. */
int bw_input_open(const char *path, struct bw_input **ret_input, struct bw_error *err);
void bw_input_close(struct bw_input **input);
/* Fills as much of buf as there is; ret_len < cap only at the end. */
int bw_input_read(struct bw_input *input, char *buf, size_t cap, size_t *ret_len, struct bw_error *err);
/* It can be closed and opened again without losing anything. */
bool bw_input_regular(const struct bw_input *input);

#endif
