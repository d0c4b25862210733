/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to which account, as learned from the records themselves.  Runs in core and in the command line; no privileges.
 */
#include "ingest/identity.h"

#include <stdlib.h>

#include "ingest/identity_tables.h"
#include "ingest/segment.h"

#define MAX_ALIASES 4 /* hops from an old id to the present one */
#define KIND(k) BW_KIND_BIT(BW_KIND_##k)

static bool is_implicit(const struct bw_identity *id, uint32_t account)
{
  return account != BW_NO_ENTRY && bw_str_prefix(id->accounts.entries[account].key, BW_IMPLICIT);
}

/* What only the e-mail's domain says never displaces what was said outright. */
static void learn_user(struct bw_identity *id, struct bw_str subject, uint32_t account, uint64_t source)
{
  uint32_t at, had;
  if (subject.len == 0 || account == BW_NO_ENTRY)
    return;
  at = bw_identity_intern(id, &id->users, subject);
  if (at == BW_NO_ENTRY)
    return;
  had = id->users.entries[at].account;
  if (had != BW_NO_ENTRY && had != account && !is_implicit(id, had)) {
    if (is_implicit(id, account) || bw_identity_entry_shared(&id->users.entries[at]))
      return;
    bw_identity_share(id, at, had, account);
  }
  bw_identity_set_account(id, BW_USERS, at, account, source);
}

static void learn_alias(struct bw_identity *id, struct bw_str previous, struct bw_str user, uint64_t source)
{
  uint32_t from, to;
  if (previous.len == 0 || user.len == 0 || bw_str_eq(previous, user))
    return;
  from = bw_identity_intern(id, &id->users, previous);
  to = bw_identity_intern(id, &id->users, user);
  if (from == BW_NO_ENTRY || to == BW_NO_ENTRY || id->users.entries[from].alias == to)
    return;
  if (id->users.entries[to].account == BW_NO_ENTRY && !bw_identity_entry_shared(&id->users.entries[from]))
    bw_identity_set_account(id, BW_USERS, to, id->users.entries[from].account, source);
  bw_identity_remember(id, BW_USERS, from);
  id->users.entries[from].alias = to;
  id->users.entries[from].source = source;
}

/* ---- resolving ---- */

/* "a.b.acme.com": whoever lists that, or a parent of it down to the registrable domain. */
static uint32_t listed_by(const struct bw_identity *id, const char *domain, const char *registrable)
{
  size_t n = strlen(domain), least = strlen(registrable);
  while (n >= least) {
    uint32_t at = bw_identity_lookup(id, &id->domains, bw_str_n(domain, n));
    const char *dot;
    if (at != BW_NO_ENTRY && id->domains.entries[at].account != BW_NO_ENTRY)
      return id->domains.entries[at].account;
    dot = memchr(domain, '.', n);
    if (!dot)
      break;
    n -= (size_t)(dot + 1 - domain);
    domain = dot + 1;
  }
  return BW_NO_ENTRY;
}

/* "domain:" and the name, among the accounts: an account of nobody's making, or what is remembered of a user's e-mail. */
static uint32_t named_by(struct bw_identity *id, const char *domain)
{
  char name[sizeof BW_IMPLICIT + 256];
  memcpy(name, BW_IMPLICIT, sizeof BW_IMPLICIT - 1);
  memcpy(name + sizeof BW_IMPLICIT - 1, domain, strlen(domain) + 1);
  return bw_identity_intern_account(id, bw_str(name));
}

static const char *domain_of(const struct bw_identity *id, uint32_t named, char out[256])
{
  struct bw_str key = id->accounts.entries[named].key;
  size_t n = key.len - (sizeof BW_IMPLICIT - 1);
  n = n > 255 ? 255 : n;
  memcpy(out, key.data + sizeof BW_IMPLICIT - 1, n);
  out[n] = '\0';
  return out;
}

/* The account of a domain, as of now: whose list has it; else its own, of the registrable domain.  What that is stays with the
   name, for it is asked for with every event of a user who is known by it. */
static uint32_t by_domain(struct bw_identity *id, uint32_t named, enum bw_identity_how *ret_how)
{
  char domain[256], registrable[256];
  uint32_t own = id->accounts.entries[named].account, account;
  (void)domain_of(id, named, domain);
  if (own == BW_NO_ENTRY) {
    if (bw_registrable_domain(bw_str(domain), registrable) < 0)
      return BW_NO_ENTRY;
    own = named_by(id, registrable);
    if (own == BW_NO_ENTRY)
      return BW_NO_ENTRY;
    id->accounts.entries[named].account = own;
  }
  (void)domain_of(id, own, registrable);
  account = listed_by(id, domain, registrable);
  *ret_how = account == BW_NO_ENTRY ? BW_IDENTITY_IMPLICIT : BW_IDENTITY_DOMAIN;
  if (account != BW_NO_ENTRY)
    return account;
  if (bw_free_mail(bw_str(registrable)) || bw_identity_lookup(id, &id->free_mail, bw_str(registrable)) != BW_NO_ENTRY)
    return BW_NO_ENTRY;
  return own;
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

/* What is known of a user: the account that was named, or the e-mail's domain, under its name among the accounts. */
static uint32_t known_of(const struct bw_identity *id, struct bw_str subject)
{
  uint32_t at = subject.len ? bw_identity_lookup(id, &id->users, subject) : BW_NO_ENTRY;
  int hops;
  for (hops = 0; at != BW_NO_ENTRY && hops < MAX_ALIASES; hops++) {
    const struct bw_id_entry *e = &id->users.entries[at];
    if (bw_identity_entry_shared(e))
      return BW_NO_ENTRY;
    if (e->account != BW_NO_ENTRY)
      return e->account;
    at = e->alias;
  }
  return BW_NO_ENTRY;
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
      return bw_identity_intern_account(id, s);
  }
  return BW_NO_ENTRY;
}

/* An account, and what is to be remembered of the user. */
struct found {
  uint32_t account, known;
};

/* The e-mail of this record before what an earlier one said. */
static struct found infer_by_domain(struct bw_identity *id, const struct bw_record *r, const uint32_t known[2],
                                    enum bw_identity_how *ret_how)
{
  struct bw_str email = record_email(r);
  char domain[256];
  struct found f = {BW_NO_ENTRY, BW_NO_ENTRY};
  size_t i;
  if (email.len && bw_email_domain(email, domain) == 0 && (f.known = named_by(id, domain)) != BW_NO_ENTRY)
    f.account = by_domain(id, f.known, ret_how);
  for (i = 0; i < 2 && f.account == BW_NO_ENTRY; i++) {
    f.known = known[i];
    if (f.known != BW_NO_ENTRY && (f.account = by_domain(id, f.known, ret_how)) != BW_NO_ENTRY)
      *ret_how = BW_IDENTITY_USER;
  }
  return f;
}

static struct found infer(struct bw_identity *id, const struct bw_record *r, struct bw_str anonymous,
                          enum bw_identity_how *ret_how)
{
  uint32_t known[2], account = r->kind == BW_KIND_IDENTIFY ? by_trait(id, r) : BW_NO_ENTRY;
  size_t i;
  *ret_how = BW_IDENTITY_EXPLICIT;
  if (account != BW_NO_ENTRY)
    return (struct found){account, account};
  known[0] = known_of(id, r->subject);
  known[1] = known_of(id, anonymous);
  for (i = 0; i < 2; i++)
    if (known[i] != BW_NO_ENTRY && !is_implicit(id, known[i])) {
      *ret_how = BW_IDENTITY_USER;
      return (struct found){known[i], known[i]};
    }
  return infer_by_domain(id, r, known, ret_how);
}

enum bw_identity_how bw_identity_resolve(struct bw_identity *id, struct bw_record *r)
{
  const uint64_t teaching = KIND(IDENTIFY) | KIND(GROUP) | KIND(ALIAS) | KIND(ACCOUNT);
  const uint64_t exempt = KIND(PLAN) | KIND(TICK) | KIND(FETCH) | KIND(CALENDAR) | KIND(ALIAS);
  enum bw_identity_how how = BW_IDENTITY_EXPLICIT;
  struct found f = {BW_NO_ENTRY, BW_NO_ENTRY};
  struct bw_str anonymous;
  if (r->account.len > 0 && !(teaching & BW_KIND_BIT(r->kind))) {
    id->stats.records[how]++;
    return how;
  }
  if (r->kind == BW_KIND_ALIAS)
    learn_alias(id, bw_record_text(r, BW_SECTION_TOP, "previousId"), r->subject, r->offset);
  if (r->kind == BW_KIND_ACCOUNT)
    bw_identity_learn_domains(id, r);
  anonymous = bw_record_text(r, BW_SECTION_TOP, "anonymousId");
  if (r->account.len > 0) {
    if (r->kind != BW_KIND_ACCOUNT)
      f.account = f.known = bw_identity_intern_account(id, r->account);
  } else {
    if (!(exempt & ~KIND(ALIAS) & BW_KIND_BIT(r->kind)))
      f = infer(id, r, anonymous, &how);
    if (f.account == BW_NO_ENTRY)
      how = exempt & BW_KIND_BIT(r->kind) ? BW_IDENTITY_EXEMPT : BW_IDENTITY_UNRESOLVED;
  }
  if (f.account != BW_NO_ENTRY) {
    r->account = id->accounts.entries[f.account].key;
    r->account_hash = id->accounts.entries[f.account].hash;
    if (r->kind == BW_KIND_IDENTIFY || r->kind == BW_KIND_GROUP) {
      learn_user(id, r->subject, f.known, r->offset);
      learn_user(id, anonymous, f.known, r->offset);
    }
  }
  id->stats.records[how]++;
  return how;
}
