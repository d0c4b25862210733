/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: a play's own, and lists of them that several plays share.  Runs wherever rules are read; no privileges. */
#include <stdlib.h>

#include "rules/private.h"

void bw_gate_list_clear(struct gate_list *g)
{
  size_t i;
  for (i = 0; i < g->n; i++) {
    if (g->items[i].shared)
      continue; /* the shared list's */
    free(g->items[i].name);
    bw_expr_free(&g->items[i].require);
    bw_otherwise_clear(&g->items[i].otherwise);
  }
  free(g->items);
  free(g->name);
  *g = (struct gate_list){0};
}

static const struct gate_list *find_shared(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->ngate_lists; i++)
    if (bw_str_is(name, p->gate_lists[i].name))
      return &p->gate_lists[i];
  return NULL;
}

/* False where the list has a gate of that name already, or is full. */
static bool room_for(struct loader *l, const struct bw_node *at, const struct gate_list *g, const char *name, const char *from)
{
  size_t i;
  for (i = 0; i < g->n; i++) {
    if (strcmp(g->items[i].name, name) != 0)
      continue;
    bw_complain(l->complaints, at, "two gates have the name \"%s\"%s%s%s", name,
                from ? "; leave the shared one out with {use: " : "", from ? from : "", from ? ", except: [...]}" : "");
    return false;
  }
  if (g->n < MAX_GATES)
    return true;
  bw_complain(l->complaints, at, "more than %d gates", MAX_GATES);
  return false;
}

static struct gate *add(struct gate_list *g)
{
  g->items = bw_realloc(g->items, g->n + 1, sizeof *g->items);
  g->items[g->n] = (struct gate){.otherwise.route = -1};
  return &g->items[g->n++];
}

static void take_gate(struct loader *l, const struct bw_node *n, struct gate_list *list)
{
  static const char *const keys[] = {"name", "require", "otherwise", "note", NULL};
  const struct bw_node *require;
  char *name = bw_load_text(l, n, "name", NULL);
  struct gate *g;
  bw_load_known_keys(l, n, keys);
  if (!room_for(l, n, list, name, NULL)) {
    free(name);
    return;
  }
  g = add(list);
  g->name = name;
  g->otherwise = bw_load_otherwise(l, bw_node_get(n, "otherwise"));
  require = bw_node_get(n, "require");
  if (!require)
    bw_complain(l->complaints, n, "\"require\" is missing: the expression that must hold");
  else
    g->require = bw_load_expr(l, require, BW_TYPE_BOOL, BW_LEVEL_GATES);
}

static bool excepted(const struct bw_node *list, const char *name)
{
  size_t i;
  for (i = 0; list && i < list->nitems; i++)
    if (bw_str_is(list->items[i].text, name))
      return true;
  return false;
}

static void check_except(struct loader *l, const struct bw_node *list, const struct gate_list *shared)
{
  size_t i, j;
  if (list && list->type != BW_NODE_LIST) {
    bw_complain(l->complaints, list, "\"except\" should be a list of names of gates");
    return;
  }
  for (i = 0; list && i < list->nitems; i++) {
    const char *names[MAX_GATES + 1] = {NULL}, *near;
    for (j = 0; j < shared->n; j++)
      names[j] = shared->items[j].name;
    for (j = 0; j < shared->n && !bw_str_is(list->items[i].text, names[j]); j++)
      ;
    if (j < shared->n)
      continue;
    near = bw_nearest(list->items[i].text, names);
    bw_complain(l->complaints, &list->items[i], "the shared gates \"%s\" have none of this name%s%s%s", shared->name,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  }
}

/* {use: NAME, except: [...]}: the shared list's gates, in its order, at this place. */
static void take_use(struct loader *l, const struct bw_node *n, struct gate_list *list)
{
  static const char *const keys[] = {"use", "except", "note", NULL};
  const struct bw_node *use = bw_node_get(n, "use"), *except = bw_node_get(n, "except");
  const struct gate_list *shared = find_shared(l->p, use->text);
  size_t i;
  bw_load_known_keys(l, n, keys);
  if (!shared) {
    const char **names BW_AUTOFREE = bw_calloc(l->p->ngate_lists + 1, sizeof *names);
    for (i = 0; i < l->p->ngate_lists; i++)
      names[i] = l->p->gate_lists[i].name;
    bw_load_absent(l, use, names,
                   "there are no shared gates \"%.*s\"; a document \"gates: NAME\" with \"list\" would define them",
                   (int)(use->text.len > 60 ? 60 : use->text.len), use->text.data);
    return;
  }
  check_except(l, except, shared);
  for (i = 0; i < shared->n; i++) {
    struct gate *g;
    if (excepted(except, shared->items[i].name) || !room_for(l, n, list, shared->items[i].name, shared->name))
      continue;
    g = add(list);
    *g = shared->items[i];
    g->from = shared->name;
    g->shared = true;
    g->alike = bw_expr_is_alike(g->require);
  }
}

static void take_list(struct loader *l, const struct bw_node *n, bool may_use, struct gate_list *list)
{
  size_t i;
  for (i = 0; i < n->nitems; i++) {
    const struct bw_node *item = &n->items[i];
    if (item->type != BW_NODE_MAP)
      bw_complain(l->complaints, item, "a gate should be a map: {name: tenure, require: account.tenure >= days(120)}%s",
                  may_use ? ", or shared ones: {use: NAME}" : "");
    else if (bw_node_get(item, "use") && !may_use)
      bw_complain(l->complaints, item, "shared gates do not use others; name both in the play");
    else if (bw_node_get(item, "use"))
      take_use(l, item, list);
    else
      take_gate(l, item, list);
  }
}

void bw_load_gates(struct loader *l, const struct bw_node *root, struct play *p)
{
  const struct bw_node *n = bw_node_get(root, "gates");
  if (!n || n->type != BW_NODE_LIST || n->nitems == 0 || n->nitems > MAX_GATES) {
    bw_complain(l->complaints, n ? n : root, "\"gates\" should be a list of 1 to %d gates: no score without a gate before it",
                MAX_GATES);
    return;
  }
  take_list(l, n, true, &p->gates);
}

void bw_load_gates_document(struct loader *l, const struct bw_node *root)
{
  static const char *const keys[] = {"gates", "list", "note", NULL};
  const struct bw_node *n = bw_node_get(root, "list");
  struct bw_plays *p = l->p;
  struct gate_list *list;
  char *name = bw_load_text(l, root, "gates", NULL);
  bw_load_known_keys(l, root, keys);
  if (!name[0] || find_shared(p, bw_str(name)) || p->ngate_lists >= MAX_GATE_LISTS) {
    if (p->ngate_lists >= MAX_GATE_LISTS)
      bw_complain(l->complaints, root, "more than %d lists of shared gates", MAX_GATE_LISTS);
    else
      bw_complain(l->complaints, bw_node_get(root, "gates"), "shared gates need a name of their own; \"%s\" is empty or taken",
                  name);
    free(name);
    return;
  }
  p->gate_lists = bw_realloc(p->gate_lists, p->ngate_lists + 1, sizeof *p->gate_lists);
  list = &p->gate_lists[p->ngate_lists++];
  *list = (struct gate_list){.name = name};
  if (!n || n->type != BW_NODE_LIST || n->nitems == 0 || n->nitems > MAX_GATES)
    bw_complain(l->complaints, n ? n : root, "\"list\" should be a list of 1 to %d gates", MAX_GATES);
  else
    take_list(l, n, false, list);
}
