/* SPDX-License-Identifier: Apache-2.0 */
/* The names that templates and rules use: their values and sources, what is said of others, and what an owner tells. */
#include "base/test.h"

#include <math.h>
#include <string.h>

#include "base/time.h"
#include "names/env.h"
#include "names/tests/facts.h"

#define START INT64_C(1767600000000) /* 2026-01-05T08:00Z */

/* An account, its plan and subscription, a trait; and an owner who tells nothing but the currency. */
static struct bw_env_source acme(struct facts *f)
{
  facts_open(f, NULL, NULL);
  facts_record(f, START, BW_KIND_PLAN, "pro", "", "{\"name\":\"Pro\",\"seat_price\":40}");
  facts_record(f, START, BW_KIND_ACCOUNT, "", "a000",
               "{\"name\":\"Acme\",\"acv\":24000,\"arr\":24000,\"start\":\"2024-01-01\",\"csm\":\"carl\"}");
  facts_record(f, START, BW_KIND_SUBSCRIPTION, "", "a000", "{\"plan\":\"pro\",\"seats\":50}");
  facts_record(f, START, BW_KIND_CONTACT, "c1", "a000", "{\"role\":\"sponsor\",\"email\":\"s@x\",\"do_not_contact\":true}");
  facts_trait(f, START, "a000", "seats_needed", "", 70);
  return (struct bw_env_source){.catalog = f->catalog, .book = f->book, .signals = f->signals, .currency = "USD"};
}

static void names_give_values_and_their_sources(void **state)
{
  static const struct {
    const char *name, *text, *from;
  } cases[] = {
      {"account.name", "\"Acme\"", "record"},
      {"account.acv", "24,000", "record"},
      {"account.currency", "\"USD\"", "setting"},
      {"account.tenure", "735.3 days", "record"},
      {"account.seats", "50", "record"},
      {"plan.seat_price", "40", "record"},
      {"plan.id", "\"pro\"", "computed"},
      {"trait.usage.seats_needed", "70", "trait"},
      {"signal.seat_limit.value", "1.2", "signal"},
      {"signal.seat_limit.evidence.seats_used", "60", "signal"},
      {"signal.usage_limit.api_calls.evidence.resource", "\"api_calls\"", "signal"},
      {"signal.usage_limit[\"api_calls\"].strength", "0.5", "signal"},
      {"account.csm", "\"carl\"", "record"},
      {"account.days_to_renewal",
       "missing: account.days_to_renewal: an account record with traits.renewal, or a subscription "
       "record with traits.end",
       "nowhere"},
      {"account.health", "missing: account.health: an account record with traits.health", "nowhere"},
      {"champion.name", "missing: champion.name: a contact record of the account with traits.role \"champion\"", "nowhere"},
      {"sponsor.email",
       "missing: sponsor.email: another contact record of the account with traits.role \"sponsor\"; c1 says do_not_contact",
       "nowhere"},
      {"sponsor.first_name",
       "missing: sponsor.first_name: another contact record of the account with traits.role \"sponsor\"; c1 says "
       "do_not_contact",
       "nowhere"},
      {"next_plan.price",
       "missing: next_plan.price: a plan record with traits.next, and a plan record of that id with traits.price", "nowhere"},
      {"plan.limits.api_calls", "missing: plan.limits.api_calls: a plan record pro with traits.limits.api_calls", "nowhere"},
      {"signal.gone_silent.value", "missing: signal.gone_silent.value: the signal gone_silent is not open", "nowhere"},
      {"trait.usage.limit_ratio[api_calls]",
       "missing: trait.usage.limit_ratio.api_calls: the watcher usage has published no value for this account yet", "nowhere"},
      {"lead.owner", "missing: lead.owner: there is no lead here", "nowhere"},
  };
  static const struct {
    const char *name, *says;
  } unknown[] = {
      {"acount.name", "there is no name \"acount\"; did you mean account?"},
      {"account.nmae", "there is no name \"account.nmae\"; did you mean account.name?"},
      {"signal.seat_limt.value", "there is no signal \"seat_limt\"; did you mean seat_limit?"},
      {"trait.usage.seats_uesd", "there is no trait \"usage.seats_uesd\"; did you mean usage.seats_used?"},
      {"account", "account alone is no value; name a part of it, such as account.name"},
      {"", "\"\" is not a name such as account.name or trait.usage.ratio[api_calls]"},
      {"account.", "\"account.\" is not a name such as account.name or trait.usage.ratio[api_calls]"},
      {"account[", "\"account[\" is not a name such as account.name or trait.usage.ratio[api_calls]"},
  };
  struct facts f = {0};
  struct bw_env_source from_facts;
  struct bw_env *env = NULL;
  struct bw_error err = {0};
  size_t i;
  (void)state;
  from_facts = acme(&f);
  facts_signal(&f, START, "a000", "seat_limit", "", BW_OPENED, 1.2, 0.4, "{\"seats_used\":60}");
  facts_signal(&f, START, "a000", "usage_limit", "api_calls", BW_OPENED, 1.2, 0.5, "{\"resource\":\"api_calls\"}");
  assert_int_equal(bw_env_open(&from_facts, BW_STR("a000"), NULL, START, &env, &err), 0);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_value v;
    struct bw_provenance from;
    struct bw_buf b = {0};
    if (bw_env_lookup(env, cases[i].name, &v, &from, &err) < 0)
      fail_msg("%s: %s", cases[i].name, err.message);
    bw_value_text(&b, &v);
    if (strcmp(bw_buf_cstr(&b), cases[i].text) != 0 || strcmp(bw_provenance_kind_name(from.kind), cases[i].from) != 0)
      fail_msg("%s\n  gave     %s (%s)\n  expected %s (%s)", cases[i].name, bw_buf_cstr(&b), bw_provenance_kind_name(from.kind),
               cases[i].text, cases[i].from);
    if (from.kind == BW_FROM_RECORD || from.kind == BW_FROM_TRAIT)
      assert_true(from.offset > 0);
    bw_buf_clear(&b);
  }
  for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    struct bw_value v;
    assert_int_equal(bw_env_lookup(env, unknown[i].name, &v, NULL, &err), BW_ENOTFOUND);
    assert_string_equal(err.message, unknown[i].says);
    assert_int_equal(bw_env_check_name(f.catalog, bw_str(unknown[i].name), NULL, &err), BW_ENOTFOUND);
  }
  bw_env_close(&env);
  facts_close(&f);
}

/* ---- what an owner tells ---- */

static void expect(struct bw_env *env, const char *name, const char *text)
{
  struct bw_buf b = {0};
  struct bw_error err = {0};
  struct bw_value v;
  if (bw_env_lookup(env, name, &v, NULL, &err) < 0)
    fail_msg("%s: %s", name, err.message);
  bw_value_text(&b, &v);
  if (strcmp(bw_buf_cstr(&b), text) != 0)
    fail_msg("%s\n  gave     %s\n  expected %s", name, bw_buf_cstr(&b), text);
  bw_buf_clear(&b);
}

static void a_lead_is_what_its_owner_tells(void **state)
{
  struct facts f = {0};
  struct bw_env_source source = acme(&f);
  struct bw_env_lead lead = {.id = "L1",
                             .play = "seats",
                             .family = "seats",
                             .motion = "expansion",
                             .type = "seat",
                             .priority = "high",
                             .csm = "",
                             .currency = "EUR",
                             .primary_signal = "seat_limit",
                             .title = "Make room",
                             .owner = "ann@example.com",
                             .owner_name = "Ann Berg",
                             .opened_at = START,
                             .sla_at = BW_TIME_NONE,
                             .score = 75,
                             .estimate = NAN,
                             .why_json =
                                 "{\"signals\":[{\"signal\":\"seat_limit\",\"value\":1.5,\"evidence\":{\"seats_used\":75}}]}",
                             .updated_at = START};
  struct bw_env *env = NULL;
  (void)state;
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), &lead, START, &env, NULL), 0);
  lead = (struct bw_env_lead){0}; /* the struct need not outlive the call, its texts do */
  expect(env, "lead.id", "\"L1\"");
  expect(env, "lead.owner_name", "\"Ann Berg\"");
  expect(env, "lead.csm", "missing: lead.csm: this lead has none");
  expect(env, "lead.sla", "missing: lead.sla: this lead has none");
  expect(env, "lead.score", "75");
  expect(env, "score", "75");
  expect(env, "estimate", "missing: estimate: not known here");
  expect(env, "priority", "\"high\"");
  expect(env, "account.currency", "\"USD\"");
  expect(env, "signal.seat_limit.value", "1.5"); /* it is over: as the lead saw it */
  expect(env, "signal.seat_limit.evidence.seats_used", "75");
  bw_env_close(&env);
  facts_close(&f);
}

/* Whoever wrote it, a price needs its code. */
static void a_currency_is_its_code(void **state)
{
  struct facts f = {0};
  struct bw_env_source source = acme(&f);
  struct bw_env *env = NULL;
  (void)state;
  source.currency = "eur";
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.currency", "\"EUR\"");
  bw_env_close(&env);
  facts_record(&f, START + 1, BW_KIND_ACCOUNT, "", "a000", "{\"currency\":\"US Dollar\"}");
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.currency", "\"USD\"");
  bw_env_close(&env);
  facts_record(&f, START + 2, BW_KIND_ACCOUNT, "", "a000", "{\"currency\":\"$\"}");
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.currency", "\"$\"");
  bw_env_close(&env);
  facts_close(&f);
}

/* The milestones of a test: "live" while it is not asked why not. */
struct told {
  int rank;
  size_t asked;
};

static int tell_stage(void *ctx, struct bw_env *env, struct bw_str *ret_why)
{
  struct told *t = ctx;
  (void)env;
  t->asked++;
  if (t->rank < 0 && ret_why)
    *ret_why = BW_STR("more users");
  return t->rank;
}

static void a_stage_is_recorded_or_told(void **state)
{
  struct facts f = {0};
  struct bw_env_source source = acme(&f);
  struct told told = {.rank = bw_stage_rank(BW_STR("live"))};
  struct bw_env *env = NULL;
  (void)state;
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.stage", "missing: account.stage: an account record with traits.stage");
  bw_env_close(&env);
  source.ctx = &told;
  source.stage = tell_stage;
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.stage", "live");
  expect(env, "account.stage", "live");
  assert_int_equal(told.asked, 1); /* once for a moment */
  bw_env_close(&env);
  told.rank = -1;
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(
      env, "account.stage",
      "missing: account.stage: an account record with traits.stage; or, for the milestones of the value journey, more users");
  bw_env_close(&env);
  facts_record(&f, START + 1, BW_KIND_ACCOUNT, "", "a000", "{\"stage\":\"tangible_roi\"}");
  told.asked = 0;
  assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
  expect(env, "account.stage", "tangible_roi");
  assert_int_equal(told.asked, 0);
  bw_env_close(&env);
  facts_close(&f);
}

/* ---- names of people ---- */

static void a_given_name_is_found_or_left_to_a_person(void **state)
{
  static const char *const cases[][2] = {
      {"Dana Park", "Dana"},
      {"  Ada  Okafor ", "Ada"},
      {"Dana", "Dana"},
      {"Dana\xC2\xA0Park", "Dana"},
      {"Dr. Dana Park", "Dana"},
      {"Frau Dr. Dana Park", "Dana"},
      {"Prof Dr Dana Park", "Dana"},
      {"Mme Dana Park", "Dana"},
      {"J. Robert Park", "Robert"},
      {"M. Jean Park", "Jean"},
      {"Dr. Park", NULL},
      {"Frau Park", NULL},
      {"J. Park", NULL},
      {"Dr.", NULL},
      {"Park, Dana", "Dana"},
      {"Dr. Park, Dana Grace", "Dana"},
      {"Park, Dr. Dana", "Dana"},
      {"Park, Dr.", NULL},
      {"Park,", "Park"},
      {"van der Berg, Jan", "Jan"},
      {"O'Brien, Kim (she/her)", "Kim"},
      {"Dana Park, MBA", "Dana"},
      {"Park, Jr., Dana", "Dana"},
      {"Dana Park, Acme", NULL},
      {"Park, Dana, Berlin", NULL},
      {"\"Dana\" Park", "Dana"},
      {"ERIN WOLF", "Erin"},
      {"ERIN", "Erin"},
      {"WOLF, ERIN", "Erin"},
      {"JEAN-PIERRE WOLF", "Jean-Pierre"},
      {"\xC3\x89LODIE WOLF", "\xC3\x89lodie"},
      {"ZO\xC3\x8B WOLF", "Zo\xC3\xAB"},
      {"\xD0\x98\xD0\x92\xD0\x90\xD0\x9D", "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD"},
      {"JP Wolf", "JP"},
      {"WOLF Erin", NULL},
      {"\xE5\xB1\xB1\xE7\x94\xB0 \xE5\xA4\xAA\xE9\x83\x8E", "\xE5\xA4\xAA\xE9\x83\x8E"},
      {"\xE5\xB1\xB1\xE7\x94\xB0\xE3\x80\x80\xE5\xA4\xAA\xE9\x83\x8E \xE6\xA7\x98", "\xE5\xA4\xAA\xE9\x83\x8E"},
      {"\xE3\x83\x80\xE3\x83\x8A\xE3\x83\xBB\xE3\x83\x91\xE3\x82\xAF", "\xE3\x83\x80\xE3\x83\x8A"},
      {"\xEA\xB9\x80 \xEB\xAF\xBC\xEC\xA4\x80", "\xEB\xAF\xBC\xEC\xA4\x80"},
      {"dana.park@acme.example", NULL},
      {"N/A", NULL},
      {"Unknown", NULL},
      {"-", NULL},
      {"12345", NULL},
      {"<b>Dana</b>", NULL},
      {"", NULL},
      {",", NULL}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_buf out = {0};
    const char *why = bw_given_name(bw_str(cases[i][0]), &out);
    if (cases[i][1] ? why || !bw_str_is(bw_buf_str(&out), cases[i][1]) : !why || out.len)
      fail_msg("\"%s\" gave \"%.*s\" (%s)", cases[i][0], BW_FMT(bw_buf_str(&out)), why ? why : "a name");
    bw_buf_clear(&out);
  }
}

static void a_first_name_says_where_it_is_from(void **state)
{
  static const struct {
    const char *traits, *text, *from;
  } cases[] = {
      {"{\"name\":\"Park, Dana\"}", "\"Dana\"", "contact: traits.name"},
      {"{\"name\":\"Dupont\",\"first_name\":\"Jean Pierre\"}", "\"Jean Pierre\"", "contact: traits.first_name"},
      {"{\"name\":\"Erin Wolf\",\"first_name\":\" ERIN \"}", "\"Erin\"", "contact: traits.first_name"},
      {"{\"name\":\"Erin Wolf\",\"first_name\":\"e@acme.example\"}", "\"Erin\"", "contact: traits.name"},
      {"{\"name\":\"dana.park@acme.example\"}",
       "missing: champion.first_name: a contact record c2 with traits.first_name; its name \"dana.park@acme.example\" is an "
       "e-mail "
       "address and no name",
       ""},
      {"{\"email\":\"d@acme.example\"}", "missing: champion.first_name: a contact record c2 with traits.first_name", ""},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct facts f = {0};
    struct bw_env_source source = acme(&f);
    struct bw_env *env = NULL;
    struct bw_provenance from;
    struct bw_value v;
    facts_record(&f, START, BW_KIND_CONTACT, "c2", "a000", "{\"role\":\"champion\"}");
    facts_record(&f, START, BW_KIND_CONTACT, "c2", "a000", cases[i].traits);
    assert_int_equal(bw_env_open(&source, BW_STR("a000"), NULL, START, &env, NULL), 0);
    expect(env, "champion.first_name", cases[i].text);
    assert_int_equal(bw_env_lookup(env, "champion.first_name", &v, &from, NULL), 0);
    assert_true(!*cases[i].from || bw_str_is(from.name, cases[i].from));
    bw_env_close(&env);
    facts_close(&f);
  }
}

/* ---- expressions ---- */

static int tell_quartile(void *ctx, size_t tracked, double value, uint64_t *ret_accounts)
{
  (void)ctx;
  assert_int_equal(tracked, 0);
  assert_true(value > 69 && value < 71);
  *ret_accounts = 20;
  return 3;
}

static bool tell_past(void *ctx, size_t tracked, struct bw_str account, int32_t day, double *ret_value, int32_t *ret_first)
{
  (void)ctx;
  assert_int_equal(tracked, 0);
  assert_true(bw_str_is(account, "a000"));
  assert_int_equal(day, bw_time_day(START) - 30);
  *ret_value = 56;
  *ret_first = day;
  return true;
}

static void evaluate(struct bw_names *names, const struct bw_env_source *source, const char *text, const char *gives)
{
  struct bw_env env = {0};
  struct bw_error err = {0};
  struct bw_expr *e = NULL;
  struct bw_buf b = {0};
  struct bw_value v;
  if (bw_names_compile(names, bw_str(text), BW_TYPE_ANY, BW_LEVEL_ALL, &e, NULL, &err) < 0)
    fail_msg("%s: %s", text, err.message);
  bw_env_init(&env, source, BW_STR("a000"), START);
  bw_env_gather(&env);
  env.score = 60;
  env.triggered = 2;
  bw_expr_eval(e, &env.eval, &v);
  bw_value_text(&b, &v);
  if (strcmp(bw_buf_cstr(&b), gives) != 0)
    fail_msg("%s\n  gave     %s\n  expected %s", text, bw_buf_cstr(&b), gives);
  bw_buf_clear(&b);
  bw_env_clear(&env);
  bw_expr_free(&e);
}

/* A value that stands in the book and cannot be read is told beside what would supply it. */
static void what_cannot_be_read_is_told(void **state)
{
  struct facts f = {0};
  struct bw_env_source source = acme(&f);
  struct bw_names *names = bw_names_new(f.catalog);
  (void)state;
  source.names = names;
  facts_record(&f, START + 1, BW_KIND_SUBSCRIPTION, "", "a000",
               "{\"seats\":\"lots\",\"notice_days\":\"few\",\"end\":\"01/02/2027\"}");
  facts_record(&f, START + 1, BW_KIND_ACCOUNT, "", "a000", "{\"arr\":\"24k\",\"acv\":null,\"start\":\"long ago\"}");
  evaluate(names, &source, "account.seats + 1.0",
           "missing: account.seats: a subscription record with traits.seats; seats is the text \"lots\", which is no number");
  evaluate(names, &source, "account.days_to_renewal",
           "missing: account.days_to_renewal: an account record with traits.renewal, or a subscription record with "
           "traits.end; end is the text \"01/02/2027\", which is no day");
  evaluate(names, &source, "account.months",
           "missing: account.months: an account record with traits.start (the day they became a customer); start is the text "
           "\"long ago\", which is no day");
  evaluate(names, &source, "account.arr",
           "missing: account.arr: an account record with traits.arr; arr is the text \"24k\", which is no number");
  evaluate(names, &source, "subscription.notice_days",
           "missing: subscription.notice_days: a subscription record a000 with traits.notice_days; notice_days is the text "
           "\"few\", which is no number");
  bw_names_free(&names);
  facts_close(&f);
}

static void expressions_ask_by_slot(void **state)
{
  struct facts f = {0};
  struct bw_env_source source = acme(&f);
  struct bw_names *names = bw_names_new(f.catalog);
  struct bw_expr *e = NULL;
  struct bw_tracked tracked;
  struct bw_error err = {0};
  (void)state;
  source.names = names;
  facts_signal(&f, START, "a000", "seat_limit", "", BW_OPENED, 1.2, 0.4, "{}");
  evaluate(names, &source, "account.arr * 2.0", "48,000");
  evaluate(names, &source, "open(signal.seat_limit) && !open(signal.gone_silent)", "yes");
  evaluate(names, &source, "score + double(triggered)", "62");
  evaluate(names, &source, "quartile(trait.usage.seats_needed)",
           "missing: trait.usage.seats_needed: its past is not kept; the time of trend() is written out, as in days(90)");
  source.quartile = tell_quartile;
  source.past = tell_past;
  evaluate(names, &source, "quartile(trait.usage.seats_needed)", "3");
  evaluate(names, &source, "trend(trait.usage.seats_needed, days(30))", "0.25");
  assert_true(bw_names_tracked_at(names, 0, &tracked));
  assert_true(tracked.quartile && tracked.days == 30 && !tracked.key);
  assert_string_equal(bw_catalog_trait(f.catalog, tracked.type)->name, "usage.seats_needed");
  assert_false(bw_names_tracked_at(names, 1, &tracked));
  /* no value before its time */
  assert_int_equal(bw_names_compile(names, BW_STR("score > 1"), BW_TYPE_BOOL, BW_LEVEL_GATES, &e, NULL, &err), BW_EINVAL);
  assert_non_null(strstr(err.message, "score is not known yet at this place"));
  bw_names_free(&names);
  facts_close(&f);
}

/* next_plan and the other contacts have the names of plan and champion. */
static void every_name_is_documented(void **state)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/docs/names.md", facts_srcdir());
  char *doc BW_AUTOFREE = facts_read(path);
  const char *name, *help;
  enum bw_type type;
  size_t i;
  (void)state;
  assert_non_null(doc);
  for (i = 0; bw_env_name_at(i, &name, &type, &help); i++) {
    char *row BW_AUTOFREE = bw_asprintf("| `%s` | %s | %s |", name, bw_type_name(type), help);
    if (strncmp(name, "next_plan.", 10) != 0 && strncmp(name, "economic_buyer.", 15) != 0 &&
        strncmp(name, "sponsor.", 8) != 0 && !strstr(doc, row))
      fail_msg("docs/names.md lacks %s", row);
  }
  assert_true(i > 50);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_give_values_and_their_sources),
      cmocka_unit_test(a_lead_is_what_its_owner_tells),
      cmocka_unit_test(a_currency_is_its_code),
      cmocka_unit_test(a_given_name_is_found_or_left_to_a_person),
      cmocka_unit_test(a_first_name_says_where_it_is_from),
      cmocka_unit_test(a_stage_is_recorded_or_told),
      cmocka_unit_test(what_cannot_be_read_is_told),
      cmocka_unit_test(expressions_ask_by_slot),
      cmocka_unit_test(every_name_is_documented),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
