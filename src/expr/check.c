/* SPDX-License-Identifier: Apache-2.0 */
/* Names to slots, operators to overloads, types to errors a person can act on.  Processes that read rules; no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "config/config.h"
#include "expr/private.h"

static bool identifier(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i && c >= '0' && c <= '9')))
      return false;
  }
  return s.len > 0;
}

/* trait.usage.ratio["api calls"], as a person would write it. */
static struct bw_str path_text(struct compiler *c, const struct bw_path *p, size_t n)
{
  struct bw_buf b = {0}, key = {0};
  size_t i;
  char *out;
  for (i = 0; i < n; i++) {
    if (identifier(p->part[i])) {
      if (i)
        bw_buf_add_char(&b, '.');
      bw_buf_add_str(&b, p->part[i]);
      continue;
    }
    bw_buf_reset(&key);
    bw_json_str(&key, p->part[i]); /* its escapes are among ours */
    bw_buf_add_char(&b, '[');
    bw_buf_add_str(&b, bw_buf_str(&key));
    bw_buf_add_char(&b, ']');
  }
  out = bw_expr_arena(&c->e->arena, b.len + 1);
  if (b.len)
    memcpy(out, b.data, b.len);
  i = b.len;
  bw_buf_clear(&b);
  bw_buf_clear(&key);
  return bw_str_n(out, i);
}

static int check_name(struct compiler *c, struct node *n)
{
  struct bw_expr *e = c->e;
  struct bw_error why = {0};
  enum bw_type type = BW_TYPE_ERROR;
  uint32_t slot = 0;
  size_t used = 0, i;
  struct bw_str text;
  int rc = c->env->resolve(c->env->ctx, n->path, &type, &slot, &used, &why);
  if (rc < 0)
    return bw_expr_fail(c, n->at, "%s", why.message[0] ? why.message : "unknown name");
  text = path_text(c, n->path, used);
  if (used < n->path->n)
    return bw_expr_fail(c, n->at, "%.*s is a %s and has no member \"%.*s\"", BW_FMT(text), bw_type_name(type),
                        BW_FMT(n->path->part[used]));
  n->type = type;
  for (i = 0; i < e->nnames; i++)
    if (e->names[i].slot == slot && bw_str_eq(e->names[i].text, text))
      break;
  if (i == e->nnames) {
    e->names = bw_realloc(e->names, e->nnames + 1, sizeof *e->names);
    e->names[e->nnames++] = (struct name){text, slot, type};
  }
  n->name = (uint32_t)i;
  return 0;
}

static bool numeric(enum bw_type t)
{
  return t == BW_TYPE_INT || t == BW_TYPE_DOUBLE;
}

static bool comparable(enum bw_type a, enum bw_type b)
{
  return a == b || a == BW_TYPE_ANY || b == BW_TYPE_ANY || (numeric(a) && numeric(b)) || a == BW_TYPE_NULL || b == BW_TYPE_NULL;
}

/* What would make the pair work. */
static const char *hint(enum bw_type a, enum bw_type b)
{
  static const struct {
    enum bw_type a, b;
    const char *text;
  } hints[] = {
      {BW_TYPE_RANK, BW_TYPE_STRING, "; name the step as stage(\"...\")"},
      {BW_TYPE_DURATION, BW_TYPE_INT, "; write the number of days as days(120)"},
      {BW_TYPE_DURATION, BW_TYPE_DOUBLE, "; write the number of days as days(120)"},
      {BW_TYPE_TIMESTAMP, BW_TYPE_STRING, "; write the date as timestamp(\"2026-01-31\")"},
      {BW_TYPE_TIMESTAMP, BW_TYPE_INT, "; a date and a number cannot be mixed, but now - days(30) can"},
      {BW_TYPE_STRING, BW_TYPE_INT, "; double(\"12\") makes a number of a text"},
      {BW_TYPE_STRING, BW_TYPE_DOUBLE, "; double(\"12\") makes a number of a text"},
      {BW_TYPE_STRING, BW_TYPE_BOOL, ""},
  };
  size_t i;
  for (i = 0; i < sizeof hints / sizeof *hints; i++)
    if ((hints[i].a == a && hints[i].b == b) || (hints[i].a == b && hints[i].b == a))
      return hints[i].text;
  if (a == BW_TYPE_SIGNAL || b == BW_TYPE_SIGNAL)
    return "; ask open(signal.x), or for a part of it such as signal.x.value";
  return "";
}

const char *bw_expr_operator(struct bw_str fname)
{
  static const struct {
    const char *name, *shown;
  } table[] = {{"_+_", "+"},   {"_-_", "-"}, {"_*_", "*"},   {"_/_", "/"},   {"_%_", "%"},   {"_==_", "=="},
               {"_!=_", "!="}, {"_<_", "<"}, {"_<=_", "<="}, {"_>_", ">"},   {"_>=_", ">="}, {"_in_", "in"},
               {"!_", "!"},    {"-_", "-"},  {"_&&_", "&&"}, {"_||_", "||"}, {"_[_]", "[]"}};
  size_t i;
  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (bw_str_is(fname, table[i].name))
      return table[i].shown;
  return NULL;
}

static const char *near_function(struct compiler *c, struct bw_str name)
{
  const char **names BW_AUTOFREE = bw_calloc(bw_expr_nbuiltins + c->e->nfunctions + 2, sizeof *names);
  size_t i, n = 0;
  for (i = 0; i < bw_expr_nbuiltins; i++)
    if (bw_expr_builtins[i].name[0] >= 'a') /* no operators */
      names[n++] = bw_expr_builtins[i].name;
  for (i = 0; i < c->e->nfunctions; i++)
    names[n++] = c->e->functions[i].name;
  names[n++] = "has";
  return bw_nearest(name, names);
}

static bool function_exists(const struct bw_expr *e, struct bw_str name)
{
  size_t i;
  for (i = 0; i < bw_expr_nbuiltins; i++)
    if (bw_str_is(name, bw_expr_builtins[i].name))
      return true;
  for (i = 0; i < e->nfunctions; i++)
    if (bw_str_is(name, e->functions[i].name))
      return true;
  return false;
}

static int fail_call(struct compiler *c, const struct node *n, const enum bw_type *types)
{
  const char *op = bw_expr_operator(n->fname), *near;
  char list[256] = "";
  size_t at = 0;
  uint32_t i;
  if (op && n->nargs == 2)
    return bw_expr_fail(c, n->at, "%s does not work between a %s and a %s%s", op, bw_type_name(types[0]),
                        bw_type_name(types[1]), hint(types[0], types[1]));
  if (op)
    return bw_expr_fail(c, n->at, "%s does not work on a %s%s", op, bw_type_name(types[0]), hint(types[0], BW_TYPE_ERROR));
  if (!function_exists(c->e, n->fname)) {
    near = near_function(c, n->fname);
    return bw_expr_fail(c, n->at, "there is no function %.*s()%s%s%s", (int)(n->fname.len > 60 ? 60 : n->fname.len),
                        n->fname.data, near ? "; did you mean " : "", near ? near : "", near ? "()?" : "");
  }
  for (i = 0; i < n->nargs && at + 20 < sizeof list; i++)
    at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", bw_type_name(types[i]));
  return bw_expr_fail(c, n->at, "%.*s() does not take (%s)", BW_FMT(n->fname), list);
}

/* The type that every overload which may be meant agrees on; ANY where they differ. */
static enum bw_type common_result(const struct bw_expr *e, struct bw_str name, const enum bw_type *types, size_t n)
{
  enum bw_type common = BW_TYPE_ERROR;
  size_t i, total = bw_expr_nbuiltins + e->nfunctions;
  for (i = 0; i < total; i++) {
    const struct bw_expr_function *f = i < bw_expr_nbuiltins ? &bw_expr_builtins[i] : &e->functions[i - bw_expr_nbuiltins];
    if (!bw_str_is(name, f->name) || !bw_expr_fits(f, types, n))
      continue;
    if (common == BW_TYPE_ERROR)
      common = f->result;
    else if (common != f->result)
      return BW_TYPE_ANY;
  }
  return common;
}

static int check_constants(struct compiler *c, struct node *n)
{
  struct bw_value values[BW_EXPR_MAX_ARGS + 1];
  struct bw_error why = {0};
  uint32_t i;
  if (!n->fn || !n->fn->check)
    return 0;
  for (i = 0; i < n->nargs; i++) {
    const struct node *a = n->args[i];
    if (a->kind != N_CONST && a->kind != N_REF)
      return 0;
    values[i] = a->kind == N_CONST
                    ? a->value
                    : (struct bw_value){.type = BW_TYPE_NAME, .i = c->e->names[a->name].slot, .s = c->e->names[a->name].text};
  }
  if (n->fn->check(c->env->ctx, values, n->nargs, &why) < 0)
    return bw_expr_fail(c, n->args[0]->at, "%s", why.message);
  return 0;
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
  int rc;
  if (n->kind != N_NAME)
    return bw_expr_fail(c, n->at, "%.*s() takes a name here, such as trait.x, and not a computed value", BW_FMT(call->fname));
  rc = check_name(c, n);
  n->kind = N_REF;
  n->type = BW_TYPE_NAME;
  return rc;
}

/* As a leaf of the evaluation is called: "quartile(trait.x)". */
static struct bw_str call_text(struct compiler *c, const struct node *n)
{
  struct bw_buf b = {0};
  char *out;
  size_t len;
  bw_expr_node_text(&b, c->e, n);
  len = b.len;
  out = bw_expr_arena(&c->e->arena, len + 1);
  memcpy(out, bw_buf_cstr(&b), len);
  bw_buf_clear(&b);
  return bw_str_n(out, len);
}

static int check_call(struct compiler *c, struct node *n)
{
  enum bw_type types[BW_EXPR_MAX_ARGS + 1];
  bool dynamic = false, names = false, equality = bw_str_is(n->fname, "_==_") || bw_str_is(n->fname, "_!=_");
  uint32_t i;
  int fit;
  for (i = 0; i < n->nargs; i++) {
    bool name = wants_name(c->e, n->fname, i);
    int rc = name ? check_name_argument(c, n, n->args[i]) : bw_expr_check(c, n->args[i]);
    if (rc < 0)
      return rc;
    names |= name;
    types[i] = n->args[i]->type;
    dynamic |= types[i] == BW_TYPE_ANY;
  }
  if (equality && !comparable(types[0], types[1]))
    return fail_call(c, n, types);
  n->fn = bw_expr_overload(c->e, n->fname, types, n->nargs, &fit);
  if (!n->fn)
    return fail_call(c, n, types);
  n->type = n->fn->result;
  if (dynamic && fit < 2) {
    n->type = common_result(c->e, n->fname, types, n->nargs);
    n->fn = NULL;
  }
  if (names)
    n->text = call_text(c, n);
  return check_constants(c, n);
}

static int want_bool(struct compiler *c, const struct node *n, const char *where)
{
  if (n->type == BW_TYPE_BOOL || n->type == BW_TYPE_ANY)
    return 0;
  return bw_expr_fail(c, n->at, "%s needs a yes or no, and this is a %s%s", where, bw_type_name(n->type),
                      hint(n->type, BW_TYPE_ERROR));
}

static int check_cond(struct compiler *c, struct node *n)
{
  enum bw_type a = n->args[1]->type, b = n->args[2]->type;
  int rc = want_bool(c, n->args[0], "the question before ?");
  if (rc < 0)
    return rc;
  if (a == b)
    n->type = a;
  else if (numeric(a) && numeric(b))
    n->type = BW_TYPE_DOUBLE;
  else if (a == BW_TYPE_ANY || b == BW_TYPE_ANY)
    n->type = BW_TYPE_ANY;
  else
    return bw_expr_fail(c, n->at, "both answers of ? : must be of one type; these are a %s and a %s", bw_type_name(a),
                        bw_type_name(b));
  return 0;
}

int bw_expr_check(struct compiler *c, struct node *n)
{
  uint32_t i;
  int rc = 0;
  if (n->kind == N_NAME)
    return check_name(c, n);
  if (n->kind == N_CALL)
    return check_call(c, n);
  for (i = 0; i < n->nargs; i++)
    if ((rc = bw_expr_check(c, n->args[i])) < 0)
      return rc;
  switch (n->kind) {
  case N_AND:
  case N_OR:
    n->type = BW_TYPE_BOOL;
    for (i = 0; i < 2 && rc >= 0; i++)
      rc = want_bool(c, n->args[i], n->kind == N_AND ? "&&" : "||");
    return rc;
  case N_COND:
    return check_cond(c, n);
  case N_HAS:
    n->type = BW_TYPE_BOOL;
    n->name = n->args[0]->name;
    if (n->args[0]->type == BW_TYPE_SIGNAL)
      return bw_expr_fail(c, n->at, "ask open(signal.x) whether a signal is open; has() asks whether a value is known");
    return 0;
  case N_LIST:
    n->type = BW_TYPE_LIST;
    return 0;
  default:
    return 0;
  }
}

static struct bw_expr_position position(struct bw_str source, size_t at)
{
  struct bw_expr_position p = {1, 1};
  size_t i;
  for (i = 0; i < at && i < source.len; i++) {
    p.column++;
    if (source.data[i] == '\n') {
      p.line++;
      p.column = 1;
    }
  }
  return p;
}

static int fits_want(struct compiler *c, const struct node *n, enum bw_type want)
{
  if (want == BW_TYPE_ANY || n->type == want || n->type == BW_TYPE_ANY || (want == BW_TYPE_DOUBLE && n->type == BW_TYPE_INT))
    return 0;
  return bw_expr_fail(c, n->at, "a %s is needed here, and this is a %s%s",
                      want == BW_TYPE_BOOL ? "yes or no (a comparison)" : bw_type_name(want), bw_type_name(n->type),
                      hint(n->type, BW_TYPE_ERROR));
}

int bw_expr_compile(struct bw_str source, const struct bw_expr_env *env, enum bw_type want, struct bw_expr **ret_expr,
                    struct bw_expr_position *ret_position, struct bw_error *err)
{
  struct bw_error local = {0};
  struct bw_expr *e = bw_alloc(sizeof *e);
  struct compiler c = {.e = e, .env = env, .err = err ? err : &local};
  char *copy;
  int rc = 0;
  if (source.len > BW_EXPR_MAX_SOURCE)
    rc = bw_fail(c.err, BW_ELIMIT, BW_CLASS_CONFIG, "this expression is longer than %d bytes", BW_EXPR_MAX_SOURCE);
  else if (source.len && (!bw_utf8_valid(source.data, source.len) || memchr(source.data, 0, source.len)))
    rc = bw_fail(c.err, BW_EINVAL, BW_CLASS_CONFIG, "this expression is not UTF-8 text");
  if (rc == 0) {
    copy = bw_expr_arena(&e->arena, source.len + 1);
    memcpy(copy, source.len ? source.data : "", source.len);
    e->source = bw_str_n(copy, source.len);
    e->functions = env->functions;
    e->nfunctions = env->nfunctions;
    c.lexer = (struct lexer){.source = e->source, .arena = &e->arena};
    e->root = bw_expr_parse(&c);
    rc = e->root ? bw_expr_check(&c, e->root) : (int)c.err->code;
    if (rc == 0)
      rc = fits_want(&c, e->root, want);
  }
  if (rc < 0) {
    if (ret_position)
      *ret_position = position(source, c.error_at);
    bw_expr_free(&e);
    return rc;
  }
  *ret_expr = e;
  return 0;
}

void bw_expr_free(struct bw_expr **ep)
{
  struct bw_expr *e = *ep;
  if (!e)
    return;
  bw_expr_arena_free(&e->arena);
  free(e->names);
  free(e);
  *ep = NULL;
}

enum bw_type bw_expr_type(const struct bw_expr *e)
{
  return e->root->type;
}

struct bw_str bw_expr_source(const struct bw_expr *e)
{
  return e->source;
}

bool bw_expr_name_at(const struct bw_expr *e, size_t i, struct bw_str *ret_name, uint32_t *ret_slot, enum bw_type *ret_type)
{
  if (i >= e->nnames)
    return false;
  if (ret_name)
    *ret_name = e->names[i].text;
  if (ret_slot)
    *ret_slot = e->names[i].slot;
  if (ret_type)
    *ret_type = e->names[i].type;
  return true;
}

const struct bw_value *bw_expr_constant(const struct bw_expr *e)
{
  return e->root->kind == N_CONST ? &e->root->value : NULL;
}
