/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule finds what it is for, and nothing else: each directory in configs/ holds what differs from configs/base, and
 * findings.txt what lint says of it, for people to read.  BW_UPDATE_GOLDEN=1 writes it anew.
 */
#include "base/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "drafts/drafts.h"
#include "lint/lint.h"
#include "lint/term.h"
#include "rules/rules.h"
#include "signals/signals.h"

static const char watcher_json[] =
    "{\"name\":\"toy\",\"version\":\"1\",\"signals\":["
    "{\"name\":\"seat_limit\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"seat\"},"
    "{\"name\":\"seat_utilization\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":\"seat\"},"
    "{\"name\":\"seats_added\",\"direction\":\"up\",\"urgency\":\"medium\",\"play_types\":\"seat\"},"
    "{\"name\":\"adoption_high\",\"direction\":\"up\",\"urgency\":\"medium\",\"play_types\":\"seat\"},"
    "{\"name\":\"heavy_logins\",\"direction\":\"up\",\"urgency\":\"low\",\"play_types\":\"any\"},"
    "{\"name\":\"data_export\",\"direction\":\"unclear\",\"urgency\":\"watch\",\"play_types\":\"\"},"
    "{\"name\":\"usage_decline\",\"direction\":\"down\",\"urgency\":\"high\",\"play_types\":\"\"}],"
    "\"traits\":[{\"name\":\"seats_used\",\"type\":\"number\"},{\"name\":\"seats_needed\",\"type\":\"number\"}]}";

static const char *configs(void)
{
  static char path[1000];
  const char *s = getenv("BW_SRCDIR");
  (void)snprintf(path, sizeof path, "%s/src/lint/tests", s ? s : ".");
  return path;
}

static void run(const char *command)
{
  assert_int_equal(system(command), 0);
}

/* base with the case's files over it, in a directory of its own. */
static char *overlay(const char *name)
{
  char *dir = bw_strdup("/tmp/bw-lint-XXXXXX"), *command;
  assert_non_null(mkdtemp(dir));
  command = bw_asprintf("cp -r '%s/configs/base/.' '%s' && cp -r '%s/configs/%s/.' '%s' && chmod -R u+w '%s'", configs(), dir,
                        configs(), name, dir, dir);
  run(command);
  free(command);
  return dir;
}

static void remove_dir(char *dir)
{
  char *command = bw_asprintf("rm -rf '%s'", dir);
  run(command);
  free(command);
  free(dir);
}

static struct bw_lint *lint(const char *dir, struct bw_setup *s)
{
  struct bw_complaints c = {0};
  struct bw_error err = {0};
  char *templates = bw_asprintf("%s/templates", dir);
  struct bw_lint *l;
  uint32_t number;
  int rc;
  s->catalog = bw_catalog_new();
  if (bw_catalog_add(s->catalog, bw_str(watcher_json), &number, &err) < 0)
    fail_msg("%s", err.message);
  rc = bw_templates_load(templates, &s->templates, &c);
  if (rc == 0)
    rc = bw_templates_check(s->templates, s->catalog, &c);
  if (rc == 0)
    rc = bw_plays_load(dir, s->catalog, &c, &s->plays);
  l = bw_lint_new(dir, rc == 0 ? s : NULL, &c);
  bw_complaints_clear(&c);
  free(templates);
  return l;
}

static void setup_clear(struct bw_setup *s)
{
  bw_plays_free(&s->plays);
  bw_templates_free(&s->templates);
  bw_catalog_free(&s->catalog);
}

/* Without the place where it happens to lie. */
static void add_stripped(struct bw_buf *out, const char *text, const char *dir)
{
  const char *at;
  char *prefix = bw_asprintf("%s/", dir);
  while ((at = strstr(text, prefix))) {
    bw_buf_add(out, text, (size_t)(at - text));
    text = at + strlen(prefix);
  }
  bw_buf_add_cstr(out, text);
  free(prefix);
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **cases(size_t *ret_n)
{
  char *path = bw_asprintf("%s/configs", configs()), **names = NULL;
  DIR *d = opendir(path);
  struct dirent *e;
  size_t n = 0;
  assert_non_null(d);
  while ((e = readdir(d)))
    if (e->d_name[0] != '.') {
      names = bw_realloc(names, n + 1, sizeof *names);
      names[n++] = bw_strdup(e->d_name);
    }
  (void)closedir(d);
  assert_true(n > 1);
  qsort(names, n, sizeof *names, compare_names);
  free(path);
  *ret_n = n;
  return names;
}

static char *read_all(const char *path)
{
  struct bw_buf b = {0};
  char part[4096];
  size_t n;
  FILE *f = fopen(path, "r");
  while (f && (n = fread(part, 1, sizeof part, f)) > 0)
    bw_buf_add(&b, part, n);
  if (f)
    (void)fclose(f);
  bw_buf_cstr(&b);
  return b.data;
}

static void test_findings(void **state)
{
  struct bw_buf all = {0};
  size_t n, i, k;
  char **names = cases(&n), *golden = bw_asprintf("%s/findings.txt", configs()), *want;
  bool *found;
  for (k = 0; bw_lint_rule_at(k); k++)
    ;
  found = bw_calloc(k, sizeof *found);
  (void)state;
  for (i = 0; i < n; i++) {
    char *dir = overlay(names[i]);
    struct bw_setup s = {0};
    struct bw_buf text = {0};
    struct bw_finding f;
    struct bw_lint *l = lint(dir, &s);
    size_t at;
    bw_lint_text(l, &text);
    bw_buf_printf(&all, "== %s\n", names[i]);
    add_stripped(&all, bw_buf_cstr(&text), dir);
    bw_buf_add_char(&all, '\n');
    for (at = 0; bw_lint_at(l, at, &f); at++)
      for (k = 0; bw_lint_rule_at(k); k++)
        found[k] = found[k] || strcmp(bw_lint_rule_at(k)->name, f.rule) == 0;
    bw_buf_clear(&text);
    bw_lint_free(&l);
    setup_clear(&s);
    remove_dir(dir);
    free(names[i]);
  }
  free(names);
  if (getenv("BW_UPDATE_GOLDEN")) {
    FILE *f = fopen(golden, "w");
    assert_non_null(f);
    (void)fwrite(all.data, 1, all.len, f);
    (void)fclose(f);
  }
  want = read_all(golden);
  if (strcmp(want, bw_buf_cstr(&all)) != 0)
    fail_msg("%s differs; now it is:\n%s", golden, all.data);
  for (k = 0; bw_lint_rule_at(k); k++)
    if (!found[k])
      fail_msg("no configuration shows the rule %s", bw_lint_rule_at(k)->name);
  free(found);
  free(want);
  free(golden);
  bw_buf_clear(&all);
}

static void test_documented(void **state)
{
  const char *top = getenv("BW_SRCDIR");
  char *path = bw_asprintf("%s/docs/lint.md", top ? top : "."), *text = read_all(path);
  size_t i;
  (void)state;
  for (i = 0; bw_lint_rule_at(i); i++) {
    char *head = bw_asprintf("| `%s` |", bw_lint_rule_at(i)->name);
    if (!strstr(text, head))
      fail_msg("%s says nothing of the rule %s", path, bw_lint_rule_at(i)->name);
    free(head);
  }
  free(text);
  free(path);
}

static void test_json(void **state)
{
  char *dir = overlay("accepted");
  struct bw_setup s = {0};
  struct bw_lint *l = lint(dir, &s);
  struct bw_buf out = {0};
  (void)state;
  bw_lint_json(l, &out);
  assert_non_null(strstr(bw_buf_cstr(&out), "{\"ok\":true,\"errors\":0,\"warnings\":0,\"notes\":0,\"accepted\":1,"));
  assert_non_null(strstr(out.data, "\"accepted\":\"our onboarding takes four weeks, measured in 2025\""));
  bw_buf_clear(&out);
  bw_lint_free(&l);
  setup_clear(&s);
  remove_dir(dir);
}

/* ---- what can be concluded of conditions ---- */

static bool possible(const char *a, const char *b)
{
  struct term *terms[] = {term_text(a), b ? term_text(b) : NULL};
  size_t steps = 10000;
  bool yes = terms_possible((const struct term *const *)terms, b ? 2 : 1, NULL, &steps);
  term_free(&terms[0]);
  term_free(&terms[1]);
  return yes;
}

static bool always(const char *text)
{
  struct term *t = term_text(text);
  size_t steps = 10000;
  bool yes = term_always(t, &steps);
  term_free(&t);
  return yes;
}

static void test_logic(void **state)
{
  (void)state;
  assert_true(possible("(account.acv > 3)", "(account.acv < 4)")); /* 3.5: a value of no constant */
  assert_false(possible("(account.acv > 4)", "(account.acv < 4)"));
  assert_false(possible("(account.acv >= 4)", "(account.acv < 4)"));
  assert_true(possible("(account.acv >= 4)", "(account.acv <= 4)"));
  assert_false(possible("(account.health == \"red\")", "(account.health == \"green\")"));
  assert_true(possible("(account.health != \"red\")", "(account.health != \"green\")"));
  assert_false(possible("(account.health in [\"red\", \"yellow\"])", "(account.health == \"green\")"));
  assert_false(possible("has(account.health)", "!(has(account.health))"));
  assert_false(possible("!(has(account.acv))", "(account.acv > 1)")); /* a missing value is not a yes */
  assert_false(possible("open(signal.a)", "!(open(signal.a))"));
  assert_true(possible("open(signal.a)", "!(open(signal.b))"));
  assert_false(possible("(days(2) > days(3))", NULL));
  assert_false(possible("(account.stage >= stage(\"tangible_roi\"))", "(account.stage == stage(\"live\"))"));
  assert_true(possible("(f(account.acv) > 4)", "(account.acv < 4)"));          /* not understood: nothing concluded */
  assert_true(possible("((account.acv * 2) > 9)", "((account.acv * 2) < 4)")); /* nor of arithmetic */
  assert_true(possible("(account.name < \"a\")", "(account.name > \"b\")"));   /* nor of the order of texts */
  assert_true(possible("account.items.exists(x, (x > 3))", "(account.acv < account.arr)")); /* nor of two names */
  assert_false(possible("((account.acv > 9) ? open(signal.a) : open(signal.b))", "(!(open(signal.a)) && !(open(signal.b)))"));
  assert_true(always("true"));
  assert_true(always("(!(has(account.acv)) || ((account.acv >= 1) || (account.acv < 1)))"));
  assert_false(always("((account.acv >= 1) || (account.acv < 1))")); /* it may be missing */
  assert_false(always("(!(has(account.acv)) || (account.acv > 1))"));
  assert_true(always("(open(signal.a) || !(open(signal.a)))"));
  assert_false(always("(f(account.acv) || true) && x")); /* no text of an expression */
}

/* Twenty names that all matter: it gives up in time, and says that it may be. */
static void test_search_is_bounded(void **state)
{
  struct term *terms[20];
  size_t steps = 1000000, i;
  (void)state;
  for (i = 0; i < 20; i++) {
    char *text =
        bw_asprintf("((a%zu != b%zu) || ((a%zu == \"x\") || ((a%zu == \"y\") || has(b%zu))))", i, i, i, (i + 1) % 20, i);
    char *plain = bw_asprintf("((a%zu == \"x\") || ((a%zu == \"y\") && (a%zu == \"z\")))", i, (i + 1) % 20, (i + 1) % 20);
    terms[i] = term_text(i % 2 ? text : plain);
    free(text);
    free(plain);
  }
  assert_true(terms_possible((const struct term *const *)terms, 20, NULL, &steps));
  assert_true(steps >= 1000000 - 50001);
  steps = 3;
  assert_true(terms_possible((const struct term *const *)terms, 20, NULL, &steps));
  assert_int_equal(steps, 0);
  for (i = 0; i < 20; i++)
    term_free(&terms[i]);
}

/* However it is cut, reading a condition ends and frees what it took. */
static void test_broken_text(void **state)
{
  static const char text[] = "((a.b[\"x\\\"y\"].c >= days(3)) && (!(open(signal.z)) || (q in [1, \"two\", {\"k\": -3.5}])))";
  size_t i, steps = 10000;
  (void)state;
  for (i = 0; i < sizeof text; i++) {
    char *part = bw_strndup(text, i);
    struct term *t = term_text(part);
    assert_non_null(t);
    (void)terms_possible((const struct term *const *)&t, 1, NULL, &steps);
    (void)term_always(t, &steps);
    term_free(&t);
    free(part);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_findings), cmocka_unit_test(test_documented),        cmocka_unit_test(test_json),
      cmocka_unit_test(test_logic),    cmocka_unit_test(test_search_is_bounded), cmocka_unit_test(test_broken_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
