/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with the few encodings that frames and files use (little endian, LEB128 varints). */
#ifndef BW_BASE_BUF_H
#define BW_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* init by zeroing; owns data. */
struct bw_buf {
  char *data;
  size_t len;
  size_t cap;
};

void bw_buf_clear(struct bw_buf *b);                  /* frees; the struct can be used again */
void bw_buf_reset(struct bw_buf *b);                  /* len = 0, keeps memory */
char *bw_buf_reserve(struct bw_buf *b, size_t extra); /* room for extra bytes at the end; returns the end */
void bw_buf_add(struct bw_buf *b, const void *data, size_t len);
void bw_buf_add_str(struct bw_buf *b, struct bw_str s);
void bw_buf_add_cstr(struct bw_buf *b, const char *s);
void bw_buf_add_char(struct bw_buf *b, char c);
void bw_buf_printf(struct bw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* NUL after the end (not counted in len); returns data. */
const char *bw_buf_cstr(struct bw_buf *b);
static inline struct bw_str bw_buf_str(const struct bw_buf *b)
{
  return (struct bw_str){b->data, b->len};
}

void bw_buf_add_u8(struct bw_buf *b, uint8_t v);
void bw_buf_add_u32(struct bw_buf *b, uint32_t v);
void bw_buf_add_u64(struct bw_buf *b, uint64_t v);
void bw_buf_add_f64(struct bw_buf *b, double v);
void bw_buf_add_varint(struct bw_buf *b, uint64_t v);
void bw_buf_add_svarint(struct bw_buf *b, int64_t v);    /* zig-zag */
void bw_buf_add_lstr(struct bw_buf *b, struct bw_str s); /* varint length + bytes */

/* Reads what the above wrote.  After an overrun every read gives zero and `bad` stays set: check once at the end. */
struct bw_reader {
  const char *p;
  const char *end;
  bool bad;
};

static inline struct bw_reader bw_reader(const void *data, size_t len)
{
  return (struct bw_reader){(const char *)data, (const char *)data + len, false};
}
uint8_t bw_read_u8(struct bw_reader *r);
uint32_t bw_read_u32(struct bw_reader *r);
uint64_t bw_read_u64(struct bw_reader *r);
double bw_read_f64(struct bw_reader *r);
uint64_t bw_read_varint(struct bw_reader *r);
int64_t bw_read_svarint(struct bw_reader *r);
struct bw_str bw_read_lstr(struct bw_reader *r); /* borrowed from the input */
static inline size_t bw_reader_left(const struct bw_reader *r)
{
  return (size_t)(r->end - r->p);
}

#endif
