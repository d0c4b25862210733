/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about watchers and the configuration as a whole.  No privileges. */
#include <string.h>

#include "lint/private.h"

/* ---- a distance between opening and clearing ---- */

static bool is_scalar(const struct bw_node *n)
{
  return n && n->type != BW_NODE_MAP && n->type != BW_NODE_LIST && n->type != BW_NODE_NULL;
}

static void check_options(struct bw_lint *l, const struct bw_node *options)
{
  size_t i;
  for (i = 0; i < options->nitems; i++) {
    const struct bw_node *o = &options->items[i], *threshold, *clear;
    if (o->type != BW_NODE_MAP)
      continue;
    threshold = bw_node_get(o, "threshold");
    clear = bw_node_get(o, "clear");
    if (is_scalar(threshold) && is_scalar(clear) && bw_str_eq(threshold->text, clear->text))
      lint_find(l, lint_node(clear), "%.*s opens at %.*s and clears at the same level", BW_FMT(o->key),
                BW_FMT(threshold->text));
  }
}

void check_clear(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nroots; i++) {
    const struct bw_node *root = l->roots[i], *options;
    if (root->type != BW_NODE_MAP || !bw_node_get(root, "watcher"))
      continue;
    options = bw_node_get(root, "options");
    if (options && options->type == BW_NODE_MAP)
      check_options(l, options);
  }
}

/* ---- signals that nobody reads ---- */

static bool name_is_of(struct bw_str name, const char *signal)
{
  size_t n = strlen(signal);
  return bw_str_prefix(name, "signal.") && name.len >= 7 + n && memcmp(name.data + 7, signal, n) == 0 &&
         (name.len == 7 + n || name.data[7 + n] == '.' || name.data[7 + n] == '[');
}

static bool reads_signal(const struct bw_expr *e, const char *signal)
{
  struct bw_str name;
  size_t i;
  for (i = 0; e && bw_expr_name_at(e, i, &name, NULL, NULL); i++)
    if (name_is_of(name, signal))
      return true;
  return false;
}

static bool play_uses(const struct bw_lint *l, const struct lint_play *p, size_t s, const char *signal)
{
  const struct bw_expr *const others[] = {p->rules.estimate, p->rules.floor, p->rules.priority_high, p->rules.priority_medium,
                                          p->rules.review_when};
  size_t i;
  if (lint_weight(l, p, s) > 0)
    return true;
  if (strcmp(signal, "support_escalation") == 0 && p->rules.escalation_blocks)
    return true;
  for (i = 0; i < p->ngates; i++)
    if (reads_signal(p->gates[i].info.require, signal))
      return true;
  for (i = 0; i < sizeof others / sizeof *others; i++)
    if (reads_signal(others[i], signal))
      return true;
  return false;
}

static bool journey_uses(const struct bw_lint *l, const char *signal)
{
  const struct bw_expr *when;
  size_t i;
  for (i = 0; bw_journey_when_at(l->setup->plays, i, &when); i++)
    if (reads_signal(when, signal))
      return true;
  return false;
}

/* Whether the watcher's options choose signals, and leave this one out. */
static bool switched_off(const struct bw_node *watcher, const char *signal)
{
  const struct bw_node *options = watcher ? bw_node_get(watcher, "options") : NULL;
  const struct bw_node *chosen = options && options->type == BW_NODE_MAP ? bw_node_get(options, "signals") : NULL;
  size_t i;
  if (!chosen || chosen->type != BW_NODE_LIST)
    return false;
  for (i = 0; i < chosen->nitems; i++)
    if (bw_str_is(chosen->items[i].text, signal))
      return false;
  return true;
}

static bool first_of_watcher(const struct bw_lint *l, size_t s, const char *watcher)
{
  const struct bw_signal_type *type;
  size_t i;
  for (i = 0; i < s && (type = bw_catalog_signal(l->setup->catalog, i)); i++)
    if (type->configured && strcmp(type->watcher, watcher) == 0)
      return false;
  return true;
}

static void check_watcher(struct bw_lint *l, const char *watcher)
{
  const struct bw_node *root = lint_watcher(l, watcher);
  const struct bw_signal_type *type;
  struct bw_buf names = {0};
  size_t s, i, n = 0;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
    if (!type->configured || strcmp(type->watcher, watcher) != 0 || type->direction == BW_UNCLEAR ||
        switched_off(root, type->name) || journey_uses(l, type->name))
      continue; /* an unclear one is for a person to judge */
    for (i = 0; i < l->nplays && !play_uses(l, &l->plays[i], s, type->name); i++)
      ;
    if (i == l->nplays)
      bw_buf_printf(&names, "%s%s", n++ ? ", " : "", type->name);
  }
  if (n)
    lint_find(l, root ? lint_node(root) : (struct where){0}, "no play uses %zu signal%s of the watcher %s: %s", n,
              n == 1 ? "" : "s", watcher, bw_buf_cstr(&names));
  bw_buf_clear(&names);
}

void check_unused_signals(struct bw_lint *l)
{
  const struct bw_signal_type *type;
  size_t s;
  for (s = 0; l->nplays && (type = bw_catalog_signal(l->setup->catalog, s)); s++)
    if (type->configured && first_of_watcher(l, s, type->watcher))
      check_watcher(l, type->watcher);
}

static void check_missing(struct bw_lint *l, const char *watcher)
{
  const struct bw_signal_type *type;
  struct where at = {0};
  struct bw_buf signals = {0}, plays = {0};
  size_t s, i;
  bool weighed, weighs;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
    for (i = 0, weighed = false; i < l->nplays && !type->configured && strcmp(type->watcher, watcher) == 0; i++)
      weighed = weighed || lint_weight(l, &l->plays[i], s) > 0;
    if (weighed)
      bw_buf_printf(&signals, "%s%s", signals.len ? ", " : "", type->name);
  }
  for (i = 0; i < l->nplays; i++) {
    for (s = 0, weighs = false; (type = bw_catalog_signal(l->setup->catalog, s)); s++)
      weighs = weighs || (!type->configured && strcmp(type->watcher, watcher) == 0 && lint_weight(l, &l->plays[i], s) > 0);
    if (!weighs)
      continue;
    bw_buf_printf(&plays, "%s%s", plays.len ? ", " : "", l->plays[i].info.name);
    at = at.file ? at : lint_at(&l->plays[i], "signals");
  }
  if (signals.len)
    lint_find(l, at, "the watcher %s is not configured: %s will never be open (plays: %s)", watcher, bw_buf_cstr(&signals),
              bw_buf_cstr(&plays));
  bw_buf_clear(&signals);
  bw_buf_clear(&plays);
}

void check_missing_watcher(struct bw_lint *l)
{
  const struct bw_signal_type *type, *before;
  size_t s, i;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
    for (i = 0; i < s && (before = bw_catalog_signal(l->setup->catalog, i)) &&
                !(!before->configured && strcmp(before->watcher, type->watcher) == 0);
         i++)
      ;
    if (!type->configured && i == s)
      check_missing(l, type->watcher);
  }
}

/* ---- as a whole ---- */

void check_pipeline(struct bw_lint *l)
{
  struct bw_complaints ignored = {0};
  struct bw_document *doc = NULL;
  const struct bw_node *root = NULL;
  bool expands = false;
  size_t i;
  for (i = 0; i < l->nplays; i++)
    expands = expands || (l->plays[i].seen && l->plays[i].expansion);
  if (expands && bw_document_load(l->settings, false, &doc, &ignored) == 0)
    root = bw_document_root(doc);
  if (expands && !(root && root->type == BW_NODE_MAP && bw_node_get(root, "opportunities")))
    lint_find(l, lint_main(l),
              "expansion plays are live, and basewatch.yaml has no \"opportunities\": the default pipeline is used");
  bw_document_free(&doc);
  bw_complaints_clear(&ignored);
}

void check_nothing_live(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays && !l->plays[i].seen; i++)
    ;
  if (l->nplays && i == l->nplays)
    lint_find(l, lint_main(l), "all %zu plays are shadows: nobody gets a lead", l->nplays);
}
