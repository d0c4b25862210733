/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be concluded of conditions.  A condition is asked with some values known and the others not; and a search over the
 * few values of each name that make a difference (each constant it is compared with, and one between each two) finds whether
 * several conditions can hold together.  Runs on the command line and in core; no privileges.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lint/term.h"

#define MAX_STEPS 50000 /* of one search: beyond it, what is asked counts as possible */
#define MAX_NAMES 64
#define MAX_CELLS 64
#define OTHER_TEXT "\001" /* a text that no condition names */

/* ---- values ---- */

void assume(struct assumptions *a, const char *name, struct guess value)
{
  if (a->n == a->cap) {
    a->cap = a->cap ? a->cap * 2 : 8;
    a->items = bw_realloc(a->items, a->cap, sizeof *a->items);
  }
  a->items[a->n++] = (struct assumption){name, value};
}

void assume_clear(struct assumptions *a)
{
  free(a->items);
  *a = (struct assumptions){0};
}

static struct guess look(const struct assumptions *a, const char *name)
{
  size_t i;
  for (i = a->n; i > 0; i--) /* the latest */
    if (strcmp(a->items[i - 1].name, name) == 0)
      return a->items[i - 1].value;
  return (struct guess){0};
}

static struct guess guess_and(const struct term *t, const struct assumptions *a, bool is_and)
{
  struct guess l = term_guess(t->args[0], a), r = term_guess(t->args[1], a);
  if ((l.kind == GUESS_BOOL && l.yes != is_and) || (r.kind == GUESS_BOOL && r.yes != is_and))
    return guess_bool(!is_and); /* whatever the other one is */
  if (l.kind == GUESS_BOOL && r.kind == GUESS_BOOL)
    return guess_bool(is_and);
  if (l.kind == GUESS_UNKNOWN || r.kind == GUESS_UNKNOWN)
    return (struct guess){0};
  return (struct guess){.kind = GUESS_MISSING};
}

static struct guess guess_compare(const char *op, struct guess l, struct guess r)
{
  double d;
  if (l.kind == GUESS_UNKNOWN || r.kind == GUESS_UNKNOWN)
    return (struct guess){0};
  if (l.kind == GUESS_MISSING || r.kind == GUESS_MISSING)
    return (struct guess){.kind = GUESS_MISSING};
  if (l.kind != r.kind)
    return (struct guess){0};
  d = l.kind == GUESS_NUMBER ? l.number - r.number : l.kind == GUESS_BOOL ? (double)(l.yes - r.yes) : strcmp(l.text, r.text);
  switch (op[0]) {
  case '=':
    return guess_bool(!(fabs(d) > 0));
  case '!':
    return guess_bool(fabs(d) > 0);
  case '<':
    return guess_bool(op[1] ? d <= 0 : d < 0);
  default:
    return guess_bool(op[1] ? d >= 0 : d > 0);
  }
}

static struct guess guess_in(const struct term *t, const struct assumptions *a)
{
  struct guess x = term_guess(t->args[0], a), one;
  bool unknown = false;
  size_t i;
  for (i = 1; i < t->nargs; i++) {
    one = guess_compare("==", x, term_guess(t->args[i], a));
    if (one.kind == GUESS_BOOL && one.yes)
      return one;
    if (one.kind == GUESS_MISSING)
      return one;
    unknown = unknown || one.kind == GUESS_UNKNOWN;
  }
  return unknown ? (struct guess){0} : guess_bool(false);
}

static struct guess guess_math(const struct term *t, const struct assumptions *a)
{
  struct guess l = term_guess(t->args[0], a), r = term_guess(t->args[1], a);
  if (l.kind == GUESS_MISSING || r.kind == GUESS_MISSING)
    return (struct guess){.kind = GUESS_MISSING};
  if (l.kind != GUESS_NUMBER || r.kind != GUESS_NUMBER || (t->op[0] == '/' && !(fabs(r.number) > 0)))
    return (struct guess){0};
  return guess_number(t->op[0] == '+'   ? l.number + r.number
                      : t->op[0] == '-' ? l.number - r.number
                      : t->op[0] == '*' ? l.number * r.number
                                        : l.number / r.number);
}

static struct guess guess_has(const struct term *t, const struct assumptions *a)
{
  struct guess g = look(a, t->name);
  return g.kind == GUESS_UNKNOWN ? g : guess_bool(g.kind != GUESS_MISSING);
}

static struct guess guess_not(const struct term *t, const struct assumptions *a)
{
  struct guess g = term_guess(t->args[0], a);
  if (t->kind == TERM_NOT && g.kind == GUESS_BOOL)
    g.yes = !g.yes;
  else if (t->kind == TERM_NEGATE && g.kind == GUESS_NUMBER)
    g.number = -g.number;
  return g;
}

static struct guess guess_cond(const struct term *t, const struct assumptions *a)
{
  struct guess g = term_guess(t->args[0], a), x, y;
  if (g.kind == GUESS_BOOL)
    return term_guess(t->args[g.yes ? 1 : 2], a);
  if (g.kind == GUESS_MISSING)
    return g;
  x = term_guess(t->args[1], a);
  y = term_guess(t->args[2], a);
  return x.kind == GUESS_BOOL && y.kind == GUESS_BOOL && x.yes == y.yes ? x : (struct guess){0};
}

struct guess term_guess(const struct term *t, const struct assumptions *a)
{
  switch (t->kind) {
  case TERM_VALUE:
    return t->value;
  case TERM_NAME:
  case TERM_OPEN:
    return look(a, t->name);
  case TERM_HAS:
    return guess_has(t, a);
  case TERM_NOT:
  case TERM_NEGATE:
    return guess_not(t, a);
  case TERM_AND:
  case TERM_OR:
    return guess_and(t, a, t->kind == TERM_AND);
  case TERM_COND:
    return guess_cond(t, a);
  case TERM_COMPARE:
    return guess_compare(t->op, term_guess(t->args[0], a), term_guess(t->args[1], a));
  case TERM_MATH:
    return guess_math(t, a);
  case TERM_IN:
    return guess_in(t, a);
  default:
    return (struct guess){0};
  }
}

bool term_refuses(const struct term *t, const struct assumptions *a)
{
  struct guess g = term_guess(t, a);
  return g.kind == GUESS_MISSING || (g.kind == GUESS_BOOL && !g.yes);
}

bool term_holds(const struct term *t, const struct assumptions *a)
{
  struct guess g = term_guess(t, a);
  return g.kind == GUESS_BOOL && g.yes;
}

/* ---- searching ---- */

struct cells { /* the values of one name that make a difference */
  const char *name;
  struct guess items[MAX_CELLS];
  size_t n;
  double points[MAX_CELLS];
  size_t npoints;
  const char *texts[MAX_CELLS];
  size_t ntexts;
  bool as_bool, open;
};
struct search {
  const struct term **terms; /* flat: none is an "and" */
  size_t nterms, terms_cap;
  struct cells *cells;
  size_t ncells;
  struct assumptions now;
  size_t steps, *left;
  bool over; /* too much of something: nothing is concluded */
};

static struct cells *cells_of(struct search *s, const char *name, bool open)
{
  size_t i;
  for (i = 0; i < s->ncells; i++)
    if (strcmp(s->cells[i].name, name) == 0)
      return &s->cells[i];
  if (s->ncells == MAX_NAMES) {
    s->over = true;
    return &s->cells[0];
  }
  s->cells[s->ncells] = (struct cells){.name = name, .open = open, .as_bool = open};
  return &s->cells[s->ncells++];
}

static void note_constant(struct search *s, struct cells *c, const struct guess *g)
{
  if (c->npoints >= MAX_CELLS / 2 - 2 || c->ntexts >= MAX_CELLS - 3) {
    s->over = true;
    return;
  }
  if (g->kind == GUESS_NUMBER)
    c->points[c->npoints++] = g->number;
  else if (g->kind == GUESS_TEXT)
    c->texts[c->ntexts++] = g->text;
  else
    c->as_bool = true;
}

static void collect(struct search *s, const struct term *t)
{
  size_t i;
  if (t->kind == TERM_OPEN) {
    cells_of(s, t->name, true);
  } else if (t->kind == TERM_HAS) {
    cells_of(s, t->name, false);
  } else if (t->kind == TERM_NAME) {
    cells_of(s, t->name, false)->as_bool = true;
  } else if (t->kind == TERM_COMPARE || t->kind == TERM_IN) {
    const struct term *name = t->args[0]->kind == TERM_NAME ? t->args[0] : t->nargs > 1 ? t->args[1] : NULL;
    for (i = 0; name && name->kind == TERM_NAME && i < t->nargs; i++)
      if (t->args[i]->kind == TERM_VALUE)
        note_constant(s, cells_of(s, name->name, false), &t->args[i]->value);
  } else {
    for (i = 0; i < t->nargs; i++)
      collect(s, t->args[i]);
  }
}

static int by_number(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* A time span is never negative and counts are not either, but nobody promises it: every number is possible. */
static void fill_cells(struct cells *c)
{
  size_t i;
  qsort(c->points, c->npoints, sizeof *c->points, by_number);
  for (i = 0; i < c->npoints; i++) {
    double before = i ? (c->points[i - 1] + c->points[i]) / 2 : c->points[i] - 1;
    if (i && !(c->points[i] > c->points[i - 1]))
      continue;
    c->items[c->n++] = guess_number(before);
    c->items[c->n++] = guess_number(c->points[i]);
  }
  if (c->npoints)
    c->items[c->n++] = guess_number(c->points[c->npoints - 1] + 1);
  for (i = 0; i < c->ntexts && c->n < MAX_CELLS - 3; i++)
    c->items[c->n++] = guess_text(c->texts[i]);
  if (c->ntexts)
    c->items[c->n++] = guess_text(OTHER_TEXT);
  if (c->as_bool) {
    c->items[c->n++] = guess_bool(true);
    c->items[c->n++] = guess_bool(false);
  }
  if (!c->n)
    c->items[c->n++] = guess_number(0); /* only asked whether it is there */
  if (!c->open)
    c->items[c->n++] = (struct guess){.kind = GUESS_MISSING};
}

static void add_flat(struct search *s, const struct term *t)
{
  if (t->kind == TERM_AND) {
    add_flat(s, t->args[0]);
    add_flat(s, t->args[1]);
  } else if (term_plain(t)) { /* leaving out what is not understood makes more seem possible, never less */
    if (s->nterms == s->terms_cap) {
      s->terms_cap = s->terms_cap ? s->terms_cap * 2 : 16;
      s->terms = bw_realloc(s->terms, s->terms_cap, sizeof *s->terms);
    }
    s->terms[s->nterms++] = t;
  }
}

static bool dead(const struct search *s)
{
  size_t i;
  for (i = 0; i < s->nterms; i++)
    if (term_refuses(s->terms[i], &s->now))
      return true;
  return false;
}

static bool settled(const struct search *s)
{
  size_t i;
  for (i = 0; i < s->nterms; i++)
    if (!term_holds(s->terms[i], &s->now))
      return false;
  return true;
}

/* Whether some values of the names from `at` on make all hold. */
static bool seek(struct search *s, size_t at)
{
  const struct cells *c;
  size_t i;
  bool found = false;
  if (++s->steps > MAX_STEPS || *s->left == 0)
    s->over = true;
  else
    --*s->left;
  if (s->over || settled(s))
    return true;
  if (dead(s) || at == s->ncells)
    return false;
  c = &s->cells[at];
  if (look(&s->now, c->name).kind != GUESS_UNKNOWN) /* given */
    return seek(s, at + 1);
  for (i = 0; i < c->n && !found; i++) {
    assume(&s->now, c->name, c->items[i]);
    found = seek(s, at + 1);
    s->now.n--;
  }
  return found;
}

static void search_clear(struct search *s)
{
  free(s->terms);
  free(s->cells);
  assume_clear(&s->now);
}

static void prepare(struct search *s, const struct assumptions *given)
{
  size_t i;
  s->cells = bw_calloc(MAX_NAMES, sizeof *s->cells);
  for (i = 0; i < s->nterms; i++)
    collect(s, s->terms[i]);
  for (i = 0; i < s->ncells; i++)
    fill_cells(&s->cells[i]);
  for (i = 0; given && i < given->n; i++)
    assume(&s->now, given->items[i].name, given->items[i].value);
}

bool terms_possible(const struct term *const *terms, size_t n, const struct assumptions *given, size_t *steps)
{
  struct search s = {.left = steps};
  size_t i;
  bool possible;
  for (i = 0; i < n; i++)
    add_flat(&s, terms[i]);
  prepare(&s, given);
  possible = seek(&s, 0) || s.over;
  search_clear(&s);
  return possible;
}

bool term_always(const struct term *t, size_t *steps)
{
  struct search s = {.left = steps};
  size_t i, total = 1, k;
  bool always = true;
  if (!term_plain(t))
    return false;
  s.terms = bw_calloc(1, sizeof *s.terms);
  s.terms[s.nterms++] = t;
  prepare(&s, NULL);
  for (i = 0; i < s.ncells; i++)
    total = total > MAX_STEPS ? total : total * s.cells[i].n;
  always = !s.over && total <= MAX_STEPS && total <= *steps;
  *steps -= always ? total : 0;
  for (k = 0; always && k < total; k++) { /* every combination */
    size_t rest = k;
    s.now.n = 0;
    for (i = 0; i < s.ncells; i++) {
      assume(&s.now, s.cells[i].name, s.cells[i].items[rest % s.cells[i].n]);
      rest /= s.cells[i].n;
    }
    always = term_holds(t, &s.now);
  }
  search_clear(&s);
  return always;
}
