/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch deals`, and what `show` prints of a lead's deal.  Runs in the command line; no privileges. */
#include <math.h>
#include <stdio.h>

#include "cli/internal.h"

void bw_put_split(struct bw_buf *out, const json_t *split)
{
  const json_t *part;
  size_t i;
  json_array_foreach(split, i, part)
  {
    const char *person = bw_get_str(part, "person");
    if (i)
      bw_buf_add_cstr(out, ", ");
    bw_put_safe(out, bw_get_str(part, "who"), false);
    if (*person) {
      bw_buf_add_cstr(out, " (");
      bw_put_safe(out, person, false);
      bw_buf_add_char(out, ')');
    }
    bw_buf_add_char(out, ' ');
    bw_put_number(out, bw_get_num(part, "percent"));
    bw_buf_add_cstr(out, " %");
  }
}

static void put_flags(struct bw_buf *out, const json_t *deal)
{
  const json_t *flags = json_object_get(deal, "flags"), *flag;
  size_t i;
  if (strcmp(bw_get_str(deal, "state"), "open") != 0)
    bw_buf_add_cstr(out, bw_get_str(deal, "state"));
  json_array_foreach(flags, i, flag) bw_buf_printf(out, "%s%s", i ? ", " : "", json_string_value(flag));
}

static void put_row(struct bw_table *t, const json_t *deal)
{
  bool flagged = json_array_size(json_object_get(deal, "flags")) > 0;
  struct bw_buf b = {0};
  bw_table_add(t, BW_PLAIN, bw_get_str(deal, "lead"));
  bw_table_add(t, BW_BOLD, bw_get_str(deal, "name"));
  bw_table_add(t, BW_PLAIN, bw_get_str(deal, "account"));
  bw_table_add(t, BW_PLAIN, bw_get_str(deal, "owner"));
  bw_table_add(t, BW_PLAIN, bw_get_str(deal, "stage"));
  bw_table_addf(t, flagged ? BW_YELLOW : BW_PLAIN, "%lld", (long long)bw_get_int(deal, "days_in_stage", 0));
  bw_put_money(&b, bw_get_num(deal, "amount"), bw_get_str(deal, "currency"));
  bw_table_take(t, BW_PLAIN, &b);
  bw_table_add(t, BW_PLAIN, bw_get_str(deal, "close_date"));
  put_flags(&b, deal);
  bw_table_take(t, flagged ? BW_YELLOW : BW_PLAIN, &b);
  bw_buf_clear(&b);
}

static void put_totals(struct bw_buf *out, const json_t *totals)
{
  const json_t *row;
  size_t i;
  bw_buf_add_char(out, '\n');
  json_array_foreach(totals, i, row)
  {
    bw_put_safe(out, bw_get_str(row, "stage"), false);
    bw_buf_printf(out, ": %lld worth ", (long long)bw_get_int(row, "deals", 0));
    bw_put_money(out, bw_get_num(row, "amount"), bw_get_str(row, "currency"));
    bw_buf_add_char(out, '\n');
  }
}

static json_t *request(const struct bw_cli *cli)
{
  const char *owner = bw_cli_option(cli, "owner");
  json_t *args = json_pack("{s:b,s:b}", "stale", bw_cli_option(cli, "stale") != NULL, "all", bw_cli_option(cli, "all") != NULL);
  if (args && owner)
    json_object_set_new(args, "owner", json_string(owner));
  return args ? args : json_object();
}

int bw_cmd_deals(struct bw_cli *cli)
{
  json_t *reply;
  const json_t *list, *deal;
  struct bw_buf out = {0};
  struct bw_table *t;
  size_t i;
  int rc = bw_cli_ask(cli, "deals", request(cli), &reply);
  if (rc || !reply)
    return rc;
  list = json_object_get(reply, "deals");
  if (json_array_size(list) == 0) {
    bw_buf_add_cstr(&out, bw_cli_option(cli, "stale")
                              ? "No deal is too slow or too old.\n"
                              : "There are no open deals.  `basewatch outcome LEAD ...` makes one of a lead.\n");
  } else {
    t = bw_table_new(
        cli, 9, (const char *const[]){"LEAD", "NAME~", "ACCOUNT~", "OWNER~", "STAGE", ">DAYS", ">AMOUNT", "CLOSE", "FLAGS"});
    json_array_foreach(list, i, deal) put_row(t, deal);
    bw_table_end(&t, &out, 0);
    put_totals(&out, json_object_get(reply, "totals"));
  }
  if (bw_get_num(reply, "total") > (double)json_array_size(list))
    bw_buf_printf(&out, "The first %zu of %.0f; --owner and --stale show fewer.\n", json_array_size(list),
                  bw_get_num(reply, "total"));
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}

/* ---- of one lead ---- */

static void put_line(struct bw_buf *out, const char *label, const char *text)
{
  if (!*text)
    return;
  bw_buf_printf(out, "  %-10s", label);
  bw_put_safe(out, text, false);
  bw_buf_add_char(out, '\n');
}

static void put_stages(struct bw_buf *out, const json_t *stages)
{
  const json_t *s;
  size_t i;
  json_array_foreach(stages, i, s)
  {
    bw_buf_printf(out, "  %-10s", i ? "" : "stages");
    bw_put_time(out, bw_get_time(s, "entered"));
    bw_buf_add_cstr(out, "  ");
    bw_put_safe(out, bw_get_str(s, "stage"), false);
    bw_buf_add_cstr(out, " (");
    bw_put_safe(out, bw_get_str(s, "who"), false);
    bw_buf_add_cstr(out, bw_get_bool(s, "by_record") && strcmp(bw_get_str(s, "who"), "crm") != 0 ? ", by record)\n" : ")\n");
  }
}

static const char *contact_name(const json_t *contact)
{
  return *bw_get_str(contact, "name") ? bw_get_str(contact, "name") : bw_get_str(contact, "contact");
}

static void put_opportunity(struct bw_buf *out, const json_t *deal)
{
  struct bw_buf b = {0};
  put_line(out, "name", bw_get_str(deal, "name"));
  put_line(out, "id", bw_get_str(deal, "opportunity"));
  put_line(out, "in the CRM", bw_get_str(deal, "crm"));
  bw_put_money(&b, bw_get_num(deal, "amount"), bw_get_str(deal, "currency"));
  put_line(out, "worth", bw_buf_cstr(&b));
  bw_buf_reset(&b);
  put_line(out, "close", bw_get_str(deal, "close_date"));
  put_line(out, "owner", bw_get_str(deal, "owner"));
  put_line(out, "champion", contact_name(json_object_get(deal, "champion")));
  put_line(out, "buyer", contact_name(json_object_get(deal, "economic_buyer")));
  put_line(out, "lost for", bw_get_str(deal, "loss_reason"));
  bw_put_split(&b, json_object_get(deal, "split"));
  put_line(out, "credit", bw_buf_cstr(&b));
  bw_buf_reset(&b);
  if (json_array_size(json_object_get(deal, "flags")))
    put_flags(&b, deal);
  put_line(out, "flags", bw_buf_cstr(&b));
  put_stages(out, json_object_get(deal, "stages"));
  bw_buf_clear(&b);
}

static void put_outcomes(struct bw_cli *cli, struct bw_buf *out, const json_t *outcomes)
{
  struct bw_table *t = bw_table_new(cli, 4, (const char *const[]){"", "", "", "~"});
  struct bw_buf b = {0};
  const json_t *o;
  size_t i;
  json_array_foreach(outcomes, i, o)
  {
    bw_put_time(&b, bw_get_time(o, "at"));
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "who"));
    bw_table_addf(t, BW_PLAIN, "%s%s%s", bw_get_str(o, "outcome"), *bw_get_str(o, "reason") ? ": " : "",
                  bw_get_str(o, "reason"));
    bw_table_add(t, BW_PLAIN, bw_get_str(o, "note"));
  }
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

void bw_put_deal(struct bw_cli *cli, struct bw_buf *out, const json_t *lead)
{
  const json_t *deal = json_object_get(lead, "deal"), *outcomes = json_object_get(lead, "outcomes");
  if (json_array_size(outcomes) == 0 && !json_is_object(deal))
    return;
  bw_put_heading(cli, out, "What came of it");
  if (json_array_size(outcomes))
    put_outcomes(cli, out, outcomes);
  if (json_is_object(deal))
    put_opportunity(out, deal);
}
