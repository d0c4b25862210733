/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mustache: text compiled once, rendered against a view that the caller answers for.  The core of the Mustache
 * specification (variables, unescaped, sections, inverted, comments, partials, delimiters), plus filters inside a tag
 * ({{account.acv|money}}, and {{#days|positive}} or {{#users|from:5}} for sections), plus a strict mode in which a missing
 * value never becomes a blank.
 */
#ifndef BW_DRAFTS_MUSTACHE_H
#define BW_DRAFTS_MUSTACHE_H

#include "base/buf.h"
#include "base/error.h"

/* ---- views: where values come from -------------------------------------- */

enum bw_view_type {
  BW_VIEW_NONE,    /* this view does not know the name's first part: the enclosing view is asked */
  BW_VIEW_MISSING, /* the name belongs here and has no value now: the search ends */
  BW_VIEW_FALSE,
  BW_VIEW_TRUE, /* prints as "true"; a section runs once */
  BW_VIEW_TEXT,
  BW_VIEW_NUMBER, /* 0 prints as 0, and a section over it does not run: "if there are any" */
  BW_VIEW_TIME,   /* `time`; prints as its date */
  BW_VIEW_MAP,    /* `view`; a section runs once with it as the innermost view */
  BW_VIEW_LIST    /* `list`; a section runs for every item; empty counts as missing */
};

struct bw_view_value;

/* Answers names.  Borrowed: ctx must live until the render returns. */
struct bw_view {
  /* Fills ret (zeroed before the call) for a dotted name ("account.acv").  Never fails: what cannot be read is MISSING. */
  void (*lookup)(void *ctx, struct bw_str name, struct bw_view_value *ret);
  void *ctx;
};

/* Strings are borrowed and need to stay valid until the next lookup on any view; sub-views and lists until the render returns.
 */
struct bw_view_value {
  enum bw_view_type type;
  struct bw_str text;  /* TEXT; for NUMBER optionally the digits to print (else the shortest that reads back) */
  double number;       /* NUMBER */
  int64_t time;        /* TIME: ms UTC */
  struct bw_str unit;  /* NUMBER: an ISO 4217 currency code where it is money; may be empty */
  struct bw_view view; /* MAP */
  size_t nitems;       /* LIST */
  void (*item)(void *ctx, size_t i, struct bw_view_value *ret); /* LIST; i < nitems */
  void *item_ctx;
  struct bw_str provenance; /* JSON, opaque here: which record said so; may be empty */
  struct bw_str hint;       /* MISSING: which record would supply it, for a person; may be empty */
};

/* ---- compile ------------------------------------------------------------ */

#define BW_MUSTACHE_MAX_TEXT (256 * 1024) /* bytes of one template */
#define BW_MUSTACHE_MAX_DEPTH 32          /* sections within sections; partials within partials */
#define BW_MUSTACHE_MAX_NODES 20000
#define BW_MUSTACHE_MAX_NAME 200     /* bytes of a name */
#define BW_MUSTACHE_MAX_STEPS 200000 /* nodes visited by one render: loops of loops end here */

struct bw_mustache; /* compiled; owns copies of its text; immutable */

/* From 1; columns count bytes. */
struct bw_mustache_where {
  uint32_t line, column;
};

/*
 * On failure (BW_EINVAL, BW_ELIMIT) err says what is wrong and what would be right, without the position, which goes to
 * ret_where (may be NULL; otherwise untouched).
 */
int bw_mustache_compile(struct bw_str text, struct bw_mustache **ret_tmpl, struct bw_mustache_where *ret_where,
                        struct bw_error *err);
void bw_mustache_free(struct bw_mustache **tmpl);

/* The latter two are variables whose first filter takes nothing but a number, or a day. */
enum bw_mustache_use {
  BW_MUSTACHE_VARIABLE,
  BW_MUSTACHE_SECTION,
  BW_MUSTACHE_INVERTED,
  BW_MUSTACHE_PARTIAL,
  BW_MUSTACHE_NUMBER,
  BW_MUSTACHE_DAY
};
static inline bool bw_mustache_is_variable(enum bw_mustache_use use)
{
  return use == BW_MUSTACHE_VARIABLE || use >= BW_MUSTACHE_NUMBER;
}
/* Every name that the template uses, in order; true while there is one: for (i = 0; bw_mustache_next_name(t, &i, ...);) */
bool bw_mustache_next_name(const struct bw_mustache *tmpl, size_t *i, struct bw_str *ret_name, enum bw_mustache_use *ret_use,
                           struct bw_mustache_where *ret_where);

/* ---- render ------------------------------------------------------------- */

/* One tag that was filled in, or could not be. */
struct bw_mustache_note {
  bool missing;
  struct bw_str name;       /* as in the tag, without filters */
  struct bw_str raw;        /* the value before filters and cleaning; empty where missing */
  struct bw_str shown;      /* what stands in the output */
  size_t offset;            /* of shown, in bytes from the start of this render's output */
  struct bw_str provenance; /* the resolver's */
  struct bw_str hint;       /* the resolver's, where missing */
  const char *reason;       /* where missing although there is a value ("is not a number"); else NULL */
};

struct bw_locale; /* drafts/locale.h */

struct bw_mustache_options {
  bool html;   /* escape & < > " in {{name}}; never in {{{name}}} */
  bool strict; /* a missing or blank variable prints as a marker and is noted */
  /* Values become one line of clean text: controls and line breaks become a space, bidirectional controls and invalid bytes
     go, marker brackets become plain ones.  Templates are not touched, but for a full stop (or , ; : ! ?) with which the value
     before it has ended already. */
  bool clean;
  size_t max_value;               /* bytes; 0: no limit.  A longer value counts as missing: a person has to shorten it */
  size_t max_output;              /* bytes; 0: 1 MiB */
  const char *currency;           /* ISO 4217, for |money where the value has no unit; NULL: none, digits only */
  const struct bw_locale *locale; /* how numbers and money are written; NULL: neutral English */
  const struct bw_locale *words;  /* of the text's own language: months and plurals; NULL: neutral English */
  const struct bw_mustache *(*partial)(void *ctx, struct bw_str name); /* NULL result: prints nothing, strict: an error */
  void (*note)(void *ctx, const struct bw_mustache_note *note);        /* borrowed for the call; may be NULL */
  void *ctx;
};

#define BW_MISSING_OPEN "\xE2\x9F\xA6"  /* U+27E6 */
#define BW_MISSING_CLOSE "\xE2\x9F\xA7" /* U+27E7 */

/*
 * Appends to out.  On failure (BW_ELIMIT: depth, steps or output; BW_EINVAL: unknown partial in strict mode) out is as it was
 * before.  Everything is bounded; nothing in a value is ever read as a tag.
 */
int bw_mustache_render(const struct bw_mustache *tmpl, const struct bw_view *view, const struct bw_mustache_options *options,
                       struct bw_buf *out, struct bw_error *err);

#endif
