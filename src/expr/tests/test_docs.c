/* SPDX-License-Identifier: Apache-2.0 */
/* docs/expressions.md: its examples compile with the names of docs/names.md, its mistakes are refused in its words, and its
   table has every function. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"

static char *read_doc(const char *name)
{
  const char *top = getenv("BW_SRCDIR");
  char *path BW_AUTOFREE = bw_asprintf("%s/docs/%s", top ? top : ".", name);
  char *text = bw_alloc(1 << 18);
  FILE *f = fopen(path, "r");
  if (!f)
    fail_msg("cannot read %s", path);
  assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
  fclose(f);
  return text;
}

/* The kind of a name, in the words of its row "| `account.acv` | number |"; BW_TYPE_ERROR: no such row. */
static enum bw_type kind_of(const char *names, const char *name)
{
  char *row BW_AUTOFREE = bw_asprintf("| `%s` | ", name);
  const char *at = strstr(names, row);
  int type;
  for (type = BW_TYPE_NULL; at && type < BW_TYPE_COUNT; type++) {
    const char *word = bw_type_name((enum bw_type)type);
    if (strncmp(at + strlen(row), word, strlen(word)) == 0 && at[strlen(row) + strlen(word)] == ' ')
      return (enum bw_type)type;
  }
  return BW_TYPE_ERROR;
}

static int resolve(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                   struct bw_error *err)
{
  const char *names = ctx;
  char name[200];
  snprintf(name, sizeof name, "%.*s%s%.*s", BW_FMT(path->part[0]), path->n > 1 ? "." : "",
           path->n > 1 ? (int)path->part[1].len : 0, path->n > 1 ? path->part[1].data : "");
  *ret_slot = 0;
  *ret_used = path->n;
  *ret_type = kind_of(names, name);
  if (bw_str_is(path->part[0], "trait"))
    *ret_type = BW_TYPE_DOUBLE;
  else if (bw_str_is(path->part[0], "signal"))
    *ret_type = path->n > 2 ? BW_TYPE_DOUBLE : BW_TYPE_SIGNAL;
  else if (path->n > 2 && bw_str_is(path->part[1], "custom"))
    *ret_type = BW_TYPE_ANY;
  return *ret_type ? 0 : bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "there is no name \"%s\"", name);
}

static void no_call(struct bw_eval *ev, const struct bw_value *args, size_t n, struct bw_value *ret)
{
  (void)ev;
  *ret = n ? args[0] : bw_value_bool(false);
}
/* Of the rules, a room that comes after this one. */
static const struct bw_expr_function functions[] = {{"open", "g", BW_TYPE_BOOL, no_call, NULL, ""},
                                                    {"stage", "s", BW_TYPE_RANK, no_call, NULL, ""},
                                                    {"quartile", "n", BW_TYPE_INT, no_call, NULL, ""},
                                                    {"trend", "nu", BW_TYPE_DOUBLE, no_call, NULL, ""}};

static void compile(const char *source, const char *names, char *out, size_t cap)
{
  struct bw_expr_env env = {(void *)(uintptr_t)names, resolve, functions, sizeof functions / sizeof *functions, NULL};
  struct bw_expr *e = NULL;
  struct bw_expr_position at = {1, 1};
  struct bw_error err = {0};
  if (bw_expr_compile(bw_str(source), &env, BW_TYPE_ANY, &e, &at, &err) < 0)
    snprintf(out, cap, "column %u: %s", at.column, err.message);
  else
    snprintf(out, cap, "ok");
  bw_expr_free(&e);
}

static void examples_compile(void **state)
{
  char *doc BW_AUTOFREE = read_doc("expressions.md"), *names BW_AUTOFREE = read_doc("names.md");
  char *at, out[600];
  size_t n = 0;
  (void)state;
  for (at = strstr(doc, "\n```cel\n"); at; at = strstr(at, "\n```cel\n")) {
    char *line = at + 8, *end;
    for (; strncmp(line, "```", 3) != 0; line = end + 1, n++) {
      end = strchr(line, '\n');
      assert_non_null(end);
      *end = '\0';
      compile(line, names, out, sizeof out);
      if (strcmp(out, "ok") != 0)
        fail_msg("docs/expressions.md: %s\n  %s", line, out);
    }
    at = line;
  }
  assert_true(n > 20);
}

/* | `expression` | column 3: message | */
static void mistakes_are_refused_as_written(void **state)
{
  char *doc BW_AUTOFREE = read_doc("expressions.md"), *names BW_AUTOFREE = read_doc("names.md");
  char *line = strstr(doc, "\n| written | what basewatch says |\n"), out[600];
  size_t n = 0;
  (void)state;
  assert_non_null(line);
  for (line = strstr(line, "|---|---|\n") + 10; *line == '|'; n++) {
    char *from = strchr(line, '`') + 1, *to = strstr(from, "` | "), *end = strstr(to, " |\n");
    *to = *end = '\0';
    compile(from, names, out, sizeof out);
    if (strcmp(out, to + 4) != 0)
      fail_msg("docs/expressions.md: %s\n  is refused with  %s\n  documented is    %s", from, out, to + 4);
    line = end + 3;
  }
  assert_true(n > 8);
}

static void describe(struct bw_buf *b, const struct bw_expr_function *f)
{
  static const struct {
    char letter;
    const char *word;
  } words[] = {{'b', "yes or no"}, {'i', "whole number"}, {'d', "number"},      {'s', "text"},
               {'t', "timestamp"}, {'u', "duration"},     {'r', "stage"},       {'l', "list"},
               {'m', "map"},       {'a', "value"},        {'+', "\xE2\x80\xA6"}};
  size_t i, j;
  bw_buf_printf(b, "| `%s(", f->name);
  for (i = 0; f->args[i]; i++)
    for (j = 0; j < sizeof words / sizeof *words; j++)
      if (words[j].letter == f->args[i])
        bw_buf_printf(b, "%s%s", i ? ", " : "", words[j].word);
  bw_buf_printf(b, ")` | %s | %s |\n", bw_type_name(f->result), f->help);
}

/* The row of each function, but for those that give their argument back, and a time's parts in another zone. */
static void every_function_is_documented(void **state)
{
  char *doc BW_AUTOFREE = read_doc("expressions.md");
  size_t i;
  (void)state;
  for (i = 0; i < bw_expr_nbuiltins; i++) {
    const struct bw_expr_function *f = &bw_expr_builtins[i];
    struct bw_buf row = {0};
    if (f->name[0] == '_' || f->name[0] == '-' || f->name[0] == '!' || strcmp(f->help, "itself") == 0 ||
        strcmp(f->args, "ts") == 0)
      continue;
    describe(&row, f);
    if (!strstr(doc, bw_buf_cstr(&row))) {
      if (getenv("BW_DOC_ROWS"))
        fputs(bw_buf_cstr(&row), stdout);
      else
        fail_msg("docs/expressions.md lacks the row\n%s", bw_buf_cstr(&row));
    }
    bw_buf_clear(&row);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(examples_compile), cmocka_unit_test(mistakes_are_refused_as_written),
                                     cmocka_unit_test(every_function_is_documented)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
