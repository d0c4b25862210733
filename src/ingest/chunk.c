/* SPDX-License-Identifier: Apache-2.0 */
/* Files cut into chunks of whole lines.  Runs in the command line and core, on files from anyone; any thread, one at a time per
 * file. */
#include "config.h"

#include "ingest/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ingest/parser.h"

#define PEEK_BYTES (64u << 10)

struct bw_event_options bw_chunk_options(const struct bw_reader_options *o)
{
  bool replay = o->arrival_ms == BW_TIME_NONE;
  return (struct bw_event_options){.seed = o->seed,
                                   .arrival_ms = o->arrival_ms,
                                   .source = o->source,
                                   .internal = BW_KIND_BIT(BW_KIND_TICK) | (replay ? BW_KIND_BIT(BW_KIND_FETCH) : 0)};
}

struct bw_chunk *bw_chunk_new(size_t chunk_bytes)
{
  struct bw_chunk *c = bw_alloc(sizeof *c);
  c->raw = bw_realloc(NULL, 1, chunk_bytes + 1 + BW_JSON_PADDING);
  c->batch = bw_event_batch_new();
  return c;
}

void bw_chunk_free(struct bw_chunk **chunk)
{
  struct bw_chunk *c = *chunk;
  if (!c)
    return;
  bw_event_batch_free(&c->batch);
  free(c->rejects);
  free(c->raw);
  free(c);
  *chunk = NULL;
}

void bw_chunk_reset(struct bw_chunk *c)
{
  bw_event_batch_reset(c->batch);
  c->nrejects = 0;
  c->rejected = c->lines = c->doubtful = 0;
  c->len = 0;
  c->failed.code = BW_OK;
}

static void reject(struct bw_chunk *c, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  struct bw_reject *r;
  c->rejected++;
  if (c->nrejects == BW_CHUNK_REJECTS)
    return;
  if (c->nrejects == c->rejects_cap) {
    c->rejects_cap = c->rejects_cap ? c->rejects_cap * 2 : 16;
    c->rejects = bw_realloc(c->rejects, c->rejects_cap, sizeof *c->rejects);
  }
  r = &c->rejects[c->nrejects++];
  *r = (struct bw_reject){line, text, bw_event_batch_keep(c->batch, bw_str(why->message)), why->code};
}

/* ---- CSV ---- */

static void csv_rejected(void *ctx, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  struct bw_source *s = ctx;
  reject(s->filling, line, bw_event_batch_keep(s->filling->batch, text), why);
}

static void csv_doubtful(void *ctx, uint64_t line, const struct bw_field *cell)
{
  struct bw_source *s = ctx;
  struct bw_chunk *c = s->filling;
  char *where BW_AUTOFREE = NULL;
  if (c->doubtful++)
    return;
  where = bw_asprintf("%s:%llu: %.*s is \"%.*s\"", s->path, (unsigned long long)line, BW_FMT(cell->key), BW_FMT(cell->text));
  c->doubt = bw_event_batch_keep(c->batch, bw_str(where));
}

static struct bw_csv *csv_new(struct bw_source *s, const struct bw_reader_options *o)
{
  struct bw_csv_options co = {
      .name = s->path, .kind = o->csv_kind, .time_ms = o->csv_time_ms, .arrival_ms = o->arrival_ms, .seed = o->seed};
  struct bw_csv_events ev = {csv_rejected, csv_doubtful, s};
  return bw_csv_new(&co, &ev);
}

/* ---- opening ---- */

static bool has_suffix(const char *path, const char *suffix)
{
  static const char *const packed[] = {"", ".gz", ".zst"};
  size_t n = strlen(path), m, k, i;
  for (i = 0; i < 3; i++) {
    m = strlen(suffix);
    k = strlen(packed[i]);
    if (n >= m + k && strncmp(path + n - m - k, suffix, m) == 0 && strcmp(path + n - k, packed[i]) == 0)
      return true;
  }
  return false;
}

static int tell_format(struct bw_source *s, struct bw_error *err)
{
  struct bw_str t = bw_buf_str(&s->carry);
  if (bw_str_prefix(t, "\xEF\xBB\xBF"))
    t = bw_str_n(t.data + 3, t.len - 3);
  while (t.len && strchr(" \t\r\n", t.data[0]) && t.data[0])
    t = bw_str_n(t.data + 1, t.len - 1);
  if (t.len == 0)
    s->format = BW_FORMAT_EMPTY;
  else if (t.data[0] == '{' || has_suffix(s->path, ".jsonl") || has_suffix(s->path, ".ndjson") || has_suffix(s->path, ".json"))
    s->format = BW_FORMAT_JSONL;
  else if (has_suffix(s->path, ".csv") || has_suffix(s->path, ".tsv") || has_suffix(s->path, ".txt") ||
           strcmp(s->path, "-") == 0)
    s->format = BW_FORMAT_CSV;
  else
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s: is neither JSON lines (a \"{\" at its start) nor named .csv or .jsonl",
                   s->path);
  return BW_OK;
}

/* The time of the first good record within what was read.  For the order of files only: errors are found again when it is read.
 */
static int64_t first_time(struct bw_source *s, const struct bw_reader_options *o)
{
  struct bw_event_options eo = bw_chunk_options(o);
  struct bw_chunk *c = bw_chunk_new(s->carry.len + 1);
  struct bw_csv *csv;
  struct bw_event_parser *p;
  const char *at, *end;
  int64_t first = BW_TIME_NONE;
  if (s->carry.len)
    memcpy(c->raw, s->carry.data, s->carry.len);
  if (s->format == BW_FORMAT_CSV) {
    s->filling = c;
    csv = csv_new(s, o);
    (void)bw_csv_feed(csv, bw_buf_str(&s->carry), c->batch, NULL);
    if (bw_event_batch_count(c->batch) == 0)
      (void)bw_csv_finish(csv, c->batch, NULL);
    bw_csv_free(&csv);
  } else {
    p = bw_event_parser_new(&eo);
    bw_event_parser_into(p, c->batch);
    end = memrchr(c->raw, '\n', s->carry.len);
    if (!end && s->carry.len < PEEK_BYTES) {
      c->raw[s->carry.len] = '\n';
      end = c->raw + s->carry.len;
    }
    for (at = c->raw + (s->carry.len >= 3 && memcmp(c->raw, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0); end && at <= end;)
      if (bw_event_parse_line(at, p, &at, NULL) == 1)
        break;
    bw_event_parser_free(&p);
  }
  if (bw_event_batch_count(c->batch) > 0)
    first = bw_event_batch_records(c->batch)[0].time_ms;
  bw_chunk_free(&c);
  return first;
}

static int open_input(struct bw_source *s, struct bw_error *err)
{
  size_t n = 0;
  int rc = bw_input_open(s->path, &s->input, err);
  bw_buf_reset(&s->carry);
  if (rc == 0)
    rc = bw_input_read(s->input, bw_buf_reserve(&s->carry, PEEK_BYTES), PEEK_BYTES, &n, err);
  s->carry.len = rc == 0 ? n : 0;
  return rc;
}

int bw_source_open(struct bw_source *s, const char *path, const struct bw_reader_options *o, bool keep_open,
                   struct bw_error *err)
{
  int rc;
  s->path = bw_strdup(path);
  rc = open_input(s, err);
  if (rc == 0)
    rc = tell_format(s, err);
  if (rc < 0)
    return rc;
  s->first_ms = s->format == BW_FORMAT_EMPTY || o->keep_order ? BW_TIME_NONE : first_time(s, o);
  if (!keep_open && bw_input_regular(s->input)) {
    bw_input_close(&s->input);
    bw_buf_clear(&s->carry);
  }
  return BW_OK;
}

void bw_source_clear(struct bw_source *s)
{
  bw_input_close(&s->input);
  bw_csv_free(&s->csv);
  bw_buf_clear(&s->carry);
  free(s->path);
}

/* ---- filling ---- */

/* What is left of a line that is too long goes; true where its end was found. */
static bool skip_rest(struct bw_source *s, char *raw, size_t *len)
{
  char *end = memchr(raw, '\n', *len);
  if (!end) {
    *len = 0;
    return false;
  }
  *len -= (size_t)(end + 1 - raw);
  memmove(raw, end + 1, *len);
  s->skipping = false;
  return true;
}

/* Cuts at the last line end; the rest is carried over to the next chunk. */
static void cut_lines(struct bw_source *s, struct bw_chunk *c, size_t len, size_t cap, bool end)
{
  struct bw_error why;
  char *last = len ? memrchr(c->raw, '\n', len) : NULL;
  if (end) {
    if (len && c->raw[len - 1] != '\n')
      c->raw[len++] = '\n';
    c->len = len;
    return;
  }
  if (!last && len == cap) {
    (void)bw_fail(&why, BW_ELIMIT, BW_CLASS_PERMANENT, "the line is over %zu bytes", len);
    reject(c, 0, bw_event_batch_keep(c->batch, bw_str_n(c->raw, len < 1024 ? len : 1024)), &why);
    c->lines = 1;
    c->len = 0;
    s->skipping = true;
    return;
  }
  c->len = last ? (size_t)(last + 1 - c->raw) : 0;
  bw_buf_add(&s->carry, c->raw + c->len, len - c->len);
}

static void feed_csv(struct bw_source *s, const struct bw_reader_options *o, struct bw_chunk *c, size_t len, bool end)
{
  struct bw_error why;
  int rc;
  if (!s->csv)
    s->csv = csv_new(s, o);
  s->filling = c;
  rc = bw_csv_feed(s->csv, bw_str_n(c->raw, len), c->batch, &why);
  if (rc == 0 && end)
    rc = bw_csv_finish(s->csv, c->batch, &why);
  if (rc < 0)
    c->failed = why;
  if (!o->keep_order)
    (void)bw_event_batch_sort(c->batch);
}

bool bw_source_fill(struct bw_source *s, const struct bw_reader_options *o, struct bw_chunk *c)
{
  size_t len, n = 0;
  bool end, first = !s->opened_before;
  if (!s->input && open_input(s, &c->failed) < 0)
    return true;
  s->opened_before = true;
  do {
    len = s->carry.len < o->chunk_bytes ? s->carry.len : o->chunk_bytes;
    if (len)
      memcpy(c->raw, s->carry.data, len);
    memmove(s->carry.data ? s->carry.data : c->raw, s->carry.data ? s->carry.data + len : c->raw, s->carry.len - len);
    s->carry.len -= len;
    if (bw_input_read(s->input, c->raw + len, o->chunk_bytes - len, &n, &c->failed) < 0)
      n = 0;
    len += n;
    end = len < o->chunk_bytes && s->carry.len == 0;
  } while (s->skipping && !skip_rest(s, c->raw, &len) && !end);
  if (first && len >= 3 && memcmp(c->raw, "\xEF\xBB\xBF", 3) == 0 && s->format == BW_FORMAT_JSONL)
    memset(c->raw, ' ', 3);
  c->csv = s->format == BW_FORMAT_CSV;
  if (c->csv)
    feed_csv(s, o, c, len, end);
  else
    cut_lines(s, c, len, o->chunk_bytes, end);
  if (end || c->failed.code) {
    bw_input_close(&s->input);
    return true;
  }
  return false;
}

/* An export holds the daemon's ticks: whoever reads it makes ticks of their own. */
static void drop_tick(struct bw_event_batch *b)
{
  size_t n = bw_event_batch_count(b);
  if (bw_event_batch_records(b)[n - 1].kind == BW_KIND_TICK)
    bw_event_batch_truncate(b, n - 1);
}

void bw_chunk_parse(struct bw_chunk *c, struct bw_event_parser *p, bool sort)
{
  const char *at = c->raw, *end = c->raw + c->len, *next;
  struct bw_error why;
  if (c->csv)
    return;
  bw_event_parser_into(p, c->batch);
  for (; at < end; at = next) {
    int rc = bw_event_parse_line(at, p, &next, &why);
    if (rc < 0)
      reject(c, c->lines, bw_str_n(at, (size_t)(next - at - 1)), &why);
    else if (rc > 0)
      drop_tick(c->batch);
    c->lines++;
  }
  bw_event_parser_into(p, NULL);
  if (sort)
    (void)bw_event_batch_sort(c->batch);
}
