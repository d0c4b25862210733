/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps and durations: reading them, counting with them, their parts.  No privileges. */
#include <math.h>
#include <stdio.h>

#include "base/time.h"
#include "expr/private.h"

#define TIME_MIN INT64_C(-62135596800000)           /* 0001-01-01 */
#define DURATION_MAX (INT64_C(315576000000) * 1000) /* ten thousand years, as in google.protobuf.Duration */
#define CYCLE_DAYS 146097                           /* 400 years of the Gregorian calendar */

bool bw_expr_time_text(int64_t ms, char *out)
{
  if (ms < TIME_MIN || ms > BW_TIME_MAX)
    return false;
  bw_time_format(ms, out);
  return true;
}

/* bw_time_parse() knows no year before 1970: an earlier one is read 2000 years later, where the calendar is the same. */
static int parse_time(struct bw_str s, int64_t *ret_ms)
{
  char text[41];
  unsigned year;
  int64_t ms;
  int rc;
  if (s.len < 10 || s.len >= sizeof text)
    return BW_EINVAL;
  memcpy(text, s.data, s.len);
  text[s.len] = '\0';
  if (strspn(text, "0123456789") != 4 || sscanf(text, "%4u", &year) != 1)
    return BW_EINVAL;
  if (year >= 1971)
    return bw_time_parse(s, ret_ms);
  year += 2000;
  text[0] = (char)('0' + year / 1000);
  text[1] = (char)('0' + year / 100 % 10);
  rc = bw_time_parse(bw_str_n(text, s.len), &ms);
  if (rc < 0)
    return rc;
  ms -= 5 * CYCLE_DAYS * BW_DAY;
  if (ms < TIME_MIN)
    return BW_EINVAL;
  *ret_ms = ms;
  return 0;
}

static const struct unit {
  const char *name;
  double ms;
} units[] = {{"ms", 1},
             {"h", (double)BW_HOUR},
             {"m", (double)BW_MINUTE},
             {"s", (double)BW_SECOND},
             {"d", (double)BW_DAY},
             {"w", 7 * (double)BW_DAY}};

static const struct unit *find_unit(const char **p, const char *end)
{
  size_t i;
  for (i = 0; i < sizeof units / sizeof *units; i++) {
    size_t n = strlen(units[i].name);
    if ((size_t)(end - *p) >= n && memcmp(*p, units[i].name, n) == 0) {
      *p += n;
      return &units[i];
    }
  }
  return NULL;
}

/* 12.5, at most fifteen digits; -1: no number. */
static double decimal(const char **p, const char *end)
{
  double v = 0, place = 1;
  int digits = 0;
  bool point = false;
  for (; *p < end; (*p)++) {
    char c = **p;
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9' && digits < 15) {
      digits++;
      v = v * 10 + (c - '0');
      place *= point ? 10 : 1;
    } else {
      break;
    }
  }
  return digits ? v / place : -1;
}

/* "36h", "1d12h", "-1.5s": whole milliseconds. */
static int parse_duration(struct bw_str s, int64_t *ret_ms)
{
  const char *p = s.data, *end = s.data + s.len;
  bool minus = s.len && *p == '-';
  double ms = 0;
  if (s.len && (*p == '-' || *p == '+'))
    p++;
  if (p == end)
    return BW_EINVAL;
  if (end - p == 1 && *p == '0')
    p++;
  while (p < end) {
    double v = decimal(&p, end);
    const struct unit *u = v >= 0 ? find_unit(&p, end) : NULL;
    if (!u)
      return BW_EINVAL;
    ms += v * u->ms;
  }
  if (ms > (double)DURATION_MAX || fabs(ms - round(ms)) > 1e-6)
    return BW_EINVAL;
  *ret_ms = llround(minus ? -ms : ms);
  return 0;
}

/* ---- making them ---- */

static void out_of_range(struct bw_value *r)
{
  *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("the result is too large a number"));
}

static void set_time(bool bad, int64_t ms, struct bw_value *r)
{
  if (bad || ms < TIME_MIN || ms > BW_TIME_MAX)
    *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("the result is not within the years 1 to 9999"));
  else
    *r = bw_value_time(ms);
}

static void set_duration(bool bad, int64_t ms, struct bw_value *r)
{
  if (bad || ms > DURATION_MAX || ms < -DURATION_MAX)
    out_of_range(r);
  else
    *r = bw_value_duration(ms);
}

FN(bw_expr_timestamp_of)
{
  int64_t ms = 0;
  bool bad;
  UNUSED;
  if (a[0].type == BW_TYPE_TIMESTAMP) {
    *r = a[0];
    return;
  }
  if (a[0].type == BW_TYPE_INT) {
    bad = __builtin_mul_overflow(a[0].i, (int64_t)1000, &ms);
    set_time(bad, ms, r);
    return;
  }
  if (parse_time(a[0].s, &ms) < 0)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a date or time"));
  else
    *r = bw_value_time(ms);
}

FN(bw_expr_duration_of)
{
  int64_t ms;
  UNUSED;
  if (a[0].type == BW_TYPE_DURATION)
    *r = a[0];
  else if (parse_duration(a[0].s, &ms) < 0)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a duration"));
  else
    *r = bw_value_duration(ms);
}

int bw_expr_check_timestamp(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err)
{
  int64_t ms;
  (void)ctx, (void)n;
  if (a[0].type != BW_TYPE_STRING || parse_time(a[0].s, &ms) == 0)
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "\"%.*s\" is not a date or time; write 2026-01-31 or 2026-01-31T09:00:00Z",
                 (int)(a[0].s.len > 60 ? 60 : a[0].s.len), a[0].s.data);
}

int bw_expr_check_duration(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err)
{
  int64_t ms;
  (void)ctx, (void)n;
  if (a[0].type != BW_TYPE_STRING || parse_duration(a[0].s, &ms) == 0)
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "\"%.*s\" is not a duration; write 30d, 24h or 90s",
                 (int)(a[0].s.len > 60 ? 60 : a[0].s.len), a[0].s.data);
}

static void scale(double count, int64_t unit, struct bw_value *r)
{
  double ms = count * (double)unit;
  if (!(fabs(ms) <= (double)DURATION_MAX))
    out_of_range(r);
  else
    *r = bw_value_duration((int64_t)llround(ms));
}

FN(bw_expr_days)
{
  UNUSED;
  scale(a[0].d, BW_DAY, r);
}

FN(bw_expr_hours)
{
  UNUSED;
  scale(a[0].d, BW_HOUR, r);
}

FN(bw_expr_in_days)
{
  UNUSED;
  *r = bw_value_double((double)a[0].i / (double)BW_DAY);
}

/* ---- counting ---- */

#define COUNTING(name, builtin, set)                                                                                           \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    int64_t v;                                                                                                                 \
    bool bad = builtin(a[0].i, a[1].i, &v);                                                                                    \
    UNUSED;                                                                                                                    \
    set(bad, v, r);                                                                                                            \
  }
COUNTING(bw_expr_add_time, __builtin_add_overflow, set_time)
COUNTING(bw_expr_sub_time, __builtin_sub_overflow, set_time)
COUNTING(bw_expr_sub_times, __builtin_sub_overflow, set_duration)
COUNTING(bw_expr_add_duration, __builtin_add_overflow, set_duration)
COUNTING(bw_expr_sub_duration, __builtin_sub_overflow, set_duration)

FN(bw_expr_neg_duration)
{
  UNUSED;
  if (a[0].i == INT64_MIN)
    out_of_range(r);
  else
    set_duration(false, -a[0].i, r);
}

/* ---- parts ---- */

/* "UTC", "+01:00", "-09:30", "02:00".  Zones by name would need files of the machine, and give other answers on another. */
static bool zone_offset(struct bw_str s, int64_t *ret_ms)
{
  size_t sign = s.len && (s.data[0] == '+' || s.data[0] == '-');
  const char *p = s.data + sign;
  size_t i;
  int64_t hours, minutes;
  if (bw_str_is(s, "UTC") || bw_str_is(s, "Z")) {
    *ret_ms = 0;
    return true;
  }
  if (s.len != sign + 5 || p[2] != ':')
    return false;
  for (i = 0; i < 5; i++)
    if (i != 2 && (p[i] < '0' || p[i] > '9'))
      return false;
  hours = (p[0] - '0') * 10 + (p[1] - '0');
  minutes = (p[3] - '0') * 10 + (p[4] - '0');
  *ret_ms = (hours * BW_HOUR + minutes * BW_MINUTE) * (s.data[0] == '-' ? -1 : 1);
  return hours <= 14 && minutes < 60;
}

int bw_expr_check_zone(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err)
{
  int64_t offset;
  (void)ctx;
  if (n < 2 || a[1].type != BW_TYPE_STRING || zone_offset(a[1].s, &offset))
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "\"%.*s\" is not a time zone; write \"UTC\" or an offset such as \"+01:00\"",
                 (int)(a[1].s.len > 60 ? 60 : a[1].s.len), a[1].s.data);
}

struct parts {
  int year, month, mday;
  int32_t day;
  int64_t rest; /* milliseconds since midnight */
};

/* False, with the error in r: no such zone. */
static bool split(const struct bw_value *a, size_t n, struct parts *p, struct bw_value *r)
{
  int64_t ms = a[0].i, offset = 0;
  if (n > 1 && !zone_offset(a[1].s, &offset)) {
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a time zone; write UTC or +01:00"));
    return false;
  }
  if (ms < TIME_MIN || ms > BW_TIME_MAX) { /* one from outside the language */
    out_of_range(r);
    return false;
  }
  ms += offset;
  p->day = bw_time_day(ms);
  p->rest = ms - bw_day_time(p->day);
  bw_day_to_civil(p->day, &p->year, &p->month, &p->mday);
  return true;
}

#define PART(name, expression)                                                                                                 \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    struct parts p;                                                                                                            \
    UNUSED;                                                                                                                    \
    if (split(a, n, &p, r))                                                                                                    \
      *r = bw_value_int(expression);                                                                                           \
  }
/* A duration is converted as a whole; of a time, the part is taken. */
#define PART_OR_WHOLE(name, unit, expression)                                                                                  \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    struct parts p;                                                                                                            \
    UNUSED;                                                                                                                    \
    if (a[0].type == BW_TYPE_DURATION)                                                                                         \
      *r = bw_value_int(a[0].i / (unit));                                                                                      \
    else if (split(a, n, &p, r))                                                                                               \
      *r = bw_value_int(expression);                                                                                           \
  }
PART(bw_expr_full_year, p.year)
PART(bw_expr_month, p.month - 1)
PART(bw_expr_date, p.mday)
PART(bw_expr_day_of_month, p.mday - 1)
PART(bw_expr_day_of_year, p.day - bw_day_from_civil(p.year, 1, 1))
PART(bw_expr_day_of_week, (bw_day_weekday(p.day) + 1) % 7)
PART_OR_WHOLE(bw_expr_get_hours, BW_HOUR, p.rest / BW_HOUR)
PART_OR_WHOLE(bw_expr_get_minutes, BW_MINUTE, p.rest / BW_MINUTE % 60)
PART_OR_WHOLE(bw_expr_get_seconds, BW_SECOND, p.rest / BW_SECOND % 60)

FN(bw_expr_get_milliseconds) /* of a duration too only what is beyond the second, as CEL's conformance cases have it */
{
  struct parts p;
  UNUSED;
  if (a[0].type == BW_TYPE_DURATION)
    *r = bw_value_int(a[0].i % 1000);
  else if (split(a, n, &p, r))
    *r = bw_value_int(p.rest % 1000);
}
