/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about a play's money, score, times and how it is tried.  No privileges. */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/time.h"
#include "lint/private.h"

#define START_SIGNALS 5
#define PILOT_ACCOUNTS 30

void check_floor(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    if (p->expansion && p->rules.floor && !lint_reads(p->rules.floor, "estimate"))
      lint_find_play(l, p, lint_at(p, "floor"), "%s: its floor does not ask what the lead is worth (estimate)", p->info.name);
  }
}

/* The floors' answer to an expansion of so much on a contract of 100,000, where that is the wrong one. */
static void try_floors(struct bw_lint *l, double estimate, bool (*wrong)(const struct term *t, const struct assumptions *a),
                       const char *says)
{
  struct assumptions a = {0};
  size_t i;
  assume(&a, "account.acv", guess_number(100000));
  assume(&a, "account.arr", guess_number(100000));
  assume(&a, "estimate", guess_number(estimate));
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    struct term *t = p->expansion && lint_reads(p->rules.floor, "estimate") ? term_read(p->rules.floor) : NULL;
    if (t && wrong(t, &a))
      lint_find(l, lint_at(p, "floor"), "%s: %s", p->info.name, says);
    term_free(&t);
  }
  assume_clear(&a);
}

void check_low_floor(struct bw_lint *l)
{
  try_floors(l, 15000, term_holds, "an expansion of 15,000 on a contract of 100,000 passes its floor");
}

void check_high_floor(struct bw_lint *l)
{
  try_floors(l, 500000, term_refuses, "an expansion of 500,000 on a contract of 100,000 does not pass its floor");
}

void check_small_threshold(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].rules.threshold > 0 && l->plays[i].rules.threshold <= 1)
      lint_find(l, lint_at(&l->plays[i], "score.threshold"), "%s: its threshold is %g of 100 points", l->plays[i].info.name,
                l->plays[i].rules.threshold);
}

void check_weak_signal(struct bw_lint *l)
{
  const struct bw_signal_type *type;
  size_t i, s;
  for (i = 0; i < l->nplays; i++)
    for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
      const struct lint_play *p = &l->plays[i];
      double weight = lint_weight(l, p, s);
      char key[80];
      (void)snprintf(key, sizeof key, "signals.%s", type->name);
      if (weight > 0 && type->urgency <= BW_URGENCY_LOW && weight >= p->rules.threshold)
        lint_find(l, lint_at(p, key), "%s: %s (urgency %s) alone gives %g points, and %g are enough", p->info.name, type->name,
                  bw_urgency_name(type->urgency), weight, p->rules.threshold);
    }
}

void check_evidence(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    if (p->seen && p->root && !bw_node_get(p->root, "note"))
      lint_find(l, lint_at(p, "score.threshold"), "%s: no note says what its threshold of %g was measured on", p->info.name,
                p->rules.threshold);
  }
}

void check_too_many(struct bw_lint *l)
{
  const struct bw_signal_type *type;
  struct bw_buf names = {0};
  size_t i, s, n = 0;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
    for (i = 0; i < l->nplays && !(l->plays[i].seen && lint_weight(l, &l->plays[i], s) > 0); i++)
      ;
    if (i == l->nplays || !type->configured)
      continue;
    if (n++ < 8)
      bw_buf_printf(&names, "%s%s", n > 1 ? ", " : "", type->name);
  }
  if (n > START_SIGNALS)
    lint_find(l, lint_main(l), "%zu signals are weighed by live plays: %s%s", n, bw_buf_cstr(&names), n > 8 ? ", ..." : "");
  bw_buf_clear(&names);
}

void check_suppression(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].rules.suppress_ms <= 0)
      lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "suppress"), "%s: it does not rest after a lead was closed",
                     l->plays[i].info.name);
}

/* "10 days", "12 hours", "30 minutes": the largest unit that counts more than one of it. */
static const char *span(int64_t ms, char ret[40])
{
  static const struct {
    int64_t ms;
    const char *name;
  } units[] = {{BW_DAY, "day"}, {BW_HOUR, "hour"}, {BW_HOUR / 60, "minute"}, {1000, "second"}};
  size_t i = 0;
  double n;
  while (i < 3 && ms < units[i].ms)
    i++;
  n = (double)ms / (double)units[i].ms;
  (void)snprintf(ret, 40, "%.3g %s%s", n, units[i].name, n > 1 || n < 1 ? "s" : "");
  return ret;
}

void check_short_suppression(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    int64_t ms = l->plays[i].rules.suppress_ms;
    char rest[40];
    if (ms > 0 && ms < 30 * BW_DAY)
      lint_find(l, lint_at(&l->plays[i], "suppress"), "%s: it rests for %s after a lead was closed", l->plays[i].info.name,
                span(ms, rest));
  }
}

void check_family(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; k < i; k++) {
      const struct lint_play *a = &l->plays[k], *b = &l->plays[i];
      if (!a->seen || !b->seen || strcmp(a->info.family, b->info.family) != 0 || a->rules.suppress_ms == b->rules.suppress_ms)
        continue;
      lint_find(l, lint_at(b, "suppress"), "%s rests for %g days and %s of the same family (%s) for %g", b->info.name,
                (double)b->rules.suppress_ms / (double)BW_DAY, a->info.name, a->info.family,
                (double)a->rules.suppress_ms / (double)BW_DAY);
      break;
    }
}

void check_pilot(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].info.mode == BW_MODE_PILOT && l->plays[i].rules.npilot > PILOT_ACCOUNTS)
      lint_find(l, lint_at(&l->plays[i], "accounts"), "%s: %zu accounts take part in its pilot", l->plays[i].info.name,
                l->plays[i].rules.npilot);
}

static bool always(struct bw_lint *l, const struct bw_expr *e)
{
  struct term *t = e ? term_read(e) : NULL;
  bool yes = t && term_always(t, &l->steps);
  term_free(&t);
  return yes;
}

/* The lowest priority that the play's leads can have. */
static const char *lowest_priority(struct bw_lint *l, const struct lint_play *p)
{
  const struct bw_signal_type *type;
  size_t s;
  if (p->rules.priority)
    return p->rules.priority;
  if (p->rules.priority_high || p->rules.priority_medium)
    return always(l, p->rules.priority_high) ? "high" : always(l, p->rules.priority_medium) ? "medium" : "low";
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++)
    if (lint_weight(l, p, s) > 0 && type->urgency < BW_URGENCY_HIGH)
      return "low";
  return "high";
}

/* Whether somebody else than the CSM gets leads of the play. */
static bool leaves_the_csm(const struct bw_lint *l, const struct lint_play *p)
{
  struct bw_route_row_info row;
  size_t i;
  for (i = 0; bw_routes_at(l->setup->plays, i, &row); i++)
    if (strcmp(row.route, p->info.route) == 0 && lint_row_takes(&row, p) && strcmp(row.role, "csm") != 0)
      return true;
  return false;
}

void check_review(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    const char *lowest = lowest_priority(l, p);
    struct assumptions a = {0};
    struct term *when = p->rules.review_when ? term_read(p->rules.review_when) : NULL;
    assume(&a, "priority", guess_text(lowest));
    if (p->expansion && strcmp(lowest, "high") != 0 && leaves_the_csm(l, p) &&
        (!p->rules.review_ms || (when && term_refuses(when, &a))))
      lint_find(l, lint_at(p, "review"), "%s: a lead of %s priority does not wait for the CSM", p->info.name, lowest);
    assume_clear(&a);
    term_free(&when);
  }
}

void check_move(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    if (p->seen && (!p->info.title[0] || !p->info.angle[0]))
      lint_find(l, lint_at(p, "play"), "%s: it has no %s", p->info.name,
                p->info.title[0]   ? "angle"
                : p->info.angle[0] ? "title"
                                   : "title and no angle");
  }
}
