/* SPDX-License-Identifier: Apache-2.0 */
/* From tokens to a tree, by CEL's grammar.  Every process that reads rules; no privileges. */
#include <stdio.h>

#include "expr/private.h"

static struct node *parse_expr(struct compiler *c);

int bw_expr_fail(struct compiler *c, size_t at, const char *fmt, ...)
{
  char text[480];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  c->error_at = at;
  return bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "%s", text);
}

static bool advance(struct compiler *c)
{
  size_t at;
  if (bw_expr_lex(&c->lexer, &c->tok, c->err) < 0) {
    at = c->tok.at;
    c->error_at = at;
    return false;
  }
  return true;
}

static bool is_op(const struct compiler *c, const char *op)
{
  return c->tok.kind == T_OP && bw_str_is(c->tok.text, op);
}

static struct node *node_new(struct compiler *c, enum node_kind kind, size_t at)
{
  struct node *n;
  if (++c->nnodes > BW_EXPR_MAX_NODES) {
    bw_expr_fail(c, at, "this expression is too long: more than %d parts", BW_EXPR_MAX_NODES);
    return NULL;
  }
  n = bw_expr_arena(&c->e->arena, sizeof *n);
  *n = (struct node){.kind = kind, .at = (uint32_t)at, .depth = 1};
  return n;
}

static struct node *call(struct compiler *c, enum node_kind kind, struct bw_str name, size_t at, struct node **args,
                         uint32_t nargs)
{
  struct node *n = node_new(c, kind, at);
  uint32_t i;
  if (!n)
    return NULL;
  n->fname = name;
  n->nargs = nargs;
  n->args = bw_expr_arena(&c->e->arena, (nargs + 1) * sizeof *n->args);
  for (i = 0; i < nargs; i++) {
    n->args[i] = args[i];
    if (args[i]->depth >= n->depth)
      n->depth = args[i]->depth + 1;
  }
  if (n->depth > MAX_TREE_DEPTH) {
    bw_expr_fail(c, at, "this expression is nested too deeply: more than %d levels", MAX_TREE_DEPTH);
    return NULL;
  }
  return n;
}

static bool enter(struct compiler *c)
{
  if (++c->depth <= BW_EXPR_MAX_DEPTH)
    return true;
  bw_expr_fail(c, c->tok.at, "this expression is nested too deeply: more than %d brackets", BW_EXPR_MAX_DEPTH);
  return false;
}

static bool expect(struct compiler *c, const char *op, const char *what)
{
  if (is_op(c, op))
    return advance(c);
  if (c->tok.kind == T_END)
    bw_expr_fail(c, c->tok.at, "the expression ends where %s should stand", what);
  else
    bw_expr_fail(c, c->tok.at, "found \"%.*s\" where %s should stand", (int)(c->tok.text.len > 40 ? 40 : c->tok.text.len),
                 c->tok.text.data, what);
  return false;
}

/* Expressions separated by commas up to a closing bracket, which is consumed. */
static bool parse_list(struct compiler *c, const char *close, struct node **args, uint32_t *nargs)
{
  if (is_op(c, close))
    return advance(c);
  for (;;) {
    struct node *n;
    if (*nargs >= BW_EXPR_MAX_ARGS) {
      bw_expr_fail(c, c->tok.at, "more than %d values in one list", BW_EXPR_MAX_ARGS);
      return false;
    }
    if (!(n = parse_expr(c)))
      return false;
    args[(*nargs)++] = n;
    if (is_op(c, close))
      return advance(c);
    if (!expect(c, ",", close[0] == ')' ? "a comma or a closing )" : "a comma or a closing ]"))
      return false;
  }
}

static struct node *literal(struct compiler *c)
{
  struct node *n = node_new(c, N_CONST, c->tok.at);
  if (!n)
    return NULL;
  if (c->tok.kind == T_INT)
    n->value = bw_value_int(c->tok.i);
  else if (c->tok.kind == T_DOUBLE)
    n->value = bw_value_double(c->tok.d);
  else if (c->tok.kind == T_STRING)
    n->value = bw_value_string(c->tok.s);
  else if (bw_str_is(c->tok.text, "null"))
    n->value = (struct bw_value){.type = BW_TYPE_NULL};
  else
    n->value = bw_value_bool(bw_str_is(c->tok.text, "true"));
  n->type = n->value.type;
  return advance(c) ? n : NULL;
}

static bool add_part(struct compiler *c, struct bw_path *p, struct bw_str part, size_t at)
{
  if (p->n == BW_EXPR_MAX_PATH) {
    bw_expr_fail(c, at, "this name has more than %d parts", BW_EXPR_MAX_PATH);
    return false;
  }
  p->part[p->n++] = part;
  return true;
}

static struct node *parse_call(struct compiler *c, struct bw_str name, size_t at, struct node *receiver)
{
  struct node *args[BW_EXPR_MAX_ARGS + 1];
  uint32_t n = 0;
  if (receiver)
    args[n++] = receiver;
  if (!advance(c) || !parse_list(c, ")", args, &n))
    return NULL;
  if (bw_str_is(name, "has") && !receiver) {
    if (n != 1 || args[0]->kind != N_NAME) {
      bw_expr_fail(c, at, "has() takes one name, such as has(account.health)");
      return NULL;
    }
    return call(c, N_HAS, name, at, args, 1);
  }
  return call(c, N_CALL, name, at, args, n);
}

/* After a primary: .name, .method(...), ["key"], [index]. */
static struct node *parse_members(struct compiler *c, struct node *n)
{
  while (n && (is_op(c, ".") || is_op(c, "["))) {
    size_t at = c->tok.at;
    if (is_op(c, ".")) {
      struct bw_str member;
      size_t member_at;
      if (!advance(c))
        return NULL;
      member = c->tok.text;
      member_at = c->tok.at;
      if (c->tok.kind != T_IDENT) {
        bw_expr_fail(c, member_at, "a name should follow the dot");
        return NULL;
      }
      if (!advance(c))
        return NULL;
      if (is_op(c, "(")) {
        n = parse_call(c, member, member_at, n);
      } else if (n->kind != N_NAME) {
        bw_expr_fail(c, member_at, "only names have members: \"%.*s\" cannot be taken from a computed value", BW_FMT(member));
        return NULL;
      } else if (!add_part(c, n->path, member, member_at)) {
        return NULL;
      }
      continue;
    }
    if (!advance(c))
      return NULL;
    if (n->kind == N_NAME && c->tok.kind == T_STRING) {
      if (!add_part(c, n->path, c->tok.s, c->tok.at) || !advance(c) || !expect(c, "]", "a closing ]"))
        return NULL;
    } else {
      struct node *args[2] = {n, parse_expr(c)};
      if (!args[1] || !expect(c, "]", "a closing ]"))
        return NULL;
      n = call(c, N_CALL, BW_STR("_[_]"), at, args, 2);
    }
  }
  return n;
}

static struct node *parse_ident(struct compiler *c)
{
  struct token t = c->tok;
  struct node *n;
  if (bw_str_is(t.text, "true") || bw_str_is(t.text, "false") || bw_str_is(t.text, "null"))
    return literal(c);
  if (bw_str_is(t.text, "in") || bw_str_is(t.text, "and") || bw_str_is(t.text, "or") || bw_str_is(t.text, "not")) {
    bw_expr_fail(c, t.at, "\"%.*s\" cannot stand here%s", BW_FMT(t.text),
                 t.text.data[0] == 'a'   ? "; and is written &&"
                 : t.text.data[0] == 'o' ? "; or is written ||"
                 : t.text.data[0] == 'n' ? "; not is written !"
                                         : "");
    return NULL;
  }
  if (!advance(c))
    return NULL;
  if (is_op(c, "("))
    return parse_call(c, t.text, t.at, NULL);
  if (!(n = node_new(c, N_NAME, t.at)))
    return NULL;
  n->path = bw_expr_arena(&c->e->arena, sizeof *n->path);
  *n->path = (struct bw_path){.part = {t.text}, .n = 1};
  return n;
}

static struct node *parse_primary(struct compiler *c)
{
  struct node *n = NULL;
  if (c->tok.kind == T_IDENT)
    return parse_ident(c);
  if (c->tok.kind == T_INT || c->tok.kind == T_DOUBLE || c->tok.kind == T_STRING)
    return literal(c);
  if (is_op(c, "(")) {
    if (!advance(c) || !(n = parse_expr(c)))
      return NULL;
    return expect(c, ")", "a closing )") ? n : NULL;
  }
  if (is_op(c, "[")) {
    struct node *args[BW_EXPR_MAX_ARGS];
    uint32_t nargs = 0;
    size_t at = c->tok.at;
    if (!advance(c) || !parse_list(c, "]", args, &nargs))
      return NULL;
    return call(c, N_LIST, BW_STR("[]"), at, args, nargs);
  }
  expect(c, "\001", "a value");
  return NULL;
}

static struct node *parse_unary(struct compiler *c)
{
  size_t at = c->tok.at;
  bool negate = is_op(c, "-"), invert = is_op(c, "!");
  struct node *n;
  if (!enter(c))
    return NULL;
  if (negate || invert) {
    if (!advance(c))
      return NULL;
    n = parse_unary(c);
    if (n && negate && n->kind == N_CONST && n->type == BW_TYPE_INT)
      n->value.i = -n->value.i; /* literals are never negative before: no overflow */
    else if (n && negate && n->kind == N_CONST && n->type == BW_TYPE_DOUBLE)
      n->value.d = -n->value.d;
    else if (n)
      n = call(c, N_CALL, negate ? BW_STR("-_") : BW_STR("!_"), at, &n, 1);
  } else {
    n = parse_members(c, parse_primary(c));
  }
  c->depth--;
  return n;
}

/* Levels of binary operators, from the loosest. */
static const struct level {
  const char *ops[8];
} levels[] = {
    {{"||"}}, {{"&&"}}, {{"<", "<=", ">=", ">", "==", "!=", "in"}}, {{"+", "-"}}, {{"*", "/", "%"}},
};
#define NLEVELS (sizeof levels / sizeof *levels)

static const char *operator_at(const struct compiler *c, const struct level *l)
{
  size_t i;
  for (i = 0; i < 8 && l->ops[i]; i++)
    if ((c->tok.kind == T_OP || c->tok.kind == T_IDENT) && bw_str_is(c->tok.text, l->ops[i]))
      return l->ops[i];
  return NULL;
}

static struct node *parse_binary(struct compiler *c, size_t level)
{
  struct node *n = level == NLEVELS ? parse_unary(c) : parse_binary(c, level + 1);
  const char *op;
  while (n && level < NLEVELS && (op = operator_at(c, &levels[level]))) {
    size_t at = c->tok.at;
    struct node *args[2] = {n, NULL};
    char *name = bw_expr_arena(&c->e->arena, strlen(op) + 3);
    if (!advance(c) || !(args[1] = parse_binary(c, level + 1)))
      return NULL;
    sprintf(name, "_%s_", op);
    n = call(c, level == 0 ? N_OR : level == 1 ? N_AND : N_CALL, bw_str(name), at, args, 2);
  }
  return n;
}

static struct node *parse_expr(struct compiler *c)
{
  struct node *args[3];
  size_t at;
  if (!enter(c))
    return NULL;
  if (!(args[0] = parse_binary(c, 0)))
    return NULL;
  if (!is_op(c, "?")) {
    c->depth--;
    return args[0];
  }
  at = c->tok.at;
  if (!advance(c) || !(args[1] = parse_binary(c, 0)) || !expect(c, ":", "the : of a ? b : c") || !(args[2] = parse_expr(c)))
    return NULL;
  c->depth--;
  return call(c, N_COND, BW_STR("?:"), at, args, 3);
}

struct node *bw_expr_parse(struct compiler *c)
{
  struct node *n;
  if (!advance(c))
    return NULL;
  if (c->tok.kind == T_END) {
    bw_expr_fail(c, 0, "the expression is empty");
    return NULL;
  }
  n = parse_expr(c);
  if (n && c->tok.kind != T_END) {
    bw_expr_fail(c, c->tok.at, "the expression should end before \"%.*s\"%s",
                 (int)(c->tok.text.len > 40 ? 40 : c->tok.text.len), c->tok.text.data,
                 bw_str_is(c->tok.text, "and")  ? "; and is written &&"
                 : bw_str_is(c->tok.text, "or") ? "; or is written ||"
                                                : "");
    return NULL;
  }
  return n;
}
