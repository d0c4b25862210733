/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: timers, descriptors, signals, and freeing from within callbacks. */
#include "base/test.h"

#include "loop/loop.h"

#include <signal.h>
#include <unistd.h>

#include "base/time.h"

/* The loop reads the kernel's coarse clock: by the exact one a timer may fire one kernel tick early, 10 ms at 100 Hz. */
#define TICK_MS 10

struct seen {
  struct bw_loop *loop;
  struct bw_timer *timer;
  struct bw_watch *watch;
  int count, stop_at;
};

static void count(void *ctx)
{
  struct seen *s = ctx;
  if (++s->count == s->stop_at)
    bw_loop_stop(s->loop);
}

static void count_and_free(void *ctx)
{
  struct seen *s = ctx;
  bw_timer_free(&s->timer);
  count(s);
}

static void read_one(int fd, int ready, void *ctx)
{
  struct seen *s = ctx;
  char c;
  assert_int_equal(ready, BW_WATCH_READ);
  assert_int_equal(read(fd, &c, 1), 1);
  if (s->count == 1)
    bw_watch_free(&s->watch);
  count(s);
}

static void on_signal(int signo, int unused, void *ctx)
{
  (void)unused;
  assert_int_equal(signo, SIGUSR1);
  count(ctx);
}

static void timers(void **state)
{
  struct seen s = {.loop = bw_loop_new(), .stop_at = 3};
  int64_t start = bw_monotonic();
  (void)state;
  s.timer = bw_timer_new(s.loop, 20, true, count, &s);
  assert_int_equal(bw_loop_run(s.loop, NULL), BW_OK);
  assert_int_equal(s.count, 3);
  assert_true(bw_monotonic() - start >= 3 * 20 - TICK_MS);
  bw_timer_free(&s.timer);
  assert_null(s.timer);
  /* Once only, and freed from within. */
  s.stop_at = 4;
  s.timer = bw_timer_new(s.loop, 1, false, count_and_free, &s);
  assert_int_equal(bw_loop_run(s.loop, NULL), BW_OK);
  assert_null(s.timer);
  /* A cancelled timer does not fire; a turn with a limit ends. */
  s.timer = bw_timer_new(s.loop, 1, false, count, &s);
  bw_timer_free(&s.timer);
  start = bw_monotonic();
  assert_int_equal(bw_loop_turn(s.loop, 30, NULL), BW_OK);
  assert_true(bw_monotonic() - start >= 30 - TICK_MS);
  assert_int_equal(s.count, 4);
  assert_int_equal(bw_loop_turn(s.loop, 0, NULL), BW_OK);
  /* Again, with another delay. */
  s.stop_at = 5;
  s.timer = bw_timer_new(s.loop, 1000000, false, count, &s);
  bw_timer_again(s.timer, 1);
  assert_int_equal(bw_loop_run(s.loop, NULL), BW_OK);
  bw_timer_free(&s.timer);
  bw_loop_free(&s.loop);
  assert_null(s.loop);
}

static void descriptors(void **state)
{
  struct seen s = {.loop = bw_loop_new(), .stop_at = 2};
  int p[2];
  (void)state;
  assert_int_equal(pipe(p), 0);
  s.watch = bw_watch_new(s.loop, p[0], 0, read_one, &s);
  assert_int_equal(write(p[1], "abc", 3), 3);
  assert_int_equal(bw_loop_turn(s.loop, 0, NULL), BW_OK);
  assert_int_equal(s.count, 0); /* paused */
  bw_watch_set(s.watch, BW_WATCH_READ);
  assert_int_equal(bw_loop_run(s.loop, NULL), BW_OK);
  assert_int_equal(s.count, 2);
  assert_null(s.watch); /* freed from within its callback; the third byte stays unread */
  assert_int_equal(bw_loop_turn(s.loop, 1, NULL), BW_OK);
  assert_int_equal(s.count, 2);
  close(p[0]);
  close(p[1]);
  bw_loop_free(&s.loop);
}

static void signals(void **state)
{
  struct seen s = {.loop = bw_loop_new(), .stop_at = 1};
  (void)state;
  s.watch = bw_watch_signal(s.loop, SIGUSR1, on_signal, &s);
  assert_int_equal(raise(SIGUSR1), 0);
  assert_int_equal(s.count, 0); /* from the loop only */
  assert_int_equal(bw_loop_run(s.loop, NULL), BW_OK);
  assert_int_equal(s.count, 1);
  bw_watch_free(&s.watch);
  bw_loop_free(&s.loop);
}

static void stop_before_run(void **state)
{
  struct bw_loop *loop = bw_loop_new();
  (void)state;
  bw_loop_stop(loop);
  assert_int_equal(bw_loop_run(loop, NULL), BW_OK);
  bw_loop_free(&loop);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(timers), cmocka_unit_test(descriptors), cmocka_unit_test(signals),
                                     cmocka_unit_test(stop_before_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
