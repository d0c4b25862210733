/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users by name and account.  A name that few accounts have is one person, who may move; all who have it stand in the index
 * under the name's hash.  Where each account numbers its users for itself, "1" is somebody else in each of them: those beyond
 * the first few stand under a hash of name and account, and cost no more to find.  Runs in a watcher host; no privileges
 * needed.
 */
#include "usage.h"

static uint32_t own_hash(uint32_t name_hash, uint32_t account)
{
  return name_hash ^ (account + 1) * 0x9e3779b1u; /* Fibonacci hashing */
}

/* The next after slot i (BW_NONE: the first) under this hash with this name; ret_slot is where to go on. */
static uint32_t next_of(const struct usage *u, uint32_t hash, struct bw_str name, uint32_t *slot)
{
  const struct bw_index *ix = &u->users.index;
  uint32_t i;
  if (!ix->slots)
    return BW_NONE;
  for (i = *slot == BW_NONE ? hash & ix->mask : (*slot + 1) & ix->mask; ix->slots[i].ref; i = (i + 1) & ix->mask)
    if (ix->slots[i].hash == hash && bw_key_eq(bw_keyed_at(&u->users, ix->slots[i].ref - 1), name)) {
      *slot = i;
      return ix->slots[i].ref - 1;
    }
  return BW_NONE;
}

uint32_t user_namesakes(const struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t *ret_users)
{
  uint32_t slot = BW_NONE, n = 0, i;
  while (n < NAMESAKES && (i = next_of(u, name_hash, name, &slot)) != BW_NONE)
    ret_users[n++] = i;
  return n;
}

static uint32_t account_of(const struct usage *u, uint32_t user)
{
  return ((const struct user *)bw_keyed_at(&u->users, user))->account;
}

/* ret_hash is what the user stands under, or would. */
static uint32_t find(const struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t account, uint32_t *ret_hash)
{
  uint32_t slot = BW_NONE, others = 0, i;
  *ret_hash = name_hash;
  while (others < NAMESAKES && (i = next_of(u, name_hash, name, &slot)) != BW_NONE) {
    if (account_of(u, i) == account)
      return i;
    others++;
  }
  if (others < NAMESAKES)
    return BW_NONE;
  *ret_hash = own_hash(name_hash, account);
  slot = BW_NONE;
  while ((i = next_of(u, *ret_hash, name, &slot)) != BW_NONE && account_of(u, i) != account)
    ;
  return i;
}

uint32_t user_find(const struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t account)
{
  uint32_t hash;
  return find(u, name_hash, name, account, &hash);
}

uint32_t user_get(struct usage *u, uint32_t name_hash, struct bw_str name, uint32_t account)
{
  uint32_t hash, i = find(u, name_hash, name, account, &hash);
  if (i != BW_NONE)
    return i;
  i = bw_keyed_add(&u->users, hash, name);
  if (i == BW_NONE)
    u->full_users++;
  else
    ((struct user *)bw_keyed_at(&u->users, i))->account = account;
  return i;
}

void users_index(struct usage *u)
{
  uint32_t i, n = bw_keyed_count(&u->users), hash;
  bw_index_clear(&u->users.index);
  for (i = 0; i < n; i++) {
    struct bw_str name = bw_key_str(bw_keyed_at(&u->users, i));
    (void)find(u, bw_hash_fold(bw_hash_str(name, u->seed)), name, account_of(u, i), &hash);
    bw_index_put(&u->users.index, hash, i);
  }
}
