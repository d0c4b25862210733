/* SPDX-License-Identifier: Apache-2.0 */
/* What plays and what they share must not say: each is found, where it stands. */
#include "base/test.h"

#include "rules/tests/config.h"

/* ---- plays ---- */

#define ROUTES "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: csm}]\n"
#define RISK(name, extra)                                                                                                      \
  "play: " name "\nmotion: renewal\ntype: risk\nfamily: f\nsignals: {usage_decline: 80}\n"                                     \
  "gates: [{name: g, require: account.arr > 0}]\nscore: {threshold: 40}\nroute: r\n" extra

static void mistakes_are_found_where_they_are(void **state)
{
  (void)state;
  refused(NULL, RISK("p", ""), ROUTES, NULL);
  refused(NULL, RISK("p", "flor: 1\n"), ROUTES, "P.yaml:9:1: unknown key \"flor\"; did you mean floor?");
  refused(NULL, RISK("p", "estimate: account.acv * days(1)\n"), ROUTES,
          "P.yaml:9:23: * does not work between a number and a duration");
  refused(NULL, RISK("p", "estimate: 'acount.acv'\n"), ROUTES,
          "P.yaml:9:12: there is no name \"acount\"; did you mean account?");
  refused(NULL, RISK("p", "estimate: |\n  1.0 +\n  acount.acv\n"), ROUTES, "P.yaml:11:3: there is no name");
  refused(NULL, RISK("p", "estimate: >-\n  1.0 +\n  acount.acv\n"), ROUTES, "P.yaml:11:3: there is no name");
  refused(NULL, RISK("p", "floor: account.acv\n"), ROUTES, "a yes or no (a comparison) is needed here");
  refused(NULL, RISK("p", "review: {when: lead.owner == 'x'}\n"), ROUTES, "lead is known only in templates");
  refused(NULL, RISK("p", "estimate: estimate * 2\n"), ROUTES, "estimate is not known yet at this place");
  refused(NULL, RISK("p", "sla: soon\n"), ROUTES, "P.yaml:9:6: a duration should stand here");
  refused(NULL, RISK("p", "mode: pilot\n"), ROUTES, "a pilot needs \"accounts\"");
  refused(NULL, RISK("p", "mode: life\n"), ROUTES, "did you mean live?");
  refused(NULL, RISK("p", "") "---\n" RISK("p", ""), ROUTES, "a play needs a name of its own");
  refused(NULL, "play: p\nmotion: renewal\nsignals: {usage_declin: 80}\ngates: [{name: g, require: 'true'}]\nroute: r\n",
          ROUTES, "P.yaml:3:11: there is no signal \"usage_declin\"; did you mean usage_decline?");
  /* What can mean good or bad news is for a person to judge. */
#define JUDGED(gate, more)                                                                                                     \
  "play: p\nmotion: renewal\nsignals: {data_export: 80}\ngates: [{name: g, require: '" gate "'}]\nroute: r\n" more
  refused(NULL, JUDGED("true", "template: t\n"), ROUTES, "no play may draft from it");
  refused(NULL, JUDGED("open(signal.data_export)", ""), ROUTES, NULL);
  refused(NULL, JUDGED("true", "estimate: 1.0\nfloor: {require: 'false', otherwise: {route: r, template: t}}\n"), ROUTES,
          "the play p has no template, so that nothing is drafted");
  refused(NULL,
          "play: p\nmotion: renewal\nsignals: {usage_decline: 80}\nroute: r\n"
          "gates: [{name: g, require: '!open(signal.data_export)', otherwise: {route: r, template: t}}]\n",
          ROUTES, "the play p has no template, so that nothing is drafted");
  refused(NULL, RISK("p", "template: t\nestimate: 1.0\nfloor: {require: 'false', otherwise: {route: r, template: ''}}\n"),
          ROUTES, "the name of a template should stand here");
  refused(NULL, RISK("p", "template: t\nestimate: 'open(signal.data_export) ? 1.0 : 2.0'\n"), ROUTES,
          "signal.data_export can mean good or bad news");
  refused(NULL, RISK("p", "estimate: 'open(signal.data_export) ? 1.0 : 2.0'\n"), ROUTES, NULL);
  refused(NULL, "gates: g\nlist: [{name: x, require: '!open(signal.data_export)'}]\n---\n" RISK("p", ""), ROUTES,
          "signal.data_export can mean good or bad news");
  refused(NULL, JUDGED("true", "readiness: {pursue: 12, nurture: {from: 8, route: r, template: t}}\n"), ROUTES,
          "is for a person to judge");
  refused(NULL, "play: p\nmotion: renewal\nsignals: {usage_decline: 30}\ngates: [{name: g, require: 'true'}]\nroute: r\n",
          ROUTES, "this play can never fire");
  refused(NULL, "play: p\nmotion: renewal\nsignals: {usage_decline: 80}\nroute: r\n", ROUTES,
          "no score without a gate before it");
  refused(NULL, "play: p\nmotion: expansion\nsignals: {usage_decline: 80}\ngates: [{name: g, require: 'true'}]\nroute: r\n",
          ROUTES, "an expansion play needs \"estimate\"");
  refused(NULL, "play: p\nmotion: renewal\nsignals: {usage_decline: 80}\ngates: [{name: g, require: 'true'}]\nroute: q\n",
          ROUTES, "there is no route \"q\"");
  refused(NULL, RISK("p", ""), "roles: {csm: account.cms}\n---\nroute: r\nrows: [{to: csm}]\n", "did you mean account.csm?");
  refused(NULL, RISK("p", ""), "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: csmm}]\n", "did you mean csm?");
  refused(NULL, RISK("p", ""), "roles: {csm: account.acv}\n---\nroute: r\nrows: [{to: csm}]\n", "a text is needed here");
  refused(NULL, "- 1\n- 2\n", ROUTES, "a document in plays/ begins with");
  refused(NULL, "play: [1]\n", ROUTES, "\"play\" should be text");
  refused(NULL, "{{{{", ROUTES, "P.yaml");
}

static void mistakes_in_questions_of_the_past_are_found(void **state)
{
  (void)state;
  refused(NULL, PLAY("p", "[{name: x, require: quartile(account.acv) > 2}]", ""), NULL, "takes a trait that is a number");
  refused(NULL, PLAY("p", "[{name: x, require: quartile(trait.usage.limit_date) > 2}]", ""), NULL,
          "takes a trait that is a number");
  refused(NULL, PLAY("p", "[{name: x, require: 'trend(trait.usage.dau_mau, days(500)) > 2'}]", ""), NULL, "1 to 400 days");
  refused(NULL, PLAY("p", "[{name: x, require: 'trend(trait.usage.dau_mau, 30) > 2'}]", ""), NULL, "trend() does not take");
  refused(NULL, PLAY("p", "[{name: x, require: quartile(trait.usage.dau_mau) == 4}]", ""), NULL, NULL);
}

static void mistakes_in_timing_are_found(void **state)
{
  (void)state;
  refused(NULL, EXPANSION("p", "timing: {never_before: 59d}\n"), NULL,
          "P.yaml:11:24: no expansion in the first 60 days of a customer: a play may wait longer, and not less");
  refused(NULL, EXPANSION("p", "timing: {escalation: never}\n"), NULL, "\"escalation\" should be block or allow");
  refused(NULL, EXPANSION("p", "timing: {renewal: {join: [60d]}}\n"), NULL, "two durations");
  refused(NULL, EXPANSION("p", "timing: {renewal: {join: [20d, 90d]}}\n"), NULL, "both of them earlier");
  refused(NULL, EXPANSION("p", "timing: {renewl: false}\n"), NULL, "did you mean renewal?");
  refused(NULL, EXPANSION("p", "timing: soon\n"), NULL, "\"timing\" should be a map");
}

/* Windows of the signals' own can be asked for: a new leader's first 90 days, the day-90 talk. */
static void windows_can_be_expressed(void **state)
{
  (void)state;
  refused(READY,
          PLAY("p",
               "[{name: new leader, require: signal.leader_hired.opened >= now - days(90)}, {name: day 90, require: "
               "'account.tenure >= days(90) && account.tenure < days(120)'}, {name: limit, require: "
               "'!has(account.days_to_renewal) || account.days_to_renewal > 30'}]",
               ""),
          NULL, NULL);
}

/* ---- what plays share ---- */

#define SHARED                                                                                                                 \
  "gates: customer\nlist:\n  - {name: floor, require: account.acv >= 10000, otherwise: {route: care}}\n"                       \
  "  - name: tenure\n    require: account.tenure >= days(120)\n"

static void mistakes_in_shared_gates_are_found_where_they_are(void **state)
{
  (void)state;
  refused(SHARED, PLAY("p", "[use: customer]", ""), NULL, NULL);
  refused(SHARED, PLAY("p", "[use: custmer]", ""), NULL,
          "P.yaml:6:14: there are no shared gates \"custmer\"; a document \"gates: NAME\" with \"list\" would define them (did "
          "you mean customer?)");
  refused(SHARED, PLAY("p", "[use: customer, {name: tenure, require: 'true'}]", ""), NULL,
          "two gates have the name \"tenure\"");
  refused(SHARED, PLAY("p", "[{name: tenure, require: 'true'}, use: customer]", ""), NULL,
          "two gates have the name \"tenure\"; leave the shared one out with {use: customer, except: [...]}");
  refused(SHARED, PLAY("p", "[{use: customer, except: [tenur]}]", ""), NULL,
          "P.yaml:6:34: the shared gates \"customer\" have none of this name; did you mean tenure?");
  refused(SHARED "---\n" SHARED, PLAY("p", "[use: customer]", ""), NULL,
          "_shared.yaml:7:8: shared gates need a name of their own");
  refused("gates: g\nlist:\n  - name: x\n    require: account.acv > days(3)\n", PLAY("p", "[use: g]", ""), NULL,
          "_shared.yaml:4:26: > does not work between a number and a duration");
  refused("gates: g\nlist: [use: h]\n", PLAY("p", "[use: g]", ""), NULL, "shared gates do not use others");
  refused("gates: g\nlist: []\n", PLAY("p", "[use: g]", ""), NULL, "\"list\" should be a list of 1 to 64 gates");
  refused("gates: g\nlist:\n  - {name: x, require: 'true', otherwise: {route: care, template: ../x}}\n",
          PLAY("p", "[use: g]", ""), NULL,
          "_shared.yaml:3:67: a template is named without its folder and ending: seat-expansion");
  refused("gates: g\nlist:\n  - {name: x, require: 'true', otherwise: {route: care, tempalte: x}}\n", PLAY("p", "[use: g]", ""),
          NULL, "unknown key \"tempalte\"; did you mean template?");
  refused("gates: g\nlits: []\n", PLAY("p", "[use: g]", ""), NULL, "unknown key \"lits\"; did you mean list?");
}

static void mistakes_in_readiness_are_found(void **state)
{
  (void)state;
  refused(NULL, EXPANSION("p", "readiness: strickt\n"), NULL, "there is no document \"readiness: strickt\" in plays/");
  refused("readiness: strict\n", EXPANSION("p", "readiness: strickt\n"), NULL, "did you mean strict?");
  refused(NULL, EXPANSION("p", "readiness: {pursue: 7}\n"), NULL, "it should be the other way round");
  refused(NULL, EXPANSION("p", "readiness: {unknown: 3}\n"), NULL, "P.yaml:11:22: a number from 1 to 2 should stand here");
  refused(NULL, EXPANSION("p", "readiness: {dimensions: {budgt: '3'}}\n"), NULL, "did you mean budget?");
  refused(NULL, EXPANSION("p", "readiness: {dimensions: {budget: account.budget}}\n"), NULL, "a number is needed here");
  refused(NULL, EXPANSION("p", "readiness: {nurture: {route: nowhere}}\n"), NULL, "there is no route \"nowhere\"");
  refused(NULL, EXPANSION("p", "readiness: {nurture: {from: 8}}\n"), NULL, "where a lead of this band goes");
  refused("readiness: x\n---\nreadiness: x\n", EXPANSION("p", ""), NULL, "a shared readiness needs a name of its own");
}

#define JOURNEY                                                                                                                \
  "journey:\n  live:\n    - {milestone: first users, when: trait.usage.seats_used >= 3}\n"                                     \
  "  first_results:\n    - {milestone: in use, when: trait.usage.dau_mau >= 0.3}\n"                                            \
  "    - {milestone: goal known, when: has(account.goal)}\n"                                                                   \
  "  expansion_ready: [{milestone: happy, when: account.health == 'green'}]\n"

static void mistakes_in_the_journey_are_found(void **state)
{
  static const char play[] = PLAY("p", "[{name: any, require: 'true'}]", "");
  (void)state;
  refused("journey: {life: [{milestone: x, when: 'true'}]}\n", play, NULL, "did you mean live?");
  refused("journey: {live: [{milestone: x}]}\n", play, NULL, "_shared.yaml:1:18: a milestone should be a map");
  refused("journey: {live: [{milestone: x, when: account.acv}]}\n", play, NULL, "a yes or no (a comparison) is needed here");
  refused("journey: {live: [{milestone: x, when: account.stage >= stage('live')}]}\n", play, NULL,
          "a milestone cannot ask for account.stage");
  refused(JOURNEY "---\n" JOURNEY, play, NULL, "there is one value journey");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mistakes_are_found_where_they_are),
      cmocka_unit_test(mistakes_in_questions_of_the_past_are_found),
      cmocka_unit_test(mistakes_in_timing_are_found),
      cmocka_unit_test(windows_can_be_expressed),
      cmocka_unit_test(mistakes_in_shared_gates_are_found_where_they_are),
      cmocka_unit_test(mistakes_in_readiness_are_found),
      cmocka_unit_test(mistakes_in_the_journey_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
