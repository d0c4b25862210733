/* SPDX-License-Identifier: Apache-2.0 */
/* When a play may speak at all, as its document says.  Runs wherever rules are read; no privileges. */
#include <stdlib.h>

#include "base/time.h"
#include "rules/private.h"

#define HARD_FLOOR (60 * BW_DAY) /* an expansion play may raise it, and never lower it */

static void take_renewal(struct loader *l, const struct bw_node *n, struct timing *t)
{
  static const char *const keys[] = {"join", "block_within", "family", NULL};
  const struct bw_node *v;
  if (n->type == BW_NODE_BOOL && !(n->number > 0)) {
    t->renewal = false;
    return;
  }
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "\"renewal\" should be a map, {join: [60d, 90d], block_within: 30d}, or false");
    return;
  }
  t->renewal = true;
  bw_load_known_keys(l, n, keys);
  if ((v = bw_node_get(n, "join"))) {
    if (v->type == BW_NODE_LIST && v->nitems == 2) {
      bw_load_duration(l, &v->items[0], &t->join_from);
      bw_load_duration(l, &v->items[1], &t->join_to);
    } else {
      bw_complain(l->complaints, v, "\"join\" should be two durations before the renewal: [60d, 90d]");
    }
  }
  if ((v = bw_node_get(n, "block_within")))
    bw_load_duration(l, v, &t->block_within);
  if (t->join_from > t->join_to || t->join_from <= t->block_within)
    bw_complain(l->complaints, n,
                "an expansion is joined between two times before the renewal, both of them earlier than the time in "
                "which it is blocked: {join: [60d, 90d], block_within: 30d}");
  if (bw_node_get(n, "family")) {
    free(t->renewal_family);
    t->renewal_family = bw_load_text(l, n, "family", "renewal");
  }
}

void bw_load_timing(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const keys[] = {"never_before", "escalation", "renewal", NULL};
  const struct bw_node *n = bw_node_get(root, "timing"), *v;
  bool expansion = strcmp(p->motion, "expansion") == 0;
  struct timing *t = &p->timing;
  *t = (struct timing){.never_before_ms = expansion ? HARD_FLOOR : 0,
                       .escalation = expansion,
                       .renewal = expansion,
                       .join_from = 60 * BW_DAY,
                       .join_to = 90 * BW_DAY,
                       .block_within = 30 * BW_DAY,
                       .renewal_family = bw_strdup("renewal")};
  if (!n)
    return;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "\"timing\" should be a map: {never_before: 60d, escalation: block, renewal: {...}}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  if ((v = bw_node_get(n, "never_before")) && bw_load_duration(l, v, &t->never_before_ms) && expansion &&
      t->never_before_ms < HARD_FLOOR)
    bw_complain(l->complaints, v, "no expansion in the first 60 days of a customer: a play may wait longer, and not less");
  if ((v = bw_node_get(n, "escalation"))) {
    t->escalation = bw_str_is(v->text, "block");
    if (!t->escalation && !bw_str_is(v->text, "allow"))
      bw_complain(l->complaints, v, "\"escalation\" should be block or allow");
  }
  if ((v = bw_node_get(n, "renewal")))
    take_renewal(l, v, t);
}
