/* SPDX-License-Identifier: Apache-2.0 */
/* Leads as JSON, and the eight fields that their owners read.  Runs in core and replays; no privileges. */
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

static void pair(struct bw_buf *b, const char *key, const char *value)
{
  bw_json_key(b, key);
  bw_json_cstr(b, value);
}

static void time_pair(struct bw_buf *b, const char *key, int64_t ms)
{
  bw_json_key(b, key);
  bw_json_time(b, ms);
}

static void number_pair(struct bw_buf *b, const char *key, double v)
{
  bw_json_key(b, key);
  bw_json_num(b, v);
}

/* What both forms begin with, after their own first keys. */
static void common(struct bw_buf *b, const struct bw_lead *l)
{
  pair(b, "account", l->account);
  pair(b, "play", l->play);
  pair(b, "family", l->family);
  pair(b, "motion", l->motion);
  pair(b, "type", l->type);
  pair(b, "status", bw_lead_status_name(l->status));
  pair(b, "mode", bw_mode_name(l->mode));
  pair(b, "priority", l->priority);
  pair(b, "owner", l->owner);
  pair(b, "owner_role", l->owner_role);
  if (l->owner_note[0])
    pair(b, "owner_note", l->owner_note);
  pair(b, "csm", l->csm[0] ? l->csm : NULL);
  bw_json_key(b, "csm_required");
  bw_json_bool(b, l->csm_required);
  number_pair(b, "score", l->score);
  number_pair(b, "estimate", l->estimate);
  pair(b, "currency", l->currency);
  pair(b, "primary_signal", l->primary_signal);
  time_pair(b, "sla", l->sla_at);
  time_pair(b, "review_until", l->review_until);
}

void bw_lead_line_json(struct bw_buf *b, const struct bw_lead *l, const char *event, int64_t at_ms)
{
  bw_json_open(b, '{');
  pair(b, "kind", "lead");
  time_pair(b, "at", at_ms);
  pair(b, "lead", l->id);
  pair(b, "event", event);
  common(b, l);
  if (l->reason[0])
    pair(b, "reason", l->reason);
  bw_json_key(b, "why");
  bw_json_raw(b, bw_str(l->why_json[0] ? l->why_json : "{}"));
  bw_json_close(b, '}');
  bw_buf_add_char(b, '\n');
}

void bw_lead_json(struct bw_buf *b, const struct bw_lead *l)
{
  bw_json_open(b, '{');
  pair(b, "lead", l->id);
  common(b, l);
  time_pair(b, "opened", l->opened_at);
  time_pair(b, "released", l->released_at);
  time_pair(b, "updated", l->updated_at);
  time_pair(b, "snoozed_until", l->snoozed_until);
  time_pair(b, "closed", l->closed_at);
  bw_json_key(b, "close_date");
  if (l->close_at == BW_TIME_NONE)
    bw_json_null(b);
  else
    bw_json_day(b, bw_time_day(l->close_at));
  pair(b, "joined_to", l->joined_to[0] ? l->joined_to : NULL);
  bw_json_key(b, "nurture");
  bw_json_bool(b, l->nurture);
  pair(b, "title", l->title);
  pair(b, "template", l->template_name);
  pair(b, "reason", l->reason[0] ? l->reason : NULL);
  bw_json_key(b, "enriched");
  bw_json_int(b, l->enriched);
  bw_json_key(b, "fields");
  bw_json_raw(b, bw_str(l->fields_json[0] ? l->fields_json : "{}"));
  bw_json_key(b, "why");
  bw_json_raw(b, bw_str(l->why_json[0] ? l->why_json : "{}"));
  bw_json_close(b, '}');
}

static void account_pair(struct bw_buf *b, const char *key, struct bw_env *env, const char *name)
{
  struct bw_value v;
  bw_env_account_value(env, name, &v);
  bw_json_key(b, key);
  bw_value_json(b, &v);
}

/* The angle's text, quotes included.  Our own JSON: within it, an unescaped "angle": is that key and nothing else. */
static struct bw_str find_angle(const char *json)
{
  static const char mark[] = ",\"angle\":";
  const char *at = strstr(json, mark), *end;
  if (!at)
    return BW_STR("");
  at += sizeof mark - 1;
  for (end = at + 1; *at == '"' && *end && *end != '"'; end++)
    if (*end == '\\' && end[1])
      end++;
  return *at == '"' && *end ? bw_str_n(at, (size_t)(end + 1 - at)) : BW_STR("");
}

/* Three questions answered without opening another record: why now, what it is worth, what the opening move is. */
void bw_lead_fields(struct lead *l, const struct verdict *v, struct bw_env *env)
{
  struct bw_str angle = find_angle(l->pub.fields_json);
  struct bw_buf b = {0};
  bw_json_open(&b, '{');
  pair(&b, "primary_signal", l->pub.primary_signal);
  number_pair(&b, "score", l->pub.score);
  bw_json_key(&b, "signals");
  bw_json_raw(&b, bw_buf_str(&v->signals_json));
  account_pair(&b, "current_arr", env, "account.arr");
  number_pair(&b, "estimated_arr", l->pub.estimate);
  account_pair(&b, "last_csm_activity", env, "account.last_csm_touch");
  bw_json_key(&b, "angle");
  if (angle.len) /* as it was filled in for the draft */
    bw_json_raw(&b, angle);
  else
    bw_json_cstr(&b, strstr(l->pub.angle, "{{") ? "" : l->pub.angle);
  time_pair(&b, "sla", l->pub.sla_at);
  pair(&b, "currency", l->pub.currency);
  pair(&b, "opening_move", l->pub.title);
  bw_json_close(&b, '}');
  bw_lead_set(&l->pub.fields_json, bw_buf_cstr(&b));
  bw_buf_clear(&b);
}

int bw_lead_set_angle(struct bw_engine *e, struct bw_str id, struct bw_str angle, struct bw_error *err)
{
  struct lead *l = bw_map_get(e->by_id, id);
  struct bw_buf json = {0};
  struct bw_str old;
  if (!l)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no live lead %.*s", (int)(id.len > 40 ? 40 : id.len),
                   id.data);
  old = find_angle(l->pub.fields_json);
  if (old.len) {
    bw_buf_add(&json, l->pub.fields_json, (size_t)(old.data - l->pub.fields_json));
    bw_json_str(&json, angle);
    bw_buf_add_cstr(&json, old.data + old.len);
  }
  if (old.len && strcmp(bw_buf_cstr(&json), l->pub.fields_json) != 0) {
    bw_lead_set(&l->pub.fields_json, bw_buf_cstr(&json));
    bw_lead_dirty(e, l);
  }
  bw_buf_clear(&json);
  return 0;
}
