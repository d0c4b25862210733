/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by their IANA names ("Europe/Berlin"), as the C library knows them. */
#ifndef BW_BASE_ZONE_H
#define BW_BASE_ZONE_H

#include <stdint.h>

#include "base/str.h"

struct bw_zone; /* immutable; NULL is UTC, for all of these */

/*
 * BW_EINVAL: there is no such zone, or this system has no description of it.  Asks the C library, which knows one zone at a
 * time for the whole process (TZ, which is as before afterwards): to be called while no other thread of ours runs.
 */
int bw_zone_open(struct bw_str name, struct bw_zone **ret_zone);
void bw_zone_close(struct bw_zone **zone);

/* What a clock on the wall shows there at a moment: milliseconds since it showed 1970-01-01 00:00. */
int64_t bw_zone_wall(const struct bw_zone *zone, int64_t utc_ms);
/* The moment at which it shows that.  The first of two, where clocks are set back; where they are set forward over it, the
   moment at which one that was not set would show it. */
int64_t bw_zone_utc(const struct bw_zone *zone, int64_t wall_ms);

#endif
