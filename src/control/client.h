/* SPDX-License-Identifier: Apache-2.0 */
/* Asking core: a blocking client for the command line, one on a loop for our own processes. */
#ifndef BW_CONTROL_CLIENT_H
#define BW_CONTROL_CLIENT_H

#include "control/api.h"
#include "loop/loop.h"
#include "wire/conn.h"

/* ---- blocking ---- */
struct bw_control_link;

/* BW_EPEER: nobody answers there; the message says what to do.  timeout_ms bounds every later wait as well; 0: none. */
int bw_control_open(const char *path, int64_t timeout_ms, struct bw_control_link **ret_link, struct bw_error *err);
void bw_control_close(struct bw_control_link **link);
/*
 * Gives a command and waits for its reply (in out, replaced).  args (may be NULL) is borrowed.  Refused: the error that core
 * sent.  BW_EPEER, BW_ETIMEOUT: no answer; whether it was done is not known.
 */
int bw_control_call(struct bw_control_link *link, const char *command, const json_t *args, struct bw_buf *out,
                    struct bw_error *err);
/* For several in flight: sends, and gives the request's id; waits for the next answer of any. */
int bw_control_send(struct bw_control_link *link, enum bw_frame_type type, struct bw_str payload, uint32_t *ret_id,
                    struct bw_error *err);
/* *ret_type is BW_FRAME_REPLY, _INGESTED or _ERROR. */
int bw_control_receive(struct bw_control_link *link, uint16_t *ret_type, uint32_t *ret_id, struct bw_buf *out,
                       struct bw_error *err);

/* ---- on a loop ---- */
struct bw_control_client;

/*
 * The one call back of a request: code 0 with the reply's JSON (borrowed), or negative with err (what core refused, BW_EPEER:
 * the connection went away, BW_ETIMEOUT).  May send again; must not free the client.
 */
typedef void bw_control_done(void *ctx, int code, struct bw_str json, const struct bw_error *err);

/* Not connected at first. */
struct bw_control_client *bw_control_client_new(struct bw_loop *loop);
/* Pending requests are dropped without a call. */
void bw_control_client_free(struct bw_control_client **c);
/* Takes a connected stream socket in place of the one before; what was pending there fails with BW_EPEER. */
int bw_control_client_connect(struct bw_control_client *c, int fd, struct bw_error *err);
bool bw_control_client_connected(const struct bw_control_client *c);
/* Copies payload.  BW_EPEER: not connected; BW_ELIMIT: core does not read.  `done` is called once, never before this returns,
   unless this failed or the request is forgotten. */
int bw_control_client_send(struct bw_control_client *c, enum bw_frame_type type, struct bw_str payload, int64_t timeout_ms,
                           bw_control_done *done, void *ctx, struct bw_error *err);
/* Forgets every request made with ctx: done will not be called for it. */
void bw_control_client_forget(struct bw_control_client *c, const void *ctx);
size_t bw_control_client_pending(const struct bw_control_client *c);
size_t bw_control_client_queued(const struct bw_control_client *c); /* bytes that core has not read */

#endif
