/* SPDX-License-Identifier: Apache-2.0 */
/* Three tables (accounts' names, users, domains), and the changes since the last commit.  Runs in core and the command line; no
 * privileges. */
#include "ingest/identity_tables.h"

#include <stdlib.h>

#include "base/hash.h"

static void table_grow(struct bw_id_table *t)
{
  uint32_t slots = t->index ? (t->mask + 1) * 2 : 1024, i, s;
  struct bw_id_slot *fresh = bw_large_alloc(slots * sizeof *fresh);
  memset(fresh, 0xFF, slots * sizeof *fresh);
  for (i = 0; t->index && i <= t->mask; i++) {
    if (t->index[i].entry == BW_NO_ENTRY)
      continue;
    for (s = t->index[i].hash & (slots - 1); fresh[s].entry != BW_NO_ENTRY; s = (s + 1) & (slots - 1))
      ;
    fresh[s] = t->index[i];
  }
  free(t->index);
  t->index = fresh;
  t->mask = slots - 1;
}

static void entries_grow(struct bw_id_table *t)
{
  struct bw_id_entry *old = t->entries;
  t->cap = t->cap ? t->cap * 2 : 256;
  t->entries = bw_large_alloc(t->cap * sizeof *t->entries);
  if (old)
    memcpy(t->entries, old, t->count * sizeof *old);
  free(old);
}

/* The slot of a key, or the free one where it would be; NULL where there is no index yet. */
static struct bw_id_slot *table_slot(const struct bw_id_table *t, struct bw_str key, uint32_t hash)
{
  uint32_t s;
  if (!t->index)
    return NULL;
  for (s = hash & t->mask; t->index[s].entry != BW_NO_ENTRY; s = (s + 1) & t->mask)
    if (t->index[s].hash == hash && bw_str_eq(t->entries[t->index[s].entry].key, key))
      break;
  return &t->index[s];
}

static uint32_t key_hash(const struct bw_identity *id, struct bw_str key)
{
  return (uint32_t)bw_hash_str(key, id->seed);
}

/* One step further down the chain of pointers each time, so that no step waits for memory: the slot, the entry, its text. */
void bw_identity_ahead(const struct bw_identity *id, const struct bw_record *r, enum bw_identity_step step)
{
  const struct bw_id_table *t = &id->users;
  const struct bw_id_slot *slot;
  if (!t->index)
    return;
  slot = &t->index[(uint32_t)r->subject_hash & t->mask];
  if (step == BW_IDENTITY_SLOT)
    __builtin_prefetch(slot);
  else if (slot->entry == BW_NO_ENTRY)
    return;
  else if (step == BW_IDENTITY_ENTRY)
    __builtin_prefetch(&t->entries[slot->entry], 1);
  else
    __builtin_prefetch(t->entries[slot->entry].key.data);
}

uint32_t bw_identity_lookup(const struct bw_identity *id, const struct bw_id_table *t, struct bw_str key)
{
  const struct bw_id_slot *slot = table_slot(t, key, key_hash(id, key));
  return slot ? slot->entry : BW_NO_ENTRY;
}

/* Found or made; BW_NO_ENTRY where there may be no more. */
uint32_t bw_identity_intern(struct bw_identity *id, struct bw_id_table *t, struct bw_str key)
{
  uint32_t hash = key_hash(id, key);
  struct bw_id_slot *slot = table_slot(t, key, hash);
  if (slot && slot->entry != BW_NO_ENTRY)
    return slot->entry;
  if (t->count >= id->max_entries) {
    id->stats.not_learned++;
    return BW_NO_ENTRY;
  }
  if (!t->index || t->count >= t->mask / 2) {
    table_grow(t);
    slot = table_slot(t, key, hash);
  }
  if (t->count == t->cap)
    entries_grow(t);
  t->entries[t->count] =
      (struct bw_id_entry){.key = bw_arena_keep(&id->memory, key), .account = BW_NO_ENTRY, .alias = BW_NO_ENTRY};
  *slot = (struct bw_id_slot){hash, t->count};
  return t->count++;
}

void bw_table_clear(struct bw_id_table *t)
{
  free(t->entries);
  free(t->index);
}

uint32_t bw_identity_intern_account(struct bw_identity *id, struct bw_str key)
{
  uint32_t at = bw_identity_intern(id, &id->accounts, key);
  if (at != BW_NO_ENTRY && !id->accounts.entries[at].hash)
    id->accounts.entries[at].hash = bw_hash_str(key, id->seed);
  return at;
}

struct bw_id_table *bw_identity_table(struct bw_identity *id, uint32_t which)
{
  return which == BW_DOMAINS ? &id->domains : &id->users;
}

static void add_change(struct bw_identity *id, struct bw_id_change change)
{
  if (!id->store)
    return;
  if (id->nchanges == id->changes_cap) {
    id->changes_cap = id->changes_cap ? id->changes_cap * 2 : 256;
    id->changes = bw_realloc(id->changes, id->changes_cap, sizeof *id->changes);
  }
  id->changes[id->nchanges++] = change;
}

void bw_identity_remember(struct bw_identity *id, uint32_t which, uint32_t at)
{
  const struct bw_id_entry *e = &bw_identity_table(id, which)->entries[at];
  add_change(id, (struct bw_id_change){which, at, e->account, e->alias, e->source});
}

void bw_identity_add_owner(struct bw_identity *id, uint32_t user, uint32_t account)
{
  struct bw_id_entry *e = &id->users.entries[user];
  uint32_t i;
  if (!e->owners)
    e->owners = bw_alloc(sizeof *e->owners);
  for (i = 0; i < e->owners->n; i++)
    if (e->owners->accounts[i] == account)
      return;
  if (e->owners->n == BW_IDENTITY_SHARED)
    return;
  e->owners->accounts[e->owners->n++] = account;
  add_change(id, (struct bw_id_change){.table = BW_OWNERS, .entry = user, .old_account = account});
}

void bw_identity_share(struct bw_identity *id, uint32_t user, uint32_t had, uint32_t account)
{
  bw_identity_add_owner(id, user, had);
  bw_identity_add_owner(id, user, account);
}

bool bw_identity_shared(const struct bw_identity *id, struct bw_str subject)
{
  uint32_t at = bw_identity_lookup(id, &id->users, subject);
  return at != BW_NO_ENTRY && bw_identity_entry_shared(&id->users.entries[at]);
}

void bw_identity_set_account(struct bw_identity *id, uint32_t which, uint32_t at, uint32_t account, uint64_t source)
{
  struct bw_id_entry *e = &bw_identity_table(id, which)->entries[at];
  if (e->account == account)
    return;
  bw_identity_remember(id, which, at);
  e->account = account;
  e->source = source;
}

void bw_identity_committed(struct bw_identity *id)
{
  if (id->nsaved < id->nchanges)
    memmove(id->changes, id->changes + id->nsaved, (id->nchanges - id->nsaved) * sizeof *id->changes);
  id->nchanges -= id->nsaved;
  id->nsaved = 0;
}

void bw_identity_rolled_back(struct bw_identity *id)
{
  while (id->nchanges > 0) {
    const struct bw_id_change *c = &id->changes[--id->nchanges];
    struct bw_id_entry *e = &bw_identity_table(id, c->table)->entries[c->entry];
    if (c->table == BW_OWNERS) {
      e->owners->n--;
      continue;
    }
    e->account = c->old_account;
    e->alias = c->old_alias;
    e->source = c->old_source;
  }
  id->nsaved = 0;
}
