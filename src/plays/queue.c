/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: leads over their owners' budgets wait, unseen, and are ranked anew at the end of every tick; the best come out
 * where there is room, judged again, and others leave.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

/* ---- leaving without having been seen ---- */

/* Nobody has seen it: the family does not rest after it. */
static int drop(struct bw_engine *e, struct lead *l, const char *why, int64_t now_ms, struct bw_error *err)
{
  struct family *f = l->family, *own = l->own;
  int64_t closed_at = f->closed_at, own_at = own->closed_at;
  char *reason BW_AUTOFREE = bw_asprintf("left the queue: %s", why);
  int rc = bw_lead_move(e, l, BW_LEAD_CLOSED, bw_str(reason), now_ms, err);
  f->closed_at = closed_at;
  own->closed_at = own_at;
  e->stats.dropped++;
  return rc;
}

static const struct play *play_of(const struct bw_engine *e, const struct lead *l)
{
  int at = bw_plays_find(e->plays, bw_str(l->pub.play));
  return at >= 0 ? &e->plays->plays[at] : NULL;
}

/* Whether any signal that the play weighs is open. */
static bool triggered(struct bw_engine *e, const struct play *p, struct bw_str account, int64_t now_ms)
{
  size_t at = (size_t)(p - e->plays->plays);
  struct play_set set = bw_engine_gather(e, account, now_ms);
  return set.words[at / 64] >> (at % 64) & 1;
}

int bw_queue_recheck(struct bw_engine *e, struct bw_str account, int64_t now_ms, struct bw_error *err)
{
  const struct lead_list *list = e->desks.nqueue ? bw_map_get(e->by_account, account) : NULL;
  size_t i;
  int rc = 0;
  for (i = 0; rc == 0 && list && i < list->n; i++) {
    struct lead *l = list->items[i];
    const struct play *p = l->pub.status == BW_LEAD_QUEUED ? play_of(e, l) : NULL;
    if (p && !triggered(e, p, account, now_ms))
      rc = drop(e, l, "none of its signals is open any more", now_ms, err);
  }
  return rc;
}

/* ---- the end of a tick ---- */

struct ranked {
  struct lead *lead;
  int priority;
  double worth; /* density × money */
  double density;
};

struct density {
  const struct play *play;
  double sum;
};

static int add_density(void *ctx, const struct bw_episode *ep)
{
  struct density *d = ctx;
  if (ep->held_until == BW_TIME_NONE)
    d->sum += bw_play_weight(d->play, ep->type_index) / 100 * (d->play->open_share + (1 - d->play->open_share) * ep->strength);
  return 0;
}

/* Density: every open signal that the play weighs, at its weight; the score without its limit of 100. */
static struct ranked rank_lead(struct bw_engine *e, struct lead *l)
{
  struct density d = {.play = play_of(e, l)};
  double money = isfinite(l->pub.estimate) && l->pub.estimate > 0 ? l->pub.estimate : 0;
  if (d.play)
    bw_signals_each_open(e->signals, bw_str(l->pub.account), add_density, &d);
  return (struct ranked){l, bw_priority_rank(l->pub.priority), d.sum * money, d.sum};
}

static int compare(const void *a, const void *b)
{
  const struct ranked *x = a, *y = b;
  if (x->priority != y->priority)
    return y->priority - x->priority;
  if (x->worth < y->worth || x->worth > y->worth)
    return x->worth > y->worth ? -1 : 1;
  if (x->density < y->density || x->density > y->density)
    return x->density > y->density ? -1 : 1;
  return x->lead->pub.number < y->lead->pub.number ? -1 : 1;
}

static void open_now(struct bw_engine *e, struct lead *l, int64_t now_ms, int64_t day)
{
  bw_desk_spend(e, l->place.desk, day);
  l->pub.status = BW_LEAD_OPEN;
  l->pub.released_at = l->pub.updated_at = now_ms;
  l->place.fresh = false;
  bw_lead_dirty(e, l);
  if (e->events.opened)
    e->events.opened(e->events.ctx, &l->pub);
}

/* It fires no more: it leaves, and says what stands against it now. */
static int drop_blocked(struct bw_engine *e, struct lead *l, const struct play *p, int64_t now_ms, struct bw_error *err)
{
  struct verdict v = {0};
  int rc;
  bw_play_judge(&e->env, p, true, &v);
  bw_play_assign(e, p, &v);
  bw_play_explain(e, p, true, &v);
  rc = drop(e, l, v.says ? v.says : "its play does not fire any more", now_ms, err);
  bw_verdict_clear(&v);
  return rc;
}

static void take(struct bw_engine *e, struct lead *l, const struct play *p, struct verdict *v, int64_t now_ms)
{
  bw_play_assign(e, p, v);
  bw_play_explain(e, p, false, v);
  bw_json_close(&v->why, '}');
  bw_buf_cstr(&v->why);
  bw_lead_set(&l->pub.priority, v->priority);
  bw_lead_set(&l->pub.template_name, v->template_name);
  l->pub.nurture = v->nurture;
  bw_lead_start_clock(e, l, p, v, now_ms);
  bw_lead_take(e, l, v);
  bw_lead_dirty(e, l);
}

/* One that waited since an earlier tick is judged again, as if it came now: its reasons are today's, and its clock starts. */
static int release(struct bw_engine *e, struct lead *l, int64_t now_ms, int64_t day, struct bw_error *err)
{
  const struct play *p = play_of(e, l);
  struct verdict v = {0};
  int rc = 0;
  if (!p)
    return drop(e, l, "its play is no longer there", now_ms, err);
  bw_engine_gather(e, bw_str(l->pub.account), now_ms);
  bw_play_judge(&e->env, p, false, &v);
  if (v.fires) {
    take(e, l, p, &v, now_ms);
    bw_gap_tell(e, l, &v, now_ms);
    if (bw_desk_has_room(e, l->place.desk, day))
      open_now(e, l, now_ms, day);
    else /* somebody else answers for it now, and they have no room */
      l->pub.sla_at = l->pub.review_until = BW_TIME_NONE;
  } else {
    rc = drop_blocked(e, l, p, now_ms, err);
  }
  bw_verdict_clear(&v);
  return rc;
}

static int by_number(const void *a, const void *b)
{
  const struct lead *x = *(struct lead *const *)a, *y = *(struct lead *const *)b;
  return x->pub.number < y->pub.number ? -1 : x->pub.number > y->pub.number;
}

/* Those that found no room on their first day: said once, in order of number. */
static void tell_queued(struct bw_engine *e)
{
  size_t n = 0, i;
  struct lead **fresh = bw_calloc(e->desks.nqueue + 1, sizeof *fresh);
  for (i = 0; i < e->desks.nqueue; i++)
    if (e->desks.queue[i]->place.fresh)
      fresh[n++] = e->desks.queue[i];
  qsort(fresh, n, sizeof *fresh, by_number);
  for (i = 0; i < n; i++) {
    struct lead *l = fresh[i];
    l->place.fresh = false;
    l->pub.sla_at = l->pub.review_until = BW_TIME_NONE; /* both begin when it is released */
    bw_lead_dirty(e, l);
    e->stats.queued++;
    if (e->events.queued)
      e->events.queued(e->events.ctx, &l->pub);
    else if (e->events.changed)
      e->events.changed(e->events.ctx, &l->pub, BW_LEAD_OPEN);
  }
  free(fresh);
}

static int expire(struct bw_engine *e, int64_t now_ms, struct bw_error *err)
{
  size_t n = 0, i;
  struct lead **old = bw_calloc(e->desks.nqueue + 1, sizeof *old);
  int rc = 0;
  for (i = 0; i < e->desks.nqueue; i++)
    if (e->desks.queue[i]->pub.opened_at + e->options.expire_ms <= now_ms)
      old[n++] = e->desks.queue[i];
  qsort(old, n, sizeof *old, by_number);
  for (i = 0; rc == 0 && i < n; i++)
    rc = drop(e, old[i], "its owner never had room for it (see leads.budget)", now_ms, err);
  free(old);
  return rc;
}

int bw_engine_settle(struct bw_engine *e, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
  int64_t day = bw_workday_start(e, now_ms);
  struct ranked *list;
  size_t n = 0, i;
  int rc;
  (void)offset;
  if (!e->desks.nqueue)
    return 0;
  rc = expire(e, now_ms, err);
  list = bw_calloc(e->desks.nqueue + 1, sizeof *list);
  for (i = 0; i < e->desks.nqueue; i++) /* only where somebody has room: nobody sees the order of the others */
    if (bw_desk_has_room(e, e->desks.queue[i]->place.desk, day))
      list[n++] = rank_lead(e, e->desks.queue[i]);
  qsort(list, n, sizeof *list, compare);
  for (i = 0; rc == 0 && i < n; i++) {
    struct lead *l = list[i].lead;
    if (!bw_desk_has_room(e, l->place.desk, day))
      continue;
    if (l->place.fresh)
      open_now(e, l, now_ms, day);
    else
      rc = release(e, l, now_ms, day, err);
  }
  free(list);
  if (rc == 0)
    tell_queued(e);
  return rc;
}

/* ---- questions ---- */

int bw_leads_each_queued(struct bw_engine *e, struct bw_str owner, int (*fn)(void *ctx, const struct bw_lead *lead), void *ctx)
{
  struct ranked *list = bw_calloc(e->desks.nqueue + 1, sizeof *list);
  size_t n = 0, i;
  int rc = 0;
  for (i = 0; i < e->desks.nqueue; i++)
    if (!owner.len || bw_str_is(owner, e->desks.queue[i]->pub.owner))
      list[n++] = rank_lead(e, e->desks.queue[i]);
  qsort(list, n, sizeof *list, compare);
  for (i = 0; rc >= 0 && i < n; i++)
    rc = fn(ctx, &list[i].lead->pub);
  free(list);
  return rc < 0 ? rc : 0;
}
