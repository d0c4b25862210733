/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an HTTP call: one event, or a batch of them.  Events are parsed where they stand, in one pass; only where the
 * body's own sentAt or context turns out to matter, and stood behind the events, are these parsed again. Runs in web, on bytes
 * from anyone; no privileges.
 */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ingest/parser.h"

struct refused {
  size_t index;
  struct bw_str text;
  struct bw_error why;
};

struct body {
  struct bw_event_parser *p;
  const char *start, *end;
  const char *events; /* the '[' of the batch, or NULL */
  struct bw_str write_key;
  struct refused *refused;
  size_t nrefused, nevents;
  bool again; /* the events must be parsed once more, with what stood behind them */
};

static int malformed(const struct body *b, struct bw_error *err)
{
  b->p->start = b->start;
  return bw_event_refuse(b->p, &b->p->hard, err);
}

static int unexpected(struct body *b, const char *at, const char *reason, struct bw_error *err)
{
  b->p->hard = (struct bw_json_error){at, reason, false};
  return malformed(b, err);
}

static void note_refused(struct body *b, struct bw_str text, const struct bw_error *why)
{
  if ((b->nrefused & (b->nrefused - 1)) == 0)
    b->refused = bw_realloc(b->refused, b->nrefused ? b->nrefused * 2 : 1, sizeof *b->refused);
  b->refused[b->nrefused++] = (struct refused){b->nevents, text, *why};
}

/* One event at *at, which moves behind it.  An event that is refused is noted; negative: the body cannot be followed. */
static int one_event(struct body *b, const char **at, struct bw_error *err)
{
  struct bw_event_parser *p = b->p;
  const char *start = *at, *end;
  struct bw_error why;
  int rc;
  if (*start != '{') {
    end = bw_json_skip(start, BW_JSON_MAX_DEPTH, true, &p->hard);
    if (!end)
      return malformed(b, err);
    rc = bw_fail(&why, BW_EINVAL, BW_CLASS_PERMANENT, "an event must be an object");
  } else {
    if (bw_scan_event(p, start, &end) < 0)
      return malformed(b, err);
    if (p->body_context.len > 0) {
      const char *ignored;
      (void)bw_scan_context(p, p->body_context.data, &ignored); /* checked before */
    }
    rc = bw_event_finish(p, bw_str_n(start, (size_t)(end - start)), &why);
  }
  if (rc < 0)
    note_refused(b, bw_str_n(start, (size_t)(end - start)), &why);
  b->nevents++;
  *at = end;
  return BW_OK;
}

static int event_array(struct body *b, const char **at, struct bw_error *err)
{
  const char *s = bw_json_space(*at + 1, true);
  int rc;
  b->nevents = b->nrefused = 0;
  if (*s == ']') {
    *at = s + 1;
    return BW_OK;
  }
  for (;;) {
    if (b->nevents >= BW_BODY_MAX_EVENTS)
      return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the batch holds more than %d events", BW_BODY_MAX_EVENTS);
    rc = one_event(b, &s, err);
    if (rc < 0)
      return rc;
    s = bw_json_space(s, true);
    if (*s != ',')
      break;
    s = bw_json_space(s + 1, true);
  }
  if (*s != ']')
    return unexpected(b, s, "',' or ']' was expected", err);
  *at = s + 1;
  return BW_OK;
}

/* A string member of the body: writeKey, sentAt.  Other values are passed over. */
static struct bw_str text_value(struct body *b, const char *s, const char *end)
{
  struct bw_json_error e;
  struct bw_str raw;
  char *out;
  int64_t n;
  if (*s != '"')
    return BW_STR("");
  raw = bw_str_n(s + 1, (size_t)(end - s - 2));
  out = bw_arena_take(&b->p->batch->text, raw.len);
  n = bw_json_unescape(raw.data, raw.data + raw.len, out, &e);
  return bw_str_n(out, n > 0 ? (size_t)n : 0);
}

static bool is_skewed(const struct body *b, struct bw_str sent_at)
{
  int64_t sent, skew;
  if (b->p->options.arrival_ms == BW_TIME_NONE || bw_time_parse(sent_at, &sent) < 0)
    return false;
  skew = b->p->options.arrival_ms - sent;
  return skew > BW_MINUTE || skew < -BW_MINUTE;
}

/* One member of a batch's body; s is behind the colon. */
static int member(struct body *b, struct bw_str key, const char *s, const char **ret_end, struct bw_error *err)
{
  const char *end;
  if (bw_str_is(key, "batch")) {
    if (b->events)
      return unexpected(b, s, "\"batch\" stands there twice", err);
    if (*s != '[')
      return unexpected(b, s, "\"batch\" must be an array", err);
    b->events = s;
    *ret_end = s;
    return event_array(b, ret_end, err);
  }
  end = bw_json_skip(s, BW_JSON_MAX_DEPTH, true, &b->p->hard);
  if (!end)
    return malformed(b, err);
  if (bw_str_is(key, "writeKey")) {
    b->write_key = text_value(b, s, end);
  } else if (bw_str_is(key, "sentAt")) {
    b->p->body_sent_at = text_value(b, s, end);
    b->again |= b->events && is_skewed(b, b->p->body_sent_at);
  } else if (bw_str_is(key, "context") && *s == '{' && *bw_json_space(s + 1, true) != '}') {
    if (end - s > (ptrdiff_t)BW_EVENT_MAX_BYTES)
      return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the body's context is over %u bytes", BW_EVENT_MAX_BYTES);
    b->p->body_context = bw_str_n(s, (size_t)(end - s));
    b->again |= b->events != NULL;
  }
  *ret_end = end;
  return BW_OK;
}

static int batch_object(struct body *b, const char **at, struct bw_error *err)
{
  const char *s = bw_json_space(*at + 1, true), *end;
  int rc;
  while (*s != '}') {
    struct bw_str key;
    if (*s != '"')
      return unexpected(b, s, "a key in quotes was expected", err);
    end = bw_json_skip(s, 0, true, &b->p->hard);
    if (!end)
      return malformed(b, err);
    key = bw_str_n(s + 1, (size_t)(end - s - 2));
    s = bw_json_space(end, true);
    if (*s != ':')
      return unexpected(b, s, "':' was expected", err);
    rc = member(b, key, bw_json_space(s + 1, true), &end, err);
    if (rc < 0)
      return rc;
    s = bw_json_space(end, true);
    if (*s == ',') {
      s = bw_json_space(s + 1, true);
      if (*s != '"')
        return unexpected(b, s, "a key in quotes was expected", err);
    } else if (*s != '}') {
      return unexpected(b, s, "',' or '}' was expected", err);
    }
  }
  *at = s + 1;
  return BW_OK;
}

/* An object that has a "batch" among its own keys.  Looks no further than that: the pass proper checks everything. */
static bool has_batch(const char *s)
{
  struct bw_json_error e;
  for (s = bw_json_space(s + 1, true); *s == '"';) {
    unsigned flags;
    const char *end = bw_json_string_end(s + 1, &flags);
    if (*end != '"')
      return false;
    if (end - s == 6 && memcmp(s + 1, "batch", 5) == 0)
      return true;
    s = bw_json_space(end + 1, true);
    if (*s != ':' || !(s = bw_json_skip(bw_json_space(s + 1, true), BW_JSON_MAX_DEPTH, true, &e)))
      return false;
    s = bw_json_space(s, true);
    if (*s != ',')
      return false;
    s = bw_json_space(s + 1, true);
  }
  return false;
}

static int whole_body(struct body *b, uint32_t kind, struct bw_error *err)
{
  const char *s = bw_json_space(b->start, true);
  size_t mark = bw_event_batch_count(b->p->batch);
  int rc;
  if (kind == BW_KIND_NONE && *s == '[')
    rc = event_array(b, &s, err);
  else if (kind == BW_KIND_NONE && *s == '{' && has_batch(s))
    rc = batch_object(b, &s, err);
  else if (*s == '{')
    rc = one_event(b, &s, err);
  else
    rc = unexpected(b, s, "an object was expected", err);
  if (rc < 0)
    return rc;
  s = bw_json_space(s, true);
  if (s != b->end)
    return unexpected(b, s, "text behind the end of the body", err);
  if (b->again) {
    bw_event_batch_truncate(b->p->batch, mark);
    s = b->events;
    return event_array(b, &s, err);
  }
  if (!b->events && (b->p->present & BW_SLOT_BIT(BW_SLOT_WRITE_KEY)) && b->nevents == 1)
    b->write_key = b->p->slots[BW_SLOT_WRITE_KEY];
  return BW_OK;
}

int bw_body_parse(struct bw_str body, struct bw_event_parser *p, uint32_t kind, const struct bw_body_events *events,
                  struct bw_body *ret_body, struct bw_error *err)
{
  struct body b = {.p = p};
  size_t mark = bw_event_batch_count(p->batch), i;
  char *copy;
  int rc;
  if (body.len > BW_BODY_MAX_BYTES)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the body is over %u bytes", BW_BODY_MAX_BYTES);
  copy = bw_arena_take(&p->batch->text, body.len + 1 + BW_JSON_PADDING);
  if (body.len)
    memcpy(copy, body.data, body.len);
  memset(copy + body.len, 0, 1 + BW_JSON_PADDING);
  b.start = copy;
  b.end = copy + body.len;
  p->newlines = true;
  p->body_kind = kind;
  p->body_context = p->body_sent_at = BW_STR("");
  rc = whole_body(&b, kind, err);
  p->body_kind = BW_KIND_NONE;
  p->body_context = p->body_sent_at = BW_STR("");
  if (rc < 0) {
    bw_event_batch_truncate(p->batch, mark);
  } else {
    for (i = 0; i < b.nrefused && events && events->rejected; i++)
      events->rejected(events->ctx, b.refused[i].index, b.refused[i].text, &b.refused[i].why);
    *ret_body = (struct bw_body){b.write_key, bw_event_batch_count(p->batch) - mark, b.nrefused};
  }
  free(b.refused);
  return rc;
}
