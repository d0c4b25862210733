/* SPDX-License-Identifier: Apache-2.0 */
/* The SDK's parts against simple models, known answers, and bad input. */
#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/sdk.h"

static uint64_t rng = 11;
static uint32_t below(uint32_t n)
{
  rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(rng >> 33) % n;
}

/* Random adds and sets of all widths against a plain array. */
static void a_series_agrees_with_an_array(void **state)
{
  static uint64_t model[400];
  struct bw_pool *pool = bw_pool_new();
  struct bw_series s = {0};
  int32_t base = 18000, from, to, i;
  uint64_t sum, max;
  uint32_t step, days;
  (void)state;
  for (step = 0; step < 20000; step++) {
    int32_t d = (int32_t)below(400);
    uint64_t v = (uint64_t)below(1u << (below(30) + 1)) << (below(40) == 0 ? 20 : 0);
    if (below(4) == 0) {
      bw_series_set(pool, &s, base + d, v);
      model[d] = v;
    } else {
      bw_series_add(pool, &s, base + d, (int64_t)v);
      model[d] += v;
    }
    from = (int32_t)below(400);
    to = from + (int32_t)below(400 - (uint32_t)from);
    for (i = from, sum = max = days = 0; i <= to; i++) {
      sum += model[i];
      max = model[i] > max ? model[i] : max;
      days += model[i] != 0;
    }
    assert_true(bw_series_sum(pool, &s, base + from, base + to) == sum);
    assert_true(bw_series_max(pool, &s, base + from, base + to) == max);
    assert_int_equal(bw_series_days(pool, &s, base + from, base + to), days);
    assert_true(bw_series_get(pool, &s, base + d) == model[d]);
  }
  bw_series_clear(pool, &s);
  bw_pool_free(&pool);
}

static void a_series_forgets_what_is_too_old(void **state)
{
  struct bw_pool *pool = bw_pool_new();
  struct bw_series s = {.keep = 3};
  (void)state;
  bw_series_add(pool, &s, 1000, 5);
  bw_series_add(pool, &s, 1031, 7);
  bw_series_add(pool, &s, 1120, 1);
  assert_true(bw_series_sum(pool, &s, 0, 2000) == 1);
  bw_series_add(pool, &s, 900, 5); /* too late to be kept */
  bw_series_add(pool, &s, -4, 5);
  bw_series_add(pool, &s, BW_SERIES_DAY_MAX + 1, 5);
  assert_true(bw_series_sum(pool, &s, -100, BW_SERIES_DAY_MAX + 100) == 1);
  bw_series_add(pool, &s, 1120, -9); /* never below zero */
  assert_true(bw_series_get(pool, &s, 1120) == 0);
  bw_series_add(pool, &s, 60000, 2);
  assert_true(bw_series_sum(pool, &s, 0, 65000) == 2);
  bw_series_clear(pool, &s);
  bw_pool_free(&pool);
}

static void names_keep_their_numbers(void **state)
{
  struct bw_intern t;
  char name[600];
  uint32_t i;
  (void)state;
  bw_intern_init(&t, 99, 3000);
  for (i = 1; i <= 3000; i++) {
    (void)snprintf(name, sizeof name, "name-%u-%0*u", i, i % 60 + 1, 0);
    assert_int_equal(bw_intern_get(&t, bw_str(name)), i);
  }
  for (i = 1; i <= 3000; i++) {
    (void)snprintf(name, sizeof name, "name-%u-%0*u", i, i % 60 + 1, 0);
    assert_int_equal(bw_intern_find(&t, bw_str(name)), i);
    assert_true(bw_str_is(bw_intern_str(&t, i), name));
  }
  assert_int_equal(bw_intern_get(&t, BW_STR("one more")), 0);
  assert_int_equal(t.refused, 1);
  assert_int_equal(bw_intern_find(&t, BW_STR("unknown")), 0);
  bw_intern_clear(&t);
}

/* Threshold 0.9, clear 0.85, for 2 days, cooldown 5. */
static void a_detector_has_hysteresis(void **state)
{
  static const struct {
    double value;
    int known, step;
  } days[] = {{.5, BW_KNOWN, 0},  {.95, BW_KNOWN, 0}, {.5, BW_KNOWN, 0},  {.9, BW_KNOWN, 0},  {.91, BW_KNOWN, 1},
              {.86, BW_KNOWN, 0}, {.92, BW_KNOWN, 0}, {.3, BW_HELD, 0},   {1.8, BW_KNOWN, 2}, {.84, BW_KNOWN, BW_STEP_CLEARED},
              {.99, BW_KNOWN, 0}, {.99, BW_KNOWN, 0}, {.99, BW_KNOWN, 0}, {.99, BW_KNOWN, 0}, {.99, BW_KNOWN, 0},
              {.99, BW_KNOWN, 1}, {0, BW_ABSENT, 3}};
  struct bw_rule r = {.threshold = .9, .clear = .85, .hold = 2, .cooldown = 5, .update_after = 3, .update_change = .5};
  struct bw_episode e = {0};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof days / sizeof *days; i++)
    assert_int_equal(bw_detect(&r, &e, 100 + (int32_t)i, (enum bw_known)days[i].known, days[i].value), days[i].step);
}

static void statistics_meet_known_answers(void **state)
{
  double y[12], x[] = {5, 1, 4, 2, 3}, ties[] = {1, 2, 2, 2, 2, 2, 2, 9}, flat[] = {4, 4, 4, 4};
  struct bw_trend t;
  struct bw_forecast f;
  int i;
  (void)state;
  assert_true(fabs(bw_normal_tail(1.6448536) - 0.05) < 1e-6);
  assert_true(fabs(bw_normal_z(0.001) - 3.0902323) < 1e-6);
  assert_true(fabs(bw_poisson_cdf(3, 5) - 0.2650259) < 1e-6);
  assert_true(fabs(bw_median(x, 5) - 3) < 1e-12);
  assert_true(fabs(bw_quantile_cut(ties, 8, 0.75) - 9) < 1e-12); /* not the tie at 2 */
  assert_true(isinf(bw_quantile_cut(flat, 4, 0.75)));
  assert_true(bw_compare_counts(50, 100, 1, 1) < -4 && bw_compare_counts(50, 100, 0.5, 1) < 0.1);
  assert_true(fabs(bw_compare_counts(50, 100, 1, 4)) < fabs(bw_compare_counts(50, 100, 1, 1)) / 1.9);
  for (i = 0; i < 12; i++)
    y[i] = 100 + 10 * i + (i == 5 ? 500 : 0); /* one wild point does not bend it */
  assert_true(bw_trend_fit(y, 12, &t));
  assert_true(fabs(t.slope - 10) < 1e-9 && t.lower <= t.slope && t.slope <= t.upper);
  bw_trend_reach(&t, 310, &f);
  assert_true(fabs(f.steps - 10) < 1 && f.earliest <= f.steps && f.steps <= f.latest);
  assert_false(bw_trend_fit(y, 3, &t));
}

struct memory {
  struct bw_buf b;
  size_t at;
};
static int32_t put(void *ctx, const void *data, uint64_t len)
{
  bw_buf_add(&((struct memory *)ctx)->b, data, len);
  return 0;
}
static int64_t get(void *ctx, void *data, uint64_t cap)
{
  struct memory *m = ctx;
  size_t n = m->b.len - m->at < cap ? m->b.len - m->at : cap;
  n = n > 777 ? 777 : n;
  memcpy(data, m->b.data + m->at, n);
  m->at += n;
  return (int64_t)n;
}

static void state_comes_back_and_damage_is_seen(void **state)
{
  struct memory m = {0};
  struct bw_save_args sa = {.size = sizeof sa, .ctx = &m, .write = put};
  char error[256] = "";
  struct bw_load_args la = {.size = sizeof la, .ctx = &m, .read = get, .error = error, .error_size = sizeof error};
  struct bw_state_out out;
  struct bw_state_in in;
  uint32_t i, flip;
  (void)state;
  bw_state_begin(&out, &sa, "test", 3);
  for (i = 0; i < 50000; i++) {
    bw_state_put(&out, (uint64_t)i * i);
    bw_state_put_signed(&out, -(int64_t)i);
    bw_state_put_str(&out, BW_STR("word"));
    bw_state_put_num(&out, i / 3.0);
  }
  assert_int_equal(bw_state_end(&out), 0);
  for (flip = 0; flip < 2; flip++) {
    m.at = 0;
    m.b.data[m.b.len / 2] = (char)(m.b.data[m.b.len / 2] ^ (flip ? 4 : 0));
    assert_true(bw_state_open(&in, &la, "test", 3));
    for (i = 0; i < 50000 && !in.bad; i++) {
      uint64_t square = bw_state_get(&in, UINT64_MAX);
      int64_t minus = bw_state_get_signed(&in, INT64_MIN, INT64_MAX);
      (void)bw_state_get_str(&in, 100);
      (void)bw_state_get_num(&in);
      if (!flip) {
        assert_true(square == (uint64_t)i * i);
        assert_true(minus == -(int64_t)i);
      }
    }
    assert_int_equal(bw_state_close(&in) == 0, !flip);
  }
  assert_non_null(strstr(error, "refused"));
  m.at = 0;
  assert_false(bw_state_open(&in, &la, "test", 4));
  assert_true(bw_state_close(&in) < 0);
  bw_buf_clear(&m.b);
}

static void json_is_read_or_refused(void **state)
{
  static const char *const bad[] = {"",         "{",     "[1,",   "{\"a\" 1}",   "tru",   "\"\\u12\"", "[1] 2",
                                    "\"\x01\"", "{1:2}", "1e999", "\"\\ud800\"", "[1 2]", "\"\xff\"",  "[\"a\", \"b"};
  static const char good[] = " {\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"caf\\u00e9 \\ud83d\\ude00\"}} ";
  struct bw_jdoc *doc;
  struct bw_error err;
  char deep[200];
  size_t i;
  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_not_equal(bw_jdoc_parse(bw_str(bad[i]), &doc, &err), 0);
  memset(deep, '[', sizeof deep);
  assert_int_not_equal(bw_jdoc_parse(bw_str_n(deep, sizeof deep), &doc, &err), 0);
  assert_int_equal(bw_jdoc_parse(bw_str(good), &doc, &err), 0);
  assert_true(bw_jnode_get(bw_jdoc_root(doc), "a")->child->next->number == -2500);
  assert_true(bw_str_is(bw_jnode_text(bw_jnode_get(bw_jdoc_root(doc), "b"), "c"), "caf\xc3\xa9 \xf0\x9f\x98\x80"));
  bw_jdoc_free(&doc);
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Few and many numbers, with ties: sorted, and the quantiles as of sorted ones. */
static void fill(double *x, uint32_t n, uint64_t seed)
{
  uint32_t i;
  for (i = 0; i < n; i++) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    x[i] = (double)((int64_t)(seed >> 40) - (1 << 23)) * (i % 3 ? 1e-6 : 1e20);
    if (i % 10 == 9)
      x[i] = i % 20 == 9 ? x[i - 1] : 0;
    if (n % 7 == 3)
      x[i] = (double)(seed >> 61);
  }
}

static void numbers_are_sorted(void **state)
{
  static const uint32_t counts[] = {1, 2, 3, 12, 13, 31, 40, 41, 66, 101, 300, 5000};
  static const double shares[] = {0, 0.01, 0.25, 0.5, 0.65, 0.75, 0.9, 0.99, 1};
  static double x[5000], y[5000];
  uint32_t k, i, q, n, above, below;
  (void)state;
  for (k = 0; k < sizeof counts / sizeof *counts; k++) {
    n = counts[k];
    fill(y, n, k + 3);
    memcpy(x, y, sizeof x);
    qsort(y, n, sizeof *y, by_value);
    bw_sort(x, n);
    assert_memory_equal(x, y, n * sizeof *x);
    for (q = 0; q < sizeof shares / sizeof *shares; q++) {
      double at = shares[q] * (n - 1), cut;
      i = (uint32_t)at;
      fill(x, n, k + 3);
      assert_true(bw_quantile(x, n, shares[q]) == (i + 1 < n ? y[i] + (at - i) * (y[i + 1] - y[i]) : y[n - 1]));
      qsort(x, n, sizeof *x, by_value); /* another order, the same numbers */
      assert_memory_equal(x, y, n * sizeof *x);
      cut = bw_quantile_cut(x, n, shares[q]);
      for (i = above = 0; i < n; i++)
        above += y[i] >= cut;
      assert_true(above <= (1 - shares[q]) * n + 1e-9);
      for (i = n; i > 0 && y[i - 1] >= cut; i--)
        ;
      assert_true(i == 0 || isinf(cut) || y[i] == cut);
      for (below = i; below > 0 && y[below - 1] == y[i - 1]; below--)
        ;
      assert_true(i == 0 || n - below > (1 - shares[q]) * n - 1e-9); /* and no smaller number will do */
    }
  }
}

/* Slopes and their interval as of all slopes sorted; "rising" is the interval's lower end above zero. */
static void trends_are_of_sorted_slopes(void **state)
{
  uint64_t seed = 5;
  uint32_t round, n, i, j, k;
  (void)state;
  for (round = 0; round < 2000; round++) {
    double y[BW_TREND_MAX], slopes[BW_TREND_MAX * BW_TREND_MAX / 2], c;
    struct bw_trend t = {0}, r = {0};
    long lo, hi;
    n = 4 + round % (round % 50 == 0 ? 61 : 23);
    for (i = k = 0; i < n; i++) {
      seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      y[i] = (double)((seed >> 33) % (1 + round % 90)) + (round % 11) * i;
    }
    for (i = 0; i < n; i++)
      for (j = i + 1; j < n; j++)
        slopes[k++] = (y[j] - y[i]) / (double)(j - i);
    qsort(slopes, k, sizeof *slopes, by_value);
    c = 1.959963984540054 * sqrt((double)n * (n - 1) * (2.0 * n + 5) / 18);
    lo = (long)floor((k - c) / 2) - 1;
    hi = (long)ceil((k + c) / 2);
    assert_true(bw_trend_fit(y, n, &t));
    assert_true(t.lower == slopes[lo < 0 ? 0 : lo] && t.upper == slopes[hi >= (long)k ? (long)k - 1 : hi]);
    assert_true(t.slope == (k % 2 ? slopes[k / 2] : slopes[k / 2 - 1] + 0.5 * (slopes[k / 2] - slopes[k / 2 - 1])));
    assert_true(bw_trend_rising(y, n, &r) == (t.lower > 0));
    assert_true(t.lower <= 0 || memcmp(&t, &r, sizeof t) == 0);
  }
}

/* The newest day that is not zero, over every span of three blocks, one of them empty. */
static void the_newest_day_of_all_spans(void **state)
{
  struct bw_pool *p = bw_pool_new();
  struct bw_series s = {0};
  int32_t from, to, want;
  (void)state;
  for (to = 640; to < 736; to++)
    if (to % 9 == 4 && (to < 672 || to >= 704))
      bw_series_set(p, &s, to, to % 2 ? 1 : 70000);
  for (from = 630; from < 750; from++)
    for (to = from - 1, want = -1; to < 750; to++) {
      if (to >= from && bw_series_get(p, &s, to))
        want = to;
      assert_int_equal(bw_series_newest(p, &s, from, to), want);
    }
  bw_series_clear(p, &s);
  bw_pool_free(&p);
}

/* Sums over every span of two blocks, of elements one, two, four and eight bytes wide. */
static void sums_of_all_spans(void **state)
{
  static const uint64_t most[] = {UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_C(1) << 40};
  struct bw_pool *p = bw_pool_new();
  uint32_t k;
  int32_t from, to, d;
  (void)state;
  for (k = 0; k < 4; k++) {
    struct bw_series s = {0};
    uint64_t values[64];
    for (d = 0; d < 64; d++) {
      values[d] = most[k] - (uint64_t)(d % 7);
      bw_series_set(p, &s, 640 + d, values[d]);
    }
    for (from = 0; from < 64; from++) {
      uint64_t sum = 0;
      for (to = from; to < 64; to++) {
        sum += values[to];
        assert_int_equal(bw_series_sum(p, &s, 640 + from, 640 + to), sum);
        assert_true(bw_series_bound(&s, 640 + from, 640 + to) >= sum);
      }
    }
    assert_int_equal(bw_series_sum(p, &s, -9, 640 + 200), bw_series_sum(p, &s, 640, 640 + 63));
    assert_int_equal(bw_series_sum(p, &s, 0, 639) + bw_series_sum(p, &s, 704, 900) + bw_series_sum(p, &s, 650, 649), 0);
    assert_int_equal(bw_series_bound(&s, 0, 639) + bw_series_bound(&s, 704, 900) + bw_series_bound(&s, -9, -1), 0);
    bw_series_clear(p, &s);
  }
  bw_pool_free(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_sorted),
      cmocka_unit_test(trends_are_of_sorted_slopes),
      cmocka_unit_test(the_newest_day_of_all_spans),
      cmocka_unit_test(sums_of_all_spans),
      cmocka_unit_test(a_series_agrees_with_an_array),
      cmocka_unit_test(a_series_forgets_what_is_too_old),
      cmocka_unit_test(names_keep_their_numbers),
      cmocka_unit_test(a_detector_has_hysteresis),
      cmocka_unit_test(statistics_meet_known_answers),
      cmocka_unit_test(state_comes_back_and_damage_is_seen),
      cmocka_unit_test(json_is_read_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
