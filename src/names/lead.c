/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.*, and the bare names of what the judging of a play has found so far.  Both are told by the environment's owner.  Runs
 * in core and replays; no privileges.
 */
#include <math.h>
#include <string.h>

#include "base/time.h"
#include "names/private.h"

static void text_or_missing(struct bw_env *env, const char *name, const char *v, struct bw_value *ret)
{
  if (v && v[0])
    *ret = bw_value_string(bw_str(v));
  else
    bw_env_missing(env, ret, env->lead ? "%s: this lead has none" : "%s: there is no lead here", name);
}

static void time_or_missing(struct bw_env *env, const char *name, int64_t v, struct bw_value *ret)
{
  if (env->lead && v != BW_TIME_NONE)
    *ret = bw_value_time(v);
  else
    bw_env_missing(env, ret, env->lead ? "%s: this lead has none" : "%s: there is no lead here", name);
}

static void number_or_missing(struct bw_env *env, const char *name, double v, struct bw_value *ret)
{
  if (isfinite(v))
    *ret = bw_value_double(v);
  else
    bw_env_missing(env, ret, "%s: not known here", name);
}

#define LEAD_TEXT(field)                                                                                                       \
  COMPUTE(lead_##field)                                                                                                        \
  {                                                                                                                            \
    (void)row;                                                                                                                 \
    text_or_missing(env, "lead." #field, env->lead ? env->lead->field : NULL, ret);                                            \
    bw_from_computed(ret_from, "lead." #field);                                                                                \
  }
LEAD_TEXT(id)
LEAD_TEXT(play)
LEAD_TEXT(family)
LEAD_TEXT(motion)
LEAD_TEXT(type)
LEAD_TEXT(priority)
LEAD_TEXT(owner)
LEAD_TEXT(csm)

COMPUTE(lead_owner_name)
{
  const char *name = env->lead ? env->lead->owner_name : NULL;
  if (name && name[0]) {
    *ret = bw_value_string(bw_str(name));
    if (strcmp(name, env->lead->owner) == 0)
      bw_from_computed(ret_from, "lead.owner");
    else
      bw_from_setting(ret_from, "people: name");
    return;
  }
  (void)row;
  bw_env_missing(env, ret, "lead.owner_name: an entry in the people of routes/ with the name of %s",
                 env->lead ? env->lead->owner : "the owner");
}
LEAD_TEXT(currency)
LEAD_TEXT(primary_signal)
LEAD_TEXT(title)

#define LEAD_TIME(name, field)                                                                                                 \
  COMPUTE(lead_##name)                                                                                                         \
  {                                                                                                                            \
    (void)row;                                                                                                                 \
    time_or_missing(env, "lead." #name, env->lead ? env->lead->field : BW_TIME_NONE, ret);                                     \
    bw_from_computed(ret_from, "lead." #name);                                                                                 \
  }
LEAD_TIME(opened, opened_at)
LEAD_TIME(sla, sla_at)

COMPUTE(lead_score)
{
  (void)row;
  number_or_missing(env, "lead.score", env->lead ? env->lead->score : NAN, ret);
  bw_from_computed(ret_from, "lead.score");
}

COMPUTE(lead_estimate)
{
  (void)row;
  number_or_missing(env, "lead.estimate", env->lead ? env->lead->estimate : NAN, ret);
  bw_from_computed(ret_from, "lead.estimate");
}

COMPUTE(top_now)
{
  (void)row;
  *ret = bw_value_time(env->now_ms);
  bw_from_computed(ret_from, "now");
}

COMPUTE(top_score)
{
  (void)row;
  number_or_missing(env, "score", env->lead ? env->lead->score : env->score, ret);
  bw_from_computed(ret_from, "score");
}

COMPUTE(top_estimate)
{
  (void)row;
  number_or_missing(env, "estimate", env->lead ? env->lead->estimate : env->estimate, ret);
  bw_from_computed(ret_from, "estimate");
}

COMPUTE(top_triggered)
{
  (void)row;
  if (env->triggered >= 0)
    *ret = bw_value_double((double)env->triggered);
  else
    bw_env_missing(env, ret, "triggered: known while a play is judged");
  bw_from_computed(ret_from, "open signals of the play");
}

COMPUTE(top_priority)
{
  (void)row;
  text_or_missing(env, "priority", env->lead ? env->lead->priority : env->priority, ret);
  bw_from_computed(ret_from, "priority");
}

static const struct name_row lead_rows[] = {
    {"id", TEXT, lead_id, "the lead's id, L12"},
    {"play", TEXT, lead_play, "the play that fired"},
    {"family", TEXT, lead_family, "the play's family"},
    {"motion", TEXT, lead_motion, "expansion, renewal or revival"},
    {"type", TEXT, lead_type, "seat, tier, cross_sell, usage or risk"},
    {"priority", TEXT, lead_priority, "high, medium or low"},
    {"owner", TEXT, lead_owner, "the person accountable"},
    {"owner_name", TEXT, lead_owner_name,
     "their name: as the people of the routes have it, else as the book does; never an address"},
    {"csm", TEXT, lead_csm, "the CSM who is told"},
    {"currency", TEXT, lead_currency, "the currency of the estimate"},
    {"primary_signal", TEXT, lead_primary_signal, "the signal that counted most"},
    {"title", TEXT, lead_title, "the opening move"},
    {"opened", TIME, lead_opened, "when the lead was opened"},
    {"sla", TIME, lead_sla, "when first contact is due"},
    {"score", NUMBER, lead_score, "0 to 100"},
    {"estimate", NUMBER, lead_estimate, "the estimated value per year"},
};

static const struct name_row top_rows[] = {
    {"now", TIME, top_now, "the moment of the evaluation"},
    {"score", NUMBER, top_score, "the play's score, 0 to 100 (after the gates)"},
    {"estimate", NUMBER, top_estimate, "the estimated value per year (after the score)"},
    {"density", NUMBER, bw_compute_density, "signal density of the account"},
    {"triggered", NUMBER, top_triggered, "how many types of the play's signals are open"},
    {"priority", TEXT, top_priority, "high, medium or low (after the floor)"},
};

const struct root_row bw_root_lead = {"lead", ROWS(lead_rows), "a lead"};
const struct root_row bw_root_top = {"", ROWS(top_rows), ""};
