/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room: the command table, what a command is given, and how it prints. */
#ifndef BW_CLI_INTERNAL_H
#define BW_CLI_INTERNAL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/time.h"
#include "cli/cli.h"
#include "control/client.h"

#define BW_CLI_ARGS 4096 /* file names of one import */

/* ---- commands ---- */
struct bw_cli;

struct bw_cli_option {
  const char *name;  /* "reason" for --reason */
  const char *value; /* what it takes, for the help: "TEXT"; NULL: a flag */
  const char *help;
};
#define BW_CLI_OPTIONS 8
struct bw_cli_command {
  const char *name;
  const char *synopsis; /* of the arguments: "LEAD [--hash H]" */
  const char *summary;  /* one line */
  const char *details;  /* paragraphs for `help COMMAND`; may be NULL */
  size_t min_args, max_args;
  const struct bw_cli_option *options; /* ended by a NULL name; may be NULL */
  int (*run)(struct bw_cli *cli);      /* returns enum bw_exit */
};
const struct bw_cli_command *bw_cli_command_at(size_t i); /* NULL past the end */

/* What a command is given. */
struct bw_cli {
  const struct bw_cli_command *command;
  const char **args;
  size_t nargs;
  char lead[24];                      /* args[0], where it was written with a small letter */
  const char *values[BW_CLI_OPTIONS]; /* of the command's options, in their order; flags: "" */
  const char *socket;                 /* NULL: from state */
  const char *state;
  const char *who;
  int64_t timeout_ms;
  bool json, color;
  int width; /* of the terminal, in cells */
  int64_t now;
  bool now_known; /* the daemon said what time it is there */
  struct bw_control_link *link;
};
/* NULL where the option was not given. */
const char *bw_cli_option(const struct bw_cli *cli, const char *name);

/* ---- ask.c ---- */
/* Connects where that has not been done; prints why not.  0 or enum bw_exit. */
int bw_cli_connect(struct bw_cli *cli);
/*
 * Gives a command to the daemon.  args is taken.  With --json, and on failure, all has been said and *ret_reply is NULL.
 * Returns enum bw_exit.
 */
int bw_cli_ask(struct bw_cli *cli, const char *command, json_t *args, json_t **ret_reply);
/* As bw_cli_ask, but always gives the reply. */
int bw_cli_fetch(struct bw_cli *cli, const char *command, json_t *args, json_t **ret_reply);
/* Says err on standard error and returns what the program ends with. */
int bw_cli_fail(const struct bw_error *err);
/* "basewatch COMMAND: ..." on standard error; returns BW_EXIT_USAGE. */
int bw_cli_usage(const struct bw_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The whole hash (64 digits) of the present draft of the lead that the first argument names; given: NULL, or the beginning of
   the hash that the person read.  Returns enum bw_exit, having said why. */
int bw_cli_full_hash(struct bw_cli *cli, const char *given, char *out, size_t size);
/* The reply's "now", for relative times. */
void bw_cli_take_now(struct bw_cli *cli, const json_t *reply);
/* Writes to standard output. */
void bw_cli_print(const struct bw_buf *out);

/* ---- reading replies: never NULL, "" where it is not there ---- */
const char *bw_get_str(const json_t *o, const char *name);
double bw_get_num(const json_t *o, const char *name); /* NAN */
int64_t bw_get_int(const json_t *o, const char *name, int64_t missing);
bool bw_get_bool(const json_t *o, const char *name);
int64_t bw_get_time(const json_t *o, const char *name); /* BW_TIME_NONE */

/* ---- text.c ---- */
enum bw_style { BW_PLAIN, BW_BOLD, BW_DIM, BW_RED, BW_GREEN, BW_YELLOW, BW_BLUE };
/* Cells that UTF-8 text takes on a terminal: combining marks none, East Asian wide ones two. */
size_t bw_cells(const char *s, size_t len);
/* How many bytes of s fit into so many cells. */
size_t bw_cells_cut(const char *s, size_t len, size_t cells);
/* Foreign text: control characters and what turns the reading direction become visible; newlines stay where `lines`. */
void bw_put_safe(struct bw_buf *out, const char *s, bool lines);
void bw_put_styled(const struct bw_cli *cli, struct bw_buf *out, enum bw_style style, const char *s);
/* Foreign text wrapped at words, every line after the first indented. */
void bw_put_wrapped(const struct bw_cli *cli, struct bw_buf *out, const char *s, size_t indent);
/* Times such as 2026-11-22T01:10:00Z within a sentence become dates that people read: Sun 22 Nov 2026 01:10 UTC. */
void bw_put_dates(struct bw_buf *out, const char *s);
/* bw_put_wrapped() of a sentence of the daemon's, with such dates. */
void bw_put_sentence(const struct bw_cli *cli, struct bw_buf *out, const char *s, size_t indent);
/* "$24,000", "12,345 SEK"; "unknown". */
void bw_put_money(struct bw_buf *out, double v, const char *currency);
/* "1,234", "0.63". */
void bw_put_number(struct bw_buf *out, double v);
void bw_put_count(struct bw_buf *out, int64_t n);
/* "in 3h", "2d ago", "now". */
void bw_put_relative(struct bw_buf *out, int64_t t, int64_t now);
/* "Sun 22 Nov 2026 04:10 UTC"; BW_TIME_NONE: "never". */
void bw_put_time(struct bw_buf *out, int64_t t);
/* "in 3h (Sun 22 Nov 2026 04:10 UTC)". */
void bw_put_when(struct bw_buf *out, int64_t t, int64_t now);
void bw_put_bytes(struct bw_buf *out, double n);
/* ▁▂▃▅▇ of a JSON list of numbers (null: a gap), at most `cells` wide; nothing where there are fewer than three. */
bool bw_put_spark(struct bw_buf *out, const json_t *values, size_t cells);
/* Any JSON value in words. */
void bw_put_value(struct bw_buf *out, const json_t *value);

/* ---- table.c ---- */
struct bw_table;
/* headers: "NAME" left, ">NAME" right aligned; "NAME~" may be cut where the terminal is narrow. */
struct bw_table *bw_table_new(const struct bw_cli *cli, size_t ncols, const char *const *headers);
/* The next cell, row by row; copied, made safe. */
void bw_table_add(struct bw_table *t, enum bw_style style, const char *text);
void bw_table_addf(struct bw_table *t, enum bw_style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The next cell is what was put into b, which is reset. */
void bw_table_take(struct bw_table *t, enum bw_style style, struct bw_buf *b);
/* Appends it to out, every line after `indent` spaces, and frees it. */
void bw_table_end(struct bw_table **t, struct bw_buf *out, size_t indent);

/* ---- parts that several commands show ---- */
enum bw_style bw_priority_style(const char *priority);
const char *bw_direction_arrow(const char *direction);
/* "seat_limit", "usage_limit[api_calls]" */
void bw_put_signal_name(struct bw_buf *out, const json_t *signal);
/* The first list of numbers in an evidence, or NULL. */
const json_t *bw_first_series(const json_t *evidence);
void bw_put_evidence(struct bw_cli *cli, struct bw_buf *out, const json_t *signal, size_t indent);
void bw_put_signals(struct bw_cli *cli, struct bw_buf *out, const json_t *list, bool with_account, size_t indent);
void bw_put_leads(struct bw_cli *cli, struct bw_buf *out, const json_t *list, size_t indent);
/* What a draft lacks, and with which command each of it is supplied. */
void bw_put_gaps(struct bw_cli *cli, struct bw_buf *out, const char *lead, const json_t *missing);

/* A title with a rule behind it, after an empty line. */
void bw_put_heading(struct bw_cli *cli, struct bw_buf *out, const char *text);
/* Who is credited for a deal: "ae (ann) 70 %, csm (carl) 30 %". */
void bw_put_split(struct bw_buf *out, const json_t *split);
/* The outcomes and the opportunity of a lead, as `show` answers; nothing where there are none. */
void bw_put_deal(struct bw_cli *cli, struct bw_buf *out, const json_t *lead);

/* ---- the commands ---- */
int bw_cmd_status(struct bw_cli *cli);
int bw_cmd_inbox(struct bw_cli *cli);
int bw_cmd_show(struct bw_cli *cli);
int bw_cmd_approve(struct bw_cli *cli);
int bw_cmd_reject(struct bw_cli *cli);
int bw_cmd_note(struct bw_cli *cli);
int bw_cmd_snooze(struct bw_cli *cli);
int bw_cmd_fill(struct bw_cli *cli);
int bw_cmd_edit(struct bw_cli *cli);
int bw_cmd_resend(struct bw_cli *cli);
int bw_cmd_outcome(struct bw_cli *cli);
int bw_cmd_deals(struct bw_cli *cli);
int bw_cmd_release(struct bw_cli *cli);
int bw_cmd_import(struct bw_cli *cli);
int bw_cmd_export(struct bw_cli *cli);
int bw_cmd_account(struct bw_cli *cli);
int bw_cmd_signals(struct bw_cli *cli);
int bw_cmd_why(struct bw_cli *cli);
int bw_cmd_why_not(struct bw_cli *cli);
int bw_cmd_verify(struct bw_cli *cli);
int bw_cmd_rejected(struct bw_cli *cli);
int bw_cmd_unresolved(struct bw_cli *cli);
int bw_cmd_dead_letters(struct bw_cli *cli);
int bw_cmd_outbox(struct bw_cli *cli);
int bw_cmd_audit(struct bw_cli *cli);
int bw_cmd_plays(struct bw_cli *cli);
int bw_cmd_lint(struct bw_cli *cli);
int bw_cmd_check(struct bw_cli *cli);
int bw_cmd_reload(struct bw_cli *cli);
int bw_cmd_tick(struct bw_cli *cli);

#endif
