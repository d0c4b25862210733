/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of signals and traits, from the watchers' descriptions.  Runs in core, replays and --check; no privileges. */
#include <jansson.h>
#include <stdlib.h>

#include "base/map.h"
#include "signals/private.h"

static const char *const directions[] = {"", "up", "down", "both", "unclear", "revival", "context"};
static const char *const urgencies[] = {"watch", "low", "medium", "high"};
#define COUNT(a) (sizeof(a) / sizeof *(a))

const char *bw_direction_name(uint32_t direction)
{
  return direction < COUNT(directions) ? directions[direction] : "";
}

const char *bw_urgency_name(uint32_t urgency)
{
  return urgency < COUNT(urgencies) ? urgencies[urgency] : "";
}

/* Descriptions carry words or the ABI's numbers. */
static int parse_word(const json_t *v, const char *const *names, size_t n, uint32_t *ret)
{
  size_t i;
  if (json_is_integer(v) && json_integer_value(v) >= 0 && (uint64_t)json_integer_value(v) < n) {
    *ret = (uint32_t)json_integer_value(v);
    return 0;
  }
  for (i = 0; json_is_string(v) && i < n; i++)
    if (names[i][0] && strcmp(names[i], json_string_value(v)) == 0) {
      *ret = (uint32_t)i;
      return 0;
    }
  return BW_EINVAL;
}

static char *text_of(const json_t *object, const char *key)
{
  const char *s = json_string_value(json_object_get(object, key));
  return bw_strdup(s ? s : "");
}

/* A name that rules can write: a letter, then letters, digits, underscores. */
static bool good_name(const char *s)
{
  size_t i;
  for (i = 0; s && s[i]; i++) {
    char c = s[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')) || i > 100)
      return false;
  }
  return s && s[0];
}

static void list_names(struct bw_catalog *c)
{
  size_t i;
  c->signal_names = bw_realloc(c->signal_names, c->nsignals + 1, sizeof *c->signal_names);
  for (i = 0; i < c->nsignals; i++)
    c->signal_names[i] = c->signals[i].name;
  c->signal_names[i] = NULL;
  c->trait_names = bw_realloc(c->trait_names, c->ntraits + 1, sizeof *c->trait_names);
  for (i = 0; i < c->ntraits; i++)
    c->trait_names[i] = c->traits[i].name;
  c->trait_names[i] = NULL;
}

static int find(const struct bw_map *m, struct bw_str name)
{
  return (int)(uintptr_t)bw_map_get(m, name) - 1;
}

/* The public rows point into the private ones: set again whenever these move. */
static void publish(struct bw_catalog *c)
{
  size_t i;
  for (i = 0; i < c->nsignals; i++) {
    struct signal_row *r = &c->signals[i];
    r->pub.name = r->name;
    r->pub.watcher = r->watcher;
    r->pub.play_types = r->play_types;
    r->pub.help = r->help;
  }
  for (i = 0; i < c->ntraits; i++) {
    struct trait_row *r = &c->traits[i];
    r->pub.name = r->name;
    r->pub.watcher = r->watcher;
    r->pub.unit = r->unit;
    r->pub.help = r->help;
  }
  list_names(c);
}

static struct signal_row *signal_add(struct bw_catalog *c, const char *name)
{
  struct signal_row *r;
  c->signals = bw_realloc(c->signals, c->nsignals + 1, sizeof *c->signals);
  r = &c->signals[c->nsignals++];
  *r = (struct signal_row){.name = bw_strdup(name)};
  bw_map_put(c->signal_index, bw_str(r->name), (void *)(uintptr_t)c->nsignals);
  return r;
}

struct bw_catalog *bw_catalog_new(void)
{
  struct bw_catalog *c = bw_alloc(sizeof *c);
  size_t i;
  c->signal_index = bw_map_new();
  c->trait_index = bw_map_new();
  for (i = 0; i < bw_nknown_signals; i++) {
    const struct bw_known_signal *k = &bw_known_signals[i];
    struct signal_row *r = signal_add(c, k->name);
    r->watcher = bw_strdup(k->watcher);
    r->play_types = bw_strdup(k->play_types);
    r->help = bw_strdup("");
    r->pub.direction = k->direction;
    r->pub.urgency = k->urgency;
  }
  publish(c);
  return c;
}

void bw_catalog_free(struct bw_catalog **cp)
{
  struct bw_catalog *c = *cp;
  size_t i;
  if (!c)
    return;
  for (i = 0; i < c->nsignals; i++) {
    free(c->signals[i].name);
    free(c->signals[i].watcher);
    free(c->signals[i].play_types);
    free(c->signals[i].help);
  }
  for (i = 0; i < c->ntraits; i++) {
    free(c->traits[i].name);
    free(c->traits[i].watcher);
    free(c->traits[i].unit);
    free(c->traits[i].help);
  }
  for (i = 0; i < c->nwatchers; i++) {
    free(c->watchers[i].name);
    free(c->watchers[i].signals);
    free(c->watchers[i].traits);
  }
  free(c->signals);
  free(c->traits);
  free(c->watchers);
  bw_map_free(&c->signal_index, NULL);
  bw_map_free(&c->trait_index, NULL);
  free(c->signal_names);
  free(c->trait_names);
  free(c);
  *cp = NULL;
}

/* One declared signal: the row of that name is filled, or refused where another watcher means something else by it. */
static int take_signal(struct bw_catalog *c, const char *watcher, const json_t *decl, uint32_t *ret_index, struct bw_error *err)
{
  const char *name = json_string_value(json_object_get(decl, "name"));
  uint32_t direction, urgency;
  struct signal_row *r;
  int at;
  if (!good_name(name))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "watcher %s declares a signal without a usable name (letters, digits, _)", watcher);
  if (parse_word(json_object_get(decl, "direction"), directions, COUNT(directions), &direction) || direction == 0)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "watcher %s, signal %s: direction is none of up, down, both, unclear, "
                   "revival, context",
                   watcher, name);
  if (parse_word(json_object_get(decl, "urgency"), urgencies, COUNT(urgencies), &urgency))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "watcher %s, signal %s: urgency is none of watch, low, medium, high",
                   watcher, name);
  at = find(c->signal_index, bw_str(name));
  if (at >= 0 && c->signals[at].pub.configured) {
    if (c->signals[at].pub.direction != direction)
      return bw_fail(err, BW_EEXIST, BW_CLASS_PERMANENT,
                     "signal %s is %s from watcher %s and %s from watcher %s: one of them must "
                     "use another name",
                     name, bw_direction_name(c->signals[at].pub.direction), c->signals[at].watcher,
                     bw_direction_name(direction), watcher);
    *ret_index = (uint32_t)at;
    return 0;
  }
  if (at < 0 && c->nsignals >= BW_CATALOG_MAX_TYPES)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "more than %d signal types", BW_CATALOG_MAX_TYPES);
  r = at >= 0 ? &c->signals[at] : signal_add(c, name);
  free(r->watcher);
  free(r->play_types);
  free(r->help);
  r->watcher = bw_strdup(watcher);
  r->play_types = text_of(decl, "play_types");
  r->help = text_of(decl, "help");
  r->pub.direction = direction;
  r->pub.urgency = urgency;
  r->pub.configured = true;
  *ret_index = (uint32_t)(r - c->signals);
  return 0;
}

static int take_trait(struct bw_catalog *c, const char *watcher, const json_t *decl, uint32_t *ret_index, struct bw_error *err)
{
  const char *name = json_string_value(json_object_get(decl, "name"));
  const json_t *type = json_object_get(decl, "type");
  bool is_text =
      json_is_string(type) ? strcmp(json_string_value(type), "string") == 0 : json_integer_value(type) == BW_VALUE_STRING;
  struct trait_row *r;
  char *full BW_AUTOFREE = NULL;
  int at;
  if (!good_name(name))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "watcher %s declares a trait without a usable name (letters, digits, _)",
                   watcher);
  full = bw_asprintf("%s.%s", watcher, name);
  at = find(c->trait_index, bw_str(full));
  if (at >= 0 && c->traits[at].pub.is_text != is_text)
    return bw_fail(err, BW_EEXIST, BW_CLASS_PERMANENT, "trait %s is declared twice, with different types", full);
  if (at < 0) {
    if (c->ntraits >= BW_CATALOG_MAX_TYPES)
      return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "more than %d traits", BW_CATALOG_MAX_TYPES);
    c->traits = bw_realloc(c->traits, c->ntraits + 1, sizeof *c->traits);
    r = &c->traits[c->ntraits];
    *r = (struct trait_row){.name = bw_strdup(full),
                            .watcher = bw_strdup(watcher),
                            .unit = text_of(decl, "unit"),
                            .help = text_of(decl, "help"),
                            .pub = {.is_text = is_text}};
    at = (int)c->ntraits++;
    bw_map_put(c->trait_index, bw_str(full), (void *)(uintptr_t)c->ntraits);
  }
  *ret_index = (uint32_t)at;
  return 0;
}

static int take(struct bw_catalog *c, const json_t *root, struct watcher_row *w, struct bw_error *err)
{
  const json_t *signals = json_object_get(root, "signals"), *traits = json_object_get(root, "traits");
  size_t i;
  w->kinds = (uint64_t)json_integer_value(json_object_get(root, "kinds"));
  w->nsignals = (uint32_t)json_array_size(signals);
  w->ntraits = (uint32_t)json_array_size(traits);
  if (w->nsignals > BW_CATALOG_MAX_TYPES || w->ntraits > BW_CATALOG_MAX_TYPES)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "watcher %s declares too many signals or traits", w->name);
  w->signals = bw_calloc(w->nsignals + 1, sizeof *w->signals);
  w->traits = bw_calloc(w->ntraits + 1, sizeof *w->traits);
  for (i = 0; i < w->nsignals; i++) {
    int rc = take_signal(c, w->name, json_array_get(signals, i), &w->signals[i], err);
    if (rc < 0)
      return rc;
  }
  for (i = 0; i < w->ntraits; i++) {
    int rc = take_trait(c, w->name, json_array_get(traits, i), &w->traits[i], err);
    if (rc < 0)
      return rc;
  }
  return 0;
}

int bw_catalog_add(struct bw_catalog *c, struct bw_str description, uint32_t *ret_watcher, struct bw_error *err)
{
  json_error_t why;
  json_t *root = json_loadb(description.data, description.len, 0, &why);
  const char *name = json_string_value(json_object_get(root, "name"));
  struct watcher_row w = {0};
  size_t i;
  int rc;
  if (!root || !good_name(name)) {
    json_decref(root);
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "a watcher's description is not usable: %s",
                   root ? "it has no name made of letters, digits and _" : why.text);
  }
  if (c->nwatchers >= BW_CATALOG_MAX_WATCHERS) {
    json_decref(root);
    return bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "more than %d watchers", BW_CATALOG_MAX_WATCHERS);
  }
  w.name = bw_strdup(name);
  w.plugin = (uint32_t)c->nwatchers;
  for (i = 0; i < c->nwatchers; i++)
    if (strcmp(c->watchers[i].name, name) == 0) {
      w.plugin = (uint32_t)i;
      break;
    }
  rc = take(c, root, &w, err);
  json_decref(root);
  publish(c); /* rows may have moved, even where it failed half-way */
  if (rc < 0) {
    free(w.name);
    free(w.signals);
    free(w.traits);
    return rc;
  }
  c->watchers = bw_realloc(c->watchers, c->nwatchers + 1, sizeof *c->watchers);
  c->watchers[c->nwatchers] = w;
  *ret_watcher = (uint32_t)c->nwatchers++;
  return 0;
}

size_t bw_catalog_signals(const struct bw_catalog *c)
{
  return c->nsignals;
}

size_t bw_catalog_traits(const struct bw_catalog *c)
{
  return c->ntraits;
}

uint64_t bw_catalog_kinds(const struct bw_catalog *c, size_t watcher)
{
  return watcher < c->nwatchers ? c->watchers[watcher].kinds : 0;
}

const struct bw_signal_type *bw_catalog_signal(const struct bw_catalog *c, size_t i)
{
  return i < c->nsignals ? &c->signals[i].pub : NULL;
}

const struct bw_trait_type *bw_catalog_trait(const struct bw_catalog *c, size_t i)
{
  return i < c->ntraits ? &c->traits[i].pub : NULL;
}

int bw_catalog_find_signal(const struct bw_catalog *c, struct bw_str name)
{
  return find(c->signal_index, name);
}

int bw_catalog_find_trait(const struct bw_catalog *c, struct bw_str name)
{
  return find(c->trait_index, name);
}

const char *const *bw_catalog_signal_names(const struct bw_catalog *c)
{
  return c->signal_names;
}

const char *const *bw_catalog_trait_names(const struct bw_catalog *c)
{
  return c->trait_names;
}
