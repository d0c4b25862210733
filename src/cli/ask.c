/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the daemon, and reading what it says.  Runs in the command line; no privileges but to open the socket. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

void bw_cli_print(const struct bw_buf *out)
{
  (void)fwrite(out->data, 1, out->len, stdout);
}

int bw_cli_fail(const struct bw_error *err)
{
  struct bw_buf out = {0}, dated = {0};
  bw_put_dates(&dated, err->message);
  bw_put_safe(&out, bw_buf_cstr(&dated), true);
  (void)fprintf(stderr, "basewatch: %s\n", bw_buf_cstr(&out));
  bw_buf_clear(&out);
  bw_buf_clear(&dated);
  return err->code == BW_EPEER || err->code == BW_ETIMEOUT ? BW_EXIT_UNREACHABLE : BW_EXIT_REFUSED;
}

int bw_cli_usage(const struct bw_cli *cli, const char *fmt, ...)
{
  va_list ap;
  (void)fprintf(stderr, "basewatch %s: ", cli->command->name);
  va_start(ap, fmt);
  (void)vfprintf(stderr, fmt, ap);
  va_end(ap);
  (void)fprintf(stderr, "\nusage: basewatch %s %s\n", cli->command->name, cli->command->synopsis);
  return BW_EXIT_USAGE;
}

int bw_cli_connect(struct bw_cli *cli)
{
  struct bw_error err;
  char *path;
  int rc;
  if (cli->link)
    return BW_EXIT_OK;
  path = cli->socket ? bw_strdup(cli->socket) : bw_asprintf("%s/control.sock", cli->state);
  rc = bw_control_open(path, cli->timeout_ms, &cli->link, &err);
  free(path);
  return rc ? bw_cli_fail(&err) : BW_EXIT_OK;
}

static int ask(struct bw_cli *cli, const char *command, json_t *args, struct bw_buf *out)
{
  struct bw_error err;
  int rc = bw_cli_connect(cli);
  if (rc == BW_EXIT_OK && bw_control_call(cli->link, command, args, out, &err))
    rc = bw_cli_fail(&err);
  json_decref(args);
  return rc;
}

static int parse(const struct bw_buf *out, json_t **ret_reply)
{
  struct bw_error err;
  json_t *reply = json_loadb(out->data ? out->data : "", out->len, 0, NULL);
  if (reply) {
    *ret_reply = reply;
    return BW_EXIT_OK;
  }
  (void)bw_fail(&err, BW_EPEER, BW_CLASS_BUG, "the daemon's answer cannot be read; are its version and this one the same?");
  return bw_cli_fail(&err);
}

int bw_cli_fetch(struct bw_cli *cli, const char *command, json_t *args, json_t **ret_reply)
{
  struct bw_buf out = {0};
  int rc = ask(cli, command, args, &out);
  *ret_reply = NULL;
  if (rc == BW_EXIT_OK)
    rc = parse(&out, ret_reply);
  bw_buf_clear(&out);
  return rc;
}

int bw_cli_ask(struct bw_cli *cli, const char *command, json_t *args, json_t **ret_reply)
{
  struct bw_buf out = {0};
  int rc = ask(cli, command, args, &out);
  *ret_reply = NULL;
  if (rc == BW_EXIT_OK && cli->json) {
    bw_buf_add_char(&out, '\n');
    bw_cli_print(&out);
  } else if (rc == BW_EXIT_OK) {
    rc = parse(&out, ret_reply);
    if (rc == BW_EXIT_OK)
      bw_cli_take_now(cli, *ret_reply);
  }
  bw_buf_clear(&out);
  return rc;
}

void bw_cli_take_now(struct bw_cli *cli, const json_t *reply)
{
  int64_t now = bw_get_time(reply, "now");
  if (now == BW_TIME_NONE)
    return;
  cli->now = now;
  cli->now_known = true;
}

/* ---- reading ---- */

const char *bw_get_str(const json_t *o, const char *name)
{
  const char *s = json_string_value(json_object_get(o, name));
  return s ? s : "";
}

double bw_get_num(const json_t *o, const char *name)
{
  const json_t *v = json_object_get(o, name);
  return json_is_number(v) ? json_number_value(v) : NAN;
}

int64_t bw_get_int(const json_t *o, const char *name, int64_t missing)
{
  double v = bw_get_num(o, name);
  return isfinite(v) && fabs(v) < 9e18 ? (int64_t)v : missing;
}

bool bw_get_bool(const json_t *o, const char *name)
{
  return json_is_true(json_object_get(o, name));
}

int64_t bw_get_time(const json_t *o, const char *name)
{
  int64_t t;
  const char *s = bw_get_str(o, name);
  return *s && bw_time_parse(bw_str(s), &t) == 0 ? t : BW_TIME_NONE;
}
