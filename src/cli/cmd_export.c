/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch export`: the journal's records as JSON lines, page by page.  Runs in the command line; no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

#define PAGE 5000

static int put_items(const json_t *items, int64_t *left)
{
  const json_t *item;
  size_t i;
  json_array_foreach(items, i, item)
  {
    char *line;
    if ((*left)-- <= 0)
      return BW_EXIT_OK;
    line = json_dumps(item, JSON_COMPACT);
    if (line && (fputs(line, stdout) == EOF || fputc('\n', stdout) == EOF)) {
      free(line);
      return BW_EXIT_REFUSED;
    }
    free(line);
  }
  return BW_EXIT_OK;
}

/* What is missing is no less missed because the rest is there. */
static int say_lost(int64_t lost)
{
  if (lost == 0)
    return BW_EXIT_OK;
  (void)fprintf(stderr,
                "basewatch: %lld record%s missing here: the journal lost %s to damage (notices `journal_damaged` in `basewatch "
                "status` and the log name the offsets); send %s again if the source still has %s\n",
                (long long)lost, lost == 1 ? " is" : "s are", lost == 1 ? "it" : "them", lost == 1 ? "it" : "them",
                lost == 1 ? "it" : "them");
  return BW_EXIT_REFUSED;
}

int bw_cmd_export(struct bw_cli *cli)
{
  const char *from_text = bw_cli_option(cli, "from"), *limit = bw_cli_option(cli, "limit");
  int64_t from = from_text ? atoll(from_text) : 1, left = limit ? atoll(limit) : INT64_MAX, next, lost = 0;
  bool end = false;
  int rc = BW_EXIT_OK;
  if (from < 1 || left < 1)
    return bw_cli_usage(cli, "--from and --limit are numbers from 1 on");
  while (!end && left > 0 && rc == BW_EXIT_OK) {
    json_t *reply;
    rc = bw_cli_fetch(cli, "records",
                      json_pack("{s:I,s:I}", "from", (json_int_t)from, "limit", (json_int_t)(left < PAGE ? left : PAGE)),
                      &reply);
    if (rc)
      return rc;
    rc = put_items(json_object_get(reply, "items"), &left);
    lost += bw_get_int(reply, "lost", 0);
    next = bw_get_int(reply, "next", from);
    end = bw_get_bool(reply, "end") || next <= from;
    from = next;
    json_decref(reply);
  }
  return rc == BW_EXIT_OK ? say_lost(lost) : rc;
}
