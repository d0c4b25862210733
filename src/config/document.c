/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to nodes, from libfyaml's events, so that every limit holds while reading and not after.  Any process that reads
 * configuration; needs to read the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "config/private.h"

#define MAX_BYTES (1u << 20)
#define MAX_DEPTH 64
#define MAX_NODES 200000
#define MAX_ALIASED 1000
#define MAX_BLANK_LINES 1000 /* in a row: libfyaml's time and stack grow with them */

struct chunk {
  struct chunk *next;
  size_t used, size;
  _Alignas(16) char data[];
};

struct bw_document {
  struct bw_node root;
  struct chunk *chunks;
  char *name;
};

/* An open list or map. */
struct frame {
  struct bw_node node;
  struct bw_node *items;
  size_t nitems, cap;
  bool map, has_key; /* the next node is a value */
  struct bw_node key;
  struct bw_map *seen; /* keys of a map, to the line (as a pointer) where they stood */
  char *anchor;
};

struct anchored {
  struct bw_node node;
  size_t nodes, depth; /* of its tree */
};

struct builder {
  struct bw_document *doc;
  struct bw_complaints *complaints;
  struct frame frames[MAX_DEPTH];
  size_t depth, nodes, aliased;
  struct bw_map *anchors;
  struct bw_node *docs;
  size_t ndocs, docs_cap;
  bool many, failed;
  struct bw_str yaml;
  struct bw_buf unquoted;
};

/* ---- memory ---- */

static void *take(struct bw_document *d, size_t size)
{
  struct chunk *c = d->chunks;
  void *p;
  size = (size + 15) & ~(size_t)15;
  if (!c || c->size - c->used < size) {
    size_t room = size > 16384 ? size : 16384;
    c = bw_alloc(sizeof *c + room);
    c->size = room;
    c->next = d->chunks;
    d->chunks = c;
  }
  p = c->data + c->used;
  c->used += size;
  return p;
}

static struct bw_str take_str(struct bw_document *d, const char *data, size_t len)
{
  char *copy = take(d, len + 1);
  if (len)
    memcpy(copy, data, len);
  copy[len] = '\0';
  return bw_str_n(copy, len);
}

void bw_document_free(struct bw_document **dp)
{
  struct bw_document *d = *dp;
  if (!d)
    return;
  while (d->chunks) {
    struct chunk *c = d->chunks;
    d->chunks = c->next;
    free(c);
  }
  free(d->name);
  free(d);
  *dp = NULL;
}

const struct bw_node *bw_document_root(const struct bw_document *doc)
{
  return &doc->root;
}

/* ---- building ---- */

/* Says why, once for a place that ends the reading. */
static void __attribute__((format(printf, 3, 4))) stop(struct builder *b, const struct bw_node *at, const char *fmt, ...)
{
  char message[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(message, sizeof message, fmt, ap);
  va_end(ap);
  bw_complain(b->complaints, at, "%s", message);
  b->failed = true;
}

static struct bw_node node_at(struct builder *b, struct fy_event *e, enum bw_node_type type)
{
  const struct fy_mark *m = fy_event_start_mark(e);
  struct bw_node n = {.type = type, .file = b->doc->name, .text = BW_STR(""), .key = BW_STR("")};
  n.line = m ? (uint32_t)m->line + 1 : 1;
  n.column = m ? (uint32_t)m->column + 1 : 1;
  return n;
}

static void take_key(struct builder *b, struct frame *f, const struct bw_node *n)
{
  void *line = (void *)(uintptr_t)n->line, *before;
  if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP) {
    stop(b, n, "a key must be text, not %s%s", bw_node_type_name(n->type),
         n->type == BW_NODE_MAP ? "; put quotes around text that begins with {{" : "");
    return;
  }
  if (bw_str_is(n->text, "<<"))
    bw_complain(b->complaints, n, "merge keys (<<) are not understood here; write the keys out");
  if (!f->seen)
    f->seen = bw_map_new();
  before = bw_map_get(f->seen, n->text);
  if (before)
    bw_complain(b->complaints, n, "the key %s is here twice (first in line %u); remove one", bw_log_quote(n->text),
                (unsigned)(uintptr_t)before);
  bw_map_put(f->seen, n->text, line);
  f->key = *n;
  f->has_key = true;
}

static void add_document(struct builder *b, const struct bw_node *n)
{
  if (n->type == BW_NODE_NULL && n->text.len == 0)
    return; /* an empty one, such as after a closing "---" */
  if (b->ndocs > 0 && !b->many) {
    stop(b, n, "a second document starts here, but this file holds just one; remove the ---");
    return;
  }
  if (b->ndocs == b->docs_cap) {
    b->docs_cap = b->docs_cap ? b->docs_cap * 2 : 8;
    b->docs = bw_realloc(b->docs, b->docs_cap, sizeof *b->docs);
  }
  b->docs[b->ndocs++] = *n;
}

/* A finished node goes into what is open. */
static void place(struct builder *b, struct bw_node *n)
{
  struct frame *f;
  if (b->depth == 0) {
    add_document(b, n);
    return;
  }
  f = &b->frames[b->depth - 1];
  if (f->map && !f->has_key) {
    take_key(b, f, n);
    return;
  }
  if (f->map) {
    n->key = f->key.text;
    n->key_line = f->key.line;
    n->key_column = f->key.column;
    f->has_key = false;
  }
  if (f->nitems == f->cap) {
    f->cap = f->cap ? f->cap * 2 : 8;
    f->items = bw_realloc(f->items, f->cap, sizeof *f->items);
  }
  f->items[f->nitems++] = *n;
}

static void measure(const struct bw_node *n, size_t depth, struct anchored *a)
{
  size_t i;
  a->nodes++;
  if (depth > a->depth)
    a->depth = depth;
  for (i = 0; i < n->nitems; i++)
    measure(&n->items[i], depth + 1, a);
}

static void keep_anchor(struct builder *b, struct bw_str name, const struct bw_node *n)
{
  struct anchored *a = bw_alloc(sizeof *a);
  a->node = *n;
  measure(n, 1, a);
  free(bw_map_put(b->anchors, name, a));
}

/* Up to the next line break. */
static size_t line_length(const char *p, size_t len)
{
  size_t i = 0;
  while (i < len && p[i] != '\n' && p[i] != '\r')
    i++;
  return i;
}

/* To YAML, a value that begins with ! has a type of its own; here it is a condition that lacks its quotes. */
static bool refuse_tag(struct builder *b, struct fy_event *e, const struct bw_node *n)
{
  struct fy_token *tag = fy_event_get_tag_token(e);
  const struct fy_mark *m = tag ? fy_token_start_mark(tag) : NULL;
  struct bw_node at = *n;
  struct bw_str line = BW_STR("");
  if (!tag)
    return false;
  if (m && m->input_pos <= b->yaml.len) {
    at.line = (uint32_t)m->line + 1;
    at.column = (uint32_t)m->column + 1;
    line = bw_str_n(b->yaml.data + m->input_pos, line_length(b->yaml.data + m->input_pos, b->yaml.len - m->input_pos));
  }
  while (line.len && (line.data[line.len - 1] == '}' || line.data[line.len - 1] == ']')) /* of what the value stands in */
    line.len--;
  if (n->type != BW_NODE_STRING || bw_str_prefix(line, "!!") || !line.len || line.len > 80 || memchr(line.data, '\'', line.len))
    stop(b, &at, "a value that begins with ! must stand in quotes; tags are not understood here");
  else
    stop(b, &at, "a value that begins with ! must stand in quotes: '%.*s'", BW_FMT(line));
  return true;
}

static size_t skip_blanks(const char *p, size_t i, size_t len)
{
  while (i < len && (p[i] == ' ' || p[i] == '\t'))
    i++;
  return i;
}

/* A run of line breaks at i: one is a space, n are n - 1 breaks (YAML 1.2, 6.5).  Returns where the text goes on. */
static size_t fold(struct bw_buf *out, const char *p, size_t i, size_t len)
{
  size_t breaks = 0;
  while (out->len && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\t'))
    out->len--;
  while (i < len && (p[i] == '\n' || p[i] == '\r')) {
    i += p[i] == '\r' && i + 1 < len && p[i + 1] == '\n' ? 2 : 1;
    breaks++;
    i = skip_blanks(p, i, len);
  }
  if (breaks == 1)
    bw_buf_add_char(out, ' ');
  for (; breaks > 1; breaks--)
    bw_buf_add_char(out, '\n');
  return i;
}

/* A single-quoted text, from the input itself: libfyaml 0.7 garbles
   one that holds many quotes in a row, and leaks memory. */
static struct bw_str unquote(struct builder *b, struct fy_event *e)
{
  const struct fy_mark *from = fy_event_start_mark(e), *to = fy_event_end_mark(e);
  struct bw_buf *out = &b->unquoted;
  const char *p;
  size_t i = 0, len;
  bw_buf_reset(out);
  if (!from || !to || from->input_pos > to->input_pos || to->input_pos > b->yaml.len)
    return BW_STR("");
  p = b->yaml.data + from->input_pos;
  len = to->input_pos - from->input_pos;
  while (i < len)
    if (p[i] == '\n' || p[i] == '\r') {
      i = fold(out, p, i, len);
    } else {
      i += p[i] == '\'' && i + 1 < len && p[i + 1] == '\'';
      bw_buf_add_char(out, p[i++]);
    }
  return bw_buf_str(out);
}

static void on_scalar(struct builder *b, struct fy_event *e)
{
  struct bw_node n = node_at(b, e, BW_NODE_STRING);
  struct fy_token *token = fy_event_get_token(e), *anchor = fy_event_get_anchor_token(e);
  enum fy_scalar_style style;
  size_t len = 0;
  const char *text = "";
  if (refuse_tag(b, e, &n))
    return;
  style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
  if (style == FYSS_SINGLE_QUOTED) {
    n.text = unquote(b, e);
    text = n.text.len ? n.text.data : "";
    len = n.text.len;
  } else if (token) {
    text = fy_token_get_text(token, &len);
  }
  if (!text || memchr(text, '\0', len)) {
    stop(b, &n, "the text holds a NUL character; remove it");
    return;
  }
  n.text = take_str(b->doc, text, len);
  if (style == FYSS_PLAIN)
    bw_node_resolve(&n);
  if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && n.column > 1)
    n.column--; /* the mark stands behind the quote */
  if (anchor && (text = fy_token_get_text(anchor, &len)))
    keep_anchor(b, bw_str_n(text, len), &n);
  place(b, &n);
}

static void on_start(struct builder *b, struct fy_event *e, bool map)
{
  struct fy_token *anchor = fy_event_get_anchor_token(e);
  size_t len = 0;
  const char *text = anchor ? fy_token_get_text(anchor, &len) : NULL;
  struct bw_node n = node_at(b, e, map ? BW_NODE_MAP : BW_NODE_LIST);
  if (refuse_tag(b, e, &n))
    return;
  if (b->depth == MAX_DEPTH) {
    stop(b, &n, "nested more than %d deep", MAX_DEPTH);
    return;
  }
  b->frames[b->depth++] = (struct frame){.node = n, .map = map, .anchor = text ? bw_strndup(text, len) : NULL};
}

static void clear_frame(struct frame *f)
{
  free(f->items);
  free(f->anchor);
  bw_map_free(&f->seen, NULL);
}

static void on_end(struct builder *b)
{
  struct frame f;
  struct bw_node n;
  if (b->depth == 0)
    return;
  f = b->frames[--b->depth];
  n = f.node;
  n.nitems = f.nitems;
  if (f.nitems) {
    struct bw_node *items = take(b->doc, f.nitems * sizeof *items);
    memcpy(items, f.items, f.nitems * sizeof *items);
    n.items = items;
  }
  if (f.anchor)
    keep_anchor(b, bw_str(f.anchor), &n);
  clear_frame(&f);
  place(b, &n);
}

static void on_alias(struct builder *b, struct fy_event *e)
{
  struct bw_node n = node_at(b, e, BW_NODE_NULL);
  struct fy_token *token = fy_event_get_token(e);
  size_t len = 0;
  const char *name = token ? fy_token_get_text(token, &len) : NULL;
  const struct anchored *a = name ? bw_map_get(b->anchors, bw_str_n(name, len)) : NULL;
  n.column -= n.column > 1; /* the mark stands behind the asterisk */
  if (!a) {
    stop(b, &n, "the alias *%.*s names nothing that is finished above it", (int)(len < 100 ? len : 100), name ? name : "");
    return;
  }
  b->aliased += a->nodes;
  if (b->aliased > MAX_ALIASED || b->depth + a->depth > MAX_DEPTH + 1) {
    stop(b, &n, "aliases grow to more than %d values or %d levels; write fewer", MAX_ALIASED, MAX_DEPTH);
    return;
  }
  n.type = a->node.type;
  n.text = a->node.text;
  n.number = a->node.number;
  n.items = a->node.items;
  n.nitems = a->node.nitems;
  place(b, &n);
}

static void on_event(struct builder *b, struct fy_event *e)
{
  switch (e->type) {
  case FYET_SCALAR:
  case FYET_ALIAS:
  case FYET_MAPPING_START:
  case FYET_SEQUENCE_START:
    if (++b->nodes > MAX_NODES) {
      struct bw_node n = node_at(b, e, BW_NODE_NULL);
      stop(b, &n, "more than %d values; split the file", MAX_NODES);
      return;
    }
    break;
  default:
    break;
  }
  if (e->type == FYET_SCALAR)
    on_scalar(b, e);
  else if (e->type == FYET_ALIAS)
    on_alias(b, e);
  else if (e->type == FYET_MAPPING_START || e->type == FYET_SEQUENCE_START)
    on_start(b, e, e->type == FYET_MAPPING_START);
  else if (e->type == FYET_MAPPING_END || e->type == FYET_SEQUENCE_END)
    on_end(b);
  else if (e->type == FYET_DOCUMENT_START) { /* anchors do not reach over documents */
    bw_map_free(&b->anchors, free);
    b->anchors = bw_map_new();
  }
}

/* ---- parsing ---- */

static void be_silent(struct fy_diag *diag, void *user, const char *text, size_t len)
{
  (void)diag;
  (void)user;
  (void)text;
  (void)len;
}

/* What libfyaml says, and what is to be done about it. */
static const char *syntax_hint(const char *says)
{
  static const char *const hints[][2] = {
      {"invalid nested block mapping", "; a value that holds \": \" must stand in quotes"},
      {"invalid trailing content", "; the quotes end before the value does: put all of it in single quotes"},
      {"plain scalar cannot start", "; put the value in quotes"},
      {"invalid multiline plain key", "; the keys of a map begin in one column, behind spaces and not tabs"},
  };
  size_t i;
  for (i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strstr(says, hints[i][0]))
      return hints[i][1];
  return "";
}

static void syntax_errors(struct builder *b, struct fy_diag *diag)
{
  struct fy_diag_error *e;
  void *at = NULL;
  bool any = false;
  while ((e = fy_diag_errors_iterate(diag, &at)) && !any) { /* what follows the first is mostly its echo */
    bw_complain_at(b->complaints, b->doc->name, e->line > 0 ? (uint32_t)e->line : 1, e->column > 0 ? (uint32_t)e->column : 1,
                   "not well-formed YAML: %s%s", e->msg ? e->msg : "unknown reason", e->msg ? syntax_hint(e->msg) : "");
    any = true;
  }
  if (!any)
    bw_complain_at(b->complaints, b->doc->name, 0, 0, "not well-formed YAML");
  b->failed = true;
}

static void parse(struct builder *b, struct bw_str yaml)
{
  struct fy_diag_cfg dcfg;
  struct fy_diag *diag;
  struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE};
  struct fy_parser *p;
  struct fy_event *e;
  bool ended = false;
  fy_diag_cfg_default(&dcfg);
  dcfg.fp = NULL;
  dcfg.output_fn = be_silent;
  dcfg.level = FYET_ERROR;
  diag = fy_diag_create(&dcfg);
  BW_ASSERT(diag);
  fy_diag_set_collect_errors(diag, true);
  cfg.diag = diag;
  p = fy_parser_create(&cfg);
  BW_ASSERT(p);
  if (fy_parser_set_string(p, yaml.data, yaml.len) == 0)
    while (!b->failed && !ended && (e = fy_parser_parse(p))) {
      on_event(b, e);
      ended = e->type == FYET_STREAM_END;
      fy_parser_event_free(p, e);
    }
  if (!b->failed && !ended)
    syntax_errors(b, diag);
  fy_parser_destroy(p);
  fy_diag_destroy(diag);
}

/* UTF-8 without NUL, and no endless stretch of blank lines: said before the parser sees it. */
static bool check_text(struct builder *b, struct bw_str yaml)
{
  const char *p = yaml.data, *end = yaml.data + yaml.len;
  uint32_t line = 1, blank = 0;
  while (p < end) {
    size_t len = line_length(p, (size_t)(end - p));
    blank = skip_blanks(p, 0, len) == len ? blank + 1 : 0;
    if (memchr(p, '\0', len) || !bw_utf8_valid(p, len)) {
      bw_complain_at(b->complaints, b->doc->name, line, 1, "this line is not UTF-8 text; save the file as UTF-8");
      return false;
    }
    if (blank > MAX_BLANK_LINES) {
      bw_complain_at(b->complaints, b->doc->name, line, 1, "more than %d blank lines in a row; remove some", MAX_BLANK_LINES);
      return false;
    }
    p += len;
    if (p < end)
      p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
    line++;
  }
  return true;
}

static void finish_root(struct builder *b)
{
  struct bw_document *d = b->doc;
  if (!b->many) {
    d->root = b->ndocs ? b->docs[0]
                       : (struct bw_node){.text = BW_STR(""), .key = BW_STR(""), .file = d->name, .line = 1, .column = 1};
    return;
  }
  d->root = (struct bw_node){
      .type = BW_NODE_LIST, .text = BW_STR(""), .key = BW_STR(""), .file = d->name, .line = 1, .column = 1, .nitems = b->ndocs};
  if (b->ndocs) {
    struct bw_node *items = take(d, b->ndocs * sizeof *items);
    memcpy(items, b->docs, b->ndocs * sizeof *items);
    d->root.items = items;
  }
}

int bw_document_parse(struct bw_str yaml, const char *name, bool many, struct bw_document **ret_doc,
                      struct bw_complaints *complaints)
{
  struct builder *b = bw_alloc(sizeof *b);
  size_t errors = complaints->count;
  int rc;
  b->doc = bw_alloc(sizeof *b->doc);
  b->doc->name = bw_strdup(name);
  b->complaints = complaints;
  b->many = many;
  b->yaml = yaml;
  b->anchors = bw_map_new();
  if (yaml.len > MAX_BYTES)
    bw_complain_at(complaints, name, 0, 0, "larger than %u bytes; split the file", MAX_BYTES);
  else if (yaml.len && check_text(b, yaml))
    parse(b, yaml);
  rc = complaints->count > errors ? BW_EINVAL : BW_OK;
  if (!rc)
    finish_root(b);
  while (b->depth)
    clear_frame(&b->frames[--b->depth]);
  bw_map_free(&b->anchors, free);
  free(b->docs);
  bw_buf_clear(&b->unquoted);
  if (rc)
    bw_document_free(&b->doc);
  else
    *ret_doc = b->doc;
  free(b);
  return rc;
}

static int read_file(const char *path, struct bw_buf *out, struct bw_complaints *complaints)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat st;
  ssize_t n = 0;
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    bw_complain_at(complaints, path, 0, 0, "cannot read the file: %s", fd < 0 ? strerror(errno) : "not a regular file");
    if (fd >= 0)
      close(fd);
    return BW_EIO;
  }
  while (out->len <= MAX_BYTES && (n = read(fd, bw_buf_reserve(out, 65536), 65536)) > 0)
    out->len += (size_t)n;
  if (n < 0)
    bw_complain_at(complaints, path, 0, 0, "cannot read the file: %s", strerror(errno));
  close(fd);
  return n < 0 ? BW_EIO : BW_OK;
}

bool bw_config_misnamed(const char *dir, const char *name, struct bw_complaints *c)
{
  static const char *const endings[] = {".yaml.txt", ".yml.txt", ".yaml", ".yml"}; /* some editors add their own */
  size_t n = strlen(name), i, stem = 0;
  char *path BW_AUTOFREE = NULL;
  for (i = 0; i < sizeof endings / sizeof *endings && stem == 0; i++)
    if (n > strlen(endings[i]) && strcasecmp(name + n - strlen(endings[i]), endings[i]) == 0)
      stem = n - strlen(endings[i]);
  if (name[0] == '.' || stem == 0 || strcmp(name + stem, ".yaml") == 0)
    return false;
  path = bw_asprintf("%s/%s", dir, name);
  bw_complain_at(c, path, 0, 0, "only files that end in .yaml are read; name it %.*s.yaml", (int)stem, name);
  return true;
}

int bw_document_load(const char *path, bool many, struct bw_document **ret_doc, struct bw_complaints *complaints)
{
  struct bw_buf text = {0};
  int rc = read_file(path, &text, complaints);
  if (!rc)
    rc = bw_document_parse(bw_buf_str(&text), path, many, ret_doc, complaints);
  bw_buf_clear(&text);
  return rc;
}
