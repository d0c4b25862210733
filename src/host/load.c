/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a plugin's library and checks its descriptor.  Runs in the watcher host, behind the sandbox, and in replays.
 * Needs to read the plugin's file; nothing that the plugin says is taken for granted.
 */
#include "host/load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define OPTIONS_MAX 1024u
#define SIGNALS_MAX 256u
#define TRAITS_MAX 1024u
#define STRIDE_MAX 4096u
#define NAME_MAX_LEN 64
#define TEXT_MAX_LEN 2000

/* The descriptor's size in ABI 1.0: what every plugin of this major has at least. */
#define PLUGIN_SIZE_MIN (offsetof(struct bw_plugin, close) + sizeof(void (*)(void *)))

static int refuse(struct bw_error *err, const char *path, enum bw_code code, const char *what)
{
  return bw_fail(err, code, BW_CLASS_CONFIG, "plugin %s: %s", path, what);
}

/* Lower case letters, digits and '_', beginning with a letter; dots too, where they nest. */
static bool name_ok(const char *s, bool dots)
{
  size_t i, n = s ? strnlen(s, NAME_MAX_LEN + 1) : 0;
  if (n == 0 || n > NAME_MAX_LEN || s[0] < 'a' || s[0] > 'z' || s[n - 1] == '.')
    return false;
  for (i = 0; i < n; i++) {
    bool word = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_';
    if (!word && !(dots && s[i] == '.' && s[i - 1] != '.'))
      return false;
  }
  return true;
}

/* NULL is allowed and becomes "". */
static bool text_ok(const char **s)
{
  size_t n;
  if (!*s)
    *s = "";
  n = strnlen(*s, TEXT_MAX_LEN + 1);
  return n <= TEXT_MAX_LEN && bw_utf8_valid(*s, n);
}

/* Copies a table of n rows, their_size apart, into zeroed rows of our own size. */
static int copy_table(const void *rows, uint32_t n, uint32_t their_size, uint32_t max, size_t size_min, size_t our_size,
                      const char *what, const char *path, void **ret, struct bw_error *err)
{
  size_t take = their_size < our_size ? their_size : our_size;
  uint32_t i;
  char *out;
  if (n > max)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "plugin %s: its table of %s has %u rows; at most %u are taken", path, what,
                   n, max);
  if (n > 0 && (!rows || their_size < size_min || their_size > STRIDE_MAX))
    return bw_fail(
        err, BW_EVERSION, BW_CLASS_CONFIG,
        "plugin %s: its table of %s has rows of %u bytes; %zu to %u are possible: rebuild it with basewatch/plugin.h", path,
        what, rows ? their_size : 0, size_min, STRIDE_MAX);
  out = bw_calloc(n ? n : 1, our_size);
  for (i = 0; i < n; i++)
    memcpy(out + (size_t)i * our_size, (const char *)rows + (size_t)i * their_size, take);
  *ret = out;
  return BW_OK;
}

static int row_bad(struct bw_error *err, const char *path, const char *table, uint32_t i, const char *what)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "plugin %s: row %u of its table of %s has %s", path, i, table, what);
}

/* Names are the first member of every row. */
static int names_differ(const void *rows, uint32_t n, size_t size, const char *path, const char *table, struct bw_error *err)
{
  uint32_t i, j;
  for (i = 1; i < n; i++)
    for (j = 0; j < i; j++) {
      const char *a, *b;
      memcpy(&a, (const char *)rows + i * size, sizeof a);
      memcpy(&b, (const char *)rows + j * size, sizeof b);
      if (strcmp(a, b) == 0)
        return row_bad(err, path, table, i, "a name that an earlier row has");
    }
  return BW_OK;
}

static int check_options(struct bw_loaded *l, const char *path, struct bw_error *err)
{
  uint32_t i;
  for (i = 0; i < l->plugin.noptions; i++) {
    struct bw_option *o = &l->options[i];
    if (!name_ok(o->name, true))
      return row_bad(err, path, "options", i, "no proper name");
    if (o->type < BW_OPTION_BOOL || o->type > BW_OPTION_JSON)
      return row_bad(err, path, "options", i, "an unknown type");
    if (!text_ok(&o->help))
      return row_bad(err, path, "options", i, "a help text that is too long or not UTF-8");
    if (o->default_text && !text_ok(&o->default_text))
      return row_bad(err, path, "options", i, "a default that is too long or not UTF-8");
  }
  if (names_differ(l->options, l->plugin.noptions, sizeof *l->options, path, "options", err) < 0)
    return BW_EINVAL;
  if (bw_options_check_table(l->options, l->plugin.noptions, err) < 0)
    return bw_error_prefix(err, "plugin %s", path);
  return BW_OK;
}

static int check_signals(struct bw_loaded *l, const char *path, struct bw_error *err)
{
  uint32_t i;
  for (i = 0; i < l->plugin.nsignals; i++) {
    struct bw_signal_decl *s = &l->signals[i];
    if (!name_ok(s->name, false))
      return row_bad(err, path, "signals", i, "no proper name");
    if (s->direction < BW_UP || s->direction > BW_CONTEXT)
      return row_bad(err, path, "signals", i, "an unknown direction");
    if (s->urgency > BW_URGENCY_HIGH)
      return row_bad(err, path, "signals", i, "an unknown urgency");
    if (!text_ok(&s->play_types) || !text_ok(&s->help))
      return row_bad(err, path, "signals", i, "a text that is too long or not UTF-8");
  }
  return names_differ(l->signals, l->plugin.nsignals, sizeof *l->signals, path, "signals", err);
}

static int check_traits(struct bw_loaded *l, const char *path, struct bw_error *err)
{
  uint32_t i;
  for (i = 0; i < l->plugin.ntraits; i++) {
    struct bw_trait_decl *t = &l->traits[i];
    if (!name_ok(t->name, true))
      return row_bad(err, path, "traits", i, "no proper name");
    if (t->type != BW_VALUE_NUMBER && t->type != BW_VALUE_STRING)
      return row_bad(err, path, "traits", i, "a type that is neither number nor string");
    if (!text_ok(&t->unit) || !text_ok(&t->help))
      return row_bad(err, path, "traits", i, "a text that is too long or not UTF-8");
  }
  return names_differ(l->traits, l->plugin.ntraits, sizeof *l->traits, path, "traits", err);
}

static int check_head(const struct bw_plugin *p, const char *path, struct bw_error *err)
{
  if (!p)
    return refuse(err, path, BW_EINVAL, "basewatch_plugin() returned nothing");
  if (p->magic != BW_PLUGIN_MAGIC)
    return refuse(err, path, BW_EVERSION, "its descriptor does not begin with BW_PLUGIN_MAGIC: not a basewatch plugin");
  if (p->abi_major != BW_ABI_MAJOR)
    return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG,
                   "plugin %s: built for plugin ABI %u.%u, this basewatch speaks %d.%d: rebuild it with basewatch/plugin.h",
                   path, p->abi_major, p->abi_minor, BW_ABI_MAJOR, BW_ABI_MINOR);
  if (p->size < PLUGIN_SIZE_MIN || p->size > STRIDE_MAX)
    return bw_fail(err, BW_EVERSION, BW_CLASS_CONFIG,
                   "plugin %s: its descriptor says that it has %u bytes; %zu to %u are possible", path, p->size,
                   PLUGIN_SIZE_MIN, STRIDE_MAX);
  return BW_OK;
}

static int check_fields(struct bw_plugin *p, const char *path, struct bw_error *err)
{
  if (!name_ok(p->name, false))
    return refuse(err, path, BW_EINVAL, "its name is not made of a-z, 0-9 and '_', or is over 64 bytes");
  if (!text_ok(&p->version) || !text_ok(&p->summary))
    return refuse(err, path, BW_EINVAL, "its version or summary is too long or not UTF-8");
  if (!p->open || !p->records || !p->save || !p->load || !p->close)
    return refuse(err, path, BW_EINVAL, "open, records, save, load and close must all be there");
  return BW_OK;
}

static int check_endpoints(const char *const *e, const char *path, struct bw_error *err)
{
  size_t i;
  for (i = 0; e && e[i]; i++)
    if (i >= 64 || !name_ok(e[i], false))
      return refuse(err, path, BW_EINVAL, "over 64 endpoints, or one without a proper name");
  return BW_OK;
}

int bw_loaded_descriptor(const struct bw_plugin *theirs, const char *path, struct bw_loaded *l, struct bw_error *err)
{
  struct bw_plugin *p = &l->plugin;
  void *rows;
  int rc = check_head(theirs, path, err);
  if (rc < 0)
    return rc;
  memcpy(p, theirs, theirs->size < sizeof *p ? theirs->size : sizeof *p);
  if ((rc = check_fields(p, path, err)) < 0)
    return rc;
  if ((rc = copy_table(p->options, p->noptions, p->option_size, OPTIONS_MAX, offsetof(struct bw_option, min),
                       sizeof *l->options, "options", path, &rows, err)) < 0)
    return rc;
  p->options = l->options = rows;
  p->option_size = sizeof *l->options;
  if ((rc = copy_table(p->signals, p->nsignals, p->signal_size, SIGNALS_MAX, offsetof(struct bw_signal_decl, play_types),
                       sizeof *l->signals, "signals", path, &rows, err)) < 0)
    return rc;
  p->signals = l->signals = rows;
  p->signal_size = sizeof *l->signals;
  if ((rc = copy_table(p->traits, p->ntraits, p->trait_size, TRAITS_MAX, offsetof(struct bw_trait_decl, unit),
                       sizeof *l->traits, "traits", path, &rows, err)) < 0)
    return rc;
  p->traits = l->traits = rows;
  p->trait_size = sizeof *l->traits;
  if ((rc = check_options(l, path, err)) < 0 || (rc = check_signals(l, path, err)) < 0 || (rc = check_traits(l, path, err)) < 0)
    return rc;
  return check_endpoints(p->endpoints, path, err);
}

int bw_loaded_open(const char *path, struct bw_loaded *l, struct bw_error *err)
{
  const struct bw_plugin *(*entry)(void);
  void *symbol;
  if (!strchr(path, '/'))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "plugin %s: give its path, with a '/'", path);
  l->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!l->library)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "plugin cannot be loaded: %s", dlerror());
  symbol = dlsym(l->library, "basewatch_plugin");
  if (!symbol)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "plugin %s: it does not export basewatch_plugin()", path);
  memcpy(&entry, &symbol, sizeof entry);
  return bw_loaded_descriptor(entry(), path, l, err);
}

void bw_loaded_close(struct bw_loaded *l)
{
  free(l->options);
  free(l->signals);
  free(l->traits);
  if (l->library)
    dlclose(l->library);
  *l = (struct bw_loaded){0};
}
