/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One play and one account: signals → gates → score → readiness → estimate → floor → priority → route → review, with every
 * reason written down as it is found.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

void bw_verdict_clear(struct verdict *v)
{
  free(v->says);
  free(v->primary);
  free(v->signals);
  free(v->owner);
  free(v->role);
  free(v->csm);
  bw_buf_clear(&v->why);
  bw_buf_clear(&v->signals_json);
  *v = (struct verdict){0};
}

/* The first block is the one that is told. */
static void block(struct verdict *v, const char *by, char *says)
{
  if (v->blocked_by) {
    free(says);
    return;
  }
  v->blocked_by = by;
  v->says = says;
}

static bool leaf_open(const struct bw_env *env, const struct bw_leaf *leaf)
{
  const struct env_name *n = &env->names->names[leaf->slot];
  return bw_signals_find(env->engine->signals, env->account, n->type_index, n->key ? bw_str(n->key) : BW_STR("")) != NULL;
}

static void leaf_json(const struct bw_env *env, const struct bw_leaf *leaf, struct bw_buf *b, struct bw_buf *text)
{
  bw_buf_reset(text);
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_str(b, leaf->name);
  bw_json_key(b, "value");
  if (leaf->value.type == BW_TYPE_SIGNAL) {
    bw_json_bool(b, leaf_open(env, leaf));
    bw_buf_add_cstr(text, leaf_open(env, leaf) ? "open" : "not open");
  } else {
    bw_value_json(b, &leaf->value);
    bw_value_text(text, &leaf->value);
  }
  bw_json_key(b, leaf->value.type == BW_TYPE_ERROR ? "missing" : "text");
  bw_json_str(b, leaf->value.type == BW_TYPE_ERROR ? leaf->value.s : bw_buf_str(text));
  bw_json_close(b, '}');
}

void bw_values_json(const struct bw_env *env, struct bw_buf *b)
{
  struct bw_buf text = {0};
  size_t i;
  bw_json_key(b, "values");
  bw_json_open(b, '[');
  for (i = 0; i < env->eval.nleaves; i++)
    leaf_json(env, &env->eval.leaves[i], b, &text);
  bw_json_close(b, ']');
  bw_buf_clear(&text);
}

/* "account.acv is 8,000" for each value that was read: what a person needs to see. */
static void values_text(const struct bw_env *env, struct bw_buf *out)
{
  size_t i, shown = 0;
  for (i = 0; i < env->eval.nleaves && shown < 6; i++) {
    const struct bw_leaf *leaf = &env->eval.leaves[i];
    if (leaf->value.type == BW_TYPE_ERROR)
      continue;
    bw_buf_printf(out, "%s%.*s is ", shown++ ? ", " : "", BW_FMT(leaf->name));
    if (leaf->value.type == BW_TYPE_SIGNAL)
      bw_buf_add_cstr(out, leaf_open(env, leaf) ? "open" : "not open");
    else
      bw_value_text(out, &leaf->value);
  }
}

static void start(struct bw_env *env)
{
  env->eval.nleaves = 0;
}

/* ---- signals ---- */

struct gathering {
  struct bw_env *env;
  const struct play *play;
  struct verdict *v;
  struct bw_buf list; /* type or type[key], one per line */
  uint32_t urgency;
  size_t n;
};

static double weight_of(const struct play *p, uint32_t type)
{
  size_t i;
  for (i = 0; i < p->nweights; i++)
    if (p->weights[i].signal == type)
      return p->weights[i].weight;
  return 0;
}

static void label(struct bw_buf *out, const struct bw_episode *e)
{
  bw_buf_add_cstr(out, e->type->name);
  if (e->key.len)
    bw_buf_printf(out, "[%.*s]", BW_FMT(e->key));
}

static void episode_json(struct bw_buf *b, const struct bw_episode *e, double weight, bool evidence)
{
  bw_json_open(b, '{');
  bw_json_key(b, "signal");
  bw_json_cstr(b, e->type->name);
  if (e->key.len) {
    bw_json_key(b, "key");
    bw_json_str(b, e->key);
  }
  bw_json_key(b, "direction");
  bw_json_cstr(b, bw_direction_name(e->type->direction));
  bw_json_key(b, "value");
  bw_json_num(b, e->value);
  bw_json_key(b, "threshold");
  bw_json_num(b, e->threshold);
  bw_json_key(b, "strength");
  bw_json_num(b, e->strength);
  bw_json_key(b, "peak");
  bw_json_num(b, e->peak_strength);
  bw_json_key(b, "weight");
  bw_json_num(b, weight);
  bw_json_key(b, "opened");
  bw_json_time(b, e->opened_at);
  bw_json_key(b, "updated");
  bw_json_time(b, e->updated_at);
  bw_json_key(b, "episode");
  bw_json_int(b, (int64_t)e->id);
  if (evidence) {
    bw_json_key(b, "evidence");
    bw_json_raw(b, e->evidence);
  }
  bw_json_close(b, '}');
}

static int gather(void *ctx, const struct bw_episode *e)
{
  struct gathering *g = ctx;
  double weight = weight_of(g->play, e->type_index);
  if (weight <= 0 || e->held_until != BW_TIME_NONE)
    return 0;
  episode_json(&g->v->why, e, weight, true);
  episode_json(&g->v->signals_json, e, weight, false);
  label(&g->list, e);
  bw_buf_add_char(&g->list, '\n');
  if (e->type->urgency > g->urgency)
    g->urgency = e->type->urgency;
  g->n++;
  return 0;
}

static int triggered(void *ctx, const struct bw_episode *e)
{
  const struct play *p = ctx;
  return e->held_until == BW_TIME_NONE && weight_of(p, e->type_index) > 0 ? -1 : 0;
}

bool bw_play_triggered(const struct bw_env *env, const struct play *play)
{
  return bw_signals_each_open(env->engine->signals, env->account, triggered, (void *)(uintptr_t)play) < 0;
}

static uint32_t decide_signals(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct gathering g = {.env = env, .play = p, .v = v};
  bw_json_key(&v->why, "signals");
  bw_json_open(&v->why, '[');
  bw_json_open(&v->signals_json, '[');
  bw_signals_each_open(env->engine->signals, env->account, gather, &g);
  bw_json_close(&v->why, ']');
  bw_json_close(&v->signals_json, ']');
  bw_buf_cstr(&g.list);
  v->signals = g.list.data;
  if (!g.n)
    block(v, "signals", bw_asprintf("none of the signals that this play weighs is open on the account"));
  return g.urgency;
}

/* ---- gates ---- */

/* "require" as it is, its result, and the values that decided it.  Returns whether it holds. */
static bool condition(struct bw_env *env, const struct bw_expr *e, const char *diverted, struct verdict *v, const char *name,
                      const char *blocked_by)
{
  struct bw_buf *b = &v->why, values = {0};
  struct bw_value r;
  bool holds, missing;
  start(env);
  bw_expr_eval(e, &env->eval, &r);
  holds = r.type == BW_TYPE_BOOL && r.b;
  missing = r.type == BW_TYPE_ERROR;
  bw_json_key(b, "require");
  bw_json_str(b, bw_expr_source(e));
  bw_json_key(b, "result");
  bw_json_cstr(b, holds                                ? "pass"
                  : diverted                           ? "diverted"
                  : missing && r.i == BW_VALUE_MISSING ? "missing"
                  : missing                            ? "error"
                                                       : "fail");
  if (missing) {
    bw_json_key(b, "says");
    bw_json_str(b, r.s);
  }
  bw_values_json(env, b);
  if (!holds && diverted) {
    bw_json_key(b, "otherwise");
    bw_json_cstr(b, diverted);
  }
  if (!holds && !diverted) {
    values_text(env, &values);
    if (missing)
      block(v, blocked_by,
            bw_asprintf("%s cannot be judged: it requires %.*s, and a value is missing (%.*s)", name, BW_FMT(bw_expr_source(e)),
                        BW_FMT(r.s)));
    else
      block(v, blocked_by,
            bw_asprintf("%s does not hold: it requires %.*s, and %s", name, BW_FMT(bw_expr_source(e)),
                        values.len ? bw_buf_cstr(&values) : "it is not so"));
  }
  bw_buf_clear(&values);
  return holds;
}

/* All of them, in order; a failed one with an `otherwise` changes the route instead of blocking. */
static int decide_gates(struct bw_env *env, const struct play *p, struct verdict *v)
{
  const struct bw_plays *set = env->engine->plays;
  int route = p->route;
  bool diverted = false;
  size_t i;
  bw_json_key(&v->why, "gates");
  bw_json_open(&v->why, '[');
  for (i = 0; i < p->gates.n; i++) {
    const struct gate *g = &p->gates.items[i];
    char *name BW_AUTOFREE = bw_asprintf("the gate \"%s\"", g->name);
    bw_json_open(&v->why, '{');
    bw_json_key(&v->why, "name");
    bw_json_cstr(&v->why, g->name);
    if (g->from) {
      bw_json_key(&v->why, "from");
      bw_json_cstr(&v->why, g->from);
    }
    if (!condition(env, g->require, g->otherwise >= 0 ? set->routes[g->otherwise].name : NULL, v, name, "gate") &&
        g->otherwise >= 0 && !diverted) {
      route = g->otherwise;
      diverted = true;
    }
    bw_json_close(&v->why, '}');
  }
  bw_json_close(&v->why, ']');
  return route;
}

/* ---- score ---- */

/*
 * Sum over the play's signals, at most 100, of weight × (open + (1 - open) × strength) of the type's strongest open episode.
 * A watcher's strength is 0 at its threshold and nears 1 far beyond it (sdk/detect.h): that a signal is open at all counts for
 * the share `open` of its weight (score.open, a half by default), how far it went for the rest.
 */
static void decide_score(struct bw_env *env, const struct play *p, bool full, struct verdict *v)
{
  struct bw_buf *b = &v->why, name = {0};
  double best = -1;
  size_t i;
  v->score = 0;
  bw_json_key(b, "score");
  bw_json_open(b, '{');
  bw_json_key(b, "points");
  bw_json_open(b, '[');
  for (i = 0; i < p->nweights; i++) {
    const struct bw_episode *e = bw_signals_find(env->engine->signals, env->account, p->weights[i].signal, BW_STR(""));
    double points = e ? p->weights[i].weight * (p->open_share + (1 - p->open_share) * e->strength) : 0;
    if (e && points > best) {
      best = points;
      bw_buf_reset(&name);
      label(&name, e);
    }
    if (!e && !full)
      continue; /* a lead tells what counted; why-not also what did not */
    v->score += points;
    bw_json_open(b, '{');
    bw_json_key(b, "signal");
    bw_json_cstr(b, bw_catalog_signal(env->catalog, p->weights[i].signal)->name);
    bw_json_key(b, "weight");
    bw_json_num(b, p->weights[i].weight);
    bw_json_key(b, "strength");
    bw_json_num(b, e ? e->strength : 0);
    bw_json_key(b, "points");
    bw_json_num(b, round(points * 100) / 100);
    bw_json_close(b, '}');
  }
  v->score = round((v->score > 100 ? 100 : v->score) * 100) / 100;
  bw_json_close(b, ']');
  bw_json_key(b, "total");
  bw_json_num(b, v->score);
  bw_json_key(b, "threshold");
  bw_json_num(b, p->threshold);
  bw_json_key(b, "open");
  bw_json_num(b, p->open_share);
  if (v->score < p->threshold) {
    bw_json_key(b, "gap");
    bw_json_num(b, round((p->threshold - v->score) * 100) / 100);
    block(v, "score", bw_asprintf("the score is %g of the %g that this play asks for", v->score, p->threshold));
  }
  bw_json_close(b, '}');
  bw_buf_cstr(&name);
  v->primary = name.data;
}

/* ---- money ---- */

static void decide_estimate(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_buf *b = &v->why, text = {0};
  struct bw_value r;
  v->estimate = NAN;
  if (!p->estimate)
    return;
  start(env);
  bw_expr_eval(p->estimate, &env->eval, &r);
  if (r.type == BW_TYPE_INT)
    r = bw_value_double((double)r.i);
  if (r.type == BW_TYPE_DOUBLE && isfinite(r.d))
    v->estimate = round(r.d * 100) / 100;
  bw_json_key(b, "estimate");
  bw_json_open(b, '{');
  bw_json_key(b, "expression");
  bw_json_str(b, bw_expr_source(p->estimate));
  bw_json_key(b, "value");
  bw_json_num(b, v->estimate);
  bw_json_key(b, "text");
  bw_value_text(&text, &r);
  bw_json_str(b, bw_buf_str(&text));
  bw_values_json(env, b);
  bw_json_close(b, '}');
  if (r.type == BW_TYPE_ERROR && r.i == BW_VALUE_MISSING)
    block(v, "estimate", bw_asprintf("the estimate needs a value that is missing (%.*s)", BW_FMT(r.s)));
  else if (!isfinite(v->estimate))
    block(v, "estimate", bw_asprintf("the estimate cannot be computed: %s", bw_buf_cstr(&text)));
  bw_buf_clear(&text);
}

static int decide_floor(struct bw_env *env, const struct play *p, int route, struct verdict *v)
{
  const struct bw_plays *set = env->engine->plays;
  bool holds;
  if (!p->floor)
    return route;
  bw_json_key(&v->why, "floor");
  bw_json_open(&v->why, '{');
  holds =
      condition(env, p->floor, p->floor_otherwise >= 0 ? set->routes[p->floor_otherwise].name : NULL, v, "the floor", "floor");
  bw_json_close(&v->why, '}');
  return holds || p->floor_otherwise < 0 ? route : p->floor_otherwise;
}

/* ---- priority and review ---- */

static bool holds(struct bw_env *env, const struct bw_expr *e)
{
  struct bw_value r;
  start(env);
  bw_expr_eval(e, &env->eval, &r);
  return r.type == BW_TYPE_BOOL && r.b;
}

static void decide_priority(struct bw_env *env, const struct play *p, uint32_t urgency, struct verdict *v)
{
  const char *from = "play";
  if (p->priority) {
    v->priority = p->priority;
  } else if (p->priority_high || p->priority_medium) {
    v->priority = p->priority_high && holds(env, p->priority_high)       ? "high"
                  : p->priority_medium && holds(env, p->priority_medium) ? "medium"
                  : p->priority_medium                                   ? "low"
                                                                         : "medium";
  } else {
    v->priority = urgency >= BW_URGENCY_HIGH ? "high" : urgency == BW_URGENCY_MEDIUM ? "medium" : "low";
    from = "urgency of the signals";
  }
  bw_json_key(&v->why, "priority");
  bw_json_open(&v->why, '{');
  bw_json_key(&v->why, "value");
  bw_json_cstr(&v->why, v->priority);
  bw_json_key(&v->why, "from");
  bw_json_cstr(&v->why, from);
  bw_json_close(&v->why, '}');
}

static void decide_review(struct bw_env *env, const struct play *p, struct verdict *v)
{
  v->review_ms = v->csm ? p->review_ms : 0; /* nobody to wait for: the owner goes ahead */
  if (!p->review_ms)
    return;
  bw_json_key(&v->why, "review");
  bw_json_open(&v->why, '{');
  bw_json_key(&v->why, "by");
  bw_json_cstr(&v->why, p->review_by);
  if (p->review_when) {
    if (!holds(env, p->review_when))
      v->review_ms = 0;
    bw_json_key(&v->why, "when");
    bw_json_str(&v->why, bw_expr_source(p->review_when));
  }
  bw_json_key(&v->why, "applies");
  bw_json_bool(&v->why, v->review_ms > 0);
  bw_json_key(&v->why, "hours");
  bw_json_num(&v->why, (double)p->review_ms / (double)BW_HOUR);
  bw_json_close(&v->why, '}');
}

static void write_head(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_buf *b = &v->why;
  v->shadow = p->mode == BW_MODE_SHADOW || (p->mode == BW_MODE_PILOT && !bw_map_get(p->pilot, env->account));
  bw_json_key(b, "account");
  bw_json_str(b, env->account);
  bw_json_key(b, "play");
  bw_json_cstr(b, p->name);
  bw_json_key(b, "mode");
  bw_json_cstr(b, v->shadow ? "shadow" : bw_mode_name(p->mode));
  bw_json_key(b, "at");
  bw_json_time(b, env->now_ms);
}

/*
 * The JSON is left open at its end, so that the caller can add what only it knows (suppression, the open lead).
 * Without `full`, what comes after a block is not evaluated: nobody would read it.
 */
void bw_play_decide(struct bw_env *env, const struct play *p, bool full, struct verdict *v)
{
  uint32_t urgency;
  int route;
  env->play = p;
  env->score = env->estimate = NAN;
  env->priority = NULL;
  bw_json_open(&v->why, '{');
  write_head(env, p, v);
  urgency = decide_signals(env, p, v);
  if (v->blocked_by && !full)
    return;
  route = decide_gates(env, p, v);
  if (v->blocked_by && !full)
    return;
  decide_score(env, p, full, v);
  env->score = v->score;
  if (v->blocked_by && !full)
    return;
  bw_play_readiness(env, p, v, &v->why);
  decide_estimate(env, p, v);
  env->estimate = v->estimate;
  if (v->blocked_by && !full)
    return;
  route = decide_floor(env, p, route, v);
  if (v->blocked_by && !full)
    return;
  decide_priority(env, p, urgency, v);
  env->priority = v->priority;
  bw_play_route(env, p, route, v);
  decide_review(env, p, v);
  bw_json_key(&v->why, "template");
  bw_json_cstr(&v->why, p->template_name);
  v->fires = !v->blocked_by;
}
