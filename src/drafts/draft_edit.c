/* SPDX-License-Identifier: Apache-2.0 */
/* What people change in a draft: every change is a new version.  Runs in core; no privileges needed. */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "drafts/drafts_impl.h"
#include "drafts/mustache_impl.h"

static char *human_json(struct bw_str who, int64_t at)
{
  struct bw_buf b = {0};
  char *text;
  bw_json_open(&b, '{');
  bw_json_key(&b, "kind");
  bw_json_cstr(&b, "human");
  bw_json_key(&b, "name");
  bw_json_str(&b, who);
  bw_json_key(&b, "at");
  bw_json_time(&b, at);
  bw_json_close(&b, '}');
  text = bw_str_dup(bw_buf_str(&b));
  bw_buf_clear(&b);
  return text;
}

static int check_who(struct bw_str who, struct bw_error *err)
{
  if (!bw_person_valid(who))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "an edit needs the name of a person, 1 to 200 bytes on one line");
  return BW_OK;
}

static int check_value(struct bw_str value, struct bw_error *err)
{
  struct bw_buf b = {0};
  bool changed = bw_text_clean(value, &b);
  bw_buf_clear(&b);
  if (value.len > BW_DRAFT_MAX_VALUE)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the value is %zu bytes long; at most %d", (size_t)value.len,
                   BW_DRAFT_MAX_VALUE);
  if (changed || bw_text_blank(value) || !bw_utf8_valid(value.data, value.len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "the value has to be one line of visible text, without control characters or spaces around it");
  return BW_OK;
}

/* "there is no gap X; the gaps are A, B" */
static int no_such_gap(const struct bw_draft *d, struct bw_str name, struct bw_error *err)
{
  struct bw_buf b = {0};
  size_t i;
  int rc;
  for (i = 0; i < d->ngaps && b.len < 300; i++)
    bw_buf_printf(&b, "%s%s", i ? ", " : "", d->gaps[i].name);
  rc = bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "draft %s version %lld has no open place called %s; %s%s", d->lead,
               (long long)d->version, bw_log_quote(name), d->ngaps ? "open are: " : "it is complete", bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return rc;
}

/* Bytes [at, at+len) of a field become value: what stands behind moves, fills within go. */
static void splice(struct bw_draft *d, enum bw_draft_field field, size_t at, size_t len, struct bw_str value)
{
  struct bw_buf b = {0};
  size_t i, kept = 0;
  if (at)
    bw_buf_add(&b, d->field[field], at);
  bw_buf_add_str(&b, value);
  bw_buf_add_cstr(&b, d->field[field] + at + len);
  free(d->field[field]);
  d->field[field] = bw_str_dup(bw_buf_str(&b));
  bw_buf_clear(&b);
  for (i = 0; i < d->ngaps; i++)
    if (d->gaps[i].field == field && d->gaps[i].offset > at)
      d->gaps[i].offset = d->gaps[i].offset - len + value.len;
  for (i = 0; i < d->nfills; i++) {
    struct bw_draft_fill f = d->fills[i];
    if (f.field == field && f.offset >= at + len)
      f.offset = f.offset - len + value.len;
    else if (f.field == field && f.offset + f.len > at) {
      bw_draft_fill_clear(&f);
      continue;
    }
    d->fills[kept++] = f;
  }
  d->nfills = kept;
}

/* Whether the value ends with what the template has behind the gap. */
static bool doubles(const struct bw_draft *d, const struct bw_draft_gap *g, struct bw_str value)
{
  size_t at = g->offset + g->len, i;
  for (i = 0; i < d->nfills; i++)
    if (d->fills[i].field == g->field && d->fills[i].offset == at)
      return false; /* another value begins there */
  return bw_text_doubles(value, bw_str(d->field[g->field] + at));
}

static void new_version(const struct bw_draft *d, struct bw_str who, int64_t now, struct bw_draft *ret)
{
  bw_draft_copy(d, ret);
  ret->version++;
  ret->at = now;
  free(ret->by);
  ret->by = bw_str_dup(who);
}

int bw_draft_edit(const struct bw_draft *d, struct bw_str name, struct bw_str value, struct bw_str who, int64_t now,
                  struct bw_draft *ret_draft, struct bw_error *err)
{
  struct bw_draft e;
  size_t i = 0, filled = 0;
  int rc = check_who(who, err);
  if (rc == BW_OK)
    rc = check_value(value, err);
  if (rc < 0)
    return rc;
  new_version(d, who, now, &e);
  while (i < e.ngaps) {
    struct bw_draft_gap g = e.gaps[i];
    if (!bw_str_is(name, g.name)) {
      i++;
      continue;
    }
    memmove(&e.gaps[i], &e.gaps[i + 1], (e.ngaps - i - 1) * sizeof *e.gaps);
    e.ngaps--;
    g.len += doubles(&e, &g, value);
    splice(&e, g.field, g.offset, g.len, value);
    bw_draft_add_fill(
        &e, (struct bw_draft_fill){bw_strdup(g.name), bw_str_dup(value), human_json(who, now), g.field, g.offset, value.len});
    bw_draft_gap_clear(&g);
    filled++;
  }
  if (filled == 0) {
    bw_draft_clear(&e);
    return no_such_gap(d, name, err);
  }
  bw_draft_finish(&e);
  *ret_draft = e;
  return BW_OK;
}

/* ---- whole fields -------------------------------------------------------- */

static const char *old_hint(const struct bw_draft *d, struct bw_str name)
{
  size_t i;
  for (i = 0; i < d->ngaps; i++)
    if (bw_str_is(name, d->gaps[i].name))
      return d->gaps[i].hint;
  return "";
}

struct bracket {
  const char *open, *inner, *close; /* inner: what may follow the opening, and is not of the name */
  const char *hint;                 /* NULL: that of the gap it was */
};

static void add_marker(const struct bw_draft *d, struct bw_draft *e, enum bw_draft_field field, const struct bracket *b,
                       const char *p, const char *end, size_t *ret_len)
{
  const char *name = p + strlen(b->open), *stop = memmem(name, (size_t)(end - name), b->close, strlen(b->close));
  size_t len = stop ? (size_t)(stop - p) + strlen(b->close) : strcspn(p, "\n");
  struct bw_str text;
  if ((size_t)(end - name) >= strlen(b->inner) && memcmp(name, b->inner, strlen(b->inner)) == 0)
    name += strlen(b->inner);
  text = bw_str_n(name, (stop ? stop : p + len) > name ? (size_t)((stop ? stop : p + len) - name) : 0);
  if (text.len > BW_MUSTACHE_MAX_NAME)
    text.len = 0;
  bw_draft_add_gap(e, (struct bw_draft_gap){bw_str_dup(text), bw_strdup(b->hint ? b->hint : old_hint(d, text)), bw_strdup(""),
                                            field, (size_t)(p - e->field[field]), len});
  *ret_len = len;
}

/* Open places that a person left in the text, or wrote: a name in braces does not fill itself in once a template is rendered.
 */
static void find_markers(const struct bw_draft *d, struct bw_draft *e, enum bw_draft_field field)
{
  static const struct bracket brackets[] = {
      {BW_MISSING_OPEN, "missing: ", BW_MISSING_CLOSE, NULL},
      {"{{", "", "}}", "only templates fill names in: write what should stand here, or take it out"}};
  const char *p = e->field[field], *end = p + strlen(p);
  while (*p) {
    size_t i, len = 1;
    for (i = 0; i < sizeof brackets / sizeof *brackets; i++)
      if (strncmp(p, brackets[i].open, strlen(brackets[i].open)) == 0) {
        add_marker(d, e, field, &brackets[i], p, end, &len);
        break;
      }
    p += len;
  }
}

static int check_text(enum bw_draft_field field, struct bw_str text, struct bw_error *err)
{
  size_t max = field == BW_DRAFT_BODY ? BW_DRAFT_MAX_BODY : field == BW_DRAFT_SUBJECT ? BW_DRAFT_MAX_SUBJECT : 4096, i;
  if (text.len > max)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the %s is %zu bytes long; at most %zu", bw_draft_field_name(field),
                   (size_t)text.len, max);
  if (!bw_utf8_valid(text.data, text.len) || bw_text_blank(text))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the %s has to be UTF-8 text that is not blank",
                   bw_draft_field_name(field));
  for (i = 0; i < text.len; i++) {
    unsigned char ch = (unsigned char)text.data[i];
    if ((ch < ' ' && !(field == BW_DRAFT_BODY && (ch == '\n' || ch == '\t'))) || ch == 0x7F)
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the %s has a control character at byte %zu; %s",
                     bw_draft_field_name(field), i + 1,
                     field == BW_DRAFT_BODY ? "only line ends (LF) and tabs are allowed" : "write it on one line");
  }
  return BW_OK;
}

int bw_draft_rewrite(const struct bw_draft *d, enum bw_draft_field field, struct bw_str text, struct bw_str who, int64_t now,
                     struct bw_draft *ret_draft, struct bw_error *err)
{
  struct bw_draft e;
  size_t i, kept = 0;
  int rc = check_who(who, err);
  if (rc == BW_OK)
    rc = check_text(field, text, err);
  if (rc < 0)
    return rc;
  new_version(d, who, now, &e);
  for (i = 0; i < e.ngaps; i++) {
    if (e.gaps[i].field == field)
      bw_draft_gap_clear(&e.gaps[i]);
    else
      e.gaps[kept++] = e.gaps[i];
  }
  e.ngaps = kept;
  splice(&e, field, 0, strlen(e.field[field]), text);
  find_markers(d, &e, field);
  bw_draft_add_fill(&e, (struct bw_draft_fill){bw_strdup(bw_draft_field_name(field)), bw_str_dup(text), human_json(who, now),
                                               field, 0, text.len});
  bw_draft_finish(&e);
  *ret_draft = e;
  return BW_OK;
}
