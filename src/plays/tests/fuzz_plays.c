/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer: any bytes as a play (up to a line "%%", then routes) load or are complained about; what loads evaluates. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plays/plays.h"
#include "rules/rules.h"
#include "wire/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];
static struct bw_catalog *catalog;

static void remove_dir(void)
{
  char path[128];
  const char *const names[] = {"plays/p.yaml", "routes/r.yaml", "plays", "routes", ""};
  size_t i;
  for (i = 0; i < 5; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    if (i < 2)
      unlink(path);
    else
      rmdir(path);
  }
}

static void begin(void)
{
  static const char usage[] =
      "{\"name\":\"usage\",\"signals\":[{\"name\":\"usage_decline\",\"direction\":\"down\",\"urgency\":\"high\"},"
      "{\"name\":\"seat_limit\",\"direction\":\"up\",\"urgency\":\"high\"},{\"name\":\"data_export\",\"direction\":\"unclear\","
      "\"urgency\":\"watch\"}],\"traits\":[{\"name\":\"mau\",\"type\":\"number\"}]}";
  char path[128];
  uint32_t w;
  const char *tmp = getenv("TMPDIR");
  snprintf(dir, sizeof dir, "%.40s/bw-fuzz-XXXXXX", tmp ? tmp : "/tmp");
  BW_ASSERT(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/plays", dir);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/routes", dir);
  mkdir(path, 0700);
  catalog = bw_catalog_new();
  BW_ASSERT(bw_catalog_add(catalog, bw_str(usage), &w, NULL) == 0);
  atexit(remove_dir);
}

static void put(const char *name, const void *data, size_t size)
{
  char path[128];
  FILE *f;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  f = fopen(path, "wb");
  BW_ASSERT(f);
  fwrite(data, 1, size, f);
  fclose(f);
}

static void evaluate(const struct bw_plays *plays)
{
  struct bw_signal s = {
      .size = sizeof s, .state = BW_OPENED, .at_ms = 1, .account = BW_STR("a"), .strength = 1, .evidence = BW_STR("{}")};
  struct bw_signals *signals = NULL;
  struct bw_book *book = NULL;
  struct bw_engine *engine = NULL;
  struct bw_buf out = {0};
  BW_ASSERT(bw_book_open(NULL, &book, NULL) == 0 && bw_signals_open(catalog, NULL, NULL, NULL, &signals, NULL) == 0);
  BW_ASSERT(bw_engine_open(plays, signals, book, NULL, NULL, NULL, &engine, NULL) == 0);
  bw_output_add_signal(&out, &s, 3, NULL);
  s.type = 1;
  bw_output_add_signal(&out, &s, 3, NULL);
  bw_signals_apply(signals, 0, bw_buf_str(&out), 1, NULL);
  bw_engine_evaluate(engine, BW_STR("a"), 2, 2, NULL);
  bw_engine_settle(engine, 2, 2, NULL);
  bw_buf_reset(&out);
  bw_engine_why_not(engine, BW_STR("a"), BW_STR(""), 2, &out, NULL);
  bw_buf_clear(&out);
  bw_engine_close(&engine);
  bw_signals_close(&signals);
  bw_book_close(&book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char routes[] = "roles: {csm: account.csm}\n---\nroute: r\nrows: [{to: csm}]\n";
  const uint8_t *cut = size ? memmem(data, size, "\n%%\n", 4) : NULL;
  struct bw_complaints complaints = {0};
  struct bw_plays *plays = NULL;
  if (!dir[0])
    begin();
  put("plays/p.yaml", data, cut ? (size_t)(cut - data) + 1 : size);
  if (cut)
    put("routes/r.yaml", cut + 4, size - (size_t)(cut + 4 - data));
  else
    put("routes/r.yaml", routes, sizeof routes - 1);
  if (bw_plays_load(dir, catalog, &complaints, &plays) == 0)
    evaluate(plays);
  else
    BW_ASSERT(complaints.count > 0);
  bw_plays_free(&plays);
  bw_complaints_clear(&complaints);
  return 0;
}
