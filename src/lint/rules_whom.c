/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about whom a play must leave alone: customers at risk, deals lost on fit, teams that are not happy.  No privileges. */
#include <stdlib.h>
#include <string.h>

#include "deals/deals.h"
#include "lint/private.h"

#define LOSS_REASON "loss_reason"

static bool is_motion(const struct lint_play *p, const char *motion)
{
  return strcmp(p->info.motion, motion) == 0;
}

/* ---- customers at risk ---- */

/* For these every play of the default pack waits: etc/plays/_gates.yaml, "nothing is at risk". */
static const char *const risks[] = {"gone_silent",     "usage_decline", "logins_decline", "health_red",
                                    "renewal_at_risk", "cancel_view",   "champion_quiet"};

static int find_risk(const struct bw_lint *l, size_t i)
{
  return bw_catalog_find_signal(l->setup->catalog, bw_str(risks[i]));
}

/* The play that speaks of the risk itself. */
static bool looks_after_risk(const struct bw_lint *l, const struct lint_play *p)
{
  size_t i;
  for (i = 0; !p->expansion && i < sizeof risks / sizeof *risks; i++)
    if (find_risk(l, i) >= 0 && lint_weight(l, p, (size_t)find_risk(l, i)) > 0)
      return true;
  return false;
}

static bool stops_open(const struct lint_play *p, const char *signal)
{
  struct assumptions a = {0};
  char *name = bw_asprintf("open(signal.%s)", signal);
  bool stops;
  assume(&a, name, guess_bool(true));
  stops = lint_stops(p, &a);
  assume_clear(&a);
  free(name);
  return stops;
}

static bool speaks_to_customers(const struct lint_play *p)
{
  struct assumptions a = {0};
  bool stops;
  assume(&a, "account.acv", guess_number(100000));
  assume(&a, "account.arr", guess_number(100000));
  stops = lint_stops(p, &a);
  assume_clear(&a);
  return !stops;
}

/* The first of its templates that goes to a contact of the account; NULL: none does. */
static const char *template_to_contact(struct bw_lint *l, const struct lint_play *p)
{
  const char *name;
  size_t i;
  for (i = 0; (name = lint_template_of(p, i)); i++)
    if (lint_writes_to_contact(l, name))
      return name;
  return NULL;
}

void check_at_risk(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    const char *template_name = p->seen ? template_to_contact(l, p) : NULL;
    struct bw_buf passing = {0};
    if (!template_name || looks_after_risk(l, p) || !speaks_to_customers(p))
      continue;
    for (k = 0; k < sizeof risks / sizeof *risks; k++) {
      int at = find_risk(l, k);
      if (at >= 0 && bw_catalog_signal(l->setup->catalog, (size_t)at)->configured && !stops_open(p, risks[k]))
        bw_buf_printf(&passing, "%s%s", passing.len ? ", " : "", risks[k]);
    }
    if (passing.len)
      lint_find(l, lint_at(p, "gates"), "%s: it drafts from the template %s to a customer at risk (open: %s)", p->info.name,
                template_name, bw_buf_cstr(&passing));
    bw_buf_clear(&passing);
  }
}

/* ---- lost deals ---- */

/* Whether it leaves an account alone all of whose lost deals that it hears of were lost on fit. */
static bool stops_fit(const struct bw_lint *l, const struct lint_play *p, size_t *ret_signals)
{
  const struct bw_signal_type *type;
  struct assumptions a = {0};
  char **names = NULL;
  size_t s, n = 0;
  bool stops;
  for (s = 0; (type = bw_catalog_signal(l->setup->catalog, s)); s++)
    if (lint_weight(l, p, s) > 0 && type->direction == BW_REVIVAL) {
      names = bw_realloc(names, n + 1, sizeof *names);
      names[n] = bw_asprintf("signal.%s.evidence." LOSS_REASON, type->name);
      assume(&a, names[n++], guess_text("fit"));
    }
  stops = lint_stops(p, &a);
  assume_clear(&a);
  for (s = 0; s < n; s++)
    free(names[s]);
  free(names);
  *ret_signals = n;
  return stops;
}

void check_fit(struct bw_lint *l)
{
  size_t i, signals;
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    if (is_motion(p, "revival") && !stops_fit(l, p, &signals) && signals)
      lint_find_play(l, p, lint_at(p, "gates"), "%s: a deal that was lost on fit passes its gates", p->info.name);
  }
}

static bool is_reason(const struct term *t)
{
  static const char end[] = ".evidence." LOSS_REASON;
  size_t n = t->kind == TERM_NAME ? strlen(t->name) : 0;
  return n >= sizeof end && strcmp(t->name + n - (sizeof end - 1), end) == 0;
}

/* The first text in the term that a reason is compared with and never is; NULL: none. */
static const char *unknown_reason(const struct term *t)
{
  const char *found = NULL;
  bool compares = t->kind == TERM_COMPARE || t->kind == TERM_IN;
  size_t i, k;
  for (i = 0; compares && i < t->nargs && !is_reason(t->args[i]); i++)
    ;
  compares = compares && i < t->nargs;
  for (i = 0; i < t->nargs && !found; i++) {
    const struct term *arg = t->args[i];
    if (!compares || arg->kind != TERM_VALUE || arg->value.kind != GUESS_TEXT) {
      found = unknown_reason(arg);
      continue;
    }
    for (k = 0; bw_loss_reasons[k] && strcmp(bw_loss_reasons[k], arg->value.text) != 0; k++)
      ;
    found = bw_loss_reasons[k] ? NULL : arg->value.text;
  }
  return found;
}

void check_loss_reason(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; k < l->plays[i].ngates; k++) {
      const struct lint_gate *g = &l->plays[i].gates[k];
      const char *word = unknown_reason(g->term);
      if (word)
        lint_find(l, g->where, "%s: no deal was ever lost on \"%.60s\"", l->plays[i].info.name, word);
    }
}

/* ---- another product ---- */

void check_cross_sell(struct bw_lint *l)
{
  struct assumptions a = {0};
  size_t i;
  assume(&a, "account.health", guess_text("yellow"));
  assume(&a, "open(signal.happy)", guess_bool(false));
  assume(&a, "open(signal.advocate)", guess_bool(false));
  assume(&a, "open(signal.positive_qbr)", guess_bool(false));
  for (i = 0; i < l->nplays; i++) {
    const struct lint_play *p = &l->plays[i];
    if (p->expansion && strcmp(p->info.type, "cross_sell") == 0 && !lint_stops(p, &a))
      lint_find(l, lint_at(p, "gates"), "%s: it offers another product to a team in yellow health that never said it is happy",
                p->info.name);
  }
  assume_clear(&a);
}
