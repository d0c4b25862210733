/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a lead, and when it is due.  Runs in core and replays; no privileges. */
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
