/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions as trees that can be reasoned about: read from an expression's text, in which every operator has its brackets. */
#ifndef BW_LINT_TERM_H
#define BW_LINT_TERM_H

#include "expr/expr.h"

enum term_kind {
  TERM_OPAQUE, /* whatever else the language has: nothing is concluded from it */
  TERM_VALUE,
  TERM_NAME,
  TERM_OPEN, /* open(name) */
  TERM_HAS,  /* has(name) */
  TERM_NOT,
  TERM_NEGATE,
  TERM_AND,
  TERM_OR,
  TERM_COND,
  TERM_COMPARE, /* op: one of == != < <= > >= */
  TERM_MATH,    /* op: one of + - * / */
  TERM_IN       /* args[0] in one of args[1..] */
};
enum guess_kind { GUESS_UNKNOWN, GUESS_MISSING, GUESS_BOOL, GUESS_NUMBER, GUESS_TEXT };
/* A value as far as it is known.  Durations and times are numbers of milliseconds, stages their places. */
struct guess {
  enum guess_kind kind;
  bool yes;
  double number;
  const char *text;
};
struct term {
  enum term_kind kind;
  char op[3];
  char *name; /* NAME, OPEN, HAS; TEXT's own */
  struct guess value;
  struct term **args;
  size_t nargs;
};
struct term *term_read(const struct bw_expr *e);
/* The same from text in which every operator has its brackets: "(account.tenure >= 5184000000)". */
struct term *term_text(const char *text);
void term_free(struct term **t);
/* Whether the term is made only of comparisons with constants, has(), open() and yes-or-no names: all can be concluded. */
bool term_plain(const struct term *t);

/* ---- logic.c ---- */
/* What is taken for true: names with a value.  A name that is not among them is unknown. */
struct assumption {
  const char *name; /* open(signal.x) is "open(signal.x)" */
  struct guess value;
};
struct assumptions {
  struct assumption *items;
  size_t n, cap;
};
void assume(struct assumptions *a, const char *name, struct guess value);
void assume_clear(struct assumptions *a);
struct guess term_guess(const struct term *t, const struct assumptions *a);
/* Surely not yes: no, or a value that it needs is missing. */
bool term_refuses(const struct term *t, const struct assumptions *a);
bool term_holds(const struct term *t, const struct assumptions *a); /* surely yes */
/* Whether some values make all of the terms true.  False is certain; true where it cannot be told, too.  *steps is what may
   still be tried, by this and all later searches; without any left nothing is concluded. */
bool terms_possible(const struct term *const *terms, size_t n, const struct assumptions *given, size_t *steps);
/* True whatever the values are, missing ones included; certain. */
bool term_always(const struct term *t, size_t *steps);
/* The names that it reads, open(...) ones as such. */
void term_each_name(const struct term *t, void (*fn)(void *ctx, const struct term *t), void *ctx);
static inline struct guess guess_number(double d)
{
  return (struct guess){.kind = GUESS_NUMBER, .number = d};
}
static inline struct guess guess_bool(bool b)
{
  return (struct guess){.kind = GUESS_BOOL, .yes = b};
}
static inline struct guess guess_text(const char *s)
{
  return (struct guess){.kind = GUESS_TEXT, .text = s};
}

#endif
