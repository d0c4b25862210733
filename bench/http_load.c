// SPDX-License-Identifier: Apache-2.0
// http_load HOST PORT KEY CONNECTIONS EVENTS BATCH: posts EVENTS made-up events in batches to /v1/batch over keep-alive
// connections, each waiting for its acknowledgement before it sends the next.  Prints one JSON line: events a second and the
// acknowledgement's latency.  Loopback only; bounded by EVENTS.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  char *request;
  size_t len, sent;
  char reply[4096];
  size_t got;
  double start;
};

static const char *key;
static long next_event, total, batch, refused;
static double *latencies;
static size_t nlatencies;

static double now(void)
{
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void base64(const char *in, char *out)
{
  static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = strlen(in), i;
  for (i = 0; i < n; i += 3) {
    unsigned v = (unsigned)(unsigned char)in[i] << 16 | (i + 1 < n ? (unsigned)(unsigned char)in[i + 1] << 8 : 0) |
                 (i + 2 < n ? (unsigned char)in[i + 2] : 0);
    *out++ = set[v >> 18 & 63];
    *out++ = set[v >> 12 & 63];
    *out++ = i + 1 < n ? set[v >> 6 & 63] : '=';
    *out++ = i + 2 < n ? set[v & 63] : '=';
  }
  *out = '\0';
}

// The next batch into c->request; false when all has been sent.
static int prepare(struct connection *c)
{
  char auth[256], plain[128], *body = c->request + 512, *p = body;
  char stamp[32];
  time_t t = time(NULL);
  long i;
  int head;
  if (next_event >= total)
    return 0;
  strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
  p += sprintf(p, "{\"batch\":[");
  for (i = 0; i < batch && next_event < total; i++, next_event++)
    p += sprintf(
        p,
        "%s{\"type\":\"track\",\"messageId\":\"load-%ld\",\"timestamp\":\"%s\",\"userId\":\"u%ld\",\"context\":{\"groupId\":"
        "\"a%ld\"},\"event\":\"Feature Used\",\"properties\":{\"feature\":\"reports\",\"duration_ms\":%ld}}",
        i ? "," : "", next_event, stamp, next_event % 50021, next_event % 2003, next_event % 60000);
  p += sprintf(p, "]}");
  snprintf(plain, sizeof plain, "%s:", key);
  base64(plain, auth);
  head = snprintf(c->request, 512,
                  "POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  auth, (size_t)(p - body));
  memmove(c->request + head, body, (size_t)(p - body));
  c->len = (size_t)head + (size_t)(p - body);
  c->sent = c->got = 0;
  c->start = now();
  return 1;
}

// 1: the whole reply is there.
static int complete(struct connection *c)
{
  char *end, *length;
  c->reply[c->got] = '\0';
  end = strstr(c->reply, "\r\n\r\n");
  if (!end)
    return 0;
  length = strcasestr(c->reply, "content-length:");
  if (!length || length > end)
    return 1;
  return c->got >= (size_t)(end + 4 - c->reply) + (size_t)atol(length + 15);
}

static void step(struct connection *c, short ready)
{
  ssize_t n;
  if ((ready & POLLOUT) && c->sent < c->len) {
    n = write(c->fd, c->request + c->sent, c->len - c->sent);
    if (n > 0)
      c->sent += (size_t)n;
  }
  if (ready & (POLLIN | POLLHUP | POLLERR)) {
    n = read(c->fd, c->reply + c->got, sizeof c->reply - 1 - c->got);
    if (n <= 0) {
      fprintf(stderr, "the server closed a connection\n");
      exit(1);
    }
    c->got += (size_t)n;
    if (!complete(c))
      return;
    latencies[nlatencies++] = now() - c->start;
    refused += strncmp(c->reply, "HTTP/1.1 200", 12) != 0;
    if (!prepare(c)) {
      close(c->fd);
      c->fd = -1;
    }
  }
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
  struct sockaddr_in to = {.sin_family = AF_INET};
  struct connection *all;
  struct pollfd *polls;
  int n, i, open_now, one = 1;
  double start, seconds;
  if (argc != 7) {
    fprintf(stderr, "usage: http_load HOST PORT KEY CONNECTIONS EVENTS BATCH\n");
    return 2;
  }
  inet_pton(AF_INET, argv[1], &to.sin_addr);
  to.sin_port = htons((uint16_t)atoi(argv[2]));
  key = argv[3];
  n = atoi(argv[4]);
  total = atol(argv[5]);
  batch = atol(argv[6]);
  all = calloc((size_t)n, sizeof *all);
  polls = calloc((size_t)n, sizeof *polls);
  latencies = calloc((size_t)(total / batch + n + 1), sizeof *latencies);
  for (i = 0; i < n; i++) {
    all[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].fd, (struct sockaddr *)&to, sizeof to) < 0) {
      perror("connect");
      return 1;
    }
    setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    all[i].request = malloc((size_t)batch * 300 + 2048);
  }
  start = now();
  for (i = 0; i < n; i++)
    if (!prepare(&all[i]))
      all[i].fd = -1;
  do {
    open_now = 0;
    for (i = 0; i < n; i++) {
      polls[i] = (struct pollfd){all[i].fd, POLLIN | (all[i].sent < all[i].len ? POLLOUT : 0), 0};
      open_now += all[i].fd >= 0;
    }
    if (open_now && poll(polls, (nfds_t)n, 30000) <= 0) {
      fprintf(stderr, "no answer in 30 s\n");
      return 1;
    }
    for (i = 0; i < n; i++)
      if (all[i].fd >= 0 && polls[i].revents)
        step(&all[i], polls[i].revents);
  } while (open_now);
  seconds = now() - start;
  qsort(latencies, nlatencies, sizeof *latencies, compare);
  printf("{\"events\":%ld,\"seconds\":%.3f,\"events_per_second\":%.0f,\"refused\":%ld,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_"
         "ms\":%.2f}\n",
         total, seconds, (double)total / seconds, refused, latencies[nlatencies / 2] * 1e3,
         latencies[nlatencies * 99 / 100] * 1e3, latencies[nlatencies - 1] * 1e3);
  return refused != 0;
}
