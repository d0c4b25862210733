/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: several people share a role, each in turn or whoever has the least to do.  Runs in core and replays; no privileges. */
#include "plays/private.h"

bool bw_pool_member(const struct role *r, struct bw_str who)
{
  size_t i;
  for (i = 0; i < r->pool.nmembers; i++)
    if (bw_str_is(who, r->pool.members[i]))
      return true;
  return false;
}

static bool is_there(const struct bw_engine *e, const char *who)
{
  const struct person *p = bw_person_find(&e->plays->roster, bw_str(who));
  return !p || !bw_person_away(p, e->env.now_ms);
}

struct sticky {
  const struct bw_engine *e;
  const struct role *role;
  const char *who;
};

static int find_sticky(void *ctx, const struct bw_lead *l)
{
  struct sticky *s = ctx;
  size_t i;
  if (l->mode == BW_MODE_SHADOW)
    return 0;
  for (i = 0; i < s->role->pool.nmembers; i++)
    if (strcmp(s->role->pool.members[i], l->owner) == 0 && is_there(s->e, l->owner)) {
      s->who = s->role->pool.members[i];
      return -1;
    }
  return 0;
}

/* After the one who had the last turn; where they are no longer in the pool, whoever stands in their place now. */
static struct bw_str in_turn(struct bw_engine *e, const struct role *r)
{
  const struct kept *k = bw_kept_get(e, 'p', bw_str(r->name), false);
  const struct pool *pool = &r->pool;
  size_t next = 0, i;
  if (k) {
    next = (size_t)k->number;
    for (i = 0; i < pool->nmembers; i++)
      if (strcmp(pool->members[i], k->text) == 0)
        next = i + 1;
  }
  for (i = 0; i < pool->nmembers; i++) {
    const char *who = pool->members[(next + i) % pool->nmembers];
    if (is_there(e, who))
      return bw_str(who);
  }
  return BW_STR("");
}

/* Ties: the first in the list. */
static struct bw_str least_loaded(const struct bw_engine *e, const struct role *r)
{
  struct bw_str best = BW_STR("");
  size_t least = 0, i;
  for (i = 0; i < r->pool.nmembers; i++) {
    struct bw_str who = bw_str(r->pool.members[i]);
    size_t n = bw_desk_live(e, who);
    if ((best.len && n >= least) || !is_there(e, who.data))
      continue;
    best = who;
    least = n;
  }
  return best;
}

struct bw_str bw_pool_pick(struct bw_engine *e, const struct role *r, bool *ret_sticky)
{
  struct sticky s = {e, r, NULL};
  bw_leads_each_of(e, e->env.account, find_sticky, &s);
  *ret_sticky = s.who != NULL;
  if (s.who)
    return bw_str(s.who);
  return r->pool.least_loaded ? least_loaded(e, r) : in_turn(e, r);
}
