/* SPDX-License-Identifier: Apache-2.0 */
/* Static types as numbers: what a list or a map holds.  Processes that read rules; no privileges. */
#include "expr/private.h"

#define BITS 5

static code inner(code type, unsigned shift)
{
  code c = type >> shift;
  return c ? c : BW_TYPE_ANY;
}

/* As it stands inside another: any is no bits at all, so that it costs none. */
static code packed(code type)
{
  return type == BW_TYPE_ANY ? 0 : type;
}

code bw_code_list(code element)
{
  return (code)BW_TYPE_LIST | packed(element) << BITS;
}

code bw_code_map(code key, code value)
{
  return (code)BW_TYPE_MAP | packed(BW_TYPE_KIND(key)) << BITS | packed(value) << 2 * BITS;
}

code bw_code_element(code type)
{
  code kind = BW_TYPE_KIND(type);
  if (kind == BW_TYPE_LIST)
    return inner(type, BITS);
  return kind == BW_TYPE_MAP && (type >> BITS & 31) ? (type >> BITS & 31) : BW_TYPE_ANY;
}

code bw_code_value(code map)
{
  return inner(map, 2 * BITS);
}

code bw_code_join(code a, code b)
{
  code ka = BW_TYPE_KIND(a), kb = BW_TYPE_KIND(b);
  if (a == b)
    return a;
  if (ka == BW_TYPE_LIST && kb == BW_TYPE_LIST)
    return bw_code_list(bw_code_join(bw_code_element(a), bw_code_element(b)));
  if (ka == BW_TYPE_MAP && kb == BW_TYPE_MAP)
    return bw_code_map(bw_code_join(bw_code_element(a), bw_code_element(b)), bw_code_join(bw_code_value(a), bw_code_value(b)));
  return BW_TYPE_ANY;
}

static bool numeric(code t)
{
  return t == BW_TYPE_INT || t == BW_TYPE_DOUBLE;
}

bool bw_code_comparable(code a, code b)
{
  code ka = BW_TYPE_KIND(a), kb = BW_TYPE_KIND(b);
  if (ka == BW_TYPE_LIST && kb == BW_TYPE_LIST)
    return bw_code_comparable(bw_code_element(a), bw_code_element(b));
  if (ka == BW_TYPE_MAP && kb == BW_TYPE_MAP)
    return bw_code_comparable(bw_code_element(a), bw_code_element(b)) && bw_code_comparable(bw_code_value(a), bw_code_value(b));
  return ka == kb || ka == BW_TYPE_ANY || kb == BW_TYPE_ANY || (numeric(ka) && numeric(kb)) || ka == BW_TYPE_NULL ||
         kb == BW_TYPE_NULL;
}

static const struct {
  enum bw_type type;
  const char *people, *cel;
} names[] = {
    {BW_TYPE_NULL, "null", "null_type"},
    {BW_TYPE_BOOL, "yes or no", "bool"},
    {BW_TYPE_INT, "whole number", "int"},
    {BW_TYPE_DOUBLE, "number", "double"},
    {BW_TYPE_STRING, "text", "string"},
    {BW_TYPE_TIMESTAMP, "timestamp", "google.protobuf.Timestamp"},
    {BW_TYPE_DURATION, "duration", "google.protobuf.Duration"},
    {BW_TYPE_RANK, "stage", "stage"},
    {BW_TYPE_LIST, "list", "list"},
    {BW_TYPE_SIGNAL, "signal", "signal"},
    {BW_TYPE_NAME, "name", "name"},
    {BW_TYPE_MAP, "map", "map"},
    {BW_TYPE_TYPE, "type", "type"},
    {BW_TYPE_ANY, "value", ""},
    {BW_TYPE_ERROR, "error", ""},
};
#define NNAMES (sizeof names / sizeof *names)
_Static_assert(NNAMES == BW_TYPE_COUNT && BW_TYPE_COUNT <= 32, "every type has a name, and fits into five bits");

const char *bw_type_name(enum bw_type type)
{
  size_t i;
  for (i = 0; i < NNAMES; i++)
    if (names[i].type == BW_TYPE_KIND(type))
      return names[i].people;
  return "?";
}

const char *bw_expr_cel_name(enum bw_type type)
{
  size_t i;
  for (i = 0; i < NNAMES; i++)
    if (names[i].type == type)
      return names[i].cel;
  return "";
}

enum bw_type bw_expr_cel_type(struct bw_str name)
{
  size_t i;
  for (i = 0; i < NNAMES; i++)
    if (name.len && bw_str_is(name, names[i].cel) && names[i].type != BW_TYPE_RANK && names[i].type != BW_TYPE_SIGNAL &&
        names[i].type != BW_TYPE_NAME)
      return names[i].type;
  return BW_TYPE_ERROR;
}
