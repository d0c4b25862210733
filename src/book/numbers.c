/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that rules read as numbers or times.  Spreadsheets and CRMs send them as text; here they become what they mean, where
 * that is plain.  Runs in core and replays; no privileges.
 */
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
      bool digit = c >= '0' && c <= '9';
      if (f == 'y' && digit)
        y[ny++] = c;
      else if (f == 'm' && digit)
        m[nm++] = c;
      else if (f == 'd' && digit)
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

const char *bw_number_mend(enum bw_entity_kind kind, struct bw_field *f, char out[BW_NUMBER_TEXT])
{
  size_t i;
  int64_t ms;
  double v;
  for (i = 0; i < sizeof table / sizeof *table && !matches(i, kind, f->key); i++)
    ;
  if (i == sizeof table / sizeof *table || f->type != BW_VALUE_STRING || f->text.len == 0)
    return NULL;
  if (table[i].time) {
    if (bw_time_parse(f->text, &ms) == 0)
      return NULL;
    if (plain_date(f->text, out) < 0)
      return "no date that is plain: write it as 2027-01-31";
    f->text = bw_str(out);
    return NULL;
  }
  if (bw_money_parse(f->text, &v) < 0)
    return "no number that is plain: write it as 36000";
  out[bw_number_format(v, out)] = '\0';
  *f = (struct bw_field){f->key, bw_str(out), v, f->section, BW_VALUE_NUMBER};
  return NULL;
}
