/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations for tests. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/tests/config.h"

static void write_file(const char *dir, const char *name, const char *text)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, name);
  FILE *f = fopen(path, "w");
  if (!f)
    fail_msg("%s cannot be written", path);
  fputs(text, f);
  fclose(f);
}

char *config_dir(const char *shared, const char *plays, const char *routes)
{
  static const char *const subs[] = {"plays", "routes"};
  char *dir = bw_strdup("/tmp/bw-rules-XXXXXX");
  size_t i;
  assert_non_null(mkdtemp(dir));
  for (i = 0; i < 2; i++) {
    char *sub BW_AUTOFREE = bw_asprintf("%s/%s", dir, subs[i]);
    assert_int_equal(mkdir(sub, 0700), 0);
  }
  write_file(dir, "plays/P.yaml", plays); /* sorts before what it uses */
  if (shared)
    write_file(dir, "plays/_shared.yaml", shared);
  write_file(dir, "routes/r.yaml",
             routes ? routes
                    : "roles: {csm: account.csm, ae: account.ae}\n---\nroute: r\nrows: [{to: ae}]\n---\nroute: care\nrows: "
                      "[{to: csm}]\n");
  return dir;
}

char *config_dir_default_routes(const char *plays, const char *vendor_size)
{
  static const char ours[] = "vendor_size: 10M";
  char *dir = config_dir(NULL, plays, "");
  char *copy BW_AUTOFREE = bw_asprintf("cp %s/etc/routes/*.yaml %s/routes/ && rm %s/routes/r.yaml", facts_srcdir(), dir, dir);
  char *path BW_AUTOFREE = bw_asprintf("%s/etc/routes/00-settings.yaml", facts_srcdir());
  char *text BW_AUTOFREE = facts_read(path);
  char *at = text ? strstr(text, ours) : NULL;
  char *changed BW_AUTOFREE = NULL;
  assert_int_equal(system(copy), 0);
  assert_non_null(at);
  *at = '\0';
  changed = bw_asprintf("%svendor_size: %s%s", text, vendor_size, at + strlen(ours));
  write_file(dir, "routes/00-settings.yaml", changed);
  return dir;
}

void config_remove(char *dir)
{
  char *rm BW_AUTOFREE = bw_asprintf("rm -rf %s", dir);
  assert_int_equal(system(rm), 0);
  free(dir);
}

struct bw_plays *config_load(const char *dir, const struct bw_catalog *catalog)
{
  struct bw_complaints complaints = {0};
  struct bw_plays *p = NULL;
  if (bw_plays_load(dir, catalog, &complaints, &p) < 0)
    fail_msg("%s: %s", dir, bw_buf_cstr(&complaints.text));
  bw_complaints_clear(&complaints);
  return p;
}

char *config_refused(const char *shared, const char *plays, const char *routes)
{
  char *dir = config_dir(shared, plays, routes), *said = NULL;
  struct bw_catalog *catalog = facts_catalog(NULL);
  struct bw_complaints complaints = {0};
  struct bw_plays *p = NULL;
  int rc = bw_plays_load(dir, catalog, &complaints, &p);
  assert_true(rc == 0 || rc == BW_EINVAL);
  if (rc < 0)
    said = bw_strdup(bw_buf_cstr(&complaints.text));
  bw_plays_free(&p);
  bw_complaints_clear(&complaints);
  bw_catalog_free(&catalog);
  config_remove(dir);
  return said;
}

void refused(const char *shared, const char *plays, const char *routes, const char *says)
{
  char *said BW_AUTOFREE = config_refused(shared, plays, routes);
  if (!says && said)
    fail_msg("it should be accepted: %s", said);
  if (says && (!said || !strstr(said, says)))
    fail_msg("%s\nexpected: %s\nsaid:     %s", plays, says, said ? said : "nothing");
}
