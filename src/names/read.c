/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the values behind the names: fields of the book's records, traits, signals and their evidence.  Runs in core and
 * replays; no privileges.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "names/private.h"

_Static_assert(ENV_RECORDS == R_LEAD, "the roots before lead are records");

/* ---- records ---- */

static const char *const roles[R_LEAD] = {[R_CHAMPION] = "champion", [R_BUYER] = "economic_buyer", [R_SPONSOR] = "sponsor"};

struct role_search {
  const char *role;
  const struct bw_entity *found, *barred; /* barred: has the role, and must not be contacted */
};

/* Whoever must not be contacted is nobody to write to, and nobody to write about. */
static int find_role(void *ctx, const struct bw_entity *e)
{
  struct role_search *s = ctx;
  if (!bw_str_is(bw_entity_text(e, "role"), s->role))
    return 0;
  if (bw_entity_flag(e, "do_not_contact")) {
    s->barred = e;
    return 0;
  }
  s->found = e;
  return -1;
}

static struct role_search search_role(const struct bw_env *env, enum root root)
{
  struct role_search s = {.role = roles[root]};
  bw_book_each_of(env->from->book, BW_ENTITY_CONTACT, env->account, find_role, &s);
  return s;
}

static const struct bw_entity *find_plan(struct bw_env *env)
{
  const struct bw_entity *subscription = bw_env_record(env, R_SUBSCRIPTION), *account = bw_env_record(env, R_ACCOUNT);
  struct bw_str plan = subscription ? bw_entity_text(subscription, "plan") : BW_STR("");
  if (!plan.len && account)
    plan = bw_entity_text(account, "plan");
  return plan.len ? bw_book_find(env->from->book, BW_ENTITY_PLAN, plan) : NULL;
}

const struct bw_entity *bw_env_record(struct bw_env *env, enum root root)
{
  struct bw_book *book = env->from->book;
  const struct bw_entity *e = NULL;
  if (env->looked[root])
    return env->record[root];
  env->looked[root] = true;
  if (root == R_ACCOUNT) {
    e = bw_book_find(book, BW_ENTITY_ACCOUNT, env->account);
  } else if (root == R_SUBSCRIPTION) {
    e = bw_book_find(book, BW_ENTITY_SUBSCRIPTION, env->account);
  } else if (root == R_PLAN) {
    e = find_plan(env);
  } else if (root == R_NEXT_PLAN) {
    const struct bw_entity *plan = bw_env_record(env, R_PLAN);
    struct bw_str next = plan ? bw_entity_text(plan, "next") : BW_STR("");
    e = next.len ? bw_book_find(book, BW_ENTITY_PLAN, next) : NULL;
  } else {
    e = search_role(env, root).found;
  }
  env->record[root] = e;
  return e;
}

const struct bw_entity *bw_env_account(struct bw_env *env)
{
  return bw_env_record(env, R_ACCOUNT);
}

/* ---- fields ---- */

static void read_list(struct bw_env *env, const struct bw_field *f, struct bw_value *ret)
{
  json_error_t why;
  json_t *root = f->type == BW_VALUE_JSON ? json_loadb(f->text.data, f->text.len, 0, &why) : NULL;
  size_t n = root ? json_array_size(root) : 1, i;
  struct bw_value *items = bw_eval_alloc(&env->eval, (n + 1) * sizeof *items);
  for (i = 0; i < n; i++) {
    json_t *v = json_array_get(root, i);
    if (!root)
      items[i] = bw_value_string(f->text);
    else if (json_is_string(v))
      items[i] = bw_value_string(bw_env_keep(env, "%s", json_string_value(v)));
    else if (json_is_number(v))
      items[i] = bw_value_double(json_number_value(v));
    else if (json_is_boolean(v))
      items[i] = bw_value_bool(json_is_true(v));
    else
      items[i] = (struct bw_value){.type = BW_TYPE_NULL};
  }
  json_decref(root);
  *ret = (struct bw_value){.type = BW_TYPE_LIST, .list = {items, n}};
}

static bool truth(struct bw_str s, bool *ret)
{
  static const char *const yes[] = {"true", "yes", "1"}, *const no[] = {"false", "no", "0"};
  size_t i;
  for (i = 0; i < 3; i++) {
    if (bw_str_is(s, yes[i]) || bw_str_is(s, no[i])) {
      *ret = bw_str_is(s, yes[i]);
      return true;
    }
  }
  return false;
}

/* False: the field holds nothing of that type. */
static bool read_field(struct bw_env *env, const struct bw_entity *e, const char *name, enum bw_type type, struct bw_value *ret)
{
  const struct bw_field *f = bw_entity_field(e, name);
  double d;
  int64_t t;
  bool b;
  if (!f || f->type == BW_VALUE_NULL)
    return false;
  if (type == BW_TYPE_ANY)
    type = f->type == BW_VALUE_NUMBER ? BW_TYPE_DOUBLE
           : f->type == BW_VALUE_BOOL ? BW_TYPE_BOOL
           : f->type == BW_VALUE_JSON ? BW_TYPE_LIST
                                      : BW_TYPE_STRING;
  switch (type) {
  case BW_TYPE_DOUBLE:
    d = bw_entity_number(e, name, NAN);
    *ret = bw_value_double(d);
    return isfinite(d);
  case BW_TYPE_TIMESTAMP:
    t = bw_entity_time(e, name);
    *ret = bw_value_time(t);
    return t != BW_TIME_NONE;
  case BW_TYPE_BOOL:
    if (f->type == BW_VALUE_BOOL)
      b = f->number > 0;
    else if (!truth(f->text, &b))
      return false;
    *ret = bw_value_bool(b);
    return true;
  case BW_TYPE_LIST:
    read_list(env, f, ret);
    return true;
  case BW_TYPE_RANK:
    *ret = (struct bw_value){.type = BW_TYPE_RANK, .i = bw_stage_rank(f->text), .s = f->text};
    return ret->i >= 0;
  default:
    *ret = bw_value_string(f->text);
    return f->text.len > 0;
  }
}

static void from_record(struct bw_env *env, const char *root, const struct bw_entity *e, const char *field,
                        struct bw_provenance *ret_from)
{
  struct bw_str id = bw_entity_id(e);
  if (!ret_from)
    return;
  *ret_from = (struct bw_provenance){.kind = BW_FROM_RECORD,
                                     .name = bw_env_keep(env, "%s %.*s: traits.%s", root, BW_FMT(id), field),
                                     .offset = bw_entity_source(e, field),
                                     .at_ms = BW_TIME_NONE};
}

struct bw_str bw_env_unread(struct bw_env *env, const struct bw_entity *e, const char *field, enum bw_type type)
{
  static const char *const wanted[BW_TYPE_ANY + 1] = {
      [BW_TYPE_DOUBLE] = "number", [BW_TYPE_TIMESTAMP] = "day", [BW_TYPE_BOOL] = "yes or no", [BW_TYPE_RANK] = "stage"};
  const struct bw_field *f = e && !env->quick ? bw_entity_field(e, field) : NULL;
  if (!f || f->type == BW_VALUE_NULL || f->text.len == 0 || !wanted[type])
    return BW_STR("");
  return bw_env_keep(env, "; %s is the text \"%.*s\", which is no %s", field, (int)(f->text.len < 60 ? f->text.len : 60),
                     f->text.data, wanted[type]);
}

/* Nobody to write to: nobody has the role, or whoever has it does not want it. */
static void missing_contact(struct bw_env *env, enum root root, const char *full, struct bw_value *ret)
{
  const struct bw_entity *barred = env->quick ? NULL : search_role(env, root).barred;
  if (barred)
    bw_env_missing(env, ret, "%s: another contact record of the account with traits.role \"%s\"; %.*s says do_not_contact",
                   full, roles[root], BW_FMT(bw_entity_id(barred)));
  else
    bw_env_missing(env, ret, "%s: a contact record of the account with traits.role \"%s\"", full, roles[root]);
}

static void missing_field(struct bw_env *env, enum root root, const char *full, const char *field, enum bw_type type,
                          struct bw_value *ret)
{
  const struct bw_entity *e = bw_env_record(env, root);
  struct bw_str unread = bw_env_unread(env, e, field, type);
  if (root == R_PLAN && !e)
    bw_env_missing(env, ret, "%s: a subscription record with traits.plan, and a plan record of that id with traits.%s", full,
                   field);
  else if (root == R_NEXT_PLAN && !e)
    bw_env_missing(env, ret, "%s: a plan record with traits.next, and a plan record of that id with traits.%s", full, field);
  else if (roles[root] && !e)
    missing_contact(env, root, full, ret);
  else if (roles[root])
    bw_env_missing(env, ret, "%s: a contact record %.*s with traits.%s%.*s", full, BW_FMT(bw_entity_id(e)), field,
                   BW_FMT(unread));
  else
    bw_env_missing(env, ret, "%s: %s%s%.*s with traits.%s%.*s", full, bw_roots[root]->record, e && root != R_ACCOUNT ? " " : "",
                   e && root != R_ACCOUNT ? (int)bw_entity_id(e).len : 0, e ? bw_entity_id(e).data : "", field, BW_FMT(unread));
}

static void read_record(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from)
{
  const struct bw_entity *e = bw_env_record(env, n->root);
  const char *field = n->key ? n->key : n->row->name;
  if (e && read_field(env, e, field, n->type, ret))
    from_record(env, bw_roots[n->root]->name, e, field, ret_from);
  else
    missing_field(env, n->root, n->text, field, n->type, ret);
}

/* ---- traits and signals ---- */

/* "usage.limit_ratio[api_calls], ...": by which keys a trait has values. */
struct keys {
  const char *type;
  struct bw_buf list;
};

static int add_key(void *ctx, const struct bw_trait_value *v)
{
  struct keys *k = ctx;
  if (strcmp(v->type->name, k->type) == 0 && v->key.len && k->list.len < 120)
    bw_buf_printf(&k->list, "%s%s[%.*s]", k->list.len ? ", " : "", k->type, BW_FMT(v->key));
  return 0;
}

static void read_trait(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from)
{
  const struct bw_trait_type *type = bw_catalog_trait(env->from->catalog, n->type_index);
  struct bw_trait_value v;
  if (!bw_signals_trait_at(env->from->signals, env->account, n->type_index, n->key ? bw_str(n->key) : BW_STR(""), &v)) {
    struct keys keys = {.type = type->name};
    (void)bw_signals_each_trait(env->from->signals, env->account, add_key, &keys);
    bw_env_missing(env, ret, "%s: the watcher %s has published no value for this account yet%s%s", n->text, type->watcher,
                   keys.list.len ? "; there is " : "", bw_buf_cstr(&keys.list));
    bw_buf_clear(&keys.list);
    return;
  }
  *ret = v.value_type == BW_VALUE_STRING ? bw_value_string(v.text) : bw_value_double(v.number);
  if (!ret_from)
    return;
  *ret_from =
      (struct bw_provenance){.kind = BW_FROM_TRAIT,
                             .name = v.key.len ? bw_env_keep(env, "%s[%.*s]", type->name, BW_FMT(v.key)) : bw_str(type->name),
                             .offset = v.offset,
                             .at_ms = v.at_ms};
}

/* The value at a dotted path; keys that hold dots themselves are tried whole first. */
static const json_t *walk(const json_t *v, const char *path)
{
  const char *dot;
  const json_t *inner = json_object_get(v, path);
  if (inner)
    return inner;
  for (dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
    char *head BW_AUTOFREE = bw_strndup(path, (size_t)(dot - path));
    inner = json_object_get(v, head);
    if (inner && (inner = walk(inner, dot + 1)))
      return inner;
  }
  return NULL;
}

static bool json_value(struct bw_env *env, const json_t *v, struct bw_value *ret)
{
  if (json_is_string(v))
    *ret = bw_value_string(bw_env_keep(env, "%s", json_string_value(v)));
  else if (json_is_number(v))
    *ret = bw_value_double(json_number_value(v));
  else if (json_is_boolean(v))
    *ret = bw_value_bool(json_is_true(v));
  else if (json_is_array(v)) {
    size_t i, n = json_array_size(v);
    struct bw_value *items = bw_eval_alloc(&env->eval, (n + 1) * sizeof *items);
    for (i = 0; i < n; i++)
      if (json_is_array(json_array_get(v, i)) || !json_value(env, json_array_get(v, i), &items[i]))
        items[i] = (struct bw_value){.type = BW_TYPE_NULL};
    *ret = (struct bw_value){.type = BW_TYPE_LIST, .list = {items, n}};
  } else
    return false;
  return true;
}

static void read_evidence(struct bw_env *env, const struct env_name *n, struct bw_str evidence, struct bw_value *ret)
{
  json_error_t why;
  json_t *root = json_loadb(evidence.data, evidence.len, 0, &why);
  if (!json_value(env, walk(root, n->rest), ret))
    bw_env_missing(env, ret, "%s: the signal's evidence has no %s", n->text, n->rest);
  json_decref(root);
}

/* What the lead was opened with, where the episode has been cleared since. */
static bool read_lead_signal(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from)
{
  static const char *const part_names[] = {"", "value", "threshold", "strength", "peak", "opened", "updated"};
  const char *type = bw_catalog_signal(env->from->catalog, n->type_index)->name;
  json_error_t why;
  json_t *root = env->lead ? json_loads(env->lead->why_json, 0, &why) : NULL;
  const json_t *list = json_object_get(root, "signals");
  bool found = false;
  size_t i;
  for (i = 0; i < json_array_size(list) && !found; i++) {
    const json_t *s = json_array_get(list, i);
    const char *name = json_string_value(json_object_get(s, "signal")), *key = json_string_value(json_object_get(s, "key"));
    if (!name || strcmp(name, type) != 0 || (n->key && (!key || strcmp(key, n->key) != 0)))
      continue;
    if (n->part == PART_EVIDENCE)
      found = json_value(env, walk(json_object_get(s, "evidence"), n->rest), ret);
    else
      found = json_value(env, json_object_get(s, part_names[n->part]), ret);
    if (found && n->type == BW_TYPE_TIMESTAMP) {
      int64_t ms;
      found = ret->type == BW_TYPE_STRING && bw_time_parse(ret->s, &ms) == 0;
      if (found)
        *ret = bw_value_time(ms);
    }
    if (!ret_from)
      continue;
    *ret_from =
        (struct bw_provenance){.kind = BW_FROM_SIGNAL,
                               .name = bw_env_keep(env, "signal %s, as it was when lead %s saw it", type, env->lead->id),
                               .episode = (uint64_t)json_integer_value(json_object_get(s, "episode")),
                               .at_ms = env->lead->updated_at};
  }
  json_decref(root);
  return found;
}

static void read_signal(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from)
{
  const char *type = bw_catalog_signal(env->from->catalog, n->type_index)->name;
  const struct bw_episode *e;
  if (n->part == PART_ITSELF) {
    *ret = (struct bw_value){.type = BW_TYPE_SIGNAL, .i = (int64_t)(n - env->names->items), .s = bw_str(n->text)};
    return;
  }
  e = bw_env_episode(env, n->type_index, n->key);
  if (!e) {
    if (!read_lead_signal(env, n, ret, ret_from))
      bw_env_missing(env, ret, "%s: the signal %s is not open", n->text, type);
    return;
  }
  switch (n->part) {
  case PART_VALUE:
    *ret = bw_value_double(e->value);
    break;
  case PART_THRESHOLD:
    *ret = bw_value_double(e->threshold);
    break;
  case PART_STRENGTH:
    *ret = bw_value_double(e->strength);
    break;
  case PART_PEAK:
    *ret = bw_value_double(e->peak_strength);
    break;
  case PART_OPENED:
    *ret = bw_value_time(e->opened_at);
    break;
  case PART_UPDATED:
    *ret = bw_value_time(e->updated_at);
    break;
  default:
    read_evidence(env, n, e->evidence, ret);
  }
  if (!ret_from)
    return;
  *ret_from = (struct bw_provenance){
      .kind = BW_FROM_SIGNAL,
      .name = bw_env_keep(env, "signal %s%s%.*s%s", type, e->key.len ? "[" : "", BW_FMT(e->key), e->key.len ? "]" : ""),
      .offset = e->updated_offset,
      .episode = e->id,
      .at_ms = e->updated_at};
}

void bw_env_read(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from)
{
  if (ret_from)
    *ret_from = (struct bw_provenance){.at_ms = BW_TIME_NONE};
  if (n->root == R_TRAIT) {
    read_trait(env, n, ret, ret_from);
  } else if (n->root == R_SIGNAL) {
    read_signal(env, n, ret, ret_from);
  } else if (n->row->compute) {
    *ret = (struct bw_value){.type = BW_TYPE_ERROR, .i = BW_VALUE_MISSING};
    n->row->compute(env, n->row, ret, ret_from);
    if (ret->type == BW_TYPE_ERROR && !ret->s.len)
      missing_field(env, n->root, n->text, n->row->name, n->type, ret);
    if (ret_from && !ret_from->name.len)
      ret_from->name = bw_str(n->text);
  } else {
    read_record(env, n, ret, ret_from);
  }
  if (ret->type == BW_TYPE_ERROR && ret_from)
    *ret_from = (struct bw_provenance){.at_ms = BW_TIME_NONE};
}

void bw_env_account_value(struct bw_env *env, const char *name, struct bw_value *ret)
{
  const char *field = strchr(name, '.') + 1;
  const struct root_row *root = bw_roots[R_ACCOUNT];
  size_t i;
  for (i = 0; i < root->nrows; i++)
    if (strcmp(root->rows[i].name, field) == 0) {
      const struct name_row *row = &root->rows[i];
      struct env_name n = {.root = R_ACCOUNT, .row = row, .type = row->type, .text = (char *)(uintptr_t)name};
      bw_env_read(env, &n, ret, NULL);
      return;
    }
  BW_ASSERT(!"a fixed name of the account");
}
