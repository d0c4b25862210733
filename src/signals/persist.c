/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Episodes and traits in the store: one row per episode, one row of encoded traits per account and watcher.
 * Runs in core; no privileges beyond the store's.
 *
 * The encoding of traits: u8 version (1), svarint last change seen, varint count, and per trait: varint id of its name in
 * signals_names, lstr key, u8 type (1 number: f64, 2 text: lstr), svarint time, varint offset.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "signals/private.h"

static const char *const steps[] = {
    "CREATE TABLE signals_episode("
    "  id INTEGER PRIMARY KEY, account TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, watcher TEXT NOT NULL,"
    "  opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, cleared_at INTEGER, held_until INTEGER,"
    "  opened_offset INTEGER NOT NULL, updated_offset INTEGER NOT NULL,"
    "  value REAL NOT NULL, threshold REAL NOT NULL, strength REAL NOT NULL, peak REAL NOT NULL,"
    "  expired INTEGER NOT NULL, evidence TEXT NOT NULL);"
    "CREATE INDEX signals_episode_open ON signals_episode(id) WHERE cleared_at IS NULL;"
    "CREATE INDEX signals_episode_account ON signals_episode(account, id);"
    "CREATE TABLE signals_traits("
    "  account TEXT NOT NULL, watcher TEXT NOT NULL, traits BLOB NOT NULL, PRIMARY KEY(account, watcher)) WITHOUT ROWID;"
    "CREATE TABLE signals_names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE signals_meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
};
const struct bw_schema bw_signals_schema = {"signals", steps, sizeof steps / sizeof *steps};

#define TRAITS_VERSION 1

/* ---- saving ---- */

static void bind_time(struct bw_stmt *q, int i, int64_t ms)
{
  if (ms == BW_TIME_NONE)
    bw_stmt_null(q, i);
  else
    bw_stmt_int(q, i, ms);
}

static int save_episode(struct bw_signals *s, const struct episode *ep, struct bw_error *err)
{
  const struct bw_episode *e = &ep->pub;
  struct bw_stmt *q;
  int rc = bw_store_prepare(s->store,
                            "INSERT OR REPLACE INTO signals_episode(id, account, type, key, watcher, opened_at, updated_at,"
                            " cleared_at, held_until, opened_offset, updated_offset, value, threshold, strength, peak, expired,"
                            " evidence) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                            &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, (int64_t)e->id);
  bw_stmt_text(q, 2, e->account);
  bw_stmt_text(q, 3, bw_str(e->type->name));
  bw_stmt_text(q, 4, e->key);
  bw_stmt_text(q, 5, bw_str(s->catalog->watchers[e->watcher].name));
  bw_stmt_int(q, 6, e->opened_at);
  bw_stmt_int(q, 7, e->updated_at);
  bind_time(q, 8, e->cleared_at);
  bind_time(q, 9, e->held_until);
  bw_stmt_int(q, 10, (int64_t)e->opened_offset);
  bw_stmt_int(q, 11, (int64_t)e->updated_offset);
  bw_stmt_num(q, 12, e->value);
  bw_stmt_num(q, 13, e->threshold);
  bw_stmt_num(q, 14, e->strength);
  bw_stmt_num(q, 15, e->peak_strength);
  bw_stmt_int(q, 16, e->expired);
  bw_stmt_text(q, 17, e->evidence);
  return bw_stmt_run(q, err);
}

/* The store's id of a trait's name; a new one is made where there is none. */
static int name_id(struct bw_signals *s, const char *name, uint64_t *ret_id, struct bw_error *err)
{
  uint64_t id = (uintptr_t)bw_map_get(s->names, bw_str(name));
  struct bw_stmt *q;
  int rc;
  if (!id) {
    id = bw_map_count(s->names) + 1;
    bw_map_put(s->names, bw_str(name), (void *)(uintptr_t)id);
  }
  /* written again each time it is used first after a save: a transaction that failed may have taken it back */
  rc = bw_store_prepare(s->store, "INSERT OR IGNORE INTO signals_names(id, name) VALUES(?, ?)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, (int64_t)id);
  bw_stmt_text(q, 2, bw_str(name));
  *ret_id = id;
  return bw_stmt_run(q, err);
}

static void encode(const struct account *a, const struct bw_catalog *c, uint32_t plugin, const uint64_t *ids,
                   struct bw_buf *out)
{
  const char *watcher = c->watchers[plugin].name;
  uint64_t n = 0;
  uint32_t i;
  for (i = 0; i < a->ntraits; i++)
    n += strcmp(bw_catalog_trait(c, a->traits[i].type)->watcher, watcher) == 0;
  bw_buf_add_u8(out, TRAITS_VERSION);
  bw_buf_add_svarint(out, a->seen_ms);
  bw_buf_add_varint(out, n);
  for (i = 0; i < a->ntraits; i++) {
    const struct trait *t = &a->traits[i];
    if (strcmp(bw_catalog_trait(c, t->type)->watcher, watcher) != 0)
      continue;
    bw_buf_add_varint(out, ids[t->type]);
    bw_buf_add_lstr(out, bw_key_str(t->key));
    bw_buf_add_u8(out, t->is_text ? 2 : 1);
    if (t->is_text)
      bw_buf_add_lstr(out, bw_str(t->text));
    else
      bw_buf_add_f64(out, t->number);
    bw_buf_add_svarint(out, t->at_ms);
    bw_buf_add_varint(out, t->offset);
  }
}

static int save_traits(struct bw_signals *s, const struct account *a, const uint64_t *ids, struct bw_buf *blob,
                       struct bw_error *err)
{
  uint32_t plugin;
  for (plugin = 0; plugin < s->catalog->nwatchers; plugin++) {
    struct bw_stmt *q;
    int rc;
    if (!(a->dirty & UINT64_C(1) << plugin))
      continue;
    bw_buf_reset(blob);
    encode(a, s->catalog, plugin, ids, blob);
    rc = bw_store_prepare(s->store, "INSERT OR REPLACE INTO signals_traits(account, watcher, traits) VALUES(?, ?, ?)", &q, err);
    if (rc < 0)
      return rc;
    bw_stmt_text(q, 1, bw_account_str(a));
    bw_stmt_text(q, 2, bw_str(s->catalog->watchers[plugin].name));
    bw_stmt_blob(q, 3, bw_buf_str(blob));
    if ((rc = bw_stmt_run(q, err)) < 0)
      return rc;
  }
  return 0;
}

static int save_meta(struct bw_signals *s, const char *name, int64_t value, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s->store, "INSERT OR REPLACE INTO signals_meta(name, value) VALUES(?, ?)", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(name));
  bw_stmt_int(q, 2, value);
  return bw_stmt_run(q, err);
}

static int save_all_traits(struct bw_signals *s, struct bw_error *err)
{
  size_t n = bw_catalog_traits(s->catalog), i;
  uint64_t *ids BW_AUTOFREE = bw_calloc(n + 1, sizeof *ids);
  struct bw_buf blob = {0};
  int rc = 0;
  for (i = 0; i < n && rc >= 0; i++)
    rc = name_id(s, bw_catalog_trait(s->catalog, i)->name, &ids[i], err);
  for (i = 0; i < s->ndirty_accounts && rc >= 0; i++)
    rc = save_traits(s, s->dirty_accounts[i], ids, &blob, err);
  bw_buf_clear(&blob);
  return rc;
}

int bw_signals_save(struct bw_signals *s, struct bw_error *err)
{
  size_t i;
  int rc = 0;
  if (!s->store)
    return 0;
  for (i = 0; i < s->ndirty && rc >= 0; i++)
    rc = save_episode(s, s->dirty[i], err);
  if (rc >= 0 && s->ndirty_accounts)
    rc = save_all_traits(s, err);
  if (rc >= 0 && (s->meta_dirty || s->ndirty)) {
    rc = save_meta(s, "last_day", s->last_day, err);
    if (rc >= 0)
      rc = save_meta(s, "tick_offset", (int64_t)s->tick_offset, err);
    if (rc >= 0)
      rc = save_meta(s, "next_id", (int64_t)s->next_id, err);
  }
  return rc < 0 ? bw_error_prefix(err, "signals could not be saved") : 0;
}

/* ---- loading ---- */

static int64_t col_time(struct bw_stmt *q, int i)
{
  return bw_stmt_col_null(q, i) ? BW_TIME_NONE : bw_stmt_col_int(q, i);
}

static int watcher_of(const struct bw_catalog *c, struct bw_str name)
{
  size_t i;
  for (i = 0; i < c->nwatchers; i++)
    if (bw_str_is(name, c->watchers[i].name))
      return (int)i;
  return -1;
}

static void load_episode(struct bw_signals *s, struct bw_stmt *q)
{
  struct bw_str account = bw_stmt_col_str(q, 1);
  int type = bw_catalog_find_signal(s->catalog, bw_stmt_col_str(q, 2));
  int watcher = watcher_of(s->catalog, bw_stmt_col_str(q, 4));
  struct episode *ep;
  if (type < 0 || watcher < 0 || !bw_catalog_signal(s->catalog, (size_t)type)->configured) {
    s->stats.orphans++;
    return;
  }
  ep = bw_alloc(sizeof *ep);
  ep->account = bw_signals_account_add(s, account);
  ep->key = bw_signals_key(s, bw_stmt_col_str(q, 3));
  ep->evidence = bw_str_dup(bw_stmt_col_str(q, 15));
  ep->pub = (struct bw_episode){.id = (uint64_t)bw_stmt_col_int(q, 0),
                                .account = bw_account_str(ep->account),
                                .key = bw_key_str(ep->key),
                                .type = bw_catalog_signal(s->catalog, (size_t)type),
                                .type_index = (uint32_t)type,
                                .watcher = (uint32_t)watcher,
                                .opened_at = bw_stmt_col_int(q, 5),
                                .updated_at = bw_stmt_col_int(q, 6),
                                .cleared_at = BW_TIME_NONE,
                                .held_until = col_time(q, 8),
                                .opened_offset = (uint64_t)bw_stmt_col_int(q, 9),
                                .updated_offset = (uint64_t)bw_stmt_col_int(q, 10),
                                .value = bw_stmt_col_num(q, 11),
                                .threshold = bw_stmt_col_num(q, 12),
                                .strength = bw_stmt_col_num(q, 13),
                                .peak_strength = bw_stmt_col_num(q, 14),
                                .evidence = bw_str(ep->evidence)};
  bw_signals_attach(s, ep);
  /* What the last tick had not judged yet is as fresh as it was. */
  if (ep->pub.opened_offset > s->tick_offset && ep->pub.type->direction == BW_DOWN) {
    s->fresh = bw_signals_grow(s->fresh, s->nfresh, &s->fresh_cap, sizeof *s->fresh);
    s->fresh[s->nfresh++] = ep;
    ep->fresh = s->nfresh;
  }
  if (ep->pub.updated_offset > s->tick_offset)
    bw_signals_mark_changed(s, ep->account);
}

static int load_episodes(struct bw_signals *s, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s->store,
                            "SELECT id, account, type, key, watcher, opened_at, updated_at, cleared_at, held_until,"
                            " opened_offset, updated_offset, value, threshold, strength, peak, evidence"
                            " FROM signals_episode WHERE cleared_at IS NULL ORDER BY id",
                            &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0)
    load_episode(s, q);
  return rc;
}

static int load_traits_row(struct bw_signals *s, struct bw_stmt *q, const int *types, size_t ntypes, struct bw_error *err)
{
  struct bw_str account = bw_stmt_col_str(q, 0), blob = bw_stmt_col_str(q, 1);
  struct bw_reader r = bw_reader(blob.data, blob.len);
  struct account *a;
  uint64_t n, i;
  int64_t seen;
  if (bw_read_u8(&r) != TRAITS_VERSION)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "the traits of account %.*s are of an unknown version",
                   BW_FMT(account));
  a = bw_signals_account_add(s, account);
  seen = bw_read_svarint(&r);
  if (seen > a->seen_ms)
    a->seen_ms = seen;
  n = bw_read_varint(&r);
  for (i = 0; i < n && !r.bad; i++) {
    struct bw_trait_value v = {.account = bw_account_str(a)};
    uint64_t id = bw_read_varint(&r);
    v.key = bw_read_lstr(&r);
    if (bw_read_u8(&r) == 2) {
      v.value_type = BW_VALUE_STRING;
      v.text = bw_read_lstr(&r);
    } else {
      v.value_type = BW_VALUE_NUMBER;
      v.number = bw_read_f64(&r);
    }
    v.at_ms = bw_read_svarint(&r);
    v.offset = bw_read_varint(&r);
    if (r.bad || id >= ntypes || types[id] < 0)
      continue; /* its watcher is not configured any more */
    v.type_index = (uint32_t)types[id];
    bw_signals_put_trait(s, a, &v);
    if (v.offset > s->tick_offset)
      bw_signals_mark_changed(s, a);
  }
  if (r.bad)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "the stored traits of account %.*s are damaged", BW_FMT(account));
  return 0;
}

static int load_names(struct bw_signals *s, int **ret_types, size_t *ret_ntypes, struct bw_error *err)
{
  struct bw_stmt *q;
  int *types = NULL;
  size_t n = 0;
  int rc = bw_store_prepare(s->store, "SELECT id, name FROM signals_names ORDER BY id", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    int64_t id = bw_stmt_col_int(q, 0);
    struct bw_str name = bw_stmt_col_str(q, 1);
    if (id < 1 || id > 1000000)
      continue;
    types = bw_realloc(types, (size_t)id + 1, sizeof *types);
    for (; n <= (size_t)id; n++)
      types[n] = -1;
    types[id] = bw_catalog_find_trait(s->catalog, name);
    bw_map_put(s->names, name, (void *)(uintptr_t)id);
  }
  *ret_types = types;
  *ret_ntypes = n;
  return rc;
}

static int load_traits(struct bw_signals *s, struct bw_error *err)
{
  struct bw_stmt *q;
  int *types BW_AUTOFREE = NULL;
  size_t ntypes = 0;
  int rc = load_names(s, &types, &ntypes, err);
  if (rc < 0)
    return rc;
  rc = bw_store_prepare(s->store, "SELECT account, traits FROM signals_traits ORDER BY account, watcher", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    int bad = load_traits_row(s, q, types, ntypes, err);
    if (bad < 0) {
      bw_stmt_reset(q);
      return bad;
    }
  }
  return rc;
}

static int load_meta(struct bw_signals *s, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s->store, "SELECT name, value FROM signals_meta", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    struct bw_str name = bw_stmt_col_str(q, 0);
    int64_t value = bw_stmt_col_int(q, 1);
    if (bw_str_is(name, "last_day"))
      s->last_day = (int32_t)value;
    else if (bw_str_is(name, "tick_offset"))
      s->tick_offset = (uint64_t)value;
    else if (bw_str_is(name, "next_id"))
      s->next_id = (uint64_t)value;
  }
  return rc;
}

int bw_signals_load(struct bw_signals *s, struct bw_error *err)
{
  int rc = load_meta(s, err);
  if (rc >= 0)
    rc = load_episodes(s, err);
  if (rc >= 0)
    rc = load_traits(s, err);
  return rc < 0 ? bw_error_prefix(err, "stored signals could not be read") : 0;
}
