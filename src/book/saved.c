/* SPDX-License-Identifier: Apache-2.0 */
/* The book in the store: one checked blob for each entity, one row for each earlier value.  core process. */
#include <sodium.h>
#include <stdlib.h>

#include "base/log.h"
#include "book/private.h"

#define DOC_VERSION 1
#define SUM_BYTES 16

static const char *const steps[] = {
    "CREATE TABLE book_entity(kind INTEGER NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, doc BLOB NOT NULL,"
    " offset INTEGER NOT NULL, PRIMARY KEY(kind, id)) WITHOUT ROWID;"
    "CREATE TABLE book_history(kind INTEGER NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, time INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY(kind, id, field, offset)) WITHOUT ROWID;"
    "CREATE TABLE book_damaged(kind INTEGER NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, doc BLOB);",
};
const struct bw_schema bw_book_schema = {"book", steps, sizeof steps / sizeof *steps};

/* ---- one entity as bytes: checksum, version, fields in order ---- */

static void checksum(uint32_t kind, struct bw_str id, struct bw_str body, uint8_t out[SUM_BYTES])
{
  crypto_generichash_state st;
  const unsigned char head = (unsigned char)kind, end = 0; /* an id holds no NUL */
  crypto_generichash_init(&st, NULL, 0, SUM_BYTES);
  crypto_generichash_update(&st, &head, 1);
  crypto_generichash_update(&st, (const unsigned char *)id.data, id.len);
  crypto_generichash_update(&st, &end, 1);
  crypto_generichash_update(&st, (const unsigned char *)body.data, body.len);
  crypto_generichash_final(&st, out, SUM_BYTES);
}

/* From b->work. */
static uint64_t encode(struct bw_entity *e, struct bw_buf *out)
{
  struct bw_book *b = e->book;
  uint8_t sum[SUM_BYTES] = {0};
  uint64_t newest = 0;
  size_t i;
  bw_buf_reset(out);
  bw_buf_add(out, sum, sizeof sum);
  bw_buf_add_u8(out, DOC_VERSION);
  bw_buf_add_varint(out, b->nwork);
  for (i = 0; i < b->nwork; i++) {
    const struct work *w = &b->work[i];
    bw_buf_add_lstr(out, bw_name(b, w->name));
    bw_buf_add_u8(out, (uint8_t)(w->flags << 4 | w->type));
    bw_buf_add_svarint(out, w->time);
    bw_buf_add_varint(out, w->source);
    bw_buf_add_lstr(out, w->text);
    if (w->type == BW_VALUE_NUMBER || w->type == BW_VALUE_BOOL)
      bw_buf_add_f64(out, w->number);
    newest = w->source > newest ? w->source : newest;
  }
  checksum(e->kind, bw_entity_id(e), bw_str_n(out->data + SUM_BYTES, out->len - SUM_BYTES), sum);
  memcpy(out->data, sum, sizeof sum);
  return newest;
}

/* Into b->work; the texts borrow from doc.  False: damaged. */
static bool decode(struct bw_book *b, uint32_t kind, struct bw_str id, struct bw_str doc)
{
  uint8_t sum[SUM_BYTES];
  struct bw_reader in = bw_reader(doc.data, doc.len);
  uint64_t n, i;
  if (doc.len <= SUM_BYTES)
    return false;
  checksum(kind, id, bw_str_n(doc.data + SUM_BYTES, doc.len - SUM_BYTES), sum);
  if (memcmp(sum, doc.data, SUM_BYTES) != 0)
    return false;
  in.p += SUM_BYTES;
  if (bw_read_u8(&in) != DOC_VERSION || (n = bw_read_varint(&in)) > sizeof b->work / sizeof *b->work)
    return false;
  for (i = 0; i < n; i++) {
    struct work *w = &b->work[i];
    struct bw_str name = bw_read_lstr(&in);
    uint8_t tag = bw_read_u8(&in);
    int id_of_name;
    *w = (struct work){.type = tag & 15, .flags = tag >> 4};
    w->time = bw_read_svarint(&in);
    w->source = bw_read_varint(&in);
    w->text = bw_read_lstr(&in);
    if (w->type == BW_VALUE_NUMBER || w->type == BW_VALUE_BOOL)
      w->number = bw_read_f64(&in);
    if (in.bad || w->type > BW_VALUE_JSON || w->text.len > BW_BOOK_MAX_VALUE || name.len == 0 || name.len > BW_BOOK_MAX_NAME ||
        (id_of_name = bw_name_add(b, name)) < 0)
      return false;
    w->name = (uint16_t)id_of_name;
  }
  b->nwork = (size_t)n;
  return bw_reader_left(&in) == 0;
}

/* ---- loading ---- */

static void load_row(struct bw_book *b, struct bw_stmt *q, struct bw_buf *damaged)
{
  uint32_t kind = (uint32_t)bw_stmt_col_int(q, 0);
  struct bw_str id = bw_stmt_col_str(q, 1);
  struct bw_entity *e;
  if (kind >= BW_ENTITY_KINDS || id.len == 0 || !decode(b, kind, id, bw_stmt_col_str(q, 2))) {
    bw_log(BW_LOG_ERROR, "an entity of the book is damaged in the database; it has been set aside: import it again",
           "kind=%s id=%s", bw_entity_kind_name(kind), bw_log_quote(id));
    bw_buf_add_u32(damaged, kind);
    bw_buf_add_lstr(damaged, id);
    return;
  }
  e = bw_entity_new(b, kind, id);
  bw_entity_pack(e);
  bw_index_add(b, e);
  if (kind == BW_ENTITY_CONTACT || kind == BW_ENTITY_OPPORTUNITY)
    bw_index_move(b, e, BW_STR(""), bw_entity_account(e));
}

static int run_on(struct bw_book *b, const char *sql, uint32_t kind, struct bw_str id, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(b->store, sql, &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, kind);
  bw_stmt_text(q, 2, id);
  return bw_stmt_run(q, err);
}

static int set_aside(struct bw_book *b, struct bw_str damaged, struct bw_error *err)
{
  struct bw_reader in = bw_reader(damaged.data, damaged.len);
  int rc = BW_OK;
  if (damaged.len == 0)
    return BW_OK;
  if ((rc = bw_store_begin(b->store, err)) != 0)
    return rc;
  while (!rc && bw_reader_left(&in) > 0) {
    uint32_t kind = bw_read_u32(&in);
    struct bw_str id = bw_read_lstr(&in);
    rc = run_on(b, "INSERT INTO book_damaged SELECT kind, id, account, doc FROM book_entity WHERE kind = ? AND id = ?", kind,
                id, err);
    if (!rc)
      rc = run_on(b, "DELETE FROM book_entity WHERE kind = ? AND id = ?", kind, id, err);
  }
  if (!rc)
    return bw_store_commit(b->store, err);
  bw_store_rollback(b->store);
  return rc;
}

int bw_book_load(struct bw_book *b, struct bw_error *err)
{
  struct bw_buf damaged = {0};
  struct bw_stmt *q;
  int rc = bw_store_prepare(b->store, "SELECT kind, id, doc FROM book_entity ORDER BY kind, id", &q, err);
  if (rc)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0)
    load_row(b, q, &damaged);
  if (!rc)
    rc = set_aside(b, bw_buf_str(&damaged), err);
  bw_buf_clear(&damaged);
  return rc;
}

/* ---- saving ---- */

void bw_past_add(struct bw_book *b, struct bw_entity *e, const struct work *w)
{
  struct past *p;
  struct bw_str text = w->text;
  if (!b->store)
    return;
  if (w->type == BW_VALUE_BOOL)
    text = w->number != 0 ? BW_STR("true") : BW_STR("false");
  if (b->npast == b->past_cap) {
    b->past_cap = b->past_cap ? b->past_cap * 2 : 64;
    b->past = bw_realloc(b->past, b->past_cap, sizeof *b->past);
  }
  p = &b->past[b->npast++];
  *p = (struct past){e, bw_str_dup(text), text.len, w->source, w->time, w->name};
}

void bw_past_clear(struct bw_book *b)
{
  while (b->npast)
    free(b->past[--b->npast].value);
}

static int save_entity(struct bw_book *b, struct bw_entity *e, struct bw_error *err)
{
  struct bw_stmt *q;
  uint64_t offset;
  int rc = bw_store_prepare(
      b->store, "INSERT OR REPLACE INTO book_entity(kind, id, account, doc, offset) VALUES(?, ?, ?, ?, ?)", &q, err);
  if (rc)
    return rc;
  bw_entity_unpack(e);
  offset = encode(e, &b->scratch);
  bw_stmt_int(q, 1, e->kind);
  bw_stmt_text(q, 2, bw_entity_id(e));
  bw_stmt_text(q, 3, bw_entity_account(e));
  bw_stmt_blob(q, 4, bw_buf_str(&b->scratch));
  bw_stmt_int(q, 5, (int64_t)offset);
  return bw_stmt_run(q, err);
}

static int save_past(struct bw_book *b, const struct past *p, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(
      b->store, "INSERT OR REPLACE INTO book_history(kind, id, field, time, offset, value) VALUES(?, ?, ?, ?, ?, ?)", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, p->entity->kind);
  bw_stmt_text(q, 2, bw_entity_id(p->entity));
  bw_stmt_text(q, 3, bw_name(b, p->name));
  bw_stmt_int(q, 4, p->time);
  bw_stmt_int(q, 5, (int64_t)p->offset);
  bw_stmt_text(q, 6, bw_str_n(p->value, p->len));
  return bw_stmt_run(q, err);
}

int bw_book_save(struct bw_book *b, struct bw_error *err)
{
  size_t i;
  int rc = BW_OK;
  if (b->store && !bw_store_in_transaction(b->store))
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "the book is saved outside a transaction");
  for (i = 0; b->store && !rc && i < b->ndirty; i++)
    rc = save_entity(b, b->dirty[i], err);
  for (i = 0; b->store && !rc && i < b->npast; i++)
    rc = save_past(b, &b->past[i], err);
  if (rc)
    return rc;
  for (i = 0; i < b->ndirty; i++)
    b->dirty[i]->dirty = false;
  b->ndirty = 0;
  bw_past_clear(b);
  return BW_OK;
}

int bw_book_history(struct bw_book *b, enum bw_entity_kind kind, struct bw_str id, const char *field,
                    int (*fn)(void *ctx, int64_t time_ms, uint64_t offset, struct bw_str value), void *ctx,
                    struct bw_error *err)
{
  struct bw_stmt *q;
  int rc;
  if (!b->store)
    return BW_OK;
  rc = bw_store_prepare(b->store,
                        "SELECT time, offset, value FROM book_history WHERE kind = ? AND id = ? AND field = ? ORDER BY offset",
                        &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, (int64_t)kind);
  bw_stmt_text(q, 2, id);
  bw_stmt_text(q, 3, bw_str(field));
  while ((rc = bw_stmt_step(q, err)) > 0)
    if ((rc = fn(ctx, bw_stmt_col_int(q, 0), (uint64_t)bw_stmt_col_int(q, 1), bw_stmt_col_str(q, 2))) < 0)
      break;
  bw_stmt_reset(q);
  return rc;
}

/* ---- retention ---- */

#define SWEEP_ROWS 4096

static bool same_field(const struct bw_book_sweep *at, struct bw_stmt *q)
{
  return at->kind == bw_stmt_col_int(q, 0) && bw_str_eq(bw_buf_str(&at->id), bw_stmt_col_str(q, 1)) &&
         bw_str_eq(bw_buf_str(&at->field), bw_stmt_col_str(q, 2));
}

static int delete_row(struct bw_book *b, const struct bw_book_sweep *at, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc =
      bw_store_prepare(b->store, "DELETE FROM book_history WHERE kind = ? AND id = ? AND field = ? AND offset = ?", &q, err);
  if (rc)
    return rc;
  bw_stmt_int(q, 1, at->kind);
  bw_stmt_text(q, 2, bw_buf_str(&at->id));
  bw_stmt_text(q, 3, bw_buf_str(&at->field));
  bw_stmt_int(q, 4, at->offset);
  return bw_stmt_run(q, err);
}

static void stand_at(struct bw_book_sweep *at, struct bw_stmt *q)
{
  struct bw_str id = bw_stmt_col_str(q, 1), field = bw_stmt_col_str(q, 2);
  at->begun = true;
  at->kind = bw_stmt_col_int(q, 0);
  at->offset = bw_stmt_col_int(q, 3);
  bw_buf_reset(&at->id);
  bw_buf_add_str(&at->id, id);
  bw_buf_reset(&at->field);
  bw_buf_add_str(&at->field, field);
}

/* Rows come field by field, oldest first: the one before goes where the next took its place before the limit. */
static int sweep(struct bw_book *b, struct bw_book_sweep *at, int64_t before_ms, uint64_t *deleted, size_t *rows,
                 struct bw_error *err)
{
  char *id BW_AUTOFREE = NULL, *field BW_AUTOFREE = NULL;
  struct bw_stmt *q;
  int rc =
      bw_store_prepare(b->store,
                       "SELECT kind, id, field, offset, time FROM book_history WHERE (kind, id, field, offset) > (?, ?, ?, ?)"
                       " ORDER BY kind, id, field, offset LIMIT ?",
                       &q, err);
  if (rc)
    return rc;
  id = bw_str_dup(bw_buf_str(&at->id)); /* bound while `at` moves on */
  field = bw_str_dup(bw_buf_str(&at->field));
  bw_stmt_int(q, 1, at->begun ? at->kind : -1);
  bw_stmt_text(q, 2, bw_str(id));
  bw_stmt_text(q, 3, bw_str(field));
  bw_stmt_int(q, 4, at->offset);
  bw_stmt_int(q, 5, SWEEP_ROWS);
  while ((rc = bw_stmt_step(q, err)) > 0) {
    if (at->begun && same_field(at, q) && bw_stmt_col_int(q, 4) <= before_ms) {
      if ((rc = delete_row(b, at, err)) < 0) /* behind the walk: it does not come there again */
        break;
      ++*deleted;
    }
    stand_at(at, q);
    ++*rows;
  }
  bw_stmt_reset(q);
  return rc;
}

int bw_book_retain(struct bw_book *b, struct bw_book_sweep *at, int64_t before_ms, uint64_t *ret_deleted, struct bw_error *err)
{
  bool own = b->store && !bw_store_in_transaction(b->store);
  uint64_t deleted = 0;
  size_t rows = 0;
  int rc;
  if (!b->store)
    return 0;
  if ((rc = bw_store_begin(b->store, err)) < 0)
    return rc;
  rc = sweep(b, at, before_ms, &deleted, &rows, err);
  if (own && rc)
    bw_store_rollback(b->store);
  else if (own)
    rc = bw_store_commit(b->store, err);
  if (rc || rows < SWEEP_ROWS)
    bw_book_sweep_clear(at);
  if (rc)
    return rc;
  *ret_deleted = deleted;
  return rows == SWEEP_ROWS;
}

void bw_book_sweep_clear(struct bw_book_sweep *at)
{
  bw_buf_clear(&at->id);
  bw_buf_clear(&at->field);
  *at = (struct bw_book_sweep){0};
}
