/* SPDX-License-Identifier: Apache-2.0 */
/* What the header of a CSV table means; of no interest outside of this room. */
#ifndef BW_INGEST_CSV_COLUMNS_H
#define BW_INGEST_CSV_COLUMNS_H

#include <stddef.h>

#include "base/str.h"

enum bw_csv_place {
  BW_CSV_IGNORED,
  BW_CSV_SECRET, /* a write key: neither kept nor shown */
  BW_CSV_ACCOUNT,
  BW_CSV_SUBJECT,
  BW_CSV_TIME,
  BW_CSV_MESSAGE_ID,
  BW_CSV_TRAIT
};

/* "Account ID", "accountId" → "account_id"; dots stay.  out has room for BW_FIELD_KEY_MAX + 1; BW_EINVAL: too long. */
int bw_csv_snake(struct bw_str head, char *out);
/* The place of a column in tables of a kind, the trait's name, and how well the name fits (0 best; several columns may mean the
   same: the best one does, the others are traits of their own name). */
enum bw_csv_place bw_csv_column(uint32_t kind, struct bw_str snake, struct bw_str *ret_name, unsigned *ret_rank);
/* The place that every row of the kind must fill; what to say where no column does (NULL: not a kind that is read from CSV). */
enum bw_csv_place bw_csv_id_place(uint32_t kind);
const char *bw_csv_id_missing(uint32_t kind);
/* The kind by the file's name, else by the header (snake case not needed), or BW_KIND_NONE. */
uint32_t bw_csv_guess(const struct bw_str *heads, size_t n, const char *file_name);

#endif
