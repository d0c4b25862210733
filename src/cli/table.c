/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns.  Runs in the command line; no privileges. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

#define COLUMNS_MAX 12
#define GAP 2
#define NARROWEST 12 /* no column is cut below this */

struct column {
  const char *title;
  size_t title_len;
  bool right, cut;
  size_t width;
};

struct cell {
  char *text;
  enum bw_style style;
};

struct bw_table {
  const struct bw_cli *cli;
  struct column columns[COLUMNS_MAX];
  size_t ncols;
  struct cell *cells;
  size_t n, cap;
};

struct bw_table *bw_table_new(const struct bw_cli *cli, size_t ncols, const char *const *headers)
{
  struct bw_table *t = bw_alloc(sizeof *t);
  size_t i;
  BW_ASSERT(ncols > 0 && ncols <= COLUMNS_MAX);
  t->cli = cli;
  t->ncols = ncols;
  for (i = 0; i < ncols; i++) {
    struct column *c = &t->columns[i];
    c->right = headers[i][0] == '>';
    c->title = headers[i] + (c->right ? 1 : 0);
    c->title_len = strlen(c->title);
    c->cut = c->title_len && c->title[c->title_len - 1] == '~';
    c->title_len -= c->cut ? 1 : 0;
    c->width = c->title_len;
  }
  return t;
}

static void add_cell(struct bw_table *t, enum bw_style style, char *text)
{
  struct column *c = &t->columns[t->n % t->ncols];
  size_t cells = bw_cells(text, strlen(text));
  if (t->n == t->cap) {
    t->cap = t->cap ? 2 * t->cap : 64;
    t->cells = bw_realloc(t->cells, t->cap, sizeof *t->cells);
  }
  t->cells[t->n++] = (struct cell){text, style};
  if (cells > c->width)
    c->width = cells;
}

void bw_table_add(struct bw_table *t, enum bw_style style, const char *text)
{
  struct bw_buf safe = {0};
  bw_put_safe(&safe, text, false);
  add_cell(t, style, bw_strdup(bw_buf_cstr(&safe)));
  bw_buf_clear(&safe);
}

void bw_table_addf(struct bw_table *t, enum bw_style style, const char *fmt, ...)
{
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  bw_table_add(t, style, text);
}

void bw_table_take(struct bw_table *t, enum bw_style style, struct bw_buf *b)
{
  add_cell(t, style, bw_strdup(bw_buf_cstr(b)));
  bw_buf_reset(b);
}

/* Takes away from the columns that allow it, the widest first, until the table fits. */
static void fit(struct bw_table *t, size_t indent)
{
  size_t i, total = indent;
  for (i = 0; i < t->ncols; i++)
    total += t->columns[i].width + (i ? GAP : 0);
  while (total > (size_t)t->cli->width) {
    struct column *widest = NULL;
    for (i = 0; i < t->ncols; i++)
      if (t->columns[i].cut && t->columns[i].width > NARROWEST && (!widest || t->columns[i].width > widest->width))
        widest = &t->columns[i];
    if (!widest)
      return;
    widest->width--;
    total--;
  }
}

static void pad(struct bw_buf *out, size_t n)
{
  while (n--)
    bw_buf_add_char(out, ' ');
}

static void put_cell(const struct bw_table *t, struct bw_buf *out, size_t col, enum bw_style style, const char *text,
                     size_t len)
{
  const struct column *c = &t->columns[col];
  size_t cells = bw_cells(text, len);
  struct bw_buf cut = {0};
  if (cells > c->width) {
    len = bw_cells_cut(text, len, c->width - 1);
    bw_buf_add(&cut, text, len);
    bw_buf_add_cstr(&cut, "…");
    cells = bw_cells(cut.data, cut.len);
  } else {
    bw_buf_add(&cut, text, len);
  }
  if (c->right)
    pad(out, c->width - cells);
  bw_put_styled(t->cli, out, style, bw_buf_cstr(&cut));
  if (!c->right && col + 1 < t->ncols)
    pad(out, c->width - cells);
  if (col + 1 < t->ncols)
    pad(out, GAP);
  bw_buf_clear(&cut);
}

static void end_line(struct bw_buf *out)
{
  while (out->len && out->data[out->len - 1] == ' ')
    out->len--;
  bw_buf_add_char(out, '\n');
}

void bw_table_end(struct bw_table **table, struct bw_buf *out, size_t indent)
{
  struct bw_table *t = *table;
  size_t i;
  bool titles = false;
  *table = NULL;
  fit(t, indent);
  for (i = 0; i < t->ncols; i++)
    titles |= t->columns[i].title_len > 0;
  if (titles) {
    pad(out, indent);
    for (i = 0; i < t->ncols; i++)
      put_cell(t, out, i, BW_DIM, t->columns[i].title, t->columns[i].title_len);
    end_line(out);
  }
  for (i = 0; i < t->n; i++) {
    if (i % t->ncols == 0)
      pad(out, indent);
    put_cell(t, out, i % t->ncols, t->cells[i].style, t->cells[i].text, strlen(t->cells[i].text));
    if (i % t->ncols == t->ncols - 1)
      end_line(out);
    free(t->cells[i].text);
  }
  free(t->cells);
  free(t);
}
