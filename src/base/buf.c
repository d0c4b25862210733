/* SPDX-License-Identifier: Apache-2.0 */
/* Byte buffers and their encodings.  Runs in every process; no privileges needed. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void bw_buf_clear(struct bw_buf *b)
{
  free(b->data);
  *b = (struct bw_buf){0};
}

void bw_buf_reset(struct bw_buf *b)
{
  b->len = 0;
}

char *bw_buf_reserve(struct bw_buf *b, size_t extra)
{
  size_t need, cap;
  BW_ASSERT(!__builtin_add_overflow(b->len, extra, &need));
  if (need > b->cap || !b->data) {
    cap = b->cap ? b->cap : 64;
    while (cap < need)
      cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->data = bw_realloc(b->data, cap, 1);
    b->cap = cap;
  }
  return b->data + b->len;
}

void bw_buf_add(struct bw_buf *b, const void *data, size_t len)
{
  char *end = bw_buf_reserve(b, len);
  if (len)
    memcpy(end, data, len);
  b->len += len;
}

void bw_buf_add_str(struct bw_buf *b, struct bw_str s)
{
  bw_buf_add(b, s.data, s.len);
}

void bw_buf_add_cstr(struct bw_buf *b, const char *s)
{
  bw_buf_add(b, s, strlen(s));
}

void bw_buf_add_char(struct bw_buf *b, char c)
{
  *bw_buf_reserve(b, 1) = c;
  b->len++;
}

void bw_buf_printf(struct bw_buf *b, const char *fmt, ...)
{
  va_list ap;
  int n;
  va_start(ap, fmt);
  n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  BW_ASSERT(n >= 0);
  bw_buf_reserve(b, (size_t)n + 1);
  va_start(ap, fmt);
  (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
  va_end(ap);
  b->len += (size_t)n;
}

const char *bw_buf_cstr(struct bw_buf *b)
{
  *bw_buf_reserve(b, 1) = '\0';
  return b->data;
}

void bw_buf_add_u8(struct bw_buf *b, uint8_t v)
{
  bw_buf_add_char(b, (char)v);
}

void bw_buf_add_u32(struct bw_buf *b, uint32_t v)
{
  unsigned char t[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16), (unsigned char)(v >> 24)};
  bw_buf_add(b, t, sizeof t);
}

void bw_buf_add_u64(struct bw_buf *b, uint64_t v)
{
  bw_buf_add_u32(b, (uint32_t)v);
  bw_buf_add_u32(b, (uint32_t)(v >> 32));
}

void bw_buf_add_f64(struct bw_buf *b, double v)
{
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  bw_buf_add_u64(b, bits);
}

void bw_buf_add_varint(struct bw_buf *b, uint64_t v)
{
  char *start = bw_buf_reserve(b, 10), *p = start;
  while (v >= 0x80) {
    *p++ = (char)(v | 0x80);
    v >>= 7;
  }
  *p++ = (char)v;
  b->len += (size_t)(p - start);
}

void bw_buf_add_svarint(struct bw_buf *b, int64_t v)
{
  bw_buf_add_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void bw_buf_add_lstr(struct bw_buf *b, struct bw_str s)
{
  bw_buf_add_varint(b, s.len);
  bw_buf_add(b, s.data, s.len);
}

/* n bytes, or NULL after which the reader is bad. */
static const unsigned char *take(struct bw_reader *r, size_t n)
{
  const char *p = r->p;
  if (r->bad || bw_reader_left(r) < n) {
    r->bad = true;
    return NULL;
  }
  r->p += n;
  return (const unsigned char *)p;
}

uint8_t bw_read_u8(struct bw_reader *r)
{
  const unsigned char *p = take(r, 1);
  return p ? *p : 0;
}

uint32_t bw_read_u32(struct bw_reader *r)
{
  const unsigned char *p = take(r, 4);
  return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

uint64_t bw_read_u64(struct bw_reader *r)
{
  uint64_t lo = bw_read_u32(r);
  return lo | (uint64_t)bw_read_u32(r) << 32;
}

double bw_read_f64(struct bw_reader *r)
{
  uint64_t bits = bw_read_u64(r);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

uint64_t bw_read_varint(struct bw_reader *r)
{
  uint64_t v = 0;
  unsigned shift = 0;
  const unsigned char *p;
  do {
    p = take(r, 1);
    if (!p || shift > 63 || (shift == 63 && *p > 1)) {
      r->bad = true;
      return 0;
    }
    v |= (uint64_t)(*p & 0x7F) << shift;
    shift += 7;
  } while (*p & 0x80);
  return v;
}

int64_t bw_read_svarint(struct bw_reader *r)
{
  uint64_t v = bw_read_varint(r);
  return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

struct bw_str bw_read_lstr(struct bw_reader *r)
{
  uint64_t n = bw_read_varint(r);
  const unsigned char *p = n <= bw_reader_left(r) ? take(r, (size_t)n) : NULL;
  if (!p) {
    r->bad = true;
    return (struct bw_str){"", 0};
  }
  return (struct bw_str){(const char *)p, n};
}
