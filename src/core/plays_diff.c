/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `plays_diff`: what the configuration on disk would do with the accounts of this moment.  The rules are compiled beside the
 * running ones; every account with an open signal is asked by both, and nothing is recorded.  It works a little at a time,
 * between the loop's other events.  Runs in core.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/private.h"
#include "lint/lint.h"
#include "rules/rules.h"

#define SLICE_MS 20
#define WORK_MS 30000 /* of one comparison: then it is cut, and says so */
#define ROWS 20000    /* of all together: what a reply can hold */
#define LIMIT 20      /* rows of a kind for each play */

/* What one set of rules says of one play for one account. */
struct said {
  char *play, *family, *owner, *lead, *template_name;
  const char *priority; /* of a fixed set */
  enum bw_dry_state state;
  bool shadow, settled; /* settled: its lead is approved or sent, and changes no more */
  double score, estimate;
};
struct said_list {
  struct said *items;
  size_t n, cap;
};
enum what { GAIN, LOSE, CHANGE, WHATS };
static const char *const what_names[WHATS] = {"gain", "lose", "change"};

struct changed_play {
  char *name;
  int before, after; /* index among the running and the new plays; -1: not there */
  size_t n[WHATS], shadow, adds, rests;
  json_t *rows[WHATS];
};
struct core_diff {
  struct core *c;
  struct bw_request *req;
  char *dir;
  const struct bw_setup *running; /* a reload in between ends it */
  struct bw_setup *fresh;
  struct bw_plays *own; /* the new plays, where the watchers differ */
  const struct bw_plays *plays;
  struct bw_engine *beside;
  struct bw_timer *timer;
  char **accounts;
  size_t naccounts, accounts_cap, at, limit, nrows;
  struct changed_play *changes;
  size_t nchanges;
  int64_t now, worked;
  bool cut, watchers_differ;
  size_t lint[3];
  struct said_list before, after;
};

/* ---- what is said of one account ---- */

static void clear_said(struct said_list *l)
{
  size_t i;
  for (i = 0; i < l->n; i++) {
    free(l->items[i].play);
    free(l->items[i].family);
    free(l->items[i].owner);
    free(l->items[i].lead);
    free(l->items[i].template_name);
  }
  l->n = 0;
}

static const char *fixed_priority(const char *priority)
{
  return !priority ? "" : strcmp(priority, "high") == 0 ? "high" : strcmp(priority, "medium") == 0 ? "medium" : "low";
}

static void hear(void *ctx, const struct bw_dry *d)
{
  struct said_list *l = ctx;
  if (l->n == l->cap) {
    l->cap = l->cap ? l->cap * 2 : 16;
    l->items = bw_realloc(l->items, l->cap, sizeof *l->items);
  }
  l->items[l->n++] = (struct said){
      .play = bw_strdup(d->play),
      .family = bw_strdup(d->family),
      .owner = bw_strdup(d->owner ? d->owner : ""),
      .lead = bw_strdup(d->lead ? d->lead->id : ""),
      .template_name = bw_strdup(d->template_name ? d->template_name : ""),
      .priority = fixed_priority(d->priority),
      .state = d->state,
      .shadow = d->shadow,
      .settled = d->lead && (d->lead->status == BW_LEAD_APPROVED || d->lead->status == BW_LEAD_SENT),
      .score = d->score,
      .estimate = d->estimate,
  };
}

static const struct said *find_said(const struct said_list *l, const char *play)
{
  size_t i;
  for (i = 0; i < l->n; i++)
    if (strcmp(l->items[i].play, play) == 0)
      return &l->items[i];
  return NULL;
}

/* People see it. */
static bool seen(const struct said *s)
{
  return s && s->state != BW_DRY_NO && !s->shadow;
}

static bool apart(double a, double b)
{
  if (!isfinite(a) || !isfinite(b))
    return isfinite(a) != isfinite(b);
  return fabs(a - b) >= 1 && fabs(a - b) > 0.01 * fabs(a);
}

static bool differs(const struct said *a, const struct said *b)
{
  return strcmp(a->owner, b->owner) != 0 || strcmp(a->priority, b->priority) != 0 ||
         strcmp(a->template_name, b->template_name) != 0 || fabs(a->score - b->score) >= 1 || apart(a->estimate, b->estimate);
}

/* ---- rows ---- */

static struct changed_play *change_of(struct core_diff *d, const char *play)
{
  size_t i;
  for (i = 0; i < d->nchanges; i++)
    if (strcmp(d->changes[i].name, play) == 0)
      return &d->changes[i];
  return NULL;
}

static json_t *said_json(const struct said *s)
{
  json_t *o;
  if (!seen(s))
    return json_null();
  o = json_object();
  json_object_set_new(o, "score", core_json_number(s->score));
  json_object_set_new(o, "priority", core_json_text(s->priority));
  json_object_set_new(o, "owner", core_json_text(s->owner));
  json_object_set_new(o, "template", core_json_text(s->template_name));
  json_object_set_new(o, "estimate", core_json_number(s->estimate));
  return o;
}

/* Why the play does not fire, in the engine's own sentence. */
static json_t *why_json(struct bw_engine *e, const char *account, const char *play, int64_t now)
{
  struct bw_buf json = {0};
  struct bw_error err;
  json_t *all, *says = NULL;
  if (bw_engine_why_not(e, bw_str(account), bw_str(play), now, &json, &err) == 0) {
    all = core_json_raw(bw_buf_str(&json));
    says = json_incref(json_object_get(all, "says"));
    json_decref(all);
  }
  bw_buf_clear(&json);
  return says ? says : json_null();
}

static json_t *reason(struct core_diff *d, enum what what, const struct changed_play *p, const char *account,
                      const struct said *before, const struct said *after)
{
  struct bw_engine *running = bw_pipeline_engine(d->c->pipeline);
  if (what == CHANGE)
    return json_null();
  if (what == LOSE && p->after < 0)
    return json_string("the play is gone");
  if (what == LOSE && after && after->shadow)
    return json_string("the play would be a shadow");
  if (what == LOSE)
    return why_json(d->beside, account, p->name, d->now);
  if (p->before < 0)
    return json_string("the play is new");
  if (before && before->shadow && before->state != BW_DRY_NO)
    return json_string("the play is a shadow now");
  return why_json(running, account, p->name, d->now);
}

static void add_row(struct core_diff *d, enum what what, const char *account, const struct said *before,
                    const struct said *after)
{
  struct changed_play *p = change_of(d, before ? before->play : after->play);
  const struct bw_entity *e = bw_book_find(bw_pipeline_book(d->c->pipeline), BW_ENTITY_ACCOUNT, bw_str(account));
  const char *lead = before && before->lead[0] ? before->lead : after ? after->lead : "";
  json_t *o;
  if (!p || p->n[what]++ >= d->limit || d->nrows == ROWS)
    return;
  d->nrows++;
  o = json_object();
  json_object_set_new(o, "account", core_json_text(account));
  json_object_set_new(o, "name", e ? core_json_str(bw_entity_text(e, "name")) : json_null());
  json_object_set_new(o, "lead", core_json_text(what == GAIN ? "" : lead));
  json_object_set_new(o, "why", reason(d, what, p, account, before, after));
  json_object_set_new(o, "before", said_json(before));
  json_object_set_new(o, "after", said_json(after));
  json_array_append_new(p->rows[what], o);
}

/* Whether a play before this one opens a lead of the family already. */
static bool family_taken(const struct said_list *l, const struct said *s)
{
  const struct said *other;
  for (other = l->items; other < s; other++)
    if (seen(other) && other->state == BW_DRY_OPENS && strcmp(other->family, s->family) == 0)
      return true;
  return false;
}

static bool opens(const struct said_list *l, const struct said *s)
{
  return seen(s) && s->state == BW_DRY_OPENS && !family_taken(l, s);
}

/* A lead that is there, or would come at the next tick. */
static bool has_lead(const struct said_list *l, const struct said *s)
{
  return (seen(s) && s->state == BW_DRY_HOLDS) || opens(l, s);
}

static void compare_one(struct core_diff *d, const char *account, const struct said *before, const struct said *after)
{
  struct changed_play *p = change_of(d, before ? before->play : after->play);
  if (!p)
    return;
  if (!has_lead(&d->before, before) && opens(&d->after, after))
    add_row(d, GAIN, account, before, after);
  else if (has_lead(&d->before, before) && !seen(after))
    add_row(d, LOSE, account, before, after);
  else if (seen(before) && seen(after) && after->state == BW_DRY_HOLDS && !after->settled && differs(before, after))
    add_row(d, CHANGE, account, before, after);
  else if (!seen(before) && seen(after) && after->state == BW_DRY_RESTS)
    p->rests++;
  else if (!seen(before) && seen(after))
    p->adds++;
  if (after && after->shadow && after->state == BW_DRY_OPENS && !(before && before->state != BW_DRY_NO))
    p->shadow++;
}

static int compare_account(struct core_diff *d, const char *account, struct bw_error *err)
{
  struct bw_engine *running = bw_pipeline_engine(d->c->pipeline);
  size_t i;
  int rc;
  clear_said(&d->before);
  clear_said(&d->after);
  rc = bw_engine_dry(running, running, bw_str(account), d->now, hear, &d->before, err);
  if (rc == 0)
    rc = bw_engine_dry(d->beside, running, bw_str(account), d->now, hear, &d->after, err);
  for (i = 0; rc == 0 && i < d->before.n; i++)
    compare_one(d, account, &d->before.items[i], find_said(&d->after, d->before.items[i].play));
  for (i = 0; rc == 0 && i < d->after.n; i++)
    if (!find_said(&d->before, d->after.items[i].play))
      compare_one(d, account, NULL, &d->after.items[i]);
  return rc;
}

/* ---- the answer ---- */

static json_t *mode_json(const struct bw_plays *plays, int at)
{
  struct bw_play_info info;
  return at >= 0 && bw_plays_at(plays, (size_t)at, &info) ? json_string(bw_mode_name(info.mode)) : json_null();
}

static json_t *change_json(const struct core_diff *d, struct changed_play *p)
{
  json_t *o = json_object();
  size_t w;
  json_object_set_new(o, "play", core_json_text(p->name));
  json_object_set_new(o, "state", json_string(p->before < 0 ? "new" : p->after < 0 ? "gone" : "there"));
  json_object_set_new(o, "mode_before", mode_json(d->running->plays, p->before));
  json_object_set_new(o, "mode", mode_json(d->plays, p->after));
  for (w = 0; w < WHATS; w++)
    json_object_set_new(o, what_names[w], json_integer((json_int_t)p->n[w]));
  json_object_set_new(o, "adds", json_integer((json_int_t)p->adds));
  json_object_set_new(o, "rests", json_integer((json_int_t)p->rests));
  json_object_set_new(o, "shadow", json_integer((json_int_t)p->shadow));
  for (w = 0; w < WHATS; w++) {
    char key[16];
    (void)snprintf(key, sizeof key, "%s_rows", what_names[w]);
    json_object_set(o, key, p->rows[w]);
  }
  return o;
}

static json_t *diff_json(struct core_diff *d)
{
  json_t *o = json_object(), *list = json_array(), *lint = json_object();
  size_t i, w, total[WHATS] = {0};
  for (i = 0; i < d->nchanges; i++) {
    struct changed_play *p = &d->changes[i];
    for (w = 0; w < WHATS; w++)
      total[w] += p->n[w];
    json_array_append_new(list, change_json(d, p));
  }
  json_object_set_new(lint, "errors", json_integer((json_int_t)d->lint[BW_LINT_ERROR]));
  json_object_set_new(lint, "warnings", json_integer((json_int_t)d->lint[BW_LINT_WARNING]));
  json_object_set_new(o, "now", core_json_time(d->now));
  json_object_set_new(o, "dir", core_json_text(d->dir));
  json_object_set_new(o, "accounts", json_integer((json_int_t)d->naccounts));
  json_object_set_new(o, "looked", json_integer((json_int_t)d->at));
  json_object_set_new(o, "cut", json_boolean(d->cut));
  json_object_set_new(o, "watchers_differ", json_boolean(d->watchers_differ));
  json_object_set_new(o, "lint", lint);
  for (w = 0; w < WHATS; w++)
    json_object_set_new(o, what_names[w], json_integer((json_int_t)total[w]));
  json_object_set_new(o, "plays", list);
  return o;
}

static void diff_free(struct core_diff *d)
{
  size_t i, w;
  if (!d)
    return;
  bw_timer_free(&d->timer);
  bw_engine_close(&d->beside);
  bw_plays_free(&d->own);
  bw_setup_free(&d->fresh);
  for (i = 0; i < d->naccounts; i++)
    free(d->accounts[i]);
  free(d->accounts);
  for (i = 0; i < d->nchanges; i++) {
    free(d->changes[i].name);
    for (w = 0; w < WHATS; w++)
      json_decref(d->changes[i].rows[w]);
  }
  free(d->changes);
  clear_said(&d->before);
  clear_said(&d->after);
  free(d->before.items);
  free(d->after.items);
  free(d->dir);
  free(d);
}

static void finish(struct core_diff *d)
{
  d->c->diff = NULL;
  if (d->req)
    bw_request_reply_json(d->req, diff_json(d));
  diff_free(d);
}

static void give_up(struct core_diff *d, const char *why)
{
  d->c->diff = NULL;
  if (d->req)
    bw_request_failf(d->req, BW_EAGAIN, "%s", why);
  diff_free(d);
}

void core_diff_stop(struct core *c)
{
  if (c->diff)
    give_up(c->diff, "the daemon is stopping");
}

/* ---- working, a slice at a time ---- */

static void work(void *ctx)
{
  struct core_diff *d = ctx;
  int64_t from = bw_monotonic(), spent = 0;
  struct bw_error err = {0};
  int rc = BW_OK;
  if (core_setup(d->c) != d->running) {
    give_up(d, "the configuration was reloaded meanwhile; ask again");
    return;
  }
  if (bw_request_gone(d->req)) {
    finish(d);
    return;
  }
  while (rc == 0 && d->at < d->naccounts && spent < SLICE_MS) {
    rc = compare_account(d, d->accounts[d->at], &err);
    d->at++;
    spent = bw_monotonic() - from;
  }
  d->worked += spent;
  d->cut = d->at < d->naccounts && d->worked >= WORK_MS;
  if (rc < 0)
    give_up(d, err.message);
  else if (d->at == d->naccounts || d->cut)
    finish(d);
  else
    bw_timer_again(d->timer, 1);
}

static void add_account(void *ctx, struct bw_str account)
{
  struct core_diff *d = ctx;
  if (d->naccounts == d->accounts_cap) {
    d->accounts_cap = d->accounts_cap ? d->accounts_cap * 2 : 256;
    d->accounts = bw_realloc(d->accounts, d->accounts_cap, sizeof *d->accounts);
  }
  d->accounts[d->naccounts++] = bw_str_dup(account);
}

static void add_change(struct core_diff *d, const char *name)
{
  struct changed_play *p;
  size_t w;
  d->changes = bw_realloc(d->changes, d->nchanges + 1, sizeof *d->changes);
  p = &d->changes[d->nchanges++];
  *p = (struct changed_play){.name = bw_strdup(name),
                             .before = bw_plays_find(d->running->plays, bw_str(name)),
                             .after = bw_plays_find(d->plays, bw_str(name))};
  for (w = 0; w < WHATS; w++)
    p->rows[w] = json_array();
}

/* The new plays in their order, then those that are gone. */
static void list_changes(struct core_diff *d)
{
  struct bw_play_info info;
  size_t i;
  for (i = 0; bw_plays_at(d->plays, i, &info); i++)
    add_change(d, info.name);
  for (i = 0; bw_plays_at(d->running->plays, i, &info); i++)
    if (bw_plays_find(d->plays, bw_str(info.name)) < 0)
      add_change(d, info.name);
}

/* ---- starting ---- */

static int refuse(const struct core_diff *d, struct bw_complaints *c, struct bw_error *err)
{
  struct bw_str first = bw_complaints_first(c);
  if (d->watchers_differ)
    return bw_fail(
        err, BW_ESTATE, BW_CLASS_PERMANENT,
        "%s is right, but nothing can be compared before it is in use: its plays ask for what no running watcher says "
        "(%.*s).  `basewatch replay` tries them on files",
        d->dir, (int)(first.len > 400 ? 400 : first.len), first.data);
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "%s cannot be used: %.*s%s", d->dir, (int)(first.len > 600 ? 600 : first.len),
                 first.data, c->count > 1 ? " (and more: `basewatch lint` lists all)" : "");
}

static void lint_fresh(struct core_diff *d)
{
  struct bw_lint *lint = bw_lint_new(d->dir, d->fresh, NULL);
  int s;
  for (s = BW_LINT_NOTE; s <= BW_LINT_ERROR; s++)
    d->lint[s] = bw_lint_count(lint, (enum bw_lint_severity)s);
  bw_lint_free(&lint);
}

/* Signals and traits are known by their place in the running catalogue: with other watchers the rules are compiled against it.
 */
static int load_fresh(struct core_diff *d, struct bw_error *err)
{
  const struct bw_setup_options so = {d->c->o->plugin_dir, d->c->o->host_exe};
  struct bw_complaints c = {0};
  int rc = bw_setup_load(d->dir, &so, &d->fresh, &c);
  if (rc == 0) {
    lint_fresh(d);
    d->plays = d->fresh->plays;
    d->watchers_differ = !core_same_watchers(d->running, d->fresh);
    if (d->watchers_differ && (rc = bw_plays_load(d->dir, d->running->catalog, &c, &d->own)) == 0)
      d->plays = d->own;
  }
  if (rc < 0)
    rc = refuse(d, &c, err);
  bw_complaints_clear(&c);
  return rc;
}

int core_plays_diff(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_str dir = bw_args_text(args, "config");
  struct core_diff *d;
  int rc;
  if (c->diff)
    return bw_fail(err, BW_EAGAIN, BW_CLASS_TRANSIENT, "somebody else is comparing just now; ask again in a moment");
  d = bw_alloc(sizeof *d);
  d->c = c;
  d->dir = dir.len ? bw_str_dup(dir) : bw_strdup(c->o->config_dir);
  d->running = core_setup(c);
  d->now = core_now(c);
  d->limit = (size_t)bw_args_int(args, "limit", LIMIT);
  rc = load_fresh(d, err);
  if (rc == 0)
    rc = bw_engine_beside(bw_pipeline_engine(c->pipeline), d->plays, d->fresh->leads, d->now, &d->beside, err);
  if (rc < 0) {
    diff_free(d);
    return rc;
  }
  list_changes(d);
  bw_signals_each_account(bw_pipeline_signals(c->pipeline), add_account, d);
  d->req = req;
  c->diff = d;
  d->timer = bw_timer_new(c->loop, 0, false, work, d);
  return BW_OK;
}
