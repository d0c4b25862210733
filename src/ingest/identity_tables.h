/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of identity, in memory; of no interest outside of this room. */
#ifndef BW_INGEST_IDENTITY_TABLES_H
#define BW_INGEST_IDENTITY_TABLES_H

#include "ingest/arena.h"
#include "ingest/identity.h"

#define BW_NO_ENTRY UINT32_MAX
#define BW_IMPLICIT "domain:"

/* An account lists domains; some of these may have gone to another one since. */
struct bw_id_listed {
  uint32_t domain;
  struct bw_id_listed *next;
};

/* The accounts that one user id was said to belong to. */
struct bw_id_owners {
  uint32_t n, accounts[BW_IDENTITY_SHARED];
};

struct bw_id_entry {
  struct bw_str key;
  uint64_t source;
  uint32_t account; /* users, domains: BW_NO_ENTRY where not known (any more); accounts named by a domain: by_domain() */
  uint32_t alias;   /* users: the id that this one became */
  uint64_t hash;    /* accounts: under the host's seed */
  union {
    struct bw_id_listed *listed; /* accounts */
    struct bw_id_owners *owners; /* users; NULL: never more than one */
  };
};

struct bw_id_slot {
  uint32_t hash;
  uint32_t entry; /* BW_NO_ENTRY: free */
};
struct bw_id_table {
  struct bw_id_entry *entries;
  uint32_t count, cap;
  struct bw_id_slot *index;
  uint32_t mask; /* slots - 1 */
};

enum { BW_USERS, BW_DOMAINS, BW_OWNERS /* of users: a change here is old_account added */ };

struct bw_id_change {
  uint32_t table, entry, old_account, old_alias;
  uint64_t old_source;
};

struct bw_identity {
  struct bw_store *store;
  uint64_t seed;
  size_t max_entries;
  struct bw_arena memory;
  struct bw_id_table accounts, users, domains;
  struct bw_id_table free_mail; /* configured */
  char **traits;
  size_t ntraits;
  struct bw_id_change *changes;
  size_t nchanges, changes_cap, nsaved;
  struct bw_identity_stats stats;
};

/* The entry of a key, or BW_NO_ENTRY. */
uint32_t bw_identity_lookup(const struct bw_identity *id, const struct bw_id_table *t, struct bw_str key);
/* Found or made; BW_NO_ENTRY where there may be no more (counted). */
uint32_t bw_identity_intern(struct bw_identity *id, struct bw_id_table *t, struct bw_str key);
uint32_t bw_identity_intern_account(struct bw_identity *id, struct bw_str key);
struct bw_id_table *bw_identity_table(struct bw_identity *id, uint32_t which);
void bw_table_clear(struct bw_id_table *t);
/* Before an entry of users or domains is changed: so that it can be saved, or taken back. */
void bw_identity_remember(struct bw_identity *id, uint32_t which, uint32_t at);
void bw_identity_set_account(struct bw_identity *id, uint32_t which, uint32_t at, uint32_t account, uint64_t source);
/* A user that was said to belong to `had` is said to belong to `account` as well. */
void bw_identity_share(struct bw_identity *id, uint32_t user, uint32_t had, uint32_t account);
void bw_identity_add_owner(struct bw_identity *id, uint32_t user, uint32_t account);
static inline bool bw_identity_entry_shared(const struct bw_id_entry *user)
{
  return user->owners && user->owners->n == BW_IDENTITY_SHARED;
}
/* The account lists this domain. */
void bw_identity_learn_domain(struct bw_identity *id, const char *domain, uint32_t account, uint64_t source);
/* The account record's "domains" (or "domain"): the whole list. */
void bw_identity_learn_domains(struct bw_identity *id, const struct bw_record *r);

#endif
