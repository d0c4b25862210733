/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How numbers, money and dates are written where a customer lives.  Data of the Unicode CLDR (locale_table.h, made by
 * mklocales.js); nothing of the machine's own locale is asked.  Private to the room; no privileges.
 */
#ifndef BW_DRAFTS_LOCALE_H
#define BW_DRAFTS_LOCALE_H

#include "base/buf.h"

struct bw_locale {
  const char *tag;                 /* "de-DE" */
  const char *group, *group_money; /* between thousands; in an amount of money */
  const char *decimal, *minus;
  int group_from;                    /* 2: a number of four digits is not grouped */
  const char *money, *percent;       /* "$#": '$' is the currency, '#' the number */
  const char *currency, *sign;       /* the region's own, as it is written there; may be empty */
  const char *date, *month;          /* "D. M Y": day, name of the month, year */
  const char *names[12], *alone[12]; /* of the months: in a date, and without a day */
};

/* English that is read alike everywhere: 12 January 2027, 12,345. */
const struct bw_locale *bw_locale_neutral(void);
/* The row of "de-AT" or "de_at"; else the first of its language; else the neutral one. */
const struct bw_locale *bw_locale_find(struct bw_str tag);
/* True where the locale's language is this one: "de". */
bool bw_locale_speaks(const struct bw_locale *l, struct bw_str language);
/* Which form of a word goes with a number: 0 one, 1 few, 2 all others (CLDR's cardinal plurals of these languages). */
int bw_locale_plural(const struct bw_locale *l, double n);

/* A number with its separators; decimals from 0 to 6.  "-0" never. */
void bw_locale_number(struct bw_buf *out, const struct bw_locale *l, double v, int decimals, bool money);

#endif
