/* SPDX-License-Identifier: Apache-2.0 */
/* Bands of a route table, written as people read them: "< 10K", ">= 5M", "5M..20M", ">= 90d".  No privileges. */
#include <math.h>
#include <stdlib.h>

#include "base/amount.h"
#include "base/time.h"
#include "rules/private.h"

static const char *skip(const char *s)
{
  while (*s == ' ' || *s == '\t')
    s++;
  return s;
}

static struct bw_str trim(struct bw_str s)
{
  while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
    s = bw_str_n(s.data + 1, s.len - 1);
  while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    s.len--;
  return s;
}

/* "10000", "10,000", "10K", "1.5M", "2B"; not "10.000" or "1,5K", which mean one thing here and another there. */
static bool amount(struct bw_str s, double *ret)
{
  static const char units[] = "kKmMbB";
  const char *unit = s.len ? memchr(units, s.data[s.len - 1], sizeof units - 1) : NULL;
  double v;
  if (unit)
    s = trim(bw_str_n(s.data, s.len - 1));
  if (bw_amount_parse(s, &v) < 0)
    return false;
  v *= !unit ? 1 : *unit == 'k' || *unit == 'K' ? 1e3 : *unit == 'm' || *unit == 'M' ? 1e6 : 1e9;
  if (v > 1e15)
    return false;
  *ret = v;
  return true;
}

static double named(const struct loader *l, struct bw_str s)
{
  char *name BW_AUTOFREE = bw_str_dup(s);
  return bw_route_constant(&l->p->roster, name);
}

bool bw_load_amount(struct loader *l, const struct bw_node *at, struct bw_str text, double *ret)
{
  struct bw_str s = trim(text);
  double v;
  if (amount(s, ret))
    return true;
  if (s.len && ((s.data[0] >= '0' && s.data[0] <= '9') || s.data[0] == '.' || s.data[0] == ',')) {
    bw_complain(
        l->complaints, at,
        "\"%.*s\" is no plain amount%s; write it as 10000, 10,000 or 10K, with a point before at most two decimals: 1.5M",
        (int)(s.len > 40 ? 40 : s.len), s.data,
        memchr(s.data, '.', s.len) || memchr(s.data, ',', s.len) ? " (where are its thousands, and where its decimals?)" : "");
    return false;
  }
  v = named(l, s);
  if (isnan(v)) {
    bw_complain(l->complaints, at,
                "\"%.*s\" is neither an amount (10000, 10K, 5M) nor the name of one under \"settings\" in routes/, which must "
                "come before (file names are read in order)",
                (int)(s.len > 40 ? 40 : s.len), s.data);
    return false;
  }
  *ret = v;
  return true;
}

static bool bound(struct loader *l, const struct bw_node *at, struct bw_str s, bool duration, double *ret)
{
  int64_t ms;
  s = trim(s);
  if (!duration)
    return bw_load_amount(l, at, s, ret);
  if (bw_duration_parse(s, &ms) < 0 || ms < 0) {
    bw_complain(l->complaints, at, "\"%.*s\" is not a duration such as 90d or 12w", (int)(s.len > 40 ? 40 : s.len), s.data);
    return false;
  }
  *ret = (double)ms;
  return true;
}

static const char *find_dots(struct bw_str s)
{
  size_t i;
  for (i = 0; i + 1 < s.len; i++)
    if (s.data[i] == '.' && s.data[i + 1] == '.')
      return s.data + i;
  return NULL;
}

/* lo..hi: from lo, up to but without hi, so that neighbouring bands share a number and never an account. */
static bool range(struct loader *l, const struct bw_node *at, const char *dots, bool duration, struct bw_band *b)
{
  struct bw_str s = at->text;
  struct bw_str lo = bw_str_n(s.data, (size_t)(dots - s.data));
  struct bw_str hi = bw_str_n(dots + 2, s.len - lo.len - 2);
  if (!bound(l, at, lo, duration, &b->lo) || !bound(l, at, hi, duration, &b->hi))
    return false;
  b->lo_in = true;
  if (b->lo < b->hi)
    return true;
  bw_complain(l->complaints, at, "nothing is in this band: from %.*s up to %.*s", BW_FMT(trim(lo)), BW_FMT(trim(hi)));
  return false;
}

static bool compared(struct loader *l, const struct bw_node *at, bool duration, struct bw_band *b)
{
  const char *s = skip(at->text.data);
  bool less = *s == '<', equal = s[1] == '=';
  struct bw_str rest;
  double v;
  s += equal ? 2 : 1;
  rest = bw_str_n(s, at->text.len - (size_t)(s - at->text.data));
  if (!bound(l, at, rest, duration, &v))
    return false;
  if (less) {
    b->hi = v;
    b->hi_in = equal;
  } else {
    b->lo = v;
    b->lo_in = equal;
  }
  return true;
}

void bw_load_band(struct loader *l, const struct bw_node *at, bool duration, struct bw_band *ret)
{
  struct bw_band b = {.set = true, .lo = -INFINITY, .hi = INFINITY};
  const char *first, *dots;
  bool ok;
  if (at->type != BW_NODE_STRING || at->text.len > 200) {
    bw_complain(l->complaints, at, "a band should stand here, in quotes: %s",
                duration ? "\"< 90d\", \">= 90d\" or \"90d..365d\"" : "\"< 10K\", \">= 5M\" or \"5M..20M\"");
    return;
  }
  if (bw_str_is(at->text, "any"))
    return;
  first = skip(at->text.data);
  dots = find_dots(at->text);
  if (*first == '<' || *first == '>') {
    ok = compared(l, at, duration, &b);
  } else if (dots) {
    ok = range(l, at, dots, duration, &b);
  } else {
    bw_complain(l->complaints, at, "a band begins with <, <=, > or >=, or has two ends (%s)",
                duration ? "90d..365d" : "5M..20M");
    return;
  }
  if (!ok)
    return;
  b.text = bw_str_dup(at->text);
  free(ret->text);
  *ret = b;
}

bool bw_band_holds(const struct bw_band *b, double v)
{
  return !b->set || ((v > b->lo || (b->lo_in && v >= b->lo)) && (v < b->hi || (b->hi_in && v <= b->hi)));
}
