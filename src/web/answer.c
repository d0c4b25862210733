/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to HTTP requests, and the requests that wait for core before they get one.  Runs in web; no privileges. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "web/internal.h"

int64_t bw_now_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- answers ---- */

static const struct {
  int status;
  const char *reason;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Payload Too Large"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

static const char *reason_of(int status)
{
  size_t i;
  for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
    if (reasons[i].status == status)
      return reasons[i].reason;
  return "Unknown";
}

static void add_headers(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status)
{
  struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
  if (status == 429 || status == 503) {
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRId64, (shared->config->retry_after + 999) / 1000);
    evhttp_add_header(headers, "Retry-After", seconds);
  }
  if (status == 401)
    evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"basewatch\"");
  if (status == 405)
    evhttp_add_header(headers, "Allow", route && route->what == BW_ROUTE_EVENTS ? "POST" : "GET, HEAD");
  if (shared->draining)
    evhttp_add_header(headers, "Connection", "close");
}

/* To HEAD, whose answer tells of a body and has none. */
static void add_length(struct evhttp_request *req, uint64_t length)
{
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, length);
  evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Length", text);
}

void bw_answer_text(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
                    const char *type, struct bw_str text)
{
  struct evhttp_connection *conn = evhttp_request_get_connection(req);
  struct evbuffer *out = evbuffer_new();
  BW_ASSERT(out);
  bw_web_count(&shared->stats, route, status);
  evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", type);
  add_headers(shared, req, route, status);
  if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
    add_length(req, text.len);
  else
    evbuffer_add(out, text.data, text.len);
  if (conn)
    bw_conns_busy(shared->conns, evhttp_connection_get_bufferevent(conn), false);
  evhttp_send_reply(req, status, reason_of(status), out);
  evbuffer_free(out);
}

void bw_answer(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
               struct bw_str json)
{
  bw_answer_text(shared, req, route, status, "application/json", json);
}

void bw_answer_error(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
                     const char *what, const char *where)
{
  struct bw_buf out = {0};
  bw_json_open(&out, '{');
  bw_json_key(&out, "success");
  bw_json_bool(&out, false);
  bw_json_key(&out, "error");
  bw_json_cstr(&out, what);
  bw_json_key(&out, "where");
  bw_json_cstr(&out, where);
  bw_json_close(&out, '}');
  bw_buf_add_char(&out, '\n');
  bw_answer(shared, req, route, status, bw_buf_str(&out));
  bw_buf_clear(&out);
}

/* ---- requests that wait ---- */

/* The connection went away while core was working: there is nobody to answer. */
static void on_gone(struct evhttp_connection *conn, void *ctx)
{
  struct bw_ask *ask = ctx;
  (void)conn;
  ask->req = NULL;
}

struct bw_ask *bw_ask_new(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route)
{
  struct bw_ask *ask = bw_alloc(sizeof *ask);
  ask->shared = shared;
  ask->req = req;
  ask->route = route;
  ask->next = shared->asks;
  if (shared->asks)
    shared->asks->prev = ask;
  shared->asks = ask;
  shared->nasks++;
  evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_gone, ask);
  return ask;
}

void bw_ask_free(struct bw_ask *ask)
{
  struct bw_web_shared *shared = ask->shared;
  if (ask->prev)
    ask->prev->next = ask->next;
  else
    shared->asks = ask->next;
  if (ask->next)
    ask->next->prev = ask->prev;
  shared->nasks--;
  shared->inflight -= ask->bytes;
  bw_buf_clear(&ask->errors);
  free(ask);
}

void bw_asks_drop(struct bw_web_shared *shared)
{
  while (shared->asks) {
    struct bw_ask *ask = shared->asks;
    bw_control_client_forget(shared->client, ask);
    if (ask->req)
      evhttp_connection_set_closecb(evhttp_request_get_connection(ask->req), NULL, NULL);
    bw_ask_free(ask);
  }
}
