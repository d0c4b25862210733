/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of JSON (RFC 8259), strictly.  No bounds are checked on the way: the byte behind the text is a control character
 * (NUL, or '\n' where the text is one line), which no token can contain, and BW_JSON_PADDING bytes behind it may be read. Runs
 * in every process; no privileges.
 */
#ifndef BW_INGEST_JSON_H
#define BW_INGEST_JSON_H

#include <stdbool.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/str.h"

enum { BW_STRING_ESCAPED = 1, BW_STRING_WIDE = 2 /* has bytes beyond ASCII */ };

/* Why a text is not accepted: static text, and the place. */
struct bw_json_error {
  const char *at;
  const char *reason;
  bool limit; /* a limit, rather than malformed */
};

/*
 * p is behind the opening quote.  Returns the closing quote, or the control character that ended the string before it was
 * closed. 16 bytes at a time: most strings of an event end within the first.
 */
static inline const char *bw_json_string_end(const char *p, unsigned *ret_flags)
{
  unsigned flags = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x1F);
  for (;;) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)), _mm_cmpeq_epi8(_mm_min_epu8(v, low), v));
    unsigned stop = (unsigned)_mm_movemask_epi8(hit), wide = (unsigned)_mm_movemask_epi8(v);
    if (stop == 0) {
      flags |= wide ? BW_STRING_WIDE : 0;
      p += 16;
      continue;
    }
    /* Only the bytes before the stop count: those behind it are not of this string. */
    flags |= (wide & (stop - 1) & ~stop) ? BW_STRING_WIDE : 0;
    p += __builtin_ctz(stop);
    if (*p != '\\')
      break;
    flags |= BW_STRING_ESCAPED;
    if ((unsigned char)p[1] < 0x20) { /* never step over the byte that ends the text */
      p++;
      break;
    }
    flags |= (unsigned char)p[1] >= 0x80 ? BW_STRING_WIDE : 0;
    p += 2;
  }
#else
  for (; *p != '"' && (unsigned char)*p >= 0x20; p++) {
    if ((unsigned char)*p >= 0x80)
      flags |= BW_STRING_WIDE;
    if (*p == '\\') {
      flags |= BW_STRING_ESCAPED;
      if ((unsigned char)p[1] < 0x20) {
        p++;
        break;
      }
      flags |= (unsigned char)p[1] >= 0x80 ? BW_STRING_WIDE : 0;
      p++;
    }
  }
#endif
  *ret_flags = flags;
  return p;
}

/* As bw_json_string_end(), but stops at anything that is not plain ASCII as well: where *end is a quote, the string is as it
   stands. */
static inline const char *bw_json_plain_end(const char *p)
{
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
  for (;; p += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* As signed numbers, control characters and bytes beyond ASCII are both less than a space. */
    __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)), _mm_cmplt_epi8(v, space));
    unsigned stop = (unsigned)_mm_movemask_epi8(hit);
    if (stop)
      return p + __builtin_ctz(stop);
  }
#else
  while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
    p++;
  return p;
#endif
}

/*
 * What the string between from and end (the closing quote) says, written to out (never longer than the input); returns its
 * length, or -1 with *e filled: an unknown escape, half a surrogate pair, or \u0000 (text never holds NUL).
 */
int64_t bw_json_unescape(const char *from, const char *end, char *out, struct bw_json_error *e);

/* Counts and durations: up to 9 digits and nothing else.  Their end, or NULL. */
static inline const char *bw_json_small_number(const char *s, double *ret_value)
{
  const char *end = s;
  uint32_t m = 0;
  while ((unsigned char)(*end - '0') < 10 && end - s < 9)
    m = m * 10 + (uint32_t)(*end++ - '0');
  *ret_value = m;
  return end > s && (*end == ',' || *end == '}') && (*s != '0' || end - s == 1) ? end : NULL;
}

/* The end of the number at p and its value, or NULL with *e filled. */
const char *bw_json_number(const char *p, double *ret_value, struct bw_json_error *e);

/* The end of "true", "false" or "null" at p, or NULL with *e filled. */
const char *bw_json_literal(const char *p, struct bw_json_error *e);

/* Whitespace.  newlines: '\n' counts as such (not where it ends the text). */
static inline const char *bw_json_space(const char *p, bool newlines)
{
  while (*p == ' ' || *p == '\t' || *p == '\r' || (newlines && *p == '\n'))
    p++;
  return p;
}

/* Checks the whole value at p (strings, numbers, UTF-8, at most `depth` levels of arrays and objects) and returns its end, or
   NULL with *e filled. */
const char *bw_json_skip(const char *p, int depth, bool newlines, struct bw_json_error *e);

#endif
