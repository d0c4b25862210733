/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs google/cel-spec's conformance cases (cel-spec/) as conformance.txt says: a case that we claim must pass; one that we do
 * not must not pass by now; and each is in the table.  With --list, prints a line for each case to start such a table from.
 */
#include "base/test.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/time.h"
#include "expr/expr.h"
#include "textproto.h"

#define MAX_BINDINGS 8

struct binding {
  const char *name;
  enum bw_type type;
  struct bw_value value;
};
struct test_case {
  const struct field *f;
  struct binding bindings[MAX_BINDINGS];
  size_t nbindings;
  const char *container;
  struct bw_eval *memory; /* of the values */
};

enum outcome { PASSED, REFUSED, FAILED }; /* REFUSED: an error is expected, and we find it when compiling */

/* ---- from text to values ---- */

static const char *read_file(const char *dir, const char *file)
{
  static char *last;
  char *path BW_AUTOFREE = bw_asprintf("%s/%s", dir, file);
  FILE *f = fopen(path, "r");
  size_t n;
  free(last);
  last = bw_alloc(1 << 20);
  if (!f)
    fail_msg("cannot read %s", path);
  n = fread(last, 1, (1 << 20) - 1, f);
  fclose(f);
  assert_true(n < (1 << 20) - 1);
  return last;
}

static bool value_of(struct test_case *t, const struct field *f, struct bw_value *ret);

static bool list_of(struct test_case *t, const struct field *f, bool map, struct bw_value *ret)
{
  struct bw_value *items = bw_eval_alloc(t->memory, 200 * sizeof *items);
  const struct field *i;
  size_t n = 0;
  for (i = f->first; i && n < 198; i = i->next) {
    if (!map && !value_of(t, i, &items[n++]))
      return false;
    if (map) {
      if (!value_of(t, field_get(i, "key"), &items[n]) || !value_of(t, field_get(i, "value"), &items[n + 1]))
        return false;
      n += 2;
    }
  }
  *ret = (struct bw_value){.type = map ? BW_TYPE_MAP : BW_TYPE_LIST, .list = {items, map ? n / 2 : n}};
  return true;
}

static bool duration_of(const struct field *f, struct bw_value *ret)
{
  const struct field *d = f->first;
  if (!d || !strstr(d->name, "google.protobuf.Duration"))
    return false;
  *ret = bw_value_duration(strtoll(field_text(d, "seconds"), NULL, 10) * 1000 +
                           strtoll(field_text(d, "nanos"), NULL, 10) / 1000000);
  return true;
}

/* False: a kind of value that we do not have. */
static bool value_of(struct test_case *t, const struct field *f, struct bw_value *ret)
{
  const struct field *v = f ? f->first : NULL;
  if (!v)
    return false;
  if (strcmp(v->name, "int64_value") == 0)
    *ret = bw_value_int(strtoll(v->text, NULL, 10));
  else if (strcmp(v->name, "double_value") == 0)
    *ret = bw_value_double(strtod(v->text, NULL));
  else if (strcmp(v->name, "bool_value") == 0)
    *ret = bw_value_bool(strcmp(v->text, "true") == 0);
  else if (strcmp(v->name, "string_value") == 0)
    *ret = bw_value_string(bw_str_n(v->text, v->len));
  else if (strcmp(v->name, "type_value") == 0)
    *ret = (struct bw_value){.type = BW_TYPE_TYPE, .s = bw_str_n(v->text, v->len)};
  else if (strcmp(v->name, "null_value") == 0)
    *ret = (struct bw_value){.type = BW_TYPE_NULL};
  else if (strcmp(v->name, "list_value") == 0 || strcmp(v->name, "map_value") == 0)
    return list_of(t, v, v->name[0] == 'm', ret);
  else if (strcmp(v->name, "object_value") == 0)
    return duration_of(v, ret);
  else
    return false;
  return true;
}

/* BW_TYPE_ERROR: a type that we do not have. */
static enum bw_type type_of(const struct field *type)
{
  static const struct {
    const char *name;
    enum bw_type type;
  } names[] = {{"BOOL", BW_TYPE_BOOL},
               {"INT64", BW_TYPE_INT},
               {"DOUBLE", BW_TYPE_DOUBLE},
               {"STRING", BW_TYPE_STRING},
               {"google.protobuf.Duration", BW_TYPE_DURATION},
               {"google.protobuf.Timestamp", BW_TYPE_TIMESTAMP}};
  const struct field *list = field_get(type, "list_type"), *map = field_get(type, "map_type");
  const char *word = field_text(type, "primitive");
  enum bw_type inner = list  ? type_of(field_get(list, "elem_type"))
                       : map ? type_of(field_get(map, "value_type"))
                             : BW_TYPE_ERROR,
               key = map ? type_of(field_get(map, "key_type")) : BW_TYPE_STRING;
  size_t i;
  if ((list || map) && (!inner || !key))
    return BW_TYPE_ERROR;
  if (list)
    return BW_TYPE_LIST_OF(inner);
  if (map)
    return BW_TYPE_MAP_OF(key, inner);
  if (field_get(type, "null"))
    return BW_TYPE_NULL;
  if (!word[0])
    word = field_text(type, "message_type");
  for (i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(word, names[i].name) == 0)
      return names[i].type;
  return BW_TYPE_ERROR;
}

static struct binding *binding(struct test_case *t, const char *name)
{
  size_t i;
  for (i = 0; i < t->nbindings; i++)
    if (strcmp(t->bindings[i].name, name) == 0)
      return &t->bindings[i];
  assert_true(t->nbindings < MAX_BINDINGS);
  t->bindings[t->nbindings] = (struct binding){name, BW_TYPE_ANY, bw_value_error(BW_VALUE_MISSING, bw_str(name))};
  return &t->bindings[t->nbindings++];
}

/* False: a type or a value that we do not have. */
static bool bind_names(struct test_case *t)
{
  const struct field *i;
  for (i = t->f->first; i; i = i->next) {
    if (strcmp(i->name, "type_env") == 0) {
      struct binding *b = binding(t, field_text(i, "name"));
      b->type = type_of(field_get(field_get(i, "ident"), "type"));
      if (b->type == BW_TYPE_ERROR)
        return false;
    } else if (strcmp(i->name, "bindings") == 0) {
      struct binding *b = binding(t, field_text(i, "key"));
      if (!value_of(t, field_get(field_get(i, "value"), "value"), &b->value))
        return false;
    }
  }
  return true;
}

/* ---- running one ---- */

static int find_name(const struct test_case *t, const char *prefix, const struct bw_path *path, size_t n)
{
  char name[256];
  size_t at = (size_t)snprintf(name, sizeof name, "%s", prefix), i;
  for (i = 0; i < n && at + path->part[i].len + 2 < sizeof name; i++)
    at += (size_t)snprintf(name + at, sizeof name - at, "%s%.*s", at ? "." : "", BW_FMT(path->part[i]));
  for (i = 0; i < t->nbindings; i++)
    if (strcmp(t->bindings[i].name, name) == 0)
      return (int)i;
  return -1;
}

/* The longest name first; within the container before outside of it. */
static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  const struct test_case *t = ctx;
  size_t n;
  for (n = path->n; n > 0; n--) {
    int at = find_name(t, t->container, path, n);
    if (at < 0)
      at = find_name(t, "", path, n);
    if (at < 0)
      continue;
    *ret_type = t->bindings[at].type;
    *ret_slot = (uint32_t)at;
    *ret_used = n;
    return 0;
  }
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "there is no name \"%.*s\"", BW_FMT(path->part[0]));
}

static void lookup(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret)
{
  const struct test_case *t = ctx;
  (void)name;
  *ret = t->bindings[slot].value;
}

/* Of the same types too, unlike ==. */
static bool same(const struct bw_value *a, const struct bw_value *b)
{
  size_t i, j;
  if (a->type != b->type)
    return false;
  switch (a->type) {
  case BW_TYPE_BOOL:
    return a->b == b->b;
  case BW_TYPE_DOUBLE:
    return memcmp(&a->d, &b->d, sizeof a->d) == 0 || (isnan(a->d) && isnan(b->d)) || fabs(a->d - b->d) <= 0;
  case BW_TYPE_STRING:
  case BW_TYPE_TYPE:
    return bw_str_eq(a->s, b->s);
  case BW_TYPE_LIST:
    for (i = 0; i < a->list.n && a->list.n == b->list.n; i++)
      if (!same(&a->list.items[i], &b->list.items[i]))
        return false;
    return a->list.n == b->list.n;
  case BW_TYPE_MAP:
    for (i = 0; i < a->list.n && a->list.n == b->list.n; i++) {
      for (j = 0; j < b->list.n; j++)
        if (same(&a->list.items[2 * i], &b->list.items[2 * j]) && same(&a->list.items[2 * i + 1], &b->list.items[2 * j + 1]))
          break;
      if (j == b->list.n)
        return false;
    }
    return a->list.n == b->list.n;
  case BW_TYPE_NULL:
    return true;
  default:
    return a->i == b->i;
  }
}

static enum outcome judge(struct test_case *t, const struct bw_value *got, char *why, size_t cap)
{
  const struct field *error = field_get(t->f, "eval_error");
  struct bw_value want = bw_value_bool(true); /* where no value is given, true is expected */
  struct bw_buf text = {0};
  bool ok;
  if (error || got->type == BW_TYPE_ERROR)
    ok = error && got->type == BW_TYPE_ERROR;
  else
    ok = (!field_get(t->f, "value") || value_of(t, field_get(t->f, "value"), &want)) && same(got, &want);
  bw_value_text(&text, got);
  snprintf(why, cap, "gave %s%.300s", got->type == BW_TYPE_ERROR ? "error: " : "", bw_buf_cstr(&text));
  bw_buf_clear(&text);
  return ok ? PASSED : FAILED;
}

static enum outcome run(const struct field *f, char *why, size_t cap)
{
  struct bw_eval memory = {0}, ev = {.lookup = lookup};
  struct test_case t = {.f = f, .memory = &memory, .container = field_text(f, "container")};
  struct bw_expr_env env = {&t, resolve, NULL, 0, NULL};
  const struct field *source = field_get(f, "expr");
  struct bw_expr *e = NULL;
  struct bw_expr_position at = {0, 0};
  struct bw_error err = {0};
  struct bw_value got;
  enum outcome outcome = FAILED;
  ev.ctx = &t;
  if (!bind_names(&t)) {
    snprintf(why, cap, "its names have types or values that we do not have");
  } else if (bw_expr_compile(bw_str_n(source->text, source->len), &env, BW_TYPE_ANY, &e, &at, &err) < 0) {
    snprintf(why, cap, "was refused: %u:%u %s", at.line, at.column, err.message);
    outcome = field_get(f, "eval_error") ? REFUSED : FAILED;
  } else {
    bw_expr_eval(e, &ev, &got);
    outcome = judge(&t, &got, why, cap);
  }
  bw_expr_free(&e);
  bw_eval_clear(&ev);
  bw_eval_clear(&memory);
  return outcome;
}

/* ---- all of them ---- */

struct tally {
  struct bw_map *table; /* "file/section/case" to the word before it */
  struct bw_map *seen;
  bool list;
  size_t cases, claimed, passed, refused, wrong;
};

/* On one line, whatever is in the expression. */
static void print_line(enum outcome outcome, const char *id, const char *expr, const char *why)
{
  char *line BW_AUTOFREE = bw_asprintf("%s\t%s\t%s\t%s",
                                       outcome == FAILED    ? "fails"
                                       : outcome == REFUSED ? "refused"
                                                            : "run",
                                       id, expr, why);
  char *c;
  for (c = line; *c; c++)
    if (*c > 0 && *c < ' ' && *c != '\t')
      *c = ' ';
  puts(line);
}

static void take(struct tally *y, const char *id, const struct field *f)
{
  char why[600] = "";
  enum outcome outcome = run(f, why, sizeof why);
  const char *word = y->list ? "" : bw_map_get(y->table, bw_str(id));
  bool claimed = word && strcmp(word, "run") == 0;
  y->cases++;
  if (y->list) {
    print_line(outcome, id, field_text(f, "expr"), why);
    return;
  }
  y->claimed += claimed;
  y->passed += claimed && outcome == PASSED;
  y->refused += claimed && outcome == REFUSED;
  if (!word)
    fprintf(stderr, "%s is in no table: add it to conformance.txt\n", id);
  else if (claimed && outcome == FAILED)
    fprintf(stderr, "%s: %s\n  %s\n", id, field_text(f, "expr"), why);
  else if (!claimed && outcome == PASSED)
    fprintf(stderr, "%s passes by now: conformance.txt is stale where it says \"%s\"\n", id, word);
  y->wrong += !word || (claimed && outcome == FAILED) || (!claimed && outcome == PASSED);
}

/* Where a section has two cases of one name, the second is name#2. */
static void take_section(struct tally *y, const char *file, const struct field *section)
{
  const struct field *f;
  for (f = section->first; f; f = f->next) {
    char *id;
    int n = 1;
    if (strcmp(f->name, "test") != 0)
      continue;
    id = bw_asprintf("%s/%s/%s", file, field_text(section, "name"), field_text(f, "name"));
    while (bw_map_get(y->seen, bw_str(id))) {
      free(id);
      id = bw_asprintf("%s/%s/%s#%d", file, field_text(section, "name"), field_text(f, "name"), ++n);
    }
    bw_map_put(y->seen, bw_str(id), y);
    take(y, id, f);
    free(id);
  }
}

static const char *directory(void)
{
  static char dir[4096];
  const char *top = getenv("BW_SRCDIR");
  snprintf(dir, sizeof dir, "%s/src/expr/tests", top ? top : ".");
  return dir;
}

static void take_files(struct tally *y)
{
  char *dir BW_AUTOFREE = bw_asprintf("%s/cel-spec", directory());
  struct dirent **names;
  int n = scandir(dir, &names, NULL, alphasort), i;
  assert_true(n > 0);
  for (i = 0; i < n; i++) {
    char *dot = strstr(names[i]->d_name, ".textproto");
    struct field *file = NULL;
    const struct field *section;
    struct bw_error err = {0};
    if (dot) {
      if (field_parse(bw_str(read_file(dir, names[i]->d_name)), &file, &err) < 0)
        fail_msg("%s: %s", names[i]->d_name, err.message);
      for (section = file->first; section; section = section->next)
        if (strcmp(section->name, "section") == 0)
          take_section(y, field_text(file, "name"), section);
      field_free(&file);
    }
    free(names[i]);
  }
  free(names);
}

/* Lines "word file/section/case"; "# ..." are comments. */
static void read_table(struct tally *y, char *text)
{
  char *save = NULL, *line;
  for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    char *space = strchr(line, ' ');
    if (line[0] == '#')
      continue;
    if (!space)
      fail_msg("conformance.txt: no case in the line \"%s\"", line);
    *space = '\0';
    while (*++space == ' ')
      ;
    if (bw_map_get(y->table, bw_str(space)))
      fail_msg("conformance.txt names %s twice", space);
    bw_map_put(y->table, bw_str(space), line);
  }
}

static void cases_pass_as_the_table_says(void **state)
{
  char *text BW_AUTOFREE = bw_strdup(read_file(directory(), "conformance.txt"));
  struct tally y = {.table = bw_map_new(), .seen = bw_map_new()};
  (void)state;
  read_table(&y, text);
  take_files(&y);
  printf("%zu cases: %zu claimed, of which %zu pass when evaluated and %zu are errors that we find when loading\n", y.cases,
         y.claimed, y.passed, y.refused);
  if (bw_map_count(y.table) != y.cases)
    fail_msg("conformance.txt has %zu cases, and the files have %zu", bw_map_count(y.table), y.cases);
  bw_map_free(&y.table, NULL);
  bw_map_free(&y.seen, NULL);
  if (y.wrong)
    fail_msg("%zu cases are not as conformance.txt says", y.wrong);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(cases_pass_as_the_table_says)};
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    struct tally y = {.list = true, .seen = bw_map_new()};
    take_files(&y);
    bw_map_free(&y.seen, NULL);
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
