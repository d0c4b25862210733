/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV: the header decides what each column is, by a table; each row becomes a record.  libcsv takes the quoting apart.
 * Runs in core and the command line, on files from anyone; no privileges.
 */
#include "ingest/csv.h"

#include <csv.h>
#include <stdlib.h>

#include "base/amount.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "ingest/csv_columns.h"
#include "ingest/parser.h"

#define SNIFF_MAX 65536 /* the header line must end within */

struct column {
  enum bw_csv_place place;
  struct bw_str name;  /* of the trait */
  struct bw_str snake; /* of the header */
  unsigned rank;
};

struct bw_csv {
  struct bw_csv_options options;
  struct bw_csv_events events;
  struct csv_parser csv;
  bool started, header_done;
  unsigned char delimiter;
  struct bw_buf sniff; /* until the header line is whole */
  struct bw_arena memory;
  struct column *columns;
  size_t ncolumns;
  uint32_t kind;
  /* the row at hand */
  struct bw_buf row; /* the cells' bytes */
  size_t ends[BW_CSV_MAX_COLUMNS + 1];
  size_t ncells;
  uint64_t line, row_line; /* from 1 */
  bool too_large;
  uint64_t rejected;
  struct bw_event_batch *batch;
  struct bw_error failed; /* code != 0: the file is refused */
};

/* ---- the header ---- */

static struct bw_str cell(const struct bw_csv *c, size_t i)
{
  size_t from = i ? c->ends[i - 1] : 0;
  return bw_str_n(c->row.data + from, c->ends[i] - from);
}

static struct bw_str trim(struct bw_str s)
{
  while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
    s = bw_str_n(s.data + 1, s.len - 1);
  while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    s.len--;
  return s;
}

static int refuse_file(struct bw_csv *c, const char *what, struct bw_str which)
{
  char name[64];
  size_t i, n = which.len < 60 ? (size_t)which.len : 60;
  for (i = 0; i < n; i++)
    name[i] = (char)((unsigned char)which.data[i] < 0x20 || (unsigned char)which.data[i] > 0x7E ? '?' : which.data[i]);
  name[n] = '\0';
  return bw_fail(&c->failed, BW_EINVAL, BW_CLASS_PERMANENT, "%s:%llu: %s%s%s%s", c->options.name ? c->options.name : "csv",
                 (unsigned long long)c->row_line, what, n ? " \"" : "", name, n ? "\"" : "");
}

/* Two columns for one place: the better one has it, the other becomes a trait of its own name. */
static int settle(struct bw_csv *c, size_t i, struct bw_str head)
{
  struct column *a = &c->columns[i], *b, *loser;
  size_t j;
  for (j = 0; j < i; j++) {
    b = &c->columns[j];
    if (bw_str_eq(a->snake, b->snake) && b->place != BW_CSV_IGNORED)
      return refuse_file(c, "the same column stands there twice:", head);
    if (a->place != b->place || !bw_str_eq(a->name, b->name))
      continue;
    loser = a->rank < b->rank ? b : a;
    loser->place = BW_CSV_TRAIT;
    loser->name = loser->snake;
  }
  return BW_OK;
}

static int name_columns(struct bw_csv *c)
{
  char snake[BW_FIELD_KEY_MAX + 1];
  size_t i;
  bool has_id = false;
  for (i = 0; i < c->ncolumns; i++) {
    struct column *col = &c->columns[i];
    struct bw_str head = trim(cell(c, i));
    if (!bw_utf8_valid(head.data, head.len) || memchr(head.data, '\0', head.len))
      return refuse_file(c, "a column's name is not valid UTF-8", head);
    if (bw_csv_snake(head, snake) < 0)
      return refuse_file(c, "a column's name is too long", head);
    col->place = BW_CSV_IGNORED;
    if (snake[0] == '\0')
      continue;
    col->snake = bw_arena_keep(&c->memory, bw_str(snake));
    col->place = bw_csv_column(c->kind, col->snake, &col->name, &col->rank);
    if (settle(c, i, head) < 0)
      return BW_EINVAL;
  }
  for (i = 0; i < c->ncolumns; i++)
    has_id |= c->columns[i].place == bw_csv_id_place(c->kind);
  return has_id ? BW_OK : refuse_file(c, bw_csv_id_missing(c->kind), BW_STR(""));
}

static void take_header(struct bw_csv *c)
{
  struct bw_str names[BW_CSV_MAX_COLUMNS];
  size_t i;
  if (c->ncells > BW_CSV_MAX_COLUMNS || c->too_large) {
    (void)refuse_file(c, "the header has too many columns (at most 256), or is too long", BW_STR(""));
    return;
  }
  for (i = 0; i < c->ncells; i++)
    names[i] = trim(cell(c, i));
  c->kind = c->options.kind ? c->options.kind : bw_csv_guess(names, c->ncells, c->options.name);
  if (!bw_csv_id_missing(c->kind)) {
    (void)refuse_file(c,
                      c->options.kind
                          ? "tables of this kind are not read from CSV"
                          : "neither the header nor the file's name says what the rows are; give the kind: account, "
                            "contact, plan, subscription or opportunity",
                      BW_STR(""));
    return;
  }
  c->ncolumns = c->ncells;
  c->columns = bw_calloc(c->ncells ? c->ncells : 1, sizeof *c->columns);
  (void)name_columns(c);
  c->header_done = true;
}

/* ---- rows ---- */

/* The row as CSV again, for whoever inspects what was refused. */
static void reject_row(struct bw_csv *c, const struct bw_error *why)
{
  struct bw_buf text = {0};
  size_t i, k;
  bool moved = c->ncells > c->ncolumns, secret = false; /* moved: a comma too many may have moved all that follows */
  c->rejected++;
  if (!c->events.rejected)
    return;
  for (i = 0; i < c->ncells && i < BW_CSV_MAX_COLUMNS; i++) {
    struct bw_str s = cell(c, i);
    secret = (secret && moved) || (i < c->ncolumns && c->columns[i].place == BW_CSV_SECRET);
    if (secret)
      s = BW_STR("...");
    if (i)
      bw_buf_add_char(&text, (char)c->delimiter);
    bw_buf_add_char(&text, '"');
    for (k = 0; k < s.len; k++) {
      if (s.data[k] == '"')
        bw_buf_add_char(&text, '"');
      bw_buf_add_char(&text, s.data[k]);
    }
    bw_buf_add_char(&text, '"');
  }
  c->events.rejected(c->events.ctx, c->row_line, bw_buf_str(&text), why);
  bw_buf_clear(&text);
}

static int refuse_row(struct bw_csv *c, struct bw_error *err, const char *what)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s:%llu: %s", c->options.name ? c->options.name : "csv",
                 (unsigned long long)c->row_line, what);
}

/* Wholly a number as JSON writes them ("007" and "1,000" stay text, and "36.000", which may be thousands), or a boolean. */
static void type_cell(const struct bw_csv *c, struct bw_field *f)
{
  struct bw_json_error e;
  char text[48];
  double v;
  if (bw_str_is(f->text, "true") || bw_str_is(f->text, "false") || bw_str_is(f->text, "TRUE") || bw_str_is(f->text, "FALSE") ||
      bw_str_is(f->text, "True") || bw_str_is(f->text, "False")) {
    f->type = BW_VALUE_BOOL;
    f->number = f->text.data[0] == 't' || f->text.data[0] == 'T';
    return;
  }
  if (f->text.len == 0 || f->text.len >= sizeof text ||
      !(f->text.data[0] == '-' || (f->text.data[0] >= '0' && f->text.data[0] <= '9')))
    return;
  memcpy(text, f->text.data, f->text.len);
  text[f->text.len] = '\0';
  if (bw_json_number(text, &v, &e) != text + f->text.len)
    return;
  if (bw_amount_doubtful(f->text)) {
    if (c->events.doubtful)
      c->events.doubtful(c->events.ctx, c->row_line, f);
    return;
  }
  f->type = BW_VALUE_NUMBER;
  f->number = v;
}

static int row_id(struct bw_csv *c, struct bw_error *err, struct bw_str s, struct bw_str *ret)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7F)
      return refuse_row(c, err, "an id holds a control character");
  if (s.len > BW_ID_MAX)
    return refuse_row(c, err, "an id is over 256 bytes");
  *ret = bw_event_batch_keep(c->batch, s);
  return BW_OK;
}

static int place_cell(struct bw_csv *c, const struct column *col, struct bw_str s, struct bw_record *r, struct bw_field *fields,
                      struct bw_error *err)
{
  struct bw_field *f = &fields[r->nfields];
  switch (col->place) {
  case BW_CSV_IGNORED:
  case BW_CSV_SECRET:
    return BW_OK;
  case BW_CSV_ACCOUNT:
    return row_id(c, err, s, &r->account);
  case BW_CSV_SUBJECT:
    return row_id(c, err, s, &r->subject);
  case BW_CSV_MESSAGE_ID:
    return row_id(c, err, s, &r->id);
  case BW_CSV_TIME:
    if (bw_time_parse(s, &r->time_ms) < 0)
      return refuse_row(c, err, "the timestamp is not a time as in ISO 8601 (2026-01-31), from 1970 on");
    return BW_OK;
  default:
    *f = (struct bw_field){.key = bw_event_batch_keep(c->batch, col->name),
                           .text = bw_event_batch_keep(c->batch, s),
                           .section = BW_SECTION_TRAITS,
                           .type = BW_VALUE_STRING};
    type_cell(c, f);
    r->nfields++;
    return BW_OK;
  }
}

static int make_row(struct bw_csv *c, struct bw_error *err)
{
  struct bw_record r = {.kind = c->kind, .time_ms = c->options.time_ms, .arrival_ms = c->options.arrival_ms};
  struct bw_field *fields = bw_event_batch_fields(c->batch);
  size_t i;
  int rc;
  if (c->too_large)
    return refuse_row(c, err, "the row is over 64 KiB, or has too many cells");
  if (c->ncells > c->ncolumns)
    return refuse_row(c, err, "the row has more cells than the header has columns");
  if (!bw_utf8_valid(c->row.data, c->row.len) || memchr(c->row.data, '\0', c->row.len))
    return refuse_row(c, err, "the row is not valid UTF-8");
  for (i = 0; i < c->ncells; i++) {
    struct bw_str s = trim(cell(c, i));
    if (s.len == 0) /* an empty cell says nothing, rather than removing what is known */
      continue;
    rc = place_cell(c, &c->columns[i], s, &r, fields, err);
    if (rc < 0)
      return rc;
  }
  if ((bw_csv_id_place(c->kind) == BW_CSV_ACCOUNT ? r.account.len : r.subject.len) == 0)
    return refuse_row(c, err, "the row's id is empty");
  if (r.arrival_ms == BW_TIME_NONE)
    r.arrival_ms = r.time_ms;
  else if (r.time_ms > r.arrival_ms + BW_DAY)
    return refuse_row(c, err, "the row's time lies more than a day in the future");
  r.account_hash = bw_hash_str(r.account, c->options.seed);
  r.subject_hash = bw_hash_str(r.subject, c->options.seed);
  r.name_hash = bw_hash_str(r.name, c->options.seed);
  r.fields = fields;
  *bw_event_batch_room(c->batch) = r;
  bw_event_batch_taken(c->batch);
  return BW_OK;
}

/* ---- libcsv's callbacks ---- */

static void on_cell(void *data, size_t len, void *ctx)
{
  struct bw_csv *c = ctx;
  if (c->ncells >= BW_CSV_MAX_COLUMNS || c->row.len + len > BW_CSV_MAX_ROW) {
    c->too_large = true;
    return;
  }
  bw_buf_add(&c->row, data, len);
  c->ends[c->ncells++] = c->row.len;
}

static void on_row(int terminator, void *ctx)
{
  struct bw_csv *c = ctx;
  struct bw_error why;
  bool blank = c->row.len == 0 && c->ncells <= 1 && !c->too_large;
  (void)terminator;
  if (!c->failed.code && !blank) {
    if (!c->header_done)
      take_header(c);
    else if (make_row(c, &why) < 0)
      reject_row(c, &why);
  }
  bw_buf_reset(&c->row);
  c->ncells = 0;
  c->too_large = false;
}

/* ---- feeding ---- */

struct bw_csv *bw_csv_new(const struct bw_csv_options *options, const struct bw_csv_events *events)
{
  struct bw_csv *c = bw_alloc(sizeof *c);
  c->options = *options;
  if (events)
    c->events = *events;
  c->line = c->row_line = 1;
  c->delimiter = ',';
  BW_ASSERT(csv_init(&c->csv, CSV_STRICT | CSV_STRICT_FINI) == 0);
  csv_set_blk_size(&c->csv, 4096);
  (void)bw_buf_reserve(&c->row, 256);
  return c;
}

void bw_csv_free(struct bw_csv **csv)
{
  struct bw_csv *c = *csv;
  if (!c)
    return;
  csv_free(&c->csv);
  bw_buf_clear(&c->sniff);
  bw_buf_clear(&c->row);
  bw_arena_clear(&c->memory);
  free(c->columns);
  free(c);
  *csv = NULL;
}

/* The delimiter that the header line has most of, outside of quotes; the comma where there is none.  False: the line's end is
   not there yet.  Only the first SNIFF_MAX bytes are looked at, so that the answer does not depend on how the text was cut. */
static bool sniff(struct bw_str head, unsigned char *ret_delimiter)
{
  static const char candidates[] = ",;\t|";
  size_t counts[4] = {0}, i, best = 0, len = head.len < SNIFF_MAX ? (size_t)head.len : SNIFF_MAX;
  bool quoted = false;
  for (i = 0; i < len && (quoted || (head.data[i] != '\n' && head.data[i] != '\r')); i++) {
    const char *found = strchr(candidates, head.data[i]);
    if (head.data[i] == '"')
      quoted = !quoted;
    else if (!quoted && head.data[i] && found)
      counts[found - candidates]++;
  }
  for (best = 0, len = i, i = 1; i < 4; i++)
    if (counts[i] > counts[best])
      best = i;
  *ret_delimiter = (unsigned char)candidates[best];
  return len < head.len || len == SNIFF_MAX;
}

/* One line at a time, so that what libcsv finds can be told with its line.  A row is named by the line that it starts on. */
static int feed_lines(struct bw_csv *c, struct bw_str text)
{
  while (text.len > 0 && !c->failed.code) {
    const char *end = memchr(text.data, '\n', text.len);
    size_t n = end ? (size_t)(end + 1 - text.data) : (size_t)text.len;
    if (c->csv.pstate == 0) /* no row has begun: not within a quoted cell */
      c->row_line = c->line;
    if (csv_parse(&c->csv, text.data, n, on_cell, on_row, c) != n && !c->failed.code)
      return refuse_file(c, "a quote stands within a cell that is not quoted, or the like: this is not CSV", BW_STR(""));
    if (csv_get_buffer_size(&c->csv) > (4u << 20))
      return refuse_file(c, "a cell has no end: is a quote missing?", BW_STR(""));
    c->line += end != NULL;
    text = bw_str_n(text.data + n, text.len - n);
  }
  return c->failed.code ? (int)c->failed.code : BW_OK;
}

static int start(struct bw_csv *c)
{
  struct bw_str head = bw_buf_str(&c->sniff);
  if (bw_str_prefix(head, "\xEF\xBB\xBF"))
    head = bw_str_n(head.data + 3, head.len - 3);
  c->started = true;
  (void)sniff(head, &c->delimiter);
  csv_set_delim(&c->csv, c->delimiter);
  return feed_lines(c, head);
}

static int outcome(const struct bw_csv *c, int rc, struct bw_error *err)
{
  if (rc < 0 && err)
    *err = c->failed;
  return rc;
}

int bw_csv_feed(struct bw_csv *c, struct bw_str text, struct bw_event_batch *batch, struct bw_error *err)
{
  c->batch = batch;
  if (c->failed.code)
    return outcome(c, c->failed.code, err);
  if (c->started)
    return outcome(c, feed_lines(c, text), err);
  bw_buf_add_str(&c->sniff, text);
  if (!sniff(bw_buf_str(&c->sniff), &c->delimiter))
    return BW_OK;
  return outcome(c, start(c), err);
}

int bw_csv_finish(struct bw_csv *c, struct bw_event_batch *batch, struct bw_error *err)
{
  int rc = c->failed.code ? (int)c->failed.code : BW_OK;
  c->batch = batch;
  if (rc == 0 && !c->started)
    rc = start(c);
  if (rc == 0 && csv_fini(&c->csv, on_cell, on_row, c) != 0)
    rc = refuse_file(c, "a quote is never closed", BW_STR(""));
  if (rc == 0 && c->failed.code)
    rc = c->failed.code;
  if (rc == 0 && !c->header_done)
    rc = refuse_file(c, "there is no header line", BW_STR(""));
  return outcome(c, rc, err);
}

uint64_t bw_csv_rejected(const struct bw_csv *c)
{
  return c->rejected;
}
