/* SPDX-License-Identifier: Apache-2.0 */
/* Where a character of a value stands in its file.  Runs wherever configuration is read; reads the file again. */
#include <stdio.h>

#include "config/config.h"

/* One character of the file, counting lines and columns. */
static int step(FILE *f, struct bw_node *n)
{
  int c = getc(f);
  n->column++;
  if (c == '\n') {
    n->line++;
    n->column = 1;
  }
  return c;
}

static int peek(FILE *f)
{
  int c = getc(f);
  ungetc(c, f);
  return c;
}

/*
 * YAML takes quotes off, joins lines and removes indentation, so the file is walked beside the text; where the two part (an
 * escape), the place reached so far is told.
 */
struct bw_node bw_node_inside(const struct bw_node *at, size_t offset)
{
  struct bw_node n = {.file = at->file, .line = 1, .column = 1};
  FILE *f = at->file ? fopen(at->file, "r") : NULL;
  size_t i = 0;
  bool single = false;
  if (!f)
    return *at;
  while ((n.line < at->line || (n.line == at->line && n.column < at->column)) && step(f, &n) != EOF)
    ;
  while (peek(f) == ' ' && at->text.len && at->text.data[0] != ' ') /* the indentation of a block */
    step(f, &n);
  if (n.line == at->line && (peek(f) == '"' || peek(f) == '\'') && at->text.len && peek(f) != at->text.data[0])
    single = step(f, &n) == '\'';
  while (i < offset && i < at->text.len) {
    int c = peek(f);
    bool line_end = c == '\n' && (at->text.data[i] == ' ' || at->text.data[i] == '\n');
    if (c == EOF || (!line_end && c != (unsigned char)at->text.data[i]))
      break;
    step(f, &n);
    i++;
    if (single && c == '\'') /* written twice */
      step(f, &n);
    while (line_end && peek(f) == ' ')
      step(f, &n);
  }
  fclose(f);
  return n;
}

size_t bw_text_offset(struct bw_str text, uint32_t line, uint32_t column)
{
  size_t at = 0;
  while (at < text.len && line > 1)
    line -= text.data[at++] == '\n';
  return at + column - 1;
}
