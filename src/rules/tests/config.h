/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of a few lines, for tests of what a file can say. */
#ifndef BW_RULES_TESTS_CONFIG_H
#define BW_RULES_TESTS_CONFIG_H

#include "names/tests/facts.h"
#include "rules/rules.h"

/* A folder with plays/P.yaml, plays/_shared.yaml (where not NULL) and routes/r.yaml; NULL: with the routes "r" (to the AE) and
   "care" (to the CSM).  config_remove() takes it away again. */
char *config_dir(const char *shared, const char *plays, const char *routes);
/* The same with the routes of etc/, but for the size of our own company: "8M". */
char *config_dir_default_routes(const char *plays, const char *vendor_size);
void config_remove(char *dir);
/* Fails the test where it does not load.  The catalogue must live as long. */
struct bw_plays *config_load(const char *dir, const struct bw_catalog *catalog);
/* The complaints, or NULL where it loads; the caller frees. */
char *config_refused(const char *shared, const char *plays, const char *routes);
/* Loading says this; NULL: it is accepted. */
void refused(const char *shared, const char *plays, const char *routes, const char *says);

#define PLAY(name, gates, rest)                                                                                                \
  "play: " name "\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: " gates                       \
  "\nscore: {threshold: 40}\nroute: r\n" rest
#define EXPANSION(name, rest)                                                                                                  \
  "play: " name "\nmotion: expansion\ntype: seat\nmode: live\nsignals: {seat_limit: 80, seats_added: 20}\n"                    \
  "gates: [{name: any, require: 'true'}]\nscore: {threshold: 40}\nestimate: account.acv * 0.5\n"                               \
  "floor: estimate > 0.15 * account.acv\nroute: r\n" rest
/* For plays that are not about readiness. */
#define READY "readiness: default\ndecides: false\n"

#endif
