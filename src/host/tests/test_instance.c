/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin instances in this process: descriptors, options, emits, state. */
#include "base/test.h"

#include "host/instance.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/load.h"
#include "wire/output.h"
#include "wire/record.h"

static char *plugin(const char *name)
{
  const char *dir = getenv("BW_BUILDDIR");
  return bw_asprintf("%s/src/host/tests/%s", dir ? dir : ".", name);
}

static struct bw_instance *opened(const char *name, const char *options)
{
  char *path BW_AUTOFREE = plugin(name);
  struct bw_instance *i = NULL;
  struct bw_error err = {0};
  if (bw_instance_open(path, bw_str(options), 1, &i, &err) < 0)
    fail_msg("%s: %s", name, err.message);
  return i;
}

static void refused(const char *options, const char *message)
{
  char *path BW_AUTOFREE = plugin("good.so");
  struct bw_instance *i = NULL;
  struct bw_error err = {0};
  assert_true(bw_instance_open(path, bw_str(options), 1, &i, &err) < 0);
  assert_null(i);
  if (!strstr(err.message, message))
    fail_msg("%s: \"%s\" does not say \"%s\"", options, err.message, message);
}

static struct bw_record track(const char *account, const char *name, int64_t at)
{
  return (struct bw_record){.kind = BW_KIND_TRACK, .time_ms = at, .account = bw_str(account), .name = bw_str(name)};
}

static int feed(struct bw_instance *i, const struct bw_record *records, size_t n, struct bw_buf *out, struct bw_error *err)
{
  struct bw_batch b = {sizeof b, sizeof *records, n, records};
  return bw_instance_records(i, &b, out, err);
}

static void counts(void **state)
{
  struct bw_instance *i = opened("good.so", "{\"threshold\": 2}");
  struct bw_record r[5] = {track("acme", "a", 10),
                           track("beta", "a", 11),
                           track("acme", "b", 12),
                           {.kind = BW_KIND_PLAN, .account = BW_STR("gamma")},
                           {.kind = BW_KIND_TICK, .time_ms = 20}};
  struct bw_buf out = {0};
  struct bw_error err;
  struct bw_output o;
  struct bw_reader in;
  (void)state;
  assert_int_equal(feed(i, r, 5, &out, &err), BW_OK);
  in = bw_reader(out.data, out.len);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_int_equal(o.kind, BW_OUTPUT_TRAIT);
  assert_true(bw_str_is(o.u.trait.account, "acme"));
  assert_true(o.u.trait.number == 2);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_int_equal(o.kind, BW_OUTPUT_SIGNAL);
  assert_true(bw_str_is(o.u.signal.evidence, "{\"count\":2}"));
  assert_int_equal(o.u.signal.at_ms, 20);
  assert_int_equal(bw_output_next(&in, &o, &err), 1);
  assert_true(bw_str_is(o.u.trait.account, "beta"));
  assert_int_equal(bw_output_next(&in, &o, &err), 0); /* the plan record was not wanted */
  bw_buf_clear(&out);
  bw_instance_close(&i);
  assert_null(i);
}

static void state_travels(void **state)
{
  struct bw_instance *a = opened("good.so", ""), *b = opened("good.so", "{}");
  struct bw_record first[2] = {track("acme", "a", 1), track("acme", "a", 2)};
  struct bw_record rest[2] = {track("acme", "a", 3), {.kind = BW_KIND_TICK, .time_ms = 9}};
  struct bw_buf saved = {0}, out_a = {0}, out_b = {0};
  struct bw_error err;
  (void)state;
  assert_int_equal(feed(a, first, 2, &out_a, &err), BW_OK);
  assert_int_equal(bw_instance_save(a, &saved, &err), BW_OK);
  assert_int_equal(bw_instance_load(b, bw_buf_str(&saved), &err), BW_OK);
  assert_int_equal(feed(a, rest, 2, &out_a, &err), BW_OK);
  assert_int_equal(feed(b, rest, 2, &out_b, &err), BW_OK);
  assert_true(out_a.len > 0 && bw_str_eq(bw_buf_str(&out_a), bw_buf_str(&out_b)));
  /* A damaged state fails with the plugin's own words, and the instance with it. */
  assert_true(bw_instance_load(b, BW_STR("abc"), &err) < 0);
  assert_non_null(strstr(err.message, "the state is cut off"));
  assert_int_equal(feed(b, rest, 2, &out_b, &err), BW_ESTATE);
  bw_buf_clear(&saved);
  bw_buf_clear(&out_a);
  bw_buf_clear(&out_b);
  bw_instance_close(&a);
  bw_instance_close(&b);
}

static void option_complaints(void **state)
{
  (void)state;
  refused("{\"treshold\": 3}", "did you mean threshold?");
  refused("{\"nested\": {\"rato\": 3}}", "did you mean nested.ratio?");
  refused("{\"nested\": 3}", "option nested: the plugin has no such option");
  refused("{\"threshold\": \"many\"}", "option threshold: \"many\" was given, a whole number is needed");
  refused("{\"threshold\": 2.5}", "a whole number is needed");
  refused("{\"threshold\": true}", "true or false was given");
  refused("{\"threshold\": null}", "nothing was given");
  refused("{\"threshold\": 0}", "option threshold: 0 is out of range; 1 to 1e+06 is possible");
  refused("{\"nested\": {\"ratio\": \"130%\"}}", "1.3 is out of range");
  refused("{\"nested\": {\"pace\": \"soon\"}}", "a duration (\"28d\"");
  refused("{\"nested\": {\"pace\": \"400d\"}}", "option nested.pace: 400d is out of range; 1d to 100d is possible");
  refused("{\"strict\": \"true\"}", "true or false is needed");
  refused("{\"label\": [1]}", "a list was given, text is needed");
  refused("{\"nested\": {\"ratio\": 0.1}, \"nested.ratio\": 0.2}", "given twice");
  refused("[1]", "not a map");
  refused("{", "not JSON");
  refused("{\"label\": \"fail\"}", "the label \"fail\" is not to my taste");
}

static void option_values(void **state)
{
  static const struct bw_option table[] = {
      {"a", BW_OPTION_PERCENT, 0, "30%", 0, 1, ""},    {"b.c", BW_OPTION_DURATION, 0, "28d", 0, 0, ""},
      {"b.d.e", BW_OPTION_BOOL, 0, "false", 0, 0, ""}, {"f", BW_OPTION_JSON, 0, "[]", 0, 0, ""},
      {"g", BW_OPTION_STRING, 0, NULL, 0, 0, ""},      {"h", BW_OPTION_INTEGER, 0, "5", 0, 0, ""},
      {"i", BW_OPTION_NUMBER, 0, "1", 0, 0, ""}};
  struct bw_options o = {0};
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(bw_options_read(table, 7,
                                   bw_str("{\"b\":{\"c\":\"1d12h\",\"d\":{\"e\":true}},\"a\":\"12.5%\",\"f\":{\"z\":[1,2]},"
                                          "\"g\":\"x y\",\"i\":\"2.5\"}"),
                                   &o, &err),
                   BW_OK);
  assert_true(o.values[0].number == 0.125);
  assert_int_equal(o.values[1].integer, INT64_C(36) * 3600 * 1000);
  assert_int_equal(o.values[2].integer, 1);
  assert_true(bw_str_is(o.values[3].text, "{\"z\":[1,2]}"));
  assert_true(bw_str_is(o.values[4].text, "x y"));
  assert_int_equal(o.values[5].integer, 5);
  assert_true(o.values[5].number == 5);
  assert_true(o.values[6].number == 2.5);
  assert_int_equal(o.values[6].type, BW_OPTION_NUMBER);
  bw_options_clear(&o);
  assert_int_equal(bw_options_read(table, 7, BW_STR("{}"), &o, &err), BW_EINVAL);
  assert_non_null(strstr(err.message, "option g: it must be given"));
  bw_options_clear(&o);
}

static void lies(void **state)
{
  static const char *const told[] = {"not in the plugin's table",
                                     "size says 8 bytes",
                                     "state 9",
                                     "value is not a finite",
                                     "strength is outside",
                                     "not a JSON object",
                                     "evidence is not JSON",
                                     "account is not UTF-8",
                                     "key has 20000 bytes",
                                     "evidence has 20000 bytes",
                                     "no bytes",
                                     "at_ms",
                                     "null pointer",
                                     "index 99",
                                     "declared with another type",
                                     "code is not made of"};
  size_t k;
  (void)state;
  for (k = 0; k < sizeof told / sizeof *told; k++) {
    char *options BW_AUTOFREE = bw_asprintf("{\"lie\": %zu}", k);
    struct bw_instance *i = opened("liar.so", options);
    struct bw_record r = track("acme", "poison", 5);
    struct bw_buf out = {0};
    struct bw_error err = {0};
    assert_true(feed(i, &r, 1, &out, &err) < 0);
    if (!strstr(err.message, told[k]))
      fail_msg("lie %zu: \"%s\" does not say \"%s\"", k, err.message, told[k]);
    assert_int_equal(feed(i, &r, 1, &out, &err), BW_ESTATE);
    bw_buf_clear(&out);
    bw_instance_close(&i);
  }
}

static void floods(void **state)
{
  struct bw_instance *i = opened("flood.so", "");
  struct bw_record r = track("acme", "poison", 5);
  struct bw_buf out = {0};
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(feed(i, &r, 1, &out, &err), BW_ELIMIT);
  assert_true(out.len <= BW_OUTPUT_MAX_BYTES + 65536);
  bw_buf_clear(&out);
  bw_instance_close(&i);
}

static void fails(void **state)
{
  struct bw_instance *i = opened("failing.so", "");
  struct bw_record r = track("acme", "poison", 5);
  struct bw_buf out = {0};
  struct bw_error err = {0};
  (void)state;
  assert_true(feed(i, &r, 1, &out, &err) < 0);
  assert_non_null(strstr(err.message, "records() failed (-7)"));
  bw_buf_clear(&out);
  bw_instance_close(&i);
}

static void other_sizes(void **state)
{
  struct bw_instance *i = opened("old-minor.so", "");
  const struct bw_plugin *p = bw_instance_plugin(i);
  struct bw_record r = track("acme", "a", 5);
  struct bw_buf out = {0};
  struct bw_error err;
  (void)state;
  assert_int_equal(p->nsignals, 2);
  assert_string_equal(p->signals[1].name, "second");
  assert_int_equal(p->signals[1].direction, BW_DOWN);
  assert_string_equal(p->signals[1].help, "");
  assert_string_equal(p->options[1].name, "two");
  assert_int_equal(feed(i, &r, 1, &out, &err), BW_OK); /* it checks that it was given its second option */
  bw_buf_clear(&out);
  bw_instance_close(&i);
}

static void describes(void **state)
{
  char *path BW_AUTOFREE = plugin("good.so");
  struct bw_buf json = {0};
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_instance_describe(path, &json, &err), BW_OK);
  assert_int_equal(strncmp(bw_buf_cstr(&json),
                           "{\"name\":\"toy\",\"version\":\"1.0\",\"summary\":\"Counts records; for tests.\",\"kinds\":1048578,"
                           "\"state_version\":1,\"signals\":[{\"name\":\"busy\",\"direction\":\"up\",\"urgency\":\"low\",",
                           150),
                   0);
  assert_non_null(strstr(
      json.data, "{\"name\":\"nested.pace\",\"type\":\"duration\",\"default\":\"28d\",\"min\":86400000,\"max\":8640000000,"));
  bw_buf_clear(&json);
}

/* ---- descriptors that lie ---- */

static int32_t f_open(const struct bw_open_args *a, void **s)
{
  (void)a, (void)s;
  return 0;
}
static int32_t f_records(void *s, const struct bw_batch *b)
{
  (void)s, (void)b;
  return 0;
}
static int32_t f_save(void *s, const struct bw_save_args *a)
{
  (void)s, (void)a;
  return 0;
}
static int32_t f_load(void *s, const struct bw_load_args *a)
{
  (void)s, (void)a;
  return 0;
}
static void f_close(void *s)
{
  (void)s;
}

static struct bw_plugin honest(void)
{
  return (struct bw_plugin){.magic = BW_PLUGIN_MAGIC,
                            .size = sizeof(struct bw_plugin),
                            .abi_major = BW_ABI_MAJOR,
                            .name = "honest",
                            .open = f_open,
                            .records = f_records,
                            .save = f_save,
                            .load = f_load,
                            .close = f_close};
}

static void descriptor_refused(const struct bw_plugin *p, const char *message)
{
  struct bw_loaded l = {0};
  struct bw_error err = {0};
  assert_true(bw_loaded_descriptor(p, "x.so", &l, &err) < 0);
  if (!strstr(err.message, message))
    fail_msg("\"%s\" does not say \"%s\"", err.message, message);
  bw_loaded_close(&l);
}

static void descriptors(void **state)
{
  struct bw_signal_decl twice[2] = {{"a", BW_UP, 0, "", ""}, {"a", BW_UP, 0, "", ""}}, odd = {"a", 77, 0, "", ""};
  struct bw_option bad_default = {"a", BW_OPTION_INTEGER, 0, "x", 0, 0, ""}, bad_name = {"A b", 1, 0, "true", 0, 0, ""};
  struct bw_plugin p = honest();
  struct bw_loaded l = {0};
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(bw_loaded_descriptor(&p, "x.so", &l, &err), BW_OK);
  bw_loaded_close(&l);
  descriptor_refused(NULL, "returned nothing");
  p.magic = 1;
  descriptor_refused(&p, "not a basewatch plugin");
  p = honest(), p.abi_major = 2;
  descriptor_refused(&p, "built for plugin ABI 2.0, this basewatch speaks 1.0");
  p = honest(), p.size = 40;
  descriptor_refused(&p, "says that it has 40 bytes");
  p = honest(), p.size = 1u << 30;
  descriptor_refused(&p, "says that it has");
  p = honest(), p.name = "Bad Name";
  descriptor_refused(&p, "its name");
  p = honest(), p.save = NULL;
  descriptor_refused(&p, "must all be there");
  p = honest(), p.nsignals = 1u << 20;
  descriptor_refused(&p, "has 1048576 rows");
  p = honest(), p.nsignals = 3;
  descriptor_refused(&p, "rows of 0 bytes");
  p = honest(), p.nsignals = 2, p.signal_size = 4, p.signals = twice;
  descriptor_refused(&p, "rows of 4 bytes");
  p = honest(), p.nsignals = 2, p.signal_size = sizeof *twice, p.signals = twice;
  descriptor_refused(&p, "a name that an earlier row has");
  p = honest(), p.nsignals = 1, p.signal_size = sizeof odd, p.signals = &odd;
  descriptor_refused(&p, "unknown direction");
  p = honest(), p.noptions = 1, p.option_size = sizeof bad_name, p.options = &bad_name;
  descriptor_refused(&p, "no proper name");
  p = honest(), p.noptions = 1, p.option_size = sizeof bad_default, p.options = &bad_default;
  descriptor_refused(&p, "its own default was given");
}

static void not_plugins(void **state)
{
  struct bw_instance *i = NULL;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_instance_open("/nowhere/x.so", BW_STR("{}"), 0, &i, &err), BW_ENOTFOUND);
  assert_int_equal(bw_instance_open("libm.so.6", BW_STR("{}"), 0, &i, &err), BW_EINVAL);
  assert_null(i);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts),        cmocka_unit_test(state_travels), cmocka_unit_test(option_complaints),
      cmocka_unit_test(option_values), cmocka_unit_test(lies),          cmocka_unit_test(floods),
      cmocka_unit_test(fails),         cmocka_unit_test(other_sizes),   cmocka_unit_test(describes),
      cmocka_unit_test(descriptors),   cmocka_unit_test(not_plugins)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
