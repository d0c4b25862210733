/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: its settings, its life, what it tells environments, and what time alone does to leads.  Runs in core and replays;
 * no privileges.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/currency.h"
#include "base/map.h"
#include "base/time.h"
#include "base/zone.h"
#include "plays/private.h"

const struct bw_setting bw_engine_settings[] = {
    {"operator", BW_SETTING_STRING, offsetof(struct bw_engine_options, operator_name), "operator", 0, 0, NULL,
     "who owns what no route resolves"},
    {"currency", BW_SETTING_STRING, offsetof(struct bw_engine_options, currency), "USD", 0, 0, NULL,
     "the currency of accounts that name none"},
    {"expire", BW_SETTING_DURATION, offsetof(struct bw_engine_options, expire_ms), "45d", 86400e3, 3650 * 86400e3, NULL,
     "an open lead that nobody touched is closed after this"},
    {"expire_sent", BW_SETTING_DURATION, offsetof(struct bw_engine_options, expire_sent_ms), "90d", 86400e3, 3650 * 86400e3,
     NULL, "a sent lead without an outcome is closed after this"},
    {"business_hours", BW_SETTING_BOOL, offsetof(struct bw_engine_options, business_hours), "true", 0, 0, NULL,
     "count SLAs in working time"},
    {"day_start", BW_SETTING_DURATION, offsetof(struct bw_engine_options, day_start_ms), "8h", 0, 86400e3, NULL,
     "when the working day begins, after midnight"},
    {"day_end", BW_SETTING_DURATION, offsetof(struct bw_engine_options, day_end_ms), "18h", 0, 86400e3, NULL, "when it ends"},
    {"workdays", BW_SETTING_STRING, offsetof(struct bw_engine_options, workdays), "mon,tue,wed,thu,fri", 0, 0, NULL,
     "the working days"},
    {"timezone", BW_SETTING_STRING, offsetof(struct bw_engine_options, timezone), "UTC", 0, 0, NULL,
     "whose clock working time goes by, such as Europe/Berlin, where a person has no other"},
    {"budget", BW_SETTING_INTEGER, offsetof(struct bw_engine_options, budget), "10", 0, 1e6, NULL,
     "new leads per owner and working day, 0 for no limit; the rest waits in a queue, the best first"},
};
const size_t bw_engine_nsettings = sizeof bw_engine_settings / sizeof *bw_engine_settings;

void bw_engine_options_default(struct bw_engine_options *o)
{
  *o = (struct bw_engine_options){.operator_name = bw_strdup("operator"),
                                  .currency = bw_strdup("USD"),
                                  .expire_ms = 45 * BW_DAY,
                                  .expire_sent_ms = 90 * BW_DAY,
                                  .business_hours = true,
                                  .day_start_ms = 8 * BW_HOUR,
                                  .day_end_ms = 18 * BW_HOUR,
                                  .workdays = bw_strdup("mon,tue,wed,thu,fri"),
                                  .timezone = bw_strdup("UTC"),
                                  .budget = 10};
}

/* "mon,tue": each a day. */
static bool are_days(const char *list)
{
  static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  size_t i;
  for (;;) {
    for (i = 0; i < 7 && strncmp(list, days[i], 3) != 0; i++)
      ;
    if (i == 7 || (list[3] && list[3] != ','))
      return false;
    if (!list[3])
      return true;
    for (list += 4; *list == ' '; list++)
      ;
  }
}

void bw_engine_options_read(const struct bw_node *leads, struct bw_engine_options *o, struct bw_complaints *c)
{
  static const struct bw_node empty = {.type = BW_NODE_MAP, .file = "basewatch.yaml"};
  struct bw_zone *zone = NULL;
  if (bw_settings_read(bw_engine_settings, bw_engine_nsettings, leads ? leads : &empty, o, c) < 0 || !leads)
    return;
  if (o->day_end_ms <= o->day_start_ms)
    bw_complain(c, leads, "the working day ends (day_end) before it begins (day_start)");
  if (!are_days(o->workdays))
    bw_complain(c, bw_node_get(leads, "workdays"), "\"%s\" should be days with commas between: mon,tue,wed,thu,fri",
                o->workdays);
  if (!bw_currency_code(bw_str(o->currency)))
    bw_complain(c, bw_node_get(leads, "currency"), "\"%s\" is no currency; write its ISO 4217 code, such as EUR", o->currency);
  if (bw_zone_open(bw_str(o->timezone), &zone) < 0)
    bw_complain(c, bw_node_get(leads, "timezone"),
                "there is no time zone \"%s\"; write it as Europe/Berlin or America/New_York", o->timezone);
  bw_zone_close(&zone);
}

/* ---- life ---- */

static void drop_options(struct bw_engine *e)
{
  free(e->options.operator_name);
  free(e->options.currency);
  free(e->options.workdays);
  free(e->options.timezone);
  bw_zone_close(&e->zone);
}

/* A copy; a text that is NULL is the default. */
static void take_options(struct bw_engine *e, const struct bw_engine_options *options)
{
  struct bw_engine_options o;
  char **const ours[] = {&o.operator_name, &o.currency, &o.workdays, &o.timezone};
  const char *const theirs[] = {options ? options->operator_name : NULL, options ? options->currency : NULL,
                                options ? options->workdays : NULL, options ? options->timezone : NULL};
  size_t i;
  bw_engine_options_default(&e->options);
  o = options ? *options : e->options;
  o.operator_name = e->options.operator_name;
  o.currency = e->options.currency;
  o.workdays = e->options.workdays;
  o.timezone = e->options.timezone;
  for (i = 0; i < sizeof ours / sizeof *ours; i++)
    if (theirs[i])
      bw_lead_set(ours[i], theirs[i]);
  e->options = o;
  (void)bw_zone_open(bw_str(o.timezone), &e->zone); /* was checked when it was read */
  e->source.currency = o.currency;
}

static void follow(struct bw_engine *e, const struct bw_plays *plays)
{
  e->plays = plays;
  e->source.catalog = plays->catalog;
  e->source.names = plays->names;
  bw_samples_follow(e);
}

int bw_engine_open(const struct bw_plays *plays, struct bw_signals *signals, struct bw_book *book, struct bw_store *store,
                   const struct bw_engine_options *options, const struct bw_lead_events *events, struct bw_engine **ret_engine,
                   struct bw_error *err)
{
  struct bw_engine *e = bw_alloc(sizeof *e);
  int rc;
  e->signals = signals;
  e->book = book;
  e->store = store;
  if (events)
    e->events = *events;
  e->families = bw_map_new();
  e->by_id = bw_map_new();
  e->by_account = bw_map_new();
  e->next_number = 1;
  e->source = (struct bw_env_source){.book = book,
                                     .signals = signals,
                                     .ctx = e,
                                     .stage = bw_journey_stage,
                                     .quartile = bw_samples_quartile,
                                     .past = bw_samples_past};
  take_options(e, options);
  follow(e, plays);
  if (store && ((rc = bw_leads_load(e, err)) < 0 || (rc = bw_samples_load(e, err)) < 0)) {
    bw_engine_close(&e);
    return rc;
  }
  *ret_engine = e;
  return 0;
}

static void free_list(void *value)
{
  struct lead_list *list = value;
  free(list->items);
  free(list);
}

void bw_engine_close(struct bw_engine **ep)
{
  struct bw_engine *e = *ep;
  size_t i;
  if (!e)
    return;
  for (i = 0; i < e->nleads; i++)
    bw_lead_free(e->leads[i]);
  free(e->leads);
  free(e->dirty);
  bw_lead_free(e->found);
  bw_map_free(&e->families, free);
  bw_map_free(&e->by_id, NULL);
  bw_map_free(&e->by_account, free_list);
  bw_desks_clear(e);
  bw_samples_close(e);
  free(e->heard.bits);
  bw_env_clear(&e->env);
  drop_options(e);
  free(e);
  *ep = NULL;
}

void bw_engine_configure(struct bw_engine *e, const struct bw_plays *plays, const struct bw_engine_options *options)
{
  drop_options(e);
  take_options(e, options);
  follow(e, plays);
  bw_heard_plays(e);
}

const struct bw_plays *bw_engine_plays(const struct bw_engine *e)
{
  return e->plays;
}

void bw_engine_stats(const struct bw_engine *e, struct bw_engine_stats *ret_stats)
{
  struct bw_engine_stats s = e->stats;
  size_t i;
  s.open = s.shadow = 0;
  for (i = 0; i < e->nleads; i++) {
    const struct bw_lead *l = &e->leads[i]->pub;
    if (l->closed_at != BW_TIME_NONE)
      continue;
    if (l->mode == BW_MODE_SHADOW)
      s.shadow++;
    else
      s.open++;
  }
  *ret_stats = s;
}

/* ---- what templates see ---- */

/* Nobody signs a letter with an address, or as the operator. */
static bool has_name(const struct bw_lead *l)
{
  return !strchr(l->owner, '@') && strcmp(l->owner_role, "operator") != 0;
}

int bw_engine_open_env(const struct bw_engine *e, struct bw_str account, const struct bw_lead *l, int64_t now_ms,
                       struct bw_env **ret_env, struct bw_error *err)
{
  const struct person *owner = l ? bw_person_find(&e->plays->roster, bw_str(l->owner)) : NULL;
  struct bw_env_lead lead;
  if (l)
    lead = (struct bw_env_lead){.id = l->id,
                                .play = l->play,
                                .family = l->family,
                                .motion = l->motion,
                                .type = l->type,
                                .priority = l->priority,
                                .csm = l->csm,
                                .currency = l->currency,
                                .primary_signal = l->primary_signal,
                                .title = l->title,
                                .owner = l->owner,
                                .owner_name = owner         ? owner->name
                                              : has_name(l) ? l->owner
                                                            : "",
                                .opened_at = l->opened_at,
                                .sla_at = l->sla_at,
                                .score = l->score,
                                .estimate = l->estimate,
                                .why_json = l->why_json,
                                .updated_at = l->updated_at};
  return bw_env_open(&e->source, account, l ? &lead : NULL, now_ms, ret_env, err);
}

/* ---- time ---- */

int bw_engine_tick(struct bw_engine *e, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
  size_t i;
  (void)offset;
  if (now_ms < 0 || now_ms > BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "a tick with an impossible time");
  bw_samples_tick(e, now_ms);
  bw_heard_tick(e, now_ms);
  for (i = 0; i < e->nleads; i++) {
    struct lead *l = e->leads[i];
    int rc = 0;
    if (l->pub.status == BW_LEAD_SNOOZED && l->pub.snoozed_until <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_OPEN, BW_STR(""), now_ms, err);
    } else if (l->pub.status == BW_LEAD_OPEN && l->pub.updated_at + e->options.expire_ms <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_CLOSED, BW_STR("expired: nobody decided"), now_ms, err);
      e->stats.expired++;
    } else if (l->pub.status == BW_LEAD_SENT && l->pub.updated_at + e->options.expire_sent_ms <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_CLOSED, BW_STR("expired: no outcome was recorded"), now_ms, err);
      e->stats.expired++;
    }
    if (rc < 0)
      return rc;
  }
  return 0;
}
