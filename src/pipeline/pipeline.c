/* SPDX-License-Identifier: Apache-2.0 */
/* Book, signals, plays and drafts, joined.  Runs in core and in the replay; no privileges needed. */
#include "pipeline/pipeline.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "names/names.h"
#include "rules/rules.h"

/* Progress is one row: what has been projected, and which tick is projected but not evaluated.  pipeline_dirty holds the
   accounts whose picture changed since the last evaluation: a restart must look at just the same ones. */
static const char *const steps[] = {"CREATE TABLE pipeline_progress (one INTEGER PRIMARY KEY CHECK (one = 1), projected "
                                    "INTEGER NOT NULL, waiting INTEGER NOT NULL,"
                                    " waiting_at INTEGER NOT NULL, waiting_historic INTEGER NOT NULL, last_tick INTEGER);"
                                    "CREATE TABLE pipeline_dirty (account BLOB PRIMARY KEY) WITHOUT ROWID;"};
const struct bw_schema bw_pipeline_schema = {"pipeline", steps, sizeof steps / sizeof *steps};

struct bw_pipeline {
  struct bw_store *store;
  const struct bw_setup *setup;
  struct bw_pipeline_events events;
  void *ctx;
  struct bw_book *book;
  struct bw_signals *signals;
  struct bw_engine *engine;
  struct bw_deals *deals;
  uint64_t projected, waiting;
  int64_t waiting_at, last_tick, now;
  bool waiting_historic, dirty;
  struct bw_map *changed;  /* accounts to look at on the next tick; value: a char, 1 where it is not saved yet */
  struct bw_map *to_draft; /* leads that opened (fresh_mark) or spoke again, until the engine is done with the account */
  struct bw_map *heads;    /* without a store: the latest draft of each lead */
};

static char saved_mark = 0, unsaved_mark = 1;
static char fresh_mark, again_mark;

/* ---- events of the rooms, passed on ---- */

static void on_signal(void *ctx, const struct bw_episode *e, enum bw_signal_state state)
{
  struct bw_pipeline *p = ctx;
  if (p->events.signal)
    p->events.signal(p->ctx, e, state);
  if (state == BW_OPENED && p->engine)
    bw_engine_heard(p->engine, e);
}

static void on_trait(void *ctx, const struct bw_trait_value *t)
{
  struct bw_pipeline *p = ctx;
  if (p->events.trait)
    p->events.trait(p->ctx, t);
}

static void on_notice(void *ctx, const struct bw_notice *n, const char *source)
{
  struct bw_pipeline *p = ctx;
  (void)source;
  if (p->events.notice)
    p->events.notice(p->ctx, n->at_ms, n->account, n->code, n->text);
}

static void lead_event(struct bw_pipeline *p, const struct bw_lead *lead, const char *event)
{
  if (p->events.lead)
    p->events.lead(p->ctx, lead, event, p->now);
}

static void on_lead_opened(void *ctx, const struct bw_lead *lead)
{
  struct bw_pipeline *p = ctx;
  bw_map_put(p->to_draft, bw_str(lead->id), &fresh_mark);
}

static void on_lead_spoke(void *ctx, const struct bw_lead *lead)
{
  struct bw_pipeline *p = ctx;
  if (!bw_map_get(p->to_draft, bw_str(lead->id)))
    bw_map_put(p->to_draft, bw_str(lead->id), &again_mark);
}

static void on_lead_enriched(void *ctx, const struct bw_lead *lead)
{
  lead_event(ctx, lead, "enriched");
}

static void on_lead_changed(void *ctx, const struct bw_lead *lead, enum bw_lead_status before)
{
  (void)before;
  lead_event(ctx, lead, "changed");
}

static void on_lead_queued(void *ctx, const struct bw_lead *lead)
{
  lead_event(ctx, lead, "queued");
}

static void on_lead_notice(void *ctx, const struct bw_notice *notice)
{
  struct bw_pipeline *p = ctx;
  if (p->events.notice)
    p->events.notice(p->ctx, notice->at_ms, notice->account, notice->code, notice->text);
}

static void on_deal_notice(void *ctx, int64_t at_ms, struct bw_str account, struct bw_str code, struct bw_str text)
{
  struct bw_pipeline *p = ctx;
  if (p->events.notice)
    p->events.notice(p->ctx, at_ms, account, code, text);
}

/* ---- opening ---- */

static int open_deals(struct bw_pipeline *p, struct bw_error *err)
{
  const struct bw_deals_events events = {p, on_deal_notice};
  const struct bw_deals_leads leads = bw_deals_engine(p->engine);
  return bw_deals_open(p->store, p->setup->deals, &leads, p->book, &events, &p->deals, err);
}

static int load_progress(struct bw_pipeline *p, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(
      p->store, "SELECT projected, waiting, waiting_at, waiting_historic, last_tick FROM pipeline_progress", &q, err);
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  if (rc == 1) {
    p->projected = (uint64_t)bw_stmt_col_int(q, 0);
    p->waiting = (uint64_t)bw_stmt_col_int(q, 1);
    p->waiting_at = bw_stmt_col_int(q, 2);
    p->waiting_historic = bw_stmt_col_int(q, 3) != 0;
    p->last_tick = bw_stmt_col_null(q, 4) ? BW_TIME_NONE : bw_stmt_col_int(q, 4);
    bw_stmt_reset(q);
  }
  rc = bw_store_prepare(p->store, "SELECT account FROM pipeline_dirty ORDER BY account", &q, err);
  while (rc >= 0 && (rc = bw_stmt_step(q, err)) == 1)
    bw_map_put(p->changed, bw_stmt_col_str(q, 0), &saved_mark);
  return rc;
}

static int open_rooms(struct bw_pipeline *p, struct bw_error *err)
{
  const struct bw_signals_events se = {p, on_signal, on_trait, on_notice};
  const struct bw_lead_events le = {.ctx = p,
                                    .opened = on_lead_opened,
                                    .enriched = on_lead_enriched,
                                    .spoke = on_lead_spoke,
                                    .changed = on_lead_changed,
                                    .queued = on_lead_queued,
                                    .notice = on_lead_notice};
  int rc = bw_book_open(p->store, &p->book, err);
  if (rc == 0)
    rc = bw_signals_open(p->setup->catalog, p->setup->signals, p->store, &se, &p->signals, err);
  if (rc == 0)
    rc = bw_engine_open(p->setup->plays, p->signals, p->book, p->store, p->setup->leads, &le, &p->engine, err);
  if (rc == 0)
    bw_engine_hear_signals(p->engine);
  if (rc == 0)
    rc = open_deals(p, err);
  if (rc == 0 && p->store)
    rc = load_progress(p, err);
  return rc;
}

int bw_pipeline_open(struct bw_store *store, const struct bw_setup *setup, const struct bw_pipeline_events *events, void *ctx,
                     struct bw_pipeline **ret, struct bw_error *err)
{
  struct bw_pipeline *p = bw_alloc(sizeof *p);
  int rc;
  p->store = store;
  p->setup = setup;
  p->events = *events;
  p->ctx = ctx;
  p->last_tick = BW_TIME_NONE;
  p->changed = bw_map_new();
  p->to_draft = bw_map_new();
  p->heads = bw_map_new();
  rc = open_rooms(p, err);
  if (rc < 0) {
    bw_pipeline_close(&p);
    return rc;
  }
  *ret = p;
  return BW_OK;
}

void bw_pipeline_close(struct bw_pipeline **pp)
{
  struct bw_pipeline *p = *pp;
  if (!p)
    return;
  bw_deals_close(&p->deals);
  bw_engine_close(&p->engine);
  bw_signals_close(&p->signals);
  bw_book_close(&p->book);
  bw_map_free(&p->changed, NULL);
  bw_map_free(&p->to_draft, NULL);
  bw_map_free(&p->heads, free);
  free(p);
  *pp = NULL;
}

/* ---- records and outputs ---- */

static void mark_changed(void *ctx, struct bw_str account)
{
  struct bw_pipeline *p = ctx;
  if (!bw_map_get(p->changed, account))
    bw_map_put(p->changed, account, &unsaved_mark);
}

static void collect_changed(struct bw_pipeline *p)
{
  bw_book_take_changed(p->book, mark_changed, p);
  bw_signals_take_changed(p->signals, mark_changed, p);
}

static void wait_for(struct bw_pipeline *p, const struct bw_record *tick)
{
  p->waiting = tick->offset;
  p->waiting_at = tick->time_ms;
  p->waiting_historic = tick->arrival_ms - tick->time_ms > p->setup->lateness_ms;
}

static int project(struct bw_pipeline *p, const struct bw_record *r, struct bw_error *err)
{
  struct bw_error bad;
  if (r->kind == BW_KIND_TICK)
    wait_for(p, r);
  if (bw_book_apply(p->book, r, &bad) < 0 && p->events.notice)
    /* a value that nobody can read stands in the book from now on, however old the record is */
    p->events.notice(p->ctx, bad.code == BW_ENOTFOUND ? r->arrival_ms : r->time_ms, r->account,
                     bad.code == BW_ENOTFOUND ? BW_STR("value_unknown") : BW_STR("record_refused"), bw_str(bad.message));
  return r->kind == BW_KIND_OPPORTUNITY ? bw_deals_apply(p->deals, r, err) : BW_OK;
}

/* Most records are events, which concern the watchers alone. */
int bw_pipeline_project(struct bw_pipeline *p, const struct bw_batch *batch, struct bw_error *err)
{
  const uint64_t ours = bw_book_kinds() | BW_KIND_BIT(BW_KIND_OPPORTUNITY) | BW_KIND_BIT(BW_KIND_TICK);
  uint64_t i;
  int rc;
  for (i = 0; i < batch->count; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    BW_ASSERT(p->waiting == 0); /* nothing may pass a tick that is not evaluated */
    p->now = r->time_ms;
    if (ours & BW_KIND_BIT(r->kind) && (rc = project(p, r, err)) < 0)
      return rc;
    p->projected = r->offset;
  }
  p->dirty = p->dirty || batch->count > 0;
  return BW_OK;
}

int bw_pipeline_output(struct bw_pipeline *p, size_t watcher, uint64_t offset, struct bw_str outputs, struct bw_error *err)
{
  p->dirty = true;
  return bw_signals_apply(p->signals, (uint32_t)watcher, outputs, offset, err);
}

/* ---- ticks ---- */

/* What a text of a lead may name, and the engine's view of the account behind it. */
struct names {
  struct bw_env *env;
  struct bw_env_view *view;
};

static int names_open(struct bw_pipeline *p, const struct bw_lead *lead, struct names *n, struct bw_error *err)
{
  int rc = bw_engine_open_env(p->engine, bw_str(lead->account), lead, p->now, &n->env, err);
  n->view = rc == 0 ? bw_env_view_new(n->env) : NULL;
  return rc;
}

static void names_close(struct names *n)
{
  bw_env_view_free(&n->view);
  bw_env_close(&n->env);
}

static int render(struct bw_pipeline *p, const struct bw_lead *lead, struct bw_draft *ret_draft, struct bw_error *err)
{
  const struct bw_template *t = bw_templates_get(p->setup->templates, bw_str(lead->template_name));
  struct names n = {0};
  struct bw_view view;
  int rc;
  if (!t)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "play %s names the template \"%s\", which does not exist", lead->play,
                   lead->template_name);
  rc = names_open(p, lead, &n, err);
  if (rc == 0) {
    view = bw_env_view(n.view);
    rc = bw_draft_render(p->setup->templates, t, &view, bw_str(lead->id), lead->currency, p->now, ret_draft, err);
  }
  names_close(&n);
  return rc;
}

/* The angle is a line of Mustache of its own, filled from the same names. */
static int render_angle(struct bw_pipeline *p, const struct bw_lead *lead, struct bw_error *err)
{
  struct names n = {0};
  struct bw_buf out = {0};
  struct bw_view view;
  int rc = names_open(p, lead, &n, err);
  if (rc == 0) {
    view = bw_env_view(n.view);
    rc = bw_text_render(bw_str(lead->angle), &view, lead->currency, &out, NULL, err);
  }
  if (rc == 0)
    rc = bw_lead_set_angle(p->engine, bw_str(lead->id), bw_buf_str(&out), err);
  names_close(&n);
  bw_buf_clear(&out);
  return rc;
}

static void draft_failed(struct bw_pipeline *p, const struct bw_lead *lead, const struct bw_error *err)
{
  if (p->events.notice)
    p->events.notice(p->ctx, p->now, bw_str(lead->account), BW_STR("draft_failed"), bw_str(err->message));
}

static int latest_draft(struct bw_pipeline *p, const struct bw_lead *lead, struct bw_draft_head *ret, struct bw_error *err)
{
  const struct bw_draft_head *head;
  if (p->store)
    return bw_draft_latest(p->store, bw_str(lead->id), ret, err);
  head = bw_map_get(p->heads, bw_str(lead->id));
  *ret = head ? *head : (struct bw_draft_head){.ours = true};
  return BW_OK;
}

static int keep_draft(struct bw_pipeline *p, const struct bw_draft *draft, struct bw_error *err)
{
  struct bw_draft_head *head;
  if (p->store)
    return bw_draft_save(p->store, draft, err);
  head = bw_alloc(sizeof *head);
  *head = bw_draft_head_of(draft);
  free(bw_map_put(p->heads, bw_str(draft->lead), head));
  return BW_OK;
}

/* A person's text is theirs: what was learned since does not touch it. */
static int draft_lead(struct bw_pipeline *p, const struct bw_lead *lead, struct bw_error *err)
{
  struct bw_draft draft = {0};
  struct bw_draft_head head;
  struct bw_error bad;
  int rc = latest_draft(p, lead, &head, err);
  if (rc < 0 || !head.ours)
    return rc;
  if (render(p, lead, &draft, &bad) < 0) {
    draft_failed(p, lead, &bad);
    return BW_OK;
  }
  if (bw_draft_follow(&draft, &head)) {
    rc = keep_draft(p, &draft, err);
    if (rc == 0 && p->events.draft)
      p->events.draft(p->ctx, &draft);
  }
  bw_draft_clear(&draft);
  return rc;
}

static int write_lead(struct bw_pipeline *p, struct bw_str id, bool fresh, struct bw_error *err)
{
  const struct bw_lead *lead = bw_leads_find(p->engine, id);
  struct bw_error bad;
  BW_ASSERT(lead);
  if (lead->angle[0] && render_angle(p, lead, &bad) < 0)
    draft_failed(p, lead, &bad);
  if (fresh)
    lead_event(p, lead, "opened");
  return lead->template_name[0] ? draft_lead(p, lead, err) : BW_OK;
}

static int write_leads(struct bw_pipeline *p, struct bw_error *err)
{
  struct bw_str id;
  void *mark;
  size_t i = 0;
  int rc = BW_OK;
  if (bw_map_count(p->to_draft) == 0)
    return BW_OK;
  while (rc == 0 && bw_map_next(p->to_draft, &i, &id, &mark))
    rc = write_lead(p, id, mark == &fresh_mark, err);
  bw_map_free(&p->to_draft, NULL);
  p->to_draft = bw_map_new();
  return rc;
}

static int compare_accounts(const void *a, const void *b)
{
  return bw_str_cmp(*(const struct bw_str *)a, *(const struct bw_str *)b);
}

/* In order of account id, so that lead numbers do not depend on how the accounts came to be marked (a restart reads them from
   the table). */
static struct bw_str *changed_in_order(struct bw_pipeline *p, size_t *ret_n)
{
  size_t n = bw_map_count(p->changed), i = 0, at = 0;
  struct bw_str *list = bw_calloc(n, sizeof *list);
  while (at < n && bw_map_next(p->changed, &i, &list[at], NULL))
    at++;
  qsort(list, n, sizeof *list, compare_accounts);
  *ret_n = n;
  return list;
}

static int evaluate(struct bw_pipeline *p, int64_t at_ms, uint64_t offset, struct bw_error *err)
{
  size_t n, i;
  struct bw_str *accounts;
  int rc = bw_engine_tick(p->engine, at_ms, offset, err);
  if (rc < 0 || bw_plays_count(p->setup->plays) == 0)
    return rc; /* watching without plays: nobody to ask */
  /* Time alone can open a gate (tenure, a snooze): once a day every account with an open signal is looked at. */
  if (p->last_tick == BW_TIME_NONE || bw_time_day(p->last_tick) != bw_time_day(at_ms))
    bw_signals_each_account(p->signals, mark_changed, p);
  accounts = changed_in_order(p, &n);
  for (i = 0; rc == 0 && i < n; i++) {
    rc = bw_engine_evaluate(p->engine, accounts[i], at_ms, offset, err);
    if (rc == 0)
      rc = write_leads(p, err);
  }
  free(accounts);
  return rc == 0 && (rc = bw_engine_settle(p->engine, at_ms, offset, err)) == 0 ? write_leads(p, err) : rc;
}

static int forget_changed(struct bw_pipeline *p, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = BW_OK;
  bw_map_free(&p->changed, NULL);
  p->changed = bw_map_new();
  if (p->store) {
    rc = bw_store_prepare(p->store, "DELETE FROM pipeline_dirty", &q, err);
    if (rc == 0)
      rc = bw_stmt_run(q, err);
  }
  return rc;
}

int bw_pipeline_tick(struct bw_pipeline *p, int64_t at_ms, uint64_t offset, bool historic, struct bw_error *err)
{
  int rc;
  p->now = at_ms;
  p->dirty = true;
  rc = p->store ? bw_store_begin(p->store, err) : BW_OK;
  if (rc == 0)
    rc = bw_signals_tick(p->signals, at_ms, offset, err);
  collect_changed(p);
  if (rc == 0 && !historic) {
    bw_deals_tick(p->deals, at_ms); /* before the plays': a lead whose deal is open does not expire */
    rc = evaluate(p, at_ms, offset, err);
    if (rc == 0)
      rc = forget_changed(p, err);
  }
  p->waiting = 0;
  if (!historic)
    p->last_tick = at_ms;
  return rc;
}

/* ---- saving ---- */

static int save_dirty(struct bw_pipeline *p, struct bw_error *err)
{
  struct bw_stmt *q;
  struct bw_str account;
  void *mark;
  size_t i = 0;
  int rc = bw_store_prepare(p->store, "INSERT OR IGNORE INTO pipeline_dirty (account) VALUES (?1)", &q, err);
  while (rc >= 0 && bw_map_next(p->changed, &i, &account, &mark)) {
    if (mark == &saved_mark)
      continue;
    bw_stmt_blob(q, 1, account);
    rc = bw_stmt_run(q, err);
    bw_map_put(p->changed, account, &saved_mark);
  }
  return rc;
}

static int save_progress(struct bw_pipeline *p, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(p->store,
                            "INSERT OR REPLACE INTO pipeline_progress (one, projected, waiting, waiting_at, waiting_historic,"
                            " last_tick) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                            &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, (int64_t)p->projected);
  bw_stmt_int(q, 2, (int64_t)p->waiting);
  bw_stmt_int(q, 3, p->waiting_at);
  bw_stmt_int(q, 4, p->waiting_historic);
  if (p->last_tick == BW_TIME_NONE)
    bw_stmt_null(q, 5);
  else
    bw_stmt_int(q, 5, p->last_tick);
  return bw_stmt_run(q, err);
}

int bw_pipeline_save(struct bw_pipeline *p, struct bw_error *err)
{
  int rc;
  if (!p->store || !p->dirty)
    return BW_OK;
  collect_changed(p);
  rc = bw_book_save(p->book, err);
  if (rc == 0)
    rc = bw_signals_save(p->signals, err);
  if (rc == 0)
    rc = bw_leads_save(p->engine, err);
  if (rc == 0)
    rc = bw_deals_save(p->deals, err);
  if (rc == 0)
    rc = save_dirty(p, err);
  return rc < 0 ? rc : save_progress(p, err);
}

void bw_pipeline_committed(struct bw_pipeline *p)
{
  bw_signals_committed(p->signals);
  bw_leads_committed(p->engine);
  p->dirty = false;
}

bool bw_pipeline_dirty(const struct bw_pipeline *p)
{
  return p->dirty;
}

void bw_pipeline_look_again(struct bw_pipeline *p)
{
  bw_signals_each_account(p->signals, mark_changed, p);
  p->dirty = true;
}

void bw_pipeline_swap(struct bw_pipeline *p, const struct bw_setup *setup)
{
  p->setup = setup;
  bw_engine_configure(p->engine, setup->plays, setup->leads);
  bw_signals_configure(p->signals, setup->signals);
  bw_pipeline_look_again(p); /* other rules see the same signals differently */
  bw_deals_set_options(p->deals, setup->deals);
}

void bw_pipeline_touch(struct bw_pipeline *p)
{
  p->dirty = true;
}

/* ---- what others may look at ---- */

uint64_t bw_pipeline_projected(const struct bw_pipeline *p)
{
  return p->projected;
}

uint64_t bw_pipeline_waiting_tick(const struct bw_pipeline *p, int64_t *ret_at_ms, bool *ret_historic)
{
  if (ret_at_ms)
    *ret_at_ms = p->waiting_at;
  if (ret_historic)
    *ret_historic = p->waiting_historic;
  return p->waiting;
}

int64_t bw_pipeline_last_tick(const struct bw_pipeline *p)
{
  return p->last_tick;
}

struct bw_book *bw_pipeline_book(struct bw_pipeline *p)
{
  return p->book;
}

struct bw_signals *bw_pipeline_signals(struct bw_pipeline *p)
{
  return p->signals;
}

struct bw_engine *bw_pipeline_engine(struct bw_pipeline *p)
{
  return p->engine;
}

struct bw_deals *bw_pipeline_deals(struct bw_pipeline *p)
{
  return p->deals;
}

const struct bw_setup *bw_pipeline_setup(const struct bw_pipeline *p)
{
  return p->setup;
}
