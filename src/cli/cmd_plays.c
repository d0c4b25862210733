/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch plays` and `basewatch plays diff`: which plays run, and whose leads a reload would change.  Runs in the command
 * line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"

#define ALL_ROWS 2000 /* of a kind for each play: what the daemon gives at most */

/* ---- the list ---- */

static enum bw_style mode_style(const char *mode)
{
  return strcmp(mode, "live") == 0 ? BW_GREEN : strcmp(mode, "pilot") == 0 ? BW_YELLOW : BW_DIM;
}

/* All of them lie in one folder. */
static const char *file_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static int list_plays(struct bw_cli *cli)
{
  static const char *const headers[] = {"PLAY", "MOTION", "TYPE", "MODE", ">OPEN", ">FIRED 30D", "FILE~"};
  struct bw_buf out = {0};
  struct bw_table *t;
  const json_t *p;
  json_t *reply;
  size_t i;
  int rc = bw_cli_ask(cli, "plays", NULL, &reply);
  if (rc || !reply)
    return rc;
  t = bw_table_new(cli, sizeof headers / sizeof *headers, headers);
  json_array_foreach(json_object_get(reply, "plays"), i, p)
  {
    bw_table_add(t, BW_BOLD, bw_get_str(p, "play"));
    bw_table_add(t, BW_PLAIN, bw_get_str(p, "motion"));
    bw_table_add(t, BW_PLAIN, bw_get_str(p, "type"));
    bw_table_add(t, mode_style(bw_get_str(p, "mode")), bw_get_str(p, "mode"));
    bw_table_addf(t, BW_PLAIN, "%lld", (long long)bw_get_int(p, "open", 0));
    bw_table_addf(t, BW_PLAIN, "%lld", (long long)bw_get_int(p, "fired", 0));
    bw_table_addf(t, BW_DIM, "%s:%lld", file_name(bw_get_str(p, "file")), (long long)bw_get_int(p, "line", 0));
  }
  bw_table_end(&t, &out, 0);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

/* ---- the comparison ---- */

static void put_side(struct bw_buf *out, const json_t *side)
{
  if (!json_is_object(side)) {
    bw_buf_add_cstr(out, "no lead");
    return;
  }
  bw_put_number(out, bw_get_num(side, "score"));
  bw_buf_printf(out, " %s ", bw_get_str(side, "priority"));
  bw_put_safe(out, bw_get_str(side, "owner"), false);
}

/* What is different about the lead, and nothing else: "score 62 → 71, owner ann → ben". */
static void put_change(struct bw_buf *out, const json_t *a, const json_t *b)
{
  static const char *const words[] = {"owner", "priority", "template"};
  static const char *const numbers[] = {"score", "estimate"};
  size_t i, from = out->len;
  for (i = 0; i < 3; i++) {
    if (strcmp(bw_get_str(a, words[i]), bw_get_str(b, words[i])) == 0)
      continue;
    bw_buf_printf(out, "%s%s ", out->len > from ? ", " : "", words[i]);
    bw_put_safe(out, bw_get_str(a, words[i]), false);
    bw_buf_add_cstr(out, " → ");
    bw_put_safe(out, bw_get_str(b, words[i]), false);
  }
  for (i = 0; i < 2; i++) {
    double x = bw_get_num(a, numbers[i]), y = bw_get_num(b, numbers[i]);
    if (isfinite(x) == isfinite(y) && !(fabs(x - y) > 0))
      continue;
    bw_buf_printf(out, "%s%s ", out->len > from ? ", " : "", numbers[i]);
    bw_put_number(out, x);
    bw_buf_add_cstr(out, " → ");
    bw_put_number(out, y);
  }
}

static void put_rows(struct bw_cli *cli, struct bw_buf *out, const json_t *play, const char *what, const char *sign,
                     enum bw_style style)
{
  char key[32];
  const json_t *rows, *r;
  int64_t all = bw_get_int(play, what, 0);
  size_t i;
  (void)snprintf(key, sizeof key, "%s_rows", what);
  rows = json_object_get(play, key);
  json_array_foreach(rows, i, r)
  {
    const char *name = bw_get_str(r, "name"), *lead = bw_get_str(r, "lead");
    struct bw_buf line = {0};
    bw_buf_add_cstr(out, "  ");
    bw_put_styled(cli, out, style, sign);
    bw_put_safe(&line, bw_get_str(r, "account"), false);
    if (*name && strcmp(name, bw_get_str(r, "account")) != 0) {
      bw_buf_add_cstr(&line, " (");
      bw_put_safe(&line, name, false);
      bw_buf_add_char(&line, ')');
    }
    bw_buf_printf(&line, "%s%s: ", *lead ? ", " : "", lead);
    if (strcmp(what, "change") == 0)
      put_change(&line, json_object_get(r, "before"), json_object_get(r, "after"));
    else if (strcmp(what, "gain") == 0)
      put_side(&line, json_object_get(r, "after"));
    if (*bw_get_str(r, "why")) {
      bw_buf_add_cstr(&line, strcmp(what, "gain") == 0 ? "; so far: " : "");
      bw_put_safe(&line, bw_get_str(r, "why"), false);
    }
    bw_put_wrapped(cli, out, bw_buf_cstr(&line), 4);
    bw_buf_add_char(out, '\n');
    bw_buf_clear(&line);
  }
  if (all > (int64_t)json_array_size(rows))
    bw_buf_printf(out, "  %sand %lld more (--all shows up to %d)\n", sign, (long long)(all - (int64_t)json_array_size(rows)),
                  ALL_ROWS);
}

static void put_number_of(struct bw_buf *out, const json_t *o, const char *key, const char *one, const char *many)
{
  int64_t n = bw_get_int(o, key, 0);
  bw_put_count(out, n);
  bw_buf_printf(out, " %s", n == 1 ? one : many);
}

static void put_counts(struct bw_buf *out, const json_t *p)
{
  static const struct {
    const char *key, *one, *many;
  } counts[] = {{"gain", "new lead", "new leads"},
                {"lose", "not any more", "not any more"},
                {"change", "open lead changes", "open leads change"},
                {"adds", "adds to an open lead of the family", "add to an open lead of the family"},
                {"rests", "rests after a close", "rest after a close"},
                {"shadow", "recorded as a shadow", "recorded as shadows"}};
  size_t i, n = 0;
  for (i = 0; i < sizeof counts / sizeof *counts; i++)
    if (bw_get_int(p, counts[i].key, 0) > 0) {
      bw_buf_add_cstr(out, n++ ? ", " : "");
      put_number_of(out, p, counts[i].key, counts[i].one, counts[i].many);
    }
  if (!n)
    bw_buf_add_cstr(out, "nothing changes right now");
}

static bool quiet(const json_t *p)
{
  static const char *const keys[] = {"gain", "lose", "change", "adds", "rests", "shadow"};
  size_t i;
  for (i = 0; i < sizeof keys / sizeof *keys; i++)
    if (bw_get_int(p, keys[i], 0) > 0)
      return false;
  return strcmp(bw_get_str(p, "state"), "there") == 0 && strcmp(bw_get_str(p, "mode"), bw_get_str(p, "mode_before")) == 0;
}

static void put_play(struct bw_cli *cli, struct bw_buf *out, const json_t *p)
{
  const char *state = bw_get_str(p, "state"), *before = bw_get_str(p, "mode_before"), *mode = bw_get_str(p, "mode");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(p, "play"));
  if (strcmp(state, "there") != 0)
    bw_buf_printf(out, " (%s)", state);
  else if (strcmp(mode, before) != 0)
    bw_buf_printf(out, " (%s → %s)", before, mode);
  bw_buf_add_cstr(out, ": ");
  put_counts(out, p);
  bw_buf_add_char(out, '\n');
  put_rows(cli, out, p, "gain", "+ ", BW_GREEN);
  put_rows(cli, out, p, "lose", "- ", BW_RED);
  put_rows(cli, out, p, "change", "~ ", BW_YELLOW);
}

static void put_diff(struct bw_cli *cli, struct bw_buf *out, const json_t *reply)
{
  const json_t *p, *lint = json_object_get(reply, "lint");
  size_t i, same = 0;
  put_number_of(out, reply, "gain", "lead would come", "leads would come");
  bw_buf_add_cstr(out, ", ");
  put_number_of(out, reply, "lose", "would not come any more", "would not come any more");
  bw_buf_add_cstr(out, ", ");
  put_number_of(out, reply, "change", "open one would change", "open ones would change");
  bw_buf_add_cstr(out, " (");
  put_number_of(out, reply, "accounts", "account with an open signal", "accounts with open signals");
  bw_buf_add_cstr(out, ").\n");
  if (bw_get_bool(reply, "cut"))
    bw_buf_printf(out, "It took too long and was cut: only the first %lld accounts, in order of id, were asked.\n",
                  (long long)bw_get_int(reply, "looked", 0));
  if (bw_get_bool(reply, "watchers_differ"))
    bw_buf_add_cstr(out, "The watchers are configured differently too: what they would say anew is not in this.\n");
  if (bw_get_int(lint, "errors", 0) + bw_get_int(lint, "warnings", 0) > 0) {
    bw_buf_add_cstr(out, "Lint: ");
    put_number_of(out, lint, "errors", "error", "errors");
    bw_buf_add_cstr(out, ", ");
    put_number_of(out, lint, "warnings", "warning", "warnings");
    bw_buf_add_cstr(out, "; `basewatch lint` explains them.\n");
  }
  json_array_foreach(json_object_get(reply, "plays"), i, p)
  {
    if (quiet(p)) {
      same++;
      continue;
    }
    bw_buf_add_char(out, '\n');
    put_play(cli, out, p);
  }
  if (same)
    bw_buf_printf(out, "\n%zu play%s: nothing changes right now.\n", same, same == 1 ? "" : "s");
  if (bw_get_int(reply, "lose", 0) + bw_get_int(reply, "gain", 0) > 0)
    bw_buf_add_char(out, '\n');
  if (bw_get_int(reply, "lose", 0) > 0)
    bw_buf_add_cstr(out, "Open leads stay until somebody decides; they get no more signals from a play that does not fire.\n");
  if (bw_get_int(reply, "gain", 0) > 0)
    bw_buf_add_cstr(out,
                    "New leads come at the next tick after `basewatch reload`, as many as their owners' day has room for.\n");
}

static int diff_plays(struct bw_cli *cli)
{
  const char *dir = bw_cli_option(cli, "config"), *limit = bw_cli_option(cli, "limit");
  char *full = dir ? realpath(dir, NULL) : NULL;
  json_t *args = json_object(), *reply;
  struct bw_buf out = {0};
  int rc;
  if (dir && !full) {
    perror(dir);
    json_decref(args);
    return BW_EXIT_REFUSED;
  }
  if (full)
    json_object_set_new(args, "config", json_string(full));
  if (bw_cli_option(cli, "all"))
    json_object_set_new(args, "limit", json_integer(ALL_ROWS));
  else if (limit)
    json_object_set_new(args, "limit", json_integer(atoll(limit)));
  free(full);
  rc = bw_cli_ask(cli, "plays_diff", args, &reply);
  if (rc || !reply)
    return rc;
  put_diff(cli, &out, reply);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_plays(struct bw_cli *cli)
{
  if (cli->nargs && strcmp(cli->args[0], "diff") != 0)
    return bw_cli_usage(cli, "there is only \"diff\" after it, not %.64s", cli->args[0]);
  return cli->nargs ? diff_plays(cli) : list_plays(cli);
}
