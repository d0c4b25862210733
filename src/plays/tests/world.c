/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' world. */
#include "base/test.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/tests/world.h"
#include "rules/tests/config.h"

static void on_opened(void *ctx, const struct bw_lead *lead)
{
  struct world *w = ctx;
  w->opened++;
  if (!w->quiet)
    bw_lead_line_json(&w->log, lead, "opened", w->now);
}

static void on_enriched(void *ctx, const struct bw_lead *lead)
{
  struct world *w = ctx;
  w->enriched++;
  if (!w->quiet)
    bw_lead_line_json(&w->log, lead, "enriched", w->now);
}

static void on_changed(void *ctx, const struct bw_lead *lead, enum bw_lead_status before)
{
  struct world *w = ctx;
  w->changed++;
  if (!w->quiet)
    bw_buf_printf(&w->log, "{\"kind\":\"change\",\"lead\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"reason\":\"%s\"}\n", lead->id,
                  bw_lead_status_name(before), bw_lead_status_name(lead->status), lead->reason);
}

static void on_notice(void *ctx, const struct bw_notice *n, const char *source)
{
  struct world *w = ctx;
  w->notices++;
  if (w->quiet)
    return;
  bw_json_open(&w->log, '{');
  bw_json_key(&w->log, "notice");
  bw_json_str(&w->log, n->code);
  bw_json_key(&w->log, "source");
  bw_json_cstr(&w->log, source);
  bw_json_key(&w->log, "text");
  bw_json_str(&w->log, n->text);
  bw_json_close(&w->log, '}');
  bw_buf_add_char(&w->log, '\n');
}

static void on_queued(void *ctx, const struct bw_lead *lead)
{
  struct world *w = ctx;
  w->queued++;
  if (!w->quiet)
    bw_lead_line_json(&w->log, lead, "queued", w->now);
}

static void on_lead_notice(void *ctx, const struct bw_notice *n)
{
  on_notice(ctx, n, "routing");
}

static void on_signal(void *ctx, const struct bw_episode *ep, enum bw_signal_state state)
{
  struct world *w = ctx;
  if (w->hears && state == BW_OPENED)
    bw_engine_heard(w->engine, ep);
}

void world_open(struct world *w, const char *dir, const char *path)
{
  static const struct bw_schema *schemas[3];
  struct bw_signals_events signal_events = {.ctx = w, .on_signal = on_signal, .on_notice = on_notice};
  struct bw_lead_events lead_events = {.ctx = w,
                                       .opened = on_opened,
                                       .enriched = on_enriched,
                                       .changed = on_changed,
                                       .queued = on_queued,
                                       .notice = on_lead_notice};
  struct bw_error err = {0};
  schemas[0] = &bw_book_schema;
  schemas[1] = &bw_signals_schema;
  schemas[2] = &bw_plays_schema;
  if (path && bw_store_open(path, schemas, 3, &w->store, &err) < 0)
    fail_msg("%s", err.message);
  facts_open(&w->facts, w->store, &signal_events);
  w->plays = config_load(dir, w->facts.catalog);
  if (bw_engine_open(w->plays, w->facts.signals, w->facts.book, w->store, w->options, &lead_events, &w->engine, &err) < 0)
    fail_msg("%s", err.message);
  if (w->hears)
    bw_engine_hear_signals(w->engine);
}

void world_save(struct world *w)
{
  struct bw_error err = {0};
  if (!w->store)
    return;
  if (bw_store_begin(w->store, &err) < 0 || bw_book_save(w->facts.book, &err) < 0 ||
      bw_signals_save(w->facts.signals, &err) < 0 || bw_leads_save(w->engine, &err) < 0 || bw_store_commit(w->store, &err) < 0)
    fail_msg("%s", err.message);
  bw_signals_committed(w->facts.signals);
  bw_leads_committed(w->engine);
}

static void shut(struct world *w)
{
  bw_engine_close(&w->engine);
  bw_plays_free(&w->plays);
  facts_close(&w->facts);
  if (w->store)
    bw_store_close(&w->store);
}

void world_close(struct world *w)
{
  shut(w);
  bw_buf_clear(&w->log);
}

void world_restart(struct world *w, const char *dir, const char *path)
{
  world_save(w);
  shut(w);
  world_open(w, dir, path);
}

/* ---- what happens ---- */

void world_record(struct world *w, uint32_t kind, const char *id, const char *account, const char *traits_json)
{
  facts_record(&w->facts, w->now, kind, id, account, traits_json);
}

void world_account(struct world *w, const char *id, const char *traits_json)
{
  world_record(w, BW_KIND_ACCOUNT, "", id, traits_json);
}

void world_signal(struct world *w, const char *account, const char *type, const char *key, uint32_t state, double value,
                  double strength, const char *evidence)
{
  facts_signal(&w->facts, w->now, account, type, key, state, value, strength, evidence);
}

void world_trait(struct world *w, const char *account, const char *name, const char *key, double value)
{
  facts_trait(&w->facts, w->now, account, name, key, value);
}

static void evaluate(void *ctx, struct bw_str account)
{
  struct world *w = ctx;
  struct bw_error err = {0};
  if (bw_engine_evaluate(w->engine, account, w->now, w->facts.offset, &err) < 0)
    fail_msg("%s", err.message);
}

void world_tick(struct world *w, int64_t now_ms)
{
  struct bw_error err = {0};
  bool new_day = bw_time_day(now_ms) != bw_time_day(w->now);
  w->now = now_ms;
  w->facts.offset++;
  if (bw_signals_tick(w->facts.signals, now_ms, w->facts.offset, &err) < 0 ||
      bw_engine_tick(w->engine, now_ms, w->facts.offset, &err) < 0)
    fail_msg("%s", err.message);
  bw_book_take_changed(w->facts.book, evaluate, w);
  bw_signals_take_changed(w->facts.signals, evaluate, w);
  if (new_day)
    bw_signals_each_account(w->facts.signals, evaluate, w);
  if (bw_engine_settle(w->engine, now_ms, w->facts.offset, &err) < 0)
    fail_msg("%s", err.message);
}

/* ---- scenarios ---- */

static const char *text(const json_t *line, const char *key)
{
  const char *s = json_string_value(json_object_get(line, key));
  return s ? s : "";
}

static char *dumped(const json_t *line, const char *key)
{
  json_t *v = json_object_get(line, key);
  return v ? json_dumps(v, JSON_COMPACT) : bw_strdup("{}");
}

static void decide(struct world *w, const json_t *line)
{
  struct bw_str id = bw_str(text(line, "lead"));
  const char *what = text(line, "decide");
  struct bw_error err = {0};
  int64_t until = 0;
  int rc;
  bw_time_parse(bw_str(text(line, "until")), &until);
  rc = strcmp(what, "approve") == 0  ? bw_lead_approve(w->engine, id, w->now, &err)
       : strcmp(what, "sent") == 0   ? bw_lead_sent(w->engine, id, w->now, &err)
       : strcmp(what, "reject") == 0 ? bw_lead_reject(w->engine, id, bw_str(text(line, "reason")), w->now, &err)
       : strcmp(what, "snooze") == 0 ? bw_lead_snooze(w->engine, id, until, w->now, &err)
                                     : bw_lead_close(w->engine, id, bw_str(text(line, "reason")), w->now, &err);
  if (rc < 0) {
    bw_json_open(&w->log, '{');
    bw_json_key(&w->log, "refused");
    bw_json_cstr(&w->log, err.message);
    bw_json_close(&w->log, '}');
    bw_buf_add_char(&w->log, '\n');
  }
}

void world_line(struct world *w, const char *json)
{
  json_error_t why;
  json_t *line = json_loads(json, 0, &why);
  uint32_t kind;
  int64_t at;
  if (!line)
    fail_msg("%s: %s", json, why.text);
  if (bw_time_parse(bw_str(text(line, "at")), &at) == 0 && !json_object_get(line, "tick"))
    w->now = at;
  if (json_object_get(line, "record")) {
    char *traits BW_AUTOFREE = dumped(line, "traits");
    kind = bw_kind_parse(bw_str(text(line, "record")));
    world_record(w, kind, text(line, "id"), text(line, "account"), traits);
  } else if (json_object_get(line, "signal")) {
    char *evidence BW_AUTOFREE = dumped(line, "evidence");
    const char *state = text(line, "state");
    world_signal(w, text(line, "account"), text(line, "signal"), text(line, "key"),
                 strcmp(state, "updated") == 0   ? BW_UPDATED
                 : strcmp(state, "cleared") == 0 ? BW_CLEARED
                                                 : BW_OPENED,
                 json_number_value(json_object_get(line, "value")), json_number_value(json_object_get(line, "strength")),
                 evidence);
  } else if (json_object_get(line, "trait")) {
    world_trait(w, text(line, "account"), text(line, "trait"), text(line, "key"),
                json_number_value(json_object_get(line, "value")));
  } else if (json_object_get(line, "tick")) {
    world_tick(w, at);
  } else if (json_object_get(line, "decide")) {
    decide(w, line);
  } else if (json_object_get(line, "why_not")) {
    struct bw_error err = {0};
    if (bw_engine_why_not(w->engine, bw_str(text(line, "why_not")), bw_str(text(line, "play")), w->now, &w->log, &err) < 0)
      fail_msg("%s", err.message);
    bw_buf_add_char(&w->log, '\n');
  } else if (!json_object_get(line, "note")) {
    fail_msg("what does this line mean: %s", json);
  }
  json_decref(line);
}
