/* SPDX-License-Identifier: Apache-2.0 */
/* Three tables (accounts' names, users, domains), and the changes since the last commit.  Runs in core and the command line; no
 * privileges. */
#include "ingest/identity_tables.h"

#include <stdlib.h>

#include "base/hash.h"

static void table_index(struct bw_id_table *t, uint64_t seed)
{
  uint32_t slots = t->mask ? (t->mask + 1) * 2 : 1024, i;
  free(t->index);
  t->index = bw_realloc(NULL, slots, sizeof *t->index);
  t->mask = slots - 1;
  memset(t->index, 0xFF, slots * sizeof *t->index);
  for (i = 0; i < t->count; i++) {
    uint32_t s = (uint32_t)bw_hash_str(t->entries[i].key, seed) & t->mask;
    while (t->index[s] != BW_NO_ENTRY)
      s = (s + 1) & t->mask;
    t->index[s] = i;
  }
}

static uint32_t table_find(const struct bw_id_table *t, struct bw_str key, uint64_t seed, uint32_t *ret_slot)
{
  uint32_t s;
  *ret_slot = BW_NO_ENTRY;
  if (!t->index)
    return BW_NO_ENTRY;
  for (s = (uint32_t)bw_hash_str(key, seed) & t->mask; t->index[s] != BW_NO_ENTRY; s = (s + 1) & t->mask)
    if (bw_str_eq(t->entries[t->index[s]].key, key))
      return t->index[s];
  *ret_slot = s;
  return BW_NO_ENTRY;
}

/* A look at the index and, where it is in the cache by now, at the entry: by the time it is wanted it is there. */
void bw_identity_ahead(const struct bw_identity *id, const struct bw_record *r)
{
  const struct bw_id_table *t = &id->users;
  uint32_t slot, at;
  if (!t->index || (r->kind != BW_KIND_IDENTIFY && r->kind != BW_KIND_GROUP))
    return;
  slot = (uint32_t)bw_hash_str(r->subject, id->seed) & t->mask;
  at = t->index[slot];
  if (at != BW_NO_ENTRY)
    __builtin_prefetch(&t->entries[at]);
}

uint32_t bw_identity_lookup(const struct bw_identity *id, const struct bw_id_table *t, struct bw_str key)
{
  uint32_t slot;
  return table_find(t, key, id->seed, &slot);
}

/* Found or made; BW_NO_ENTRY where there may be no more. */
uint32_t bw_identity_intern(struct bw_identity *id, struct bw_id_table *t, struct bw_str key)
{
  uint32_t slot, at = table_find(t, key, id->seed, &slot);
  struct bw_id_entry *e;
  if (at != BW_NO_ENTRY)
    return at;
  if (t->count >= id->max_entries) {
    id->stats.not_learned++;
    return BW_NO_ENTRY;
  }
  if (!t->index || t->count >= t->mask / 2) {
    table_index(t, id->seed);
    (void)table_find(t, key, id->seed, &slot);
  }
  if (t->count == t->cap) {
    t->cap = t->cap ? t->cap * 2 : 256;
    t->entries = bw_realloc(t->entries, t->cap, sizeof *t->entries);
  }
  e = &t->entries[t->count];
  *e = (struct bw_id_entry){.key = bw_arena_keep(&id->memory, key), .account = BW_NO_ENTRY, .alias = BW_NO_ENTRY};
  t->index[slot] = t->count;
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
  return which == BW_USERS ? &id->users : &id->domains;
}

void bw_identity_remember(struct bw_identity *id, uint32_t which, uint32_t at)
{
  const struct bw_id_entry *e = &bw_identity_table(id, which)->entries[at];
  if (!id->store)
    return;
  if (id->nchanges == id->changes_cap) {
    id->changes_cap = id->changes_cap ? id->changes_cap * 2 : 256;
    id->changes = bw_realloc(id->changes, id->changes_cap, sizeof *id->changes);
  }
  id->changes[id->nchanges++] = (struct bw_id_change){which, at, e->account, e->alias, e->source};
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
    e->account = c->old_account;
    e->alias = c->old_alias;
    e->source = c->old_source;
  }
  id->nsaved = 0;
}
