/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of protobuf's text format, as far as the conformance cases use it.  Tests only. */
#include "textproto.h"

#include <stdlib.h>

#include "base/buf.h"

#define MAX_DEPTH 40

struct reader {
  const char *p, *end;
  unsigned line, depth;
  struct bw_error *err;
};

static int fail(struct reader *r, const char *what)
{
  return bw_fail(r->err, BW_EINVAL, BW_CLASS_CONFIG, "line %u: %s", r->line, what);
}

static void skip(struct reader *r)
{
  for (; r->p < r->end; r->p++) {
    if (*r->p == '#')
      while (r->p < r->end && *r->p != '\n')
        r->p++;
    if (r->p == r->end || !strchr(" \t\r\n,;", *r->p))
      return;
    r->line += *r->p == '\n';
  }
}

static bool word_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_.+-/", c);
}

static char *word(struct reader *r)
{
  const char *from = r->p;
  while (r->p < r->end && *r->p && word_char(*r->p))
    r->p++;
  return bw_strndup(from, (size_t)(r->p - from));
}

static void add_utf8(struct bw_buf *b, unsigned long c)
{
  if (c < 0x80) {
    bw_buf_add_char(b, (char)c);
    return;
  }
  if (c < 0x800) {
    bw_buf_add_char(b, (char)(0xC0 | c >> 6));
  } else {
    if (c < 0x10000) {
      bw_buf_add_char(b, (char)(0xE0 | c >> 12));
    } else {
      bw_buf_add_char(b, (char)(0xF0 | c >> 18));
      bw_buf_add_char(b, (char)(0x80 | (c >> 12 & 63)));
    }
    bw_buf_add_char(b, (char)(0x80 | (c >> 6 & 63)));
  }
  bw_buf_add_char(b, (char)(0x80 | (c & 63)));
}

static unsigned long number(struct reader *r, int digits, int base)
{
  char text[16] = "";
  int n = 0;
  char *end;
  unsigned long v;
  while (n < digits && r->p + n < r->end) {
    text[n] = r->p[n];
    n++;
  }
  v = strtoul(text, &end, base);
  r->p += end - text;
  return v;
}

static void escape(struct reader *r, struct bw_buf *b)
{
  static const char plain[] = "abfnrtv\\?\"'", meaning[] = "\a\b\f\n\r\t\v\\?\"'";
  char c = *r->p;
  const char *at = c ? strchr(plain, c) : NULL;
  if (at) {
    r->p++;
    bw_buf_add_char(b, meaning[at - plain]);
  } else if (c >= '0' && c <= '7') {
    bw_buf_add_char(b, (char)number(r, 3, 8));
  } else {
    r->p++;
    if (c == 'x' || c == 'X')
      bw_buf_add_char(b, (char)number(r, 2, 16));
    else
      add_utf8(b, number(r, c == 'u' ? 4 : 8, 16));
  }
}

/* Adjacent texts are one. */
static int text(struct reader *r, struct field *f)
{
  struct bw_buf b = {0};
  while (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
    char quote = *r->p++;
    while (r->p < r->end && *r->p != quote) {
      if (*r->p == '\\' && r->p + 1 < r->end) {
        r->p++;
        escape(r, &b);
      } else {
        bw_buf_add_char(&b, *r->p++);
      }
    }
    if (r->p == r->end) {
      bw_buf_clear(&b);
      return fail(r, "a text without its end");
    }
    r->p++;
    skip(r);
  }
  f->text = bw_strndup("", 0);
  f->text = bw_realloc(f->text, b.len + 1, 1);
  if (b.len)
    memcpy(f->text, b.data, b.len);
  f->text[b.len] = '\0';
  f->len = b.len;
  bw_buf_clear(&b);
  return 0;
}

static int fields(struct reader *r, struct field **ret);

static int value(struct reader *r, struct field *f)
{
  int rc;
  skip(r);
  if (r->p < r->end && *r->p == ':') {
    r->p++;
    skip(r);
  }
  if (r->p == r->end)
    return fail(r, "a field without its value");
  if (*r->p == '"' || *r->p == '\'')
    return text(r, f);
  if (*r->p != '{') {
    f->text = word(r);
    f->len = strlen(f->text);
    return f->len ? 0 : fail(r, "a value should stand here");
  }
  r->p++;
  if (++r->depth > MAX_DEPTH)
    return fail(r, "nested too deeply");
  rc = fields(r, &f->first);
  r->depth--;
  if (rc == 0 && (r->p == r->end || *r->p++ != '}'))
    rc = fail(r, "a } is missing");
  return rc;
}

static int name(struct reader *r, struct field *f)
{
  bool extension = *r->p == '[';
  r->p += extension;
  f->name = word(r);
  if (!f->name[0] || (extension && (r->p == r->end || *r->p++ != ']')))
    return fail(r, "a field's name should stand here");
  return 0;
}

static int fields(struct reader *r, struct field **ret)
{
  struct field **last = ret;
  for (skip(r); r->p < r->end && *r->p != '}'; skip(r)) {
    int rc;
    *last = bw_alloc(sizeof **last);
    rc = name(r, *last);
    if (rc == 0)
      rc = value(r, *last);
    if (rc < 0)
      return rc;
    last = &(*last)->next;
  }
  return 0;
}

int field_parse(struct bw_str source, struct field **ret, struct bw_error *err)
{
  struct reader r = {source.data, source.data + source.len, 1, 0, err};
  struct field *f = bw_alloc(sizeof *f);
  int rc = fields(&r, &f->first);
  if (rc == 0 && r.p < r.end)
    rc = fail(&r, "a } too many");
  if (rc < 0)
    field_free(&f);
  else
    *ret = f;
  return rc;
}

void field_free(struct field **f)
{
  while (*f) {
    struct field *next = (*f)->next;
    field_free(&(*f)->first);
    free((*f)->name);
    free((*f)->text);
    free(*f);
    *f = next;
  }
}

const struct field *field_get(const struct field *f, const char *wanted)
{
  const struct field *i;
  for (i = f ? f->first : NULL; i; i = i->next)
    if (strcmp(i->name, wanted) == 0)
      return i;
  return NULL;
}

const char *field_text(const struct field *f, const char *wanted)
{
  const struct field *found = field_get(f, wanted);
  return found && found->text ? found->text : "";
}
