/* SPDX-License-Identifier: Apache-2.0 */
/* Every operator and function that the language brings along, as one table of overloads.  No privileges. */
#define _GNU_SOURCE /* memmem */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "expr/private.h"

#define FN(name) static void name(struct bw_eval *ev, const struct bw_value *a, size_t n, struct bw_value *r)
#define UNUSED (void)ev, (void)n

static void overflow(struct bw_value *r)
{
  *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("the result is too large a number"));
}

static void division(struct bw_value *r)
{
  *r = bw_value_error(BW_VALUE_DIVISION_BY_ZERO, BW_STR("division by zero"));
}

/* ---- arithmetic: the result keeps the type of the overload ---- */

static void set_int(struct bw_value *r, enum bw_type type, bool bad, int64_t v)
{
  if (bad) {
    overflow(r);
    return;
  }
  *r = (struct bw_value){.type = type, .i = v};
}

#define INTS(name, builtin, type)                                                                                              \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    int64_t v;                                                                                                                 \
    bool bad = builtin(a[0].i, a[1].i, &v);                                                                                    \
    UNUSED;                                                                                                                    \
    set_int(r, type, bad, v);                                                                                                  \
  }
INTS(add_ii, __builtin_add_overflow, BW_TYPE_INT)
INTS(sub_ii, __builtin_sub_overflow, BW_TYPE_INT)
INTS(mul_ii, __builtin_mul_overflow, BW_TYPE_INT)
INTS(add_tu, __builtin_add_overflow, BW_TYPE_TIMESTAMP)
INTS(add_uu, __builtin_add_overflow, BW_TYPE_DURATION)
INTS(sub_tu, __builtin_sub_overflow, BW_TYPE_TIMESTAMP)
INTS(sub_tt, __builtin_sub_overflow, BW_TYPE_DURATION)

FN(div_ii)
{
  UNUSED;
  if (a[1].i == 0)
    division(r);
  else
    set_int(r, BW_TYPE_INT, a[0].i == INT64_MIN && a[1].i == -1,
            a[1].i == -1 ? (int64_t)(0 - (uint64_t)a[0].i) : a[0].i / a[1].i);
}

FN(mod_ii)
{
  UNUSED;
  if (a[1].i == 0)
    division(r);
  else
    *r = bw_value_int(a[1].i == -1 ? 0 : a[0].i % a[1].i);
}

FN(add_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d + a[1].d);
}

FN(sub_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d - a[1].d);
}

FN(mul_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d * a[1].d);
}

/* CEL gives an infinity; in a rule about money that is a mistake to be shown. */
FN(div_dd)
{
  UNUSED;
  if (a[1].d > 0 || a[1].d < 0)
    *r = bw_value_double(a[0].d / a[1].d);
  else
    division(r);
}

FN(neg_i)
{
  UNUSED;
  set_int(r, a[0].type, a[0].i == INT64_MIN, (int64_t)(0 - (uint64_t)a[0].i));
}

FN(neg_d)
{
  UNUSED;
  *r = bw_value_double(-a[0].d);
}

FN(not_b)
{
  UNUSED;
  *r = bw_value_bool(!a[0].b);
}

FN(add_ss)
{
  size_t len = a[0].s.len + a[1].s.len;
  char *out;
  UNUSED;
  if (len > BW_EXPR_MAX_STRING) {
    *r = bw_value_error(BW_VALUE_COST, BW_STR("a text grew too long"));
    return;
  }
  ev->cost += (uint32_t)(len / 16);
  out = bw_eval_alloc(ev, len + 1);
  if (a[0].s.len)
    memcpy(out, a[0].s.data, a[0].s.len);
  if (a[1].s.len)
    memcpy(out + a[0].s.len, a[1].s.data, a[1].s.len);
  *r = bw_value_string(bw_str_n(out, len));
}

/* ---- comparison ---- */

/* Exactly: an int64 near 2^63 and its double are told apart. */
static int compare_id(int64_t i, double d)
{
  double whole;
  if (d >= 9223372036854775808.0)
    return -1;
  if (d < -9223372036854775808.0)
    return 1;
  whole = floor(d);
  if (i != (int64_t)whole)
    return i < (int64_t)whole ? -1 : 1;
  return d > whole ? -1 : 0;
}

/* -1, 0, 1; 2 where not ordered (NaN, or types that have no order). */
static int order(const struct bw_value *a, const struct bw_value *b)
{
  if (a->type == BW_TYPE_INT && b->type == BW_TYPE_DOUBLE)
    return isnan(b->d) ? 2 : compare_id(a->i, b->d);
  if (a->type == BW_TYPE_DOUBLE && b->type == BW_TYPE_INT)
    return isnan(a->d) ? 2 : -compare_id(b->i, a->d);
  if (a->type != b->type)
    return 2;
  switch (a->type) {
  case BW_TYPE_BOOL:
    return (int)a->b - (int)b->b;
  case BW_TYPE_DOUBLE:
    return a->d < b->d ? -1 : a->d > b->d ? 1 : isnan(a->d) || isnan(b->d) ? 2 : 0;
  case BW_TYPE_STRING: {
    size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
    int c = n ? memcmp(a->s.data, b->s.data, n) : 0;
    return c ? (c < 0 ? -1 : 1) : a->s.len < b->s.len ? -1 : a->s.len > b->s.len;
  }
  case BW_TYPE_NULL:
    return 0;
  case BW_TYPE_INT:
  case BW_TYPE_TIMESTAMP:
  case BW_TYPE_DURATION:
  case BW_TYPE_RANK:
    return a->i < b->i ? -1 : a->i > b->i;
  default:
    return 2;
  }
}

bool bw_expr_value_equal(const struct bw_value *a, const struct bw_value *b)
{
  size_t i;
  if (a->type != BW_TYPE_LIST || b->type != BW_TYPE_LIST)
    return order(a, b) == 0;
  if (a->list.n != b->list.n)
    return false;
  for (i = 0; i < a->list.n; i++)
    if (!bw_expr_value_equal(&a->list.items[i], &b->list.items[i]))
      return false;
  return true;
}

#define ORDERED(name, test)                                                                                                    \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    int o = order(&a[0], &a[1]);                                                                                               \
    UNUSED;                                                                                                                    \
    *r = bw_value_bool(o != 2 && (test));                                                                                      \
  }
ORDERED(less, o < 0)
ORDERED(less_equal, o <= 0)
ORDERED(greater, o > 0)
ORDERED(greater_equal, o >= 0)

FN(equal)
{
  UNUSED;
  *r = bw_value_bool(bw_expr_value_equal(&a[0], &a[1]));
}

FN(not_equal)
{
  UNUSED;
  *r = bw_value_bool(!bw_expr_value_equal(&a[0], &a[1]));
}

/* ---- lists and texts ---- */

FN(in_list)
{
  size_t i;
  UNUSED;
  *r = bw_value_bool(false);
  for (i = 0; i < a[1].list.n && !r->b; i++) {
    ev->cost++;
    r->b = bw_expr_value_equal(&a[0], &a[1].list.items[i]);
  }
}

FN(index_list)
{
  UNUSED;
  if (a[1].i < 0 || (uint64_t)a[1].i >= a[0].list.n)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("the list has no element of that number"));
  else
    *r = a[0].list.items[a[1].i];
}

FN(size_list)
{
  UNUSED;
  *r = bw_value_int((int64_t)a[0].list.n);
}

FN(size_text) /* in code points, as CEL counts */
{
  size_t i;
  int64_t count = 0;
  UNUSED;
  for (i = 0; i < a[0].s.len; i++)
    count += ((unsigned char)a[0].s.data[i] & 0xC0) != 0x80;
  ev->cost += (uint32_t)(a[0].s.len / 16);
  *r = bw_value_int(count);
}

FN(starts_with)
{
  UNUSED;
  *r = bw_value_bool(a[0].s.len >= a[1].s.len && (!a[1].s.len || memcmp(a[0].s.data, a[1].s.data, a[1].s.len) == 0));
}

FN(ends_with)
{
  UNUSED;
  *r = bw_value_bool(a[0].s.len >= a[1].s.len &&
                     (!a[1].s.len || memcmp(a[0].s.data + a[0].s.len - a[1].s.len, a[1].s.data, a[1].s.len) == 0));
}

FN(contains)
{
  UNUSED;
  ev->cost += (uint32_t)(a[0].s.len / 16);
  *r = bw_value_bool(!a[1].s.len || (a[0].s.len && memmem(a[0].s.data, a[0].s.len, a[1].s.data, a[1].s.len)));
}

/* ---- numbers ---- */

#define ROUNDING(name, fn)                                                                                                     \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    UNUSED;                                                                                                                    \
    *r = bw_value_double(fn(a[0].d));                                                                                          \
  }
ROUNDING(ceil_d, ceil)
ROUNDING(floor_d, floor)
ROUNDING(round_d, round)
ROUNDING(abs_d, fabs)

FN(abs_i)
{
  if (a[0].i < 0)
    neg_i(ev, a, n, r);
  else
    *r = a[0];
}

static void extreme(const struct bw_value *a, size_t n, int sign, struct bw_value *r)
{
  size_t i;
  *r = a[0];
  for (i = 1; i < n; i++) {
    int o = order(&a[i], r);
    if (o != 2 && o * sign > 0)
      *r = a[i];
  }
}

FN(min_n)
{
  UNUSED;
  extreme(a, n, -1, r);
}

FN(max_n)
{
  UNUSED;
  extreme(a, n, 1, r);
}

FN(int_d)
{
  UNUSED;
  if (!(a[0].d > -9223372036854775809.0 && a[0].d < 9223372036854775808.0))
    overflow(r);
  else
    *r = bw_value_int((int64_t)a[0].d);
}

FN(same)
{
  UNUSED;
  *r = a[0];
}

FN(double_s)
{
  char text[64], *end;
  UNUSED;
  *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a number"));
  if (a[0].s.len == 0 || a[0].s.len >= sizeof text || strchr(" \t\n", a[0].s.data[0]))
    return;
  memcpy(text, a[0].s.data, a[0].s.len);
  text[a[0].s.len] = '\0';
  if (isfinite(strtod(text, &end)) && *end == '\0')
    *r = bw_value_double(strtod(text, NULL));
}

/* ---- times ---- */

static void scale(double units, int64_t unit, struct bw_value *r)
{
  double ms = units * (double)unit;
  if (!(fabs(ms) < 9e18))
    overflow(r);
  else
    *r = bw_value_duration((int64_t)llround(ms));
}

FN(days_d)
{
  UNUSED;
  scale(a[0].d, BW_DAY, r);
}

FN(hours_d)
{
  UNUSED;
  scale(a[0].d, BW_HOUR, r);
}

FN(in_days)
{
  UNUSED;
  *r = bw_value_double((double)a[0].i / (double)BW_DAY);
}

FN(timestamp_s)
{
  int64_t ms;
  UNUSED;
  if (bw_time_parse(a[0].s, &ms) < 0)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a date or time"));
  else
    *r = bw_value_time(ms);
}

FN(duration_s)
{
  int64_t ms;
  UNUSED;
  if (bw_duration_parse(a[0].s, &ms) < 0)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a duration"));
  else
    *r = bw_value_duration(ms);
}

static int check_timestamp(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err)
{
  int64_t ms;
  (void)ctx, (void)n;
  if (bw_time_parse(a[0].s, &ms) == 0)
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "\"%.*s\" is not a date or time; write 2026-01-31 or 2026-01-31T09:00:00Z",
                 (int)(a[0].s.len > 60 ? 60 : a[0].s.len), a[0].s.data);
}

static int check_duration(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err)
{
  int64_t ms;
  (void)ctx, (void)n;
  if (bw_duration_parse(a[0].s, &ms) == 0)
    return 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "\"%.*s\" is not a duration; write 30d, 24h or 90s",
                 (int)(a[0].s.len > 60 ? 60 : a[0].s.len), a[0].s.data);
}

#define COMPARISONS(name, fn)                                                                                                  \
  {name, "dd", BW_TYPE_BOOL, fn, NULL, ""}, {name, "ss", BW_TYPE_BOOL, fn, NULL, ""},                                          \
      {name, "bb", BW_TYPE_BOOL, fn, NULL, ""}, {name, "tt", BW_TYPE_BOOL, fn, NULL, ""},                                      \
      {name, "uu", BW_TYPE_BOOL, fn, NULL, ""},                                                                                \
  {                                                                                                                            \
    name, "rr", BW_TYPE_BOOL, fn, NULL, ""                                                                                     \
  }

const struct bw_expr_function bw_expr_builtins[] = {
    {"_+_", "ii", BW_TYPE_INT, add_ii, NULL, ""},
    {"_+_", "dd", BW_TYPE_DOUBLE, add_dd, NULL, ""},
    {"_+_", "ss", BW_TYPE_STRING, add_ss, NULL, ""},
    {"_+_", "tu", BW_TYPE_TIMESTAMP, add_tu, NULL, ""},
    {"_+_", "ut", BW_TYPE_TIMESTAMP, add_tu, NULL, ""},
    {"_+_", "uu", BW_TYPE_DURATION, add_uu, NULL, ""},
    {"_-_", "ii", BW_TYPE_INT, sub_ii, NULL, ""},
    {"_-_", "dd", BW_TYPE_DOUBLE, sub_dd, NULL, ""},
    {"_-_", "tt", BW_TYPE_DURATION, sub_tt, NULL, ""},
    {"_-_", "tu", BW_TYPE_TIMESTAMP, sub_tu, NULL, ""},
    {"_-_", "uu", BW_TYPE_DURATION, sub_tt, NULL, ""},
    {"_*_", "ii", BW_TYPE_INT, mul_ii, NULL, ""},
    {"_*_", "dd", BW_TYPE_DOUBLE, mul_dd, NULL, ""},
    {"_/_", "ii", BW_TYPE_INT, div_ii, NULL, ""},
    {"_/_", "dd", BW_TYPE_DOUBLE, div_dd, NULL, ""},
    {"_%_", "ii", BW_TYPE_INT, mod_ii, NULL, ""},
    {"-_", "i", BW_TYPE_INT, neg_i, NULL, ""},
    {"-_", "d", BW_TYPE_DOUBLE, neg_d, NULL, ""},
    {"-_", "u", BW_TYPE_DURATION, neg_i, NULL, ""},
    {"!_", "b", BW_TYPE_BOOL, not_b, NULL, ""},
    COMPARISONS("_<_", less),
    COMPARISONS("_<=_", less_equal),
    COMPARISONS("_>_", greater),
    COMPARISONS("_>=_", greater_equal),
    {"_<_", "ii", BW_TYPE_BOOL, less, NULL, ""},
    {"_<=_", "ii", BW_TYPE_BOOL, less_equal, NULL, ""},
    {"_>_", "ii", BW_TYPE_BOOL, greater, NULL, ""},
    {"_>=_", "ii", BW_TYPE_BOOL, greater_equal, NULL, ""},
    {"_==_", "aa", BW_TYPE_BOOL, equal, NULL, ""},
    {"_!=_", "aa", BW_TYPE_BOOL, not_equal, NULL, ""},
    {"_in_", "al", BW_TYPE_BOOL, in_list, NULL, ""},
    {"_[_]", "li", BW_TYPE_ANY, index_list, NULL, ""},
    {"size", "l", BW_TYPE_INT, size_list, NULL, "how many elements a list has"},
    {"size", "s", BW_TYPE_INT, size_text, NULL, "how many characters a text has"},
    {"startsWith", "ss", BW_TYPE_BOOL, starts_with, NULL, "account.name.startsWith(\"A\")"},
    {"endsWith", "ss", BW_TYPE_BOOL, ends_with, NULL, "account.name.endsWith(\"GmbH\")"},
    {"contains", "ss", BW_TYPE_BOOL, contains, NULL, "account.name.contains(\"bank\")"},
    {"ceil", "d", BW_TYPE_DOUBLE, ceil_d, NULL, "the next whole number at or above"},
    {"floor", "d", BW_TYPE_DOUBLE, floor_d, NULL, "the next whole number at or below"},
    {"round", "d", BW_TYPE_DOUBLE, round_d, NULL, "the nearest whole number, halves away from zero"},
    {"abs", "i", BW_TYPE_INT, abs_i, NULL, "without its sign"},
    {"abs", "d", BW_TYPE_DOUBLE, abs_d, NULL, "without its sign"},
    {"min", "i+", BW_TYPE_INT, min_n, NULL, "the smallest of the values"},
    {"min", "d+", BW_TYPE_DOUBLE, min_n, NULL, "the smallest of the values"},
    {"max", "i+", BW_TYPE_INT, max_n, NULL, "the largest of the values"},
    {"max", "d+", BW_TYPE_DOUBLE, max_n, NULL, "the largest of the values"},
    {"int", "i", BW_TYPE_INT, same, NULL, "a whole number, cut towards zero"},
    {"int", "d", BW_TYPE_INT, int_d, NULL, "a whole number, cut towards zero"},
    {"double", "d", BW_TYPE_DOUBLE, same, NULL, "a number"},
    {"double", "s", BW_TYPE_DOUBLE, double_s, NULL, "the number that a text holds"},
    {"days", "d", BW_TYPE_DURATION, days_d, NULL, "a duration: days(120)"},
    {"hours", "d", BW_TYPE_DURATION, hours_d, NULL, "a duration: hours(4)"},
    {"in_days", "u", BW_TYPE_DOUBLE, in_days, NULL, "a duration as a number of days"},
    {"timestamp", "s", BW_TYPE_TIMESTAMP, timestamp_s, check_timestamp, "a date or time: timestamp(\"2026-01-31\")"},
    {"duration", "s", BW_TYPE_DURATION, duration_s, check_duration, "a duration: duration(\"36h\")"},
};
const size_t bw_expr_nbuiltins = sizeof bw_expr_builtins / sizeof *bw_expr_builtins;
