/* SPDX-License-Identifier: Apache-2.0 */
/* Write keys are secrets: neither kept nor shown. */
#ifndef BW_INGEST_MASK_H
#define BW_INGEST_MASK_H

#include "base/buf.h"
#include "base/str.h"

/* "writeKey", in letters of any case, with or without a line between ("write_key"); also as the last word of a dotted name. */
bool bw_is_write_key(struct bw_str name);
/* A copy of what a sender sent, which may be no JSON, for people to look at: for the value of each such name stand dots. */
void bw_mask_write_keys(struct bw_str text, struct bw_buf *out);
/* The same of JSON that is sound, which it stays.  False: nothing was to be masked, and out is as it was. */
bool bw_mask_json(struct bw_str json, struct bw_buf *out);

#endif
