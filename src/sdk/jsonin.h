/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the JSON of structured options and of array fields: a small tree, for configuration, never for the event path.
   Runs in watcher hosts; no privileges needed. */
#ifndef BW_SDK_JSONIN_H
#define BW_SDK_JSONIN_H

#include <stdbool.h>

#include "base/str.h"

enum bw_jtype { BW_J_NULL, BW_J_BOOL, BW_J_NUMBER, BW_J_STRING, BW_J_LIST, BW_J_MAP };
struct bw_jnode {
  enum bw_jtype type;
  struct bw_str key;  /* within a map */
  struct bw_str text; /* STRING unescaped, NUMBER as written */
  double number;      /* NUMBER; BOOL 0 or 1 */
  struct bw_jnode *child, *next;
};
struct bw_jdoc;

/* At most 32 deep and 20000 nodes.  0, or BW_EINVAL / BW_ELIMIT with a message that names the byte. */
struct bw_error;
int bw_jdoc_parse(struct bw_str json, struct bw_jdoc **ret_doc, struct bw_error *err);
void bw_jdoc_free(struct bw_jdoc **doc);
const struct bw_jnode *bw_jdoc_root(const struct bw_jdoc *doc);
const struct bw_jnode *bw_jnode_get(const struct bw_jnode *map, const char *key);      /* NULL where there is none */
struct bw_str bw_jnode_text(const struct bw_jnode *map, const char *key);              /* empty where there is none */
double bw_jnode_number(const struct bw_jnode *map, const char *key, double otherwise); /* numbers and booleans */

#endif
