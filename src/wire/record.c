/* SPDX-License-Identifier: Apache-2.0 */
/* The record encoding.  Runs in every process, on bytes that another process wrote: nothing is trusted.  No privileges needed.
 */
#include "wire/record.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"

#define BATCH_VERSION 1

static const char *const kind_names[BW_KIND_COUNT] = {
    NULL,          "track",    "page",   "screen", "identify", "group", "alias", "account",  "contact", "plan", "subscription",
    "opportunity", "activity", "ticket", "survey", "company",  "job",   "news",  "calendar", "fetch",   "tick", "x"};

const char *bw_kind_name(uint32_t kind)
{
  return kind < BW_KIND_COUNT ? kind_names[kind] : NULL;
}

uint32_t bw_kind_parse(struct bw_str name)
{
  uint32_t k;
  const char *dot;
  for (k = 1; k < BW_KIND_CUSTOM; k++)
    if (bw_str_is(name, kind_names[k]))
      return k;
  if (name.len > 64 || !bw_str_prefix(name, "x."))
    return BW_KIND_NONE;
  dot = memchr(name.data + 2, '.', name.len - 2);
  return dot && dot > name.data + 2 && dot < name.data + name.len - 1 ? BW_KIND_CUSTOM : BW_KIND_NONE;
}

static void add_field(struct bw_buf *b, const struct bw_field *f)
{
  bw_buf_add_u8(b, (uint8_t)(f->section << 4 | f->type));
  bw_buf_add_lstr(b, f->key);
  bw_buf_add_lstr(b, f->text);
  if (f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL)
    bw_buf_add_f64(b, f->number);
}

int bw_batch_add(struct bw_batch_writer *w, const struct bw_record *r, struct bw_error *err)
{
  size_t start = w->bytes.len;
  uint32_t i;
  if (w->count >= BW_BATCH_MAX_RECORDS)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_TRANSIENT, "the batch already holds %d records", BW_BATCH_MAX_RECORDS);
  if (r->nfields > BW_RECORD_MAX_FIELDS)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the record has %u fields; at most %d are kept", r->nfields,
                   BW_RECORD_MAX_FIELDS);
  bw_buf_add_varint(&w->bytes, r->kind);
  bw_buf_add_svarint(&w->bytes, r->time_ms - w->last_time);
  bw_buf_add_svarint(&w->bytes, r->arrival_ms - w->last_arrival);
  bw_buf_add_varint(&w->bytes, r->offset - w->last_offset);
  bw_buf_add_lstr(&w->bytes, r->account);
  bw_buf_add_lstr(&w->bytes, r->subject);
  bw_buf_add_lstr(&w->bytes, r->name);
  bw_buf_add_lstr(&w->bytes, r->id);
  bw_buf_add_varint(&w->bytes, r->nfields);
  for (i = 0; i < r->nfields; i++)
    add_field(&w->bytes, &r->fields[i]);
  if (w->bytes.len - start > BW_RECORD_MAX_BYTES) {
    w->bytes.len = start;
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the record is over %u bytes", BW_RECORD_MAX_BYTES);
  }
  if (w->bytes.len > BW_BATCH_MAX_BYTES - 16) {
    w->bytes.len = start;
    return bw_fail(err, BW_ELIMIT, BW_CLASS_TRANSIENT, "the batch would be over %u bytes", BW_BATCH_MAX_BYTES);
  }
  w->count++;
  w->last_time = r->time_ms;
  w->last_arrival = r->arrival_ms;
  w->last_offset = r->offset;
  return BW_OK;
}

void bw_batch_finish(struct bw_batch_writer *w, struct bw_buf *out)
{
  bw_buf_add_u8(out, BATCH_VERSION);
  bw_buf_add_varint(out, w->count);
  bw_buf_add(out, w->bytes.data, w->bytes.len);
  bw_buf_reset(&w->bytes);
  w->count = 0;
  w->last_time = w->last_arrival = 0;
  w->last_offset = 0;
}

void bw_batch_writer_clear(struct bw_batch_writer *w)
{
  bw_buf_clear(&w->bytes);
  *w = (struct bw_batch_writer){0};
}

static bool read_field(struct bw_reader *in, struct bw_field *f)
{
  uint8_t tag = bw_read_u8(in);
  f->section = tag >> 4;
  f->type = tag & 15;
  f->key = bw_read_lstr(in);
  f->text = bw_read_lstr(in);
  f->number = 0;
  if (f->type == BW_VALUE_NUMBER || f->type == BW_VALUE_BOOL)
    f->number = bw_read_f64(in);
  return !in->bad && f->section <= BW_SECTION_CONTEXT && f->type <= BW_VALUE_JSON && isfinite(f->number);
}

/* Field pointers are set at the end, when the array no longer moves; until then r->fields holds nothing. */
static bool read_record(struct bw_batch_reader *out, struct bw_reader *in, struct bw_record *r, uint64_t seed)
{
  struct bw_record last = out->nrecords ? out->records[out->nrecords - 1] : (struct bw_record){0};
  uint64_t kind = bw_read_varint(in), n;
  /* Unsigned sums: a hostile delta wraps instead of overflowing, and the range check below refuses it. */
  r->time_ms = (int64_t)((uint64_t)last.time_ms + (uint64_t)bw_read_svarint(in));
  r->arrival_ms = (int64_t)((uint64_t)last.arrival_ms + (uint64_t)bw_read_svarint(in));
  r->offset = last.offset + bw_read_varint(in);
  r->account = bw_read_lstr(in);
  r->subject = bw_read_lstr(in);
  r->name = bw_read_lstr(in);
  r->id = bw_read_lstr(in);
  n = bw_read_varint(in);
  if (in->bad || kind == BW_KIND_NONE || kind >= BW_KIND_COUNT || n > BW_RECORD_MAX_FIELDS || r->time_ms < 0 ||
      r->time_ms > BW_TIME_MAX || r->arrival_ms < 0 || r->arrival_ms > BW_TIME_MAX || r->offset < last.offset)
    return false;
  r->kind = (uint32_t)kind;
  r->nfields = (uint32_t)n;
  r->account_hash = bw_hash_str(r->account, seed);
  r->subject_hash = bw_hash_str(r->subject, seed);
  r->name_hash = bw_hash_str(r->name, seed);
  if (out->nfields + n > out->fields_cap) {
    out->fields_cap = (out->nfields + (size_t)n) * 2;
    out->fields = bw_realloc(out->fields, out->fields_cap, sizeof *out->fields);
  }
  for (; n > 0; n--)
    if (!read_field(in, &out->fields[out->nfields++]))
      return false;
  return true;
}

static int read_refused(struct bw_batch_reader *r, struct bw_error *err, const char *what)
{
  size_t at = r->nrecords;
  r->nrecords = r->nfields = 0;
  r->batch.count = 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "record batch: %s (record %zu)", what, at);
}

int bw_batch_read(struct bw_batch_reader *r, struct bw_str bytes, uint64_t seed, struct bw_error *err)
{
  struct bw_reader in = bw_reader(bytes.data, bytes.len);
  uint64_t count, i;
  size_t at = 0;
  r->nrecords = r->nfields = 0;
  if (bytes.len > BW_BATCH_MAX_BYTES)
    return read_refused(r, err, "over the size limit");
  if (bw_read_u8(&in) != BATCH_VERSION)
    return read_refused(r, err, "not a batch, or of another version");
  count = bw_read_varint(&in);
  if (in.bad || count > BW_BATCH_MAX_RECORDS)
    return read_refused(r, err, "over the limit of records");
  if (count > r->records_cap) {
    r->records_cap = (size_t)count;
    r->records = bw_realloc(r->records, r->records_cap, sizeof *r->records);
  }
  for (i = 0; i < count; i++) {
    struct bw_record *rec = &r->records[r->nrecords];
    if (!read_record(r, &in, rec, seed))
      return read_refused(r, err, "damaged");
    r->nrecords++;
  }
  if (bw_reader_left(&in) != 0)
    return read_refused(r, err, "bytes left over");
  for (i = 0; i < count; i++) {
    r->records[i].fields = r->fields ? r->fields + at : NULL;
    at += r->records[i].nfields;
  }
  r->batch = (struct bw_batch){sizeof r->batch, sizeof *r->records, count, r->records};
  return BW_OK;
}

void bw_batch_reader_clear(struct bw_batch_reader *r)
{
  free(r->records);
  free(r->fields);
  *r = (struct bw_batch_reader){0};
}

const struct bw_field *bw_record_field(const struct bw_record *r, uint32_t section, const char *key)
{
  size_t n = strlen(key);
  uint32_t i;
  for (i = 0; i < r->nfields; i++) {
    const struct bw_field *f = &r->fields[i];
    if (f->section == section && f->key.len == n && memcmp(f->key.data, key, n) == 0)
      return f;
  }
  return NULL;
}

struct bw_str bw_record_text(const struct bw_record *r, uint32_t section, const char *key)
{
  const struct bw_field *f = bw_record_field(r, section, key);
  return f && (f->type == BW_VALUE_STRING || f->type == BW_VALUE_NUMBER) ? f->text : BW_STR("");
}

double bw_record_number(const struct bw_record *r, uint32_t section, const char *key, double missing)
{
  const struct bw_field *f = bw_record_field(r, section, key);
  char text[48], *end;
  double v;
  if (!f)
    return missing;
  if (f->type == BW_VALUE_NUMBER)
    return f->number;
  if (f->type != BW_VALUE_STRING || f->text.len == 0 || f->text.len >= sizeof text)
    return missing;
  memcpy(text, f->text.data, f->text.len);
  text[f->text.len] = '\0';
  v = strtod(text, &end);
  return *end == '\0' && isfinite(v) ? v : missing;
}

static void json_value(struct bw_buf *out, const struct bw_field *f)
{
  switch (f->type) {
  case BW_VALUE_BOOL:
    bw_json_bool(out, f->number != 0);
    break;
  case BW_VALUE_NUMBER:
    bw_json_num(out, f->number);
    break;
  case BW_VALUE_STRING:
    bw_json_str(out, f->text);
    break;
  case BW_VALUE_JSON:
    bw_json_raw(out, f->text);
    break;
  default:
    bw_json_null(out);
  }
}

/* Keys stay flat ("a.b": 1): reading them back gives the same fields. */
static void json_section(struct bw_buf *out, const struct bw_record *r, uint32_t section, const char *name)
{
  bool open = false;
  uint32_t i;
  for (i = 0; i < r->nfields; i++) {
    if (r->fields[i].section != section)
      continue;
    if (!open && name) {
      bw_json_key(out, name);
      bw_json_open(out, '{');
    }
    open = true;
    bw_json_str(out, r->fields[i].key);
    bw_buf_add_char(out, ':');
    json_value(out, &r->fields[i]);
  }
  if (open && name)
    bw_json_close(out, '}');
}

static void json_text(struct bw_buf *out, const char *key, struct bw_str s)
{
  if (s.len == 0)
    return;
  bw_json_key(out, key);
  bw_json_str(out, s);
}

/* Under the keys that go before others where it is read back (ingest): what else there was is among the fields. */
static const char *account_key(uint32_t kind)
{
  return kind == BW_KIND_GROUP ? "groupId" : "accountId";
}

static const char *subject_key(uint32_t kind)
{
  static const char *const keys[BW_KIND_COUNT] = {
      [BW_KIND_CONTACT] = "contactId",         [BW_KIND_PLAN] = "planId",        [BW_KIND_SUBSCRIPTION] = "subscriptionId",
      [BW_KIND_OPPORTUNITY] = "opportunityId", [BW_KIND_ACTIVITY] = "contactId", [BW_KIND_TICKET] = "ticketId",
      [BW_KIND_SURVEY] = "contactId",          [BW_KIND_JOB] = "contactId"};
  return kind < BW_KIND_COUNT && keys[kind] ? keys[kind] : "userId";
}

static const char *name_key(uint32_t kind)
{
  return kind == BW_KIND_TRACK || kind == BW_KIND_CUSTOM ? "event" : "name";
}

void bw_record_json(struct bw_buf *out, const struct bw_record *r)
{
  bw_json_open(out, '{');
  if (r->kind != BW_KIND_CUSTOM) { /* a custom record keeps its own "type" among the fields */
    bw_json_key(out, "type");
    bw_json_cstr(out, bw_kind_name(r->kind));
  }
  json_text(out, "messageId", r->id);
  bw_json_key(out, "timestamp");
  bw_json_time(out, r->time_ms);
  json_text(out, account_key(r->kind), r->account);
  json_text(out, subject_key(r->kind), r->subject);
  json_text(out, name_key(r->kind), r->name);
  json_section(out, r, BW_SECTION_TOP, NULL);
  json_section(out, r, BW_SECTION_PROPERTIES, "properties");
  json_section(out, r, BW_SECTION_TRAITS, "traits");
  json_section(out, r, BW_SECTION_CONTEXT, "context");
  bw_json_close(out, '}');
}
