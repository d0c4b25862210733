/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a lead: the first row of the route that holds, the person of its role, whoever stands in for them, the fallback
 * roles, the operator.  Runs in core and replays; no privileges.
 */
#include <stdlib.h>

#include "base/json.h"
#include "plays/private.h"

void bw_routed_clear(struct routed *r)
{
  free(r->nominal);
  free(r->note);
  free(r->gap);
  *r = (struct routed){.pool = -1};
}

/* ---- people of a role ---- */

/* What is found on the way to an owner. */
struct search {
  struct bw_engine *e;
  struct bw_buf *b;    /* JSON of what was tried; NULL: nobody asks */
  struct bw_buf first; /* the first person named, who is not there: "anna@example.com (away until 2026-12-05)" */
  struct bw_buf gaps;  /* what would help */
  char *nominal;       /* the first person named */
  char *owner;
  int pool;
};

static void search_clear(struct search *s)
{
  bw_buf_clear(&s->first);
  bw_buf_clear(&s->gaps);
  free(s->nominal);
  free(s->owner);
}

static void gap(struct search *s, const char *text, struct bw_str what)
{
  char *copy BW_AUTOFREE = bw_str_dup(what);
  if (s->gaps.len && strstr(bw_buf_cstr(&s->gaps), copy))
    return; /* the same field, asked for by another role */
  bw_buf_printf(&s->gaps, "%s%s%s", s->gaps.len ? "; " : "", copy, text);
}

static void tried_json(struct search *s, const struct role *r, struct bw_str name, const struct bw_value *v, struct bw_str says)
{
  if (!s->b)
    return;
  bw_json_open(s->b, '{');
  bw_json_key(s->b, "role");
  bw_json_cstr(s->b, r->name);
  bw_json_key(s->b, "name");
  bw_json_str(s->b, name);
  bw_json_key(s->b, "person");
  bw_value_json(s->b, v);
  if (says.len) {
    bw_json_key(s->b, "says");
    bw_json_str(s->b, says);
  }
  bw_json_close(s->b, '}');
}

/* One place to look for a person. */
static void try_place(struct search *s, const struct role *r, const struct bw_expr *place)
{
  struct bw_env *env = &s->e->env;
  const struct roster *roster = &s->e->plays->roster;
  struct bw_buf note = {0};
  struct bw_str who = BW_STR("");
  struct bw_value v;
  env->eval.nleaves = 0;
  bw_expr_eval(place, &env->eval, &v);
  if (v.type == BW_TYPE_STRING && v.s.len) {
    who = bw_person_now(roster, v.s, env->now_ms, &note);
    if (!s->nominal) {
      const struct person *p = bw_person_find(roster, v.s);
      s->nominal = p ? bw_strdup(p->email) : bw_str_dup(v.s);
      bw_buf_add_str(&s->first, bw_buf_str(&note));
    }
    if (who.len && note.len)
      bw_buf_printf(&note, "; %.*s stands in", BW_FMT(who));
    else if (!who.len) {
      bw_buf_add_cstr(&note, " and no delegate is there");
      gap(s, "", bw_buf_str(&note));
    }
  } else if (v.type == BW_TYPE_ERROR) {
    gap(s, " would supply it", v.s);
  } else {
    bw_buf_printf(&note, "%.*s is empty", BW_FMT(bw_expr_source(place)));
    gap(s, "", bw_buf_str(&note));
    bw_buf_reset(&note);
  }
  tried_json(s, r, bw_expr_source(place), &v, bw_buf_str(&note));
  if (who.len)
    s->owner = bw_str_dup(who);
  bw_buf_clear(&note);
}

static void try_pool(struct search *s, const struct role *r)
{
  bool sticky = false;
  struct bw_str who = bw_pool_pick(s->e, r, &sticky);
  struct bw_value v = who.len ? bw_value_string(who) : (struct bw_value){.type = BW_TYPE_NULL};
  tried_json(s, r, BW_STR("pool"), &v,
             !who.len ? BW_STR("everybody in the pool is away")
             : sticky ? BW_STR("has a lead of this account already")
                      : bw_str(r->pool.least_loaded ? "has the fewest open leads" : "whose turn it is"));
  if (!who.len) {
    struct bw_buf text = {0};
    bw_buf_printf(&text, "everybody in the pool of %s is away", r->name);
    gap(s, "", bw_buf_str(&text));
    bw_buf_clear(&text);
    return;
  }
  s->owner = bw_str_dup(who);
  s->pool = sticky ? -1 : (int)(r - s->e->plays->roles);
}

/* Whether the role gave an owner. */
static bool try_role(struct search *s, const struct role *r)
{
  size_t i;
  for (i = 0; i < r->npeople && !s->owner; i++)
    try_place(s, r, r->people[i]);
  if (!s->owner && r->pool.given)
    try_pool(s, r);
  return s->owner != NULL;
}

/* ---- open leads stay with who has them ---- */

static const struct bw_lead *current_lead(struct bw_engine *e, const struct play *play, const struct verdict *v)
{
  struct standing s = bw_standing(e, e->env.account, play, v->shadow);
  const struct bw_lead *l = s.open ? &s.open->pub : NULL;
  if (l && (l->status == BW_LEAD_QUEUED || (l->nurture && !v->nurture)))
    return NULL; /* nobody has seen it; or it has grown up, and another role's work begins */
  return l;
}

/* The account itself was given to somebody else since, or the operator has found an owner at last. */
static bool handed_over(const struct bw_plays *set, const struct bw_lead *l, const char *role, const char *nominal)
{
  int at = bw_find_role(set, bw_str(role));
  if (strcmp(l->owner_role, "operator") == 0)
    return true;
  if (strcmp(l->owner_role, role) != 0 || at < 0)
    return false;
  if (set->roles[at].pool.given && bw_pool_member(&set->roles[at], bw_str(l->owner)))
    return false;
  return strcmp(l->owner_for[0] ? l->owner_for : l->owner, nominal) != 0;
}

static void keep_owner(const struct bw_lead *l, struct verdict *v)
{
  bw_lead_set(&v->owner, l->owner);
  bw_lead_set(&v->role, l->owner_role);
  free(v->routed.nominal);
  free(v->routed.note);
  v->routed.nominal = l->owner_for[0] ? bw_strdup(l->owner_for) : NULL;
  v->routed.note = l->owner_note[0] ? bw_strdup(l->owner_note) : NULL;
  v->routed.pool = -1;
  bw_json_key(&v->why, "kept");
  bw_json_cstr(&v->why, l->id); /* an open lead stays with who has it */
}

/* ---- putting it together ---- */

static void find_owner(struct search *s, const struct route *r, const struct route_row *row, struct verdict *v)
{
  const struct bw_plays *set = s->e->plays;
  const struct role *found = NULL;
  size_t i;
  if (!row)
    gap(s, "", BW_STR("no row of the route holds (a last row without conditions would)"));
  if (row && row->role >= 0 && try_role(s, &set->roles[row->role]))
    found = &set->roles[row->role];
  for (i = 0; !found && !(row && row->role < 0) && i < r->nfallback; i++)
    if (try_role(s, &set->roles[r->fallback[i]]))
      found = &set->roles[r->fallback[i]];
  v->owner = bw_strdup(found ? s->owner : s->e->options.operator_name);
  v->role = bw_strdup(found ? found->name : "operator");
  v->routed.pool = found ? s->pool : -1;
  if (!found && !(row && row->role < 0))
    v->routed.gap = bw_strdup(bw_buf_cstr(&s->gaps));
  if (s->nominal && strcmp(s->nominal, v->owner) != 0)
    v->routed.nominal = bw_strdup(s->nominal);
  if (s->first.len && v->routed.nominal)
    v->routed.note = bw_asprintf("for %s", bw_buf_cstr(&s->first));
}

/* Who is told at the same moment: their delegate while they are away, and they themselves where nobody stands in. */
static char *find_csm(struct bw_engine *e, const char *owner)
{
  const struct bw_plays *set = e->plays;
  int csm = bw_find_role(set, BW_STR("csm"));
  struct search s = {.e = e, .pool = -1};
  char *who = NULL;
  size_t i;
  if (csm < 0)
    return NULL;
  for (i = 0; i < set->roles[csm].npeople && !s.owner; i++)
    try_place(&s, &set->roles[csm], set->roles[csm].people[i]);
  if (s.owner || s.nominal)
    who = bw_strdup(s.owner ? s.owner : s.nominal);
  else if (set->roles[csm].pool.given) { /* of a pool only somebody who knows the account already; no turn is taken for this */
    bool sticky = false;
    struct bw_str member = bw_pool_pick(e, &set->roles[csm], &sticky);
    who = sticky ? bw_str_dup(member) : NULL;
  }
  search_clear(&s);
  if (who && strcmp(who, owner) == 0) {
    free(who);
    who = NULL;
  }
  return who;
}

void bw_play_route(struct bw_engine *e, const struct play *play, int route_index, struct verdict *v)
{
  const struct route *r = &e->plays->routes[route_index];
  const struct bw_lead *current = current_lead(e, play, v);
  const struct route_row *row;
  struct bw_buf *b = &v->why;
  struct search s = {.e = e, .b = b, .pool = -1};
  bw_json_key(b, "route");
  bw_json_open(b, '{');
  bw_json_key(b, "name");
  bw_json_cstr(b, r->name);
  row = bw_route_choose(e, play, r, b);
  bw_json_key(b, "tried");
  bw_json_open(b, '[');
  v->routed = (struct routed){.pool = -1, .route = r->name};
  find_owner(&s, r, row, v);
  bw_json_close(b, ']');
  if (current && strcmp(current->owner, v->owner) != 0 &&
      !handed_over(e->plays, current, v->role, v->routed.nominal ? v->routed.nominal : v->owner))
    keep_owner(current, v);
  v->csm_required = row && row->csm_required;
  v->csm = find_csm(e, v->owner);
  bw_json_key(b, "owner");
  bw_json_cstr(b, v->owner);
  bw_json_key(b, "role");
  bw_json_cstr(b, v->role);
  if (v->routed.note) {
    bw_json_key(b, "owner_note");
    bw_json_cstr(b, v->routed.note);
  }
  if (v->routed.gap) {
    bw_json_key(b, "gap");
    bw_json_cstr(b, v->routed.gap);
  }
  bw_json_key(b, "csm");
  bw_json_cstr(b, v->csm);
  bw_json_key(b, "csm_required");
  bw_json_bool(b, v->csm_required);
  bw_json_close(b, '}');
  search_clear(&s);
}

/* ---- open leads whose plays do not speak any more ---- */

static void take_owner(struct lead *l, const char *owner, const char *role, const struct search *s)
{
  bw_lead_set(&l->pub.owner, owner);
  bw_lead_set(&l->pub.owner_role, role);
  bw_lead_set(&l->pub.owner_for, s->nominal && strcmp(s->nominal, owner) != 0 ? s->nominal : "");
  bw_lead_set(&l->pub.owner_note, "");
  if (s->first.len && l->pub.owner_for[0]) {
    free(l->pub.owner_note);
    l->pub.owner_note = bw_asprintf("for %s", bw_buf_cstr((struct bw_buf *)(uintptr_t)&s->first));
  }
}

/* The route that the lead took, which may not have been its play's first; -1: it is there no more.  Our own JSON: within it,
   an unescaped "route":{"name": is that and nothing else. */
static int route_taken(const struct bw_plays *set, const struct lead *l)
{
  static const char mark[] = "\"route\":{\"name\":\"";
  const char *at = strstr(l->pub.why_json, mark);
  struct bw_str name = at ? bw_str_n(at + sizeof mark - 1, strcspn(at + sizeof mark - 1, "\"")) : BW_STR("");
  size_t i;
  for (i = 0; i < set->nroutes; i++)
    if (bw_str_is(name, set->routes[i].name))
      return (int)i;
  return -1;
}

/* The rows and fallbacks of its route, by what the lead was worth when its play last spoke. */
static bool find_anybody(struct bw_engine *e, struct lead *l)
{
  int at = bw_plays_find(e->plays, bw_str(l->pub.play)), route = route_taken(e->plays, l);
  struct verdict v;
  bool other;
  if (at < 0 || route < 0)
    return false;
  bw_verdict_init(&v);
  e->env.score = l->pub.score;
  e->env.estimate = l->pub.estimate;
  e->env.priority = l->pub.priority;
  v.priority = l->pub.priority;
  v.shadow = l->pub.mode == BW_MODE_SHADOW;
  bw_play_route(e, &e->plays->plays[at], route, &v);
  other = strcmp(v.role, "operator") != 0 || strcmp(v.owner, l->pub.owner) != 0; /* or another operator */
  if (other) {
    bw_pool_take_turn(e, &v);
    bw_lead_set(&l->pub.owner, v.owner);
    bw_lead_set(&l->pub.owner_role, v.role);
    bw_lead_set(&l->pub.owner_for, v.routed.nominal);
    bw_lead_set(&l->pub.owner_note, v.routed.note);
  }
  bw_verdict_clear(&v);
  return other;
}

/* Whom the lead's role names now. */
static bool find_heir(struct bw_engine *e, struct lead *l)
{
  struct search s = {.e = e, .pool = -1};
  int at = bw_find_role(e->plays, bw_str(l->pub.owner_role));
  bool moved = false;
  size_t i;
  for (i = 0; at >= 0 && i < e->plays->roles[at].npeople && !s.owner; i++)
    try_place(&s, &e->plays->roles[at], e->plays->roles[at].people[i]);
  if (s.owner && s.nominal && handed_over(e->plays, &l->pub, l->pub.owner_role, s.nominal)) {
    take_owner(l, s.owner, e->plays->roles[at].name, &s);
    moved = true;
  }
  search_clear(&s);
  return moved;
}

bool bw_lead_reroute(struct bw_engine *e, struct lead *l)
{
  bool moved = strcmp(l->pub.owner_role, "operator") == 0 ? find_anybody(e, l) : find_heir(e, l);
  char *csm BW_AUTOFREE = find_csm(e, l->pub.owner);
  if (strcmp(csm ? csm : "", l->pub.csm) != 0) {
    bw_lead_set(&l->pub.csm, csm);
    moved = true;
  }
  return moved;
}
