/* SPDX-License-Identifier: Apache-2.0 */
/* The core role: opens everything in order, runs the loop, stops in order.  The only process that opens the store. */
#include "core/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "core/private.h"

#define EXIT_RESTART 75 /* sysexits: EX_TEMPFAIL */

int64_t core_now(const struct core *c)
{
  return bw_clock_now(c->o->clock);
}

const struct bw_setup *core_setup(const struct core *c)
{
  return c->setups[c->nsetups - 1];
}

void core_notice(struct core *c, enum bw_urgency severity, struct bw_str account, const char *code, struct bw_str text)
{
  struct core_notice *n = &c->notices[c->nnotices++ % CORE_NOTICES];
  free(n->account);
  free(n->text);
  n->at = core_now(c);
  n->severity = severity;
  (void)snprintf(n->code, sizeof n->code, "%s", code);
  n->account = bw_str_dup(account);
  n->text = bw_str_dup(text);
  bw_log(severity == BW_URGENCY_HIGH ? BW_LOG_WARN : BW_LOG_INFO, "notice", "code=%s account=%s text=%s", code,
         bw_log_quote(account), bw_log_quote(text));
}

void core_notice_damage(struct core *c, const struct bw_error *err)
{
  core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "journal_damaged", bw_str(err->message));
}

static void begin_anew(struct core *c, enum bw_log_level level, const char *why)
{
  bw_log(level, "core starts again from what is durable", "why=%s", BW_Q(why));
  c->exit_status = EXIT_RESTART;
  c->stopping = true;
  bw_loop_stop(c->loop);
}

void core_restart(struct core *c, const char *why)
{
  begin_anew(c, BW_LOG_ERROR, why);
}

void core_reconfigure(struct core *c, const char *why)
{
  begin_anew(c, BW_LOG_INFO, why);
}

/* ---- events of the pipeline that the operator or the log should know ---- */

static void on_lead(void *ctx, const struct bw_lead *lead, const char *event, int64_t at_ms)
{
  (void)ctx;
  (void)at_ms;
  bw_log(BW_LOG_INFO, "lead", "event=%s lead=%s account=%s play=%s owner=%s status=%s", event, lead->id, BW_Q(lead->account),
         lead->play, BW_Q(lead->owner), bw_lead_status_name(lead->status));
}

static void on_notice(void *ctx, int64_t at_ms, struct bw_str account, struct bw_str code, struct bw_str text)
{
  struct core *c = ctx;
  char word[32];
  if (core_now(c) - at_ms > core_setup(c)->lateness_ms) { /* of a history import: nobody can act on it any more */
    bw_log(BW_LOG_DEBUG, "notice of the past", "code=%s text=%s", bw_log_quote(code), bw_log_quote(text));
    return;
  }
  (void)snprintf(word, sizeof word, "%.*s", BW_FMT(code));
  core_notice(ctx, BW_URGENCY_MEDIUM, account, word, text);
}

static void on_outbox_notice(void *ctx, const struct bw_outbox_item *item, const char *message)
{
  char text[400];
  (void)snprintf(text, sizeof text, "%.*s: %s", BW_FMT(item->lead), message);
  core_notice(ctx, BW_URGENCY_HIGH, BW_STR(""), "delivery", bw_str(text));
}

/* ---- the line to the parent ---- */

static void on_peer(void *ctx, const char *role, int fd)
{
  struct core *c = ctx;
  struct bw_error err;
  bw_log(BW_LOG_DEBUG, "a peer is connected", "peer=%s", role);
  if (bw_control_attach(c->control, fd, BW_PEER_WEB, &err) < 0)
    bw_log(BW_LOG_ERROR, "the web process could not be attached", "error=%s", BW_Q(err.message));
}

static void on_spawned(void *ctx, uint32_t slot, pid_t pid, int fd)
{
  struct core *c = ctx;
  bw_watchers_attach(c->watchers, slot, pid, fd);
}

static void on_gone(void *ctx, uint32_t slot, int status)
{
  struct core *c = ctx;
  bw_watchers_gone(c->watchers, slot, status);
}

static void on_reload(void *ctx)
{
  struct bw_complaints complaints = {0};
  (void)core_reload_now(ctx, false, &complaints);
  if (complaints.text.len)
    bw_log(BW_LOG_WARN, "configuration", "errors=%zu text=%s", complaints.count, bw_log_quote(bw_buf_str(&complaints.text)));
  bw_complaints_clear(&complaints);
}

static void on_stop(void *ctx)
{
  struct core *c = ctx;
  if (c->stopping)
    return;
  bw_control_drain(c->control);
  (void)core_commit(c);
  c->stopping = true;
  bw_loop_stop(c->loop);
}

static const struct bw_parent_events parent_events = {on_peer, on_spawned, on_gone, on_reload, on_stop};

/* ---- opening ---- */

/* A whole configuration, all its sections checked; nothing is returned where there is a complaint. */
int core_load_setup(struct core *c, const char *dir, struct bw_setup **ret, struct bw_complaints *complaints)
{
  const struct bw_setup_options so = {c->o->plugin_dir, c->o->host_exe};
  int rc = bw_setup_load(dir, &so, ret, complaints);
  if (rc == 0 && (rc = c->o->check_web((*ret)->web, c->nsetups ? core_setup(c)->web : (*ret)->web, complaints)) < 0)
    bw_setup_free(ret);
  return rc;
}

static int open_setup(struct core *c, struct bw_error *err)
{
  struct bw_complaints complaints = {0};
  struct bw_setup *s;
  char *accepted BW_AUTOFREE = c->o->again ? core_accepted_dir(c->o->state_dir) : NULL;
  int rc = core_load_setup(c, accepted ? accepted : c->o->config_dir, &s, &complaints);
  (void)fputs(bw_buf_cstr(&complaints.text), stderr);
  if (rc < 0) {
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "the configuration has %zu error%s; nothing was started", complaints.count,
                 complaints.count == 1 ? "" : "s");
  } else {
    c->setups = bw_realloc(c->setups, c->nsetups + 1, sizeof(struct bw_setup *));
    c->setups[c->nsetups++] = s;
  }
  bw_complaints_clear(&complaints);
  return rc;
}

/* What the daemon starts with is accepted, once it is known that it can be read and that the store is ours. */
static int keep_first(struct core *c, struct bw_error *err)
{
  bool changed;
  int rc = c->o->again ? BW_OK : core_keep_accepted(c, &changed, err);
  if (rc == BW_OK || !core_accepted_is(c))
    return rc;
  bw_log(BW_LOG_WARN, "the configuration could not be kept again; it is the one that was accepted last", "error=%s",
         BW_Q(err->message));
  return BW_OK; /* no room, say: status and metrics are wanted most now */
}

/* What stands beside it says that there was a database: to begin with an empty one would hide that all is lost. */
static int refuse_emptied(const struct core *c, const char *path, struct bw_error *err)
{
  char *accepted BW_AUTOFREE = core_accepted_dir(c->o->state_dir);
  struct stat st;
  if (!accepted || (stat(path, &st) == 0 && st.st_size > 0))
    return BW_OK;
  return bw_fail(
      err, BW_ECORRUPT, BW_CLASS_CONFIG,
      "the database %s is empty or missing, though a daemon has run here; restore it from a backup, or begin anew with "
      "an empty directory",
      path);
}

static int open_store(struct core *c, struct bw_error *err)
{
  const struct bw_schema *const schemas[] = {
      &bw_journal_schema, &bw_identity_schema,  &bw_book_schema,     &bw_watch_schema, &bw_signals_schema,  &bw_plays_schema,
      &bw_drafts_schema,  &bw_approvals_schema, &bw_delivery_schema, &bw_deals_schema, &bw_pipeline_schema, &core_schema};
  char *path = bw_asprintf("%s/basewatch.db", c->o->state_dir);
  int rc = BW_OK;
  if (mkdir(c->o->state_dir, 0700) < 0 && errno != EEXIST)
    rc = bw_fail_errno(err, BW_EIO, "the state directory %s cannot be made", c->o->state_dir);
  if (rc == 0)
    rc = refuse_emptied(c, path, err);
  if (rc == 0)
    rc = bw_store_open(path, schemas, sizeof schemas / sizeof *schemas, &c->store, err);
  if (rc == 0 && bw_store_doubt(c->store))
    core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "store_damaged", bw_str(bw_store_doubt(c->store)));
  if (rc == 0)
    rc = bw_journal_open(c->store, &c->journal, err);
  free(path);
  return rc;
}

static int open_intake(struct core *c, struct bw_error *err)
{
  const struct bw_setup *s = core_setup(c);
  const struct bw_identity_options io = {.seed = bw_hash_seed(), .free_mail = s->free_mail, .nfree_mail = s->nfree_mail};
  struct bw_dedup_options dopts = {.window_ms = s->dedup_window_ms, .limit = (size_t)s->dedup_limit};
  int rc = bw_identity_open(c->store, &io, &c->identity, err);
  if (getrandom(dopts.key, sizeof dopts.key, 0) != sizeof dopts.key)
    return bw_fail_errno(err, BW_EIO, "no random numbers");
  c->dedup = bw_dedup_new(&dopts);
  return rc < 0 ? rc : core_intake_load(c, err);
}

static int open_watchers(struct core *c, struct bw_error *err)
{
  const struct bw_setup *s = core_setup(c);
  struct bw_watcher_config *configs = bw_calloc(s->nwatchers, sizeof *configs);
  size_t i;
  int rc;
  for (i = 0; i < s->nwatchers; i++)
    configs[i] = (struct bw_watcher_config){.name = s->watchers[i].name,
                                            .plugin = s->watchers[i].path,
                                            .options = bw_str(s->watchers[i].options),
                                            .description = bw_str(s->watchers[i].description),
                                            .deadline_ms = s->watchers[i].deadline_ms,
                                            .memory_bytes = (uint64_t)s->watchers[i].memory_bytes,
                                            .snapshot_ms = s->watchers[i].snapshot_ms,
                                            .backoff_ms = c->o->tests ? 20 : 0};
  rc = bw_watchers_new(c->loop, c->store, c->journal, configs, (uint32_t)s->nwatchers, bw_hash_seed(), &core_watchers_events, c,
                       &c->watchers, err);
  free(configs);
  return rc;
}

char *core_maildir(const struct core *c)
{
  const char *dir = core_setup(c)->maildir;
  return dir[0] == '/' ? bw_strdup(dir) : bw_asprintf("%s/%s", c->o->state_dir, dir);
}

static int open_outbox(struct core *c, struct bw_error *err)
{
  const struct bw_setup *s = core_setup(c);
  char *dir = core_maildir(c);
  const struct bw_outbox_config config = {
      .maildir = dir, .from = s->sender, .notice = on_outbox_notice, .changed = core_outbox_changed, .ctx = c};
  (void)err;
  c->outbox = bw_outbox_new(c->store, &config);
  free(dir);
  return BW_OK;
}

static int open_control(struct core *c, struct bw_error *err)
{
  static const struct bw_control_events events = {core_control, core_ingest, core_reject, core_history_gone};
  char *path = bw_asprintf("%s/control.sock", c->o->state_dir);
  int rc = bw_control_listen(c->loop, path, &events, c, &c->control, err);
  if (rc == 0)
    bw_control_allow_tests(c->control, c->o->tests);
  free(path);
  return rc;
}

static int open_all(struct core *c, struct bw_error *err)
{
  static const struct bw_pipeline_events events = {.lead = on_lead, .notice = on_notice};
  int rc = open_setup(c, err);
  if (rc == 0)
    rc = open_store(c, err);
  if (rc == 0)
    rc = keep_first(c, err);
  if (rc == 0)
    rc = bw_pipeline_open(c->store, core_setup(c), &events, c, &c->pipeline, err);
  if (rc == 0)
    rc = open_intake(c, err);
  if (rc == 0)
    rc = open_watchers(c, err);
  if (rc == 0)
    rc = open_outbox(c, err);
  if (rc == 0)
    rc = open_control(c, err);
  return rc;
}

static void close_all(struct core *c)
{
  size_t i;
  for (i = 0; i < c->npending; i++)
    bw_request_failf(c->pending[i].request, BW_EAGAIN, "the daemon is stopping; send it again");
  core_diff_stop(c);
  bw_control_free(&c->control);
  bw_watchers_free(&c->watchers);
  bw_outbox_free(&c->outbox);
  bw_timer_free(&c->commit_timer);
  bw_timer_free(&c->pump_timer);
  bw_timer_free(&c->tick_timer);
  bw_timer_free(&c->queue_timer);
  bw_timer_free(&c->outbox_timer);
  core_upkeep_stop(c);
  bw_pipeline_close(&c->pipeline);
  bw_identity_close(&c->identity);
  bw_dedup_free(&c->dedup);
  bw_journal_close(&c->journal);
  bw_store_close(&c->store);
  for (i = 0; i < c->nsetups; i++)
    bw_setup_free(&c->setups[i]);
  free(c->setups);
  for (i = 0; i < CORE_NOTICES; i++) {
    free(c->notices[i].account);
    free(c->notices[i].text);
  }
  bw_batch_reader_clear(&c->reader);
  bw_batch_reader_clear(&c->pump_reader);
  free(c->pending);
  bw_parent_link_free(&c->parent);
  bw_loop_free(&c->loop);
}

/* 78 ends the daemon (a person has to mend the configuration), anything else is tried again. */
static int exit_for(const struct bw_error *err)
{
  bw_log(BW_LOG_ERROR, "core cannot start", "class=%d error=%s", (int)err->cls, BW_Q(err->message));
  return err->cls == BW_CLASS_CONFIG || err->code == BW_EVERSION ? BW_EXIT_CONFIG : 1;
}

int bw_core_run(int fd, const struct bw_core_options *options)
{
  struct core c = {.o = options, .ticks = {.last = BW_TIME_NONE, .history = BW_TIME_NONE}};
  struct bw_error err = {0};
  int rc;
  c.loop = bw_loop_new();
  c.parent = bw_parent_link_new(c.loop, fd, &parent_events, &c);
  c.started = core_now(&c);
  rc = open_all(&c, &err);
  if (rc < 0) {
    rc = exit_for(&err);
    close_all(&c);
    return rc;
  }
  c.durable_ticks = c.ticks;
  c.durable_queue = c.queue;
  bw_watchers_release(c.watchers, bw_pipeline_projected(c.pipeline));
  core_tick_timer(&c);
  core_queue_soon(&c, 0);
  core_deliver_soon(&c, 0);
  core_upkeep_start(&c);
  if (core_commit_start(&c, &err) < 0 || bw_parent_ready(c.parent, &err) < 0 || bw_loop_run(c.loop, &err) < 0) {
    bw_log(BW_LOG_ERROR, "core ends", "error=%s", BW_Q(err.message));
    c.exit_status = 1;
  }
  rc = c.exit_status;
  close_all(&c);
  return rc;
}
