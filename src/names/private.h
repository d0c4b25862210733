/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: names as they are understood, the tables of the fixed ones, and reading a value. */
#ifndef BW_NAMES_PRIVATE_H
#define BW_NAMES_PRIVATE_H

#include "names/env.h"

/* The first ENV_RECORDS are records of the book. */
enum root {
  R_ACCOUNT,
  R_SUBSCRIPTION,
  R_PLAN,
  R_NEXT_PLAN,
  R_CHAMPION,
  R_BUYER,
  R_SPONSOR,
  R_LEAD,
  R_TOP,
  R_TRAIT,
  R_SIGNAL,
  R_COUNT
};
enum signal_part {
  PART_ITSELF,
  PART_VALUE,
  PART_THRESHOLD,
  PART_STRENGTH,
  PART_PEAK,
  PART_OPENED,
  PART_UPDATED,
  PART_EVIDENCE
};

/* ---- the fixed names ---- */

struct name_row {
  const char *name; /* after the root and a dot; "limits.*" takes any further parts */
  enum bw_type type;
  /* NULL: the record's field of that name.  Else computes; sets ret_from->kind or leaves a missing error. */
  void (*compute)(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from);
  const char *help;
};
struct root_row {
  const char *name; /* "account"; "" for bare names */
  const struct name_row *rows;
  size_t nrows;
  const char *record; /* what kind of record supplies it: "an account record" */
};
extern const struct root_row *const bw_roots[R_TRAIT];
extern const struct root_row bw_root_account;                                           /* account.c */
extern const struct root_row bw_root_subscription, bw_root_plan, bw_root_next_plan;     /* records.c */
extern const struct root_row bw_root_champion, bw_root_economic_buyer, bw_root_sponsor; /* records.c */
extern const struct root_row bw_root_lead, bw_root_top;                                 /* lead.c */

#define COMPUTE(name)                                                                                                          \
  static void name(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from)
#define UNUSED (void)env, (void)row, (void)ret_from
#define TEXT BW_TYPE_STRING
#define NUMBER BW_TYPE_DOUBLE
#define TIME BW_TYPE_TIMESTAMP
#define ROWS(r) r, sizeof(r) / sizeof *(r)

void bw_compute_density(struct bw_env *env, const struct name_row *row, struct bw_value *ret, struct bw_provenance *ret_from);
/* For ret_from, which may be NULL: nobody asks. */
void bw_from_computed(struct bw_provenance *p, const char *how);
void bw_from_setting(struct bw_provenance *p, const char *what);
void bw_from_field(struct bw_provenance *p, const struct bw_entity *e, const char *what, const char *field);

/* ---- a name, understood ---- */

struct env_name {
  enum root root;
  const struct name_row *row; /* roots before R_TRAIT */
  uint32_t type_index;        /* R_TRAIT, R_SIGNAL: in the catalogue */
  enum signal_part part;
  enum bw_type type;
  char *key;      /* of a trait or signal; "limits.api_calls" and the like; NULL: none */
  char *rest;     /* the path within evidence */
  char *text;     /* in full */
  size_t tracked; /* its past is asked for: place in bw_names.tracked, + 1 */
};
struct tracked {
  uint32_t slot;
  bool quartile;
  int32_t days;
};
struct bw_names {
  const struct bw_catalog *catalog;
  struct env_name *items; /* by slot */
  size_t n, cap;
  struct tracked *tracked;
  size_t ntracked;
  bool judged; /* what is compiled now makes nothing that is written to a customer */
};
/* Understands a path; level bounds what may be used.  ret_used as bw_expr_env.resolve. */
int bw_name_parse(const struct bw_catalog *catalog, const struct bw_path *path, enum bw_level level, struct env_name *ret_name,
                  size_t *ret_used, struct bw_error *err);
/* All of a written name, "a.b[c]["d e"]", as a template may use it. */
int bw_name_parse_text(const struct bw_catalog *catalog, struct bw_str text, struct env_name *ret_name, struct bw_error *err);
void bw_name_clear(struct env_name *n);
/* BW_EINVAL where it is of a signal whose direction is unclear. */
int bw_name_refuse_unclear(const struct bw_catalog *catalog, const struct env_name *n, struct bw_error *err);
uint32_t bw_names_add(struct bw_names *names, struct env_name *n); /* takes n */
void bw_names_track(struct bw_names *names, uint32_t slot, bool quartile, int32_t days);

extern const struct bw_expr_function bw_name_functions[];
extern const size_t bw_name_nfunctions;
int bw_name_compared(void *ctx, const struct bw_compared *of, struct bw_error *err); /* domains.c */
/* The ctx of their checks, and of resolving. */
struct compiling {
  struct bw_names *names;
  enum bw_level level;
};

/* ---- values ---- */

/* ret_from may be NULL: then nobody looks for it. */
void bw_env_read(struct bw_env *env, const struct env_name *n, struct bw_value *ret, struct bw_provenance *ret_from);
const struct bw_entity *bw_env_record(struct bw_env *env, enum root root);
/* As bw_env_source.stage, asked once. */
int bw_env_stage(struct bw_env *env, struct bw_str *ret_why);
void bw_env_missing(struct bw_env *env, struct bw_value *ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What stands in the book where a value of a type is looked for and is none of it: "; seats is the text "lots", which is no
   number".  "" where nothing does, e is NULL, or nobody asks. */
struct bw_str bw_env_unread(struct bw_env *env, const struct bw_entity *e, const char *field, enum bw_type type);
/* Text that lives until the environment is reset. */
struct bw_str bw_env_keep(struct bw_env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
