/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What watchers say, as bytes.  Runs in the watcher host (writing, on values that a plugin made) and in core (reading, on bytes
 * that a host wrote): neither is trusted, both directions check the same rules.  No privileges needed.
 */
#include "wire/output.h"

#include <jansson.h>
#include <math.h>

#include "base/time.h"

#define ACCOUNT_MAX 1024
#define TEXT_MAX 4096
#define CODE_MAX 64
#define EVIDENCE_DEPTH 16

static int bad(struct bw_error *err, const char *what, const char *field, const char *rule)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "%s: %s %s", what, field, rule);
}

static int check_text(struct bw_str s, size_t max, bool required, const char *what, const char *field, struct bw_error *err)
{
  if (s.len > max)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_BUG, "%s: %s has %llu bytes; at most %zu are taken", what, field,
                   (unsigned long long)s.len, max);
  if (required && s.len == 0)
    return bad(err, what, field, "is empty");
  if (s.len > 0 && !s.data)
    return bad(err, what, field, "has a length and no bytes");
  if (s.len > 0 && !bw_utf8_valid(s.data, s.len))
    return bad(err, what, field, "is not UTF-8");
  return BW_OK;
}

static int check_number(double v, const char *what, const char *field, struct bw_error *err)
{
  return isfinite(v) ? BW_OK : bad(err, what, field, "is not a finite number");
}

static int check_time(int64_t ms, const char *what, struct bw_error *err)
{
  return ms >= 0 && ms <= BW_TIME_MAX ? BW_OK : bad(err, what, "at_ms", "is outside the years 1970 to 9999");
}

static bool depth_ok(const json_t *v, int left)
{
  const char *key;
  json_t *item;
  size_t i;
  if (left == 0)
    return false;
  if (json_is_object(v))
    json_object_foreach((json_t *)(uintptr_t)v, key, item) if (!depth_ok(item, left - 1)) return false;
  if (json_is_array(v))
    json_array_foreach(v, i, item) if (!depth_ok(item, left - 1)) return false;
  return true;
}

static int check_evidence(struct bw_str s, struct bw_error *err)
{
  json_error_t why;
  json_t *v;
  bool object, shallow;
  int rc = check_text(s, BW_EVIDENCE_MAX, false, "signal", "evidence", err);
  if (rc < 0 || s.len == 0)
    return rc;
  v = json_loadb(s.data, s.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
  if (!v)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "signal: evidence is not JSON: %s at byte %d", why.text, why.position);
  object = json_is_object(v);
  shallow = depth_ok(v, EVIDENCE_DEPTH);
  json_decref(v);
  if (!object)
    return bad(err, "signal", "evidence", "is not a JSON object");
  return shallow ? BW_OK : bad(err, "signal", "evidence", "is nested too deeply");
}

static int check_signal(const struct bw_signal *s, struct bw_error *err)
{
  int rc;
  if (s->state < BW_OPENED || s->state > BW_CLEARED)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "signal: state %u is none of opened, updated, cleared", s->state);
  if ((rc = check_time(s->at_ms, "signal", err)) < 0 ||
      (rc = check_text(s->account, ACCOUNT_MAX, true, "signal", "account", err)) < 0 ||
      (rc = check_text(s->key, BW_KEY_MAX, false, "signal", "key", err)) < 0 ||
      (rc = check_number(s->value, "signal", "value", err)) < 0 ||
      (rc = check_number(s->threshold, "signal", "threshold", err)) < 0)
    return rc;
  if (!(s->strength >= 0 && s->strength <= 1))
    return bad(err, "signal", "strength", "is outside 0..1");
  return check_evidence(s->evidence, err);
}

static int check_trait(const struct bw_trait *t, struct bw_error *err)
{
  int rc;
  if (t->type != BW_VALUE_NULL && t->type != BW_VALUE_NUMBER && t->type != BW_VALUE_STRING)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "trait: type %u is none of null, number, string", t->type);
  if ((rc = check_time(t->at_ms, "trait", err)) < 0 ||
      (rc = check_text(t->account, ACCOUNT_MAX, true, "trait", "account", err)) < 0 ||
      (rc = check_text(t->key, BW_KEY_MAX, false, "trait", "key", err)) < 0)
    return rc;
  if (t->type == BW_VALUE_NUMBER)
    return check_number(t->number, "trait", "number", err);
  return t->type == BW_VALUE_STRING ? check_text(t->text, TEXT_MAX, false, "trait", "text", err) : BW_OK;
}

static int check_notice(const struct bw_notice *n, struct bw_error *err)
{
  int rc;
  uint64_t i;
  if (n->severity > BW_URGENCY_HIGH)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "notice: severity %u is above %d", n->severity, BW_URGENCY_HIGH);
  if ((rc = check_time(n->at_ms, "notice", err)) < 0 ||
      (rc = check_text(n->account, ACCOUNT_MAX, false, "notice", "account", err)) < 0 ||
      (rc = check_text(n->code, CODE_MAX, true, "notice", "code", err)) < 0 ||
      (rc = check_text(n->text, TEXT_MAX, true, "notice", "text", err)) < 0)
    return rc;
  for (i = 0; i < n->code.len; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", n->code.data[i]) || n->code.data[i] == '\0')
      return bad(err, "notice", "code", "is not made of a-z, 0-9, '_', '.', '-'");
  return BW_OK;
}

/* ---- writing ---- */

int bw_output_add_signal(struct bw_buf *b, const struct bw_signal *s, uint32_t nsignals, struct bw_error *err)
{
  int rc;
  if (s->type >= nsignals)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "signal: type %u is not in the plugin's table of %u signals", s->type,
                   nsignals);
  rc = check_signal(s, err);
  if (rc < 0)
    return rc;
  bw_buf_add_u8(b, BW_OUTPUT_SIGNAL);
  bw_buf_add_varint(b, s->type);
  bw_buf_add_u8(b, (uint8_t)s->state);
  bw_buf_add_svarint(b, s->at_ms);
  bw_buf_add_lstr(b, s->account);
  bw_buf_add_lstr(b, s->key);
  bw_buf_add_f64(b, s->value);
  bw_buf_add_f64(b, s->threshold);
  bw_buf_add_f64(b, s->strength);
  bw_buf_add_lstr(b, s->evidence.len ? s->evidence : BW_STR("{}"));
  return BW_OK;
}

int bw_output_add_trait(struct bw_buf *b, const struct bw_trait *t, uint32_t ntraits, struct bw_error *err)
{
  int rc;
  if (t->trait >= ntraits)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "trait: index %u is not in the plugin's table of %u traits", t->trait,
                   ntraits);
  rc = check_trait(t, err);
  if (rc < 0)
    return rc;
  bw_buf_add_u8(b, BW_OUTPUT_TRAIT);
  bw_buf_add_varint(b, t->trait);
  bw_buf_add_u8(b, (uint8_t)t->type);
  bw_buf_add_svarint(b, t->at_ms);
  bw_buf_add_lstr(b, t->account);
  bw_buf_add_lstr(b, t->key);
  if (t->type == BW_VALUE_NUMBER)
    bw_buf_add_f64(b, t->number);
  else if (t->type == BW_VALUE_STRING)
    bw_buf_add_lstr(b, t->text);
  return BW_OK;
}

int bw_output_add_notice(struct bw_buf *b, const struct bw_notice *n, struct bw_error *err)
{
  int rc = check_notice(n, err);
  if (rc < 0)
    return rc;
  bw_buf_add_u8(b, BW_OUTPUT_NOTICE);
  bw_buf_add_u8(b, (uint8_t)n->severity);
  bw_buf_add_svarint(b, n->at_ms);
  bw_buf_add_lstr(b, n->account);
  bw_buf_add_lstr(b, n->code);
  bw_buf_add_lstr(b, n->text);
  return BW_OK;
}

/* ---- reading ---- */

/* An index that does not fit the struct's field becomes one that no table has. */
static uint32_t read_index(struct bw_reader *in)
{
  uint64_t v = bw_read_varint(in);
  return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static int read_signal(struct bw_reader *in, struct bw_output *o, struct bw_error *err)
{
  struct bw_signal *s = &o->u.signal;
  s->size = sizeof *s;
  s->type = read_index(in);
  s->state = bw_read_u8(in);
  s->at_ms = bw_read_svarint(in);
  s->account = bw_read_lstr(in);
  s->key = bw_read_lstr(in);
  s->value = bw_read_f64(in);
  s->threshold = bw_read_f64(in);
  s->strength = bw_read_f64(in);
  s->evidence = bw_read_lstr(in);
  return in->bad ? BW_EINVAL : check_signal(s, err);
}

static int read_trait(struct bw_reader *in, struct bw_output *o, struct bw_error *err)
{
  struct bw_trait *t = &o->u.trait;
  t->size = sizeof *t;
  t->trait = read_index(in);
  t->type = bw_read_u8(in);
  t->at_ms = bw_read_svarint(in);
  t->account = bw_read_lstr(in);
  t->key = bw_read_lstr(in);
  if (t->type == BW_VALUE_NUMBER)
    t->number = bw_read_f64(in);
  else if (t->type == BW_VALUE_STRING)
    t->text = bw_read_lstr(in);
  return in->bad ? BW_EINVAL : check_trait(t, err);
}

static int read_notice(struct bw_reader *in, struct bw_output *o, struct bw_error *err)
{
  struct bw_notice *n = &o->u.notice;
  n->size = sizeof *n;
  n->severity = bw_read_u8(in);
  n->at_ms = bw_read_svarint(in);
  n->account = bw_read_lstr(in);
  n->code = bw_read_lstr(in);
  n->text = bw_read_lstr(in);
  return in->bad ? BW_EINVAL : check_notice(n, err);
}

int bw_output_next(struct bw_reader *in, struct bw_output *ret_output, struct bw_error *err)
{
  struct bw_output o = {0};
  uint8_t kind;
  int rc;
  if (!in->bad && bw_reader_left(in) == 0)
    return 0;
  kind = bw_read_u8(in);
  o.kind = (enum bw_output_kind)kind;
  switch (kind) {
  case BW_OUTPUT_SIGNAL:
    rc = read_signal(in, &o, err);
    break;
  case BW_OUTPUT_TRAIT:
    rc = read_trait(in, &o, err);
    break;
  case BW_OUTPUT_NOTICE:
    rc = read_notice(in, &o, err);
    break;
  default:
    in->bad = true;
    rc = BW_EINVAL;
  }
  if (in->bad)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "what the watcher said is damaged: cut off or of an unknown kind");
  if (rc < 0) {
    in->bad = true;
    return rc;
  }
  *ret_output = o;
  return 1;
}

int bw_output_check(struct bw_str outputs, uint32_t nsignals, uint32_t ntraits, struct bw_error *err)
{
  struct bw_reader in = bw_reader(outputs.len ? outputs.data : "", outputs.len);
  struct bw_output o;
  int rc;
  while ((rc = bw_output_next(&in, &o, err)) > 0) {
    if (o.kind == BW_OUTPUT_SIGNAL && o.u.signal.type >= nsignals)
      return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "signal: type %u is not in the plugin's table of %u signals",
                     o.u.signal.type, nsignals);
    if (o.kind == BW_OUTPUT_TRAIT && o.u.trait.trait >= ntraits)
      return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "trait: index %u is not in the plugin's table of %u traits", o.u.trait.trait,
                     ntraits);
  }
  return rc;
}
