/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one pass over an event's bytes: keys are recognised, values put into their slots or fields, everything checked.  This is
 * the hot path: no allocation per event, no look at a byte twice.  As far as the keys come in an order seen before, steps from
 * value to value are followed; from there on each key is looked at.  Runs in every process that parses, on bytes from anyone;
 * no privileges.
 */
#include <string.h>

#include "ingest/mask.h"
#include "ingest/parser.h"

#define MAX_KEYS 1024 /* of one event, with those of objects */

static int hard(struct bw_event_parser *p, const char *at, const char *reason)
{
  p->hard = (struct bw_json_error){at, reason, false};
  return BW_EINVAL;
}

/* Refuses the event, but goes on to find its end.  The first reason counts. */
__attribute__((cold, noinline)) static void soft(struct bw_event_parser *p, const struct bw_key *key, const char *at,
                                                 const char *reason, bool limit)
{
  if (p->soft.reason)
    return;
  p->soft = (struct bw_json_error){at, reason, limit};
  p->soft_key = key;
}

static inline const char *space(const struct bw_event_parser *p, const char *s)
{
  return __builtin_expect((unsigned char)*s <= ' ', 0) ? bw_json_space(s, p->newlines) : s;
}

/* ---- keys ---- */

/* Looked up, or learned.  s is behind the opening quote; *ret_after behind the colon. */
static struct bw_key *scan_key(struct bw_event_parser *p, struct bw_key *object, const char *s, const char **ret_after)
{
  unsigned flags;
  const char *end = bw_json_string_end(s, &flags);
  struct bw_str own = {s, (size_t)(end - s)};
  struct bw_key *key;
  if (*end != '"') {
    (void)hard(p, end, "a key is not closed, or holds a control character");
    return NULL;
  }
  if ((flags & BW_STRING_WIDE) && !bw_utf8_valid(own.data, own.len)) {
    (void)hard(p, s, "a key is not valid UTF-8");
    return NULL;
  }
  if (flags & BW_STRING_ESCAPED) {
    char *text = bw_arena_take(&p->batch->text, own.len);
    int64_t n = bw_json_unescape(s, end, text, &p->hard);
    if (n < 0)
      return NULL;
    own = (struct bw_str){text, (uint64_t)n};
  }
  key = bw_keys_get(&p->keys, object, own);
  if (!key) {
    p->hard = (struct bw_json_error){s, "a field's name is too long", true};
    return NULL;
  }
  end = space(p, end + 1);
  if (*end != ':') {
    (void)hard(p, end, "':' was expected");
    return NULL;
  }
  *ret_after = end + 1;
  return key;
}

/* ---- values ---- */

static inline void put_field(struct bw_event_parser *p, const struct bw_key *k, struct bw_str text, double number,
                             uint32_t type)
{
  struct bw_field *f = p->fields + p->nfields;
  if (__builtin_expect(p->nfields >= BW_RECORD_MAX_FIELDS, 0)) {
    soft(p, k, p->start, "more than 512 fields", true);
    return;
  }
  f->key = k->name;
  f->text = text;
  f->number = number;
  f->section = k->section;
  f->type = type;
  p->nfields++;
  p->check_names |= k->dotted;
}

static inline void put_slot(struct bw_event_parser *p, const struct bw_key *k, struct bw_str text, bool number)
{
  p->slots[k->slot] = text;
  p->present |= BW_SLOT_BIT(k->slot);
  if (text.len == 0)
    p->empty |= BW_SLOT_BIT(k->slot);
  if (number)
    p->numeric |= BW_SLOT_BIT(k->slot);
}

/* In the slots stand words and numbers; in a section an object.  A null is the same as nothing. */
static void put_odd(struct bw_event_parser *p, const struct bw_key *k, const char *at, uint32_t type)
{
  if (type == BW_VALUE_NULL)
    return;
  if (k->slot == BW_SLOT_SECTION)
    soft(p, k, at, "must be an object", false);
  else
    soft(p, k, at, "must be text", false);
}

static struct bw_str clean_string(struct bw_event_parser *p, const struct bw_key *k, const char *s, const char *end,
                                  unsigned flags)
{
  struct bw_str text = {s, (size_t)(end - s)};
  if ((flags & BW_STRING_WIDE) && !bw_utf8_valid(s, text.len))
    soft(p, k, s, "is not valid UTF-8", false);
  if (flags & BW_STRING_ESCAPED) {
    struct bw_json_error e = {0};
    char *out = bw_arena_take(&p->batch->text, text.len);
    int64_t n = bw_json_unescape(s, end, out, &e);
    if (n < 0) {
      soft(p, k, e.at, e.reason, false);
      n = 0;
    }
    text = (struct bw_str){out, (uint64_t)n};
  }
  return text;
}

const char *bw_scan_string(struct bw_event_parser *p, const struct bw_key *k, const char *s)
{
  unsigned flags;
  const char *end = bw_json_string_end(s, &flags);
  struct bw_str text = {s, (size_t)(end - s)};
  if (__builtin_expect(*end != '"', 0)) {
    (void)hard(p, end, "a string is not closed, or holds a control character");
    return NULL;
  }
  if (__builtin_expect(flags, 0))
    text = clean_string(p, k, s, end, flags);
  if (k->slot < BW_SLOTS)
    put_slot(p, k, text, false);
  else if (k->slot == BW_SLOT_NONE)
    put_field(p, k, text, 0, BW_VALUE_STRING);
  else
    put_odd(p, k, s, BW_VALUE_STRING);
  return end + 1;
}

const char *bw_scan_number(struct bw_event_parser *p, const struct bw_key *k, const char *s)
{
  double v;
  const char *end = bw_json_small_number(s, &v);
  if (!end && !(end = bw_json_number(s, &v, &p->hard)))
    return NULL;
  if (k->slot < BW_SLOTS)
    put_slot(p, k, (struct bw_str){s, (size_t)(end - s)}, true);
  else if (k->slot == BW_SLOT_NONE)
    put_field(p, k, (struct bw_str){s, (size_t)(end - s)}, v, BW_VALUE_NUMBER);
  else
    put_odd(p, k, s, BW_VALUE_NUMBER);
  return end;
}

/* An array is kept as it is written, but for the secrets in it. */
static struct bw_str without_secrets(struct bw_event_parser *p, struct bw_str json)
{
  struct bw_buf out = {0};
  if (bw_mask_json(json, &out))
    json = bw_arena_keep(&p->batch->text, bw_buf_str(&out));
  bw_buf_clear(&out);
  return json;
}

const char *bw_scan_other(struct bw_event_parser *p, const struct bw_key *k, const char *s, int depth)
{
  uint32_t type = *s == '[' ? BW_VALUE_JSON : *s == 'n' ? BW_VALUE_NULL : BW_VALUE_BOOL;
  const char *end =
      *s == '[' ? bw_json_skip(s, BW_JSON_MAX_DEPTH - depth, p->newlines, &p->hard) : bw_json_literal(s, &p->hard);
  struct bw_str text = {s, end ? (size_t)(end - s) : 0};
  if (!end)
    return NULL;
  if (type == BW_VALUE_JSON)
    text = without_secrets(p, text);
  if (k->slot != BW_SLOT_NONE)
    put_odd(p, k, s, type);
  else
    put_field(p, k, type == BW_VALUE_NULL ? BW_STR("") : text, *s == 't' ? 1 : 0, type);
  return end;
}

/* ---- the event ---- */

/* A key that was met before in this event.  In an event that is a mistake; laying a body's context under it, that one stays. */
static inline bool key_again(struct bw_event_parser *p, struct bw_key *k, const char *at)
{
  if (__builtin_expect(k->seen != p->serial, 1)) {
    k->seen = p->serial;
    return false;
  }
  if (!p->merging)
    soft(p, k, at, "stands there twice", false);
  return true;
}

/* From here on members are scanned in full. */
static void leave_steps(struct bw_event_parser *p, struct bw_place *at)
{
  const struct bw_step *t;
  struct bw_key *k;
  bw_shapes_arrive(p, at->step);
  p->nkeys = at->step->nkeys;
  at->depth = at->step->depth;
  if (at->step->key)
    at->object = at->step->key->parent;
  for (t = at->step; t; t = t->parent)
    for (k = t->key; k && k->seen != p->serial; k = k->parent)
      k->seen = p->serial;
}

/* ---- what no step leads over ---- */

static void learn(struct bw_event_parser *p, struct bw_place *at, const char *end, enum bw_step_kind kind, struct bw_key *k)
{
  struct bw_step like = {.kind = (uint8_t)kind,
                         .slot = k ? k->slot : BW_SLOT_NONE,
                         .nkeys = (uint16_t)p->nkeys,
                         .key = k,
                         .present = p->present,
                         .numeric = p->numeric,
                         .depth = (uint8_t)at->depth,
                         .dotted = p->check_names};
  if (!at->step)
    return;
  like.nfields = (uint16_t)(p->nfields - (kind < BW_STEP_EMPTY && like.slot == BW_SLOT_NONE));
  /* What is wrong with this event would not be seen in another that is led over it. */
  at->step = p->soft.reason ? NULL : bw_shapes_add(&p->shapes, at->step, bw_str_n(at->from, (size_t)(end - at->from)), &like);
}

/* The value of k at s, where that is no object.  Its end, or NULL. */
static const char *scan_value(struct bw_event_parser *p, struct bw_place *at, struct bw_key *k, const char *s)
{
  const char *start = s;
  enum bw_step_kind kind = BW_STEP_OTHER;
  if (*s == '"') {
    kind = BW_STEP_STRING;
    start++;
    s = bw_scan_string(p, k, start);
  } else if (*s == '-' || (unsigned char)(*s - '0') < 10) {
    kind = BW_STEP_NUMBER;
    s = bw_scan_number(p, k, s);
  } else {
    s = bw_scan_other(p, k, s, at->depth);
  }
  if (s) {
    learn(p, at, start, kind, k);
    at->from = kind == BW_STEP_STRING ? s - 1 : s;
  }
  return s;
}

/* An object begins: its members are next. */
static int enter(struct bw_event_parser *p, struct bw_place *at, struct bw_key *k, const char *s)
{
  if (at->depth == BW_JSON_MAX_DEPTH) {
    p->hard = (struct bw_json_error){s, "nested too deeply", true};
    return BW_ELIMIT;
  }
  if (k->slot < BW_SLOTS)
    soft(p, k, s, "must be text", false);
  at->object = k;
  at->depth++;
  return BW_OK;
}

/* An object's '}' is before s. */
static void leave(struct bw_event_parser *p, struct bw_place *at, bool empty, const char *s)
{
  struct bw_key *closed = at->object;
  at->object = closed->parent;
  at->depth--;
  if (at->depth == 0) {
    learn(p, at, s, BW_STEP_END, NULL);
  } else if (empty) {
    learn(p, at, s, BW_STEP_EMPTY, closed);
    at->from = s;
  }
}

/* The members of at->object and of those within, up to the end of the outermost.  s is behind a value, or `first`: behind '{'.
 */
static int scan_members(struct bw_event_parser *p, struct bw_place *at, const char *s, bool first, const char **ret_end)
{
  struct bw_key *k;
  bool again;
  for (;;) {
    s = space(p, s);
    if (*s == '}') {
      leave(p, at, first, ++s);
      first = false;
      if (at->depth > 0)
        continue;
      *ret_end = s;
      return BW_OK;
    }
    if (!first && *s != ',')
      return hard(p, s, "',' or '}' was expected");
    if (!first)
      s = space(p, s + 1);
    if (*s != '"')
      return hard(p, s, "a key in quotes was expected");
    k = scan_key(p, at->object, s + 1, &s);
    if (!k)
      return BW_EINVAL;
    if (++p->nkeys > MAX_KEYS)
      soft(p, k, s, "too many keys", true);
    again = key_again(p, k, s);
    s = space(p, s);
    first = *s == '{';
    if (first) {
      int rc = enter(p, at, k, s++);
      if (rc < 0)
        return rc;
      continue;
    }
    s = again ? bw_json_skip(s, BW_JSON_MAX_DEPTH - at->depth, p->newlines, &p->hard) : scan_value(p, at, k, s);
    if (!s)
      return BW_EINVAL;
  }
}

static void forget(struct bw_event_parser *p)
{
  bw_shapes_clear(&p->shapes);
  bw_keys_clear(&p->keys);
  bw_keys_init(&p->keys, p->options.seed);
  p->serial = 1;
}

int bw_scan_event(struct bw_event_parser *p, const char *start, const char **ret_end)
{
  struct bw_place at = {.from = start, .depth = 1};
  const char *s = start + 1;
  p->start = start;
  p->present = p->numeric = p->empty = 0;
  p->nfields = p->nkeys = 0;
  p->check_names = false;
  p->soft.reason = NULL;
  if (p->keys.count > BW_KEYS_MAX || ++p->serial == 0)
    forget(p);
  at.object = p->keys.root;
  p->fields = bw_event_batch_fields(p->batch);
  bw_event_batch_use(p->batch, p->keys.names);
  if (*start != '{')
    return hard(p, start, "an object was expected");
  if (p->body_context.len > 0) /* which keys there were must be known afterwards */
    return scan_members(p, &at, s, true, ret_end);
  at.step = bw_shapes_begin(&p->shapes);
  if (bw_shapes_follow(p, &at)) {
    *ret_end = at.from;
    return BW_OK;
  }
  if (at.from != start) {
    leave_steps(p, &at);
    s = at.from + (at.step->kind == BW_STEP_STRING);
  }
  return scan_members(p, &at, s, at.from == start, ret_end);
}

int bw_scan_context(struct bw_event_parser *p, const char *start, const char **ret_end)
{
  struct bw_place at = {.from = start, .object = p->keys.sections[BW_SECTION_CONTEXT], .depth = 1};
  int rc;
  p->merging = true;
  rc = scan_members(p, &at, start + 1, true, ret_end);
  p->merging = false;
  return rc;
}

/* Foreign bytes for a message: printable ASCII, cut. */
static const char *printable(struct bw_str s, char out[64])
{
  size_t i, n = s.len < 60 ? (size_t)s.len : 60;
  for (i = 0; i < n; i++)
    out[i] = (char)((unsigned char)s.data[i] >= 0x20 && (unsigned char)s.data[i] < 0x7F ? s.data[i] : '?');
  strcpy(out + n, n < s.len ? "..." : "");
  return out;
}

int bw_event_refuse(const struct bw_event_parser *p, const struct bw_json_error *e, struct bw_error *err)
{
  enum bw_code code = e->limit ? BW_ELIMIT : BW_EINVAL;
  size_t at = e->at >= p->start ? (size_t)(e->at - p->start) + 1 : 0;
  char name[64];
  if (e == &p->soft && p->soft_key && p->soft_key->name.len)
    return bw_fail(err, code, BW_CLASS_PERMANENT, "byte %zu: \"%s\" %s", at, printable(p->soft_key->name, name), e->reason);
  return bw_fail(err, code, BW_CLASS_PERMANENT, "byte %zu: %s", at, e->reason);
}
