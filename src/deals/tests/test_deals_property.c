/* SPDX-License-Identifier: Apache-2.0 */
/* Property: whatever people say and records claim, in any order, with restarts in between, the deals are consistent. */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed;

static uint64_t draw(uint64_t n)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed % n;
}

#define PICK(list) list[draw(sizeof(list) / sizeof *(list))]

static const char *const accounts[] = {"acme", "globex"};

static void say(struct world *w, int64_t now)
{
  static const char *const words[] = {"conversation", "opportunity", "proposal", "won", "lost", "nothing"},
                           *const reasons[] = {NULL, "timing", "fit", "mood"},
                           *const splits[] = {NULL, "ae=70,csm=30", "ae=70"};
  char lead[8];
  struct bw_error err = {0};
  struct said s = {.lead = lead, .outcome = PICK(words), .reason = PICK(reasons), .split = PICK(splits), .now = now};
  (void)snprintf(lead, sizeof lead, "L%d", (int)draw(LEADS + 1));
  s.amount = draw(2) ? (double)draw(10000) : 0;
  s.at = draw(3) ? 0 : now - (int64_t)draw(10 * (uint64_t)BW_DAY);
  if (draw(2) && strcmp(s.outcome, "lost") == 0)
    s.reason = "budget";
  if (world_say(w, &s, &err) < 0 && err.code != BW_EINVAL && err.code != BW_ESTATE && err.code != BW_ENOTFOUND)
    fail_msg("%s", err.message);
}

static void tell(struct world *w, int64_t now)
{
  static const char *const stages[] = {"stage=Prospecting", "stage=Proposal",    "stage=Negotiation",
                                       "stage=Closed Won",  "stage=Closed Lost", "stage=Bogus",
                                       "outcome=won",       "outcome=lost",      "x=y"};
  char lead[40], amount[40], subject[64], ours[80];
  size_t n = draw(LEADS) + 1;
  const struct bw_deal *p = world_deal(w, n);
  const char *fields[6] = {PICK(stages), amount, "loss_reason=timing", lead, draw(4) == 0 && p ? ours : NULL, NULL};
  if (draw(3) == 0)
    (void)snprintf(lead, sizeof lead, "x=y");
  else
    (void)snprintf(lead, sizeof lead, "%s=L%d", draw(2) ? "lead" : "basewatch_lead", (int)n);
  (void)snprintf(ours, sizeof ours, "basewatch_opportunity=%s", p ? p->text[BW_DEAL_ID] : "");
  (void)snprintf(amount, sizeof amount, draw(2) ? "amount=%d" : "z=%d", (int)draw(10000) - 10);
  (void)snprintf(subject, sizeof subject, "006-%d", (int)draw(6));
  if (p && draw(3) == 0)
    (void)snprintf(subject, sizeof subject, "%s", p->text[BW_DEAL_ID]);
  (void)world_record(w, BW_KIND_OPPORTUNITY, NULL, PICK(accounts), subject, now - (int64_t)draw(20 * (uint64_t)BW_DAY), fields);
}

struct seen {
  struct world *w;
  char leads[LEADS][24];
  size_t n;
  double sum[4];
};

static int check(void *ctx, const struct bw_deal *p)
{
  struct seen *seen = ctx;
  struct bw_buf split = {0};
  size_t i;
  int stage = bw_deal_stage_find(&seen->w->options, bw_str(p->text[BW_DEAL_STAGE]));
  for (i = 0; i < seen->n; i++)
    assert_string_not_equal(seen->leads[i], p->text[BW_DEAL_LEAD]); /* never two for a lead */
  assert_true(seen->n < LEADS);
  (void)snprintf(seen->leads[seen->n++], 24, "%s", p->text[BW_DEAL_LEAD]);
  assert_true(stage >= 0);
  assert_int_equal(seen->w->options.stages[stage].state, p->state);
  assert_int_equal(p->closed_at == BW_TIME_NONE, p->state == BW_DEAL_OPEN);
  assert_true(p->nsteps >= 1);
  assert_string_equal(p->steps[p->nsteps - 1].stage, p->text[BW_DEAL_STAGE]);
  assert_int_equal(p->steps[p->nsteps - 1].at, p->stage_at);
  for (i = 1; i < p->nsteps; i++) {
    assert_true(p->steps[i - 1].at <= p->steps[i].at); /* in order of time, whatever the order of arrival */
    assert_string_not_equal(p->steps[i - 1].stage, p->steps[i].stage);
  }
  assert_true(isnan(p->amount) || (p->amount >= 0 && p->amount <= 1e12));
  assert_true(p->state == BW_DEAL_LOST || !p->text[BW_DEAL_LOSS_REASON][0]);
  assert_int_equal(p->state == BW_DEAL_WON, p->text[BW_DEAL_SPLIT][0] != '\0');
  if (p->state == BW_DEAL_WON)
    assert_int_equal(bw_split_parse(bw_str(p->text[BW_DEAL_SPLIT]), &split, NULL), 0);
  bw_buf_clear(&split);
  seen->sum[p->state] += isnan(p->amount) ? 0 : p->amount;
  return BW_OK;
}

static void dump(struct world *w, struct bw_buf *out)
{
  size_t i;
  bw_buf_reset(out);
  for (i = 1; i <= LEADS; i++)
    if (world_deal(w, i))
      bw_deal_json(out, world_deal(w, i), T0);
}

static double sql_sum(struct world *w, int state)
{
  struct bw_stmt *q;
  double sum;
  assert_int_equal(bw_store_prepare(w->store, "SELECT total(amount) FROM deal WHERE state = ?1", &q, NULL), 0);
  bw_stmt_int(q, 1, state);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  sum = bw_stmt_col_num(q, 0);
  bw_stmt_reset(q);
  return sum;
}

static void check_all(struct world *w)
{
  struct seen seen = {.w = w};
  struct bw_buf before = {0}, after = {0};
  size_t i;
  int64_t rows;
  assert_int_equal(bw_deals_each(w->deals, check, &seen), 0);
  for (i = 1; i <= LEADS; i++) {
    const struct bw_deal *p = world_deal(w, i);
    if (p && bw_outcome_final(p->said)) /* whoever said the last word, the lead is over */
      assert_int_equal(w->leads[i - 1].status, BW_LEAD_CLOSED);
    if (p)
      assert_string_equal(p->text[BW_DEAL_ACCOUNT], w->leads[i - 1].account);
  }
  dump(w, &before);
  world_reopen(w);
  dump(w, &after);
  assert_string_equal(bw_buf_cstr(&before), bw_buf_cstr(&after));
  for (i = BW_DEAL_OPEN; i <= BW_DEAL_LOST; i++)
    assert_true(fabs(sql_sum(w, (int)i) - seen.sum[i]) < 1e-6);
  assert_int_equal(bw_audit_verify(w->store, &rows, NULL), 0);
  assert_int_equal(rows, world_count(w, "SELECT count(*) FROM deal_outcome")); /* each outcome has its audit row */
  bw_buf_clear(&before);
  bw_buf_clear(&after);
}

static void anything_leaves_a_consistent_state(void **state)
{
  uint64_t round;
  (void)state;
  for (round = 1; round <= 60; round++) {
    struct world w;
    int64_t now = T0 + BW_DAY;
    size_t i;
    seed = round * UINT64_C(0x9e3779b97f4a7c15);
    world_open(&w, NULL);
    for (i = 0; i < LEADS; i++) {
      if (i < 2)
        world_account(&w, accounts[i], accounts[i]);
      world_lead(&w, PICK(accounts), "expansion", "seat", draw(3) ? 1000 : NAN);
    }
    for (i = 0; i < 120; i++) {
      now += (int64_t)draw(3 * (uint64_t)BW_DAY);
      if (draw(2))
        say(&w, now);
      else
        tell(&w, now);
      if (draw(4) == 0)
        bw_deals_tick(w.deals, now);
      if (draw(20) == 0)
        check_all(&w);
    }
    check_all(&w);
    world_close(&w);
  }
}

/* A deal that the CRM closed stays closed whatever older rows come afterwards, in whatever order. */
static void older_records_never_reopen(void **state)
{
  static const char *const stages[] = {"stage=Prospecting", "stage=Qualification", "stage=Proposal",
                                       "stage=Negotiation/Review"};
  uint64_t round;
  (void)state;
  for (round = 1; round <= 50; round++) {
    struct world w;
    const struct bw_deal *p;
    size_t i;
    seed = round * UINT64_C(0xd1342543de82ef95);
    world_open(&w, NULL);
    world_account(&w, "acme", "Acme");
    world_lead(&w, "acme", "expansion", "seat", 1000);
    (void)world_record(&w, BW_KIND_OPPORTUNITY, NULL, "acme", "006", T0 + 50 * BW_DAY,
                       (const char *const[]){"basewatch_lead=L1", "stage=Closed Lost", NULL});
    for (i = 0; i < 20; i++)
      (void)world_record(&w, BW_KIND_OPPORTUNITY, NULL, "acme", "006", T0 + (int64_t)draw(50 * (uint64_t)BW_DAY),
                         (const char *const[]){PICK(stages), NULL});
    p = world_deal(&w, 1);
    assert_int_equal(p->state, BW_DEAL_LOST);
    assert_int_equal(p->nsteps, 1);
    world_close(&w);
  }
}

/* The records of one installation, fed to an empty one that has the same leads or none, make the same deals. */
static void records_alone_make_the_same_deals(void **state)
{
  uint64_t round;
  (void)state;
  for (round = 1; round <= 40; round++) {
    struct world w, other;
    int64_t now = T0 + BW_DAY;
    const struct bw_deal *p, *q;
    size_t i;
    seed = round * UINT64_C(0xbf58476d1ce4e5b9);
    world_open(&w, NULL);
    world_open(&other, NULL);
    world_account(&w, "acme", "Acme");
    world_account(&other, "acme", "Acme");
    world_lead(&w, "acme", "expansion", "seat", 1000);
    if (round % 2)
      world_lead(&other, "acme", "expansion", "seat", 1000);
    world_twin(&w, &other);
    for (i = 0; i < 30; i++) {
      now += (int64_t)draw(3 * (uint64_t)BW_DAY);
      say(&w, now);
    }
    p = world_deal(&w, 1);
    if (p && p->state != BW_DEAL_NONE) {
      q = bw_deals_find(other.deals, bw_str(p->text[BW_DEAL_ID]));
      assert_non_null(q);
      assert_string_equal(p->text[BW_DEAL_NAME], q->text[BW_DEAL_NAME]);
      assert_string_equal(p->text[BW_DEAL_STAGE], q->text[BW_DEAL_STAGE]);
      assert_string_equal(p->text[BW_DEAL_SPLIT], q->text[BW_DEAL_SPLIT]);
      assert_string_equal(p->text[BW_DEAL_LOSS_REASON], q->text[BW_DEAL_LOSS_REASON]);
      assert_true(p->amount == q->amount || (isnan(p->amount) && isnan(q->amount)));
      assert_int_equal(p->close_at, q->close_at);
      assert_int_equal(p->nsteps, q->nsteps);
      for (i = 0; i < p->nsteps; i++)
        assert_int_equal(p->steps[i].at, q->steps[i].at);
    }
    world_close(&w);
    world_close(&other);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(anything_leaves_a_consistent_state),
      cmocka_unit_test(older_records_never_reopen),
      cmocka_unit_test(records_alone_make_the_same_deals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
