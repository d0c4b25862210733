/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch why-not`: which gate stands between an account and a play.  Runs in the command line; no privileges. */
#include <stdio.h>

#include "cli/explain.h"

static bool gate_passed(const json_t *gate)
{
  return strcmp(bw_get_str(gate, "result"), "pass") == 0 || strcmp(bw_get_str(gate, "result"), "diverted") == 0;
}

/* "account.tenure is 90 days": what decided it. */
static void put_values(struct bw_cli *cli, struct bw_buf *out, const json_t *values)
{
  struct bw_buf b = {0};
  const json_t *v;
  size_t i;
  json_array_foreach(values, i, v)
  {
    bool missing = *bw_get_str(v, "missing") != '\0';
    bw_buf_printf(&b, "%s%s is %s", i ? "; " : "", bw_get_str(v, "name"),
                  missing ? bw_get_str(v, "missing") : bw_get_str(v, "text"));
  }
  if (b.len) {
    bw_buf_add_cstr(out, "\n      ");
    bw_put_wrapped(cli, out, bw_buf_cstr(&b), 6);
  }
  bw_buf_clear(&b);
}

static void put_gate(struct bw_cli *cli, struct bw_buf *out, const json_t *g)
{
  bool passed = gate_passed(g);
  struct bw_buf b = {0};
  bw_buf_add_cstr(out, "    ");
  bw_put_styled(cli, out, passed ? BW_GREEN : BW_RED, passed ? "✓ " : "✗ ");
  bw_put_safe(out, bw_get_str(g, "name"), false);
  if (!passed) {
    bw_buf_printf(&b, "  needs %s", bw_get_str(g, "require"));
    bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
    put_values(cli, out, json_object_get(g, "values"));
  } else if (*bw_get_str(g, "otherwise")) {
    bw_buf_printf(&b, "  goes by route %s", bw_get_str(g, "otherwise"));
    bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
  }
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

/* Those that say something, and how many more pass. */
static void put_gates(struct bw_cli *cli, struct bw_buf *out, const json_t *gates)
{
  const json_t *g;
  size_t i, quiet = 0;
  json_array_foreach(gates, i, g)
  {
    if (!gate_passed(g) || *bw_get_str(g, "otherwise"))
      put_gate(cli, out, g);
    else
      quiet++;
  }
  if (quiet) {
    bw_buf_add_cstr(out, "    ");
    bw_put_styled(cli, out, BW_GREEN, "✓ ");
    bw_buf_printf(out, "%s%zu gate%s %s\n", quiet == json_array_size(gates) && quiet > 1 ? "all " : "", quiet,
                  quiet == 1 ? "" : "s", quiet == 1 ? "passes" : "pass");
  }
}

/* "counts: usage_near_limit 42.2 of 60": what stands behind the score; then what else could. */
static void put_points(struct bw_cli *cli, struct bw_buf *out, const json_t *points)
{
  struct bw_buf open = {0}, rest = {0};
  const json_t *p;
  size_t i;
  json_array_foreach(points, i, p)
  {
    struct bw_buf *b = bw_get_num(p, "points") > 0 ? &open : &rest;
    bw_buf_add_cstr(b, b->len ? ", " : b == &open ? "counts: " : "not open: ");
    bw_put_safe(b, bw_get_str(p, "signal"), false);
    bw_buf_add_char(b, ' ');
    if (b == &open) {
      bw_put_number(b, bw_get_num(p, "points"));
      bw_buf_add_cstr(b, " of ");
    }
    bw_put_number(b, bw_get_num(p, "weight"));
  }
  for (i = 0; i < 2; i++) {
    struct bw_buf *b = i ? &rest : &open;
    if (b->len) {
      bw_buf_add_cstr(out, "    ");
      bw_put_wrapped(cli, out, bw_buf_cstr(b), 4);
      bw_buf_add_char(out, '\n');
    }
    bw_buf_clear(b);
  }
}

/* All of it where one play was asked about; else what says something. */
static void put_play(struct bw_cli *cli, struct bw_buf *out, const json_t *p, bool only)
{
  bool fires = bw_get_bool(p, "fires");
  const char *blocked = bw_get_str(p, "blocked_by");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(p, "play"));
  bw_buf_add_cstr(out, "  ");
  bw_put_styled(cli, out, fires ? BW_GREEN : BW_YELLOW, fires ? "fires" : *blocked ? blocked : "does not fire");
  bw_buf_add_cstr(out, "\n  ");
  bw_put_sentence(cli, out, bw_get_str(p, "says"), 2);
  bw_buf_add_char(out, '\n');
  if (only) {
    bw_explain(cli, out, p);
    return;
  }
  put_gates(cli, out, json_object_get(p, "gates"));
  if (strcmp(blocked, "score") == 0 || strcmp(blocked, "signals") == 0)
    put_points(cli, out, json_object_get(json_object_get(p, "score"), "points"));
  if (bw_get_time(p, "suppressed_until") != BW_TIME_NONE) {
    bw_buf_add_cstr(out, "  Silent until ");
    bw_put_when(out, bw_get_time(p, "suppressed_until"), cli->now);
    bw_buf_add_cstr(out, ".\n");
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
  const json_t *p;
  struct bw_buf out = {0};
  size_t i;
  int rc;
  if (cli->nargs > 1)
    json_object_set_new(args, "play", json_string(cli->args[1]));
  rc = bw_cli_ask(cli, "why_not", args, &reply);
  if (rc || !reply)
    return rc;
  put_account(cli, &out, reply);
  json_array_foreach(json_object_get(reply, "plays"), i, p)
  {
    if (i)
      bw_buf_add_char(&out, '\n');
    put_play(cli, &out, p, cli->nargs > 1);
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
