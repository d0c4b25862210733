/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expression language of rules: a statically typed subset of CEL (the Common Expression Language).  Compiled once against
 * declared names and functions, evaluated with a bound on cost.  Knows nothing of accounts: names come from the caller.
 * Runs in core, replays and `--check`; needs no privileges.
 */
#ifndef BW_EXPR_EXPR_H
#define BW_EXPR_EXPR_H

#include "base/buf.h"
#include "base/error.h"

#define BW_EXPR_MAX_SOURCE 8192
#define BW_EXPR_MAX_DEPTH 64
#define BW_EXPR_MAX_NODES 2048
#define BW_EXPR_MAX_ARGS 16
#define BW_EXPR_MAX_PATH 16
#define BW_EXPR_MAX_LOCALS 8     /* macros inside macros */
#define BW_EXPR_MAX_STRING 65536 /* of one string made by +, in bytes */
#define BW_EXPR_MAX_WEIGHT 65536 /* of one list or map: its elements, and theirs; 32 bytes of text count as one more */
#define BW_EXPR_COST 10000       /* default bound of one evaluation, in steps */

enum bw_type {
  BW_TYPE_ERROR = 0,
  BW_TYPE_NULL,
  BW_TYPE_BOOL,
  BW_TYPE_INT,
  BW_TYPE_DOUBLE,
  BW_TYPE_STRING,
  BW_TYPE_TIMESTAMP, /* i: milliseconds UTC */
  BW_TYPE_DURATION,  /* i: milliseconds */
  BW_TYPE_RANK,      /* a step of an ordered scale: i is its place, s its name (value-journey stages); functions that give one
                        read nothing but their arguments */
  BW_TYPE_LIST,
  BW_TYPE_SIGNAL, /* names a signal, for open(); i is the caller's */
  BW_TYPE_NAME,   /* a name and not its value, given to functions that ask for one ('n'): i is its slot, s its full name */
  BW_TYPE_MAP,
  BW_TYPE_TYPE, /* what type() gives: s is CEL's name of the type, "int" */
  BW_TYPE_ANY,  /* in declarations: known only when evaluated (values of evidence, custom fields) */
  BW_TYPE_COUNT
};
/*
 * For declarations, where the elements of a list or a map are of one known type: BW_TYPE_LIST_OF(BW_TYPE_STRING).  Nests five
 * deep; a plain BW_TYPE_LIST or BW_TYPE_MAP may hold anything.  BW_TYPE_KIND() takes the outermost type of it.
 */
#define BW_TYPE_LIST_OF(element) ((enum bw_type)((unsigned)BW_TYPE_LIST | (unsigned)(element) << 5))
#define BW_TYPE_MAP_OF(key, value) ((enum bw_type)((unsigned)BW_TYPE_MAP | (unsigned)(key) << 5 | (unsigned)(value) << 10))
#define BW_TYPE_KIND(type) ((enum bw_type)((unsigned)(type)&31u))
/* In words for people: "whole number". */
const char *bw_type_name(enum bw_type type);

enum bw_value_error {
  BW_VALUE_MISSING = 1, /* s names what is missing */
  BW_VALUE_BAD_TYPE,
  BW_VALUE_OVERFLOW,
  BW_VALUE_DIVISION_BY_ZERO,
  BW_VALUE_BAD_ARGUMENT,
  BW_VALUE_COST
};

struct bw_value {
  enum bw_type type;
  union {
    bool b;
    int64_t i; /* INT, TIMESTAMP, DURATION, RANK, SIGNAL, NAME; ERROR: enum bw_value_error */
    double d;
    struct {
      const struct bw_value *items; /* MAP: a key, its value, the next key, ... */
      size_t n;                     /* MAP: pairs */
    } list;                         /* LIST, MAP */
  };
  struct bw_str s; /* STRING, RANK, SIGNAL, NAME, TYPE; ERROR: what is missing, or the message; LIST, MAP: leave it zero */
};

static inline struct bw_value bw_value_bool(bool b)
{
  return (struct bw_value){.type = BW_TYPE_BOOL, .b = b};
}
static inline struct bw_value bw_value_int(int64_t i)
{
  return (struct bw_value){.type = BW_TYPE_INT, .i = i};
}
static inline struct bw_value bw_value_double(double d)
{
  return (struct bw_value){.type = BW_TYPE_DOUBLE, .d = d};
}
static inline struct bw_value bw_value_string(struct bw_str s)
{
  return (struct bw_value){.type = BW_TYPE_STRING, .s = s};
}
static inline struct bw_value bw_value_time(int64_t ms)
{
  return (struct bw_value){.type = BW_TYPE_TIMESTAMP, .i = ms};
}
static inline struct bw_value bw_value_duration(int64_t ms)
{
  return (struct bw_value){.type = BW_TYPE_DURATION, .i = ms};
}
static inline struct bw_value bw_value_error(enum bw_value_error e, struct bw_str s)
{
  return (struct bw_value){.type = BW_TYPE_ERROR, .i = e, .s = s};
}
/* For people: numbers with thousands separators, times as dates where midnight, durations in days, strings in quotes. */
void bw_value_text(struct bw_buf *out, const struct bw_value *v);
/* For machines.  Errors are null; durations are seconds with "s" (as CEL writes them in JSON); ranks are their names. */
void bw_value_json(struct bw_buf *out, const struct bw_value *v);

/* ---- the environment: what names and functions there are -------------------------------------------------------------- */

/* A dotted name with constant keys, in parts: trait.usage.resource_ratio["api_calls"] has four. */
struct bw_path {
  struct bw_str part[BW_EXPR_MAX_PATH];
  size_t n;
};

struct bw_eval;
/* Arguments have the declared types and are no errors.  ret may be an error. */
typedef void (*bw_expr_call)(struct bw_eval *ev, const struct bw_value *args, size_t nargs, struct bw_value *ret);

struct bw_expr_function {
  const char *name;
  const char *args; /* a letter each: b bool, i int, d double, s string, t timestamp, u duration, r rank, l list, m map, g
                       signal, a any, n a name: quartile(trait.x) is given the name itself, whatever its type, and its value is
                       not read; the last with '+': one or more of it.  Overloads of one function agree where 'n' stands. */
  enum bw_type result;
  bw_expr_call call;
  /* Checks constant arguments (stage("frist_results")) and names when compiling; may be NULL.  BW_EINVAL with a message. */
  int (*check)(void *ctx, const struct bw_value *args, size_t nargs, struct bw_error *err);
  const char *help;
};

/* A name, or a function of one, that is compared with a constant. */
struct bw_compared {
  struct bw_str name;                      /* "account.health", "quartile(trait.usage.dau_mau)" */
  const struct bw_expr_function *function; /* NULL: the name itself */
  uint32_t slot;                           /* of the name */
  const char *op;                          /* == != < <= > >= with the name on the left; "in": == with an element of a list */
  struct bw_value with;
};

struct bw_expr_env {
  void *ctx;
  /* Gives a name its type and a slot, by which evaluation asks for its value.  Several full names may be read from one path,
     the longest that resolves is taken; *ret_used is how many parts it took (what follows is taken out of a map).  *ret_type
     may be a BW_TYPE_LIST_OF() or BW_TYPE_MAP_OF().  BW_ENOTFOUND with a message that says what would
     be right. */
  int (*resolve)(void *ctx, const struct bw_path *path, enum bw_type *ret_type, uint32_t *ret_slot, size_t *ret_used,
                 struct bw_error *err);
  const struct bw_expr_function *functions; /* beside the built-in ones */
  size_t nfunctions;
  /* May be NULL.  BW_EINVAL with a message for a comparison that holds for no value of the name, or for every one. */
  int (*compare)(void *ctx, const struct bw_compared *of, struct bw_error *err);
};
extern const struct bw_expr_function bw_expr_builtins[];
extern const size_t bw_expr_nbuiltins;

/* ---- compiling ---------------------------------------------------------------------------------------------------------- */

struct bw_expr;
struct bw_expr_position {
  uint32_t line, column; /* from 1, within the source; columns count bytes */
};
/*
 * want: the type that the expression must have (an int is accepted for a double), or BW_TYPE_ANY.  env and source need not
 * outlive the call; the functions must.  BW_EINVAL or BW_ELIMIT with a message, and ret_position where it went wrong.
 */
int bw_expr_compile(struct bw_str source, const struct bw_expr_env *env, enum bw_type want, struct bw_expr **ret_expr,
                    struct bw_expr_position *ret_position, struct bw_error *err);
void bw_expr_free(struct bw_expr **e);
enum bw_type bw_expr_type(const struct bw_expr *e); /* without the types of elements */
struct bw_str bw_expr_source(const struct bw_expr *e);
/* As understood: every operator with its brackets. */
void bw_expr_text(struct bw_buf *out, const struct bw_expr *e);
/* The i-th distinct name used, in order of appearance; false past the end. */
bool bw_expr_name_at(const struct bw_expr *e, size_t i, struct bw_str *ret_name, uint32_t *ret_slot, enum bw_type *ret_type);
/* The constant where the whole expression is one; else NULL. */
const struct bw_value *bw_expr_constant(const struct bw_expr *e);

/* ---- evaluating --------------------------------------------------------------------------------------------------------- */

/* A value that an evaluation read, or what a function made of a name: name is then the call, "quartile(trait.x)", and slot
   that of its first name. */
struct bw_leaf {
  struct bw_str name;
  uint32_t slot;
  struct bw_value value; /* may be a missing error */
};

/* Zero it, set ctx and lookup; reuse it; bw_eval_clear() at the end. */
struct bw_eval {
  void *ctx;
  /* The value of a slot, or bw_value_error(BW_VALUE_MISSING, what).  Strings must live until bw_eval_reset(). */
  void (*lookup)(void *ctx, uint32_t slot, struct bw_str name, struct bw_value *ret);
  uint32_t cost_limit; /* 0: BW_EXPR_COST */
  bool collect;        /* keep the leaves */
  /* results and private state */
  uint32_t cost;
  struct bw_leaf *leaves;
  size_t nleaves, leaves_cap;
  struct bw_eval_chunk *arena;
  struct bw_value *locals;
};
/* One thread at a time evaluates an expression.  Never fails otherwise than by an error value; ret's strings live until
   bw_eval_reset().  Collected leaves add up, each name once, until bw_eval_reset(). */
void bw_expr_eval(const struct bw_expr *e, struct bw_eval *ev, struct bw_value *ret);
void bw_eval_reset(struct bw_eval *ev);
void bw_eval_clear(struct bw_eval *ev);
/* Memory that lives until bw_eval_reset(), for functions and lookups. */
void *bw_eval_alloc(struct bw_eval *ev, size_t size);

#endif
