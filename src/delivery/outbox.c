/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: which approved draft is where on its way.  Runs in core: the store through its room, files through the courier's
 * functions.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "delivery/delivery.h"

#define RETRY_FIRST (30 * BW_SECOND)
#define RETRY_MOST BW_HOUR
#define MAX_DRAIN 1000

static const char *const steps[] = {
    "CREATE TABLE outbox ("
    " id INTEGER PRIMARY KEY, lead TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, hash TEXT NOT NULL, sender TEXT NOT NULL,"
    " state TEXT NOT NULL, path TEXT NOT NULL, bytes_hash TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL,"
    " at INTEGER NOT NULL, done_at INTEGER, error TEXT NOT NULL);"
    "CREATE INDEX outbox_due ON outbox (next_at, id) WHERE state IN ('staged', 'ready')"};
const struct bw_schema bw_delivery_schema = {"delivery", steps, sizeof steps / sizeof *steps};

struct bw_outbox {
  struct bw_store *store;
  struct bw_outbox_config config;
  char *maildir, *from, *domain;
  bool pending; /* something is written and not yet committed */
};

/* A row, with its own strings. */
struct row {
  int64_t id, version, attempts, at, next_at, done_at;
  enum bw_outbox_state state;
  char *lead, *hash, *sender, *path, *bytes_hash, *error;
};

static const char *const states[] = {[BW_OUTBOX_STAGED] = "staged",
                                     [BW_OUTBOX_READY] = "ready",
                                     [BW_OUTBOX_SENT] = "sent",
                                     [BW_OUTBOX_PARKED] = "parked",
                                     [BW_OUTBOX_FAILED] = "failed"};

const char *bw_outbox_state_name(enum bw_outbox_state st)
{
  return states[st];
}

struct bw_outbox *bw_outbox_new(struct bw_store *s, const struct bw_outbox_config *config)
{
  struct bw_outbox *ob = bw_alloc(sizeof *ob);
  ob->store = s;
  ob->config = *config;
  ob->maildir = bw_strdup(config->maildir);
  ob->from = bw_strdup(config->from);
  ob->domain = bw_strdup(config->domain ? config->domain : "");
  return ob;
}

void bw_outbox_configure(struct bw_outbox *ob, const char *maildir, const char *from)
{
  free(ob->maildir);
  free(ob->from);
  ob->maildir = bw_strdup(maildir);
  ob->from = bw_strdup(from);
}

void bw_outbox_free(struct bw_outbox **ob)
{
  if (!ob || !*ob)
    return;
  free((*ob)->maildir);
  free((*ob)->from);
  free((*ob)->domain);
  free(*ob);
  *ob = NULL;
}

void bw_outbox_committed(struct bw_outbox *ob)
{
  ob->pending = false;
}

void bw_outbox_rolled_back(struct bw_outbox *ob)
{
  ob->pending = false;
}

/* ---- rows --------------------------------------------------------------- */

static void row_clear(struct row *r)
{
  free(r->lead);
  free(r->hash);
  free(r->sender);
  free(r->path);
  free(r->bytes_hash);
  free(r->error);
}

#define COLUMNS                                                                                                                \
  "SELECT id, lead, version, hash, sender, state, path, bytes_hash, attempts, next_at, at, error, done_at FROM outbox "

static int row_read(struct bw_stmt *q, struct row *ret, struct bw_error *err)
{
  struct bw_str state = bw_stmt_col_str(q, 5);
  struct row r = {.id = bw_stmt_col_int(q, 0),
                  .version = bw_stmt_col_int(q, 2),
                  .attempts = bw_stmt_col_int(q, 8),
                  .next_at = bw_stmt_col_int(q, 9),
                  .at = bw_stmt_col_int(q, 10),
                  .done_at = bw_stmt_col_null(q, 12) ? BW_TIME_NONE : bw_stmt_col_int(q, 12)};
  size_t i;
  for (i = BW_OUTBOX_STAGED; i <= BW_OUTBOX_FAILED; i++)
    if (bw_str_is(state, states[i]))
      r.state = (enum bw_outbox_state)i;
  if (!r.state)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "outbox item %lld has no known state; restore the database",
                   (long long)r.id);
  r.lead = bw_str_dup(bw_stmt_col_str(q, 1));
  r.hash = bw_str_dup(bw_stmt_col_str(q, 3));
  r.sender = bw_str_dup(bw_stmt_col_str(q, 4));
  r.path = bw_str_dup(bw_stmt_col_str(q, 6));
  r.bytes_hash = bw_str_dup(bw_stmt_col_str(q, 7));
  r.error = bw_str_dup(bw_stmt_col_str(q, 11));
  *ret = r;
  return BW_OK;
}

static struct bw_outbox_item item_of(const struct row *r)
{
  return (struct bw_outbox_item){.id = r->id,
                                 .lead = bw_str(r->lead),
                                 .hash = bw_str(r->hash),
                                 .name = bw_str(r->path),
                                 .from = bw_str(r->sender),
                                 .error = bw_str(r->error),
                                 .version = r->version,
                                 .state = r->state,
                                 .attempts = r->attempts,
                                 .at = r->at,
                                 .next_at = r->next_at,
                                 .done_at = r->done_at};
}

static void set_text(char **field, const char *text)
{
  char *copy = bw_strdup(text);
  free(*field);
  *field = copy;
}

static int row_write(struct bw_outbox *ob, const struct row *r, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(ob->store,
                            "UPDATE outbox SET state = ?2, path = ?3, bytes_hash = ?4, attempts = ?5, next_at = ?6, error = ?7,"
                            " done_at = ?8 WHERE id = ?1",
                            &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, r->id);
  bw_stmt_text(q, 2, bw_str(states[r->state]));
  bw_stmt_text(q, 3, bw_str(r->path));
  bw_stmt_text(q, 4, bw_str(r->bytes_hash));
  bw_stmt_int(q, 5, r->attempts);
  bw_stmt_int(q, 6, r->next_at);
  bw_stmt_text(q, 7, bw_str(r->error));
  if (r->done_at == BW_TIME_NONE)
    bw_stmt_null(q, 8);
  else
    bw_stmt_int(q, 8, r->done_at);
  ob->pending = true;
  return bw_stmt_run(q, err);
}

static int audit(struct bw_outbox *ob, const struct row *r, struct bw_str who, const char *action, int64_t now,
                 struct bw_error *err)
{
  struct bw_buf b = {0};
  int rc;
  bw_json_open(&b, '{');
  bw_json_key(&b, "outbox");
  bw_json_int(&b, r->id);
  bw_json_key(&b, "lead");
  bw_json_cstr(&b, r->lead);
  bw_json_key(&b, "version");
  bw_json_int(&b, r->version);
  bw_json_key(&b, "hash");
  bw_json_cstr(&b, r->hash);
  bw_json_key(&b, "path");
  bw_json_cstr(&b, r->path);
  bw_json_key(&b, "error");
  bw_json_cstr(&b, r->error);
  bw_json_close(&b, '}');
  rc = bw_audit_append(ob->store, now, who, action, bw_buf_str(&b), err);
  bw_buf_clear(&b);
  return rc;
}

/* A new state, with its reason where it is a bad one. */
static int move(struct bw_outbox *ob, struct row *r, enum bw_outbox_state to, const char *why, int64_t now,
                struct bw_error *err)
{
  static const char *const actions[] = {
      [BW_OUTBOX_SENT] = "sent", [BW_OUTBOX_PARKED] = "parked", [BW_OUTBOX_FAILED] = "failed"};
  struct bw_outbox_item item;
  int rc;
  r->state = to;
  r->attempts = 0;
  r->done_at = to < BW_OUTBOX_SENT ? BW_TIME_NONE : now;
  set_text(&r->error, why);
  rc = row_write(ob, r, err);
  if (rc == BW_OK && to >= BW_OUTBOX_SENT)
    rc = audit(ob, r, BW_STR("basewatch"), actions[to], now, err);
  if (rc < 0)
    return rc;
  item = item_of(r);
  if (to >= BW_OUTBOX_PARKED && ob->config.notice)
    ob->config.notice(ob->config.ctx, &item, why);
  if (ob->config.changed)
    ob->config.changed(ob->config.ctx, &item);
  return BW_OK;
}

/* The file system said no: the state stays, and so does the promise. */
static int retry(struct bw_outbox *ob, struct row *r, const struct bw_error *why, int64_t now, struct bw_error *err)
{
  int64_t wait = r->attempts < 7 ? RETRY_FIRST << r->attempts : RETRY_MOST;
  struct bw_outbox_item item;
  int rc;
  r->attempts++;
  r->next_at = now + (wait < RETRY_MOST ? wait : RETRY_MOST);
  set_text(&r->error, why->message);
  rc = row_write(ob, r, err);
  item = item_of(r);
  if (rc == BW_OK && r->attempts == 1 && ob->config.notice)
    ob->config.notice(ob->config.ctx, &item, why->message);
  return rc;
}

/* ---- steps -------------------------------------------------------------- */

static void hash_bytes(const struct bw_buf *b, char ret_hex[BW_DRAFT_HASH])
{
  unsigned char digest[32];
  BW_ASSERT(crypto_generichash(digest, sizeof digest, (const unsigned char *)b->data, b->len, NULL, 0) == 0);
  (void)sodium_bin2hex(ret_hex, BW_DRAFT_HASH, digest, sizeof digest);
}

/* The draft as approved: its text hashed again, and that the same as the approval's.  BW_ESTATE: it is not. */
static int load_approved(struct bw_outbox *ob, const struct row *r, struct bw_draft *ret, struct bw_error *err)
{
  struct bw_decision approval = {0};
  struct bw_draft d = {0};
  int rc = bw_draft_load(ob->store, bw_str(r->lead), r->version, &d, err);
  if (rc == BW_OK)
    rc = bw_decision_approval(ob->store, bw_str(r->lead), &approval, err);
  if (rc == BW_OK &&
      (strcmp(d.hash, approval.hash) != 0 || strcmp(d.hash, r->hash) != 0 || approval.version != r->version || !d.complete))
    rc = bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                 "the text of %s version %lld is not the one that %s approved; it is not sent.  Compare the draft with the "
                 "audit, then reject the lead, or approve a new one",
                 r->lead, (long long)r->version, approval.who);
  bw_decision_clear(&approval);
  if (rc < 0)
    bw_draft_clear(&d);
  else
    *ret = d;
  return rc;
}

static int build(struct bw_outbox *ob, const struct row *r, const struct bw_draft *d, struct bw_buf *out, struct bw_error *err)
{
  struct bw_mail m = {.from = bw_str(*r->sender ? r->sender : ob->from),
                      .to = bw_str(d->field[BW_DRAFT_TO]),
                      .subject = bw_str(d->field[BW_DRAFT_SUBJECT]),
                      .body = bw_str(d->field[BW_DRAFT_BODY]),
                      .date = r->at,
                      .lead = bw_str(r->lead),
                      .version = r->version,
                      .hash = bw_str(r->hash),
                      .domain = bw_str(ob->domain)};
  if (strcmp(d->channel, "mail") != 0)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "there is no courier for the channel \"%.40s\"", d->channel);
  return bw_mail_build(&m, out, err);
}

static int step_staged(struct bw_outbox *ob, struct row *r, int64_t now, struct bw_error *err)
{
  char name[BW_MAILDIR_NAME], digest[BW_DRAFT_HASH];
  struct bw_error why = {0};
  struct bw_draft d = {0};
  struct bw_buf bytes = {0};
  int rc = load_approved(ob, r, &d, &why);
  if (rc == BW_ESTATE || rc == BW_ECORRUPT || rc == BW_ENOTFOUND)
    return move(ob, r, BW_OUTBOX_PARKED, why.message, now, err);
  if (rc < 0) {
    if (err)
      *err = why;
    return rc;
  }
  rc = build(ob, r, &d, &bytes, &why);
  bw_draft_clear(&d);
  if (rc < 0) {
    bw_buf_clear(&bytes);
    return move(ob, r, BW_OUTBOX_FAILED, why.message, now, err);
  }
  bw_maildir_name(r->at, r->hash, name);
  hash_bytes(&bytes, digest);
  rc = bw_maildir_write(ob->config.sys, ob->maildir, name, bw_buf_str(&bytes), &why);
  bw_buf_clear(&bytes);
  if (rc < 0)
    return retry(ob, r, &why, now, err);
  set_text(&r->path, name);
  set_text(&r->bytes_hash, digest);
  return move(ob, r, BW_OUTBOX_READY, "", now, err);
}

static int publish(struct bw_outbox *ob, struct row *r, int64_t now, struct bw_error *err)
{
  char digest[BW_DRAFT_HASH];
  struct bw_error why = {0};
  struct bw_buf bytes = {0};
  int rc = bw_maildir_read(ob->maildir, r->path, &bytes, &why);
  if (rc == BW_OK)
    hash_bytes(&bytes, digest);
  bw_buf_clear(&bytes);
  if (rc == BW_OK && strcmp(digest, r->bytes_hash) != 0)
    return move(ob, r, BW_OUTBOX_PARKED,
                "the file in the Maildir's tmp is not the one that was written; it is not sent.  See who writes there, then "
                "resend or leave it",
                now, err);
  if (rc == BW_OK)
    rc = bw_maildir_publish(ob->config.sys, ob->maildir, r->path, &why);
  return rc < 0 ? retry(ob, r, &why, now, err) : move(ob, r, BW_OUTBOX_SENT, "", now, err);
}

static int step_ready(struct bw_outbox *ob, struct row *r, int64_t now, struct bw_error *err)
{
  enum bw_maildir_place place;
  struct bw_error why = {0};
  int rc = bw_maildir_find(ob->maildir, r->path, &place, &why);
  if (rc < 0)
    return retry(ob, r, &why, now, err);
  if (place == BW_MAILDIR_TMP)
    return publish(ob, r, now, err);
  if (place == BW_MAILDIR_NOWHERE)
    return move(
        ob, r, BW_OUTBOX_PARKED,
        "the message is nowhere in the Maildir: it may have been sent and moved on.  Look whether the recipient has it, "
        "then resend or leave it",
        now, err);
  rc = bw_maildir_settle(ob->config.sys, ob->maildir, r->path, &why);
  return rc < 0 ? retry(ob, r, &why, now, err) : move(ob, r, BW_OUTBOX_SENT, "", now, err);
}

/* The next item by due time, if one waits. */
static int next_row(struct bw_outbox *ob, bool *ret_found, struct row *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(ob->store, COLUMNS "WHERE state IN ('staged', 'ready') ORDER BY next_at, id LIMIT 1", &q, err);
  if (rc < 0 || (rc = bw_stmt_step(q, err)) < 0)
    return rc;
  *ret_found = rc == 1;
  rc = rc == 1 ? row_read(q, ret, err) : BW_OK;
  bw_stmt_reset(q);
  return rc;
}

int bw_outbox_step(struct bw_outbox *ob, int64_t now, bool *ret_did, int64_t *ret_next, struct bw_error *err)
{
  struct row r = {0};
  bool found = false;
  int rc;
  if (ob->pending)
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "an outbox step before the one before it was committed");
  rc = next_row(ob, &found, &r, err);
  if (rc < 0)
    return rc;
  *ret_did = found && r.next_at <= now;
  if (ret_next)
    *ret_next = found && !*ret_did ? r.next_at : BW_TIME_NONE;
  if (*ret_did)
    rc = r.state == BW_OUTBOX_STAGED ? step_staged(ob, &r, now, err) : step_ready(ob, &r, now, err);
  row_clear(&r);
  return rc;
}

int bw_outbox_drain(struct bw_outbox *ob, int64_t now, size_t *ret_steps, int64_t *ret_next, struct bw_error *err)
{
  size_t n = 0;
  bool did = true;
  int64_t next = BW_TIME_NONE;
  int rc = BW_OK;
  while (rc == BW_OK && did && n < MAX_DRAIN) {
    rc = bw_store_begin(ob->store, err);
    if (rc < 0)
      return rc;
    rc = bw_outbox_step(ob, now, &did, &next, err);
    if (rc < 0 || !did)
      bw_store_rollback(ob->store);
    else
      rc = bw_store_commit(ob->store, err);
    bw_outbox_committed(ob); /* or rolled back: either way the rows are what is durable */
    n += rc == BW_OK && did;
  }
  if (rc < 0)
    return rc;
  if (ret_steps)
    *ret_steps = n;
  if (ret_next)
    *ret_next = next;
  return BW_OK;
}

int bw_outbox_add(struct bw_outbox *ob, const struct bw_decision *approval, struct bw_str from, int64_t *ret_id,
                  struct bw_error *err)
{
  struct bw_stmt *q;
  int rc;
  if (approval->verdict != BW_VERDICT_APPROVED)
    return bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "only an approval goes into the outbox");
  rc = bw_store_prepare(ob->store, "SELECT state FROM outbox WHERE lead = ?1", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(approval->lead));
  rc = bw_stmt_step(q, err);
  bw_stmt_reset(q);
  if (rc < 0)
    return rc;
  if (rc == 1)
    return bw_fail(err, BW_EEXIST, BW_CLASS_PERMANENT, "lead %s is in the outbox already; a lead is sent once", approval->lead);
  rc =
      bw_store_prepare(ob->store,
                       "INSERT INTO outbox (lead, version, hash, sender, state, path, bytes_hash, attempts, next_at, at, error)"
                       " VALUES (?1, ?2, ?3, ?4, 'staged', '', '', 0, ?5, ?5, '')",
                       &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(approval->lead));
  bw_stmt_int(q, 2, approval->version);
  bw_stmt_text(q, 3, bw_str(approval->hash));
  bw_stmt_text(q, 4, from);
  bw_stmt_int(q, 5, approval->at);
  ob->pending = true;
  rc = bw_stmt_run(q, err);
  if (rc == BW_OK && ret_id)
    *ret_id = bw_store_last_id(ob->store);
  return rc;
}

/* ---- people ------------------------------------------------------------- */

static int row_by_id(struct bw_outbox *ob, int64_t id, struct row *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(ob->store, COLUMNS "WHERE id = ?1", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_int(q, 1, id);
  rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  rc = rc == 1 ? row_read(q, ret, err)
               : bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no outbox item %lld", (long long)id);
  bw_stmt_reset(q);
  return rc;
}

int bw_outbox_resend(struct bw_outbox *ob, int64_t id, struct bw_str who, int64_t now, struct bw_error *err)
{
  struct row r = {0};
  int rc;
  if (!bw_person_valid(who))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "sending again needs the name of the person who decided it");
  rc = row_by_id(ob, id, &r, err);
  if (rc < 0)
    return rc;
  if (r.state != BW_OUTBOX_PARKED && r.state != BW_OUTBOX_FAILED)
    rc = bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "outbox item %lld is %s; only a parked or failed one can be sent again",
                 (long long)id, states[r.state]);
  if (rc == BW_OK) {
    r.next_at = now;
    rc = audit(ob, &r, who, "resend", now, err);
  }
  if (rc == BW_OK)
    rc = move(ob, &r, BW_OUTBOX_STAGED, "", now, err);
  row_clear(&r);
  return rc;
}

int bw_outbox_each(struct bw_outbox *ob, unsigned mask, void (*each)(void *ctx, const struct bw_outbox_item *item), void *ctx,
                   struct bw_error *err)
{
  struct bw_stmt *q;
  struct bw_outbox_item item;
  struct row r;
  int rc = bw_store_prepare(ob->store, COLUMNS "ORDER BY id", &q, err);
  if (rc < 0)
    return rc;
  while ((rc = bw_stmt_step(q, err)) == 1) {
    r = (struct row){0};
    rc = row_read(q, &r, err);
    if (rc < 0)
      break;
    item = item_of(&r);
    if (mask == 0 || mask & (1u << r.state))
      each(ctx, &item);
    row_clear(&r);
  }
  bw_stmt_reset(q);
  return rc;
}
