/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading plays and routes from files, and the checks that need all of them.  Core, replays and --check; reads the
 * configuration directory.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "rules/private.h"

#define MAX_FILES 1000

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
    if (e->d_name[0] == '.' || bw_config_misnamed(dir, e->d_name, l->complaints) || len < 6 ||
        strcmp(e->d_name + len - 5, ".yaml") != 0)
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
    if (bw_document_load(f.paths[i], true, &docs[i], l->complaints) < 0)
      l->unread = true; /* why is among the complaints */
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

/* ---- templates ---- */

/* The names in templates/, without ending and language, NULL-terminated; partials are none.  NULL: no such folder, so that
   there is nothing to compare with. */
static char **template_names(const struct loader *l)
{
  char *dir BW_AUTOFREE = bw_asprintf("%s/templates", l->dir), **names;
  DIR *d = opendir(dir);
  const struct dirent *e;
  size_t n = 0;
  if (!d)
    return NULL;
  names = bw_calloc(MAX_FILES + 1, sizeof *names);
  while (n < MAX_FILES && (e = readdir(d)))
    if (e->d_name[0] != '.' && e->d_name[0] != '_')
      names[n++] = bw_strndup(e->d_name, strcspn(e->d_name, "."));
  closedir(d);
  return names;
}

static void check_template(struct loader *l, const char *name, struct bw_node at)
{
  char **names = l->templates;
  const char *near;
  size_t i;
  if (strchr(name, '/') || name[0] == '.') {
    bw_complain(l->complaints, &at, "a template is named without its folder and ending: seat-expansion");
    return;
  }
  for (i = 0; name[0] && names && names[i] && strcmp(names[i], name) != 0; i++)
    ;
  if (!name[0] || !names || names[i])
    return;
  near = bw_nearest(bw_str(name), (const char *const *)names);
  bw_complain(l->complaints, &at, "there is no template \"%s\" in templates/%s%s%s", name, near ? "; did you mean " : "",
              near ? near : "", near ? "?" : "");
}

static void check_otherwise(struct loader *l, const struct otherwise *o)
{
  struct bw_node at = {.file = o->file, .line = o->line, .column = o->column};
  if (o->template_name)
    check_template(l, o->template_name, at);
}

static void check_templates(struct loader *l)
{
  size_t i, k;
  l->templates = template_names(l);
  for (i = 0; i < l->p->ngate_lists; i++)
    for (k = 0; k < l->p->gate_lists[i].n; k++)
      check_otherwise(l, &l->p->gate_lists[i].items[k].otherwise);
  for (i = 0; i < l->p->nplays; i++) {
    const struct play *p = &l->p->plays[i];
    struct bw_node at = {.file = p->file, .line = p->template_line, .column = p->template_column};
    check_template(l, p->template_name, at);
    at.line = p->readiness.template_line;
    at.column = p->readiness.template_column;
    if (p->readiness.template_name)
      check_template(l, p->readiness.template_name, at);
    check_otherwise(l, &p->floor_otherwise);
    for (k = 0; k < p->gates.n; k++)
      if (!p->gates.items[k].shared)
        check_otherwise(l, &p->gates.items[k].otherwise);
  }
  for (i = 0; l->templates && l->templates[i]; i++)
    free(l->templates[i]);
  free(l->templates);
}

/* ---- a whole set ---- */

int bw_plays_read(const char *dir, const struct bw_catalog *catalog, const char *timezone, struct bw_complaints *complaints,
                  struct bw_plays **ret_plays)
{
  static const take_fn routes_passes[] = {bw_load_routes_document};
  static const take_fn plays_passes[] = {bw_load_shared_document, bw_load_plays_document};
  struct bw_plays *p = bw_alloc(sizeof *p);
  struct loader l = {.p = p, .complaints = complaints, .dir = dir, .timezone = timezone};
  size_t before = complaints->count;
  p->catalog = catalog;
  p->names = bw_names_new(catalog);
  p->triggers = bw_calloc(bw_catalog_signals(catalog) + 1, sizeof *p->triggers);
  bw_names_judged(p->names, true); /* who gets a lead is not what is written to anybody */
  load_folder(&l, "routes", routes_passes, 1);
  bw_load_routes_finish(&l);
  bw_names_judged(p->names, false);
  bw_load_builtin_readiness(&l);
  load_folder(&l, "plays", plays_passes, 2);
  check_templates(&l);
  *ret_plays = p;
  return complaints->count == before ? 0 : BW_EINVAL;
}

int bw_plays_load(const char *dir, const struct bw_catalog *catalog, struct bw_complaints *complaints,
                  struct bw_plays **ret_plays)
{
  struct bw_plays *p;
  int rc = bw_plays_read(dir, catalog, NULL, complaints, &p);
  if (rc < 0)
    bw_plays_free(&p);
  else
    *ret_plays = p;
  return rc;
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
