/* SPDX-License-Identifier: Apache-2.0 */
/* The header names that we know, by kind of table.  Runs in core and the command line; no privileges. */
#include "ingest/csv_columns.h"

#include <stdio.h>
#include <strings.h>

#include "base/error.h"
#include "ingest/csv.h"
#include "ingest/mask.h"

/* names: in order of preference; to: NULL where the place says all. */
struct row {
  uint32_t kind; /* BW_KIND_NONE: all */
  enum bw_csv_place place;
  const char *to;
  const char *names;
};

#define ANY BW_KIND_NONE
static const struct row rows[] = {
    {ANY, BW_CSV_TIME, NULL, "timestamp as_of event_time"},
    {ANY, BW_CSV_MESSAGE_ID, NULL, "message_id"},
    {BW_KIND_ACCOUNT, BW_CSV_ACCOUNT, NULL, "account_id id account customer_id company_id group_id"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "name", "name account_name company_name company customer_name customer"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "start", "start start_date contract_start customer_since signed_date"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "renewal", "renewal renewal_date contract_renewal_date contract_end end_date"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "acv", "acv annual_contract_value contract_value"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "arr", "arr annual_recurring_revenue"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "owner", "owner account_owner owner_email account_executive ae"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "csm", "csm customer_success_manager csm_email"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "domains", "domains domain email_domain email_domains"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "health", "health health_status"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "stage", "stage journey_stage lifecycle_stage"},
    {BW_KIND_ACCOUNT, BW_CSV_TRAIT, "segment", "segment account_segment"},
    {BW_KIND_CONTACT, BW_CSV_SUBJECT, NULL, "contact_id id email"},
    {BW_KIND_CONTACT, BW_CSV_ACCOUNT, NULL, "account_id account customer_id company_id group_id"},
    {BW_KIND_CONTACT, BW_CSV_TRAIT, "name", "name full_name contact_name"},
    {BW_KIND_CONTACT, BW_CSV_TRAIT, "email", "email email_address e_mail"},
    {BW_KIND_CONTACT, BW_CSV_TRAIT, "title", "title job_title"},
    {BW_KIND_CONTACT, BW_CSV_TRAIT, "do_not_contact", "do_not_contact opted_out unsubscribed"},
    {BW_KIND_PLAN, BW_CSV_SUBJECT, NULL, "plan_id id plan"},
    {BW_KIND_PLAN, BW_CSV_TRAIT, "name", "name plan_name"},
    {BW_KIND_PLAN, BW_CSV_TRAIT, "seat_price", "seat_price price_per_seat"},
    {BW_KIND_PLAN, BW_CSV_TRAIT, "next", "next next_plan upgrade_to"},
    {BW_KIND_SUBSCRIPTION, BW_CSV_ACCOUNT, NULL, "account_id account customer_id company_id group_id"},
    {BW_KIND_SUBSCRIPTION, BW_CSV_SUBJECT, NULL, "subscription_id id"},
    {BW_KIND_SUBSCRIPTION, BW_CSV_TRAIT, "start", "start start_date contract_start"},
    {BW_KIND_SUBSCRIPTION, BW_CSV_TRAIT, "end", "end end_date contract_end renewal renewal_date"},
    {BW_KIND_SUBSCRIPTION, BW_CSV_TRAIT, "auto_renew", "auto_renew auto_renewal"},
    {BW_KIND_OPPORTUNITY, BW_CSV_SUBJECT, NULL, "opportunity_id deal_id id"},
    {BW_KIND_OPPORTUNITY, BW_CSV_ACCOUNT, NULL, "account_id account customer_id company_id group_id"},
    {BW_KIND_OPPORTUNITY, BW_CSV_TRAIT, "name", "name opportunity_name deal_name"},
    {BW_KIND_OPPORTUNITY, BW_CSV_TRAIT, "stage", "stage deal_stage"},
    {BW_KIND_OPPORTUNITY, BW_CSV_TRAIT, "amount", "amount deal_amount value"},
    {BW_KIND_OPPORTUNITY, BW_CSV_TRAIT, "close_date", "close_date closed_at closed_date"},
    {BW_KIND_OPPORTUNITY, BW_CSV_TRAIT, "loss_reason", "loss_reason lost_reason closed_lost_reason"},
    /* Shared by accounts and subscriptions; after the rows above, which go first. */
    {ANY, BW_CSV_TRAIT, "seats", "seats seat_count licenses licences purchased_seats"},
    {ANY, BW_CSV_TRAIT, "plan", "plan plan_id plan_name tier"},
    {ANY, BW_CSV_TRAIT, "limits.api_calls", "limits.api_calls api_limit api_call_limit api_calls_limit"},
};
#define NROWS (sizeof rows / sizeof *rows)

int bw_csv_snake(struct bw_str head, char *out)
{
  size_t i, n = 0;
  bool gap = false;
  for (i = 0; i < head.len; i++) {
    unsigned char c = (unsigned char)head.data[i];
    bool upper = c >= 'A' && c <= 'Z';
    bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c >= 0x80;
    bool was_lower =
        i > 0 && ((head.data[i - 1] >= 'a' && head.data[i - 1] <= 'z') || (head.data[i - 1] >= '0' && head.data[i - 1] <= '9'));
    if (!word) {
      gap = n > 0;
      continue;
    }
    if (n + 2 > BW_FIELD_KEY_MAX)
      return BW_EINVAL;
    if ((gap || (upper && was_lower)) && n > 0 && out[n - 1] != '.' && c != '.')
      out[n++] = '_';
    out[n++] = (char)(upper ? c - 'A' + 'a' : c);
    gap = false;
  }
  out[n] = '\0';
  return BW_OK;
}

/* The position of a word in a list of words, or -1. */
static int word_at(const char *list, struct bw_str word)
{
  int i = 0;
  while (*list) {
    size_t n = strcspn(list, " ");
    if (n == word.len && memcmp(list, word.data, n) == 0)
      return i;
    list += n + (list[n] == ' ');
    i++;
  }
  return -1;
}

enum bw_csv_place bw_csv_column(uint32_t kind, struct bw_str snake, struct bw_str *ret_name, unsigned *ret_rank)
{
  size_t i;
  if (bw_is_write_key(snake)) {
    *ret_name = snake;
    *ret_rank = 0;
    return BW_CSV_SECRET;
  }
  for (i = 0; i < NROWS; i++) {
    int at = rows[i].kind == kind || rows[i].kind == ANY ? word_at(rows[i].names, snake) : -1;
    if (at < 0)
      continue;
    *ret_name = bw_str(rows[i].to ? rows[i].to : "");
    *ret_rank = (unsigned)at;
    return rows[i].place;
  }
  *ret_name = snake;
  *ret_rank = 0;
  return BW_CSV_TRAIT;
}

enum bw_csv_place bw_csv_id_place(uint32_t kind)
{
  return kind == BW_KIND_ACCOUNT || kind == BW_KIND_SUBSCRIPTION ? BW_CSV_ACCOUNT : BW_CSV_SUBJECT;
}

const char *bw_csv_id_missing(uint32_t kind)
{
  switch (kind) {
  case BW_KIND_ACCOUNT:
  case BW_KIND_SUBSCRIPTION:
    return "the header has no column for the account (account_id)";
  case BW_KIND_CONTACT:
    return "the header has no column for the contact (contact_id, id or email)";
  case BW_KIND_PLAN:
    return "the header has no column for the plan (plan_id, id or plan)";
  case BW_KIND_OPPORTUNITY:
    return "the header has no column for the opportunity (opportunity_id, deal_id or id)";
  default:
    return NULL;
  }
}

static uint32_t guess_name(const char *file_name)
{
  static const struct {
    const char *part;
    uint32_t kind;
  } parts[] = {{"subscription", BW_KIND_SUBSCRIPTION}, {"contract", BW_KIND_SUBSCRIPTION}, {"contact", BW_KIND_CONTACT},
               {"opportunit", BW_KIND_OPPORTUNITY},    {"deal", BW_KIND_OPPORTUNITY},      {"plan", BW_KIND_PLAN},
               {"account", BW_KIND_ACCOUNT},           {"customer", BW_KIND_ACCOUNT},      {"compan", BW_KIND_ACCOUNT}};
  const char *base, *p;
  size_t i;
  if (!file_name)
    return BW_KIND_NONE;
  base = strrchr(file_name, '/');
  base = base ? base + 1 : file_name;
  for (i = 0; i < sizeof parts / sizeof *parts; i++)
    for (p = base; *p; p++)
      if (strncasecmp(p, parts[i].part, strlen(parts[i].part)) == 0)
        return parts[i].kind;
  return BW_KIND_NONE;
}

uint32_t bw_csv_guess(const struct bw_str *heads, size_t n, const char *file_name)
{
  static const struct {
    const char *name;
    uint32_t kind;
  } telling[] = {{"opportunity_id", BW_KIND_OPPORTUNITY},   {"deal_id", BW_KIND_OPPORTUNITY}, {"contact_id", BW_KIND_CONTACT},
                 {"subscription_id", BW_KIND_SUBSCRIPTION}, {"account_id", BW_KIND_ACCOUNT},  {"plan_id", BW_KIND_PLAN}};
  char snake[BW_FIELD_KEY_MAX + 1];
  uint32_t kind = guess_name(file_name);
  size_t i, k;
  for (k = 0; kind == BW_KIND_NONE && k < sizeof telling / sizeof *telling; k++)
    for (i = 0; i < n; i++)
      if (bw_csv_snake(heads[i], snake) == 0 && strcmp(snake, telling[k].name) == 0)
        kind = telling[k].kind;
  return kind;
}

const char *bw_csv_help(size_t i)
{
  static _Thread_local char line[256];
  const char *kind, *to;
  if (i >= NROWS)
    return NULL;
  kind = rows[i].kind == ANY ? "any table" : bw_kind_name(rows[i].kind);
  switch (rows[i].place) {
  case BW_CSV_ACCOUNT:
    to = "account id";
    break;
  case BW_CSV_SUBJECT:
    to = "own id";
    break;
  case BW_CSV_TIME:
    to = "time of the row";
    break;
  case BW_CSV_MESSAGE_ID:
    to = "message id";
    break;
  default:
    to = rows[i].to;
  }
  (void)snprintf(line, sizeof line, "%s: %s <- %s", kind, to, rows[i].names);
  return line;
}
