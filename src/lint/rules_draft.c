/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about drafts: what a template says of the account, and whether its places can be filled.  Reads partials.  No
 * privileges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lint/private.h"

#define MAX_PARTIALS 32

struct use {
  char *name;
  enum bw_mustache_use how;
  char *file;
  uint32_t line, column;
};
/* All names of a template, its partials included. */
struct uses {
  struct bw_lint *l;
  struct use *items;
  size_t n;
  size_t partials; /* that were read: a bound */
};

static void read_partial(struct uses *u, struct bw_str name);

static void seen(void *ctx, struct bw_str name, enum bw_mustache_use how, const char *file, uint32_t line, uint32_t column)
{
  struct uses *u = ctx;
  if (how == BW_MUSTACHE_PARTIAL) {
    read_partial(u, name);
    return;
  }
  u->items = bw_realloc(u->items, u->n + 1, sizeof *u->items);
  u->items[u->n++] = (struct use){bw_str_dup(name), how, bw_strdup(file), line, column};
}

/* Loading has checked that it is there, that it compiles and that no circle leads back to it. */
static void read_partial(struct uses *u, struct bw_str name)
{
  char *path = bw_asprintf("%s/templates/_%.*s.txt", u->l->dir, BW_FMT(name)), *text;
  struct bw_mustache *m = NULL;
  struct bw_mustache_where where = {0};
  enum bw_mustache_use how;
  struct bw_error err = {0};
  struct bw_str used;
  size_t n, i;
  FILE *f = u->partials++ < MAX_PARTIALS ? fopen(path, "r") : NULL;
  text = bw_alloc(BW_MUSTACHE_MAX_TEXT);
  n = f ? fread(text, 1, BW_MUSTACHE_MAX_TEXT, f) : 0;
  if (f)
    (void)fclose(f);
  if (n && bw_mustache_compile(bw_str_n(text, n), &m, &where, &err) == 0)
    for (i = 0; bw_mustache_next_name(m, &i, &used, &how, &where);)
      seen(u, used, how, path, where.line, where.column);
  bw_mustache_free(&m);
  free(text);
  free(path);
}

static void uses_of(struct bw_lint *l, const struct bw_template *t, struct uses *ret)
{
  *ret = (struct uses){.l = l};
  bw_template_names(t, seen, ret);
}

static void uses_clear(struct uses *u)
{
  size_t i;
  for (i = 0; i < u->n; i++) {
    free(u->items[i].name);
    free(u->items[i].file);
  }
  free(u->items);
}

/* The only place where a draft uses an address is its header. */
bool lint_writes_to_contact(struct bw_lint *l, const char *template_name)
{
  static const char *const contacts[] = {"champion.email", "sponsor.email", "economic_buyer.email"};
  const struct bw_template *t = bw_templates_get(l->setup->templates, bw_str(template_name));
  bool found = false;
  struct uses u;
  size_t i, k;
  if (!t)
    return false;
  uses_of(l, t, &u);
  for (i = 0; i < u.n; i++)
    for (k = 0; k < sizeof contacts / sizeof *contacts; k++)
      found = found || (bw_mustache_is_variable(u.items[i].how) && strcmp(u.items[i].name, contacts[k]) == 0);
  uses_clear(&u);
  return found;
}

/* Something of this account that no other one shares by chance. */
static bool is_fact(const char *name)
{
  static const char *const names_only[] = {"account.name",     "account.id",    "account.owner", "account.csm",
                                           "account.ae",       "account.am",    "account.bdr",   "account.currency",
                                           "account.language", "account.locale"};
  static const char *const facts[] = {"account.", "trait.", "signal.", "subscription.", "plan.", "next_plan.", "opportunity."};
  size_t i;
  for (i = 0; i < sizeof names_only / sizeof *names_only; i++)
    if (strcmp(name, names_only[i]) == 0)
      return false;
  for (i = 0; i < sizeof facts / sizeof *facts; i++)
    if (strncmp(name, facts[i], strlen(facts[i])) == 0)
      return true;
  return false;
}

void check_empty_draft(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < bw_templates_count(l->setup->templates); i++) {
    const struct bw_template *t = bw_templates_at(l->setup->templates, i);
    char *path = bw_asprintf("%s/templates/%s.txt", l->dir, bw_template_name(t));
    struct uses u;
    uses_of(l, t, &u);
    for (k = 0; k < u.n && !is_fact(u.items[k].name); k++)
      ;
    if (k == u.n)
      lint_find(l, (struct where){path, 1, 1}, "the template %s would read the same for every account", bw_template_name(t));
    uses_clear(&u);
    free(path);
  }
}

/* The signal that a name speaks of: "signal.x.evidence.y", "signal.x[key].value"; its index, or -1. */
static int signal_of(const struct bw_lint *l, const char *name)
{
  const char *from = name + 7;
  if (strncmp(name, "signal.", 7) != 0)
    return -1;
  return bw_catalog_find_signal(l->setup->catalog, bw_str_n(from, strcspn(from, ".[")));
}

/* A place that must have a value: not in a template that asks for the signal by a section of its own. */
static bool strict(const struct bw_lint *l, const struct uses *u, const struct use *x)
{
  int signal = signal_of(l, x->name);
  size_t i;
  if (!bw_mustache_is_variable(x->how) || signal < 0)
    return false;
  for (i = 0; i < u->n; i++)
    if (!bw_mustache_is_variable(u->items[i].how) && signal_of(l, u->items[i].name) == signal)
      return false;
  return true;
}

void check_never_filled(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < bw_templates_count(l->setup->templates); i++) {
    struct uses u;
    uses_of(l, bw_templates_at(l->setup->templates, i), &u);
    for (k = 0; k < u.n; k++) {
      const struct use *x = &u.items[k];
      const struct bw_signal_type *type =
          strict(l, &u, x) ? bw_catalog_signal(l->setup->catalog, (size_t)signal_of(l, x->name)) : NULL;
      if (type && !type->configured)
        lint_find(l, (struct where){x->file, x->line, x->column},
                  "%s will never have a value: %s comes from the watcher \"%s\", which is not configured", x->name, type->name,
                  type->watcher);
    }
    uses_clear(&u);
  }
}

/* Whether the play's gates ask that the signal be open. */
static bool demanded(const struct lint_play *p, const char *signal)
{
  struct assumptions a = {0};
  char *name = bw_asprintf("open(signal.%s)", signal);
  bool stops;
  assume(&a, name, guess_bool(false));
  stops = lint_stops(p, &a);
  assume_clear(&a);
  free(name);
  return stops;
}

static void check_template_of(struct bw_lint *l, const struct lint_play *p, const char *template_name)
{
  const struct bw_template *t = bw_templates_get(l->setup->templates, bw_str(template_name));
  struct uses u;
  size_t k;
  if (!t)
    return;
  uses_of(l, t, &u);
  for (k = 0; k < u.n; k++) {
    const struct use *x = &u.items[k];
    int signal = strict(l, &u, x) ? signal_of(l, x->name) : -1;
    const struct bw_signal_type *type = signal >= 0 ? bw_catalog_signal(l->setup->catalog, (size_t)signal) : NULL;
    if (type && type->configured && lint_weight(l, p, (size_t)signal) <= 0 && !demanded(p, type->name))
      lint_find(l, (struct where){x->file, x->line, x->column}, "%s needs %s, and the play %s does not weigh %s", template_name,
                x->name, p->info.name, type->name);
  }
  uses_clear(&u);
}

void check_other_signal(struct bw_lint *l)
{
  const char *name;
  size_t i, k;
  for (i = 0; i < l->nplays; i++)
    for (k = 0; (name = lint_template_of(&l->plays[i], k)); k++)
      check_template_of(l, &l->plays[i], name);
}

static bool names_template(const struct lint_play *p, const char *name)
{
  const char *one;
  size_t i;
  for (i = 0; (one = lint_template_of(p, i)); i++)
    if (strcmp(one, name) == 0)
      return true;
  return false;
}

void check_unused_template(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < bw_templates_count(l->setup->templates); i++) {
    const char *name = bw_template_name(bw_templates_at(l->setup->templates, i));
    char *path;
    for (k = 0; k < l->nplays && !names_template(&l->plays[k], name); k++)
      ;
    if (k < l->nplays)
      continue;
    path = bw_asprintf("%s/templates/%s.txt", l->dir, name);
    lint_find(l, (struct where){path, 1, 1}, "no play uses the template %s", name);
    free(path);
  }
}
