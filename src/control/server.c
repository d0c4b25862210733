/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core's end of the control API.  Runs in core; needs the state directory for its socket.  Trusts the kernel's word for who is
 * on the other side, and nothing that they send.
 */
#define _GNU_SOURCE
#include "control/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "control/internal.h"
#include "control/socket.h"
#include "wire/conn.h"

#define LOCAL_CLIENTS 64        /* connections at the socket */
#define LOCAL_PENDING 256       /* unanswered requests of one such client */
#define OWN_PENDING 16384       /* of one of our own processes */
#define IDLE_MS (5 * BW_MINUTE) /* a client that asks nothing and waits for nothing */
#define SWEEP_MS (10 * BW_SECOND)
#define UNREAD_MAX (32u << 20) /* bytes of answers that a client has not read: it is not served until it does */

struct client {
  struct bw_control *control;
  struct bw_conn *conn;
  enum bw_peer peer;
  char who[64];
  int64_t last_heard; /* monotonic */
  size_t pending;
  bool kept;
  struct bw_request *requests;
  struct client *next, *prev;
};

struct bw_request {
  struct bw_control *control; /* NULL: the server has gone */
  struct client *client;      /* NULL: the client has gone */
  uint32_t id;
  enum bw_peer peer;
  char who[64];
  struct bw_request *next, *prev; /* of the client, or the control's orphans */
};

struct bw_control {
  struct bw_loop *loop;
  const struct bw_control_events *events;
  void *ctx;
  struct bw_socket *socket;
  struct bw_timer *sweep;
  struct client *clients;
  struct bw_request *orphans; /* asked by clients that have gone */
  size_t nclients, nlocal, npending;
  int64_t web_heard; /* monotonic */
  bool tests, draining;
};

/* ---- lists ---- */

static void request_link(struct bw_request **head, struct bw_request *req)
{
  req->prev = NULL;
  req->next = *head;
  if (*head)
    (*head)->prev = req;
  *head = req;
}

static void request_unlink(struct bw_request **head, struct bw_request *req)
{
  if (req->prev)
    req->prev->next = req->next;
  else
    *head = req->next;
  if (req->next)
    req->next->prev = req->prev;
  req->next = req->prev = NULL;
}

static void client_free(struct client *cl)
{
  struct bw_control *c = cl->control;
  while (cl->requests) {
    struct bw_request *req = cl->requests;
    request_unlink(&cl->requests, req);
    req->client = NULL;
    request_link(&c->orphans, req);
  }
  if (cl->prev)
    cl->prev->next = cl->next;
  else
    c->clients = cl->next;
  if (cl->next)
    cl->next->prev = cl->prev;
  c->nclients--;
  if (cl->peer == BW_PEER_LOCAL)
    c->nlocal--;
  bw_conn_free(&cl->conn);
  free(cl);
}

/* Other than when the server ends: who came for long has left without a word. */
static void client_gone(struct client *cl)
{
  struct bw_control *c = cl->control;
  bool kept = cl->kept;
  client_free(cl);
  if (kept && c->events->kept_gone)
    c->events->kept_gone(c->ctx);
}

/* ---- requests ---- */

static struct bw_request *request_new(struct client *cl, uint32_t id)
{
  struct bw_request *req = bw_alloc(sizeof *req);
  req->control = cl->control;
  req->client = cl;
  req->id = id;
  req->peer = cl->peer;
  memcpy(req->who, cl->who, sizeof req->who);
  request_link(&cl->requests, req);
  cl->pending++;
  cl->control->npending++;
  return req;
}

static void request_send(struct bw_request *req, enum bw_frame_type type, struct bw_str payload)
{
  struct client *cl = req->client;
  struct bw_error err;
  if (cl) {
    request_unlink(&cl->requests, req);
    cl->pending--;
    cl->last_heard = bw_monotonic();
    /* A client that does not read its answers is cut off; our own processes are given a new socket by the parent. */
    if (bw_conn_send(cl->conn, type, req->id, payload, &err)) {
      bw_log(BW_LOG_WARN, "a control client does not read its answers; its connection is closed", "who=%s why=%s",
             BW_Q(cl->who), BW_Q(err.message));
      client_gone(cl);
    }
  } else if (req->control) {
    request_unlink(&req->control->orphans, req);
  }
  if (req->control)
    req->control->npending--;
  free(req);
}

void bw_request_reply(struct bw_request *req, struct bw_str json)
{
  if (json.len > BW_CONTROL_REPLY_MAX) {
    bw_request_failf(req, BW_ELIMIT, "the answer has %zu bytes, more than %u; ask for less (limit)", (size_t)json.len,
                     BW_CONTROL_REPLY_MAX);
    return;
  }
  request_send(req, BW_FRAME_REPLY, json);
}

void bw_request_reply_json(struct bw_request *req, json_t *json)
{
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  json_decref(json);
  if (text)
    bw_request_reply(req, bw_str(text));
  else
    bw_request_failf(req, BW_EINVAL, "the answer cannot be written as JSON");
  free(text);
}

void bw_request_ingested(struct bw_request *req, const struct bw_ingested *n)
{
  struct bw_buf out = {0};
  bw_ingested_json(&out, n);
  request_send(req, BW_FRAME_INGESTED, bw_buf_str(&out));
  bw_buf_clear(&out);
}

void bw_request_fail(struct bw_request *req, const struct bw_error *err)
{
  struct bw_buf out = {0};
  bw_error_json(&out, err);
  request_send(req, BW_FRAME_ERROR, bw_buf_str(&out));
  bw_buf_clear(&out);
}

void bw_request_failf(struct bw_request *req, enum bw_code code, const char *fmt, ...)
{
  struct bw_error err = {.code = code, .cls = BW_CLASS_PERMANENT};
  va_list ap;
  if (code == BW_EAGAIN || code == BW_ENOSPC || code == BW_EIO || code == BW_ETIMEOUT)
    err.cls = BW_CLASS_TRANSIENT;
  va_start(ap, fmt);
  vsnprintf(err.message, sizeof err.message, fmt, ap);
  va_end(ap);
  bw_request_fail(req, &err);
}

bool bw_request_gone(const struct bw_request *req)
{
  return req->client == NULL;
}

void bw_request_keep(struct bw_request *req)
{
  if (req->client)
    req->client->kept = true;
}

void bw_request_let_go(struct bw_request *req)
{
  if (req->client)
    req->client->kept = false;
}

enum bw_peer bw_request_peer(const struct bw_request *req)
{
  return req->peer;
}

const char *bw_request_who(const struct bw_request *req)
{
  return req->who;
}

/* ---- what comes in ---- */

static int may(struct bw_control *c, struct bw_request *req, const struct bw_command *cmd, struct bw_error *err)
{
  if (!(cmd->peers & (uint32_t)req->peer))
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "%s may not be asked for from here; use the command line", cmd->name);
  if (cmd->test_only && !c->tests)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "%s is for tests; this daemon was not started for one", cmd->name);
  return 0;
}

/* A decision always carries whose it is, and by whom it reached us. */
static void name_decider(const struct bw_command *cmd, const struct bw_request *req, json_t *args)
{
  if (!cmd->decides)
    return;
  if (bw_args_text(args, "who").len == 0)
    json_object_set_new(args, "who", json_string(req->who));
  json_object_set_new(args, "via", json_string(req->who));
}

static int take_control(struct bw_control *c, struct bw_request *req, struct bw_str payload, struct bw_error *err)
{
  const struct bw_command *cmd;
  json_t *args;
  int rc = bw_command_parse(payload, &cmd, &args, err);
  if (rc)
    return rc;
  rc = may(c, req, cmd, err);
  if (rc == 0) {
    name_decider(cmd, req, args);
    rc = c->events->control(c->ctx, req, cmd, args, err);
  }
  json_decref(args);
  return rc;
}

static int take_ingest(struct bw_control *c, struct bw_request *req, struct bw_str payload, struct bw_error *err)
{
  int64_t arrival;
  struct bw_str source, batch;
  int rc = bw_ingest_decode(payload, &arrival, &source, &batch, err);
  return rc ? rc : c->events->ingest(c->ctx, req, arrival, source, batch, err);
}

static int take_reject(struct bw_control *c, struct bw_request *req, struct bw_str payload, struct bw_error *err)
{
  struct bw_reject *items;
  json_t *json;
  size_t n;
  int rc = bw_rejects_parse(payload, &json, &items, &n, err);
  if (rc)
    return rc;
  rc = c->events->reject(c->ctx, req, items, n, err);
  free(items);
  json_decref(json);
  return rc;
}

static bool overloaded(const struct client *cl)
{
  return cl->pending > (cl->peer == BW_PEER_LOCAL ? LOCAL_PENDING : OWN_PENDING) || bw_conn_queued(cl->conn) > UNREAD_MAX;
}

static int dispatch(struct client *cl, struct bw_request *req, uint16_t type, struct bw_str payload, struct bw_error *err)
{
  struct bw_control *c = cl->control;
  if (c->draining)
    return bw_fail(err, BW_ESTATE, BW_CLASS_TRANSIENT, "the daemon is stopping; try again when it is back");
  if (overloaded(cl))
    return bw_fail(err, BW_EAGAIN, BW_CLASS_TRANSIENT, "too many requests of this connection are waiting; try again later");
  if (type == BW_FRAME_CONTROL && c->events->control)
    return take_control(c, req, payload, err);
  if (type == BW_FRAME_INGEST && c->events->ingest)
    return take_ingest(c, req, payload, err);
  if (type == BW_FRAME_REJECT && c->events->reject)
    return take_reject(c, req, payload, err);
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "messages of type %u are not taken here", type);
}

static int on_frame(void *ctx, struct bw_conn *conn, uint16_t type, uint32_t id, struct bw_str payload)
{
  struct client *cl = ctx;
  struct bw_error err = {0};
  struct bw_request *req;
  int rc;
  (void)conn;
  if (type != BW_FRAME_CONTROL && type != BW_FRAME_INGEST && type != BW_FRAME_REJECT)
    return BW_EPEER; /* not our protocol: the pump closes and calls on_closed */
  cl->last_heard = bw_monotonic();
  if (cl->peer == BW_PEER_WEB)
    cl->control->web_heard = cl->last_heard;
  req = request_new(cl, id);
  rc = dispatch(cl, req, type, payload, &err);
  /* After a handler took the request, it and the client may be gone: only a refusal may touch them. */
  if (rc < 0) {
    if (!err.code)
      (void)bw_fail(&err, (enum bw_code)rc, BW_CLASS_BUG, "%s", bw_code_name(rc));
    bw_request_fail(req, &err);
  }
  return 0;
}

static void on_closed(void *ctx, struct bw_conn *conn, const struct bw_error *why)
{
  struct client *cl = ctx;
  (void)conn;
  if (cl->peer != BW_PEER_LOCAL) /* the parent tells of its end, where that is what it is */
    bw_log(why && why->cls == BW_CLASS_TRANSIENT ? BW_LOG_DEBUG : BW_LOG_WARN, "one of our own processes closed its connection",
           "peer=%s why=%s", BW_Q(cl->who), BW_Q(why ? why->message : ""));
  cl->conn = NULL; /* the pump frees it */
  client_gone(cl);
}

static const struct bw_conn_events conn_events = {.frame = on_frame, .closed = on_closed};

/* ---- connections ---- */

static int client_new(struct bw_control *c, int fd, enum bw_peer peer, const char *who, struct bw_error *err)
{
  struct client *cl = bw_alloc(sizeof *cl);
  cl->control = c;
  cl->peer = peer;
  cl->last_heard = bw_monotonic();
  snprintf(cl->who, sizeof cl->who, "%s", who);
  cl->conn = bw_conn_new(c->loop, fd, BW_FRAME_MAX, &conn_events, cl);
  if (!cl->conn) {
    free(cl);
    close(fd);
    return bw_fail(err, BW_EIO, BW_CLASS_TRANSIENT, "a control connection cannot be watched");
  }
  cl->next = c->clients;
  if (c->clients)
    c->clients->prev = cl;
  c->clients = cl;
  c->nclients++;
  if (peer == BW_PEER_LOCAL)
    c->nlocal++;
  return 0;
}

static void on_accept(void *ctx, int fd, const char *who)
{
  struct bw_control *c = ctx;
  struct bw_error err;
  if (c->nlocal >= LOCAL_CLIENTS || c->draining) {
    bw_log(BW_LOG_WARN, "a control connection was refused: too many are open", "open=%zu who=%s", c->nlocal, BW_Q(who));
    close(fd);
    return;
  }
  if (client_new(c, fd, BW_PEER_LOCAL, who, &err))
    bw_log(BW_LOG_ERROR, "a control connection failed", "why=%s", BW_Q(err.message));
}

static void on_sweep(void *ctx)
{
  struct bw_control *c = ctx;
  struct client *cl = c->clients;
  int64_t now = bw_monotonic();
  while (cl) {
    struct client *next = cl->next;
    if (cl->peer == BW_PEER_LOCAL && cl->pending == 0 && !cl->kept && now - cl->last_heard > IDLE_MS)
      client_free(cl);
    cl = next;
  }
}

int bw_control_listen(struct bw_loop *loop, const char *path, const struct bw_control_events *events, void *ctx,
                      struct bw_control **ret_control, struct bw_error *err)
{
  struct bw_control *c = bw_alloc(sizeof *c);
  int rc = 0;
  c->loop = loop;
  c->events = events;
  c->ctx = ctx;
  c->web_heard = bw_monotonic();
  if (path)
    rc = bw_socket_listen(loop, path, on_accept, c, &c->socket, err);
  if (rc) {
    free(c);
    return rc;
  }
  c->sweep = bw_timer_new(loop, SWEEP_MS, true, on_sweep, c);
  *ret_control = c;
  return 0;
}

int bw_control_attach(struct bw_control *c, int fd, enum bw_peer peer, struct bw_error *err)
{
  return client_new(c, fd, peer, peer == BW_PEER_WEB ? "web" : "local", err);
}

void bw_control_allow_tests(struct bw_control *c, bool allow)
{
  c->tests = allow;
}

void bw_control_drain(struct bw_control *c)
{
  c->draining = true;
}

void bw_control_free(struct bw_control **control)
{
  struct bw_control *c = *control;
  if (!c)
    return;
  *control = NULL;
  while (c->clients)
    client_free(c->clients);
  while (c->orphans) {
    struct bw_request *req = c->orphans;
    request_unlink(&c->orphans, req);
    req->control = NULL;
  }
  bw_timer_free(&c->sweep);
  bw_socket_free(&c->socket);
  free(c);
}

size_t bw_control_clients(const struct bw_control *c)
{
  return c->nclients;
}

int64_t bw_control_web_silent(const struct bw_control *c)
{
  return bw_monotonic() - c->web_heard;
}

size_t bw_control_pending(const struct bw_control *c)
{
  return c->npending;
}

size_t bw_control_kept(const struct bw_control *c)
{
  const struct client *cl;
  size_t n = 0;
  for (cl = c->clients; cl; cl = cl->next)
    n += cl->kept;
  return n;
}
