/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch plugin new`: a copy of the example watcher under another name.  Runs in the command line; writes files where it is
 * told to.  The example is the template: what it shows is what is built and tested.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/plugin.h"

#define EXAMPLE "comeback"
#define FILE_MAX (1u << 20)

static const char *const files[] = {EXAMPLE ".c", EXAMPLE ".yaml", "Makefile", "README.md", "events.jsonl", "expected.jsonl"};
#define NFILES (sizeof files / sizeof *files)

static bool refuse(const char *what, const char *about)
{
  (void)fprintf(stderr, "basewatch plugin new: %s: %s\n", about, what);
  return false;
}

static bool name_ok(const char *name)
{
  size_t i, n = strlen(name);
  if (n == 0 || n > 40 || name[0] < 'a' || name[0] > 'z')
    return false;
  for (i = 0; i < n; i++)
    if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '_'))
      return false;
  return true;
}

/* Installed beside this program, or where it was configured to be. */
static char *template_dir(void)
{
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  char *slash, *dir;
  self[n > 0 ? n : 0] = '\0';
  slash = strrchr(self, '/');
  dir = bw_asprintf("%.*s/../share/basewatch/plugin", slash ? (int)(slash - self) : 0, self);
  if (slash && access(dir, R_OK) == 0)
    return dir;
  free(dir);
  return bw_strdup(BW_PKGDATADIR "/plugin");
}

static bool read_file(const char *path, struct bw_buf *out)
{
  char block[8192];
  ssize_t n = -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && out->len < FILE_MAX && (n = read(fd, block, sizeof block)) > 0)
    bw_buf_add(out, block, (size_t)n);
  if (fd >= 0)
    close(fd);
  return n == 0;
}

/* The example's name becomes the plugin's, wherever it stands. */
static void rename_all(struct bw_str text, const char *name, struct bw_buf *out)
{
  const char *p = text.data, *end = text.data + text.len, *hit;
  while (p < end && (hit = memmem(p, (size_t)(end - p), EXAMPLE, strlen(EXAMPLE))) != NULL) {
    bw_buf_add(out, p, (size_t)(hit - p));
    bw_buf_add_cstr(out, name);
    p = hit + strlen(EXAMPLE);
  }
  bw_buf_add(out, p, (size_t)(end - p));
}

static bool write_file(const char *path, const struct bw_buf *text)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  size_t done = 0;
  ssize_t n = 0;
  while (fd >= 0 && done < text->len && (n = write(fd, text->data + done, text->len - done)) > 0)
    done += (size_t)n;
  if (fd >= 0 && close(fd) < 0)
    return false;
  return fd >= 0 && done == text->len;
}

static bool copy_file(const char *from_dir, const char *to_dir, const char *file, const char *name)
{
  struct bw_buf text = {0}, renamed = {0}, to = {0};
  char *from = bw_asprintf("%s/%s", from_dir, file);
  bool ok = true;
  bw_buf_printf(&to, "%s/", to_dir);
  rename_all(bw_str(file), name, &to);
  if (!read_file(from, &text)) {
    ok = refuse("the template cannot be read: is basewatch installed as a whole?", from);
  } else {
    rename_all(bw_buf_str(&text), name, &renamed);
    if (!write_file(bw_buf_cstr(&to), &renamed))
      ok = refuse(strerror(errno), bw_buf_cstr(&to));
  }
  free(from);
  bw_buf_clear(&text);
  bw_buf_clear(&renamed);
  bw_buf_clear(&to);
  return ok;
}

bool bw_plugin_new(const char *name, const char *dir)
{
  char *from;
  size_t i;
  bool ok = true;
  if (!name_ok(name))
    return refuse("a plugin's name is made of a-z, 0-9 and _, begins with a letter, and has at most 40 of them", name);
  if (mkdir(dir, 0777) < 0)
    return refuse(errno == EEXIST ? "is there already; name a directory that is not" : strerror(errno), dir);
  from = template_dir();
  for (i = 0; ok && i < NFILES; i++)
    ok = copy_file(from, dir, files[i], name);
  free(from);
  if (ok)
    (void)printf(
        "%s/%s.c is a whole watcher: make it yours.\n\n  cd %s && make check\n\nbuilds it, vets it and runs its test.\n", dir,
        name, dir);
  return ok;
}
