/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON, deterministically: the caller's order of keys, the shortest digits that read back to the same double. */
#ifndef BW_BASE_JSON_H
#define BW_BASE_JSON_H

#include "base/buf.h"

/* Commas are put by looking at the last byte: an element is preceded by one unless it follows '{', '[', ':' or nothing. */
void bw_json_open(struct bw_buf *b, char bracket);  /* '{' or '[' */
void bw_json_close(struct bw_buf *b, char bracket); /* '}' or ']' */
void bw_json_key(struct bw_buf *b, const char *key);
void bw_json_str(struct bw_buf *b, struct bw_str s); /* not UTF-8: each bad byte becomes U+FFFD */
void bw_json_cstr(struct bw_buf *b, const char *s);  /* NULL: null */
void bw_json_num(struct bw_buf *b, double v);        /* not finite: null */
void bw_json_int(struct bw_buf *b, int64_t v);
void bw_json_bool(struct bw_buf *b, bool v);
void bw_json_null(struct bw_buf *b);
void bw_json_raw(struct bw_buf *b, struct bw_str json); /* must be valid JSON already */
void bw_json_time(struct bw_buf *b, int64_t ms);        /* as an ISO 8601 string; BW_TIME_NONE: null */
void bw_json_day(struct bw_buf *b, int32_t day);

/* Shortest text that reads back as v ("0.1", "3", "1e+21"); returns its length.  out has room for 32 bytes. */
int bw_number_format(double v, char *out);

#endif
