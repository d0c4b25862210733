/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch inbox`: the leads that wait for a decision.  Runs in the command line; no privileges. */
#include <stdio.h>

#include "cli/internal.h"

static void put_summary(struct bw_cli *cli, struct bw_buf *out, const json_t *reply, const json_t *leads)
{
  size_t i, late = 0, ready = 0;
  const json_t *l;
  int64_t hidden = bw_get_int(reply, "hidden", 0);
  json_array_foreach(leads, i, l)
  {
    int64_t sla = bw_get_time(l, "sla");
    late += sla != BW_TIME_NONE && sla < cli->now;
    ready += bw_get_bool(l, "ready");
  }
  bw_buf_printf(out, "\n%zu lead%s, %zu ready to be approved", json_array_size(leads), json_array_size(leads) == 1 ? "" : "s",
                ready);
  if (late)
    bw_buf_printf(out, ", %zu overdue", late);
  if (hidden > 0)
    bw_buf_printf(out, "; %lld more over the daily budget", (long long)hidden);
  bw_buf_add_cstr(out, ".  `basewatch show LEAD` has everything about one.\n");
}

int bw_cmd_inbox(struct bw_cli *cli)
{
  const char *owner = bw_cli_option(cli, "owner");
  json_t *args = json_object(), *reply;
  struct bw_buf out = {0};
  int rc;
  if (owner)
    json_object_set_new(args, "owner", json_string(owner));
  if (bw_cli_option(cli, "all"))
    json_object_set_new(args, "all", json_true());
  rc = bw_cli_ask(cli, "inbox", args, &reply);
  if (rc || !reply)
    return rc;
  if (json_array_size(json_object_get(reply, "leads")) == 0) {
    bw_buf_add_cstr(&out, "Nothing waits for a decision.");
    if (owner)
      bw_buf_add_cstr(&out, "  Without --owner all owners' leads are shown.");
    bw_buf_add_char(&out, '\n');
  } else {
    bw_put_leads(cli, &out, json_object_get(reply, "leads"), 0);
    put_summary(cli, &out, reply, json_object_get(reply, "leads"));
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
