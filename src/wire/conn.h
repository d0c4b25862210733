/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames between processes: u32 payload length, u16 type, u16 flags (0), u32 request id; little endian; then the payload.
 * One message pump for every socket of ours.
 */
#ifndef BW_WIRE_CONN_H
#define BW_WIRE_CONN_H

#include "base/buf.h"
#include "loop/loop.h"

#define BW_FRAME_HEAD 12
#define BW_FRAME_MAX (16u << 20)

/* Every message type of every conversation, so that a number means one thing. */
enum bw_frame_type {
  /* anyone → core */
  BW_FRAME_INGEST = 1,  /* u64 arrival ms, lstr source, then a record batch (wire/record.h), identity not resolved */
  BW_FRAME_CONTROL = 2, /* JSON {"command": ..., arguments} */
  BW_FRAME_REJECT = 3,  /* malformed input to be kept for inspection; JSON {source, where, reason, text} */
  /* core → asker */
  BW_FRAME_INGESTED = 16, /* JSON {"accepted","duplicates","rejected"} : durable now */
  BW_FRAME_REPLY = 17,    /* JSON */
  BW_FRAME_ERROR = 18,    /* JSON {"code","class","message"} */
  /* core → watcher host */
  BW_FRAME_HOST_CONFIG = 32,
  BW_FRAME_HOST_LOAD,
  BW_FRAME_HOST_BATCH,
  BW_FRAME_HOST_SAVE,
  /* watcher host → core */
  BW_FRAME_HOST_READY = 48,
  BW_FRAME_HOST_OUTPUT,
  BW_FRAME_HOST_SNAPSHOT,
  BW_FRAME_HOST_ERROR,
  BW_FRAME_HOST_LOG,
  /* core ↔ parent, child → parent */
  BW_FRAME_CHILD_READY = 64,
  BW_FRAME_SPAWN,
  BW_FRAME_SPAWNED,
  BW_FRAME_KILL,
  BW_FRAME_CHILD_GONE,
  BW_FRAME_PEER,
  BW_FRAME_PING,
  BW_FRAME_PONG,
  BW_FRAME_STOP,
  BW_FRAME_RELOAD,
  BW_FRAME_RESTART /* the hub's wish: a role's name */
};

struct bw_conn;

struct bw_conn_events {
  /* The payload is borrowed for the call.  Negative: the peer broke the protocol; the connection is closed. */
  int (*frame)(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload);
  /* The peer went away or broke the framing; called once, the connection is freed after it returns. */
  void (*closed)(void *ctx, struct bw_conn *c, const struct bw_error *why);
  /* May be NULL.  The queue has become empty: the sender of something large puts in the next piece. */
  void (*drained)(void *ctx, struct bw_conn *c);
};

/* Takes fd (a stream socket) and makes it non-blocking.  Whoever uses connections ignores SIGPIPE.  Never NULL.  limit caps one
 * incoming payload, at most BW_FRAME_MAX. */
struct bw_conn *bw_conn_new(struct bw_loop *loop, int fd, uint32_t limit, const struct bw_conn_events *events, void *ctx);
void bw_conn_free(struct bw_conn **c); /* without calling closed; safe from within a callback */
/* Queues a copy.  BW_ELIMIT where the queue would exceed 64 MiB: the peer does not read. */
int bw_conn_send(struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload, struct bw_error *err);
size_t bw_conn_queued(const struct bw_conn *c); /* bytes not yet handed to the kernel */
/* Sends what is queued, then closes: the peer reads all of it.  After it c takes no more sends and calls no frame(). */
void bw_conn_finish(struct bw_conn *c);

/*
 * Descriptors over Unix sockets (SCM_RIGHTS).  send_fd takes fd, also on failure.  A receiver must have said accept_fds, else
 * the kernel drops what is sent; at most 16 wait at a time.  take_fd gives them in the order sent, one for each frame that the
 * protocol says carries one; the caller owns it.  -1: the peer sent none.
 */
int bw_conn_send_fd(struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload, int fd, struct bw_error *err);
void bw_conn_accept_fds(struct bw_conn *c);
int bw_conn_take_fd(struct bw_conn *c);

/* Blocking forms for the command line and tests: one frame out, one frame in.  buf owns the payload.  A socket with
   SO_RCVTIMEO or SO_SNDTIMEO set gives BW_ETIMEOUT. */
int bw_frame_write(int fd, uint16_t type, uint32_t request, struct bw_str payload, struct bw_error *err);
/* 1: a frame; 0: end of stream before a head; negative: failed. */
int bw_frame_read(int fd, uint32_t limit, uint16_t *ret_type, uint32_t *ret_request, struct bw_buf *buf, struct bw_error *err);

#endif
