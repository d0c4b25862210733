/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock file beside the database: one process at a time, and how the last one left it.  core process; needs the state
 * directory.  It holds
 *   "clean"   nobody has touched the database since it was closed
 *   nothing   somebody was about to open or close it
 *   a pid     that process had it open, so that there is a write-ahead log
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/private.h"

#define CLEAN "clean\n"
#define TRIES 30
#define TRY_US 100000

static int lock_held(struct bw_store *s, const char *lock_path, int fd, struct bw_error *err)
{
  char owner[32] = "";
  ssize_t n = pread(fd, owner, sizeof owner - 1, 0);
  long pid = n > 0 ? strtol(owner, NULL, 10) : 0;
  close(fd);
  if (pid > 0)
    return bw_fail(err, BW_EEXIST, BW_CLASS_CONFIG,
                   "the database %s is in use by process %ld; stop that one first, or name another state directory", s->path,
                   pid);
  return bw_fail(err, BW_EEXIST, BW_CLASS_CONFIG,
                 "the database %s is in use by another process (it holds the lock on %s); stop that one first", s->path,
                 lock_path);
}

/* What the file says must be durable before the next step; when it cannot be written (no room), it is emptied, which needs none
   and means "not closed cleanly" just as well. */
static void mark(int fd, const char *text)
{
  size_t len = strlen(text);
  if (ftruncate(fd, 0) == 0 && len > 0 && pwrite(fd, text, len, 0) != (ssize_t)len && ftruncate(fd, 0) != 0)
    return;
  (void)fdatasync(fd);
}

/* A core whose parent was killed holds it a moment longer. */
static bool take(int fd)
{
  int i;
  for (i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
    if (errno != EWOULDBLOCK || i == TRIES || usleep(TRY_US) != 0)
      return false;
  return true;
}

int bw_store_lock(struct bw_store *s, bool existed, bool *ret_died, struct bw_error *err)
{
  char *lock_path BW_AUTOFREE = bw_asprintf("%s-lock", s->path);
  char was[sizeof CLEAN] = "";
  int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  ssize_t n;
  if (fd < 0)
    return bw_fail_errno(err, errno == ENOSPC ? BW_ENOSPC : BW_EIO, "cannot open the lock file %s", lock_path);
  if (!take(fd)) {
    if (errno == EWOULDBLOCK)
      return lock_held(s, lock_path, fd, err);
    bw_fail_errno(err, BW_EIO, "cannot lock %s", lock_path);
    close(fd);
    return BW_EIO;
  }
  n = pread(fd, was, sizeof was - 1, 0);
  s->clean = !existed || (n == sizeof CLEAN - 1 && strcmp(was, CLEAN) == 0);
  *ret_died = n > 0 && was[0] >= '1' && was[0] <= '9';
  s->lock_fd = fd;
  if (!*ret_died) /* a dead process is spoken of until its log is ours */
    mark(fd, "");
  return BW_OK;
}

void bw_store_mark_open(struct bw_store *s)
{
  char pid[32];
  snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  if (s->lock_fd >= 0)
    mark(s->lock_fd, pid);
}

void bw_store_mark_closing(struct bw_store *s)
{
  if (s->lock_fd >= 0)
    mark(s->lock_fd, "");
}

void bw_store_unlock(struct bw_store *s, bool clean)
{
  if (s->lock_fd < 0)
    return;
  if (clean)
    mark(s->lock_fd, CLEAN);
  close(s->lock_fd); /* which gives up the lock; the file stays, so that nobody can lock a removed one */
  s->lock_fd = -1;
}
