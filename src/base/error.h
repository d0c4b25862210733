/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one enum of codes, and an object that carries the message and its class. */
#ifndef BW_BASE_ERROR_H
#define BW_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* Functions return 0 or one of these. */
enum bw_code {
  BW_OK = 0,
  BW_EINVAL = -1, /* malformed input */
  BW_ELIMIT = -2, /* a limit of depth, size or count was reached */
  BW_ENOMEM = -3,
  BW_EIO = -4,      /* the operating system refused; errno is in the message */
  BW_ENOSPC = -5,   /* cannot be made durable now; try again later */
  BW_ECORRUPT = -6, /* stored data is damaged */
  BW_ENOTFOUND = -7,
  BW_EEXIST = -8,
  BW_ESTATE = -9, /* not allowed in the present state */
  BW_ETIMEOUT = -10,
  BW_EPEER = -11, /* the other side broke the protocol or went away */
  BW_EVERSION = -12,
  BW_EAGAIN = -13
};

enum bw_error_class { BW_CLASS_CONFIG = 1, BW_CLASS_TRANSIENT, BW_CLASS_PERMANENT, BW_CLASS_BUG };

/* Caller-allocated; the message is always NUL-terminated.  NULL is accepted wherever one is taken. */
struct bw_error {
  enum bw_code code;
  enum bw_error_class cls;
  char message[512];
};

/* Fills err (may be NULL) and returns code, so that `return bw_fail(err, ...)` reads well. */
int bw_fail(struct bw_error *err, enum bw_code code, enum bw_error_class cls, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Like bw_fail with BW_CLASS_TRANSIENT and ": strerror(errno)" appended. */
int bw_fail_errno(struct bw_error *err, enum bw_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that err already holds; returns its code. */
int bw_error_prefix(struct bw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A stable lower-case word for a code: "no space". */
const char *bw_code_name(int code);

/* Our own invariant is broken: says where and aborts.  Never for what a peer, plugin or file did. */
#define BW_ASSERT(cond) ((cond) ? (void)0 : bw_panic(__FILE__, __LINE__, #cond))
_Noreturn void bw_panic(const char *file, int line, const char *what);

/* Allocation that cannot fail: out of memory ends the process (the parent restarts it; the journal is safe). */
void *bw_alloc(size_t size);                      /* zeroed */
void *bw_calloc(size_t n, size_t size);           /* zeroed, overflow-checked */
void *bw_realloc(void *p, size_t n, size_t size); /* overflow-checked; new bytes are not zeroed */
/* Zeroed; from one large page on in such pages, if the system has them: random access to small ones is mostly page walks. */
void *bw_large_alloc(size_t size);
#define BW_LARGE_PAGE ((size_t)2 << 20)
char *bw_strdup(const char *s);
char *bw_strndup(const char *s, size_t len);
char *bw_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Scope clean-up for plain malloc'ed memory: char *s BW_AUTOFREE = bw_strdup(...); */
static inline void bw_autofree_(void *p)
{
  extern void free(void *);
  free(*(void **)p);
}
#define BW_AUTOFREE __attribute__((cleanup(bw_autofree_)))

#endif
