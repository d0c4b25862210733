/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: what each owner has on their desk, and how many new leads a day they get.  Also where a new lead arrives: the pool's
 * turn is taken, and a gap is told.  Runs in core and replays; no privileges.
 */
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
bool bw_desk_has_room(struct bw_engine *e, struct desk *d, int64_t day)
{
  int64_t limit = limit_of(e, d->who);
  if (!d->budget)
    d->budget = bw_kept_get(e, 'b', bw_str(d->who), false);
  return limit == 0 || used_on(d->budget, day) < limit;
}

void bw_desk_spend(struct bw_engine *e, struct desk *d, int64_t day)
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
  int64_t day = bw_workday_start(e, now_ms), limit;
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
  bw_json_time(b, bw_next_workday(e, now_ms));
  bw_json_close(b, '}');
}

/* ---- arriving ---- */

void bw_gap_tell(struct bw_engine *e, const struct lead *l, const struct verdict *v, int64_t now_ms)
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

void bw_pool_take_turn(struct bw_engine *e, const struct verdict *v)
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
  bw_pool_take_turn(e, v);
  bw_gap_tell(e, l, v, now_ms);
  if (limit_of(e, l->pub.owner) == 0)
    return false;
  l->pub.status = BW_LEAD_QUEUED;
  l->pub.released_at = BW_TIME_NONE;
  l->place.fresh = true;
  bw_lead_dirty(e, l);
  return true;
}
