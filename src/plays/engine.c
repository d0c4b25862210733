/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: which plays to ask about an account, and what becomes of their verdicts.  Runs in core and replays. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

const struct bw_setting bw_engine_settings[] = {
    {"operator", BW_SETTING_STRING, offsetof(struct bw_engine_options, operator_name), "operator", 0, 0, NULL,
     "who owns what no route resolves"},
    {"currency", BW_SETTING_STRING, offsetof(struct bw_engine_options, currency), "USD", 0, 0, NULL,
     "the currency of accounts that name none"},
    {"expire", BW_SETTING_DURATION, offsetof(struct bw_engine_options, expire_ms), "45d", 86400e3, 3650 * 86400e3, NULL,
     "an open lead that nobody touched is closed after this"},
    {"expire_sent", BW_SETTING_DURATION, offsetof(struct bw_engine_options, expire_sent_ms), "90d", 86400e3, 3650 * 86400e3,
     NULL, "a sent lead without an outcome is closed after this"},
    {"business_hours", BW_SETTING_BOOL, offsetof(struct bw_engine_options, business_hours), "true", 0, 0, NULL,
     "count SLAs in working time"},
    {"day_start", BW_SETTING_DURATION, offsetof(struct bw_engine_options, day_start_ms), "8h", 0, 86400e3, NULL,
     "when the working day begins, after midnight UTC"},
    {"day_end", BW_SETTING_DURATION, offsetof(struct bw_engine_options, day_end_ms), "18h", 0, 86400e3, NULL, "when it ends"},
    {"workdays", BW_SETTING_STRING, offsetof(struct bw_engine_options, workdays), "mon,tue,wed,thu,fri", 0, 0, NULL,
     "the working days"},
    {"budget", BW_SETTING_INTEGER, offsetof(struct bw_engine_options, budget), "10", 0, 1e6, NULL,
     "new leads per owner and working day, 0 for no limit; the rest waits in a queue, the best first"},
};
const size_t bw_engine_nsettings = sizeof bw_engine_settings / sizeof *bw_engine_settings;

void bw_engine_options_default(struct bw_engine_options *o)
{
  *o = (struct bw_engine_options){.operator_name = bw_strdup("operator"),
                                  .currency = bw_strdup("USD"),
                                  .expire_ms = 45 * BW_DAY,
                                  .expire_sent_ms = 90 * BW_DAY,
                                  .business_hours = true,
                                  .day_start_ms = 8 * BW_HOUR,
                                  .day_end_ms = 18 * BW_HOUR,
                                  .workdays = bw_strdup("mon,tue,wed,thu,fri"),
                                  .budget = DEFAULT_BUDGET};
}

/* ---- life ---- */

static void follow(struct bw_engine *e, const struct bw_plays *plays)
{
  e->plays = plays;
  e->source.catalog = plays->catalog;
  e->source.names = plays->names;
  bw_samples_follow(e);
}

int bw_engine_open(const struct bw_plays *plays, struct bw_signals *signals, struct bw_book *book, struct bw_store *store,
                   const struct bw_engine_options *options, const struct bw_lead_events *events, struct bw_engine **ret_engine,
                   struct bw_error *err)
{
  struct bw_engine *e = bw_alloc(sizeof *e);
  int rc;
  e->signals = signals;
  e->book = book;
  e->store = store;
  if (events)
    e->events = *events;
  bw_engine_options_default(&e->options);
  if (options) {
    char *mine[] = {e->options.operator_name, e->options.currency, e->options.workdays};
    e->options = *options;
    e->options.operator_name = options->operator_name ? bw_strdup(options->operator_name) : bw_strdup(mine[0]);
    e->options.currency = options->currency ? bw_strdup(options->currency) : bw_strdup(mine[1]);
    e->options.workdays = options->workdays ? bw_strdup(options->workdays) : bw_strdup(mine[2]);
    free(mine[0]);
    free(mine[1]);
    free(mine[2]);
  }
  e->families = bw_map_new();
  e->by_id = bw_map_new();
  e->by_account = bw_map_new();
  e->next_number = 1;
  e->source = (struct bw_env_source){.book = book,
                                     .signals = signals,
                                     .currency = e->options.currency,
                                     .ctx = e,
                                     .stage = bw_journey_stage,
                                     .quartile = bw_samples_quartile,
                                     .past = bw_samples_past};
  follow(e, plays);
  if (store && ((rc = bw_leads_load(e, err)) < 0 || (rc = bw_samples_load(e, err)) < 0)) {
    bw_engine_close(&e);
    return rc;
  }
  *ret_engine = e;
  return 0;
}

static void free_list(void *value)
{
  struct lead_list *list = value;
  free(list->items);
  free(list);
}

void bw_engine_close(struct bw_engine **ep)
{
  struct bw_engine *e = *ep;
  size_t i;
  if (!e)
    return;
  for (i = 0; i < e->nleads; i++)
    bw_lead_free(e->leads[i]);
  free(e->leads);
  free(e->dirty);
  bw_lead_free(e->found);
  bw_map_free(&e->families, free);
  bw_map_free(&e->by_id, NULL);
  bw_map_free(&e->by_account, free_list);
  bw_desks_clear(e);
  bw_samples_close(e);
  free(e->heard.bits);
  bw_env_clear(&e->env);
  free(e->options.operator_name);
  free(e->options.currency);
  free(e->options.workdays);
  free(e);
  *ep = NULL;
}

void bw_engine_set_plays(struct bw_engine *e, const struct bw_plays *plays)
{
  follow(e, plays);
  bw_heard_plays(e);
}

const struct bw_plays *bw_engine_plays(const struct bw_engine *e)
{
  return e->plays;
}

void bw_engine_stats(const struct bw_engine *e, struct bw_engine_stats *ret_stats)
{
  struct bw_engine_stats s = e->stats;
  size_t i;
  s.open = s.shadow = 0;
  for (i = 0; i < e->nleads; i++) {
    const struct bw_lead *l = &e->leads[i]->pub;
    if (l->closed_at != BW_TIME_NONE)
      continue;
    if (l->mode == BW_MODE_SHADOW)
      s.shadow++;
    else
      s.open++;
  }
  *ret_stats = s;
}

/* ---- what templates see ---- */

int bw_engine_open_env(const struct bw_engine *e, struct bw_str account, const struct bw_lead *l, int64_t now_ms,
                       struct bw_env **ret_env, struct bw_error *err)
{
  const struct person *owner = l ? bw_person_find(&e->plays->roster, bw_str(l->owner)) : NULL;
  struct bw_env_lead lead;
  if (l)
    lead = (struct bw_env_lead){.id = l->id,
                                .play = l->play,
                                .family = l->family,
                                .motion = l->motion,
                                .type = l->type,
                                .priority = l->priority,
                                .csm = l->csm,
                                .currency = l->currency,
                                .primary_signal = l->primary_signal,
                                .title = l->title,
                                .owner = l->owner,
                                .owner_name = owner ? owner->name : "",
                                .opened_at = l->opened_at,
                                .sla_at = l->sla_at,
                                .score = l->score,
                                .estimate = l->estimate,
                                .why_json = l->why_json,
                                .updated_at = l->updated_at};
  return bw_env_open(&e->source, account, l ? &lead : NULL, now_ms, ret_env, err);
}

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

/* Adds the lines of `more` that `*lines` lacks; returns how many. */
static size_t add_lines(char **lines, const char *more)
{
  struct bw_buf b = {0};
  size_t added = 0;
  const char *s = more;
  bw_buf_add_cstr(&b, *lines);
  while (*s) {
    size_t n = strcspn(s, "\n");
    if (n && !has_line(*lines, s, n)) {
      bw_buf_add(&b, s, n);
      bw_buf_add_char(&b, '\n');
      added++;
    }
    s += n + (s[n] == '\n');
  }
  if (added)
    bw_lead_set(lines, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return added;
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

static int rank_of(const char *priority)
{
  return strcmp(priority, "high") == 0 ? 2 : strcmp(priority, "medium") == 0 ? 1 : 0;
}

static int64_t sla_of(const struct bw_engine *e, const struct play *p, const char *priority, int64_t now_ms)
{
  return bw_sla_deadline(&e->options, now_ms, p->sla_ms[2 - rank_of(priority)]);
}

void bw_lead_take(struct bw_engine *e, struct lead *l, const struct verdict *v)
{
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
  bw_lead_fields(l, v, &e->env);
  bw_leads_join(e, e->env.account, l);
}

static void open_lead(struct bw_engine *e, struct bw_env *env, const struct play *p, const struct verdict *v, uint64_t offset)
{
  struct lead *l = bw_lead_new(e);
  const char *const texts[] = {p->name, p->family, p->motion, p->type, v->priority, p->angle, p->title, v->template_name};
  char **const fields[] = {&l->pub.play,     &l->pub.family, &l->pub.motion, &l->pub.type,
                           &l->pub.priority, &l->pub.angle,  &l->pub.title,  &l->pub.template_name};
  struct bw_value currency;
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    bw_lead_set(fields[i], texts[i]);
  free(l->pub.account);
  l->pub.account = bw_str_dup(env->account);
  l->pub.number = e->next_number++;
  l->pub.mode = v->shadow ? BW_MODE_SHADOW : p->mode;
  l->pub.opened_at = l->pub.updated_at = env->now_ms;
  l->pub.offset = offset;
  l->pub.sla_at = sla_of(e, p, v->priority, env->now_ms);
  l->pub.review_until = v->review_ms ? env->now_ms + v->review_ms : BW_TIME_NONE;
  bw_env_account_value(env, "account.currency", &currency);
  free(l->pub.currency);
  l->pub.currency = bw_str_dup(currency.s);
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

static struct change compare(const struct play *p, const struct lead *l, const struct verdict *v)
{
  struct change c = {.mutable =
                         l->pub.status == BW_LEAD_OPEN || l->pub.status == BW_LEAD_SNOOZED || l->pub.status == BW_LEAD_QUEUED,
                     .same = strcmp(l->pub.play, p->name) == 0};
  if (v->nurture && !l->pub.nurture)
    c.mutable = false; /* once ready, a lead does not go back to be nurtured */
  c.news = lacks_line(l->signals, v->signals) || (c.mutable && rank_of(v->priority) > rank_of(l->pub.priority));
  c.moved = c.mutable && c.same &&
            (differs(l->pub.score, v->score, 1, 0) || differs(l->pub.estimate, v->estimate, 1, 0.01) ||
             strcmp(l->pub.owner, v->owner) != 0 || l->pub.close_at != v->timing.close_at);
  return c;
}

static void enrich_lead(struct bw_engine *e, struct bw_env *env, const struct play *p, struct lead *l, const struct verdict *v,
                        struct change c)
{
  add_lines(&l->signals, v->signals);
  if (c.mutable && rank_of(v->priority) > rank_of(l->pub.priority)) {
    int64_t sla = sla_of(e, p, v->priority, env->now_ms);
    bw_lead_set(&l->pub.priority, v->priority);
    if (sla < l->pub.sla_at)
      l->pub.sla_at = sla;
  }
  if (c.mutable && c.same) {
    l->pub.nurture = v->nurture;
    bw_lead_set(&l->pub.template_name, v->template_name);
    bw_lead_take(e, l, v);
  }
  l->pub.updated_at = env->now_ms;
  l->pub.enriched += c.news;
  bw_lead_dirty(e, l);
  if (c.news && e->events.enriched && l->pub.status != BW_LEAD_QUEUED)
    e->events.enriched(e->events.ctx, &l->pub);
}

/* ---- after a close ---- */

/* What was open when the family's last lead was closed has had its answer: only a relapse, a new episode, asks again. */
bool bw_nothing_new(const struct bw_env *env, const struct play *p, const struct family *f)
{
  size_t i;
  if (!f || f->closed_at == BW_TIME_NONE)
    return false;
  for (i = 0; i < env->nopen; i++)
    if (env->open[i]->opened_at > f->closed_at && bw_play_weight(p, env->open[i]->type_index) > 0)
      return false;
  return true;
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

static void fire(struct bw_engine *e, const struct play *p, struct lead *open, struct verdict *v, uint64_t offset)
{
  struct bw_env *env = &e->env;
  struct change c = {0};
  bw_play_assign(e, p, v);
  if (open) {
    c = compare(p, open, v);
    if (!c.news && !c.moved)
      return;
  }
  bw_play_explain(e, p, false, v);
  bw_json_close(&v->why, '}');
  bw_buf_cstr(&v->why);
  if (open)
    enrich_lead(e, env, p, open, v, c);
  else
    open_lead(e, env, p, v, offset);
}

static bool rests(const struct bw_env *env, const struct play *p, const struct family *f)
{
  return f && !f->open && f->closed_at != BW_TIME_NONE &&
         (env->now_ms < f->closed_at + p->suppress_ms || bw_nothing_new(env, p, f));
}

static void evaluate_play(struct bw_engine *e, const struct play *p, uint64_t offset)
{
  struct bw_env *env = &e->env;
  const struct family *f;
  struct verdict v;
  bw_verdict_init(&v);
  bw_play_judge(env, p, false, &v);
  if (v.fires) {
    f = bw_family(e, env->account, p->family, v.shadow ? p->name : NULL, false);
    if (rests(env, p, f))
      e->stats.suppressed++;
    else
      fire(e, p, f ? f->open : NULL, &v, offset);
  } else if (strcmp(v.blocked_by, "readiness") == 0 && v.readiness.band == BAND_NURTURE) {
    e->stats.nurture++;
  }
  bw_verdict_clear(&v);
}

int bw_engine_evaluate(struct bw_engine *e, struct bw_str account, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
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
  return 0;
}

int bw_engine_tick(struct bw_engine *e, int64_t now_ms, uint64_t offset, struct bw_error *err)
{
  size_t i;
  (void)offset;
  if (now_ms < 0 || now_ms > BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "a tick with an impossible time");
  bw_samples_tick(e, now_ms);
  bw_heard_tick(e, now_ms);
  for (i = 0; i < e->nleads; i++) {
    struct lead *l = e->leads[i];
    int rc = 0;
    if (l->pub.status == BW_LEAD_SNOOZED && l->pub.snoozed_until <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_OPEN, BW_STR(""), now_ms, err);
    } else if (l->pub.status == BW_LEAD_OPEN && l->pub.updated_at + e->options.expire_ms <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_CLOSED, BW_STR("expired: nobody decided"), now_ms, err);
      e->stats.expired++;
    } else if (l->pub.status == BW_LEAD_SENT && l->pub.updated_at + e->options.expire_sent_ms <= now_ms) {
      rc = bw_lead_move(e, l, BW_LEAD_CLOSED, BW_STR("expired: no outcome was recorded"), now_ms, err);
      e->stats.expired++;
    }
    if (rc < 0)
      return rc;
  }
  return 0;
}
