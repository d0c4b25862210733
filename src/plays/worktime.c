/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working days and hours: when a lead is due, and when a day's budget begins.  All but the last functions count in what the
 * clock on the wall shows where the work is done.  Runs in core and replays; no privileges.
 */
#include <string.h>

#include "base/time.h"
#include "base/zone.h"
#include "plays/private.h"

static bool works(const struct bw_engine_options *o, int32_t day)
{
  static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  return strstr(o->workdays, names[bw_day_weekday(day)]) != NULL;
}

/* The first working moment at or after t; BW_TIME_NONE where there are no working days. */
static int64_t next_opening(const struct bw_engine_options *o, int64_t t)
{
  int i;
  if (o->day_end_ms <= o->day_start_ms)
    return BW_TIME_NONE;
  for (i = 0; i < 8; i++) {
    int32_t day = bw_time_day(t);
    int64_t opens = bw_day_time(day) + o->day_start_ms, closes = bw_day_time(day) + o->day_end_ms;
    if (works(o, day) && t < closes)
      return t < opens ? opens : t;
    t = bw_day_time(day + 1);
  }
  return BW_TIME_NONE;
}

/*
 * In working time: each full 24 h is one working day, what is left is counted in working hours.  A clock that starts outside of
 * them starts at the next opening.
 */
static int64_t deadline(const struct bw_engine_options *o, int64_t from_ms, int64_t duration_ms)
{
  int64_t whole = duration_ms / BW_DAY, rest = duration_ms % BW_DAY, t = next_opening(o, from_ms);
  int guard;
  if (t == BW_TIME_NONE)
    return from_ms + duration_ms;
  for (; whole > 0; whole--)
    do
      t += BW_DAY;
    while (!works(o, bw_time_day(t)));
  for (guard = 0; guard < 1000; guard++) {
    int64_t closes = bw_day_time(bw_time_day(t)) + o->day_end_ms;
    if (t + rest <= closes)
      return t + rest;
    rest -= closes - t;
    t = next_opening(o, closes);
  }
  return t;
}

static int64_t workday_start(const struct bw_engine_options *o, int64_t t)
{
  int32_t today = bw_time_day(t), day;
  if (!o->business_hours || next_opening(o, t) == BW_TIME_NONE)
    return bw_day_time(today);
  for (day = today; day > today - 8; day--)
    if (works(o, day) && bw_day_time(day) + o->day_start_ms <= t)
      return bw_day_time(day) + o->day_start_ms;
  return bw_day_time(today);
}

static int64_t next_workday(const struct bw_engine_options *o, int64_t t)
{
  int32_t today = bw_time_day(t), day;
  if (!o->business_hours || next_opening(o, t) == BW_TIME_NONE)
    return bw_day_time(today + 1);
  for (day = today; day < today + 9; day++)
    if (works(o, day) && bw_day_time(day) + o->day_start_ms > t)
      return bw_day_time(day) + o->day_start_ms;
  return bw_day_time(today + 1);
}

/* ---- in moments ---- */

int64_t bw_working_deadline(const struct bw_engine *e, const char *who, int64_t from_ms, int64_t duration_ms)
{
  const struct person *person = bw_person_find(&e->plays->roster, bw_str(who));
  const struct bw_zone *zone = person && person->has_zone ? person->zone : e->zone;
  if (!e->options.business_hours)
    return from_ms + duration_ms;
  return bw_zone_utc(zone, deadline(&e->options, bw_zone_wall(zone, from_ms), duration_ms));
}

int64_t bw_workday_start(const struct bw_engine *e, int64_t t)
{
  return bw_zone_utc(e->zone, workday_start(&e->options, bw_zone_wall(e->zone, t)));
}

int64_t bw_next_workday(const struct bw_engine *e, int64_t t)
{
  return bw_zone_utc(e->zone, next_workday(&e->options, bw_zone_wall(e->zone, t)));
}
