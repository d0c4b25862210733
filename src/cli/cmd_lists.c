/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch rejected | unresolved | dead-letters | outbox | audit`: lists that differ by a table of columns.  Runs in the
 * command line; no privileges.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

enum how { AS_TEXT, AS_NUMBER, AS_TIME };
struct list_column {
  const char *header, *member;
  enum how how;
};

static void put_cell(struct bw_cli *cli, struct bw_table *t, const json_t *item, const struct list_column *c)
{
  const json_t *v = json_object_get(item, c->member);
  struct bw_buf b = {0};
  if (!v || json_is_null(v))
    bw_buf_add_cstr(&b, "");
  else if (c->how == AS_TIME && !cli->now_known)
    bw_put_time(&b, bw_get_time(item, c->member));
  else if (c->how == AS_TIME)
    bw_put_relative(&b, bw_get_time(item, c->member), cli->now);
  else
    bw_put_value(&b, v);
  bw_table_take(t, BW_PLAIN, &b);
  bw_buf_clear(&b);
}

static void put_list(struct bw_cli *cli, struct bw_buf *out, const json_t *items, const struct list_column *columns, size_t n)
{
  const char *headers[8];
  struct bw_table *t;
  const json_t *item;
  size_t i, k;
  for (k = 0; k < n; k++)
    headers[k] = columns[k].header;
  t = bw_table_new(cli, n, headers);
  json_array_foreach(items, i, item)
  {
    for (k = 0; k < n; k++)
      put_cell(cli, t, item, &columns[k]);
  }
  bw_table_end(&t, out, 0);
}

static json_t *limit_args(const struct bw_cli *cli)
{
  const char *limit = bw_cli_option(cli, "limit");
  json_t *args = json_object();
  if (limit)
    json_object_set_new(args, "limit", json_integer(atoll(limit)));
  return args;
}

static int show_list(struct bw_cli *cli, const char *command, const char *nothing, const struct list_column *columns, size_t n)
{
  json_t *reply;
  struct bw_buf out = {0};
  size_t shown;
  int rc = bw_cli_ask(cli, command, limit_args(cli), &reply);
  if (rc || !reply)
    return rc;
  shown = json_array_size(json_object_get(reply, "items"));
  if (shown == 0)
    bw_buf_printf(&out, "%s\n", nothing);
  else
    put_list(cli, &out, json_object_get(reply, "items"), columns, n);
  if (bw_get_num(reply, "total") > (double)shown)
    bw_buf_printf(&out, "\n%zu of %.0f; --limit shows more.\n", shown, bw_get_num(reply, "total"));
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

#define LIST(columns) columns, sizeof columns / sizeof columns[0]

int bw_cmd_rejected(struct bw_cli *cli)
{
  static const struct list_column columns[] = {{"WHEN", "at", AS_TIME},
                                               {"SOURCE~", "source", AS_TEXT},
                                               {"WHERE~", "where", AS_TEXT},
                                               {"WHY~", "reason", AS_TEXT},
                                               {"WHAT CAME~", "text", AS_TEXT}};
  return show_list(cli, "rejected", "Nothing was rejected.", LIST(columns));
}

int bw_cmd_unresolved(struct bw_cli *cli)
{
  static const struct list_column columns[] = {
      {">COUNT", "count", AS_NUMBER}, {"KIND", "kind", AS_TEXT}, {"WHO~", "subject", AS_TEXT},    {"WHAT~", "name", AS_TEXT},
      {"SOURCE~", "source", AS_TEXT}, {"LAST", "at", AS_TIME},   {"WHAT TO DO~", "hint", AS_TEXT}};
  return show_list(cli, "unresolved", "Every record belongs to an account.", LIST(columns));
}

int bw_cmd_dead_letters(struct bw_cli *cli)
{
  static const struct list_column columns[] = {{"WHEN", "at", AS_TIME},
                                               {"WATCHER", "watcher", AS_TEXT},
                                               {">OFFSET", "offset", AS_NUMBER},
                                               {"WHY~", "reason", AS_TEXT},
                                               {"RECORD~", "record", AS_TEXT}};
  return show_list(cli, "dead_letters", "No record was set aside.", LIST(columns));
}

int bw_cmd_outbox(struct bw_cli *cli)
{
  static const struct list_column columns[] = {
      {"LEAD", "lead", AS_TEXT},         {"STATE", "state", AS_TEXT},     {"TO~", "to", AS_TEXT},
      {"SUBJECT~", "subject", AS_TEXT},  {"APPROVED", "queued", AS_TIME}, {"SENT", "sent", AS_TIME},
      {">TRIES", "attempts", AS_NUMBER}, {"ERROR~", "error", AS_TEXT}};
  return show_list(cli, "outbox", "Nothing was approved yet.", LIST(columns));
}

/* ---- audit ---- */

static bool is_broken(const json_t *reply)
{
  return json_is_false(json_object_get(reply, "ok"));
}

static void put_verdict(struct bw_cli *cli, struct bw_buf *out, const json_t *reply)
{
  struct bw_buf b = {0};
  if (is_broken(reply)) {
    bw_buf_printf(&b,
                  "The record of decisions is BROKEN at entry %.0f: it was changed or cut by someone other than the daemon.",
                  bw_get_num(reply, "broken_at"));
    bw_put_styled(cli, out, BW_RED, bw_buf_cstr(&b));
  } else {
    bw_buf_printf(&b, "All %.0f entries are unbroken.",
                  isfinite(bw_get_num(reply, "entries")) ? bw_get_num(reply, "entries") : 0);
    bw_put_styled(cli, out, BW_GREEN, bw_buf_cstr(&b));
  }
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

int bw_cmd_audit(struct bw_cli *cli)
{
  static const struct list_column columns[] = {{">ENTRY", "seq", AS_NUMBER}, {"WHEN", "at", AS_TIME},
                                               {"WHO~", "who", AS_TEXT},     {"WHAT", "what", AS_TEXT},
                                               {"LEAD", "lead", AS_TEXT},    {"NOTE~", "note", AS_TEXT}};
  json_t *args = limit_args(cli), *reply;
  struct bw_buf out = {0};
  bool verify = cli->nargs > 0;
  int rc;
  if (verify && strcmp(cli->args[0], "verify") != 0) {
    json_decref(args);
    return bw_cli_usage(cli, "there is no audit %.64s", cli->args[0]);
  }
  if (verify)
    json_object_set_new(args, "verify", json_true());
  rc = bw_cli_fetch(cli, "audit", args, &reply);
  if (rc)
    return rc;
  bw_cli_take_now(cli, reply);
  if (cli->json) {
    char *text = json_dumps(reply, JSON_COMPACT);
    (void)printf("%s\n", text ? text : "{}");
    free(text);
  } else {
    if (!verify)
      put_list(cli, &out, json_object_get(reply, "items"), LIST(columns));
    if (verify || is_broken(reply))
      put_verdict(cli, &out, reply);
    bw_cli_print(&out);
  }
  rc = is_broken(reply) ? BW_EXIT_REFUSED : BW_EXIT_OK;
  bw_buf_clear(&out);
  json_decref(reply);
  return rc;
}
