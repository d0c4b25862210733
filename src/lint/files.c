/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the things that rules speak of stand: the files are read once more, as documents with positions; the compiled rules
 * have none.  Comments that accept a finding, too.  Runs on the command line and in core; reads the configuration directory.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lint/private.h"

#define MAX_FILES 1000
#define MAX_LINE 2000

struct comment {
  char *file, *rule, *reason;
  bool known;
  uint32_t line;
};

static void take_roots(struct bw_lint *l, const struct bw_node *root)
{
  size_t i, n = root->type == BW_NODE_LIST ? root->nitems : 0;
  l->roots = bw_realloc(l->roots, l->nroots + n + 1, sizeof *l->roots);
  for (i = 0; i < n; i++)
    l->roots[l->nroots++] = &root->items[i];
}

static void read_comment(struct bw_lint *l, const char *file, uint32_t line, char *text)
{
  static const char mark[] = "# lint: accept ";
  char *at = strstr(text, mark), *colon, *end;
  struct comment *c;
  if (!at)
    return;
  at += sizeof mark - 1;
  colon = strchr(at, ':');
  end = at + strcspn(at, "\r\n");
  *end = '\0';
  l->comments = bw_realloc(l->comments, l->ncomments + 1, sizeof *l->comments);
  c = &l->comments[l->ncomments++];
  *c = (struct comment){.file = bw_strdup(file), .line = line};
  if (colon)
    *colon++ = '\0';
  c->rule = bw_strdup(at);
  c->reason = bw_strdup(colon ? colon + strspn(colon, " ") : "");
}

static void read_comments(struct bw_lint *l, const char *path)
{
  FILE *f = fopen(path, "r");
  char line[MAX_LINE];
  uint32_t number = 0;
  while (f && fgets(line, sizeof line, f)) {
    number++;
    read_comment(l, path, number, line);
  }
  if (f)
    (void)fclose(f);
}

static int compare_names(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_in(const char *name, const char *suffix)
{
  size_t n = strlen(name), m = strlen(suffix);
  return n > m && strcmp(name + n - m, suffix) == 0;
}

static void read_folder(struct bw_lint *l, const char *folder, const char *suffix)
{
  char *path = bw_asprintf("%s/%s", l->dir, folder), **names = NULL;
  DIR *d = opendir(path);
  struct dirent *e;
  struct bw_complaints ignored = {0}; /* loading has said it */
  size_t n = 0, i;
  while (d && (e = readdir(d)) && n < MAX_FILES)
    if (e->d_name[0] != '.' && ends_in(e->d_name, suffix)) {
      names = bw_realloc(names, n + 1, sizeof *names);
      names[n++] = bw_asprintf("%s/%s", path, e->d_name);
    }
  if (d)
    (void)closedir(d);
  if (n)
    qsort(names, n, sizeof *names, compare_names);
  for (i = 0; i < n; i++) {
    struct bw_document *doc;
    read_comments(l, names[i]);
    if (strcmp(suffix, ".yaml") == 0 && bw_document_load(names[i], true, &doc, &ignored) == 0) {
      l->docs = bw_realloc(l->docs, l->ndocs + 1, sizeof *l->docs);
      l->docs[l->ndocs++] = doc;
      take_roots(l, bw_document_root(doc));
    }
    free(names[i]);
  }
  free(names);
  free(path);
  bw_complaints_clear(&ignored);
}

void lint_read_files(struct bw_lint *l)
{
  l->settings = bw_asprintf("%s/basewatch.yaml", l->dir);
  read_comments(l, l->settings);
  read_folder(l, "watchers", ".yaml");
  read_folder(l, "plays", ".yaml");
  read_folder(l, "routes", ".yaml");
  read_folder(l, "templates", ".txt");
}

void lint_free_files(struct bw_lint *l)
{
  size_t i;
  free(l->settings);
  for (i = 0; i < l->ndocs; i++)
    bw_document_free(&l->docs[i]);
  free(l->docs);
  free(l->roots);
  for (i = 0; i < l->ncomments; i++) {
    free(l->comments[i].file);
    free(l->comments[i].rule);
    free(l->comments[i].reason);
  }
  free(l->comments);
}

const char *lint_comment(struct bw_lint *l, const char *file, const char *rule)
{
  size_t i;
  for (i = 0; file && i < l->ncomments; i++)
    if (l->comments[i].reason[0] && strcmp(l->comments[i].rule, rule) == 0 && strcmp(l->comments[i].file, file) == 0)
      return l->comments[i].reason;
  return NULL;
}

void check_comments(struct bw_lint *l)
{
  size_t i, k;
  for (i = 0; i < l->ncomments; i++) {
    const struct comment *c = &l->comments[i];
    for (k = 0; k < lint_nrules && strcmp(lint_rules[k].pub.name, c->rule) != 0; k++)
      ;
    if (k == lint_nrules)
      lint_find(l, (struct where){c->file, c->line, 1}, "there is no rule \"%s\" that a comment could accept", c->rule);
    else if (!c->reason[0])
      lint_find(l, (struct where){c->file, c->line, 1}, "this comment accepts %s and gives no reason, so it does not count",
                c->rule);
  }
}

/* ---- positions ---- */

struct where lint_node(const struct bw_node *n)
{
  return (struct where){n->file, n->line, n->column};
}

struct where lint_main(const struct bw_lint *l)
{
  return (struct where){l->settings, 1, 1};
}

struct where lint_at(const struct lint_play *p, const char *key)
{
  const struct bw_node *n = p->root;
  char part[40];
  while (n && *key) {
    size_t len = strcspn(key, ".");
    const struct bw_node *next;
    (void)snprintf(part, sizeof part, "%.*s", (int)len, key);
    next = n->type == BW_NODE_MAP ? bw_node_get(n, part) : NULL;
    if (!next)
      break;
    n = next;
    key += len + (key[len] == '.');
  }
  return n && n != p->root ? lint_node(n) : (struct where){p->info.file, p->info.line, p->info.column};
}

const struct bw_node *lint_watcher(const struct bw_lint *l, const char *name)
{
  size_t i;
  for (i = 0; i < l->nroots; i++) {
    const struct bw_node *n = l->roots[i]->type == BW_NODE_MAP ? bw_node_get(l->roots[i], "watcher") : NULL;
    if (n && bw_str_is(n->text, name))
      return l->roots[i];
  }
  return NULL;
}

/* A document of plays/ by its first key and the name there. */
static const struct bw_node *find_root(const struct bw_lint *l, const char *key, const char *name)
{
  size_t i;
  for (i = 0; i < l->nroots; i++) {
    const struct bw_node *n = l->roots[i]->type == BW_NODE_MAP ? bw_node_get(l->roots[i], key) : NULL;
    if (n && bw_str_is(n->text, name) && (strcmp(key, "gates") != 0 || !bw_node_get(l->roots[i], "play")))
      return l->roots[i];
  }
  return NULL;
}

static struct where gate_at(const struct bw_lint *l, const struct lint_play *p, const struct bw_gate_info *g)
{
  const struct bw_node *root = g->from ? find_root(l, "gates", g->from) : p->root, *list;
  size_t i;
  list = root ? bw_node_get(root, g->from ? "list" : "gates") : NULL;
  for (i = 0; list && i < list->nitems; i++) {
    const struct bw_node *item = &list->items[i], *name = item->type == BW_NODE_MAP ? bw_node_get(item, "name") : NULL;
    if (name && bw_str_is(name->text, g->name)) {
      const struct bw_node *require = bw_node_get(item, "require");
      return lint_node(require ? require : item);
    }
  }
  return lint_at(p, "gates");
}

static void read_play(struct bw_lint *l, struct lint_play *p)
{
  struct bw_gate_info g;
  size_t i;
  p->root = find_root(l, "play", p->info.name);
  p->expansion = strcmp(p->info.motion, "expansion") == 0;
  p->seen = p->info.mode != BW_MODE_SHADOW;
  (void)bw_play_rules(l->setup->plays, p->index, &p->rules);
  for (i = 0; bw_gates_at(l->setup->plays, p->index, i, &g); i++) {
    p->gates = bw_realloc(p->gates, i + 1, sizeof *p->gates);
    p->gates[i] = (struct lint_gate){g, term_read(g.require), gate_at(l, p, &g)};
    p->ngates = i + 1;
  }
}

void lint_read_plays(struct bw_lint *l)
{
  size_t i;
  l->nplays = bw_plays_count(l->setup->plays);
  l->plays = bw_calloc(l->nplays, sizeof *l->plays);
  for (i = 0; i < l->nplays; i++) {
    l->plays[i].index = i;
    (void)bw_plays_at(l->setup->plays, i, &l->plays[i].info);
    read_play(l, &l->plays[i]);
  }
}
