/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the configuration reader: types, positions, limits, option tables and what they say. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

static struct bw_document *parse_many(const char *yaml, bool many)
{
  struct bw_document *d = NULL;
  struct bw_complaints c = {0};
  if (bw_document_parse(bw_str(yaml), "f.yaml", many, &d, &c) != 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  bw_complaints_clear(&c);
  return d;
}

static void expect_json(const char *yaml, bool many, const char *json)
{
  struct bw_document *d = parse_many(yaml, many);
  struct bw_buf out = {0};
  bw_node_json(&out, bw_document_root(d));
  assert_string_equal(bw_buf_cstr(&out), json);
  bw_buf_clear(&out);
  bw_document_free(&d);
}

static void expect_refused_n(struct bw_str yaml, const char *says)
{
  struct bw_document *d = NULL;
  struct bw_complaints c = {0};
  int rc = bw_document_parse(yaml, "f.yaml", false, &d, &c);
  if (rc != BW_EINVAL || !strstr(bw_buf_cstr(&c.text), says))
    fail_msg("%d: expected \"%s\", got \"%s\"", rc, says, bw_buf_cstr(&c.text));
  assert_null(d);
  assert_true(c.count > 0);
  bw_complaints_clear(&c);
}

static void expect_refused(const char *yaml, const char *says)
{
  expect_refused_n(bw_str(yaml), says);
}

static void test_types(void **state)
{
  (void)state;
  expect_json("a: 1\nb: 1.5e3\nc: true\nd: False\ne: ~\nf:\ng: null\nh: \"true\"\ni: '12'\nj: text here\n", false,
              "{\"a\":1,\"b\":1500,\"c\":true,\"d\":false,\"e\":null,\"f\":null,\"g\":null,\"h\":\"true\",\"i\":\"12\",\"j\":"
              "\"text here\"}");
  expect_json(
      "[0x10, 0o17, -3, +4, .5, 5., 1_000, .inf, .nan, 0x, 1e999, 12:30, 28d, 30%, yes, 007, --, 1 2]", false,
      "[16,15,-3,4,0.5,5,\"1_000\",\".inf\",\".nan\",\"0x\",\"1e999\",\"12:30\",\"28d\",\"30%\",\"yes\",7,\"--\",\"1 2\"]");
  expect_json("a: |\n  one\n  two\nb: >\n  one\n  two\n", false, "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}");
  expect_json("a: 'it''s ''''four'''' '\nb: 'one\n  two  \n\n\n three'\nc: ''\nd: \"a\\tb\"\n", false,
              "{\"a\":\"it's ''four'' \",\"b\":\"one two\\n\\nthree\",\"c\":\"\",\"d\":\"a\\u0009b\"}");
  expect_json("", false, "null");
  expect_json("# only a comment\n", false, "null");
  expect_json("", true, "[]");
  expect_json("a: 1\n---\nb: 2\n---\n", true, "[{\"a\":1},{\"b\":2}]");
  expect_json("a: &x {k: [1, 2]}\nb: *x\nc: &y 5\nd: *y\n", false, "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":5,\"d\":5}");
}

static void test_positions(void **state)
{
  struct bw_document *d = parse_many("a: 1\nmap:\n  key:   value\n  list:\n    - x\n    - {y: 2}\n", false);
  const struct bw_node *root = bw_document_root(d), *n = bw_node_get(bw_node_get(root, "map"), "key");
  (void)state;
  assert_int_equal(n->line, 3);
  assert_int_equal(n->column, 10);
  assert_int_equal(n->key_line, 3);
  assert_int_equal(n->key_column, 3);
  assert_string_equal(n->file, "f.yaml");
  assert_string_equal(n->text.data, "value");
  n = bw_node_get(bw_node_get(root, "map"), "list");
  assert_int_equal(n->nitems, 2);
  assert_int_equal(n->items[1].line, 6);
  assert_int_equal(n->items[1].column, 7);
  n = bw_node_get(&n->items[1], "y");
  assert_int_equal(n->column, 11);
  assert_null(bw_node_get(root, "none"));
  assert_null(bw_node_get(n, "none"));
  assert_null(bw_node_get(NULL, "none"));
  bw_document_free(&d);
  d = parse_many("a: 'x'\nb: \"y\"\nc: |\n  text\n'd': [ 'z' ]\n", false);
  root = bw_document_root(d);
  assert_int_equal(root->items[0].column, 4);
  assert_int_equal(root->items[1].column, 4);
  assert_int_equal(root->items[3].key_line, 5);
  assert_int_equal(root->items[3].key_column, 1);
  assert_int_equal(root->items[3].items[0].column, 8);
  assert_int_equal(root->items[2].line, 4);
  bw_document_free(&d);
}

static char *repeat(const char *what, size_t n)
{
  struct bw_buf b = {0};
  while (n--)
    bw_buf_add_cstr(&b, what);
  bw_buf_cstr(&b);
  return b.data;
}

static void test_refusals(void **state)
{
  char *deep = repeat("[", 70), *deeper = repeat("[", 200000), *map_deep = repeat("{a: ", 70),
       *large = repeat("# 456789\n", 120000);
  char *blank = repeat("\n", 500000), *blank_block = bw_asprintf("a: |\n%s", blank);
  char *many_values = repeat("[],", 210000);
  char *wide = bw_asprintf("[%s]", many_values);
  (void)state;
  expect_refused("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" is here twice (first in line 1)");
  expect_refused("a: {b: 1, b: 2}", "f.yaml:1:11: the key \"b\" is here twice");
  expect_refused("a: [1, 2\nb: 3\n", "f.yaml:3:1: not well-formed YAML: flow sequence without a closing bracket");
  expect_refused("a: 1\n  b: 2\n", "f.yaml:1:4: not well-formed YAML");
  expect_refused("a: \"open\n", "not well-formed YAML");
  expect_refused("\tx: 1\n", "f.yaml:1:");
  expect_refused("a: *nothing\n", "f.yaml:1:4: the alias *nothing");
  expect_refused("a: &a [*a]\n", "the alias *a");
  expect_refused("a: !!str 5\n", "f.yaml:1:");
  expect_refused("<<: 5\n", "merge keys");
  expect_refused("{[1]: 2}\n", "a key must be text");
  expect_refused("a: {{seats}}\n", "f.yaml:1:5: a key must be text, not a map; put quotes around text that begins with {{");
  expect_refused("a: 1\n---\nb: 2\n", "f.yaml:3:1: a second document");
  expect_refused("a: \"x\\0y\"\n", "NUL");
  expect_refused("a: 1\nb: \xff\n", "f.yaml:2:1: this line is not UTF-8");
  expect_refused_n(bw_str_n("a: \0", 4), "f.yaml:1:1");
  expect_refused("a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                 "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
                 "aliases grow to more than 1000");
  expect_refused(deep, "f.yaml:1:65: nested more than 64 deep");
  expect_refused(deeper, "f.yaml:1:");
  expect_refused(map_deep, "deep");
  expect_refused(large, "larger than");
  expect_refused(wide, "more than 200000 values");
  expect_refused(blank, "f.yaml:1001:1: more than 1000 blank lines");
  expect_refused(blank_block, "f.yaml:1002:1: more than 1000 blank lines");
  free(blank);
  free(blank_block);
  free(deep);
  free(deeper);
  free(map_deep);
  free(large);
  free(many_values);
  free(wide);
}

static void test_files(void **state)
{
  char path[] = "/tmp/bw-test-config-XXXXXX";
  int fd = mkstemp(path);
  struct bw_document *d = NULL;
  struct bw_complaints c = {0};
  (void)state;
  assert_int_equal(write(fd, "a: 5\n", 5), 5);
  close(fd);
  assert_int_equal(bw_document_load(path, false, &d, &c), 0);
  assert_true(bw_node_get(bw_document_root(d), "a")->number == 5);
  bw_document_free(&d);
  unlink(path);
  assert_int_equal(bw_document_load(path, false, &d, &c), BW_EIO);
  assert_int_equal(bw_document_load("/", false, &d, &c), BW_EIO);
  assert_int_equal(c.count, 2);
  assert_non_null(strstr(bw_buf_cstr(&c.text), "No such file"));
  bw_complaints_clear(&c);
}

/* ---- option tables ---- */

struct options {
  bool on;
  int64_t count, span, size;
  double ratio, share;
  char *name;
  int mode;
  const struct bw_node *rules;
};
static const struct bw_setting table[] = {
    {"on", BW_SETTING_BOOL, offsetof(struct options, on), "true", 0, 0, NULL, "Whether."},
    {"count", BW_SETTING_INTEGER, offsetof(struct options, count), "3", 1, 10, NULL, "How many."},
    {"window.span", BW_SETTING_DURATION, offsetof(struct options, span), "28d", 3600e3, 100.0 * 86400e3, NULL, "How long."},
    {"window.size", BW_SETTING_SIZE, offsetof(struct options, size), "64M", 0, 0, NULL, "How large."},
    {"ratio", BW_SETTING_NUMBER, offsetof(struct options, ratio), "1.5", 0, 0, NULL, "How steep."},
    {"threshold", BW_SETTING_PERCENT, offsetof(struct options, share), "30%", 0, 1, NULL, "From where."},
    {"name", BW_SETTING_STRING, offsetof(struct options, name), NULL, 0, 0, NULL, "Who it is."},
    {"mode", BW_SETTING_ENUM, offsetof(struct options, mode), "shadow", 0, 0, "shadow|pilot|live", "How real."},
    {"rules", BW_SETTING_NODE, offsetof(struct options, rules), "", 0, 0, NULL, "Anything."},
};
#define NTABLE (sizeof table / sizeof *table)

static void finds(const struct bw_document *d, const char *path, uint32_t line, uint32_t column)
{
  const struct bw_node *n = bw_node_find(bw_document_root(d), bw_str(path));
  if (line == 0)
    assert_null(n);
  else if (!n || n->line != line || n->column != column)
    fail_msg("%s: %u:%u", path, n ? n->line : 0, n ? n->column : 0);
}

static void test_find(void **state)
{
  struct bw_document *d = parse_many("a: {b: 1, c.d: 2}\ne.f:\n  - x\n  - {g: y}\n", false);
  (void)state;
  finds(d, "a", 1, 4);
  finds(d, "a.b", 1, 8);
  finds(d, "a.c.d", 1, 16);
  finds(d, "e.f[0]", 3, 5);
  finds(d, "e.f[1].g", 4, 9);
  finds(d, "a.c", 0, 0);
  finds(d, "a.bb", 0, 0);
  finds(d, "e.f[2]", 0, 0);
  finds(d, "e.f[", 0, 0);
  finds(d, "e.f[]", 0, 0);
  finds(d, "e.f[99999999999999999999]", 0, 0);
  finds(d, "a.b.c", 0, 0);
  finds(d, "a[0]", 0, 0);
  bw_document_free(&d);
}

static void test_settings(void **state)
{
  struct bw_document *d = parse_many("name: n\n", false);
  struct bw_complaints c = {0};
  struct options o;
  (void)state;
  memset(&o, 0xaa, sizeof o);
  assert_int_equal(bw_settings_read(table, NTABLE, bw_document_root(d), &o, &c), 0);
  assert_true(o.on && o.count == 3 && o.span == INT64_C(28) * 86400000 && o.size == 64 << 20);
  assert_true(o.ratio == 1.5 && o.share == 0.3 && o.mode == 0 && !o.rules);
  assert_string_equal(o.name, "n");
  bw_settings_clear(table, NTABLE, &o);
  assert_null(o.name);
  bw_document_free(&d);

  d = parse_many("name: 12\non: false\ncount: 10\nwindow: {span: 2w, size: 1.5K}\nratio: -2\nthreshold: 0.25\nmode: live\n"
                 "rules: [{x: 1}]\n",
                 false);
  assert_int_equal(bw_settings_read(table, NTABLE, bw_document_root(d), &o, &c), 0);
  assert_true(!o.on && o.count == 10 && o.span == INT64_C(14) * 86400000 && o.size == 1536);
  assert_true(o.ratio == -2 && o.share == 0.25 && o.mode == 2 && o.rules && o.rules->nitems == 1);
  assert_string_equal(o.name, "12");
  bw_settings_clear(table, NTABLE, &o);
  bw_document_free(&d);

  d = parse_many("name: n\nwindow.span: 3d\nwindow.size: 10\n", false);
  assert_int_equal(bw_settings_read(table, NTABLE, bw_document_root(d), &o, &c), 0);
  assert_true(o.span == INT64_C(3) * 86400000 && o.size == 10);
  bw_settings_clear(table, NTABLE, &o);
  bw_document_free(&d);
  assert_int_equal(c.count, 0);
}

static void expect_said(const char *yaml, const char *said)
{
  struct bw_document *d = parse_many(yaml, false);
  struct bw_complaints c = {0};
  struct options o;
  assert_int_equal(bw_settings_read(table, NTABLE, bw_document_root(d), &o, &c), BW_EINVAL);
  assert_string_equal(bw_buf_cstr(&c.text), said);
  assert_null(o.name);
  bw_complaints_clear(&c);
  bw_document_free(&d);
}

static void test_settings_complain(void **state)
{
  (void)state;
  expect_said("on: true\n", "f.yaml:1:1: 'name' is missing: Who it is.\n");
  expect_said("name: n\ntreshold: 5\n", "f.yaml:2:1: unknown key 'treshold'; did you mean 'threshold'?\n");
  expect_said("name: n\nzzz: 5\n", "f.yaml:2:1: unknown key 'zzz'\n");
  expect_said("name: n\nwindow: {spam: 5d}\n", "f.yaml:2:10: unknown key 'spam'; did you mean 'span'?\n");
  expect_said("name: n\nwindow: 5\n", "f.yaml:2:9: 'window' should be a map, but here is a number\n");
  expect_said("name: n\non: yes\n", "f.yaml:2:5: 'on' should be true or false, but is \"yes\"\n");
  expect_said("name: n\ncount: 11\n", "f.yaml:2:8: 'count' is \"11\", but must lie between 1 and 10\n");
  expect_said("name: n\ncount: 1.5\n", "f.yaml:2:8: 'count' should be a whole number, such as 12, but is \"1.5\"\n");
  expect_said("name: n\nthreshold: 130%\n", "f.yaml:2:12: 'threshold' is \"130%\", but must lie between 0% and 100%\n");
  expect_said("name: n\nwindow: {span: 10m}\n", "f.yaml:2:16: 'window.span' is \"10m\", but must lie between 1h and 100d\n");
  expect_said(
      "name: n\nwindow: {span: 10}\n",
      "f.yaml:2:16: 'window.span' should be a time span with a unit, such as 90s, 15m, 24h, 28d or 2w, but is \"10\"\n");
  expect_said("name: n\nwindow: {size: 10X}\n",
              "f.yaml:2:16: 'window.size' should be a size in bytes, such as 4096, 64K or 16M, but is \"10X\"\n");
  expect_said("name: n\nmode: lvie\n", "f.yaml:2:7: 'mode' cannot be \"lvie\"; did you mean 'live'? (shadow|pilot|live)\n");
  expect_said("name: n\nmode: [live]\n", "f.yaml:2:7: 'mode' should be one of these: shadow|pilot|live, but here is a list\n");
  expect_said("name: [1]\ncount: x\n", "f.yaml:2:8: 'count' should be a whole number, such as 12, but is \"x\"\n"
                                       "f.yaml:1:7: 'name' should be text, but here is a list\n");
  expect_said("[1]\n",
              "f.yaml:1:1: a map of settings is expected here, not a list\nf.yaml:1:1: 'name' is missing: Who it is.\n");
}

static void test_complaints(void **state)
{
  struct bw_complaints c = {0};
  struct bw_node at = {.file = "g.yaml", .line = 3, .column = 4, .key_line = 3, .key_column = 1};
  int i;
  (void)state;
  bw_complain(&c, &at, "a%d\x1b[1m", 1);
  bw_complain_key(&c, &at, "b");
  bw_warn(&c, &at, "c");
  bw_complain(&c, NULL, "d");
  assert_string_equal(bw_buf_cstr(&c.text), "g.yaml:3:4: a1 [1m\ng.yaml:3:1: b\ng.yaml:3:4: warning: c\nd\n");
  assert_int_equal(c.count, 3);
  assert_int_equal(c.warnings, 1);
  for (i = 0; i < 100000; i++)
    bw_complain(&c, &at, "again and again");
  assert_true(c.text.len < 20000);
  assert_int_equal(c.count, 100003);
  bw_complaints_clear(&c);
}

static void test_help_and_nearest(void **state)
{
  static const char *const names[] = {"usage", "renewal", "people", NULL};
  struct bw_buf out = {0};
  (void)state;
  assert_string_equal(bw_nearest(BW_STR("useage"), names), "usage");
  assert_string_equal(bw_nearest(BW_STR("poeple"), names), "people");
  assert_null(bw_nearest(BW_STR("x"), names));
  assert_null(bw_nearest(BW_STR("website"), names));
  bw_settings_help(table, NTABLE, &out);
  assert_non_null(strstr(bw_buf_cstr(&out), ".TP\n.BR window.span \" (duration, default 28d, 1h to 100d)\"\nHow long.\n"));
  assert_non_null(strstr(bw_buf_cstr(&out), ".BR name \" (text, required)\"\n"));
  assert_non_null(strstr(bw_buf_cstr(&out), ".BR mode \" (shadow|pilot|live, default shadow)\"\n"));
  bw_buf_clear(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_types),
      cmocka_unit_test(test_positions),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_find),
      cmocka_unit_test(test_settings),
      cmocka_unit_test(test_settings_complain),
      cmocka_unit_test(test_complaints),
      cmocka_unit_test(test_help_and_nearest),
  };
  return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
