/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libevent behind loop.h.  Runs in every process that waits for more than one thing.
 * No privileges needed.
 */
#include "loop/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

struct bw_loop {
  struct event_base *base;
  bool stopped;
};

struct bw_timer {
  struct event *event;
  bool repeat;
  void (*fn)(void *ctx);
  void *ctx;
};

struct bw_watch {
  struct event_base *base;
  struct event *event;
  int fd; /* or the signal's number */
  void (*fn)(int fd, int ready, void *ctx);
  void *ctx;
};

struct bw_loop *bw_loop_new(void)
{
  struct bw_loop *loop = bw_alloc(sizeof *loop);
  struct event_config *config = event_config_new();
  BW_ASSERT(config);
  /* A callback may take long (a commit, a batch); timers that it sets count from now, not from the start of the turn. */
  event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  loop->base = event_base_new_with_config(config);
  event_config_free(config);
  BW_ASSERT(loop->base);
  return loop;
}

void bw_loop_free(struct bw_loop **loop)
{
  if (!*loop)
    return;
  event_base_free((*loop)->base);
  free(*loop);
  *loop = NULL;
}

static int turn(struct bw_loop *loop, int flags, struct bw_error *err)
{
  if (event_base_loop(loop->base, flags) < 0)
    return bw_fail_errno(err, BW_EIO, "the event loop failed");
  return BW_OK;
}

int bw_loop_run(struct bw_loop *loop, struct bw_error *err)
{
  int rc = BW_OK;
  while (!loop->stopped && rc == BW_OK)
    rc = turn(loop, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY, err);
  loop->stopped = false;
  return rc;
}

void bw_loop_stop(struct bw_loop *loop)
{
  loop->stopped = true;
  event_base_loopbreak(loop->base);
}

static struct timeval timeval_of(int64_t ms)
{
  struct timeval tv;
  if (ms < 0)
    ms = 0;
  tv.tv_sec = (time_t)(ms / 1000);
  tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
  return tv;
}

static void wake(evutil_socket_t fd, short what, void *ctx)
{
  (void)fd, (void)what, (void)ctx;
}

int bw_loop_turn(struct bw_loop *loop, int64_t wait_ms, struct bw_error *err)
{
  struct timeval tv = timeval_of(wait_ms);
  struct event *limit;
  int rc;
  if (wait_ms == 0)
    return turn(loop, EVLOOP_NONBLOCK, err);
  if (wait_ms < 0)
    return turn(loop, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY, err);
  limit = evtimer_new(loop->base, wake, NULL);
  BW_ASSERT(limit);
  evtimer_add(limit, &tv);
  rc = turn(loop, EVLOOP_ONCE, err);
  event_free(limit);
  return rc;
}

void *bw_loop_event_base(struct bw_loop *loop)
{
  return loop->base;
}

/* ---- timers ---- */

static void timer_fired(evutil_socket_t fd, short what, void *ctx)
{
  struct bw_timer *t = ctx;
  (void)fd, (void)what;
  t->fn(t->ctx); /* may free t */
}

void bw_timer_again(struct bw_timer *t, int64_t delay_ms)
{
  struct timeval tv = timeval_of(t->repeat && delay_ms < 1 ? 1 : delay_ms);
  event_add(t->event, &tv);
}

struct bw_timer *bw_timer_new(struct bw_loop *loop, int64_t delay_ms, bool repeat, void (*fn)(void *ctx), void *ctx)
{
  struct bw_timer *t = bw_alloc(sizeof *t);
  t->repeat = repeat;
  t->fn = fn;
  t->ctx = ctx;
  t->event = event_new(loop->base, -1, repeat ? EV_PERSIST : 0, timer_fired, t);
  BW_ASSERT(t->event);
  bw_timer_again(t, delay_ms);
  return t;
}

void bw_timer_free(struct bw_timer **t)
{
  if (!*t)
    return;
  event_free((*t)->event);
  free(*t);
  *t = NULL;
}

/* ---- descriptors and signals ---- */

static void watch_fired(evutil_socket_t fd, short what, void *ctx)
{
  struct bw_watch *w = ctx;
  int ready = (what & EV_READ ? BW_WATCH_READ : 0) | (what & EV_WRITE ? BW_WATCH_WRITE : 0);
  w->fn((int)fd, ready, w->ctx); /* may free w */
}

static short events_of(int what)
{
  return (short)((what & BW_WATCH_READ ? EV_READ : 0) | (what & BW_WATCH_WRITE ? EV_WRITE : 0) | EV_PERSIST);
}

static struct bw_watch *watch_new(struct bw_loop *loop, int fd, short events, void (*fn)(int, int, void *), void *ctx)
{
  struct bw_watch *w = bw_alloc(sizeof *w);
  w->base = loop->base;
  w->fd = fd;
  w->fn = fn;
  w->ctx = ctx;
  w->event = event_new(loop->base, fd, events, watch_fired, w);
  BW_ASSERT(w->event);
  return w;
}

struct bw_watch *bw_watch_new(struct bw_loop *loop, int fd, int what, void (*fn)(int fd, int ready, void *ctx), void *ctx)
{
  struct bw_watch *w = watch_new(loop, fd, events_of(what), fn, ctx);
  if (what)
    event_add(w->event, NULL);
  return w;
}

void bw_watch_set(struct bw_watch *w, int what)
{
  event_del(w->event);
  event_assign(w->event, w->base, w->fd, events_of(what), watch_fired, w);
  if (what)
    event_add(w->event, NULL);
}

void bw_watch_free(struct bw_watch **w)
{
  if (!*w)
    return;
  event_free((*w)->event);
  free(*w);
  *w = NULL;
}

struct bw_watch *bw_watch_signal(struct bw_loop *loop, int signo, void (*fn)(int signo, int unused, void *ctx), void *ctx)
{
  struct bw_watch *w = watch_new(loop, signo, EV_SIGNAL | EV_PERSIST, fn, ctx);
  event_add(w->event, NULL);
  return w;
}
