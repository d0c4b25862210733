/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts: plans, seats, limits, products, from account, subscription and plan records.  Runs in a watcher host. */
#include <math.h>
#include <stdlib.h>

#include "usage.h"

#define MAX_LIMITS 64
#define MAX_OWNED 64

static bool number_in(const struct bw_field *f, double *ret)
{
  char text[64], *end;
  if (f->type == BW_VALUE_NUMBER) {
    *ret = f->number;
    return true;
  }
  if (f->type != BW_VALUE_STRING || f->text.len == 0 || f->text.len >= sizeof text)
    return false; /* a CSV's numbers are strings */
  memcpy(text, f->text.data, f->text.len);
  text[f->text.len] = '\0';
  if (!((text[0] >= '0' && text[0] <= '9') || text[0] == '.' || text[0] == '-'))
    return false;
  *ret = strtod(text, &end);
  return *end == '\0' && isfinite(*ret);
}

static void set_limit(struct limit **list, uint16_t *n, uint16_t key, double value)
{
  uint16_t i;
  for (i = 0; i < *n && (*list)[i].key != key; i++)
    ;
  if (i == *n) {
    if (i >= MAX_LIMITS)
      return;
    *list = grown(*list, i, sizeof **list);
    (*n)++;
  }
  (*list)[i] = (struct limit){key, value};
}

static void set_owned(struct usage *u, struct facts *f, struct bw_str product, int32_t day)
{
  uint16_t id = (uint16_t)bw_intern_get(&u->names, product), i;
  if (!id || product.len > 128)
    return;
  for (i = 0; i < f->nowned; i++)
    if (f->owned[i].product == id)
      return;
  if (f->nowned >= MAX_OWNED)
    return;
  f->owned = grown(f->owned, f->nowned, sizeof *f->owned);
  f->owned[f->nowned++] = (struct owned){id, (uint16_t)(day > 0 ? day : 1)};
}

/* The list is the whole: what it no longer names is no longer owned. */
static void set_products(struct usage *u, struct facts *f, const struct bw_field *field, int32_t day)
{
  struct bw_jdoc *doc = NULL;
  const struct bw_jnode *c;
  uint16_t i, kept = 0;
  if (field->type == BW_VALUE_STRING) {
    set_owned(u, f, field->text, day);
    return;
  }
  if (field->type != BW_VALUE_JSON || bw_jdoc_parse(field->text, &doc, NULL))
    return;
  if (bw_jdoc_root(doc)->type == BW_J_LIST) {
    for (i = 0; i < f->nowned; i++) {
      struct bw_str name = bw_intern_str(&u->names, f->owned[i].product);
      for (c = bw_jdoc_root(doc)->child; c; c = c->next)
        if (c->type == BW_J_STRING && bw_str_eq(c->text, name))
          break;
      if (c)
        f->owned[kept++] = f->owned[i];
    }
    if (f->nowned && !kept) {
      free(f->owned);
      f->owned = NULL;
    } else if (kept) { /* capacity follows the count */
      struct owned *fresh = NULL;
      for (i = 0; i < kept; i++) {
        fresh = grown(fresh, i, sizeof *fresh);
        fresh[i] = f->owned[i];
      }
      free(f->owned);
      f->owned = fresh;
    }
    f->nowned = kept;
    for (c = bw_jdoc_root(doc)->child; c; c = c->next)
      if (c->type == BW_J_STRING)
        set_owned(u, f, c->text, day);
  }
  bw_jdoc_free(&doc);
}

static void set_seats(struct facts *f, double seats, int32_t day)
{
  uint32_t n = f->nseat_changes;
  if (seats < 0 || seats > 1e9)
    return;
  f->seats = seats;
  if (n && f->seat_changes[n - 1].seats == seats)
    return;
  if (n == SEAT_CHANGES) {
    memmove(f->seat_changes, f->seat_changes + 1, (SEAT_CHANGES - 1) * sizeof *f->seat_changes);
    n--;
  }
  f->seat_changes[n] = (struct seat_change){(uint16_t)(day > 0 && day < BW_SERIES_DAY_MAX ? day : 1), seats};
  f->nseat_changes = (uint16_t)(n + 1);
}

static uint16_t day_in(const struct bw_field *f)
{
  int64_t ms;
  if (f->type != BW_VALUE_STRING || bw_time_parse(f->text, &ms) || ms < BW_DAY || ms / BW_DAY > BW_SERIES_DAY_MAX)
    return 0;
  return (uint16_t)(ms / BW_DAY);
}

static bool is_meter_limit(const struct usage *u, struct bw_str key)
{
  uint32_t i;
  for (i = 0; i < u->cfg.nmeters; i++)
    if (bw_str_eq(u->cfg.meters[i].limit, key) || bw_str_eq(u->cfg.meters[i].rate_limit, key))
      return true;
  return false;
}

static void take_limit(struct usage *u, struct limit **list, uint16_t *n, const struct bw_field *f)
{
  struct bw_str key = f->key;
  double v;
  if (bw_str_prefix(key, "limits."))
    key = (struct bw_str){key.data + 7, key.len - 7};
  else if (!is_meter_limit(u, key))
    return;
  if (key.len && key.len <= 128 && number_in(f, &v) && v >= 0)
    set_limit(list, n, (uint16_t)bw_intern_get(&u->names, key), v);
}

static void take_field(struct usage *u, struct facts *f, const struct bw_field *field, int32_t day)
{
  double v;
  if (bw_str_is(field->key, "seats") && number_in(field, &v))
    set_seats(f, v, day);
  else if (bw_str_is(field->key, "plan") && field->type == BW_VALUE_STRING && field->text.len <= 128)
    f->plan = (uint16_t)bw_intern_get(&u->names, field->text);
  else if (bw_str_is(field->key, "arr") && number_in(field, &v))
    f->arr = v;
  else if (bw_str_is(field->key, "products"))
    set_products(u, f, field, day);
  else if (bw_str_is(field->key, "start") || bw_str_is(field->key, "start_date"))
    f->start = day_in(field);
  else if (bw_str_is(field->key, "end") || bw_str_is(field->key, "renewal") || bw_str_is(field->key, "renewal_date"))
    f->end = day_in(field);
  else if (bw_str_eq(field->key, u->cfg.value[OPT_SEATS_FIELD].text) && number_in(field, &v) && v >= 0)
    f->provisioned = v;
  else
    take_limit(u, &f->limits, &f->nlimits, field);
}

static void take_plan(struct usage *u, const struct bw_record *r)
{
  uint32_t h = bw_hash_fold(bw_hash_str(r->subject, u->seed)), i = bw_keyed_find(&u->plans, h, r->subject), k;
  struct plan *p;
  uint16_t n;
  if (r->subject.len == 0)
    return;
  if (i == BW_NONE && (i = bw_keyed_add(&u->plans, h, r->subject)) == BW_NONE)
    return;
  p = bw_keyed_at(&u->plans, i);
  n = (uint16_t)p->nlimits;
  for (k = 0; k < r->nfields; k++)
    if (r->fields[k].section == BW_SECTION_TRAITS)
      take_limit(u, &p->limits, &n, &r->fields[k]);
  p->nlimits = n;
}

void facts_take(struct usage *u, const struct bw_record *r)
{
  int32_t day = bw_time_day(r->time_ms);
  struct account *a;
  uint32_t index, i;
  if (r->kind == BW_KIND_PLAN) {
    take_plan(u, r);
    return;
  }
  if (r->account.len == 0 || !(a = account_get(u, r->account, r->account_hash, &index)))
    return;
  if (!a->facts) {
    a->facts = bw_alloc(sizeof *a->facts);
    a->facts->seats = a->facts->arr = a->facts->provisioned = -1;
  }
  if (r->kind == BW_KIND_SUBSCRIPTION)
    a->facts->has_subscription = true;
  else
    a->facts->has_account = true;
  for (i = 0; i < r->nfields; i++)
    if (r->fields[i].section == BW_SECTION_TRAITS)
      take_field(u, a->facts, &r->fields[i], day);
  if (a->act)
    a->act->dirty |= DIRTY_FACTS;
  touch(u, a, index);
}

void facts_clear(struct facts *f)
{
  free(f->limits);
  free(f->owned);
  free(f);
}

static double in_list(const struct limit *list, uint32_t n, uint16_t key)
{
  uint32_t i;
  for (i = 0; i < n; i++)
    if (list[i].key == key)
      return list[i].value;
  return -1;
}

double facts_limit(const struct usage *u, const struct facts *f, uint16_t key)
{
  struct bw_str plan;
  double v;
  uint32_t i;
  if (!f || !key)
    return -1;
  v = in_list(f->limits, f->nlimits, key);
  if (v >= 0 || !f->plan)
    return v;
  plan = bw_intern_str(&u->names, f->plan);
  i = bw_keyed_find(&u->plans, bw_hash_fold(bw_hash_str(plan, u->seed)), plan);
  if (i == BW_NONE)
    return -1;
  return in_list(((struct plan *)bw_keyed_at(&u->plans, i))->limits, ((struct plan *)bw_keyed_at(&u->plans, i))->nlimits, key);
}

double facts_seats(const struct facts *f)
{
  return f ? f->seats : -1;
}

static bool free_plan(const struct usage *u, const struct facts *f)
{
  const struct bw_jnode *root = bw_jdoc_root(u->cfg.docs[OPT_FREE_PLANS]), *c;
  struct bw_str plan = bw_intern_str(&u->names, f->plan);
  for (c = root->type == BW_J_LIST ? root->child : NULL; c; c = c->next)
    if (c->type == BW_J_STRING && bw_str_eq(c->text, plan))
      return true;
  return false;
}

bool facts_paid(const struct usage *u, const struct facts *f)
{
  if (!f)
    return false;
  if (f->arr > 0)
    return true;
  return f->plan ? !free_plan(u, f) && f->arr != 0 : f->has_subscription;
}

/* Known not to pay: no contract and an implicit account, or a free plan.  Without any word it is unknown, so false. */
bool facts_free(const struct usage *u, const struct account *a)
{
  const struct facts *f = a->facts;
  if (facts_paid(u, f))
    return false;
  return bw_str_prefix(bw_key_str(&a->key), "domain:") || (f && (f->arr == 0 || (f->plan && free_plan(u, f))));
}

bool facts_owns(const struct facts *f, uint16_t product)
{
  uint16_t i;
  for (i = 0; f && i < f->nowned; i++)
    if (f->owned[i].product == product)
      return true;
  return false;
}
