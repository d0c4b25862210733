/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP bodies and single events.  Whatever is accepted must encode, read back, and be JSON again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/time.h"
#include "ingest/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_rejected(void *ctx, size_t index, struct bw_str text, const struct bw_error *why)
{
  (void)ctx;
  (void)index;
  BW_ASSERT(text.len > 0 && why->code != BW_OK);
}

static void check(struct bw_event_batch *batch)
{
  struct bw_batch_writer w = {0};
  struct bw_batch_reader r = {0};
  struct bw_buf bytes = {0}, json = {0};
  size_t i, from = 0, next;
  while (from < bw_event_batch_count(batch)) {
    int rc = bw_event_batch_encode(batch, from, &w, &next, NULL);
    BW_ASSERT(next > from && (rc == BW_OK || rc == BW_ELIMIT)); /* no single record is over the wire's limits */
    bw_buf_reset(&bytes);
    bw_batch_finish(&w, &bytes);
    BW_ASSERT(bw_batch_read(&r, bw_buf_str(&bytes), 1, NULL) == BW_OK && r.nrecords == next - from);
    for (i = 0; i < r.nrecords; i++)
      BW_ASSERT(r.records[i].account_hash == bw_event_batch_records(batch)[from + i].account_hash);
    from = next;
  }
  for (i = 0; i < bw_event_batch_count(batch) && i < 8; i++) {
    bw_buf_reset(&json);
    bw_record_json(&json, &bw_event_batch_records(batch)[i]);
    BW_ASSERT(bw_utf8_valid(json.data, json.len));
  }
  bw_batch_reader_clear(&r);
  bw_batch_writer_clear(&w);
  bw_buf_clear(&bytes);
  bw_buf_clear(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct bw_event_parser *parser; /* lives on, as in web: what it learns from one body it uses on the next */
  const struct bw_event_options o = {.seed = 1, .arrival_ms = INT64_C(1767225600000), .source = BW_STR("fuzz")};
  const struct bw_body_events ev = {on_rejected, NULL};
  struct bw_str text = bw_str_n((const char *)data, size);
  struct bw_body body;
  if (!parser)
    parser = bw_event_parser_new(&o);
  bw_event_parser_reset(parser);
  (void)bw_body_parse(text, parser, BW_KIND_NONE, &ev, &body, NULL);
  check(bw_event_parser_batch(parser));
  bw_event_parser_reset(parser);
  (void)bw_body_parse(text, parser, BW_KIND_TRACK, &ev, &body, NULL);
  (void)bw_event_parse(text, parser, NULL, NULL);
  check(bw_event_parser_batch(parser));
  return 0;
}
