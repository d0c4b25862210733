/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch approve | reject | snooze`: an owner's decision.  Runs in the command line; no privileges. */
#include <stdio.h>

#include "cli/internal.h"

#define SNOOZE_MOST (366 * BW_DAY) /* as core takes it (control/commands.c) */

#define HASH_MIN 12 /* hex digits that tell one draft from another for a person */

static json_t *decision(const struct bw_cli *cli)
{
  json_t *args = json_pack("{s:s}", "lead", cli->args[0]);
  if (args && cli->who)
    json_object_set_new(args, "who", json_string(cli->who));
  return args ? args : json_object();
}

static void put_who(struct bw_buf *out, const json_t *reply)
{
  bw_buf_add_cstr(out, " by ");
  bw_put_safe(out, *bw_get_str(reply, "who") ? bw_get_str(reply, "who") : "you", false);
}

/* A shortened hash given by hand stands for the present one only if it is its beginning: else the draft is not the one that was
   read. */
int bw_cli_full_hash(struct bw_cli *cli, const char *given, char *out, size_t size)
{
  json_t *lead;
  const char *hash;
  int rc = bw_cli_fetch(cli, "show", json_pack("{s:s}", "lead", cli->args[0]), &lead);
  if (rc)
    return rc;
  hash = bw_get_str(json_object_get(lead, "draft"), "hash");
  if (!*hash) {
    const char *blocked = bw_get_str(lead, "blocked");
    (void)fprintf(stderr, "basewatch: %s%s\n", *blocked ? "" : cli->args[0],
                  *blocked ? blocked : " has no draft; there is nothing to decide");
    rc = BW_EXIT_REFUSED;
  } else if (given && strncmp(hash, given, strlen(given)) != 0) {
    (void)fprintf(stderr, "basewatch: the draft of %s is not the one with hash %.64s; read it again: basewatch show %s\n",
                  cli->args[0], given, cli->args[0]);
    rc = BW_EXIT_REFUSED;
  } else {
    (void)snprintf(out, size, "%s", hash);
  }
  json_decref(lead);
  return rc;
}

int bw_cmd_approve(struct bw_cli *cli)
{
  const char *given = bw_cli_option(cli, "hash");
  char hash[129];
  json_t *args, *reply;
  struct bw_buf out = {0};
  int rc = BW_EXIT_OK;
  if (given && strlen(given) < HASH_MIN)
    return bw_cli_usage(cli, "--hash needs at least the first %d digits of what `basewatch show` prints", HASH_MIN);
  if (given && strlen(given) >= 64)
    (void)snprintf(hash, sizeof hash, "%s", given);
  else
    rc = bw_cli_full_hash(cli, given, hash, sizeof hash);
  if (rc)
    return rc;
  args = decision(cli);
  json_object_set_new(args, "hash", json_string(hash));
  if (bw_cli_option(cli, "anyway"))
    json_object_set_new(args, "anyway", json_true());
  rc = bw_cli_ask(cli, "approve", args, &reply);
  if (rc || !reply)
    return rc;
  bw_buf_printf(&out, "%s is approved", cli->args[0]);
  put_who(&out, reply);
  bw_buf_add_cstr(&out, ": the text with hash\n  ");
  bw_put_safe(&out, *bw_get_str(reply, "hash") ? bw_get_str(reply, "hash") : hash, false);
  if (*bw_get_str(reply, "deliver")) {
    bw_buf_add_cstr(&out, "\nIt goes to ");
    bw_put_safe(&out, bw_get_str(reply, "deliver"), false);
    bw_buf_add_cstr(&out, ", once.  `basewatch outbox` shows whether it is there.");
  }
  bw_buf_add_char(&out, '\n');
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_reject(struct bw_cli *cli)
{
  const char *reason = bw_cli_option(cli, "reason");
  json_t *args, *reply;
  struct bw_buf out = {0};
  int rc;
  if (!reason || !*reason)
    return bw_cli_usage(cli, "--reason is needed: one sentence, which the measuring of plays counts");
  args = decision(cli);
  json_object_set_new(args, "reason", json_string(reason));
  rc = bw_cli_ask(cli, "reject", args, &reply);
  if (rc || !reply)
    return rc;
  bw_buf_printf(&out, "%s is rejected", cli->args[0]);
  put_who(&out, reply);
  bw_buf_add_char(&out, '.');
  if (bw_get_time(reply, "suppressed_until") != BW_TIME_NONE) {
    bw_buf_add_cstr(&out, "  The play is silent for this account until ");
    bw_put_time(&out, bw_get_time(reply, "suppressed_until"));
    bw_buf_add_char(&out, '.');
  }
  bw_buf_add_char(&out, '\n');
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_note(struct bw_cli *cli)
{
  json_t *args = decision(cli), *reply;
  struct bw_buf out = {0};
  int rc;
  json_object_set_new(args, "text", json_string(cli->args[1]));
  rc = bw_cli_ask(cli, "note", args, &reply);
  if (rc || !reply)
    return rc;
  bw_buf_printf(&out, "%s has a note", cli->args[0]);
  put_who(&out, reply);
  bw_buf_add_cstr(&out, "; `basewatch show` has it under History.\n");
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_snooze(struct bw_cli *cli)
{
  const char *text = bw_cli_option(cli, "for");
  int64_t ms;
  json_t *args, *reply;
  struct bw_buf out = {0};
  int rc;
  if (!text || bw_duration_parse(bw_str(text), &ms) || ms < BW_MINUTE || ms > SNOOZE_MOST)
    return bw_cli_usage(cli, "--for needs a time span from 1m to 366d, such as 4h, 7d or 2w");
  args = decision(cli);
  json_object_set_new(args, "for_ms", json_integer(ms));
  rc = bw_cli_ask(cli, "snooze", args, &reply);
  if (rc || !reply)
    return rc;
  bw_buf_printf(&out, "%s is snoozed", cli->args[0]);
  put_who(&out, reply);
  bw_buf_add_cstr(&out, " until ");
  bw_put_time(&out, bw_get_time(reply, "snoozed_until"));
  bw_buf_add_cstr(&out, "; then it is in the inbox again.\n");
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
