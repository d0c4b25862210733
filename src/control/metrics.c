/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus exposition text.  Runs in core and web; no privileges. */
#include "control/metrics.h"

#include <math.h>
#include <stdint.h>

#include "base/json.h"

static const double bounds[BW_HISTOGRAM_BUCKETS] = {0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025,
                                                    0.05,   0.1,   0.25,  0.5,   1,     2.5,    10,   30};

void bw_metrics_family(struct bw_buf *out, const char *name, const char *type, const char *help)
{
  const char *p;
  bw_buf_printf(out, "# HELP %s ", name);
  for (p = help; *p; p++) {
    if (*p == '\\' || *p == '\n')
      bw_buf_add_char(out, '\\');
    bw_buf_add_char(out, *p == '\n' ? 'n' : *p);
  }
  bw_buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void add_value(struct bw_buf *out, double v)
{
  char text[32];
  if (isnan(v)) {
    bw_buf_add_cstr(out, "NaN");
  } else if (isinf(v)) {
    bw_buf_add_cstr(out, v > 0 ? "+Inf" : "-Inf");
  } else {
    int n = bw_number_format(v, text);
    bw_buf_add(out, text, (size_t)n);
  }
}

/* Label values may hold anything; what is not UTF-8 becomes '?', so that the whole page stays readable. */
static void add_label(struct bw_buf *out, const char *key, const char *value)
{
  bool valid = bw_utf8_valid(value, strlen(value));
  bw_buf_printf(out, "%s=\"", key);
  for (; *value; value++) {
    if (*value == '\\' || *value == '"')
      bw_buf_add_char(out, '\\');
    if (*value == '\n')
      bw_buf_add_cstr(out, "\\n");
    else
      bw_buf_add_char(out, valid || (unsigned char)*value < 0x80 ? *value : '?');
  }
  bw_buf_add_char(out, '"');
}

static void sample(struct bw_buf *out, const char *name, const char *suffix, double value, const char *const *labels,
                   const char *le)
{
  size_t i;
  bool any = false;
  bw_buf_printf(out, "%s%s", name, suffix);
  for (i = 0; labels && labels[i]; i += 2) {
    bw_buf_add_char(out, any ? ',' : '{');
    add_label(out, labels[i], labels[i + 1]);
    any = true;
  }
  if (le) {
    bw_buf_add_char(out, any ? ',' : '{');
    add_label(out, "le", le);
    any = true;
  }
  bw_buf_add_cstr(out, any ? "} " : " ");
  add_value(out, value);
  bw_buf_add_char(out, '\n');
}

void bw_metrics_sample(struct bw_buf *out, const char *name, double value, const char *const *labels)
{
  sample(out, name, "", value, labels, NULL);
}

void bw_metrics_gauge(struct bw_buf *out, const char *name, const char *help, double value)
{
  bw_metrics_family(out, name, "gauge", help);
  sample(out, name, "", value, NULL, NULL);
}

void bw_metrics_counter(struct bw_buf *out, const char *name, const char *help, double value)
{
  bw_metrics_family(out, name, "counter", help);
  sample(out, name, "", value, NULL, NULL);
}

void bw_histogram_add(struct bw_histogram *h, double seconds)
{
  size_t i = 0;
  if (!(seconds >= 0))
    seconds = 0;
  while (i < BW_HISTOGRAM_BUCKETS && seconds > bounds[i])
    i++;
  h->counts[i]++;
  h->sum += seconds;
}

void bw_metrics_histogram(struct bw_buf *out, const char *name, const struct bw_histogram *h, const char *const *labels)
{
  uint64_t total = 0;
  size_t i;
  for (i = 0; i < BW_HISTOGRAM_BUCKETS; i++) {
    char le[40];
    int n = bw_number_format(bounds[i], le);
    le[n] = '\0';
    total += h->counts[i];
    sample(out, name, "_bucket", (double)total, labels, le);
  }
  total += h->counts[BW_HISTOGRAM_BUCKETS];
  sample(out, name, "_bucket", (double)total, labels, "+Inf");
  sample(out, name, "_sum", h->sum, labels, NULL);
  sample(out, name, "_count", (double)total, labels, NULL);
}
