/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open episodes of an account, read once for all plays, and the answers that plays share.  Runs in core and replays; no
 * privileges.
 */
#include "base/time.h"
#include "plays/private.h"

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

int *bw_env_memo(struct bw_env *env, const struct bw_expr *e, bool *ret_known)
{
  size_t at = ((uintptr_t)e >> 5) % MEMO, i;
  *ret_known = false;
  if (!env->quick || !env->gathered)
    return NULL;
  for (i = 0; i < 4; i++, at = (at + 1) % MEMO) {
    if (env->memo[at].e == e) {
      *ret_known = true;
      return &env->memo[at].answer;
    }
    if (!env->memo[at].e) {
      env->memo[at].e = e;
      return &env->memo[at].answer;
    }
  }
  return NULL;
}

struct play_set bw_env_gather(struct bw_env *env)
{
  struct play_set set = {{0}};
  size_t i, k;
  env->nopen = 0;
  bw_signals_each_open(env->engine->signals, env->account, gather, env);
  env->gathered = true;
  memset(env->memo, 0, sizeof env->memo);
  for (i = 0; i < env->nopen; i++)
    for (k = 0; k < sizeof set.words / sizeof *set.words; k++)
      set.words[k] |= env->engine->plays->triggers[env->open[i]->type_index].words[k];
  return set;
}

const struct bw_episode *bw_env_open_episode(const struct bw_env *env, uint32_t type, const char *key)
{
  const struct bw_episode *best = NULL;
  size_t i;
  if (!env->gathered)
    return bw_signals_find(env->engine->signals, env->account, type, key ? bw_str(key) : BW_STR(""));
  for (i = 0; i < env->nopen; i++) {
    const struct bw_episode *e = env->open[i];
    if (e->type_index == type && (!key || bw_str_is(e->key, key)) && (!best || e->strength > best->strength))
      best = e;
  }
  return best;
}
