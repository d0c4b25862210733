/* SPDX-License-Identifier: Apache-2.0 */
/* The book: the current picture of accounts, contacts, plans, subscriptions and opportunities, projected from records, with its
 * history. */
#ifndef BW_BOOK_BOOK_H
#define BW_BOOK_BOOK_H

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

/* store may be NULL (replay): nothing is persisted.  Loads what the store holds. */
int bw_book_open(struct bw_store *store, struct bw_book **ret_book, struct bw_error *err);
void bw_book_close(struct bw_book **book);

/*
 * Projects one record (other kinds are ignored): traits merge, a null removes, time_ms of a field never goes back.  Changes are
 * remembered until bw_book_save().  Activities update the account's last_touch / last_csm_touch.
 */
int bw_book_apply(struct bw_book *b, const struct bw_record *r, struct bw_error *err);
/* Writes what changed since the last save, with history rows, into the store's open transaction. */
int bw_book_save(struct bw_book *b, struct bw_error *err);

/* NULL where there is none.  Ids: account, contact, plan, opportunity; a subscription's is its account's. */
const struct bw_entity *bw_book_find(const struct bw_book *b, enum bw_entity_kind kind, struct bw_str id);
struct bw_str bw_entity_id(const struct bw_entity *e);
struct bw_str bw_entity_account(const struct bw_entity *e); /* empty for plans */
/* A current value (section and number as in records), or NULL.  Nested ones by dotted name: "limits.api_calls". */
const struct bw_field *bw_entity_field(const struct bw_entity *e, const char *name);
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
/* Accounts whose picture changed since the last call, in order of first change; fn may be NULL to forget them. */
void bw_book_take_changed(struct bw_book *b, void (*fn)(void *ctx, struct bw_str account), void *ctx);
size_t bw_book_count(const struct bw_book *b, enum bw_entity_kind kind);

#endif
