/* SPDX-License-Identifier: Apache-2.0 */
/* Structured logging to standard error.  Runs in every process; one write per line, so lines of several processes do not mix.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"

static const char *log_role = "main";
static enum bw_log_level log_level = BW_LOG_INFO;

void bw_log_init(const char *role, enum bw_log_level level)
{
  log_role = role;
  log_level = level;
}

const char *bw_log_quote(struct bw_str s)
{
  static char ring[8][832];
  static unsigned next;
  char *out = ring[next++ % 8], *p = out;
  size_t n = s.len > 200 ? 200 : s.len, i;
  bool utf8 = s.len <= 200 && bw_utf8_valid(s.data, n);
  *p++ = '"';
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '"' || c == '\\') {
      *p++ = '\\';
      *p++ = (char)c;
    } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8)) {
      p += snprintf(p, 5, "\\x%02x", c);
    } else {
      *p++ = (char)c;
    }
  }
  if (s.len > 200) {
    memcpy(p, "...", 3);
    p += 3;
  }
  *p++ = '"';
  *p = '\0';
  return out;
}

void bw_log(enum bw_log_level level, const char *msg, const char *fields, ...)
{
  static const char *const names[] = {"debug", "info", "warn", "error"};
  char line[4096], ts[BW_TIME_TEXT];
  int n, m = 0;
  char *p;
  va_list ap;
  if (level < log_level)
    return;
  bw_time_format(bw_clock_now(bw_clock_system()), ts);
  n = snprintf(line, sizeof line - 1, "ts=%s level=%s role=%s pid=%d msg=%s", ts, names[level], log_role, (int)getpid(),
               BW_Q(msg));
  if (fields && *fields && n > 0 && (size_t)n < sizeof line - 2) {
    line[n++] = ' ';
    va_start(ap, fields);
    m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fields, ap);
    va_end(ap);
  }
  n += m < 0 ? 0 : m;
  if (n > (int)sizeof line - 2)
    n = (int)sizeof line - 2;
  for (p = line; p < line + n; p++)
    if (*p == '\n' || *p == '\r')
      *p = ' ';
  line[n++] = '\n';
  if (write(STDERR_FILENO, line, (size_t)n) < 0) {
    /* Nowhere left to say it. */
  }
}
