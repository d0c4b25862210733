/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking core and waiting for it.  Runs in the command line; no privileges but to open the socket.  A loop of its own under the
 * surface, so that a daemon that stalls in the middle of an answer cannot hold the caller beyond its time limit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/time.h"
#include "control/client.h"

#define KEPT_MAX 1024 /* answers that nobody has asked for yet */

struct answer {
  uint16_t type;
  uint32_t id;
  struct bw_buf payload;
  struct answer *next;
};

struct bw_control_link {
  struct bw_loop *loop;
  struct bw_conn *conn;
  int64_t timeout_ms;
  uint32_t next_id;
  struct answer *first, **last;
  size_t nkept;
  struct bw_error lost;
};

static int on_frame(void *ctx, struct bw_conn *conn, uint16_t type, uint32_t id, struct bw_str payload)
{
  struct bw_control_link *l = ctx;
  struct answer *a;
  (void)conn;
  if ((type != BW_FRAME_REPLY && type != BW_FRAME_INGESTED && type != BW_FRAME_ERROR) || l->nkept == KEPT_MAX)
    return BW_EPEER;
  a = bw_alloc(sizeof *a);
  a->type = type;
  a->id = id;
  bw_buf_add_str(&a->payload, payload);
  *l->last = a;
  l->last = &a->next;
  l->nkept++;
  return 0;
}

static void on_closed(void *ctx, struct bw_conn *conn, const struct bw_error *why)
{
  struct bw_control_link *l = ctx;
  (void)conn;
  l->conn = NULL; /* the pump frees it */
  (void)bw_fail(&l->lost, BW_EPEER, BW_CLASS_TRANSIENT, "the daemon went away: %s", why ? why->message : "closed");
}

static const struct bw_conn_events conn_events = {.frame = on_frame, .closed = on_closed};

static int dial(const char *path, int *ret_fd, struct bw_error *err)
{
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  int fd;
  if (strlen(path) >= sizeof addr.sun_path)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s: too long for a socket (at most %zu bytes)", path,
                   sizeof addr.sun_path - 1);
  memcpy(addr.sun_path, path, strlen(path));
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return bw_fail_errno(err, BW_EIO, "socket");
  if (connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0) {
    const char *hint = errno == EACCES   ? "run this as root or as the daemon's user"
                       : errno == ENOENT ? "is basewatchd running, with this state directory? (--state DIR or BASEWATCH_STATE)"
                                         : "is basewatchd running?";
    int rc = bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "%s: cannot reach the daemon: %s; %s", path, strerror(errno), hint);
    close(fd);
    return rc;
  }
  *ret_fd = fd;
  return 0;
}

int bw_control_open(const char *path, int64_t timeout_ms, struct bw_control_link **ret_link, struct bw_error *err)
{
  struct bw_control_link *l;
  int fd, rc = dial(path, &fd, err);
  if (rc)
    return rc;
  l = bw_alloc(sizeof *l);
  l->loop = bw_loop_new();
  l->timeout_ms = timeout_ms;
  l->last = &l->first;
  l->conn = bw_conn_new(l->loop, fd, BW_FRAME_MAX, &conn_events, l);
  *ret_link = l;
  return 0;
}

static struct answer *take_first(struct bw_control_link *l)
{
  struct answer *a = l->first;
  l->first = a->next;
  if (!l->first)
    l->last = &l->first;
  l->nkept--;
  return a;
}

static void answer_free(struct answer *a)
{
  bw_buf_clear(&a->payload);
  free(a);
}

void bw_control_close(struct bw_control_link **link)
{
  struct bw_control_link *l = *link;
  if (!l)
    return;
  *link = NULL;
  while (l->first)
    answer_free(take_first(l));
  bw_conn_free(&l->conn);
  bw_loop_free(&l->loop);
  free(l);
}

/* Turns the loop until ready(), the connection's end, or the time limit. */
static int wait_for(struct bw_control_link *l, bool (*ready)(const struct bw_control_link *l), struct bw_error *err)
{
  int64_t end = bw_monotonic() + l->timeout_ms;
  while (!ready(l)) {
    int64_t left = l->timeout_ms ? end - bw_monotonic() : -1;
    int rc;
    if (!l->conn) {
      if (err)
        *err = l->lost;
      return l->lost.code;
    }
    if (l->timeout_ms && left <= 0)
      return bw_fail(err, BW_ETIMEOUT, BW_CLASS_TRANSIENT,
                     "the daemon did not answer within %lld s; it may still do what it was asked",
                     (long long)(l->timeout_ms / 1000));
    rc = bw_loop_turn(l->loop, left, err);
    if (rc)
      return rc;
  }
  return 0;
}

static bool all_sent(const struct bw_control_link *l)
{
  return l->conn && bw_conn_queued(l->conn) == 0;
}

static bool has_answer(const struct bw_control_link *l)
{
  return l->first != NULL;
}

int bw_control_send(struct bw_control_link *l, enum bw_frame_type type, struct bw_str payload, uint32_t *ret_id,
                    struct bw_error *err)
{
  uint32_t id = l->next_id + 1;
  int rc;
  if (!l->conn) {
    if (err)
      *err = l->lost;
    return l->lost.code;
  }
  rc = bw_conn_send(l->conn, (uint16_t)type, id, payload, err);
  if (rc == 0)
    rc = wait_for(l, all_sent, err); /* bounds what we hold in memory */
  if (rc)
    return rc;
  l->next_id = id;
  if (ret_id)
    *ret_id = id;
  return 0;
}

int bw_control_receive(struct bw_control_link *l, uint16_t *ret_type, uint32_t *ret_id, struct bw_buf *out,
                       struct bw_error *err)
{
  struct answer *a;
  int rc = wait_for(l, has_answer, err);
  if (rc)
    return rc;
  a = take_first(l);
  *ret_type = a->type;
  *ret_id = a->id;
  bw_buf_reset(out);
  bw_buf_add_str(out, bw_buf_str(&a->payload));
  answer_free(a);
  return 0;
}

int bw_control_call(struct bw_control_link *l, const char *command, const json_t *args, struct bw_buf *out,
                    struct bw_error *err)
{
  json_t *message = args ? json_copy((json_t *)(uintptr_t)args) : json_object();
  uint32_t id, got = 0;
  uint16_t type = 0;
  char *text;
  int rc;
  json_object_set_new(message, "command", json_string(command));
  text = json_dumps(message, JSON_COMPACT);
  json_decref(message);
  if (!text)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s: an argument is not UTF-8", command);
  rc = bw_control_send(l, BW_FRAME_CONTROL, bw_str(text), &id, err);
  free(text);
  while (rc == 0 && got != id)
    rc = bw_control_receive(l, &type, &got, out, err);
  if (rc == 0 && type == BW_FRAME_ERROR) {
    struct bw_error refused;
    bw_error_from_json(bw_buf_str(out), &refused);
    if (err)
      *err = refused;
    rc = refused.code;
  }
  return rc;
}
