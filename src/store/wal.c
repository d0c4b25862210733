/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the write-ahead log that a dead process left, before SQLite does: SQLite takes it up to the first frame that does
 * not fit, and says nothing of what came behind.  core process; needs the state directory.
 *
 * The format is SQLite's (sqlite.org/fileformat2.html#walformat): a header with two salts, then frames, each with the salts of
 * its generation and a checksum over itself and the checksum before it.  Behind the valid frames may lie, and mean nothing:
 *   - frames of an older generation, which have other salts;
 *   - a transaction that was being written when the process or the machine died: nobody was told that it is durable.  It is the
 *     last one, for each is synced before the next is begun;
 *   - what is left of a longer transaction that was rolled back; its commit frame was never written, unless a sync failed.
 * So damage is what has, behind the first frame that does not fit, a whole end of a transaction and the beginning of another.
 * What is damaged in the last transaction cannot be told from one that was being written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/private.h"

#define MAGIC 0x377f0682u /* the last bit: checksums are over big-endian words */
#define HEAD 32
#define FRAME_HEAD 24
#define PAGE_MIN 512u
#define PAGE_MAX 65536u

struct walk {
  FILE *f;
  bool big;
  size_t page;
  unsigned char salts[8];
  uint32_t sum[2]; /* as the last frame says it */
  unsigned char *frame;
};

static uint32_t word(const unsigned char *p, bool big)
{
  return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
             : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void add_sum(const struct walk *w, const unsigned char *data, size_t n, uint32_t sum[2])
{
  size_t i;
  for (i = 0; i < n; i += 8) {
    sum[0] += word(data + i, w->big) + sum[1];
    sum[1] += word(data + i + 4, w->big) + sum[0];
  }
}

/* False where the header is damaged; what it says is then taken from what we write ourselves. */
static bool read_head(struct walk *w, const unsigned char *head)
{
  uint32_t sum[2] = {0, 0}, magic = word(head, true), page = word(head + 8, true);
  w->big = magic == (MAGIC | 1);
  memcpy(w->salts, head + 16, sizeof w->salts);
  w->sum[0] = word(head + 24, true);
  w->sum[1] = word(head + 28, true);
  add_sum(w, head, 24, sum);
  if ((magic & ~1u) == MAGIC && sum[0] == w->sum[0] && sum[1] == w->sum[1] && page >= PAGE_MIN && page <= PAGE_MAX &&
      (page & (page - 1)) == 0) {
    w->page = page;
    return true;
  }
  w->big = false;
  w->page = BW_STORE_PAGE;
  return false;
}

/* Whether the frame at hand is of this generation and follows the one before it. */
static bool follows(struct walk *w)
{
  const unsigned char *f = w->frame;
  uint32_t sum[2] = {w->sum[0], w->sum[1]};
  add_sum(w, f, 8, sum);
  add_sum(w, f + FRAME_HEAD, w->page, sum);
  w->sum[0] = word(f + 16, true);
  w->sum[1] = word(f + 20, true);
  return memcmp(f + 8, w->salts, sizeof w->salts) == 0 && sum[0] == w->sum[0] && sum[1] == w->sum[1];
}

/* True where something that was synced lies behind a frame that does not fit; ret_good: frames before that one. */
static bool walk(struct walk *w, bool valid, uint64_t *ret_good)
{
  bool ended = false, fits;
  uint64_t n;
  *ret_good = 0;
  for (n = 0; fread(w->frame, FRAME_HEAD + w->page, 1, w->f) == 1; n++) {
    if (n == 0 && !valid)
      memcpy(w->salts, w->frame + 8, sizeof w->salts);
    fits = follows(w);
    if (valid && fits) {
      *ret_good = n + 1;
    } else if (valid) {
      valid = false;
    } else if (fits && ended) {
      return true;
    } else {
      ended = fits && word(w->frame + 4, true) != 0; /* a commit frame: it has the size of the database */
    }
  }
  return false;
}

static bool damaged(FILE *f, uint64_t *ret_good)
{
  struct walk w = {.f = f};
  unsigned char head[HEAD];
  bool valid, found;
  if (fread(head, sizeof head, 1, f) != 1)
    return false;
  valid = read_head(&w, head);
  w.frame = bw_alloc(FRAME_HEAD + w.page);
  found = walk(&w, valid, ret_good);
  free(w.frame);
  return found;
}

/* What SQLite is going to write over. */
static bool keep_copy(FILE *f, const char *to)
{
  char block[1 << 16];
  size_t n;
  int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool ok = fd >= 0;
  rewind(f);
  while (ok && (n = fread(block, 1, sizeof block, f)) > 0)
    ok = write(fd, block, n) == (ssize_t)n;
  ok = ok && fsync(fd) == 0;
  if (fd >= 0)
    close(fd);
  return ok;
}

static char *of_damage(const struct bw_store *s, FILE *f, uint64_t good)
{
  char *copy BW_AUTOFREE = bw_asprintf("%s-wal-damaged", s->path);
  bool kept = keep_copy(f, copy);
  return bw_asprintf(
      "%s-wal is damaged behind its %llu. page: what was written after that is lost, though it may have been "
      "acknowledged (or the disk had refused it).  Check the disk, and send again what came last; the damaged log %s%s",
      s->path, (unsigned long long)good, kept ? "was copied to " : "could not be copied", kept ? copy : "");
}

char *bw_wal_doubt(const struct bw_store *s, bool died)
{
  char *path BW_AUTOFREE = bw_asprintf("%s-wal", s->path), *doubt = NULL;
  FILE *f = fopen(path, "rbe");
  uint64_t good = 0;
  if (!f && errno == ENOENT && died)
    return bw_asprintf("%s is not there, though the last process did not close the database: what was acknowledged last may be "
                       "lost.  Restore both files from one backup, or send it again",
                       path);
  if (f && damaged(f, &good))
    doubt = of_damage(s, f, good);
  if (f)
    (void)fclose(f);
  return doubt;
}
