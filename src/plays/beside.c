/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled rules and the engine, for those who look and change nothing: lint, and "what would change" before a reload.
 * Runs in core and on the command line; no privileges.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

/* ---- rules ---- */

bool bw_play_rules(const struct bw_plays *p, size_t i, struct bw_play_rules *ret)
{
  const struct play *play = i < p->nplays ? &p->plays[i] : NULL;
  if (!play)
    return false;
  *ret = (struct bw_play_rules){
      .threshold = play->threshold,
      .open_share = play->open_share,
      .suppress_ms = play->suppress_ms,
      .review_ms = play->review_ms,
      .never_before_ms = play->timing.never_before_ms,
      .renewal_block_ms = play->timing.renewal ? play->timing.block_within : -1,
      .escalation_blocks = play->timing.escalation,
      .estimate = play->estimate,
      .floor = play->floor,
      .floor_otherwise = play->floor_otherwise >= 0 ? p->routes[play->floor_otherwise].name : NULL,
      .nurture_route = play->readiness.route >= 0 ? p->routes[play->readiness.route].name : NULL,
      .nurture_template = play->readiness.template_name,
      .review_when = play->review_when,
      .priority = play->priority,
      .priority_high = play->priority_high,
      .priority_medium = play->priority_medium,
      .npilot = play->pilot ? bw_map_count(play->pilot) : 0,
  };
  return true;
}

bool bw_gates_at(const struct bw_plays *p, size_t play, size_t i, struct bw_gate_info *ret)
{
  const struct gate *g;
  if (play >= p->nplays || i >= p->plays[play].gates.n)
    return false;
  g = &p->plays[play].gates.items[i];
  *ret = (struct bw_gate_info){.name = g->name,
                               .from = g->from,
                               .require = g->require,
                               .otherwise = g->otherwise >= 0 ? p->routes[g->otherwise].name : NULL};
  return true;
}

const char *bw_route_fallback_at(const struct bw_plays *p, const char *route, size_t i)
{
  int at = bw_find_route(p, route), role;
  if (at < 0 || i >= p->routes[at].nfallback)
    return NULL;
  role = p->routes[at].fallback[i];
  return role >= 0 ? p->roles[role].name : "operator";
}

const char *bw_journey_when_at(const struct bw_plays *p, size_t i, const struct bw_expr **ret_when)
{
  size_t s;
  for (s = 0; s < sizeof p->journey.stage / sizeof *p->journey.stage; s++) {
    if (i < p->journey.stage[s].n) {
      *ret_when = p->journey.stage[s].items[i].when;
      return p->journey.stage[s].items[i].name;
    }
    i -= p->journey.stage[s].n;
  }
  return NULL;
}

/* ---- what the engine would do ---- */

int bw_engine_beside(const struct bw_engine *running, const struct bw_plays *plays, const struct bw_engine_options *options,
                     int64_t now_ms, struct bw_engine **ret, struct bw_error *err)
{
  int rc = bw_engine_open(plays, running->signals, running->book, NULL, options, NULL, ret, err);
  if (rc < 0)
    return rc;
  (*ret)->store = running->store;
  rc = running->store ? bw_samples_load(*ret, err) : 0;
  (*ret)->store = NULL; /* it has nothing to save */
  if (rc < 0)
    bw_engine_close(ret);
  else
    bw_samples_tick(*ret, now_ms); /* quarters of what is kept already */
  return rc;
}

/* The tables of leads, which an engine beside takes from the running one while it is asked: who has how many, whose turn it is.
 */
struct tables {
  struct bw_map *families, *by_id, *by_account;
  struct lead **leads;
  size_t nleads;
  struct desks desks;
};

static struct tables tables_of(const struct bw_engine *e)
{
  return (struct tables){e->families, e->by_id, e->by_account, e->leads, e->nleads, e->desks};
}

static void set_tables(struct bw_engine *e, const struct tables *t)
{
  e->families = t->families;
  e->by_id = t->by_id;
  e->by_account = t->by_account;
  e->leads = t->leads;
  e->nleads = t->nleads;
  e->desks = t->desks;
}

static bool is_shadow(const struct play *p, struct bw_str account)
{
  return p->mode == BW_MODE_SHADOW || (p->mode == BW_MODE_PILOT && !bw_map_get(p->pilot, account));
}

static bool nothing_new(const struct bw_env *env, const struct play *p, const struct family *f)
{
  size_t i;
  for (i = 0; i < env->nopen; i++)
    if (env->open[i]->opened_at > f->closed_at && bw_play_weight(p, env->open[i]->type_index) > 0)
      return false;
  return true;
}

static enum bw_dry_state state_of(const struct bw_env *env, const struct play *p, const struct family *f)
{
  if (f && f->open)
    return strcmp(f->open->pub.play, p->name) == 0 ? BW_DRY_HOLDS : BW_DRY_ADDS;
  if (f && f->closed_at != BW_TIME_NONE && (env->now_ms < f->closed_at + p->suppress_ms || nothing_new(env, p, f)))
    return BW_DRY_RESTS;
  return BW_DRY_OPENS;
}

static void dry(struct bw_engine *e, const struct play *p, size_t index, void (*fn)(void *ctx, const struct bw_dry *d),
                void *ctx)
{
  struct bw_env *env = &e->env;
  struct verdict v = {0};
  struct bw_dry d = {.play = p->name, .family = p->family, .index = index};
  bool shadow = is_shadow(p, env->account);
  const struct family *f = bw_family(e, env->account, p->family, shadow ? p->name : NULL, false);
  d.lead = f && f->open ? &f->open->pub : NULL;
  bw_play_judge(env, p, false, &v);
  d.blocked_by = v.blocked_by ? v.blocked_by : "";
  d.shadow = shadow;
  if (v.fires) {
    bw_play_assign(e, p, &v);
    d.state = state_of(env, p, f);
    d.nurture = v.nurture;
    d.score = v.score;
    d.estimate = v.estimate;
    d.priority = v.priority;
    d.owner = v.owner;
    d.role = v.role;
  }
  fn(ctx, &d);
  bw_verdict_clear(&v);
}

int bw_engine_dry(struct bw_engine *e, struct bw_engine *leads, struct bw_str account, int64_t now_ms,
                  void (*fn)(void *ctx, const struct bw_dry *d), void *ctx, struct bw_error *err)
{
  const struct tables own = tables_of(e), lent = tables_of(leads);
  struct play_set set;
  size_t i;
  if (now_ms < 0 || now_ms > BW_TIME_MAX || !account.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "an evaluation of no account, or at an impossible time");
  set_tables(e, &lent);
  set = bw_engine_gather(e, account, now_ms);
  for (i = 0; i < e->plays->nplays; i++)
    if (set.words[i / 64] >> (i % 64) & 1)
      dry(e, &e->plays->plays[i], i, fn, ctx);
  set_tables(e, &own);
  return 0;
}

/* ---- what was fired ---- */

int bw_engine_fired(struct bw_engine *e, int64_t since_ms, void (*fn)(void *ctx, struct bw_str play), void *ctx,
                    struct bw_error *err)
{
  struct bw_stmt *q;
  size_t i;
  int rc;
  if (!e->store) {
    for (i = 0; i < e->nleads; i++)
      if (e->leads[i]->pub.opened_at >= since_ms && e->leads[i]->pub.mode != BW_MODE_SHADOW)
        fn(ctx, bw_str(e->leads[i]->pub.play));
    return 0;
  }
  /* Numbers rise with time: the newest first, until one is too old. */
  rc = bw_store_prepare(e->store, "SELECT play, opened_at, shadow FROM plays_lead ORDER BY number DESC", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1 && bw_stmt_col_int(q, 1) >= since_ms)
    if (!bw_stmt_col_int(q, 2))
      fn(ctx, bw_stmt_col_str(q, 0));
  if (rc == 1)
    bw_stmt_reset(q);
  return rc < 0 ? rc : 0;
}
