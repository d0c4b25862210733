/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Customers who number their users for themselves: "u1" is somebody else in each account.  It must be as if everybody had a
 * name of his own, few accounts or many, through restarts too.
 */
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

#include "../usage.h"
#include "world.h"

#define PEOPLE 9
#define DAYS 200

/* The names of all people of all accounts; alike: the same in each account. */
struct people {
  uint32_t accounts;
  bool alike;
  char names[40][PEOPLE][8];
};

static void name_people(struct people *p, uint32_t accounts, bool alike)
{
  uint32_t a, k;
  *p = (struct people){.accounts = accounts, .alike = alike};
  for (a = 0; a < accounts; a++)
    for (k = 0; k < PEOPLE; k++)
      (void)snprintf(p->names[a][k], sizeof p->names[a][k], "u%u", alike ? k : a * PEOPLE + k);
}

/* Each works most days, those of account 0 half as much from day 140 on; one account more begins every day. */
static void live(struct world *w, const struct people *p, int day)
{
  uint32_t a, k, n;
  for (a = 0; a < p->accounts && a <= (uint32_t)day; a++)
    for (k = 0; k < PEOPLE && !is_weekend(day); k++) {
      if (world_random(w, 10) < (a == 0 && day >= 140 ? 7 : 2))
        continue;
      for (n = 1 + world_random(w, a == 0 && day >= 140 ? 2 : 5); n > 0; n--)
        harness_put(&w->h, BW_KIND_TRACK, world_time(day, n + 20 * k), w->names[1000 + a], p->names[a][k], "Work Done", NULL);
    }
  assert_int_equal(harness_flush(&w->h), 0);
  world_tick(w, day);
}

static void run(struct world *w, const struct people *p, int restart_at)
{
  int day;
  world_init(w, 3);
  w->h.keep_traits = true;
  assert_true(harness_open(&w->h, 11, NULL));
  for (day = 0; day < DAYS; day++) {
    if (day == restart_at)
      assert_int_equal(harness_restart(&w->h, NULL, 12), 0);
    live(w, p, day);
  }
}

static void the_same_names_everywhere_are_no_merger(void **state)
{
  static const uint32_t accounts[] = {2, 5, 38};
  static const int restarts[] = {-1, 57};
  struct world own, alike;
  struct people p;
  uint32_t i, k;
  (void)state;
  for (i = 0; i < 3; i++) {
    name_people(&p, accounts[i], false);
    run(&own, &p, -1);
    assert_true(accounts[i] < 10 || harness_opened(&own.h, "usage_decline") > 0); /* what a false merger would hold back */
    name_people(&p, accounts[i], true);
    for (k = 0; k < 2; k++) {
      run(&alike, &p, restarts[k]);
      assert_string_equal(bw_buf_cstr(&alike.h.said), bw_buf_cstr(&own.h.said));
      world_close(&alike);
    }
    world_close(&own);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_names_everywhere_are_no_merger)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
