/* SPDX-License-Identifier: Apache-2.0 */
/* What the outbox tests share: a store with one approved draft, a Maildir in a temporary directory. */
#ifndef BW_DELIVERY_TESTS_DESK_H
#define BW_DELIVERY_TESTS_DESK_H

#include "delivery/delivery.h"

#define NOW INT64_C(1795312345000)
#define LEAD "L1"

struct desk {
  char dir[64];
  char *maildir, *file; /* the Maildir; the store's file */
  struct bw_store *store;
  struct bw_outbox *outbox;
  const struct bw_maildir_sys *sys;
  unsigned notices, changes;
  char said[512]; /* the latest notice */
};

/* Makes the directory and the names in it. */
void desk_make(struct desk *d);
/* Removes it. */
void desk_remove(struct desk *d);
/* Opens or closes store and outbox; 0 or a negative code. */
int desk_open(struct desk *d);
void desk_close(struct desk *d);
/* Saves a draft of LEAD with this body; approves it and puts it in the outbox; does not commit. */
int desk_draft(struct desk *d, const char *body);
int desk_approve(struct desk *d);
/* The item's state now. */
enum bw_outbox_state desk_state(struct desk *d);
/* How many files tmp, new or cur has; the last one's content to *ret (may be NULL). */
size_t desk_files(const struct desk *d, const char *sub, struct bw_buf *ret);
/* The bytes that the message must have. */
void desk_expected(struct desk *d, const char *body, struct bw_buf *ret);

#endif
