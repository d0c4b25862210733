/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fixed names, and the values that are computed rather than read.  Runs in core and replays; no privileges. */
#include <math.h>

#include "base/time.h"
#include "plays/private.h"

#define COMPUTE(name)                                                                                                          \
  static void name(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from)
#define UNUSED (void)env, (void)row, (void)ret_from

static void computed(struct bw_provenance *p, const char *how)
{
  if (!p)
    return;
  *p = (struct bw_provenance){.kind = BW_FROM_COMPUTED, .name = bw_str(how), .at_ms = BW_TIME_NONE};
}

static void setting(struct bw_provenance *p, const char *what)
{
  if (p)
    *p = (struct bw_provenance){.kind = BW_FROM_SETTING, .name = bw_str(what), .at_ms = BW_TIME_NONE};
}

static void from_field(const struct bw_entity *e, const char *what, const char *field, struct bw_provenance *p)
{
  if (!p)
    return;
  *p = (struct bw_provenance){
      .kind = BW_FROM_RECORD, .name = bw_str(what), .offset = bw_entity_source(e, field), .at_ms = BW_TIME_NONE};
}

/* ---- account ---- */

COMPUTE(account_id)
{
  UNUSED;
  *ret = bw_value_string(env->account);
  computed(ret_from, "account.id");
}

COMPUTE(account_arr)
{
  static const char *const fields[][2] = {{"arr", "account: traits.arr"}, {"acv", "account: traits.acv"}};
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  size_t i;
  (void)row;
  for (i = 0; e && i < 2; i++) {
    double v = bw_entity_number(e, fields[i][0], NAN);
    if (!isfinite(v))
      continue;
    *ret = bw_value_double(v);
    from_field(e, fields[i][1], fields[i][0], ret_from);
    return;
  }
}

COMPUTE(account_currency)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  struct bw_str v = e ? bw_entity_text(e, "currency") : BW_STR("");
  (void)row;
  if (v.len) {
    *ret = bw_value_string(v);
    from_field(e, "account: traits.currency", "currency", ret_from);
    return;
  }
  *ret = bw_value_string(bw_str(env->engine->options.currency));
  setting(ret_from, "leads.currency");
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
  e = bw_env_entity(env, R_ACCOUNT);
  return env->start = e ? bw_entity_time(e, "start") : BW_TIME_NONE;
}

COMPUTE(account_tenure)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  int64_t start = bw_env_start(env);
  (void)row;
  if (start == BW_TIME_NONE) {
    bw_env_missing(env, ret, "account.tenure: an account record with traits.start (the day they became a customer)");
    return;
  }
  *ret = bw_value_duration(env->now_ms - start);
  from_field(e, "account: traits.start, until now", "start", ret_from);
}

/* Calendar months, and the share of the one that has begun: 3 on the very day three months after. */
COMPUTE(account_months)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  int64_t start = bw_env_start(env);
  int32_t today = bw_time_day(env->now_ms), from, to;
  int year, month, day, y, m, d, whole;
  (void)row;
  if (start == BW_TIME_NONE) {
    bw_env_missing(env, ret, "account.months: an account record with traits.start (the day they became a customer)");
    return;
  }
  bw_day_to_civil(bw_time_day(start), &year, &month, &day);
  bw_day_to_civil(today, &y, &m, &d);
  whole = (y - year) * 12 + m - month - (d < day && today < end_of_month(y, m));
  from = month_day(year, month + whole, day);
  to = month_day(year, month + whole + 1, day);
  *ret = bw_value_double(whole + (double)(today - from) / (double)(to - from));
  from_field(e, "account: traits.start, until now", "start", ret_from);
}

static int64_t renewal(struct bw_env *env, struct bw_provenance *ret_from)
{
  const struct bw_entity *account = bw_env_entity(env, R_ACCOUNT), *sub = bw_env_entity(env, R_SUBSCRIPTION);
  int64_t t = account ? bw_entity_time(account, "renewal") : BW_TIME_NONE;
  if (t != BW_TIME_NONE) {
    from_field(account, "account: traits.renewal", "renewal", ret_from);
    return t;
  }
  t = sub ? bw_entity_time(sub, "end") : BW_TIME_NONE;
  if (t != BW_TIME_NONE)
    from_field(sub, "subscription: traits.end", "end", ret_from);
  return t;
}

int64_t bw_env_renewal(struct bw_env *env)
{
  if (env->renewal == INT64_MAX)
    env->renewal = renewal(env, NULL);
  return env->renewal;
}

COMPUTE(account_renewal)
{
  int64_t t = ret_from ? renewal(env, ret_from) : bw_env_renewal(env);
  (void)row;
  if (t == BW_TIME_NONE)
    bw_env_missing(env, ret,
                   "account.renewal: an account record with traits.renewal, or a subscription record with traits.end");
  else
    *ret = bw_value_time(t);
}

COMPUTE(account_days_to_renewal)
{
  int64_t t = ret_from ? renewal(env, ret_from) : bw_env_renewal(env);
  (void)row;
  if (t == BW_TIME_NONE)
    bw_env_missing(env, ret,
                   "account.days_to_renewal: an account record with traits.renewal, or a subscription record with traits.end");
  else
    *ret = bw_value_double((double)(bw_time_day(t) - bw_time_day(env->now_ms)));
}

COMPUTE(account_seats)
{
  const struct bw_entity *sub = bw_env_entity(env, R_SUBSCRIPTION), *account = bw_env_entity(env, R_ACCOUNT);
  double v = sub ? bw_entity_number(sub, "seats", NAN) : NAN;
  (void)row;
  if (isfinite(v)) {
    *ret = bw_value_double(v);
    from_field(sub, "subscription: traits.seats", "seats", ret_from);
    return;
  }
  v = account ? bw_entity_number(account, "seats", NAN) : NAN;
  if (isfinite(v)) {
    *ret = bw_value_double(v);
    from_field(account, "account: traits.seats", "seats", ret_from);
    return;
  }
  bw_env_missing(env, ret, "account.seats: a subscription record with traits.seats");
}

/* Nobody said so: then it is allowed. */
COMPUTE(account_do_not_contact)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  const struct bw_field *f = e ? bw_entity_field(e, "do_not_contact") : NULL;
  (void)row;
  *ret = bw_value_bool(f && (f->type == BW_VALUE_BOOL || f->type == BW_VALUE_NUMBER
                                 ? f->number > 0
                                 : bw_str_is(f->text, "true") || bw_str_is(f->text, "yes")));
  if (f)
    from_field(e, "account: traits.do_not_contact", "do_not_contact", ret_from);
  else
    setting(ret_from, "no account record says do_not_contact");
}

COMPUTE(account_density)
{
  UNUSED;
  *ret = bw_value_double(bw_signals_density(env->engine->signals, env->account));
  computed(ret_from, "sum of the strengths of the open up signals");
}

COMPUTE(account_open_signals)
{
  UNUSED;
  *ret = bw_value_double((double)bw_signals_count_open(env->engine->signals, env->account));
  computed(ret_from, "open signals");
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
  bw_book_each_of(env->engine->book, BW_ENTITY_CONTACT, env->account, count_one, &n);
  *ret = bw_value_double(n);
  computed(ret_from, "contact records of the account");
}

/* What a record says, else what the contacts tell: a champion and a sponsor or buyer, one champion, or people without either.
 */
COMPUTE(account_relationship)
{
  static const char *const words[] = {"multi-threaded", "single", "weak", NULL};
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  struct bw_str recorded = e ? bw_entity_text(e, "relationship") : BW_STR("");
  bool champion = bw_env_entity(env, R_CHAMPION) != NULL;
  bool sponsor = bw_env_entity(env, R_SPONSOR) || bw_env_entity(env, R_BUYER);
  double n = 0;
  size_t i;
  (void)row;
  for (i = 0; words[i]; i++)
    if (bw_str_is(recorded, words[i])) {
      *ret = bw_value_string(recorded);
      from_field(e, "account: traits.relationship", "relationship", ret_from);
      return;
    }
  bw_book_each_of(env->engine->book, BW_ENTITY_CONTACT, env->account, count_one, &n);
  if (n < 1) {
    bw_env_missing(env, ret,
                   "account.relationship: contact records of the account with traits.role \"champion\", \"sponsor\" or "
                   "\"economic_buyer\"");
    return;
  }
  *ret = bw_value_string(bw_str(words[champion && sponsor ? 0 : champion ? 1 : 2]));
  computed(ret_from, "the roles of the account's contact records");
}

/* The recorded stage, else the one that milestones prove. */
COMPUTE(account_stage)
{
  const struct bw_entity *e = bw_env_entity(env, R_ACCOUNT);
  int rank = e ? bw_stage_rank(bw_entity_text(e, "stage")) : -1;
  struct bw_str why = BW_STR("");
  (void)row;
  if (rank >= 0) {
    from_field(e, "account: traits.stage", "stage", ret_from);
  } else if ((rank = bw_journey_stage(env, env->quick ? NULL : &why)) >= 0) {
    computed(ret_from, "milestones of the value journey");
  } else {
    bw_env_missing(env, ret, "account.stage: an account record with traits.stage%s%.*s",
                   why.len ? "; or, for the milestones of the value journey, " : "", BW_FMT(why));
    return;
  }
  *ret = (struct bw_value){.type = BW_TYPE_RANK, .i = rank, .s = bw_str(bw_stages[rank])};
}

static void id_of(const struct bw_entity *e, struct bw_value *ret, struct bw_provenance *ret_from)
{
  if (!e)
    return;
  *ret = bw_value_string(bw_entity_id(e));
  computed(ret_from, "id of the plan record");
}

COMPUTE(plan_id)
{
  (void)row;
  id_of(bw_env_entity(env, R_PLAN), ret, ret_from);
}

COMPUTE(next_plan_id)
{
  (void)row;
  id_of(bw_env_entity(env, R_NEXT_PLAN), ret, ret_from);
}

/* ---- contacts ---- */

static void first_name(struct bw_env *env, enum root root, struct bw_value *ret, struct bw_provenance *ret_from)
{
  const struct bw_entity *e = bw_env_entity(env, root);
  struct bw_str v = e ? bw_entity_text(e, "first_name") : BW_STR("");
  size_t n = 0;
  if (!v.len && e)
    v = bw_entity_text(e, "name");
  while (n < v.len && v.data[n] != ' ')
    n++;
  if (!n)
    return;
  *ret = bw_value_string(bw_str_n(v.data, n));
  from_field(e, "contact: traits.name", "name", ret_from);
}

COMPUTE(champion_first)
{
  (void)row;
  first_name(env, R_CHAMPION, ret, ret_from);
}

COMPUTE(buyer_first)
{
  (void)row;
  first_name(env, R_BUYER, ret, ret_from);
}

COMPUTE(sponsor_first)
{
  (void)row;
  first_name(env, R_SPONSOR, ret, ret_from);
}

/* ---- the lead, and what an evaluation has found so far ---- */

static void text_or_missing(struct bw_env *env, const char *name, const char *v, struct bw_value *ret)
{
  if (v && v[0])
    *ret = bw_value_string(bw_str(v));
  else
    bw_env_missing(env, ret, env->lead ? "%s: this lead has none" : "%s: there is no lead here", name);
}

static void time_or_missing(struct bw_env *env, const char *name, int64_t v, struct bw_value *ret)
{
  if (env->lead && v != BW_TIME_NONE)
    *ret = bw_value_time(v);
  else
    bw_env_missing(env, ret, env->lead ? "%s: this lead has none" : "%s: there is no lead here", name);
}

static void number_or_missing(struct bw_env *env, const char *name, double v, struct bw_value *ret)
{
  if (isfinite(v))
    *ret = bw_value_double(v);
  else
    bw_env_missing(env, ret, "%s: not known here", name);
}

#define LEAD_TEXT(field)                                                                                                       \
  COMPUTE(lead_##field)                                                                                                        \
  {                                                                                                                            \
    (void)row;                                                                                                                 \
    text_or_missing(env, "lead." #field, env->lead ? env->lead->field : NULL, ret);                                            \
    computed(ret_from, "lead." #field);                                                                                        \
  }
LEAD_TEXT(id)
LEAD_TEXT(play)
LEAD_TEXT(family)
LEAD_TEXT(motion)
LEAD_TEXT(type)
LEAD_TEXT(priority)
LEAD_TEXT(owner)
LEAD_TEXT(csm)

COMPUTE(lead_owner_name)
{
  const struct person *p =
      env->lead && env->engine ? bw_person_find(&env->engine->plays->roster, bw_str(env->lead->owner)) : NULL;
  if (p && p->name && *p->name) {
    *ret = bw_value_string(bw_str(p->name));
    setting(ret_from, "people: name");
    return;
  }
  lead_owner(env, row, ret, ret_from);
}
LEAD_TEXT(currency)
LEAD_TEXT(primary_signal)
LEAD_TEXT(title)

#define LEAD_TIME(name, field)                                                                                                 \
  COMPUTE(lead_##name)                                                                                                         \
  {                                                                                                                            \
    (void)row;                                                                                                                 \
    time_or_missing(env, "lead." #name, env->lead ? env->lead->field : BW_TIME_NONE, ret);                                     \
    computed(ret_from, "lead." #name);                                                                                         \
  }
LEAD_TIME(opened, opened_at)
LEAD_TIME(sla, sla_at)

COMPUTE(lead_score)
{
  (void)row;
  number_or_missing(env, "lead.score", env->lead ? env->lead->score : NAN, ret);
  computed(ret_from, "lead.score");
}

COMPUTE(lead_estimate)
{
  (void)row;
  number_or_missing(env, "lead.estimate", env->lead ? env->lead->estimate : NAN, ret);
  computed(ret_from, "lead.estimate");
}

COMPUTE(top_now)
{
  (void)row;
  *ret = bw_value_time(env->now_ms);
  computed(ret_from, "now");
}

COMPUTE(top_score)
{
  (void)row;
  number_or_missing(env, "score", env->lead ? env->lead->score : env->score, ret);
  computed(ret_from, "score");
}

COMPUTE(top_estimate)
{
  (void)row;
  number_or_missing(env, "estimate", env->lead ? env->lead->estimate : env->estimate, ret);
  computed(ret_from, "estimate");
}

COMPUTE(top_triggered)
{
  (void)row;
  if (env->play)
    *ret = bw_value_double((double)env->triggered);
  else
    bw_env_missing(env, ret, "triggered: known while a play is judged");
  computed(ret_from, "open signals of the play");
}

COMPUTE(top_priority)
{
  (void)row;
  text_or_missing(env, "priority", env->lead ? env->lead->priority : env->priority, ret);
  computed(ret_from, "priority");
}

#define TEXT BW_TYPE_STRING
#define NUMBER BW_TYPE_DOUBLE
#define TIME BW_TYPE_TIMESTAMP

static const struct name_row account_rows[] = {
    {"name", TEXT, NULL, "the company's name"},
    {"id", TEXT, account_id, "the account's id, as records carry it"},
    {"acv", NUMBER, NULL, "annual contract value"},
    {"arr", NUMBER, account_arr, "annual recurring revenue; acv where no record names arr"},
    {"currency", TEXT, account_currency, "the contract's currency; the setting leads.currency where no record names one"},
    {"segment", TEXT, NULL, "the market segment"},
    {"industry", TEXT, NULL, "the industry"},
    {"region", TEXT, NULL, "the sales region"},
    {"country", TEXT, NULL, "the country"},
    {"language", TEXT, NULL, "the language to write in"},
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
    {"do_not_contact", BW_TYPE_BOOL, account_do_not_contact, "nobody may write to them; no where no record says so"},
    {"fiscal_year_start", TEXT, NULL, "when their fiscal year begins"},
    {"last_touch", TIME, NULL, "the last activity of anyone of ours with them"},
    {"locale", TEXT, NULL, "how their numbers, dates and names are written: de-DE, en-GB"},
    {"last_csm_touch", TIME, NULL, "the last activity of their customer success manager"},
    {"density", NUMBER, account_density, "signal density: the sum of the strengths of the open up signals"},
    {"open_signals", NUMBER, account_open_signals, "how many signals are open"},
    {"contacts", NUMBER, account_contacts, "how many contacts are known"},
    {"relationship", TEXT, account_relationship,
     "multi-threaded, single or weak: as recorded, else by the roles of the contacts"},
    {"custom.*", BW_TYPE_ANY, NULL, "any other field of your account records: account.custom.region"},
};

static const struct name_row subscription_rows[] = {
    {"plan", TEXT, NULL, "the plan's id"},
    {"seats", NUMBER, NULL, "seats bought"},
    {"start", TIME, NULL, "when the subscription began"},
    {"end", TIME, NULL, "when it ends"},
    {"notice_days", NUMBER, NULL, "days of notice before it ends"},
    {"auto_renew", BW_TYPE_BOOL, NULL, "whether it renews by itself"},
    {"products", BW_TYPE_LIST, NULL, "products owned"},
    {"limits.*", NUMBER, NULL, "a limit agreed in this contract: subscription.limits.api_calls"},
    {"custom.*", BW_TYPE_ANY, NULL, "any other field of your subscription records"},
};

#define PLAN_ROWS(id, id_help)                                                                                                 \
  {"id", TEXT, id, id_help}, {"name", TEXT, NULL, "the plan's name"},                                                          \
      {"seat_price", NUMBER, NULL, "price of one seat per month"}, {"price", NUMBER, NULL, "base price per month"},            \
      {"next", TEXT, NULL, "the id of the plan above"}, {"features", BW_TYPE_LIST, NULL, "features included"},                 \
      {"limits.*", NUMBER, NULL, "a limit of the plan: limits.api_calls"},                                                     \
  {                                                                                                                            \
    "custom.*", BW_TYPE_ANY, NULL, "any other field of your plan records"                                                      \
  }
static const struct name_row plan_rows[] = {PLAN_ROWS(plan_id, "the id of the plan that the account is on")};
static const struct name_row next_plan_rows[] = {
    PLAN_ROWS(next_plan_id, "its id: the plan above, as the plan record's next names it")};

#define CONTACT_ROWS(first)                                                                                                    \
  {"name", TEXT, NULL, "full name"}, {"first_name", TEXT, first, "first name: the first word of the name"},                    \
      {"email", TEXT, NULL, "e-mail address"}, {"title", TEXT, NULL, "job title"},                                             \
  {                                                                                                                            \
    "custom.*", BW_TYPE_ANY, NULL, "any other field of your contact records"                                                   \
  }
static const struct name_row champion_rows[] = {CONTACT_ROWS(champion_first)};
static const struct name_row buyer_rows[] = {CONTACT_ROWS(buyer_first)};
static const struct name_row sponsor_rows[] = {CONTACT_ROWS(sponsor_first)};

static const struct name_row lead_rows[] = {
    {"id", TEXT, lead_id, "the lead's id, L12"},
    {"play", TEXT, lead_play, "the play that fired"},
    {"family", TEXT, lead_family, "the play's family"},
    {"motion", TEXT, lead_motion, "expansion, renewal or revival"},
    {"type", TEXT, lead_type, "seat, tier, cross_sell, usage or risk"},
    {"priority", TEXT, lead_priority, "high, medium or low"},
    {"owner", TEXT, lead_owner, "the person accountable"},
    {"owner_name", TEXT, lead_owner_name, "their name as the people of the routes have it; else as lead.owner"},
    {"csm", TEXT, lead_csm, "the CSM who is told"},
    {"currency", TEXT, lead_currency, "the currency of the estimate"},
    {"primary_signal", TEXT, lead_primary_signal, "the signal that counted most"},
    {"title", TEXT, lead_title, "the opening move"},
    {"opened", TIME, lead_opened, "when the lead was opened"},
    {"sla", TIME, lead_sla, "when first contact is due"},
    {"score", NUMBER, lead_score, "0 to 100"},
    {"estimate", NUMBER, lead_estimate, "the estimated value per year"},
};

static const struct name_row top_rows[] = {
    {"now", TIME, top_now, "the moment of the evaluation"},
    {"score", NUMBER, top_score, "the play's score, 0 to 100 (after the gates)"},
    {"estimate", NUMBER, top_estimate, "the estimated value per year (after the score)"},
    {"density", NUMBER, account_density, "signal density of the account"},
    {"triggered", NUMBER, top_triggered, "how many types of the play's signals are open"},
    {"priority", TEXT, top_priority, "high, medium or low (after the floor)"},
};

#define ROWS(r) r, sizeof(r) / sizeof *(r)
const struct root_row bw_roots[R_TRAIT] = {
    [R_ACCOUNT] = {"account", ROWS(account_rows), "an account record"},
    [R_SUBSCRIPTION] = {"subscription", ROWS(subscription_rows), "a subscription record"},
    [R_PLAN] = {"plan", ROWS(plan_rows), "a plan record"},
    [R_NEXT_PLAN] = {"next_plan", ROWS(next_plan_rows), "a plan record"},
    [R_CHAMPION] = {"champion", ROWS(champion_rows), "a contact record"},
    [R_BUYER] = {"economic_buyer", ROWS(buyer_rows), "a contact record"},
    [R_SPONSOR] = {"sponsor", ROWS(sponsor_rows), "a contact record"},
    [R_LEAD] = {"lead", ROWS(lead_rows), "a lead"},
    [R_TOP] = {"", ROWS(top_rows), ""},
};
