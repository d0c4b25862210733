/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer: any bytes compile or are refused; what compiles evaluates within its bound and prints as something that compiles. */
#include <stdlib.h>

#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  unsigned char first = path->part[0].len ? (unsigned char)path->part[0].data[0] : 0;
  (void)ctx;
  if (first == 'z')
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "no such name");
  *ret_type = (enum bw_type)(1 + first % (BW_TYPE_COUNT - 1));
  *ret_slot = first;
  *ret_used = path->n;
  return 0;
}

static void lookup(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret)
{
  (void)ctx;
  *ret = (struct bw_value){.type = (enum bw_type)(1 + slot % (BW_TYPE_COUNT - 1)), .s = name};
  if (ret->type == BW_TYPE_ANY || slot == 'q')
    *ret = bw_value_error(BW_VALUE_MISSING, name);
  if (ret->type == BW_TYPE_INT)
    ret->i = INT64_MAX - slot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct bw_expr_env env = {NULL, resolve, NULL, 0};
  struct bw_expr *e = NULL, *again = NULL;
  struct bw_eval ev = {.lookup = lookup, .cost_limit = 1000, .collect = true};
  struct bw_buf text = {0};
  struct bw_error err = {0};
  struct bw_value v;
  if (bw_expr_compile(bw_str_n((const char *)data, size), &env, BW_TYPE_ANY, &e, NULL, NULL) < 0)
    return 0;
  bw_expr_eval(e, &ev, &v);
  BW_ASSERT(ev.cost <= 1000 + 65536);
  bw_value_text(&text, &v);
  bw_buf_reset(&text);
  bw_value_json(&text, &v);
  bw_buf_reset(&text);
  bw_expr_text(&text, e);
  /* Its brackets may be too many, or its text too long; nothing else may be wrong with it. */
  if (bw_expr_compile(bw_buf_str(&text), &env, BW_TYPE_ANY, &again, NULL, &err) == 0)
    bw_expr_free(&again);
  else
    BW_ASSERT(strstr(err.message, "nested too deeply") || strstr(err.message, "long"));
  bw_buf_clear(&text);
  bw_eval_clear(&ev);
  bw_expr_free(&e);
  return 0;
}
