/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the unpacking of a stored block behind its checksum: it may refuse, but what it passes must be whole and in order. */
#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* u8 codec, u8 records, u32 raw bytes, then the data. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct bw_journal *j;
  struct bw_reader in = bw_reader(data, size);
  struct block_head h = {.first = 1};
  struct bw_str body;
  uint8_t sum[CHECKSUM_BYTES];
  uint64_t i;
  if (!j) {
    if (sodium_init() < 0)
      return 0;
    j = bw_alloc(sizeof *j);
    j->zip = ZSTD_createCCtx();
    j->unzip = ZSTD_createDCtx();
  }
  h.codec = bw_read_u8(&in);
  h.records = bw_read_u8(&in);
  h.raw_bytes = bw_read_u32(&in);
  h.last = h.first + h.records - 1;
  body = bw_str_n(in.p, bw_reader_left(&in));
  if (h.codec == CODEC_RAW)
    h.raw_bytes = body.len;
  bw_block_checksum(&h, body, sum);
  if (bw_block_unpack(j, &h, bw_str_n((const char *)sum, sizeof sum), body) != NULL)
    return 0;
  if (j->raw.len != h.raw_bytes || (h.codec != CODEC_PARTS && j->reader.nrecords != h.records))
    __builtin_trap();
  for (i = 0; i < j->nparts; i++)
    if (j->parts[i].first != (i ? j->parts[i - 1].last + 1 : h.first) || j->parts[i].at + j->parts[i].len > j->raw.len)
      __builtin_trap();
  if (j->nparts && j->parts[j->nparts - 1].last != h.last)
    __builtin_trap();
  for (i = 0; h.codec != CODEC_PARTS && i < h.records; i++)
    if (j->reader.records[i].offset != h.first + i)
      __builtin_trap();
  sum[0] ^= 1;
  if (bw_block_unpack(j, &h, bw_str_n((const char *)sum, sizeof sum), body) == NULL)
    __builtin_trap();
  return 0;
}
