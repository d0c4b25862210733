/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line does with foreign text, numbers and times. */
#include "base/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"

int bw_cmd_replay(int argc, char **argv)
{
  (void)argc, (void)argv;
  return 0;
}

static struct bw_buf out;

static const char *text(void)
{
  static char kept[4096];
  snprintf(kept, sizeof kept, "%s", out.len ? bw_buf_cstr(&out) : "");
  bw_buf_reset(&out);
  return kept;
}

static void test_cells(void **state)
{
  static const struct {
    const char *s;
    size_t cells;
  } cases[] = {{"", 0},          {"abc", 3},  {"Müller", 6},           {"株式会社", 8},
               {"e\xCC\x81", 1}, {"\xff", 1}, {"\033[1mab\033[0m", 2}, {"👍", 2}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(bw_cells(cases[i].s, strlen(cases[i].s)), cases[i].cells);
  assert_int_equal(bw_cells_cut("株式会社", 12, 5), 6);
}

static void test_safe(void **state)
{
  (void)state;
  bw_put_safe(&out, "a\033[31mb\r\n\tc\x7f", false);
  assert_string_equal(text(), "a\\x1b[31mb\\x0d\\x0a c\\x7f");
  bw_put_safe(&out, "a\nb\033", true);
  assert_string_equal(text(), "a\nb\\x1b");
  bw_put_safe(&out, "x\xE2\x80\xAEmoc.live", false); /* right-to-left override */
  assert_string_equal(text(), "x\\u202emoc.live");
  bw_put_safe(&out,
              "\xC2\x9B"
              "31m",
              false); /* the one-byte CSI */
  assert_string_equal(text(), "\\x9b31m");
  bw_put_safe(&out, "\xff\xc0\xafok", false);
  assert_string_equal(text(), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDok");
}

static void test_dates(void **state)
{
  (void)state;
  bw_put_dates(&out, "silent until 2026-11-22T04:10:00Z, then 2026-11-23T00:00:00.000Z.");
  assert_string_equal(text(), "silent until Sun 22 Nov 2026 04:10 UTC, then Mon 23 Nov 2026 00:00 UTC.");
  /* What only looks like one, and what is data, stays. */
  bw_put_dates(&out, "2026-11-22, 2026-13-45T04:10:00Z, x-2026-11-22T04:10:00Z, \"2026-11-22T04:10:00Z\", 2026-11-22T04:10");
  assert_string_equal(text(),
                      "2026-11-22, 2026-13-45T04:10:00Z, x-2026-11-22T04:10:00Z, \"2026-11-22T04:10:00Z\", 2026-11-22T04:10");
  bw_put_dates(&out, "");
  assert_string_equal(text(), "");
}

static void test_money(void **state)
{
  (void)state;
  bw_put_money(&out, 1234567.4, "EUR");
  assert_string_equal(text(), "€1,234,567");
  bw_put_money(&out, -999.5, "SEK");
  assert_string_equal(text(), "-1,000 SEK");
  bw_put_money(&out, 0, "");
  assert_string_equal(text(), "0");
  bw_put_money(&out, NAN, "USD");
  assert_string_equal(text(), "unknown");
}

static void test_numbers(void **state)
{
  static const struct {
    double v;
    const char *text;
  } cases[] = {{0, "0"},        {1234, "1,234"},    {0.63, "0.63"}, {1234.56, "1,235"},
               {12.34, "12.3"}, {0.0012, "0.0012"}, {-5, "-5"},     {1e300, "1000000"}};
  size_t i;
  (void)state;
  for (i = 0; i + 1 < sizeof cases / sizeof cases[0]; i++) {
    bw_put_number(&out, cases[i].v);
    assert_string_equal(text(), cases[i].text);
  }
  bw_put_number(&out, 1e300); /* anything but a crash */
  assert_true(strlen(text()) > 0);
}

#define AT(s) (now + (s)*BW_SECOND)

static void test_times(void **state)
{
  const int64_t now = 1795309800000; /* 2026-11-22 01:10 UTC, a Sunday */
  static const struct {
    int64_t seconds;
    const char *text;
  } cases[] = {
      {0, "now"},          {-60, "60s ago"},       {600, "in 10m"},       {-7200 - 120, "2h 02m ago"}, {10 * 3600, "in 10h"},
      {-36000, "10h ago"}, {10 * 86400, "in 10d"}, {-2 * 86400, "2d ago"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bw_put_relative(&out, AT(cases[i].seconds), now);
    assert_string_equal(text(), cases[i].text);
  }
  bw_put_when(&out, AT(600), now);
  assert_string_equal(text(), "in 10m (Sun 22 Nov 2026 01:20 UTC)");
  bw_put_when(&out, BW_TIME_NONE, now);
  assert_string_equal(text(), "never");
}

static void test_spark(void **state)
{
  json_t *v = json_pack("[i,i,i,n,f]", 0, 4, 8, 2.0);
  (void)state;
  assert_true(bw_put_spark(&out, v, 40));
  assert_string_equal(text(), "▁▅█ ▃");
  json_decref(v);
  v = json_pack("[i,i,i]", 0, 0, 0);
  assert_true(bw_put_spark(&out, v, 40));
  assert_string_equal(text(), "▁▁▁");
  json_decref(v);
  v = json_pack("[i,i,i,i,i,i]", 1, 1, 2, 2, 4, 4);
  assert_true(bw_put_spark(&out, v, 3));
  assert_string_equal(text(), "▃▅█");
  json_decref(v);
  v = json_pack("[i,i]", 1, 2);
  assert_false(bw_put_spark(&out, v, 40));
  json_decref(v);
  assert_false(bw_put_spark(&out, NULL, 40));
}

static void test_table(void **state)
{
  struct bw_cli cli = {.width = 40};
  struct bw_table *t = bw_table_new(&cli, 3, (const char *const[]){"NAME~", ">N", "LAST"});
  (void)state;
  bw_table_add(t, BW_PLAIN, "Müller");
  bw_table_add(t, BW_PLAIN, "7");
  bw_table_add(t, BW_PLAIN, "x");
  bw_table_add(t, BW_BOLD, "a name that is far too long for a narrow terminal");
  bw_table_add(t, BW_PLAIN, "1,234");
  bw_table_add(t, BW_PLAIN, "");
  bw_table_end(&t, &out, 1);
  assert_string_equal(text(), " NAME                            N  LAST\n"
                              " Müller                          7  x\n"
                              " a name that is far too lo…  1,234\n");
}

static void test_wrapped(void **state)
{
  struct bw_cli cli = {.width = 30};
  (void)state;
  bw_put_wrapped(&cli, &out, "one two three four five six seven", 4);
  assert_string_equal(text(), "one two three four five\n    six seven");
  bw_put_wrapped(&cli, &out, "one\n\ntwo", 2);
  assert_string_equal(text(), "one\n  \n  two");
}

static int forget(void **state)
{
  (void)state;
  bw_buf_clear(&out);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cells), cmocka_unit_test(test_safe),    cmocka_unit_test(test_dates),
      cmocka_unit_test(test_money), cmocka_unit_test(test_numbers), cmocka_unit_test(test_times),
      cmocka_unit_test(test_spark), cmocka_unit_test(test_table),   cmocka_unit_test(test_wrapped),
  };
  return cmocka_run_group_tests(tests, NULL, forget);
}
