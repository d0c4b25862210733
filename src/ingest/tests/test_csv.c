/* SPDX-License-Identifier: Apache-2.0 */
/* CSV tables: headers, quoting, types, what is refused and where. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ingest/csv.h"

static struct bw_event_batch *batch;
static char reasons[4000];
static uint64_t rejected;

static int setup(void **state)
{
  (void)state;
  batch = bw_event_batch_new();
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  bw_event_batch_free(&batch);
  return 0;
}

static void on_rejected(void *ctx, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  (void)ctx;
  (void)text;
  (void)snprintf(reasons + strlen(reasons), sizeof reasons - strlen(reasons), "%llu|%s\n", (unsigned long long)line,
                 why->message);
}

static void on_doubtful(void *ctx, uint64_t line, const struct bw_field *cell)
{
  (void)ctx;
  (void)snprintf(reasons + strlen(reasons), sizeof reasons - strlen(reasons), "%llu|%.*s %.*s\n", (unsigned long long)line,
                 BW_FMT(cell->key), BW_FMT(cell->text));
}

/* Fed in pieces of `step` bytes. */
static int parse(const char *text, const char *name, uint32_t kind, size_t step, struct bw_error *err)
{
  struct bw_csv_options o = {.name = name, .kind = kind, .time_ms = 0, .arrival_ms = BW_TIME_NONE, .seed = 3};
  struct bw_csv_events ev = {on_rejected, on_doubtful, NULL};
  struct bw_csv *c = bw_csv_new(&o, &ev);
  size_t len = strlen(text), at, n;
  int rc = 0;
  reasons[0] = '\0';
  bw_event_batch_reset(batch);
  for (at = 0; at < len && rc == 0; at += n) {
    n = len - at < step ? len - at : step;
    rc = bw_csv_feed(c, bw_str_n(text + at, n), batch, err);
  }
  if (rc == 0)
    rc = bw_csv_finish(c, batch, err);
  rejected = bw_csv_rejected(c);
  bw_csv_free(&c);
  return rc;
}

static const struct bw_record *row(size_t i)
{
  assert_true(i < bw_event_batch_count(batch));
  return &bw_event_batch_records(batch)[i];
}

#define IS(s, lit)                                                                                                             \
  do {                                                                                                                         \
    if (!bw_str_is((s), (lit)))                                                                                                \
      fail_msg("%s: \"%.*s\", not \"%s\"", #s, BW_FMT(s), (lit));                                                              \
  } while (0)
#define TRAIT(i, key) bw_record_text(row(i), BW_SECTION_TRAITS, key)

static void test_accounts(void **state)
{
  static const char text[] =
      "\xEF\xBB\xBF"
      "Account ID,Name,Plan,seats,api_limit,ARR,start_date,Renewal Date,Big Spender?,owner,owner_email,notes\r\n"
      "a1, Acme Inc ,pro,25,10000,42000.50,2024-05-01,2026-05-01,true,ann,ann@x.example,\"said \"\"hi\"\"\r\nand left\"\r\n"
      "\r\n"
      "a2,,,007,\"1,000\",,,,FALSE,,,\r\n";
  struct bw_error err;
  size_t step;
  (void)state;
  for (step = 1; step < 40; step += 6) {
    assert_int_equal(parse(text, "x.csv", BW_KIND_NONE, step, &err), 0); /* the kind by its header */
    assert_int_equal(bw_event_batch_count(batch), 2);
    assert_int_equal(row(0)->kind, BW_KIND_ACCOUNT);
    IS(row(0)->account, "a1");
    IS(TRAIT(0, "name"), "Acme Inc");
    assert_true(bw_record_number(row(0), BW_SECTION_TRAITS, "seats", 0) == 25);
    assert_true(bw_record_number(row(0), BW_SECTION_TRAITS, "limits.api_calls", 0) == 10000);
    assert_true(bw_record_number(row(0), BW_SECTION_TRAITS, "arr", 0) == 42000.5);
    IS(TRAIT(0, "start"), "2024-05-01");
    IS(TRAIT(0, "renewal"), "2026-05-01");
    assert_int_equal(bw_record_field(row(0), BW_SECTION_TRAITS, "big_spender")->type, BW_VALUE_BOOL);
    IS(TRAIT(0, "owner"), "ann"); /* the better of two; the other keeps its own name */
    IS(TRAIT(0, "owner_email"), "ann@x.example");
    IS(TRAIT(0, "notes"), "said \"hi\"\r\nand left");
    assert_int_equal(row(0)->time_ms, 0);
    assert_int_equal(row(0)->arrival_ms, 0);
    /* Empty cells say nothing; what JSON would not call a number stays text. */
    assert_int_equal(row(1)->nfields, 3);
    IS(TRAIT(1, "seats"), "007");
    assert_int_equal(bw_record_field(row(1), BW_SECTION_TRAITS, "seats")->type, BW_VALUE_STRING);
    IS(TRAIT(1, "limits.api_calls"), "1,000");
  }
}

/* A point may stand between thousands: only a number that can mean one thing is one. */
static void test_doubtful_numbers(void **state)
{
  static const struct {
    const char *text;
    bool number;
  } cells[] = {{"36.000", false}, {"1.200", false},  {"-250.000", false}, {"999.999", false}, {"1.200.000", false},
               {"36.00", true},   {"36.0000", true}, {"1200.000", true},  {"0.125", true},    {"-0.125", true},
               {"36000", true},   {"1.234e5", true}, {"1.234e", false}};
  struct bw_error err;
  char text[100], told[100];
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cells / sizeof *cells; i++) {
    bool doubtful = !cells[i].number && i < 4;
    (void)snprintf(text, sizeof text, "id,arr\na,%s\n", cells[i].text);
    (void)snprintf(told, sizeof told, "2|arr %s\n", doubtful ? cells[i].text : "");
    assert_int_equal(parse(text, "x", BW_KIND_ACCOUNT, 100, &err), 0);
    assert_string_equal(reasons, doubtful ? told : "");
    IS(TRAIT(0, "arr"), cells[i].text);
    if ((bw_record_field(row(0), BW_SECTION_TRAITS, "arr")->type == BW_VALUE_NUMBER) != cells[i].number)
      fail_msg("%s", cells[i].text);
  }
}

static void test_kinds(void **state)
{
  struct bw_error err;
  (void)state;
  assert_int_equal(
      parse("id;Account;E-Mail;Job Title\nc1;acme;a@b.example;CTO\n", "dir/Contacts-2025.csv", BW_KIND_NONE, 100, &err), 0);
  assert_int_equal(row(0)->kind, BW_KIND_CONTACT);
  IS(row(0)->subject, "c1");
  IS(row(0)->account, "acme");
  IS(TRAIT(0, "email"), "a@b.example");
  IS(TRAIT(0, "title"), "CTO");
  assert_int_equal(parse("planId\tseat price\tnext\tlimits.api_calls\nfree\t0\tpro\t100", "t.csv", BW_KIND_NONE, 100, &err), 0);
  assert_int_equal(row(0)->kind, BW_KIND_PLAN);
  IS(row(0)->subject, "free");
  assert_true(bw_record_number(row(0), BW_SECTION_TRAITS, "seat_price", -1) == 0);
  assert_true(bw_record_number(row(0), BW_SECTION_TRAITS, "limits.api_calls", -1) == 100);
  assert_int_equal(parse("account_id,plan,seats,end_date,timestamp\na,pro,5,2026-01-01,2025-02-03\n", "subscriptions.csv",
                         BW_KIND_NONE, 100, &err),
                   0);
  assert_int_equal(row(0)->kind, BW_KIND_SUBSCRIPTION);
  IS(TRAIT(0, "end"), "2026-01-01");
  assert_int_equal(row(0)->time_ms, INT64_C(1738540800000));
  assert_int_equal(parse("Deal ID,company_id,Deal Stage,Amount\nd1,a,lost,100\n", "x", BW_KIND_NONE, 100, &err), 0);
  assert_int_equal(row(0)->kind, BW_KIND_OPPORTUNITY);
  IS(TRAIT(0, "stage"), "lost");
  assert_int_equal(parse("id,x\n1,2\n", "x", BW_KIND_ACCOUNT, 100, &err), 0);
  IS(row(0)->account, "1");
}

/* The delimiter is told from the whole header, however the text is cut: here the first line end is within a quoted name. */
static void test_cut_header(void **state)
{
  struct bw_error err;
  size_t step;
  (void)state;
  for (step = 1; step < 60; step++) {
    assert_int_equal(parse("\"odd,\n,name\";a;b;account_id\n1;2;3;acme\n", "x.csv", BW_KIND_ACCOUNT, step, &err), 0);
    assert_int_equal(bw_event_batch_count(batch), 1);
    IS(TRAIT(0, "b"), "3");
  }
}

static void test_refused_files(void **state)
{
  static const struct {
    const char *text, *name;
    uint32_t kind;
    const char *says;
  } rows[] = {{"", "accounts.csv", 0, "accounts.csv:1: there is no header line"},
              {"a,b\n1,2\n", "x.csv", 0, "neither the header nor the file's name"},
              {"name,plan\nx,y\n", "accounts.csv", 0, "accounts.csv:1: the header has no column for the account"},
              {"a,b\n", "x", BW_KIND_TRACK, "not read from CSV"},
              {"account_id,Foo,foo\n", "x", 0, "stands there twice"},
              {"account_id,x\na,\"b\n", "x", 0, "x:2: a quote is never closed"},
              {"account_id,x\nok,1\na,b\"c\n", "x", 0, "x:3: a quote stands within"},
              {"account_id,\x80\n", "x", 0, "not valid UTF-8"}};
  struct bw_error err;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (parse(rows[i].text, rows[i].name, rows[i].kind, 1000, &err) != BW_EINVAL)
      fail_msg("row %zu was accepted", i);
    if (!strstr(err.message, rows[i].says))
      fail_msg("\"%s\" does not say \"%s\"", err.message, rows[i].says);
  }
}

static void test_refused_rows(void **state)
{
  struct bw_error err;
  char *large = malloc(80000);
  int n;
  (void)state;
  assert_int_equal(parse("account_id,name,timestamp\n"
                         "a,ok,\n"
                         ",no id,\n"
                         "b,\"two\nlines\",not a time\n"
                         "c,\xFF,\n"
                         "d,1,,extra\n"
                         "e,short\n",
                         "accounts.csv", BW_KIND_NONE, 1000, &err),
                   0);
  assert_int_equal(bw_event_batch_count(batch), 2);
  IS(row(1)->account, "e");
  assert_int_equal(rejected, 4);
  assert_string_equal(reasons, "3|accounts.csv:3: the row's id is empty\n"
                               "4|accounts.csv:4: the timestamp is not a time as in ISO 8601 (2026-01-31), from 1970 on\n"
                               "6|accounts.csv:6: the row is not valid UTF-8\n"
                               "7|accounts.csv:7: the row has more cells than the header has columns\n");
  n = sprintf(large, "account_id,name\na,%070000d\n%0300d,b\nb,fine\n", 1, 2);
  assert_true(n < 80000);
  assert_int_equal(parse(large, "x", BW_KIND_NONE, 1000, &err), 0);
  assert_int_equal(bw_event_batch_count(batch), 1);
  assert_int_equal(rejected, 2);
  assert_non_null(strstr(reasons, "x:2: the row is over 64 KiB"));
  assert_non_null(strstr(reasons, "x:3: an id is over 256 bytes"));
  free(large);
}

static void test_help(void **state)
{
  size_t i;
  bool accounts = false;
  (void)state;
  for (i = 0; bw_csv_help(i); i++)
    accounts = accounts || strstr(bw_csv_help(i), "account: renewal <- renewal renewal_date");
  assert_true(i > 30);
  assert_true(accounts);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_accounts),      cmocka_unit_test(test_doubtful_numbers),
                                     cmocka_unit_test(test_kinds),         cmocka_unit_test(test_cut_header),
                                     cmocka_unit_test(test_refused_files), cmocka_unit_test(test_refused_rows),
                                     cmocka_unit_test(test_help)};
  return cmocka_run_group_tests_name("ingest/csv", tests, setup, teardown);
}
