/* SPDX-License-Identifier: Apache-2.0 */
/* Deals in memory: their table, their stages, what a tick finds too slow.  Runs in core and in replays. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "deals/private.h"

static const char *const state_names[] = {"none", "open", "won", "lost"};

const char *bw_deal_state_name(enum bw_deal_state state)
{
  return state_names[state];
}

static const char *const outcome_names[] = {"", "conversation", "opportunity", "proposal", "won", "lost", "nothing"};
#define NOUTCOMES (sizeof outcome_names / sizeof *outcome_names)

const char *bw_outcome_name(enum bw_outcome outcome)
{
  return outcome_names[outcome];
}

enum bw_outcome bw_outcome_parse(struct bw_str word)
{
  size_t i;
  for (i = 1; i < NOUTCOMES; i++)
    if (bw_str_is(word, outcome_names[i]))
      return (enum bw_outcome)i;
  return BW_OUTCOME_NONE;
}

bool bw_outcome_final(enum bw_outcome outcome)
{
  return outcome == BW_OUTCOME_WON || outcome == BW_OUTCOME_LOST || outcome == BW_OUTCOME_NOTHING;
}

/* ---- one deal ---- */

struct deal *deal_new(struct bw_deals *d, struct bw_str id)
{
  struct deal *deal = bw_alloc(sizeof *deal);
  struct bw_deal *p = &deal->pub;
  size_t i;
  for (i = 0; i < BW_DEAL_TEXTS; i++)
    p->text[i] = i == BW_DEAL_ID ? bw_str_dup(id) : bw_strdup("");
  p->amount = NAN;
  p->created_at = p->stage_at = p->close_at = p->closed_at = p->slow_at = p->stale_at = p->said_at = BW_TIME_NONE;
  p->amount_at = p->close_set_at = p->owner_at = p->crm_at = BW_TIME_NONE;
  BW_ASSERT(!bw_map_put(d->by_id, id, deal));
  return deal;
}

static void deal_free(void *item)
{
  struct deal *deal = item;
  size_t i;
  for (i = 0; i < BW_DEAL_TEXTS; i++)
    free(deal->pub.text[i]);
  for (i = 0; i < deal->pub.nsteps; i++) {
    free(deal->pub.steps[i].stage);
    free(deal->pub.steps[i].who);
  }
  free(deal->pub.steps);
  free(deal);
}

struct bw_str deal_text(const struct deal *deal, enum bw_deal_text which)
{
  return bw_str(deal->pub.text[which]);
}

void deal_set(struct deal *deal, enum bw_deal_text which, struct bw_str value)
{
  char *copy = bw_str_dup(value);
  free(deal->pub.text[which]);
  deal->pub.text[which] = copy;
}

static void lead_key(struct bw_buf *key, struct bw_str lead, struct bw_str account)
{
  bw_buf_add_str(key, lead);
  bw_buf_add_char(key, '\0');
  bw_buf_add_str(key, account);
}

void deal_index(struct bw_deals *d, struct deal *deal)
{
  struct bw_buf key = {0};
  if (deal->pub.text[BW_DEAL_CRM][0])
    bw_map_put(d->by_crm, deal_text(deal, BW_DEAL_CRM), deal);
  if (deal->pub.text[BW_DEAL_LEAD][0]) {
    lead_key(&key, deal_text(deal, BW_DEAL_LEAD), deal_text(deal, BW_DEAL_ACCOUNT));
    bw_map_put(d->by_lead, bw_buf_str(&key), deal);
  }
  bw_buf_clear(&key);
}

void deal_forget(struct bw_deals *d, struct deal *deal)
{
  struct bw_buf key = {0};
  lead_key(&key, deal_text(deal, BW_DEAL_LEAD), deal_text(deal, BW_DEAL_ACCOUNT));
  if (bw_map_get(d->by_lead, bw_buf_str(&key)) == deal)
    (void)bw_map_remove(d->by_lead, bw_buf_str(&key));
  (void)bw_map_remove(d->by_id, deal_text(deal, BW_DEAL_ID));
  bw_buf_clear(&key);
  deal_free(deal);
}

struct deal *deal_of_lead(const struct bw_deals *d, struct bw_str lead, struct bw_str account)
{
  struct bw_buf key = {0};
  struct deal *deal;
  lead_key(&key, lead, account);
  deal = bw_map_get(d->by_lead, bw_buf_str(&key));
  bw_buf_clear(&key);
  return deal;
}

void deal_changed(struct bw_deals *d, struct deal *deal)
{
  deal->dirty = d->dirty = true;
}

void deal_add_step(struct deal *deal, struct bw_str stage, int64_t at, struct bw_str who, bool by_record)
{
  struct bw_deal *p = &deal->pub;
  if (p->nsteps == deal->steps_cap) {
    deal->steps_cap = deal->steps_cap ? deal->steps_cap * 2 : 8;
    p->steps = bw_realloc(p->steps, deal->steps_cap, sizeof *p->steps);
  }
  p->steps[p->nsteps++] =
      (struct bw_deal_step){.stage = bw_str_dup(stage), .at = at, .who = bw_str_dup(who), .by_record = by_record};
}

void deal_enter(struct bw_deals *d, struct deal *deal, const struct bw_deal_stage *stage, int64_t at, struct bw_str who,
                bool by_record)
{
  struct bw_deal *p = &deal->pub;
  if (p->state != BW_DEAL_NONE && strcmp(p->text[BW_DEAL_STAGE], stage->name) == 0)
    return;
  if (p->nsteps >= MAX_STEPS) { /* a CRM that goes to and fro without end: where it stands is kept, how it came there is not */
    free(p->steps[p->nsteps - 1].stage);
    free(p->steps[p->nsteps - 1].who);
    p->nsteps--;
    deal->saved_steps = deal->saved_steps > p->nsteps ? p->nsteps : deal->saved_steps;
  }
  deal_add_step(deal, bw_str(stage->name), at, who, by_record);
  deal_set(deal, BW_DEAL_STAGE, bw_str(stage->name));
  p->state = stage->state;
  p->stage_at = at;
  p->slow_at = BW_TIME_NONE;
  p->closed_at = stage->state == BW_DEAL_OPEN ? BW_TIME_NONE : at;
  if (stage->state != BW_DEAL_LOST)
    deal_set(deal, BW_DEAL_LOSS_REASON, BW_STR(""));
  if (stage->state != BW_DEAL_WON)
    deal_set(deal, BW_DEAL_SPLIT, BW_STR(""));
  deal_changed(d, deal);
}

void deal_notice(struct bw_deals *d, int64_t at, struct bw_str account, const char *code, const char *fmt, ...)
{
  char text[600];
  va_list args;
  if (!d->events.notice)
    return;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  d->events.notice(d->events.ctx, at, account, bw_str(code), bw_str(text));
}

static char *copy_of(const char *s)
{
  return bw_strdup(s ? s : "");
}

void deal_entry(struct bw_deals *d, struct deal *deal, const struct entry *e)
{
  struct entry *mine;
  deal->pub.entries = e->number;
  deal->pub.said = e->outcome;
  if (deal->pub.said_at == BW_TIME_NONE || e->at > deal->pub.said_at)
    deal->pub.said_at = e->at;
  deal_changed(d, deal);
  if (!d->store)
    return;
  if (d->nentries == d->entries_cap) {
    d->entries_cap = d->entries_cap ? d->entries_cap * 2 : 16;
    d->entries = bw_realloc(d->entries, d->entries_cap, sizeof *d->entries);
  }
  mine = &d->entries[d->nentries++];
  *mine = *e;
  mine->deal = deal;
  mine->who = copy_of(e->who);
  mine->via = copy_of(e->via);
  mine->reason = copy_of(e->reason);
  mine->note = copy_of(e->note);
  mine->split = copy_of(e->split);
}

/* ---- life ---- */

int bw_deals_open(struct bw_store *store, const struct bw_deals_options *options, const struct bw_deals_leads *leads,
                  const struct bw_book *book, const struct bw_deals_events *events, struct bw_deals **ret_deals,
                  struct bw_error *err)
{
  struct bw_deals *d = bw_alloc(sizeof *d);
  int rc = BW_OK;
  d->store = store;
  d->options = options;
  d->leads = *leads;
  d->book = book;
  d->events = *events;
  d->by_id = bw_map_new();
  d->by_crm = bw_map_new();
  d->by_lead = bw_map_new();
  d->told = bw_map_new();
  if (store)
    rc = deals_load(d, err);
  if (rc < 0)
    bw_deals_close(&d);
  else
    *ret_deals = d;
  return rc;
}

void bw_deals_close(struct bw_deals **deals)
{
  struct bw_deals *d = *deals;
  size_t i;
  if (!d)
    return;
  bw_map_free(&d->by_lead, NULL);
  bw_map_free(&d->by_crm, NULL);
  bw_map_free(&d->by_id, deal_free);
  bw_map_free(&d->told, NULL);
  for (i = 0; i < d->nentries; i++)
    entry_clear(&d->entries[i]);
  free(d->entries);
  bw_buf_clear(&d->text);
  free(d);
  *deals = NULL;
}

void bw_deals_set_options(struct bw_deals *d, const struct bw_deals_options *options)
{
  d->options = options;
}

/* ---- ticks ---- */

static int days(int64_t ms)
{
  return (int)(ms / BW_DAY);
}

static void check_stage(struct bw_deals *d, struct deal *deal, int64_t now)
{
  struct bw_deal *p = &deal->pub;
  int i = bw_deal_stage_find(d->options, deal_text(deal, BW_DEAL_STAGE));
  int64_t within = i < 0 ? 0 : d->options->stages[i].within_ms;
  char since[11];
  if (within == 0 || p->slow_at != BW_TIME_NONE || now - p->stage_at <= within)
    return;
  p->slow_at = now;
  bw_day_format(bw_time_day(p->stage_at), since);
  deal_changed(d, deal);
  deal_notice(
      d, now, deal_text(deal, BW_DEAL_ACCOUNT), "deal_slow",
      "%s (%s, owner %s) has been in %s since %s; %d days are planned. Record what came of it: basewatch outcome %s ...",
      p->text[BW_DEAL_NAME], p->text[BW_DEAL_LEAD], p->text[BW_DEAL_OWNER], p->text[BW_DEAL_STAGE], since, days(within),
      p->text[BW_DEAL_LEAD]);
}

static void check_age(struct bw_deals *d, struct deal *deal, int64_t now)
{
  struct bw_deal *p = &deal->pub;
  if (p->stale_at != BW_TIME_NONE || now - p->created_at < d->options->stale_ms)
    return;
  p->stale_at = now;
  deal_changed(d, deal);
  deal_notice(d, now, deal_text(deal, BW_DEAL_ACCOUNT), "deal_stale",
              "%s (%s, owner %s) has been open for %d days and is in %s: close it, or find out what holds it up. "
              "basewatch deals --stale lists such deals",
              p->text[BW_DEAL_NAME], p->text[BW_DEAL_LEAD], p->text[BW_DEAL_OWNER], days(now - p->created_at),
              p->text[BW_DEAL_STAGE]);
}

void bw_deals_tick(struct bw_deals *d, int64_t now_ms)
{
  size_t i = 0;
  void *item;
  while (bw_map_next(d->by_id, &i, NULL, &item)) {
    struct deal *deal = item;
    if (deal->pub.state != BW_DEAL_OPEN)
      continue;
    check_stage(d, deal, now_ms);
    check_age(d, deal, now_ms);
    d->leads.keep(d->leads.ctx, deal_text(deal, BW_DEAL_LEAD), deal_text(deal, BW_DEAL_ACCOUNT), now_ms);
  }
}

/* ---- questions ---- */

const struct bw_deal *bw_deals_find(const struct bw_deals *d, struct bw_str id)
{
  return bw_map_get(d->by_id, id);
}

const struct bw_deal *bw_deals_of(struct bw_deals *d, const struct bw_lead *lead)
{
  struct bw_buf id = {0};
  const struct bw_deal *deal;
  deal_id_of(lead, &id);
  deal = bw_map_get(d->by_id, bw_buf_str(&id));
  bw_buf_clear(&id);
  return deal;
}

int bw_deals_each(const struct bw_deals *d, int (*fn)(void *ctx, const struct bw_deal *deal), void *ctx)
{
  size_t i = 0;
  void *item;
  int rc = BW_OK;
  while (rc >= 0 && bw_map_next(d->by_id, &i, NULL, &item)) {
    const struct deal *deal = item;
    if (deal->pub.state != BW_DEAL_NONE)
      rc = fn(ctx, &deal->pub);
  }
  return rc < 0 ? rc : BW_OK;
}
