/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: one row makes the default, the check and the help.  No privileges needed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "config/private.h"

#define MAX_INTEGER 9007199254740992.0 /* 2^53: what a double holds exactly */

/* ---- values ---- */

static bool in_bounds(const struct bw_setting *s, double v)
{
  return (s->min == 0 && s->max == 0) || (v >= s->min && v <= s->max);
}

static bool parse_percent(const struct bw_node *n, double *ret)
{
  char *end;
  if (n->type == BW_NODE_NUMBER) {
    *ret = n->number;
    return true;
  }
  if (n->type != BW_NODE_STRING || n->text.len < 2 || n->text.data[n->text.len - 1] != '%' ||
      !strchr("-.0123456789", n->text.data[0]))
    return false;
  *ret = strtod(n->text.data, &end) / 100;
  return end == n->text.data + n->text.len - 1 && isfinite(*ret);
}

static bool parse_size(const struct bw_node *n, double *ret)
{
  static const char units[] = "KMGT";
  const char *unit;
  char *end;
  if (n->text.len == 0 || n->text.data[0] < '0' || n->text.data[0] > '9')
    return false;
  *ret = strtod(n->text.data, &end);
  unit = *end ? strchr(units, *end) : NULL;
  if (unit) {
    *ret = ldexp(*ret, 10 * (int)(unit - units + 1));
    end++;
    end += *end == 'i' && end[1] == 'B' ? 1 : 0;
  }
  end += *end == 'B';
  return *end == '\0' && isfinite(*ret) && *ret == floor(*ret) && *ret < MAX_INTEGER;
}

static bool parse_duration(const struct bw_node *n, double *ret)
{
  int64_t ms;
  if (n->type == BW_NODE_NUMBER && n->number == 0) {
    *ret = 0;
    return true;
  }
  if (bw_duration_parse(n->text, &ms) != 0)
    return false;
  *ret = (double)ms;
  return true;
}

/* The i-th of "a|b|c"; empty past the end. */
static struct bw_str choice(const char *choices, size_t i)
{
  const char *bar;
  for (; i > 0 && choices; i--) {
    choices = strchr(choices, '|');
    if (choices)
      choices++;
  }
  if (!choices)
    return BW_STR("");
  bar = strchr(choices, '|');
  return bw_str_n(choices, bar ? (size_t)(bar - choices) : strlen(choices));
}

static bool parse_choice(const struct bw_setting *s, const struct bw_node *n, double *ret)
{
  size_t i;
  struct bw_str c;
  for (i = 0; (c = choice(s->choices, i)).len > 0; i++)
    if (bw_str_eq(c, n->text)) {
      *ret = (double)i;
      return true;
    }
  return false;
}

/* What each type is called, and an example of it; in the order of enum bw_setting_type. */
static const struct {
  const char *word, *right;
} types[] = {
    [BW_SETTING_BOOL] = {"boolean", "true or false"},
    [BW_SETTING_INTEGER] = {"integer", "a whole number, such as 12"},
    [BW_SETTING_NUMBER] = {"number", "a number, such as 1.5"},
    [BW_SETTING_PERCENT] = {"percentage", "a share, such as 30% or 0.3"},
    [BW_SETTING_DURATION] = {"duration", "a time span with a unit, such as 90s, 15m, 24h, 28d or 2w"},
    [BW_SETTING_SIZE] = {"size", "a size in bytes, such as 4096, 64K or 16M"},
    [BW_SETTING_STRING] = {"text", "text"},
    [BW_SETTING_ENUM] = {"choice", "one of these"},
    [BW_SETTING_NODE] = {"structure", "a structure"},
};

static bool parse_value(const struct bw_setting *s, const struct bw_node *n, double *ret)
{
  if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP)
    return false;
  *ret = n->number;
  switch (s->type) {
  case BW_SETTING_BOOL:
    return n->type == BW_NODE_BOOL;
  case BW_SETTING_INTEGER:
    return n->type == BW_NODE_NUMBER && n->number == floor(n->number) && fabs(n->number) <= MAX_INTEGER;
  case BW_SETTING_NUMBER:
    return n->type == BW_NODE_NUMBER;
  case BW_SETTING_PERCENT:
    return parse_percent(n, ret);
  case BW_SETTING_DURATION:
    return parse_duration(n, ret);
  case BW_SETTING_SIZE:
    return parse_size(n, ret);
  case BW_SETTING_ENUM:
    return parse_choice(s, n, ret);
  default:
    return true;
  }
}

static void write_value(const struct bw_setting *s, const struct bw_node *n, double v, void *target)
{
  char *field = (char *)target + s->offset;
  bool flag = v != 0;
  int64_t whole = (int64_t)(s->type == BW_SETTING_STRING || s->type == BW_SETTING_NODE ? 0 : v);
  int index = (int)(s->type == BW_SETTING_ENUM ? v : 0);
  char *text;
  switch (s->type) {
  case BW_SETTING_BOOL:
    memcpy(field, &flag, sizeof flag);
    break;
  case BW_SETTING_INTEGER:
  case BW_SETTING_DURATION:
  case BW_SETTING_SIZE:
    memcpy(field, &whole, sizeof whole);
    break;
  case BW_SETTING_NUMBER:
  case BW_SETTING_PERCENT:
    memcpy(field, &v, sizeof v);
    break;
  case BW_SETTING_STRING:
    text = bw_str_dup(n->text);
    memcpy(field, &text, sizeof text);
    break;
  case BW_SETTING_ENUM:
    memcpy(field, &index, sizeof index);
    break;
  case BW_SETTING_NODE:
    memcpy(field, &n, sizeof n);
    break;
  }
}

/* A bound in the way the setting is written. */
static void bound_text(const struct bw_setting *s, double v, char out[48])
{
  int n;
  if (s->type == BW_SETTING_DURATION) {
    bw_duration_format((int64_t)v, out);
    return;
  }
  n = bw_number_format(s->type == BW_SETTING_PERCENT ? v * 100 : v, out);
  snprintf(out + n, 48 - (size_t)n, "%s", s->type == BW_SETTING_PERCENT ? "%" : "");
}

static void complain_value(const struct bw_setting *s, const struct bw_node *n, struct bw_complaints *c)
{
  struct bw_str word, near_word = BW_STR("");
  size_t i, best = SIZE_MAX;
  if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP) {
    bw_complain(c, n, "'%s' should be %s%s%s, but here is %s", s->name, types[s->type].right, s->choices ? ": " : "",
                s->choices ? s->choices : "", bw_node_type_name(n->type));
    return;
  }
  for (i = 0; s->type == BW_SETTING_ENUM && (word = choice(s->choices, i)).len > 0; i++)
    if (bw_nearer(n->text, word, &best))
      near_word = word;
  if (s->type == BW_SETTING_ENUM && near_word.len > 0)
    bw_complain(c, n, "'%s' cannot be %s; did you mean '%.*s'? (%s)", s->name, bw_log_quote(n->text), BW_FMT(near_word),
                s->choices);
  else
    bw_complain(c, n, "'%s' should be %s%s%s, but is %s", s->name, types[s->type].right, s->choices ? ": " : "",
                s->choices ? s->choices : "", bw_log_quote(n->text));
}

static void read_one(const struct bw_setting *s, const struct bw_node *n, void *target, struct bw_complaints *c)
{
  double v;
  char low[48], high[48];
  if (!parse_value(s, n, &v)) {
    complain_value(s, n, c);
    return;
  }
  if (s->type != BW_SETTING_STRING && s->type != BW_SETTING_ENUM && s->type != BW_SETTING_BOOL && !in_bounds(s, v)) {
    bound_text(s, s->min, low);
    bound_text(s, s->max, high);
    bw_complain(c, n, "'%s' is %s, but must lie between %s and %s", s->name, bw_log_quote(n->text), low, high);
    return;
  }
  write_value(s, n, v, target);
}

/* ---- tables ---- */

/* The value of a dotted name: nested, or written with the dots. */
static const struct bw_node *find(const struct bw_node *map, const char *name)
{
  const struct bw_node *n = bw_node_get(map, name);
  const char *dot = n ? NULL : strchr(name, '.');
  char head[128];
  if (!dot || (size_t)(dot - name) >= sizeof head)
    return n;
  memcpy(head, name, (size_t)(dot - name));
  head[dot - name] = '\0';
  n = bw_node_get(map, head);
  return n && n->type == BW_NODE_MAP ? find(n, dot + 1) : NULL;
}

static void read_default(const struct bw_setting *s, const struct bw_node *map, void *target, struct bw_complaints *c)
{
  struct bw_node n = {.file = "default"};
  struct bw_complaints own = {0};
  if (!s->default_text) {
    bw_complain(c, map, "'%s' is missing: %s", s->name, s->help ? s->help : types[s->type].right);
    return;
  }
  if (s->type == BW_SETTING_NODE)
    return;
  n.text = bw_str(s->default_text);
  bw_node_resolve(&n);
  read_one(s, &n, target, &own);
  BW_ASSERT(own.count == 0); /* a table with a default that it would refuse itself */
  bw_complaints_clear(&own);
}

struct level {
  const struct bw_setting *table;
  size_t n;
  const char *prefix; /* "a.b." or "" */
};

/* The part of a known name that could stand at this level after the prefix; empty: the row is not below it. */
static struct bw_str component(const struct level *l, size_t row)
{
  const char *name = l->table[row].name, *dot;
  size_t len = strlen(l->prefix);
  if (strncmp(name, l->prefix, len) != 0)
    return BW_STR("");
  dot = strchr(name + len, '.');
  return bw_str_n(name + len, dot ? (size_t)(dot - name) - len : strlen(name + len));
}

static void complain_unknown(const struct level *l, const struct bw_node *n, struct bw_complaints *c)
{
  struct bw_str found = BW_STR("");
  size_t i, best = SIZE_MAX;
  for (i = 0; i < l->n; i++) {
    struct bw_str name = component(l, i);
    if (name.len && bw_nearer(n->key, name, &best))
      found = name;
  }
  if (found.len)
    bw_complain_key(c, n, "unknown key '%.100s'; did you mean '%.*s'?", n->key.data, BW_FMT(found));
  else
    bw_complain_key(c, n, "unknown key '%.100s'", n->key.data);
}

static void check_keys(const struct level *l, const struct bw_node *map, struct bw_complaints *c)
{
  size_t i, row;
  for (i = 0; i < map->nitems; i++) {
    const struct bw_node *n = &map->items[i];
    char *path BW_AUTOFREE = bw_asprintf("%s%s", l->prefix, n->key.data), *below BW_AUTOFREE = bw_asprintf("%s.", path);
    bool exact = false, parent = false;
    for (row = 0; row < l->n; row++) {
      exact |= strcmp(l->table[row].name, path) == 0;
      parent |= bw_str_prefix(bw_str(l->table[row].name), below);
    }
    if (exact)
      continue;
    if (!parent)
      complain_unknown(l, n, c);
    else if (n->type == BW_NODE_MAP)
      check_keys(&(struct level){l->table, l->n, below}, n, c);
    else if (n->type != BW_NODE_NULL)
      bw_complain(c, n, "'%.100s' should be a map, but here is %s", path, bw_node_type_name(n->type));
  }
}

static void zero_field(const struct bw_setting *s, void *target)
{
  static const size_t sizes[] = {
      [BW_SETTING_BOOL] = sizeof(bool),      [BW_SETTING_INTEGER] = sizeof(int64_t),  [BW_SETTING_NUMBER] = sizeof(double),
      [BW_SETTING_PERCENT] = sizeof(double), [BW_SETTING_DURATION] = sizeof(int64_t), [BW_SETTING_SIZE] = sizeof(int64_t),
      [BW_SETTING_STRING] = sizeof(char *),  [BW_SETTING_ENUM] = sizeof(int),         [BW_SETTING_NODE] = sizeof(void *)};
  memset((char *)target + s->offset, 0, sizes[s->type]);
}

int bw_settings_read(const struct bw_setting *table, size_t n, const struct bw_node *map, void *target, struct bw_complaints *c)
{
  size_t i, errors = c->count;
  bool usable = map && map->type == BW_NODE_MAP;
  for (i = 0; i < n; i++)
    zero_field(&table[i], target);
  if (map && !usable && map->type != BW_NODE_NULL)
    bw_complain(c, map, "a map of settings is expected here, not %s", bw_node_type_name(map->type));
  for (i = 0; i < n; i++) {
    const struct bw_node *value = usable ? find(map, table[i].name) : NULL;
    if (value && (value->type != BW_NODE_NULL || table[i].type == BW_SETTING_NODE)) {
      if (table[i].type == BW_SETTING_NODE)
        write_value(&table[i], value, 0, target);
      else
        read_one(&table[i], value, target, c);
    } else {
      read_default(&table[i], map, target, c);
    }
  }
  if (usable)
    check_keys(&(struct level){table, n, ""}, map, c);
  if (c->count == errors)
    return BW_OK;
  bw_settings_clear(table, n, target);
  return BW_EINVAL;
}

void bw_settings_clear(const struct bw_setting *table, size_t n, void *target)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (table[i].type == BW_SETTING_STRING) {
      char **field = (char **)(void *)((char *)target + table[i].offset);
      free(*field);
      *field = NULL;
    }
}

void bw_settings_help(const struct bw_setting *table, size_t n, struct bw_buf *out)
{
  char low[48], high[48];
  size_t i;
  for (i = 0; i < n; i++) {
    const struct bw_setting *s = &table[i];
    bw_buf_printf(out, ".TP\n.BR %s \" (%s", s->name, s->choices ? s->choices : types[s->type].word);
    if (!s->default_text)
      bw_buf_add_cstr(out, ", required");
    else if (s->type != BW_SETTING_NODE && *s->default_text)
      bw_buf_printf(out, ", default %s", s->default_text);
    if (s->min != 0 || s->max != 0) {
      bound_text(s, s->min, low);
      bound_text(s, s->max, high);
      bw_buf_printf(out, ", %s to %s", low, high);
    }
    bw_buf_printf(out, ")\"\n%s\n", s->help ? s->help : "");
  }
}
