/* SPDX-License-Identifier: Apache-2.0 */
/* One entity: a block of packed fields; and the names that all share.  core process, replay. */
#include <math.h>
#include <stdlib.h>

#include "base/amount.h"
#include "base/time.h"
#include "book/private.h"

/* ---- names ---- */

int bw_name_find(const struct bw_book *b, struct bw_str name)
{
  void *p = bw_map_get(b->name_ids, name);
  return p ? (int)((uintptr_t)p - 1) : -1;
}

int bw_name_add(struct bw_book *b, struct bw_str name)
{
  int id = bw_name_find(b, name);
  if (id >= 0 || b->nnames == BW_BOOK_MAX_NAMES)
    return id;
  if (b->nnames == b->names_cap) {
    b->names_cap = b->names_cap ? b->names_cap * 2 : 64;
    b->names = bw_realloc(b->names, b->names_cap, sizeof *b->names);
  }
  b->names[b->nnames] = bw_str_dup(name);
  bw_map_put(b->name_ids, name, (void *)(uintptr_t)(b->nnames + 1));
  return (int)b->nnames++;
}

struct bw_str bw_name(const struct bw_book *b, uint16_t name)
{
  return bw_str(b->names[name]); /* names hold no NUL: bw_book_apply() saw to it */
}

/* ---- blocks ---- */

static const struct value *values(const struct bw_entity *e)
{
  return (const struct value *)(const void *)e->block;
}

static const char *texts(const struct bw_entity *e)
{
  return e->block + e->nvalues * sizeof(struct value) + e->id_len;
}

struct bw_entity *bw_entity_new(struct bw_book *b, enum bw_entity_kind kind, struct bw_str id)
{
  struct bw_entity *e = bw_alloc(sizeof *e);
  e->book = b;
  e->kind = (uint8_t)kind;
  e->id_len = (uint32_t)id.len;
  e->block = bw_strndup(id.data, id.len);
  return e;
}

void bw_entity_free(void *p)
{
  struct bw_entity *e = p;
  free(e->block);
  free(e);
}

void bw_entity_unpack(const struct bw_entity *e)
{
  struct bw_book *b = e->book;
  const struct value *v = values(e);
  size_t i;
  for (i = 0; i < e->nvalues; i++)
    b->work[i] = (struct work){.text = bw_str_n(texts(e) + v[i].at, v[i].len),
                               .number = v[i].number,
                               .source = v[i].source,
                               .time = v[i].time,
                               .name = v[i].name,
                               .type = v[i].type,
                               .flags = v[i].flags};
  b->nwork = e->nvalues;
}

void bw_entity_pack(struct bw_entity *e)
{
  struct bw_book *b = e->book;
  size_t i, head = b->nwork * sizeof(struct value), at = 0, total = 0;
  struct value *v;
  char *block, *text;
  for (i = 0; i < b->nwork; i++)
    total += b->work[i].text.len;
  block = bw_alloc(head + e->id_len + total + 1);
  v = (struct value *)(void *)block;
  text = block + head + e->id_len;
  memcpy(block + head, bw_entity_id(e).data, e->id_len);
  for (i = 0; i < b->nwork; i++) {
    const struct work *w = &b->work[i];
    v[i] = (struct value){
        .name = w->name, .len = (uint16_t)w->text.len, .number = w->number, .source = w->source, .time = w->time};
    v[i].at = (unsigned)at & 0xffffffu; /* 272 values of at most 8 KiB: 22 bits */
    v[i].type = w->type & 15u;
    v[i].flags = w->flags & 15u;
    if (w->text.len)
      memcpy(text + at, w->text.data, w->text.len);
    at += w->text.len;
  }
  free(e->block);
  e->block = block;
  e->nvalues = (uint16_t)b->nwork;
}

/* ---- looking ---- */

static const struct value *find(const struct bw_entity *e, const char *name, bool hidden)
{
  int id = e ? bw_name_find(e->book, bw_str(name)) : -1;
  const struct value *v;
  size_t i;
  if (id < 0)
    return NULL;
  v = values(e);
  for (i = 0; i < e->nvalues; i++)
    if (v[i].name == id)
      return v[i].type != BW_VALUE_NULL && (hidden || !(v[i].flags & VALUE_HIDDEN)) ? &v[i] : NULL;
  return NULL;
}

static struct bw_str text_of(const struct bw_entity *e, const struct value *v)
{
  if (v->type == BW_VALUE_BOOL)
    return v->number != 0 ? BW_STR("true") : BW_STR("false");
  return bw_str_n(texts(e) + v->at, v->len);
}

static const struct bw_field *field_of(const struct bw_entity *e, const struct value *v)
{
  struct bw_book *b = e->book;
  struct bw_field *f = &b->ring[b->ring_at++ % (sizeof b->ring / sizeof *b->ring)];
  *f = (struct bw_field){bw_name(b, v->name), text_of(e, v), v->number, BW_SECTION_TRAITS, v->type};
  return f;
}

const char *bw_entity_kind_name(enum bw_entity_kind kind)
{
  static const char *const names[BW_ENTITY_KINDS] = {"account", "contact", "plan", "subscription", "opportunity"};
  return (unsigned)kind < BW_ENTITY_KINDS ? names[kind] : "unknown";
}

struct bw_str bw_entity_id(const struct bw_entity *e)
{
  return bw_str_n(e->block + e->nvalues * sizeof(struct value), e->id_len);
}

struct bw_str bw_entity_raw(const struct bw_entity *e, const char *name)
{
  const struct value *v = find(e, name, true);
  return v ? text_of(e, v) : BW_STR("");
}

struct bw_str bw_entity_account(const struct bw_entity *e)
{
  if (e->kind == BW_ENTITY_ACCOUNT || e->kind == BW_ENTITY_SUBSCRIPTION)
    return bw_entity_id(e);
  return bw_entity_raw(e, ACCOUNT_FIELD);
}

const struct bw_field *bw_entity_field(const struct bw_entity *e, const char *name)
{
  const struct value *v = find(e, name, false);
  return v ? field_of(e, v) : NULL;
}

struct bw_str bw_entity_text(const struct bw_entity *e, const char *name)
{
  const struct value *v = find(e, name, false);
  return v ? text_of(e, v) : BW_STR("");
}

bool bw_entity_flag(const struct bw_entity *e, const char *name)
{
  const struct bw_field *f = bw_entity_field(e, name);
  if (!f || f->type == BW_VALUE_NULL)
    return false;
  if (f->type == BW_VALUE_BOOL || f->type == BW_VALUE_NUMBER)
    return f->number != 0;
  return bw_word_says_yes(f->text);
}

double bw_entity_number(const struct bw_entity *e, const char *name, double missing)
{
  const struct value *v = find(e, name, false);
  char text[48], *end;
  double number;
  if (!v)
    return missing;
  if (v->type == BW_VALUE_NUMBER || v->type == BW_VALUE_BOOL)
    return v->number;
  if (v->type != BW_VALUE_STRING || v->len == 0 || v->len >= sizeof text)
    return missing;
  if (bw_number_expected((enum bw_entity_kind)e->kind, bw_str(name))) /* "50.000" was told of as unreadable */
    return bw_money_parse(text_of(e, v), &number) == 0 ? number : missing;
  memcpy(text, texts(e) + v->at, v->len);
  text[v->len] = '\0';
  number = strtod(text, &end);
  return end == text + v->len && isfinite(number) ? number : missing;
}

int64_t bw_entity_time(const struct bw_entity *e, const char *name)
{
  const struct value *v = find(e, name, false);
  int64_t ms;
  return v && v->type == BW_VALUE_STRING && bw_time_parse(text_of(e, v), &ms) == 0 ? ms : BW_TIME_NONE;
}

uint64_t bw_entity_source(const struct bw_entity *e, const char *name)
{
  const struct value *v = find(e, name, false);
  return v ? v->source : 0;
}

bool bw_entity_at(const struct bw_entity *e, size_t i, const struct bw_field **ret_field, uint64_t *ret_source)
{
  const struct value *v = values(e);
  size_t k;
  for (k = 0; k < e->nvalues; k++) {
    if (v[k].type == BW_VALUE_NULL || (v[k].flags & VALUE_HIDDEN) || i-- > 0)
      continue;
    if (ret_field)
      *ret_field = field_of(e, &v[k]);
    if (ret_source)
      *ret_source = v[k].source;
    return true;
  }
  return false;
}

int64_t bw_book_renewal(const struct bw_entity *account, const struct bw_entity *subscription,
                        const struct bw_entity **ret_says)
{
  const struct bw_entity *says = account;
  int64_t t = account ? bw_entity_time(account, "renewal") : BW_TIME_NONE;
  if (t == BW_TIME_NONE) {
    says = subscription;
    t = subscription ? bw_entity_time(subscription, "end") : BW_TIME_NONE;
  }
  if (ret_says)
    *ret_says = t == BW_TIME_NONE ? NULL : says;
  return t;
}
