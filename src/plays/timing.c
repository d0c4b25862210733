/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a play may speak at all: not to new customers, not into an escalation, not on top of a renewal; and when an expansion is
 * joined to the renewal instead.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

#define HARD_FLOOR (60 * BW_DAY) /* an expansion play may raise it, and never lower it */

/* ---- loading ---- */

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
                       .escalation_signal = bw_catalog_find_signal(l->p->catalog, BW_STR("support_escalation")),
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

/* ---- judging ---- */

static bool escalated(struct bw_env *env, const struct timing *t)
{
  const struct bw_entity *account = bw_env_account(env);
  if (t->escalation_signal >= 0 && bw_env_open_episode(env, (uint32_t)t->escalation_signal, NULL))
    return true;
  return account && bw_entity_number(account, "open_escalations", 0) > 0;
}

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
  if (t->escalation && escalated(env, t)) {
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
    bw_json_bool(b, escalated(env, t));
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
