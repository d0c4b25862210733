/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' world. */
#include "base/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/tests/world.h"
#include "wire/output.h"

static const char *const watcher_json =
    "{\"name\":\"usage\",\"version\":\"1\",\"signals\":["
    "{\"name\":\"seat_limit\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"seat\"},"
    "{\"name\":\"seat_utilization\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"seat\"},"
    "{\"name\":\"seats_added\",\"direction\":\"up\",\"urgency\":\"medium\",\"play_types\":\"seat\"},"
    "{\"name\":\"adoption_high\",\"direction\":\"up\",\"urgency\":\"medium\",\"play_types\":\"seat,tier\"},"
    "{\"name\":\"usage_limit\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"usage,tier\"},"
    "{\"name\":\"usage_near_limit\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"usage,tier\"},"
    "{\"name\":\"limit_forecast\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"usage\"},"
    "{\"name\":\"paid_feature_attempt\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"tier\"},"
    "{\"name\":\"tier_outgrown\",\"direction\":\"up\",\"urgency\":\"medium\",\"play_types\":\"tier\"},"
    "{\"name\":\"data_export\",\"direction\":\"unclear\",\"urgency\":\"watch\",\"play_types\":\"\"},"
    "{\"name\":\"usage_decline\",\"direction\":\"down\",\"urgency\":\"high\",\"play_types\":\"\"},"
    "{\"name\":\"logins_decline\",\"direction\":\"down\",\"urgency\":\"high\",\"play_types\":\"\"},"
    "{\"name\":\"gone_silent\",\"direction\":\"down\",\"urgency\":\"high\",\"play_types\":\"\"},"
    "{\"name\":\"adoption_low\",\"direction\":\"down\",\"urgency\":\"medium\",\"play_types\":\"\"}],"
    "\"traits\":[{\"name\":\"seats_used\",\"type\":\"number\"},{\"name\":\"seats_needed\",\"type\":\"number\"},"
    "{\"name\":\"dau_mau\",\"type\":\"number\"},{\"name\":\"limit_ratio\",\"type\":\"number\"},"
    "{\"name\":\"limit_date\",\"type\":\"string\"},{\"name\":\"events_28d\",\"type\":\"number\"},"
    "{\"name\":\"events_prev_28d\",\"type\":\"number\"}]}";

const char *world_srcdir(void)
{
  const char *s = getenv("BW_SRCDIR");
  return s ? s : ".";
}

char *world_read(const char *path)
{
  FILE *f = fopen(path, "rb");
  char *text;
  long size;
  if (!f)
    return NULL;
  fseek(f, 0, SEEK_END);
  size = ftell(f);
  rewind(f);
  text = bw_alloc((size_t)size + 1);
  if (fread(text, 1, (size_t)size, f) != (size_t)size)
    fail_msg("%s cannot be read", path);
  fclose(f);
  return text;
}

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
  struct bw_lead_events lead_events = {w, on_opened, on_enriched, on_changed, on_queued, on_lead_notice};
  struct bw_complaints complaints = {0};
  struct bw_error err = {0};
  schemas[0] = &bw_book_schema;
  schemas[1] = &bw_signals_schema;
  schemas[2] = &bw_plays_schema;
  w->catalog = bw_catalog_new();
  if (bw_catalog_add(w->catalog, bw_str(watcher_json), &w->watcher, &err) < 0)
    fail_msg("%s", err.message);
  if (path && bw_store_open(path, schemas, 3, &w->store, &err) < 0)
    fail_msg("%s", err.message);
  if (bw_book_open(w->store, &w->book, &err) < 0 ||
      bw_signals_open(w->catalog, NULL, w->store, &signal_events, &w->signals, &err) < 0)
    fail_msg("%s", err.message);
  if (bw_plays_load(dir, w->catalog, &complaints, &w->plays) < 0)
    fail_msg("%s: %s", dir, bw_buf_cstr(&complaints.text));
  bw_complaints_clear(&complaints);
  if (bw_engine_open(w->plays, w->signals, w->book, w->store, w->options, &lead_events, &w->engine, &err) < 0)
    fail_msg("%s", err.message);
  if (w->hears)
    bw_engine_hear_signals(w->engine);
}

void world_save(struct world *w)
{
  struct bw_error err = {0};
  if (!w->store)
    return;
  if (bw_store_begin(w->store, &err) < 0 || bw_book_save(w->book, &err) < 0 || bw_signals_save(w->signals, &err) < 0 ||
      bw_leads_save(w->engine, &err) < 0 || bw_store_commit(w->store, &err) < 0)
    fail_msg("%s", err.message);
  bw_signals_committed(w->signals);
  bw_leads_committed(w->engine);
}

static void shut(struct world *w)
{
  bw_engine_close(&w->engine);
  bw_plays_free(&w->plays);
  bw_signals_close(&w->signals);
  bw_book_close(&w->book);
  bw_catalog_free(&w->catalog);
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

/* ---- records ---- */

#define MAX_FIELDS 64
struct fields {
  struct bw_field items[MAX_FIELDS];
  char *texts[2 * MAX_FIELDS];
  uint32_t n;
  size_t ntexts;
};

static struct bw_str own(struct fields *f, char *text)
{
  f->texts[f->ntexts++] = text;
  return bw_str(text);
}

static void flatten(struct fields *f, const json_t *object, const char *prefix)
{
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)(uintptr_t)object, key, v)
  {
    struct bw_field *out = &f->items[f->n];
    char *full = bw_asprintf("%s%s", prefix, key);
    if (json_is_object(v)) {
      char *deeper BW_AUTOFREE = bw_asprintf("%s.", full);
      flatten(f, v, deeper);
      free(full);
      continue;
    }
    assert_true(f->n < MAX_FIELDS);
    f->n++;
    *out = (struct bw_field){.key = own(f, full), .section = BW_SECTION_TRAITS, .text = BW_STR("")};
    if (json_is_number(v)) {
      out->type = BW_VALUE_NUMBER;
      out->number = json_number_value(v);
      out->text = own(f, json_dumps(v, JSON_ENCODE_ANY));
    } else if (json_is_boolean(v)) {
      out->type = BW_VALUE_BOOL;
      out->number = json_is_true(v);
    } else if (json_is_string(v)) {
      out->type = BW_VALUE_STRING;
      out->text = own(f, bw_strdup(json_string_value(v)));
    } else if (json_is_array(v)) {
      out->type = BW_VALUE_JSON;
      out->text = own(f, json_dumps(v, JSON_COMPACT));
    } else {
      out->type = BW_VALUE_NULL;
    }
  }
}

void world_record(struct world *w, uint32_t kind, const char *id, const char *account, const char *traits_json)
{
  struct fields f = {.n = 0};
  json_t *traits = json_loads(traits_json, 0, NULL);
  struct bw_record r = {.kind = kind, .time_ms = w->now, .arrival_ms = w->now, .offset = ++w->offset};
  struct bw_error err = {0};
  size_t i;
  if (!traits)
    fail_msg("not JSON: %s", traits_json);
  flatten(&f, traits, "");
  r.account = bw_str(account);
  r.subject = bw_str(id);
  r.fields = f.items;
  r.nfields = f.n;
  if (bw_book_apply(w->book, &r, &err) < 0)
    fail_msg("%s", err.message);
  for (i = 0; i < f.ntexts; i++)
    free(f.texts[i]);
  json_decref(traits);
}

void world_account(struct world *w, const char *id, const char *traits_json)
{
  world_record(w, BW_KIND_ACCOUNT, "", id, traits_json);
}

/* ---- what the watcher says ---- */

static void apply(struct world *w, struct bw_buf *out)
{
  struct bw_error err = {0};
  if (bw_signals_apply(w->signals, w->watcher, bw_buf_str(out), ++w->offset, &err) < 0)
    fail_msg("%s", err.message);
  bw_buf_clear(out);
}

/* The watcher's own index of a name: its place in its description. */
static uint32_t index_in(const char *list, const char *name)
{
  static json_t *root; /* once, for all tests of the program */
  json_t *items;
  uint32_t i;
  if (!root)
    root = json_loads(watcher_json, 0, NULL);
  items = json_object_get(root, list);
  for (i = 0; i < json_array_size(items); i++)
    if (strcmp(json_string_value(json_object_get(json_array_get(items, i), "name")), name) == 0)
      break;
  if (i == json_array_size(items))
    fail_msg("the test watcher has no %s \"%s\"", list, name);
  return i;
}

void world_signal(struct world *w, const char *account, const char *type, const char *key, uint32_t state, double value,
                  double strength, const char *evidence)
{
  struct bw_signal s = {.size = sizeof s,
                        .type = index_in("signals", type),
                        .state = state,
                        .at_ms = w->now,
                        .account = bw_str(account),
                        .key = bw_str(key),
                        .value = value,
                        .threshold = 1,
                        .strength = strength,
                        .evidence = bw_str(evidence)};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  if (bw_output_add_signal(&out, &s, 14, &err) < 0)
    fail_msg("%s", err.message);
  apply(w, &out);
}

void world_trait(struct world *w, const char *account, const char *name, const char *key, double value)
{
  struct bw_trait t = {.size = sizeof t,
                       .trait = index_in("traits", name),
                       .type = BW_VALUE_NUMBER,
                       .at_ms = w->now,
                       .account = bw_str(account),
                       .key = bw_str(key),
                       .number = value};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  if (bw_output_add_trait(&out, &t, 7, &err) < 0)
    fail_msg("%s", err.message);
  apply(w, &out);
}

static void evaluate(void *ctx, struct bw_str account)
{
  struct world *w = ctx;
  struct bw_error err = {0};
  if (bw_engine_evaluate(w->engine, account, w->now, w->offset, &err) < 0)
    fail_msg("%s", err.message);
}

void world_tick(struct world *w, int64_t now_ms)
{
  struct bw_error err = {0};
  bool new_day = bw_time_day(now_ms) != bw_time_day(w->now);
  w->now = now_ms;
  w->offset++;
  if (bw_signals_tick(w->signals, now_ms, w->offset, &err) < 0 || bw_engine_tick(w->engine, now_ms, w->offset, &err) < 0)
    fail_msg("%s", err.message);
  bw_book_take_changed(w->book, evaluate, w);
  bw_signals_take_changed(w->signals, evaluate, w);
  if (new_day)
    bw_signals_each_account(w->signals, evaluate, w);
  if (bw_engine_settle(w->engine, now_ms, w->offset, &err) < 0)
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
