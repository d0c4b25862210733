/* SPDX-License-Identifier: Apache-2.0 */
/* Small configurations for the tests of routing and budgets. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plays/tests/routing.h"

void routing_write(const char *dir, const char *name, const char *text)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  if (!f)
    fail_msg("%s cannot be written", path);
  fputs(text, f);
  fclose(f);
}

char *routing_dir(const char *plays, const char *routes)
{
  static const char *const subs[] = {"plays", "routes"};
  char *dir = bw_strdup("/tmp/bw-routing-XXXXXX");
  size_t i;
  assert_non_null(mkdtemp(dir));
  for (i = 0; i < 2; i++) {
    char *sub BW_AUTOFREE = bw_asprintf("%s/%s", dir, subs[i]);
    assert_int_equal(mkdir(sub, 0700), 0);
  }
  routing_write(dir, "plays/p.yaml", plays);
  routing_write(dir, "routes/r.yaml", routes);
  return dir;
}

void routing_remove(char *dir)
{
  char *rm BW_AUTOFREE = bw_asprintf("rm -rf %s", dir);
  assert_int_equal(system(rm), 0);
  free(dir);
}

char *routing_refused(const char *routes)
{
  static const char watcher[] = "{\"name\":\"usage\",\"signals\":[{\"name\":\"seat_limit\",\"direction\":\"up\","
                                "\"urgency\":\"high\",\"play_types\":\"\"}],\"traits\":[]}";
  char *dir = routing_dir("", routes), *said = NULL;
  struct bw_catalog *c = bw_catalog_new();
  struct bw_complaints complaints = {0};
  struct bw_plays *p = NULL;
  uint32_t number;
  assert_int_equal(bw_catalog_add(c, bw_str(watcher), &number, NULL), 0);
  if (bw_plays_load(dir, c, &complaints, &p) < 0)
    said = bw_strdup(bw_buf_cstr(&complaints.text));
  bw_plays_free(&p);
  bw_complaints_clear(&complaints);
  bw_catalog_free(&c);
  routing_remove(dir);
  return said;
}

void routing_account(struct world *w, const char *id, const char *traits_json)
{
  world_account(w, id, traits_json);
  world_signal(w, id, "seat_limit", "", BW_OPENED, -0.4, 0.5, "{}");
}

static int take(void *ctx, const struct bw_lead *lead)
{
  *(const struct bw_lead **)ctx = lead;
  return -1;
}

const struct bw_lead *routing_lead(struct world *w, const char *account)
{
  const struct bw_lead *l = NULL;
  bw_leads_each_of(w->engine, bw_str(account), take, &l);
  if (!l)
    fail_msg("%s has no lead:\n%s", account, bw_buf_cstr(&w->log));
  return l;
}

json_t *routing_why(struct world *w, const char *account, const char *play)
{
  struct bw_buf out = {0};
  struct bw_error err = {0};
  json_t *v;
  if (bw_engine_why_not(w->engine, bw_str(account), bw_str(play), w->now, &out, &err) < 0)
    fail_msg("%s", err.message);
  v = json_loadb(out.data, out.len, 0, NULL);
  assert_non_null(v);
  bw_buf_clear(&out);
  return v;
}

size_t routing_said(struct world *w, const char *what)
{
  size_t n = 0;
  const char *s = bw_buf_cstr(&w->log);
  while ((s = strstr(s, what))) {
    n++;
    s++;
  }
  return n;
}
