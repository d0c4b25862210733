/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default pack, end to end: for every play in etc/plays a made-up account with made-up signals becomes a lead and a
 * complete draft, as tests/golden/drafts/PLAY.txt shows it.  What is made up stands in tests/golden/drafts/accounts.json.
 * BW_ACCEPT=1 writes the golden files anew: read them before you commit them.
 */
#include "base/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "drafts/drafts.h"
#include "plays/plays.h"
#include "rules/rules.h"
#include "wire/output.h"

#define MAX_FIELDS 64

struct pack {
  struct bw_catalog *catalog;
  struct bw_plays *plays;
  struct bw_templates *templates;
  uint32_t *watcher_of; /* of each signal in the catalogue: the number of its watcher */
  uint32_t *index_of;   /* and its number there */
  uint32_t usage;       /* the usage watcher's number */
  json_t *made_up;
  int64_t now;
};

/* An account's own world. */
struct world {
  struct bw_book *book;
  struct bw_signals *signals;
  struct bw_engine *engine;
  uint64_t offset;
};

static char *path_of(const char *name)
{
  const char *src = getenv("BW_SRCDIR");
  return bw_asprintf("%s/%s", src ? src : ".", name);
}

/* ---- the catalogue: all common signals, each from its own watcher ------------ */

static const char *const traits[] = {"seats_used", "seats_bought",    "seats_needed",     "dau",   "wau",         "mau",
                                     "dau_mau",    "feature_breadth", "automation_depth", "usage", "limit_ratio", "departments",
                                     "events_28d", "events_prev_28d"};

static json_t *description(const struct pack *p, const char *watcher)
{
  json_t *root = json_object(), *signals = json_array(), *list = json_array();
  size_t i, n = 0;
  json_object_set_new(root, "name", json_string(watcher));
  for (i = 0; i < bw_catalog_signals(p->catalog); i++) {
    const struct bw_signal_type *t = bw_catalog_signal(p->catalog, i);
    if (strcmp(t->watcher, watcher) != 0)
      continue;
    p->index_of[i] = (uint32_t)n++;
    json_array_append_new(signals, json_pack("{s:s,s:s,s:s,s:s}", "name", t->name, "direction", bw_direction_name(t->direction),
                                             "urgency", bw_urgency_name(t->urgency), "play_types", t->play_types));
  }
  for (i = 0; strcmp(watcher, "usage") == 0 && i < sizeof traits / sizeof *traits; i++)
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", traits[i], "type", "number"));
  json_object_set_new(root, "signals", signals);
  json_object_set_new(root, "traits", list);
  return root;
}

static void add_watchers(struct pack *p)
{
  size_t i, k, n = bw_catalog_signals(p->catalog);
  char **names = bw_calloc(n, sizeof *names);
  p->watcher_of = bw_calloc(n, sizeof *p->watcher_of);
  p->index_of = bw_calloc(n, sizeof *p->index_of);
  for (i = 0; i < n; i++)
    names[i] = bw_strdup(bw_catalog_signal(p->catalog, i)->watcher);
  for (i = 0; i < n; i++) {
    struct bw_error err = {0};
    json_t *root;
    char *text;
    uint32_t number;
    for (k = 0; k < i && strcmp(names[k], names[i]) != 0; k++)
      ;
    p->watcher_of[i] = p->watcher_of[k];
    if (k < i)
      continue;
    root = description(p, names[i]);
    text = json_dumps(root, JSON_COMPACT);
    if (bw_catalog_add(p->catalog, bw_str(text), &number, &err) < 0)
      fail_msg("%s", err.message);
    p->watcher_of[i] = number;
    if (strcmp(names[i], "usage") == 0)
      p->usage = number;
    free(text);
    json_decref(root);
  }
  for (i = 0; i < n; i++)
    free(names[i]);
  free(names);
}

static void pack_open_at(struct pack *p, const char *etc)
{
  char *templates BW_AUTOFREE = bw_asprintf("%s/templates", etc);
  char *file BW_AUTOFREE = path_of("tests/golden/drafts/accounts.json");
  struct bw_complaints c = {0};
  json_error_t why;
  *p = (struct pack){.catalog = bw_catalog_new()};
  add_watchers(p);
  if (bw_plays_load(etc, p->catalog, &c, &p->plays) < 0 || bw_templates_load(templates, &p->templates, &c) < 0 ||
      bw_templates_check(p->templates, p->catalog, &c) < 0 || c.warnings)
    fail_msg("the shipped pack, with all watchers configured:\n%s", bw_buf_cstr(&c.text));
  bw_complaints_clear(&c);
  p->made_up = json_load_file(file, 0, &why);
  if (!p->made_up)
    fail_msg("%s:%d: %s", file, why.line, why.text);
  assert_int_equal(bw_time_parse(bw_str(json_string_value(json_object_get(p->made_up, "now"))), &p->now), 0);
}

static void pack_open(struct pack *p)
{
  char *etc BW_AUTOFREE = path_of("etc");
  pack_open_at(p, etc);
}

/* As it is once every play has been promoted. */
static void pack_open_promoted(struct pack *p)
{
  char dir[] = "/tmp/test_pack.XXXXXX", *etc BW_AUTOFREE = path_of("etc");
  char *copy BW_AUTOFREE = NULL, *clear BW_AUTOFREE = NULL;
  assert_non_null(mkdtemp(dir));
  copy = bw_asprintf("cp -R '%s/plays' '%s/routes' '%s/templates' %s && sed -i 's/^mode: shadow/mode: live/' %s/plays/*.yaml",
                     etc, etc, etc, dir, dir);
  clear = bw_asprintf("rm -rf %s", dir);
  assert_int_equal(system(copy), 0);
  pack_open_at(p, dir);
  assert_int_equal(system(clear), 0);
}

static void pack_close(struct pack *p)
{
  json_decref(p->made_up);
  bw_templates_free(&p->templates);
  bw_plays_free(&p->plays);
  bw_catalog_free(&p->catalog);
  free(p->watcher_of);
  free(p->index_of);
}

/* ---- records ---------------------------------------------------------------- */

struct fields {
  struct bw_field items[MAX_FIELDS];
  char *texts[2 * MAX_FIELDS];
  uint32_t n, ntexts;
};

static struct bw_str own(struct fields *f, char *text)
{
  f->texts[f->ntexts++] = text;
  return bw_str(text);
}

static void flatten(struct fields *f, json_t *object, const char *prefix)
{
  const char *key;
  json_t *v;
  json_object_foreach(object, key, v)
  {
    char *full = bw_asprintf("%s%s", prefix, key);
    struct bw_field *out;
    if (json_is_object(v)) {
      char *deeper BW_AUTOFREE = bw_asprintf("%s.", full);
      flatten(f, v, deeper);
      free(full);
      continue;
    }
    assert_true(f->n < MAX_FIELDS);
    out = &f->items[f->n++];
    *out = (struct bw_field){.key = own(f, full), .section = BW_SECTION_TRAITS, .text = BW_STR("")};
    out->type = json_is_number(v)    ? BW_VALUE_NUMBER
                : json_is_boolean(v) ? BW_VALUE_BOOL
                : json_is_array(v)   ? BW_VALUE_JSON
                                     : BW_VALUE_STRING;
    out->number = json_is_true(v) ? 1 : json_number_value(v);
    out->text = own(f, json_is_string(v) ? bw_strdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT));
  }
}

static void put(struct world *w, uint32_t kind, const char *id, const char *account, json_t *object)
{
  struct fields f = {.n = 0};
  struct bw_record r = {.kind = kind, .time_ms = 1, .arrival_ms = 1, .offset = ++w->offset};
  struct bw_error err = {0};
  uint32_t i;
  flatten(&f, object, "");
  r.account = bw_str(account);
  r.subject = bw_str(id);
  r.fields = f.items;
  r.nfields = f.n;
  if (bw_book_apply(w->book, &r, &err) < 0 && err.code != BW_ENOTFOUND) /* a word that no rule knows is kept, and told of */
    fail_msg("%s", err.message);
  for (i = 0; i < f.ntexts; i++)
    free(f.texts[i]);
}

/* A part of what is made up: for all, without what the bare lack, and as the case has it; null takes away. */
static json_t *merged(const struct pack *p, json_t *c, const char *part)
{
  json_t *all = json_deep_copy(json_object_get(p->made_up, part)), *bare = json_object_get(p->made_up, "bare"), *v;
  const char *key;
  void *next;
  if (json_is_true(json_object_get(c, "bare")))
    json_object_update(all, json_object_get(bare, part));
  json_object_update(all, json_object_get(c, part));
  json_object_foreach_safe(all, next, key, v)
  {
    if (json_is_null(v))
      json_object_del(all, key);
  }
  return all;
}

static void write_book(const struct pack *p, struct world *w, json_t *c)
{
  static const struct {
    const char *part;
    uint32_t kind;
  } parts[] = {{"account", BW_KIND_ACCOUNT}, {"subscription", BW_KIND_SUBSCRIPTION}};
  const char *key;
  json_t *v, *list;
  size_t i;
  list = json_object_get(p->made_up, "plans");
  json_object_foreach(list, key, v) put(w, BW_KIND_PLAN, key, "", v);
  for (i = 0; i < 2; i++) {
    v = merged(p, c, parts[i].part);
    if (json_object_size(v))
      put(w, parts[i].kind, i ? "northwind" : "", "northwind", v);
    json_decref(v);
  }
  list = merged(p, c, "contacts");
  json_object_foreach(list, key, v) put(w, BW_KIND_CONTACT, key, "northwind", v);
  json_decref(list);
}

static void say_signal(const struct pack *p, struct world *w, json_t *v)
{
  const char *name = json_string_value(json_object_get(v, "signal")), *key = json_string_value(json_object_get(v, "key"));
  int at = bw_catalog_find_signal(p->catalog, bw_str(name));
  char *evidence BW_AUTOFREE = json_dumps(json_object_get(v, "evidence"), JSON_COMPACT);
  struct bw_signal s = {.size = sizeof s, .state = BW_OPENED, .at_ms = p->now - 3 * BW_DAY, .threshold = 1};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  if (at < 0)
    fail_msg("there is no signal %s", name);
  s.type = p->index_of[at];
  s.account = BW_STR("northwind");
  s.key = bw_str(key ? key : "");
  s.value = json_number_value(json_object_get(v, "value"));
  s.strength = json_number_value(json_object_get(v, "strength"));
  s.evidence = bw_str(evidence ? evidence : "{}");
  if (bw_output_add_signal(&out, &s, 200, &err) < 0 ||
      bw_signals_apply(w->signals, p->watcher_of[at], bw_buf_str(&out), ++w->offset, &err) < 0)
    fail_msg("%s", err.message);
  bw_buf_clear(&out);
}

static void say_traits(const struct pack *p, struct world *w, json_t *c)
{
  json_t *all = merged(p, c, "traits"), *v;
  const char *key;
  json_object_foreach(all, key, v)
  {
    struct bw_trait t = {.size = sizeof t, .type = BW_VALUE_NUMBER, .at_ms = p->now, .number = json_number_value(v)};
    struct bw_buf out = {0};
    struct bw_error err = {0};
    while (t.trait < sizeof traits / sizeof *traits && strcmp(traits[t.trait], key) != 0)
      t.trait++;
    t.account = BW_STR("northwind");
    if (bw_output_add_trait(&out, &t, sizeof traits / sizeof *traits, &err) < 0 ||
        bw_signals_apply(w->signals, p->usage, bw_buf_str(&out), ++w->offset, &err) < 0)
      fail_msg("%s: %s", key, err.message);
    bw_buf_clear(&out);
  }
  json_decref(all);
}

static void look(struct world *w, int64_t now)
{
  struct bw_error err = {0};
  if (bw_signals_tick(w->signals, now, ++w->offset, &err) < 0 || bw_engine_tick(w->engine, now, w->offset, &err) < 0 ||
      bw_engine_evaluate(w->engine, BW_STR("northwind"), now, w->offset, &err) < 0 ||
      bw_engine_settle(w->engine, now, w->offset, &err) < 0)
    fail_msg("%s", err.message);
}

static void world_open(const struct pack *p, struct world *w, json_t *c)
{
  static const struct bw_lead_events events;
  struct bw_error err = {0};
  json_t *v;
  size_t i;
  *w = (struct world){.offset = 0};
  if (bw_book_open(NULL, &w->book, &err) < 0 || bw_signals_open(p->catalog, NULL, NULL, NULL, &w->signals, &err) < 0 ||
      bw_engine_open(p->plays, w->signals, w->book, NULL, NULL, &events, &w->engine, &err) < 0)
    fail_msg("%s", err.message);
  write_book(p, w, c);
  say_traits(p, w, c);
  json_array_foreach(json_object_get(c, "signals"), i, v) say_signal(p, w, v);
  look(w, p->now);
}

static void world_close(struct world *w)
{
  bw_engine_close(&w->engine);
  bw_signals_close(&w->signals);
  bw_book_close(&w->book);
}

/* ---- leads and drafts ---------------------------------------------------------- */

struct search {
  const char *play;
  const struct bw_lead *found;
};

static int find_lead(void *ctx, const struct bw_lead *lead)
{
  struct search *s = ctx;
  if (strcmp(lead->play, s->play) == 0)
    s->found = lead;
  return 0;
}

static const struct bw_lead *lead_of(struct world *w, const char *play)
{
  struct search s = {play, NULL};
  (void)bw_leads_each_of(w->engine, BW_STR("northwind"), find_lead, &s);
  return s.found;
}

static void add_lead(struct bw_buf *out, const struct pack *p, const struct bw_lead *lead, const char *angle)
{
  struct bw_play_info info;
  assert_true(bw_plays_at(p->plays, (size_t)bw_plays_find(p->plays, bw_str(lead->play)), &info));
  bw_buf_printf(out, "For:      %s (%s%s%s)\n", lead->owner, lead->owner_role, lead->csm[0] ? "; CSM: " : "", lead->csm);
  bw_buf_printf(out, "Move:     %s\n", lead->title);
  bw_buf_printf(out, "Angle:    %s\n", angle);
  bw_buf_printf(out, "Because:  %s, %s priority, score %.0f", lead->primary_signal, lead->priority, lead->score);
  if (lead->estimate == lead->estimate)
    bw_buf_printf(out, ", %.0f %s a year", lead->estimate, lead->currency);
  bw_buf_printf(out, "\nText:     %s\n\n", lead->template_name[0] ? lead->template_name : "none");
}

static void add_draft(struct bw_buf *out, const struct bw_draft *d)
{
  bw_buf_printf(out, "To: %s\nSubject: %s\n\n%s", d->field[BW_DRAFT_TO], d->field[BW_DRAFT_SUBJECT], d->field[BW_DRAFT_BODY]);
}

/* The lead's angle and, where its play has a template, its draft. */
static void render(const struct pack *p, struct world *w, const struct bw_lead *lead, struct bw_buf *angle, struct bw_draft *d)
{
  const struct bw_template *t = lead->template_name[0] ? bw_templates_get(p->templates, bw_str(lead->template_name)) : NULL;
  struct bw_error err = {0};
  struct bw_env *env = NULL;
  struct bw_env_view *view;
  struct bw_view v;
  size_t missing = 0;
  assert_int_equal(bw_engine_open_env(w->engine, BW_STR("northwind"), lead, p->now, &env, &err), 0);
  view = bw_env_view_new(env);
  v = bw_env_view(view);
  if (bw_text_render(bw_str(lead->angle), &v, lead->currency, angle, &missing, &err) < 0 ||
      (t && bw_draft_render(p->templates, t, &v, bw_str(lead->id), lead->currency, p->now, d, &err) < 0))
    fail_msg("%s: %s", lead->play, err.message);
  if (missing)
    fail_msg("%s: the angle has a gap: %s", lead->play, bw_buf_cstr(angle));
  bw_env_view_free(&view);
  bw_env_close(&env);
}

/* "gaps" of a case: what its draft leaves to a person, and nothing else. */
static bool gaps_are_expected(const struct bw_draft *d, json_t *c)
{
  json_t *gaps = json_object_get(c, "gaps"), *v;
  size_t i, k;
  for (i = 0; i < d->ngaps; i++) {
    bool told = false;
    json_array_foreach(gaps, k, v) told |= strcmp(json_string_value(v), d->gaps[i].name) == 0;
    if (!told)
      return false;
  }
  return (d->ngaps > 0) == (json_array_size(gaps) > 0);
}

/* "words" and "not" of a case: what its draft must and must not say. */
static void check_words(const char *play, const char *text, json_t *c)
{
  json_t *v;
  size_t k;
  json_array_foreach(json_object_get(c, "words"), k, v)
  {
    if (!strstr(text, json_string_value(v)))
      fail_msg("%s does not say \"%s\":\n%s", play, json_string_value(v), text);
  }
  json_array_foreach(json_object_get(c, "not"), k, v)
  {
    if (strstr(text, json_string_value(v)))
      fail_msg("%s says \"%s\":\n%s", play, json_string_value(v), text);
  }
}

static void render_case(const struct pack *p, const char *play, json_t *c, struct bw_buf *out)
{
  const char *title = json_string_value(json_object_get(c, "case"));
  const struct bw_lead *lead;
  struct bw_draft d = {0};
  struct bw_error err = {0};
  struct bw_buf angle = {0}, draft = {0};
  struct world w;
  world_open(p, &w, c);
  lead = lead_of(&w, play);
  if (!lead) {
    struct bw_buf why = {0};
    (void)bw_engine_why_not(w.engine, BW_STR("northwind"), bw_str(play), p->now, &why, &err);
    fail_msg("%s (%s) made no lead: %s%s", play, title, err.message, bw_buf_cstr(&why));
  }
  render(p, &w, lead, &angle, &d);
  bw_buf_printf(out, "%s==== %s\n", out->len ? "\n\n" : "", title);
  add_lead(out, p, lead, bw_buf_cstr(&angle));
  if (lead->template_name[0])
    add_draft(&draft, &d);
  else
    bw_buf_add_cstr(&draft, "(Nothing is drafted.)\n");
  bw_buf_add_str(out, bw_buf_str(&draft));
  if (!gaps_are_expected(&d, c))
    fail_msg("%s (%s) has other gaps than it should:\n%s", play, title, bw_buf_cstr(out));
  check_words(play, bw_buf_cstr(&draft), c);
  bw_draft_clear(&d);
  bw_buf_clear(&angle);
  bw_buf_clear(&draft);
  world_close(&w);
}

static char *read_all(const char *path)
{
  FILE *f = fopen(path, "rb");
  struct bw_buf b = {0};
  char part[4096];
  size_t n;
  while (f && (n = fread(part, 1, sizeof part, f)) > 0)
    bw_buf_add(&b, part, n);
  if (f)
    (void)fclose(f);
  (void)bw_buf_cstr(&b);
  return b.data;
}

static void compare(const char *play, const struct bw_buf *got)
{
  char *name BW_AUTOFREE = bw_asprintf("tests/golden/drafts/%s.txt", play);
  char *path BW_AUTOFREE = path_of(name), *want BW_AUTOFREE = NULL;
  FILE *f;
  if (getenv("BW_ACCEPT")) {
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(got->data, 1, got->len, f), got->len);
    assert_int_equal(fclose(f), 0);
    return;
  }
  want = read_all(path);
  if (!want || strcmp(want, got->data) != 0)
    fail_msg("%s differs (BW_ACCEPT=1 accepts it):\n%s", name, got->data);
}

static void every_play_makes_a_complete_draft(void **state)
{
  struct pack p;
  struct bw_play_info info;
  size_t i, k;
  (void)state;
  pack_open(&p);
  for (i = 0; bw_plays_at(p.plays, i, &info); i++) {
    json_t *cases = json_object_get(json_object_get(p.made_up, "plays"), info.name), *c;
    struct bw_buf out = {0};
    if (json_array_size(cases) == 0)
      fail_msg("accounts.json has no case for the play %s", info.name);
    if (!info.title[0] || !info.angle[0])
      fail_msg("the play %s needs a title and an angle", info.name);
    json_array_foreach(cases, k, c) render_case(&p, info.name, c, &out);
    (void)bw_buf_cstr(&out);
    compare(info.name, &out);
    bw_buf_clear(&out);
  }
  assert_true(i > 20);
  pack_close(&p);
}

/* What must not make a lead, whatever the signals say: accounts.json, "silent". */
static void what_rules_forbid_makes_no_lead(void **state)
{
  struct pack p;
  json_t *c;
  size_t i;
  (void)state;
  pack_open(&p);
  json_array_foreach(json_object_get(p.made_up, "silent"), i, c)
  {
    const char *play = json_string_value(json_object_get(c, "play"));
    struct world w;
    json_t *like = json_array_get(json_object_get(json_object_get(p.made_up, "plays"), play), 0), *both = json_deep_copy(like);
    const char *part;
    json_t *v;
    assert_non_null(like);
    json_object_foreach(c, part, v)
    {
      if (strcmp(part, "only") == 0)
        json_object_set(both, "signals", v);
      else if (json_is_object(v) && json_object_get(both, part))
        json_object_update(json_object_get(both, part), v);
      else if (strcmp(part, "signals") == 0)
        json_array_extend(json_object_get(both, "signals"), v);
      else
        json_object_set(both, part, v);
    }
    world_open(&p, &w, both);
    if (lead_of(&w, play))
      fail_msg("%s: %s", play, json_string_value(json_object_get(c, "case")));
    world_close(&w);
    json_decref(both);
  }
  assert_true(i >= 10);
  pack_close(&p);
}

/* ---- one mail at a time ----------------------------------------------------------- */

struct mails {
  const struct pack *p;
  struct world *w;
  struct bw_buf seen; /* "play to address", a line each */
  char *to[64];
  size_t n, leads;
  const char *what;
};

static int note_mail(void *ctx, const struct bw_lead *lead)
{
  struct mails *m = ctx;
  struct bw_draft d = {0};
  struct bw_buf angle = {0};
  size_t i;
  m->leads++;
  render(m->p, m->w, lead, &angle, &d);
  bw_buf_clear(&angle);
  if (!lead->template_name[0])
    return 0;
  bw_buf_printf(&m->seen, "  %s to %s\n", lead->play, d.field[BW_DRAFT_TO]);
  for (i = 0; i < m->n; i++)
    if (strcmp(m->to[i], d.field[BW_DRAFT_TO]) == 0)
      fail_msg("%s: two mails to one person within a week:\n%s", m->what, bw_buf_cstr(&m->seen));
  if (!strstr(d.field[BW_DRAFT_TO], "⟦")) /* a gap is nobody's address yet */
    m->to[m->n++] = bw_strdup(d.field[BW_DRAFT_TO]);
  bw_draft_clear(&d);
  return 0;
}

/* A week of such an account: each of its people gets one mail at most.  Returns how many leads there were. */
static size_t week_of(const struct pack *p, json_t *c, const char *what)
{
  struct world w;
  struct mails m = {.p = p, .w = &w, .what = what};
  int day;
  size_t i;
  world_open(p, &w, c);
  for (day = 1; day < 8; day++)
    look(&w, p->now + day * BW_DAY);
  (void)bw_leads_each_of(w.engine, BW_STR("northwind"), note_mail, &m);
  for (i = 0; i < m.n; i++)
    free(m.to[i]);
  bw_buf_clear(&m.seen);
  world_close(&w);
  return m.leads;
}

static json_t *first_case(const struct pack *p, const char *play)
{
  return json_array_get(json_object_get(json_object_get(p->made_up, "plays"), play), 0);
}

/* Adds what the signals do not hold yet, but none of those in `less`. */
static void add_signals(json_t *signals, json_t *more, json_t *less)
{
  json_t *v, *has;
  size_t i, k;
  json_array_foreach(more, i, v)
  {
    const char *name = json_string_value(json_object_get(v, "signal"));
    bool skip = false;
    json_array_foreach(signals, k, has) skip |= strcmp(json_string_value(json_object_get(has, "signal")), name) == 0;
    json_array_foreach(less, k, has) skip |= strcmp(json_string_value(has), name) == 0;
    if (!skip)
      json_array_append(signals, v);
  }
}

/* Every signal that any case knows is open at once, then all without the most pressing, and so on: accounts.json, "together".
 */
static void everything_at_once_is_one_mail_to_a_person(void **state)
{
  struct pack p;
  json_t *together, *account, *less, *name;
  size_t i, k, n;
  (void)state;
  pack_open_promoted(&p);
  together = json_object_get(p.made_up, "together");
  json_array_foreach(json_object_get(together, "accounts"), i, account)
  {
    json_t *gone = json_array();
    for (k = 0; k <= json_array_size(json_object_get(together, "less")); k++) {
      json_t *c = json_deep_copy(account), *signals = json_array();
      const char *play;
      json_t *cases, *one;
      char *what BW_AUTOFREE =
          bw_asprintf("%s, without the %zu most pressing", json_string_value(json_object_get(account, "case")), k);
      json_object_foreach(json_object_get(p.made_up, "plays"), play, cases)
      {
        json_array_foreach(cases, n, one) add_signals(signals, json_object_get(one, "signals"), gone);
      }
      assert_true(json_array_size(signals) > 10);
      json_object_set_new(c, "signals", signals);
      if (week_of(&p, c, what) == 0 && !json_is_true(json_object_get(account, "may be silent")))
        fail_msg("%s: nobody hears of anything", what);
      less = json_array_get(json_object_get(together, "less"), k);
      json_array_foreach(less, n, name) json_array_append(gone, name);
      json_decref(c);
    }
    json_decref(gone);
  }
  assert_true(i >= 4);
  pack_close(&p);
}

/* Whatever two plays have to say to an account, they do not both say it to the same person. */
static void two_plays_are_one_mail_to_a_person(void **state)
{
  struct pack p;
  struct bw_play_info a, b;
  size_t i, k;
  (void)state;
  pack_open_promoted(&p);
  for (i = 0; bw_plays_at(p.plays, i, &a); i++)
    for (k = 0; bw_plays_at(p.plays, k, &b); k++) {
      json_t *c = json_deep_copy(first_case(&p, a.name));
      char *what BW_AUTOFREE = bw_asprintf("%s, and the signals of %s", a.name, b.name);
      add_signals(json_object_get(c, "signals"), json_object_get(first_case(&p, b.name), "signals"), NULL);
      if (week_of(&p, c, what) == 0)
        fail_msg("%s: nobody hears of anything", what);
      json_decref(c);
    }
  pack_close(&p);
}

/* Whoever asks finds somebody, exactly one, whatever is known of them: each of these facts alone, and each two together. */
static void whoever_asks_finds_somebody(void **state)
{
  static const char *const inbound[] = {"inbound-request", "inbound-answer", "inbound-by-hand"};
  struct pack p;
  json_t *odd, *x, *y;
  size_t i, k, n;
  (void)state;
  pack_open_promoted(&p);
  odd = json_object_get(p.made_up, "whoever asks");
  json_array_foreach(odd, i, x)
  {
    json_array_foreach(odd, k, y)
    {
      json_t *c = json_deep_copy(first_case(&p, "inbound-request"));
      size_t found = 0;
      struct world w;
      json_object_set_new(c, "account", json_object());
      json_object_update(json_object_get(c, "account"), json_object_get(x, "account"));
      json_object_update(json_object_get(c, "account"), json_object_get(y, "account"));
      add_signals(json_object_get(c, "signals"), json_object_get(x, "signals"), NULL);
      add_signals(json_object_get(c, "signals"), json_object_get(y, "signals"), NULL);
      world_open(&p, &w, c);
      for (n = 0; n < sizeof inbound / sizeof *inbound; n++)
        found += lead_of(&w, inbound[n]) != NULL;
      if (found != 1)
        fail_msg("%zu leads for a request of an account with %s and %s", found, json_string_value(json_object_get(x, "case")),
                 json_string_value(json_object_get(y, "case")));
      world_close(&w);
      json_decref(c);
    }
  }
  assert_true(i >= 8);
  pack_close(&p);
}

/* Words that would tell a customer that they are watched, and what an empty place looks like. */
static void drafts_are_well_mannered(void **state)
{
  static const char *const never[] = {"noticed", "we saw",  "I saw",   "login", "logged in", "visited", "your pages",
                                      "declin",  "dropped", "at risk", "churn", "\n\n\n",    " \n",     "  ",
                                      " ,",      " .",      "..",      "_",     "⟦"};
  struct pack p;
  struct bw_play_info info;
  size_t i, k;
  (void)state;
  pack_open(&p);
  for (i = 0; bw_plays_at(p.plays, i, &info); i++) {
    char *name BW_AUTOFREE = bw_asprintf("tests/golden/drafts/%s.txt", info.name);
    char *path BW_AUTOFREE = path_of(name), *text BW_AUTOFREE = read_all(path), *mail = text;
    while (mail && (mail = strstr(mail, "\nSubject: "))) {
      char *end = strstr(mail, "\n\n\n==== ");
      size_t len = end ? (size_t)(end - mail) : strlen(mail);
      char *one BW_AUTOFREE = bw_strndup(mail, len);
      for (k = 0; k < sizeof never / sizeof *never; k++)
        if (strstr(one, never[k]))
          fail_msg("%s says \"%s\":\n%s", name, never[k], one);
      mail += len;
    }
  }
  pack_close(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_play_makes_a_complete_draft),
                                     cmocka_unit_test(what_rules_forbid_makes_no_lead),
                                     cmocka_unit_test(everything_at_once_is_one_mail_to_a_person),
                                     cmocka_unit_test(two_plays_are_one_mail_to_a_person),
                                     cmocka_unit_test(whoever_asks_finds_somebody),
                                     cmocka_unit_test(drafts_are_well_mannered)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
