/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other rules would do, beside the running engine and its leads: "what would change" before a reload; and what fired
 * lately.  Changes nothing.  Runs in core and on the command line; no privileges.
 */
#include "base/time.h"
#include "plays/private.h"

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

static enum bw_dry_state state_of(const struct bw_env *env, const struct play *p, struct standing s)
{
  if (s.open)
    return strcmp(s.open->pub.play, p->name) == 0 ? BW_DRY_HOLDS : BW_DRY_ADDS;
  if (bw_family_rests(env, p, s))
    return BW_DRY_RESTS;
  return BW_DRY_OPENS;
}

/* An open lead's priority only rises. */
static const char *priority_of(const struct bw_dry *d, const struct verdict *v)
{
  bool open = d->state == BW_DRY_HOLDS && bw_priority_rank(d->lead->priority) > bw_priority_rank(v->priority);
  return open ? d->lead->priority : v->priority;
}

static void dry(struct bw_engine *e, const struct play *p, size_t index, void (*fn)(void *ctx, const struct bw_dry *d),
                void *ctx)
{
  struct bw_env *env = &e->env;
  struct verdict v = {0};
  struct bw_dry d = {.play = p->name, .family = p->family, .index = index};
  bool shadow = bw_is_shadow(p, env->account);
  struct standing s = bw_standing(e, env->account, p, shadow);
  d.lead = s.open ? &s.open->pub : NULL;
  bw_play_judge(env, p, false, &v);
  d.blocked_by = v.blocked_by ? v.blocked_by : "";
  d.shadow = shadow;
  if (v.fires) {
    bw_play_assign(e, p, &v);
    d.state = state_of(env, p, s);
    d.nurture = v.nurture;
    d.score = v.score;
    d.estimate = v.estimate;
    d.priority = priority_of(&d, &v);
    d.template_name = v.template_name;
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
