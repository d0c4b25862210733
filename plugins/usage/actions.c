/* SPDX-License-Identifier: Apache-2.0 */
/* What single events do beyond being activity.  Runs in a watcher host; no privileges needed. */
#include <math.h>
#include <stdlib.h>

#include "usage.h"

struct sharing *sharing_of(struct usage *u, uint32_t user, bool make)
{
  if (user >= u->sharing.count && !make)
    return NULL;
  while (user >= u->sharing.count)
    (void)bw_chunks_add(&u->sharing);
  return bw_chunks_at(&u->sharing, user);
}

/* Distinct devices (or addresses) of a user within one hour. */
void see_device(struct usage *u, const struct bw_record *r, struct op op, uint32_t user)
{
  const struct bw_field *f = field_of(r, &u->cfg.device);
  uint32_t hour = (uint32_t)(r->time_ms / BW_HOUR), h, i;
  struct sharing *s;
  if (!f || f->text.len == 0)
    return;
  h = bw_hash_fold(bw_hash_str(f->text, 0)); /* saved, so not under the host's seed */
  s = sharing_of(u, user, true);
  if (s->hour != hour) {
    if (hour < s->hour)
      return;
    s->hour = hour;
    s->nseen = 0;
  }
  for (i = 0; i < s->nseen; i++)
    if (s->seen[i] == h)
      return;
  if (s->nseen < 4)
    s->seen[s->nseen++] = h;
  if (s->nseen < u->cfg.set[SIG_LOGIN_SHARING].min || (s->ndays && s->days[0] >= op.day))
    return;
  memmove(s->days + 1, s->days, sizeof s->days - sizeof *s->days);
  s->days[0] = op.day;
  if (s->ndays < 7)
    s->ndays++;
  op.code = OP_SHARER;
  op.user = user;
  stage_put(&u->stage, op);
}

static bool holds(const struct bw_record *r, const struct rule_of_event *rule)
{
  uint32_t i;
  for (i = 0; i < rule->nwhere; i++) {
    const struct bw_field *f = field_of(r, &rule->where[i]);
    if (!f || !bw_str_eq(f->text, rule->equals[i]))
      return false;
  }
  return true;
}

static int64_t quantity(const struct bw_record *r, const struct rule_of_event *rule, const struct meter *m)
{
  const struct bw_field *f = field_of(r, &rule->fields);
  double v = 1;
  if (rule->fields.n && !f)
    v = m->window == METER_GAUGE ? 0 : 1;
  else if (f && (f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL))
    v = f->number;
  v *= m->scale;
  if (!(v > 0))
    return 0;
  return v > 9e15 ? (int64_t)BW_SERIES_VALUE_MAX : llround(v);
}

static uint32_t ms_of_day(const struct bw_record *r)
{
  return (uint32_t)(r->time_ms % BW_DAY);
}

static void take_meter(struct usage *u, const struct bw_record *r, struct op op, const struct rule_of_event *rule)
{
  const struct meter *m = &u->cfg.meters[rule->index];
  uint64_t q = (uint64_t)quantity(r, rule, m);
  stage_meter(&u->stage, op, rule->index, q);
  if (m->rate_window <= 0)
    return;
  op.code = OP_RATE;
  op.arg = rule->index;
  op.capped = q > UINT32_MAX ? UINT32_MAX : (uint32_t)q;
  op.ms = ms_of_day(r);
  stage_put(&u->stage, op);
}

static void count(struct usage *u, struct op op, enum counter_kind kind, uint16_t key)
{
  op.code = OP_COUNT;
  op.arg = (uint8_t)kind;
  op.id = key;
  stage_put(&u->stage, op);
}

static uint16_t named(struct usage *u, const struct bw_record *r, const struct rule_of_event *rule)
{
  const struct bw_field *f = field_of(r, &rule->fields);
  if (!f || f->text.len == 0 || f->text.len > 128 || f->type == BW_VALUE_JSON)
    return 0;
  return (uint16_t)bw_intern_get(&u->names, f->text);
}

/* Is the receiver of a share an active user of the same account already? */
static bool is_user(const struct usage *u, struct bw_str name, uint32_t account)
{
  return user_find(u, bw_hash_fold(bw_hash_str(name, u->seed)), name, account) != BW_NONE;
}

static void take_step(struct usage *u, const struct bw_record *r, struct op op, uint32_t user, const struct rule_of_event *rule)
{
  if (u->cfg.patterns[rule->index].nsteps == 1) {
    count(u, op, C_PATTERN, rule->index);
    return;
  }
  if (user == BW_NONE)
    return;
  op.code = OP_STEP;
  op.arg = (uint8_t)(rule->index + MAX_PATTERNS * rule->step);
  op.user = user;
  op.ms = ms_of_day(r);
  stage_put(&u->stage, op);
}

static void take_share(struct usage *u, const struct bw_record *r, struct op op, const struct rule_of_event *rule)
{
  const struct bw_field *f = field_of(r, &rule->fields);
  if (!f || !is_user(u, f->text, op.account))
    count(u, op, C_SHARE, 0);
}

void act_on(struct usage *u, const struct bw_record *r, struct op op, uint32_t user, const struct rule_of_event *rule)
{
  static const uint8_t plain[ACT_KINDS] = {[ACT_INVITE_REFUSED] = C_INVITE_REFUSED,
                                           [ACT_EXPORT] = C_EXPORT,
                                           [ACT_AUTOMATION] = C_AUTOMATION,
                                           [ACT_SIGN_UP] = C_SIGN_UP,
                                           [ACT_PAID] = C_PAID,
                                           [ACT_LIMIT_ERROR] = C_LIMIT};
  uint16_t id;
  if (rule->nwhere && !holds(r, rule))
    return;
  switch (rule->action) {
  case ACT_SIGN_IN:
    stage_sign_in(&u->stage, op);
    break;
  case ACT_FEATURE:
    if ((id = named(u, r, rule)))
      stage_feature(&u->stage, op, id);
    break;
  case ACT_METER:
    take_meter(u, r, op, rule);
    break;
  case ACT_STEP:
    take_step(u, r, op, user, rule);
    break;
  case ACT_SHARE:
    take_share(u, r, op, rule);
    break;
  case ACT_PAID:
  case ACT_LIMIT_ERROR:
    count(u, op, plain[rule->action], named(u, r, rule));
    break;
  default:
    count(u, op, plain[rule->action], 0);
  }
}

void activity_clear(struct usage *u, struct activity *act)
{
  uint32_t i;
  for (i = 0; i < act->nfeatures; i++)
    bw_series_clear(u->pool, &act->features[i].s);
  for (i = 0; i < act->ncounters; i++)
    bw_series_clear(u->pool, &act->counters[i].s);
  for (i = 0; i < act->ndepts; i++)
    free(act->depts[i].users);
  bw_series_clear(u->pool, &act->events);
  bw_series_clear(u->pool, &act->logins);
  bw_series_clear(u->pool, &act->dau);
  bw_series_clear(u->pool, &act->mau_days);
  free(act->feature_ids);
  free(act->features);
  free(act->counters);
  free(act->depts);
  free(act->episodes);
  free(act->progress);
  free(act->moves);
  free(act->published);
  free(act->sharers);
}
