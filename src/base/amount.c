/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people and spreadsheets write them.  Runs in every process; no privileges needed. */
#include "base/amount.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 15

int bw_amount_parse(struct bw_str s, double *ret)
{
  char digits[DIGITS + 8];
  size_t i, n = 0, point = 0, since = 0;
  bool commas = false, bad = s.len == 0 || s.data[0] < '0' || s.data[0] > '9';
  for (i = 0; !bad && i < s.len; i++) {
    char ch = s.data[i];
    if (ch == ',') {
      bad = point || (commas ? since != 3 : since == 0 || since > 3);
      commas = true;
      since = 0;
    } else if (ch == '.' && !point) {
      bad = commas && since != 3;
      digits[n++] = ch;
      point = n;
    } else {
      bad = ch < '0' || ch > '9' || n > DIGITS || (point && n - point >= 2);
      digits[n++] = ch;
      since += !point;
    }
  }
  if (bad || (commas && since != 3) || (point && point == n))
    return BW_EINVAL;
  digits[n] = '\0';
  *ret = strtod(digits, NULL);
  return BW_OK;
}

/* The currency before or behind an amount, and the spaces between. */
static bool is_currency(const char *p, size_t len)
{
  static const char *const signs[] = {"$", "US$", "\xE2\x82\xAC" /* euro */, "\xC2\xA3" /* pound */, "\xC2\xA5" /* yen */,
                                      NULL};
  size_t i;
  for (i = 0; signs[i]; i++)
    if (strlen(signs[i]) == len && memcmp(signs[i], p, len) == 0)
      return true;
  for (i = 0; i < len && p[i] >= 'A' && p[i] <= 'Z'; i++)
    ;
  return len == 3 && i == 3; /* ISO 4217 */
}

static bool part_of_number(char c)
{
  return (c >= '0' && c <= '9') || c == ',' || c == '.';
}

int bw_money_parse(struct bw_str s, double *ret)
{
  const char *p = s.data, *end = p + s.len, *from, *to;
  while (p < end && *p == ' ')
    p++;
  while (end > p && end[-1] == ' ')
    end--;
  for (from = p; from < end && !part_of_number(*from); from++)
    ;
  for (to = end; to > from && !part_of_number(to[-1]); to--)
    ;
  s = bw_str_n(from, (size_t)(to - from));
  while (from > p && from[-1] == ' ')
    from--;
  while (to < end && *to == ' ')
    to++;
  if ((from > p && !is_currency(p, (size_t)(from - p))) || (to < end && !is_currency(to, (size_t)(end - to))))
    return BW_EINVAL;
  return bw_amount_parse(s, ret);
}
