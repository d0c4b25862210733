/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscription.*, plan.*, next_plan.* and the contacts: the names of what belongs to an account.  Runs in core and replays; no
 * privileges.
 */
#include "names/private.h"

static void id_of(const struct bw_entity *e, struct bw_value *ret, struct bw_provenance *ret_from)
{
  if (!e)
    return;
  *ret = bw_value_string(bw_entity_id(e));
  bw_from_computed(ret_from, "id of the plan record");
}

COMPUTE(plan_id)
{
  (void)row;
  id_of(bw_env_record(env, R_PLAN), ret, ret_from);
}

COMPUTE(next_plan_id)
{
  (void)row;
  id_of(bw_env_record(env, R_NEXT_PLAN), ret, ret_from);
}

/* ---- contacts ---- */

/* As a record gives it, else the one in the full name, where that is plain. */
static void first_name(struct bw_env *env, enum root root, struct bw_value *ret, struct bw_provenance *ret_from)
{
  const struct bw_entity *e = bw_env_record(env, root);
  struct bw_str first = e ? bw_entity_text(e, "first_name") : BW_STR(""), full = e ? bw_entity_text(e, "name") : BW_STR("");
  struct bw_buf out = {0};
  const char *why;
  if (!bw_given_whole(first, &out)) {
    bw_from_field(ret_from, e, "contact: traits.first_name", "first_name");
  } else if (!full.len) {
    return;
  } else if ((why = bw_given_name(full, &out))) {
    bw_env_missing(env, ret, "%s.first_name: a contact record %.*s with traits.first_name; its name \"%.*s\" %s",
                   bw_roots[root]->name, BW_FMT(bw_entity_id(e)), (int)(full.len < 60 ? full.len : 60), full.data, why);
    bw_buf_clear(&out);
    return;
  } else {
    bw_from_field(ret_from, e, "contact: traits.name", "name");
  }
  *ret = bw_value_string(bw_env_keep(env, "%.*s", BW_FMT(bw_buf_str(&out))));
  bw_buf_clear(&out);
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
      {"seat_price", NUMBER, NULL, "price of one seat per month, in the account's currency"},                                  \
      {"price", NUMBER, NULL, "base price per month, in the account's currency"},                                              \
      {"next", TEXT, NULL, "the id of the plan above"}, {"features", BW_TYPE_LIST, NULL, "features included"},                 \
      {"limits.*", NUMBER, NULL, "a limit of the plan: limits.api_calls"},                                                     \
  {                                                                                                                            \
    "custom.*", BW_TYPE_ANY, NULL, "any other field of your plan records"                                                      \
  }
static const struct name_row plan_rows[] = {PLAN_ROWS(plan_id, "the id of the plan that the account is on")};
static const struct name_row next_plan_rows[] = {
    PLAN_ROWS(next_plan_id, "its id: the plan above, as the plan record's next names it")};

#define CONTACT_ROWS(first)                                                                                                    \
  {"name", TEXT, NULL, "full name"},                                                                                           \
      {"first_name", TEXT, first, "first name: as recorded, else the given name in the full name, where that is plain"},       \
      {"email", TEXT, NULL, "e-mail address"}, {"title", TEXT, NULL, "job title"},                                             \
  {                                                                                                                            \
    "custom.*", BW_TYPE_ANY, NULL, "any other field of your contact records"                                                   \
  }
static const struct name_row champion_rows[] = {CONTACT_ROWS(champion_first)};
static const struct name_row buyer_rows[] = {CONTACT_ROWS(buyer_first)};
static const struct name_row sponsor_rows[] = {CONTACT_ROWS(sponsor_first)};

const struct root_row bw_root_subscription = {"subscription", ROWS(subscription_rows), "a subscription record"};
const struct root_row bw_root_plan = {"plan", ROWS(plan_rows), "a plan record"};
const struct root_row bw_root_next_plan = {"next_plan", ROWS(next_plan_rows), "a plan record"};
const struct root_row bw_root_champion = {"champion", ROWS(champion_rows), "a contact record"};
const struct root_row bw_root_economic_buyer = {"economic_buyer", ROWS(buyer_rows), "a contact record"};
const struct root_row bw_root_sponsor = {"sponsor", ROWS(sponsor_rows), "a contact record"};
