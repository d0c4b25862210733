/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions.  Runs in core; through the store only. */
#include "approvals/approvals.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"

#define MAX_REASON 2000
#define MAX_SNOOZE (366 * BW_DAY)

static const char *const steps[] = {
    "CREATE TABLE decision ("
    " id INTEGER PRIMARY KEY, lead TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, who TEXT NOT NULL,"
    " at INTEGER NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, until INTEGER);"
    "CREATE INDEX decision_lead ON decision (lead, id);"
    /* Whatever the code above it believes: a lead is approved once. */
    "CREATE UNIQUE INDEX decision_approved ON decision (lead) WHERE verdict = 'approved';"
    "CREATE TRIGGER decision_fixed BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;"
    "CREATE TRIGGER decision_kept BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;"
    "CREATE TABLE audit ("
    " seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,"
    " prev_hash TEXT NOT NULL, hash TEXT NOT NULL);"
    "CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL)"};
const struct bw_schema bw_approvals_schema = {"approvals", steps, sizeof steps / sizeof *steps};

static const char *const verdicts[] = {
    [BW_VERDICT_APPROVED] = "approved", [BW_VERDICT_REJECTED] = "rejected", [BW_VERDICT_SNOOZED] = "snoozed"};

const char *bw_verdict_name(enum bw_verdict v)
{
  return verdicts[v];
}

void bw_decision_clear(struct bw_decision *d)
{
  free(d->lead);
  free(d->who);
  free(d->reason);
  *d = (struct bw_decision){0};
}

void bw_decision_json(struct bw_buf *out, const struct bw_decision *d)
{
  bw_json_open(out, '{');
  bw_json_key(out, "id");
  bw_json_int(out, d->id);
  bw_json_key(out, "lead");
  bw_json_cstr(out, d->lead);
  bw_json_key(out, "version");
  bw_json_int(out, d->version);
  bw_json_key(out, "hash");
  bw_json_cstr(out, d->hash);
  bw_json_key(out, "who");
  bw_json_cstr(out, d->who);
  bw_json_key(out, "at");
  bw_json_time(out, d->at);
  bw_json_key(out, "verdict");
  bw_json_cstr(out, bw_verdict_name(d->verdict));
  bw_json_key(out, "reason");
  bw_json_cstr(out, d->reason);
  bw_json_key(out, "until");
  bw_json_time(out, d->until);
  bw_json_close(out, '}');
}

/* ---- reading ------------------------------------------------------------ */

static int read_row(struct bw_stmt *q, struct bw_decision *ret, struct bw_error *err)
{
  struct bw_str hash = bw_stmt_col_str(q, 3), verdict = bw_stmt_col_str(q, 6);
  struct bw_decision d = {.id = bw_stmt_col_int(q, 0), .version = bw_stmt_col_int(q, 2), .at = bw_stmt_col_int(q, 5)};
  size_t v;
  for (v = BW_VERDICT_APPROVED; v <= BW_VERDICT_SNOOZED; v++)
    if (bw_str_is(verdict, verdicts[v]))
      d.verdict = (enum bw_verdict)v;
  if (!d.verdict || hash.len >= sizeof d.hash)
    return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "decision %lld is damaged; restore the database from a copy",
                   (long long)d.id);
  memcpy(d.hash, hash.data ? hash.data : "", hash.len);
  d.lead = bw_str_dup(bw_stmt_col_str(q, 1));
  d.who = bw_str_dup(bw_stmt_col_str(q, 4));
  d.reason = bw_str_dup(bw_stmt_col_str(q, 7));
  d.until = bw_stmt_col_null(q, 8) ? BW_TIME_NONE : bw_stmt_col_int(q, 8);
  *ret = d;
  return BW_OK;
}

static int read_one(struct bw_store *s, const char *sql, struct bw_str lead, struct bw_decision *ret, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, sql, &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, lead);
  rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  if (rc == 0)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no such decision on lead %s", bw_log_quote(lead));
  rc = read_row(q, ret, err);
  bw_stmt_reset(q);
  return rc;
}

#define COLUMNS "SELECT id, lead, version, hash, who, at, verdict, reason, until FROM decision "

int bw_decision_approval(struct bw_store *s, struct bw_str lead, struct bw_decision *ret_decision, struct bw_error *err)
{
  return read_one(s, COLUMNS "WHERE lead = ?1 AND verdict = 'approved'", lead, ret_decision, err);
}

int bw_decision_latest(struct bw_store *s, struct bw_str lead, struct bw_decision *ret_decision, struct bw_error *err)
{
  return read_one(s, COLUMNS "WHERE lead = ?1 ORDER BY id DESC LIMIT 1", lead, ret_decision, err);
}

int bw_decision_each(struct bw_store *s, struct bw_str lead, void (*each)(void *ctx, const struct bw_decision *d), void *ctx,
                     struct bw_error *err)
{
  struct bw_decision d;
  struct bw_stmt *q;
  int rc = bw_store_prepare(s, COLUMNS "WHERE lead = ?1 ORDER BY id", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, lead);
  while ((rc = bw_stmt_step(q, err)) == 1) {
    rc = read_row(q, &d, err);
    if (rc < 0)
      break;
    each(ctx, &d);
    bw_decision_clear(&d);
  }
  bw_stmt_reset(q);
  return rc;
}

/* ---- writing ------------------------------------------------------------ */

static int insert(struct bw_store *s, struct bw_decision *d, struct bw_error *err)
{
  struct bw_stmt *q;
  int rc = bw_store_prepare(
      s, "INSERT INTO decision (lead, version, hash, who, at, verdict, reason, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(d->lead));
  bw_stmt_int(q, 2, d->version);
  bw_stmt_text(q, 3, bw_str(d->hash));
  bw_stmt_text(q, 4, bw_str(d->who));
  bw_stmt_int(q, 5, d->at);
  bw_stmt_text(q, 6, bw_str(bw_verdict_name(d->verdict)));
  bw_stmt_text(q, 7, bw_str(d->reason));
  if (d->until == BW_TIME_NONE)
    bw_stmt_null(q, 8);
  else
    bw_stmt_int(q, 8, d->until);
  rc = bw_stmt_run(q, err);
  if (rc == BW_OK)
    d->id = bw_store_last_id(s);
  return rc;
}

/* One decision and its audit row; ret takes it over. */
static int record(struct bw_store *s, struct bw_decision *d, struct bw_decision *ret, struct bw_error *err)
{
  struct bw_buf subject = {0};
  int rc = insert(s, d, err);
  if (rc == BW_OK) {
    bw_decision_json(&subject, d);
    rc = bw_audit_append(s, d->at, bw_str(d->who), bw_verdict_name(d->verdict), bw_buf_str(&subject), err);
    bw_buf_clear(&subject);
  }
  if (rc == BW_OK && ret)
    *ret = *d;
  else
    bw_decision_clear(d);
  return rc;
}

static int check_request(const struct bw_decision_request *r, enum bw_verdict verdict, struct bw_error *err)
{
  if (!bw_person_valid(r->who))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "a decision needs the name of the person who takes it: 1 to 200 bytes on one line");
  if (r->lead.len == 0 || r->lead.len > 200)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a decision needs a lead; `basewatch inbox` lists them");
  if (r->reason.len > MAX_REASON || !bw_utf8_valid(r->reason.data, r->reason.len) ||
      (r->reason.len && memchr(r->reason.data, '\0', r->reason.len)))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a reason is UTF-8 text of at most %d bytes", MAX_REASON);
  return r->may ? r->may(r->ctx, r->lead, verdict, err) : BW_OK;
}

static struct bw_decision decision_of(const struct bw_decision_request *r, enum bw_verdict verdict)
{
  struct bw_decision d = {.at = r->now, .verdict = verdict, .until = BW_TIME_NONE};
  d.lead = bw_str_dup(r->lead);
  d.who = bw_str_dup(r->who);
  d.reason = bw_str_dup(r->reason);
  return d;
}

/* ---- approve ------------------------------------------------------------ */

static bool is_hash(struct bw_str h)
{
  size_t i;
  for (i = 0; i < h.len; i++)
    if (!((h.data[i] >= '0' && h.data[i] <= '9') || (h.data[i] >= 'a' && h.data[i] <= 'f')))
      return false;
  return h.len == BW_DRAFT_HASH - 1;
}

static int check_gaps(const struct bw_draft *d, struct bw_error *err)
{
  struct bw_buf b = {0};
  size_t i;
  int rc;
  if (d->complete)
    return BW_OK;
  for (i = 0; i < d->ngaps && b.len < 250; i++)
    bw_buf_printf(&b, "%s%.80s%s%.80s", i ? ", " : "", d->gaps[i].name, *d->gaps[i].reason ? " " : "", d->gaps[i].reason);
  rc = bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "the draft of %s has open places: %s; fill them first, then approve",
               d->lead, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return rc;
}

/* Which version has that text, if any: the person may have been looking at an older one. */
static int stale_hash(struct bw_store *s, const struct bw_draft *d, struct bw_str hash, struct bw_error *err)
{
  char at[BW_TIME_TEXT];
  struct bw_stmt *q;
  int64_t seen = 0;
  int rc = bw_store_prepare(s, "SELECT version FROM draft WHERE lead = ?1 AND hash = ?2", &q, err);
  if (rc < 0)
    return rc;
  bw_stmt_text(q, 1, bw_str(d->lead));
  bw_stmt_text(q, 2, hash);
  rc = bw_stmt_step(q, err);
  if (rc < 0)
    return rc;
  if (rc == 1)
    seen = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  bw_time_format(d->at, at);
  if (seen)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                   "you read version %lld of %s; %s edited it at %s and it is version %lld now: read it again, then approve",
                   (long long)seen, d->lead, d->by, at, (long long)d->version);
  return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                 "the hash is that of no version of %s's draft; `basewatch show %s` prints the present one (version %lld)",
                 d->lead, d->lead, (long long)d->version);
}

static int check_review(const struct bw_decision_request *r, struct bw_error *err)
{
  char until[BW_TIME_TEXT];
  if (r->review_until == BW_TIME_NONE || r->now >= r->review_until || (r->reviewer.len && bw_str_eq(r->who, r->reviewer)))
    return BW_OK;
  bw_time_format(r->review_until, until);
  if (r->reviewer.len)
    return bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT,
                   "%.*s is reviewing this lead until %s; before that only %.*s may approve it",
                   (int)(r->reviewer.len > 100 ? 100 : r->reviewer.len), r->reviewer.data, until,
                   (int)(r->reviewer.len > 100 ? 100 : r->reviewer.len), r->reviewer.data);
  return bw_fail(
      err, BW_ESTATE, BW_CLASS_PERMANENT,
      "this lead is open for review until %s and the account has no reviewer; anyone who owns it may approve after that",
      until);
}

static int check_first(struct bw_store *s, struct bw_str lead, struct bw_error *err)
{
  struct bw_decision before = {0};
  char at[BW_TIME_TEXT];
  int rc = bw_decision_approval(s, lead, &before, err);
  if (rc == BW_ENOTFOUND)
    return BW_OK;
  if (rc < 0)
    return rc;
  bw_time_format(before.at, at);
  rc = bw_fail(err, BW_ESTATE, BW_CLASS_PERMANENT, "%s approved version %lld of %s at %s already; it is sent once", before.who,
               (long long)before.version, before.lead, at);
  bw_decision_clear(&before);
  return rc;
}

/* Everything that stands against an approval of the current draft, which goes to *ret (cleared by the caller). */
static int check_approval(struct bw_store *s, const struct bw_decision_request *r, struct bw_draft *ret, struct bw_error *err)
{
  int rc;
  if ((rc = check_request(r, BW_VERDICT_APPROVED, err)) < 0 || (rc = check_first(s, r->lead, err)) < 0 ||
      (rc = bw_draft_load(s, r->lead, 0, ret, err)) < 0)
    return rc;
  /* The hash before the gaps: who read an older version is told that first. */
  if (r->hash.len && !bw_str_is(r->hash, ret->hash))
    return stale_hash(s, ret, r->hash, err);
  rc = check_gaps(ret, err);
  return rc < 0 ? rc : check_review(r, err);
}

int bw_approve_check(struct bw_store *s, const struct bw_decision_request *r, struct bw_error *err)
{
  struct bw_draft draft = {0};
  int rc = check_approval(s, r, &draft, err);
  bw_draft_clear(&draft);
  return rc;
}

int bw_approve(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err)
{
  struct bw_draft draft = {0};
  struct bw_decision d;
  int rc;
  if (!is_hash(r->hash))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "an approval needs the hash of the text that was read: 64 hex digits, as `basewatch show` prints it");
  rc = check_approval(s, r, &draft, err);
  if (rc == BW_OK) {
    d = decision_of(r, BW_VERDICT_APPROVED);
    d.version = draft.version;
    memcpy(d.hash, draft.hash, sizeof d.hash);
    rc = record(s, &d, ret_decision, err);
  }
  bw_draft_clear(&draft);
  return rc;
}

/* ---- reject, snooze ------------------------------------------------------ */

/* With the version that was current, if there is a draft; one that is damaged does not keep a lead from being put away. */
static int decide(struct bw_store *s, const struct bw_decision_request *r, enum bw_verdict verdict, struct bw_decision *ret,
                  struct bw_error *err)
{
  struct bw_draft draft = {0};
  struct bw_decision d;
  int rc = bw_draft_load(s, r->lead, 0, &draft, err);
  if (rc < 0 && rc != BW_ENOTFOUND && rc != BW_ECORRUPT)
    return rc;
  d = decision_of(r, verdict);
  d.version = draft.version;
  memcpy(d.hash, draft.hash, sizeof d.hash);
  if (verdict == BW_VERDICT_SNOOZED)
    d.until = r->until;
  bw_draft_clear(&draft);
  return record(s, &d, ret, err);
}

int bw_reject(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err)
{
  int rc = check_request(r, BW_VERDICT_REJECTED, err);
  size_t i = 0;
  if (rc < 0)
    return rc;
  while (i < r->reason.len && strchr(" \t\r\n", r->reason.data[i]))
    i++;
  if (i == r->reason.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "say why, in a few words: reasons are how the thresholds learn (--reason \"...\")");
  if ((rc = check_first(s, r->lead, err)) < 0)
    return rc;
  return decide(s, r, BW_VERDICT_REJECTED, ret_decision, err);
}

int bw_snooze(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err)
{
  int rc = check_request(r, BW_VERDICT_SNOOZED, err);
  if (rc < 0)
    return rc;
  if (r->until <= r->now || r->until - r->now > MAX_SNOOZE)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "snooze until a time that is later than now and within a year");
  if ((rc = check_first(s, r->lead, err)) < 0)
    return rc;
  return decide(s, r, BW_VERDICT_SNOOZED, ret_decision, err);
}
