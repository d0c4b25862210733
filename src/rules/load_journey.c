/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value journey: baseline, live, first results, tangible ROI, expansion ready, and the milestones that prove each.  Runs
 * wherever rules are read; no privileges.
 */
#include <stdlib.h>

#include "rules/private.h"

void bw_journey_clear(struct journey *j)
{
  size_t i, k;
  for (i = 0; i < BW_STAGES; i++) {
    for (k = 0; k < j->stage[i].n; k++) {
      free(j->stage[i].items[k].name);
      bw_expr_free(&j->stage[i].items[k].when);
    }
    free(j->stage[i].items);
  }
  *j = (struct journey){0};
}

static bool asks_itself(const struct bw_expr *e)
{
  struct bw_str name;
  size_t i;
  for (i = 0; e && bw_expr_name_at(e, i, &name, NULL, NULL); i++)
    if (bw_str_is(name, "account.stage"))
      return true;
  return false;
}

static void take_milestone(struct loader *l, const struct bw_node *n, struct milestone *m)
{
  static const char *const keys[] = {"milestone", "when", "note", NULL};
  const struct bw_node *when = n->type == BW_NODE_MAP ? bw_node_get(n, "when") : NULL;
  if (!when) {
    bw_complain(l->complaints, n, "a milestone should be a map: {milestone: first users, when: trait.usage.mau >= 3}");
    m->name = bw_strdup("");
    return;
  }
  bw_load_known_keys(l, n, keys);
  m->name = bw_load_text(l, n, "milestone", NULL);
  m->when = bw_load_expr(l, when, BW_TYPE_BOOL, BW_LEVEL_GATES);
  if (asks_itself(m->when))
    bw_complain(l->complaints, when, "a milestone cannot ask for account.stage: milestones are what tells the stage");
}

void bw_load_journey_document(struct loader *l, const struct bw_node *root)
{
  static const char *const keys[] = {"journey", "note", NULL};
  const struct bw_node *map = bw_node_get(root, "journey");
  struct journey *j = &l->p->journey;
  size_t i, k;
  bw_load_known_keys(l, root, keys);
  if (j->there || map->type != BW_NODE_MAP || !map->nitems) {
    bw_complain(l->complaints, map,
                j->there ? "there is one value journey, and it stands in another document already"
                         : "\"journey\" should be a map from stages to milestones: {live: [{milestone: ..., when: ...}]}");
    return;
  }
  j->there = true;
  bw_load_known_keys(l, map, bw_stages);
  for (i = 0; i < BW_STAGES; i++) {
    const struct bw_node *list = bw_node_get(map, bw_stages[i]);
    if (!list)
      continue;
    if (list->type != BW_NODE_LIST || !list->nitems || list->nitems > MAX_GATES) {
      bw_complain(l->complaints, list, "the milestones of \"%s\" should be a list of 1 to %d", bw_stages[i], MAX_GATES);
      continue;
    }
    j->stage[i].items = bw_calloc(list->nitems, sizeof *j->stage[i].items);
    for (k = 0; k < list->nitems; k++)
      take_milestone(l, &list->items[k], &j->stage[i].items[j->stage[i].n++]);
  }
}
