/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which account a record belongs to: an explicit id, else the user's known account, else the e-mail's registrable domain.
 * Records that name their account cost nothing here unless they teach something (group, identify, account, alias).
 */
#ifndef BW_INGEST_IDENTITY_H
#define BW_INGEST_IDENTITY_H

#include "store/store.h"
#include "wire/record.h"

struct bw_identity;
extern const struct bw_schema bw_identity_schema;

/* All zero is good.  Borrowed for the call of open only. */
struct bw_identity_options {
  uint64_t seed;                /* of the records' hashes */
  const char *const *free_mail; /* further providers, besides the built-in table */
  size_t nfree_mail;
  const char *const *account_traits; /* traits of identify that name the account; default company, groupId, accountId */
  size_t naccount_traits;
  size_t max_entries; /* users and domains remembered; default 20 million; beyond, new ones are not learned (counted) */
};

enum bw_identity_how {
  BW_IDENTITY_UNRESOLVED,
  BW_IDENTITY_EXPLICIT, /* the record named it */
  BW_IDENTITY_USER,     /* the user is known to belong to it */
  BW_IDENTITY_DOMAIN,   /* an account lists the e-mail's domain */
  BW_IDENTITY_IMPLICIT, /* "domain:<registrable domain>" */
  BW_IDENTITY_EXEMPT,   /* plans, ticks: belong to no account */
  BW_IDENTITY_HOWS
};

/* A user id that so many accounts were said to have ("1", "admin") is nobody in particular: from then on it tells no account.
 */
#define BW_IDENTITY_SHARED 8

struct bw_identity_stats {
  uint64_t records[BW_IDENTITY_HOWS];
  uint64_t users, domains, not_learned;
};

/* store may be NULL (replay): nothing is persisted.  Loads what the store holds. */
int bw_identity_open(struct bw_store *store, const struct bw_identity_options *options, struct bw_identity **ret_identity,
                     struct bw_error *err);
void bw_identity_close(struct bw_identity **identity);

/*
 * Completes r->account and r->account_hash where they are empty, and learns from r (group, identify, alias, account with
 * traits.domains).  Call in journal order; r->offset, where known, is kept as the source of what was learned.  The account's
 * bytes live until the identity is closed.
 */
enum bw_identity_how bw_identity_resolve(struct bw_identity *identity, struct bw_record *r);

/* Hints that r will be resolved soon, each some tens of records after the one before: they ask for the memory that it will
   need, and change nothing. */
enum bw_identity_step { BW_IDENTITY_SLOT, BW_IDENTITY_ENTRY, BW_IDENTITY_TEXT, BW_IDENTITY_STEPS };
void bw_identity_ahead(const struct bw_identity *identity, const struct bw_record *r, enum bw_identity_step step);
/* Is there anything that such a hint would help?  Most records name their account, and teach nothing. */
static inline bool bw_identity_wants_hints(const struct bw_record *r)
{
  return r->kind == BW_KIND_IDENTIFY || r->kind == BW_KIND_GROUP || r->account.len == 0;
}

/* Writes what was learned since the last save into the store's open transaction.  After the store's commit call _committed();
   after its failure _rolled_back(), which forgets what was learned since the last _committed(). */
int bw_identity_save(struct bw_identity *identity, struct bw_error *err);
void bw_identity_committed(struct bw_identity *identity);
void bw_identity_rolled_back(struct bw_identity *identity);

void bw_identity_stats(const struct bw_identity *identity, struct bw_identity_stats *ret_stats);
/* Is the user's id one that too many accounts have (BW_IDENTITY_SHARED)? */
bool bw_identity_shared(const struct bw_identity *identity, struct bw_str subject);

/* ---- the parts, for tests and the command line ---- */
/* The domain of "Name <a@b.example>" or "a@b.example", lower case, punycode; BW_EINVAL where there is none. out has room for
 * 256. */
int bw_email_domain(struct bw_str email, char *out);
/* "mail.acme.co.uk" → "acme.co.uk" (public suffix list).  BW_EINVAL: not a domain, or itself a public suffix. */
int bw_registrable_domain(struct bw_str domain, char *out);
/* One of the built-in free mail providers (registrable domain, punycode). */
bool bw_free_mail(struct bw_str registrable_domain);
/* At most BW_ID_MAX bytes of UTF-8 without control characters. */
bool bw_account_id_valid(struct bw_str id);

#endif
