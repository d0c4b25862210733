/* SPDX-License-Identifier: Apache-2.0 */
/* `deals`, and what `show` says of a lead's deal.  Runs in core. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/private.h"

struct listing {
  const struct core *c;
  struct bw_str owner;
  bool stale, all;
  const struct bw_deal **deals;
  size_t n, cap;
};

bool core_deal_flagged(const struct bw_deal *p)
{
  return p->state == BW_DEAL_OPEN && (p->slow_at != BW_TIME_NONE || p->stale_at != BW_TIME_NONE);
}

static int collect(void *ctx, const struct bw_deal *p)
{
  struct listing *l = ctx;
  if ((l->owner.len && !bw_str_is(l->owner, p->text[BW_DEAL_OWNER]) && !bw_str_is(l->owner, p->text[BW_DEAL_CSM])) ||
      (l->stale && !core_deal_flagged(p)) || (!l->all && p->state != BW_DEAL_OPEN))
    return BW_OK;
  if (l->n == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 64;
    l->deals = bw_realloc(l->deals, l->cap, sizeof *l->deals);
  }
  l->deals[l->n++] = p;
  return BW_OK;
}

/* What is to be done first: open ones by their close date, then those that are over, the latest first. */
static int compare(const void *a, const void *b)
{
  const struct bw_deal *x = *(const struct bw_deal *const *)a, *y = *(const struct bw_deal *const *)b;
  bool open = x->state == BW_DEAL_OPEN;
  if (open != (y->state == BW_DEAL_OPEN))
    return open ? -1 : 1;
  if (open && x->close_at != y->close_at)
    return x->close_at < y->close_at ? -1 : 1;
  if (!open && x->closed_at != y->closed_at)
    return x->closed_at > y->closed_at ? -1 : 1;
  return strcmp(x->text[BW_DEAL_ID], y->text[BW_DEAL_ID]);
}

static json_t *deal_json(struct core *c, const struct bw_deal *p)
{
  struct bw_buf b = {0};
  json_t *o;
  bw_deal_json(&b, p, core_now(c));
  o = core_json_raw(bw_buf_str(&b));
  bw_buf_clear(&b);
  return o;
}

/* One row for each stage and currency, in the order in which the list comes to them. */
static void add_total(json_t *totals, const struct bw_deal *p)
{
  json_t *row = NULL;
  size_t i;
  double amount = isfinite(p->amount) ? p->amount : 0;
  json_array_foreach(totals, i, row)
  {
    if (strcmp(json_string_value(json_object_get(row, "stage")), p->text[BW_DEAL_STAGE]) == 0 &&
        strcmp(json_string_value(json_object_get(row, "currency")), p->text[BW_DEAL_CURRENCY]) == 0)
      break;
  }
  if (i == json_array_size(totals)) {
    row = json_object();
    json_object_set_new(row, "stage", core_json_str(bw_str(p->text[BW_DEAL_STAGE])));
    json_object_set_new(row, "currency", core_json_str(bw_str(p->text[BW_DEAL_CURRENCY])));
    json_object_set_new(row, "deals", json_integer(0));
    json_object_set_new(row, "amount", json_real(0));
    json_array_append_new(totals, row);
  }
  json_object_set_new(row, "deals", json_integer(json_integer_value(json_object_get(row, "deals")) + 1));
  json_object_set_new(row, "amount", json_real(json_real_value(json_object_get(row, "amount")) + amount));
}

int core_deals(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct listing l = {.c = c, .owner = bw_args_text(args, "owner")};
  int64_t limit = bw_args_int(args, "limit", 1000);
  json_t *o = json_object(), *list = json_array(), *totals = json_array();
  char *who = NULL;
  size_t i;
  if (l.owner.len && core_person(c, l.owner, &who, err) < 0) {
    json_decref(o);
    json_decref(list);
    json_decref(totals);
    return err->code;
  }
  if (who)
    l.owner = bw_str(who);
  l.stale = bw_args_bool(args, "stale");
  l.all = bw_args_bool(args, "all");
  (void)bw_deals_each(bw_pipeline_deals(c->pipeline), collect, &l);
  if (l.n)
    qsort(l.deals, l.n, sizeof *l.deals, compare);
  for (i = 0; i < l.n; i++) {
    if (i < (size_t)limit)
      json_array_append_new(list, deal_json(c, l.deals[i]));
    add_total(totals, l.deals[i]);
  }
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "owner", l.owner.len ? core_json_str(l.owner) : json_null());
  json_object_set_new(o, "pipeline", core_json_text(core_setup(c)->deals->pipeline));
  json_object_set_new(o, "total", json_integer((json_int_t)l.n));
  json_object_set_new(o, "deals", list);
  json_object_set_new(o, "totals", totals);
  bw_request_reply_json(req, o);
  free(who);
  free(l.deals);
  return BW_OK;
}

void core_add_deal(struct core *c, json_t *o, const struct bw_lead *lead)
{
  struct bw_deals *deals = bw_pipeline_deals(c->pipeline);
  const struct bw_deal *p = bw_deals_of(deals, lead);
  struct bw_buf b = {0};
  json_t *outcomes = NULL;
  if (p && bw_deal_outcomes_json(deals, p, &b, NULL) == 0)
    outcomes = core_json_raw(bw_buf_str(&b));
  bw_buf_clear(&b);
  json_object_set_new(o, "outcomes", outcomes ? outcomes : json_array());
  json_object_set_new(o, "deal", p && p->state != BW_DEAL_NONE ? deal_json(c, p) : json_null());
}
