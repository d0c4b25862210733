/* SPDX-License-Identifier: Apache-2.0 */
/* The de-duplication window against a plain list. */
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "ingest/dedup.h"

static const struct bw_dedup_options options = {.window_ms = 1000, .limit = 0, .key = "0123456789abcde"};

static void test_window(void **state)
{
  struct bw_dedup *d = bw_dedup_new(&options);
  struct bw_dedup_stats s;
  (void)state;
  assert_true(bw_dedup_add(d, BW_STR("a"), 0));
  assert_false(bw_dedup_add(d, BW_STR("a"), 0));
  assert_false(bw_dedup_add(d, BW_STR("a"), 999));
  assert_true(bw_dedup_add(d, BW_STR("a"), 1000)); /* the window counts from the first arrival */
  assert_true(bw_dedup_add(d, BW_STR("b"), 500));  /* a clock that went back */
  assert_false(bw_dedup_add(d, BW_STR("b"), 1999));
  assert_true(bw_dedup_add(d, BW_STR("b"), 2000));
  assert_true(bw_dedup_add(d, BW_STR(""), 2000));
  assert_true(bw_dedup_add(d, BW_STR(""), 2000));
  bw_dedup_stats(d, &s);
  assert_int_equal(s.duplicates, 3);
  assert_int_equal(s.held, 1);
  assert_int_equal(s.evicted, 0);
  bw_dedup_free(&d);
  assert_null(d);
}

static void test_rollback(void **state)
{
  struct bw_dedup *d = bw_dedup_new(&options);
  (void)state;
  assert_true(bw_dedup_add(d, BW_STR("a"), 0));
  bw_dedup_committed(d);
  assert_true(bw_dedup_add(d, BW_STR("b"), 0));
  assert_true(bw_dedup_add(d, BW_STR("c"), 0));
  bw_dedup_rolled_back(d);
  assert_false(bw_dedup_add(d, BW_STR("a"), 0));
  assert_true(bw_dedup_add(d, BW_STR("c"), 0));
  assert_true(bw_dedup_add(d, BW_STR("b"), 0));
  bw_dedup_committed(d);
  bw_dedup_rolled_back(d);
  assert_false(bw_dedup_add(d, BW_STR("b"), 0));
  bw_dedup_free(&d);
}

static void test_limit(void **state)
{
  struct bw_dedup_options o = options;
  struct bw_dedup *d;
  struct bw_dedup_stats s;
  char id[32];
  int i;
  (void)state;
  o.limit = 3000;
  d = bw_dedup_new(&o);
  for (i = 0; i < 5000; i++) {
    (void)snprintf(id, sizeof id, "id-%d", i);
    assert_true(bw_dedup_add(d, bw_str(id), 0));
  }
  bw_dedup_stats(d, &s);
  assert_int_equal(s.held, 3000);
  assert_int_equal(s.evicted, 2000);
  assert_true(bw_dedup_add(d, BW_STR("id-1999"), 0)); /* the oldest went; this takes the place of 2000 */
  assert_true(bw_dedup_add(d, BW_STR("id-2000"), 0));
  assert_false(bw_dedup_add(d, BW_STR("id-4999"), 0));
  bw_dedup_free(&d);
}

/* Random adds, commits and rollbacks against an array that remembers everything. */
static void test_model(void **state)
{
  enum { IDS = 400, ROUNDS = 60000 };
  static int64_t arrived[IDS]; /* -1: not held */
  static bool uncommitted[IDS];
  struct bw_dedup *d = bw_dedup_new(&options);
  uint64_t x = 7;
  int64_t now = 0;
  int i, k;
  (void)state;
  for (k = 0; k < IDS; k++)
    arrived[k] = -1;
  for (i = 0; i < ROUNDS; i++) {
    char id[16];
    bool known;
    x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    k = (int)(x >> 40) % IDS;
    now += (int64_t)((x >> 33) % 4);
    (void)snprintf(id, sizeof id, "%d", k);
    known = arrived[k] >= 0 && now - arrived[k] < options.window_ms;
    assert_int_equal(bw_dedup_add(d, bw_str(id), now), !known);
    if (!known) {
      arrived[k] = now;
      uncommitted[k] = true;
    }
    if ((x >> 20) % 50 == 0) {
      bool keep = (x >> 30) % 2;
      if (keep)
        bw_dedup_committed(d);
      else
        bw_dedup_rolled_back(d);
      for (k = 0; k < IDS; k++) {
        if (uncommitted[k] && !keep)
          arrived[k] = -1;
        uncommitted[k] = false;
      }
    }
  }
  bw_dedup_free(&d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_window), cmocka_unit_test(test_rollback),
                                     cmocka_unit_test(test_limit), cmocka_unit_test(test_model)};
  return cmocka_run_group_tests_name("ingest/dedup", tests, NULL, NULL);
}
