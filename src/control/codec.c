/* SPDX-License-Identifier: Apache-2.0 */
/* The payloads of the control API that are not commands: errors, ingest, rejects.  Runs on both ends; no privileges. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "control/internal.h"

#define SOURCE_MAX 256

static const char *const class_names[] = {[0] = "permanent",
                                          [BW_CLASS_CONFIG] = "configuration",
                                          [BW_CLASS_TRANSIENT] = "transient",
                                          [BW_CLASS_PERMANENT] = "permanent",
                                          [BW_CLASS_BUG] = "bug"};

void bw_error_json(struct bw_buf *out, const struct bw_error *err)
{
  size_t cls = err->cls < sizeof class_names / sizeof class_names[0] ? (size_t)err->cls : 0;
  bw_json_open(out, '{');
  bw_json_key(out, "code");
  bw_json_int(out, err->code);
  bw_json_key(out, "name");
  bw_json_cstr(out, bw_code_name(err->code));
  bw_json_key(out, "class");
  bw_json_cstr(out, class_names[cls]);
  bw_json_key(out, "message");
  bw_json_cstr(out, err->message);
  bw_json_close(out, '}');
}

void bw_error_from_json(struct bw_str payload, struct bw_error *ret_err)
{
  json_t *json = NULL;
  struct bw_str cls, message;
  int64_t code;
  size_t i;
  memset(ret_err, 0, sizeof *ret_err);
  if (bw_control_json(payload, BW_CONTROL_MAX, &json, NULL) || !json_is_object(json)) {
    json_decref(json);
    (void)bw_fail(ret_err, BW_EPEER, BW_CLASS_BUG, "the daemon refused, in words that cannot be read");
    return;
  }
  cls = bw_args_text(json, "class");
  message = bw_args_text(json, "message");
  code = bw_args_int(json, "code", BW_EPEER);
  if (code >= 0 || code < BW_EAGAIN)
    code = BW_EPEER;
  (void)bw_fail(ret_err, (enum bw_code)code, BW_CLASS_PERMANENT, "%.*s", BW_FMT(message));
  for (i = 1; i < sizeof class_names / sizeof class_names[0]; i++)
    if (bw_str_is(cls, class_names[i]))
      ret_err->cls = (enum bw_error_class)i;
  json_decref(json);
}

/* ---- ingest ---- */

void bw_ingest_encode(struct bw_buf *out, int64_t arrival_ms, struct bw_str source, struct bw_str batch)
{
  bw_buf_add_u64(out, (uint64_t)arrival_ms);
  bw_buf_add_lstr(out, source);
  bw_buf_add_str(out, batch);
}

int bw_ingest_decode(struct bw_str payload, int64_t *ret_arrival, struct bw_str *ret_source, struct bw_str *ret_batch,
                     struct bw_error *err)
{
  struct bw_reader r = bw_reader(payload.data, payload.len);
  uint64_t arrival = bw_read_u64(&r);
  struct bw_str source = bw_read_lstr(&r);
  if (r.bad)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "an ingest message ends before its batch");
  if (source.len > SOURCE_MAX || !bw_utf8_valid(source.data, source.len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "an ingest message's source is not a name of at most %d bytes",
                   SOURCE_MAX);
  if (arrival > (uint64_t)BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "an ingest message's arrival time %" PRIu64 " is out of range", arrival);
  *ret_arrival = (int64_t)arrival;
  *ret_source = source;
  *ret_batch = bw_str_n(r.p, bw_reader_left(&r));
  return 0;
}

void bw_ingested_json(struct bw_buf *out, const struct bw_ingested *n)
{
  bw_json_open(out, '{');
  bw_json_key(out, "accepted");
  bw_json_int(out, (int64_t)n->accepted);
  bw_json_key(out, "duplicates");
  bw_json_int(out, (int64_t)n->duplicates);
  bw_json_key(out, "rejected");
  bw_json_int(out, (int64_t)n->rejected);
  bw_json_key(out, "queued");
  bw_json_int(out, (int64_t)n->queued);
  bw_json_key(out, "behind");
  bw_json_int(out, (int64_t)n->behind);
  bw_json_key(out, "scored");
  bw_json_time(out, n->behind ? n->scored_ms : BW_TIME_NONE);
  bw_json_close(out, '}');
}

int bw_ingested_parse(struct bw_str payload, struct bw_ingested *ret_n, struct bw_error *err)
{
  json_t *json = NULL;
  int64_t a, d, r, queued, behind, scored;
  int rc = bw_control_json(payload, BW_CONTROL_MAX, &json, err);
  if (rc)
    return rc;
  a = bw_args_int(json, "accepted", -1);
  d = bw_args_int(json, "duplicates", -1);
  r = bw_args_int(json, "rejected", -1);
  queued = bw_args_int(json, "queued", 0);
  behind = bw_args_int(json, "behind", 0);
  scored = bw_args_time(json, "scored", BW_TIME_NONE);
  json_decref(json);
  if (a < 0 || d < 0 || r < 0 || queued < 0 || behind < 0)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "the daemon acknowledged without saying how many");
  *ret_n = (struct bw_ingested){(uint64_t)a, (uint64_t)d, (uint64_t)r, (uint64_t)queued, (uint64_t)behind, scored};
  return 0;
}

/* ---- rejects ---- */

/* Cut at most `max` bytes, not within a UTF-8 character where it is UTF-8. */
static struct bw_str cut(struct bw_str s, size_t max)
{
  if (s.len > max) {
    s.len = max;
    while (s.len > max - 3 && ((unsigned char)s.data[s.len] & 0xC0) == 0x80)
      s.len--;
  }
  return s;
}

/* NUL would be refused by the reader at the other end. */
static void text_member(struct bw_buf *out, const char *key, struct bw_str s, size_t max)
{
  struct bw_str shown = cut(s, max);
  bw_json_key(out, key);
  if (shown.len && memchr(shown.data, '\0', shown.len)) {
    char *copy BW_AUTOFREE = bw_str_dup(shown);
    size_t i;
    for (i = 0; i < shown.len; i++)
      if (!copy[i])
        copy[i] = '?';
    bw_json_str(out, bw_str_n(copy, shown.len));
    return;
  }
  bw_json_str(out, shown);
}

void bw_reject_add(struct bw_buf *out, const struct bw_reject *r)
{
  if (out->len == 0)
    bw_json_open(out, '[');
  bw_json_open(out, '{');
  text_member(out, "source", r->source, SOURCE_MAX);
  text_member(out, "where", r->where, 512);
  text_member(out, "reason", r->reason, 512);
  text_member(out, "text", r->text, BW_REJECT_TEXT_MAX);
  bw_json_close(out, '}');
}

static int one_reject(const json_t *item, struct bw_reject *ret, struct bw_error *err)
{
  if (!json_is_object(item))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a reject must be an object {source, where, reason, text}");
  ret->source = cut(bw_args_text(item, "source"), SOURCE_MAX);
  ret->where = cut(bw_args_text(item, "where"), 512);
  ret->reason = cut(bw_args_text(item, "reason"), 512);
  ret->text = cut(bw_args_text(item, "text"), BW_REJECT_TEXT_MAX * 3);
  if (ret->reason.len == 0)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a reject needs a \"reason\"");
  return 0;
}

static int many_rejects(const json_t *json, size_t n, struct bw_reject *items, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < n; i++) {
    int rc = one_reject(json_is_array(json) ? json_array_get(json, i) : json, &items[i], err);
    if (rc)
      return rc;
  }
  return 0;
}

/* Rejects may carry far more text than a command: their own size limit, the same depth. */
int bw_rejects_parse(struct bw_str payload, json_t **ret_json, struct bw_reject **ret_items, size_t *ret_n,
                     struct bw_error *err)
{
  json_t *json = NULL;
  struct bw_reject *items;
  size_t n;
  int rc = bw_control_json(payload, BW_CONTROL_REPLY_MAX, &json, err);
  if (rc)
    return rc;
  n = json_is_array(json) ? json_array_size(json) : 1;
  if (n > BW_CONTROL_REJECTS) {
    json_decref(json);
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "%zu rejects in one message; at most %d", n, BW_CONTROL_REJECTS);
  }
  items = bw_calloc(n ? n : 1, sizeof *items);
  rc = many_rejects(json, n, items, err);
  if (rc) {
    free(items);
    json_decref(json);
    return rc;
  }
  *ret_json = json;
  *ret_items = items;
  *ret_n = n;
  return 0;
}
