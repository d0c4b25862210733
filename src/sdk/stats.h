/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics of watchers: count comparisons, robust trends and forecasts, quantiles, weekday profiles.
   Pure functions; run in watcher hosts; no privileges needed. */
#ifndef BW_SDK_STATS_H
#define BW_SDK_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* P(Z >= z) of the standard normal distribution. */
double bw_normal_tail(double z);
/* The z with P(Z >= z) = p; p within (0, 1). */
double bw_normal_z(double p);
/* P(X <= k) for X Poisson of this mean (exact sum; the normal approximation above a mean of 5000). */
double bw_poisson_cdf(double k, double mean);

/*
 * Is count a, against count b of a span as long, what chance explains if a's rate is `ratio` times b's?  Given a + b, a is
 * binomial with p = ratio / (1 + ratio) (Przyborowski & Wilenski 1940); dispersion >= 1 widens its variance (quasi-Poisson,
 * Wedderburn 1974).  Returns z with continuity correction: positive where a is too high.
 */
double bw_compare_counts(double a, double b, double ratio, double dispersion);

/* Dispersion from successive spans of counts: the mean of (x[i+1] - x[i])^2 / (x[i+1] + x[i]), at least 1; a trend hardly
   touches it (after von Neumann 1941).  Fewer than `min_pairs` pairs with something in them: `otherwise`. */
double bw_dispersion(const double *x, uint32_t n, uint32_t min_pairs, double otherwise);

void bw_sort(double *x, uint32_t n); /* ascending */
/* These three leave x in another order.  Empty: 0. */
double bw_median(double *x, uint32_t n);
/* Linear interpolation between order statistics (Hyndman & Fan type 7); q within [0, 1]. */
double bw_quantile(double *x, uint32_t n, double q);
/* The least value that at most a share of 1 - q of the values reach or exceed: with ties, "top quartile" stays a quartile.
   Infinity where no value will do, and of none. */
double bw_quantile_cut(double *x, uint32_t n, double q);

/* Theil-Sen line through (0, y[0]) ... (n - 1, y[n - 1]), with the 95 % interval of the slope by Kendall's variance
   (Sen 1968).  At most BW_TREND_MAX points: the newest are used. */
#define BW_TREND_MAX 64
struct bw_trend {
  double slope, lower, upper; /* per step */
  double intercept;           /* at step 0 of the points used */
  double middle_x, middle_y;  /* the point that the interval's lines turn about */
  uint32_t n;
};
bool bw_trend_fit(const double *y, uint32_t n, struct bw_trend *ret_trend); /* false: fewer than 4 points */
/* The same where the interval's lower end is above 0, else false, which it is quick to say. */
bool bw_trend_rising(const double *y, uint32_t n, struct bw_trend *ret_trend);
/* Steps from the last point until the line is at `level`; infinity where it never is.  earliest <= steps <= latest. */
struct bw_forecast {
  double steps, earliest, latest;
};
void bw_trend_reach(const struct bw_trend *t, double level, struct bw_forecast *ret_forecast);
double bw_trend_at(const struct bw_trend *t, double steps_after_last);

/* What a day should hold: the median of the same weekday over `weeks` weeks before `day` (days that `skip` names left out).
   get returns the series' number.  Negative where fewer than 3 weeks have anything to say. */
double bw_weekday_expected(double (*get)(void *ctx, int32_t day), bool (*skip)(void *ctx, int32_t day), void *ctx, int32_t day,
                           uint32_t weeks);

#endif
