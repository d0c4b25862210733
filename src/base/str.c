/* SPDX-License-Identifier: Apache-2.0 */
/* String helpers.  Runs in every process; no privileges needed. */
#include "base/str.h"

#include "base/error.h"

int bw_str_cmp(struct bw_str a, struct bw_str b)
{
  size_t n = a.len < b.len ? a.len : b.len;
  int c = n ? memcmp(a.data, b.data, n) : 0;
  if (c != 0)
    return c;
  return a.len < b.len ? -1 : a.len > b.len;
}

bool bw_str_fold(struct bw_str s, char *out, size_t size)
{
  size_t i = 0, n = 0;
  while (i < s.len) {
    bool nbsp = i + 1 < s.len && memcmp(s.data + i, "\xC2\xA0", 2) == 0;
    char c = s.data[i];
    i += nbsp ? 2 : 1;
    if (nbsp || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      if (n == 0 || out[n - 1] == ' ')
        continue;
      c = ' ';
    }
    if (n + 1 >= size)
      return false;
    out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  n -= n && out[n - 1] == ' ';
  out[n] = '\0';
  return true;
}

char *bw_str_dup(struct bw_str s)
{
  return bw_strndup(s.data, s.len);
}

/* Length of the well-formed sequence at p (of at most n bytes), or 0. */
static size_t sequence(const unsigned char *p, size_t n)
{
  unsigned lo = 0x80, hi = 0xBF;
  size_t len, i;
  if (p[0] < 0x80)
    return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) {
    len = 2;
  } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    len = 3;
    if (p[0] == 0xE0)
      lo = 0xA0; /* shorter would be overlong */
    if (p[0] == 0xED)
      hi = 0x9F; /* surrogates */
  } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    len = 4;
    if (p[0] == 0xF0)
      lo = 0x90;
    if (p[0] == 0xF4)
      hi = 0x8F; /* above U+10FFFF */
  } else {
    return 0;
  }
  if (n < len || p[1] < lo || p[1] > hi)
    return 0;
  for (i = 2; i < len; i++)
    if (p[i] < 0x80 || p[i] > 0xBF)
      return 0;
  return len;
}

bool bw_utf8_valid(const char *data, size_t len)
{
  const unsigned char *p = (const unsigned char *)data;
  size_t i = 0, step;
  while (i < len) {
    step = sequence(p + i, len - i);
    if (step == 0)
      return false;
    i += step;
  }
  return true;
}

/* ---- the nearest name ---- */

/* Optimal string alignment distance (insert, delete, replace, swap neighbours), for short names. */
static size_t distance(struct bw_str a, struct bw_str b)
{
  size_t d[66][66], i, j;
  if (a.len > 64 || b.len > 64)
    return SIZE_MAX;
  for (i = 0; i <= a.len; i++)
    for (j = 0; j <= b.len; j++) {
      size_t best;
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      best = d[i - 1][j - 1] + (a.data[i - 1] != b.data[j - 1]);
      best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
      best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
      if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1] && d[i - 2][j - 2] + 1 < best)
        best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  return d[a.len][b.len];
}

bool bw_nearer(struct bw_str word, struct bw_str name, size_t *best)
{
  size_t d = distance(word, name);
  if (d > 2 || d >= *best || d >= name.len || (d == 2 && word.len < 4))
    return false;
  *best = d;
  return true;
}

const char *bw_nearest(struct bw_str word, const char *const *names)
{
  const char *found = NULL;
  size_t best = SIZE_MAX;
  for (; *names; names++)
    if (bw_nearer(word, bw_str(*names), &best))
      found = *names;
  return found;
}
