/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the decoder of what watchers say: whatever it takes must be taken again after being written. */
#include <stdlib.h>

#include "wire/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again(struct bw_buf *b, const struct bw_output *o)
{
  switch (o->kind) {
  case BW_OUTPUT_SIGNAL:
    return bw_output_add_signal(b, &o->u.signal, UINT32_MAX, NULL);
  case BW_OUTPUT_TRAIT:
    return bw_output_add_trait(b, &o->u.trait, UINT32_MAX, NULL);
  default:
    return bw_output_add_notice(b, &o->u.notice, NULL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_reader in = bw_reader(size ? (const void *)data : "", size);
  struct bw_buf b = {0};
  struct bw_output o;
  while (bw_output_next(&in, &o, NULL) > 0) {
    /* UINT32_MAX stands for an index that fits no table. */
    if ((o.kind == BW_OUTPUT_SIGNAL && o.u.signal.type == UINT32_MAX) ||
        (o.kind == BW_OUTPUT_TRAIT && o.u.trait.trait == UINT32_MAX))
      continue;
    if (again(&b, &o) < 0)
      abort();
  }
  if (bw_output_check(bw_buf_str(&b), UINT32_MAX, UINT32_MAX, NULL) < 0)
    abort();
  bw_buf_clear(&b);
  return 0;
}
