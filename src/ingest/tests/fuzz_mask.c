/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any kind are masked; JSON that is sound stays so, and is masked once and for all. */
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "ingest/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_json(struct bw_str text)
{
  json_t *found = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  json_decref(found);
  return found != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_str text = bw_str_n((const char *)data, size);
  struct bw_buf shown = {0}, json = {0}, again = {0};
  bw_mask_write_keys(text, &shown);
  if (is_json(text) && bw_mask_json(text, &json)) {
    BW_ASSERT(is_json(bw_buf_str(&json)));
    (void)bw_mask_json(bw_buf_str(&json), &again);
    BW_ASSERT(bw_str_eq(bw_buf_str(&json), bw_buf_str(&again)));
  }
  bw_buf_clear(&shown);
  bw_buf_clear(&json);
  bw_buf_clear(&again);
  return 0;
}
