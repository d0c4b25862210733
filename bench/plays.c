/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the plays take: a world of accounts in memory, a share of them with open signals, the plays of a configuration; then
 * a pass over all accounts, and the hourly one over those that changed.  `make bench-plays`; see the usage below.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/plays.h"
#include "rules/rules.h"
#include "wire/output.h"

#define NOW INT64_C(1767600000000) /* 2026-01-05T08:00Z */
#define MAX_NAMES 512
#define ID 32

struct world {
  struct bw_catalog *catalog;
  struct bw_signals *signals;
  struct bw_book *book;
  struct bw_plays *plays;
  struct bw_engine *engine;
  char *traits[MAX_NAMES]; /* "usage.dau_mau": as the plays name them */
  size_t ntraits;
  uint32_t watcher;
  const char **weighed; /* signal types that some play weighs */
  uint32_t *weighed_at; /* their place in the watcher's description */
  size_t nweighed;
  uint64_t offset, seed;
  char *ids; /* of ID bytes each */
};

static uint64_t next_random(uint64_t *s)
{
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
  fprintf(stderr, "bench-plays: %s: %s\n", what, why);
  exit(1);
}

static void must(int rc, const char *what, const struct bw_error *err)
{
  if (rc < 0)
    die(what, err->message);
}

/* ---- the catalogue: all known signals, and the traits that the plays name ---- */

static void find_traits(struct world *w, const char *text)
{
  const char *s = text;
  while ((s = strstr(s, "trait."))) {
    size_t n = strspn(s += 6, "abcdefghijklmnopqrstuvwxyz0123456789_."), i;
    char *name = bw_strndup(s, n);
    char *dot = strchr(name, '.');
    if (dot && strchr(dot + 1, '.'))
      *strchr(dot + 1, '.') = '\0'; /* a key */
    for (i = 0; i < w->ntraits && strcmp(w->traits[i], name) != 0; i++)
      ;
    if (i == w->ntraits && i < MAX_NAMES && dot)
      w->traits[w->ntraits++] = name;
    else
      free(name);
  }
}

static char *read_file(const char *path)
{
  FILE *f = fopen(path, "r");
  char *text = bw_alloc(1 << 20);
  if (f) {
    text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
    fclose(f);
  }
  return text;
}

static void read_plays(struct world *w, const char *dir)
{
  char *plays = bw_asprintf("%s/plays", dir);
  DIR *d = opendir(plays);
  const struct dirent *e;
  if (!d)
    die(plays, "this folder cannot be read");
  while ((e = readdir(d))) {
    char *path = bw_asprintf("%s/%s", plays, e->d_name);
    char *text = strstr(e->d_name, ".yaml") ? read_file(path) : NULL;
    if (text)
      find_traits(w, text);
    free(text);
    free(path);
  }
  closedir(d);
  free(plays);
}

/* One description for each watcher that a name belongs to; the signals all come from "usage", which speaks in this world. */
static void describe(struct world *w)
{
  struct bw_buf b = {0};
  struct bw_error err = {0};
  const char *const *names = bw_catalog_signal_names(w->catalog);
  size_t i, n = 0;
  uint32_t ignored;
  bw_buf_add_cstr(&b, "{\"name\":\"usage\",\"version\":\"1\",\"signals\":[");
  for (i = 0; names[i]; i++) {
    int at = bw_catalog_find_signal(w->catalog, bw_str(names[i]));
    const struct bw_signal_type *t = bw_catalog_signal(w->catalog, (size_t)at);
    bw_buf_printf(&b, "%s{\"name\":\"%s\",\"direction\":\"%s\",\"urgency\":\"%s\",\"play_types\":\"%s\"}", n++ ? "," : "",
                  t->name, bw_direction_name(t->direction), bw_urgency_name(t->urgency), t->play_types);
  }
  bw_buf_add_cstr(&b, "],\"traits\":[");
  for (i = n = 0; i < w->ntraits; i++)
    if (strncmp(w->traits[i], "usage.", 6) == 0)
      bw_buf_printf(&b, "%s{\"name\":\"%s\",\"type\":\"number\"}", n++ ? "," : "", w->traits[i] + 6);
  bw_buf_add_cstr(&b, "]}");
  must(bw_catalog_add(w->catalog, bw_buf_str(&b), &w->watcher, &err), "the watcher usage", &err);
  for (i = 0; i < w->ntraits; i++) {
    size_t len = strcspn(w->traits[i], ".");
    if (strncmp(w->traits[i], "usage.", 6) == 0)
      continue;
    bw_buf_reset(&b);
    bw_buf_printf(&b, "{\"name\":\"%.*s\",\"version\":\"1\",\"signals\":[],\"traits\":[{\"name\":\"%s\",\"type\":\"number\"}]}",
                  (int)len, w->traits[i], w->traits[i] + len + 1);
    must(bw_catalog_add(w->catalog, bw_buf_str(&b), &ignored, &err), w->traits[i], &err);
  }
  bw_buf_clear(&b);
}

static void find_weighed(struct world *w)
{
  const char *const *names = bw_catalog_signal_names(w->catalog);
  size_t n = bw_catalog_signals(w->catalog), i, p;
  w->weighed = bw_calloc(n + 1, sizeof *w->weighed);
  w->weighed_at = bw_calloc(n + 1, sizeof *w->weighed_at);
  for (i = 0; names[i]; i++) {
    int at = bw_catalog_find_signal(w->catalog, bw_str(names[i]));
    for (p = 0; p < bw_plays_count(w->plays); p++)
      if (bw_plays_weight(w->plays, p, (uint32_t)at) > 0)
        break;
    if (p == bw_plays_count(w->plays))
      continue;
    w->weighed_at[w->nweighed] = (uint32_t)i;
    w->weighed[w->nweighed++] = names[i];
  }
}

/* ---- the world ---- */

static struct bw_field text_field(const char *key, const char *text)
{
  return (struct bw_field){.key = bw_str(key), .section = BW_SECTION_TRAITS, .type = BW_VALUE_STRING, .text = bw_str(text)};
}

static struct bw_field number_field(const char *key, double number)
{
  return (struct bw_field){
      .key = bw_str(key), .section = BW_SECTION_TRAITS, .type = BW_VALUE_NUMBER, .number = number, .text = BW_STR("")};
}

static void record(struct world *w, uint32_t kind, const char *subject, const char *account, struct bw_field *fields, size_t n)
{
  struct bw_record r = {.kind = kind, .time_ms = NOW, .arrival_ms = NOW, .offset = ++w->offset};
  struct bw_error err = {0};
  r.account = bw_str(account);
  r.subject = bw_str(subject);
  r.fields = fields;
  r.nfields = (uint32_t)n;
  must(bw_book_apply(w->book, &r, &err), account, &err);
}

static void add_account(struct world *w, const char *id)
{
  static const char *const healths[] = {"green", "yellow", "red"}, *const starts[] = {"2024-03-01", "2025-06-01", "2025-12-01"};
  static const char *const renewals[] = {"2026-03-20", "2026-09-01", "2026-01-20"};
  uint64_t r = next_random(&w->seed);
  struct bw_field fields[] = {text_field("name", id),
                              number_field("acv", 5000 + (double)(r % 90000)),
                              text_field("start", starts[(r >> 20) % 3]),
                              text_field("renewal", renewals[(r >> 24) % 3]),
                              text_field("health", healths[(r >> 28) % 3]),
                              text_field("owner", r >> 32 & 1 ? "ann" : "bob"),
                              text_field("csm", "carl")};
  struct bw_field sub[] = {text_field("plan", "pro"), number_field("seats", 10 + (double)((r >> 36) % 200))};
  record(w, BW_KIND_ACCOUNT, "", id, fields, sizeof fields / sizeof *fields);
  record(w, BW_KIND_SUBSCRIPTION, "", id, sub, 2);
}

static void add_traits(struct world *w, struct bw_buf *out, const char *id)
{
  struct bw_error err = {0};
  size_t i;
  uint32_t at = 0;
  for (i = 0; i < w->ntraits; i++) {
    struct bw_trait t = {.size = sizeof t, .type = BW_VALUE_NUMBER, .at_ms = NOW, .account = bw_str(id), .key = BW_STR("")};
    if (strncmp(w->traits[i], "usage.", 6) != 0)
      continue;
    t.trait = at++;
    t.number = (double)(next_random(&w->seed) % 300) / (strstr(w->traits[i], "seats") ? 1 : 300);
    must(bw_output_add_trait(out, &t, (uint32_t)w->ntraits, &err), w->traits[i], &err);
  }
}

static void add_signal(struct world *w, struct bw_buf *out, const char *id)
{
  static const char evidence[] = "{\"used\":61,\"seats\":60,\"days\":12,\"trend\":0.3}";
  uint64_t r = next_random(&w->seed);
  struct bw_error err = {0};
  struct bw_signal s = {.size = sizeof s,
                        .type = w->weighed_at[r % w->nweighed],
                        .state = BW_OPENED,
                        .at_ms = NOW,
                        .account = bw_str(id),
                        .key = BW_STR(""),
                        .value = 1.2,
                        .threshold = 1,
                        .strength = (double)((r >> 20) % 1000) / 1000,
                        .evidence = bw_str_n(evidence, sizeof evidence - 1)};
  must(bw_output_add_signal(out, &s, (uint32_t)bw_catalog_signals(w->catalog), &err), id, &err);
}

static void fill(struct world *w, size_t accounts, double open)
{
  struct bw_field plan[] = {text_field("name", "Pro"), number_field("seat_price", 40), number_field("price", 900),
                            text_field("next", "enterprise")};
  struct bw_field next[] = {text_field("name", "Enterprise"), number_field("seat_price", 60), number_field("price", 1900)};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  size_t i, k;
  w->ids = bw_calloc(accounts, ID);
  record(w, BW_KIND_PLAN, "pro", "", plan, 4);
  record(w, BW_KIND_PLAN, "enterprise", "", next, 3);
  for (i = 0; i < accounts; i++) {
    char *id = w->ids + i * ID;
    snprintf(id, ID, "account-%07zu", i);
    add_account(w, id);
    add_traits(w, &out, id);
    if ((double)(next_random(&w->seed) % 10000) < open * 10000)
      for (k = 0; k <= i % 3; k++)
        add_signal(w, &out, id);
    must(bw_signals_apply(w->signals, w->watcher, bw_buf_str(&out), ++w->offset, &err), id, &err);
    bw_buf_reset(&out);
  }
  bw_buf_clear(&out);
  bw_book_take_changed(w->book, NULL, NULL);
  bw_signals_take_changed(w->signals, NULL, NULL);
}

/* ---- the passes ---- */

static void on_signal(void *ctx, const struct bw_episode *ep, enum bw_signal_state state)
{
  struct world *w = ctx;
  if (state == BW_OPENED && w->engine)
    bw_engine_heard(w->engine, ep);
}

static double pass(struct world *w, size_t accounts, size_t every, size_t from, int64_t at_ms)
{
  struct bw_error err = {0};
  double start = now();
  size_t i;
  must(bw_engine_tick(w->engine, at_ms, ++w->offset, &err), "a tick", &err);
  for (i = from; i < accounts; i += every) {
    const char *id = w->ids + i * ID;
    must(bw_engine_evaluate(w->engine, bw_str(id), at_ms, w->offset, &err), id, &err);
  }
  must(bw_engine_settle(w->engine, at_ms, w->offset, &err), "the end of a tick", &err);
  return now() - start;
}

static void report(const char *what, double seconds, size_t accounts)
{
  printf("%-34s %9.1f ms %9.0f ns an account\n", what, seconds * 1e3, seconds * 1e9 / (double)(accounts ? accounts : 1));
}

static double least(double a, double b)
{
  return a < b ? a : b;
}

int main(int argc, char **argv)
{
  const char *dir = argc > 1 ? argv[1] : "etc";
  size_t accounts = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 1000000, i;
  double open = argc > 3 ? strtod(argv[3], NULL) : 0.1, full = 1e9, hourly = 1e9;
  struct world w = {.seed = 42};
  struct bw_complaints complaints = {0};
  struct bw_engine_options options;
  struct bw_signals_events events = {.ctx = &w, .on_signal = on_signal};
  struct bw_engine_stats stats;
  struct bw_error err = {0};
  if (!accounts || !(open >= 0 && open <= 1)) {
    fprintf(stderr, "usage: bench-plays [CONFIGURATION [ACCOUNTS [SHARE WITH OPEN SIGNALS, 0 to 1]]]\n");
    return 2;
  }
  w.catalog = bw_catalog_new();
  read_plays(&w, dir);
  if (!w.ntraits)
    w.traits[w.ntraits++] = bw_strdup("usage.dau_mau");
  describe(&w);
  must(bw_book_open(NULL, &w.book, &err), "the book", &err);
  must(bw_signals_open(w.catalog, NULL, NULL, &events, &w.signals, &err), "the signals", &err);
  if (bw_plays_load(dir, w.catalog, &complaints, &w.plays) < 0)
    die(dir, bw_buf_cstr(&complaints.text));
  find_weighed(&w);
  bw_engine_options_default(&options);
  must(bw_engine_open(w.plays, w.signals, w.book, NULL, &options, NULL, &w.engine, &err), "the engine", &err);
  bw_engine_hear_signals(w.engine);
  fill(&w, accounts, open);
  printf("%zu accounts, %.0f %% with open signals, %zu plays, %zu weighed signal types\n", accounts, open * 100,
         bw_plays_count(w.plays), w.nweighed);
  report("first pass, which opens the leads", pass(&w, accounts, 1, 0, NOW), accounts);
  bw_engine_stats(w.engine, &stats);
  printf("%34s %llu live leads\n", "", (unsigned long long)stats.open);
  for (i = 1; i <= 5; i++)
    full = least(full, pass(&w, accounts, 1, 0, NOW + (int64_t)i * BW_HOUR));
  report("full pass, lowest of 5", full, accounts);
  for (i = 6; i <= 15; i++)
    hourly = least(hourly, pass(&w, accounts, 100, i, NOW + (int64_t)i * BW_HOUR));
  report("hourly pass, 1 %, lowest of 10", hourly, accounts / 100);
  return 0;
}
