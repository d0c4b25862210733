/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all documents of rules are made of: texts, numbers, durations, names of routes, expressions; each complained about where
 * it stands.  Runs wherever rules are read; reads the file again to find a place within an expression.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "rules/private.h"

/* ---- expressions ---- */

struct bw_expr *bw_load_expr(struct loader *l, const struct bw_node *at, enum bw_type want, enum bw_level level)
{
  struct bw_expr_position pos = {1, 1};
  struct bw_error err = {0};
  struct bw_expr *e = NULL;
  struct bw_node where;
  if (at->type == BW_NODE_LIST || at->type == BW_NODE_MAP || at->type == BW_NODE_NULL) {
    bw_complain(l->complaints, at, "an expression should stand here, such as account.acv >= 10000");
    return NULL;
  }
  if (bw_names_compile(l->p->names, at->text, want, level, &e, &pos, &err) < 0) {
    where = bw_node_inside(at, bw_text_offset(at->text, pos.line, pos.column));
    bw_complain(l->complaints, &where, "%s (in the expression: %.*s)", err.message,
                (int)(at->text.len > 120 ? 120 : at->text.len), at->text.data);
    return NULL;
  }
  return e;
}

struct bw_expr *bw_load_builtin(struct loader *l, const char *text, enum bw_type want, enum bw_level level)
{
  struct bw_expr *e = NULL;
  return bw_names_compile(l->p->names, bw_str(text), want, level, &e, NULL, NULL) < 0 ? NULL : e;
}

bool bw_expr_is_alike(const struct bw_expr *e)
{
  static const char *const differ[] = {"triggered", "score", "estimate", "priority"};
  struct bw_str name;
  size_t i, k;
  for (i = 0; e && bw_expr_name_at(e, i, &name, NULL, NULL); i++)
    for (k = 0; k < sizeof differ / sizeof *differ; k++)
      if (bw_str_is(name, differ[k]))
        return false;
  return e != NULL;
}

/* ---- keys, texts, numbers, durations, routes ---- */

void bw_load_known_keys(struct loader *l, const struct bw_node *map, const char *const *names)
{
  size_t i, j;
  for (i = 0; i < map->nitems; i++) {
    const struct bw_node *n = &map->items[i];
    const char *near;
    for (j = 0; names[j] && !bw_str_is(n->key, names[j]); j++)
      ;
    if (names[j])
      continue;
    near = bw_nearest(n->key, names);
    bw_complain_key(l->complaints, n, "unknown key \"%.*s\"%s%s%s", (int)(n->key.len > 60 ? 60 : n->key.len), n->key.data,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  }
}

char *bw_load_text(struct loader *l, const struct bw_node *map, const char *key, const char *missing)
{
  const struct bw_node *n = bw_node_get(map, key);
  if (!n || n->type == BW_NODE_NULL) {
    if (!missing)
      bw_complain(l->complaints, map, "\"%s\" is missing", key);
    return bw_strdup(missing ? missing : "");
  }
  if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP) {
    bw_complain(l->complaints, n, "\"%s\" should be text", key);
    return bw_strdup("");
  }
  if (n->text.len > 4096 || memchr(n->text.data, 0, n->text.len)) {
    bw_complain(l->complaints, n, "\"%s\" is too long, or holds a zero byte", key);
    return bw_strdup("");
  }
  return bw_str_dup(n->text);
}

size_t bw_load_items(const struct bw_node *n, const struct bw_node **ret_items)
{
  if (n->type == BW_NODE_LIST) {
    *ret_items = n->items;
    return n->nitems;
  }
  *ret_items = n;
  return n->type == BW_NODE_NULL ? 0 : 1;
}

bool bw_load_number(struct loader *l, const struct bw_node *n, double min, double max, double *ret)
{
  if (n->type == BW_NODE_NUMBER && n->number >= min && n->number <= max) {
    *ret = n->number;
    return true;
  }
  bw_complain(l->complaints, n, "a number from %g to %g should stand here", min, max);
  return false;
}

void bw_load_absent(struct loader *l, const struct bw_node *at, const char *const *names, const char *fmt, ...)
{
  const char *near = bw_nearest(at->text, names);
  char text[400];
  va_list ap;
  if (l->unread)
    return;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  bw_complain(l->complaints, at, "%s%s%s%s", text, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int bw_load_route_name(struct loader *l, const struct bw_node *n)
{
  char *name BW_AUTOFREE = bw_str_dup(n->text);
  int at = n->type == BW_NODE_STRING ? bw_find_route(l->p, name) : -1;
  const char *names[MAX_ROUTES + 1];
  size_t i;
  for (i = 0; i < l->p->nroutes; i++)
    names[i] = l->p->routes[i].name;
  names[i] = NULL;
  if (at < 0)
    bw_load_absent(l, n, names, "there is no route \"%s\" in routes/", n->text.len < 60 ? name : "(a long text)");
  return at;
}

bool bw_load_duration(struct loader *l, const struct bw_node *at, int64_t *ret_ms)
{
  int64_t ms;
  if (at->type == BW_NODE_LIST || at->type == BW_NODE_MAP || bw_duration_parse(at->text, &ms) < 0 || ms < 0 ||
      ms > 3660 * BW_DAY) {
    bw_complain(l->complaints, at, "a duration should stand here: 4h, 24h, 30d");
    return false;
  }
  *ret_ms = ms;
  return true;
}

struct otherwise bw_load_otherwise(struct loader *l, const struct bw_node *n)
{
  static const char *const keys[] = {"route", "template", NULL};
  struct otherwise o = {.route = -1};
  const struct bw_node *r, *t;
  if (!n)
    return o;
  r = n->type == BW_NODE_MAP ? bw_node_get(n, "route") : NULL;
  if (!r) {
    bw_complain(l->complaints, n, "\"otherwise\" says where the lead goes instead: {route: csm-self-serve}");
    return o;
  }
  bw_load_known_keys(l, n, keys);
  o.route = bw_load_route_name(l, r);
  if ((t = bw_node_get(n, "template"))) {
    o.template_name = bw_load_text(l, n, "template", NULL);
    if (t->type == BW_NODE_STRING && !o.template_name[0])
      bw_complain(l->complaints, t, "the name of a template should stand here; leave it out for the play's own");
    o.file = bw_strdup(t->file);
    o.line = t->line;
    o.column = t->column;
  }
  return o;
}

void bw_otherwise_clear(struct otherwise *o)
{
  free(o->template_name);
  free(o->file);
}
