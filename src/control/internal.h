/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room. */
#ifndef BW_CONTROL_INTERNAL_H
#define BW_CONTROL_INTERNAL_H

#include "control/api.h"

/* JSON of bounded size and depth; *ret_json is the caller's. */
int bw_control_json(struct bw_str payload, size_t max, json_t **ret_json, struct bw_error *err);

/* BW_FRAME_REJECT's list.  The items borrow from *ret_json, which the caller releases; the array is the caller's to free. */
int bw_rejects_parse(struct bw_str payload, json_t **ret_json, struct bw_reject **ret_items, size_t *ret_n,
                     struct bw_error *err);

#endif
