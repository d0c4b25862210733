/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common signals by name, so that a rule may name one whose watcher is not configured, and what the evidence of each holds,
 * so that a template cannot name what never comes (docs/signals.md says what each means).  Data only; no privileges.
 */
#include "signals/private.h"

#define UP BW_UP
#define DOWN BW_DOWN
#define LOW BW_URGENCY_LOW
#define MEDIUM BW_URGENCY_MEDIUM
#define HIGH BW_URGENCY_HIGH

const struct bw_known_signal bw_known_signals[] = {
    {"seat_limit", "usage", "seat", UP, HIGH, "seats_used seats_bought used_means used_28d_before window weekly weekly_to"},
    {"seat_utilization", "usage", "seat", UP, HIGH,
     "seats_used seats_bought used_means used_28d_before window weekly weekly_to"},
    {"login_sharing", "usage", "seat", UP, MEDIUM, "users_shared window weekly weekly_to"},
    {"seats_added", "usage", "seat", UP, MEDIUM, "seats_bought seats_before active_users window weekly weekly_to"},
    {"invite_blocked", "usage", "seat", UP, HIGH, "refused_invitations window weekly weekly_to"},
    {"usage_limit", "usage", "usage,tier", UP, HIGH,
     "resource used limit as_of highest_lately used_7d window weekly weekly_to"},
    {"usage_near_limit", "usage", "usage,tier", UP, HIGH,
     "resource used limit as_of highest_lately used_7d window weekly weekly_to"},
    {"api_rate_near", "usage", "tier", UP, HIGH,
     "resource rate_limit rate_window_ms highest_peak days_at_least_so_high peak_on_those_days window"},
    {"limit_forecast", "usage", "usage", UP, HIGH,
     "resource used limit date interval slope_per_week slope_lower slope_upper weekly weekly_to"},
    {"tier_outgrown", "usage", "tier", UP, MEDIUM, "limits_outgrown horizon seat_ratio *_ratio"},
    {"paid_feature_attempt", "usage", "tier", UP, HIGH, "attempts key window weekly weekly_to"},
    {"usage_growth", "usage", "usage", UP, MEDIUM,
     "what now before change window window_before fleet_change fleet_accounts z p dispersion usual_window weekly weekly_to"},
    {"feature_doubled", "usage", "any", UP, MEDIUM,
     "what now before change window window_before fleet_change fleet_accounts z p dispersion usual_window weekly weekly_to"},
    {"heavy_logins", "usage", "any", UP, LOW, "logins_per_user fleet_cut fleet_quantile mau window weekly weekly_to"},
    {"adoption_high", "usage", "seat,tier", UP, MEDIUM, "dau_mau mau user_days window weekly weekly_to"},
    {"feature_breadth", "usage", "any", UP, MEDIUM,
     "features features_before fleet_cut fleet_quantile mau window weekly weekly_to"},
    {"automation_depth", "usage", "any", UP, MEDIUM, "runs_per_user fleet_cut fleet_quantile mau window weekly weekly_to"},
    {"expansion_ready_usage", "usage", "any", UP, MEDIUM,
     "in_top_quartile feature_breadth seat_utilization limits automation window weekly weekly_to"},
    {"new_department", "usage", "cross,seat", UP, MEDIUM, "department users since departments_known window"},
    {"feature_adjacency", "usage", "cross", UP, MEDIUM, "product features days_with_bordering_use window"},
    {"workaround", "usage", "cross,tier", UP, MEDIUM, "occurrences key window weekly weekly_to"},
    {"organic_signups", "usage", "seat,cross", UP, MEDIUM, "sign_ups window weekly weekly_to"},
    {"free_cluster", "usage", "seat,tier", UP, MEDIUM, "active_users window weekly weekly_to"},
    {"free_limits", "usage", "tier", UP, MEDIUM, "days_with_limit_hits window weekly weekly_to"},
    {"product_sharing", "usage", "seat,cross", UP, LOW, "shares window weekly weekly_to"},
    {"not_adopted", "usage", "cross", UP, LOW, "product days_unused owned_since last_used"},
    {"data_export", "usage", "", BW_UNCLEAR, BW_URGENCY_WATCH,
     "exports baseline baseline_window p dispersion window weekly weekly_to"},
    {"usage_decline", "usage", "", DOWN, HIGH,
     "what now before change window window_before fleet_change fleet_accounts z p dispersion usual_window weekly weekly_to "
     "lowest_before weeks weeks_before"},
    {"logins_decline", "usage", "", DOWN, HIGH,
     "what now before change window window_before fleet_change fleet_accounts z p dispersion usual_window weekly weekly_to"},
    {"idle_seats", "usage", "", DOWN, MEDIUM, "seats_used seats_bought used_means used_28d_before window weekly weekly_to"},
    {"adoption_low", "usage", "", DOWN, MEDIUM, "dau_mau mau user_days window weekly weekly_to"},
    {"gone_silent", "usage", "", DOWN, HIGH,
     "last_active days_silent days_silent_weighed longest_usual_gap weeks_active weeks_looked_at months_active "
     "months_looked_at p weekly weekly_to"},
    {"persona_hired", "people", "cross", UP, MEDIUM, "person title persona started source"},
    {"leader_hired", "people", "tier,cross", BW_BOTH, MEDIUM, "person first_name email title started from_company source"},
    {"leadership_change", "people", "any", BW_BOTH, MEDIUM, "person title change new_title new_company since source"},
    {"champion_joined", "people", "any", UP, HIGH,
     "person first_name email title started former_company former_account source"},
    {"champion_quiet", "people", "", DOWN, HIGH, "person last_active days_quiet longest_usual_gap p"},
    {"champion_left", "people", "", DOWN, HIGH, "person first_name email title left new_company new_account source"},
    {"no_champion", "people", "", DOWN, MEDIUM, "engaged_contacts last_champion window"},
    {"buyer_moved", "people", "any", BW_REVIVAL, HIGH,
     "person first_name email title side from_company to_company moved deal loss_reason lost_at source"},
    {"new_hires_onboarding", "people", "seat", UP, MEDIUM, "people window"},
    {"hiring_users", "company", "seat", UP, MEDIUM, "role roles posts window source"},
    {"hiring_adjacent", "company", "cross", UP, MEDIUM, "product role roles posts window source"},
    {"headcount_growth", "company", "seat", UP, MEDIUM, "employees employees_before change window source"},
    {"funding_round", "company", "any", UP, MEDIUM, "round amount currency announced source"},
    {"new_region", "company", "any", UP, MEDIUM, "region seen source"},
    {"new_initiative", "company", "cross", UP, MEDIUM, "initiative seen source"},
    {"new_product_line", "company", "any", UP, MEDIUM, "product_line seen source"},
    {"downturn", "company", "", DOWN, MEDIUM, "what seen source"},
    {"pricing_view", "website", "any", UP, MEDIUM, "views people window"},
    {"unowned_product_view", "website", "cross", UP, MEDIUM, "product views people window"},
    {"upgrade_intent", "website", "tier", UP, HIGH, "pages views people window"},
    {"cancel_view", "website", "", DOWN, HIGH, "pages views people window"},
    {"lost_account_returned", "website", "any", BW_REVIVAL, HIGH, "views people window deal loss_reason lost_at"},
    {"renewal_window", "renewal", "any", BW_CONTEXT, HIGH, "renewal days step"},
    {"renewal_at_risk", "renewal", "", DOWN, HIGH, "renewal days health down_signals"},
    {"renewal_expand", "renewal", "any", UP, HIGH, "renewal days up_signals"},
    {"post_onboarding", "renewal", "any", BW_CONTEXT, MEDIUM, "start day"},
    {"budget_season", "renewal", "any", BW_CONTEXT, LOW, "fiscal_year_start planning_from planning_to"},
    {"stale_contract", "renewal", "", DOWN, LOW, "last_change months"},
    {"renewal_uncontacted", "renewal", "", DOWN, HIGH, "renewal days last_conversation"},
    {"competitor_renewal", "revival", "any", BW_REVIVAL, HIGH, "competitor date months deal loss_reason lost_at"},
    {"budget_reopened", "revival", "any", BW_REVIVAL, MEDIUM, "budget_from deal loss_reason lost_at"},
    {"timing_due", "revival", "any", BW_REVIVAL, MEDIUM, "date deal loss_reason lost_at"},
    {"loss_reason_resolved", "revival", "any", BW_REVIVAL, HIGH, "capability shipped deal loss_reason lost_at"},
    {"feature_request_paid", "support", "tier,cross", UP, HIGH, "feature product plan tickets ticket asked"},
    {"limit_ticket", "support", "usage,tier", UP, HIGH, "resource tickets ticket asked"},
    {"tickets_rising", "support", "", DOWN, MEDIUM, "now before change window window_before p weekly weekly_to"},
    {"support_escalation", "support", "", BW_CONTEXT, HIGH, "ticket severity since"},
    {"asked_unowned", "relationship", "cross", UP, HIGH, "product person asked source"},
    {"department_interest", "relationship", "cross", UP, MEDIUM, "department person asked source"},
    {"inbound_request", "relationship", "any", UP, HIGH, "person first_name email subject received source"},
    {"growth_plans", "relationship", "any", UP, MEDIUM, "plan person noted source"},
    {"happy", "relationship", "any", UP, LOW, "kind score person answered"},
    {"advocate", "relationship", "cross", UP, LOW, "kind person since source"},
    {"positive_qbr", "relationship", "any", UP, MEDIUM, "held person source"},
    {"big_win", "relationship", "any", UP, MEDIUM, "win since source"},
    {"health_red", "relationship", "", DOWN, HIGH, "health nps issues since"},
    {"untouched", "relationship", "any", UP, MEDIUM, "last_touch months in_top_quartile"},
};
const size_t bw_nknown_signals = sizeof bw_known_signals / sizeof *bw_known_signals;

const char *bw_signal_evidence(const struct bw_signal_type *type)
{
  size_t i;
  for (i = 0; i < bw_nknown_signals; i++)
    if (strcmp(bw_known_signals[i].name, type->name) == 0)
      return strcmp(bw_known_signals[i].watcher, type->watcher) == 0 ? bw_known_signals[i].evidence : NULL;
  return NULL;
}
