/* SPDX-License-Identifier: Apache-2.0 */
/* One play, from its document, with every name and type checked.  Runs wherever rules are read; no privileges. */
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "rules/private.h"

const char *const bw_motions[] = {"expansion", "renewal", "revival", NULL};
const char *const bw_lead_types[] = {"seat", "tier", "cross_sell", "usage", "risk", "any", NULL};

void bw_play_clear(struct play *p)
{
  size_t i;
  char **texts[] = {&p->name,  &p->family, &p->motion,    &p->type,     &p->route_name, &p->template_name,
                    &p->angle, &p->title,  &p->review_by, &p->priority, &p->file};
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    free(*texts[i]);
  if (p->pilot)
    bw_map_free(&p->pilot, NULL);
  free(p->weights);
  bw_gate_list_clear(&p->gates);
  bw_readiness_clear(&p->readiness);
  free(p->timing.renewal_family);
  bw_expr_free(&p->estimate);
  bw_expr_free(&p->floor);
  bw_otherwise_clear(&p->floor_otherwise);
  bw_expr_free(&p->priority_high);
  bw_expr_free(&p->priority_medium);
  bw_expr_free(&p->review_when);
}

static int word(struct loader *l, const struct bw_node *map, const char *key, const char *const *names, const char *choices,
                int missing)
{
  const struct bw_node *n = bw_node_get(map, key);
  const char *near;
  int i;
  if (!n) {
    if (missing < 0)
      bw_complain(l->complaints, map, "\"%s\" is missing: one of %s", key, choices);
    return missing;
  }
  for (i = 0; names[i]; i++)
    if (n->type == BW_NODE_STRING && bw_str_is(n->text, names[i]))
      return i;
  near = n->type == BW_NODE_STRING ? bw_nearest(n->text, names) : NULL;
  bw_complain(l->complaints, n, "\"%s\" should be one of %s%s%s%s", key, choices, near ? "; did you mean " : "",
              near ? near : "", near ? "?" : "");
  return -1;
}

/* ---- signals ---- */

static void take_weight(struct loader *l, const struct bw_node *n, struct play *p)
{
  const struct bw_catalog *c = l->p->catalog;
  const struct bw_signal_type *type;
  int at = bw_catalog_find_signal(c, n->key);
  double weight;
  if (at < 0) {
    const char *near = bw_nearest(n->key, bw_catalog_signal_names(c));
    bw_complain_key(l->complaints, n, "there is no signal \"%.*s\"%s%s%s", (int)(n->key.len > 60 ? 60 : n->key.len),
                    n->key.data, near ? "; did you mean " : "; no configured watcher emits it (see watchers/)",
                    near ? near : "", near ? "?" : "");
    return;
  }
  type = bw_catalog_signal(c, (size_t)at);
  if (type->direction == BW_UNCLEAR && p->template_name[0]) {
    bw_complain_key(
        l->complaints, n,
        "%s can mean good or bad news: a person judges it, and no play may draft from it.  Leave it out, or leave the "
        "template out: then whoever the route names gets the lead and judges",
        type->name);
    return;
  }
  if (!bw_load_number(l, n, 0, 100, &weight))
    return;
  p->weights[p->nweights++] = (struct weight){(uint32_t)at, weight};
  if (weight > 0)
    l->p->triggers[at].words[(p - l->p->plays) / 64] |= UINT64_C(1) << ((p - l->p->plays) % 64);
}

static void take_weights(struct loader *l, const struct bw_node *root, struct play *p)
{
  const struct bw_node *n = bw_node_get(root, "signals");
  size_t i;
  if (!n || n->type != BW_NODE_MAP || n->nitems == 0 || n->nitems > MAX_WEIGHTS) {
    bw_complain(l->complaints, n ? n : root, "\"signals\" should name 1 to %d signals with their weights: {seat_limit: 40}",
                MAX_WEIGHTS);
    return;
  }
  p->weights = bw_calloc(n->nitems, sizeof *p->weights);
  for (i = 0; i < n->nitems; i++)
    take_weight(l, &n->items[i], p);
}

/* A play without a template may weigh what a person has to judge; then its nurture band may not write either. */
static void check_judged(struct loader *l, const struct bw_node *root, const struct play *p)
{
  size_t i;
  for (i = 0; i < p->nweights && p->readiness.template_name; i++)
    if (bw_catalog_signal(l->p->catalog, p->weights[i].signal)->direction == BW_UNCLEAR)
      bw_complain(l->complaints, root,
                  "%s is for a person to judge, and the nurture band of this play's readiness has a template",
                  bw_catalog_signal(l->p->catalog, p->weights[i].signal)->name);
}

/* It may ask about such things too: so nothing of it may write, whichever way its leads go. */
static void check_no_draft(struct loader *l, const struct bw_node *root, const struct play *p)
{
  bool writes = p->floor_otherwise.template_name;
  size_t i;
  for (i = 0; i < p->gates.n; i++)
    writes |= p->gates.items[i].otherwise.template_name != NULL;
  if (writes && !p->template_name[0])
    bw_complain(
        l->complaints, root,
        "the play %s has no template, so that nothing is drafted; the \"otherwise\" of its floor or of one of its gates "
        "names one",
        p->name);
}

/* ---- money, priority, time ---- */

static void take_score(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const score_keys[] = {"threshold", "open", NULL};
  const struct bw_node *n = bw_node_get(root, "score"), *v;
  double sum = 0;
  size_t i;
  p->threshold = DEFAULT_THRESHOLD;
  p->open_share = 0.5;
  if (n && n->type == BW_NODE_MAP) {
    bw_load_known_keys(l, n, score_keys);
    if ((v = bw_node_get(n, "threshold")))
      bw_load_number(l, v, 0, 100, &p->threshold);
    if ((v = bw_node_get(n, "open")))
      bw_load_number(l, v, 0, 1, &p->open_share);
  } else if (n) {
    bw_complain(l->complaints, n, "\"score\" should be a map: {threshold: 60}");
  }
  for (i = 0; i < p->nweights; i++)
    sum += p->weights[i].weight;
  if (p->nweights && sum < p->threshold)
    bw_complain(l->complaints, n ? n : root,
                "the weights of all signals add up to %g and never reach the threshold of %g: this play can never fire", sum,
                p->threshold);
}

static void take_money(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const keys[] = {"require", "otherwise", NULL};
  const struct bw_node *n = bw_node_get(root, "estimate"), *v;
  p->floor_otherwise.route = -1;
  if (n)
    p->estimate = bw_load_expr(l, n, BW_TYPE_DOUBLE, BW_LEVEL_SCORED);
  n = bw_node_get(root, "floor");
  if (n && n->type == BW_NODE_MAP) {
    bw_load_known_keys(l, n, keys);
    if ((v = bw_node_get(n, "require")))
      p->floor = bw_load_expr(l, v, BW_TYPE_BOOL, BW_LEVEL_ESTIMATED);
    else
      bw_complain(l->complaints, n, "\"require\" is missing: the expression that must hold");
    p->floor_otherwise = bw_load_otherwise(l, bw_node_get(n, "otherwise"));
  } else if (n) {
    p->floor = bw_load_expr(l, n, BW_TYPE_BOOL, BW_LEVEL_ESTIMATED);
  }
  if (strcmp(p->motion, "expansion") == 0 && !bw_node_get(root, "estimate"))
    bw_complain(l->complaints, root, "an expansion play needs \"estimate\": what it is worth per year");
  if (strcmp(p->motion, "expansion") == 0 && p->estimate && !n)
    bw_complain(l->complaints, root, "an expansion play needs \"floor\", such as estimate > 0.15 * account.acv");
}

static const char *const priorities[] = {"high", "medium", "low", NULL};

static void take_priority(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const keys[] = {"high", "medium", NULL};
  const struct bw_node *n = bw_node_get(root, "priority"), *v;
  int at;
  if (!n)
    return;
  if (n->type != BW_NODE_MAP) {
    at = word(l, root, "priority", priorities, "high, medium, low (or a map {high: expression, medium: expression})", 0);
    if (at >= 0)
      p->priority = bw_strdup(priorities[at]);
    return;
  }
  bw_load_known_keys(l, n, keys);
  if ((v = bw_node_get(n, "high")))
    p->priority_high = bw_load_expr(l, v, BW_TYPE_BOOL, BW_LEVEL_ESTIMATED);
  if ((v = bw_node_get(n, "medium")))
    p->priority_medium = bw_load_expr(l, v, BW_TYPE_BOOL, BW_LEVEL_ESTIMATED);
}

static void take_times(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const review_keys[] = {"by", "window", "when", NULL};
  const struct bw_node *n = bw_node_get(root, "sla"), *v;
  size_t i;
  p->sla_ms[0] = 4 * BW_HOUR;
  p->sla_ms[1] = p->sla_ms[2] = 24 * BW_HOUR;
  if (n && n->type == BW_NODE_MAP) {
    bw_load_known_keys(l, n, priorities);
    for (i = 0; i < 3; i++)
      if ((v = bw_node_get(n, priorities[i])))
        bw_load_duration(l, v, &p->sla_ms[i]);
  } else if (n && bw_load_duration(l, n, &p->sla_ms[0])) {
    p->sla_ms[1] = p->sla_ms[2] = p->sla_ms[0];
  }
  p->suppress_ms = DEFAULT_SUPPRESS;
  if ((n = bw_node_get(root, "suppress")))
    bw_load_duration(l, n, &p->suppress_ms);
  p->review_by = bw_strdup("csm");
  if (!(n = bw_node_get(root, "review")))
    return;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "\"review\" should be a map: {by: csm, window: 24h}");
    return;
  }
  bw_load_known_keys(l, n, review_keys);
  p->review_ms = 24 * BW_HOUR;
  free(p->review_by);
  p->review_by = bw_load_text(l, n, "by", "csm");
  if (strcmp(p->review_by, "csm") != 0)
    bw_complain(l->complaints, bw_node_get(n, "by"), "the review is the CSM's: \"by: csm\"");
  if ((v = bw_node_get(n, "window")))
    bw_load_duration(l, v, &p->review_ms);
  if ((v = bw_node_get(n, "when")))
    p->review_when = bw_load_expr(l, v, BW_TYPE_BOOL, BW_LEVEL_ALL);
}

static void take_mode(struct loader *l, const struct bw_node *root, struct play *p)
{
  static const char *const modes[] = {"shadow", "pilot", "live", NULL};
  const struct bw_node *n = bw_node_get(root, "accounts");
  int at = word(l, root, "mode", modes, "shadow, pilot, live", BW_MODE_SHADOW);
  size_t i;
  p->mode = at >= 0 ? (enum bw_mode)at : BW_MODE_SHADOW;
  if (p->mode == BW_MODE_PILOT && (!n || n->type != BW_NODE_LIST || n->nitems == 0)) {
    bw_complain(l->complaints, n ? n : root, "a pilot needs \"accounts\": the list of account ids that take part");
    return;
  }
  if (!n)
    return;
  if (n->type != BW_NODE_LIST) {
    bw_complain(l->complaints, n, "\"accounts\" should be a list of account ids");
    return;
  }
  if (p->mode != BW_MODE_PILOT)
    bw_warn(l->complaints, n, "\"accounts\" matters only while mode is pilot");
  p->pilot = bw_map_new();
  for (i = 0; i < n->nitems; i++)
    if (n->items[i].text.len)
      bw_map_put(p->pilot, n->items[i].text, (void *)1);
}

/* What people read.  The angle's tags are checked by whoever knows templates. */
static void take_texts(struct loader *l, const struct bw_node *root, struct play *p)
{
  const struct bw_node *title = bw_node_get(root, "title"), *angle = bw_node_get(root, "angle");
  const struct bw_node *template = bw_node_get(root, "template");
  p->angle = bw_load_text(l, root, "angle", "");
  p->title = bw_load_text(l, root, "title", "");
  p->template_name = bw_load_text(l, root, "template", "");
  if (template) {
    p->template_line = template->line;
    p->template_column = template->column;
  }
  if (angle) {
    p->angle_line = angle->line;
    p->angle_column = angle->column;
  }
  if (strstr(p->title, "{{")) {
    struct bw_node at = bw_node_inside(title, (size_t)(strstr(p->title, "{{") - p->title));
    bw_complain(l->complaints, &at, "a title is shown as it is written, and its {{...}} too; values stand in \"angle\"");
  }
}

/* What plays share stands in documents of its own, in any file of plays/ and in any order. */
static const struct {
  const char *key;
  void (*take)(struct loader *l, const struct bw_node *root);
} shared[] = {
    {"gates", bw_load_gates_document}, {"readiness", bw_load_readiness_document}, {"journey", bw_load_journey_document}};

static size_t shared_at(const struct bw_node *root)
{
  size_t i, n = sizeof shared / sizeof *shared;
  if (root->type != BW_NODE_MAP || bw_node_get(root, "play"))
    return n;
  for (i = 0; i < n && !bw_node_get(root, shared[i].key); i++)
    ;
  return i;
}

static bool is_shared(const struct bw_node *root)
{
  return shared_at(root) < sizeof shared / sizeof *shared;
}

void bw_load_shared_document(struct loader *l, const struct bw_node *root)
{
  size_t at = shared_at(root);
  if (at < sizeof shared / sizeof *shared)
    shared[at].take(l, root);
}

static void check_own_name(struct loader *l, const struct bw_node *root, const char *name)
{
  int other = bw_plays_find(l->p, bw_str(name));
  const struct play *p = other >= 0 ? &l->p->plays[other] : NULL;
  if (!name[0])
    bw_complain(l->complaints, bw_node_get(root, "play"), "a play needs a name of its own");
  else if (p)
    bw_complain(l->complaints, bw_node_get(root, "play"), "a play needs a name of its own; there is a \"%s\" already, in %s:%u",
                name, p->file, p->line);
}

void bw_load_plays_document(struct loader *l, const struct bw_node *root)
{
  static const char *const keys[] = {"play",   "family",    "motion",   "type",  "mode",     "accounts", "signals", "gates",
                                     "score",  "readiness", "estimate", "floor", "route",    "priority", "review",  "sla",
                                     "timing", "suppress",  "angle",    "title", "template", "note",     NULL};
  struct bw_plays *set = l->p;
  const struct bw_node *n;
  struct play *p;
  int at;
  if (is_shared(root))
    return;
  if (root->type != BW_NODE_MAP || !bw_node_get(root, "play")) {
    bw_complain(l->complaints, root,
                "a document in plays/ begins with \"play: NAME\", or is a shared one: gates, readiness, journey");
    return;
  }
  if (set->nplays >= MAX_PLAYS) {
    bw_complain(l->complaints, root, "more than %d plays", MAX_PLAYS);
    return;
  }
  bw_load_known_keys(l, root, keys);
  set->plays = bw_realloc(set->plays, set->nplays + 1, sizeof *set->plays);
  p = &set->plays[set->nplays];
  *p = (struct play){.route = -1, .file = bw_strdup(root->file ? root->file : ""), .line = root->line, .column = root->column};
  p->name = bw_load_text(l, root, "play", NULL);
  check_own_name(l, root, p->name);
  set->nplays++;
  at = word(l, root, "motion", bw_motions, "expansion, renewal, revival", -1);
  p->motion = bw_strdup(at >= 0 ? bw_motions[at] : "");
  at = word(l, root, "type", bw_lead_types, "seat, tier, cross_sell, usage, risk, any", 5);
  p->type = bw_strdup(at >= 0 ? bw_lead_types[at] : "");
  p->family = bw_load_text(l, root, "family", p->name);
  take_texts(l, root, p);
  bw_names_judged(set->names, !p->template_name[0]);
  take_mode(l, root, p);
  take_weights(l, root, p);
  bw_load_gates(l, root, p);
  take_score(l, root, p);
  bw_load_readiness(l, root, p);
  check_judged(l, root, p);
  bw_load_timing(l, root, p);
  take_money(l, root, p);
  check_no_draft(l, root, p);
  take_priority(l, root, p);
  take_times(l, root, p);
  p->route_name = bw_load_text(l, root, "route", NULL);
  if ((n = bw_node_get(root, "route")))
    p->route = bw_load_route_name(l, n);
  bw_names_judged(set->names, false);
}
