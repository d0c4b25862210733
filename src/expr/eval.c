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
  static const char letters[] = "bidsturlmgan";
  static const enum bw_type types[] = {BW_TYPE_BOOL,      BW_TYPE_INT,      BW_TYPE_DOUBLE, BW_TYPE_STRING,
                                       BW_TYPE_TIMESTAMP, BW_TYPE_DURATION, BW_TYPE_RANK,   BW_TYPE_LIST,
                                       BW_TYPE_MAP,       BW_TYPE_SIGNAL,   BW_TYPE_ANY,    BW_TYPE_NAME};
  _Static_assert(sizeof letters - 1 == sizeof types / sizeof *types, "a type for each letter");
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

const struct bw_expr_function *bw_expr_best(const struct bw_expr_function *const *list, size_t count, const enum bw_type *types,
                                            size_t n, int *ret_fit)
{
  const struct bw_expr_function *best = NULL;
  size_t i;
  int best_fit = 0;
  for (i = 0; i < count && best_fit < 2; i++) {
    int fit = bw_expr_fits(list[i], types, n);
    if (fit > best_fit) {
      best = list[i];
      best_fit = fit;
    }
  }
  if (ret_fit)
    *ret_fit = best_fit;
  return best;
}

bool bw_expr_pay(struct bw_eval *ev, size_t steps, struct bw_value *ret)
{
  uint32_t limit = ev->cost_limit ? ev->cost_limit : BW_EXPR_COST;
  if (ev->cost <= limit && steps <= limit - ev->cost) {
    ev->cost += (uint32_t)steps;
    return true;
  }
  ev->cost = limit + 1; /* whatever absorbs the error, the evaluation as a whole ends with it */
  *ret = bw_value_error(BW_VALUE_COST, BW_STR("the expression takes too many steps"));
  return false;
}

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

/* Whether a value from outside is what was declared, its elements too: else a union would be misread. */
static bool is_declared(const struct bw_value *v, code type)
{
  enum bw_type kind = BW_TYPE_KIND(type);
  size_t i, n = v->type == BW_TYPE_MAP ? 2 * v->list.n : v->list.n;
  if (kind == BW_TYPE_ANY)
    return true;
  if (v->type != kind)
    return false;
  if ((kind != BW_TYPE_LIST && kind != BW_TYPE_MAP) || !(type >> 5))
    return true;
  for (i = 0; i < n; i++) {
    bool key = kind == BW_TYPE_LIST || i % 2 == 0;
    if (!is_declared(&v->list.items[i], key ? bw_code_element(type) : bw_code_value(type)))
      return false;
  }
  return true;
}

static void read_name(const struct bw_expr *e, struct bw_eval *ev, uint32_t at, struct bw_value *ret)
{
  const struct name *name = &e->names[at];
  ev->lookup(ev->ctx, name->slot, name->text, ret);
  if (ret->type == BW_TYPE_INT && name->type == BW_TYPE_DOUBLE)
    *ret = bw_value_double((double)ret->i);
  if (ret->type != BW_TYPE_ERROR && ret->type != name->type && !is_declared(ret, name->type))
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, name->text);
  if (ev->collect)
    collect(ev, name->text, name->slot, ret);
}

static void run_name(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  read_name(e, ev, n->name, ret);
}

static void run_constant(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  (void)e;
  (void)ev;
  *ret = n->value;
}

static void run_ref(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  (void)ev;
  *ret = (struct bw_value){.type = BW_TYPE_NAME, .i = e->names[n->name].slot, .s = e->names[n->name].text};
}

static void run_local(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  (void)e;
  *ret = ev->locals[n->slot];
}

static void run_select(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value from;
  bw_expr_run(e, ev, n->args[0], &from);
  if (from.type == BW_TYPE_ERROR)
    *ret = from;
  else
    bw_expr_run_select(ev, &from, n->key, ret);
}

/* Whatever is missing on the way is missing; any other error stays one. */
static void run_has(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value v;
  bw_expr_run(e, ev, n->args[0], &v);
  if (v.type == BW_TYPE_ERROR && v.i != BW_VALUE_MISSING && n->args[0]->kind == N_SELECT)
    *ret = v;
  else
    *ret = bw_value_bool(v.type != BW_TYPE_ERROR && v.type != BW_TYPE_NULL);
}

/* CEL: an error on one side is absorbed where the other side decides alone. */
static void run_logic(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  bool decides = n->kind == N_OR;
  struct bw_value a, b;
  bw_expr_run(e, ev, n->args[0], &a);
  if (a.type == BW_TYPE_BOOL && a.b == decides) {
    *ret = a;
    return;
  }
  bw_expr_run(e, ev, n->args[1], &b);
  if (b.type == BW_TYPE_BOOL && (b.b == decides || a.type == BW_TYPE_BOOL))
    *ret = b;
  else if (a.type == BW_TYPE_ERROR)
    *ret = a;
  else if (b.type == BW_TYPE_ERROR)
    *ret = b;
  else
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("a yes or no is needed"));
}

/* The overload for the types that the arguments turned out to have. */
static const struct bw_expr_function *choose(const struct node *n, const struct bw_value *args)
{
  enum bw_type types[BW_EXPR_MAX_ARGS];
  uint32_t i;
  for (i = 0; i < n->nargs; i++)
    types[i] = args[i].type;
  return bw_expr_best(n->candidates, n->ncandidates, types, n->nargs, NULL);
}

/* A function's value of another type than it declares would misread a union. */
static void correct(const struct bw_expr_function *fn, struct bw_value *ret)
{
  if (fn->result == BW_TYPE_DOUBLE && ret->type == BW_TYPE_INT)
    *ret = bw_value_double((double)ret->i);
  else
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, bw_str(fn->name));
}

static void apply(struct bw_eval *ev, const struct node *n, struct bw_value *args, struct bw_value *ret)
{
  const struct bw_expr_function *fn = n->fn ? n->fn : choose(n, args);
  uint32_t i;
  if (!fn) {
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("the values are of types that do not go together"));
    return;
  }
  for (i = 0; i < n->nargs && (n->widen || !n->fn); i++)
    if (n->fn ? n->widen >> i & 1 : args[i].type == BW_TYPE_INT && bw_expr_letter(fn, i) == 'd')
      args[i] = bw_value_double((double)args[i].i);
  if (n->regex)
    bw_regex_match(n->regex, ev, args[0].s, ret);
  else
    fn->call(ev, args, n->nargs, ret);
  if (ret->type != fn->result && ret->type != BW_TYPE_ERROR && !is_declared(ret, fn->result))
    correct(fn, ret);
  for (i = 0; n->text.len && ev->collect && i < n->nargs; i++)
    if (args[i].type == BW_TYPE_NAME) {
      collect(ev, n->text, (uint32_t)args[i].i, ret);
      return;
    }
}

/* False: one of them is an error, which is in ret. */
static bool run_args(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *args,
                     struct bw_value *ret)
{
  uint32_t i;
  for (i = 0; i < n->nargs; i++) {
    bw_expr_run(e, ev, n->args[i], &args[i]);
    if (args[i].type == BW_TYPE_ERROR) {
      *ret = args[i];
      return false;
    }
  }
  return true;
}

/* Apart, so that a deep chain of operators does not need the room of sixteen arguments at each level. */
static __attribute__((noinline)) void run_long_call(const struct bw_expr *e, struct bw_eval *ev, const struct node *n,
                                                    struct bw_value *ret)
{
  struct bw_value args[BW_EXPR_MAX_ARGS];
  if (run_args(e, ev, n, args, ret))
    apply(ev, n, args, ret);
}

static void run_order(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value value;
  const struct bw_value *b = &n->args[1]->value;
  double a;
  bw_expr_run(e, ev, n->args[0], ret);
  if (ret->type == BW_TYPE_ERROR)
    return;
  a = ret->d;
  if (n->args[1]->kind == N_CONST) {
    ev->cost++; /* looked at before each step */
  } else {
    bw_expr_run(e, ev, n->args[1], &value);
    b = &value;
    if (value.type == BW_TYPE_ERROR) {
      *ret = value;
      return;
    }
  }
  ret->type = BW_TYPE_BOOL;
  ret->b = n->order == ORDER_LESS         ? a < b->d
           : n->order == ORDER_LESS_EQUAL ? a <= b->d
           : n->order == ORDER_GREATER    ? a > b->d
                                          : a >= b->d;
}

static void run_call(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value args[2];
  if (n->order != ORDER_NONE)
    run_order(e, ev, n, ret);
  else if (n->nargs > 2)
    run_long_call(e, ev, n, ret);
  else if (run_args(e, ev, n, args, ret))
    apply(ev, n, args, ret);
}

static void run_list(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value *items = bw_eval_alloc(ev, (n->nargs + 1) * sizeof *items);
  if (!run_args(e, ev, n, items, ret))
    return;
  if (n->kind == N_MAP)
    bw_expr_make_map(ev, items, n->nargs / 2, ret);
  else
    bw_expr_make_list(ev, items, n->nargs, ret);
}

static void run_cond(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct bw_value question;
  bw_expr_run(e, ev, n->args[0], &question);
  if (question.type == BW_TYPE_ERROR) {
    *ret = question;
    return;
  }
  if (question.type != BW_TYPE_BOOL) {
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("the question before ? is no yes or no"));
    return;
  }
  bw_expr_run(e, ev, n->args[question.b ? 1 : 2], ret);
  if (n->type == BW_TYPE_DOUBLE && ret->type == BW_TYPE_INT)
    *ret = bw_value_double((double)ret->i);
}

void bw_expr_run(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  static void (*const runs[])(const struct bw_expr *, struct bw_eval *, const struct node *, struct bw_value *) = {
      [N_CONST] = run_constant,      [N_NAME] = run_name, [N_REF] = run_ref,   [N_LOCAL] = run_local,
      [N_SELECT] = run_select,       [N_CALL] = run_call, [N_AND] = run_logic, [N_OR] = run_logic,
      [N_COND] = run_cond,           [N_HAS] = run_has,   [N_LIST] = run_list, [N_MAP] = run_list,
      [N_MACRO] = bw_expr_run_macro,
  };
  if (bw_expr_pay(ev, 1, ret))
    runs[n->kind](e, ev, n, ret);
}

void bw_expr_eval(const struct bw_expr *e, struct bw_eval *ev, struct bw_value *ret)
{
  struct bw_value locals[BW_EXPR_MAX_LOCALS], *outer = ev->locals;
  uint32_t limit = ev->cost_limit ? ev->cost_limit : BW_EXPR_COST;
  ev->locals = locals;
  ev->cost = 0;
  bw_expr_run(e, ev, e->root, ret);
  ev->locals = outer;
  if (ev->cost > limit)
    *ret = bw_value_error(BW_VALUE_COST, BW_STR("the expression takes too many steps"));
}
