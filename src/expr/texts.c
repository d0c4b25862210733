/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, and conversions from and to them.  No privileges. */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "expr/private.h"

static struct bw_str keep(struct bw_eval *ev, struct bw_str s)
{
  char *out = bw_eval_alloc(ev, s.len + 1);
  if (s.len)
    memcpy(out, s.data, s.len);
  return bw_str_n(out, s.len);
}

FN(bw_expr_add_texts)
{
  size_t len = a[0].s.len + a[1].s.len;
  char *out;
  UNUSED;
  if (len > BW_EXPR_MAX_STRING) {
    *r = bw_value_error(BW_VALUE_COST, BW_STR("a text grew too long"));
    return;
  }
  if (!bw_expr_pay(ev, len / 16, r))
    return;
  out = bw_eval_alloc(ev, len + 1);
  if (a[0].s.len)
    memcpy(out, a[0].s.data, a[0].s.len);
  if (a[1].s.len)
    memcpy(out + a[0].s.len, a[1].s.data, a[1].s.len);
  *r = bw_value_string(bw_str_n(out, len));
}

FN(bw_expr_size_text) /* in code points, as CEL counts */
{
  size_t i;
  int64_t count = 0;
  UNUSED;
  if (!bw_expr_pay(ev, a[0].s.len / 16, r))
    return;
  for (i = 0; i < a[0].s.len; i++)
    count += ((unsigned char)a[0].s.data[i] & 0xC0) != 0x80;
  *r = bw_value_int(count);
}

FN(bw_expr_starts_with)
{
  UNUSED;
  if (bw_expr_pay(ev, a[1].s.len / 64, r))
    *r = bw_value_bool(a[0].s.len >= a[1].s.len && (!a[1].s.len || memcmp(a[0].s.data, a[1].s.data, a[1].s.len) == 0));
}

FN(bw_expr_ends_with)
{
  UNUSED;
  if (bw_expr_pay(ev, a[1].s.len / 64, r))
    *r = bw_value_bool(a[0].s.len >= a[1].s.len &&
                       (!a[1].s.len || memcmp(a[0].s.data + a[0].s.len - a[1].s.len, a[1].s.data, a[1].s.len) == 0));
}

FN(bw_expr_contains) /* glibc's memmem is linear */
{
  UNUSED;
  if (bw_expr_pay(ev, a[0].s.len / 16, r))
    *r = bw_value_bool(!a[1].s.len || (a[0].s.len && memmem(a[0].s.data, a[0].s.len, a[1].s.data, a[1].s.len)));
}

/* ---- conversions ---- */

/* False: too long to be a number, or it starts with a space, which strtod would skip. */
static bool terminated(struct bw_str s, char *out, size_t cap)
{
  if (s.len == 0 || s.len >= cap || memchr(s.data, '\0', s.len) || strchr(" \t\n\v\f\r", s.data[0]))
    return false;
  memcpy(out, s.data, s.len);
  out[s.len] = '\0';
  return true;
}

static void int_of_text(struct bw_str s, struct bw_value *r)
{
  char text[64], *end;
  long long v;
  *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a whole number"));
  if (!terminated(s, text, sizeof text) || text[0] == '+')
    return;
  errno = 0;
  v = strtoll(text, &end, 10);
  if (errno == 0 && *end == '\0')
    *r = bw_value_int(v);
}

FN(bw_expr_int_of)
{
  UNUSED;
  if (a[0].type == BW_TYPE_INT)
    *r = a[0];
  else if (a[0].type == BW_TYPE_STRING)
    int_of_text(a[0].s, r);
  else if (a[0].type == BW_TYPE_TIMESTAMP) /* seconds, as in CEL */
    *r = bw_value_int(a[0].i / 1000 - (a[0].i % 1000 < 0));
  else if (a[0].d > -9223372036854775808.0 && a[0].d < 9223372036854775808.0)
    *r = bw_value_int((int64_t)a[0].d);
  else
    *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("the result is too large a number"));
}

FN(bw_expr_double_of)
{
  char text[64], *end;
  double d;
  UNUSED;
  if (a[0].type == BW_TYPE_DOUBLE) {
    *r = a[0];
    return;
  }
  *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a number"));
  if (!terminated(a[0].s, text, sizeof text) || strpbrk(text, "xX"))
    return;
  d = strtod(text, &end);
  if (isfinite(d) && *end == '\0')
    *r = bw_value_double(d);
}

FN(bw_expr_string_of)
{
  char text[64] = "";
  UNUSED;
  switch (a[0].type) {
  case BW_TYPE_STRING:
    *r = a[0];
    return;
  case BW_TYPE_RANK:
    *r = bw_value_string(a[0].s);
    return;
  case BW_TYPE_BOOL:
    *r = bw_value_string(a[0].b ? BW_STR("true") : BW_STR("false"));
    return;
  case BW_TYPE_INT:
    snprintf(text, sizeof text, "%lld", (long long)a[0].i);
    break;
  case BW_TYPE_DOUBLE:
    bw_number_format(a[0].d, text);
    break;
  case BW_TYPE_TIMESTAMP:
    if (!bw_expr_time_text(a[0].i, text)) {
      *r = bw_value_error(BW_VALUE_OVERFLOW, BW_STR("this time is not within the years 1 to 9999"));
      return;
    }
    break;
  default: /* a duration, in seconds */
    bw_number_format((double)a[0].i / 1000, text);
    strcat(text, "s");
  }
  *r = bw_value_string(keep(ev, bw_str(text)));
}

FN(bw_expr_bool_of)
{
  static const char *const words[][2] = {{"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"}, {"t", "f"}, {"1", "0"}};
  size_t i;
  UNUSED;
  *r = a[0].type == BW_TYPE_BOOL ? a[0] : bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is neither true nor false"));
  for (i = 0; a[0].type == BW_TYPE_STRING && i < sizeof words / sizeof *words; i++)
    if (bw_str_is(a[0].s, words[i][0]) || bw_str_is(a[0].s, words[i][1]))
      *r = bw_value_bool(bw_str_is(a[0].s, words[i][0]));
}

FN(bw_expr_type_of)
{
  UNUSED;
  *r = (struct bw_value){.type = BW_TYPE_TYPE, .s = bw_str(bw_expr_cel_name(a[0].type))};
}
