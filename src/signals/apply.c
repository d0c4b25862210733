/* SPDX-License-Identifier: Apache-2.0 */
/* What a watcher says becomes episodes and traits; nothing it says is trusted.  Runs in core and replays; no privileges. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "signals/private.h"
#include "wire/output.h"

static bool is_object(struct bw_str json)
{
  json_error_t why;
  json_t *v = json.len && json.len <= BW_EVIDENCE_MAX ? json_loadb(json.data, json.len, 0, &why) : NULL;
  bool ok = json_is_object(v);
  json_decref(v);
  return ok;
}

static bool good_text(struct bw_str s, size_t max)
{
  return s.len <= max && (s.len == 0 || (bw_utf8_valid(s.data, s.len) && !memchr(s.data, 0, s.len)));
}

static bool good_time(int64_t ms)
{
  return ms >= 0 && ms <= BW_TIME_MAX;
}

/* NULL, or what is wrong with it. */
static const char *refuse_signal(const struct watcher_row *w, const struct bw_signal *in)
{
  if (in->type >= w->nsignals)
    return "a signal that it did not declare";
  if (in->state < BW_OPENED || in->state > BW_CLEARED)
    return "a signal with an unknown state";
  if (!in->account.len || !good_text(in->account, MAX_ACCOUNT_NAME))
    return "a signal without a usable account";
  if (!good_text(in->key, BW_KEY_MAX))
    return "a signal with an unusable key";
  if (!good_time(in->at_ms))
    return "a signal with an impossible time";
  if (!isfinite(in->value) || !isfinite(in->threshold) || !isfinite(in->strength) || in->strength < 0 || in->strength > 1)
    return "a signal with an impossible number";
  if (in->evidence.len && !is_object(in->evidence))
    return "a signal whose evidence is not a JSON object";
  return NULL;
}

static const char *refuse_trait(const struct bw_signals *s, const struct watcher_row *w, const struct bw_trait *in)
{
  if (in->trait >= w->ntraits)
    return "a trait that it did not declare";
  if (!in->account.len || !good_text(in->account, MAX_ACCOUNT_NAME))
    return "a trait without a usable account";
  if (!good_text(in->key, BW_KEY_MAX) || !good_time(in->at_ms))
    return "a trait with an unusable key or time";
  if (in->type == BW_VALUE_NULL)
    return NULL;
  if (in->type != (bw_catalog_trait(s->catalog, w->traits[in->trait])->is_text ? BW_VALUE_STRING : BW_VALUE_NUMBER))
    return "a trait of another type than declared";
  if (in->type == BW_VALUE_NUMBER ? !isfinite(in->number) : !good_text(in->text, BW_EVIDENCE_MAX))
    return "a trait with an impossible value";
  return NULL;
}

/* A word without evidence (the wire makes an empty object of none) says that the episode goes on; what was shown of it stands.
 */
static bool shows_nothing(struct bw_str evidence)
{
  return evidence.len == 0 || bw_str_is(evidence, "{}");
}

static void set(struct episode *ep, const struct bw_signal *in, uint64_t offset)
{
  ep->pub.value = in->value;
  ep->pub.threshold = in->threshold;
  ep->pub.strength = in->strength;
  if (in->strength > ep->pub.peak_strength)
    ep->pub.peak_strength = in->strength;
  if (!ep->evidence || !shows_nothing(in->evidence)) {
    free(ep->evidence);
    ep->evidence = in->evidence.len ? bw_str_dup(in->evidence) : bw_strdup("{}");
    ep->pub.evidence = bw_str(ep->evidence);
  }
  ep->pub.updated_at = in->at_ms;
  ep->pub.updated_offset = offset;
}

static struct episode *open_episode(struct bw_signals *s, struct account *a, uint32_t type, uint32_t watcher,
                                    const struct bw_signal *in, uint64_t offset)
{
  struct episode *ep = bw_alloc(sizeof *ep);
  ep->account = a;
  ep->key = bw_signals_key(s, in->key);
  ep->pub = (struct bw_episode){.id = s->next_id++,
                                .account = bw_account_str(a),
                                .key = bw_key_str(ep->key),
                                .type = bw_catalog_signal(s->catalog, type),
                                .type_index = type,
                                .watcher = watcher,
                                .opened_at = in->at_ms,
                                .cleared_at = BW_TIME_NONE,
                                .held_until = BW_TIME_NONE,
                                .opened_offset = offset};
  set(ep, in, offset);
  bw_signals_attach(s, ep);
  if (ep->pub.type->direction == BW_DOWN) {
    s->fresh = bw_signals_grow(s->fresh, s->nfresh, &s->fresh_cap, sizeof *s->fresh);
    s->fresh[s->nfresh++] = ep;
    ep->fresh = s->nfresh;
  }
  s->stats.opened++;
  return ep;
}

static struct episode *find(struct account *a, uint32_t type, struct bw_str key)
{
  uint32_t i;
  for (i = 0; i < a->nopen; i++)
    if (a->open[i]->pub.type_index == type && bw_str_eq(bw_key_str(a->open[i]->key), key))
      return a->open[i];
  return NULL;
}

static const char *apply_signal(struct bw_signals *s, uint32_t watcher, const struct bw_signal *in, uint64_t offset)
{
  const struct watcher_row *w = &s->catalog->watchers[watcher];
  const char *why = refuse_signal(w, in);
  struct account *a;
  struct episode *ep;
  enum bw_signal_state state = BW_UPDATED;
  uint32_t type;
  if (why)
    return why;
  type = w->signals[in->type];
  a = in->state == BW_CLEARED ? bw_signals_account(s, in->account) : bw_signals_account_add(s, in->account);
  ep = a ? find(a, type, in->key) : NULL;
  if (in->state == BW_CLEARED) {
    if (!ep) {
      s->stats.unknown_clears++;
      return NULL;
    }
    set(ep, in, offset);
    bw_signals_touch(s, a, watcher, in->at_ms);
    bw_signals_end(s, ep, in->at_ms, false);
    return NULL;
  }
  if (ep) {
    set(ep, in, offset);
  } else {
    if (a->nopen >= MAX_OPEN_PER_ACCOUNT)
      return "more open signals on one account than the limit of 512";
    ep = open_episode(s, a, type, watcher, in, offset);
    state = BW_OPENED;
  }
  if (s->store)
    bw_signals_mark_dirty(s, ep);
  bw_signals_touch(s, a, watcher, in->at_ms);
  if (s->events.on_signal)
    s->events.on_signal(s->events.ctx, &ep->pub, state);
  return NULL;
}

static const char *apply_trait(struct bw_signals *s, uint32_t watcher, const struct bw_trait *in, uint64_t offset)
{
  const struct watcher_row *w = &s->catalog->watchers[watcher];
  const char *why = refuse_trait(s, w, in);
  struct bw_trait_value v;
  struct account *a;
  if (why)
    return why;
  a = in->type == BW_VALUE_NULL ? bw_signals_account(s, in->account) : bw_signals_account_add(s, in->account);
  if (!a)
    return NULL;
  v = (struct bw_trait_value){.account = bw_account_str(a),
                              .key = in->key,
                              .type_index = w->traits[in->trait],
                              .value_type = in->type,
                              .number = in->type == BW_VALUE_NUMBER ? in->number : 0,
                              .text = in->type == BW_VALUE_STRING ? in->text : BW_STR(""),
                              .at_ms = in->at_ms,
                              .offset = offset};
  v.type = bw_catalog_trait(s->catalog, v.type_index);
  if (!bw_signals_put_trait(s, a, &v))
    return NULL;
  bw_signals_touch(s, a, watcher, in->at_ms);
  if (s->events.on_trait)
    s->events.on_trait(s->events.ctx, &v);
  return NULL;
}

static const char *apply_notice(struct bw_signals *s, uint32_t watcher, const struct bw_notice *in)
{
  if (!good_text(in->account, MAX_ACCOUNT_NAME) || !good_text(in->code, 64) || !good_text(in->text, 4096) ||
      !good_time(in->at_ms))
    return "a notice that is not usable";
  if (s->events.on_notice)
    s->events.on_notice(s->events.ctx, in, s->catalog->watchers[watcher].name);
  return NULL;
}

void bw_signals_notice(struct bw_signals *s, int64_t at_ms, uint32_t severity, const char *code, struct bw_str text)
{
  struct bw_notice n = {.size = sizeof n, .severity = severity, .at_ms = at_ms, .code = bw_str(code), .text = text};
  if (s->events.on_notice)
    s->events.on_notice(s->events.ctx, &n, "signals");
}

int bw_signals_apply(struct bw_signals *s, uint32_t watcher, struct bw_str outputs, uint64_t offset, struct bw_error *err)
{
  struct bw_reader in = bw_reader(outputs.data, outputs.len);
  struct bw_output o;
  struct bw_str account = BW_STR("");
  const char *first = NULL;
  uint64_t refused = 0;
  int64_t at_ms = 0;
  int rc;
  if (watcher >= s->catalog->nwatchers)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "watcher %u is not in the catalogue", watcher);
  while ((rc = bw_output_next(&in, &o, err)) > 0) {
    const char *why = o.kind == BW_OUTPUT_SIGNAL  ? apply_signal(s, watcher, &o.u.signal, offset)
                      : o.kind == BW_OUTPUT_TRAIT ? apply_trait(s, watcher, &o.u.trait, offset)
                                                  : apply_notice(s, watcher, &o.u.notice);
    if (!why)
      continue;
    refused++;
    if (!first) {
      first = why;
      account = o.kind == BW_OUTPUT_SIGNAL ? o.u.signal.account : o.kind == BW_OUTPUT_TRAIT ? o.u.trait.account : account;
      at_ms = o.kind == BW_OUTPUT_SIGNAL ? o.u.signal.at_ms : o.kind == BW_OUTPUT_TRAIT ? o.u.trait.at_ms : o.u.notice.at_ms;
    }
  }
  if (refused) {
    bool named = account.len && good_text(account, MAX_ACCOUNT_NAME);
    char *text BW_AUTOFREE =
        bw_asprintf("watcher %s emitted %s%s%.*s%s; %llu of its outputs up to record %llu were refused and left out",
                    s->catalog->watchers[watcher].name, first, named ? " (account " : "", named ? (int)account.len : 0,
                    named ? account.data : "", named ? ")" : "", (unsigned long long)refused, (unsigned long long)offset);
    s->stats.refused += refused;
    bw_signals_notice(s, good_time(at_ms) ? at_ms : 0, BW_URGENCY_MEDIUM, "outputs_refused", bw_str(text));
  }
  return rc;
}

/* ---- lines of the replay ---- */

void bw_episode_json(struct bw_buf *b, const struct bw_episode *e, enum bw_signal_state state)
{
  static const char *const states[] = {"", "opened", "updated", "cleared"};
  bw_json_open(b, '{');
  bw_json_key(b, "kind");
  bw_json_cstr(b, "signal");
  bw_json_key(b, "at");
  bw_json_time(b, state == BW_CLEARED ? e->cleared_at : state == BW_OPENED ? e->opened_at : e->updated_at);
  bw_json_key(b, "account");
  bw_json_str(b, e->account);
  bw_json_key(b, "signal");
  bw_json_cstr(b, e->type->name);
  if (e->key.len) {
    bw_json_key(b, "key");
    bw_json_str(b, e->key);
  }
  bw_json_key(b, "state");
  bw_json_cstr(b, states[state]);
  if (e->expired) {
    bw_json_key(b, "expired");
    bw_json_bool(b, true);
  }
  bw_json_key(b, "direction");
  bw_json_cstr(b, bw_direction_name(e->type->direction));
  bw_json_key(b, "value");
  bw_json_num(b, e->value);
  bw_json_key(b, "threshold");
  bw_json_num(b, e->threshold);
  bw_json_key(b, "strength");
  bw_json_num(b, e->strength);
  bw_json_key(b, "evidence");
  bw_json_raw(b, e->evidence);
  bw_json_close(b, '}');
  bw_buf_add_char(b, '\n');
}

void bw_trait_value_json(struct bw_buf *b, const struct bw_trait_value *t)
{
  bw_json_open(b, '{');
  bw_json_key(b, "kind");
  bw_json_cstr(b, "trait");
  bw_json_key(b, "at");
  bw_json_time(b, t->at_ms);
  bw_json_key(b, "account");
  bw_json_str(b, t->account);
  bw_json_key(b, "trait");
  bw_json_cstr(b, t->type->name);
  if (t->key.len) {
    bw_json_key(b, "key");
    bw_json_str(b, t->key);
  }
  bw_json_key(b, "value");
  if (t->value_type == BW_VALUE_NUMBER)
    bw_json_num(b, t->number);
  else if (t->value_type == BW_VALUE_STRING)
    bw_json_str(b, t->text);
  else
    bw_json_null(b);
  bw_json_close(b, '}');
  bw_buf_add_char(b, '\n');
}
