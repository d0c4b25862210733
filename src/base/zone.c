/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: the C library is asked once for the changes of a century, and then no more.  Runs in every process; no
 * privileges. */
#include "config.h" /* first: tm_gmtoff */

#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/time.h"

#define FROM 10957  /* 2000-01-01; earlier, the offset of then */
#define UNTIL 47482 /* 2100-01-01; later, the offset of then */

struct change {
  int64_t utc_ms; /* from here on */
  int64_t offset_ms;
};
struct bw_zone {
  struct change *changes; /* the first holds for all time before the second */
  size_t n;
};

static int64_t ask(int64_t utc_ms)
{
  time_t t = (time_t)(utc_ms / BW_SECOND);
  struct tm tm;
  return localtime_r(&t, &tm) ? (int64_t)tm.tm_gmtoff * BW_SECOND : 0;
}

static void add(struct bw_zone *z, int64_t utc_ms, int64_t offset_ms)
{
  z->changes = bw_realloc(z->changes, z->n + 1, sizeof *z->changes);
  z->changes[z->n++] = (struct change){utc_ms, offset_ms};
}

/* The second at which the offset becomes another one, between two moments that differ. */
static int64_t find_change(int64_t lo, int64_t hi, int64_t before)
{
  while (hi - lo > BW_SECOND) {
    int64_t mid = lo + (hi - lo) / BW_SECOND / 2 * BW_SECOND;
    if (ask(mid) == before)
      lo = mid;
    else
      hi = mid;
  }
  return hi;
}

static struct bw_zone *sample(void)
{
  struct bw_zone *z = bw_alloc(sizeof *z);
  int64_t offset = ask(bw_day_time(FROM)), now;
  int32_t day;
  add(z, bw_day_time(FROM), offset);
  for (day = FROM + 1; day <= UNTIL; day++) {
    now = ask(bw_day_time(day));
    if (now != offset)
      add(z, find_change(bw_day_time(day - 1), bw_day_time(day), offset), now);
    offset = now;
  }
  return z;
}

/* The C library takes any name, and an unknown one for UTC. */
static bool is_known(struct bw_str name)
{
  char path[128];
  struct stat st;
  size_t i;
  if (name.len == 0 || name.len > 64 || name.data[0] == '/' || memmem(name.data, name.len, "..", 2))
    return false;
  for (i = 0; i < name.len; i++)
    if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/", name.data[i]) || !name.data[i])
      return false;
  (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", BW_FMT(name));
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void set_zone(const char *tz)
{
  if (tz)
    (void)setenv("TZ", tz, 1);
  else
    (void)unsetenv("TZ");
  tzset();
}

int bw_zone_open(struct bw_str name, struct bw_zone **ret_zone)
{
  const char *tz = getenv("TZ");
  char *before BW_AUTOFREE = tz ? bw_strdup(tz) : NULL;
  char *wanted BW_AUTOFREE = NULL;
  *ret_zone = NULL;
  if (bw_str_is(name, "UTC"))
    return BW_OK;
  if (!is_known(name))
    return BW_EINVAL;
  wanted = bw_asprintf(":%.*s", BW_FMT(name));
  set_zone(wanted);
  *ret_zone = sample();
  set_zone(before);
  return BW_OK;
}

void bw_zone_close(struct bw_zone **zone)
{
  if (*zone)
    free((*zone)->changes);
  free(*zone);
  *zone = NULL;
}

static int64_t offset_at(const struct bw_zone *z, int64_t utc_ms)
{
  size_t lo = 0, hi = z->n;
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (z->changes[mid].utc_ms <= utc_ms)
      lo = mid;
    else
      hi = mid;
  }
  return z->changes[lo].offset_ms;
}

int64_t bw_zone_wall(const struct bw_zone *zone, int64_t utc_ms)
{
  return zone ? utc_ms + offset_at(zone, utc_ms) : utc_ms;
}

int64_t bw_zone_utc(const struct bw_zone *zone, int64_t wall_ms)
{
  int64_t before, after;
  if (!zone)
    return wall_ms;
  before = offset_at(zone, wall_ms - BW_DAY); /* no zone is a day from UTC, nor changes twice in two days */
  after = offset_at(zone, wall_ms + BW_DAY);
  if (offset_at(zone, wall_ms - before) != before && offset_at(zone, wall_ms - after) == after)
    return wall_ms - after;
  return wall_ms - before;
}
