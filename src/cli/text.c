/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: widths, escaping, numbers, times, sparklines.  Runs in the command line; no privileges. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/internal.h"

/* ---- characters ---- */

/* The next character of UTF-8; what is malformed is one byte, U+FFFD. */
static size_t next_char(const char *s, size_t len, uint32_t *ret)
{
  const unsigned char *p = (const unsigned char *)s;
  size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
  if (n == 0 || n > len || !bw_utf8_valid(s, n)) {
    *ret = 0xFFFD;
    return 1;
  }
  *ret = n == 1   ? p[0]
         : n == 2 ? (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3Fu)
         : n == 3
             ? (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3Fu)
             : (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3Fu);
  return n;
}

struct range {
  uint32_t from, to;
};

static bool within(const struct range *ranges, size_t n, uint32_t c)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (c >= ranges[i].from && c <= ranges[i].to)
      return true;
  return false;
}

/* After the Unicode East Asian Width and combining classes, in coarse blocks. */
static const struct range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xAC00, 0xD7A3},
                                    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
                                    {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
static const struct range zero[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F}, {0x1AB0, 0x1AFF},
                                    {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
/* Characters that do something instead of showing something: controls, and those that turn the reading direction. */
static const struct range acting[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C}, {0x200E, 0x200F},  {0x2028, 0x202E},
                                      {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
#define WITHIN(ranges, c) within(ranges, sizeof ranges / sizeof ranges[0], c)

static size_t char_cells(uint32_t c)
{
  return WITHIN(zero, c) ? 0 : WITHIN(wide, c) ? 2 : 1;
}

size_t bw_cells(const char *s, size_t len)
{
  size_t i = 0, cells = 0;
  while (i < len) {
    uint32_t c;
    if (s[i] == '\033') { /* our own colours */
      while (i < len && s[i] != 'm')
        i++;
      i++;
      continue;
    }
    i += next_char(s + i, len - i, &c);
    cells += char_cells(c);
  }
  return cells;
}

size_t bw_cells_cut(const char *s, size_t len, size_t cells)
{
  size_t i = 0;
  while (i < len) {
    uint32_t c;
    size_t n = next_char(s + i, len - i, &c), w = char_cells(c);
    if (w > cells)
      break;
    cells -= w;
    i += n;
  }
  return i;
}

void bw_put_safe(struct bw_buf *out, const char *s, bool lines)
{
  size_t len = strlen(s), i = 0;
  while (i < len) {
    uint32_t c;
    size_t n = next_char(s + i, len - i, &c);
    if (c == '\n' && lines)
      bw_buf_add_char(out, '\n');
    else if (c == '\t')
      bw_buf_add_char(out, ' ');
    else if (WITHIN(acting, c))
      bw_buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    else if (c == 0xFFFD)
      bw_buf_add_cstr(out, "\xEF\xBF\xBD");
    else
      bw_buf_add(out, s + i, n);
    i += n;
  }
}

static const char *const styles[] = {"", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[34m"};

void bw_put_styled(const struct bw_cli *cli, struct bw_buf *out, enum bw_style style, const char *s)
{
  bool on = cli->color && style != BW_PLAIN;
  if (on)
    bw_buf_add_cstr(out, styles[style]);
  bw_put_safe(out, s, false);
  if (on)
    bw_buf_add_cstr(out, "\033[0m");
}

static void new_line(struct bw_buf *out, size_t indent)
{
  bw_buf_add_char(out, '\n');
  while (indent--)
    bw_buf_add_char(out, ' ');
}

void bw_put_wrapped(const struct bw_cli *cli, struct bw_buf *out, const char *s, size_t indent)
{
  struct bw_buf safe = {0};
  size_t width = (size_t)cli->width > indent + 20 ? (size_t)cli->width - indent : 20, used = 0;
  const char *p;
  bw_put_safe(&safe, s, true);
  for (p = bw_buf_cstr(&safe); *p;) {
    size_t n = strcspn(p, " \n"), cells = bw_cells(p, n);
    if (used && used + 1 + cells > width) {
      new_line(out, indent);
      used = 0;
    } else if (used && n) {
      bw_buf_add_char(out, ' ');
      used++;
    }
    bw_buf_add(out, p, n);
    used += cells;
    p += n;
    for (; *p == ' ' || *p == '\n'; p++)
      if (*p == '\n' && p[1]) {
        new_line(out, indent);
        used = 0;
      }
  }
  bw_buf_clear(&safe);
}

/* ---- numbers ---- */

static void put_grouped(struct bw_buf *out, const char *digits, size_t n)
{
  size_t i;
  for (i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0)
      bw_buf_add_char(out, ',');
    bw_buf_add_char(out, digits[i]);
  }
}

void bw_put_count(struct bw_buf *out, int64_t n)
{
  char text[24];
  int len = snprintf(text, sizeof text, "%" PRIu64, n < 0 ? (uint64_t)-n : (uint64_t)n);
  if (n < 0)
    bw_buf_add_char(out, '-');
  put_grouped(out, text, (size_t)len);
}

void bw_put_number(struct bw_buf *out, double v)
{
  double whole;
  if (!isfinite(v)) {
    bw_buf_add_cstr(out, "unknown");
  } else if (fabs(v) < 1e15 && (modf(v, &whole) == 0 || fabs(v) >= 1000)) {
    bw_put_count(out, llround(v));
  } else {
    bw_buf_printf(out, fabs(v) >= 100 ? "%.0f" : fabs(v) >= 10 ? "%.1f" : fabs(v) >= 0.01 ? "%.2f" : "%.3g", v);
  }
}

void bw_put_money(struct bw_buf *out, double v, const char *currency)
{
  static const struct {
    const char *code, *sign;
  } signs[] = {{"USD", "$"}, {"EUR", "€"}, {"GBP", "£"}, {"JPY", "¥"}};
  const char *sign = NULL;
  size_t i;
  if (!isfinite(v) || fabs(v) > 1e15) {
    bw_buf_add_cstr(out, "unknown");
    return;
  }
  for (i = 0; i < sizeof signs / sizeof signs[0]; i++)
    if (strcmp(currency, signs[i].code) == 0)
      sign = signs[i].sign;
  if (v < 0)
    bw_buf_add_char(out, '-');
  if (sign)
    bw_buf_add_cstr(out, sign);
  bw_put_count(out, llround(fabs(v)));
  if (!sign && *currency) {
    bw_buf_add_char(out, ' ');
    bw_put_safe(out, currency, false);
  }
}

void bw_put_bytes(struct bw_buf *out, double n)
{
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t i = 0;
  if (!isfinite(n)) {
    bw_buf_add_cstr(out, "unknown");
    return;
  }
  while (n >= 1024 && i < 4) {
    n /= 1024;
    i++;
  }
  bw_buf_printf(out, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

/* ---- times ---- */

void bw_put_relative(struct bw_buf *out, int64_t t, int64_t now)
{
  int64_t d;
  if (t == BW_TIME_NONE) {
    bw_buf_add_cstr(out, "never");
    return;
  }
  d = t > now ? t - now : now - t;
  if (d < 5 * BW_SECOND) {
    bw_buf_add_cstr(out, "now");
    return;
  }
  if (t > now)
    bw_buf_add_cstr(out, "in ");
  if (d < 2 * BW_MINUTE)
    bw_buf_printf(out, "%" PRId64 "s", d / BW_SECOND);
  else if (d < 2 * BW_HOUR)
    bw_buf_printf(out, "%" PRId64 "m", d / BW_MINUTE);
  else if (d < 6 * BW_HOUR && d % BW_HOUR >= BW_MINUTE)
    bw_buf_printf(out, "%" PRId64 "h %02" PRId64 "m", d / BW_HOUR, d % BW_HOUR / BW_MINUTE);
  else if (d < 2 * BW_DAY)
    bw_buf_printf(out, "%" PRId64 "h", d / BW_HOUR);
  else if (d < 2 * 365 * BW_DAY)
    bw_buf_printf(out, "%" PRId64 "d", d / BW_DAY);
  else
    bw_buf_printf(out, "%" PRId64 " years", d / (365 * BW_DAY));
  if (t < now)
    bw_buf_add_cstr(out, " ago");
}

void bw_put_time(struct bw_buf *out, int64_t t)
{
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int y, m, d;
  int64_t minutes;
  if (t == BW_TIME_NONE) {
    bw_buf_add_cstr(out, "never");
    return;
  }
  bw_day_to_civil(bw_time_day(t), &y, &m, &d);
  minutes = (t - bw_day_time(bw_time_day(t))) / BW_MINUTE;
  bw_buf_printf(out, "%s %d %s %d %02d:%02d UTC", days[bw_day_weekday(bw_time_day(t))], d, months[m - 1], y,
                (int)(minutes / 60), (int)(minutes % 60));
}

void bw_put_when(struct bw_buf *out, int64_t t, int64_t now)
{
  bw_put_relative(out, t, now);
  if (t == BW_TIME_NONE)
    return;
  bw_buf_add_cstr(out, " (");
  bw_put_time(out, t);
  bw_buf_add_char(out, ')');
}

/* ---- series ---- */

/* The mean of the numbers in items from..to; NAN where there are none. */
static double mean_of(const json_t *values, size_t from, size_t to)
{
  double sum = 0;
  size_t n = 0;
  for (; from < to; from++) {
    const json_t *v = json_array_get(values, from);
    if (json_is_number(v)) {
      sum += json_number_value(v);
      n++;
    }
  }
  return n ? sum / (double)n : NAN;
}

bool bw_put_spark(struct bw_buf *out, const json_t *values, size_t cells)
{
  static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double points[128], high = 0, low = 0;
  size_t n = json_array_size(values), i;
  if (cells > 128)
    cells = 128;
  if (n < 3)
    return false;
  if (n < cells)
    cells = n;
  for (i = 0; i < cells; i++) {
    points[i] = mean_of(values, i * n / cells, (i + 1) * n / cells);
    if (isfinite(points[i]) && points[i] > high)
      high = points[i];
    if (isfinite(points[i]) && points[i] < low)
      low = points[i];
  }
  /* From zero, not from the smallest: a ripple must not look like a collapse. */
  for (i = 0; i < cells; i++) {
    double share = high > low ? (points[i] - low) / (high - low) : 0;
    bw_buf_add_cstr(out, isfinite(points[i]) ? bars[(size_t)(share * 7 + 0.5)] : " ");
  }
  return true;
}

void bw_put_value(struct bw_buf *out, const json_t *value)
{
  char *text;
  const json_t *item;
  size_t i;
  switch (json_typeof(value)) {
  case JSON_STRING:
    bw_put_safe(out, json_string_value(value), false);
    break;
  case JSON_INTEGER:
  case JSON_REAL:
    bw_put_number(out, json_number_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    bw_buf_add_cstr(out, json_is_true(value) ? "yes" : "no");
    break;
  case JSON_NULL:
    bw_buf_add_cstr(out, "unknown");
    break;
  case JSON_ARRAY:
    json_array_foreach(value, i, item)
    {
      if (i)
        bw_buf_add_cstr(out, ", ");
      bw_put_value(out, item);
    }
    break;
  default:
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    bw_put_safe(out, text ? text : "", false);
    free(text);
  }
}
