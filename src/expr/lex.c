/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of an expression, and the memory of a compiled one.  Every process that reads rules; no privileges. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "expr/private.h"

void *bw_expr_arena(struct chunk **arena, size_t size)
{
  struct chunk *c = *arena;
  void *p;
  size = (size + 15) & ~(size_t)15;
  if (!c || c->cap - c->used < size) {
    size_t cap = size > 4000 ? size : 4000;
    c = bw_alloc(sizeof *c + cap);
    c->cap = cap;
    c->next = *arena;
    *arena = c;
  }
  p = c->data + c->used;
  c->used += size;
  return p;
}

void bw_expr_arena_free(struct chunk **arena)
{
  while (*arena) {
    struct chunk *next = (*arena)->next;
    free(*arena);
    *arena = next;
  }
}

static bool letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
  return c >= '0' && c <= '9';
}

static char peek(const struct lexer *l, size_t ahead)
{
  return l->at + ahead < l->source.len ? l->source.data[l->at + ahead] : '\0';
}

static void skip_space(struct lexer *l)
{
  for (;;) {
    char c = peek(l, 0);
    if (l->at < l->source.len && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')) {
      l->at++;
    } else if (c == '/' && peek(l, 1) == '/') {
      while (l->at < l->source.len && l->source.data[l->at] != '\n')
        l->at++;
    } else {
      return;
    }
  }
}

static int lex_number(struct lexer *l, struct token *t, struct bw_error *err)
{
  char text[64];
  char *end;
  size_t n = 0;
  bool is_double = false;
  if (peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X')) {
    n = 2;
    while (digit(peek(l, n)) || (peek(l, n) >= 'a' && peek(l, n) <= 'f') || (peek(l, n) >= 'A' && peek(l, n) <= 'F'))
      n++;
  } else {
    while (digit(peek(l, n)))
      n++;
    if (peek(l, n) == '.' && digit(peek(l, n + 1))) {
      is_double = true;
      n++;
      while (digit(peek(l, n)))
        n++;
    }
    if (peek(l, n) == 'e' || peek(l, n) == 'E') {
      size_t sign = peek(l, n + 1) == '+' || peek(l, n + 1) == '-';
      if (digit(peek(l, n + 1 + sign))) {
        is_double = true;
        n += 2 + sign;
        while (digit(peek(l, n)))
          n++;
      }
    }
  }
  if (n >= sizeof text)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is too long");
  if (letter(peek(l, n)) || (n == 2 && (peek(l, 1) == 'x' || peek(l, 1) == 'X')))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "a number ends in a letter here; write the unit as a function: days(30)");
  memcpy(text, l->source.data + l->at, n);
  text[n] = '\0';
  errno = 0;
  if (is_double) {
    t->kind = T_DOUBLE;
    t->d = strtod(text, &end);
    if (!isfinite(t->d))
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is out of range");
  } else {
    t->kind = T_INT;
    t->i = strtoll(text, &end, text[1] == 'x' || text[1] == 'X' ? 16 : 10);
    if (errno || *end)
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this number is out of range");
  }
  l->at += n;
  return 0;
}

/* Appends a code point as UTF-8. */
static size_t put_utf8(char *out, uint32_t c)
{
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 63));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
  }
  out[0] = (char)(0xF0 | c >> 18);
  out[1] = (char)(0x80 | (c >> 12 & 63));
  out[2] = (char)(0x80 | (c >> 6 & 63));
  out[3] = (char)(0x80 | (c & 63));
  return 4;
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

/* After the backslash; returns bytes written or -1. */
static int unescape(struct lexer *l, char *out)
{
  static const char plain[] = "abfnrtv\\?\"'`", meaning[] = "\a\b\f\n\r\t\v\\?\"'`";
  char c = peek(l, 0);
  const char *at = c ? strchr(plain, c) : NULL;
  uint32_t v = 0;
  int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, i;
  l->at++;
  if (at) {
    *out = meaning[at - plain];
    return 1;
  }
  for (i = 0; i < digits; i++) {
    int h = hex_value(peek(l, 0));
    if (h < 0)
      return -1;
    v = v << 4 | (uint32_t)h;
    l->at++;
  }
  if (!digits || v == 0 || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000))
    return -1;
  return (int)put_utf8(out, v);
}

static int lex_string(struct lexer *l, struct token *t, bool raw, struct bw_error *err)
{
  char quote = peek(l, 0), *out = bw_expr_arena(l->arena, l->source.len - l->at + 8);
  size_t n = 0;
  l->at++;
  for (;;) {
    char c = peek(l, 0);
    int made;
    if (l->at >= l->source.len || c == '\n')
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this text has no closing %c", quote);
    l->at++;
    if (c == quote)
      break;
    if (c != '\\' || raw) {
      out[n++] = c;
      continue;
    }
    if ((made = unescape(l, out + n)) < 0)
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "unknown escape in this text; a backslash itself is written \\\\");
    n += (size_t)made;
  }
  t->kind = T_STRING;
  t->s = bw_str_n(out, n);
  return 0;
}

static int lex_operator(struct lexer *l, struct token *t, struct bw_error *err)
{
  static const char *const two[] = {"&&", "||", "==", "!=", "<=", ">="};
  static const char one[] = "+-*/%<>!?:()[].,";
  size_t i;
  char c = peek(l, 0);
  t->kind = T_OP;
  for (i = 0; i < sizeof two / sizeof *two; i++)
    if (c == two[i][0] && peek(l, 1) == two[i][1]) {
      l->at += 2;
      return 0;
    }
  if (c && strchr(one, c)) {
    l->at++;
    return 0;
  }
  if (c == '=')
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "a single = means nothing here; equality is ==");
  if (c == '&' || c == '|')
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "a single %c means nothing here; write %c%c", c, c, c);
  if (c > ' ' && c < 0x7f)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "'%c' does not belong in an expression", c);
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "byte 0x%02x does not belong in an expression", (unsigned char)c);
}

int bw_expr_lex(struct lexer *l, struct token *t, struct bw_error *err)
{
  int rc = 0;
  char c;
  skip_space(l);
  *t = (struct token){.kind = T_END, .at = l->at};
  if (l->at >= l->source.len)
    return 0;
  c = peek(l, 0);
  if ((c == 'r' || c == 'R') && (peek(l, 1) == '"' || peek(l, 1) == '\'')) {
    l->at++;
    rc = lex_string(l, t, true, err);
  } else if (letter(c)) {
    t->kind = T_IDENT;
    while (letter(peek(l, 0)) || digit(peek(l, 0)))
      l->at++;
  } else if (digit(c)) {
    rc = lex_number(l, t, err);
  } else if (c == '"' || c == '\'') {
    rc = lex_string(l, t, false, err);
  } else {
    rc = lex_operator(l, t, err);
  }
  t->text = bw_str_n(l->source.data + t->at, l->at - t->at);
  return rc;
}
