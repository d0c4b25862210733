/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people and spreadsheets write them.  Runs in every process; no privileges needed. */
#include "base/amount.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS 15

#define MAX_TEXT 64

/* Every kind of space that a spreadsheet sets between thousands becomes ' ': of no break, thin, narrow.  BW_EINVAL: too long.
 */
static int plain_spaces(struct bw_str s, char out[MAX_TEXT], struct bw_str *ret)
{
  static const char *const spaces[] = {"\xC2\xA0", "\xE2\x80\x89", "\xE2\x80\xAF"};
  size_t i = 0, k, n = 0;
  while (i < s.len) {
    for (k = 0; k < sizeof spaces / sizeof *spaces && !bw_str_prefix(bw_str_n(s.data + i, s.len - i), spaces[k]); k++)
      ;
    if (n == MAX_TEXT)
      return BW_EINVAL;
    out[n++] = k < sizeof spaces / sizeof *spaces ? ' ' : s.data[i];
    i += k < sizeof spaces / sizeof *spaces ? strlen(spaces[k]) : 1;
  }
  *ret = bw_str_n(out, n);
  return BW_OK;
}

static int parse(struct bw_str s, double *ret)
{
  char digits[DIGITS + 8], between = '\0'; /* between thousands: ',' or ' ' throughout */
  size_t i, n = 0, point = 0, since = 0;
  bool bad = s.len == 0 || s.data[0] < '0' || s.data[0] > '9';
  for (i = 0; !bad && i < s.len; i++) {
    char ch = s.data[i];
    if (ch == ',' || ch == ' ') {
      bad = point || (between ? since != 3 || ch != between : since == 0 || since > 3);
      between = ch;
      since = 0;
    } else if (ch == '.' && !point) {
      bad = between && since != 3;
      digits[n++] = ch;
      point = n;
    } else {
      bad = ch < '0' || ch > '9' || n > DIGITS || (point && n - point >= 2);
      digits[n++] = ch;
      since += !point;
    }
  }
  if (bad || (between && since != 3) || (point && point == n))
    return BW_EINVAL;
  digits[n] = '\0';
  *ret = strtod(digits, NULL);
  return BW_OK;
}

int bw_amount_parse(struct bw_str s, double *ret)
{
  char text[MAX_TEXT];
  return plain_spaces(s, text, &s) < 0 ? BW_EINVAL : parse(s, ret);
}

bool bw_amount_doubtful(struct bw_str s)
{
  size_t i, digits;
  if (s.len && s.data[0] == '-')
    s = bw_str_n(s.data + 1, s.len - 1);
  if (s.len < 5 || s.len > 7 || s.data[0] == '0')
    return false;
  for (digits = s.len - 4, i = 0; i < s.len; i++)
    if (i == digits ? s.data[i] != '.' : s.data[i] < '0' || s.data[i] > '9')
      return false;
  return true;
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
  char text[MAX_TEXT];
  const char *p, *end, *from, *to;
  if (plain_spaces(s, text, &s) < 0)
    return BW_EINVAL;
  p = s.data;
  end = p + s.len;
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
  return parse(s, ret);
}
