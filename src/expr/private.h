/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: tokens, the tree, the overloads. */
#ifndef BW_EXPR_PRIVATE_H
#define BW_EXPR_PRIVATE_H

#include "expr/expr.h"

#define MAX_TREE_DEPTH 256 /* long chains of operators nest to the left without the parser recursing */

/* ---- tokens ---- */
enum token_kind {
  T_END,
  T_IDENT,
  T_INT,
  T_DOUBLE,
  T_STRING,
  T_OP /* text is the operator */
};
struct token {
  enum token_kind kind;
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
void bw_expr_arena_free(struct chunk **arena);

struct lexer {
  struct bw_str source;
  size_t at;
  struct chunk **arena;
};
int bw_expr_lex(struct lexer *l, struct token *ret, struct bw_error *err);

/* ---- the tree ---- */
enum node_kind { N_CONST, N_NAME, N_REF, N_CALL, N_AND, N_OR, N_COND, N_HAS, N_LIST }; /* N_REF: the name itself */
struct node {
  enum node_kind kind;
  enum bw_type type;
  uint32_t at;                       /* byte offset in the source */
  uint32_t depth;                    /* of the tree below */
  struct bw_value value;             /* N_CONST */
  struct bw_path *path;              /* N_NAME, before it is resolved */
  uint32_t name;                     /* N_NAME, N_REF, N_HAS: index in names */
  struct bw_str fname;               /* N_CALL: as written, or the operator's name "_+_" */
  struct bw_str text;                /* N_CALL with names for arguments: as it is shown among the leaves */
  const struct bw_expr_function *fn; /* N_CALL: decided when compiling; NULL: by the values' types */
  struct node **args;
  uint32_t nargs;
};
struct name {
  struct bw_str text;
  uint32_t slot;
  enum bw_type type;
};
struct bw_expr {
  struct chunk *arena;
  struct bw_str source;
  struct node *root;
  struct name *names;
  size_t nnames;
  const struct bw_expr_function *functions;
  size_t nfunctions;
};

/* Compiling, shared by the parser and the checker. */
struct compiler {
  struct bw_expr *e;
  const struct bw_expr_env *env;
  struct lexer lexer;
  struct token tok;
  uint32_t depth;
  uint32_t nnodes;
  size_t error_at;
  struct bw_error *err;
};
struct node *bw_expr_parse(struct compiler *c); /* NULL: failed */
int bw_expr_check(struct compiler *c, struct node *n);
/* Remembers where it went wrong, fills the message, returns BW_EINVAL. */
int bw_expr_fail(struct compiler *c, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- overloads ---- */
/* The type that a letter of a declaration stands for. */
enum bw_type bw_expr_letter_type(char letter);
/* 0 does not fit; 1 fits with an int read as a double, or a value known only when evaluated; 2 fits exactly. */
int bw_expr_fits(const struct bw_expr_function *f, const enum bw_type *types, size_t n);
/* Calls fn(ctx, f) for each overload of a name: ours, then the environment's; stops where it returns true. */
const struct bw_expr_function *bw_expr_overload(const struct bw_expr *e, struct bw_str name, const enum bw_type *types,
                                                size_t n, int *ret_fit);
/* The display form of an operator's name: "_+_" is "+". */
const char *bw_expr_operator(struct bw_str fname);
/* The letter that the i-th argument is declared with; 0: too many. */
char bw_expr_letter(const struct bw_expr_function *f, size_t i);
void bw_expr_node_text(struct bw_buf *out, const struct bw_expr *e, const struct node *n);
bool bw_expr_value_equal(const struct bw_value *a, const struct bw_value *b);

#endif
