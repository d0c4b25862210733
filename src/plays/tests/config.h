/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of a few lines, for tests of what a play file can say, and questions about what why-not tells. */
#ifndef BW_PLAYS_TESTS_CONFIG_H
#define BW_PLAYS_TESTS_CONFIG_H

#include <jansson.h>

#include "plays/tests/world.h"

#define START INT64_C(1767600000000) /* 2026-01-05T08:00Z, a Monday */

/* A folder with plays/P.yaml, plays/_shared.yaml (where not NULL) and routes/r.yaml with the routes "r" (to the AE) and "care"
   (to the CSM). */
char *config(const char *shared, const char *plays);
void remove_dir(char *dir);
/* A quiet world of that configuration, at START. */
void open_with(struct world *w, const char *shared, const char *plays);
/* Loading says this; NULL: it is accepted. */
void refused(const char *shared, const char *plays, const char *says);
json_t *why(struct world *w, const char *account, const char *play);
/* Pairs of path ("gates.2.result") and expected text, until NULL; an expectation that begins with "~" is looked for within. */
void says(struct world *w, const char *account, const char *play, ...);
/* The same of JSON text. */
void tells(const char *json, ...);

#define PLAY(name, gates, rest)                                                                                                \
  "play: " name "\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: " gates                       \
  "\nscore: {threshold: 40}\nroute: r\n" rest
#define EXPANSION(name, rest)                                                                                                  \
  "play: " name "\nmotion: expansion\ntype: seat\nmode: live\nsignals: {seat_limit: 80, seats_added: 20}\n"                    \
  "gates: [{name: any, require: 'true'}]\nscore: {threshold: 40}\nestimate: account.acv * 0.5\n"                               \
  "floor: estimate > 0.15 * account.acv\nroute: r\n" rest
/* For plays that are not about readiness. */
#define READY "readiness: default\ndecides: false\n"

void decline(struct world *w, const char *account);
void full_seats(struct world *w, const char *account);

#endif
