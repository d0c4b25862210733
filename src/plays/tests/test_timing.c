/* SPDX-License-Identifier: Apache-2.0 */
/* When plays speak, and expansions that are joined to the renewal. */
#include "base/test.h"

#include <stdio.h>

#include "base/time.h"
#include "plays/tests/config.h"

/* acv 10,000, so that every expansion is worth 5,000 */
static void customer(struct world *w, const char *id, const char *start, int days_to_renewal)
{
  char day[11];
  char *traits;
  bw_day_format(bw_time_day(w->now) + days_to_renewal, day);
  traits = bw_asprintf("{\"acv\":10000,\"arr\":10000,\"start\":\"%s\",\"renewal\":\"%s\",\"csm\":\"carl\",\"ae\":\"ann\"}",
                       start, day);
  world_account(w, id, traits);
  free(traits);
}

static void nobody_sells_to_new_customers(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, READY,
            EXPANSION("p", "") "---\n" EXPANSION("q", "timing: {never_before: 90d}\n") "---\n" PLAY(
                "r", "[{name: any, require: 'true'}]", "timing: {never_before: 20d}\n"));
  customer(&w, "a", "2025-11-07", 200); /* day 59 */
  full_seats(&w, "a");
  decline(&w, "a");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "blocked_by", "timing", "timing.result", "wait", "timing.blocked_by", "never_before", "timing.tenure_days",
       "59", "timing.until", "2026-01-06T00:00:00Z", "says",
       "they have been a customer for 59 days; this play never speaks before day 60, 2026-01-06", NULL);
  says(&w, "a", "q", "timing.never_before_days", "90", "timing.until", "2026-02-05T00:00:00Z", NULL);
  says(&w, "a", "r", "blocked_by", "open_lead", "timing.escalation", "(nothing)", NULL);
  assert_int_equal(w.opened, 1);
  world_tick(&w, START + BW_DAY);
  assert_int_equal(w.opened, 2);
  world_account(&w, "b", "{\"acv\":10000}");
  full_seats(&w, "b");
  says(&w, "b", "p", "blocked_by", "timing", "timing.until", "null", "says", "~an account record with traits.start", NULL);
  world_close(&w);
}

static void nobody_sells_into_an_escalation(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, READY, EXPANSION("p", "") "---\n" EXPANSION("q", "timing: {escalation: allow}\n"));
  customer(&w, "a", "2024-11-07", 200);
  world_record(&w, BW_KIND_TICKET, "t1", "a", "{\"status\":\"open\",\"escalated\":true}");
  full_seats(&w, "a");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "blocked_by", "timing", "timing.escalation", "true", "says", "~a support escalation is open", NULL);
  says(&w, "a", "q", "blocked_by", "open_lead", NULL);
  w.now += BW_MINUTE;
  world_record(&w, BW_KIND_TICKET, "t1", "a", "{\"status\":\"closed\",\"escalated\":true}");
  world_tick(&w, START + 2 * BW_HOUR);
  says(&w, "a", "p", "blocked_by", "open_lead", "timing.result", "pass", NULL);
  world_close(&w);
}

static void the_renewal_is_minded(void **state)
{
  static const struct {
    int days;
    const char *result, *joined;
  } cases[] = {{-1, "pass", "false"}, {0, "wait", "false"}, {29, "wait", "false"}, {30, "wait", "false"}, {31, "pass", "false"},
               {59, "pass", "false"}, {60, "pass", "true"}, {90, "pass", "true"},  {91, "pass", "false"}};
  struct world w = {0};
  size_t i;
  (void)state;
  open_with(&w, READY,
            EXPANSION("p", "") "---\n" EXPANSION("q", "timing: {renewal: false}\n") "---\n" EXPANSION(
                "r", "timing: {renewal: {join: [91d, 100d], block_within: 60d}}\n"));
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char id[8];
    snprintf(id, sizeof id, "a%zu", i);
    customer(&w, id, "2024-01-01", cases[i].days);
    full_seats(&w, id);
    says(&w, id, "p", "timing.result", cases[i].result, "timing.joined", cases[i].joined, NULL);
    says(&w, id, "q", "timing.result", "pass", "timing.joined", "(nothing)", NULL);
  }
  says(&w, "a3", "p", "timing.until", "2026-02-05T00:00:00Z", "says",
       "the renewal is 30 days away, and an expansion on top of it comes too late; this play waits until 2026-02-05", NULL);
  says(&w, "a6", "r", "timing.result", "wait", NULL);
  says(&w, "a8", "r", "timing.joined", "true", "timing.close_date", "2026-04-06", NULL);
  world_close(&w);
}

#define RENEWAL                                                                                                                \
  "play: renew\nmotion: renewal\nfamily: renewal\nmode: live\nsignals: {usage_decline: 80}\n"                                  \
  "gates: [{name: any, require: 'true'}]\nscore: {threshold: 40}\nroute: care\n"

static void expansions_are_joined_to_the_renewal(void **state)
{
  struct world w = {0};
  const struct bw_lead *expansion, *renewal, *tier;
  struct bw_error err = {0};
  (void)state;
  open_with(&w, READY, RENEWAL "---\n" EXPANSION("p", "") "---\n" EXPANSION("t", "priority: low\n"));
  customer(&w, "a", "2024-01-01", 75);
  full_seats(&w, "a");
  world_tick(&w, START + BW_HOUR);
  assert_int_equal(w.opened, 2);
  expansion = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("p"));
  tier = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("t"));
  tells(expansion->fields_json, "close_date", "2026-03-21", "joined_to", "null", NULL);
  assert_string_equal(expansion->joined_to, "");
  decline(&w, "a"); /* the renewal's own lead comes later */
  world_tick(&w, START + 2 * BW_HOUR);
  renewal = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("renewal"));
  assert_non_null(renewal);
  assert_string_equal(expansion->joined_to, renewal->id);
  tells(expansion->fields_json, "joined_to", renewal->id, NULL);
  tells(renewal->fields_json, "close_date", "null", "expansions.0.lead", expansion->id, "expansions.0.amount", "5000",
        "expansions.0.currency", "USD", "expansions.1.lead", tier->id, "expansions.2", "(nothing)", NULL);
  assert_int_equal(w.enriched, 0); /* it was born with them */
  assert_int_equal(bw_lead_reject(w.engine, bw_str(tier->id), BW_STR("no"), w.now, &err), 0);
  tells(renewal->fields_json, "expansions.0.lead", expansion->id, "expansions.1", "(nothing)", NULL);
  assert_int_equal(w.enriched, 0);
  assert_int_equal(bw_lead_set_angle(w.engine, bw_str(renewal->id), BW_STR("hello"), &err), 0);
  world_account(&w, "a", "{\"acv\":20000}"); /* the amount is kept up to date, and the angle with it */
  world_tick(&w, START + 3 * BW_HOUR);
  tells(renewal->fields_json, "expansions.0.amount", "10000", "angle", "hello", NULL);
  assert_int_equal(w.enriched, 0);
  assert_int_equal(bw_lead_close(w.engine, bw_str(renewal->id), BW_STR("renewed"), w.now, &err), 0);
  assert_string_equal(expansion->joined_to, "");
  tells(expansion->fields_json, "joined_to", "null", "close_date", "2026-03-21", NULL);
  world_close(&w);
}

static void a_new_expansion_is_news_to_the_renewal(void **state)
{
  struct world w = {0};
  const struct bw_lead *renewal;
  (void)state;
  open_with(&w, READY, RENEWAL "---\n" EXPANSION("p", ""));
  customer(&w, "a", "2024-01-01", 75);
  decline(&w, "a");
  world_tick(&w, START + BW_HOUR);
  full_seats(&w, "a");
  world_tick(&w, START + 2 * BW_HOUR);
  renewal = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("renewal"));
  assert_int_equal(w.enriched, 1);
  tells(renewal->fields_json, "expansions.0.amount", "5000", NULL);
  world_tick(&w, START + BW_DAY);
  assert_int_equal(w.enriched, 1);
  world_close(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_sells_to_new_customers),
      cmocka_unit_test(nobody_sells_into_an_escalation),
      cmocka_unit_test(the_renewal_is_minded),
      cmocka_unit_test(expansions_are_joined_to_the_renewal),
      cmocka_unit_test(a_new_expansion_is_news_to_the_renewal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
