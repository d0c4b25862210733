/* SPDX-License-Identifier: Apache-2.0 */
/* Languages and countries as people and CRMs name them. */
#ifndef BW_BASE_LANGUAGE_H
#define BW_BASE_LANGUAGE_H

#include <stdbool.h>

#include "base/str.h"

/* The ISO 639-1 code of a language, in small letters: "de" of "DE", "deu", "German" and "Deutsch".  Any two letters are a code.
   False: it is another text ("German/English", "tlh"). */
bool bw_language_code(struct bw_str said, char ret[3]);
/* The ISO 3166 code of a country, in capitals: "DE" of "de", "DEU", "Germany" and "Deutschland"; "GB" of "UK".  Beside codes,
   only the countries of which the writing of numbers and dates is known. */
bool bw_country_code(struct bw_str said, char ret[3]);

#endif
