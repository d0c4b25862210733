/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation of a play in words, for `why` and `why-not`. */
#ifndef BW_CLI_EXPLAIN_H
#define BW_CLI_EXPLAIN_H

#include "cli/internal.h"

/* Appends all that the evaluation holds, part by part. */
void bw_explain(struct bw_cli *cli, struct bw_buf *out, const json_t *evaluation);

#endif
