/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a lead, when it is due, and how ready the account is.  Runs in core and replays; no privileges. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

/* The person of a role, copied; NULL where no record names one.  Writes what was tried. */
static char *person_of(struct bw_env *env, const struct role *r, struct bw_buf *b)
{
  size_t i;
  for (i = 0; i < r->npeople; i++) {
    struct bw_value v;
    env->eval.nleaves = 0;
    bw_expr_eval(r->people[i], &env->eval, &v);
    if (b) {
      bw_json_open(b, '{');
      bw_json_key(b, "role");
      bw_json_cstr(b, r->name);
      bw_json_key(b, "name");
      bw_json_str(b, bw_expr_source(r->people[i]));
      bw_json_key(b, "person");
      bw_value_json(b, &v);
      bw_json_close(b, '}');
    }
    if (v.type == BW_TYPE_STRING && v.s.len)
      return bw_str_dup(v.s);
  }
  return NULL;
}

static bool type_fits(const struct route_row *row, const char *type)
{
  size_t i;
  for (i = 0; i < row->ntypes; i++)
    if (strcmp(row->types[i], type) == 0 || strcmp(row->types[i], "any") == 0)
      return true;
  return row->ntypes == 0;
}

static bool row_fits(struct bw_env *env, const struct route_row *row, const struct play *play)
{
  struct bw_value v;
  if (!type_fits(row, play->type) || (row->motion && strcmp(row->motion, play->motion) != 0))
    return false;
  if (!row->when)
    return true;
  env->eval.nleaves = 0;
  bw_expr_eval(row->when, &env->eval, &v);
  return v.type == BW_TYPE_BOOL && v.b;
}

/* The first row that fits; then its role's person; then the fallback roles; then the operator, who hears of every gap. */
void bw_play_route(struct bw_env *env, const struct play *play, int route_index, struct verdict *v)
{
  const struct bw_plays *set = env->engine->plays;
  const struct route *r = &set->routes[route_index];
  const struct route_row *row = NULL;
  struct bw_buf *b = &v->why;
  int csm = bw_find_role(set, BW_STR("csm"));
  size_t i;
  bw_json_key(b, "route");
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_cstr(b, r->name);
  for (i = 0; i < r->nrows && !row; i++)
    if (row_fits(env, &r->rows[i], play))
      row = &r->rows[i];
  bw_json_key(b, "row");
  bw_json_int(b, row ? row - r->rows + 1 : 0);
  if (row && row->when) {
    bw_json_key(b, "when");
    bw_json_str(b, bw_expr_source(row->when));
    bw_values_json(env, b);
  }
  bw_json_key(b, "tried");
  bw_json_open(b, '[');
  if (row && row->role >= 0) {
    v->owner = person_of(env, &set->roles[row->role], b);
    v->role = v->owner ? bw_strdup(set->roles[row->role].name) : NULL;
  }
  for (i = 0; !v->owner && !(row && row->role < 0) && i < r->nfallback; i++) {
    v->owner = person_of(env, &set->roles[r->fallback[i]], b);
    v->role = v->owner ? bw_strdup(set->roles[r->fallback[i]].name) : NULL;
  }
  bw_json_close(b, ']');
  if (!v->owner) {
    v->owner = bw_strdup(env->engine->options.operator_name);
    v->role = bw_strdup("operator");
  }
  v->csm_required = row && row->csm_required;
  v->csm = csm >= 0 ? person_of(env, &set->roles[csm], NULL) : NULL;
  if (v->csm && strcmp(v->csm, v->owner) == 0) {
    free(v->csm);
    v->csm = NULL;
  }
  bw_json_key(b, "owner");
  bw_json_cstr(b, v->owner);
  bw_json_key(b, "role");
  bw_json_cstr(b, v->role);
  bw_json_key(b, "csm");
  bw_json_cstr(b, v->csm);
  bw_json_key(b, "csm_required");
  bw_json_bool(b, v->csm_required);
  bw_json_close(b, '}');
}

/* ---- readiness: six dimensions of 1 to 3; what is not known is said to be unknown, not guessed ---- */

struct people {
  bool champion, sponsor;
  size_t n;
};

static int count_people(void *ctx, const struct bw_entity *e)
{
  struct people *p = ctx;
  struct bw_str role = bw_entity_text(e, "role");
  p->n++;
  p->champion |= bw_str_is(role, "champion");
  p->sponsor |= bw_str_is(role, "sponsor") || bw_str_is(role, "economic_buyer");
  return 0;
}

static int word_points(struct bw_str s, const char *three, const char *two, const char *one)
{
  return bw_str_is(s, three) ? 3 : bw_str_is(s, two) ? 2 : bw_str_is(s, one) ? 1 : 0;
}

static int adoption(struct bw_env *env)
{
  struct bw_trait_value t;
  if (!bw_signals_trait(env->engine->signals, env->account, "usage.dau_mau", BW_STR(""), &t))
    return 0;
  return t.number >= 0.6 ? 3 : t.number >= 0.3 ? 2 : 1;
}

/* 3-12 months is best; under one month is too early; the rest lies between.  A month is 30.44 days. */
static int since_purchase(struct bw_env *env)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  int64_t start = e ? bw_entity_time(e, "start") : BW_TIME_NONE;
  double months;
  if (start == BW_TIME_NONE)
    return 0;
  months = (double)(env->now_ms - start) / ((double)BW_DAY * 30.44);
  return months < 1 ? 1 : months >= 3 && months <= 12 ? 3 : 2;
}

void bw_play_readiness(struct bw_env *env, const struct play *play, const struct verdict *v, struct bw_buf *b)
{
  static const char *const names[] = {"adoption", "health", "time_since_purchase", "signals", "relationship", "budget"};
  const struct bw_entity *account = bw_env_entity(env, R_ACCOUNT);
  struct people people = {0};
  int points[6], total = 0, known = 0;
  size_t i, nsignals = 0;
  const char *s;
  for (s = v->signals; s && *s; s++)
    nsignals += *s == '\n';
  bw_book_each_of(env->engine->book, BW_ENTITY_CONTACT, env->account, count_people, &people);
  points[0] = adoption(env);
  points[1] = account ? word_points(bw_entity_text(account, "health"), "green", "yellow", "red") : 0;
  points[2] = since_purchase(env);
  points[3] = nsignals >= 2 ? 3 : nsignals == 1 ? 2 : 1;
  points[4] = people.n == 0 ? 0 : people.champion && people.sponsor && people.n >= 2 ? 3 : people.champion ? 2 : 1;
  points[5] = account ? word_points(bw_entity_text(account, "budget"), "positive", "stable", "cuts") : 0;
  bw_json_key(b, "readiness");
  bw_json_open(b, '{');
  for (i = 0; i < 6; i++) {
    bw_json_key(b, names[i]);
    if (points[i])
      bw_json_int(b, points[i]);
    else
      bw_json_null(b);
    total += points[i];
    known += points[i] > 0;
  }
  bw_json_key(b, "total");
  bw_json_int(b, total);
  bw_json_key(b, "of");
  bw_json_int(b, known * 3);
  bw_json_key(b, "verdict");
  bw_json_cstr(b, known < 6 ? "incomplete" : total >= play->pursue ? "pursue" : total >= play->nurture ? "nurture" : "wait");
  bw_json_close(b, '}');
}

/* ---- SLA ---- */

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
int64_t bw_sla_deadline(const struct bw_engine_options *o, int64_t from_ms, int64_t duration_ms)
{
  int64_t whole = duration_ms / BW_DAY, rest = duration_ms % BW_DAY, t = next_opening(o, from_ms);
  int guard;
  if (!o->business_hours || t == BW_TIME_NONE)
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
