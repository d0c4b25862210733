/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message pump.  Runs in every process that talks to another one, on bytes that the other one wrote: the framing is
 * checked, queues are bounded.  No privileges needed.
 */
#include "wire/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define QUEUE_MAX (64u << 20)
#define READ_STEP 65536u     /* asked of the kernel at a time */
#define READ_TURN (4u << 20) /* then others get their turn */
#define KEEP_MAX (1u << 20)  /* an idle buffer above this is given back */
#define FDS_MAX 16           /* received and not yet taken; queued and not yet sent */
#define FINISH_MS 5000       /* a peer that does not close after our end of stream */

/* A descriptor that leaves with the byte at this position of the outgoing stream. */
struct queued_fd {
  uint64_t at;
  int fd;
};

struct bw_conn {
  struct bw_loop *loop;
  int fd;
  struct bw_watch *watch;
  struct bw_timer *finish_timer;
  uint32_t limit;
  struct bw_conn_events events;
  void *ctx;
  struct bw_buf in, out;
  size_t in_start, out_start; /* consumed part of the buffers */
  uint64_t sent;              /* position of out.data[out_start] in the stream */
  struct queued_fd out_fds[FDS_MAX];
  size_t nout_fds;
  int in_fds[FDS_MAX];
  size_t nin_fds;
  bool accept_fds, busy, freed, finishing, failed;
  struct bw_error why;
};

static uint32_t u32_at(const char *p)
{
  const unsigned char *u = (const unsigned char *)p;
  return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static uint16_t u16_at(const char *p)
{
  const unsigned char *u = (const unsigned char *)p;
  return (uint16_t)(u[0] | u[1] << 8);
}

static void head_write(char out[BW_FRAME_HEAD], uint16_t type, uint32_t request, size_t len)
{
  const uint32_t words[3] = {(uint32_t)len, type, request};
  int i, j;
  for (i = 0; i < 3; i++)
    for (j = 0; j < 4; j++)
      out[4 * i + j] = (char)(unsigned char)(words[i] >> (8 * j) & 0xFF);
}

/* The head's payload length, or an error where it breaks the framing. */
static int head_check(const char *head, uint32_t limit, struct bw_error *err)
{
  uint32_t len = u32_at(head);
  if (u16_at(head + 6) != 0)
    return bw_fail(err, BW_EPEER, BW_CLASS_PERMANENT, "the peer broke the framing: unknown flags 0x%04x", u16_at(head + 6));
  if (len > limit)
    return bw_fail(err, BW_EPEER, BW_CLASS_PERMANENT, "the peer announced a message of %u bytes; at most %u are taken", len,
                   limit);
  return BW_OK;
}

static void destroy(struct bw_conn *c)
{
  size_t i;
  bw_timer_free(&c->finish_timer);
  bw_watch_free(&c->watch);
  for (i = 0; i < c->nout_fds; i++)
    close(c->out_fds[i].fd);
  for (i = 0; i < c->nin_fds; i++)
    close(c->in_fds[i]);
  close(c->fd);
  bw_buf_clear(&c->in);
  bw_buf_clear(&c->out);
  free(c);
}

static void conn_fail(struct bw_conn *c, const struct bw_error *why)
{
  if (c->failed)
    return;
  c->failed = true;
  c->why = *why;
}

static void watch_update(struct bw_conn *c)
{
  bw_watch_set(c->watch, BW_WATCH_READ | (c->out.len > c->out_start ? BW_WATCH_WRITE : 0));
}

/* ---- writing ---- */

/* One sendmsg: up to the next descriptor's position, with the one that stands at the front. */
static ssize_t send_some(struct bw_conn *c)
{
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec iov = {c->out.data + c->out_start, c->out.len - c->out_start};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  bool with_fd = c->nout_fds > 0 && c->out_fds[0].at == c->sent;
  size_t next = with_fd ? 1 : 0;
  ssize_t n;
  if (next < c->nout_fds && c->out_fds[next].at - c->sent < iov.iov_len)
    iov.iov_len = (size_t)(c->out_fds[next].at - c->sent);
  if (with_fd) {
    memset(&control, 0, sizeof control);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &c->out_fds[0].fd, sizeof(int));
    msg.msg_control = &control;
    msg.msg_controllen = sizeof control.room;
  }
  n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0 && with_fd) {
    close(c->out_fds[0].fd);
    c->nout_fds--;
    memmove(c->out_fds, c->out_fds + 1, c->nout_fds * sizeof *c->out_fds);
  }
  return n;
}

/* Hands the kernel what it takes.  Negative: the socket is dead. */
static int flush_out(struct bw_conn *c, struct bw_error *err)
{
  ssize_t n;
  while (c->out_start < c->out.len) {
    n = send_some(c);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    if (n < 0)
      return bw_fail_errno(err, BW_EPEER, "cannot send to the peer");
    c->out_start += (size_t)n;
    c->sent += (uint64_t)n;
  }
  if (c->out_start == c->out.len) {
    bw_buf_reset(&c->out);
    c->out_start = 0;
    if (c->out.cap > KEEP_MAX)
      bw_buf_clear(&c->out);
  }
  return BW_OK;
}

static void finish_late(void *ctx)
{
  struct bw_conn *c = ctx;
  struct bw_error why;
  bw_fail(&why, BW_ETIMEOUT, BW_CLASS_TRANSIENT, "the peer did not close its side");
  c->busy = true;
  if (!c->freed && c->events.closed)
    c->events.closed(c->ctx, c, &why);
  destroy(c);
}

static void finish_step(struct bw_conn *c)
{
  if (!c->finishing || c->out_start < c->out.len || c->finish_timer)
    return;
  shutdown(c->fd, SHUT_WR);
  c->finish_timer = bw_timer_new(c->loop, FINISH_MS, false, finish_late, c);
}

void bw_conn_finish(struct bw_conn *c)
{
  c->finishing = true;
  finish_step(c);
}

static int enqueue(struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload, struct bw_error *err)
{
  char head[BW_FRAME_HEAD];
  bool was_empty = c->out_start == c->out.len;
  if (c->finishing || c->freed)
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "the connection is closing");
  if (payload.len > BW_FRAME_MAX)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "a message of %llu bytes; at most %u fit",
                   (unsigned long long)payload.len, BW_FRAME_MAX);
  if (bw_conn_queued(c) + BW_FRAME_HEAD + payload.len > QUEUE_MAX)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_TRANSIENT, "the peer does not read: %zu bytes wait for it", bw_conn_queued(c));
  if (c->out_start > c->out.len / 2) {
    memmove(c->out.data, c->out.data + c->out_start, c->out.len - c->out_start);
    c->out.len -= c->out_start;
    c->out_start = 0;
  }
  head_write(head, type, request, payload.len);
  bw_buf_add(&c->out, head, sizeof head);
  bw_buf_add_str(&c->out, payload);
  /* At once where nothing waits.  A dead socket is noticed by the loop, not in the middle of the caller's work. */
  if (was_empty && !c->failed) {
    (void)flush_out(c, NULL);
    watch_update(c);
  }
  return BW_OK;
}

int bw_conn_send(struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload, struct bw_error *err)
{
  return enqueue(c, type, request, payload, err);
}

int bw_conn_send_fd(struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload, int fd, struct bw_error *err)
{
  int rc;
  if (c->nout_fds == FDS_MAX) {
    close(fd);
    return bw_fail(err, BW_ELIMIT, BW_CLASS_TRANSIENT, "the peer does not read: %d descriptors wait for it", FDS_MAX);
  }
  c->out_fds[c->nout_fds++] = (struct queued_fd){c->sent + (c->out.len - c->out_start), fd};
  rc = enqueue(c, type, request, payload, err);
  if (rc < 0) {
    c->nout_fds--;
    close(fd);
  }
  return rc;
}

size_t bw_conn_queued(const struct bw_conn *c)
{
  return c->out.len - c->out_start;
}

/* ---- reading ---- */

static void fds_keep(struct bw_conn *c, struct msghdr *msg)
{
  struct cmsghdr *h;
  size_t n, i;
  int fd;
  for (h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
      continue;
    n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (i = 0; i < n; i++) {
      memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof fd);
      if (c->nin_fds < FDS_MAX)
        c->in_fds[c->nin_fds++] = fd;
      else
        close(fd);
    }
  }
}

static ssize_t recv_some(struct bw_conn *c)
{
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
  } control;
  struct iovec iov = {bw_buf_reserve(&c->in, READ_STEP), READ_STEP};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  ssize_t n;
  if (c->accept_fds) {
    msg.msg_control = &control;
    msg.msg_controllen = sizeof control.room;
  }
  n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n > 0) {
    c->in.len += (size_t)n;
    if (c->accept_fds)
      fds_keep(c, &msg);
  }
  return n;
}

void bw_conn_accept_fds(struct bw_conn *c)
{
  c->accept_fds = true;
}

int bw_conn_take_fd(struct bw_conn *c)
{
  int fd;
  if (c->nin_fds == 0)
    return -1;
  fd = c->in_fds[0];
  c->nin_fds--;
  memmove(c->in_fds, c->in_fds + 1, c->nin_fds * sizeof *c->in_fds);
  return fd;
}

/* Gives away every whole frame that has arrived. */
static int dispatch(struct bw_conn *c, struct bw_error *err)
{
  int rc = BW_OK;
  while (rc >= 0 && !c->freed && !c->finishing && c->in.len - c->in_start >= BW_FRAME_HEAD) {
    const char *head = c->in.data + c->in_start;
    size_t len = u32_at(head);
    rc = head_check(head, c->limit, err);
    if (rc < 0 || c->in.len - c->in_start - BW_FRAME_HEAD < len)
      break;
    c->in_start += BW_FRAME_HEAD + len;
    rc = c->events.frame(c->ctx, c, u16_at(head + 4), u32_at(head + 8), bw_str_n(head + BW_FRAME_HEAD, len));
    if (rc < 0)
      bw_fail(err, BW_EPEER, BW_CLASS_PERMANENT, "the peer broke the protocol (%s)", bw_code_name(rc));
  }
  if (c->finishing)
    c->in_start = c->in.len;
  if (c->in_start == c->in.len) {
    bw_buf_reset(&c->in);
    c->in_start = 0;
    if (c->in.cap > KEEP_MAX)
      bw_buf_clear(&c->in);
  } else if (c->in_start > c->in.len / 2) {
    memmove(c->in.data, c->in.data + c->in_start, c->in.len - c->in_start);
    c->in.len -= c->in_start;
    c->in_start = 0;
  }
  return rc < 0 ? rc : BW_OK;
}

static int fill_in(struct bw_conn *c, struct bw_error *err)
{
  size_t taken = 0;
  ssize_t n;
  int rc = BW_OK;
  while (rc == BW_OK && taken < READ_TURN && !c->freed) {
    n = recv_some(c);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    if (n < 0)
      return bw_fail_errno(err, BW_EPEER, "cannot read from the peer");
    if (n == 0)
      return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "the peer closed the connection%s",
                     c->in.len > c->in_start ? " in the middle of a message" : "");
    taken += (size_t)n;
    rc = dispatch(c, err);
  }
  return rc;
}

static void on_ready(int fd, int ready, void *ctx)
{
  struct bw_conn *c = ctx;
  struct bw_error err = {0};
  size_t before = bw_conn_queued(c);
  (void)fd;
  c->busy = true;
  if ((ready & BW_WATCH_WRITE) && flush_out(c, &err) < 0)
    conn_fail(c, &err);
  /* What the peer said before it went is still worth reading, so this comes even after a failed write. */
  if ((ready & BW_WATCH_READ) && fill_in(c, &err) < 0)
    conn_fail(c, &err);
  if (!c->failed && !c->freed && before > 0 && bw_conn_queued(c) == 0 && c->events.drained)
    c->events.drained(c->ctx, c);
  if (c->failed && !c->freed && c->events.closed)
    c->events.closed(c->ctx, c, &c->why);
  c->busy = false;
  if (c->failed || c->freed) {
    destroy(c);
    return;
  }
  finish_step(c);
  watch_update(c);
}

struct bw_conn *bw_conn_new(struct bw_loop *loop, int fd, uint32_t limit, const struct bw_conn_events *events, void *ctx)
{
  struct bw_conn *c = bw_alloc(sizeof *c);
  int flags = fcntl(fd, F_GETFL);
  c->loop = loop;
  c->fd = fd;
  c->limit = limit == 0 || limit > BW_FRAME_MAX ? BW_FRAME_MAX : limit;
  c->events = *events;
  c->ctx = ctx;
  if (flags >= 0)
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  c->watch = bw_watch_new(loop, fd, BW_WATCH_READ, on_ready, c);
  return c;
}

void bw_conn_free(struct bw_conn **c)
{
  struct bw_conn *conn = *c;
  *c = NULL;
  if (!conn)
    return;
  conn->freed = true;
  if (!conn->busy)
    destroy(conn);
}

/* ---- blocking forms ---- */

static int wait_for(int fd, short what, struct bw_error *err)
{
  struct pollfd p = {.fd = fd, .events = what};
  struct timeval limit = {0};
  socklen_t size = sizeof limit;
  if (getsockopt(fd, SOL_SOCKET, what == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO, &limit, &size) == 0 &&
      (limit.tv_sec > 0 || limit.tv_usec > 0))
    return bw_fail(err, BW_ETIMEOUT, BW_CLASS_TRANSIENT, "the peer did not %s in time", what == POLLIN ? "answer" : "read");
  if (poll(&p, 1, -1) < 0 && errno != EINTR)
    return bw_fail_errno(err, BW_EIO, "cannot wait for the peer");
  return BW_OK;
}

int bw_frame_write(int fd, uint16_t type, uint32_t request, struct bw_str payload, struct bw_error *err)
{
  char head[BW_FRAME_HEAD];
  struct iovec iov[2] = {{head, sizeof head}, {(void *)(uintptr_t)payload.data, payload.len}};
  size_t done = 0, total = sizeof head + payload.len, skip;
  if (payload.len > BW_FRAME_MAX)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "a message of %llu bytes; at most %u fit",
                   (unsigned long long)payload.len, BW_FRAME_MAX);
  head_write(head, type, request, payload.len);
  while (done < total) {
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      int rc = wait_for(fd, POLLOUT, err);
      if (rc < 0)
        return rc;
      continue;
    }
    if (n < 0)
      return bw_fail_errno(err, BW_EPEER, "cannot send to the peer");
    done += (size_t)n;
    skip = (size_t)n < iov[0].iov_len ? (size_t)n : iov[0].iov_len;
    iov[0].iov_base = (char *)iov[0].iov_base + skip;
    iov[0].iov_len -= skip;
    iov[1].iov_base = (char *)iov[1].iov_base + ((size_t)n - skip);
    iov[1].iov_len -= (size_t)n - skip;
  }
  return BW_OK;
}

/* Reads exactly len bytes to the end of buf.  1: done; 0: the stream ended before the first one. */
static int read_full(int fd, struct bw_buf *buf, size_t len, struct bw_error *err)
{
  size_t done = 0, step;
  ssize_t n;
  while (done < len) {
    /* In steps, so that an announced length costs memory only as its bytes arrive. */
    step = len - done < (1u << 20) ? len - done : (1u << 20);
    n = recv(fd, bw_buf_reserve(buf, step), step, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      int rc = wait_for(fd, POLLIN, err);
      if (rc < 0)
        return rc;
      continue;
    }
    if (n < 0)
      return bw_fail_errno(err, BW_EPEER, "cannot read from the peer");
    if (n == 0 && done == 0)
      return 0;
    if (n == 0)
      return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "the peer closed the connection in the middle of a message");
    buf->len += (size_t)n;
    done += (size_t)n;
  }
  return 1;
}

int bw_frame_read(int fd, uint32_t limit, uint16_t *ret_type, uint32_t *ret_request, struct bw_buf *buf, struct bw_error *err)
{
  char head[BW_FRAME_HEAD];
  uint32_t len;
  int rc;
  bw_buf_reset(buf);
  rc = read_full(fd, buf, sizeof head, err);
  if (rc <= 0)
    return rc;
  memcpy(head, buf->data, sizeof head);
  bw_buf_reset(buf);
  rc = head_check(head, limit == 0 || limit > BW_FRAME_MAX ? BW_FRAME_MAX : limit, err);
  if (rc < 0)
    return rc;
  len = u32_at(head);
  rc = len ? read_full(fd, buf, len, err) : 1;
  if (rc == 0)
    return bw_fail(err, BW_EPEER, BW_CLASS_TRANSIENT, "the peer closed the connection in the middle of a message");
  if (rc < 0)
    return rc;
  *ret_type = u16_at(head + 4);
  *ret_request = u32_at(head + 8);
  return 1;
}
