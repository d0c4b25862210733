/* SPDX-License-Identifier: Apache-2.0 */
/* Currencies as people and CRMs name them. */
#ifndef BW_BASE_CURRENCY_H
#define BW_BASE_CURRENCY_H

#include "base/str.h"

/* The ISO 4217 code of what can mean one currency only: "usd", " EUR ", "€", "US$", "Euros", "US dollar".  NULL for all else:
   "$", "¥" and "kr" are several, "TBD" is none.  A string constant. */
const char *bw_currency_code(struct bw_str said);

#endif
