/* SPDX-License-Identifier: Apache-2.0 */
/* Route tables, roles and people as they are read: bands, rows that are compared, mistakes, the default table. */
#include "base/test.h"

#include <math.h>

#include "base/time.h"
#include "rules/tests/config.h"

#define ROLES "roles: {csm: account.csm, ae: account.ae, bdr: account.bdr}\n---\n"

static void bands_mean_what_they_say(void **state)
{
  static const struct {
    const char *column, *band;
    double lo, hi;
    bool lo_in, hi_in;
  } cases[] = {
      {"size", "< 10000", -INFINITY, 10000, false, false},
      {"size", "<= 10,000", -INFINITY, 10000, false, true},
      {"size", "<= 1,200,000.50", -INFINITY, 1200000.5, false, true},
      {"size", "< 10 K", -INFINITY, 10000, false, false},
      {"size", ">5M", 5e6, INFINITY, false, false},
      {"size", " >= 1.5M ", 1.5e6, INFINITY, true, false},
      {"size", "5M..20M", 5e6, 20e6, true, false},
      {"size", "10k .. 2B", 1e4, 2e9, true, false},
      {"estimate", "< big", -INFINITY, 50000, false, false},
      {"tenure", ">= 90d", 90.0 * BW_DAY, INFINITY, true, false},
      {"tenure", "2w..90d", 14.0 * BW_DAY, 90.0 * BW_DAY, true, false},
  };
  struct bw_catalog *catalog = facts_catalog(NULL);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *routes BW_AUTOFREE = bw_asprintf("settings: {big: 50K}\n---\n" ROLES "route: r\nrows: [{%s: \"%s\", to: csm}]\n",
                                           cases[i].column, cases[i].band);
    char *dir = config_dir(NULL, "", routes);
    struct bw_plays *p = config_load(dir, catalog);
    struct bw_route_row_info r;
    const struct bw_band *b;
    assert_true(bw_routes_at(p, 0, &r));
    b = cases[i].column[0] == 's' ? r.size : cases[i].column[0] == 'e' ? r.estimate : r.tenure;
    assert_true(b->set && b->lo_in == cases[i].lo_in && b->hi_in == cases[i].hi_in);
    assert_true((isinf(b->lo) && isinf(cases[i].lo)) || fabs(b->lo - cases[i].lo) < 1e-6);
    assert_true((isinf(b->hi) && isinf(cases[i].hi)) || fabs(b->hi - cases[i].hi) < 1e-6);
    bw_plays_free(&p);
    config_remove(dir);
  }
  bw_catalog_free(&catalog);
}

static void mistakes_are_named(void **state)
{
  static const struct {
    const char *routes, *says;
  } cases[] = {
      {ROLES "route: r\nrows: [{size: 10000, to: csm}]\n", "r.yaml:4:15: a band should stand here, in quotes"},
      {ROLES "route: r\nrows: [{size: \"10000\", to: csm}]\n", "a band begins with <, <=, > or >="},
      {ROLES "route: r\nrows: [{size: \"< tiny\", to: csm}]\n", "\"tiny\" is neither an amount"},
      {ROLES "route: r\nrows: [{size: \"20M..5M\", to: csm}]\n", "nothing is in this band"},
      {ROLES "route: r\nrows: [{size: \"< -5\", to: csm}]\n", "is neither an amount"},
      {ROLES "route: r\nrows: [{size: \"< 10.000\", to: csm}]\n",
       "r.yaml:4:15: \"10.000\" is no plain amount (where are its thousands, and where its decimals?); write it as 10000"},
      {ROLES "route: r\nrows: [{size: \"< 1,5K\", to: csm}]\n", "r.yaml:4:15: \"1,5K\" is no plain amount"},
      {ROLES "route: r\nrows: [{estimate: \"< 1,50\", to: csm}]\n", "r.yaml:4:19: \"1,50\" is no plain amount"},
      {ROLES "route: r\nrows: [{size: \"1.000..5.000\", to: csm}]\n", "\"1.000\" is no plain amount"},
      {ROLES "route: r\nrows: [{size: \"< 10 000 00\", to: csm}]\n", "\"10 000 00\" is no plain amount; write"},
      {"settings: {big: 50.000}\n", "\"50.000\" is no plain amount"},
      {ROLES "route: r\nrows: [{tenure: \"< 90\", to: csm}]\n", "\"90\" is not a duration such as 90d"},
      {ROLES "route: r\nrows: [{vendor_size: \"< 5M\", to: csm}]\n", "needs the size of your own company"},
      {ROLES "route: r\nrows: [{segmnt: smb, to: csm}]\n", "unknown key \"segmnt\"; did you mean segment?"},
      {ROLES "route: r\nrows: [{motion: [expansion, up], to: csm}]\n", "a motion should stand here"},
      {"settings: {big: lots}\n", "\"lots\" is neither an amount"},
      {"settings: {Big: 5}\n", "has a name of its own, of small letters"},
      {"people:\n- {email: anna}\n", "\"anna\" is not an e-mail address"},
      {"people:\n- {name: Anna}\n", "\"email\" is missing"},
      {"people:\n- {email: a@x, away: [{from: 2026-02-01, to: 2026-01-01}]}\n", "the absence ends before it begins"},
      {"people:\n- {email: a@x, timezone: Europe/Berln}\n", "2:26: there is no time zone \"Europe/Berln\""},
      {"people:\n- {email: a@x, away: [{from: soon, to: 2026-01-01}]}\n", "\"from\" should be a day such as 2026-12-05"},
      {"people:\n- {email: a@x, delegate: b@x}\n", "r.yaml:2:3: the delegate \"b@x\" of a@x is not listed"},
      {"people:\n- {email: a@x, delegate: b@x}\n- {email: b@x, delegate: a@x}\n", "stand in for each other in a circle"},
      {"people:\n- {email: a@x, delegate: a@x}\n", "stand in for each other in a circle"},
      {"people:\n- {email: a@x, name: Ann}\n- {email: b@x, slack: ann}\n", "two people are called \"ann\""},
      {"people:\n- {email: a@x, capacity: -1}\n", "\"capacity\" is how many new leads a day"},
      {"people:\n- {email: a@x, roles: [aee]}\n", "a@x has the role \"aee\", which is not listed"},
      {"roles: {bdr: {pool: {by: chance, members: [a@x]}}}\n", "\"by\" is round_robin (each in turn) or least_loaded"},
      {"roles: {bdr: {pool: {by: round_robin}}}\n", "the pool of the role bdr is empty"},
      {"roles: {bdr: {pool: {members: [a@x, a@x]}}}\n", "\"a@x\" is in the pool twice"},
      {"roles: {bdr: {pool: {members: [b@x]}}}\n---\npeople:\n- {email: a@x}\n",
       "\"b@x\" in the pool of the role bdr is not listed"},
      {"roles: {bdr: [{pool: {members: [a@x]}}, account.bdr]}\n", "the pool is the last place to look"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    refused(NULL, "", cases[i].routes, cases[i].says);
}

static void rows_are_compared(void **state)
{
  static const struct {
    const char *first, *second;
    enum bw_route_relation relation;
  } cases[] = {
      {"to: csm", "type: seat, to: ae", BW_ROUTES_COVERS},
      {"type: seat, to: csm", "to: ae", BW_ROUTES_OVERLAP},
      {"type: seat, to: csm", "type: tier, to: ae", BW_ROUTES_APART},
      {"type: [seat, tier], to: csm", "type: tier, to: ae", BW_ROUTES_COVERS},
      {"size: \"< 10K\", to: csm", "size: \">= 10K\", to: ae", BW_ROUTES_APART},
      {"size: \"<= 10K\", to: csm", "size: \">= 10K\", to: ae", BW_ROUTES_OVERLAP},
      {"size: \"< 10K\", to: csm", "size: \"1K..10K\", to: ae", BW_ROUTES_COVERS},
      {"size: \"< 10K\", to: csm", "size: \"<= 10K\", to: ae", BW_ROUTES_OVERLAP},
      {"size: \"< 10K\", to: csm", "type: seat, to: ae", BW_ROUTES_OVERLAP}, /* an account of unknown size reaches the second */
      {"when: account.arr > 5, to: csm", "to: ae", BW_ROUTES_OVERLAP},
      {"when: account.arr > 5, to: csm", "when: account.arr > 5, type: seat, to: ae", BW_ROUTES_COVERS},
      {"segment: smb, to: csm", "segment: SMB, to: ae", BW_ROUTES_COVERS},
      {"vendor_size: \"< 5M\", to: csm", "to: ae", BW_ROUTES_APART}, /* it is not for us */
      {"vendor_size: \"> 5M\", to: csm", "to: ae", BW_ROUTES_COVERS},
  };
  struct bw_catalog *catalog = facts_catalog(NULL);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *routes BW_AUTOFREE = bw_asprintf("settings: {vendor_size: 8M}\n---\n" ROLES "route: r\nrows:\n- {%s}\n- {%s}\n",
                                           cases[i].first, cases[i].second);
    char *dir = config_dir(NULL, "", routes);
    struct bw_plays *p = config_load(dir, catalog);
    if (bw_routes_compare(p, 0, 1) != cases[i].relation)
      fail_msg("%s | %s: %d", cases[i].first, cases[i].second, bw_routes_compare(p, 0, 1));
    bw_plays_free(&p);
    config_remove(dir);
  }
  bw_catalog_free(&catalog);
}

/* Every row says its rule in words, and none is hidden behind an earlier one. */
static void the_default_table_has_no_dead_row(void **state)
{
  static const char *const vendors[] = {"3M", "10M", "25M"};
  struct bw_catalog *catalog = facts_catalog(NULL);
  size_t v, i, j, taken = 0;
  (void)state;
  for (v = 0; v < 3; v++) {
    char *dir = config_dir_default_routes("", vendors[v]);
    struct bw_plays *p = config_load(dir, catalog);
    struct bw_route_row_info r;
    for (i = 0; bw_routes_at(p, i, &r); i++) {
      if (!r.note[0])
        fail_msg("%s:%u has no note", r.file, r.line);
      taken += !r.never;
      for (j = 0; j < i; j++)
        if (bw_routes_compare(p, j, i) == BW_ROUTES_COVERS && v == 1)
          fail_msg("%s:%u is never reached", r.file, r.line);
    }
    assert_true(i > 15);
    bw_plays_free(&p);
    config_remove(dir);
  }
  assert_true(taken > 40);
  bw_catalog_free(&catalog);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bands_mean_what_they_say),
      cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(rows_are_compared),
      cmocka_unit_test(the_default_table_has_no_dead_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
