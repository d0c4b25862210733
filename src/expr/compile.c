/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled expression's life, and what can be asked of it.  Processes that read rules; no privileges. */
#include <stdlib.h>

#include "expr/private.h"

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
  enum bw_type have = BW_TYPE_KIND(n->type);
  if (want == BW_TYPE_ANY || have == BW_TYPE_KIND(want) || have == BW_TYPE_ANY ||
      (want == BW_TYPE_DOUBLE && have == BW_TYPE_INT))
    return 0;
  return bw_expr_fail(c, n->at, "a %s is needed here, and this is a %s%s",
                      want == BW_TYPE_BOOL ? "yes or no (a comparison)" : bw_type_name(want), bw_type_name(have),
                      bw_expr_hint(have, BW_TYPE_ERROR));
}

static int check_source(struct bw_str source, struct bw_error *err)
{
  if (source.len > BW_EXPR_MAX_SOURCE)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "this expression is longer than %d bytes", BW_EXPR_MAX_SOURCE);
  if (source.len && (!bw_utf8_valid(source.data, source.len) || memchr(source.data, 0, source.len)))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this expression is not UTF-8 text");
  return 0;
}

int bw_expr_compile(struct bw_str source, const struct bw_expr_env *env, enum bw_type want, struct bw_expr **ret_expr,
                    struct bw_expr_position *ret_position, struct bw_error *err)
{
  struct bw_error local = {0};
  struct bw_expr *e = bw_alloc(sizeof *e);
  struct compiler c = {.e = e, .env = env, .err = err ? err : &local};
  int rc = check_source(source, c.err);
  if (rc == 0) {
    e->source = bw_expr_arena_str(&e->arena, source);
    e->functions = env->functions;
    e->nfunctions = env->nfunctions;
    c.lexer = (struct lexer){.source = e->source, .arena = &e->arena};
    e->root = bw_expr_parse(&c);
    rc = e->root ? bw_expr_check(&c, e->root) : (int)c.err->code;
    if (rc == 0)
      rc = fits_want(&c, e->root, want);
    bw_eval_clear(&c.scratch);
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
  bw_regex_free(&e->regexes);
  bw_expr_arena_free(&e->arena);
  free(e->names);
  free(e);
  *ep = NULL;
}

enum bw_type bw_expr_type(const struct bw_expr *e)
{
  return BW_TYPE_KIND(e->root->type);
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
    *ret_type = BW_TYPE_KIND(e->names[i].type);
  return true;
}

const struct bw_value *bw_expr_constant(const struct bw_expr *e)
{
  return e->root->kind == N_CONST ? &e->root->value : NULL;
}
