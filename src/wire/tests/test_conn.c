/* SPDX-License-Identifier: Apache-2.0 */
/* The frame pump: order, limits, descriptors, freeing from within callbacks, and the blocking forms against it. */
#include "base/test.h"

#include "wire/conn.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct side {
  struct bw_loop *loop;
  struct bw_conn *conn;
  int frames, closed, drained, fd, refuse_at, free_at;
  uint16_t type;
  uint32_t request;
  uint64_t bytes, sum;
  struct bw_error why;
};

static int on_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct side *s = ctx;
  uint64_t i;
  (void)c;
  s->frames++;
  s->type = type;
  s->request = request;
  s->bytes += payload.len;
  for (i = 0; i < payload.len; i++)
    s->sum += (unsigned char)payload.data[i];
  if (type == BW_FRAME_PEER)
    s->fd = bw_conn_take_fd(c);
  if (s->frames == s->free_at)
    bw_conn_free(&s->conn);
  return s->frames == s->refuse_at ? BW_EINVAL : BW_OK;
}

static void on_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  struct side *s = ctx;
  (void)c;
  s->closed++;
  s->why = *why;
  s->conn = NULL;
}

static void on_drained(void *ctx, struct bw_conn *c)
{
  struct side *s = ctx;
  assert_int_equal(bw_conn_queued(c), 0);
  s->drained++;
}

static const struct bw_conn_events events = {on_frame, on_closed, on_drained};

static void open_pair(struct bw_loop *loop, struct side *a, struct side *b, uint32_t limit)
{
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  *a = (struct side){.loop = loop, .fd = -1};
  *b = (struct side){.loop = loop, .fd = -1};
  a->conn = bw_conn_new(loop, fds[0], limit, &events, a);
  b->conn = bw_conn_new(loop, fds[1], limit, &events, b);
}

static void turns(struct bw_loop *loop, int n)
{
  while (n-- > 0)
    assert_int_equal(bw_loop_turn(loop, 0, NULL), BW_OK);
}

static void both_ways(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  struct side a, b;
  char *big = bw_alloc(BW_FRAME_MAX);
  int i;
  (void)state;
  memset(big, 1, BW_FRAME_MAX);
  open_pair(loop, &a, &b, 0);
  assert_int_equal(bw_conn_send(a.conn, 7, 42, BW_STR("hello"), NULL), BW_OK);
  assert_int_equal(bw_conn_send(b.conn, 8, 43, BW_STR(""), NULL), BW_OK);
  turns(loop, 3);
  assert_int_equal(b.frames, 1);
  assert_int_equal(b.type, 7);
  assert_int_equal(b.request, 42);
  assert_int_equal(b.bytes, 5);
  assert_int_equal(a.frames, 1);
  assert_int_equal(a.type, 8);
  assert_int_equal(a.bytes, 0);
  /* The largest, and many at once. */
  for (i = 0; i < 3; i++)
    assert_int_equal(bw_conn_send(a.conn, 9, (uint32_t)i, bw_str_n(big, BW_FRAME_MAX), NULL), BW_OK);
  assert_true(bw_conn_queued(a.conn) > 0);
  for (i = 0; i < 20000 && b.frames < 4; i++)
    turns(loop, 1);
  assert_int_equal(b.frames, 4);
  assert_int_equal(b.request, 2);
  assert_true(b.bytes == 3 * (uint64_t)BW_FRAME_MAX + 5);
  assert_int_equal(a.drained, 1);
  assert_int_equal(bw_conn_send(a.conn, 9, 0, bw_str_n(big, BW_FRAME_MAX + 1), NULL), BW_ELIMIT);
  bw_conn_free(&a.conn);
  turns(loop, 2);
  assert_int_equal(b.closed, 1);
  assert_non_null(strstr(b.why.message, "closed the connection"));
  assert_null(b.conn);
  assert_int_equal(a.closed, 0);
  free(big);
  bw_loop_free(&loop);
}

static void queue_is_bounded(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  struct bw_error err;
  struct side a, b;
  char *big = bw_alloc(BW_FRAME_MAX);
  int i, rc = BW_OK;
  (void)state;
  open_pair(loop, &a, &b, 0);
  for (i = 0; i < 10 && rc == BW_OK; i++)
    rc = bw_conn_send(a.conn, 9, 0, bw_str_n(big, BW_FRAME_MAX), &err);
  assert_int_equal(rc, BW_ELIMIT);
  assert_true(i >= 4 && i <= 5);
  assert_true(bw_conn_queued(a.conn) <= 64u << 20);
  bw_conn_free(&a.conn);
  bw_conn_free(&b.conn);
  free(big);
  bw_loop_free(&loop);
}

static void broken_framing(void **state)
{
  static const char too_long[12] = {0x01, 0x04, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, flags[12] = {0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0};
  static const char cut[6] = {0, 0, 0, 0, 1, 0};
  static const struct {
    struct bw_str bytes;
    const char *message;
  } cases[] = {{{too_long, 12}, "a message of 1025 bytes; at most 1024"},
               {{flags, 12}, "flags 0x0001"},
               {{cut, 6}, "in the middle of a message"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_loop *loop = bw_loop_new();
    struct side s = {.loop = loop};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    s.conn = bw_conn_new(loop, fds[0], 1024, &events, &s);
    assert_int_equal(write(fds[1], cases[i].bytes.data, cases[i].bytes.len), (ssize_t)cases[i].bytes.len);
    close(fds[1]);
    turns(loop, 3);
    assert_int_equal(s.frames, 0);
    assert_int_equal(s.closed, 1);
    assert_non_null(strstr(s.why.message, cases[i].message));
    bw_loop_free(&loop);
  }
}

static void from_within(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  struct side a, b;
  int i;
  (void)state;
  open_pair(loop, &a, &b, 0);
  b.free_at = 2;
  for (i = 0; i < 5; i++)
    bw_conn_send(a.conn, 1, 0, BW_STR("x"), NULL);
  turns(loop, 3);
  assert_int_equal(b.frames, 2); /* none after the one that freed it */
  assert_int_equal(b.closed, 0);
  assert_int_equal(a.closed, 1);
  open_pair(loop, &a, &b, 0);
  b.refuse_at = 2;
  for (i = 0; i < 5; i++)
    bw_conn_send(a.conn, 1, 0, BW_STR("x"), NULL);
  turns(loop, 3);
  assert_int_equal(b.frames, 2);
  assert_int_equal(b.closed, 1);
  assert_non_null(strstr(b.why.message, "broke the protocol"));
  bw_conn_free(&a.conn);
  bw_loop_free(&loop);
}

static void descriptors(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  struct side a, b;
  int p[2], i;
  char c = 0;
  (void)state;
  open_pair(loop, &a, &b, 0);
  bw_conn_accept_fds(b.conn);
  for (i = 0; i < 3; i++) {
    assert_int_equal(pipe(p), 0);
    bw_conn_send(a.conn, 1, 0, BW_STR("before"), NULL);
    assert_int_equal(bw_conn_send_fd(a.conn, BW_FRAME_PEER, 0, BW_STR("web"), p[0], NULL), BW_OK);
    bw_conn_send(a.conn, 1, 0, BW_STR("after"), NULL);
    turns(loop, 3);
    assert_true(b.fd >= 0);
    assert_int_equal(write(p[1], "z", 1), 1);
    assert_int_equal(read(b.fd, &c, 1), 1);
    assert_int_equal(c, 'z');
    close(b.fd);
    close(p[1]);
    b.fd = -1;
  }
  assert_int_equal(b.frames, 9);
  /* Who did not ask for descriptors gets none; a frame that should carry one and does not yields -1. */
  assert_int_equal(pipe(p), 0);
  bw_conn_send_fd(b.conn, BW_FRAME_PEER, 0, BW_STR("web"), p[0], NULL);
  bw_conn_send(a.conn, BW_FRAME_PEER, 0, BW_STR("web"), NULL);
  turns(loop, 3);
  assert_int_equal(a.fd, -1);
  assert_int_equal(b.fd, -1);
  assert_int_equal(write(p[1], "z", 1), -1); /* the reading end is gone */
  close(p[1]);
  bw_conn_free(&a.conn);
  bw_conn_free(&b.conn);
  bw_loop_free(&loop);
}

static void finish_sends_all(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  struct side a, b;
  char *big = bw_alloc(BW_FRAME_MAX);
  int i;
  (void)state;
  open_pair(loop, &a, &b, 0);
  bw_conn_send(a.conn, 1, 0, bw_str_n(big, BW_FRAME_MAX), NULL);
  bw_conn_finish(a.conn);
  assert_int_equal(bw_conn_send(a.conn, 1, 0, BW_STR("late"), NULL), BW_ESTATE);
  for (i = 0; i < 20000 && !a.closed; i++)
    turns(loop, 1);
  assert_int_equal(b.frames, 1);
  assert_int_equal(b.closed, 1);
  assert_int_equal(a.closed, 1);
  free(big);
  bw_loop_free(&loop);
}

static void blocking(void **state)
{
  struct bw_buf buf = {0};
  struct bw_error err;
  uint16_t type;
  uint32_t request;
  int fds[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  assert_int_equal(bw_frame_write(fds[0], 5, 77, BW_STR("payload"), &err), BW_OK);
  assert_int_equal(bw_frame_write(fds[0], 6, 78, BW_STR(""), &err), BW_OK);
  assert_int_equal(bw_frame_write(fds[0], 7, 79, BW_STR("much too long"), &err), BW_OK);
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), 1);
  assert_int_equal(type, 5);
  assert_int_equal(request, 77);
  assert_true(bw_str_is(bw_buf_str(&buf), "payload"));
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), 1);
  assert_int_equal(buf.len, 0);
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), BW_EPEER);
  close(fds[0]);
  close(fds[1]);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  assert_int_equal(bw_frame_write(fds[0], 5, 1, BW_STR("x"), &err), BW_OK);
  assert_int_equal(write(fds[0], "\5\0\0", 3), 3);
  close(fds[0]);
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), 1);
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), BW_EPEER);
  assert_int_equal(bw_frame_read(fds[1], 10, &type, &request, &buf, &err), 0);
  assert_int_equal(bw_frame_write(fds[1], 5, 1, BW_STR("x"), &err), BW_EPEER);
  close(fds[1]);
  bw_buf_clear(&buf);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways),      cmocka_unit_test(queue_is_bounded),
                                     cmocka_unit_test(broken_framing), cmocka_unit_test(from_within),
                                     cmocka_unit_test(descriptors),    cmocka_unit_test(finish_sends_all),
                                     cmocka_unit_test(blocking)};
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
