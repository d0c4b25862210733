/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors.  Runs in watcher hosts; no privileges needed. */
#include "sdk/detect.h"

#include <math.h>

/* Ratios of whole numbers meet decimal thresholds exactly; what sums add to that is below this. */
static double slack(double limit)
{
  return 1e-9 * (fabs(limit) > 1 ? fabs(limit) : 1);
}

static bool reached(const struct bw_rule *r, double limit, double value)
{
  return r->below ? value <= limit + slack(limit) : value >= limit - slack(limit);
}

static enum bw_step open_now(struct bw_episode *e, int32_t day, double value)
{
  e->phase = BW_PHASE_OPEN;
  e->since = e->spoke = day;
  e->said = value;
  return BW_STEP_OPENED;
}

static enum bw_step while_open(const struct bw_rule *r, struct bw_episode *e, int32_t day, enum bw_known known, double value,
                               double told)
{
  double change;
  /* between threshold and clear level an episode stays open */
  if (known == BW_ABSENT || !(reached(r, r->threshold, value) || reached(r, r->clear, value))) {
    e->phase = r->cooldown > 0 ? BW_PHASE_COOLING : BW_PHASE_QUIET;
    e->since = day;
    return BW_STEP_CLEARED;
  }
  change = fabs(told - e->said) / (fabs(e->said) > 1e-9 ? fabs(e->said) : 1e-9);
  if (day - e->spoke >= r->update_after && change >= r->update_change && change > 0) {
    e->spoke = day;
    e->said = told;
    return BW_STEP_UPDATED;
  }
  return BW_STEP_NONE;
}

enum bw_step bw_detect(const struct bw_rule *rule, struct bw_episode *e, int32_t day, enum bw_known known, double value)
{
  return bw_detect_told(rule, e, day, known, value, value);
}

enum bw_step bw_detect_told(const struct bw_rule *rule, struct bw_episode *e, int32_t day, enum bw_known known, double value,
                            double told)
{
  bool fires;
  if (e->phase == BW_PHASE_COOLING && day - e->since >= rule->cooldown)
    e->phase = BW_PHASE_QUIET;
  if (known == BW_HELD) {
    if (e->phase == BW_PHASE_PENDING)
      e->phase = BW_PHASE_QUIET;
    return BW_STEP_NONE;
  }
  if (e->phase == BW_PHASE_OPEN)
    return while_open(rule, e, day, known, value, told);
  fires = known == BW_KNOWN && reached(rule, rule->threshold, value);
  if (!fires || e->phase == BW_PHASE_COOLING) {
    if (e->phase == BW_PHASE_PENDING)
      e->phase = BW_PHASE_QUIET;
    return BW_STEP_NONE;
  }
  if (e->phase == BW_PHASE_QUIET) {
    e->phase = BW_PHASE_PENDING;
    e->since = day;
  }
  if (day - e->since + 1 >= rule->hold)
    return open_now(e, day, told);
  return BW_STEP_NONE;
}

double bw_strength(const struct bw_rule *rule, double value, double half)
{
  double d = rule->below ? rule->threshold - value : value - rule->threshold;
  double scale = half * (fabs(rule->threshold) > 1e-9 ? fabs(rule->threshold) : 1);
  if (!(d > 0) || !(scale > 0))
    return 0;
  if (!isfinite(d))
    return 1;
  return d / (d + scale);
}
