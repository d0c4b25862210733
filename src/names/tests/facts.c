/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' facts. */
#include "base/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names/tests/facts.h"
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
    "{\"name\":\"mau\",\"type\":\"number\"},"
    "{\"name\":\"dau_mau\",\"type\":\"number\",\"unit\":\"ratio\"},{\"name\":\"limit_ratio\",\"type\":\"number\"},"
    "{\"name\":\"limit_date\",\"type\":\"string\"},{\"name\":\"events_28d\",\"type\":\"number\"},"
    "{\"name\":\"events_prev_28d\",\"type\":\"number\"}]}";

const char *facts_srcdir(void)
{
  const char *s = getenv("BW_SRCDIR");
  return s ? s : ".";
}

char *facts_read(const char *path)
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

struct bw_catalog *facts_catalog(uint32_t *ret_watcher)
{
  struct bw_catalog *catalog = bw_catalog_new();
  struct bw_error err = {0};
  uint32_t watcher;
  if (bw_catalog_add(catalog, bw_str(watcher_json), &watcher, &err) < 0)
    fail_msg("%s", err.message);
  if (ret_watcher)
    *ret_watcher = watcher;
  return catalog;
}

void facts_open(struct facts *f, struct bw_store *store, const struct bw_signals_events *events)
{
  struct bw_error err = {0};
  f->catalog = facts_catalog(&f->watcher);
  if (bw_book_open(store, &f->book, &err) < 0 || bw_signals_open(f->catalog, NULL, store, events, &f->signals, &err) < 0)
    fail_msg("%s", err.message);
}

void facts_close(struct facts *f)
{
  bw_signals_close(&f->signals);
  bw_book_close(&f->book);
  bw_catalog_free(&f->catalog);
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

void facts_record(struct facts *f, int64_t at_ms, uint32_t kind, const char *id, const char *account, const char *traits_json)
{
  struct fields all = {.n = 0};
  json_t *traits = json_loads(traits_json, 0, NULL);
  struct bw_record r = {.kind = kind, .time_ms = at_ms, .arrival_ms = at_ms, .offset = ++f->offset};
  struct bw_error err = {0};
  size_t i;
  if (!traits)
    fail_msg("not JSON: %s", traits_json);
  flatten(&all, traits, "");
  r.account = bw_str(account);
  r.subject = bw_str(id);
  r.fields = all.items;
  r.nfields = all.n;
  if (bw_book_apply(f->book, &r, &err) < 0 && err.code != BW_ENOTFOUND) /* what cannot be read is kept, and told of */
    fail_msg("%s", err.message);
  for (i = 0; i < all.ntexts; i++)
    free(all.texts[i]);
  json_decref(traits);
}

/* ---- what the watcher says ---- */

static void apply(struct facts *f, struct bw_buf *out)
{
  struct bw_error err = {0};
  if (bw_signals_apply(f->signals, f->watcher, bw_buf_str(out), ++f->offset, &err) < 0)
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

void facts_signal(struct facts *f, int64_t at_ms, const char *account, const char *type, const char *key, uint32_t state,
                  double value, double strength, const char *evidence)
{
  struct bw_signal s = {.size = sizeof s,
                        .type = index_in("signals", type),
                        .state = state,
                        .at_ms = at_ms,
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
  apply(f, &out);
}

void facts_trait(struct facts *f, int64_t at_ms, const char *account, const char *name, const char *key, double value)
{
  struct bw_trait t = {.size = sizeof t,
                       .trait = index_in("traits", name),
                       .type = BW_VALUE_NUMBER,
                       .at_ms = at_ms,
                       .account = bw_str(account),
                       .key = bw_str(key),
                       .number = value};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  if (bw_output_add_trait(&out, &t, 7, &err) < 0)
    fail_msg("%s", err.message);
  apply(f, &out);
}
