/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line.  Runs in every role but the watcher host. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

static const char usage[] =
    "usage: basewatchd --config DIR --state DIR [options]\n"
    "Watches the customers a company has won, and the deals it has lost.  Runs in the foreground.\n"
    "\n"
    "  --config DIR     configuration: basewatch.yaml, watchers/, plays/, routes/, templates/ (" BW_SYSCONFDIR "/basewatch)\n"
    "  --state DIR      database, control socket, outbox (/var/lib/basewatch)\n"
    "  --check          check the configuration, print what is wrong as file:line:column, and end\n"
    "  --plugins DIR    where watcher plugins are found, instead of the configured directory\n"
    "  --user NAME      run the children as this user (when started as root)\n"
    "  --hang-deadline TIME  core or web that gives no sign of life this long is killed and started again (60s, or half of\n"
    "                   systemd's WatchdogSec where that is less)\n"
    "  --verbose        log more\n"
    "  --start-time T   for demonstrations: the clock starts at T and runs on from there\n"
    "  --tests          allow the control API's test commands; ticks come from there alone\n"
    "  --version, --help\n";

enum {
  OPT_CONFIG = 256,
  OPT_STATE,
  OPT_CHECK,
  OPT_PLUGINS,
  OPT_USER,
  OPT_HANG,
  OPT_VERBOSE,
  OPT_START,
  OPT_STARTED,
  OPT_AGAIN,
  OPT_TESTS,
  OPT_VERSION,
  OPT_HELP
};

static const struct option longopts[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"state", required_argument, NULL, OPT_STATE},
    {"check", no_argument, NULL, OPT_CHECK},
    {"plugins", required_argument, NULL, OPT_PLUGINS},
    {"user", required_argument, NULL, OPT_USER},
    {"hang-deadline", required_argument, NULL, OPT_HANG},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"start-time", required_argument, NULL, OPT_START},
    {"started-at", required_argument, NULL, OPT_STARTED}, /* the parent's, to its children */
    {"again", no_argument, NULL, OPT_AGAIN},              /* likewise: started again */
    {"tests", no_argument, NULL, OPT_TESTS},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0}};

static int parse_start(const char *text, int64_t *ret_ms)
{
  if (bw_time_parse(bw_str(text), ret_ms) == 0)
    return 0;
  (void)fprintf(stderr, "basewatchd: --start-time takes a time such as 2026-07-23T12:00:00Z, not \"%s\"\n", text);
  return -1;
}

static int parse_deadline(const char *text, int64_t *ret_ms)
{
  if (bw_duration_parse(bw_str(text), ret_ms) == 0 && *ret_ms >= BW_SECOND)
    return 0;
  (void)fprintf(stderr, "basewatchd: --hang-deadline takes a time span of at least 1s, such as 60s or 5m, not \"%s\"\n", text);
  return -1;
}

static int take(int opt, struct daemon_options *o)
{
  switch (opt) {
  case OPT_CONFIG:
    o->config_dir = optarg;
    return 0;
  case OPT_STATE:
    o->state_dir = optarg;
    return 0;
  case OPT_CHECK:
    o->check = true;
    return 0;
  case OPT_PLUGINS:
    o->plugin_dir = optarg;
    return 0;
  case OPT_USER:
    o->user = optarg;
    return 0;
  case OPT_HANG:
    return parse_deadline(optarg, &o->hang_ms);
  case OPT_VERBOSE:
    o->verbose = true;
    return 0;
  case OPT_START:
    return parse_start(optarg, &o->start_time);
  case OPT_STARTED:
    o->started_at = strtoll(optarg, NULL, 10);
    return 0;
  case OPT_AGAIN:
    o->again = true;
    return 0;
  case OPT_TESTS:
    o->tests = true;
    return 0;
  case OPT_VERSION:
    (void)puts(PACKAGE_STRING);
    return 1;
  case OPT_HELP:
    (void)fputs(usage, stdout);
    return 1;
  default:
    (void)fputs(usage, stderr);
    return -1;
  }
}

int daemon_options_parse(int argc, char **argv, struct daemon_options *ret_options)
{
  struct daemon_options o = {
      .config_dir = BW_SYSCONFDIR "/basewatch", .state_dir = "/var/lib/basewatch", .start_time = BW_TIME_NONE, .started_at = 0};
  int opt, rc = 0;
  optind = 1;
  while (rc == 0 && (opt = getopt_long(argc, argv, "", longopts, NULL)) != -1)
    rc = take(opt, &o);
  if (rc == 0 && optind < argc) {
    (void)fprintf(stderr, "basewatchd: \"%s\" is not an option\n%s", argv[optind], usage);
    rc = -1;
  }
  if (rc == 0)
    *ret_options = o;
  return rc;
}

struct shifted {
  int64_t by;
};

static int64_t shifted_now(void *ctx)
{
  const struct shifted *s = ctx;
  return bw_clock_now(bw_clock_system()) + s->by;
}

const struct bw_clock *daemon_clock(const struct daemon_options *o)
{
  static struct shifted shift;
  static const struct bw_clock clock = {shifted_now, &shift};
  if (o->start_time == BW_TIME_NONE)
    return bw_clock_system();
  shift.by = o->start_time - o->started_at;
  return &clock;
}
