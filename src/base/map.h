/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from byte strings to pointers: open addressing, linear probing, iteration in order of insertion. */
#ifndef BW_BASE_MAP_H
#define BW_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct bw_map;

struct bw_map *bw_map_new(void);
/* free_value (may be NULL) is called on every value.  *m becomes NULL. */
void bw_map_free(struct bw_map **m, void (*free_value)(void *));
/* NULL where there is none. */
void *bw_map_get(const struct bw_map *m, struct bw_str key);
/* The key is copied, the value (not NULL) kept; returns the value that was there before, or NULL. */
void *bw_map_put(struct bw_map *m, struct bw_str key, void *value);
/* Returns what was removed, or NULL. */
void *bw_map_remove(struct bw_map *m, struct bw_str key);
size_t bw_map_count(const struct bw_map *m);
/* Insertion order: for (i = 0; bw_map_next(m, &i, &key, &value);) ...  Values may be replaced, not added, on the way.
   The key stays valid until it is removed or the map freed. */
bool bw_map_next(const struct bw_map *m, size_t *i, struct bw_str *ret_key, void **ret_value);

#endif
