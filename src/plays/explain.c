/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a play decided, with every reason, as JSON: the same steps as decide.c, the same values at the same moment.  Runs in
 * core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

/* The first block is the one that is told. */
static bool tells(const struct verdict *v, const char *by)
{
  return v->blocked_by && !v->says && strcmp(v->blocked_by, by) == 0;
}

/* ---- values ---- */

static void leaf_source(struct bw_env *env, const struct bw_leaf *leaf, struct bw_buf *b)
{
  struct bw_provenance from;
  if (leaf->value.type == BW_TYPE_ERROR || leaf->value.type == BW_TYPE_SIGNAL)
    return;
  bw_env_slot_source(env, leaf->slot, &from);
  if (from.kind == BW_FROM_NOWHERE)
    return;
  bw_json_key(b, "from");
  bw_provenance_json(b, &from);
}

static void leaf_json(struct bw_env *env, const struct bw_leaf *leaf, struct bw_buf *b, struct bw_buf *text)
{
  bw_buf_reset(text);
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_str(b, leaf->name);
  bw_json_key(b, "value");
  if (leaf->value.type == BW_TYPE_SIGNAL) {
    bw_json_bool(b, bw_env_slot_open(env, leaf->slot));
    bw_buf_add_cstr(text, bw_env_slot_open(env, leaf->slot) ? "open" : "not open");
  } else {
    bw_value_json(b, &leaf->value);
    bw_value_text(text, &leaf->value);
  }
  bw_json_key(b, leaf->value.type == BW_TYPE_ERROR ? "missing" : "text");
  bw_json_str(b, leaf->value.type == BW_TYPE_ERROR ? leaf->value.s : bw_buf_str(text));
  leaf_source(env, leaf, b);
  bw_json_close(b, '}');
}

void bw_values_json(struct bw_env *env, struct bw_buf *b)
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

void bw_values_text(struct bw_env *env, struct bw_buf *out)
{
  size_t i, shown = 0;
  for (i = 0; i < env->eval.nleaves && shown < 6; i++) {
    const struct bw_leaf *leaf = &env->eval.leaves[i];
    if (leaf->value.type == BW_TYPE_ERROR)
      continue;
    bw_buf_printf(out, "%s%.*s is ", shown++ ? ", " : "", BW_FMT(leaf->name));
    if (leaf->value.type == BW_TYPE_SIGNAL)
      bw_buf_add_cstr(out, bw_env_slot_open(env, leaf->slot) ? "open" : "not open");
    else
      bw_value_text(out, &leaf->value);
  }
}

/* ---- signals ---- */

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

static void explain_signals(struct bw_env *env, const struct play *p, struct verdict *v)
{
  size_t i;
  bw_json_key(&v->why, "signals");
  bw_json_open(&v->why, '[');
  bw_json_open(&v->signals_json, '[');
  for (i = 0; i < env->nopen; i++) {
    double weight = bw_play_weight(p, env->open[i]->type_index);
    if (weight <= 0)
      continue;
    episode_json(&v->why, env->open[i], weight, true);
    episode_json(&v->signals_json, env->open[i], weight, false);
  }
  bw_json_close(&v->why, ']');
  bw_json_close(&v->signals_json, ']');
  if (tells(v, "signals"))
    v->says = bw_strdup("none of the signals that this play weighs is open on the account");
}

/* ---- gates ---- */

#define LONG 200 /* bytes of a condition that nobody reads in a sentence; it stands beside its values anyway */

/* Why a condition holds not, in one sentence.  missing: what has no value.  The caller frees. */
static char *sentence(const char *name, struct bw_str source, struct bw_str missing, struct bw_str values, struct bw_str change)
{
  struct bw_buf b = {0};
  bw_buf_printf(&b, "%s %s", name, missing.len ? "cannot be judged: " : "does not hold");
  if (source.len <= LONG)
    bw_buf_printf(&b, "%sit requires %.*s, and ", missing.len ? "" : ": ", BW_FMT(source));
  if (missing.len)
    bw_buf_printf(&b, "a value is missing (%.*s)", BW_FMT(missing));
  else if (source.len <= LONG)
    bw_buf_printf(&b, "%.*s", BW_FMT(values.len ? values : BW_STR("it is not so")));
  if (!missing.len && change.len)
    bw_buf_printf(&b, "; %.*s", BW_FMT(change));
  (void)bw_buf_cstr(&b); /* with its end */
  return b.data;
}

/* "require" as it is, its answer, and the values that decided it. */
static void condition(struct bw_env *env, const struct play *p, const struct bw_expr *e, enum answer answer,
                      const char *otherwise, const char *name, bool told, struct verdict *v)
{
  static const char *const words[] = {"pass", "diverted", "missing", "error", "fail"};
  struct bw_buf *b = &v->why, values = {0}, change = {0};
  struct bw_value r;
  env->eval.nleaves = 0;
  bw_expr_eval(e, &env->eval, &r);
  bw_json_key(b, "require");
  bw_json_str(b, bw_expr_source(e));
  bw_json_key(b, "result");
  bw_json_cstr(b, words[answer]);
  if (r.type == BW_TYPE_ERROR) {
    bw_json_key(b, "says");
    bw_json_str(b, r.s);
  }
  bw_values_json(env, b);
  if (answer == ANSWER_DIVERTED) {
    bw_json_key(b, "otherwise");
    bw_json_cstr(b, otherwise);
  }
  if (answer != ANSWER_YES) {
    bw_values_text(env, &values);
    bw_change_explain(env, e, &p->gates, b, &change);
  }
  if (told)
    v->says =
        sentence(name, bw_expr_source(e), r.type == BW_TYPE_ERROR ? r.s : BW_STR(""), bw_buf_str(&values), bw_buf_str(&change));
  bw_buf_clear(&values);
  bw_buf_clear(&change);
}

static void explain_gates(struct bw_engine *e, const struct play *p, struct verdict *v)
{
  const struct bw_plays *set = e->plays;
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
    condition(&e->env, p, g->require, (enum answer)v->gates[i],
              g->otherwise.route >= 0 ? set->routes[g->otherwise.route].name : NULL, name,
              tells(v, "gate") && v->blocked_gate == i, v);
    bw_json_close(&v->why, '}');
  }
  bw_json_close(&v->why, ']');
}

/* ---- score ---- */

static void explain_score(struct bw_env *env, const struct play *p, bool full, struct verdict *v)
{
  struct bw_buf *b = &v->why;
  size_t i;
  bw_json_key(b, "score");
  bw_json_open(b, '{');
  bw_json_key(b, "points");
  bw_json_open(b, '[');
  for (i = 0; i < p->nweights; i++) {
    const struct bw_episode *e = bw_env_episode(env, p->weights[i].signal, NULL);
    double points = e ? p->weights[i].weight * (p->open_share + (1 - p->open_share) * e->strength) : 0;
    if (!e && !full)
      continue; /* a lead tells what counted; why-not also what did not */
    bw_json_open(b, '{');
    bw_json_key(b, "signal");
    bw_json_cstr(b, bw_catalog_signal(env->from->catalog, p->weights[i].signal)->name);
    bw_json_key(b, "weight");
    bw_json_num(b, p->weights[i].weight);
    bw_json_key(b, "strength");
    bw_json_num(b, e ? e->strength : 0);
    bw_json_key(b, "points");
    bw_json_num(b, round(points * 100) / 100);
    bw_json_close(b, '}');
  }
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
  }
  bw_json_close(b, '}');
  if (tells(v, "score"))
    v->says = bw_asprintf("the score is %g of the %g that this play asks for", v->score, p->threshold);
}

/* ---- money ---- */

static void explain_estimate(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_buf *b = &v->why, text = {0}, filled = {0};
  struct bw_value r;
  if (!p->estimate)
    return;
  env->eval.nleaves = 0;
  bw_expr_eval(p->estimate, &env->eval, &r);
  if (r.type == BW_TYPE_INT)
    r = bw_value_double((double)r.i);
  bw_json_key(b, "estimate");
  bw_json_open(b, '{');
  bw_json_key(b, "expression");
  bw_json_str(b, bw_expr_source(p->estimate));
  bw_json_key(b, "value");
  bw_json_num(b, v->estimate);
  bw_json_key(b, "text");
  bw_value_text(&text, &r);
  bw_json_str(b, bw_buf_str(&text));
  bw_arithmetic(env, bw_expr_source(p->estimate), &filled);
  bw_buf_printf(&filled, " = %s", bw_buf_cstr(&text));
  bw_json_key(b, "arithmetic");
  bw_json_str(b, bw_buf_str(&filled));
  bw_buf_clear(&filled);
  bw_values_json(env, b);
  bw_json_close(b, '}');
  if (tells(v, "estimate"))
    v->says = r.type == BW_TYPE_ERROR && r.i == BW_VALUE_MISSING
                  ? bw_asprintf("the estimate needs a value that is missing (%.*s)", BW_FMT(r.s))
                  : bw_asprintf("the estimate cannot be computed: %s", bw_buf_cstr(&text));
  bw_buf_clear(&text);
}

static void explain_floor(struct bw_engine *e, const struct play *p, struct verdict *v)
{
  const struct bw_plays *set = e->plays;
  if (!p->floor)
    return;
  bw_json_key(&v->why, "floor");
  bw_json_open(&v->why, '{');
  condition(&e->env, p, p->floor, (enum answer)v->floor,
            p->floor_otherwise.route >= 0 ? set->routes[p->floor_otherwise.route].name : NULL, "the floor", tells(v, "floor"),
            v);
  bw_json_close(&v->why, '}');
}

/* ---- priority, route, review ---- */

static void explain_priority(const struct play *p, struct verdict *v)
{
  bw_json_key(&v->why, "priority");
  bw_json_open(&v->why, '{');
  bw_json_key(&v->why, "value");
  bw_json_cstr(&v->why, v->priority);
  bw_json_key(&v->why, "from");
  bw_json_cstr(&v->why, v->nurture                                              ? "readiness"
                        : p->priority || p->priority_high || p->priority_medium ? "play"
                                                                                : "urgency of the signals");
  bw_json_close(&v->why, '}');
}

static void explain_review(const struct play *p, struct verdict *v)
{
  struct bw_buf *b = &v->why;
  if (!p->review_ms)
    return;
  bw_json_key(b, "review");
  bw_json_open(b, '{');
  bw_json_key(b, "by");
  bw_json_cstr(b, p->review_by);
  if (p->review_when) {
    bw_json_key(b, "when");
    bw_json_str(b, bw_expr_source(p->review_when));
  }
  bw_json_key(b, "applies");
  bw_json_bool(b, v->review_ms > 0);
  bw_json_key(b, "hours");
  bw_json_num(b, (double)p->review_ms / (double)BW_HOUR);
  bw_json_close(b, '}');
}

static void explain_head(struct bw_env *env, const struct play *p, struct verdict *v)
{
  struct bw_buf *b = &v->why;
  bw_json_key(b, "account");
  bw_json_str(b, env->account);
  bw_json_key(b, "play");
  bw_json_cstr(b, p->name);
  bw_json_key(b, "mode");
  bw_json_cstr(b, v->shadow ? "shadow" : bw_mode_name(p->mode));
  bw_json_key(b, "at");
  bw_json_time(b, env->now_ms);
}

void bw_play_explain(struct bw_engine *e, const struct play *p, bool full, struct verdict *v)
{
  struct bw_env *env = &e->env;
  struct bw_buf *b = &v->why;
  env->eval.collect = true;
  bw_json_open(b, '{');
  explain_head(env, p, v);
  explain_signals(env, p, v);
  explain_gates(e, p, v);
  bw_journey_explain(e, b);
  bw_timing_explain(env, p, v);
  explain_score(env, p, full, v);
  bw_readiness_explain(env, p, v);
  explain_estimate(env, p, v);
  explain_floor(e, p, v);
  explain_priority(p, v);
  bw_buf_add_char(b, ',');
  bw_buf_add_str(b, bw_buf_str(&v->route_json));
  explain_review(p, v);
  bw_json_key(b, "template");
  bw_json_cstr(b, v->template_name);
}
