/* SPDX-License-Identifier: Apache-2.0 */
/* What was set aside, what is on its way, who decided what: rows of the store as they are.  Runs in core. */
#include <string.h>

#include "core/private.h"
#include "wire/record.h"

#define DEFAULT_LIMIT 50

/* One column of an answer: how a stored value becomes JSON. */
enum column { COL_INT, COL_TEXT, COL_TIME, COL_KIND, COL_JSON };
struct field {
  const char *name;
  enum column as;
};

static json_t *column_json(struct bw_stmt *q, int i, enum column as)
{
  if (bw_stmt_col_null(q, i))
    return json_null();
  switch (as) {
  case COL_INT:
    return json_integer((json_int_t)bw_stmt_col_int(q, i));
  case COL_TIME:
    return core_json_time(bw_stmt_col_int(q, i));
  case COL_KIND:
    return core_json_text(bw_kind_name((uint32_t)bw_stmt_col_int(q, i)));
  case COL_JSON:
    return core_json_raw(bw_stmt_col_str(q, i));
  default:
    return core_json_str(bw_stmt_col_str(q, i));
  }
}

/* Runs `sql` (one parameter: the limit) and makes an array of objects with these fields. */
static int rows_json(struct core *c, const char *sql, int64_t limit, const struct field *fields, size_t n, json_t **ret_items,
                     struct bw_error *err)
{
  json_t *items = json_array();
  struct bw_stmt *q;
  size_t i;
  int rc = bw_store_prepare(c->store, sql, &q, err);
  if (rc == 0)
    bw_stmt_int(q, 1, limit);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1) {
    json_t *o = json_object();
    for (i = 0; i < n; i++)
      json_object_set_new(o, fields[i].name, column_json(q, (int)i, fields[i].as));
    json_array_append_new(items, o);
  }
  if (rc < 0) {
    json_decref(items);
    return rc;
  }
  *ret_items = items;
  return BW_OK;
}

static int one_int(struct core *c, const char *sql, int64_t *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(c->store, sql, &q, err);
  if (rc == 0 && (rc = bw_stmt_step(q, err)) == 1) {
    *ret = bw_stmt_col_int(q, 0);
    bw_stmt_reset(q);
    rc = BW_OK;
  }
  return rc;
}

static int answer_rows(struct core *c, struct bw_request *req, const json_t *args, const char *sql, const char *total_sql,
                       const struct field *fields, size_t n, struct bw_error *err)
{
  json_t *items, *o;
  int64_t total = 0;
  int rc = rows_json(c, sql, bw_args_int(args, "limit", DEFAULT_LIMIT), fields, n, &items, err);
  if (rc == 0)
    rc = one_int(c, total_sql, &total, err);
  if (rc < 0)
    return rc;
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "total", json_integer((json_int_t)total));
  json_object_set_new(o, "items", items);
  bw_request_reply_json(req, o);
  return BW_OK;
}

int core_rejected(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  static const struct field fields[] = {{"id", COL_INT},     {"at", COL_TIME},     {"source", COL_TEXT},
                                        {"where", COL_TEXT}, {"reason", COL_TEXT}, {"text", COL_TEXT}};
  return answer_rows(c, req, args, "SELECT id, at, source, place, reason, text FROM rejected ORDER BY id DESC LIMIT ?1",
                     "SELECT rejected FROM intake_total", fields, 6, err);
}

static const char *unresolved_hint(const struct core *c, struct bw_str subject)
{
  if (subject.len == 0)
    return "the record names no user and no account; send userId, or context.groupId";
  if (bw_identity_shared(c->identity, subject))
    return "several accounts have a user of this id; send context.groupId";
  if (memchr(subject.data, '@', subject.len))
    return "a free mail address; send context.groupId, or a group call for this user";
  return "send a group call for this user, an identify with an e-mail address, or context.groupId";
}

int core_unresolved(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  static const struct field fields[] = {{"at", COL_TIME},   {"kind", COL_KIND},   {"subject", COL_TEXT},
                                        {"name", COL_TEXT}, {"source", COL_TEXT}, {"count", COL_INT}};
  json_t *items, *o, *item;
  int64_t rows = 0, records = 0;
  size_t i;
  int rc = rows_json(c, "SELECT at, kind, subject, name, source, count FROM unresolved ORDER BY count DESC, at DESC LIMIT ?1",
                     bw_args_int(args, "limit", DEFAULT_LIMIT), fields, 6, &items, err);
  if (rc == 0)
    rc = one_int(c, "SELECT count(*) FROM unresolved", &rows, err);
  if (rc == 0)
    rc = one_int(c, "SELECT coalesce(sum(count), 0) FROM unresolved", &records, err);
  if (rc < 0)
    return rc;
  json_array_foreach(items, i, item)
  {
    const char *subject = json_string_value(json_object_get(item, "subject"));
    json_object_set_new(item, "hint", json_string(unresolved_hint(c, bw_str(subject ? subject : ""))));
  }
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "total", json_integer((json_int_t)rows));
  json_object_set_new(o, "records", json_integer((json_int_t)records));
  json_object_set_new(o, "items", items);
  bw_request_reply_json(req, o);
  return BW_OK;
}

int core_dead_letters(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  static const struct field fields[] = {{"id", COL_INT},     {"at", COL_TIME},     {"watcher", COL_TEXT},
                                        {"offset", COL_INT}, {"reason", COL_TEXT}, {"record", COL_JSON}};
  return answer_rows(c, req, args,
                     "SELECT id, at_ms, watcher, journal_offset, reason, record FROM dead_letter ORDER BY id DESC LIMIT ?1",
                     "SELECT count(*) FROM dead_letter", fields, 6, err);
}

/* ---- outbox ---- */

static void outbox_item(void *ctx, const struct bw_outbox_item *item)
{
  const char *state =
      item->state == BW_OUTBOX_STAGED || item->state == BW_OUTBOX_READY ? "pending" : bw_outbox_state_name(item->state);
  json_t *items = ctx, *o = json_object();
  json_object_set_new(o, "id", json_integer((json_int_t)item->id));
  json_object_set_new(o, "lead", core_json_str(item->lead));
  json_object_set_new(o, "hash", core_json_str(item->hash));
  json_object_set_new(o, "state", json_string(state));
  json_object_set_new(o, "queued", core_json_time(item->at));
  json_object_set_new(o, "sent", item->state == BW_OUTBOX_SENT ? core_json_time(item->done_at) : json_null());
  json_object_set_new(o, "attempts", json_integer((json_int_t)item->attempts));
  json_object_set_new(o, "error", item->error.len ? core_json_str(item->error) : json_null());
  json_array_insert_new(items, 0, o); /* newest first */
}

static void complete_item(struct core *c, json_t *o)
{
  struct bw_str id = bw_str(json_string_value(json_object_get(o, "lead")));
  const struct bw_lead *lead = bw_leads_find(bw_pipeline_engine(c->pipeline), id);
  struct bw_draft d = {0};
  bool have = bw_draft_load(c->store, id, 0, &d, NULL) == 0;
  json_object_set_new(o, "account", lead ? core_json_text(lead->account) : json_null());
  json_object_set_new(o, "channel", have ? core_json_text(d.channel) : json_null());
  json_object_set_new(o, "to", have ? core_json_text(d.field[BW_DRAFT_TO]) : json_null());
  json_object_set_new(o, "subject", have ? core_json_text(d.field[BW_DRAFT_SUBJECT]) : json_null());
  bw_draft_clear(&d);
}

int core_outbox(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  int64_t limit = bw_args_int(args, "limit", DEFAULT_LIMIT);
  json_t *items = json_array(), *o, *item;
  size_t i;
  int rc = bw_outbox_each(c->outbox, 0, outbox_item, items, err);
  if (rc < 0) {
    json_decref(items);
    return rc;
  }
  while (json_array_size(items) > (size_t)limit)
    json_array_remove(items, json_array_size(items) - 1);
  json_array_foreach(items, i, item) complete_item(c, item);
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "items", items);
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- audit ---- */

json_t *core_note_json(const json_t *subject)
{
  const char *reason = json_string_value(json_object_get(subject, "reason")),
             *note = json_string_value(json_object_get(subject, "note"));
  return core_json_text(reason && *reason ? reason : note);
}

int core_audit(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  static const struct field fields[] = {{"seq", COL_INT},   {"at", COL_TIME},     {"who", COL_TEXT},
                                        {"what", COL_TEXT}, {"detail", COL_JSON}, {"hash", COL_TEXT}};
  struct bw_error broken = {0};
  json_t *items, *o, *item;
  int64_t rows = 0, seq;
  char hash[BW_DRAFT_HASH];
  size_t i;
  bool ok = true;
  int rc = rows_json(c, "SELECT seq, at, who, action, subject, hash FROM audit ORDER BY seq DESC LIMIT ?1",
                     bw_args_int(args, "limit", DEFAULT_LIMIT), fields, 6, &items, err);
  if (rc == 0)
    rc = bw_audit_head(c->store, &seq, hash, err);
  if (rc < 0)
    return rc;
  if (bw_args_bool(args, "verify"))
    ok = bw_audit_verify(c->store, &rows, &broken) == 0;
  json_array_foreach(items, i, item)
  {
    const json_t *detail = json_object_get(item, "detail");
    json_object_set_new(item, "lead", core_json_text(json_string_value(json_object_get(detail, "lead"))));
    json_object_set_new(item, "note", core_note_json(detail));
  }
  o = json_object();
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "entries", json_integer((json_int_t)seq));
  json_object_set_new(o, "head", core_json_text(hash));
  json_object_set_new(o, "ok", json_boolean(ok));
  json_object_set_new(o, "broken_at", ok ? json_null() : json_integer((json_int_t)rows));
  json_object_set_new(o, "items", items);
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- the journal's records, a page at a time: `basewatch export` ---- */

#define PAGE_BYTES (4u << 20)

struct page {
  uint64_t from, limit, n; /* offset to go on from; records at most, and so far */
  struct bw_buf out;
};

static int put_block(struct page *p, struct bw_str block, uint64_t first, struct bw_batch_reader *reader, struct bw_error *err)
{
  uint64_t i;
  int rc = bw_batch_read(reader, block, 0, err);
  for (i = first < p->from ? p->from - first : 0; rc == 0 && i < reader->batch.count && p->n < p->limit; i++, p->n++) {
    const struct bw_record *r = bw_batch_at(&reader->batch, i);
    bw_record_json(&p->out, r);
    p->from = r->offset + 1;
  }
  return rc;
}

/* 1: there is more; 0: that was all.  A damaged block ends the page: the next one begins behind it. */
static int put_page(struct core *c, struct page *p, struct bw_error *err)
{
  struct bw_batch_reader reader = {0};
  struct bw_str block;
  uint64_t first, last;
  int rc = 1;
  while (rc > 0 && p->n < p->limit && p->out.len < PAGE_BYTES &&
         (rc = bw_journal_read(c->journal, p->from, &block, &first, &last, err)) > 0)
    rc = put_block(p, block, first, &reader, err) < 0 ? err->code : 1;
  bw_batch_reader_clear(&reader);
  if (rc != BW_ECORRUPT)
    return rc;
  core_notice_damage(c, err);
  p->from = last + 1;
  return 1;
}

int core_records(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct page p = {.from = (uint64_t)bw_args_int(args, "from", 1), .limit = (uint64_t)bw_args_int(args, "limit", 5000)};
  uint64_t kept = bw_journal_first(c->journal), begin = p.from > kept ? p.from : kept;
  struct bw_journal_stats stats;
  int rc;
  bw_buf_add_cstr(&p.out, "{\"items\":[");
  rc = put_page(c, &p, err);
  if (rc >= 0 && bw_journal_stats(c->journal, &stats, err) < 0)
    rc = err->code;
  if (rc == 0 && p.from < stats.next)
    p.from = stats.next; /* what is missing may be the last of it */
  bw_buf_printf(&p.out, "],\"next\":%llu,\"lost\":%llu,\"end\":%s}", (unsigned long long)p.from,
                (unsigned long long)(p.from > begin ? p.from - begin - p.n : 0), rc == 0 ? "true" : "false");
  if (rc >= 0)
    bw_request_reply(req, bw_buf_str(&p.out));
  bw_buf_clear(&p.out);
  return rc < 0 ? rc : BW_OK;
}
