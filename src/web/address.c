/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen at: as text, where they are, and a socket there.  Needs new sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/internal.h"

#define BACKLOG 1024

int bw_address_split(struct bw_str address, char *host, size_t size, uint16_t *ret_port)
{
  const char *p = address.data, *end = address.data + address.len, *from, *to;
  uint32_t port = 0;
  size_t digits = 0;
  if (address.len == 0)
    return BW_EINVAL;
  if (*p == '[') {
    from = p + 1;
    to = memchr(from, ']', (size_t)(end - from));
    p = to ? to + 1 : end;
  } else {
    from = p;
    to = memchr(from, ':', address.len);
    p = to ? to : end;
  }
  if (!to || to == from || (size_t)(to - from) >= size || p == end || *p++ != ':')
    return BW_EINVAL;
  for (; p < end && *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
    port = port * 10 + (uint32_t)(*p - '0');
  if (p != end || digits == 0 || port > 65535)
    return BW_EINVAL;
  memcpy(host, from, (size_t)(to - from));
  host[to - from] = '\0';
  *ret_port = (uint16_t)port;
  return 0;
}

static int resolve(const char *address, struct addrinfo **ret, struct bw_error *err)
{
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  char host[128], port[8];
  uint16_t number;
  int rc;
  if (bw_address_split(bw_str(address), host, sizeof host, &number))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s: no address to listen at; write host:port", address);
  snprintf(port, sizeof port, "%u", number);
  rc = getaddrinfo(host, port, &hints, ret);
  return rc ? bw_fail(err, BW_EIO, BW_CLASS_CONFIG, "%s: %s", address, gai_strerror(rc)) : BW_OK;
}

static int bind_one(const struct addrinfo *ai, const char *address, int *ret_fd, struct bw_error *err)
{
  int on = 1, rc, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return bw_fail_errno(err, BW_EIO, "%s: socket", address);
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (ai->ai_family == AF_INET6)
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
    rc = bw_fail_errno(err, errno == EADDRINUSE ? BW_EEXIST : BW_EIO, "cannot listen at %s (setting 'listen')", address);
    close(fd);
    return rc;
  }
  *ret_fd = fd;
  return 0;
}

int bw_address_listen(const char *address, int *ret_fd, struct bw_error *err)
{
  struct addrinfo *found = NULL;
  int rc = resolve(address, &found, err);
  if (rc)
    return rc;
  rc = bind_one(found, address, ret_fd, err);
  freeaddrinfo(found);
  return rc;
}

int bw_web_resolve(const char *address, struct sockaddr_storage *ret, struct bw_error *err)
{
  struct addrinfo *found = NULL;
  int rc = resolve(address, &found, err);
  if (rc)
    return rc;
  memset(ret, 0, sizeof *ret);
  memcpy(ret, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return 0;
}

static bool collide4(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
  in_addr_t x = a->sin_addr.s_addr, y = b->sin_addr.s_addr;
  return a->sin_port == b->sin_port && a->sin_port != 0 && (x == y || x == htonl(INADDR_ANY) || y == htonl(INADDR_ANY));
}

static bool collide6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
  bool same = IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr) && a->sin6_scope_id == b->sin6_scope_id;
  return a->sin6_port == b->sin6_port && a->sin6_port != 0 &&
         (same || IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&b->sin6_addr));
}

/* bind_one() makes IPv6 sockets for IPv6 alone: "[::]:80" leaves "0.0.0.0:80" free. */
bool bw_web_collide(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  if (a->ss_family != b->ss_family)
    return false;
  return a->ss_family == AF_INET6 ? collide6((const void *)a, (const void *)b) : collide4((const void *)a, (const void *)b);
}

/* ---- whose is a port that is taken ---- */

/* A row of /proc/net/tcp or tcp6 (proc_pid_net(5)): words of the address as they lie in memory; state 0A listens. */
static bool read_listener(const char *row, struct sockaddr_storage *ret)
{
  struct sockaddr_in *v4 = (void *)ret;
  struct sockaddr_in6 *v6 = (void *)ret;
  unsigned w[4], port, state;
  *ret = (struct sockaddr_storage){0};
  if (sscanf(row, " %*d: %8x%8x%8x%8x:%4x %*32[0-9A-F]:%*4x %2x", &w[0], &w[1], &w[2], &w[3], &port, &state) == 6) {
    *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    memcpy(&v6->sin6_addr, w, sizeof w);
  } else if (sscanf(row, " %*d: %8x:%4x %*8[0-9A-F]:%*4x %2x", &w[0], &port, &state) == 3) {
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {w[0]}};
  } else {
    return false;
  }
  return state == 0x0a;
}

static bool same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
  const struct sockaddr_in6 *p = (const void *)a, *q = (const void *)b;
  if (a->ss_family != b->ss_family || x->sin_port != y->sin_port) /* both families have the port in one place */
    return false;
  return a->ss_family == AF_INET6 ? IN6_ARE_ADDR_EQUAL(&p->sin6_addr, &q->sin6_addr) : x->sin_addr.s_addr == y->sin_addr.s_addr;
}

static bool any_same(const struct sockaddr_storage *at, const struct sockaddr_storage *list, size_t n)
{
  size_t i;
  for (i = 0; i < n && !same(at, &list[i]); i++)
    ;
  return i < n;
}

static bool any_collides(const struct sockaddr_storage *at, const struct sockaddr_storage *list, size_t n)
{
  size_t i;
  for (i = 0; i < n && !bw_web_collide(at, &list[i]); i++)
    ;
  return i < n;
}

/* Whether a socket that is none of ours is in the way of one at that address. */
static bool others_listen(const struct sockaddr_storage *at, const struct sockaddr_storage *ours, size_t n)
{
  FILE *f = fopen(at->ss_family == AF_INET6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");
  struct sockaddr_storage there;
  bool found = false;
  char row[256];
  while (f && !found && fgets(row, sizeof row, f))
    found = read_listener(row, &there) && bw_web_collide(&there, at) && !any_same(&there, ours, n);
  if (f)
    (void)fclose(f);
  return found;
}

int bw_web_try_address(const char *address, const struct sockaddr_storage *ours, size_t n, struct bw_error *err)
{
  struct sockaddr_storage at;
  int fd, rc = bw_address_listen(address, &fd, err);
  if (rc == 0)
    close(fd);
  if (rc != BW_EEXIST || bw_web_resolve(address, &at, err) < 0)
    return rc;
  return any_collides(&at, ours, n) && !others_listen(&at, ours, n) ? BW_OK : rc;
}
