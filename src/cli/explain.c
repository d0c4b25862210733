/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One evaluation of one play, in full: signals, gates, timing, score, readiness, estimate, route, template, with the values
 * that decided and where they are from.  What is printed is what was evaluated (docs/plays: the whole evaluation, as JSON).
 * Runs in the command line; no privileges.
 */
#include <math.h>
#include <stdio.h>

#include "cli/explain.h"

#define INDENT 6

static void heading(struct bw_cli *cli, struct bw_buf *out, const char *text, const char *result)
{
  bw_buf_add_cstr(out, "\n  ");
  bw_put_styled(cli, out, BW_BOLD, text);
  if (*result) {
    bw_buf_add_cstr(out, "  ");
    bw_put_safe(out, result, false);
  }
  bw_buf_add_char(out, '\n');
}

/* A dim, wrapped line under what it belongs to. */
static void note(struct bw_cli *cli, struct bw_buf *out, const char *text)
{
  if (!*text)
    return;
  bw_buf_printf(out, "%*s", INDENT, "");
  bw_put_wrapped(cli, out, text, INDENT);
  bw_buf_add_char(out, '\n');
}

static void mark(struct bw_cli *cli, struct bw_buf *out, bool good, const char *text)
{
  bw_buf_add_cstr(out, "    ");
  bw_put_styled(cli, out, good ? BW_GREEN : BW_RED, good ? "✓ " : "✗ ");
  bw_put_safe(out, text, false);
}

static bool result_is(const json_t *o, const char *result)
{
  return strcmp(bw_get_str(o, "result"), result) == 0;
}

/* A condition by its answer.  One that does not hold, and sends the lead another way, is neither good nor bad. */
static void put_answer(struct bw_cli *cli, struct bw_buf *out, const json_t *o, const char *text)
{
  if (!result_is(o, "diverted")) {
    mark(cli, out, result_is(o, "pass"), text);
    return;
  }
  bw_buf_add_cstr(out, "    ");
  bw_put_styled(cli, out, BW_YELLOW, "↪ ");
  bw_put_safe(out, text, false);
}

/* "does not hold: goes by route csm-order" */
static void put_otherwise(struct bw_buf *out, const json_t *o)
{
  if (!result_is(o, "diverted"))
    return;
  bw_buf_add_cstr(out, "  does not hold: goes by route ");
  bw_put_safe(out, bw_get_str(o, "otherwise"), false);
}

/* "record 26, subscription: traits.seats" */
static void put_source(struct bw_buf *out, const json_t *from)
{
  double offset = bw_get_num(from, "offset");
  if (!json_is_object(from))
    return;
  bw_buf_add_cstr(out, " (");
  if (isfinite(offset) && offset > 0)
    bw_buf_printf(out, "record %.0f, ", offset);
  bw_buf_add_cstr(out, bw_get_str(from, "name"));
  bw_buf_add_char(out, ')');
}

/* "account.tenure is 90 days (record 5, account: traits.start, until now)"; a missing one: which record would supply it. */
static void put_values(struct bw_cli *cli, struct bw_buf *out, const json_t *values)
{
  struct bw_buf b = {0};
  const json_t *v;
  size_t i;
  json_array_foreach(values, i, v)
  {
    const char *missing = bw_get_str(v, "missing");
    bw_buf_reset(&b);
    if (*missing) {
      bw_buf_printf(&b, "not known: %s", missing);
    } else {
      bw_buf_printf(&b, "%s is %s", bw_get_str(v, "name"), bw_get_str(v, "text"));
      if (strcmp(bw_get_str(json_object_get(v, "from"), "name"), bw_get_str(v, "name")) != 0)
        put_source(&b, json_object_get(v, "from"));
    }
    note(cli, out, bw_buf_cstr(&b));
  }
  bw_buf_clear(&b);
}

/* What would have to change. */
static void put_changes(struct bw_cli *cli, struct bw_buf *out, const json_t *changes)
{
  const json_t *c;
  size_t i;
  json_array_foreach(changes, i, c)
  {
    bw_buf_printf(out, "%*s", INDENT, "");
    bw_put_styled(cli, out, BW_YELLOW, "→ ");
    bw_put_wrapped(cli, out, bw_get_str(c, "text"), INDENT + 2);
    bw_buf_add_char(out, '\n');
  }
}

/* ---- the parts, in the order of the evaluation ---- */

static void put_signals(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *list = json_object_get(e, "signals"), *s;
  struct bw_table *t;
  struct bw_buf b = {0};
  size_t i;
  heading(cli, out, "Signals", json_array_size(list) ? "" : "none of those that the play weighs is open");
  if (!json_array_size(list))
    return;
  t = bw_table_new(cli, 6, (const char *const[]){"", "", ">VALUE", ">THRESHOLD", ">STRENGTH", "SINCE"});
  json_array_foreach(list, i, s)
  {
    bw_table_add(t, BW_PLAIN, bw_direction_arrow(bw_get_str(s, "direction")));
    bw_put_signal_name(&b, s);
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_number(&b, bw_get_num(s, "value"));
    bw_table_take(t, BW_PLAIN, &b);
    bw_put_number(&b, bw_get_num(s, "threshold"));
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_addf(t, BW_PLAIN, "%.2f", bw_get_num(s, "strength"));
    bw_put_relative(&b, bw_get_time(s, "opened"), cli->now);
    bw_table_take(t, BW_DIM, &b);
  }
  bw_table_end(&t, out, 4);
  bw_buf_clear(&b);
}

static void put_gate(struct bw_cli *cli, struct bw_buf *out, const json_t *g)
{
  struct bw_buf b = {0};
  put_answer(cli, out, g, bw_get_str(g, "name"));
  bw_buf_printf(&b, "  %s", bw_get_str(g, "require"));
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
  put_otherwise(out, g);
  bw_buf_add_char(out, '\n');
  put_values(cli, out, json_object_get(g, "values"));
  put_changes(cli, out, json_object_get(g, "change"));
  bw_buf_clear(&b);
}

static void put_gates(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *g;
  size_t i;
  heading(cli, out, "Gates", "in order");
  json_array_foreach(json_object_get(e, "gates"), i, g)
  {
    put_gate(cli, out, g);
  }
}

static void put_journey(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *j = json_object_get(e, "journey");
  struct bw_buf b = {0};
  if (!json_is_object(j))
    return;
  bw_buf_printf(&b, "%s, by %s", *bw_get_str(j, "stage") ? bw_get_str(j, "stage") : "stage not known",
                strcmp(bw_get_str(j, "from"), "record") == 0 ? "the account's records" : "milestones");
  heading(cli, out, "Value journey", bw_buf_cstr(&b));
  if (*bw_get_str(j, "next")) {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "next is %s: %s, %s", bw_get_str(j, "next"), bw_get_str(j, "milestone"), bw_get_str(j, "when"));
    note(cli, out, bw_buf_cstr(&b));
    put_values(cli, out, json_object_get(j, "values"));
  }
  bw_buf_clear(&b);
}

static void put_timing(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *t = json_object_get(e, "timing");
  struct bw_buf b = {0};
  if (!json_is_object(t))
    return;
  heading(cli, out, "Timing", "");
  if (!result_is(t, "pass")) {
    bw_put_dates(&b, bw_get_str(t, "says"));
    mark(cli, out, false, bw_buf_cstr(&b));
    bw_buf_add_char(out, '\n');
    bw_buf_clear(&b);
    return;
  }
  if (isfinite(bw_get_num(t, "tenure_days")))
    bw_buf_printf(&b, "a customer for %.0f days", bw_get_num(t, "tenure_days"));
  if (isfinite(bw_get_num(t, "never_before_days")))
    bw_buf_printf(&b, "%s(never before %.0f)", b.len ? " " : "", bw_get_num(t, "never_before_days"));
  if (!bw_get_bool(t, "escalation"))
    bw_buf_printf(&b, "%sno open escalation", b.len ? "; " : "");
  if (isfinite(bw_get_num(t, "days_to_renewal")))
    bw_buf_printf(&b, "%srenewal in %.0f days%s", b.len ? "; " : "", bw_get_num(t, "days_to_renewal"),
                  bw_get_bool(t, "joined") ? ", which this joins" : "");
  mark(cli, out, true, bw_buf_cstr(&b));
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

/* weight × (open + (1 − open) × strength) = points */
static void put_score(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *score = json_object_get(e, "score"), *p;
  double open = bw_get_num(score, "open"), gap = bw_get_num(score, "gap");
  struct bw_buf b = {0}, quiet = {0};
  struct bw_table *t;
  size_t i, rows = 0;
  if (!json_is_object(score))
    return;
  t = bw_table_new(cli, 3, (const char *const[]){"", ">", ">"});
  bw_put_number(&b, bw_get_num(score, "total"));
  bw_buf_add_cstr(&b, ", fires from ");
  bw_put_number(&b, bw_get_num(score, "threshold"));
  if (gap > 0) {
    bw_buf_add_cstr(&b, ": short of ");
    bw_put_number(&b, gap);
  }
  heading(cli, out, "Score", bw_buf_cstr(&b));
  bw_buf_reset(&b);
  json_array_foreach(json_object_get(score, "points"), i, p)
  {
    if (!(bw_get_num(p, "points") > 0)) {
      bw_buf_printf(&quiet, "%s%s %g", quiet.len ? ", " : "not open: ", bw_get_str(p, "signal"), bw_get_num(p, "weight"));
      continue;
    }
    rows++;
    bw_table_add(t, BW_PLAIN, bw_get_str(p, "signal"));
    bw_table_addf(t, BW_DIM, "%g × (%g + %g × %.2f)", bw_get_num(p, "weight"), open, 1 - open, bw_get_num(p, "strength"));
    bw_buf_add_cstr(&b, "= ");
    bw_put_number(&b, bw_get_num(p, "points"));
    bw_table_take(t, BW_PLAIN, &b);
  }
  bw_table_end(&t, rows ? out : &b, 4);
  note(cli, out, bw_buf_cstr(&quiet));
  bw_buf_clear(&quiet);
  bw_buf_clear(&b);
}

static void put_dimension(struct bw_cli *cli, struct bw_buf *out, const json_t *d)
{
  struct bw_buf label = {0};
  const char *p;
  for (p = bw_get_str(d, "name"); *p; p++)
    bw_buf_add_char(&label, *p == '_' ? ' ' : *p);
  bw_buf_printf(out, "    %.0f  ", bw_get_num(d, "points"));
  bw_put_styled(cli, out, bw_get_bool(d, "known") ? BW_PLAIN : BW_YELLOW, bw_buf_cstr(&label));
  bw_buf_reset(&label);
  bw_buf_printf(&label, "  %s", bw_get_str(d, "expression"));
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&label));
  bw_buf_add_char(out, '\n');
  put_values(cli, out, json_object_get(d, "values"));
  bw_buf_clear(&label);
}

static void put_readiness(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *r = json_object_get(e, "readiness"), *rule = json_object_get(e, "readiness_rule"), *d;
  struct bw_buf b = {0};
  size_t i;
  if (!json_is_object(r))
    return;
  bw_buf_printf(&b, "%.0f of %.0f: %s (pursue from %.0f, nurture from %.0f)%s", bw_get_num(r, "total"), bw_get_num(r, "of"),
                bw_get_str(r, "verdict"), bw_get_num(rule, "pursue"), bw_get_num(rule, "nurture"),
                bw_get_bool(rule, "decides") ? "" : "; shown, does not decide");
  heading(cli, out, "Readiness", bw_buf_cstr(&b));
  json_array_foreach(json_object_get(rule, "dimensions"), i, d)
  {
    put_dimension(cli, out, d);
  }
  bw_buf_clear(&b);
}

static void put_estimate(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *estimate = json_object_get(e, "estimate"), *floor = json_object_get(e, "floor");
  struct bw_buf b = {0};
  if (json_is_object(estimate)) {
    const char *text = bw_get_str(estimate, "text");
    heading(cli, out, "Estimate", *text ? text : "not known");
    bw_buf_printf(&b, "= %s", bw_get_str(estimate, "expression"));
    note(cli, out, bw_buf_cstr(&b));
    if (*bw_get_str(estimate, "arithmetic")) {
      bw_buf_reset(&b);
      bw_buf_printf(&b, "= %s", bw_get_str(estimate, "arithmetic"));
      note(cli, out, bw_buf_cstr(&b));
    }
    put_values(cli, out, json_object_get(estimate, "values"));
  }
  if (json_is_object(floor)) {
    heading(cli, out, "Floor", "");
    put_answer(cli, out, floor, bw_get_str(floor, "require"));
    put_otherwise(out, floor);
    bw_buf_add_char(out, '\n');
    put_values(cli, out, json_object_get(floor, "values"));
    put_changes(cli, out, json_object_get(floor, "change"));
  }
  bw_buf_clear(&b);
}

/* "row 3: ..."; then why the rows before it were passed over, and who was looked for. */
static void put_route(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *route = json_object_get(e, "route"), *s;
  struct bw_buf b = {0};
  size_t i;
  if (!json_is_object(route))
    return;
  bw_buf_printf(&b, "%s, to %s (%s)", bw_get_str(route, "name"),
                *bw_get_str(route, "owner") ? bw_get_str(route, "owner") : "nobody", bw_get_str(route, "role"));
  heading(cli, out, "Route", bw_buf_cstr(&b));
  bw_buf_reset(&b);
  bw_buf_printf(&b, "row %.0f: %s", bw_get_num(route, "row"),
                *bw_get_str(route, "note") ? bw_get_str(route, "note") : bw_get_str(route, "why"));
  if (isfinite(bw_get_num(route, "row")))
    note(cli, out, bw_buf_cstr(&b));
  if (*bw_get_str(route, "kept")) {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "lead %s is open, and stays with who has it", bw_get_str(route, "kept"));
    note(cli, out, bw_buf_cstr(&b));
  }
  json_array_foreach(json_object_get(route, "skipped"), i, s)
  {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "not row %.0f: %s", bw_get_num(s, "row"), bw_get_str(s, "why"));
    note(cli, out, bw_buf_cstr(&b));
  }
  json_array_foreach(json_object_get(route, "tried"), i, s)
  {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "%s: %s is %s", bw_get_str(s, "role"), bw_get_str(s, "name"),
                  *bw_get_str(s, "person") ? bw_get_str(s, "person") : "not known");
    note(cli, out, bw_buf_cstr(&b));
  }
  if (bw_get_bool(route, "csm_required"))
    note(cli, out, "the CSM must be told before anyone writes to the customer");
  bw_buf_clear(&b);
}

static void put_priority(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *priority = json_object_get(e, "priority");
  struct bw_buf b = {0};
  if (!json_is_object(priority))
    return;
  bw_buf_printf(&b, "%s, from the %s", bw_get_str(priority, "value"), bw_get_str(priority, "from"));
  heading(cli, out, "Priority", bw_buf_cstr(&b));
  bw_buf_clear(&b);
}

static void put_rest(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *review = json_object_get(e, "review");
  struct bw_buf b = {0};
  if (json_is_object(review)) {
    bw_buf_printf(&b, "by the %s for %.0f hours, when %s: %s", bw_get_str(review, "by"), bw_get_num(review, "hours"),
                  bw_get_str(review, "when"), bw_get_bool(review, "applies") ? "yes" : "not here");
    heading(cli, out, "Review", bw_buf_cstr(&b));
  }
  if (*bw_get_str(e, "template"))
    heading(cli, out, "Template", bw_get_str(e, "template"));
  bw_buf_clear(&b);
}

/* What only a question of now has: an open lead, the rest after a close, the owner's day. */
static void put_now(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  const json_t *budget = json_object_get(e, "budget");
  struct bw_buf b = {0};
  if (*bw_get_str(e, "open_lead"))
    heading(cli, out, "Open lead", bw_get_str(e, "open_lead"));
  if (bw_get_time(e, "suppressed_until") != BW_TIME_NONE) {
    bw_put_when(&b, bw_get_time(e, "suppressed_until"), cli->now);
    heading(cli, out, "Silent until", bw_buf_cstr(&b));
  }
  if (json_is_object(budget) && bw_get_num(budget, "limit") > 0) {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "%s has had %.0f of %.0f new leads today", bw_get_str(budget, "owner"), bw_get_num(budget, "used"),
                  bw_get_num(budget, "limit"));
    if (bw_get_num(budget, "waiting") > 0)
      bw_buf_printf(&b, "; %.0f wait", bw_get_num(budget, "waiting"));
    heading(cli, out, "Budget", bw_buf_cstr(&b));
  }
  bw_buf_clear(&b);
}

void bw_explain(struct bw_cli *cli, struct bw_buf *out, const json_t *e)
{
  static void (*const parts[])(struct bw_cli *, struct bw_buf *,
                               const json_t *) = {put_signals,  put_gates,    put_journey, put_timing, put_score, put_readiness,
                                                  put_estimate, put_priority, put_route,   put_rest,   put_now};
  size_t i;
  for (i = 0; i < sizeof parts / sizeof *parts; i++)
    parts[i](cli, out, e);
}
