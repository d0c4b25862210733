/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share; nobody else includes it. */
#ifndef BW_CORE_PRIVATE_H
#define BW_CORE_PRIVATE_H

#include "config.h"

#include <jansson.h>

#include "control/server.h"
#include "core/core.h"
#include "delivery/delivery.h"
#include "ingest/dedup.h"
#include "ingest/identity.h"
#include "journal/journal.h"
#include "pipeline/pipeline.h"
#include "proc/proc.h"
#include "watch/watch.h"

#define CORE_NOTICES 20

struct core_notice {
  int64_t at;
  enum bw_urgency severity;
  char code[32];
  char *account, *text;
};

/* A request whose records wait for the commit. */
struct core_pending {
  struct bw_request *request;
  struct bw_ingested result;
};

struct core_counters {
  uint64_t accepted, duplicates, rejected, unresolved, bytes, commits, commit_failures;
  double commit_seconds;
  uint64_t minute[60]; /* records accepted in each of the last 60 seconds */
  int64_t minute_at;   /* the second that minute[minute_at % 60] counts */
};

/* How far time has come for the watchers: kept in the store. */
struct core_ticks {
  int64_t last;       /* time of the last tick in the journal; BW_TIME_NONE: none */
  int64_t history;    /* day boundary up to which history imports have had their ticks; BW_TIME_NONE: none */
  int64_t wait_until; /* the clock's own ticks wait until then for more of a history import */
  bool begun;         /* there was a record of which a tick has something to say */
};

/* Live batches that wait for the end of a history import: kept in the store. */
struct core_queue {
  uint64_t batches, records;
};

struct core {
  const struct bw_core_options *o;
  struct bw_loop *loop;
  struct bw_parent_link *parent;
  struct bw_store *store;
  struct bw_journal *journal;
  struct bw_identity *identity;
  struct bw_dedup *dedup;
  struct bw_setup **setups; /* the running one is the last; earlier ones still hold the catalogue in use */
  size_t nsetups;
  struct bw_pipeline *pipeline;
  struct bw_watchers *watchers;
  struct bw_outbox *outbox;
  struct bw_control *control;
  struct bw_timer *commit_timer, *pump_timer, *tick_timer, *queue_timer, *outbox_timer;
  bool commit_due, stopping, full; /* full: the store refused; nothing is taken in or derived until a probe succeeds */
  int64_t probe_bytes;             /* the next commit has to show that there is room for so many; 0: nothing to show */
  bool probe_kept;                 /* the last probe's row still stands in the store */
  int exit_status;
  /* intake */
  struct bw_batch_reader reader;
  struct core_pending *pending;
  size_t npending, pending_cap, pending_records;
  struct core_ticks ticks, durable_ticks; /* the second: as of the last commit */
  bool importing;                         /* somebody brings history */
  bool told_clock;
  struct core_queue queue, durable_queue; /* likewise */
  int64_t last_arrival;
  struct core_diff *diff; /* a comparison of rules under way, or NULL */
  struct core_upkeep {
    struct bw_timer *timer;
    int step; /* of the round under way */
    struct bw_book_sweep sweep;
    uint64_t deleted, forgotten, merged, merged_into;
  } upkeep;
  /* progress */
  struct bw_batch_reader pump_reader;
  uint64_t skip_to; /* offsets below it are damaged and were given up; 0: none */
  int64_t started;
  struct core_counters n;
  struct core_notice notices[CORE_NOTICES];
  size_t nnotices; /* ever */
};

/* ---- core.c ---- */
int64_t core_now(const struct core *c);
const struct bw_setup *core_setup(const struct core *c);
/* Something for the operator: logged, shown by `status`. */
void core_notice(struct core *c, enum bw_urgency severity, struct bw_str account, const char *code, struct bw_str text);
/* What bw_journal_read() said with BW_ECORRUPT: whoever comes upon it first is the only one who hears of it. */
void core_notice_damage(struct core *c, const struct bw_error *err);
/* The state in memory is ahead of the store and cannot follow: leave, and be restarted from what is durable. */
void core_restart(struct core *c, const char *why);
/* The same where nothing is wrong: another configuration was accepted. */
void core_reconfigure(struct core *c, const char *why);

/* ---- commit.c ---- */
#define COMMIT_LAG_MS 200 /* what was concluded may wait so long for more */
void core_commit_soon(struct core *c, int64_t within_ms);
/* At the start: asks the store whether it takes data, and lets watchers and projection begin, or wait until it does. */
int core_commit_start(struct core *c, struct bw_error *err);
/* Writes and commits all that is pending; answers those who wait.  0, or negative after which they were refused. */
int core_commit(struct core *c);

/* ---- intake.c ---- */
int core_ingest(void *ctx, struct bw_request *req, int64_t arrival_ms, struct bw_str source, struct bw_str batch,
                struct bw_error *err);
int core_reject(void *ctx, struct bw_request *req, const struct bw_reject *items, size_t n, struct bw_error *err);
/* Records that queued until now: as those of a batch that comes now; what is over a limit is counted and logged. */
int core_take_queued(struct core *c, struct bw_str source, struct bw_str batch, struct bw_error *err);
/* Loads the ticks and the queue, and fills the de-duplication window from the journal. */
int core_intake_load(struct core *c, struct bw_error *err);
extern const struct bw_schema core_schema;

/* ---- ticks.c ---- */
int core_ticks_load(struct core *c, struct bw_error *err);
int core_ticks_save(struct core *c, struct bw_error *err); /* into the open transaction */
/* A tick of that time stands in the journal (BW_TIME_NONE: nothing is said). */
void core_tick_known(struct core *c, int64_t at_ms);
/* Appends a tick record for time at_ms, unless the journal has one of that time or later. */
int core_append_tick(struct core *c, int64_t at_ms, struct bw_error *err);
/* The clock's ticks begin with the first record that calls for them. */
void core_ticks_begin(struct core *c, uint32_t kind);
/* Watchers look at a record of this kind day by day. */
bool core_calls_for_ticks(const struct core *c, uint32_t kind);
/* The last tick is of a time that is still to come: nothing is scored until then. */
bool core_clock_behind(const struct core *c);
/* What they wait for: "events" to score, the rest of a "history" import, the "clock" to come as far; NULL: nothing. */
const char *core_ticks_wait(const struct core *c);
/* Appends the clock's ticks that are due, unless they have to wait. */
int core_append_due(struct core *c, struct bw_error *err);
void core_tick_timer(struct core *c); /* arms the clock's next tick */

/* ---- history.c ---- */
void core_history_load(struct core *c); /* once the ticks are known: tells of an import that broke off */
/* A batch of a history import: until its sender has gone, and somewhat longer, the clock's ticks wait. */
int core_history_batch(struct core *c, struct bw_request *req, struct bw_error *err);
/* History is scored as it would have been: a tick at each day boundary that its records cross, up to the present. */
int core_history_ticks(struct core *c, const struct bw_record *r, struct bw_error *err);
/* The time up to which all has had its ticks; BW_TIME_NONE: none. */
int64_t core_scored_until(const struct core *c);
/* This piece of history only teaches: its day was over, and scored, when it came. */
bool core_history_behind(const struct core *c, const struct bw_record *r);
/* A history import is under way, or may go on soon. */
bool core_history_waits(const struct core *c);
void core_history_gone(void *ctx); /* whoever brought history has gone without an end */

/* ---- queue.c: live records wait for the end of a history import ---- */
int core_queue_load(struct core *c, struct bw_error *err);
bool core_queues(const struct core *c, const struct bw_batch *batch); /* this live batch has to */
/* Into the transaction of the next commit.  batch is as it came (wire/batch.h), and can be read. */
int core_queue_add(struct core *c, struct bw_str source, struct bw_str batch, uint64_t records, struct bw_error *err);
void core_queue_soon(struct core *c, int64_t within_ms); /* looks whether it can be taken in */

/* ---- progress.c ---- */
void core_pump_soon(struct core *c);
extern const struct bw_watchers_events core_watchers_events;

/* ---- upkeep.c: what is old goes, what is small becomes large; little at a time ---- */
void core_upkeep_start(struct core *c);
void core_upkeep_stop(struct core *c);

char *core_maildir(const struct core *c); /* where approved drafts go; the caller frees it */

/* ---- accepted.c ---- */
/* Copies the configuration directory, as it was accepted just now, into the state directory: whole, or not at all.
   ret_web_changed: what the web process reads of it is not what it was. */
int core_load_setup(struct core *c, const char *dir, struct bw_setup **ret, struct bw_complaints *complaints);
int core_keep_accepted(struct core *c, bool *ret_web_changed, struct bw_error *err);
/* The file by the name that its owner knows, where it is one of what was accepted; the caller frees it. */
char *core_file_shown(const struct core *c, const char *path);
/* Whether the files are still what was accepted; and when that was, by the system's clock. */
bool core_accepted_is(const struct core *c);
int64_t core_accepted_at(const struct core *c);

/* ---- note.c ---- */
int core_note(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);

/* ---- decide.c ---- */
int core_approve(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
int core_reject_lead(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
int core_snooze(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
int core_resend(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
void core_deliver_soon(struct core *c, int64_t delay_ms);
void core_deliver(void *ctx);
void core_outbox_changed(void *ctx, const struct bw_outbox_item *item);
/* Whether people may still work on a lead: BW_ENOTFOUND, or BW_ESTATE and who decided it; deed: "changed", "approved", ... */
int core_may_work(struct core *c, struct bw_str id, const char *deed, struct bw_error *err);
/* Why the lead's present draft cannot be approved now, in words; BW_OK where it can. */
int core_may_approve(struct core *c, const struct bw_lead *lead, struct bw_error *err);
int core_still_holds(struct core *c, const struct bw_lead *lead, struct bw_error *err);

/* What came before is not to be undone with what a person decides now. */
int core_commit_first(struct core *c, struct bw_error *err);
/* Commits a decision that came so far with rc; what cannot be made durable was not decided. */
int core_settle(struct core *c, int rc, struct bw_error *err);
/* Until when the play stays silent for the lead's account, as the rules themselves say it; or null. */
json_t *core_suppressed_until(struct core *c, struct bw_str lead);

/* ---- outcome.c ---- */
int core_outcome(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);

/* ---- answers_deals.c ---- */
/* Open, and too old or too long in its stage. */
bool core_deal_flagged(const struct bw_deal *p);
int core_deals(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
/* "deal" and "outcomes" of what `show` answers. */
void core_add_deal(struct core *c, json_t *o, const struct bw_lead *lead);

/* ---- edit.c ---- */
int core_fill(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
int core_edit(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);

/* ---- answers*.c: each builds the reply of one command (control/api.h) ---- */
typedef int core_answer(struct core *c, struct bw_request *req, const json_t *args, struct bw_error *err);
core_answer core_status, core_metrics, core_inbox, core_show, core_account, core_signals, core_release, core_why_not,
    core_rejected, core_unresolved, core_records, core_dead_letters, core_outbox, core_audit, core_reload, core_check,
    core_test_tick, core_plays, core_plays_diff, core_history_end;
/* Before the pipeline is closed. */
void core_diff_stop(struct core *c);
bool core_same_watchers(const struct bw_setup *a, const struct bw_setup *b);
int core_control(void *ctx, struct bw_request *req, const struct bw_command *command, const json_t *args, struct bw_error *err);
/* Reads and swaps the configuration; the complaints go into ret. */
int core_reload_now(struct core *c, bool only_check, struct bw_complaints *ret);

/* ---- json helpers of the answers (jansson) ---- */
json_t *core_json_time(int64_t ms);
json_t *core_json_day(int64_t ms);
json_t *core_json_str(struct bw_str s); /* empty: "" */
json_t *core_json_text(const char *s);  /* NULL or empty: null */
json_t *core_json_number(double v);     /* not finite: null */
/* An owner as leads and deals name them, by e-mail, name, first name or Slack name.  BW_ENOTFOUND, BW_EINVAL (several) with
   those there are.  The caller frees. */
int core_person(struct core *c, struct bw_str text, char **ret_who, struct bw_error *err);
bool core_is_person(struct core *c, struct bw_str text, const char *who); /* by any of their names */
/* "ae=70,csm=30": whether roles and people of that name are known. */
int core_check_split(struct core *c, struct bw_str split, struct bw_error *err);
/* BW_ENOTFOUND with the nearest id where no record has named the account. */
int core_known_account(struct core *c, struct bw_str id, struct bw_error *err);
json_t *core_json_raw(struct bw_str json); /* parsed; null where it is not JSON */
json_t *core_signal_json(const struct bw_episode *e);
json_t *core_note_json(const json_t *subject);       /* what an audit row has to say in words, or null */
json_t *core_missing_json(const struct bw_draft *d); /* the places that wait for a person */
const char *core_lead_state(const struct core *c, const struct bw_lead *lead); /* as people see it */
json_t *core_lead_row(struct core *c, const struct bw_lead *lead);

#endif
