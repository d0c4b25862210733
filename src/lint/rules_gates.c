/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about gates: what they stop, whether they can be passed, and whom they must never let through.  No privileges. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "lint/private.h"

#define SOME_NOW 1.8e12 /* any moment: 2027 */

/* ---- what the rules ask ---- */

bool lint_stops(const struct lint_play *p, const struct assumptions *a)
{
  size_t i;
  for (i = 0; i < p->ngates; i++)
    if (!p->gates[i].info.otherwise && term_refuses(p->gates[i].term, a))
      return true;
  return false;
}

static void add_condition(struct conditions *c, const struct term *term, struct term *own, const char *name, struct where at)
{
  c->items = bw_realloc(c->items, c->n + 1, sizeof *c->items);
  c->terms = bw_realloc(c->terms, c->n + 1, sizeof *c->terms);
  c->items[c->n] = (struct condition){term, own, name, at};
  c->terms[c->n++] = term;
}

static void add_timing(struct conditions *c, const struct lint_play *p, const char *name, char *text)
{
  struct term *t = term_text(text);
  free(text);
  add_condition(c, t, t, name, lint_at(p, "timing"));
}

void lint_conditions(const struct lint_play *p, struct conditions *ret)
{
  size_t i;
  *ret = (struct conditions){0};
  if (p->rules.never_before_ms)
    add_timing(ret, p, "timing (never_before)", bw_asprintf("(account.tenure >= %lld)", (long long)p->rules.never_before_ms));
  if (p->rules.renewal_block_ms >= 0)
    add_timing(
        ret, p, "timing (renewal)",
        bw_asprintf("(!(has(account.days_to_renewal)) || ((account.days_to_renewal < 0) || (account.days_to_renewal > %lld)))",
                    (long long)(p->rules.renewal_block_ms / BW_DAY)));
  if (p->rules.escalation_blocks)
    add_timing(ret, p, "timing (escalation)", bw_strdup("!(account.escalated)"));
  for (i = 0; i < p->ngates; i++)
    if (!p->gates[i].info.otherwise)
      add_condition(ret, p->gates[i].term, NULL, p->gates[i].info.name, p->gates[i].where);
}

void lint_conditions_clear(struct conditions *c)
{
  size_t i;
  for (i = 0; i < c->n; i++)
    term_free(&c->items[i].own);
  free(c->items);
  free(c->terms);
  *c = (struct conditions){0};
}

bool lint_reads(const struct bw_expr *e, const char *name)
{
  struct bw_str s;
  size_t i;
  for (i = 0; e && bw_expr_name_at(e, i, &s, NULL, NULL); i++)
    if (bw_str_is(s, name))
      return true;
  return false;
}

double lint_weight(const struct bw_lint *l, const struct lint_play *p, size_t signal)
{
  return bw_plays_weight(l->setup->plays, p->index, (uint32_t)signal);
}

/* ---- gates by themselves ---- */

void check_no_gate(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    for (k = 0; k < p->ngates && (p->gates[k].info.otherwise || term_always(p->gates[k].term, &l->steps)); k++)
      ;
    if (k == p->ngates)
      lint_find_play(l, p, lint_at(p, "gates"),
                     "%s: none of its gates can stop a lead; every account with the signals is scored", p->info.name);
  }
}

static bool impossible(struct bw_lint *l, const struct term *t)
{
  return !terms_possible(&t, 1, NULL, &l->steps);
}

void check_gate_always(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; k < l->plays[i].ngates; k++) {
      const struct lint_gate *g = &l->plays[i].gates[k];
      if (term_always(g->term, &l->steps))
        lint_find(l, g->where, "every account passes the gate \"%s\"", g->info.name);
    }
}

void check_gate_never(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; k < l->plays[i].ngates; k++) {
      const struct lint_gate *g = &l->plays[i].gates[k];
      if (!g->info.otherwise && impossible(l, g->term))
        lint_find_play(l, &l->plays[i], g->where, "%s: no account can ever pass the gate \"%s\"", l->plays[i].info.name,
                       g->info.name);
    }
}

void check_diverts_all(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; k < l->plays[i].ngates; k++) {
      const struct lint_gate *g = &l->plays[i].gates[k];
      if (g->info.otherwise && impossible(l, g->term))
        lint_find(l, g->where, "no account can pass the gate \"%s\": every lead goes to the route %s instead", g->info.name,
                  g->info.otherwise);
    }
}

/* ---- gates together ---- */

/* The first pair that excludes each other; false: none does. */
static bool find_pair(struct bw_lint *l, const struct conditions *c, size_t *ret_a, size_t *ret_b)
{
  size_t a, b;
  for (b = 1; b < c->n; b++)
    for (a = 0; a < b; a++) {
      const struct term *pair[] = {c->terms[a], c->terms[b]};
      if (!impossible(l, pair[0]) && !impossible(l, pair[1]) && !terms_possible(pair, 2, NULL, &l->steps)) {
        *ret_a = a;
        *ret_b = b;
        return true;
      }
    }
  return false;
}

static bool any_impossible(struct bw_lint *l, const struct conditions *c)
{
  size_t i;
  for (i = 0; i < c->n; i++)
    if (impossible(l, c->terms[i]))
      return true;
  return false;
}

void check_contradiction(struct bw_lint *l)
{
  struct conditions c;
  size_t i, a = 0, b = 0;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    lint_conditions(p, &c);
    if (find_pair(l, &c, &a, &b))
      lint_find_play(l, p, c.items[b].where, "%s: no account can pass both \"%s\" and \"%s\"", p->info.name, c.items[a].name,
                     c.items[b].name);
    else if (!any_impossible(l, &c) && !terms_possible(c.terms, c.n, NULL, &l->steps))
      lint_find_play(l, p, lint_at(p, "gates"), "%s: no account can pass all of its gates together", p->info.name);
    lint_conditions_clear(&c);
  }
}

/* What is added up where every signal that may be open at all is open, at full strength; and what watchers that are not
   configured would add. */
static double best_score(struct bw_lint *l, const struct lint_play *p, const struct conditions *c, double *ret_waiting,
                         struct bw_buf *ret_without)
{
  const struct bw_signal_type *type;
  double sum = 0;
  size_t s;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++) {
    double weight = lint_weight(l, p, s);
    struct assumptions open = {0};
    char *name;
    bool possible;
    if (weight <= 0)
      continue;
    name = bw_asprintf("open(signal.%s)", type->name);
    assume(&open, name, guess_bool(true));
    possible = terms_possible(c->terms, c->n, &open, &l->steps);
    assume_clear(&open);
    free(name);
    if (type->configured && possible)
      sum += weight;
    else if (possible)
      *ret_waiting += weight;
    if (!type->configured || !possible)
      bw_buf_printf(ret_without, "%s%s %s", ret_without->len ? ", " : "", type->name,
                    type->configured ? "(a gate refuses it)" : "(no configured watcher emits it)");
  }
  return sum;
}

void check_never_fires(struct bw_lint *l)
{
  struct conditions c;
  size_t i;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    struct bw_buf without = {0};
    double best, waiting = 0;
    lint_conditions(p, &c);
    if (terms_possible(c.terms, c.n, NULL, &l->steps)) { /* else another rule has said so */
      best = best_score(l, p, &c, &waiting, &without);
      if (best < p->rules.threshold && (p->seen || best + waiting < p->rules.threshold)) /* a shadow may wait for a watcher */
        lint_find_play(l, p, lint_at(p, "score.threshold"), "%s: at most %g points of the %g that it needs; not counted: %s",
                       p->info.name, best, p->rules.threshold, without.len ? bw_buf_cstr(&without) : "none");
    }
    bw_buf_clear(&without);
    lint_conditions_clear(&c);
  }
}

/* ---- whom they must stop ---- */

void check_unhappy(struct bw_lint *l)
{
  struct assumptions a = {0};
  size_t i;
  assume(&a, "account.health", guess_text("red"));
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].expansion && !lint_stops(&l->plays[i], &a))
      lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "gates"), "%s: an account whose health is red passes its gates",
                     l->plays[i].info.name);
  assume_clear(&a);
}

/* A customer of so many days. */
static bool stops_at(const struct lint_play *p, double days)
{
  double tenure = days * (double)BW_DAY;
  struct assumptions a = {0};
  bool stops;
  assume(&a, "account.tenure", guess_number(tenure));
  assume(&a, "account.months", guess_number((double)(int)(days / 30.5)));
  assume(&a, "account.start", guess_number(SOME_NOW - tenure));
  assume(&a, "now", guess_number(SOME_NOW));
  stops = tenure < (double)p->rules.never_before_ms || lint_stops(p, &a);
  assume_clear(&a);
  return stops;
}

/* Whether the play sells, by whatever motion it goes. */
static bool sells(const struct lint_play *p)
{
  static const char *const types[] = {"seat", "tier", "cross_sell", "usage"};
  size_t i;
  for (i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(p->info.type, types[i]) == 0)
      return strcmp(p->info.motion, "revival") != 0;
  return p->expansion;
}

void check_month_one(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++)
    if (sells(&l->plays[i]) && !stops_at(&l->plays[i], 20))
      lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "gates"),
                     "%s: a customer of 20 days passes its gates and its timing", l->plays[i].info.name);
}

void check_tenure(struct bw_lint *l)
{
  size_t i;
  for (i = 0; i < l->nplays; i++)
    if (sells(&l->plays[i]) && stops_at(&l->plays[i], 20) && !stops_at(&l->plays[i], 119))
      lint_find(l, lint_at(&l->plays[i], "gates"), "%s: a customer of 119 days passes its gates and its timing",
                l->plays[i].info.name);
}

void check_escalation(struct bw_lint *l)
{
  struct assumptions a = {0};
  size_t i;
  assume(&a, "open(signal.support_escalation)", guess_bool(true));
  assume(&a, "account.escalated", guess_bool(true));
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].expansion && !l->plays[i].rules.escalation_blocks && !lint_stops(&l->plays[i], &a))
      lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "timing.escalation"), "%s: it fires while an escalation is open",
                     l->plays[i].info.name);
  assume_clear(&a);
}

void check_contact(struct bw_lint *l)
{
  struct assumptions a = {0};
  size_t i;
  assume(&a, "account.do_not_contact", guess_bool(true));
  for (i = 0; i < l->nplays; i++)
    if (l->plays[i].info.template_name[0] && !lint_stops(&l->plays[i], &a))
      lint_find_play(l, &l->plays[i], lint_at(&l->plays[i], "gates"),
                     "%s: it drafts from the template %s for accounts that must not be contacted", l->plays[i].info.name,
                     l->plays[i].info.template_name);
  assume_clear(&a);
}

/* An account as small as they come; a gate that sends it another way is as good. */
void check_contract_floor(struct bw_lint *l)
{
  struct assumptions a = {0};
  size_t i, k;
  assume(&a, "account.acv", guess_number(100));
  assume(&a, "account.arr", guess_number(100));
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    for (k = 0; k < p->ngates && !term_refuses(p->gates[k].term, &a); k++)
      ;
    if (p->expansion && k == p->ngates)
      lint_find(l, lint_at(p, "gates"), "%s: a contract of 100 a year passes its gates", p->info.name);
  }
  assume_clear(&a);
}
