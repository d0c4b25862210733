/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch why-not`: which gate stands between an account and a play.  Runs in the command line; no privileges. */
#include <stdio.h>

#include "cli/internal.h"

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

static void put_gates(struct bw_cli *cli, struct bw_buf *out, const json_t *gates)
{
  struct bw_buf b = {0};
  const json_t *g;
  size_t i;
  json_array_foreach(gates, i, g)
  {
    bool passed = gate_passed(g);
    bw_buf_add_cstr(out, "    ");
    bw_put_styled(cli, out, passed ? BW_GREEN : BW_RED, passed ? "✓ " : "✗ ");
    bw_put_safe(out, bw_get_str(g, "name"), false);
    if (!passed) {
      bw_buf_printf(&b, "  needs %s", bw_get_str(g, "require"));
      bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
      bw_buf_reset(&b);
      put_values(cli, out, json_object_get(g, "values"));
    } else if (*bw_get_str(g, "otherwise")) {
      bw_buf_printf(&b, "  goes by route %s", bw_get_str(g, "otherwise"));
      bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
      bw_buf_reset(&b);
    }
    bw_buf_add_char(out, '\n');
  }
  bw_buf_clear(&b);
}

static void put_play(struct bw_cli *cli, struct bw_buf *out, const json_t *p)
{
  bool fires = bw_get_bool(p, "fires");
  const char *says = bw_get_str(p, "says");
  const char *blocked = bw_get_str(p, "blocked_by");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(p, "play"));
  bw_buf_add_cstr(out, "  ");
  bw_put_styled(cli, out, fires ? BW_GREEN : BW_YELLOW, fires ? "fires" : *blocked ? blocked : "does not fire");
  bw_buf_add_cstr(out, "\n  ");
  bw_put_wrapped(cli, out, says, 2);
  bw_buf_add_char(out, '\n');
  put_gates(cli, out, json_object_get(p, "gates"));
  if (bw_get_time(p, "suppressed_until") != BW_TIME_NONE) {
    bw_buf_add_cstr(out, "  Silent until ");
    bw_put_when(out, bw_get_time(p, "suppressed_until"), cli->now);
    bw_buf_add_cstr(out, ".\n");
  }
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
  json_array_foreach(json_object_get(reply, "plays"), i, p)
  {
    if (i)
      bw_buf_add_char(&out, '\n');
    put_play(cli, &out, p);
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
