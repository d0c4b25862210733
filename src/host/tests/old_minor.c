/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin whose structs differ in size from ours, as one built against another minor of the ABI: rows of signals are shorter
 * (an older header had no play_types and help), options and the descriptor are longer (a newer one has more).
 */
#include "basewatch/plugin.h"

#include <stdlib.h>

struct short_signal {
  const char *name;
  uint32_t direction, urgency;
};
struct long_option {
  struct bw_option ours;
  const char *later[3];
};
struct long_plugin {
  struct bw_plugin ours;
  void *later[5];
};

static const struct short_signal signals[] = {{"first", BW_UP, BW_URGENCY_LOW}, {"second", BW_DOWN, BW_URGENCY_HIGH}};
static const struct long_option options[] = {{{"one", BW_OPTION_INTEGER, 0, "1", 0, 0, "One."}, {"x", "y", "z"}},
                                             {{"two", BW_OPTION_INTEGER, 0, "2", 0, 0, "Two."}, {"x", "y", "z"}}};
static int64_t two;

static int32_t old_open(const struct bw_open_args *args, void **ret_self)
{
  const char *values = (const char *)args->values;
  two = ((const struct bw_option_value *)(const void *)(values + args->value_stride))->integer;
  *ret_self = &two;
  return 0;
}

static int32_t old_records(void *self, const struct bw_batch *batch)
{
  (void)batch;
  return *(int64_t *)self == 2 ? 0 : -1;
}

static int32_t old_save(void *self, const struct bw_save_args *args)
{
  return args->write(args->ctx, self, 8);
}

static int32_t old_load(void *self, const struct bw_load_args *args)
{
  return args->read(args->ctx, self, 8) == 8 ? 0 : -1;
}

static void old_close(void *self)
{
  (void)self;
}

const struct bw_plugin *basewatch_plugin(void)
{
  static const struct long_plugin plugin = {{.magic = BW_PLUGIN_MAGIC,
                                             .size = sizeof plugin,
                                             .abi_major = BW_ABI_MAJOR,
                                             .abi_minor = 77,
                                             .name = "old",
                                             .version = "0",
                                             .summary = "Other sizes.",
                                             .kinds = BW_KIND_BIT(BW_KIND_TRACK),
                                             .options = &options[0].ours,
                                             .noptions = 2,
                                             .option_size = sizeof *options,
                                             .signals = (const struct bw_signal_decl *)(const void *)signals,
                                             .nsignals = 2,
                                             .signal_size = sizeof *signals,
                                             .open = old_open,
                                             .records = old_records,
                                             .save = old_save,
                                             .load = old_load,
                                             .close = old_close},
                                            {0}};
  return &plugin.ours;
}
