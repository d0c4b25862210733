/* SPDX-License-Identifier: Apache-2.0 */
/* What would have to change, and an estimate with its arithmetic. */
#include "base/test.h"

#include "base/time.h"
#include "plays/tests/config.h"

#define RECORD                                                                                                                 \
  "{\"acv\":8000,\"arr\":8000,\"start\":\"2025-10-02\",\"health\":\"red\",\"stage\":\"live\",\"do_not_contact\":true,"         \
  "\"renewal\":\"2026-03-01\",\"segment\":\"mid\"}"

static void each_gate_says_what_would_have_to_change(void **state)
{
  static const struct {
    const char *require, *text;
  } cases[] = {
      {"account.acv >= 10000", "account.acv would have to be at least 10,000: 2,000 more"},
      {"account.acv > 10000", "account.acv would have to be more than 10,000: 2,000 more"},
      {"account.acv < 5000.5", "account.acv would have to be less than 5,000.5: 2,999.5 less"},
      {"account.acv * 2 <= 6000 || account.acv > 1e9", "account.acv would have to be at most 3,000: 5,000 less"},
      {"account.tenure >= days(120)", "account.tenure would have to be at least 120 days: 24.7 days more, from 2026-01-30"},
      {"account.days_to_renewal <= 30", "account.days_to_renewal would have to be at most 30: 25 less, from 2026-01-30"},
      {"account.health != \\\"red\\\"", "account.health would have to be another"},
      {"account.health in [\\\"yellow\\\", \\\"green\\\"]", "account.health would have to be \"yellow\""},
      {"account.stage >= stage('first_results')", "account.stage would have to be first_results"},
      {"!account.do_not_contact", "account.do_not_contact would have to be no"},
      {"!open(signal.usage_decline)", "signal.usage_decline would have to be cleared"},
      {"open(signal.gone_silent)", "signal.gone_silent would have to be open"},
      {"0.0 > 0.15 * account.acv || open(signal.gone_silent)", "signal.gone_silent would have to be open"},
      {"account.csm != \\\"\\\"", "account.csm would have to be known"},
      {"has(account.region)", "account.region would have to be known"},
      {"trait.usage.dau_mau >= 0.3", "trait.usage.dau_mau would have to be known, and be at least 0.3"},
      {"signal.usage_decline.strength > 0.75", "signal.usage_decline.strength would have to be more than 0.75: 0.25 more"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct world w = {0};
    char *gate BW_AUTOFREE = bw_asprintf("[{name: g, require: \"%s\"}]", cases[i].require);
    char *play BW_AUTOFREE =
        bw_asprintf("play: p\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: %s\n"
                    "score: {threshold: 40}\nroute: r\n",
                    gate);
    open_with(&w, NULL, play);
    world_account(&w, "a", RECORD);
    decline(&w, "a");
    says(&w, "a", "p", "gates.0.change.0.text", cases[i].text, "gates.0.change.1", "(nothing)", "blocked_by", "gate", NULL);
    world_close(&w);
  }
}

/* Time goes forward, a journey too; nobody is made unhappy; what began, began. */
static void nothing_is_advised_that_nobody_can_or_should_do(void **state)
{
  static const char *const gates[] = {"account.tenure < days(60)", "account.stage < stage('live')",
                                      "account.health == \\\"red\\\" && account.acv > 0"};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof gates / sizeof *gates; i++) {
    struct world w = {0};
    char *list BW_AUTOFREE = bw_asprintf("[{name: g, require: \"%s\"}]", gates[i]);
    char *play BW_AUTOFREE =
        bw_asprintf("play: p\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: %s\n"
                    "score: {threshold: 40}\nroute: r\n",
                    list);
    open_with(&w, NULL, play);
    world_account(&w, "a", "{\"acv\":8000,\"start\":\"2025-10-02\",\"health\":\"yellow\",\"stage\":\"live\"}");
    decline(&w, "a");
    says(&w, "a", "p", "gates.0.change", "[]", "blocked_by", "gate", NULL);
    world_close(&w);
  }
}

/* A month after the signal opened: that is waited for, and comes first; and a tenure that closes the other gate is none. */
static void what_time_brings_comes_first(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, NULL,
            PLAY("p",
                 "[{name: tenure, require: account.tenure >= days(90)}, {name: later, require: account.tenure < days(90) || "
                 "!open(signal.usage_decline) || signal.usage_decline.opened < now - days(30)}]",
                 ""));
  world_account(&w, "a", RECORD);
  decline(&w, "a");
  says(&w, "a", "p", "gates.1.change.0.text", "now would have to be 2026-02-04: time alone brings that",
       "gates.1.change.1.text", "signal.usage_decline would have to be cleared", "gates.1.change.2", "(nothing)", NULL);
  world_close(&w);
}

/* Nobody reads a condition of ten lines in a sentence. */
static void a_long_condition_is_not_repeated(void **state)
{
  struct world w = {0};
  char words[400] = "", *play BW_AUTOFREE = NULL;
  size_t i;
  (void)state;
  for (i = 0; i < 12; i++)
    (void)snprintf(words + strlen(words), sizeof words - strlen(words), "account.segment == 's%zu' || ", i);
  play =
      bw_asprintf("play: p\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: [{name: g, require: "
                  "\"%saccount.acv >= 9000\"}]\nscore: {threshold: 40}\nroute: r\n",
                  words);
  open_with(&w, NULL, play);
  world_account(&w, "a", RECORD);
  decline(&w, "a");
  says(&w, "a", "p", "says",
       "the gate \"g\" does not hold; account.segment would have to be \"s0\", or account.acv would have to be at least 9,000: "
       "1,000 more",
       NULL);
  world_close(&w);
}

static void the_sentence_names_the_change(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, NULL,
            PLAY("p",
                 "[{name: fits, require: account.segment == 'big' || account.acv >= 9000}, {name: both, require: "
                 "account.acv >= 9000 && account.arr >= 9000}]",
                 ""));
  world_account(&w, "a", RECORD);
  decline(&w, "a");
  says(&w, "a", "p", "says",
       "the gate \"fits\" does not hold: it requires account.segment == 'big' || account.acv >= 9000, and account.segment is "
       "\"mid\", account.acv is 8,000; account.segment would have to be \"big\", or account.acv would have to be at least "
       "9,000: "
       "1,000 more",
       "gates.1.change", "[]", NULL);
  world_close(&w);
}

static void an_estimate_shows_its_arithmetic(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(
      &w, READY,
      "play: p\nmotion: expansion\ntype: seat\nmode: live\nsignals: {seat_limit: 80}\ngates: [{name: any, require: 'true'}]\n"
      "score: {threshold: 40}\nestimate: >-\n  has(plan.seat_price)\n  ? (ceil(trait.usage.seats_needed) - account.seats) * "
      "plan.seat_price * 12\n  : account.acv * 0.2\nfloor: estimate > 0.15 * account.acv\nroute: r\n");
  world_record(&w, BW_KIND_PLAN, "pro", "", "{\"name\":\"Pro\",\"seat_price\":40}");
  world_account(&w, "a", "{\"acv\":100000,\"start\":\"2024-01-01\"}");
  world_record(&w, BW_KIND_SUBSCRIPTION, "", "a", "{\"plan\":\"pro\",\"seats\":50}");
  world_trait(&w, "a", "seats_needed", "", 69.5);
  full_seats(&w, "a");
  says(&w, "a", "p", "estimate.value", "9600", "estimate.arithmetic",
       "has(plan.seat_price) ? (ceil(69.5) - 50) * 40 * 12 : account.acv * 0.2 = 9,600", "blocked_by", "floor",
       "floor.change.0.text", "estimate would have to be more than 15,000: 5,400 more", "floor.change.1.name", "account.acv",
       NULL);
  world_close(&w);
}

/* What is stored with a lead is what why-not would have told at that moment. */
static void a_lead_keeps_all_of_it(void **state)
{
  struct world w = {0};
  const struct bw_lead *lead;
  (void)state;
  open_with(&w, NULL, EXPANSION("p", "readiness: {unknown: 2}\ntemplate: sell\n"));
  world_account(&w, "a", "{\"acv\":9000,\"start\":\"2024-10-05\",\"ae\":\"ann\",\"renewal\":\"2026-03-15\"}");
  full_seats(&w, "a");
  world_tick(&w, START + BW_HOUR);
  lead = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("p"));
  assert_non_null(lead);
  tells(lead->why_json, "signals.0.evidence.used", "60", "gates.0.result", "pass", "timing.joined", "true", "timing.result",
        "pass", "score.points.0.weight", "80", "score.points.0.strength", "0.5", "score.total", "60", "readiness.total", "12",
        "readiness_rule.dimensions.2.values.0.name", "account.months", "readiness_rule.dimensions.2.values.0.from.kind",
        "record", "estimate.arithmetic", "9000 * 0.5 = 4,500", "floor.result", "pass", "priority.value", "high", "route.owner",
        "ann", "template", "sell", NULL);
  world_close(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_gate_says_what_would_have_to_change),
      cmocka_unit_test(the_sentence_names_the_change),
      cmocka_unit_test(nothing_is_advised_that_nobody_can_or_should_do),
      cmocka_unit_test(what_time_brings_comes_first),
      cmocka_unit_test(a_long_condition_is_not_repeated),
      cmocka_unit_test(an_estimate_shows_its_arithmetic),
      cmocka_unit_test(a_lead_keeps_all_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
