/* SPDX-License-Identifier: Apache-2.0 */
/* The book: the current picture of accounts, contacts, plans, subscriptions and opportunities, projected from records, with its
 * history. */
#ifndef BW_BOOK_BOOK_H
#define BW_BOOK_BOOK_H

#include "base/buf.h"
#include "base/error.h"
#include "store/store.h"
#include "wire/record.h"

enum bw_entity_kind {
  BW_ENTITY_ACCOUNT,
  BW_ENTITY_CONTACT,
  BW_ENTITY_PLAN,
  BW_ENTITY_SUBSCRIPTION,
  BW_ENTITY_OPPORTUNITY,
  BW_ENTITY_KINDS
};

struct bw_book;
struct bw_entity;
extern const struct bw_schema bw_book_schema;

/* What an entity can hold; more is refused, field by field. */
#define BW_BOOK_MAX_FIELDS 256
#define BW_BOOK_MAX_VALUE 8192
#define BW_BOOK_MAX_NAME 256
#define BW_BOOK_MAX_NAMES 60000 /* distinct field names of the whole book */

/* The words of fields that rules compare, as rules write them; NULL-terminated.  Stages are in the order of the value journey;
   relationships from the strongest. */
extern const char *const bw_health_words[], *const bw_budget_words[], *const bw_relationship_words[], *const bw_stages[];
#define BW_STAGES 5

/* store may be NULL (replay): nothing is persisted.  Loads what the store holds; an entity whose row is damaged is logged by
   name and set aside in the table book_damaged.  After the store has rolled back, close the book and open it again. */
int bw_book_open(struct bw_store *store, struct bw_book **ret_book, struct bw_error *err);
void bw_book_close(struct bw_book **book);

/*
 * Projects one record (other kinds are ignored): traits merge, a null removes, time_ms of a field never goes back (equal times:
 * the later record).  Changes are remembered until bw_book_save().  Applying a record again changes nothing.
 *
 *   account       all traits; start_date, renewal_date also as start, renewal
 *   group         the same, but a field that an account record has set stays
 *   contact, plan, opportunity      by their own id; subscription by its account's (start_date, end_date also as start, end)
 *   activity      account fields last_touch, last_touch_by, last_touch_kind, touches (how many), last_csm_touch (by the
 * account's csm, or by_role: csm), last_commercial_touch (call, meeting, proposal, qbr, outbound email); times are ISO survey
 * last_nps, last_nps_at; likewise csat and ces ticket        open_escalations: how many tickets are escalated and not closed;
 * at most 64 are told apart
 *
 * Words that rules compare (health, stage, budget, relationship, a contact's role ...) are kept in the one spelling that rules
 * use: " Red" is "red"; a currency as its ISO 4217 code: "US$" is "USD".  An owner, csm, ae, am or bdr of "N/A", "tbd" and the
 * like is a null.  Amounts and days that came as text ("$36,000", "31.01.2027") are kept as what they are, where that is
 * plain ("36 000", "31 Jan 2027" too; "01/02/2027" is not).
 *
 * BW_EINVAL: the record lacks its id.  BW_ELIMIT: a field is over a limit; each is named, and all the others are applied.
 * BW_ENOTFOUND: a field holds a word that no rule knows, or no number or time where rules read one; all was applied, and it is
 * told once for each.
 */
int bw_book_apply(struct bw_book *b, const struct bw_record *r, struct bw_error *err);
/* The day of renewal: the account's own, or where that names none the subscription's end; BW_TIME_NONE: nobody says.  Either
   may be NULL.  *ret_says (may be NULL) is the record that does. */
int64_t bw_book_renewal(const struct bw_entity *account, const struct bw_entity *subscription,
                        const struct bw_entity **ret_says);
/* BW_KIND_BITs of the kinds that the book keeps anything of; bw_book_apply() does nothing with the others. */
uint64_t bw_book_kinds(void);
/* Writes what changed since the last save, with history rows, into the store's open transaction (BW_ESTATE without one). */
int bw_book_save(struct bw_book *b, struct bw_error *err);

/* NULL where there is none.  Ids: account, contact, plan, opportunity; a subscription's is its account's. */
const struct bw_entity *bw_book_find(const struct bw_book *b, enum bw_entity_kind kind, struct bw_str id);
struct bw_str bw_entity_id(const struct bw_entity *e);
struct bw_str bw_entity_account(const struct bw_entity *e); /* empty for plans */
/*
 * A current value (in section TRAITS, number as in records), or NULL.  Nested ones by dotted name: "limits.api_calls".  The
 * struct is one of 64 that take turns; its texts, and those of the functions below, are valid until the next bw_book_apply().
 */
const struct bw_field *bw_entity_field(const struct bw_entity *e, const char *name);
/* A yes or no that must not be overlooked ("do_not_contact"): what a text says counts as yes unless it is clearly a no. */
bool bw_entity_flag(const struct bw_entity *e, const char *name);
/* "N/A", "tbd", "unknown" and the like: what is written where nobody is known. */
bool bw_book_says_nobody(struct bw_str text);
/* As text, whatever its type ("true", "12.50", an array as JSON); empty where there is none. */
struct bw_str bw_entity_text(const struct bw_entity *e, const char *name);
double bw_entity_number(const struct bw_entity *e, const char *name, double missing);
/* A field that holds an ISO date or time; BW_TIME_NONE where it does not. */
int64_t bw_entity_time(const struct bw_entity *e, const char *name);
/* Offset of the record that last changed the field (provenance); 0 where unknown. */
uint64_t bw_entity_source(const struct bw_entity *e, const char *name);
/* i-th field in order of first appearance; false past the end. */
bool bw_entity_at(const struct bw_entity *e, size_t i, const struct bw_field **ret_field, uint64_t *ret_source);

/* Walks all entities of a kind in order of id.  fn returns negative to stop. */
int bw_book_each(const struct bw_book *b, enum bw_entity_kind kind, int (*fn)(void *ctx, const struct bw_entity *e), void *ctx);
/* Contacts, subscriptions or opportunities of one account, in order of id. */
int bw_book_each_of(const struct bw_book *b, enum bw_entity_kind kind, struct bw_str account,
                    int (*fn)(void *ctx, const struct bw_entity *e), void *ctx);
/* Accounts whose picture changed since the last call, in order of first change (a change of a plan changes the accounts that
   subscribe to it); fn may be NULL to forget them.  Not persisted. */
void bw_book_take_changed(struct bw_book *b, void (*fn)(void *ctx, struct bw_str account), void *ctx);
size_t bw_book_count(const struct bw_book *b, enum bw_entity_kind kind);
const char *bw_entity_kind_name(enum bw_entity_kind kind); /* "account" ... */

/*
 * Earlier values of a field, oldest first, as saved: each with the event time and the offset of the record that set it, the
 * value as text; an empty value was a removal.  Nothing for a field that has never changed.  fn returns negative to stop.
 */
int bw_book_history(struct bw_book *b, enum bw_entity_kind kind, struct bw_str id, const char *field,
                    int (*fn)(void *ctx, int64_t time_ms, uint64_t offset, struct bw_str value), void *ctx,
                    struct bw_error *err);

/* Where a walk through the history stands; zero to begin. */
struct bw_book_sweep {
  bool begun;
  int64_t kind, offset;
  struct bw_buf id, field;
};
/*
 * Forgets earlier values that were over before before_ms (event time): of each field what held then, and all since, stay. Looks
 * at some thousand rows in a call, in the open transaction or in one of its own.  1: call again; 0: all was seen, and *at is as
 * new.  ret_deleted: rows of this call.
 */
int bw_book_retain(struct bw_book *b, struct bw_book_sweep *at, int64_t before_ms, uint64_t *ret_deleted, struct bw_error *err);
void bw_book_sweep_clear(struct bw_book_sweep *at);

#endif
