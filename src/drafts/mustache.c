/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling Mustache.  Runs in core and in the command line's replay; no privileges needed. */
#define _GNU_SOURCE /* memmem */
#include "drafts/mustache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drafts/mustache_impl.h"

#define MAX_DELIMITER 16

struct compiler {
  struct bw_mustache *m;
  const char *text;
  size_t len, pos;
  char open[MAX_DELIMITER + 1], close[MAX_DELIMITER + 1];
  size_t stack[BW_MUSTACHE_MAX_DEPTH]; /* nodes of the open sections */
  size_t depth;
  /* Where counting of lines has come to. */
  size_t counted, line_begin;
  uint32_t line;
  struct bw_mustache_where *ret_where;
  struct bw_error *err;
};

/* One tag as it stands in the text. */
struct tag {
  size_t start, end;    /* with its delimiters */
  char sigil;           /* '#', '^', '/', '>', '!', '=', '&', '{' or '\0' */
  struct bw_str inside; /* trimmed, without the sigil */
  struct bw_mustache_where where;
};

static struct bw_mustache_where where_at(struct compiler *c, size_t offset)
{
  for (; c->counted < offset; c->counted++) {
    if (c->text[c->counted] == '\n') {
      c->line++;
      c->line_begin = c->counted + 1;
    }
  }
  return (struct bw_mustache_where){c->line, (uint32_t)(offset - c->line_begin + 1)};
}

static int complain(struct compiler *c, struct bw_mustache_where at, int code)
{
  if (c->ret_where)
    *c->ret_where = at;
  return code;
}

static bool is_blank(char ch)
{
  return ch == ' ' || ch == '\t';
}

static bool is_space(char ch)
{
  return is_blank(ch) || ch == '\n' || ch == '\r';
}

static struct bw_str trim(struct bw_str s)
{
  while (s.len && is_space(s.data[0])) {
    s.data++;
    s.len--;
  }
  while (s.len && is_space(s.data[s.len - 1]))
    s.len--;
  return s;
}

static int add_node(struct compiler *c, struct bw_mustache_node node)
{
  struct bw_mustache *m = c->m;
  if (m->n == BW_MUSTACHE_MAX_NODES)
    return complain(c, node.where,
                    bw_fail(c->err, BW_ELIMIT, BW_CLASS_CONFIG, "the template has more than %d parts; split it into partials",
                            BW_MUSTACHE_MAX_NODES));
  if (m->n == m->cap) {
    m->cap = m->cap ? m->cap * 2 : 16;
    m->nodes = bw_realloc(m->nodes, m->cap, sizeof *m->nodes);
  }
  m->nodes[m->n++] = node;
  return BW_OK;
}

static bool line_starts_at(const struct compiler *c, size_t offset)
{
  return offset == 0 || c->text[offset - 1] == '\n';
}

static int add_indent(struct compiler *c, size_t offset)
{
  struct bw_mustache_node node = {.type = BW_MNODE_INDENT, .where = where_at(c, offset)};
  return line_starts_at(c, offset) ? add_node(c, node) : BW_OK;
}

/* Text from c->pos to end, line by line. */
static int add_text(struct compiler *c, size_t end)
{
  size_t from = c->pos;
  int rc = BW_OK;
  while (rc == BW_OK && from < end) {
    const char *nl = memchr(c->text + from, '\n', end - from);
    size_t to = nl ? (size_t)(nl - c->text) + 1 : end;
    struct bw_mustache_node node = {.type = BW_MNODE_TEXT, .text = bw_str_n(c->text + from, to - from)};
    rc = add_indent(c, from);
    node.where = where_at(c, from);
    if (rc == BW_OK)
      rc = add_node(c, node);
    from = to;
  }
  return rc;
}

/* First occurrence of needle at or after from; c->len where there is none. */
static size_t find(const struct compiler *c, size_t from, const char *needle, size_t n)
{
  const char *p = from < c->len ? memmem(c->text + from, c->len - from, needle, n) : NULL;
  return p ? (size_t)(p - c->text) : c->len;
}

/* The tag whose opening delimiter stands at start. */
static int read_tag(struct compiler *c, size_t start, struct tag *ret)
{
  char closing[MAX_DELIMITER + 2];
  size_t p = start + strlen(c->open), stop, n;
  struct tag t = {.start = start, .where = where_at(c, start)};
  while (p < c->len && is_space(c->text[p]))
    p++;
  if (p < c->len && strchr("#^/>!=&{", c->text[p]) && c->text[p] != '\0')
    t.sigil = c->text[p++];
  n = 0;
  if (t.sigil == '{' || t.sigil == '=')
    closing[n++] = t.sigil == '{' ? '}' : '=';
  memcpy(closing + n, c->close, strlen(c->close) + 1);
  n += strlen(c->close);
  stop = find(c, p, closing, n);
  if (stop == c->len)
    return complain(c, t.where,
                    bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "this tag is never closed; write %s at its end", closing));
  t.end = stop + n;
  t.inside = trim(bw_str_n(c->text + p, stop - p));
  *ret = t;
  return BW_OK;
}

/*
 * A tag that prints nothing itself and stands alone on its line takes the whole line with it.  Gives the line's start and the
 * start of the next.
 */
static bool stands_alone(const struct compiler *c, const struct tag *t, size_t *ret_begin, size_t *ret_next)
{
  size_t begin = t->start, next = t->end;
  while (begin > c->pos && is_blank(c->text[begin - 1]))
    begin--;
  if (!line_starts_at(c, begin))
    return false;
  while (next < c->len && is_blank(c->text[next]))
    next++;
  if (next < c->len && c->text[next] == '\r')
    next++;
  if (next < c->len && c->text[next] != '\n')
    return false;
  *ret_begin = begin;
  *ret_next = next < c->len ? next + 1 : next;
  return true;
}

static int check_name(struct compiler *c, const struct tag *t, struct bw_str name)
{
  size_t i;
  const char *wrong = NULL;
  if (name.len == 0)
    wrong = "the tag has no name; write one between the delimiters";
  else if (name.len > BW_MUSTACHE_MAX_NAME)
    wrong = "the name in this tag is too long (at most 200 bytes)";
  else if (strchr("<$*@", name.data[0]) && name.data[0])
    wrong = "blocks, parents and dynamic names are not part of this Mustache; write the name alone";
  else if (!bw_utf8_valid(name.data, name.len))
    wrong = "the name in this tag is not UTF-8";
  else if (memchr(name.data, '{', name.len) || memchr(name.data, '}', name.len) || memchr(name.data, '\n', name.len))
    wrong = "this tag is not closed where its name ends; close it with }}";
  for (i = 0; !wrong && i < name.len; i++) {
    unsigned char ch = (unsigned char)name.data[i];
    if (ch <= ' ' || ch == 0x7F)
      wrong = "a name has no spaces or control characters; write it like account.name";
  }
  return wrong ? complain(c, t->where, bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "%s", wrong)) : BW_OK;
}

/* The part up to the next '|', which is taken off *rest. */
static struct bw_str next_part(struct bw_str *rest)
{
  const char *bar = rest->len ? memchr(rest->data, '|', rest->len) : NULL;
  struct bw_str part = bw_str_n(rest->data, bar ? (size_t)(bar - rest->data) : rest->len);
  *rest = bar ? bw_str_n(bar + 1, rest->len - part.len - 1) : bw_str_n(NULL, 0);
  return trim(part);
}

static int add_filter(struct compiler *c, const struct tag *t, struct bw_mustache_node *node, struct bw_str text)
{
  const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
  struct bw_str name = trim(bw_str_n(text.data, colon ? (size_t)(colon - text.data) : text.len));
  struct bw_str arg = colon ? trim(bw_str_n(colon + 1, text.len - (size_t)(colon - text.data) - 1)) : bw_str_n("", 0);
  const struct bw_filter *f = bw_filter_find(name);
  if (!f)
    return complain(c, t->where,
                    bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "there is no filter \"%.*s\"; there are %s",
                            (int)(name.len > 40 ? 40 : name.len), name.len ? name.data : "", bw_filter_list()));
  if (!f->arg_ok(arg))
    return complain(c, t->where,
                    bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "the filter \"%s\" is written %s", f->name, f->arg_help));
  if (node->nfilters == BW_MUSTACHE_MAX_FILTERS)
    return complain(c, t->where,
                    bw_fail(c->err, BW_ELIMIT, BW_CLASS_CONFIG, "at most %d filters in one tag", BW_MUSTACHE_MAX_FILTERS));
  node->filters[node->nfilters++] = (struct bw_filter_use){f, arg};
  return BW_OK;
}

static int add_variable(struct compiler *c, const struct tag *t)
{
  struct bw_str rest = t->inside;
  struct bw_mustache_node node = {.type = BW_MNODE_VARIABLE, .where = t->where, .raw = t->sigil == '&' || t->sigil == '{'};
  int rc;
  node.text = next_part(&rest);
  rc = check_name(c, t, node.text);
  while (rc == BW_OK && rest.data)
    rc = add_filter(c, t, &node, next_part(&rest));
  return rc == BW_OK ? add_node(c, node) : rc;
}

/* {{#name|positive}} and {{#name|from:5}} are what a section can ask beyond "is there a value?". */
static bool take_question(struct bw_str filter, struct bw_mustache_node *node)
{
  char number[16];
  size_t n = filter.len < 5 ? 0 : filter.len - 5;
  node->positive = bw_str_is(filter, "positive");
  if (node->positive)
    return true;
  if (n == 0 || n >= sizeof number || memcmp(filter.data, "from:", 5) != 0)
    return false;
  memcpy(number, filter.data + 5, n);
  number[n] = '\0';
  if (strspn(number, "0123456789.") != n || number[0] == '.' || number[n - 1] == '.' ||
      strchr(number, '.') != strrchr(number, '.'))
    return false;
  node->from = strtod(number, NULL);
  return node->from > 0;
}

static int open_section(struct compiler *c, const struct tag *t)
{
  struct bw_str rest = t->inside, filter;
  struct bw_mustache_node node = {.type = t->sigil == '#' ? BW_MNODE_SECTION : BW_MNODE_INVERTED, .where = t->where};
  int rc;
  node.text = next_part(&rest);
  rc = check_name(c, t, node.text);
  if (rc < 0)
    return rc;
  if (rest.data) {
    filter = next_part(&rest);
    if (!take_question(filter, &node) || rest.data)
      return complain(c, t->where,
                      bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG,
                              "a section takes no filter but |positive, or |from: and a number; write the name alone"));
  }
  if (c->depth == BW_MUSTACHE_MAX_DEPTH)
    return complain(c, t->where,
                    bw_fail(c->err, BW_ELIMIT, BW_CLASS_CONFIG, "sections are more than %d deep", BW_MUSTACHE_MAX_DEPTH));
  c->stack[c->depth++] = c->m->n;
  return add_node(c, node);
}

/* Lines are told relative to one another: where the text stands in its file is not known here. */
static int crossed(struct compiler *c, const struct tag *t, struct bw_str name, const struct bw_mustache_node *open)
{
  uint32_t above = t->where.line - open->where.line;
  char line[40];
  (void)snprintf(line, sizeof line, above ? "%u line%s above" : "in this line", above, above == 1 ? "" : "s");
  return complain(c, t->where,
                  bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG,
                          "this closes \"%.*s\" while \"%.*s\" (%s) is open; close that first",
                          (int)(name.len > 60 ? 60 : name.len), name.data, (int)(open->text.len > 60 ? 60 : open->text.len),
                          open->text.data, line));
}

static int close_section(struct compiler *c, const struct tag *t)
{
  struct bw_mustache_node *open = c->depth ? &c->m->nodes[c->stack[c->depth - 1]] : NULL;
  struct bw_str rest = t->inside, name = next_part(&rest);
  if (!open)
    return complain(c, t->where,
                    bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG, "no section is open here; remove this tag or open it before"));
  if (!bw_str_eq(open->text, name))
    return crossed(c, t, name, open);
  open->end = c->m->n;
  c->depth--;
  return BW_OK;
}

static int set_delimiters(struct compiler *c, const struct tag *t)
{
  struct bw_str s = t->inside;
  size_t n = 0, from;
  while (n < s.len && !is_space(s.data[n]))
    n++;
  from = n;
  while (from < s.len && is_space(s.data[from]))
    from++;
  if (n == 0 || from == s.len || n > MAX_DELIMITER || s.len - from > MAX_DELIMITER || memchr(s.data, '=', s.len) ||
      memchr(s.data, '\0', s.len) || memchr(s.data + from, ' ', s.len - from) || memchr(s.data + from, '\n', s.len - from))
    return complain(c, t->where,
                    bw_fail(c->err, BW_EINVAL, BW_CLASS_CONFIG,
                            "delimiters are set as {{=<%% %%>=}}: two words of at most %d characters without '='",
                            MAX_DELIMITER));
  memcpy(c->open, s.data, n);
  c->open[n] = '\0';
  memcpy(c->close, s.data + from, s.len - from);
  c->close[s.len - from] = '\0';
  return BW_OK;
}

static int add_partial(struct compiler *c, const struct tag *t, bool alone, struct bw_str indent)
{
  struct bw_mustache_node node = {
      .type = BW_MNODE_PARTIAL, .text = t->inside, .alone = alone, .indent = indent, .where = t->where};
  int rc = check_name(c, t, t->inside);
  return rc == BW_OK ? add_node(c, node) : rc;
}

static int add_tag(struct compiler *c, const struct tag *t, bool alone, struct bw_str indent)
{
  switch (t->sigil) {
  case '#':
  case '^':
    return open_section(c, t);
  case '/':
    return close_section(c, t);
  case '>':
    return add_partial(c, t, alone, indent);
  case '=':
    return set_delimiters(c, t);
  case '!':
    return BW_OK;
  default:
    return add_variable(c, t);
  }
}

static int compile(struct compiler *c)
{
  struct tag t;
  int rc = BW_OK;
  while (rc == BW_OK) {
    size_t start = find(c, c->pos, c->open, strlen(c->open)), begin = start, next;
    bool alone, may;
    if (start == c->len)
      return add_text(c, c->len);
    /* Counting lines only goes forward: the text before the tag is added before the tag's own position is asked for. */
    may = true;
    for (begin = start; begin > c->pos && is_blank(c->text[begin - 1]); begin--)
      ;
    may = line_starts_at(c, begin);
    rc = add_text(c, may ? begin : start);
    if (rc < 0 || (rc = read_tag(c, start, &t)) < 0)
      return rc;
    alone = may && t.sigil && strchr("#^/>!=", t.sigil) && stands_alone(c, &t, &begin, &next);
    if (may && !alone) {
      c->pos = begin;
      rc = begin < start ? add_text(c, start) : add_indent(c, start);
    }
    if (rc == BW_OK)
      rc = add_tag(c, &t, alone, alone ? bw_str_n(c->text + begin, start - begin) : bw_str_n("", 0));
    c->pos = alone ? next : t.end;
  }
  return rc;
}

int bw_mustache_compile(struct bw_str text, struct bw_mustache **ret_tmpl, struct bw_mustache_where *ret_where,
                        struct bw_error *err)
{
  struct compiler c = {.open = "{{", .close = "}}", .line = 1, .ret_where = ret_where, .err = err};
  struct bw_mustache *m;
  int rc;
  if (text.len > BW_MUSTACHE_MAX_TEXT)
    return complain(&c, (struct bw_mustache_where){1, 1},
                    bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "the template is larger than %d bytes", BW_MUSTACHE_MAX_TEXT));
  m = bw_alloc(sizeof *m);
  m->text = bw_strndup(text.data, text.len);
  c.m = m;
  c.text = m->text;
  c.len = text.len;
  rc = compile(&c);
  if (rc == BW_OK && c.depth) {
    const struct bw_mustache_node *open = &m->nodes[c.stack[c.depth - 1]];
    rc = complain(&c, open->where,
                  bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the section \"%.*s\" is never closed; write {{/%.*s}}",
                          (int)open->text.len, open->text.data, (int)open->text.len, open->text.data));
  }
  if (rc < 0)
    bw_mustache_free(&m);
  else
    *ret_tmpl = m;
  return rc;
}

void bw_mustache_free(struct bw_mustache **tmpl)
{
  if (!tmpl || !*tmpl)
    return;
  free((*tmpl)->nodes);
  free((*tmpl)->text);
  free(*tmpl);
  *tmpl = NULL;
}

bool bw_mustache_next_name(const struct bw_mustache *tmpl, size_t *i, struct bw_str *ret_name, enum bw_mustache_use *ret_use,
                           struct bw_mustache_where *ret_where)
{
  static const enum bw_mustache_use uses[] = {[BW_MNODE_VARIABLE] = BW_MUSTACHE_VARIABLE,
                                              [BW_MNODE_SECTION] = BW_MUSTACHE_SECTION,
                                              [BW_MNODE_INVERTED] = BW_MUSTACHE_INVERTED,
                                              [BW_MNODE_PARTIAL] = BW_MUSTACHE_PARTIAL};
  while (*i < tmpl->n) {
    const struct bw_mustache_node *node = &tmpl->nodes[(*i)++];
    if (node->type < BW_MNODE_VARIABLE)
      continue;
    *ret_name = node->text;
    *ret_use = node->type == BW_MNODE_VARIABLE && node->nfilters ? node->filters[0].filter->takes : uses[node->type];
    if (ret_where)
      *ret_where = node->where;
    return true;
  }
  return false;
}
