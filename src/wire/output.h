/* SPDX-License-Identifier: Apache-2.0 */
/* What watchers say, on the wire and in memory: signals, traits and notices, in the order in which they were emitted. */
#ifndef BW_WIRE_OUTPUT_H
#define BW_WIRE_OUTPUT_H

#include "base/buf.h"
#include "base/error.h"

#define BW_OUTPUT_MAX_BYTES (14u << 20) /* what one batch may make a watcher say; more is flooding */
#define BW_EVIDENCE_MAX 16384
#define BW_KEY_MAX 256

enum bw_output_kind { BW_OUTPUT_SIGNAL = 1, BW_OUTPUT_TRAIT = 2, BW_OUTPUT_NOTICE = 3 };

/* A decoded one; strings borrow from the bytes. */
struct bw_output {
  enum bw_output_kind kind;
  union {
    struct bw_signal signal;
    struct bw_trait trait;
    struct bw_notice notice;
  } u;
};

/* Empty evidence is {}.  BW_EINVAL / BW_ELIMIT with a message where the plugin's value is malformed: index out of the table,
   not UTF-8, not finite, strength outside 0..1, evidence not a JSON object, too long.  nsignals and ntraits are the
   descriptor's. */
int bw_output_add_signal(struct bw_buf *b, const struct bw_signal *s, uint32_t nsignals, struct bw_error *err);
int bw_output_add_trait(struct bw_buf *b, const struct bw_trait *t, uint32_t ntraits, struct bw_error *err);
int bw_output_add_notice(struct bw_buf *b, const struct bw_notice *n, struct bw_error *err);

/* The next output: 1, 0 at the end, negative where the bytes are damaged. */
int bw_output_next(struct bw_reader *in, struct bw_output *ret_output, struct bw_error *err);
/* Walks all of it: decodes, and every index lies within its table. */
int bw_output_check(struct bw_str outputs, uint32_t nsignals, uint32_t ntraits, struct bw_error *err);

#endif
