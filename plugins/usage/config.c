/* SPDX-License-Identifier: Apache-2.0 */
/* Options into what events mean.  Runs in a watcher host; no privileges needed. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "usage.h"

/* "Signed In", "signed_in" and "SignedIn" are one name.  Returns a malloc'ed text. */
static char *normalised(struct bw_str s)
{
  char *out = bw_alloc(s.len + 1);
  size_t i, n = 0;
  for (i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c >= 0x80 || isalnum(c) || c == '$')
      out[n++] = (char)tolower(c);
  }
  if (n == 0 && s.len) /* nothing but signs: as it is */
    memcpy(out, s.data, s.len);
  return out;
}

static const char *option_name(uint32_t id)
{
  return usage_options[id].name;
}

static int bad(struct bw_error *err, uint32_t id, const char *what)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s: %s", option_name(id), what);
}

/* "properties.feature" -> section and key; a name without a section stands beside "type". */
static struct field_ref field_ref(struct bw_str s)
{
  static const struct {
    const char *prefix;
    uint32_t section;
  } sections[] = {{"properties.", BW_SECTION_PROPERTIES}, {"traits.", BW_SECTION_TRAITS}, {"context.", BW_SECTION_CONTEXT}};
  size_t i;
  for (i = 0; i < sizeof sections / sizeof *sections; i++)
    if (bw_str_prefix(s, sections[i].prefix)) {
      size_t n = strlen(sections[i].prefix);
      return (struct field_ref){sections[i].section, {s.data + n, s.len - n}};
    }
  return (struct field_ref){BW_SECTION_TOP, s};
}

/* Keys of 63 bytes and more share a bit. */
static uint64_t length_bit(struct bw_str key)
{
  return UINT64_C(1) << (key.len < 63 ? key.len : 63);
}

static void add_field(struct field_set *set, struct bw_str name)
{
  struct field_ref *ref = &set->refs[set->n++];
  *ref = field_ref(name);
  set->lengths |= length_bit(ref->key);
}

/* A string or a list of strings into the set. */
static int field_refs(const struct bw_jnode *n, uint32_t id, struct field_set *set, struct bw_error *err)
{
  const struct bw_jnode *c;
  if (!n)
    return 0;
  if (n->type == BW_J_STRING) {
    add_field(set, n->text);
    return 0;
  }
  if (n->type != BW_J_LIST)
    return bad(err, id, "a field is a name such as \"properties.feature\", or a list of such names");
  for (c = n->child; c; c = c->next) {
    if (c->type != BW_J_STRING || set->n >= MAX_FIELDS)
      return bad(err, id, "at most 4 field names, each a string such as \"properties.feature\"");
    add_field(set, c->text);
  }
  return 0;
}

static int kind_bits(const struct bw_jnode *n, uint32_t id, uint64_t *ret, struct bw_error *err)
{
  static const struct {
    const char *name;
    uint32_t kind;
  } kinds[] = {{"track", BW_KIND_TRACK},
               {"page", BW_KIND_PAGE},
               {"screen", BW_KIND_SCREEN},
               {"identify", BW_KIND_IDENTIFY},
               {"group", BW_KIND_GROUP}};
  const struct bw_jnode *c = n->type == BW_J_LIST ? n->child : n;
  size_t i;
  *ret = 0;
  for (; c; c = n->type == BW_J_LIST ? c->next : NULL) {
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
      if (c->type == BW_J_STRING && bw_str_is(c->text, kinds[i].name))
        break;
    if (i == sizeof kinds / sizeof *kinds)
      return bad(err, id, "kinds are track, page, screen, identify, group");
    *ret |= BW_KIND_BIT(kinds[i].kind);
  }
  return 0;
}

static int read_where(const struct bw_jnode *item, uint32_t id, struct rule_of_event *r, struct bw_error *err)
{
  const struct bw_jnode *where = bw_jnode_get(item, "where"), *c;
  if (!where)
    return 0;
  if (where->type != BW_J_MAP)
    return bad(err, id, "where is an object of field: value");
  for (c = where->child; c; c = c->next) {
    if (r->nwhere >= MAX_FIELDS || (c->type != BW_J_STRING && c->type != BW_J_NUMBER))
      return bad(err, id, "where takes at most 4 fields, each equal to a text or number");
    add_field(&r->where[r->nwhere], c->key);
    r->equals[r->nwhere++] = c->text;
  }
  return 0;
}

static struct rule_of_event *add_rule(struct config *c, enum action action)
{
  c->rules = bw_realloc(c->rules, c->nrules + 1, sizeof *c->rules);
  c->rules[c->nrules] = (struct rule_of_event){.action = (uint8_t)action, .kinds = BW_KIND_BIT(BW_KIND_TRACK)};
  return &c->rules[c->nrules++];
}

/* One item, a name or an object with "event", "kind", "where" and a field under `field_key`. */
static int read_item(struct usage *u, const struct bw_jnode *item, uint32_t id, enum action action, const char *field_key,
                     struct rule_of_event **ret, struct bw_error *err)
{
  struct rule_of_event *r;
  struct bw_str name;
  const struct bw_jnode *kind = bw_jnode_get(item, "kind");
  int rc;
  if (item->type != BW_J_STRING && item->type != BW_J_MAP)
    return bad(err, id, "each item is an event's name, or an object with \"event\"");
  if (u->cfg.nrules >= 2000)
    return bad(err, id, "more than 2000 event rules in all");
  r = add_rule(&u->cfg, action);
  name = item->type == BW_J_STRING ? item->text : bw_jnode_text(item, "event");
  r->any_name = name.len == 0 || bw_str_is(name, "*");
  r->name = normalised(name);
  if (item->type == BW_J_STRING && r->any_name && name.len == 0)
    return bad(err, id, "an event's name is empty");
  if (kind && (rc = kind_bits(kind, id, &r->kinds, err)))
    return rc;
  if ((rc = read_where(item, id, r, err)))
    return rc;
  if (field_key && (rc = field_refs(bw_jnode_get(item, field_key), id, &r->fields, err)))
    return rc;
  *ret = r;
  return 0;
}

static const struct bw_jnode *root_of(const struct usage *u, uint32_t id)
{
  return bw_jdoc_root(u->cfg.docs[id]);
}

static int read_events(struct usage *u, uint32_t id, enum action action, const char *field_key, struct bw_error *err)
{
  const struct bw_jnode *root = root_of(u, id), *c;
  struct rule_of_event *r;
  int rc;
  if (root->type != BW_J_LIST)
    return bad(err, id, "a list is expected");
  for (c = root->child; c; c = c->next)
    if ((rc = read_item(u, c, id, action, field_key, &r, err)))
      return rc;
  return 0;
}

static uint16_t name_id(struct usage *u, struct bw_str s)
{
  return (uint16_t)bw_intern_get(&u->names, s);
}

static int read_meter_window(const struct bw_jnode *c, struct meter *m, struct bw_error *err)
{
  struct bw_str w = bw_jnode_text(c, "window");
  int64_t ms;
  if (w.len == 0)
    return 0;
  if (bw_str_is(w, "month")) {
    m->window = METER_MONTH;
  } else if (bw_str_is(w, "gauge")) {
    m->window = METER_GAUGE;
  } else if (bw_duration_parse(w, &ms) == 0 && ms >= BW_DAY && ms <= 366 * BW_DAY) {
    m->days = (int32_t)(ms / BW_DAY);
  } else {
    return bad(err, OPT_METERS, "window is a span of 1d to 366d, \"month\" or \"gauge\"");
  }
  return 0;
}

static int read_meter(struct usage *u, const struct bw_jnode *c, struct bw_error *err)
{
  struct config *cfg = &u->cfg;
  struct bw_str resource = bw_jnode_text(c, "resource"), text;
  struct rule_of_event *r;
  struct meter *m;
  uint32_t i;
  int rc;
  if (resource.len == 0 || bw_jnode_text(c, "event").len == 0)
    return bad(err, OPT_METERS, "each meter needs \"resource\" and \"event\"");
  for (i = 0; i < cfg->nmeters && !bw_str_eq(cfg->meters[i].resource, resource); i++)
    ;
  if (i >= MAX_METERS)
    return bad(err, OPT_METERS, "more than 32 resources");
  m = &cfg->meters[i];
  if (i == cfg->nmeters) {
    *m = (struct meter){.resource = resource, .limit = resource, .days = 28, .scale = 1};
    m->resource_id = name_id(u, resource);
    cfg->nmeters++;
  }
  if ((text = bw_jnode_text(c, "limit")).len)
    m->limit = text;
  m->limit_id = name_id(u, m->limit);
  if ((rc = read_meter_window(c, m, err)))
    return rc;
  m->scale = bw_jnode_number(c, "scale", m->scale);
  if (!(m->scale > 0 && m->scale <= 1e6))
    return bad(err, OPT_METERS, "scale is above 0 and at most 1000000");
  if ((text = bw_jnode_text(c, "rate_window")).len && bw_duration_parse(text, &m->rate_window) != 0)
    return bad(err, OPT_METERS, "rate_window is a span such as \"1m\"");
  if ((text = bw_jnode_text(c, "rate_limit")).len) {
    m->rate_limit = text;
    m->rate_limit_id = name_id(u, text);
  }
  if ((rc = read_item(u, c, OPT_METERS, ACT_METER, "quantity", &r, err)))
    return rc;
  r->index = (uint8_t)i;
  return 0;
}

static int read_pattern(struct usage *u, const struct bw_jnode *c, struct bw_error *err)
{
  struct config *cfg = &u->cfg;
  const struct bw_jnode *steps = bw_jnode_get(c, "steps"), *s;
  struct pattern *p;
  struct rule_of_event *r;
  struct bw_str text;
  int64_t ms = 28 * BW_DAY;
  int rc;
  if (cfg->npatterns >= MAX_PATTERNS || bw_jnode_text(c, "name").len == 0 || !steps || steps->type != BW_J_LIST)
    return bad(err, OPT_WORKAROUNDS, "at most 32 patterns, each with \"name\" and a list of \"steps\"");
  p = &cfg->patterns[cfg->npatterns];
  *p = (struct pattern){.name = bw_jnode_text(c, "name"), .product = bw_jnode_text(c, "product"), .within = BW_DAY};
  p->name_id = name_id(u, p->name);
  p->product_id = p->product.len ? name_id(u, p->product) : 0;
  p->count = bw_jnode_number(c, "count", cfg->set[SIG_WORKAROUND].rule.threshold);
  p->window = cfg->set[SIG_WORKAROUND].window;
  if ((text = bw_jnode_text(c, "window")).len) {
    if (bw_duration_parse(text, &ms) || ms < BW_DAY || ms > 366 * BW_DAY)
      return bad(err, OPT_WORKAROUNDS, "window is a span of 1d to 366d");
    p->window = (int32_t)(ms / BW_DAY);
  }
  if ((text = bw_jnode_text(c, "within")).len && (bw_duration_parse(text, &p->within) || p->within <= 0))
    return bad(err, OPT_WORKAROUNDS, "within is a span such as \"1h\"");
  for (s = steps->child; s; s = s->next) {
    if (p->nsteps >= MAX_STEPS)
      return bad(err, OPT_WORKAROUNDS, "at most 8 steps");
    if ((rc = read_item(u, s, OPT_WORKAROUNDS, ACT_STEP, NULL, &r, err)))
      return rc;
    r->index = (uint8_t)cfg->npatterns;
    r->step = p->nsteps++;
  }
  if (p->nsteps == 0)
    return bad(err, OPT_WORKAROUNDS, "a pattern without steps");
  cfg->npatterns++;
  return 0;
}

static int read_list(struct usage *u, uint32_t id, int (*item)(struct usage *, const struct bw_jnode *, struct bw_error *),
                     struct bw_error *err)
{
  const struct bw_jnode *root = root_of(u, id), *c;
  int rc;
  if (root->type != BW_J_LIST)
    return bad(err, id, "a list is expected");
  for (c = root->child; c; c = c->next)
    if ((rc = item(u, c, err)))
      return rc;
  return 0;
}

static int read_products(struct usage *u, uint32_t id, struct product_map *map, uint32_t *ret_n, struct bw_error *err)
{
  const struct bw_jnode *root = root_of(u, id), *c, *f;
  if (root->type != BW_J_MAP)
    return bad(err, id, "an object of product: [features] is expected");
  for (c = root->child; c; c = c->next) {
    if (c->type != BW_J_LIST)
      return bad(err, id, "each product has a list of features");
    for (f = c->child; f; f = f->next) {
      if (f->type != BW_J_STRING || *ret_n >= MAX_MAP)
        return bad(err, id, "features are names; at most 256 in all");
      map[(*ret_n)++] = (struct product_map){name_id(u, c->key), name_id(u, f->text)};
    }
  }
  return 0;
}

static const char *signal_name(uint32_t i)
{
  return usage_signals[i].name;
}

static const char *trait_name(uint32_t i)
{
  return usage_traits[i].name;
}

/* What may be chosen from. */
struct choice {
  const char *what;
  const char *(*name)(uint32_t i);
  uint32_t n;
};
static const struct choice signal_choice = {"signal", signal_name, SIG_COUNT},
                           trait_choice = {"trait", trait_name, TRAIT_COUNT};

static int not_there(const struct choice *of, uint32_t id, uint32_t place, const struct bw_jnode *c, struct bw_error *err)
{
  const char *near = NULL;
  size_t best = SIZE_MAX;
  uint32_t i;
  if (c->type != BW_J_STRING)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s[%u]: the name of a %s is needed", option_name(id), place,
                   of->what);
  for (i = 0; i < of->n; i++)
    if (bw_nearer(c->text, bw_str(of->name(i)), &best))
      near = of->name(i);
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s[%u]: there is no %s \"%.*s\"; %s%s%s", option_name(id), place,
                 of->what, (int)(c->text.len < 60 ? c->text.len : 60), c->text.data,
                 near ? "did you mean " : "basewatch-usage(7) lists them", near ? near : "", near ? "?" : "");
}

/* "all", or a list of names. */
static int read_choice(struct usage *u, uint32_t id, const struct choice *of, bool *on, struct bw_error *err)
{
  const struct bw_jnode *root = root_of(u, id), *c;
  uint32_t i, place = 0;
  bool all = root->type == BW_J_STRING && bw_str_is(root->text, "all");
  for (i = 0; i < of->n; i++)
    on[i] = all;
  if (all)
    return 0;
  if (root->type != BW_J_LIST)
    return bad(err, id, "\"all\" or a list of names is expected");
  for (c = root->child; c; c = c->next, place++) {
    for (i = 0; i < of->n && !(c->type == BW_J_STRING && bw_str_is(c->text, of->name(i))); i++)
      ;
    if (i == of->n)
      return not_there(of, id, place, c, err);
    on[i] = true;
  }
  return 0;
}

static int read_values(struct usage *u, const struct bw_open_args *args, struct bw_error *err)
{
  struct config *c = &u->cfg;
  uint32_t i;
  int rc;
  if (args->noptions != OPT_COUNT)
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "the host gave %u option values for %d options", args->noptions, OPT_COUNT);
  for (i = 0; i < OPT_COUNT; i++) {
    const struct bw_option_value *v = (const void *)((const char *)args->values + i * args->value_stride);
    c->value[i] = *v;
    c->value[i].text = (struct bw_str){bw_strndup(v->text.data ? v->text.data : "", v->text.len), v->text.len};
    if (usage_options[i].type != BW_OPTION_JSON)
      continue;
    if ((rc = bw_jdoc_parse(c->value[i].text, &c->docs[i], err)))
      return bw_error_prefix(err, "option %s", option_name(i));
  }
  return 0;
}

static bool is_drop(uint32_t sig)
{
  return sig == SIG_USAGE_DECLINE || sig == SIG_LOGINS_DECLINE;
}

static void read_settings(struct config *c)
{
  uint32_t i;
  for (i = 0; i < SIG_COUNT; i++) {
    const struct bw_option_value *v = &c->value[i * OPTS_PER_SIGNAL];
    struct setting *s = &c->set[i];
    s->on = v[OPT_ENABLED].integer != 0;
    s->window = (int32_t)(v[OPT_WINDOW].integer / BW_DAY);
    s->min = v[OPT_MIN].number;
    s->rule = (struct bw_rule){.threshold = v[OPT_THRESHOLD].number,
                               .clear = v[OPT_CLEAR].number,
                               .hold = (int32_t)(v[OPT_FOR].integer / BW_DAY),
                               .cooldown = (int32_t)(v[OPT_COOLDOWN].integer / BW_DAY),
                               .update_after = (int32_t)(c->value[OPT_UPDATE_AFTER].integer / BW_DAY),
                               .update_change = c->value[OPT_UPDATE_CHANGE].number};
    if (is_drop(i)) { /* told as a drop of 30 %, worked with as a change of -30 % */
      s->rule.threshold = -s->rule.threshold;
      s->rule.clear = -s->rule.clear;
    }
    s->rule.below = is_drop(i) || i == SIG_IDLE_SEATS || i == SIG_ADOPTION_LOW || i == SIG_LIMIT_FORECAST;
  }
}

static double z_of(double chance)
{
  return chance >= 1 ? -1 : chance <= 0 ? 40 : bw_normal_z(chance);
}

static int check_settings(const struct config *c, struct bw_error *err)
{
  uint32_t i;
  for (i = 0; i < SIG_COUNT; i++) {
    const struct bw_rule *r = &c->set[i].rule;
    if (r->below ? r->clear < r->threshold : r->clear > r->threshold)
      return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "option %s.clear: it must not lie beyond %s.threshold",
                     usage_signals[i].name, usage_signals[i].name);
  }
  return 0;
}

static int read_meanings(struct usage *u, struct bw_error *err)
{
  struct config *c = &u->cfg;
  int rc;
  if ((rc = read_events(u, OPT_SIGN_INS, ACT_SIGN_IN, NULL, err)) ||
      (rc = read_events(u, OPT_FEATURES, ACT_FEATURE, "feature", err)) || (rc = read_list(u, OPT_METERS, read_meter, err)) ||
      (rc = read_events(u, OPT_INVITES_REFUSED, ACT_INVITE_REFUSED, NULL, err)) ||
      (rc = read_events(u, OPT_PAYWALLS, ACT_PAID, "feature", err)) ||
      (rc = read_events(u, OPT_EXPORTS, ACT_EXPORT, NULL, err)) ||
      (rc = read_events(u, OPT_AUTOMATIONS, ACT_AUTOMATION, NULL, err)) ||
      (rc = read_events(u, OPT_SHARES, ACT_SHARE, "to", err)) || (rc = read_events(u, OPT_SIGN_UPS, ACT_SIGN_UP, NULL, err)) ||
      (rc = read_events(u, OPT_LIMIT_ERRORS, ACT_LIMIT_ERROR, "resource", err)) ||
      (rc = read_list(u, OPT_WORKAROUNDS, read_pattern, err)) ||
      (rc = field_refs(root_of(u, OPT_DEPARTMENT), OPT_DEPARTMENT, &c->department, err)) ||
      (rc = field_refs(root_of(u, OPT_DEVICE), OPT_DEVICE, &c->device, err)) ||
      (rc = kind_bits(root_of(u, OPT_ACTIVITY), OPT_ACTIVITY, &c->activity, err)) ||
      (rc = read_products(u, OPT_PRODUCTS, c->products, &c->nproducts, err)) ||
      (rc = read_products(u, OPT_ADJACENT, c->adjacent, &c->nadjacent, err)))
    return rc;
  return 0;
}

int config_read(struct usage *u, const struct bw_open_args *args, struct bw_error *err)
{
  struct config *c = &u->cfg;
  bool on[SIG_COUNT];
  uint32_t i;
  int rc;
  if ((rc = read_values(u, args, err)))
    return rc;
  read_settings(c);
  if ((rc = check_settings(c, err)) || (rc = read_choice(u, OPT_SIGNALS, &signal_choice, on, err)) ||
      (rc = read_choice(u, OPT_TRAITS, &trait_choice, c->trait_on, err)))
    return rc;
  for (i = 0; i < SIG_COUNT; i++)
    c->set[i].on = c->set[i].on && on[i];
  for (i = 0; i < TRAIT_COUNT; i++)
    c->any_trait = c->any_trait || c->trait_on[i];
  if (!bw_str_is(c->value[OPT_LOGINS_COUNT].text, "events") && !bw_str_is(c->value[OPT_LOGINS_COUNT].text, "user_days"))
    return bad(err, OPT_LOGINS_COUNT, "events or user_days");
  c->logins_by_user = bw_str_is(c->value[OPT_LOGINS_COUNT].text, "user_days");
  c->mau_window = (int32_t)(c->value[OPT_MAU_WINDOW].integer / BW_DAY);
  c->z_growth = z_of(c->value[OPT_GROWTH_CHANCE].number);
  c->z_decline = z_of(c->value[OPT_DECLINE_CHANCE].number);
  c->z_logins = z_of(c->value[OPT_LOGINS_CHANCE].number);
  c->z_doubled = z_of(c->value[OPT_DOUBLED_CHANCE].number);
  c->max_users = (uint32_t)c->value[OPT_MAX_USERS].integer;
  c->max_features = (uint32_t)c->value[OPT_MAX_FEATURES].integer;
  bw_intern_init(&u->names, u->seed, (uint32_t)c->value[OPT_MAX_NAMES].integer);
  if ((rc = read_meanings(u, err)))
    return rc;
  if (!c->set[SIG_LOGIN_SHARING].on)
    c->device = (struct field_set){0}; /* nobody asks which device it was */
  return 0;
}

void config_clear(struct config *c)
{
  uint32_t i;
  for (i = 0; i < c->nrules; i++)
    free(c->rules[i].name);
  free(c->rules);
  for (i = 0; i < OPT_COUNT; i++) {
    bw_jdoc_free(&c->docs[i]);
    free((char *)(uintptr_t)c->value[i].text.data);
  }
  *c = (struct config){0};
}

static const struct bw_field *search(const struct bw_record *r, const struct field_set *set)
{
  uint32_t i, k;
  for (k = 0; k < set->n; k++)
    for (i = 0; i < r->nfields; i++) {
      const struct bw_field *f = &r->fields[i];
      const struct field_ref *ref = &set->refs[k];
      if (f->key.len == ref->key.len && f->section == ref->section && bw_bytes_eq(f->key.data, ref->key.data, f->key.len) &&
          f->type != BW_VALUE_NULL)
        return f;
    }
  return NULL;
}

/* Most records have no key of a length that is asked for. */
const struct bw_field *field_of(const struct bw_record *r, const struct field_set *set)
{
  uint32_t i;
  for (i = 0; i < r->nfields; i++)
    if (set->lengths & length_bit(r->fields[i].key))
      return search(r, set);
  return NULL;
}

static void resolve(struct usage *u, const struct bw_record *r, struct meaning *m)
{
  char *name = normalised(r->name);
  bool known = false;
  uint32_t i;
  for (i = 0; i < u->cfg.nrules && m->nrules < MAX_MEANINGS; i++) {
    const struct rule_of_event *rule = &u->cfg.rules[i];
    if (!(rule->kinds & BW_KIND_BIT(r->kind)) || (!rule->any_name && strcmp(rule->name, name) != 0))
      continue;
    m->rules[m->nrules++] = (uint16_t)i;
    known = known || (rule->action != ACT_STEP);
  }
  if (!known && r->kind == BW_KIND_TRACK && u->cfg.value[OPT_EVENT_FEATURES].integer && r->name.len)
    m->own_feature = bw_intern_get(&u->names, r->name);
  free(name);
}

const struct meaning *meaning_of(struct usage *u, const struct bw_record *r, struct meaning *spare)
{
  uint64_t h = (u->own_hash ? bw_hash_str(r->name, u->seed) : r->name_hash) + r->kind;
  uint32_t i = (uint32_t)(h ^ h >> 32) & (MEANING_SLOTS - 1);
  struct meaning *m;
  for (; u->meanings[i].used; i = (i + 1) & (MEANING_SLOTS - 1)) {
    m = &u->meanings[i];
    if (m->hash == h && m->kind == r->kind && m->name_len == r->name.len && bw_bytes_eq(m->name, r->name.data, r->name.len))
      return m;
  }
  *spare = (struct meaning){.hash = h, .kind = r->kind};
  resolve(u, r, spare);
  if (u->nmeanings >= MEANING_SLOTS / 2 || r->name.len > 256)
    return spare;
  m = &u->meanings[i];
  *m = *spare;
  m->used = true;
  m->name = bw_strndup(r->name.data ? r->name.data : "", r->name.len);
  m->name_len = r->name.len;
  u->nmeanings++;
  return m;
}
