/* SPDX-License-Identifier: Apache-2.0 */
/* How a written name is understood, and what is said of one that there is not.  Runs wherever rules are read; no privileges. */
#include <stdio.h>
#include <stdlib.h>

#include "names/private.h"

const struct root_row *const bw_roots[R_TRAIT] = {
    [R_ACCOUNT] = &bw_root_account,   [R_SUBSCRIPTION] = &bw_root_subscription,
    [R_PLAN] = &bw_root_plan,         [R_NEXT_PLAN] = &bw_root_next_plan,
    [R_CHAMPION] = &bw_root_champion, [R_BUYER] = &bw_root_economic_buyer,
    [R_SPONSOR] = &bw_root_sponsor,   [R_LEAD] = &bw_root_lead,
    [R_TOP] = &bw_root_top,
};

void bw_name_clear(struct env_name *n)
{
  free(n->key);
  free(n->rest);
  free(n->text);
  *n = (struct env_name){0};
}

/* Parts from..to joined with dots. */
static char *join(const struct bw_path *p, size_t from, size_t to)
{
  struct bw_buf b = {0};
  size_t i;
  for (i = from; i < to; i++) {
    if (i > from)
      bw_buf_add_char(&b, '.');
    bw_buf_add_str(&b, p->part[i]);
  }
  bw_buf_cstr(&b);
  return b.data;
}

static int unknown(struct bw_error *err, struct bw_str given, const char *what, const char *near, const char *else_say)
{
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "there is no %s \"%.*s\"%s%s%s", what,
                 (int)(given.len > 80 ? 80 : given.len), given.data,
                 near          ? "; did you mean "
                 : else_say[0] ? "; "
                               : "",
                 near ? near : else_say, near ? "?" : "");
}

static bool wildcard(const struct name_row *row)
{
  size_t n = strlen(row->name);
  return n > 2 && strcmp(row->name + n - 2, ".*") == 0;
}

static const char *nearest_row(const struct root_row *root, struct bw_str word)
{
  const char **names BW_AUTOFREE = bw_calloc(root->nrows + 1, sizeof *names);
  size_t i;
  for (i = 0; i < root->nrows; i++)
    names[i] = root->rows[i].name;
  return bw_nearest(word, names);
}

static enum bw_level level_of(enum root root, const char *name)
{
  if (root == R_LEAD)
    return BW_LEVEL_TEMPLATE;
  if (root != R_TOP)
    return BW_LEVEL_GATES;
  return strcmp(name, "score") == 0      ? BW_LEVEL_SCORED
         : strcmp(name, "estimate") == 0 ? BW_LEVEL_ESTIMATED
         : strcmp(name, "priority") == 0 ? BW_LEVEL_ALL
                                         : BW_LEVEL_GATES;
}

static int too_early(struct bw_error *err, const char *name, enum root root)
{
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG,
                 root == R_LEAD ? "%s is known only in templates, when the lead exists"
                                : "%s is not known yet at this place: gates come first, then score, estimate, floor, priority, "
                                  "route and review",
                 name);
}

static int parse_fixed(const struct bw_path *p, enum root root, enum bw_level level, struct env_name *n, size_t *ret_used,
                       struct bw_error *err)
{
  const struct root_row *r = bw_roots[root];
  size_t first = root == R_TOP ? 0 : 1, i;
  const char *near;
  char *full BW_AUTOFREE = NULL;
  if (p->n <= first)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "%s alone is no value; name a part of it, such as %s.%s", r->name,
                   r->name, r->rows[0].name);
  for (i = 0; i < r->nrows; i++) {
    const struct name_row *row = &r->rows[i];
    bool more = wildcard(row);
    struct bw_str name = bw_str_n(row->name, strlen(row->name) - (more ? 2 : 0));
    if (!bw_str_eq(p->part[first], name) || (more && p->n == first + 1))
      continue;
    if (level < level_of(root, row->name))
      return too_early(err, root == R_TOP ? row->name : r->name, root);
    n->root = root;
    n->row = row;
    n->type = row->type;
    *ret_used = more ? p->n : first + 1;
    if (more)
      n->key = join(p, strcmp(row->name, "custom.*") == 0 ? first + 1 : first, p->n);
    n->text = join(p, 0, *ret_used);
    return 0;
  }
  near = nearest_row(r, p->part[first]);
  full = join(p, 0, first + 1);
  if (near && first)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "there is no name \"%s\"; did you mean %s.%s?", full, r->name, near);
  return unknown(err, bw_str(full), "name", near,
                 root < R_LEAD ? "a field of your own is written with custom, as in account.custom.region" : "");
}

static int parse_trait(const struct bw_catalog *c, const struct bw_path *p, struct env_name *n, size_t *ret_used,
                       struct bw_error *err)
{
  char *name BW_AUTOFREE = NULL;
  const struct bw_trait_type *type;
  int at;
  if (p->n < 3)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "a trait is named by its watcher and itself, as in trait.usage.dau_mau");
  name = join(p, 1, 3);
  at = bw_catalog_find_trait(c, bw_str(name));
  if (at < 0)
    return unknown(err, bw_str(name), "trait", bw_nearest(bw_str(name), bw_catalog_trait_names(c)),
                   "a trait is there only if its watcher is configured");
  type = bw_catalog_trait(c, (size_t)at);
  n->root = R_TRAIT;
  n->type_index = (uint32_t)at;
  n->type = type->is_text ? BW_TYPE_STRING : BW_TYPE_DOUBLE;
  n->key = p->n > 3 ? join(p, 3, p->n) : NULL;
  n->text = join(p, 0, p->n);
  *ret_used = p->n;
  return 0;
}

static const struct part_row {
  const char *name;
  enum signal_part part;
  enum bw_type type;
} parts[] = {{"value", PART_VALUE, BW_TYPE_DOUBLE},       {"threshold", PART_THRESHOLD, BW_TYPE_DOUBLE},
             {"strength", PART_STRENGTH, BW_TYPE_DOUBLE}, {"peak", PART_PEAK, BW_TYPE_DOUBLE},
             {"opened", PART_OPENED, BW_TYPE_TIMESTAMP},  {"updated", PART_UPDATED, BW_TYPE_TIMESTAMP},
             {"evidence", PART_EVIDENCE, BW_TYPE_ANY}};

static const struct part_row *find_part(struct bw_str name)
{
  size_t i;
  for (i = 0; i < sizeof parts / sizeof *parts; i++)
    if (bw_str_is(name, parts[i].name))
      return &parts[i];
  return NULL;
}

/* Whether a list such as "used limit *_ratio" has the name. */
static bool in_list(const char *list, struct bw_str name)
{
  for (; *list; list += strspn(list, " ")) {
    struct bw_str item = bw_str_n(list, strcspn(list, " "));
    list += item.len;
    if (bw_str_eq(item, name))
      return true;
    if (item.data[0] == '*' && name.len > item.len &&
        memcmp(name.data + name.len - item.len + 1, item.data + 1, item.len - 1) == 0)
      return true;
  }
  return false;
}

/* Where it is known what the signal's evidence holds, nothing else is there to be asked for. */
static int check_evidence(const struct bw_signal_type *type, struct bw_str item, struct bw_error *err)
{
  const char *holds = bw_signal_evidence(type);
  if (!holds || in_list(holds, item))
    return 0;
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "the evidence of %s never holds \"%.*s\"; it may hold: %s", type->name,
                 (int)(item.len > 80 ? 80 : item.len), item.data, holds);
}

static int parse_signal(const struct bw_catalog *c, const struct bw_path *p, struct env_name *n, size_t *ret_used,
                        struct bw_error *err)
{
  const struct part_row *part = NULL;
  size_t at = 2;
  int type = p->n >= 2 ? bw_catalog_find_signal(c, p->part[1]) : -1;
  if (p->n < 2)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "a signal is named by its type, as in signal.seat_limit");
  if (type < 0)
    return unknown(err, p->part[1], "signal", bw_nearest(p->part[1], bw_catalog_signal_names(c)), "");
  n->root = R_SIGNAL;
  n->type_index = (uint32_t)type;
  n->type = BW_TYPE_SIGNAL;
  if (at < p->n && !(part = find_part(p->part[at]))) {
    n->key = bw_str_dup(p->part[at++]);
    part = at < p->n ? find_part(p->part[at]) : NULL;
    if (at < p->n && !part) {
      bw_name_clear(n);
      return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG,
                     "a signal has no part \"%.*s\"; its parts are value, threshold, strength, peak, opened, updated, evidence",
                     (int)(p->part[at].len > 80 ? 80 : p->part[at].len), p->part[at].data);
    }
  }
  if (part) {
    n->part = part->part;
    n->type = part->type;
    at++;
    if (part->part == PART_EVIDENCE) {
      if (at == p->n) {
        bw_name_clear(n);
        return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG,
                       "evidence is named down to the value: signal.seat_limit.evidence.seats_used");
      }
      if (check_evidence(bw_catalog_signal(c, n->type_index), p->part[at], err) < 0) {
        bw_name_clear(n);
        return BW_ENOTFOUND;
      }
      n->rest = join(p, at, p->n);
      at = p->n;
    }
  }
  n->text = join(p, 0, at);
  *ret_used = at;
  return 0;
}

int bw_name_parse(const struct bw_catalog *catalog, const struct bw_path *path, enum bw_level level, struct env_name *ret_name,
                  size_t *ret_used, struct bw_error *err)
{
  static const char *const root_names[] = {"account", "subscription", "plan",     "next_plan", "champion", "economic_buyer",
                                           "sponsor", "lead",         "trait",    "signal",    "now",      "score",
                                           "density", "estimate",     "priority", "triggered", NULL};
  struct env_name n = {0};
  const char *near;
  size_t i;
  int rc = BW_ENOTFOUND;
  if (path->n == 0)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "an empty name");
  if (bw_str_is(path->part[0], "trait"))
    rc = parse_trait(catalog, path, &n, ret_used, err);
  else if (bw_str_is(path->part[0], "signal"))
    rc = parse_signal(catalog, path, &n, ret_used, err);
  else {
    enum root root = R_TOP;
    for (i = 0; i < R_TRAIT; i++)
      if (bw_roots[i]->name[0] && bw_str_is(path->part[0], bw_roots[i]->name))
        root = (enum root)i;
    for (i = 0; root == R_TOP && i < bw_roots[R_TOP]->nrows; i++)
      if (bw_str_is(path->part[0], bw_roots[R_TOP]->rows[i].name))
        break;
    if (root == R_TOP && i == bw_roots[R_TOP]->nrows) {
      near = bw_nearest(path->part[0], root_names);
      return unknown(
          err, path->part[0], "name", near,
          "names begin with account, subscription, plan, next_plan, champion, economic_buyer, sponsor, trait, signal or lead");
    }
    rc = parse_fixed(path, root, level, &n, ret_used, err);
  }
  if (rc == 0)
    *ret_name = n;
  return rc;
}

static bool name_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int path_parse(struct bw_str text, struct bw_path *ret_path, struct bw_error *err)
{
  struct bw_path p = {.n = 0};
  size_t i = 0, from;
  while (i < text.len) {
    char close = '\0';
    if (p.n == BW_EXPR_MAX_PATH)
      return bw_fail(err, BW_ELIMIT, BW_CLASS_CONFIG, "this name has more than %d parts", BW_EXPR_MAX_PATH);
    if (p.n && text.data[i] == '[') {
      close = ']';
      i++;
      if (i < text.len && (text.data[i] == '"' || text.data[i] == '\''))
        close = text.data[i++];
    } else if (p.n) {
      if (text.data[i++] != '.')
        break;
    }
    from = i;
    while (i < text.len && (close ? text.data[i] != close : name_char(text.data[i])))
      i++;
    if (i == from || (close && i == text.len))
      break;
    p.part[p.n++] = bw_str_n(text.data + from, i - from);
    if (!close)
      continue;
    i++;
    if (close != ']' && (i == text.len || text.data[i++] != ']'))
      break;
    if (i == text.len) {
      *ret_path = p;
      return 0;
    }
  }
  if (p.n == 0 || i < text.len || !name_char(text.data[i - 1]))
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG,
                   "\"%.*s\" is not a name such as account.name or trait.usage.ratio[api_calls]",
                   (int)(text.len > 100 ? 100 : text.len), text.data);
  *ret_path = p;
  return 0;
}

int bw_name_parse_text(const struct bw_catalog *catalog, struct bw_str text, struct env_name *ret_name, struct bw_error *err)
{
  struct bw_path path;
  struct env_name n;
  size_t used;
  int rc = path_parse(text, &path, err);
  if (rc < 0 || (rc = bw_name_parse(catalog, &path, BW_LEVEL_TEMPLATE, &n, &used, err)) < 0)
    return rc;
  if (used < path.n) {
    bw_name_clear(&n);
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_CONFIG, "%.*s has no member \"%.*s\"", BW_FMT(text), BW_FMT(path.part[used]));
  }
  *ret_name = n;
  return 0;
}

/* ---- what others may know ---- */

int bw_name_refuse_unclear(const struct bw_catalog *catalog, const struct env_name *n, struct bw_error *err)
{
  const struct bw_signal_type *type = n->root == R_SIGNAL ? bw_catalog_signal(catalog, n->type_index) : NULL;
  if (!type || type->direction != BW_UNCLEAR)
    return BW_OK;
  return bw_fail(
      err, BW_EINVAL, BW_CLASS_CONFIG,
      "signal.%s can mean good or bad news: a person judges it, and nothing that writes to a customer may ask for it. "
      "A play without a template may",
      type->name);
}

int bw_env_check_name(const struct bw_catalog *catalog, struct bw_str name, enum bw_type *ret_type, struct bw_error *err)
{
  struct env_name n;
  enum bw_type type;
  int rc = bw_name_parse_text(catalog, name, &n, err);
  if (rc < 0)
    return rc;
  type = n.type;
  rc = bw_name_refuse_unclear(catalog, &n, err);
  bw_name_clear(&n);
  if (rc < 0)
    return rc;
  if (ret_type)
    *ret_type = type;
  return 0;
}

bool bw_env_name_at(size_t i, const char **ret_name, enum bw_type *ret_type, const char **ret_help)
{
  static char full[128]; /* one thread reads this table, for help */
  size_t root;
  for (root = 0; root < R_TRAIT; root++) {
    if (i < bw_roots[root]->nrows) {
      const struct name_row *row = &bw_roots[root]->rows[i];
      snprintf(full, sizeof full, "%s%s%s", bw_roots[root]->name, bw_roots[root]->name[0] ? "." : "", row->name);
      *ret_name = full;
      *ret_type = row->type;
      *ret_help = row->help;
      return true;
    }
    i -= bw_roots[root]->nrows;
  }
  return false;
}
