/* SPDX-License-Identifier: Apache-2.0 */
/* What plays and what they share must not say: each is found, where it stands. */
#include "base/test.h"

#include "rules/tests/config.h"

/* ---- plays ---- */

#define ROUTES "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: csm}]\n"
#define RISK(name, extra)                                                                                                      \
  "play: " name "\nmotion: renewal\ntype: risk\nfamily: f\nsignals: {usage_decline: 80}\n"                                     \
  "gates: [{name: g, require: account.arr > 0}]\nscore: {threshold: 40}\nroute: r\n" extra

/* The one complaint there is. */
static void said_once(const char *shared, const char *plays, const char *says)
{
  char *said BW_AUTOFREE = config_refused(shared, plays, NULL);
  if (!said || !strstr(said, says) || strchr(said, '\n') != said + strlen(said) - 1)
    fail_msg("expected alone: %s\nsaid: %s", says, said ? said : "nothing");
}

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
  refused(NULL, RISK("p", "") "---\n" RISK("p", ""), ROUTES,
          "P.yaml:10:7: a play needs a name of its own; there is a \"p\" already, in ");
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
  said_once(NULL, RISK("p", "floor: account.acw > 1\n"), "P.yaml:9:8: there is no name");
  said_once(NULL,
            EXPANSION("p", "") "---\n"
                               "play: q\nmotion: expansion\nsignals: {seat_limit: 80}\n"
                               "gates: [{name: any, require: 'true'}]\nestimate: acount.acv\nfloor: estimate > 1\nroute: r\n",
            "there is no name \"acount\"");
}

/* A gate, and what is said of it; NULL: it is fine.  Columns count from the quote of the condition. */
struct gate_case {
  const char *require, *says;
};

static void check_gates(const struct gate_case *cases, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++) {
    char *play BW_AUTOFREE = bw_asprintf("play: p\nmotion: renewal\ntype: risk\nsignals: {usage_decline: 80}\ngates:\n"
                                         "- name: g\n  require: >-\n   %s\nscore: {threshold: 40}\nroute: r\n",
                                         cases[i].require);
    char *says BW_AUTOFREE = cases[i].says ? bw_asprintf("P.yaml:8:%s", cases[i].says) : NULL;
    refused(NULL, play, NULL, says);
  }
}

static void comparisons_that_cannot_be_are_refused(void **state)
{
  static const struct gate_case cases[] = {
      {"trait.usage.dau_mau >= 60",
       "27: trait.usage.dau_mau is a ratio (0.3 is 30 %), so >= 60 never holds; write 0.6 for 60 %"},
      {"60 <= trait.usage.dau_mau", "4: trait.usage.dau_mau is a ratio (0.3 is 30 %), so >= 60 never holds"},
      {"trait.usage.dau_mau >= 0.6", NULL},
      {"quartile(trait.usage.dau_mau) == 5",
       "37: quartile(trait.usage.dau_mau) is a whole number from 1 to 4, so == 5 never holds"},
      {"quartile(trait.usage.dau_mau) >= 1",
       "37: quartile(trait.usage.dau_mau) is a whole number from 1 to 4, so >= 1 always holds"},
      {"quartile(trait.usage.dau_mau) in [3, 5]", "41: quartile(trait.usage.dau_mau) is a whole number from 1 to 4"},
      {"quartile(trait.usage.dau_mau) >= 3", NULL},
      {"account.health == \"Green\"",
       "22: account.health is green, yellow or red, and never \"Green\"; did you mean \"green\"?"},
      {"account.health in ['red', 'yelow']",
       "30: account.health is green, yellow or red, and never \"yelow\"; did you mean \"yellow\"?"},
      {"account.health != 'red'", NULL},
      {"account.budget == \"positiv\"",
       "22: account.budget is positive, stable or cuts, and never \"positiv\"; did you mean \"positive\"?"},
      {"account.relationship == \"multi\"", "28: account.relationship is multi-threaded, single or weak, and never \"multi\""},
      {"now.getMonth() == 12", "22: getMonth(now) is a whole number from 0 to 11, so == 12 never holds"},
      {"now.getDate() >= 1", "21: getDate(now) is a whole number from 1 to 31, so >= 1 always holds"},
      {"now.getDayOfWeek(\"+01:00\") in [1, 7]",
       "38: getDayOfWeek(now, \"+01:00\") is a whole number from 0 to 6, so in 7 never holds"},
      {"7 == now.getDayOfWeek()", "4: getDayOfWeek(now) is a whole number from 0 to 6, so == 7 never holds"},
      {"now.getHours() < 24", "21: getHours(now) is a whole number from 0 to 23, so < 24 always holds"},
      {"account.tenure.getHours() > 8760", NULL},
      {"size(account.name) < 0", "25: size(account.name) is never below 0, so < 0 never holds"},
      {"now.getMonth() == 11", NULL},
      {"account.acv < 0", "18: account.acv is never below 0, so < 0 never holds"},
      {"account.acv >= 0",
       "19: account.acv is never below 0, so >= 0 always holds; whether it is known is asked with has(account.acv)"},
      {"account.acv > 0", NULL},
      {"account.days_to_renewal < 0", NULL},
      {"account.stage > stage(\"expansion_ready\")", "20: account.stage goes from baseline to expansion_ready, so > "
                                                     "stage(\"expansion_ready\") never holds; did you mean >=?"},
      {"account.stage >= stage('baseline')",
       "21: account.stage goes from baseline to expansion_ready, so >= stage(\"baseline\") always"},
      {"account.stage >= stage('first_results')", NULL},
      {"signal.usage_decline.strength > 1", "36: signal.usage_decline.strength is a number from 0 to 1, so > 1 never holds"},
      {"signal.usage_decline.value > 60", NULL},
      {"has(account.health) && (account.acv > 5 || account.health == 'grey')", "65: account.health is green, yellow or red"},
  };
  (void)state;
  check_gates(cases, sizeof cases / sizeof *cases);
  refused(NULL, RISK("p", "review: {when: priority != \"hihg\"}\n"), ROUTES,
          "P.yaml:9:28: priority is high, medium or low, and never \"hihg\"; did you mean \"high\"?");
  refused(NULL, RISK("p", "priority: {high: score >= 120}\n"), ROUTES,
          "P.yaml:9:27: score is a number from 0 to 100, so >= 120 never holds");
  refused(NULL, RISK("p", "priority: {high: score >= 100}\n"), ROUTES, NULL);
}

static void what_others_write_is_answered_with_what_is_written_here(void **state)
{
  static const struct gate_case cases[] = {
      {"account.acv > 15% * account.arr", "18: a percentage is written as a number: 0.15 for 15%"},
      {"trait.usage.dau_mau >= 60%", "27: a percentage is written as a number: 0.6 for 60%"},
      {"trait.usage.dau_mau >= 2.5 % && account.acv > 1", "27: a percentage is written as a number"},
      {"7 % 3 == 1", NULL},
      {"account.acv >= 10K", "19: an amount is written out here: 10000 instead of 10K"},
      {"account.acv >= 1.5M", "19: an amount is written out here: 1500000 instead of 1.5M"},
      {"account.acv >= 10,000", "21: the expression should end before \",\"; a number has no commas between its thousands"},
      {"account.acv >= $10000", "19: an amount has no currency sign; write the number alone"},
      {"account.acv >= '10,000'", "19: a number in quotes is a text; drop the quotes and the comma: 10000"},
      {"account.acv >= \"10000\"", "19: a number in quotes is a text; drop the quotes"},
      {"account.acv > 1 AND account.arr > 1", "20: the expression should end before \"AND\"; and is written &&"},
      {"account.acv > 1 Or account.arr > 1", "20: the expression should end before \"Or\"; or is written ||"},
      {"NOT account.do_not_contact", "4: \"NOT\" cannot stand here; not is written !"},
      {"not account.do_not_contact", "4: \"not\" cannot stand here; not is written !"},
      {"account.acv <> 5", "16: <> means nothing here; not equal is !="},
      {"account.acv => 5", "16: => means nothing here; at least is >="},
      {"account.tenure > months(4)", "21: there is no function months(); a month is written as days: days(120) for four"},
      {"account.name == \xE2\x80\x9C"
       "a\xE2\x80\x9D",
       "20: curly quotes (\xE2\x80\x9C) are none here"},
  };
  (void)state;
  check_gates(cases, sizeof cases / sizeof *cases);
}

/* What stands in a file that cannot be read is not missed elsewhere. */
static void a_file_that_cannot_be_read_is_one_mistake(void **state)
{
  (void)state;
  said_once("gates: shared\nlist:\n  - name: quiet\n    require: !open(signal.usage_decline)\n---\nreadiness: strict\n",
            "play: p\nmotion: renewal\nsignals: {usage_decline: 80}\ngates: [use: shared]\nreadiness: strict\nroute: r\n",
            "_shared.yaml:4:14: a value that begins with ! must stand in quotes: '!open(signal.usage_decline)'");
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
          "P.yaml:6:14: there are no shared gates \"custmer\"; a document \"gates: NAME\" with \"list\" would define them; did "
          "you mean customer?");
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
      cmocka_unit_test(a_file_that_cannot_be_read_is_one_mistake),
      cmocka_unit_test(comparisons_that_cannot_be_are_refused),
      cmocka_unit_test(what_others_write_is_answered_with_what_is_written_here),
      cmocka_unit_test(mistakes_in_questions_of_the_past_are_found),
      cmocka_unit_test(mistakes_in_timing_are_found),
      cmocka_unit_test(windows_can_be_expressed),
      cmocka_unit_test(mistakes_in_shared_gates_are_found_where_they_are),
      cmocka_unit_test(mistakes_in_readiness_are_found),
      cmocka_unit_test(mistakes_in_the_journey_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
