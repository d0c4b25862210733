/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, logic and order, as functions of the table in builtins.c.  No privileges. */
#include <math.h>

#include "expr/private.h"

static void overflow(struct bw_value *r)
{
  *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("the result is too large a number"));
}

static void division(struct bw_value *r)
{
  *r = bw_value_error(BW_VALUE_DIVISION_BY_ZERO, BW_STR("division by zero"));
}

/* ---- arithmetic ---- */

static void set_int(struct bw_value *r, bool bad, int64_t v)
{
  if (bad) {
    overflow(r);
    return;
  }
  *r = bw_value_int(v);
}

#define INTS(name, builtin)                                                                                                    \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    int64_t v;                                                                                                                 \
    bool bad = builtin(a[0].i, a[1].i, &v);                                                                                    \
    UNUSED;                                                                                                                    \
    set_int(r, bad, v);                                                                                                        \
  }
INTS(bw_expr_add_ii, __builtin_add_overflow)
INTS(bw_expr_sub_ii, __builtin_sub_overflow)
INTS(bw_expr_mul_ii, __builtin_mul_overflow)

FN(bw_expr_div_ii)
{
  UNUSED;
  if (a[1].i == 0)
    division(r);
  else
    set_int(r, a[0].i == INT64_MIN && a[1].i == -1, a[1].i == -1 ? (int64_t)(0 - (uint64_t)a[0].i) : a[0].i / a[1].i);
}

FN(bw_expr_mod_ii)
{
  UNUSED;
  if (a[1].i == 0)
    division(r);
  else
    *r = bw_value_int(a[1].i == -1 ? 0 : a[0].i % a[1].i);
}

FN(bw_expr_add_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d + a[1].d);
}

FN(bw_expr_sub_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d - a[1].d);
}

FN(bw_expr_mul_dd)
{
  UNUSED;
  *r = bw_value_double(a[0].d * a[1].d);
}

/* CEL gives an infinity; in a rule about money that is a mistake to be shown. */
FN(bw_expr_div_dd)
{
  UNUSED;
  if (a[1].d > 0 || a[1].d < 0)
    *r = bw_value_double(a[0].d / a[1].d);
  else
    division(r);
}

FN(bw_expr_neg_i)
{
  UNUSED;
  set_int(r, a[0].i == INT64_MIN, (int64_t)(0 - (uint64_t)a[0].i));
}

FN(bw_expr_neg_d)
{
  UNUSED;
  *r = bw_value_double(-a[0].d);
}

FN(bw_expr_not_b)
{
  UNUSED;
  *r = bw_value_bool(!a[0].b);
}

#define ORDERED(name, test)                                                                                                    \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    int o = bw_expr_value_order(&a[0], &a[1]);                                                                                 \
    UNUSED;                                                                                                                    \
    *r = bw_value_bool(o != 2 && (test));                                                                                      \
  }
ORDERED(bw_expr_less, o < 0)
ORDERED(bw_expr_less_equal, o <= 0)
ORDERED(bw_expr_greater, o > 0)
ORDERED(bw_expr_greater_equal, o >= 0)

/* ---- rounding, and the extremes of several ---- */

#define ROUNDING(name, fn)                                                                                                     \
  FN(name)                                                                                                                     \
  {                                                                                                                            \
    UNUSED;                                                                                                                    \
    *r = bw_value_double(fn(a[0].d));                                                                                          \
  }
ROUNDING(bw_expr_ceil_d, ceil)
ROUNDING(bw_expr_floor_d, floor)
ROUNDING(bw_expr_round_d, round)
ROUNDING(bw_expr_abs_d, fabs)

FN(bw_expr_abs_i)
{
  if (a[0].i < 0)
    bw_expr_neg_i(ev, a, n, r);
  else
    *r = a[0];
}

static void extreme(const struct bw_value *a, size_t n, int sign, struct bw_value *r)
{
  size_t i;
  *r = a[0];
  for (i = 1; i < n; i++) {
    int o = bw_expr_value_order(&a[i], r);
    if (o != 2 && o * sign > 0)
      *r = a[i];
  }
}

FN(bw_expr_min_n)
{
  UNUSED;
  extreme(a, n, -1, r);
}

FN(bw_expr_max_n)
{
  UNUSED;
  extreme(a, n, 1, r);
}
