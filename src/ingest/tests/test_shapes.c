/* SPDX-License-Identifier: Apache-2.0 */
/* What a parser learned of earlier events must not show: the same record, or the same complaint, as from one that learned
 * nothing. */
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "ingest/parser.h"

#define ROOM 4096

static const struct bw_event_options options = {.seed = 7, .arrival_ms = BW_TIME_NONE};

static uint64_t next_random(void)
{
  static uint64_t x = 88172645463325252u;
  x ^= x << 13;
  x ^= x >> 7;
  return x ^= x << 17;
}

/* As several senders write them: key orders, spaces, empty objects, values of every kind under one key. */
static const char *const events[] = {
    "{\"type\":\"track\",\"messageId\":\"m1\",\"userId\":\"u1\",\"context\":{\"groupId\":\"acme\"},\"timestamp\":\"2025-01-"
    "01T00:00:00."
    "000Z\",\"event\":\"Feature Used\",\"properties\":{\"feature\":\"reports\",\"n\":5}}",
    "{\"type\":\"track\",\"messageId\":\"m2\",\"userId\":\"u2\",\"context\":{\"groupId\":\"acme\"},\"timestamp\":\"2025-01-"
    "01T00:00:00."
    "000Z\",\"event\":\"Feature Used\",\"properties\":{\"feature\":\"reports\",\"n\":\"5\"}}",
    "{\"type\":\"track\",\"messageId\":\"m3\",\"userId\":\"u2\",\"context\":{\"groupId\":\"acme\"},\"timestamp\":\"2025-01-"
    "01T00:00:00."
    "000Z\",\"event\":\"Feature Used\",\"properties\":{\"feature\":\"r\\u00e9port\",\"n\":-1.5e3}}",
    "{ \"userId\": \"u3\", \"type\": \"identify\", \"traits\": {\"email\": \"a@b.example\", \"name\": \"\xC3\x89va\", \"on\": "
    "true, "
    "\"off\": null, \"tags\": [1, \"x\", {}]}, \"timestamp\": \"2025-01-02T10:00:00Z\" }",
    "{\"userId\":\"u3\",\"integrations\":{},\"type\":\"page\",\"name\":\"\",\"properties\":{\"a\":{\"b\":{\"c\":1},\"d\":{}},"
    "\"path\":\"/\"},"
    "\"timestamp\":\"2025-01-02T10:00:00Z\",\"context\":{\"library\":{\"name\":\"analytics-node\",\"version\":\"2.1.0\"}}}",
    "{\"type\":\"group\",\"groupId\":\"g\",\"userId\":\"u\",\"timestamp\":1735689600000,\"traits\":{\"a.b\":1,\"a\":{\"c\":2}}"
    "}",
    "{\"type\":\"group\",\"groupId\":7,\"userId\":\"u\",\"timestamp\":\"2025-01-01T00:00:00Z\",\"traits\":{\"a key that is "
    "longer than "
    "thirty-two bytes, by some\":\"v\",\"second\":false,\"a\":{\"b\":3}}}",
    "{}"};

static size_t mutate(char *text, size_t len)
{
  static const char spice[] = "\"\\{}[]:,0123456789.-+eEtfnu \t\x01\x7F\x80\xC3\xA9";
  int n = (int)(next_random() % 3);
  for (; n > 0 && len > 1 && len + 40 < ROOM; n--) {
    size_t at = next_random() % len, span = next_random() % 24;
    switch (next_random() % 4) {
    case 0:
      text[at] = spice[next_random() % (sizeof spice - 1)];
      break;
    case 1: /* a piece again: keys that stand there twice */
      span = at + span > len ? len - at : span;
      memmove(text + at + span, text + at, len - at);
      len += span;
      break;
    case 2:
      span = at + span > len ? len - at : span;
      memmove(text + at, text + at + span, len - at - span);
      len -= span;
      break;
    default:
      memmove(text + at + 1, text + at, len - at);
      text[at] = spice[next_random() % (sizeof spice - 1)];
      len++;
    }
  }
  return len;
}

static bool same_str(struct bw_str a, struct bw_str b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool same_field(const struct bw_field *a, const struct bw_field *b)
{
  return same_str(a->key, b->key) && same_str(a->text, b->text) && memcmp(&a->number, &b->number, sizeof a->number) == 0 &&
         a->section == b->section && a->type == b->type;
}

static bool same_record(const struct bw_record *a, const struct bw_record *b)
{
  uint32_t i;
  for (i = 0; i < a->nfields && i < b->nfields; i++)
    if (!same_field(&a->fields[i], &b->fields[i]))
      return false;
  return a->nfields == b->nfields && a->kind == b->kind && a->time_ms == b->time_ms && same_str(a->account, b->account) &&
         same_str(a->subject, b->subject) && same_str(a->name, b->name) && same_str(a->id, b->id) &&
         a->account_hash == b->account_hash && a->subject_hash == b->subject_hash && a->name_hash == b->name_hash;
}

/* Both ways in: as a line of a file, and as text. */
static int parse(struct bw_event_parser *p, const char *line, size_t len, bool as_line, struct bw_record *ret,
                 struct bw_error *err)
{
  const char *next;
  int rc;
  bw_event_parser_reset(p);
  if (!as_line)
    return bw_event_parse(bw_str_n(line, len), p, ret, err);
  rc = bw_event_parse_line(line, p, &next, err);
  if (rc == 1)
    *ret = *bw_batch_at(bw_event_batch_view(bw_event_parser_batch(p)), 0);
  return rc < 0 ? rc : rc == 1 ? 0 : 1;
}

static void test_nothing_shows(void **state)
{
  struct bw_event_parser *learned = bw_event_parser_new(&options);
  int i, good = 0, bad = 0;
  (void)state;
  for (i = 0; i < 40000; i++) {
    struct bw_event_parser *fresh = bw_event_parser_new(&options);
    const char *event = events[next_random() % (sizeof events / sizeof *events)];
    char line[ROOM + 64] = "";
    size_t len = strlen(event);
    struct bw_record a = {0}, b = {0};
    struct bw_error why_a = {0}, why_b = {0};
    bool as_line = i % 2;
    int rc;
    memcpy(line, event, len);
    len = mutate(line, len);
    memset(line + len, 0, sizeof line - len);
    line[len] = '\n';
    rc = parse(learned, line, len, as_line, &a, &why_a);
    if (rc != parse(fresh, line, len, as_line, &b, &why_b) || strcmp(why_a.message, why_b.message) != 0 || !same_record(&a, &b))
      fail_msg("round %d: \"%s\" and \"%s\" of: %.*s", i, why_a.message, why_b.message, (int)len, line);
    good += rc == 0;
    bad += rc < 0;
    bw_event_parser_free(&fresh);
  }
  assert_true(good > 10000 && bad > 10000);
  assert_true(learned->shapes.count > 500);
  bw_event_parser_free(&learned);
}

/* Every event another order of keys: what is learned has its bounds, and is learned anew once it no longer serves. */
static void test_bounds(void **state)
{
  struct bw_event_parser *p = bw_event_parser_new(&options);
  struct bw_record r;
  struct bw_error err;
  int i;
  (void)state;
  for (i = 0; i < 60000; i++) {
    char text[400];
    int a = (int)(next_random() % 40), b = (int)(next_random() % 40), n;
    n = snprintf(text, sizeof text,
                 "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"e\",\"timestamp\":\"2025-01-01T00:00:00Z\",\"properties\":{"
                 "\"k%d\":%d,"
                 "\"l%d\":\"%d\",\"m%d\":%s}}",
                 a, i, b, i, (a + b) % 40, i % 2 ? "true" : "[1]");
    bw_event_parser_reset(p);
    assert_int_equal(bw_event_parse(bw_str_n(text, (size_t)n), p, &r, &err), 0);
    assert_int_equal(r.nfields, 3);
    assert_true(r.fields[0].number == i);
    assert_true(p->shapes.count <= BW_STEPS_MAX && p->shapes.missed <= BW_STEPS_MISSED + 1);
  }
  bw_event_parser_free(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_shows), cmocka_unit_test(test_bounds)};
  return cmocka_run_group_tests_name("ingest/shapes", tests, NULL, NULL);
}
