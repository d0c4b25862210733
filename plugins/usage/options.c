/* SPDX-License-Identifier: Apache-2.0 */
/* The tables: options, signals, traits.  Runs in a watcher host; no privileges needed. */
#include "usage.h"

#define ROW(name, type, text, lo, hi, help)                                                                                    \
  {                                                                                                                            \
    name, BW_OPTION_##type, 0, text, lo, hi, help                                                                              \
  }

const struct bw_option usage_options[OPT_COUNT] = {
#define SIGNAL(ID, name, dir, urgency, plays, type, thr, clr, window, min, hold, cool, help, help_thr, help_min)               \
  ROW(#name ".enabled", BOOL, "true", 0, 0, help),                                                                             \
      ROW(#name ".threshold", type, thr, 0, 1e12, "Opens at this level: " help_thr "."),                                       \
      ROW(#name ".clear", type, clr, 0, 1e12, "Stays open up to this level: " help_thr "."),                                   \
      ROW(#name ".window", DURATION, window, 86400000.0, 34560000000.0, "The span looked at, in whole days."),                 \
      ROW(#name ".min", NUMBER, min, 0, 1e12, "Least volume: " help_min "."),                                                  \
      ROW(#name ".for", DURATION, hold, 0, 31536000000.0, "How long it must hold before it opens, in days."),                  \
      ROW(#name ".cooldown", DURATION, cool, 0, 31536000000.0, "Quiet after clearing, in days."),
#include "signals.def"
#undef SIGNAL
#define OPTION(ID, name, type, text, lo, hi, help) ROW(name, type, text, lo, hi, help),
#include "extras.def"
#undef OPTION
};

const struct bw_signal_decl usage_signals[SIG_COUNT] = {
#define SIGNAL(ID, name, dir, urgency, plays, type, thr, clr, window, min, hold, cool, help, help_thr, help_min)               \
  {#name, BW_##dir, BW_URGENCY_##urgency, plays, help},
#include "signals.def"
#undef SIGNAL
};

const struct bw_trait_decl usage_traits[TRAIT_COUNT] = {
    {"seats_used", BW_VALUE_NUMBER, 0, "users", "Distinct active users in 28 days, or provisioned users where told."},
    {"seats_bought", BW_VALUE_NUMBER, 0, "seats", "Seats of the subscription."},
    {"seats_needed", BW_VALUE_NUMBER, 0, "seats", "Seats in use, carried on by their trend for 90 days."},
    {"dau", BW_VALUE_NUMBER, 0, "users", "Active users a day, mean of the last 7 days."},
    {"wau", BW_VALUE_NUMBER, 0, "users", "Distinct active users in 7 days."},
    {"mau", BW_VALUE_NUMBER, 0, "users", "Distinct active users in 28 days."},
    {"dau_mau", BW_VALUE_NUMBER, 0, "share", "Mean daily over monthly active users."},
    {"feature_breadth", BW_VALUE_NUMBER, 0, "features", "Distinct features used in 28 days."},
    {"automation_depth", BW_VALUE_NUMBER, 0, "runs", "Automation runs in 28 days per active user."},
    {"usage", BW_VALUE_NUMBER, 0, "", "Use of the resource in its window; key: resource."},
    {"limit_ratio", BW_VALUE_NUMBER, 0, "ratio", "Use of the resource over its limit; key: resource."},
    {"limit_date", BW_VALUE_STRING, 0, "", "Day on which the trend meets the limit; key: resource."},
    {"first_active", BW_VALUE_STRING, 0, "", "First day with a record."},
    {"last_active", BW_VALUE_STRING, 0, "", "Last day with activity, told when it is a week old or newer by a week."},
    {"departments", BW_VALUE_NUMBER, 0, "departments", "Departments active in 90 days."},
    {"events_28d", BW_VALUE_NUMBER, 0, "events", "Track events in 28 days."},
    {"events_prev_28d", BW_VALUE_NUMBER, 0, "events", "Track events in the 28 days before."},
};
