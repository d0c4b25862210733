/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: an approved draft becomes one message in a Maildir, at most once.  Three parts: the message (text in, bytes out),
 * the courier (files only, no store), the outbox (states in the store).
 */
#ifndef BW_DELIVERY_DELIVERY_H
#define BW_DELIVERY_DELIVERY_H

#include <sys/types.h>

#include "approvals/approvals.h"

/* ---- the message -------------------------------------------------------- */

/* All borrowed; UTF-8. */
struct bw_mail {
  struct bw_str from; /* "a@b.c" or "Name <a@b.c>" */
  struct bw_str to;   /* comma-separated addresses */
  struct bw_str subject;
  struct bw_str body;
  int64_t date;       /* ms UTC */
  struct bw_str lead; /* with version and hash: the Message-ID */
  int64_t version;
  struct bw_str hash;
  struct bw_str domain; /* right side of the Message-ID; empty: that of from */
};

/*
 * RFC 5322 with MIME: UTF-8, quoted-printable, lines folded, encoded words (RFC 2047) where a header is not ASCII.  LF line
 * ends, as Maildirs have them.  Same input, same bytes.  BW_EINVAL, naming the header, for any control character in a header,
 * an address that is none, text that is not UTF-8, NUL in the body: nothing is repaired in silence.
 */
int bw_mail_build(const struct bw_mail *m, struct bw_buf *out, struct bw_error *err);
/* Is it what may stand in From: "Name <a@b.c>" or "a@b.c"? */
int bw_mail_check_sender(struct bw_str from, struct bw_error *err);

/* ---- the courier: a Maildir --------------------------------------------- */

/* The system calls it makes, so that a test can fail or end the process between any two.  NULL: the real ones. */
struct bw_maildir_sys {
  int (*open)(void *ctx, const char *path, int flags, unsigned mode);
  ssize_t (*write)(void *ctx, int fd, const void *data, size_t len);
  int (*fsync)(void *ctx, int fd);
  int (*close)(void *ctx, int fd);
  int (*rename)(void *ctx, const char *from, const char *to);
  int (*unlink)(void *ctx, const char *path);
  int (*mkdir)(void *ctx, const char *path, unsigned mode);
  void *ctx;
};

#define BW_MAILDIR_NAME 128
/* The file's name, made of the approval's time and hash only: "1795312345.bw-<hash>.basewatch". */
void bw_maildir_name(int64_t at, const char *hash, char ret_name[BW_MAILDIR_NAME]);

/* Writes tmp/NAME (replacing what a crash left), flushed to disk with its directory; makes the Maildir if it is not there. */
int bw_maildir_write(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_str bytes,
                     struct bw_error *err);
enum bw_maildir_place { BW_MAILDIR_NOWHERE, BW_MAILDIR_TMP, BW_MAILDIR_NEW, BW_MAILDIR_CUR };
/* Where the message is now; new/ and cur/ win over tmp/.  In cur/ the name may carry flags (":2,S"). */
int bw_maildir_find(const char *dir, const char *name, enum bw_maildir_place *ret_place, struct bw_error *err);
/* The bytes of tmp/NAME. */
int bw_maildir_read(const char *dir, const char *name, struct bw_buf *out, struct bw_error *err);
/* tmp/NAME to new/NAME, flushed. */
int bw_maildir_publish(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_error *err);
/* Flushes new/ and cur/ and removes tmp/NAME if a crash left one. */
int bw_maildir_settle(const struct bw_maildir_sys *sys, const char *dir, const char *name, struct bw_error *err);

/* ---- the outbox --------------------------------------------------------- */

enum bw_outbox_state { BW_OUTBOX_STAGED = 1, BW_OUTBOX_READY, BW_OUTBOX_SENT, BW_OUTBOX_PARKED, BW_OUTBOX_FAILED };
const char *bw_outbox_state_name(enum bw_outbox_state st);

struct bw_outbox_item {
  int64_t id;
  struct bw_str lead, hash, name, from, error; /* borrowed for the call; from: empty means the config's */
  int64_t version;
  enum bw_outbox_state state;
  int64_t attempts;
  int64_t at;      /* approved, ms UTC */
  int64_t next_at; /* not tried before this */
  int64_t done_at; /* sent, parked or failed; BW_TIME_NONE while it is on its way */
};

struct bw_outbox_config {
  const char *maildir;              /* of the channel "mail"; its parent must exist */
  const char *from;                 /* default sender, "Name <a@b.c>" */
  const char *domain;               /* of Message-IDs; NULL: that of the sender */
  const struct bw_maildir_sys *sys; /* NULL: the real ones */
  /* Told when a message is parked or failed, and at the first failure of a series; for the operator.  May be NULL. */
  void (*notice)(void *ctx, const struct bw_outbox_item *item, const char *message);
  /* Told of every new state, inside the step's transaction: what the caller writes there is durable with it.  May be NULL. */
  void (*changed)(void *ctx, const struct bw_outbox_item *item);
  void *ctx;
};

struct bw_outbox;
/* The config's strings are copied; sys, the callbacks and ctx borrowed.  The store is borrowed. */
struct bw_outbox *bw_outbox_new(struct bw_store *s, const struct bw_outbox_config *config);
void bw_outbox_free(struct bw_outbox **ob);
/* Where the next steps deliver to, and whom from, where the approval named nobody. */
void bw_outbox_configure(struct bw_outbox *ob, const char *maildir, const char *from);

/*
 * The protocol.  The caller owns the transaction; a step acts on the outside world only upon a state that is already durable:
 *
 *   begin; bw_approve; bw_outbox_add; commit; bw_outbox_committed                    staged is durable
 *   begin; bw_outbox_step -> tmp/NAME written and flushed, row: ready; commit; ..._committed
 *   begin; bw_outbox_step -> renamed to new/NAME and flushed, row: sent; commit; ..._committed
 *
 * After add or a step that did something, the next step is refused (BW_ESTATE) until bw_outbox_committed (or
 * bw_outbox_rolled_back) is called, so that two steps can never share a transaction.  After a crash nothing special is
 * needed, steps go on from the rows:
 *   staged                                  tmp is written again from the start
 *   ready, in tmp                           its bytes are compared with what was staged, then renamed
 *   ready, not in tmp, but in new or cur    sent
 *   ready, nowhere                          parked: a person decides; never sent again by itself
 * Before staging, the text is hashed again and compared with the approved hash: a difference parks it.  Failures of the
 * file system are tried again after 30 s, doubling, up to an hour.  A message that cannot be built is failed.
 */
/* from: "Name <a@b.c>" of the owner; empty: the config's.  BW_EEXIST: the lead has one already. */
int bw_outbox_add(struct bw_outbox *ob, const struct bw_decision *approval, struct bw_str from, int64_t *ret_id,
                  struct bw_error *err);
/* One step for the oldest item that is due.  0 with *ret_did false: nothing to do now; *ret_next (may be NULL) is when the next
   is due, or BW_TIME_NONE.  Negative: the store failed; roll back. */
int bw_outbox_step(struct bw_outbox *ob, int64_t now, bool *ret_did, int64_t *ret_next, struct bw_error *err);
void bw_outbox_committed(struct bw_outbox *ob);
void bw_outbox_rolled_back(struct bw_outbox *ob);
/* begin, step, commit until nothing is due (at most 1000 steps).  No transaction may be open. */
int bw_outbox_drain(struct bw_outbox *ob, int64_t now, size_t *ret_steps, int64_t *ret_next, struct bw_error *err);
/* A person has looked at a parked or failed item: send it (again), or let it rest.  In the open transaction; audited. */
int bw_outbox_resend(struct bw_outbox *ob, int64_t id, struct bw_str who, int64_t now, struct bw_error *err);
/* Every item with one of the states in mask (1 << state; 0: all), oldest first. */
int bw_outbox_each(struct bw_outbox *ob, unsigned mask, void (*each)(void *ctx, const struct bw_outbox_item *item), void *ctx,
                   struct bw_error *err);

extern const struct bw_schema bw_delivery_schema;

#endif
