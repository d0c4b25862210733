/* SPDX-License-Identifier: Apache-2.0 */
/* What is JSON and what is not: tables, numbers against strtod, and random mutations against jansson. */
#include "base/test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ingest/segment.h"

static struct bw_event_parser *parser;

static int setup(void **state)
{
  struct bw_event_options o = {.seed = 7, .arrival_ms = BW_TIME_NONE};
  (void)state;
  parser = bw_event_parser_new(&o);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  bw_event_parser_free(&parser);
  return 0;
}

/* The value as a property of an otherwise good event. */
static char *event_of(const char *value, size_t len, size_t *ret_len)
{
  static const char head[] = "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"timestamp\":\"2025-01-01T00:00:00Z\","
                             "\"properties\":{\"v\":";
  char *text = malloc(sizeof head + len + 3);
  memcpy(text, head, sizeof head - 1);
  memcpy(text + sizeof head - 1, value, len);
  memcpy(text + sizeof head - 1 + len, "}}", 3);
  *ret_len = sizeof head - 1 + len + 2;
  return text;
}

static int parse_value(const char *value, size_t len, struct bw_record *ret, struct bw_error *err)
{
  size_t n;
  char *text = event_of(value, len, &n);
  int rc;
  bw_event_parser_reset(parser);
  rc = bw_event_parse(bw_str_n(text, n), parser, ret, err);
  free(text);
  return rc;
}

#define LIT(s)                                                                                                                 \
  {                                                                                                                            \
    s, sizeof(s) - 1                                                                                                           \
  }
struct text {
  const char *text;
  size_t len;
};

static void test_accepted(void **state)
{
  static const struct text good[] = {LIT("0"),
                                     LIT("-0"),
                                     LIT("1"),
                                     LIT("-1"),
                                     LIT("123456789"),
                                     LIT("1234567890123"),
                                     LIT("0.5"),
                                     LIT("-0.25"),
                                     LIT("1e3"),
                                     LIT("1E+3"),
                                     LIT("1e-3"),
                                     LIT("0e0"),
                                     LIT("123.456e-7"),
                                     LIT("1.7976931348623157e308"),
                                     LIT("5e-324"),
                                     LIT("1e-400"),
                                     LIT("12345678901234567890"),
                                     LIT("true"),
                                     LIT("false"),
                                     LIT("null"),
                                     LIT("\"\""),
                                     LIT("\"a\""),
                                     LIT("\"\\\"\""),
                                     LIT("\"\\\\\""),
                                     LIT("\"\\/\\b\\f\\n\\r\\t\""),
                                     LIT("\"\\u0041\""),
                                     LIT("\"\\u00e9\""),
                                     LIT("\"\\u20AC\""),
                                     LIT("\"\\uD83D\\uDE00\""),
                                     LIT("\"\xC3\xA9\""),
                                     LIT("\"\xE2\x82\xAC\""),
                                     LIT("\"\xF0\x9F\x98\x80\""),
                                     LIT("\"\xF4\x8F\xBF\xBF\""),
                                     LIT("\"\xEF\xBF\xBF\""),
                                     LIT("\"\x7F\""),
                                     LIT("\"0123456789abcdef\""),
                                     LIT("\"0123456789abcde\\n0123456789abcdef\""),
                                     LIT("[]"),
                                     LIT("[ ]"),
                                     LIT("[1]"),
                                     LIT("[1,2]"),
                                     LIT("[ 1 , 2 ]"),
                                     LIT("[[[]]]"),
                                     LIT("[{}]"),
                                     LIT("[{\"a\":1}]"),
                                     LIT("[{\"a\":[{}]},\"b\",null,true,false,-1.5e2]"),
                                     LIT("{}"),
                                     LIT("{ }"),
                                     LIT("{\"a\":{}}"),
                                     LIT("{\"a\":{\"b\":{\"c\":[1]}}}"),
                                     LIT(" 1 "),
                                     LIT("\t1\r\n"),
                                     LIT("[\"\\uD83D\\uDE00\",\"\\u0041\"]"),
                                     LIT("{\"\":1}"),
                                     LIT("{\"a\\u0041\":1}"),
                                     LIT("{\"\xC3\xA9\":1}")};
  struct bw_error err;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof good / sizeof *good; i++)
    if (parse_value(good[i].text, good[i].len, NULL, &err) != 0)
      fail_msg("%s: %s", good[i].text, err.message);
}

static void test_refused(void **state)
{
  static const struct text bad[] = {LIT(""),
                                    LIT("-"),
                                    LIT("+1"),
                                    LIT("01"),
                                    LIT("-01"),
                                    LIT("00"),
                                    LIT("1."),
                                    LIT(".5"),
                                    LIT("1.e3"),
                                    LIT("1e"),
                                    LIT("1e+"),
                                    LIT("1e1.5"),
                                    LIT("0x10"),
                                    LIT("1a"),
                                    LIT("--1"),
                                    LIT("NaN"),
                                    LIT("Infinity"),
                                    LIT("-Infinity"),
                                    LIT("1e400"),
                                    LIT("-1e999"),
                                    LIT("True"),
                                    LIT("tru"),
                                    LIT("truex"),
                                    LIT("nul"),
                                    LIT("nulll"),
                                    LIT("undefined"),
                                    LIT("'a'"),
                                    LIT("\""),
                                    LIT("\"a"),
                                    LIT("a\""),
                                    LIT("\"\\\""),
                                    LIT("\"\\x41\""),
                                    LIT("\"\\a\""),
                                    LIT("\"\\u004\""),
                                    LIT("\"\\u00G0\""),
                                    LIT("\"\\u\""),
                                    LIT("\"\\uD83D\""),
                                    LIT("\"\\uDE00\""),
                                    LIT("\"\\uD83Dx\""),
                                    LIT("\"\\uD83D\\u0041\""),
                                    LIT("\"\\uD83D\\uD83D\""),
                                    LIT("\"\\u0000\""),
                                    LIT("\"\n\""),
                                    LIT("\"\t\""),
                                    LIT("\"\x01\""),
                                    LIT("\"\x1F\""),
                                    LIT("\"a\0b\""),
                                    LIT("\0"),
                                    LIT("\"\\\n\""),
                                    LIT("\"\x80\""),
                                    LIT("\"\xC3\""),
                                    LIT("\"\xC0\x80\""),
                                    LIT("\"\xC1\xBF\""),
                                    LIT("\"\xE0\x80\x80\""),
                                    LIT("\"\xED\xA0\x80\""),
                                    LIT("\"\xED\xBF\xBF\""),
                                    LIT("\"\xF0\x80\x80\x80\""),
                                    LIT("\"\xF4\x90\x80\x80\""),
                                    LIT("\"\xF5\x80\x80\x80\""),
                                    LIT("\"\xFF\""),
                                    LIT("\"\xE2\x82\""),
                                    LIT("\"0123456789abcdef\xE2\x82\""),
                                    LIT("\"\\\xC3\""),
                                    LIT("["),
                                    LIT("]"),
                                    LIT("[1"),
                                    LIT("[1,"),
                                    LIT("[1,]"),
                                    LIT("[,1]"),
                                    LIT("[1 2]"),
                                    LIT("[1}"),
                                    LIT("[\"\\uD83D\"]"),
                                    LIT("[\"\\q\"]"),
                                    LIT("[\"\x80\"]"),
                                    LIT("[\"\n\"]"),
                                    LIT("[\"\\u12\"]"),
                                    LIT("[\"\\u0000\"]"),
                                    LIT("[01]"),
                                    LIT("{"),
                                    LIT("}"),
                                    LIT("{1:2}"),
                                    LIT("{a:1}"),
                                    LIT("{\"a\"}"),
                                    LIT("{\"a\":}"),
                                    LIT("{\"a\":1,}"),
                                    LIT("{,}"),
                                    LIT("{\"a\":1 \"b\":2}"),
                                    LIT("{\"a\":1,\"a\":2}"),
                                    LIT("{\"a\":1,\"\\u0061\":2}"),
                                    LIT("{\"a.b\":1,\"a\":{\"b\":2}}"),
                                    LIT("{\"a\n\":1}"),
                                    LIT("{\"\x80\":1}"),
                                    LIT("{\"a\\q\":1}"),
                                    LIT("{\"a\":1]"),
                                    LIT("[{\"a\" 1}]"),
                                    LIT("1 2"),
                                    LIT("1,"),
                                    LIT("1}"),
                                    LIT("/* */1"),
                                    LIT("1//"),
                                    LIT("\xEF\xBB\xBF"
                                        "1"),
                                    LIT("1\v"),
                                    LIT("\xC2\xA0"
                                        "1")};
  struct bw_error err;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (parse_value(bad[i].text, bad[i].len, NULL, &err) == 0)
      fail_msg("accepted (%zu): %s", i, bad[i].text);
    assert_non_null(strchr(err.message, ':'));
    assert_int_equal(bw_event_batch_count(bw_event_parser_batch(parser)), 0);
  }
}

static void test_depth(void **state)
{
  char text[200];
  struct bw_error err;
  int depth;
  (void)state;
  for (depth = 1; depth <= 64; depth++) { /* the event and its properties are two levels already */
    int i, n = 0;
    for (i = 0; i < depth; i++)
      text[n++] = '[';
    for (i = 0; i < depth; i++)
      text[n++] = ']';
    assert_int_equal(parse_value(text, (size_t)n, NULL, &err), depth <= 30 ? 0 : BW_ELIMIT);
  }
  for (depth = 1; depth <= 40; depth++) {
    char deep[400] = "";
    int i;
    for (i = 0; i < depth; i++)
      strcat(deep, "{\"a\":");
    strcat(deep, "1");
    for (i = 0; i < depth; i++)
      strcat(deep, "}");
    assert_int_equal(parse_value(deep, strlen(deep), NULL, &err), depth <= 30 ? 0 : BW_ELIMIT);
  }
}

static uint64_t rng = 88172645463325252u;
static uint64_t next_random(void)
{
  rng ^= rng << 13;
  rng ^= rng >> 7;
  rng ^= rng << 17;
  return rng;
}

static void test_numbers(void **state)
{
  struct bw_record r;
  struct bw_error err;
  char text[64];
  int i, n;
  (void)state;
  for (i = 0; i < 40000; i++) {
    uint64_t bits = next_random();
    double v;
    memcpy(&v, &bits, 8);
    switch (i % 4) {
    case 0:
      if (!isfinite(v))
        continue;
      n = snprintf(text, sizeof text, "%.*g", (int)(next_random() % 17) + 1, v);
      break;
    case 1:
      n = snprintf(text, sizeof text, "%lld", (long long)(int64_t)bits >> (next_random() % 64));
      break;
    case 2:
      n = snprintf(text, sizeof text, "%u.%0*u", (unsigned)(bits % 100000), (int)(next_random() % 9) + 1,
                   (unsigned)(bits >> 40));
      break;
    default:
      n = snprintf(text, sizeof text, "%u.%ue%d", (unsigned)(bits % 1000), (unsigned)(bits >> 50),
                   (int)(next_random() % 80) - 40);
    }
    v = strtod(text, NULL);
    if (!isfinite(v))
      continue;
    assert_int_equal(parse_value(text, (size_t)n, &r, &err), 0);
    assert_int_equal(r.nfields, 1);
    assert_int_equal(r.fields[0].type, BW_VALUE_NUMBER);
    if (memcmp(&r.fields[0].number, &v, sizeof v) != 0)
      fail_msg("%s: %.17g, not %.17g", text, r.fields[0].number, v);
    assert_true(r.fields[0].text.len == (uint64_t)n && memcmp(r.fields[0].text.data, text, (size_t)n) == 0);
  }
}

/* ---- against jansson ---- */

static size_t leaves(json_t *v, const char *prefix, const struct bw_record *r, bool *ok)
{
  const char *key;
  json_t *value;
  size_t n = 0;
  json_object_foreach(v, key, value)
  {
    char name[1200];
    const struct bw_field *f;
    (void)snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
    if (json_is_object(value)) {
      n += leaves(value, name, r, ok);
      continue;
    }
    n++;
    f = bw_record_field(r, BW_SECTION_PROPERTIES, name);
    if (!f) {
      print_message("missing %s\n", name);
      *ok = false;
    } else if (json_is_string(value)) {
      *ok = *ok && f->type == BW_VALUE_STRING && f->text.len == json_string_length(value) &&
            memcmp(f->text.data, json_string_value(value), f->text.len) == 0;
    } else if (json_is_number(value)) {
      *ok = *ok && f->type == BW_VALUE_NUMBER && f->number == json_number_value(value);
    } else if (json_is_boolean(value)) {
      *ok = *ok && f->type == BW_VALUE_BOOL && f->number == json_is_true(value);
    } else if (json_is_null(value)) {
      *ok = *ok && f->type == BW_VALUE_NULL;
    } else {
      json_t *again = json_loadb(f->text.data, f->text.len, JSON_DECODE_INT_AS_REAL, NULL);
      *ok = *ok && f->type == BW_VALUE_JSON && again && json_equal(again, value);
      json_decref(again);
    }
  }
  return n;
}

/* Events whose keys are all different wherever they stand (a duplicate within an array is the one thing that we do not look
 * for). */
static const char *const seeds[] = {
    "{\"a\":1,\"b\":\"text\",\"c\":true,\"d\":null,\"e\":[1,2,\"x\"],\"f\":{\"g\":-1.5e3,\"h\":{\"i\":\"deep\"}}}",
    "{\"s\":\"esc \\\"\\\\\\/\\b\\f\\n\\r\\t \\u00e9 \\ud83d\\ude00\",\"u\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"}",
    "{ \"long key that is longer than thirty two bytes\" : [ { \"k\" : [ ] } , { } , false ] , \"n\" : 0.1 }",
    "{\"feature\":\"dashboards\",\"duration_ms\":48213,\"x\":{\"y\":12345678901,\"z\":[[],[[null]]]}}"};

static size_t mutate(char *text, size_t len, size_t cap)
{
  static const char spice[] = "\"\\{}[]:,0123456789.-+eEtfnu \t\n\x01\x7F\x80\xC3\xA9\xED\xA0\xF4";
  int n = (int)(next_random() % 3) + 1;
  while (n-- > 0 && len > 0 && len + 2 < cap) {
    size_t at = next_random() % len;
    char c = spice[next_random() % (sizeof spice - 1)];
    switch (next_random() % 4) {
    case 0:
      text[at] = c;
      break;
    case 1:
      memmove(text + at + 1, text + at, len - at);
      text[at] = c;
      len++;
      break;
    case 2:
      memmove(text + at, text + at + 1, len - at - 1);
      len--;
      break;
    default: {
      size_t to = next_random() % len;
      char t = text[at];
      text[at] = text[to];
      text[to] = t;
    }
    }
  }
  return len;
}

static void test_against_jansson(void **state)
{
  int i, both = 0, neither = 0;
  (void)state;
  for (i = 0; i < 60000; i++) {
    const char *seed = seeds[(size_t)i % (sizeof seeds / sizeof *seeds)];
    char text[1024], *event;
    size_t len = strlen(seed), n;
    struct bw_record r;
    struct bw_error err;
    json_t *theirs;
    bool ours, ok = true;
    memcpy(text, seed, len);
    len = mutate(text, len, sizeof text);
    if (text[0] != '{') /* not an object: properties would be refused for that */
      continue;
    event = event_of(text, len, &n);
    theirs = json_loadb(event, n, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
    free(event);
    ours = parse_value(text, len, &r, &err) == 0;
    if (ours != (theirs != NULL))
      fail_msg("round %d: we %s, jansson %s: %.*s (%s)", i, ours ? "accept" : "refuse", theirs ? "accepts" : "refuses",
               (int)len, text, ours ? "" : err.message);
    if (ours) {
      assert_int_equal(leaves(json_object_get(theirs, "properties"), "", &r, &ok), r.nfields);
      if (!ok)
        fail_msg("round %d: values differ: %.*s", i, (int)len, text);
      both++;
    } else {
      neither++;
    }
    json_decref(theirs);
  }
  assert_true(both > 1000 && neither > 1000); /* the mutations are neither too tame nor too wild */
}

/* Keys are remembered from event to event; what is remembered must never leak into another. */
static void test_learned_keys(void **state)
{
  struct bw_record r;
  struct bw_error err;
  char text[400];
  int i;
  (void)state;
  for (i = 0; i < 40000; i++) {
    int k = (int)(next_random() % 20000), n;
    n = snprintf(text, sizeof text, "{\"k%d\":%d,\"o%d\":{\"k%d\":true,\"k%d%s\":\"v\"},\"t\":\"%d\"}", k, i, k % 7, k, k + 1,
                 k % 3 ? "" : "a rather long name for a key", i);
    assert_int_equal(parse_value(text, (size_t)n, &r, &err), 0);
    assert_int_equal(r.nfields, 4);
    (void)snprintf(text, sizeof text, "v.k%d", k);
    assert_true(bw_record_number(&r, BW_SECTION_PROPERTIES, text, -1) == i);
    (void)snprintf(text, sizeof text, "v.o%d.k%d", k % 7, k);
    assert_non_null(bw_record_field(&r, BW_SECTION_PROPERTIES, text));
    (void)snprintf(text, sizeof text, "%d", i);
    assert_true(bw_str_is(bw_record_text(&r, BW_SECTION_PROPERTIES, "v.t"), text));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted),        cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_depth),           cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_against_jansson), cmocka_unit_test(test_learned_keys)};
  return cmocka_run_group_tests_name("ingest/json", tests, setup, teardown);
}
