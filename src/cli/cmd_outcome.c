/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch outcome`: what came of a lead.  Runs in the command line; no privileges. */
#include <math.h>
#include <stdio.h>

#include "cli/internal.h"

static void add(json_t *args, const struct bw_cli *cli, const char *name)
{
  const char *value = bw_cli_option(cli, name);
  if (value)
    json_object_set_new(args, name, json_string(value));
}

static json_t *request(const struct bw_cli *cli)
{
  static const char *const names[] = {"amount", "reason", "note", "at", "split"};
  const char *by = bw_cli_option(cli, "by") ? bw_cli_option(cli, "by") : cli->who;
  json_t *args = json_pack("{s:s,s:s}", "lead", cli->args[0], "outcome", cli->args[1]);
  size_t i;
  for (i = 0; args && i < sizeof names / sizeof *names; i++)
    add(args, cli, names[i]);
  if (args && by)
    json_object_set_new(args, "who", json_string(by));
  return args ? args : json_object();
}

static void put_deal(struct bw_buf *out, const json_t *deal, bool made)
{
  bw_buf_add_cstr(out, made ? "It is an opportunity now: " : "The opportunity: ");
  bw_put_safe(out, bw_get_str(deal, "name"), false);
  bw_buf_add_cstr(out, "\n  stage  ");
  bw_put_safe(out, bw_get_str(deal, "stage"), false);
  bw_buf_add_cstr(out, "\n  worth  ");
  bw_put_money(out, bw_get_num(deal, "amount"), bw_get_str(deal, "currency"));
  bw_buf_add_cstr(out, "\n  close  ");
  bw_put_safe(out, bw_get_str(deal, "close_date"), false);
  bw_buf_add_cstr(out, "\n  owner  ");
  bw_put_safe(out, bw_get_str(deal, "owner"), false);
  bw_buf_add_char(out, '\n');
  if (json_array_size(json_object_get(deal, "split"))) {
    bw_buf_add_cstr(out, "  credit ");
    bw_put_split(out, json_object_get(deal, "split"));
    bw_buf_add_char(out, '\n');
  }
}

int bw_cmd_outcome(struct bw_cli *cli)
{
  json_t *reply;
  const json_t *deal;
  struct bw_buf out = {0};
  int rc = bw_cli_ask(cli, "outcome", request(cli), &reply);
  if (rc || !reply)
    return rc;
  bw_put_safe(&out, cli->args[0], false);
  bw_buf_printf(&out, ": %s, said ", bw_get_str(reply, "outcome"));
  bw_put_safe(&out, *bw_get_str(reply, "who") ? bw_get_str(reply, "who") : "you", false);
  bw_buf_add_cstr(&out, ".\n");
  deal = json_object_get(reply, "deal");
  if (json_is_object(deal))
    put_deal(&out, deal, bw_get_bool(reply, "made"));
  if (bw_get_bool(reply, "closed"))
    bw_buf_add_cstr(&out, "The lead is closed.");
  if (bw_get_time(reply, "suppressed_until") != BW_TIME_NONE) {
    bw_buf_add_cstr(&out, "  The play is silent for this account until ");
    bw_put_time(&out, bw_get_time(reply, "suppressed_until"));
    bw_buf_add_char(&out, '.');
  }
  if (bw_get_bool(reply, "closed"))
    bw_buf_add_char(&out, '\n');
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
