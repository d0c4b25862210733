/* SPDX-License-Identifier: Apache-2.0 */
/* Errors and allocation.  Runs in every process; no privileges needed. */
#include "base/error.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int bw_fail(struct bw_error *err, enum bw_code code, enum bw_error_class cls, const char *fmt, ...)
{
  va_list ap;
  if (!err)
    return code;
  err->code = code;
  err->cls = cls;
  va_start(ap, fmt);
  (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
  va_end(ap);
  return code;
}

int bw_fail_errno(struct bw_error *err, enum bw_code code, const char *fmt, ...)
{
  int saved = errno;
  va_list ap;
  size_t n;
  if (!err)
    return code;
  err->code = code;
  err->cls = BW_CLASS_TRANSIENT;
  va_start(ap, fmt);
  (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
  va_end(ap);
  n = strlen(err->message);
  (void)snprintf(err->message + n, sizeof err->message - n, ": %s", strerror(saved));
  return code;
}

int bw_error_prefix(struct bw_error *err, const char *fmt, ...)
{
  char old[sizeof err->message];
  va_list ap;
  size_t n;
  if (!err)
    return BW_OK;
  memcpy(old, err->message, sizeof old);
  va_start(ap, fmt);
  (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
  va_end(ap);
  n = strlen(err->message);
  (void)snprintf(err->message + n, sizeof err->message - n, ": %s", old);
  return err->code;
}

const char *bw_code_name(int code)
{
  static const char *const names[] = {"ok",       "invalid",    "limit",         "no memory", "i/o",
                                      "no space", "corrupt",    "not found",     "exists",    "wrong state",
                                      "timeout",  "peer broke", "wrong version", "try again"};
  int i = -code;
  return i >= 0 && i < (int)(sizeof names / sizeof *names) ? names[i] : "unknown";
}

void bw_panic(const char *file, int line, const char *what)
{
  (void)fprintf(stderr, "level=fatal msg=\"broken invariant\" at=%s:%d what=\"%s\"\n", file, line, what);
  abort();
}

static void *checked(void *p, size_t size)
{
  if (!p && size) {
    (void)fprintf(stderr, "level=fatal msg=\"out of memory\" bytes=%zu\n", size);
    abort();
  }
  return p;
}

void *bw_alloc(size_t size)
{
  return checked(calloc(1, size ? size : 1), size);
}

void *bw_calloc(size_t n, size_t size)
{
  return checked(calloc(n ? n : 1, size ? size : 1), size);
}

void *bw_realloc(void *p, size_t n, size_t size)
{
  size_t total;
  if (__builtin_mul_overflow(n, size, &total))
    bw_panic(__FILE__, __LINE__, "allocation size overflows");
  return checked(realloc(p, total ? total : 1), total);
}

void *bw_large_alloc(size_t size)
{
  size_t whole = (size + BW_LARGE_PAGE - 1) & ~(BW_LARGE_PAGE - 1);
  void *p;
  if (size < BW_LARGE_PAGE)
    return bw_calloc(1, size);
  p = checked(aligned_alloc(BW_LARGE_PAGE, whole), whole);
#ifdef MADV_HUGEPAGE
  (void)madvise(p, whole, MADV_HUGEPAGE); /* a wish; refused is as well */
#endif
  return memset(p, 0, size);
}

char *bw_strdup(const char *s)
{
  return bw_strndup(s, strlen(s));
}

char *bw_strndup(const char *s, size_t len)
{
  char *p = bw_alloc(len + 1);
  if (len)
    memcpy(p, s, len);
  return p;
}

char *bw_asprintf(const char *fmt, ...)
{
  va_list ap;
  int n;
  char *p;
  va_start(ap, fmt);
  n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  BW_ASSERT(n >= 0);
  p = bw_alloc((size_t)n + 1);
  va_start(ap, fmt);
  (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
  va_end(ap);
  return p;
}
