/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expansions joined to the renewal: each names the renewal's lead, and that lead names each of them with its amount.  Runs in
 * core and replays; no privileges.
 */
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "plays/private.h"

static bool live(const struct lead *l)
{
  return l->pub.closed_at == BW_TIME_NONE && l->pub.mode != BW_MODE_SHADOW;
}

/* The family that holds the account's renewals, for this expansion. */
static const char *renewal_family(const struct bw_engine *e, const struct lead *l)
{
  int at = bw_plays_find(e->plays, bw_str(l->pub.play));
  return at >= 0 ? e->plays->plays[at].timing.renewal_family : "renewal";
}

/* The renewal's lead that an expansion belongs to, of whatever motion: the family tells; NULL: none is open, or it is not
 * joined. */
static struct lead *partner(const struct bw_engine *e, const struct lead_list *list, const struct lead *l)
{
  const char *family = renewal_family(e, l);
  size_t i;
  if (!live(l) || l->pub.close_at == BW_TIME_NONE || strcmp(l->pub.family, family) == 0)
    return NULL;
  for (i = 0; i < list->n; i++)
    if (live(list->items[i]) && strcmp(list->items[i]->pub.family, family) == 0)
      return list->items[i];
  return NULL;
}

/* Our own JSON: within it, an unescaped "close_date": is that key and nothing else. */
static bool set_tail(struct lead *l, struct bw_str expansions)
{
  static const char mark[] = ",\"close_date\":";
  const char *fields = l->pub.fields_json, *at = strstr(fields, mark);
  size_t head = at ? (size_t)(at - fields) : strlen(fields) ? strlen(fields) - 1 : 0;
  struct bw_buf b = {0};
  bool changed;
  if (!head)
    return false;
  bw_buf_add(&b, fields, head);
  bw_json_key(&b, "close_date");
  if (l->pub.close_at == BW_TIME_NONE)
    bw_json_null(&b);
  else
    bw_json_day(&b, bw_time_day(l->pub.close_at));
  bw_json_key(&b, "joined_to");
  bw_json_cstr(&b, l->pub.joined_to[0] ? l->pub.joined_to : NULL);
  if (expansions.len) {
    bw_json_key(&b, "expansions");
    bw_json_raw(&b, expansions);
  }
  bw_json_close(&b, '}');
  changed = strcmp(bw_buf_cstr(&b), fields) != 0;
  if (changed)
    bw_lead_set(&l->pub.fields_json, bw_buf_cstr(&b));
  bw_buf_clear(&b);
  return changed;
}

size_t bw_lead_count_expansions(const char *fields)
{
  const char *at = strstr(fields, ",\"expansions\":[");
  size_t n = 0;
  for (; at && (at = strstr(at, "{\"lead\":")); at++)
    n++;
  return n;
}

/* The expansions of a renewal's lead, as JSON; empty where there are none.  Returns how many. */
static size_t list_expansions(const struct bw_engine *e, const struct lead_list *list, const struct lead *renewal,
                              struct bw_buf *out)
{
  size_t i, n = 0;
  for (i = 0; i < list->n; i++) {
    const struct bw_lead *l = &list->items[i]->pub;
    if (partner(e, list, list->items[i]) != renewal)
      continue;
    if (n++ == 0)
      bw_json_open(out, '[');
    bw_json_open(out, '{');
    bw_json_key(out, "lead");
    bw_json_cstr(out, l->id);
    bw_json_key(out, "play");
    bw_json_cstr(out, l->play);
    bw_json_key(out, "type");
    bw_json_cstr(out, l->type);
    bw_json_key(out, "amount");
    bw_json_num(out, l->estimate);
    bw_json_key(out, "currency");
    bw_json_cstr(out, l->currency);
    bw_json_close(out, '}');
  }
  if (n)
    bw_json_close(out, ']');
  return n;
}

void bw_leads_join(struct bw_engine *e, struct bw_str account, const struct lead *fresh)
{
  const struct lead_list *list = bw_map_get(e->by_account, account);
  size_t i;
  for (i = 0; list && i < list->n; i++) {
    struct lead *l = list->items[i];
    const struct lead *to = partner(e, list, l);
    const char *id = to ? to->pub.id : "";
    if (strcmp(l->pub.joined_to, id) != 0 && live(l)) {
      bw_lead_set(&l->pub.joined_to, id);
      bw_lead_dirty(e, l);
    }
  }
  for (i = 0; list && i < list->n; i++) {
    struct lead *l = list->items[i];
    struct bw_buf expansions = {0};
    size_t n = list_expansions(e, list, l, &expansions);
    bool more = n > l->expansions;
    l->expansions = n;
    if (live(l) && set_tail(l, bw_buf_str(&expansions))) {
      bw_lead_dirty(e, l);
      if (more && l != fresh) {
        l->pub.enriched++;
        if (e->events.enriched)
          e->events.enriched(e->events.ctx, &l->pub);
      }
    }
    bw_buf_clear(&expansions);
  }
}
