/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the opportunity records of the journal do to deals.  They come from outside: nothing in them is trusted beyond what a
 * CRM may say of its own opportunities.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "deals/private.h"

#define MAX_TOLD 1000
#define MAX_ID 200
#define MAX_REASON 200

/* ---- theirs ---- */

/* When it happened.  A clock may be a little ahead of ours; a date in the far future would bar everything that comes after. */
static int64_t when(const struct bw_record *r)
{
  return r->arrival_ms > 0 && r->time_ms > r->arrival_ms + AHEAD ? r->arrival_ms + AHEAD : r->time_ms;
}

static struct bw_str trait(const struct bw_record *r, const char *key)
{
  const struct bw_field *f = bw_record_field(r, BW_SECTION_TRAITS, key);
  return f && (f->type == BW_VALUE_STRING || f->type == BW_VALUE_NUMBER) ? f->text : BW_STR("");
}

static struct bw_str trait2(const struct bw_record *r, const char *key, const char *other)
{
  struct bw_str s = trait(r, key);
  return s.len ? s : trait(r, other);
}

static char mark;

/* Once for each thing to be said, as long as the process lives: a CRM repeats itself every hour. */
static bool first_time(struct bw_deals *d, const char *what, struct bw_str about)
{
  struct bw_buf key = {0};
  bool first;
  bw_buf_printf(&key, "%s %.*s", what, (int)(about.len > 200 ? 200 : about.len), about.data ? about.data : "");
  first = bw_map_count(d->told) < MAX_TOLD && !bw_map_put(d->told, bw_buf_str(&key), &mark);
  bw_buf_clear(&key);
  return first;
}

/* The stage that a record speaks of: by its name, else by how it ended.  -1: none that we know. */
static int stage_of(struct bw_deals *d, const struct bw_record *r)
{
  struct bw_str stage = trait(r, "stage"), outcome = trait(r, "outcome");
  int i = stage.len ? bw_deal_stage_find(d->options, stage) : -1;
  bool won = bw_str_is(outcome, "won"), lost = bw_str_is(outcome, "lost");
  if (won || lost)
    return (int)(stage_for_state(d->options, won ? BW_DEAL_WON : BW_DEAL_LOST) - d->options->stages);
  if (stage.len && i < 0 && first_time(d, "stage", stage))
    deal_notice(d, when(r), r->account, "opportunity_stage",
                "an opportunity record names the stage %s, which opportunities.stages does not know: add it to the `also:` of "
                "the stage that it is",
                bw_log_quote(stage));
  return i;
}

/* A value that nobody can read is passed over, and told of once. */
static void passed_over(struct bw_deals *d, const struct bw_record *r, const char *field, struct bw_str value, const char *says)
{
  struct bw_buf what = {0};
  bw_buf_printf(&what, "%s %.*s", field, (int)(value.len > 100 ? 100 : value.len), value.data);
  if (first_time(d, bw_buf_cstr(&what), r->subject))
    deal_notice(d, when(r), r->account, "opportunity_value", "opportunity %s says %s = %s, %s", bw_log_quote(r->subject), field,
                bw_log_quote(value), says);
  bw_buf_clear(&what);
}

/* Where the CRM's own id, our id or the lead's id leads to; *ret_lead: a lead that has no deal yet. */
static struct deal *find_deal(struct bw_deals *d, const struct bw_record *r, const struct bw_lead **ret_lead)
{
  struct bw_str ours = trait(r, "basewatch_opportunity"), lead = trait2(r, "basewatch_lead", "lead");
  struct deal *deal = bw_map_get(d->by_id, r->subject);
  const struct bw_lead *found;
  if (!deal)
    deal = bw_map_get(d->by_crm, r->subject);
  if (!deal && ours.len)
    deal = bw_map_get(d->by_id, ours);
  if (!deal && lead.len && r->account.len)
    deal = deal_of_lead(d, lead, r->account);
  if (deal || !lead.len)
    return deal;
  found = d->leads.find(d->leads.ctx, lead);
  if (!found && bw_str_eq(lead, trait(r, "basewatch_lead")))
    passed_over(d, r, "basewatch_lead", lead, "which is no lead of ours");
  if (!found || found->mode == BW_MODE_SHADOW)
    return NULL;
  if (bw_str_is(r->account, found->account))
    *ret_lead = found;
  else if (r->account.len && first_time(d, "account", r->subject))
    deal_notice(d, when(r), r->account, "opportunity_lead",
                "opportunity %s names lead %s, which is of another account (%s): nothing was changed", bw_log_quote(r->subject),
                found->id, BW_Q(found->account));
  return NULL;
}

/* Whether the record may speak for the deal; the CRM's id is taken down at the first time. */
static bool link_deal(struct bw_deals *d, struct deal *deal, const struct bw_record *r)
{
  struct bw_str crm = deal_text(deal, BW_DEAL_CRM);
  if (r->account.len && !bw_str_eq(r->account, deal_text(deal, BW_DEAL_ACCOUNT))) {
    if (first_time(d, "account", r->subject))
      deal_notice(d, when(r), r->account, "opportunity_lead",
                  "opportunity %s speaks of %s, which is of another account (%s): nothing was changed",
                  bw_log_quote(r->subject), deal->pub.text[BW_DEAL_ID], BW_Q(deal->pub.text[BW_DEAL_ACCOUNT]));
    return false;
  }
  if (bw_str_eq(r->subject, deal_text(deal, BW_DEAL_ID)) || bw_str_eq(r->subject, crm))
    return true;
  if (crm.len) {
    if (first_time(d, "second", r->subject))
      deal_notice(d, when(r), r->account, "opportunity_twice",
                  "the CRM has two opportunities for lead %s, %s and %s: only the first one moves ours",
                  deal->pub.text[BW_DEAL_LEAD], bw_log_quote(crm), bw_log_quote(r->subject));
    return false;
  }
  if (r->subject.len > MAX_ID)
    return false;
  deal_set(deal, BW_DEAL_CRM, r->subject);
  deal_index(d, deal);
  deal_changed(d, deal);
  return true;
}

static bool newer(int64_t time, int64_t than)
{
  return than == BW_TIME_NONE || time >= than;
}

static void take_values(struct bw_deals *d, struct deal *deal, const struct bw_record *r)
{
  struct bw_deal *p = &deal->pub;
  double amount = bw_record_number(r, BW_SECTION_TRAITS, "amount", NAN);
  struct bw_str owner = trait(r, "owner"), day = trait(r, "close_date");
  int64_t close;
  bool readable = bw_time_parse(day, &close) == 0;
  if (!(isfinite(amount) && amount >= 0 && amount <= 1e12)) {
    if (trait(r, "amount").len)
      passed_over(d, r, "amount", trait(r, "amount"), "which is no amount: a number from 0");
  } else if (newer(when(r), p->amount_at)) {
    p->amount = amount;
    p->amount_at = when(r);
    deal_changed(d, deal);
  }
  if (day.len && !readable)
    passed_over(d, r, "close_date", day, "which is no day as in 2026-04-30");
  if (readable && newer(when(r), p->close_set_at)) {
    p->close_at = bw_day_time(bw_time_day(close));
    p->close_set_at = when(r);
    deal_changed(d, deal);
  }
  if (owner.len && owner.len <= MAX_ID && newer(when(r), p->owner_at)) {
    deal_set(deal, BW_DEAL_OWNER, owner);
    p->owner_at = when(r);
    deal_changed(d, deal);
  }
}

static struct bw_str cut(struct bw_str s, size_t max)
{
  if (s.len > max) {
    s.len = max;
    while (s.len && ((unsigned char)s.data[s.len] & 0xC0) == 0x80)
      s.len--;
  }
  return s;
}

/* One of our words where it is one; else the CRM's own, which no rule knows. */
static void take_reason(struct bw_deals *d, struct deal *deal, const struct bw_record *r)
{
  struct bw_str words = cut(trait(r, "loss_reason"), MAX_REASON), known = loss_reason(words);
  if (words.len && !known.len)
    passed_over(d, r, "loss_reason", words, "which is none that plays know: write timing, budget, fit ...");
  if (words.len)
    deal_set(deal, BW_DEAL_LOSS_REASON, known.len ? known : words);
}

/* The word that a stage stands for in the list of outcomes. */
static enum bw_outcome said_by(const struct bw_deal_stage *stage)
{
  if (stage->state == BW_DEAL_WON)
    return BW_OUTCOME_WON;
  if (stage->state == BW_DEAL_LOST)
    return BW_OUTCOME_LOST;
  return stage->after ? stage->after : BW_OUTCOME_OPPORTUNITY;
}

static void enter_entry(struct bw_deals *d, struct deal *deal, const struct bw_record *r, enum bw_outcome outcome,
                        int64_t number)
{
  struct bw_str by = cut(trait(r, "by"), 200);
  struct entry e = {.number = number, .at = when(r), .outcome = outcome, .by_record = true, .amount = NAN};
  e.recorded = r->arrival_ms > 0 ? r->arrival_ms : when(r);
  if (outcome != BW_OUTCOME_NOTHING)
    e.amount = deal->pub.amount;
  e.who = bw_person_valid(by) ? bw_str_dup(by) : bw_strdup("crm");
  e.reason = bw_str_dup(outcome == BW_OUTCOME_LOST ? deal_text(deal, BW_DEAL_LOSS_REASON) : BW_STR(""));
  e.split = bw_str_dup(outcome == BW_OUTCOME_WON ? deal_text(deal, BW_DEAL_SPLIT) : BW_STR(""));
  e.note = bw_str_dup(cut(trait(r, "note"), MAX_NOTE));
  deal_entry(d, deal, &e);
  entry_clear(&e);
}

static int end_lead(struct bw_deals *d, struct deal *deal, const struct bw_record *r, struct bw_error *err)
{
  const struct bw_deal *p = &deal->pub;
  const struct bw_lead *lead = d->leads.find(d->leads.ctx, deal_text(deal, BW_DEAL_LEAD));
  struct bw_buf reason = {0};
  int64_t at = when(r);
  int rc;
  if (!lead || strcmp(lead->account, p->text[BW_DEAL_ACCOUNT]) != 0 || strcmp(lead->play, p->text[BW_DEAL_PLAY]) != 0 ||
      lead->status == BW_LEAD_CLOSED || lead->status == BW_LEAD_REJECTED)
    return BW_OK;
  if (r->arrival_ms > 0 && at > r->arrival_ms)
    at = r->arrival_ms;
  if (at < lead->opened_at)
    at = lead->opened_at;
  bw_buf_printf(&reason, "%s%s%.*s, by record %.*s", bw_deal_state_name(p->state), p->text[BW_DEAL_LOSS_REASON][0] ? ": " : "",
                BW_FMT(cut(deal_text(deal, BW_DEAL_LOSS_REASON), MAX_REASON)), BW_FMT(cut(r->subject, MAX_ID)));
  rc = d->leads.close(d->leads.ctx, deal_text(deal, BW_DEAL_LEAD), bw_buf_str(&reason), at, err);
  bw_buf_clear(&reason);
  return rc;
}

/* A row that says what the CRM said before is no news: a nightly export must not undo what a person told us since. */
static bool is_news(struct bw_deals *d, struct deal *deal, const struct bw_deal_stage *stage, const struct bw_record *r)
{
  struct bw_deal *p = &deal->pub;
  struct bw_str before = deal_text(deal, BW_DEAL_CRM_STAGE);
  int was = bw_deal_stage_find(d->options, before);
  bool over = p->state == BW_DEAL_WON || p->state == BW_DEAL_LOST, same = bw_str_is(before, stage->name);
  bool reopens = was >= 0 && d->options->stages[was].state != BW_DEAL_OPEN;
  if (!newer(when(r), p->crm_at))
    return false;
  p->crm_at = when(r);
  deal_set(deal, BW_DEAL_CRM_STAGE, bw_str(stage->name));
  deal_changed(d, deal);
  if (same || (over && stage->state == BW_DEAL_OPEN && !reopens))
    return false;
  return p->state == BW_DEAL_NONE || when(r) >= p->stage_at;
}

static int take_stage(struct bw_deals *d, struct deal *deal, const struct bw_deal_stage *stage, const struct bw_record *r,
                      struct bw_error *err)
{
  struct bw_deal *p = &deal->pub;
  enum bw_deal_state before = p->state;
  struct bw_str by = cut(trait(r, "by"), MAX_ID);
  deal_enter(d, deal, stage, when(r), by.len ? by : BW_STR("crm"), true);
  if (p->state == BW_DEAL_LOST)
    take_reason(d, deal, r);
  if (p->state == BW_DEAL_WON && !p->text[BW_DEAL_SPLIT][0])
    deal_set(deal, BW_DEAL_SPLIT, bw_str(deal_default_split(d, deal)));
  if (p->state == BW_DEAL_OPEN && (before == BW_DEAL_WON || before == BW_DEAL_LOST) &&
      !bw_record_field(r, BW_SECTION_TRAITS, "close_date"))
    deal_expect(d, deal, when(r)); /* the day of its end is none any more */
  if (p->state == before || p->state == BW_DEAL_OPEN)
    return BW_OK;
  if (!bw_record_field(r, BW_SECTION_TRAITS, "close_date")) {
    p->close_at = bw_day_time(bw_time_day(p->closed_at));
    p->close_set_at = when(r);
  }
  enter_entry(d, deal, r, said_by(stage), p->entries + 1);
  return end_lead(d, deal, r, err);
}

/* The CRM has an opportunity for a lead that has none here: it is that one. */
static struct deal *adopt(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead, const struct bw_record *r)
{
  struct bw_buf id = {0};
  if (!deal) {
    deal_id_of(lead, &id);
    deal = bw_map_get(d->by_id, bw_buf_str(&id));
    if (!deal) {
      deal = deal_new(d, bw_buf_str(&id));
      deal_from_lead(d, deal, lead);
    }
    bw_buf_clear(&id);
  }
  deal->pub.adopted = !bw_str_eq(r->subject, deal_text(deal, BW_DEAL_ID));
  deal_make(d, deal, lead, when(r));
  deal->pub.amount = lead->estimate;
  return deal;
}

static int apply_theirs(struct bw_deals *d, const struct bw_record *r, struct bw_error *err)
{
  const struct bw_lead *lead = NULL;
  struct deal *deal = find_deal(d, r, &lead);
  struct bw_deal_stage const *stage;
  bool fresh;
  int i, rc = BW_OK;
  if (!deal && !lead)
    return BW_OK;
  i = stage_of(d, r);
  stage = i < 0 ? NULL : &d->options->stages[i];
  fresh = !deal || deal->pub.state == BW_DEAL_NONE;
  if (fresh && !lead)
    lead = d->leads.find(d->leads.ctx, deal_text(deal, BW_DEAL_LEAD));
  if (fresh && (!lead || r->subject.len > MAX_ID || (deal && !bw_str_is(r->account, deal->pub.text[BW_DEAL_ACCOUNT]))))
    return BW_OK;
  if (fresh)
    deal = adopt(d, deal, lead, r);
  if (!link_deal(d, deal, r))
    return BW_OK;
  if (!stage && fresh)
    stage = stage_for_state(d->options, BW_DEAL_OPEN);
  if (stage && is_news(d, deal, stage, r)) {
    enum bw_outcome said = said_by(stage);
    if (fresh && stage->state == BW_DEAL_OPEN)
      enter_entry(d, deal, r, said, deal->pub.entries + 1);
    rc = take_stage(d, deal, stage, r, err);
  }
  take_values(d, deal, r);
  if (stage && stage->state == BW_DEAL_LOST && deal->pub.state == BW_DEAL_LOST && !deal->pub.text[BW_DEAL_LOSS_REASON][0])
    take_reason(d, deal, r); /* often filled in after the fact */
  deal_rename(d, deal);
  return rc;
}

/* ---- our own, come back: the same journal (known already), or that of another installation ---- */

static void restore_texts(struct deal *deal, const struct bw_record *r)
{
  static const struct {
    const char *key;
    enum bw_deal_text text;
  } texts[] = {{"name", BW_DEAL_NAME},
               {"pipeline", BW_DEAL_PIPELINE},
               {"motion", BW_DEAL_MOTION},
               {"type", BW_DEAL_TYPE},
               {"play", BW_DEAL_PLAY},
               {"currency", BW_DEAL_CURRENCY},
               {"source", BW_DEAL_SOURCE},
               {"owner_role", BW_DEAL_OWNER_ROLE},
               {"csm", BW_DEAL_CSM},
               {"lead_owner", BW_DEAL_LEAD_OWNER},
               {"champion", BW_DEAL_CHAMPION},
               {"champion_name", BW_DEAL_CHAMPION_NAME},
               {"economic_buyer", BW_DEAL_BUYER},
               {"economic_buyer_name", BW_DEAL_BUYER_NAME},
               {"basewatch_lead", BW_DEAL_LEAD}};
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    deal_set(deal, texts[i].text, cut(trait(r, texts[i].key), 512));
}

static int restore(struct bw_deals *d, struct deal *deal, const struct bw_deal_stage *stage, enum bw_outcome said,
                   int64_t number, const struct bw_record *r, struct bw_error *err)
{
  struct bw_deal *p = &deal->pub;
  enum bw_deal_state before = p->state;
  struct bw_buf split = {0};
  struct bw_str by = cut(trait(r, "by"), MAX_ID);
  if (before == BW_DEAL_NONE)
    p->created_at = when(r);
  take_values(d, deal, r);
  deal_enter(d, deal, stage, when(r), by, true);
  if (p->state == BW_DEAL_LOST)
    take_reason(d, deal, r);
  if (p->state == BW_DEAL_WON && bw_split_parse(trait(r, "split"), &split, NULL) == 0)
    deal_set(deal, BW_DEAL_SPLIT, bw_buf_str(&split));
  bw_buf_clear(&split);
  enter_entry(d, deal, r, said, number);
  return p->state != before && p->state != BW_DEAL_OPEN ? end_lead(d, deal, r, err) : BW_OK;
}

static int apply_ours(struct bw_deals *d, const struct bw_record *r, struct bw_error *err)
{
  struct bw_str id = trait(r, "basewatch_opportunity");
  double number = bw_record_number(r, BW_SECTION_TRAITS, "entry", 0);
  enum bw_outcome said = bw_outcome_parse(trait(r, "said"));
  struct deal *deal = bw_map_get(d->by_id, id);
  int i = stage_of(d, r);
  if (!bw_str_prefix(id, "bw-L") || id.len > MAX_ID || !said || !(number >= 1 && number <= (double)MAX_ENTRIES) || i < 0 ||
      r->account.len == 0 || r->subject.len == 0 || r->subject.len > MAX_ID)
    return BW_OK; /* nothing that we would write */
  if (deal && (int64_t)number <= deal->pub.entries)
    return BW_OK; /* known: it was done when it was said */
  if (deal && (!bw_str_eq(r->account, deal_text(deal, BW_DEAL_ACCOUNT)) ||
               (deal->pub.state != BW_DEAL_NONE && when(r) < deal->pub.stage_at)))
    return BW_OK;
  if (!deal) {
    deal = deal_new(d, id);
    deal_set(deal, BW_DEAL_ACCOUNT, r->account);
  }
  restore_texts(deal, r);
  if (!bw_str_eq(r->subject, id)) {
    deal->pub.adopted = true;
    deal_set(deal, BW_DEAL_CRM, r->subject);
  }
  deal_index(d, deal);
  return restore(d, deal, &d->options->stages[i], said, (int64_t)number, r, err);
}

int bw_deals_apply(struct bw_deals *d, const struct bw_record *r, struct bw_error *err)
{
  if (r->kind != BW_KIND_OPPORTUNITY)
    return BW_OK;
  if (bw_str_prefix(r->id, RECORD_PREFIX))
    return apply_ours(d, r, err);
  return apply_theirs(d, r, err);
}
