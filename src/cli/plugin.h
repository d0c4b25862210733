/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: what the files of `basewatch plugin` share. */
#ifndef BW_CLI_PLUGIN_H
#define BW_CLI_PLUGIN_H

#include "base/buf.h"
#include "base/error.h"

/* Records to feed, as encoded batches; a tick is the last of its batch. */
struct bw_work {
  struct bw_buf *batches;
  size_t n, cap;
  uint64_t records;
};
void bw_work_clear(struct bw_work *w);
/* A fleet of made-up accounts over `days` days: events, contracts, tickets, four ticks a day. */
void bw_work_fleet(struct bw_work *w, uint64_t seed, unsigned accounts, unsigned days);
/* Every kind of record with hostile texts and numbers, on clocks that jump. */
void bw_work_hostile(struct bw_work *w, uint64_t seed, unsigned records);
/* Record files, with a tick each day; at most `max` records of them. */
int bw_work_files(struct bw_work *w, const char *const *files, size_t n, uint64_t max, struct bw_error *err);

/* Random numbers of a seed. */
uint64_t bw_work_random(uint64_t *state, uint64_t below);

struct bw_plugin_check {
  const char *host_exe;
  const char *plugin;
  struct bw_str options; /* JSON object */
  const char *const *files;
  size_t nfiles;
  uint64_t seed;
  uint64_t memory_bytes;
  int64_t deadline_ms;
};
/* Prints a line for each check.  True: all is well. */
bool bw_plugin_check(const struct bw_plugin_check *c);

/* Copies the template under the new name.  Says why not on standard error. */
bool bw_plugin_new(const char *name, const char *dir);

#endif
