/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes below are laid out by hand. */
/* clang-format off */
/*
 * The typed control API of core: which commands there are, who may give them, what they take and what they answer.  The one
 * contract between core's handlers and those who present them (command line, web, later Slack).
 *
 * On the wire: BW_FRAME_CONTROL {"command": NAME, argument: value, ...} is answered by BW_FRAME_REPLY (a JSON object, shapes
 * below) or BW_FRAME_ERROR {"code","class","message"}.  BW_FRAME_INGEST and BW_FRAME_REJECT are answered by
 * BW_FRAME_INGESTED {"accepted","duplicates","rejected"} after the commit, or by BW_FRAME_ERROR.
 *
 * ---- conventions of all replies ----
 * Times are ISO 8601 strings in UTC ("2026-11-22T01:10:00.000Z"), days "2026-11-22", durations integer milliseconds.  Money is
 * a number in whole units of `currency` (ISO 4217, "" where the book does not say).  A value that is not known is null, never
 * 0 and never left out; an empty list is [].  Lists come in the order in which they should be read.  Readers ignore keys that
 * they do not know; keys are only ever added.
 *
 * ---- replies ----
 *
 * status      {"version", "started", "now", "state": "running|catching up|degraded", "dir": state directory,
 *              "journal": {"first", "next", "blocks", "bytes", "damaged_records"},
 *              "ingest": {"accepted", "duplicates", "rejected", "unresolved",       since start
 *                         "queued" behind a history import,   "per_second", last minute   "last_arrival"},
 *              "tick": {"last", "next", "waits_for": "events|history|clock"|null, and then there is no next},
 *              "book": {"accounts", "contacts", "plans", "subscriptions", "opportunities"},
 *              "signals": {"open", "held" back by the fleet guard}, "leads": {"open", "snoozed", "approved", "delivered", "overdue"},
 *              "projected": last offset that is in the book, "dead_letters", "outbox": {"pending", "parked"},
 *              "watchers": [{"name", "plugin", "version", "state", "applied" offset, "lag" records, "restarts", "dead_letters",
 *                            "snapshot_offset", "snapshot_bytes", "pid", "rss" bytes, "last_error" text|null}],
 *              "notices": [{"at", "severity": "high|medium|low|watch", "code", "account", "text"}]}     newest first, <= 20
 *
 * LEAD (a row; one per lead)
 *             {"lead": id, "account": id, "name", "owner", "csm", "play", "motion": "expansion|renewal|revival", "type",
 *              "mode": "shadow|pilot|live", "state": "review|open|snoozed|approved|delivered|rejected|closed",
 *              "priority": "high|medium|low", "score", "threshold", "primary": signal type, "signals": count,
 *              "arr", "estimate" ARR, "currency", "opened", "updated", "sla", "review_until", "snoozed_until",
 *              "subject": of the draft|null, "missing": number of places in the draft that wait for a person|null,
 *              "ready": true where its owner can approve it now, "blocked": why not, in words|null}
 *
 * inbox       {"owner": whose or null for all, "now", "leads": [LEAD ...], "hidden": leads over the owner's daily budget}
 *             snoozed, delivered and shadow leads, and the latest 200 that are over, only with "all".
 *
 * show        LEAD, and
 *             {"now", "family", "acv", "renewal": day, "last_csm_touch": {"at", "kind", "by", "text"}|null, "angle": text,
 *              "title": the opening move, "estimate_how": {"formula"|null, "values": [VALUE]|null},
 *              "floor": {"require", "result", "values": [VALUE]}|null,
 *              "triggered": [SIGNAL ...]  the primary one first,
 *              "gates": [{"name", "require", "result": "pass|diverted|missing|error|fail", "values": [VALUE], "otherwise"}],
 *              "readiness": {"adoption": 1..3|null, ... each dimension, "total", "of", "verdict"},
 *              "fields": the eight fields, "why": the whole evaluation that opened it,
 *              "draft": {"version", "template", "by", "hash", "channel", "from", "to": [..], "cc": [..], "subject", "body",
 *                        "missing": [GAP],
 *                        "provenance": [{"field", "offset", "length", "name", "value", "from": {"kind", "name", "offset"}}]}|null,
 *              "history": [{"at", "who", "what", "note"}]     oldest first,
 *              "outcomes": [{"at", "recorded", "who", "outcome", "amount", "reason", "note", "split", "by_record"}]  oldest first,
 *              "deal": DEAL|null}
 *
 * GAP         {"name", "field": "to|subject|body", "why"}: a place of the draft that `fill` fills; the names "to", "subject" and
 *             "body" are whole fields that cannot be sent as they are
 *
 * VALUE       {"name", "value", "text": in words} or {"name", "value": null, "missing": what would supply it}
 *
 * SIGNAL      {"episode": number, "signal": type, "key", "means": in words, "watcher", "account", "direction": "up|down|both|unclear|revival|context",
 *              "urgency": "high|medium|low|watch", "state": "open|cleared", "opened", "updated", "cleared",
 *              "expired": cleared because its watcher fell silent, "held_until": the fleet guard keeps it from plays|null,
 *              "value", "threshold", "strength", "evidence": object}
 *             Evidence may hold "series": [number, ...], or {"from": day, "step": "day|week|month",
 *             "values": [number|null, ...]}.
 *
 * approve     {"lead", "state", "hash", "who", "at", "deliver": where it goes, in words}
 * reject      {"lead", "state", "who", "at", "suppressed_until"}
 * snooze      {"lead", "state", "who", "at", "snoozed_until"}
 *
 * fill, edit  {"lead", "version", "hash", "who", "at", "missing": [GAP]}   edit takes one of "to", "subject", "body"; with "hash",
 *             both are refused where the draft is not that one any more
 *
 * DEAL        {"opportunity": our id, "crm": the CRM's id of it|null, "lead", "account", "name", "pipeline", "motion", "type", "play",
 *              "owner", "csm", "source": primary signal, "stage", "currency", "loss_reason", "state": "open|won|lost",
 *              "amount" ARR, "created", "stage_entered", "days_in_stage", "days_open", "close_date": day, "closed",
 *              "champion", "economic_buyer": {"contact", "name"}|null, "split": [{"who", "percent", "person"}],
 *              "flags": ["slow" too long in its stage, "stale" too old],
 *              "stages": [{"stage", "entered", "who", "by_record"}]}     oldest first
 *
 * outcome     {"lead", "outcome", "state" of the lead, "who", "at", "recorded", "made": it made the opportunity, "closed": it
 *              closed the lead, "deal": DEAL|null, "suppressed_until"}
 * deals       {"now", "owner", "pipeline", "total", "deals": [DEAL ...], "totals": [{"stage", "currency", "deals", "amount"}]}
 *             open ones by close date, then with "all" those that are over, the latest first
 *
 * release     {"signal": type|null for all, "released": number of held episodes, "who", "at", "next_tick"}
 *
 * resend      {"lead", "id" of the message, "who", "at"}
 * rejected    {"now", "total", "items": [{"id", "at", "source", "where", "reason", "text"}]}              newest first
 * unresolved  {"now", "total", "records", "items": [{"at", "kind", "subject", "name", "source", "count", "hint"}]}
 *                                                                          most frequent first; records: the sum of all counts
 * dead_letters {"now", "total", "items": [{"id", "at", "watcher", "offset", "reason", "record": object}]}     newest first
 * outbox      {"now", "items": [{"id", "lead", "account", "channel", "to", "subject", "hash", "state": "pending|sent|parked|failed",
 *              "queued", "sent", "attempts", "error"}]}                                              newest first
 *
 * why_not     {"account", "name", "now",
 *              "plays": [{"play", "fires": bool, "blocked_by": "signals|gate|score|estimate|floor|open_lead|suppressed|nothing_new|",
 *                "says": one sentence, "gates" as in show, "score": {"points": [{"signal", "weight", "strength", "points"}],
 *                "total", "threshold"}, "readiness", "estimate",
 *                "floor", "route", "suppressed_until", "open_lead"}]}   each as bw_engine_why_not() in plays/plays.h gives it
 *
 * account     {"account", "name", "now", "fields": [{"name", "value", "source": offset}],
 *              "subscription": [{"name", "value", "source"}], "contacts": [{"contact", "name", "email", "title", "role",
 *              "do_not_contact"}], "opportunities": [{"opportunity", "kind", "stage", "amount", "close_date", "outcome"}],
 *              "traits": [{"trait": "usage.dau_mau", "key", "value", "at", "unit"}], "signals": [SIGNAL ...],
 *              "leads": [LEAD ...]}
 *
 * signals     {"now", "total", "items": [SIGNAL ...]}   newest first (of one account: by type); "all": every episode of the record
 * plays       {"now", "plays": [{"play", "motion", "type", "family", "mode", "route", "template", "open": leads, "fired": in 30 days,
 *              "file", "line"}]}
 * plays_diff  what the configuration on disk (or another directory) would do with the accounts of this moment; nothing is recorded
 *             {"now", "dir", "accounts", "looked", "cut": true where not all could be asked in time, "watchers_differ",
 *              "lint": {"errors", "warnings"}, "gain", "lose", "change",
 *              "plays": [{"play", "state": "there|new|gone", "mode_before", "mode", "gain", "lose", "change", "adds", "rests", "shadow",
 *                "gain_rows", "lose_rows", "change_rows": [{"account", "name", "lead", "why", "before": SAID, "after": SAID}]}]}
 *             SAID: {"score", "priority", "owner", "template", "estimate"}, or null where people would see no lead of it.  gain: a lead would
 *             come; lose: it has or would get one and would not any more; change: its open lead would differ; adds: it would add to
 *             an open lead of its family; rests: it would fire, and rests after a close; shadow: it would be recorded as one
 * check       {"ok", "errors", "warnings", "text": "file:line:column: ..." lines}
 * reload      as check; the running rules were replaced only where ok
 * metrics     {"text": Prometheus exposition text of core's own families}
 * audit       {"now", "entries", "head": hash of the last, "ok", "broken_at": seq|null,
 *              "items": [{"seq", "at", "who", "what", "lead", "hash", "note", "detail"}]}            newest first
 *             A decision that came by another login than its person's is followed by a row "by login" with that login as note.
 * history_end {}
 * records     {"items": [record as it was sent ...], "next": offset to ask from, "lost": records before it that are
 *              damaged or missing, "end": true where that was all}
 * tick        {"at", "offset"}
 */
/* clang-format on */
#ifndef BW_CONTROL_API_H
#define BW_CONTROL_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define BW_CONTROL_MAX (1u << 20)        /* bytes of one control command or one reject frame */
#define BW_CONTROL_REPLY_MAX (15u << 20) /* bytes of one reply */
#define BW_CONTROL_DEPTH 8               /* JSON nesting of a command */
#define BW_CONTROL_REJECTS 1024          /* items in one reject frame */

enum bw_arg_type {
  BW_ARG_TEXT,    /* string of min..max bytes, valid UTF-8, no control characters but \n and \t */
  BW_ARG_INTEGER, /* min..max */
  BW_ARG_BOOL,
  BW_ARG_DURATION, /* integer milliseconds, min..max */
  BW_ARG_TIME      /* ISO 8601 string; bw_args_time() reads it */
};

struct bw_command_arg {
  const char *name;
  enum bw_arg_type type;
  bool required;
  int64_t min, max;
  const char *help;
};

/* Who is on the other side of a connection; a set of bits in struct bw_command. */
enum bw_peer {
  BW_PEER_LOCAL = 1, /* the command line: a process that may open the socket in the state directory */
  BW_PEER_WEB = 2    /* our own web process */
};

struct bw_command {
  const char *name;
  uint32_t peers; /* enum bw_peer bits: who may */
  bool decides;   /* a person's decision: takes "who", which the server fills in where it is not given */
  bool test_only; /* refused unless the server was told that this is a test */
  const struct bw_command_arg *args;
  size_t nargs;
  const char *help;
};

/* The table, in the order of the help; NULL past the end. */
const struct bw_command *bw_command_at(size_t i);
/* NULL where there is none. */
const struct bw_command *bw_command_find(struct bw_str name);

/*
 * Checks one BW_FRAME_CONTROL payload: JSON, size, depth, a known command, its arguments and nothing else.  *ret_args (the
 * whole object, "command" included) is the caller's to json_decref().  BW_EINVAL or BW_ELIMIT with a message that says what
 * would be right.
 */
int bw_command_parse(struct bw_str payload, const struct bw_command **ret_command, json_t **ret_args, struct bw_error *err);

/* Arguments of a command that bw_command_parse() accepted; `missing` where an optional one was not given. */
struct bw_str bw_args_text(const json_t *args, const char *name); /* empty where it was not given; borrowed from args */
int64_t bw_args_int(const json_t *args, const char *name, int64_t missing);
bool bw_args_bool(const json_t *args, const char *name);
int64_t bw_args_time(const json_t *args, const char *name, int64_t missing);

/* BW_FRAME_ERROR: {"code","class","message"} to and from the error object. */
void bw_error_json(struct bw_buf *out, const struct bw_error *err);
void bw_error_from_json(struct bw_str payload, struct bw_error *ret_err);

/* BW_FRAME_INGEST: appends u64 arrival ms, lstr source, batch; and takes it apart again (borrowed).  BW_EINVAL: too short, or
   the source is longer than 256 bytes or not UTF-8. */
void bw_ingest_encode(struct bw_buf *out, int64_t arrival_ms, struct bw_str source, struct bw_str batch);
int bw_ingest_decode(struct bw_str payload, int64_t *ret_arrival, struct bw_str *ret_source, struct bw_str *ret_batch,
                     struct bw_error *err);

/* BW_FRAME_REJECT: {"source", "where", "reason", "text"}, or a list of at most BW_CONTROL_REJECTS of them. */
struct bw_reject {
  struct bw_str source; /* the write key's source, or "import" */
  struct bw_str where;  /* "usage.jsonl:17", "batch[3]" */
  struct bw_str reason;
  struct bw_str text; /* what came, cut at 4 KiB; any bytes that are not UTF-8 came as U+FFFD */
};
#define BW_REJECT_TEXT_MAX 4096
/* Opens the list where out is empty; close with bw_json_close(out, ']'). */
void bw_reject_add(struct bw_buf *out, const struct bw_reject *r);

/* BW_FRAME_INGESTED: {"accepted", "duplicates", "rejected", "queued", "behind", "scored": time|null}. */
struct bw_ingested {
  uint64_t accepted, duplicates, rejected;
  uint64_t queued;   /* of the accepted: they wait for the end of a history import */
  uint64_t behind;   /* of the accepted: history of days that were scored before it came */
  int64_t scored_ms; /* up to when, where behind is not 0 */
};
void bw_ingested_json(struct bw_buf *out, const struct bw_ingested *n);
int bw_ingested_parse(struct bw_str payload, struct bw_ingested *ret_n, struct bw_error *err);

#endif
