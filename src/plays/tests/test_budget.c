/* SPDX-License-Identifier: Apache-2.0 */
/* A day's budget of new leads per owner: who comes first, who waits, and what becomes of those. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "plays/tests/routing.h"

#define ROUTES "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: csm}]\n"
#define TWO_A_DAY "people:\n- {email: carl@x, name: carl, capacity: 2}\n---\n" ROUTES
/* High above 90,000; else medium. */
#define RANKED RISK_PLAY("p", "r") "priority: {high: account.acv > 90000, medium: 'true'}\n"

static void customer(struct world *w, const char *id, int acv, const char *csm)
{
  char traits[200];
  snprintf(traits, sizeof traits, "{\"acv\":%d,\"arr\":%d,\"start\":\"2024-01-01\",\"csm\":\"%s\"}", acv, acv, csm);
  routing_account(w, id, traits);
}

static int add_account(void *ctx, const struct bw_lead *l)
{
  bw_buf_printf(ctx, "%s ", l->account);
  return 0;
}

/* Which accounts' leads are in this status, by number. */
struct listing {
  enum bw_lead_status status;
  struct bw_buf text;
};

static int add_with_status(void *ctx, const struct bw_lead *l)
{
  struct listing *list = ctx;
  if (l->status == list->status)
    bw_buf_printf(&list->text, "%s ", l->account);
  return 0;
}

static void expect(struct world *w, enum bw_lead_status status, const char *accounts)
{
  struct listing list = {.status = status};
  bw_leads_each(w->engine, false, add_with_status, &list);
  if (strcmp(bw_buf_cstr(&list.text), accounts) != 0)
    fail_msg("%s: expected \"%s\", got \"%s\"", bw_lead_status_name(status), accounts, bw_buf_cstr(&list.text));
  bw_buf_clear(&list.text);
}

static void expect_queue(struct world *w, const char *accounts)
{
  struct bw_buf b = {0};
  bw_leads_each_queued(w->engine, BW_STR(""), add_account, &b);
  if (strcmp(bw_buf_cstr(&b), accounts) != 0)
    fail_msg("queue: expected \"%s\", got \"%s\"", accounts, bw_buf_cstr(&b));
  bw_buf_clear(&b);
}

static void the_best_come_first(void **state)
{
  char *dir = config_dir(NULL, RANKED, TWO_A_DAY);
  struct world w = {.now = MONDAY};
  struct bw_engine_stats stats;
  (void)state;
  world_open(&w, dir, NULL);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 50000, "carl");
  customer(&w, "c", 100000, "carl"); /* high */
  customer(&w, "d", 30000, "carl");
  customer(&w, "e", 40000, "carl");
  world_signal(&w, "a", "seat_limit", "", BW_UPDATED, -0.9, 1, "{}"); /* twice as bad, and still the least money */
  world_tick(&w, MONDAY + BW_HOUR);
  expect(&w, BW_LEAD_OPEN, "b c ");
  expect(&w, BW_LEAD_QUEUED, "a d e ");
  expect_queue(&w, "e d a ");
  assert_int_equal(w.opened, 2);
  assert_int_equal(w.queued, 3);
  assert_int_equal(routing_said(&w, "\"event\":\"opened\""), 2);
  assert_int_equal(routing_said(&w, "\"event\":\"queued\""), 3);
  /* c is said before b: it is high */
  assert_true(strstr(w.log.data, "\"lead\":\"L3\",\"event\":\"opened\"") <
              strstr(w.log.data, "\"lead\":\"L2\",\"event\":\"opened\""));
  /* the queue is ranked by what is open now: d gets worse than e */
  world_signal(&w, "d", "seat_limit", "", BW_UPDATED, -0.9, 1, "{}");
  world_tick(&w, MONDAY + 2 * BW_HOUR);
  expect_queue(&w, "d e a ");
  expect(&w, BW_LEAD_OPEN, "b c ");
  /* a lead that comes later in the day waits too, however good: the day is full */
  customer(&w, "f", 500000, "carl");
  world_tick(&w, MONDAY + 3 * BW_HOUR);
  expect_queue(&w, "f d e a ");
  /* it is over at the next opening, and not before */
  world_tick(&w, MONDAY + BW_DAY - 1);
  expect(&w, BW_LEAD_OPEN, "b c ");
  world_tick(&w, MONDAY + BW_DAY);
  expect(&w, BW_LEAD_OPEN, "b c d f ");
  expect_queue(&w, "e a ");
  bw_engine_stats(w.engine, &stats);
  assert_int_equal(stats.queued, 4);
  assert_int_equal(stats.dropped, 0);
  world_close(&w);
  config_remove(dir);
}

static void the_clock_starts_on_release(void **state)
{
  char *dir = config_dir(NULL, RANKED, "people:\n- {email: carl@x, name: carl, capacity: 1}\n---\n" ROUTES);
  struct world w = {.now = MONDAY + 4 * BW_DAY}; /* a Friday */
  const struct bw_lead *l;
  (void)state;
  world_open(&w, dir, NULL);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 30000, "carl");
  world_tick(&w, MONDAY + 4 * BW_DAY + BW_HOUR);
  l = routing_lead(&w, "a");
  assert_int_equal(l->status, BW_LEAD_QUEUED);
  assert_true(l->sla_at == BW_TIME_NONE && l->released_at == BW_TIME_NONE && l->review_until == BW_TIME_NONE);
  l = routing_lead(&w, "b");
  assert_true(l->status == BW_LEAD_OPEN && l->released_at == w.now && l->sla_at == w.now + 4 * BW_HOUR);
  world_tick(&w, MONDAY + 5 * BW_DAY); /* nobody works on Saturday and Sunday */
  world_tick(&w, MONDAY + 6 * BW_DAY);
  world_tick(&w, MONDAY + 7 * BW_DAY - BW_HOUR);
  assert_int_equal(routing_lead(&w, "a")->status, BW_LEAD_QUEUED);
  world_tick(&w, MONDAY + 7 * BW_DAY);
  l = routing_lead(&w, "a");
  assert_int_equal(l->status, BW_LEAD_OPEN);
  assert_true(l->released_at == w.now && l->sla_at == w.now + 4 * BW_HOUR);
  assert_true(l->opened_at == MONDAY + 4 * BW_DAY + BW_HOUR);
  /* its reasons are those of the release */
  assert_non_null(strstr(l->why_json, "\"at\":\"2026-01-12T08:00:00Z\""));
  world_close(&w);
  config_remove(dir);
}

/* Four working hours of whoever has it, by their own clock; a working day is from 8 to 18. */
static void the_clock_is_the_owners(void **state)
{
  static const struct {
    const char *person, *all, *comes, *due;
  } cases[] = {{"", "UTC", "2026-01-09T20:00:00Z", "2026-01-12T12:00:00Z"},                 /* a Friday, after hours: Monday */
               {"America/New_York", "UTC", "2026-01-09T20:00:00Z", "2026-01-12T14:00:00Z"}, /* 15 h there: one hour is left */
               {"America/New_York", "UTC", "2026-03-06T20:00:00Z", "2026-03-09T13:00:00Z"}, /* and the clocks are set forward */
               {"", "Asia/Tokyo", "2026-01-09T20:00:00Z", "2026-01-12T03:00:00Z"},
               {"UTC", "Asia/Tokyo", "2026-01-09T20:00:00Z", "2026-01-12T12:00:00Z"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *routes BW_AUTOFREE = bw_asprintf("people:\n- {email: carl@x, name: carl%s%s}\n---\n" ROUTES,
                                           cases[i].person[0] ? ", timezone: " : "", cases[i].person);
    char *dir = config_dir(NULL, RANKED, routes);
    struct bw_engine_options options;
    struct world w = {.options = &options};
    int64_t due;
    assert_int_equal(bw_time_parse(bw_str(cases[i].comes), &w.now), 0);
    assert_int_equal(bw_time_parse(bw_str(cases[i].due), &due), 0);
    bw_engine_options_default(&options);
    free(options.timezone);
    options.timezone = bw_strdup(cases[i].all);
    world_open(&w, dir, NULL);
    customer(&w, "a", 20000, "carl");
    world_tick(&w, w.now);
    assert_int_equal(routing_lead(&w, "a")->sla_at, due);
    world_close(&w);
    bw_settings_clear(bw_engine_settings, bw_engine_nsettings, &options);
    config_remove(dir);
  }
}

static void without_a_limit_nobody_waits(void **state)
{
  char *dir = config_dir(NULL, RANKED, "people:\n- {email: carl@x, name: carl, capacity: 0}\n---\n" ROUTES);
  struct bw_engine_options options;
  struct world w = {.now = MONDAY};
  int i;
  (void)state;
  bw_engine_options_default(&options);
  assert_int_equal(options.budget, 10);
  options.budget = 3;
  w.options = &options;
  world_open(&w, dir, NULL);
  for (i = 0; i < 20; i++) {
    char id[16];
    snprintf(id, sizeof id, "c%02d", i);
    customer(&w, id, 20000, "carl"); /* no limit of his own */
    snprintf(id, sizeof id, "d%02d", i);
    customer(&w, id, 20000, "dora"); /* the setting's */
  }
  world_tick(&w, MONDAY + BW_HOUR);
  assert_int_equal(w.opened, 23);
  assert_int_equal(w.queued, 17);
  world_tick(&w, MONDAY + BW_DAY);
  assert_int_equal(w.opened, 26);
  {
    struct bw_buf b = {0};
    bw_budget_json(w.engine, BW_STR("dora"), w.now, &b);
    assert_string_equal(bw_buf_cstr(&b),
                        "{\"owner\":\"dora\",\"limit\":3,\"used\":3,\"waiting\":14,\"from\":\"2026-01-06T08:00:00Z\","
                        "\"until\":\"2026-01-07T08:00:00Z\"}");
    bw_buf_reset(&b);
    bw_budget_json(w.engine, BW_STR("carl@x"), w.now, &b);
    assert_non_null(strstr(bw_buf_cstr(&b), "\"limit\":null,\"used\":0,\"waiting\":0"));
    bw_buf_clear(&b);
  }
  world_close(&w);
  bw_settings_clear(bw_engine_settings, bw_engine_nsettings, &options);
  config_remove(dir);
}

static void what_is_over_leaves_the_queue(void **state)
{
  char *dir = config_dir(NULL, RANKED, TWO_A_DAY);
  char *db BW_AUTOFREE = bw_asprintf("%s/store.db", dir);
  struct world w = {.now = MONDAY};
  struct bw_engine_stats stats;
  (void)state;
  world_open(&w, dir, db);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 50000, "carl");
  customer(&w, "c", 60000, "carl");
  customer(&w, "d", 30000, "carl");
  world_tick(&w, MONDAY + BW_HOUR);
  expect_queue(&w, "d a ");
  world_signal(&w, "d", "seat_limit", "", BW_CLEARED, -0.1, 0, "{}");
  world_tick(&w, MONDAY + 2 * BW_HOUR);
  expect_queue(&w, "a ");
  assert_int_equal(routing_said(&w, "\"reason\":\"left the queue: none of its signals is open any more\""), 1);
  world_restart(&w, dir, db);
  /* nobody saw it, so the family does not rest: the relapse is a new lead */
  world_signal(&w, "d", "seat_limit", "", BW_OPENED, -0.4, 0.5, "{}");
  world_tick(&w, MONDAY + BW_DAY);
  expect(&w, BW_LEAD_QUEUED, "");
  expect(&w, BW_LEAD_OPEN, "a b c d ");
  bw_engine_stats(w.engine, &stats);
  assert_int_equal(stats.suppressed, 0);
  world_close(&w);
  config_remove(dir);
}

static void a_lead_is_judged_again_on_release(void **state)
{
  char *dir = config_dir(NULL, RANKED, TWO_A_DAY);
  struct world w = {.now = MONDAY};
  (void)state;
  world_open(&w, dir, NULL);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 50000, "carl");
  customer(&w, "c", 60000, "carl");
  world_tick(&w, MONDAY + BW_HOUR);
  world_account(&w, "a", "{\"do_not_contact\":true}");
  world_tick(&w, MONDAY + BW_DAY);
  expect(&w, BW_LEAD_QUEUED, "");
  expect(&w, BW_LEAD_OPEN, "b c ");
  assert_int_equal(routing_said(&w, "left the queue: the gate \"may be contacted\" does not hold"), 1);
  world_close(&w);
  config_remove(dir);
}

static void a_person_may_look_into_the_queue(void **state)
{
  char *dir = config_dir(NULL, RANKED, TWO_A_DAY);
  struct world w = {.now = MONDAY};
  struct bw_error err = {0};
  char id[24];
  (void)state;
  world_open(&w, dir, NULL);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 50000, "carl");
  customer(&w, "c", 60000, "carl");
  world_tick(&w, MONDAY + BW_HOUR);
  snprintf(id, sizeof id, "%s", routing_lead(&w, "a")->id);
  assert_int_equal(bw_lead_approve(w.engine, bw_str(id), w.now, &err), BW_ESTATE);
  assert_string_equal(err.message, "lead L1 is queued and cannot become approved");
  assert_int_equal(bw_lead_snooze(w.engine, bw_str(id), w.now + BW_DAY, w.now, &err), BW_ESTATE);
  assert_int_equal(bw_lead_reject(w.engine, bw_str(id), BW_STR("not theirs"), w.now, &err), 0);
  world_tick(&w, MONDAY + BW_DAY);
  expect(&w, BW_LEAD_OPEN, "b c ");
  expect(&w, BW_LEAD_QUEUED, ""); /* and it rests: somebody has decided */
  world_close(&w);
  config_remove(dir);
}

/* Carl goes away with leads in his queue: whoever stands in gets them, as far as their own day allows. */
static void a_queue_goes_to_the_delegate(void **state)
{
  char *dir = config_dir(NULL, RANKED,
                         "people:\n- {email: carl@x, name: carl, capacity: 1, delegate: dora@x, away: [{from: 2026-01-06, to: "
                         "2026-01-06}]}\n- {email: dora@x, capacity: 1}\n---\n" ROUTES);
  struct world w = {.now = MONDAY};
  (void)state;
  world_open(&w, dir, NULL);
  customer(&w, "a", 20000, "carl");
  customer(&w, "b", 50000, "carl");
  customer(&w, "c", 60000, "carl");
  world_tick(&w, MONDAY + BW_HOUR);
  expect(&w, BW_LEAD_OPEN, "c ");
  world_tick(&w, MONDAY + BW_DAY + BW_HOUR);
  expect(&w, BW_LEAD_OPEN, "b c ");
  assert_string_equal(routing_lead(&w, "b")->owner, "dora@x");
  assert_string_equal(routing_lead(&w, "b")->owner_note, "for carl@x (away until 2026-01-06)");
  assert_string_equal(routing_lead(&w, "c")->owner, "carl@x");
  world_tick(&w, MONDAY + 2 * BW_DAY + BW_HOUR); /* he is back, and both have room */
  expect(&w, BW_LEAD_OPEN, "a b c ");
  world_close(&w);
  config_remove(dir);
}

static void what_never_finds_room_expires(void **state)
{
  char *dir = config_dir(NULL, RANKED, "people:\n- {email: carl@x, name: carl, capacity: 1}\n---\n" ROUTES);
  struct bw_engine_options options;
  struct world w = {.now = MONDAY};
  int day;
  (void)state;
  bw_engine_options_default(&options);
  options.expire_ms = 14 * BW_DAY;
  w.options = &options;
  world_open(&w, dir, NULL);
  customer(&w, "worst", 1000, "carl");
  for (day = 0; day < 15; day++) { /* every day two better ones */
    char id[16];
    snprintf(id, sizeof id, "a%03d", day);
    customer(&w, id, 50000, "carl");
    snprintf(id, sizeof id, "b%03d", day);
    customer(&w, id, 60000, "carl");
    world_tick(&w, MONDAY + day * BW_DAY + BW_HOUR);
  }
  assert_int_equal(routing_said(&w, "left the queue: its owner never had room for it (see leads.budget)"), 2); /* of day 0 */
  assert_null(bw_leads_find_open(w.engine, BW_STR("worst"), BW_STR("p")));
  world_close(&w);
  bw_settings_clear(bw_engine_settings, bw_engine_nsettings, &options);
  config_remove(dir);
}

/* ---- against a simple model, with restarts ---- */

static uint64_t next_random(uint64_t *s)
{
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static const char *const people[] = {"carl", "dora", "emil"};

static void random_life(struct bw_buf *ret_log, bool restarts)
{
  char *dir = config_dir(NULL, RANKED,
                         "roles: {csm: [account.csm, {pool: {members: [carl, dora, emil], by: least_loaded}}]}\n---\n"
                         "route: r\nrows: [{to: csm}]\n");
  char *db BW_AUTOFREE = bw_asprintf("%s/store.db", dir);
  struct bw_engine_options options;
  struct world w = {.now = MONDAY};
  uint64_t seed = 11, restart_seed = 5;
  int tick, i;
  bw_engine_options_default(&options);
  options.budget = 2;
  options.expire_ms = 12 * BW_DAY;
  w.options = &options;
  world_open(&w, dir, restarts ? db : NULL);
  for (tick = 1; tick <= 60 * 4; tick++) { /* every six hours for 60 days */
    for (i = 0; i < 6; i++) {
      uint64_t r = next_random(&seed);
      char id[16];
      snprintf(id, sizeof id, "a%03d", (int)(r % 600));
      if ((r >> 8) % 3 == 0)
        world_signal(&w, id, "seat_limit", "", BW_CLEARED, -0.1, 0, "{}");
      else
        customer(&w, id, (int)((r >> 16) % 100) * 1000, (r >> 24) % 4 == 0 ? "" : people[(r >> 24) % 3]);
    }
    world_tick(&w, MONDAY + tick * 6 * BW_HOUR);
    if (restarts && next_random(&restart_seed) % 5 == 0)
      world_restart(&w, dir, db);
  }
  bw_buf_add_str(ret_log, bw_buf_str(&w.log));
  assert_true(w.opened > 60 && w.queued > 20);
  world_close(&w);
  bw_settings_clear(bw_engine_settings, bw_engine_nsettings, &options);
  config_remove(dir);
}

static void restarts_change_nothing(void **state)
{
  struct bw_buf plain = {0}, restarted = {0};
  (void)state;
  random_life(&plain, false);
  random_life(&restarted, true);
  if (strcmp(bw_buf_cstr(&plain), bw_buf_cstr(&restarted)) != 0) {
    size_t i = 0;
    while (plain.data[i] == restarted.data[i])
      i++;
    i = i > 300 ? i - 300 : 0;
    fail_msg("differs:\n%.600s\n---\n%.600s", plain.data + i, restarted.data + i);
  }
  bw_buf_clear(&plain);
  bw_buf_clear(&restarted);
}

/* No owner is given more than their budget between two openings, whatever happens. */
static void nobody_gets_more_than_their_day(void **state)
{
  struct bw_buf log = {0};
  const char *s;
  int64_t day_of[3] = {0};
  size_t given[3] = {0}, most = 0, i;
  (void)state;
  random_life(&log, false);
  for (s = bw_buf_cstr(&log); *s; s += strcspn(s, "\n") + 1) {
    json_t *line = json_loadb(s, strcspn(s, "\n"), 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    int64_t at = 0;
    if (event && strcmp(event, "opened") == 0) {
      assert_int_equal(bw_time_parse(bw_str(json_string_value(json_object_get(line, "at"))), &at), 0);
      at -= 8 * BW_HOUR; /* days begin at 08:00 */
      while (bw_day_weekday(bw_time_day(at)) > 4)
        at -= BW_DAY; /* and the weekend is Friday's */
      for (i = 0; i < 3; i++)
        if (strcmp(json_string_value(json_object_get(line, "owner")), people[i]) == 0) {
          given[i] = bw_time_day(at) == day_of[i] ? given[i] + 1 : 1;
          day_of[i] = bw_time_day(at);
          most = given[i] > most ? given[i] : most;
        }
    }
    json_decref(line);
  }
  assert_int_equal(most, 2);
  bw_buf_clear(&log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_best_come_first),
                                     cmocka_unit_test(the_clock_starts_on_release),
                                     cmocka_unit_test(the_clock_is_the_owners),
                                     cmocka_unit_test(without_a_limit_nobody_waits),
                                     cmocka_unit_test(what_is_over_leaves_the_queue),
                                     cmocka_unit_test(a_lead_is_judged_again_on_release),
                                     cmocka_unit_test(a_person_may_look_into_the_queue),
                                     cmocka_unit_test(a_queue_goes_to_the_delegate),
                                     cmocka_unit_test(what_never_finds_room_expires),
                                     cmocka_unit_test(restarts_change_nothing),
                                     cmocka_unit_test(nobody_gets_more_than_their_day)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
