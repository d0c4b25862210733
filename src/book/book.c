/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the book.  core process, replay. */
#include "book/book.h"

#include <sodium.h>
#include <stdlib.h>

#include "book/private.h"

int bw_book_open(struct bw_store *store, struct bw_book **ret_book, struct bw_error *err)
{
  struct bw_book *b;
  size_t k;
  int rc = BW_OK;
  if (sodium_init() < 0)
    return bw_fail(err, BW_EIO, BW_CLASS_TRANSIENT, "libsodium cannot start: no random numbers from the kernel");
  b = bw_alloc(sizeof *b);
  b->store = store;
  b->name_ids = bw_map_new();
  b->changed = bw_map_new();
  b->odd = bw_map_new();
  for (k = 0; k < BW_ENTITY_KINDS; k++) {
    b->entities[k] = bw_map_new();
    b->members[k] = bw_map_new();
  }
  if (store)
    rc = bw_book_load(b, err);
  if (rc) {
    bw_book_close(&b);
    return rc;
  }
  *ret_book = b;
  return BW_OK;
}

void bw_book_close(struct bw_book **bp)
{
  struct bw_book *b = *bp;
  if (!b)
    return;
  bw_past_clear(b);
  free(b->past);
  bw_index_free(b);
  free(b->dirty);
  bw_map_free(&b->name_ids, NULL);
  bw_map_free(&b->odd, NULL);
  while (b->nnames)
    free(b->names[--b->nnames]);
  free(b->names);
  bw_buf_clear(&b->scratch);
  free(b);
  *bp = NULL;
}
