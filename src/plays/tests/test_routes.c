/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a lead: the default rules of engagement, rows, absences, pools, gaps. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "plays/tests/routing.h"

/* ---- the rules of engagement, as etc/routes answers them ---- */

#define ASK(name, motion, type, route)                                                                                         \
  "play: " name "\nmotion: " motion "\ntype: " type "\nfamily: " name "\nmode: live\nsignals: {seat_limit: 100}\n"             \
  "gates: [{name: g, require: account.arr > 0}]\nscore: {threshold: 40}\nestimate: account.acv\nfloor: 'true'\n"               \
  "route: " route "\n---\n"

static const char questions[] =
    ASK("seats", "expansion", "seat", "expansion-owner") ASK("usage", "expansion", "usage", "expansion-owner")
        ASK("module", "expansion", "cross_sell", "expansion-owner") ASK("tier", "expansion", "tier", "expansion-owner")
            ASK("other", "expansion", "any", "expansion-owner") ASK("churn", "renewal", "risk", "risk-owner")
                ASK("cap", "expansion", "usage", "adoption-owner") ASK("executive", "renewal", "any", "executive-owner")
                    ASK("lost", "revival", "any", "revival-owner") ASK("unclear", "renewal", "any", "judgement")
                        ASK("tiny", "expansion", "seat", "csm-self-serve") ASK("training", "renewal", "any", "users")
                            ASK("price", "renewal", "any", "economic-buyers") ASK("order", "expansion", "seat", "csm-order");

/* acv is what the plays above estimate. */
#define TEAM "\"ae\":\"alma\",\"am\":\"mia\",\"csm\":\"carl\",\"bdr\":\"bo\",\"owner\":\"ove\""
#define SMALL "{\"acv\":6000,\"arr\":90000,\"start\":\"2025-01-01\"," TEAM "}"
#define LARGE "{\"acv\":24000,\"arr\":90000,\"start\":\"2025-01-01\"," TEAM "}"
#define EDGE "{\"acv\":10000,\"arr\":90000,\"start\":\"2025-01-01\"," TEAM "}"
#define NEW "{\"acv\":24000,\"arr\":90000,\"start\":\"2025-11-01\"," TEAM "}"
#define DAY_90 "{\"acv\":6000,\"arr\":90000,\"start\":\"2025-10-07\"," TEAM "}" /* 90 days before 2026-01-05 */
#define NOBODY "{\"acv\":24000,\"arr\":90000,\"start\":\"2025-01-01\",\"bdr\":\"bo\"}"

struct answer {
  const char *vendor, *play, *account, *role, *owner;
  bool csm;
  const char *note; /* begins so */
};
static const struct answer answers[] = {
    /* under 5M the AE owns all, and the CSM of an expansion is told */
    {"3M", "seats", SMALL, "ae", "alma", true, "while we are small"},
    {"3M", "module", LARGE, "ae", "alma", true, "while we are small"},
    {"3M", "churn", LARGE, "ae", "alma", false, "while we are small"},
    {"3M", "cap", SMALL, "ae", "alma", true, "while we are small"},
    {"4.99M", "usage", SMALL, "ae", "alma", true, "while we are small"},
    /* 5M to 20M: the CSM identifies, an AE closes above 10K */
    {"5M", "seats", SMALL, "csm", "carl", false, "a small addition"},
    {"10M", "seats", SMALL, "csm", "carl", false, "a small addition"},
    {"10M", "usage", SMALL, "csm", "carl", false, "a small addition"},
    {"10M", "seats", LARGE, "ae", "alma", true, "a larger addition is a deal"},
    {"10M", "seats", EDGE, "ae", "alma", true, "a larger addition is a deal"},
    {"10M", "usage", LARGE, "ae", "alma", true, "a larger addition is a deal"},
    /* a new module, whatever its size; another plan from 10K on */
    {"10M", "module", SMALL, "ae", "alma", true, "another plan or a new module"},
    {"10M", "tier", LARGE, "ae", "alma", true, "another plan or a new module"},
    {"10M", "tier", SMALL, "csm", "carl", false, "a customer's small step"},
    {"25M", "tier", SMALL, "csm", "carl", false, "a customer's small step"},
    /* what is no more than 15 % of the contract */
    {"3M", "order", LARGE, "ae", "alma", true, "while we are small"},
    {"25M", "order", LARGE, "csm", "carl", false, "an addition of no more than"},
    {"10M", "other", LARGE, "owner", "ove", true, "whatever is left"},
    /* upsells in the first 90 days after close */
    {"10M", "seats", NEW, "ae", "alma", true, "in the first 90 days"},
    {"10M", "module", NEW, "ae", "alma", true, "in the first 90 days"},
    {"10M", "seats", DAY_90, "csm", "carl", false, "a small addition"},
    /* above it a dedicated AM; where that begins is one setting, 15M */
    {"14.9M", "seats", LARGE, "ae", "alma", true, "a larger addition is a deal"},
    {"15M", "seats", LARGE, "am", "mia", true, "where customers have a dedicated"},
    {"25M", "module", SMALL, "am", "mia", true, "where customers have a dedicated"},
    {"25M", "seats", SMALL, "csm", "carl", false, "a small addition"},
    /* churn conversations */
    {"10M", "churn", LARGE, "csm", "carl", false, "a churn conversation"},
    {"25M", "churn", SMALL, "csm", "carl", false, "a churn conversation"},
    /* usage cap */
    {"10M", "cap", SMALL, "csm", "carl", false, "at a usage cap"},
    {"10M", "cap", LARGE, "ae", "alma", true, "a cap that only a larger contract lifts"},
    {"25M", "cap", LARGE, "am", "mia", true, "a cap that only a larger contract lifts"},
    /* a new executive */
    {"10M", "executive", LARGE, "am", "mia", true, "the account manager meets"},
    {"10M", "executive", NOBODY, "operator", "operator", true, "the account manager meets"},
    /* users, economic buyers */
    {"10M", "training", LARGE, "csm", "carl", false, "users talk with the CSM"},
    {"10M", "price", LARGE, "ae", "alma", true, "economic buyers talk with the AE"},
    {"25M", "price", LARGE, "am", "mia", true, "where customers have a dedicated"},
    /* lost deals, and the BDR */
    {"10M", "lost", LARGE, "ae", "alma", false, "a lost deal goes back"},
    {"10M", "lost", NOBODY, "bdr", "bo", false, "a BDR comes in only where"},
    /* ambiguous, and the smallest */
    {"10M", "unclear", LARGE, "csm", "carl", false, "an ambiguous signal"},
    {"10M", "tiny", SMALL, "csm", "carl", false, "a small contract"},
};

static const char *text_of(const json_t *o, const char *key)
{
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static void check_answer(const struct answer *a)
{
  char *dir = config_dir_default_routes(questions, a->vendor);
  struct world w = {.now = MONDAY};
  json_t *why;
  const json_t *route;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", a->account);
  why = routing_why(&w, "a", a->play);
  route = json_object_get(why, "route");
  if (strcmp(text_of(route, "role"), a->role) != 0 || strcmp(text_of(route, "owner"), a->owner) != 0 ||
      json_is_true(json_object_get(route, "csm_required")) != a->csm ||
      strncmp(text_of(route, "note"), a->note, strlen(a->note)) != 0) {
    char *got = json_dumps(route, JSON_INDENT(2));
    fail_msg("%s at %s: expected %s (%s), csm %d, \"%s\"; got %s", a->play, a->vendor, a->role, a->owner, a->csm, a->note, got);
  }
  json_decref(why);
  world_close(&w);
  config_remove(dir);
}

static void the_rules_of_engagement_are_answered(void **state)
{
  size_t i;
  (void)state;
  for (i = 0; i < sizeof answers / sizeof *answers; i++)
    check_answer(&answers[i]);
}

/* ---- columns ---- */

#define ROLES "roles: {csm: account.csm, ae: account.ae, bdr: account.bdr}\n---\n"

static void a_skipped_row_says_why(void **state)
{
  static const char routes[] =
      "settings: {vendor_size: 8M}\n---\n" ROLES "route: r\nrows:\n"
      "- {vendor_size: \"< 5M\", to: csm}\n- {motion: expansion, to: csm}\n- {type: [seat, tier], to: csm}\n"
      "- {segment: [smb], to: csm}\n- {size: \"< 10K\", to: csm}\n- {tenure: \"< 90d\", to: csm}\n"
      "- {estimate: \"> 1M\", to: csm}\n- {when: account.employees > 5, to: csm}\n- {segment: [Mid, large], estimate: "
      "\"1K..1M\", to: ae}\n";
  static const char *const says[] = {"our own size (vendor_size) is 8,000,000; the row is for < 5M",
                                     "the motion is renewal; the row is for expansion",
                                     "the type is risk; the row is for seat or tier",
                                     "the segment is mid; the row is for smb",
                                     "the account's size (ARR) is 90,000; the row is for < 10K",
                                     "the tenure is 369.3 days; the row is for < 90d",
                                     "the estimate is 24,000; the row is for > 1M",
                                     "a value is missing (account.employees: an account record with traits.employees)"};
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"), routes);
  struct world w = {.now = MONDAY};
  json_t *why;
  const json_t *route, *skipped;
  size_t i;
  (void)state;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", "{\"acv\":24000,\"arr\":90000,\"start\":\"2025-01-01\",\"segment\":\"mid\",\"ae\":\"alma\"}");
  why = routing_why(&w, "a", "p");
  route = json_object_get(why, "route");
  skipped = json_object_get(route, "skipped");
  assert_int_equal(json_integer_value(json_object_get(route, "row")), 9);
  assert_int_equal(json_array_size(skipped), 8);
  assert_string_equal(text_of(route, "why"), "segment mid; estimate 24,000 (1K..1M)");
  for (i = 0; i < 8; i++)
    assert_string_equal(text_of(json_array_get(skipped, i), "why"), says[i]);
  json_decref(why);
  world_close(&w);
  config_remove(dir);
}

/* ---- people ---- */

#define CUSTOMER(csm) "{\"acv\":24000,\"arr\":24000,\"start\":\"2024-01-01\",\"csm\":\"" csm "\",\"owner\":\"ove\"}"
#define RISK_ROUTES "roles: {csm: account.csm, owner: account.owner}\n---\nroute: r\nrows: [{to: csm}]\nfallback: [owner]\n"

static void check_owner(const char *people, int64_t now, const char *owner, const char *role, const char *note)
{
  char *routes BW_AUTOFREE = bw_asprintf("people:\n%s---\n" RISK_ROUTES, people);
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"), routes);
  struct world w = {.now = now};
  const struct bw_lead *l;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", CUSTOMER("Anna Berg"));
  world_tick(&w, now + BW_HOUR);
  l = routing_lead(&w, "a");
  if (strcmp(l->owner, owner) != 0 || strcmp(l->owner_role, role) != 0 || strcmp(l->owner_note, note) != 0)
    fail_msg("%s\nexpected %s (%s) %s; got %s (%s) %s", people, owner, role, note, l->owner, l->owner_role, l->owner_note);
  world_close(&w);
  config_remove(dir);
}

#define ANNA "- {email: anna@x, name: Anna Berg, away: [{from: 2026-01-05, to: 2026-01-09}], delegate: ben@x}\n"
#define ANNA_ALONE "- {email: anna@x, name: Anna Berg, away: [{from: 2026-01-05, to: 2026-01-09}]}\n"
#define AWAY ", away: [{from: 2026-01-01, to: 2026-02-01}]"
#define FOR_ANNA "for anna@x (away until 2026-01-09)"

static void somebody_stands_in(void **state)
{
  (void)state;
  check_owner(ANNA "- {email: ben@x}\n", MONDAY, "ben@x", "csm", FOR_ANNA);
  /* the last day away counts to its end; a name in the records is the person's e-mail from here on */
  check_owner(ANNA "- {email: ben@x}\n", MONDAY + 4 * BW_DAY, "ben@x", "csm", FOR_ANNA);
  check_owner(ANNA "- {email: ben@x}\n", MONDAY + 5 * BW_DAY, "anna@x", "csm", "");
  check_owner(ANNA "- {email: ben@x}\n", MONDAY - BW_DAY, "anna@x", "csm", "");
  /* days are those of where she is: it is Monday there from Sunday, 15 h on */
#define ANNA_IN_TOKYO                                                                                                          \
  "- {email: anna@x, name: Anna Berg, timezone: Asia/Tokyo, away: [{from: 2026-01-05, to: 2026-01-09}], delegate: ben@x}\n"    \
  "- {email: ben@x}\n"
  check_owner(ANNA_IN_TOKYO, bw_day_time(20458) - 11 * BW_HOUR, "anna@x", "csm", "");
  check_owner(ANNA_IN_TOKYO, bw_day_time(20458) - 10 * BW_HOUR, "ben@x", "csm", FOR_ANNA);
  check_owner(ANNA_IN_TOKYO, bw_day_time(20463) - 10 * BW_HOUR, "anna@x", "csm", "");
  /* a chain, of at most five */
  check_owner(ANNA "- {email: ben@x, delegate: c@x" AWAY "}\n- {email: c@x}\n", MONDAY, "c@x", "csm", FOR_ANNA);
  check_owner(ANNA "- {email: ben@x, delegate: c@x" AWAY "}\n- {email: c@x, delegate: d@x" AWAY
                   "}\n- {email: d@x, delegate: e@x" AWAY "}\n- {email: e@x, delegate: f@x" AWAY "}\n- {email: f@x}\n",
              MONDAY, "f@x", "csm", FOR_ANNA);
  check_owner(ANNA "- {email: ben@x, delegate: c@x" AWAY "}\n- {email: c@x, delegate: d@x" AWAY
                   "}\n- {email: d@x, delegate: e@x" AWAY "}\n- {email: e@x, delegate: f@x" AWAY
                   "}\n- {email: f@x, delegate: g@x" AWAY "}\n- {email: g@x}\n",
              MONDAY, "ove", "owner", FOR_ANNA);
  /* nobody: the fallback role */
  check_owner(ANNA_ALONE, MONDAY, "ove", "owner", FOR_ANNA);
  /* and nobody there either: the operator */
  check_owner(ANNA_ALONE "- {email: ove@x, name: ove" AWAY "}\n", MONDAY, "operator", "operator", FOR_ANNA);
}

static void an_open_lead_stays_with_who_has_it(void **state)
{
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"), "people:\n" ANNA "- {email: ben@x}\n---\n" RISK_ROUTES);
  struct world w = {.now = MONDAY};
  int day;
  (void)state;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", CUSTOMER("anna@x"));
  world_tick(&w, MONDAY + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a")->owner, "ben@x");
  assert_string_equal(routing_lead(&w, "a")->owner_for, "anna@x");
  for (day = 1; day < 14; day++) { /* anna is back, and the numbers move so that the lead is written anew */
    char traits[64];
    snprintf(traits, sizeof traits, "{\"acv\":%d}", 24000 + 3000 * day);
    w.now = MONDAY + day * BW_DAY;
    world_account(&w, "a", traits);
    world_tick(&w, w.now + BW_HOUR);
  }
  assert_true(routing_lead(&w, "a")->estimate > 60000);
  assert_string_equal(routing_lead(&w, "a")->owner, "ben@x");
  assert_string_equal(routing_lead(&w, "a")->owner_note, FOR_ANNA);
  /* the account is given to somebody else: its lead goes along */
  world_account(&w, "a", "{\"csm\":\"cleo\"}");
  world_tick(&w, w.now + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a")->owner, "cleo");
  assert_string_equal(routing_lead(&w, "a")->owner_note, "");
  world_close(&w);
  config_remove(dir);
}

/* ---- pools ---- */

#define POOL(people, by)                                                                                                       \
  people "roles:\n  csm: [account.csm, {pool: {members: [a@x, b@x, c@x], by: " by "}}]\n---\nroute: r\nrows: [{to: csm}]\n"
#define ALONE "{\"acv\":24000,\"arr\":24000,\"start\":\"2024-01-01\"}"
static const char pool_people[] =
    "people:\n- {email: a@x}\n- {email: b@x, away: [{from: 2026-01-07, to: 2026-01-07}]}\n- {email: c@x}\n---\n";

static char *pool_routes(const char *by)
{
  return bw_asprintf("%sroles:\n  csm: [account.csm, {pool: {members: [a@x, b@x, c@x], by: %s}}]\n---\nroute: r\nrows: [{to: "
                     "csm}]\n",
                     pool_people, by);
}

/* One account after another; its lead's owner. */
static void deal(struct world *w, const char *id, const char *owner)
{
  routing_account(w, id, ALONE);
  world_tick(w, w->now + BW_MINUTE);
  if (strcmp(routing_lead(w, id)->owner, owner) != 0)
    fail_msg("%s went to %s and not to %s", id, routing_lead(w, id)->owner, owner);
}

static void turns_are_taken(void **state)
{
  char *routes BW_AUTOFREE = pool_routes("round_robin");
  char *dir = config_dir(NULL, RISK_PLAY("p", "r") "---\n" RISK_PLAY("q", "r"), routes);
  char *db BW_AUTOFREE = bw_asprintf("%s/store.db", dir);
  struct world w = {.now = MONDAY};
  struct bw_error err = {0};
  (void)state;
  world_open(&w, dir, db);
  deal(&w, "a1", "a@x");
  json_decref(routing_why(&w, "a2", "p")); /* asking takes nobody's turn */
  deal(&w, "a2", "b@x");
  world_restart(&w, dir, db);
  deal(&w, "a3", "c@x");
  deal(&w, "a4", "a@x");
  w.now = MONDAY + 2 * BW_DAY; /* b is away */
  deal(&w, "a5", "c@x");
  deal(&w, "a6", "a@x");
  world_restart(&w, dir, db);
  w.now = MONDAY + 3 * BW_DAY;
  deal(&w, "a7", "b@x");
  /* the other play's lead of a5 comes later, and goes to whom the account's open lead is with */
  assert_int_equal(bw_lead_reject(w.engine, bw_str(routing_lead(&w, "a5")->id), BW_STR("no"), w.now, &err), 0);
  world_account(&w, "a5", "{\"csm\":\"\"}");
  world_tick(&w, w.now + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a5")->owner, "c@x");
  deal(&w, "a8", "c@x");
  world_close(&w);
  config_remove(dir);
}

static void two_families_of_an_account_have_one_owner(void **state)
{
  char *routes BW_AUTOFREE = pool_routes("round_robin");
  char *dir = config_dir(NULL, RISK_PLAY("p", "r") "---\n" RISK_PLAY("q", "r"), routes);
  struct world w = {.now = MONDAY};
  (void)state;
  world_open(&w, dir, NULL);
  deal(&w, "a1", "a@x"); /* two leads, one turn */
  assert_int_equal(w.opened, 2);
  assert_string_equal(bw_leads_find(w.engine, BW_STR("L2"))->owner, "a@x");
  deal(&w, "a2", "b@x");
  world_close(&w);
  config_remove(dir);
}

static void the_least_loaded_is_next(void **state)
{
  char *routes BW_AUTOFREE = pool_routes("least_loaded");
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"), routes);
  char *db BW_AUTOFREE = bw_asprintf("%s/store.db", dir);
  struct world w = {.now = MONDAY};
  struct bw_error err = {0};
  (void)state;
  world_open(&w, dir, db);
  deal(&w, "a1", "a@x");
  deal(&w, "a2", "b@x");
  deal(&w, "a3", "c@x");
  deal(&w, "a4", "a@x");
  assert_int_equal(bw_lead_reject(w.engine, bw_str(routing_lead(&w, "a3")->id), BW_STR("no"), w.now, &err), 0);
  world_restart(&w, dir, db);
  deal(&w, "a5", "c@x");
  deal(&w, "a6", "b@x");
  w.now = MONDAY + 2 * BW_DAY; /* a 2, b 2 and away, c 1 */
  deal(&w, "a7", "c@x");
  deal(&w, "a8", "a@x");
  deal(&w, "a9", "c@x");
  world_close(&w);
  config_remove(dir);
}

static void a_role_is_a_pool_by_itself(void **state)
{
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"),
                         "roles: {csm: {pool: {by: round_robin}}, ae: account.ae}\n---\npeople:\n- {email: a@x, roles: "
                         "[csm]}\n- {email: b@x, roles: [ae]}\n- {email: c@x, roles: [ae, csm]}\n---\n"
                         "route: r\nrows: [{to: csm}]\n");
  struct world w = {.now = MONDAY};
  struct bw_role_info info;
  (void)state;
  world_open(&w, dir, NULL);
  assert_true(bw_roles_at(w.plays, 0, &info) && info.pool && info.nmembers == 2);
  deal(&w, "a1", "a@x");
  deal(&w, "a2", "c@x");
  deal(&w, "a3", "a@x");
  world_close(&w);
  config_remove(dir);
}

/* ---- gaps ---- */

static void the_operator_hears_of_a_gap_once(void **state)
{
  char *dir = config_dir(NULL, RISK_PLAY("p", "r") "---\n" RISK_PLAY("q", "r"), "people:\n" ANNA_ALONE "---\n" RISK_ROUTES);
  char *db BW_AUTOFREE = bw_asprintf("%s/store.db", dir);
  struct world w = {.now = MONDAY};
  struct bw_error err = {0};
  (void)state;
  world_open(&w, dir, db);
  routing_account(&w, "a", "{\"acv\":24000,\"arr\":24000,\"start\":\"2024-01-01\"}");
  world_tick(&w, MONDAY + BW_HOUR);
  assert_int_equal(w.opened, 2);
  assert_string_equal(routing_lead(&w, "a")->owner, "operator");
  assert_int_equal(w.notices, 1); /* for two leads: one account, one reason */
  assert_int_equal(routing_said(&w, "account.csm: an account record with traits.csm would supply it; account.owner: an account "
                                    "record with traits.owner would supply it"),
                   3); /* the notice, and the reasons of both leads */
  world_restart(&w, dir, db);
  world_tick(&w, MONDAY + 2 * BW_HOUR);
  world_tick(&w, MONDAY + BW_DAY);
  assert_int_equal(w.notices, 1);
  /* the record comes: the operator's open leads go to whom they belong */
  world_account(&w, "a", "{\"csm\":\"cleo\"}");
  world_tick(&w, w.now + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a")->owner, "cleo");
  /* another reason is news */
  routing_account(&w, "b", "{\"acv\":24000,\"arr\":24000,\"start\":\"2024-01-01\",\"csm\":\"anna@x\"}");
  world_tick(&w, w.now + BW_HOUR);
  assert_int_equal(w.notices, 2);
  assert_int_equal(
      routing_said(&w, "Lead L3 of account b (play p, route r) has no owner but the operator: anna@x (away until "
                       "2026-01-09) and no delegate is there; account.owner: an account record with traits.owner would "
                       "supply it."),
      1);
  (void)err;
  world_close(&w);
  config_remove(dir);
}

static void no_row_is_a_gap_too(void **state)
{
  char *dir =
      config_dir(NULL, RISK_PLAY("p", "r"), "roles: {csm: account.csm}\n---\nroute: r\nrows: [{type: seat, to: csm}]\n");
  struct world w = {.now = MONDAY};
  (void)state;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", CUSTOMER("carl"));
  world_tick(&w, MONDAY + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a")->owner, "operator");
  assert_int_equal(routing_said(&w, "operator: no row of the route holds (a last row without conditions would)."), 1);
  world_close(&w);
  config_remove(dir);
}

/* A row that says operator is a decision, and no gap. */
static void the_operator_may_be_chosen(void **state)
{
  char *dir = config_dir(NULL, RISK_PLAY("p", "r"), "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: operator}]\n");
  struct world w = {.now = MONDAY};
  (void)state;
  world_open(&w, dir, NULL);
  routing_account(&w, "a", CUSTOMER("carl"));
  world_tick(&w, MONDAY + BW_HOUR);
  assert_string_equal(routing_lead(&w, "a")->owner, "operator");
  assert_int_equal(w.notices, 0);
  world_close(&w);
  config_remove(dir);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_rules_of_engagement_are_answered),
                                     cmocka_unit_test(a_skipped_row_says_why),
                                     cmocka_unit_test(somebody_stands_in),
                                     cmocka_unit_test(an_open_lead_stays_with_who_has_it),
                                     cmocka_unit_test(turns_are_taken),
                                     cmocka_unit_test(two_families_of_an_account_have_one_owner),
                                     cmocka_unit_test(the_least_loaded_is_next),
                                     cmocka_unit_test(a_role_is_a_pool_by_itself),
                                     cmocka_unit_test(the_operator_hears_of_a_gap_once),
                                     cmocka_unit_test(no_row_is_a_gap_too),
                                     cmocka_unit_test(the_operator_may_be_chosen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
