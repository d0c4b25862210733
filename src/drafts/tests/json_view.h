/* SPDX-License-Identifier: Apache-2.0 */
/* A view over a JSON value, for tests: names are looked up as the Mustache specification says. */
#ifndef BW_DRAFTS_TESTS_JSON_VIEW_H
#define BW_DRAFTS_TESTS_JSON_VIEW_H

#include <jansson.h>

#include "drafts/mustache.h"

/* Borrows root. */
struct bw_view json_view(json_t *root);

#endif
