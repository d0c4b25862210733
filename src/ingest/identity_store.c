/* SPDX-License-Identifier: Apache-2.0 */
/* Identity in the store: what was learned is loaded at the start, and written with the transaction that taught it.  Runs in
 * core; no privileges. */
#include <stdlib.h>

#include "ingest/identity_tables.h"
#include "ingest/segment.h"

#define MAX_ENTRIES 20000000

static const char *const schema_steps[] = {"CREATE TABLE identity_user(subject TEXT PRIMARY KEY NOT NULL, account TEXT, alias "
                                           "TEXT, source INTEGER NOT NULL) WITHOUT ROWID;"
                                           "CREATE TABLE identity_domain(domain TEXT PRIMARY KEY NOT NULL, account TEXT NOT "
                                           "NULL, source INTEGER NOT NULL) WITHOUT ROWID;",
                                           "CREATE TABLE identity_owner(subject TEXT NOT NULL, account TEXT NOT NULL, "
                                           "PRIMARY KEY (subject, account)) WITHOUT ROWID;"};
const struct bw_schema bw_identity_schema = {"identity", schema_steps, sizeof schema_steps / sizeof *schema_steps};

static int load_users(struct bw_identity *id, struct bw_error *err)
{
  struct bw_stmt *q;
  uint32_t at, account, alias;
  int rc = bw_store_prepare(id->store, "SELECT subject, account, alias, source FROM identity_user", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    at = bw_identity_intern(id, &id->users, bw_stmt_col_str(q, 0));
    account = bw_stmt_col_null(q, 1) ? BW_NO_ENTRY : bw_identity_intern_account(id, bw_stmt_col_str(q, 1));
    alias = bw_stmt_col_null(q, 2) ? BW_NO_ENTRY : bw_identity_intern(id, &id->users, bw_stmt_col_str(q, 2));
    if (at == BW_NO_ENTRY)
      continue;
    id->users.entries[at].account = account;
    id->users.entries[at].alias = alias;
    id->users.entries[at].source = (uint64_t)bw_stmt_col_int(q, 3);
  }
  return rc;
}

static int load_owners(struct bw_identity *id, struct bw_error *err)
{
  struct bw_stmt *q;
  uint32_t user, account;
  int rc = bw_store_prepare(id->store, "SELECT subject, account FROM identity_owner", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    user = bw_identity_intern(id, &id->users, bw_stmt_col_str(q, 0));
    account = bw_identity_intern_account(id, bw_stmt_col_str(q, 1));
    if (user != BW_NO_ENTRY && account != BW_NO_ENTRY)
      bw_identity_add_owner(id, user, account);
  }
  return rc;
}

static int load_domains(struct bw_identity *id, struct bw_error *err)
{
  struct bw_stmt *q;
  uint32_t account;
  char domain[256];
  int rc = bw_store_prepare(id->store, "SELECT domain, account, source FROM identity_domain", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    struct bw_str text = bw_stmt_col_str(q, 0);
    if (text.len > 255)
      continue;
    memcpy(domain, text.data, text.len);
    domain[text.len] = '\0';
    account = bw_identity_intern_account(id, bw_stmt_col_str(q, 1));
    if (account != BW_NO_ENTRY)
      bw_identity_learn_domain(id, domain, account, (uint64_t)bw_stmt_col_int(q, 2));
  }
  return rc;
}

static int save_owner(struct bw_identity *id, const struct bw_id_change *c, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(id->store, "INSERT OR IGNORE INTO identity_owner(subject, account) VALUES (?1, ?2)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, id->users.entries[c->entry].key);
  bw_stmt_text(q, 2, id->accounts.entries[c->old_account].key);
  return bw_stmt_run(q, err);
}

static int save_entry(struct bw_identity *id, const struct bw_id_change *c, struct bw_error *err)
{
  static const char *const put[] = {
      "INSERT OR REPLACE INTO identity_user(subject, account, alias, source) VALUES (?1, ?2, ?4, ?3)",
      "INSERT OR REPLACE INTO identity_domain(domain, account, source) VALUES (?1, ?2, ?3)"};
  const struct bw_id_entry *e = &bw_identity_table(id, c->table)->entries[c->entry];
  bool gone = c->table == BW_DOMAINS && e->account == BW_NO_ENTRY;
  struct bw_stmt *q;
  int rc = bw_store_prepare(id->store, gone ? "DELETE FROM identity_domain WHERE domain = ?1" : put[c->table], &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, e->key);
  if (!gone) {
    if (e->account == BW_NO_ENTRY)
      bw_stmt_null(q, 2);
    else
      bw_stmt_text(q, 2, id->accounts.entries[e->account].key);
    bw_stmt_int(q, 3, (int64_t)e->source);
    if (c->table == BW_USERS && e->alias == BW_NO_ENTRY)
      bw_stmt_null(q, 4);
    else if (c->table == BW_USERS)
      bw_stmt_text(q, 4, id->users.entries[e->alias].key);
  }
  return bw_stmt_run(q, err);
}

static int save_one(struct bw_identity *id, const struct bw_id_change *c, struct bw_error *err)
{
  return c->table == BW_OWNERS ? save_owner(id, c, err) : save_entry(id, c, err);
}

int bw_identity_save(struct bw_identity *id, struct bw_error *err)
{
  int rc = BW_OK;
  if (!id->store)
    return BW_OK;
  for (; id->nsaved < id->nchanges && rc >= 0; id->nsaved++)
    rc = save_one(id, &id->changes[id->nsaved], err);
  return rc < 0 ? rc : BW_OK;
}

/* ---- opening ---- */

static void read_options(struct bw_identity *id, const struct bw_identity_options *o)
{
  static const char *const usual[] = {"company", "groupId", "accountId"};
  const char *const *traits = o->naccount_traits ? o->account_traits : usual;
  char domain[256];
  size_t i;
  id->seed = o->seed;
  id->max_entries = o->max_entries ? o->max_entries : MAX_ENTRIES;
  if (id->max_entries > UINT32_MAX / 4)
    id->max_entries = UINT32_MAX / 4;
  id->ntraits = o->naccount_traits ? o->naccount_traits : 3;
  id->traits = bw_calloc(id->ntraits, sizeof *id->traits);
  for (i = 0; i < id->ntraits; i++)
    id->traits[i] = bw_strdup(traits[i]);
  for (i = 0; i < o->nfree_mail; i++)
    if (bw_registrable_domain(bw_str(o->free_mail[i]), domain) == 0)
      (void)bw_identity_intern(id, &id->free_mail, bw_str(domain));
}

int bw_identity_open(struct bw_store *store, const struct bw_identity_options *options, struct bw_identity **ret_identity,
                     struct bw_error *err)
{
  struct bw_identity *id = bw_alloc(sizeof *id);
  int rc = BW_OK;
  read_options(id, options);
  id->store = store;
  if (store)
    rc = load_users(id, err);
  if (store && rc >= 0)
    rc = load_owners(id, err);
  if (store && rc >= 0)
    rc = load_domains(id, err);
  if (rc < 0) {
    bw_identity_close(&id);
    return rc;
  }
  id->nchanges = 0; /* what was loaded is saved already */
  *ret_identity = id;
  return BW_OK;
}

void bw_identity_close(struct bw_identity **identity)
{
  struct bw_identity *id = *identity;
  struct bw_id_listed *node, *next;
  uint32_t i;
  if (!id)
    return;
  for (i = 0; i < id->accounts.count; i++)
    for (node = id->accounts.entries[i].listed; node; node = next) {
      next = node->next;
      free(node);
    }
  for (i = 0; i < id->users.count; i++)
    free(id->users.entries[i].owners);
  for (i = 0; i < id->ntraits; i++)
    free(id->traits[i]);
  free(id->traits);
  bw_table_clear(&id->accounts);
  bw_table_clear(&id->users);
  bw_table_clear(&id->domains);
  bw_table_clear(&id->free_mail);
  free(id->changes);
  bw_arena_clear(&id->memory);
  free(id);
  *identity = NULL;
}

void bw_identity_stats(const struct bw_identity *id, struct bw_identity_stats *ret_stats)
{
  *ret_stats = id->stats;
  ret_stats->users = id->users.count;
  ret_stats->domains = id->domains.count;
}
