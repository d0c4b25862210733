/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed strings with a length (struct bw_str of the plugin header), and UTF-8. */
#ifndef BW_BASE_STR_H
#define BW_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "basewatch/plugin.h"

/* A literal as a bw_str. */
#define BW_STR(lit) ((struct bw_str){(lit), sizeof(lit) - 1})
/* For printf("%.*s", BW_FMT(s)). */
#define BW_FMT(s) (int)(s).len, (s).data

static inline struct bw_str bw_str(const char *cstr)
{
  return (struct bw_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct bw_str bw_str_n(const char *data, size_t len)
{
  return (struct bw_str){data, len};
}

/* memcmp() == 0 without the call: names are short, and this is asked of every event. */
static inline bool bw_bytes_eq(const char *a, const char *b, size_t n)
{
  uint64_t x, y;
  uint32_t v, w;
  if (n < 8) {
    if (n < 4) {
      for (; n > 0; n--)
        if (a[n - 1] != b[n - 1])
          return false;
      return true;
    }
    memcpy(&v, a, 4);
    memcpy(&w, b, 4);
    if (v != w)
      return false;
    memcpy(&v, a + n - 4, 4);
    memcpy(&w, b + n - 4, 4);
    return v == w;
  }
  for (; n > 8; a += 8, b += 8, n -= 8) {
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    if (x != y)
      return false;
  }
  memcpy(&x, a + n - 8, 8); /* the last 8, in part once more */
  memcpy(&y, b + n - 8, 8);
  return x == y;
}

static inline bool bw_str_eq(struct bw_str a, struct bw_str b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bw_str_is(struct bw_str a, const char *cstr)
{
  return bw_str_eq(a, bw_str(cstr));
}

static inline bool bw_str_prefix(struct bw_str s, const char *prefix)
{
  size_t n = strlen(prefix);
  return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

/* strcmp order, shorter first. */
int bw_str_cmp(struct bw_str a, struct bw_str b);

/* To compare what people wrote: ASCII letters small, no space around it, one between words; a no-break space is one too. False:
 * it does not fit into size bytes with its NUL. */
bool bw_str_fold(struct bw_str s, char *out, size_t size);

/* A fresh NUL-terminated copy; the caller frees it. */
char *bw_str_dup(struct bw_str s);

/* True where the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool bw_utf8_valid(const char *data, size_t len);

/* The name in a NULL-terminated list that is nearest to `word` (edit distance at most 2), or NULL. */
const char *bw_nearest(struct bw_str word, const char *const *names);
/* The same of names that come one by one: whether `name` is near the word, and nearer than *best, which starts as SIZE_MAX. */
bool bw_nearer(struct bw_str word, struct bw_str name, size_t *best);

#endif
