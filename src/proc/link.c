/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's line to the parent.  Runs in core and web.
 * No privileges needed; trusts the parent.
 */
#include <stdlib.h>
#include <unistd.h>

#include "proc/proc.h"
#include "wire/conn.h"

#define MESSAGE_MAX 64

struct bw_parent_link {
  struct bw_conn *conn;
  struct bw_parent_events events;
  void *ctx;
  uint32_t request; /* of the message at hand */
};

/* The link may be freed by the event: nothing is touched after one. */
static int on_peer(struct bw_parent_link *l, struct bw_str payload)
{
  char role[MESSAGE_MAX + 1];
  int fd = bw_conn_take_fd(l->conn);
  if (fd < 0)
    return BW_EPEER;
  memcpy(role, payload.data, payload.len);
  role[payload.len] = '\0';
  if (l->events.peer)
    l->events.peer(l->ctx, role, fd);
  else
    close(fd);
  return BW_OK;
}

static int on_spawned(struct bw_parent_link *l, struct bw_str payload)
{
  struct bw_reader in = bw_reader(payload.data, payload.len);
  uint32_t slot = bw_read_u32(&in);
  pid_t pid = (pid_t)bw_read_u32(&in);
  int fd = bw_conn_take_fd(l->conn);
  if (fd < 0)
    return BW_EPEER;
  if (l->events.spawned)
    l->events.spawned(l->ctx, slot, pid, fd);
  else
    close(fd);
  return BW_OK;
}

static int on_gone(struct bw_parent_link *l, struct bw_str payload)
{
  struct bw_reader in = bw_reader(payload.data, payload.len);
  uint32_t slot = bw_read_u32(&in);
  int status = (int)bw_read_u32(&in);
  if (l->events.gone)
    l->events.gone(l->ctx, slot, status);
  return BW_OK;
}

static int on_ping(struct bw_parent_link *l, struct bw_str payload)
{
  (void)payload;
  return bw_conn_send(l->conn, BW_FRAME_PONG, l->request, BW_STR(""), NULL);
}

static int on_reload(struct bw_parent_link *l, struct bw_str payload)
{
  (void)payload;
  if (l->events.reload)
    l->events.reload(l->ctx);
  return BW_OK;
}

static int on_stop(struct bw_parent_link *l, struct bw_str payload)
{
  (void)payload;
  if (l->events.stop)
    l->events.stop(l->ctx);
  return BW_OK;
}

static const struct {
  uint16_t type;
  size_t size; /* of the payload; 0: up to MESSAGE_MAX */
  int (*take)(struct bw_parent_link *l, struct bw_str payload);
} messages[] = {{BW_FRAME_PEER, 0, on_peer}, {BW_FRAME_SPAWNED, 8, on_spawned}, {BW_FRAME_CHILD_GONE, 8, on_gone},
                {BW_FRAME_PING, 0, on_ping}, {BW_FRAME_RELOAD, 0, on_reload},   {BW_FRAME_STOP, 0, on_stop}};

static int on_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct bw_parent_link *l = ctx;
  size_t i;
  (void)c;
  l->request = request;
  for (i = 0; i < sizeof messages / sizeof *messages; i++)
    if (messages[i].type == type && (messages[i].size == 0 || messages[i].size == payload.len))
      return messages[i].take(l, payload);
  return BW_EPEER;
}

static void on_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  struct bw_parent_link *l = ctx;
  (void)c, (void)why;
  l->conn = NULL;
  if (l->events.stop)
    l->events.stop(l->ctx);
}

struct bw_parent_link *bw_parent_link_new(struct bw_loop *loop, int fd, const struct bw_parent_events *events, void *ctx)
{
  static const struct bw_conn_events conn_events = {on_frame, on_closed, NULL};
  struct bw_parent_link *l = bw_alloc(sizeof *l);
  l->events = *events;
  l->ctx = ctx;
  l->conn = bw_conn_new(loop, fd, MESSAGE_MAX, &conn_events, l);
  bw_conn_accept_fds(l->conn);
  return l;
}

void bw_parent_link_free(struct bw_parent_link **link)
{
  if (!*link)
    return;
  bw_conn_free(&(*link)->conn);
  free(*link);
  *link = NULL;
}

static int send_message(struct bw_parent_link *l, enum bw_frame_type type, const uint32_t *slot, struct bw_error *err)
{
  struct bw_buf b = {0};
  int rc;
  if (!l->conn)
    return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "the parent process is gone");
  if (slot)
    bw_buf_add_u32(&b, *slot);
  rc = bw_conn_send(l->conn, (uint16_t)type, 0, bw_buf_str(&b), err);
  bw_buf_clear(&b);
  return rc;
}

int bw_parent_ready(struct bw_parent_link *link, struct bw_error *err)
{
  return send_message(link, BW_FRAME_CHILD_READY, NULL, err);
}

int bw_parent_restart(struct bw_parent_link *link, const char *role, struct bw_error *err)
{
  if (!link->conn)
    return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "the parent process is gone");
  return bw_conn_send(link->conn, BW_FRAME_RESTART, 0, bw_str(role), err);
}

int bw_parent_spawn(struct bw_parent_link *link, uint32_t slot, struct bw_error *err)
{
  return send_message(link, BW_FRAME_SPAWN, &slot, err);
}

int bw_parent_kill(struct bw_parent_link *link, uint32_t slot, struct bw_error *err)
{
  return send_message(link, BW_FRAME_KILL, &slot, err);
}
