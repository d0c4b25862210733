/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a play may speak now: not to new customers, not into an escalation, not on top of a renewal; and whether an expansion
 * is joined to the renewal instead.  Runs in core and replays; no privileges.
 */
#include <math.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

void bw_timing_judge(struct bw_env *env, const struct play *p, struct timing_result *ret)
{
  const struct timing *t = &p->timing;
  int64_t start, renewal, away;
  *ret = (struct timing_result){.until = BW_TIME_NONE, .close_at = BW_TIME_NONE};
  if (t->renewal && (renewal = bw_env_renewal(env)) != BW_TIME_NONE) {
    away = (int64_t)(bw_time_day(renewal) - bw_time_day(env->now_ms)) * BW_DAY;
    if (away >= t->join_from && away <= t->join_to)
      ret->close_at = renewal;
    if (away >= 0 && away <= t->block_within) {
      ret->block = TIMING_RENEWAL;
      ret->until = bw_day_time(bw_time_day(renewal) + 1);
    }
  }
  if (t->escalation && bw_env_escalated(env)) {
    ret->block = TIMING_ESCALATION;
    ret->until = BW_TIME_NONE;
  }
  if (!t->never_before_ms)
    return;
  start = bw_env_start(env);
  if (start == BW_TIME_NONE || env->now_ms - start < t->never_before_ms) {
    ret->block = TIMING_YOUNG;
    ret->until = start == BW_TIME_NONE ? BW_TIME_NONE : start + t->never_before_ms;
  }
}

/* ---- explaining ---- */

static void number(struct bw_buf *b, const char *key, double v)
{
  bw_json_key(b, key);
  bw_json_num(b, v);
}

static char *sentence(struct bw_env *env, const struct timing *t, const struct timing_result *r)
{
  double days = (double)t->never_before_ms / (double)BW_DAY;
  char until[11] = "";
  int64_t start = bw_env_start(env);
  if (r->until != BW_TIME_NONE)
    bw_day_format(bw_time_day(r->until + BW_DAY - 1), until);
  switch (r->block) {
  case TIMING_YOUNG:
    if (start == BW_TIME_NONE)
      return bw_asprintf(
          "nobody speaks of expansion in the first %g days of a customer, and it is not known since when they are "
          "one (account.start: an account record with traits.start)",
          days);
    return bw_asprintf("they have been a customer for %g days; this play never speaks before day %g, %s",
                       floor((double)(env->now_ms - start) / (double)BW_DAY), days, until);
  case TIMING_ESCALATION:
    return bw_strdup("a support escalation is open; this play waits until it is closed");
  case TIMING_RENEWAL:
    return bw_asprintf("the renewal is %d days away, and an expansion on top of it comes too late; this play waits until %s",
                       bw_time_day(bw_env_renewal(env)) - bw_time_day(env->now_ms), until);
  default:
    return NULL;
  }
}

void bw_timing_explain(struct bw_env *env, const struct play *p, struct verdict *v)
{
  static const char *const blocks[] = {NULL, "never_before", "escalation", "renewal"};
  const struct timing *t = &p->timing;
  const struct timing_result *r = &v->timing;
  struct bw_buf *b = &v->why;
  char *says BW_AUTOFREE = sentence(env, t, r);
  int64_t start = bw_env_start(env), renewal = bw_env_renewal(env);
  if (!t->never_before_ms && !t->escalation && !t->renewal)
    return;
  bw_json_key(b, "timing");
  bw_json_open(b, '{');
  bw_json_key(b, "result");
  bw_json_cstr(b, r->block == TIMING_FREE ? "pass" : "wait");
  bw_json_key(b, "blocked_by");
  bw_json_cstr(b, blocks[r->block]);
  bw_json_key(b, "until");
  bw_json_time(b, r->until);
  if (says) {
    bw_json_key(b, "says");
    bw_json_cstr(b, says);
  }
  number(b, "never_before_days", (double)t->never_before_ms / (double)BW_DAY);
  number(b, "tenure_days", start == BW_TIME_NONE ? NAN : floor((double)(env->now_ms - start) / (double)BW_DAY));
  if (t->escalation) {
    bw_json_key(b, "escalation");
    bw_json_bool(b, bw_env_escalated(env));
  }
  if (t->renewal) {
    number(b, "days_to_renewal", renewal == BW_TIME_NONE ? NAN : (double)(bw_time_day(renewal) - bw_time_day(env->now_ms)));
    bw_json_key(b, "joined");
    bw_json_bool(b, r->close_at != BW_TIME_NONE);
    bw_json_key(b, "close_date");
    if (r->close_at == BW_TIME_NONE)
      bw_json_null(b);
    else
      bw_json_day(b, bw_time_day(r->close_at));
  }
  bw_json_close(b, '}');
  if (v->blocked_by && !v->says && strcmp(v->blocked_by, "timing") == 0 && says)
    v->says = bw_strdup(says);
}
