/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of routing and budgets share: a play, and answers taken apart. */
#ifndef BW_PLAYS_TESTS_ROUTING_H
#define BW_PLAYS_TESTS_ROUTING_H

#include <jansson.h>

#include "plays/tests/world.h"
#include "rules/tests/config.h"

#define MONDAY INT64_C(1767600000000) /* 2026-01-05T08:00Z */

/* A play that one open seat_limit fires, worth account.acv a year. */
#define RISK_PLAY(name, route)                                                                                                 \
  "play: " name "\nmotion: renewal\ntype: risk\nfamily: " name "\nmode: live\nsignals: {seat_limit: 100}\n"                    \
  "gates: [{name: may be contacted, require: '!account.do_not_contact'}]\nscore: {threshold: 40}\n"                            \
  "estimate: account.acv\nsuppress: 30d\nsla: 4h\nroute: " route "\n"

/* An account with an open seat_limit. */
void routing_account(struct world *w, const char *id, const char *traits_json);
const struct bw_lead *routing_lead(struct world *w, const char *account);
/* What the play would decide now: an object, with "route" in it. */
json_t *routing_why(struct world *w, const char *account, const char *play);
/* How often `what` stands in the log. */
size_t routing_said(struct world *w, const char *what);

#endif
