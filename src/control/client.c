/* SPDX-License-Identifier: Apache-2.0 */
/* Asking core, on a loop.  Runs in web (later courier); no privileges. */
#include "control/client.h"

#include <stdlib.h>

#include "base/time.h"

#define SWEEP_MS 50

struct pending {
  uint32_t id;
  int64_t deadline; /* monotonic */
  bw_control_done *done;
  void *ctx;
  struct pending *next;
};

struct bw_control_client {
  struct bw_loop *loop;
  struct bw_conn *conn;
  struct bw_timer *sweep;
  struct pending *first, **last; /* in the order asked, which is mostly the order of the answers */
  size_t npending;
  uint32_t next_id;
};

/* Takes it out of the list. */
static struct pending *take(struct bw_control_client *c, struct pending **at)
{
  struct pending *p = *at;
  *at = p->next;
  if (c->last == &p->next)
    c->last = at;
  c->npending--;
  return p;
}

static void finish(struct pending *p, int code, struct bw_str json, const struct bw_error *err)
{
  bw_control_done *done = p->done;
  void *ctx = p->ctx;
  free(p);
  done(ctx, code, json, err);
}

/* Each done() may send again: the list is cut off first. */
static void fail_all(struct bw_control_client *c, const struct bw_error *err)
{
  struct bw_error why = *err;
  uint32_t newest = c->next_id;
  while (c->first && (int32_t)(c->first->id - newest) <= 0)
    finish(take(c, &c->first), why.code, bw_str_n("", 0), &why);
}

static int on_frame(void *ctx, struct bw_conn *conn, uint16_t type, uint32_t id, struct bw_str payload)
{
  struct bw_control_client *c = ctx;
  struct pending **at = &c->first, *p;
  struct bw_error err;
  (void)conn;
  if (type != BW_FRAME_REPLY && type != BW_FRAME_INGESTED && type != BW_FRAME_ERROR)
    return BW_EPEER;
  while (*at && (*at)->id != id)
    at = &(*at)->next;
  if (!*at)
    return 0; /* timed out or forgotten */
  p = take(c, at);
  if (type == BW_FRAME_ERROR) {
    bw_error_from_json(payload, &err);
    finish(p, err.code, bw_str_n("", 0), &err);
  } else {
    finish(p, 0, payload, NULL);
  }
  return 0;
}

static void on_closed(void *ctx, struct bw_conn *conn, const struct bw_error *why)
{
  struct bw_control_client *c = ctx;
  struct bw_error err;
  (void)conn;
  c->conn = NULL; /* the pump frees it */
  (void)bw_fail(&err, BW_EPEER, BW_CLASS_TRANSIENT, "core went away: %s", why ? why->message : "closed");
  fail_all(c, &err);
}

static const struct bw_conn_events conn_events = {.frame = on_frame, .closed = on_closed};

static void on_sweep(void *ctx)
{
  struct bw_control_client *c = ctx;
  int64_t now = bw_monotonic();
  uint32_t newest = c->next_id;
  struct bw_error err;
  struct pending **at = &c->first;
  (void)bw_fail(&err, BW_ETIMEOUT, BW_CLASS_TRANSIENT, "core did not answer in time");
  while (*at && (int32_t)((*at)->id - newest) <= 0) {
    if ((*at)->deadline > now) {
      at = &(*at)->next;
      continue;
    }
    finish(take(c, at), err.code, bw_str_n("", 0), &err);
    at = &c->first; /* done() may have changed the list */
  }
}

struct bw_control_client *bw_control_client_new(struct bw_loop *loop)
{
  struct bw_control_client *c = bw_alloc(sizeof *c);
  c->loop = loop;
  c->last = &c->first;
  c->sweep = bw_timer_new(loop, SWEEP_MS, true, on_sweep, c);
  return c;
}

void bw_control_client_free(struct bw_control_client **client)
{
  struct bw_control_client *c = *client;
  if (!c)
    return;
  *client = NULL;
  while (c->first)
    free(take(c, &c->first));
  bw_timer_free(&c->sweep);
  bw_conn_free(&c->conn);
  free(c);
}

int bw_control_client_connect(struct bw_control_client *c, int fd, struct bw_error *err)
{
  struct bw_error why;
  (void)err;
  bw_conn_free(&c->conn);
  c->conn = bw_conn_new(c->loop, fd, BW_FRAME_MAX, &conn_events, c);
  (void)bw_fail(&why, BW_EPEER, BW_CLASS_TRANSIENT, "core was started anew");
  fail_all(c, &why);
  return 0;
}

bool bw_control_client_connected(const struct bw_control_client *c)
{
  return c->conn != NULL;
}

int bw_control_client_send(struct bw_control_client *c, enum bw_frame_type type, struct bw_str payload, int64_t timeout_ms,
                           bw_control_done *done, void *ctx, struct bw_error *err)
{
  struct pending *p;
  uint32_t id = c->next_id + 1;
  int rc;
  if (!c->conn)
    return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "core is not there");
  rc = bw_conn_send(c->conn, (uint16_t)type, id, payload, err);
  if (rc)
    return rc;
  c->next_id = id;
  p = bw_alloc(sizeof *p);
  p->id = id;
  p->deadline = bw_monotonic() + timeout_ms;
  p->done = done;
  p->ctx = ctx;
  *c->last = p;
  c->last = &p->next;
  c->npending++;
  return 0;
}

void bw_control_client_forget(struct bw_control_client *c, const void *ctx)
{
  struct pending **at = &c->first;
  while (*at) {
    if ((*at)->ctx == ctx)
      free(take(c, at));
    else
      at = &(*at)->next;
  }
}

size_t bw_control_client_pending(const struct bw_control_client *c)
{
  return c->npending;
}

size_t bw_control_client_queued(const struct bw_control_client *c)
{
  return c->conn ? bw_conn_queued(c->conn) : 0;
}
