/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: tokens, the tree, static types, the overloads.  No privileges. */
#ifndef BW_EXPR_PRIVATE_H
#define BW_EXPR_PRIVATE_H

#include "expr/expr.h"

#define MAX_TREE_DEPTH 256 /* long chains of operators nest to the left without the parser recursing */

/* ---- tokens ---- */
enum token_kind {
  T_END,
  T_IDENT,
  T_QUOTED, /* `content-type`, after a dot; s is the name */
  T_INT,
  T_DOUBLE,
  T_STRING,
  T_OP /* text is the operator */
};
struct token {
  enum token_kind kind;
  bool lowest;        /* T_INT: 2^63, which only a minus before it makes a number; i is INT64_MIN */
  struct bw_str text; /* as written */
  size_t at;          /* byte offset */
  int64_t i;
  double d;
  struct bw_str s; /* T_STRING: unescaped, in the arena */
};

/* Memory of one compiled expression. */
struct chunk {
  struct chunk *next;
  size_t used, cap;
  char data[];
};
void *bw_expr_arena(struct chunk **arena, size_t size);
struct bw_str bw_expr_arena_str(struct chunk **arena, struct bw_str s);
void bw_expr_arena_free(struct chunk **arena);

struct lexer {
  struct bw_str source;
  size_t at;
  struct chunk **arena;
};
int bw_expr_lex(struct lexer *l, struct token *ret, struct bw_error *err);
int bw_expr_lex_number(struct lexer *l, struct token *t, struct bw_error *err);
int bw_expr_lex_string(struct lexer *l, struct token *t, bool raw, struct bw_error *err);
bool bw_expr_identifier(struct bw_str s);

/* ---- static types ---- */
/*
 * The kind in the low five bits; above them the code of a list's elements, or the kind of a map's keys and then the code of its
 * values.  No bits there: known only when evaluated; so a type that nests too deeply for 64 bits is merely less precise.
 */
typedef uint64_t code;
code bw_code_list(code element);
code bw_code_map(code key, code value);
code bw_code_element(code type); /* of a list; of a map its keys */
code bw_code_value(code map);
/* The narrowest type that takes both; ANY where there is none. */
code bw_code_join(code a, code b);
/* Whether values of them can be equal. */
bool bw_code_comparable(code a, code b);

/* ---- the tree ---- */
enum node_kind {
  N_CONST,
  N_NAME,
  N_REF,    /* a name, and not its value */
  N_LOCAL,  /* the variable of a macro: slot */
  N_SELECT, /* args[0].key */
  N_CALL,
  N_AND,
  N_OR,
  N_COND,
  N_HAS,
  N_LIST,
  N_MAP,  /* key, value, key, ... */
  N_MACRO /* args[0].macro(local, args[1], args[2]) */
};
struct macro;
struct regex;
/* A comparison of two doubles: nearly every gate is one, and needs no call. */
enum order { ORDER_NONE, ORDER_LESS, ORDER_LESS_EQUAL, ORDER_GREATER, ORDER_GREATER_EQUAL };
struct node {
  enum node_kind kind;
  code type;
  uint32_t at;                       /* byte offset in the source */
  uint32_t depth;                    /* of the tree below */
  uint32_t nargs;                    /* of args */
  uint32_t widen;                    /* N_CALL: bit i: argument i is an int and becomes a double */
  uint32_t name;                     /* N_NAME, N_REF, N_HAS: index in names */
  uint32_t slot;                     /* N_LOCAL, N_MACRO: of the variable */
  enum order order;                  /* N_CALL */
  bool constant;                     /* nothing in it depends on the evaluation */
  bool whole;                        /* N_CONST: a double that was written as an int */
  struct bw_value value;             /* N_CONST */
  struct bw_path *path;              /* N_NAME, before it is resolved */
  struct bw_str key;                 /* N_SELECT; N_LOCAL, N_MACRO: the variable's name */
  struct bw_str fname;               /* N_CALL: as written, or the operator's name "_+_" */
  struct bw_str text;                /* N_CALL with names for arguments: as it is shown among the leaves */
  const struct bw_expr_function *fn; /* N_CALL: decided when compiling; NULL: by the values' types, among candidates */
  const struct bw_expr_function **candidates;
  uint32_t ncandidates;
  const struct macro *macro;
  struct regex *regex; /* N_CALL of matches() with a constant pattern */
  struct node **args;
};
struct name {
  struct bw_str text;
  uint32_t slot;
  code type;
};
struct bw_expr {
  struct chunk *arena;
  struct bw_str source;
  struct node *root;
  struct name *names;
  size_t nnames;
  uint32_t nlocals; /* how deep macros nest */
  struct regex *regexes;
  const struct bw_expr_function *functions;
  size_t nfunctions;
};

/* Compiling, shared by the parser and the checker. */
struct local {
  struct bw_str name;
  code type;
};
struct compiler {
  struct bw_expr *e;
  const struct bw_expr_env *env;
  struct lexer lexer;
  struct token tok;
  uint32_t depth;
  uint32_t nnodes;
  struct local locals[BW_EXPR_MAX_LOCALS];
  uint32_t nlocals;
  struct bw_eval scratch; /* for constant arguments */
  size_t error_at;
  struct bw_error *err;
};
struct node *bw_expr_parse(struct compiler *c); /* NULL: failed */
/* NULL: too many.  depth is one more than the arguments'. */
struct node *bw_expr_node(struct compiler *c, enum node_kind kind, size_t at, struct node **args, uint32_t nargs);
int bw_expr_check(struct compiler *c, struct node *n);
int bw_expr_check_name(struct compiler *c, struct node *n);
int bw_expr_check_select(struct compiler *c, struct node *n);
int bw_expr_check_call(struct compiler *c, struct node *n);
int bw_expr_check_compare(struct compiler *c, const struct node *n);
int bw_expr_check_macro(struct compiler *c, struct node *n);
int bw_expr_want_bool(struct compiler *c, const struct node *n, const char *where);
/* Remembers where it went wrong, fills the message, returns BW_EINVAL. */
int bw_expr_fail(struct compiler *c, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What would make the pair work, "; write ..."; or "". */
const char *bw_expr_hint(enum bw_type a, enum bw_type b);

/* ---- macros ---- */
enum fold { FOLD_ALL, FOLD_EXISTS, FOLD_ONE, FOLD_FILTER, FOLD_MAP };
struct macro {
  const char *name;
  enum fold fold;
  uint32_t args; /* after the variable: 1, or 2 for map(x, condition, value) */
};
/* NULL: there is none of that name; ret_nargs: how many arguments with the variable it takes otherwise. */
const struct macro *bw_expr_macro(struct bw_str name, uint32_t nargs, bool *ret_exists);

/* ---- overloads ---- */
/* The type that a letter of a declaration stands for. */
enum bw_type bw_expr_letter_type(char letter);
/* The letter that the i-th argument is declared with; 0: too many. */
char bw_expr_letter(const struct bw_expr_function *f, size_t i);
/* 0 does not fit; 1 fits with an int read as a double, or a value known only when evaluated; 2 fits exactly. */
int bw_expr_fits(const struct bw_expr_function *f, const enum bw_type *types, size_t n);
/* The best of the list for these types; NULL: none fits. */
const struct bw_expr_function *bw_expr_best(const struct bw_expr_function *const *list, size_t count, const enum bw_type *types,
                                            size_t n, int *ret_fit);
/* The display form of an operator's name: "_+_" is "+". */
const char *bw_expr_operator(struct bw_str fname);
void bw_expr_node_text(struct bw_buf *out, const struct bw_expr *e, const struct node *n);
/* The same, as a leaf of the evaluation is called: "quartile(trait.x)"; lives as long as the expression. */
struct bw_str bw_expr_call_text(struct compiler *c, const struct node *n);
/* CEL's name of a type; the type of that name, or BW_TYPE_ERROR. */
const char *bw_expr_cel_name(enum bw_type type);
enum bw_type bw_expr_cel_type(struct bw_str name);

/* ---- evaluating ---- */
void bw_expr_run(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret);
void bw_expr_run_macro(const struct bw_expr *e, struct bw_eval *ev, const struct node *n, struct bw_value *ret);
void bw_expr_run_select(struct bw_eval *ev, const struct bw_value *from, struct bw_str key, struct bw_value *ret);
/* Adds to the cost; false, with the error in ret, where that is more than the evaluation may take. */
bool bw_expr_pay(struct bw_eval *ev, size_t steps, struct bw_value *ret);
/* Elements and theirs, at least 1. */
size_t bw_expr_weight(const struct bw_value *v);
/* A list or a map (n: pairs) of items in the evaluation's memory; an error where it is too large, or has a key twice. */
void bw_expr_make_list(struct bw_eval *ev, const struct bw_value *items, size_t n, struct bw_value *ret);
void bw_expr_make_map(struct bw_eval *ev, const struct bw_value *items, size_t n, struct bw_value *ret);
bool bw_expr_value_equal(const struct bw_value *a, const struct bw_value *b);
/* -1, 0, 1; 2 where not ordered (NaN, or types that have no order). */
int bw_expr_value_order(const struct bw_value *a, const struct bw_value *b);

/* ---- regular expressions: RE2's, through PCRE2 ---- */
int bw_regex_new(struct bw_str pattern, struct regex **ret, struct bw_error *err);
void bw_regex_free(struct regex **list); /* and all that follow it */
void bw_regex_chain(struct regex **list, struct regex *r);
void bw_regex_match(const struct regex *r, struct bw_eval *ev, struct bw_str subject, struct bw_value *ret);
void bw_expr_matches(struct bw_eval *ev, const struct bw_value *a, size_t n, struct bw_value *r);

/* ---- the built-in functions, in one table (builtins.c) from several files ---- */
#define FN(name) void name(struct bw_eval *ev, const struct bw_value *a, size_t n, struct bw_value *r)
#define UNUSED (void)ev, (void)n
FN(bw_expr_add_ii);
FN(bw_expr_sub_ii);
FN(bw_expr_mul_ii);
FN(bw_expr_div_ii);
FN(bw_expr_mod_ii);
FN(bw_expr_add_dd);
FN(bw_expr_sub_dd);
FN(bw_expr_mul_dd);
FN(bw_expr_div_dd);
FN(bw_expr_neg_i);
FN(bw_expr_neg_d);
FN(bw_expr_not_b);
FN(bw_expr_less);
FN(bw_expr_less_equal);
FN(bw_expr_greater);
FN(bw_expr_greater_equal);
FN(bw_expr_ceil_d);
FN(bw_expr_floor_d);
FN(bw_expr_round_d);
FN(bw_expr_abs_d);
FN(bw_expr_abs_i);
FN(bw_expr_min_n);
FN(bw_expr_max_n);
FN(bw_expr_equal);
FN(bw_expr_not_equal);
FN(bw_expr_in_list);
FN(bw_expr_in_map);
FN(bw_expr_index_list);
FN(bw_expr_index_map);
FN(bw_expr_add_lists);
FN(bw_expr_size_list);
FN(bw_expr_add_texts);
FN(bw_expr_size_text);
FN(bw_expr_starts_with);
FN(bw_expr_ends_with);
FN(bw_expr_contains);
FN(bw_expr_int_of);
FN(bw_expr_double_of);
FN(bw_expr_string_of);
FN(bw_expr_bool_of);
FN(bw_expr_type_of);
FN(bw_expr_timestamp_of);
FN(bw_expr_duration_of);
FN(bw_expr_add_time);
FN(bw_expr_sub_time);
FN(bw_expr_sub_times);
FN(bw_expr_add_duration);
FN(bw_expr_sub_duration);
FN(bw_expr_neg_duration);
FN(bw_expr_days);
FN(bw_expr_hours);
FN(bw_expr_in_days);
FN(bw_expr_full_year);
FN(bw_expr_month);
FN(bw_expr_date);
FN(bw_expr_day_of_month);
FN(bw_expr_day_of_year);
FN(bw_expr_day_of_week);
FN(bw_expr_get_hours);
FN(bw_expr_get_minutes);
FN(bw_expr_get_seconds);
FN(bw_expr_get_milliseconds);
int bw_expr_check_timestamp(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err);
int bw_expr_check_duration(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err);
int bw_expr_check_zone(void *ctx, const struct bw_value *a, size_t n, struct bw_error *err);
/* "2026-01-31T09:00:00Z"; out has room for BW_TIME_TEXT.  False: not within the years 1 to 9999. */
bool bw_expr_time_text(int64_t ms, char *out);

#endif
