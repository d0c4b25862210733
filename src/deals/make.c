/* SPDX-License-Identifier: Apache-2.0 */
/* What an opportunity is made of: the lead, the account's people, the dates.  And the engine as this room sees it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "deals/private.h"

#define MAX_COMPANY 120 /* bytes of a company's name in the name of a deal */

/* ---- the engine ---- */

static const struct bw_lead *engine_find(void *ctx, struct bw_str id)
{
  return bw_leads_find(ctx, id);
}

static int engine_close(void *ctx, struct bw_str id, struct bw_str reason, int64_t now_ms, struct bw_error *err)
{
  return bw_lead_close(ctx, id, reason, now_ms, err);
}

static void engine_keep(void *ctx, struct bw_str id, struct bw_str account, int64_t now_ms)
{
  bw_lead_keep(ctx, id, account, now_ms);
}

struct bw_deals_leads bw_deals_engine(struct bw_engine *engine)
{
  return (struct bw_deals_leads){engine, engine_find, engine_close, engine_keep};
}

/* ---- names ---- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits: only to tell leads of the same number in different installations apart. */
static uint64_t mix(uint64_t h, struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    h = (h ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
  return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

void deal_id_of(const struct bw_lead *lead, struct bw_buf *out)
{
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  char opened[BW_TIME_TEXT];
  bw_time_format(lead->opened_at, opened);
  h = mix(mix(mix(h, bw_str(lead->account)), bw_str(lead->play)), bw_str(opened));
  bw_buf_printf(out, "bw-%s-%010llx", lead->id, (unsigned long long)(h & UINT64_C(0xffffffffff)));
}

/* "cross_sell" → "Cross-sell". */
static void add_label(struct bw_buf *out, const char *word)
{
  size_t i;
  for (i = 0; word[i]; i++)
    bw_buf_add_char(out, i == 0 && word[0] >= 'a' && word[0] <= 'z' ? (char)(word[0] - 32) : word[i] == '_' ? '-' : word[i]);
}

/* One line, and no longer than fits. */
static void add_company(struct bw_buf *out, struct bw_str s)
{
  size_t n = s.len > MAX_COMPANY ? MAX_COMPANY : s.len, i;
  while (n && n < s.len && ((unsigned char)s.data[n] & 0xC0) == 0x80)
    n--;
  for (i = 0; i < n; i++)
    bw_buf_add_char(out, (unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f ? ' ' : s.data[i]);
}

/* "$4,800", "4,800 SEK": whole units, grouped. */
static void add_money(struct bw_buf *out, double amount, const char *currency)
{
  static const struct {
    const char *code, *sign;
  } signs[] = {{"USD", "$"}, {"EUR", "€"}, {"GBP", "£"}};
  char digits[400];
  size_t i, n;
  const char *sign = NULL;
  for (i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strcmp(currency, signs[i].code) == 0)
      sign = signs[i].sign;
  n = (size_t)snprintf(digits, sizeof digits, "%.0f", round(amount));
  if (sign)
    bw_buf_add_cstr(out, sign);
  for (i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0)
      bw_buf_add_char(out, ',');
    bw_buf_add_char(out, digits[i]);
  }
  if (!sign && *currency)
    bw_buf_printf(out, " %s", currency);
}

static const struct bw_entity *account_of(const struct bw_deals *d, const struct deal *deal)
{
  return bw_book_find(d->book, BW_ENTITY_ACCOUNT, deal_text(deal, BW_DEAL_ACCOUNT));
}

void deal_rename(struct bw_deals *d, struct deal *deal)
{
  const struct bw_entity *account = account_of(d, deal);
  struct bw_str name = account ? bw_entity_text(account, "name") : BW_STR("");
  struct bw_buf out = {0};
  add_company(&out, name.len ? name : deal_text(deal, BW_DEAL_ACCOUNT));
  bw_buf_add_cstr(&out, " - ");
  add_label(&out, deal->pub.text[BW_DEAL_MOTION]);
  if (deal->pub.text[BW_DEAL_TYPE][0]) {
    bw_buf_add_cstr(&out, " - ");
    add_label(&out, deal->pub.text[BW_DEAL_TYPE]);
  }
  if (isfinite(deal->pub.amount)) {
    bw_buf_add_cstr(&out, " - ");
    add_money(&out, deal->pub.amount, deal->pub.text[BW_DEAL_CURRENCY]);
  }
  deal_set(deal, BW_DEAL_NAME, bw_buf_str(&out));
  bw_buf_clear(&out);
}

/* ---- what a lead says ---- */

void deal_from_lead(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead)
{
  deal_set(deal, BW_DEAL_LEAD, bw_str(lead->id));
  deal_set(deal, BW_DEAL_ACCOUNT, bw_str(lead->account));
  deal_set(deal, BW_DEAL_MOTION, bw_str(lead->motion));
  deal_set(deal, BW_DEAL_TYPE, bw_str(lead->type));
  deal_set(deal, BW_DEAL_PLAY, bw_str(lead->play));
  deal_set(deal, BW_DEAL_CURRENCY, bw_str(lead->currency));
  deal_set(deal, BW_DEAL_SOURCE, bw_str(lead->primary_signal));
  deal_set(deal, BW_DEAL_OWNER_ROLE, bw_str(lead->owner_role));
  deal_set(deal, BW_DEAL_LEAD_OWNER, bw_str(lead->owner));
  deal_index(d, deal);
}

struct people {
  struct deal *deal;
  bool champion, buyer;
};

static bool has_role(const struct bw_entity *contact, const char *a, const char *b)
{
  struct bw_str role = bw_entity_text(contact, "role");
  return (role.len == strlen(a) && strncasecmp(role.data, a, role.len) == 0) ||
         (role.len == strlen(b) && strncasecmp(role.data, b, role.len) == 0);
}

/* The first of each in order of contact id: the one that a draft addresses, too. */
static int look_at(void *ctx, const struct bw_entity *contact)
{
  struct people *p = ctx;
  if (!p->champion && has_role(contact, "champion", "champion")) {
    p->champion = true;
    deal_set(p->deal, BW_DEAL_CHAMPION, bw_entity_id(contact));
    deal_set(p->deal, BW_DEAL_CHAMPION_NAME, bw_entity_text(contact, "name"));
  }
  if (!p->buyer && has_role(contact, "economic_buyer", "buyer")) {
    p->buyer = true;
    deal_set(p->deal, BW_DEAL_BUYER, bw_entity_id(contact));
    deal_set(p->deal, BW_DEAL_BUYER_NAME, bw_entity_text(contact, "name"));
  }
  return BW_OK;
}

/* The renewal's day where the lead is joined to it or is itself about it; else by the lead's urgency. */
static int64_t close_date(const struct bw_deals *d, const struct bw_lead *lead, int64_t at)
{
  const struct bw_deals_options *o = d->options;
  bool urgent = strcmp(lead->priority, "high") == 0, cross = strcmp(lead->type, "cross_sell") == 0;
  int64_t renewal = lead->close_at, span;
  if (renewal == BW_TIME_NONE && strcmp(lead->motion, "renewal") == 0)
    renewal = bw_book_renewal(bw_book_find(d->book, BW_ENTITY_ACCOUNT, bw_str(lead->account)),
                              bw_book_find(d->book, BW_ENTITY_SUBSCRIPTION, bw_str(lead->account)), NULL);
  if (renewal != BW_TIME_NONE && renewal >= at)
    return bw_day_time(bw_time_day(renewal));
  span = cross ? (urgent ? o->cross_close_urgent_ms : o->cross_close_ms) : urgent ? o->close_urgent_ms : o->close_ms;
  return bw_day_time(bw_time_day(at + span));
}

void deal_expect(struct bw_deals *d, struct deal *deal, int64_t at)
{
  const struct bw_lead *lead = d->leads.find(d->leads.ctx, deal_text(deal, BW_DEAL_LEAD));
  if (lead && bw_str_is(deal_text(deal, BW_DEAL_ACCOUNT), lead->account))
    deal->pub.close_at = close_date(d, lead, at);
  else
    deal->pub.close_at = bw_day_time(bw_time_day(at + d->options->close_ms));
  deal->pub.close_set_at = at;
}

void deal_make(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead, int64_t at)
{
  const struct bw_entity *account = account_of(d, deal);
  struct bw_str owner = account ? bw_entity_text(account, "owner") : BW_STR("");
  struct people people = {.deal = deal};
  deal_set(deal, BW_DEAL_PIPELINE, bw_str(bw_deals_pipeline(d->options, lead->motion)));
  deal_set(deal, BW_DEAL_OWNER, owner.len ? owner : bw_str(lead->owner));
  deal_set(deal, BW_DEAL_CSM, account ? bw_entity_text(account, "csm") : BW_STR(""));
  deal->pub.close_at = close_date(d, lead, at);
  deal->pub.created_at = deal->pub.close_set_at = deal->pub.owner_at = deal->pub.amount_at = at;
  (void)bw_book_each_of(d->book, BW_ENTITY_CONTACT, deal_text(deal, BW_DEAL_ACCOUNT), look_at, &people);
  deal_changed(d, deal);
}
