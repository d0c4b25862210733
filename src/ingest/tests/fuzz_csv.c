/* SPDX-License-Identifier: Apache-2.0 */
/* CSV tables, whole and in pieces: both must give the same rows. */
#include <stdint.h>
#include <stdlib.h>

#include "base/time.h"
#include "ingest/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(struct bw_str text, size_t step, struct bw_event_batch *batch, struct bw_buf *json)
{
  static const char *const names[] = {"accounts.csv", "contacts.csv", "x.csv"};
  struct bw_csv_options o = {.name = names[text.len % 3], .arrival_ms = BW_TIME_NONE};
  struct bw_csv *csv = bw_csv_new(&o, NULL);
  size_t at, n, i;
  int rc = 0;
  bw_event_batch_reset(batch);
  for (at = 0; at < text.len && rc == 0; at += n) {
    n = text.len - at < step ? text.len - at : step;
    rc = bw_csv_feed(csv, bw_str_n(text.data + at, n), batch, NULL);
  }
  if (rc == 0)
    rc = bw_csv_finish(csv, batch, NULL);
  for (i = 0; i < bw_event_batch_count(batch); i++)
    bw_record_json(json, &bw_event_batch_records(batch)[i]);
  bw_csv_free(&csv);
  return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct bw_event_batch *batch;
  struct bw_str text = bw_str_n((const char *)data, size);
  struct bw_buf whole = {0}, pieces = {0};
  int a, b;
  if (!batch)
    batch = bw_event_batch_new();
  a = parse(text, size + 1, batch, &whole);
  b = parse(text, 7, batch, &pieces);
  BW_ASSERT(a == b && bw_str_eq(bw_buf_str(&whole), bw_buf_str(&pieces)));
  bw_buf_clear(&whole);
  bw_buf_clear(&pieces);
  return 0;
}
