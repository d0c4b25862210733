/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small facts that routing remembers: whose turn it is in a pool, what an owner was given today, which gaps were told.  Kept in
 * memory, and in the store where there is one.  Runs in core and replays; no privileges beyond the store's.
 */
#include <stdlib.h>

#include "base/map.h"
#include "plays/private.h"

const char bw_desks_schema[] =
    "ALTER TABLE plays_lead ADD COLUMN owner_for TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE plays_lead ADD COLUMN owner_note TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE plays_lead ADD COLUMN released_at INTEGER;"
    "UPDATE plays_lead SET released_at = opened_at;"
    "CREATE TABLE plays_kept (kind TEXT NOT NULL, name BLOB NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,"
    " text TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;";

static struct bw_str key_of(struct bw_buf *b, char kind, struct bw_str name)
{
  bw_buf_reset(b);
  bw_buf_add_char(b, kind);
  bw_buf_add_str(b, name);
  return bw_buf_str(b);
}

struct kept *bw_kept_get(struct bw_engine *e, char kind, struct bw_str name, bool add)
{
  struct bw_buf b = {0};
  struct bw_str key = key_of(&b, kind, name);
  struct kept *k = e->desks.kept ? bw_map_get(e->desks.kept, key) : NULL;
  if (!k && add) {
    if (!e->desks.kept)
      e->desks.kept = bw_map_new();
    k = bw_alloc(sizeof *k);
    *k = (struct kept){.kind = kind, .name = bw_str_dup(name), .name_len = name.len, .text = bw_strdup("")};
    bw_map_put(e->desks.kept, key, k);
  }
  bw_buf_clear(&b);
  return k && k->gone && !add ? NULL : k;
}

void bw_kept_dirty(struct bw_engine *e, struct kept *k)
{
  struct desks *d = &e->desks;
  if (!e->store || k->dirty)
    return;
  k->dirty = true;
  if (d->ndirty == d->dirty_cap) {
    d->dirty_cap = d->dirty_cap ? d->dirty_cap * 2 : 16;
    d->dirty = bw_realloc(d->dirty, d->dirty_cap, sizeof(struct kept *));
  }
  d->dirty[d->ndirty++] = k;
}

static int save(struct bw_engine *e, const struct kept *k, struct bw_error *err)
{
  const char *sql = k->gone ? "DELETE FROM plays_kept WHERE kind = ?1 AND name = ?2"
                            : "INSERT OR REPLACE INTO plays_kept (kind, name, number, at, text) VALUES (?1, ?2, ?3, ?4, ?5)";
  struct bw_stmt *q;
  int rc = bw_store_prepare(e->store, sql, &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str_n(&k->kind, 1));
  bw_stmt_blob(q, 2, bw_str_n(k->name, k->name_len));
  if (!k->gone) {
    bw_stmt_int(q, 3, k->number);
    bw_stmt_int(q, 4, k->at);
    bw_stmt_text(q, 5, bw_str(k->text));
  }
  return bw_stmt_run(q, err);
}

int bw_desks_save(struct bw_engine *e, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < e->desks.ndirty; i++) {
    int rc = save(e, e->desks.dirty[i], err);
    if (rc < 0)
      return bw_error_prefix(err, "what routing remembers could not be saved");
  }
  return 0;
}

void bw_desks_committed(struct bw_engine *e)
{
  size_t i;
  for (i = 0; i < e->desks.ndirty; i++)
    e->desks.dirty[i]->dirty = false;
  e->desks.ndirty = 0;
}

int bw_desks_load(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(e->store, "SELECT kind, name, number, at, text FROM plays_kept ORDER BY kind, name", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1) {
    struct bw_str kind = bw_stmt_col_str(q, 0);
    struct kept *k = bw_kept_get(e, kind.len ? kind.data[0] : ' ', bw_stmt_col_str(q, 1), true);
    k->number = bw_stmt_col_int(q, 2);
    k->at = bw_stmt_col_int(q, 3);
    free(k->text);
    k->text = bw_str_dup(bw_stmt_col_str(q, 4));
  }
  return rc;
}

static void free_kept(void *value)
{
  struct kept *k = value;
  free(k->name);
  free(k->text);
  free(k);
}

static void free_desk(void *value)
{
  struct desk *d = value;
  free(d->who);
  free(d);
}

void bw_desks_clear(struct bw_engine *e)
{
  struct desks *d = &e->desks;
  if (d->kept)
    bw_map_free(&d->kept, free_kept);
  if (d->by_owner)
    bw_map_free(&d->by_owner, free_desk);
  free(d->dirty);
  free(d->queue);
  *d = (struct desks){0};
}
