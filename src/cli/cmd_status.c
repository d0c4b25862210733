/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch status`: how the daemon and its watchers are.  Runs in the command line; no privileges. */
#include <math.h>
#include <stdio.h>

#include "cli/internal.h"

#define LABEL 12

static void label(struct bw_cli *cli, struct bw_buf *out, const char *text)
{
  bw_put_styled(cli, out, BW_DIM, text);
  bw_buf_printf(out, "%*s", (int)(LABEL - strlen(text)), "");
}

/* "1,234 accounts, 56 contacts": the members of o, by their names. */
static void put_counts(struct bw_buf *out, const json_t *o, const char *const *names)
{
  bool any = false;
  for (; *names; names++) {
    double n = bw_get_num(o, *names);
    const char *p;
    if (!isfinite(n))
      continue;
    if (any)
      bw_buf_add_cstr(out, ", ");
    any = true;
    bw_put_number(out, n);
    bw_buf_add_char(out, ' ');
    for (p = *names; *p; p++)
      bw_buf_add_char(out, *p == '_' ? ' ' : *p);
  }
  bw_buf_add_char(out, '\n');
}

static void put_daemon(struct bw_cli *cli, struct bw_buf *out, const json_t *s)
{
  const char *state = bw_get_str(s, "state");
  bool ok = strcmp(state, "running") == 0;
  bw_put_styled(cli, out, BW_BOLD, "basewatchd ");
  bw_put_safe(out, bw_get_str(s, "version"), false);
  bw_buf_add_cstr(out, "  ");
  bw_put_styled(cli, out, ok ? BW_GREEN : BW_YELLOW, state);
  bw_buf_add_cstr(out, "  started ");
  bw_put_relative(out, bw_get_time(s, "started"), cli->now);
  bw_buf_add_cstr(out, "  ");
  bw_put_styled(cli, out, BW_DIM, bw_get_str(s, "dir"));
  bw_buf_add_char(out, '\n');
}

static void put_signals(struct bw_cli *cli, struct bw_buf *out, const json_t *signals)
{
  struct bw_buf b = {0};
  label(cli, out, "Signals");
  put_counts(out, signals, (const char *const[]){"open", NULL});
  if (!(bw_get_num(signals, "held") > 0))
    return;
  bw_put_number(&b, bw_get_num(signals, "held"));
  bw_buf_add_cstr(&b,
                  " held back: they opened on much of the fleet at once, as in a holiday or an outage.  If the shift is real: "
                  "basewatch release");
  bw_buf_printf(out, "%*s", LABEL, "");
  bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

static void put_configuration(struct bw_cli *cli, struct bw_buf *out, const json_t *configuration)
{
  if (!json_is_object(configuration))
    return;
  label(cli, out, "Config");
  bw_put_safe(out, bw_get_str(configuration, "dir"), false);
  bw_buf_add_cstr(out, ", accepted ");
  bw_put_time(out, bw_get_time(configuration, "accepted"));
  if (json_is_true(json_object_get(configuration, "changed")))
    bw_buf_add_cstr(out, "; its files have changed since, and wait for `basewatch reload`");
  bw_buf_add_char(out, '\n');
}

static void put_web(struct bw_cli *cli, struct bw_buf *out, const json_t *web)
{
  if (!json_is_false(json_object_get(web, "up")))
    return;
  label(cli, out, "Web");
  bw_put_styled(cli, out, BW_RED, "no sign of life");
  bw_buf_add_cstr(out, " since ");
  bw_put_relative(out, bw_get_time(web, "heard"), cli->now);
  bw_buf_add_cstr(out, "; nothing comes in over HTTP, and the daemon's log says why\n");
}

static void put_next_tick(struct bw_cli *cli, struct bw_buf *out, const json_t *tick, int64_t queued)
{
  const char *wait = bw_get_str(tick, "waits_for");
  if (strcmp(wait, "events") == 0) {
    bw_buf_add_cstr(out, "; they begin with the first event");
  } else if (strcmp(wait, "clock") == 0) {
    bw_buf_add_cstr(out, "; the clock is behind it, and nothing is scored until it is there");
  } else if (strcmp(wait, "history") == 0) {
    bw_buf_add_cstr(out, "; the next one waits for the end of a history import");
    if (queued)
      bw_buf_add_cstr(out, ", and so do ");
    if (queued)
      bw_put_count(out, queued);
    if (queued)
      bw_buf_add_cstr(out, queued == 1 ? " live record" : " live records");
  } else {
    bw_buf_add_cstr(out, ", next ");
    bw_put_relative(out, bw_get_time(tick, "next"), cli->now);
  }
  bw_buf_add_char(out, '\n');
}

static void put_numbers(struct bw_cli *cli, struct bw_buf *out, const json_t *s)
{
  const json_t *journal = json_object_get(s, "journal"), *ingest = json_object_get(s, "ingest"),
               *tick = json_object_get(s, "tick");
  put_configuration(cli, out, json_object_get(s, "configuration"));
  put_web(cli, out, json_object_get(s, "web"));
  label(cli, out, "Journal");
  bw_put_number(out, bw_get_num(journal, "next") - bw_get_num(journal, "first"));
  bw_buf_add_cstr(out, " records, ");
  bw_put_bytes(out, bw_get_num(journal, "bytes"));
  if (bw_get_num(journal, "damaged_records") > 0) {
    struct bw_buf b = {0};
    bw_buf_printf(&b, ", %.0f damaged", bw_get_num(journal, "damaged_records"));
    bw_put_styled(cli, out, BW_RED, bw_buf_cstr(&b));
    bw_buf_clear(&b);
  }
  bw_buf_add_char(out, '\n');
  label(cli, out, "Ingest");
  bw_put_number(out, bw_get_num(ingest, "per_second"));
  bw_buf_add_cstr(out, " per second, last record ");
  bw_put_relative(out, bw_get_time(ingest, "last_arrival"), cli->now);
  bw_buf_add_cstr(out, "; ");
  put_counts(out, ingest, (const char *const[]){"accepted", "duplicates", "rejected", "unresolved", NULL});
  label(cli, out, "Last tick");
  bw_put_when(out, bw_get_time(tick, "last"), cli->now);
  put_next_tick(cli, out, tick, bw_get_int(ingest, "queued", 0));
  label(cli, out, "Book");
  put_counts(out, json_object_get(s, "book"),
             (const char *const[]){"accounts", "contacts", "plans", "subscriptions", "opportunities", NULL});
  put_signals(cli, out, json_object_get(s, "signals"));
  label(cli, out, "Leads");
  put_counts(out, json_object_get(s, "leads"),
             (const char *const[]){"open", "overdue", "queued", "snoozed", "approved", "delivered", NULL});
  label(cli, out, "Deals");
  put_counts(out, json_object_get(s, "deals"), (const char *const[]){"open", "flagged", "won", "lost", NULL});
  label(cli, out, "Outbox");
  put_counts(out, json_object_get(s, "outbox"), (const char *const[]){"pending", "parked", NULL});
}

/* "usage last ended 3m ago: it was ended by signal 9 (Killed)" */
static void put_last_exit(struct bw_cli *cli, struct bw_buf *out, const json_t *watcher)
{
  const json_t *last = json_object_get(watcher, "last_exit");
  if (!json_is_object(last))
    return;
  bw_put_safe(out, bw_get_str(watcher, "name"), false);
  bw_buf_add_cstr(out, " last ended ");
  bw_put_relative(out, bw_get_time(last, "at"), cli->now);
  bw_buf_add_cstr(out, ": ");
  bw_put_wrapped(cli, out, bw_get_str(last, "text"), 2);
  bw_buf_add_char(out, '\n');
}

static void put_watchers(struct bw_cli *cli, struct bw_buf *out, const json_t *list)
{
  struct bw_table *t = bw_table_new(
      cli, 8,
      (const char *const[]){"WATCHER", "STATE", ">PID", ">MEMORY", ">LAG", ">RESTARTS", ">DEAD LETTERS", "LAST ERROR~"});
  struct bw_buf b = {0};
  const json_t *w;
  size_t i;
  json_array_foreach(list, i, w)
  {
    bool ok = strcmp(bw_get_str(w, "state"), "running") == 0;
    bw_table_add(t, BW_BOLD, bw_get_str(w, "name"));
    bw_table_add(t, ok ? BW_GREEN : BW_RED, bw_get_str(w, "state"));
    if (bw_get_int(w, "pid", 0) > 0)
      bw_buf_printf(&b, "%lld", (long long)bw_get_int(w, "pid", 0));
    bw_table_take(t, BW_PLAIN, &b);
    if (bw_get_num(w, "rss") > 0)
      bw_put_bytes(&b, bw_get_num(w, "rss"));
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_count(&b, bw_get_int(w, "lag", 0));
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_count(&b, bw_get_int(w, "restarts", 0));
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_count(&b, bw_get_int(w, "dead_letters", 0));
    bw_table_take(t, bw_get_int(w, "dead_letters", 0) ? BW_YELLOW : BW_PLAIN, &b);
    bw_table_add(t, BW_PLAIN, bw_get_str(w, "last_error"));
  }
  bw_buf_add_char(out, '\n');
  bw_table_end(&t, out, 0);
  bw_buf_clear(&b);
  json_array_foreach(list, i, w) put_last_exit(cli, out, w);
}

static void put_notices(struct bw_cli *cli, struct bw_buf *out, const json_t *list)
{
  const json_t *n;
  size_t i;
  if (json_array_size(list) == 0)
    return;
  bw_buf_add_char(out, '\n');
  bw_put_styled(cli, out, BW_DIM, "NOTICES");
  bw_buf_add_char(out, '\n');
  json_array_foreach(list, i, n)
  {
    struct bw_buf b = {0};
    bw_put_relative(&b, bw_get_time(n, "at"), cli->now);
    bw_buf_printf(out, "%-9s ", bw_buf_cstr(&b));
    bw_put_styled(cli, out, bw_priority_style(bw_get_str(n, "severity")), bw_get_str(n, "code"));
    bw_buf_add_cstr(out, "  ");
    if (*bw_get_str(n, "account")) {
      bw_put_safe(out, bw_get_str(n, "account"), false);
      bw_buf_add_cstr(out, ": ");
    }
    bw_put_sentence(cli, out, bw_get_str(n, "text"), 10);
    bw_buf_add_char(out, '\n');
    bw_buf_clear(&b);
  }
}

int bw_cmd_status(struct bw_cli *cli)
{
  json_t *reply;
  struct bw_buf out = {0};
  int rc = bw_cli_ask(cli, "status", NULL, &reply);
  if (rc || !reply)
    return rc;
  put_daemon(cli, &out, reply);
  put_numbers(cli, &out, reply);
  put_watchers(cli, &out, json_object_get(reply, "watchers"));
  put_notices(cli, &out, json_object_get(reply, "notices"));
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
