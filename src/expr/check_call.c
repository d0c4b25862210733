/* SPDX-License-Identifier: Apache-2.0 */
/* Operators and functions to overloads, and types to errors that a person can act on.  No privileges. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "config/config.h"
#include "expr/private.h"

static const char *near_function(struct compiler *c, struct bw_str name)
{
  static const char *const others[] = {"has", "exists", "all", "exists_one", "filter", "map"};
  const char **names BW_AUTOFREE = bw_calloc(bw_expr_nbuiltins + c->e->nfunctions + 7, sizeof *names);
  size_t i, n = 0;
  for (i = 0; i < bw_expr_nbuiltins; i++)
    if (bw_expr_builtins[i].name[0] >= 'a') /* no operators */
      names[n++] = bw_expr_builtins[i].name;
  for (i = 0; i < c->e->nfunctions; i++)
    names[n++] = c->e->functions[i].name;
  for (i = 0; i < sizeof others / sizeof *others; i++)
    names[n++] = others[i];
  return bw_nearest(name, names);
}

/* All overloads of the call's name: ours, then the environment's. */
static void find_candidates(struct compiler *c, struct node *n)
{
  const struct bw_expr *e = c->e;
  size_t i, total = bw_expr_nbuiltins + e->nfunctions;
  uint32_t pass, count = 0;
  for (pass = 0; pass < 2; pass++) {
    if (pass == 1)
      n->candidates = bw_expr_arena(&c->e->arena, (count + 1) * sizeof *n->candidates);
    for (i = 0, count = 0; i < total; i++) {
      const struct bw_expr_function *f = i < bw_expr_nbuiltins ? &bw_expr_builtins[i] : &e->functions[i - bw_expr_nbuiltins];
      if (!bw_str_is(n->fname, f->name))
        continue;
      if (pass == 1)
        n->candidates[count] = f;
      count++;
    }
  }
  n->ncandidates = count;
}

/* "(text, text)" */
static void add_types(struct bw_buf *b, const struct bw_expr_function *f, const enum bw_type *types, size_t n)
{
  size_t i;
  bw_buf_add_char(b, '(');
  for (i = 0; f ? f->args[i] != '\0' : i < n; i++) {
    if (f && f->args[i] == '+')
      bw_buf_add_cstr(b, ", ...");
    else
      bw_buf_printf(b, "%s%s", i ? ", " : "", bw_type_name(f ? bw_expr_letter_type(f->args[i]) : types[i]));
  }
  bw_buf_add_char(b, ')');
}

/* What it was given, and what it takes. */
static int fail_arguments(struct compiler *c, const struct node *n, const enum bw_type *types)
{
  struct bw_buf takes = {0}, given = {0};
  uint32_t i, shown = 0;
  int rc;
  for (i = 0; i < n->ncandidates && shown < 8; i++) {
    const char *before = shown == 0 ? "" : i + 1 == n->ncandidates ? " or " : ", ";
    bw_buf_add_cstr(&takes, before);
    add_types(&takes, n->candidates[i], NULL, 0);
    shown++;
  }
  add_types(&given, NULL, types, n->nargs);
  rc = bw_expr_fail(c, n->at, "%.*s() does not take %s, but %s", BW_FMT(n->fname), bw_buf_cstr(&given), bw_buf_cstr(&takes));
  bw_buf_clear(&takes);
  bw_buf_clear(&given);
  return rc;
}

/* A number that stands in quotes, beside one: "10,000". */
static const struct node *quoted_number(const struct node *n, const enum bw_type *types)
{
  uint32_t i;
  size_t k;
  for (i = 0; i < 2; i++) {
    const struct node *text = n->args[i];
    bool number = types[1 - i] == BW_TYPE_INT || types[1 - i] == BW_TYPE_DOUBLE;
    if (!number || text->kind != N_CONST || text->type != BW_TYPE_STRING || !text->value.s.len)
      continue;
    for (k = 0; k < text->value.s.len && strchr("0123456789., ", text->value.s.data[k]) && text->value.s.data[k]; k++)
      ;
    if (k == text->value.s.len)
      return text;
  }
  return NULL;
}

static int fail_call(struct compiler *c, const struct node *n, const enum bw_type *types)
{
  const char *op = bw_expr_operator(n->fname);
  const struct node *quoted = op && n->nargs == 2 ? quoted_number(n, types) : NULL;
  if (quoted)
    return bw_expr_fail(c, quoted->at, "a number in quotes is a text; drop the quotes%s",
                        memchr(quoted->value.s.data, ',', quoted->value.s.len) ? " and the comma: 10000" : "");
  if (op && strcmp(op, "in") == 0 && types[1] == BW_TYPE_STRING)
    return bw_expr_fail(c, n->at, "in looks into a list or a map; for a part of a text write text.contains(\"...\")");
  if (op && n->nargs == 2)
    return bw_expr_fail(c, n->at, "%s does not work between a %s and a %s%s", op, bw_type_name(types[0]),
                        bw_type_name(types[1]), bw_expr_hint(types[0], types[1]));
  if (op)
    return bw_expr_fail(c, n->at, "%s does not work on a %s%s", op, bw_type_name(types[0]),
                        bw_expr_hint(types[0], BW_TYPE_ERROR));
  return fail_arguments(c, n, types);
}

/* Functions of other languages, in letters of any case, and what is written here. */
static const struct {
  const char *name, *says;
} foreign[] = {
    {"months", "a month is written as days: days(120) for four"},
    {"month", "a month is written as days: days(120) for four"},
    {"years", "a year is written as days: days(365)"},
    {"year", "a year is written as days: days(365)"},
    {"weeks", "a week is written as days: days(7)"},
    {"minutes", "minutes are written as duration(\"30m\")"},
    {"today", "the present moment is now, without brackets"},
    {"if", "write condition ? this : that"},
    {"len", "how long something is: size(x)"},
    {"count", "how many there are: size(x)"},
    {"isnull", "whether a value is known: has(account.health)"},
};

static int unknown_function(struct compiler *c, const struct node *n)
{
  const char *near = near_function(c, n->fname);
  size_t i;
  for (i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (n->fname.len == strlen(foreign[i].name) && strncasecmp(n->fname.data, foreign[i].name, n->fname.len) == 0)
      return bw_expr_fail(c, n->at, "there is no function %.*s(); %s", BW_FMT(n->fname), foreign[i].says);
  return bw_expr_fail(c, n->at, "there is no function %.*s()%s%s%s", (int)(n->fname.len > 60 ? 60 : n->fname.len),
                      n->fname.data, near ? "; did you mean " : "", near ? near : "", near ? "()?" : "");
}

/* The type that every overload which may be meant agrees on; ANY where they differ. */
static enum bw_type common_result(const struct node *n, const enum bw_type *types)
{
  enum bw_type common = BW_TYPE_ERROR;
  uint32_t i;
  for (i = 0; i < n->ncandidates; i++) {
    const struct bw_expr_function *f = n->candidates[i];
    if (!bw_expr_fits(f, types, n->nargs))
      continue;
    if (common == BW_TYPE_ERROR)
      common = f->result;
    else if (common != f->result)
      return BW_TYPE_ANY;
  }
  return common;
}

/* ---- what the letters of a declaration cannot say ---- */

static int elements_differ(struct compiler *c, const struct node *n, code a, code b)
{
  return bw_expr_fail(c, n->at, "%s never holds here: a %s is never a %s%s", bw_expr_operator(n->fname),
                      bw_type_name((enum bw_type)a), bw_type_name((enum bw_type)b),
                      bw_expr_hint(BW_TYPE_KIND(a), BW_TYPE_KIND(b)));
}

/* Of two lists or maps, the innermost types that cannot be equal. */
static int type_equality(struct compiler *c, struct node *n)
{
  code a = n->args[0]->type, b = n->args[1]->type;
  const struct node *of = b == BW_TYPE_NULL ? n->args[0] : n->args[1];
  if ((a == BW_TYPE_NULL || b == BW_TYPE_NULL) && of->kind == N_NAME && of->type != BW_TYPE_ANY && of->type != BW_TYPE_NULL)
    return bw_expr_fail(c, n->at, "a name is missing rather than null; write has(%.*s) or !has(%.*s)",
                        BW_FMT(c->e->names[of->name].text), BW_FMT(c->e->names[of->name].text));
  while (BW_TYPE_KIND(a) == BW_TYPE_KIND(b) && (BW_TYPE_KIND(a) == BW_TYPE_LIST || BW_TYPE_KIND(a) == BW_TYPE_MAP)) {
    bool keys = !bw_code_comparable(bw_code_element(a), bw_code_element(b));
    if (BW_TYPE_KIND(a) == BW_TYPE_LIST || keys) {
      a = bw_code_element(a);
      b = bw_code_element(b);
    } else {
      a = bw_code_value(a);
      b = bw_code_value(b);
    }
  }
  return bw_code_comparable(a, b) ? 0 : elements_differ(c, n, a, b);
}

static int type_in(struct compiler *c, struct node *n)
{
  code a = n->args[0]->type, b = bw_code_element(n->args[1]->type);
  return bw_code_comparable(a, b) ? 0 : elements_differ(c, n, a, b);
}

static int type_index(struct compiler *c, struct node *n)
{
  code from = n->args[0]->type, index = n->args[1]->type;
  bool list = BW_TYPE_KIND(from) == BW_TYPE_LIST;
  if (list && index != BW_TYPE_INT && index != BW_TYPE_ANY)
    return bw_expr_fail(c, n->at, "the elements of a list are numbered 0, 1, 2, ...; this is a %s",
                        bw_type_name((enum bw_type)index));
  if (BW_TYPE_KIND(from) == BW_TYPE_MAP && !bw_code_comparable(bw_code_element(from), index))
    return bw_expr_fail(c, n->at, "the keys of this map are of the type %s, and this is a %s",
                        bw_type_name((enum bw_type)bw_code_element(from)), bw_type_name((enum bw_type)index));
  n->type = list ? bw_code_element(from) : BW_TYPE_KIND(from) == BW_TYPE_MAP ? bw_code_value(from) : (code)BW_TYPE_ANY;
  return 0;
}

static int type_add(struct compiler *c, struct node *n)
{
  code a = n->args[0]->type, b = n->args[1]->type;
  (void)c;
  if (BW_TYPE_KIND(a) == BW_TYPE_LIST && BW_TYPE_KIND(b) == BW_TYPE_LIST)
    n->type = bw_code_join(a, b);
  return 0;
}

static int type_matches(struct compiler *c, struct node *n)
{
  const struct node *pattern = n->args[1];
  struct bw_error why = {0};
  if (pattern->kind != N_CONST || n->fn == NULL || n->fn->call != bw_expr_matches)
    return 0;
  if (bw_regex_new(pattern->value.s, &n->regex, &why) < 0)
    return bw_expr_fail(c, pattern->at, "%s", why.message);
  bw_regex_chain(&c->e->regexes, n->regex);
  return 0;
}

static const struct {
  const char *fname;
  int (*check)(struct compiler *c, struct node *n);
} typings[] = {{"_==_", type_equality}, {"_!=_", type_equality}, {"_in_", type_in},
               {"_[_]", type_index},    {"_+_", type_add},       {"matches", type_matches}};

static int apply_typing(struct compiler *c, struct node *n)
{
  size_t i;
  for (i = 0; i < sizeof typings / sizeof *typings; i++)
    if (bw_str_is(n->fname, typings[i].fname))
      return typings[i].check(c, n);
  return 0;
}

/* ---- constant arguments ---- */

static bool builtin(const struct bw_expr_function *f)
{
  return f >= bw_expr_builtins && f < bw_expr_builtins + bw_expr_nbuiltins;
}

/* The value of an argument that needs no evaluation; of type ANY where it does. */
static struct bw_value constant(struct compiler *c, const struct node *n)
{
  struct bw_value v = {.type = BW_TYPE_ANY};
  if (n->kind == N_REF) {
    v = (struct bw_value){.type = BW_TYPE_NAME, .i = c->e->names[n->name].slot, .s = c->e->names[n->name].text};
  } else if (n->constant) {
    c->scratch.cost = 0;
    bw_expr_run(c->e, &c->scratch, n, &v);
    if (v.type == BW_TYPE_ERROR)
      v.type = BW_TYPE_ANY; /* left for the evaluation, where it may be absorbed */
  }
  return v;
}

static int check_constants(struct compiler *c, struct node *n)
{
  struct bw_value values[BW_EXPR_MAX_ARGS];
  struct bw_error why = {0};
  uint32_t i, known = 0;
  if (!n->fn || !n->fn->check)
    return 0;
  for (i = 0; i < n->nargs; i++) {
    values[i] = constant(c, n->args[i]);
    if (bw_expr_letter(n->fn, i) == 'd' && values[i].type == BW_TYPE_INT)
      values[i] = bw_value_double((double)values[i].i);
    known += values[i].type != BW_TYPE_ANY;
  }
  if (known < n->nargs && !builtin(n->fn))
    return 0;
  if (n->fn->check(c->env->ctx, values, n->nargs, &why) < 0)
    return bw_expr_fail(c, n->args[0]->at, "%s", why.message);
  return 0;
}

/* An int where the overload wants a double: a literal becomes one now, anything else when evaluated. */
static void widen(struct node *n)
{
  uint32_t i;
  for (i = 0; i < n->nargs; i++) {
    struct node *a = n->args[i];
    if (a->type != BW_TYPE_INT || bw_expr_letter(n->fn, i) != 'd')
      continue;
    if (a->kind != N_CONST) {
      n->widen |= 1u << i;
      continue;
    }
    a->value = bw_value_double((double)a->value.i);
    a->type = BW_TYPE_DOUBLE;
    a->whole = true;
  }
}

/* Whether the function wants the name itself there. */
static bool wants_name(const struct bw_expr *e, struct bw_str fname, size_t at)
{
  size_t i;
  for (i = 0; i < e->nfunctions; i++)
    if (bw_str_is(fname, e->functions[i].name))
      return bw_expr_letter(&e->functions[i], at) == 'n';
  return false;
}

/* quartile(trait.x): the argument is the name, whatever its type is. */
static int check_name_argument(struct compiler *c, const struct node *call, struct node *n)
{
  int rc = n->kind == N_NAME ? bw_expr_check_name(c, n) : 0;
  if (rc == 0 && n->kind != N_NAME)
    rc = bw_expr_fail(c, n->at, "%.*s() takes a name here, such as trait.x, and not a computed value", BW_FMT(call->fname));
  n->kind = N_REF;
  n->type = BW_TYPE_NAME;
  n->constant = false;
  return rc;
}

static void set_order(struct node *n)
{
  static const struct {
    bw_expr_call call;
    enum order order;
  } orders[] = {{bw_expr_less, ORDER_LESS},
                {bw_expr_less_equal, ORDER_LESS_EQUAL},
                {bw_expr_greater, ORDER_GREATER},
                {bw_expr_greater_equal, ORDER_GREATER_EQUAL}};
  size_t i;
  for (i = 0; i < sizeof orders / sizeof *orders; i++)
    if (n->fn->call == orders[i].call && n->args[0]->type == BW_TYPE_DOUBLE && n->args[1]->type == BW_TYPE_DOUBLE)
      n->order = orders[i].order;
}

int bw_expr_check_call(struct compiler *c, struct node *n)
{
  enum bw_type types[BW_EXPR_MAX_ARGS];
  bool dynamic = false, names = false, fixed = true;
  uint32_t i;
  int fit, rc;
  find_candidates(c, n);
  if (!n->ncandidates)
    return unknown_function(c, n);
  for (i = 0; i < n->nargs; i++) {
    bool name = wants_name(c->e, n->fname, i);
    rc = name ? check_name_argument(c, n, n->args[i]) : bw_expr_check(c, n->args[i]);
    if (rc < 0)
      return rc;
    names |= name;
    fixed &= n->args[i]->constant;
    types[i] = BW_TYPE_KIND(n->args[i]->type);
    dynamic |= types[i] == BW_TYPE_ANY;
  }
  n->fn = bw_expr_best(n->candidates, n->ncandidates, types, n->nargs, &fit);
  if (!n->fn || (bw_str_is(n->fname, "_==_") && !bw_code_comparable(types[0], types[1])) ||
      (bw_str_is(n->fname, "_!=_") && !bw_code_comparable(types[0], types[1])))
    return fail_call(c, n, types);
  n->constant = fixed && builtin(n->fn);
  n->type = n->fn->result;
  if (dynamic && fit < 2) {
    n->type = common_result(n, types);
    n->fn = NULL;
    n->constant = false;
  }
  if ((rc = apply_typing(c, n)) < 0)
    return rc;
  if (n->fn) {
    widen(n);
    set_order(n);
  }
  if (names)
    n->text = bw_expr_call_text(c, n);
  rc = check_constants(c, n);
  return rc < 0 ? rc : bw_expr_check_compare(c, n);
}
