/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trie of the orders in which keys come (after the idea of speculative parsing: what a sender wrote before tells where the
 * values of its next event stand).  It only ever saves work: whatever it does not know is scanned in full.  Runs in every
 * process that parses; no privileges.
 */
#include "ingest/parser.h"

void bw_shapes_clear(struct bw_shapes *shapes)
{
  free(shapes->steps);
  bw_arena_clear(&shapes->texts);
  *shapes = (struct bw_shapes){0};
}

struct bw_step *bw_shapes_begin(struct bw_shapes *shapes)
{
  if (shapes->missed > BW_STEPS_MISSED)
    bw_shapes_clear(shapes);
  if (!shapes->steps) {
    shapes->steps = bw_realloc(NULL, BW_STEPS_MAX, sizeof *shapes->steps);
    shapes->steps[0] = (struct bw_step){.depth = 1};
    shapes->count = 1;
  }
  return shapes->steps;
}

/* A line break would lead from one line into the next. */
static bool may_stand(struct bw_str text)
{
  return text.len > 0 && text.len <= BW_STEP_LEN_MAX && !memchr(text.data, '\n', text.len);
}

struct bw_step *bw_shapes_add(struct bw_shapes *shapes, struct bw_step *from, struct bw_str text, const struct bw_step *like)
{
  struct bw_step *step;
  size_t n = text.len < BW_STEP_BLOCK ? text.len : BW_STEP_BLOCK;
  if (shapes->count == BW_STEPS_MAX)
    shapes->missed++;
  if (shapes->count == BW_STEPS_MAX || from->nchildren == BW_STEP_SIBLINGS || like->nkeys > BW_STEP_KEYS_MAX ||
      !may_stand(text))
    return NULL;
  step = &shapes->steps[shapes->count++];
  *step = *like;
  step->mask = n == BW_STEP_BLOCK ? UINT32_MAX : (UINT32_C(1) << n) - 1;
  step->len = (uint16_t)text.len;
  memcpy(step->text, text.data, n);
  if (text.len > n)
    step->rest = bw_arena_keep(&shapes->texts, bw_str_n(text.data + n, text.len - n)).data;
  step->parent = from;
  step->sibling = from->child;
  from->child = step;
  from->nchildren++;
  return step;
}
