/* SPDX-License-Identifier: Apache-2.0 */
/* Leads: their tables in memory, their states, who may go where.  Runs in core and replays; no privileges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

static const char *const status_names[BW_LEAD_STATUSES] = {"open",     "snoozed", "approved", "sent",
                                                           "rejected", "closed",  "queued"};

const char *bw_lead_status_name(enum bw_lead_status status)
{
  return (size_t)status < BW_LEAD_STATUSES ? status_names[status] : "";
}

int bw_lead_status_parse(struct bw_str name)
{
  int i;
  for (i = 0; i < BW_LEAD_STATUSES; i++)
    if (bw_str_is(name, status_names[i]))
      return i;
  return -1;
}

int bw_priority_rank(const char *priority)
{
  return strcmp(priority, "high") == 0 ? 2 : strcmp(priority, "medium") == 0 ? 1 : 0;
}

void bw_lead_set(char **field, const char *value)
{
  char *copy = bw_strdup(value ? value : "");
  free(*field);
  *field = copy;
}

static char **texts(struct lead *l, size_t i)
{
  struct bw_lead *p = &l->pub;
  char **const all[] = {&p->account,   &p->play,       &p->family,    &p->motion,        &p->type,           &p->priority,
                        &p->owner,     &p->owner_role, &p->csm,       &p->currency,      &p->primary_signal, &p->fields_json,
                        &p->why_json,  &p->angle,      &p->title,     &p->template_name, &p->reason,         &l->signals,
                        &p->joined_to, &p->owner_for,  &p->owner_note};
  return i < sizeof all / sizeof *all ? all[i] : NULL;
}

struct lead *bw_lead_new(struct bw_engine *e)
{
  struct lead *l = bw_alloc(sizeof *l);
  size_t i;
  (void)e;
  for (i = 0; texts(l, i); i++)
    *texts(l, i) = bw_strdup("");
  l->pub.released_at = l->pub.sla_at = l->pub.review_until = l->pub.snoozed_until = l->pub.closed_at = l->pub.close_at =
      BW_TIME_NONE;
  l->pub.estimate = NAN;
  return l;
}

void bw_lead_free(struct lead *l)
{
  size_t i;
  if (!l)
    return;
  for (i = 0; texts(l, i); i++)
    free(*texts(l, i));
  free(l);
}

/* ---- tables ---- */

struct family *bw_family(struct bw_engine *e, struct bw_str account, const char *family, const char *shadow_play, bool add)
{
  struct bw_buf key = {0};
  struct family *f;
  bw_buf_add_str(&key, account);
  bw_buf_add_char(&key, '\0');
  bw_buf_add_cstr(&key, family);
  if (shadow_play) {
    bw_buf_add_char(&key, '\0');
    bw_buf_add_cstr(&key, shadow_play);
  }
  f = bw_map_get(e->families, bw_buf_str(&key));
  if (!f && add) {
    f = bw_alloc(sizeof *f);
    f->closed_at = BW_TIME_NONE;
    bw_map_put(e->families, bw_buf_str(&key), f);
  }
  bw_buf_clear(&key);
  return f;
}

struct family *bw_family_of_play(struct bw_engine *e, struct bw_str account, const char *play, bool shadow, bool add)
{
  return bw_family(e, account, shadow ? "\1" : "", play, add); /* no family is called so */
}

struct standing bw_standing(struct bw_engine *e, struct bw_str account, const struct play *p, bool shadow)
{
  const struct family *f = bw_family(e, account, p->family, shadow ? p->name : NULL, false);
  const struct family *own = bw_family_of_play(e, account, p->name, shadow, false);
  struct standing s = {f ? f->open : NULL, f ? f->closed_at : BW_TIME_NONE};
  if (own && own->open)
    s.open = own->open;
  if (own && own->closed_at != BW_TIME_NONE && (s.closed_at == BW_TIME_NONE || own->closed_at > s.closed_at))
    s.closed_at = own->closed_at;
  return s;
}

static bool over(const struct lead *l)
{
  return l->pub.status == BW_LEAD_REJECTED || l->pub.status == BW_LEAD_CLOSED;
}

static void list_add(struct bw_engine *e, struct lead *l)
{
  struct lead_list *list = bw_map_get(e->by_account, bw_str(l->pub.account));
  if (!list) {
    list = bw_alloc(sizeof *list);
    bw_map_put(e->by_account, bw_str(l->pub.account), list);
  }
  if (list->n == list->cap) {
    list->cap = list->cap ? list->cap * 2 : 2;
    list->items = bw_realloc(list->items, list->cap, sizeof *list->items);
  }
  list->items[list->n++] = l;
}

static void list_remove(struct bw_engine *e, const struct lead *l)
{
  struct lead_list *list = bw_map_get(e->by_account, bw_str(l->pub.account));
  size_t i;
  for (i = 0; list && i < list->n; i++)
    if (list->items[i] == l) {
      memmove(&list->items[i], &list->items[i + 1], (list->n - i - 1) * sizeof *list->items);
      list->n--;
      break;
    }
  if (list && list->n == 0) {
    bw_map_remove(e->by_account, bw_str(l->pub.account));
    free(list->items);
    free(list);
  }
}

void bw_lead_add(struct bw_engine *e, struct lead *l, bool shadow_family)
{
  struct family *f = bw_family(e, bw_str(l->pub.account), l->pub.family, shadow_family ? l->pub.play : NULL, true);
  snprintf(l->pub.id, sizeof l->pub.id, "L%llu", (unsigned long long)l->pub.number);
  l->family = f;
  l->own = bw_family_of_play(e, bw_str(l->pub.account), l->pub.play, shadow_family, true);
  if (!over(l))
    f->open = l->own->open = l;
  if (e->nleads == e->leads_cap) {
    e->leads_cap = e->leads_cap ? e->leads_cap * 2 : 64;
    e->leads = bw_realloc(e->leads, e->leads_cap, sizeof *e->leads);
  }
  e->leads[e->nleads++] = l;
  bw_map_put(e->by_id, bw_str(l->pub.id), l);
  bw_heard_lead(e, &l->pub);
  list_add(e, l);
  bw_desk_update(e, l);
}

void bw_lead_drop(struct bw_engine *e, struct lead *l)
{
  size_t i;
  bw_map_remove(e->by_id, bw_str(l->pub.id));
  list_remove(e, l);
  for (i = e->nleads; i-- > 0;)
    if (e->leads[i] == l) {
      memmove(&e->leads[i], &e->leads[i + 1], (e->nleads - i - 1) * sizeof *e->leads);
      e->nleads--;
      break;
    }
  bw_lead_free(l);
}

void bw_lead_dirty(struct bw_engine *e, struct lead *l)
{
  bw_desk_update(e, l);
  if (!e->store || l->dirty)
    return;
  l->dirty = true;
  if (e->ndirty == e->dirty_cap) {
    e->dirty_cap = e->dirty_cap ? e->dirty_cap * 2 : 64;
    e->dirty = bw_realloc(e->dirty, e->dirty_cap, sizeof *e->dirty);
  }
  e->dirty[e->ndirty++] = l;
}

/* ---- states ---- */

#define S(x) (1u << BW_LEAD_##x)
static const unsigned allowed_from[BW_LEAD_STATUSES] = {
    [BW_LEAD_OPEN] = S(SNOOZED) | S(APPROVED),
    [BW_LEAD_SNOOZED] = S(OPEN) | S(SNOOZED),
    [BW_LEAD_APPROVED] = S(OPEN) | S(SNOOZED),
    [BW_LEAD_SENT] = S(APPROVED),
    [BW_LEAD_REJECTED] = S(OPEN) | S(SNOOZED) | S(APPROVED) | S(QUEUED),
    [BW_LEAD_CLOSED] = S(OPEN) | S(SNOOZED) | S(APPROVED) | S(SENT) | S(QUEUED),
};
#undef S

static void left(struct family *f, const struct lead *l, int64_t now_ms)
{
  if (f->open == l)
    f->open = NULL;
  f->closed_at = now_ms;
}

int bw_lead_move(struct bw_engine *e, struct lead *l, enum bw_lead_status to, struct bw_str reason, int64_t now_ms,
                 struct bw_error *err)
{
  enum bw_lead_status before = l->pub.status;
  if (!(allowed_from[to] & (1u << before)))
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s is %s and cannot become %s", l->pub.id, status_names[before],
                   status_names[to]);
  l->pub.status = to;
  l->pub.updated_at = now_ms;
  if (to != BW_LEAD_SNOOZED)
    l->pub.snoozed_until = BW_TIME_NONE;
  if (reason.len) {
    free(l->pub.reason);
    l->pub.reason = bw_str_dup(reason);
  }
  if (over(l)) {
    l->pub.closed_at = now_ms;
    left(l->family, l, now_ms);
    left(l->own, l, now_ms);
    bw_leads_join(e, bw_str(l->pub.account), l);
  }
  bw_lead_dirty(e, l);
  if (e->events.changed)
    e->events.changed(e->events.ctx, &l->pub, before);
  return 0;
}

static struct lead *need(struct bw_engine *e, struct bw_str id, struct bw_error *err)
{
  struct lead *l = bw_map_get(e->by_id, id);
  if (l)
    return l;
  if (bw_leads_find(e, id))
    bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %.*s is %s: nothing can be decided about it any more", BW_FMT(id),
            status_names[e->found->pub.status]);
  else
    bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead %.*s", (int)(id.len > 40 ? 40 : id.len), id.data);
  return NULL;
}

static int move(struct bw_engine *e, struct bw_str id, enum bw_lead_status to, struct bw_str reason, int64_t now_ms,
                struct bw_error *err)
{
  struct bw_error local = {0};
  struct lead *l = need(e, id, err ? err : &local);
  if (!l)
    return err ? (int)err->code : (int)local.code;
  if (l->pub.mode == BW_MODE_SHADOW && (to == BW_LEAD_APPROVED || to == BW_LEAD_SENT))
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s is a shadow: its play only records what it would do",
                   l->pub.id);
  if (l->pub.status == BW_LEAD_QUEUED && (to == BW_LEAD_REJECTED || to == BW_LEAD_CLOSED))
    l->pub.released_at = now_ms; /* a person looked into the queue */
  return bw_lead_move(e, l, to, reason, now_ms, err);
}

int bw_lead_approve(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err)
{
  return move(e, id, BW_LEAD_APPROVED, BW_STR(""), now_ms, err);
}

int bw_lead_unapprove(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err)
{
  struct lead *l = bw_map_get(e->by_id, id);
  if (l && l->pub.status != BW_LEAD_APPROVED)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s is %s, not approved", l->pub.id, status_names[l->pub.status]);
  return move(e, id, BW_LEAD_OPEN, BW_STR(""), now_ms, err);
}

int bw_lead_sent(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err)
{
  return move(e, id, BW_LEAD_SENT, BW_STR(""), now_ms, err);
}

static int with_reason(struct bw_engine *e, struct bw_str id, enum bw_lead_status to, struct bw_str reason, int64_t now_ms,
                       struct bw_error *err)
{
  if (!reason.len || reason.len > 2000 || !bw_utf8_valid(reason.data, reason.len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a reason is needed, of at most 2000 bytes of text");
  return move(e, id, to, reason, now_ms, err);
}

int bw_lead_reject(struct bw_engine *e, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err)
{
  return with_reason(e, id, BW_LEAD_REJECTED, reason, now_ms, err);
}

int bw_lead_close(struct bw_engine *e, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err)
{
  return with_reason(e, id, BW_LEAD_CLOSED, reason, now_ms, err);
}

int bw_lead_snooze(struct bw_engine *e, struct bw_str id, int64_t until_ms, int64_t now_ms, struct bw_error *err)
{
  struct bw_error local = {0};
  struct lead *l = need(e, id, err ? err : &local);
  int64_t before;
  int rc;
  if (!l)
    return err ? (int)err->code : (int)local.code;
  if (until_ms <= now_ms || until_ms > now_ms + 366 * BW_DAY)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a lead can be snoozed until a moment in the next 366 days");
  before = l->pub.snoozed_until;
  l->pub.snoozed_until = until_ms;
  rc = bw_lead_move(e, l, BW_LEAD_SNOOZED, BW_STR(""), now_ms, err);
  if (rc < 0)
    l->pub.snoozed_until = before;
  return rc;
}

int bw_lead_wake(struct bw_engine *e, struct bw_str id, int64_t now_ms, struct bw_error *err)
{
  struct lead *l = bw_map_get(e->by_id, id);
  if (l && l->pub.status != BW_LEAD_SNOOZED)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s is %s, not snoozed", l->pub.id, status_names[l->pub.status]);
  return move(e, id, BW_LEAD_OPEN, BW_STR(""), now_ms, err);
}

void bw_lead_keep(struct bw_engine *e, struct bw_str id, struct bw_str account, int64_t now_ms)
{
  struct lead *l = bw_map_get(e->by_id, id);
  int64_t expire;
  if (!l || !bw_str_is(account, l->pub.account) || (l->pub.status != BW_LEAD_OPEN && l->pub.status != BW_LEAD_SENT))
    return;
  expire = l->pub.status == BW_LEAD_SENT ? e->options.expire_sent_ms : e->options.expire_ms;
  if (l->pub.updated_at + expire > now_ms)
    return;
  l->pub.updated_at = now_ms;
  bw_lead_dirty(e, l);
}

/* ---- questions ---- */

const struct bw_lead *bw_leads_find(struct bw_engine *e, struct bw_str id)
{
  struct lead *l = bw_map_get(e->by_id, id);
  char text[24], *end;
  unsigned long long number;
  if (l)
    return &l->pub;
  if (!e->store || id.len < 2 || id.len >= sizeof text || id.data[0] != 'L' || id.data[1] < '0' || id.data[1] > '9')
    return NULL;
  memcpy(text, id.data, id.len);
  text[id.len] = '\0';
  number = strtoull(text + 1, &end, 10);
  if (*end)
    return NULL;
  l = bw_lead_read(e, number, NULL);
  if (!l)
    return NULL;
  bw_lead_free(e->found);
  e->found = l;
  return &l->pub;
}

const struct bw_lead *bw_leads_find_open(const struct bw_engine *e, struct bw_str account, struct bw_str family)
{
  char *name BW_AUTOFREE = bw_str_dup(family);
  const struct family *f = bw_family((struct bw_engine *)(uintptr_t)e, account, name, NULL, false);
  return f && f->open ? &f->open->pub : NULL;
}

int bw_leads_each(const struct bw_engine *e, bool closed, int (*fn)(void *ctx, const struct bw_lead *lead), void *ctx)
{
  size_t i;
  for (i = 0; i < e->nleads; i++) {
    int rc = closed || !over(e->leads[i]) ? fn(ctx, &e->leads[i]->pub) : 0;
    if (rc < 0)
      return rc;
  }
  return 0;
}

int bw_leads_each_of(const struct bw_engine *e, struct bw_str account, int (*fn)(void *ctx, const struct bw_lead *lead),
                     void *ctx)
{
  const struct lead_list *list = bw_map_get(e->by_account, account);
  size_t i;
  for (i = 0; list && i < list->n; i++) {
    int rc = over(list->items[i]) ? 0 : fn(ctx, &list->items[i]->pub);
    if (rc < 0)
      return rc;
  }
  return 0;
}
