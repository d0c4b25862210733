/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would have to change for a condition to hold: one value at a time is taken for another, the condition is asked again,
 * and the nearest value that turns its answer is told.  It knows nothing of how the condition is written.  Runs in core and
 * replays; no privileges.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "plays/private.h"

#define MAX_LEAVES 24
#define OTHER "\1" /* a text that no condition names */

struct search {
  struct bw_env *env;
  const struct bw_expr *e;
  const struct gate_list *gates; /* of the play, this condition among them, perhaps */
  const struct bw_leaf *leaf;
  enum bw_type type;
};

static bool holds(struct bw_env *env, const struct bw_expr *e)
{
  struct bw_value r;
  bw_expr_eval(e, &env->eval, &r);
  return r.type == BW_TYPE_BOOL && r.b;
}

static bool holds_with(const struct search *s, const struct bw_expr *e, struct bw_value v)
{
  bool answer;
  s->env->instead_of = s->leaf->slot;
  s->env->instead = v;
  answer = holds(s->env, e);
  s->env->instead_of = UINT32_MAX;
  return answer;
}

static bool turns(const struct search *s, struct bw_value v)
{
  return holds_with(s, s->e, v);
}

/* What opens this gate and closes another one is no advice. */
static bool harms(const struct search *s, struct bw_value v)
{
  size_t i;
  for (i = 0; i < s->gates->n; i++) {
    const struct bw_expr *other = s->gates->items[i].require;
    if (other != s->e && holds(s->env, other) && !holds_with(s, other, v))
      return true;
  }
  return false;
}

/* ---- numbers, durations and times: all as a number, the latter two in days ---- */

static struct bw_value of_number(const struct search *s, double d)
{
  double ms = d * (double)BW_DAY;
  if (s->type == BW_TYPE_DOUBLE)
    return bw_value_double(d);
  if (s->type == BW_TYPE_INT)
    return bw_value_int((int64_t)llround(d));
  return (struct bw_value){.type = s->type, .i = fabs(ms) < 9e18 ? (int64_t)llround(ms) : 0};
}

/* Beyond it nothing is sought; days have to be milliseconds. */
static double largest(enum bw_type type)
{
  return type == BW_TYPE_DOUBLE || type == BW_TYPE_INT ? 1e15 : (double)BW_TIME_MAX / (double)BW_DAY;
}

static double to_number(const struct bw_value *v)
{
  return v->type == BW_TYPE_DOUBLE                                     ? v->d
         : v->type == BW_TYPE_INT                                      ? (double)v->i
         : v->type == BW_TYPE_DURATION || v->type == BW_TYPE_TIMESTAMP ? (double)v->i / (double)BW_DAY
                                                                       : 0;
}

/* Where a condition turns. */
struct turn {
  double near, beyond; /* as somebody wrote it, and the nearest that was found to turn it */
  bool exactly;        /* near turns it itself */
};

/* The nearest turning number in one direction; false: none. */
static bool seek(const struct search *s, double from, int sign, struct turn *ret)
{
  double step = fabs(from) > 1 ? fabs(from) * 1e-3 : 1e-3, fails = from, holds = from, most = largest(s->type);
  char text[32];
  int i;
  for (i = 0; i < 60 && fabs(holds) < most; i++, step *= 2) {
    holds = from + sign * step;
    if (turns(s, of_number(s, holds)))
      break;
    fails = holds;
  }
  if (i == 60 || fabs(holds) >= most)
    return false;
  for (i = 0; i < 100; i++) {
    double middle = fails + (holds - fails) / 2;
    if (turns(s, of_number(s, middle)))
      holds = middle;
    else
      fails = middle;
  }
  snprintf(text, sizeof text, "%.9g", holds);              /* the number that somebody wrote, not its last bit */
  ret->near = fabs(holds) < 1e-6 ? 0 : strtod(text, NULL); /* next to nothing: beyond zero is meant */
  ret->exactly = turns(s, of_number(s, ret->near));
  ret->beyond = ret->exactly ? ret->near : holds;
  return true;
}

/* When time alone brings a value there; BW_TIME_NONE: it does not. */
static int64_t reached_at(const struct search *s, double from, double to)
{
  struct bw_str name = s->leaf->name;
  bool forward = bw_str_is(name, "account.tenure") || bw_str_is(name, "now");
  double days = forward ? to - from : bw_str_is(name, "account.days_to_renewal") ? from - to : -1;
  return days > 0 && days < 36600 ? s->env->now_ms + (int64_t)ceil(days * (double)BW_DAY) : BW_TIME_NONE;
}

static void number_text(const struct search *s, double d, struct bw_buf *out)
{
  struct bw_value v = of_number(s, d);
  bw_value_text(out, &v);
}

/* Time goes forward, for the moment and for what is counted from it. */
static bool goes_back(const struct search *s, int sign)
{
  return sign < 0 && (bw_str_is(s->leaf->name, "now") || bw_str_is(s->leaf->name, "account.tenure") ||
                      bw_str_is(s->leaf->name, "account.months"));
}

/* No change is offered that cannot be, such as a contract below zero, or that closes another gate. */
static bool can_be(const struct search *s, const struct turn *t, int sign)
{
  double lo, hi;
  if (goes_back(s, sign) || harms(s, of_number(s, t->beyond)))
    return false;
  if (!bw_env_slot_range(s->env, s->leaf->slot, &lo, &hi))
    return true;
  return t->near >= lo && t->near <= hi && (t->exactly || (sign < 0 ? t->near > lo : t->near < hi));
}

/* "at least 10,000: 4,000 more, from 2026-07-01" */
static void say_number(const struct search *s, const struct turn *t, bool up, int64_t at, struct bw_buf *text)
{
  double from = to_number(&s->leaf->value);
  char day[11];
  if (bw_str_is(s->leaf->name, "now") && at != BW_TIME_NONE) {
    bw_day_format(bw_time_day(at), day);
    bw_buf_printf(text, "%s: time alone brings that", day);
    return;
  }
  bw_buf_add_cstr(text, up ? (t->exactly ? "at least " : "more than ") : t->exactly ? "at most " : "less than ");
  number_text(s, t->near, text);
  if (s->leaf->value.type == BW_TYPE_ERROR)
    return;
  if (s->type != BW_TYPE_TIMESTAMP) {
    bw_buf_add_cstr(text, ": ");
    number_text(s, fabs(t->near - from), text);
    bw_buf_add_cstr(text, up ? " more" : " less");
  }
  if (at != BW_TIME_NONE) {
    bw_day_format(bw_time_day(at), day);
    bw_buf_printf(text, ", from %s", day);
  }
}

static bool change_number(const struct search *s, struct bw_buf *text, struct bw_value *ret_to, int64_t *ret_at)
{
  double from = to_number(&s->leaf->value);
  bool missing = s->leaf->value.type == BW_TYPE_ERROR;
  struct turn up, down, *to;
  bool can_up = seek(s, from, 1, &up) && can_be(s, &up, 1), can_down = seek(s, from, -1, &down) && can_be(s, &down, -1);
  if (!can_up && !can_down)
    return false;
  if (can_up && can_down)
    can_up = missing || from - down.near >= up.near - from;
  to = can_up ? &up : &down;
  *ret_to = of_number(s, to->near);
  *ret_at = missing ? BW_TIME_NONE : reached_at(s, from, to->near);
  say_number(s, to, can_up, *ret_at, text);
  return true;
}

/* ---- texts, stages, yes and no, signals ---- */

/* Nobody is advised to make a customer unhappy. */
static bool is_worse(const struct search *s, struct bw_str word)
{
  return bw_str_is(s->leaf->name, "account.health") && bw_str_is(word, "red");
}

/* The texts that the condition names; and any other. */
static bool change_text(const struct search *s, struct bw_buf *text, struct bw_value *ret_to)
{
  struct bw_str source = bw_expr_source(s->e);
  size_t i = 0, from;
  if (turns(s, bw_value_string(BW_STR(OTHER))) && !harms(s, bw_value_string(BW_STR(OTHER)))) {
    bw_buf_add_cstr(text, s->leaf->value.type == BW_TYPE_ERROR ? "known" : "another");
    *ret_to = (struct bw_value){.type = BW_TYPE_NULL};
    return true;
  }
  while (i < source.len) {
    char quote = source.data[i++];
    if (quote != '"' && quote != '\'')
      continue;
    for (from = i; i < source.len && source.data[i] != quote; i++)
      ;
    *ret_to = bw_value_string(bw_str_n(source.data + from, i - from));
    i++;
    if (!turns(s, *ret_to) || harms(s, *ret_to) || is_worse(s, ret_to->s))
      continue;
    bw_value_text(text, ret_to);
    return true;
  }
  return false;
}

static bool change_stage(const struct search *s, struct bw_buf *text, struct bw_value *ret_to)
{
  int i = s->leaf->value.type == BW_TYPE_RANK ? (int)s->leaf->value.i + 1 : 0; /* a journey goes forward */
  for (; bw_stages[i]; i++) {
    *ret_to = (struct bw_value){.type = BW_TYPE_RANK, .i = i, .s = bw_str(bw_stages[i])};
    if (!turns(s, *ret_to) || harms(s, *ret_to))
      continue;
    bw_buf_add_cstr(text, bw_stages[i]);
    return true;
  }
  return false;
}

static bool change_yes(const struct search *s, struct bw_buf *text, struct bw_value *ret_to)
{
  bool now = s->type == BW_TYPE_SIGNAL ? bw_env_slot_open(s->env, s->leaf->slot)
                                       : s->leaf->value.type == BW_TYPE_BOOL && s->leaf->value.b;
  *ret_to = bw_value_bool(!now);
  if (!turns(s, *ret_to) || harms(s, *ret_to))
    return false;
  bw_buf_add_cstr(text, s->type == BW_TYPE_SIGNAL ? (now ? "cleared" : "open") : now ? "no" : "yes");
  return true;
}

static bool find(const struct search *s, struct bw_buf *text, struct bw_value *ret_to, int64_t *ret_at)
{
  *ret_at = BW_TIME_NONE;
  switch (s->type) {
  case BW_TYPE_DOUBLE:
  case BW_TYPE_INT:
  case BW_TYPE_DURATION:
  case BW_TYPE_TIMESTAMP:
    return change_number(s, text, ret_to, ret_at);
  case BW_TYPE_STRING:
    return change_text(s, text, ret_to);
  case BW_TYPE_RANK:
    return change_stage(s, text, ret_to);
  case BW_TYPE_BOOL:
  case BW_TYPE_SIGNAL:
    return change_yes(s, text, ret_to);
  default:
    return false;
  }
}

static void change_json(const struct search *s, const struct bw_value *to, const char *text, int64_t at, struct bw_buf *b)
{
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_str(b, s->leaf->name);
  bw_json_key(b, "to");
  bw_value_json(b, to);
  bw_json_key(b, "text");
  bw_json_cstr(b, text);
  if (at != BW_TIME_NONE) {
    bw_json_key(b, "from");
    bw_json_day(b, bw_time_day(at));
  }
  bw_json_close(b, '}');
}

/* One value that would do, in words; false: none. */
static bool change_leaf(struct search *s, struct bw_buf *b, struct bw_buf *says)
{
  struct bw_buf what = {0}, text = {0};
  struct bw_value to;
  int64_t at;
  bool found = find(s, &what, &to, &at);
  if (found) {
    if (s->leaf->value.type == BW_TYPE_ERROR && s->type != BW_TYPE_STRING)
      bw_buf_printf(&text, "%.*s would have to be known, and be %s", BW_FMT(s->leaf->name), bw_buf_cstr(&what));
    else
      bw_buf_printf(&text, "%.*s would have to be %s", BW_FMT(s->leaf->name), bw_buf_cstr(&what));
    change_json(s, &to, bw_buf_cstr(&text), at, b);
    bw_buf_printf(says, "%s%s", says->len ? ", or " : "", bw_buf_cstr(&text));
  }
  bw_buf_clear(&what);
  bw_buf_clear(&text);
  return found;
}

/* Not what is made of other accounts or of the past, nor the day on which something began. */
static bool can_change(const struct bw_leaf *l, enum bw_type type)
{
  return !memchr(l->name.data, '(', l->name.len) && !(type == BW_TYPE_TIMESTAMP && bw_str_prefix(l->name, "signal."));
}

void bw_change_explain(struct bw_env *env, const struct bw_expr *e, const struct gate_list *gates, struct bw_buf *b,
                       struct bw_buf *says)
{
  struct bw_leaf leaves[MAX_LEAVES];
  size_t n = env->eval.nleaves < MAX_LEAVES ? env->eval.nleaves : MAX_LEAVES, i;
  int pass;
  if (n)
    memcpy(leaves, env->eval.leaves, n * sizeof *leaves);
  env->eval.collect = false;
  env->quick = true;
  bw_json_key(b, "change");
  bw_json_open(b, '[');
  for (pass = 0; pass < 2; pass++) /* what time alone brings, first */
    for (i = 0; i < n; i++) {
      struct search s = {env, e, gates, &leaves[i], bw_env_slot_type(env, leaves[i].slot)};
      if (s.type == BW_TYPE_ANY)
        s.type = leaves[i].value.type == BW_TYPE_ERROR ? BW_TYPE_STRING : leaves[i].value.type;
      if (bw_str_is(leaves[i].name, "now") == (pass == 0) && can_change(&leaves[i], s.type))
        change_leaf(&s, b, says);
    }
  bw_json_close(b, ']');
  env->quick = false;
  env->eval.collect = true;
}

/* ---- an expression with its values filled in ---- */

static bool name_byte(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The leaf that is written at `at`, the longest. */
static const struct bw_leaf *leaf_at(const struct bw_env *env, struct bw_str source, size_t at)
{
  const struct bw_leaf *best = NULL;
  size_t i;
  for (i = 0; i < env->eval.nleaves; i++) {
    const struct bw_leaf *l = &env->eval.leaves[i];
    size_t end = at + l->name.len;
    if (end > source.len || memcmp(source.data + at, l->name.data, l->name.len) != 0)
      continue;
    if (end < source.len && (name_byte(source.data[end]) || source.data[end] == '.' || source.data[end] == '['))
      continue;
    if (!best || l->name.len > best->name.len)
      best = l;
  }
  return best;
}

static void put_value(const struct bw_value *v, struct bw_buf *out)
{
  char text[40];
  double d = v->type == BW_TYPE_INT ? (double)v->i : v->d;
  if (v->type != BW_TYPE_DOUBLE && v->type != BW_TYPE_INT) {
    if (v->type == BW_TYPE_ERROR)
      bw_buf_add_char(out, '?');
    else
      bw_value_text(out, v);
    return;
  }
  bw_number_format(d, text);
  bw_buf_printf(out, d < 0 ? "(%s)" : "%s", text);
}

void bw_arithmetic(const struct bw_env *env, struct bw_str source, struct bw_buf *out)
{
  size_t i = 0;
  char quote = '\0';
  while (i < source.len) {
    char c = source.data[i];
    bool starts = !quote && name_byte(c) && (i == 0 || (!name_byte(source.data[i - 1]) && source.data[i - 1] != '.'));
    bool asked = i >= 4 && memcmp(source.data + i - 4, "has(", 4) == 0;
    const struct bw_leaf *l = starts && !asked ? leaf_at(env, source, i) : NULL;
    if (l) {
      put_value(&l->value, out);
      i += l->name.len;
      continue;
    }
    if (!quote && (c == '"' || c == '\''))
      quote = c;
    else if (c == quote)
      quote = '\0';
    if (c == '\n' || (c == ' ' && out->len && out->data[out->len - 1] == ' '))
      c = ' ';
    if (c != ' ' || (out->len && out->data[out->len - 1] != ' '))
      bw_buf_add_char(out, c);
    i++;
  }
}
