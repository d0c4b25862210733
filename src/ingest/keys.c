/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys are learned as they come: the second time that "traits.seats" is met, its place in the record and its dotted name are
 * known.  Runs in every process that parses; no privileges.
 */
#include <string.h>

#include "base/hash.h"
#include "ingest/mask.h"
#include "ingest/parser.h"

static const struct {
  const char *name;
  unsigned slot;
  uint32_t section;
} top_keys[] = {
    {"type", BW_SLOT_TYPE, 0},
    {"messageId", BW_SLOT_MESSAGE_ID, 0},
    {"timestamp", BW_SLOT_TIMESTAMP, 0},
    {"originalTimestamp", BW_SLOT_ORIGINAL_TIMESTAMP, 0},
    {"sentAt", BW_SLOT_SENT_AT, 0},
    {"receivedAt", BW_SLOT_RECEIVED_AT, 0},
    {"writeKey", BW_SLOT_WRITE_KEY, 0},
    {"event", BW_SLOT_EVENT, 0},
    {"name", BW_SLOT_NAME, 0},
    {"userId", BW_SLOT_USER_ID, 0},
    {"anonymousId", BW_SLOT_ANONYMOUS_ID, 0},
    {"groupId", BW_SLOT_GROUP_ID, 0},
    {"accountId", BW_SLOT_ACCOUNT_ID, 0},
    {"previousId", BW_SLOT_PREVIOUS_ID, 0},
    {"contactId", BW_SLOT_CONTACT_ID, 0},
    {"planId", BW_SLOT_PLAN_ID, 0},
    {"subscriptionId", BW_SLOT_SUBSCRIPTION_ID, 0},
    {"opportunityId", BW_SLOT_OPPORTUNITY_ID, 0},
    {"ticketId", BW_SLOT_TICKET_ID, 0},
    {"properties", BW_SLOT_SECTION, BW_SECTION_PROPERTIES},
    {"traits", BW_SLOT_SECTION, BW_SECTION_TRAITS},
    {"context", BW_SLOT_SECTION, BW_SECTION_CONTEXT},
};

const char *bw_slot_name(unsigned slot)
{
  size_t i;
  if (slot == BW_SLOT_CONTEXT_GROUP_ID)
    return "groupId";
  for (i = 0; i < sizeof top_keys / sizeof *top_keys; i++)
    if (top_keys[i].slot == slot)
      return top_keys[i].name;
  return "";
}

struct bw_names *bw_names_hold(struct bw_names *n)
{
  (void)__atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED);
  return n;
}

void bw_names_drop(struct bw_names **names)
{
  struct bw_names *n = *names;
  if (n && __atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) == 0) {
    bw_arena_clear(&n->bytes);
    free(n);
  }
  *names = NULL;
}

static struct bw_key *key_alloc(struct bw_keys *k)
{
  /* The arena does not align; keys are taken in multiples of 16 bytes from blocks that hold nothing else. */
  struct bw_key *key = (struct bw_key *)(void *)bw_arena_take(&k->memory, (sizeof *key + 15) & ~(size_t)15);
  memset(key, 0, sizeof *key);
  return key;
}

void bw_keys_init(struct bw_keys *k, uint64_t seed)
{
  size_t i;
  memset(k, 0, sizeof *k);
  k->names = bw_alloc(sizeof *k->names);
  k->names->refs = 1;
  k->root = key_alloc(k);
  k->root->hash = seed; /* a sender cannot choose keys that share a bucket */
  for (i = 0; i < sizeof top_keys / sizeof *top_keys; i++) {
    struct bw_key *key = bw_keys_get(k, k->root, bw_str(top_keys[i].name));
    if (top_keys[i].slot == BW_SLOT_SECTION)
      k->sections[top_keys[i].section] = key;
  }
}

void bw_keys_clear(struct bw_keys *k)
{
  bw_names_drop(&k->names);
  bw_arena_clear(&k->memory);
}

/* Which place a value under this key has. */
static void key_place(const struct bw_keys *k, struct bw_key *key)
{
  size_t i;
  key->slot = BW_SLOT_NONE;
  key->section = key->parent->section;
  if (key->parent == k->sections[BW_SECTION_CONTEXT] && bw_str_is(key->own, "groupId"))
    key->slot = BW_SLOT_CONTEXT_GROUP_ID;
  if (bw_is_write_key(key->own) && !(key->parent == k->root && bw_str_is(key->own, "writeKey")))
    key->slot = BW_SLOT_INNER_WRITE_KEY;
  if (key->parent != k->root)
    return;
  for (i = 0; i < sizeof top_keys / sizeof *top_keys; i++)
    if (bw_str_is(key->own, top_keys[i].name)) {
      key->slot = (uint8_t)top_keys[i].slot;
      key->section = (uint8_t)top_keys[i].section;
    }
}

/* Children of the root and of sections are named by their own part alone. */
static bool key_name(struct bw_keys *k, struct bw_key *key, struct bw_str own)
{
  const struct bw_key *parent = key->parent;
  bool nested = parent != k->root && parent->slot != BW_SLOT_SECTION;
  size_t prefix = nested ? (size_t)parent->name.len + 1 : 0;
  char *p;
  if (prefix + own.len > BW_FIELD_KEY_MAX)
    return false;
  p = bw_arena_take(&k->names->bytes, prefix + own.len);
  if (nested) {
    memcpy(p, parent->name.data, parent->name.len);
    p[prefix - 1] = '.';
  }
  if (own.len)
    memcpy(p + prefix, own.data, own.len);
  key->name = (struct bw_str){p, prefix + own.len};
  key->own = (struct bw_str){p + prefix, own.len};
  key->dotted = own.len > 0 && memchr(own.data, '.', own.len) != NULL;
  return true;
}

struct bw_key *bw_keys_get(struct bw_keys *k, struct bw_key *parent, struct bw_str own)
{
  uint64_t hash = bw_hash(own.data, own.len, parent->hash + 1);
  struct bw_key **bucket = &k->buckets[hash % BW_KEYS_BUCKETS], *key;
  for (key = *bucket; key; key = key->chain)
    if (key->hash == hash && key->parent == parent && bw_str_eq(key->own, own))
      return key;
  if (own.len > BW_FIELD_KEY_MAX)
    return NULL;
  key = key_alloc(k);
  key->parent = parent;
  key->hash = hash;
  if (!key_name(k, key, own))
    return NULL;
  key_place(k, key);
  key->chain = *bucket;
  *bucket = key;
  k->count++;
  return key;
}
