/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.*: the names of the account, and what of it is computed rather than read.  Runs in core and replays; no privileges.
 */
#include <math.h>

#include "base/currency.h"
#include "base/time.h"
#include "names/private.h"

COMPUTE(account_id)
{
  UNUSED;
  *ret = bw_value_string(env->account);
  bw_from_computed(ret_from, "account.id");
}

/* What the contract is worth a year: the field of that name, else its twin, for many records have but one of them. */
static void contract_value(struct bw_env *env, const char *first, const char *second, struct bw_value *ret,
                           struct bw_provenance *ret_from)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  const char *field = e && isfinite(bw_entity_number(e, first, NAN)) ? first : second;
  double v = e ? bw_entity_number(e, field, NAN) : NAN;
  if (!isfinite(v)) {
    bw_env_missing(env, ret, "account.%s: an account record with traits.%s%.*s%.*s", first, first,
                   BW_FMT(bw_env_unread(env, e, first, NUMBER)), BW_FMT(bw_env_unread(env, e, second, NUMBER)));
    return;
  }
  *ret = bw_value_double(v);
  if (ret_from)
    bw_from_field(ret_from, e, bw_env_keep(env, "account %.*s: traits.%s", BW_FMT(env->account), field).data, field);
}

COMPUTE(account_arr)
{
  (void)row;
  contract_value(env, "arr", "acv", ret, ret_from);
}

COMPUTE(account_acv)
{
  (void)row;
  contract_value(env, "acv", "arr", ret, ret_from);
}

/* What the book holds from before it knew the spelling, and a setting, may be "eur". */
static struct bw_value currency_value(struct bw_str said)
{
  const char *code = bw_currency_code(said);
  return bw_value_string(code ? bw_str(code) : said);
}

COMPUTE(account_currency)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  struct bw_str v = e ? bw_entity_text(e, "currency") : BW_STR("");
  (void)row;
  if (v.len) {
    *ret = currency_value(v);
    bw_from_field(ret_from, e, "account: traits.currency", "currency");
    return;
  }
  *ret = currency_value(bw_str(env->from->currency));
  bw_from_setting(ret_from, "leads.currency");
}

/* The last day of a month; and a day of a month that may be too short for it, or beyond December. */
static int32_t end_of_month(int year, int month)
{
  return (month == 12 ? bw_day_from_civil(year + 1, 1, 1) : bw_day_from_civil(year, month + 1, 1)) - 1;
}

static int32_t month_day(int year, int month, int day)
{
  int y = year + (month > 0 ? (month - 1) / 12 : -((12 - month) / 12)), m = (month - 1) % 12;
  int32_t last;
  m = (m < 0 ? m + 12 : m) + 1;
  last = end_of_month(y, m);
  return bw_day_from_civil(y, m, 1) + day - 1 > last ? last : bw_day_from_civil(y, m, 1) + day - 1;
}

int64_t bw_env_start(struct bw_env *env)
{
  const struct bw_entity *e;
  if (env->start != INT64_MAX)
    return env->start;
  e = bw_env_record(env, R_ACCOUNT);
  return env->start = e ? bw_entity_time(e, "start") : BW_TIME_NONE;
}

COMPUTE(account_tenure)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  int64_t start = bw_env_start(env);
  (void)row;
  if (start == BW_TIME_NONE) {
    bw_env_missing(env, ret, "account.tenure: an account record with traits.start (the day they became a customer)%.*s",
                   BW_FMT(bw_env_unread(env, e, "start", TIME)));
    return;
  }
  *ret = bw_value_duration(env->now_ms - start);
  bw_from_field(ret_from, e, "account: traits.start, until now", "start");
}

/* Calendar months, and the share of the one that has begun: 3 on the very day three months after. */
COMPUTE(account_months)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  int64_t start = bw_env_start(env);
  int32_t today = bw_time_day(env->now_ms), from, to;
  int year, month, day, y, m, d, whole;
  (void)row;
  if (start == BW_TIME_NONE) {
    bw_env_missing(env, ret, "account.months: an account record with traits.start (the day they became a customer)%.*s",
                   BW_FMT(bw_env_unread(env, e, "start", TIME)));
    return;
  }
  bw_day_to_civil(bw_time_day(start), &year, &month, &day);
  bw_day_to_civil(today, &y, &m, &d);
  whole = (y - year) * 12 + m - month - (d < day && today < end_of_month(y, m));
  from = month_day(year, month + whole, day);
  to = month_day(year, month + whole + 1, day);
  *ret = bw_value_double(whole + (double)(today - from) / (double)(to - from));
  bw_from_field(ret_from, e, "account: traits.start, until now", "start");
}

static int64_t renewal(struct bw_env *env, struct bw_provenance *ret_from)
{
  const struct bw_entity *account = bw_env_record(env, R_ACCOUNT), *says;
  int64_t t = bw_book_renewal(account, bw_env_record(env, R_SUBSCRIPTION), &says);
  if (says == account && says)
    bw_from_field(ret_from, says, "account: traits.renewal", "renewal");
  else if (says)
    bw_from_field(ret_from, says, "subscription: traits.end", "end");
  return t;
}

int64_t bw_env_renewal(struct bw_env *env)
{
  if (env->renewal == INT64_MAX)
    env->renewal = renewal(env, NULL);
  return env->renewal;
}

static void missing_renewal(struct bw_env *env, const char *name, struct bw_value *ret)
{
  bw_env_missing(env, ret, "%s: an account record with traits.renewal, or a subscription record with traits.end%.*s%.*s", name,
                 BW_FMT(bw_env_unread(env, bw_env_record(env, R_ACCOUNT), "renewal", TIME)),
                 BW_FMT(bw_env_unread(env, bw_env_record(env, R_SUBSCRIPTION), "end", TIME)));
}

COMPUTE(account_renewal)
{
  int64_t t = ret_from ? renewal(env, ret_from) : bw_env_renewal(env);
  (void)row;
  if (t == BW_TIME_NONE)
    missing_renewal(env, "account.renewal", ret);
  else
    *ret = bw_value_time(t);
}

COMPUTE(account_days_to_renewal)
{
  int64_t t = ret_from ? renewal(env, ret_from) : bw_env_renewal(env);
  (void)row;
  if (t == BW_TIME_NONE)
    missing_renewal(env, "account.days_to_renewal", ret);
  else
    *ret = bw_value_double((double)(bw_time_day(t) - bw_time_day(env->now_ms)));
}

COMPUTE(account_seats)
{
  const struct bw_entity *sub = bw_env_record(env, R_SUBSCRIPTION), *account = bw_env_record(env, R_ACCOUNT);
  double v = sub ? bw_entity_number(sub, "seats", NAN) : NAN;
  (void)row;
  if (isfinite(v)) {
    *ret = bw_value_double(v);
    bw_from_field(ret_from, sub, "subscription: traits.seats", "seats");
    return;
  }
  v = account ? bw_entity_number(account, "seats", NAN) : NAN;
  if (isfinite(v)) {
    *ret = bw_value_double(v);
    bw_from_field(ret_from, account, "account: traits.seats", "seats");
    return;
  }
  bw_env_missing(env, ret, "account.seats: a subscription record with traits.seats%.*s%.*s",
                 BW_FMT(bw_env_unread(env, sub, "seats", NUMBER)), BW_FMT(bw_env_unread(env, account, "seats", NUMBER)));
}

/* Nobody said so: then it is allowed. */
COMPUTE(account_do_not_contact)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  (void)row;
  *ret = bw_value_bool(e && bw_entity_flag(e, "do_not_contact"));
  if (e && bw_entity_field(e, "do_not_contact"))
    bw_from_field(ret_from, e, "account: traits.do_not_contact", "do_not_contact");
  else
    bw_from_setting(ret_from, "no account record says do_not_contact");
}

void bw_compute_density(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from)
{
  UNUSED;
  *ret = bw_value_double(bw_signals_density(env->from->signals, env->account));
  bw_from_computed(ret_from, "sum of the strengths of the open up signals");
}

COMPUTE(account_open_signals)
{
  UNUSED;
  *ret = bw_value_double((double)bw_signals_count_open(env->from->signals, env->account));
  bw_from_computed(ret_from, "open signals");
}

static int count_one(void *ctx, const struct bw_entity *e)
{
  (void)e;
  ++*(double *)ctx;
  return 0;
}

COMPUTE(account_contacts)
{
  double n = 0;
  UNUSED;
  bw_book_each_of(env->from->book, BW_ENTITY_CONTACT, env->account, count_one, &n);
  *ret = bw_value_double(n);
  bw_from_computed(ret_from, "contact records of the account");
}

/* What a record says, else what the contacts tell: a champion and a sponsor or buyer, one champion, or people without either.
 */
COMPUTE(account_relationship)
{
  const char *const *words = bw_relationship_words;
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  struct bw_str recorded = e ? bw_entity_text(e, "relationship") : BW_STR("");
  bool champion = bw_env_record(env, R_CHAMPION) != NULL;
  bool sponsor = bw_env_record(env, R_SPONSOR) || bw_env_record(env, R_BUYER);
  double n = 0;
  size_t i;
  (void)row;
  for (i = 0; words[i]; i++)
    if (bw_str_is(recorded, words[i])) {
      *ret = bw_value_string(recorded);
      bw_from_field(ret_from, e, "account: traits.relationship", "relationship");
      return;
    }
  bw_book_each_of(env->from->book, BW_ENTITY_CONTACT, env->account, count_one, &n);
  if (n < 1) {
    bw_env_missing(env, ret,
                   "account.relationship: contact records of the account with traits.role \"champion\", \"sponsor\" or "
                   "\"economic_buyer\"");
    return;
  }
  *ret = bw_value_string(bw_str(words[champion && sponsor ? 0 : champion ? 1 : 2]));
  bw_from_computed(ret_from, "the roles of the account's contact records");
}

/* The recorded stage, else the one that milestones prove.  A word that is no stage counts as the first one: nothing is sold to
   an account that somebody has said something about which we do not understand. */
COMPUTE(account_stage)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  struct bw_str said = e ? bw_entity_text(e, "stage") : BW_STR(""), why = BW_STR("");
  int rank = bw_stage_rank(said);
  (void)row;
  if (rank >= 0) {
    bw_from_field(ret_from, e, "account: traits.stage", "stage");
  } else if (said.len) {
    rank = 0;
    bw_from_field(ret_from, e, "account: traits.stage (no stage that is known: counted as baseline)", "stage");
  } else if ((rank = bw_env_stage(env, env->quick ? NULL : &why)) >= 0) {
    bw_from_computed(ret_from, "milestones of the value journey");
  } else {
    bw_env_missing(env, ret, "account.stage: an account record with traits.stage%s%.*s",
                   why.len ? "; or, for the milestones of the value journey, " : "", BW_FMT(why));
    return;
  }
  *ret = (struct bw_value){.type = BW_TYPE_RANK, .i = rank, .s = bw_str(bw_stages[rank])};
}

bool bw_env_escalated(struct bw_env *env)
{
  const struct bw_entity *e = bw_env_record(env, R_ACCOUNT);
  int signal = bw_catalog_find_signal(env->from->catalog, BW_STR("support_escalation"));
  return (e && bw_entity_number(e, "open_escalations", 0) > 0) ||
         (signal >= 0 && bw_env_episode(env, (uint32_t)signal, NULL) != NULL);
}

COMPUTE(account_escalated)
{
  (void)row;
  *ret = bw_value_bool(bw_env_escalated(env));
  bw_from_computed(ret_from, "the account's ticket records, and the signal support_escalation");
}

static const struct name_row account_rows[] = {
    {"name", TEXT, NULL, "the company's name"},
    {"id", TEXT, account_id, "the account's id, as records carry it"},
    {"acv", NUMBER, account_acv, "annual contract value; arr where no record names acv"},
    {"arr", NUMBER, account_arr, "annual recurring revenue; acv where no record names arr"},
    {"currency", TEXT, account_currency, "the contract's currency; the setting leads.currency where no record names one"},
    {"segment", TEXT, NULL, "the market segment"},
    {"industry", TEXT, NULL, "the industry"},
    {"region", TEXT, NULL, "the sales region"},
    {"country", TEXT, NULL, "the country, as a code: DE"},
    {"language", TEXT, NULL, "the language to write in, as a code: de"},
    {"domains", BW_TYPE_LIST, NULL, "the company's e-mail domains"},
    {"employees", NUMBER, NULL, "the company's employees"},
    {"start", TIME, NULL, "the day they became a customer"},
    {"tenure", BW_TYPE_DURATION, account_tenure, "how long they have been a customer: now - start"},
    {"months", NUMBER, account_months, "calendar months since they became a customer"},
    {"renewal", TIME, account_renewal, "the renewal date; the subscription's end where no account record names it"},
    {"days_to_renewal", NUMBER, account_days_to_renewal, "whole days until the renewal date, negative after it"},
    {"health", TEXT, NULL, "green, yellow or red, as your records say"},
    {"stage", BW_TYPE_RANK, account_stage,
     "the value-journey stage: as recorded, else as its milestones prove; compare with stage(\"first_results\")"},
    {"escalated", BW_TYPE_BOOL, account_escalated,
     "a ticket of theirs is escalated and not closed, or support_escalation is open"},
    {"budget", TEXT, NULL, "positive, stable or cuts"},
    {"owner", TEXT, NULL, "the person who owns the commercial relationship"},
    {"csm", TEXT, NULL, "the customer success manager"},
    {"ae", TEXT, NULL, "the account executive"},
    {"am", TEXT, NULL, "the account manager"},
    {"bdr", TEXT, NULL, "the business development representative"},
    {"seats", NUMBER, account_seats, "seats bought: the subscription's, else the account's"},
    {"plan", TEXT, NULL, "the plan's id where the account record names it"},
    {"goal", TEXT, NULL, "why they bought: the outcome they wanted"},
    {"success_metric", TEXT, NULL, "the success metric agreed with them"},
    {"value_delivered", TEXT, NULL, "what it has brought them, in words or numbers that they would sign"},
    {"do_not_contact", BW_TYPE_BOOL, account_do_not_contact, "nobody may write to them; no where no record says so"},
    {"fiscal_year_start", TEXT, NULL, "when their fiscal year begins"},
    {"last_touch", TIME, NULL, "the last activity of anyone of ours with them"},
    {"locale", TEXT, NULL, "how their numbers, dates and names are written: de-DE, en-GB"},
    {"last_csm_touch", TIME, NULL, "the last activity of their customer success manager"},
    {"density", NUMBER, bw_compute_density, "signal density: the sum of the strengths of the open up signals"},
    {"open_signals", NUMBER, account_open_signals, "how many signals are open"},
    {"contacts", NUMBER, account_contacts, "how many contacts are known"},
    {"relationship", TEXT, account_relationship,
     "multi-threaded, single or weak: as recorded, else by the roles of the contacts"},
    {"custom.*", BW_TYPE_ANY, NULL, "any other field of your account records: account.custom.region"},
};

const struct root_row bw_root_account = {"account", ROWS(account_rows), "an account record"};
