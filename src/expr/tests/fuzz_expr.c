/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzer: any bytes compile or are refused.  What compiles evaluates with any values within its bound, to a value of the type
 * that was promised or to an error; it prints as something that compiles to the same, and that evaluates to the same.
 */
#include <stdlib.h>

#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 2000
#define MAX_DEPTH 3

static const enum bw_type types[] = {BW_TYPE_NULL,
                                     BW_TYPE_BOOL,
                                     BW_TYPE_INT,
                                     BW_TYPE_DOUBLE,
                                     BW_TYPE_STRING,
                                     BW_TYPE_TIMESTAMP,
                                     BW_TYPE_DURATION,
                                     BW_TYPE_RANK,
                                     BW_TYPE_LIST,
                                     BW_TYPE_MAP,
                                     BW_TYPE_SIGNAL,
                                     BW_TYPE_ANY,
                                     BW_TYPE_LIST_OF(BW_TYPE_STRING),
                                     BW_TYPE_LIST_OF(BW_TYPE_DOUBLE),
                                     BW_TYPE_LIST_OF(BW_TYPE_LIST_OF(BW_TYPE_INT)),
                                     BW_TYPE_MAP_OF(BW_TYPE_STRING, BW_TYPE_DOUBLE),
                                     BW_TYPE_MAP_OF(BW_TYPE_INT, BW_TYPE_LIST_OF(BW_TYPE_STRING))};
#define NTYPES (sizeof types / sizeof *types)

/* The type of a name is told by its first letter: a is null, c an int, m a list of texts; z does not exist. */
static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  unsigned first = path->part[0].len ? (unsigned char)path->part[0].data[0] : 0;
  (void)ctx;
  if (first < 'a' || first == 'z')
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "no such name");
  *ret_type = types[(first - 'a') % NTYPES];
  *ret_slot = first;
  *ret_used = path->n > 1 && path->part[1].len % 2 ? 2 : 1;
  return 0;
}

/* ---- values that depend on the name and the input only ---- */

struct world {
  struct bw_eval *ev;
  uint64_t seed;
};

static uint64_t next(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static struct bw_value any_value(struct bw_eval *ev, enum bw_type type, uint64_t *state, int depth);

static struct bw_value many(struct bw_eval *ev, enum bw_type type, uint64_t *state, int depth)
{
  bool map = BW_TYPE_KIND(type) == BW_TYPE_MAP;
  enum bw_type rest = (enum bw_type)((unsigned)type >> (map ? 10 : 5)), key = BW_TYPE_KIND((unsigned)type >> 5);
  size_t n = depth < MAX_DEPTH ? next(state) % 5 : 0, i;
  struct bw_value *items = bw_eval_alloc(ev, (2 * n + 1) * sizeof *items);
  for (i = 0; i < n; i++) {
    if (map)
      items[2 * i] = any_value(ev, key ? key : BW_TYPE_STRING, state, depth + 1);
    items[map ? 2 * i + 1 : i] = any_value(ev, rest ? rest : BW_TYPE_ANY, state, depth + 1);
  }
  return (struct bw_value){.type = BW_TYPE_KIND(type), .list = {items, n}};
}

static struct bw_value any_value(struct bw_eval *ev, enum bw_type type, uint64_t *state, int depth)
{
  static const int64_t ints[] = {0, 1, -1, 2, 86400000, INT64_MAX, INT64_MIN, 253402300799999, 1234567890123};
  static const double doubles[] = {0, 1, -1, 0.5, 1e18, 1e300, -1e-300, 9007199254740993.0};
  static const struct bw_str texts[] = {{"", 0},    {"a", 1},      {"crm", 3},     {"12.5", 4}, {"2026-01-31", 10},
                                        {"36h", 3}, {"(a+)+$", 6}, {"\xC3\xA9", 2}};
  static const enum bw_type simple[] = {BW_TYPE_NULL,   BW_TYPE_BOOL, BW_TYPE_INT, BW_TYPE_DOUBLE,
                                        BW_TYPE_STRING, BW_TYPE_LIST, BW_TYPE_MAP};
  uint64_t r = next(state);
  enum bw_type kind = BW_TYPE_KIND(type);
  struct bw_value v = {.type = kind, .i = ints[r % (sizeof ints / sizeof *ints)]};
  if (kind == BW_TYPE_ANY)
    return any_value(ev, simple[r % (sizeof simple / sizeof *simple)], state, depth);
  if (kind == BW_TYPE_LIST || kind == BW_TYPE_MAP)
    return many(ev, type, state, depth);
  if (kind == BW_TYPE_BOOL)
    return bw_value_bool(r & 1);
  if (kind == BW_TYPE_DOUBLE)
    return bw_value_double(doubles[r % (sizeof doubles / sizeof *doubles)]);
  v.s = texts[r % (sizeof texts / sizeof *texts)];
  return v;
}

static void lookup(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret)
{
  struct world *w = ctx;
  uint64_t state = w->seed ^ slot;
  uint64_t kind = next(&state) % 8;
  if (kind == 0)
    *ret = bw_value_error(BW_VALUE_MISSING, name);
  else if (kind == 1) /* not what was declared */
    *ret = any_value(w->ev, types[next(&state) % NTYPES], &state, 0);
  else
    *ret = any_value(w->ev, types[(slot - 'a') % NTYPES], &state, 0);
}

static void fn_half(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  BW_ASSERT(args[0].type == BW_TYPE_NAME && args[0].s.len && (n < 2 || args[1].type == BW_TYPE_DURATION));
  ev->lookup(ev->ctx, (uint32_t)args[0].i, args[0].s, ret);
  if (ret->type != BW_TYPE_ERROR)
    *ret = bw_value_double(0.5);
}

static void fn_open(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  (void)ev;
  BW_ASSERT(n == 1 && args[0].type == BW_TYPE_SIGNAL);
  *ret = bw_value_bool(args[0].i & 1);
}

static const struct bw_expr_function functions[] = {{"half", "n", BW_TYPE_DOUBLE, fn_half, NULL, ""},
                                                    {"half", "nu", BW_TYPE_DOUBLE, fn_half, NULL, ""},
                                                    {"open", "g", BW_TYPE_BOOL, fn_open, NULL, ""}};
static const struct bw_expr_env env = {NULL, resolve, functions, sizeof functions / sizeof *functions, NULL};

/* Evaluates into JSON, and checks what must always hold. */
static void evaluate(const struct bw_expr *e, uint64_t seed, struct bw_buf *out)
{
  struct bw_eval ev = {.lookup = lookup, .cost_limit = LIMIT, .collect = true};
  struct world w = {&ev, seed};
  struct bw_buf text = {0};
  struct bw_value v;
  ev.ctx = &w;
  bw_expr_eval(e, &ev, &v);
  BW_ASSERT(ev.cost <= LIMIT || v.type == BW_TYPE_ERROR);
  BW_ASSERT(v.type == BW_TYPE_ERROR || bw_expr_type(e) == BW_TYPE_ANY || bw_expr_type(e) == v.type);
  bw_value_text(&text, &v);
  bw_value_json(out, &v);
  BW_ASSERT(out->len < 16u << 20);
  bw_buf_clear(&text);
  bw_eval_clear(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_expr *e = NULL, *again = NULL;
  struct bw_buf text = {0}, text2 = {0}, value = {0}, value2 = {0};
  struct bw_error err = {0};
  uint64_t seed = size;
  size_t i;
  for (i = 0; i < size; i++)
    seed = (seed ^ data[i]) * UINT64_C(1099511628211);
  if (bw_expr_compile(bw_str_n((const char *)data, size), &env, BW_TYPE_ANY, &e, NULL, NULL) < 0)
    return 0;
  evaluate(e, seed, &value);
  evaluate(e, seed + 1, &text);
  bw_buf_reset(&text);
  bw_expr_text(&text, e);
  /* Its brackets may be too many, or its text too long; nothing else may be wrong with it. */
  if (bw_expr_compile(bw_buf_str(&text), &env, BW_TYPE_ANY, &again, NULL, &err) == 0) {
    bw_expr_text(&text2, again);
    BW_ASSERT(bw_str_eq(bw_buf_str(&text), bw_buf_str(&text2)));
    evaluate(again, seed, &value2);
    BW_ASSERT(bw_str_eq(bw_buf_str(&value), bw_buf_str(&value2)));
    bw_expr_free(&again);
  } else {
    BW_ASSERT(strstr(err.message, "nested too deeply") || strstr(err.message, "long"));
  }
  bw_buf_clear(&text);
  bw_buf_clear(&text2);
  bw_buf_clear(&value);
  bw_buf_clear(&value2);
  bw_expr_free(&e);
  return 0;
}
