/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: the compiled form of a template, and the filters. */
#ifndef BW_DRAFTS_MUSTACHE_IMPL_H
#define BW_DRAFTS_MUSTACHE_IMPL_H

#include "drafts/mustache.h"

#define BW_MUSTACHE_MAX_FILTERS 4

enum bw_mustache_node_type {
  BW_MNODE_TEXT,
  BW_MNODE_INDENT, /* a line begins: a standalone partial's indentation goes here */
  BW_MNODE_VARIABLE,
  BW_MNODE_SECTION,
  BW_MNODE_INVERTED,
  BW_MNODE_PARTIAL
};

struct bw_filter;
struct bw_locale;

struct bw_filter_use {
  const struct bw_filter *filter;
  struct bw_str arg; /* in the template's text */
};

struct bw_mustache_node {
  enum bw_mustache_node_type type;
  struct bw_str text;   /* TEXT: the bytes; others: the name */
  struct bw_str indent; /* PARTIAL */
  bool alone;           /* PARTIAL: alone on its line */
  size_t end;           /* SECTION, INVERTED: the node after the last of its content */
  bool raw;             /* VARIABLE: never escaped */
  bool positive;        /* SECTION, INVERTED: asks for a number above 0 */
  double from;          /* likewise: for one of at least so much, where it is above 0 */
  uint8_t nfilters;
  struct bw_filter_use filters[BW_MUSTACHE_MAX_FILTERS];
  struct bw_mustache_where where;
};

struct bw_mustache {
  char *text;
  struct bw_mustache_node *nodes;
  size_t n, cap;
};

/* What travels through a tag's filters. */
struct bw_filtered {
  enum bw_view_type type; /* TEXT, NUMBER, TIME, TRUE, FALSE */
  struct bw_str text;     /* TEXT; NUMBER: as written, or empty */
  double number;
  int64_t time;
  struct bw_str unit;
  const char *currency;                   /* the default; may be NULL */
  struct bw_buf *hint;                    /* of a value that cannot be written: what would help; may be NULL */
  const struct bw_locale *locale, *words; /* see bw_mustache_options; may be NULL */
};

struct bw_filter {
  const char *name;
  const char *help;
  enum bw_mustache_use takes; /* a number, a day; VARIABLE: anything */
  bool (*arg_ok)(struct bw_str arg);
  const char *arg_help;
  /* Changes *v; text goes to out (kept until the tag is done).  NULL, or why not ("is not a number"). */
  const char *(*apply)(struct bw_str arg, struct bw_filtered *v, struct bw_buf *out);
};

/* NULL where there is none. */
const struct bw_filter *bw_filter_find(struct bw_str name);
/* "abs, date, ..." */
const char *bw_filter_list(void);
/* The text of a value without filters. */
void bw_filtered_print(const struct bw_filtered *v, struct bw_buf *out);

/* One line of clean text appended to out: see bw_mustache_options.clean.  True where it differs from s. */
bool bw_text_clean(struct bw_str s, struct bw_buf *out);
/* A value that brings its own full stop ("Acme Inc.") before the template's: one is enough.  Not before an ellipsis. */
bool bw_text_doubles(struct bw_str value, struct bw_str next);
/* Nothing in it that a reader would see. */
bool bw_text_blank(struct bw_str s);

#endif
