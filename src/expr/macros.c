/* SPDX-License-Identifier: Apache-2.0 */
/* all, exists, exists_one, filter, map: checked and run, one step of cost for each element.  No privileges. */
#include "expr/private.h"

static const struct macro macros[] = {
    {"all", FOLD_ALL, 1},       {"exists", FOLD_EXISTS, 1}, {"exists_one", FOLD_ONE, 1}, {"existsOne", FOLD_ONE, 1},
    {"filter", FOLD_FILTER, 1}, {"map", FOLD_MAP, 1},       {"map", FOLD_MAP, 2},
};

const struct macro *bw_expr_macro(struct bw_str name, uint32_t nargs, bool *ret_exists)
{
  size_t i;
  for (i = 0; i < sizeof macros / sizeof *macros; i++) {
    if (!bw_str_is(name, macros[i].name))
      continue;
    *ret_exists = true;
    if (macros[i].args + 1 == nargs)
      return &macros[i];
  }
  return NULL;
}

/* ---- checking ---- */

/* What the macro gives, of the type of its last argument. */
static code result_type(const struct macro *m, code element, code last)
{
  return m->fold == FOLD_FILTER ? bw_code_list(element) : m->fold == FOLD_MAP ? bw_code_list(last) : (code)BW_TYPE_BOOL;
}

int bw_expr_check_macro(struct compiler *c, struct node *n)
{
  const struct node *last = n->args[n->nargs - 1];
  bool condition = n->macro->fold != FOLD_MAP;
  code range;
  uint32_t i;
  int rc = bw_expr_check(c, n->args[0]);
  if (rc < 0)
    return rc;
  range = n->args[0]->type;
  if (BW_TYPE_KIND(range) != BW_TYPE_LIST && BW_TYPE_KIND(range) != BW_TYPE_MAP && range != BW_TYPE_ANY)
    return bw_expr_fail(c, n->at, "%s() goes through a list or a map, and this is a %s", n->macro->name,
                        bw_type_name((enum bw_type)range));
  if (c->nlocals == BW_EXPR_MAX_LOCALS)
    return bw_expr_fail(c, n->at, "more than %d of all, exists, filter and map inside each other", BW_EXPR_MAX_LOCALS);
  n->slot = c->nlocals;
  c->locals[c->nlocals++] = (struct local){bw_expr_arena_str(&c->e->arena, n->key), bw_code_element(range)};
  if (c->nlocals > c->e->nlocals)
    c->e->nlocals = c->nlocals;
  for (i = 1; i < n->nargs && rc == 0; i++) {
    rc = bw_expr_check(c, n->args[i]);
    if (rc == 0 && (condition || i + 1 < n->nargs))
      rc = bw_expr_want_bool(c, n->args[i], n->macro->name);
  }
  c->nlocals--;
  n->type = result_type(n->macro, bw_code_element(range), last->type);
  return rc;
}

/* ---- running ---- */

struct state {
  enum fold fold;
  struct bw_value *kept; /* FILTER, MAP */
  size_t n;              /* kept; FOLD_ONE: how many hold */
  struct bw_value error; /* ALL, EXISTS: the first, which a decisive element absorbs */
  struct bw_value *ret;
};

/* The elements of a list, the keys of a map. */
static const struct bw_value *element(const struct bw_value *range, size_t i)
{
  return &range->list.items[range->type == BW_TYPE_MAP ? 2 * i : i];
}

/* Takes what an element came to.  True: the answer is known, and is in ret. */
static bool take(struct state *s, const struct bw_value *item, const struct bw_value *v, bool counts)
{
  bool error = v->type == BW_TYPE_ERROR;
  if (s->fold == FOLD_ALL || s->fold == FOLD_EXISTS) {
    if (error && s->error.type != BW_TYPE_ERROR)
      s->error = *v;
    if (error || v->b != (s->fold == FOLD_EXISTS))
      return false;
    *s->ret = *v;
    return true;
  }
  if (error) {
    *s->ret = *v;
    return true;
  }
  if (s->fold == FOLD_MAP && counts)
    s->kept[s->n++] = *v;
  else if (s->fold == FOLD_FILTER && v->b)
    s->kept[s->n++] = *item;
  else if (s->fold == FOLD_ONE)
    s->n += v->b;
  return false;
}

static void finish(struct bw_eval *ev, struct state *s)
{
  if (s->error.type == BW_TYPE_ERROR)
    *s->ret = s->error;
  else if (s->fold == FOLD_FILTER || s->fold == FOLD_MAP)
    bw_expr_make_list(ev, s->kept, s->n, s->ret);
  else
    *s->ret = bw_value_bool(s->fold == FOLD_ONE ? s->n == 1 : s->fold == FOLD_ALL);
}

static void need_bool(struct bw_value *v)
{
  if (v->type != BW_TYPE_BOOL && v->type != BW_TYPE_ERROR)
    *v = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("a yes or no is needed"));
}

void bw_expr_run_macro(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret)
{
  struct state s = {.fold = n->macro->fold, .ret = ret, .error = {.type = BW_TYPE_NULL}};
  struct bw_value range, v;
  size_t i;
  bw_expr_run(e, ev, n->args[0], &range);
  if (range.type == BW_TYPE_ERROR) {
    *ret = range;
    return;
  }
  if (range.type != BW_TYPE_LIST && range.type != BW_TYPE_MAP) {
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("a list or a map is needed"));
    return;
  }
  if (s.fold == FOLD_FILTER || s.fold == FOLD_MAP) {
    if (!bw_expr_pay(ev, range.list.n / 8, ret))
      return;
    s.kept = bw_eval_alloc(ev, (range.list.n + 1) * sizeof *s.kept);
  }
  for (i = 0; i < range.list.n; i++) {
    bool counts = true;
    if (!bw_expr_pay(ev, 1, ret))
      return;
    ev->locals[n->slot] = *element(&range, i);
    bw_expr_run(e, ev, n->args[1], &v);
    if (s.fold != FOLD_MAP || n->nargs > 2)
      need_bool(&v);
    if (n->nargs > 2 && v.type == BW_TYPE_BOOL) {
      counts = v.b;
      if (counts)
        bw_expr_run(e, ev, n->args[2], &v);
    }
    if (take(&s, element(&range, i), &v, counts))
      return;
  }
  finish(ev, &s);
}
