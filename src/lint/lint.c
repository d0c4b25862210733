/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the rules, keeps the findings in order, writes them.  Runs on the command line and in core; no privileges. */
#include "lint/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lint/private.h"

#define MAX_STEPS 1000000 /* of all searches together: a few seconds at the very worst */

const char *bw_lint_severity_name(enum bw_lint_severity severity)
{
  static const char *const names[] = {"note", "warning", "error"};
  return names[severity];
}

const struct bw_lint_rule *bw_lint_rule_at(size_t i)
{
  return i < lint_nrules ? &lint_rules[i].pub : NULL;
}

/* ---- findings ---- */

static bool is_there(const struct bw_lint *l, const char *rule, struct where at, const char *text)
{
  size_t i;
  for (i = 0; i < l->n; i++) {
    const struct bw_finding *f = &l->findings[i].pub;
    if (strcmp(f->rule, rule) == 0 && f->line == at.line && f->column == at.column &&
        strcmp(f->file, at.file ? at.file : "") == 0 && strcmp(f->text, text) == 0)
      return true;
  }
  return false;
}

static void add(struct bw_lint *l, const char *rule, enum bw_lint_severity severity, struct where at, char *text)
{
  const char *reason = lint_comment(l, at.file, rule);
  struct finding *f;
  if (is_there(l, rule, at, text)) { /* a shared gate, said of each play that uses it */
    free(text);
    return;
  }
  if (l->n == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 32;
    l->findings = bw_realloc(l->findings, l->cap, sizeof *l->findings);
  }
  f = &l->findings[l->n];
  *f =
      (struct finding){.file = bw_strdup(at.file ? at.file : ""),
                       .text = text,
                       .accepted = reason ? bw_strdup(reason) : NULL,
                       .order = l->n,
                       .pub = {.rule = rule, .severity = severity, .line = at.line, .column = at.column, .why = "", .fix = ""}};
  if (l->rule) {
    f->pub.why = l->rule->pub.why;
    f->pub.fix = l->rule->pub.fix;
  }
  f->pub.file = f->file;
  f->pub.text = f->text;
  f->pub.accepted = f->accepted;
  l->n++;
}

static char *format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static char *format(const char *fmt, va_list ap)
{
  char text[1000];
  (void)vsnprintf(text, sizeof text, fmt, ap);
  return bw_strdup(text);
}

void lint_find(struct bw_lint *l, struct where at, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  add(l, l->rule->pub.name, l->rule->pub.severity, at, format(fmt, ap));
  va_end(ap);
}

void lint_find_play(struct bw_lint *l, const struct lint_play *p, struct where at, const char *fmt, ...)
{
  enum bw_lint_severity severity = l->rule->pub.severity;
  va_list ap;
  if (!p->seen && severity == BW_LINT_ERROR)
    severity = BW_LINT_WARNING;
  va_start(ap, fmt);
  add(l, l->rule->pub.name, severity, at, format(fmt, ap));
  va_end(ap);
}

/* One line of what the loader said: "file:line:column: warning: text", of which any part before the text may be missing. */
static void take_complaint(struct bw_lint *l, char *line)
{
  struct where at = {0};
  char *colon = strstr(line, ": "), *text = colon ? colon + 2 : line, *c1 = NULL, *c2 = NULL;
  enum bw_lint_severity severity = BW_LINT_ERROR;
  if (colon) {
    *colon = '\0';
    c2 = strrchr(line, ':');
    if (c2)
      *c2 = '\0';
    c1 = c2 ? strrchr(line, ':') : NULL;
    at.file = line;
    if (c1) {
      *c1 = '\0';
      at.line = (uint32_t)strtoul(c1 + 1, NULL, 10);
      at.column = (uint32_t)strtoul(c2 + 1, NULL, 10);
    } else if (c2) {
      at.line = (uint32_t)strtoul(c2 + 1, NULL, 10);
    }
  }
  if (strncmp(text, "warning: ", 9) == 0) {
    severity = BW_LINT_WARNING;
    text += 9;
  }
  add(l, "config", severity, at, bw_strdup(text));
}

static void take_complaints(struct bw_lint *l, const struct bw_complaints *c)
{
  char *all = bw_str_dup(bw_buf_str(&c->text)), *save = NULL, *line;
  for (line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
    take_complaint(l, line);
  free(all);
}

static int compare(const void *a, const void *b)
{
  const struct finding *x = a, *y = b;
  int d = strcmp(x->file, y->file);
  if (d == 0)
    d = (x->pub.line > y->pub.line) - (x->pub.line < y->pub.line);
  if (d == 0)
    d = (x->pub.column > y->pub.column) - (x->pub.column < y->pub.column);
  return d ? d : (x->order > y->order) - (x->order < y->order);
}

/* ---- life ---- */

struct bw_lint *bw_lint_new(const char *dir, const struct bw_setup *setup, const struct bw_complaints *complaints)
{
  struct bw_lint *l = bw_alloc(sizeof *l);
  size_t i;
  l->dir = bw_strdup(dir);
  l->setup = setup;
  l->steps = MAX_STEPS;
  if (complaints)
    take_complaints(l, complaints);
  if (setup) {
    lint_read_files(l);
    lint_read_plays(l);
    for (i = 0; i < lint_nrules; i++) {
      l->rule = &lint_rules[i];
      l->rule->check(l);
    }
  }
  if (l->n)
    qsort(l->findings, l->n, sizeof *l->findings, compare);
  return l;
}

void bw_lint_free(struct bw_lint **lp)
{
  struct bw_lint *l = *lp;
  size_t i, k;
  if (!l)
    return;
  for (i = 0; i < l->nplays; i++) {
    for (k = 0; k < l->plays[i].ngates; k++)
      term_free(&l->plays[i].gates[k].term);
    free(l->plays[i].gates);
  }
  free(l->plays);
  for (i = 0; i < l->n; i++) {
    free(l->findings[i].file);
    free(l->findings[i].text);
    free(l->findings[i].accepted);
  }
  free(l->findings);
  lint_free_files(l);
  free(l->dir);
  free(l);
  *lp = NULL;
}

bool bw_lint_at(const struct bw_lint *l, size_t i, struct bw_finding *ret)
{
  if (i >= l->n)
    return false;
  *ret = l->findings[i].pub;
  ret->file = l->findings[i].file;
  return true;
}

size_t bw_lint_count(const struct bw_lint *l, enum bw_lint_severity severity)
{
  size_t i, n = 0;
  for (i = 0; i < l->n; i++)
    n += l->findings[i].pub.severity == severity && !l->findings[i].accepted;
  return n;
}

size_t bw_lint_accepted(const struct bw_lint *l)
{
  size_t i, n = 0;
  for (i = 0; i < l->n; i++)
    n += l->findings[i].accepted != NULL;
  return n;
}

/* ---- writing ---- */

static void put_position(const struct bw_finding *f, struct bw_buf *out)
{
  if (*f->file)
    bw_buf_add_cstr(out, f->file);
  if (*f->file && f->line)
    bw_buf_printf(out, ":%u", f->line);
  if (*f->file && f->line && f->column)
    bw_buf_printf(out, ":%u", f->column);
  if (*f->file)
    bw_buf_add_cstr(out, ": ");
}

static bool told_before(const struct bw_lint *l, size_t i)
{
  size_t k;
  for (k = 0; k < i; k++)
    if (!l->findings[k].accepted && strcmp(l->findings[k].pub.rule, l->findings[i].pub.rule) == 0)
      return true;
  return false;
}

static void put_count(struct bw_buf *out, size_t n, const char *what, bool first)
{
  bw_buf_printf(out, "%s%zu %s%s", first ? "" : ", ", n, what, n == 1 || strcmp(what, "accepted") == 0 ? "" : "s");
}

void bw_lint_text(const struct bw_lint *l, struct bw_buf *out)
{
  struct bw_finding f;
  size_t i;
  for (i = 0; bw_lint_at(l, i, &f); i++) {
    if (f.accepted)
      continue;
    put_position(&f, out);
    bw_buf_printf(out, "%s: %s [%s]\n", bw_lint_severity_name(f.severity), f.text, f.rule);
    if (*f.why && !told_before(l, i))
      bw_buf_printf(out, "    why: %s\n    do:  %s\n", f.why, f.fix);
  }
  put_count(out, bw_lint_count(l, BW_LINT_ERROR), "error", true);
  put_count(out, bw_lint_count(l, BW_LINT_WARNING), "warning", false);
  put_count(out, bw_lint_count(l, BW_LINT_NOTE), "note", false);
  if (bw_lint_accepted(l))
    put_count(out, bw_lint_accepted(l), "accepted", false);
  bw_buf_add_char(out, '\n');
}

static void put_finding(struct bw_buf *out, const struct bw_finding *f)
{
  const struct {
    const char *key, *text;
  } texts[] = {{"severity", bw_lint_severity_name(f->severity)}, {"rule", f->rule}, {"file", *f->file ? f->file : NULL}},
    rest[] = {{"text", f->text}, {"why", f->why}, {"fix", f->fix}, {"accepted", f->accepted}};
  size_t i;
  bw_json_open(out, '{');
  for (i = 0; i < 3; i++) {
    bw_json_key(out, texts[i].key);
    bw_json_cstr(out, texts[i].text);
  }
  bw_json_key(out, "line");
  bw_json_int(out, f->line);
  bw_json_key(out, "column");
  bw_json_int(out, f->column);
  for (i = 0; i < 4; i++) {
    bw_json_key(out, rest[i].key);
    bw_json_cstr(out, rest[i].text);
  }
  bw_json_close(out, '}');
}

void bw_lint_json(const struct bw_lint *l, struct bw_buf *out)
{
  static const char *const keys[] = {"notes", "warnings", "errors"};
  struct bw_finding f;
  size_t i;
  int s;
  bw_json_open(out, '{');
  bw_json_key(out, "ok");
  bw_json_bool(out, bw_lint_count(l, BW_LINT_ERROR) == 0);
  for (s = BW_LINT_ERROR; s >= BW_LINT_NOTE; s--) {
    bw_json_key(out, keys[s]);
    bw_json_int(out, (int64_t)bw_lint_count(l, (enum bw_lint_severity)s));
  }
  bw_json_key(out, "accepted");
  bw_json_int(out, (int64_t)bw_lint_accepted(l));
  bw_json_key(out, "findings");
  bw_json_open(out, '[');
  for (i = 0; bw_lint_at(l, i, &f); i++)
    put_finding(out, &f);
  bw_json_close(out, ']');
  bw_json_close(out, '}');
}
