/* SPDX-License-Identifier: Apache-2.0 */
/* Structured lines on standard error: ts=... level=info role=core msg="..." key=value ... */
#ifndef BW_BASE_LOG_H
#define BW_BASE_LOG_H

#include "base/str.h"

enum bw_log_level { BW_LOG_DEBUG, BW_LOG_INFO, BW_LOG_WARN, BW_LOG_ERROR };

/* role (borrowed, static) appears in every line; lines below level are dropped. */
void bw_log_init(const char *role, enum bw_log_level level);

/*
 * One line.  fields is printf-made text of the form `key=%d other=%s`; use BW_Q() for what may hold spaces or foreign
 * bytes.  A call that makes more than one line is a bug: newlines are escaped.
 */
void bw_log(enum bw_log_level level, const char *msg, const char *fields, ...) __attribute__((format(printf, 3, 4)));

/* Quoted and escaped for a log line or a message: control and non-UTF-8 bytes as \xNN, cut at 200 bytes.  One of 8
   rotating static buffers: valid for the same log call only. */
const char *bw_log_quote(struct bw_str s);
#define BW_Q(cstr) bw_log_quote(bw_str(cstr))

#endif
