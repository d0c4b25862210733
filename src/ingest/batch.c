/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of parsed records: one array of records, blocks of fields, the bytes of their strings.  Runs in every process that
 * parses (web, command line); no privileges. */
#include <stdlib.h>

#include "base/error.h"
#include "ingest/parser.h"

struct bw_event_batch *bw_event_batch_new(void)
{
  struct bw_event_batch *b = bw_alloc(sizeof *b);
  b->first = b->block = bw_realloc(NULL, 1, sizeof *b->block);
  b->first->next = NULL;
  return b;
}

static void drop_names(struct bw_event_batch *b)
{
  while (b->nnames > 0)
    bw_names_drop(&b->names[--b->nnames]);
}

void bw_event_batch_free(struct bw_event_batch **batch)
{
  struct bw_event_batch *b = *batch;
  struct bw_fields_block *f, *next;
  if (!b)
    return;
  for (f = b->first; f; f = next) {
    next = f->next;
    free(f);
  }
  drop_names(b);
  free(b->names);
  bw_arena_clear(&b->text);
  free(b->records);
  free(b);
  *batch = NULL;
}

void bw_event_batch_reset(struct bw_event_batch *b)
{
  b->count = 0;
  b->block = b->first;
  b->nfields = 0;
  bw_arena_reset(&b->text);
  drop_names(b);
}

const struct bw_batch *bw_event_batch_view(const struct bw_event_batch *batch)
{
  struct bw_event_batch *b = (struct bw_event_batch *)(uintptr_t)batch; /* the view is a cache of what the batch holds */
  b->view = (struct bw_batch){sizeof b->view, sizeof *b->records, b->count, b->records};
  return &b->view;
}

size_t bw_event_batch_count(const struct bw_event_batch *b)
{
  return b->count;
}

struct bw_record *bw_event_batch_records(struct bw_event_batch *b)
{
  return b->records;
}

struct bw_field *bw_event_batch_fields(struct bw_event_batch *b)
{
  if (BW_FIELDS_BLOCK - b->nfields < BW_RECORD_MAX_FIELDS + BW_SLOTS) {
    if (!b->block->next) {
      b->block->next = bw_realloc(NULL, 1, sizeof *b->block);
      b->block->next->next = NULL;
    }
    b->block = b->block->next;
    b->nfields = 0;
  }
  return b->block->fields + b->nfields;
}

struct bw_record *bw_event_batch_room(struct bw_event_batch *b)
{
  if (b->count == b->cap) {
    b->cap = b->cap ? b->cap * 2 : 256;
    b->records = bw_realloc(b->records, b->cap, sizeof *b->records);
  }
  return &b->records[b->count];
}

void bw_event_batch_taken(struct bw_event_batch *b)
{
  b->nfields += b->records[b->count++].nfields;
}

void bw_event_batch_use(struct bw_event_batch *b, struct bw_names *names)
{
  if (b->nnames > 0 && b->names[b->nnames - 1] == names)
    return;
  b->names = bw_realloc(b->names, b->nnames + 1, sizeof *b->names);
  b->names[b->nnames++] = bw_names_hold(names);
}

void bw_event_batch_truncate(struct bw_event_batch *b, size_t count)
{
  b->count = count; /* the fields and bytes stay until the reset: they are not worth the bookkeeping */
}

struct bw_str bw_event_batch_keep(struct bw_event_batch *b, struct bw_str s)
{
  return bw_arena_keep(&b->text, s);
}

static void merge(struct bw_record *to, const struct bw_record *a, size_t na, const struct bw_record *b, size_t nb)
{
  size_t i = 0, j = 0;
  while (i < na || j < nb) {
    if (j == nb || (i < na && a[i].time_ms <= b[j].time_ms))
      *to++ = a[i++];
    else
      *to++ = b[j++];
  }
}

/* Bottom-up, starting from the runs of 1; rare (exports that are not in order), so plain. */
static void merge_sort(struct bw_event_batch *b)
{
  struct bw_record *from = b->records, *to = bw_realloc(NULL, b->count, sizeof *to), *swap;
  size_t width, i;
  for (width = 1; width < b->count; width *= 2) {
    for (i = 0; i < b->count; i += 2 * width) {
      size_t left = b->count - i < width ? b->count - i : width;
      size_t right = b->count - i - left < width ? b->count - i - left : width;
      merge(to + i, from + i, left, from + i + left, right);
    }
    swap = from;
    from = to;
    to = swap;
  }
  b->records = from;
  b->cap = b->count;
  free(to);
}

bool bw_event_batch_sort(struct bw_event_batch *b)
{
  size_t i;
  for (i = 1; i < b->count; i++)
    if (b->records[i].time_ms < b->records[i - 1].time_ms) {
      merge_sort(b);
      return false;
    }
  return true;
}

int bw_event_batch_encode(const struct bw_event_batch *b, size_t from, struct bw_batch_writer *writer, size_t *ret_next,
                          struct bw_error *err)
{
  size_t i;
  int rc = BW_OK;
  for (i = from; i < b->count; i++) {
    rc = bw_batch_add(writer, &b->records[i], err);
    if (rc < 0)
      break;
  }
  if (ret_next)
    *ret_next = i;
  return rc;
}
