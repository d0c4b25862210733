/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, plurals and the search for a locale.  Runs in core and in replays; no privileges needed. */
#include "drafts/locale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct bw_locale locales[] = {
#include "drafts/locale_table.h"
};
#define NLOCALES (sizeof locales / sizeof *locales)

const struct bw_locale *bw_locale_neutral(void)
{
  return &locales[0];
}

static char folded(char c)
{
  return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '_' ? '-' : c);
}

static bool same(struct bw_str a, const char *b, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (i >= a.len || folded(a.data[i]) != folded(b[i]))
      return false;
  return true;
}

/* "de" of "de-DE-1996". */
static struct bw_str language_of(struct bw_str tag)
{
  size_t n = 0;
  while (n < tag.len && folded(tag.data[n]) != '-')
    n++;
  return bw_str_n(tag.data, n);
}

const struct bw_locale *bw_locale_find(struct bw_str tag)
{
  struct bw_str language = language_of(tag);
  size_t i;
  for (i = 0; i < NLOCALES; i++)
    if (tag.len == strlen(locales[i].tag) && same(tag, locales[i].tag, tag.len))
      return &locales[i];
  if (language.len == 2 && same(language, "no", 2)) /* Norwegian without saying which */
    language = BW_STR("nb");
  for (i = 0; i < NLOCALES; i++)
    if (bw_locale_speaks(&locales[i], language))
      return &locales[i];
  return &locales[0];
}

bool bw_locale_speaks(const struct bw_locale *l, struct bw_str language)
{
  return language.len == 2 && same(language, l->tag, 2);
}

/* What a language does with whole numbers; fractions are always "others", but in French and Brazil. */
static int few_like_polish(double n)
{
  double ten = fmod(n, 10), hundred = fmod(n, 100);
  return ten >= 2 && ten <= 4 && !(hundred >= 12 && hundred <= 14) ? 1 : 2;
}

int bw_locale_plural(const struct bw_locale *l, double n)
{
  n = fabs(n);
  if (strcmp(l->tag, "pt-BR") == 0 || bw_locale_speaks(l, BW_STR("fr")))
    return n < 2 ? 0 : 2;
  if (bw_locale_speaks(l, BW_STR("ja")) || bw_locale_speaks(l, BW_STR("ko")) || bw_locale_speaks(l, BW_STR("zh")))
    return 2;
  if (bw_locale_speaks(l, BW_STR("da")) && n > 0 && n < 2)
    return 0;
  if (n != floor(n))
    return 2;
  if (n == 1)
    return 0;
  if (bw_locale_speaks(l, BW_STR("cs")))
    return n >= 2 && n <= 4 ? 1 : 2;
  return bw_locale_speaks(l, BW_STR("pl")) ? few_like_polish(n) : 2;
}

void bw_locale_number(struct bw_buf *out, const struct bw_locale *l, double v, int decimals, bool money)
{
  char digits[64];
  int n = snprintf(digits, sizeof digits, "%.*f", decimals, fabs(v)), whole, i;
  const char *dot = strchr(digits, '.'), *group = money ? l->group_money : l->group;
  whole = dot ? (int)(dot - digits) : n;
  if (v < 0 && strspn(digits, "0.") != (size_t)n)
    bw_buf_add_cstr(out, l->minus);
  for (i = 0; i < n; i++) {
    if (i && i < whole && (whole - i) % 3 == 0 && whole >= 3 + l->group_from)
      bw_buf_add_cstr(out, group);
    if (digits[i] == '.')
      bw_buf_add_cstr(out, l->decimal);
    else
      bw_buf_add_char(out, digits[i]);
  }
}
