/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher's configuration, checked against its plugin's option table.  Runs in the watcher host, behind the sandbox.
 * No privileges needed.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "config/config.h"
#include "host/load.h"

#define JSON_MAX (1u << 20)
#define PATH_MAX_LEN 256
#define DEPTH_MAX 8

struct reading {
  const struct bw_option *table;
  size_t n;
  struct bw_options *out;
  bool *given;
  struct bw_error *err;
};

/* What would be right, by type. */
static const char *const wanted[] = {
    "",
    "true or false",
    "a whole number",
    "a number",
    "a percentage (\"30%\") or a fraction (0.3)",
    "a duration (\"28d\", \"12h\", \"30m\")",
    "text",
    "JSON",
};

static int wrong(struct bw_error *err, const struct bw_option *o, const char *got)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: %s was given, %s is needed", o->name, got, wanted[o->type]);
}

/* ---- one value from text ---- */

static bool parse_double(const char *s, double *ret)
{
  char *end;
  double v;
  if (*s == '\0' || *s == ' ')
    return false;
  errno = 0;
  v = strtod(s, &end);
  if (*end != '\0' || !isfinite(v))
    return false;
  *ret = v;
  return true;
}

static bool parse_integer(const char *s, int64_t *ret)
{
  char *end;
  long long v;
  if (*s == '\0' || *s == ' ')
    return false;
  errno = 0;
  v = strtoll(s, &end, 10);
  if (*end != '\0' || errno == ERANGE)
    return false;
  *ret = v;
  return true;
}

static bool parse_percent(const char *s, double *ret)
{
  size_t n = strlen(s);
  char text[48];
  double v;
  if (n < 2 || n >= sizeof text || s[n - 1] != '%')
    return parse_double(s, ret);
  memcpy(text, s, n - 1);
  text[n - 1] = '\0';
  if (!parse_double(text, &v))
    return false;
  *ret = v / 100;
  return true;
}

static bool json_text_ok(const char *s, size_t len)
{
  json_t *v = json_loadb(s, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
  json_decref(v);
  return v != NULL;
}

/* Sets v from text (which v may go on borrowing). */
static bool value_parse(const struct bw_option *o, const char *s, struct bw_option_value *v)
{
  switch (o->type) {
  case BW_OPTION_BOOL:
    v->integer = strcmp(s, "true") == 0;
    return v->integer || strcmp(s, "false") == 0;
  case BW_OPTION_INTEGER:
    if (!parse_integer(s, &v->integer))
      return false;
    v->number = (double)v->integer;
    return true;
  case BW_OPTION_NUMBER:
    return parse_double(s, &v->number);
  case BW_OPTION_PERCENT:
    return parse_percent(s, &v->number);
  case BW_OPTION_DURATION:
    if (strcmp(s, "0") == 0) {
      v->integer = 0;
      return true;
    }
    return bw_duration_parse(bw_str(s), &v->integer) == BW_OK;
  case BW_OPTION_STRING:
    v->text = bw_str(s);
    return true;
  default:
    v->text = bw_str(s);
    return json_text_ok(s, strlen(s));
  }
}

/* A share from 1000 % on, written without its sign, is meant as a percentage. */
#define ODD_SHARE 10

static int check_bounds(const struct bw_option *o, const struct bw_option_value *v, const char *text, struct bw_error *err)
{
  bool has_integer = o->type == BW_OPTION_INTEGER || o->type == BW_OPTION_DURATION;
  bool has_number = o->type == BW_OPTION_NUMBER || o->type == BW_OPTION_PERCENT;
  char least[BW_DURATION_TEXT], most[BW_DURATION_TEXT];
  double x = has_integer ? (double)v->integer : v->number;
  if (o->type == BW_OPTION_PERCENT && fabs(x) >= ODD_SHARE && !strchr(text, '%'))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: %g is %g %%; write \"%g%%\" or %g", o->name, x, x * 100, x,
                   x / 100);
  if ((!has_integer && !has_number) || (o->min == 0 && o->max == 0) || (x >= o->min && x <= o->max))
    return BW_OK;
  if (o->type != BW_OPTION_DURATION)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: %g is out of range; %g to %g is possible", o->name, x, o->min,
                   o->max);
  bw_duration_format((int64_t)o->min, least);
  bw_duration_format((int64_t)o->max, most);
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: %.60s is out of range; %s to %s is possible", o->name, text,
                 least, most);
}

/* ---- one value from JSON ---- */

/* The value as the text that value_parse() takes, or NULL where the type cannot be meant.  The caller frees it. */
static char *json_as_text(const struct bw_option *o, const json_t *j)
{
  if (o->type == BW_OPTION_JSON) {
    char *dumped = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
    char *copy = dumped ? bw_strdup(dumped) : NULL;
    free(dumped);
    return copy;
  }
  if (json_is_string(j))
    return o->type == BW_OPTION_BOOL ? NULL : bw_strndup(json_string_value(j), json_string_length(j));
  if (json_is_boolean(j))
    return o->type == BW_OPTION_BOOL ? bw_strdup(json_is_true(j) ? "true" : "false") : NULL;
  if (json_is_integer(j))
    return o->type == BW_OPTION_BOOL ? NULL : bw_asprintf("%lld", (long long)json_integer_value(j));
  if (json_is_real(j) && o->type == BW_OPTION_INTEGER && json_real_value(j) == floor(json_real_value(j)) &&
      fabs(json_real_value(j)) < 9e15)
    return bw_asprintf("%.0f", json_real_value(j)); /* 3.0 means 3 */
  if (json_is_real(j) && o->type != BW_OPTION_BOOL && o->type != BW_OPTION_INTEGER)
    return bw_asprintf("%.17g", json_real_value(j));
  return NULL;
}

static int value_take(struct reading *r, size_t i, const json_t *j)
{
  const struct bw_option *o = &r->table[i];
  struct bw_option_value *v = &r->out->values[i];
  char *text = json_as_text(o, j);
  const char *got = json_is_string(j)    ? "text"
                    : json_is_number(j)  ? "a number"
                    : json_is_boolean(j) ? "true or false"
                    : json_is_array(j)   ? "a list"
                    : json_is_object(j)  ? "a map"
                                         : "nothing";
  if (r->given[i]) {
    free(text);
    return bw_fail(r->err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: given twice, once nested and once with dots", o->name);
  }
  r->given[i] = true;
  if (!text)
    return wrong(r->err, o, got);
  free(r->out->texts[i]);
  r->out->texts[i] = text;
  if (!value_parse(o, text, v)) {
    char shown[80];
    snprintf(shown, sizeof shown, "\"%.60s\"", text);
    return wrong(r->err, o, shown);
  }
  return check_bounds(o, v, text, r->err);
}

/* ---- the whole ---- */

static int unknown(struct reading *r, const char *path)
{
  const char **names = bw_calloc(r->n + 1, sizeof *names);
  const char *near;
  size_t i;
  for (i = 0; i < r->n; i++)
    names[i] = r->table[i].name;
  near = bw_nearest(bw_str(path), names);
  free(names);
  return bw_fail(r->err, BW_ENOTFOUND, BW_CLASS_CONFIG, "option %s: the plugin has no such option%s%s%s", path,
                 near   ? "; did you mean "
                 : r->n ? "; its documentation lists what it has"
                        : "; it has none at all",
                 near ? near : "", near ? "?" : "");
}

static bool is_group(const struct reading *r, const char *path)
{
  size_t i, n = strlen(path);
  for (i = 0; i < r->n; i++)
    if (strncmp(r->table[i].name, path, n) == 0 && r->table[i].name[n] == '.')
      return true;
  return false;
}

static int walk(struct reading *r, const char *prefix, const json_t *map, int depth)
{
  char path[PATH_MAX_LEN];
  const char *key;
  json_t *item;
  size_t i;
  int rc = BW_OK, n;
  if (depth > DEPTH_MAX)
    return bw_fail(r->err, BW_ELIMIT, BW_CLASS_CONFIG, "option %s: nested too deeply", prefix);
  json_object_foreach((json_t *)(uintptr_t)map, key, item)
  {
    n = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", key);
    if (n < 0 || (size_t)n >= sizeof path)
      return bw_fail(r->err, BW_ELIMIT, BW_CLASS_CONFIG, "option %.60s...: the name is too long", prefix);
    for (i = 0; i < r->n && strcmp(r->table[i].name, path) != 0; i++)
      ;
    if (i < r->n)
      rc = value_take(r, i, item);
    else if (json_is_object(item) && is_group(r, path))
      rc = walk(r, path, item, depth + 1);
    else
      rc = unknown(r, path);
    if (rc < 0)
      return rc;
  }
  return BW_OK;
}

static int take_default(const struct bw_option *o, struct bw_option_value *v, char **ret_text, struct bw_error *err)
{
  if (!o->default_text)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: it must be given: %s", o->name, wanted[o->type]);
  *ret_text = bw_strdup(o->default_text);
  if (!value_parse(o, *ret_text, v))
    return wrong(err, o, "its own default");
  return check_bounds(o, v, *ret_text, err);
}

int bw_options_check_table(const struct bw_option *table, size_t n, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < n; i++) {
    struct bw_option_value v = {0};
    char *text = NULL;
    int rc = table[i].default_text ? take_default(&table[i], &v, &text, err) : BW_OK;
    free(text);
    if (rc == BW_OK && !(isfinite(table[i].min) && isfinite(table[i].max) && table[i].min <= table[i].max))
      rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: its bounds are out of order", table[i].name);
    if (rc < 0)
      return rc;
  }
  return BW_OK;
}

int bw_options_read(const struct bw_option *table, size_t n, struct bw_str json, struct bw_options *ret, struct bw_error *err)
{
  struct reading r = {table, n, ret, bw_calloc(n + 1, sizeof(bool)), err};
  json_t *root = NULL;
  json_error_t why;
  size_t i;
  int rc = BW_OK;
  ret->n = n;
  ret->values = bw_calloc(n + 1, sizeof *ret->values);
  ret->texts = bw_calloc(n + 1, sizeof *ret->texts);
  if (json.len > JSON_MAX)
    rc = bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "the options have %llu bytes; at most %u are taken",
                 (unsigned long long)json.len, JSON_MAX);
  else if (json.len > 0 && !(root = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &why)))
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the options are not JSON: %s (line %d, column %d)", why.text, why.line,
                 why.column);
  else if (root && !json_is_object(root))
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the options are not a map of names and values");
  else if (root)
    rc = walk(&r, "", root, 0);
  for (i = 0; rc == BW_OK && i < n; i++) {
    ret->values[i].size = sizeof ret->values[i];
    ret->values[i].type = table[i].type;
    if (!r.given[i])
      rc = take_default(&table[i], &ret->values[i], &ret->texts[i], err);
  }
  json_decref(root);
  free(r.given);
  return rc;
}

void bw_options_clear(struct bw_options *o)
{
  size_t i;
  for (i = 0; o->texts && i < o->n; i++)
    free(o->texts[i]);
  free(o->texts);
  free(o->values);
  *o = (struct bw_options){0};
}
