/* SPDX-License-Identifier: Apache-2.0 */
/* JSON tokens.  Runs in every process, on bytes from anyone: nothing is trusted.  No privileges needed. */
#include "ingest/json.h"

#include <math.h>
#include <stdlib.h>

static const char *refuse(struct bw_json_error *e, const char *at, const char *reason)
{
  *e = (struct bw_json_error){at, reason, false};
  return NULL;
}

/* ---- strings ---- */

/* Four hexadecimal digits, or -1.  Stops at the first byte that is none, so it never passes the end of the string. */
static int hex4(const char *p)
{
  int v = 0, i;
  for (i = 0; i < 4; i++) {
    char c = p[i];
    int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0)
      return -1;
    v = v << 4 | d;
  }
  return v;
}

static char *put_utf8(char *o, unsigned c)
{
  if (c < 0x80) {
    *o++ = (char)c;
  } else if (c < 0x800) {
    *o++ = (char)(0xC0 | c >> 6);
    *o++ = (char)(0x80 | (c & 63));
  } else if (c < 0x10000) {
    *o++ = (char)(0xE0 | c >> 12);
    *o++ = (char)(0x80 | (c >> 6 & 63));
    *o++ = (char)(0x80 | (c & 63));
  } else {
    *o++ = (char)(0xF0 | c >> 18);
    *o++ = (char)(0x80 | (c >> 12 & 63));
    *o++ = (char)(0x80 | (c >> 6 & 63));
    *o++ = (char)(0x80 | (c & 63));
  }
  return o;
}

/* p is at the 'u'.  Returns the byte behind the escape (or pair of escapes), or NULL. */
static const char *unicode_escape(const char *p, char **o, struct bw_json_error *e)
{
  int c = hex4(p + 1), low;
  if (c < 0)
    return refuse(e, p, "\\u is not followed by four hexadecimal digits");
  if (c == 0)
    return refuse(e, p, "\\u0000 is not accepted in text");
  p += 5;
  if (c >= 0xD800 && c < 0xDC00) {
    low = p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
      return refuse(e, p, "half of a surrogate pair");
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    p += 6;
  } else if (c >= 0xDC00 && c < 0xE000) {
    return refuse(e, p, "half of a surrogate pair");
  }
  *o = put_utf8(*o, (unsigned)c);
  return p;
}

int64_t bw_json_unescape(const char *from, const char *end, char *out, struct bw_json_error *e)
{
  static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *p = from, *found;
  char *o = out;
  while (p < end) {
    const char *slash = memchr(p, '\\', (size_t)(end - p));
    size_t n = (size_t)((slash ? slash : end) - p);
    memcpy(o, p, n);
    o += n;
    p += n;
    if (!slash)
      break;
    p++; /* the string's end was found with escapes in mind: there is a byte behind the backslash */
    if (*p == 'u') {
      p = unicode_escape(p, &o, e);
      if (!p)
        return -1;
      continue;
    }
    found = *p ? strchr(plain, *p) : NULL;
    if (!found) {
      (void)refuse(e, p, "an unknown escape in a string");
      return -1;
    }
    *o++ = meant[found - plain];
    p++;
  }
  return o - out;
}

/* ---- numbers ---- */

static inline bool is_digit(char c)
{
  return (unsigned char)(c - '0') < 10;
}

/* The digits at p into *m, as long as they fit; *dropped counts those that did not. */
static const char *take_digits(const char *p, uint64_t *m, int *count)
{
  for (; is_digit(*p); p++) {
    if (*m < UINT64_C(100000000000000000))
      *m = *m * 10 + (uint64_t)(*p - '0');
    (*count)++;
  }
  return p;
}

static const char *exponent(const char *p, int *ret_exponent, struct bw_json_error *e)
{
  int v = 0;
  bool negative = *p == '-';
  if (*p == '+' || *p == '-')
    p++;
  if (!is_digit(*p))
    return refuse(e, p, "a number's exponent has no digits");
  for (; is_digit(*p); p++)
    if (v < 100000)
      v = v * 10 + (*p - '0');
  *ret_exponent = negative ? -v : v;
  return p;
}

const char *bw_json_number(const char *p, double *ret_value, struct bw_json_error *e)
{
  /* Powers of ten that a double holds exactly: with a mantissa below 2^53 one multiplication or division rounds correctly
     (W. D. Clinger, "How to read floating point numbers accurately", 1990). */
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *start = p;
  bool negative = *p == '-';
  uint64_t m = 0;
  int whole = 0, digits, exp10 = 0;
  double v;
  p += negative;
  if (!is_digit(*p))
    return refuse(e, p, "a number has no digits");
  if (*p == '0' && is_digit(p[1]))
    return refuse(e, p, "a number starts with 0");
  p = take_digits(p, &m, &whole);
  digits = whole;
  if (*p == '.') {
    if (!is_digit(p[1]))
      return refuse(e, p, "a number has no digits behind the point");
    p = take_digits(p + 1, &m, &digits);
  }
  if (*p == 'e' || *p == 'E') {
    p = exponent(p + 1, &exp10, e);
    if (!p)
      return NULL;
  }
  exp10 -= digits - whole;
  if (digits <= 17 && m <= UINT64_C(1) << 53 && exp10 >= -22 && exp10 <= 22) {
    v = exp10 < 0 ? (double)m / ten[-exp10] : (double)m * ten[exp10];
    *ret_value = negative ? -v : v;
    return p;
  }
  v = strtod(start, NULL); /* stops at p: the grammar was checked, and what follows is no part of a decimal number */
  if (!isfinite(v))
    return refuse(e, start, "a number is out of range");
  *ret_value = v;
  return p;
}

const char *bw_json_literal(const char *p, struct bw_json_error *e)
{
  static const char *const words[] = {"true", "false", "null"};
  size_t i;
  for (i = 0; i < 3; i++)
    if (strncmp(p, words[i], strlen(words[i])) == 0) /* the ending control character stops the comparison */
      return p + strlen(words[i]);
  return refuse(e, p, "not a JSON value");
}

/* ---- whole values ---- */

static const char *skip_string(const char *p, struct bw_json_error *e)
{
  unsigned flags;
  const char *end = bw_json_string_end(p + 1, &flags);
  if (*end != '"')
    return refuse(e, end, "a string is not closed, or holds a control character");
  if ((flags & BW_STRING_WIDE) && !bw_utf8_valid(p + 1, (size_t)(end - p - 1)))
    return refuse(e, p, "a string is not valid UTF-8");
  if (flags & BW_STRING_ESCAPED) {
    /* Checked piece by piece into a small buffer: text in arrays is kept as it was written. */
    char scratch[8];
    const char *s = p + 1;
    while ((s = memchr(s, '\\', (size_t)(end - s))) != NULL) {
      const char *stop = s + 2;
      if (s[1] == 'u') {
        bool pair = end - s >= 12 && s[6] == '\\' && s[7] == 'u' && (s[2] == 'd' || s[2] == 'D') && s[3] >= '8';
        stop = s + (pair ? 12 : 6);
      }
      if (stop > end)
        return refuse(e, s, "\\u is not followed by four hexadecimal digits");
      if (bw_json_unescape(s, stop, scratch, e) < 0)
        return NULL;
      s = stop;
    }
  }
  return end + 1;
}

static const char *skip_scalar(const char *p, struct bw_json_error *e)
{
  double v;
  if (*p == '"')
    return skip_string(p, e);
  if (*p == '-' || is_digit(*p))
    return bw_json_number(p, &v, e);
  return bw_json_literal(p, e);
}

/* The key and colon of a member. */
static const char *skip_key(const char *p, bool newlines, struct bw_json_error *e)
{
  if (*p != '"')
    return refuse(e, p, "a key in quotes was expected");
  p = skip_string(p, e);
  if (!p)
    return NULL;
  p = bw_json_space(p, newlines);
  if (*p != ':')
    return refuse(e, p, "':' was expected");
  return bw_json_space(p + 1, newlines);
}

const char *bw_json_skip(const char *p, int depth, bool newlines, struct bw_json_error *e)
{
  uint64_t objects = 0; /* bit i: level i is an object; depth is at most 32 */
  int level = 0;
  for (;;) {
    if (*p == '{' || *p == '[') { /* opens: straight on to its first value, unless it is empty */
      char close = *p == '{' ? '}' : ']';
      if (++level > depth) {
        *e = (struct bw_json_error){p, "nested too deeply", true};
        return NULL;
      }
      objects = close == '}' ? objects | UINT64_C(1) << level : objects & ~(UINT64_C(1) << level);
      p = bw_json_space(p + 1, newlines);
      if (*p != close) {
        if (close == '}' && !(p = skip_key(p, newlines, e)))
          return NULL;
        continue;
      }
    } else {
      p = skip_scalar(p, e);
      if (!p)
        return NULL;
      if (level == 0)
        return p;
      p = bw_json_space(p, newlines);
    }
    for (;;) { /* behind a value, within a level; or at the end of an empty one */
      bool object = objects >> level & 1;
      if (*p == ',') {
        p = bw_json_space(p + 1, newlines);
        if (object && !(p = skip_key(p, newlines, e)))
          return NULL;
        break;
      }
      if (*p != (object ? '}' : ']'))
        return refuse(e, p, object ? "',' or '}' was expected" : "',' or ']' was expected");
      p++;
      if (--level == 0)
        return p;
      p = bw_json_space(p, newlines);
    }
  }
}
