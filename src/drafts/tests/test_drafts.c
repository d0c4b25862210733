/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts: template files and their complaints, gaps, provenance, edits, hashes, versions in the store, hostile names. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drafts/drafts.h"
#include "drafts/tests/json_view.h"

#define NOW INT64_C(1795312345000)
#define MARKED(name) BW_MISSING_OPEN "missing: " name BW_MISSING_CLOSE

static const char template_text[] = "# A comment\n"
                                    "To: {{contact.email}}\n"
                                    "Subject: Seats for {{account.name}}\n"
                                    "Channel: mail\n"
                                    "\n"
                                    "Hi {{contact.name|first}},\n"
                                    "\n"
                                    "{{account.name}} uses {{used|number}} seats at {{price|money}} each.\n"
                                    "{{> bye}}\n";
static const char good_data[] = "{\"contact\":{\"email\":\"dana@acme.example\",\"name\":\"Dana Park\"},"
                                "\"account\":{\"name\":\"Acme\"},\"used\":1180,\"price\":12.5,\"owner\":\"Ada\"}";

static struct bw_templates *templates(const char *text)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  int rc = bw_templates_add(set, "t", "etc/t.txt", bw_str(text), &c);
  if (rc == 0)
    rc = bw_templates_add(set, "_bye", "etc/_bye.txt", BW_STR("Best,\n{{owner}}\n"), &c);
  if (rc < 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  bw_complaints_clear(&c);
  return set;
}

static void draft_of(const char *json, struct bw_draft *ret)
{
  struct bw_templates *set = templates(template_text);
  json_t *data = json_loads(json, 0, NULL);
  struct bw_view view = json_view(data);
  struct bw_error err = {0};
  assert_non_null(data);
  if (bw_draft_render(set, bw_templates_get(set, BW_STR("t")), &view, BW_STR("L1"), "USD", NOW, ret, &err) < 0)
    fail_msg("%s", err.message);
  json_decref(data);
  bw_templates_free(&set);
}

static void assert_json(void (*write)(struct bw_buf *out, const struct bw_draft *d), const struct bw_draft *d,
                        const char *expected)
{
  struct bw_buf b = {0};
  write(&b, d);
  assert_string_equal(bw_buf_cstr(&b), expected);
  bw_buf_clear(&b);
}

/* ---- template files ------------------------------------------------------ */

static void complaints_name_file_line_and_column(void **state)
{
  static const struct {
    const char *text, *says;
  } cases[] = {{"To: {{a}}\nSubjct: x\n\nbody\n", "t.txt:2:1: there is no header \"Subjct\"; there are"},
               {"To: {{a}}\nSubjct: x\n\nbody\n", "meant: Subject"},
               {"To: {{a}}\nSubject: ab {{c|mony}}\n\nbody\n", "t.txt:2:13: there is no filter"},
               {"To: {{a}}\nSubject: s\n\nline\n  {{#open}}\n", "t.txt:5:3: the section \"open\" is never closed"},
               {"To: {{a}}\n\nbody\n", "\"Subject:\" is missing"},
               {"Subject: x\n\nbody\n", "\"To:\" is missing"},
               {"To: a\nTo: b\nSubject: c\n\nbody\n", "t.txt:2:1: this header stands here twice"},
               {"To: a\nSubject: c\nChannel: pigeon\n\nbody\n", "t.txt:3:10: this channel is not known"},
               {"To: a\nSubject: c\n\n \n", "the body is empty"},
               {"To a\nSubject: c\n\nx\n", "t.txt:1:1: a header line is"},
               {"To: \xff\nSubject: c\n\nx\n", "UTF-8"},
               {"", "is missing"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_templates *set = bw_templates_new();
    struct bw_complaints c = {.count = 0};
    assert_int_equal(bw_templates_add(set, "t", "t.txt", bw_str(cases[i].text), &c), BW_EINVAL);
    assert_true(c.count > 0);
    if (!strstr(bw_buf_cstr(&c.text), cases[i].says))
      fail_msg("case %zu: %s", i, bw_buf_cstr(&c.text));
    assert_int_equal(bw_templates_count(set), 0);
    bw_complaints_clear(&c);
    bw_templates_free(&set);
  }
}

static void windows_line_ends_make_the_same_template(void **state)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  json_t *data = json_object();
  struct bw_view view = json_view(data);
  struct bw_draft d = {0};
  (void)state;
  assert_int_equal(bw_templates_add(set, "t", "t.txt", BW_STR("To: a@b.example\r\nSubject: S\r\n\r\none\r\ntwo\r\n"), &c), 0);
  assert_int_equal(bw_draft_render(set, bw_templates_at(set, 0), &view, BW_STR("L1"), NULL, NOW, &d, NULL), 0);
  assert_string_equal(d.field[BW_DRAFT_SUBJECT], "S");
  assert_string_equal(d.field[BW_DRAFT_BODY], "one\ntwo\n");
  assert_true(d.complete);
  bw_draft_clear(&d);
  json_decref(data);
  bw_templates_free(&set);
}

static void count_variable(void *ctx, struct bw_str name, enum bw_mustache_use use, const char *file, uint32_t line,
                           uint32_t column)
{
  (void)name;
  (void)file;
  *(size_t *)ctx += bw_mustache_is_variable(use) && line > 0 && column > 0;
}

static void the_shipped_templates_load(void **state)
{
  static const char *const expected[] = {"renewal-at-risk", "seat-expansion", "tier-upgrade", "usage-expansion"};
  const char *src = getenv("BW_SRCDIR");
  char dir[4096];
  struct bw_templates *set = NULL;
  struct bw_complaints c = {.count = 0};
  size_t i, names;
  (void)state;
  (void)snprintf(dir, sizeof dir, "%s/etc/templates", src ? src : ".");
  if (bw_templates_load(dir, &set, &c) < 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  for (i = 0; i < sizeof expected / sizeof *expected; i++) {
    const struct bw_template *t = bw_templates_get(set, bw_str(expected[i]));
    assert_non_null(t);
    names = 0;
    bw_template_names(t, count_variable, &names);
    assert_true(names >= 5);
  }
  bw_templates_free(&set);
  bw_complaints_clear(&c);
}

static void names_that_do_not_exist_are_complained_about(void **state)
{
  const char *src = getenv("BW_SRCDIR");
  char dir[4096];
  struct bw_catalog *catalog = bw_catalog_new();
  struct bw_templates *set = NULL;
  struct bw_complaints c = {.count = 0};
  (void)state;
  (void)snprintf(dir, sizeof dir, "%s/etc/templates", src ? src : ".");
  assert_int_equal(bw_templates_load(dir, &set, &c), 0);
  if (bw_templates_check(set, catalog, &c) < 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  assert_true(c.warnings > 0); /* no watcher publishes the traits here */
  assert_int_equal(bw_templates_add(set, "x", "x.txt", BW_STR("To: {{champion.email}}\nSubject: s\n\n{{account.nam}}\n"), &c),
                   0);
  assert_int_equal(bw_templates_check(set, catalog, &c), BW_EINVAL);
  assert_int_equal(c.count, 1);
  if (!strstr(bw_buf_cstr(&c.text), "x.txt:4:1: ") || !strstr(bw_buf_cstr(&c.text), "account.name"))
    fail_msg("%s", bw_buf_cstr(&c.text));
  bw_templates_free(&set);
  bw_catalog_free(&catalog);
  bw_complaints_clear(&c);
}

/* What an account with a full record has, and what the least has that a play can fire on. */
static const char full_account[] =
    "{\"account\":{\"name\":\"Acme\",\"goal\":\"one place for all reviews\",\"success_metric\":\"days from request to "
    "approval\","
    "\"seats\":40,\"start\":\"2024-03-01\",\"renewal\":\"2027-03-01\",\"days_to_renewal\":99},"
    "\"champion\":{\"email\":\"dana@acme.example\",\"first_name\":\"Dana\"},\"lead\":{\"owner_name\":\"Ada Okafor\"},"
    "\"plan\":{\"name\":\"Team\",\"seat_price\":12.5},\"next_plan\":{\"name\":\"Business\"},"
    "\"trait\":{\"usage\":{\"seats_used\":41,\"mau\":41,\"feature_breadth\":9,\"events_28d\":18200,\"events_prev_28d\":12100}},"
    "\"signal\":{\"invite_blocked\":{\"value\":3},\"new_department\":{\"evidence\":{\"department\":\"Legal\"}},"
    "\"usage_near_limit\":{\"value\":0.91,\"evidence\":{\"used\":91000,\"limit\":100000,\"resource\":\"api_calls\"}},"
    "\"limit_forecast\":{\"evidence\":{\"resource\":\"api_calls\",\"date\":\"2027-01-12\"}},"
    "\"paid_feature_attempt\":{\"evidence\":{\"attempts\":7,\"key\":\"audit_log\"}},"
    "\"tier_outgrown\":{\"evidence\":{\"limits_outgrown\":2}}}}";
static const char least_account[] =
    "{\"account\":{\"name\":\"Acme\",\"seats\":40,\"renewal\":\"2026-10-01\",\"days_to_renewal\":-52},"
    "\"champion\":{\"email\":\"dana@acme.example\",\"first_name\":\"Dana\"},\"lead\":{\"owner_name\":\"Ada Okafor\"},"
    "\"plan\":{\"name\":\"Team\"},\"next_plan\":{\"name\":\"Business\"},"
    "\"trait\":{\"usage\":{\"seats_used\":41,\"mau\":0,\"events_28d\":18200}},\"signal\":{}}";

static void shipped(const char *name, const char *json, struct bw_draft *ret)
{
  const char *src = getenv("BW_SRCDIR");
  char dir[4096];
  struct bw_templates *set = NULL;
  struct bw_complaints c = {.count = 0};
  json_t *data = json_loads(json, 0, NULL);
  struct bw_view view = json_view(data);
  struct bw_error err = {0};
  assert_non_null(data);
  (void)snprintf(dir, sizeof dir, "%s/etc/templates", src ? src : ".");
  assert_int_equal(bw_templates_load(dir, &set, &c), 0);
  if (bw_draft_render(set, bw_templates_get(set, bw_str(name)), &view, BW_STR("L1"), "USD", NOW, ret, &err) < 0)
    fail_msg("%s", err.message);
  json_decref(data);
  bw_templates_free(&set);
  bw_complaints_clear(&c);
}

static void the_shipped_templates_are_complete_and_well_mannered(void **state)
{
  static const char *const names[] = {"renewal-at-risk", "seat-expansion", "tier-upgrade", "usage-expansion"};
  static const char *const accounts[] = {full_account, least_account, "{}"};
  static const char *const never[] = {"noticed", "stopped", "decline", "dropped", "at risk", "\n\n\n", " \n", " 0 ", "-52"};
  struct bw_draft d = {0};
  size_t i, k, w;
  (void)state;
  for (i = 0; i < 4; i++) {
    for (k = 0; k < 3; k++) {
      shipped(names[i], accounts[k], &d);
      if (d.complete != (k < 2))
        fail_msg("%s of account %zu:\n%s", names[i], k, d.field[BW_DRAFT_BODY]);
      if (k < 2)
        assert_non_null(strstr(d.field[BW_DRAFT_SUBJECT], "Acme"));
      for (w = 0; w < sizeof never / sizeof *never; w++)
        if (strstr(d.field[BW_DRAFT_BODY], never[w]))
          fail_msg("%s of account %zu says \"%s\":\n%s", names[i], k, never[w], d.field[BW_DRAFT_BODY]);
      if (getenv("BW_SHOW"))
        (void)fprintf(stderr, "---- %s, account %zu\n%s\n", names[i], k, d.field[BW_DRAFT_BODY]);
      bw_draft_clear(&d);
    }
  }
  shipped("usage-expansion", full_account, &d);
  assert_non_null(
      strstr(d.field[BW_DRAFT_BODY], "Your plan includes 100,000 API calls; at the last count you had used 91,000."));
  assert_non_null(
      strstr(d.field[BW_DRAFT_BODY], "you will reach the limit for API calls around January 12, 2027. That is an estimate"));
  bw_draft_clear(&d);
  shipped("usage-expansion", least_account, &d);
  assert_null(strstr(d.field[BW_DRAFT_BODY], "at the last count"));
  bw_draft_clear(&d);
  shipped("usage-growth", full_account, &d);
  assert_null(strstr(d.field[BW_DRAFT_BODY], "limit"));
  bw_draft_clear(&d);
}

/* A number without its currency is no price: a person has to look. */
static void a_price_names_its_currency(void **state)
{
  static const struct {
    const char *account, *lead, *price; /* price NULL: missing */
  } cases[] = {{"", "USD", "$160"},
               {"", "eur",
                "\xE2\x82\xAC"
                "160"},
               {"\"currency\":\"Euro\"", "USD",
                "\xE2\x82\xAC"
                "160"},
               {"\"currency\":\"CHF\"", "USD", "CHF 160"},
               {"\"currency\":\"$\"", "USD", NULL},
               {"\"currency\":\"TBD\"", "USD", NULL},
               {"\"currency\":\"EUR\"", "kr",
                "\xE2\x82\xAC"
                "160"},
               {"", "kr", NULL}};
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  size_t i;
  (void)state;
  assert_int_equal(
      bw_templates_add(set, "t", "t.txt", BW_STR("To: a@b.example\nSubject: Seats\n\n{{plan.seat_price|money}}\n"), &c), 0);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *json BW_AUTOFREE = bw_asprintf("{\"account\":{%s},\"plan\":{\"seat_price\":160}}", cases[i].account);
    json_t *data = json_loads(json, 0, NULL);
    struct bw_view view = json_view(data);
    struct bw_draft d = {0};
    assert_int_equal(
        bw_draft_render(set, bw_templates_get(set, BW_STR("t")), &view, BW_STR("L1"), cases[i].lead, NOW, &d, NULL), 0);
    assert_int_equal(d.complete, cases[i].price != NULL);
    if (cases[i].price) {
      assert_int_equal(strncmp(d.field[BW_DRAFT_BODY], cases[i].price, strlen(cases[i].price)), 0);
    } else {
      assert_string_equal(d.gaps[0].name, "plan.seat_price");
      assert_string_equal(d.gaps[0].reason, "is money, and its currency is not known");
      assert_non_null(strstr(d.gaps[0].hint, "account.currency: an account record with traits.currency"));
    }
    bw_draft_clear(&d);
    json_decref(data);
  }
  bw_templates_free(&set);
  bw_complaints_clear(&c);
}

/* ---- languages and locales ------------------------------------------------ */

static void in_locale(const char *account, const char *subject, const char *body)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  char *json BW_AUTOFREE =
      bw_asprintf("{\"account\":{%s\"name\":\"Acme\",\"acv\":12345.5,\"renewal\":\"2027-01-12\"}}", account);
  json_t *data = json_loads(json, 0, NULL);
  struct bw_view view = json_view(data);
  struct bw_draft d = {0};
  assert_non_null(data);
  assert_int_equal(bw_templates_add(set, "t", "t.txt",
                                    BW_STR("To: a@b.example\nSubject: For {{account.name}}\n\n{{account.acv|money}} on "
                                           "{{account.renewal|date}}.{{> end}}\n"),
                                    &c),
                   0);
  assert_int_equal(bw_templates_add(set, "t.de", "t.de.txt",
                                    BW_STR("To: a@b.example\nSubject: Für {{account.name}}\n\n{{account.acv|money}} am "
                                           "{{account.renewal|date}}.{{> end}}\n"),
                                    &c),
                   0);
  assert_int_equal(bw_templates_add(set, "_end", "_end.txt", BW_STR(" Bye"), &c), 0);
  assert_int_equal(bw_templates_add(set, "_end.de", "_end.de.txt", BW_STR(" Tschüss"), &c), 0);
  assert_int_equal(bw_templates_count(set), 2);
  assert_int_equal(bw_draft_render(set, bw_templates_get(set, BW_STR("t")), &view, BW_STR("L1"), "EUR", NOW, &d, NULL), 0);
  assert_string_equal(d.field[BW_DRAFT_SUBJECT], subject);
  assert_string_equal(d.field[BW_DRAFT_BODY], body);
  assert_string_equal(d.template_name, "t");
  bw_draft_clear(&d);
  json_decref(data);
  bw_templates_free(&set);
  bw_complaints_clear(&c);
}

static void a_draft_speaks_the_accounts_language(void **state)
{
  (void)state;
  in_locale("", "For Acme", "€12,346 on January 12, 2027. Bye\n");
  in_locale("\"locale\":\"en-GB\",", "For Acme", "€12,346 on 12 January 2027. Bye\n");
  in_locale("\"locale\":\"de-AT\",", "Für Acme",
            "€\xC2\xA0"
            "12.346 am 12. Jänner 2027. Tschüss\n");
  in_locale("\"custom\":{\"locale\":\"de\"},", "Für Acme", "12.346\xC2\xA0€ am 12. Januar 2027. Tschüss\n");
  in_locale("\"language\":\"de\",\"country\":\"AT\",", "Für Acme",
            "€\xC2\xA0"
            "12.346 am 12. Jänner 2027. Tschüss\n");
  in_locale("\"language\":\"fr\",", "For Acme",
            "12\xE2\x80\xAF"
            "346\xC2\xA0€ on 12 January 2027. Bye\n");
  in_locale("\"language\":\"German\",\"country\":\"Germany\",", "Für Acme", "12.346\xC2\xA0€ am 12. Januar 2027. Tschüss\n");
  in_locale("\"language\":\"Deutsch\",\"country\":\"Österreich\",", "Für Acme",
            "€\xC2\xA0"
            "12.346 am 12. Jänner 2027. Tschüss\n");
  in_locale("\"locale\":\"German\",", "Für Acme", "12.346\xC2\xA0€ am 12. Januar 2027. Tschüss\n");
  in_locale("\"language\":\"English\",\"country\":\"USA\",", "For Acme", "€12,346 on January 12, 2027. Bye\n");
  in_locale("\"language\":\"en\",\"country\":\"UK\",", "For Acme", "€12,346 on 12 January 2027. Bye\n");
  in_locale("\"language\":\"English\",\"country\":\"Ruritania\",", "For Acme", "€12,346 on 12 January 2027. Bye\n");
  in_locale("\"language\":\"tlh\",", "For Acme", "€12,346 on 12 January 2027. Bye\n");
  in_locale("\"locale\":17,", "For Acme", "€12,346 on January 12, 2027. Bye\n");
}

static void a_translation_needs_what_it_translates(void **state)
{
  char dir[] = "/tmp/bw-drafts-XXXXXX", path[80];
  struct bw_templates *set = NULL;
  struct bw_complaints c = {.count = 0};
  FILE *f;
  (void)state;
  assert_non_null(mkdtemp(dir));
  (void)snprintf(path, sizeof path, "%s/t.de.txt", dir);
  f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs("To: a@b.example\nSubject: S\n\nx\n", f);
  (void)fclose(f);
  assert_int_equal(bw_templates_load(dir, &set, &c), BW_EINVAL);
  if (!strstr(bw_buf_cstr(&c.text), "this is a translation"))
    fail_msg("%s", bw_buf_cstr(&c.text));
  bw_complaints_clear(&c);
  (void)remove(path);
  (void)remove(dir);
}

static void evidence_that_never_comes_is_complained_about(void **state)
{
  static const char text[] = "To: {{champion.email}}\nSubject: s\n\n{{signal.usage_limit.evidence.used}} "
                             "{{signal.usage_limit[api_calls].evidence.usd}}\n"
                             "{{signal.tier_outgrown.evidence.api_calls_ratio}} {{signal.tier_outgrown.evidence.ratio}}\n";
  struct bw_catalog *catalog = bw_catalog_new();
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  (void)state;
  assert_int_equal(bw_templates_add(set, "x", "x.txt", bw_str(text), &c), 0);
  assert_int_equal(bw_templates_check(set, catalog, &c), BW_EINVAL);
  assert_int_equal(c.count, 2);
  if (!strstr(bw_buf_cstr(&c.text),
              "x.txt:4:38: the evidence of usage_limit never holds \"usd\"; it may hold: resource used limit") ||
      !strstr(bw_buf_cstr(&c.text), "x.txt:5:51: the evidence of tier_outgrown never holds \"ratio\""))
    fail_msg("%s", bw_buf_cstr(&c.text));
  bw_complaints_clear(&c);
  bw_templates_free(&set);
  bw_catalog_free(&catalog);
}

static void a_filter_that_cannot_fit_is_complained_about(void **state)
{
  static const char text[] =
      "To: {{champion.email}}\nSubject: {{account.name|money}}\n\n{{account.seats|date}} {{account.start|number}}\n"
      "{{account.arr|money}} {{account.renewal|date}} {{account.name|first}} {{account.custom.x|money}}\n";
  struct bw_catalog *catalog = bw_catalog_new();
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  (void)state;
  assert_int_equal(bw_templates_add(set, "x", "x.txt", bw_str(text), &c), 0);
  assert_int_equal(bw_templates_check(set, catalog, &c), BW_EINVAL);
  assert_string_equal(bw_buf_cstr(&c.text),
                      "x.txt:2:10: account.name is a text, and its filter takes numbers\n"
                      "x.txt:4:1: account.seats is a number, and |date takes days\n"
                      "x.txt:4:24: account.start is a day, and its filter takes numbers: |date writes it\n");
  bw_complaints_clear(&c);
  bw_templates_free(&set);
  bw_catalog_free(&catalog);
}

/* ---- rendering ---------------------------------------------------------- */

static void a_draft_tells_where_every_value_is_from(void **state)
{
  struct bw_draft d = {0};
  (void)state;
  draft_of(good_data, &d);
  assert_true(d.complete);
  assert_string_equal(d.field[BW_DRAFT_TO], "dana@acme.example");
  assert_string_equal(d.field[BW_DRAFT_SUBJECT], "Seats for Acme");
  assert_string_equal(d.field[BW_DRAFT_BODY], "Hi Dana,\n\nAcme uses 1,180 seats at $12.50 each.\nBest,\nAda\n");
  assert_json(bw_draft_missing_json, &d, "[]");
  assert_json(
      bw_draft_provenance_json, &d,
      "[{\"field\":\"to\",\"offset\":0,\"length\":17,\"name\":\"contact.email\",\"value\":\"dana@acme.example\","
      "\"from\":{\"kind\":\"test\",\"type\":2}},"
      "{\"field\":\"subject\",\"offset\":10,\"length\":4,\"name\":\"account.name\",\"value\":\"Acme\","
      "\"from\":{\"kind\":\"test\",\"type\":2}},"
      "{\"field\":\"body\",\"offset\":3,\"length\":4,\"name\":\"contact.name\",\"value\":\"Dana\",\"raw\":\"Dana Park\","
      "\"from\":{\"kind\":\"test\",\"type\":2}},"
      "{\"field\":\"body\",\"offset\":10,\"length\":4,\"name\":\"account.name\",\"value\":\"Acme\","
      "\"from\":{\"kind\":\"test\",\"type\":2}},"
      "{\"field\":\"body\",\"offset\":20,\"length\":5,\"name\":\"used\",\"value\":\"1,180\",\"raw\":\"1180\","
      "\"from\":{\"kind\":\"test\",\"type\":3}},"
      "{\"field\":\"body\",\"offset\":35,\"length\":6,\"name\":\"price\",\"value\":\"$12.50\",\"raw\":\"12.5\","
      "\"from\":{\"kind\":\"test\",\"type\":4}},"
      "{\"field\":\"body\",\"offset\":54,\"length\":3,\"name\":\"owner\",\"value\":\"Ada\","
      "\"from\":{\"kind\":\"test\",\"type\":2}}]");
  bw_draft_clear(&d);
}

static void what_is_missing_is_listed_and_blocks(void **state)
{
  struct bw_draft d = {0};
  (void)state;
  draft_of("{\"contact\":{\"email\":\"dana@acme.example\"},\"account\":{\"name\":\"Acme\"},\"used\":5,\"owner\":\"Ada\"}", &d);
  assert_false(d.complete);
  assert_int_equal(d.ngaps, 2);
  assert_string_equal(d.gaps[0].name, "contact.name");
  assert_string_equal(d.gaps[0].hint, "the test's JSON");
  assert_int_equal(d.gaps[0].field, BW_DRAFT_BODY);
  assert_memory_equal(d.field[BW_DRAFT_BODY] + d.gaps[0].offset, MARKED("contact.name"), d.gaps[0].len);
  assert_string_equal(d.gaps[1].name, "price");
  assert_memory_equal(d.field[BW_DRAFT_BODY] + d.gaps[1].offset, MARKED("price"), d.gaps[1].len);
  bw_draft_clear(&d);
  draft_of("{\"contact\":{\"email\":\"dana at acme\",\"name\":\"D\"},\"account\":{\"name\":\"Acme\"},\"used\":5,\"price\":1,"
           "\"owner\":\"Ada\"}",
           &d);
  assert_false(d.complete);
  assert_int_equal(d.ngaps, 1);
  assert_string_equal(d.gaps[0].name, "to");
  assert_non_null(strstr(d.gaps[0].reason, "not an e-mail address"));
  bw_draft_clear(&d);
}

static void hostile_company_names_stay_names(void **state)
{
  char *name = malloc(10241), *json = malloc(20000);
  static const struct {
    const char *name, *subject;
  } cases[] = {{"Acme\\nBcc: everyone@example.com", "Seats for Acme Bcc: everyone@example.com"},
               {"{{owner}}", "Seats for {{owner}}"},
               {"<b>Acme</b> & Co", "Seats for <b>Acme</b> & Co"},
               {"\\u202eemcA", "Seats for emcA"},
               {"\\u27e6missing: x\\u27e7", "Seats for [missing: x]"}};
  struct bw_draft d = {0};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    (void)snprintf(json, 20000,
                   "{\"contact\":{\"email\":\"d@acme.example\",\"name\":\"D\"},\"account\":{\"name\":\"%s\"},\"used\":1,"
                   "\"price\":1,\"owner\":\"Ada\"}",
                   cases[i].name);
    draft_of(json, &d);
    assert_string_equal(d.field[BW_DRAFT_SUBJECT], cases[i].subject);
    assert_true(d.complete);
    bw_draft_clear(&d);
  }
  memset(name, 'A', 10240);
  name[10240] = '\0';
  (void)snprintf(json, 20000,
                 "{\"contact\":{\"email\":\"d@acme.example\",\"name\":\"D\"},\"account\":{\"name\":\"%s\"},\"used\":1,"
                 "\"price\":1,\"owner\":\"Ada\"}",
                 name);
  draft_of(json, &d);
  assert_false(d.complete);
  assert_string_equal(d.gaps[0].name, "account.name");
  assert_non_null(strstr(d.gaps[0].reason, "too long"));
  assert_true(strlen(d.field[BW_DRAFT_SUBJECT]) < 100);
  bw_draft_clear(&d);
  free(name);
  free(json);
}

/* ---- edits -------------------------------------------------------------- */

static void a_person_fills_the_gaps(void **state)
{
  struct bw_draft d = {0}, e = {0}, f = {0};
  struct bw_error err = {0};
  (void)state;
  draft_of("{\"contact\":{\"email\":\"dana@acme.example\"},\"used\":5,\"price\":2,\"owner\":\"Ada\"}", &d);
  assert_int_equal(d.ngaps, 3); /* the name of the account twice */
  assert_int_equal(bw_draft_edit(&d, BW_STR("nothing"), BW_STR("x"), BW_STR("eve"), NOW, &e, &err), BW_ENOTFOUND);
  assert_non_null(strstr(err.message, "open are: account.name, contact.name"));
  assert_int_equal(bw_draft_edit(&d, BW_STR("account.name"), BW_STR("A\nB"), BW_STR("eve"), NOW, &e, &err), BW_EINVAL);
  assert_int_equal(bw_draft_edit(&d, BW_STR("account.name"), BW_STR(" "), BW_STR("eve"), NOW, &e, &err), BW_EINVAL);
  assert_int_equal(bw_draft_edit(&d, BW_STR("account.name"), BW_STR("Acme"), BW_STR(""), NOW, &e, &err), BW_EINVAL);
  assert_int_equal(bw_draft_edit(&d, BW_STR("account.name"), BW_STR("Acme"), BW_STR("eve"), NOW + 1, &e, &err), 0);
  assert_int_equal(e.version, 2);
  assert_string_equal(e.by, "eve");
  assert_false(e.complete);
  assert_int_equal(e.ngaps, 1);
  assert_memory_equal(e.field[BW_DRAFT_BODY] + e.gaps[0].offset, MARKED("contact.name"), e.gaps[0].len);
  assert_string_equal(e.field[BW_DRAFT_SUBJECT], "Seats for Acme");
  assert_string_not_equal(d.hash, e.hash);
  assert_int_equal(bw_draft_edit(&e, BW_STR("contact.name"), BW_STR("Dana"), BW_STR("eve"), NOW + 2, &f, &err), 0);
  assert_true(f.complete);
  assert_string_equal(f.field[BW_DRAFT_BODY], "Hi Dana,\n\nAcme uses 5 seats at $2 each.\nBest,\nAda\n");
  /* Every value is still where its provenance says. */
  assert_json(bw_draft_provenance_json, &f,
              "[{\"field\":\"to\",\"offset\":0,\"length\":17,\"name\":\"contact.email\",\"value\":\"dana@acme.example\","
              "\"from\":{\"kind\":\"test\",\"type\":2}},"
              "{\"field\":\"subject\",\"offset\":10,\"length\":4,\"name\":\"account.name\",\"value\":\"Acme\","
              "\"from\":{\"kind\":\"human\",\"name\":\"eve\",\"at\":\"2026-11-22T01:52:25.001Z\"}},"
              "{\"field\":\"body\",\"offset\":3,\"length\":4,\"name\":\"contact.name\",\"value\":\"Dana\","
              "\"from\":{\"kind\":\"human\",\"name\":\"eve\",\"at\":\"2026-11-22T01:52:25.002Z\"}},"
              "{\"field\":\"body\",\"offset\":10,\"length\":4,\"name\":\"account.name\",\"value\":\"Acme\","
              "\"from\":{\"kind\":\"human\",\"name\":\"eve\",\"at\":\"2026-11-22T01:52:25.001Z\"}},"
              "{\"field\":\"body\",\"offset\":20,\"length\":1,\"name\":\"used\",\"value\":\"5\","
              "\"from\":{\"kind\":\"test\",\"type\":3}},"
              "{\"field\":\"body\",\"offset\":31,\"length\":2,\"name\":\"price\",\"value\":\"$2\",\"raw\":\"2\","
              "\"from\":{\"kind\":\"test\",\"type\":3}},"
              "{\"field\":\"body\",\"offset\":46,\"length\":3,\"name\":\"owner\",\"value\":\"Ada\","
              "\"from\":{\"kind\":\"test\",\"type\":2}}]");
  bw_draft_clear(&d);
  bw_draft_clear(&e);
  bw_draft_clear(&f);
}

/* The template's full stop is left out, and every value is where its provenance says. */
static void a_full_stop_is_not_doubled(void **state)
{
  static const char text[] = "To: a@b.example\nSubject: For {{v}}.\n\nWe aim at {{v}}. {{w}} asked {{x}}. {{w}} too.\n";
  struct bw_templates *set = templates(text);
  json_t *data = json_loads("{\"v\":\"fewer reports.\",\"w\":\"Ada\"}", 0, NULL);
  struct bw_view view = json_view(data);
  struct bw_draft d = {0}, e = {0};
  size_t i;
  (void)state;
  assert_int_equal(bw_draft_render(set, bw_templates_get(set, BW_STR("t")), &view, BW_STR("L1"), "USD", NOW, &d, NULL), 0);
  assert_string_equal(d.field[BW_DRAFT_SUBJECT], "For fewer reports.");
  assert_int_equal(bw_draft_edit(&d, BW_STR("x"), BW_STR("Ben Inc."), BW_STR("eve"), NOW, &e, NULL), 0);
  assert_string_equal(e.field[BW_DRAFT_BODY], "We aim at fewer reports. Ada asked Ben Inc. Ada too.\n");
  assert_int_equal(e.nfills, 5);
  for (i = 0; i < e.nfills; i++) {
    const struct bw_draft_fill *f = &e.fills[i];
    assert_memory_equal(e.field[f->field] + f->offset, f->raw, f->len);
    assert_int_equal(f->len, strlen(f->raw));
  }
  bw_draft_clear(&d);
  bw_draft_clear(&e);
  json_decref(data);
  bw_templates_free(&set);
}

static void a_rewritten_field_keeps_its_open_markers(void **state)
{
  struct bw_draft d = {0}, e = {0}, f = {0};
  struct bw_error err = {0};
  (void)state;
  draft_of(good_data, &d);
  assert_int_equal(
      bw_draft_rewrite(&d, BW_DRAFT_BODY, BW_STR("Dear Dana,\n\nsee " MARKED("number") "\n"), BW_STR("eve"), NOW, &e, &err), 0);
  assert_false(e.complete);
  assert_string_equal(e.gaps[0].name, "number");
  assert_int_equal(bw_draft_edit(&e, BW_STR("number"), BW_STR("12"), BW_STR("eve"), NOW, &f, &err), 0);
  assert_true(f.complete);
  assert_int_equal(f.version, 3);
  assert_string_equal(f.field[BW_DRAFT_BODY], "Dear Dana,\n\nsee 12\n");
  bw_draft_clear(&e);
  assert_int_equal(bw_draft_rewrite(&d, BW_DRAFT_SUBJECT, BW_STR("a\r\nBcc: b@c.example"), BW_STR("eve"), NOW, &e, &err),
                   BW_EINVAL);
  assert_int_equal(bw_draft_rewrite(&d, BW_DRAFT_BODY, BW_STR(" \n "), BW_STR("eve"), NOW, &e, &err), BW_EINVAL);
  assert_int_equal(bw_draft_rewrite(&d, BW_DRAFT_TO, BW_STR("a@b.example, c@d.example"), BW_STR("eve"), NOW, &e, &err), 0);
  assert_true(e.complete);
  bw_draft_clear(&d);
  bw_draft_clear(&e);
  bw_draft_clear(&f);
}

static void addresses_are_judged(void **state)
{
  static const struct {
    const char *address;
    bool valid;
  } cases[] = {{"a@b.example", true},
               {"first.last+tag@mail.example.com", true},
               {"o'neil@x-y.example", true},
               {"", false},
               {"a", false},
               {"a@b", false},
               {"@b.c", false},
               {"a@", false},
               {"a@b..c", false},
               {".a@b.c", false},
               {"a.@b.c", false},
               {"a..b@c.d", false},
               {"a@-b.c", false},
               {"a@b.c.", false},
               {"a b@c.d", false},
               {"a@b.c\n", false},
               {"\"a b\"@c.d", false},
               {"a@b.c>", false},
               {"<a@b.c>", false},
               {"a@b@c.d", false},
               {"a\xC3\xA9@b.c", false}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++)
    if (bw_address_valid(bw_str(cases[i].address)) != cases[i].valid)
      fail_msg("%s", cases[i].address);
}

static void the_hash_covers_every_part(void **state)
{
  struct bw_draft d = {0}, e = {0};
  static const char *const changed[] = {"dana@acme.exampl", "Seats for Acm", "Hi"};
  char first[BW_DRAFT_HASH], hash[BW_DRAFT_HASH];
  size_t i;
  (void)state;
  draft_of(good_data, &d);
  draft_of(good_data, &e);
  memcpy(first, d.hash, sizeof first);
  assert_string_equal(first, e.hash);
  /* A known answer: what was approved once must hash the same in every later version of this program. */
  assert_string_equal(first, "dcab7c7b4b3ecb29e885ff2129cf34da59c6e2b199185bd067c693dc499ada50");
  for (i = 0; i < BW_DRAFT_FIELDS; i++) {
    char *kept = d.field[i];
    d.field[i] = bw_strdup(changed[i]);
    bw_draft_hash(&d, hash);
    assert_string_not_equal(hash, first);
    free(d.field[i]);
    d.field[i] = kept;
  }
  d.version++;
  bw_draft_hash(&d, hash);
  assert_string_not_equal(hash, first);
  d.version--;
  d.lead[1] = '2';
  bw_draft_hash(&d, hash);
  assert_string_not_equal(hash, first);
  d.lead[1] = '1';
  d.channel[0] = 'f';
  bw_draft_hash(&d, hash);
  assert_string_not_equal(hash, first);
  bw_draft_clear(&d);
  bw_draft_clear(&e);
}

/* ---- store -------------------------------------------------------------- */

static void drafts_come_back_as_they_were_saved(void **state)
{
  const struct bw_schema *schemas[] = {&bw_drafts_schema};
  struct bw_draft d = {0}, e = {0}, back = {0};
  struct bw_buf one = {0}, two = {0};
  struct bw_store *s = NULL;
  struct bw_stmt *q;
  struct bw_error err = {0};
  (void)state;
  assert_int_equal(bw_store_open(":memory:", schemas, 1, &s, &err), 0);
  draft_of("{\"contact\":{\"email\":\"dana@acme.example\"},\"account\":{\"name\":\"A\\nB\"},\"used\":5,\"price\":2}", &d);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(bw_draft_save(NULL, &d, &err), 0);
  assert_int_equal(bw_draft_load(s, BW_STR("L1"), 0, &back, &err), BW_ENOTFOUND);
  assert_int_equal(bw_draft_save(s, &d, &err), 0);
  assert_int_equal(bw_draft_edit(&d, BW_STR("contact.name"), BW_STR("Dana"), BW_STR("eve"), NOW, &e, &err), 0);
  assert_int_equal(bw_draft_save(s, &e, &err), 0);
  assert_int_equal(bw_draft_save(s, &e, &err), BW_EEXIST);
  assert_non_null(strstr(err.message, "someone edited it meanwhile"));
  assert_int_equal(bw_draft_load(s, BW_STR("L1"), 0, &back, &err), 0);
  bw_draft_json(&one, &e);
  bw_draft_json(&two, &back);
  assert_string_equal(bw_buf_cstr(&one), bw_buf_cstr(&two));
  bw_draft_clear(&back);
  assert_int_equal(bw_draft_load(s, BW_STR("L1"), 1, &back, &err), 0);
  assert_string_equal(back.hash, d.hash);
  bw_draft_clear(&back);
  assert_int_equal(bw_store_prepare(s, "UPDATE draft SET body = body || 'x' WHERE version = 1", &q, &err), 0);
  assert_int_equal(bw_stmt_run(q, &err), 0);
  assert_int_equal(bw_draft_load(s, BW_STR("L1"), 1, &back, &err), BW_ECORRUPT);
  assert_int_equal(bw_store_commit(s, &err), 0);
  bw_store_close(&s);
  bw_draft_clear(&d);
  bw_draft_clear(&e);
  bw_buf_clear(&one);
  bw_buf_clear(&two);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(complaints_name_file_line_and_column),
                                     cmocka_unit_test(windows_line_ends_make_the_same_template),
                                     cmocka_unit_test(the_shipped_templates_load),
                                     cmocka_unit_test(names_that_do_not_exist_are_complained_about),
                                     cmocka_unit_test(the_shipped_templates_are_complete_and_well_mannered),
                                     cmocka_unit_test(a_price_names_its_currency),
                                     cmocka_unit_test(a_draft_speaks_the_accounts_language),
                                     cmocka_unit_test(a_translation_needs_what_it_translates),
                                     cmocka_unit_test(evidence_that_never_comes_is_complained_about),
                                     cmocka_unit_test(a_filter_that_cannot_fit_is_complained_about),
                                     cmocka_unit_test(a_draft_tells_where_every_value_is_from),
                                     cmocka_unit_test(what_is_missing_is_listed_and_blocks),
                                     cmocka_unit_test(hostile_company_names_stay_names),
                                     cmocka_unit_test(a_person_fills_the_gaps),
                                     cmocka_unit_test(a_full_stop_is_not_doubled),
                                     cmocka_unit_test(a_rewritten_field_keeps_its_open_markers),
                                     cmocka_unit_test(addresses_are_judged),
                                     cmocka_unit_test(the_hash_covers_every_part),
                                     cmocka_unit_test(drafts_come_back_as_they_were_saved)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
