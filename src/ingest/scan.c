/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one pass over an event's bytes: keys are recognised, values put into their slots or fields, everything checked.  This is
 * the hot path: no allocation per event, no look at a byte twice where the keys come in an order seen before. Runs in every
 * process that parses, on bytes from anyone; no privileges.
 */
#include <string.h>

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

static inline bool key_here(const struct bw_key *k, const char *s)
{
#if defined(__SSE2__)
  __m128i a = _mm_loadu_si128((const __m128i *)(const void *)s), b = _mm_loadu_si128((const __m128i *)(const void *)(s + 16));
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)k->raw),
          y = _mm_loadu_si128((const __m128i *)(const void *)(k->raw + 16));
  uint32_t same = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, x)) | (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, y)) << 16;
  return (~same & k->mask) == 0;
#else
  return memcmp(k->raw, s, k->raw_len) == 0;
#endif
}

/* A key that did not come where it was expected: looked up, or learned.  s is behind the opening quote. */
__attribute__((noinline)) static struct bw_key *key_find(struct bw_event_parser *p, struct bw_key *last,
                                                         const struct bw_key *object, const char *s, const char **ret_after)
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
  if (key->raw_len) {
    last->next[last->next_free % BW_KEY_NEXT] = key;
    last->next_free++;
  }
  *ret_after = end + 1;
  return key;
}

/* s is behind the opening quote; *ret_after behind the colon. */
static inline struct bw_key *key_at(struct bw_event_parser *p, struct bw_key *last, const struct bw_key *object, const char *s,
                                    const char **ret_after)
{
  int i;
  for (i = 0; i < BW_KEY_NEXT; i++) {
    struct bw_key *k = last->next[i];
    if (!k)
      break;
    if (k->parent == object && key_here(k, s)) {
      *ret_after = s + k->raw_len;
      return k;
    }
  }
  return key_find(p, last, object, s, ret_after);
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

static __attribute__((noinline)) struct bw_str clean_string(struct bw_event_parser *p, const struct bw_key *k, const char *s,
                                                            const char *end, unsigned flags)
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

static inline const char *scan_string(struct bw_event_parser *p, const struct bw_key *k, const char *s)
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

static inline const char *scan_number(struct bw_event_parser *p, const struct bw_key *k, const char *s)
{
  double v = 0;
  const char *end = s;
  uint32_t m = 0;
  /* Counts and durations: up to 9 digits and nothing else. */
  while ((unsigned char)(*end - '0') < 10 && end - s < 9)
    m = m * 10 + (uint32_t)(*end++ - '0');
  if (end > s && (*end == ',' || *end == '}') && (*s != '0' || end - s == 1)) {
    v = m;
  } else {
    end = bw_json_number(s, &v, &p->hard);
    if (!end)
      return NULL;
  }
  if (k->slot < BW_SLOTS)
    put_slot(p, k, (struct bw_str){s, (size_t)(end - s)}, true);
  else if (k->slot == BW_SLOT_NONE)
    put_field(p, k, (struct bw_str){s, (size_t)(end - s)}, v, BW_VALUE_NUMBER);
  else
    put_odd(p, k, s, BW_VALUE_NUMBER);
  return end;
}

static __attribute__((noinline)) const char *scan_other(struct bw_event_parser *p, const struct bw_key *k, const char *s,
                                                        int depth)
{
  uint32_t type = *s == '[' ? BW_VALUE_JSON : *s == 'n' ? BW_VALUE_NULL : BW_VALUE_BOOL;
  const char *end =
      *s == '[' ? bw_json_skip(s, BW_JSON_MAX_DEPTH - depth, p->newlines, &p->hard) : bw_json_literal(s, &p->hard);
  struct bw_str text = {s, end ? (size_t)(end - s) : 0};
  if (!end)
    return NULL;
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

/* The members of an object whose '{' is at s, and of those within.  fields_of: its key. */
static inline int scan_object(struct bw_event_parser *p, struct bw_key *object, const char *s, const char **ret_end)
{
  struct bw_key *stack[BW_JSON_MAX_DEPTH + 1], *last = object, *k;
  int depth = 1;
  bool again;
  s = space(p, s + 1);
  if (*s == '}')
    goto close;
member:
  if (__builtin_expect(*s != '"', 0))
    return hard(p, s, "a key in quotes was expected");
  k = key_at(p, last, object, s + 1, &s);
  if (__builtin_expect(!k, 0))
    return BW_EINVAL;
  if (__builtin_expect(++p->nkeys > MAX_KEYS, 0))
    soft(p, k, s, "too many keys", true);
  again = key_again(p, k, s);
  last = k;
  s = space(p, s);
  if (*s == '"') {
    struct bw_json_error e;
    if (__builtin_expect(again, 0))
      s = bw_json_skip(s, 1, p->newlines, &e) ?: (p->hard = e, NULL);
    else
      s = scan_string(p, k, s + 1);
  } else if (*s == '{') {
    if (depth == BW_JSON_MAX_DEPTH) {
      p->hard = (struct bw_json_error){s, "nested too deeply", true};
      return BW_ELIMIT;
    }
    if (k->slot < BW_SLOTS)
      soft(p, k, s, "must be text", false);
    stack[depth++] = object;
    object = k;
    s = space(p, s + 1);
    if (*s == '}')
      goto close;
    goto member;
  } else if (__builtin_expect(again, 0)) {
    s = bw_json_skip(s, BW_JSON_MAX_DEPTH - depth, p->newlines, &p->hard);
  } else if (*s == '-' || (unsigned char)(*s - '0') < 10) {
    s = scan_number(p, k, s);
  } else {
    s = scan_other(p, k, s, depth);
  }
  if (__builtin_expect(!s, 0))
    return BW_EINVAL;
behind:
  s = space(p, s);
  if (__builtin_expect(*s == ',', 1)) {
    s = space(p, s + 1);
    goto member;
  }
  if (*s != '}')
    return hard(p, s, "',' or '}' was expected");
close:
  s++;
  if (--depth > 0) {
    object = stack[depth];
    goto behind;
  }
  *ret_end = s;
  return BW_OK;
}

int bw_scan_event(struct bw_event_parser *p, const char *at, const char **ret_end)
{
  p->start = at;
  p->present = p->numeric = 0;
  p->nfields = p->nkeys = 0;
  p->check_names = false;
  p->soft.reason = NULL;
  if (p->keys.count > BW_KEYS_MAX || ++p->serial == 0) {
    bw_keys_clear(&p->keys);
    bw_keys_init(&p->keys, p->options.seed);
    p->serial = 1;
  }
  p->fields = bw_event_batch_fields(p->batch);
  bw_event_batch_use(p->batch, p->keys.names);
  if (*at != '{')
    return hard(p, at, "an object was expected");
  return scan_object(p, p->keys.root, at, ret_end);
}

int bw_scan_context(struct bw_event_parser *p, const char *at, const char **ret_end)
{
  int rc;
  p->merging = true;
  rc = scan_object(p, p->keys.sections[BW_SECTION_CONTEXT], at, ret_end);
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
