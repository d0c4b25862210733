/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: YAML files read into typed trees that remember where every value stood, so that every complaint can say
 * file:line:column, what is wrong and what would be right.  The only room that knows libfyaml.
 */
#ifndef BW_CONFIG_CONFIG_H
#define BW_CONFIG_CONFIG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum bw_node_type { BW_NODE_NULL, BW_NODE_BOOL, BW_NODE_NUMBER, BW_NODE_STRING, BW_NODE_LIST, BW_NODE_MAP };

/*
 * Plain scalars are typed (YAML 1.2: true, false, null, ~, numbers); quoted ones are strings.  An alias is a copy that shares
 * its items with the anchored node and stands where the alias stood.
 */
struct bw_node {
  enum bw_node_type type;
  struct bw_str text;          /* scalars: as written; NUL-terminated too */
  double number;               /* NUMBER; BOOL as 0 or 1 */
  struct bw_str key;           /* within a map */
  const struct bw_node *items; /* LIST, MAP */
  size_t nitems;
  const char *file;      /* as named by the user */
  uint32_t line, column; /* from 1; of a block ("|", ">") the first line of its text */
  uint32_t key_line, key_column;
};

/* All complaints of one check, in the order found. */
struct bw_complaints {
  struct bw_buf text; /* "file:line:column: message\n" each */
  size_t count;       /* errors */
  size_t warnings;
};
/* At a value, at its key, and a warning, which is no error.  at may be NULL: no position.  The message is one line. */
void bw_complain(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void bw_complain_key(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void bw_warn(struct bw_complaints *c, const struct bw_node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* At a position of a file that has no node: 0 for what is unknown. */
void bw_complain_at(struct bw_complaints *c, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void bw_complaints_clear(struct bw_complaints *c);
/* The first error's line, without its end; empty where there are only warnings.  Borrowed. */
struct bw_str bw_complaints_first(struct bw_complaints *c);

/* A file that looks like configuration and is not read for its ending: x.yml and x.yaml.txt are complained about; true then. */
bool bw_config_misnamed(const char *dir, const char *name, struct bw_complaints *c);

struct bw_document; /* one file; owns its nodes */
/*
 * Reads a file of at most 1 MiB, at most 64 deep, no aliases beyond 1000 nodes in all, duplicate keys refused.  Several
 * documents in a file ("---") come as the items of a LIST root where `many` (none in an empty file); without it an empty file
 * is a NULL node. Keys are text; tags and merge keys are refused.  0, or BW_EINVAL (BW_EIO: the file cannot be read) with at
 * least one complaint.
 */
int bw_document_load(const char *path, bool many, struct bw_document **ret_doc, struct bw_complaints *complaints);
int bw_document_parse(struct bw_str yaml, const char *name, bool many, struct bw_document **ret_doc,
                      struct bw_complaints *complaints);
void bw_document_free(struct bw_document **doc);
const struct bw_node *bw_document_root(const struct bw_document *doc);

const struct bw_node *bw_node_get(const struct bw_node *map, const char *key); /* NULL where there is none */
/* The same by a path: "usage_decline.threshold", whether written nested or as one key with dots; "signals[0]" is an item of a
   list.  NULL where there is none. */
const struct bw_node *bw_node_find(const struct bw_node *root, struct bw_str path);
/* "a map", "text" ...: for messages. */
const char *bw_node_type_name(enum bw_node_type type);
/* The node as JSON (numbers and booleans typed; everything else strings). */
void bw_node_json(struct bw_buf *out, const struct bw_node *node);

/* Where a byte of a scalar's text stands in its file, for whatever is written inside of values; found by reading the file once
   more.  And the offset of a place in a text, both counted from 1. */
struct bw_node bw_node_inside(const struct bw_node *at, size_t offset);
size_t bw_text_offset(struct bw_str text, uint32_t line, uint32_t column);

/* ---- option tables: one row makes the default, the check, the help ---- */
enum bw_setting_type {
  BW_SETTING_BOOL,     /* bool */
  BW_SETTING_INTEGER,  /* int64_t */
  BW_SETTING_NUMBER,   /* double */
  BW_SETTING_PERCENT,  /* double; "30%" is 0.3 */
  BW_SETTING_DURATION, /* int64_t ms; "28d" */
  BW_SETTING_SIZE,     /* int64_t bytes; "64M" */
  BW_SETTING_STRING,   /* char *, malloc'ed */
  BW_SETTING_ENUM,     /* int: index in `choices` */
  BW_SETTING_NODE      /* const struct bw_node *: checked by the caller; NULL where absent (any default_text) */
};
struct bw_setting {
  const char *name; /* dots nest */
  enum bw_setting_type type;
  size_t offset;            /* offsetof the field in the caller's struct */
  const char *default_text; /* NULL: required */
  double min, max;          /* both 0: none */
  const char *choices;      /* "shadow|pilot|live" */
  const char *help;
};
/*
 * Fills target from a map (NULL or an empty node: all defaults; a null value counts as absent); unknown keys are complained
 * about with the nearest known name.  Every field of the table is overwritten, never freed.  Returns 0, or BW_EINVAL if
 * anything was complained about; the strings are freed then, and NULL.
 */
int bw_settings_read(const struct bw_setting *table, size_t n, const struct bw_node *map, void *target,
                     struct bw_complaints *c);
void bw_settings_clear(const struct bw_setting *table, size_t n, void *target); /* frees the strings */
/* The table as man(7) text: one .TP for each row, with type, default and bounds. */
void bw_settings_help(const struct bw_setting *table, size_t n, struct bw_buf *out);

#endif
