/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom and what a person means who types a name: an owner by any of their names, an account by its id; and what is there where
 * nothing is of that name.  Runs in core.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "core/private.h"
#include "rules/rules.h"

#define MAX_SHOWN 12

/* ---- people ---- */

/* Everybody who is listed or has work: who they are in leads and deals, and how they may be called. */
struct someone {
  char *who;
  const char *names[3]; /* in full; borrowed, may be empty */
};
struct people {
  struct someone *items;
  size_t n;
};

static void add_person(struct people *p, const char *who, const char *name, const char *slack)
{
  size_t i;
  for (i = 0; who[0] && i < p->n; i++)
    if (strcmp(p->items[i].who, who) == 0)
      return;
  if (!who[0])
    return;
  p->items = bw_realloc(p->items, p->n + 1, sizeof *p->items);
  p->items[p->n] = (struct someone){.who = bw_strdup(who)};
  p->items[p->n].names[0] = p->items[p->n].who;
  p->items[p->n].names[1] = name;
  p->items[p->n++].names[2] = slack;
}

static int add_of_lead(void *ctx, const struct bw_lead *lead)
{
  add_person(ctx, lead->owner, "", "");
  add_person(ctx, lead->csm, "", "");
  return BW_OK;
}

static int add_of_deal(void *ctx, const struct bw_deal *deal)
{
  add_person(ctx, deal->text[BW_DEAL_OWNER], "", "");
  add_person(ctx, deal->text[BW_DEAL_CSM], "", "");
  return BW_OK;
}

static void gather(struct core *c, struct people *ret)
{
  struct bw_engine *e = bw_pipeline_engine(c->pipeline);
  struct bw_person_info info;
  size_t i;
  for (i = 0; bw_people_at(bw_engine_plays(e), i, &info); i++)
    add_person(ret, info.email, info.name, info.slack);
  (void)bw_leads_each(e, false, add_of_lead, ret);
  (void)bw_deals_each(bw_pipeline_deals(c->pipeline), add_of_deal, ret);
}

static void people_clear(struct people *p)
{
  size_t i;
  for (i = 0; i < p->n; i++)
    free(p->items[i].who);
  free(p->items);
}

static bool same(struct bw_str a, struct bw_str b)
{
  return a.len && a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* "priya" of "Priya Raman" and of "priya@example.com"; "@priya" is a Slack name with its sign. */
static bool is_called(const struct someone *s, struct bw_str text, bool first)
{
  size_t i;
  if (text.len > 1 && text.data[0] == '@')
    text = bw_str_n(text.data + 1, text.len - 1);
  for (i = 0; i < 3; i++) {
    const char *name = s->names[i][0] == '@' ? s->names[i] + 1 : s->names[i];
    struct bw_str whole = bw_str(name);
    if (first)
      whole.len = strcspn(name, " @");
    if (same(text, whole))
      return true;
  }
  return false;
}

static void list_people(const struct people *p, struct bw_str called, struct bw_buf *out)
{
  size_t i, shown = 0;
  for (i = 0; i < p->n && shown < MAX_SHOWN; i++)
    if (!called.len || is_called(&p->items[i], called, true))
      bw_buf_printf(out, "%s%s", shown++ ? ", " : "", p->items[i].who);
  if (i < p->n && shown == MAX_SHOWN)
    bw_buf_add_cstr(out, ", ...");
}

/* The one who is called so, by a whole name before a first one; SIZE_MAX: nobody, or several. */
static size_t find_person(const struct people *p, struct bw_str text, size_t *ret_found)
{
  size_t at = SIZE_MAX, i;
  int first;
  for (first = 0; first < 2; first++) {
    *ret_found = 0;
    for (i = 0; i < p->n; i++)
      if (is_called(&p->items[i], text, first)) {
        at = i;
        ++*ret_found;
      }
    if (*ret_found)
      return *ret_found == 1 ? at : SIZE_MAX;
  }
  return SIZE_MAX;
}

int core_person(struct core *c, struct bw_str text, char **ret_who, struct bw_error *err)
{
  struct people p = {0};
  struct bw_buf list = {0};
  size_t found = 0, at;
  int shown = (int)(text.len > 80 ? 80 : text.len), rc = BW_OK;
  gather(c, &p);
  at = find_person(&p, text, &found);
  list_people(&p, found ? text : BW_STR(""), &list);
  if (at != SIZE_MAX)
    *ret_who = bw_strdup(p.items[at].who);
  else if (found)
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%zu people are called \"%.*s\": %s", found, shown, text.data,
                 bw_buf_cstr(&list));
  else
    rc = bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "nobody is called \"%.*s\"; there %s", shown, text.data,
                 list.len ? "are: " : "is nobody yet");
  if (rc == BW_ENOTFOUND && list.len) {
    char *said = bw_strdup(err->message);
    (void)bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "%s%s", said, bw_buf_cstr(&list));
    free(said);
  }
  people_clear(&p);
  bw_buf_clear(&list);
  return rc;
}

bool core_is_person(struct core *c, struct bw_str text, const char *who)
{
  struct bw_error ignored;
  char *found BW_AUTOFREE = NULL;
  return bw_str_is(text, who) || (who[0] && core_person(c, text, &found, &ignored) == 0 && strcmp(found, who) == 0);
}

int core_check_split(struct core *c, struct bw_str split, struct bw_error *err)
{
  struct bw_engine *e = bw_pipeline_engine(c->pipeline);
  struct bw_role_info role;
  const char *names[70] = {"owner", "csm", "ae", "am", "bdr"}; /* the people of account records; 64 roles at most */
  struct bw_error why = {0};
  const char *near;
  size_t n = 5, i, k;
  for (i = 0; n < 69 && bw_roles_at(bw_engine_plays(e), i, &role); i++)
    names[n++] = role.name;
  for (i = 0; i < split.len;) {
    struct bw_str name = bw_str_n(split.data + i, strcspn(split.data + i, "="));
    char *who = NULL;
    for (k = 0; k < n && !bw_str_is(name, names[k]); k++)
      ;
    if (k == n && core_person(c, name, &who, &why) < 0) {
      near = bw_nearest(name, names);
      return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the split credits \"%.*s\", which is no role and nobody's name%s%s%s",
                     (int)(name.len > 60 ? 60 : name.len), name.data, near ? "; did you mean " : "", near ? near : "",
                     near ? "?" : "; roles are listed in routes/; owner, csm, ae, am and bdr are always there");
    }
    free(who);
    i += strcspn(split.data + i, ",");
    i += i < split.len;
  }
  return BW_OK;
}

/* ---- accounts ---- */

struct nearest {
  char word[65];
  size_t best;
  struct bw_str id;
};

static bool lower(struct bw_str s, char out[65])
{
  size_t i;
  if (s.len > 64)
    return false;
  for (i = 0; i < s.len; i++)
    out[i] = (char)tolower((unsigned char)s.data[i]);
  out[i] = '\0';
  return true;
}

static int look_near(void *ctx, const struct bw_entity *account)
{
  struct nearest *k = ctx;
  struct bw_str names[] = {bw_entity_id(account), bw_entity_text(account, "name")};
  char small[65];
  size_t i;
  for (i = 0; i < 2; i++)
    if (lower(names[i], small) && bw_nearer(bw_str(k->word), bw_str(small), &k->best))
      k->id = names[0];
  return BW_OK;
}

static int has_trait(void *ctx, const struct bw_trait_value *v)
{
  (void)v;
  *(bool *)ctx = true;
  return -1;
}

static int has_signal(void *ctx, const struct bw_episode *e)
{
  (void)e;
  *(bool *)ctx = true;
  return -1;
}

int core_known_account(struct core *c, struct bw_str id, struct bw_error *err)
{
  struct bw_book *book = bw_pipeline_book(c->pipeline);
  struct bw_signals *signals = bw_pipeline_signals(c->pipeline);
  struct nearest k = {.best = SIZE_MAX};
  bool there = bw_book_find(book, BW_ENTITY_ACCOUNT, id) != NULL;
  if (!there)
    (void)bw_signals_each_trait(signals, id, has_trait, &there);
  if (!there)
    (void)bw_signals_each_open(signals, id, has_signal, &there);
  if (there)
    return BW_OK;
  if (lower(id, k.word))
    (void)bw_book_each(book, BW_ENTITY_ACCOUNT, look_near, &k);
  return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "no record has named the account \"%.*s\"%s%.*s%s",
                 (int)(id.len > 100 ? 100 : id.len), id.data, k.id.len ? "; did you mean " : "; ids are case-sensitive",
                 BW_FMT(k.id), k.id.len ? "?" : "");
}
