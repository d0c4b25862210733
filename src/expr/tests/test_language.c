/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, maps, macros, times and regular expressions: what they give, what is refused, and that all of it is bounded. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "expr/expr.h"

/* clang-format off */
#define TEXT(lit) {.type = BW_TYPE_STRING, .s = {lit, sizeof lit - 1}}
/* clang-format on */
static const struct bw_value products[] = {TEXT("crm"), TEXT("mail"), TEXT("crm-pro")};
static const struct bw_value limits[] = {
    TEXT("api"), {.type = BW_TYPE_DOUBLE, .d = 0.9}, TEXT("disk space"), {.type = BW_TYPE_DOUBLE, .d = 0.2}};
static const struct bw_value mixed[] = {{.type = BW_TYPE_DOUBLE, .d = 3}, TEXT("three"), {.type = BW_TYPE_NULL}};
static const struct bw_value nested[] = {
    TEXT("tier"), TEXT("gold"), TEXT("tags"), {.type = BW_TYPE_LIST, .list = {products, 3}}};
static struct bw_value many[3000];

static const struct {
  const char *name;
  enum bw_type type;
  struct bw_value value;
} world[] = {
    {"account.products", BW_TYPE_LIST_OF(BW_TYPE_STRING), {.type = BW_TYPE_LIST, .list = {products, 3}}},
    {"account.limits", BW_TYPE_MAP_OF(BW_TYPE_STRING, BW_TYPE_DOUBLE), {.type = BW_TYPE_MAP, .list = {limits, 2}}},
    {"account.mixed", BW_TYPE_LIST, {.type = BW_TYPE_LIST, .list = {mixed, 3}}},
    {"account.custom", BW_TYPE_ANY, {.type = BW_TYPE_MAP, .list = {nested, 2}}},
    {"account.title", BW_TYPE_STRING, TEXT("Vice President, Sales")},
    {"account.start", BW_TYPE_TIMESTAMP, {.type = BW_TYPE_TIMESTAMP, .i = 1234567890123}},
    {"account.acv", BW_TYPE_DOUBLE, {.type = BW_TYPE_DOUBLE, .d = 12000}},
    {"account.gone",
     BW_TYPE_LIST_OF(BW_TYPE_STRING),
     {.type = BW_TYPE_ERROR, .i = BW_VALUE_MISSING, .s = {"account.gone", 12}}},
    {"account.liar", BW_TYPE_LIST_OF(BW_TYPE_DOUBLE), {.type = BW_TYPE_LIST, .list = {products, 3}}},
    {"account.many", BW_TYPE_LIST, {.type = BW_TYPE_LIST, .list = {many, 3000}}},
    {"signal.a", BW_TYPE_SIGNAL, {.type = BW_TYPE_SIGNAL, .i = 1}},
};
#define NWORLD (sizeof world / sizeof *world)

static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  uint32_t i;
  (void)ctx;
  for (i = 0; path->n > 1 && i < NWORLD; i++) {
    char name[64];
    snprintf(name, sizeof name, "%.*s.%.*s", BW_FMT(path->part[0]), BW_FMT(path->part[1]));
    if (strcmp(name, world[i].name) == 0) {
      *ret_type = world[i].type;
      *ret_slot = i;
      *ret_used = 2;
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
static const struct bw_expr_env env = {NULL, resolve, NULL, 0, NULL};

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

struct row {
  const char *source, *says;
};

static void check_rows(const struct row *rows, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++) {
    char out[600];
    run(rows[i].source, 0, out, sizeof out);
    if (strcmp(out, rows[i].says) != 0)
      fail_msg("%s\n  gave     %s\n  expected %s", rows[i].source, out, rows[i].says);
  }
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void lists_and_maps(void **state)
{
  static const struct row rows[] = {
      {"'crm' in account.products && !('erp' in account.products)", "true"},
      {"account.products.exists(p, p.startsWith('crm-'))", "true"},
      {"account.products.all(p, size(p) > 2)", "true"},
      {"account.products.exists_one(p, p.contains('crm'))", "false"},
      {"account.products.filter(p, p.contains('crm')).size()", "2"},
      {"account.products.map(p, p + '!')[1]", "\"mail!\""},
      {"account.products.map(p, p.contains('crm'), size(p))", "[3,7]"},
      {"account.products + ['erp']", "[\"crm\",\"mail\",\"crm-pro\",\"erp\"]"},
      {"account.limits['disk space'] < 0.5", "true"},
      {"account.limits.api > 0.5", "true"},
      {"account.limits.exists(k, account.limits[k] > 0.8)", "true"},
      {"account.limits.map(k, k)", "[\"api\",\"disk space\"]"},
      {"has(account.limits.cpu)", "false"},
      {"account.limits.cpu > 0.5", "error: missing: the map has no key \"cpu\""},
      {"account.limits.cpu > 0.5 || account.limits.api > 0.5", "true"},
      {"account.custom.tier == 'gold'", "true"},
      {"account.custom.tags.exists(t, t == 'mail')", "true"},
      {"has(account.custom.region.code)", "false"},
      {"account.custom.tier.name", "error: only maps have members"},
      {"has(account.custom.tier.name)", "error: only maps have members"},
      {"account.mixed.exists(m, m == 'three')", "true"},
      {"account.mixed.map(m, type(m) == string)", "[false,true,false]"},
      {"account.mixed.all(m, m > 2)", "error: the values are of types that do not go together"},
      {"account.mixed.exists(m, m > 2)", "true"},
      {"size({'a': 1, 'b': 2}) + size([])", "2"},
      {"{'a': [1, 2], 2: true}", "{\"a\":[1,2],\"2\":true}"},
      {"{'a': 1, 'a': 2}", "error: a map has the same key twice"},
      {"{1: 'x'}[1.0]", "\"x\""},
      {"{'a': {'b': 7}}.a.b", "7"},
      {"{'a b': 7}.`a b`", "7"},
      {"[1, 2, 3].filter(x, x > 1).map(x, [x, x * x])", "[[2,4],[3,9]]"},
      {"[1, 2].exists(x, [3, 4].exists(y, x + y == 6))", "true"},
      {"[1, 2].exists(x, [3, 4].exists(x, x == 1))", "false"}, /* the inner x */
      {"[[1], [2, 3]].exists(l, size(l) == 2 && l[1] == 3)", "true"},
      {"[1, 2, 3,]", "[1,2,3]"},
      {"account.gone.exists(p, p == 'x')", "error: missing: account.gone"},
      {"has(account.gone) && account.gone.exists(p, p == 'x')", "false"},
      {"account.liar.exists(p, p > 1)", "error: account.liar"},
      {"dyn(account.products)[0] + 'x'", "\"crmx\""},
      {"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18][17]", "18"},
      {"max(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)", "16"},
      {"string(12) + string(1.5) + string(true) + string(days(1))", "\"121.5true86400s\""},
      {"int('12') + int(timestamp(7)) + int(2.9)", "21"},
      {"type(account.acv) == double && type(type(1)) == type", "true"},
  };
  (void)state;
  CHECK(rows);
}

static void times(void **state)
{
  static const struct row rows[] = {
      {"account.start.getFullYear()", "2009"},
      {"account.start.getMonth() + 1", "2"},
      {"account.start.getDate('+11:00')", "14"},
      {"account.start.getHours() * 100 + account.start.getMinutes()", "2331"},
      {"account.start.getDayOfWeek() in [1, 2, 3, 4, 5]", "true"},
      {"account.start.getMilliseconds()", "123"},
      {"account.start - days(1) < account.start", "true"},
      {"in_days(account.start - timestamp('2009-02-12')) > 1", "true"},
      {"duration('1h30m').getMinutes()", "90"},
      {"duration('1.5d') == hours(36)", "true"},
      {"duration('-1w') == -days(7)", "true"},
      {"timestamp('1945-05-07').getDayOfWeek()", "1"},
      {"string(timestamp('0001-01-01'))", "\"0001-01-01T00:00:00Z\""},
      {"timestamp('9999-12-31') + days(1)", "error: the result is not within the years 1 to 9999"},
      {"timestamp('9999-12-31') - account.start > days(1000)", "true"},
      {"duration('1x')", "1:10 \"1x\" is not a duration; write 30d, 24h or 90s"},
      {"duration('0.0001s')", "1:10 \"0.0001s\" is not a duration; write 30d, 24h or 90s"},
      {"account.start.getHours('Berlin')", "1:1 \"Berlin\" is not a time zone; write \"UTC\" or an offset such as \"+01:00\""},
      {"account.start.getHours(account.title)", "error: this text is not a time zone; write UTC or +01:00"},
      {"timestamp(account.title)", "error: this text is not a date or time"},
  };
  (void)state;
  CHECK(rows);
}

static void regular_expressions(void **state)
{
  static const struct row rows[] = {
      {"account.title.matches('(?i)^(vice president|vp)\\\\b')", "true"},
      {"account.title.matches(r'Sales$')", "true"},
      {"account.title.matches(r'^Sales')", "false"},
      {"'a\\nb'.matches('a.b')", "false"},
      {"'Ä'.matches('(?i)^ä$')", "true"},
      {"'x\\n'.matches('x$')", "false"}, /* the end, not before a last line feed */
      {"'a-b_c'.matches(r'^[\\w\\-]+$')", "true"},
      {"'aaa'.matches('^a{2,3}$') && !'aaaa'.matches('^a{2,3}$')", "true"},
      {"'aé b'.matches('^aé+ +[b-d]+$') && 'a+b'.matches(r'a\\+b') && 'ab'.matches('(?P<x>a)+?b')", "true"},
      {"'\\u03b1\\u03b2x'.matches(r'^\\p{Greek}+\\x78$') && '2026-11-22'.matches(r'^\\d{4}(-\\d{2}){2}$')", "true"},
      {"'550e8400-e29b-41d4-a716-446655440000'.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')", "true"},
      {"'ab'.matches('a' + 'b')", "true"},
      {"'ab'.matches(account.title)", "false"},
      {"'ab'.matches('(a' + 'b')", "error: this text is not a regular expression"},
      {"'ab'.matches(r'(a)\\1')", "1:14 this regular expression has a back-reference such as \\1, which is not offered"},
      {"'ab'.matches('a(?=b)')", "1:14 this regular expression has a look-ahead or look-behind, which is not offered"},
      {"'ab'.matches('(?<!a)b')", "1:14 this regular expression has a look-ahead or look-behind, which is not offered"},
      {"'ab'.matches('(?>a)b')",
       "1:14 this regular expression has a kind of group that is not offered; there are ( ), (?: ) and (?i)"},
      {"'ab'.matches('(?R)')",
       "1:14 this regular expression has a kind of group that is not offered; there are ( ), (?: ) and (?i)"},
      {"'ab'.matches('a++')", "1:14 this regular expression has a possessive repetition such as a++, which is not offered"},
      {"'ab'.matches('(*ANY)a')", "1:14 this regular expression has a * with nothing to repeat"},
      {"'ab'.matches('a)(b')", "1:14 this regular expression has a ) without its ("},
      {"'ab'.matches('[a')", "1:14 this regular expression has a [ without its ]"},
      {"'ab'.matches(r'\\K')",
       "1:14 this regular expression has an escape that is not offered; there are \\d \\w \\s \\b \\p{L} and their opposites"},
      {"'ab'.matches('a{3,2}')", "1:14 this regular expression is wrong: numbers out of order in {} quantifier"},
      {"'ab'.matches('(){900}')", "1:14 this regular expression has too much to match; use fewer or smaller {repetitions}"},
      {"'ab'.matches('((a{1,100}){1,100}){1,100}')",
       "1:14 this regular expression has too much to match; use fewer or smaller {repetitions}"},
  };
  (void)state;
  CHECK(rows);
}

static void mistakes_are_named(void **state)
{
  static const struct row rows[] = {
      {"12 in account.products",
       "1:4 in never holds here: a whole number is never a text; double(\"12\") makes a number of a text"},
      {"account.products == [1]",
       "1:18 == never holds here: a text is never a whole number; double(\"12\") makes a number of a text"},
      {"account.products.exists(p, p > 3)",
       "1:30 > does not work between a text and a whole number; double(\"12\") makes a number of a text"},
      {"account.products.exists(product, prodct == 'crm')", "1:34 there is no name \"prodct\"; did you mean product?"},
      {"account.products.exists(p, size(p))", "1:28 exists needs a yes or no, and this is a whole number"},
      {"account.products.exists(p)",
       "1:18 exists() takes a name for each element and a condition or value: list.exists(x, ...)"},
      {"account.products.map(1 + 2, 3)", "1:24 the first argument of map() is a new name for each element: list.map(x, ...)"},
      {"account.acv.all(x, x > 1)", "1:13 all() goes through a list or a map, and this is a number"},
      {"account.products['x']", "1:1 account.products is a list and has no member \"x\""},
      {"account.products[1.5]", "1:17 the elements of a list are numbered 0, 1, 2, ...; this is a number"},
      {"account.limits[1]", "1:15 the keys of this map are of the type text, and this is a whole number"},
      {"account.limits.api == 'x'",
       "1:20 == does not work between a number and a text; double(\"12\") makes a number of a text"},
      {"[1, 2].filter(x, x > 1) == ['a']",
       "1:25 == never holds here: a whole number is never a text; double(\"12\") makes a number of a text"},
      {"account.product.size()", "1:1 there is no name \"account\""},
      {"{1.5: 2}", "1:2 a key of a map is a text, a whole number or a yes or no, and this is a number"},
      {"{'a' 1}", "1:6 found \"1\" where the : between a key and its value should stand"},
      {"{'a': 1", "1:8 the expression ends where a comma or a closing } should stand"},
      {"[1, 2", "1:6 the expression ends where a comma or a closing ] should stand"},
      {"[signal.a]", "1:2 a signal cannot be an element; ask open(signal.x), or for a part of it such as signal.x.value"},
      {"has(account.products[0])", "1:1 has() takes one name, such as has(account.health)"},
      {"[1].exists(x, has(x))", "1:15 has() takes one name, such as has(account.health)"},
      {"account.products.exist(p, p == 'crm')", "1:18 there is no function exist(); did you mean exists()?"},
      {"'vp' in account.title", "1:6 in looks into a list or a map; for a part of a text write text.contains(\"...\")"},
      {"account.title != null", "1:15 a name is missing rather than null; write has(account.title) or !has(account.title)"},
      {"size(1, 2)", "1:1 size() does not take (whole number, whole number), but (list), (map) or (text)"},
      {"max(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)", "1:1 more than 16 arguments of one function"},
      {"if == 1", "1:1 \"if\" cannot stand here; write condition ? a : b"},
      {"1u + 2u", "1:1 unsigned numbers are not offered; leave the u out"},
      {"b'x'", "1:1 bytes are not offered; leave the b out for a text"},
      {"9223372036854775808", "1:1 this number is out of range"},
      {"'a\nb'", "1:1 this text has no closing '"},
      {"'''a\nb''' + 1", "2:6 + does not work between a text and a whole number; double(\"12\") makes a number of a text"},
      {"Account{name: 'x'}", "1:8 the expression should end before \"{\""},
  };
  (void)state;
  CHECK(rows);
}

/* Everything that a short source can make large ends with an error, and soon. */
static void evaluation_is_bounded(void **state)
{
  static const char steps[] = "error: the expression takes too many steps";
  char out[600];
  struct bw_buf b = {0};
  int i;
  (void)state;
  run("account.many.all(x, account.many.all(y, true))", 0, out, sizeof out);
  assert_string_equal(out, steps);
  run("account.many.exists(x, account.many.exists(y, false)) || true", 0, out, sizeof out);
  assert_string_equal(out, steps); /* not absorbed: the evaluation as a whole ends */
  run("account.many.all(x, true)", 0, out, sizeof out);
  assert_string_equal(out, "true");
  run("account.many == account.many.map(x, x)", 0, out, sizeof out);
  assert_string_equal(out, steps);
  bw_buf_add_cstr(&b, "[1]");
  for (i = 0; i < 60; i++)
    bw_buf_add_cstr(&b, ".map(x, [x, x])");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_true(strncmp(out, "error: ", 7) == 0);
  bw_buf_reset(&b);
  bw_buf_add_cstr(&b, "['0123456789abcdef']");
  for (i = 0; i < 20; i++)
    bw_buf_add_cstr(&b, ".map(x, x + x)");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_true(strncmp(out, "error: ", 7) == 0);
  bw_buf_reset(&b);
  for (i = 0; i < 30; i++)
    bw_buf_add_cstr(&b, "[1].exists(x, ");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_true(strncmp(out, "1:", 2) == 0);
  bw_buf_reset(&b);
  for (i = 0; i < 12; i++)
    bw_buf_add_cstr(&b, "[1].exists(x, ");
  bw_buf_add_cstr(&b, "true");
  for (i = 0; i < 12; i++)
    bw_buf_add_cstr(&b, ")");
  run(bw_buf_cstr(&b), 0, out, sizeof out);
  assert_non_null(strstr(out, "more than 8 of all, exists, filter and map inside each other"));
  bw_buf_clear(&b);
}

/* Patterns that take a backtracking matcher longer than the universe. */
static void matching_is_bounded(void **state)
{
  struct bw_buf b = {0};
  char out[600];
  int i;
  (void)state;
  for (i = 0; i < 5000; i++)
    bw_buf_add_char(&b, 'a');
  {
    char *text BW_AUTOFREE = bw_asprintf("'%s!'.matches('^(a+)+$')", bw_buf_cstr(&b));
    char *wild BW_AUTOFREE = bw_asprintf("'%s'.matches('.*.*.*.*=.*')", bw_buf_cstr(&b));
    char *large BW_AUTOFREE = bw_asprintf("'%s'.matches('(x+x+)+y|(a|aa|aaa){1,12}b')", bw_buf_cstr(&b));
    char *plus BW_AUTOFREE = bw_asprintf("'%s@x.com'.matches(r'^.+@.+\\.com$')", bw_buf_cstr(&b));
    run(text, 0, out, sizeof out);
    assert_string_equal(out, "false");
    run(plus, 0, out, sizeof out);
    assert_string_equal(out, "true");
    run(wild, 0, out, sizeof out);
    assert_string_equal(out, "false");
    run(large, 0, out, sizeof out);
    assert_string_equal(out, "error: the expression takes too many steps");
  }
  bw_buf_clear(&b);
}

static void text_reads_back(void **state)
{
  static const char *const sources[] = {
      "account.products.filter(p, p != 'x').exists(q, q.matches('a|b')) ? {'a': [1, 2.0], 2: -3} : {'k': []}",
      "has(account.custom.region) && account.custom['a b'].c[0] == 1",
      "(account.acv + 1 > 2 ? [1] : [2]).map(x, x > 1, -x)",
      "account.limits.all(k, account.limits[k] < 1) || type(1) == int",
      "duration('1h') < account.start - timestamp('2009-01-01')",
      "(-account.acv).string() + 'x'",
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof sources / sizeof *sources; i++) {
    struct bw_expr *a = NULL, *b = NULL;
    struct bw_buf ta = {0}, tb = {0};
    struct bw_error err = {0};
    if (bw_expr_compile(bw_str(sources[i]), &env, BW_TYPE_ANY, &a, NULL, &err) < 0)
      fail_msg("%s: %s", sources[i], err.message);
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

/* A gate runs a million times an hour. */
static void a_gate_allocates_nothing(void **state)
{
  struct bw_expr *e = NULL;
  struct bw_eval ev = {.lookup = lookup};
  struct bw_value v;
  (void)state;
  assert_int_equal(bw_expr_compile(BW_STR("account.acv >= 10000 && account.title.matches('Sales') && account.start < "
                                          "timestamp('2026-01-01') && account.products.exists(p, p == 'mail')"),
                                   &env, BW_TYPE_BOOL, &e, NULL, NULL),
                   0);
  bw_expr_eval(e, &ev, &v);
  assert_true(v.type == BW_TYPE_BOOL && v.b);
  assert_null(ev.arena);
  assert_true(ev.cost < 50);
  bw_eval_clear(&ev);
  bw_expr_free(&e);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_and_maps),        cmocka_unit_test(times),
      cmocka_unit_test(regular_expressions),   cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(evaluation_is_bounded), cmocka_unit_test(matching_is_bounded),
      cmocka_unit_test(text_reads_back),       cmocka_unit_test(a_gate_allocates_nothing),
  };
  size_t i;
  for (i = 0; i < sizeof many / sizeof *many; i++)
    many[i] = bw_value_int((int64_t)i);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
