/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts from ids, users and e-mail addresses; what is learned, saved and taken back. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "ingest/identity.h"
#include "ingest/segment.h"

#define SEED 5

static struct bw_event_parser *parser;
static const struct bw_identity_options options = {.seed = SEED};

static int setup(void **state)
{
  struct bw_event_options o = {.seed = SEED, .arrival_ms = 0};
  (void)state;
  parser = bw_event_parser_new(&o);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  bw_event_parser_free(&parser);
  return 0;
}

/* How the event resolves, and to which account. */
static void is(struct bw_identity *id, const char *event, enum bw_identity_how how, const char *account)
{
  struct bw_record r;
  struct bw_error err;
  enum bw_identity_how got;
  bw_event_parser_reset(parser);
  if (bw_event_parse(bw_str(event), parser, &r, &err) < 0)
    fail_msg("%s: %s", event, err.message);
  got = bw_identity_resolve(id, &r);
  if (got != how || !bw_str_is(r.account, account))
    fail_msg("%s: %d \"%.*s\", not %d \"%s\"", event, got, BW_FMT(r.account), how, account);
  assert_int_equal(r.account_hash, bw_hash_str(r.account, SEED));
}

#define TRACK(user) "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"" user "\"}"
#define IDENTIFY(user, traits) "{\"type\":\"identify\",\"userId\":\"" user "\",\"traits\":{" traits "}}"
#define ACCOUNT(id, traits) "{\"type\":\"account\",\"accountId\":\"" id "\",\"traits\":{" traits "}}"
#define GROUP(user, id) "{\"type\":\"group\",\"userId\":\"" user "\",\"groupId\":\"" id "\"}"

static struct bw_identity *fresh(struct bw_store *store)
{
  struct bw_identity *id = NULL;
  struct bw_error err;
  if (bw_identity_open(store, &options, &id, &err) < 0)
    fail_msg("%s", err.message);
  return id;
}

static struct bw_store *fresh_store(void)
{
  static const struct bw_schema *const schemas[] = {&bw_identity_schema};
  struct bw_store *store = NULL;
  struct bw_error err = {0};
  if (bw_store_open(":memory:", schemas, 1, &store, &err) < 0)
    fail_msg("%s", err.message);
  return store;
}

static void test_explicit_and_user(void **state)
{
  struct bw_identity *id = fresh(NULL);
  struct bw_identity_stats s;
  (void)state;
  is(id, TRACK("u1"), BW_IDENTITY_UNRESOLVED, "");
  is(id, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u1\",\"context\":{\"groupId\":\"acme\"}}", BW_IDENTITY_EXPLICIT,
     "acme");
  is(id, TRACK("u1"), BW_IDENTITY_UNRESOLVED, ""); /* a track call teaches nothing */
  is(id, GROUP("u1", "acme"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "acme");
  is(id, "{\"type\":\"identify\",\"userId\":\"u2\",\"anonymousId\":\"anon\",\"context\":{\"groupId\":\"beta\"}}",
     BW_IDENTITY_EXPLICIT, "beta");
  is(id, TRACK("u2"), BW_IDENTITY_USER, "beta");
  is(id, "{\"type\":\"page\",\"anonymousId\":\"anon\"}", BW_IDENTITY_USER, "beta");
  is(id, GROUP("u1", "beta"), BW_IDENTITY_EXPLICIT, "beta"); /* the latest counts */
  is(id, TRACK("u1"), BW_IDENTITY_USER, "beta");
  is(id, IDENTIFY("u3", "\"company\":\"acme\""), BW_IDENTITY_EXPLICIT, "acme");
  is(id, IDENTIFY("u4", "\"company\":{\"id\":\"c-4\",\"name\":\"Four\"}"), BW_IDENTITY_EXPLICIT, "c-4");
  is(id, IDENTIFY("u5", "\"accountId\":77"), BW_IDENTITY_EXPLICIT, "77");
  is(id, IDENTIFY("u6", "\"company\":\"a\\u0001b\""), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("u4"), BW_IDENTITY_USER, "c-4");
  is(id, "{\"type\":\"plan\",\"planId\":\"pro\"}", BW_IDENTITY_EXEMPT, "");
  bw_identity_stats(id, &s);
  assert_int_equal(s.records[BW_IDENTITY_UNRESOLVED], 3);
  assert_int_equal(s.records[BW_IDENTITY_EXEMPT], 1);
  bw_identity_close(&id);
  assert_null(id);
}

/* "1" of eight accounts is nobody in particular; who changes between two accounts is. */
static void share(struct bw_identity *id, const char *user, int first, int last)
{
  char event[128];
  char account[8];
  int i;
  for (i = first; i <= last; i++) {
    (void)snprintf(event, sizeof event, "{\"type\":\"group\",\"userId\":\"%s\",\"groupId\":\"a%d\"}", user, i);
    (void)snprintf(account, sizeof account, "a%d", i);
    is(id, event, BW_IDENTITY_EXPLICIT, account);
  }
}

static void test_shared(void **state)
{
  struct bw_identity *id = fresh(NULL);
  int i;
  (void)state;
  share(id, "1", 1, BW_IDENTITY_SHARED - 1);
  share(id, "1", 1, BW_IDENTITY_SHARED - 1);
  is(id, TRACK("1"), BW_IDENTITY_USER, "a7");
  assert_false(bw_identity_shared(id, bw_str("1")));
  share(id, "1", BW_IDENTITY_SHARED, BW_IDENTITY_SHARED);
  is(id, TRACK("1"), BW_IDENTITY_UNRESOLVED, "");
  assert_true(bw_identity_shared(id, bw_str("1")));
  share(id, "1", 1, 1);
  is(id, TRACK("1"), BW_IDENTITY_UNRESOLVED, "");
  is(id, "{\"type\":\"alias\",\"previousId\":\"1\",\"userId\":\"b\"}", BW_IDENTITY_EXEMPT, "");
  is(id, TRACK("b"), BW_IDENTITY_UNRESOLVED, ""); /* nor does another id become somebody through it */
  for (i = 0; i < 20; i++)
    share(id, "consultant", 1, 2);
  is(id, TRACK("consultant"), BW_IDENTITY_USER, "a2");
  is(id, GROUP("b", "acme"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, TRACK("1"), BW_IDENTITY_UNRESOLVED, "");
  /* Its e-mail, where one is there, still tells. */
  is(id, "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"1\",\"properties\":{\"email\":\"x@acme.com\"}}",
     BW_IDENTITY_IMPLICIT, "domain:acme.com");
  bw_identity_close(&id);
}

static void test_alias(void **state)
{
  struct bw_identity *id = fresh(NULL);
  (void)state;
  is(id, GROUP("old", "acme"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, "{\"type\":\"alias\",\"userId\":\"new\",\"previousId\":\"old\"}", BW_IDENTITY_USER, "acme");
  is(id, TRACK("new"), BW_IDENTITY_USER, "acme");
  /* The other way round: what the new id learns later holds for the old one. */
  is(id, "{\"type\":\"alias\",\"userId\":\"b\",\"previousId\":\"a\"}", BW_IDENTITY_EXEMPT, "");
  is(id, GROUP("b", "beta"), BW_IDENTITY_EXPLICIT, "beta");
  is(id, TRACK("a"), BW_IDENTITY_USER, "beta");
  /* A circle ends. */
  is(id, "{\"type\":\"alias\",\"userId\":\"x\",\"previousId\":\"y\"}", BW_IDENTITY_EXEMPT, "");
  is(id, "{\"type\":\"alias\",\"userId\":\"y\",\"previousId\":\"x\"}", BW_IDENTITY_EXEMPT, "");
  is(id, TRACK("x"), BW_IDENTITY_UNRESOLVED, "");
  bw_identity_close(&id);
}

static void test_email(void **state)
{
  struct bw_identity *id = fresh(NULL);
  (void)state;
  is(id, IDENTIFY("u1", "\"email\":\"Ann <ann@mail.Acme.co.uk>\""), BW_IDENTITY_IMPLICIT, "domain:acme.co.uk");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "domain:acme.co.uk"); /* learned: later events bring no e-mail */
  is(id, "{\"type\":\"track\",\"event\":\"e\",\"anonymousId\":\"q\",\"properties\":{\"email\":\"bob@acme.co.uk\"}}",
     BW_IDENTITY_IMPLICIT, "domain:acme.co.uk");
  is(id, "{\"type\":\"page\",\"anonymousId\":\"q\",\"context\":{\"traits\":{\"email\":\"bob@acme.co.uk\"}}}",
     BW_IDENTITY_IMPLICIT, "domain:acme.co.uk");
  is(id, TRACK("carl@acme.co.uk"), BW_IDENTITY_IMPLICIT, "domain:acme.co.uk");
  is(id, TRACK("carl@gmail.com"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("carl@yahoo.co.jp"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("carl@co.uk"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("carl@10.0.0.1"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("@acme.co.uk"), BW_IDENTITY_UNRESOLVED, "");
  is(id,
     TRACK("d@b\xC3\xBC"
           "cher.de"),
     BW_IDENTITY_IMPLICIT, "domain:xn--bcher-kva.de");
  is(id, TRACK("d@xn--bcher-kva.de"), BW_IDENTITY_IMPLICIT, "domain:xn--bcher-kva.de");
  /* An account that lists the domain has it, also for users known by it before. */
  is(id, ACCOUNT("acme", "\"domains\":[\"Acme.co.uk\",\"b\\u00fccher.de\",\"gmail.com\",\"com\",7]"), BW_IDENTITY_EXPLICIT,
     "acme");
  is(id, TRACK("carl@acme.co.uk"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("carl@eu.acme.co.uk"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "acme");
  is(id, TRACK("d@xn--bcher-kva.de"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("carl@gmail.com"), BW_IDENTITY_UNRESOLVED, "");
  /* A part of it may go to another account; what a list no longer names is given up. */
  is(id, ACCOUNT("acme-us", "\"domains\":\"us.acme.co.uk, acme.example\""), BW_IDENTITY_EXPLICIT, "acme-us");
  is(id, TRACK("e@us.acme.co.uk"), BW_IDENTITY_DOMAIN, "acme-us");
  is(id, TRACK("e@x.us.acme.co.uk"), BW_IDENTITY_DOMAIN, "acme-us");
  is(id, TRACK("e@eu.acme.co.uk"), BW_IDENTITY_DOMAIN, "acme");
  is(id, ACCOUNT("acme-us", "\"domains\":[]"), BW_IDENTITY_EXPLICIT, "acme-us");
  is(id, TRACK("e@us.acme.co.uk"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("e@acme.example"), BW_IDENTITY_IMPLICIT, "domain:acme.example");
  /* A user said to belong somewhere is not moved by an e-mail. */
  is(id, GROUP("u9", "beta"), BW_IDENTITY_EXPLICIT, "beta");
  is(id, IDENTIFY("u9", "\"email\":\"x@acme.co.uk\""), BW_IDENTITY_USER, "beta");
  is(id, TRACK("u9"), BW_IDENTITY_USER, "beta");
  bw_identity_close(&id);
}

static void save_and_commit(struct bw_store *store, struct bw_identity *id)
{
  struct bw_error err = {0};
  if (bw_store_begin(store, &err) < 0 || bw_identity_save(id, &err) < 0 || bw_store_commit(store, &err) < 0)
    fail_msg("%s", err.message);
  bw_identity_committed(id);
}

/* What an e-mail said is remembered as a domain, and asked for anew each time. */
static void test_remembered_domains(void **state)
{
  struct bw_store *store = fresh_store();
  struct bw_identity *id;
  (void)state;
  id = fresh(store);
  /* A domain goes from one account to another, and its users with it. */
  is(id, ACCOUNT("a", "\"domains\":[\"acme.example\"]"), BW_IDENTITY_EXPLICIT, "a");
  is(id, IDENTIFY("u1", "\"email\":\"u1@acme.example\""), BW_IDENTITY_DOMAIN, "a");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "a");
  is(id, ACCOUNT("a", "\"domains\":[]"), BW_IDENTITY_EXPLICIT, "a");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "domain:acme.example");
  is(id, ACCOUNT("b", "\"domains\":[\"acme.example\"]"), BW_IDENTITY_EXPLICIT, "b");
  is(id, TRACK("u1"), BW_IDENTITY_USER, "b");
  /* A part of a domain is listed later. */
  is(id, IDENTIFY("v1", "\"email\":\"v1@eu.corp.example\""), BW_IDENTITY_IMPLICIT, "domain:corp.example");
  is(id, ACCOUNT("c", "\"domains\":[\"eu.corp.example\"]"), BW_IDENTITY_EXPLICIT, "c");
  is(id, TRACK("v1"), BW_IDENTITY_USER, "c");
  /* Another address. */
  is(id, IDENTIFY("w1", "\"email\":\"w1@old.example\""), BW_IDENTITY_IMPLICIT, "domain:old.example");
  is(id, IDENTIFY("w1", "\"email\":\"w1@new.example\""), BW_IDENTITY_IMPLICIT, "domain:new.example");
  is(id, TRACK("w1"), BW_IDENTITY_USER, "domain:new.example");
  is(id, IDENTIFY("w1", "\"email\":\"w1@gmail.com\""), BW_IDENTITY_USER, "domain:new.example"); /* says nothing */
  save_and_commit(store, id);
  bw_identity_close(&id);
  id = fresh(store);
  is(id, TRACK("u1"), BW_IDENTITY_USER, "b");
  is(id, TRACK("v1"), BW_IDENTITY_USER, "c");
  is(id, TRACK("w1"), BW_IDENTITY_USER, "domain:new.example");
  is(id, GROUP("w1", "d"), BW_IDENTITY_EXPLICIT, "d"); /* what is said outright goes before */
  is(id, IDENTIFY("w1", "\"email\":\"w1@acme.example\""), BW_IDENTITY_USER, "d");
  bw_identity_close(&id);
  bw_store_close(&store);
}

static void test_options(void **state)
{
  static const char *const mail[] = {"corp-mail.example"}, *const traits[] = {"workspace"};
  struct bw_identity_options o = {
      .seed = SEED, .free_mail = mail, .nfree_mail = 1, .account_traits = traits, .naccount_traits = 1, .max_entries = 2};
  struct bw_identity *id;
  struct bw_identity_stats s;
  struct bw_error err;
  (void)state;
  assert_int_equal(bw_identity_open(NULL, &o, &id, &err), 0);
  is(id, TRACK("a@corp-mail.example"), BW_IDENTITY_UNRESOLVED, "");
  is(id, IDENTIFY("u", "\"company\":\"no\",\"workspace\":\"w\""), BW_IDENTITY_EXPLICIT, "w");
  is(id, GROUP("u2", "w"), BW_IDENTITY_EXPLICIT, "w");
  is(id, GROUP("u3", "w"), BW_IDENTITY_EXPLICIT, "w"); /* resolved, but there is no room to remember it */
  is(id, TRACK("u3"), BW_IDENTITY_UNRESOLVED, "");
  bw_identity_stats(id, &s);
  assert_int_equal(s.not_learned, 1);
  bw_identity_close(&id);
}

static void test_domains(void **state)
{
  static const struct {
    const char *email, *domain, *registrable;
  } rows[] = {{"a@b.example", "b.example", "b.example"},
              {"A@B.EXAMPLE.", "b.example", "b.example"},
              {"\"odd @ name\"@b.example", "b.example", "b.example"},
              {"Name <a@x.y.b.co.jp>", "x.y.b.co.jp", "b.co.jp"},
              {"a@localhost", NULL, NULL},
              {"a@b..example", NULL, NULL},
              {"a@-b.example", NULL, NULL},
              {"a@b-.example", NULL, NULL},
              {"a@.example", NULL, NULL},
              {"a@", NULL, NULL},
              {"", NULL, NULL},
              {"write to me @ b.example", NULL, NULL},
              {"a@b.example, c@d.example and others", NULL, NULL},
              {"a@[10.0.0.1]", NULL, NULL},
              {"a@b\xFF.example", NULL, NULL},
              {"a@com", NULL, NULL}};
  char out[256];
  size_t i;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    int rc = bw_email_domain(bw_str(rows[i].email), out);
    if (!rows[i].domain) {
      if (rc == 0)
        fail_msg("%s: %s", rows[i].email, out);
      continue;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(out, rows[i].domain);
    assert_int_equal(bw_registrable_domain(bw_str(rows[i].domain), out), 0);
    assert_string_equal(out, rows[i].registrable);
  }
  assert_int_equal(bw_registrable_domain(BW_STR("co.uk"), out), BW_EINVAL);
  assert_true(bw_free_mail(BW_STR("gmail.com")));
  assert_true(bw_free_mail(BW_STR("10minutemail.com")));
  assert_true(bw_free_mail(BW_STR("zoho.com")));
  assert_true(bw_free_mail(BW_STR("hotmail.co.uk")));
  assert_false(bw_free_mail(BW_STR("gmailers.com")));
  assert_false(bw_free_mail(BW_STR("acme.com")));
  assert_true(bw_account_id_valid(BW_STR("caf\xC3\xA9")));
  assert_false(bw_account_id_valid(BW_STR("")));
  assert_false(bw_account_id_valid(BW_STR("a\tb")));
  assert_false(bw_account_id_valid(BW_STR("a\x80")));
}

static void test_store(void **state)
{
  struct bw_store *store = fresh_store();
  struct bw_identity *id;
  struct bw_error err = {0};
  (void)state;
  id = fresh(store);
  is(id, GROUP("u1", "acme"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, ACCOUNT("acme", "\"domains\":[\"acme.example\",\"gone.example\"]"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, "{\"type\":\"alias\",\"userId\":\"late\",\"previousId\":\"early\"}", BW_IDENTITY_EXEMPT, "");
  save_and_commit(store, id);
  is(id, ACCOUNT("acme", "\"domains\":[\"acme.example\"]"), BW_IDENTITY_EXPLICIT, "acme");
  save_and_commit(store, id);
  share(id, "admin", 1, BW_IDENTITY_SHARED - 1);
  save_and_commit(store, id);
  /* A transaction that failed: what it taught is forgotten, in memory and on disk. */
  share(id, "admin", BW_IDENTITY_SHARED, BW_IDENTITY_SHARED);
  is(id, GROUP("u1", "beta"), BW_IDENTITY_EXPLICIT, "beta");
  is(id, GROUP("u2", "beta"), BW_IDENTITY_EXPLICIT, "beta");
  is(id, GROUP("u1", "gamma"), BW_IDENTITY_EXPLICIT, "gamma");
  is(id, ACCOUNT("beta", "\"domains\":[\"acme.example\",\"beta.example\"]"), BW_IDENTITY_EXPLICIT, "beta");
  assert_int_equal(bw_store_begin(store, &err), 0);
  assert_int_equal(bw_identity_save(id, &err), 0);
  bw_store_rollback(store);
  bw_identity_rolled_back(id);
  is(id, TRACK("u1"), BW_IDENTITY_USER, "acme");
  is(id, TRACK("u2"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("x@acme.example"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("x@beta.example"), BW_IDENTITY_IMPLICIT, "domain:beta.example");
  is(id, TRACK("admin"), BW_IDENTITY_USER, "a7");
  share(id, "1", 1, BW_IDENTITY_SHARED);
  save_and_commit(store, id);
  bw_identity_close(&id);
  /* A new start knows what was committed. */
  id = fresh(store);
  is(id, TRACK("u1"), BW_IDENTITY_USER, "acme");
  is(id, TRACK("u2"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("x@acme.example"), BW_IDENTITY_DOMAIN, "acme");
  is(id, TRACK("x@gone.example"), BW_IDENTITY_IMPLICIT, "domain:gone.example");
  is(id, TRACK("1"), BW_IDENTITY_UNRESOLVED, "");
  is(id, TRACK("admin"), BW_IDENTITY_USER, "a7");
  share(id, "admin", BW_IDENTITY_SHARED, BW_IDENTITY_SHARED);
  is(id, TRACK("admin"), BW_IDENTITY_UNRESOLVED, "");
  is(id, GROUP("late", "acme"), BW_IDENTITY_EXPLICIT, "acme");
  is(id, TRACK("early"), BW_IDENTITY_USER, "acme");
  bw_identity_close(&id);
  bw_store_close(&store);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_explicit_and_user),
                                     cmocka_unit_test(test_alias),
                                     cmocka_unit_test(test_email),
                                     cmocka_unit_test(test_options),
                                     cmocka_unit_test(test_domains),
                                     cmocka_unit_test(test_store),
                                     cmocka_unit_test(test_shared),
                                     cmocka_unit_test(test_remembered_domains)};
  return cmocka_run_group_tests_name("ingest/identity", tests, setup, teardown);
}
