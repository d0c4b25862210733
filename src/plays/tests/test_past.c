/* SPDX-License-Identifier: Apache-2.0 */
/* quartile() and trend(): what they give, what they need, what is kept for them, and that restarts change nothing. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "plays/tests/config.h"

#define QUARTILE PLAY("p", "[{name: top, require: quartile(trait.usage.dau_mau) == 4}]", "")
#define TREND PLAY("p", "[{name: growing, require: 'trend(trait.usage.seats_used, days(30)) >= 0.2'}]", "")

static void share(struct world *w, int account, double value)
{
  char id[16];
  snprintf(id, sizeof id, "a%02d", account);
  world_trait(w, id, "dau_mau", "", value);
}

static void quarter_is(struct world *w, int account, const char *quarter)
{
  char id[16];
  snprintf(id, sizeof id, "a%02d", account);
  says(w, id, "p", "gates.0.values.0.name", "quartile(trait.usage.dau_mau)", "gates.0.values.0.value", quarter, NULL);
}

static void quartiles_divide_those_who_have_the_trait(void **state)
{
  struct world w = {0};
  int i;
  (void)state;
  open_with(&w, NULL, QUARTILE);
  for (i = 0; i < 7; i++)
    share(&w, i, 0.1 * i);
  world_account(&w, "none", "{}");
  world_tick(&w, START + BW_HOUR);
  world_tick(&w, START + BW_DAY);
  says(&w, "a03", "p", "gates.0.result", "missing", "gates.0.says",
       "~quartile(trait.usage.dau_mau): 7 accounts had this trait at the last division, and 8 are needed", NULL);
  for (i = 7; i < 12; i++)
    share(&w, i, 0.1 * i);
  world_tick(&w, START + BW_DAY + BW_HOUR);
  says(&w, "a03", "p", "gates.0.result", "missing", NULL); /* the division is that of the morning */
  world_tick(&w, START + 2 * BW_DAY);
  for (i = 0; i < 12; i++) {
    static const char *const quarters[] = {"1", "1", "1", "2", "2", "2", "3", "3", "3", "4", "4", "4"};
    quarter_is(&w, i, quarters[i]);
  }
  says(&w, "none", "p", "gates.0.values.0.missing", "~the watcher usage has published no value", NULL);
  says(&w, "a11", "p", "gates.0.result", "pass", NULL);
  share(&w, 0, 5); /* its own value is today's, the division the morning's */
  quarter_is(&w, 0, "4");
  quarter_is(&w, 9, "4");
  world_tick(&w, START + 2 * BW_DAY + BW_HOUR);
  world_tick(&w, START + 3 * BW_DAY);
  quarter_is(&w, 9, "3");
  for (i = 0; i < 12; i++)
    share(&w, i, 1);
  world_tick(&w, START + 3 * BW_DAY + BW_HOUR);
  world_tick(&w, START + 4 * BW_DAY);
  quarter_is(&w, 5, "1"); /* all alike: nobody is on top */
  world_close(&w);
}

static void users(struct world *w, double n)
{
  world_trait(w, "a", "seats_used", "", n);
  world_tick(w, w->now + BW_HOUR);
}

static void day(struct world *w, int n)
{
  world_tick(w, START + n * BW_DAY);
}

static void a_trend_compares_with_then(void **state)
{
  struct world w = {0};
  (void)state;
  open_with(&w, NULL, TREND);
  says(&w, "a", "p", "gates.0.values.0.missing", "~published no value", NULL);
  users(&w, 8);
  users(&w, 10); /* the day's last word */
  says(&w, "a", "p", "gates.0.says", "~its value of 2025-12-06 is needed, and it is known only since 2026-01-05", NULL);
  day(&w, 10);
  users(&w, 20);
  day(&w, 29);
  says(&w, "a", "p", "gates.0.result", "missing", NULL);
  day(&w, 30);
  says(&w, "a", "p", "gates.0.result", "pass", "gates.0.values.0.value", "1", "gates.0.values.0.name",
       "trend(trait.usage.seats_used, days(30))", NULL);
  day(&w, 39);
  says(&w, "a", "p", "gates.0.values.0.value", "1", NULL); /* it held until day 10 */
  day(&w, 40);
  says(&w, "a", "p", "gates.0.result", "fail", "gates.0.values.0.value", "0", NULL);
  users(&w, 0);
  says(&w, "a", "p", "gates.0.values.0.value", "-1", NULL);
  day(&w, 70);
  users(&w, 5);
  says(&w, "a", "p", "gates.0.values.0.missing", "~on 2026-02-14 it was 0, and nothing can be compared with that", NULL);
  world_close(&w);
}

/* ---- restarts ---- */

static uint64_t next_random(uint64_t *s)
{
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static int64_t rows(struct world *w)
{
  struct bw_stmt *q;
  int64_t n;
  assert_int_equal(bw_store_prepare(w->store, "SELECT count(*) FROM plays_sample", &q, NULL), 0);
  assert_true(bw_stmt_step(q, NULL) > 0);
  n = bw_stmt_col_int(q, 0);
  bw_stmt_reset(q);
  return n;
}

static void life(struct bw_buf *ret_log, bool restarts)
{
  char *dir = config_dir(NULL,
                         PLAY("p",
                              "[{name: x, require: quartile(trait.usage.dau_mau) >= 3}, {name: y, require: "
                              "'trend(trait.usage.seats_used, days(20)) > -0.5'}]",
                              ""),
                         NULL);
  char *db = bw_asprintf("%s/store.db", dir);
  struct world w = {.now = START};
  uint64_t seed = 3;
  int hour, i;
  world_open(&w, dir, restarts ? db : NULL);
  for (hour = 1; hour < 60 * 6; hour++) { /* every four hours for 60 days */
    for (i = 0; i < 4; i++) {
      char id[16];
      uint64_t r = next_random(&seed);
      snprintf(id, sizeof id, "a%02d", (int)(r % 20));
      world_trait(&w, id, "dau_mau", "", (double)((r >> 8) % 100) / 100);
      world_trait(&w, id, "seats_used", "", (double)((r >> 16) % 50));
      world_trait(&w, id, "limit_ratio", "", (double)((r >> 24) % 50)); /* nobody asks of its past */
      if (r >> 60 == 3)
        decline(&w, id);
    }
    world_tick(&w, START + hour * 4 * BW_HOUR);
    if (restarts && hour % 7 == 0)
      world_restart(&w, dir, db);
    for (i = 0; hour % 30 == 0 && i < 20; i++) {
      char id[16];
      snprintf(id, sizeof id, "a%02d", i);
      assert_int_equal(bw_engine_why_not(w.engine, bw_str(id), BW_STR("p"), w.now, &w.log, NULL), 0);
      bw_buf_add_char(&w.log, '\n');
    }
  }
  bw_buf_add_str(ret_log, bw_buf_str(&w.log));
  if (restarts) {
    char *other = config_dir(NULL, TREND, NULL); /* another rule: what nobody asks of any more goes */
    if (rows(&w) <= 100 || rows(&w) > 20 * (1 + 22))
      fail_msg("%lld values are kept", (long long)rows(&w));
    world_restart(&w, other, db);
    world_save(&w);
    assert_true(rows(&w) > 20 && rows(&w) <= 20 * 22);
    config_remove(other);
  }
  world_close(&w);
  free(db);
  config_remove(dir);
}

static void restarts_change_nothing(void **state)
{
  struct bw_buf plain = {0}, restarted = {0};
  size_t i = 0;
  (void)state;
  life(&plain, false);
  life(&restarted, true);
  assert_true(plain.len > 1000 && strstr(bw_buf_cstr(&plain), "\"event\":\"opened\""));
  while (i < plain.len && i < restarted.len && plain.data[i] == restarted.data[i])
    i++;
  if (i < plain.len || i < restarted.len)
    fail_msg("differs at %zu:\n%.600s\n---\n%.600s", i, plain.data + (i > 300 ? i - 300 : 0),
             bw_buf_cstr(&restarted) + (i > 300 ? i - 300 : 0));
  bw_buf_clear(&plain);
  bw_buf_clear(&restarted);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quartiles_divide_those_who_have_the_trait),
      cmocka_unit_test(a_trend_compares_with_then),
      cmocka_unit_test(restarts_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
