/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Past values of the traits that some rule asks quartile() or trend() of, and of no others: one a day for each account, and
 * only where it changed.  Runs in core and replays; no privileges beyond the store's.
 */
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

#define FEW 8 /* accounts; of fewer a quarter means nothing */

struct sample {
  int32_t day;
  float value; /* NAN: withdrawn */
};
/* A step function: a value holds until the next one. */
struct series {
  struct sample *items; /* by day */
  uint32_t n, cap;
  int32_t unsaved; /* the first day that is not in the store; INT32_MAX: all are */
  char account[];
};
struct sample_table {
  char *name; /* "usage.mau", "usage.limit_ratio[api_calls]" */
  uint32_t type;
  const char *key; /* within the plays; NULL: none */
  bool quartile, fresh;
  int32_t days;            /* of history; 0: only the present value */
  struct bw_map *accounts; /* → struct series */
  struct series **unsaved;
  size_t nunsaved, unsaved_cap;
  /* quarters, as of the first tick of a day */
  int32_t day;
  uint64_t n;
  double limit[3];
  bool quarters_unsaved;
};

/* ---- which ---- */

static void free_series(void *value)
{
  struct series *s = value;
  free(s->items);
  free(s);
}

static void free_table(struct sample_table *t)
{
  bw_map_free(&t->accounts, free_series);
  free(t->unsaved);
  free(t->name);
  free(t);
}

void bw_samples_close(struct bw_engine *e)
{
  size_t i;
  for (i = 0; i < e->ntables; i++)
    free_table(e->tables[i]);
  free(e->tables);
  e->tables = NULL;
  e->ntables = 0;
}

static struct sample_table *take_old(struct sample_table **old, size_t n, const char *name)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (old[i] && strcmp(old[i]->name, name) == 0) {
      struct sample_table *t = old[i];
      old[i] = NULL;
      return t;
    }
  return NULL;
}

/* The table of a trait, with what it holds already. */
static struct sample_table *table_of(const struct bw_engine *e, const struct bw_tracked *tracked, struct sample_table **old,
                                     size_t nold)
{
  const char *type = bw_catalog_trait(e->plays->catalog, tracked->type)->name;
  char *name = tracked->key ? bw_asprintf("%s[%s]", type, tracked->key) : bw_strdup(type);
  struct sample_table *t = take_old(old, nold, name);
  if (t) {
    free(name);
  } else {
    t = bw_alloc(sizeof *t);
    t->name = name;
    t->accounts = bw_map_new();
    t->day = INT32_MIN;
    t->fresh = true;
  }
  t->type = tracked->type;
  t->key = tracked->key;
  t->quartile = tracked->quartile;
  t->days = tracked->days;
  return t;
}

void bw_samples_follow(struct bw_engine *e)
{
  struct sample_table **old = e->tables;
  size_t nold = e->ntables, i;
  struct bw_tracked tracked;
  e->tables = NULL;
  e->ntables = 0;
  e->sweep = true;
  while (bw_names_tracked_at(e->plays->names, e->ntables, &tracked)) {
    e->tables = bw_realloc(e->tables, e->ntables + 1, sizeof(struct sample_table *));
    e->tables[e->ntables++] = table_of(e, &tracked, old, nold);
  }
  for (i = 0; i < nold; i++)
    if (old[i])
      free_table(old[i]);
  free(old);
}

/* ---- keeping ---- */

static struct series *series_of(struct sample_table *t, struct bw_str account, bool add)
{
  struct series *s = bw_map_get(t->accounts, account);
  if (s || !add)
    return s;
  s = bw_alloc(sizeof *s + account.len + 1);
  memcpy(s->account, account.data, account.len);
  s->unsaved = INT32_MAX;
  bw_map_put(t->accounts, account, s);
  return s;
}

static void append(struct series *s, struct sample v)
{
  if (s->n && s->items[s->n - 1].day >= v.day) { /* the day's last word counts */
    s->items[s->n - 1].value = v.value;
    return;
  }
  if (s->n == s->cap) {
    s->cap = s->cap ? s->cap + s->cap / 2 + 1 : 2;
    s->items = bw_realloc(s->items, s->cap, sizeof *s->items);
  }
  s->items[s->n++] = v;
}

/* Drops what no question can reach: all but the last value at or before the oldest day that is asked for. */
static void prune(struct series *s, int32_t oldest)
{
  uint32_t drop = 0;
  while (drop + 1 < s->n && s->items[drop + 1].day <= oldest)
    drop++;
  if (!drop)
    return;
  memmove(s->items, s->items + drop, (s->n - drop) * sizeof *s->items);
  s->n -= drop;
}

static bool same(float a, float b)
{
  return isnan(a) ? isnan(b) : !(a < b) && !(a > b) && !isnan(b);
}

static void note(struct bw_engine *e, struct sample_table *t, struct bw_str account, int32_t day)
{
  struct bw_trait_value v;
  bool there = bw_signals_trait_at(e->signals, account, t->type, t->key ? bw_str(t->key) : BW_STR(""), &v);
  float value = there ? (float)v.number : NAN;
  struct series *s = series_of(t, account, there);
  if (!s || (s->n && same(s->items[s->n - 1].value, value)))
    return;
  append(s, (struct sample){day, value});
  prune(s, day - t->days);
  if (!e->store)
    return;
  if (s->unsaved == INT32_MAX) {
    if (t->nunsaved == t->unsaved_cap) {
      t->unsaved_cap = t->unsaved_cap ? t->unsaved_cap * 2 : 64;
      t->unsaved = bw_realloc(t->unsaved, t->unsaved_cap, sizeof *t->unsaved);
    }
    t->unsaved[t->nunsaved++] = s;
    s->unsaved = day;
  }
}

void bw_samples_note(struct bw_engine *e, struct bw_str account, int64_t now_ms)
{
  size_t i;
  for (i = 0; i < e->ntables; i++)
    note(e, e->tables[i], account, bw_time_day(now_ms));
}

/* ---- quarters ---- */

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* A value is in the k-th quarter when at least (k - 1) / 4 of the accounts lie below it: where all are alike, all are in the
   first. */
static void divide(struct sample_table *t, int32_t day)
{
  double *values = bw_calloc(bw_map_count(t->accounts) + 1, sizeof *values);
  void *value;
  size_t i = 0, n = 0, k;
  while (bw_map_next(t->accounts, &i, NULL, &value)) {
    const struct series *s = value;
    if (s->n && !isnan(s->items[s->n - 1].value))
      values[n++] = (double)s->items[s->n - 1].value;
  }
  qsort(values, n, sizeof *values, by_value);
  for (k = 0; k < 3 && n; k++)
    t->limit[k] = values[(n * (k + 1) + 3) / 4 - 1];
  t->n = n;
  t->day = day;
  t->quarters_unsaved = true;
  free(values);
}

struct backfill {
  struct bw_engine *e;
  struct sample_table *t;
  int32_t day;
};

static int fill_one(void *ctx, const struct bw_entity *account)
{
  const struct backfill *b = ctx;
  note(b->e, b->t, bw_entity_id(account), b->day);
  return 0;
}

void bw_samples_tick(struct bw_engine *e, int64_t now_ms)
{
  size_t i;
  for (i = 0; i < e->ntables; i++) {
    struct sample_table *t = e->tables[i];
    struct backfill b = {e, t, bw_time_day(now_ms)};
    if (t->fresh) /* what watchers said before anybody asked */
      bw_book_each(e->book, BW_ENTITY_ACCOUNT, fill_one, &b);
    t->fresh = false;
    if (t->quartile && t->day != b.day)
      divide(t, b.day);
  }
}

/* ---- asking ---- */

int bw_samples_quartile(void *engine, size_t tracked, double value, uint64_t *ret_accounts)
{
  const struct bw_engine *e = engine;
  const struct sample_table *t = e->tables[tracked];
  *ret_accounts = t->n;
  if (t->n < FEW)
    return 0;
  return 1 + ((float)value > (float)t->limit[0]) + ((float)value > (float)t->limit[1]) + ((float)value > (float)t->limit[2]);
}

bool bw_samples_past(void *engine, size_t tracked, struct bw_str account, int32_t day, double *ret_value, int32_t *ret_first)
{
  const struct bw_engine *e = engine;
  const struct series *s = bw_map_get(e->tables[tracked]->accounts, account);
  uint32_t i;
  *ret_first = s && s->n ? s->items[0].day : INT32_MAX;
  for (i = s ? s->n : 0; i-- > 0;)
    if (s->items[i].day <= day) {
      *ret_value = (double)s->items[i].value;
      return true;
    }
  return false;
}

/* ---- the store ---- */

static int save_series(struct bw_engine *e, const struct sample_table *t, const struct series *s, struct bw_error *err)
{
  struct bw_stmt *q;
  uint32_t i;
  int rc = 0;
  for (i = 0; rc >= 0 && i < s->n; i++) {
    if (s->items[i].day < s->unsaved)
      continue;
    rc = bw_store_prepare(e->store, "INSERT OR REPLACE INTO plays_sample(trait, account, day, value) VALUES(?,?,?,?)", &q, err);
    if (rc < 0)
      return rc;
    bw_stmt_text(q, 1, bw_str(t->name));
    bw_stmt_text(q, 2, bw_str(s->account));
    bw_stmt_int(q, 3, s->items[i].day);
    if (isnan(s->items[i].value))
      bw_stmt_null(q, 4);
    else
      bw_stmt_num(q, 4, (double)s->items[i].value);
    rc = bw_stmt_run(q, err);
  }
  if (rc < 0 || !s->n)
    return rc;
  rc = bw_store_prepare(e->store, "DELETE FROM plays_sample WHERE trait = ? AND account = ? AND day < ?", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(t->name));
  bw_stmt_text(q, 2, bw_str(s->account));
  bw_stmt_int(q, 3, s->items[0].day);
  return bw_stmt_run(q, err);
}

static int save_quarters(struct bw_engine *e, const struct sample_table *t, struct bw_error *err)
{
  struct bw_stmt *q;
  int i, rc = bw_store_prepare(e->store, "INSERT OR REPLACE INTO plays_quarters(trait, day, n, q1, q2, q3) VALUES(?,?,?,?,?,?)",
                               &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(t->name));
  bw_stmt_int(q, 2, t->day);
  bw_stmt_int(q, 3, (int64_t)t->n);
  for (i = 0; i < 3; i++)
    bw_stmt_num(q, 4 + i, t->limit[i]);
  return bw_stmt_run(q, err);
}

static struct sample_table *find_table(const struct bw_engine *e, struct bw_str name)
{
  size_t i;
  for (i = 0; i < e->ntables; i++)
    if (bw_str_is(name, e->tables[i]->name))
      return e->tables[i];
  return NULL;
}

/* Forgets the traits that no rule asks for any more; steps from one name to the next by the index. */
static int sweep(struct bw_engine *e, struct bw_error *err)
{
  char *last = bw_strdup("");
  struct bw_stmt *q;
  int rc;
  while ((rc = bw_store_prepare(e->store, "SELECT min(trait) FROM plays_sample WHERE trait > ?", &q, err)) >= 0) {
    bw_stmt_text(q, 1, bw_str(last));
    rc = bw_stmt_step(q, err);
    if (rc <= 0 || bw_stmt_col_null(q, 0))
      break;
    free(last);
    last = bw_str_dup(bw_stmt_col_str(q, 0));
    bw_stmt_reset(q);
    if (find_table(e, bw_str(last)))
      continue;
    if ((rc = bw_store_prepare(e->store, "DELETE FROM plays_sample WHERE trait = ?", &q, err)) < 0)
      break;
    bw_stmt_text(q, 1, bw_str(last));
    if ((rc = bw_stmt_run(q, err)) < 0)
      break;
  }
  if (rc > 0)
    bw_stmt_reset(q);
  free(last);
  return rc < 0 ? rc : 0;
}

int bw_samples_save(struct bw_engine *e, struct bw_error *err)
{
  size_t i, k;
  int rc = e->sweep ? sweep(e, err) : 0;
  for (i = 0; rc >= 0 && i < e->ntables; i++) {
    struct sample_table *t = e->tables[i];
    for (k = 0; rc >= 0 && k < t->nunsaved; k++)
      rc = save_series(e, t, t->unsaved[k], err);
    if (rc >= 0 && t->quarters_unsaved)
      rc = save_quarters(e, t, err);
  }
  return rc < 0 ? bw_error_prefix(err, "past values of traits could not be saved") : 0;
}

void bw_samples_committed(struct bw_engine *e)
{
  size_t i, k;
  e->sweep = false;
  for (i = 0; i < e->ntables; i++) {
    struct sample_table *t = e->tables[i];
    for (k = 0; k < t->nunsaved; k++)
      t->unsaved[k]->unsaved = INT32_MAX;
    t->nunsaved = 0;
    t->quarters_unsaved = false;
  }
}

static int load_series(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  struct sample_table *t = NULL;
  int rc =
      bw_store_prepare(e->store, "SELECT trait, account, day, value FROM plays_sample ORDER BY trait, account, day", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) > 0) {
    if (!t || !bw_str_is(bw_stmt_col_str(q, 0), t->name))
      t = find_table(e, bw_stmt_col_str(q, 0));
    if (!t)
      continue;
    t->fresh = false;
    append(series_of(t, bw_stmt_col_str(q, 1), true),
           (struct sample){(int32_t)bw_stmt_col_int(q, 2), bw_stmt_col_null(q, 3) ? NAN : (float)bw_stmt_col_num(q, 3)});
  }
  return rc;
}

int bw_samples_load(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  int i, rc;
  if (!e->ntables)
    return 0;
  rc = load_series(e, err);
  if (rc >= 0)
    rc = bw_store_prepare(e->store, "SELECT trait, day, n, q1, q2, q3 FROM plays_quarters", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) > 0) {
    struct sample_table *t = find_table(e, bw_stmt_col_str(q, 0));
    if (!t)
      continue;
    t->day = (int32_t)bw_stmt_col_int(q, 1);
    t->n = (uint64_t)bw_stmt_col_int(q, 2);
    for (i = 0; i < 3; i++)
      t->limit[i] = bw_stmt_col_num(q, 3 + i);
  }
  return rc < 0 ? bw_error_prefix(err, "stored values of traits could not be read") : 0;
}
