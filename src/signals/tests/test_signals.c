/* SPDX-License-Identifier: Apache-2.0 */
/* Episodes and traits: one shift is one episode, expiry, the fleet guard, hostile outputs, restarts. */
#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "signals/signals.h"
#include "wire/output.h"

#define START INT64_C(1767600000000)

static const char *const usage =
    "{\"name\":\"usage\",\"signals\":[{\"name\":\"seat_limit\",\"direction\":\"up\",\"urgency\":\"high\",\"play_types\":"
    "\"seat\"},"
    "{\"name\":\"usage_decline\",\"direction\":\"down\",\"urgency\":\"high\",\"play_types\":\"\"},"
    "{\"name\":\"data_export\",\"direction\":\"unclear\",\"urgency\":\"watch\",\"play_types\":\"\"}],"
    "\"traits\":[{\"name\":\"mau\",\"type\":\"number\",\"unit\":\"users\"},{\"name\":\"limit_date\",\"type\":\"string\"}]}";
enum { SEAT_LIMIT, USAGE_DECLINE, DATA_EXPORT };

struct fixture {
  struct bw_catalog *catalog;
  struct bw_signals *signals;
  struct bw_buf log;
  size_t notices;
  char notice[800];
  uint32_t watcher;
  uint64_t offset;
};

static void on_signal(void *ctx, const struct bw_episode *e, enum bw_signal_state state)
{
  struct fixture *f = ctx;
  bw_episode_json(&f->log, e, state);
}

static void on_trait(void *ctx, const struct bw_trait_value *t)
{
  struct fixture *f = ctx;
  bw_trait_value_json(&f->log, t);
}

static void on_notice(void *ctx, const struct bw_notice *n, const char *source)
{
  struct fixture *f = ctx;
  f->notices++;
  snprintf(f->notice, sizeof f->notice, "%s %.*s: %.*s", source, BW_FMT(n->code), BW_FMT(n->text));
}

static void open_fixture(struct fixture *f, struct bw_store *store)
{
  struct bw_signals_events events = {f, on_signal, on_trait, on_notice};
  struct bw_error err = {0};
  f->catalog = bw_catalog_new();
  assert_int_equal(bw_catalog_add(f->catalog, bw_str(usage), &f->watcher, &err), 0);
  assert_int_equal(bw_signals_open(f->catalog, NULL, store, &events, &f->signals, &err), 0);
}

static void close_fixture(struct fixture *f)
{
  bw_signals_close(&f->signals);
  bw_catalog_free(&f->catalog);
  bw_buf_clear(&f->log);
}

static void show(struct fixture *f, uint32_t type, uint32_t state, const char *account, const char *key, int64_t at,
                 double strength, const char *evidence)
{
  struct bw_signal s = {.size = sizeof s,
                        .type = type,
                        .state = state,
                        .at_ms = at,
                        .account = bw_str(account),
                        .key = bw_str(key),
                        .value = 2,
                        .threshold = 1,
                        .strength = strength,
                        .evidence = bw_str(evidence)};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  assert_int_equal(bw_output_add_signal(&out, &s, 3, &err), 0);
  assert_int_equal(bw_signals_apply(f->signals, f->watcher, bw_buf_str(&out), ++f->offset, &err), 0);
  bw_buf_clear(&out);
}

static void say(struct fixture *f, uint32_t type, uint32_t state, const char *account, const char *key, int64_t at,
                double strength)
{
  show(f, type, state, account, key, at, strength, "{\"n\":1}");
}

static void tell(struct fixture *f, uint32_t trait, const char *account, const char *key, int64_t at, double number,
                 const char *text)
{
  struct bw_trait t = {.size = sizeof t,
                       .trait = trait,
                       .type = text            ? BW_VALUE_STRING
                               : isnan(number) ? BW_VALUE_NULL
                                               : BW_VALUE_NUMBER,
                       .at_ms = at,
                       .account = bw_str(account),
                       .key = bw_str(key),
                       .number = isnan(number) ? 0 : number,
                       .text = bw_str(text ? text : "")};
  struct bw_buf out = {0};
  struct bw_error err = {0};
  assert_int_equal(bw_output_add_trait(&out, &t, 2, &err), 0);
  assert_int_equal(bw_signals_apply(f->signals, f->watcher, bw_buf_str(&out), ++f->offset, &err), 0);
  bw_buf_clear(&out);
}

static void tick(struct fixture *f, int64_t at)
{
  assert_int_equal(bw_signals_tick(f->signals, at, ++f->offset, NULL), 0);
}

static void one_shift_is_one_episode(void **state)
{
  struct fixture f = {0};
  struct bw_signals_stats stats;
  (void)state;
  open_fixture(&f, NULL);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "", START, 0.2);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "", START + BW_HOUR, 0.5);
  say(&f, SEAT_LIMIT, BW_UPDATED, "acme", "", START + 2 * BW_HOUR, 0.4);
  say(&f, USAGE_DECLINE, BW_UPDATED, "acme", "", START + 2 * BW_HOUR, 0.4); /* of one that we do not know: it is open */
  say(&f, SEAT_LIMIT, BW_CLEARED, "acme", "", START + 3 * BW_HOUR, 0);
  say(&f, SEAT_LIMIT, BW_CLEARED, "acme", "", START + 3 * BW_HOUR, 0);
  say(&f, SEAT_LIMIT, BW_CLEARED, "nobody", "", START + 3 * BW_HOUR, 0);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.opened, 2);
  assert_int_equal(stats.cleared, 1);
  assert_int_equal(stats.unknown_clears, 2);
  assert_int_equal(stats.open, 1);
  assert_int_equal(stats.accounts, 1);
  assert_string_equal(
      bw_buf_cstr(&f.log),
      "{\"kind\":\"signal\",\"at\":\"2026-01-05T08:00:00Z\",\"account\":\"acme\",\"signal\":\"seat_limit\",\"state\":"
      "\"opened\","
      "\"direction\":\"up\",\"value\":2,\"threshold\":1,\"strength\":0.2,\"evidence\":{\"n\":1}}\n"
      "{\"kind\":\"signal\",\"at\":\"2026-01-05T09:00:00Z\",\"account\":\"acme\",\"signal\":\"seat_limit\",\"state\":"
      "\"updated\","
      "\"direction\":\"up\",\"value\":2,\"threshold\":1,\"strength\":0.5,\"evidence\":{\"n\":1}}\n"
      "{\"kind\":\"signal\",\"at\":\"2026-01-05T10:00:00Z\",\"account\":\"acme\",\"signal\":\"seat_limit\",\"state\":"
      "\"updated\","
      "\"direction\":\"up\",\"value\":2,\"threshold\":1,\"strength\":0.4,\"evidence\":{\"n\":1}}\n"
      "{\"kind\":\"signal\",\"at\":\"2026-01-05T10:00:00Z\",\"account\":\"acme\",\"signal\":\"usage_decline\",\"state\":"
      "\"opened\",\"direction\":\"down\",\"value\":2,\"threshold\":1,\"strength\":0.4,\"evidence\":{\"n\":1}}\n"
      "{\"kind\":\"signal\",\"at\":\"2026-01-05T11:00:00Z\",\"account\":\"acme\",\"signal\":\"seat_limit\",\"state\":"
      "\"cleared\","
      "\"direction\":\"up\",\"value\":2,\"threshold\":1,\"strength\":0,\"evidence\":{\"n\":1}}\n");
  close_fixture(&f);
}

static void density_counts_open_up_signals(void **state)
{
  struct fixture f = {0};
  (void)state;
  open_fixture(&f, NULL);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "a", START, 0.25);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "b", START, 0.5);
  say(&f, USAGE_DECLINE, BW_OPENED, "acme", "", START, 0.9);
  assert_true(fabs(bw_signals_density(f.signals, BW_STR("acme")) - 0.75) < 1e-9);
  assert_int_equal(bw_signals_count_open(f.signals, BW_STR("acme")), 3);
  {
    uint32_t type = (uint32_t)bw_catalog_find_signal(f.catalog, BW_STR("seat_limit"));
    const struct bw_episode *e = bw_signals_find(f.signals, BW_STR("acme"), type, BW_STR(""));
    assert_true(bw_str_is(e->key, "b")); /* the strongest */
    e = bw_signals_find(f.signals, BW_STR("acme"), type, BW_STR("a"));
    assert_true(bw_str_is(e->key, "a"));
  }
  assert_true(bw_signals_density(f.signals, BW_STR("nobody")) == 0);
  close_fixture(&f);
}

static void silence_of_the_watcher_expires_an_episode(void **state)
{
  struct fixture f = {0};
  struct bw_signals_stats stats;
  (void)state;
  open_fixture(&f, NULL);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "", START, 0.2);
  say(&f, DATA_EXPORT, BW_OPENED, "acme", "", START, 0.2);
  say(&f, SEAT_LIMIT, BW_OPENED, "other", "", START, 0.2);
  tick(&f, START + 44 * BW_DAY);
  say(&f, SEAT_LIMIT, BW_UPDATED, "other", "", START + 44 * BW_DAY, 0.3);
  bw_buf_reset(&f.log);
  tick(&f, START + 46 * BW_DAY);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.expired, 1);
  assert_int_equal(stats.open, 2); /* one was spoken of; data_export persists */
  assert_non_null(
      strstr(bw_buf_cstr(&f.log), "\"account\":\"acme\",\"signal\":\"seat_limit\",\"state\":\"cleared\",\"expired\":true"));
  close_fixture(&f);
}

static void a_word_without_evidence_keeps_the_episode_and_what_was_shown(void **state)
{
  struct fixture f = {0};
  const struct bw_episode *e;
  uint32_t type, i;
  (void)state;
  open_fixture(&f, NULL);
  type = (uint32_t)bw_catalog_find_signal(f.catalog, BW_STR("seat_limit"));
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "", START, 0.2);
  for (i = 1; i <= 6; i++) {
    show(&f, SEAT_LIMIT, BW_UPDATED, "acme", "", START + i * 20 * BW_DAY, 0.2, "");
    tick(&f, START + i * 20 * BW_DAY);
  }
  e = bw_signals_find(f.signals, BW_STR("acme"), type, BW_STR(""));
  assert_non_null(e);
  assert_true(e->opened_at == START && e->updated_at == START + 120 * BW_DAY);
  assert_true(bw_str_is(e->evidence, "{\"n\":1}"));
  show(&f, SEAT_LIMIT, BW_UPDATED, "acme", "", START + 121 * BW_DAY, 0.2, "{\"n\":2}");
  assert_true(bw_str_is(bw_signals_find(f.signals, BW_STR("acme"), type, BW_STR(""))->evidence, "{\"n\":2}"));
  show(&f, SEAT_LIMIT, BW_OPENED, "bare", "", START, 0.2, "");
  assert_true(bw_str_is(bw_signals_find(f.signals, BW_STR("bare"), type, BW_STR(""))->evidence, "{}"));
  close_fixture(&f);
}

static void traits_are_told_when_they_change(void **state)
{
  struct fixture f = {0};
  struct bw_trait_value v;
  (void)state;
  open_fixture(&f, NULL);
  tell(&f, 0, "acme", "", START, 12, NULL);
  tell(&f, 0, "acme", "", START + BW_HOUR, 12, NULL);
  tell(&f, 1, "acme", "api", START, 0, "2026-05-01");
  tell(&f, 0, "acme", "", START + 2 * BW_HOUR, 13.5, NULL);
  tell(&f, 1, "acme", "api", START + 2 * BW_HOUR, NAN, NULL);
  assert_string_equal(
      bw_buf_cstr(&f.log),
      "{\"kind\":\"trait\",\"at\":\"2026-01-05T08:00:00Z\",\"account\":\"acme\",\"trait\":\"usage.mau\",\"value\":12}\n"
      "{\"kind\":\"trait\",\"at\":\"2026-01-05T08:00:00Z\",\"account\":\"acme\",\"trait\":\"usage.limit_date\","
      "\"key\":\"api\",\"value\":\"2026-05-01\"}\n"
      "{\"kind\":\"trait\",\"at\":\"2026-01-05T10:00:00Z\",\"account\":\"acme\",\"trait\":\"usage.mau\","
      "\"value\":13.5}\n"
      "{\"kind\":\"trait\",\"at\":\"2026-01-05T10:00:00Z\",\"account\":\"acme\",\"trait\":\"usage.limit_date\","
      "\"key\":\"api\",\"value\":null}\n");
  assert_true(bw_signals_trait(f.signals, BW_STR("acme"), "usage.mau", BW_STR(""), &v));
  assert_true(v.number > 13.4 && v.number < 13.6);
  assert_false(bw_signals_trait(f.signals, BW_STR("acme"), "usage.limit_date", BW_STR("api"), &v));
  close_fixture(&f);
}

/* ---- the fleet guard ---- */

static void fleet(struct fixture *f, int accounts, int moved, int64_t at)
{
  int i;
  for (i = 0; i < accounts; i++) {
    char id[16];
    snprintf(id, sizeof id, "a%04d", i);
    tell(f, 0, id, "", at - BW_DAY, i, NULL);
    if (i < moved)
      say(f, USAGE_DECLINE, BW_OPENED, id, "", at, 0.5);
  }
}

static void a_fleet_wide_dip_is_one_notice(void **state)
{
  struct fixture f = {0};
  struct bw_signals_stats stats;
  uint32_t type;
  (void)state;
  open_fixture(&f, NULL);
  type = (uint32_t)bw_catalog_find_signal(f.catalog, BW_STR("usage_decline"));
  fleet(&f, 100, 21, START);
  tick(&f, START);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.held, 21);
  assert_int_equal(f.notices, 1);
  assert_non_null(strstr(f.notice, "signals fleet_shift: usage_decline opened on 21 accounts at once"));
  assert_non_null(strstr(f.notice, "If the shift is real: basewatch release usage_decline"));
  assert_null(bw_signals_find(f.signals, BW_STR("a0000"), type, BW_STR("")));
  assert_int_equal(bw_signals_count_open(f.signals, BW_STR("a0000")), 0);
  tick(&f, START + BW_DAY);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.held, 21);
  say(&f, USAGE_DECLINE, BW_CLEARED, "a0001", "", START + 2 * BW_DAY, 0);
  bw_signals_take_changed(f.signals, NULL, NULL);
  tick(&f, START + 3 * BW_DAY); /* still open after the hold: believed */
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.held, 0);
  assert_int_equal(stats.open, 20);
  assert_non_null(bw_signals_find(f.signals, BW_STR("a0000"), type, BW_STR("")));
  assert_int_equal(f.notices, 1);
  close_fixture(&f);
}

static void a_few_declines_are_no_fleet(void **state)
{
  struct fixture f = {0};
  struct bw_signals_stats stats;
  (void)state;
  open_fixture(&f, NULL);
  fleet(&f, 100, 19, START); /* below the minimum of 20, and not above 20 % */
  tick(&f, START);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.held, 0);
  close_fixture(&f);
  memset(&f, 0, sizeof f);
  open_fixture(&f, NULL);
  fleet(&f, 200, 40, START); /* exactly 20 % is not more than 20 % */
  tick(&f, START);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.held, 0);
  close_fixture(&f);
}

static void an_operator_can_release(void **state)
{
  struct fixture f = {0};
  (void)state;
  open_fixture(&f, NULL);
  fleet(&f, 50, 50, START);
  tick(&f, START);
  assert_int_equal(bw_signals_release(f.signals, BW_STR("seat_limit")), 0);
  assert_int_equal(bw_signals_release(f.signals, BW_STR("usage_decline")), 50);
  assert_int_equal(bw_signals_count_open(f.signals, BW_STR("a0000")), 1);
  close_fixture(&f);
}

/* ---- lies ---- */

static void damage_and_lies_are_refused(void **state)
{
  struct fixture f = {0};
  struct bw_signals_stats stats;
  struct bw_error err = {0};
  struct bw_buf out = {0};
  uint64_t seed = 3;
  int round, i;
  struct bw_signal lie = {.size = sizeof lie,
                          .type = 40, /* not declared; the host's own check is given a wrong table */
                          .state = BW_OPENED,
                          .at_ms = START,
                          .account = BW_STR("acme"),
                          .strength = 0.5,
                          .evidence = BW_STR("{}")};
  (void)state;
  open_fixture(&f, NULL);
  assert_int_equal(bw_output_add_signal(&out, &lie, 100, &err), 0);
  assert_int_equal(bw_signals_apply(f.signals, f.watcher, bw_buf_str(&out), 1, &err), 0);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.refused, 1);
  assert_int_equal(stats.accounts, 0);
  assert_int_equal(f.notices, 1);
  assert_int_equal(bw_signals_apply(f.signals, 7, bw_buf_str(&out), 1, &err), BW_EINVAL);
  lie.type = SEAT_LIMIT;
  for (round = 0; round < 20000; round++) { /* flipped bytes never do harm */
    bw_buf_reset(&out);
    bw_output_add_signal(&out, &lie, 3, &err);
    for (i = 0; i < 3; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      out.data[(seed >> 33) % out.len] ^= (char)(1u << (seed >> 20) % 8);
    }
    bw_signals_apply(f.signals, f.watcher, bw_buf_str(&out), 2, &err);
  }
  bw_buf_clear(&out);
  close_fixture(&f);
}

static void catalogues_refuse_contradictions(void **state)
{
  struct bw_catalog *c = bw_catalog_new();
  struct bw_error err = {0};
  uint32_t w;
  (void)state;
  assert_int_equal(bw_catalog_add(c, bw_str(usage), &w, &err), 0);
  assert_int_equal(bw_catalog_add(c, bw_str(usage), &w, &err), 0); /* split in two */
  assert_int_equal(w, 1);
  assert_int_equal(bw_catalog_traits(c), 2);
  assert_int_equal(bw_catalog_add(c,
                                  BW_STR("{\"name\":\"x\",\"signals\":[{\"name\":\"seat_limit\",\"direction\":\"down\","
                                         "\"urgency\":\"high\"}]}"),
                                  &w, &err),
                   BW_EEXIST);
  assert_int_equal(bw_catalog_add(c, BW_STR("{\"name\":\"x\",\"signals\":[{\"name\":\"a b\"}]}"), &w, &err), BW_EINVAL);
  assert_int_equal(bw_catalog_add(c, BW_STR("[]"), &w, &err), BW_EINVAL);
  assert_int_equal(bw_catalog_add(c, BW_STR("{"), &w, &err), BW_EINVAL);
  assert_true(bw_catalog_find_signal(c, BW_STR("support_escalation")) >= 0);
  assert_false(bw_catalog_signal(c, (size_t)bw_catalog_find_signal(c, BW_STR("support_escalation")))->configured);
  bw_catalog_free(&c);
}

/* ---- the store ---- */

static void collect(void *ctx, struct bw_str account)
{
  bw_buf_printf(ctx, "%.*s ", BW_FMT(account));
}

static void what_is_saved_comes_back(void **state)
{
  const struct bw_schema *schemas[] = {&bw_signals_schema};
  struct bw_store *store = NULL;
  struct fixture f = {0};
  struct bw_error err = {0};
  struct bw_buf changed = {0};
  struct bw_trait_value v;
  struct bw_signals_stats stats;
  const struct bw_episode *e;
  (void)state;
  assert_int_equal(bw_store_open(":memory:", schemas, 1, &store, &err), 0);
  open_fixture(&f, store);
  fleet(&f, 30, 25, START);
  tick(&f, START);
  say(&f, SEAT_LIMIT, BW_OPENED, "acme", "x", START + BW_HOUR, 0.7);
  say(&f, SEAT_LIMIT, BW_OPENED, "gone", "", START + BW_HOUR, 0.7);
  say(&f, SEAT_LIMIT, BW_CLEARED, "gone", "", START + 2 * BW_HOUR, 0);
  tell(&f, 1, "acme", "api", START + BW_HOUR, 0, "2026-05-01");
  /* A commit that fails: the next save writes the same again. */
  assert_int_equal(bw_store_begin(store, &err), 0);
  assert_int_equal(bw_signals_save(f.signals, &err), 0);
  bw_store_rollback(store);
  assert_int_equal(bw_store_begin(store, &err), 0);
  assert_int_equal(bw_signals_save(f.signals, &err), 0);
  assert_int_equal(bw_store_commit(store, &err), 0);
  bw_signals_committed(f.signals);
  bw_signals_close(&f.signals);
  assert_int_equal(bw_signals_open(f.catalog, NULL, store, NULL, &f.signals, &err), 0);
  bw_signals_stats(f.signals, &stats);
  assert_int_equal(stats.open, 26);
  assert_int_equal(stats.held, 25);
  e = bw_signals_find(f.signals, BW_STR("acme"), (uint32_t)bw_catalog_find_signal(f.catalog, BW_STR("seat_limit")),
                      BW_STR("x"));
  assert_non_null(e);
  assert_true(e->strength > 0.69 && e->opened_at == START + BW_HOUR && bw_str_is(e->evidence, "{\"n\":1}"));
  assert_true(bw_signals_trait(f.signals, BW_STR("acme"), "usage.limit_date", BW_STR("api"), &v));
  assert_true(bw_str_is(v.text, "2026-05-01"));
  bw_signals_take_changed(f.signals, collect, &changed); /* what came after the last tick is still to be looked at */
  assert_string_equal(bw_buf_cstr(&changed), "acme ");
  say(&f, SEAT_LIMIT, BW_OPENED, "next", "", START + BW_DAY, 0.7);
  assert_int_equal(
      bw_signals_find(f.signals, BW_STR("next"), (uint32_t)bw_catalog_find_signal(f.catalog, BW_STR("seat_limit")), BW_STR(""))
          ->id,
      28); /* ids are never used twice, not those of closed ones either */
  bw_buf_clear(&changed);
  close_fixture(&f);
  bw_store_close(&store);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_shift_is_one_episode),
      cmocka_unit_test(density_counts_open_up_signals),
      cmocka_unit_test(silence_of_the_watcher_expires_an_episode),
      cmocka_unit_test(a_word_without_evidence_keeps_the_episode_and_what_was_shown),
      cmocka_unit_test(traits_are_told_when_they_change),
      cmocka_unit_test(a_fleet_wide_dip_is_one_notice),
      cmocka_unit_test(a_few_declines_are_no_fleet),
      cmocka_unit_test(an_operator_can_release),
      cmocka_unit_test(damage_and_lies_are_refused),
      cmocka_unit_test(catalogues_refuse_contradictions),
      cmocka_unit_test(what_is_saved_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
