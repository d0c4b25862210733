/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text, for people and for machines.  No privileges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "expr/private.h"

/* 1234567.5 as 1,234,567.5; two digits after the point are enough for people, of small numbers the first four. */
static void grouped(struct bw_buf *out, double d)
{
  char text[64];
  size_t len, i, digits, start;
  if (fabs(d) >= 1 && fabs(d) < 1e15) {
    d = round(d * 100) / 100;
  } else if (fabs(d) < 1) {
    (void)snprintf(text, sizeof text, "%.4g", d);
    d = strtod(text, NULL);
  }
  len = (size_t)bw_number_format(d, text);
  start = text[0] == '-';
  digits = start + strspn(text + start, "0123456789");
  if (memchr(text, 'e', len)) {
    bw_buf_add(out, text, len);
    return;
  }
  for (i = 0; i < len; i++) {
    if (i > start && i < digits && (digits - i) % 3 == 0)
      bw_buf_add_char(out, ',');
    bw_buf_add_char(out, text[i]);
  }
}

static void duration_text(struct bw_buf *out, int64_t ms)
{
  static const struct {
    int64_t ms;
    const char *one, *many;
  } units[] = {
      {BW_DAY, "day", "days"}, {BW_HOUR, "hour", "hours"}, {BW_MINUTE, "minute", "minutes"}, {BW_SECOND, "second", "seconds"}};
  size_t i;
  for (i = 0; i < 3; i++)
    if (ms >= units[i].ms || ms <= -units[i].ms)
      break;
  {
    double n = round((double)ms / (double)units[i].ms * 10) / 10;
    grouped(out, n);
    bw_buf_printf(out, " %s", n > 1 || n < 1 ? units[i].many : units[i].one);
  }
}

void bw_value_text(struct bw_buf *out, const struct bw_value *v)
{
  size_t i;
  switch (v->type) {
  case BW_TYPE_BOOL:
    bw_buf_add_cstr(out, v->b ? "yes" : "no");
    break;
  case BW_TYPE_INT:
  case BW_TYPE_DOUBLE:
    grouped(out, v->type == BW_TYPE_INT ? (double)v->i : v->d);
    break;
  case BW_TYPE_STRING:
    bw_buf_add_char(out, '"');
    bw_buf_add_str(out, v->s);
    bw_buf_add_char(out, '"');
    break;
  case BW_TYPE_RANK:
    bw_buf_add_str(out, v->s);
    break;
  case BW_TYPE_TIMESTAMP: {
    char text[BW_TIME_TEXT];
    if (bw_expr_time_text(v->i, text)) {
      bw_buf_add(out, text, v->i % BW_DAY ? strlen(text) : 10);
    } else {
      bw_buf_add_cstr(out, "a time out of range");
    }
    break;
  }
  case BW_TYPE_DURATION:
    duration_text(out, v->i);
    break;
  case BW_TYPE_LIST:
    bw_buf_add_char(out, '[');
    for (i = 0; i < v->list.n; i++) {
      if (i)
        bw_buf_add_cstr(out, ", ");
      bw_value_text(out, &v->list.items[i]);
    }
    bw_buf_add_char(out, ']');
    break;
  case BW_TYPE_MAP:
    bw_buf_add_char(out, '{');
    for (i = 0; i < v->list.n; i++) {
      if (i)
        bw_buf_add_cstr(out, ", ");
      bw_value_text(out, &v->list.items[2 * i]);
      bw_buf_add_cstr(out, ": ");
      bw_value_text(out, &v->list.items[2 * i + 1]);
    }
    bw_buf_add_char(out, '}');
    break;
  case BW_TYPE_ERROR:
    if (v->i == BW_VALUE_MISSING)
      bw_buf_add_cstr(out, "missing: ");
    bw_buf_add_str(out, v->s);
    break;
  case BW_TYPE_SIGNAL:
  case BW_TYPE_NAME:
  case BW_TYPE_TYPE:
    bw_buf_add_str(out, v->s);
    break;
  default:
    bw_buf_add_cstr(out, "null");
  }
}

/* Keys of JSON are texts: a number or a yes or no as it would be written. */
static void json_key(struct bw_buf *out, const struct bw_value *key)
{
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)key->i);
  bw_json_str(out, key->type == BW_TYPE_STRING ? key->s
                   : key->type == BW_TYPE_BOOL ? bw_str(key->b ? "true" : "false")
                                               : bw_str(text));
  bw_buf_add_char(out, ':');
}

void bw_value_json(struct bw_buf *out, const struct bw_value *v)
{
  char text[40];
  size_t i;
  switch (v->type) {
  case BW_TYPE_BOOL:
    bw_json_bool(out, v->b);
    break;
  case BW_TYPE_INT:
    bw_json_int(out, v->i);
    break;
  case BW_TYPE_DOUBLE:
    bw_json_num(out, v->d);
    break;
  case BW_TYPE_STRING:
  case BW_TYPE_RANK:
  case BW_TYPE_SIGNAL:
  case BW_TYPE_NAME:
  case BW_TYPE_TYPE:
    bw_json_str(out, v->s);
    break;
  case BW_TYPE_TIMESTAMP:
    if (bw_expr_time_text(v->i, text))
      bw_json_cstr(out, text);
    else
      bw_json_null(out);
    break;
  case BW_TYPE_DURATION:
    bw_number_format((double)v->i / 1000, text);
    strcat(text, "s");
    bw_json_cstr(out, text);
    break;
  case BW_TYPE_LIST:
    bw_json_open(out, '[');
    for (i = 0; i < v->list.n; i++)
      bw_value_json(out, &v->list.items[i]);
    bw_json_close(out, ']');
    break;
  case BW_TYPE_MAP:
    bw_json_open(out, '{');
    for (i = 0; i < v->list.n; i++) {
      json_key(out, &v->list.items[2 * i]);
      bw_value_json(out, &v->list.items[2 * i + 1]);
    }
    bw_json_close(out, '}');
    break;
  default:
    bw_json_null(out);
  }
}
