/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet worlds of a few lines of configuration, and questions about what why-not tells. */
#ifndef BW_PLAYS_TESTS_CONFIG_H
#define BW_PLAYS_TESTS_CONFIG_H

#include <jansson.h>

#include "plays/tests/world.h"
#include "rules/tests/config.h"

#define START INT64_C(1767600000000) /* 2026-01-05T08:00Z, a Monday */

/* A quiet world of that configuration, at START. */
void open_with(struct world *w, const char *shared, const char *plays);
json_t *why(struct world *w, const char *account, const char *play);
/* Pairs of path ("gates.2.result") and expected text, until NULL; an expectation that begins with "~" is looked for within. */
void says(struct world *w, const char *account, const char *play, ...);
/* The same of JSON text. */
void tells(const char *json, ...);

void decline(struct world *w, const char *account);
void full_seats(struct world *w, const char *account);

#endif
