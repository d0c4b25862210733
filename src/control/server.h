/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core's end of the control API: a unix socket in the state directory for the command line, and sockets that the parent
 * connected for our own processes (web).  Replies may come much later than requests, in any order.
 */
#ifndef BW_CONTROL_SERVER_H
#define BW_CONTROL_SERVER_H

#include "control/api.h"
#include "loop/loop.h"

struct bw_control;
struct bw_request; /* one question that waits for its answer */

/*
 * Each is given a request that it must answer exactly once, now or later, with one of the bw_request_ functions below.
 * Returning negative (with err) answers it with that error instead; the callback must then not have kept it.  All but the
 * request is borrowed for the call.  A NULL callback refuses its frames.  (kept_gone is no question, and has no request.)
 */
struct bw_control_events {
  int (*control)(void *ctx, struct bw_request *req, const struct bw_command *command, const json_t *args, struct bw_error *err);
  int (*ingest)(void *ctx, struct bw_request *req, int64_t arrival_ms, struct bw_str source, struct bw_str batch,
                struct bw_error *err);
  int (*reject)(void *ctx, struct bw_request *req, const struct bw_reject *items, size_t n, struct bw_error *err);
  void (*kept_gone)(void *ctx); /* a client that was kept, and not let go, has closed its connection; may be NULL */
};

/*
 * Listens at path (mode 0600; at most 107 bytes).  A socket left over by a dead process is replaced; one that answers, or a
 * file that is no socket, is left alone and BW_EEXIST returned.  path NULL: only attached connections.  events is borrowed.
 */
int bw_control_listen(struct bw_loop *loop, const char *path, const struct bw_control_events *events, void *ctx,
                      struct bw_control **ret_control, struct bw_error *err);
/* Serves an already connected stream socket as our own process `peer`; takes fd.  No idle timeout. */
int bw_control_attach(struct bw_control *c, int fd, enum bw_peer peer, struct bw_error *err);
/* Commands for tests ("tick") are refused unless allowed. */
void bw_control_allow_tests(struct bw_control *c, bool allow);
/* No new connections and requests from now on: they are answered with BW_ESTATE.  Before an orderly stop. */
void bw_control_drain(struct bw_control *c);
/* Closes all, removes the socket.  Requests that are still held stay valid: answering them just frees them. */
void bw_control_free(struct bw_control **c);

size_t bw_control_clients(const struct bw_control *c);
/* Milliseconds since our web process last asked something, or since the server began where it never has. */
int64_t bw_control_web_silent(const struct bw_control *c);
size_t bw_control_pending(const struct bw_control *c); /* requests not yet answered */
size_t bw_control_kept(const struct bw_control *c);    /* clients whose requests were given to bw_request_keep() */

/* ---- answering; every one of these frees the request ---- */
void bw_request_reply(struct bw_request *req, struct bw_str json);             /* BW_FRAME_REPLY */
void bw_request_reply_json(struct bw_request *req, json_t *json);              /* takes the reference */
void bw_request_ingested(struct bw_request *req, const struct bw_ingested *n); /* BW_FRAME_INGESTED */
void bw_request_fail(struct bw_request *req, const struct bw_error *err);      /* BW_FRAME_ERROR */
void bw_request_failf(struct bw_request *req, enum bw_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- about a request ---- */
/* The client has gone: an answer will be dropped, expensive work may be skipped (a decision must still be made). */
bool bw_request_gone(const struct bw_request *req);
/* Its client brings more, however long it is silent: until it is let go or closes its connection it is not idle, and
   bw_control_kept() counts it. */
void bw_request_keep(struct bw_request *req);
void bw_request_let_go(struct bw_request *req);
enum bw_peer bw_request_peer(const struct bw_request *req);
/* The login name of the process at the other end ("ann", or "uid:1001"); "web" for our own web process. */
const char *bw_request_who(const struct bw_request *req);

#endif
