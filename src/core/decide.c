/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions: what a person says about a lead, written with its audit row in one transaction, and the delivery of what was
 * approved. Runs in core.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "base/log.h"
#include "core/private.h"

static const struct bw_lead *find_lead(struct core *c, struct bw_str id, struct bw_error *err)
{
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  if (!lead)
    (void)bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead %.*s; `basewatch inbox` lists them", BW_FMT(id));
  return lead;
}

/* "approved by ann.lee at 2026-11-22T...": the decision that the lead's state rests on. */
static void put_decision(struct core *c, struct bw_buf *out, const struct bw_lead *lead)
{
  struct bw_decision d = {0};
  char at[BW_TIME_TEXT];
  bool sent = lead->status == BW_LEAD_SENT, approved = sent || lead->status == BW_LEAD_APPROVED;
  int rc = approved ? bw_decision_approval(c->store, bw_str(lead->id), &d, NULL)
                    : bw_decision_latest(c->store, bw_str(lead->id), &d, NULL);
  if (rc == 0 && (approved || d.verdict == BW_VERDICT_REJECTED)) {
    bw_time_format(d.at, at);
    bw_buf_printf(out, "was %s by %s at %s%s", bw_verdict_name(d.verdict), d.who, at, sent ? " and delivered" : "");
  } else {
    bw_buf_printf(out, "is %s", core_lead_state(c, lead));
    if (*lead->reason)
      bw_buf_printf(out, " (%.200s)", lead->reason);
  }
  bw_decision_clear(&d);
}

static int may_work(struct core *c, const struct bw_lead *lead, const char *deed, struct bw_error *err)
{
  struct bw_buf decision = {0};
  if (lead->mode == BW_MODE_SHADOW)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s is of a play in shadow mode: it is recorded, not worked",
                   lead->id);
  if (lead->status == BW_LEAD_OPEN || lead->status == BW_LEAD_SNOOZED)
    return BW_OK;
  if (lead->status == BW_LEAD_QUEUED)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                   "lead %s waits for %s's next working day (leads.budget); it is judged again and drafted then", lead->id,
                   lead->owner);
  put_decision(c, &decision, lead);
  (void)bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "lead %s %s already; it cannot be %s%s", lead->id, bw_buf_cstr(&decision),
                deed, lead->status == BW_LEAD_APPROVED || lead->status == BW_LEAD_SENT ? " any more" : "");
  bw_buf_clear(&decision);
  return BW_ESTATE;
}

/* ---- whom not to write to ---- */

struct asked {
  const struct bw_lead *lead;
  const struct bw_book *book;
  struct bw_str address;
  struct bw_error *err;
  int rc;
};

static int opted_out(void *ctx, const struct bw_entity *contact)
{
  struct asked *a = ctx;
  struct bw_str email = bw_entity_text(contact, "email");
  if (email.len != a->address.len || strncasecmp(email.data, a->address.data, email.len) != 0 ||
      !bw_entity_flag(contact, "do_not_contact"))
    return 0;
  a->rc =
      bw_fail(a->err, BW_ESTATE, BW_CLASS_PERMANENT,
              "contact %.*s says do_not_contact: %.*s is not to be written to.  Send it to somebody else: basewatch edit %s "
              "--to ADDRESS",
              BW_FMT(bw_entity_id(contact)), BW_FMT(a->address), a->lead->id);
  return -1;
}

static void ask_recipient(void *ctx, struct bw_str address)
{
  struct asked *a = ctx;
  a->address = address;
  if (a->rc == 0)
    (void)bw_book_each_of(a->book, BW_ENTITY_CONTACT, bw_str(a->lead->account), opted_out, a);
}

/* Whoever must not be contacted is not, whatever a template or a person has put into the draft. */
static int may_write(struct core *c, const struct bw_lead *lead, struct bw_error *err)
{
  struct asked a = {.lead = lead, .book = bw_pipeline_book(c->pipeline), .err = err};
  const struct bw_entity *account = bw_book_find(a.book, BW_ENTITY_ACCOUNT, bw_str(lead->account));
  struct bw_draft draft = {0};
  if (account && bw_entity_flag(account, "do_not_contact"))
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "account %s says do_not_contact: nobody may write to it now",
                   lead->account);
  if (bw_draft_load(c->store, bw_str(lead->id), 0, &draft, NULL) == 0) /* without one it is for the approval to say so */
    (void)bw_recipients(bw_str(draft.field[BW_DRAFT_TO]), ask_recipient, &a);
  bw_draft_clear(&draft);
  return a.rc;
}

static int may_take(struct core *c, const struct bw_lead *lead, enum bw_verdict verdict, struct bw_error *err)
{
  int rc = may_work(c, lead, bw_verdict_name(verdict), err);
  return rc == 0 && verdict == BW_VERDICT_APPROVED ? may_write(c, lead, err) : rc;
}

int core_may_work(struct core *c, struct bw_str id, const char *deed, struct bw_error *err)
{
  const struct bw_lead *lead = find_lead(c, id, err);
  return lead ? may_work(c, lead, deed, err) : BW_ENOTFOUND;
}

static int may_decide(void *ctx, struct bw_str id, enum bw_verdict verdict, struct bw_error *err)
{
  const struct bw_lead *lead = find_lead(ctx, id, err);
  return lead ? may_take(ctx, lead, verdict, err) : BW_ENOTFOUND;
}

/* For a lead that the caller holds: to look for it again might take it away from them. */
struct holding {
  struct core *c;
  const struct bw_lead *lead;
};

static int may_approve_held(void *ctx, struct bw_str id, enum bw_verdict verdict, struct bw_error *err)
{
  const struct holding *h = ctx;
  (void)id;
  return may_take(h->c, h->lead, verdict, err);
}

static struct bw_decision_request request_of(struct core *c, const json_t *args)
{
  struct bw_decision_request r = {0};
  r.lead = bw_args_text(args, "lead");
  r.who = bw_args_text(args, "who");
  r.reason = bw_args_text(args, "reason");
  r.now = core_now(c);
  r.review_until = BW_TIME_NONE;
  r.may = may_decide;
  r.ctx = c;
  return r;
}

/* What came before is not to be undone with this decision. */
int core_commit_first(struct core *c, struct bw_error *err)
{
  if (core_commit(c) < 0)
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "the store takes no data now; nothing was decided: try again later");
  return BW_OK;
}

/* Commits a decision; what cannot be made durable was not decided. */
int core_settle(struct core *c, int rc, struct bw_error *err)
{
  bw_pipeline_touch(c->pipeline);
  if (rc < 0) {
    /* Some of it may stand in the open transaction or in memory: only what is durable counts. */
    bw_store_rollback(c->store);
    core_restart(c, err->message);
    return rc;
  }
  if (core_commit(c) < 0)
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT,
                   "the decision could not be made durable and was not taken; try again later");
  return BW_OK;
}

static json_t *decided(struct core *c, struct bw_str id, const struct bw_decision *d)
{
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  json_t *o = json_object();
  json_object_set_new(o, "lead", core_json_str(id));
  json_object_set_new(o, "state", core_json_text(lead ? bw_lead_status_name(lead->status) : NULL));
  json_object_set_new(o, "who", core_json_text(d->who));
  json_object_set_new(o, "at", core_json_time(d->at));
  return o;
}

int core_may_approve(struct core *c, const struct bw_lead *lead, struct bw_error *err)
{
  struct holding h = {c, lead};
  struct bw_decision_request r = {
      .lead = bw_str(lead->id), .who = bw_str(lead->owner), .now = core_now(c), .may = may_approve_held, .ctx = &h};
  r.review_until = lead->review_until;
  r.reviewer = bw_str(lead->csm);
  return bw_approve_check(c->store, &r, err);
}

/*
 * A lead whose play would not fire any more, for its account has turned red, a ticket was escalated or the signal is over: that
 * is to be known before a letter goes out.  What merely keeps a second lead from coming does not count, nor numbers that
 * wobble.
 */
int core_still_holds(struct core *c, const struct bw_lead *lead, struct bw_error *err)
{
  static const char *const against[] = {"signals", "gate", "timing"};
  struct bw_buf json = {0};
  json_t *now = NULL;
  const char *blocked = NULL;
  size_t i;
  int rc = BW_OK;
  if (lead->status != BW_LEAD_OPEN && lead->status != BW_LEAD_SNOOZED)
    return BW_OK;
  if (bw_engine_why_not(bw_pipeline_engine(c->pipeline), bw_str(lead->account), bw_str(lead->play), core_now(c), &json, NULL) <
      0)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                   "%s would not open now: its play %s is there no more.  Decline it, or approve it --anyway", lead->id,
                   lead->play);
  now = core_json_raw(bw_buf_str(&json));
  blocked = json_string_value(json_object_get(now, "blocked_by"));
  for (i = 0; blocked && i < sizeof against / sizeof *against && strcmp(blocked, against[i]) != 0; i++)
    ;
  if (blocked && i < sizeof against / sizeof *against)
    rc = bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "%s would not open now: %.400s.  Decline it, or approve it --anyway",
                 lead->id, json_string_value(json_object_get(now, "says")));
  json_decref(now);
  bw_buf_clear(&json);
  return rc;
}

/* A row beside the decision's own, with what belongs to it. */
static int audit_beside(struct core *c, const struct bw_decision *d, const char *action, struct bw_str note,
                        struct bw_error *err)
{
  struct bw_buf subject = {0};
  int rc;
  bw_json_open(&subject, '{');
  bw_json_key(&subject, "lead");
  bw_json_cstr(&subject, d->lead);
  bw_json_key(&subject, "decision");
  bw_json_int(&subject, d->id);
  bw_json_key(&subject, "note");
  bw_json_str(&subject, note);
  bw_json_close(&subject, '}');
  rc = bw_audit_append(c->store, d->at, bw_str(d->who), action, bw_buf_str(&subject), err);
  bw_buf_clear(&subject);
  return rc;
}

/* Whose login a decision came by, where that is not whose decision it is: the kernel's word beside the person's. */
static int audit_login(struct core *c, const json_t *args, const struct bw_decision *d, struct bw_error *err)
{
  struct bw_str via = bw_args_text(args, "via");
  return via.len == 0 || bw_str_is(via, d->who) ? BW_OK : audit_beside(c, d, "by login", via, err);
}

/* The Maildir as an owner finds it. */
static json_t *maildir_json(const struct core *c)
{
  char *path BW_AUTOFREE = core_maildir(c);
  return core_json_text(path);
}

int core_approve(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_decision_request r = request_of(c, args);
  const struct bw_lead *lead;
  struct bw_decision d = {0};
  struct bw_error told;
  bool against;
  int64_t id;
  json_t *o;
  int rc = core_commit_first(c, err);
  if (rc < 0)
    return rc;
  lead = find_lead(c, r.lead, err);
  if (!lead)
    return BW_ENOTFOUND;
  r.hash = bw_args_text(args, "hash");
  r.review_until = lead->review_until;
  r.reviewer = core_is_person(c, r.who, lead->csm) ? r.who : bw_str(lead->csm);
  against = core_still_holds(c, lead, &told) < 0;
  rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_approve(c->store, &r, &d, err);
  if (rc == 0 && against && !bw_args_bool(args, "anyway")) {
    *err = told;
    rc = (int)told.code;
  }
  if (rc < 0) { /* refused: nothing was written */
    bw_store_rollback(c->store);
    bw_decision_clear(&d);
    return rc;
  }
  rc = audit_login(c, args, &d, err);
  if (rc == 0 && against) /* what was told, and set aside */
    rc = audit_beside(c, &d, "anyway", bw_str(told.message), err);
  if (rc == 0)
    rc = bw_outbox_add(c->outbox, &d, BW_STR(""), &id, err);
  if (rc == 0)
    rc = bw_lead_approve(bw_pipeline_engine(c->pipeline), r.lead, r.now, err);
  rc = core_settle(c, rc, err);
  if (rc == 0) {
    bw_outbox_committed(c->outbox);
    core_deliver_soon(c, 0);
    o = decided(c, r.lead, &d);
    json_object_set_new(o, "hash", core_json_text(d.hash));
    json_object_set_new(o, "deliver", maildir_json(c));
    bw_request_reply_json(req, o);
  } else {
    bw_outbox_rolled_back(c->outbox);
  }
  bw_decision_clear(&d);
  return rc;
}

/* Until when the play stays silent for the account: as the rules themselves say it. */
json_t *core_suppressed_until(struct core *c, struct bw_str id)
{
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  struct bw_buf json = {0};
  json_t *why = NULL, *until = NULL;
  if (lead && bw_engine_why_not(bw_pipeline_engine(c->pipeline), bw_str(lead->account), bw_str(lead->play), core_now(c), &json,
                                NULL) == 0) {
    why = core_json_raw(bw_buf_str(&json));
    until = json_incref(json_object_get(why, "suppressed_until"));
  }
  json_decref(why);
  bw_buf_clear(&json);
  return until ? until : json_null();
}

typedef int verdict_fn(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret, struct bw_error *err);

/* Reject and snooze: the same but for the verdict and what becomes of the lead. */
static int decide(struct core *c, struct bw_request *req, const json_t *args, const struct bw_decision_request *r,
                  verdict_fn *verdict, struct bw_error *err)
{
  struct bw_engine *engine = bw_pipeline_engine(c->pipeline);
  struct bw_decision d = {0};
  json_t *o;
  int rc = core_commit_first(c, err);
  if (rc == 0)
    rc = bw_store_begin(c->store, err);
  if (rc == 0 && (rc = verdict(c->store, r, &d, err)) < 0)
    bw_store_rollback(c->store);
  if (rc < 0)
    return rc;
  rc = audit_login(c, args, &d, err);
  if (rc == 0 && verdict == bw_reject)
    rc = bw_lead_reject(engine, r->lead, r->reason, r->now, err);
  else if (rc == 0)
    rc = bw_lead_snooze(engine, r->lead, r->until, r->now, err);
  rc = core_settle(c, rc, err);
  if (rc == 0) {
    o = decided(c, r->lead, &d);
    if (verdict == bw_snooze)
      json_object_set_new(o, "snoozed_until", core_json_time(r->until));
    else
      json_object_set_new(o, "suppressed_until", core_suppressed_until(c, r->lead));
    bw_request_reply_json(req, o);
  }
  bw_decision_clear(&d);
  return rc;
}

int core_reject_lead(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  const struct bw_decision_request r = request_of(c, args);
  return decide(c, req, args, &r, bw_reject, err);
}

int core_snooze(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_decision_request r = request_of(c, args);
  r.until = r.now + bw_args_int(args, "for_ms", BW_DAY);
  return decide(c, req, args, &r, bw_snooze, err);
}

/* ---- delivery ---- */

struct of_lead {
  struct bw_str lead;
  int64_t id; /* 0: none */
};

static void find_item(void *ctx, const struct bw_outbox_item *item)
{
  struct of_lead *o = ctx;
  if (bw_str_eq(item->lead, o->lead))
    o->id = item->id;
}

int core_resend(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct of_lead o = {bw_args_text(args, "lead"), 0};
  json_t *reply;
  int rc = core_commit_first(c, err);
  if (rc == 0)
    rc = bw_outbox_each(c->outbox, 0, find_item, &o, err);
  if (rc == 0 && o.id == 0)
    rc = bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "no message of lead %.*s was approved; `basewatch outbox` lists them",
                 BW_FMT(o.lead));
  if (rc == 0)
    rc = bw_store_begin(c->store, err);
  if (rc == 0)
    rc = bw_outbox_resend(c->outbox, o.id, bw_args_text(args, "who"), core_now(c), err);
  if (rc < 0) {
    bw_store_rollback(c->store);
    return rc;
  }
  if (core_commit(c) < 0)
    return bw_fail(err, BW_ENOSPC, BW_CLASS_TRANSIENT, "that could not be made durable and was not taken; try again later");
  bw_outbox_committed(c->outbox);
  core_deliver_soon(c, 0);
  reply = json_object();
  json_object_set_new(reply, "lead", core_json_str(o.lead));
  json_object_set_new(reply, "id", json_integer((json_int_t)o.id));
  json_object_set_new(reply, "who", core_json_str(bw_args_text(args, "who")));
  json_object_set_new(reply, "at", core_json_time(core_now(c)));
  bw_request_reply_json(req, reply);
  return BW_OK;
}

/* Within the step's own transaction: the message and its lead become sent together. */
void core_outbox_changed(void *ctx, const struct bw_outbox_item *item)
{
  struct core *c = ctx;
  struct bw_engine *engine = bw_pipeline_engine(c->pipeline);
  struct bw_error err;
  if (item->state != BW_OUTBOX_SENT)
    return;
  if (bw_lead_sent(engine, item->lead, core_now(c), &err) < 0 || bw_leads_save(engine, &err) < 0)
    bw_log(BW_LOG_WARN, "a delivered lead could not be marked", "lead=%s error=%s", bw_log_quote(item->lead),
           BW_Q(err.message));
  bw_pipeline_touch(c->pipeline); /* saved once more with the next commit, should this one fail */
}

void core_deliver(void *ctx)
{
  struct core *c = ctx;
  struct bw_error err = {0};
  int64_t next = BW_TIME_NONE;
  size_t done = 0;
  int rc;
  if (c->full || core_commit(c) < 0) {
    core_deliver_soon(c, 5000);
    return;
  }
  rc = bw_outbox_drain(c->outbox, core_now(c), &done, &next, &err);
  if (rc < 0) {
    core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "outbox", bw_str(err.message));
    core_deliver_soon(c, 5000);
    return;
  }
  if (bw_pipeline_dirty(c->pipeline))
    core_commit_soon(c, 0);
  if (next != BW_TIME_NONE)
    core_deliver_soon(c, next > core_now(c) ? next - core_now(c) : 0);
}

void core_deliver_soon(struct core *c, int64_t delay_ms)
{
  if (!c->outbox_timer)
    c->outbox_timer = bw_timer_new(c->loop, delay_ms, false, core_deliver, c);
  else
    bw_timer_again(c->outbox_timer, delay_ms);
}
