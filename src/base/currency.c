/* SPDX-License-Identifier: Apache-2.0 */
/* Currencies as people and CRMs name them.  Runs in every process; no privileges needed. */
#include "base/currency.h"

#include <string.h>

#define MAX_TEXT 32

/* ISO 4217, list one, funds and metals left out. */
static const char codes[][4] = {
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
    "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS",
    "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD",
    "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL",
    "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD",
    "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD",
    "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
    "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED",
    "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG"};

/* Signs and words of one currency only, in small letters. */
static const struct {
  const char *said, *code;
} others[] = {
    {"us$", "USD"},
    {"usd$", "USD"},
    {"$us", "USD"},
    {"us dollar", "USD"},
    {"us dollars", "USD"},
    {"u.s. dollar", "USD"},
    {"u.s. dollars", "USD"},
    {"american dollar", "USD"},
    {"united states dollar", "USD"},
    {"€", "EUR"},
    {"euro", "EUR"},
    {"euros", "EUR"},
    {"£", "GBP"},
    {"pound sterling", "GBP"},
    {"pounds sterling", "GBP"},
    {"sterling", "GBP"},
    {"british pound", "GBP"},
    {"british pounds", "GBP"},
    {"sfr", "CHF"},
    {"sfr.", "CHF"},
    {"swiss franc", "CHF"},
    {"swiss francs", "CHF"},
    {"schweizer franken", "CHF"},
    {"ca$", "CAD"},
    {"c$", "CAD"},
    {"canadian dollar", "CAD"},
    {"canadian dollars", "CAD"},
    {"a$", "AUD"},
    {"au$", "AUD"},
    {"australian dollar", "AUD"},
    {"australian dollars", "AUD"},
    {"nz$", "NZD"},
    {"new zealand dollar", "NZD"},
    {"s$", "SGD"},
    {"singapore dollar", "SGD"},
    {"hk$", "HKD"},
    {"hong kong dollar", "HKD"},
    {"r$", "BRL"},
    {"brazilian real", "BRL"},
    {"mx$", "MXN"},
    {"mexican peso", "MXN"},
    {"yen", "JPY"},
    {"japanese yen", "JPY"},
    {"jp¥", "JPY"},
    {"cn¥", "CNY"},
    {"rmb", "CNY"},
    {"renminbi", "CNY"},
    {"chinese yuan", "CNY"},
    {"swedish krona", "SEK"},
    {"norwegian krone", "NOK"},
    {"danish krone", "DKK"},
    {"zł", "PLN"},
    {"zloty", "PLN"},
    {"polish zloty", "PLN"},
    {"kč", "CZK"},
    {"czech koruna", "CZK"},
    {"₹", "INR"},
    {"indian rupee", "INR"},
    {"indian rupees", "INR"},
    {"₩", "KRW"},
    {"₪", "ILS"},
};

static bool is_code(const char *folded, const char *code)
{
  size_t i;
  for (i = 0; i < 3; i++)
    if (folded[i] != code[i] - 'A' + 'a')
      return false;
  return folded[3] == '\0';
}

const char *bw_currency_code(struct bw_str said)
{
  char text[MAX_TEXT];
  size_t i;
  if (!bw_str_fold(said, text, sizeof text))
    return NULL;
  for (i = 0; i < sizeof codes / sizeof *codes; i++)
    if (is_code(text, codes[i]))
      return codes[i];
  for (i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(text, others[i].said) == 0)
      return others[i].code;
  return NULL;
}
