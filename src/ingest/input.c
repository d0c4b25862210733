/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and inflating as a stream: memory does not grow with what a file claims to hold.  Runs in the command line and core,
 * on files from anyone; reads what the caller may read. */
#include "config.h"

#include "ingest/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PACKED_BUFFER (256u << 10)

enum packing { PLAIN, GZIP, ZSTANDARD };

struct bw_input {
  char *path;
  int fd;
  bool regular, ended;
  enum packing packing;
  unsigned char head[4]; /* read to tell the packing; given out (or inflated) first */
  size_t head_len, head_used;
  unsigned char *packed;
  size_t packed_len, packed_used;
  z_stream z;
  ZSTD_DCtx *zstd;
  bool within; /* a member or frame has begun and not ended */
};

static int read_some(struct bw_input *in, void *buf, size_t cap, size_t *ret_len, struct bw_error *err)
{
  ssize_t n;
  if (in->head_used < in->head_len) {
    *ret_len = in->head_len - in->head_used < cap ? in->head_len - in->head_used : cap;
    memcpy(buf, in->head + in->head_used, *ret_len);
    in->head_used += *ret_len;
    return BW_OK;
  }
  do
    n = read(in->fd, buf, cap);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return bw_fail_errno(err, BW_EIO, "%s: cannot be read", in->path);
  *ret_len = (size_t)n;
  return BW_OK;
}

/* Every second byte of plain text is NUL then, or there is its mark. */
static bool is_utf16(const unsigned char *h, size_t len)
{
  bool marked = len >= 2 && ((h[0] == 0xFF && h[1] == 0xFE) || (h[0] == 0xFE && h[1] == 0xFF));
  return marked || (len == 4 && ((h[0] && !h[1] && h[2] && !h[3]) || (!h[0] && h[1] && !h[2] && h[3])));
}

static int start_packing(struct bw_input *in, struct bw_error *err)
{
  static const unsigned char gzip[] = {0x1F, 0x8B}, zstd[] = {0x28, 0xB5, 0x2F, 0xFD};
  size_t n = 1;
  int rc;
  while (in->head_len < sizeof in->head && n > 0) {
    in->head_used = in->head_len; /* read on behind what there is */
    rc = read_some(in, in->head + in->head_len, sizeof in->head - in->head_len, &n, err);
    if (rc < 0)
      return rc;
    in->head_len += n;
  }
  in->head_used = 0;
  if (in->head_len >= 2 && memcmp(in->head, gzip, 2) == 0)
    in->packing = GZIP;
  else if (in->head_len == 4 && memcmp(in->head, zstd, 4) == 0)
    in->packing = ZSTANDARD;
  if (in->packing == PLAIN && is_utf16(in->head, in->head_len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG,
                   "%s: this is UTF-16; save it as UTF-8 (a spreadsheet calls it \"CSV UTF-8\"), or convert it: "
                   "iconv -f UTF-16 -t UTF-8",
                   in->path);
  if (in->packing != PLAIN)
    in->packed = bw_realloc(NULL, 1, PACKED_BUFFER);
  if (in->packing == GZIP && inflateInit2(&in->z, 15 + 16) != Z_OK)
    return bw_fail(err, BW_ENOMEM, BW_CLASS_TRANSIENT, "%s: no memory to inflate it", in->path);
  if (in->packing == ZSTANDARD) {
    in->zstd = ZSTD_createDCtx();
    if (!in->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, 27))) /* 128 MiB at most */
      return bw_fail(err, BW_ENOMEM, BW_CLASS_TRANSIENT, "%s: no memory to inflate it", in->path);
  }
  return BW_OK;
}

int bw_input_open(const char *path, struct bw_input **ret_input, struct bw_error *err)
{
  struct bw_input *in = bw_alloc(sizeof *in);
  struct stat st;
  int rc = BW_OK;
  in->path = bw_strdup(path);
  in->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (in->fd < 0 || fstat(in->fd, &st) < 0)
    rc = bw_fail_errno(err, BW_EIO, "%s: cannot be opened", path);
  else if (S_ISDIR(st.st_mode))
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s: is a directory; name the files in it", path);
  if (rc == 0) {
    in->regular = S_ISREG(st.st_mode) && strcmp(path, "-") != 0;
    if (in->regular)
      (void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    rc = start_packing(in, err);
  }
  if (rc < 0) {
    bw_input_close(&in);
    return rc;
  }
  *ret_input = in;
  return BW_OK;
}

void bw_input_close(struct bw_input **input)
{
  struct bw_input *in = *input;
  if (!in)
    return;
  if (in->fd >= 0)
    (void)close(in->fd);
  if (in->packing == GZIP)
    (void)inflateEnd(&in->z);
  (void)ZSTD_freeDCtx(in->zstd);
  free(in->packed);
  free(in->path);
  free(in);
  *input = NULL;
}

bool bw_input_regular(const struct bw_input *in)
{
  return in->regular;
}

static int damaged(const struct bw_input *in, struct bw_error *err, const char *what)
{
  return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "%s: %s; what came before has been read", in->path, what);
}

static int inflate_gzip(struct bw_input *in, char *buf, size_t cap, size_t *ret_len, struct bw_error *err)
{
  int rc;
  if (!in->within && inflateReset(&in->z) != Z_OK)
    return damaged(in, err, "cannot be inflated");
  in->within = true;
  in->z.next_in = in->packed + in->packed_used;
  in->z.avail_in = (unsigned)(in->packed_len - in->packed_used);
  in->z.next_out = (unsigned char *)buf;
  in->z.avail_out = (unsigned)(cap > (1u << 30) ? 1u << 30 : cap);
  rc = inflate(&in->z, Z_NO_FLUSH);
  *ret_len = (size_t)((char *)in->z.next_out - buf);
  in->packed_used = in->packed_len - in->z.avail_in;
  if (rc == Z_STREAM_END)
    in->within = false;
  else if (rc != Z_OK && rc != Z_BUF_ERROR)
    return damaged(in, err, "its gzip data is damaged");
  return BW_OK;
}

static int inflate_zstd(struct bw_input *in, char *buf, size_t cap, size_t *ret_len, struct bw_error *err)
{
  ZSTD_inBuffer from = {in->packed, in->packed_len, in->packed_used};
  ZSTD_outBuffer to = {buf, cap, 0};
  size_t left = ZSTD_decompressStream(in->zstd, &to, &from);
  if (ZSTD_isError(left))
    return damaged(in, err, "its Zstandard data is damaged, or wants too much memory");
  in->within = left != 0;
  in->packed_used = from.pos;
  *ret_len = to.pos;
  return BW_OK;
}

/* Some bytes; none only at the end. */
static int inflate_some(struct bw_input *in, char *buf, size_t cap, size_t *ret_len, struct bw_error *err)
{
  int rc = BW_OK;
  *ret_len = 0;
  while (rc == BW_OK && *ret_len == 0) {
    if (in->packed_used == in->packed_len && !in->ended) {
      in->packed_used = in->packed_len = 0;
      rc = read_some(in, in->packed, PACKED_BUFFER, &in->packed_len, err);
      if (rc < 0)
        return rc;
      in->ended = in->packed_len == 0;
    }
    if (in->ended && !in->within)
      return BW_OK;
    rc = in->packing == GZIP ? inflate_gzip(in, buf, cap, ret_len, err) : inflate_zstd(in, buf, cap, ret_len, err);
    if (rc == BW_OK && in->ended && in->within && *ret_len == 0)
      return damaged(in, err, "it ends in the middle of its compressed data");
  }
  return rc;
}

int bw_input_read(struct bw_input *in, char *buf, size_t cap, size_t *ret_len, struct bw_error *err)
{
  size_t len = 0, n;
  int rc;
  while (len < cap) {
    if (in->packing == PLAIN)
      rc = read_some(in, buf + len, cap - len, &n, err);
    else
      rc = inflate_some(in, buf + len, cap - len, &n, err);
    if (rc < 0)
      return rc;
    if (n == 0)
      break;
    len += n;
  }
  *ret_len = len;
  return BW_OK;
}
