/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch plugin new | check | run`.  Runs in the command line; plugins run in the sandboxed host.  No privileges. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/plugin.h"
#include "replay/replay.h"
#include "watch/hosted.h"

#define OPTIONS_MAX 64
#define MEMORY (UINT64_C(1) << 30)
#define DEADLINE_MS 10000

static const char usage[] =
    "usage: basewatch plugin new NAME [DIR]\n"
    "       basewatch plugin check FILE.so [--option NAME=VALUE]... [--seed N] [RECORDS...]\n"
    "       basewatch plugin run FILE.so [--option NAME=VALUE]... RECORDS...\n"
    "\n"
    "new makes a plugin in DIR (default: NAME) that builds at once: C source, Makefile, test, README.\n"
    "check asks of a plugin what the daemon will ask, in the same sandbox: a line for each check, \"ok\" or \"FAILED\" with "
    "what to\n"
    "mend; exit status 0 or 1.  RECORDS are used besides made-up ones.\n"
    "run prints its signals, traits and notices over record files (JSONL, CSV, .gz, .zst) as JSON lines, with hourly ticks.\n"
    "\n"
    "  --option NAME=VALUE  one of the plugin's options, as in its YAML; again for more\n"
    "  --seed N             for the made-up records and the random points of check (default 1)\n"
    "  --deadline TIME      for one batch, in check (default 10s)\n"
    "  --memory SIZE        address space, in check, in MiB (default 1024)\n";

struct arguments {
  const char *options[OPTIONS_MAX];
  size_t noptions;
  uint64_t seed, memory;
  int64_t deadline_ms;
  const char *plugin;
  const char *const *files;
  size_t nfiles;
  char *host, *path;
};

static int refuse(const char *what, const char *about)
{
  (void)fprintf(stderr, "basewatch plugin: %s: %s\n", about, what);
  return BW_EXIT_REFUSED;
}

/* The program with the host role: beside this one, where an installation has it, or where it was configured to be. */
static char *host_program(void)
{
  static const char *const places[] = {"basewatchd", "../sbin/basewatchd"};
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  char *slash;
  size_t i;
  self[n > 0 ? n : 0] = '\0';
  slash = strrchr(self, '/');
  for (i = 0; slash && i < 2; i++) {
    char *path = bw_asprintf("%.*s/%s", (int)(slash - self), self, places[i]);
    if (access(path, X_OK) == 0)
      return path;
    free(path);
  }
  return bw_strdup(BW_SBINDIR "/basewatchd");
}

/* ---- options ---- */

static const char *type_of(json_t *description, const char *name)
{
  json_t *o;
  size_t i;
  json_array_foreach(json_object_get(description, "options"), i, o)
  {
    if (strcmp(json_string_value(json_object_get(o, "name")), name) == 0)
      return json_string_value(json_object_get(o, "type"));
  }
  return "string"; /* unknown: the host says so, and which there are */
}

/* "30d" and "yes" are texts to JSON; numbers, booleans and structures are not. */
static json_t *value_of(const char *type, const char *text)
{
  json_t *v = NULL;
  if (strcmp(type, "bool") == 0 || strcmp(type, "integer") == 0 || strcmp(type, "number") == 0 || strcmp(type, "json") == 0)
    v = json_loads(text, JSON_DECODE_ANY, NULL);
  return v ? v : json_string(text);
}

/* The options as JSON, by the plugin's own table.  NULL: refused, and said why. */
static char *options_json(const struct arguments *a, const char *description)
{
  json_t *d = json_loads(description, 0, NULL), *o = json_object();
  char *text = NULL;
  size_t i;
  for (i = 0; i < a->noptions; i++) {
    const char *eq = strchr(a->options[i], '=');
    char *name = eq && eq != a->options[i] ? strndup(a->options[i], (size_t)(eq - a->options[i])) : NULL;
    if (!name || json_object_set_new(o, name, value_of(type_of(d, name), eq + 1)) < 0) {
      (void)refuse("--option takes NAME=VALUE", a->options[i]);
      free(name);
      goto out;
    }
    free(name);
  }
  text = json_dumps(o, JSON_SORT_KEYS);
out:
  json_decref(d);
  json_decref(o);
  return text;
}

/* ---- run ---- */

static bool write_text(const char *path, const char *text)
{
  FILE *f = fopen(path, "we");
  bool ok = f && fputs(text, f) >= 0;
  return f && fclose(f) == 0 && ok;
}

/* A configuration of this one watcher.  False: errno says why not. */
static bool write_config(const char *dir, const char *name, const char *plugin, const char *options)
{
  char *watchers = bw_asprintf("%s/watchers", dir), *yaml = bw_asprintf("%s/watchers/plugin.yaml", dir);
  char *main_yaml = bw_asprintf("%s/basewatch.yaml", dir);
  json_t *path = json_string(plugin);
  char *quoted = path ? json_dumps(path, JSON_ENCODE_ANY) : bw_strdup("\"\"");
  char *text = bw_asprintf("watcher: %s\nplugin: %s\noptions: %s\n", name, quoted, options);
  bool ok = mkdir(watchers, 0700) == 0 && write_text(yaml, text) && write_text(main_yaml, "tick: 1h\n");
  free(watchers);
  free(yaml);
  free(main_yaml);
  free(quoted);
  free(text);
  json_decref(path);
  return ok;
}

static void remove_config(const char *dir)
{
  static const char *const names[] = {"/watchers/plugin.yaml", "/basewatch.yaml"};
  char *path;
  size_t i;
  for (i = 0; i < 2; i++) {
    path = bw_asprintf("%s%s", dir, names[i]);
    (void)unlink(path);
    free(path);
  }
  path = bw_asprintf("%s/watchers", dir);
  (void)rmdir(path);
  free(path);
  (void)rmdir(dir);
}

static int run_over(const struct arguments *a, const char *description, const char *options)
{
  const char *tmp = getenv("TMPDIR");
  char *dir = bw_asprintf("%s/basewatch-plugin-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  struct bw_replay_options o = {.config_dir = dir,
                                .files = a->files,
                                .nfiles = a->nfiles,
                                .from = BW_TIME_NONE,
                                .to = BW_TIME_NONE,
                                .at = BW_TIME_NONE,
                                .first_tick = BW_TIME_NONE,
                                .kinds = BW_REPLAY_SIGNALS | BW_REPLAY_TRAITS | BW_REPLAY_NOTICES,
                                .threads = 1,
                                .host_exe = a->host,
                                .out = stdout};
  json_t *d = json_loads(description, 0, NULL);
  struct bw_error err = {0};
  uint64_t refused = 0;
  int rc = BW_EXIT_OK;
  if (!mkdtemp(dir)) {
    rc = refuse(strerror(errno), dir);
  } else {
    if (!write_config(dir, json_string_value(json_object_get(d, "name")), a->path, options))
      rc = refuse(strerror(errno), dir);
    else if (bw_replay_run(&o, &refused, &err) < 0)
      rc = refuse(err.message, a->plugin);
    else if (refused)
      rc = refuse("what is printed is without the lines that could not be read", a->files[0]);
    remove_config(dir);
  }
  json_decref(d);
  free(dir);
  return rc;
}

static int run(const struct arguments *a)
{
  struct bw_buf description = {0};
  struct bw_error err = {0};
  char *options = NULL;
  int rc;
  if (a->nfiles == 0)
    return refuse("which record files? `basewatch plugin run FILE.so RECORDS...`", a->plugin);
  if (bw_hosted_describe(a->host, a->path, &description, &err) < 0)
    rc = refuse(err.message, a->plugin);
  else if ((options = options_json(a, bw_buf_cstr(&description))) == NULL)
    rc = BW_EXIT_USAGE;
  else
    rc = run_over(a, bw_buf_cstr(&description), options);
  bw_buf_clear(&description);
  free(options);
  return rc;
}

static int check(const struct arguments *a)
{
  struct bw_plugin_check c = {.host_exe = a->host,
                              .plugin = a->path,
                              .files = a->files,
                              .nfiles = a->nfiles,
                              .seed = a->seed,
                              .memory_bytes = a->memory,
                              .deadline_ms = a->deadline_ms};
  struct bw_buf description = {0};
  char *options;
  int rc;
  (void)bw_hosted_describe(a->host, a->path, &description, NULL); /* where it cannot be, the first check says why */
  options = options_json(a, description.len ? bw_buf_cstr(&description) : "{}");
  c.options = bw_str(options ? options : "{}");
  rc = !options ? BW_EXIT_USAGE : bw_plugin_check(&c) ? BW_EXIT_OK : BW_EXIT_REFUSED;
  free(options);
  bw_buf_clear(&description);
  return rc;
}

/* ---- arguments ---- */

static int new_plugin(int argc, char **argv)
{
  if (argc < 2 || argc > 3 || argv[1][0] == '-') {
    (void)fputs(usage, stderr);
    return BW_EXIT_USAGE;
  }
  return bw_plugin_new(argv[1], argc > 2 ? argv[2] : argv[1]) ? BW_EXIT_OK : BW_EXIT_REFUSED;
}

static bool take(int opt, struct arguments *a)
{
  char *end = NULL;
  switch (opt) {
  case 'o':
    if (a->noptions < OPTIONS_MAX)
      a->options[a->noptions++] = optarg;
    return true;
  case 's':
    a->seed = strtoull(optarg, &end, 10);
    return *optarg && !*end;
  case 'm':
    a->memory = strtoull(optarg, &end, 10) << 20;
    return *optarg && !*end && a->memory >= UINT64_C(64) << 20;
  case 'd':
    return bw_duration_parse(bw_str(optarg), &a->deadline_ms) == 0 && a->deadline_ms >= 100;
  default:
    return false;
  }
}

static int with_plugin(int argc, char **argv, int (*command)(const struct arguments *a))
{
  static const struct option longopts[] = {{"option", required_argument, NULL, 'o'},
                                           {"seed", required_argument, NULL, 's'},
                                           {"deadline", required_argument, NULL, 'd'},
                                           {"memory", required_argument, NULL, 'm'},
                                           {NULL, 0, NULL, 0}};
  struct arguments a = {.seed = 1, .memory = MEMORY, .deadline_ms = DEADLINE_MS};
  int opt, rc;
  optind = 1;
  while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1)
    if (!take(opt, &a)) {
      (void)fputs(usage, stderr);
      return BW_EXIT_USAGE;
    }
  if (optind >= argc) {
    (void)fputs(usage, stderr);
    return BW_EXIT_USAGE;
  }
  a.plugin = argv[optind];
  a.files = (const char *const *)argv + optind + 1;
  a.nfiles = (size_t)(argc - optind - 1);
  a.path = realpath(a.plugin, NULL);
  if (!a.path)
    return refuse(strerror(errno), a.plugin);
  a.host = host_program();
  rc = command(&a);
  free(a.host);
  free(a.path);
  return rc;
}

int bw_cmd_plugin(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  (void)signal(SIGPIPE, SIG_IGN);
  bw_log_init("plugin", BW_LOG_WARN);
  if (strcmp(what, "new") == 0)
    return new_plugin(argc - 1, argv + 1);
  if (strcmp(what, "check") == 0)
    return with_plugin(argc - 1, argv + 1, check);
  if (strcmp(what, "run") == 0)
    return with_plugin(argc - 1, argv + 1, run);
  if (strcmp(what, "--help") == 0) {
    (void)fputs(usage, stdout);
    return BW_EXIT_OK;
  }
  (void)fputs(usage, stderr);
  return BW_EXIT_USAGE;
}
