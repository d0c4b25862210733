/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration that was accepted, kept in the state directory: a core or web that is started again goes on with it, and
 * not with whatever stands in the files by then.  Runs in core.
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
#include "core/private.h"

#define MAX_FILES 10000
#define MAX_FILE ((size_t)4 << 20) /* bytes */

struct copying {
  size_t files;
  struct bw_error *err;
};

static int failed(const struct copying *c, const char *what, const char *path)
{
  return bw_fail_errno(c->err, BW_EIO, "the accepted configuration cannot be kept: %s %s", what, path);
}

static int sync_dir(const struct copying *c, const char *dir)
{
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = BW_OK;
  if (fd < 0 || fsync(fd) < 0)
    rc = failed(c, "sync", dir);
  if (fd >= 0)
    close(fd);
  return rc;
}

/* All of a file, at most MAX_FILE bytes. */
static int read_file(const struct copying *c, const char *path, struct bw_buf *out)
{
  char piece[16384];
  ssize_t n = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return failed(c, "open", path);
  while (out->len <= MAX_FILE && (n = read(fd, piece, sizeof piece)) > 0)
    bw_buf_add(out, piece, (size_t)n);
  close(fd);
  if (n < 0)
    return failed(c, "read", path);
  if (out->len > MAX_FILE)
    return bw_fail(c->err, BW_ELIMIT, BW_CLASS_CONFIG, "%s is over %zu MiB: it is no configuration", path, MAX_FILE >> 20);
  return BW_OK;
}

static int copy_file(struct copying *c, const char *from, const char *to)
{
  struct bw_buf text = {0};
  int rc = read_file(c, from, &text), fd = rc < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  size_t at = 0;
  if (rc == 0 && fd < 0)
    rc = failed(c, "make", to);
  while (rc == 0 && at < text.len) {
    ssize_t n = write(fd, text.data + at, text.len - at);
    if (n < 0 && errno != EINTR)
      rc = failed(c, "write", to);
    at += n > 0 ? (size_t)n : 0;
  }
  if (rc == 0 && fsync(fd) < 0)
    rc = failed(c, "sync", to);
  if (fd >= 0)
    close(fd);
  bw_buf_clear(&text);
  return rc;
}

/* What configuration is read from; anything else in the directory (a backup, an export) is none of ours. */
static const char *const folders[] = {"watchers", "plays", "routes", "templates"};

static bool is_read(const char *name)
{
  const char *ending = strrchr(name, '.');
  return name[0] != '.' && ending && (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".txt") == 0);
}

static int copy_entry(struct copying *c, const char *from, const char *to)
{
  struct stat st;
  if (stat(from, &st) < 0)
    return failed(c, "look at", from);
  if (!S_ISREG(st.st_mode))
    return BW_OK;
  if (++c->files > MAX_FILES)
    return bw_fail(c->err, BW_ELIMIT, BW_CLASS_CONFIG, "the configuration directory holds more than %d files", MAX_FILES);
  return copy_file(c, from, to);
}

static int copy_folder(struct copying *c, const char *from, const char *to)
{
  const struct dirent *e;
  DIR *d = opendir(from);
  int rc = BW_OK;
  if (!d && errno == ENOENT)
    return BW_OK;
  if (!d || mkdir(to, 0700) < 0)
    rc = failed(c, d ? "make" : "open", d ? to : from);
  while (rc == 0 && (e = readdir(d))) {
    char *a = bw_asprintf("%s/%s", from, e->d_name), *b = bw_asprintf("%s/%s", to, e->d_name);
    if (is_read(e->d_name))
      rc = copy_entry(c, a, b);
    free(a);
    free(b);
  }
  if (d)
    closedir(d);
  return rc < 0 ? rc : sync_dir(c, to);
}

static int copy_all(struct copying *c, const char *from, const char *to)
{
  char *a = bw_asprintf("%s/basewatch.yaml", from), *b = bw_asprintf("%s/basewatch.yaml", to);
  int rc = mkdir(to, 0700) < 0 ? failed(c, "make", to) : copy_entry(c, a, b);
  size_t i;
  free(a);
  free(b);
  for (i = 0; rc == 0 && i < sizeof folders / sizeof *folders; i++) {
    a = bw_asprintf("%s/%s", from, folders[i]);
    b = bw_asprintf("%s/%s", to, folders[i]);
    rc = copy_folder(c, a, b);
    free(a);
    free(b);
  }
  return rc < 0 ? rc : sync_dir(c, to);
}

static void remove_tree(const char *path)
{
  const struct dirent *e;
  DIR *d = opendir(path);
  while (d && (e = readdir(d))) {
    char *entry = bw_asprintf("%s/%s", path, e->d_name);
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(entry) < 0)
      remove_tree(entry);
    free(entry);
  }
  if (d)
    closedir(d);
  (void)rmdir(path);
}

/* True where both are there and hold the same. */
static bool same_file(const char *dir_a, const char *dir_b, const char *name)
{
  struct copying c = {0};
  struct bw_buf a = {0}, b = {0};
  char *pa = bw_asprintf("%s/%s", dir_a, name), *pb = bw_asprintf("%s/%s", dir_b, name);
  bool same = read_file(&c, pa, &a) == 0 && read_file(&c, pb, &b) == 0 && bw_str_eq(bw_buf_str(&a), bw_buf_str(&b));
  bw_buf_clear(&a);
  bw_buf_clear(&b);
  free(pa);
  free(pb);
  return same;
}

/* False where a file of a folder of a is not the same in b's. */
static bool same_folder(const char *a, const char *b, const char *folder)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", a, folder);
  const struct dirent *e;
  DIR *d = opendir(path);
  bool same = true;
  while (d && same && (e = readdir(d))) {
    char *name BW_AUTOFREE = bw_asprintf("%s/%s", folder, e->d_name);
    same = !is_read(e->d_name) || same_file(a, b, name);
  }
  if (d)
    closedir(d);
  return same;
}

bool core_accepted_is(const struct core *c)
{
  char *kept BW_AUTOFREE = core_accepted_dir(c->o->state_dir);
  const char *files = c->o->config_dir;
  bool same = kept && same_file(kept, files, "basewatch.yaml");
  size_t i;
  for (i = 0; same && i < sizeof folders / sizeof *folders; i++)
    same = same_folder(kept, files, folders[i]) && same_folder(files, kept, folders[i]);
  return same;
}

int64_t core_accepted_at(const struct core *c)
{
  char *kept BW_AUTOFREE = core_accepted_dir(c->o->state_dir);
  char *path BW_AUTOFREE = kept ? bw_asprintf("%s/basewatch.yaml", kept) : NULL;
  struct stat st;
  return path && stat(path, &st) == 0 ? (int64_t)st.st_mtime * BW_SECOND : BW_TIME_NONE;
}

char *core_accepted_dir(const char *state_dir)
{
  char *now = bw_asprintf("%s/config", state_dir), *old = bw_asprintf("%s/config.old", state_dir);
  char *found = access(now, R_OK) == 0 ? now : access(old, R_OK) == 0 ? old : NULL; /* old: it was being replaced */
  if (found != now)
    free(now);
  if (found != old)
    free(old);
  return found;
}

char *core_file_shown(const struct core *c, const char *path)
{
  char *kept BW_AUTOFREE = core_accepted_dir(c->o->state_dir);
  size_t n = kept ? strlen(kept) : 0;
  bool within = n && strncmp(path, kept, n) == 0 && path[n] == '/';
  return within ? bw_asprintf("%s%s", c->o->config_dir, path + n) : bw_strdup(path);
}

int core_keep_accepted(struct core *c, bool *ret_web_changed, struct bw_error *err)
{
  struct copying copying = {.err = err};
  char *now BW_AUTOFREE = bw_asprintf("%s/config", c->o->state_dir);
  char *fresh BW_AUTOFREE = bw_asprintf("%s/config.new", c->o->state_dir);
  char *old BW_AUTOFREE = bw_asprintf("%s/config.old", c->o->state_dir);
  int rc;
  remove_tree(fresh);
  rc = copy_all(&copying, c->o->config_dir, fresh);
  if (rc < 0) {
    remove_tree(fresh);
    return rc;
  }
  *ret_web_changed = !same_file(now, fresh, "basewatch.yaml");
  remove_tree(old);
  if (rename(now, old) < 0 && errno != ENOENT)
    return failed(&copying, "put aside", now);
  if (rename(fresh, now) < 0)
    return failed(&copying, "put in place", now);
  rc = sync_dir(&copying, c->o->state_dir);
  remove_tree(old);
  return rc;
}
