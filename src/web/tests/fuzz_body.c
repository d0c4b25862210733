/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request's body: first byte selects the route and whether the key is known; gzip heads are inflated. */
#include <stdlib.h>

#include "web/internal.h"
#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct bw_web_config config;
  static struct bw_body_reader *reader;
  static struct bw_batch_reader batch;
  static struct bw_web_key key;
  struct bw_body_result result = {0};
  struct bw_error err;
  const struct bw_route *route;
  if (!reader) {
    bw_web_config_init(&config);
    key = (struct bw_web_key){bw_strdup("testkey1"), bw_strdup("app"), 0};
    config.keys = &key;
    config.nkeys = 1;
    reader = bw_body_reader_new(&config);
  }
  if (size < 1)
    return 0;
  route = bw_route_at(data[0] & 7);
  if (bw_body_read(reader, bw_str_n((const char *)data + 1, size - 1), route->kind, data[0] & 0x80 ? &key : NULL, 1795309800000,
                   &result, &err) == 0 &&
      result.ingest.len) {
    int64_t arrival;
    struct bw_str source, records;
    /* What we send must be what core takes. */
    if (bw_ingest_decode(bw_buf_str(&result.ingest), &arrival, &source, &records, NULL) ||
        bw_batch_read(&batch, records, 1, NULL) || batch.batch.count != result.accepted)
      abort();
  }
  bw_body_result_clear(&result);
  return 0;
}
