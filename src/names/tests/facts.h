/* SPDX-License-Identifier: Apache-2.0 */
/* What is known in a test: a catalogue with one watcher, a book and signals, told line by line, each at its time. */
#ifndef BW_NAMES_TESTS_FACTS_H
#define BW_NAMES_TESTS_FACTS_H

#include "book/book.h"
#include "signals/signals.h"

struct facts {
  struct bw_catalog *catalog;
  struct bw_book *book;
  struct bw_signals *signals;
  uint32_t watcher;
  uint64_t offset; /* of the latest */
};

/* The catalogue alone: the caller frees it.  ret_watcher may be NULL. */
struct bw_catalog *facts_catalog(uint32_t *ret_watcher);
/* store, events: may be NULL.  Fails the test on any error, as all of these do. */
void facts_open(struct facts *f, struct bw_store *store, const struct bw_signals_events *events);
void facts_close(struct facts *f);

void facts_record(struct facts *f, int64_t at_ms, uint32_t kind, const char *id, const char *account, const char *traits_json);
void facts_signal(struct facts *f, int64_t at_ms, const char *account, const char *type, const char *key, uint32_t state,
                  double value, double strength, const char *evidence);
void facts_trait(struct facts *f, int64_t at_ms, const char *account, const char *name, const char *key, double value);

const char *facts_srcdir(void);
char *facts_read(const char *path); /* NULL where there is none */

#endif
