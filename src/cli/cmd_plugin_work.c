/* SPDX-License-Identifier: Apache-2.0 */
/* What `basewatch plugin check` feeds to a plugin.  Runs in the command line; reads files, no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "cli/plugin.h"
#include "ingest/identity.h"
#include "ingest/reader.h"

#define BATCH_RECORDS 500
#define LONGEST_GAP (800 * BW_DAY)   /* a longer one is passed in one tick */
#define START INT64_C(1767225600000) /* 2026-01-01 */

uint64_t bw_work_random(uint64_t *state, uint64_t below)
{
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (*state >> 33) % (below ? below : 1);
}

void bw_work_clear(struct bw_work *w)
{
  while (w->n)
    bw_buf_clear(&w->batches[--w->n]);
  free(w->batches);
  *w = (struct bw_work){0};
}

struct maker {
  struct bw_work *w;
  struct bw_batch_writer writer;
  uint64_t rng, offset;
};

static void cut(struct maker *m)
{
  struct bw_work *w = m->w;
  if (m->writer.count == 0)
    return;
  if (w->n == w->cap) {
    w->cap = w->cap ? w->cap * 2 : 64;
    w->batches = bw_realloc(w->batches, w->cap, sizeof *w->batches);
  }
  w->batches[w->n] = (struct bw_buf){0};
  bw_batch_finish(&m->writer, &w->batches[w->n++]);
}

static void add(struct maker *m, struct bw_record *r)
{
  r->offset = ++m->offset;
  if (bw_batch_add(&m->writer, r, NULL) == BW_ELIMIT) {
    cut(m);
    if (bw_batch_add(&m->writer, r, NULL) != 0)
      return; /* over the limits by itself: ingest would refuse it as well */
  }
  m->w->records++;
  if (r->kind == BW_KIND_TICK || m->writer.count >= BATCH_RECORDS)
    cut(m);
}

static void add_tick(struct maker *m, int64_t at)
{
  struct bw_record r = {.kind = BW_KIND_TICK, .time_ms = at, .arrival_ms = at};
  add(m, &r);
}

static void end(struct maker *m)
{
  cut(m);
  bw_batch_writer_clear(&m->writer);
}

static struct bw_field text_field(const char *key, struct bw_str text)
{
  return (struct bw_field){bw_str(key), text, 0, BW_SECTION_PROPERTIES, BW_VALUE_STRING};
}

static struct bw_field trait(const char *key, const char *text)
{
  return (struct bw_field){bw_str(key), bw_str(text), 0, BW_SECTION_TRAITS, BW_VALUE_STRING};
}

static struct bw_field number(const char *key, double v)
{
  return (struct bw_field){bw_str(key), {"", 0}, v, BW_SECTION_TRAITS, BW_VALUE_NUMBER};
}

static void add_contract(struct maker *m, const char *account, int64_t at, unsigned seats)
{
  const struct bw_field about[] = {trait("name", account), number("acv", 24000), trait("start", "2025-06-01"),
                                   trait("renewal", "2026-06-01"), trait("health", "green")};
  const struct bw_field terms[] = {trait("plan", "pro"), number("seats", seats), trait("start", "2025-06-01"),
                                   trait("end", "2026-06-01")};
  struct bw_record r = {.kind = BW_KIND_ACCOUNT, .time_ms = at, .arrival_ms = at, .account = bw_str(account)};
  r.fields = about;
  r.nfields = sizeof about / sizeof *about;
  add(m, &r);
  r.kind = BW_KIND_SUBSCRIPTION;
  r.fields = terms;
  r.nfields = sizeof terms / sizeof *terms;
  add(m, &r);
}

static void add_event(struct maker *m, const char *account, int64_t at)
{
  static const char *const names[] = {"Signed In",     "Feature Used",    "Feature Used",
                                      "Report Viewed", "Invitation Sent", "Data Exported"};
  static const char *const features[] = {"reports", "search", "api", "dashboards"};
  const struct bw_field f = text_field("feature", bw_str(features[bw_work_random(&m->rng, 4)]));
  char user[80], id[32];
  struct bw_record r = {
      .kind = BW_KIND_TRACK, .time_ms = at, .arrival_ms = at + 1000, .account = bw_str(account), .fields = &f};
  (void)snprintf(user, sizeof user, "%s-u%u", account, (unsigned)bw_work_random(&m->rng, 12));
  (void)snprintf(id, sizeof id, "m%llu", (unsigned long long)m->offset);
  r.subject = bw_str(user);
  r.id = bw_str(id);
  r.name = bw_str(names[bw_work_random(&m->rng, sizeof names / sizeof *names)]);
  r.nfields = 1;
  if (bw_work_random(&m->rng, 40) == 0)
    r.kind = BW_KIND_TICKET;
  add(m, &r);
}

/* Each account has days off, rises and falls, so that there is something to notice. */
void bw_work_fleet(struct bw_work *w, uint64_t seed, unsigned accounts, unsigned days)
{
  struct maker m = {.w = w, .rng = seed};
  unsigned day, quarter, a, i;
  char name[16];
  for (a = 0; a < accounts; a++) {
    (void)snprintf(name, sizeof name, "a%u", a);
    add_contract(&m, name, START, 5 + a % 40);
  }
  for (day = 0; day < days; day++)
    for (quarter = 0; quarter < 4; quarter++) {
      for (a = 0; a < accounts; a++) {
        unsigned pace = (a * 7 + day / 14 * (a % 5)) % 9;
        (void)snprintf(name, sizeof name, "a%u", a);
        for (i = 0; day % 7 < 5 && (day / 30 + a) % 4 && i < pace / 4 + (bw_work_random(&m.rng, 4) < pace % 4); i++)
          add_event(&m, name,
                    START + (int64_t)day * BW_DAY + (int64_t)quarter * 6 * BW_HOUR +
                        (int64_t)bw_work_random(&m.rng, 6 * (uint64_t)BW_HOUR));
      }
      add_tick(&m, START + (int64_t)day * BW_DAY + (int64_t)(quarter + 1) * 6 * BW_HOUR);
    }
  end(&m);
}

/* ---- hostile input ---- */

static struct bw_str hostile_text(struct maker *m)
{
  static char big[8192];
  static const char *const texts[] = {"",
                                      "a",
                                      "acme",
                                      " ",
                                      "\n\r\t",
                                      "%s%n%x",
                                      "{\"a\":[[[[",
                                      "\"",
                                      "\\",
                                      "'; DROP TABLE account;--",
                                      "../../etc/passwd",
                                      "\xe2\x80\xae\xd7\x90",
                                      "\xf0\x9f\x92\xa9",
                                      "e\xcc\x81",
                                      "NaN",
                                      "-0",
                                      "1e999",
                                      "0x10",
                                      "null",
                                      "true",
                                      "$(reboot)",
                                      "\x01\x1f\x7f",
                                      "2026-02-30",
                                      "9999-12-31T23:59:59Z",
                                      "\xef\xbb\xbf",
                                      "acme.example",
                                      "u@acme.example",
                                      "18446744073709551616",
                                      "Signed In"};
  uint64_t n = bw_work_random(&m->rng, sizeof texts / sizeof *texts + 2);
  if (n < sizeof texts / sizeof *texts)
    return bw_str(texts[n]);
  memset(big, (int)('a' + bw_work_random(&m->rng, 26)), sizeof big);
  return bw_str_n(big, bw_work_random(&m->rng, sizeof big));
}

static double hostile_number(struct maker *m)
{
  static const double numbers[] = {
      0, -0.0, 1, -1, 0.1, 1e308, -1e308, 5e-324, 9007199254740993.0, 4294967296.0, -2147483649.0, 1e15};
  return numbers[bw_work_random(&m->rng, sizeof numbers / sizeof *numbers)];
}

static int64_t hostile_time(struct maker *m, int64_t now)
{
  switch (bw_work_random(&m->rng, 12)) {
  case 0:
    return 0;
  case 1:
    return BW_TIME_MAX;
  case 2:
    return now > 400 * BW_DAY ? now - 400 * BW_DAY : 0;
  case 3:
    return now + 400 * BW_DAY < BW_TIME_MAX ? now + 400 * BW_DAY : now;
  default:
    return now;
  }
}

void bw_work_hostile(struct bw_work *w, uint64_t seed, unsigned records)
{
  static const char *const keys[] = {"feature", "seats", "limits.api_calls", "name", "end", "start",
                                     "plan",    "email", "status",           "",     "x"};
  struct maker m = {.w = w, .rng = seed};
  int64_t now = START, tick = START;
  unsigned i, k, nfields;
  for (i = 0; i < records; i++) {
    struct bw_field f[6];
    struct bw_record r = {.kind = 1 + (uint32_t)bw_work_random(&m.rng, BW_KIND_COUNT - 1)};
    nfields = (unsigned)bw_work_random(&m.rng, 7);
    for (k = 0; k < nfields; k++) {
      f[k] = text_field(keys[bw_work_random(&m.rng, sizeof keys / sizeof *keys)], hostile_text(&m));
      f[k].section = (uint8_t)bw_work_random(&m.rng, BW_SECTION_CONTEXT + 1);
      if (bw_work_random(&m.rng, 3) == 0) {
        f[k].type = BW_VALUE_NUMBER;
        f[k].number = hostile_number(&m);
        f[k].text = BW_STR("");
      }
    }
    r.fields = f;
    r.nfields = k;
    r.account = bw_work_random(&m.rng, 3) ? hostile_text(&m) : BW_STR("acme");
    r.subject = hostile_text(&m);
    r.name = hostile_text(&m);
    r.id = hostile_text(&m);
    now += (int64_t)bw_work_random(&m.rng, 4 * (uint64_t)BW_HOUR);
    r.time_ms = hostile_time(&m, now);
    r.arrival_ms = now;
    if (r.kind == BW_KIND_TICK || i % 40 == 39) { /* the daemon's ticks only ever go forward */
      tick = now > tick ? now : tick + 1;
      add_tick(&m, tick);
    } else {
      add(&m, &r);
    }
  }
  add_tick(&m, now + 400 * BW_DAY); /* and after a long sleep of the machine */
  end(&m);
}

/* ---- files ---- */

int bw_work_files(struct bw_work *w, const char *const *files, size_t n, uint64_t max, struct bw_error *err)
{
  const struct bw_reader_options ro = {.threads = 1, .seed = 1, .arrival_ms = BW_TIME_NONE};
  const struct bw_identity_options io = {.seed = 1};
  struct bw_file_reader *reader = NULL;
  struct bw_identity *identity = NULL;
  struct maker m = {.w = w};
  struct bw_batch batch;
  int64_t tick = BW_TIME_NONE;
  uint64_t i;
  int rc = bw_identity_open(NULL, &io, &identity, err), more = 0;
  if (rc == 0)
    rc = bw_reader_open(files, n, &ro, &reader, err);
  while (rc == 0 && w->records < max && (more = bw_reader_next(reader, &batch, err)) == 1)
    for (i = 0; i < batch.count && w->records < max; i++) {
      struct bw_record *r = &bw_reader_records(&batch)[i];
      if (tick == BW_TIME_NONE && r->time_ms > 0)
        tick = bw_day_time(bw_time_day(r->time_ms)) + BW_DAY;
      if (tick != BW_TIME_NONE && r->time_ms - tick > LONGEST_GAP)
        tick = bw_day_time(bw_time_day(r->time_ms));
      for (; tick != BW_TIME_NONE && r->time_ms >= tick; tick += BW_DAY)
        add_tick(&m, tick);
      (void)bw_identity_resolve(identity, r);
      add(&m, r);
    }
  if (rc == 0 && more < 0)
    rc = more;
  if (tick != BW_TIME_NONE)
    add_tick(&m, tick);
  end(&m);
  bw_reader_close(&reader);
  bw_identity_close(&identity);
  return rc;
}
