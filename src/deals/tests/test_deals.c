/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes and opportunities: what is made of a lead, what is refused, what records do, what a tick finds. */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define H BW_HOUR
#define D BW_DAY

static void ok(struct world *w, struct said s)
{
  struct bw_error err = {0};
  if (world_say(w, &s, &err) < 0)
    fail_msg("%s %s: %s", s.lead, s.outcome, err.message);
}

/* Refused with these words, and nothing has changed. */
static void no(struct world *w, struct said s, int code, const char *words)
{
  struct bw_error err = {0};
  const struct bw_deal *p;
  int64_t outcomes, entries;
  enum bw_deal_state state;
  world_save(w);
  outcomes = world_count(w, "SELECT count(*) FROM deal_outcome");
  p = strcmp(s.lead, "L1") == 0 ? world_deal(w, 1) : NULL;
  state = p ? p->state : BW_DEAL_NONE;
  entries = p ? p->entries : 0;
  assert_int_equal(world_say(w, &s, &err), code);
  if (!strstr(err.message, words))
    fail_msg("says: %s", err.message);
  world_save(w);
  assert_int_equal(world_count(w, "SELECT count(*) FROM deal_outcome"), outcomes);
  p = strcmp(s.lead, "L1") == 0 ? world_deal(w, 1) : NULL;
  assert_int_equal(p ? p->state : BW_DEAL_NONE, state);
  assert_int_equal(p ? p->entries : 0, entries);
}

static void start(struct world *w)
{
  world_open(w, NULL);
  world_account(w, "acme", "Acme GmbH");
  world_lead(w, "acme", "expansion", "seat", 4800);
}

static void stages_of(const struct bw_deal *p, struct bw_buf *out)
{
  size_t i;
  char at[BW_TIME_TEXT];
  for (i = 0; i < p->nsteps; i++) {
    bw_time_format(p->steps[i].at, at);
    bw_buf_printf(out, "%s%s %s", i ? "; " : "", p->steps[i].stage, at);
  }
}

static void assert_stages(const struct bw_deal *p, const char *want)
{
  struct bw_buf b = {0};
  stages_of(p, &b);
  assert_string_equal(bw_buf_cstr(&b), want);
  bw_buf_clear(&b);
}

/* ---- from the first word to the last ---- */

static void a_deal_from_proposal_to_won(void **state)
{
  struct world w;
  const struct bw_deal *p;
  char day[11];
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "conversation", .now = T0 + H});
  assert_int_equal(world_deal(&w, 1)->state, BW_DEAL_NONE);
  assert_int_equal(w.journal.len, 0); /* a conversation alone is no opportunity */
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + D});
  p = world_deal(&w, 1);
  assert_int_equal(p->state, BW_DEAL_OPEN);
  assert_string_equal(p->text[BW_DEAL_NAME], "Acme GmbH - Expansion - Seat - $4,800");
  assert_string_equal(p->text[BW_DEAL_PIPELINE], "Expansion");
  assert_string_equal(p->text[BW_DEAL_STAGE], "Proposed");
  assert_string_equal(p->text[BW_DEAL_SOURCE], "seat_limit");
  assert_string_equal(p->text[BW_DEAL_OWNER], "olivia");
  assert_string_equal(p->text[BW_DEAL_CHAMPION], "acme-kim");
  assert_string_equal(p->text[BW_DEAL_CHAMPION_NAME], "Kim Champion");
  assert_string_equal(p->text[BW_DEAL_BUYER_NAME], "Bo Buyer");
  assert_true(p->amount == 4800);
  bw_day_format(bw_time_day(p->close_at), day);
  assert_string_equal(day, "2026-04-17"); /* 45 days after 2026-03-03 */
  assert_int_equal(w.leads[0].status, BW_LEAD_OPEN);
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .amount = 6000.5, .split = "ae=70, csm=30", .now = T0 + 9 * D});
  p = world_deal(&w, 1);
  assert_int_equal(p->state, BW_DEAL_WON);
  assert_string_equal(p->text[BW_DEAL_NAME], "Acme GmbH - Expansion - Seat - $6,001"); /* whole units */
  assert_string_equal(p->text[BW_DEAL_SPLIT], "ae=70,csm=30");
  assert_stages(p, "Proposed 2026-03-03T09:00:00Z; Closed Won 2026-03-11T09:00:00Z");
  assert_int_equal(w.leads[0].status, BW_LEAD_CLOSED);
  assert_string_equal(w.leads[0].reason, "won, said olivia");
  world_save(&w);
  assert_int_equal(world_count(&w, "SELECT count(*) FROM deal_outcome"), 3);
  assert_int_equal(world_count(&w, "SELECT count(*) FROM audit"), 3);
  assert_int_equal(world_count(&w, "SELECT count(*) FROM audit WHERE action = 'outcome: won' AND who = 'olivia'"
                                   " AND json_extract(subject, '$.split') = 'ae=70,csm=30'"),
                   1);
  world_close(&w);
}

static void the_record_is_what_the_book_then_knows(void **state)
{
  struct world w;
  const struct bw_entity *e;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "lost", .reason = "timing", .now = T0 + D});
  e = bw_book_find(w.book, BW_ENTITY_OPPORTUNITY, bw_str(world_deal(&w, 1)->text[BW_DEAL_ID]));
  assert_non_null(e);
  assert_true(bw_str_is(bw_entity_account(e), "acme"));
  assert_true(bw_str_is(bw_entity_text(e, "kind"), "expansion"));
  assert_true(bw_str_is(bw_entity_text(e, "outcome"), "lost"));
  assert_true(bw_str_is(bw_entity_text(e, "loss_reason"), "timing"));
  assert_true(bw_str_is(bw_entity_text(e, "basewatch_lead"), "L1"));
  assert_true(bw_str_is(bw_entity_text(e, "created_by"), "basewatch"));
  assert_true(bw_entity_number(e, "amount", 0) == 4800);
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .note = "they signed after all", .now = T0 + 2 * D});
  e = bw_book_find(w.book, BW_ENTITY_OPPORTUNITY, bw_str(world_deal(&w, 1)->text[BW_DEAL_ID]));
  assert_true(bw_str_is(bw_entity_text(e, "outcome"), "won"));
  assert_int_equal(bw_entity_text(e, "loss_reason").len, 0); /* taken back */
  assert_true(bw_str_is(bw_entity_text(e, "split"), "owner=100"));
  world_save(&w);
  assert_int_equal(world_count(&w, "SELECT count(*) FROM deal_outcome"), 2); /* the wrong one is still there */
  assert_int_equal(bw_book_count(w.book, BW_ENTITY_OPPORTUNITY), 1);
  world_close(&w);
}

static void names_of_all_kinds(void **state)
{
  struct world w;
  char sek[] = "SEK", eur[] = "EUR";
  (void)state;
  start(&w);
  world_account(&w, "evil", "Evil\r\nBcc: x");
  world_lead(&w, "evil", "renewal", "risk", 1234567);
  w.leads[1].currency = sek;
  world_lead(&w, "nobody", "revival", "cross_sell", NAN);
  w.leads[2].currency = eur;
  ok(&w, (struct said){.lead = "L2", .outcome = "opportunity", .now = T0 + H});
  assert_string_equal(world_deal(&w, 2)->text[BW_DEAL_NAME], "Evil  Bcc: x - Renewal - Risk - 1,234,567 SEK");
  assert_string_equal(world_deal(&w, 2)->text[BW_DEAL_STAGE], "Identified");
  assert_int_equal(world_deal(&w, 2)->close_at, bw_day_time(bw_day_from_civil(2026, 12, 1))); /* the renewal's day */
  ok(&w, (struct said){.lead = "L3", .outcome = "lost", .reason = "Missing capability", .now = T0 + H});
  assert_string_equal(world_deal(&w, 3)->text[BW_DEAL_LOSS_REASON], "missing_capability");
  assert_string_equal(world_deal(&w, 3)->text[BW_DEAL_NAME], "nobody - Revival - Cross-sell");
  assert_string_equal(world_deal(&w, 3)->text[BW_DEAL_OWNER], "olivia"); /* the lead's, where the book names none */
  world_close(&w);
}

static void close_dates_by_urgency_and_motion(void **state)
{
  static const struct {
    const char *type, *priority;
    int days;
  } rows[] = {{"seat", "high", 30}, {"seat", "low", 45}, {"cross_sell", "high", 45}, {"cross_sell", "medium", 60}};
  struct world w;
  char priority[4][16];
  size_t i;
  (void)state;
  start(&w);
  for (i = 0; i < 4; i++) {
    char lead[8];
    world_lead(&w, "acme", "expansion", rows[i].type, 1000);
    (void)snprintf(priority[i], sizeof priority[i], "%s", rows[i].priority);
    w.leads[i + 1].priority = priority[i];
    (void)snprintf(lead, sizeof lead, "L%zu", i + 2);
    ok(&w, (struct said){.lead = lead, .outcome = "opportunity", .now = T0});
    assert_int_equal(world_deal(&w, i + 2)->close_at, bw_day_time(bw_time_day(T0) + rows[i].days));
  }
  w.leads[0].close_at = T0 + 75 * D; /* joined to the renewal */
  ok(&w, (struct said){.lead = "L1", .outcome = "opportunity", .now = T0});
  assert_int_equal(world_deal(&w, 1)->close_at, bw_day_time(bw_time_day(T0) + 75));
  world_close(&w);
}

/* ---- what is refused ---- */

static void what_is_refused(void **state)
{
  struct world w;
  (void)state;
  start(&w);
  no(&w, (struct said){.lead = "L9", .outcome = "won", .now = T0}, BW_ENOTFOUND, "there is no lead L9");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .at = T0 - H, .now = T0 + H}, BW_ESTATE, "was opened at");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .at = T0 + 2 * H, .now = T0 + H}, BW_EINVAL, "future");
  no(&w, (struct said){.lead = "L1", .outcome = "lost", .now = T0 + H}, BW_EINVAL, "why was it lost? --reason timing");
  no(&w, (struct said){.lead = "L1", .outcome = "lost", .reason = "mood", .now = T0 + H}, BW_EINVAL, "\"mood\" is no reason");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .reason = "fit", .now = T0 + H}, BW_EINVAL,
     "only \"lost\" takes a reason");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .split = "ae=70,csm=20", .now = T0 + H}, BW_EINVAL, "sum to 90 and not");
  no(&w, (struct said){.lead = "L1", .outcome = "proposal", .split = "ae=100", .now = T0 + H}, BW_EINVAL, "only \"won\"");
  no(&w, (struct said){.lead = "L1", .outcome = "nothing", .amount = 5, .now = T0 + H}, BW_EINVAL, "no amount");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .amount = 1e15, .now = T0 + H}, BW_EINVAL, "an amount is");
  no(&w, (struct said){.lead = "L1", .outcome = "won", .who = "a\nb", .now = T0 + H}, BW_EINVAL, "name of the person");
  w.leads[0].estimate = NAN;
  no(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + H}, BW_EINVAL, "what is it worth?");
  w.leads[0].estimate = 100;
  w.leads[0].mode = BW_MODE_SHADOW;
  no(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + H}, BW_ESTATE, "shadow");
  w.leads[0].mode = BW_MODE_LIVE;
  w.leads[0].status = BW_LEAD_REJECTED;
  no(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + H}, BW_ESTATE, "was rejected");
  w.leads[0].status = BW_LEAD_OPEN;
  assert_null(world_deal(&w, 1)); /* none of this left a trace */
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + 5 * H});
  no(&w, (struct said){.lead = "L1", .outcome = "won", .at = T0 + 4 * H, .now = T0 + 6 * H}, BW_ESTATE,
     "\"proposal\" was told of L1 at 2026-03-02T14:00:00Z");
  no(&w, (struct said){.lead = "L1", .outcome = "nothing", .now = T0 + 6 * H}, BW_ESTATE, "close it with `lost --reason");
  no(&w, (struct said){.lead = "L1", .outcome = "opportunity", .now = T0 + 6 * H}, BW_ESTATE, "has its opportunity already");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 7 * H});
  no(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 8 * H}, BW_ESTATE, "is won already");
  no(&w, (struct said){.lead = "L1", .outcome = "conversation", .now = T0 + 8 * H}, BW_ESTATE, "is over (won)");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .split = "ae=50,csm=50", .now = T0 + 8 * H}); /* the credit was wrong */
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_SPLIT], "ae=50,csm=50");
  assert_int_equal(world_deal(&w, 1)->stage_at, T0 + 7 * H);
  world_close(&w);
}

static void nothing_closes_the_lead_without_an_opportunity(void **state)
{
  struct world w;
  int64_t rows;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "nothing", .note = "no answer", .now = T0 + H});
  assert_int_equal(w.leads[0].status, BW_LEAD_CLOSED);
  assert_int_equal(w.journal.len, 0);
  no(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + 2 * H}, BW_ESTATE, "is over (nothing)");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 3 * H}); /* it was a mistake */
  assert_int_equal(world_deal(&w, 1)->state, BW_DEAL_WON);
  world_save(&w);
  assert_int_equal(bw_audit_verify(w.store, &rows, NULL), 0);
  assert_int_equal(rows, 2);
  world_close(&w);
}

static void splits(void **state)
{
  static const char *const good[][2] = {
      {"ae=70,csm=30", "ae=70,csm=30"},
      {" ann lee = 33.34 ,b@c.example=33.33,csm=33.33", "ann lee=33.34,b@c.example=33.33,csm=33.33"},
      {"owner=100", "owner=100"},
      {"ae=99.5,csm=0.5", "ae=99.5,csm=0.5"}};
  static const char *const bad[] = {"",
                                    "ae",
                                    "ae=",
                                    "=100",
                                    "ae=100,",
                                    "ae=-1,csm=101",
                                    "ae=50,ae=50",
                                    "ae=33.333,csm=66.667",
                                    "ae=1e2",
                                    "ae=100%",
                                    "ae=0,csm=100",
                                    "ae=50 csm=50",
                                    "a=20,b=20,c=10,d=10,e=10,f=10,g=10,h=5,i=5",
                                    "ae=99999999999999999999",
                                    "ae=.5,csm=99.5"};
  struct bw_buf out = {0};
  struct bw_error err;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof good / sizeof *good; i++) {
    bw_buf_reset(&out);
    if (bw_split_parse(bw_str(good[i][0]), &out, &err) < 0)
      fail_msg("%s", err.message);
    assert_string_equal(bw_buf_cstr(&out), good[i][1]);
  }
  for (i = 0; i < sizeof bad / sizeof *bad; i++)
    if (bw_split_parse(bw_str(bad[i]), &out, NULL) == 0)
      fail_msg("\"%s\" was taken", bad[i]);
  bw_buf_clear(&out);
}

/* ---- records ---- */

#define CRM(w, subject, at, ...)                                                                                               \
  (void)world_record((w), BW_KIND_OPPORTUNITY, NULL, "acme", (subject), (at), (const char *const[]){__VA_ARGS__, NULL})

static void a_crm_moves_our_deal(void **state)
{
  struct world w;
  const struct bw_deal *p;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + D});
  CRM(&w, "006A", T0 + 2 * D, "basewatch_lead=L1", "stage=negotiation/REVIEW", "amount=5200", "close_date=2026-05-05");
  p = world_deal(&w, 1);
  assert_string_equal(p->text[BW_DEAL_STAGE], "Negotiation");
  assert_string_equal(p->text[BW_DEAL_CRM], "006A");
  assert_true(p->amount == 5200);
  assert_string_equal(p->text[BW_DEAL_NAME], "Acme GmbH - Expansion - Seat - $5,200");
  assert_int_equal(p->close_at, bw_day_time(bw_day_from_civil(2026, 5, 5)));
  CRM(&w, "006A", T0 + 4 * D, "stage=Closed Lost", "loss_reason=Budget"); /* its own id is enough by now */
  assert_int_equal(p->state, BW_DEAL_LOST);
  assert_string_equal(p->text[BW_DEAL_LOSS_REASON], "budget");
  assert_stages(p, "Proposed 2026-03-03T09:00:00Z; Negotiation 2026-03-04T09:00:00Z; Closed Lost 2026-03-06T09:00:00Z");
  assert_int_equal(w.leads[0].status, BW_LEAD_CLOSED);
  assert_string_equal(w.leads[0].reason, "lost: budget, by record 006A");
  CRM(&w, "006A", T0 + 3 * D, "stage=Proposal"); /* late: what is over stays so */
  assert_int_equal(p->state, BW_DEAL_LOST);
  CRM(&w, "006A", T0 + 5 * D, "stage=Closed Lost");
  assert_int_equal(p->nsteps, 3);
  CRM(&w, "006A", T0 + 4 * D + 12 * H, "stage=Negotiation/Review"); /* after it was lost, but before it was said again */
  assert_int_equal(p->state, BW_DEAL_LOST);
  CRM(&w, "006A", T0 + 6 * D, "stage=Negotiation/Review"); /* the CRM itself opens it again */
  assert_int_equal(p->state, BW_DEAL_OPEN);
  assert_int_equal(p->closed_at, BW_TIME_NONE);
  assert_string_equal(p->text[BW_DEAL_LOSS_REASON], "");
  world_close(&w);
}

static void a_nightly_export_does_not_undo_what_a_person_said(void **state)
{
  struct world w;
  const struct bw_deal *p;
  int i;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + D});
  CRM(&w, "006A", T0 + 2 * D, "basewatch_lead=L1", "stage=Proposal");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 3 * D});
  p = world_deal(&w, 1);
  for (i = 4; i < 9; i++)
    CRM(&w, "006A", T0 + i * D, "stage=Proposal");
  assert_int_equal(p->state, BW_DEAL_WON);
  CRM(&w, "006A", T0 + 9 * D, "stage=Negotiation/Review"); /* somebody moves it there: still not closed before */
  assert_int_equal(p->state, BW_DEAL_WON);
  CRM(&w, "006A", T0 + 10 * D, "outcome=won");
  assert_int_equal(p->nsteps, 2);
  world_close(&w);
}

static void nor_does_it_move_an_open_deal_back(void **state)
{
  struct world w;
  const struct bw_deal *p;
  int i;
  (void)state;
  start(&w);
  CRM(&w, "006A", T0 + D, "basewatch_lead=L1", "stage=Qualification");
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + 2 * D});
  p = world_deal(&w, 1);
  for (i = 3; i < 6; i++)
    CRM(&w, "006A", T0 + i * D, "stage=Qualification");
  assert_string_equal(p->text[BW_DEAL_STAGE], "Proposed");
  CRM(&w, "006A", T0 + 6 * D, "stage=Prospecting"); /* this is new, and the CRM may move a deal back */
  assert_string_equal(p->text[BW_DEAL_STAGE], "Identified");
  world_close(&w);
}

static void an_opportunity_of_the_crm_is_taken_over(void **state)
{
  struct world w;
  const struct bw_deal *p;
  (void)state;
  start(&w);
  CRM(&w, "006B", T0 + D, "lead=L1", "stage=Qualification", "amount=9000", "owner=otto");
  p = world_deal(&w, 1);
  assert_int_equal(p->state, BW_DEAL_OPEN);
  assert_true(p->adopted);
  assert_string_equal(p->text[BW_DEAL_STAGE], "Qualified");
  assert_string_equal(p->text[BW_DEAL_OWNER], "otto");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 2 * D});
  assert_int_equal(bw_book_count(w.book, BW_ENTITY_OPPORTUNITY), 1); /* ours goes to the CRM's id */
  assert_true(bw_str_is(bw_entity_text(bw_book_find(w.book, BW_ENTITY_OPPORTUNITY, BW_STR("006B")), "outcome"), "won"));
  world_close(&w);
}

static void records_that_do_not_fit(void **state)
{
  struct world w;
  const struct bw_deal *p;
  (void)state;
  start(&w);
  CRM(&w, "006C", T0 + D, "stage=Proposal");                     /* of no lead: the CRM's own business */
  CRM(&w, "006D", T0 + D, "lead=00Q5e000001", "stage=Proposal"); /* the CRM's own word for its leads */
  assert_null(world_deal(&w, 1));
  (void)world_record(&w, BW_KIND_OPPORTUNITY, NULL, "other", "006E", T0 + D,
                     (const char *const[]){"basewatch_lead=L1", "stage=Proposal", NULL});
  assert_null(world_deal(&w, 1));
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "names lead L1, which is of another account"));
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0 + 2 * D});
  p = world_deal(&w, 1);
  CRM(&w, "006F", T0 + 3 * D, "basewatch_lead=L1", "stage=Discovery");
  CRM(&w, "006F", T0 + 4 * D, "basewatch_lead=L1", "stage=Discovery");
  assert_string_equal(p->text[BW_DEAL_STAGE], "Proposed");
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "names the stage \"Discovery\""));
  assert_null(strstr(strstr(bw_buf_cstr(&w.notices), "Discovery") + 1, "Discovery")); /* said once */
  CRM(&w, "006G", T0 + 5 * D, "basewatch_lead=L1", "stage=Closed Won");
  assert_int_equal(p->state, BW_DEAL_OPEN);
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "the CRM has two opportunities for lead L1"));
  (void)world_record(&w, BW_KIND_OPPORTUNITY, NULL, "other", "x", T0 + 6 * D, (const char *const[]){"outcome=won", NULL});
  (void)world_record(
      &w, BW_KIND_OPPORTUNITY, "basewatch:junk", "acme", "x", T0 + 6 * D,
      (const char *const[]){"basewatch_opportunity=bw-L1-0", "said=won", "stage=Closed Won", "entry=1e300", NULL});
  assert_int_equal(p->state, BW_DEAL_OPEN);
  world_close(&w);
}

static void clocks_that_disagree(void **state)
{
  struct world w;
  const struct bw_deal *p;
  (void)state;
  start(&w);
  CRM(&w, "006A", T0 + 2 * H, "basewatch_lead=L1", "stage=Proposal");
  p = world_deal(&w, 1);
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + H}); /* the CRM's clock is an hour ahead */
  assert_int_equal(p->stage_at, T0 + 2 * H);
  (void)world_record_arriving(&w, BW_KIND_OPPORTUNITY, "acme", "006A", T0 + 9000 * D, T0 + 3 * H,
                              (const char *const[]){"stage=Closed Lost", NULL});
  assert_int_equal(p->stage_at, T0 + 3 * H + D); /* a date in 2050 is a slip */
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 4 * H});
  assert_int_equal(p->state, BW_DEAL_WON);
  world_close(&w);
}

/* ---- ticks ---- */

static void slow_and_stale_are_told_once(void **state)
{
  struct world w;
  const struct bw_deal *p;
  int64_t t;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "proposal", .now = T0});
  p = world_deal(&w, 1);
  for (t = T0; t <= T0 + 14 * D; t += 6 * H)
    bw_deals_tick(w.deals, t);
  assert_int_equal(w.notices.len, 0); /* exactly 14 days are as planned */
  assert_int_equal(w.keeps, 57);
  for (; t <= T0 + 30 * D; t += 6 * H)
    bw_deals_tick(w.deals, t);
  assert_string_equal(
      bw_buf_cstr(&w.notices),
      "2026-03-16T15:00:00Z deal_slow acme: Acme GmbH - Expansion - Seat - $4,800 (L1, owner olivia) has been in "
      "Proposed since 2026-03-02; 14 days are planned. Record what came of it: basewatch outcome L1 ...\n");
  assert_int_equal(p->slow_at, T0 + 14 * D + 6 * H);
  world_reopen(&w);
  bw_buf_reset(&w.notices);
  p = world_deal(&w, 1);
  CRM(&w, "006A", T0 + 31 * D, "basewatch_lead=L1", "stage=Negotiation/Review");
  assert_int_equal(p->slow_at, BW_TIME_NONE); /* a new stage, a new clock */
  for (t = T0 + 31 * D; t <= T0 + 120 * D; t += D)
    bw_deals_tick(w.deals, t);
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "2026-04-17T09:00:00Z deal_slow"));
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "2026-05-31T09:00:00Z deal_stale acme: "));
  assert_non_null(strstr(bw_buf_cstr(&w.notices), "has been open for 90 days and is in Negotiation"));
  assert_int_equal(p->stale_at, T0 + 90 * D);
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + 121 * D});
  bw_buf_reset(&w.notices);
  bw_deals_tick(w.deals, T0 + 200 * D);
  assert_int_equal(w.notices.len, 0);
  world_close(&w);
}

/* ---- what was saved ---- */

static void it_is_the_same_after_a_restart(void **state)
{
  struct world w;
  struct bw_buf before = {0}, after = {0};
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "conversation", .amount = 100, .note = "warm", .now = T0 + H});
  CRM(&w, "006A", T0 + D, "basewatch_lead=L1", "stage=Proposal", "amount=250.75");
  ok(&w, (struct said){.lead = "L1", .outcome = "lost", .reason = "missing_capability", .now = T0 + 2 * D});
  world_save(&w);
  bw_deal_json(&before, world_deal(&w, 1), T0 + 3 * D);
  assert_int_equal(bw_deal_outcomes_json(w.deals, world_deal(&w, 1), &before, NULL), 0);
  world_reopen(&w);
  bw_deal_json(&after, world_deal(&w, 1), T0 + 3 * D);
  assert_int_equal(bw_deal_outcomes_json(w.deals, world_deal(&w, 1), &after, NULL), 0);
  assert_string_equal(bw_buf_cstr(&before), bw_buf_cstr(&after));
  assert_non_null(strstr(bw_buf_cstr(&after), "\"amount\":250.75"));
  CRM(&w, "006A", T0 + 3 * D, "stage=Proposal"); /* the link is remembered, and that this is no news */
  assert_int_equal(world_deal(&w, 1)->state, BW_DEAL_LOST);
  bw_buf_clear(&before);
  bw_buf_clear(&after);
  world_close(&w);
}

static void outcomes_are_never_changed(void **state)
{
  struct world w;
  struct bw_stmt *q;
  (void)state;
  start(&w);
  ok(&w, (struct said){.lead = "L1", .outcome = "conversation", .now = T0 + H});
  world_save(&w);
  assert_int_equal(bw_store_prepare(w.store, "UPDATE deal_outcome SET who = 'mallory'", &q, NULL), 0);
  assert_true(bw_stmt_run(q, NULL) < 0);
  assert_int_equal(bw_store_prepare(w.store, "DELETE FROM deal_outcome", &q, NULL), 0);
  assert_true(bw_stmt_run(q, NULL) < 0);
  bw_store_rollback(w.store);
  world_close(&w);
}

/* ---- settings ---- */

static void own_stages_and_splits(void **state)
{
  struct world w;
  (void)state;
  world_open(&w, "pipeline: Growth\n"
                 "renewal_pipeline: Keep\n"
                 "stages:\n"
                 "  - {stage: Found, within: 7d, after: opportunity}\n"
                 "  - {stage: Offer, after: proposal, also: [Quote sent]}\n"
                 "  - {stage: Yes, outcome: won}\n"
                 "  - {stage: No, outcome: lost}\n"
                 "splits:\n"
                 "  default: {ae: 100}\n"
                 "  expansion: {ae: 80, csm: 20}\n"
                 "  expansion/cross_sell: {ae: 60, csm: 40}\n");
  world_account(&w, "acme", "Acme");
  world_lead(&w, "acme", "expansion", "cross_sell", 100);
  world_lead(&w, "acme", "expansion", "seat", 100);
  world_lead(&w, "acme", "renewal", "risk", 100);
  ok(&w, (struct said){.lead = "L1", .outcome = "conversation", .amount = 50, .now = T0});
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_STAGE], "Found"); /* none says `after: conversation` */
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_PIPELINE], "Growth");
  CRM(&w, "6", T0 + H, "basewatch_lead=L1", "stage=quote SENT");
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_STAGE], "Offer");
  ok(&w, (struct said){.lead = "L1", .outcome = "won", .now = T0 + D});
  ok(&w, (struct said){.lead = "L2", .outcome = "won", .now = T0 + D});
  ok(&w, (struct said){.lead = "L3", .outcome = "won", .now = T0 + D});
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_STAGE], "Yes");
  assert_string_equal(world_deal(&w, 1)->text[BW_DEAL_SPLIT], "ae=60,csm=40");
  assert_string_equal(world_deal(&w, 2)->text[BW_DEAL_SPLIT], "ae=80,csm=20");
  assert_string_equal(world_deal(&w, 3)->text[BW_DEAL_SPLIT], "ae=100");
  assert_string_equal(world_deal(&w, 3)->text[BW_DEAL_PIPELINE], "Keep");
  world_lead(&w, "acme", "revival", "any", 100);
  ok(&w, (struct said){.lead = "L4", .outcome = "opportunity", .now = T0 + D});
  assert_string_equal(world_deal(&w, 4)->text[BW_DEAL_PIPELINE], "Revival");
  world_close(&w);
}

/* The file that ships says what holds without it. */
static void the_shipped_settings_are_the_defaults(void **state)
{
  const char *top = getenv("BW_SRCDIR");
  struct bw_complaints c = {.count = 0};
  struct bw_deals_options shipped, none;
  struct bw_document *doc;
  char *path;
  size_t i, k;
  (void)state;
  if (!top)
    skip(); /* run by hand */
  path = bw_asprintf("%s/etc/basewatch.yaml", top ? top : "");
  assert_int_equal(bw_document_load(path, false, &doc, &c), 0);
  if (bw_deals_options_read(bw_node_get(bw_document_root(doc), "opportunities"), &shipped, &c) < 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  assert_non_null(shipped.stages_node);
  assert_int_equal(bw_deals_options_read(NULL, &none, &c), 0);
  assert_string_equal(shipped.pipeline, none.pipeline);
  assert_string_equal(shipped.renewal_pipeline, none.renewal_pipeline);
  assert_string_equal(shipped.revival_pipeline, none.revival_pipeline);
  assert_int_equal(shipped.stale_ms, none.stale_ms);
  assert_int_equal(shipped.close_urgent_ms, none.close_urgent_ms);
  assert_int_equal(shipped.close_ms, none.close_ms);
  assert_int_equal(shipped.cross_close_urgent_ms, none.cross_close_urgent_ms);
  assert_int_equal(shipped.cross_close_ms, none.cross_close_ms);
  assert_int_equal(shipped.nstages, none.nstages);
  for (i = 0; i < none.nstages; i++) {
    const struct bw_deal_stage *a = &shipped.stages[i], *b = &none.stages[i];
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->within_ms, b->within_ms);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->after, b->after);
    assert_int_equal(a->nalso, b->nalso);
    for (k = 0; k < a->nalso; k++)
      assert_string_equal(a->also[k], b->also[k]);
  }
  bw_deals_options_clear(&shipped);
  bw_deals_options_clear(&none);
  bw_document_free(&doc);
  bw_complaints_clear(&c);
  free(path);
}

static void complaints(void **state)
{
  static const struct {
    const char *yaml, *says;
  } rows[] = {
      {"stages: [{stage: A}]\n", "basewatch.yaml:1:9: opportunities.stages needs a stage for open deals"},
      {"stages:\n - {stage: A}\n - {stage: a}\n - {stage: W, outcome: won}\n - {stage: L, outcome: lost}\n",
       ":3:4: there is a stage \"a\" already"},
      {"stages:\n - {stage: A, also: [w]}\n - {stage: W, outcome: won}\n - {stage: L, outcome: lost}\n",
       "there is a stage \"W\""},
      {"stages:\n - {stage: A}\n - {stage: W, outcome: won, after: proposal}\n - {stage: L, outcome: lost}\n",
       "it comes after that and not after proposal"},
      {"splits: {expansion: {ae: 70, csm: 20}}\n", "sum to 90 and not to 100"},
      {"splits: {upsell: {ae: 100}}\n", "\"upsell\" is no motion"},
      {"splits: {expansion: ae}\n", "a split is a map"},
      {"stael: 90d\n", "stale"},
      {"stages: 3\n", "is a list of at most"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bw_complaints c = {.count = 0};
    struct bw_deals_options o;
    struct bw_document *doc;
    assert_int_equal(bw_document_parse(bw_str(rows[i].yaml), "basewatch.yaml", false, &doc, &c), 0);
    assert_int_equal(bw_deals_options_read(bw_document_root(doc), &o, &c), BW_EINVAL);
    if (!strstr(bw_buf_cstr(&c.text), rows[i].says))
      fail_msg("%s: %s", rows[i].yaml, bw_buf_cstr(&c.text));
    bw_document_free(&doc);
    bw_complaints_clear(&c);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_deal_from_proposal_to_won),
      cmocka_unit_test(the_record_is_what_the_book_then_knows),
      cmocka_unit_test(names_of_all_kinds),
      cmocka_unit_test(close_dates_by_urgency_and_motion),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(nothing_closes_the_lead_without_an_opportunity),
      cmocka_unit_test(splits),
      cmocka_unit_test(a_crm_moves_our_deal),
      cmocka_unit_test(a_nightly_export_does_not_undo_what_a_person_said),
      cmocka_unit_test(nor_does_it_move_an_open_deal_back),
      cmocka_unit_test(an_opportunity_of_the_crm_is_taken_over),
      cmocka_unit_test(records_that_do_not_fit),
      cmocka_unit_test(clocks_that_disagree),
      cmocka_unit_test(slow_and_stale_are_told_once),
      cmocka_unit_test(it_is_the_same_after_a_restart),
      cmocka_unit_test(outcomes_are_never_changed),
      cmocka_unit_test(own_stages_and_splits),
      cmocka_unit_test(the_shipped_settings_are_the_defaults),
      cmocka_unit_test(complaints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
