/* SPDX-License-Identifier: Apache-2.0 */
/* `account` and `why_not`: what is known about an account.  Runs in core. */
#include <string.h>

#include "core/private.h"

#define MAX_SIGNALS 200

struct collect {
  struct core *c;
  json_t *list;
  size_t limit, total;
};

static int add_signal(void *ctx, const struct bw_episode *e)
{
  struct collect *k = ctx;
  if (k->total++ < k->limit)
    json_array_append_new(k->list, core_signal_json(e));
  return BW_OK;
}

/* ---- account ---- */

static json_t *value_json(const struct bw_field *f)
{
  switch (f->type) {
  case BW_VALUE_NUMBER:
    return core_json_number(f->number);
  case BW_VALUE_BOOL:
    return json_boolean(f->number != 0);
  case BW_VALUE_STRING:
    return core_json_str(f->text);
  case BW_VALUE_JSON:
    return core_json_raw(f->text);
  default:
    return json_null();
  }
}

static json_t *fields_json(const struct bw_entity *e)
{
  json_t *list = json_array();
  const struct bw_field *f;
  uint64_t source;
  size_t i;
  for (i = 0; e && bw_entity_at(e, i, &f, &source); i++) {
    json_t *o = json_object();
    json_object_set_new(o, "name", core_json_str(f->key));
    json_object_set_new(o, "value", value_json(f));
    json_object_set_new(o, "source", json_integer((json_int_t)source));
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *entity_row(const struct bw_entity *e, const char *id_name, const char *const *names, size_t n)
{
  json_t *o = json_object();
  size_t i;
  json_object_set_new(o, id_name, core_json_str(bw_entity_id(e)));
  for (i = 0; i < n; i++) {
    const struct bw_field *f = bw_entity_field(e, names[i]);
    json_object_set_new(o, names[i], f ? value_json(f) : json_null());
  }
  return o;
}

static int add_contact(void *ctx, const struct bw_entity *e)
{
  static const char *const names[] = {"name", "email", "title", "role", "do_not_contact"};
  struct collect *k = ctx;
  json_array_append_new(k->list, entity_row(e, "contact", names, 5));
  return BW_OK;
}

static int add_opportunity(void *ctx, const struct bw_entity *e)
{
  static const char *const names[] = {"kind", "stage", "amount", "close_date", "outcome"};
  struct collect *k = ctx;
  json_array_append_new(k->list, entity_row(e, "opportunity", names, 5));
  return BW_OK;
}

static int add_trait(void *ctx, const struct bw_trait_value *t)
{
  struct collect *k = ctx;
  json_t *o = json_object();
  json_object_set_new(o, "trait", core_json_text(t->type->name));
  json_object_set_new(o, "key", core_json_str(t->key));
  json_object_set_new(o, "value", t->value_type == BW_VALUE_NUMBER ? core_json_number(t->number) : core_json_str(t->text));
  json_object_set_new(o, "at", core_json_time(t->at_ms));
  json_object_set_new(o, "unit", core_json_text(t->type->unit));
  json_array_append_new(k->list, o);
  return BW_OK;
}

static int add_lead(void *ctx, const struct bw_lead *lead)
{
  struct collect *k = ctx;
  json_array_append_new(k->list, core_lead_row(k->c, lead));
  return BW_OK;
}

int core_account(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str id = bw_args_text(args, "account");
  struct bw_book *book = bw_pipeline_book(c->pipeline);
  struct bw_signals *signals = bw_pipeline_signals(c->pipeline);
  const struct bw_entity *account = bw_book_find(book, BW_ENTITY_ACCOUNT, id);
  struct collect contacts = {.list = json_array()}, opportunities = {.list = json_array()}, traits = {.list = json_array()},
                 open = {.list = json_array(), .limit = MAX_SIGNALS}, leads = {.c = c, .list = json_array()};
  json_t *o = json_object();
  (void)bw_book_each_of(book, BW_ENTITY_CONTACT, id, add_contact, &contacts);
  (void)bw_book_each_of(book, BW_ENTITY_OPPORTUNITY, id, add_opportunity, &opportunities);
  (void)bw_signals_each_trait(signals, id, add_trait, &traits);
  (void)bw_signals_each_open(signals, id, add_signal, &open);
  (void)bw_leads_each_of(bw_pipeline_engine(c->pipeline), id, add_lead, &leads);
  json_object_set_new(o, "account", core_json_str(id));
  json_object_set_new(o, "name", account ? core_json_str(bw_entity_text(account, "name")) : json_null());
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "fields", fields_json(account));
  json_object_set_new(o, "subscription", fields_json(bw_book_find(book, BW_ENTITY_SUBSCRIPTION, id)));
  json_object_set_new(o, "contacts", contacts.list);
  json_object_set_new(o, "opportunities", opportunities.list);
  json_object_set_new(o, "traits", traits.list);
  json_object_set_new(o, "signals", open.list);
  json_object_set_new(o, "leads", leads.list);
  if (core_known_account(c, id, err) < 0) {
    json_decref(o);
    return BW_ENOTFOUND;
  }
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- why not ---- */

int core_why_not(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str id = bw_args_text(args, "account");
  const struct bw_entity *account = bw_book_find(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT, id);
  struct bw_buf json = {0};
  json_t *o, *plays;
  int rc = core_known_account(c, id, err);
  if (rc == 0)
    rc = bw_engine_why_not(bw_pipeline_engine(c->pipeline), id, bw_args_text(args, "play"), core_now(c), &json, err);
  if (rc < 0) {
    bw_buf_clear(&json);
    return rc;
  }
  plays = core_json_raw(bw_buf_str(&json));
  if (!json_is_array(plays)) {
    json_t *list = json_array();
    json_array_append_new(list, plays);
    plays = list;
  }
  o = json_object();
  json_object_set_new(o, "account", core_json_str(id));
  json_object_set_new(o, "name", account ? core_json_str(bw_entity_text(account, "name")) : json_null());
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "plays", plays);
  bw_buf_clear(&json);
  bw_request_reply_json(req, o);
  return BW_OK;
}
