/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier of a Maildir: files and nothing else.  Runs in core now, in the courier later; needs to write below the one
 * directory that the configuration names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "delivery/delivery.h"

#define MAX_FILE (1 << 20)

static int real_open(void *ctx, const char *path, int flags, unsigned mode)
{
  (void)ctx;
  return open(path, flags, (mode_t)mode);
}

static ssize_t real_write(void *ctx, int fd, const void *data, size_t len)
{
  (void)ctx;
  return write(fd, data, len);
}

static int real_fsync(void *ctx, int fd)
{
  (void)ctx;
  return fsync(fd);
}

static int real_close(void *ctx, int fd)
{
  (void)ctx;
  return close(fd);
}

static int real_rename(void *ctx, const char *from, const char *to)
{
  (void)ctx;
  return rename(from, to);
}

static int real_unlink(void *ctx, const char *path)
{
  (void)ctx;
  return unlink(path);
}

static int real_mkdir(void *ctx, const char *path, unsigned mode)
{
  (void)ctx;
  return mkdir(path, (mode_t)mode);
}

static const struct bw_maildir_sys real_sys = {real_open,   real_write,  real_fsync, real_close,
                                               real_rename, real_unlink, real_mkdir, NULL};

static int failed(struct bw_error *err, const char *what, const char *path)
{
  int code = errno == ENOSPC || errno == EDQUOT ? BW_ENOSPC : BW_EIO;
  return bw_fail_errno(err, (enum bw_code)code, "%s %s", what, path);
}

void bw_maildir_name(int64_t at, const char *hash, char ret_name[BW_MAILDIR_NAME])
{
  (void)snprintf(ret_name, BW_MAILDIR_NAME, "%lld.bw-%.64s.basewatch", (long long)(at / BW_SECOND), hash);
}

/* Names come from the store: never a way out of the directory. */
static int check_name(const char *name, struct bw_error *err)
{
  if (!*name || *name == '.' || strchr(name, '/') || strchr(name, ':') || strlen(name) >= BW_MAILDIR_NAME)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "a Maildir file name is refused: it is empty, too long or has '/' or ':'");
  return BW_OK;
}

static int sync_dir(const struct bw_maildir_sys *sys, const char *path, struct bw_error *err)
{
  int fd = sys->open(sys->ctx, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), rc = BW_OK;
  if (fd < 0)
    return failed(err, "cannot open the directory", path);
  if (sys->fsync(sys->ctx, fd) < 0)
    rc = failed(err, "cannot flush the directory", path);
  (void)sys->close(sys->ctx, fd);
  return rc;
}

static int sync_sub(const struct bw_maildir_sys *sys, const char *dir, const char *sub, struct bw_error *err)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, sub);
  return sync_dir(sys, path, err);
}

/* Makes what is not there of the Maildir. */
static int make_maildir(const struct bw_maildir_sys *sys, const char *dir, struct bw_error *err)
{
  static const char *const subs[] = {"", "/tmp", "/new", "/cur"};
  char *parent BW_AUTOFREE = bw_asprintf("%s/..", dir);
  bool made = false;
  size_t i;
  int rc;
  for (i = 0; i < sizeof subs / sizeof *subs; i++) {
    char *path BW_AUTOFREE = bw_asprintf("%s%s", dir, subs[i]);
    if (sys->mkdir(sys->ctx, path, 0700) == 0)
      made = true;
    else if (errno != EEXIST)
      return failed(err, "cannot make the Maildir", path);
  }
  if (!made)
    return BW_OK;
  rc = sync_dir(sys, dir, err);
  return rc < 0 ? rc : sync_dir(sys, parent, err);
}

static int write_all(const struct bw_maildir_sys *sys, int fd, struct bw_str bytes)
{
  size_t done = 0;
  while (done < bytes.len) {
    ssize_t n = sys->write(sys->ctx, fd, bytes.data + done, bytes.len - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      errno = n < 0 ? errno : EIO;
      return -1;
    }
    done += (size_t)n;
  }
  return 0;
}

int bw_maildir_write(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_str bytes,
                     struct bw_error *err)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/tmp/%s", dir, name);
  int fd, rc = check_name(name, err);
  sys = sys ? sys : &real_sys;
  if (rc == BW_OK)
    rc = make_maildir(sys, dir, err);
  if (rc < 0)
    return rc;
  if (sys->unlink(sys->ctx, path) < 0 && errno != ENOENT)
    return failed(err, "cannot replace", path);
  fd = sys->open(sys->ctx, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return failed(err, "cannot create", path);
  if (write_all(sys, fd, bytes) < 0)
    rc = failed(err, "cannot write", path);
  else if (sys->fsync(sys->ctx, fd) < 0)
    rc = failed(err, "cannot flush", path);
  if (sys->close(sys->ctx, fd) < 0 && rc == BW_OK)
    rc = failed(err, "cannot close", path);
  if (rc == BW_OK)
    rc = sync_sub(sys, dir, "tmp", err);
  if (rc < 0)
    (void)sys->unlink(sys->ctx, path);
  return rc;
}

/* 1: the directory has NAME, or NAME with flags; 0: it has not. */
static int holds(const char *dir, const char *sub, const char *name, struct bw_error *err)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, sub);
  size_t n = strlen(name);
  const struct dirent *e;
  int found = 0;
  DIR *d = opendir(path);
  if (!d)
    return errno == ENOENT ? 0 : failed(err, "cannot read the directory", path);
  errno = 0;
  while (!found && (e = readdir(d)) != NULL)
    found = strncmp(e->d_name, name, n) == 0 && (e->d_name[n] == '\0' || e->d_name[n] == ':');
  if (!found && errno)
    found = failed(err, "cannot read the directory", path);
  (void)closedir(d);
  return found;
}

int bw_maildir_find(const char *dir, const char *name, enum bw_maildir_place *ret_place, struct bw_error *err)
{
  /* In this order: readers move files from new to cur, never back. */
  static const struct {
    const char *sub;
    enum bw_maildir_place place;
  } places[] = {{"new", BW_MAILDIR_NEW}, {"cur", BW_MAILDIR_CUR}, {"tmp", BW_MAILDIR_TMP}};
  size_t i;
  int rc = check_name(name, err);
  if (rc < 0)
    return rc;
  for (i = 0; i < sizeof places / sizeof *places; i++) {
    rc = holds(dir, places[i].sub, name, err);
    if (rc < 0)
      return rc;
    if (rc) {
      *ret_place = places[i].place;
      return BW_OK;
    }
  }
  *ret_place = BW_MAILDIR_NOWHERE;
  return BW_OK;
}

int bw_maildir_read(const char *dir, const char *name, struct bw_buf *out, struct bw_error *err)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/tmp/%s", dir, name);
  size_t base = out->len;
  ssize_t n = 0;
  int fd, rc = check_name(name, err);
  if (rc < 0)
    return rc;
  fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return failed(err, "cannot open", path);
  while (out->len - base <= MAX_FILE) {
    n = read(fd, bw_buf_reserve(out, 65536), 65536);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    out->len += (size_t)n;
  }
  if (n < 0)
    rc = failed(err, "cannot read", path);
  (void)close(fd);
  if (rc < 0)
    out->len = base;
  return rc;
}

int bw_maildir_publish(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_error *err)
{
  char *from BW_AUTOFREE = bw_asprintf("%s/tmp/%s", dir, name);
  char *to BW_AUTOFREE = bw_asprintf("%s/new/%s", dir, name);
  int rc = check_name(name, err);
  sys = sys ? sys : &real_sys;
  if (rc < 0)
    return rc;
  if (sys->rename(sys->ctx, from, to) < 0)
    return failed(err, "cannot move into the Maildir", to);
  rc = sync_sub(sys, dir, "new", err);
  return rc < 0 ? rc : sync_sub(sys, dir, "tmp", err);
}

int bw_maildir_settle(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_error *err)
{
  static const char *const subs[] = {"new", "cur", "tmp"};
  char *path BW_AUTOFREE = bw_asprintf("%s/tmp/%s", dir, name);
  size_t i;
  int rc = check_name(name, err);
  sys = sys ? sys : &real_sys;
  if (rc < 0)
    return rc;
  if (sys->unlink(sys->ctx, path) < 0 && errno != ENOENT)
    return failed(err, "cannot remove", path);
  for (i = 0; rc == BW_OK && i < sizeof subs / sizeof *subs; i++)
    rc = sync_sub(sys, dir, subs[i], err);
  return rc;
}
