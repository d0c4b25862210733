/* SPDX-License-Identifier: Apache-2.0 */
/* The listening unix socket of the control API.  Runs in core; creates one file, mode 0600, in the state directory. */
#define _GNU_SOURCE
#include "control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"

#define BACKLOG 64
#define ACCEPTS_PER_TURN 16
#define OUT_OF_FDS_PAUSE (BW_SECOND)

struct bw_socket {
  int fd;
  char path[108];
  dev_t dev;
  ino_t ino;
  struct bw_watch *watch;
  struct bw_timer *pause;
  void (*accepted)(void *ctx, int fd, const char *who);
  void *ctx;
};

/* ---- who is there ---- */

/*
 * The login name by /etc/passwd alone: getpwuid() may load modules and open sockets to name services, which a sandboxed process
 * must not.  Where the file does not know, "uid:1001" says as much.
 */
static void user_name(uid_t uid, char *out, size_t size)
{
  char line[1024], *save, *name, *field;
  FILE *f = fopen("/etc/passwd", "re");
  snprintf(out, size, "uid:%lu", (unsigned long)uid);
  if (!f)
    return;
  while (fgets(line, sizeof line, f)) {
    name = strtok_r(line, ":", &save);
    if (!name || !strtok_r(NULL, ":", &save) || !(field = strtok_r(NULL, ":", &save)))
      continue;
    if (strtoul(field, NULL, 10) == uid) {
      snprintf(out, size, "%s", name);
      break;
    }
  }
  fclose(f);
}

static void peer_name(int fd, char *out, size_t size)
{
  struct ucred cred;
  socklen_t len = sizeof cred;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
    user_name(cred.uid, out, size);
  else
    snprintf(out, size, "unknown");
}

/* ---- accepting ---- */

static void on_ready(int fd, int ready, void *ctx)
{
  struct bw_socket *s = ctx;
  int i;
  (void)ready;
  for (i = 0; i < ACCEPTS_PER_TURN; i++) {
    char who[64];
    int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (c < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        /* The connection stays in the queue: asking again at once would only spin. */
        bw_log(BW_LOG_ERROR, "a control connection cannot be accepted now", "why=%s", BW_Q(strerror(errno)));
        bw_watch_set(s->watch, 0);
        bw_timer_again(s->pause, OUT_OF_FDS_PAUSE);
      }
      return;
    }
    peer_name(c, who, sizeof who);
    s->accepted(s->ctx, c, who);
  }
}

static void on_pause_over(void *ctx)
{
  struct bw_socket *s = ctx;
  bw_watch_set(s->watch, BW_WATCH_READ);
}

/* ---- listening ---- */

static int make_address(const char *path, struct sockaddr_un *ret, struct bw_error *err)
{
  memset(ret, 0, sizeof *ret);
  ret->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof ret->sun_path)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG,
                   "%s: too long for a socket (%zu bytes, at most %zu); choose a shorter state directory", path, strlen(path),
                   sizeof ret->sun_path - 1);
  memcpy(ret->sun_path, path, strlen(path));
  return 0;
}

/* Removes a socket that nobody answers at. */
static int clear_stale(const struct sockaddr_un *addr, struct bw_error *err)
{
  struct stat st;
  int fd, rc;
  if (lstat(addr->sun_path, &st) < 0)
    return errno == ENOENT ? 0 : bw_fail_errno(err, BW_EIO, "%s", addr->sun_path);
  if (!S_ISSOCK(st.st_mode))
    return bw_fail(err, BW_EEXIST, BW_CLASS_CONFIG, "%s: is there already and is no socket; move it away", addr->sun_path);
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return bw_fail_errno(err, BW_EIO, "socket");
  rc = connect(fd, (const struct sockaddr *)addr, sizeof *addr);
  if (rc == 0 || errno == EAGAIN || errno == EINPROGRESS) {
    close(fd);
    return bw_fail(err, BW_EEXIST, BW_CLASS_CONFIG, "%s: another daemon answers there; stop it first", addr->sun_path);
  }
  rc = errno;
  close(fd);
  if (rc != ECONNREFUSED) {
    errno = rc;
    return bw_fail_errno(err, BW_EIO, "%s: cannot tell whether it is in use", addr->sun_path);
  }
  if (unlink(addr->sun_path) < 0)
    return bw_fail_errno(err, BW_EIO, "%s: the left-over socket cannot be removed", addr->sun_path);
  return 0;
}

static int bind_socket(struct bw_socket *s, const struct sockaddr_un *addr, struct bw_error *err)
{
  struct stat st;
  mode_t old = umask(0177);
  int rc = bind(s->fd, (const struct sockaddr *)addr, sizeof *addr);
  umask(old);
  if (rc < 0)
    return bw_fail_errno(err, BW_EIO, "%s: cannot be bound", addr->sun_path);
  memcpy(s->path, addr->sun_path, sizeof s->path);
  if (lstat(s->path, &st) == 0) {
    s->dev = st.st_dev;
    s->ino = st.st_ino;
  }
  if (listen(s->fd, BACKLOG) < 0)
    return bw_fail_errno(err, BW_EIO, "%s: listen", addr->sun_path);
  return 0;
}

int bw_socket_listen(struct bw_loop *loop, const char *path, void (*accepted)(void *ctx, int fd, const char *who), void *ctx,
                     struct bw_socket **ret_socket, struct bw_error *err)
{
  struct sockaddr_un addr;
  struct bw_socket *s;
  int rc = make_address(path, &addr, err);
  if (rc == 0)
    rc = clear_stale(&addr, err);
  if (rc)
    return rc;
  s = bw_alloc(sizeof *s);
  s->accepted = accepted;
  s->ctx = ctx;
  s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  rc = s->fd < 0 ? bw_fail_errno(err, BW_EIO, "socket") : bind_socket(s, &addr, err);
  if (rc) {
    bw_socket_free(&s);
    return rc;
  }
  s->watch = bw_watch_new(loop, s->fd, BW_WATCH_READ, on_ready, s);
  s->pause = bw_timer_new(loop, 365 * BW_DAY, false, on_pause_over, s);
  *ret_socket = s;
  return 0;
}

void bw_socket_free(struct bw_socket **socket)
{
  struct bw_socket *s = *socket;
  struct stat st;
  if (!s)
    return;
  *socket = NULL;
  bw_timer_free(&s->pause);
  bw_watch_free(&s->watch);
  if (s->path[0] && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
    (void)unlink(s->path);
  if (s->fd >= 0)
    close(s->fd);
  free(s);
}
