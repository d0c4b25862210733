/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: an owner gets so many new leads a day, the best ones first; the others wait in a queue that is ranked anew at every
 * tick.  Also where a new lead arrives: the pool's turn is taken, and a gap is told.  Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

/* ---- what each owner has on their desk ---- */

static struct desk *desk_of(struct bw_engine *e, struct bw_str who)
{
  struct desk *d;
  if (!e->desks.by_owner)
    e->desks.by_owner = bw_map_new();
  d = bw_map_get(e->desks.by_owner, who);
  if (!d) {
    d = bw_alloc(sizeof *d);
    d->who = bw_str_dup(who);
    bw_map_put(e->desks.by_owner, who, d);
  }
  return d;
}

static bool waits(const struct lead *l)
{
  enum bw_lead_status s = l->pub.status;
  return l->pub.mode != BW_MODE_SHADOW &&
         (s == BW_LEAD_QUEUED || s == BW_LEAD_OPEN || s == BW_LEAD_SNOOZED || s == BW_LEAD_APPROVED);
}

static void enqueue(struct desks *d, struct lead *l)
{
  if (d->nqueue == d->queue_cap) {
    d->queue_cap = d->queue_cap ? d->queue_cap * 2 : 64;
    d->queue = bw_realloc(d->queue, d->queue_cap, sizeof(struct lead *));
  }
  d->queue[d->nqueue++] = l;
  l->place.queue = d->nqueue;
}

static void dequeue(struct desks *d, struct lead *l)
{
  struct lead *last = d->queue[--d->nqueue];
  d->queue[l->place.queue - 1] = last;
  last->place.queue = l->place.queue;
  l->place.queue = 0;
}

void bw_desk_update(struct bw_engine *e, struct lead *l)
{
  bool live = waits(l), queued = l->pub.status == BW_LEAD_QUEUED;
  struct desk *desk = live ? desk_of(e, bw_str(l->pub.owner)) : NULL;
  if (l->place.live && l->place.desk != desk) {
    l->place.desk->live--;
    l->place.live = false;
  }
  if (live && !l->place.live) {
    desk->live++;
    l->place.live = true;
  }
  l->place.desk = desk;
  if (queued && !l->place.queue)
    enqueue(&e->desks, l);
  else if (!queued && l->place.queue)
    dequeue(&e->desks, l);
}

size_t bw_desk_live(const struct bw_engine *e, struct bw_str who)
{
  const struct desk *d = e->desks.by_owner ? bw_map_get(e->desks.by_owner, who) : NULL;
  return d ? d->live : 0;
}

/* ---- a day's budget ---- */

static int64_t limit_of(const struct bw_engine *e, const char *who)
{
  const struct person *p = bw_person_find(&e->plays->roster, bw_str(who));
  return p && p->capacity >= 0 ? p->capacity : e->options.budget;
}

static int64_t used_on(const struct kept *k, int64_t day)
{
  return k && k->at == day ? k->number : 0;
}

/* Room on a desk today. */
static bool has_room(struct bw_engine *e, struct desk *d, int64_t day)
{
  int64_t limit = limit_of(e, d->who);
  if (!d->budget)
    d->budget = bw_kept_get(e, 'b', bw_str(d->who), false);
  return limit == 0 || used_on(d->budget, day) < limit;
}

static void spend(struct bw_engine *e, struct desk *d, int64_t day)
{
  if (limit_of(e, d->who) == 0)
    return;
  if (!d->budget)
    d->budget = bw_kept_get(e, 'b', bw_str(d->who), true);
  d->budget->number = used_on(d->budget, day) + 1;
  d->budget->at = day;
  bw_kept_dirty(e, d->budget);
}

void bw_budget_json(struct bw_engine *e, struct bw_str owner, int64_t now_ms, struct bw_buf *b)
{
  int64_t day = bw_workday_start(&e->options, now_ms), limit;
  const struct kept *k = bw_kept_get(e, 'b', owner, false);
  char *who BW_AUTOFREE = bw_str_dup(owner);
  size_t waiting = 0, i;
  limit = limit_of(e, who);
  for (i = 0; i < e->desks.nqueue; i++)
    waiting += strcmp(e->desks.queue[i]->pub.owner, who) == 0;
  bw_json_open(b, '{');
  bw_json_key(b, "owner");
  bw_json_str(b, owner);
  bw_json_key(b, "limit");
  if (limit)
    bw_json_int(b, limit);
  else
    bw_json_null(b);
  bw_json_key(b, "used");
  bw_json_int(b, used_on(k, day));
  bw_json_key(b, "waiting");
  bw_json_int(b, (int64_t)waiting);
  bw_json_key(b, "from");
  bw_json_time(b, day);
  bw_json_key(b, "until");
  bw_json_time(b, bw_next_workday(&e->options, now_ms));
  bw_json_close(b, '}');
}

/* ---- arriving ---- */

static void tell_gap(struct bw_engine *e, const struct lead *l, const struct verdict *v, int64_t now_ms)
{
  struct bw_buf name = {0}, text = {0};
  struct kept *k;
  bw_buf_add_cstr(&name, l->pub.account);
  bw_buf_add_char(&name, '\0');
  bw_buf_add_cstr(&name, v->routed.route);
  k = bw_kept_get(e, 'g', bw_buf_str(&name), v->routed.gap != NULL);
  if (!v->routed.gap && k) { /* filled: the next one is news again */
    k->gone = true;
    bw_kept_dirty(e, k);
  } else if (v->routed.gap && (k->gone || strcmp(k->text, v->routed.gap) != 0)) {
    struct bw_notice n = {.size = sizeof n, .severity = BW_URGENCY_MEDIUM, .at_ms = now_ms, .account = bw_str(l->pub.account)};
    k->gone = false;
    bw_lead_set(&k->text, v->routed.gap);
    bw_kept_dirty(e, k);
    bw_buf_printf(&text, "Lead %s of account %s (play %s, route %s) has no owner but the operator: %s.", l->pub.id,
                  l->pub.account, l->pub.play, v->routed.route, v->routed.gap);
    n.code = BW_STR("no_owner");
    n.text = bw_buf_str(&text);
    if (e->events.notice)
      e->events.notice(e->events.ctx, &n);
  }
  bw_buf_clear(&name);
  bw_buf_clear(&text);
}

static void take_turn(struct bw_engine *e, const struct verdict *v)
{
  const struct role *r;
  struct kept *k;
  size_t i;
  if (v->routed.pool < 0)
    return;
  r = &e->plays->roles[v->routed.pool];
  k = bw_kept_get(e, 'p', bw_str(r->name), true);
  for (i = 0; i < r->pool.nmembers && strcmp(r->pool.members[i], v->owner) != 0; i++)
    ;
  k->number = (int64_t)i;
  bw_lead_set(&k->text, v->owner);
  bw_kept_dirty(e, k);
}

bool bw_lead_arrived(struct bw_engine *e, struct lead *l, const struct verdict *v, int64_t now_ms)
{
  l->pub.released_at = now_ms;
  if (l->pub.mode == BW_MODE_SHADOW)
    return false; /* nobody's work */
  take_turn(e, v);
  tell_gap(e, l, v, now_ms);
  if (limit_of(e, l->pub.owner) == 0)
    return false;
  l->pub.status = BW_LEAD_QUEUED;
  l->pub.released_at = BW_TIME_NONE;
  l->place.fresh = true;
  bw_lead_dirty(e, l);
  return true;
}

/* ---- leaving without having been seen ---- */

/* Nobody has seen it: the family does not rest after it. */
static int drop(struct bw_engine *e, struct lead *l, const char *why, int64_t now_ms, struct bw_error *err)
{
  int64_t closed_at = l->family->closed_at;
  struct family *f = l->family;
  char *reason BW_AUTOFREE = bw_asprintf("left the queue: %s", why);
  int rc = bw_lead_move(e, l, BW_LEAD_CLOSED, bw_str(reason), now_ms, err);
  f->closed_at = closed_at;
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

static int rank_of(const char *priority)
{
  return strcmp(priority, "high") == 0 ? 2 : strcmp(priority, "medium") == 0 ? 1 : 0;
}

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
  return (struct ranked){l, rank_of(l->pub.priority), d.sum * money, d.sum};
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
  struct desk *d = desk_of(e, bw_str(l->pub.owner));
  spend(e, d, day);
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
  l->pub.sla_at = bw_sla_deadline(&e->options, now_ms, p->sla_ms[2 - rank_of(v->priority)]);
  l->pub.review_until = v->review_ms ? now_ms + v->review_ms : BW_TIME_NONE;
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
    tell_gap(e, l, &v, now_ms);
    if (has_room(e, l->place.desk, day))
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
  int64_t day = bw_workday_start(&e->options, now_ms);
  struct ranked *list;
  size_t n = 0, i;
  int rc;
  (void)offset;
  if (!e->desks.nqueue)
    return 0;
  rc = expire(e, now_ms, err);
  list = bw_calloc(e->desks.nqueue + 1, sizeof *list);
  for (i = 0; i < e->desks.nqueue; i++) /* only where somebody has room: nobody sees the order of the others */
    if (has_room(e, e->desks.queue[i]->place.desk, day))
      list[n++] = rank_lead(e, e->desks.queue[i]);
  qsort(list, n, sizeof *list, compare);
  for (i = 0; rc == 0 && i < n; i++) {
    struct lead *l = list[i].lead;
    if (!has_room(e, l->place.desk, day))
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
