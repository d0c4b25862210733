/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, their open episodes and traits, and the questions asked of them.  Runs in core and replays; no privileges. */
#include "signals/signals.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/time.h"
#include "signals/private.h"

const struct bw_setting bw_signals_settings[] = {
    {"expiry", BW_SETTING_DURATION, offsetof(struct bw_signals_options, expiry_ms), "45d", 86400e3, 3650 * 86400e3, NULL,
     "an episode that its watcher has not spoken of for so long is closed as expired"},
    {"persist", BW_SETTING_STRING, offsetof(struct bw_signals_options, persist), "data_export", 0, 0, NULL,
     "signal types that never expire, separated by commas"},
    {"fleet_share", BW_SETTING_PERCENT, offsetof(struct bw_signals_options, fleet_share), "20%", 0.001, 1, NULL,
     "when more than this share of the active accounts open the same down signal on one tick, they are held back"},
    {"fleet_min", BW_SETTING_INTEGER, offsetof(struct bw_signals_options, fleet_min), "20", 1, 1e9, NULL,
     "and at least so many accounts"},
    {"fleet_hold", BW_SETTING_DURATION, offsetof(struct bw_signals_options, fleet_hold_ms), "3d", 3600e3, 365 * 86400e3, NULL,
     "a held episode that is still open after this is believed"},
    {"active", BW_SETTING_DURATION, offsetof(struct bw_signals_options, active_ms), "28d", 86400e3, 3650 * 86400e3, NULL,
     "an account is active when a watcher told something new of it within this time"},
};
const size_t bw_signals_nsettings = sizeof bw_signals_settings / sizeof *bw_signals_settings;

void bw_signals_options_default(struct bw_signals_options *o)
{
  *o = (struct bw_signals_options){.expiry_ms = 45 * BW_DAY,
                                   .persist = bw_strdup("data_export"),
                                   .fleet_share = 0.2,
                                   .fleet_min = 20,
                                   .fleet_hold_ms = 3 * BW_DAY,
                                   .active_ms = 28 * BW_DAY};
}

void *bw_signals_grow(void *array, size_t n, size_t *cap, size_t size)
{
  if (n < *cap)
    return array;
  *cap = *cap ? *cap * 2 : 16;
  return bw_realloc(array, *cap, size);
}

/* ---- accounts ---- */

static size_t slot_of(const struct bw_signals *s, uint64_t hash, struct bw_str name)
{
  size_t i = hash & s->mask;
  while (s->slots[i] && !(s->slots[i]->hash == hash && bw_str_eq(bw_account_str(s->slots[i]), name)))
    i = (i + 1) & s->mask;
  return i;
}

struct account *bw_signals_account(const struct bw_signals *s, struct bw_str name)
{
  return s->slots[slot_of(s, bw_hash_str(name, s->seed), name)];
}

static void rehash(struct bw_signals *s)
{
  size_t i, at;
  s->mask = s->mask * 2 + 1;
  free(s->slots);
  s->slots = bw_calloc(s->mask + 1, sizeof *s->slots);
  for (i = 0; i < s->naccounts; i++) {
    for (at = s->accounts[i]->hash & s->mask; s->slots[at];)
      at = (at + 1) & s->mask;
    s->slots[at] = s->accounts[i];
  }
}

struct account *bw_signals_account_add(struct bw_signals *s, struct bw_str name)
{
  uint64_t hash = bw_hash_str(name, s->seed);
  size_t at = slot_of(s, hash, name);
  struct account *a = s->slots[at];
  if (a)
    return a;
  if ((s->naccounts + 1) * 2 > s->mask) {
    rehash(s);
    at = slot_of(s, hash, name);
  }
  a = bw_alloc(sizeof *a + name.len + 1);
  a->hash = hash;
  a->seen_ms = BW_TIME_NONE;
  a->name_len = (uint32_t)name.len;
  memcpy(a->name, name.data, name.len);
  s->accounts = bw_signals_grow(s->accounts, s->naccounts, &s->accounts_cap, sizeof *s->accounts);
  s->accounts[s->naccounts++] = a;
  s->slots[at] = a;
  return a;
}

const struct key *bw_signals_key(struct bw_signals *s, struct bw_str text)
{
  struct key *k;
  if (!text.len)
    return NULL;
  k = bw_map_get(s->keys, text);
  if (k)
    return k;
  k = bw_alloc(sizeof *k + text.len + 1);
  k->len = (uint32_t)text.len;
  memcpy(k->text, text.data, text.len);
  bw_map_put(s->keys, text, k);
  return k;
}

static int compare(uint32_t type_a, struct bw_str key_a, uint32_t type_b, struct bw_str key_b)
{
  if (type_a != type_b)
    return type_a < type_b ? -1 : 1;
  return bw_str_cmp(key_a, key_b);
}

/* The first position at or after (type, key). */
static uint32_t open_position(const struct account *a, uint32_t type, struct bw_str key)
{
  uint32_t i = 0;
  while (i < a->nopen && compare(a->open[i]->pub.type_index, bw_key_str(a->open[i]->key), type, key) < 0)
    i++;
  return i;
}

static uint32_t trait_position(const struct account *a, uint32_t type, struct bw_str key)
{
  uint32_t low = 0, high = a->ntraits;
  while (low < high) {
    uint32_t mid = (low + high) / 2;
    if (compare(a->traits[mid].type, bw_key_str(a->traits[mid].key), type, key) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static void view(const struct bw_signals *s, const struct account *a, const struct trait *t, struct bw_trait_value *ret)
{
  *ret = (struct bw_trait_value){.account = bw_account_str(a),
                                 .key = bw_key_str(t->key),
                                 .type = bw_catalog_trait(s->catalog, t->type),
                                 .type_index = t->type,
                                 .value_type = t->is_text ? BW_VALUE_STRING : BW_VALUE_NUMBER,
                                 .number = t->is_text ? 0 : t->number,
                                 .text = t->is_text ? bw_str(t->text) : BW_STR(""),
                                 .at_ms = t->at_ms,
                                 .offset = t->offset};
}

static bool same_value(const struct trait *t, const struct bw_trait_value *v)
{
  if (t->is_text != (v->value_type == BW_VALUE_STRING))
    return false;
  return t->is_text ? bw_str_eq(bw_str(t->text), v->text) : !(t->number < v->number) && !(t->number > v->number);
}

static void set_value(struct trait *t, const struct bw_trait_value *v)
{
  if (t->is_text)
    free(t->text);
  t->is_text = v->value_type == BW_VALUE_STRING;
  if (t->is_text)
    t->text = bw_str_dup(v->text);
  else
    t->number = v->number;
  t->at_ms = v->at_ms;
  t->offset = v->offset;
}

bool bw_signals_put_trait(struct bw_signals *s, struct account *a, const struct bw_trait_value *v)
{
  uint32_t at = trait_position(a, v->type_index, v->key);
  bool there = at < a->ntraits && compare(a->traits[at].type, bw_key_str(a->traits[at].key), v->type_index, v->key) == 0;
  struct trait *t;
  if (v->value_type == BW_VALUE_NULL) {
    if (!there)
      return false;
    if (a->traits[at].is_text)
      free(a->traits[at].text);
    memmove(&a->traits[at], &a->traits[at + 1], (a->ntraits - at - 1) * sizeof *a->traits);
    a->ntraits--;
    s->stats.traits--;
    return true;
  }
  if (there) {
    if (same_value(&a->traits[at], v))
      return false;
    set_value(&a->traits[at], v);
    return true;
  }
  if (a->ntraits >= MAX_TRAITS_PER_ACCOUNT) {
    s->stats.refused++;
    return false;
  }
  if (a->ntraits == a->traits_cap) {
    a->traits_cap = a->traits_cap ? a->traits_cap + a->traits_cap / 2 + 1 : 8;
    a->traits = bw_realloc(a->traits, a->traits_cap, sizeof *a->traits);
  }
  memmove(&a->traits[at + 1], &a->traits[at], (a->ntraits - at) * sizeof *a->traits);
  t = &a->traits[at];
  *t = (struct trait){.type = v->type_index, .key = bw_signals_key(s, v->key)};
  set_value(t, v);
  a->ntraits++;
  s->stats.traits++;
  return true;
}

/* ---- the lists of what is to be done ---- */

void bw_signals_mark_changed(struct bw_signals *s, struct account *a)
{
  if (a->changed)
    return;
  a->changed = true;
  s->changed = bw_signals_grow(s->changed, s->nchanged, &s->changed_cap, sizeof *s->changed);
  s->changed[s->nchanged++] = a;
}

void bw_signals_mark_dirty(struct bw_signals *s, struct episode *ep)
{
  if (ep->dirty)
    return;
  ep->dirty = true;
  s->dirty = bw_signals_grow(s->dirty, s->ndirty, &s->dirty_cap, sizeof *s->dirty);
  s->dirty[s->ndirty++] = ep;
}

void bw_signals_touch(struct bw_signals *s, struct account *a, uint32_t watcher, int64_t at_ms)
{
  if (at_ms > a->seen_ms)
    a->seen_ms = at_ms;
  bw_signals_mark_changed(s, a);
  if (!s->store)
    return;
  a->dirty |= UINT64_C(1) << s->catalog->watchers[watcher].plugin;
  if (a->listed)
    return;
  a->listed = true;
  s->dirty_accounts = bw_signals_grow(s->dirty_accounts, s->ndirty_accounts, &s->dirty_accounts_cap, sizeof *s->dirty_accounts);
  s->dirty_accounts[s->ndirty_accounts++] = a;
}

void bw_signals_attach(struct bw_signals *s, struct episode *ep)
{
  struct account *a = ep->account;
  uint32_t at = open_position(a, ep->pub.type_index, bw_key_str(ep->key));
  if (a->nopen == a->open_cap) {
    a->open_cap = a->open_cap ? a->open_cap * 2 : 2;
    a->open = bw_realloc(a->open, a->open_cap, sizeof *a->open);
  }
  memmove(&a->open[at + 1], &a->open[at], (a->nopen - at) * sizeof *a->open);
  a->open[at] = ep;
  a->nopen++;
  s->open = bw_signals_grow(s->open, s->nopen, &s->open_cap, sizeof *s->open);
  ep->slot = s->nopen;
  s->open[s->nopen++] = ep;
}

static void free_episode(struct episode *ep)
{
  free(ep->evidence);
  free(ep);
}

void bw_signals_end(struct bw_signals *s, struct episode *ep, int64_t at_ms, bool expired)
{
  struct account *a = ep->account;
  uint32_t at = open_position(a, ep->pub.type_index, bw_key_str(ep->key));
  BW_ASSERT(at < a->nopen && a->open[at] == ep);
  memmove(&a->open[at], &a->open[at + 1], (a->nopen - at - 1) * sizeof *a->open);
  a->nopen--;
  s->open[ep->slot] = NULL;
  s->holes++;
  if (ep->fresh) {
    s->fresh[ep->fresh - 1] = NULL;
    ep->fresh = 0;
  }
  ep->pub.cleared_at = at_ms;
  ep->pub.expired = expired;
  if (expired)
    s->stats.expired++;
  else
    s->stats.cleared++;
  bw_signals_mark_changed(s, a);
  if (s->events.on_signal)
    s->events.on_signal(s->events.ctx, &ep->pub, BW_CLEARED);
  if (s->store)
    bw_signals_mark_dirty(s, ep); /* freed after it is saved */
  else
    free_episode(ep);
}

void bw_signals_committed(struct bw_signals *s)
{
  size_t i;
  for (i = 0; i < s->ndirty; i++) {
    s->dirty[i]->dirty = false;
    if (s->dirty[i]->pub.cleared_at != BW_TIME_NONE)
      free_episode(s->dirty[i]);
  }
  s->ndirty = 0;
  for (i = 0; i < s->ndirty_accounts; i++) {
    s->dirty_accounts[i]->dirty = 0;
    s->dirty_accounts[i]->listed = false;
  }
  s->ndirty_accounts = 0;
  s->meta_dirty = false;
}

/* ---- opening and closing ---- */

static void list_persisting(struct bw_signals *s)
{
  const char *p = s->options.persist ? s->options.persist : "";
  s->persists = bw_calloc(bw_catalog_signals(s->catalog) + 1, sizeof *s->persists);
  while (*p) {
    size_t n = strcspn(p, ", ");
    int at = bw_catalog_find_signal(s->catalog, bw_str_n(p, n));
    if (at >= 0)
      s->persists[at] = true;
    p += n + (p[n] != '\0');
  }
}

void bw_signals_configure(struct bw_signals *s, const struct bw_signals_options *options)
{
  free(s->options.persist);
  free(s->persists);
  bw_signals_options_default(&s->options);
  if (options) {
    free(s->options.persist);
    s->options = *options;
    s->options.persist = bw_strdup(options->persist ? options->persist : "");
  }
  list_persisting(s);
}

int bw_signals_open(const struct bw_catalog *catalog, const struct bw_signals_options *options, struct bw_store *store,
                    const struct bw_signals_events *events, struct bw_signals **ret_signals, struct bw_error *err)
{
  struct bw_signals *s = bw_alloc(sizeof *s);
  int rc;
  s->catalog = catalog;
  s->store = store;
  if (events)
    s->events = *events;
  bw_signals_configure(s, options);
  s->seed = bw_hash_seed();
  s->mask = 63;
  s->slots = bw_calloc(s->mask + 1, sizeof *s->slots);
  s->keys = bw_map_new();
  s->names = bw_map_new();
  s->next_id = 1;
  s->last_day = INT32_MIN;
  if (store && (rc = bw_signals_load(s, err)) < 0) {
    bw_signals_close(&s);
    return rc;
  }
  *ret_signals = s;
  return 0;
}

void bw_signals_close(struct bw_signals **sp)
{
  struct bw_signals *s = *sp;
  size_t i, j;
  if (!s)
    return;
  for (i = 0; i < s->ndirty; i++)
    if (s->dirty[i]->pub.cleared_at != BW_TIME_NONE)
      free_episode(s->dirty[i]);
  for (i = 0; i < s->nopen; i++)
    if (s->open[i])
      free_episode(s->open[i]);
  for (i = 0; i < s->naccounts; i++) {
    struct account *a = s->accounts[i];
    for (j = 0; j < a->ntraits; j++)
      if (a->traits[j].is_text)
        free(a->traits[j].text);
    free(a->traits);
    free(a->open);
    free(a);
  }
  free(s->accounts);
  free(s->slots);
  free(s->open);
  free(s->fresh);
  free(s->dirty);
  free(s->dirty_accounts);
  free(s->changed);
  free(s->persists);
  free(s->options.persist);
  bw_map_free(&s->keys, free);
  bw_map_free(&s->names, NULL);
  free(s);
  *sp = NULL;
}

/* ---- questions ---- */

int bw_signals_each_open(const struct bw_signals *s, struct bw_str account, int (*fn)(void *ctx, const struct bw_episode *e),
                         void *ctx)
{
  const struct account *a = bw_signals_account(s, account);
  uint32_t i;
  for (i = 0; a && i < a->nopen; i++) {
    int rc = fn(ctx, &a->open[i]->pub);
    if (rc < 0)
      return rc;
  }
  return 0;
}

int bw_signals_each(const struct bw_signals *s, int (*fn)(void *ctx, const struct bw_episode *e), void *ctx)
{
  size_t i;
  for (i = 0; i < s->nopen; i++) {
    int rc = s->open[i] ? fn(ctx, &s->open[i]->pub) : 0;
    if (rc < 0)
      return rc;
  }
  return 0;
}

const struct bw_episode *bw_signals_find(const struct bw_signals *s, struct bw_str account, uint32_t type, struct bw_str key)
{
  const struct account *a = bw_signals_account(s, account);
  const struct episode *best = NULL;
  uint32_t i;
  for (i = 0; a && i < a->nopen; i++) {
    const struct episode *ep = a->open[i];
    if (ep->pub.type_index != type || ep->pub.held_until != BW_TIME_NONE || (key.len && !bw_str_eq(bw_key_str(ep->key), key)))
      continue;
    if (!best || ep->pub.strength > best->pub.strength)
      best = ep;
  }
  return best ? &best->pub : NULL;
}

double bw_signals_density(const struct bw_signals *s, struct bw_str account)
{
  const struct account *a = bw_signals_account(s, account);
  double sum = 0;
  uint32_t i;
  for (i = 0; a && i < a->nopen; i++)
    if (a->open[i]->pub.type->direction == BW_UP && a->open[i]->pub.held_until == BW_TIME_NONE)
      sum += a->open[i]->pub.strength;
  return sum;
}

size_t bw_signals_count_open(const struct bw_signals *s, struct bw_str account)
{
  const struct account *a = bw_signals_account(s, account);
  size_t n = 0;
  uint32_t i;
  for (i = 0; a && i < a->nopen; i++)
    n += a->open[i]->pub.held_until == BW_TIME_NONE;
  return n;
}

bool bw_signals_trait_at(const struct bw_signals *s, struct bw_str account, uint32_t type, struct bw_str key,
                         struct bw_trait_value *ret_value)
{
  const struct account *a = bw_signals_account(s, account);
  uint32_t at = a ? trait_position(a, type, key) : 0;
  if (!a || at >= a->ntraits || compare(a->traits[at].type, bw_key_str(a->traits[at].key), type, key) != 0)
    return false;
  view(s, a, &a->traits[at], ret_value);
  return true;
}

bool bw_signals_trait(const struct bw_signals *s, struct bw_str account, const char *name, struct bw_str key,
                      struct bw_trait_value *ret_value)
{
  int type = bw_catalog_find_trait(s->catalog, bw_str(name));
  return type >= 0 && bw_signals_trait_at(s, account, (uint32_t)type, key, ret_value);
}

int bw_signals_each_trait(const struct bw_signals *s, struct bw_str account,
                          int (*fn)(void *ctx, const struct bw_trait_value *t), void *ctx)
{
  const struct account *a = bw_signals_account(s, account);
  struct bw_trait_value v;
  uint32_t i;
  for (i = 0; a && i < a->ntraits; i++) {
    int rc;
    view(s, a, &a->traits[i], &v);
    if ((rc = fn(ctx, &v)) < 0)
      return rc;
  }
  return 0;
}

void bw_signals_take_changed(struct bw_signals *s, void (*fn)(void *ctx, struct bw_str account), void *ctx)
{
  size_t i, n = s->nchanged;
  for (i = 0; i < n; i++)
    s->changed[i]->changed = false;
  s->nchanged = 0; /* fn may not change signals, but what it does change elsewhere is none of ours */
  for (i = 0; fn && i < n; i++)
    fn(ctx, bw_account_str(s->changed[i]));
}

static int by_name(const void *a, const void *b)
{
  return bw_str_cmp(bw_account_str(*(struct account *const *)a), bw_account_str(*(struct account *const *)b));
}

void bw_signals_each_account(const struct bw_signals *s, void (*fn)(void *ctx, struct bw_str account), void *ctx)
{
  struct account **list = bw_calloc(s->naccounts + 1, sizeof *list);
  size_t i, n = 0;
  for (i = 0; i < s->naccounts; i++)
    if (s->accounts[i]->nopen)
      list[n++] = s->accounts[i];
  qsort(list, n, sizeof *list, by_name);
  for (i = 0; i < n; i++)
    fn(ctx, bw_account_str(list[i]));
  free(list);
}

static int count_held(void *ctx, const struct bw_episode *e)
{
  *(uint64_t *)ctx += e->held_until != BW_TIME_NONE;
  return 0;
}

void bw_signals_stats(const struct bw_signals *s, struct bw_signals_stats *ret_stats)
{
  struct bw_signals_stats stats = s->stats;
  stats.accounts = s->naccounts;
  stats.open = s->nopen - s->holes;
  stats.held = 0;
  bw_signals_each(s, count_held, &stats.held);
  *ret_stats = stats;
}
