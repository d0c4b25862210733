/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: templates as loaded, and the making of drafts. */
#ifndef BW_DRAFTS_DRAFTS_IMPL_H
#define BW_DRAFTS_DRAFTS_IMPL_H

#include "drafts/drafts.h"

#define BW_DRAFT_OURS "basewatch" /* whose version it is that no person has written in */

/* One compiled text and where it stands in its file. */
struct bw_template_part {
  struct bw_mustache *m;
  uint32_t line, column; /* of its first byte; columns count only in its first line */
};

struct bw_template {
  char *name;
  char language[3]; /* "de" of NAME.de.txt; empty: NAME.txt, in English */
  char *file;
  bool partial;
  char *channel;
  struct bw_template_part part[BW_DRAFT_FIELDS];
  int colour; /* of the search for partials that include themselves */
};

struct bw_templates {
  struct bw_template **list; /* by name; partials apart from templates of the same name */
  size_t n, cap;
};

/* In a language, where there is one; else the plain one.  NULL: none. */
const struct bw_template *bw_templates_partial(const struct bw_templates *set, struct bw_str name, const char *language);
const struct bw_template *bw_templates_in(const struct bw_templates *set, struct bw_str name, const char *language);

void bw_draft_add_gap(struct bw_draft *d, struct bw_draft_gap gap);    /* takes the strings */
void bw_draft_add_fill(struct bw_draft *d, struct bw_draft_fill fill); /* takes the strings */
void bw_draft_gap_clear(struct bw_draft_gap *g);
void bw_draft_fill_clear(struct bw_draft_fill *f);
void bw_draft_copy(const struct bw_draft *d, struct bw_draft *ret);
/* Sorts gaps and fills; looks at recipients and lengths; sets complete and hash. */
void bw_draft_finish(struct bw_draft *d);

#endif
