/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What oscillates must not oscillate its owner.  A year of hourly ticks: values that wobble, swing and wander round their
 * thresholds go through a watcher's hysteresis, the signals and the plays, while records flip gates, floors and readiness, and
 * people decide at random.  After every tick the promises are checked.
 */
#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/time.h"
#include "plays/tests/config.h"

#define HOURS (365 * 24)
#define OPEN_AT 1.0
#define CLEAR_AT 0.8
#define SUPPRESS (30 * BW_DAY)

static uint64_t next_random(uint64_t *s)
{
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static double unit(uint64_t *s) /* -1 to 1 */
{
  return (double)(next_random(s) % 20001) / 10000 - 1;
}

/* ---- the values ---- */

enum wave { NOISE, WALK, SQUARE_FAST, SINE, SQUARE_SLOW, WILD, WANDER, WAVES };
static const bool stays_in_band[WAVES] = {[NOISE] = true, [WALK] = true, [SQUARE_FAST] = true, [SINE] = true};

struct account {
  char id[16];
  enum wave wave;
  double walk;
  bool open;       /* the watcher's episode */
  size_t openings; /* how often it opened */
  bool flips;      /* its records change too */
};

/* The first four reach the threshold and never fall to where an episode ends. */
static double value_at(struct account *a, int hour, uint64_t *seed)
{
  switch (a->wave) {
  case NOISE:
    return 1.0 + 0.19 * unit(seed);
  case WALK:
    a->walk += 0.02 * unit(seed);
    a->walk = a->walk > 0.19 ? 0.19 : a->walk < -0.19 ? -0.19 : a->walk;
    return 1.0 + a->walk;
  case SQUARE_FAST:
    return hour % 2 ? 1.15 : 0.85;
  case SINE:
    return 1.0 + 0.19 * sin(hour / 17.0);
  case SQUARE_SLOW:
    return hour / (24 * 9) % 2 ? 1.5 : 0.5;
  case WILD:
    return 1.0 + 1.5 * unit(seed);
  default:
    a->walk += 0.05 * unit(seed) - 0.01 * a->walk;
    return 1.0 + a->walk;
  }
}

/* As a watcher does: it opens at the threshold, speaks when much has changed, clears only below the clear level. */
static void watch(struct world *w, struct account *a, double value, const char *signal)
{
  double strength = value > OPEN_AT ? (value - OPEN_AT) / (value - OPEN_AT + 0.2) : 0;
  if (!a->open && value >= OPEN_AT) {
    a->open = true;
    a->openings++;
    world_signal(w, a->id, signal, "", BW_OPENED, value, strength, "{}");
  } else if (a->open && value < CLEAR_AT) {
    a->open = false;
    world_signal(w, a->id, signal, "", BW_CLEARED, value, 0, "{}");
  } else if (a->open) {
    world_signal(w, a->id, signal, "", BW_UPDATED, value, strength, "{}");
  }
}

/* ---- the promises ---- */

struct seen {
  char account[16], family[16];
  uint64_t open;     /* number of its live lead; 0: none */
  int64_t closed_at; /* BW_TIME_NONE: never */
  int rank;
  uint32_t changes; /* of the open lead's priority */
  size_t leads;
  bool here; /* in this look */
};

struct look {
  struct world *w;
  struct bw_map *families;    /* account/family → struct seen */
  const struct bw_lead *some; /* to be decided about */
  uint64_t pick;
};

static int rank_of(const struct bw_lead *l)
{
  return strcmp(l->priority, "high") == 0 ? 2 : strcmp(l->priority, "medium") == 0;
}

static int look_at(void *ctx, const struct bw_lead *lead)
{
  struct look *k = ctx;
  char key[64];
  struct seen *s;
  snprintf(key, sizeof key, "%s/%s", lead->account, lead->family);
  s = bw_map_get(k->families, bw_str(key));
  if (!s) {
    s = bw_alloc(sizeof *s);
    s->closed_at = BW_TIME_NONE;
    bw_map_put(k->families, bw_str(key), s);
  }
  if (s->here)
    fail_msg("two open leads of %s", key);
  s->here = true;
  if (s->open != lead->number) {
    if (s->closed_at != BW_TIME_NONE && lead->opened_at < s->closed_at + SUPPRESS)
      fail_msg("%s fired again after %.2f days", key, (double)(lead->opened_at - s->closed_at) / (double)BW_DAY);
    s->open = lead->number;
    s->rank = rank_of(lead);
    s->changes = 0;
    s->leads++;
  }
  if (rank_of(lead) < s->rank)
    fail_msg("the priority of %s (%s) went down to %s", lead->id, key, lead->priority);
  s->changes += rank_of(lead) > s->rank;
  if (s->changes > 2)
    fail_msg("the priority of %s (%s) flaps", lead->id, key);
  s->rank = rank_of(lead);
  if (lead->enriched > 3)
    fail_msg("%s (%s) told its owner %u times of something new", lead->id, key, lead->enriched);
  if (++k->pick % 3 == 0)
    k->some = lead;
  return 0;
}

static void check(struct look *k)
{
  size_t i = 0;
  void *value;
  while (bw_map_next(k->families, &i, NULL, &value))
    ((struct seen *)value)->here = false;
  k->some = NULL;
  bw_leads_each(k->w->engine, false, look_at, k);
  i = 0;
  while (bw_map_next(k->families, &i, NULL, &value)) {
    struct seen *s = value;
    if (s->here || !s->open)
      continue;
    s->open = 0;
    s->closed_at = k->w->now;
  }
}

/* People: approve, send, reject, close. */
static void decide(struct look *k, uint64_t r)
{
  struct bw_engine *e = k->w->engine;
  struct bw_str id = k->some ? bw_str(k->some->id) : BW_STR("");
  if (!k->some)
    return;
  if (r % 4 == 0)
    bw_lead_reject(e, id, BW_STR("not now"), k->w->now, NULL);
  else if (r % 4 == 1)
    bw_lead_approve(e, id, k->w->now, NULL);
  else if (r % 4 == 2)
    bw_lead_close(e, id, BW_STR("done"), k->w->now, NULL);
  else
    bw_lead_sent(e, id, k->w->now, NULL);
}

/* ---- the year ---- */

static void flip_records(struct world *w, const struct account *a, uint64_t *seed)
{
  static const char *const healths[] = {"green", "yellow", "red"};
  uint64_t r = next_random(seed);
  char *traits = bw_asprintf("{\"health\":\"%s\",\"acv\":%d,\"budget\":\"%s\"}", healths[r % 3], 9000 + (int)(r >> 8) % 2000,
                             r & 64 ? "cuts" : "positive");
  if (r >> 32 & 1)
    world_account(w, a->id, traits);
  world_trait(w, a->id, "dau_mau", "", 0.6 + 0.02 * unit(seed));
  free(traits);
}

#define PLAYS                                                                                                                  \
  "play: seats\nmotion: expansion\ntype: seat\nfamily: seats\nmode: live\nsignals: {seat_limit: 80, adoption_high: 20}\n"      \
  "gates: [{name: floor, require: account.acv >= 10000, otherwise: {route: care}}, {name: health, require: account.health != " \
  "'red'}]\nscore: {threshold: 45}\nestimate: 1700\nfloor: estimate > 0.15 * account.acv\nroute: r\n"                          \
  "priority: {high: signal.seat_limit.strength > 0.3, medium: account.health == 'green'}\n"                                    \
  "readiness: {unknown: 2, nurture: {from: 8, route: care, template: care}}\n---\n"                                            \
  "play: risk\nmotion: renewal\nfamily: risk\nmode: live\nsignals: {usage_decline: 80}\n"                                      \
  "gates: [{name: any, require: account.acv > 0}]\nscore: {threshold: 50}\nroute: care\n"                                      \
  "priority: {high: signal.usage_decline.strength > 0.4, medium: signal.usage_decline.strength > 0.2}\n"

static void a_year(uint64_t seed, bool people)
{
  struct world w = {0};
  struct account accounts[2 * WAVES];
  struct look k = {.w = &w, .families = bw_map_new()};
  size_t i, leads = 0;
  int hour;
  void *value;
  struct bw_str key;
  open_with(&w, NULL, PLAYS);
  for (i = 0; i < 2 * WAVES; i++) {
    struct account *a = &accounts[i];
    *a = (struct account){.wave = (enum wave)(i % WAVES), .flips = i >= WAVES};
    snprintf(a->id, sizeof a->id, "a%zu", i);
    world_account(&w, a->id, "{\"acv\":10500,\"start\":\"2024-01-01\",\"health\":\"green\",\"ae\":\"ann\",\"csm\":\"carl\"}");
  }
  for (hour = 1; hour <= HOURS; hour++) {
    for (i = 0; i < 2 * WAVES; i++) {
      struct account *a = &accounts[i];
      watch(&w, a, value_at(a, hour, &seed), i % 2 ? "usage_decline" : "seat_limit");
      if (a->flips && hour % 5 == 0)
        flip_records(&w, a, &seed);
    }
    world_tick(&w, START + hour * BW_HOUR);
    check(&k);
    if (people && hour % 50 == 0)
      decide(&k, next_random(&seed));
    if (people && hour % 50 == 0)
      check(&k);
  }
  for (i = 0; i < 2 * WAVES; i++)
    if (stays_in_band[accounts[i].wave] && accounts[i].openings != 1)
      fail_msg("%s opened %zu episodes", accounts[i].id, accounts[i].openings);
  i = 0;
  while (bw_map_next(k.families, &i, &key, &value)) {
    const struct seen *s = value;
    size_t n = (size_t)atoi(key.data + 1);
    /* One shift that wobbles has one lead in a year, whatever becomes of it; what comes back, at most one in each window. */
    if (s->leads > (stays_in_band[accounts[n].wave] ? 1u : 12u))
      fail_msg("%s has had %zu leads", key.data, s->leads);
    leads += s->leads;
  }
  assert_true(bw_map_count(k.families) >= WAVES && leads > bw_map_count(k.families));
  bw_map_free(&k.families, free);
  world_close(&w);
}

static void a_year_nobody_decides(void **state)
{
  (void)state;
  a_year(1, false);
}

static void a_year_with_people(void **state)
{
  uint64_t seed;
  (void)state;
  for (seed = 2; seed < 4; seed++)
    a_year(seed * UINT64_C(0x9e3779b97f4a7c15), true);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_year_nobody_decides), cmocka_unit_test(a_year_with_people)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
