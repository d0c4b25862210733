/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering Mustache.  Runs in core and in the command line's replay; no privileges needed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "drafts/mustache_impl.h"

#define MAX_STACK 64 /* values that sections have opened, over all partials */
#define DEFAULT_OUTPUT (1 << 20)

struct render {
  const struct bw_mustache_options *options;
  struct bw_buf *out;
  size_t base; /* where this render's output begins */
  struct bw_view_value stack[MAX_STACK];
  size_t depth;      /* of stack */
  unsigned partials; /* nested */
  unsigned steps;
  size_t value_at, value_end; /* of the value that was printed last, in out */
  struct bw_buf indent;
  struct bw_buf value, clean, shown, hint; /* of the tag at work */
  struct bw_error *err;
};

static int render_nodes(struct render *r, const struct bw_mustache *m, size_t from, size_t to);

static int count_step(struct render *r)
{
  if (++r->steps > BW_MUSTACHE_MAX_STEPS)
    return bw_fail(r->err, BW_ELIMIT, BW_CLASS_PERMANENT, "rendering takes more than %d steps; loops within loops?",
                   BW_MUSTACHE_MAX_STEPS);
  return BW_OK;
}

static int emit(struct render *r, struct bw_str s)
{
  size_t max = r->options->max_output ? r->options->max_output : DEFAULT_OUTPUT;
  if (s.len > max - (r->out->len - r->base))
    return bw_fail(r->err, BW_ELIMIT, BW_CLASS_PERMANENT,
                   "the rendered text is longer than %zu bytes; shorten the template or the lists in it", max);
  if (s.len)
    bw_buf_add_str(r->out, s);
  return BW_OK;
}

static int emit_text(struct render *r, struct bw_str s)
{
  if (r->options->clean && r->value_end > r->value_at && r->value_end == r->out->len &&
      bw_text_doubles(bw_str_n(r->out->data + r->value_at, r->value_end - r->value_at), s)) {
    r->value_end = r->value_at;
    s = bw_str_n(s.data + 1, s.len - 1);
  }
  return emit(r, s);
}

/* From the innermost view outwards; the first that knows the name's first part answers. */
static void look_up(struct render *r, struct bw_str name, struct bw_view_value *ret)
{
  size_t i;
  if (bw_str_is(name, ".") && r->depth > 1) {
    *ret = r->stack[r->depth - 1];
    return;
  }
  for (i = r->depth; i-- > 0;) {
    const struct bw_view_value *v = &r->stack[i];
    *ret = (struct bw_view_value){.type = BW_VIEW_NONE};
    if (v->type == BW_VIEW_MAP && v->view.lookup)
      v->view.lookup(v->view.ctx, name, ret);
    if (ret->type != BW_VIEW_NONE)
      return;
  }
  ret->type = BW_VIEW_MISSING;
}

static bool is_truthy(const struct bw_mustache_node *node, const struct bw_view_value *v)
{
  if (node->from > 0)
    return v->type == BW_VIEW_NUMBER && v->number >= node->from;
  if (node->positive)
    return v->type == BW_VIEW_NUMBER && v->number > 0;
  switch (v->type) {
  case BW_VIEW_NONE:
  case BW_VIEW_MISSING:
  case BW_VIEW_FALSE:
    return false;
  case BW_VIEW_TEXT:
    return v->text.len > 0;
  case BW_VIEW_NUMBER:
    return v->number != 0;
  case BW_VIEW_LIST:
    return v->nitems > 0;
  default:
    return true;
  }
}

/* Why a value cannot be printed at all, or NULL. */
static const char *unprintable(const struct bw_view_value *v)
{
  if (v->type == BW_VIEW_LIST)
    return "is a list; open a section over it";
  if (v->type == BW_VIEW_MAP)
    return "is a record, not one value; name one of its fields";
  return NULL;
}

static void add_escaped(struct bw_buf *out, struct bw_str s)
{
  static const char *const as[256] = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
  size_t i;
  for (i = 0; i < s.len; i++) {
    const char *e = as[(unsigned char)s.data[i]];
    if (e)
      bw_buf_add_cstr(out, e);
    else
      bw_buf_add_char(out, s.data[i]);
  }
}

static int print_missing(struct render *r, struct bw_mustache_note *note)
{
  int rc;
  if (!r->options->strict)
    return BW_OK;
  bw_buf_reset(&r->shown);
  bw_buf_add_cstr(&r->shown, BW_MISSING_OPEN "missing: ");
  bw_buf_add_str(&r->shown, note->name);
  bw_buf_add_cstr(&r->shown, BW_MISSING_CLOSE);
  note->missing = true;
  note->shown = bw_buf_str(&r->shown);
  rc = emit(r, note->shown);
  if (rc == BW_OK && r->options->note)
    r->options->note(r->options->ctx, note);
  return rc;
}

/* The value's text after its filters, in *ret; or why not. */
static const char *format(struct render *r, const struct bw_mustache_node *node, const struct bw_view_value *v,
                          struct bw_str *ret)
{
  struct bw_filtered f = {.type = v->type,
                          .text = v->text,
                          .number = v->number,
                          .time = v->time,
                          .unit = v->unit,
                          .currency = r->options->currency,
                          .hint = &r->hint,
                          .locale = r->options->locale,
                          .words = r->options->words};
  struct bw_buf steps[BW_MUSTACHE_MAX_FILTERS] = {{0}};
  const char *why = NULL;
  size_t i;
  bw_buf_reset(&r->hint);
  for (i = 0; i < node->nfilters && !why; i++)
    why = node->filters[i].filter->apply(node->filters[i].arg, &f, &steps[i]);
  bw_buf_reset(&r->value);
  if (!why)
    bw_filtered_print(&f, &r->value);
  for (i = 0; i < BW_MUSTACHE_MAX_FILTERS; i++)
    bw_buf_clear(&steps[i]);
  *ret = bw_buf_str(&r->value);
  return why;
}

static int render_variable(struct render *r, const struct bw_mustache_node *node)
{
  const struct bw_mustache_options *o = r->options;
  struct bw_view_value v = {0};
  struct bw_mustache_note note = {.name = node->text, .offset = r->out->len - r->base};
  struct bw_str text;
  char raw[32];
  int rc;
  look_up(r, node->text, &v);
  note.provenance = v.provenance;
  note.hint = v.hint;
  note.reason = unprintable(&v);
  if (v.type == BW_VIEW_MISSING || note.reason)
    return print_missing(r, &note);
  note.raw = v.text;
  if (v.type == BW_VIEW_NUMBER && v.text.len == 0)
    note.raw = bw_str_n(raw, (size_t)bw_number_format(v.number, raw));
  note.reason = format(r, node, &v, &text);
  if (note.reason && r->hint.len)
    note.hint = bw_buf_str(&r->hint);
  if (!note.reason && o->clean) {
    bw_buf_reset(&r->clean);
    (void)bw_text_clean(text, &r->clean);
    text = bw_buf_str(&r->clean);
  }
  if (!note.reason && o->strict && bw_text_blank(text))
    note.reason = "is blank";
  if (!note.reason && o->max_value && text.len > o->max_value)
    note.reason = "is too long; a person has to shorten it";
  if (note.reason)
    return print_missing(r, &note);
  if (o->html && !node->raw) {
    bw_buf_reset(&r->shown);
    add_escaped(&r->shown, text);
    text = bw_buf_str(&r->shown);
  }
  note.shown = text;
  r->value_at = r->out->len;
  rc = emit(r, text);
  r->value_end = r->out->len;
  if (rc == BW_OK && o->note)
    o->note(o->ctx, &note);
  return rc;
}

/* The section's content once, with v innermost. */
static int render_within(struct render *r, const struct bw_mustache *m, size_t from, size_t to, struct bw_view_value *v)
{
  char *owned = NULL;
  int rc;
  if (r->depth == MAX_STACK)
    return bw_fail(r->err, BW_ELIMIT, BW_CLASS_PERMANENT, "more than %d sections are open at once", MAX_STACK);
  /* The resolver may reuse its memory at the next lookup; what stays on the stack must not. */
  if (v->text.len) {
    owned = bw_str_dup(v->text);
    v->text.data = owned;
  }
  v->provenance = v->hint = bw_str_n("", 0);
  r->stack[r->depth++] = *v;
  rc = render_nodes(r, m, from, to);
  r->depth--;
  free(owned);
  return rc;
}

static int render_section(struct render *r, const struct bw_mustache *m, size_t at)
{
  const struct bw_mustache_node *node = &m->nodes[at];
  struct bw_view_value v = {0}, item;
  size_t i;
  int rc = BW_OK;
  look_up(r, node->text, &v);
  if (node->type == BW_MNODE_INVERTED)
    return is_truthy(node, &v) ? BW_OK : render_nodes(r, m, at + 1, node->end);
  if (!is_truthy(node, &v))
    return BW_OK;
  if (v.type != BW_VIEW_LIST)
    return render_within(r, m, at + 1, node->end, &v);
  for (i = 0; rc == BW_OK && i < v.nitems; i++) {
    item = (struct bw_view_value){.type = BW_VIEW_MISSING};
    v.item(v.item_ctx, i, &item);
    rc = count_step(r);
    if (rc == BW_OK)
      rc = render_within(r, m, at + 1, node->end, &item);
  }
  return rc;
}

static int render_partial(struct render *r, const struct bw_mustache_node *node)
{
  const struct bw_mustache *p = r->options->partial ? r->options->partial(r->options->ctx, node->text) : NULL;
  size_t indent = r->indent.len;
  int rc;
  if (!p)
    return r->options->strict ? bw_fail(r->err, BW_EINVAL, BW_CLASS_CONFIG, "there is no partial \"%.*s\"", BW_FMT(node->text))
                              : BW_OK;
  if (r->partials == BW_MUSTACHE_MAX_DEPTH)
    return bw_fail(r->err, BW_ELIMIT, BW_CLASS_CONFIG, "partials are more than %d deep: \"%.*s\" includes itself without end",
                   BW_MUSTACHE_MAX_DEPTH, BW_FMT(node->text));
  r->partials++;
  if (node->indent.len)
    bw_buf_add_str(&r->indent, node->indent);
  /* Within a line the partial goes on with that line: its first line is not indented again. */
  rc = render_nodes(r, p, !node->alone && p->n && p->nodes[0].type == BW_MNODE_INDENT ? 1 : 0, p->n);
  r->indent.len = indent;
  r->partials--;
  return rc;
}

static int render_nodes(struct render *r, const struct bw_mustache *m, size_t from, size_t to)
{
  int rc = BW_OK;
  size_t i = from;
  while (rc == BW_OK && i < to) {
    const struct bw_mustache_node *node = &m->nodes[i];
    rc = count_step(r);
    if (rc < 0)
      return rc;
    switch (node->type) {
    case BW_MNODE_TEXT:
      rc = emit_text(r, node->text);
      break;
    case BW_MNODE_INDENT:
      rc = emit(r, bw_buf_str(&r->indent));
      break;
    case BW_MNODE_VARIABLE:
      rc = render_variable(r, node);
      break;
    case BW_MNODE_PARTIAL:
      rc = render_partial(r, node);
      break;
    case BW_MNODE_SECTION:
    case BW_MNODE_INVERTED:
      rc = render_section(r, m, i);
      i = node->end;
      continue;
    }
    i++;
  }
  return rc;
}

int bw_mustache_render(const struct bw_mustache *tmpl, const struct bw_view *view, const struct bw_mustache_options *options,
                       struct bw_buf *out, struct bw_error *err)
{
  struct render r = {.options = options, .out = out, .base = out->len, .depth = 1, .err = err};
  int rc;
  r.stack[0] = (struct bw_view_value){.type = BW_VIEW_MAP, .view = *view};
  rc = render_nodes(&r, tmpl, 0, tmpl->n);
  if (rc < 0)
    out->len = r.base;
  bw_buf_clear(&r.indent);
  bw_buf_clear(&r.value);
  bw_buf_clear(&r.clean);
  bw_buf_clear(&r.shown);
  bw_buf_clear(&r.hint);
  return rc;
}
