/* SPDX-License-Identifier: Apache-2.0 */
/* Whether values are equal, and which comes first; the making of lists and maps within their limits.  No privileges. */
#include <math.h>

#include "expr/private.h"

/* Exactly: an int64 near 2^63 and its double are told apart. */
static int compare_id(int64_t i, double d)
{
  double whole;
  if (d >= 9223372036854775808.0)
    return -1;
  if (d < -9223372036854775808.0)
    return 1;
  whole = floor(d);
  if (i != (int64_t)whole)
    return i < (int64_t)whole ? -1 : 1;
  return d > whole ? -1 : 0;
}

int bw_expr_value_order(const struct bw_value *a, const struct bw_value *b)
{
  if (a->type == BW_TYPE_INT && b->type == BW_TYPE_DOUBLE)
    return isnan(b->d) ? 2 : compare_id(a->i, b->d);
  if (a->type == BW_TYPE_DOUBLE && b->type == BW_TYPE_INT)
    return isnan(a->d) ? 2 : -compare_id(b->i, a->d);
  if (a->type != b->type)
    return 2;
  switch (a->type) {
  case BW_TYPE_BOOL:
    return (int)a->b - (int)b->b;
  case BW_TYPE_DOUBLE:
    return a->d < b->d ? -1 : a->d > b->d ? 1 : isnan(a->d) || isnan(b->d) ? 2 : 0;
  case BW_TYPE_STRING: {
    size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
    int c = n ? memcmp(a->s.data, b->s.data, n) : 0;
    return c ? (c < 0 ? -1 : 1) : a->s.len < b->s.len ? -1 : a->s.len > b->s.len;
  }
  case BW_TYPE_NULL:
    return 0;
  case BW_TYPE_INT:
  case BW_TYPE_TIMESTAMP:
  case BW_TYPE_DURATION:
  case BW_TYPE_RANK:
    return a->i < b->i ? -1 : a->i > b->i;
  default:
    return 2;
  }
}

/* The value at a key of a map; NULL: none. */
static const struct bw_value *find(const struct bw_value *map, const struct bw_value *key)
{
  size_t i;
  for (i = 0; i < map->list.n; i++)
    if (bw_expr_value_equal(&map->list.items[2 * i], key))
      return &map->list.items[2 * i + 1];
  return NULL;
}

static bool equal_lists(const struct bw_value *a, const struct bw_value *b)
{
  size_t i;
  for (i = 0; i < a->list.n; i++)
    if (!bw_expr_value_equal(&a->list.items[i], &b->list.items[i]))
      return false;
  return true;
}

static bool equal_maps(const struct bw_value *a, const struct bw_value *b)
{
  size_t i;
  for (i = 0; i < a->list.n; i++) {
    const struct bw_value *other = find(b, &a->list.items[2 * i]);
    if (!other || !bw_expr_value_equal(&a->list.items[2 * i + 1], other))
      return false;
  }
  return true;
}

bool bw_expr_value_equal(const struct bw_value *a, const struct bw_value *b)
{
  if (a->type == BW_TYPE_TYPE && b->type == BW_TYPE_TYPE)
    return bw_str_eq(a->s, b->s);
  if (a->type != b->type || (a->type != BW_TYPE_LIST && a->type != BW_TYPE_MAP))
    return bw_expr_value_order(a, b) == 0;
  if (a->list.n != b->list.n)
    return false;
  return a->type == BW_TYPE_LIST ? equal_lists(a, b) : equal_maps(a, b);
}

/* Comparing what is large costs more; maps are searched for each of their keys. */
static bool pay_for(struct bw_eval *ev, const struct bw_value *a, const struct bw_value *b, struct bw_value *r)
{
  size_t steps = 0;
  if (a->type == BW_TYPE_LIST || a->type == BW_TYPE_MAP) {
    size_t wa = bw_expr_weight(a), wb = bw_expr_weight(b);
    steps = (wa < wb ? wa : wb) / 4;
    steps *= a->type == BW_TYPE_MAP || wa > 64 ? 1 + (wa < wb ? wa : wb) / 64 : 1;
  } else if (a->type == BW_TYPE_STRING && b->type == BW_TYPE_STRING) {
    steps = (a->s.len < b->s.len ? a->s.len : b->s.len) / 256;
  }
  return steps == 0 || bw_expr_pay(ev, steps, r);
}

FN(bw_expr_equal)
{
  UNUSED;
  if (pay_for(ev, &a[0], &a[1], r))
    *r = bw_value_bool(bw_expr_value_equal(&a[0], &a[1]));
}

FN(bw_expr_not_equal)
{
  UNUSED;
  if (pay_for(ev, &a[0], &a[1], r))
    *r = bw_value_bool(!bw_expr_value_equal(&a[0], &a[1]));
}

/* ---- what is in them ---- */

FN(bw_expr_in_list)
{
  size_t i;
  bool found = false;
  UNUSED;
  for (i = 0; i < a[1].list.n && !found; i++) {
    if (!bw_expr_pay(ev, 1, r) || !pay_for(ev, &a[0], &a[1].list.items[i], r))
      return;
    found = bw_expr_value_equal(&a[0], &a[1].list.items[i]);
  }
  *r = bw_value_bool(found);
}

FN(bw_expr_in_map)
{
  UNUSED;
  if (bw_expr_pay(ev, a[1].list.n / 4, r))
    *r = bw_value_bool(find(&a[1], &a[0]) != NULL);
}

FN(bw_expr_index_list)
{
  bool whole =
      a[1].type == BW_TYPE_INT || (a[1].type == BW_TYPE_DOUBLE && a[1].d >= 0 && a[1].d < 1e9 && a[1].d == floor(a[1].d));
  int64_t at = a[1].type == BW_TYPE_INT ? a[1].i : whole ? (int64_t)a[1].d : -1;
  UNUSED;
  if (!whole)
    *r = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("the elements of a list are numbered 0, 1, 2, ..."));
  else if (at < 0 || (uint64_t)at >= a[0].list.n)
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("the list has no element of that number"));
  else
    *r = a[0].list.items[at];
}

static struct bw_str no_such_key(struct bw_eval *ev, const struct bw_value *key)
{
  struct bw_buf b = {0};
  char *out;
  size_t len;
  bw_buf_add_cstr(&b, "the map has no key ");
  if (key->type == BW_TYPE_STRING && key->s.len > 100)
    bw_buf_add_cstr(&b, "of that long text");
  else if (key->type == BW_TYPE_LIST || key->type == BW_TYPE_MAP)
    bw_buf_add_cstr(&b, "of that type");
  else
    bw_value_text(&b, key);
  len = b.len;
  out = bw_eval_alloc(ev, len + 1);
  memcpy(out, b.data, len);
  bw_buf_clear(&b);
  return bw_str_n(out, len);
}

FN(bw_expr_index_map)
{
  const struct bw_value *found;
  UNUSED;
  if (!bw_expr_pay(ev, a[0].list.n / 4, r))
    return;
  found = find(&a[0], &a[1]);
  *r = found ? *found : bw_value_error(BW_VALUE_MISSING, no_such_key(ev, &a[1]));
}

void bw_expr_run_select(struct bw_eval *ev, const struct bw_value *from, struct bw_str key, struct bw_value *ret)
{
  struct bw_value args[2] = {*from, bw_value_string(key)};
  if (from->type == BW_TYPE_MAP)
    bw_expr_index_map(ev, args, 2, ret);
  else
    *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("only maps have members"));
}

FN(bw_expr_size_list)
{
  UNUSED;
  *r = bw_value_int((int64_t)a[0].list.n);
}

/* ---- making them ---- */

/* Lists are shared, not copied, so that a few steps could make one that is astronomically large to print or to compare: each
   remembers its weight in s.len.  One from outside has none yet. */
size_t bw_expr_weight(const struct bw_value *v)
{
  size_t i, weight = 1, n = v->type == BW_TYPE_MAP ? 2 * v->list.n : v->list.n;
  if (v->type == BW_TYPE_STRING)
    return 1 + v->s.len / 32;
  if (v->type != BW_TYPE_LIST && v->type != BW_TYPE_MAP)
    return 1;
  if (v->s.len)
    return v->s.len;
  for (i = 0; i < n; i++)
    weight += bw_expr_weight(&v->list.items[i]);
  return weight;
}

static void make(struct bw_eval *ev, enum bw_type type, const struct bw_value *items, size_t n, struct bw_value *ret)
{
  struct bw_value made = {.type = type, .list = {items, n}};
  size_t i, total = type == BW_TYPE_MAP ? 2 * n : n;
  made.s.len = 1;
  for (i = 0; i < total && made.s.len <= BW_EXPR_MAX_WEIGHT; i++)
    made.s.len += bw_expr_weight(&items[i]);
  if (made.s.len > BW_EXPR_MAX_WEIGHT)
    *ret = bw_value_error(BW_VALUE_COST, BW_STR("a list grew too large"));
  else if (bw_expr_pay(ev, made.s.len / 8, ret))
    *ret = made;
}

void bw_expr_make_list(struct bw_eval *ev, const struct bw_value *items, size_t n, struct bw_value *ret)
{
  make(ev, BW_TYPE_LIST, items, n, ret);
}

void bw_expr_make_map(struct bw_eval *ev, const struct bw_value *items, size_t n, struct bw_value *ret)
{
  size_t i;
  for (i = 0; i < n; i++) {
    struct bw_value before = {.type = BW_TYPE_MAP, .list = {items, i}};
    enum bw_type key = items[2 * i].type;
    if (key != BW_TYPE_STRING && key != BW_TYPE_INT && key != BW_TYPE_BOOL) {
      *ret = bw_value_error(BW_VALUE_BAD_TYPE, BW_STR("a key of a map is a text, a whole number or a yes or no"));
      return;
    }
    if (!bw_expr_pay(ev, i / 8, ret))
      return;
    if (find(&before, &items[2 * i])) {
      *ret = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("a map has the same key twice"));
      return;
    }
  }
  make(ev, BW_TYPE_MAP, items, n, ret);
}

FN(bw_expr_add_lists)
{
  size_t total = a[0].list.n + a[1].list.n;
  struct bw_value *items;
  UNUSED;
  if (total > BW_EXPR_MAX_WEIGHT) {
    *r = bw_value_error(BW_VALUE_COST, BW_STR("a list grew too large"));
    return;
  }
  if (!bw_expr_pay(ev, total / 4, r))
    return;
  items = bw_eval_alloc(ev, (total + 1) * sizeof *items);
  if (a[0].list.n)
    memcpy(items, a[0].list.items, a[0].list.n * sizeof *items);
  if (a[1].list.n)
    memcpy(items + a[0].list.n, a[1].list.items, a[1].list.n * sizeof *items);
  bw_expr_make_list(ev, items, total, r);
}
