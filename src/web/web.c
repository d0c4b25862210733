/* SPDX-License-Identifier: Apache-2.0 */
/* The web role: listening, routing, health and metrics.  Runs in web; needs its ports, then nothing. */
#define _GNU_SOURCE
#include "web/web.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "web/internal.h"

#define PING_MS (2 * BW_SECOND)
#define CORE_SILENT_MS (10 * BW_SECOND)
#define RESUME_MS 500
#define BODY_SLACK 4 /* bodies up to this many times the limit are read, to be refused with a reason */

struct bw_web {
  struct bw_web_shared shared;
  struct bw_loop *loop;
  struct evhttp *http;
  struct evconnlistener **listeners;
  size_t nlisteners;
  struct bw_timer *ping, *resume, *drain;
  int64_t drain_end;
  void (*drained)(void *ctx);
  void *drained_ctx;
  bool full;
};

/* ---- accepting ---- */

static void set_accepting(struct bw_web *w)
{
  size_t i;
  for (i = 0; i < w->nlisteners; i++) {
    if (w->full || w->shared.draining)
      evconnlistener_disable(w->listeners[i]);
    else
      evconnlistener_enable(w->listeners[i]);
  }
}

static void on_full(void *ctx, bool is_full)
{
  struct bw_web *w = ctx;
  w->full = is_full;
  if (is_full)
    bw_log(BW_LOG_WARN, "as many connections are open as may be; further ones wait", "max_connections=%lld",
           (long long)w->shared.config->max_connections);
  set_accepting(w);
}

static void on_resume(void *ctx)
{
  set_accepting(ctx);
}

/* Out of descriptors: the connection stays in the queue, and asking again at once would only spin. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
  struct bw_web *w = ctx;
  int code = EVUTIL_SOCKET_ERROR();
  bw_log(BW_LOG_ERROR, "a connection cannot be accepted now", "why=%s", BW_Q(evutil_socket_error_to_string(code)));
  evconnlistener_disable(listener);
  bw_timer_again(w->resume, RESUME_MS);
}

static void tell_bound(int fd, void (*bound)(void *ctx, const char *address), void *ctx)
{
  struct sockaddr_storage ss;
  socklen_t len = sizeof ss;
  char host[64], port[16], text[96];
  if (!bound || getsockname(fd, (struct sockaddr *)&ss, &len) ||
      getnameinfo((struct sockaddr *)&ss, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV))
    return;
  snprintf(text, sizeof text, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
  bound(ctx, text);
}

static int add_listener(struct bw_web *w, const char *address, void (*bound)(void *ctx, const char *address), void *ctx,
                        struct bw_error *err)
{
  struct evconnlistener *listener;
  int fd, rc = bw_address_listen(address, &fd, err);
  if (rc)
    return rc;
  listener = evconnlistener_new(bw_loop_event_base(w->loop), NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
  if (!listener || !evhttp_bind_listener(w->http, listener)) {
    if (listener)
      evconnlistener_free(listener);
    else
      close(fd);
    return bw_fail(err, BW_EIO, BW_CLASS_TRANSIENT, "%s: the listener cannot be set up", address);
  }
  evconnlistener_set_error_cb(listener, on_accept_error);
  w->listeners[w->nlisteners++] = listener;
  tell_bound(fd, bound, ctx);
  return 0;
}

/* ---- core's health ---- */

static bool core_up(const struct bw_web *w)
{
  return w->shared.core_seen && bw_control_client_connected(w->shared.client) &&
         bw_monotonic() - w->shared.core_seen < CORE_SILENT_MS;
}

static void on_pong(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  struct bw_web_shared *shared = ctx;
  (void)json, (void)err;
  if (code != BW_EPEER && code != BW_ETIMEOUT)
    shared->core_seen = bw_monotonic();
}

void bw_web_ping(struct bw_web *w)
{
  (void)bw_control_client_send(w->shared.client, BW_FRAME_CONTROL, BW_STR("{\"command\":\"metrics\"}"), CORE_SILENT_MS, on_pong,
                               &w->shared, NULL);
}

static void on_ping(void *ctx)
{
  struct bw_web *w = ctx;
  if (w->shared.core_seen && bw_monotonic() - w->shared.core_seen < PING_MS)
    return; /* it speaks all the time */
  bw_web_ping(w);
}

static void answer_health(struct bw_web *w, struct evhttp_request *req, const struct bw_route *route)
{
  struct bw_buf out = {0};
  bool up = core_up(w);
  bw_json_open(&out, '{');
  bw_json_key(&out, "status");
  bw_json_cstr(&out, up ? "ok" : "core does not answer");
  bw_json_key(&out, "core_seen_ms");
  if (w->shared.core_seen)
    bw_json_int(&out, bw_monotonic() - w->shared.core_seen);
  else
    bw_json_null(&out);
  bw_json_close(&out, '}');
  bw_buf_add_char(&out, '\n');
  bw_answer(&w->shared, req, route, up ? 200 : 503, bw_buf_str(&out));
  bw_buf_clear(&out);
}

/* ---- metrics ---- */

static void answer_metrics(struct bw_web *w, struct evhttp_request *req, const struct bw_route *route, struct bw_str core)
{
  struct bw_web_gauges gauges = {bw_conns_count(w->shared.conns), w->shared.nasks, w->shared.inflight, core_up(w)};
  struct bw_buf out = {0};
  bw_buf_add_str(&out, core);
  if (core.len && core.data[core.len - 1] != '\n')
    bw_buf_add_char(&out, '\n');
  bw_web_metrics(&out, &w->shared.stats, &gauges);
  bw_answer_text(&w->shared, req, route, 200, "text/plain; version=0.0.4; charset=utf-8", bw_buf_str(&out));
  bw_buf_clear(&out);
}

/* shared is the first member of the web. */
static void on_core_metrics(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  struct bw_ask *ask = ctx;
  struct bw_web *w = (struct bw_web *)(void *)ask->shared;
  json_t *reply = code ? NULL : json_loadb(json.data, json.len, 0, NULL);
  on_pong(ask->shared, code, json, err);
  if (ask->req) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(ask->req), NULL, NULL);
    answer_metrics(w, ask->req, ask->route, bw_args_text(reply, "text"));
  }
  json_decref(reply);
  bw_ask_free(ask);
}

static void scrape(struct bw_web *w, struct evhttp_request *req, const struct bw_route *route)
{
  struct bw_ask *ask = bw_ask_new(&w->shared, req, route);
  if (bw_control_client_send(w->shared.client, BW_FRAME_CONTROL, BW_STR("{\"command\":\"metrics\"}"),
                             w->shared.config->core_timeout, on_core_metrics, ask, NULL) == 0)
    return;
  evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
  bw_ask_free(ask);
  answer_metrics(w, req, route, bw_str_n("", 0));
}

/* ---- routing ---- */

static void on_request(struct evhttp_request *req, void *ctx)
{
  struct bw_web *w = ctx;
  const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
  const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
  const struct bw_route *route = path ? bw_route_find(bw_str(path)) : NULL;
  enum evhttp_cmd_type method = evhttp_request_get_command(req);
  bw_conns_busy(w->shared.conns, evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)), true);
  if (!route)
    bw_answer_error(&w->shared, req, NULL, 404, "there is no such path; events go to /v1/batch", path ? path : "");
  else if (route->what == BW_ROUTE_EVENTS ? method != EVHTTP_REQ_POST : method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD)
    bw_answer_error(&w->shared, req, route, 405,
                    route->what == BW_ROUTE_EVENTS ? "events are sent with POST" : "this page is read with GET", route->path);
  else if (route->what == BW_ROUTE_EVENTS)
    bw_events_take(&w->shared, req, route);
  else if (route->what == BW_ROUTE_HEALTH)
    answer_health(w, req, route);
  else
    scrape(w, req, route);
}

/* ---- life ---- */

static void set_up_http(struct bw_web *w)
{
  const struct bw_web_config *config = w->shared.config;
  w->http = evhttp_new(bw_loop_event_base(w->loop));
  BW_ASSERT(w->http);
  evhttp_set_allowed_methods(w->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                          EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
  evhttp_set_max_headers_size(w->http, (ev_ssize_t)config->max_headers);
  evhttp_set_max_body_size(w->http, (ev_ssize_t)(config->max_batch * BODY_SLACK));
  evhttp_set_timeout(w->http, (int)((config->idle_timeout + 999) / 1000));
  evhttp_set_default_content_type(w->http, NULL);
  evhttp_set_bevcb(w->http, bw_conns_make, w->shared.conns);
  evhttp_set_gencb(w->http, on_request, w);
}

int bw_web_new(struct bw_loop *loop, const struct bw_web_config *config, struct bw_control_client *client,
               const struct bw_clock *clock, void (*bound)(void *ctx, const char *address), void *ctx, struct bw_web **ret_web,
               struct bw_error *err)
{
  struct bw_web *w = bw_alloc(sizeof *w);
  size_t i;
  int rc = 0;
  w->loop = loop;
  w->shared.config = config;
  w->shared.client = client;
  w->shared.clock = clock;
  w->shared.tokens = bw_calloc(config->nkeys ? config->nkeys : 1, sizeof *w->shared.tokens);
  w->shared.reader = bw_body_reader_new(config);
  w->shared.conns = bw_conns_new(loop, (size_t)config->max_connections, config->read_timeout, config->idle_timeout, on_full, w);
  w->listeners = bw_calloc(config->nlisten ? config->nlisten : 1, sizeof *w->listeners);
  w->resume = bw_timer_new(loop, 365 * BW_DAY, false, on_resume, w);
  set_up_http(w);
  for (i = 0; i < config->nlisten && rc == 0; i++)
    rc = add_listener(w, config->listen[i], bound, ctx, err);
  if (rc) {
    bw_web_free(&w);
    return rc;
  }
  w->ping = bw_timer_new(loop, PING_MS, true, on_ping, w);
  bw_web_ping(w);
  *ret_web = w;
  return 0;
}

static void on_drain(void *ctx)
{
  struct bw_web *w = ctx;
  if (w->shared.nasks && bw_monotonic() < w->drain_end)
    return;
  bw_timer_free(&w->drain);
  w->drained(w->drained_ctx);
}

void bw_web_drain(struct bw_web *w, int64_t grace_ms, void (*done)(void *ctx), void *ctx)
{
  w->shared.draining = true;
  set_accepting(w);
  w->drain_end = bw_monotonic() + grace_ms;
  w->drained = done;
  w->drained_ctx = ctx;
  if (!w->drain)
    w->drain = bw_timer_new(w->loop, 20, true, on_drain, w);
}

void bw_web_free(struct bw_web **web)
{
  struct bw_web *w = *web;
  if (!w)
    return;
  *web = NULL;
  bw_timer_free(&w->drain);
  bw_timer_free(&w->ping);
  bw_timer_free(&w->resume);
  bw_control_client_forget(w->shared.client, &w->shared);
  bw_asks_drop(&w->shared);
  evhttp_free(w->http); /* the listeners and connections with it */
  bw_conns_free(&w->shared.conns);
  bw_body_reader_free(&w->shared.reader);
  free(w->shared.tokens);
  free(w->listeners);
  free(w);
}
