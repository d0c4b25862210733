/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where batches end and when staged pieces are flushed must change nothing: every kind of event, late ones, users who move and
 * departments that come and go, counted in bites of several sizes; what is said and what is saved must be the same bytes.
 */
#include "base/test.h"

#include <stdio.h>

#include "base/time.h"

#include "../usage.h"
#include "world.h"

#define DAYS 150
#define OPTIONS                                                                                                                \
  (const char *const[])                                                                                                        \
  {                                                                                                                            \
    "meters=[{\"resource\": \"api\", \"event\": \"API Called\", \"quantity\": \"properties.count\", \"rate_window\": \"1m\"}," \
    "{\"resource\": \"disk\", \"event\": \"Stored\", \"quantity\": \"properties.count\", \"window\": \"gauge\"},"              \
    "{\"resource\": \"mail\", \"event\": \"Sent\", \"window\": \"month\"}]",                                                   \
        "workarounds=[{\"name\": \"round\", \"steps\": [{\"event\": \"Data Exported\"}, {\"event\": \"Imported\"}], "          \
        "\"within\": \"2h\", \"count\": 2, \"window\": \"7d\"}]",                                                              \
        "sign_ins=[\"Signed In\", {\"event\": \"Opened\", \"where\": {\"properties.how\": \"sso\"}}]",                         \
        "activity_kinds=[\"track\", \"page\", \"identify\"]", "new_department.unseen=20d", "new_department.history=10d", NULL  \
  }

/* One way to cut the same feed. */
struct cut {
  uint32_t flush_at, batch; /* batch: records in a call at most, drawn anew each time */
  uint64_t seed;
  bool restarts;
};

static void event(struct world *w, int day)
{
  static const char *const names[] = {"API Called", "Stored",         "Sent",         "Data Exported",  "Imported",
                                      "Signed In",  "Opened",         "Shared",       "Signed Up",      "Feature Used",
                                      "Work Done",  "Paywall Viewed", "Rate Limited", "Invite Blocked", "Workflow Run"};
  static const char *const fields[][3] = {
      {"p:count=#3", "p:department=sales"},  {"p:count=#900000000000"},     {"p:how=sso", "c:ip=10.0.0.1"},
      {"p:to=u3", "c:ip=10.0.0.2"},          {"p:to=friend@b.test"},        {"p:feature=maps", "p:department=law"},
      {"p:feature=charts", "c:ip=10.0.0.3"}, {"t:department=a department"}, {NULL}};
  static const char *const fresh[][2] = {{"p:department=d0"}, {"p:department=d1"}, {"p:department=d2"},
                                         {"p:department=d3"}, {"p:department=d4"}, {"p:department=d5"}}; /* one a month */
  static const uint32_t kinds[] = {BW_KIND_TRACK, BW_KIND_TRACK, BW_KIND_TRACK, BW_KIND_PAGE, BW_KIND_IDENTIFY};
  uint32_t account = world_random(w, 6), user = world_random(w, 20) + 6 * account;
  int late = world_random(w, 10) == 0 ? (int)world_random(w, world_random(w, 4) == 0 ? 120 : 3) : 0;
  if (day > DAYS / 2 && account == 1)
    account = 2; /* its users move */
  harness_put(&w->h, kinds[world_random(w, 5)], world_time(day - late, world_random(w, 600)), w->names[1000 + account],
              user % 13  ? w->names[user]
              : user % 2 ? ""
                         : "a.user.whose.name.is.rather.long.than.short@example.test",
              names[world_random(w, 15)], world_random(w, 3) ? fields[world_random(w, 9)] : fresh[day / 30]);
}

static uint32_t bite(uint64_t *rng, uint32_t most)
{
  *rng = *rng * UINT64_C(6364136223846793005) + 1;
  return 1 + (uint32_t)(*rng >> 33) % most;
}

static void open_cut(struct world *w, const struct cut *c, bool again, uint64_t seed)
{
  if (again)
    assert_int_equal(harness_restart(&w->h, OPTIONS, seed), 0);
  else
    assert_true(harness_open(&w->h, seed, OPTIONS));
  ((struct usage *)w->h.self)->stage.flush_at = c->flush_at;
}

static void run(struct world *w, const struct cut *c)
{
  uint64_t rng = c->seed;
  uint32_t i, left = bite(&rng, c->batch);
  int day;
  world_init(w, 4);
  w->h.keep_traits = true;
  open_cut(w, c, false, c->seed);
  for (day = 0; day < DAYS; day++) {
    if (day % 50 == 0)
      world_facts(w, day, BW_KIND_SUBSCRIPTION, w->names[1000 + day / 50],
                  (const char *const[]){"t:seats=#12", "t:limits.api=#500", "t:plan=pro", NULL});
    for (i = 0; i < 90; i++) {
      event(w, day);
      if (--left)
        continue;
      assert_int_equal(harness_flush(&w->h), 0);
      left = bite(&rng, c->batch);
      if (c->restarts && bite(&rng, 40) == 1)
        open_cut(w, c, true, rng);
    }
    if (day < 40 && day % 7 == 3)
      harness_tick(&w->h, bw_day_time(DAY0 + day) + 19 * BW_HOUR);
    if (day < 40 || day % 12 == 0) /* later, many days are staged together */
      world_tick(w, day);
  }
  for (i = 0; i < 50; i++) /* some are left in the stage when it is saved */
    event(w, DAYS);
  assert_int_equal(harness_flush(&w->h), 0);
}

static void where_it_is_cut_changes_nothing(void **state)
{
  static const struct cut cuts[] = {{FLUSH_AT, 4000, 1, false}, {0, 4000, 1, false}, {1, 1, 7, false},       {2, 3, 1, false},
                                    {97, 500, 99, false},       {1000, 64, 5, true}, {FLUSH_AT, 20, 3, true}};
  struct bw_buf first = {0}, other = {0};
  struct world a, b;
  uint32_t i;
  (void)state;
  run(&a, &cuts[0]);
  assert_int_equal(harness_save(&a.h, &first), 0);
  assert_true(a.h.said.len > 20000);
  for (i = 1; i < sizeof cuts / sizeof *cuts; i++) {
    run(&b, &cuts[i]);
    assert_int_equal(harness_save(&b.h, &other), 0);
    assert_int_equal(a.h.said.len, b.h.said.len);
    assert_memory_equal(a.h.said.data, b.h.said.data, a.h.said.len);
    assert_int_equal(first.len, other.len);
    assert_memory_equal(first.data, other.data, first.len);
    bw_buf_reset(&other);
    world_close(&b);
  }
  bw_buf_clear(&first);
  bw_buf_clear(&other);
  world_close(&a);
}

/* The order of pieces that the radix sort must keep, over numbers of accounts that need few and many bits. */
static void pieces_of_an_account_keep_their_order(void **state)
{
  static const uint32_t accounts[] = {1, 2, 5, 300, 5000};
  struct world w;
  uint32_t k, i, day = 0;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 1, OPTIONS));
  for (k = 0; k < 5; k++) {
    static char names[5000][12];
    for (i = 0; i < accounts[k]; i++) {
      (void)snprintf(names[i], sizeof names[i], "x%u", i);
      harness_put(&w.h, BW_KIND_TRACK, world_time((int)day, 0), names[i], "u", "Stored",
                  (const char *const[]){"p:count=#3", NULL}); /* a gauge: the last one stays */
      harness_put(&w.h, BW_KIND_TRACK, world_time((int)day, 1), names[i], "u", "Stored",
                  (const char *const[]){"p:count=#5", NULL});
    }
    assert_int_equal(harness_flush(&w.h), 0);
    stage_flush(w.h.self);
    for (i = 0; i < accounts[k]; i++) {
      struct usage *u = w.h.self;
      const struct account *a = bw_keyed_at(&u->accounts, i);
      const struct counter *c = counter_find(a->act, C_METER, 1);
      assert_non_null(c);
      assert_int_equal(bw_series_get(u->pool, &c->s, DAY0 + (int)day), 5);
    }
    day++;
  }
  world_close(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(where_it_is_cut_changes_nothing),
                                     cmocka_unit_test(pieces_of_an_account_keep_their_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
