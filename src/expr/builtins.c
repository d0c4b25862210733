/* SPDX-License-Identifier: Apache-2.0 */
/* Every operator and function that the language brings along, as one table of overloads.  No privileges. */
#include "expr/private.h"

static FN(bw_expr_dyn)
{
  UNUSED;
  *r = a[0];
}

#define COMPARISONS(name, fn)                                                                                                  \
  {name, "dd", BW_TYPE_BOOL, fn, NULL, ""}, {name, "ss", BW_TYPE_BOOL, fn, NULL, ""},                                          \
      {name, "bb", BW_TYPE_BOOL, fn, NULL, ""}, {name, "tt", BW_TYPE_BOOL, fn, NULL, ""},                                      \
      {name, "uu", BW_TYPE_BOOL, fn, NULL, ""}, {name, "ii", BW_TYPE_BOOL, fn, NULL, ""},                                      \
  {                                                                                                                            \
    name, "rr", BW_TYPE_BOOL, fn, NULL, ""                                                                                     \
  }

/* With a time zone after the time, or in UTC. */
#define PARTS(name, fn, help)                                                                                                  \
  {name, "t", BW_TYPE_INT, fn, NULL, help},                                                                                    \
  {                                                                                                                            \
    name, "ts", BW_TYPE_INT, fn, bw_expr_check_zone, help " there: \"UTC\", \"+01:00\""                                        \
  }

const struct bw_expr_function bw_expr_builtins[] = {
    {"_+_", "ii", BW_TYPE_INT, bw_expr_add_ii, NULL, ""},
    {"_+_", "dd", BW_TYPE_DOUBLE, bw_expr_add_dd, NULL, ""},
    {"_+_", "ss", BW_TYPE_STRING, bw_expr_add_texts, NULL, ""},
    {"_+_", "tu", BW_TYPE_TIMESTAMP, bw_expr_add_time, NULL, ""},
    {"_+_", "ut", BW_TYPE_TIMESTAMP, bw_expr_add_time, NULL, ""},
    {"_+_", "uu", BW_TYPE_DURATION, bw_expr_add_duration, NULL, ""},
    {"_+_", "ll", BW_TYPE_LIST, bw_expr_add_lists, NULL, ""},
    {"_-_", "ii", BW_TYPE_INT, bw_expr_sub_ii, NULL, ""},
    {"_-_", "dd", BW_TYPE_DOUBLE, bw_expr_sub_dd, NULL, ""},
    {"_-_", "tt", BW_TYPE_DURATION, bw_expr_sub_times, NULL, ""},
    {"_-_", "tu", BW_TYPE_TIMESTAMP, bw_expr_sub_time, NULL, ""},
    {"_-_", "uu", BW_TYPE_DURATION, bw_expr_sub_duration, NULL, ""},
    {"_*_", "ii", BW_TYPE_INT, bw_expr_mul_ii, NULL, ""},
    {"_*_", "dd", BW_TYPE_DOUBLE, bw_expr_mul_dd, NULL, ""},
    {"_/_", "ii", BW_TYPE_INT, bw_expr_div_ii, NULL, ""},
    {"_/_", "dd", BW_TYPE_DOUBLE, bw_expr_div_dd, NULL, ""},
    {"_%_", "ii", BW_TYPE_INT, bw_expr_mod_ii, NULL, ""},
    {"-_", "i", BW_TYPE_INT, bw_expr_neg_i, NULL, ""},
    {"-_", "d", BW_TYPE_DOUBLE, bw_expr_neg_d, NULL, ""},
    {"-_", "u", BW_TYPE_DURATION, bw_expr_neg_duration, NULL, ""},
    {"!_", "b", BW_TYPE_BOOL, bw_expr_not_b, NULL, ""},
    COMPARISONS("_<_", bw_expr_less),
    COMPARISONS("_<=_", bw_expr_less_equal),
    COMPARISONS("_>_", bw_expr_greater),
    COMPARISONS("_>=_", bw_expr_greater_equal),
    {"_==_", "aa", BW_TYPE_BOOL, bw_expr_equal, NULL, ""},
    {"_!=_", "aa", BW_TYPE_BOOL, bw_expr_not_equal, NULL, ""},
    {"_in_", "al", BW_TYPE_BOOL, bw_expr_in_list, NULL, ""},
    {"_in_", "am", BW_TYPE_BOOL, bw_expr_in_map, NULL, ""},
    {"_[_]", "la", BW_TYPE_ANY, bw_expr_index_list, NULL, ""},
    {"_[_]", "ma", BW_TYPE_ANY, bw_expr_index_map, NULL, ""},
    {"size", "l", BW_TYPE_INT, bw_expr_size_list, NULL, "how many elements a list has"},
    {"size", "m", BW_TYPE_INT, bw_expr_size_list, NULL, "how many keys a map has"},
    {"size", "s", BW_TYPE_INT, bw_expr_size_text, NULL, "how many characters a text has"},
    {"startsWith", "ss", BW_TYPE_BOOL, bw_expr_starts_with, NULL, "account.name.startsWith(\"A\")"},
    {"endsWith", "ss", BW_TYPE_BOOL, bw_expr_ends_with, NULL, "account.name.endsWith(\"GmbH\")"},
    {"contains", "ss", BW_TYPE_BOOL, bw_expr_contains, NULL, "account.name.contains(\"bank\")"},
    {"matches", "ss", BW_TYPE_BOOL, bw_expr_matches, NULL,
     "a regular expression, anywhere in the text: champion.title.matches(\"(?i)^vp \")"},
    {"ceil", "d", BW_TYPE_DOUBLE, bw_expr_ceil_d, NULL, "the next whole number at or above"},
    {"floor", "d", BW_TYPE_DOUBLE, bw_expr_floor_d, NULL, "the next whole number at or below"},
    {"round", "d", BW_TYPE_DOUBLE, bw_expr_round_d, NULL, "the nearest whole number, halves away from zero"},
    {"abs", "i", BW_TYPE_INT, bw_expr_abs_i, NULL, "without its sign"},
    {"abs", "d", BW_TYPE_DOUBLE, bw_expr_abs_d, NULL, "without its sign"},
    {"min", "i+", BW_TYPE_INT, bw_expr_min_n, NULL, "the smallest of the values"},
    {"min", "d+", BW_TYPE_DOUBLE, bw_expr_min_n, NULL, "the smallest of the values"},
    {"max", "i+", BW_TYPE_INT, bw_expr_max_n, NULL, "the largest of the values"},
    {"max", "d+", BW_TYPE_DOUBLE, bw_expr_max_n, NULL, "the largest of the values"},
    {"int", "i", BW_TYPE_INT, bw_expr_int_of, NULL, "itself"},
    {"int", "d", BW_TYPE_INT, bw_expr_int_of, NULL, "a whole number, cut towards zero"},
    {"int", "s", BW_TYPE_INT, bw_expr_int_of, NULL, "the whole number that a text holds"},
    {"int", "t", BW_TYPE_INT, bw_expr_int_of, NULL, "seconds since 1970"},
    {"double", "d", BW_TYPE_DOUBLE, bw_expr_double_of, NULL, "a number"},
    {"double", "s", BW_TYPE_DOUBLE, bw_expr_double_of, NULL, "the number that a text holds"},
    {"string", "s", BW_TYPE_STRING, bw_expr_string_of, NULL, "itself"},
    {"string", "i", BW_TYPE_STRING, bw_expr_string_of, NULL, "a whole number as text"},
    {"string", "d", BW_TYPE_STRING, bw_expr_string_of, NULL, "a number as text"},
    {"string", "b", BW_TYPE_STRING, bw_expr_string_of, NULL, "\"true\" or \"false\""},
    {"string", "t", BW_TYPE_STRING, bw_expr_string_of, NULL, "\"2026-01-31T09:00:00Z\""},
    {"string", "u", BW_TYPE_STRING, bw_expr_string_of, NULL, "the seconds: \"3600s\""},
    {"string", "r", BW_TYPE_STRING, bw_expr_string_of, NULL, "the stage's name"},
    {"bool", "b", BW_TYPE_BOOL, bw_expr_bool_of, NULL, "itself"},
    {"bool", "s", BW_TYPE_BOOL, bw_expr_bool_of, NULL, "what \"true\" or \"false\" says"},
    {"type", "a", BW_TYPE_TYPE, bw_expr_type_of, NULL, "what kind of value it is: type(account.custom.tier) == string"},
    {"dyn", "a", BW_TYPE_ANY, bw_expr_dyn, NULL, "the same value, whose kind is only known when evaluated"},
    {"days", "d", BW_TYPE_DURATION, bw_expr_days, NULL, "a duration: days(120)"},
    {"hours", "d", BW_TYPE_DURATION, bw_expr_hours, NULL, "a duration: hours(4)"},
    {"in_days", "u", BW_TYPE_DOUBLE, bw_expr_in_days, NULL, "a duration as a number of days"},
    {"timestamp", "s", BW_TYPE_TIMESTAMP, bw_expr_timestamp_of, bw_expr_check_timestamp,
     "a date or time: timestamp(\"2026-01-31\")"},
    {"timestamp", "i", BW_TYPE_TIMESTAMP, bw_expr_timestamp_of, NULL, "a time from seconds since 1970"},
    {"timestamp", "t", BW_TYPE_TIMESTAMP, bw_expr_timestamp_of, NULL, "itself"},
    {"duration", "s", BW_TYPE_DURATION, bw_expr_duration_of, bw_expr_check_duration, "a duration: duration(\"36h\")"},
    {"duration", "u", BW_TYPE_DURATION, bw_expr_duration_of, NULL, "itself"},
    PARTS("getFullYear", bw_expr_full_year, "the year"),
    PARTS("getMonth", bw_expr_month, "the month, January is 0"),
    PARTS("getDate", bw_expr_date, "the day of the month, from 1"),
    PARTS("getDayOfMonth", bw_expr_day_of_month, "the day of the month, from 0"),
    PARTS("getDayOfYear", bw_expr_day_of_year, "the day of the year, from 0"),
    PARTS("getDayOfWeek", bw_expr_day_of_week, "the day of the week, Sunday is 0"),
    PARTS("getHours", bw_expr_get_hours, "the hour, 0 to 23"),
    {"getHours", "u", BW_TYPE_INT, bw_expr_get_hours, NULL, "the whole hours of a duration"},
    PARTS("getMinutes", bw_expr_get_minutes, "the minute, 0 to 59"),
    {"getMinutes", "u", BW_TYPE_INT, bw_expr_get_minutes, NULL, "the whole minutes of a duration"},
    PARTS("getSeconds", bw_expr_get_seconds, "the second, 0 to 59"),
    {"getSeconds", "u", BW_TYPE_INT, bw_expr_get_seconds, NULL, "the whole seconds of a duration"},
    PARTS("getMilliseconds", bw_expr_get_milliseconds, "the milliseconds beyond the second"),
    {"getMilliseconds", "u", BW_TYPE_INT, bw_expr_get_milliseconds, NULL, "the milliseconds beyond the second"},
};
const size_t bw_expr_nbuiltins = sizeof bw_expr_builtins / sizeof *bw_expr_builtins;
