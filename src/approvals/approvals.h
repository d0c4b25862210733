/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals: decisions of named people, each bound to the hash of the exact text that they saw, and the audit chain that
 * every later deed hangs on.  Lead states are the plays' business: the caller brings a check.
 */
#ifndef BW_APPROVALS_APPROVALS_H
#define BW_APPROVALS_APPROVALS_H

#include "base/time.h"
#include "drafts/drafts.h"

enum bw_verdict { BW_VERDICT_APPROVED = 1, BW_VERDICT_REJECTED, BW_VERDICT_SNOOZED };
const char *bw_verdict_name(enum bw_verdict v); /* "approved" ... */

/* What a person asks for.  Everything is borrowed for the call. */
struct bw_decision_request {
  struct bw_str lead;
  struct bw_str hash;     /* approve: of the text that the person saw, 64 hex digits */
  struct bw_str who;      /* a person; validated */
  struct bw_str reason;   /* reject: required; else may be empty; at most 2000 bytes */
  int64_t now;            /* ms UTC */
  int64_t until;          /* snooze: later than now, at most a year */
  int64_t review_until;   /* approve: before this only the reviewer may; BW_TIME_NONE: no review window */
  struct bw_str reviewer; /* approve: may be empty */
  /* May the lead take this verdict now?  0, or a negative code with a message for the person.  NULL: always. */
  int (*may)(void *ctx, struct bw_str lead, enum bw_verdict verdict, struct bw_error *err);
  void *ctx;
};

/* init by zeroing; owns its strings. */
struct bw_decision {
  int64_t id;
  char *lead;
  int64_t version; /* of the draft; 0 where there was none */
  char hash[BW_DRAFT_HASH];
  char *who;
  int64_t at;
  enum bw_verdict verdict;
  char *reason;
  int64_t until; /* snoozed; else BW_TIME_NONE */
};
void bw_decision_clear(struct bw_decision *d);

/*
 * All run inside the caller's open transaction, write one decision and one audit row, and leave the store as it was when they
 * refuse.  ret_decision may be NULL.
 *
 * Approve refuses, saying what to do: BW_EINVAL (name, hash malformed), BW_ENOTFOUND (no draft), BW_ESTATE (the draft has
 * gaps; the hash is not that of the current version because someone edited in between, or of no version at all; the review
 * window is open; already approved; the lead's state), BW_ECORRUPT (the stored text does not match its own hash).
 */
int bw_approve(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err);
/* What bw_approve would refuse, with its message, or 0; writes nothing.  r->hash may be empty: then the current text is meant.
 */
int bw_approve_check(struct bw_store *s, const struct bw_decision_request *r, struct bw_error *err);
int bw_reject(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err);
int bw_snooze(struct bw_store *s, const struct bw_decision_request *r, struct bw_decision *ret_decision, struct bw_error *err);

/* The lead's approval (there is at most one), or its latest decision of any kind.  BW_ENOTFOUND. */
int bw_decision_approval(struct bw_store *s, struct bw_str lead, struct bw_decision *ret_decision, struct bw_error *err);
int bw_decision_latest(struct bw_store *s, struct bw_str lead, struct bw_decision *ret_decision, struct bw_error *err);
/* Every decision on the lead, oldest first. */
int bw_decision_each(struct bw_store *s, struct bw_str lead, void (*each)(void *ctx, const struct bw_decision *d), void *ctx,
                     struct bw_error *err);
void bw_decision_json(struct bw_buf *out, const struct bw_decision *d);

/* ---- audit -------------------------------------------------------------- */

/*
 * Append-only: every row's hash covers its own content and the hash before it.  The store refuses to change or delete a row;
 * who can write the file can still rewrite the whole chain, so operators may keep bw_audit_head elsewhere.
 * subject is JSON.  In the open transaction.  s may be NULL: nothing is kept.
 */
int bw_audit_append(struct bw_store *s, int64_t at, struct bw_str who, const char *action, struct bw_str subject,
                    struct bw_error *err);
/* 0: whole, *ret_rows rows.  BW_ECORRUPT: the message names the first row that does not fit, *ret_rows (its seq). */
int bw_audit_verify(struct bw_store *s, int64_t *ret_rows, struct bw_error *err);
/* seq and hash of the last row; seq 0 and 64 zeros where there is none. */
int bw_audit_head(struct bw_store *s, int64_t *ret_seq, char ret_hash[BW_DRAFT_HASH], struct bw_error *err);

extern const struct bw_schema bw_approvals_schema;

#endif
