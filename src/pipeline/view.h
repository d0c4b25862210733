/* SPDX-License-Identifier: Apache-2.0 */
/* What a template sees: the names of plays/plays.h, answered as a Mustache view. */
#ifndef BW_PIPELINE_VIEW_H
#define BW_PIPELINE_VIEW_H

#include "drafts/mustache.h"
#include "plays/plays.h"

/* init by zeroing and setting env and currency; clear after the render. */
struct bw_env_view {
  struct bw_env *env;   /* borrowed */
  const char *currency; /* of money values; borrowed */
  struct bw_buf name, provenance, text;
};
struct bw_view bw_env_view(struct bw_env_view *v);
void bw_env_view_clear(struct bw_env_view *v);

#endif
