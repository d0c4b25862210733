/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch why-not`: which gate stands between an account and a play.  Runs in the command line; no privileges. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"

/* How far a play is from a lead: what stops it, from the last question that it asks to the first. */
static const char *const nearest_first[] = {"",          "open_lead", "suppressed", "nothing_new", "floor",  "estimate",
                                            "readiness", "score",     "timing",     "gate",        "signals"};
#define NBLOCKS (sizeof nearest_first / sizeof *nearest_first)

static size_t distance(const json_t *play)
{
  const char *blocked = bw_get_str(play, "blocked_by");
  size_t i;
  for (i = 0; i < NBLOCKS && strcmp(blocked, nearest_first[i]) != 0; i++)
    ;
  return i;
}

static size_t failed_gates(const json_t *play)
{
  const json_t *g;
  size_t i, n = 0;
  json_array_foreach(json_object_get(play, "gates"), i, g)
  {
    n += strcmp(bw_get_str(g, "result"), "pass") != 0 && strcmp(bw_get_str(g, "result"), "diverted") != 0;
  }
  return n;
}

static double gap(const json_t *play)
{
  double d = bw_get_num(json_object_get(play, "score"), "gap");
  return isfinite(d) ? d : 0;
}

static int compare(const void *a, const void *b)
{
  const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
  size_t fx = failed_gates(x), fy = failed_gates(y);
  if (distance(x) != distance(y))
    return distance(x) < distance(y) ? -1 : 1;
  if (fx != fy)
    return fx < fy ? -1 : 1;
  if (gap(x) < gap(y) || gap(x) > gap(y))
    return gap(x) < gap(y) ? -1 : 1;
  return strcmp(bw_get_str(x, "play"), bw_get_str(y, "play"));
}

/* The plays, the one that is nearest to a lead first.  The caller frees the list. */
static const json_t **sort_plays(const json_t *plays, size_t n)
{
  const json_t **sorted = bw_calloc(n + 1, sizeof *sorted);
  size_t i;
  for (i = 0; i < n; i++)
    sorted[i] = json_array_get(plays, i);
  qsort(sorted, n, sizeof *sorted, compare);
  return sorted;
}

/* A line for each play. */
static void put_plays(struct bw_cli *cli, struct bw_buf *out, const json_t *plays)
{
  size_t n = json_array_size(plays), i;
  const json_t **sorted BW_AUTOFREE = sort_plays(plays, n);
  struct bw_table *t = bw_table_new(cli, 3, (const char *const[]){"PLAY", "STOPPED BY", "WHY~"});
  for (i = 0; i < n; i++) {
    const char *blocked = bw_get_str(sorted[i], "blocked_by");
    const char *p;
    struct bw_buf word = {0};
    for (p = *blocked ? blocked : bw_get_bool(sorted[i], "fires") ? "fires" : "-"; *p; p++)
      bw_buf_add_char(&word, *p == '_' ? ' ' : *p);
    bw_table_add(t, BW_BOLD, bw_get_str(sorted[i], "play"));
    bw_table_take(t, *blocked ? BW_YELLOW : BW_GREEN, &word);
    bw_table_add(t, BW_PLAIN, bw_get_str(sorted[i], "says"));
    bw_buf_clear(&word);
  }
  bw_table_end(&t, out, 0);
}

/* One play, in full. */
static void put_play(struct bw_cli *cli, struct bw_buf *out, const json_t *p)
{
  bool fires = bw_get_bool(p, "fires");
  const char *blocked = bw_get_str(p, "blocked_by");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(p, "play"));
  bw_buf_add_cstr(out, "  ");
  bw_put_styled(cli, out, fires ? BW_GREEN : BW_YELLOW, fires ? "fires" : *blocked ? blocked : "does not fire");
  bw_buf_add_cstr(out, "\n  ");
  bw_put_sentence(cli, out, bw_get_str(p, "says"), 2);
  bw_buf_add_char(out, '\n');
  bw_explain(cli, out, p);
}

static void put_plays_in_full(struct bw_cli *cli, struct bw_buf *out, const json_t *plays)
{
  size_t n = json_array_size(plays), i;
  const json_t **sorted BW_AUTOFREE = sort_plays(plays, n);
  for (i = 0; i < n; i++) {
    if (i)
      bw_buf_add_char(out, '\n');
    put_play(cli, out, sorted[i]);
  }
}

static void put_account(struct bw_cli *cli, struct bw_buf *out, const json_t *reply)
{
  const char *id = bw_get_str(reply, "account"), *name = bw_get_str(reply, "name");
  bw_put_styled(cli, out, BW_BOLD, *name ? name : id);
  if (*name && strcmp(name, id) != 0) {
    bw_buf_add_cstr(out, " (");
    bw_put_safe(out, id, false);
    bw_buf_add_char(out, ')');
  }
  bw_buf_add_cstr(out, "\n\n");
}

int bw_cmd_why_not(struct bw_cli *cli)
{
  json_t *args = json_pack("{s:s}", "account", cli->args[0]), *reply;
  const json_t *plays;
  struct bw_buf out = {0};
  int rc;
  if (cli->nargs > 1)
    json_object_set_new(args, "play", json_string(cli->args[1]));
  rc = bw_cli_ask(cli, "why_not", args, &reply);
  if (rc || !reply)
    return rc;
  plays = json_object_get(reply, "plays");
  put_account(cli, &out, reply);
  if (cli->nargs > 1 || bw_cli_option(cli, "all")) {
    put_plays_in_full(cli, &out, plays);
  } else {
    put_plays(cli, &out, plays);
    bw_buf_add_cstr(&out, "\n`basewatch why-not ");
    bw_put_safe(&out, bw_get_str(reply, "account"), false);
    bw_buf_add_cstr(&out, " PLAY` has everything about one, and --all about each.\n");
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
