/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there at a moment, and who answers for whom.  Runs in core and replays; no privileges. */
#include "base/time.h"
#include "rules/private.h"

/* Of several absences that overlap, the one that lasts longest. */
const struct away *bw_person_away(const struct person *p, int64_t now_ms)
{
  const struct away *best = NULL;
  size_t i;
  for (i = 0; i < p->naway; i++)
    if (p->away[i].from <= now_ms && now_ms < p->away[i].until && (!best || p->away[i].until > best->until))
      best = &p->away[i];
  return best;
}

struct bw_str bw_person_now(const struct roster *r, struct bw_str who, int64_t now_ms, struct bw_buf *ret_note)
{
  const struct person *p = bw_person_find(r, who);
  const struct away *a;
  char day[11];
  int hops;
  if (!p)
    return who; /* not listed: nothing is known of their absences */
  a = bw_person_away(p, now_ms);
  if (!a)
    return bw_str(p->email);
  bw_day_format(a->last_day, day);
  bw_buf_printf(ret_note, "%s (away until %s)", p->email, day);
  for (hops = 0; hops < MAX_CHAIN && p->stands_in >= 0; hops++) {
    p = &r->people[p->stands_in];
    if (!bw_person_away(p, now_ms))
      return bw_str(p->email);
  }
  return BW_STR("");
}

/* ---- what others may know ---- */

size_t bw_people_count(const struct bw_plays *p)
{
  return p->roster.n;
}

bool bw_people_at(const struct bw_plays *p, size_t i, struct bw_person_info *ret_info)
{
  const struct person *who;
  if (i >= p->roster.n)
    return false;
  who = &p->roster.people[i];
  *ret_info = (struct bw_person_info){.email = who->email,
                                      .name = who->name,
                                      .slack = who->slack,
                                      .delegate = who->stands_in >= 0 ? p->roster.people[who->stands_in].email : "",
                                      .roles = (const char *const *)who->roles.items,
                                      .nroles = who->roles.n,
                                      .capacity = who->capacity};
  return true;
}

int bw_people_find(const struct bw_plays *p, struct bw_str who)
{
  const struct person *found = bw_person_find(&p->roster, who);
  return found ? (int)(found - p->roster.people) : -1;
}

int64_t bw_people_away_until(const struct bw_plays *p, size_t i, int64_t now_ms)
{
  const struct away *a = i < p->roster.n ? bw_person_away(&p->roster.people[i], now_ms) : NULL;
  return a ? a->until : BW_TIME_NONE;
}
