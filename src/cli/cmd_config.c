/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch check | reload | tick`.  Runs in the command line; no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

static int say_checked(struct bw_cli *cli, const char *command, const char *good, const char *bad)
{
  json_t *reply;
  struct bw_buf out = {0};
  bool ok;
  int rc = bw_cli_fetch(cli, command, NULL, &reply);
  if (rc)
    return rc;
  ok = bw_get_bool(reply, "ok");
  if (cli->json) {
    char *text = json_dumps(reply, JSON_COMPACT);
    (void)printf("%s\n", text ? text : "{}");
    free(text);
  } else {
    bw_put_safe(&out, bw_get_str(reply, "text"), true);
    bw_buf_printf(&out, "%s", ok ? good : bad);
    if (bw_get_num(reply, "warnings") > 0)
      bw_buf_printf(&out, "  %.0f warning%s.", bw_get_num(reply, "warnings"), bw_get_num(reply, "warnings") == 1 ? "" : "s");
    bw_buf_add_char(&out, '\n');
    (void)fwrite(out.data, 1, out.len, ok ? stdout : stderr);
  }
  bw_buf_clear(&out);
  json_decref(reply);
  return ok ? BW_EXIT_OK : BW_EXIT_REFUSED;
}

int bw_cmd_check(struct bw_cli *cli)
{
  return say_checked(cli, "check", "The configuration on disk is right.", "The configuration on disk has errors.");
}

int bw_cmd_reload(struct bw_cli *cli)
{
  return say_checked(cli, "reload", "The configuration on disk is in use.",
                     "The configuration on disk has errors; the running one stays in use.");
}

int bw_cmd_tick(struct bw_cli *cli)
{
  json_t *reply;
  int64_t at;
  int rc;
  if (bw_time_parse(bw_str(cli->args[0]), &at))
    return bw_cli_usage(cli, "%.64s is no time; write 2026-11-22T01:00:00Z", cli->args[0]);
  rc = bw_cli_ask(cli, "tick", json_pack("{s:s}", "at", cli->args[0]), &reply);
  if (rc || !reply)
    return rc;
  (void)printf("The tick is record %lld.\n", (long long)bw_get_int(reply, "offset", 0));
  json_decref(reply);
  return BW_EXIT_OK;
}
