/* SPDX-License-Identifier: Apache-2.0 */
/* What web counts about itself.  No privileges. */
#include <stdio.h>

#include "web/internal.h"

static const int statuses[BW_WEB_STATUSES] = {200, 400, 401, 404, 405, 413, 417, 429, 500, 503, 0};

void bw_web_count(struct bw_web_stats *stats, const struct bw_route *route, int status)
{
  size_t i = 0;
  while (i < BW_WEB_STATUSES - 1 && statuses[i] != status)
    i++;
  stats->requests[bw_route_index(route)][i]++;
}

static void requests(struct bw_buf *out, const struct bw_web_stats *stats)
{
  size_t r, i;
  bw_metrics_family(out, "basewatch_http_requests_total", "counter", "HTTP requests by path and status.");
  for (r = 0; r < BW_WEB_ROUTES; r++)
    for (i = 0; i < BW_WEB_STATUSES; i++) {
      const struct bw_route *route = bw_route_at(r);
      char status[8];
      const char *labels[] = {"path", route ? route->path : "other", "status", status, NULL};
      if (!stats->requests[r][i])
        continue;
      snprintf(status, sizeof status, "%d", statuses[i]);
      bw_metrics_sample(out, "basewatch_http_requests_total", (double)stats->requests[r][i], labels);
    }
}

static void events(struct bw_buf *out, const char *result, uint64_t n)
{
  const char *labels[] = {"result", result, NULL};
  bw_metrics_sample(out, "basewatch_http_events_total", (double)n, labels);
}

void bw_web_metrics(struct bw_buf *out, const struct bw_web_stats *stats, const struct bw_web_gauges *gauges)
{
  requests(out, stats);
  bw_metrics_counter(out, "basewatch_http_body_bytes_total", "Bytes of request bodies, as they arrived.",
                     (double)stats->body_bytes);
  bw_metrics_counter(out, "basewatch_http_inflated_bytes_total", "Bytes of request bodies, after inflating.",
                     (double)stats->inflated_bytes);
  bw_metrics_family(out, "basewatch_http_events_total", "counter", "Events by what became of them.");
  events(out, "accepted", stats->accepted);
  events(out, "duplicate", stats->duplicates);
  events(out, "rejected", stats->rejected);
  bw_metrics_family(out, "basewatch_http_ack_seconds", "histogram",
                    "From the whole request to its answer, which comes after the commit.");
  bw_metrics_histogram(out, "basewatch_http_ack_seconds", &stats->ack, NULL);
  bw_metrics_gauge(out, "basewatch_http_connections", "Open connections.", (double)gauges->connections);
  bw_metrics_gauge(out, "basewatch_http_inflight_requests", "Requests that wait for core.", (double)gauges->inflight_requests);
  bw_metrics_gauge(out, "basewatch_http_inflight_bytes", "Bytes of events that wait for core.", (double)gauges->inflight_bytes);
  bw_metrics_gauge(out, "basewatch_core_up", "1 where core answered within the last ten seconds.", gauges->core_up ? 1 : 0);
}
