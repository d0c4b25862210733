/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the config room.  No privileges needed. */
#ifndef BW_CONFIG_PRIVATE_H
#define BW_CONFIG_PRIVATE_H

#include "config/config.h"

/* Sets type and number of a plain scalar from its text. */
void bw_node_resolve(struct bw_node *node);

#endif
