/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes, times, ids and bodies of events. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "ingest/mask.h"
#include "ingest/segment.h"

#define SEED 99
#define ARRIVAL INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static struct bw_event_parser *live, *replay;

static int setup(void **state)
{
  struct bw_event_options o = {.seed = SEED, .arrival_ms = ARRIVAL, .source = BW_STR("web")};
  (void)state;
  live = bw_event_parser_new(&o);
  o.arrival_ms = BW_TIME_NONE;
  replay = bw_event_parser_new(&o);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  bw_event_parser_free(&live);
  bw_event_parser_free(&replay);
  return 0;
}

static struct bw_record good(struct bw_event_parser *p, const char *text)
{
  struct bw_record r = {0};
  struct bw_error err = {0};
  bw_event_parser_reset(p);
  if (bw_event_parse(bw_str(text), p, &r, &err) < 0)
    fail_msg("%s: %s", text, err.message);
  assert_int_equal(r.account_hash, bw_hash_str(r.account, SEED));
  assert_int_equal(r.subject_hash, bw_hash_str(r.subject, SEED));
  assert_int_equal(r.name_hash, bw_hash_str(r.name, SEED));
  return r;
}

/* Refused, with a message that says `part`. */
static void bad(struct bw_event_parser *p, const char *text, const char *part)
{
  struct bw_record r = {0};
  struct bw_error err = {0};
  bw_event_parser_reset(p);
  if (bw_event_parse(bw_str(text), p, &r, &err) >= 0)
    fail_msg("accepted: %s", text);
  if (!strstr(err.message, part))
    fail_msg("\"%s\" does not say \"%s\"", err.message, part);
  assert_int_equal(bw_event_batch_count(bw_event_parser_batch(p)), 0);
}

#define IS(s, lit)                                                                                                             \
  do {                                                                                                                         \
    if (!bw_str_is((s), (lit)))                                                                                                \
      fail_msg("%s: \"%.*s\", not \"%s\"", #s, BW_FMT(s), (lit));                                                              \
  } while (0)

static void test_shapes(void **state)
{
  struct bw_record r;
  (void)state;
  r = good(replay,
           "{\"type\":\"track\",\"messageId\":\"m1\",\"timestamp\":\"2025-03-01T10:20:30.400Z\",\"userId\":\"u1\",\"context\":{"
           "\"groupId\":\"acme\",\"ip\":\"10.0.0.1\"},\"event\":\"Feature "
           "Used\",\"properties\":{\"feature\":\"reports\",\"n\":3,\"nested\":{\"deep\":"
           "{\"x\":null}},\"list\":[1, 2],\"yes\":true},\"integrations\":{\"All\":false}}");
  assert_int_equal(r.kind, BW_KIND_TRACK);
  IS(r.account, "acme");
  IS(r.subject, "u1");
  IS(r.name, "Feature Used");
  IS(r.id, "m1");
  assert_int_equal(r.time_ms, INT64_C(1740824430400));
  assert_int_equal(r.arrival_ms, r.time_ms);
  assert_int_equal(r.nfields, 7);
  IS(bw_record_text(&r, BW_SECTION_PROPERTIES, "feature"), "reports");
  assert_true(bw_record_number(&r, BW_SECTION_PROPERTIES, "n", 0) == 3);
  assert_int_equal(bw_record_field(&r, BW_SECTION_PROPERTIES, "nested.deep.x")->type, BW_VALUE_NULL);
  IS(bw_record_field(&r, BW_SECTION_PROPERTIES, "list")->text, "[1, 2]");
  assert_int_equal(bw_record_field(&r, BW_SECTION_PROPERTIES, "yes")->type, BW_VALUE_BOOL);
  IS(bw_record_text(&r, BW_SECTION_CONTEXT, "ip"), "10.0.0.1");
  assert_int_equal(bw_record_field(&r, BW_SECTION_TOP, "integrations.All")->number, 0);

  r = good(
      replay,
      "{\"type\":\"identify\",\"anonymousId\":\"anon\",\"timestamp\":\"2025-03-01\",\"traits\":{\"email\":\"a@b.example\"}}");
  IS(r.subject, "anon");
  assert_int_equal(r.account.len, 0);
  r = good(
      replay,
      "{\"type\":\"identify\",\"anonymousId\":\"anon\",\"userId\":\"u\",\"timestamp\":\"2025-03-01\",\"writeKey\":\"secret\"}");
  IS(r.subject, "u");
  IS(bw_record_text(&r, BW_SECTION_TOP, "anonymousId"), "anon");
  assert_null(bw_record_field(&r, BW_SECTION_TOP, "writeKey"));
  r = good(replay, "{\"type\":\"group\",\"userId\":\"u\",\"groupId\":\"g\",\"context\":{\"groupId\":\"other\"},\"timestamp\":"
                   "\"2025-03-01\"}");
  IS(r.account, "g");
  IS(bw_record_text(&r, BW_SECTION_CONTEXT, "groupId"), "other");
  r = good(replay,
           "{\"type\":\"page\",\"userId\":\"u\",\"name\":\"Pricing\",\"category\":\"Docs\",\"timestamp\":\"2025-03-01\"}");
  IS(r.name, "Pricing");
  IS(bw_record_text(&r, BW_SECTION_TOP, "category"), "Docs");
  r = good(replay, "{\"type\":\"screen\",\"userId\":\"u\",\"timestamp\":\"2025-03-01\"}");
  assert_int_equal(r.name.len, 0);
  r = good(replay, "{\"type\":\"alias\",\"userId\":\"new\",\"previousId\":\"old\",\"timestamp\":\"2025-03-01\"}");
  IS(r.subject, "new");
  IS(bw_record_text(&r, BW_SECTION_TOP, "previousId"), "old");
}

static void test_own_types(void **state)
{
  struct bw_record r;
  (void)state;
  r = good(replay, "{\"type\":\"account\",\"accountId\":\"acme\",\"timestamp\":\"2025-01-01\",\"traits\":{\"acv\":12000,"
                   "\"domains\":[\"acme.example\"]}}");
  assert_int_equal(r.kind, BW_KIND_ACCOUNT);
  IS(r.account, "acme");
  r = good(replay, "{\"type\":\"contact\",\"contactId\":\"c1\",\"accountId\":\"acme\",\"timestamp\":\"2025-01-01\",\"traits\":{"
                   "\"role\":\"champion\"}}");
  IS(r.subject, "c1");
  IS(r.account, "acme");
  r = good(
      replay,
      "{\"type\":\"plan\",\"planId\":\"pro\",\"timestamp\":\"2025-01-01\",\"traits\":{\"limits\":{\"api_calls\":100000}}}");
  IS(r.subject, "pro");
  assert_true(bw_record_number(&r, BW_SECTION_TRAITS, "limits.api_calls", 0) == 100000);
  r = good(replay, "{\"type\":\"subscription\",\"accountId\":\"acme\",\"timestamp\":\"2025-01-01\",\"traits\":{\"seats\":5}}");
  IS(r.account, "acme");
  r = good(replay, "{\"type\":\"opportunity\",\"opportunityId\":\"o\",\"accountId\":\"acme\",\"timestamp\":\"2025-01-01\"}");
  IS(r.subject, "o");
  r = good(replay, "{\"type\":\"ticket\",\"ticketId\":17,\"accountId\":42,\"timestamp\":\"2025-01-01\",\"userId\":\"u\"}");
  IS(r.subject, "17");
  IS(r.account, "42");
  IS(bw_record_text(&r, BW_SECTION_TOP, "userId"), "u");
  r = good(replay, "{\"type\":\"x.acme.meter\",\"accountId\":\"a\",\"event\":\"read\",\"timestamp\":\"2025-01-01\"}");
  assert_int_equal(r.kind, BW_KIND_CUSTOM);
  IS(r.name, "read");
  IS(bw_record_text(&r, BW_SECTION_TOP, "type"), "x.acme.meter");
}

static void test_required(void **state)
{
#define T ",\"timestamp\":\"2025-01-01\"}"
  (void)state;
  bad(replay, "{\"event\":\"e\",\"userId\":\"u\"" T, "type is missing");
  bad(replay, "{\"type\":\"trakc\",\"userId\":\"u\"" T, "type is not one that is known");
  bad(replay, "{\"type\":\"x.y\",\"userId\":\"u\"" T, "type is not one that is known");
  bad(replay, "{\"type\":\"tick\"" T, "reserved");
  bad(replay, "{\"type\":\"track\",\"userId\":\"u\"" T, "track: event is missing");
  bad(replay, "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"\"" T, "track: event is missing");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\"" T, "are all missing");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":null" T, "are all missing");
  bad(replay, "{\"type\":\"identify\"" T, "identify: userId and anonymousId are both missing");
  bad(replay, "{\"type\":\"group\",\"userId\":\"u\"" T, "group: groupId is missing");
  bad(replay, "{\"type\":\"alias\",\"userId\":\"u\"" T, "alias: previousId is missing");
  bad(replay, "{\"type\":\"account\"" T, "account: accountId is missing");
  bad(replay, "{\"type\":\"contact\",\"accountId\":\"a\"" T, "contact: contactId is missing");
  bad(replay, "{\"type\":\"plan\"" T, "plan: planId is missing");
  bad(replay, "{\"type\":\"opportunity\",\"accountId\":\"a\"" T, "opportunity: opportunityId is missing");
  bad(replay, "{\"type\":\"ticket\",\"accountId\":\"a\"" T, "ticket: ticketId is missing");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"}", "track: timestamp is missing");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"userId\":\"v\"" T, "\"userId\" stands there twice");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":{}" T, "\"userId\" must be text");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":true" T, "\"userId\" must be text");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":[1]" T, "\"properties\" must be an object");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"groupId\":\"a\\u0007b\"" T, "control character");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"groupId\":\"a long one with\x7F\"" T,
      "control character");
  bad(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"" T " x", "text behind the end");
  bad(replay, "[]", "an object was expected");
  bad(replay, "", "an object was expected");
  (void)good(replay, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":null,\"context\":null" T);
  (void)good(replay,
             "  {\"type\":\"track\",\n\"event\":\"e\",\"groupId\":\"caf\xC3\xA9-\xE2\x82\xAC-\xF0\x9F\x98\x80\"" T "\n ");
}

static void test_limits(void **state)
{
  char *text = malloc(100000);
  size_t n;
  int i;
  (void)state;
  for (i = 0; i < 3; i++) { /* an id of 256 bytes, of 257; a text that makes the event too large */
    int len = i == 0 ? 256 : i == 1 ? 257 : 33000;
    n = (size_t)sprintf(text, "{\"type\":\"track\",\"event\":\"e\",\"timestamp\":\"2025-01-01\",\"userId\":\"%0*d\"}", len, 7);
    text[n] = '\0';
    if (i == 0)
      (void)good(replay, text);
    else
      bad(replay, text, i == 1 ? "an id is over 256 bytes" : "the event is over 32768 bytes");
  }
  for (i = 511; i <= 514; i++) { /* fields */
    int k;
    n = (size_t)sprintf(text,
                        "{\"type\":\"track\",\"event\":\"e\",\"timestamp\":\"2025-01-01\",\"userId\":\"u\",\"properties\":{");
    for (k = 0; k < i; k++)
      n += (size_t)sprintf(text + n, "%s\"f%d\":1", k ? "," : "", k);
    (void)sprintf(text + n, "}}");
    if (i <= 512)
      assert_int_equal(good(replay, text).nfields, i);
    else
      bad(replay, text, "more than 512 fields");
  }
  /* A short text whose dotted names are large. */
  n = (size_t)sprintf(
      text, "{\"type\":\"track\",\"event\":\"e\",\"timestamp\":\"2025-01-01\",\"userId\":\"u\",\"properties\":{\"%0240d\":{",
      0);
  for (i = 0; i < 400; i++)
    n += (size_t)sprintf(text + n, "%s\"f%d\":1", i ? "," : "", i);
  (void)sprintf(text + n, "}}}");
  bad(replay, text, "over 64 KiB");
  (void)sprintf(
      text, "{\"type\":\"track\",\"event\":\"e\",\"timestamp\":\"2025-01-01\",\"userId\":\"u\",\"properties\":{\"%0257d\":1}}",
      0);
  bad(replay, text, "name is too long");
  free(text);
}

static void test_times(void **state)
{
  struct bw_record r;
  (void)state;
#define E "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\""
  assert_int_equal(good(live, E "}").time_ms, ARRIVAL);
  r = good(live, E ",\"timestamp\":\"2025-12-31T12:00:00+02:00\"}");
  assert_int_equal(r.time_ms, ARRIVAL - 14 * BW_HOUR);
  assert_int_equal(r.arrival_ms, ARRIVAL);
  assert_int_equal(good(live, E ",\"originalTimestamp\":\"2025-12-31\"}").time_ms, ARRIVAL - BW_DAY);
  assert_int_equal(good(live, E ",\"timestamp\":\"2025-12-30\",\"originalTimestamp\":\"2025-12-31\"}").time_ms,
                   ARRIVAL - 2 * BW_DAY);
  /* A clock that is two hours fast: what happened 10 s before the sending happened 10 s before the arrival. */
  r = good(live, E ",\"originalTimestamp\":\"2026-01-01T01:59:50Z\",\"sentAt\":\"2026-01-01T02:00:00Z\"}");
  assert_int_equal(r.time_ms, ARRIVAL - 10 * BW_SECOND);
  r = good(live, E ",\"timestamp\":\"2026-01-01T01:59:50Z\",\"sentAt\":\"2026-01-01T02:00:00Z\"}");
  assert_int_equal(r.time_ms, ARRIVAL - 10 * BW_SECOND);
  /* A minute is the network's. */
  r = good(live, E ",\"timestamp\":\"2026-01-01T00:00:50Z\",\"sentAt\":\"2026-01-01T00:01:00Z\"}");
  assert_int_equal(r.time_ms, ARRIVAL + 50 * BW_SECOND);
  r = good(live, E ",\"timestamp\":\"2026-01-01T00:00:50Z\",\"sentAt\":\"2026-01-01T00:01:00.001Z\"}");
  assert_int_equal(r.time_ms, ARRIVAL - 10 * BW_SECOND - 1);
  /* Passed on by Segment, which has corrected it. */
  r = good(live, E ",\"timestamp\":\"2025-12-01T00:00:00Z\",\"originalTimestamp\":\"2025-12-01T05:00:00Z\",\"sentAt\":"
                   "\"2025-12-01T05:00:00Z\",\"receivedAt\":\"2025-12-01T00:00:00Z\"}");
  assert_int_equal(r.time_ms, ARRIVAL - 31 * BW_DAY);
  (void)good(live, E ",\"timestamp\":\"2026-01-02T00:00:00Z\"}");
  bad(live, E ",\"timestamp\":\"2026-01-02T00:00:00.001Z\"}", "more than a day in the future");
  bad(live, E ",\"timestamp\":\"1969-12-31T23:59:59Z\"}", "timestamp is not a time");
  bad(live, E ",\"timestamp\":\"yesterday\"}", "timestamp is not a time");
  bad(live, E ",\"timestamp\":1767225600000}", "timestamp is not a time");
  bad(live, E ",\"originalTimestamp\":\"2025-13-01\"}", "originalTimestamp is not a time");
  assert_int_equal(good(replay, E ",\"timestamp\":\"2035-01-01\"}").arrival_ms, INT64_C(2051222400000));
  /* The remembered day must not accept what the general reading refuses. */
  (void)good(replay, E ",\"timestamp\":\"2025-01-01T00:00:00.000Z\"}");
  bad(replay, E ",\"timestamp\":\"2025-01-01T24:00:00.000Z\"}", "not a time");
  bad(replay, E ",\"timestamp\":\"2025-01-01T00:60:00.000Z\"}", "not a time");
  bad(replay, E ",\"timestamp\":\"2025-01-01T00:0/:00.000Z\"}", "not a time");
  assert_int_equal(good(replay, E ",\"timestamp\":\"2025-01-01T23:59:59.999Z\"}").time_ms, INT64_C(1735775999999));
  assert_int_equal(good(replay, E ",\"timestamp\":\"2025-01-01T23:59:60.999Z\"}").time_ms, INT64_C(1735776000999));
}

/* A write key is a secret wherever a sender puts it: it is in no field, and in nothing that is kept for people to look at. */
static void test_write_keys(void **state)
{
  static const struct {
    const char *text, *masked;
  } rows[] = {
      {"{\"writeKey\":\"s3cret\",\"a\":1}", "{\"writeKey\":\"...\",\"a\":1}"},
      {"{\"writeKey\" : \"s\\\"3\", \"x\":{\"writeKey\":\"t\"}", "{\"writeKey\" : \"...\", \"x\":{\"writeKey\":\"...\"}"},
      {"{\"writeKey\":\"never closed", "{\"writeKey\":\"..."},
      {"{\"writeKey\"\n:\r\n\t\"s\"}", "{\"writeKey\"\n:\r\n\t\"...\"}"},
      {"{\"write\\u004Bey\":\"s\"}", "{\"write\\u004Bey\":\"...\"}"},
      {"{\"\\u0077riteKey\":\"s\"}", "{\"\\u0077riteKey\":\"...\"}"},
      {"{\"context.writeKey\":\"s\"", "{\"context.writeKey\":\"...\""},
      {"{\"writeKeys\":\"s\"}", "{\"writeKeys\":\"s\"}"},
      {"{\"write\\u00", "{\"write\\u00"},
      {"{\"writeKey\":7}", "{\"writeKey\":\"...\"}"},
      {"{\"writeKey\": {\"v\":\"s}\"}, \"a\":1}", "{\"writeKey\": \"...\", \"a\":1}"},
      {"{\"writeKey\":[\"s\"", "{\"writeKey\":\"...\""},
      {"{writeKey: \"s\"}", "{writeKey: \"...\"}"},
      {"{'writeKey' : 's', x", "{'writeKey' : '...', x"},
      {"{\"writeKey\": s3cret}", "{\"writeKey\": \"...\"}"},
      {"{\"writeKey\" \"s\"}", "{\"writeKey\" \"...\"}"},
      {"write_key=s3cret&type=track", "write_key=..."},
      {"{\"WriteKey\":\"s\",\"write-key\":\"t\"}", "{\"WriteKey\":\"...\",\"write-key\":\"...\"}"},
      {"{\"a\":\"writeKey\",\"b\":\"c\"}", "{\"a\":\"writeKey\",\"b\":\"c\"}"},
      {"{\"writeKey\":", "{\"writeKey\":"},
      {"writeKey", "writeKey"},
      {"\"writeKey\"", "\"writeKey\""},
      {"nothing", "nothing"},
      {"", ""}};
  struct bw_record r = good(
      live, "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"writeKey\":\"a\",\"context\":{\"writeKey\":\"b\",\"x\":{"
            "\"writeKey\":\"c\"},\"ip\":\"1\",\"a.writeKey\":\"e\"},\"properties\":{\"write\\u004bey\":\"d\"},\"context."
            "writeKey\":\"f\"}");
  size_t i;
  (void)state;
  assert_int_equal(r.nfields, 1);
  assert_true(bw_str_is(bw_record_text(&r, BW_SECTION_CONTEXT, "ip"), "1"));
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bw_buf out = {0};
    bw_mask_write_keys(bw_str(rows[i].text), &out);
    assert_string_equal(bw_buf_cstr(&out), rows[i].masked);
    bw_buf_clear(&out);
  }
}

/* An array is kept as its sender wrote it, but for write keys; a text that speaks of one is none. */
static void test_write_keys_in_arrays(void **state)
{
  struct bw_record r =
      good(live, "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"properties\":{\"items\":[{\"writeKey\":"
                 "\"s\",\"n\":[1,{\"write\\u004bey\":{\"v\":\"s\"}}]},\"writeKey: s\"]}}");
  (void)state;
  assert_int_equal(r.nfields, 1);
  assert_true(bw_str_is(r.fields[0].text, "[{\"writeKey\":\"...\",\"n\":[1,{\"write\\u004bey\":\"...\"}]},\"writeKey: s\"]"));
}

/* The usual form is read at fixed places; bw_time_parse() reads any: they agree, whatever stands there. */
static void test_usual_times(void **state)
{
  static const char odd[] = "0123456789:.TZ+- /:;/@z";
  uint32_t x = 12345, i;
  int refused = 0;
  (void)state;
  for (i = 0; i < 20000; i++) {
    char time[32], text[200];
    int64_t ms;
    struct bw_record r;
    struct bw_error err;
    x = x * 1664525 + 1013904223;
    (void)snprintf(time, sizeof time, "2025-01-01T%02u:%02u:%02u.%03uZ", x >> 8 & 31, (x >> 13 & 63) + (x >> 19 & 1),
                   x >> 20 & 63, (x >> 4) % 1000);
    if (i % 2)
      time[10 + (x >> 16) % 14] = odd[(x >> 24) % (sizeof odd - 1)];
    (void)snprintf(text, sizeof text, "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"timestamp\":\"%s\"}", time);
    bw_event_parser_reset(replay);
    if (bw_time_parse(bw_str(time), &ms) < 0) {
      assert_true(bw_event_parse(bw_str(text), replay, &r, &err) < 0);
      refused++;
    } else {
      assert_int_equal(bw_event_parse(bw_str(text), replay, &r, &err), 0);
      assert_int_equal(r.time_ms, ms);
    }
  }
  assert_true(refused > 5000 && refused < 15000);
}

static void test_made_up_ids(void **state)
{
  struct bw_record a, b;
  char first[64];
  (void)state;
  a = good(live, E ",\"timestamp\":\"2025-12-31\"}");
  assert_int_equal(a.id.len, 34);
  (void)snprintf(first, sizeof first, "%.*s", BW_FMT(a.id));
  b = good(live, E ",\"timestamp\":\"2025-12-31\"}"); /* the same bytes */
  IS(b.id, first);
  bw_event_parser_arrival(live, ARRIVAL + BW_DAY); /* also when they come again after midnight */
  b = good(live, E ",\"timestamp\":\"2025-12-31\"}");
  IS(b.id, first);
  bw_event_parser_arrival(live, ARRIVAL);
  bw_event_parser_source(live, BW_STR("other"));
  b = good(live, E ",\"timestamp\":\"2025-12-31\"}");
  assert_false(bw_str_is(b.id, first));
  bw_event_parser_source(live, BW_STR("web"));
  assert_int_equal(good(live, E "}").id.len, 0); /* no time of its own: two equal ones may well be two */
  assert_int_equal(good(replay, E ",\"timestamp\":\"2025-12-31\"}").id.len, 0);
}

/* What bw_record_json writes reads back as the same record. */
static void test_round_trip(void **state)
{
  static const char *const texts[] = {
      "{\"type\":\"track\",\"messageId\":\"m\",\"timestamp\":\"2025-03-01T10:20:30.400Z\",\"userId\":\"u\",\"event\":\"E "
      "\\\"x\\\"\",\"properties\":{\"a\":{\"b\":[1,{}]},\"c\":1.5,\"d\":null,\"e\":true}}",
      "{\"type\":\"opportunity\",\"messageId\":\"m\",\"timestamp\":\"2025-03-01\",\"accountId\":\"a\",\"opportunityId\":\"o\","
      "\"traits\":{\"amount\":3}}",
      "{\"type\":\"x.a.b\",\"messageId\":\"m\",\"timestamp\":\"2025-03-01\",\"accountId\":\"a\",\"userId\":\"u\",\"name\":"
      "\"n\"}"};
  struct bw_record a, b;
  struct bw_buf json = {0}, again = {0};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    bw_buf_reset(&json);
    bw_buf_reset(&again);
    a = good(replay, texts[i]);
    bw_record_json(&json, &a);
    b = good(replay, bw_buf_cstr(&json));
    bw_record_json(&again, &b);
    IS(bw_buf_str(&again), bw_buf_cstr(&json));
  }
  bw_buf_clear(&json);
  bw_buf_clear(&again);
}

/* Whatever ids stand beside one another, the same ones are picked again. */
static void test_round_trip_of_ids(void **state)
{
  static const char ids[] =
      "\"messageId\":\"m\",\"timestamp\":\"2025-03-01\",\"accountId\":\"a\",\"groupId\":\"g\",\"userId\":\"u\","
      "\"anonymousId\":\"an\",\"contactId\":\"c\",\"planId\":\"p\",\"subscriptionId\":\"s\",\"opportunityId\":\"o\","
      "\"ticketId\":\"t\",\"previousId\":\"pr\",\"event\":\"e\",\"name\":\"n\",\"context\":{\"groupId\":\"cg\"}";
  uint32_t kind;
  (void)state;
  for (kind = 1; kind < BW_KIND_COUNT; kind++) {
    char *text BW_AUTOFREE = bw_asprintf("{\"type\":\"%s\",%s}", kind == BW_KIND_CUSTOM ? "x.a.b" : bw_kind_name(kind), ids);
    char *first BW_AUTOFREE = NULL, *second BW_AUTOFREE = NULL;
    struct bw_buf json = {0};
    struct bw_record r;
    if (BW_KIND_BIT(kind) & (BW_KIND_BIT(BW_KIND_TICK) | BW_KIND_BIT(BW_KIND_FETCH)))
      continue; /* are made, not sent */
    r = good(replay, text);
    first = bw_asprintf("%u %.*s %.*s %.*s %u", r.kind, BW_FMT(r.account), BW_FMT(r.subject), BW_FMT(r.name), r.nfields);
    bw_record_json(&json, &r);
    r = good(replay, bw_buf_cstr(&json));
    second = bw_asprintf("%u %.*s %.*s %.*s %u", r.kind, BW_FMT(r.account), BW_FMT(r.subject), BW_FMT(r.name), r.nfields);
    assert_string_equal(second, first);
    bw_buf_clear(&json);
  }
}

/* ---- bodies ---- */

struct seen {
  size_t n, index[8];
  char reasons[2000];
};

static void on_rejected(void *ctx, size_t index, struct bw_str text, const struct bw_error *why)
{
  struct seen *s = ctx;
  assert_true(text.len > 0);
  if (s->n < 8)
    s->index[s->n] = index;
  s->n++;
  (void)snprintf(s->reasons + strlen(s->reasons), sizeof s->reasons - strlen(s->reasons), "%s;", why->message);
}

static int body(const char *text, uint32_t kind, struct bw_body *ret, struct seen *seen, struct bw_error *err)
{
  struct bw_body_events ev = {on_rejected, seen};
  memset(seen, 0, sizeof *seen);
  bw_event_parser_reset(live);
  return bw_body_parse(bw_str(text), live, kind, &ev, ret, err);
}

static const struct bw_record *record_at(size_t i)
{
  return bw_batch_at(bw_event_batch_view(bw_event_parser_batch(live)), i);
}

static void test_single_body(void **state)
{
  struct bw_body b;
  struct bw_error err;
  struct seen seen;
  (void)state;
  assert_int_equal(body("{\"event\":\"e\",\"userId\":\"u\",\"writeKey\":\"wk\"}", BW_KIND_TRACK, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 1);
  IS(b.write_key, "wk");
  assert_int_equal(record_at(0)->kind, BW_KIND_TRACK);
  assert_int_equal(body(" {\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"} ", BW_KIND_TRACK, &b, &seen, &err), 0);
  assert_int_equal(body("{\"type\":\"page\",\"userId\":\"u\"}", BW_KIND_TRACK, &b, &seen, &err), 0);
  assert_int_equal(b.rejected, 1);
  assert_non_null(strstr(seen.reasons, "names another kind"));
  assert_int_equal(body("{\"userId\":\"u\"}", BW_KIND_TRACK, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 0);
  assert_int_equal(seen.n, 1);
  assert_int_equal(body("", BW_KIND_TRACK, &b, &seen, &err), BW_EINVAL);
  assert_int_equal(body("[]", BW_KIND_TRACK, &b, &seen, &err), BW_EINVAL);
  assert_int_equal(body("{\"event\":\"e\",\"userId\":\"u\"}}", BW_KIND_TRACK, &b, &seen, &err), BW_EINVAL);
  assert_int_equal(body("{\"event\":\"e\",\"userId\":\"u\"", BW_KIND_TRACK, &b, &seen, &err), BW_EINVAL);
  assert_int_equal(bw_event_batch_count(bw_event_parser_batch(live)), 0);
}

#define OK1 "{\"type\":\"track\",\"event\":\"e1\",\"userId\":\"u\",\"timestamp\":\"2025-12-31\"}"
#define OK2 "{\"type\":\"identify\",\"userId\":\"u\",\"context\":{\"ip\":\"1.1.1.1\"}}"

static void test_batch_body(void **state)
{
  struct bw_body b;
  struct bw_error err;
  struct seen seen;
  (void)state;
  assert_int_equal(body("{\"batch\":[" OK1 "," OK2
                        "],\"writeKey\":\"k\\u0041\",\"sentAt\":\"2026-01-01T00:00:01Z\",\"integrations\":{}}",
                        BW_KIND_NONE, &b, &seen, &err),
                   0);
  assert_int_equal(b.accepted, 2);
  IS(b.write_key, "kA");
  IS(record_at(0)->name, "e1");
  /* Refused one by one: not an object, nothing required, bad text; the others stay, and keep their order. */
  assert_int_equal(body("{\"batch\":[1," OK1 ",{\"type\":\"track\"},\"x\"," OK2
                        ",{\"type\":\"track\",\"event\":\"\\ud800\",\"userId\":\"u\"}]}",
                        BW_KIND_NONE, &b, &seen, &err),
                   0);
  assert_int_equal(b.accepted, 2);
  assert_int_equal(b.rejected, 4);
  assert_int_equal(seen.index[0], 0);
  assert_int_equal(seen.index[1], 2);
  assert_int_equal(seen.index[2], 3);
  assert_int_equal(seen.index[3], 5);
  assert_int_equal(body("{\"batch\":[]}", BW_KIND_NONE, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 0);
  assert_int_equal(body("[" OK1 "," OK2 "]", BW_KIND_NONE, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 2);
  assert_int_equal(body(OK1, BW_KIND_NONE, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 1);
  /* Malformed as a whole: nothing is added, nobody told. */
  static const char *const broken[] = {"{\"batch\":[" OK1 "," OK2 "}",
                                       "{\"batch\":[" OK1 ",]}",
                                       "{\"batch\":{}}",
                                       "{\"batch\":[" OK1 "],\"batch\":[]}",
                                       "{\"batch\":[{\"type\":\"track\"}," OK1 " " OK2 "]}",
                                       "{\"batch\":[" OK1 "]} x",
                                       "{\"batch\":[" OK1 "],}",
                                       "{\"batch\":[{\"a\":01}]}",
                                       "\"batch\"",
                                       "{\"batch\":[" OK1 "],\"\\q\":1}"};
  size_t i;
  for (i = 0; i < sizeof broken / sizeof *broken; i++) {
    assert_int_equal(body(broken[i], BW_KIND_NONE, &b, &seen, &err), BW_EINVAL);
    assert_int_equal(bw_event_batch_count(bw_event_parser_batch(live)), 0);
    assert_int_equal(seen.n, 0);
  }
}

/* The body's sentAt and context hold for its events, wherever they stand. */
static void test_batch_wide_members(void **state)
{
#define WIDE                                                                                                                   \
  "\"sentAt\":\"2026-01-01T02:00:00Z\",\"context\":{\"groupId\":\"g\",\"app\":{\"name\":\"n\",\"v\":2},\"ip\":\"2.2.2.2\"}"
#define EVENTS                                                                                                                 \
  "\"batch\":[{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"timestamp\":\"2026-01-01T01:59:50Z\",\"context\":{"       \
  "\"ip\":\"1.1.1.1\","                                                                                                        \
  "\"app\":{\"v\":1}}},{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"context\":{\"groupId\":\"own\"},\"sentAt\":"     \
  "null},{\"type\":\"x\"}]"
  static const char *const texts[] = {"{" WIDE "," EVENTS "}", "{" EVENTS "," WIDE "}"};
  struct bw_body b;
  struct bw_error err;
  struct seen seen;
  int i;
  (void)state;
  for (i = 0; i < 2; i++) {
    const struct bw_record *r;
    assert_int_equal(body(texts[i], BW_KIND_NONE, &b, &seen, &err), 0);
    assert_int_equal(b.accepted, 2);
    assert_int_equal(b.rejected, 1);
    assert_int_equal(seen.n, 1);
    r = record_at(0);
    assert_int_equal(r->time_ms, ARRIVAL - 10 * BW_SECOND);
    IS(r->account, "g");
    IS(bw_record_text(r, BW_SECTION_CONTEXT, "ip"), "1.1.1.1");
    IS(bw_record_text(r, BW_SECTION_CONTEXT, "app.name"), "n");
    assert_true(bw_record_number(r, BW_SECTION_CONTEXT, "app.v", 0) == 1);
    IS(record_at(1)->account, "own");
    IS(bw_record_text(record_at(1), BW_SECTION_CONTEXT, "ip"), "2.2.2.2");
  }
}

static void test_body_limits(void **state)
{
  size_t cap = BW_BODY_MAX_BYTES + 100, n = 0, i;
  char *text = malloc(cap);
  struct bw_body b;
  struct bw_error err;
  struct seen seen;
  (void)state;
  n = (size_t)sprintf(text, "{\"batch\":[");
  for (i = 0; i <= BW_BODY_MAX_EVENTS; i++)
    n += (size_t)sprintf(text + n, "%s{}", i ? "," : "");
  (void)sprintf(text + n, "]}");
  assert_int_equal(body(text, BW_KIND_NONE, &b, &seen, &err), BW_ELIMIT);
  /* One event over 32 KiB, beside a good one. */
  n = (size_t)sprintf(
      text, "{\"batch\":[{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":{\"x\":\"%033000d\"}}," OK1 "]}",
      0);
  assert_int_equal(body(text, BW_KIND_NONE, &b, &seen, &err), 0);
  assert_int_equal(b.accepted, 1);
  assert_non_null(strstr(seen.reasons, "over 32768 bytes"));
  memset(text, ' ', cap - 1);
  memcpy(text, "{}", 2);
  text[cap - 1] = '\0';
  assert_int_equal(body(text, BW_KIND_NONE, &b, &seen, &err), BW_ELIMIT);
  free(text);
}

/* Batches: order by time is stable, encoding reads back. */
static void test_batches(void **state)
{
  static const char *const days[] = {"2025-01-03", "2025-01-01", "2025-01-02", "2025-01-01", "2025-01-03", "2025-01-01"};
  static const char *const order[] = {"1", "3", "5", "2", "0", "4"};
  struct bw_event_batch *b = bw_event_batch_new();
  struct bw_batch_writer w = {0};
  struct bw_batch_reader in = {0};
  struct bw_buf bytes = {0};
  struct bw_error err;
  char text[200];
  size_t i, next;
  (void)state;
  bw_event_parser_into(replay, b);
  for (i = 0; i < 6; i++) {
    (void)snprintf(text, sizeof text, "{\"type\":\"track\",\"event\":\"e%zu\",\"userId\":\"%zu\",\"timestamp\":\"%s\"}", i, i,
                   days[i]);
    assert_int_equal(bw_event_parse(bw_str(text), replay, NULL, &err), 0);
  }
  bw_event_parser_into(replay, NULL);
  assert_false(bw_event_batch_sort(b));
  assert_true(bw_event_batch_sort(b));
  for (i = 0; i < 6; i++)
    IS(bw_event_batch_records(b)[i].subject, order[i]);
  assert_int_equal(bw_event_batch_encode(b, 2, &w, &next, &err), 0);
  assert_int_equal(next, 6);
  bw_batch_finish(&w, &bytes);
  assert_int_equal(bw_batch_read(&in, bw_buf_str(&bytes), SEED, &err), 0);
  assert_int_equal(in.nrecords, 4);
  IS(in.records[0].subject, "5");
  assert_int_equal(in.records[0].subject_hash, bw_event_batch_records(b)[2].subject_hash);
  bw_batch_reader_clear(&in);
  bw_batch_writer_clear(&w);
  bw_buf_clear(&bytes);
  bw_event_batch_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_own_types),
                                     cmocka_unit_test(test_required),
                                     cmocka_unit_test(test_limits),
                                     cmocka_unit_test(test_times),
                                     cmocka_unit_test(test_write_keys),
                                     cmocka_unit_test(test_write_keys_in_arrays),
                                     cmocka_unit_test(test_usual_times),
                                     cmocka_unit_test(test_made_up_ids),
                                     cmocka_unit_test(test_round_trip),
                                     cmocka_unit_test(test_round_trip_of_ids),
                                     cmocka_unit_test(test_single_body),
                                     cmocka_unit_test(test_batch_body),
                                     cmocka_unit_test(test_batch_wide_members),
                                     cmocka_unit_test(test_body_limits),
                                     cmocka_unit_test(test_batches)};
  return cmocka_run_group_tests_name("ingest/segment", tests, setup, teardown);
}
