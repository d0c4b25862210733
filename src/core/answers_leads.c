/* SPDX-License-Identifier: Apache-2.0 */
/* `inbox` and `show`: leads as their owner reads them.  Runs in core. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/private.h"

#define MAX_CLOSED 200 /* of the leads that are over, in `inbox --all` */

/* The states that people see: a lead in its review window is told apart from one that its owner may send. */
const char *core_lead_state(const struct core *c, const struct bw_lead *lead)
{
  if (lead->status == BW_LEAD_OPEN && lead->review_until != BW_TIME_NONE && core_now(c) < lead->review_until)
    return "review";
  return lead->status == BW_LEAD_SENT ? "delivered" : bw_lead_status_name(lead->status);
}

/* The contract by either of its names, as rules see it. */
static double contract(struct core *c, const struct bw_lead *lead, const char *name, const char *other)
{
  const struct bw_entity *e = bw_book_find(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT, bw_str(lead->account));
  double v = e ? bw_entity_number(e, name, NAN) : NAN;
  return e && isnan(v) ? bw_entity_number(e, other, NAN) : v;
}

static json_t *account_name(struct core *c, const char *account)
{
  const struct bw_entity *e = bw_book_find(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT, bw_str(account));
  struct bw_str name = e ? bw_entity_text(e, "name") : BW_STR("");
  return name.len ? core_json_str(name) : core_json_text(account);
}

static json_t *why(const struct bw_lead *lead)
{
  return core_json_raw(bw_str(lead->why_json));
}

static json_t *member(const json_t *o, const char *name)
{
  json_t *v = json_object_get(o, name);
  return v ? json_incref(v) : json_null();
}

json_t *core_lead_row(struct core *c, const struct bw_lead *lead)
{
  struct bw_draft d = {0};
  bool have = bw_draft_load(c->store, bw_str(lead->id), 0, &d, NULL) == 0;
  struct bw_error why_blocked = {0};
  bool ready = core_may_approve(c, lead, &why_blocked) == 0 && core_still_holds(c, lead, &why_blocked) == 0;
  json_t *o = json_object(), *w = why(lead), *score = json_object_get(w, "score");
  json_object_set_new(o, "lead", core_json_text(lead->id));
  json_object_set_new(o, "account", core_json_text(lead->account));
  json_object_set_new(o, "name", account_name(c, lead->account));
  json_object_set_new(o, "owner", core_json_text(lead->owner));
  json_object_set_new(o, "owner_note", core_json_text(lead->owner_note));
  json_object_set_new(o, "csm", core_json_text(lead->csm));
  json_object_set_new(o, "play", core_json_text(lead->play));
  json_object_set_new(o, "motion", core_json_text(lead->motion));
  json_object_set_new(o, "type", core_json_text(lead->type));
  json_object_set_new(o, "mode", core_json_text(bw_mode_name(lead->mode)));
  json_object_set_new(o, "state", core_json_text(core_lead_state(c, lead)));
  json_object_set_new(o, "priority", core_json_text(lead->priority));
  json_object_set_new(o, "score", core_json_number(lead->score));
  json_object_set_new(o, "threshold", member(score, "threshold"));
  json_object_set_new(o, "primary", core_json_text(lead->primary_signal));
  json_object_set_new(o, "signals", json_integer((json_int_t)json_array_size(json_object_get(w, "signals"))));
  json_object_set_new(o, "arr", core_json_number(contract(c, lead, "arr", "acv")));
  json_object_set_new(o, "estimate", core_json_number(lead->estimate));
  json_object_set_new(o, "currency", core_json_str(bw_str(lead->currency)));
  json_object_set_new(o, "opened", core_json_time(lead->opened_at));
  json_object_set_new(o, "updated", core_json_time(lead->updated_at));
  json_object_set_new(o, "sla", core_json_time(lead->sla_at));
  json_object_set_new(o, "review_until", core_json_time(lead->review_until));
  json_object_set_new(o, "snoozed_until", core_json_time(lead->snoozed_until));
  json_object_set_new(o, "subject", have ? core_json_text(d.field[BW_DRAFT_SUBJECT]) : json_null());
  json_object_set_new(o, "missing", have ? json_integer((json_int_t)d.ngaps) : json_null());
  json_object_set_new(o, "ready", json_boolean(ready));
  json_object_set_new(o, "blocked", ready ? json_null() : core_json_text(why_blocked.message));
  json_decref(w);
  bw_draft_clear(&d);
  return o;
}

/* ---- inbox ---- */

struct inbox {
  struct core *c;
  struct bw_str owner;
  bool all;
  json_t *leads;
};

static int add_to_inbox(void *ctx, const struct bw_lead *lead)
{
  struct inbox *in = ctx;
  if (in->owner.len && !bw_str_is(in->owner, lead->owner) && !bw_str_is(in->owner, lead->csm))
    return BW_OK;
  if (!in->all && (lead->status != BW_LEAD_OPEN || lead->mode == BW_MODE_SHADOW))
    return BW_OK;
  json_array_append_new(in->leads, core_lead_row(in->c, lead));
  return BW_OK;
}

static double number_of(const json_t *o, const char *name)
{
  const json_t *v = json_object_get(o, name);
  return json_is_number(v) ? json_number_value(v) : 0;
}

static int rank(const json_t *lead)
{
  const char *p = json_string_value(json_object_get(lead, "priority"));
  return !p ? 0 : strcmp(p, "high") == 0 ? 3 : strcmp(p, "medium") == 0 ? 2 : 1;
}

/* What an owner should read first: priority, then money, then the older one. */
static int compare_leads(const void *a, const void *b)
{
  const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
  double mx = number_of(x, "estimate"), my = number_of(y, "estimate");
  if (rank(x) != rank(y))
    return rank(y) - rank(x);
  if (mx != my)
    return mx > my ? -1 : 1;
  return strcmp(json_string_value(json_object_get(x, "opened")), json_string_value(json_object_get(y, "opened")));
}

static json_t *sorted(json_t *list)
{
  size_t n = json_array_size(list), i;
  json_t **items = bw_calloc(n, sizeof(json_t *)), *out = json_array();
  for (i = 0; i < n; i++)
    items[i] = json_array_get(list, i);
  qsort(items, n, sizeof(json_t *), compare_leads);
  for (i = 0; i < n; i++)
    json_array_append(out, items[i]);
  free(items);
  json_decref(list);
  return out;
}

/* Closed leads live in the store only. */
static int add_closed(struct core *c, struct inbox *in, struct bw_error *err)
{
  int64_t numbers[MAX_CLOSED];
  size_t n = 0, i;
  struct bw_stmt *q;
  char id[24];
  int rc = bw_store_prepare(
      c->store, "SELECT number FROM plays_lead WHERE closed_at IS NOT NULL ORDER BY closed_at DESC, number DESC LIMIT ?1", &q,
      err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, MAX_CLOSED);
  while ((rc = bw_stmt_step(q, err)) == 1)
    numbers[n++] = bw_stmt_col_int(q, 0);
  for (i = 0; i < n && rc == 0; i++) {
    const struct bw_lead *lead;
    snprintf(id, sizeof id, "L%" PRId64, numbers[i]);
    lead = bw_leads_find(bw_pipeline_engine(c->pipeline), bw_str(id));
    if (lead)
      rc = add_to_inbox(in, lead);
  }
  return rc;
}

static int count_one(void *ctx, const struct bw_lead *lead)
{
  (void)lead;
  ++*(int64_t *)ctx;
  return 0;
}

int core_inbox(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct inbox in = {c, bw_args_text(args, "owner"), bw_args_bool(args, "all"), json_array()};
  int64_t hidden = 0;
  json_t *o;
  char *who = NULL;
  int rc = in.owner.len ? core_person(c, in.owner, &who, err) : BW_OK;
  if (rc < 0 && !in.all) { /* whoever has left has closed leads only */
    json_decref(in.leads);
    return rc;
  }
  if (who)
    in.owner = bw_str(who);
  (void)bw_leads_each(bw_pipeline_engine(c->pipeline), false, add_to_inbox, &in);
  if (!in.all)
    (void)bw_leads_each_queued(bw_pipeline_engine(c->pipeline), in.owner, count_one, &hidden);
  rc = in.all ? add_closed(c, &in, err) : BW_OK;
  if (rc < 0) {
    json_decref(in.leads);
    free(who);
    return rc;
  }
  o = json_object();
  json_object_set_new(o, "owner", in.owner.len ? core_json_str(in.owner) : json_null());
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "leads", sorted(in.leads));
  json_object_set_new(o, "hidden", json_integer(hidden));
  free(who);
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- show ---- */

json_t *core_missing_json(const struct bw_draft *d)
{
  json_t *missing = json_array();
  size_t i;
  for (i = 0; i < d->ngaps; i++) {
    const struct bw_draft_gap *g = &d->gaps[i];
    json_t *gap = json_object();
    json_object_set_new(gap, "name", core_json_text(g->name));
    json_object_set_new(gap, "field", core_json_text(bw_draft_field_name(g->field)));
    json_object_set_new(gap, "why", core_json_text(g->reason && g->reason[0] ? g->reason : g->hint));
    json_array_append_new(missing, gap);
  }
  return missing;
}

static void add_recipient(void *ctx, struct bw_str address)
{
  json_array_append_new(ctx, core_json_str(address));
}

static json_t *draft_json(struct core *c, const struct bw_draft *d)
{
  json_t *o = json_object(), *to = json_array();
  struct bw_buf provenance = {0};
  (void)bw_recipients(bw_str(d->field[BW_DRAFT_TO]), add_recipient, to);
  json_object_set_new(o, "version", json_integer((json_int_t)d->version));
  json_object_set_new(o, "template", core_json_text(d->template_name));
  json_object_set_new(o, "hash", core_json_text(d->hash));
  json_object_set_new(o, "channel", core_json_text(d->channel));
  json_object_set_new(o, "from", core_json_text(core_setup(c)->sender));
  json_object_set_new(o, "to", to);
  json_object_set_new(o, "cc", json_array());
  json_object_set_new(o, "subject", core_json_str(bw_str(d->field[BW_DRAFT_SUBJECT])));
  json_object_set_new(o, "body", core_json_str(bw_str(d->field[BW_DRAFT_BODY])));
  json_object_set_new(o, "by", core_json_text(d->by));
  json_object_set_new(o, "missing", core_missing_json(d));
  bw_draft_provenance_json(&provenance, d);
  json_object_set_new(o, "provenance", core_json_raw(bw_buf_str(&provenance)));
  bw_buf_clear(&provenance);
  return o;
}

struct triggered {
  const json_t *why;
  json_t *list;
};

/* The open episodes that the evaluation weighed, with their evidence as it is now. */
static int add_triggered(void *ctx, const struct bw_episode *e)
{
  struct triggered *t = ctx;
  const json_t *used;
  size_t i;
  json_array_foreach(json_object_get(t->why, "signals"), i, used)
  {
    const char *name = json_string_value(json_object_get(used, "signal"));
    if (name && strcmp(name, e->type->name) == 0) {
      json_array_append_new(t->list, core_signal_json(e));
      break;
    }
  }
  return BW_OK;
}

/* The primary one first. */
static json_t *primary_first(json_t *list, const char *primary)
{
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item)
  {
    const char *name = json_string_value(json_object_get(item, "signal"));
    if (name && strncmp(primary, name, strlen(name)) == 0) {
      json_incref(item);
      json_array_remove(list, i);
      json_array_insert_new(list, 0, item);
      break;
    }
  }
  return list;
}

static json_t *last_touch(struct core *c, const char *account)
{
  const struct bw_entity *e = bw_book_find(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT, bw_str(account));
  int64_t at = e ? bw_entity_time(e, "last_csm_touch") : BW_TIME_NONE;
  json_t *o;
  if (at == BW_TIME_NONE)
    return json_null();
  o = json_object();
  json_object_set_new(o, "at", core_json_time(at));
  json_object_set_new(o, "kind", core_json_str(bw_entity_text(e, "last_touch_kind")));
  json_object_set_new(o, "by", core_json_str(bw_entity_text(e, "last_touch_by")));
  json_object_set_new(o, "text", json_null());
  return o;
}

static json_t *history_json(struct core *c, const struct bw_lead *lead)
{
  json_t *list = json_array(), *o;
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store,
                            "SELECT at, who, action, subject FROM audit WHERE json_extract(subject, '$.lead') = ?1 AND action "
                            "<> 'by login' ORDER BY seq",
                            &q, NULL);
  o = json_object();
  json_object_set_new(o, "at", core_json_time(lead->opened_at));
  json_object_set_new(o, "who", json_string("basewatch"));
  json_object_set_new(o, "what", json_string("opened"));
  json_object_set_new(o, "note", json_null());
  json_array_append_new(list, o);
  if (rc == 0)
    bw_stmt_text(q, 1, bw_str(lead->id));
  while (rc == 0 && bw_stmt_step(q, NULL) == 1) {
    json_t *subject = core_json_raw(bw_stmt_col_str(q, 3));
    o = json_object();
    json_object_set_new(o, "at", core_json_time(bw_stmt_col_int(q, 0)));
    json_object_set_new(o, "who", core_json_str(bw_stmt_col_str(q, 1)));
    json_object_set_new(o, "what", core_json_str(bw_stmt_col_str(q, 2)));
    json_object_set_new(o, "note", core_note_json(subject));
    json_array_append_new(list, o);
    json_decref(subject);
  }
  return list;
}

static void add_reasons(struct core *c, json_t *o, const struct bw_lead *lead)
{
  struct triggered t = {.why = why(lead), .list = json_array()};
  const json_t *estimate = json_object_get(t.why, "estimate");
  json_t *how = json_object();
  json_object_set_new(how, "formula", member(estimate, "expression"));
  json_object_set_new(how, "values", member(estimate, "values"));
  (void)bw_signals_each_open(bw_pipeline_signals(c->pipeline), bw_str(lead->account), add_triggered, &t);
  json_object_set_new(o, "triggered", primary_first(t.list, lead->primary_signal));
  json_object_set_new(o, "gates", member(t.why, "gates"));
  json_object_set_new(o, "readiness", member(t.why, "readiness"));
  json_object_set_new(o, "estimate_how", how);
  json_object_set_new(o, "floor", member(t.why, "floor"));
  json_object_set_new(o, "fields", core_json_raw(bw_str(lead->fields_json)));
  json_object_set_new(o, "why", json_incref((json_t *)(uintptr_t)t.why));
  json_decref((json_t *)(uintptr_t)t.why);
}

int core_show(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str id = bw_args_text(args, "lead");
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  const struct bw_entity *account;
  struct bw_draft d = {0};
  json_t *o;
  bool have;
  if (!lead)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead %.*s; `basewatch inbox` lists them", BW_FMT(id));
  account = bw_book_find(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT, bw_str(lead->account));
  have = bw_draft_load(c->store, id, 0, &d, NULL) == 0;
  o = core_lead_row(c, lead);
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "family", core_json_text(lead->family));
  json_object_set_new(o, "acv", core_json_number(contract(c, lead, "acv", "arr")));
  json_object_set_new(o, "renewal", core_json_day(account ? bw_entity_time(account, "renewal") : BW_TIME_NONE));
  json_object_set_new(o, "last_csm_touch", last_touch(c, lead->account));
  json_object_set_new(o, "title", core_json_text(lead->title));
  add_reasons(c, o, lead);
  json_object_set_new(o, "angle", member(json_object_get(o, "fields"), "angle"));
  json_object_set_new(o, "draft", have ? draft_json(c, &d) : json_null());
  json_object_set_new(o, "history", history_json(c, lead));
  core_add_deal(c, o, lead);
  bw_draft_clear(&d);
  bw_request_reply_json(req, o);
  return BW_OK;
}
