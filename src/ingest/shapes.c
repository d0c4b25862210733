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

/* ---- following ---- */

/* Is the value that begins with c one of the step's kind? */
static inline bool step_takes(const struct bw_step *t, char c)
{
  if (t->kind == BW_STEP_NUMBER)
    return c == '-' || (unsigned char)(c - '0') < 10;
  return t->kind != BW_STEP_OTHER || c == 't' || c == 'f' || c == 'n' || c == '[';
}

static inline bool step_leads(const struct bw_step *t, const char *s)
{
  int i;
#if defined(__SSE2__)
  const __m128i *have = (const __m128i *)(const void *)s, *want = (const __m128i *)(const void *)t->text;
  uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(have), _mm_loadu_si128(want)));
  uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(have + 1), _mm_loadu_si128(want + 1)));
  if (~(low | high << 16) & t->mask)
    return false;
#else
  if (memcmp(t->text, s, t->len < BW_STEP_BLOCK ? t->len : BW_STEP_BLOCK) != 0)
    return false;
#endif
  if (__builtin_expect(t->len > BW_STEP_BLOCK, 0))
    for (i = BW_STEP_BLOCK; i < t->len; i++) /* stops at the byte that ends the text: no step has it */
      if (t->rest[i - BW_STEP_BLOCK] != s[i])
        return false;
  return t->kind == BW_STEP_STRING || step_takes(t, s[t->len]);
}

/* The step that the bytes at s lead to.  One that is found is moved up: in time the usual ones are asked first. */
static inline struct bw_step *next_step(struct bw_step *from, const char *s)
{
  struct bw_step *t = from->child, **up = &from->child;
  while (t && !step_leads(t, s)) {
    struct bw_step *next = t->sibling;
    if (next && step_leads(next, s)) {
      t->sibling = next->sibling;
      next->sibling = t;
      *up = next;
      return next;
    }
    up = &t->sibling;
    t = next;
  }
  return t;
}

/* The value at s, where nothing about it is out of the ordinary.  Its end (a string's closing quote), or NULL. */
static inline const char *step_value(struct bw_event_parser *p, const struct bw_step *t, const char *s)
{
  const char *end;
  double number = 0;
  uint32_t type = BW_VALUE_STRING;
  struct bw_str text;
  if (t->kind == BW_STEP_STRING) {
    end = bw_json_plain_end(s);
    if (__builtin_expect(*end != '"', 0))
      return NULL;
  } else if (t->kind == BW_STEP_NUMBER) {
    type = BW_VALUE_NUMBER;
    end = bw_json_small_number(s, &number);
    if (__builtin_expect(!end, 0))
      return NULL;
  } else {
    return t->kind == BW_STEP_EMPTY ? s : NULL;
  }
  text = (struct bw_str){s, (size_t)(end - s)};
  if (t->slot < BW_SLOTS) {
    p->slots[t->slot] = text;
    if (__builtin_expect(text.len == 0, 0))
      p->empty |= BW_SLOT_BIT(t->slot);
  } else {
    p->fields[t->nfields] = (struct bw_field){t->key->name, text, number, t->key->section, type};
  }
  return end;
}

/* The same for any value.  NULL: it is one to complain of, and nothing was taken. */
static __attribute__((noinline)) const char *step_any_value(struct bw_event_parser *p, const struct bw_step *t, const char *s)
{
  p->nfields = t->nfields;
  if (t->kind == BW_STEP_NUMBER)
    return bw_scan_number(p, t->key, s);
  if (t->kind == BW_STEP_OTHER)
    return bw_scan_other(p, t->key, s, t->depth);
  s = bw_scan_string(p, t->key, s);
  return s ? s - 1 : NULL;
}

void bw_shapes_arrive(struct bw_event_parser *p, const struct bw_step *t)
{
  p->present = t->present;
  p->numeric = t->numeric;
  p->nfields = t->nfields + (t->key && t->slot == BW_SLOT_NONE && t->kind < BW_STEP_EMPTY ? 1u : 0u);
  p->check_names = t->dotted;
}

bool bw_shapes_follow(struct bw_event_parser *p, struct bw_place *at)
{
  struct bw_step *step = at->step, *t;
  const char *from = at->from, *s, *end = NULL;
  while ((t = next_step(step, from)) != NULL) {
    s = from + t->len;
    if (t->kind == BW_STEP_END) {
      at->from = s;
      bw_shapes_arrive(p, step);
      return true;
    }
    end = step_value(p, t, s);
    if (__builtin_expect(!end, 0) && !(end = step_any_value(p, t, s)))
      break;
    step = t;
    from = end;
  }
  at->from = from;
  at->step = step;
  return false;
}
