/* SPDX-License-Identifier: Apache-2.0 */
/* Deals and outcomes as JSON, for the control API.  Runs in core. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "deals/private.h"

static void put_nullable(struct bw_buf *out, const char *key, const char *text)
{
  bw_json_key(out, key);
  if (text[0])
    bw_json_cstr(out, text);
  else
    bw_json_null(out);
}

static void put_when(struct bw_buf *out, const char *key, int64_t at)
{
  bw_json_key(out, key);
  bw_json_time(out, at);
}

/* Who a part of the split is: a role of the lead, or a person as they were named. */
static const char *person_of(const struct bw_deal *p, struct bw_str part)
{
  if (bw_str_is(part, "owner"))
    return p->text[BW_DEAL_OWNER];
  if (bw_str_is(part, "csm"))
    return p->text[BW_DEAL_CSM];
  if (p->text[BW_DEAL_OWNER_ROLE][0] && bw_str_is(part, p->text[BW_DEAL_OWNER_ROLE]))
    return p->text[BW_DEAL_LEAD_OWNER];
  return "";
}

static void put_split(struct bw_buf *out, const struct bw_deal *p)
{
  struct bw_str rest = bw_str(p->text[BW_DEAL_SPLIT]);
  bw_json_key(out, "split");
  bw_json_open(out, '[');
  while (rest.len) {
    const char *comma = memchr(rest.data, ',', rest.len), *equals;
    struct bw_str part = comma ? bw_str_n(rest.data, (size_t)(comma - rest.data)) : rest;
    rest = comma ? bw_str_n(comma + 1, rest.len - part.len - 1) : BW_STR("");
    equals = memchr(part.data, '=', part.len);
    if (!equals)
      break;
    bw_json_open(out, '{');
    bw_json_key(out, "who");
    bw_json_str(out, bw_str_n(part.data, (size_t)(equals - part.data)));
    bw_json_key(out, "percent");
    bw_json_num(out, strtod(equals + 1, NULL));
    put_nullable(out, "person", person_of(p, bw_str_n(part.data, (size_t)(equals - part.data))));
    bw_json_close(out, '}');
  }
  bw_json_close(out, ']');
}

static void put_contact(struct bw_buf *out, const char *key, const char *id, const char *name)
{
  bw_json_key(out, key);
  if (!id[0]) {
    bw_json_null(out);
    return;
  }
  bw_json_open(out, '{');
  bw_json_key(out, "contact");
  bw_json_cstr(out, id);
  put_nullable(out, "name", name);
  bw_json_close(out, '}');
}

static void put_steps(struct bw_buf *out, const struct bw_deal *p)
{
  size_t i;
  bw_json_key(out, "stages");
  bw_json_open(out, '[');
  for (i = 0; i < p->nsteps; i++) {
    bw_json_open(out, '{');
    bw_json_key(out, "stage");
    bw_json_cstr(out, p->steps[i].stage);
    put_when(out, "entered", p->steps[i].at);
    bw_json_key(out, "who");
    bw_json_cstr(out, p->steps[i].who);
    bw_json_key(out, "by_record");
    bw_json_bool(out, p->steps[i].by_record);
    bw_json_close(out, '}');
  }
  bw_json_close(out, ']');
}

static void put_flags(struct bw_buf *out, const struct bw_deal *p)
{
  bw_json_key(out, "flags");
  bw_json_open(out, '[');
  if (p->state == BW_DEAL_OPEN && p->slow_at != BW_TIME_NONE)
    bw_json_cstr(out, "slow");
  if (p->state == BW_DEAL_OPEN && p->stale_at != BW_TIME_NONE)
    bw_json_cstr(out, "stale");
  bw_json_close(out, ']');
}

void bw_deal_json(struct bw_buf *out, const struct bw_deal *p, int64_t now_ms)
{
  static const struct {
    const char *key;
    enum bw_deal_text text;
  } texts[] = {{"crm", BW_DEAL_CRM},           {"lead", BW_DEAL_LEAD},
               {"account", BW_DEAL_ACCOUNT},   {"name", BW_DEAL_NAME},
               {"pipeline", BW_DEAL_PIPELINE}, {"motion", BW_DEAL_MOTION},
               {"type", BW_DEAL_TYPE},         {"play", BW_DEAL_PLAY},
               {"owner", BW_DEAL_OWNER},       {"csm", BW_DEAL_CSM},
               {"source", BW_DEAL_SOURCE},     {"stage", BW_DEAL_STAGE},
               {"currency", BW_DEAL_CURRENCY}, {"loss_reason", BW_DEAL_LOSS_REASON}};
  int64_t until = p->closed_at != BW_TIME_NONE ? p->closed_at : now_ms;
  size_t i;
  bw_json_open(out, '{');
  bw_json_key(out, "opportunity");
  bw_json_cstr(out, p->text[BW_DEAL_ID]);
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    put_nullable(out, texts[i].key, p->text[texts[i].text]);
  bw_json_key(out, "state");
  bw_json_cstr(out, bw_deal_state_name(p->state));
  bw_json_key(out, "amount");
  bw_json_num(out, p->amount);
  put_when(out, "created", p->created_at);
  put_when(out, "stage_entered", p->stage_at);
  bw_json_key(out, "days_in_stage");
  bw_json_int(out, p->stage_at != BW_TIME_NONE && now_ms > p->stage_at ? (now_ms - p->stage_at) / BW_DAY : 0);
  bw_json_key(out, "days_open");
  bw_json_int(out, p->created_at != BW_TIME_NONE && until > p->created_at ? (until - p->created_at) / BW_DAY : 0);
  bw_json_key(out, "close_date");
  if (p->close_at == BW_TIME_NONE)
    bw_json_null(out);
  else
    bw_json_day(out, bw_time_day(p->close_at));
  put_when(out, "closed", p->closed_at);
  put_contact(out, "champion", p->text[BW_DEAL_CHAMPION], p->text[BW_DEAL_CHAMPION_NAME]);
  put_contact(out, "economic_buyer", p->text[BW_DEAL_BUYER], p->text[BW_DEAL_BUYER_NAME]);
  put_split(out, p);
  put_flags(out, p);
  put_steps(out, p);
  bw_json_close(out, '}');
}

int bw_deal_outcomes_json(struct bw_deals *d, const struct bw_deal *deal, struct bw_buf *out, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = BW_OK;
  bw_json_open(out, '[');
  if (d->store)
    rc = bw_store_prepare(d->store,
                          "SELECT at, recorded, who, outcome, amount, reason, note, split, by_record FROM deal_outcome WHERE "
                          "deal = ?1 ORDER BY n",
                          &q, err);
  if (rc == 0 && d->store)
    bw_stmt_text(q, 1, bw_str(deal->text[BW_DEAL_ID]));
  while (rc >= 0 && d->store && (rc = bw_stmt_step(q, err)) == 1) {
    bw_json_open(out, '{');
    put_when(out, "at", bw_stmt_col_int(q, 0));
    put_when(out, "recorded", bw_stmt_col_int(q, 1));
    bw_json_key(out, "who");
    bw_json_str(out, bw_stmt_col_str(q, 2));
    bw_json_key(out, "outcome");
    bw_json_str(out, bw_stmt_col_str(q, 3));
    bw_json_key(out, "amount");
    bw_json_num(out, bw_stmt_col_null(q, 4) ? NAN : bw_stmt_col_num(q, 4));
    bw_json_key(out, "reason");
    bw_json_str(out, bw_stmt_col_str(q, 5));
    bw_json_key(out, "note");
    bw_json_str(out, bw_stmt_col_str(q, 6));
    bw_json_key(out, "split");
    bw_json_str(out, bw_stmt_col_str(q, 7));
    bw_json_key(out, "by_record");
    bw_json_bool(out, bw_stmt_col_int(q, 8) != 0);
    bw_json_close(out, '}');
  }
  bw_json_close(out, ']');
  return rc < 0 ? rc : BW_OK;
}
