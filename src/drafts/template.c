/* SPDX-License-Identifier: Apache-2.0 */
/* Template files.  Runs in core, in --check and in replays: reads the directory of templates, nothing else. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "drafts/drafts_impl.h"
#include "drafts/mustache_impl.h"

#define MAX_NAME 64
#define MAX_TEMPLATES 1000

static const char *const headers[] = {"To", "Subject", "Channel", NULL};
static const char *const channels[] = {"mail", NULL};

static void complain_at(struct bw_complaints *c, const char *file, uint32_t line, uint32_t column, const char *message)
{
  struct bw_node at = {.file = file, .line = line, .column = column};
  bw_complain(c, &at, "%s", message);
}

static void template_free(struct bw_template *t)
{
  size_t i;
  if (!t)
    return;
  for (i = 0; i < BW_DRAFT_FIELDS; i++)
    bw_mustache_free(&t->part[i].m);
  free(t->name);
  free(t->file);
  free(t->channel);
  free(t);
}

struct bw_templates *bw_templates_new(void)
{
  return bw_alloc(sizeof(struct bw_templates));
}

void bw_templates_free(struct bw_templates **set)
{
  size_t i;
  if (!set || !*set)
    return;
  for (i = 0; i < (*set)->n; i++)
    template_free((*set)->list[i]);
  free((*set)->list);
  free(*set);
  *set = NULL;
}

static const struct bw_template *get(const struct bw_templates *set, struct bw_str name, bool partial, const char *language)
{
  size_t i;
  for (i = 0; i < set->n; i++)
    if (set->list[i]->partial == partial && bw_str_is(name, set->list[i]->name) &&
        strcmp(set->list[i]->language, language) == 0)
      return set->list[i];
  return NULL;
}

static const struct bw_template *get_in(const struct bw_templates *set, struct bw_str name, bool partial, const char *language)
{
  const struct bw_template *t = get(set, name, partial, language);
  return t ? t : get(set, name, partial, "");
}

const struct bw_template *bw_templates_get(const struct bw_templates *set, struct bw_str name)
{
  return get(set, name, false, "");
}

const struct bw_template *bw_templates_in(const struct bw_templates *set, struct bw_str name, const char *language)
{
  return get_in(set, name, false, language);
}

const struct bw_template *bw_templates_partial(const struct bw_templates *set, struct bw_str name, const char *language)
{
  return get_in(set, name, true, language);
}

size_t bw_templates_count(const struct bw_templates *set)
{
  size_t i, n = 0;
  for (i = 0; i < set->n; i++)
    n += !set->list[i]->partial;
  return n;
}

const struct bw_template *bw_templates_at(const struct bw_templates *set, size_t i)
{
  size_t k;
  for (k = 0; k < set->n; k++)
    if (!set->list[k]->partial && i-- == 0)
      return set->list[k];
  return NULL;
}

const char *bw_template_name(const struct bw_template *t)
{
  return t->name;
}

/* ---- one file ----------------------------------------------------------- */

struct reading {
  struct bw_template *t;
  struct bw_complaints *c;
  struct bw_str text;
  size_t pos;
  uint32_t line;
};

static void compile_part(struct reading *r, enum bw_draft_field f, struct bw_str text, uint32_t line, uint32_t column)
{
  struct bw_template_part *part = &r->t->part[f];
  struct bw_mustache_where where = {1, 1};
  struct bw_error err = {0};
  part->line = line;
  part->column = column;
  if (bw_mustache_compile(text, &part->m, &where, &err) < 0)
    complain_at(r->c, r->t->file, line + where.line - 1, where.line == 1 ? column + where.column - 1 : where.column,
                err.message);
}

/* The next line without its end; false past the last. */
static bool next_line(struct reading *r, struct bw_str *ret)
{
  const char *nl;
  size_t left = r->text.len - r->pos;
  if (left == 0)
    return false;
  nl = memchr(r->text.data + r->pos, '\n', left);
  *ret = bw_str_n(r->text.data + r->pos, nl ? (size_t)(nl - r->text.data) - r->pos : left);
  r->pos += ret->len + (nl ? 1 : 0);
  r->line++;
  return true;
}

static bool is_blank_line(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if (s.data[i] != ' ' && s.data[i] != '\t')
      return false;
  return true;
}

static void read_channel(struct reading *r, struct bw_str value, uint32_t column)
{
  if (!bw_str_is(value, channels[0]))
    complain_at(r->c, r->t->file, r->line, column, "this channel is not known; write \"Channel: mail\"");
  r->t->channel = bw_str_dup(value);
}

static void read_header(struct reading *r, struct bw_str line)
{
  const char *colon = memchr(line.data, ':', line.len), *near;
  struct bw_str key = bw_str_n(line.data, colon ? (size_t)(colon - line.data) : line.len), value;
  uint32_t column;
  if (!colon) {
    complain_at(r->c, r->t->file, r->line, 1,
                "a header line is \"To: ...\", \"Subject: ...\" or \"Channel: ...\"; an empty line ends the headers");
    return;
  }
  value = bw_str_n(colon + 1, line.len - key.len - 1);
  column = (uint32_t)key.len + 2;
  while (value.len && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value.data++;
    value.len--;
    column++;
  }
  while (value.len && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
    value.len--;
  if (value.len == 0) {
    complain_at(r->c, r->t->file, r->line, column, "this header has no value");
  } else if (bw_str_is(key, "Channel") && !r->t->channel) {
    read_channel(r, value, column);
  } else if (bw_str_is(key, "To") && !r->t->part[BW_DRAFT_TO].line) {
    compile_part(r, BW_DRAFT_TO, value, r->line, column);
  } else if (bw_str_is(key, "Subject") && !r->t->part[BW_DRAFT_SUBJECT].line) {
    compile_part(r, BW_DRAFT_SUBJECT, value, r->line, column);
  } else if (bw_str_is(key, "To") || bw_str_is(key, "Subject") || bw_str_is(key, "Channel")) {
    complain_at(r->c, r->t->file, r->line, 1, "this header stands here twice; keep one");
  } else {
    char *message;
    near = bw_nearest(key, headers);
    message = bw_asprintf("there is no header %.60s; there are To, Subject and Channel%s%s%s", bw_log_quote(key),
                          near ? " (meant: " : "", near ? near : "", near ? ")" : "");
    complain_at(r->c, r->t->file, r->line, 1, message);
    free(message);
  }
}

static void read_headers(struct reading *r)
{
  struct bw_str line;
  while (next_line(r, &line) && !is_blank_line(line))
    if (line.data[0] != '#')
      read_header(r, line);
  if (!r->t->channel)
    r->t->channel = bw_strdup(channels[0]);
  if (!r->t->part[BW_DRAFT_TO].line)
    complain_at(r->c, r->t->file, 1, 1, "the header \"To:\" is missing; write To: {{champion.email}}, say");
  if (!r->t->part[BW_DRAFT_SUBJECT].line)
    complain_at(r->c, r->t->file, 1, 1, "the header \"Subject:\" is missing");
}

static void read_body(struct reading *r)
{
  struct bw_str body = bw_str_n(r->text.data + r->pos, r->text.len - r->pos);
  if (!bw_text_blank(body))
    compile_part(r, BW_DRAFT_BODY, body, r->line + 1, 1);
  else
    complain_at(r->c, r->t->file, r->line + 1, 1, "the body is empty; write it after an empty line");
}

static bool name_ok(struct bw_str name)
{
  size_t i;
  for (i = 0; i < name.len; i++) {
    char ch = name.data[i];
    if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
      return false;
  }
  return name.len > 0 && name.len <= MAX_NAME;
}

static void insert(struct bw_templates *set, struct bw_template *t)
{
  size_t i;
  if (set->n == set->cap) {
    set->cap = set->cap ? set->cap * 2 : 16;
    set->list = bw_realloc(set->list, set->cap, sizeof *set->list);
  }
  for (i = set->n; i > 0 && strcmp(set->list[i - 1]->name, t->name) > 0; i--) /* the languages of a name as they come */
    set->list[i] = set->list[i - 1];
  set->list[i] = t;
  set->n++;
}

/* CR LF becomes LF, so that a file from any editor gives the same mail. */
static char *unix_lines(struct bw_str s, size_t *ret_len)
{
  char *copy = bw_alloc(s.len + 1);
  size_t i, n = 0;
  for (i = 0; i < s.len; i++)
    if (!(s.data[i] == '\r' && i + 1 < s.len && s.data[i + 1] == '\n'))
      copy[n++] = s.data[i];
  *ret_len = n;
  return copy;
}

/* "de" of "seat-expansion.de", which *name loses then; else empty. */
static void split_language(struct bw_str *name, char language[3])
{
  size_t n = name->len;
  language[0] = '\0';
  if (n < 4 || name->data[n - 3] != '.' || name->data[n - 2] < 'a' || name->data[n - 2] > 'z' || name->data[n - 1] < 'a' ||
      name->data[n - 1] > 'z')
    return;
  (void)snprintf(language, 3, "%s", name->data + n - 2);
  name->len -= 3;
}

int bw_templates_add(struct bw_templates *set, const char *name, const char *file, struct bw_str text,
                     struct bw_complaints *complaints)
{
  size_t before = complaints->count, len;
  bool partial = name[0] == '_';
  struct bw_str plain = bw_str(partial ? name + 1 : name);
  char *copy, language[3];
  struct reading r;
  split_language(&plain, language);
  if (!name_ok(plain) || get(set, plain, partial, language) || set->n == MAX_TEMPLATES) {
    complain_at(complaints, file, 1, 1,
                set->n == MAX_TEMPLATES ? "there are more than 1000 templates"
                : name_ok(plain)        ? "a template of this name is loaded already"
                                 : "a template's name has only a-z, 0-9, '-' and '_', at most 64, and perhaps a language: "
                                   "NAME.de.txt; rename the file");
    return BW_EINVAL;
  }
  if (text.len > BW_MUSTACHE_MAX_TEXT || !bw_utf8_valid(text.data, text.len) || (text.len && memchr(text.data, 0, text.len))) {
    complain_at(complaints, file, 1, 1, "a template is UTF-8 text of at most 256 KiB");
    return BW_EINVAL;
  }
  copy = unix_lines(text, &len);
  r = (struct reading){bw_alloc(sizeof *r.t), complaints, bw_str_n(copy, len), 0, 0};
  r.t->name = bw_str_dup(plain);
  r.t->file = bw_strdup(file);
  memcpy(r.t->language, language, sizeof language);
  r.t->partial = partial;
  if (partial) {
    compile_part(&r, BW_DRAFT_BODY, r.text, 1, 1);
  } else {
    read_headers(&r);
    read_body(&r);
  }
  free(copy);
  if (complaints->count > before) {
    template_free(r.t);
    return BW_EINVAL;
  }
  insert(set, r.t);
  return BW_OK;
}

/* ---- the names in it ---------------------------------------------------- */

void bw_template_names(const struct bw_template *t,
                       void (*seen)(void *ctx, struct bw_str name, enum bw_mustache_use use, const char *file, uint32_t line,
                                    uint32_t column),
                       void *ctx)
{
  struct bw_mustache_where where;
  enum bw_mustache_use use;
  struct bw_str name;
  size_t f, i;
  for (f = 0; f < BW_DRAFT_FIELDS; f++) {
    const struct bw_template_part *p = &t->part[f];
    for (i = 0; p->m && bw_mustache_next_name(p->m, &i, &name, &use, &where);)
      seen(ctx, name, use, t->file, p->line + where.line - 1, where.line == 1 ? p->column + where.column - 1 : where.column);
  }
}

struct partials_check {
  struct bw_templates *set;
  struct bw_complaints *c;
};

static void visit(struct partials_check *k, struct bw_template *t);

static void check_partial(void *ctx, struct bw_str name, enum bw_mustache_use use, const char *file, uint32_t line,
                          uint32_t column)
{
  struct partials_check *k = ctx;
  struct bw_node at = {.file = file, .line = line, .column = column};
  struct bw_template *p;
  if (use != BW_MUSTACHE_PARTIAL)
    return;
  p = (struct bw_template *)(uintptr_t)get(k->set, name, true, "");
  if (!p)
    bw_complain(k->c, &at, "there is no partial \"%.*s\"; it would be the file _%.*s.txt beside this one", BW_FMT(name),
                BW_FMT(name));
  else if (p->colour == 1)
    bw_complain(k->c, &at, "the partial \"%.*s\" includes itself in the end; take one of the inclusions out", BW_FMT(name));
  else
    visit(k, p);
}

static void visit(struct partials_check *k, struct bw_template *t)
{
  if (t->colour)
    return;
  t->colour = 1;
  bw_template_names(t, check_partial, k);
  t->colour = 2;
}

static int check_partials(struct bw_templates *set, struct bw_complaints *c)
{
  struct partials_check k = {set, c};
  size_t before = c->count, i;
  for (i = 0; i < set->n; i++)
    set->list[i]->colour = 0;
  for (i = 0; i < set->n; i++) {
    const struct bw_template *t = set->list[i];
    visit(&k, set->list[i]);
    if (t->language[0] && !get(set, bw_str(t->name), t->partial, ""))
      complain_at(c, t->file, 1, 1,
                  "this is a translation, and what it translates is missing: the same name without the language");
  }
  return c->count > before ? BW_EINVAL : BW_OK;
}

/* ---- a directory -------------------------------------------------------- */

static void read_file(struct bw_templates *set, const char *dir, const char *base, struct bw_complaints *c)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, base);
  char *name BW_AUTOFREE = bw_strndup(base, strlen(base) - 4);
  char *data BW_AUTOFREE = bw_alloc(BW_MUSTACHE_MAX_TEXT + 2);
  char message[300];
  FILE *f = fopen(path, "re");
  size_t n = f ? fread(data, 1, BW_MUSTACHE_MAX_TEXT + 1, f) : 0;
  if (!f || ferror(f)) {
    (void)snprintf(message, sizeof message, "cannot be read: %s", strerror(errno));
    complain_at(c, path, 1, 1, message);
  } else {
    (void)bw_templates_add(set, name, path, bw_str_n(data, n), c);
  }
  if (f)
    (void)fclose(f);
}

static int is_template_file(const struct dirent *e)
{
  size_t n = strlen(e->d_name);
  return n > 4 && e->d_name[0] != '.' && strcmp(e->d_name + n - 4, ".txt") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

int bw_templates_load(const char *dir, struct bw_templates **ret_set, struct bw_complaints *complaints)
{
  struct bw_templates *set;
  struct dirent **entries = NULL;
  size_t before = complaints->count;
  char message[300];
  int n = scandir(dir, &entries, is_template_file, by_bytes), i;
  if (n < 0) {
    (void)snprintf(message, sizeof message, "the directory of templates cannot be read: %s", strerror(errno));
    complain_at(complaints, dir, 1, 1, message);
    return BW_EINVAL;
  }
  set = bw_templates_new();
  for (i = 0; i < n; i++) {
    read_file(set, dir, entries[i]->d_name, complaints);
    free(entries[i]);
  }
  free(entries);
  (void)check_partials(set, complaints);
  if (complaints->count > before) {
    bw_templates_free(&set);
    return BW_EINVAL;
  }
  *ret_set = set;
  return BW_OK;
}
