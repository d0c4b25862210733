/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar, ISO 8601 and clocks.  Runs in every process; no privileges needed. */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "base/error.h"

/* Howard Hinnant, "chrono-compatible low-level date algorithms": days_from_civil and civil_from_days. */
int32_t bw_day_from_civil(int year, int month, int day)
{
  int y = month <= 2 ? year - 1 : year;
  int era = (y >= 0 ? y : y - 399) / 400;
  int yoe = y - era * 400;
  int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

void bw_day_to_civil(int32_t day, int *ret_year, int *ret_month, int *ret_mday)
{
  int z = day + 719468;
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int doe = z - era * 146097;
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (5 * doy + 2) / 153;
  *ret_mday = doy - (153 * mp + 2) / 5 + 1;
  *ret_month = mp < 10 ? mp + 3 : mp - 9;
  *ret_year = yoe + era * 400 + (*ret_month <= 2);
}

/* Exactly n digits at p, or -1. */
static int digits(const char *p, int n)
{
  int v = 0, i;
  for (i = 0; i < n; i++) {
    if (p[i] < '0' || p[i] > '9')
      return -1;
    v = v * 10 + (p[i] - '0');
  }
  return v;
}

static int month_days(int y, int m)
{
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return m == 2 && leap ? 29 : days[m - 1];
}

static int parse_date(const char *p, int32_t *ret_day)
{
  int y = digits(p, 4), m = digits(p + 5, 2), d = digits(p + 8, 2);
  if (p[4] != '-' || p[7] != '-' || y < 1970 || m < 1 || m > 12 || d < 1 || d > month_days(y, m))
    return BW_EINVAL;
  *ret_day = bw_day_from_civil(y, m, d);
  return BW_OK;
}

/* "Z", "+01:00", "+0100" or nothing. */
static int parse_zone(const char *p, const char *end, int64_t *ret_offset)
{
  int h, m, colon;
  *ret_offset = 0;
  if (p == end || (end - p == 1 && (*p == 'Z' || *p == 'z')))
    return BW_OK;
  if (*p != '+' && *p != '-')
    return BW_EINVAL;
  colon = end - p == 6 && p[3] == ':';
  if (end - p != 5 + colon)
    return BW_EINVAL;
  h = digits(p + 1, 2);
  m = digits(p + 3 + colon, 2);
  if (h < 0 || h > 23 || m < 0 || m > 59)
    return BW_EINVAL;
  *ret_offset = (h * BW_HOUR + m * BW_MINUTE) * (*p == '-' ? -1 : 1);
  return BW_OK;
}

/* ".123456": the milliseconds, with p moved behind the digits. */
static int parse_fraction(const char **p, const char *end, int *ret_ms)
{
  int scale = 100, n = 0;
  *ret_ms = 0;
  if (*p == end || (**p != '.' && **p != ','))
    return BW_OK;
  for (++*p; *p < end && **p >= '0' && **p <= '9'; ++*p, n++) {
    *ret_ms += (**p - '0') * scale;
    scale /= 10;
  }
  return n > 0 ? BW_OK : BW_EINVAL;
}

int bw_time_parse(struct bw_str s, int64_t *ret_ms)
{
  const char *p = s.data, *end;
  int32_t day;
  int h, m, sec = 0, frac = 0;
  int64_t zone, ms;
  if (s.len < 10 || s.len > 40 || parse_date(p, &day) < 0)
    return BW_EINVAL;
  if (s.len == 10) {
    *ret_ms = bw_day_time(day);
    return BW_OK;
  }
  end = p + s.len;
  if (s.len < 16 || (p[10] != 'T' && p[10] != 't' && p[10] != ' ') || p[13] != ':')
    return BW_EINVAL;
  h = digits(p + 11, 2);
  m = digits(p + 14, 2);
  p += 16;
  if (end - p >= 3 && *p == ':') {
    sec = digits(p + 1, 2);
    p += 3;
    if (parse_fraction(&p, end, &frac) < 0)
      return BW_EINVAL;
  }
  if (h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 60 || parse_zone(p, end, &zone) < 0)
    return BW_EINVAL;
  ms = bw_day_time(day) + h * BW_HOUR + m * BW_MINUTE + sec * BW_SECOND + frac - zone;
  if (ms < 0 || ms > BW_TIME_MAX)
    return BW_EINVAL;
  *ret_ms = ms;
  return BW_OK;
}

void bw_day_format(int32_t day, char out[11])
{
  int y, m, d;
  bw_day_to_civil(day, &y, &m, &d);
  (void)snprintf(out, 11, "%04u-%02u-%02u", (unsigned)y % 10000, (unsigned)m % 100, (unsigned)d % 100);
}

void bw_time_format(int64_t ms, char out[BW_TIME_TEXT])
{
  int32_t day = bw_time_day(ms);
  unsigned rest = (unsigned)(ms - bw_day_time(day));
  unsigned h = rest / 3600000 % 24, m = rest / 60000 % 60, s = rest / 1000 % 60, f = rest % 1000;
  bw_day_format(day, out);
  if (f)
    (void)snprintf(out + 10, BW_TIME_TEXT - 10, "T%02u:%02u:%02u.%03uZ", h, m, s, f);
  else
    (void)snprintf(out + 10, BW_TIME_TEXT - 10, "T%02u:%02u:%02uZ", h, m, s);
}

static int64_t unit_ms(char c)
{
  switch (c) {
  case 's':
    return BW_SECOND;
  case 'm':
    return BW_MINUTE;
  case 'h':
    return BW_HOUR;
  case 'd':
    return BW_DAY;
  case 'w':
    return 7 * BW_DAY;
  default:
    return 0;
  }
}

int bw_duration_parse(struct bw_str s, int64_t *ret_ms)
{
  size_t i = 0;
  int64_t total = 0, n, unit;
  if (s.len == 0)
    return BW_EINVAL;
  while (i < s.len) {
    size_t start = i;
    for (n = 0; i < s.len && s.data[i] >= '0' && s.data[i] <= '9' && n < 100000000; i++)
      n = n * 10 + (s.data[i] - '0');
    unit = i < s.len && i > start ? unit_ms(s.data[i]) : 0;
    if (unit == 0 || n > BW_TIME_MAX / unit || (total += n * unit) > BW_TIME_MAX)
      return BW_EINVAL;
    i++;
  }
  *ret_ms = total;
  return BW_OK;
}

void bw_duration_format(int64_t ms, char out[BW_DURATION_TEXT])
{
  static const struct {
    int64_t ms;
    const char *unit;
  } units[] = {{BW_DAY, "d"}, {BW_HOUR, "h"}, {BW_MINUTE, "m"}, {BW_SECOND, "s"}, {1, "ms"}};
  size_t i = ms == 0 ? 3 : 0;
  while (ms % units[i].ms != 0)
    i++;
  snprintf(out, BW_DURATION_TEXT, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
}

static int64_t read_clock(clockid_t id)
{
  struct timespec ts;
  BW_ASSERT(clock_gettime(id, &ts) == 0);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_now(void *ctx)
{
  (void)ctx;
  return read_clock(CLOCK_REALTIME);
}

const struct bw_clock *bw_clock_system(void)
{
  static const struct bw_clock clock = {system_now, NULL};
  return &clock;
}

int64_t bw_monotonic(void)
{
  return read_clock(CLOCK_MONOTONIC);
}
