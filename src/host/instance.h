/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plugin instance: dlopen, the ABI checks, the option table, the host's function table.  The watcher host process runs one;
 * a replay in one process runs several.
 */
#ifndef BW_HOST_INSTANCE_H
#define BW_HOST_INSTANCE_H

#include "base/buf.h"
#include "base/error.h"

struct bw_instance;

/* What core and rules need to know of a plugin; made from its descriptor with every bound checked.  As JSON:
   {"name","version","summary","kinds":n,"state_version":n,"signals":[{"name","direction","urgency","play_types","help"}],
    "traits":[{"name","type","unit","help"}],"options":[{"name","type","default","min","max","help"}],"endpoints":[...]} */
int bw_instance_describe(const char *path, struct bw_buf *ret_json, struct bw_error *err);

/*
 * Loads path and opens an instance.  options is a JSON object as in the watcher's configuration (nested objects flatten with
 * dots down to the option table's names); unknown names, wrong types and values out of range are BW_EINVAL with the name and
 * what would be right.
 */
int bw_instance_open(const char *path, struct bw_str options_json, uint64_t hash_seed, struct bw_instance **ret,
                     struct bw_error *err);
void bw_instance_close(struct bw_instance **i);
const struct bw_plugin *bw_instance_plugin(const struct bw_instance *i); /* the host's own zero-extended copy */
/* Appends what bw_instance_describe() gives, of an instance that is open. */
void bw_instance_description(const struct bw_instance *i, struct bw_buf *out);

/* Feeds records (filtered to the plugin's kinds) and appends what it says to out (wire/output.h).  A negative return means the
   instance must be discarded. */
int bw_instance_records(struct bw_instance *i, const struct bw_batch *batch, struct bw_buf *out, struct bw_error *err);
int bw_instance_save(struct bw_instance *i, struct bw_buf *out, struct bw_error *err);
int bw_instance_load(struct bw_instance *i, struct bw_str state, struct bw_error *err);

#endif
