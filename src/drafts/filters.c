/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of {{name|filter}}, one row each.  Numbers are written as the account's locale writes them; words (months,
 * plurals) are those of the text's language.  Runs in core and in the command line's replay; no privileges needed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/currency.h"
#include "base/json.h"
#include "base/time.h"
#include "drafts/locale.h"
#include "drafts/mustache_impl.h"
#include "names/names.h"

#define NOT_A_NUMBER "is not a number"
#define LARGEST 1e15 /* beyond this a double no longer holds every whole number */

/* A text such as "12.50" counts as the number that it spells. */
static bool number_of(const struct bw_filtered *v, double *ret)
{
  char digits[40], *end;
  double d = v->number;
  if (v->type == BW_VIEW_TEXT) {
    if (v->text.len == 0 || v->text.len >= sizeof digits)
      return false;
    memcpy(digits, v->text.data, v->text.len);
    digits[v->text.len] = '\0';
    if (strspn(digits, "+-.0123456789eE") != v->text.len)
      return false;
    d = strtod(digits, &end);
    if (*end)
      return false;
  } else if (v->type != BW_VIEW_NUMBER) {
    return false;
  }
  if (!isfinite(d) || fabs(d) >= LARGEST)
    return false;
  *ret = d;
  return true;
}

/* 0 to 6 decimals, or -1 for the filter's own choice. */
static int decimals_of(struct bw_str arg)
{
  return arg.len == 1 ? arg.data[0] - '0' : -1;
}

static const struct bw_locale *locale_of(const struct bw_filtered *v)
{
  return v->locale ? v->locale : bw_locale_neutral();
}

static const struct bw_locale *words_of(const struct bw_filtered *v)
{
  return v->words ? v->words : bw_locale_neutral();
}

/* "#%": each sign of the pattern but '#' as it is, that one as the number. */
static void add_pattern(struct bw_buf *out, const char *pattern, const char *currency, struct bw_str number)
{
  for (; *pattern; pattern++)
    if (*pattern == '#')
      bw_buf_add_str(out, number);
    else if (*pattern == '$')
      bw_buf_add_cstr(out, currency);
    else
      bw_buf_add_char(out, *pattern);
}

/* Up to max decimals, without trailing zeros. */
static int shortest_decimals(double v, int max)
{
  double scale = 1;
  int d;
  for (d = 0; d < max; d++, scale *= 10)
    if (fabs(v * scale - round(v * scale)) < 1e-9 * fmax(1, fabs(v * scale)))
      break;
  return d;
}

static void become_text(struct bw_filtered *v, const struct bw_buf *out)
{
  v->type = BW_VIEW_TEXT;
  v->text = bw_buf_str(out);
}

static const char *apply_number(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  int decimals = decimals_of(arg);
  double d;
  if (!number_of(v, &d))
    return NOT_A_NUMBER;
  bw_locale_number(out, locale_of(v), d, decimals >= 0 ? decimals : shortest_decimals(d, 2), false);
  become_text(v, out);
  return NULL;
}

static const char *apply_percent(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  const struct bw_locale *l = locale_of(v);
  int decimals = decimals_of(arg);
  struct bw_buf number = {0};
  double d;
  if (!number_of(v, &d))
    return NOT_A_NUMBER;
  bw_locale_number(&number, l, d * 100, decimals >= 0 ? decimals : 0, false);
  add_pattern(out, l->percent, "", bw_buf_str(&number));
  bw_buf_clear(&number);
  become_text(v, out);
  return NULL;
}

/* Currencies with a sign that no other of them shares in plain text; the rest go by their code, but at home. */
static const struct currency {
  const char *code, *sign;
  int decimals;
} currencies[] = {{"USD", "$", 2},           {"EUR", "\xE2\x82\xAC", 2}, {"GBP", "\xC2\xA3", 2},
                  {"JPY", "\xC2\xA5", 0},    {"INR", "\xE2\x82\xB9", 2}, {"KRW", "\xE2\x82\xA9", 0},
                  {"ILS", "\xE2\x82\xAA", 2}};

static const struct currency *find_currency(struct bw_str code)
{
  size_t i;
  for (i = 0; i < sizeof currencies / sizeof *currencies; i++)
    if (bw_str_is(code, currencies[i].code))
      return &currencies[i];
  return NULL;
}

/* How the currency is written: the region's own as it is there, the well-known by their sign, others by their code, which keeps
   its distance from the number. */
static void write_money(struct bw_buf *out, const struct bw_locale *l, struct bw_str code, const struct currency *cur,
                        struct bw_str number)
{
  bool home = l->currency[0] && bw_str_is(code, l->currency), sign = home || cur;
  char text[8];
  (void)snprintf(text, sizeof text, "%.*s", BW_FMT(code));
  if (!code.len)
    bw_buf_add_str(out, number);
  else if (!sign && strcmp(l->money, "$#") == 0)
    add_pattern(out, "$ #", text, number);
  else
    add_pattern(out, l->money, home ? l->sign : cur ? cur->sign : text, number);
}

static const char *apply_money(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  const char *known = bw_currency_code(v->unit);
  struct bw_str said = bw_str(v->currency), code = bw_str(known ? known : bw_currency_code(said));
  const struct currency *cur = find_currency(code);
  const struct bw_locale *l = locale_of(v);
  int decimals = decimals_of(arg), own = cur ? cur->decimals : 2;
  struct bw_buf number = {0};
  double d;
  if (!number_of(v, &d))
    return NOT_A_NUMBER;
  if (!code.len && said.len) { /* a price without its currency is no offer */
    if (v->hint)
      bw_buf_printf(v->hint,
                    "account.currency: an account record with traits.currency as an ISO 4217 code such as EUR; it is \"%.*s\"",
                    (int)(said.len < 40 ? said.len : 40), said.data);
    return "is money, and its currency is not known";
  }
  if (decimals < 0)
    decimals = fabs(d) >= 1000 || shortest_decimals(d, own) == 0 ? 0 : own;
  if (d < 0 && fabs(d) >= 0.5 * pow(10, -decimals))
    bw_buf_add_cstr(out, l->minus);
  bw_locale_number(&number, l, fabs(d), decimals, true);
  write_money(out, l, code, cur, bw_buf_str(&number));
  bw_buf_clear(&number);
  become_text(v, out);
  return NULL;
}

static const char *apply_abs(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  double d;
  (void)arg;
  (void)out;
  if (!number_of(v, &d))
    return NOT_A_NUMBER;
  v->type = BW_VIEW_NUMBER;
  v->number = fabs(d);
  v->text = bw_str_n("", 0);
  return NULL;
}

/* The i-th of the words between commas; the last where there are fewer. */
static struct bw_str word_at(struct bw_str list, int i)
{
  const char *comma;
  while ((comma = memchr(list.data, ',', list.len)) && i-- > 0)
    list = bw_str_n(comma + 1, list.len - (size_t)(comma + 1 - list.data));
  return comma ? bw_str_n(list.data, (size_t)(comma - list.data)) : list;
}

static int count_words(struct bw_str list)
{
  size_t i;
  int n = 1;
  for (i = 0; i < list.len; i++)
    n += list.data[i] == ',';
  return n;
}

/* "28 days", "1 seat": the number and the word that goes with it.  Two words: one and others; three: one, few, others. */
static const char *apply_plural(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  double d;
  int form, words = count_words(arg);
  if (!number_of(v, &d))
    return NOT_A_NUMBER;
  form = bw_locale_plural(words_of(v), d);
  bw_locale_number(out, locale_of(v), d, shortest_decimals(d, 2), false);
  bw_buf_add_char(out, ' ');
  bw_buf_add_str(out, word_at(arg, form == 0 ? 0 : form == 1 && words > 2 ? 1 : words - 1));
  become_text(v, out);
  return NULL;
}

/* "D. M Y" */
static void add_date(struct bw_buf *out, const char *pattern, const char *month, int year, int day)
{
  for (; *pattern; pattern++)
    if (*pattern == 'D')
      bw_buf_printf(out, "%d", day);
    else if (*pattern == 'M')
      bw_buf_add_cstr(out, month);
    else if (*pattern == 'Y')
      bw_buf_printf(out, "%d", year);
    else
      bw_buf_add_char(out, *pattern);
}

static const char *apply_date(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  const struct bw_locale *l = words_of(v);
  int64_t t = v->time;
  int y, m, d;
  if (v->type == BW_VIEW_TEXT ? bw_time_parse(v->text, &t) < 0 : v->type != BW_VIEW_TIME)
    return "is not a date";
  if (t < 0 || t > BW_TIME_MAX)
    return "is not a date";
  bw_day_to_civil(bw_time_day(t), &y, &m, &d);
  if (bw_str_is(arg, "iso"))
    bw_buf_printf(out, "%04d-%02d-%02d", y, m, d);
  else if (bw_str_is(arg, "month"))
    add_date(out, l->month, l->alone[m - 1], y, d);
  else
    add_date(out, l->date, l->names[m - 1], y, d);
  become_text(v, out);
  return NULL;
}

/* The given name in a full one. */
static const char *apply_first(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  const char *why;
  (void)arg;
  if (v->type != BW_VIEW_TEXT)
    return "is not a name";
  if ((why = bw_given_name(v->text, out)))
    return why;
  become_text(v, out);
  return NULL;
}

/* Abbreviations that nobody writes in small letters. */
static bool abbreviation(const char *word, size_t len)
{
  static const char *const list[] = {"ai", "api", "crm", "csv", "erp", "gb",  "id", "ip",  "json",
                                     "mb", "pdf", "sdk", "sms", "sql", "sso", "tb", "url", "xml"};
  size_t i;
  for (i = 0; i < sizeof list / sizeof *list; i++)
    if (strlen(list[i]) == len && memcmp(word, list[i], len) == 0)
      return true;
  return false;
}

/* A name from a program as words: "api_calls" is "API calls". */
static const char *apply_words(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out)
{
  size_t i, from = 0;
  (void)arg;
  if (v->type != BW_VIEW_TEXT)
    return "is not a text";
  for (i = 0; i <= v->text.len; i++) {
    const char *word = v->text.data + from;
    size_t k;
    if (i < v->text.len && v->text.data[i] != '_' && v->text.data[i] != '-' && v->text.data[i] != ' ')
      continue;
    for (k = 0; k < i - from; k++)
      bw_buf_add_char(out, abbreviation(word, i - from) ? (char)(word[k] - 'a' + 'A') : word[k]);
    if (i < v->text.len)
      bw_buf_add_char(out, ' ');
    from = i + 1;
  }
  become_text(v, out);
  return NULL;
}

static bool no_arg(struct bw_str arg)
{
  return arg.len == 0;
}

static bool decimals_arg(struct bw_str arg)
{
  return arg.len == 0 || (arg.len == 1 && arg.data[0] >= '0' && arg.data[0] <= '6');
}

static bool date_arg(struct bw_str arg)
{
  return arg.len == 0 || bw_str_is(arg, "iso") || bw_str_is(arg, "month");
}

static bool plural_arg(struct bw_str arg)
{
  int i, n = count_words(arg);
  for (i = 0; i < n; i++)
    if (word_at(arg, i).len == 0)
      return false;
  return n == 2 || n == 3;
}

static const struct bw_filter filters[] = {
    {"abs", "without its sign", BW_MUSTACHE_NUMBER, no_arg, "abs", apply_abs},
    {"date", "12 January 2027", BW_MUSTACHE_DAY, date_arg, "date, date:iso or date:month", apply_date},
    {"first", "the given name in a full name", BW_MUSTACHE_VARIABLE, no_arg, "first", apply_first},
    {"money", "$12,345", BW_MUSTACHE_NUMBER, decimals_arg, "money or money:N with 0 to 6 decimals", apply_money},
    {"number", "12,345", BW_MUSTACHE_NUMBER, decimals_arg, "number or number:N with 0 to 6 decimals", apply_number},
    {"percent", "0.34 as 34%", BW_MUSTACHE_NUMBER, decimals_arg, "percent or percent:N with 0 to 6 decimals", apply_percent},
    {"plural", "1 seat, 2 seats", BW_MUSTACHE_NUMBER, plural_arg, "plural:seat,seats, or plural:ONE,FEW,OTHERS", apply_plural},
    {"words", "api_calls as API calls", BW_MUSTACHE_VARIABLE, no_arg, "words", apply_words}};

const struct bw_filter *bw_filter_find(struct bw_str name)
{
  size_t i;
  for (i = 0; i < sizeof filters / sizeof *filters; i++)
    if (bw_str_is(name, filters[i].name))
      return &filters[i];
  return NULL;
}

const char *bw_filter_list(void)
{
  return "abs, date, first, money, number, percent, plural, words";
}

void bw_filtered_print(const struct bw_filtered *v, struct bw_buf *out)
{
  static const struct bw_str none = {"", 0};
  struct bw_buf scratch = {0};
  struct bw_filtered date = *v;
  switch (v->type) {
  case BW_VIEW_TEXT:
    if (v->text.len)
      bw_buf_add_str(out, v->text);
    break;
  case BW_VIEW_NUMBER:
    if (v->text.len) {
      bw_buf_add_str(out, v->text);
    } else if (isfinite(v->number)) {
      bw_buf_reserve(out, 32);
      out->len += (size_t)bw_number_format(v->number, out->data + out->len);
    }
    break;
  case BW_VIEW_TIME:
    if (!apply_date(none, &date, &scratch))
      bw_buf_add_str(out, bw_buf_str(&scratch));
    bw_buf_clear(&scratch);
    break;
  case BW_VIEW_TRUE:
    bw_buf_add_cstr(out, "true");
    break;
  case BW_VIEW_FALSE:
    bw_buf_add_cstr(out, "false");
    break;
  default:
    break;
  }
}
