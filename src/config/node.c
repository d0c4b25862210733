/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and complaints: typing of scalars, lookup, JSON, messages with positions.  No privileges needed. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "config/private.h"

#define MAX_COMPLAINTS 200 /* a hostile file must not fill the memory with messages */

const char *bw_node_type_name(enum bw_node_type type)
{
  static const char *const names[] = {"nothing", "true or false", "a number", "text", "a list", "a map"};
  return names[type];
}

/* ---- typing ---- */

static size_t digits(const char *p)
{
  size_t n = 0;
  while (isdigit((unsigned char)p[n]))
    n++;
  return n;
}

/* YAML 1.2 core schema: [-+]? ( [0-9]+ (\. [0-9]*)? | \. [0-9]+ ) ([eE][-+]?[0-9]+)?; infinities and NaN stay text, for no
   setting may hold them. */
static bool is_decimal(const char *p)
{
  size_t whole, fraction = 0, n;
  p += *p == '-' || *p == '+';
  whole = digits(p);
  p += whole;
  if (*p == '.') {
    fraction = digits(p + 1);
    p += 1 + fraction;
  }
  if (whole + fraction == 0)
    return false;
  if (*p == 'e' || *p == 'E') {
    p++;
    p += *p == '-' || *p == '+';
    n = digits(p);
    if (n == 0)
      return false;
    p += n;
  }
  return *p == '\0';
}

static bool parse_number(const char *p, double *ret)
{
  char *end;
  double v;
  bool radix = p[0] == '0' && (p[1] == 'x' || p[1] == 'o') && isxdigit((unsigned char)p[2]);
  if (radix)
    v = (double)strtoull(p + 2, &end, p[1] == 'x' ? 16 : 8);
  else if (is_decimal(p))
    v = strtod(p, &end);
  else
    return false;
  if (*end != '\0' || !isfinite(v))
    return false;
  *ret = v;
  return true;
}

void bw_node_resolve(struct bw_node *node)
{
  static const char *const words[][3] = {{"true", "True", "TRUE"}, {"false", "False", "FALSE"}, {"null", "Null", "NULL"}};
  size_t i;
  node->type = BW_NODE_STRING;
  node->number = 0;
  if (memchr(node->text.data, '\0', node->text.len))
    return;
  for (i = 0; i < 3; i++) {
    if (bw_str_is(node->text, words[0][i]) || bw_str_is(node->text, words[1][i])) {
      node->type = BW_NODE_BOOL;
      node->number = tolower((unsigned char)node->text.data[0]) == 't';
    }
    if (bw_str_is(node->text, words[2][i]))
      node->type = BW_NODE_NULL;
  }
  if (node->text.len == 0 || bw_str_is(node->text, "~"))
    node->type = BW_NODE_NULL;
  if (node->type == BW_NODE_STRING && parse_number(node->text.data, &node->number))
    node->type = BW_NODE_NUMBER;
}

/* ---- looking ---- */

const struct bw_node *bw_node_get(const struct bw_node *map, const char *key)
{
  size_t i;
  if (!map || map->type != BW_NODE_MAP)
    return NULL;
  for (i = 0; i < map->nitems; i++)
    if (bw_str_is(map->items[i].key, key))
      return &map->items[i];
  return NULL;
}

/* The item that a path's "[n]" names; its end in *ret_rest. */
static const struct bw_node *find_item(const struct bw_node *list, struct bw_str path, struct bw_str *ret_rest)
{
  size_t i = 1, n = 0;
  for (; i < path.len && isdigit((unsigned char)path.data[i]) && n <= list->nitems; i++)
    n = n * 10 + (size_t)(path.data[i] - '0');
  if (list->type != BW_NODE_LIST || i == 1 || i >= path.len || path.data[i] != ']' || n >= list->nitems)
    return NULL;
  *ret_rest = bw_str_n(path.data + i + 1, path.len - i - 1);
  return &list->items[n];
}

const struct bw_node *bw_node_find(const struct bw_node *root, struct bw_str path)
{
  const struct bw_node *found = NULL, *at;
  struct bw_str rest;
  size_t i;
  if (path.len == 0)
    return root;
  if (path.data[0] == '[')
    return (at = find_item(root, path, &rest)) ? bw_node_find(at, rest) : NULL;
  if (path.data[0] == '.')
    path = bw_str_n(path.data + 1, path.len - 1);
  for (i = 0; root->type == BW_NODE_MAP && !found && i < root->nitems; i++) {
    struct bw_str key = root->items[i].key;
    if (key.len > 0 && key.len <= path.len && memcmp(path.data, key.data, key.len) == 0 &&
        (key.len == path.len || strchr(".[", path.data[key.len])))
      found = bw_node_find(&root->items[i], bw_str_n(path.data + key.len, path.len - key.len));
  }
  return found;
}

void bw_node_json(struct bw_buf *out, const struct bw_node *node)
{
  size_t i;
  char bracket = node->type == BW_NODE_MAP ? '{' : '[', closing = node->type == BW_NODE_MAP ? '}' : ']';
  switch (node->type) {
  case BW_NODE_NULL:
    bw_json_null(out);
    break;
  case BW_NODE_BOOL:
    bw_json_bool(out, node->number != 0);
    break;
  case BW_NODE_NUMBER:
    bw_json_num(out, node->number);
    break;
  case BW_NODE_STRING:
    bw_json_str(out, node->text);
    break;
  case BW_NODE_LIST:
  case BW_NODE_MAP:
    bw_json_open(out, bracket);
    for (i = 0; i < node->nitems; i++) {
      if (bracket == '{')
        bw_json_key(out, node->items[i].key.data); /* NUL-terminated, without a NUL inside: the parser saw to it */
      bw_node_json(out, &node->items[i]);
    }
    bw_json_close(out, closing);
    break;
  }
}

/* ---- complaints ---- */

static void __attribute__((format(printf, 5, 0)))
complain(struct bw_complaints *c, const char *file, uint32_t line, uint32_t column, const char *fmt, va_list ap)
{
  char message[1024];
  size_t i, len;
  if (c->count + c->warnings > MAX_COMPLAINTS)
    return;
  if (c->count + c->warnings == MAX_COMPLAINTS) {
    bw_buf_add_cstr(&c->text, "... and more, not shown\n");
    return;
  }
  vsnprintf(message, sizeof message, fmt, ap);
  len = strlen(message);
  for (i = 0; i < len; i++)
    if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f) /* what a file holds must not steer a terminal */
      message[i] = ' ';
  if (file)
    bw_buf_add_cstr(&c->text, file);
  if (file && line)
    bw_buf_printf(&c->text, ":%u:%u", line, column);
  bw_buf_printf(&c->text, "%s%s\n", file ? ": " : "", message);
}

#define COMPLAIN(c, file, line, column, fmt, counter)                                                                          \
  do {                                                                                                                         \
    va_list ap;                                                                                                                \
    va_start(ap, fmt);                                                                                                         \
    complain(c, file, line, column, fmt, ap);                                                                                  \
    va_end(ap);                                                                                                                \
    (c)->counter++;                                                                                                            \
  } while (0)

void bw_complain(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...)
{
  COMPLAIN(c, at ? at->file : NULL, at ? at->line : 0, at ? at->column : 0, fmt, count);
}

void bw_complain_key(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...)
{
  bool key = at && at->key_line;
  COMPLAIN(c, at ? at->file : NULL,
           key  ? at->key_line
           : at ? at->line
                : 0,
           key  ? at->key_column
           : at ? at->column
                : 0,
           fmt, count);
}

void bw_complain_at(struct bw_complaints *c, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
{
  COMPLAIN(c, file, line, column, fmt, count);
}

void bw_warn(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...)
{
  char warning[900];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(warning, sizeof warning, fmt, ap);
  va_end(ap);
  bw_complain(c, at, "warning: %s", warning);
  c->count--;
  c->warnings++;
}

void bw_complaints_clear(struct bw_complaints *c)
{
  bw_buf_clear(&c->text);
  *c = (struct bw_complaints){0};
}

struct bw_str bw_complaints_first(struct bw_complaints *c)
{
  const char *p = bw_buf_cstr(&c->text), *warning;
  size_t n;
  for (; *p; p += n + (p[n] == '\n')) {
    n = strcspn(p, "\n");
    warning = strstr(p, ": warning: ");
    if (!warning || warning > p + n)
      return bw_str_n(p, n);
  }
  return BW_STR("");
}
