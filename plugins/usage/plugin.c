/* SPDX-License-Identifier: Apache-2.0 */
/* The usage watcher's descriptor and its beginning and end.  Runs in a watcher host; no privileges needed. */
#include <stdio.h>
#include <stdlib.h>

#include "usage.h"

static void usage_close(void *self)
{
  struct usage *u = self;
  uint32_t i;
  if (!u)
    return;
  for (i = 0; i < bw_keyed_count(&u->accounts); i++) {
    struct account *a = bw_keyed_at(&u->accounts, i);
    if (a->act)
      activity_clear(u, a->act);
    if (a->facts)
      facts_clear(a->facts);
  }
  for (i = 0; i < bw_keyed_count(&u->plans); i++)
    free(((struct plan *)bw_keyed_at(&u->plans, i))->limits);
  for (i = 0; u->meanings && i < MEANING_SLOTS; i++)
    free(u->meanings[i].name);
  bw_series_clear(u->pool, &u->fleet.events);
  bw_series_clear(u->pool, &u->fleet.users);
  bw_series_clear(u->pool, &u->fleet.gaps);
  bw_keyed_clear(&u->accounts);
  bw_keyed_clear(&u->users);
  bw_keyed_clear(&u->plans);
  bw_chunks_clear(&u->sharing);
  bw_arena_clear(&u->activities);
  stage_clear(&u->stage);
  bw_intern_clear(&u->names);
  bw_pool_free(&u->pool);
  bw_buf_clear(&u->evidence);
  config_clear(&u->cfg);
  free(u->meanings);
  free(u->touched);
  free(u->scratch);
  free(u);
}

static int32_t usage_open(const struct bw_open_args *args, void **ret_self)
{
  struct usage *u = bw_alloc(sizeof *u);
  struct bw_error err = {0};
  u->host = args->host;
  u->seed = args->host->hash_seed;
  u->tick_day = -1;
  u->told_future = u->told_full = u->told_names = -1000;
  u->pool = bw_pool_new();
  u->meanings = bw_calloc(MEANING_SLOTS, sizeof *u->meanings);
  if (config_read(u, args, &err)) {
    if (args->error && args->error_size)
      (void)snprintf(args->error, args->error_size, "%s", err.message);
    usage_close(u);
    return err.code;
  }
  bw_keyed_init(&u->accounts, sizeof(struct account), (uint32_t)u->cfg.value[OPT_MAX_ACCOUNTS].integer);
  bw_keyed_init(&u->users, sizeof(struct user), u->cfg.max_users);
  bw_keyed_init(&u->plans, sizeof(struct plan), 10000);
  u->stage.flush_at = FLUSH_AT;
  u->sharing.size = sizeof(struct sharing);
  *ret_self = u;
  return BW_OK;
}

static int32_t usage_records(void *self, const struct bw_batch *batch)
{
  return feed_batch(self, batch);
}

BW_EXPORT const struct bw_plugin *basewatch_plugin(void)
{
  static const struct bw_plugin plugin = {
      .magic = BW_PLUGIN_MAGIC,
      .size = sizeof(struct bw_plugin),
      .abi_major = BW_ABI_MAJOR,
      .abi_minor = BW_ABI_MINOR,
      .name = "usage",
      .version = "1.0",
      .summary = "Product usage: seats, limits, growth, decline, adoption",
      .kinds = BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_PAGE) | BW_KIND_BIT(BW_KIND_SCREEN) |
               BW_KIND_BIT(BW_KIND_IDENTIFY) | BW_KIND_BIT(BW_KIND_GROUP) | BW_KIND_BIT(BW_KIND_ACCOUNT) |
               BW_KIND_BIT(BW_KIND_PLAN) | BW_KIND_BIT(BW_KIND_SUBSCRIPTION) | BW_KIND_BIT(BW_KIND_TICK),
      .options = usage_options,
      .signals = usage_signals,
      .traits = usage_traits,
      .noptions = OPT_COUNT,
      .option_size = sizeof(struct bw_option),
      .nsignals = SIG_COUNT,
      .signal_size = sizeof(struct bw_signal_decl),
      .ntraits = TRAIT_COUNT,
      .trait_size = sizeof(struct bw_trait_decl),
      .state_version = STATE_VERSION,
      .open = usage_open,
      .records = usage_records,
      .save = usage_save,
      .load = usage_load,
      .close = usage_close,
  };
  return &plugin;
}
