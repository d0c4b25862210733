/* SPDX-License-Identifier: Apache-2.0 */
/* From tokens to a tree, by CEL's grammar.  Every process that reads rules; no privileges. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

struct node *bw_expr_node(struct compiler *c, enum node_kind kind, size_t at, struct node **args, uint32_t nargs)
{
  struct node *n;
  uint32_t i;
  if (++c->nnodes > BW_EXPR_MAX_NODES) {
    bw_expr_fail(c, at, "this expression is too long: more than %d parts", BW_EXPR_MAX_NODES);
    return NULL;
  }
  n = bw_expr_arena(&c->e->arena, sizeof *n);
  *n = (struct node){.kind = kind, .at = (uint32_t)at, .depth = 1, .nargs = nargs, .type = BW_TYPE_ANY};
  n->args = bw_expr_arena(&c->e->arena, (nargs + 1) * sizeof *n->args);
  for (i = 0; i < nargs; i++) {
    n->args[i] = args[i];
    if (args[i]->depth >= n->depth)
      n->depth = args[i]->depth + 1;
  }
  if (n->depth > MAX_TREE_DEPTH) {
    bw_expr_fail(c, at, "this expression is nested too deeply: use brackets, or split it");
    return NULL;
  }
  return n;
}

static struct node *call(struct compiler *c, enum node_kind kind, struct bw_str name, size_t at, struct node **args,
                         uint32_t nargs)
{
  struct node *n = bw_expr_node(c, kind, at, args, nargs);
  if (n)
    n->fname = name;
  return n;
}

static bool enter(struct compiler *c)
{
  if (++c->depth <= BW_EXPR_MAX_DEPTH)
    return true;
  bw_expr_fail(c, c->tok.at, "this expression is nested too deeply: more than %d brackets", BW_EXPR_MAX_DEPTH);
  return false;
}

/* 15%: a percent sign that no number follows. */
static bool percent_sign(struct compiler *c, size_t at)
{
  size_t from = at;
  while (from > 0 && c->e->source.data[from - 1] == ' ')
    from--;
  if (from == 0 || c->e->source.data[at] != '%')
    return false;
  while (from > 0 &&
         ((c->e->source.data[from - 1] >= '0' && c->e->source.data[from - 1] <= '9') || c->e->source.data[from - 1] == '.'))
    from--;
  if (at == from || at - from > 20)
    return false;
  bw_expr_fail(c, from, "a percentage is written as a number: %g for %.*s%%", strtod(c->e->source.data + from, NULL) / 100,
               (int)(at - from), c->e->source.data + from);
  return true;
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

/* What stands between brackets, while it grows. */
struct items {
  struct node **at;
  uint32_t n, cap;
};

static void add_item(struct compiler *c, struct items *items, struct node *n)
{
  if (items->n == items->cap) {
    uint32_t cap = items->cap ? items->cap * 2 : 8;
    struct node **grown = bw_expr_arena(&c->e->arena, cap * sizeof *grown);
    if (items->n)
      memcpy(grown, items->at, items->n * sizeof *grown);
    items->at = grown;
    items->cap = cap;
  }
  items->at[items->n++] = n;
}

/* Expressions separated by commas up to a closing bracket, which is consumed; pairs: key: value.  A comma may precede the end
   of a list or a map. */
static bool parse_items(struct compiler *c, const char *close, bool pairs, struct items *items)
{
  static const char *const wanted[] = {"a comma or a closing )", "a comma or a closing ]", "a comma or a closing }"};
  const char *what = wanted[close[0] == ')' ? 0 : close[0] == ']' ? 1 : 2];
  while (!is_op(c, close)) {
    struct node *n = parse_expr(c);
    if (!n)
      return false;
    add_item(c, items, n);
    if (pairs) {
      if (!expect(c, ":", "the : between a key and its value") || !(n = parse_expr(c)))
        return false;
      add_item(c, items, n);
    }
    if (is_op(c, close))
      break;
    if (!expect(c, ",", what))
      return false;
    if (close[0] == ')' && is_op(c, close))
      return expect(c, "\001", "a value");
  }
  return advance(c);
}

static struct node *literal(struct compiler *c)
{
  struct node *n = bw_expr_node(c, N_CONST, c->tok.at, NULL, 0);
  if (!n)
    return NULL;
  if (c->tok.kind == T_INT && c->tok.lowest) {
    bw_expr_fail(c, c->tok.at, "this number is out of range");
    return NULL;
  }
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
  n->constant = true;
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

/* has(a.b): a name, or a member of a map. */
static struct node *parse_has(struct compiler *c, size_t at, const struct items *args)
{
  if (args->n != 1 || (args->at[0]->kind != N_NAME && args->at[0]->kind != N_SELECT)) {
    bw_expr_fail(c, at, "has() takes one name, such as has(account.health)");
    return NULL;
  }
  return call(c, N_HAS, BW_STR("has"), at, args->at, 1);
}

/* list.exists(x, condition): args are the list, the variable's name as a node, and the rest. */
static struct node *parse_macro(struct compiler *c, const struct macro *m, struct bw_str name, size_t at,
                                const struct items *args)
{
  struct node *var = args->at[1], *n;
  struct node *rest[3] = {args->at[0], args->at[2], args->n > 3 ? args->at[3] : NULL};
  if (var->kind != N_NAME || var->path->n != 1) {
    bw_expr_fail(c, var->at, "the first argument of %.*s() is a new name for each element: list.%.*s(x, ...)", BW_FMT(name),
                 BW_FMT(name));
    return NULL;
  }
  if (!(n = call(c, N_MACRO, name, at, rest, args->n - 1)))
    return NULL;
  n->macro = m;
  n->key = var->path->part[0];
  return n;
}

static struct node *parse_call(struct compiler *c, struct bw_str name, size_t at, struct node *receiver)
{
  struct items args = {0};
  const struct macro *m;
  bool known = false;
  if (receiver)
    add_item(c, &args, receiver);
  if (!advance(c) || !parse_items(c, ")", false, &args))
    return NULL;
  if (bw_str_is(name, "has") && !receiver)
    return parse_has(c, at, &args);
  m = receiver ? bw_expr_macro(name, args.n - 1, &known) : NULL;
  if (m)
    return parse_macro(c, m, name, at, &args);
  if (known) {
    bw_expr_fail(c, at, "%.*s() takes a name for each element and a condition or value: list.%.*s(x, ...)", BW_FMT(name),
                 BW_FMT(name));
    return NULL;
  }
  if (args.n > BW_EXPR_MAX_ARGS) {
    bw_expr_fail(c, at, "more than %d arguments of one function", BW_EXPR_MAX_ARGS);
    return NULL;
  }
  return call(c, N_CALL, name, at, args.at, args.n);
}

static struct node *select_member(struct compiler *c, struct node *from, struct bw_str key, size_t at)
{
  struct node *n;
  if (from->kind == N_NAME)
    return add_part(c, from->path, key, at) ? from : NULL;
  if (!(n = bw_expr_node(c, N_SELECT, at, &from, 1)))
    return NULL;
  n->key = key;
  return n;
}

/* .name, .`name` or .method(...) */
static struct node *parse_dot(struct compiler *c, struct node *n)
{
  struct token member;
  if (!advance(c))
    return NULL;
  member = c->tok;
  if (member.kind != T_IDENT && member.kind != T_QUOTED) {
    bw_expr_fail(c, member.at, "a name should follow the dot");
    return NULL;
  }
  if (!advance(c))
    return NULL;
  if (member.kind == T_IDENT && is_op(c, "("))
    return parse_call(c, member.text, member.at, n);
  return select_member(c, n, member.kind == T_IDENT ? member.text : member.s, member.at);
}

/* ["key"] or [index] */
static struct node *parse_index(struct compiler *c, struct node *n)
{
  size_t at = c->tok.at;
  struct node *args[2] = {n, NULL};
  if (!advance(c) || !(args[1] = parse_expr(c)) || !expect(c, "]", "a closing ]"))
    return NULL;
  if (args[1]->kind == N_CONST && args[1]->type == BW_TYPE_STRING)
    return select_member(c, n, args[1]->value.s, args[1]->at);
  return call(c, N_CALL, BW_STR("_[_]"), at, args, 2);
}

static struct node *parse_members(struct compiler *c, struct node *n)
{
  while (n && (is_op(c, ".") || is_op(c, "[")))
    n = is_op(c, ".") ? parse_dot(c, n) : parse_index(c, n);
  return n;
}

/* Operators as words, in letters of any case. */
static const char *word_operator(struct bw_str text)
{
  static const char *const words[][2] = {
      {"and", "; and is written &&"}, {"or", "; or is written ||"}, {"not", "; not is written !"}};
  size_t i;
  for (i = 0; i < sizeof words / sizeof *words; i++)
    if (text.len == strlen(words[i][0]) && strncasecmp(text.data, words[i][0], text.len) == 0)
      return words[i][1];
  return NULL;
}

static bool is_word_operator(struct bw_str text)
{
  return word_operator(text) || bw_str_is(text, "in");
}

/* Words that cannot be names, and what to write instead. */
static bool reserved(struct compiler *c)
{
  static const char *const words[][2] = {{"if", "; write condition ? a : b"},
                                         {"in", ""},
                                         {"as", ""},
                                         {"break", ""},
                                         {"const", ""},
                                         {"continue", ""},
                                         {"else", ""},
                                         {"for", ""},
                                         {"function", ""},
                                         {"import", ""},
                                         {"let", ""},
                                         {"loop", ""},
                                         {"namespace", ""},
                                         {"package", ""},
                                         {"return", ""},
                                         {"var", ""},
                                         {"void", ""},
                                         {"while", ""}};
  const char *word = word_operator(c->tok.text);
  size_t i;
  if (word) {
    bw_expr_fail(c, c->tok.at, "\"%.*s\" cannot stand here%s", BW_FMT(c->tok.text), word);
    return true;
  }
  for (i = 0; i < sizeof words / sizeof *words; i++)
    if (bw_str_is(c->tok.text, words[i][0])) {
      bw_expr_fail(c, c->tok.at, "\"%s\" cannot stand here%s", words[i][0], words[i][1]);
      return true;
    }
  return false;
}

static struct node *parse_ident(struct compiler *c)
{
  struct token t = c->tok;
  struct node *n;
  if (bw_str_is(t.text, "true") || bw_str_is(t.text, "false") || bw_str_is(t.text, "null"))
    return literal(c);
  if (reserved(c) || !advance(c))
    return NULL;
  if (is_op(c, "("))
    return parse_call(c, t.text, t.at, NULL);
  if (!(n = bw_expr_node(c, N_NAME, t.at, NULL, 0)))
    return NULL;
  n->path = bw_expr_arena(&c->e->arena, sizeof *n->path);
  *n->path = (struct bw_path){.part = {t.text}, .n = 1};
  return n;
}

static struct node *parse_brackets(struct compiler *c)
{
  bool map = is_op(c, "{");
  size_t at = c->tok.at;
  struct items items = {0};
  struct node *n;
  if (is_op(c, "(")) {
    if (!advance(c) || !(n = parse_expr(c)))
      return NULL;
    return expect(c, ")", "a closing )") ? n : NULL;
  }
  if (!advance(c) || !parse_items(c, map ? "}" : "]", map, &items))
    return NULL;
  return call(c, map ? N_MAP : N_LIST, map ? BW_STR("{}") : BW_STR("[]"), at, items.at, items.n);
}

static struct node *parse_primary(struct compiler *c)
{
  if (is_op(c, ".") && (!advance(c) || c->tok.kind != T_IDENT)) { /* .name: from the outermost, where names always are */
    bw_expr_fail(c, c->tok.at, "a name should follow the dot");
    return NULL;
  }
  if (c->tok.kind == T_IDENT)
    return parse_ident(c);
  if (c->tok.kind == T_INT || c->tok.kind == T_DOUBLE || c->tok.kind == T_STRING)
    return literal(c);
  if (is_op(c, "(") || is_op(c, "[") || is_op(c, "{"))
    return parse_brackets(c);
  expect(c, "\001", "a value");
  return NULL;
}

/* A minus right before a number belongs to it: -9223372036854775808 has no positive. */
static struct node *negative_literal(struct compiler *c)
{
  if (c->tok.kind == T_INT && !c->tok.lowest)
    c->tok.i = -c->tok.i;
  c->tok.d = -c->tok.d;
  c->tok.lowest = false;
  return parse_members(c, literal(c));
}

static struct node *parse_unary(struct compiler *c)
{
  size_t at = c->tok.at;
  bool negate = is_op(c, "-");
  struct node *n;
  if (!negate && !is_op(c, "!"))
    return parse_members(c, parse_primary(c));
  if (!enter(c) || !advance(c))
    return NULL;
  if (negate && (c->tok.kind == T_INT || c->tok.kind == T_DOUBLE))
    n = negative_literal(c);
  else if ((n = parse_unary(c)))
    n = call(c, N_CALL, negate ? BW_STR("-_") : BW_STR("!_"), at, &n, 1);
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

static bool starts_value(const struct compiler *c)
{
  static const char *const ops[] = {"(", "[", "{", "-", "!", "."};
  size_t i;
  for (i = 0; i < sizeof ops / sizeof *ops; i++)
    if (is_op(c, ops[i]))
      return true;
  return c->tok.kind != T_END && c->tok.kind != T_OP && !(c->tok.kind == T_IDENT && is_word_operator(c->tok.text));
}

static struct node *parse_binary(struct compiler *c, size_t level)
{
  struct node *n = level == NLEVELS ? parse_unary(c) : parse_binary(c, level + 1);
  const char *op;
  while (n && level < NLEVELS && (op = operator_at(c, &levels[level]))) {
    size_t at = c->tok.at;
    struct node *args[2] = {n, NULL};
    char *name = bw_expr_arena(&c->e->arena, strlen(op) + 3);
    if (!advance(c))
      return NULL;
    if (op[0] == '%' && !starts_value(c) && percent_sign(c, at))
      return NULL;
    if (!(args[1] = parse_binary(c, level + 1)))
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

static bool between_digits(const struct compiler *c, size_t at)
{
  struct bw_str s = c->e->source;
  return at > 0 && at + 1 < s.len && s.data[at - 1] >= '0' && s.data[at - 1] <= '9' && s.data[at + 1] >= '0' &&
         s.data[at + 1] <= '9';
}

struct node *bw_expr_parse(struct compiler *c)
{
  struct node *n;
  const char *says;
  if (!advance(c))
    return NULL;
  if (c->tok.kind == T_END) {
    bw_expr_fail(c, 0, "the expression is empty");
    return NULL;
  }
  n = parse_expr(c);
  if (n && c->tok.kind != T_END) {
    says = word_operator(c->tok.text);
    if (!says && is_op(c, ",") && between_digits(c, c->tok.at))
      says = "; a number has no commas between its thousands: 10000";
    bw_expr_fail(c, c->tok.at, "the expression should end before \"%.*s\"%s",
                 (int)(c->tok.text.len > 40 ? 40 : c->tok.text.len), c->tok.text.data, says ? says : "");
    return NULL;
  }
  return n;
}
