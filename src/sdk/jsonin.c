/* SPDX-License-Identifier: Apache-2.0 */
/* A small JSON reader.  Runs in watcher hosts; no privileges needed. */
#include "sdk/jsonin.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"

#define MAX_DEPTH 32
#define MAX_NODES 20000

struct bw_jdoc {
  struct bw_jnode root;
  struct bw_jnode **nodes; /* all but the root, to free */
  char **texts;
  size_t nnodes, ntexts;
};

struct parser {
  const char *start, *p, *end;
  struct bw_jdoc *doc;
  const char *wrong;
};

static void space(struct parser *s)
{
  while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
    s->p++;
}

static bool fail(struct parser *s, const char *what)
{
  if (!s->wrong)
    s->wrong = what;
  return false;
}

static int hex4(struct parser *s)
{
  int v = 0, i;
  if (s->end - s->p < 4)
    return -1;
  for (i = 0; i < 4; i++) {
    char c = *s->p++;
    int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0)
      return -1;
    v = v * 16 + d;
  }
  return v;
}

static void add_utf8(struct bw_buf *b, int c)
{
  if (c < 0x80) {
    bw_buf_add_char(b, (char)c);
  } else if (c < 0x800) {
    bw_buf_add_char(b, (char)(0xC0 | c >> 6));
    bw_buf_add_char(b, (char)(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    bw_buf_add_char(b, (char)(0xE0 | c >> 12));
    bw_buf_add_char(b, (char)(0x80 | (c >> 6 & 63)));
    bw_buf_add_char(b, (char)(0x80 | (c & 63)));
  } else {
    bw_buf_add_char(b, (char)(0xF0 | c >> 18));
    bw_buf_add_char(b, (char)(0x80 | (c >> 12 & 63)));
    bw_buf_add_char(b, (char)(0x80 | (c >> 6 & 63)));
    bw_buf_add_char(b, (char)(0x80 | (c & 63)));
  }
}

static bool escape(struct parser *s, struct bw_buf *b)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *at;
  int c, low;
  if (s->p >= s->end)
    return fail(s, "a string is not closed");
  c = *s->p++;
  if (c != 'u') {
    at = c ? strchr(from, c) : NULL;
    if (!at)
      return fail(s, "an unknown escape");
    bw_buf_add_char(b, to[at - from]);
    return true;
  }
  c = hex4(s);
  if (c >= 0xD800 && c < 0xDC00 && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u') {
    s->p += 2;
    low = hex4(s);
    c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : -1;
  } else if (c >= 0xD800 && c < 0xE000) {
    c = -1;
  }
  if (c < 0)
    return fail(s, "a bad \\u escape");
  add_utf8(b, c);
  return true;
}

static bool string(struct parser *s, struct bw_str *ret)
{
  struct bw_buf b = {0};
  struct bw_jdoc *d = s->doc;
  s->p++;
  while (s->p < s->end && *s->p != '"') {
    char c = *s->p++;
    if ((unsigned char)c < 0x20 || (c == '\\' && !escape(s, &b))) {
      bw_buf_clear(&b);
      return fail(s, "a control character in a string");
    }
    if (c != '\\')
      bw_buf_add_char(&b, c);
  }
  if (s->p >= s->end || !bw_utf8_valid(b.data, b.len)) {
    bw_buf_clear(&b);
    return fail(s, "a string is not closed, or not UTF-8");
  }
  s->p++;
  (void)bw_buf_cstr(&b);
  d->texts = bw_realloc(d->texts, d->ntexts + 1, sizeof *d->texts);
  d->texts[d->ntexts++] = b.data;
  *ret = (struct bw_str){b.data, b.len};
  return true;
}

static bool value(struct parser *s, struct bw_jnode *n, int depth);

static bool members(struct parser *s, struct bw_jnode *n, int depth)
{
  char close = *s->p++ == '{' ? '}' : ']';
  struct bw_jnode **tail = &n->child;
  n->type = close == '}' ? BW_J_MAP : BW_J_LIST;
  for (space(s); s->p < s->end && *s->p != close; space(s)) {
    struct bw_jnode *c;
    if (n->child) {
      if (*s->p != ',')
        return fail(s, "a comma is missing");
      s->p++;
      space(s);
    }
    if (s->doc->nnodes >= MAX_NODES)
      return fail(s, "too many values");
    c = bw_alloc(sizeof *c);
    s->doc->nodes = bw_realloc(s->doc->nodes, s->doc->nnodes + 1, sizeof(struct bw_jnode *));
    s->doc->nodes[s->doc->nnodes++] = c;
    *tail = c;
    tail = &c->next;
    if (n->type == BW_J_MAP) {
      if (s->p >= s->end || *s->p != '"' || !string(s, &c->key))
        return fail(s, "a key must be a string");
      space(s);
      if (s->p >= s->end || *s->p++ != ':')
        return fail(s, "a colon is missing");
    }
    if (!value(s, c, depth + 1))
      return false;
  }
  if (s->p >= s->end)
    return fail(s, "a list or object is not closed");
  s->p++;
  return true;
}

static bool word(struct parser *s, const char *w, struct bw_jnode *n, enum bw_jtype type, double number)
{
  size_t len = strlen(w);
  if ((size_t)(s->end - s->p) < len || memcmp(s->p, w, len) != 0)
    return fail(s, "not JSON");
  s->p += len;
  n->type = type;
  n->number = number;
  return true;
}

static bool number(struct parser *s, struct bw_jnode *n)
{
  char text[64];
  size_t len = 0;
  char *end;
  const char *from = s->p;
  while (s->p < s->end && *s->p && strchr("+-.0123456789eE", *s->p) && len < sizeof text - 1)
    text[len++] = *s->p++;
  text[len] = '\0';
  n->number = strtod(text, &end);
  n->type = BW_J_NUMBER;
  n->text = (struct bw_str){from, len};
  return len > 0 && *end == '\0' && isfinite(n->number) ? true : fail(s, "not JSON");
}

static bool value(struct parser *s, struct bw_jnode *n, int depth)
{
  if (depth > MAX_DEPTH)
    return fail(s, "nested too deeply");
  space(s);
  if (s->p >= s->end)
    return fail(s, "a value is missing");
  switch (*s->p) {
  case '{':
  case '[':
    return members(s, n, depth);
  case '"':
    n->type = BW_J_STRING;
    return string(s, &n->text);
  case 't':
    return word(s, "true", n, BW_J_BOOL, 1);
  case 'f':
    return word(s, "false", n, BW_J_BOOL, 0);
  case 'n':
    return word(s, "null", n, BW_J_NULL, 0);
  default:
    return number(s, n);
  }
}

int bw_jdoc_parse(struct bw_str json, struct bw_jdoc **ret_doc, struct bw_error *err)
{
  struct parser s = {json.data, json.data, json.data + json.len, bw_alloc(sizeof(struct bw_jdoc)), NULL};
  bool ok = value(&s, &s.doc->root, 0);
  space(&s);
  if (ok && s.p != s.end)
    ok = fail(&s, "something follows the value");
  if (!ok) {
    bw_jdoc_free(&s.doc);
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s (at byte %zu)", s.wrong, (size_t)(s.p - s.start) + 1);
  }
  *ret_doc = s.doc;
  return BW_OK;
}

void bw_jdoc_free(struct bw_jdoc **doc)
{
  size_t i;
  if (!*doc)
    return;
  for (i = 0; i < (*doc)->nnodes; i++)
    free((*doc)->nodes[i]);
  for (i = 0; i < (*doc)->ntexts; i++)
    free((*doc)->texts[i]);
  free((*doc)->nodes);
  free((*doc)->texts);
  free(*doc);
  *doc = NULL;
}

const struct bw_jnode *bw_jdoc_root(const struct bw_jdoc *doc)
{
  return &doc->root;
}

const struct bw_jnode *bw_jnode_get(const struct bw_jnode *map, const char *key)
{
  const struct bw_jnode *c;
  if (map && map->type == BW_J_MAP)
    for (c = map->child; c; c = c->next)
      if (bw_str_is(c->key, key))
        return c;
  return NULL;
}

struct bw_str bw_jnode_text(const struct bw_jnode *map, const char *key)
{
  const struct bw_jnode *c = bw_jnode_get(map, key);
  return c && c->type == BW_J_STRING ? c->text : (struct bw_str){"", 0};
}

double bw_jnode_number(const struct bw_jnode *map, const char *key, double otherwise)
{
  const struct bw_jnode *c = bw_jnode_get(map, key);
  return c && (c->type == BW_J_NUMBER || c->type == BW_J_BOOL) ? c->number : otherwise;
}
