/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch fill | edit | resend | release`: what people put right before they decide.  Runs in the command line; no
 * privileges. */
#include <errno.h>
#include <stdio.h>

#include "cli/internal.h"

#define BODY_MAX (64 * 1024)

static json_t *arguments(const struct bw_cli *cli, const char *lead)
{
  json_t *args = json_object();
  if (lead)
    json_object_set_new(args, "lead", json_string(lead));
  if (cli->who)
    json_object_set_new(args, "who", json_string(cli->who));
  return args;
}

static void put_version(struct bw_cli *cli, struct bw_buf *out, const json_t *reply)
{
  const json_t *missing = json_object_get(reply, "missing");
  const char *hash = bw_get_str(reply, "hash");
  bw_buf_printf(out, "The draft of %s is at version %lld now", cli->args[0], (long long)bw_get_int(reply, "version", 0));
  if (json_array_size(missing)) {
    bw_buf_add_cstr(out, "; still missing:\n");
    bw_put_gaps(cli, out, cli->args[0], missing);
    return;
  }
  bw_buf_printf(out, ", and complete.  Read it once more, then approve it:\n  basewatch show %s\n", cli->args[0]);
  bw_buf_printf(out, "  basewatch approve %s --hash %.16s\n", cli->args[0], hash);
}

/* Takes args. */
static int change(struct bw_cli *cli, const char *command, json_t *args)
{
  const char *given = bw_cli_option(cli, "hash");
  char hash[129];
  struct bw_buf out = {0};
  json_t *reply;
  int rc = given ? bw_cli_full_hash(cli, given, hash, sizeof hash) : BW_EXIT_OK;
  if (rc) {
    json_decref(args);
    return rc;
  }
  if (given)
    json_object_set_new(args, "hash", json_string(hash));
  rc = bw_cli_ask(cli, command, args, &reply);
  if (rc || !reply)
    return rc;
  put_version(cli, &out, reply);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_fill(struct bw_cli *cli)
{
  json_t *args = arguments(cli, cli->args[0]);
  json_object_set_new(args, "name", json_string(cli->args[1]));
  json_object_set_new(args, "value", json_string(cli->args[2]));
  return change(cli, "fill", args);
}

/* ---- edit ---- */

/* The file as it is, but for the line ends of other systems. */
static int read_body(const char *name, struct bw_buf *out)
{
  FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
  char chunk[4096];
  size_t n, i;
  bool bad;
  if (!f) {
    (void)fprintf(stderr, "basewatch: %s: %s\n", name, strerror(errno));
    return BW_EXIT_REFUSED;
  }
  while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && out->len <= BODY_MAX)
    for (i = 0; i < n; i++)
      if (chunk[i] != '\r')
        bw_buf_add_char(out, chunk[i]);
  bad = ferror(f) != 0;
  if (f != stdin)
    (void)fclose(f);
  if (bad || out->len > BODY_MAX || !bw_utf8_valid(out->data, out->len)) {
    (void)fprintf(stderr, "basewatch: %s: %s\n", name,
                  bad                   ? "cannot be read"
                  : out->len > BODY_MAX ? "is longer than 64 KiB; a message is not"
                                        : "is not UTF-8 text");
    return BW_EXIT_REFUSED;
  }
  return BW_EXIT_OK;
}

int bw_cmd_edit(struct bw_cli *cli)
{
  const char *file = bw_cli_option(cli, "body-file"), *subject = bw_cli_option(cli, "subject"), *to = bw_cli_option(cli, "to");
  struct bw_buf body = {0};
  json_t *args;
  int rc;
  if ((file != NULL) + (subject != NULL) + (to != NULL) != 1)
    return bw_cli_usage(cli, "one of --to, --subject and --body-file is needed; each is a change of its own");
  rc = file ? read_body(file, &body) : BW_EXIT_OK;
  if (rc == BW_EXIT_OK) {
    args = arguments(cli, cli->args[0]);
    if (file)
      json_object_set_new(args, "body", json_stringn(bw_buf_cstr(&body), body.len));
    else
      json_object_set_new(args, subject ? "subject" : "to", json_string(subject ? subject : to));
    rc = change(cli, "edit", args);
  }
  bw_buf_clear(&body);
  return rc;
}

/* ---- resend, release ---- */

int bw_cmd_resend(struct bw_cli *cli)
{
  json_t *reply;
  struct bw_buf out = {0};
  int rc = bw_cli_ask(cli, "resend", arguments(cli, cli->args[0]), &reply);
  if (rc || !reply)
    return rc;
  bw_buf_printf(&out, "The message of %s is on its way again; `basewatch outbox` shows whether it arrived.\n", cli->args[0]);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_release(struct bw_cli *cli)
{
  json_t *args = arguments(cli, NULL), *reply;
  struct bw_buf out = {0};
  int64_t n;
  int rc;
  if (cli->nargs)
    json_object_set_new(args, "signal", json_string(cli->args[0]));
  rc = bw_cli_ask(cli, "release", args, &reply);
  if (rc || !reply)
    return rc;
  n = bw_get_int(reply, "released", 0);
  if (n == 0) {
    bw_buf_add_cstr(&out, "Nothing is held back.\n");
  } else {
    bw_buf_printf(&out, "%lld held signal%s released; the plays weigh %s at the next tick, ", (long long)n,
                  n == 1 ? " is" : "s are", n == 1 ? "it" : "them");
    bw_put_time(&out, bw_get_time(reply, "next_tick"));
    bw_buf_add_cstr(&out, ".\n");
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
