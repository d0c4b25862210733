/* SPDX-License-Identifier: Apache-2.0 */
/* What must not raise a wave: wobble, holidays, mergers, outages, chance; and what must not change the answer: restarts, seeds,
   lateness, hostile input. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "world.h"

#define FIELDS(...)                                                                                                            \
  (const char *const[])                                                                                                        \
  {                                                                                                                            \
    __VA_ARGS__, NULL                                                                                                          \
  }
#define ACCOUNTS 20

static const char *const no_traits[] = {"traits=[]", NULL};

static uint32_t lines_with(struct bw_buf *said, const char *word)
{
  const char *p = bw_buf_cstr(said);
  uint32_t n = 0;
  for (; (p = strstr(p, word)); p++)
    n++;
  return n;
}

static const char *const downward[] = {"usage_decline", "logins_decline", "gone_silent", "idle_seats", "adoption_low", NULL};

static uint32_t downward_opened(const struct harness *h)
{
  uint32_t n = 0, i;
  for (i = 0; downward[i]; i++)
    n += harness_opened(h, downward[i]);
  return n;
}

/* Twenty accounts of five users; mean events a weekday. */
static void flat_fleet(struct world *w, int day, double mean)
{
  uint32_t i;
  for (i = 0; i < ACCOUNTS; i++)
    world_events(w, day, w->names[1000 + i], "Work Done", world_poisson(w, is_weekend(day) ? mean / 5 : mean), 10 * i, 5, NULL);
}

static void a_year_of_wobble_is_one_episode(void **state)
{
  struct world w;
  int day;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, no_traits));
  world_facts(&w, 0, BW_KIND_SUBSCRIPTION, "acme", FIELDS("t:seats=#100"));
  for (day = 0; day < 400; day++) {
    /* 86 to 92 of a hundred seats: across the threshold every few days, never below the clear level */
    uint32_t users = day < 30 ? 50 : 88 + world_random(&w, 5) - 2 * ((uint32_t)day / 28 % 2);
    world_events(&w, day, "acme", "Work Done", users, 0, users, NULL);
    world_tick(&w, day);
  }
  assert_int_equal(harness_opened(&w.h, "seat_utilization"), 1);
  assert_int_equal(harness_cleared(&w.h, "seat_utilization"), 0);
  world_close(&w);
}

static void a_holiday_of_everybody_is_one_notice(void **state)
{
  struct world w;
  int day;
  (void)state;
  world_init(&w, 2);
  assert_true(harness_open(&w.h, 5, no_traits));
  for (day = 0; day < 400; day++) {
    flat_fleet(&w, day, day >= 355 && day < 367 ? 1 : 12);
    world_tick(&w, day);
  }
  assert_int_equal(downward_opened(&w.h), 0);
  assert_int_equal(harness_opened(&w.h, "usage_growth"), 0); /* nor is the return a growth */
  assert_int_equal(lines_with(&w.h.said, "notice fleet_dip"), 1);
  assert_int_equal(w.h.notices, 1);
  world_close(&w);
}

static void an_outage_of_the_feed_is_one_notice(void **state)
{
  struct world w;
  int day, hour;
  (void)state;
  world_init(&w, 3);
  assert_true(harness_open(&w.h, 5, no_traits));
  for (day = 0; day < 300; day++) {
    if (day < 200 || day >= 206)
      flat_fleet(&w, day, 12);
    for (hour = 19; hour < 24; hour++)
      harness_tick(&w.h, bw_day_time(DAY0 + day) + hour * BW_HOUR);
    world_tick(&w, day);
  }
  assert_int_equal(downward_opened(&w.h), 0);
  assert_int_equal(lines_with(&w.h.said, "notice feed_silent"), 1);
  world_close(&w);
}

static void a_merger_is_one_notice(void **state)
{
  struct world w;
  int day;
  uint32_t user, n;
  (void)state;
  world_init(&w, 4);
  assert_true(harness_open(&w.h, 5, no_traits));
  for (day = 0; day < 400; day++) {
    flat_fleet(&w, day, 12);
    for (user = 500; user < 520 && !is_weekend(day); user++) {
      /* from day 200 on, one more person of "old" writes as "new" every other day */
      bool moved = day >= 200 && user - 500 <= (uint32_t)(day - 200) / 2;
      n = world_poisson(&w, 3);
      world_events(&w, day, moved ? "new" : "old", "Work Done", n, user, 1, NULL);
      world_events(&w, day, "new", "Work Done", world_poisson(&w, 3), user + 50, 1, NULL);
    }
    world_tick(&w, day);
  }
  assert_int_equal(lines_with(&w.h.said, "notice company_merged old"), 1);
  assert_int_equal(downward_opened(&w.h), 0);
  assert_int_equal(harness_opened(&w.h, "usage_growth"), 0);
  world_close(&w);
}

/* Idle seats of an account of which `moving` of ten people write as another company from day 200 on.  Returns the longest time
   in which nothing was said of it while it was open; ret_bare counts the words without evidence. */
static int held(uint32_t moving, struct world *w, uint32_t *ret_bare)
{
  static const char *const options[] = {"traits=[]", "merger.hold=200d", NULL};
  int day, last = 0, longest = 0;
  uint32_t i, words = 0, open = 0;
  world_init(w, 7);
  assert_true(harness_open(&w->h, 5, options));
  world_facts(w, 0, BW_KIND_SUBSCRIPTION, "acme", FIELDS("t:seats=#100"));
  for (day = 0; day < 360; day++) {
    flat_fleet(w, day, 8);
    for (i = 0; i < 10; i++)
      world_events(w, day, day >= 200 && i < moving ? "other" : "acme", "Work Done", 1, 500 + i, 1, NULL);
    if (day == 240)
      assert_int_equal(harness_restart(&w->h, options, 6), 0); /* in the middle of it */
    world_tick(w, day);
    open = harness_opened(&w->h, "idle_seats") - harness_cleared(&w->h, "idle_seats");
    i = harness_opened(&w->h, "idle_seats") + w->h.updated[harness_signal("idle_seats")];
    longest = open && i == words && day - last > longest ? day - last : longest;
    last = i == words ? last : day;
    words = i;
  }
  *ret_bare = lines_with(&w->h.said, "updated idle_seats acme [] 0.1/0.4 0.750 \n");
  return longest;
}

static void what_is_held_is_still_spoken_of(void **state)
{
  struct world w;
  uint32_t bare;
  (void)state;
  assert_true(held(3, &w, &bare) <= 21); /* a share that may be a merger: held for about 90 days */
  assert_int_equal(harness_opened(&w.h, "idle_seats"), 1);
  assert_int_equal(harness_cleared(&w.h, "idle_seats"), 0);
  assert_true(bare == 4); /* what was known is repeated, and then measured again */
  world_close(&w);
  assert_true(held(7, &w, &bare) <= 21); /* a merger: held for 200 days, of which no more than 120 are waited for */
  assert_int_equal(harness_opened(&w.h, "idle_seats"), 1);
  assert_int_equal(harness_cleared(&w.h, "idle_seats"), 1);
  assert_int_equal(bare, 6);
  world_close(&w);
}

/* At its limits, seats included, for a week in every eight: one episode, which a larger plan ends at once. */
static uint32_t bursts(const char *signal, const char *option, uint32_t *ret_cleared)
{
  const char *const options[] = {"traits=[]", option, NULL};
  struct world w;
  uint32_t opened, before = 0;
  int day;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, options));
  world_facts(&w, 0, BW_KIND_SUBSCRIPTION, "acme", FIELDS("t:limits.api_calls=#1000", "t:seats=#10"));
  for (day = 0; day < 300; day++) {
    bool burst = day % 56 >= 49;
    if (day == 290)
      world_facts(&w, day, BW_KIND_SUBSCRIPTION, "acme", FIELDS("t:limits.api_calls=#5000", "t:seats=#50"));
    world_events(&w, day, "acme", "API Called", burst ? 10 : 2, 0, 10, burst ? "p:count=#15" : "p:count=#1");
    world_tick(&w, day);
    if (day == 289)
      before = harness_cleared(&w.h, signal);
  }
  opened = harness_opened(&w.h, signal);
  *ret_cleared = harness_cleared(&w.h, signal) - before;
  world_close(&w);
  return opened;
}

static void bursts_at_the_limit_are_one_episode(void **state)
{
  static const char *const all[][2] = {{"usage_limit", "usage_limit.stay=0d"},
                                       {"seat_limit", "seat_limit.stay=0d"},
                                       {"seat_utilization", "seat_utilization.stay=0d"},
                                       {"tier_outgrown", "tier_outgrown.stay=0d"}};
  uint32_t cleared, i;
  (void)state;
  for (i = 0; i < 4; i++) {
    assert_int_equal(bursts(all[i][0], NULL, &cleared), 1);
    assert_int_equal(cleared, 1);
    assert_true(bursts(all[i][0], all[i][1], &cleared) > 2);
  }
}

/* Seats stay taken in quiet too: the day of most users is the last day of use. */
static void a_peak_before_silence_is_remembered(void **state)
{
  struct world w;
  int day, ended = 0;
  (void)state;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, no_traits));
  world_facts(&w, 0, BW_KIND_SUBSCRIPTION, "acme", FIELDS("t:seats=#3"));
  for (day = 0; day < 300; day++) {
    if (day == 100)
      world_events(&w, day, "acme", "Work Done", 3, 0, 3, NULL);
    world_tick(&w, day);
    if (!ended && harness_cleared(&w.h, "seat_limit"))
      ended = day;
  }
  assert_int_equal(harness_opened(&w.h, "seat_limit"), 1);
  assert_true(ended > 100 + 84 && ended < 100 + 84 + 28 + 3); /* at the limit for 28 days, and 84 more */
  world_close(&w);
}

/* Twenty accounts of one to six features, half of their seats, a quarter of their limit and few automations; one account is
   above them for a week in every eight until day 280, in features and automations, and always in seats and limits. */
static void broad_day(struct world *w, int day)
{
  static const char *const features[] = {"p:feature=a", "p:feature=b", "p:feature=c", "p:feature=d",
                                         "p:feature=e", "p:feature=f", "p:feature=g", "p:feature=h"};
  bool burst = day < 280 && day % 56 >= 49;
  uint32_t i, k;
  for (i = 0; i <= ACCOUNTS; i++) {
    const char *name = i < ACCOUNTS ? w->names[1000 + i] : "acme";
    uint32_t breadth = i < ACCOUNTS ? 1 + i % 6 : burst ? 8 : 1;
    if (day == 0)
      world_facts(w, day, BW_KIND_SUBSCRIPTION, name,
                  FIELDS("t:limits.api_calls=#1000", i < ACCOUNTS ? "t:seats=#10" : "t:seats=#5"));
    for (k = 0; k < breadth && day % 7 == 0; k++)
      world_events(w, day, name, "Feature Used", 1, 10 * i, 5, features[k]);
    world_events(w, day, name, "API Called", 5, 10 * i, 5, i < ACCOUNTS ? "p:count=#2" : "p:count=#6");
    world_events(w, day, name, "Workflow Run", i < ACCOUNTS ? 1 : burst ? 20 : 0, 10 * i, 5, NULL);
  }
}

/* Returns the openings; ret_ended is the day of the last clearing. */
static uint32_t broad(const char *signal, const char *option, int *ret_ended)
{
  const char *const options[] = {"traits=[]", option, NULL};
  uint32_t type = harness_signal(signal), opened, cleared = 0, others = 0;
  struct world w;
  int day;
  world_init(&w, 3);
  assert_true(harness_open(&w.h, 5, options));
  for (day = 0; day < 420; day++) {
    broad_day(&w, day);
    world_tick(&w, day);
    if (w.h.cleared[type] > cleared)
      *ret_ended = day;
    cleared = w.h.cleared[type];
  }
  for (opened = 0; opened < ACCOUNTS; opened++) {
    char line[80];
    (void)snprintf(line, sizeof line, " opened %s %s ", signal, w.names[1000 + opened]);
    others += lines_with(&w.h.said, line);
  }
  opened = w.h.opened[type] - others;
  assert_int_equal(opened, cleared);
  world_close(&w);
  return opened;
}

static void breadth_that_comes_and_goes_is_one_episode(void **state)
{
  int ended;
  (void)state;
  assert_int_equal(broad("feature_breadth", NULL, &ended), 1);
  assert_true(ended >= 280 + 28 && ended <= 280 + 28 + 56 + 7); /* its window, and stay; features are used once a week */
  assert_true(broad("feature_breadth", "feature_breadth.stay=0d", &ended) > 3);
  assert_true(ended <= 280 + 28 + 7);
}

static void readiness_that_comes_and_goes_is_one_episode(void **state)
{
  int ended;
  (void)state;
  assert_int_equal(broad("expansion_ready_usage", NULL, &ended), 1);
  assert_true(ended >= 280 + 28 && ended <= 280 + 28 + 56 + 7);
  assert_true(broad("expansion_ready_usage", "expansion_ready_usage.stay=0d", &ended) > 3);
  assert_true(ended <= 280 + 28 + 7);
}

/* Old hands under a new name are no new department; new people are, and so are people who come back with one. */
static uint32_t departments(const char *const *options, uint32_t first, int from, int to)
{
  struct world w;
  uint32_t opened;
  int day;
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, options));
  for (day = 0; day < 300; day++) {
    world_events(&w, day, "acme", "Work Done", 10, 0, 10, "p:department=sales");
    if (day >= from && day < to)
      world_events(&w, day, "acme", "Work Done", 4, 50, 4, "p:department=legal");
    if (day >= 200)
      world_events(&w, day, "acme", "Work Done", 4, first, 4, "p:department=growth");
    world_tick(&w, day);
  }
  opened = lines_with(&w.h.said, " opened new_department acme growth");
  if (!opened)
    opened = lines_with(&w.h.said, " opened new_department acme [growth]");
  world_close(&w);
  return opened;
}

static void a_renamed_department_is_not_new(void **state)
{
  (void)state;
  assert_int_equal(departments(no_traits, 0, 0, 0), 0);
  assert_int_equal(departments((const char *const[]){"traits=[]", "new_department.joined=0d", NULL}, 0, 0, 0), 1);
  assert_int_equal(departments(no_traits, 80, 0, 0), 1);  /* new people */
  assert_int_equal(departments(no_traits, 50, 0, 60), 1); /* who come back */
}

/* One account alone is away for three weeks, or at a fifth for four, in the second year for the second time. */
static uint32_t holiday(const char *const *options, int first, int second, int days, uint32_t percent, bool silence)
{
  struct world w;
  uint32_t opened;
  int day;
  world_init(&w, 2);
  assert_true(harness_open(&w.h, 5, options));
  for (day = 0; day < 640; day++) {
    bool away = (first && day >= first && day < first + days) || (day >= second && day < second + days);
    flat_fleet(&w, day, 10);
    world_events(&w, day, "acme", "Work Done", world_poisson(&w, (is_weekend(day) ? 4 : 20) * (away ? percent / 100.0 : 1)),
                 500, 5, NULL);
    world_tick(&w, day);
  }
  opened = harness_opened(&w.h, "usage_decline") + harness_opened(&w.h, "logins_decline");
  assert_true(!silence || harness_opened(&w.h, "gone_silent") == 1);
  world_close(&w);
  return opened;
}

static void a_holiday_of_its_own_is_no_decline(void **state)
{
  (void)state;
  assert_int_equal(holiday(no_traits, 0, 500, 26, 0, true), 0); /* silence is told, once */
  assert_true(holiday(no_traits, 0, 500, 28, 20, false) > 0);   /* nobody can know */
  assert_int_equal(holiday(no_traits, 140, 504, 28, 20, false),
                   holiday(no_traits, 0, 140, 28, 20, false)); /* the second year's not */
  assert_true(holiday((const char *const[]){"traits=[]", "year_ago=0%", NULL}, 140, 504, 28, 20, false) >
              holiday(no_traits, 0, 140, 28, 20, false));
}

/* Flat accounts of different sizes for a year: whatever speaks of growth or decline is wrong. */
static void chance_alone_hardly_speaks(void **state)
{
  const char *env = getenv("BW_CALM_ACCOUNTS");
  uint32_t accounts = env ? (uint32_t)strtoul(env, NULL, 10) : 60, i, wrong;
  struct world w;
  int day;
  (void)state;
  accounts = accounts > 140 ? 140 : accounts; /* each has people of its own, or it would be a merger */
  world_init(&w, 6);
  assert_true(harness_open(&w.h, 5, no_traits));
  for (day = 0; day < 90 + 365; day++) {
    for (i = 0; i < accounts; i++)
      world_events(&w, day, w.names[1000 + i], "Work Done", world_poisson(&w, (is_weekend(day) ? 0.3 : 1.0) * (2 + i % 20)),
                   7 * i, 1 + i % 7, NULL);
    world_tick(&w, day);
  }
  wrong = harness_opened(&w.h, "usage_growth") + harness_opened(&w.h, "usage_decline") +
          harness_opened(&w.h, "logins_decline") + harness_opened(&w.h, "gone_silent") +
          harness_opened(&w.h, "feature_doubled");
  print_message("%u wrong signals in %u account-years\n", wrong, accounts);
  assert_true(wrong * 100 <= accounts);
  world_close(&w);
}

/* A mixed story for the tests of sameness. */
static void mixed_day(struct world *w, int day)
{
  static const char *const fields[] = {"p:feature=reports", "p:feature=alerts", "p:department=sales", "p:count=#7",
                                       "c:ip=10.0.0.1",     "c:ip=10.0.0.2",    "c:ip=10.0.0.3",      "p:feature=sso"};
  static const char *const names[] = {"Feature Used", "Signed In",     "API Called",    "Paywall Hit",
                                      "Workflow Run", "Data Exported", "Report Shared", "Signed Up"};
  uint32_t i;
  if (day % 50 == 0)
    for (i = 0; i < ACCOUNTS; i++)
      world_facts(
          w, day, BW_KIND_SUBSCRIPTION, w->names[1000 + i],
          FIELDS("t:seats=#8", "t:limits.api_calls=#60", "t:products==[\"forms\"]", day % 100 ? "t:plan=pro" : "t:plan=free"));
  flat_fleet(w, day, 6 + day % 3);
  for (i = 0; i < 40; i++)
    world_events(w, day, w->names[1000 + world_random(w, ACCOUNTS)], names[world_random(w, 8)], 1 + world_random(w, 3),
                 world_random(w, 300), 3, fields[world_random(w, 8)]);
}

static void run_mixed(struct world *w, uint64_t seed, uint32_t restarts, uint64_t rng)
{
  int day;
  world_init(w, 9);
  w->h.keep_traits = true;
  assert_true(harness_open(&w->h, seed, NULL));
  for (day = 0; day < 260; day++) {
    mixed_day(w, day);
    rng = rng * UINT64_C(6364136223846793005) + 1;
    if (restarts && (rng >> 40) % 260 < restarts)
      assert_int_equal(harness_restart(&w->h, NULL, seed + rng), 0);
    harness_tick(&w->h, bw_day_time(DAY0 + day) + 20 * BW_HOUR);
    if (restarts && (rng >> 20) % 260 < restarts)
      assert_int_equal(harness_restart(&w->h, NULL, seed), 0);
    world_tick(w, day);
  }
}

static void restarts_and_seeds_change_nothing(void **state)
{
  struct world a, b;
  uint32_t i;
  (void)state;
  run_mixed(&a, 5, 0, 0);
  assert_true(a.h.said.len > 20000);
  for (i = 0; i < 3; i++) {
    run_mixed(&b, i == 0 ? 77777 : 5, i * 20, i + 1); /* another seed; 20 restarts; 40 restarts */
    assert_int_equal(a.h.said.len, b.h.said.len);
    assert_memory_equal(a.h.said.data, b.h.said.data, a.h.said.len);
    world_close(&b);
  }
  world_close(&a);
}

static void late_events_land_on_their_day(void **state)
{
  struct world on_time, late;
  int day;
  (void)state;
  world_init(&on_time, 1);
  world_init(&late, 1);
  assert_true(harness_open(&on_time.h, 5, NULL));
  assert_true(harness_open(&late.h, 5, NULL));
  for (day = 0; day < 60; day++) {
    world_events(&on_time, day, "acme", "Work Done", 12, 0, 6, NULL);
    world_events(&late, day, "acme", "Work Done", 6, 0, 3, NULL);
    if (day >= 2)
      world_events(&late, day - 2, "acme", "Work Done", 6, 3, 3, NULL);
  }
  world_events(&late, 58, "acme", "Work Done", 6, 3, 3, NULL);
  world_events(&late, 59, "acme", "Work Done", 6, 3, 3, NULL);
  on_time.h.keep_traits = late.h.keep_traits = true;
  world_tick(&on_time, 59);
  world_tick(&late, 59);
  assert_string_equal(bw_buf_cstr(&on_time.h.said), bw_buf_cstr(&late.h.said));
  assert_non_null(strstr(bw_buf_cstr(&late.h.said), "trait events_28d acme [] 336"));
  assert_non_null(strstr(bw_buf_cstr(&late.h.said), "trait mau acme [] 6"));
  assert_non_null(strstr(bw_buf_cstr(&late.h.said), "trait dau_mau acme [] 1 "));
  world_close(&on_time);
  world_close(&late);
}

static void the_far_future_is_not_counted_but_told(void **state)
{
  struct world w;
  (void)state;
  world_init(&w, 1);
  w.h.keep_traits = true;
  assert_true(harness_open(&w.h, 5, NULL));
  world_events(&w, 0, "acme", "Work Done", 5, 0, 5, NULL);
  harness_put(&w.h, BW_KIND_TRACK, world_time(0, 9), "acme", "u1", "Work Done", NULL);
  w.h.queue[w.h.nqueue - 1].time_ms += 30 * BW_DAY; /* arrives today, says next month */
  world_tick(&w, 0);
  assert_non_null(strstr(bw_buf_cstr(&w.h.said), "trait events_28d acme [] 5"));
  assert_int_equal(lines_with(&w.h.said, "notice future_events"), 1);
  world_close(&w);
}

static void hostile_records_stay_within_limits(void **state)
{
  static char names[10000][24], huge[600];
  struct world w;
  uint32_t i;
  (void)state;
  memset(huge, 'x', sizeof huge - 1);
  world_init(&w, 1);
  assert_true(harness_open(&w.h, 5, (const char *const[]){"max_names=1000", "max_users=500", "max_accounts=50", NULL}));
  for (i = 0; i < 10000; i++) {
    (void)snprintf(names[i], sizeof names[i], "p:feature=f%u", i);
    harness_put(&w.h, BW_KIND_TRACK, world_time(0, i), names[i % 70], names[i], i % 2 ? "Feature Used" : names[i],
                FIELDS(names[i], "p:count=#1e300"));
  }
  harness_put(&w.h, BW_KIND_TRACK, world_time(0, 1), huge, huge, huge, NULL);
  harness_put(&w.h, BW_KIND_TRACK, world_time(0, 1), "", "", "", NULL);
  harness_put(&w.h, BW_KIND_TRACK, 0, "acme", "", "", NULL);
  harness_put(&w.h, BW_KIND_TRACK, BW_TIME_MAX, "acme", "", "", NULL);
  harness_put(&w.h, BW_KIND_TRACK, world_time(0, 1), names[0], "u1", "API Called", FIELDS("p:count=#1e308"));
  harness_put(&w.h, BW_KIND_TRACK, world_time(0, 1), names[0], "u1", "API Called", FIELDS("p:count=#-1e308"));
  world_facts(&w, 0, BW_KIND_ACCOUNT, names[0],
              FIELDS("t:seats=#-1e300", "t:products==[[[", "t:limits.api_calls=#1e-300", "t:arr=x"));
  harness_tick(&w.h, 0);
  world_tick(&w, 0);
  world_tick(&w, 1);
  assert_int_equal(lines_with(&w.h.said, "notice table_full"), 1);
  assert_int_equal(lines_with(&w.h.said, "notice too_many_names"), 1);
  world_close(&w);
}

static void damaged_state_is_refused_politely(void **state)
{
  struct world w;
  struct bw_buf saved = {0};
  uint64_t rng = 3;
  uint32_t i;
  int day;
  (void)state;
  world_init(&w, 9);
  assert_true(harness_open(&w.h, 5, NULL));
  for (day = 0; day < 60; day++) {
    mixed_day(&w, day);
    world_tick(&w, day);
  }
  assert_int_equal(harness_save(&w.h, &saved), 0);
  world_close(&w);
  for (i = 0; i < 300; i++) {
    struct bw_str s = bw_buf_str(&saved);
    size_t at;
    rng = rng * UINT64_C(6364136223846793005) + 1;
    at = (size_t)(rng >> 20) % s.len;
    world_init(&w, 9);
    assert_true(harness_open(&w.h, 5, NULL));
    if (i % 3 == 0)
      s.len = at;
    else
      saved.data[at] = (char)(saved.data[at] ^ 1 << (rng >> 60) % 8);
    assert_true(harness_load(&w.h, s) < 0);
    assert_non_null(strstr(w.h.error, "refused"));
    if (i % 3)
      saved.data[at] = (char)(saved.data[at] ^ 1 << (rng >> 60) % 8);
    world_close(&w);
  }
  bw_buf_clear(&saved);
}

static void wrong_options_are_named(void **state)
{
  static const char *const wrong[][2] = {{"signals=[\"seat_limits\"]", "signals"},
                                         {"meters=[{\"resource\":\"x\"}]", "meters"},
                                         {"features={", "features"},
                                         {"seat_utilization.clear=95%", "seat_utilization.clear"},
                                         {"activity_kinds=[\"ticket\"]", "activity_kinds"},
                                         {"logins.count=often", "logins.count"}};
  struct world w;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    world_init(&w, 1);
    assert_false(harness_open(&w.h, 5, (const char *const[]){wrong[i][0], NULL}));
    assert_non_null(strstr(w.h.error, wrong[i][1]));
    world_close(&w);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_year_of_wobble_is_one_episode),
      cmocka_unit_test(a_holiday_of_everybody_is_one_notice),
      cmocka_unit_test(an_outage_of_the_feed_is_one_notice),
      cmocka_unit_test(a_merger_is_one_notice),
      cmocka_unit_test(what_is_held_is_still_spoken_of),
      cmocka_unit_test(bursts_at_the_limit_are_one_episode),
      cmocka_unit_test(a_peak_before_silence_is_remembered),
      cmocka_unit_test(breadth_that_comes_and_goes_is_one_episode),
      cmocka_unit_test(readiness_that_comes_and_goes_is_one_episode),

      cmocka_unit_test(a_renamed_department_is_not_new),
      cmocka_unit_test(a_holiday_of_its_own_is_no_decline),
      cmocka_unit_test(chance_alone_hardly_speaks),
      cmocka_unit_test(restarts_and_seeds_change_nothing),
      cmocka_unit_test(late_events_land_on_their_day),
      cmocka_unit_test(the_far_future_is_not_counted_but_told),
      cmocka_unit_test(hostile_records_stay_within_limits),
      cmocka_unit_test(damaged_state_is_refused_politely),
      cmocka_unit_test(wrong_options_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
