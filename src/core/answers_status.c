/* SPDX-License-Identifier: Apache-2.0 */
/* `status` and `metrics`: how core is doing.  Runs in core. */
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "control/metrics.h"
#include "core/private.h"

#define WEB_SILENT_MS (15 * BW_SECOND) /* it asks something every few seconds, though it be only whether we are there */

struct tally {
  size_t by_status[BW_LEAD_STATUSES];
  size_t overdue, pending, parked;
  size_t deals[BW_DEAL_LOST + 1], deals_flagged;
  int64_t now;
};

static int tally_lead(void *ctx, const struct bw_lead *lead)
{
  struct tally *t = ctx;
  if (lead->mode == BW_MODE_SHADOW)
    return BW_OK;
  t->by_status[lead->status]++;
  t->overdue += lead->status == BW_LEAD_OPEN && lead->sla_at < t->now;
  return BW_OK;
}

static void tally_item(void *ctx, const struct bw_outbox_item *item)
{
  struct tally *t = ctx;
  t->pending += item->state == BW_OUTBOX_STAGED || item->state == BW_OUTBOX_READY;
  t->parked += item->state == BW_OUTBOX_PARKED || item->state == BW_OUTBOX_FAILED;
}

static int tally_deal(void *ctx, const struct bw_deal *deal)
{
  struct tally *t = ctx;
  t->deals[deal->state]++;
  t->deals_flagged += core_deal_flagged(deal);
  return BW_OK;
}

static struct tally tally_all(struct core *c)
{
  const unsigned unsent = 1u << BW_OUTBOX_STAGED | 1u << BW_OUTBOX_READY | 1u << BW_OUTBOX_PARKED | 1u << BW_OUTBOX_FAILED;
  struct tally t = {.now = core_now(c)};
  (void)bw_leads_each(bw_pipeline_engine(c->pipeline), false, tally_lead, &t);
  (void)bw_outbox_each(c->outbox, unsent, tally_item, &t, NULL);
  (void)bw_deals_each(bw_pipeline_deals(c->pipeline), tally_deal, &t);
  return t;
}

static double per_second(const struct core *c)
{
  uint64_t sum = 0;
  size_t i;
  if (core_now(c) / 1000 - c->n.minute_at >= 60)
    return 0;
  for (i = 0; i < 60; i++)
    sum += c->n.minute[i];
  return (double)sum / 60;
}

static json_t *configuration_json(const struct core *c)
{
  json_t *o = json_object();
  json_object_set_new(o, "dir", core_json_text(c->o->config_dir));
  json_object_set_new(o, "accepted", core_json_time(core_accepted_at(c)));
  json_object_set_new(o, "changed", json_boolean(!core_accepted_is(c)));
  return o;
}

/* Damaged and set-aside records over all watchers. */
static uint64_t dead_letters(const struct core *c)
{
  struct bw_watcher_status s;
  uint64_t n = 0;
  uint32_t i;
  for (i = 0; i < bw_watchers_count(c->watchers); i++) {
    bw_watchers_status(c->watchers, i, &s);
    n += s.dead_letters;
  }
  return n;
}

static bool web_is_up(const struct core *c)
{
  return bw_control_web_silent(c->control) < WEB_SILENT_MS;
}

static const char *overall(const struct core *c, uint64_t behind)
{
  struct bw_watcher_status s;
  uint32_t i;
  for (i = 0; i < bw_watchers_count(c->watchers); i++) {
    bw_watchers_status(c->watchers, i, &s);
    if (s.degraded)
      return "degraded";
    behind += s.lag;
  }
  return c->full || !web_is_up(c) || core_clock_behind(c) ? "degraded" : behind > 100000 ? "catching up" : "running";
}

static json_t *last_exit_json(const struct core *c, const struct bw_watcher_status *s)
{
  json_t *o;
  if (s->last_exit_age_ms < 0)
    return json_null();
  o = json_object();
  json_object_set_new(o, "at", core_json_time(core_now(c) - s->last_exit_age_ms));
  json_object_set_new(o, "signal", WIFSIGNALED(s->last_exit) ? json_integer(WTERMSIG(s->last_exit)) : json_null());
  json_object_set_new(o, "status", WIFEXITED(s->last_exit) ? json_integer(WEXITSTATUS(s->last_exit)) : json_null());
  json_object_set_new(o, "text", core_json_text(s->last_exit_text));
  return o;
}

static json_t *watchers_json(const struct core *c)
{
  json_t *list = json_array();
  uint32_t i;
  for (i = 0; i < bw_watchers_count(c->watchers); i++) {
    struct bw_watcher_status s;
    json_t *o = json_object();
    bw_watchers_status(c->watchers, i, &s);
    json_object_set_new(o, "name", core_json_text(s.name));
    json_object_set_new(o, "plugin", core_json_text(core_setup(c)->watchers[i].path));
    json_object_set_new(o, "version", core_json_text(s.version));
    json_object_set_new(o, "state", core_json_text(s.degraded ? "degraded" : bw_watcher_state_name(s.state)));
    json_object_set_new(o, "applied", json_integer((json_int_t)s.applied));
    json_object_set_new(o, "lag", json_integer((json_int_t)s.lag));
    json_object_set_new(o, "restarts", json_integer((json_int_t)s.restarts));
    json_object_set_new(o, "dead_letters", json_integer((json_int_t)s.dead_letters));
    json_object_set_new(o, "snapshot_offset", json_integer((json_int_t)s.snapshot_offset));
    json_object_set_new(o, "snapshot_bytes", json_integer((json_int_t)s.snapshot_bytes));
    json_object_set_new(o, "pid", s.pid > 0 ? json_integer(s.pid) : json_null());
    json_object_set_new(o, "rss", s.memory_bytes ? json_integer((json_int_t)s.memory_bytes) : json_null());
    json_object_set_new(o, "last_exit", last_exit_json(c, &s));
    json_object_set_new(o, "last_error", core_json_text(s.last_error));
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *notices_json(const struct core *c)
{
  static const char *const names[] = {"watch", "low", "medium", "high"};
  json_t *list = json_array();
  size_t i;
  for (i = 0; i < c->nnotices && i < CORE_NOTICES; i++) {
    const struct core_notice *n = &c->notices[(c->nnotices - 1 - i) % CORE_NOTICES];
    json_t *o = json_object();
    json_object_set_new(o, "at", core_json_time(n->at));
    json_object_set_new(o, "severity", core_json_text(names[n->severity & 3]));
    json_object_set_new(o, "code", core_json_text(n->code));
    json_object_set_new(o, "account", core_json_text(n->account));
    json_object_set_new(o, "text", core_json_text(n->text));
    json_array_append_new(list, o);
  }
  return list;
}

static json_t *counts(size_t n, const char *const *names, const uint64_t *values)
{
  json_t *o = json_object();
  size_t i;
  for (i = 0; i < n; i++)
    json_object_set_new(o, names[i], json_integer((json_int_t)values[i]));
  return o;
}

static json_t *book_json(struct core *c)
{
  static const char *const names[] = {"accounts", "contacts", "plans", "subscriptions", "opportunities"};
  uint64_t values[BW_ENTITY_KINDS];
  size_t i;
  for (i = 0; i < BW_ENTITY_KINDS; i++)
    values[i] = bw_book_count(bw_pipeline_book(c->pipeline), (enum bw_entity_kind)i);
  return counts(BW_ENTITY_KINDS, names, values);
}

static json_t *leads_json(const struct tally *t)
{
  static const char *const names[] = {"open", "overdue", "queued", "snoozed", "approved", "delivered"};
  const uint64_t values[] = {t->by_status[BW_LEAD_OPEN],     t->overdue,
                             t->by_status[BW_LEAD_QUEUED],   t->by_status[BW_LEAD_SNOOZED],
                             t->by_status[BW_LEAD_APPROVED], t->by_status[BW_LEAD_SENT]};
  return counts(6, names, values);
}

static json_t *deals_json(const struct tally *t)
{
  static const char *const names[] = {"open", "flagged", "won", "lost"};
  const uint64_t values[] = {t->deals[BW_DEAL_OPEN], t->deals_flagged, t->deals[BW_DEAL_WON], t->deals[BW_DEAL_LOST]};
  return counts(4, names, values);
}

static json_t *ingest_json(const struct core *c)
{
  static const char *const names[] = {"accepted", "duplicates", "rejected", "unresolved"};
  const uint64_t values[] = {c->n.accepted, c->n.duplicates, c->n.rejected, c->n.unresolved};
  json_t *o = counts(4, names, values);
  json_object_set_new(o, "queued", json_integer((json_int_t)c->queue.records));
  json_object_set_new(o, "per_second", json_real(per_second(c)));
  json_object_set_new(o, "last_arrival", core_json_time(c->last_arrival ? c->last_arrival : BW_TIME_NONE));
  return o;
}

static json_t *web_json(const struct core *c)
{
  json_t *o = json_object();
  json_object_set_new(o, "up", json_boolean(web_is_up(c)));
  json_object_set_new(o, "heard", core_json_time(core_now(c) - bw_control_web_silent(c->control)));
  return o;
}

static json_t *tick_json(const struct core *c)
{
  int64_t tick = core_setup(c)->tick_ms;
  const char *wait = core_ticks_wait(c);
  json_t *o = json_object();
  json_object_set_new(o, "last", core_json_time(bw_pipeline_last_tick(c->pipeline)));
  json_object_set_new(o, "next", wait ? json_null() : core_json_time((core_now(c) / tick + 1) * tick));
  json_object_set_new(o, "waits_for", core_json_text(wait));
  return o;
}

int core_status(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  static const char *const journal_names[] = {"first", "next", "blocks", "bytes", "damaged_records"};
  static const char *const outbox_names[] = {"pending", "parked"};
  struct bw_journal_stats js;
  struct bw_signals_stats ss;
  struct tally t = tally_all(c);
  const uint64_t outbox[] = {t.pending, t.parked};
  json_t *o, *signals = json_object();
  int rc = bw_journal_stats(c->journal, &js, err);
  (void)args;
  if (rc < 0) {
    json_decref(signals);
    return rc;
  }
  bw_signals_stats(bw_pipeline_signals(c->pipeline), &ss);
  json_object_set_new(signals, "open", json_integer((json_int_t)ss.open));
  json_object_set_new(signals, "held", json_integer((json_int_t)ss.held));
  o = json_object();
  json_object_set_new(o, "version", json_string(PACKAGE_VERSION));
  json_object_set_new(o, "started", core_json_time(c->started));
  json_object_set_new(o, "now", core_json_time(core_now(c)));
  json_object_set_new(o, "state", json_string(overall(c, js.next - 1 - bw_pipeline_projected(c->pipeline))));
  json_object_set_new(o, "dir", core_json_text(c->o->state_dir));
  json_object_set_new(o, "configuration", configuration_json(c));
  json_object_set_new(o, "projected", json_integer((json_int_t)bw_pipeline_projected(c->pipeline)));
  json_object_set_new(o, "journal",
                      counts(5, journal_names, (const uint64_t[]){js.first, js.next, js.blocks, js.bytes, js.damaged_records}));
  json_object_set_new(o, "ingest", ingest_json(c));
  json_object_set_new(o, "web", web_json(c));
  json_object_set_new(o, "tick", tick_json(c));
  json_object_set_new(o, "book", book_json(c));
  json_object_set_new(o, "signals", signals);
  json_object_set_new(o, "leads", leads_json(&t));
  json_object_set_new(o, "deals", deals_json(&t));
  json_object_set_new(o, "dead_letters", json_integer((json_int_t)dead_letters(c)));
  json_object_set_new(o, "outbox", counts(2, outbox_names, outbox));
  json_object_set_new(o, "watchers", watchers_json(c));
  json_object_set_new(o, "notices", notices_json(c));
  bw_request_reply_json(req, o);
  return BW_OK;
}

/* ---- metrics ---- */

static void ingest_metrics(const struct core *c, struct bw_buf *out)
{
  bw_metrics_counter(out, "basewatch_records_accepted_total", "Records made durable.", (double)c->n.accepted);
  bw_metrics_counter(out, "basewatch_records_duplicate_total", "Records seen before, by message id.", (double)c->n.duplicates);
  bw_metrics_counter(out, "basewatch_records_rejected_total", "Malformed records, kept for inspection.", (double)c->n.rejected);
  bw_metrics_counter(out, "basewatch_records_unresolved_total", "Records that belong to no known account.",
                     (double)c->n.unresolved);
  bw_metrics_gauge(out, "basewatch_records_queued", "Live records that wait for the end of a history import.",
                   (double)c->queue.records);
  bw_metrics_counter(out, "basewatch_commits_total", "Transactions made durable.", (double)c->n.commits);
  bw_metrics_counter(out, "basewatch_commit_failures_total", "Transactions that the store refused.",
                     (double)c->n.commit_failures);
  bw_metrics_counter(out, "basewatch_commit_seconds_total", "Time spent in commits.", c->n.commit_seconds);
  bw_metrics_gauge(out, "basewatch_store_refuses", "1 while the store takes no data (disk full).", c->full);
}

static void deal_metrics(const struct tally *t, struct bw_buf *out)
{
  int state;
  bw_metrics_family(out, "basewatch_deals", "gauge", "Opportunities that came of leads, by state.");
  for (state = BW_DEAL_OPEN; state <= BW_DEAL_LOST; state++)
    bw_metrics_sample(out, "basewatch_deals", (double)t->deals[state],
                      (const char *const[]){"state", bw_deal_state_name((enum bw_deal_state)state), NULL});
  bw_metrics_gauge(out, "basewatch_deals_flagged", "Open deals that are too old, or too long in their stage.",
                   (double)t->deals_flagged);
}

static void state_metrics(struct core *c, struct bw_buf *out)
{
  struct bw_journal_stats js;
  struct bw_signals_stats ss;
  struct tally t = tally_all(c);
  int64_t tick = bw_pipeline_last_tick(c->pipeline);
  bw_signals_stats(bw_pipeline_signals(c->pipeline), &ss);
  if (bw_journal_stats(c->journal, &js, NULL) == 0) {
    bw_metrics_gauge(out, "basewatch_journal_next_offset", "Offset that the next record gets.", (double)js.next);
    bw_metrics_gauge(out, "basewatch_journal_bytes", "Stored bytes of the journal's blocks.", (double)js.bytes);
    bw_metrics_counter(out, "basewatch_journal_damaged_records_total", "Records lost to damage.", (double)js.damaged_records);
  }
  bw_metrics_gauge(out, "basewatch_projected_offset", "Last offset in the book.", (double)bw_pipeline_projected(c->pipeline));
  bw_metrics_gauge(out, "basewatch_last_tick_timestamp_seconds", "Time of the last evaluated tick; 0 before the first.",
                   tick == BW_TIME_NONE ? 0 : (double)tick / 1e3);
  bw_metrics_gauge(out, "basewatch_accounts", "Accounts in the book.",
                   (double)bw_book_count(bw_pipeline_book(c->pipeline), BW_ENTITY_ACCOUNT));
  bw_metrics_gauge(out, "basewatch_signals_open", "Open signal episodes.", (double)ss.open);
  bw_metrics_gauge(out, "basewatch_signals_held", "Open episodes that the fleet guard keeps from the plays.", (double)ss.held);
  bw_metrics_gauge(out, "basewatch_leads_open", "Leads that wait for a decision.", (double)t.by_status[BW_LEAD_OPEN]);
  bw_metrics_gauge(out, "basewatch_leads_overdue", "Open leads past their SLA.", (double)t.overdue);
  bw_metrics_gauge(out, "basewatch_leads_queued", "Leads over their owner's budget of the day.",
                   (double)t.by_status[BW_LEAD_QUEUED]);
  deal_metrics(&t, out);
  bw_metrics_gauge(out, "basewatch_outbox_parked", "Messages that wait for a person.", (double)t.parked);
}

struct watcher_metric {
  const char *name, *type, *help;
};

/* NAN: there is no such sample now. */
static double watcher_value(const struct core *c, const struct bw_watcher_status *s, size_t i)
{
  bool exited = s->last_exit_age_ms >= 0;
  const double values[] = {(double)s->lag,
                           (double)s->restarts,
                           (double)s->dead_letters,
                           s->state == BW_WATCHER_RUNNING && !s->degraded,
                           s->pid > 0 ? (double)s->pid : (double)NAN,
                           s->memory_bytes ? (double)s->memory_bytes : (double)NAN,
                           exited ? (double)(core_now(c) - s->last_exit_age_ms) / 1e3 : (double)NAN,
                           exited ? (WIFSIGNALED(s->last_exit) ? WTERMSIG(s->last_exit) : 0) : (double)NAN,
                           exited ? (WIFEXITED(s->last_exit) ? WEXITSTATUS(s->last_exit) : 0) : (double)NAN};
  return values[i];
}

static void watcher_metrics(const struct core *c, struct bw_buf *out)
{
  static const struct watcher_metric table[] = {
      {"basewatch_watcher_lag_records", "gauge", "Records that the watcher has yet to apply."},
      {"basewatch_watcher_restarts_total", "counter", "Times that the watcher's process was restarted."},
      {"basewatch_watcher_dead_letters_total", "counter", "Records set aside because the watcher could not survive them."},
      {"basewatch_watcher_up", "gauge", "1 while the watcher runs."},
      {"basewatch_watcher_pid", "gauge", "Process id of the watcher's host."},
      {"basewatch_watcher_resident_memory_bytes", "gauge", "Resident memory of the watcher's host."},
      {"basewatch_watcher_last_exit_timestamp_seconds", "gauge", "When a host of the watcher last ended."},
      {"basewatch_watcher_last_exit_signal", "gauge", "Signal that last ended a host of the watcher; 0: none did."},
      {"basewatch_watcher_last_exit_status", "gauge", "Exit status of the host that last ended; 0 where a signal did."}};
  struct bw_watcher_status s;
  double value;
  size_t i;
  uint32_t w;
  for (i = 0; i < sizeof table / sizeof *table; i++) {
    bw_metrics_family(out, table[i].name, table[i].type, table[i].help);
    for (w = 0; w < bw_watchers_count(c->watchers); w++) {
      bw_watchers_status(c->watchers, w, &s);
      value = watcher_value(c, &s, i);
      if (!isnan(value))
        bw_metrics_sample(out, table[i].name, value, (const char *const[]){"watcher", s.name, NULL});
    }
  }
}

int core_metrics(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  struct bw_buf text = {0};
  json_t *o = json_object();
  (void)args;
  (void)err;
  ingest_metrics(c, &text);
  state_metrics(c, &text);
  watcher_metrics(c, &text);
  json_object_set_new(o, "text", core_json_str(bw_buf_str(&text)));
  bw_buf_clear(&text);
  bw_request_reply_json(req, o);
  return BW_OK;
}
