/* SPDX-License-Identifier: Apache-2.0 */
/* A small world for tests: facts, rules and an engine over them, driven by lines of JSON on a virtual clock. */
#ifndef BW_PLAYS_TESTS_WORLD_H
#define BW_PLAYS_TESTS_WORLD_H

#include "names/tests/facts.h"
#include "plays/plays.h"
#include "rules/rules.h"

struct world {
  struct facts facts;
  struct bw_plays *plays;
  struct bw_engine *engine;
  struct bw_store *store; /* NULL: memory only */
  int64_t now;
  struct bw_buf log;                       /* what happened, one JSON object per line */
  bool quiet;                              /* only count */
  bool hears;                              /* the engine is told of what opens, and passes the other accounts over */
  const struct bw_engine_options *options; /* NULL: the defaults */
  size_t opened, enriched, changed, queued, notices;
};

/* dir: configuration with plays/ and routes/.  path: the store's file, or NULL.  Fails the test on any error. */
void world_open(struct world *w, const char *dir, const char *path);
void world_close(struct world *w);
/* Saves, closes and opens again from the store. */
void world_restart(struct world *w, const char *dir, const char *path);
void world_save(struct world *w);

void world_account(struct world *w, const char *id, const char *traits_json);
void world_record(struct world *w, uint32_t kind, const char *id, const char *account, const char *traits_json);
void world_signal(struct world *w, const char *account, const char *type, const char *key, uint32_t state, double value,
                  double strength, const char *evidence);
void world_trait(struct world *w, const char *account, const char *name, const char *key, double value);
/* The signals' tick, the engine's, and an evaluation of what changed (on the first of a day: of all with open signals). */
void world_tick(struct world *w, int64_t now_ms);
/* One line of a scenario. */
void world_line(struct world *w, const char *json);

#endif
