/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to which account, as learned from the records themselves.  Three tables in memory (accounts' names, users,
 * domains); what changed since the last commit is remembered, to be saved or taken back.  Runs in core and in the command line;
 * no privileges.
 */
#include "ingest/identity.h"

#include <stdlib.h>

#include "base/hash.h"
#include "ingest/arena.h"
#include "ingest/json.h"
#include "ingest/segment.h"

#define NONE UINT32_MAX
#define MAX_ENTRIES 20000000
#define MAX_LISTED 256 /* domains that one account may list */
#define MAX_ALIASES 4  /* hops from an old id to the present one */
#define KIND(k) BW_KIND_BIT(BW_KIND_##k)
#define IMPLICIT "domain:"

static const char *const schema_steps[] = {"CREATE TABLE identity_user(subject TEXT PRIMARY KEY NOT NULL, account TEXT, alias "
                                           "TEXT, source INTEGER NOT NULL) WITHOUT ROWID;"
                                           "CREATE TABLE identity_domain(domain TEXT PRIMARY KEY NOT NULL, account TEXT NOT "
                                           "NULL, source INTEGER NOT NULL) WITHOUT ROWID;"};
const struct bw_schema bw_identity_schema = {"identity", schema_steps, sizeof schema_steps / sizeof *schema_steps};

/* An account lists domains; some of these may have gone to another one since. */
struct listed {
  uint32_t domain;
  struct listed *next;
};

struct entry {
  struct bw_str key;
  uint64_t source;
  uint32_t account; /* users, domains: NONE where not known (any more) */
  uint32_t alias;   /* users: the id that this one became */
  uint64_t hash;    /* accounts: under the host's seed */
  struct listed *listed;
};

struct table {
  struct entry *entries;
  uint32_t count, cap;
  uint32_t *index;
  uint32_t mask; /* slots - 1 */
};

enum { USERS, DOMAINS };

struct change {
  uint32_t table, entry, old_account, old_alias;
  uint64_t old_source;
};

struct bw_identity {
  struct bw_store *store;
  uint64_t seed;
  size_t max_entries;
  struct bw_arena memory;
  struct table accounts, users, domains;
  struct table free_mail; /* configured */
  char **traits;
  size_t ntraits;
  struct change *changes;
  size_t nchanges, changes_cap, nsaved;
  struct bw_identity_stats stats;
};

/* ---- tables ---- */

static void table_index(struct table *t, uint64_t seed)
{
  uint32_t slots = t->mask ? (t->mask + 1) * 2 : 1024, i;
  free(t->index);
  t->index = bw_realloc(NULL, slots, sizeof *t->index);
  t->mask = slots - 1;
  memset(t->index, 0xFF, slots * sizeof *t->index);
  for (i = 0; i < t->count; i++) {
    uint32_t s = (uint32_t)bw_hash_str(t->entries[i].key, seed) & t->mask;
    while (t->index[s] != NONE)
      s = (s + 1) & t->mask;
    t->index[s] = i;
  }
}

static uint32_t table_find(const struct table *t, struct bw_str key, uint64_t seed, uint32_t *ret_slot)
{
  uint32_t s;
  *ret_slot = NONE;
  if (!t->index)
    return NONE;
  for (s = (uint32_t)bw_hash_str(key, seed) & t->mask; t->index[s] != NONE; s = (s + 1) & t->mask)
    if (bw_str_eq(t->entries[t->index[s]].key, key))
      return t->index[s];
  *ret_slot = s;
  return NONE;
}

static uint32_t lookup(const struct bw_identity *id, const struct table *t, struct bw_str key)
{
  uint32_t slot;
  return table_find(t, key, id->seed, &slot);
}

/* Found or made; NONE where there may be no more. */
static uint32_t intern(struct bw_identity *id, struct table *t, struct bw_str key)
{
  uint32_t slot, at = table_find(t, key, id->seed, &slot);
  struct entry *e;
  if (at != NONE)
    return at;
  if (t->count >= id->max_entries) {
    id->stats.not_learned++;
    return NONE;
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
  *e = (struct entry){.key = bw_arena_keep(&id->memory, key), .account = NONE, .alias = NONE};
  t->index[slot] = t->count;
  return t->count++;
}

static void table_clear(struct table *t)
{
  free(t->entries);
  free(t->index);
}

static uint32_t intern_account(struct bw_identity *id, struct bw_str key)
{
  uint32_t at = intern(id, &id->accounts, key);
  if (at != NONE && !id->accounts.entries[at].hash)
    id->accounts.entries[at].hash = bw_hash_str(key, id->seed);
  return at;
}

static struct table *table_of(struct bw_identity *id, uint32_t which)
{
  return which == USERS ? &id->users : &id->domains;
}

static bool is_implicit(const struct bw_identity *id, uint32_t account)
{
  return account != NONE && bw_str_prefix(id->accounts.entries[account].key, IMPLICIT);
}

/* ---- learning ---- */

static void remember_change(struct bw_identity *id, uint32_t which, uint32_t at)
{
  const struct entry *e = &table_of(id, which)->entries[at];
  if (!id->store)
    return;
  if (id->nchanges == id->changes_cap) {
    id->changes_cap = id->changes_cap ? id->changes_cap * 2 : 256;
    id->changes = bw_realloc(id->changes, id->changes_cap, sizeof *id->changes);
  }
  id->changes[id->nchanges++] = (struct change){which, at, e->account, e->alias, e->source};
}

static void set_account(struct bw_identity *id, uint32_t which, uint32_t at, uint32_t account, uint64_t source)
{
  struct entry *e = &table_of(id, which)->entries[at];
  if (e->account == account)
    return;
  remember_change(id, which, at);
  e->account = account;
  e->source = source;
}

/* What only the e-mail's domain says never displaces what was said outright. */
static void learn_user(struct bw_identity *id, struct bw_str subject, uint32_t account, uint64_t source)
{
  uint32_t at;
  if (subject.len == 0 || account == NONE)
    return;
  at = intern(id, &id->users, subject);
  if (at == NONE)
    return;
  if (is_implicit(id, account) && id->users.entries[at].account != NONE && !is_implicit(id, id->users.entries[at].account))
    return;
  set_account(id, USERS, at, account, source);
}

static void learn_alias(struct bw_identity *id, struct bw_str previous, struct bw_str user, uint64_t source)
{
  uint32_t from, to;
  if (previous.len == 0 || user.len == 0 || bw_str_eq(previous, user))
    return;
  from = intern(id, &id->users, previous);
  to = intern(id, &id->users, user);
  if (from == NONE || to == NONE || id->users.entries[from].alias == to)
    return;
  if (id->users.entries[to].account == NONE)
    set_account(id, USERS, to, id->users.entries[from].account, source);
  remember_change(id, USERS, from);
  id->users.entries[from].alias = to;
  id->users.entries[from].source = source;
}

/* ---- domains that an account lists ---- */

struct domain_list {
  char names[MAX_LISTED][256];
  size_t n;
};

static void list_add(struct domain_list *l, struct bw_str text)
{
  char domain[256], registrable[256];
  while (text.len && (text.data[0] == ' ' || text.data[0] == '@'))
    text = bw_str_n(text.data + 1, text.len - 1);
  while (text.len && text.data[text.len - 1] == ' ')
    text.len--;
  if (l->n == MAX_LISTED || text.len == 0 || text.len > 255)
    return;
  memcpy(domain, "x@", 2);
  if (text.len > 250)
    return;
  memcpy(domain + 2, text.data, text.len);
  /* A public suffix or a free mail provider in the list would claim strangers: passed over. */
  if (bw_email_domain(bw_str_n(domain, text.len + 2), l->names[l->n]) < 0 ||
      bw_registrable_domain(bw_str(l->names[l->n]), registrable) < 0 || bw_free_mail(bw_str(registrable)))
    return;
  l->n++;
}

static void list_text(struct domain_list *l, struct bw_str text)
{
  while (text.len) {
    const char *comma = memchr(text.data, ',', text.len);
    size_t n = comma ? (size_t)(comma - text.data) : (size_t)text.len;
    list_add(l, bw_str_n(text.data, n));
    n += comma != NULL;
    text = bw_str_n(text.data + n, text.len - n);
  }
}

/* The strings of an array.  The text has been checked as JSON where it came in, but is copied to stand before a NUL. */
static void list_json(struct domain_list *l, struct bw_str json)
{
  char *text BW_AUTOFREE = bw_alloc(json.len + 1 + BW_JSON_PADDING), *word BW_AUTOFREE = bw_alloc(json.len + 1);
  const char *p = text, *end;
  struct bw_json_error e;
  unsigned flags;
  int64_t n;
  memcpy(text, json.data, json.len);
  if (bw_json_skip(text, BW_JSON_MAX_DEPTH, true, &e) != text + json.len)
    return;
  while ((p = strchr(p, '"')) != NULL) {
    end = bw_json_string_end(p + 1, &flags);
    n = bw_json_unescape(p + 1, end, word, &e);
    if (n > 0)
      list_add(l, bw_str_n(word, (size_t)n));
    p = end + 1;
  }
}

static void learn_domain(struct bw_identity *id, const char *domain, uint32_t account, uint64_t source)
{
  uint32_t at = intern(id, &id->domains, bw_str(domain));
  struct listed *node;
  if (at == NONE || id->domains.entries[at].account == account)
    return;
  set_account(id, DOMAINS, at, account, source);
  node = (struct listed *)(void *)bw_alloc(sizeof *node);
  *node = (struct listed){at, id->accounts.entries[account].listed};
  id->accounts.entries[account].listed = node;
}

static void learn_domains(struct bw_identity *id, const struct bw_record *r)
{
  const struct bw_field *f = bw_record_field(r, BW_SECTION_TRAITS, "domains");
  struct domain_list *l;
  struct listed *node;
  uint32_t account;
  size_t i;
  if (!f)
    f = bw_record_field(r, BW_SECTION_TRAITS, "domain");
  if (!f || (f->type != BW_VALUE_STRING && f->type != BW_VALUE_JSON))
    return;
  account = intern_account(id, r->account);
  if (account == NONE)
    return;
  l = bw_alloc(sizeof *l);
  if (f->type == BW_VALUE_JSON)
    list_json(l, f->text);
  else
    list_text(l, f->text);
  /* The list is the whole truth: what it no longer names is given up. */
  for (node = id->accounts.entries[account].listed; node; node = node->next) {
    const struct entry *e = &id->domains.entries[node->domain];
    for (i = 0; i < l->n && !bw_str_is(e->key, l->names[i]); i++)
      ;
    if (i == l->n && e->account == account)
      set_account(id, DOMAINS, node->domain, NONE, r->offset);
  }
  for (i = 0; i < l->n; i++)
    learn_domain(id, l->names[i], account, r->offset);
  free(l);
}

/* ---- resolving ---- */

/* "a.b.acme.com": whoever lists that, or a parent of it down to the registrable domain. */
static uint32_t listed_by(const struct bw_identity *id, const char *domain, const char *registrable)
{
  size_t n = strlen(domain), least = strlen(registrable);
  while (n >= least) {
    uint32_t at = lookup(id, &id->domains, bw_str_n(domain, n));
    const char *dot;
    if (at != NONE && id->domains.entries[at].account != NONE)
      return id->domains.entries[at].account;
    dot = memchr(domain, '.', n);
    if (!dot)
      break;
    n -= (size_t)(dot + 1 - domain);
    domain = dot + 1;
  }
  return NONE;
}

static uint32_t by_email(struct bw_identity *id, struct bw_str email, enum bw_identity_how *ret_how)
{
  char domain[256], registrable[256], name[sizeof IMPLICIT + 256];
  uint32_t account;
  if (email.len == 0 || bw_email_domain(email, domain) < 0 || bw_registrable_domain(bw_str(domain), registrable) < 0)
    return NONE;
  account = listed_by(id, domain, registrable);
  if (account != NONE) {
    *ret_how = BW_IDENTITY_DOMAIN;
    return account;
  }
  if (bw_free_mail(bw_str(registrable)) || lookup(id, &id->free_mail, bw_str(registrable)) != NONE)
    return NONE;
  memcpy(name, IMPLICIT, sizeof IMPLICIT - 1);
  memcpy(name + sizeof IMPLICIT - 1, registrable, strlen(registrable) + 1);
  *ret_how = BW_IDENTITY_IMPLICIT;
  return intern_account(id, bw_str(name));
}

static struct bw_str record_email(const struct bw_record *r)
{
  static const struct {
    uint32_t section;
    const char *key;
  } places[] = {{BW_SECTION_TRAITS, "email"}, {BW_SECTION_PROPERTIES, "email"}, {BW_SECTION_CONTEXT, "traits.email"}};
  struct bw_str s;
  size_t i;
  for (i = 0; i < 3; i++) {
    s = bw_record_text(r, places[i].section, places[i].key);
    if (s.len)
      return s;
  }
  return r->subject.len && memchr(r->subject.data, '@', r->subject.len) ? r->subject : BW_STR("");
}

static uint32_t by_user(const struct bw_identity *id, struct bw_str subject, enum bw_identity_how *ret_how)
{
  uint32_t at = subject.len ? lookup(id, &id->users, subject) : NONE, account = NONE, listed;
  struct bw_str name;
  int hops;
  for (hops = 0; at != NONE && hops < MAX_ALIASES; hops++) {
    account = id->users.entries[at].account;
    if (account != NONE)
      break;
    at = id->users.entries[at].alias;
  }
  if (account == NONE)
    return NONE;
  *ret_how = BW_IDENTITY_USER;
  if (is_implicit(id, account)) { /* an account may have listed the domain since */
    name = id->accounts.entries[account].key;
    listed = lookup(id, &id->domains, bw_str_n(name.data + sizeof IMPLICIT - 1, name.len - (sizeof IMPLICIT - 1)));
    if (listed != NONE && id->domains.entries[listed].account != NONE)
      account = id->domains.entries[listed].account;
  }
  return account;
}

/* identify: a trait that names the account ("company", or an object "company" with an id). */
static uint32_t by_trait(struct bw_identity *id, const struct bw_record *r)
{
  char nested[300];
  size_t i;
  for (i = 0; i < id->ntraits; i++) {
    struct bw_str s = bw_record_text(r, BW_SECTION_TRAITS, id->traits[i]);
    if (s.len == 0 && strlen(id->traits[i]) < 256) {
      memcpy(nested, id->traits[i], strlen(id->traits[i]));
      memcpy(nested + strlen(id->traits[i]), ".id", 4);
      s = bw_record_text(r, BW_SECTION_TRAITS, nested);
    }
    if (bw_account_id_valid(s))
      return intern_account(id, s);
  }
  return NONE;
}

static uint32_t infer(struct bw_identity *id, const struct bw_record *r, struct bw_str anonymous, enum bw_identity_how *ret_how)
{
  uint32_t account = NONE;
  if (r->kind == BW_KIND_IDENTIFY) {
    account = by_trait(id, r);
    *ret_how = BW_IDENTITY_EXPLICIT;
  }
  if (account == NONE)
    account = by_user(id, r->subject, ret_how);
  if (account == NONE)
    account = by_user(id, anonymous, ret_how);
  if (account == NONE)
    account = by_email(id, record_email(r), ret_how);
  return account;
}

enum bw_identity_how bw_identity_resolve(struct bw_identity *id, struct bw_record *r)
{
  const uint64_t teaching = KIND(IDENTIFY) | KIND(GROUP) | KIND(ALIAS) | KIND(ACCOUNT);
  const uint64_t exempt = KIND(PLAN) | KIND(TICK) | KIND(FETCH) | KIND(CALENDAR) | KIND(ALIAS);
  enum bw_identity_how how = BW_IDENTITY_EXPLICIT;
  struct bw_str anonymous;
  uint32_t account;
  if (r->account.len > 0 && !(teaching & BW_KIND_BIT(r->kind))) {
    id->stats.records[how]++;
    return how;
  }
  if (r->kind == BW_KIND_ALIAS)
    learn_alias(id, bw_record_text(r, BW_SECTION_TOP, "previousId"), r->subject, r->offset);
  if (r->kind == BW_KIND_ACCOUNT)
    learn_domains(id, r);
  anonymous = bw_record_text(r, BW_SECTION_TOP, "anonymousId");
  if (r->account.len > 0) {
    account = r->kind == BW_KIND_ACCOUNT ? NONE : intern_account(id, r->account);
  } else {
    account = exempt & ~KIND(ALIAS) & BW_KIND_BIT(r->kind) ? NONE : infer(id, r, anonymous, &how);
    if (account == NONE)
      how = exempt & BW_KIND_BIT(r->kind) ? BW_IDENTITY_EXEMPT : BW_IDENTITY_UNRESOLVED;
  }
  if (account != NONE) {
    r->account = id->accounts.entries[account].key;
    r->account_hash = id->accounts.entries[account].hash;
    if (r->kind == BW_KIND_IDENTIFY || r->kind == BW_KIND_GROUP) {
      learn_user(id, r->subject, account, r->offset);
      learn_user(id, anonymous, account, r->offset);
    }
  }
  id->stats.records[how]++;
  return how;
}

/* ---- storage ---- */

static int load_users(struct bw_identity *id, struct bw_error *err)
{
  struct bw_stmt *q;
  uint32_t at, account, alias;
  int rc = bw_store_prepare(id->store, "SELECT subject, account, alias, source FROM identity_user", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    at = intern(id, &id->users, bw_stmt_col_str(q, 0));
    account = bw_stmt_col_null(q, 1) ? NONE : intern_account(id, bw_stmt_col_str(q, 1));
    alias = bw_stmt_col_null(q, 2) ? NONE : intern(id, &id->users, bw_stmt_col_str(q, 2));
    if (at == NONE)
      continue;
    id->users.entries[at].account = account;
    id->users.entries[at].alias = alias;
    id->users.entries[at].source = (uint64_t)bw_stmt_col_int(q, 3);
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
    account = intern_account(id, bw_stmt_col_str(q, 1));
    if (account != NONE)
      learn_domain(id, domain, account, (uint64_t)bw_stmt_col_int(q, 2));
  }
  return rc;
}

static int save_one(struct bw_identity *id, const struct change *c, struct bw_error *err)
{
  static const char *const put[] = {
      "INSERT OR REPLACE INTO identity_user(subject, account, alias, source) VALUES (?1, ?2, ?4, ?3)",
      "INSERT OR REPLACE INTO identity_domain(domain, account, source) VALUES (?1, ?2, ?3)"};
  const struct entry *e = &table_of(id, c->table)->entries[c->entry];
  bool gone = c->table == DOMAINS && e->account == NONE;
  struct bw_stmt *q;
  int rc = bw_store_prepare(id->store, gone ? "DELETE FROM identity_domain WHERE domain = ?1" : put[c->table], &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, e->key);
  if (!gone) {
    if (e->account == NONE)
      bw_stmt_null(q, 2);
    else
      bw_stmt_text(q, 2, id->accounts.entries[e->account].key);
    bw_stmt_int(q, 3, (int64_t)e->source);
    if (c->table == USERS && e->alias == NONE)
      bw_stmt_null(q, 4);
    else if (c->table == USERS)
      bw_stmt_text(q, 4, id->users.entries[e->alias].key);
  }
  return bw_stmt_run(q, err);
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
    const struct change *c = &id->changes[--id->nchanges];
    struct entry *e = &table_of(id, c->table)->entries[c->entry];
    e->account = c->old_account;
    e->alias = c->old_alias;
    e->source = c->old_source;
  }
  id->nsaved = 0;
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
      (void)intern(id, &id->free_mail, bw_str(domain));
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
  struct listed *node, *next;
  uint32_t i;
  if (!id)
    return;
  for (i = 0; i < id->accounts.count; i++)
    for (node = id->accounts.entries[i].listed; node; node = next) {
      next = node->next;
      free(node);
    }
  for (i = 0; i < id->ntraits; i++)
    free(id->traits[i]);
  free(id->traits);
  table_clear(&id->accounts);
  table_clear(&id->users);
  table_clear(&id->domains);
  table_clear(&id->free_mail);
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
