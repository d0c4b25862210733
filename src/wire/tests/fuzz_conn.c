/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the framing: the bytes arrive in pieces at the pump, and whole at the blocking reader; both must see the same frames.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
  unsigned frames;
  uint64_t bytes;
  int closed;
};

static int on_frame(void *ctx, struct bw_conn *c, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct seen *s = ctx;
  (void)c, (void)type, (void)request;
  s->frames++;
  s->bytes += payload.len;
  return BW_OK;
}

static void on_closed(void *ctx, struct bw_conn *c, const struct bw_error *why)
{
  struct seen *s = ctx;
  (void)c, (void)why;
  s->closed = 1;
}

static struct seen pumped(const uint8_t *data, size_t size, size_t step)
{
  static const struct bw_conn_events events = {on_frame, on_closed, NULL};
  struct bw_loop *loop = bw_loop_new();
  struct seen s = {0};
  int fds[2];
  size_t at, n;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
    abort();
  (void)bw_conn_new(loop, fds[0], 4096, &events, &s);
  for (at = 0; at < size && !s.closed; at += n) {
    n = size - at < step ? size - at : step;
    if (send(fds[1], data + at, n, MSG_NOSIGNAL) < 0)
      break;
    (void)bw_loop_turn(loop, 0, NULL);
  }
  close(fds[1]);
  while (!s.closed)
    (void)bw_loop_turn(loop, 10, NULL);
  bw_loop_free(&loop);
  return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct seen a, b = {0};
  struct bw_buf buf = {0};
  uint16_t type;
  uint32_t request;
  int fds[2];
  if (size < 1 || size > 32768)
    return 0;
  a = pumped(data + 1, size - 1, (size_t)data[0] * 16 + 1);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
    abort();
  if (size > 1 && send(fds[1], data + 1, size - 1, MSG_NOSIGNAL) < 0)
    abort();
  close(fds[1]);
  while (bw_frame_read(fds[0], 4096, &type, &request, &buf, NULL) == 1) {
    b.frames++;
    b.bytes += buf.len;
  }
  close(fds[0]);
  bw_buf_clear(&buf);
  if (a.frames != b.frames || a.bytes != b.bytes)
    abort();
  return 0;
}
