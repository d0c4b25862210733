/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch why LEAD`: the evaluation that opened it, in full.  Runs in the command line; no privileges. */
#include <stdlib.h>

#include "cli/explain.h"

static void put_title(struct bw_cli *cli, struct bw_buf *out, const json_t *reply, const json_t *why)
{
  const char *name = bw_get_str(reply, "name");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(reply, "lead"));
  bw_buf_add_cstr(out, "  ");
  bw_put_safe(out, bw_get_str(why, "play"), false);
  bw_buf_add_cstr(out, " for ");
  bw_put_safe(out, *name ? name : bw_get_str(reply, "account"), false);
  bw_buf_add_cstr(out, ", as evaluated ");
  bw_put_when(out, bw_get_time(why, "at"), cli->now);
  if (strcmp(bw_get_str(why, "mode"), "live") != 0) {
    bw_buf_add_cstr(out, ", ");
    bw_put_safe(out, bw_get_str(why, "mode"), false);
  }
  bw_buf_add_char(out, '\n');
}

int bw_cmd_why(struct bw_cli *cli)
{
  json_t *reply;
  const json_t *why;
  struct bw_buf out = {0};
  int rc = bw_cli_fetch(cli, "show", json_pack("{s:s}", "lead", cli->args[0]), &reply);
  if (rc || !reply)
    return rc;
  bw_cli_take_now(cli, reply);
  why = json_object_get(reply, "why");
  if (cli->json) {
    char *text = json_dumps(why, JSON_COMPACT | JSON_ENCODE_ANY);
    bw_buf_add_cstr(&out, text ? text : "null");
    bw_buf_add_char(&out, '\n');
    free(text);
  } else {
    put_title(cli, &out, reply, why);
    bw_explain(cli, &out, why);
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
