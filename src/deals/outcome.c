/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says of a lead: checked first, then done as a whole.  Runs in core. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "deals/private.h"

const char *const bw_loss_reasons[] = {"timing", "budget", "priorities", "competitor", "missing_capability",
                                       "fit",    "other",  NULL};

#define MAX_AMOUNT 1e12

static int refuse(struct bw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct bw_error *err, const char *fmt, ...)
{
  char text[480];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s", text);
}

static int refuse_state(struct bw_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse_state(struct bw_error *err, const char *fmt, ...)
{
  char text[480];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "%s", text);
}

struct bw_str loss_reason(struct bw_str words)
{
  size_t i, k;
  for (i = 0; bw_loss_reasons[i]; i++) {
    const char *r = bw_loss_reasons[i];
    for (k = 0; k < words.len && r[k]; k++) {
      char c = words.data[k];
      c = c == ' ' || c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
      if (c != r[k])
        break;
    }
    if (k == words.len && !r[k])
      return bw_str(r);
  }
  return BW_STR("");
}

/* ---- the request by itself ---- */

static int check_reason(const struct bw_outcome_request *r, struct bw_error *err)
{
  static const char list[] = "timing, budget, priorities, competitor, missing_capability, fit or other";
  if (r->outcome != BW_OUTCOME_LOST && r->reason.len)
    return refuse(err, "only \"lost\" takes a reason; --note takes words of any kind");
  if (r->outcome == BW_OUTCOME_LOST && r->reason.len == 0)
    return refuse(err, "why was it lost? --reason %s: it decides whether the deal can be revived", list);
  if (r->outcome == BW_OUTCOME_LOST && loss_reason(r->reason).len == 0)
    return refuse(err, "\"%.*s\" is no reason that is known; it is one of %s, and --note takes your own words",
                  (int)(r->reason.len > 60 ? 60 : r->reason.len), r->reason.data, list);
  return BW_OK;
}

static bool good_text(struct bw_str s)
{
  return s.len <= MAX_NOTE && bw_utf8_valid(s.data, s.len) && !(s.len && memchr(s.data, '\0', s.len));
}

static int check_request(const struct bw_outcome_request *r, struct bw_buf *split, struct bw_error *err)
{
  int rc = check_reason(r, err);
  if (rc < 0)
    return rc;
  if (!bw_person_valid(r->who) || (r->via.len && !bw_person_valid(r->via)))
    return refuse(err, "an outcome needs the name of the person who tells it: 1 to 200 bytes on one line");
  if (!good_text(r->note))
    return refuse(err, "a note is UTF-8 text of at most %d bytes", MAX_NOTE);
  if (!isnan(r->amount) && (!isfinite(r->amount) || r->amount < 0 || r->amount > MAX_AMOUNT))
    return refuse(err, "an amount is a number from 0 to %.0f: the incremental ARR", MAX_AMOUNT);
  if (!isnan(r->amount) && r->outcome == BW_OUTCOME_NOTHING)
    return refuse(err, "\"nothing\" takes no amount: nothing came of it");
  if (r->split.len && r->outcome != BW_OUTCOME_WON)
    return refuse(err, "only \"won\" takes a split: credit is written down when there is something to credit");
  if (r->at != BW_TIME_NONE && r->at > r->now)
    return refuse(err, "an outcome cannot lie in the future");
  return r->split.len ? bw_split_parse(r->split, split, err) : BW_OK;
}

/* ---- the request against what was before ---- */

static int check_lead(const struct bw_lead *lead, const struct bw_outcome_request *r, struct bw_error *err)
{
  char opened[BW_TIME_TEXT];
  bw_time_format(lead->opened_at, opened);
  if (lead->mode == BW_MODE_SHADOW)
    return refuse_state(err, "lead %s is of a play in shadow mode: it is recorded, not worked", lead->id);
  if (lead->status == BW_LEAD_QUEUED)
    return refuse_state(err, "lead %s waits for %s's next working day (leads.budget): nothing can have come of it", lead->id,
                        lead->owner);
  if (lead->status == BW_LEAD_REJECTED)
    return refuse_state(err, "lead %s was rejected (%.200s): it has no outcome", lead->id, lead->reason);
  if (r->at < lead->opened_at)
    return refuse_state(err, "lead %s was opened at %s: nothing can have come of it before", lead->id, opened);
  return BW_OK;
}

static int check_time(const struct deal *deal, const struct bw_lead *lead, const struct bw_outcome_request *r,
                      struct bw_error *err)
{
  const struct bw_deal *p = &deal->pub;
  char at[BW_TIME_TEXT];
  if (p->entries && r->at < p->said_at) {
    bw_time_format(p->said_at, at);
    return refuse_state(err, "\"%s\" was told of %s at %s: what comes later cannot have happened before that",
                        bw_outcome_name(p->said), lead->id, at);
  }
  if (p->state != BW_DEAL_NONE && r->at < p->stage_at) {
    bw_time_format(p->stage_at, at);
    return refuse_state(err, "%s has been in \"%s\" since %s: what comes later cannot have happened before that", lead->id,
                        p->text[BW_DEAL_STAGE], at);
  }
  return BW_OK;
}

/* Nothing in it that was not known. */
static bool says_nothing(const struct bw_outcome_request *r)
{
  return isnan(r->amount) && r->split.len == 0 && r->note.len == 0;
}

static int check_order(const struct deal *deal, const struct bw_lead *lead, const struct bw_outcome_request *r,
                       struct bw_error *err)
{
  const struct bw_deal *p = &deal->pub;
  bool over = p->state == BW_DEAL_WON || p->state == BW_DEAL_LOST || (p->state == BW_DEAL_NONE && bw_outcome_final(p->said));
  enum bw_deal_state state = r->outcome == BW_OUTCOME_WON ? BW_DEAL_WON : BW_DEAL_LOST;
  if (over && !bw_outcome_final(r->outcome))
    return refuse_state(err, "%s is over (%s); where that was a mistake, tell the right end of it: won, lost%s", lead->id,
                        p->state == BW_DEAL_NONE ? "nothing" : bw_deal_state_name(p->state),
                        p->state == BW_DEAL_NONE ? " or nothing" : "");
  if (r->outcome == BW_OUTCOME_NOTHING && p->state != BW_DEAL_NONE)
    return refuse_state(err,
                        "%s has an opportunity, %s: close it with `lost --reason WORD`, because that decides whether it "
                        "can be revived",
                        lead->id, p->text[BW_DEAL_ID]);
  if (r->outcome == BW_OUTCOME_NOTHING && p->said == BW_OUTCOME_NOTHING && r->note.len == 0)
    return refuse_state(err, "%s is closed already: nothing came of it", lead->id);
  if (r->outcome == BW_OUTCOME_OPPORTUNITY && p->state == BW_DEAL_OPEN && says_nothing(r))
    return refuse_state(err, "%s has its opportunity already: %s, in \"%s\"; --amount would change what it is worth", lead->id,
                        p->text[BW_DEAL_ID], p->text[BW_DEAL_STAGE]);
  if (bw_outcome_final(r->outcome) && p->state == state && r->outcome != BW_OUTCOME_NOTHING && says_nothing(r) &&
      (r->outcome == BW_OUTCOME_WON || bw_str_eq(r->reason, deal_text(deal, BW_DEAL_LOSS_REASON))))
    return refuse_state(err, "%s is %s already", lead->id, bw_deal_state_name(state));
  return BW_OK;
}

static bool makes_deal(const struct bw_outcome_request *r)
{
  return r->outcome == BW_OUTCOME_OPPORTUNITY || r->outcome == BW_OUTCOME_PROPOSAL || r->outcome == BW_OUTCOME_WON ||
         r->outcome == BW_OUTCOME_LOST || (r->outcome == BW_OUTCOME_CONVERSATION && !isnan(r->amount));
}

static int check_amount(const struct deal *deal, const struct bw_lead *lead, const struct bw_outcome_request *r,
                        struct bw_error *err)
{
  bool known = !isnan(r->amount) || (deal->pub.state != BW_DEAL_NONE ? isfinite(deal->pub.amount) : isfinite(lead->estimate));
  if (known || !makes_deal(r) || r->outcome == BW_OUTCOME_LOST)
    return BW_OK;
  return refuse(err, "what is it worth? %s has no estimate: --amount NUMBER, the incremental ARR%s%s", lead->id,
                *lead->currency ? " in " : "", lead->currency);
}

/* ---- doing it ---- */

/* Forward only: a conversation after the proposal is one more conversation. */
static bool is_ahead(const struct bw_deals *d, const struct deal *deal, const struct bw_deal_stage *stage)
{
  int now = bw_deal_stage_find(d->options, deal_text(deal, BW_DEAL_STAGE));
  return deal->pub.state == BW_DEAL_NONE || stage->state != BW_DEAL_OPEN || now < 0 || stage > &d->options->stages[now];
}

static void set_amount(struct deal *deal, double amount, int64_t at)
{
  deal->pub.amount = amount;
  deal->pub.amount_at = at;
}

/* The opportunity's own part of the outcome. */
static void move_deal(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead, const struct bw_outcome_request *r,
                      struct bw_str split)
{
  const struct bw_deal_stage *stage = stage_after(d->options, r->outcome);
  if (deal->pub.state == BW_DEAL_NONE) {
    deal_make(d, deal, lead, r->at);
    deal->pub.amount = lead->estimate;
  }
  if (!isnan(r->amount))
    set_amount(deal, r->amount, r->at);
  if (is_ahead(d, deal, stage))
    deal_enter(d, deal, stage, r->at, r->who, false);
  if (r->outcome == BW_OUTCOME_LOST)
    deal_set(deal, BW_DEAL_LOSS_REASON, r->reason);
  if (r->outcome == BW_OUTCOME_WON && split.len)
    deal_set(deal, BW_DEAL_SPLIT, split);
  else if (r->outcome == BW_OUTCOME_WON && !deal->pub.text[BW_DEAL_SPLIT][0])
    deal_set(deal, BW_DEAL_SPLIT, bw_str(deal_default_split(d, deal)));
  if (bw_outcome_final(r->outcome)) {
    deal->pub.close_at = bw_day_time(bw_time_day(deal->pub.closed_at));
    deal->pub.close_set_at = r->at;
  }
  deal_rename(d, deal);
  deal_changed(d, deal);
}

static int end_lead(struct bw_deals *d, const struct bw_lead *lead, const struct bw_outcome_request *r, bool *ret_closed,
                    struct bw_error *err)
{
  struct bw_buf reason = {0};
  char id[24];
  int rc;
  (void)snprintf(id, sizeof id, "%s", lead->id);
  if (!bw_outcome_final(r->outcome) || lead->status == BW_LEAD_CLOSED)
    return BW_OK;
  bw_buf_printf(&reason, "%s%s%.*s, said %.*s", bw_outcome_name(r->outcome), r->reason.len ? ": " : "", BW_FMT(r->reason),
                BW_FMT(r->who));
  rc = d->leads.close(d->leads.ctx, bw_str(id), bw_buf_str(&reason), r->now, err);
  bw_buf_clear(&reason);
  *ret_closed = rc == 0;
  return rc;
}

/* What borrowed texts of a request say, as C strings for the entry. */
static struct entry entry_of(const struct deal *deal, const struct bw_outcome_request *r)
{
  struct entry e = {.number = deal->pub.entries + 1, .at = r->at, .recorded = r->now, .outcome = r->outcome};
  e.amount = r->amount;
  e.who = bw_str_dup(r->who);
  e.via = bw_str_dup(bw_str_eq(r->via, r->who) ? BW_STR("") : r->via);
  e.reason = bw_str_dup(r->reason);
  e.note = bw_str_dup(r->note);
  return e;
}

/* The lead's deal; a new one goes again where the outcome is refused. */
static struct deal *find_or_new(struct bw_deals *d, const struct bw_lead *lead)
{
  struct bw_buf id = {0};
  struct deal *deal;
  deal_id_of(lead, &id);
  deal = bw_map_get(d->by_id, bw_buf_str(&id));
  if (!deal) {
    deal = deal_new(d, bw_buf_str(&id));
    deal_from_lead(d, deal, lead);
  }
  bw_buf_clear(&id);
  return deal;
}

static int check_all(const struct deal *deal, const struct bw_lead *lead, const struct bw_outcome_request *r,
                     struct bw_error *err)
{
  int rc = check_lead(lead, r, err);
  if (rc == 0)
    rc = check_order(deal, lead, r, err);
  if (rc == 0)
    rc = check_time(deal, lead, r, err);
  return rc == 0 ? check_amount(deal, lead, r, err) : rc;
}

static int64_t later(int64_t t, int64_t other, int64_t now)
{
  return other != BW_TIME_NONE && other > t && other <= now + AHEAD ? other : t;
}

/* "Now" comes after all that is known, though another clock be ahead of ours. */
static int64_t time_now(const struct deal *deal, const struct bw_lead *lead, int64_t now)
{
  return later(later(later(now, lead->opened_at, now), deal->pub.said_at, now), deal->pub.stage_at, now);
}

int bw_deals_outcome(struct bw_deals *d, const struct bw_outcome_request *asked, struct bw_outcome_result *ret,
                     struct bw_error *err)
{
  struct bw_outcome_request request = *asked;
  const struct bw_outcome_request *r = &request;
  struct bw_outcome_result result = {0};
  struct bw_buf split = {0};
  const struct bw_lead *lead;
  struct deal *deal;
  struct entry e;
  int rc = check_request(r, &split, err);
  request.reason = loss_reason(request.reason);
  lead = rc == 0 ? d->leads.find(d->leads.ctx, r->lead) : NULL;
  if (rc == 0 && !lead)
    rc = bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead %.*s; `basewatch inbox` lists them",
                 (int)(r->lead.len > 40 ? 40 : r->lead.len), r->lead.data);
  deal = rc == 0 ? find_or_new(d, lead) : NULL;
  if (rc == 0 && request.at == BW_TIME_NONE)
    request.at = time_now(deal, lead, request.now);
  if (rc == 0)
    rc = check_all(deal, lead, r, err);
  if (rc < 0) {
    if (deal && deal->pub.entries == 0 && deal->pub.state == BW_DEAL_NONE)
      deal_forget(d, deal);
    bw_buf_clear(&split);
    return rc;
  }
  e = entry_of(deal, r);
  result.made = deal->pub.state == BW_DEAL_NONE && makes_deal(r);
  if (result.made || deal->pub.state != BW_DEAL_NONE)
    move_deal(d, deal, lead, r, bw_buf_str(&split));
  e.split = bw_str_dup(r->outcome == BW_OUTCOME_WON ? deal_text(deal, BW_DEAL_SPLIT) : BW_STR(""));
  deal_entry(d, deal, &e);
  if (deal->pub.state != BW_DEAL_NONE)
    result.record = deal_record(d, deal, &e);
  rc = end_lead(d, lead, r, &result.closed, err);
  if (rc == 0) {
    result.deal = &deal->pub;
    result.at = r->at;
    *ret = result;
  }
  entry_clear(&e);
  bw_buf_clear(&split);
  return rc;
}
