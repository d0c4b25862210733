/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every signal in its plainest story: it opens once when the thing happens, stays silent when it does not, and clears when it
 * is over.
 */
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

#include "world.h"

#define SUB BW_KIND_SUBSCRIPTION
#define FIELDS(...)                                                                                                            \
  (const char *const[])                                                                                                        \
  {                                                                                                                            \
    __VA_ARGS__, NULL                                                                                                          \
  }

/* One day of the story; `on`: the telling thing happens (it does from day 120 to day 200). */
typedef void story(struct world *w, int day, bool on);

/* Ten users a weekday, who make the account an ordinary one. */
static void ordinary(struct world *w, int day)
{
  if (!is_weekend(day))
    world_events(w, day, "acme", "Work Done", 40, 0, 10, NULL);
}

/* Twelve other accounts, so that there is a fleet. */
static void fleet(struct world *w, int day, const char *event, uint32_t n, const char *field)
{
  uint32_t i;
  for (i = 0; i < 12 && !is_weekend(day); i++)
    world_events(w, day, w->names[1000 + i], event, n + i % 3, 100 + 10 * i, 5, field);
}

static void seats(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:seats=#20", "t:plan=pro"));
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "Work Done", 10, 10, 10, NULL);
}

static void sharing(struct world *w, int day, bool on)
{
  static const char *const ips[] = {"c:ip=10.0.0.1", "c:ip=10.0.0.2", "c:ip=10.0.0.3"};
  uint32_t user, i;
  ordinary(w, day);
  for (user = 0; on && user < 3; user++)
    for (i = 0; i < 3; i++)
      harness_put(&w->h, BW_KIND_TRACK, world_time(day, i), "acme", w->names[user], "Work Done", FIELDS(ips[i]));
}

static void added(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:seats=#20"));
  if (on)
    world_facts(w, day, SUB, "acme", FIELDS("t:seats=#30"));
  ordinary(w, day);
}

static void invites(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "invite_blocked", 1, 0, 1, NULL);
}

static void meter(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:limits.api_calls=#1000"));
  ordinary(w, day);
  world_events(w, day, "acme", "API Called", 1, 0, 1, on ? "p:count=#40" : "p:count=#10");
}

static void rate(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:limits.per_minute=#100"));
  ordinary(w, day);
  world_events(w, day, "acme", "API Called", 1, 0, 1, on ? "p:count=#90" : "p:count=#20");
}

static void rising(struct world *w, int day, bool on)
{
  static char text[200][24];
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:limits.api_calls=#10000", "t:seats=#11"));
  ordinary(w, day);
  (void)snprintf(text[day % 200], sizeof text[0], "p:count=#%d", 50 + (on ? (day - 120) * 3 : 0));
  world_events(w, day, "acme", "API Called", 1, 0, 1, text[day % 200]);
}

static void outgrown(struct world *w, int day, bool on)
{
  rising(w, day, on);
  if (on)
    world_events(w, day, "acme", "Work Done", 4, 10, 2, NULL);
}

static void paywall(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "Paywall Hit", 1, 0, 1, "p:feature=sso");
}

static void more(struct world *w, int day, bool on)
{
  fleet(w, day, "Work Done", 20, NULL);
  ordinary(w, day);
  if (on && !is_weekend(day))
    world_events(w, day, "acme", "Work Done", 40, 0, 10, NULL);
}

static void less(struct world *w, int day, bool on)
{
  fleet(w, day, "Work Done", 20, NULL);
  if (!is_weekend(day))
    world_events(w, day, "acme", "Work Done", on ? 10 : 40, 0, on ? 3 : 10, NULL);
}

static void silence(struct world *w, int day, bool on)
{
  fleet(w, day, "Work Done", 20, NULL);
  if (!on)
    ordinary(w, day);
}

static void one_feature(struct world *w, int day, bool on)
{
  fleet(w, day, "Work Done", 20, NULL);
  ordinary(w, day);
  world_events(w, day, "acme", "Feature Used", on ? 12 : 3, 0, 5, "p:feature=reports");
}

static void logins(struct world *w, int day, bool on)
{
  fleet(w, day, "Signed In", 3, NULL);
  ordinary(w, day);
  world_events(w, day, "acme", "Signed In", on ? 10 : 2, 0, on ? 10 : 2, NULL);
}

static void sticky(struct world *w, int day, bool on)
{
  if (on || bw_day_weekday(DAY0 + day) < 3)
    world_events(w, day, "acme", "Work Done", 40, 0, 10, NULL);
}

static void loose(struct world *w, int day, bool on)
{
  if (on) /* forty people come by now and then */
    world_events(w, day, "acme", "Work Done", 2, (uint32_t)(day * 2 % 40), 2, NULL);
  else
    world_events(w, day, "acme", "Work Done", 40, 0, 10, NULL);
}

static void breadth(struct world *w, int day, bool on)
{
  static const char *const names[] = {"Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta"};
  uint32_t i;
  fleet(w, day, "Work Done", 5, NULL);
  ordinary(w, day);
  for (i = 0; on && i < 6; i++)
    world_events(w, day, "acme", names[i], 1, 0, 1, NULL);
}

static void runs(struct world *w, int day, bool on)
{
  fleet(w, day, "Workflow Run", 2, NULL);
  ordinary(w, day);
  world_events(w, day, "acme", "Workflow Run", on ? 60 : 1, 0, 1, NULL);
}

static void ready(struct world *w, int day, bool on)
{
  uint32_t i;
  if (day == 0)
    for (i = 0; i < 13; i++)
      world_facts(w, day, SUB, i < 12 ? w->names[1000 + i] : "acme", FIELDS("t:seats=#20", "t:limits.api_calls=#10000"));
  fleet(w, day, "API Called", 3, "p:count=#1");
  if (on)
    world_events(w, day, "acme", "API Called", 1, 0, 1, "p:count=#300");
  seats(w, day == 0 ? 1 : day, on);
  breadth(w, day, on);
}

static void department(struct world *w, int day, bool on)
{
  ordinary(w, day);
  world_events(w, day, "acme", "Work Done", 2, 0, 2, "p:department=sales");
  if (on)
    world_events(w, day, "acme", "Work Done", 4, 50, 4, "p:department=legal");
}

static void border(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "Feature Used", 1, 0, 1, "p:feature=csv_upload");
}

static void detour(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (!on)
    return;
  harness_put(&w->h, BW_KIND_TRACK, world_time(day, 1), "acme", "u1", "Exported", NULL);
  harness_put(&w->h, BW_KIND_TRACK, world_time(day, 9), "acme", "u1", "Imported", FIELDS("p:source=csv"));
}

static void sign_ups(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "Signed Up", 1, (uint32_t)(300 + day), 1, NULL);
}

static void cluster(struct world *w, int day, bool on)
{
  world_events(w, day, "domain:acme.example", "Work Done", on ? 6 : 3, 0, on ? 6 : 3, NULL);
}

static void hits(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, BW_KIND_ACCOUNT, "acme", FIELDS("t:plan=free", "t:arr=0"));
  ordinary(w, day);
  if (on)
    world_events(w, day, "acme", "Quota Exceeded", 1, 0, 1, NULL);
}

static void shares(struct world *w, int day, bool on)
{
  ordinary(w, day);
  world_events(w, day, "acme", "Report Shared", 1, 0, 1, on ? "p:to=friend@elsewhere.example" : "p:to=u3");
}

static void unused(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:products==[\"forms\"]"));
  ordinary(w, day);
  if (!on)
    world_events(w, day, "acme", "Feature Used", 1, 0, 1, "p:feature=forms");
}

static void exports(struct world *w, int day, bool on)
{
  ordinary(w, day);
  if (day % 7 == 0 || on)
    world_events(w, day, "acme", "Data Exported", on ? 5 : 1, 0, 1, NULL);
}

static void idle(struct world *w, int day, bool on)
{
  if (day == 0)
    world_facts(w, day, SUB, "acme", FIELDS("t:seats=#20"));
  world_events(w, day, "acme", "Work Done", 12, 0, on ? 3 : 12, NULL);
}

#define RATES                                                                                                                  \
  "meters=[{\"resource\":\"api\",\"event\":\"API Called\",\"quantity\":\"properties.count\","                                  \
  "\"rate_window\":\"1m\",\"rate_limit\":\"per_minute\"}]"
#define DETOUR                                                                                                                 \
  "workarounds=[{\"name\":\"csv\",\"within\":\"1h\",\"count\":3,\"window\":\"7d\",\"steps\":[{\"event\":"                      \
  "\"Exported\"},{\"event\":\"Imported\",\"where\":{\"properties.source\":\"csv\"}}]}]"

static const struct scenario {
  const char *signal;
  story *day;
  const char *option;
} scenarios[] = {
    {"seat_limit", seats, NULL},
    {"seat_utilization", seats, NULL},
    {"login_sharing", sharing, NULL},
    {"seats_added", added, NULL},
    {"invite_blocked", invites, NULL},
    {"usage_limit", meter, NULL},
    {"usage_near_limit", meter, NULL},
    {"api_rate_near", rate, RATES},
    {"limit_forecast", rising, NULL},
    {"tier_outgrown", outgrown, NULL},
    {"paid_feature_attempt", paywall, NULL},
    {"usage_growth", more, NULL},
    {"feature_doubled", one_feature, NULL},
    {"heavy_logins", logins, NULL},
    {"adoption_high", sticky, NULL},
    {"feature_breadth", breadth, NULL},
    {"automation_depth", runs, NULL},
    {"expansion_ready_usage", ready, NULL},
    {"new_department", department, NULL},
    {"feature_adjacency", border, "adjacent={\"importer\": [\"csv_upload\"]}"},
    {"workaround", detour, DETOUR},
    {"organic_signups", sign_ups, NULL},
    {"free_cluster", cluster, NULL},
    {"free_limits", hits, NULL},
    {"product_sharing", shares, NULL},
    {"not_adopted", unused, NULL},
    {"data_export", exports, NULL},
    {"usage_decline", less, NULL},
    {"logins_decline", less, NULL},
    {"idle_seats", idle, NULL},
    {"adoption_low", loose, NULL},
    {"gone_silent", silence, NULL},
};

static uint32_t count_lines(struct bw_buf *said, const char *state, const char *signal, const char *account)
{
  char want[128];
  const char *p = bw_buf_cstr(said);
  uint32_t n = 0;
  (void)snprintf(want, sizeof want, " %s %s %s", state, signal, account);
  for (; (p = strstr(p, want)); p++)
    n++;
  return n;
}

static void play(const struct scenario *s, bool happens, uint32_t *ret_opened, uint32_t *ret_cleared)
{
  struct world w;
  const char *options[] = {"traits=[]", s->option, NULL};
  int day;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, options));
  for (day = 0; day < 320; day++) {
    s->day(&w, day, happens && day >= 120 && day < 200);
    world_tick(&w, day);
  }
  *ret_opened = count_lines(&w.h.said, "opened", s->signal, s->day == cluster ? "domain:acme" : "acme");
  *ret_cleared = count_lines(&w.h.said, "cleared", s->signal, s->day == cluster ? "domain:acme" : "acme");
  world_close(&w);
}

static void each_signal_opens_once_and_clears(void **state)
{
  size_t i;
  uint32_t failed = 0, opened, cleared;
  (void)state;
  for (i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    const struct scenario *s = &scenarios[i];

    play(s, false, &opened, &cleared);
    if (opened != 0) {
      print_error("%s: opened %u times in a story in which nothing happens\n", s->signal, opened);
      failed++;
    }
    play(s, true, &opened, &cleared);
    if (opened != 1 || cleared != (s->day == added || s->day == idle ? cleared : 1)) {
      print_error("%s: opened %u and cleared %u times, wanted once each\n", s->signal, opened, cleared);
      failed++;
    }
  }
  assert_int_equal(failed, 0);
}

static void a_refused_invitation_is_a_seat_limit(void **state)
{
  struct world w;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, NULL));
  world_facts(&w, 0, SUB, "acme", FIELDS("t:seats=#20"));
  ordinary(&w, 0);
  world_tick(&w, 0);
  assert_int_equal(harness_opened(&w.h, "seat_limit"), 0);
  ordinary(&w, 1);
  world_events(&w, 1, "acme", "Invite Refused", 1, 0, 1, NULL);
  world_tick(&w, 1);
  assert_int_equal(harness_opened(&w.h, "seat_limit"), 1);
  world_close(&w);
}

/* The levels that need no history open within the hour, not at midnight. */
static void levels_are_seen_at_the_next_hourly_tick(void **state)
{
  struct world w;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, NULL));
  world_facts(&w, 0, SUB, "acme", FIELDS("t:seats=#10"));
  world_tick(&w, 0);
  world_events(&w, 1, "acme", "Work Done", 10, 0, 10, NULL);
  harness_tick(&w.h, world_time(1, 0) + 3600000);
  assert_int_equal(harness_opened(&w.h, "seat_limit"), 1);
  assert_int_equal(harness_opened(&w.h, "seat_utilization"), 1);
  world_close(&w);
}

/* The forecast says a date, and an interval round it. */
static void a_forecast_carries_a_date_and_an_interval(void **state)
{
  struct world w;
  int day;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, NULL));
  for (day = 0; day < 190; day++) {
    rising(&w, day, day >= 120);
    world_tick(&w, day);
  }
  assert_int_equal(harness_opened(&w.h, "limit_forecast"), 1);
  assert_non_null(strstr(bw_buf_cstr(&w.h.said), "\"date\":\"2020-"));
  assert_non_null(strstr(bw_buf_cstr(&w.h.said), "\"interval\":[\"2020-"));
  world_close(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_signal_opens_once_and_clears),
      cmocka_unit_test(a_refused_invitation_is_a_seat_limit),
      cmocka_unit_test(levels_are_seen_at_the_next_hourly_tick),
      cmocka_unit_test(a_forecast_carries_a_date_and_an_interval),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
