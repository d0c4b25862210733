/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading plays and routes from files, and the checks that need all of them.  Core, replays and --check; reads the
 * configuration directory.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

#define MAX_FILES 1000

/* ---- helpers for both kinds of document ---- */

static size_t offset_of(struct bw_str source, struct bw_expr_position p)
{
  size_t at = 0;
  uint32_t line = 1;
  while (at < source.len && line < p.line)
    line += source.data[at++] == '\n';
  return at + p.column - 1;
}

/* One character of the file, counting lines and columns. */
static int step(FILE *f, struct bw_node *n)
{
  int c = getc(f);
  n->column++;
  if (c == '\n') {
    n->line++;
    n->column = 1;
  }
  return c;
}

static int peek(FILE *f)
{
  int c = getc(f);
  ungetc(c, f);
  return c;
}

/*
 * Where a place within an expression stands in the file.  YAML takes quotes off, joins lines and removes indentation, so the
 * file is walked beside the text; where the two part (an escape), the place reached so far is told.
 */
static struct bw_node inside(const struct bw_node *at, struct bw_expr_position p)
{
  size_t target = offset_of(at->text, p), i = 0;
  struct bw_node n = {.file = at->file, .line = 1, .column = 1};
  FILE *f = at->file ? fopen(at->file, "r") : NULL;
  if (!f)
    return *at;
  while ((n.line < at->line || (n.line == at->line && n.column < at->column)) && step(f, &n) != EOF)
    ;
  while (peek(f) == ' ' && at->text.len && at->text.data[0] != ' ') /* the indentation of a block */
    step(f, &n);
  if (n.line == at->line && (peek(f) == '"' || peek(f) == '\'') && at->text.len && peek(f) != at->text.data[0])
    step(f, &n);
  while (i < target && i < at->text.len) {
    int c = peek(f);
    bool line_end = c == '\n' && (at->text.data[i] == ' ' || at->text.data[i] == '\n');
    if (c == EOF || (!line_end && c != (unsigned char)at->text.data[i]))
      break;
    step(f, &n);
    i++;
    while (line_end && peek(f) == ' ')
      step(f, &n);
  }
  fclose(f);
  return n;
}

struct bw_expr *bw_load_expr(struct loader *l, const struct bw_node *at, enum bw_type want, enum bw_level level)
{
  struct bw_expr_position pos = {1, 1};
  struct bw_error err = {0};
  struct bw_expr *e = NULL;
  struct bw_node where;
  if (at->type == BW_NODE_LIST || at->type == BW_NODE_MAP || at->type == BW_NODE_NULL) {
    bw_complain(l->complaints, at, "an expression should stand here, such as account.acv >= 10000");
    return NULL;
  }
  if (bw_names_compile(l->p->names, at->text, want, level, &e, &pos, &err) < 0) {
    where = inside(at, pos);
    bw_complain(l->complaints, &where, "%s (in the expression: %.*s)", err.message,
                (int)(at->text.len > 120 ? 120 : at->text.len), at->text.data);
    return NULL;
  }
  return e;
}

struct bw_expr *bw_load_builtin(struct loader *l, const char *text, enum bw_type want, enum bw_level level)
{
  struct bw_expr *e = NULL;
  return bw_names_compile(l->p->names, bw_str(text), want, level, &e, NULL, NULL) < 0 ? NULL : e;
}

void bw_load_known_keys(struct loader *l, const struct bw_node *map, const char *const *names)
{
  size_t i, j;
  for (i = 0; i < map->nitems; i++) {
    const struct bw_node *n = &map->items[i];
    const char *near;
    for (j = 0; names[j] && !bw_str_is(n->key, names[j]); j++)
      ;
    if (names[j])
      continue;
    near = bw_nearest(n->key, names);
    bw_complain_key(l->complaints, n, "unknown key \"%.*s\"%s%s%s", (int)(n->key.len > 60 ? 60 : n->key.len), n->key.data,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  }
}

char *bw_load_text(struct loader *l, const struct bw_node *map, const char *key, const char *missing)
{
  const struct bw_node *n = bw_node_get(map, key);
  if (!n || n->type == BW_NODE_NULL) {
    if (!missing)
      bw_complain(l->complaints, map, "\"%s\" is missing", key);
    return bw_strdup(missing ? missing : "");
  }
  if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP) {
    bw_complain(l->complaints, n, "\"%s\" should be text", key);
    return bw_strdup("");
  }
  if (n->text.len > 4096 || memchr(n->text.data, 0, n->text.len)) {
    bw_complain(l->complaints, n, "\"%s\" is too long, or holds a zero byte", key);
    return bw_strdup("");
  }
  return bw_str_dup(n->text);
}

bool bw_expr_is_alike(const struct bw_expr *e)
{
  static const char *const differ[] = {"triggered", "score", "estimate", "priority"};
  struct bw_str name;
  size_t i, k;
  for (i = 0; e && bw_expr_name_at(e, i, &name, NULL, NULL); i++)
    for (k = 0; k < sizeof differ / sizeof *differ; k++)
      if (bw_str_is(name, differ[k]))
        return false;
  return e != NULL;
}

bool bw_load_number(struct loader *l, const struct bw_node *n, double min, double max, double *ret)
{
  if (n->type == BW_NODE_NUMBER && n->number >= min && n->number <= max) {
    *ret = n->number;
    return true;
  }
  bw_complain(l->complaints, n, "a number from %g to %g should stand here", min, max);
  return false;
}

int bw_load_route_name(struct loader *l, const struct bw_node *n)
{
  char *name BW_AUTOFREE = bw_str_dup(n->text);
  int at = n->type == BW_NODE_STRING ? bw_find_route(l->p, name) : -1;
  if (at < 0)
    bw_complain(l->complaints, n, "there is no route \"%s\" in routes/", n->text.len < 60 ? name : "(a long text)");
  return at;
}

bool bw_load_duration(struct loader *l, const struct bw_node *at, int64_t *ret_ms)
{
  int64_t ms;
  if (at->type == BW_NODE_LIST || at->type == BW_NODE_MAP || bw_duration_parse(at->text, &ms) < 0 || ms < 0 ||
      ms > 3660 * BW_DAY) {
    bw_complain(l->complaints, at, "a duration should stand here: 4h, 24h, 30d");
    return false;
  }
  *ret_ms = ms;
  return true;
}

int bw_find_route(const struct bw_plays *p, const char *name)
{
  size_t i;
  for (i = 0; i < p->nroutes; i++)
    if (strcmp(p->routes[i].name, name) == 0)
      return (int)i;
  return -1;
}

int bw_find_role(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->nroles; i++)
    if (bw_str_is(name, p->roles[i].name))
      return (int)i;
  return -1;
}

/* ---- files ---- */

struct files {
  char **paths;
  size_t n;
};

static int by_path(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void complain_file(struct loader *l, const char *path, const char *what)
{
  struct bw_node at = {.file = path, .line = 1, .column = 1};
  bw_complain(l->complaints, &at, "%s", what);
}

static void list_files(struct loader *l, const char *sub, struct files *f)
{
  char *dir BW_AUTOFREE = bw_asprintf("%s/%s", l->dir, sub);
  DIR *d = opendir(dir);
  const struct dirent *e;
  if (!d) {
    if (errno != ENOENT)
      complain_file(l, dir, "this folder cannot be read");
    return;
  }
  while ((e = readdir(d)) && f->n < MAX_FILES) {
    size_t len = strlen(e->d_name);
    if (e->d_name[0] == '.' || len < 6 || strcmp(e->d_name + len - 5, ".yaml") != 0)
      continue;
    f->paths = bw_realloc(f->paths, f->n + 1, sizeof *f->paths);
    f->paths[f->n++] = bw_asprintf("%s/%s", dir, e->d_name);
  }
  closedir(d);
  if (f->n)
    qsort(f->paths, f->n, sizeof *f->paths, by_path);
}

static void free_files(struct files *f)
{
  size_t i;
  for (i = 0; i < f->n; i++)
    free(f->paths[i]);
  free(f->paths);
}

typedef void (*take_fn)(struct loader *l, const struct bw_node *root);

/* Each pass goes over all documents of the folder, in order of file name. */
static void load_folder(struct loader *l, const char *sub, const take_fn *passes, size_t npasses)
{
  struct files f = {0};
  struct bw_document **docs;
  size_t i, j, pass;
  list_files(l, sub, &f);
  docs = bw_calloc(f.n + 1, sizeof *docs);
  for (i = 0; i < f.n; i++)
    (void)bw_document_load(f.paths[i], true, &docs[i], l->complaints); /* what went wrong is among the complaints */
  for (pass = 0; pass < npasses; pass++)
    for (i = 0; i < f.n; i++) {
      const struct bw_node *root = docs[i] ? bw_document_root(docs[i]) : NULL;
      for (j = 0; root && root->type == BW_NODE_LIST && j < root->nitems; j++)
        if (root->items[j].type != BW_NODE_NULL) /* an empty document */
          passes[pass](l, &root->items[j]);
    }
  for (i = 0; i < f.n; i++)
    bw_document_free(&docs[i]);
  free(docs);
  free_files(&f);
}

/* templates/NAME.* exists; without a templates folder there is nothing to compare with. */
static int template_exists(const struct loader *l, const char *name)
{
  char *dir BW_AUTOFREE = bw_asprintf("%s/templates", l->dir);
  DIR *d = opendir(dir);
  const struct dirent *e;
  size_t len = strlen(name);
  int found = 0;
  if (!d)
    return -1;
  while (!found && (e = readdir(d)))
    found = strncmp(e->d_name, name, len) == 0 && (e->d_name[len] == '.' || e->d_name[len] == '\0');
  closedir(d);
  return found;
}

static void check_template(struct loader *l, const char *name, struct bw_node at)
{
  if (strchr(name, '/') || name[0] == '.')
    bw_complain(l->complaints, &at, "a template is named without its folder and ending: seat-expansion");
  else if (name[0] && template_exists(l, name) == 0)
    bw_complain(l->complaints, &at, "there is no template \"%s\" in templates/", name);
}

static void check_templates(struct loader *l)
{
  size_t i;
  for (i = 0; i < l->p->nplays; i++) {
    const struct play *p = &l->p->plays[i];
    struct bw_node at = {.file = p->file, .line = p->template_line, .column = p->template_column};
    check_template(l, p->template_name, at);
    at.line = p->readiness.template_line;
    at.column = p->readiness.template_column;
    if (p->readiness.template_name)
      check_template(l, p->readiness.template_name, at);
  }
}

int bw_plays_load(const char *dir, const struct bw_catalog *catalog, struct bw_complaints *complaints,
                  struct bw_plays **ret_plays)
{
  static const take_fn routes_passes[] = {bw_load_routes_document};
  static const take_fn plays_passes[] = {bw_load_shared_document, bw_load_plays_document};
  struct bw_plays *p = bw_alloc(sizeof *p);
  struct loader l = {.p = p, .complaints = complaints, .dir = dir};
  size_t before = complaints->count;
  p->catalog = catalog;
  p->names = bw_names_new(catalog);
  p->triggers = bw_calloc(bw_catalog_signals(catalog) + 1, sizeof *p->triggers);
  load_folder(&l, "routes", routes_passes, 1);
  bw_load_routes_finish(&l);
  bw_load_builtin_readiness(&l);
  load_folder(&l, "plays", plays_passes, 2);
  check_templates(&l);
  if (complaints->count != before) {
    bw_plays_free(&p);
    return BW_EINVAL;
  }
  *ret_plays = p;
  return 0;
}

void bw_plays_free(struct bw_plays **pp)
{
  struct bw_plays *p = *pp;
  size_t i;
  if (!p)
    return;
  for (i = 0; i < p->nplays; i++)
    bw_play_clear(&p->plays[i]);
  for (i = 0; i < p->nroutes; i++)
    bw_route_clear(&p->routes[i]);
  for (i = 0; i < p->nroles; i++)
    bw_role_clear(&p->roles[i]);
  bw_roster_clear(&p->roster);
  for (i = 0; i < p->ngate_lists; i++)
    bw_gate_list_clear(&p->gate_lists[i]);
  for (i = 0; i < p->nreadinesses; i++)
    bw_readiness_clear(&p->readinesses[i]);
  bw_readiness_clear(&p->builtin);
  bw_journey_clear(&p->journey);
  free(p->readinesses);
  free(p->gate_lists);
  free(p->plays);
  free(p->routes);
  free(p->roles);
  free(p->triggers);
  bw_names_free(&p->names);
  free(p);
  *pp = NULL;
}

/* ---- what others may know ---- */

size_t bw_plays_count(const struct bw_plays *p)
{
  return p->nplays;
}

bool bw_plays_at(const struct bw_plays *p, size_t i, struct bw_play_info *ret_info)
{
  const struct play *play;
  if (i >= p->nplays)
    return false;
  play = &p->plays[i];
  *ret_info = (struct bw_play_info){.name = play->name,
                                    .family = play->family,
                                    .motion = play->motion,
                                    .type = play->type,
                                    .route = play->route_name,
                                    .template_name = play->template_name,
                                    .angle = play->angle,
                                    .title = play->title,
                                    .mode = play->mode,
                                    .file = play->file,
                                    .line = play->line,
                                    .column = play->column,
                                    .template_line = play->template_line,
                                    .template_column = play->template_column};
  return true;
}

int bw_plays_find(const struct bw_plays *p, struct bw_str name)
{
  size_t i;
  for (i = 0; i < p->nplays; i++)
    if (bw_str_is(name, p->plays[i].name))
      return (int)i;
  return -1;
}

double bw_plays_weight(const struct bw_plays *p, size_t play, uint32_t signal_type)
{
  size_t i;
  for (i = 0; play < p->nplays && i < p->plays[play].nweights; i++)
    if (p->plays[play].weights[i].signal == signal_type)
      return p->plays[play].weights[i].weight;
  return 0;
}

const char *bw_mode_name(enum bw_mode mode)
{
  static const char *const names[] = {"shadow", "pilot", "live"};
  return (size_t)mode < 3 ? names[mode] : "";
}
