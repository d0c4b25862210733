/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of an expression, and the memory of a compiled one.  Every process that reads rules; no privileges. */
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

struct bw_str bw_expr_arena_str(struct chunk **arena, struct bw_str s)
{
  char *out = bw_expr_arena(arena, s.len + 1);
  if (s.len)
    memcpy(out, s.data, s.len);
  return bw_str_n(out, s.len);
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

bool bw_expr_identifier(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if (!letter(s.data[i]) && !(i && digit(s.data[i])))
      return false;
  return s.len > 0;
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

/* What other languages and word processors write. */
static const struct {
  const char *written, *says;
} foreign[] = {
    {"<>", "<> means nothing here; not equal is !="},
    {"=>", "=> means nothing here; at least is >="},
    {"=<", "=< means nothing here; at most is <="},
    {"\xE2\x80\x9C", "curly quotes (\xE2\x80\x9C) are none here; write \" or '"},
    {"\xE2\x80\x9D", "curly quotes (\xE2\x80\x9D) are none here; write \" or '"},
    {"\xE2\x80\x9E", "curly quotes (\xE2\x80\x9E) are none here; write \" or '"},
    {"\xE2\x80\x98", "curly quotes (\xE2\x80\x98) are none here; write \" or '"},
    {"\xE2\x80\x99", "curly quotes (\xE2\x80\x99) are none here; write \" or '"},
    {"\xE2\x89\xA4", "at most is written <="},
    {"\xE2\x89\xA5", "at least is written >="},
    {"\xE2\x89\xA0", "not equal is written !="},
    {"\xE2\x82\xAC", "an amount has no currency sign; write the number alone"},
    {"\xC2\xA3", "an amount has no currency sign; write the number alone"},
    {"$", "an amount has no currency sign; write the number alone"},
};

static const char *find_foreign(const struct lexer *l)
{
  size_t i, n;
  for (i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    n = strlen(foreign[i].written);
    if (l->source.len - l->at >= n && memcmp(l->source.data + l->at, foreign[i].written, n) == 0)
      return foreign[i].says;
  }
  return NULL;
}

static int lex_operator(struct lexer *l, struct token *t, struct bw_error *err)
{
  static const char *const two[] = {"&&", "||", "==", "!=", "<=", ">="};
  static const char one[] = "+-*/%<>!?:()[]{}.,";
  const char *says = find_foreign(l);
  size_t i;
  char c = peek(l, 0);
  if (says)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s", says);
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

/* `content-type`: a name of letters that a name does not otherwise have; the parser takes it after a dot only. */
static int lex_quoted(struct lexer *l, struct token *t, struct bw_error *err)
{
  size_t n = 1;
  while (letter(peek(l, n)) || digit(peek(l, n)) || (peek(l, n) && strchr("_.-/ ", peek(l, n))))
    n++;
  if (peek(l, n) != '`' || n == 1)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "a name in ` ` is made of letters, digits and _ . - / only");
  t->kind = T_QUOTED;
  t->s = bw_str_n(l->source.data + l->at + 1, n - 1);
  l->at += n + 1;
  return 0;
}

static bool is_quote(char c)
{
  return c == '"' || c == '\'';
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
  if ((c == 'r' || c == 'R') && is_quote(peek(l, 1))) {
    l->at++;
    rc = bw_expr_lex_string(l, t, true, err);
  } else if ((c == 'b' || c == 'B') &&
             (is_quote(peek(l, 1)) || ((peek(l, 1) == 'r' || peek(l, 1) == 'R') && is_quote(peek(l, 2))))) {
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "bytes are not offered; leave the b out for a text");
  } else if (letter(c)) {
    t->kind = T_IDENT;
    while (letter(peek(l, 0)) || digit(peek(l, 0)))
      l->at++;
  } else if (digit(c) || (c == '.' && digit(peek(l, 1)))) {
    rc = bw_expr_lex_number(l, t, err);
  } else if (is_quote(c)) {
    rc = bw_expr_lex_string(l, t, false, err);
  } else if (c == '`') {
    rc = lex_quoted(l, t, err);
  } else {
    rc = lex_operator(l, t, err);
  }
  t->text = bw_str_n(l->source.data + t->at, l->at - t->at);
  return rc;
}
