/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the book: merging, late records, derived fields, limits, history, damage, and that a restart changes nothing. */
#include "base/test.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "book/book.h"

static const struct bw_schema *const schemas[] = {&bw_book_schema};
static char dir[] = "/tmp/bw-test-book-XXXXXX";
static uint64_t seed = 1, next_offset = 1;

static uint64_t rnd(uint64_t n)
{
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (seed >> 33) % n;
}

static int clean_dir(void **state)
{
  DIR *d = opendir(dir);
  struct dirent *e;
  (void)state;
  while (d && (e = readdir(d)))
    if (e->d_name[0] != '.')
      unlinkat(dirfd(d), e->d_name, 0);
  if (d)
    closedir(d);
  return 0;
}

static struct bw_book *open_book(struct bw_store *store)
{
  struct bw_book *b = NULL;
  struct bw_error err = {0};
  if (bw_book_open(store, &b, &err) != 0)
    fail_msg("%s", err.message);
  return b;
}

/* ---- making records ---- */

static struct bw_field text(const char *key, const char *value)
{
  return (struct bw_field){bw_str(key), bw_str(value), 0, BW_SECTION_TRAITS, BW_VALUE_STRING};
}

static struct bw_field num(const char *key, double value, const char *as)
{
  return (struct bw_field){bw_str(key), bw_str(as), value, BW_SECTION_TRAITS, BW_VALUE_NUMBER};
}

static struct bw_field null(const char *key)
{
  return (struct bw_field){bw_str(key), BW_STR(""), 0, BW_SECTION_TRAITS, BW_VALUE_NULL};
}

static struct bw_field flag(const char *key, bool value)
{
  return (struct bw_field){bw_str(key), BW_STR(""), value, BW_SECTION_TRAITS, BW_VALUE_BOOL};
}

static int apply_n(struct bw_book *b, uint32_t kind, int64_t time, const char *account, const char *subject,
                   const struct bw_field *fields, uint32_t n, struct bw_error *err)
{
  struct bw_record r = {.kind = kind,
                        .nfields = n,
                        .time_ms = time,
                        .arrival_ms = time,
                        .offset = next_offset++,
                        .account = bw_str(account),
                        .subject = bw_str(subject),
                        .fields = fields};
  return bw_book_apply(b, &r, err);
}

#define APPLY(b, kind, time, account, subject, ...)                                                                            \
  do {                                                                                                                         \
    const struct bw_field f_[] = {__VA_ARGS__};                                                                                \
    struct bw_error e_ = {0};                                                                                                  \
    if (apply_n(b, kind, time, account, subject, f_, sizeof f_ / sizeof *f_, &e_) != 0)                                        \
      fail_msg("%s", e_.message);                                                                                              \
  } while (0)

static const struct bw_entity *account(const struct bw_book *b, const char *id)
{
  const struct bw_entity *e = bw_book_find(b, BW_ENTITY_ACCOUNT, bw_str(id));
  assert_non_null(e);
  return e;
}

static void expect(const struct bw_entity *e, const char *field, const char *value)
{
  struct bw_str got = bw_entity_text(e, field);
  if (!bw_str_is(got, value))
    fail_msg("%s is \"%.*s\", not \"%s\"", field, BW_FMT(got), value);
}

static int add_id(void *ctx, const struct bw_entity *e)
{
  bw_buf_printf(ctx, "%.*s ", BW_FMT(bw_entity_id(e)));
  return 0;
}

static void add_account(void *ctx, struct bw_str id)
{
  bw_buf_printf(ctx, "%.*s ", BW_FMT(id));
}

static void expect_ids(struct bw_book *b, enum bw_entity_kind kind, const char *of, const char *ids)
{
  struct bw_buf out = {0};
  if (of)
    bw_book_each_of(b, kind, bw_str(of), add_id, &out);
  else
    bw_book_each(b, kind, add_id, &out);
  assert_string_equal(bw_buf_cstr(&out), ids);
  bw_buf_clear(&out);
}

static void expect_changed(struct bw_book *b, const char *ids)
{
  struct bw_buf out = {0};
  bw_book_take_changed(b, add_account, &out);
  assert_string_equal(bw_buf_cstr(&out), ids);
  bw_buf_clear(&out);
}

/* ---- tests ---- */

static void test_fields(void **state)
{
  struct bw_book *b = open_book(NULL);
  const struct bw_entity *e;
  const struct bw_field *f;
  uint64_t source, first = next_offset;
  (void)state;
  APPLY(b, BW_KIND_ACCOUNT, 1000, "acme", "", text("name", "Acme"), num("acv", 12000, "12000.0"), text("arr", "9500.5"),
        text("start_date", "2025-03-01"), flag("vip", true), null("segment"),
        (struct bw_field){BW_STR("domains"), BW_STR("[\"acme.com\"]"), 0, BW_SECTION_TRAITS, BW_VALUE_JSON},
        (struct bw_field){BW_STR("name"), BW_STR("elsewhere"), 0, BW_SECTION_CONTEXT, BW_VALUE_STRING});
  e = account(b, "acme");
  assert_true(bw_str_is(bw_entity_id(e), "acme") && bw_str_is(bw_entity_account(e), "acme"));
  expect(e, "name", "Acme");
  expect(e, "acv", "12000.0");
  expect(e, "vip", "true");
  expect(e, "domains", "[\"acme.com\"]");
  expect(e, "start_date", "2025-03-01");
  expect(e, "start", "2025-03-01");
  expect(e, "nothing", "");
  assert_true(bw_entity_number(e, "acv", -1) == 12000 && bw_entity_number(e, "arr", -1) == 9500.5);
  assert_true(bw_entity_number(e, "name", -1) == -1 && bw_entity_number(e, "none", -1) == -1 &&
              bw_entity_number(e, "vip", -1) == 1);
  assert_true(bw_entity_time(e, "start") == bw_day_time(bw_day_from_civil(2025, 3, 1)));
  assert_true(bw_entity_time(e, "name") == BW_TIME_NONE && bw_entity_time(e, "none") == BW_TIME_NONE);
  assert_int_equal(bw_entity_source(e, "acv"), first);
  assert_int_equal(bw_entity_source(e, "none"), 0);
  f = bw_entity_field(e, "acv");
  assert_true(f && f->type == BW_VALUE_NUMBER && f->number == 12000 && bw_str_is(f->key, "acv"));
  assert_null(bw_entity_field(e, "segment"));
  assert_true(bw_entity_at(e, 0, &f, &source) && bw_str_is(f->key, "name") && source == first);
  assert_true(bw_entity_at(e, 3, &f, NULL) && bw_str_is(f->key, "start_date"));
  assert_true(bw_entity_at(e, 6, &f, NULL) && bw_str_is(f->key, "domains"));
  assert_false(bw_entity_at(e, 7, &f, NULL));
  /* null removes, and a later value comes back */
  APPLY(b, BW_KIND_ACCOUNT, 2000, "acme", "", null("vip"), text("name", "Acme Inc"));
  assert_null(bw_entity_field(e, "vip"));
  expect(e, "name", "Acme Inc");
  assert_int_equal(bw_entity_source(e, "name"), first + 1);
  assert_int_equal(bw_entity_source(e, "acv"), first);
  APPLY(b, BW_KIND_ACCOUNT, 3000, "acme", "", flag("vip", false));
  expect(e, "vip", "false");
  assert_int_equal(bw_book_count(b, BW_ENTITY_ACCOUNT), 1);
  assert_null(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("acme")));
  bw_book_close(&b);
  bw_book_close(&b);
}

static void test_late_records(void **state)
{
  struct bw_book *b = open_book(NULL);
  (void)state;
  APPLY(b, BW_KIND_ACCOUNT, 2000, "a", "", text("health", "green"), text("gone", "x"));
  APPLY(b, BW_KIND_ACCOUNT, 1000, "a", "", text("health", "red"), text("owner", "ann"));
  expect(account(b, "a"), "health", "green");
  expect(account(b, "a"), "owner", "ann");                            /* the late record's other field is news */
  APPLY(b, BW_KIND_ACCOUNT, 2000, "a", "", text("health", "yellow")); /* equal time: the later record */
  expect(account(b, "a"), "health", "yellow");
  /* a confirmation moves the time, not the source */
  APPLY(b, BW_KIND_ACCOUNT, 5000, "a", "", text("health", "yellow"));
  APPLY(b, BW_KIND_ACCOUNT, 4000, "a", "", text("health", "red"));
  expect(account(b, "a"), "health", "yellow");
  assert_int_equal(bw_entity_source(account(b, "a"), "health"), next_offset - 3);
  /* a removed field stays removed for older records */
  APPLY(b, BW_KIND_ACCOUNT, 3000, "a", "", null("gone"));
  APPLY(b, BW_KIND_ACCOUNT, 2500, "a", "", text("gone", "back"));
  assert_null(bw_entity_field(account(b, "a"), "gone"));
  APPLY(b, BW_KIND_ACCOUNT, 3500, "a", "", text("gone", "new"));
  expect(account(b, "a"), "gone", "new");
  bw_book_close(&b);
}

static void test_group_and_account(void **state)
{
  struct bw_book *b = open_book(NULL);
  (void)state;
  APPLY(b, BW_KIND_GROUP, 5000, "a", "u1", text("name", "from product"), text("plan", "pro"));
  expect(account(b, "a"), "name", "from product");
  APPLY(b, BW_KIND_ACCOUNT, 1000, "a", "", text("name", "from crm")); /* older, and stronger */
  expect(account(b, "a"), "name", "from crm");
  APPLY(b, BW_KIND_GROUP, 9000, "a", "u1", text("name", "product again"), text("plan", "max"), null("name"));
  expect(account(b, "a"), "name", "from crm");
  expect(account(b, "a"), "plan", "max");
  APPLY(b, BW_KIND_ACCOUNT, 9500, "a", "", null("name"));
  APPLY(b, BW_KIND_GROUP, 9600, "a", "u1", text("name", "third"));
  expect(account(b, "a"), "name", "third");
  APPLY(b, BW_KIND_GROUP, 9700, "", "u1", text("name", "unresolved")); /* to nobody */
  assert_int_equal(bw_book_count(b, BW_ENTITY_ACCOUNT), 1);
  bw_book_close(&b);
}

static void test_other_entities(void **state)
{
  struct bw_book *b = open_book(NULL);
  const struct bw_entity *e;
  (void)state;
  APPLY(b, BW_KIND_CONTACT, 1000, "b", "c3", text("role", "champion"));
  APPLY(b, BW_KIND_CONTACT, 1000, "a", "c2", text("role", "sponsor"));
  APPLY(b, BW_KIND_CONTACT, 1000, "a", "c10", text("role", "user"));
  APPLY(b, BW_KIND_OPPORTUNITY, 1000, "a", "o1", text("kind", "expansion"), num("amount", 5000, "5000"));
  APPLY(b, BW_KIND_SUBSCRIPTION, 1000, "a", "", text("plan", "pro"), num("seats", 50, "50"), text("end_date", "2026-12-31"));
  APPLY(b, BW_KIND_SUBSCRIPTION, 1000, "z", "", text("plan", "free"));
  APPLY(b, BW_KIND_ACCOUNT, 1000, "a", "", text("name", "A"));
  expect_ids(b, BW_ENTITY_CONTACT, "a", "c10 c2 ");
  expect_ids(b, BW_ENTITY_CONTACT, "b", "c3 ");
  expect_ids(b, BW_ENTITY_CONTACT, "none", "");
  expect_ids(b, BW_ENTITY_CONTACT, NULL, "c10 c2 c3 ");
  expect_ids(b, BW_ENTITY_OPPORTUNITY, "a", "o1 ");
  expect_ids(b, BW_ENTITY_SUBSCRIPTION, "a", "a ");
  expect_ids(b, BW_ENTITY_SUBSCRIPTION, NULL, "a z ");
  e = bw_book_find(b, BW_ENTITY_SUBSCRIPTION, BW_STR("a"));
  expect(e, "end", "2026-12-31");
  assert_true(bw_str_is(bw_entity_account(e), "a"));
  expect_changed(b, "b a z ");
  expect_changed(b, "");
  /* moves to another account, and a late record does not move it back */
  APPLY(b, BW_KIND_CONTACT, 3000, "b", "c2", text("role", "sponsor"));
  expect_ids(b, BW_ENTITY_CONTACT, "a", "c10 ");
  expect_ids(b, BW_ENTITY_CONTACT, "b", "c2 c3 ");
  expect_changed(b, "a b ");
  APPLY(b, BW_KIND_CONTACT, 2000, "a", "c2", text("role", "user"));
  expect_ids(b, BW_ENTITY_CONTACT, "b", "c2 c3 ");
  e = bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("c2"));
  assert_null(bw_entity_field(e, "_account"));
  expect_changed(b, "");
  /* a plan is the business of its subscribers */
  APPLY(b, BW_KIND_PLAN, 1000, "", "pro", num("seat_price", 30, "30"), num("limits.api_calls", 1e5, "100000"));
  expect_changed(b, "a ");
  e = bw_book_find(b, BW_ENTITY_PLAN, BW_STR("pro"));
  assert_true(bw_entity_number(e, "limits.api_calls", 0) == 100000);
  assert_int_equal(bw_entity_account(e).len, 0);
  /* the same again is no change */
  APPLY(b, BW_KIND_PLAN, 2000, "", "pro", num("seat_price", 30, "30"));
  APPLY(b, BW_KIND_SUBSCRIPTION, 2000, "a", "", num("seats", 50, "50"));
  expect_changed(b, "");
  APPLY(b, BW_KIND_SUBSCRIPTION, 2000, "a", "", num("seats", 51, "51"));
  bw_book_take_changed(b, NULL, NULL);
  expect_changed(b, "");
  APPLY(b, BW_KIND_TRACK, 2000, "a", "u", text("x", "y"));
  APPLY(b, BW_KIND_IDENTIFY, 2000, "a", "u", text("email", "u@a.com"));
  expect_changed(b, "");
  bw_book_close(&b);
}

static void test_activities(void **state)
{
  struct bw_book *b = open_book(NULL);
  const struct bw_entity *e;
  (void)state;
  APPLY(b, BW_KIND_ACCOUNT, 0, "a", "", text("csm", "carl@v.com"), text("owner", "olga@v.com"));
  e = account(b, "a");
  APPLY(b, BW_KIND_ACTIVITY, 10 * BW_DAY, "a", "", text("kind", "call"), text("by", "olga@v.com"));
  expect(e, "last_touch", "1970-01-11T00:00:00Z");
  expect(e, "last_touch_by", "olga@v.com");
  expect(e, "last_touch_kind", "call");
  expect(e, "last_commercial_touch", "1970-01-11T00:00:00Z");
  expect(e, "last_csm_touch", "");
  APPLY(b, BW_KIND_ACTIVITY, 12 * BW_DAY, "a", "", text("kind", "note"), text("by", "carl@v.com"));
  assert_true(bw_entity_time(e, "last_csm_touch") == 12 * BW_DAY && bw_entity_time(e, "last_touch") == 12 * BW_DAY);
  assert_true(bw_entity_time(e, "last_commercial_touch") == 10 * BW_DAY);
  APPLY(b, BW_KIND_ACTIVITY, 13 * BW_DAY, "a", "", text("kind", "email"), text("direction", "inbound"));
  assert_true(bw_entity_time(e, "last_commercial_touch") == 10 * BW_DAY);
  expect(e, "last_touch_by", ""); /* not the last one's name for this one's touch */
  APPLY(b, BW_KIND_ACTIVITY, 14 * BW_DAY, "a", "", text("kind", "email"), text("direction", "outbound"),
        text("by_role", "csm"));
  assert_true(bw_entity_time(e, "last_commercial_touch") == 14 * BW_DAY && bw_entity_time(e, "last_csm_touch") == 14 * BW_DAY);
  /* a late one counts, and moves nothing */
  APPLY(b, BW_KIND_ACTIVITY, 11 * BW_DAY, "a", "", text("kind", "qbr"), text("by", "olga@v.com"));
  assert_true(bw_entity_time(e, "last_touch") == 14 * BW_DAY && bw_entity_time(e, "last_commercial_touch") == 14 * BW_DAY);
  assert_true(bw_entity_number(e, "touches", 0) == 5);
  /* the same record again counts once */
  next_offset--;
  APPLY(b, BW_KIND_ACTIVITY, 11 * BW_DAY, "a", "", text("kind", "qbr"), text("by", "olga@v.com"));
  assert_true(bw_entity_number(e, "touches", 0) == 5);
  APPLY(b, BW_KIND_SURVEY, 5 * BW_DAY, "a", "", text("kind", "nps"), num("score", 9, "9"));
  APPLY(b, BW_KIND_SURVEY, 4 * BW_DAY, "a", "", text("kind", "nps"), num("score", 2, "2"));
  APPLY(b, BW_KIND_SURVEY, 6 * BW_DAY, "a", "", text("kind", "csat"), text("score", "4.5"));
  APPLY(b, BW_KIND_SURVEY, 6 * BW_DAY, "a", "", text("kind", "other"), text("score", "1"));
  assert_true(bw_entity_number(e, "last_nps", -1) == 9 && bw_entity_time(e, "last_nps_at") == 5 * BW_DAY);
  assert_true(bw_entity_number(e, "last_csat", -1) == 4.5);
  bw_book_close(&b);
}

static void test_escalations(void **state)
{
  struct bw_book *b = open_book(NULL);
  const struct bw_entity *e;
  char id[200];
  int i;
  (void)state;
  APPLY(b, BW_KIND_TICKET, 1000, "a", "t1", text("status", "open"), flag("escalated", false));
  e = account(b, "a");
  assert_null(bw_entity_field(e, "open_escalations"));
  APPLY(b, BW_KIND_TICKET, 2000, "a", "t1", flag("escalated", true));
  APPLY(b, BW_KIND_TICKET, 2000, "a", "t2", text("escalated", "yes"), text("status", "open"));
  assert_true(bw_entity_number(e, "open_escalations", 0) == 2);
  APPLY(b, BW_KIND_TICKET, 3000, "a", "t1", text("status", "pending")); /* says nothing of the escalation */
  assert_true(bw_entity_number(e, "open_escalations", 0) == 2);
  APPLY(b, BW_KIND_TICKET, 5000, "a", "t1", text("status", "solved"));
  assert_true(bw_entity_number(e, "open_escalations", 0) == 1);
  APPLY(b, BW_KIND_TICKET, 4000, "a", "t1", text("status", "open")); /* late */
  assert_true(bw_entity_number(e, "open_escalations", 0) == 1);
  APPLY(b, BW_KIND_TICKET, 6000, "a", "t2", flag("escalated", false));
  assert_true(bw_entity_number(e, "open_escalations", -1) == 0);
  assert_null(bw_entity_field(e, "_escalations"));
  for (i = 0; i < 200; i++) {
    snprintf(id, sizeof id, "%090d", i);
    APPLY(b, BW_KIND_TICKET, 7000 + i, "a", id, flag("escalated", true));
  }
  assert_true(bw_entity_number(e, "open_escalations", 0) == 64);
  for (i = 136; i < 200; i++) {
    snprintf(id, sizeof id, "%090d", i);
    APPLY(b, BW_KIND_TICKET, 8000 + i, "a", id, text("status", "closed"));
  }
  assert_true(bw_entity_number(e, "open_escalations", -1) == 0);
  bw_book_close(&b);
}

static void test_limits(void **state)
{
  struct bw_book *b = open_book(NULL);
  struct bw_field f[400];
  char names[400][16], *big BW_AUTOFREE = bw_alloc(BW_BOOK_MAX_VALUE + 2), *long_id BW_AUTOFREE = bw_alloc(600);
  struct bw_error err = {0};
  const struct bw_entity *e;
  int i;
  (void)state;
  memset(big, 'x', BW_BOOK_MAX_VALUE + 1);
  memset(long_id, 'i', 599);
  f[0] = text("first", "1");
  f[1] = text("big", big);
  f[2] = text("last", "3");
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 1, "a", "", f, 3, &err), BW_ELIMIT);
  assert_non_null(strstr(err.message, "\"big\""));
  assert_non_null(strstr(err.message, "\"a\""));
  assert_non_null(strstr(err.message, "account record at offset"));
  e = account(b, "a");
  expect(e, "first", "1");
  expect(e, "last", "3");
  assert_null(bw_entity_field(e, "big"));
  big[BW_BOOK_MAX_VALUE] = '\0';
  APPLY(b, BW_KIND_ACCOUNT, 1, "a", "", text("big", big));
  assert_int_equal(bw_entity_text(e, "big").len, BW_BOOK_MAX_VALUE);
  f[0] = text("bad", "\xff");
  f[1] = text("", "no name");
  f[2] = text("_account", "stolen");
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 1, "a", "", f, 3, &err), BW_ELIMIT);
  assert_null(bw_entity_field(e, "bad"));
  for (i = 0; i < 400; i++) {
    snprintf(names[i], sizeof names[i], "f%d", i);
    f[i] = text(names[i], "v");
  }
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 1, "full", "", f, 400, &err), BW_ELIMIT);
  assert_non_null(strstr(err.message, "\"f256\""));
  e = account(b, "full");
  assert_true(bw_entity_at(e, 255, NULL, NULL));
  assert_false(bw_entity_at(e, 256, NULL, NULL));
  /* our own fields still find room, and a removed field makes some */
  APPLY(b, BW_KIND_ACTIVITY, 5, "full", "", text("kind", "call"));
  assert_true(bw_entity_time(e, "last_touch") == 5);
  /* ids */
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 1, "", "", f, 1, &err), BW_EINVAL);
  assert_int_equal(apply_n(b, BW_KIND_CONTACT, 1, "a", "", f, 1, &err), BW_EINVAL);
  assert_int_equal(apply_n(b, BW_KIND_CONTACT, 1, "a", long_id, f, 1, &err), BW_EINVAL);
  assert_int_equal(apply_n(b, BW_KIND_CONTACT, 1, long_id, "c", f, 1, &err), BW_EINVAL);
  bw_book_close(&b);
}

/* ---- with a store ---- */

static struct bw_store *open_store(void)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/b.db", dir);
  struct bw_store *s = NULL;
  struct bw_error err = {0};
  if (bw_store_open(path, schemas, 1, &s, &err) != 0)
    fail_msg("%s", err.message);
  return s;
}

static void save(struct bw_store *s, struct bw_book *b)
{
  struct bw_error err = {0};
  if (bw_store_begin(s, &err) != 0 || bw_book_save(b, &err) != 0 || bw_store_commit(s, &err) != 0)
    fail_msg("%s", err.message);
}

static int add_past(void *ctx, int64_t time_ms, uint64_t offset, struct bw_str value)
{
  bw_buf_printf(ctx, "%lld:%llu:%.*s ", (long long)time_ms, (unsigned long long)offset, BW_FMT(value));
  return 0;
}

static void test_history(void **state)
{
  struct bw_store *s = open_store();
  struct bw_book *b = open_book(s);
  struct bw_buf out = {0};
  struct bw_error err;
  (void)state;
  next_offset = 1;
  APPLY(b, BW_KIND_ACCOUNT, 10, "a", "", text("mood", "green"), text("name", "A"));
  APPLY(b, BW_KIND_ACCOUNT, 20, "a", "", text("mood", "green"), text("name", "A"));
  APPLY(b, BW_KIND_ACCOUNT, 30, "a", "", text("mood", "red"), text("name", "A"));
  assert_int_equal(bw_book_save(b, &err), BW_ESTATE);
  save(s, b);
  bw_book_close(&b);
  b = open_book(s);
  APPLY(b, BW_KIND_ACCOUNT, 40, "a", "", null("mood"), text("name", "A"));
  APPLY(b, BW_KIND_ACCOUNT, 50, "a", "", flag("mood", true), text("name", "A"));
  save(s, b);
  assert_int_equal(bw_book_history(b, BW_ENTITY_ACCOUNT, BW_STR("a"), "mood", add_past, &out, &err), 0);
  assert_string_equal(bw_buf_cstr(&out), "20:1:green 30:3:red 40:4: 50:5:true ");
  bw_buf_reset(&out);
  assert_int_equal(bw_book_history(b, BW_ENTITY_ACCOUNT, BW_STR("a"), "name", add_past, &out, &err), 0);
  assert_int_equal(out.len, 0);
  bw_buf_clear(&out);
  bw_book_close(&b);
  bw_store_close(&s);
}

static uint64_t history_rows(struct bw_store *s)
{
  struct bw_stmt *q;
  uint64_t n;
  assert_int_equal(bw_store_prepare(s, "SELECT count(*) FROM book_history", &q, NULL), 0);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  n = (uint64_t)bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return n;
}

static uint64_t retain_all(struct bw_book *b, int64_t before_ms)
{
  struct bw_book_sweep at = {0};
  struct bw_error err = {0};
  uint64_t all = 0, deleted = 0;
  int rc;
  do {
    rc = bw_book_retain(b, &at, before_ms, &deleted, &err);
    if (rc < 0)
      fail_msg("%s", err.message);
    all += deleted;
  } while (rc == 1);
  return all;
}

/* A CRM's spelling becomes the one that rules compare with; a word that no rule knows stays, and is told of once. */
static void test_words(void **state)
{
  static const struct {
    const char *field, *said, *kept;
  } rows[] = {{"health", "Red", "red"},
              {"health", " RED ", "red"},
              {"health", "Amber", "yellow"},
              {"stage", "First Results", "first_results"},
              {"stage", "tangible-ROI", "tangible_roi"},
              {"budget", "Cuts", "cuts"},
              {"relationship", "Multi Threaded", "multi-threaded"},
              {"currency", "EUR ", "EUR"},
              {"currency", "us$", "USD"},
              {"currency", "\xC2\xA3", "GBP"},
              {"name", " Red ", " Red "}};
  struct bw_book *b = open_book(NULL);
  struct bw_error err = {0};
  struct bw_record r;
  size_t i;
  (void)state;
  next_offset = 1;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    APPLY(b, BW_KIND_ACCOUNT, 10 + (int64_t)i, "a", "", text(rows[i].field, rows[i].said));
    expect(bw_book_find(b, BW_ENTITY_ACCOUNT, BW_STR("a")), rows[i].field, rows[i].kept);
  }
  APPLY(b, BW_KIND_CONTACT, 10, "a", "c", text("role", "Economic Buyer"), text("do_not_contact", "Yes"));
  APPLY(b, BW_KIND_CONTACT, 10, "a", "d", text("role", "Procurement"), text("do_not_contact", "No "));
  expect(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("c")), "role", "economic_buyer");
  expect(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("d")), "role", "Procurement");
  assert_true(bw_entity_flag(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("c")), "do_not_contact"));
  assert_false(bw_entity_flag(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("d")), "do_not_contact"));
  assert_false(bw_entity_flag(bw_book_find(b, BW_ENTITY_CONTACT, BW_STR("d")), "nothing"));
  for (i = 0; i < 2; i++) {
    struct bw_field f[] = {text("health", "critical")};
    r = (struct bw_record){.kind = BW_KIND_ACCOUNT,
                           .time_ms = 100 + (int64_t)i,
                           .offset = next_offset++,
                           .account = BW_STR("a"),
                           .nfields = 1,
                           .fields = f};
    assert_int_equal(bw_book_apply(b, &r, &err), i == 0 ? BW_ENOTFOUND : BW_OK);
    assert_non_null(strstr(err.message, "none of green, yellow or red"));
    expect(bw_book_find(b, BW_ENTITY_ACCOUNT, BW_STR("a")), "health", "critical");
  }
  for (i = 0; i < 2; i++) {
    const struct bw_field f = text("currency", "$");
    assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 110 + (int64_t)i, "a", "", &f, 1, &err), i == 0 ? BW_ENOTFOUND : BW_OK);
    assert_non_null(strstr(err.message, "currency is \"$\", which is no currency that is plain"));
    expect(bw_book_find(b, BW_ENTITY_ACCOUNT, BW_STR("a")), "currency", "$");
  }
  bw_book_close(&b);
}

/* Spreadsheets write numbers and days as text. */
static void test_numbers(void **state)
{
  static const struct {
    const char *field, *said, *kept;
    double number; /* NAN: it is no number */
  } rows[] = {{"acv", "36,000", "36000", 36000},
              {"acv", "$36,000", "36000", 36000},
              {"acv", "36,000.50 EUR", "36000.5", 36000.5},
              {"acv", "\xE2\x82\xAC 1,200,000", "1200000", 1200000},
              {"acv", "36 000", "36000", 36000},
              {"acv",
               "1\xC2\xA0"
               "236\xC2\xA0"
               "000,50",
               "1\xC2\xA0"
               "236\xC2\xA0"
               "000,50",
               NAN},
              {"acv",
               "1\xE2\x80\x89"
               "236\xE2\x80\x89"
               "000.50\xC2\xA0\xE2\x82\xAC",
               "1236000.5", 1236000.5},
              {"acv",
               "36\xE2\x80\xAF"
               "001",
               "36001", 36001},
              {"acv", "36 0000", "36 0000", NAN},
              {"acv", "12 34", "12 34", NAN},
              {"acv", "1 236,000", "1 236,000", NAN},
              {"acv", "36.000,00", "36.000,00", NAN},
              {"acv", "about 36k", "about 36k", NAN},
              {"acv", "-5", "-5", NAN},
              {"acv", "50.000", "50.000", NAN},
              {"acv", "1e5", "1e5", NAN},
              {"seats", " 40 ", "40", 40},
              {"name", "36,000", "36,000", NAN},
              {"renewal", "31.01.2027", "2027-01-31", NAN},
              {"renewal", "2027/01/31", "2027-01-31", NAN},
              {"renewal", "31.02.2027", "31.02.2027", NAN},
              {"renewal", "01/02/2027", "01/02/2027", NAN},
              {"renewal", "31 Jan 2027", "2027-01-31", NAN},
              {"renewal", "Jan 30, 2027", "2027-01-30", NAN},
              {"renewal", "29 JANUARY 2027", "2027-01-29", NAN},
              {"renewal", "8-Jan-2027", "2027-01-08", NAN},
              {"start", "january 7 2027", "2027-01-07", NAN},
              {"renewal", "31 Jan 27", "31 Jan 27", NAN},
              {"renewal", "31 Feb 2027", "31 Feb 2027", NAN},
              {"renewal", "Jan 2027", "Jan 2027", NAN},
              {"renewal", "31 Janu 2027", "31 Janu 2027", NAN},
              {"renewal", "0 Jan 2027", "0 Jan 2027", NAN},
              {"renewal", "31 Jan 2027 10", "31 Jan 2027 10", NAN},
              {"renewal", "2027-01-31", "2027-01-31", NAN}};
  struct bw_book *b = open_book(NULL);
  size_t i;
  (void)state;
  next_offset = 1;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct bw_field f = text(rows[i].field, rows[i].said);
    struct bw_error e = {0};
    const struct bw_entity *a;
    bool plain = isfinite(rows[i].number) || strcmp(rows[i].field, "name") == 0 || strstr(rows[i].kept, "-01-");
    assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 10 + (int64_t)i, "a", "", &f, 1, &e), plain ? BW_OK : BW_ENOTFOUND);
    assert_true(plain || strstr(e.message, " that is plain"));
    assert_true(!strchr(rows[i].kept, '/') || strstr(e.message, "(its day first, or its month?): write it as 2027-01-31"));
    a = account(b, "a");
    expect(a, rows[i].field, rows[i].kept);
    /* what could not be read is no number to anybody */
    if (strcmp(rows[i].field, "name") != 0)
      assert_true(bw_entity_number(a, rows[i].field, -7) == (isfinite(rows[i].number) ? rows[i].number : -7));
  }
  bw_book_close(&b);
}

/* As a spreadsheet counts days, or without its dashes: the rules would not know when they became a customer. */
static void test_a_number_is_no_day(void **state)
{
  static const char *const said[] = {"45322", "20240131", "2027"};
  struct bw_book *b = open_book(NULL);
  size_t i;
  (void)state;
  next_offset = 1;
  for (i = 0; i < sizeof said / sizeof *said; i++) {
    const struct bw_field f = num("start_date", strtod(said[i], NULL), said[i]);
    struct bw_error e = {0};
    assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 10 + (int64_t)i, "a", "", &f, 1, &e), BW_ENOTFOUND);
    assert_non_null(strstr(e.message, "no date that is plain: write it as 2027-01-31"));
  }
  bw_book_close(&b);
}

/* Whatever comes: a number or a day that can be read, or the text as it was. */
static void test_numbers_at_random(void **state)
{
  static const char *const pieces[] = {"1", "31",  "2027", "36",       "000",          " ",   ",", ".", "-",  "/",
                                       "$", "EUR", "Jan",  "\xC2\xA0", "\xE2\x80\xAF", "May", "x", "0", "\0", "September"};
  struct bw_book *b = open_book(NULL);
  int i, k, understood = 0;
  (void)state;
  next_offset = 1;
  for (i = 0; i < 20000; i++) {
    char said[160] = "";
    struct bw_error e;
    const struct bw_field *kept;
    struct bw_field f = text(i % 2 ? "acv" : "renewal", said);
    size_t n = 0;
    for (k = 0; k < 1 + i % 9; k++) {
      const char *piece = pieces[rnd(sizeof pieces / sizeof *pieces)];
      size_t len = *piece ? strlen(piece) : 1;
      memcpy(said + n, piece, len);
      n += len;
    }
    f.text.len = n;
    (void)apply_n(b, BW_KIND_ACCOUNT, 10 + i, "a", "", &f, 1, &e);
    kept = bw_entity_field(account(b, "a"), i % 2 ? "acv" : "renewal");
    if (kept->type == BW_VALUE_NUMBER)
      assert_true(isfinite(kept->number) && kept->number >= 0);
    else if (i % 2 || !bw_str_eq(kept->text, f.text))
      assert_true(i % 2 ? bw_str_eq(kept->text, f.text) : bw_entity_time(account(b, "a"), "renewal") != BW_TIME_NONE);
    understood += kept->type == BW_VALUE_NUMBER || !bw_str_eq(kept->text, f.text);
  }
  assert_true(understood > 100);
  bw_book_close(&b);
}

/* A number where a word is expected is told like a word that nobody knows. */
static void test_numbers_for_words(void **state)
{
  struct bw_book *b = open_book(NULL);
  struct bw_field f[] = {num("health", 35, "35"), num("stage", 3, "3"), num("employees", 3, "3")};
  struct bw_field more = flag("budget", true);
  struct bw_error e = {0};
  (void)state;
  next_offset = 1;
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 10, "a", "", f, 3, &e), BW_ENOTFOUND);
  assert_non_null(strstr(e.message, "health is \"35\", which is none of green, yellow or red"));
  assert_non_null(strstr(e.message, "; stage is \"3\", which is none of baseline"));
  assert_null(strstr(e.message, "employees"));
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 11, "a", "", f, 3, &e), BW_OK);
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 11, "a", "", &more, 1, &e), BW_ENOTFOUND);
  assert_non_null(strstr(e.message, "budget is \"true\", which is none of positive"));
  f[0] = null("health");
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 12, "a", "", f, 1, &e), BW_OK);
  bw_book_close(&b);
}

/* A language stays as it was said; what no draft can be written in is told of. */
static void test_languages(void **state)
{
  static const struct {
    const char *said;
    bool known;
  } cases[] = {{"de", true},
               {"de-AT", true},
               {"gsw", true},
               {"German", true},
               {"Portuguese (Brazil)", true},
               {"fran\xC3\xA7"
                "ais",
                true},
               {"Turkish", true},
               {"", true},
               {"German/English", false},
               {"Klingon", false}};
  struct bw_book *b = open_book(NULL);
  size_t i;
  (void)state;
  next_offset = 1;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct bw_field f = text("language", cases[i].said);
    struct bw_error e = {0};
    assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 10 + (int64_t)i, "a", "", &f, 1, &e), cases[i].known ? BW_OK : BW_ENOTFOUND);
    assert_true(cases[i].known || strstr(e.message, "which is no language that is known"));
    expect(account(b, "a"), "language", cases[i].said);
  }
  bw_book_close(&b);
}

/* What is written where nobody is known is no person. */
static void test_nobody(void **state)
{
  static const char *const nobody[] = {"N/A", "n/a", "-", " None", "Unassigned", "TBD", "unknown", "\xE2\x80\x94", "  "};
  static const char *const fields[] = {"owner", "csm", "ae", "am"};
  struct bw_book *b = open_book(NULL);
  int64_t at = 10;
  size_t i, k;
  (void)state;
  next_offset = 1;
  for (i = 0; i < sizeof nobody / sizeof *nobody; i++)
    for (k = 0; k < sizeof fields / sizeof *fields; k++) {
      APPLY(b, BW_KIND_ACCOUNT, at++, "a", "", text(fields[k], "anna"), text("industry", "None"));
      assert_non_null(bw_entity_field(account(b, "a"), fields[k]));
      APPLY(b, BW_KIND_ACCOUNT, at++, "a", "", text(fields[k], nobody[i]));
      assert_null(bw_entity_field(account(b, "a"), fields[k]));
    }
  expect(account(b, "a"), "industry", "None");
  APPLY(b, BW_KIND_ACCOUNT, at++, "a", "", text("csm", "Nona Baker"));
  expect(account(b, "a"), "csm", "Nona Baker");
  bw_book_close(&b);
}

/* One record, one message: of all its fields. */
static void test_every_odd_field_is_told(void **state)
{
  struct bw_book *b = open_book(NULL);
  struct bw_field f[] = {text("seats", "lots"), text("acv", "plenty"), text("health", "so-so"), text("renewal", "soon")};
  char key[300];
  struct bw_field more[] = {text("seats", "few"), text(key, "x")};
  struct bw_error e = {0};
  (void)state;
  next_offset = 1;
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 10, "a", "", f, 4, &e), BW_ENOTFOUND);
  assert_non_null(strstr(e.message, "seats is \"lots\", which is no number"));
  assert_non_null(strstr(e.message, "; acv is \"plenty\", which is no number"));
  assert_non_null(strstr(e.message, "; health is \"so-so\", which is none of"));
  assert_non_null(strstr(e.message, "; renewal is \"soon\", which is no date"));
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 11, "a", "", f, 4, &e), BW_OK);
  memset(key, 'k', sizeof key - 1);
  key[sizeof key - 1] = '\0';
  more[1] = text(key, "x");
  assert_int_equal(apply_n(b, BW_KIND_ACCOUNT, 12, "a", "", more, 2, &e), BW_ELIMIT);
  assert_non_null(strstr(e.message, "seats is \"few\""));
  assert_int_equal(e.code, BW_ELIMIT);
  bw_book_close(&b);
}

/* What held at the limit and everything since stays, so that a question about any time since has its answer. */
static void test_history_retention(void **state)
{
  struct bw_store *s = open_store();
  struct bw_book *b = open_book(s);
  struct bw_buf out = {0};
  struct bw_error err;
  char id[16];
  int i, k;
  (void)state;
  next_offset = 1;
  for (i = 1; i <= 9; i++)
    APPLY(b, BW_KIND_ACCOUNT, i * 10, "a", "", text("health", i % 2 ? "green" : "red"), text("name", "A"));
  APPLY(b, BW_KIND_ACCOUNT, 10, "old", "", text("health", "green"), text("stage", "live"));
  APPLY(b, BW_KIND_ACCOUNT, 20, "old", "", text("health", "red"), text("stage", "first_results"));
  save(s, b);
  assert_int_equal(history_rows(s), 9 + 4);
  assert_int_equal(retain_all(b, 9), 0);
  assert_int_equal(retain_all(b, 45), 3 + 2); /* 40 held at 45; of the account that never changed again, the last */
  assert_int_equal(bw_book_history(b, BW_ENTITY_ACCOUNT, BW_STR("a"), "health", add_past, &out, &err), 0);
  assert_string_equal(bw_buf_cstr(&out), "40:4:red 50:5:green 60:6:red 70:7:green 80:8:red 90:9:green ");
  bw_buf_reset(&out);
  assert_int_equal(bw_book_history(b, BW_ENTITY_ACCOUNT, BW_STR("old"), "health", add_past, &out, &err), 0);
  assert_string_equal(bw_buf_cstr(&out), "20:11:red ");
  bw_buf_reset(&out);
  assert_int_equal(retain_all(b, 45), 0);
  /* the limit itself, and one in the future: the newest row of a field always stays */
  assert_int_equal(retain_all(b, 50), 1);
  assert_int_equal(retain_all(b, INT64_MAX), 4);
  assert_int_equal(history_rows(s), 1 + 2);
  /* many rows, in several steps */
  for (i = 0; i < 1500; i++)
    for (k = 0; k < 4; k++) {
      snprintf(id, sizeof id, "x%d", i);
      APPLY(b, BW_KIND_ACCOUNT, 100 + k, id, "", text("health", k % 2 ? "green" : "red"), text("n", "1"));
    }
  save(s, b);
  assert_int_equal(history_rows(s), 3 + 6000);
  assert_int_equal(retain_all(b, 102), 3000);
  assert_int_equal(history_rows(s), 3 + 3000);
  bw_buf_clear(&out);
  bw_book_close(&b);
  bw_store_close(&s);
}

static void test_damage(void **state)
{
  struct bw_store *s = open_store();
  struct bw_book *b = open_book(s);
  struct bw_stmt *q;
  struct bw_error err;
  (void)state;
  APPLY(b, BW_KIND_ACCOUNT, 10, "a", "", text("name", "A"));
  APPLY(b, BW_KIND_ACCOUNT, 10, "b", "", text("name", "B"));
  save(s, b);
  bw_book_close(&b);
  assert_int_equal(bw_store_begin(s, &err), 0);
  assert_int_equal(
      bw_store_prepare(s, "UPDATE book_entity SET doc = (SELECT doc FROM book_entity WHERE id = 'a') WHERE id = 'b'", &q, &err),
      0);
  assert_int_equal(bw_stmt_run(q, &err), 0);
  assert_int_equal(bw_store_commit(s, &err), 0);
  b = open_book(s);
  expect_ids(b, BW_ENTITY_ACCOUNT, NULL, "a ");
  bw_book_close(&b);
  assert_int_equal(bw_store_prepare(s, "SELECT count(*) FROM book_damaged WHERE id = 'b'", &q, &err), 0);
  assert_int_equal(bw_stmt_step(q, &err), 1);
  assert_int_equal(bw_stmt_col_int(q, 0), 1);
  bw_stmt_reset(q);
  bw_store_close(&s);
}

static int dump_entity(void *ctx, const struct bw_entity *e)
{
  struct bw_buf *out = ctx;
  const struct bw_field *f;
  uint64_t source;
  size_t i;
  bw_buf_printf(out, "%.*s (%.*s)", BW_FMT(bw_entity_id(e)), BW_FMT(bw_entity_account(e)));
  for (i = 0; bw_entity_at(e, i, &f, &source); i++)
    bw_buf_printf(out, " %.*s=%u:%.*s:%.17g@%llu", BW_FMT(f->key), f->type, BW_FMT(f->text), f->number,
                  (unsigned long long)source);
  bw_buf_add_char(out, '\n');
  return 0;
}

static int dump_of(void *ctx, const struct bw_entity *e)
{
  bw_buf_printf(ctx, " %.*s", BW_FMT(bw_entity_id(e)));
  return 0;
}

static char *dump(struct bw_book *b)
{
  struct bw_buf out = {0};
  char id[16];
  int k, i;
  for (k = 0; k < BW_ENTITY_KINDS; k++)
    bw_book_each(b, (enum bw_entity_kind)k, dump_entity, &out);
  for (i = 0; i < 20; i++) {
    snprintf(id, sizeof id, "acc%d", i);
    bw_buf_printf(&out, "%s:", id);
    bw_book_each_of(b, BW_ENTITY_CONTACT, bw_str(id), dump_of, &out);
    bw_book_each_of(b, BW_ENTITY_OPPORTUNITY, bw_str(id), dump_of, &out);
    bw_buf_add_char(&out, '\n');
  }
  bw_buf_cstr(&out);
  return out.data;
}

/* Everything follows from the offset, so that a record can be made again. */
static void random_record(struct bw_book *b, uint64_t offset)
{
  static const uint32_t kinds[] = {BW_KIND_ACCOUNT,     BW_KIND_GROUP,    BW_KIND_CONTACT, BW_KIND_PLAN,  BW_KIND_SUBSCRIPTION,
                                   BW_KIND_OPPORTUNITY, BW_KIND_ACTIVITY, BW_KIND_SURVEY,  BW_KIND_TICKET};
  static const char *const names[] = {"name", "health", "plan", "seats", "stage", "owner", "csm", "start_date", "x.y", "z"},
                           *const words[] = {"red", "green", "carl", "olga", "2026-01-01", "closed", "open"};
  struct bw_field f[8];
  struct bw_record r = {.offset = offset, .fields = f};
  char acc[16], sub[16];
  uint64_t keep = seed;
  seed = offset * 7919;
  rnd(2);
  snprintf(acc, sizeof acc, "acc%d", (int)rnd(20));
  snprintf(sub, sizeof sub, "s%d", (int)rnd(30));
  r.kind = kinds[rnd(9)];
  r.time_ms = (int64_t)(offset * 1000 + rnd(40000));
  r.account = bw_str(rnd(12) == 0 ? "" : acc);
  r.subject = bw_str(sub);
  for (r.nfields = 0; r.nfields < rnd(6); r.nfields++) {
    const char *name = names[rnd(10)];
    switch (rnd(5)) {
    case 0:
      f[r.nfields] = null(name);
      break;
    case 1:
      f[r.nfields] = flag(name, rnd(2));
      break;
    case 2:
      f[r.nfields] = num(name, (double)rnd(3), "7");
      break;
    default:
      f[r.nfields] = text(name, words[rnd(7)]);
      break;
    }
  }
  if (r.kind >= BW_KIND_ACTIVITY && r.kind <= BW_KIND_SURVEY && r.nfields < 4) {
    f[r.nfields++] = text("kind", r.kind == BW_KIND_SURVEY ? "nps" : rnd(2) ? "call" : "note");
    f[r.nfields++] = text("by", rnd(2) ? "carl" : "olga");
    f[r.nfields++] = num("score", (double)rnd(11), "5");
    f[r.nfields++] = flag("escalated", rnd(3) > 0);
    f[r.nfields++] = text("status", rnd(2) ? "open" : "closed");
  }
  (void)bw_book_apply(b, &r, NULL); /* some lack an id */
  seed = keep;
}

/* A book that is saved, rolled back, closed and opened at random is the book that just applied everything. */
static void test_restart_equality(void **state)
{
  struct bw_book *all = open_book(NULL), *b;
  struct bw_store *s = open_store();
  struct bw_error err;
  uint64_t saved = 0, offset = 0;
  (void)state;
  b = open_book(s);
  seed = 99;
  while (saved < 6000) {
    uint64_t i, n = 1 + rnd(80);
    char *one, *two;
    for (i = 0; i < n; i++)
      random_record(b, ++offset);
    switch (rnd(6)) {
    case 0: /* the transaction fails: open again and apply what is lost again */
      assert_int_equal(bw_store_begin(s, &err), 0);
      assert_int_equal(bw_book_save(b, &err), 0);
      bw_store_rollback(s);
      bw_book_close(&b);
      b = open_book(s);
      offset = saved;
      continue;
    case 1: /* the process dies, and some records come twice */
      save(s, b);
      for (; saved < offset;)
        random_record(all, ++saved);
      bw_book_close(&b);
      bw_store_close(&s);
      s = open_store();
      b = open_book(s);
      for (i = offset > 5 ? offset - 5 : 0; i < offset;)
        random_record(b, ++i);
      break;
    default:
      save(s, b);
      for (; saved < offset;)
        random_record(all, ++saved);
      break;
    }
    one = dump(all);
    two = dump(b);
    if (strcmp(one, two) != 0) {
      size_t at = 0;
      while (one[at] == two[at])
        at++;
      at = at > 150 ? at - 150 : 0;
      fail_msg("differs: \n%.300s\n---\n%.300s", one + at, two + at);
    }
    free(one);
    free(two);
  }
  assert_int_equal(bw_book_count(b, BW_ENTITY_ACCOUNT), 20);
  bw_book_close(&b);
  bw_book_close(&all);
  bw_store_close(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_late_records),
      cmocka_unit_test(test_group_and_account),
      cmocka_unit_test(test_other_entities),
      cmocka_unit_test(test_activities),
      cmocka_unit_test(test_escalations),
      cmocka_unit_test(test_limits),
      cmocka_unit_test_teardown(test_history, clean_dir),
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_numbers_at_random),
      cmocka_unit_test(test_numbers_for_words),
      cmocka_unit_test(test_languages),
      cmocka_unit_test(test_nobody),
      cmocka_unit_test(test_every_odd_field_is_told),
      cmocka_unit_test(test_a_number_is_no_day),
      cmocka_unit_test_teardown(test_history_retention, clean_dir),
      cmocka_unit_test_teardown(test_damage, clean_dir),
      cmocka_unit_test_teardown(test_restart_equality, clean_dir),
  };
  int rc;
  if (!mkdtemp(dir))
    return 1;
  rc = cmocka_run_group_tests_name("book", tests, NULL, NULL);
  rmdir(dir);
  return rc;
}
