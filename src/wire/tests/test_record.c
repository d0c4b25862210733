/* SPDX-License-Identifier: Apache-2.0 */
/* The record encoding: what goes in comes out, and damaged bytes are refused whole. */

#include "base/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "wire/record.h"

static void make_batch(struct bw_buf *out)
{
  struct bw_field fields[] = {
      {BW_STR("feature"), BW_STR("reports"), 0, BW_SECTION_PROPERTIES, BW_VALUE_STRING},
      {BW_STR("count"), BW_STR("3"), 3, BW_SECTION_PROPERTIES, BW_VALUE_NUMBER},
      {BW_STR("tags"), BW_STR("[1,2]"), 0, BW_SECTION_CONTEXT, BW_VALUE_JSON},
  };
  struct bw_record r = {0};
  struct bw_batch_writer w = {0};
  r.kind = BW_KIND_TRACK;
  r.time_ms = 1795309800000;
  r.arrival_ms = 1795309801000;
  r.offset = 41;
  r.account = BW_STR("acme");
  r.subject = BW_STR("u1");
  r.name = BW_STR("Feature Used");
  r.id = BW_STR("m1");
  r.fields = fields;
  r.nfields = 3;
  assert_int_equal(bw_batch_add(&w, &r, NULL), 0);
  r.kind = BW_KIND_TICK;
  r.time_ms -= 5000; /* late */
  r.offset = 42;
  r.nfields = 0;
  assert_int_equal(bw_batch_add(&w, &r, NULL), 0);
  bw_batch_finish(&w, out);
  bw_batch_writer_clear(&w);
}

static void a_batch_round_trips(void **state)
{
  struct bw_buf bytes = {0}, json = {0};
  struct bw_batch_reader in = {0};
  const struct bw_record *r;
  (void)state;
  make_batch(&bytes);
  assert_int_equal(bw_batch_read(&in, bw_buf_str(&bytes), 9, NULL), 0);
  assert_int_equal(in.batch.count, 2);
  r = bw_batch_at(&in.batch, 0);
  bw_record_json(&json, r);
  assert_string_equal(bw_buf_cstr(&json),
                      "{\"type\":\"track\",\"messageId\":\"m1\",\"timestamp\":\"2026-11-22T01:10:00Z\",\"accountId\":\"acme\","
                      "\"userId\":\"u1\",\"event\":\"Feature Used\",\"properties\":{\"feature\":\"reports\",\"count\":3},"
                      "\"context\":{\"tags\":[1,2]}}");
  assert_true(bw_record_number(r, BW_SECTION_PROPERTIES, "count", -1) == 3);
  assert_true(bw_str_is(bw_record_text(r, BW_SECTION_PROPERTIES, "feature"), "reports"));
  r = bw_batch_at(&in.batch, 1);
  assert_int_equal(r->offset, 42);
  assert_true(r->time_ms == 1795309795000);
  bw_buf_clear(&bytes);
  bw_buf_clear(&json);
  bw_batch_reader_clear(&in);
}

/* Every cut and many flips: refused or decoded to something, never read past the end (the sanitizers watch). */
static void damage_is_refused_or_harmless(void **state)
{
  struct bw_buf bytes = {0};
  struct bw_batch_reader in = {0};
  size_t i;
  int bit;
  (void)state;
  make_batch(&bytes);
  for (i = 0; i < bytes.len; i++) {
    char *cut = malloc(i ? i : 1);
    assert_non_null(cut);
    memcpy(cut, bytes.data, i);
    assert_true(bw_batch_read(&in, bw_str_n(cut, i), 0, NULL) < 0);
    free(cut);
    for (bit = 0; bit < 8; bit++) {
      bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
      (void)bw_batch_read(&in, bw_buf_str(&bytes), 0, NULL);
      bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
    }
  }
  bw_buf_clear(&bytes);
  bw_batch_reader_clear(&in);
}

static void a_record_over_the_limit_is_not_added(void **state)
{
  struct bw_batch_writer w = {0};
  struct bw_record r = {0};
  struct bw_error err;
  char *big = calloc(1, BW_RECORD_MAX_BYTES);
  (void)state;
  r.kind = BW_KIND_TRACK;
  r.name = bw_str_n(big, BW_RECORD_MAX_BYTES);
  assert_int_equal(bw_batch_add(&w, &r, &err), BW_ELIMIT);
  assert_int_equal(w.count, 0);
  assert_int_equal(w.bytes.len, 0);
  free(big);
  bw_batch_writer_clear(&w);
}

static void kinds_have_names(void **state)
{
  uint32_t k;
  (void)state;
  for (k = 1; k < BW_KIND_CUSTOM; k++)
    assert_int_equal(bw_kind_parse(bw_str(bw_kind_name(k))), k);
  assert_int_equal(bw_kind_parse(BW_STR("x.zoom.call")), BW_KIND_CUSTOM);
  assert_int_equal(bw_kind_parse(BW_STR("x.zoom")), BW_KIND_NONE);
  assert_int_equal(bw_kind_parse(BW_STR("x..call")), BW_KIND_NONE);
  assert_int_equal(bw_kind_parse(BW_STR("trakc")), BW_KIND_NONE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_batch_round_trips),
      cmocka_unit_test(damage_is_refused_or_harmless),
      cmocka_unit_test(a_record_over_the_limit_is_not_added),
      cmocka_unit_test(kinds_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
