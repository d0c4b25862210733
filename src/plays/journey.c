/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far an account is on the value journey, as the milestones tell where no record does.  Runs in core and replays; no
 * privileges.
 */
#include "base/json.h"
#include "plays/private.h"

/* Whether all milestones of a stage hold; where not, the first that does not. */
static enum answer reached(struct bw_env *env, const struct journey *j, int stage, size_t *ret_first, struct bw_str *ret_why)
{
  size_t k;
  for (k = 0; k < j->stage[stage].n; k++) {
    struct bw_value r;
    bw_env_eval(env, j->stage[stage].items[k].when, &r);
    if (r.type == BW_TYPE_BOOL && r.b)
      continue;
    *ret_first = k;
    *ret_why = r.type == BW_TYPE_ERROR ? r.s : BW_STR("");
    return r.type == BW_TYPE_ERROR ? ANSWER_MISSING : ANSWER_NO;
  }
  return ANSWER_YES;
}

/* The stage that is proven, -1 where nothing is; and the first milestone that lacks, in ret_next: BW_STAGES where none does. */
static int climb(struct bw_env *env, const struct journey *j, int *ret_next, size_t *ret_milestone, struct bw_str *ret_why)
{
  int stage = -1, i;
  for (i = 0; i < BW_STAGES; i++) {
    enum answer a;
    if (!j->stage[i].n && i > 0)
      continue; /* nothing of its own to prove: it is passed on the way to the next one that has */
    a = reached(env, j, i, ret_milestone, ret_why);
    if (a != ANSWER_YES) {
      if (stage <= 0)
        stage = a == ANSWER_MISSING ? -1 : 0; /* not even the first step can be judged; or it was not taken */
      *ret_next = i;
      return stage;
    }
    stage = i;
  }
  *ret_next = BW_STAGES;
  return stage;
}

int bw_journey_stage(void *engine, struct bw_env *env, struct bw_str *ret_why)
{
  const struct bw_engine *e = engine;
  size_t milestone = 0;
  struct bw_str why = BW_STR("");
  int next = BW_STAGES, stage = -1;
  if (e->plays->journey.there)
    stage = climb(env, &e->plays->journey, &next, &milestone, &why);
  if (stage < 0 && ret_why)
    *ret_why = why;
  return stage;
}

/* ---- explaining ---- */

void bw_journey_explain(struct bw_engine *e, struct bw_buf *b)
{
  struct bw_env *env = &e->env;
  const struct journey *j = &e->plays->journey;
  const struct bw_entity *account = bw_env_account(env);
  int recorded = account ? bw_stage_rank(bw_entity_text(account, "stage")) : -1, next = BW_STAGES, derived;
  size_t milestone = 0;
  struct bw_str why = BW_STR("");
  if (!j->there)
    return;
  derived = climb(env, j, &next, &milestone, &why);
  bw_json_key(b, "journey");
  bw_json_open(b, '{');
  bw_json_key(b, "stage");
  bw_json_cstr(b, recorded >= 0 ? bw_stages[recorded] : derived >= 0 ? bw_stages[derived] : NULL);
  bw_json_key(b, "from");
  bw_json_cstr(b, recorded >= 0 ? "record" : derived >= 0 ? "milestones" : NULL);
  bw_json_key(b, "derived");
  bw_json_cstr(b, derived >= 0 ? bw_stages[derived] : NULL);
  if (next < BW_STAGES && next > recorded) { /* what lies behind a recorded stage is not what comes next */
    const struct milestone *m = &j->stage[next].items[milestone];
    struct bw_value r;
    bw_json_key(b, "next");
    bw_json_cstr(b, bw_stages[next]);
    bw_json_key(b, "milestone");
    bw_json_cstr(b, m->name);
    bw_json_key(b, "when");
    bw_json_str(b, bw_expr_source(m->when));
    env->eval.nleaves = 0;
    bw_expr_eval(m->when, &env->eval, &r);
    bw_values_json(env, b);
  }
  bw_json_close(b, '}');
}
