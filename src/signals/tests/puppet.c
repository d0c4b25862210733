/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watcher that says what it is told: a `track` record "signal" opens, updates or clears the signal that it names, "trait"
 * publishes a value.  It goes by the name of usage and knows all common signals, so that the default plays can be tested
 * without months of usage.
 */
#include <stdlib.h>
#include <string.h>

#include "basewatch/plugin.h"
#include "signals/private.h"

#define MAX_SIGNALS 256

static const struct bw_trait_decl traits[] = {
    {"seats_used", BW_VALUE_NUMBER, 0, "users", "Told."},   {"seats_bought", BW_VALUE_NUMBER, 0, "seats", "Told."},
    {"seats_needed", BW_VALUE_NUMBER, 0, "seats", "Told."}, {"dau", BW_VALUE_NUMBER, 0, "users", "Told."},
    {"wau", BW_VALUE_NUMBER, 0, "users", "Told."},          {"mau", BW_VALUE_NUMBER, 0, "users", "Told."},
    {"dau_mau", BW_VALUE_NUMBER, 0, "share", "Told."},      {"feature_breadth", BW_VALUE_NUMBER, 0, "features", "Told."},
    {"automation_depth", BW_VALUE_NUMBER, 0, "", "Told."},  {"usage", BW_VALUE_NUMBER, 0, "", "Told; key: resource."},
    {"limit_ratio", BW_VALUE_NUMBER, 0, "ratio", "Told."},  {"limit_date", BW_VALUE_STRING, 0, "", "Told."},
    {"first_active", BW_VALUE_STRING, 0, "", "Told."},      {"last_active", BW_VALUE_STRING, 0, "", "Told."},
    {"departments", BW_VALUE_NUMBER, 0, "", "Told."},       {"events_28d", BW_VALUE_NUMBER, 0, "", "Told."},
    {"events_prev_28d", BW_VALUE_NUMBER, 0, "", "Told."}};
#define TRAITS (sizeof traits / sizeof *traits)
static struct bw_signal_decl signals[MAX_SIGNALS];

static bool is(struct bw_str s, const char *word)
{
  return s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}

static const struct bw_field *property(const struct bw_record *r, const char *key)
{
  uint32_t i;
  for (i = 0; i < r->nfields; i++)
    if (r->fields[i].section == BW_SECTION_PROPERTIES && is(r->fields[i].key, key))
      return &r->fields[i];
  return NULL;
}

static struct bw_str text(const struct bw_record *r, const char *key, const char *missing)
{
  const struct bw_field *f = property(r, key);
  return f ? f->text : (struct bw_str){missing, strlen(missing)};
}

static double number(const struct bw_record *r, const char *key)
{
  const struct bw_field *f = property(r, key);
  return f ? f->number : 1;
}

static int32_t tell_signal(const struct bw_host *host, const struct bw_record *r)
{
  struct bw_str state = text(r, "state", "opened");
  struct bw_signal s = {.size = sizeof s,
                        .at_ms = r->time_ms,
                        .account = r->account,
                        .key = text(r, "key", ""),
                        .value = number(r, "value"),
                        .threshold = number(r, "threshold"),
                        .strength = number(r, "strength"),
                        .evidence = text(r, "evidence", "{}")};
  s.state = is(state, "cleared") ? BW_CLEARED : is(state, "updated") ? BW_UPDATED : BW_OPENED;
  while (s.type < bw_nknown_signals && !is(text(r, "signal", ""), signals[s.type].name))
    s.type++;
  return s.type < bw_nknown_signals ? host->emit_signal(host->ctx, &s) : 0;
}

static int32_t tell_trait(const struct bw_host *host, const struct bw_record *r)
{
  struct bw_trait t = {.size = sizeof t, .at_ms = r->time_ms, .account = r->account, .key = text(r, "key", "")};
  while (t.trait < TRAITS && !is(text(r, "trait", ""), traits[t.trait].name))
    t.trait++;
  if (t.trait == TRAITS)
    return 0;
  t.type = traits[t.trait].type;
  if (t.type == BW_VALUE_NUMBER)
    t.number = number(r, "value");
  else
    t.text = text(r, "value", "");
  return host->emit_trait(host->ctx, &t);
}

static int32_t open_puppet(const struct bw_open_args *args, void **ret)
{
  *ret = (void *)(uintptr_t)args->host; /* all that there is to know */
  return 0;
}

static int32_t take(void *self, const struct bw_batch *batch)
{
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; rc == 0 && i < batch->count; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    if (r->kind == BW_KIND_TRACK && is(r->name, "signal"))
      rc = tell_signal(self, r);
    else if (r->kind == BW_KIND_TRACK && is(r->name, "trait"))
      rc = tell_trait(self, r);
  }
  return rc;
}

static int32_t save(void *self, const struct bw_save_args *args)
{
  (void)self;
  return args->write(args->ctx, "-", 1);
}

static int32_t load(void *self, const struct bw_load_args *args)
{
  char byte;
  (void)self;
  return args->read(args->ctx, &byte, 1) < 0 ? -1 : 0;
}

static void close_puppet(void *self)
{
  (void)self;
}

BW_EXPORT const struct bw_plugin *basewatch_plugin(void)
{
  static struct bw_plugin p = {.magic = BW_PLUGIN_MAGIC,
                               .size = sizeof p,
                               .abi_major = BW_ABI_MAJOR,
                               .abi_minor = BW_ABI_MINOR,
                               .name = "usage",
                               .version = "1",
                               .summary = "says what it is told",
                               .kinds = BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_TICK),
                               .signals = signals,
                               .traits = traits,
                               .signal_size = sizeof *signals,
                               .ntraits = TRAITS,
                               .trait_size = sizeof *traits,
                               .state_version = 1,
                               .open = open_puppet,
                               .records = take,
                               .save = save,
                               .load = load,
                               .close = close_puppet};
  size_t i;
  for (i = 0; i < bw_nknown_signals && i < MAX_SIGNALS; i++)
    signals[i] = (struct bw_signal_decl){bw_known_signals[i].name, bw_known_signals[i].direction, bw_known_signals[i].urgency,
                                         bw_known_signals[i].play_types, "Told."};
  p.nsignals = (uint32_t)i;
  return &p;
}
