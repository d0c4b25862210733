/* SPDX-License-Identifier: Apache-2.0 */
/* Reading "people:" and "settings:" of routes/: who is away, who stands in, how many leads a day, by which clock.  No
 * privileges. */
#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/time.h"
#include "base/zone.h"
#include "rules/private.h"

static void free_zone(void *value)
{
  struct bw_zone *zone = value;
  bw_zone_close(&zone);
}

void bw_roster_clear(struct roster *r)
{
  size_t i;
  for (i = 0; i < r->n; i++) {
    struct person *p = &r->people[i];
    free(p->email);
    free(p->name);
    free(p->slack);
    free(p->delegate);
    free(p->away);
    free(p->file);
    bw_words_clear(&p->roles);
  }
  for (i = 0; i < r->nconstants; i++)
    free(r->constants[i].name);
  free(r->people);
  free(r->constants);
  if (r->index)
    bw_map_free(&r->index, NULL);
  if (r->zones)
    bw_map_free(&r->zones, free_zone);
  *r = (struct roster){0};
}

/* ---- settings ---- */

double bw_route_constant(const struct roster *r, const char *name)
{
  size_t i;
  for (i = 0; i < r->nconstants; i++)
    if (strcmp(r->constants[i].name, name) == 0)
      return r->constants[i].value;
  return NAN;
}

static bool is_name(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if (!(s.data[i] >= 'a' && s.data[i] <= 'z') && s.data[i] != '_' && !(i && s.data[i] >= '0' && s.data[i] <= '9'))
      return false;
  return s.len > 0 && s.len <= 60;
}

void bw_load_route_settings(struct loader *l, const struct bw_node *map)
{
  struct roster *r = &l->p->roster;
  size_t i;
  if (map->type != BW_NODE_MAP || map->nitems > 100) {
    bw_complain(l->complaints, map, "\"settings\" should be a map of names to amounts: {vendor_size: 8M}");
    return;
  }
  for (i = 0; i < map->nitems; i++) {
    const struct bw_node *n = &map->items[i];
    char *name = bw_str_dup(n->key);
    double v;
    if (!is_name(n->key) || !isnan(bw_route_constant(r, name))) {
      bw_complain_key(l->complaints, n,
                      "a setting of routes has a name of its own, of small letters and _, such as vendor_size");
    } else if (n->type != BW_NODE_STRING && n->type != BW_NODE_NUMBER) {
      bw_complain(l->complaints, n, "an amount should stand here: 10000, 10K, 5M");
    } else if (bw_load_amount(l, n, n->text, &v)) {
      r->constants = bw_realloc(r->constants, r->nconstants + 1, sizeof *r->constants);
      r->constants[r->nconstants++] = (struct constant){name, v};
      continue;
    }
    free(name);
  }
}

/* ---- people ---- */

static char *small_letters(struct bw_str s)
{
  char *copy = bw_str_dup(s), *c;
  for (c = copy; *c; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c - 'A' + 'a');
  return copy;
}

const struct person *bw_person_find(const struct roster *r, struct bw_str who)
{
  char *key BW_AUTOFREE = NULL;
  uintptr_t at;
  if (!r->index || !who.len)
    return NULL;
  key = small_letters(who);
  at = (uintptr_t)bw_map_get(r->index, bw_str(key));
  return at ? &r->people[at - 1] : NULL;
}

static void index_name(struct loader *l, const struct bw_node *at, const char *name, size_t number)
{
  struct roster *r = &l->p->roster;
  char *key BW_AUTOFREE = small_letters(bw_str(name));
  uintptr_t old;
  if (!key[0])
    return;
  if (!r->index)
    r->index = bw_map_new();
  old = (uintptr_t)bw_map_get(r->index, bw_str(key));
  if (!old)
    bw_map_put(r->index, bw_str(key), (void *)(uintptr_t)(number + 1)); /* NOLINT: an index, not an address */
  else if (old != number + 1)
    bw_complain(l->complaints, at, "two people are called \"%s\"; e-mail, name and Slack name must each tell them apart", name);
}

static bool is_day(const struct bw_node *n)
{
  return n->text.len == 10;
}

/* What has been asked for once is not asked for again. */
static int find_zone(struct roster *r, struct bw_str name, const struct bw_zone **ret)
{
  struct bw_zone *zone;
  int rc = 0;
  if (!r->zones)
    r->zones = bw_map_new();
  zone = bw_map_get(r->zones, name);
  if (!zone && (rc = bw_zone_open(name, &zone)) == 0 && zone)
    bw_map_put(r->zones, name, zone);
  *ret = zone;
  return rc;
}

static void take_zone(struct loader *l, const struct bw_node *n, struct person *p)
{
  p->has_zone = n != NULL;
  if (!n && l->timezone)
    (void)find_zone(&l->p->roster, bw_str(l->timezone), &p->zone);
  else if (n && find_zone(&l->p->roster, n->text, &p->zone) < 0)
    bw_complain(l->complaints, n, "there is no time zone \"%.*s\"; write it as Europe/Berlin or America/New_York",
                BW_FMT(n->text));
}

/* A day, which begins at midnight where the person is, or a moment. */
static bool moment(struct loader *l, const struct bw_node *map, const char *key, const struct person *p, int64_t *ret)
{
  const struct bw_node *n = bw_node_get(map, key);
  if (n && n->type == BW_NODE_STRING && bw_time_parse(n->text, ret) == 0) {
    if (is_day(n))
      *ret = bw_zone_utc(p->zone, *ret);
    return true;
  }
  bw_complain(l->complaints, n ? n : map, "\"%s\" should be a day such as 2026-12-05", key);
  return false;
}

static void take_away(struct loader *l, const struct bw_node *n, struct person *p)
{
  static const char *const keys[] = {"from", "to", "note", NULL};
  struct away a;
  int64_t to;
  const struct bw_node *last;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "an absence should be a map: {from: 2026-11-23, to: 2026-12-05}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  if (!moment(l, n, "from", p, &a.from) || !moment(l, n, "to", p, &to))
    return;
  last = bw_node_get(n, "to");
  a.until = is_day(last) ? bw_zone_utc(p->zone, bw_zone_wall(p->zone, to) + BW_DAY) : to; /* a day is meant to its end */
  a.last_day = bw_time_day(bw_zone_wall(p->zone, a.until - 1));
  if (a.until <= a.from) {
    bw_complain(l->complaints, last, "the absence ends before it begins");
    return;
  }
  p->away[p->naway++] = a;
}

static void take_capacity(struct loader *l, const struct bw_node *n, struct person *p)
{
  if (n->type == BW_NODE_NUMBER && n->number >= 0 && n->number <= 1e6 && n->number == floor(n->number))
    p->capacity = (int64_t)n->number;
  else
    bw_complain(l->complaints, n, "\"capacity\" is how many new leads a day they can take: a whole number (0: no limit)");
}

static void take_person(struct loader *l, const struct bw_node *n)
{
  static const char *const keys[] = {"email",    "name",     "slack",    "roles", "away",
                                     "delegate", "capacity", "timezone", "note",  NULL};
  struct roster *r = &l->p->roster;
  const struct bw_node *v, *items;
  struct person *p;
  size_t i, count;
  if (n->type != BW_NODE_MAP) {
    bw_complain(l->complaints, n, "a person should be a map: {email: anna@example.com, name: Anna Berg}");
    return;
  }
  bw_load_known_keys(l, n, keys);
  r->people = bw_realloc(r->people, r->n + 1, sizeof *r->people);
  p = &r->people[r->n++];
  *p = (struct person){.capacity = -1, .stands_in = -1, .line = n->line, .column = n->column};
  p->file = bw_strdup(n->file ? n->file : "");
  p->email = bw_load_text(l, n, "email", NULL);
  p->name = bw_load_text(l, n, "name", "");
  p->slack = bw_load_text(l, n, "slack", "");
  p->delegate = bw_load_text(l, n, "delegate", "");
  if (p->email[0] && !strchr(p->email, '@'))
    bw_complain(l->complaints, bw_node_get(n, "email"), "\"%s\" is not an e-mail address", p->email);
  index_name(l, n, p->email, r->n - 1);
  index_name(l, n, p->name, r->n - 1);
  index_name(l, n, p->slack, r->n - 1);
  if ((v = bw_node_get(n, "capacity")))
    take_capacity(l, v, p);
  take_zone(l, bw_node_get(n, "timezone"), p);
  if ((v = bw_node_get(n, "away"))) {
    count = bw_load_items(v, &items);
    if (count > MAX_AWAY)
      bw_complain(l->complaints, v, "more than %d absences of one person; take out those that are over", MAX_AWAY);
    p->away = bw_calloc(MAX_AWAY, sizeof *p->away);
    for (i = 0; i < count && i < MAX_AWAY; i++)
      take_away(l, &items[i], p);
  }
  if ((v = bw_node_get(n, "roles"))) {
    count = bw_load_items(v, &items);
    p->roles.items = bw_calloc(count + 1, sizeof *p->roles.items);
    for (i = 0; i < count; i++)
      p->roles.items[p->roles.n++] = bw_str_dup(items[i].text);
  }
}

void bw_load_people(struct loader *l, const struct bw_node *list)
{
  size_t i;
  if (list->type != BW_NODE_LIST || list->nitems > MAX_PEOPLE) {
    bw_complain(l->complaints, list, "\"people\" should be a list of at most %d people: - {email: anna@example.com}",
                MAX_PEOPLE);
    return;
  }
  for (i = 0; i < list->nitems; i++)
    take_person(l, &list->items[i]);
}

/* ---- when all are known ---- */

/* A circle is told once, at the first of its people. */
static void check_chain(struct loader *l, const struct person *from)
{
  const struct roster *r = &l->p->roster;
  const struct person *p = from;
  size_t steps = 0;
  while (p->stands_in >= 0 && steps++ <= r->n) {
    p = &r->people[p->stands_in];
    if (p < from)
      return;
    if (p == from) {
      bw_complain_at(l->complaints, from->file, from->line, from->column,
                     "%s and their delegates stand in for each other in a circle: nobody would get the lead when all are away",
                     from->email);
      return;
    }
  }
}

static void check_person(struct loader *l, struct person *p)
{
  struct roster *r = &l->p->roster;
  size_t i;
  if (p->delegate[0]) {
    const struct person *d = bw_person_find(r, bw_str(p->delegate));
    if (d)
      p->stands_in = (int)(d - r->people);
    else
      bw_complain_at(l->complaints, p->file, p->line, p->column, "the delegate \"%s\" of %s is not listed under \"people\"",
                     p->delegate, p->email);
  }
  for (i = 0; i < p->roles.n; i++)
    if (bw_find_role(l->p, bw_str(p->roles.items[i])) < 0)
      bw_complain_at(l->complaints, p->file, p->line, p->column, "%s has the role \"%s\", which is not listed under \"roles\"",
                     p->email, p->roles.items[i]);
}

void bw_load_people_finish(struct loader *l)
{
  struct roster *r = &l->p->roster;
  size_t i;
  for (i = 0; i < r->n; i++)
    check_person(l, &r->people[i]);
  for (i = 0; i < r->n; i++)
    check_chain(l, &r->people[i]);
}
