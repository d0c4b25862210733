/* SPDX-License-Identifier: Apache-2.0 */
/* Types of everything that is neither a name nor a call, and the hints.  Processes that read rules; no privileges. */
#include "expr/private.h"

const char *bw_expr_hint(enum bw_type a, enum bw_type b)
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

int bw_expr_want_bool(struct compiler *c, const struct node *n, const char *where)
{
  if (n->type == BW_TYPE_BOOL || n->type == BW_TYPE_ANY)
    return 0;
  return bw_expr_fail(c, n->at, "%s needs a yes or no, and this is a %s%s", where, bw_type_name((enum bw_type)n->type),
                      bw_expr_hint(BW_TYPE_KIND(n->type), BW_TYPE_ERROR));
}

static int check_args(struct compiler *c, struct node *n)
{
  uint32_t i;
  int rc = 0;
  n->constant = true;
  for (i = 0; i < n->nargs && rc == 0; i++) {
    rc = bw_expr_check(c, n->args[i]);
    n->constant &= n->args[i]->constant;
  }
  return rc;
}

static int check_logic(struct compiler *c, struct node *n)
{
  uint32_t i;
  int rc = check_args(c, n);
  n->type = BW_TYPE_BOOL;
  for (i = 0; i < n->nargs && rc == 0; i++)
    rc = bw_expr_want_bool(c, n->args[i], n->kind == N_AND ? "&&" : "||");
  return rc;
}

static bool numeric(code t)
{
  return t == BW_TYPE_INT || t == BW_TYPE_DOUBLE;
}

static int check_cond(struct compiler *c, struct node *n)
{
  int rc = check_args(c, n);
  code a = n->args[1]->type, b = n->args[2]->type;
  if (rc == 0)
    rc = bw_expr_want_bool(c, n->args[0], "the question before ?");
  if (rc < 0)
    return rc;
  if (numeric(a) && numeric(b))
    n->type = a == b ? a : (code)BW_TYPE_DOUBLE;
  else if (BW_TYPE_KIND(a) == BW_TYPE_KIND(b) || a == BW_TYPE_ANY || b == BW_TYPE_ANY)
    n->type = bw_code_join(a, b);
  else
    return bw_expr_fail(c, n->at, "both answers of ? : must be of one type; these are a %s and a %s",
                        bw_type_name((enum bw_type)a), bw_type_name((enum bw_type)b));
  return 0;
}

static int check_has(struct compiler *c, struct node *n)
{
  struct node *of = n->args[0];
  int rc = check_args(c, n);
  if (rc < 0)
    return rc;
  n->type = BW_TYPE_BOOL;
  n->name = of->name;
  n->constant = false;
  if (of->kind != N_NAME && of->kind != N_SELECT)
    return bw_expr_fail(c, n->at, "has() takes one name, such as has(account.health)");
  if (of->type == BW_TYPE_SIGNAL)
    return bw_expr_fail(c, n->at, "ask open(signal.x) whether a signal is open; has() asks whether a value is known");
  return 0;
}

/* Signals and names themselves are only for functions. */
static int check_element(struct compiler *c, const struct node *n)
{
  if (n->type != BW_TYPE_SIGNAL)
    return 0;
  return bw_expr_fail(c, n->at, "a signal cannot be an element%s", bw_expr_hint(BW_TYPE_SIGNAL, BW_TYPE_ERROR));
}

static int check_list(struct compiler *c, struct node *n)
{
  code element = n->nargs ? BW_TYPE_ERROR : BW_TYPE_ANY;
  uint32_t i;
  int rc = check_args(c, n);
  for (i = 0; i < n->nargs && rc == 0; i++) {
    element = i ? bw_code_join(element, n->args[i]->type) : n->args[i]->type;
    rc = check_element(c, n->args[i]);
  }
  n->type = bw_code_list(element);
  return rc;
}

static int check_key(struct compiler *c, const struct node *n)
{
  if (n->type == BW_TYPE_STRING || n->type == BW_TYPE_INT || n->type == BW_TYPE_BOOL || n->type == BW_TYPE_ANY)
    return 0;
  return bw_expr_fail(c, n->at, "a key of a map is a text, a whole number or a yes or no, and this is a %s",
                      bw_type_name((enum bw_type)n->type));
}

static int check_map(struct compiler *c, struct node *n)
{
  code key = BW_TYPE_ANY, value = BW_TYPE_ANY;
  uint32_t i;
  int rc = check_args(c, n);
  for (i = 0; i < n->nargs && rc == 0; i += 2) {
    key = i ? bw_code_join(key, n->args[i]->type) : n->args[i]->type;
    value = i ? bw_code_join(value, n->args[i + 1]->type) : n->args[i + 1]->type;
    rc = check_key(c, n->args[i]);
    if (rc == 0)
      rc = check_element(c, n->args[i + 1]);
  }
  n->type = bw_code_map(key, value);
  return rc;
}

static int check_constant(struct compiler *c, struct node *n)
{
  (void)c;
  (void)n;
  return 0;
}

int bw_expr_check(struct compiler *c, struct node *n)
{
  static int (*const checks[])(struct compiler *, struct node *) = {
      [N_CONST] = check_constant,
      [N_NAME] = bw_expr_check_name,
      [N_REF] = check_constant,
      [N_LOCAL] = check_constant,
      [N_SELECT] = bw_expr_check_select,
      [N_CALL] = bw_expr_check_call,
      [N_AND] = check_logic,
      [N_OR] = check_logic,
      [N_COND] = check_cond,
      [N_HAS] = check_has,
      [N_LIST] = check_list,
      [N_MAP] = check_map,
      [N_MACRO] = bw_expr_check_macro,
  };
  return checks[n->kind](c, n);
}
