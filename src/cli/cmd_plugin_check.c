/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch plugin check`: what the daemon will ask of a plugin, asked beforehand.  Runs in the command line; the plugin runs
 * in the sandboxed host, as in the daemon.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/time.h"
#include "cli/plugin.h"
#include "watch/hosted.h"
#include "wire/output.h"
#include "wire/record.h"

#define FLEET_ACCOUNTS 30
#define FLEET_DAYS 120
#define MANY_ACCOUNTS 5000
#define MANY_DAYS 8
#define HOSTILE_RECORDS 4000
#define FILE_RECORDS 200000
#define SEED_A 1
#define SEED_B UINT64_C(0x9e3779b97f4a7c15)

enum way {
  WAY_PLAIN = 0,
  WAY_CUT = 1,  /* batches cut at random, as after a crash */
  WAY_RENEW = 2 /* saved, and loaded into a new process, at random */
};

struct check {
  const struct bw_plugin_check *o;
  struct bw_work fleet, many, hostile, files;
  struct bw_buf first; /* what it says of the fleet */
  struct bw_buf description;
  uint64_t slowest_ms;
  bool ok;
};

/* ---- results ---- */

static bool passed(const char *what, const char *detail)
{
  (void)printf("ok      %-14s %s\n", what, detail);
  (void)fflush(stdout);
  return true;
}

static bool failed(struct check *c, const char *what, const char *why, const char *fix)
{
  (void)printf("FAILED  %-14s %s. %s\n", what, why, fix);
  (void)fflush(stdout);
  c->ok = false;
  return false;
}

/* ---- running ---- */

static int start(const struct check *c, uint64_t hash_seed, struct bw_hosted **ret, struct bw_error *err)
{
  const struct bw_hosted_options o = {.memory_bytes = c->o->memory_bytes, .deadline_ms = c->o->deadline_ms};
  return bw_hosted_open(c->o->host_exe, c->o->plugin, c->o->options, hash_seed, &o, ret, err);
}

static int renew(const struct check *c, uint64_t hash_seed, struct bw_hosted **h, struct bw_error *err)
{
  struct bw_buf state = {0};
  int rc = bw_hosted_save(*h, &state, err);
  if (rc == 0) {
    bw_hosted_close(h);
    rc = start(c, hash_seed, h, err);
  }
  if (rc == 0)
    rc = bw_hosted_load(*h, bw_buf_str(&state), err);
  bw_buf_clear(&state);
  return rc;
}

/* Sends one batch; says how far it came where the plugin does not survive it. */
static int send_batch(struct check *c, struct bw_hosted *h, struct bw_str batch, uint64_t first, uint64_t count,
                      struct bw_buf *out, struct bw_error *err)
{
  int64_t began = bw_monotonic();
  int rc = bw_hosted_records(h, batch, out, err);
  uint64_t took = (uint64_t)(bw_monotonic() - began);
  c->slowest_ms = took > c->slowest_ms ? took : c->slowest_ms;
  if (rc < 0 && took + 50 >= (uint64_t)c->o->deadline_ms)
    return bw_fail(err, BW_EAGAIN, BW_CLASS_BUG, "records %" PRIu64 " to %" PRIu64 ": it did not answer within %lld ms", first,
                   first + count - 1, (long long)c->o->deadline_ms);
  return rc < 0 ? bw_error_prefix(err, "records %" PRIu64 " to %" PRIu64, first, first + count - 1) : rc;
}

/* One encoded batch in pieces of random size. */
static int send_cut(struct check *c, struct bw_hosted *h, struct bw_str batch, uint64_t *at, uint64_t *rng, struct bw_buf *out,
                    struct bw_error *err)
{
  struct bw_batch_reader reader = {0};
  struct bw_batch_writer writer = {0};
  struct bw_buf piece = {0};
  uint64_t i, n = 0;
  int rc = bw_batch_read(&reader, batch, 0, err);
  for (i = 0; rc == 0 && i < reader.nrecords; i++) {
    rc = bw_batch_add(&writer, &reader.records[i], err);
    n++;
    if (rc < 0 || (i + 1 < reader.nrecords && bw_work_random(rng, 40)))
      continue;
    bw_buf_reset(&piece);
    bw_batch_finish(&writer, &piece);
    rc = send_batch(c, h, bw_buf_str(&piece), *at, n, out, err);
    *at += n;
    n = 0;
  }
  bw_batch_reader_clear(&reader);
  bw_batch_writer_clear(&writer);
  bw_buf_clear(&piece);
  return rc;
}

static uint64_t count_of(struct bw_str batch)
{
  struct bw_batch_reader reader = {0};
  uint64_t n = bw_batch_read(&reader, batch, 0, NULL) == 0 ? reader.nrecords : 0;
  bw_batch_reader_clear(&reader);
  return n;
}

static int run(struct check *c, const struct bw_work *w, uint64_t hash_seed, unsigned way, struct bw_buf *out,
               struct bw_error *err)
{
  struct bw_hosted *h = NULL;
  uint64_t rng = c->o->seed ^ way, at = 1;
  size_t i;
  int rc = start(c, hash_seed, &h, err);
  for (i = 0; rc == 0 && i < w->n; i++) {
    struct bw_str batch = bw_buf_str(&w->batches[i]);
    uint64_t n = count_of(batch), from = at;
    if (way & WAY_CUT)
      rc = send_cut(c, h, batch, &at, &rng, out, err);
    else
      rc = send_batch(c, h, batch, at, n, out, err);
    at = from + n;
    if (rc == 0 && (way & WAY_RENEW) && bw_work_random(&rng, w->n / 12 + 1) == 0)
      rc = renew(c, hash_seed, &h, err);
  }
  bw_hosted_close(&h);
  return rc;
}

/* ---- comparing ---- */

static const char *name_at(json_t *description, const char *table, uint32_t i)
{
  const char *s = json_string_value(json_object_get(json_array_get(json_object_get(description, table), i), "name"));
  return s ? s : "?";
}

static void put_output(struct bw_buf *b, const struct check *c, const struct bw_output *o)
{
  json_t *d = json_loadb(c->description.data, c->description.len, 0, NULL);
  struct bw_str account = o->kind == BW_OUTPUT_SIGNAL  ? o->u.signal.account
                          : o->kind == BW_OUTPUT_TRAIT ? o->u.trait.account
                                                       : o->u.notice.account;
  int64_t at = o->kind == BW_OUTPUT_SIGNAL  ? o->u.signal.at_ms
               : o->kind == BW_OUTPUT_TRAIT ? o->u.trait.at_ms
                                            : o->u.notice.at_ms;
  char time[BW_TIME_TEXT];
  if (o->kind == BW_OUTPUT_SIGNAL)
    bw_buf_printf(b, "signal %s (%g)", name_at(d, "signals", o->u.signal.type), o->u.signal.value);
  else if (o->kind == BW_OUTPUT_TRAIT)
    bw_buf_printf(b, "trait %s (%g)", name_at(d, "traits", o->u.trait.trait), o->u.trait.number);
  else
    bw_buf_printf(b, "notice %.*s", BW_FMT(o->u.notice.code));
  bw_time_format(at, time);
  bw_buf_printf(b, " of account %.*s at %s", (int)(account.len < 40 ? account.len : 40), account.data, time);
  json_decref(d);
}

/* The first thing that one says and the other does not, in words. */
static void put_difference(struct bw_buf *b, const struct check *c, const struct bw_buf *one, const struct bw_buf *other)
{
  struct bw_reader x = bw_reader(one->data, one->len), y = bw_reader(other->data, other->len);
  struct bw_output a, d;
  const char *from_x, *from_y;
  int more_x, more_y;
  do {
    from_x = x.p;
    from_y = y.p;
    more_x = bw_output_next(&x, &a, NULL);
    more_y = bw_output_next(&y, &d, NULL);
  } while (more_x == 1 && more_y == 1 && x.p - from_x == y.p - from_y && memcmp(from_x, from_y, (size_t)(x.p - from_x)) == 0);
  bw_buf_add_cstr(b, "first difference: ");
  if (more_x == 1)
    put_output(b, c, &a);
  else
    bw_buf_add_cstr(b, "nothing more");
  bw_buf_add_cstr(b, ", the other time ");
  if (more_y == 1)
    put_output(b, c, &d);
  else
    bw_buf_add_cstr(b, "nothing more");
}

static bool same_again(struct check *c, const char *what, const struct bw_work *w, uint64_t hash_seed, unsigned way,
                       const struct bw_buf *first, const char *good, const char *fix)
{
  struct bw_buf again = {0}, text = {0};
  struct bw_error err = {0};
  bool ok;
  if (run(c, w, hash_seed, way, &again, &err) < 0) {
    ok = failed(c, what, err.message, fix);
  } else if (again.len == first->len && memcmp(again.data, first->data, again.len) == 0) {
    ok = passed(what, good);
  } else {
    put_difference(&text, c, first, &again);
    ok = failed(c, what, bw_buf_cstr(&text), fix);
  }
  bw_buf_clear(&again);
  bw_buf_clear(&text);
  return ok;
}

/* ---- the checks ---- */

static bool check_descriptor(struct check *c)
{
  struct bw_error err = {0};
  char text[256];
  json_t *d;
  if (bw_hosted_describe(c->o->host_exe, c->o->plugin, &c->description, &err) < 0)
    return failed(c, "descriptor", err.message,
                  "It is loaded behind the sandbox: no files, sockets or processes, in constructors either; and "
                  "basewatch_plugin() must return a descriptor as basewatch/plugin.h says");
  d = json_loadb(c->description.data, c->description.len, 0, NULL);
  (void)snprintf(text, sizeof text, "%s %s; signals: %zu, traits: %zu, options: %zu",
                 json_string_value(json_object_get(d, "name")), json_string_value(json_object_get(d, "version")),
                 json_array_size(json_object_get(d, "signals")), json_array_size(json_object_get(d, "traits")),
                 json_array_size(json_object_get(d, "options")));
  json_decref(d);
  return passed("descriptor", text);
}

static bool check_options(struct check *c)
{
  struct bw_hosted *h = NULL;
  struct bw_error err = {0};
  int rc = start(c, SEED_A, &h, &err);
  bw_hosted_close(&h);
  if (rc < 0)
    return failed(c, "options", err.message,
                  "open() must accept the defaults of its table, or give what must be given by --option");
  return passed("options", c->o->options.len > 2 ? "as given, and the defaults of the rest" : "the defaults");
}

static bool check_runs(struct check *c, const char *what, const struct bw_work *w, struct bw_buf *out, const char *fix)
{
  struct bw_error err = {0};
  char text[160];
  uint64_t before = c->slowest_ms;
  c->slowest_ms = 0;
  if (run(c, w, SEED_A, WAY_PLAIN, out, &err) < 0)
    return failed(c, what, err.message, fix);
  (void)snprintf(text, sizeof text, "%" PRIu64 " records in, %zu bytes said, the slowest batch %" PRIu64 " ms", w->records,
                 out->len, c->slowest_ms);
  c->slowest_ms = c->slowest_ms > before ? c->slowest_ms : before;
  return passed(what, text);
}

/* A state that was cut off must be refused, not survived by luck. */
static bool check_torn_state(struct check *c)
{
  struct bw_hosted *h = NULL;
  struct bw_buf state = {0}, out = {0};
  struct bw_error err = {0};
  uint64_t rng = c->o->seed;
  size_t i, half = c->fleet.n / 2;
  int rc = start(c, SEED_A, &h, &err), tries;
  bool ok = true;
  for (i = 0; rc == 0 && i < half; i++)
    rc = bw_hosted_records(h, bw_buf_str(&c->fleet.batches[i]), &out, &err);
  if (rc == 0)
    rc = bw_hosted_save(h, &state, &err);
  bw_hosted_close(&h);
  for (tries = 0; rc == 0 && ok && tries < 8 && state.len > 0; tries++) {
    /* The last byte missing, half of it missing, then anywhere. */
    size_t len = tries == 0 ? state.len - 1 : tries == 1 ? state.len / 2 : bw_work_random(&rng, state.len);
    struct bw_str cut = {state.data, len};
    rc = start(c, SEED_A, &h, &err);
    if (rc == 0 && bw_hosted_load(h, cut, &err) < 0 && strstr(err.message, "the watcher host is gone"))
      ok = false;
    bw_hosted_close(&h);
  }
  bw_buf_clear(&state);
  bw_buf_clear(&out);
  if (rc < 0 || !ok)
    return failed(c, "torn state", err.message,
                  "load() must return an error for a state that is cut off; it may come from an old snapshot");
  return passed("torn state", "refused or read, and survived");
}

#define FIX_RUNS                                                                                                               \
  "Run it under a debugger or with -fsanitize=address,undefined over `basewatch plugin run`; bound every loop, table and text"
#define FIX_PURE                                                                                                               \
  "The same records must give the same signals: no clock, no random numbers, no uninitialised memory, no order of a hash "     \
  "table"

static bool check_behaviour(struct check *c)
{
  struct bw_buf out = {0}, files = {0};
  bool ok = check_runs(c, "records", &c->fleet, &c->first, FIX_RUNS);
  if (ok) {
    (void)same_again(c, "determinism", &c->fleet, SEED_A, WAY_PLAIN, &c->first, "two runs say the same", FIX_PURE);
    (void)same_again(c, "hash seed", &c->fleet, SEED_B, WAY_PLAIN, &c->first, "another seed of the hashes says the same",
                     "Do not let the records' hashes, or the order of a table of them, show in what is said");
    (void)same_again(c, "batches", &c->fleet, SEED_A, WAY_CUT, &c->first, "other batches of the same records say the same",
                     "records() gets any number of records at a time: say things at ticks, not at the end of a batch");
    (void)same_again(c, "save and load", &c->fleet, SEED_A, WAY_CUT | WAY_RENEW, &c->first,
                     "saved and loaded at random, it says the same",
                     "save() must write everything that counts, and load() restore it; try `basewatch replay --checkpoint`");
    (void)check_torn_state(c);
  }
  if (c->o->nfiles && check_runs(c, "your records", &c->files, &files, FIX_RUNS))
    (void)same_again(c, "yours, saved", &c->files, SEED_B, WAY_CUT | WAY_RENEW, &files,
                     "saved and loaded at random, it says the same", FIX_PURE);
  (void)check_runs(c, "hostile input", &c->hostile, &out,
                   "Names, texts, numbers and times come from outside: bound what you keep, and expect any time at any time");
  bw_buf_reset(&out);
  (void)check_runs(
      c, "limits", &c->many, &out,
      "With many accounts it must stay within `deadline:` for a batch and `memory:`; tables that grow need an index");
  bw_buf_clear(&out);
  bw_buf_clear(&files);
  return c->ok;
}

bool bw_plugin_check(const struct bw_plugin_check *o)
{
  struct check c = {.o = o, .ok = true};
  struct bw_error err = {0};
  bw_work_fleet(&c.fleet, o->seed, FLEET_ACCOUNTS, FLEET_DAYS);
  bw_work_fleet(&c.many, o->seed + 1, MANY_ACCOUNTS, MANY_DAYS);
  bw_work_hostile(&c.hostile, o->seed, HOSTILE_RECORDS);
  if (o->nfiles && bw_work_files(&c.files, o->files, o->nfiles, FILE_RECORDS, &err) < 0)
    (void)failed(&c, "your records", err.message, "Give record files as `basewatch replay` takes them");
  if (c.ok && check_descriptor(&c) && check_options(&c))
    (void)check_behaviour(&c);
  bw_work_clear(&c.fleet);
  bw_work_clear(&c.many);
  bw_work_clear(&c.hostile);
  bw_work_clear(&c.files);
  bw_buf_clear(&c.first);
  bw_buf_clear(&c.description);
  return c.ok;
}
