/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams to systemd.  Runs in the parent; needs no privileges.
 * libsystemd's sd_notify() blocks while the socket's queue is full.
 */
#include "proc/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define WAITING_MAX 64
#define RETRY_MS 50

struct bw_notify {
  struct bw_loop *loop;
  int fd; /* -1: nobody listens */
  struct sockaddr_un to;
  socklen_t to_len;
  char *waiting[WAITING_MAX]; /* oldest first */
  size_t nwaiting;
  struct bw_timer *retry;
};

static bool address(struct bw_notify *n, const char *name)
{
  size_t len = name ? strlen(name) : 0;
  if (len < 2 || len >= sizeof n->to.sun_path || (name[0] != '/' && name[0] != '@'))
    return false;
  n->to.sun_family = AF_UNIX;
  memcpy(n->to.sun_path, name, len);
  if (name[0] == '@')
    n->to.sun_path[0] = '\0';
  n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
  return true;
}

struct bw_notify *bw_notify_new(struct bw_loop *loop)
{
  struct bw_notify *n = bw_alloc(sizeof *n);
  const char *name = getenv("NOTIFY_SOCKET");
  n->loop = loop;
  n->fd = -1;
  if (address(n, name))
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  else if (name && *name)
    bw_log(BW_LOG_WARN, "NOTIFY_SOCKET is no address of a Unix socket: systemd is told nothing", "value=%s", BW_Q(name));
  return n;
}

/* False: later. */
static bool send_now(struct bw_notify *n, const char *message)
{
  ssize_t sent;
  do
    sent = sendto(n->fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
    return false;
  if (sent < 0)
    bw_log(BW_LOG_WARN, "systemd could not be told", "message=%s errno=%d", BW_Q(message), errno);
  return true;
}

static void forget(struct bw_notify *n, size_t count)
{
  size_t i;
  for (i = 0; i < count; i++)
    free(n->waiting[i]);
  n->nwaiting -= count;
  memmove(n->waiting, n->waiting + count, n->nwaiting * sizeof *n->waiting);
}

static void retry(void *ctx)
{
  struct bw_notify *n = ctx;
  size_t sent = 0;
  while (sent < n->nwaiting && send_now(n, n->waiting[sent]))
    sent++;
  forget(n, sent);
  if (n->nwaiting)
    bw_timer_again(n->retry, RETRY_MS);
}

void bw_notify_say(struct bw_notify *n, const char *message, bool drop_if_late)
{
  if (n->fd < 0 || (n->nwaiting == 0 && send_now(n, message)) || drop_if_late)
    return;
  if (n->nwaiting == WAITING_MAX)
    forget(n, 1); /* the state that counts is the latest */
  n->waiting[n->nwaiting++] = bw_strdup(message);
  if (!n->retry)
    n->retry = bw_timer_new(n->loop, RETRY_MS, false, retry, n);
  else
    bw_timer_again(n->retry, RETRY_MS);
}

void bw_notify_free(struct bw_notify **np)
{
  struct bw_notify *n = *np;
  if (!n)
    return;
  forget(n, n->nwaiting);
  bw_timer_free(&n->retry);
  if (n->fd >= 0)
    close(n->fd);
  free(n);
  *np = NULL;
}

int64_t bw_notify_watchdog_ms(void)
{
  const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
  long long n = usec ? strtoll(usec, NULL, 10) : 0;
  if (n <= 0 || (pid && *pid && strtoll(pid, NULL, 10) != (long long)getpid()))
    return 0;
  return n > 2000 ? n / 1000 : 2;
}
