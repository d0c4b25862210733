/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus exposition text (format 0.0.4), for core's and web's own numbers. */
#ifndef BW_CONTROL_METRICS_H
#define BW_CONTROL_METRICS_H

#include "base/buf.h"

/* "# HELP" and "# TYPE" lines; type is "counter", "gauge" or "histogram".  Counters' names end in _total. */
void bw_metrics_family(struct bw_buf *out, const char *name, const char *type, const char *help);
/* One sample: name{labels} value.  labels come in pairs key, value, ended by NULL; values are escaped. */
void bw_metrics_sample(struct bw_buf *out, const char *name, double value, const char *const *labels);
/* Family and its one sample. */
void bw_metrics_gauge(struct bw_buf *out, const char *name, const char *help, double value);
void bw_metrics_counter(struct bw_buf *out, const char *name, const char *help, double value);

/* Latencies in seconds, in buckets that tell a p99 from 0.5 ms to 30 s within a factor of two. */
#define BW_HISTOGRAM_BUCKETS 17
struct bw_histogram {
  uint64_t counts[BW_HISTOGRAM_BUCKETS + 1]; /* the last one is above all bounds */
  double sum;
};
void bw_histogram_add(struct bw_histogram *h, double seconds);
/* The samples _bucket, _sum and _count; the family's head is the caller's. */
void bw_metrics_histogram(struct bw_buf *out, const char *name, const struct bw_histogram *h, const char *const *labels);

#endif
