/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios against golden files: what the shipped plays decide, and every reason they give. */
#include "base/test.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plays/tests/world.h"

/* Each line of the log, laid out for reading. */
static char *readable(const char *log)
{
  struct bw_buf out = {0};
  const char *s = log;
  while (s && *s) {
    size_t n = strcspn(s, "\n");
    json_error_t why;
    json_t *v = json_loadb(s, n, 0, &why);
    char *text;
    if (!v)
      fail_msg("not JSON: %.*s: %s", (int)n, s, why.text);
    text = json_dumps(v, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    bw_buf_add_cstr(&out, text);
    bw_buf_add_char(&out, '\n');
    free(text);
    json_decref(v);
    s += n + (s[n] == '\n');
  }
  bw_buf_cstr(&out);
  return out.data;
}

static void play_scenario(struct world *w, char *script)
{
  char *save = NULL, *line;
  for (line = strtok_r(script, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
    if (line[0] == '{')
      world_line(w, line);
}

static void compare(const char *name, const char *got)
{
  char *path BW_AUTOFREE = bw_asprintf("%s/src/plays/tests/golden/%s.json", facts_srcdir(), name);
  char *want BW_AUTOFREE = NULL;
  size_t i, line = 1;
  if (getenv("BW_GOLDEN_UPDATE")) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(got, f);
    fclose(f);
    return;
  }
  want = facts_read(path);
  if (!want)
    fail_msg("%s is missing; make it with BW_GOLDEN_UPDATE=1 and read it before you keep it", path);
  for (i = 0; got[i] && got[i] == want[i]; i++)
    line += got[i] == '\n';
  if (got[i] != want[i])
    fail_msg("%s differs from line %zu on.\nexpected: %.300s\ngot:      %.300s", path, line, want + i, got + i);
}

static void scenarios_match_their_golden_files(void **state)
{
  char *dir BW_AUTOFREE = bw_asprintf("%s/src/plays/tests/scenarios", facts_srcdir());
  char *etc BW_AUTOFREE = bw_asprintf("%s/etc", facts_srcdir());
  struct dirent **names;
  int n = scandir(dir, &names, NULL, alphasort), i, played = 0;
  (void)state;
  assert_true(n > 0);
  for (i = 0; i < n; i++) {
    size_t len = strlen(names[i]->d_name);
    if (len > 6 && strcmp(names[i]->d_name + len - 6, ".jsonl") == 0) {
      char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, names[i]->d_name);
      char *script BW_AUTOFREE = facts_read(path);
      char *name BW_AUTOFREE = bw_strndup(names[i]->d_name, len - 6);
      char *got BW_AUTOFREE = NULL;
      struct world w = {0};
      world_open(&w, etc, NULL);
      play_scenario(&w, script);
      got = readable(bw_buf_cstr(&w.log));
      compare(name, got);
      world_close(&w);
      played++;
    }
    free(names[i]);
  }
  free(names);
  assert_true(played >= 5);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(scenarios_match_their_golden_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
