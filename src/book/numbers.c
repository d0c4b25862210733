/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that rules read as numbers or times.  Spreadsheets and CRMs send them as text; here they become what they mean, where
 * that is plain.  Runs in core and replays; no privileges.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/amount.h"
#include "base/json.h"
#include "base/time.h"
#include "book/private.h"

static const struct {
  enum bw_entity_kind kind;
  const char *field; /* "limits." stands for all that begin so */
  bool time;
} table[] = {
    {BW_ENTITY_ACCOUNT, "acv", false},          {BW_ENTITY_ACCOUNT, "arr", false},
    {BW_ENTITY_ACCOUNT, "seats", false},        {BW_ENTITY_ACCOUNT, "employees", false},
    {BW_ENTITY_ACCOUNT, "start", true},         {BW_ENTITY_ACCOUNT, "start_date", true},
    {BW_ENTITY_ACCOUNT, "renewal", true},       {BW_ENTITY_ACCOUNT, "renewal_date", true},
    {BW_ENTITY_PLAN, "seat_price", false},      {BW_ENTITY_PLAN, "price", false},
    {BW_ENTITY_PLAN, "limits.", false},         {BW_ENTITY_SUBSCRIPTION, "seats", false},
    {BW_ENTITY_SUBSCRIPTION, "limits.", false}, {BW_ENTITY_SUBSCRIPTION, "notice_days", false},
    {BW_ENTITY_SUBSCRIPTION, "start", true},    {BW_ENTITY_SUBSCRIPTION, "start_date", true},
    {BW_ENTITY_SUBSCRIPTION, "end", true},      {BW_ENTITY_SUBSCRIPTION, "end_date", true},
    {BW_ENTITY_OPPORTUNITY, "amount", false},   {BW_ENTITY_OPPORTUNITY, "close_date", true},
};

static bool matches(size_t i, enum bw_entity_kind kind, struct bw_str field)
{
  size_t n = strlen(table[i].field);
  if (table[i].kind != kind)
    return false;
  return table[i].field[n - 1] == '.' ? bw_str_prefix(field, table[i].field) : bw_str_is(field, table[i].field);
}

bool bw_number_expected(enum bw_entity_kind kind, struct bw_str field)
{
  size_t i;
  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (!table[i].time && matches(i, kind, field))
      return true;
  return false;
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* "31.01.2027" and "2027/01/31": no other order is written so. */
static int plain_date(struct bw_str s, char out[BW_NUMBER_TEXT])
{
  static const struct {
    const char *form; /* d, m, y: digits; others as they are */
  } forms[] = {{"dd.mm.yyyy"}, {"yyyy/mm/dd"}};
  int64_t ms;
  size_t i, k;
  for (i = 0; i < sizeof forms / sizeof *forms; i++) {
    char y[5] = "", m[3] = "", d[3] = "";
    size_t ny = 0, nm = 0, nd = 0;
    if (s.len != strlen(forms[i].form))
      continue;
    for (k = 0; k < s.len; k++) {
      char c = s.data[k], f = forms[i].form[k];
      if (f == 'y' && is_digit(c))
        y[ny++] = c;
      else if (f == 'm' && is_digit(c))
        m[nm++] = c;
      else if (f == 'd' && is_digit(c))
        d[nd++] = c;
      else if (f == 'y' || f == 'm' || f == 'd' || c != f)
        break;
    }
    if (k < s.len)
      continue;
    (void)snprintf(out, BW_NUMBER_TEXT, "%s-%s-%s", y, m, d);
    if (bw_time_parse(bw_str(out), &ms) == 0)
      return BW_OK;
  }
  return BW_EINVAL;
}

/* "jan", "January": 1.  0: no month. */
static int month_of(struct bw_str word)
{
  static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                       "july",    "august",   "september", "october", "november", "december"};
  size_t m, i;
  for (m = 0; m < 12; m++) {
    for (i = 0; i < word.len && months[m][i] && tolower((unsigned char)word.data[i]) == months[m][i]; i++)
      ;
    if (i == word.len && (i == 3 || months[m][i] == '\0' || (m == 8 && i == 4)))
      return (int)m + 1;
  }
  return 0;
}

static int number_of(struct bw_str word)
{
  int n = 0;
  size_t i;
  for (i = 0; i < word.len && is_digit(word.data[i]); i++)
    n = n * 10 + word.data[i] - '0';
  return i == word.len ? n : -1;
}

/* "31 Jan 2027", "31-Jan-2027", "January 31, 2027": the month is a word, and the year has four digits. */
static int worded_date(struct bw_str s, char out[BW_NUMBER_TEXT])
{
  struct bw_str word[3];
  size_t i, from, n = 0, at;
  int64_t ms;
  for (i = 0; i < s.len;) {
    for (from = i; i < s.len && !strchr(" -,.", s.data[i]); i++)
      ;
    if (i > from && n == 3)
      return BW_EINVAL;
    if (i > from)
      word[n++] = bw_str_n(s.data + from, i - from);
    i += i < s.len;
  }
  if (n != 3 || word[2].len != 4)
    return BW_EINVAL;
  at = is_digit(word[0].data[0]); /* of the month */
  if (month_of(word[at]) == 0 || word[!at].len > 2 || number_of(word[!at]) < 1 || number_of(word[2]) < 0)
    return BW_EINVAL;
  (void)snprintf(out, BW_NUMBER_TEXT, "%04d-%02d-%02d", number_of(word[2]), month_of(word[at]), number_of(word[!at]));
  return bw_time_parse(bw_str(out), &ms);
}

/* "01/02/2027" */
static bool has_slashes(struct bw_str s)
{
  return s.len > 0 && is_digit(s.data[0]) && memchr(s.data, '/', s.len);
}

const char *bw_number_mend(enum bw_entity_kind kind, struct bw_field *f, char out[BW_NUMBER_TEXT])
{
  size_t i;
  int64_t ms;
  double v;
  for (i = 0; i < sizeof table / sizeof *table && !matches(i, kind, f->key); i++)
    ;
  if (i == sizeof table / sizeof *table || f->type == BW_VALUE_NULL)
    return NULL;
  if (f->type != BW_VALUE_STRING) /* 45322, as a spreadsheet counts days */
    return table[i].time && f->type != BW_VALUE_JSON ? "no date that is plain: write it as 2027-01-31" : NULL;
  if (f->text.len == 0)
    return NULL;
  if (table[i].time) {
    if (bw_time_parse(f->text, &ms) == 0)
      return NULL;
    if (plain_date(f->text, out) < 0 && worded_date(f->text, out) < 0)
      return has_slashes(f->text) ? "no date that is plain (its day first, or its month?): write it as 2027-01-31"
                                  : "no date that is plain: write it as 2027-01-31";
    f->text = bw_str(out);
    return NULL;
  }
  if (bw_money_parse(f->text, &v) < 0)
    return "no number that is plain: write it as 36000";
  out[bw_number_format(v, out)] = '\0';
  *f = (struct bw_field){f->key, bw_str(out), v, f->section, BW_VALUE_NUMBER};
  return NULL;
}
