/* SPDX-License-Identifier: Apache-2.0 */
/* Leads in the store: one row each.  Runs in core; no privileges beyond the store's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "plays/private.h"

static const char *const steps[] = {
    "CREATE TABLE plays_lead("
    "  number INTEGER PRIMARY KEY, account TEXT NOT NULL, play TEXT NOT NULL, family TEXT NOT NULL, motion TEXT NOT NULL,"
    "  type TEXT NOT NULL, priority TEXT NOT NULL, status TEXT NOT NULL, mode INTEGER NOT NULL, shadow INTEGER NOT NULL,"
    "  owner TEXT NOT NULL, owner_role TEXT NOT NULL, csm TEXT NOT NULL, csm_required INTEGER NOT NULL,"
    "  opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, sla_at INTEGER, review_until INTEGER, snoozed_until INTEGER,"
    "  closed_at INTEGER, score REAL NOT NULL, estimate REAL, currency TEXT NOT NULL, primary_signal TEXT NOT NULL,"
    "  signals TEXT NOT NULL, fields TEXT NOT NULL, why TEXT NOT NULL, angle TEXT NOT NULL, title TEXT NOT NULL,"
    "  template TEXT NOT NULL, reason TEXT NOT NULL, offset INTEGER NOT NULL, enriched INTEGER NOT NULL);"
    "CREATE INDEX plays_lead_live ON plays_lead(number) WHERE closed_at IS NULL;"
    "CREATE INDEX plays_lead_account ON plays_lead(account, number);"
    "CREATE INDEX plays_lead_closed ON plays_lead(closed_at) WHERE closed_at IS NOT NULL;",
    "ALTER TABLE plays_lead ADD COLUMN close_at INTEGER;"
    "ALTER TABLE plays_lead ADD COLUMN joined_to TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE plays_lead ADD COLUMN nurture INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE plays_sample(trait TEXT NOT NULL, account TEXT NOT NULL, day INTEGER NOT NULL, value REAL,"
    "  PRIMARY KEY(trait, account, day)) WITHOUT ROWID;"
    "CREATE TABLE plays_quarters(trait TEXT PRIMARY KEY, day INTEGER NOT NULL, n INTEGER NOT NULL, q1 REAL NOT NULL,"
    "  q2 REAL NOT NULL, q3 REAL NOT NULL) WITHOUT ROWID;",
    bw_desks_schema,
};
const struct bw_schema bw_plays_schema = {"plays", steps, sizeof steps / sizeof *steps};

#define COLUMNS                                                                                                                \
  "number, account, play, family, motion, type, priority, status, mode, shadow, owner, owner_role, csm, csm_required, "        \
  "opened_at, updated_at, sla_at, review_until, snoozed_until, closed_at, score, estimate, currency, primary_signal, "         \
  "signals, "                                                                                                                  \
  "fields, why, angle, title, template, reason, offset, enriched, close_at, joined_to, nurture, owner_for, owner_note, "       \
  "released_at"

static void bind_time(struct bw_stmt *q, int i, int64_t ms)
{
  if (ms == BW_TIME_NONE)
    bw_stmt_null(q, i);
  else
    bw_stmt_int(q, i, ms);
}

static int save(struct bw_engine *e, const struct lead *l, struct bw_error *err)
{
  const struct bw_lead *p = &l->pub;
  const char *const head[] = {p->account, p->play, p->family, p->motion, p->type, p->priority, bw_lead_status_name(p->status)};
  const char *const tail[] = {p->currency, p->primary_signal, l->signals,       p->fields_json, p->why_json,
                              p->angle,    p->title,          p->template_name, p->reason};
  struct bw_stmt *q;
  size_t i;
  int rc = bw_store_prepare(e->store,
                            "INSERT OR REPLACE INTO plays_lead(" COLUMNS
                            ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                            &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, (int64_t)p->number);
  for (i = 0; i < 7; i++)
    bw_stmt_text(q, 2 + (int)i, bw_str(head[i]));
  bw_stmt_int(q, 9, p->mode);
  bw_stmt_int(q, 10, p->mode == BW_MODE_SHADOW);
  bw_stmt_text(q, 11, bw_str(p->owner));
  bw_stmt_text(q, 12, bw_str(p->owner_role));
  bw_stmt_text(q, 13, bw_str(p->csm));
  bw_stmt_int(q, 14, p->csm_required);
  bw_stmt_int(q, 15, p->opened_at);
  bw_stmt_int(q, 16, p->updated_at);
  bind_time(q, 17, p->sla_at);
  bind_time(q, 18, p->review_until);
  bind_time(q, 19, p->snoozed_until);
  bind_time(q, 20, p->closed_at);
  bw_stmt_num(q, 21, p->score);
  if (isfinite(p->estimate))
    bw_stmt_num(q, 22, p->estimate);
  else
    bw_stmt_null(q, 22);
  for (i = 0; i < 9; i++)
    bw_stmt_text(q, 23 + (int)i, bw_str(tail[i]));
  bw_stmt_int(q, 32, (int64_t)p->offset);
  bw_stmt_int(q, 33, p->enriched);
  bind_time(q, 34, p->close_at);
  bw_stmt_text(q, 35, bw_str(p->joined_to));
  bw_stmt_int(q, 36, p->nurture);
  bw_stmt_text(q, 37, bw_str(p->owner_for));
  bw_stmt_text(q, 38, bw_str(p->owner_note));
  bind_time(q, 39, p->released_at);
  return bw_stmt_run(q, err);
}

int bw_leads_save(struct bw_engine *e, struct bw_error *err)
{
  size_t i;
  int rc;
  for (i = 0; i < e->ndirty; i++) {
    rc = save(e, e->dirty[i], err);
    if (rc < 0)
      return bw_error_prefix(err, "lead %s could not be saved", e->dirty[i]->pub.id);
  }
  rc = bw_samples_save(e, err);
  return rc < 0 ? rc : bw_desks_save(e, err);
}

void bw_leads_committed(struct bw_engine *e)
{
  size_t i;
  for (i = 0; i < e->ndirty; i++) {
    struct lead *l = e->dirty[i];
    l->dirty = false;
    if (l->pub.closed_at != BW_TIME_NONE)
      bw_lead_drop(e, l);
  }
  e->ndirty = 0;
  bw_samples_committed(e);
  bw_desks_committed(e);
}

static int64_t col_time(struct bw_stmt *q, int i)
{
  return bw_stmt_col_null(q, i) ? BW_TIME_NONE : bw_stmt_col_int(q, i);
}

static void take_text(char **field, struct bw_stmt *q, int i)
{
  free(*field);
  *field = bw_str_dup(bw_stmt_col_str(q, i));
}

/* The present row; NULL where its status is none that we know. */
static struct lead *read_row(struct bw_engine *e, struct bw_stmt *q)
{
  struct lead *l = bw_lead_new(e);
  struct bw_lead *p = &l->pub;
  char **const head[] = {&p->account, &p->play, &p->family, &p->motion, &p->type, &p->priority};
  char **const tail[] = {&p->currency, &p->primary_signal, &l->signals,       &p->fields_json, &p->why_json,
                         &p->angle,    &p->title,          &p->template_name, &p->reason};
  int status = bw_lead_status_parse(bw_stmt_col_str(q, 7));
  size_t i;
  if (status < 0) {
    bw_lead_free(l);
    return NULL;
  }
  p->number = (uint64_t)bw_stmt_col_int(q, 0);
  snprintf(p->id, sizeof p->id, "L%llu", (unsigned long long)p->number);
  for (i = 0; i < 6; i++)
    take_text(head[i], q, 1 + (int)i);
  p->status = (enum bw_lead_status)status;
  p->mode = (enum bw_mode)bw_stmt_col_int(q, 8);
  take_text(&p->owner, q, 10);
  take_text(&p->owner_role, q, 11);
  take_text(&p->csm, q, 12);
  p->csm_required = bw_stmt_col_int(q, 13) != 0;
  p->opened_at = bw_stmt_col_int(q, 14);
  p->updated_at = bw_stmt_col_int(q, 15);
  p->sla_at = col_time(q, 16);
  p->review_until = col_time(q, 17);
  p->snoozed_until = col_time(q, 18);
  p->closed_at = col_time(q, 19);
  p->score = bw_stmt_col_num(q, 20);
  p->estimate = bw_stmt_col_null(q, 21) ? NAN : bw_stmt_col_num(q, 21);
  for (i = 0; i < 9; i++)
    take_text(tail[i], q, 22 + (int)i);
  p->offset = (uint64_t)bw_stmt_col_int(q, 31);
  p->enriched = (uint32_t)bw_stmt_col_int(q, 32);
  p->close_at = col_time(q, 33);
  take_text(&p->joined_to, q, 34);
  p->nurture = bw_stmt_col_int(q, 35) != 0;
  take_text(&p->owner_for, q, 36);
  take_text(&p->owner_note, q, 37);
  p->released_at = col_time(q, 38);
  l->expansions = bw_lead_count_expansions(p->fields_json);
  return l;
}

struct lead *bw_lead_read(struct bw_engine *e, uint64_t number, struct bw_error *err)
{
  struct bw_stmt *q;
  struct lead *l = NULL;
  if (bw_store_prepare(e->store, "SELECT " COLUMNS " FROM plays_lead WHERE number = ?", &q, err) < 0)
    return NULL;
  bw_stmt_int(q, 1, (int64_t)number);
  if (bw_stmt_step(q, err) > 0) {
    l = read_row(e, q);
    bw_stmt_reset(q);
  }
  return l;
}

static int load_live(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(e->store, "SELECT " COLUMNS " FROM plays_lead WHERE closed_at IS NULL ORDER BY number", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    struct lead *l = read_row(e, q);
    if (l)
      bw_lead_add(e, l, l->pub.mode == BW_MODE_SHADOW);
  }
  return rc;
}

/* When each family was last closed: what suppression needs of the past. */
static int load_closed(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(e->store,
                            "SELECT account, family, play, shadow, closed_at FROM plays_lead WHERE closed_at IS NOT NULL "
                            "AND released_at IS NOT NULL ORDER BY closed_at",
                            &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) > 0) {
    char *family BW_AUTOFREE = bw_str_dup(bw_stmt_col_str(q, 1));
    char *play BW_AUTOFREE = bw_str_dup(bw_stmt_col_str(q, 2));
    struct family *f = bw_family(e, bw_stmt_col_str(q, 0), family, bw_stmt_col_int(q, 3) ? play : NULL, true);
    f->closed_at = bw_stmt_col_int(q, 4);
    f = bw_family_of_play(e, bw_stmt_col_str(q, 0), play, bw_stmt_col_int(q, 3) != 0, true);
    f->closed_at = bw_stmt_col_int(q, 4);
  }
  return rc;
}

int bw_leads_load(struct bw_engine *e, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(e->store, "SELECT coalesce(max(number), 0) FROM plays_lead", &q, err);
  if (rc >= 0 && (rc = bw_stmt_step(q, err)) > 0) {
    e->next_number = (uint64_t)bw_stmt_col_int(q, 0) + 1;
    bw_stmt_reset(q);
  }
  if (rc >= 0)
    rc = load_live(e, err);
  if (rc >= 0)
    rc = load_closed(e, err);
  if (rc >= 0)
    rc = bw_desks_load(e, err);
  return rc < 0 ? bw_error_prefix(err, "stored leads could not be read") : 0;
}
