/* SPDX-License-Identifier: Apache-2.0 */
/* A file of anything: JSON lines, CSV, gzip, Zstandard.  With and without a worker the same must come out. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/time.h"
#include "ingest/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_all(const char *path, unsigned threads, uint64_t *ret_sum, struct bw_reader_stats *ret_stats)
{
  struct bw_reader_options o = {
      .threads = threads, .chunk_bytes = 1, .seed = 1, .arrival_ms = BW_TIME_NONE, .csv_kind = BW_KIND_ACCOUNT};
  struct bw_file_reader *r;
  struct bw_batch b;
  uint64_t i;
  int rc = bw_reader_open(&path, 1, &o, &r, NULL);
  *ret_sum = 0;
  *ret_stats = (struct bw_reader_stats){0};
  if (rc < 0)
    return rc;
  while ((rc = bw_reader_next(r, &b, NULL)) > 0)
    for (i = 0; i < b.count; i++)
      *ret_sum = *ret_sum * 31 + bw_batch_at(&b, i)->account_hash + (uint64_t)bw_batch_at(&b, i)->time_ms;
  bw_reader_stats(r, ret_stats);
  bw_reader_close(&r);
  return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_reader_stats a, b;
  uint64_t x, y;
  char path[64];
  int rc, fd = memfd_create("fuzz.csv", MFD_CLOEXEC);
  BW_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  rc = read_all(path, 0, &x, &a);
  BW_ASSERT(read_all(path, 1, &y, &b) == rc && x == y && a.records == b.records && a.rejected == b.rejected &&
            a.bytes == b.bytes);
  (void)close(fd);
  return 0;
}
