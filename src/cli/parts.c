/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands show: signals with their evidence, rows of leads.  Runs in the command line; no privileges. */
#include <math.h>
#include <stdio.h>

#include "cli/internal.h"

#define SPARK_CELLS 40

enum bw_style bw_priority_style(const char *priority)
{
  return strcmp(priority, "high") == 0 ? BW_RED : strcmp(priority, "medium") == 0 ? BW_YELLOW : BW_PLAIN;
}

const char *bw_direction_arrow(const char *direction)
{
  static const struct {
    const char *name, *arrow;
  } arrows[] = {{"up", "↑"}, {"down", "↓"}, {"both", "↕"}, {"unclear", "?"}, {"revival", "↺"}, {"context", "·"}};
  size_t i;
  for (i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
    if (strcmp(direction, arrows[i].name) == 0)
      return arrows[i].arrow;
  return " ";
}

static enum bw_style direction_style(const char *direction)
{
  return strcmp(direction, "up") == 0 ? BW_GREEN : strcmp(direction, "down") == 0 ? BW_RED : BW_PLAIN;
}

void bw_put_signal_name(struct bw_buf *out, const json_t *signal)
{
  bw_put_safe(out, bw_get_str(signal, "signal"), false);
  if (*bw_get_str(signal, "key")) {
    bw_buf_add_char(out, '[');
    bw_put_safe(out, bw_get_str(signal, "key"), false);
    bw_buf_add_char(out, ']');
  }
}

/* ---- evidence ---- */

static bool is_series(const json_t *v)
{
  size_t i, numbers = 0;
  const json_t *item;
  if (json_is_object(v))
    return is_series(json_object_get(v, "values"));
  json_array_foreach(v, i, item)
  {
    if (!json_is_number(item) && !json_is_null(item))
      return false;
    numbers += json_is_number(item);
  }
  return numbers >= 3;
}

/* "weekly_to" belongs to the series "weekly". */
static bool belongs_to_series(const json_t *evidence, const char *key)
{
  size_t n = strlen(key);
  char base[64];
  if (n < 4 || n - 3 >= sizeof base || strcmp(key + n - 3, "_to") != 0)
    return false;
  memcpy(base, key, n - 3);
  base[n - 3] = '\0';
  return is_series(json_object_get(evidence, base));
}

static void put_label(struct bw_buf *out, const char *key)
{
  struct bw_buf safe = {0};
  size_t i;
  bw_put_safe(&safe, key, false);
  for (i = 0; i < safe.len; i++)
    bw_buf_add_char(out, safe.data[i] == '_' ? ' ' : safe.data[i]);
  bw_buf_clear(&safe);
}

static bool is_window(const json_t *v)
{
  int64_t a, b;
  const char *from = json_string_value(json_array_get(v, 0)), *to = json_string_value(json_array_get(v, 1));
  return json_array_size(v) == 2 && from && to && bw_time_parse(bw_str(from), &a) == 0 && bw_time_parse(bw_str(to), &b) == 0;
}

static void put_series(struct bw_cli *cli, struct bw_buf *out, const json_t *evidence, const char *key, const json_t *v)
{
  const json_t *values = json_is_object(v) ? json_object_get(v, "values") : v;
  const char *step = json_is_object(v) ? bw_get_str(v, "step") : "";
  struct bw_buf name = {0};
  size_t n = json_array_size(values);
  bw_buf_printf(&name, "%s_to", key);
  bw_put_spark(out, values, SPARK_CELLS);
  bw_buf_add_cstr(out, "  ");
  bw_put_value(out, json_array_get(values, 0));
  bw_buf_add_cstr(out, " → ");
  bw_put_value(out, json_array_get(values, n - 1));
  bw_buf_reset(&name);
  bw_buf_printf(&name, " (%zu %s", n, strcmp(key, "weekly") == 0 ? "weeks" : *step ? step : "values");
  if (json_is_object(v) && *step)
    bw_buf_add_char(&name, 's');
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&name));
  bw_buf_reset(&name);
  bw_buf_printf(&name, "%s_to", key);
  if (*bw_get_str(evidence, bw_buf_cstr(&name))) {
    struct bw_buf to = {0};
    bw_buf_printf(&to, " to %s", bw_get_str(evidence, name.data));
    bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&to));
    bw_buf_clear(&to);
  }
  bw_put_styled(cli, out, BW_DIM, ")");
  bw_buf_clear(&name);
}

static void start_line(struct bw_cli *cli, struct bw_buf *out, const char *key, size_t indent)
{
  struct bw_buf label = {0};
  size_t cells;
  put_label(&label, key);
  cells = bw_cells(label.data ? label.data : "", label.len);
  bw_buf_printf(out, "%*s", (int)indent, "");
  bw_put_styled(cli, out, BW_DIM, bw_buf_cstr(&label));
  bw_buf_printf(out, "%*s", cells < 22 ? (int)(22 - cells) : 1, "");
  bw_buf_clear(&label);
}

void bw_put_evidence(struct bw_cli *cli, struct bw_buf *out, const json_t *signal, size_t indent)
{
  json_t *evidence = json_object_get(signal, "evidence"), *v;
  const char *key;
  json_object_foreach(evidence, key, v)
  {
    if (belongs_to_series(evidence, key))
      continue;
    start_line(cli, out, key, indent);
    if (is_series(v)) {
      put_series(cli, out, evidence, key, v);
    } else if (is_window(v)) {
      bw_put_value(out, json_array_get(v, 0));
      bw_buf_add_cstr(out, " to ");
      bw_put_value(out, json_array_get(v, 1));
    } else {
      bw_put_value(out, v);
    }
    bw_buf_add_char(out, '\n');
  }
}

/* ---- lists ---- */

const json_t *bw_first_series(const json_t *evidence)
{
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)(uintptr_t)evidence, key, v)
  {
    if (is_series(v))
      return json_is_object(v) ? json_object_get(v, "values") : v;
  }
  return NULL;
}

/* Which columns there is room for: series and thresholds go first, never a name. */
struct signal_columns {
  bool account, series, strength;
};

static void signal_row(struct bw_cli *cli, struct bw_table *t, const json_t *s, const struct signal_columns *c)
{
  const char *direction = bw_get_str(s, "direction");
  bool cleared = *bw_get_str(s, "cleared") != '\0', held = *bw_get_str(s, "held_until") != '\0';
  struct bw_buf b = {0};
  bw_table_add(t, direction_style(direction), bw_direction_arrow(direction));
  if (c->account)
    bw_table_add(t, BW_BOLD, bw_get_str(s, "account"));
  bw_put_signal_name(&b, s);
  bw_table_take(t, BW_PLAIN, &b);
  bw_table_add(t, bw_priority_style(bw_get_str(s, "urgency")), bw_get_str(s, "urgency"));
  bw_put_number(&b, bw_get_num(s, "value"));
  bw_table_take(t, BW_PLAIN, &b);
  bw_put_number(&b, bw_get_num(s, "threshold"));
  bw_table_take(t, BW_PLAIN, &b);
  if (c->strength) {
    bw_buf_printf(&b, "%.2f", bw_get_num(s, "strength"));
    bw_table_take(t, BW_PLAIN, &b);
  }
  if (c->series) {
    bw_put_spark(&b, bw_first_series(json_object_get(s, "evidence")), 20);
    bw_table_take(t, BW_PLAIN, &b);
  }
  bw_put_relative(&b, bw_get_time(s, "opened"), cli->now);
  bw_table_take(t, BW_PLAIN, &b);
  if (cleared) {
    bw_buf_add_cstr(&b, "cleared ");
    bw_put_relative(&b, bw_get_time(s, "cleared"), cli->now);
  } else if (held) {
    bw_buf_add_cstr(&b, "held back");
  }
  bw_table_take(t, cleared ? BW_DIM : BW_YELLOW, &b);
  bw_buf_clear(&b);
}

static bool has_long_name(const json_t *list, bool with_account)
{
  const json_t *s;
  size_t i;
  json_array_foreach(list, i, s)
  {
    size_t n =
        strlen(bw_get_str(s, "signal")) + strlen(bw_get_str(s, "key")) + (with_account ? strlen(bw_get_str(s, "account")) : 0);
    if (n > 18)
      return true;
  }
  return false;
}

void bw_put_signals(struct bw_cli *cli, struct bw_buf *out, const json_t *list, bool with_account, size_t indent)
{
  struct signal_columns c = {with_account, cli->width >= 100 || !has_long_name(list, with_account), cli->width >= 100};
  const char *headers[10];
  struct bw_table *t;
  const json_t *s;
  size_t i, n = 0;
  headers[n++] = "";
  if (c.account)
    headers[n++] = "ACCOUNT~";
  headers[n++] = "SIGNAL~";
  headers[n++] = "URGENCY";
  headers[n++] = ">VALUE";
  headers[n++] = ">THRESHOLD";
  if (c.strength)
    headers[n++] = ">STRENGTH";
  if (c.series)
    headers[n++] = "";
  headers[n++] = "OPENED";
  headers[n++] = "";
  t = bw_table_new(cli, n, headers);
  json_array_foreach(list, i, s)
  {
    signal_row(cli, t, s, &c);
  }
  bw_table_end(&t, out, indent);
}

/* "ready", "1 missing", "review"; what it is where nobody has to do anything. */
static void put_state(struct bw_buf *out, const json_t *l, bool open)
{
  const char *state = bw_get_str(l, "state");
  int64_t missing = bw_get_int(l, "missing", 0);
  if (strcmp(bw_get_str(l, "mode"), "live") != 0 && *bw_get_str(l, "mode"))
    bw_buf_printf(out, "%s, ", bw_get_str(l, "mode"));
  if (open && bw_get_bool(l, "ready"))
    bw_buf_add_cstr(out, "ready");
  else if (open && missing > 0)
    bw_buf_printf(out, "%lld missing", (long long)missing);
  else
    bw_buf_add_cstr(out, state);
}

static void lead_row(struct bw_cli *cli, struct bw_table *t, const json_t *l, bool with_score, bool with_play)
{
  const char *priority = bw_get_str(l, "priority"), *state = bw_get_str(l, "state");
  int64_t sla = bw_get_time(l, "sla");
  bool open = strcmp(state, "open") == 0 || strcmp(state, "review") == 0;
  bool over = !open && strcmp(state, "snoozed") != 0;
  struct bw_buf b = {0};
  bw_table_add(t, BW_BOLD, bw_get_str(l, "lead"));
  bw_table_add(t, bw_priority_style(priority), priority);
  bw_table_add(t, BW_PLAIN, *bw_get_str(l, "name") ? bw_get_str(l, "name") : bw_get_str(l, "account"));
  if (with_play)
    bw_table_add(t, BW_PLAIN, bw_get_str(l, "play"));
  bw_table_add(t, BW_PLAIN, bw_get_str(l, "primary"));
  if (isfinite(bw_get_num(l, "estimate")))
    bw_put_money(&b, bw_get_num(l, "estimate"), bw_get_str(l, "currency"));
  else
    bw_buf_add_cstr(&b, "–");
  bw_table_take(t, BW_PLAIN, &b);
  if (with_score) {
    bw_put_number(&b, bw_get_num(l, "score"));
    bw_table_take(t, BW_PLAIN, &b);
  }
  bw_table_add(t, BW_PLAIN, bw_get_str(l, "owner"));
  if (!over)
    bw_put_relative(&b, sla, cli->now);
  bw_table_take(t, open && sla != BW_TIME_NONE && sla < cli->now ? BW_RED : BW_PLAIN, &b);
  put_state(&b, l, open);
  bw_table_take(t, open && bw_get_bool(l, "ready") ? BW_GREEN : BW_PLAIN, &b);
  bw_buf_clear(&b);
}

void bw_put_leads(struct bw_cli *cli, struct bw_buf *out, const json_t *list, size_t indent)
{
  bool with_score = cli->width >= 110, with_play = cli->width >= 90;
  const char *headers[10];
  struct bw_table *t;
  const json_t *l;
  size_t i, n = 0;
  headers[n++] = "LEAD";
  headers[n++] = cli->width >= 110 ? "PRIORITY" : "PRIO";
  headers[n++] = "ACCOUNT~";
  if (with_play)
    headers[n++] = "PLAY~";
  headers[n++] = "PRIMARY SIGNAL~";
  headers[n++] = ">WORTH";
  if (with_score)
    headers[n++] = ">SCORE";
  headers[n++] = "OWNER~";
  headers[n++] = "DUE";
  headers[n++] = "STATE";
  t = bw_table_new(cli, n, headers);
  json_array_foreach(list, i, l)
  {
    lead_row(cli, t, l, with_score, with_play);
  }
  bw_table_end(&t, out, indent);
}

/* ---- what a draft lacks ---- */

/* A word for the shell, as people would write it. */
static void put_word(struct bw_buf *out, const char *word)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const char *p;
  if (strspn(word, plain) == strlen(word)) {
    bw_buf_add_cstr(out, word);
    return;
  }
  bw_buf_add_char(out, '\'');
  for (p = word; *p; p++)
    if (*p == '\'')
      bw_buf_add_cstr(out, "'\\''");
    else
      bw_buf_add_char(out, *p);
  bw_buf_add_char(out, '\'');
}

static bool is_whole_field(const char *name)
{
  return strcmp(name, "to") == 0 || strcmp(name, "subject") == 0 || strcmp(name, "body") == 0;
}

static void put_remedy(struct bw_buf *out, const char *lead, const char *name)
{
  if (strcmp(name, "body") == 0) {
    bw_buf_printf(out, "basewatch edit %s --body-file FILE", lead);
  } else if (is_whole_field(name)) {
    bw_buf_printf(out, "basewatch edit %s --%s '...'", lead, name);
  } else {
    bw_buf_printf(out, "basewatch fill %s ", lead);
    put_word(out, name);
    bw_buf_add_cstr(out, " '...'");
  }
}

/* A name may be missing in several places; it is filled in once for all of them. */
static bool seen_before(const json_t *missing, size_t at, const char *name)
{
  size_t i;
  for (i = 0; i < at; i++)
    if (strcmp(bw_get_str(json_array_get(missing, i), "name"), name) == 0)
      return true;
  return false;
}

void bw_put_gaps(struct bw_cli *cli, struct bw_buf *out, const char *lead, const json_t *missing)
{
  struct bw_buf b = {0};
  const json_t *m;
  size_t i;
  json_array_foreach(missing, i, m)
  {
    const char *name = bw_get_str(m, "name");
    if (seen_before(missing, i, name))
      continue;
    bw_buf_add_cstr(out, "  ");
    bw_put_styled(cli, out, BW_RED, "missing: ");
    bw_put_styled(cli, out, BW_BOLD, name);
    if (*bw_get_str(m, "why")) {
      bw_buf_add_cstr(out, "\n    ");
      bw_put_wrapped(cli, out, bw_get_str(m, "why"), 4);
    }
    put_remedy(&b, lead, name);
    bw_buf_add_cstr(out, "\n    ");
    bw_put_styled(cli, out, BW_GREEN, bw_buf_cstr(&b));
    bw_buf_add_char(out, '\n');
    bw_buf_reset(&b);
  }
  bw_buf_clear(&b);
}
