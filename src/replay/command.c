/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch replay`: its options.  Runs in the command line. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/command.h"
#include "replay/replay.h"

static const char usage[] =
    "usage: basewatch replay --config DIR [options] FILE...\n"
    "Runs the configured watchers and plays over record files (JSONL, CSV, .zst, .gz) on a virtual clock; prints JSON lines.\n"
    "\n"
    "  --config DIR     the configuration directory\n"
    "  --from TIME      print only what happened at or after TIME (state is built from everything before)\n"
    "  --to TIME        stop after the last tick at or before TIME\n"
    "  --at TIME        score once, at TIME, from everything before it\n"
    "  --first-tick TIME  no score before TIME\n"
    "  --tick DURATION  instead of the configured tick (1h)\n"
    "  --only KINDS     a comma list of signal, trait, lead, draft, notice (default: all)\n"
    "  --dedup          leave out message ids seen before, as the daemon does (default: every line counts)\n"
    "  --threads N      threads that parse, besides the one that watches (default: 1)\n"
    "  --hosts          run the watchers in sandboxed processes, as the daemon does\n"
    "  --plugins DIR    where plugins are found, instead of the configured directory\n"
    "  --checkpoint N   save and restore every watcher after N records: must change nothing\n"
    "  --stats          counts and times as one JSON line on standard error\n";

struct word {
  const char *name;
  unsigned bit;
};
static const struct word kinds[] = {{"signal", BW_REPLAY_SIGNALS},
                                    {"trait", BW_REPLAY_TRAITS},
                                    {"lead", BW_REPLAY_LEADS},
                                    {"draft", BW_REPLAY_DRAFTS},
                                    {"notice", BW_REPLAY_NOTICES}};

static int refuse(const char *what, const char *value)
{
  (void)fprintf(stderr, "basewatch replay: %s: \"%s\"\n", what, value);
  return -1;
}

static int parse_kinds(const char *text, unsigned *ret_kinds)
{
  char *copy = bw_strdup(text), *save = NULL, *w;
  unsigned bits = 0;
  size_t i;
  int rc = 0;
  for (w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
    for (i = 0; i < sizeof kinds / sizeof *kinds && strcmp(kinds[i].name, w) != 0;)
      i++;
    if (i == sizeof kinds / sizeof *kinds)
      rc = refuse("--only takes signal, trait, lead, draft, notice; not", w);
    else
      bits |= kinds[i].bit;
  }
  free(copy);
  *ret_kinds = bits;
  return rc;
}

static int parse_time(const char *text, int64_t *ret_ms)
{
  return bw_time_parse(bw_str(text), ret_ms) < 0 ? refuse("not a time such as 2026-11-22 or 2026-11-22T08:00:00Z", text) : 0;
}

static int parse_count(const char *text, uint64_t max, uint64_t *ret_n)
{
  char *end;
  unsigned long long n = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || n > max)
    return refuse("not a number in range", text);
  *ret_n = n;
  return 0;
}

/* The daemon's program, which has the host role: beside this one, or where it was installed. */
static char *daemon_program(void)
{
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  char *slash, *path;
  if (n <= 0)
    return bw_strdup(BW_SBINDIR "/basewatchd");
  self[n] = '\0';
  slash = strrchr(self, '/');
  path = bw_asprintf("%.*s/basewatchd", (int)(slash - self), self);
  if (access(path, X_OK) == 0)
    return path;
  free(path);
  return bw_strdup(BW_SBINDIR "/basewatchd");
}

enum {
  OPT_CONFIG = 256,
  OPT_FROM,
  OPT_TO,
  OPT_AT,
  OPT_TICK,
  OPT_FIRST_TICK,
  OPT_ONLY,
  OPT_DEDUP,
  OPT_THREADS,
  OPT_HOSTS,
  OPT_PLUGINS,
  OPT_CHECKPOINT,
  OPT_STATS,
  OPT_HELP
};

static const struct option longopts[] = {{"config", required_argument, NULL, OPT_CONFIG},
                                         {"from", required_argument, NULL, OPT_FROM},
                                         {"to", required_argument, NULL, OPT_TO},
                                         {"at", required_argument, NULL, OPT_AT},
                                         {"tick", required_argument, NULL, OPT_TICK},
                                         {"first-tick", required_argument, NULL, OPT_FIRST_TICK},
                                         {"only", required_argument, NULL, OPT_ONLY},
                                         {"dedup", no_argument, NULL, OPT_DEDUP},
                                         {"threads", required_argument, NULL, OPT_THREADS},
                                         {"hosts", no_argument, NULL, OPT_HOSTS},
                                         {"plugins", required_argument, NULL, OPT_PLUGINS},
                                         {"checkpoint", required_argument, NULL, OPT_CHECKPOINT},
                                         {"stats", no_argument, NULL, OPT_STATS},
                                         {"help", no_argument, NULL, OPT_HELP},
                                         {NULL, 0, NULL, 0}};

/* 0, -1 refused (said why), 1 help was printed. */
static int parse_option(int opt, struct bw_replay_options *o, char **host)
{
  uint64_t n = 0;
  int rc = 0;
  switch (opt) {
  case OPT_CONFIG:
    o->config_dir = optarg;
    break;
  case OPT_FROM:
    return parse_time(optarg, &o->from);
  case OPT_TO:
    return parse_time(optarg, &o->to);
  case OPT_AT:
    return parse_time(optarg, &o->at);
  case OPT_FIRST_TICK:
    return parse_time(optarg, &o->first_tick);
  case OPT_TICK:
    if (bw_duration_parse(bw_str(optarg), &o->tick) < 0 || o->tick < BW_MINUTE)
      return refuse("--tick takes a duration of at least 1m, not", optarg);
    break;
  case OPT_ONLY:
    return parse_kinds(optarg, &o->kinds);
  case OPT_DEDUP:
    o->dedup = true;
    break;
  case OPT_THREADS:
    rc = parse_count(optarg, 64, &n);
    o->threads = (unsigned)n;
    break;
  case OPT_HOSTS:
    *host = daemon_program();
    o->host_exe = *host;
    break;
  case OPT_PLUGINS:
    o->plugin_dir = optarg;
    break;
  case OPT_CHECKPOINT:
    return parse_count(optarg, UINT64_MAX / 2, &o->checkpoint);
  case OPT_STATS:
    o->stats = stderr;
    break;
  case OPT_HELP:
    (void)fputs(usage, stdout);
    return 1;
  default:
    return -1;
  }
  return rc;
}

/* A span that ends before it begins would print nothing, and look like a quiet time. */
static int check_end(int64_t from_ms, const char *name, int64_t end_ms)
{
  char from[BW_TIME_TEXT], end[BW_TIME_TEXT];
  if (from_ms == BW_TIME_NONE || end_ms == BW_TIME_NONE || from_ms <= end_ms)
    return 0;
  bw_time_format(from_ms, from);
  bw_time_format(end_ms, end);
  (void)fprintf(stderr, "basewatch replay: --from %s is later than %s %s; give a span that begins before it ends\n", from, name,
                end);
  return -1;
}

int bw_replay_command(int argc, char **argv)
{
  struct bw_replay_options o = {.from = BW_TIME_NONE,
                                .to = BW_TIME_NONE,
                                .at = BW_TIME_NONE,
                                .first_tick = BW_TIME_NONE,
                                .kinds = BW_REPLAY_ALL,
                                .threads = 1,
                                .out = stdout};
  struct bw_error err;
  uint64_t refused = 0;
  char *host = NULL;
  int opt, rc = 0;
  optind = 1;
  while (rc == 0 && (opt = getopt_long(argc, argv, "", longopts, NULL)) != -1)
    rc = parse_option(opt, &o, &host);
  if (rc == 0 && (!o.config_dir || optind >= argc)) {
    (void)fputs(usage, stderr);
    rc = -1;
  }
  if (rc == 0)
    rc = check_end(o.from, "--to", o.to);
  if (rc == 0)
    rc = check_end(o.from, "--at", o.at);
  if (rc == 0) {
    static char buffer[1 << 20];
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    (void)signal(SIGPIPE, SIG_IGN);
    o.files = (const char *const *)argv + optind;
    o.nfiles = (size_t)(argc - optind);
    rc = bw_replay_run(&o, &refused, &err);
    if (rc < 0)
      (void)fprintf(stderr, "basewatch replay: %s\n", err.message);
    else if (refused)
      (void)fprintf(stderr, "basewatch replay: %llu line%s could not be read; what is printed is without %s\n",
                    (unsigned long long)refused, refused == 1 ? "" : "s", refused == 1 ? "it" : "them");
    free(host);
    return rc < 0 || refused ? 1 : 0;
  }
  free(host);
  return rc < 0 ? 2 : 0;
}
