/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `basewatch show LEAD`: what an owner needs to decide in half a minute.  First the three questions (why now, what it is worth,
 * the opening move), then the eight fields, the evidence, the draft in full, and how to decide.  Runs in the command line; no
 * privileges.
 */
#include <math.h>
#include <stdio.h>

#include "cli/internal.h"

#define LATELY (90 * BW_DAY)
#define LABEL 18

static void label(struct bw_cli *cli, struct bw_buf *out, const char *text)
{
  bw_put_styled(cli, out, BW_DIM, text);
  bw_buf_printf(out, "%*s", (int)(LABEL - bw_cells(text, strlen(text))), "");
}

void bw_put_heading(struct bw_cli *cli, struct bw_buf *out, const char *text)
{
  size_t used = bw_cells(text, strlen(text)) + 1, i;
  struct bw_buf rule = {0};
  bw_buf_add_char(out, '\n');
  bw_put_styled(cli, out, BW_BOLD, text);
  bw_buf_add_char(out, ' ');
  for (i = used; i < (size_t)cli->width && i < 96; i++)
    bw_buf_add_cstr(&rule, "─");
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&rule));
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&rule);
}

/* ---- who and what ---- */

static void put_title(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  const char *name = bw_get_str(l, "name"), *account = bw_get_str(l, "account"), *state = bw_get_str(l, "state");
  struct bw_buf b = {0};
  bw_put_styled(cli, out, BW_BOLD, *name ? name : account);
  if (*name && strcmp(name, account) != 0) {
    bw_buf_printf(&b, " (%s)", account);
    bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
    bw_buf_reset(&b);
  }
  bw_buf_add_cstr(out, "   ");
  bw_put_styled(cli, out, BW_PLAIN, bw_get_str(l, "motion"));
  bw_buf_add_cstr(out, " · ");
  bw_put_styled(cli, out, BW_PLAIN, bw_get_str(l, "play"));
  bw_buf_add_cstr(out, "   ");
  bw_buf_printf(&b, "%s priority", bw_get_str(l, "priority"));
  bw_put_styled(cli, out, bw_priority_style(bw_get_str(l, "priority")), bw_buf_cstr(&b));
  bw_buf_reset(&b);
  bw_buf_printf(out, "\n");
  bw_buf_printf(&b, "%s, %s", bw_get_str(l, "lead"), state);
  if (strcmp(bw_get_str(l, "mode"), "live") != 0)
    bw_buf_printf(&b, " (%s)", bw_get_str(l, "mode"));
  bw_buf_printf(&b, "; owner %s", *bw_get_str(l, "owner") ? bw_get_str(l, "owner") : "nobody");
  if (*bw_get_str(l, "owner_note"))
    bw_buf_printf(&b, " %s", bw_get_str(l, "owner_note"));
  if (*bw_get_str(l, "csm"))
    bw_buf_printf(&b, ", CSM %s", bw_get_str(l, "csm"));
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&b));
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

/* ---- the three questions ---- */

/* "19 of 15 seats, ": the numbers behind a ratio, where the evidence has them. */
static void put_extent(struct bw_buf *out, const json_t *evidence)
{
  double used = bw_get_num(evidence, "used"), limit = bw_get_num(evidence, "limit");
  bool seats = !isfinite(used);
  if (seats) {
    used = bw_get_num(evidence, "seats_used");
    limit = bw_get_num(evidence, "seats_bought");
  }
  if (!isfinite(used) || !isfinite(limit))
    return;
  bw_put_number(out, used);
  bw_buf_add_cstr(out, " of ");
  bw_put_number(out, limit);
  bw_buf_printf(out, " %s: ", seats ? "seats" : bw_get_str(evidence, "resource"));
}

/* "12d ago (Sat 11 Jul 2026 ...)"; what is long ago is a date: "9 years ago" is no reason to write today. */
static void put_since(struct bw_buf *out, int64_t opened, int64_t now)
{
  if (opened == BW_TIME_NONE || now - opened < LATELY)
    bw_put_when(out, opened, now);
  else
    bw_put_time(out, opened);
}

static void put_why(struct bw_cli *cli, struct bw_buf *out, const json_t *l, const json_t *signals)
{
  const json_t *first = json_array_get(signals, 0);
  struct bw_buf b = {0};
  label(cli, out, "Why now");
  if (!first) {
    bw_put_wrapped(cli, out, bw_get_str(l, "primary"), LABEL);
    bw_buf_add_cstr(out, " (no longer open)\n");
    return;
  }
  bw_put_signal_name(&b, first);
  bw_buf_printf(&b, " %s ", bw_direction_arrow(bw_get_str(first, "direction")));
  put_extent(&b, json_object_get(first, "evidence"));
  bw_put_number(&b, bw_get_num(first, "value"));
  bw_buf_add_cstr(&b, " against a threshold of ");
  bw_put_number(&b, bw_get_num(first, "threshold"));
  bw_buf_add_cstr(&b, ", since ");
  put_since(&b, bw_get_time(first, "opened"), cli->now);
  if (json_array_size(signals) > 1)
    bw_buf_printf(&b, "; %zu more signal%s", json_array_size(signals) - 1, json_array_size(signals) == 2 ? "" : "s");
  bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  bw_buf_reset(&b);
  bw_buf_add_char(out, '\n');
  if (*bw_get_str(first, "means")) {
    bw_buf_printf(out, "%*s", LABEL, "");
    bw_put_wrapped(cli, out, bw_get_str(first, "means"), LABEL);
    bw_buf_add_char(out, '\n');
  }
  if (bw_put_spark(&b, bw_first_series(json_object_get(first, "evidence")), 40)) {
    bw_buf_printf(out, "%*s", LABEL, "");
    bw_put_styled(cli, out, strcmp(bw_get_str(first, "direction"), "down") == 0 ? BW_RED : BW_GREEN, bw_buf_cstr(&b));
    bw_buf_add_char(out, '\n');
  }
  bw_buf_clear(&b);
}

static void put_worth(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  double estimate = bw_get_num(l, "estimate"), arr = bw_get_num(l, "arr");
  const char *currency = bw_get_str(l, "currency");
  label(cli, out, "What it is worth");
  if (isfinite(estimate)) {
    bw_put_money(out, estimate, currency);
    bw_buf_add_cstr(out, " ARR");
  } else {
    bw_buf_add_cstr(out, "not estimated");
  }
  if (isfinite(arr) && arr > 0) {
    bw_buf_add_cstr(out, strcmp(bw_get_str(l, "motion"), "expansion") == 0 ? " on top of " : "; contract ");
    bw_put_money(out, arr, currency);
    if (isfinite(estimate) && strcmp(bw_get_str(l, "motion"), "expansion") == 0)
      bw_buf_printf(out, " (+%.0f %%)", 100 * estimate / arr);
  }
  bw_buf_add_char(out, '\n');
}

static const char *angle_of(const json_t *l)
{
  const json_t *fields = json_object_get(l, "fields");
  return *bw_get_str(fields, "angle") ? bw_get_str(fields, "angle") : bw_get_str(l, "angle");
}

static void put_move(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  const char *title = bw_get_str(l, "title");
  label(cli, out, "Opening move");
  if (!*title)
    title = bw_get_str(json_object_get(l, "fields"), "opening_move");
  bw_put_wrapped(cli, out, *title ? title : angle_of(l), LABEL);
  bw_buf_add_char(out, '\n');
}

/* ---- the eight fields ---- */

static void put_touch(struct bw_cli *cli, struct bw_buf *out, const json_t *touch)
{
  if (!json_is_object(touch)) {
    bw_buf_add_cstr(out, "none on record");
    return;
  }
  bw_put_when(out, bw_get_time(touch, "at"), cli->now);
  if (*bw_get_str(touch, "kind")) {
    bw_buf_add_cstr(out, ": ");
    bw_put_safe(out, bw_get_str(touch, "kind"), false);
  }
  if (*bw_get_str(touch, "by")) {
    bw_buf_add_cstr(out, " by ");
    bw_put_safe(out, bw_get_str(touch, "by"), false);
  }
}

static void put_names(struct bw_cli *cli, struct bw_buf *out, const json_t *signals)
{
  struct bw_buf b = {0};
  const json_t *s;
  size_t i;
  json_array_foreach(signals, i, s)
  {
    if (i)
      bw_buf_add_cstr(&b, ", ");
    bw_put_signal_name(&b, s);
  }
  bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  bw_buf_clear(&b);
}

/* How the estimate came about: the play's formula, and the same with the values in it. */
static void put_formula(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  const json_t *how = json_object_get(json_object_get(l, "why"), "estimate");
  const char *formula = bw_get_str(how, "expression");
  struct bw_buf b = {0};
  if (!*formula)
    formula = bw_get_str(json_object_get(l, "estimate_how"), "formula");
  if (!*formula)
    return;
  bw_buf_printf(&b, "= %s", formula);
  bw_buf_printf(out, "\n%*s", LABEL, "");
  bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  if (*bw_get_str(how, "arithmetic")) {
    bw_buf_reset(&b);
    bw_buf_printf(&b, "= %s", bw_get_str(how, "arithmetic"));
    bw_buf_printf(out, "\n%*s", LABEL, "");
    bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  }
  bw_buf_clear(&b);
}

static void put_fields(struct bw_cli *cli, struct bw_buf *out, const json_t *l, const json_t *signals)
{
  int64_t sla = bw_get_time(l, "sla");
  struct bw_buf b = {0};
  bw_buf_add_char(out, '\n');
  label(cli, out, "Primary signal");
  bw_put_safe(out, bw_get_str(l, "primary"), false);
  bw_buf_add_char(out, '\n');
  label(cli, out, "Score");
  bw_put_number(out, bw_get_num(l, "score"));
  if (isfinite(bw_get_num(l, "threshold"))) {
    bw_buf_add_cstr(out, " (fires at ");
    bw_put_number(out, bw_get_num(l, "threshold"));
    bw_buf_add_char(out, ')');
  }
  bw_buf_add_char(out, '\n');
  label(cli, out, "All signals");
  put_names(cli, out, signals);
  bw_buf_add_char(out, '\n');
  label(cli, out, "Contract ARR");
  bw_put_money(out, bw_get_num(l, "arr"), bw_get_str(l, "currency"));
  if (*bw_get_str(l, "renewal")) {
    bw_buf_add_cstr(out, ", renews ");
    bw_put_safe(out, bw_get_str(l, "renewal"), false);
  }
  bw_buf_add_char(out, '\n');
  label(cli, out, "Expansion ARR");
  if (isfinite(bw_get_num(l, "estimate")))
    bw_put_money(out, bw_get_num(l, "estimate"), bw_get_str(l, "currency"));
  else
    bw_buf_add_cstr(out, "none estimated");
  put_formula(cli, out, l);
  bw_buf_add_char(out, '\n');
  label(cli, out, "Last CSM touch");
  put_touch(cli, out, json_object_get(l, "last_csm_touch"));
  bw_buf_add_char(out, '\n');
  if (*angle_of(l)) {
    label(cli, out, "Opening angle");
    bw_put_wrapped(cli, out, angle_of(l), LABEL);
    bw_buf_add_char(out, '\n');
  }
  label(cli, out, "First contact by");
  bw_buf_reset(&b);
  if (sla == BW_TIME_NONE)
    bw_buf_add_cstr(&b, "its clock has not begun");
  else
    bw_put_when(&b, sla, cli->now);
  bw_put_styled(cli, out, sla != BW_TIME_NONE && sla < cli->now ? BW_RED : BW_PLAIN, bw_buf_cstr(&b));
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

/* ---- evidence, readiness ---- */

static void put_all_evidence(struct bw_cli *cli, struct bw_buf *out, const json_t *signals)
{
  struct bw_buf b = {0};
  const json_t *s;
  size_t i;
  bw_put_heading(cli, out, "Evidence");
  json_array_foreach(signals, i, s)
  {
    bw_buf_printf(out, "%s ", bw_direction_arrow(bw_get_str(s, "direction")));
    bw_put_signal_name(&b, s);
    bw_put_styled(cli, out, BW_BOLD, bw_buf_cstr(&b));
    bw_buf_reset(&b);
    bw_buf_add_cstr(out, "  ");
    bw_put_number(out, bw_get_num(s, "value"));
    bw_buf_add_cstr(out, " / ");
    bw_put_number(out, bw_get_num(s, "threshold"));
    bw_buf_printf(out, ", strength %.2f, ", bw_get_num(s, "strength"));
    bw_put_relative(out, bw_get_time(s, "opened"), cli->now);
    bw_buf_add_char(out, '\n');
    bw_put_evidence(cli, out, s, 4);
  }
  bw_buf_clear(&b);
}

static bool is_dimension(const char *key)
{
  return strcmp(key, "total") != 0 && strcmp(key, "of") != 0 && strcmp(key, "verdict") != 0;
}

/* {"adoption": 1..3 or null, ..., "total", "of", "verdict"} */
static void put_readiness(struct bw_cli *cli, struct bw_buf *out, json_t *readiness)
{
  struct bw_buf b = {0};
  const char *key;
  json_t *v;
  if (!isfinite(bw_get_num(readiness, "total")))
    return;
  label(cli, out, "Readiness");
  bw_put_number(&b, bw_get_num(readiness, "total"));
  bw_buf_add_cstr(&b, " of ");
  bw_put_number(&b, bw_get_num(readiness, "of"));
  bw_buf_printf(&b, ", %s: ", bw_get_str(readiness, "verdict"));
  json_object_foreach(readiness, key, v)
  {
    const char *p;
    if (!is_dimension(key))
      continue;
    for (p = key; *p; p++)
      bw_buf_add_char(&b, *p == '_' ? ' ' : *p);
    bw_buf_add_char(&b, ' ');
    if (json_is_number(v))
      bw_put_number(&b, json_number_value(v));
    else
      bw_buf_add_char(&b, '?');
    bw_buf_add_cstr(&b, ", ");
  }
  b.len -= 2;
  bw_put_wrapped(cli, out, bw_buf_cstr(&b), LABEL);
  bw_buf_add_char(out, '\n');
  bw_buf_clear(&b);
}

/* ---- the draft ---- */

static void put_list(struct bw_cli *cli, struct bw_buf *out, const char *name, const json_t *list)
{
  struct bw_buf b = {0};
  if (json_array_size(list) == 0)
    return;
  bw_put_value(&b, list);
  if (b.len) {
    bw_buf_add_cstr(out, "  ");
    label(cli, out, name);
    bw_put_safe(out, bw_buf_cstr(&b), false);
    bw_buf_add_char(out, '\n');
  }
  bw_buf_clear(&b);
}

/* Every byte that will be sent, line by line; nothing is wrapped or left out. */
static void put_body(struct bw_cli *cli, struct bw_buf *out, const char *body)
{
  struct bw_buf safe = {0};
  const char *p, *end;
  bw_put_safe(&safe, body, true);
  for (p = bw_buf_cstr(&safe); *p; p = *end ? end + 1 : end) {
    end = p + strcspn(p, "\n");
    bw_buf_add_cstr(out, "  ");
    bw_put_styled(cli, out, BW_DIM, "│");
    bw_buf_add_char(out, ' ');
    bw_buf_add(out, p, (size_t)(end - p));
    bw_buf_add_char(out, '\n');
  }
  bw_buf_clear(&safe);
}

/* A value that stands in several places comes from one. */
static bool said_before(const json_t *provenance, size_t at, const json_t *p)
{
  size_t i;
  for (i = 0; i < at; i++) {
    const json_t *o = json_array_get(provenance, i);
    if (strcmp(bw_get_str(o, "name"), bw_get_str(p, "name")) == 0 &&
        json_equal(json_object_get(o, "value"), json_object_get(p, "value")))
      return true;
  }
  return false;
}

static void put_provenance(struct bw_cli *cli, struct bw_buf *out, const json_t *provenance)
{
  struct bw_table *t;
  const json_t *p;
  struct bw_buf b = {0};
  size_t i;
  if (json_array_size(provenance) == 0)
    return;
  t = bw_table_new(cli, 3, (const char *const[]){"VALUE IN THE DRAFT~", "NAME", "FROM~"});
  json_array_foreach(provenance, i, p)
  {
    if (said_before(provenance, i, p))
      continue;
    const json_t *source = json_object_get(p, "from") ? json_object_get(p, "from") : json_object_get(p, "source");
    bw_put_value(&b, json_object_get(p, "value") ? json_object_get(p, "value") : json_null());
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_add(t, BW_PLAIN, bw_get_str(p, "name"));
    if (json_is_object(source)) {
      if (isfinite(bw_get_num(source, "offset")) && bw_get_num(source, "offset") > 0)
        bw_buf_printf(&b, "record %.0f, ", bw_get_num(source, "offset"));
      if (strcmp(bw_get_str(source, "kind"), "human") == 0)
        bw_buf_add_cstr(&b, "filled in by ");
      bw_put_safe(&b, bw_get_str(source, "name"), false);
    } else if (source) {
      bw_put_value(&b, source);
    }
    bw_table_take(t, BW_DIM, &b);
  }
  bw_buf_add_char(out, '\n');
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

static bool is_queued(const json_t *l)
{
  return strcmp(bw_get_str(l, "state"), "queued") == 0;
}

static void put_draft(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  const char *lead = bw_get_str(l, "lead");
  const json_t *d = json_object_get(l, "draft");
  struct bw_buf b = {0};
  if (!json_is_object(d)) {
    bw_put_heading(cli, out, "Draft");
    bw_buf_add_cstr(out, is_queued(l) ? "  It is written when the lead comes out of the queue.\n"
                                      : "  None: this is for you to judge.\n");
    return;
  }
  bw_buf_printf(&b, "Draft, version %lld", (long long)bw_get_int(d, "version", 1));
  if (bw_get_int(d, "version", 1) > 1)
    bw_buf_printf(&b, " by %s", bw_get_str(d, "by"));
  bw_put_heading(cli, out, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  if (*bw_get_str(d, "from")) {
    bw_buf_add_cstr(out, "  ");
    label(cli, out, "From");
    bw_put_safe(out, bw_get_str(d, "from"), false);
    bw_buf_add_char(out, '\n');
  }
  put_list(cli, out, "To", json_object_get(d, "to"));
  put_list(cli, out, "Cc", json_object_get(d, "cc"));
  bw_buf_add_cstr(out, "  ");
  label(cli, out, "Subject");
  bw_put_styled(cli, out, BW_BOLD, bw_get_str(d, "subject"));
  bw_buf_add_cstr(out, "\n\n");
  put_body(cli, out, bw_get_str(d, "body"));
  put_provenance(cli, out, json_object_get(d, "provenance"));
  if (json_array_size(json_object_get(d, "missing")))
    bw_buf_add_char(out, '\n');
  bw_put_gaps(cli, out, lead, json_object_get(d, "missing"));
}

/* ---- how to decide ---- */

static bool is_decided(const json_t *l)
{
  const char *state = bw_get_str(l, "state");
  return strcmp(state, "open") != 0 && strcmp(state, "review") != 0 && strcmp(state, "snoozed") != 0;
}

/* The last word on a lead that needs none any more. */
static void put_outcome(struct bw_buf *out, const json_t *l)
{
  const json_t *history = json_object_get(l, "history");
  const json_t *last = json_array_get(history, json_array_size(history) - 1);
  bw_buf_printf(out, "  None is needed: it is %s", bw_get_str(l, "state"));
  if (json_array_size(history) > 1) {
    bw_buf_add_cstr(out, " (last: ");
    bw_put_safe(out, bw_get_str(last, "what"), false);
    bw_buf_add_cstr(out, " by ");
    bw_put_safe(out, bw_get_str(last, "who"), false);
    bw_buf_add_char(out, ')');
  }
  bw_buf_add_cstr(out, ".\n");
}

static void put_decision(struct bw_cli *cli, struct bw_buf *out, const json_t *l)
{
  const json_t *draft = json_object_get(l, "draft");
  const char *lead = bw_get_str(l, "lead"), *hash = bw_get_str(draft, "hash");
  const char *blocked = bw_get_str(l, "blocked");
  struct bw_buf b = {0};
  bw_put_heading(cli, out, "Your decision");
  if (is_queued(l)) {
    bw_buf_add_cstr(out, "  Not yet: ");
    bw_put_sentence(cli, out, blocked, 2);
    bw_buf_add_char(out, '\n');
  } else if (is_decided(l)) {
    put_outcome(out, l);
  } else if (!json_is_object(draft)) {
    bw_buf_add_cstr(out,
                    "  There is nothing to send: look into it, talk to them where that is natural, and say what it was.\n");
  } else if (*blocked) {
    bw_buf_add_cstr(out, "  ");
    bw_put_styled(cli, out, BW_YELLOW, "It cannot be approved now: ");
    bw_put_sentence(cli, out, blocked, 4);
    bw_buf_add_cstr(out, "\n");
  }
  if (!is_decided(l) && bw_get_time(l, "review_until") != BW_TIME_NONE && bw_get_time(l, "review_until") > cli->now) {
    bw_buf_add_cstr(out, "  The CSM's review window ends ");
    bw_put_when(out, bw_get_time(l, "review_until"), cli->now);
    bw_buf_add_cstr(out, ".\n");
  }
  if (bw_get_time(l, "snoozed_until") != BW_TIME_NONE) {
    bw_buf_add_cstr(out, "  It sleeps until ");
    bw_put_when(out, bw_get_time(l, "snoozed_until"), cli->now);
    bw_buf_add_cstr(out, ".\n");
  }
  if (!is_decided(l)) {
    bool reviewed = strcmp(bw_get_str(l, "state"), "review") == 0 && !json_array_size(json_object_get(draft, "missing"));
    if (*hash && (!*blocked || reviewed)) {
      bw_buf_printf(&b, "basewatch approve %s --hash %.16s", lead, hash);
      bw_buf_add_cstr(out, reviewed && *blocked ? "  send it, as the CSM  " : "  send exactly this    ");
      bw_put_styled(cli, out, BW_GREEN, bw_buf_cstr(&b));
      bw_buf_add_char(out, '\n');
      bw_buf_reset(&b);
    }
    if (json_is_object(draft))
      bw_buf_printf(&b, "  change it first      basewatch edit %s --body-file FILE   (or --subject, --to)\n", lead);
    else
      bw_buf_printf(&b,
                    "  you talked           basewatch outcome %s conversation --note \"...\"\n"
                    "  it was nothing       basewatch outcome %s nothing --note \"...\"\n",
                    lead, lead);
    bw_buf_printf(&b,
                  "  decline it           basewatch reject %s --reason \"...\"\n"
                  "  later                basewatch snooze %s --for 7d\n",
                  lead, lead);
    bw_put_safe(out, bw_buf_cstr(&b), true);
  }
  bw_buf_clear(&b);
}

static void put_history(struct bw_cli *cli, struct bw_buf *out, const json_t *history)
{
  struct bw_table *t;
  struct bw_buf b = {0};
  const json_t *h;
  size_t i;
  if (json_array_size(history) < 2)
    return;
  bw_put_heading(cli, out, "History");
  t = bw_table_new(cli, 4, (const char *const[]){"", "", "", "~"});
  json_array_foreach(history, i, h)
  {
    bw_put_time(&b, bw_get_time(h, "at"));
    bw_table_take(t, BW_PLAIN, &b);
    bw_table_add(t, BW_PLAIN, bw_get_str(h, "who"));
    bw_table_add(t, BW_PLAIN, bw_get_str(h, "what"));
    bw_table_add(t, BW_PLAIN, bw_get_str(h, "note"));
  }
  bw_table_end(&t, out, 2);
  bw_buf_clear(&b);
}

int bw_cmd_show(struct bw_cli *cli)
{
  json_t *reply, *signals;
  struct bw_buf out = {0};
  int rc = bw_cli_ask(cli, "show", json_pack("{s:s}", "lead", cli->args[0]), &reply);
  if (rc || !reply)
    return rc;
  signals = json_object_get(reply, "triggered");
  put_title(cli, &out, reply);
  bw_buf_add_char(&out, '\n');
  put_why(cli, &out, reply, signals);
  put_worth(cli, &out, reply);
  put_move(cli, &out, reply);
  put_fields(cli, &out, reply, signals);
  put_readiness(cli, &out, json_object_get(reply, "readiness"));
  put_all_evidence(cli, &out, signals);
  put_draft(cli, &out, reply);
  put_history(cli, &out, json_object_get(reply, "history"));
  bw_put_deal(cli, &out, reply);
  put_decision(cli, &out, reply);
  bw_cli_print(&out);
  bw_buf_clear(&out);
  json_decref(reply);
  return BW_EXIT_OK;
}
