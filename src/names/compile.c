/* SPDX-License-Identifier: Apache-2.0 */
/* Names in slots, and expressions compiled over them.  Runs wherever rules are read; no privileges. */
#include <stdlib.h>

#include "names/private.h"

struct bw_names *bw_names_new(const struct bw_catalog *catalog)
{
  struct bw_names *names = bw_alloc(sizeof *names);
  names->catalog = catalog;
  return names;
}

void bw_names_free(struct bw_names **pp)
{
  struct bw_names *names = *pp;
  size_t i;
  if (!names)
    return;
  for (i = 0; i < names->n; i++)
    bw_name_clear(&names->items[i]);
  free(names->items);
  free(names->tracked);
  free(names);
  *pp = NULL;
}

uint32_t bw_names_add(struct bw_names *names, struct env_name *n)
{
  size_t i;
  for (i = 0; i < names->n; i++)
    if (strcmp(names->items[i].text, n->text) == 0) {
      bw_name_clear(n);
      return (uint32_t)i;
    }
  if (names->n == names->cap) {
    names->cap = names->cap ? names->cap * 2 : 16;
    names->items = bw_realloc(names->items, names->cap, sizeof *names->items);
  }
  names->items[names->n] = *n;
  return (uint32_t)names->n++;
}

/* ---- whose past is asked for ---- */

void bw_names_track(struct bw_names *names, uint32_t slot, bool quartile, int32_t days)
{
  struct env_name *n = &names->items[slot];
  struct tracked *t;
  if (!n->tracked) {
    names->tracked = bw_realloc(names->tracked, names->ntracked + 1, sizeof *names->tracked);
    names->tracked[names->ntracked++] = (struct tracked){.slot = slot};
    n->tracked = names->ntracked;
  }
  t = &names->tracked[n->tracked - 1];
  t->quartile |= quartile;
  if (days > t->days)
    t->days = days;
}

bool bw_names_tracked_at(const struct bw_names *names, size_t i, struct bw_tracked *ret)
{
  const struct tracked *t = i < names->ntracked ? &names->tracked[i] : NULL;
  const struct env_name *n = t ? &names->items[t->slot] : NULL;
  if (!t)
    return false;
  *ret = (struct bw_tracked){.type = n->type_index, .key = n->key, .quartile = t->quartile, .days = t->days};
  return true;
}

/* ---- compiling ---- */

void bw_names_judged(struct bw_names *names, bool judged)
{
  names->judged = judged;
}

static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  const struct compiling *c = ctx;
  struct env_name n;
  int rc = bw_name_parse(c->names->catalog, path, c->level, &n, ret_used, err);
  if (rc == 0 && !c->names->judged && (rc = bw_name_refuse_unclear(c->names->catalog, &n, err)) < 0)
    bw_name_clear(&n);
  if (rc < 0)
    return rc;
  *ret_type = n.type;
  *ret_slot = bw_names_add(c->names, &n);
  return 0;
}

int bw_names_compile(struct bw_names *names, struct bw_str source, enum bw_type want, enum bw_level level,
                     struct bw_expr **ret_expr, struct bw_expr_position *ret_position, struct bw_error *err)
{
  struct compiling c = {names, level};
  struct bw_expr_env env = {&c, resolve, bw_name_functions, bw_name_nfunctions, bw_name_compared};
  return bw_expr_compile(source, &env, want, ret_expr, ret_position, err);
}
