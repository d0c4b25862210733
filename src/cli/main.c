/* SPDX-License-Identifier: Apache-2.0 */
/* The command table, its help, and the reading of arguments.  Runs in the command line; no privileges. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/internal.h"
#include "config/config.h"

#ifndef PACKAGE_VERSION
#include "config.h"
#endif

#define STATE_DEFAULT "/var/lib/basewatch"

static const struct bw_cli_option why_not_options[] = {
    {"all", NULL, "every play in full"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option inbox_options[] = {
    {"owner", "NAME", "only the leads of this owner (or CSM)"},
    {"all", NULL, "decided, snoozed and shadow leads too"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option approve_options[] = {
    {"hash", "HASH", "the draft that you read; any other text is then refused"},
    {"anyway", NULL, "although the lead would not open now: its signal is over, or a gate holds no more"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option reject_options[] = {
    {"reason", "TEXT", "why not: it is measured, and suppresses the play for a while"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option snooze_options[] = {
    {"for", "TIME", "how long: 4h, 7d, 2w"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option fill_options[] = {
    {"hash", "HASH", "the draft that you read; refused if it has changed since"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option edit_options[] = {
    {"to", "ADDRESS", "new recipients, separated by commas"},
    {"subject", "TEXT", "a new subject"},
    {"body-file", "FILE", "a new text; - is standard input"},
    {"hash", "HASH", "the draft that you read; refused if it has changed since"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option outcome_options[] = {
    {"amount", "NUMBER", "what it is worth: incremental ARR (default: the lead's estimate)"},
    {"reason", "WORD", "why it was lost: timing, budget, priorities, competitor, missing_capability, fit, other"},
    {"note", "TEXT", "what else there is to say"},
    {"at", "TIME", "when it happened (default: now)"},
    {"by", "NAME", "whose word it is (default: --who, else your login name)"},
    {"split", "WHO=PERCENT,...", "who is credited for what was won: ae=70,csm=30"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option deals_options[] = {
    {"owner", "NAME", "only the deals of this owner (or CSM)"},
    {"stale", NULL, "only those that are too long in their stage, or too old"},
    {"all", NULL, "those that are over, too"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option import_options[] = {
    {"kind", "KIND", "what CSV rows are: account, contact, plan, subscription, opportunity (default: by the header)"},
    {"history", NULL, "past events in order of time: each day is scored as it would have been, and no lead fires for it"},
    {"last", NULL, "no more history follows: the clock's ticks, and live events, need not wait a minute for it"},
    {"source", "NAME", "the name under which the records are counted (default: import)"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option export_options[] = {
    {"from", "OFFSET", "the first journal offset wanted"},
    {"limit", "N", "how many records at most"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option signals_options[] = {
    {"account", "ACCOUNT", "only this account's"},
    {"all", NULL, "cleared ones too, as far back as the daemon's own record goes"},
    {"limit", "N", "how many at most, the newest (default: 200)"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option limit_options[] = {
    {"limit", "N", "how many at most"},
    {NULL, NULL, NULL},
};

static const struct bw_cli_option plays_options[] = {
    {"config", "DIR", "compare with this directory (default: the daemon's own, as it is on disk now)"},
    {"limit", "N", "rows of a kind for each play (default: 20)"},
    {"all", NULL, "all rows, up to 2,000"},
    {NULL, NULL, NULL},
};
static const struct bw_cli_option lint_options[] = {
    {"config", "DIR", "the configuration directory (default: " BW_SYSCONFDIR "/basewatch)"},
    {"strict", NULL, "warnings end it with 1 too"},
    {"plugins", "DIR", "where plugins are found, instead of the configured directory"},
    {NULL, NULL, NULL},
};

/* For the table only: replay reads its own arguments. */
static int run_replay(struct bw_cli *cli)
{
  (void)cli;
  (void)fprintf(stderr, "basewatch: replay reads its own options: write `basewatch replay ...` with nothing before it\n");
  return BW_EXIT_USAGE;
}

static int run_plugin(struct bw_cli *cli)
{
  (void)cli;
  (void)fprintf(stderr, "basewatch: plugin reads its own options: write `basewatch plugin ...` with nothing before it\n");
  return BW_EXIT_USAGE;
}

static int run_help(struct bw_cli *cli);

static int run_version(struct bw_cli *cli)
{
  (void)printf(cli->json ? "{\"version\":\"%s\"}\n" : "basewatch %s\n", PACKAGE_VERSION);
  return BW_EXIT_OK;
}

static const struct bw_cli_command commands[] = {
    {"inbox", "[--owner NAME] [--all]", "the leads that wait for a decision", NULL, 0, 0, inbox_options, bw_cmd_inbox},
    {"show", "LEAD", "one lead: why this account, what it is worth, the opening move, evidence, draft",
     "Everything that a decision needs, without opening another record.  The last lines say how to approve exactly the text "
     "shown.",
     1, 1, NULL, bw_cmd_show},
    {"approve", "LEAD [--hash HASH] [--anyway]", "let a draft be delivered, exactly as it is",
     "An approval is bound to the hash of the draft: text, recipients and channel.  With --hash it holds for the draft that "
     "you read, "
     "and is refused if that has changed since.  Without, the draft of this moment is approved, and its hash printed.  What "
     "would not open now, "
     "for the account has turned red or the signal is over, wants --anyway.",
     1, 1, approve_options, bw_cmd_approve},
    {"reject", "LEAD --reason TEXT", "decline a lead",
     "The lead is closed, and the play stays silent for the account for 30 days (the play's own setting).", 1, 1,
     reject_options, bw_cmd_reject},
    {"snooze", "LEAD --for TIME", "bring a lead back later", NULL, 1, 1, snooze_options, bw_cmd_snooze},
    {"note", "LEAD TEXT", "tell whoever decides what you know about a lead",
     "The note stands in the lead's history, with your name, and in the audit.  While the review window is open, this is how "
     "the "
     "CSM adds what no record says.",
     2, 2, NULL, bw_cmd_note},
    {"fill", "LEAD NAME VALUE", "fill in a value that the draft lacks",
     "Every place of the draft that waits for NAME gets VALUE, as a new version with a new hash; `basewatch show` lists what "
     "is "
     "missing.  Better still, correct the record that lacks it, so that the next draft has it from there.",
     3, 3, fill_options, bw_cmd_fill},
    {"edit", "LEAD --to ADDRESS | --subject TEXT | --body-file FILE", "rewrite a part of the draft",
     "The draft gets a new version with a new hash; earlier versions and who wrote them are kept.", 1, 1, edit_options,
     bw_cmd_edit},
    {"outcome", "LEAD conversation|opportunity|proposal|won|lost|nothing [--amount N] [--reason WORD]",
     "record what came of a lead",
     "An opportunity is made of the lead at the first opportunity, proposal, won or lost, or at a conversation with an amount; "
     "it "
     "goes into the journal as a record.  won, lost and nothing close the lead, and the play stays silent for the account for "
     "30 "
     "days (the play's own setting).  lost needs a reason, because it decides whether the deal can be revived.  Nothing is "
     "ever "
     "overwritten: to correct an outcome, tell the right one.",
     2, 2, outcome_options, bw_cmd_outcome},
    {"deals", "[--owner NAME] [--stale] [--all]", "the opportunities that came of leads", NULL, 0, 0, deals_options,
     bw_cmd_deals},
    {"account", "ACCOUNT", "what is known about an account", NULL, 1, 1, NULL, bw_cmd_account},
    {"signals", "[ACCOUNT] [--all] [--limit N]", "what has shifted", NULL, 0, 1, signals_options, bw_cmd_signals},
    {"why", "LEAD", "why a lead was opened: every step of its evaluation", NULL, 1, 1, NULL, bw_cmd_why},
    {"why-not", "ACCOUNT [PLAY | --all]", "why no play fired: the gate, its value, what would change it",
     "Without a play: a line for each, the nearest to a lead first; with one, or with --all, every step of its evaluation.", 1,
     2, why_not_options, bw_cmd_why_not},
    {"import", "[--kind KIND] [--history [--last]] FILE...", "give files of records to the daemon",
     "JSON lines of any record kind (plain, .gz, .zst; - is standard input), and CSV tables of accounts, contacts, plans, "
     "subscriptions "
     "and opportunities.  Returns when all of it is on disk there.  May be repeated in the same way: a record that came within "
     "ingest.dedup_window is not taken twice, and a row of a table says the same as before.  Later, or with another --source, "
     "events count again.  Lines that cannot be read are printed as file:line, and kept for `basewatch rejected`.",
     1, BW_CLI_ARGS, import_options, bw_cmd_import},
    {"export", "[--from OFFSET] [--limit N]", "the journal's records as JSON lines", NULL, 0, 0, export_options, bw_cmd_export},
    {"plays", "[diff [--config DIR] [--limit N | --all]]", "which plays run; diff: whose leads a reload would change",
     "`plays diff` compiles the rules on disk beside the running ones and asks both about every account with an open signal: "
     "which "
     "leads would come, which would not come any more, which open ones would have another owner, score or priority.  Nothing "
     "is "
     "recorded.",
     0, 1, plays_options, bw_cmd_plays},
    {"lint", "[--config DIR] [--strict]", "is this configuration a good one?  No daemon is needed",
     "Compares the rules with what practice has taught, and with themselves: gates that contradict, plays that can never fire, "
     "leads "
     "without an owner, drafts that say nothing.  Each rule is explained in docs/lint.md.  Ends with 1 where there are errors.",
     0, 0, lint_options, bw_cmd_lint},
    {"replay", "--config DIR [--from T] [--to T] FILE...", "run watchers and plays over files, without a daemon", NULL, 0,
     BW_CLI_ARGS, NULL, run_replay},
    {"plugin", "new NAME [DIR] | check FILE.so | run FILE.so RECORDS...", "make, vet and try a watcher of your own", NULL, 0,
     BW_CLI_ARGS, NULL, run_plugin},
    {"status", "", "how the daemon and its watchers are", NULL, 0, 0, NULL, bw_cmd_status},
    {"release", "[SIGNAL]", "a shift of the whole fleet is real: let the plays see it",
     "Where a signal opens on many accounts in one tick, the guard takes it for a holiday, an outage or broken tracking, and "
     "keeps it from the plays for a while (`basewatch status` says so).  This releases the held ones at once: all, or those of "
     "one signal.",
     0, 1, NULL, bw_cmd_release},
    {"rejected", "[--limit N]", "input that could not be read", NULL, 0, 0, limit_options, bw_cmd_rejected},
    {"unresolved", "[--limit N]", "records that belong to no known account", NULL, 0, 0, limit_options, bw_cmd_unresolved},
    {"dead-letters", "[--limit N]", "records that a watcher could not survive", NULL, 0, 0, limit_options, bw_cmd_dead_letters},
    {"outbox", "[--limit N]", "approved drafts on their way", NULL, 0, 0, limit_options, bw_cmd_outbox},
    {"resend", "LEAD", "deliver a parked or failed message after all",
     "A message is parked where nobody can tell whether it was delivered: look into the mailbox first.", 1, 1, NULL,
     bw_cmd_resend},
    {"audit", "[verify] [--limit N]", "who decided what; verify: whether the record is unbroken", NULL, 0, 1, limit_options,
     bw_cmd_audit},
    {"verify", "", "read the whole database of a daemon that is stopped: is all of it sound?",
     "Every page of the database and every block of the journal is read and checked against its checksum.  What is damaged in "
     "the journal is named and set aside, as the daemon does when it comes upon it.  Ends with 1 where something is damaged.",
     0, 0, NULL, bw_cmd_verify},
    {"check", "", "check the daemon's configuration on disk", NULL, 0, 0, NULL, bw_cmd_check},
    {"reload", "", "check the daemon's configuration on disk, and use it if it is right", NULL, 0, 0, NULL, bw_cmd_reload},
    {"tick", "TIME", "force a tick (daemons started with --tests only)", NULL, 1, 1, NULL, bw_cmd_tick},
    {"help", "[COMMAND]", "this", NULL, 0, 1, NULL, run_help},
    {"version", "", "which version this is", NULL, 0, 0, NULL, run_version},
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

static const struct bw_cli_option global_options[] = {
    {"state", "DIR", "the daemon's state directory (default: $BASEWATCH_STATE, else " STATE_DEFAULT ")"},
    {"socket", "PATH", "its control socket (default: control.sock in there)"},
    {"json", NULL, "the answer as JSON, for programs"},
    {"who", "NAME", "whose decision it is (default: your login name)"},
    {"timeout", "TIME", "how long to wait for an answer (default: 60s)"},
    {"help", NULL, "this"},
    {NULL, NULL, NULL},
};

const struct bw_cli_command *bw_cli_command_at(size_t i)
{
  return i < NCOMMANDS ? &commands[i] : NULL;
}

static const struct bw_cli_command *find_command(const char *name)
{
  size_t i;
  for (i = 0; i < NCOMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

const char *bw_cli_option(const struct bw_cli *cli, const char *name)
{
  size_t i;
  for (i = 0; cli->command->options && cli->command->options[i].name; i++)
    if (strcmp(cli->command->options[i].name, name) == 0)
      return cli->values[i];
  return NULL;
}

/* ---- help ---- */

static void put_options(struct bw_cli *cli, struct bw_buf *out, const struct bw_cli_option *o)
{
  struct bw_table *t = bw_table_new(cli, 2, (const char *const[]){"", ""});
  for (; o && o->name; o++) {
    bw_table_addf(t, BW_PLAIN, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    bw_table_add(t, BW_PLAIN, o->help);
  }
  bw_table_end(&t, out, 2);
}

static void help_all(struct bw_cli *cli)
{
  struct bw_buf out = {0};
  struct bw_table *t = bw_table_new(cli, 2, (const char *const[]){"", ""});
  size_t i;
  bw_buf_add_cstr(&out, "basewatch: the customers that were won and the deals that were lost, watched.\n\n"
                        "usage: basewatch [OPTIONS] COMMAND ...\n\n");
  for (i = 0; i < NCOMMANDS; i++) {
    bw_table_add(t, BW_BOLD, commands[i].name);
    bw_table_add(t, BW_PLAIN, commands[i].summary);
  }
  bw_table_end(&t, &out, 2);
  bw_buf_add_cstr(&out, "\nOptions, before or after the command:\n");
  put_options(cli, &out, global_options);
  bw_buf_add_cstr(&out, "\n`basewatch help COMMAND` says more about one.\n"
                        "Exit: 0 done, 1 refused, 2 not understood, 3 the daemon cannot be reached.\n");
  bw_cli_print(&out);
  bw_buf_clear(&out);
}

static void help_one(struct bw_cli *cli, const struct bw_cli_command *c)
{
  struct bw_buf out = {0};
  bw_buf_printf(&out, "usage: basewatch %s%s%s\n\n", c->name, *c->synopsis ? " " : "", c->synopsis);
  bw_put_wrapped(cli, &out, c->summary, 0);
  bw_buf_add_cstr(&out, ".\n");
  if (c->details) {
    bw_buf_add_char(&out, '\n');
    bw_put_wrapped(cli, &out, c->details, 0);
    bw_buf_add_char(&out, '\n');
  }
  if (c->options) {
    bw_buf_add_char(&out, '\n');
    put_options(cli, &out, c->options);
  }
  bw_cli_print(&out);
  bw_buf_clear(&out);
}

static int unknown_command(const char *name)
{
  const char *names[NCOMMANDS + 1];
  const char *near_name;
  size_t i;
  for (i = 0; i < NCOMMANDS; i++)
    names[i] = commands[i].name;
  names[NCOMMANDS] = NULL;
  near_name = bw_nearest(bw_str(name), names);
  (void)fprintf(stderr, "basewatch: there is no command %.64s%s%s%s; `basewatch help` lists them\n", name,
                near_name ? " (did you mean " : "", near_name ? near_name : "", near_name ? "?)" : "");
  return BW_EXIT_USAGE;
}

static int run_help(struct bw_cli *cli)
{
  const struct bw_cli_command *c = cli->nargs ? find_command(cli->args[0]) : NULL;
  if (cli->nargs && !c)
    return unknown_command(cli->args[0]);
  if (c && c->run == run_replay) {
    char name[] = "replay", option[] = "--help";
    return bw_cmd_replay(2, (char *[]){name, option, NULL});
  }
  if (c && c->run == run_plugin) {
    char name[] = "plugin", option[] = "--help";
    return bw_cmd_plugin(2, (char *[]){name, option, NULL});
  }
  if (c)
    help_one(cli, c);
  else
    help_all(cli);
  return BW_EXIT_OK;
}

/* ---- arguments ---- */

static const struct bw_cli_option *find_option(const struct bw_cli_option *table, const char *name, size_t len, size_t *ret_i)
{
  size_t i;
  for (i = 0; table && table[i].name; i++)
    if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0) {
      *ret_i = i;
      return &table[i];
    }
  return NULL;
}

static int set_global(struct bw_cli *cli, const char *name, const char *value, bool *ret_help)
{
  if (strcmp(name, "state") == 0)
    cli->state = value;
  else if (strcmp(name, "socket") == 0)
    cli->socket = value;
  else if (strcmp(name, "json") == 0)
    cli->json = true;
  else if (strcmp(name, "who") == 0)
    cli->who = value;
  else if (strcmp(name, "help") == 0)
    *ret_help = true;
  else if (bw_duration_parse(bw_str(value), &cli->timeout_ms)) {
    (void)fprintf(stderr, "basewatch: --timeout %s is no time span; write 30s or 5m\n", value);
    return BW_EXIT_USAGE;
  }
  return BW_EXIT_OK;
}

/* One "--name", "--name=value" or "--name value"; *i moves past what was used. */
static int read_option(struct bw_cli *cli, int argc, char **argv, int *i, bool *ret_help)
{
  const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
  size_t len = eq ? (size_t)(eq - name) : strlen(name), at = 0;
  const struct bw_cli_option *own = cli->command ? find_option(cli->command->options, name, len, &at) : NULL;
  const struct bw_cli_option *o = own ? own : find_option(global_options, name, len, &at);
  if (!o) {
    (void)fprintf(stderr, "basewatch: there is no option %.64s%s%s; `basewatch help%s%s` lists them\n", argv[*i],
                  cli->command ? " of " : "", cli->command ? cli->command->name : "", cli->command ? " " : "",
                  cli->command ? cli->command->name : "");
    return BW_EXIT_USAGE;
  }
  if (o->value && !value && *i + 1 < argc)
    value = argv[++*i];
  if ((o->value != NULL) != (value != NULL)) {
    (void)fprintf(stderr, o->value ? "basewatch: --%s needs a value: %s\n" : "basewatch: --%s takes no value%.0s\n", o->name,
                  o->value ? o->value : "");
    return BW_EXIT_USAGE;
  }
  if (!own)
    return set_global(cli, o->name, value, ret_help);
  cli->values[at] = value ? value : "";
  return BW_EXIT_OK;
}

static int read_arguments(struct bw_cli *cli, int argc, char **argv, bool *ret_help)
{
  bool only_names = false;
  int i, rc;
  for (i = 1; i < argc; i++) {
    if (!only_names && strcmp(argv[i], "--") == 0) {
      only_names = true;
    } else if (!only_names && strcmp(argv[i], "-h") == 0) {
      *ret_help = true;
    } else if (!only_names && argv[i][0] == '-' && argv[i][1] == '-') {
      rc = read_option(cli, argc, argv, &i, ret_help);
      if (rc)
        return rc;
    } else if (!cli->command) {
      cli->command = find_command(argv[i]);
      if (!cli->command)
        return unknown_command(argv[i]);
    } else if (cli->nargs == BW_CLI_ARGS) {
      return bw_cli_usage(cli, "more than %d arguments", BW_CLI_ARGS);
    } else {
      cli->args[cli->nargs++] = argv[i];
    }
  }
  return BW_EXIT_OK;
}

static int terminal_width(void)
{
  struct winsize w;
  const char *columns = getenv("COLUMNS");
  int n = columns ? atoi(columns) : 0;
  if (n < 40 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
    n = w.ws_col;
  return n < 40 ? (isatty(STDOUT_FILENO) ? 80 : 120) : n > 200 ? 200 : n;
}

static void set_up(struct bw_cli *cli)
{
  const char *state = getenv("BASEWATCH_STATE"), *no_color = getenv("NO_COLOR"), *sudo = getenv("SUDO_USER");
  const char *term = getenv("TERM");
  cli->state = state && *state ? state : STATE_DEFAULT;
  cli->timeout_ms = 60 * BW_SECOND;
  cli->color = isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
  cli->width = terminal_width();
  cli->now = bw_clock_now(bw_clock_system());
  /* Who really decides, where someone acts as root or as the daemon's user: the daemon records the login as well. */
  if (sudo && *sudo)
    cli->who = sudo;
}

/* Leads are named L7; l7 means the same. */
static void name_lead(struct bw_cli *cli)
{
  const char *said = cli->nargs ? cli->args[0] : "";
  if (strncmp(cli->command->synopsis, "LEAD", 4) != 0 || said[0] != 'l' || said[1] < '0' || said[1] > '9' ||
      strlen(said) >= sizeof cli->lead)
    return;
  (void)snprintf(cli->lead, sizeof cli->lead, "L%s", said + 1);
  cli->args[0] = cli->lead;
}

static int run(struct bw_cli *cli, bool help)
{
  if (!cli->command) {
    if (help) {
      help_all(cli);
      return BW_EXIT_OK;
    }
    (void)fprintf(stderr, "usage: basewatch COMMAND ...; `basewatch help` lists them\n");
    return BW_EXIT_USAGE;
  }
  if (help) {
    help_one(cli, cli->command);
    return BW_EXIT_OK;
  }
  if (cli->nargs < cli->command->min_args || cli->nargs > cli->command->max_args)
    return bw_cli_usage(cli, cli->nargs < cli->command->min_args ? "something is missing" : "that is too much");
  name_lead(cli);
  return cli->command->run(cli);
}

int bw_cli_main(int argc, char **argv)
{
  struct bw_cli cli = {0};
  bool help = false;
  int rc;
  (void)signal(SIGPIPE, SIG_IGN);
  if (argc > 1 && strcmp(argv[1], "replay") == 0)
    return bw_cmd_replay(argc - 1, argv + 1);
  if (argc > 1 && strcmp(argv[1], "plugin") == 0)
    return bw_cmd_plugin(argc - 1, argv + 1);
  cli.args = bw_calloc(BW_CLI_ARGS, sizeof *cli.args);
  set_up(&cli);
  rc = read_arguments(&cli, argc, argv, &help);
  if (rc == BW_EXIT_OK)
    rc = run(&cli, help);
  if (fflush(stdout) && errno != EPIPE && rc == BW_EXIT_OK) {
    perror("basewatch: standard output");
    rc = BW_EXIT_REFUSED;
  }
  bw_control_close(&cli.link);
  free(cli.args);
  return rc;
}
