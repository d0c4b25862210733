/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts in the store: one row for every version, never changed.  Runs in core; through the store only. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "drafts/drafts_impl.h"

static const char *const steps[] = {"CREATE TABLE draft ("
                                    " lead TEXT NOT NULL, version INTEGER NOT NULL, template TEXT NOT NULL,"
                                    " channel TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,"
                                    " body TEXT NOT NULL, missing TEXT NOT NULL, provenance TEXT NOT NULL,"
                                    " hash TEXT NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL,"
                                    " PRIMARY KEY (lead, version)) WITHOUT ROWID"};
const struct bw_schema bw_drafts_schema = {"drafts", steps, sizeof steps / sizeof *steps};

struct bw_draft_head bw_draft_head_of(const struct bw_draft *d)
{
  struct bw_draft_head h = {.version = d->version, .ours = strcmp(d->by, BW_DRAFT_OURS) == 0};
  memcpy(h.hash, d->hash, sizeof h.hash);
  return h;
}

int bw_draft_latest(struct bw_store *s, struct bw_str lead, struct bw_draft_head *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  struct bw_str hash;
  int rc =
      bw_store_prepare(s, "SELECT version, hash, author FROM draft WHERE lead = ?1 ORDER BY version DESC LIMIT 1", &q, err);
  *ret = (struct bw_draft_head){.ours = true};
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, lead);
  rc = bw_stmt_step(q, err);
  if (rc < 1)
    return rc;
  ret->version = bw_stmt_col_int(q, 0);
  hash = bw_stmt_col_str(q, 1);
  memcpy(ret->hash, hash.data, hash.len < BW_DRAFT_HASH ? (size_t)hash.len : BW_DRAFT_HASH - 1);
  ret->ours = bw_str_is(bw_stmt_col_str(q, 2), BW_DRAFT_OURS);
  bw_stmt_reset(q);
  return BW_OK;
}

bool bw_draft_follow(struct bw_draft *d, const struct bw_draft_head *head)
{
  d->version = head->version;
  bw_draft_hash(d, d->hash);
  if (head->version && strcmp(d->hash, head->hash) == 0)
    return false;
  d->version++;
  bw_draft_hash(d, d->hash);
  return true;
}

int bw_draft_save(struct bw_store *s, const struct bw_draft *d, struct bw_error *err)
{
  struct bw_buf missing = {0}, provenance = {0};
  struct bw_draft_head latest;
  struct bw_stmt *q;
  int rc;
  if (!s)
    return BW_OK;
  rc = bw_draft_latest(s, bw_str(d->lead), &latest, err);
  if (rc < 0)
    return rc;
  if (d->version != latest.version + 1)
    return bw_fail(err, BW_EEXIST, BW_CLASS_PERMANENT,
                   "draft %s is at version %lld already: someone edited it meanwhile; read it again and repeat your edit",
                   d->lead, (long long)latest.version);
  rc = bw_store_prepare(s,
                        "INSERT INTO draft (lead, version, template, channel, recipients, subject, body, missing, provenance,"
                        " hash, author, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                        &q, err);
  if (rc < 0)
    return rc;
  bw_draft_missing_json(&missing, d);
  bw_draft_provenance_json(&provenance, d);
  bw_stmt_text(q, 1, bw_str(d->lead));
  bw_stmt_int(q, 2, d->version);
  bw_stmt_text(q, 3, bw_str(d->template_name));
  bw_stmt_text(q, 4, bw_str(d->channel));
  bw_stmt_text(q, 5, bw_str(d->field[BW_DRAFT_TO]));
  bw_stmt_text(q, 6, bw_str(d->field[BW_DRAFT_SUBJECT]));
  bw_stmt_text(q, 7, bw_str(d->field[BW_DRAFT_BODY]));
  bw_stmt_text(q, 8, bw_buf_str(&missing));
  bw_stmt_text(q, 9, bw_buf_str(&provenance));
  bw_stmt_text(q, 10, bw_str(d->hash));
  bw_stmt_text(q, 11, bw_str(d->by));
  bw_stmt_int(q, 12, d->at);
  rc = bw_stmt_run(q, err);
  bw_buf_clear(&missing);
  bw_buf_clear(&provenance);
  return rc;
}

/* ---- reading ------------------------------------------------------------ */

struct place {
  enum bw_draft_field field;
  size_t offset, len;
};

static const char *text_of(json_t *o, const char *key)
{
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static bool place_of(const struct bw_draft *d, json_t *o, struct place *ret)
{
  json_int_t offset = json_integer_value(json_object_get(o, "offset")), len = json_integer_value(json_object_get(o, "length"));
  const char *name = text_of(o, "field");
  size_t f;
  for (f = 0; f < BW_DRAFT_FIELDS; f++)
    if (strcmp(name, bw_draft_field_name((enum bw_draft_field)f)) == 0)
      break;
  if (f == BW_DRAFT_FIELDS || offset < 0 || len < 0 || (size_t)offset > strlen(d->field[f]) ||
      (size_t)len > strlen(d->field[f]) - (size_t)offset)
    return false;
  *ret = (struct place){(enum bw_draft_field)f, (size_t)offset, (size_t)len};
  return true;
}

static bool read_gap(struct bw_draft *d, json_t *o)
{
  struct place p;
  if (!place_of(d, o, &p))
    return false;
  bw_draft_add_gap(d, (struct bw_draft_gap){bw_strdup(text_of(o, "name")), bw_strdup(text_of(o, "hint")),
                                            bw_strdup(text_of(o, "reason")), p.field, p.offset, p.len});
  return true;
}

static bool read_fill(struct bw_draft *d, json_t *o)
{
  json_t *raw = json_object_get(o, "raw");
  char *from;
  struct place p;
  if (!place_of(d, o, &p))
    return false;
  from = json_dumps(json_object_get(o, "from"), JSON_COMPACT | JSON_ENCODE_ANY);
  bw_draft_add_fill(d, (struct bw_draft_fill){bw_strdup(text_of(o, "name")), bw_strdup(text_of(o, raw ? "raw" : "value")),
                                              from ? from : bw_strdup("null"), p.field, p.offset, p.len});
  return true;
}

static bool read_places(struct bw_draft *d, struct bw_str json, bool (*read)(struct bw_draft *d, json_t *o))
{
  json_t *list = json_loadb(json.data ? json.data : "", json.len, JSON_REJECT_DUPLICATES, NULL), *o;
  bool ok = json_is_array(list);
  size_t i;
  json_array_foreach(list, i, o) ok = ok && read(d, o);
  json_decref(list);
  return ok;
}

static int read_row(struct bw_stmt *q, struct bw_draft *ret, struct bw_error *err)
{
  struct bw_draft d = {.version = bw_stmt_col_int(q, 1), .at = bw_stmt_col_int(q, 11)};
  char hash[BW_DRAFT_HASH];
  struct bw_str stored = bw_stmt_col_str(q, 9);
  bool ok;
  d.lead = bw_str_dup(bw_stmt_col_str(q, 0));
  d.template_name = bw_str_dup(bw_stmt_col_str(q, 2));
  d.channel = bw_str_dup(bw_stmt_col_str(q, 3));
  d.field[BW_DRAFT_TO] = bw_str_dup(bw_stmt_col_str(q, 4));
  d.field[BW_DRAFT_SUBJECT] = bw_str_dup(bw_stmt_col_str(q, 5));
  d.field[BW_DRAFT_BODY] = bw_str_dup(bw_stmt_col_str(q, 6));
  d.by = bw_str_dup(bw_stmt_col_str(q, 10));
  ok = read_places(&d, bw_stmt_col_str(q, 7), read_gap) && read_places(&d, bw_stmt_col_str(q, 8), read_fill);
  bw_draft_hash(&d, hash);
  ok = ok && bw_str_is(stored, hash);
  memcpy(d.hash, hash, sizeof hash);
  d.complete = d.ngaps == 0;
  if (!ok) {
    int rc = bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT,
                     "the stored draft %s version %lld does not match its own hash: it was changed outside of basewatch; "
                     "restore the database from a copy, or reject the lead",
                     d.lead, (long long)d.version);
    bw_draft_clear(&d);
    return rc;
  }
  *ret = d;
  return BW_OK;
}

int bw_draft_load(struct bw_store *s, struct bw_str lead, int64_t version, struct bw_draft *ret_draft, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc;
  if (!s)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "no store is open: drafts are not kept in a replay");
  rc = bw_store_prepare(s,
                        "SELECT lead, version, template, channel, recipients, subject, body, missing, provenance, hash, author,"
                        " at FROM draft WHERE lead = ?1 AND (?2 = 0 OR version = ?2) ORDER BY version DESC LIMIT 1",
                        &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, lead);
  bw_stmt_int(q, 2, version);
  rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  if (rc == 0)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "lead %.*s has no draft%s", (int)(lead.len > 80 ? 80 : lead.len),
                   lead.len ? lead.data : "", version ? " of that version" : "");
  rc = read_row(q, ret_draft, err);
  bw_stmt_reset(q);
  return rc;
}
