/* SPDX-License-Identifier: Apache-2.0 */
/* JSON writer.  Runs in every process; no privileges needed. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

static void separate(struct bw_buf *b)
{
  char last = b->len ? b->data[b->len - 1] : '\0';
  if (b->len && last != '{' && last != '[' && last != ':' && last != '\n')
    bw_buf_add_char(b, ',');
}

void bw_json_open(struct bw_buf *b, char bracket)
{
  separate(b);
  bw_buf_add_char(b, bracket);
}

void bw_json_close(struct bw_buf *b, char bracket)
{
  bw_buf_add_char(b, bracket);
}

static void quoted(struct bw_buf *b, struct bw_str s)
{
  static const char hex[] = "0123456789abcdef";
  bool valid = bw_utf8_valid(s.data, s.len);
  size_t i, from = 0;
  bw_buf_add_char(b, '"');
  for (i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c >= 0x20 && c != '"' && c != '\\' && (valid || c < 0x80))
      continue;
    bw_buf_add(b, s.data + from, i - from);
    from = i + 1;
    if (c >= 0x80) {
      bw_buf_add_cstr(b, "\xEF\xBF\xBD");
    } else if (c == '"' || c == '\\') {
      bw_buf_add_char(b, '\\');
      bw_buf_add_char(b, (char)c);
    } else if (c == '\n') {
      bw_buf_add_cstr(b, "\\n");
    } else {
      bw_buf_add_cstr(b, "\\u00");
      bw_buf_add_char(b, hex[c >> 4]);
      bw_buf_add_char(b, hex[c & 15]);
    }
  }
  bw_buf_add(b, s.data + from, s.len - from);
  bw_buf_add_char(b, '"');
}

void bw_json_key(struct bw_buf *b, const char *key)
{
  separate(b);
  quoted(b, bw_str(key));
  bw_buf_add_char(b, ':');
}

void bw_json_str(struct bw_buf *b, struct bw_str s)
{
  separate(b);
  quoted(b, s);
}

void bw_json_cstr(struct bw_buf *b, const char *s)
{
  if (s)
    bw_json_str(b, bw_str(s));
  else
    bw_json_null(b);
}

int bw_number_format(double v, char *out)
{
  int precision, n = 0;
  if (v == floor(v) && fabs(v) < 1e15)
    return snprintf(out, 32, "%.0f", v == 0 ? 0.0 : v);
  for (precision = 15; precision <= 17; precision++) {
    n = snprintf(out, 32, "%.*g", precision, v);
    if (strtod(out, NULL) == v)
      break;
  }
  return n;
}

void bw_json_num(struct bw_buf *b, double v)
{
  separate(b);
  if (!isfinite(v)) {
    bw_buf_add_cstr(b, "null");
    return;
  }
  bw_buf_reserve(b, 32);
  b->len += (size_t)bw_number_format(v, b->data + b->len);
}

void bw_json_int(struct bw_buf *b, int64_t v)
{
  separate(b);
  bw_buf_printf(b, "%lld", (long long)v);
}

void bw_json_bool(struct bw_buf *b, bool v)
{
  separate(b);
  bw_buf_add_cstr(b, v ? "true" : "false");
}

void bw_json_null(struct bw_buf *b)
{
  separate(b);
  bw_buf_add_cstr(b, "null");
}

void bw_json_raw(struct bw_buf *b, struct bw_str json)
{
  separate(b);
  bw_buf_add_str(b, json);
}

void bw_json_time(struct bw_buf *b, int64_t ms)
{
  char t[BW_TIME_TEXT];
  if (ms == BW_TIME_NONE) {
    bw_json_null(b);
    return;
  }
  bw_time_format(ms, t);
  bw_json_str(b, bw_str(t));
}

void bw_json_day(struct bw_buf *b, int32_t day)
{
  char t[11];
  bw_day_format(day, t);
  bw_json_str(b, bw_str(t));
}
