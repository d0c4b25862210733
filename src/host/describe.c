/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's descriptor as JSON, for core, the rules and the manual pages.  Runs in the watcher host (behind the sandbox)
 * and in the command line.  No privileges needed beyond reading the plugin's file.
 */
#include "base/json.h"
#include "host/instance.h"
#include "host/load.h"

static const char *const direction_names[] = {"", "up", "down", "both", "unclear", "revival", "context"};
static const char *const urgency_names[] = {"watch", "low", "medium", "high"};
static const char *const type_names[] = {"", "bool", "integer", "number", "percent", "duration", "string", "json"};

static void member(struct bw_buf *b, const char *key, const char *text)
{
  bw_json_key(b, key);
  bw_json_cstr(b, text);
}

static void describe_signals(struct bw_buf *b, const struct bw_loaded *l)
{
  uint32_t i;
  bw_json_key(b, "signals");
  bw_json_open(b, '[');
  for (i = 0; i < l->plugin.nsignals; i++) {
    const struct bw_signal_decl *s = &l->signals[i];
    bw_json_open(b, '{');
    member(b, "name", s->name);
    member(b, "direction", direction_names[s->direction]);
    member(b, "urgency", urgency_names[s->urgency]);
    member(b, "play_types", s->play_types);
    member(b, "help", s->help);
    bw_json_close(b, '}');
  }
  bw_json_close(b, ']');
}

static void describe_traits(struct bw_buf *b, const struct bw_loaded *l)
{
  uint32_t i;
  bw_json_key(b, "traits");
  bw_json_open(b, '[');
  for (i = 0; i < l->plugin.ntraits; i++) {
    const struct bw_trait_decl *t = &l->traits[i];
    bw_json_open(b, '{');
    member(b, "name", t->name);
    member(b, "type", t->type == BW_VALUE_NUMBER ? "number" : "string");
    member(b, "unit", t->unit);
    member(b, "help", t->help);
    bw_json_close(b, '}');
  }
  bw_json_close(b, ']');
}

static void describe_options(struct bw_buf *b, const struct bw_loaded *l)
{
  uint32_t i;
  bw_json_key(b, "options");
  bw_json_open(b, '[');
  for (i = 0; i < l->plugin.noptions; i++) {
    const struct bw_option *o = &l->options[i];
    bw_json_open(b, '{');
    member(b, "name", o->name);
    member(b, "type", type_names[o->type]);
    member(b, "default", o->default_text); /* null: must be given */
    bw_json_key(b, "min");
    bw_json_num(b, o->min);
    bw_json_key(b, "max");
    bw_json_num(b, o->max);
    member(b, "help", o->help);
    bw_json_close(b, '}');
  }
  bw_json_close(b, ']');
}

void bw_loaded_describe(const struct bw_loaded *l, struct bw_buf *b)
{
  size_t i;
  bw_json_open(b, '{');
  member(b, "name", l->plugin.name);
  member(b, "version", l->plugin.version);
  member(b, "summary", l->plugin.summary);
  bw_json_key(b, "kinds");
  bw_json_int(b, (int64_t)(l->plugin.kinds & (BW_KIND_BIT(BW_KIND_COUNT) - 1)));
  bw_json_key(b, "state_version");
  bw_json_int(b, l->plugin.state_version);
  describe_signals(b, l);
  describe_traits(b, l);
  describe_options(b, l);
  bw_json_key(b, "endpoints");
  bw_json_open(b, '[');
  for (i = 0; l->plugin.endpoints && l->plugin.endpoints[i]; i++)
    bw_json_cstr(b, l->plugin.endpoints[i]);
  bw_json_close(b, ']');
  bw_json_close(b, '}');
}

int bw_instance_describe(const char *path, struct bw_buf *ret_json, struct bw_error *err)
{
  struct bw_loaded l = {0};
  int rc = bw_loaded_open(path, &l, err);
  if (rc == BW_OK)
    bw_loaded_describe(&l, ret_json);
  bw_loaded_close(&l);
  return rc;
}
