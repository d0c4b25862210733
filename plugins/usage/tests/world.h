/* SPDX-License-Identifier: Apache-2.0 */
/* A small invented world for the tests: accounts with users and weekdays, days that pass, a tick every midnight. */
#ifndef BW_USAGE_TESTS_WORLD_H
#define BW_USAGE_TESTS_WORLD_H

#include "harness.h"

#define DAY0 18263 /* 2020-01-02, a Thursday; so that day 1 is a Friday */

struct world {
  struct harness h;
  uint64_t rng;
  char names[2000][16]; /* "u0" ... and "a0" ...: texts that outlive the batches */
};

void world_init(struct world *w, uint64_t rng);
uint32_t world_random(struct world *w, uint32_t n); /* 0..n-1 */
uint32_t world_poisson(struct world *w, double mean);
bool is_weekend(int day);
int64_t world_time(int day, uint32_t k); /* the k-th moment of a day */
/* n events called `event` by `users` users in turn, users first..first+users-1; field may be NULL. */
void world_events(struct world *w, int day, const char *account, const char *event, uint32_t n, uint32_t first, uint32_t users,
                  const char *field);
/* An account or subscription record; fields as in harness_put(). */
void world_facts(struct world *w, int day, uint32_t kind, const char *account, const char *const *fields);
/* The midnight after `day`. */
void world_tick(struct world *w, int day);
void world_close(struct world *w);

#endif
