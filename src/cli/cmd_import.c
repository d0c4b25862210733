/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch import`: reads files as ingest does, hands the records to the daemon in batches, and waits until all are on disk
 * there.  Runs in the command line with its caller's rights, on files that the caller chose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/internal.h"
#include "ingest/reader.h"

#define IN_FLIGHT 8
#define BATCH_BYTES (1u << 20)
#define BATCH_RECORDS 10000
#define SHOWN 20 /* refused lines that are printed */
#define REJECT_BYTES (1u << 20)
#define RETRY_FIRST_MS 250
#define RETRY_LONGEST_MS 5000
#define HISTORY_MS (2 * BW_DAY) /* events that old are history */
#define EVENTS                                                                                                                 \
  (BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_PAGE) | BW_KIND_BIT(BW_KIND_SCREEN) | BW_KIND_BIT(BW_KIND_IDENTIFY) |      \
   BW_KIND_BIT(BW_KIND_GROUP))

struct sent {
  uint32_t id;
  enum bw_frame_type type;
  struct bw_buf payload; /* until the answer: it may have to be sent again */
};

struct import {
  struct bw_cli *cli;
  char source[80];
  struct bw_batch_writer writer;
  struct bw_buf rejects;
  size_t nrejects;
  struct sent flying[IN_FLIGHT];
  size_t nflying;
  struct bw_ingested sum;
  bool last; /* no more history follows */
  uint64_t refused;
  int64_t started, oldest; /* now; the time of the oldest event */
  int64_t pause_ms;
  bool progress;
  bool broken; /* a file could not be read to its end */
  int rc;      /* enum bw_exit */
};

/* ---- to the daemon and back ---- */

/* "Not now" is for us to wait out; anything else ends the import. */
static bool worth_waiting(const struct bw_error *err)
{
  return err->code == BW_EAGAIN || err->code == BW_ENOSPC;
}

static void post(struct import *im, struct sent *s)
{
  struct bw_error err;
  if (im->rc == BW_EXIT_OK && bw_control_send(im->cli->link, s->type, bw_buf_str(&s->payload), &s->id, &err))
    im->rc = bw_cli_fail(&err);
}

static void land(struct import *im, size_t i, struct bw_str answer)
{
  struct bw_ingested n;
  struct bw_error err;
  if (im->flying[i].type == BW_FRAME_INGEST) {
    if (bw_ingested_parse(answer, &n, &err)) {
      im->rc = bw_cli_fail(&err);
      return;
    }
    im->sum.accepted += n.accepted;
    im->sum.duplicates += n.duplicates;
    im->sum.rejected += n.rejected;
    im->sum.queued += n.queued;
    im->sum.behind += n.behind;
    if (n.behind)
      im->sum.scored_ms = n.scored_ms;
  }
  im->pause_ms = RETRY_FIRST_MS;
  bw_buf_clear(&im->flying[i].payload);
  im->flying[i] = im->flying[--im->nflying];
}

static void refuse(struct import *im, size_t i, struct bw_str answer)
{
  struct bw_error err;
  bw_error_from_json(answer, &err);
  if (!worth_waiting(&err)) {
    im->rc = bw_cli_fail(&err);
    return;
  }
  if (im->pause_ms == RETRY_LONGEST_MS)
    (void)fprintf(stderr, "basewatch: waiting: %s\n", err.message);
  (void)usleep((useconds_t)im->pause_ms * 1000);
  im->pause_ms = im->pause_ms * 2 > RETRY_LONGEST_MS ? RETRY_LONGEST_MS : im->pause_ms * 2;
  post(im, &im->flying[i]);
}

static void await_one(struct import *im)
{
  struct bw_buf answer = {0};
  struct bw_error err;
  uint16_t type;
  uint32_t id;
  size_t i;
  if (bw_control_receive(im->cli->link, &type, &id, &answer, &err)) {
    im->rc = bw_cli_fail(&err);
    return;
  }
  for (i = 0; i < im->nflying && im->flying[i].id != id; i++)
    ;
  if (i < im->nflying && type == BW_FRAME_ERROR)
    refuse(im, i, bw_buf_str(&answer));
  else if (i < im->nflying)
    land(im, i, bw_buf_str(&answer));
  bw_buf_clear(&answer);
  if (im->progress && im->rc == BW_EXIT_OK)
    (void)fprintf(stderr, "\r%llu records ", (unsigned long long)(im->sum.accepted + im->sum.duplicates));
}

/* Takes payload.  In order: history must reach the journal as it happened, so it flies alone where it would have to be resent.
 */
static void fly(struct import *im, enum bw_frame_type type, struct bw_buf *payload, size_t most)
{
  while (im->rc == BW_EXIT_OK && im->nflying >= most)
    await_one(im);
  if (im->rc == BW_EXIT_OK) {
    im->flying[im->nflying] = (struct sent){0, type, *payload};
    post(im, &im->flying[im->nflying++]);
  } else {
    bw_buf_clear(payload);
  }
  *payload = (struct bw_buf){0};
}

/* ---- records and refusals ---- */

static bool in_order(const struct import *im)
{
  return strncmp(im->source, "history", 7) == 0;
}

static void flush_records(struct import *im)
{
  struct bw_buf batch = {0}, payload = {0};
  if (im->writer.count == 0)
    return;
  bw_batch_finish(&im->writer, &batch);
  bw_ingest_encode(&payload, bw_clock_now(bw_clock_system()), bw_str(im->source), bw_buf_str(&batch));
  bw_buf_clear(&batch);
  fly(im, BW_FRAME_INGEST, &payload, in_order(im) ? 1 : IN_FLIGHT);
}

static void flush_rejects(struct import *im)
{
  if (im->nrejects == 0)
    return;
  bw_json_close(&im->rejects, ']');
  im->nrejects = 0;
  fly(im, BW_FRAME_REJECT, &im->rejects, IN_FLIGHT);
}

static void on_rejected(void *ctx, const char *path, uint64_t line, struct bw_str text, const struct bw_error *why)
{
  struct import *im = ctx;
  struct bw_reject r = {bw_str(im->source), {0}, bw_str(why->message), text};
  char *where BW_AUTOFREE = bw_asprintf("%s:%llu", path, (unsigned long long)line);
  struct bw_buf safe = {0};
  r.where = bw_str(where);
  if (im->refused++ < SHOWN) {
    /* Some refusals name their place themselves. */
    if (strncmp(why->message, where, strlen(where)) != 0)
      bw_buf_printf(&safe, "%s: ", where);
    bw_put_safe(&safe, why->message, false);
    (void)fprintf(stderr, "%s%s\n", im->progress ? "\r" : "", bw_buf_cstr(&safe));
    bw_buf_clear(&safe);
  }
  bw_reject_add(&im->rejects, &r);
  if (++im->nrejects == BW_CONTROL_REJECTS || im->rejects.len > REJECT_BYTES)
    flush_rejects(im);
}

static void take_batch(struct import *im, const struct bw_batch *batch)
{
  struct bw_error err;
  uint64_t i;
  for (i = 0; i < batch->count && im->rc == BW_EXIT_OK; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    if (EVENTS & BW_KIND_BIT(r->kind) && r->time_ms < im->oldest)
      im->oldest = r->time_ms;
    if (im->writer.count >= BATCH_RECORDS || im->writer.bytes.len >= BATCH_BYTES)
      flush_records(im);
    if (bw_batch_add(&im->writer, r, &err) == 0)
      continue;
    flush_records(im); /* full: once more into an empty one */
    if (im->rc == BW_EXIT_OK && bw_batch_add(&im->writer, r, &err))
      im->rc = bw_cli_fail(&err);
  }
}

static int read_all(struct import *im, struct bw_file_reader *reader)
{
  struct bw_batch batch;
  struct bw_error err;
  int more = 1, rc;
  while (im->rc == BW_EXIT_OK && (more = bw_reader_next(reader, &batch, &err)) > 0)
    take_batch(im, &batch);
  im->broken = more < 0;
  rc = im->broken ? bw_cli_fail(&err) : BW_EXIT_OK;
  /* What was read before a file failed is sent all the same. */
  flush_records(im);
  flush_rejects(im);
  while (im->rc == BW_EXIT_OK && im->nflying)
    await_one(im);
  return im->rc ? im->rc : rc;
}

/* ---- the command ---- */

/* What rows may be, and what they are called together: files have the names of many. */
static const char *const row_kinds[] = {"account", "contact", "plan", "subscription", "opportunity", NULL};
static const char *const row_plurals[] = {"accounts", "contacts", "plans", "subscriptions", "opportunities", NULL};

static const char *nearest_kind(const char *name)
{
  const char *near_name = bw_nearest(bw_str(name), row_kinds), *plural = bw_nearest(bw_str(name), row_plurals);
  size_t i;
  for (i = 0; plural && row_plurals[i]; i++)
    if (strcmp(plural, row_plurals[i]) == 0)
      near_name = row_kinds[i];
  return near_name;
}

static int csv_kind(struct bw_cli *cli, uint32_t *ret_kind)
{
  const char *near_name, *name = bw_cli_option(cli, "kind");
  *ret_kind = BW_KIND_NONE;
  if (!name)
    return BW_EXIT_OK;
  *ret_kind = bw_kind_parse(bw_str(name));
  if (*ret_kind != BW_KIND_NONE)
    return BW_EXIT_OK;
  near_name = nearest_kind(name);
  return bw_cli_usage(cli, "there is no kind %.64s; CSV rows are account, contact, plan, subscription or opportunity%s%s%s",
                      name, near_name ? ": did you mean " : "", near_name ? near_name : "", near_name ? "?" : "");
}

/* What becomes of history: whether its days were scored. */
static void put_scored(const struct import *im, struct bw_buf *out)
{
  if (im->sum.behind == 0) {
    bw_buf_add_cstr(out, "Each of its days is scored as it was.  ");
    bw_buf_add_cstr(out, im->last ? "The clock's own ticks follow.\n"
                                  : "The clock's own ticks follow in a minute, unless more history comes before.\n");
    return;
  }
  bw_put_count(out, (int64_t)im->sum.behind);
  bw_buf_add_cstr(out, im->sum.behind == 1 ? " of them is" : " of them are");
  bw_buf_add_cstr(out, " of days that the daemon has scored already, up to ");
  bw_put_time(out, im->sum.scored_ms);
  bw_buf_add_cstr(out,
                  ": what is older than that only teaches, and no day of the past is scored again.  (History is scored where "
                  "it comes first and oldest first; `basewatch replay` scores these files by themselves.)\n");
}

static void put_history(const struct import *im, struct bw_buf *out)
{
  bw_buf_add_cstr(out, "The oldest event is of ");
  bw_put_time(out, im->oldest);
  bw_buf_add_cstr(out, ".  What these show is noticed at the next tick, as of then.  (History is better brought in with "
                       "--history, which scores each day as it was.)\n");
}

static void put_queued(const struct import *im, struct bw_buf *out)
{
  bw_put_count(out, (int64_t)im->sum.queued);
  bw_buf_add_cstr(out, im->sum.queued == 1 ? " of them waits" : " of them wait");
  bw_buf_add_cstr(out, " until history that is being brought in has come to its end.\n");
}

static void put_words(const struct import *im, struct bw_buf *out)
{
  const struct bw_ingested *n = &im->sum;
  bw_put_count(out, (int64_t)n->accepted);
  bw_buf_add_cstr(out, n->accepted == 1 ? " record is on disk" : " records are on disk");
  if (n->duplicates) {
    bw_buf_add_cstr(out, ", ");
    bw_put_count(out, (int64_t)n->duplicates);
    bw_buf_add_cstr(out, " were there already");
  }
  if (n->rejected) {
    bw_buf_add_cstr(out, ", ");
    bw_put_count(out, (int64_t)n->rejected);
    bw_buf_add_cstr(out, " could not be read (`basewatch rejected` shows them)");
  }
  bw_buf_add_cstr(out, ".\n");
  if (n->queued)
    put_queued(im, out);
  if (in_order(im) && n->accepted)
    put_scored(im, out);
  if (!in_order(im) && im->oldest < im->started - HISTORY_MS)
    put_history(im, out);
}

static void say_result(struct import *im)
{
  struct bw_buf out = {0};
  im->sum.rejected += im->refused;
  if (im->cli->json) {
    bw_ingested_json(&out, &im->sum);
    bw_buf_add_char(&out, '\n');
  } else {
    put_words(im, &out);
  }
  if (im->progress)
    (void)fprintf(stderr, "\r");
  if (im->refused > SHOWN)
    (void)fprintf(stderr, "... and %llu more\n", (unsigned long long)(im->refused - SHOWN));
  bw_cli_print(&out);
  bw_buf_clear(&out);
}

/* What became of the rest, and what helps: with a file that cannot be read the same import would end at the same place. */
static void say_stopped(const struct import *im, const struct bw_file_reader *reader)
{
  bool of_file = im->broken && im->rc == BW_EXIT_OK, begun;
  const char *path;
  size_t i;
  for (i = 0; of_file && (path = bw_reader_unread(reader, i, &begun)) != NULL; i++)
    (void)fprintf(stderr, "basewatch: %s was not read%s\n", path, begun ? " to its end" : "");
  if (im->sum.accepted || of_file)
    (void)fprintf(stderr,
                  "basewatch: %llu records are on disk; %s to bring in the rest: what came within ingest.dedup_window is not "
                  "taken twice\n",
                  (unsigned long long)im->sum.accepted,
                  of_file ? "mend that file, or leave it out, and repeat the import" : "repeat the same import soon");
}

static void say_doubts(const struct bw_file_reader *reader)
{
  struct bw_reader_stats stats;
  struct bw_buf line = {0};
  bw_reader_stats(reader, &stats);
  if (bw_reader_doubts(&stats, &line))
    (void)fputs(bw_buf_cstr(&line), stderr);
  bw_buf_clear(&line);
}

/* Without it the daemon waits for the rest of the import.  Everything is on disk: a failure is none of ours. */
static void end_history(const struct import *im)
{
  json_t *args = json_pack("{s:b}", "last", im->last);
  struct bw_buf answer = {0};
  struct bw_error err;
  (void)bw_control_call(im->cli->link, "history_end", args, &answer, &err);
  bw_buf_clear(&answer);
  json_decref(args);
}

static int run(struct import *im)
{
  struct bw_cli *cli = im->cli;
  struct bw_reader_options options = {
      .keep_order = !in_order(im), .source = bw_str(im->source), .rejected = on_rejected, .ctx = im};
  struct bw_file_reader *reader;
  struct bw_error err;
  int rc = csv_kind(cli, &options.csv_kind);
  if (rc)
    return rc;
  im->started = bw_clock_now(bw_clock_system());
  options.arrival_ms = options.csv_time_ms = im->started;
  if (bw_reader_open(cli->args, cli->nargs, &options, &reader, &err))
    return bw_cli_fail(&err);
  rc = bw_cli_connect(cli);
  if (rc == BW_EXIT_OK)
    rc = read_all(im, reader);
  if (rc == BW_EXIT_OK && in_order(im))
    end_history(im);
  say_doubts(reader);
  if (rc == BW_EXIT_OK) {
    say_result(im);
    rc = im->sum.rejected ? BW_EXIT_REFUSED : BW_EXIT_OK;
  } else {
    say_stopped(im, reader);
  }
  bw_reader_close(&reader);
  return rc;
}

int bw_cmd_import(struct bw_cli *cli)
{
  struct import im = {.cli = cli, .pause_ms = RETRY_FIRST_MS, .oldest = INT64_MAX};
  const char *source = bw_cli_option(cli, "source");
  size_t i;
  int rc;
  (void)snprintf(im.source, sizeof im.source, "%s%s%.64s", bw_cli_option(cli, "history") ? "history" : "import",
                 source ? "-" : "", source ? source : "");
  im.last = bw_cli_option(cli, "last") != NULL;
  if (im.last && !in_order(&im))
    return bw_cli_usage(cli, "--last goes with --history: it says that no more history follows");
  im.progress = isatty(STDERR_FILENO) && !cli->json;
  rc = run(&im);
  for (i = 0; i < im.nflying; i++)
    bw_buf_clear(&im.flying[i].payload);
  bw_batch_writer_clear(&im.writer);
  bw_buf_clear(&im.rejects);
  return rc;
}
