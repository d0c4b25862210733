/* SPDX-License-Identifier: Apache-2.0 */
/* The replay: files in, lines out.  Runs in the command line; reads files, writes one stream, needs no privileges. */
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "ingest/dedup.h"
#include "ingest/identity.h"
#include "ingest/reader.h"
#include "pipeline/pipeline.h"
#include "replay/runner.h"

#define SEED UINT64_C(0x5eed) /* any: output must not depend on it */
#define MAX_SHOWN_REJECTS 20
#define SHOWN_TICKS 8
#define AHEAD 24 /* records from one hint to the next, and to the look-up: memory takes that long */

struct replay {
  const struct bw_replay_options *o;
  struct bw_setup *setup;
  struct bw_pipeline *pipeline;
  struct bw_identity *identity;
  struct bw_dedup *dedup; /* NULL: every record counts */
  struct bw_runner **runners;
  struct bw_buf line, outputs;
  int64_t tick_ms, next_tick; /* next_tick: BW_TIME_NONE until the first record with a time */
  uint64_t offset, since_checkpoint;
  uint64_t records, ticks, rejected, lines_out;
  double feed_seconds, tick_seconds, last_tick_seconds;
  double first_ticks[SHOWN_TICKS]; /* seconds of each */
  bool done;
};

static double seconds_now(void)
{
  struct timespec ts;
  BW_ASSERT(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- what is printed ---- */

static bool wanted(const struct replay *r, unsigned kind, int64_t at_ms)
{
  return (r->o->kinds & kind) && (r->o->from == BW_TIME_NONE || at_ms >= r->o->from);
}

static void put_line(struct replay *r)
{
  (void)fwrite(r->line.data, 1, r->line.len, r->o->out);
  bw_buf_reset(&r->line);
  r->lines_out++;
}

static void on_signal(void *ctx, const struct bw_episode *e, enum bw_signal_state state)
{
  struct replay *r = ctx;
  int64_t at = state == BW_CLEARED ? e->cleared_at : e->updated_at;
  if (!wanted(r, BW_REPLAY_SIGNALS, at))
    return;
  bw_episode_json(&r->line, e, state);
  put_line(r);
}

static void on_trait(void *ctx, const struct bw_trait_value *t)
{
  struct replay *r = ctx;
  if (!wanted(r, BW_REPLAY_TRAITS, t->at_ms))
    return;
  bw_trait_value_json(&r->line, t);
  put_line(r);
}

static void on_lead(void *ctx, const struct bw_lead *lead, const char *event, int64_t at_ms)
{
  struct replay *r = ctx;
  if (!wanted(r, BW_REPLAY_LEADS, at_ms))
    return;
  bw_lead_line_json(&r->line, lead, event, at_ms);
  put_line(r);
}

static void on_draft(void *ctx, const struct bw_draft *draft)
{
  struct replay *r = ctx;
  if (!wanted(r, BW_REPLAY_DRAFTS, draft->at))
    return;
  bw_json_open(&r->line, '{');
  bw_json_key(&r->line, "kind");
  bw_json_cstr(&r->line, "draft");
  bw_json_key(&r->line, "at");
  bw_json_time(&r->line, draft->at);
  bw_json_key(&r->line, "draft");
  bw_draft_json(&r->line, draft);
  bw_json_close(&r->line, '}');
  bw_buf_add_char(&r->line, '\n');
  put_line(r);
}

static void on_notice(void *ctx, int64_t at_ms, struct bw_str account, struct bw_str code, struct bw_str text)
{
  struct replay *r = ctx;
  if (!wanted(r, BW_REPLAY_NOTICES, at_ms))
    return;
  bw_json_open(&r->line, '{');
  bw_json_key(&r->line, "kind");
  bw_json_cstr(&r->line, "notice");
  bw_json_key(&r->line, "at");
  bw_json_time(&r->line, at_ms);
  if (account.len) {
    bw_json_key(&r->line, "account");
    bw_json_str(&r->line, account);
  }
  bw_json_key(&r->line, "code");
  bw_json_str(&r->line, code);
  bw_json_key(&r->line, "text");
  bw_json_str(&r->line, text);
  bw_json_close(&r->line, '}');
  bw_buf_add_char(&r->line, '\n');
  put_line(r);
}

static void on_rejected(void *ctx, const char *path, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  struct replay *r = ctx;
  (void)text;
  if (r->rejected++ < MAX_SHOWN_REJECTS)
    (void)fprintf(stderr, "%s:%llu: %s\n", path, (unsigned long long)line, why->message);
  else if (r->rejected == MAX_SHOWN_REJECTS + 1)
    (void)fprintf(stderr, "%s:%llu: further refused lines are only counted\n", path, (unsigned long long)line);
}

/* ---- feeding ---- */

/* Records in order, no tick among them or one as the last: to the book, then to the watchers, and what they say to the signals.
 */
static int feed(struct replay *r, const struct bw_batch *batch, struct bw_error *err)
{
  size_t w;
  uint64_t last = bw_batch_at(batch, batch->count - 1)->offset;
  double start = seconds_now();
  int rc = bw_pipeline_project(r->pipeline, batch, err);
  for (w = 0; rc == 0 && w < r->setup->nwatchers; w++) {
    bw_buf_reset(&r->outputs);
    rc = bw_runner_feed(r->runners[w], batch, &r->outputs, err);
    if (rc == 0 && r->outputs.len)
      rc = bw_pipeline_output(r->pipeline, w, last, bw_buf_str(&r->outputs), err);
  }
  r->feed_seconds += seconds_now() - start;
  return rc;
}

static int checkpoint(struct replay *r, uint64_t records, struct bw_error *err)
{
  size_t w;
  int rc = BW_OK;
  r->since_checkpoint += records;
  if (!r->o->checkpoint || r->since_checkpoint < r->o->checkpoint)
    return BW_OK;
  r->since_checkpoint = 0;
  for (w = 0; rc == 0 && w < r->setup->nwatchers; w++)
    rc = bw_runner_renew(r->runners[w], err);
  return rc;
}

static int tick(struct replay *r, int64_t at_ms, struct bw_error *err)
{
  struct bw_record record = {.kind = BW_KIND_TICK, .time_ms = at_ms, .arrival_ms = at_ms, .offset = ++r->offset};
  const struct bw_batch batch = {sizeof batch, sizeof record, 1, &record};
  double start = seconds_now(), fed = r->feed_seconds;
  int rc = feed(r, &batch, err);
  if (rc == 0)
    rc = bw_pipeline_tick(r->pipeline, at_ms, record.offset, false, err);
  r->feed_seconds = fed;
  r->last_tick_seconds = seconds_now() - start;
  r->tick_seconds += r->last_tick_seconds;
  if (r->ticks < SHOWN_TICKS)
    r->first_ticks[r->ticks] = r->last_tick_seconds;
  r->ticks++;
  return rc;
}

/* Feeds the records [from, to) of a batch. */
static int feed_range(struct replay *r, const struct bw_batch *all, uint64_t from, uint64_t to, struct bw_error *err)
{
  const struct bw_batch part = {all->size, all->stride, to - from, bw_batch_at(all, from)};
  int rc;
  if (from == to)
    return BW_OK;
  rc = feed(r, &part, err);
  return rc < 0 ? rc : checkpoint(r, to - from, err);
}

static int64_t boundary_after(const struct replay *r, int64_t ms)
{
  return (ms / r->tick_ms + 1) * r->tick_ms;
}

static int64_t first_tick(const struct replay *r, int64_t ms)
{
  if (r->o->at != BW_TIME_NONE)
    return r->o->at;
  return r->o->first_tick != BW_TIME_NONE ? r->o->first_tick : boundary_after(r, ms);
}

/* Ticks that are due before a record of time ms. */
static int ticks_until(struct replay *r, int64_t ms, struct bw_error *err)
{
  int rc = BW_OK;
  if (r->next_tick == BW_TIME_NONE && ms > 0)
    r->next_tick = first_tick(r, ms);
  while (rc == 0 && r->next_tick != BW_TIME_NONE && ms >= r->next_tick && !r->done) {
    if (r->o->to != BW_TIME_NONE && r->next_tick > r->o->to) {
      r->done = true;
      break;
    }
    rc = tick(r, r->next_tick, err);
    r->done = r->o->at != BW_TIME_NONE;
    r->next_tick += r->tick_ms;
  }
  return rc;
}

static inline void look_ahead(const struct replay *r, const struct bw_batch *batch, uint64_t i)
{
  int step;
  for (step = 0; step < BW_IDENTITY_STEPS; step++) {
    uint64_t at = i + (uint64_t)(BW_IDENTITY_STEPS - step) * AHEAD;
    if (at < batch->count && bw_identity_wants_hints(bw_batch_at(batch, at)))
      bw_identity_ahead(r->identity, bw_batch_at(batch, at), (enum bw_identity_step)step);
  }
}

/* Drops what is there already, numbers the records, resolves them, and cuts the batch where ticks are due.  The reader lets us
   complete its records in place, and move them up. */
static int take_batch(struct replay *r, const struct bw_batch *batch, struct bw_error *err)
{
  struct bw_record *records = bw_reader_records(batch);
  uint64_t i, kept = 0, from = 0;
  int rc = BW_OK;
  for (i = 0; rc == 0 && i < batch->count && !r->done; i++) {
    struct bw_record *record = &records[kept];
    if (r->dedup && !bw_dedup_add(r->dedup, records[i].id, records[i].time_ms))
      continue;
    if (kept < i)
      *record = records[i];
    if (r->next_tick == BW_TIME_NONE || record->time_ms >= r->next_tick) {
      rc = feed_range(r, batch, from, kept, err);
      from = kept;
      if (rc == 0)
        rc = ticks_until(r, record->time_ms, err);
      if (r->done)
        return rc;
    }
    record->offset = ++r->offset;
    look_ahead(r, batch, i);
    (void)bw_identity_resolve(r->identity, record);
    r->records++;
    kept++;
  }
  return rc < 0 ? rc : feed_range(r, batch, from, kept, err);
}

/* The data has ended: the tick that closes it, or those up to `to`. */
static int finish(struct replay *r, struct bw_error *err)
{
  int rc = BW_OK;
  if (r->done || r->next_tick == BW_TIME_NONE)
    return BW_OK;
  if (r->o->at != BW_TIME_NONE)
    return tick(r, r->o->at, err);
  if (r->o->to == BW_TIME_NONE)
    return tick(r, r->next_tick, err);
  for (; rc == 0 && r->next_tick <= r->o->to; r->next_tick += r->tick_ms)
    rc = tick(r, r->next_tick, err);
  return rc;
}

/* ---- the run ---- */

static int open_setup(struct replay *r, struct bw_error *err)
{
  const struct bw_setup_options so = {.plugin_dir = r->o->plugin_dir, .host_exe = r->o->host_exe};
  struct bw_complaints complaints = {0};
  int rc = bw_setup_load(r->o->config_dir, &so, &r->setup, &complaints);
  (void)fputs(bw_buf_cstr(&complaints.text), stderr);
  if (rc < 0)
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the configuration has %zu error%s", complaints.count,
                 complaints.count == 1 ? "" : "s");
  bw_complaints_clear(&complaints);
  return rc;
}

/* As the daemon does, with the time of each record for its arrival. */
static void open_dedup(struct replay *r)
{
  const struct bw_dedup_options options = {.window_ms = r->setup->dedup_window_ms, .limit = (size_t)r->setup->dedup_limit};
  if (r->o->dedup)
    r->dedup = bw_dedup_new(&options);
}

static int open_identity(struct replay *r, struct bw_error *err)
{
  const struct bw_identity_options io = {.seed = SEED, .free_mail = r->setup->free_mail, .nfree_mail = r->setup->nfree_mail};
  return bw_identity_open(NULL, &io, &r->identity, err);
}

static int open_rooms(struct replay *r, struct bw_error *err)
{
  const struct bw_pipeline_events events = {on_signal, on_trait, on_lead, on_draft, on_notice};
  size_t w;
  int rc = open_setup(r, err);
  if (rc < 0)
    return rc;
  r->tick_ms = r->o->tick ? r->o->tick : r->setup->tick_ms;
  r->runners = bw_calloc(r->setup->nwatchers, sizeof(struct bw_runner *));
  open_dedup(r);
  rc = open_identity(r, err);
  if (rc == 0)
    rc = bw_pipeline_open(NULL, r->setup, &events, r, &r->pipeline, err);
  for (w = 0; rc == 0 && w < r->setup->nwatchers; w++)
    rc = bw_runner_open(&r->setup->watchers[w], r->o->host_exe, SEED, &r->runners[w], err);
  return rc;
}

static void close_rooms(struct replay *r)
{
  size_t w;
  for (w = 0; r->runners && w < r->setup->nwatchers; w++)
    bw_runner_close(&r->runners[w]);
  free(r->runners);
  bw_pipeline_close(&r->pipeline);
  bw_identity_close(&r->identity);
  bw_dedup_free(&r->dedup);
  bw_setup_free(&r->setup);
  bw_buf_clear(&r->line);
  bw_buf_clear(&r->outputs);
}

static uint64_t duplicates(const struct replay *r)
{
  struct bw_dedup_stats stats = {0};
  if (r->dedup)
    bw_dedup_stats(r->dedup, &stats);
  return stats.duplicates;
}

static void print_stats(const struct replay *r, const struct bw_reader_stats *rs, double seconds)
{
  struct rusage usage = {0}, children = {0};
  uint64_t i;
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)getrusage(RUSAGE_CHILDREN, &children);
  (void)fprintf(r->o->stats,
                "{\"records\":%llu,\"bytes\":%llu,\"rejected\":%llu,\"duplicates\":%llu,\"late\":%llu,\"ticks\":%llu,\"lines\":"
                "%llu,\"seconds\":%.3f,"
                "\"feed_seconds\":%.3f,\"tick_seconds\":%.3f,\"last_tick_seconds\":%.6f,\"cpu_seconds\":%.3f,\"peak_kib\":%ld,"
                "\"host_peak_kib\":%ld,\"first_ticks\":[",
                (unsigned long long)r->records, (unsigned long long)rs->bytes, (unsigned long long)r->rejected,
                (unsigned long long)duplicates(r), (unsigned long long)rs->late, (unsigned long long)r->ticks,
                (unsigned long long)r->lines_out, seconds, r->feed_seconds, r->tick_seconds, r->last_tick_seconds,
                (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
                    (double)usage.ru_stime.tv_usec / 1e6,
                usage.ru_maxrss, children.ru_maxrss);
  for (i = 0; i < r->ticks && i < SHOWN_TICKS; i++)
    (void)fprintf(r->o->stats, "%s%.6f", i ? "," : "", r->first_ticks[i]);
  (void)fputs("]}\n", r->o->stats);
}

/* What is no error, and changes what is printed. */
static void say_odd(const struct replay *r, const struct bw_reader_stats *rs)
{
  struct bw_buf line = {0};
  if (rs->late)
    (void)fprintf(stderr,
                  "%llu records came later than others of a later time; they count in their own day, but ticks before were "
                  "scored without them: sort the files by time\n",
                  (unsigned long long)rs->late);
  if (duplicates(r))
    (void)fprintf(stderr, "%llu records were left out: their message ids had been there already within ingest.dedup_window\n",
                  (unsigned long long)duplicates(r));
  if (bw_reader_doubts(rs, &line))
    (void)fputs(bw_buf_cstr(&line), stderr);
  bw_buf_clear(&line);
}

static int run_files(struct replay *r, struct bw_error *err)
{
  const struct bw_reader_options ro = {
      .threads = r->o->threads, .seed = SEED, .arrival_ms = BW_TIME_NONE, .rejected = on_rejected, .ctx = r};
  struct bw_file_reader *reader;
  struct bw_reader_stats rs;
  struct bw_batch batch;
  double start = seconds_now();
  int rc = bw_reader_open(r->o->files, r->o->nfiles, &ro, &reader, err), more = 0;
  if (rc < 0)
    return rc;
  while (rc == 0 && !r->done && (more = bw_reader_next(reader, &batch, err)) == 1)
    rc = take_batch(r, &batch, err);
  if (rc == 0)
    rc = more < 0 ? more : finish(r, err);
  bw_reader_stats(reader, &rs);
  bw_reader_close(&reader);
  say_odd(r, &rs);
  if (fflush(r->o->out) != 0 && rc == 0)
    rc = bw_fail_errno(err, BW_EIO, "the output could not be written");
  if (r->o->stats)
    print_stats(r, &rs, seconds_now() - start);
  return rc;
}

int bw_replay_run(const struct bw_replay_options *options, uint64_t *ret_refused, struct bw_error *err)
{
  struct replay r = {.o = options, .next_tick = BW_TIME_NONE};
  int rc = open_rooms(&r, err);
  if (rc == 0)
    rc = run_files(&r, err);
  *ret_refused = r.rejected;
  close_rooms(&r);
  return rc;
}
