/* SPDX-License-Identifier: Apache-2.0 */
/* The expression language as a table: what compiles to what value, what is refused where and how. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "expr/expr.h"

/* A small world: names with types and values; one of them is missing. */
static const struct {
  const char *name;
  struct bw_value value;
  enum bw_type type;
} world[] = {
    {"account.acv", {.type = BW_TYPE_DOUBLE, .d = 12000}, BW_TYPE_DOUBLE},
    {"account.seats", {.type = BW_TYPE_DOUBLE, .d = 50}, BW_TYPE_DOUBLE},
    {"account.name", {.type = BW_TYPE_STRING, .s = {"Acme GmbH", 9}}, BW_TYPE_STRING},
    {"account.health", {.type = BW_TYPE_ERROR, .i = BW_VALUE_MISSING, .s = {"account.health", 14}}, BW_TYPE_STRING},
    {"account.start", {.type = BW_TYPE_TIMESTAMP, .i = 1700000000000}, BW_TYPE_TIMESTAMP},
    {"account.tenure", {.type = BW_TYPE_DURATION, .i = 200 * BW_DAY}, BW_TYPE_DURATION},
    {"account.stage", {.type = BW_TYPE_RANK, .i = 2, .s = {"first_results", 13}}, BW_TYPE_RANK},
    {"account.live", {.type = BW_TYPE_BOOL, .b = true}, BW_TYPE_BOOL},
    {"custom", {.type = BW_TYPE_DOUBLE, .d = 7}, BW_TYPE_ANY},
    {"word", {.type = BW_TYPE_STRING, .s = {"x", 1}}, BW_TYPE_ANY},
    {"signal.a", {.type = BW_TYPE_SIGNAL, .i = 1}, BW_TYPE_SIGNAL},
    {"liar", {.type = BW_TYPE_STRING, .s = {"not a number", 12}}, BW_TYPE_DOUBLE},
    {"limits.api calls", {.type = BW_TYPE_DOUBLE, .d = 3}, BW_TYPE_DOUBLE},
};
#define NWORLD (sizeof world / sizeof *world)

static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  size_t n, i, j;
  (void)ctx;
  for (n = path->n; n > 0; n--) {
    char name[256] = "";
    size_t at = 0;
    for (j = 0; j < n && at + path->part[j].len + 2 < sizeof name; j++)
      at += (size_t)snprintf(name + at, sizeof name - at, "%s%.*s", j ? "." : "", BW_FMT(path->part[j]));
    for (i = 0; i < NWORLD; i++)
      if (strcmp(world[i].name, name) == 0) {
        *ret_type = world[i].type;
        *ret_slot = (uint32_t)i;
        *ret_used = n;
        return 0;
      }
  }
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "there is no name \"%.*s\"", BW_FMT(path->part[0]));
}

static void lookup(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret)
{
  (void)ctx;
  (void)name;
  *ret = world[slot].value;
}

static void fn_open(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  (void)ev;
  (void)n;
  *ret = bw_value_bool(args[0].i == 1);
}

static void fn_stage(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  (void)ev;
  (void)n;
  *ret = (struct bw_value){.type = BW_TYPE_RANK, .i = (int64_t)args[0].s.len % 5, .s = args[0].s};
}

static int check_stage(void *ctx, const struct bw_value *args, size_t n, struct bw_error *err)
{
  (void)ctx;
  (void)n;
  return bw_str_is(args[0].s, "live") ? 0 : bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "there is no stage of that name");
}

/* Sees the name, and looks the value up by itself. */
static void fn_half(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  assert_int_equal(args[0].type, BW_TYPE_NAME);
  assert_string_equal(world[args[0].i].name, "account.acv");
  ev->lookup(ev->ctx, (uint32_t)args[0].i, args[0].s, ret);
  ret->d = ret->d / 2 + (n > 1 ? (double)args[1].i / BW_DAY : 0);
}

static int check_half(void *ctx, const struct bw_value *args, size_t n, struct bw_error *err)
{
  (void)ctx;
  (void)n;
  return bw_str_is(args[0].s, "account.acv") ? 0 : bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "half() wants account.acv");
}

static const struct bw_expr_function functions[] = {
    {"half", "n", BW_TYPE_DOUBLE, fn_half, check_half, ""},
    {"half", "nu", BW_TYPE_DOUBLE, fn_half, NULL, ""},
    {"open", "g", BW_TYPE_BOOL, fn_open, NULL, ""},
    {"stage", "s", BW_TYPE_RANK, fn_stage, check_stage, ""},
};
static const struct bw_expr_env env = {NULL, resolve, functions, sizeof functions / sizeof *functions, NULL};

/* The value as JSON, "error: ..." for an error value, "line:column message" for what does not compile. */
static void run(const char *source, uint32_t limit, char *out, size_t cap)
{
  struct bw_expr *e = NULL;
  struct bw_expr_position at = {0, 0};
  struct bw_error err = {0};
  struct bw_eval ev = {.lookup = lookup, .cost_limit = limit};
  struct bw_value v;
  struct bw_buf b = {0};
  if (bw_expr_compile(bw_str(source), &env, BW_TYPE_ANY, &e, &at, &err) < 0) {
    snprintf(out, cap, "%u:%u %s", at.line, at.column, err.message);
    return;
  }
  bw_expr_eval(e, &ev, &v);
  if (v.type == BW_TYPE_ERROR)
    bw_value_text(&b, &v), snprintf(out, cap, "error: %s", bw_buf_cstr(&b));
  else
    bw_value_json(&b, &v), snprintf(out, cap, "%s", bw_buf_cstr(&b));
  bw_buf_clear(&b);
  bw_eval_clear(&ev);
  bw_expr_free(&e);
}

static void values(void **state)
{
  static const struct {
    const char *source, *value;
  } cases[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 / 2", "3"},
      {"7.0 / 2", "3.5"},
      {"-7 % 3", "-1"},
      {"10 - 2 - 3", "5"},
      {"0x1F", "31"},
      {"1e3", "1000"},
      {"!true || false", "false"},
      {"true && !false", "true"},
      {"1 < 2 && 2 <= 2 && 3 > 2.5 && 3 >= 3", "true"},
      {"1 == 1.0", "true"},
      {"9007199254740993 == 9007199254740992.0", "false"},
      {"\"a\" < \"b\"", "true"},
      {"'a' + \"b\\n\\u00e9\"", "\"ab\\n\xC3\xA9\""},
      {"r'\\d'", "\"\\\\d\""},
      {"true ? 1 : 2", "1"},
      {"false ? 1 : 2.5", "2.5"},
      {"account.acv >= 10000", "true"},
      {"account.acv * 0.15 // the floor", "1800"},
      {"(ceil(50.2) - account.seats) * 30 * 12", "360"},
      {"account.tenure >= days(120)", "true"},
      {"account.tenure - days(100) == days(100)", "true"},
      {"in_days(account.tenure)", "200"},
      {"account.start + days(1) > account.start", "true"},
      {"timestamp(\"2024-01-31\") > account.start", "true"},
      {"duration('36h') == days(1.5)", "true"},
      {"account.stage >= stage(\"live\")", "false"},
      {"account.name.startsWith('Acme') && account.name.endsWith('GmbH') && contains(account.name, 'me G')", "true"},
      {"size(account.name)", "9"},
      {"size('\xC3\xA9t\xC3\xA9')", "3"},
      {"[1, 2, 3][1]", "2"},
      {"size([1, 2])", "2"},
      {"'x' in ['y', 'x']", "true"},
      {"min(3, 1, 2) + max(1, 5)", "6"},
      {"min(1.5, 2)", "1.5"},
      {"abs(-3) + int(abs(-2.7))", "5"},
      {"round(2.5) == 3", "true"},
      {"double('12.5') + 1", "13.5"},
      {"open(signal.a)", "true"},
      {"half(account.acv) + 1", "6001"},
      {"half(account.acv, days(28))", "6028"},
      {"limits[\"api calls\"] + 1", "4"},
      {"custom > 5", "true"},
      {"custom + 1", "8"},
      {"word == 'x'", "true"},
      {"word > 5", "error: the values are of types that do not go together"},
      /* what is missing is named, and absorbed where the other side decides */
      {"has(account.health)", "false"},
      {"has(account.acv)", "true"},
      {"account.health != 'red'", "error: missing: account.health"},
      {"!has(account.health) || account.health != 'red'", "true"},
      {"account.health != 'red' || true", "true"},
      {"account.health != 'red' && false", "false"},
      {"account.health != 'red' && true", "error: missing: account.health"},
      {"account.health == 'red' ? 1 : 2", "error: missing: account.health"},
      {"1 / 0 > 1 || true", "true"},
      {"1 / 0", "error: division by zero"},
      {"1.0 / 0.0", "error: division by zero"},
      {"9223372036854775807 + 1", "error: the result is too large a number"},
      {"-9223372036854775807 - 2", "error: the result is too large a number"},
      {"[1][5]", "error: the list has no element of that number"},
      {"liar + 1", "error: liar"},
      {"days(1e300)", "error: the result is too large a number"},
      {"int(1e300)", "error: the result is too large a number"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[600];
    run(cases[i].source, 0, out, sizeof out);
    if (strcmp(out, cases[i].value) != 0)
      fail_msg("%s\n  gave     %s\n  expected %s", cases[i].source, out, cases[i].value);
  }
}

static void refusals(void **state)
{
  static const struct {
    const char *source, *says;
  } cases[] = {
      {"", "1:1 the expression is empty"},
      {"1 +", "1:4 the expression ends where a value should stand"},
      {"1 + + 2", "1:5 found \"+\" where a value should stand"},
      {"(1 + 2", "1:7 the expression ends where a closing ) should stand"},
      {"acount.acv > 1", "1:1 there is no name \"acount\""},
      {"1 <\n  account.acv + accont", "2:17 there is no name \"accont\""},
      {"account.acv.cents > 1", "1:1 account.acv is a number and has no member \"cents\""},
      {"account.acv > 'x'", "1:13 > does not work between a number and a text; double(\"12\") makes a number of a text"},
      {"account.tenure >= 120",
       "1:16 >= does not work between a duration and a whole number; write the number of days as days(120)"},
      {"account.stage == 'live'", "1:15 == does not work between a stage and a text; name the step as stage(\"...\")"},
      {"account.stage >= stage('frist')", "1:24 there is no stage of that name"},
      {"account.start > '2026-01-01'",
       "1:15 > does not work between a timestamp and a text; write the date as timestamp(\"2026-01-31\")"},
      {"timestamp('31.1.2026')", "1:11 \"31.1.2026\" is not a date or time; write 2026-01-31 or 2026-01-31T09:00:00Z"},
      {"ciel(1.5)", "1:1 there is no function ciel(); did you mean ceil()?"},
      {"ceil('x')", "1:1 ceil() does not take (text), but (number)"},
      {"account.live + 1", "1:14 + does not work between a yes or no and a whole number"},
      {"account.acv && true", "1:1 && needs a yes or no, and this is a number"},
      {"signal.a && true",
       "1:1 && needs a yes or no, and this is a signal; ask open(signal.x), or for a part of it such as signal.x.value"},
      {"has(signal.a)", "1:1 ask open(signal.x) whether a signal is open; has() asks whether a value is known"},
      {"has(1 + 2)", "1:1 has() takes one name, such as has(account.health)"},
      {"half(account.avc)", "1:6 there is no name \"account\""},
      {"half(1 + 2)", "1:8 half() takes a name here, such as trait.x, and not a computed value"},
      {"half(account.seats)", "1:6 half() wants account.acv"},
      {"half()", "1:1 half() does not take (), but (name) or (name, duration)"},
      {"half(account.acv, 3)", "1:1 half() does not take (name, whole number), but (name) or (name, duration)"},
      {"true ? 1 : 'x'", "1:6 both answers of ? : must be of one type; these are a whole number and a text"},
      {"account.acv = 1", "1:13 a single = means nothing here; equality is =="},
      {"account.live and true", "1:14 the expression should end before \"and\"; and is written &&"},
      {"'abc", "1:1 this text has no closing '"},
      {"'\\q'", "1:1 unknown escape in this text; a backslash itself is written \\\\"},
      {"30d", "1:1 a number ends in a letter here; write the unit as a function: days(30)"},
      {"99999999999999999999", "1:1 this number is out of range"},
      {"1 # 2", "1:3 '#' does not belong in an expression"},
      {"(1).foo", "1:5 a whole number has no member \"foo\"; only maps have members"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[600];
    run(cases[i].source, 0, out, sizeof out);
    if (strcmp(out, cases[i].says) != 0)
      fail_msg("%s\n  gave     %s\n  expected %s", cases[i].source, out, cases[i].says);
  }
}

static void size_and_depth_are_bounded(void **state)
{
  struct bw_buf b = {0};
  char out[600];
  int i;
  (void)state;
  for (i = 0; i < 500; i++)
    bw_buf_add_char(&b, '(');
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_non_null(strstr(out, "nested too deeply"));
  bw_buf_reset(&b);
  for (i = 0; i < 200; i++)
    bw_buf_add_cstr(&b, "1+");
  bw_buf_add_cstr(&b, "1");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_string_equal(out, "201");
  run(bw_buf_cstr(&b), 100, out, sizeof out);
  assert_string_equal(out, "error: the expression takes too many steps");
  bw_buf_reset(&b);
  for (i = 0; i < 2000; i++)
    bw_buf_add_cstr(&b, "1+");
  bw_buf_add_cstr(&b, "1");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_non_null(strstr(out, "nested too deeply"));
  bw_buf_reset(&b);
  for (i = 0; i < 5000; i++)
    bw_buf_add_cstr(&b, "1, ");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_non_null(strstr(out, "longer than"));
  bw_buf_clear(&b);
  run("'\xff'", 0, out, sizeof out);
  assert_non_null(strstr(out, "not UTF-8"));
}

static void text_reads_back(void **state)
{
  static const char *const sources[] = {"1 + 2 * account.acv", "!has(account.health) || account.health != 'r\"ed'",
                                        "account.live ? [1, 2.0][0] : custom", "account.name.startsWith('A')",
                                        "limits['api calls'] > -1.5e30 && open(signal.a)"};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof sources / sizeof *sources; i++) {
    struct bw_expr *a = NULL, *b = NULL;
    struct bw_buf ta = {0}, tb = {0};
    struct bw_error err = {0};
    assert_int_equal(bw_expr_compile(bw_str(sources[i]), &env, BW_TYPE_ANY, &a, NULL, &err), 0);
    bw_expr_text(&ta, a);
    if (bw_expr_compile(bw_buf_str(&ta), &env, BW_TYPE_ANY, &b, NULL, &err) < 0)
      fail_msg("%s printed as %s: %s", sources[i], bw_buf_cstr(&ta), err.message);
    bw_expr_text(&tb, b);
    assert_string_equal(bw_buf_cstr(&ta), bw_buf_cstr(&tb));
    bw_buf_clear(&ta);
    bw_buf_clear(&tb);
    bw_expr_free(&a);
    bw_expr_free(&b);
  }
}

static void leaves_are_collected_once(void **state)
{
  struct bw_expr *e = NULL;
  struct bw_eval ev = {.lookup = lookup, .collect = true};
  struct bw_value v;
  struct bw_buf b = {0};
  (void)state;
  assert_int_equal(bw_expr_compile(BW_STR("account.acv > 10000 && account.acv < 1e6 && account.seats > 1"), &env, BW_TYPE_BOOL,
                                   &e, NULL, NULL),
                   0);
  bw_expr_eval(e, &ev, &v);
  assert_true(v.b);
  assert_int_equal(ev.nleaves, 2);
  assert_memory_equal(ev.leaves[0].name.data, "account.acv", 11);
  bw_value_text(&b, &ev.leaves[0].value);
  assert_string_equal(bw_buf_cstr(&b), "12,000");
  bw_buf_clear(&b);
  bw_eval_clear(&ev);
  bw_expr_free(&e);
}

static void names_are_given_unread(void **state)
{
  struct bw_expr *e = NULL;
  struct bw_eval ev = {.lookup = lookup, .collect = true};
  struct bw_value v;
  struct bw_str name;
  enum bw_type type;
  (void)state;
  assert_int_equal(bw_expr_compile(BW_STR("half(account.acv) > 5"), &env, BW_TYPE_BOOL, &e, NULL, NULL), 0);
  assert_true(bw_expr_name_at(e, 0, &name, NULL, &type));
  assert_true(bw_str_is(name, "account.acv"));
  assert_int_equal(type, BW_TYPE_DOUBLE);
  assert_false(bw_expr_name_at(e, 1, NULL, NULL, NULL));
  bw_expr_eval(e, &ev, &v);
  assert_true(v.type == BW_TYPE_BOOL && v.b);
  assert_int_equal(ev.nleaves, 1);
  assert_true(bw_str_is(ev.leaves[0].name, "half(account.acv)"));
  assert_int_equal(ev.leaves[0].slot, 0);
  assert_true(ev.leaves[0].value.d > 5999);
  bw_eval_clear(&ev);
  bw_expr_free(&e);
}

static void wanted_types_are_enforced(void **state)
{
  struct bw_expr *e = NULL;
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(bw_expr_compile(BW_STR("account.acv + 1"), &env, BW_TYPE_BOOL, &e, NULL, &err), BW_EINVAL);
  assert_string_equal(err.message, "a yes or no (a comparison) is needed here, and this is a number");
  assert_int_equal(bw_expr_compile(BW_STR("1 + 1"), &env, BW_TYPE_DOUBLE, &e, NULL, &err), 0);
  bw_expr_free(&e);
}

static void values_read_well(void **state)
{
  static const struct {
    struct bw_value v;
    const char *text;
  } cases[] = {
      {{.type = BW_TYPE_DOUBLE, .d = 1234567.891}, "1,234,567.89"},
      {{.type = BW_TYPE_DOUBLE, .d = -8000}, "-8,000"},
      {{.type = BW_TYPE_DOUBLE, .d = 0.63}, "0.63"},
      {{.type = BW_TYPE_INT, .i = 999}, "999"},
      {{.type = BW_TYPE_DURATION, .i = 120 * BW_DAY}, "120 days"},
      {{.type = BW_TYPE_DURATION, .i = BW_DAY}, "1 day"},
      {{.type = BW_TYPE_DURATION, .i = 90 * BW_MINUTE}, "1.5 hours"},
      {{.type = BW_TYPE_TIMESTAMP, .i = 0}, "1970-01-01"},
      {{.type = BW_TYPE_TIMESTAMP, .i = BW_HOUR}, "1970-01-01T01:00:00Z"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_buf b = {0};
    bw_value_text(&b, &cases[i].v);
    assert_string_equal(bw_buf_cstr(&b), cases[i].text);
    bw_buf_clear(&b);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values),
      cmocka_unit_test(refusals),
      cmocka_unit_test(size_and_depth_are_bounded),
      cmocka_unit_test(text_reads_back),
      cmocka_unit_test(leaves_are_collected_once),
      cmocka_unit_test(names_are_given_unread),
      cmocka_unit_test(wanted_types_are_enforced),
      cmocka_unit_test(values_read_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
