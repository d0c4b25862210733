/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics.  Runs in watcher hosts; no privileges needed. */
#include "sdk/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

double bw_normal_tail(double z)
{
  return 0.5 * erfc(z / sqrt(2.0));
}

double bw_normal_z(double p)
{
  double lo = -40, hi = 40;
  int i;
  for (i = 0; i < 200 && hi - lo > 1e-12; i++) { /* once per configured chance: bisection is good enough */
    double mid = (lo + hi) / 2;
    if (bw_normal_tail(mid) > p)
      lo = mid;
    else
      hi = mid;
  }
  return (lo + hi) / 2;
}

double bw_poisson_cdf(double k, double mean)
{
  double term, sum;
  int i;
  if (k < 0)
    return 0;
  if (mean <= 0)
    return 1;
  if (mean > 5000)
    return bw_normal_tail((mean - k - 0.5) / sqrt(mean));
  sum = 0;
  for (i = 0; i <= k && i < 20000; i++) {
    term = exp((double)i * log(mean) - mean - lgamma((double)i + 1));
    sum += term;
    if (i > mean && term < 1e-18)
      break;
  }
  return sum > 1 ? 1 : sum;
}

double bw_compare_counts(double a, double b, double ratio, double dispersion)
{
  double n = a + b, p = ratio / (1 + ratio), sd = sqrt(n * p * (1 - p) * (dispersion < 1 ? 1 : dispersion)), d = a - n * p;
  if (!(sd > 0))
    return 0;
  d = fabs(d) <= 0.5 ? 0 : d > 0 ? d - 0.5 : d + 0.5;
  return d / sd;
}

double bw_dispersion(const double *x, uint32_t n, uint32_t min_pairs, double otherwise)
{
  double sum = 0, phi;
  uint32_t i, pairs = 0;
  for (i = 0; i + 1 < n; i++)
    if (x[i] + x[i + 1] > 0) {
      sum += (x[i + 1] - x[i]) * (x[i + 1] - x[i]) / (x[i] + x[i + 1]);
      pairs++;
    }
  if (pairs < min_pairs || pairs == 0)
    return otherwise;
  phi = sum / pairs;
  return phi < 1 ? 1 : phi;
}

static void sort_few(double *x, uint32_t n)
{
  uint32_t i, k;
  for (i = 1; i < n; i++) {
    double v = x[i];
    for (k = i; k > 0 && x[k - 1] > v; k--)
      x[k] = x[k - 1];
    x[k] = v;
  }
}

/* A number's bits as an integer of the same order, and back. */
static uint64_t to_ordered(double v)
{
  uint64_t bits;
  v += 0.0; /* no negative zero */
  memcpy(&bits, &v, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double from_ordered(uint64_t key)
{
  uint64_t bits = key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

/* A radix sort by bytes, without those that all numbers share. */
static void sort_many(double *x, uint32_t n)
{
  uint64_t *from = bw_alloc((size_t)n * 2 * sizeof *from), *to = from + n, *all = from, *swap;
  uint32_t i, byte, sum, at[256];
  for (i = 0; i < n; i++)
    from[i] = to_ordered(x[i]);
  for (byte = 0; byte < 64; byte += 8) {
    memset(at, 0, sizeof at);
    for (i = 0; i < n; i++)
      at[from[i] >> byte & 255]++;
    if (at[from[0] >> byte & 255] == n)
      continue;
    for (i = sum = 0; i < 256; i++) {
      uint32_t here = at[i];
      at[i] = sum;
      sum += here;
    }
    for (i = 0; i < n; i++)
      to[at[from[i] >> byte & 255]++] = from[i];
    swap = from;
    from = to;
    to = swap;
  }
  for (i = 0; i < n; i++)
    x[i] = from_ordered(from[i]);
  free(all);
}

/* Few numbers of each account, many of the fleet: qsort() is slow at both. */
void bw_sort(double *x, uint32_t n)
{
  if (n <= 40)
    sort_few(x, n);
  else
    sort_many(x, n);
}

static double middle_of(double a, double b, double c)
{
  if (a > b)
    return b > c ? b : a > c ? c : a;
  return a > c ? a : b > c ? c : b;
}

/* Quickselect (Hoare 1961) over x[from..to]: x[k] as if they were sorted, no greater before it, no smaller behind it.  Where
   the splits are bad too often, the rest is sorted. */
static void select_at(double *x, uint32_t from, uint32_t to, uint32_t k)
{
  uint32_t tries = 64;
  while (to - from >= 12) {
    double pivot = middle_of(x[from], x[from + (to - from) / 2], x[to]);
    uint32_t i = from, j = to;
    if (--tries == 0)
      break;
    for (;;) {
      double v;
      while (i < to && x[i] < pivot)
        i++;
      while (j > from && x[j] > pivot)
        j--;
      if (i >= j)
        break;
      v = x[i];
      x[i++] = x[j];
      x[j--] = v;
    }
    /* x[from..j] <= pivot <= x[i..to]; where they meet, it is the pivot */
    if (k <= j && k < i)
      to = i == j ? j - 1 : j;
    else if (k >= i && k > j)
      from = i == j ? i + 1 : i;
    else
      return;
  }
  bw_sort(x + from, to - from + 1);
}

static double least_of(const double *x, uint32_t n)
{
  double v = x[0];
  uint32_t i;
  for (i = 1; i < n; i++)
    v = x[i] < v ? x[i] : v;
  return v;
}

double bw_quantile(double *x, uint32_t n, double q)
{
  double at;
  uint32_t i;
  if (n == 0)
    return 0;
  at = q * (n - 1);
  i = (uint32_t)at;
  i = i < n ? i : n - 1;
  select_at(x, 0, n - 1, i);
  return i + 1 < n ? x[i] + (at - i) * (least_of(x + i + 1, n - i - 1) - x[i]) : x[n - 1];
}

double bw_median(double *x, uint32_t n)
{
  return bw_quantile(x, n, 0.5);
}

double bw_quantile_cut(double *x, uint32_t n, double q)
{
  uint32_t room = (uint32_t)floor((1 - q) * n + 1e-9), i, k;
  double tie, next = INFINITY;
  if (n == 0 || room == 0)
    return INFINITY;
  if (room >= n)
    return least_of(x, n);
  i = n - room - 1;
  select_at(x, 0, n - 1, i);
  tie = x[i];
  if ((next = least_of(x + i + 1, room)) > tie)
    return next;
  for (k = i + 1, next = INFINITY; k < n; k++) /* the tie reaches above: the next greater value */
    next = x[k] > tie && x[k] < next ? x[k] : next;
  return next;
}

/* Ranks of the slope's interval among k slopes of n points. */
static void slope_ranks(uint32_t n, uint32_t k, uint32_t *ret_lo, uint32_t *ret_hi)
{
  static const double z95 = 1.959963984540054;
  double c = z95 * sqrt((double)n * (n - 1) * (2.0 * n + 5) / 18);
  long lo = (long)floor(((double)k - c) / 2) - 1, hi = (long)ceil(((double)k + c) / 2);
  *ret_lo = lo < 0 ? 0 : (uint32_t)lo;
  *ret_hi = hi >= (long)k ? k - 1 : (uint32_t)hi;
}

static const double *newest(const double *y, uint32_t *n)
{
  if (*n > BW_TREND_MAX) {
    y += *n - BW_TREND_MAX;
    *n = BW_TREND_MAX;
  }
  return y;
}

bool bw_trend_fit(const double *y, uint32_t n, struct bw_trend *ret_trend)
{
  double slopes[BW_TREND_MAX * (BW_TREND_MAX - 1) / 2], rest[BW_TREND_MAX];
  uint32_t i, j, k = 0, lo, hi;
  struct bw_trend t = {0};
  y = newest(y, &n);
  if (n < 4)
    return false;
  for (i = 0; i < n; i++)
    for (j = i + 1; j < n; j++)
      slopes[k++] = (y[j] - y[i]) / (double)(j - i);
  slope_ranks(n, k, &lo, &hi);
  t.slope = bw_median(slopes, k); /* what comes before and behind the middle is apart from here on */
  select_at(slopes, 0, (k - 1) / 2, lo);
  select_at(slopes, (k - 1) / 2, k - 1, hi);
  t.lower = slopes[lo];
  t.upper = slopes[hi];
  for (i = 0; i < n; i++)
    rest[i] = y[i] - t.slope * i;
  t.intercept = bw_median(rest, n);
  t.n = n;
  t.middle_x = (n - 1) / 2.0;
  t.middle_y = t.intercept + t.slope * t.middle_x;
  *ret_trend = t;
  return true;
}

/* The interval's lower end is a slope's rank, so whether it is above zero is a count of the pairs that do not rise. */
bool bw_trend_rising(const double *y, uint32_t n, struct bw_trend *ret_trend)
{
  uint32_t i, j, flat = 0, lo, hi;
  y = newest(y, &n);
  if (n < 4)
    return false;
  slope_ranks(n, n * (n - 1) / 2, &lo, &hi);
  for (i = 0; i < n && flat <= lo; i++)
    for (j = i + 1; j < n; j++)
      flat += y[j] <= y[i];
  return flat <= lo && bw_trend_fit(y, n, ret_trend);
}

double bw_trend_at(const struct bw_trend *t, double steps_after_last)
{
  return t->intercept + t->slope * (t->n - 1 + steps_after_last);
}

static double reach(const struct bw_trend *t, double slope, double level)
{
  double left = level - t->middle_y, x;
  if (left <= 0)
    return 0;
  if (slope <= 0)
    return INFINITY;
  x = t->middle_x + left / slope - (t->n - 1);
  return x < 0 ? 0 : x;
}

void bw_trend_reach(const struct bw_trend *t, double level, struct bw_forecast *ret_forecast)
{
  ret_forecast->steps = reach(t, t->slope, level);
  ret_forecast->earliest = reach(t, t->upper, level);
  ret_forecast->latest = reach(t, t->lower, level);
}

double bw_weekday_expected(double (*get)(void *ctx, int32_t day), bool (*skip)(void *ctx, int32_t day), void *ctx, int32_t day,
                           uint32_t weeks)
{
  double x[BW_TREND_MAX];
  uint32_t w, n = 0;
  for (w = 1; w <= weeks && w <= BW_TREND_MAX; w++) {
    int32_t d = day - 7 * (int32_t)w;
    if (d < 0 || (skip && skip(ctx, d)))
      continue;
    x[n++] = get(ctx, d);
  }
  return n < 3 ? -1 : bw_median(x, n);
}
