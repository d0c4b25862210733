/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of a name, or of what a function gives, with a constant: shown to whoever knows what that can be.  Processes that
   read rules; no privileges. */
#include <ctype.h>

#include "expr/private.h"

/* The operators, and what they are where the name stands on the right. */
static const struct comparison {
  const char *fname, *op, *turned;
} comparisons[] = {{"_==_", "==", "=="}, {"_!=_", "!=", "!="}, {"_<_", "<", ">"},   {"_<=_", "<=", ">="},
                   {"_>_", ">", "<"},    {"_>=_", ">=", "<="}, {"_in_", "in", NULL}};

static const struct comparison *find(struct bw_str fname)
{
  size_t i;
  for (i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
    if (bw_str_is(fname, comparisons[i].fname))
      return &comparisons[i];
  return NULL;
}

/* A name, or what a function gives: quartile(trait.x), now.getMonth(). */
static bool is_subject(struct compiler *c, const struct node *n, struct bw_compared *ret)
{
  if (n->kind == N_NAME)
    *ret = (struct bw_compared){.name = c->e->names[n->name].text, .slot = c->e->names[n->name].slot};
  else if (n->kind == N_CALL && n->fn && isalpha((unsigned char)n->fn->name[0]))
    *ret = (struct bw_compared){.name = n->text.len ? n->text : bw_expr_call_text(c, n), .function = n->fn};
  else
    return false;
  return !n->constant;
}

/* A step of a scale depends on what it is made of alone. */
static bool is_known(const struct node *n)
{
  return n->constant || (n->kind == N_CALL && n->type == BW_TYPE_RANK && n->nargs == 1 && n->args[0]->constant);
}

static int compare(struct compiler *c, const struct bw_compared *subject, const char *op, const struct node *with)
{
  struct bw_compared of = *subject;
  struct bw_error why = {0};
  if (!is_known(with))
    return 0;
  of.op = op;
  c->scratch.cost = 0;
  bw_expr_run(c->e, &c->scratch, with, &of.with);
  if (of.with.type == BW_TYPE_ERROR || c->env->compare(c->env->ctx, &of, &why) == 0)
    return 0;
  return bw_expr_fail(c, with->at, "%s", why.message);
}

int bw_expr_check_compare(struct compiler *c, const struct node *n)
{
  const struct comparison *how = c->env->compare ? find(n->fname) : NULL;
  struct bw_compared of;
  uint32_t i;
  int rc = 0;
  if (!how || n->nargs != 2)
    return 0;
  if (!how->turned) { /* in */
    for (i = 0; rc == 0 && n->args[1]->kind == N_LIST && i < n->args[1]->nargs; i++)
      if (is_subject(c, n->args[0], &of))
        rc = compare(c, &of, how->op, n->args[1]->args[i]);
    return rc;
  }
  if (is_subject(c, n->args[0], &of))
    return compare(c, &of, how->op, n->args[1]);
  return is_subject(c, n->args[1], &of) ? compare(c, &of, how->turned, n->args[0]) : 0;
}
