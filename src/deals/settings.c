/* SPDX-License-Identifier: Apache-2.0 */
/* `opportunities:` of basewatch.yaml: the pipeline, its stages, what the CRM calls them, the usual credit. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "deals/private.h"

#define MAX_STAGES 32
#define MAX_ALSO 64
#define MAX_SPLITS 64
#define MAX_NAME 120
#define MAX_PARTS 8

#define AT(field) offsetof(struct bw_deals_options, field)
const struct bw_setting bw_deals_settings[] = {
    {"pipeline", BW_SETTING_STRING, AT(pipeline), "Expansion", 0, 0, NULL, "The pipeline that opportunities are in."},
    {"renewal_pipeline", BW_SETTING_STRING, AT(renewal_pipeline), "Renewal", 0, 0, NULL,
     "That of what comes of the plays about a renewal: their amount is kept, not won."},
    {"revival_pipeline", BW_SETTING_STRING, AT(revival_pipeline), "Revival", 0, 0, NULL,
     "That of what comes of a lost deal: new business."},
    {"stale", BW_SETTING_DURATION, AT(stale_ms), "90d", 86400e3, 86400e3 * 3650, NULL,
     "A deal that is open for so long is a problem, and is flagged."},
    {"close.urgent", BW_SETTING_DURATION, AT(close_urgent_ms), "30d", 86400e3, 86400e3 * 3650, NULL,
     "Expected close after the opportunity is made, where the lead's priority is high."},
    {"close.normal", BW_SETTING_DURATION, AT(close_ms), "45d", 86400e3, 86400e3 * 3650, NULL, "The same for other leads."},
    {"close.cross_sell_urgent", BW_SETTING_DURATION, AT(cross_close_urgent_ms), "45d", 86400e3, 86400e3 * 3650, NULL,
     "The same for cross-sell of high priority."},
    {"close.cross_sell", BW_SETTING_DURATION, AT(cross_close_ms), "60d", 86400e3, 86400e3 * 3650, NULL,
     "The same for other cross-sell."},
    {"stages", BW_SETTING_NODE, AT(stages_node), "", 0, 0, NULL,
     "The stages in order, each with the time that a deal may stand in it and the CRM's names of it."},
    {"splits", BW_SETTING_NODE, AT(splits_node), "", 0, 0, NULL,
     "Who is credited for a deal that is won, by motion or motion/type; \"default\" for all others."},
};
const size_t bw_deals_nsettings = sizeof bw_deals_settings / sizeof *bw_deals_settings;

/* ---- the stages that ship ---- */

static const struct default_stage {
  const char *name;
  enum bw_deal_state state;
  enum bw_outcome after;
  const char *also[6]; /* Salesforce's and HubSpot's own names */
} defaults[] = {
    {"Identified", BW_DEAL_OPEN, BW_OUTCOME_OPPORTUNITY, {"Prospecting", "appointmentscheduled"}},
    {"Qualified",
     BW_DEAL_OPEN,
     BW_OUTCOME_CONVERSATION,
     {"Qualification", "Needs Analysis", "Value Proposition", "qualifiedtobuy", "presentationscheduled"}},
    {"Proposed", BW_DEAL_OPEN, BW_OUTCOME_PROPOSAL, {"Proposal", "Proposal/Price Quote", "decisionmakerboughtin"}},
    {"Negotiation", BW_DEAL_OPEN, BW_OUTCOME_NONE, {"Negotiation/Review", "contractsent"}},
    {"Closed Won", BW_DEAL_WON, BW_OUTCOME_NONE, {"Won", "closedwon"}},
    {"Closed Lost", BW_DEAL_LOST, BW_OUTCOME_NONE, {"Lost", "closedlost"}},
};
#define NDEFAULTS (sizeof defaults / sizeof *defaults)
#define DEFAULT_WITHIN (14 * BW_DAY)
#define DEFAULT_SPLIT "owner=100"

static void add_also(struct bw_deal_stage *s, const char *name)
{
  s->also = bw_realloc(s->also, s->nalso + 1, sizeof *s->also);
  s->also[s->nalso++] = bw_strdup(name);
}

static struct bw_deal_stage *add_stage(struct bw_deals_options *o)
{
  o->stages = bw_realloc(o->stages, o->nstages + 1, sizeof *o->stages);
  o->stages[o->nstages] = (struct bw_deal_stage){0};
  return &o->stages[o->nstages++];
}

static void default_stages(struct bw_deals_options *o)
{
  size_t i, k;
  for (i = 0; i < NDEFAULTS; i++) {
    struct bw_deal_stage *s = add_stage(o);
    s->name = bw_strdup(defaults[i].name);
    s->state = defaults[i].state;
    s->after = defaults[i].after;
    s->within_ms = s->state == BW_DEAL_OPEN ? DEFAULT_WITHIN : 0;
    for (k = 0; k < sizeof defaults[i].also / sizeof *defaults[i].also && defaults[i].also[k]; k++)
      add_also(s, defaults[i].also[k]);
  }
}

/* ---- stages as configured ---- */

struct stage_row {
  char *stage;
  int64_t within_ms;
  int outcome, after;
  const struct bw_node *also;
};
#define ROW(field) offsetof(struct stage_row, field)
static const struct bw_setting stage_settings[] = {
    {"stage", BW_SETTING_STRING, ROW(stage), NULL, 0, 0, NULL, "Its name."},
    {"within", BW_SETTING_DURATION, ROW(within_ms), "14d", 0, 86400e3 * 3650, NULL, "How long a deal may stand in it."},
    {"outcome", BW_SETTING_ENUM, ROW(outcome), "open", 0, 0, "open|won|lost", "Whether the deal is over in it."},
    {"after", BW_SETTING_ENUM, ROW(after), "none", 0, 0, "none|conversation|opportunity|proposal",
     "The outcome of a lead that brings a deal here."},
    {"also", BW_SETTING_NODE, ROW(also), "", 0, 0, NULL, "What the CRM calls it, as a list."},
};
#define NSTAGE (sizeof stage_settings / sizeof *stage_settings)

static bool same_word(struct bw_str a, const char *b)
{
  return a.len == strlen(b) && (a.len == 0 || strncasecmp(a.data, b, a.len) == 0);
}

int bw_deal_stage_find(const struct bw_deals_options *o, struct bw_str name)
{
  size_t i, k;
  for (i = 0; i < o->nstages; i++)
    if (same_word(name, o->stages[i].name))
      return (int)i;
  for (i = 0; i < o->nstages; i++)
    for (k = 0; k < o->stages[i].nalso; k++)
      if (same_word(name, o->stages[i].also[k]))
        return (int)i;
  return -1;
}

static void read_also(struct bw_deals_options *o, struct bw_deal_stage *s, const struct bw_node *list, struct bw_complaints *c)
{
  size_t i;
  if (!list || list->type == BW_NODE_NULL)
    return;
  if (list->type != BW_NODE_LIST || list->nitems > MAX_ALSO) {
    bw_complain(c, list, "also is a list of at most %d names", MAX_ALSO);
    return;
  }
  for (i = 0; i < list->nitems; i++) {
    const struct bw_node *n = &list->items[i];
    if (n->type == BW_NODE_LIST || n->type == BW_NODE_MAP || n->text.len == 0 || n->text.len > MAX_NAME)
      bw_complain(c, n, "a stage's name is text of 1 to %d bytes", MAX_NAME);
    else if (bw_deal_stage_find(o, n->text) >= 0)
      bw_complain(c, n, "there is a stage \"%.*s\" already; letters of any case are the same", BW_FMT(n->text));
    else
      add_also(s, n->text.data);
  }
}

static void read_stage(struct bw_deals_options *o, const struct bw_node *node, struct bw_complaints *c)
{
  static const enum bw_outcome after[] = {BW_OUTCOME_NONE, BW_OUTCOME_CONVERSATION, BW_OUTCOME_OPPORTUNITY,
                                          BW_OUTCOME_PROPOSAL};
  struct stage_row row = {0};
  struct bw_deal_stage *s;
  if (bw_settings_read(stage_settings, NSTAGE, node, &row, c) < 0)
    return;
  if (!row.stage[0] || strlen(row.stage) > MAX_NAME) {
    bw_complain(c, node, "a stage's name is text of 1 to %d bytes", MAX_NAME);
  } else if (bw_deal_stage_find(o, bw_str(row.stage)) >= 0) {
    bw_complain(c, node, "there is a stage \"%s\" already; letters of any case are the same", row.stage);
  } else {
    s = add_stage(o);
    s->name = bw_strdup(row.stage);
    s->state = row.outcome == 0 ? BW_DEAL_OPEN : row.outcome == 1 ? BW_DEAL_WON : BW_DEAL_LOST;
    s->after = after[row.after];
    s->within_ms = s->state == BW_DEAL_OPEN ? row.within_ms : 0;
    if (s->after && s->state != BW_DEAL_OPEN)
      bw_complain(c, node, "stage \"%s\" is %s: it comes after that and not after %s", s->name, bw_deal_state_name(s->state),
                  bw_outcome_name(s->after));
    read_also(o, s, row.also, c);
  }
  bw_settings_clear(stage_settings, NSTAGE, &row);
}

static size_t count_state(const struct bw_deals_options *o, enum bw_deal_state state)
{
  size_t i, n = 0;
  for (i = 0; i < o->nstages; i++)
    n += o->stages[i].state == state;
  return n;
}

static void read_stages(struct bw_deals_options *o, struct bw_complaints *c)
{
  const struct bw_node *list = o->stages_node;
  size_t i, before = c->count;
  if (!list || list->type == BW_NODE_NULL) {
    default_stages(o);
    return;
  }
  if (list->type != BW_NODE_LIST || list->nitems > MAX_STAGES) {
    bw_complain(c, list, "opportunities.stages is a list of at most %d stages", MAX_STAGES);
    return;
  }
  for (i = 0; i < list->nitems; i++)
    read_stage(o, &list->items[i], c);
  if (c->count != before)
    return;
  if (count_state(o, BW_DEAL_OPEN) == 0 || count_state(o, BW_DEAL_WON) != 1 || count_state(o, BW_DEAL_LOST) != 1)
    bw_complain(c, list,
                "opportunities.stages needs a stage for open deals, one with `outcome: won` and one with `outcome: lost`; "
                "there are %zu, %zu and %zu",
                count_state(o, BW_DEAL_OPEN), count_state(o, BW_DEAL_WON), count_state(o, BW_DEAL_LOST));
}

/* There is exactly one for WON and LOST; for OPEN the first. */
const struct bw_deal_stage *stage_for_state(const struct bw_deals_options *o, enum bw_deal_state state)
{
  size_t i;
  for (i = 0; i < o->nstages && o->stages[i].state != state; i++)
    ;
  BW_ASSERT(i < o->nstages);
  return &o->stages[i];
}

const struct bw_deal_stage *stage_after(const struct bw_deals_options *o, enum bw_outcome outcome)
{
  size_t i;
  if (outcome == BW_OUTCOME_WON || outcome == BW_OUTCOME_LOST)
    return stage_for_state(o, outcome == BW_OUTCOME_WON ? BW_DEAL_WON : BW_DEAL_LOST);
  for (i = 0; i < o->nstages; i++)
    if (o->stages[i].after == outcome)
      return &o->stages[i];
  return stage_for_state(o, BW_DEAL_OPEN);
}

/* ---- credit ---- */

/* "70", "33.33" → hundredths of a percent; -1: no such number. */
static int parse_percent(struct bw_str s)
{
  size_t i, point = s.len;
  int n = 0, decimals = 0;
  for (i = 0; i < s.len; i++) {
    if (s.data[i] == '.' && point == s.len && i > 0 && i + 1 < s.len) {
      point = i;
      continue;
    }
    if (s.data[i] < '0' || s.data[i] > '9' || n > 10000 || decimals == 2)
      return -1;
    n = n * 10 + (s.data[i] - '0');
    decimals += i > point;
  }
  for (; decimals < 2; decimals++)
    n = n > 10000 ? 10001 : n * 10;
  return s.len && n > 0 && n <= 10000 ? n : -1;
}

static struct bw_str trimmed(struct bw_str s)
{
  while (s.len && s.data[0] == ' ')
    s = bw_str_n(s.data + 1, s.len - 1);
  while (s.len && s.data[s.len - 1] == ' ')
    s.len--;
  return s;
}

static bool good_name(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f || s.data[i] == ',' || s.data[i] == '=')
      return false;
  return s.len > 0 && s.len <= MAX_NAME && bw_utf8_valid(s.data, s.len);
}

static int bad_split(struct bw_error *err, struct bw_str text, const char *why)
{
  return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the split \"%.*s\" %s; write it as ae=70,csm=30",
                 (int)(text.len > 120 ? 120 : text.len), text.data ? text.data : "", why);
}

int bw_split_parse(struct bw_str text, struct bw_buf *ret, struct bw_error *err)
{
  struct bw_str names[MAX_PARTS], rest = text;
  struct bw_buf out = {0};
  char number[32];
  size_t n = 0, i, len;
  int sum = 0, rc = BW_OK;
  bool more = text.len > 0;
  while (rc == 0 && more) {
    const char *comma = memchr(rest.data, ',', rest.len), *equals;
    struct bw_str part = comma ? bw_str_n(rest.data, (size_t)(comma - rest.data)) : rest;
    int percent;
    more = comma != NULL;
    rest = comma ? bw_str_n(comma + 1, rest.len - part.len - 1) : BW_STR("");
    equals = part.len ? memchr(part.data, '=', part.len) : NULL;
    len = equals ? (size_t)(equals - part.data) : part.len;
    names[n < MAX_PARTS ? n : 0] = trimmed(bw_str_n(part.data, len));
    percent = equals ? parse_percent(trimmed(bw_str_n(equals + 1, part.len - len - 1))) : -1;
    if (n == MAX_PARTS)
      rc = bad_split(err, text, "has more than 8 parts");
    else if (!good_name(names[n]))
      rc = bad_split(err, text, "names nobody in one of its parts");
    else if (percent < 0)
      rc = bad_split(err, text, "has a share that is no percentage from 0.01 to 100");
    for (i = 0; rc == 0 && i < n; i++)
      if (bw_str_eq(names[i], names[n]))
        rc = bad_split(err, text, "names somebody twice");
    if (rc < 0)
      break;
    sum += percent;
    number[bw_number_format(percent / 100.0, number)] = '\0';
    bw_buf_printf(&out, "%s%.*s=%s", n ? "," : "", BW_FMT(names[n]), number);
    n++;
  }
  if (rc == 0 && sum != 10000) {
    number[bw_number_format(sum / 100.0, number)] = '\0';
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the shares of the split \"%.*s\" sum to %s and not to 100",
                 (int)(text.len > 120 ? 120 : text.len), text.data ? text.data : "", number);
  }
  if (rc == 0)
    bw_buf_add_str(ret, bw_buf_str(&out));
  bw_buf_clear(&out);
  return rc;
}

static void read_split(struct bw_deals_options *o, const struct bw_node *node, struct bw_complaints *c)
{
  struct bw_buf text = {0}, norm = {0};
  struct bw_error err = {0};
  size_t i;
  if (node->type != BW_NODE_MAP || node->nitems == 0) {
    bw_complain(c, node, "a split is a map of roles or persons to percentages, such as {ae: 70, csm: 30}");
    return;
  }
  for (i = 0; i < node->nitems; i++)
    bw_buf_printf(&text, "%s%.*s=%.*s", i ? "," : "", BW_FMT(node->items[i].key), BW_FMT(node->items[i].text));
  if (bw_split_parse(bw_buf_str(&text), &norm, &err) < 0) {
    bw_complain(c, node, "%s", err.message);
  } else {
    o->split_for = bw_realloc(o->split_for, o->nsplits + 1, sizeof *o->split_for);
    o->split = bw_realloc(o->split, o->nsplits + 1, sizeof *o->split);
    o->split_for[o->nsplits] = bw_str_dup(node->key);
    o->split[o->nsplits++] = bw_str_dup(bw_buf_str(&norm));
  }
  bw_buf_clear(&text);
  bw_buf_clear(&norm);
}

static void read_splits(struct bw_deals_options *o, struct bw_complaints *c)
{
  const struct bw_node *map = o->splits_node;
  size_t i;
  if (!map || map->type == BW_NODE_NULL)
    return;
  if (map->type != BW_NODE_MAP || map->nitems > MAX_SPLITS) {
    bw_complain(c, map, "opportunities.splits is a map from a motion, motion/type or \"default\" to a split");
    return;
  }
  for (i = 0; i < map->nitems; i++) {
    struct bw_str key = map->items[i].key;
    if (!bw_str_prefix(key, "expansion") && !bw_str_prefix(key, "renewal") && !bw_str_prefix(key, "revival") &&
        !bw_str_is(key, "default"))
      bw_complain_key(c, &map->items[i],
                      "\"%.*s\" is no motion: write expansion, renewal, revival, one of them with a type "
                      "(expansion/cross_sell), or default",
                      BW_FMT(key));
    else
      read_split(o, &map->items[i], c);
  }
}

const char *deal_default_split(const struct bw_deals *d, const struct deal *deal)
{
  const struct bw_deals_options *o = d->options;
  char *full BW_AUTOFREE = bw_asprintf("%s/%s", deal->pub.text[BW_DEAL_MOTION], deal->pub.text[BW_DEAL_TYPE]);
  const char *const keys[] = {full, deal->pub.text[BW_DEAL_MOTION], "default"};
  size_t i, k;
  for (k = 0; k < 3; k++)
    for (i = 0; i < o->nsplits; i++)
      if (strcmp(o->split_for[i], keys[k]) == 0)
        return o->split[i];
  return DEFAULT_SPLIT;
}

const char *bw_deals_pipeline(const struct bw_deals_options *o, const char *motion)
{
  return strcmp(motion, "renewal") == 0   ? o->renewal_pipeline
         : strcmp(motion, "revival") == 0 ? o->revival_pipeline
                                          : o->pipeline;
}

static void check_pipeline(const struct bw_node *node, const char *key, const char *name, struct bw_complaints *c)
{
  const struct bw_node *said = bw_node_get(node, key);
  if (!name[0] || strlen(name) > MAX_NAME)
    bw_complain(c, said ? said : node, "opportunities.%s is a name of 1 to %d bytes", key, MAX_NAME);
}

/* ---- all of it ---- */

int bw_deals_options_read(const struct bw_node *node, struct bw_deals_options *ret, struct bw_complaints *c)
{
  static const struct bw_node empty = {.type = BW_NODE_MAP, .file = "basewatch.yaml"};
  size_t before = c->count;
  *ret = (struct bw_deals_options){0};
  if (bw_settings_read(bw_deals_settings, bw_deals_nsettings, node ? node : &empty, ret, c) == 0) {
    check_pipeline(node, "pipeline", ret->pipeline, c);
    check_pipeline(node, "renewal_pipeline", ret->renewal_pipeline, c);
    check_pipeline(node, "revival_pipeline", ret->revival_pipeline, c);
    read_stages(ret, c);
    read_splits(ret, c);
  }
  if (c->count == before)
    return BW_OK;
  bw_deals_options_clear(ret);
  return BW_EINVAL;
}

void bw_deals_options_clear(struct bw_deals_options *o)
{
  size_t i, k;
  for (i = 0; i < o->nstages; i++) {
    for (k = 0; k < o->stages[i].nalso; k++)
      free(o->stages[i].also[k]);
    free(o->stages[i].also);
    free(o->stages[i].name);
  }
  for (i = 0; i < o->nsplits; i++) {
    free(o->split_for[i]);
    free(o->split[i]);
  }
  free(o->stages);
  free(o->split_for);
  free(o->split);
  bw_settings_clear(bw_deals_settings, bw_deals_nsettings, o);
  *o = (struct bw_deals_options){0};
}
