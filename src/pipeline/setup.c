/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration directory.  Runs in core, in `--check` and in the replay; reads files, needs no privileges. */
#include "pipeline/setup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "deals/deals.h"
#include "delivery/delivery.h"
#include "drafts/drafts.h"
#include "host/instance.h"
#include "ingest/identity.h"
#include "plays/plays.h"
#include "rules/rules.h"
#include "watch/hosted.h"

#define MAX_WATCHERS 64

static const struct bw_setting main_settings[] = {
    {"tick", BW_SETTING_DURATION, offsetof(struct bw_setup, tick_ms), "1h", 1e3, 86400e3, NULL,
     "How often everything is scored."},
    {"journal.retention", BW_SETTING_DURATION, offsetof(struct bw_setup, retention_ms), "400d", 86400e3 * 60, 86400e3 * 36500,
     NULL, "How long records are kept, by arrival."},
    {"ingest.dedup_window", BW_SETTING_DURATION, offsetof(struct bw_setup, dedup_window_ms), "24h", 60e3, 86400e3 * 30, NULL,
     "A message id seen again within this is a duplicate."},
    {"ingest.dedup_limit", BW_SETTING_INTEGER, offsetof(struct bw_setup, dedup_limit), "20000000", 1000, 1e9, NULL,
     "At most so many message ids are remembered; the oldest go first."},
    {"ingest.free_mail", BW_SETTING_NODE, offsetof(struct bw_setup, free_mail_node), "", 0, 0, NULL,
     "Further mail providers that never name a company, as a list of domains."},
    {"plays.lateness", BW_SETTING_DURATION, offsetof(struct bw_setup, lateness_ms), "6h", 600e3, 86400e3 * 30, NULL,
     "A tick older than this on arrival only teaches the watchers; no play is evaluated at it."},
    {"plays.lint", BW_SETTING_ENUM, offsetof(struct bw_setup, lint), "report", 0, 0, "off|report|enforce",
     "On a reload: lint errors are not looked for, are logged, or keep the running configuration in use."},
    {"signals", BW_SETTING_NODE, offsetof(struct bw_setup, signals_node), "", 0, 0, NULL,
     "Expiry of episodes and the fleet guard."},
    {"leads", BW_SETTING_NODE, offsetof(struct bw_setup, leads_node), "", 0, 0, NULL, "Business hours, expiry, the operator."},
    {"opportunities", BW_SETTING_NODE, offsetof(struct bw_setup, deals_node), "", 0, 0, NULL,
     "The pipeline of the deals that come of leads: stages, dates, credit."},
    {"delivery.maildir", BW_SETTING_STRING, offsetof(struct bw_setup, maildir), "outbox", 0, 0, NULL,
     "Where approved drafts are delivered; relative to the state directory."},
    {"delivery.sender", BW_SETTING_STRING, offsetof(struct bw_setup, sender), "basewatch@localhost.localdomain", 0, 0, NULL,
     "From: of what is delivered, \"Name <a@b.c>\"."},
    {"plugins", BW_SETTING_STRING, offsetof(struct bw_setup, plugin_dir), BW_LIBDIR "/basewatch/watchers", 0, 0, NULL,
     "Where watcher plugins are found."},
    {"web", BW_SETTING_NODE, offsetof(struct bw_setup, web), "", 0, 0, NULL, "The HTTP side: addresses and write keys."},
};
#define NMAIN (sizeof main_settings / sizeof *main_settings)

struct watcher_file {
  char *watcher;
  char *plugin;
  int64_t deadline_ms, memory_bytes, snapshot_ms;
  const struct bw_node *options;
};

static const struct bw_setting watcher_settings[] = {
    {"watcher", BW_SETTING_STRING, offsetof(struct watcher_file, watcher), NULL, 0, 0, NULL, "The plugin's name."},
    {"plugin", BW_SETTING_STRING, offsetof(struct watcher_file, plugin), NULL, 0, 0, NULL,
     "Its shared object: a name in `plugins`, or a path."},
    {"deadline", BW_SETTING_DURATION, offsetof(struct watcher_file, deadline_ms), "30s", 1e3, 3600e3, NULL,
     "A watcher that takes longer for one batch is taken to hang, and restarted."},
    {"memory", BW_SETTING_SIZE, offsetof(struct watcher_file, memory_bytes), "4G", 64e6, 1e12, NULL,
     "Address space of its process."},
    {"snapshot", BW_SETTING_DURATION, offsetof(struct watcher_file, snapshot_ms), "5m", 1e3, 86400e3, NULL,
     "How often its state is saved; a restart replays what came after."},
    {"options", BW_SETTING_NODE, offsetof(struct watcher_file, options), "", 0, 0, NULL, "The watcher's own options."},
};
#define NWATCHER (sizeof watcher_settings / sizeof *watcher_settings)

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in dir that end in suffix, sorted; a directory that is not there is empty. */
static char **list_files(const char *dir, const char *suffix, size_t *ret_n, struct bw_complaints *c)
{
  DIR *d = opendir(dir);
  struct dirent *e;
  char **names = NULL;
  size_t n = 0, len = strlen(suffix);
  while (d && (e = readdir(d))) {
    size_t l = strlen(e->d_name);
    if (e->d_name[0] == '.' || bw_config_misnamed(dir, e->d_name, c) || l <= len || strcmp(e->d_name + l - len, suffix) != 0)
      continue;
    names = bw_realloc(names, n + 1, sizeof *names);
    names[n++] = bw_asprintf("%s/%s", dir, e->d_name);
  }
  if (d)
    (void)closedir(d);
  if (n)
    qsort(names, n, sizeof *names, compare_names);
  *ret_n = n;
  return names;
}

static const struct bw_node *load_document(struct bw_setup *s, const char *path, struct bw_complaints *c)
{
  struct bw_document *doc;
  if (bw_document_load(path, false, &doc, c) < 0)
    return NULL;
  s->documents = bw_realloc(s->documents, s->ndocuments + 1, sizeof *s->documents);
  s->documents[s->ndocuments++] = doc;
  return bw_document_root(doc);
}

/* Runs the plugin with these options, so that it can refuse them, and takes down what it says of itself. */
static int describe_hosted(const char *exe, const struct bw_watcher_setup *w, struct bw_buf *ret_json, struct bw_error *err)
{
  struct bw_hosted_options options = {.memory_bytes = (uint64_t)w->memory_bytes, .deadline_ms = w->deadline_ms};
  struct bw_hosted *host = NULL;
  int rc = bw_hosted_open(exe, w->path, bw_str(w->options), 1, &options, &host, err);
  if (rc == 0)
    bw_buf_add_str(ret_json, bw_hosted_description(host));
  bw_hosted_close(&host);
  return rc;
}

static int describe_here(const struct bw_watcher_setup *w, struct bw_buf *ret_json, struct bw_error *err)
{
  struct bw_instance *probe = NULL;
  int rc = bw_instance_open(w->path, bw_str(w->options), 1, &probe, err);
  bw_instance_close(&probe);
  return rc < 0 ? rc : bw_instance_describe(w->path, ret_json, err);
}

/* Said where it is mended: at the option that the message begins with ("option NAME: ..."), or at the plugin's file. */
static void complain_of(const struct bw_watcher_setup *w, const struct bw_node *root, const struct bw_error *err,
                        struct bw_complaints *c)
{
  const struct bw_str option = BW_STR("option "), plugin = BW_STR("plugin "), said = bw_str(err->message);
  const char *end = strstr(err->message, ": ");
  const struct bw_node *options = bw_node_get(root, "options"), *found = NULL;
  bool key;
  if (options && end && bw_str_prefix(said, option.data))
    found = bw_node_find(options, bw_str_n(said.data + option.len, (size_t)(end - said.data) - option.len));
  key = found && err->code == BW_ENOTFOUND; /* a name that there is not is told at the name */
  if (bw_str_prefix(said, plugin.data))
    found = bw_node_get(root, "plugin");
  else if (!found && err->cls == BW_CLASS_CONFIG)
    found = options;
  (key ? bw_complain_key : bw_complain)(c, found ? found : root, "watcher %s: %s", w->name, err->message);
}

static void catalogue(struct bw_setup *s, struct bw_watcher_setup *w, const char *exe, const struct bw_node *root,
                      struct bw_complaints *c)
{
  struct bw_buf json = {0};
  struct bw_error err;
  uint32_t number;
  int rc = exe ? describe_hosted(exe, w, &json, &err) : describe_here(w, &json, &err);
  if (rc == 0)
    rc = bw_catalog_add(s->catalog, bw_buf_str(&json), &number, &err);
  if (rc < 0)
    complain_of(w, root, &err, c);
  w->description = bw_str_dup(bw_buf_str(&json));
  bw_buf_clear(&json);
}

static void load_watcher(struct bw_setup *s, const char *exe, const struct bw_node *root, struct bw_complaints *c)
{
  struct watcher_file f = {0};
  struct bw_watcher_setup *w;
  struct bw_buf json = {0};
  if (bw_settings_read(watcher_settings, NWATCHER, root, &f, c) < 0) {
    bw_settings_clear(watcher_settings, NWATCHER, &f);
    return;
  }
  s->watchers = bw_realloc(s->watchers, s->nwatchers + 1, sizeof *s->watchers);
  w = &s->watchers[s->nwatchers++];
  *w = (struct bw_watcher_setup){0};
  w->name = bw_strdup(f.watcher);
  w->path = strchr(f.plugin, '/') ? bw_strdup(f.plugin) : bw_asprintf("%s/%s", s->plugin_dir, f.plugin);
  w->deadline_ms = f.deadline_ms;
  w->memory_bytes = f.memory_bytes;
  w->snapshot_ms = f.snapshot_ms;
  if (f.options && f.options->type != BW_NODE_NULL)
    bw_node_json(&json, f.options);
  else
    bw_buf_add_cstr(&json, "{}");
  w->options = bw_str_dup(bw_buf_str(&json));
  bw_buf_clear(&json);
  catalogue(s, w, exe, root, c);
  bw_settings_clear(watcher_settings, NWATCHER, &f);
}

/* Two of one name would share a place in the store. */
static bool taken(const struct bw_setup *s, const struct bw_node *root, struct bw_complaints *c)
{
  const struct bw_node *name = root->type == BW_NODE_MAP ? bw_node_get(root, "watcher") : NULL;
  size_t i;
  for (i = 0; name && i < s->nwatchers; i++)
    if (bw_str_is(name->text, s->watchers[i].name)) {
      bw_complain(c, name, "there is a watcher \"%s\" already: each file of watchers/ has one of its own name",
                  s->watchers[i].name);
      return true;
    }
  return false;
}

static void load_watchers(struct bw_setup *s, const char *dir, const char *exe, struct bw_complaints *c)
{
  char *sub = bw_asprintf("%s/watchers", dir);
  size_t n, i;
  char **files = list_files(sub, ".yaml", &n, c);
  for (i = 0; i < n; i++) {
    const struct bw_node *root = i < MAX_WATCHERS ? load_document(s, files[i], c) : NULL;
    if (root && !taken(s, root, c))
      load_watcher(s, exe, root, c);
    free(files[i]);
  }
  free(files);
  free(sub);
}

/* Within the state directory, or wherever an absolute path says. */
static bool is_place(const char *dir)
{
  const char *at;
  if (dir[0] == '\0' || dir[0] == '/')
    return dir[0] == '/';
  for (at = dir; at; at = strchr(at, '/')) {
    at += *at == '/';
    if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
      return false;
  }
  return true;
}

static void check_delivery(const struct bw_setup *s, const struct bw_node *root, struct bw_complaints *c)
{
  const struct bw_node *delivery = bw_node_get(root, "delivery");
  const struct bw_node *sender = delivery ? bw_node_get(delivery, "sender") : NULL;
  const struct bw_node *maildir = delivery ? bw_node_get(delivery, "maildir") : NULL;
  struct bw_error why;
  if (!is_place(s->maildir))
    bw_complain(c, maildir ? maildir : root,
                "\"delivery.maildir\" should be a folder of the state directory, such as outbox, or an absolute path");
  if (bw_mail_check_sender(bw_str(s->sender), &why) < 0)
    bw_complain(c, sender ? sender : root,
                "\"delivery.sender\" should be an address, such as \"Ada Okafor <ada@example.com>\"");
}

static void add_free_mail(struct bw_setup *s, const struct bw_node *n, struct bw_complaints *c)
{
  char domain[256];
  if (n->type != BW_NODE_STRING)
    bw_complain(c, n, "an item of \"ingest.free_mail\" should be a mail domain, such as isp.example; this is %s",
                bw_node_type_name(n->type));
  else if (bw_registrable_domain(n->text, domain) < 0)
    bw_complain(c, n, "\"%.*s\" is no mail domain; write what stands behind the @ of an address, such as isp.example",
                BW_FMT(n->text));
  else
    s->free_mail[s->nfree_mail++] = n->text.data;
}

static void read_free_mail(struct bw_setup *s, struct bw_complaints *c)
{
  const struct bw_node *list = s->free_mail_node;
  size_t i;
  if (!list || list->type == BW_NODE_NULL)
    return;
  if (list->type != BW_NODE_LIST) {
    bw_complain(c, list, "\"ingest.free_mail\" should be a list of mail domains, such as [isp.example]; this is %s",
                bw_node_type_name(list->type));
    return;
  }
  s->free_mail = bw_calloc(list->nitems, sizeof *s->free_mail);
  for (i = 0; i < list->nitems; i++)
    add_free_mail(s, &list->items[i], c);
}

static void complain_of_path(struct bw_complaints *c, const char *path, const char *what)
{
  bw_buf_printf(&c->text, "%s: %s\n", path, what);
  c->count++;
}

static void load_main(struct bw_setup *s, const char *dir, const char *plugin_dir, struct bw_complaints *c)
{
  char *path = bw_asprintf("%s/basewatch.yaml", dir);
  const struct bw_node *root = NULL;
  if (access(path, F_OK) != 0)
    complain_of_path(c, path, "is not there; a configuration is a directory with this file in it, which may be empty");
  else
    root = load_document(s, path, c);
  if (root && bw_settings_read(main_settings, NMAIN, root, s, c) == 0) {
    check_delivery(s, root, c);
    read_free_mail(s, c);
  }
  if (plugin_dir) {
    free(s->plugin_dir);
    s->plugin_dir = bw_strdup(plugin_dir);
  }
  free(path);
}

static void load_tables(struct bw_setup *s, struct bw_complaints *c)
{
  static const struct bw_node empty = {.type = BW_NODE_MAP, .file = "basewatch.yaml"};
  s->signals = bw_alloc(sizeof *s->signals);
  s->leads = bw_alloc(sizeof *s->leads);
  (void)bw_settings_read(bw_signals_settings, bw_signals_nsettings, s->signals_node ? s->signals_node : &empty, s->signals, c);
  bw_engine_options_read(s->leads_node, s->leads, c);
  s->deals = bw_alloc(sizeof *s->deals);
  (void)bw_deals_options_read(s->deals_node, s->deals, c);
}

/* The opening angles are filled in like templates: by the same names. */
static void check_angles(struct bw_setup *s, struct bw_complaints *c)
{
  struct bw_play_info play;
  size_t i;
  for (i = 0; s->plays && bw_plays_at(s->plays, i, &play); i++) {
    struct bw_node at = {.text = bw_str(play.angle), .file = play.file, .line = play.angle_line, .column = play.angle_column};
    if (play.angle_line)
      (void)bw_text_check(&at, !play.template_name[0], s->catalog, c);
  }
}

static void load_rules(struct bw_setup *s, const char *dir, struct bw_complaints *c)
{
  char *templates = bw_asprintf("%s/templates", dir);
  if (access(templates, F_OK) != 0)
    s->templates = bw_templates_new(); /* a play that names one is complained about where it does */
  else
    (void)bw_templates_load(templates, &s->templates, c);
  if (s->templates)
    (void)bw_templates_check(s->templates, s->catalog, c);
  (void)bw_plays_read(dir, s->catalog, s->leads->timezone, c, &s->plays);
  check_angles(s, c);
  free(templates);
}

int bw_setup_load(const char *dir, const struct bw_setup_options *options, struct bw_setup **ret_setup, struct bw_complaints *c)
{
  struct bw_setup *s = bw_alloc(sizeof *s);
  size_t before = c->count;
  struct stat st;
  s->catalog = bw_catalog_new();
  if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
    complain_of_path(c, dir, "is a file; name the configuration's directory");
  } else if (access(dir, R_OK | X_OK) != 0) {
    bw_buf_printf(&c->text, "%s: the configuration directory cannot be read: %s\n", dir, strerror(errno));
    c->count++;
  } else {
    load_main(s, dir, options->plugin_dir, c);
    if (c->count == before)
      load_tables(s, c);
    if (c->count == before)
      load_watchers(s, dir, options->host_exe, c);
    if (c->count == before)
      load_rules(s, dir, c);
  }
  if (c->count != before) {
    bw_setup_free(&s);
    return BW_EINVAL;
  }
  *ret_setup = s;
  return BW_OK;
}

void bw_setup_free(struct bw_setup **setup)
{
  struct bw_setup *s = *setup;
  size_t i;
  if (!s)
    return;
  bw_plays_free(&s->plays);
  bw_templates_free(&s->templates);
  bw_catalog_free(&s->catalog);
  if (s->signals)
    bw_settings_clear(bw_signals_settings, bw_signals_nsettings, s->signals);
  if (s->leads)
    bw_settings_clear(bw_engine_settings, bw_engine_nsettings, s->leads);
  if (s->deals)
    bw_deals_options_clear(s->deals);
  free(s->signals);
  free(s->leads);
  free(s->deals);
  for (i = 0; i < s->nwatchers; i++) {
    free(s->watchers[i].name);
    free(s->watchers[i].path);
    free(s->watchers[i].options);
    free(s->watchers[i].description);
  }
  free(s->watchers);
  free(s->free_mail);
  bw_settings_clear(main_settings, NMAIN, s);
  for (i = 0; i < s->ndocuments; i++)
    bw_document_free(&s->documents[i]);
  free(s->documents);
  free(s);
  *setup = NULL;
}
