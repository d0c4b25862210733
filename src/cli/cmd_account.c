/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch account`, `basewatch signals`: what is known, what has shifted.  Runs in the command line; no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/internal.h"

static void section(struct bw_cli *cli, struct bw_buf *out, const char *title)
{
  bw_buf_add_char(out, '\n');
  bw_put_styled(cli, out, BW_BOLD, title);
  bw_buf_add_char(out, '\n');
}

static void put_fields(struct bw_cli *cli, struct bw_buf *out, const char *title, const json_t *list)
{
  struct bw_table *t;
  struct bw_buf b = {0};
  const json_t *f;
  size_t i;
  if (json_array_size(list) == 0)
    return;
  section(cli, out, title);
  t = bw_table_new(cli, 3, (const char *const[]){"", "~", ""});
  json_array_foreach(list, i, f)
  {
    bw_table_add(t, BW_DIM, bw_get_str(f, "name"));
    bw_put_value(&b, json_object_get(f, "value") ? json_object_get(f, "value") : json_null());
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_addf(t, BW_DIM, "record %lld", (long long)bw_get_int(f, "source", 0));
  }
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

static void put_contacts(struct bw_cli *cli, struct bw_buf *out, const json_t *list)
{
  struct bw_table *t;
  const json_t *c;
  size_t i;
  if (json_array_size(list) == 0)
    return;
  section(cli, out, "Contacts");
  t = bw_table_new(cli, 5, (const char *const[]){"", "~", "~", "", ""});
  json_array_foreach(list, i, c)
  {
    bw_table_add(t, BW_PLAIN, *bw_get_str(c, "name") ? bw_get_str(c, "name") : bw_get_str(c, "contact"));
    bw_table_add(t, BW_PLAIN, bw_get_str(c, "title"));
    bw_table_add(t, BW_PLAIN, bw_get_str(c, "email"));
    bw_table_add(t, BW_PLAIN, bw_get_str(c, "role"));
    bw_table_add(t, BW_RED, bw_get_bool(c, "do_not_contact") ? "do not contact" : "");
  }
  bw_table_end(&t, out, 2);
}

static void put_opportunities(struct bw_cli *cli, struct bw_buf *out, const json_t *list)
{
  struct bw_table *t;
  struct bw_buf b = {0};
  const json_t *o;
  size_t i;
  if (json_array_size(list) == 0)
    return;
  section(cli, out, "Opportunities");
  t = bw_table_new(cli, 6, (const char *const[]){"", "", "", ">", "", ""});
  json_array_foreach(list, i, o)
  {
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "opportunity"));
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "kind"));
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "stage"));
    bw_put_money(&b, bw_get_num(o, "amount"), "");
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "close_date"));
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "outcome"));
  }
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

static void put_trait_value(struct bw_buf *out, const json_t *t)
{
  const char *unit = bw_get_str(t, "unit");
  const json_t *value = json_object_get(t, "value");
  if (strcmp(unit, "ms") == 0 && json_is_number(value)) {
    bw_put_time(out, (int64_t)json_number_value(value));
    return;
  }
  bw_put_value(out, value ? value : json_null());
  if (*unit && strcmp(unit, "ratio") != 0 && strcmp(unit, "share") != 0)
    bw_buf_printf(out, " %s", unit);
}

static void put_traits(struct bw_cli *cli, struct bw_buf *out, const json_t *list)
{
  struct bw_table *t;
  struct bw_buf b = {0};
  const json_t *v;
  size_t i;
  if (json_array_size(list) == 0)
    return;
  section(cli, out, "Traits");
  t = bw_table_new(cli, 3, (const char *const[]){"", "~", ""});
  json_array_foreach(list, i, v)
  {
    bw_put_safe(&b, bw_get_str(v, "trait"), false);
    if (*bw_get_str(v, "key")) {
      bw_buf_add_char(&b, '[');
      bw_put_safe(&b, bw_get_str(v, "key"), false);
      bw_buf_add_char(&b, ']');
    }
    bw_table_take(t, BW_DIM, &b);
    put_trait_value(&b, v);
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_relative(&b, bw_get_time(v, "at"), cli->now);
    bw_table_take(t, BW_DIM, &b);
  }
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

int bw_cmd_account(struct bw_cli *cli)
{
  json_t *reply;
  struct bw_buf out = {0};
  int rc = bw_cli_ask(cli, "account", json_pack("{s:s}", "account", cli->args[0]), &reply);
  if (rc || !reply)
    return rc;
  bw_put_styled(cli, &out, BW_BOLD, *bw_get_str(reply, "name") ? bw_get_str(reply, "name") : cli->args[0]);
  bw_buf_add_cstr(&out, " (");
  bw_put_safe(&out, bw_get_str(reply, "account"), false);
  bw_buf_add_cstr(&out, ")\n");
  if (json_array_size(json_object_get(reply, "leads"))) {
    section(cli, &out, "Leads");
    bw_put_leads(cli, &out, json_object_get(reply, "leads"), 2);
  }
  if (json_array_size(json_object_get(reply, "signals"))) {
    section(cli, &out, "Signals");
    bw_put_signals(cli, &out, json_object_get(reply, "signals"), false, 2);
  }
  put_fields(cli, &out, "Account", json_object_get(reply, "fields"));
  put_fields(cli, &out, "Subscription", json_object_get(reply, "subscription"));
  put_contacts(cli, &out, json_object_get(reply, "contacts"));
  put_opportunities(cli, &out, json_object_get(reply, "opportunities"));
  put_traits(cli, &out, json_object_get(reply, "traits"));
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

int bw_cmd_signals(struct bw_cli *cli)
{
  const char *account = cli->nargs ? cli->args[0] : bw_cli_option(cli, "account");
  const char *limit = bw_cli_option(cli, "limit");
  json_t *args = json_object(), *reply;
  struct bw_buf out = {0};
  size_t shown;
  int rc;
  if (account)
    json_object_set_new(args, "account", json_string(account));
  if (bw_cli_option(cli, "all"))
    json_object_set_new(args, "all", json_true());
  if (limit)
    json_object_set_new(args, "limit", json_integer(atoll(limit)));
  rc = bw_cli_ask(cli, "signals", args, &reply);
  if (rc || !reply)
    return rc;
  shown = json_array_size(json_object_get(reply, "items"));
  if (shown == 0) {
    bw_buf_add_cstr(&out, "Nothing has shifted.\n");
  } else {
    bw_put_signals(cli, &out, json_object_get(reply, "items"), account == NULL, 0);
    if (bw_get_num(reply, "total") > (double)shown)
      bw_buf_printf(&out, "\n%zu of %.0f; --limit shows more.\n", shown, bw_get_num(reply, "total"));
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
