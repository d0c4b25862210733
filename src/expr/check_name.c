/* SPDX-License-Identifier: Apache-2.0 */
/* Names to slots, variables and types; what follows a name to members of maps.  Processes that read rules; no privileges. */
#include "base/json.h"
#include "config/config.h"
#include "expr/private.h"

/* trait.usage.ratio["api calls"], as a person would write it. */
static struct bw_str path_text(struct compiler *c, const struct bw_path *p, size_t n)
{
  struct bw_buf b = {0}, key = {0};
  size_t i;
  char *out;
  for (i = 0; i < n; i++) {
    if (bw_expr_identifier(p->part[i])) {
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

/* The index of the name among those that the expression uses; adds it where it is new. */
static uint32_t remember(struct bw_expr *e, struct bw_str text, uint32_t slot, code type)
{
  size_t i;
  for (i = 0; i < e->nnames; i++)
    if (e->names[i].slot == slot && bw_str_eq(e->names[i].text, text))
      return (uint32_t)i;
  e->names = bw_realloc(e->names, e->nnames + 1, sizeof *e->names);
  e->names[e->nnames] = (struct name){text, slot, type};
  return (uint32_t)e->nnames++;
}

/* Whether a member called key can be in it; ret the member's type. */
static bool member_type(code from, code *ret)
{
  code key = bw_code_element(from);
  if (from == BW_TYPE_ANY) {
    *ret = BW_TYPE_ANY;
    return true;
  }
  *ret = bw_code_value(from);
  return BW_TYPE_KIND(from) == BW_TYPE_MAP && (key == BW_TYPE_STRING || key == BW_TYPE_ANY);
}

static int set_select_type(struct compiler *c, struct node *n)
{
  const struct node *from = n->args[0];
  const char *is_a = bw_type_name((enum bw_type)from->type);
  code type;
  if (member_type(from->type, &type)) {
    n->type = type;
    return 0;
  }
  if (from->kind == N_NAME)
    return bw_expr_fail(c, n->at, "%.*s is a %s and has no member \"%.*s\"%s", BW_FMT(c->e->names[from->name].text), is_a,
                        BW_FMT(n->key), bw_expr_hint(BW_TYPE_KIND(from->type), BW_TYPE_ERROR));
  return bw_expr_fail(c, n->at, "a %s has no member \"%.*s\"; only maps have members", is_a, BW_FMT(n->key));
}

int bw_expr_check_select(struct compiler *c, struct node *n)
{
  int rc = bw_expr_check(c, n->args[0]);
  return rc < 0 ? rc : set_select_type(c, n);
}

/* Makes of n the member of what n was until now. */
static int wrap(struct compiler *c, struct node *n, struct bw_str key)
{
  struct node *inner = bw_expr_node(c, N_SELECT, n->at, NULL, 0), *outer;
  if (!inner || !(outer = bw_expr_node(c, N_SELECT, n->at, &inner, 1)))
    return BW_EINVAL;
  *inner = *n;
  *n = *outer;
  n->depth = inner->depth + 1;
  n->key = key;
  return set_select_type(c, n);
}

static int wrap_all(struct compiler *c, struct node *n, const struct bw_path *path, size_t from)
{
  size_t i;
  int rc = 0;
  for (i = from; i < path->n && rc == 0; i++)
    rc = wrap(c, n, path->part[i]);
  return rc;
}

/* A macro's variable, the innermost of that name; or a name of a type, such as int. */
static bool known_word(struct compiler *c, struct node *n)
{
  struct bw_str first = n->path->part[0];
  uint32_t i;
  for (i = c->nlocals; i > 0; i--)
    if (bw_str_eq(c->locals[i - 1].name, first)) {
      n->kind = N_LOCAL;
      n->slot = i - 1;
      n->key = first;
      n->type = c->locals[i - 1].type;
      return true;
    }
  return false;
}

static bool type_word(struct compiler *c, struct node *n)
{
  struct bw_str text = path_text(c, n->path, n->path->n);
  if (bw_expr_cel_type(text) == BW_TYPE_ERROR)
    return false;
  n->kind = N_CONST;
  n->constant = true;
  n->type = BW_TYPE_TYPE;
  n->value = (struct bw_value){.type = BW_TYPE_TYPE, .s = text};
  return true;
}

static int unknown(struct compiler *c, const struct node *n, const struct bw_error *why)
{
  const char *names[BW_EXPR_MAX_LOCALS + 1] = {0}, *near;
  uint32_t i;
  for (i = 0; i < c->nlocals; i++)
    names[i] = c->locals[i].name.data; /* terminated, by bw_expr_check_macro() */
  near = bw_nearest(n->path->part[0], names);
  if (near)
    return bw_expr_fail(c, n->at, "there is no name \"%.*s\"; did you mean %s?", BW_FMT(n->path->part[0]), near);
  return bw_expr_fail(c, n->at, "%s", why->message[0] ? why->message : "unknown name");
}

int bw_expr_check_name(struct compiler *c, struct node *n)
{
  const struct bw_path *path = n->path;
  struct bw_error why = {0};
  enum bw_type type = BW_TYPE_ERROR;
  uint32_t slot = 0;
  size_t used = 0;
  if (known_word(c, n))
    return wrap_all(c, n, path, 1);
  if (c->env->resolve(c->env->ctx, path, &type, &slot, &used, &why) < 0)
    return type_word(c, n) ? 0 : unknown(c, n, &why);
  n->type = (unsigned)type;
  n->name = remember(c->e, path_text(c, path, used), slot, n->type);
  return wrap_all(c, n, path, used);
}
