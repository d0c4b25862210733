/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers read and parse chunks ahead; the consumer takes them in one order and, where it would have to wait, does a chunk
 * itself. One lock, taken once per chunk.  Runs in the command line and core; no privileges.
 */
#include "config.h"

#include "ingest/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "ingest/chunk.h"

#define CHUNK_BYTES (512u << 10) /* measured: smaller costs no less, larger leaves the cache */
#define CHUNK_LEAST (64u << 10)
#define CHUNK_MOST (16u << 20)
#define MANY_FILES 8 /* beyond, chunks get smaller: memory is for chunks of all files that overlap */
#define KEEP_OPEN 64
#define FEW_FILES 4        /* that overlap in time */
#define AHEAD_LEAST 2      /* chunks of a file */
#define AHEAD_PER_THREAD 8 /* further ones, while few files are read at a time */
#define THREADS_MAX 64
#define SLICE_MAX 65536 /* records given out at once */

struct bw_file_reader {
  struct bw_reader_options options;
  struct bw_source **sources; /* in the order in which they start */
  size_t nsources, nactive;   /* the first nactive have been started */
  size_t done;                /* the first `done` are read to their end, and given out */
  size_t ahead_max;           /* chunks of one source that are read ahead */

  pthread_mutex_t lock;
  pthread_cond_t work, ready;
  pthread_t *threads;
  size_t nthreads;
  bool stop;
  struct bw_chunk *idle;

  struct bw_event_parser *parser; /* the consumer's own */
  int64_t last_ms;
  struct bw_reader_stats stats;
};

/* ---- tasks: all of this under the lock ---- */

/* Few files at a time may be read far ahead, so that a busy consumer never has to parse itself; many that overlap may not: each
   holds its chunks. */
static size_t ahead_limit(const struct bw_file_reader *r)
{
  return r->nactive - r->done > FEW_FILES ? AHEAD_LEAST : r->ahead_max;
}

static bool can_fill(const struct bw_file_reader *r, const struct bw_source *s)
{
  return !s->busy && !s->at_end && s->ahead < ahead_limit(r);
}

/* The source that is least ahead of the consumer; the one that starts next, where the others are as far as they may be. */
static struct bw_source *pick_source(const struct bw_file_reader *r)
{
  struct bw_source *best = NULL;
  size_t i;
  for (i = r->done; i < r->nactive; i++)
    if (can_fill(r, r->sources[i]) && (!best || r->sources[i]->ahead < best->ahead))
      best = r->sources[i];
  if (!best && r->nactive < r->nsources && can_fill(r, r->sources[r->nactive]))
    best = r->sources[r->nactive];
  return best;
}

static struct bw_chunk *take_chunk(struct bw_file_reader *r, struct bw_source *s)
{
  struct bw_chunk *c = r->idle;
  if (c)
    r->idle = c->next;
  else
    c = bw_chunk_new(r->options.chunk_bytes);
  c->next = NULL;
  c->state = BW_CHUNK_BUSY;
  if (s->tail)
    s->tail->next = c;
  else
    s->head = c;
  s->tail = c;
  s->ahead++;
  return c;
}

/* Reads and parses one chunk; the lock is given up meanwhile. */
static void do_chunk(struct bw_file_reader *r, struct bw_source *s, struct bw_event_parser *parser)
{
  struct bw_chunk *c = take_chunk(r, s);
  bool end;
  s->busy = true;
  (void)pthread_mutex_unlock(&r->lock);
  end = bw_source_fill(s, &r->options, c);
  (void)pthread_mutex_lock(&r->lock);
  s->busy = false;
  s->at_end = end;
  if (!end)
    (void)pthread_cond_signal(&r->work);
  (void)pthread_mutex_unlock(&r->lock);
  bw_chunk_parse(c, parser, !r->options.keep_order);
  (void)pthread_mutex_lock(&r->lock);
  c->state = BW_CHUNK_READY;
  (void)pthread_cond_broadcast(&r->ready);
}

static void *worker(void *ctx)
{
  struct bw_file_reader *r = ctx;
  struct bw_event_options o = bw_chunk_options(&r->options);
  struct bw_event_parser *parser = bw_event_parser_new(&o);
  struct bw_source *s;
  (void)pthread_mutex_lock(&r->lock);
  while (!r->stop) {
    s = pick_source(r);
    if (s)
      do_chunk(r, s, parser);
    else
      (void)pthread_cond_wait(&r->work, &r->lock);
  }
  (void)pthread_mutex_unlock(&r->lock);
  bw_event_parser_free(&parser);
  return NULL;
}

/* ---- the consumer ---- */

/* Waits until the source's head chunk is there, helping.  False: the source is at its end. */
static bool await_head(struct bw_file_reader *r, struct bw_source *s)
{
  struct bw_source *other;
  bool more;
  (void)pthread_mutex_lock(&r->lock);
  while (!(s->head && s->head->state == BW_CHUNK_READY) && !(s->at_end && !s->head)) {
    other = can_fill(r, s) && !s->head ? s : pick_source(r);
    if (other)
      do_chunk(r, other, r->parser);
    else
      (void)pthread_cond_wait(&r->ready, &r->lock);
  }
  more = s->head != NULL;
  (void)pthread_mutex_unlock(&r->lock);
  return more;
}

/* Tells what the chunk refused, in order; counts. */
static void account_chunk(struct bw_file_reader *r, struct bw_source *s, const struct bw_chunk *c)
{
  struct bw_error why;
  size_t i;
  for (i = 0; i < c->nrejects && r->options.rejected; i++) {
    const struct bw_reject *j = &c->rejects[i];
    (void)bw_fail(&why, j->code, BW_CLASS_PERMANENT, "%.*s", BW_FMT(j->reason));
    r->options.rejected(r->options.ctx, s->path, c->csv ? j->line : s->line_base + j->line + 1, j->text, &why);
  }
  s->line_base += c->lines;
  r->stats.lines += c->csv ? bw_event_batch_count(c->batch) + c->rejected : c->lines;
  r->stats.rejected += c->rejected;
  if (c->doubtful && !r->stats.doubtful)
    (void)snprintf(r->stats.doubt, sizeof r->stats.doubt, "%.*s", BW_FMT(c->doubt));
  r->stats.doubtful += c->doubtful;
  r->stats.bytes += c->len;
}

/* The head chunk goes back to the idle ones. */
static void drop_head(struct bw_file_reader *r, struct bw_source *s)
{
  struct bw_chunk *c = s->head;
  bw_chunk_reset(c);
  s->pos = 0;
  (void)pthread_mutex_lock(&r->lock);
  s->head = c->next;
  if (!s->head)
    s->tail = NULL;
  s->ahead--;
  c->state = BW_CHUNK_FREE;
  c->next = r->idle;
  r->idle = c;
  (void)pthread_cond_signal(&r->work);
  (void)pthread_mutex_unlock(&r->lock);
}

/* Makes the head chunk one that has records left: 1; 0: the source is at its end; negative: it could not be read further. */
static int prepare(struct bw_file_reader *r, struct bw_source *s, struct bw_error *err)
{
  struct bw_error failed;
  while (await_head(r, s)) {
    struct bw_chunk *c = s->head;
    if (s->pos < bw_event_batch_count(c->batch))
      return 1;
    account_chunk(r, s, c);
    failed = c->failed;
    drop_head(r, s);
    if (failed.code) {
      if (err)
        *err = failed;
      return failed.code;
    }
  }
  return 0;
}

static int64_t head_time(const struct bw_source *s)
{
  return bw_event_batch_records(s->head->batch)[s->pos].time_ms;
}

/* a's next record goes before b's: earlier, or of a file named earlier. */
static bool before(int64_t a_ms, const struct bw_source *a, int64_t b_ms, const struct bw_source *b)
{
  return a_ms < b_ms || (a_ms == b_ms && a->index < b->index);
}

/* Records from pos on that go before time `limit` of source `other` (NULL: all). */
static size_t run_length(const struct bw_source *s, int64_t limit, const struct bw_source *other)
{
  const struct bw_record *records = bw_event_batch_records(s->head->batch);
  size_t from = s->pos, lo = s->pos + 1, hi = bw_event_batch_count(s->head->batch);
  if (!other)
    return hi - from;
  if (before(records[hi - 1].time_ms, s, limit, other))
    return hi - from;
  while (lo < hi) { /* the first that does not */
    size_t mid = lo + (hi - lo) / 2;
    if (before(records[mid].time_ms, s, limit, other))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo - from;
}

/* Those given out with a time before what was given out already; the slice is sorted unless files keep their order. */
static void count_late(struct bw_file_reader *r, const struct bw_record *records, size_t n)
{
  size_t i;
  if (r->options.keep_order)
    return;
  for (i = 0; i < n && records[i].time_ms < r->last_ms; i++)
    r->stats.late++;
  if (records[n - 1].time_ms > r->last_ms)
    r->last_ms = records[n - 1].time_ms;
}

static void give(struct bw_file_reader *r, struct bw_source *s, size_t n, struct bw_batch *ret_batch)
{
  struct bw_record *records = bw_event_batch_records(s->head->batch) + s->pos;
  if (n > SLICE_MAX)
    n = SLICE_MAX;
  count_late(r, records, n);
  *ret_batch = (struct bw_batch){sizeof *ret_batch, sizeof *records, n, records};
  s->pos += n;
  r->stats.records += n;
}

static void start_next(struct bw_file_reader *r)
{
  (void)pthread_mutex_lock(&r->lock);
  r->nactive++;
  (void)pthread_cond_broadcast(&r->work);
  (void)pthread_mutex_unlock(&r->lock);
}

/* Sources at their end are moved to the front, so that they are not looked at again. */
static void retire(struct bw_file_reader *r, size_t i)
{
  struct bw_source *s = r->sources[i];
  (void)pthread_mutex_lock(&r->lock);
  memmove(&r->sources[r->done + 1], &r->sources[r->done], (i - r->done) * sizeof s);
  r->sources[r->done++] = s;
  (void)pthread_mutex_unlock(&r->lock);
}

/* The source whose head goes first, and the one that would be next after it (with its time), among all that have begun. */
static int choose(struct bw_file_reader *r, struct bw_source **ret_first, struct bw_source **ret_next, int64_t *ret_next_ms,
                  struct bw_error *err)
{
  struct bw_source *first = NULL, *next = NULL;
  size_t i;
  int rc;
  for (i = r->done; i < r->nactive; i++) {
    struct bw_source *s = r->sources[i];
    rc = prepare(r, s, err);
    if (rc <= 0) {
      retire(r, i);
      if (rc < 0)
        return rc;
      continue;
    }
    if (!first || before(head_time(s), s, head_time(first), first)) {
      next = first;
      first = s;
    } else if (!next || before(head_time(s), s, head_time(next), next)) {
      next = s;
    }
    if (r->options.keep_order)
      break;
  }
  *ret_first = first;
  *ret_next = r->options.keep_order ? NULL : next;
  *ret_next_ms = next ? head_time(next) : 0;
  return BW_OK;
}

int bw_reader_next(struct bw_file_reader *r, struct bw_batch *ret_batch, struct bw_error *err)
{
  struct bw_source *first, *next, *waiting;
  int64_t next_ms;
  int rc;
  for (;;) {
    rc = choose(r, &first, &next, &next_ms, err);
    if (rc < 0)
      return rc;
    waiting = r->nactive < r->nsources ? r->sources[r->nactive] : NULL;
    if (!first && !waiting)
      return 0;
    /* A file begins as soon as its first record might be due. */
    if (waiting && (!first || (!r->options.keep_order && before(waiting->first_ms, waiting, head_time(first), first)))) {
      start_next(r);
      continue;
    }
    break;
  }
  if (waiting && !r->options.keep_order && (!next || before(waiting->first_ms, waiting, next_ms, next))) {
    next = waiting;
    next_ms = waiting->first_ms;
  }
  give(r, first, run_length(first, next_ms, next), ret_batch);
  return 1;
}

/* ---- opening ---- */

static int by_start(const void *a, const void *b)
{
  const struct bw_source *x = *(struct bw_source *const *)a, *y = *(struct bw_source *const *)b;
  if (x->first_ms != y->first_ms)
    return x->first_ms < y->first_ms ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static void fit_options(struct bw_file_reader *r, const struct bw_reader_options *options, size_t n)
{
  struct bw_reader_options *o = &r->options;
  *o = *options;
  if (o->chunk_bytes == 0)
    o->chunk_bytes = n > MANY_FILES && !o->keep_order ? CHUNK_BYTES * MANY_FILES / n : CHUNK_BYTES;
  if (o->chunk_bytes < CHUNK_LEAST)
    o->chunk_bytes = CHUNK_LEAST;
  if (o->chunk_bytes > CHUNK_MOST)
    o->chunk_bytes = CHUNK_MOST;
  if (o->threads > THREADS_MAX)
    o->threads = THREADS_MAX;
  r->ahead_max = AHEAD_PER_THREAD * (size_t)o->threads + AHEAD_LEAST;
}

static void start_threads(struct bw_file_reader *r)
{
  r->threads = bw_calloc(r->options.threads + 1, sizeof *r->threads);
  /* Where the system gives no more threads, fewer do; the consumer alone is enough. */
  while (r->nthreads < r->options.threads && pthread_create(&r->threads[r->nthreads], NULL, worker, r) == 0)
    r->nthreads++;
}

int bw_reader_open(const char *const *paths, size_t n, const struct bw_reader_options *options,
                   struct bw_file_reader **ret_reader, struct bw_error *err)
{
  struct bw_file_reader *r = bw_alloc(sizeof *r);
  struct bw_event_options eo;
  int rc = BW_OK;
  fit_options(r, options, n);
  r->last_ms = INT64_MIN;
  (void)pthread_mutex_init(&r->lock, NULL);
  (void)pthread_cond_init(&r->work, NULL);
  (void)pthread_cond_init(&r->ready, NULL);
  r->sources = bw_calloc(n + 1, sizeof *r->sources);
  /* r->nsources counts those that there is something to free of, the one that failed too. */
  for (; r->nsources < n && rc == 0; r->nsources++) {
    r->sources[r->nsources] = bw_alloc(sizeof **r->sources);
    r->sources[r->nsources]->index = r->nsources;
    rc = bw_source_open(r->sources[r->nsources], paths[r->nsources], &r->options, n <= KEEP_OPEN, err);
  }
  eo = bw_chunk_options(options);
  r->parser = bw_event_parser_new(&eo);
  if (rc < 0) {
    bw_reader_close(&r);
    return rc;
  }
  if (!options->keep_order)
    qsort(r->sources, n, sizeof *r->sources, by_start);
  start_threads(r);
  *ret_reader = r;
  return BW_OK;
}

void bw_reader_close(struct bw_file_reader **reader)
{
  struct bw_file_reader *r = *reader;
  struct bw_chunk *c;
  size_t i;
  if (!r)
    return;
  (void)pthread_mutex_lock(&r->lock);
  r->stop = true;
  (void)pthread_cond_broadcast(&r->work);
  (void)pthread_mutex_unlock(&r->lock);
  for (i = 0; i < r->nthreads; i++)
    (void)pthread_join(r->threads[i], NULL);
  for (i = 0; i < r->nsources; i++) {
    while ((c = r->sources[i]->head) != NULL) {
      r->sources[i]->head = c->next;
      bw_chunk_free(&c);
    }
    bw_source_clear(r->sources[i]);
    free(r->sources[i]);
  }
  while ((c = r->idle) != NULL) {
    r->idle = c->next;
    bw_chunk_free(&c);
  }
  bw_event_parser_free(&r->parser);
  (void)pthread_cond_destroy(&r->work);
  (void)pthread_cond_destroy(&r->ready);
  (void)pthread_mutex_destroy(&r->lock);
  free(r->threads);
  free(r->sources);
  free(r);
  *reader = NULL;
}

void bw_reader_stats(const struct bw_file_reader *r, struct bw_reader_stats *ret_stats)
{
  *ret_stats = r->stats;
}

const char *bw_reader_unread(const struct bw_file_reader *r, size_t i, bool *ret_begun)
{
  if (i >= r->nsources - r->done)
    return NULL;
  *ret_begun = r->done + i < r->nactive;
  return r->sources[r->done + i]->path;
}

bool bw_reader_doubts(const struct bw_reader_stats *stats, struct bw_buf *out)
{
  if (stats->doubtful == 0)
    return false;
  bw_buf_printf(
      out,
      "%s, which can mean two things: it stays text%s; write thousands without a point, and decimals as other than three\n",
      stats->doubt, stats->doubtful == 1 ? "" : ", as other such numbers do");
  return true;
}
