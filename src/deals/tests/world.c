/* SPDX-License-Identifier: Apache-2.0 */
/* The world of this room's tests. */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct bw_lead *find(struct world *w, struct bw_str id)
{
  size_t i;
  for (i = 0; i < w->nleads; i++)
    if (bw_str_is(id, w->leads[i].id))
      return &w->leads[i];
  return NULL;
}

static const struct bw_lead *on_find(void *ctx, struct bw_str id)
{
  return find(ctx, id);
}

static int on_close(void *ctx, struct bw_str id, struct bw_str reason, int64_t now, struct bw_error *err)
{
  struct bw_lead *lead = find(ctx, id);
  if (!lead || lead->status == BW_LEAD_CLOSED || lead->status == BW_LEAD_REJECTED || reason.len == 0)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "cannot be closed");
  lead->status = BW_LEAD_CLOSED;
  lead->closed_at = now;
  free(lead->reason);
  lead->reason = bw_str_dup(reason);
  return BW_OK;
}

static void on_keep(void *ctx, struct bw_str id, struct bw_str account, int64_t now)
{
  struct world *w = ctx;
  struct bw_lead *lead = find(w, id);
  if (!lead || !bw_str_is(account, lead->account))
    return;
  lead->updated_at = now;
  w->keeps++;
}

static void on_notice(void *ctx, int64_t at, struct bw_str account, struct bw_str code, struct bw_str text)
{
  struct world *w = ctx;
  char when[BW_TIME_TEXT];
  bw_time_format(at, when);
  bw_buf_printf(&w->notices, "%s %.*s %.*s: %.*s\n", when, BW_FMT(code), BW_FMT(account), BW_FMT(text));
}

static void open_deals(struct world *w)
{
  const struct bw_deals_leads leads = {w, on_find, on_close, on_keep};
  const struct bw_deals_events events = {w, on_notice};
  struct bw_error err = {0};
  if (bw_deals_open(w->store, &w->options, &leads, w->book, &events, &w->deals, &err) < 0)
    fail_msg("%s", err.message);
}

void world_open(struct world *w, const char *settings)
{
  const struct bw_schema *schemas[] = {&bw_approvals_schema, &bw_deals_schema};
  struct bw_complaints c = {.count = 0};
  struct bw_document *doc = NULL;
  *w = (struct world){.offset = 0};
  if (settings)
    assert_int_equal(bw_document_parse(bw_str(settings), "basewatch.yaml", false, &doc, &c), 0);
  if (bw_deals_options_read(doc ? bw_document_root(doc) : NULL, &w->options, &c) < 0)
    fail_msg("%s", bw_buf_cstr(&c.text));
  w->options.stages_node = w->options.splits_node = NULL; /* read by now */
  bw_document_free(&doc);
  bw_complaints_clear(&c);
  assert_int_equal(bw_store_open(":memory:", schemas, 2, &w->store, NULL), 0);
  assert_int_equal(bw_book_open(NULL, &w->book, NULL), 0);
  open_deals(w);
}

void world_close(struct world *w)
{
  size_t i;
  bw_deals_close(&w->deals);
  bw_deals_options_clear(&w->options);
  bw_book_close(&w->book);
  bw_store_close(&w->store);
  for (i = 0; i < w->nleads; i++) {
    free(w->leads[i].account);
    free(w->leads[i].motion);
    free(w->leads[i].type);
    free(w->leads[i].reason);
  }
  bw_buf_clear(&w->notices);
  bw_buf_clear(&w->journal);
}

void world_save(struct world *w)
{
  struct bw_error err = {0};
  if (bw_store_begin(w->store, &err) < 0 || bw_deals_save(w->deals, &err) < 0 || bw_store_commit(w->store, &err) < 0)
    fail_msg("%s", err.message);
}

void world_reopen(struct world *w)
{
  world_save(w);
  bw_deals_close(&w->deals);
  open_deals(w);
}

static int feed(struct world *w, const struct bw_record *r)
{
  struct bw_record mine = *r;
  struct bw_error err = {0};
  int rc;
  mine.offset = ++w->offset;
  rc = bw_book_apply(w->book, &mine, &err);
  if (rc < 0 && rc != BW_ENOTFOUND) /* a word or amount that no rule can read is only told of */
    fail_msg("%s", err.message);
  rc = bw_deals_apply(w->deals, &mine, &err);
  if (rc < 0)
    fail_msg("%s", err.message);
  return rc;
}

static int record(struct world *w, uint32_t kind, const char *id, const char *account, const char *subject, int64_t at,
                  int64_t arrival, const char *const *fields)
{
  struct bw_field f[32];
  char keys[32][64];
  struct bw_record r = {.kind = kind, .time_ms = at, .arrival_ms = arrival, .fields = f};
  r.account = bw_str(account);
  r.subject = bw_str(subject);
  r.id = bw_str(id ? id : "");
  for (; *fields; fields++) {
    const char *equals = strchr(*fields, '=');
    size_t n = (size_t)(equals - *fields);
    memcpy(keys[r.nfields], *fields, n);
    keys[r.nfields][n] = '\0';
    f[r.nfields] = (struct bw_field){bw_str(keys[r.nfields]), bw_str(equals + 1), 0, BW_SECTION_TRAITS, BW_VALUE_STRING};
    r.nfields++;
  }
  return feed(w, &r);
}

int world_record(struct world *w, uint32_t kind, const char *id, const char *account, const char *subject, int64_t at,
                 const char *const *fields)
{
  return record(w, kind, id, account, subject, at, at, fields);
}

int world_record_arriving(struct world *w, uint32_t kind, const char *account, const char *subject, int64_t at, int64_t arrival,
                          const char *const *fields)
{
  return record(w, kind, NULL, account, subject, at, arrival, fields);
}

void world_account(struct world *w, const char *account, const char *name)
{
  char text[400], contact[64];
  (void)snprintf(text, sizeof text, "name=%s", name);
  (void)world_record(w, BW_KIND_ACCOUNT, NULL, account, "", T0 - BW_DAY,
                     (const char *const[]){text, "owner=olivia", "csm=carl", "renewal=2026-12-01", NULL});
  (void)snprintf(contact, sizeof contact, "%s-kim", account);
  (void)world_record(w, BW_KIND_CONTACT, NULL, account, contact, T0 - BW_DAY,
                     (const char *const[]){"name=Kim Champion", "role=champion", NULL});
  (void)snprintf(contact, sizeof contact, "%s-bo", account);
  (void)world_record(w, BW_KIND_CONTACT, NULL, account, contact, T0 - BW_DAY,
                     (const char *const[]){"name=Bo Buyer", "role=economic_buyer", NULL});
}

void world_lead(struct world *w, const char *account, const char *motion, const char *type, double estimate)
{
  static char none[] = "", medium[] = "medium", owner[] = "olivia", role[] = "ae", usd[] = "USD", signal[] = "seat_limit",
              play[] = "some-play", csm[] = "carl";
  struct bw_lead *l = &w->leads[w->nleads++];
  *l = (struct bw_lead){.number = w->nleads, .status = BW_LEAD_OPEN, .mode = BW_MODE_LIVE, .estimate = estimate};
  (void)snprintf(l->id, sizeof l->id, "L%zu", w->nleads);
  l->account = bw_strdup(account);
  l->motion = bw_strdup(motion);
  l->type = bw_strdup(type);
  l->reason = bw_strdup("");
  l->priority = medium;
  l->owner = owner;
  l->owner_role = role;
  l->csm = csm;
  l->currency = usd;
  l->primary_signal = signal;
  l->play = play;
  l->title = l->angle = none;
  l->opened_at = l->updated_at = T0;
  l->closed_at = l->close_at = BW_TIME_NONE;
}

void world_twin(struct world *w, struct world *other)
{
  w->twin = other;
}

int world_say(struct world *w, const struct said *s, struct bw_error *err)
{
  struct bw_outcome_request r = {.lead = bw_str(s->lead), .outcome = bw_outcome_parse(bw_str(s->outcome))};
  struct bw_outcome_result res = {0};
  int rc;
  r.amount = s->amount > 0 ? s->amount : NAN;
  r.reason = bw_str(s->reason ? s->reason : "");
  r.note = bw_str(s->note ? s->note : "");
  r.split = bw_str(s->split ? s->split : "");
  r.who = bw_str(s->who ? s->who : "olivia");
  r.now = s->now;
  r.at = s->at ? s->at : BW_TIME_NONE;
  rc = bw_deals_outcome(w->deals, &r, &res, err);
  if (rc == 0 && res.record) {
    struct bw_batch_writer writer = {.count = 0};
    struct bw_batch_reader reader = {.nrecords = 0};
    struct bw_buf bytes = {0};
    bw_record_json(&w->journal, res.record);
    bw_buf_add_char(&w->journal, '\n');
    assert_int_equal(bw_batch_add(&writer, res.record, NULL), 0);
    bw_batch_finish(&writer, &bytes);
    assert_int_equal(bw_batch_read(&reader, bw_buf_str(&bytes), 0, NULL), 0);
    (void)feed(w, bw_batch_at(&reader.batch, 0));
    if (w->twin)
      (void)feed(w->twin, bw_batch_at(&reader.batch, 0));
    bw_batch_writer_clear(&writer);
    bw_batch_reader_clear(&reader);
    bw_buf_clear(&bytes);
  }
  return rc;
}

const struct bw_deal *world_deal(struct world *w, size_t lead)
{
  return bw_deals_of(w->deals, &w->leads[lead - 1]);
}

int64_t world_count(struct world *w, const char *sql)
{
  struct bw_stmt *q;
  int64_t n;
  assert_int_equal(bw_store_prepare(w->store, sql, &q, NULL), 0);
  assert_int_equal(bw_stmt_step(q, NULL), 1);
  n = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return n;
}
