/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: what is refused and what is said, and an audit chain that shows every change. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/approvals.h"
#include "base/time.h"

#define NOW INT64_C(1795312345000)

static struct bw_store *store;

static int open_store(void **state)
{
  const struct bw_schema *schemas[] = {&bw_drafts_schema, &bw_approvals_schema};
  (void)state;
  return bw_store_open(":memory:", schemas, 2, &store, NULL) || bw_store_begin(store, NULL);
}

static int close_store(void **state)
{
  (void)state;
  bw_store_close(&store);
  return 0;
}

static void run(const char *sql)
{
  struct bw_stmt *q;
  struct bw_error err = {0};
  if (bw_store_prepare(store, sql, &q, &err) < 0 || bw_stmt_run(q, &err) < 0)
    fail_msg("%s: %s", sql, err.message);
}

static int64_t count(const char *sql)
{
  struct bw_stmt *q;
  int64_t n;
  assert_int_equal(bw_store_prepare(store, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  n = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return n;
}

static void lookup(void *ctx, struct bw_str name, struct bw_view_value *ret)
{
  (void)ctx;
  if (bw_str_is(name, "gap")) {
    ret->type = BW_VIEW_MISSING;
    return;
  }
  ret->type = BW_VIEW_TEXT;
  ret->text = BW_STR("Acme");
}

/* A saved draft of lead; with a gap if asked for. */
static void draft(const char *lead, bool gap, struct bw_draft *ret)
{
  struct bw_templates *set = bw_templates_new();
  struct bw_complaints c = {.count = 0};
  struct bw_view view = {lookup, NULL};
  const char *text = gap ? "To: d@acme.example\nSubject: S\n\nHi {{gap}}\n" : "To: d@acme.example\nSubject: S\n\nHi {{name}}\n";
  assert_int_equal(bw_templates_add(set, "t", "t", bw_str(text), &c), 0);
  assert_int_equal(bw_draft_render(set, bw_templates_at(set, 0), &view, bw_str(lead), NULL, NOW, ret, NULL), 0);
  assert_int_equal(bw_draft_save(store, ret, NULL), 0);
  bw_templates_free(&set);
}

static struct bw_decision_request request(const char *lead, const char *hash)
{
  return (struct bw_decision_request){.lead = bw_str(lead),
                                      .hash = bw_str(hash),
                                      .who = BW_STR("ada@vendor.example"),
                                      .now = NOW,
                                      .review_until = BW_TIME_NONE};
}

static void refused(const struct bw_decision_request *r, int code, const char *says)
{
  struct bw_error err = {0};
  int64_t decisions = count("SELECT count(*) FROM decision"), rows = count("SELECT count(*) FROM audit");
  assert_int_equal(bw_approve(store, r, NULL, &err), code);
  if (!strstr(err.message, says))
    fail_msg("%s", err.message);
  if (code != BW_EINVAL || r->hash.len == 64)
    assert_int_equal(bw_approve_check(store, r, &err), code);
  assert_int_equal(count("SELECT count(*) FROM decision"), decisions);
  assert_int_equal(count("SELECT count(*) FROM audit"), rows);
}

static void an_approval_binds_the_exact_text(void **state)
{
  struct bw_draft d = {0};
  struct bw_decision a = {0}, back = {0};
  struct bw_decision_request r;
  struct bw_error err = {0};
  int64_t rows;
  (void)state;
  draft("L1", false, &d);
  r = request("L1", "");
  assert_int_equal(bw_approve_check(store, &r, &err), 0);
  r = request("L1", d.hash);
  assert_int_equal(bw_approve_check(store, &r, &err), 0);
  assert_int_equal(bw_approve(store, &r, &a, &err), 0);
  assert_string_equal(a.hash, d.hash);
  assert_int_equal(a.version, 1);
  assert_int_equal(a.verdict, BW_VERDICT_APPROVED);
  assert_string_equal(a.who, "ada@vendor.example");
  assert_int_equal(bw_decision_approval(store, BW_STR("L1"), &back, &err), 0);
  assert_int_equal(back.id, a.id);
  assert_string_equal(back.hash, d.hash);
  assert_int_equal(bw_audit_verify(store, &rows, &err), 0);
  assert_int_equal(rows, 1);
  refused(&r, BW_ESTATE, "ada@vendor.example approved version 1 of L1 at 2026-11-22T01:52:25Z already");
  assert_int_equal(bw_decision_approval(store, BW_STR("L2"), &back, &err), BW_ENOTFOUND);
  bw_decision_clear(&a);
  bw_decision_clear(&back);
  bw_draft_clear(&d);
}

static void an_edit_in_between_is_told(void **state)
{
  struct bw_draft d = {0}, e = {0};
  struct bw_decision_request r;
  char other[BW_DRAFT_HASH];
  (void)state;
  draft("L1", false, &d);
  assert_int_equal(bw_draft_rewrite(&d, BW_DRAFT_SUBJECT, BW_STR("Other"), BW_STR("eve"), NOW + 1000, &e, NULL), 0);
  assert_int_equal(bw_draft_save(store, &e, NULL), 0);
  r = request("L1", d.hash);
  refused(&r, BW_ESTATE, "you read version 1 of L1; eve edited it at 2026-11-22T01:52:26Z and it is version 2 now");
  memcpy(other, d.hash, sizeof other);
  other[0] = other[0] == '0' ? '1' : '0';
  r = request("L1", other);
  refused(&r, BW_ESTATE, "no version of L1's draft");
  r = request("L1", e.hash);
  assert_int_equal(bw_approve(store, &r, NULL, NULL), 0);
  bw_draft_clear(&d);
  bw_draft_clear(&e);
}

static int may_not(void *ctx, struct bw_str lead, enum bw_verdict verdict, struct bw_error *err)
{
  (void)ctx;
  return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %.*s is closed: %s", BW_FMT(lead), bw_verdict_name(verdict));
}

static void what_cannot_be_approved_says_why(void **state)
{
  struct bw_draft d = {0}, gap = {0};
  struct bw_decision_request r;
  (void)state;
  draft("L1", false, &d);
  draft("L2", true, &gap);
  r = request("L2", gap.hash);
  refused(&r, BW_ESTATE, "the draft of L2 has open places: gap");
  r = request("L3", d.hash);
  refused(&r, BW_ENOTFOUND, "has no draft");
  r = request("L1", "abc");
  refused(&r, BW_EINVAL, "64 hex digits");
  r = request("L1", d.hash);
  r.who = BW_STR("");
  refused(&r, BW_EINVAL, "name of the person");
  r.who = BW_STR("ada\nroot");
  refused(&r, BW_EINVAL, "name of the person");
  r.who = BW_STR(" ");
  refused(&r, BW_EINVAL, "name of the person");
  r = request("L1", d.hash);
  r.may = may_not;
  refused(&r, BW_ESTATE, "lead L1 is closed: approved");
  run("UPDATE draft SET body = body || 'x' WHERE lead = 'L1'");
  r = request("L1", d.hash);
  refused(&r, BW_ECORRUPT, "does not match its own hash");
  bw_draft_clear(&d);
  bw_draft_clear(&gap);
}

static void the_review_window_is_kept(void **state)
{
  struct bw_draft d = {0};
  struct bw_decision_request r;
  (void)state;
  draft("L1", false, &d);
  r = request("L1", d.hash);
  r.review_until = NOW + BW_HOUR;
  r.reviewer = BW_STR("csm@vendor.example");
  refused(&r, BW_ESTATE, "csm@vendor.example is reviewing this lead until 2026-11-22T02:52:25Z; before that only csm@");
  r.reviewer = BW_STR("");
  refused(&r, BW_ESTATE, "open for review until 2026-11-22T02:52:25Z");
  r.now = r.review_until - 1;
  refused(&r, BW_ESTATE, "open for review");
  r.now = r.review_until;
  assert_int_equal(bw_approve(store, &r, NULL, NULL), 0);
  bw_draft_clear(&d);
  draft("L2", false, &d);
  r = request("L2", d.hash);
  r.review_until = NOW + BW_HOUR;
  r.reviewer = r.who;
  assert_int_equal(bw_approve(store, &r, NULL, NULL), 0);
  bw_draft_clear(&d);
}

static void note_verdict(void *ctx, const struct bw_decision *d)
{
  bw_buf_printf(ctx, "%s ", bw_verdict_name(d->verdict));
}

static void reject_and_snooze_are_kept(void **state)
{
  struct bw_draft d = {0};
  struct bw_decision a = {0};
  struct bw_decision_request r = request("L1", "");
  struct bw_error err = {0};
  struct bw_buf json = {0};
  int64_t rows;
  (void)state;
  assert_int_equal(bw_reject(store, &r, NULL, &err), BW_EINVAL);
  assert_non_null(strstr(err.message, "say why"));
  r.reason = BW_STR(" \n");
  assert_int_equal(bw_reject(store, &r, NULL, &err), BW_EINVAL);
  r.reason = BW_STR("wrong contact");
  assert_int_equal(bw_snooze(store, &r, NULL, &err), BW_EINVAL);
  r.until = NOW;
  assert_int_equal(bw_snooze(store, &r, NULL, &err), BW_EINVAL);
  r.until = NOW + 400 * BW_DAY;
  assert_int_equal(bw_snooze(store, &r, NULL, &err), BW_EINVAL);
  r.until = NOW + 7 * BW_DAY;
  assert_int_equal(bw_snooze(store, &r, NULL, &err), 0); /* without a draft */
  draft("L1", false, &d);
  assert_int_equal(bw_reject(store, &r, &a, &err), 0);
  bw_decision_json(&json, &a);
  assert_non_null(strstr(bw_buf_cstr(&json), "\"lead\":\"L1\",\"version\":1,"));
  assert_non_null(strstr(bw_buf_cstr(&json), "\"verdict\":\"rejected\",\"reason\":\"wrong contact\",\"until\":null}"));
  bw_decision_clear(&a);
  assert_int_equal(bw_decision_latest(store, BW_STR("L1"), &a, &err), 0);
  assert_int_equal(a.verdict, BW_VERDICT_REJECTED);
  bw_buf_reset(&json);
  assert_int_equal(bw_decision_each(store, BW_STR("L1"), note_verdict, &json, &err), 0);
  assert_string_equal(bw_buf_cstr(&json), "snoozed rejected ");
  assert_int_equal(bw_audit_verify(store, &rows, &err), 0);
  assert_int_equal(rows, 2);
  bw_decision_clear(&a);
  bw_buf_clear(&json);
  bw_draft_clear(&d);
}

/* ---- the audit chain ------------------------------------------------------ */

static void fill_chain(void)
{
  int i;
  for (i = 1; i <= 5; i++)
    assert_int_equal(bw_audit_append(store, NOW + i, BW_STR("ada"), "approved", BW_STR("{\"lead\":\"L1\"}"), NULL), 0);
}

static void the_store_refuses_to_change_the_audit(void **state)
{
  static const char *const deeds[] = {"UPDATE audit SET who = 'eve' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2",
                                      "UPDATE decision SET who = 'eve'", "DELETE FROM decision"};
  struct bw_draft d = {0};
  struct bw_decision_request r;
  struct bw_stmt *q;
  size_t i;
  (void)state;
  fill_chain();
  draft("L1", false, &d);
  r = request("L1", d.hash);
  assert_int_equal(bw_approve(store, &r, NULL, NULL), 0);
  for (i = 0; i < sizeof deeds / sizeof *deeds; i++) {
    assert_int_equal(bw_store_prepare(store, deeds[i], &q, NULL), 0);
    assert_true(bw_stmt_run(q, NULL) < 0);
  }
  bw_draft_clear(&d);
}

static void tampering_shows(void **state)
{
  static const struct {
    const char *deed;
    int64_t row;
    const char *says;
  } cases[] = {{"UPDATE audit SET who = 'eve' WHERE seq = 3", 3, "was changed"},
               {"UPDATE audit SET at = at + 1 WHERE seq = 1", 1, "was changed"},
               {"UPDATE audit SET action = 'rejected' WHERE seq = 5", 5, "was changed"},
               {"UPDATE audit SET subject = '{}' WHERE seq = 2", 2, "was changed"},
               {"UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 4", 4, "was changed"},
               {"UPDATE audit SET prev_hash = hash WHERE seq = 4", 4, "does not follow"},
               {"DELETE FROM audit WHERE seq = 1", 1, "is missing"},
               {"DELETE FROM audit WHERE seq = 3", 3, "is missing"},
               {"DELETE FROM audit WHERE seq = 5", 5, "recorded end"},
               {"DELETE FROM audit", 1, "recorded end"},
               {"DELETE FROM audit_head", 1, "recorded end"},
               {"UPDATE audit_head SET seq = 4", 5, "recorded end"},
               {"INSERT INTO audit SELECT 6, at, who, action, subject, hash, hash FROM audit WHERE seq = 5", 6, "was changed"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_error err = {0};
    int64_t rows = 0;
    assert_int_equal(open_store(NULL), 0);
    fill_chain();
    assert_int_equal(bw_audit_verify(store, &rows, &err), 0);
    assert_int_equal(rows, 5);
    run("DROP TRIGGER audit_fixed");
    run("DROP TRIGGER audit_kept");
    run(cases[i].deed);
    if (bw_audit_verify(store, &rows, &err) != BW_ECORRUPT || rows != cases[i].row || !strstr(err.message, cases[i].says))
      fail_msg("%s: row %d: %s", cases[i].deed, (int)rows, err.message);
    bw_store_close(&store);
  }
}

int main(void)
{
#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
  const struct CMUnitTest tests[] = {WITH_STORE(an_approval_binds_the_exact_text),
                                     WITH_STORE(an_edit_in_between_is_told),
                                     WITH_STORE(what_cannot_be_approved_says_why),
                                     WITH_STORE(the_review_window_is_kept),
                                     WITH_STORE(reject_and_snooze_are_kept),
                                     WITH_STORE(the_store_refuses_to_change_the_audit),
                                     cmocka_unit_test(tampering_shows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
