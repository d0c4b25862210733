/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of the daemon's, for people: times that programs read become dates.  Runs in the command line; no privileges. */
#include "cli/internal.h"

/* The length of "2026-11-22T01:10:00Z" or "2026-11-22T01:10:00.000Z" at p; 0 where there is none. */
static size_t time_at(const char *p, const char *begin)
{
  static const char shape[] = "dddd-dd-ddTdd:dd:dd";
  size_t i, n = sizeof shape - 1;
  if (p > begin && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '-' || p[-1] == '"'))
    return 0; /* of a longer word, or quoted data */
  for (i = 0; i < n; i++)
    if (shape[i] == 'd' ? p[i] < '0' || p[i] > '9' : p[i] != shape[i])
      return 0;
  if (p[n] == '.')
    for (n++; p[n] >= '0' && p[n] <= '9'; n++)
      ;
  return p[n] == 'Z' ? n + 1 : 0;
}

void bw_put_dates(struct bw_buf *out, const char *s)
{
  const char *p = s;
  int64_t at;
  size_t n;
  while (*p) {
    n = time_at(p, s);
    if (n && bw_time_parse(bw_str_n(p, n), &at) == 0) {
      bw_put_time(out, at);
      p += n;
    } else {
      bw_buf_add_char(out, *p++);
    }
  }
}

void bw_put_sentence(const struct bw_cli *cli, struct bw_buf *out, const char *s, size_t indent)
{
  struct bw_buf text = {0};
  bw_put_dates(&text, s);
  bw_put_wrapped(cli, out, bw_buf_cstr(&text), indent);
  bw_buf_clear(&text);
}
