/* SPDX-License-Identifier: Apache-2.0 */
/* One block: packing, and every check that stands between a damaged row and a wrong signal.  core process. */
#include <sodium.h>

#include "journal/private.h"

#define LEVEL 1        /* of zstd: the journal is written once and read few times; the disk is the slower part anyway */
#define LEVEL_MERGED 6 /* in the background, once, and kept for long */

void bw_block_checksum(const struct block_head *h, struct bw_str data, uint8_t out[CHECKSUM_BYTES])
{
  crypto_generichash_state st;
  struct bw_buf b = {0};
  bw_buf_add_u64(&b, h->first);
  bw_buf_add_u64(&b, h->last);
  bw_buf_add_u64(&b, h->records);
  bw_buf_add_u64(&b, (uint64_t)h->min_time);
  bw_buf_add_u64(&b, (uint64_t)h->max_time);
  bw_buf_add_u64(&b, (uint64_t)h->min_arrival);
  bw_buf_add_u64(&b, (uint64_t)h->max_arrival);
  bw_buf_add_u64(&b, h->codec);
  bw_buf_add_u64(&b, h->raw_bytes);
  crypto_generichash_init(&st, NULL, 0, CHECKSUM_BYTES);
  crypto_generichash_update(&st, (const unsigned char *)b.data, b.len);
  crypto_generichash_update(&st, (const unsigned char *)data.data, data.len);
  crypto_generichash_final(&st, out, CHECKSUM_BYTES);
  bw_buf_clear(&b);
}

struct bw_str bw_block_pack(struct bw_journal *j, struct block *b)
{
  size_t n;
  b->head.raw_bytes = b->raw.len;
  b->head.codec = CODEC_RAW;
  bw_buf_reset(&j->packed);
  bw_buf_reserve(&j->packed, ZSTD_compressBound(b->raw.len));
  n = ZSTD_compressCCtx(j->zip, j->packed.data, j->packed.cap, b->raw.data, b->raw.len, LEVEL);
  if (ZSTD_isError(n) || n >= b->raw.len)
    return bw_buf_str(&b->raw);
  j->packed.len = n;
  b->head.codec = CODEC_ZSTD;
  return bw_buf_str(&j->packed);
}

struct bw_str bw_block_pack_parts(struct bw_journal *j, struct block_head *h, struct bw_str raw)
{
  size_t n;
  h->raw_bytes = raw.len;
  h->codec = CODEC_PARTS;
  bw_buf_reset(&j->packed);
  bw_buf_reserve(&j->packed, ZSTD_compressBound(raw.len));
  n = ZSTD_compressCCtx(j->zip, j->packed.data, j->packed.cap, raw.data, raw.len, LEVEL_MERGED);
  if (ZSTD_isError(n))
    return BW_STR("");
  j->packed.len = n;
  return bw_buf_str(&j->packed);
}

static const char *unzip(struct bw_journal *j, const struct block_head *h, struct bw_str data)
{
  size_t n;
  if (ZSTD_getFrameContentSize(data.data, data.len) != h->raw_bytes)
    return "is of another size than it says";
  bw_buf_reserve(&j->raw, h->raw_bytes + 1);
  n = ZSTD_decompressDCtx(j->unzip, j->raw.data, h->raw_bytes, data.data, data.len);
  if (ZSTD_isError(n) || n != h->raw_bytes)
    return "cannot be decompressed";
  j->raw.len = n;
  return NULL;
}

/* A batch whose records are to begin at `first`. */
static const char *check_batch(struct bw_journal *j, struct bw_str batch, uint64_t first)
{
  uint64_t i;
  if (bw_batch_read(&j->reader, batch, 0, NULL) != 0)
    return "holds records that cannot be decoded";
  for (i = 0; i < j->reader.nrecords; i++)
    if (j->reader.records[i].offset != first + i)
      return "holds offsets out of order";
  return NULL;
}

static const char *check_records(struct bw_journal *j, const struct block_head *h)
{
  const char *why = check_batch(j, bw_buf_str(&j->raw), h->first);
  if (why)
    return why;
  if (j->reader.nrecords != h->records || h->records == 0 || h->last - h->first != h->records - 1)
    return "does not hold the records that it says";
  return NULL;
}

static void add_part(struct bw_journal *j, struct part p)
{
  if (j->nparts == j->parts_cap) {
    j->parts_cap = j->parts_cap ? j->parts_cap * 2 : 64;
    j->parts = bw_realloc(j->parts, j->parts_cap, sizeof *j->parts);
  }
  j->parts[j->nparts++] = p;
}

static const char *check_parts(struct bw_journal *j, const struct block_head *h)
{
  struct bw_reader in = bw_reader(j->raw.data, j->raw.len);
  uint64_t next = h->first;
  const char *why;
  while (bw_reader_left(&in) > 0) {
    struct bw_str batch = bw_read_lstr(&in);
    if (in.bad)
      return "has a part that is cut short";
    if ((why = check_batch(j, batch, next)) != NULL)
      return why;
    if (j->reader.nrecords == 0)
      return "has an empty part";
    add_part(j, (struct part){next, next + j->reader.nrecords - 1, (size_t)(batch.data - j->raw.data), batch.len});
    next += j->reader.nrecords;
  }
  if (h->records == 0 || next - h->first != h->records || h->last - h->first != h->records - 1)
    return "does not hold the records that it says";
  return NULL;
}

const char *bw_block_unpack(struct bw_journal *j, const struct block_head *h, struct bw_str checksum, struct bw_str data)
{
  uint8_t sum[CHECKSUM_BYTES];
  const char *why = NULL;
  j->nparts = 0;
  bw_block_checksum(h, data, sum);
  if (checksum.len != CHECKSUM_BYTES || sodium_memcmp(sum, checksum.data, CHECKSUM_BYTES) != 0)
    return "does not fit its checksum";
  if (h->raw_bytes > BW_BATCH_MAX_BYTES)
    return "is over the size limit";
  bw_buf_reset(&j->raw);
  if (h->codec == CODEC_ZSTD || h->codec == CODEC_PARTS)
    why = unzip(j, h, data);
  else if (h->codec == CODEC_RAW && data.len > 0 && data.len == h->raw_bytes)
    bw_buf_add_str(&j->raw, data);
  else
    why = "is of an unknown codec";
  if (!why)
    why = h->codec == CODEC_PARTS ? check_parts(j, h) : check_records(j, h);
  if (why)
    j->nparts = 0;
  return why;
}
