/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people and spreadsheets write them. */
#ifndef BW_BASE_AMOUNT_H
#define BW_BASE_AMOUNT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* "24000", "24,000", "24 000" (with a space of any kind), "24000.50": at most 15 digits, two of them behind the point.
   BW_EINVAL: it is written otherwise, and might mean something else ("24.000", "1,5"). */
int bw_amount_parse(struct bw_str text, double *ret_amount);
/* The same with a currency before or behind it: "$36,000", "36,000.00 EUR". */
int bw_money_parse(struct bw_str text, double *ret_amount);
/* Whether a number as JSON writes it may as well have its point between thousands: "36.000", "-1.200"; not "0.125", "1200.000",
   "1.25". */
bool bw_amount_doubtful(struct bw_str text);

#endif
