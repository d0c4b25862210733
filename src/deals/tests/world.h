/* SPDX-License-Identifier: Apache-2.0 */
/* A small world for the tests of this room: a book, leads that are only structs, a store, and what was noticed. */
#ifndef BW_DEALS_TESTS_WORLD_H
#define BW_DEALS_TESTS_WORLD_H

#include "base/test.h"

#include "base/time.h"
#include "deals/deals.h"

#define LEADS 8
#define T0 INT64_C(1772442000000) /* 2026-03-02T09:00:00Z, a Monday */

struct world {
  struct bw_store *store;
  struct bw_book *book;
  struct bw_deals_options options;
  struct bw_deals *deals;
  struct bw_lead leads[LEADS]; /* L1 ... */
  size_t nleads;
  uint64_t offset;
  int keeps; /* how often a lead was kept from expiring */
  struct bw_buf notices;
  struct world *twin;    /* gets the same records */
  struct bw_buf journal; /* JSON lines of the records that outcomes made */
};

/* settings: YAML of `opportunities:`, or NULL. */
void world_open(struct world *w, const char *settings);
void world_close(struct world *w);
/* Saves, and opens the room again from what was saved. */
void world_reopen(struct world *w);
void world_save(struct world *w);
/* A record into the book and into the deals, given as fields "key=value" ended by NULL; id: of the message, may be NULL. */
int world_record(struct world *w, uint32_t kind, const char *id, const char *account, const char *subject, int64_t at,
                 const char *const *fields);
int world_record_arriving(struct world *w, uint32_t kind, const char *account, const char *subject, int64_t at, int64_t arrival,
                          const char *const *fields);
void world_account(struct world *w, const char *account, const char *name);
void world_lead(struct world *w, const char *account, const char *motion, const char *type, double estimate);
/* From now on `other` is fed the records that outcomes make here, as if they were imported there. */
void world_twin(struct world *w, struct world *other);
/* What a person says; fields left out are NULL. */
struct said {
  const char *lead, *outcome, *reason, *note, *split, *who;
  double amount; /* 0: not given */
  int64_t at;    /* 0: now */
  int64_t now;
};
/* Also feeds the record that it made, as the journal would, once more. */
int world_say(struct world *w, const struct said *s, struct bw_error *err);
const struct bw_deal *world_deal(struct world *w, size_t lead); /* of lead number 1 ... */
int64_t world_count(struct world *w, const char *sql);

#endif
