/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop.  The only room that knows libevent; one loop per process, one thread.
 *
 * A program that uses sockets with it calls signal(SIGPIPE, SIG_IGN) itself, once, in main(): the loop changes no signal
 * that nobody asked it to watch.  Timers and watches may be freed, and the loop stopped, from within any callback; a
 * watch must be freed before its descriptor is closed.  All timers and watches are freed before their loop.
 */
#ifndef BW_LOOP_LOOP_H
#define BW_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct bw_loop;
struct bw_timer;
struct bw_watch;

struct bw_loop *bw_loop_new(void);
void bw_loop_free(struct bw_loop **loop);
/* Runs until bw_loop_stop(). */
int bw_loop_run(struct bw_loop *loop, struct bw_error *err);
void bw_loop_stop(struct bw_loop *loop);
/* One turn; does not wait when nothing is ready if wait_ms is 0, waits without end if it is negative. */
int bw_loop_turn(struct bw_loop *loop, int64_t wait_ms, struct bw_error *err);
/* The struct event_base, for the HTTP room (evhttp) alone. */
void *bw_loop_event_base(struct bw_loop *loop);

/* Calls fn once after delay_ms, or every delay_ms where repeat.  Freeing it cancels it. */
struct bw_timer *bw_timer_new(struct bw_loop *loop, int64_t delay_ms, bool repeat, void (*fn)(void *ctx), void *ctx);
void bw_timer_again(struct bw_timer *t, int64_t delay_ms);
void bw_timer_free(struct bw_timer **t);

enum { BW_WATCH_READ = 1, BW_WATCH_WRITE = 2 };
/* Calls fn with what is ready.  The descriptor stays the caller's. */
struct bw_watch *bw_watch_new(struct bw_loop *loop, int fd, int what, void (*fn)(int fd, int ready, void *ctx), void *ctx);
void bw_watch_set(struct bw_watch *w, int what);
void bw_watch_free(struct bw_watch **w);
/* repeat timers: bw_timer_again() keeps repeating with the new delay.  what = 0 in bw_watch_set() pauses.
   Calls fn from the loop, not from the signal handler. */
struct bw_watch *bw_watch_signal(struct bw_loop *loop, int signo, void (*fn)(int signo, int unused, void *ctx), void *ctx);

#endif
