/* SPDX-License-Identifier: Apache-2.0 */
/* Times are int64 milliseconds since 1970-01-01 UTC; days are int32 since the same.  Proleptic Gregorian calendar. */
#ifndef BW_BASE_TIME_H
#define BW_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define BW_SECOND INT64_C(1000)
#define BW_MINUTE (60 * BW_SECOND)
#define BW_HOUR (60 * BW_MINUTE)
#define BW_DAY (24 * BW_HOUR)
#define BW_TIME_NONE INT64_MIN
/* What we accept as a time at all: years 1970 to 9999. */
#define BW_TIME_MAX INT64_C(253402300799999)

#define BW_TIME_TEXT 25 /* "2026-11-22T01:10:00.000Z" and NUL */

/* Floor division: times before 1970 fall in negative days. */
static inline int32_t bw_time_day(int64_t ms)
{
  return (int32_t)(ms >= 0 ? ms / BW_DAY : -((-ms + BW_DAY - 1) / BW_DAY));
}
static inline int64_t bw_day_time(int32_t day)
{
  return (int64_t)day * BW_DAY;
}
/* 0 Monday ... 6 Sunday (ISO order). */
static inline int bw_day_weekday(int32_t day)
{
  int w = (int)((day + 3) % 7); /* 1970-01-01 was a Thursday */
  return w < 0 ? w + 7 : w;
}
int32_t bw_day_from_civil(int year, int month, int day);
void bw_day_to_civil(int32_t day, int *ret_year, int *ret_month, int *ret_mday);

/*
 * ISO 8601: "2026-11-22", "2026-11-22T01:10[:00[.123456]][Z|+01:00|+0100]", with ' ' for 'T' accepted; no zone means UTC.
 * Digits past the millisecond are cut.  0 or BW_EINVAL.
 */
int bw_time_parse(struct bw_str s, int64_t *ret_ms);

/* "2026-11-22T01:10:00.000Z", or without ".000" where the milliseconds are zero. */
void bw_time_format(int64_t ms, char out[BW_TIME_TEXT]);
/* "2026-11-22". */
void bw_day_format(int32_t day, char out[11]);

/* "90s", "15m", "24h", "28d", "2w"; a sum such as "1d12h" too.  0 or BW_EINVAL. */
int bw_duration_parse(struct bw_str s, int64_t *ret_ms);
#define BW_DURATION_TEXT 24
/* The same in the largest unit that divides it; what no unit divides in "ms". */
void bw_duration_format(int64_t ms, char out[BW_DURATION_TEXT]);

/* The injected clock. */
struct bw_clock {
  int64_t (*now)(void *ctx); /* milliseconds UTC */
  void *ctx;
};
static inline int64_t bw_clock_now(const struct bw_clock *c)
{
  return c->now(c->ctx);
}
/* The machine's real-time clock. */
const struct bw_clock *bw_clock_system(void);
/* Milliseconds that never go back, for deadlines and back-off. */
int64_t bw_monotonic(void);

#endif
