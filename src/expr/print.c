/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions as text that compiles to the same again.  No privileges. */
#include <stdio.h>

#include "base/json.h"
#include "expr/private.h"

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

static void print(struct bw_buf *out, const struct bw_expr *e, const struct node *n);

static void print_quoted(struct bw_buf *out, struct bw_str s)
{
  struct bw_buf quoted = {0};
  bw_json_str(&quoted, s); /* its escapes are among ours */
  bw_buf_add_str(out, bw_buf_str(&quoted));
  bw_buf_clear(&quoted);
}

static void print_number(struct bw_buf *out, const struct node *n)
{
  char text[40];
  int len = bw_number_format(n->value.d, text);
  bw_buf_add_cstr(out, text);
  if (!n->whole && strspn(text, "-0123456789") == (size_t)len)
    bw_buf_add_cstr(out, ".0"); /* stays a double when read again */
}

static void print_constant(struct bw_buf *out, const struct node *n)
{
  switch (n->value.type) {
  case BW_TYPE_STRING:
    print_quoted(out, n->value.s);
    break;
  case BW_TYPE_TYPE:
    bw_buf_add_str(out, n->value.s);
    break;
  case BW_TYPE_BOOL:
    bw_buf_add_cstr(out, n->value.b ? "true" : "false");
    break;
  case BW_TYPE_INT:
    bw_buf_printf(out, "%lld", (long long)n->value.i);
    break;
  case BW_TYPE_DOUBLE:
    print_number(out, n);
    break;
  default:
    bw_buf_add_cstr(out, "null");
  }
}

/* What a dot follows: in brackets, where it is not one word already. */
static void print_operand(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  bool word = n->kind == N_NAME || n->kind == N_LOCAL || n->kind == N_SELECT || n->kind == N_LIST || n->kind == N_MAP ||
              n->kind == N_MACRO || (n->kind == N_CONST && n->type == BW_TYPE_STRING);
  if (!word)
    bw_buf_add_char(out, '(');
  print(out, e, n);
  if (!word)
    bw_buf_add_char(out, ')');
}

static void print_items(struct bw_buf *out, const struct bw_expr *e, const struct node *n, uint32_t from, const char *brackets)
{
  uint32_t i;
  bw_buf_add_char(out, brackets[0]);
  for (i = from; i < n->nargs; i++) {
    if (i > from)
      bw_buf_add_cstr(out, n->kind == N_MAP && i % 2 ? ": " : ", ");
    print(out, e, n->args[i]);
  }
  bw_buf_add_char(out, brackets[1]);
}

static void print_select(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  print_operand(out, e, n->args[0]);
  if (bw_expr_identifier(n->key)) {
    bw_buf_add_char(out, '.');
    bw_buf_add_str(out, n->key);
    return;
  }
  bw_buf_add_char(out, '[');
  print_quoted(out, n->key);
  bw_buf_add_char(out, ']');
}

static void print_macro(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  uint32_t i;
  print_operand(out, e, n->args[0]);
  bw_buf_printf(out, ".%s(%.*s", n->macro->name, BW_FMT(n->key));
  for (i = 1; i < n->nargs; i++) {
    bw_buf_add_cstr(out, ", ");
    print(out, e, n->args[i]);
  }
  bw_buf_add_char(out, ')');
}

/* Operators, each with its brackets, and functions. */
static void print_call(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  const char *op = bw_expr_operator(n->fname);
  if (!op) {
    bw_buf_add_str(out, n->fname);
    print_items(out, e, n, 0, "()");
  } else if (strcmp(op, "[]") == 0) {
    print_operand(out, e, n->args[0]);
    print_items(out, e, n, 1, "[]");
  } else if (n->nargs == 1) {
    bw_buf_add_cstr(out, op);
    print_items(out, e, n, 0, "()");
  } else {
    bw_buf_add_char(out, '(');
    print(out, e, n->args[0]);
    bw_buf_printf(out, " %s ", op);
    print(out, e, n->args[1]);
    bw_buf_add_char(out, ')');
  }
}

static void print_cond(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  bw_buf_add_char(out, '(');
  print(out, e, n->args[0]);
  bw_buf_add_cstr(out, " ? ");
  print(out, e, n->args[1]);
  bw_buf_add_cstr(out, " : ");
  print(out, e, n->args[2]);
  bw_buf_add_char(out, ')');
}

static void print(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  switch (n->kind) {
  case N_CONST:
    print_constant(out, n);
    break;
  case N_NAME:
  case N_REF:
    bw_buf_add_str(out, e->names[n->name].text);
    break;
  case N_LOCAL:
    bw_buf_add_str(out, n->key);
    break;
  case N_SELECT:
    print_select(out, e, n);
    break;
  case N_MACRO:
    print_macro(out, e, n);
    break;
  case N_COND:
    print_cond(out, e, n);
    break;
  case N_LIST:
    print_items(out, e, n, 0, "[]");
    break;
  case N_MAP:
    print_items(out, e, n, 0, "{}");
    break;
  case N_HAS:
    bw_buf_add_cstr(out, "has");
    print_items(out, e, n, 0, "()");
    break;
  default: /* N_CALL, N_AND, N_OR */
    print_call(out, e, n);
  }
}

void bw_expr_node_text(struct bw_buf *out, const struct bw_expr *e, const struct node *n)
{
  print(out, e, n);
}

struct bw_str bw_expr_call_text(struct compiler *c, const struct node *n)
{
  struct bw_buf b = {0};
  struct bw_str text;
  bw_expr_node_text(&b, c->e, n);
  text = bw_expr_arena_str(&c->e->arena, bw_buf_str(&b));
  bw_buf_clear(&b);
  return text;
}

void bw_expr_text(struct bw_buf *out, const struct bw_expr *e)
{
  print(out, e, e->root);
}
