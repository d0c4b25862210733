/* SPDX-License-Identifier: Apache-2.0 */
/* A host in a few lines, for tests: options by name, records one by one, and what the watcher said as lines of text. */
#ifndef BW_USAGE_TESTS_HARNESS_H
#define BW_USAGE_TESTS_HARNESS_H

#include "base/buf.h"
#include "basewatch/plugin.h"

#define MAX_BATCH 4096
struct harness {
  void *self;
  struct bw_host host;
  struct bw_option_value *values;
  uint64_t seed, offset;
  struct bw_buf said;  /* "2026-01-01 opened usage_decline acme key value {evidence}\n" */
  struct bw_buf texts; /* what queued records point at is copied here, as offsets */
  struct bw_record *queue;
  struct bw_field *fields;
  size_t nqueue, nfields;
  uint32_t opened[64], updated[64], cleared[64], notices, traits; /* by signal */
  bool quiet;                                                     /* only count */
  bool keep_traits;                                               /* traits in `said` too */
  char error[512];
};

/* options: "name=value" lines, NULL-terminated; values as in YAML.  False: open refused, see error. */
bool harness_open(struct harness *h, uint64_t seed, const char *const *options);
void harness_close(struct harness *h);
/* Queues one record; fields as "p:key=text", "t:key=text", "c:key=text"; "#" before the value makes it a number, "=" JSON:
   "p:count=#3".  Strings must outlive harness_flush(). */
void harness_put(struct harness *h, uint32_t kind, int64_t at_ms, const char *account, const char *subject, const char *name,
                 const char *const *fields);
void harness_tick(struct harness *h, int64_t at_ms);
int32_t harness_flush(struct harness *h);
/* Saves, closes, opens afresh with the same options under another seed, loads.  The load's answer. */
int32_t harness_restart(struct harness *h, const char *const *options, uint64_t seed);
int32_t harness_save(struct harness *h, struct bw_buf *out);
int32_t harness_load(struct harness *h, struct bw_str state);
uint32_t harness_signal(const char *name); /* its index */
uint32_t harness_opened(const struct harness *h, const char *name);
uint32_t harness_cleared(const struct harness *h, const char *name);

#endif
