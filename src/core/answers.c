/* SPDX-License-Identifier: Apache-2.0 */
/* The control API's commands and the small JSON helpers of their answers (shapes: control/api.h).  Runs in core. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/private.h"
#include "lint/lint.h"

struct handler {
  const char *command;
  core_answer *answer;
};

static const struct handler handlers[] = {
    {"status", core_status},
    {"inbox", core_inbox},
    {"show", core_show},
    {"approve", core_approve},
    {"reject", core_reject_lead},
    {"snooze", core_snooze},
    {"fill", core_fill},
    {"edit", core_edit},
    {"release", core_release},
    {"account", core_account},
    {"signals", core_signals},
    {"why_not", core_why_not},
    {"rejected", core_rejected},
    {"unresolved", core_unresolved},
    {"records", core_records},
    {"dead_letters", core_dead_letters},
    {"outbox", core_outbox},
    {"resend", core_resend},
    {"audit", core_audit},
    {"note", core_note},
    {"outcome", core_outcome},
    {"deals", core_deals},
    {"plays", core_plays},
    {"plays_diff", core_plays_diff},
    {"check", core_check},
    {"reload", core_reload},
    {"history_end", core_history_end},
    {"metrics", core_metrics},
    {"tick", core_test_tick},
};

int core_control(void *ctx, struct bw_request *req, const struct bw_command *command, const json_t *args, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < sizeof handlers / sizeof *handlers; i++)
    if (strcmp(handlers[i].command, command->name) == 0)
      return handlers[i].answer(ctx, req, args, err);
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_BUG, "core does not know the command %s", command->name);
}

json_t *core_json_time(int64_t ms)
{
  char text[BW_TIME_TEXT];
  if (ms == BW_TIME_NONE)
    return json_null();
  bw_time_format(ms, text);
  return json_string(text);
}

json_t *core_json_day(int64_t ms)
{
  char text[11];
  if (ms == BW_TIME_NONE)
    return json_null();
  bw_day_format(bw_time_day(ms), text);
  return json_string(text);
}

json_t *core_json_str(struct bw_str s)
{
  json_t *o = json_stringn(s.len ? s.data : "", (size_t)s.len);
  return o ? o : json_string("\xEF\xBF\xBD"); /* not UTF-8 */
}

json_t *core_json_text(const char *s)
{
  return s && *s ? core_json_str(bw_str(s)) : json_null();
}

json_t *core_json_number(double v)
{
  return isfinite(v) ? json_real(v) : json_null();
}

json_t *core_json_raw(struct bw_str json)
{
  json_t *o = json.len ? json_loadb(json.data, (size_t)json.len, JSON_DECODE_ANY, NULL) : NULL;
  return o ? o : json_null();
}

/* ---- configuration ---- */

/* Do they say the same?  What else a watcher's file sets is how its process is run. */
bool core_same_watchers(const struct bw_setup *a, const struct bw_setup *b)
{
  size_t i;
  if (a->nwatchers != b->nwatchers)
    return false;
  for (i = 0; i < a->nwatchers; i++)
    if (strcmp(a->watchers[i].name, b->watchers[i].name) != 0 || strcmp(a->watchers[i].path, b->watchers[i].path) != 0 ||
        strcmp(a->watchers[i].options, b->watchers[i].options) != 0 ||
        strcmp(a->watchers[i].description, b->watchers[i].description) != 0)
      return false;
  return true;
}

static bool same_limits(const struct bw_setup *a, const struct bw_setup *b)
{
  size_t i;
  for (i = 0; i < a->nwatchers; i++)
    if (a->watchers[i].deadline_ms != b->watchers[i].deadline_ms ||
        a->watchers[i].memory_bytes != b->watchers[i].memory_bytes || a->watchers[i].snapshot_ms != b->watchers[i].snapshot_ms)
      return false;
  return true;
}

static bool same_ingest(const struct bw_setup *a, const struct bw_setup *b)
{
  struct bw_buf mine = {0}, theirs = {0};
  bool same;
  if (a->free_mail_node)
    bw_node_json(&mine, a->free_mail_node);
  if (b->free_mail_node)
    bw_node_json(&theirs, b->free_mail_node);
  same = a->dedup_window_ms == b->dedup_window_ms && a->dedup_limit == b->dedup_limit &&
         bw_str_eq(bw_buf_str(&mine), bw_buf_str(&theirs));
  bw_buf_clear(&mine);
  bw_buf_clear(&theirs);
  return same;
}

/* Rules and their settings are swapped in place, and the watchers keep their processes and their state; what is read only when
   core begins wants another core. */
static bool can_swap(const struct bw_setup *a, const struct bw_setup *b)
{
  return core_same_watchers(a, b) && same_limits(a, b) && same_ingest(a, b);
}

static void swap_in(struct core *c, struct bw_setup *fresh)
{
  bool same = can_swap(core_setup(c), fresh);
  c->setups = bw_realloc(c->setups, c->nsetups + 1, sizeof(struct bw_setup *));
  c->setups[c->nsetups++] = fresh;
  if (same) {
    char *maildir BW_AUTOFREE = core_maildir(c);
    bw_pipeline_swap(c->pipeline, fresh);
    bw_outbox_configure(c->outbox, maildir, fresh->sender);
    core_notice(c, BW_URGENCY_LOW, BW_STR(""), "reloaded", BW_STR("The new configuration is in use."));
    core_tick_timer(c);
    core_commit_soon(c, 0); /* the accounts to look at again are kept over a crash */
  } else {
    /* Everything starts again, from what is durable, with the checked files. */
    bw_pipeline_look_again(c->pipeline);
    (void)core_commit(c);
    core_reconfigure(c, "what the watchers or the intake begin with has changed");
  }
}

/* The lint errors and warnings of what was read, logged and among the complaints; negative where its errors refuse it. */
static int lint_fresh(struct core *c, const struct bw_setup *fresh, struct bw_complaints *ret)
{
  struct bw_lint *lint = fresh->lint == BW_LINT_OFF ? NULL : bw_lint_new(c->o->config_dir, fresh, NULL);
  size_t errors = lint ? bw_lint_count(lint, BW_LINT_ERROR) : 0, warnings = lint ? bw_lint_count(lint, BW_LINT_WARNING) : 0, i;
  struct bw_finding f;
  int rc = BW_OK;
  if (lint)
    bw_log(errors ? BW_LOG_WARN : BW_LOG_INFO, "lint", "errors=%zu warnings=%zu", errors, warnings);
  for (i = 0; lint && fresh->lint == BW_LINT_ENFORCE && errors && bw_lint_at(lint, i, &f); i++)
    if (f.severity == BW_LINT_ERROR && !f.accepted) {
      bw_complain_at(ret, f.file, f.line, f.column, "%s [%s]", f.text, f.rule);
      rc = BW_EINVAL;
    }
  bw_lint_free(&lint);
  return rc;
}

/* Kept first: if core ends in the middle of it, the next one goes on with what was accepted. */
static int accept_fresh(struct core *c, struct bw_setup *fresh, struct bw_complaints *ret)
{
  struct bw_error err = {0};
  bool web_changed;
  int rc = core_keep_accepted(c, &web_changed, &err);
  if (rc < 0) {
    bw_setup_free(&fresh);
    bw_complain_at(ret, c->o->config_dir, 0, 0, "%s; the running one stays in use", err.message);
    return rc;
  }
  if (web_changed && bw_parent_restart(c->parent, "web", &err) < 0)
    bw_log(BW_LOG_ERROR, "web keeps its old configuration", "error=%s", BW_Q(err.message));
  swap_in(c, fresh);
  return BW_OK;
}

/* The first mistake with its place: what an operator needs who reads it in `status`. */
static void tell_refused(struct core *c, struct bw_complaints *complaints)
{
  struct bw_str first = bw_complaints_first(complaints);
  char more[40] = "", *text;
  if (complaints->count > 1)
    (void)snprintf(more, sizeof more, " (and %zu more)", complaints->count - 1);
  text = bw_asprintf("The configuration on disk has errors; the running one stays in use. %.*s%s", BW_FMT(first), more);
  core_notice(c, BW_URGENCY_HIGH, BW_STR(""), "configuration", bw_str(text));
  free(text);
}

int core_reload_now(struct core *c, bool only_check, struct bw_complaints *ret)
{
  struct bw_setup *fresh;
  int rc = core_load_setup(c, c->o->config_dir, &fresh, ret);
  if (rc == 0 && (rc = lint_fresh(c, fresh, ret)) < 0)
    bw_setup_free(&fresh);
  if (rc < 0) {
    if (!only_check)
      tell_refused(c, ret);
  } else if (only_check) {
    bw_setup_free(&fresh);
  } else {
    rc = accept_fresh(c, fresh, ret);
  }
  return rc;
}

static int answer_check(struct core *c, struct bw_request *req, bool only_check)
{
  struct bw_complaints complaints = {0};
  json_t *o = json_object();
  int rc = core_reload_now(c, only_check, &complaints);
  json_object_set_new(o, "ok", json_boolean(rc == 0));
  json_object_set_new(o, "errors", json_integer((json_int_t)complaints.count));
  json_object_set_new(o, "warnings", json_integer((json_int_t)complaints.warnings));
  json_object_set_new(o, "text", core_json_str(bw_buf_str(&complaints.text)));
  bw_request_reply_json(req, o);
  bw_complaints_clear(&complaints);
  return BW_OK;
}

int core_check(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  (void)args;
  (void)err;
  return answer_check(c, req, true);
}

int core_reload(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  (void)args;
  (void)err;
  return answer_check(c, req, false);
}

int core_test_tick(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err)
{
  int64_t at = bw_args_time(args, "at", core_now(c));
  json_t *o;
  int rc = core_append_tick(c, at, err);
  if (rc < 0)
    return rc;
  o = json_object();
  json_object_set_new(o, "at", core_json_time(at));
  json_object_set_new(o, "offset", json_integer((json_int_t)bw_journal_next(c->journal) - 1));
  core_commit_soon(c, 0);
  bw_request_reply_json(req, o);
  return BW_OK;
}
