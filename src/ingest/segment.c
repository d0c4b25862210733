/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was scanned to a record: which id is the account, which the subject, what is required, and when it happened.
 * Runs in every process that parses, on bytes from anyone; no privileges.
 */
#include "config.h" /* first: memrchr and the like */

#include "ingest/segment.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "ingest/parser.h"

#define SKEW_MAX BW_MINUTE /* between sentAt and arrival, before the sender's clock is corrected */
#define FUTURE_MAX BW_DAY
#define INTERNAL (BW_KIND_BIT(BW_KIND_TICK) | BW_KIND_BIT(BW_KIND_FETCH))

/* ---- kinds ---- */

#define S(slot) BW_SLOT_BIT(BW_SLOT_##slot)
#define END BW_SLOT_NONE
#define ACCOUNTS                                                                                                               \
  {                                                                                                                            \
    BW_SLOT_ACCOUNT_ID, BW_SLOT_GROUP_ID, BW_SLOT_CONTEXT_GROUP_ID, END                                                        \
  }
#define USERS                                                                                                                  \
  {                                                                                                                            \
    BW_SLOT_USER_ID, BW_SLOT_ANONYMOUS_ID, END                                                                                 \
  }
#define SOMEONE (S(USER_ID) | S(ANONYMOUS_ID) | S(ACCOUNT_ID) | S(GROUP_ID) | S(CONTEXT_GROUP_ID))

/* Which keys give the account, the subject and the name of a record, the first present one first; what must be there. */
static const struct kind_row {
  uint8_t account[4], subject[4], name[3];
  uint32_t all; /* each of these */
  uint32_t any; /* one of these */
  const char *any_missing;
} kinds[BW_KIND_COUNT] = {
    [BW_KIND_TRACK] =
        {ACCOUNTS, USERS, {BW_SLOT_EVENT, END}, S(EVENT), SOMEONE, "userId, anonymousId and groupId are all missing"},
    [BW_KIND_PAGE] = {ACCOUNTS, USERS, {BW_SLOT_NAME, END}, 0, SOMEONE, "userId, anonymousId and groupId are all missing"},
    [BW_KIND_SCREEN] = {ACCOUNTS, USERS, {BW_SLOT_NAME, END}, 0, SOMEONE, "userId, anonymousId and groupId are all missing"},
    [BW_KIND_IDENTIFY] = {ACCOUNTS, USERS, {END}, 0, S(USER_ID) | S(ANONYMOUS_ID), "userId and anonymousId are both missing"},
    [BW_KIND_GROUP] =
        {{BW_SLOT_GROUP_ID, BW_SLOT_ACCOUNT_ID, END}, USERS, {END}, 0, S(GROUP_ID) | S(ACCOUNT_ID), "groupId is missing"},
    [BW_KIND_ALIAS] = {ACCOUNTS, {BW_SLOT_USER_ID, END}, {END}, S(USER_ID) | S(PREVIOUS_ID), 0, NULL},
    [BW_KIND_ACCOUNT] =
        {{BW_SLOT_ACCOUNT_ID, BW_SLOT_GROUP_ID, END}, {END}, {END}, 0, S(ACCOUNT_ID) | S(GROUP_ID), "accountId is missing"},
    [BW_KIND_CONTACT] = {ACCOUNTS, {BW_SLOT_CONTACT_ID, END}, {END}, S(CONTACT_ID), 0, NULL},
    [BW_KIND_PLAN] = {{END}, {BW_SLOT_PLAN_ID, END}, {END}, S(PLAN_ID), 0, NULL},
    [BW_KIND_SUBSCRIPTION] = {ACCOUNTS,
                              {BW_SLOT_SUBSCRIPTION_ID, END},
                              {END},
                              0,
                              S(ACCOUNT_ID) | S(GROUP_ID) | S(CONTEXT_GROUP_ID),
                              "accountId is missing"},
    [BW_KIND_OPPORTUNITY] = {ACCOUNTS, {BW_SLOT_OPPORTUNITY_ID, END}, {END}, S(OPPORTUNITY_ID), 0, NULL},
    [BW_KIND_ACTIVITY] = {ACCOUNTS,
                          {BW_SLOT_CONTACT_ID, BW_SLOT_USER_ID, END},
                          {END},
                          0,
                          SOMEONE | S(CONTACT_ID),
                          "accountId and contactId are both missing"},
    [BW_KIND_TICKET] = {ACCOUNTS, {BW_SLOT_TICKET_ID, END}, {END}, S(TICKET_ID), 0, NULL},
    [BW_KIND_SURVEY] = {ACCOUNTS,
                        {BW_SLOT_CONTACT_ID, BW_SLOT_USER_ID, BW_SLOT_ANONYMOUS_ID, END},
                        {END},
                        0,
                        SOMEONE | S(CONTACT_ID),
                        "accountId, contactId and userId are all missing"},
    [BW_KIND_COMPANY] = {ACCOUNTS, {END}, {END}, 0, S(ACCOUNT_ID) | S(GROUP_ID) | S(CONTEXT_GROUP_ID), "accountId is missing"},
    [BW_KIND_JOB] = {ACCOUNTS,
                     {BW_SLOT_CONTACT_ID, BW_SLOT_USER_ID, END},
                     {END},
                     0,
                     SOMEONE | S(CONTACT_ID),
                     "accountId and contactId are both missing"},
    [BW_KIND_NEWS] = {ACCOUNTS, {END}, {END}, 0, S(ACCOUNT_ID) | S(GROUP_ID) | S(CONTEXT_GROUP_ID), "accountId is missing"},
    [BW_KIND_CALENDAR] = {ACCOUNTS, {END}, {END}, 0, 0, NULL},
    [BW_KIND_FETCH] = {ACCOUNTS, USERS, {BW_SLOT_NAME, END}, 0, 0, NULL},
    [BW_KIND_TICK] = {{END}, {END}, {END}, 0, 0, NULL},
    [BW_KIND_CUSTOM] = {ACCOUNTS,
                        {BW_SLOT_USER_ID, BW_SLOT_CONTACT_ID, BW_SLOT_ANONYMOUS_ID, END},
                        {BW_SLOT_EVENT, BW_SLOT_NAME, END},
                        0,
                        0,
                        NULL},
};

/* Never repeated among the fields: their meaning is in the record's own members (and a write key is a secret). */
#define SILENT (S(TYPE) | S(MESSAGE_ID) | S(TIMESTAMP) | S(ORIGINAL_TIMESTAMP) | S(SENT_AT) | S(WRITE_KEY) | S(INNER_WRITE_KEY))

static int refuse(struct bw_error *err, enum bw_code code, uint32_t kind, const char *what, const char *why)
{
  const char *name = bw_kind_name(kind);
  return bw_fail(err, code, BW_CLASS_PERMANENT, "%s: %s%s%s", name ? name : "event", what, *why ? " " : "", why);
}

/* Those that nearly all records are, without a search. */
static inline uint32_t usual_kind(struct bw_str type)
{
  if (type.len == 5 && bw_bytes_eq(type.data, "track", 5))
    return BW_KIND_TRACK;
  if (type.len == 4 && bw_bytes_eq(type.data, "page", 4))
    return BW_KIND_PAGE;
  if (type.len == 8 && bw_bytes_eq(type.data, "identify", 8))
    return BW_KIND_IDENTIFY;
  return BW_KIND_NONE;
}

static inline uint32_t filled(const struct bw_event_parser *p)
{
  return p->present & ~p->empty;
}

/* The kind, from "type" (or what the caller said of events without). */
static int event_kind(const struct bw_event_parser *p, uint32_t *ret_kind, struct bw_error *err)
{
  struct bw_str type = p->slots[BW_SLOT_TYPE];
  uint32_t kind;
  if (!(filled(p) & S(TYPE))) {
    if (p->body_kind == BW_KIND_NONE)
      return refuse(err, BW_EINVAL, 0, "type is missing", "");
    *ret_kind = p->body_kind;
    return BW_OK;
  }
  kind = usual_kind(type);
  if (kind == BW_KIND_NONE)
    kind = bw_kind_parse(type);
  if (kind == BW_KIND_NONE)
    return refuse(err, BW_EINVAL, 0, "type is not one that is known", "(track, identify, account, ... or x.<vendor>.<kind>)");
  if (p->body_kind != BW_KIND_NONE && kind != p->body_kind)
    return refuse(err, BW_EINVAL, p->body_kind, "type names another kind of call", "");
  if (INTERNAL & BW_KIND_BIT(kind) & ~p->options.internal)
    return refuse(err, BW_EINVAL, kind, "is reserved: basewatch makes these itself", "");
  *ret_kind = kind;
  return BW_OK;
}

/* ---- times ---- */

static inline uint64_t le64(const char *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return le64toh(v);
}

static inline uint32_t le32(const char *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return le32toh(v);
}

/* The two digits of each pair in `d`, a word of digits (0 to 9) with a gap at every third byte, as numbers at 0, 24 and 48. */
static inline uint64_t pairs(uint64_t d)
{
  return d * 10 + (d >> 8);
}

/* "T23:59:59.999Z": the milliseconds since the day began, or -1 where it is written otherwise. */
static inline int32_t time_of_day(const char *t)
{
  const uint64_t digits = UINT64_C(0x30303A30303A3030); /* "00:00:00", the first byte lowest */
  const uint64_t high = UINT64_C(0x8080808080808080), over9 = UINT64_C(0x7676767676767676);
  uint64_t d;
  uint32_t f, hour, minute, second;
  if (t[0] != 'T' || t[9] != '.' || t[13] != 'Z')
    return -1;
  d = le64(t + 1) ^ digits;
  f = (le32(t + 10) ^ UINT32_C(0x00303030)) & UINT32_C(0x00FFFFFF);
  if ((((d + over9) | d) & high) || d & UINT64_C(0x0000FF0000FF0000) || (((f + 0x767676u) | f) & 0x808080u))
    return -1;
  d = pairs(d);
  hour = d & 0xFF;
  minute = d >> 24 & 0xFF;
  second = d >> 48 & 0xFF;
  if (hour > 23 || minute > 59 || second > 59)
    return -1;
  return (int32_t)(((hour * 60 + minute) * 60 + second) * 1000 + (f & 0xFF) * 100 + (f >> 8 & 0xFF) * 10 + (f >> 16));
}

/* "2025-01-31T23:59:59.999Z" is what nearly every event has: its day is remembered, the rest are fixed places. */
static int parse_time(struct bw_event_parser *p, struct bw_str s, int64_t *ret_ms)
{
  int32_t ms;
  int rc;
  if (s.len == 24 && bw_bytes_eq(s.data, p->day_text, 10) && (ms = time_of_day(s.data + 10)) >= 0) {
    *ret_ms = p->day_ms + ms;
    return BW_OK;
  }
  rc = bw_time_parse(s, ret_ms);
  /* The day as it is written: a leap second belongs to the next one. */
  if (rc == 0 && s.len == 24 && bw_time_parse(bw_str_n(s.data, 10), &p->day_ms) == 0)
    memcpy(p->day_text, s.data, 10);
  return rc;
}

static int slot_time(struct bw_event_parser *p, unsigned slot, uint32_t kind, int64_t *ret_ms, struct bw_error *err)
{
  *ret_ms = BW_TIME_NONE;
  if (!(filled(p) & BW_SLOT_BIT(slot)))
    return BW_OK;
  if ((p->numeric & BW_SLOT_BIT(slot)) || parse_time(p, p->slots[slot], ret_ms) < 0)
    return refuse(err, BW_EINVAL, kind, bw_slot_name(slot),
                  "is not a time as in ISO 8601 (2026-01-31T09:30:00Z), from 1970 on");
  return BW_OK;
}

/* The sender's clock is off where what it says of the sending is far from the arrival.  Events that Segment has passed on (they
   have a receivedAt) are corrected already, and may be any time old. */
static void correct_skew(struct bw_event_parser *p, int64_t original, int64_t *time)
{
  int64_t arrival = p->options.arrival_ms, sent, skew;
  struct bw_str text = p->present & S(SENT_AT) ? p->slots[BW_SLOT_SENT_AT] : p->body_sent_at;
  if (text.len == 0 || (p->present & S(RECEIVED_AT)) || *time == BW_TIME_NONE || bw_time_parse(text, &sent) < 0)
    return;
  skew = arrival - sent;
  if (skew <= SKEW_MAX && skew >= -SKEW_MAX)
    return;
  *time = (original != BW_TIME_NONE ? original : *time) + skew;
}

static int event_times(struct bw_event_parser *p, struct bw_record *r, struct bw_error *err)
{
  int64_t time, original, arrival = p->options.arrival_ms;
  int rc = slot_time(p, BW_SLOT_TIMESTAMP, r->kind, &time, err);
  if (rc == 0 && (p->present & S(ORIGINAL_TIMESTAMP)))
    rc = slot_time(p, BW_SLOT_ORIGINAL_TIMESTAMP, r->kind, &original, err);
  else
    original = BW_TIME_NONE;
  if (rc < 0)
    return rc;
  if (time == BW_TIME_NONE)
    time = original;
  if (arrival == BW_TIME_NONE) {
    if (time == BW_TIME_NONE)
      return refuse(err, BW_EINVAL, r->kind, "timestamp is missing", "(in a file of past events each needs its own)");
    r->time_ms = r->arrival_ms = time;
    return BW_OK;
  }
  correct_skew(p, original, &time);
  if (time == BW_TIME_NONE)
    time = arrival;
  if (time < 0)
    return refuse(err, BW_EINVAL, r->kind, "its time lies before 1970", "");
  if (time > arrival + FUTURE_MAX && r->kind != BW_KIND_TICK) /* which is dropped, whenever it was */
    return refuse(err, BW_EINVAL, r->kind, "its time lies more than a day in the future", "(is the sender's clock right?)");
  r->time_ms = time;
  r->arrival_ms = arrival;
  return BW_OK;
}

/* ---- ids ---- */

/* No control characters: a word at a time, most ids are short.  (UTF-8 has been checked.) */
static bool has_control(struct bw_str s)
{
  const uint64_t low = UINT64_C(0x0101010101010101), high = low * 0x80;
  uint64_t i = 0, w, x;
  for (; i + 8 <= s.len; i += 8) {
    memcpy(&w, s.data + i, 8);
    x = w ^ low * 0x7F;
    if (((w - low * 0x20) | (x - low)) & ~w & high) /* a byte below 0x20, or equal to 0x7F */
      return true;
  }
  for (; i < s.len; i++)
    if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7F)
      return true;
  return false;
}

/* The first of the slots that says something; it is then used up. */
static inline struct bw_str pick(const struct bw_event_parser *p, const uint8_t *slots, uint32_t *used)
{
  for (; *slots != END; slots++)
    if (filled(p) & BW_SLOT_BIT(*slots)) {
      *used |= BW_SLOT_BIT(*slots);
      return p->slots[*slots];
    }
  return BW_STR("");
}

static int check_present(const struct bw_event_parser *p, uint32_t kind, struct bw_error *err)
{
  uint32_t missing = kinds[kind].all & ~filled(p);
  if (missing)
    return refuse(err, BW_EINVAL, kind, bw_slot_name((unsigned)__builtin_ctz(missing)), "is missing");
  if (kinds[kind].any && !(kinds[kind].any & filled(p)))
    return refuse(err, BW_EINVAL, kind, kinds[kind].any_missing, "");
  return BW_OK;
}

static int check_ids(const struct bw_record *r, struct bw_error *err)
{
  if (r->account.len > BW_ID_MAX || r->subject.len > BW_ID_MAX || r->id.len > BW_ID_MAX)
    return refuse(err, BW_ELIMIT, r->kind, "an id is over 256 bytes", "");
  if (r->name.len > BW_NAME_MAX)
    return refuse(err, BW_ELIMIT, r->kind, "the name is over 1024 bytes", "");
  if (has_control(r->account))
    return refuse(err, BW_EINVAL, r->kind, "the account's id holds a control character", "");
  return BW_OK;
}

/* See the header: only where the same bytes can only be the same event. */
static struct bw_str made_up_id(struct bw_event_parser *p, struct bw_str text)
{
  static const char hex[] = "0123456789abcdef";
  unsigned char hash[16];
  char *out, *o;
  size_t i;
  crypto_generichash_state st;
  if (p->options.arrival_ms == BW_TIME_NONE || !(filled(p) & (S(TIMESTAMP) | S(ORIGINAL_TIMESTAMP))))
    return BW_STR("");
  (void)crypto_generichash_init(&st, NULL, 0, sizeof hash);
  (void)crypto_generichash_update(&st, (const unsigned char *)&p->options.source.len, sizeof p->options.source.len);
  (void)crypto_generichash_update(&st, (const unsigned char *)p->options.source.data, p->options.source.len);
  (void)crypto_generichash_update(&st, (const unsigned char *)text.data, text.len);
  (void)crypto_generichash_final(&st, hash, sizeof hash);
  out = o = bw_arena_take(&p->batch->text, 34);
  *o++ = 'h';
  *o++ = ':';
  for (i = 0; i < sizeof hash; i++) {
    *o++ = hex[hash[i] >> 4];
    *o++ = hex[hash[i] & 15];
  }
  return (struct bw_str){out, 34};
}

/* ---- fields ---- */

/* Ids that were not used become fields like any other: an anonymousId beside the userId. */
static int leftover(struct bw_event_parser *p, uint32_t kind, uint32_t used, struct bw_error *err)
{
  uint32_t rest = p->present & ~used & ~SILENT;
  if (kind == BW_KIND_CUSTOM)
    rest |= p->present & S(TYPE);
  for (; rest; rest &= rest - 1) {
    unsigned s = (unsigned)__builtin_ctz(rest);
    bool number = p->numeric >> s & 1;
    double v = 0;
    struct bw_json_error e;
    if (p->nfields >= BW_RECORD_MAX_FIELDS)
      return refuse(err, BW_ELIMIT, kind, "more than 512 fields", "");
    if (number)
      (void)bw_json_number(p->slots[s].data, &v, &e);
    p->fields[p->nfields++] = (struct bw_field){.key = bw_str(bw_slot_name(s)),
                                                .text = p->slots[s],
                                                .number = v,
                                                .section = s == BW_SLOT_CONTEXT_GROUP_ID ? BW_SECTION_CONTEXT : BW_SECTION_TOP,
                                                .type = number ? BW_VALUE_NUMBER : BW_VALUE_STRING};
  }
  return BW_OK;
}

/* {"a.b": 1, "a": {"b": 2}}: two values for one field.  Only where a key with a dot was seen. */
static int check_names(const struct bw_event_parser *p, uint32_t kind, struct bw_error *err)
{
  uint32_t i, j;
  for (i = 1; i < p->nfields; i++)
    for (j = 0; j < i; j++)
      if (p->fields[i].section == p->fields[j].section && bw_str_eq(p->fields[i].key, p->fields[j].key))
        return refuse(err, BW_EINVAL, kind, "two values have the same name, one nested and one with a dot", "");
  return BW_OK;
}

/* What the wire will take: dotted names may make a record larger than its text. */
static int check_size(const struct bw_event_parser *p, const struct bw_record *r, struct bw_error *err)
{
  uint64_t n = 64 + r->account.len + r->subject.len + r->name.len + r->id.len;
  uint32_t i;
  if (p->nfields <= 32)
    return BW_OK;
  for (i = 0; i < p->nfields; i++)
    n += 14 + p->fields[i].key.len + p->fields[i].text.len;
  if (n > BW_RECORD_MAX_BYTES)
    return refuse(err, BW_ELIMIT, r->kind, "its fields and their dotted names are over 64 KiB", "");
  return BW_OK;
}

/* Fills the record, all of it. */
static int fill_record(struct bw_event_parser *p, struct bw_str text, struct bw_record *r, struct bw_error *err)
{
  const struct kind_row *row;
  uint32_t used = 0;
  int rc;
  if ((rc = event_kind(p, &r->kind, err)) < 0 || (rc = check_present(p, r->kind, err)) < 0 || (rc = event_times(p, r, err)) < 0)
    return rc;
  row = &kinds[r->kind];
  r->account = pick(p, row->account, &used);
  r->subject = pick(p, row->subject, &used);
  r->name = pick(p, row->name, &used);
  r->id = p->present & S(MESSAGE_ID) ? p->slots[BW_SLOT_MESSAGE_ID] : (struct bw_str){0};
  if ((p->present & ~used & ~SILENT) || r->kind == BW_KIND_CUSTOM)
    rc = leftover(p, r->kind, used, err);
  if (rc < 0 || (rc = check_ids(r, err)) < 0 || (p->check_names && (rc = check_names(p, r->kind, err)) < 0) ||
      (rc = check_size(p, r, err)) < 0)
    return rc;
  if (r->id.len == 0)
    r->id = made_up_id(p, text);
  r->account_hash = bw_hash_str(r->account, p->options.seed);
  r->subject_hash = bw_hash_str(r->subject, p->options.seed);
  r->name_hash = bw_hash_str(r->name, p->options.seed);
  r->offset = 0;
  r->nfields = p->nfields;
  r->fields = p->fields;
  return BW_OK;
}

int bw_event_finish(struct bw_event_parser *p, struct bw_str text, struct bw_error *err)
{
  int rc;
  if (__builtin_expect(text.len > BW_EVENT_MAX_BYTES, 0))
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the event is over %u bytes", BW_EVENT_MAX_BYTES);
  if (__builtin_expect(p->soft.reason != NULL, 0))
    return bw_event_refuse(p, &p->soft, err);
  rc = fill_record(p, text, bw_event_batch_room(p->batch), err);
  if (rc == 0)
    bw_event_batch_taken(p->batch);
  return rc;
}

/* ---- the parser ---- */

struct bw_event_parser *bw_event_parser_new(const struct bw_event_options *options)
{
  struct bw_event_parser *p = bw_alloc(sizeof *p);
  p->options = *options;
  p->own = p->batch = bw_event_batch_new();
  bw_keys_init(&p->keys, options->seed);
  return p;
}

void bw_event_parser_free(struct bw_event_parser **parser)
{
  struct bw_event_parser *p = *parser;
  if (!p)
    return;
  bw_shapes_clear(&p->shapes);
  bw_keys_clear(&p->keys);
  bw_event_batch_free(&p->own);
  free(p);
  *parser = NULL;
}

void bw_event_parser_arrival(struct bw_event_parser *p, int64_t arrival_ms)
{
  p->options.arrival_ms = arrival_ms;
}

void bw_event_parser_source(struct bw_event_parser *p, struct bw_str source)
{
  p->options.source = source;
}

void bw_event_parser_into(struct bw_event_parser *p, struct bw_event_batch *batch)
{
  p->batch = batch ? batch : p->own;
}

struct bw_event_batch *bw_event_parser_batch(struct bw_event_parser *p)
{
  return p->batch;
}

void bw_event_parser_reset(struct bw_event_parser *p)
{
  bw_event_batch_reset(p->batch);
}

int bw_event_parse(struct bw_str json, struct bw_event_parser *p, struct bw_record *ret, struct bw_error *err)
{
  const char *end, *at;
  char *copy;
  int rc;
  if (json.len > BW_EVENT_MAX_BYTES)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the event is over %u bytes", BW_EVENT_MAX_BYTES);
  copy = bw_arena_take(&p->batch->text, json.len + 1 + BW_JSON_PADDING);
  if (json.len)
    memcpy(copy, json.data, json.len);
  memset(copy + json.len, 0, 1 + BW_JSON_PADDING);
  p->newlines = true;
  at = bw_json_space(copy, true);
  if (bw_scan_event(p, at, &end) < 0) {
    p->start = copy;
    return bw_event_refuse(p, &p->hard, err);
  }
  p->start = copy;
  if (bw_json_space(end, true) != copy + json.len) {
    p->hard = (struct bw_json_error){end, "text behind the end of the event", false};
    return bw_event_refuse(p, &p->hard, err);
  }
  rc = bw_event_finish(p, bw_str_n(copy, json.len), err);
  if (rc == 0 && ret)
    *ret = p->batch->records[p->batch->count - 1];
  return rc;
}

static const char *line_end(const char *p)
{
  return (const char *)rawmemchr(p, '\n') + 1;
}

int bw_event_parse_line(const char *line, struct bw_event_parser *p, const char **ret_next, struct bw_error *err)
{
  const char *at, *end;
  int rc;
  p->newlines = false;
  at = bw_json_space(line, false);
  if (*at == '\n') {
    *ret_next = at + 1;
    return 0;
  }
  rc = bw_scan_event(p, at, &end);
  p->start = line;
  if (__builtin_expect(rc < 0, 0)) {
    *ret_next = line_end(line);
    return bw_event_refuse(p, &p->hard, err);
  }
  at = bw_json_space(end, false);
  if (__builtin_expect(*at != '\n', 0)) {
    *ret_next = line_end(at);
    p->hard = (struct bw_json_error){at, "text behind the end of the event", false};
    return bw_event_refuse(p, &p->hard, err);
  }
  *ret_next = at + 1;
  rc = bw_event_finish(p, bw_str_n(line, (size_t)(end - line)), err);
  return rc < 0 ? rc : 1;
}
