/* SPDX-License-Identifier: Apache-2.0 */
/* Small worlds, and what why-not tells of them. */
#include "base/test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plays/tests/config.h"

void open_with(struct world *w, const char *shared, const char *plays)
{
  char *dir = config_dir(shared, plays, NULL);
  w->now = START;
  w->quiet = true;
  world_open(w, dir, NULL);
  config_remove(dir);
}

json_t *why(struct world *w, const char *account, const char *play)
{
  struct bw_buf b = {0};
  struct bw_error err = {0};
  json_error_t error;
  json_t *v;
  if (bw_engine_why_not(w->engine, bw_str(account), bw_str(play), w->now, &b, &err) < 0)
    fail_msg("%s", err.message);
  v = json_loads(bw_buf_cstr(&b), 0, &error);
  if (!v)
    fail_msg("%s: %s", error.text, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return v;
}

/* The value at "gates.2.result", as text. */
static char *at(const json_t *v, const char *path)
{
  char *copy BW_AUTOFREE = bw_strdup(path);
  char *save = NULL, *part;
  for (part = strtok_r(copy, ".", &save); part && v; part = strtok_r(NULL, ".", &save))
    v = json_is_array(v) ? json_array_get(v, (size_t)atoi(part)) : json_object_get(v, part);
  return !v                  ? bw_strdup("(nothing)")
         : json_is_string(v) ? bw_strdup(json_string_value(v))
                             : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static void check(const json_t *v, const char *what, va_list ap)
{
  const char *path;
  while ((path = va_arg(ap, const char *))) {
    const char *want = va_arg(ap, const char *);
    char *got BW_AUTOFREE = at(v, path);
    if (want[0] == '~' ? !strstr(got, want + 1) : strcmp(got, want) != 0)
      fail_msg("%s: %s is\n  %s\nand should be\n  %s\nin %s", what, path, got, want, json_dumps(v, JSON_INDENT(1)));
  }
}

void says(struct world *w, const char *account, const char *play, ...)
{
  json_t *v = why(w, account, play);
  va_list ap;
  va_start(ap, play);
  check(v, account, ap);
  va_end(ap);
  json_decref(v);
}

void tells(const char *json, ...)
{
  json_error_t error;
  json_t *v = json_loads(json, 0, &error);
  va_list ap;
  if (!v)
    fail_msg("%s: %s", error.text, json);
  va_start(ap, json);
  check(v, "this", ap);
  va_end(ap);
  json_decref(v);
}

void decline(struct world *w, const char *account)
{
  world_signal(w, account, "usage_decline", "", BW_OPENED, -0.4, 0.5, "{\"now\":60,\"before\":100}");
}

void full_seats(struct world *w, const char *account)
{
  world_signal(w, account, "seat_limit", "", BW_OPENED, 1.2, 0.5, "{\"used\":60}");
}
