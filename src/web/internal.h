/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room. */
#ifndef BW_WEB_INTERNAL_H
#define BW_WEB_INTERNAL_H

#include "control/metrics.h"
#include "web/web.h"

struct evhttp_request;

/* ---- address.c ---- */
/* "host:port", "[v6]:port" → its parts.  BW_EINVAL. */
int bw_address_split(struct bw_str address, char *host, size_t size, uint16_t *ret_port);
/* A socket that listens there.  BW_EEXIST: another one does; BW_EINVAL, BW_EIO: it cannot be. */
int bw_address_listen(const char *address, int *ret_fd, struct bw_error *err);

/* ---- inflate.c ---- */
enum { BW_PACKED_NONE, BW_PACKED_GZIP, BW_PACKED_ZLIB };
/* By the first bytes alone: senders' headers are not to be relied on. */
int bw_packed_kind(struct bw_str body);
/*
 * Inflates into out (replaced).  BW_ELIMIT: beyond max bytes, or more than `ratio` times its size once past 64 KiB; BW_EINVAL:
 * damaged or cut short.
 */
int bw_inflate(struct bw_str body, size_t max, int64_t ratio, struct bw_buf *out, struct bw_error *err);

/* ---- auth.c ---- */
/* The key that was given: in constant time as regards the keys' contents.  NULL: none of ours. */
const struct bw_web_key *bw_key_find(const struct bw_web_config *config, struct bw_str given);
/* The user name of "Basic <base64>"; out has room for 512.  BW_EINVAL: not such a header. */
int bw_basic_user(const char *header, char *out, size_t *ret_len);

/* ---- routes.c ---- */
enum bw_route_what { BW_ROUTE_EVENTS, BW_ROUTE_HEALTH, BW_ROUTE_METRICS };
struct bw_route {
  const char *path; /* without a slash at the end */
  enum bw_route_what what;
  uint32_t kind; /* of BW_ROUTE_EVENTS; BW_KIND_NONE: a batch */
};
const struct bw_route *bw_route_at(size_t i); /* NULL past the end */
/* Slashes at the end do not count.  NULL: no such path. */
const struct bw_route *bw_route_find(struct bw_str path);
size_t bw_route_index(const struct bw_route *route); /* the number of routes for NULL */

/* ---- stats.c ---- */
#define BW_WEB_ROUTES 24
#define BW_WEB_STATUSES 11
struct bw_web_stats {
  uint64_t requests[BW_WEB_ROUTES][BW_WEB_STATUSES];
  uint64_t body_bytes, inflated_bytes, accepted, duplicates, rejected;
  struct bw_histogram ack; /* from the whole request to the answer after core's commit */
};
void bw_web_count(struct bw_web_stats *stats, const struct bw_route *route, int status);
struct bw_web_gauges {
  size_t connections, inflight_requests;
  uint64_t inflight_bytes;
  bool core_up;
};
void bw_web_metrics(struct bw_buf *out, const struct bw_web_stats *stats, const struct bw_web_gauges *gauges);

/* ---- conns.c: what evhttp does not bound: the number of connections, and the time that one request may take ---- */
struct bw_conns;
struct event_base;
struct bufferevent;
/* full(ctx, true) asks to stop accepting, full(ctx, false) to go on. */
struct bw_conns *bw_conns_new(struct bw_loop *loop, size_t max, int64_t read_ms, int64_t idle_ms,
                              void (*full)(void *ctx, bool is_full), void *ctx);
void bw_conns_free(struct bw_conns **conns);
/* For evhttp_set_bevcb(). */
struct bufferevent *bw_conns_make(struct event_base *base, void *conns);
/* The connection's request has wholly arrived; has been answered. */
void bw_conns_busy(struct bw_conns *conns, const struct bufferevent *bev, bool busy);
size_t bw_conns_count(const struct bw_conns *conns);

/* ---- body.c: what one request's body holds, without any connection; the fuzzer's way in ---- */
struct bw_body_reader;
struct bw_body_result {
  const struct bw_web_key *key;
  size_t accepted, rejected;
  struct bw_buf ingest;  /* payload of BW_FRAME_INGEST; empty where nothing was accepted */
  struct bw_buf rejects; /* payload of BW_FRAME_REJECT; empty where nothing was rejected */
  struct bw_buf errors;  /* JSON list of the first few {"index", "error"} */
  uint64_t inflated;
};
struct bw_body_reader *bw_body_reader_new(const struct bw_web_config *config);
void bw_body_reader_free(struct bw_body_reader **reader);
/*
 * key NULL: taken from the body.  0; or the HTTP status to answer with (400, 401, 413) and err; what was malformed as a
 * whole is then in rejects too, where the sender is known.
 */
int bw_body_read(struct bw_body_reader *reader, struct bw_str body, uint32_t kind, const struct bw_web_key *key, int64_t now,
                 struct bw_body_result *result, struct bw_error *err);
void bw_body_result_clear(struct bw_body_result *result);

/* ---- events.c: a request for events, until its answer ---- */
struct bw_events;
/* What the requests share. */
struct bw_web_shared {
  const struct bw_web_config *config;
  struct bw_control_client *client;
  const struct bw_clock *clock;
  struct bw_web_stats stats;
  struct bw_conns *conns;
  struct bw_body_reader *reader;
  double *tokens; /* per key: events that it may still send now */
  int64_t tokens_at;
  struct bw_ask *asks; /* requests that wait for core */
  size_t nasks;
  uint64_t inflight;
  int64_t core_seen; /* monotonic time of core's last answer; 0: never */
  bool draining;
};
/* Takes the request; it is answered now or later. */
void bw_events_take(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route);

/* ---- answer.c ---- */
/* A request that waits for core; freed with its answer. */
struct bw_ask {
  struct bw_web_shared *shared;
  struct evhttp_request *req;
  const struct bw_route *route;
  int64_t began; /* monotonic microseconds */
  size_t waiting;
  uint64_t bytes;
  struct bw_ingested sum;
  struct bw_buf errors;
  struct bw_error failed;
  struct bw_ask *next, *prev;
};
struct bw_ask *bw_ask_new(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route);
void bw_ask_free(struct bw_ask *ask);
/* Forgets all of them: their connections are about to be closed. */
void bw_asks_drop(struct bw_web_shared *shared);
int64_t bw_now_us(void);

/* JSON answers; counted.  retry: with Retry-After. */
void bw_answer(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
               struct bw_str json);
void bw_answer_error(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
                     const char *what, const char *where);
void bw_answer_text(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
                    const char *type, struct bw_str text);

#endif
