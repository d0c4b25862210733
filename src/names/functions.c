/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that expressions over names have beside those of the language: open, stage, quartile, trend; and the stages of
 * the value journey.  Runs in core and replays; no privileges.
 */
#include <math.h>

#include "base/time.h"
#include "config/config.h"
#include "names/private.h"

#define FN(name) static void name(struct bw_eval *ev, const struct bw_value *args, size_t nargs, struct bw_value *ret)
#define CHECK(name) static int name(void *ctx, const struct bw_value *args, size_t nargs, struct bw_error *err)
#define MAX_TREND_DAYS 400

int bw_stage_rank(struct bw_str name)
{
  int i;
  for (i = 0; bw_stages[i]; i++)
    if (bw_str_is(name, bw_stages[i]))
      return i;
  return -1;
}

FN(fn_open)
{
  struct bw_env *env = ev->ctx;
  const struct env_name *n = &env->names->items[args[0].i];
  (void)nargs;
  if (env->instead_of == args[0].i)
    *ret = bw_value_bool(env->instead.b);
  else
    *ret = bw_value_bool(bw_env_episode(env, n->type_index, n->key) != NULL);
}

FN(fn_stage)
{
  int rank = bw_stage_rank(args[0].s);
  (void)ev;
  (void)nargs;
  if (rank < 0)
    *ret = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("there is no value-journey stage of that name"));
  else
    *ret = (struct bw_value){.type = BW_TYPE_RANK, .i = rank, .s = bw_str(bw_stages[rank])};
}

CHECK(check_stage)
{
  const char *near;
  (void)ctx;
  (void)nargs;
  if (bw_stage_rank(args[0].s) >= 0)
    return 0;
  near = bw_nearest(args[0].s, bw_stages);
  return bw_fail(
      err, BW_EINVAL, BW_CLASS_CONFIG,
      "there is no stage \"%.*s\"; the value journey is baseline, live, first_results, tangible_roi, expansion_ready%s%s%s",
      (int)(args[0].s.len > 60 ? 60 : args[0].s.len), args[0].s.data, near ? " (did you mean " : "", near ? near : "",
      near ? "?)" : "");
}

/* ---- of past values ---- */

static int check_trait(const struct compiling *c, const struct bw_value *name, const char *function, struct bw_error *err)
{
  const struct env_name *n = &c->names->items[name->i];
  if (n->root == R_TRAIT && n->type == BW_TYPE_DOUBLE)
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG,
                 "%s() takes a trait that is a number, such as trait.usage.dau_mau; %s is none", function, n->text);
}

CHECK(check_quartile)
{
  struct compiling *c = ctx;
  int rc = check_trait(c, &args[0], "quartile", err);
  (void)nargs;
  if (rc == 0)
    bw_names_track(c->names, (uint32_t)args[0].i, true, 0);
  return rc;
}

CHECK(check_trend)
{
  struct compiling *c = ctx;
  int rc = check_trait(c, &args[0], "trend", err);
  int64_t days = args[1].i / BW_DAY;
  (void)nargs;
  if (rc == 0 && (days < 1 || days > MAX_TREND_DAYS))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "trend() looks back over 1 to %d days: trend(trait.x, days(90))",
                   MAX_TREND_DAYS);
  if (rc == 0)
    bw_names_track(c->names, (uint32_t)args[0].i, false, (int32_t)days);
  return rc;
}

/* The trait's present value, by the set's names; false: ret says what is missing. */
static bool present(struct bw_env *env, const struct bw_value *name, struct bw_value *ret)
{
  const struct env_name *n = &env->names->items[name->i];
  bw_env_read(env, n, ret, NULL);
  if (ret->type == BW_TYPE_ERROR)
    return false;
  if (n->tracked && env->from->quartile && env->from->past)
    return true;
  bw_env_missing(env, ret, "%s: its past is not kept; the time of trend() is written out, as in days(90)", n->text);
  return false;
}

FN(fn_quartile)
{
  struct bw_env *env = ev->ctx;
  const struct env_name *n = &env->names->items[args[0].i];
  struct bw_value now;
  uint64_t accounts;
  int quartile;
  (void)nargs;
  if (!present(env, &args[0], &now)) {
    *ret = now;
    return;
  }
  quartile = env->from->quartile(env->from->ctx, n->tracked - 1, now.d, &accounts);
  if (quartile)
    *ret = bw_value_int(quartile);
  else
    bw_env_missing(env, ret, "quartile(%s): %llu accounts had this trait at the last division, and 8 are needed", n->text,
                   (unsigned long long)accounts);
}

FN(fn_trend)
{
  struct bw_env *env = ev->ctx;
  const struct env_name *n = &env->names->items[args[0].i];
  int32_t day = bw_time_day(env->now_ms - args[1].i), first;
  struct bw_value now;
  char text[11], since[11];
  double then = NAN;
  (void)nargs;
  if (!present(env, &args[0], &now)) {
    *ret = now;
    return;
  }
  if (env->from->past(env->from->ctx, n->tracked - 1, env->account, day, &then, &first) && fabs(then) > 0) { /* no NAN either */
    *ret = bw_value_double((now.d - then) / fabs(then));
    return;
  }
  bw_day_format(day, text);
  if (first == INT32_MAX || first <= day) {
    bw_env_missing(env, ret, "trend(%s): on %s it was %s, and nothing can be compared with that", n->text, text,
                   isnan(then) ? "not known" : "0");
    return;
  }
  bw_day_format(first, since);
  bw_env_missing(env, ret, "trend(%s): its value of %s is needed, and it is known only since %s", n->text, text, since);
}

const struct bw_expr_function bw_name_functions[] = {
    {"open", "g", BW_TYPE_BOOL, fn_open, NULL, "whether a signal is open on the account: open(signal.support_escalation)"},
    {"stage", "s", BW_TYPE_RANK, fn_stage, check_stage,
     "a step of the value journey: account.stage >= stage(\"first_results\")"},
    {"quartile", "n", BW_TYPE_INT, fn_quartile, check_quartile,
     "which quarter of the accounts that have the trait, 4 the highest: quartile(trait.usage.dau_mau) == 4"},
    {"trend", "nu", BW_TYPE_DOUBLE, fn_trend, check_trend,
     "relative change of a trait against so long ago: trend(trait.usage.dau_mau, days(90)) > 0.2"},
};
const size_t bw_name_nfunctions = sizeof bw_name_functions / sizeof *bw_name_functions;
