/* SPDX-License-Identifier: Apache-2.0 */
/* `outcome`: what came of a lead, as a person tells it: the entry, its audit row, the opportunity's record in the journal and
 * the end of the lead, in one transaction.  Runs in core. */
#include <math.h>
#include <stdlib.h>

#include "base/amount.h"
#include "core/private.h"

static int parse_amount(struct bw_str s, double *ret, struct bw_error *err)
{
  if (bw_amount_parse(s, ret) == BW_OK)
    return BW_OK;
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                 "\"%.*s\" is no amount of money; write 24000, 24,000 or 24000.50, without a currency",
                 (int)(s.len > 40 ? 40 : s.len), s.data);
}

static int read_request(struct core *c, const json_t *args, struct bw_outcome_request *r, struct bw_error *err)
{
  struct bw_str amount = bw_args_text(args, "amount"), word = bw_args_text(args, "outcome");
  r->lead = bw_args_text(args, "lead");
  r->outcome = bw_outcome_parse(word);
  r->amount = NAN;
  r->reason = bw_args_text(args, "reason");
  r->note = bw_args_text(args, "note");
  r->split = bw_args_text(args, "split");
  r->who = bw_args_text(args, "who");
  r->via = bw_args_text(args, "via");
  r->now = core_now(c);
  r->at = bw_args_time(args, "at", BW_TIME_NONE);
  if (!r->outcome)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "\"%.*s\" is no outcome; it is conversation, opportunity, proposal, won, lost or nothing",
                   (int)(word.len > 40 ? 40 : word.len), word.data);
  return amount.len ? parse_amount(amount, &r->amount, err) : BW_OK;
}

/* Refused as a whole or done as a whole: what fails half-way is thrown away with this process's memory. */
static int refused(const struct bw_error *err)
{
  return err->code == BW_EINVAL || err->code == BW_ENOTFOUND || err->code == BW_ESTATE;
}

static int journal(struct core *c, const struct bw_record *record, struct bw_error *err)
{
  struct bw_record r;
  uint64_t offset;
  if (!record)
    return BW_OK;
  r = *record;
  if (r.arrival_ms < c->last_arrival)
    r.arrival_ms = c->last_arrival;
  c->last_arrival = r.arrival_ms;
  (void)bw_dedup_add(c->dedup, r.id, r.arrival_ms); /* an export of ours that is imported again is a duplicate */
  return bw_journal_append(c->journal, &r, &offset, err);
}

static json_t *deal_json(struct core *c, const struct bw_deal *deal)
{
  struct bw_buf b = {0};
  json_t *o;
  if (deal->state == BW_DEAL_NONE)
    return json_null();
  bw_deal_json(&b, deal, core_now(c));
  o = core_json_raw(bw_buf_str(&b));
  bw_buf_clear(&b);
  return o;
}

static void reply(struct core *c, struct bw_request *req, const struct bw_outcome_request *r,
                  const struct bw_outcome_result *res)
{
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), r->lead);
  json_t *o = json_object();
  json_object_set_new(o, "lead", core_json_str(r->lead));
  json_object_set_new(o, "outcome", core_json_text(bw_outcome_name(r->outcome)));
  json_object_set_new(o, "state", core_json_text(lead ? core_lead_state(c, lead) : NULL));
  json_object_set_new(o, "who", core_json_str(r->who));
  json_object_set_new(o, "at", core_json_time(res->at));
  json_object_set_new(o, "recorded", core_json_time(r->now));
  json_object_set_new(o, "made", json_boolean(res->made));
  json_object_set_new(o, "closed", json_boolean(res->closed));
  json_object_set_new(o, "deal", deal_json(c, res->deal));
  json_object_set_new(o, "suppressed_until", res->closed ? core_suppressed_until(c, r->lead) : json_null());
  bw_request_reply_json(req, o);
}

/* A split that is none is refused where outcomes are. */
static int check_split(struct core *c, struct bw_str text, struct bw_error *err)
{
  struct bw_buf split = {0};
  int rc = text.len && bw_split_parse(text, &split, NULL) == 0 ? core_check_split(c, bw_buf_str(&split), err) : BW_OK;
  bw_buf_clear(&split);
  return rc;
}

int core_outcome(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_outcome_request r = {0};
  struct bw_outcome_result res = {0};
  int rc = read_request(c, args, &r, err);
  if (rc == 0)
    rc = check_split(c, r.split, err);
  if (rc == 0)
    rc = core_commit_first(c, err);
  if (rc == 0)
    rc = bw_store_begin(c->store, err);
  if (rc < 0)
    return rc;
  rc = bw_deals_outcome(bw_pipeline_deals(c->pipeline), &r, &res, err);
  if (rc < 0 && refused(err)) {
    bw_store_rollback(c->store);
    return rc;
  }
  if (rc == 0)
    rc = journal(c, res.record, err);
  rc = core_settle(c, rc, err);
  if (rc == 0)
    reply(c, req, &r, &res);
  return rc;
}
