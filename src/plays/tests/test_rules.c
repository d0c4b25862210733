/* SPDX-License-Identifier: Apache-2.0 */
/* What a play file can say: shared gates, readiness, the value journey; each with what why-not tells of it. */
#include "base/test.h"

#include "base/time.h"
#include "names/names.h"
#include "plays/tests/config.h"

/* ---- shared gates ---- */

#define SHARED                                                                                                                 \
  "gates: customer\nlist:\n  - {name: floor, require: account.acv >= 10000, otherwise: {route: care}}\n"                       \
  "  - name: tenure\n    require: account.tenure >= days(120)\n"

static void shared_gates_stand_where_they_are_used(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, SHARED,
            PLAY("p", "[{name: first, require: account.arr > 0}, use: customer, {name: last, require: account.arr > 1}]",
                 "") "---\n" PLAY("q",
                                  "[{use: customer, except: [tenure]}, {name: tenure, require: account.tenure >= days(30)}]",
                                  ""));
  world_account(&w, "a", "{\"acv\":8000,\"arr\":8000,\"start\":\"2025-11-01\"}");
  decline(&w, "a");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "gates.0.name", "first", "gates.0.from", "(nothing)", "gates.1.name", "floor", "gates.1.from", "customer",
       "gates.1.result", "diverted", "gates.2.name", "tenure", "gates.2.result", "fail", "gates.3.name", "last",
       "gates.3.result", "pass", "gates.4", "(nothing)", "blocked_by", "gate", NULL);
  says(&w, "a", "q", "gates.0.name", "floor", "gates.1.name", "tenure", "gates.1.from", "(nothing)", "gates.1.result", "pass",
       "route.name", "care", NULL);
  assert_int_equal(w.opened, 1);
  world_close(&w);
}

/* ---- readiness ---- */

static void readiness_decides_on_expansion(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, NULL, EXPANSION("p", ""));
  /* 60 % exactly is high; three months exactly, to the day, too */
  world_account(&w, "a", "{\"acv\":9000,\"health\":\"green\",\"start\":\"2025-10-05\",\"budget\":\"stable\"}");
  world_trait(&w, "a", "dau_mau", "", 0.6);
  world_account(&w, "b", "{\"acv\":9000,\"start\":\"2025-10-06\",\"health\":\"yellow\"}");
  world_account(&w, "c", "{\"acv\":9000,\"start\":\"2020-10-05\",\"health\":\"red\",\"budget\":\"cuts\"}");
  world_trait(&w, "c", "dau_mau", "", 0.2999);
  full_seats(&w, "a");
  full_seats(&w, "b");
  full_seats(&w, "c");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "readiness.adoption", "3", "readiness.health", "3", "readiness.time_since_purchase", "3",
       "readiness.signals", "2", "readiness.relationship", "null", "readiness.budget", "2", "readiness.total", "14",
       "readiness.of", "18", "readiness.verdict", "pursue", "readiness_rule.dimensions.0.values.0.name", "trait.usage.dau_mau",
       "readiness_rule.dimensions.0.values.0.from.kind", "trait", "readiness_rule.dimensions.4.points", "1",
       "readiness_rule.dimensions.4.supply", "~contact records of the account with traits.role \"champion\"", NULL);
  says(&w, "b", "p", "readiness.time_since_purchase", "2", "readiness.total", "9", "readiness.verdict", "nurture", "blocked_by",
       "readiness", "says",
       "~nurture, do not pursue: readiness is 9 of 18 points, and this play pursues from 12 on; what lacks: adoption 1 (not "
       "known: trait.usage.dau_mau",
       NULL);
  says(&w, "c", "p", "readiness.adoption", "1", "readiness.verdict", "nurture", "readiness.total", "8", NULL);
  assert_int_equal(w.opened, 1);
  /* the second signal, a champion and a sponsor: two points more, and two */
  world_signal(&w, "b", "seats_added", "", BW_OPENED, 5, 0.5, "{}");
  world_record(&w, BW_KIND_CONTACT, "x", "b", "{\"name\":\"Cleo\",\"role\":\"champion\"}");
  world_tick(&w, START + 2 * BW_HOUR);
  says(&w, "b", "p", "readiness.relationship", "2", "readiness.signals", "3", "readiness.total", "11", NULL);
  world_record(&w, BW_KIND_CONTACT, "y", "b", "{\"name\":\"Sam\",\"role\":\"sponsor\"}");
  world_tick(&w, START + 3 * BW_HOUR);
  says(&w, "b", "p", "readiness.relationship", "3", "readiness.total", "12", "blocked_by", "open_lead", NULL);
  assert_int_equal(w.opened, 2);
  world_close(&w);
}

static void time_since_purchase_is_counted_in_calendar_months(void **state)
{
  static const struct {
    const char *start, *points;
  } cases[] = {
      {"2026-01-05", "1"}, {"2025-12-06", "1"}, {"2025-12-05", "2"}, {"2025-10-06", "2"},
      {"2025-10-05", "3"}, {"2025-01-05", "3"}, {"2025-01-04", "2"}, {"2019-01-05", "2"},
  };
  struct world w = {0};
  size_t i;
  (void)state;
  open_with(&w, NULL, EXPANSION("p", ""));
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *traits BW_AUTOFREE = bw_asprintf("{\"start\":\"%s\"}", cases[i].start);
    w.now += BW_MINUTE;
    world_account(&w, "a", traits);
    says(&w, "a", "p", "readiness.time_since_purchase", cases[i].points, NULL);
  }
  world_close(&w);
}

static void configuration_says_what_readiness_is(void **state)
{
  struct world w = {0};
  const struct bw_lead *lead;
  (void)state;
  open_with(
      &w, "readiness: default\nunknown: 2\n---\nreadiness: strict\npursue: 16\nnurture: 15\ndimensions: {budget: '3'}\n",
      EXPANSION("p", "") "---\n" EXPANSION("q", "readiness: strict\n") "---\n" EXPANSION(
          "r",
          "readiness: {use: strict, pursue: 15, nurture: 6, dimensions: {adoption: '3', signals: 'score >= 60 ? 3 : "
          "1', health: '7'}}\n") "---\n" EXPANSION("s",
                                                   "template: sell\nreadiness: {nurture: {from: 8, route: care, template: "
                                                   "care}, pursue: 18}\n") "---\n" EXPANSION("t",
                                                                                             "readiness: {pursue: 18, nurture: "
                                                                                             "17, decides: false}\n"));
  world_account(&w, "a", "{\"acv\":9000,\"start\":\"2020-10-05\",\"csm\":\"carl\",\"ae\":\"ann\"}");
  full_seats(&w, "a");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "readiness.total", "12", "blocked_by", "open_lead", "readiness_rule.unknown", "2", NULL);
  says(&w, "a", "q", "readiness.total", "10", "readiness.budget", "3", "readiness.verdict", "wait", "blocked_by", "readiness",
       "says", "~wait: readiness is 10 of 18 points", NULL);
  says(&w, "a", "r", "readiness.adoption", "3", "readiness.signals", "3", "readiness.health", "null", "readiness.total", "13",
       "readiness_rule.dimensions.1.supply", "~gives no 1, 2 or 3", NULL);
  says(&w, "a", "s", "readiness.verdict", "nurture", "blocked_by", "open_lead", "route.name", "care", "priority.value", "low",
       "template", "care", NULL);
  says(&w, "a", "t", "readiness.verdict", "wait", "blocked_by", "open_lead", NULL);
  lead = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("s"));
  assert_non_null(lead);
  assert_string_equal(lead->template_name, "care");
  assert_string_equal(lead->owner, "carl");
  assert_string_equal(lead->priority, "low");
  world_close(&w);
}

/* A lead that was opened to nurture becomes one to pursue, once, and never goes back. */
static void what_is_nurtured_grows_up(void **state)
{
  struct world w = {0};
  const struct bw_lead *lead;
  (void)state;
  open_with(&w, NULL,
            EXPANSION("p", "template: sell\nreadiness: {unknown: 2, nurture: {from: 8, route: care, template: care}}\n"));
  world_account(&w, "a", "{\"acv\":9000,\"start\":\"2020-10-05\",\"csm\":\"carl\",\"ae\":\"ann\",\"health\":\"red\"}");
  full_seats(&w, "a");
  world_tick(&w, START + BW_HOUR);
  lead = bw_leads_find_open(w.engine, BW_STR("a"), BW_STR("p"));
  assert_non_null(lead);
  assert_string_equal(lead->template_name, "care");
  world_account(&w, "a", "{\"health\":\"yellow\"}");
  world_tick(&w, START + 2 * BW_HOUR);
  assert_string_equal(lead->template_name, "sell");
  assert_string_equal(lead->owner, "ann");
  assert_string_equal(lead->priority, "high");
  assert_int_equal(w.enriched, 1);
  w.now += BW_MINUTE;
  world_account(&w, "a", "{\"health\":\"red\"}");
  world_tick(&w, START + 3 * BW_HOUR);
  assert_string_equal(lead->template_name, "sell");
  assert_string_equal(lead->owner, "ann");
  assert_int_equal(w.enriched, 1);
  world_close(&w);
}

/* ---- the value journey ---- */

#define JOURNEY                                                                                                                \
  "journey:\n  live:\n    - {milestone: first users, when: trait.usage.seats_used >= 3}\n"                                     \
  "  first_results:\n    - {milestone: in use, when: trait.usage.dau_mau >= 0.3}\n"                                            \
  "    - {milestone: goal known, when: has(account.goal)}\n"                                                                   \
  "  expansion_ready: [{milestone: happy, when: account.health == 'green'}]\n"

static void milestones_tell_the_stage(void **state)
{
  struct world w = {0};
  struct bw_env *env = NULL;
  struct bw_value v;
  struct bw_provenance from;
  (void)state;
  open_with(&w, JOURNEY, PLAY("p", "[{name: stage, require: account.stage >= stage('first_results')}]", ""));
  decline(&w, "a");
  says(&w, "a", "p", "gates.0.result", "missing", "journey.stage", "null", "journey.next", "live", "journey.milestone",
       "first users", "says",
       "~account.stage: an account record with traits.stage; or, for the milestones of the value journey, "
       "trait.usage.seats_used: the watcher usage has published no value",
       NULL);
  world_trait(&w, "a", "seats_used", "", 2);
  says(&w, "a", "p", "gates.0.result", "fail", "journey.stage", "baseline", "journey.from", "milestones", NULL);
  world_trait(&w, "a", "seats_used", "", 3);
  says(&w, "a", "p", "gates.0.result", "fail", "journey.stage", "live", "journey.next", "first_results", "journey.milestone",
       "in use", NULL);
  world_trait(&w, "a", "dau_mau", "", 0.3);
  says(&w, "a", "p", "journey.stage", "live", "journey.milestone", "goal known", "journey.values.0.name", "account.goal", NULL);
  world_account(&w, "a", "{\"goal\":\"less work\"}");
  says(&w, "a", "p", "gates.0.result", "pass", "journey.stage", "first_results", "journey.next", "expansion_ready",
       "gates.0.values.0.from.name", "milestones of the value journey", NULL);
  world_account(&w, "a", "{\"health\":\"green\"}");
  says(&w, "a", "p", "journey.stage", "expansion_ready", "journey.next", "(nothing)", NULL);
  assert_int_equal(bw_engine_open_env(w.engine, BW_STR("a"), NULL, w.now, &env, NULL), 0);
  assert_int_equal(bw_env_lookup(env, "account.stage", &v, &from, NULL), 0);
  assert_string_equal(v.s.data, "expansion_ready");
  assert_int_equal(from.kind, BW_FROM_COMPUTED);
  bw_env_close(&env);
  world_account(&w, "a", "{\"stage\":\"live\"}"); /* what is recorded counts */
  says(&w, "a", "p", "gates.0.result", "fail", "journey.stage", "live", "journey.from", "record", "journey.derived",
       "expansion_ready", NULL);
  world_close(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shared_gates_stand_where_they_are_used),
      cmocka_unit_test(readiness_decides_on_expansion),
      cmocka_unit_test(time_since_purchase_is_counted_in_calendar_months),
      cmocka_unit_test(configuration_says_what_readiness_is),
      cmocka_unit_test(what_is_nurtured_grows_up),
      cmocka_unit_test(milestones_tell_the_stage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
