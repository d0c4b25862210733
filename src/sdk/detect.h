/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detector with hysteresis: a number that wobbles round its threshold makes one episode, not many.
 *
 *   quiet --at or past threshold--> pending --held `hold` days--> OPENED --past clear--> CLEARED, then `cooldown` days of quiet
 *
 * Runs in watcher hosts; no privileges needed.
 */
#ifndef BW_SDK_DETECT_H
#define BW_SDK_DETECT_H

#include <stdbool.h>
#include <stdint.h>

struct bw_rule {
  double threshold;     /* opens at or past it */
  double clear;         /* an open episode ends only past this, on the other side */
  bool below;           /* true: past means at or below */
  int32_t hold;         /* days that it must have held before it opens; 0 and 1: at once */
  int32_t cooldown;     /* days after clearing in which it stays quiet */
  int32_t update_after; /* least days between two words about one open episode */
  double update_change; /* relative change of the value that is worth a word */
};

enum bw_phase { BW_PHASE_QUIET = 0, BW_PHASE_PENDING = 1, BW_PHASE_OPEN = 2, BW_PHASE_COOLING = 3 };

/* 24 bytes; the owner keeps it only while it is not quiet. */
struct bw_episode {
  uint16_t type; /* the watcher's own */
  uint16_t key;  /* interned by the watcher */
  uint8_t phase; /* enum bw_phase */
  uint8_t pad[3];
  int32_t since; /* day of: pending since, opened on, cleared on */
  int32_t spoke; /* day of the last word about it */
  double said;   /* the value last spoken of */
};

/* What is known today. */
enum bw_known {
  BW_KNOWN = 1,  /* value is good */
  BW_ABSENT = 2, /* there is nothing to measure any more (volume gone, contract gone): an open episode ends */
  BW_HELD = 3    /* no conclusion can be drawn today (the feed is quiet, a merger): nothing opens, clears or ages */
};

enum bw_step { BW_STEP_NONE = 0, BW_STEP_OPENED = 1, BW_STEP_UPDATED = 2, BW_STEP_CLEARED = 3 };

enum bw_step bw_detect(const struct bw_rule *rule, struct bw_episode *e, int32_t day, enum bw_known known, double value);
/* The same where another number is told than the one that is judged: an episode may live by the highest of late, and is spoken
   of by what is so today. */
enum bw_step bw_detect_told(const struct bw_rule *rule, struct bw_episode *e, int32_t day, enum bw_known known, double value,
                            double told);
/* 0 at the threshold, nearing 1 as the value goes past it: d / (d + half), d relative to the threshold, half the distance at
   which it is 0.5. */
double bw_strength(const struct bw_rule *rule, double value, double half);

#endif
