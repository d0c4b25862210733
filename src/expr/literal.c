/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts as they are written in an expression.  Every process that reads rules; no privileges. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "expr/private.h"

static bool digit(char c)
{
  return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
  if (digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static char peek(const struct lexer *l, size_t ahead)
{
  return l->at + ahead < l->source.len ? l->source.data[l->at + ahead] : '\0';
}

/* How long the number is that starts here: 12, 1.5, .5, 1e9, 0x1F. */
static size_t number_length(const struct lexer *l, bool *ret_double, bool *ret_hex)
{
  size_t n = 0, sign;
  *ret_double = false;
  *ret_hex = peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X') && hex_value(peek(l, 2)) >= 0;
  if (*ret_hex) {
    for (n = 2; hex_value(peek(l, n)) >= 0; n++)
      ;
    return n;
  }
  while (digit(peek(l, n)))
    n++;
  if (peek(l, n) == '.' && digit(peek(l, n + 1))) {
    *ret_double = true;
    for (n++; digit(peek(l, n)); n++)
      ;
  }
  sign = peek(l, n + 1) == '+' || peek(l, n + 1) == '-';
  if ((peek(l, n) == 'e' || peek(l, n) == 'E') && digit(peek(l, n + 1 + sign))) {
    *ret_double = true;
    for (n += 2 + sign; digit(peek(l, n)); n++)
      ;
  }
  return n;
}

/* What a letter behind a number is meant to say. */
static const struct {
  char small;
  double times;
} magnitudes[] = {{'k', 1e3}, {'m', 1e6}, {'b', 1e9}};

static int bad_suffix(const char *number, char c, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < sizeof magnitudes / sizeof *magnitudes; i++)
    if ((c | 0x20) == magnitudes[i].small && strlen(number) < 9)
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "an amount is written out here: %.0f instead of %s%c",
                     strtod(number, NULL) * magnitudes[i].times, number, c);
  if (c == 'u' || c == 'U')
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "unsigned numbers are not offered; leave the u out");
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "a number ends in a letter here; write the unit as a function: days(30)");
}

int bw_expr_lex_number(struct lexer *l, struct token *t, struct bw_error *err)
{
  char text[64], next, *end;
  bool is_double, is_hex;
  size_t n = number_length(l, &is_double, &is_hex);
  unsigned long long whole;
  if (n >= sizeof text)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is too long");
  memcpy(text, l->source.data + l->at, n);
  text[n] = '\0';
  next = peek(l, n);
  if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_')
    return bad_suffix(text, next, err);
  l->at += n;
  errno = 0;
  if (is_double) {
    t->kind = T_DOUBLE;
    t->d = strtod(text, &end);
    return isfinite(t->d) ? 0 : bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is out of range");
  }
  t->kind = T_INT;
  whole = strtoull(text, &end, is_hex ? 16 : 10);
  if (errno || whole > (unsigned long long)INT64_MAX + 1)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is out of range");
  t->lowest = whole > INT64_MAX;
  t->i = t->lowest ? INT64_MIN : (int64_t)whole;
  return 0;
}

/* Appends a code point as UTF-8. */
static size_t put_utf8(char *out, uint32_t c)
{
  static const struct {
    uint32_t below;
    unsigned char first;
  } sizes[] = {{0x80, 0}, {0x800, 0xC0}, {0x10000, 0xE0}, {0x110000, 0xF0}};
  size_t more = 0, i;
  while (c >= sizes[more].below)
    more++;
  for (i = more; i > 0; i--) {
    out[i] = (char)(0x80 | (c & 63));
    c >>= 6;
  }
  out[0] = (char)(sizes[more].first | c);
  return more + 1;
}

/* After the backslash; returns bytes written or -1. */
static int unescape(const char **at, const char *end, char *out)
{
  static const char plain[] = "abfnrtv\\?\"'`", meaning[] = "\a\b\f\n\r\t\v\\?\"'`";
  char c = *at < end ? *(*at)++ : '\0';
  const char *found = c ? strchr(plain, c) : NULL;
  bool octal = c >= '0' && c <= '3';
  int digits = octal ? 2 : c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, i;
  uint32_t v = octal ? (uint32_t)(c - '0') : 0;
  if (found) {
    *out = meaning[found - plain];
    return 1;
  }
  for (i = 0; i < digits; i++) {
    int h = *at < end ? hex_value(*(*at)++) : -1;
    if (h < 0 || (octal && h > 7))
      return -1;
    v = v << (octal ? 3 : 4) | (uint32_t)h;
  }
  if (!digits || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000))
    return -1;
  return (int)put_utf8(out, v);
}

/* Where the closing quote starts, from after the opening one; the end of the source where there is none. */
static size_t find_close(const struct lexer *l, size_t from, char quote, bool triple, bool raw)
{
  size_t i;
  for (i = from; i < l->source.len; i++) {
    char c = l->source.data[i];
    if (c == '\\' && !raw) {
      i++; /* what follows does not close the text */
    } else if (c == '\n' && !triple) {
      break;
    } else if (c == quote &&
               (!triple || (i + 2 < l->source.len && l->source.data[i + 1] == quote && l->source.data[i + 2] == quote))) {
      return i;
    }
  }
  return l->source.len;
}

int bw_expr_lex_string(struct lexer *l, struct token *t, bool raw, struct bw_error *err)
{
  char quote = peek(l, 0), *out;
  bool triple = peek(l, 1) == quote && peek(l, 2) == quote;
  size_t from = l->at + (triple ? 3 : 1), close = find_close(l, from, quote, triple, raw), n = 0;
  const char *at = l->source.data + from, *end = l->source.data + close;
  if (close >= l->source.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this text has no closing %c", quote);
  out = bw_expr_arena(l->arena, close - from + 1);
  while (at < end) {
    int made;
    if (*at != '\\' || raw) {
      out[n++] = *at++;
      continue;
    }
    at++;
    if ((made = unescape(&at, end, out + n)) < 0)
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "unknown escape in this text; a backslash itself is written \\\\");
    n += (size_t)made;
  }
  l->at = close + (triple ? 3 : 1);
  t->kind = T_STRING;
  t->s = bw_str_n(out, n);
  return 0;
}
