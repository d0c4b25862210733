/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation: bounded in cost and depth, errors are values.  Runs in core and replays; no privileges. */
#include <stdlib.h>

#include "expr/private.h"

struct bw_eval_chunk {
  struct bw_eval_chunk *next;
  size_t used, cap;
  char data[];
};

void *bw_eval_alloc(struct bw_eval *ev, size_t size)
{
  struct bw_eval_chunk *c = ev->arena;
  void *p;
  size = (size + 15) & ~(size_t)15;
  if (!c || c->cap - c->used < size) {
    size_t cap = size > 2000 ? size : 2000;
    c = bw_alloc(sizeof *c + cap);
    c->cap = cap;
    c->next = ev->arena;
    ev->arena = c;
  }
  p = c->data + c->used;
  c->used += size;
  return p;
}

/* Keeps one chunk: the next evaluation allocates nothing. */
void bw_eval_reset(struct bw_eval *ev)
{
  while (ev->arena && ev->arena->next) {
    struct bw_eval_chunk *next = ev->arena->next;
    free(ev->arena);
    ev->arena = next;
  }
  if (ev->arena)
    ev->arena->used = 0;
  ev->nleaves = 0;
  ev->cost = 0;
}

void bw_eval_clear(struct bw_eval *ev)
{
  bw_eval_reset(ev);
  free(ev->arena);
  free(ev->leaves);
  ev->arena = NULL;
  ev->leaves = NULL;
  ev->leaves_cap = 0;
}

enum bw_type bw_expr_letter_type(char letter)
{
  static const char letters[] = "bidsturlgan";
  static const enum bw_type types[] = {BW_TYPE_BOOL,      BW_TYPE_INT,      BW_TYPE_DOUBLE, BW_TYPE_STRING,
                                       BW_TYPE_TIMESTAMP, BW_TYPE_DURATION, BW_TYPE_RANK,   BW_TYPE_LIST,
                                       BW_TYPE_SIGNAL,    BW_TYPE_ANY,      BW_TYPE_NAME};
  const char *at = letter ? strchr(letters, letter) : NULL;
  return at ? types[at - letters] : BW_TYPE_ERROR;
}

static int fits_one(char letter, enum bw_type have)
{
  enum bw_type want = bw_expr_letter_type(letter);
  if (want == BW_TYPE_ANY)
    return have != BW_TYPE_SIGNAL && have != BW_TYPE_NAME ? 2 : 0;
  if (want == have)
    return 2;
  return (have == BW_TYPE_ANY && want != BW_TYPE_NAME) || (want == BW_TYPE_DOUBLE && have == BW_TYPE_INT);
}

char bw_expr_letter(const struct bw_expr_function *f, size_t i)
{
  size_t len = strlen(f->args);
  bool more = len && f->args[len - 1] == '+';
  if (more)
    len--;
  return i < len ? f->args[i] : more ? f->args[len - 1] : '\0';
}

int bw_expr_fits(const struct bw_expr_function *f, const enum bw_type *types, size_t n)
{
  size_t least = strlen(f->args), i;
  int fit = 2;
  if (least && f->args[least - 1] == '+')
    least--;
  if (n < least)
    return 0;
  for (i = 0; i < n; i++) {
    char letter = bw_expr_letter(f, i);
    int one = letter ? fits_one(letter, types[i]) : 0;
    if (one < fit)
      fit = one;
  }
  return fit;
}

const struct bw_expr_function *bw_expr_overload(const struct bw_expr *e, struct bw_str name, const enum bw_type *types,
                                                size_t n, int *ret_fit)
{
  const struct bw_expr_function *best = NULL;
  size_t i, total = bw_expr_nbuiltins + e->nfunctions;
  int best_fit = 0;
  for (i = 0; i < total && best_fit < 2; i++) {
    const struct bw_expr_function *f = i < bw_expr_nbuiltins ? &bw_expr_builtins[i] : &e->functions[i - bw_expr_nbuiltins];
    int fit = bw_str_is(name, f->name) ? bw_expr_fits(f, types, n) : 0;
    if (fit > best_fit) {
      best = f;
      best_fit = fit;
    }
  }
  if (ret_fit)
    *ret_fit = best_fit;
  return best;
}

static void eval(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret);

static void collect(struct bw_eval *ev, struct bw_str name, uint32_t slot, const struct bw_value *v)
{
  size_t i;
  for (i = 0; i < ev->nleaves; i++)
    if (ev->leaves[i].slot == slot && bw_str_eq(ev->leaves[i].name, name))
      return;
  if (ev->nleaves == ev->leaves_cap) {
    ev->leaves_cap = ev->leaves_cap ? ev->leaves_cap * 2 : 8;
    ev->leaves = bw_realloc(ev->leaves, ev->leaves_cap, sizeof *ev->leaves);
  }
  ev->leaves[ev->nleaves++] = (struct bw_leaf){name, slot, *v};
}

static void read_name(const struct bw_expr *e, struct bw_eval *ev, uint32_t at, struct bw_value *ret)
{
  const struct name *name = &e->names[at];
  ev->lookup(ev->ctx, name->slot, name->text, ret);
  /* A caller's value of another type than it declared is an error value, never a misread union. */
  if (ret->type == BW_TYPE_INT && name->type == BW_TYPE_DOUBLE)
    *ret = bw_value_double((double)ret->i);
  if (ret->type != BW_TYPE_ERROR && name->type != BW_TYPE_ANY && ret->type != name->type)
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, name->text);
  if (ev->collect)
    collect(ev, name->text, name->slot, ret);
}

/* CEL: an error on one side is absorbed where the other side decides alone. */
static void eval_logic(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  bool decides = n->kind == N_OR;
  struct bw_value a, b;
  eval(e, ev, n->args[0], &a);
  if (a.type == BW_TYPE_BOOL && a.b == decides) {
    *ret = a;
    return;
  }
  eval(e, ev, n->args[1], &b);
  if (b.type == BW_TYPE_BOOL && (b.b == decides || a.type == BW_TYPE_BOOL))
    *ret = b;
  else if (a.type == BW_TYPE_ERROR)
    *ret = a;
  else if (b.type == BW_TYPE_ERROR)
    *ret = b;
  else
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("a yes or no is needed"));
}

static void eval_call(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  const struct bw_expr_function *fn = n->fn;
  struct bw_value args[BW_EXPR_MAX_ARGS + 1];
  uint32_t i;
  for (i = 0; i < n->nargs; i++) {
    eval(e, ev, n->args[i], &args[i]);
    if (args[i].type == BW_TYPE_ERROR) {
      *ret = args[i];
      return;
    }
  }
  if (!fn) {
    enum bw_type types[BW_EXPR_MAX_ARGS + 1];
    for (i = 0; i < n->nargs; i++)
      types[i] = args[i].type;
    fn = bw_expr_overload(e, n->fname, types, n->nargs, NULL);
    if (!fn) {
      *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("the values are of types that do not go together"));
      return;
    }
  }
  for (i = 0; i < n->nargs; i++)
    if (args[i].type == BW_TYPE_INT && bw_expr_letter(fn, i) == 'd')
      args[i] = bw_value_double((double)args[i].i);
  fn->call(ev, args, n->nargs, ret);
  for (i = 0; n->text.len && ev->collect && i < n->nargs; i++)
    if (args[i].type == BW_TYPE_NAME) {
      collect(ev, n->text, (uint32_t)args[i].i, ret);
      return;
    }
}

static void eval_list(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value *items = bw_eval_alloc(ev, (n->nargs + 1) * sizeof *items);
  uint32_t i;
  for (i = 0; i < n->nargs; i++) {
    eval(e, ev, n->args[i], &items[i]);
    if (items[i].type == BW_TYPE_ERROR) {
      *ret = items[i];
      return;
    }
  }
  *ret = (struct bw_value){.type = BW_TYPE_LIST, .list = {items, n->nargs}};
}

static void eval_cond(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value question;
  eval(e, ev, n->args[0], &question);
  if (question.type == BW_TYPE_ERROR) {
    *ret = question;
    return;
  }
  if (question.type != BW_TYPE_BOOL) {
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("the question before ? is no yes or no"));
    return;
  }
  eval(e, ev, n->args[question.b ? 1 : 2], ret);
  if (n->type == BW_TYPE_DOUBLE && ret->type == BW_TYPE_INT)
    *ret = bw_value_double((double)ret->i);
}

static void eval(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  if (++ev->cost > (ev->cost_limit ? ev->cost_limit : BW_EXPR_COST)) {
    *ret = bw_value_error(BW_VALUE_COST, BW_STR("the expression takes too many steps"));
    return;
  }
  switch (n->kind) {
  case N_CONST:
    *ret = n->value;
    return;
  case N_NAME:
    read_name(e, ev, n->name, ret);
    return;
  case N_REF:
    *ret = (struct bw_value){.type = BW_TYPE_NAME, .i = e->names[n->name].slot, .s = e->names[n->name].text};
    return;
  case N_HAS: {
    struct bw_value v;
    read_name(e, ev, n->name, &v);
    *ret = bw_value_bool(v.type != BW_TYPE_ERROR && v.type != BW_TYPE_NULL);
    return;
  }
  case N_AND:
  case N_OR:
    eval_logic(e, ev, n, ret);
    return;
  case N_COND:
    eval_cond(e, ev, n, ret);
    return;
  case N_LIST:
    eval_list(e, ev, n, ret);
    return;
  case N_CALL:
    eval_call(e, ev, n, ret);
    return;
  }
}

void bw_expr_eval(const struct bw_expr *e, struct bw_eval *ev, struct bw_value *ret)
{
  ev->cost = 0;
  eval(e, ev, e->root, ret);
}
