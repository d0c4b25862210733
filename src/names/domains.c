/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name can be at all: its words, or between which numbers.  A comparison that holds for no such value, or for every one,
 * is a mistake.  Runs wherever rules are read; no privileges.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "config/config.h"
#include "names/private.h"

#define MAX_RATIO 10 /* a limit may be exceeded, but hardly by 1000 % */

struct domain {
  const char *name;         /* in full; "plan.limits.*" for all that begin so; "getMonth(t)": what that function gives, of such
                               a first argument (struct bw_expr_function) */
  const char *const *words; /* NULL: numbers */
  double lo, hi;
  bool whole;
};
#define WORDS(list) list, 0, 0, false
#define NUMBERS(lo, hi, whole) NULL, lo, hi, whole

static const char *const priorities[] = {"high", "medium", "low", NULL};
static const struct domain domains[] = {
    {"account.health", WORDS(bw_health_words)},
    {"account.budget", WORDS(bw_budget_words)},
    {"account.relationship", WORDS(bw_relationship_words)},
    {"priority", WORDS(priorities)},
    {"account.stage", NUMBERS(0, BW_STAGES - 1, true)},
    {"quartile(n)", NUMBERS(1, 4, true)},
    {"getMonth(t)", NUMBERS(0, 11, true)},
    {"getDate(t)", NUMBERS(1, 31, true)},
    {"getDayOfMonth(t)", NUMBERS(0, 30, true)},
    {"getDayOfYear(t)", NUMBERS(0, 365, true)},
    {"getDayOfWeek(t)", NUMBERS(0, 6, true)},
    {"getHours(t)", NUMBERS(0, 23, true)},
    {"getMinutes(t)", NUMBERS(0, 59, true)},
    {"getSeconds(t)", NUMBERS(0, 59, true)},
    {"getMilliseconds(t)", NUMBERS(0, 999, true)},
    {"size(s)", NUMBERS(0, INFINITY, true)},
    {"size(l)", NUMBERS(0, INFINITY, true)},
    {"size(m)", NUMBERS(0, INFINITY, true)},
    {"score", NUMBERS(0, 100, false)},
    {"triggered", NUMBERS(0, INFINITY, true)},
    {"density", NUMBERS(0, INFINITY, false)},
    {"account.acv", NUMBERS(0, INFINITY, false)},
    {"account.arr", NUMBERS(0, INFINITY, false)},
    {"account.seats", NUMBERS(0, INFINITY, false)},
    {"account.employees", NUMBERS(0, INFINITY, false)},
    {"account.density", NUMBERS(0, INFINITY, false)},
    {"account.open_signals", NUMBERS(0, INFINITY, true)},
    {"account.contacts", NUMBERS(0, INFINITY, true)},
    {"subscription.seats", NUMBERS(0, INFINITY, false)},
    {"subscription.notice_days", NUMBERS(0, INFINITY, false)},
    {"subscription.limits.*", NUMBERS(0, INFINITY, false)},
    {"plan.seat_price", NUMBERS(0, INFINITY, false)},
    {"plan.price", NUMBERS(0, INFINITY, false)},
    {"plan.limits.*", NUMBERS(0, INFINITY, false)},
    {"next_plan.seat_price", NUMBERS(0, INFINITY, false)},
    {"next_plan.price", NUMBERS(0, INFINITY, false)},
    {"next_plan.limits.*", NUMBERS(0, INFINITY, false)},
};
static const struct domain strength = {"", NUMBERS(0, 1, false)};

/* What a trait's unit says of it: its watcher knows best whether it may be more than the whole. */
static const struct domain units[] = {{"ratio", NUMBERS(0, MAX_RATIO, false)}, {"share", NUMBERS(0, 1, false)}};

static const struct domain *domain_of_unit(const char *unit)
{
  size_t i;
  for (i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(unit, units[i].name) == 0)
      return &units[i];
  return NULL;
}

static bool is_part(const struct domain *d)
{
  return d >= units && d < units + sizeof units / sizeof *units;
}

static const struct domain *find(struct bw_str name)
{
  size_t i;
  for (i = 0; i < sizeof domains / sizeof *domains; i++) {
    size_t n = strlen(domains[i].name);
    bool begins = domains[i].name[n - 1] == '*';
    if (begins ? name.len >= n && memcmp(name.data, domains[i].name, n - 1) == 0 : bw_str_is(name, domains[i].name))
      return &domains[i];
  }
  return NULL;
}

static const struct domain *domain_of_name(const struct bw_names *names, uint32_t slot)
{
  const struct env_name *n = &names->items[slot];
  if (n->root == R_TRAIT)
    return domain_of_unit(bw_catalog_trait(names->catalog, n->type_index)->unit);
  if (n->root == R_SIGNAL)
    return n->part == PART_STRENGTH || n->part == PART_PEAK ? &strength : NULL;
  return find(bw_str(n->text));
}

static const struct domain *domain_of(const struct bw_names *names, const struct bw_compared *of)
{
  char function[40];
  if (!of->function)
    return domain_of_name(names, of->slot);
  (void)snprintf(function, sizeof function, "%s(%c)", of->function->name, of->function->args[0]);
  return find(bw_str(function));
}

bool bw_env_slot_range(const struct bw_env *env, uint32_t slot, double *ret_lo, double *ret_hi)
{
  const struct domain *d = domain_of_name(env->from->names, slot);
  if (!d || d->words)
    return false;
  *ret_lo = d->lo;
  *ret_hi = d->hi;
  return true;
}

/* ---- words ---- */

static const char *nearest_word(const struct domain *d, struct bw_str text)
{
  char small[64];
  size_t i;
  for (i = 0; i < text.len && i < sizeof small - 1; i++)
    small[i] = (char)tolower((unsigned char)text.data[i]);
  return bw_nearest(bw_str_n(small, i), d->words);
}

static int check_word(const struct domain *d, const struct bw_compared *of, struct bw_error *err)
{
  const char *near;
  struct bw_buf list = {0};
  size_t i;
  int rc;
  if (of->with.type != BW_TYPE_STRING || of->op[0] == '<' || of->op[0] == '>')
    return 0;
  for (i = 0; d->words[i]; i++) {
    if (bw_str_is(of->with.s, d->words[i])) {
      bw_buf_clear(&list);
      return 0;
    }
    bw_buf_printf(&list, "%s%s", i == 0 ? "" : d->words[i + 1] ? ", " : " or ", d->words[i]);
  }
  near = nearest_word(d, of->with.s);
  rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%.*s is %s, and never \"%.*s\"%s%s%s", BW_FMT(of->name), bw_buf_cstr(&list),
               (int)(of->with.s.len > 60 ? 60 : of->with.s.len), of->with.s.data, near ? "; did you mean \"" : "",
               near ? near : "", near ? "\"?" : "");
  bw_buf_clear(&list);
  return rc;
}

/* ---- numbers ---- */

enum verdict { SOMETIMES, NEVER, ALWAYS };

/* Of x OP v, for every x of the domain. */
static enum verdict judge(const struct domain *d, const char *op, double v)
{
  bool equal = op[1] == '=', outside = v < d->lo || v > d->hi || (d->whole && floor(v) < v);
  bool below = equal ? v < d->lo : v <= d->lo, above = equal ? v > d->hi : v >= d->hi;
  switch (op[0]) {
  case '<':
    return below ? NEVER : (equal ? v >= d->hi : v > d->hi) ? ALWAYS : SOMETIMES;
  case '>':
    return above ? NEVER : (equal ? v <= d->lo : v < d->lo) ? ALWAYS : SOMETIMES;
  case '!':
    return outside ? ALWAYS : SOMETIMES;
  default: /* == and in */
    return outside ? NEVER : SOMETIMES;
  }
}

static void say_range(const struct domain *d, bool stage, struct bw_buf *out)
{
  if (stage)
    bw_buf_printf(out, "goes from %s to %s", bw_stages[0], bw_stages[BW_STAGES - 1]);
  else if (is_part(d))
    bw_buf_printf(out, "is a %s%s (0.3 is 30 %%)", d->name, d->hi <= 1 ? " of at most 1" : "");
  else if (isinf(d->hi))
    bw_buf_printf(out, "is never below %g", d->lo);
  else
    bw_buf_printf(out, "is a %snumber from %g to %g", d->whole ? "whole " : "", d->lo, d->hi);
}

static void say_instead(const struct domain *d, const struct bw_compared *of, double v, enum verdict verdict,
                        struct bw_buf *out)
{
  bool end = !(v < d->lo) && !(v > d->hi) && !of->op[1] && (of->op[0] == '<' || of->op[0] == '>');
  bool asked = !of->function && memchr(of->name.data, '.', of->name.len); /* bare names are always known */
  if (is_part(d) && v > d->hi)
    bw_buf_printf(out, "; write %g for %g %%", v / 100, v);
  else if (end && isfinite(d->hi) && verdict == NEVER)
    bw_buf_printf(out, "; did you mean %s=?", of->op);
  else if (asked && verdict == ALWAYS)
    bw_buf_printf(out, "; whether it is known is asked with has(%.*s)", BW_FMT(of->name));
}

static int check_number(const struct domain *d, const struct bw_compared *of, struct bw_error *err)
{
  static const char *const says[] = {[NEVER] = "never", [ALWAYS] = "always"};
  bool stage = of->with.type == BW_TYPE_RANK;
  double v = of->with.type == BW_TYPE_DOUBLE ? of->with.d : (double)of->with.i;
  enum verdict verdict;
  struct bw_buf text = {0};
  int rc;
  if (!stage && of->with.type != BW_TYPE_DOUBLE && of->with.type != BW_TYPE_INT)
    return 0;
  if ((verdict = judge(d, of->op, v)) == SOMETIMES)
    return 0;
  bw_buf_printf(&text, "%.*s ", BW_FMT(of->name));
  say_range(d, stage, &text);
  bw_buf_printf(&text, ", so %s ", of->op);
  if (stage)
    bw_buf_printf(&text, "stage(\"%.*s\")", BW_FMT(of->with.s));
  else
    bw_buf_printf(&text, "%g", v);
  bw_buf_printf(&text, " %s holds", says[verdict]);
  say_instead(d, of, v, verdict, &text);
  rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s", bw_buf_cstr(&text));
  bw_buf_clear(&text);
  return rc;
}

int bw_name_compared(void *ctx, const struct bw_compared *of, struct bw_error *err)
{
  const struct compiling *c = ctx;
  const struct domain *d = domain_of(c->names, of);
  return !d ? 0 : d->words ? check_word(d, of, err) : check_number(d, of, err);
}
