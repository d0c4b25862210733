/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table of the control API, and the checks that it makes.  Runs in core on what any client sent; no privileges.
 */
#include "control/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOCAL BW_PEER_LOCAL
#define ANYONE (BW_PEER_LOCAL | BW_PEER_WEB)

#define LEAD_ARG                                                                                                               \
  {                                                                                                                            \
    "lead", BW_ARG_TEXT, true, 1, 64, "the lead's id, as the inbox shows it"                                                   \
  }
#define WHO_ARG                                                                                                                \
  {                                                                                                                            \
    "who", BW_ARG_TEXT, false, 1, 128, "whose decision it is; default: the login name of the caller"                           \
  }
#define LIMIT_ARG(max)                                                                                                         \
  {                                                                                                                            \
    "limit", BW_ARG_INTEGER, false, 1, max, "how many items at most"                                                           \
  }
#define ACCOUNT_ARG(req)                                                                                                       \
  {                                                                                                                            \
    "account", BW_ARG_TEXT, req, 1, 512, "the account's id"                                                                    \
  }

static const struct bw_command_arg inbox_args[] = {
    {"owner", BW_ARG_TEXT, false, 1, 128, "only the leads of this owner"},
    {"all", BW_ARG_BOOL, false, 0, 0, "decided, snoozed and shadow leads too"},
};
static const struct bw_command_arg show_args[] = {LEAD_ARG};
static const struct bw_command_arg approve_args[] = {
    LEAD_ARG,
    {"hash", BW_ARG_TEXT, true, 8, 128, "the hash of the draft that was read; any other text is refused"},
    {"anyway", BW_ARG_BOOL, false, 0, 0, "also where the lead would not open now"},
    WHO_ARG,
};
static const struct bw_command_arg reject_args[] = {
    LEAD_ARG,
    {"reason", BW_ARG_TEXT, true, 1, 2000, "why not, in words; it is measured"},
    WHO_ARG,
};
static const struct bw_command_arg note_args[] = {
    LEAD_ARG,
    {"text", BW_ARG_TEXT, true, 1, 2000, "what whoever decides should know"},
    WHO_ARG,
};
static const struct bw_command_arg snooze_args[] = {
    LEAD_ARG,
    {"for_ms", BW_ARG_DURATION, true, BW_MINUTE, 366 * BW_DAY, "how long"},
    WHO_ARG,
};
#define READ_ARG                                                                                                               \
  {                                                                                                                            \
    "hash", BW_ARG_TEXT, false, 8, 128, "the hash of the draft that was read; refused where it has changed since"              \
  }
static const struct bw_command_arg fill_args[] = {
    LEAD_ARG,
    {"name", BW_ARG_TEXT, true, 1, 256, "the missing value, as show names it"},
    {"value", BW_ARG_TEXT, true, 1, 500, "what stands there from now on"},
    READ_ARG,
    WHO_ARG,
};
static const struct bw_command_arg edit_args[] = {
    LEAD_ARG,
    {"to", BW_ARG_TEXT, false, 1, 4096, "new recipients, separated by commas"},
    {"subject", BW_ARG_TEXT, false, 1, 400, "a new subject"},
    {"body", BW_ARG_TEXT, false, 1, 65536, "a new text"},
    READ_ARG,
    WHO_ARG,
};
static const struct bw_command_arg outcome_args[] = {
    LEAD_ARG,
    {"outcome", BW_ARG_TEXT, true, 1, 32, "conversation, opportunity, proposal, won, lost or nothing"},
    {"amount", BW_ARG_TEXT, false, 1, 32, "incremental ARR; default: the lead's estimate"},
    {"reason", BW_ARG_TEXT, false, 1, 64, "lost: timing, budget, priorities, competitor, missing_capability, fit or other"},
    {"note", BW_ARG_TEXT, false, 1, 2000, "what else there is to say"},
    {"at", BW_ARG_TIME, false, 0, 0, "when it happened; default: now"},
    {"split", BW_ARG_TEXT, false, 1, 1024, "won: who is credited, such as ae=70,csm=30"},
    WHO_ARG,
};
static const struct bw_command_arg deals_args[] = {
    {"owner", BW_ARG_TEXT, false, 1, 128, "only the deals of this owner or CSM"},
    {"stale", BW_ARG_BOOL, false, 0, 0, "only those that are too long in their stage, or too old"},
    {"all", BW_ARG_BOOL, false, 0, 0, "those that are over, too"},
    LIMIT_ARG(5000),
};
static const struct bw_command_arg resend_args[] = {LEAD_ARG, WHO_ARG};
static const struct bw_command_arg release_args[] = {
    {"signal", BW_ARG_TEXT, false, 1, 128, "only this signal; default: all that are held back"},
    WHO_ARG,
};
static const struct bw_command_arg limit_args[] = {LIMIT_ARG(1000)};
static const struct bw_command_arg why_not_args[] = {
    ACCOUNT_ARG(true),
    {"play", BW_ARG_TEXT, false, 1, 128, "only this play"},
};
static const struct bw_command_arg account_args[] = {ACCOUNT_ARG(true)};
static const struct bw_command_arg signals_args[] = {
    ACCOUNT_ARG(false),
    {"all", BW_ARG_BOOL, false, 0, 0, "cleared ones too"},
    LIMIT_ARG(10000),
};
static const struct bw_command_arg audit_args[] = {
    {"verify", BW_ARG_BOOL, false, 0, 0, "walk the whole chain of hashes"},
    LIMIT_ARG(1000),
};
static const struct bw_command_arg records_args[] = {
    {"from", BW_ARG_INTEGER, false, 1, INT64_MAX, "the first journal offset wanted; default: the first that is kept"},
    LIMIT_ARG(100000),
};
static const struct bw_command_arg tick_args[] = {
    {"at", BW_ARG_TIME, true, 0, 0, "the time that the tick is for"},
};

static const struct bw_command_arg history_end_args[] = {
    {"last", BW_ARG_BOOL, false, 0, 0, "no other one follows"},
};
static const struct bw_command_arg plays_diff_args[] = {
    {"config", BW_ARG_TEXT, false, 1, 4096, "the directory to compare with; default: the daemon's own, as it is on disk now"},
    {"limit", BW_ARG_INTEGER, false, 0, 2000, "how many rows of a kind for each play; default: 20"},
};

#define ARGS(a) a, COUNT(a)
#define NONE NULL, 0

static const struct bw_command commands[] = {
    {"status", ANYONE, false, false, NONE, "how the daemon and its watchers are"},
    {"inbox", ANYONE, false, false, ARGS(inbox_args), "leads that wait for a decision"},
    {"show", ANYONE, false, false, ARGS(show_args), "one lead: why, what it is worth, evidence, draft"},
    {"approve", LOCAL, true, false, ARGS(approve_args), "let exactly this draft be delivered"},
    {"reject", LOCAL, true, false, ARGS(reject_args), "decline a lead, with the reason"},
    {"snooze", LOCAL, true, false, ARGS(snooze_args), "bring a lead back later"},
    {"note", LOCAL, true, false, ARGS(note_args), "tell whoever decides what you know about a lead"},
    {"fill", LOCAL, true, false, ARGS(fill_args), "fill in a value that a draft lacks"},
    {"edit", LOCAL, true, false, ARGS(edit_args), "rewrite a draft's recipients, subject or text"},
    {"outcome", LOCAL, true, false, ARGS(outcome_args), "record what came of a lead"},
    {"deals", ANYONE, false, false, ARGS(deals_args), "opportunities that came of leads"},
    {"account", ANYONE, false, false, ARGS(account_args), "what is known about an account"},
    {"signals", ANYONE, false, false, ARGS(signals_args), "what has shifted"},
    {"why_not", ANYONE, false, false, ARGS(why_not_args), "why no play fired for an account"},
    {"release", LOCAL, true, false, ARGS(release_args), "a shift of the whole fleet is real: let the plays see it"},
    {"rejected", LOCAL, false, false, ARGS(limit_args), "input that could not be read"},
    {"unresolved", LOCAL, false, false, ARGS(limit_args), "records that belong to no known account"},
    {"dead_letters", LOCAL, false, false, ARGS(limit_args), "records that a watcher could not survive"},
    {"outbox", LOCAL, false, false, ARGS(limit_args), "approved drafts on their way"},
    {"resend", LOCAL, true, false, ARGS(resend_args), "deliver a parked or failed message after all"},
    {"audit", LOCAL, false, false, ARGS(audit_args), "who decided what"},
    {"records", LOCAL, false, false, ARGS(records_args), "the journal's records, a page at a time"},
    {"plays", ANYONE, false, false, NONE, "which plays run"},
    {"plays_diff", LOCAL, false, false, ARGS(plays_diff_args), "whose leads the rules on disk would change"},
    {"check", LOCAL, false, false, NONE, "check the configuration on disk"},
    {"reload", LOCAL, false, false, NONE, "check the configuration on disk and use it"},
    {"history_end", LOCAL, false, false, ARGS(history_end_args), "the history import of this connection has come to its end"},
    {"metrics", ANYONE, false, false, NONE, "numbers for Prometheus"},
    {"tick", LOCAL, false, true, ARGS(tick_args), "force a tick (tests only)"},
};

const struct bw_command *bw_command_at(size_t i)
{
  return i < COUNT(commands) ? &commands[i] : NULL;
}

const struct bw_command *bw_command_find(struct bw_str name)
{
  size_t i;
  for (i = 0; i < COUNT(commands); i++)
    if (bw_str_is(name, commands[i].name))
      return &commands[i];
  return NULL;
}

/* ---- one argument ---- */

static int bad(struct bw_error *err, const struct bw_command *cmd, const struct bw_command_arg *arg, const char *want)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s: \"%s\" must be %s (%s)", cmd->name, arg->name, want, arg->help);
}

static int check_text(const struct bw_command *cmd, const struct bw_command_arg *arg, const json_t *v, struct bw_error *err)
{
  const char *s = json_string_value(v);
  size_t i, n = json_string_length(v);
  char want[64];
  if (!s)
    return bad(err, cmd, arg, "a string");
  if (n < (size_t)arg->min || n > (size_t)arg->max) {
    snprintf(want, sizeof want, "%" PRId64 " to %" PRId64 " bytes long", arg->min, arg->max);
    return bad(err, cmd, arg, want);
  }
  for (i = 0; i < n; i++)
    if (((unsigned char)s[i] < 0x20 && s[i] != '\n' && s[i] != '\t') || s[i] == 0x7f)
      return bad(err, cmd, arg, "without control characters");
  return 0;
}

static int check_integer(const struct bw_command *cmd, const struct bw_command_arg *arg, const json_t *v, struct bw_error *err)
{
  char want[96];
  json_int_t n = json_integer_value(v);
  if (json_is_integer(v) && n >= arg->min && n <= arg->max)
    return 0;
  snprintf(want, sizeof want, "a whole number%s of %" PRId64 " to %" PRId64,
           arg->type == BW_ARG_DURATION ? " of milliseconds, out" : ", out", arg->min, arg->max);
  return bad(err, cmd, arg, want);
}

static int check_bool(const struct bw_command *cmd, const struct bw_command_arg *arg, const json_t *v, struct bw_error *err)
{
  return json_is_boolean(v) ? 0 : bad(err, cmd, arg, "true or false");
}

static int check_time(const struct bw_command *cmd, const struct bw_command_arg *arg, const json_t *v, struct bw_error *err)
{
  int64_t t;
  if (json_is_string(v) && bw_time_parse(bw_str_n(json_string_value(v), json_string_length(v)), &t) == 0)
    return 0;
  return bad(err, cmd, arg, "a time such as \"2026-11-22T01:10:00Z\"");
}

typedef int checker(const struct bw_command *, const struct bw_command_arg *, const json_t *, struct bw_error *);
static checker *const checkers[] = {
    [BW_ARG_TEXT] = check_text,        [BW_ARG_INTEGER] = check_integer, [BW_ARG_BOOL] = check_bool,
    [BW_ARG_DURATION] = check_integer, [BW_ARG_TIME] = check_time,
};

/* ---- the whole command ---- */

static const struct bw_command_arg *find_arg(const struct bw_command *cmd, const char *name)
{
  size_t i;
  for (i = 0; i < cmd->nargs; i++)
    if (strcmp(cmd->args[i].name, name) == 0)
      return &cmd->args[i];
  return NULL;
}

static int check_args(const struct bw_command *cmd, json_t *args, struct bw_error *err)
{
  const char *key;
  json_t *value;
  size_t i;
  json_object_foreach(args, key, value)
  {
    const struct bw_command_arg *arg = find_arg(cmd, key);
    if (strcmp(key, "command") == 0)
      continue;
    if (!arg)
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s takes no argument \"%.64s\"", cmd->name, key);
    if (json_is_null(value) && !arg->required)
      continue;
    int rc = checkers[arg->type](cmd, arg, value, err);
    if (rc)
      return rc;
  }
  for (i = 0; i < cmd->nargs; i++)
    if (cmd->args[i].required && !json_object_get(args, cmd->args[i].name))
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s needs \"%s\": %s", cmd->name, cmd->args[i].name,
                     cmd->args[i].help);
  return 0;
}

/* How deep the brackets nest, before a recursive parser sees them. */
static size_t nesting(struct bw_str s)
{
  size_t i, depth = 0, deepest = 0;
  bool quoted = false;
  for (i = 0; i < s.len; i++) {
    char c = s.data[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest)
        deepest = depth;
    } else if ((c == '}' || c == ']') && depth) {
      depth--;
    }
  }
  return deepest;
}

int bw_control_json(struct bw_str payload, size_t max, json_t **ret_json, struct bw_error *err)
{
  json_error_t at;
  json_t *json;
  if (payload.len > max)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "a control message of %zu bytes; at most %zu", (size_t)payload.len, max);
  if (nesting(payload) > BW_CONTROL_DEPTH)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "a control message nested more than %d deep", BW_CONTROL_DEPTH);
  json = json_loadb(payload.data ? payload.data : "", payload.len, JSON_REJECT_DUPLICATES, &at);
  if (!json)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a control message is not JSON: byte %d: %s", at.position, at.text);
  *ret_json = json;
  return 0;
}

int bw_command_parse(struct bw_str payload, const struct bw_command **ret_command, json_t **ret_args, struct bw_error *err)
{
  const struct bw_command *cmd;
  json_t *args, *name;
  int rc = bw_control_json(payload, BW_CONTROL_MAX, &args, err);
  if (rc)
    return rc;
  name = json_object_get(args, "command");
  if (!json_is_string(name)) {
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a control message must be an object with a \"command\"");
    goto out;
  }
  cmd = bw_command_find(bw_str_n(json_string_value(name), json_string_length(name)));
  if (!cmd) {
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "there is no command \"%.64s\"", json_string_value(name));
    goto out;
  }
  rc = check_args(cmd, args, err);
  if (rc == 0) {
    *ret_command = cmd;
    *ret_args = json_incref(args);
  }
out:
  json_decref(args);
  return rc;
}

/* ---- reading arguments ---- */

struct bw_str bw_args_text(const json_t *args, const char *name)
{
  const json_t *v = json_object_get(args, name);
  return bw_str_n(json_is_string(v) ? json_string_value(v) : "", json_string_length(v));
}

int64_t bw_args_int(const json_t *args, const char *name, int64_t missing)
{
  const json_t *v = json_object_get(args, name);
  return json_is_integer(v) ? json_integer_value(v) : missing;
}

bool bw_args_bool(const json_t *args, const char *name)
{
  return json_is_true(json_object_get(args, name));
}

int64_t bw_args_time(const json_t *args, const char *name, int64_t missing)
{
  int64_t t = missing;
  struct bw_str s = bw_args_text(args, name);
  if (s.len)
    (void)bw_time_parse(s, &t);
  return t;
}
