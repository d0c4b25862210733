/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment: one account at one moment, what was read of it already, and how far its judging has come.  Runs in core and
 * replays; no privileges.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "names/private.h"

#define NOT_LOOKED (-2)

/* ---- text of its own ---- */

struct bw_str bw_env_keep(struct bw_env *env, const char *fmt, ...)
{
  char text[1024];
  va_list ap;
  int n;
  char *out;
  va_start(ap, fmt);
  n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof text)
    n = (int)strlen(text);
  out = bw_eval_alloc(&env->eval, (size_t)n + 1);
  memcpy(out, text, (size_t)n + 1);
  return bw_str_n(out, (size_t)n);
}

void bw_env_missing(struct bw_env *env, struct bw_value *ret, const char *fmt, ...)
{
  char text[900];
  va_list ap;
  if (env->quick) {
    *ret = bw_value_error(BW_VALUE_MISSING, BW_STR("a value is missing"));
    return;
  }
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  *ret = bw_value_error(BW_VALUE_MISSING, bw_env_keep(env, "%s", text));
}

/* ---- the open episodes, read once for all that is asked of a moment ---- */

static int gather(void *ctx, const struct bw_episode *e)
{
  struct bw_env *env = ctx;
  if (e->held_until != BW_TIME_NONE)
    return 0;
  if (env->nopen == env->open_cap) {
    env->open_cap = env->open_cap ? env->open_cap * 2 : 16;
    env->open = bw_realloc(env->open, env->open_cap, sizeof *env->open);
  }
  env->open[env->nopen++] = e;
  return 0;
}

void bw_env_gather(struct bw_env *env)
{
  env->nopen = 0;
  bw_signals_each_open(env->from->signals, env->account, gather, env);
  env->gathered = true;
  memset(env->answers, 0, sizeof env->answers);
}

const struct bw_episode *bw_env_episode(const struct bw_env *env, uint32_t type, const char *key)
{
  const struct bw_episode *best = NULL;
  size_t i;
  if (!env->gathered)
    return bw_signals_find(env->from->signals, env->account, type, key ? bw_str(key) : BW_STR(""));
  for (i = 0; i < env->nopen; i++) {
    const struct bw_episode *e = env->open[i];
    if (e->type_index == type && (!key || bw_str_is(e->key, key)) && (!best || e->strength > best->strength))
      best = e;
  }
  return best;
}

/* ---- answers that are kept ---- */

int *bw_env_answer(struct bw_env *env, const struct bw_expr *e, bool *ret_known)
{
  size_t at = ((uintptr_t)e >> 5) % ENV_ANSWERS, i;
  *ret_known = false;
  if (!env->quick || !env->gathered)
    return NULL;
  for (i = 0; i < 4; i++, at = (at + 1) % ENV_ANSWERS) {
    if (env->answers[at].e == e) {
      *ret_known = true;
      return &env->answers[at].answer;
    }
    if (!env->answers[at].e) {
      env->answers[at].e = e;
      return &env->answers[at].answer;
    }
  }
  return NULL;
}

int bw_env_stage(struct bw_env *env, struct bw_str *ret_why)
{
  if (!env->from->stage)
    return -1;
  if (env->stage == NOT_LOOKED || (env->stage < 0 && ret_why))
    env->stage = env->from->stage(env->from->ctx, env, ret_why);
  return env->stage;
}

/* ---- slots ---- */

enum bw_type bw_env_slot_type(const struct bw_env *env, uint32_t slot)
{
  return env->names->items[slot].type;
}

bool bw_env_slot_open(const struct bw_env *env, uint32_t slot)
{
  const struct env_name *n = &env->names->items[slot];
  return bw_env_episode(env, n->type_index, n->key) != NULL;
}

void bw_env_slot_source(struct bw_env *env, uint32_t slot, struct bw_provenance *ret_from)
{
  struct bw_value v;
  bw_env_read(env, &env->names->items[slot], &v, ret_from);
}

/* ---- life ---- */

static void lookup(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret)
{
  struct bw_env *env = ctx;
  (void)name;
  if (slot == env->instead_of && env->names->items[slot].type != BW_TYPE_SIGNAL)
    *ret = env->instead;
  else
    bw_env_read(env, &env->names->items[slot], ret, NULL);
}

void bw_env_eval(struct bw_env *env, const struct bw_expr *e, struct bw_value *ret)
{
  const struct bw_names *names = env->names;
  bool collect = env->eval.collect;
  uint32_t cost = env->eval.cost;
  env->names = env->from->names;
  env->eval.collect = false;
  bw_expr_eval(e, &env->eval, ret);
  env->eval.cost += cost;
  env->eval.collect = collect;
  env->names = names;
}

void bw_env_init(struct bw_env *env, const struct bw_env_source *from, struct bw_str account, int64_t now_ms)
{
  bw_eval_reset(&env->eval);
  env->from = from;
  env->account = account;
  env->lead = NULL;
  env->now_ms = now_ms;
  memset(env->looked, 0, sizeof env->looked);
  env->names = from->names;
  env->score = env->estimate = NAN;
  env->priority = NULL;
  env->triggered = -1;
  env->gathered = env->quick = false;
  env->start = env->renewal = INT64_MAX;
  env->stage = NOT_LOOKED;
  env->instead_of = UINT32_MAX;
  env->eval.ctx = env;
  env->eval.lookup = lookup;
  env->eval.collect = true;
}

void bw_env_clear(struct bw_env *env)
{
  bw_eval_clear(&env->eval);
  free(env->open);
  bw_names_free(&env->own);
  if (env->own_index)
    bw_map_free(&env->own_index, NULL);
}

int bw_env_open(const struct bw_env_source *from, struct bw_str account, const struct bw_env_lead *lead, int64_t now_ms,
                struct bw_env **ret_env, struct bw_error *err)
{
  struct bw_env *env;
  char *copy;
  if (!account.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "no account to look at");
  env = bw_alloc(sizeof *env);
  bw_env_init(env, from, account, now_ms);
  copy = bw_eval_alloc(&env->eval, account.len + 1);
  memcpy(copy, account.data, account.len);
  env->account = bw_str_n(copy, account.len);
  if (lead) {
    struct bw_env_lead *told = bw_eval_alloc(&env->eval, sizeof *told);
    *told = *lead;
    env->lead = told;
  }
  env->own = bw_names_new(from->catalog);
  env->own_index = bw_map_new();
  env->names = env->own;
  *ret_env = env;
  return 0;
}

void bw_env_close(struct bw_env **env)
{
  if (!*env)
    return;
  bw_env_clear(*env);
  free(*env);
  *env = NULL;
}

int bw_env_lookup(struct bw_env *env, const char *name, struct bw_value *ret_value, struct bw_provenance *ret_from,
                  struct bw_error *err)
{
  uintptr_t at = (uintptr_t)bw_map_get(env->own_index, bw_str(name));
  struct bw_provenance from;
  struct bw_value v;
  if (!at) {
    struct env_name n;
    int rc = bw_name_parse_text(env->from->catalog, bw_str(name), &n, err);
    if (rc < 0)
      return rc;
    at = bw_names_add(env->own, &n) + 1;
    bw_map_put(env->own_index, bw_str(name), (void *)at);
  }
  bw_env_read(env, &env->own->items[at - 1], &v, &from);
  *ret_value = v;
  if (ret_from)
    *ret_from = from;
  return 0;
}
