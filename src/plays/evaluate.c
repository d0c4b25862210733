/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluating an account: which plays to ask, and what becomes of their verdicts: a lead opens, or an open one learns something.
 * Runs in core and replays; no privileges.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

/* ---- sets of signals, kept as sorted lines ---- */

static bool has_line(const char *lines, const char *line, size_t len)
{
  const char *s = lines;
  while (*s) {
    size_t n = strcspn(s, "\n");
    if (n == len && memcmp(s, line, n) == 0)
      return true;
    s += n + (s[n] == '\n');
  }
  return false;
}

/* Adds the lines of `more` that `*lines` lacks. */
static void add_lines(char **lines, const char *more)
{
  struct bw_buf b = {0};
  bool added = false;
  const char *s = more;
  bw_buf_add_cstr(&b, *lines);
  while (*s) {
    size_t n = strcspn(s, "\n");
    if (n && !has_line(*lines, s, n)) {
      bw_buf_add(&b, s, n);
      bw_buf_add_char(&b, '\n');
      added = true;
    }
    s += n + (s[n] == '\n');
  }
  if (added)
    bw_lead_set(lines, bw_buf_cstr(&b));
  bw_buf_clear(&b);
}

static bool lacks_line(const char *lines, const char *more)
{
  const char *s = more;
  while (*s) {
    size_t n = strcspn(s, "\n");
    if (n && !has_line(lines, s, n))
      return true;
    s += n + (s[n] == '\n');
  }
  return false;
}

/* ---- from a verdict to a lead ---- */

static int64_t due(const struct bw_engine *e, const struct play *p, const struct verdict *v, int64_t from_ms)
{
  return bw_working_deadline(e, v->owner, from_ms, p->sla_ms[2 - bw_priority_rank(v->priority)]);
}

void bw_lead_start_clock(const struct bw_engine *e, struct lead *l, const struct play *p, const struct verdict *v,
                         int64_t now_ms)
{
  l->pub.review_until = v->review_ms ? bw_working_deadline(e, v->csm ? v->csm : "", now_ms, v->review_ms) : BW_TIME_NONE;
  l->pub.sla_at = due(e, p, v, v->review_ms ? l->pub.review_until : now_ms);
}

static struct bw_str currency_now(struct bw_env *env)
{
  struct bw_value currency;
  bw_env_account_value(env, "account.currency", &currency);
  return currency.s;
}

void bw_lead_take(struct bw_engine *e, struct lead *l, const struct verdict *v)
{
  if (l->pub.owner[0] && strcmp(l->pub.owner, v->owner) != 0)
    bw_pool_take_turn(e, v); /* a new lead takes it as it arrives */
  l->pub.score = v->score;
  l->pub.estimate = v->estimate;
  bw_lead_set(&l->pub.owner, v->owner);
  bw_lead_set(&l->pub.owner_role, v->role);
  bw_lead_set(&l->pub.owner_for, v->routed.nominal);
  bw_lead_set(&l->pub.owner_note, v->routed.note);
  bw_lead_set(&l->pub.csm, v->csm);
  l->pub.csm_required = v->csm_required;
  bw_lead_set(&l->pub.primary_signal, v->primary);
  bw_lead_set(&l->pub.why_json, v->why.data);
  l->pub.close_at = v->timing.close_at;
  free(l->pub.currency);
  l->pub.currency = bw_str_dup(currency_now(&e->env));
  bw_lead_fields(l, v, &e->env);
  bw_leads_join(e, e->env.account, l);
}

static void open_lead(struct bw_engine *e, struct bw_env *env, const struct play *p, const struct verdict *v, uint64_t offset)
{
  struct lead *l = bw_lead_new(e);
  const char *const texts[] = {p->name, p->family, p->motion, p->type, v->priority, p->angle, p->title, v->template_name};
  char **const fields[] = {&l->pub.play,     &l->pub.family, &l->pub.motion, &l->pub.type,
                           &l->pub.priority, &l->pub.angle,  &l->pub.title,  &l->pub.template_name};
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    bw_lead_set(fields[i], texts[i]);
  free(l->pub.account);
  l->pub.account = bw_str_dup(env->account);
  l->pub.number = e->next_number++;
  l->pub.mode = v->shadow ? BW_MODE_SHADOW : p->mode;
  l->pub.opened_at = l->pub.updated_at = env->now_ms;
  l->pub.offset = offset;
  bw_lead_start_clock(e, l, p, v, env->now_ms);
  add_lines(&l->signals, v->signals);
  l->pub.nurture = v->nurture;
  bw_lead_add(e, l, v->shadow);
  bw_lead_take(e, l, v);
  bw_lead_dirty(e, l);
  e->stats.fired++;
  if (!bw_lead_arrived(e, l, v, env->now_ms) && e->events.opened)
    e->events.opened(e->events.ctx, &l->pub);
}

static bool differs(double a, double b, double absolute, double relative)
{
  if (isnan(a) || isnan(b))
    return isnan(a) != isnan(b);
  return fabs(a - b) >= absolute && fabs(a - b) > relative * fabs(a);
}

/* What a re-fire has to say that the open lead does not know. */
struct change {
  bool mutable, same; /* nobody has decided yet; the same play speaks */
  bool news;          /* a signal that it did not have, a higher priority, ready where it was not */
  bool moved;         /* a number: noted, and disturbs nobody */
};

static struct change compare(struct bw_env *env, const struct play *p, const struct lead *l, const struct verdict *v)
{
  struct change c = {.mutable =
                         l->pub.status == BW_LEAD_OPEN || l->pub.status == BW_LEAD_SNOOZED || l->pub.status == BW_LEAD_QUEUED,
                     .same = strcmp(l->pub.play, p->name) == 0};
  if (v->nurture && !l->pub.nurture)
    c.mutable = false; /* once ready, a lead does not go back to be nurtured */
  c.news =
      lacks_line(l->signals, v->signals) || (c.mutable && bw_priority_rank(v->priority) > bw_priority_rank(l->pub.priority));
  c.moved = c.mutable && c.same &&
            (differs(l->pub.score, v->score, 1, 0) || differs(l->pub.estimate, v->estimate, 1, 0.01) ||
             strcmp(l->pub.owner, v->owner) != 0 || strcmp(l->pub.csm, v->csm ? v->csm : "") != 0 ||
             l->pub.close_at != v->timing.close_at || l->pub.nurture != v->nurture ||
             strcmp(l->pub.template_name, v->template_name) != 0 || !bw_str_is(currency_now(env), l->pub.currency));
  return c;
}

static void enrich_lead(struct bw_engine *e, struct bw_env *env, const struct play *p, struct lead *l, const struct verdict *v,
                        struct change c)
{
  add_lines(&l->signals, v->signals);
  if (c.mutable && c.same && l->pub.nurture && !v->nurture)
    bw_lead_start_clock(e, l, p, v, env->now_ms); /* to whoever gets it now, it is new */
  if (c.mutable && bw_priority_rank(v->priority) > bw_priority_rank(l->pub.priority)) {
    int64_t sla = due(e, p, v, env->now_ms);
    bw_lead_set(&l->pub.priority, v->priority);
    if (sla < l->pub.sla_at)
      l->pub.sla_at = sla;
    if (!v->review_ms)
      l->pub.review_until = BW_TIME_NONE; /* it cannot wait any more */
  }
  if (c.mutable && c.same) {
    l->pub.nurture = v->nurture;
    bw_lead_set(&l->pub.template_name, v->template_name);
    bw_lead_take(e, l, v);
  }
  if (c.news)
    l->pub.updated_at = env->now_ms; /* numbers alone do not keep a lead from expiring */
  l->pub.enriched += c.news;
  bw_lead_dirty(e, l);
  if (c.news && e->events.enriched && l->pub.status != BW_LEAD_QUEUED)
    e->events.enriched(e->events.ctx, &l->pub);
}

/* ---- after a close ---- */

bool bw_nothing_new(const struct bw_env *env, const struct play *p, struct standing s)
{
  size_t i;
  if (s.closed_at == BW_TIME_NONE)
    return false;
  for (i = 0; i < env->nopen; i++)
    if (env->open[i]->opened_at > s.closed_at && bw_play_weight(p, env->open[i]->type_index) > 0)
      return false;
  return true;
}

bool bw_family_rests(const struct bw_env *env, const struct play *p, struct standing s)
{
  return !s.open && s.closed_at != BW_TIME_NONE && (env->now_ms < s.closed_at + p->suppress_ms || bw_nothing_new(env, p, s));
}

/* ---- evaluating ---- */

struct play_set bw_engine_gather(struct bw_engine *e, struct bw_str account, int64_t now_ms)
{
  struct play_set set = {{0}};
  size_t i, k;
  bw_env_init(&e->env, &e->source, account, now_ms);
  bw_env_gather(&e->env);
  for (i = 0; i < e->env.nopen; i++)
    for (k = 0; k < sizeof set.words / sizeof *set.words; k++)
      set.words[k] |= e->plays->triggers[e->env.open[i]->type_index].words[k];
  return set;
}

/* What is written of an open lead may have changed: numbers, names, whoever signs it. */
static void spoke(struct bw_engine *e, const struct lead *l)
{
  if (e->events.spoke && l->pub.status != BW_LEAD_QUEUED)
    e->events.spoke(e->events.ctx, &l->pub);
}

static void fire(struct bw_engine *e, const struct play *p, struct lead *open, struct verdict *v, uint64_t offset)
{
  struct bw_env *env = &e->env;
  struct change c = {0};
  bw_play_assign(e, p, v);
  if (open)
    c = compare(env, p, open, v);
  if (!open || c.news || c.moved) {
    bw_play_explain(e, p, false, v);
    bw_json_close(&v->why, '}');
    bw_buf_cstr(&v->why);
  }
  if (!open)
    open_lead(e, env, p, v, offset);
  else if (c.news || c.moved)
    enrich_lead(e, env, p, open, v, c);
  if (open && c.mutable && c.same)
    spoke(e, open);
}

/* An account that is given to somebody else takes its leads along, whether their plays still speak or not. */
static void hand_over(struct bw_engine *e, struct lead *l)
{
  if ((l->pub.status != BW_LEAD_OPEN && l->pub.status != BW_LEAD_SNOOZED) || !bw_lead_reroute(e, l))
    return;
  bw_lead_dirty(e, l);
  spoke(e, l);
}

static void evaluate_play(struct bw_engine *e, const struct play *p, uint64_t offset)
{
  struct bw_env *env = &e->env;
  struct standing s;
  struct verdict v;
  bw_verdict_init(&v);
  bw_play_judge(env, p, false, &v);
  if (v.fires) {
    s = bw_standing(e, env->account, p, v.shadow);
    if (bw_family_rests(env, p, s))
      e->stats.suppressed++;
    else
      fire(e, p, s.open, &v, offset);
  } else if (strcmp(v.blocked_by, "readiness") == 0 && v.readiness.band == BAND_NURTURE) {
    e->stats.nurture++;
  }
  bw_verdict_clear(&v);
}

int bw_engine_evaluate(struct bw_engine *e, struct bw_str account, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
  const struct lead_list *list;
  struct play_set set;
  size_t i;
  e->stats.evaluated++;
  if (now_ms < 0 || now_ms > BW_TIME_MAX || !account.len)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "an evaluation of no account, or at an impossible time");
  if (bw_heard_nothing(e, account)) {
    if (e->ntables)
      bw_samples_note(e, account, now_ms);
    return 0;
  }
  if (bw_queue_recheck(e, account, now_ms, err) < 0)
    return err ? (int)err->code : BW_EINVAL;
  if (e->ntables)
    bw_samples_note(e, account, now_ms);
  set = bw_engine_gather(e, account, now_ms);
  for (i = 0; i < e->plays->nplays; i++)
    if (set.words[i / 64] >> (i % 64) & 1)
      evaluate_play(e, &e->plays->plays[i], offset);
  list = bw_map_get(e->by_account, account);
  for (i = 0; list && i < list->n; i++)
    hand_over(e, list->items[i]);
  return 0;
}
