/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One play and one account: signals → gates → timing → score → readiness → estimate → floor → priority → route → review.  Only
 * the answers; explain.c writes the reasons, for what somebody will read.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

void bw_verdict_init(struct verdict *v)
{
  memset(v, 0, offsetof(struct verdict, gates));
  memset((char *)v + offsetof(struct verdict, floor), 0, sizeof *v - offsetof(struct verdict, floor)); /* gates: as judged */
}

bool bw_is_shadow(const struct play *p, struct bw_str account)
{
  return p->mode == BW_MODE_SHADOW || (p->mode == BW_MODE_PILOT && !bw_map_get(p->pilot, account));
}

void bw_verdict_clear(struct verdict *v)
{
  free(v->says);
  free(v->primary);
  free(v->signals);
  free(v->owner);
  free(v->role);
  free(v->csm);
  bw_buf_clear(&v->route_json);
  bw_buf_clear(&v->why);
  bw_buf_clear(&v->signals_json);
  bw_routed_clear(&v->routed);
}

/* The first block is the one that is told. */
static void block(struct verdict *v, const char *by)
{
  if (!v->blocked_by)
    v->blocked_by = by;
}

/* Yes or no; with an `otherwise` it is never "no". */
static enum answer ask(struct bw_env *env, const struct bw_expr *e, bool diverts)
{
  struct bw_value r;
  bw_expr_eval(e, &env->eval, &r);
  return r.type == BW_TYPE_BOOL && r.b                        ? ANSWER_YES
         : diverts                                            ? ANSWER_DIVERTED
         : r.type == BW_TYPE_ERROR && r.i == BW_VALUE_MISSING ? ANSWER_MISSING
         : r.type == BW_TYPE_ERROR                            ? ANSWER_ERROR
                                                              : ANSWER_NO;
}

static bool stops(uint8_t answer)
{
  return answer != ANSWER_YES && answer != ANSWER_DIVERTED;
}

/* ---- the steps ---- */

static void label(struct bw_buf *out, const struct bw_episode *e)
{
  bw_buf_add_cstr(out, e->type->name);
  if (e->key.len)
    bw_buf_printf(out, "[%.*s]", BW_FMT(e->key));
}

static void judge_signals(struct bw_env *env, const struct play *p, struct verdict *v)
{
  uint32_t last = UINT32_MAX;
  size_t i;
  env->triggered = 0;
  for (i = 0; i < env->nopen; i++) { /* in order of type */
    const struct bw_episode *e = env->open[i];
    if (bw_play_weight(p, e->type_index) <= 0)
      continue;
    env->triggered += e->type_index != last;
    last = e->type_index;
    if (e->type->urgency > v->urgency)
      v->urgency = e->type->urgency;
  }
  if (!env->triggered)
    block(v, "signals");
}

/* The names of what triggered, for a verdict that somebody will read. */
static void name_signals(const struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_buf list = {0}, primary = {0};
  size_t i;
  for (i = 0; i < env->nopen; i++) {
    if (bw_play_weight(p, env->open[i]->type_index) <= 0)
      continue;
    label(&list, env->open[i]);
    bw_buf_add_char(&list, '\n');
  }
  if (v->best)
    label(&primary, v->best);
  bw_buf_cstr(&list);
  bw_buf_cstr(&primary);
  v->signals = list.data;
  v->primary = primary.data;
}

/* Gates that plays share are asked once for an account. */
static enum answer ask_gate(struct bw_env *env, const struct gate *g)
{
  bool known = false;
  int *memo = g->alike ? bw_env_answer(env, g->require, &known) : NULL;
  enum answer a = known ? (enum answer) * memo : ask(env, g->require, g->otherwise.route >= 0);
  if (memo)
    *memo = (int)a;
  return a;
}

/* Another way, and perhaps other words, instead of a stop.  The first that applies stays. */
static void divert(const struct otherwise *o, struct verdict *v)
{
  if (v->diverted)
    return;
  v->diverted = true;
  v->route = o->route;
  if (o->template_name)
    v->template_name = o->template_name;
}

/* All of them, in order; a failed one with an `otherwise` changes the route instead of blocking. */
static void judge_gates(struct bw_env *env, const struct play *p, bool full, struct verdict *v)
{
  size_t i;
  for (i = 0; i < p->gates.n; i++) {
    const struct gate *g = &p->gates.items[i];
    v->gates[i] = (uint8_t)ask_gate(env, g);
    if (v->gates[i] == ANSWER_DIVERTED)
      divert(&g->otherwise, v);
    if (!stops(v->gates[i]))
      continue;
    if (!v->blocked_by)
      v->blocked_gate = i;
    block(v, "gate");
    if (!full)
      return;
  }
}

static void judge_timing(struct bw_env *env, const struct play *p, struct verdict *v)
{
  bw_timing_judge(env, p, &v->timing);
  if (v->timing.block != TIMING_FREE)
    block(v, "timing");
}

/*
 * Sum over the play's signals, at most 100, of weight × (open + (1 - open) × strength) of the type's strongest open episode.
 * A watcher's strength is 0 at its threshold and nears 1 far beyond it (sdk/detect.h): that a signal is open at all counts for
 * the share `open` of its weight (score.open, a half by default), how far it went for the rest.
 */
static void judge_score(struct bw_env *env, const struct play *p, struct verdict *v)
{
  double best = -1;
  size_t i;
  v->score = 0;
  for (i = 0; i < p->nweights; i++) {
    const struct bw_episode *e = bw_env_episode(env, p->weights[i].signal, NULL);
    double points = e ? p->weights[i].weight * (p->open_share + (1 - p->open_share) * e->strength) : 0;
    if (e && points > best) {
      best = points;
      v->best = e;
    }
    v->score += points;
  }
  v->score = round((v->score > 100 ? 100 : v->score) * 100) / 100;
  env->score = v->score;
  if (v->score < p->threshold)
    block(v, "score");
}

static void judge_readiness(struct bw_env *env, const struct play *p, struct verdict *v)
{
  bw_readiness_judge(env, p, &v->readiness);
  if (!p->readiness.decides || v->readiness.band == BAND_PURSUE)
    return;
  if (v->readiness.band == BAND_WAIT || p->readiness.route < 0) {
    block(v, "readiness");
    return;
  }
  v->nurture = true;
  if (v->diverted)
    return;
  v->route = p->readiness.route;
  if (p->readiness.template_name)
    v->template_name = p->readiness.template_name;
}

static void judge_estimate(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_value r;
  v->estimate = NAN;
  if (!p->estimate)
    return;
  bw_expr_eval(p->estimate, &env->eval, &r);
  if (r.type == BW_TYPE_INT)
    r = bw_value_double((double)r.i);
  if (r.type == BW_TYPE_DOUBLE && isfinite(r.d))
    v->estimate = round(r.d * 100) / 100;
  env->estimate = v->estimate;
  if (!isfinite(v->estimate))
    block(v, "estimate");
}

static void judge_floor(struct bw_env *env, const struct play *p, struct verdict *v)
{
  if (!p->floor)
    return;
  v->floor = (uint8_t)ask(env, p->floor, p->floor_otherwise.route >= 0);
  if (v->floor == ANSWER_DIVERTED)
    divert(&p->floor_otherwise, v);
  if (stops(v->floor))
    block(v, "floor");
}

static void judge_priority(struct bw_env *env, const struct play *p, struct verdict *v)
{
  if (v->nurture)
    v->priority = "low"; /* not ready: nobody hurries */
  else if (p->priority)
    v->priority = p->priority;
  else if (p->priority_high || p->priority_medium)
    v->priority = p->priority_high && ask(env, p->priority_high, false) == ANSWER_YES       ? "high"
                  : p->priority_medium && ask(env, p->priority_medium, false) == ANSWER_YES ? "medium"
                  : p->priority_medium                                                      ? "low"
                                                                                            : "medium";
  else
    v->priority = v->urgency >= BW_URGENCY_HIGH ? "high" : v->urgency == BW_URGENCY_MEDIUM ? "medium" : "low";
  env->priority = v->priority;
}

void bw_play_judge(struct bw_env *env, const struct play *p, bool full, struct verdict *v)
{
  static void (*const after_gates[])(struct bw_env *, const struct play *, struct verdict *) = {
      judge_timing, judge_score, judge_readiness, judge_estimate, judge_floor, judge_priority};
  size_t i;
  bw_eval_reset(&env->eval);
  env->eval.collect = false;
  env->quick = true;
  env->score = env->estimate = NAN;
  env->priority = NULL;
  v->route = p->route;
  v->template_name = p->template_name;
  v->timing.close_at = v->timing.until = BW_TIME_NONE;
  v->shadow = bw_is_shadow(p, env->account);
  judge_signals(env, p, v);
  if (!v->blocked_by || full)
    judge_gates(env, p, full, v);
  for (i = 0; i < sizeof after_gates / sizeof *after_gates && (!v->blocked_by || full); i++)
    after_gates[i](env, p, v);
  v->fires = !v->blocked_by;
  if (v->fires || full)
    name_signals(env, p, v);
  env->quick = false;
}

void bw_play_assign(struct bw_engine *e, const struct play *p, struct verdict *v)
{
  struct bw_buf why = v->why;
  e->env.eval.collect = true;
  v->why = (struct bw_buf){0};
  bw_play_route(e, p, v->route, v);
  v->route_json = v->why;
  v->why = why;
  v->review_ms = v->csm ? p->review_ms : 0; /* nobody to wait for: the owner goes ahead */
  if (p->review_when && ask(&e->env, p->review_when, false) != ANSWER_YES)
    v->review_ms = 0;
}
