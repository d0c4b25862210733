/* SPDX-License-Identifier: Apache-2.0 */
/* Deals in the store: as they stand, how they came there, and every outcome for good.  Runs in core; through the store only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "deals/private.h"

static const char *const steps[] = {
    /* The texts stand in the order of enum bw_deal_text; the rows in the order in which the deals came to be. */
    "CREATE TABLE deal ("
    " row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lead TEXT NOT NULL, account TEXT NOT NULL, crm TEXT NOT NULL,"
    " name TEXT NOT NULL, pipeline TEXT NOT NULL, motion TEXT NOT NULL, type TEXT NOT NULL, play TEXT NOT NULL,"
    " currency TEXT NOT NULL, source TEXT NOT NULL, owner TEXT NOT NULL, owner_role TEXT NOT NULL, lead_owner TEXT NOT NULL,"
    " csm TEXT NOT NULL, champion TEXT NOT NULL, champion_name TEXT NOT NULL, buyer TEXT NOT NULL, buyer_name TEXT NOT NULL,"
    " stage TEXT NOT NULL, loss_reason TEXT NOT NULL, split TEXT NOT NULL, crm_stage TEXT NOT NULL,"
    " state INTEGER NOT NULL, adopted INTEGER NOT NULL, amount REAL, created_at INTEGER, stage_at INTEGER, close_at INTEGER,"
    " closed_at INTEGER, slow_at INTEGER, stale_at INTEGER, entries INTEGER NOT NULL, said INTEGER NOT NULL, said_at INTEGER,"
    " amount_at INTEGER, close_set_at INTEGER, owner_at INTEGER, crm_at INTEGER);"
    "CREATE TABLE deal_step ("
    " deal TEXT NOT NULL, n INTEGER NOT NULL, stage TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL,"
    " by_record INTEGER NOT NULL, PRIMARY KEY (deal, n)) WITHOUT ROWID;"
    "CREATE TABLE deal_outcome ("
    " id INTEGER PRIMARY KEY, deal TEXT NOT NULL, lead TEXT NOT NULL, account TEXT NOT NULL, n INTEGER NOT NULL,"
    " at INTEGER NOT NULL, recorded INTEGER NOT NULL, who TEXT NOT NULL, outcome TEXT NOT NULL, amount REAL,"
    " reason TEXT NOT NULL, note TEXT NOT NULL, split TEXT NOT NULL, by_record INTEGER NOT NULL);"
    /* Whatever the code above it believes: one outcome has one number. */
    "CREATE UNIQUE INDEX deal_outcome_n ON deal_outcome (deal, n);"
    "CREATE TRIGGER deal_outcome_fixed BEFORE UPDATE ON deal_outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); "
    "END;"
    "CREATE TRIGGER deal_outcome_kept BEFORE DELETE ON deal_outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); "
    "END;"};
const struct bw_schema bw_deals_schema = {"deals", steps, sizeof steps / sizeof *steps};

#define COLUMNS                                                                                                                \
  "id, lead, account, crm, name, pipeline, motion, type, play, currency, source, owner, owner_role, lead_owner, csm, "         \
  "champion, champion_name, buyer, buyer_name, stage, loss_reason, split, crm_stage, state, adopted, amount, created_at, "     \
  "stage_at, close_at, closed_at, slow_at, stale_at, entries, said, said_at, amount_at, close_set_at, owner_at, crm_at"
#define NTIMES 11

/* The times that may be none, in the order of their columns: before `entries`, and after `said`. */
static int64_t *time_at(struct bw_deal *p, int i)
{
  int64_t *const all[NTIMES] = {&p->created_at, &p->stage_at,  &p->close_at,     &p->closed_at, &p->slow_at, &p->stale_at,
                                &p->said_at,    &p->amount_at, &p->close_set_at, &p->owner_at,  &p->crm_at};
  return all[i];
}

static int time_column(int i)
{
  return BW_DEAL_TEXTS + (i < 6 ? 3 + i : 5 + i); /* state, adopted, amount; entries and said after the sixth */
}

void entry_clear(struct entry *e)
{
  free(e->who);
  free(e->via);
  free(e->reason);
  free(e->note);
  free(e->split);
  *e = (struct entry){0};
}

/* ---- loading ---- */

static int load_deal(struct bw_deals *d, struct bw_stmt *q, struct bw_error *err)
{
  int64_t state = bw_stmt_col_int(q, BW_DEAL_TEXTS), said = bw_stmt_col_int(q, BW_DEAL_TEXTS + 10);
  struct deal *deal;
  int i;
  if (state < 0 || state > BW_DEAL_LOST || said < 0 || said > BW_OUTCOME_NOTHING)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "the row of deal %.*s is damaged; restore the database from a copy",
                   BW_FMT(bw_stmt_col_str(q, 0)));
  deal = deal_new(d, bw_stmt_col_str(q, 0));
  for (i = 1; i < BW_DEAL_TEXTS; i++)
    deal_set(deal, (enum bw_deal_text)i, bw_stmt_col_str(q, i));
  deal->pub.state = (enum bw_deal_state)state;
  deal->pub.adopted = bw_stmt_col_int(q, BW_DEAL_TEXTS + 1) != 0;
  deal->pub.amount = bw_stmt_col_null(q, BW_DEAL_TEXTS + 2) ? NAN : bw_stmt_col_num(q, BW_DEAL_TEXTS + 2);
  deal->pub.entries = bw_stmt_col_int(q, BW_DEAL_TEXTS + 9);
  deal->pub.said = (enum bw_outcome)said;
  for (i = 0; i < NTIMES; i++)
    *time_at(&deal->pub, i) = bw_stmt_col_null(q, time_column(i)) ? BW_TIME_NONE : bw_stmt_col_int(q, time_column(i));
  deal_index(d, deal);
  return BW_OK;
}

static int load_steps(struct bw_deals *d, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(d->store, "SELECT deal, stage, at, who, by_record FROM deal_step ORDER BY deal, n", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1) {
    struct deal *deal = bw_map_get(d->by_id, bw_stmt_col_str(q, 0));
    if (!deal)
      continue;
    deal_add_step(deal, bw_stmt_col_str(q, 1), bw_stmt_col_int(q, 2), bw_stmt_col_str(q, 3), bw_stmt_col_int(q, 4) != 0);
    deal->saved_steps = deal->pub.nsteps;
  }
  return rc;
}

int deals_load(struct bw_deals *d, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(d->store, "SELECT " COLUMNS " FROM deal ORDER BY row", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1) {
    rc = load_deal(d, q, err);
    if (rc < 0)
      bw_stmt_reset(q);
  }
  return rc < 0 ? rc : load_steps(d, err);
}

/* ---- saving ---- */

static void bind_time(struct bw_stmt *q, int i, int64_t at)
{
  if (at == BW_TIME_NONE)
    bw_stmt_null(q, i);
  else
    bw_stmt_int(q, i, at);
}

static void bind_amount(struct bw_stmt *q, int i, double amount)
{
  if (isfinite(amount))
    bw_stmt_num(q, i, amount);
  else
    bw_stmt_null(q, i);
}

static int save_deal(struct bw_deals *d, struct deal *deal, struct bw_error *err)
{
  struct bw_deal *p = &deal->pub;
  struct bw_stmt *q;
  int i, rc = bw_store_prepare(
             d->store,
             "INSERT INTO deal (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
             "?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, "
             "?39) ON CONFLICT (id) DO UPDATE SET lead = ?2, account = ?3, crm = ?4, name = ?5, pipeline = ?6, motion = ?7, "
             "type = ?8, play = ?9, currency = ?10, source = ?11, owner = ?12, owner_role = ?13, lead_owner = ?14, csm = ?15, "
             "champion = ?16, champion_name = ?17, buyer = ?18, buyer_name = ?19, stage = ?20, loss_reason = ?21, split = ?22, "
             "crm_stage = ?23, state = ?24, adopted = ?25, amount = ?26, created_at = ?27, stage_at = ?28, close_at = ?29, "
             "closed_at = ?30, slow_at = ?31, stale_at = ?32, entries = ?33, said = ?34, said_at = ?35, amount_at = ?36, "
             "close_set_at = ?37, owner_at = ?38, crm_at = ?39",
             &q, err);
  if (rc < 0)
    return rc;
  for (i = 0; i < BW_DEAL_TEXTS; i++)
    bw_stmt_text(q, i + 1, bw_str(p->text[i]));
  bw_stmt_int(q, BW_DEAL_TEXTS + 1, p->state);
  bw_stmt_int(q, BW_DEAL_TEXTS + 2, p->adopted);
  bind_amount(q, BW_DEAL_TEXTS + 3, p->amount);
  bw_stmt_int(q, BW_DEAL_TEXTS + 10, p->entries);
  bw_stmt_int(q, BW_DEAL_TEXTS + 11, p->said);
  for (i = 0; i < NTIMES; i++)
    bind_time(q, time_column(i) + 1, *time_at(p, i));
  return bw_stmt_run(q, err);
}

static int save_steps(struct bw_deals *d, struct deal *deal, struct bw_error *err)
{
  struct bw_stmt *q;
  size_t i;
  int rc = bw_store_prepare(
      d->store, "INSERT OR REPLACE INTO deal_step (deal, n, stage, at, who, by_record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &q,
      err);
  for (i = deal->saved_steps; rc >= 0 && i < deal->pub.nsteps; i++) {
    const struct bw_deal_step *s = &deal->pub.steps[i];
    bw_stmt_text(q, 1, deal_text(deal, BW_DEAL_ID));
    bw_stmt_int(q, 2, (int64_t)i + 1);
    bw_stmt_text(q, 3, bw_str(s->stage));
    bw_stmt_int(q, 4, s->at);
    bw_stmt_text(q, 5, bw_str(s->who));
    bw_stmt_int(q, 6, s->by_record);
    rc = bw_stmt_run(q, err);
  }
  if (rc >= 0)
    deal->saved_steps = deal->pub.nsteps;
  return rc;
}

static void put_text(struct bw_buf *out, const char *key, const char *text)
{
  if (!text[0])
    return;
  bw_json_key(out, key);
  bw_json_cstr(out, text);
}

/* The whole of it: the audit must be readable without any other table. */
static void audit_subject(struct bw_buf *out, const struct entry *e)
{
  const struct bw_deal *p = &e->deal->pub;
  bw_json_open(out, '{');
  put_text(out, "lead", p->text[BW_DEAL_LEAD]);
  put_text(out, "account", p->text[BW_DEAL_ACCOUNT]);
  bw_json_key(out, "entry");
  bw_json_int(out, e->number);
  bw_json_key(out, "at");
  bw_json_time(out, e->at);
  if (isfinite(e->amount)) {
    bw_json_key(out, "amount");
    bw_json_num(out, e->amount);
  }
  if (p->state != BW_DEAL_NONE)
    put_text(out, "opportunity", p->text[BW_DEAL_ID]);
  put_text(out, "split", e->split);
  put_text(out, "reason", e->reason);
  put_text(out, "note", e->note);
  put_text(out, "login", e->via);
  if (e->by_record) {
    bw_json_key(out, "by_record");
    bw_json_bool(out, true);
  }
  bw_json_close(out, '}');
}

static int save_entry(struct bw_deals *d, const struct entry *e, struct bw_error *err)
{
  const struct bw_deal *p = &e->deal->pub;
  struct bw_buf subject = {0};
  char action[40];
  struct bw_stmt *q;
  int rc =
      bw_store_prepare(d->store,
                       "INSERT INTO deal_outcome (deal, lead, account, n, at, recorded, who, outcome, amount, reason, note, "
                       "split, by_record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                       &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(p->text[BW_DEAL_ID]));
  bw_stmt_text(q, 2, bw_str(p->text[BW_DEAL_LEAD]));
  bw_stmt_text(q, 3, bw_str(p->text[BW_DEAL_ACCOUNT]));
  bw_stmt_int(q, 4, e->number);
  bw_stmt_int(q, 5, e->at);
  bw_stmt_int(q, 6, e->recorded);
  bw_stmt_text(q, 7, bw_str(e->who));
  bw_stmt_text(q, 8, bw_str(bw_outcome_name(e->outcome)));
  bind_amount(q, 9, e->amount);
  bw_stmt_text(q, 10, bw_str(e->reason));
  bw_stmt_text(q, 11, bw_str(e->note));
  bw_stmt_text(q, 12, bw_str(e->split));
  bw_stmt_int(q, 13, e->by_record);
  rc = bw_stmt_run(q, err);
  if (rc < 0)
    return rc;
  audit_subject(&subject, e);
  (void)snprintf(action, sizeof action, "outcome: %s", bw_outcome_name(e->outcome));
  rc = bw_audit_append(d->store, e->recorded, bw_str(e->who), action, bw_buf_str(&subject), err);
  bw_buf_clear(&subject);
  return rc;
}

int bw_deals_save(struct bw_deals *d, struct bw_error *err)
{
  size_t i = 0;
  void *item;
  int rc = BW_OK;
  if (!d->store || !d->dirty)
    return BW_OK;
  while (rc >= 0 && bw_map_next(d->by_id, &i, NULL, &item)) {
    struct deal *deal = item;
    if (!deal->dirty)
      continue;
    rc = save_deal(d, deal, err);
    if (rc >= 0)
      rc = save_steps(d, deal, err);
    deal->dirty = rc < 0;
  }
  for (i = 0; rc >= 0 && i < d->nentries; i++) {
    rc = save_entry(d, &d->entries[i], err);
    if (rc >= 0)
      entry_clear(&d->entries[i]);
  }
  if (rc < 0)
    return rc;
  d->nentries = 0;
  d->dirty = false;
  return BW_OK;
}
