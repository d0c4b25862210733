/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an expression's text into a tree.  Runs on the command line and in core; no privileges. */
#include "lint/term.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "names/names.h"

#define MAX_DEPTH 128
#define MAX_TERMS 64 /* of one list or call */

struct reader {
  const char *s;
  int depth;
  bool bad;
};

static struct term *new_term(enum term_kind kind)
{
  struct term *t = bw_alloc(sizeof *t);
  t->kind = kind;
  return t;
}

void term_free(struct term **tp)
{
  struct term *t = *tp;
  size_t i;
  if (!t)
    return;
  for (i = 0; i < t->nargs; i++)
    term_free(&t->args[i]);
  free(t->args);
  free(t->name);
  free(t);
  *tp = NULL;
}

static void add_arg(struct term *t, struct term *arg)
{
  t->args = bw_realloc(t->args, t->nargs + 1, sizeof *t->args);
  t->args[t->nargs++] = arg;
}

static struct term *value_term(struct guess g)
{
  struct term *t = new_term(TERM_VALUE);
  t->value = g;
  return t;
}

static struct term *read_any(struct reader *r);

static bool eat(struct reader *r, const char *text)
{
  size_t n = strlen(text);
  if (strncmp(r->s, text, n) != 0)
    return false;
  r->s += n;
  return true;
}

static void expect(struct reader *r, const char *text)
{
  if (!eat(r, text))
    r->bad = true;
}

/* Items up to the closing bracket, as arguments of t. */
static void read_items(struct reader *r, struct term *t, const char *close)
{
  if (eat(r, close))
    return;
  do {
    if (t->nargs >= MAX_TERMS) {
      r->bad = true;
      return;
    }
    add_arg(t, read_any(r));
  } while (!r->bad && (eat(r, ", ") || eat(r, ": ")));
  expect(r, close);
}

static struct term *read_string(struct reader *r)
{
  struct bw_buf b = {0};
  struct term *t = new_term(TERM_VALUE);
  r->s++;
  while (*r->s && *r->s != '"') {
    if (*r->s == '\\' && r->s[1]) /* an escape: two texts that differ stay different, which is all that matters here */
      bw_buf_add_char(&b, *r->s++);
    bw_buf_add_char(&b, *r->s++);
  }
  expect(r, "\"");
  bw_buf_cstr(&b);
  t->name = b.data;
  t->value = guess_text(t->name);
  return t;
}

static struct term *read_number(struct reader *r)
{
  char *end;
  double d = strtod(r->s, &end);
  r->bad = r->bad || end == r->s;
  r->s = end;
  return value_term(guess_number(d));
}

/* (a), (a op b), (a ? b : c) */
static struct term *read_brackets(struct reader *r)
{
  static const struct {
    const char *op;
    enum term_kind kind;
  } ops[] = {{"&&", TERM_AND},     {"||", TERM_OR},     {"==", TERM_COMPARE}, {"!=", TERM_COMPARE}, {"<=", TERM_COMPARE},
             {">=", TERM_COMPARE}, {"<", TERM_COMPARE}, {">", TERM_COMPARE},  {"+", TERM_MATH},     {"-", TERM_MATH},
             {"*", TERM_MATH},     {"/", TERM_MATH},    {"%", TERM_OPAQUE},   {"in", TERM_IN},      {"?", TERM_COND}};
  struct term *first, *t = NULL, *list;
  size_t i;
  r->s++;
  first = read_any(r);
  if (eat(r, ")"))
    return first;
  expect(r, " ");
  for (i = 0; i < sizeof ops / sizeof *ops && !t; i++)
    if (eat(r, ops[i].op)) {
      t = new_term(ops[i].kind);
      (void)snprintf(t->op, sizeof t->op, "%s", ops[i].op);
    }
  if (!t) {
    t = new_term(TERM_OPAQUE);
    r->bad = true;
  }
  add_arg(t, first);
  expect(r, " ");
  if (!r->bad)
    add_arg(t, read_any(r));
  if (t->kind == TERM_COND) {
    expect(r, " : ");
    if (!r->bad)
      add_arg(t, read_any(r));
  }
  expect(r, ")");
  if (t->kind == TERM_IN && !r->bad) { /* a list that is written out, or nothing that can be reasoned about */
    list = t->args[--t->nargs];
    if (list->kind == TERM_OPAQUE && list->op[0] == '[') {
      for (i = 0; i < list->nargs; i++)
        add_arg(t, list->args[i]);
      list->nargs = 0;
    } else {
      t->kind = TERM_OPAQUE;
    }
    term_free(&list);
  }
  return t;
}

static bool word_char(char c)
{
  return isalnum((unsigned char)c) || c == '_';
}

/* account.acv, signal.usage_limit["api_calls"].value */
static char *read_path(struct reader *r)
{
  const char *from = r->s;
  while (word_char(*r->s) || (*r->s == '.' && word_char(r->s[1])) || (*r->s == '[' && r->s[1] == '"')) {
    if (*r->s++ != '[')
      continue;
    for (r->s++; *r->s && *r->s != '"'; r->s++)
      if (*r->s == '\\' && r->s[1])
        r->s++;
    if (*r->s == '"' && r->s[1] == ']')
      r->s += 2;
    else
      r->bad = true;
  }
  return bw_str_dup(bw_str_n(from, (size_t)(r->s - from)));
}

/* The functions whose value is known here; every other call is opaque. */
static void understand_call(struct term *t, const char *name)
{
  const struct term *a = t->nargs == 1 ? t->args[0] : NULL;
  struct guess g = {0};
  int64_t ms;
  if (!a)
    return;
  if ((strcmp(name, "open") == 0 || strcmp(name, "has") == 0) && a->kind == TERM_NAME) {
    t->kind = name[0] == 'o' ? TERM_OPEN : TERM_HAS;
    t->name = t->kind == TERM_OPEN ? bw_asprintf("open(%s)", a->name) : bw_strdup(a->name);
    return;
  }
  if (a->kind != TERM_VALUE)
    return;
  if (strcmp(name, "days") == 0 && a->value.kind == GUESS_NUMBER)
    g = guess_number(a->value.number * (double)BW_DAY);
  else if (strcmp(name, "hours") == 0 && a->value.kind == GUESS_NUMBER)
    g = guess_number(a->value.number * (double)BW_HOUR);
  else if (strcmp(name, "duration") == 0 && a->value.kind == GUESS_TEXT && bw_duration_parse(bw_str(a->value.text), &ms) == 0)
    g = guess_number((double)ms);
  else if (strcmp(name, "timestamp") == 0 && a->value.kind == GUESS_TEXT && bw_time_parse(bw_str(a->value.text), &ms) == 0)
    g = guess_number((double)ms);
  else if (strcmp(name, "stage") == 0 && a->value.kind == GUESS_TEXT && bw_stage_rank(bw_str(a->value.text)) >= 0)
    g = guess_number(bw_stage_rank(bw_str(a->value.text)));
  if (g.kind == GUESS_UNKNOWN)
    return;
  t->kind = TERM_VALUE;
  t->value = g;
}

static struct term *read_word(struct reader *r)
{
  char *name = read_path(r);
  struct term *t;
  if (!*name)
    r->bad = true;
  if (*r->s == '(') {
    r->s++;
    t = new_term(TERM_OPAQUE);
    read_items(r, t, ")");
    if (!r->bad)
      understand_call(t, name);
    free(name);
    return t;
  }
  if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
    t = value_term(guess_bool(name[0] == 't'));
    free(name);
    return t;
  }
  t = new_term(strcmp(name, "null") == 0 ? TERM_OPAQUE : TERM_NAME);
  t->name = name;
  return t;
}

static struct term *read_unary(struct reader *r)
{
  struct term *t = new_term(*r->s == '!' ? TERM_NOT : TERM_NEGATE);
  r->s += 2;
  add_arg(t, read_any(r));
  expect(r, ")");
  return t;
}

static struct term *read_list(struct reader *r)
{
  struct term *t = new_term(TERM_OPAQUE);
  t->op[0] = *r->s++;
  read_items(r, t, t->op[0] == '[' ? "]" : "}");
  return t;
}

/* .field, [index], .macro(...): opaque, but what it reads is kept. */
static struct term *read_suffix(struct reader *r, struct term *of)
{
  struct term *t = new_term(TERM_OPAQUE);
  add_arg(t, of);
  if (eat(r, "[")) {
    read_items(r, t, "]");
    return t;
  }
  r->s++;
  while (word_char(*r->s))
    r->s++;
  if (eat(r, "("))
    read_items(r, t, ")");
  return t;
}

static struct term *read_any(struct reader *r)
{
  struct term *t;
  if (++r->depth > MAX_DEPTH || r->bad) {
    r->bad = true;
    return new_term(TERM_OPAQUE);
  }
  if (*r->s == '(')
    t = read_brackets(r);
  else if ((*r->s == '!' || *r->s == '-') && r->s[1] == '(')
    t = read_unary(r);
  else if (*r->s == '"')
    t = read_string(r);
  else if (*r->s == '[' || *r->s == '{')
    t = read_list(r);
  else if (isdigit((unsigned char)*r->s) || *r->s == '-')
    t = read_number(r);
  else
    t = read_word(r);
  while (!r->bad && (*r->s == '.' || *r->s == '['))
    t = read_suffix(r, t);
  r->depth--;
  return t;
}

struct term *term_text(const char *text)
{
  struct reader r = {.s = text};
  struct term *t = read_any(&r);
  if (r.bad || *r.s) {
    term_free(&t);
    t = new_term(TERM_OPAQUE);
  }
  return t;
}

struct term *term_read(const struct bw_expr *e)
{
  struct bw_buf text = {0};
  struct term *t;
  bw_expr_text(&text, e);
  t = term_text(bw_buf_cstr(&text));
  bw_buf_clear(&text);
  return t;
}

static bool plain_side(const struct term *t)
{
  return t->kind == TERM_VALUE || t->kind == TERM_NAME;
}

bool term_plain(const struct term *t)
{
  size_t i;
  switch (t->kind) {
  case TERM_VALUE:
  case TERM_NAME:
  case TERM_OPEN:
  case TERM_HAS:
    return true;
  case TERM_NOT:
  case TERM_AND:
  case TERM_OR:
  case TERM_COND:
    for (i = 0; i < t->nargs; i++)
      if (!term_plain(t->args[i]))
        return false;
    return true;
  case TERM_COMPARE: /* an order of texts is more than a few cells can show */
    for (i = 0; i < 2; i++)
      if (t->args[i]->value.kind == GUESS_TEXT && (t->op[0] == '<' || t->op[0] == '>'))
        return false;
    return plain_side(t->args[0]) && plain_side(t->args[1]) &&
           (t->args[0]->kind == TERM_VALUE || t->args[1]->kind == TERM_VALUE);
  case TERM_IN:
    for (i = 1; i < t->nargs; i++)
      if (t->args[i]->kind != TERM_VALUE)
        return false;
    return plain_side(t->args[0]);
  default:
    return false;
  }
}

void term_each_name(const struct term *t, void (*fn)(void *ctx, const struct term *t), void *ctx)
{
  size_t i;
  if (t->kind == TERM_NAME || t->kind == TERM_OPEN || t->kind == TERM_HAS)
    fn(ctx, t);
  else
    for (i = 0; i < t->nargs; i++)
      term_each_name(t->args[i], fn, ctx);
}
