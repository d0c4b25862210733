/* SPDX-License-Identifier: Apache-2.0 */
/* What a play file can say: shared gates, readiness, the value journey, timing; each with what why-not tells of it. */
#include "base/test.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "plays/tests/world.h"

#define START INT64_C(1767600000000) /* 2026-01-05T08:00Z, a Monday */

/* ---- a configuration of its own ---- */

static void write_file(const char *dir, const char *sub, const char *name, const char *text)
{
  char *folder BW_AUTOFREE = bw_asprintf("%s/%s", dir, sub);
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", folder, name);
  FILE *f;
  mkdir(folder, 0700);
  f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

#define ROUTES                                                                                                                 \
  "roles: {csm: account.csm, ae: account.ae}\n---\nroute: r\nrows: [{to: ae}]\n---\nroute: care\nrows: [{to: csm}]\n"

/* shared: plays/_shared.yaml, may be NULL. */
static char *config(const char *shared, const char *plays)
{
  char *dir = bw_strdup("/tmp/bw-rules-XXXXXX");
  assert_non_null(mkdtemp(dir));
  write_file(dir, "plays", "P.yaml", plays); /* sorts before what it uses */
  if (shared)
    write_file(dir, "plays", "_shared.yaml", shared);
  write_file(dir, "routes", "r.yaml", ROUTES);
  return dir;
}

static void remove_dir(char *dir)
{
  char *rm BW_AUTOFREE = bw_asprintf("rm -rf %s", dir);
  assert_int_equal(system(rm), 0);
  free(dir);
}

static void open_with(struct world *w, const char *shared, const char *plays)
{
  char *dir = config(shared, plays);
  w->now = START;
  w->quiet = true;
  world_open(w, dir, NULL);
  remove_dir(dir);
}

/* Loading says this. */
static void refused(const char *shared, const char *plays, const char *says)
{
  struct world w = {.now = START};
  struct bw_complaints c = {0};
  struct bw_plays *p = NULL;
  char *dir = config(shared, plays);
  open_with(&w, NULL, "# none\n"); /* for its catalogue */
  assert_int_equal(bw_plays_load(dir, w.catalog, &c, &p), says ? BW_EINVAL : 0);
  if (says && !strstr(bw_buf_cstr(&c.text), says))
    fail_msg("expected: %s\nsaid:     %s", says, bw_buf_cstr(&c.text));
  bw_plays_free(&p);
  bw_complaints_clear(&c);
  world_close(&w);
  remove_dir(dir);
}

static json_t *why(struct world *w, const char *account, const char *play)
{
  struct bw_buf b = {0};
  struct bw_error err = {0};
  json_error_t error;
  json_t *v;
  if (bw_engine_why_not(w->engine, bw_str(account), bw_str(play), w->now, &b, &err) < 0)
    fail_msg("%s", err.message);
  v = json_loads(bw_buf_cstr(&b), 0, &error);
  if (!v)
    fail_msg("%s: %s", error.text, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return v;
}

/* The value at "gates.2.result", as text. */
static char *at(const json_t *v, const char *path)
{
  char *copy BW_AUTOFREE = bw_strdup(path);
  char *save = NULL, *part;
  for (part = strtok_r(copy, ".", &save); part && v; part = strtok_r(NULL, ".", &save))
    v = json_is_array(v) ? json_array_get(v, (size_t)atoi(part)) : json_object_get(v, part);
  return !v                  ? bw_strdup("(nothing)")
         : json_is_string(v) ? bw_strdup(json_string_value(v))
                             : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* Pairs of path and expected text, until NULL; an expectation that begins with "~" is looked for within. */
static void says(struct world *w, const char *account, const char *play, ...)
{
  json_t *v = why(w, account, play);
  const char *path;
  va_list ap;
  va_start(ap, play);
  while ((path = va_arg(ap, const char *))) {
    const char *want = va_arg(ap, const char *);
    char *got BW_AUTOFREE = at(v, path);
    if (want[0] == '~' ? !strstr(got, want + 1) : strcmp(got, want) != 0) {
      char *all = json_dumps(v, JSON_INDENT(1));
      fail_msg("%s: %s is\n  %s\nand should be\n  %s\nin %s", account, path, got, want, all);
    }
  }
  va_end(ap);
  json_decref(v);
}

#define PLAY(name, gates, rest)                                                                                                \
  "play: " name "\nmotion: renewal\ntype: risk\nmode: live\nsignals: {usage_decline: 80}\ngates: " gates                       \
  "\nscore: {threshold: 40}\nroute: r\n" rest

static void decline(struct world *w, const char *account)
{
  world_signal(w, account, "usage_decline", "", BW_OPENED, -0.4, 0.5, "{\"now\":60,\"before\":100}");
}

/* ---- shared gates ---- */

#define SHARED                                                                                                                 \
  "gates: customer\nlist:\n  - {name: floor, require: account.acv >= 10000, otherwise: {route: care}}\n"                       \
  "  - name: tenure\n    require: account.tenure >= days(120)\n"

static void shared_gates_stand_where_they_are_used(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, SHARED,
            PLAY("p", "[{name: first, require: account.arr > 0}, use: customer, {name: last, require: account.arr > 1}]",
                 "") "---\n" PLAY("q",
                                  "[{use: customer, except: [tenure]}, {name: tenure, require: account.tenure >= days(30)}]",
                                  ""));
  world_account(&w, "a", "{\"acv\":8000,\"arr\":8000,\"start\":\"2025-11-01\"}");
  decline(&w, "a");
  world_tick(&w, START + BW_HOUR);
  says(&w, "a", "p", "gates.0.name", "first", "gates.0.from", "(nothing)", "gates.1.name", "floor", "gates.1.from", "customer",
       "gates.1.result", "diverted", "gates.2.name", "tenure", "gates.2.result", "fail", "gates.3.name", "last",
       "gates.3.result", "pass", "gates.4", "(nothing)", "blocked_by", "gate", NULL);
  says(&w, "a", "q", "gates.0.name", "floor", "gates.1.name", "tenure", "gates.1.from", "(nothing)", "gates.1.result", "pass",
       "route.name", "care", NULL);
  assert_int_equal(w.opened, 1);
  world_close(&w);
}

static void mistakes_in_shared_gates_are_found_where_they_are(void **state)
{
  (void)state;
  refused(SHARED, PLAY("p", "[use: customer]", ""), NULL);
  refused(SHARED, PLAY("p", "[use: custmer]", ""),
          "P.yaml:6:14: there are no shared gates \"custmer\"; a document \"gates: NAME\" with \"list\" would define them (did "
          "you mean customer?)");
  refused(SHARED, PLAY("p", "[use: customer, {name: tenure, require: 'true'}]", ""), "two gates have the name \"tenure\"");
  refused(SHARED, PLAY("p", "[{name: tenure, require: 'true'}, use: customer]", ""),
          "two gates have the name \"tenure\"; leave the shared one out with {use: customer, except: [...]}");
  refused(SHARED, PLAY("p", "[{use: customer, except: [tenur]}]", ""),
          "P.yaml:6:34: the shared gates \"customer\" have none of this name; did you mean tenure?");
  refused(SHARED "---\n" SHARED, PLAY("p", "[use: customer]", ""), "_shared.yaml:7:8: shared gates need a name of their own");
  refused("gates: g\nlist:\n  - name: x\n    require: account.acv > days(3)\n", PLAY("p", "[use: g]", ""),
          "_shared.yaml:4:26: > does not work between a number and a duration");
  refused("gates: g\nlist: [use: h]\n", PLAY("p", "[use: g]", ""), "shared gates do not use others");
  refused("gates: g\nlist: []\n", PLAY("p", "[use: g]", ""), "\"list\" should be a list of 1 to 64 gates");
  refused("gates: g\nlits: []\n", PLAY("p", "[use: g]", ""), "unknown key \"lits\"; did you mean list?");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shared_gates_stand_where_they_are_used),
      cmocka_unit_test(mistakes_in_shared_gates_are_found_where_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
