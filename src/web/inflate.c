/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed request bodies, from strangers.  Runs in web; memory is bounded by the caller's limits.  No privileges. */
#include <zlib.h>

#include "web/internal.h"

#define STEP 65536u
#define FREE_GROWTH (64u << 10) /* what may be grown to whatever the ratio: small bodies of like events compress well */

int bw_packed_kind(struct bw_str body)
{
  const unsigned char *p = (const unsigned char *)body.data;
  if (body.len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
    return BW_PACKED_GZIP;
  /* A zlib head: deflate, window at most 32 KiB, and its check sum.  No JSON begins so. */
  if (body.len >= 2 && (p[0] & 0x8f) == 0x08 && (p[0] * 256 + p[1]) % 31 == 0)
    return BW_PACKED_ZLIB;
  return BW_PACKED_NONE;
}

static int grow(z_stream *z, size_t max, int64_t ratio, size_t packed, struct bw_buf *out, struct bw_error *err)
{
  size_t room = max - out->len < STEP ? max - out->len : STEP;
  if (room == 0)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the compressed body inflates to more than %zu bytes", max);
  if (out->len > FREE_GROWTH && out->len / (size_t)ratio > packed)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the compressed body inflates to more than %lld times its size",
                   (long long)ratio);
  z->next_out = (unsigned char *)bw_buf_reserve(out, room);
  z->avail_out = (unsigned)room;
  return 0;
}

/* gzip allows several members, one after the other. */
static int next_member(z_stream *z, int status)
{
  return status == Z_STREAM_END && z->avail_in > 0 ? inflateReset(z) : status;
}

static int run(z_stream *z, size_t max, int64_t ratio, size_t packed, struct bw_buf *out, struct bw_error *err)
{
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    size_t room;
    int rc = grow(z, max, ratio, packed, out, err);
    if (rc)
      return rc;
    room = z->avail_out;
    status = inflate(z, Z_NO_FLUSH);
    out->len += room - z->avail_out;
    if (status == Z_BUF_ERROR || (status == Z_OK && z->avail_in == 0 && z->avail_out > 0))
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the compressed body is cut short");
    status = next_member(z, status);
    if (status != Z_OK && status != Z_STREAM_END)
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the compressed body is damaged: %s", z->msg ? z->msg : "inflate");
  }
  return 0;
}

int bw_inflate(struct bw_str body, size_t max, int64_t ratio, struct bw_buf *out, struct bw_error *err)
{
  z_stream z = {0};
  int rc;
  bw_buf_reset(out);
  if (inflateInit2(&z, 15 + 32) != Z_OK) /* gzip or zlib, by its head */
    return bw_fail(err, BW_ENOMEM, BW_CLASS_TRANSIENT, "no memory to inflate");
  z.next_in = (unsigned char *)(uintptr_t)body.data;
  z.avail_in = (unsigned)body.len;
  rc = run(&z, max, ratio, body.len, out, err);
  inflateEnd(&z);
  return rc;
}
