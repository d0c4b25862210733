/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds that evhttp does not set: the number of connections, and how long one request may take to arrive (its own time limit
 * starts anew with every byte, so a client that sends one byte a minute would stay for ever).  Runs in web; no privileges.
 *
 * evhttp tells nobody when it closes an incoming connection.  So each connection's bufferevent is made here and held by a
 * reference: when its callbacks have been cleared, evhttp has let go of it (and shut the socket down; the client knows).  The
 * descriptor must live as long as the bufferevent, which still has it registered: hence BEV_OPT_CLOSE_ON_FREE.
 */
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/time.h"
#include "web/internal.h"

#define SWEEP_MS 100
#define GRACE_MS 1000 /* that every connection has to send its request, however many wait */

struct slot {
  struct bufferevent *bev;
  int64_t since, deadline; /* monotonic; the request must have arrived by the deadline */
  bool busy, killed;
};

struct bw_conns {
  struct slot *slots;
  size_t n, cap, max;
  int64_t read_ms, idle_ms;
  bool full;
  struct bw_timer *sweep;
  void (*on_full)(void *ctx, bool is_full);
  void *ctx;
};

static bool let_go(struct bufferevent *bev)
{
  bufferevent_data_cb read, write;
  bufferevent_event_cb event;
  void *arg;
  bufferevent_getcb(bev, &read, &write, &event, &arg);
  return arg == NULL;
}

static void set_full(struct bw_conns *c)
{
  bool full = c->n >= c->max;
  if (full == c->full)
    return;
  c->full = full;
  c->on_full(c->ctx, full);
}

/* evhttp sees the end of the stream and frees what is its own. */
static void end(struct slot *s)
{
  s->killed = true;
  (void)shutdown(bufferevent_getfd(s->bev), SHUT_RDWR);
}

/* Of those that have nothing to say, the one whose time is up soonest; NULL where all have had too little. */
static struct slot *most_idle(struct bw_conns *c, int64_t now)
{
  struct slot *found = NULL;
  size_t i;
  for (i = 0; i < c->n; i++) {
    struct slot *s = &c->slots[i];
    if (!s->busy && !s->killed && now > s->since + GRACE_MS && (!found || s->deadline < found->deadline))
      found = s;
  }
  return found;
}

/* Whoever holds connections open and sends nothing must not keep the others out: a few make room, again and again. */
static void make_room(struct bw_conns *c, int64_t now)
{
  size_t i;
  struct slot *s;
  for (i = 0; i < c->max / 16 + 1 && (s = most_idle(c, now)) != NULL; i++)
    end(s);
}

static void sweep(struct bw_conns *c)
{
  int64_t now = bw_monotonic();
  size_t i, kept = 0;
  for (i = 0; i < c->n; i++) {
    struct slot *s = &c->slots[i];
    if (let_go(s->bev)) {
      bufferevent_decref(s->bev);
      continue;
    }
    if (!s->busy && !s->killed && now > s->deadline)
      end(s);
    c->slots[kept++] = *s;
  }
  c->n = kept;
  if (c->n >= c->max)
    make_room(c, now);
  set_full(c);
}

static void on_sweep(void *ctx)
{
  sweep(ctx);
}

struct bw_conns *bw_conns_new(struct bw_loop *loop, size_t max, int64_t read_ms, int64_t idle_ms,
                              void (*full)(void *ctx, bool is_full), void *ctx)
{
  struct bw_conns *c = bw_alloc(sizeof *c);
  c->max = max;
  c->read_ms = read_ms;
  c->idle_ms = idle_ms;
  c->on_full = full;
  c->ctx = ctx;
  c->sweep = bw_timer_new(loop, SWEEP_MS, true, on_sweep, c);
  return c;
}

void bw_conns_free(struct bw_conns **conns)
{
  struct bw_conns *c = *conns;
  size_t i;
  if (!c)
    return;
  *conns = NULL;
  bw_timer_free(&c->sweep);
  for (i = 0; i < c->n; i++)
    bufferevent_decref(c->slots[i].bev);
  free(c->slots);
  free(c);
}

struct bufferevent *bw_conns_make(struct event_base *base, void *conns)
{
  struct bw_conns *c = conns;
  struct bufferevent *bev;
  if (c->n + 1 >= c->max)
    sweep(c); /* those that have just gone need not count; the new one has no callbacks yet and must not be swept */
  bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  if (!bev)
    return NULL;
  if (c->n == c->cap) {
    c->cap = c->cap ? 2 * c->cap : 64;
    c->slots = bw_realloc(c->slots, c->cap, sizeof *c->slots);
  }
  bufferevent_incref(bev);
  c->slots[c->n++] = (struct slot){bev, bw_monotonic(), bw_monotonic() + c->read_ms, false, false};
  set_full(c); /* not sweep(): evhttp has not yet set this one's callbacks */
  return bev;
}

void bw_conns_busy(struct bw_conns *c, const struct bufferevent *bev, bool busy)
{
  size_t i;
  for (i = 0; i < c->n; i++)
    if (c->slots[i].bev == bev) {
      c->slots[i].busy = busy;
      c->slots[i].since = bw_monotonic();
      c->slots[i].deadline = bw_monotonic() + c->idle_ms + c->read_ms;
      return;
    }
}

size_t bw_conns_count(const struct bw_conns *c)
{
  return c->n;
}
