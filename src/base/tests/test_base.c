/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviour of the foundations: strings, buffers, maps, times, JSON. */

#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/currency.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "base/zone.h"

static void utf8_is_judged_by_rfc3629(void **state)
{
  static const struct {
    const char *bytes;
    bool valid;
  } cases[] = {{"plain", true},     {"caf\xC3\xA9", true},   {"\xE2\x82\xAC", true},      {"\xF0\x9F\x98\x80", true},
               {"\xC0\xAF", false}, {"\xE0\x80\xAF", false}, {"\xED\xA0\x80", false},     {"\xF4\x90\x80\x80", false},
               {"\xE2\x82", false}, {"\x80", false},         {"\xF5\x80\x80\x80", false}, {"", true}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(bw_utf8_valid(cases[i].bytes, strlen(cases[i].bytes)), cases[i].valid);
}

static void varints_round_trip(void **state)
{
  static const int64_t values[] = {0, 1, -1, 127, 128, -128, 300, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  struct bw_buf b = {0};
  struct bw_reader r;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    bw_buf_add_svarint(&b, values[i]);
    bw_buf_add_varint(&b, (uint64_t)values[i]);
  }
  r = bw_reader(b.data, b.len);
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    assert_true(bw_read_svarint(&r) == values[i]);
    assert_true(bw_read_varint(&r) == (uint64_t)values[i]);
  }
  assert_false(r.bad);
  assert_int_equal(bw_reader_left(&r), 0);
  bw_read_u8(&r);
  assert_true(r.bad);
  bw_buf_clear(&b);
}

static void a_truncated_string_is_noticed(void **state)
{
  struct bw_reader r = bw_reader("\x05"
                                 "abc",
                                 4);
  (void)state;
  assert_int_equal(bw_read_lstr(&r).len, 0);
  assert_true(r.bad);
}

/* Random puts and removes against a plain array. */
static void the_map_agrees_with_a_model(void **state)
{
  enum { KEYS = 500 };
  static int model[KEYS], values[KEYS];
  struct bw_map *m = bw_map_new();
  char key[16];
  size_t live = 0, i = 0, seen = 0;
  uint64_t x = 7;
  int step;
  (void)state;
  for (step = 0; step < 20000; step++) {
    int k;
    x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
    k = (int)(x >> 33) % KEYS;
    (void)snprintf(key, sizeof key, "k%d", k);
    if (x >> 63) {
      void *old = bw_map_put(m, bw_str(key), &values[k]);
      assert_int_equal(old != NULL, model[k]);
      live += !model[k];
      model[k] = 1;
    } else {
      void *old = bw_map_remove(m, bw_str(key));
      assert_int_equal(old != NULL, model[k]);
      live -= (size_t)model[k];
      model[k] = 0;
    }
    assert_int_equal(bw_map_count(m), live);
  }
  while (bw_map_next(m, &i, NULL, NULL))
    seen++;
  assert_int_equal(seen, live);
  bw_map_free(&m, NULL);
  assert_null(m);
}

static void times_are_parsed_and_refused(void **state)
{
  static const struct {
    const char *text;
    int64_t ms; /* -1: refused */
  } cases[] = {{"1970-01-01", 0},
               {"1970-01-01T00:00:00Z", 0},
               {"2026-11-22T01:10:00.123456Z", 1795309800123},
               {"2026-11-22 01:10", 1795309800000},
               {"2026-11-22T02:10:00+01:00", 1795309800000},
               {"2026-11-22T00:10:00-0100", 1795309800000},
               {"2024-02-29", 1709164800000},
               {"2023-02-29", -1},
               {"2026-13-01", -1},
               {"2026-11-22T24:00:00Z", -1},
               {"2026-11-22T01:10:00+1", -1},
               {"2026-11-22T01:10:00.Z", -1},
               {"yesterday", -1},
               {"1969-12-31", -1},
               {"", -1}};
  size_t i;
  int64_t ms;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    ms = -1;
    bw_time_parse(bw_str(cases[i].text), &ms);
    if (ms != cases[i].ms)
      fail_msg("%s: %lld", cases[i].text, (long long)ms);
  }
}

static void days_round_trip(void **state)
{
  int32_t day;
  (void)state;
  for (day = -800000; day < 3000000; day += 13) {
    int y, m, d;
    bw_day_to_civil(day, &y, &m, &d);
    assert_int_equal(bw_day_from_civil(y, m, d), day);
  }
  assert_int_equal(bw_day_weekday(0), 3);
  assert_int_equal(bw_time_day(-1), -1);
}

static void durations_are_parsed_and_refused(void **state)
{
  char said[BW_DURATION_TEXT];
  int64_t ms;
  (void)state;
  assert_int_equal(bw_duration_parse(BW_STR("1d12h"), &ms), 0);
  assert_int_equal(ms, 36 * BW_HOUR);
  assert_int_equal(bw_duration_parse(BW_STR("2w"), &ms), 0);
  assert_int_equal(ms, 14 * BW_DAY);
  bw_duration_format(36 * BW_HOUR, said);
  assert_string_equal(said, "36h");
  bw_duration_format(0, said);
  assert_string_equal(said, "0s");
  bw_duration_format(1500, said);
  assert_string_equal(said, "1500ms");
  assert_int_equal(bw_duration_parse(BW_STR("5"), &ms), BW_EINVAL);
  assert_int_equal(bw_duration_parse(BW_STR("h"), &ms), BW_EINVAL);
  assert_int_equal(bw_duration_parse(BW_STR("99999999999w"), &ms), BW_EINVAL);
  assert_int_equal(bw_duration_parse(BW_STR(""), &ms), BW_EINVAL);
}

static void json_is_exact(void **state)
{
  struct bw_buf b = {0};
  (void)state;
  bw_json_open(&b, '{');
  bw_json_key(&b, "a");
  bw_json_str(&b, BW_STR("q\"\\\n\x01\xFFz"));
  bw_json_key(&b, "n");
  bw_json_open(&b, '[');
  bw_json_num(&b, 0.1);
  bw_json_num(&b, -0.0);
  bw_json_num(&b, 1e21);
  bw_json_num(&b, 1.0 / 3);
  bw_json_num(&b, INFINITY);
  bw_json_int(&b, -7);
  bw_json_close(&b, ']');
  bw_json_key(&b, "t");
  bw_json_time(&b, 1795309800123);
  bw_json_close(&b, '}');
  assert_string_equal(bw_buf_cstr(&b),
                      "{\"a\":\"q\\\"\\\\\\n\\u0001\xEF\xBF\xBDz\",\"n\":[0.1,0,1e+21,0.3333333333333333,null,-7],"
                      "\"t\":\"2026-11-22T01:10:00.123Z\"}");
  bw_buf_clear(&b);
}

static int64_t moment(const char *text)
{
  int64_t ms = 0;
  assert_int_equal(bw_time_parse(bw_str(text), &ms), 0);
  return ms;
}

static void zones_know_their_clocks(void **state)
{
  static const struct {
    const char *zone, *utc, *wall;
  } cases[] = {{"Europe/Berlin", "2026-01-09T12:00:00Z", "2026-01-09T13:00:00Z"},
               {"Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59Z"},
               {"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"},
               {"Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"}, /* the first of two */
               {"America/New_York", "2099-07-01T12:00:00Z", "2099-07-01T08:00:00Z"},
               {"America/New_York", "1999-01-01T12:00:00Z", "1999-01-01T07:00:00Z"},
               {"Asia/Kolkata", "2026-06-01T00:00:00Z", "2026-06-01T05:30:00Z"},
               {"Pacific/Kiritimati", "2026-06-01T10:00:00Z", "2026-06-02T00:00:00Z"},
               {"UTC", "2026-06-01T10:00:00Z", "2026-06-01T10:00:00Z"}};
  static const char *const none[] = {"",       "Europe/Berln",    "/etc/passwd", "../../../etc/passwd",
                                     "Europe", "Europe/Berlin\n", "EST5EDT,M3"};
  struct bw_zone *zone;
  size_t i;
  (void)state;
  assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(bw_zone_open(bw_str(cases[i].zone), &zone), 0);
    assert_int_equal(bw_zone_wall(zone, moment(cases[i].utc)), moment(cases[i].wall));
    assert_int_equal(bw_zone_utc(zone, moment(cases[i].wall)), moment(cases[i].utc));
    bw_zone_close(&zone);
  }
  assert_int_equal(bw_zone_open(BW_STR("Europe/Berlin"), &zone), 0);
  /* an hour that is not there; one that is there twice, the second time */
  assert_int_equal(bw_zone_utc(zone, moment("2026-03-29T02:30:00Z")), moment("2026-03-29T01:30:00Z"));
  assert_int_equal(bw_zone_wall(zone, moment("2026-10-25T01:30:00Z")), moment("2026-10-25T02:30:00Z"));
  bw_zone_close(&zone);
  for (i = 0; i < sizeof none / sizeof *none; i++)
    assert_int_equal(bw_zone_open(bw_str(none[i]), &zone), BW_EINVAL);
  assert_string_equal(getenv("TZ"), "Asia/Tokyo");
  assert_int_equal(unsetenv("TZ"), 0);
}

static void a_currency_is_read_where_it_is_plain(void **state)
{
  static const char *const cases[][2] = {{"USD", "USD"},
                                         {"usd", "USD"},
                                         {"EUR ", "EUR"},
                                         {" eur\xC2\xA0", "EUR"},
                                         {"Euro", "EUR"},
                                         {"EUROS", "EUR"},
                                         {"\xE2\x82\xAC", "EUR"},
                                         {"\xC2\xA3", "GBP"},
                                         {"US$", "USD"},
                                         {"US  Dollars", "USD"},
                                         {"z\xC5\x82", "PLN"},
                                         {"yen", "JPY"},
                                         {"$", NULL},
                                         {"\xC2\xA5", NULL},
                                         {"kr", NULL},
                                         {"dollar", NULL},
                                         {"TBD", NULL},
                                         {"EURO!", NULL},
                                         {"EU", NULL},
                                         {"", NULL},
                                         {"a currency that is longer than any", NULL}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *code = bw_currency_code(bw_str(cases[i][0]));
    if (cases[i][1] ? !code || strcmp(code, cases[i][1]) != 0 : code != NULL)
      fail_msg("\"%s\" is %s", cases[i][0], code ? code : "none");
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utf8_is_judged_by_rfc3629),
      cmocka_unit_test(a_currency_is_read_where_it_is_plain),
      cmocka_unit_test(varints_round_trip),
      cmocka_unit_test(a_truncated_string_is_noticed),
      cmocka_unit_test(the_map_agrees_with_a_model),
      cmocka_unit_test(times_are_parsed_and_refused),
      cmocka_unit_test(days_round_trip),
      cmocka_unit_test(durations_are_parsed_and_refused),
      cmocka_unit_test(json_is_exact),
      cmocka_unit_test(zones_know_their_clocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
