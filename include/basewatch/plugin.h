/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basewatch/plugin.h - the one header that a watcher plugin needs.
 *
 * A watcher turns records into signals and traits.  It is a pure function of
 * the records it is given: no clock, no random numbers, no files, no network.
 * The same records always give the same signals, today and in a backtest.
 *
 * The binary contract
 * -------------------
 *  - One exported function, basewatch_plugin(), returns a constant descriptor.
 *  - The same BW_ABI_MAJOR is required.  Within a major, structs only ever grow
 *    at their end; whoever reads a struct copies min(its own, the declared)
 *    size into zeroed memory.  Arrays travel with a stride, for the same reason.
 *  - Only fixed-width integers, doubles, pointer + length and opaque handles
 *    cross.  JSON crosses as bytes.
 *  - Inputs are borrowed for the duration of the call.  What a plugin emits is
 *    copied before the emitting call returns.
 *  - A plugin is called from one thread, in its own sandboxed process.
 */
#ifndef BASEWATCH_PLUGIN_H
#define BASEWATCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BW_PLUGIN_MAGIC 0x62775031u /* "bwP1" */
#define BW_ABI_MAJOR 1
#define BW_ABI_MINOR 0

/* Bytes with a length; not NUL-terminated.  Text is valid UTF-8. */
struct bw_str {
  const char *data;
  uint64_t len;
};

/* ---- records ------------------------------------------------------------ */

/* What a record is.  The numbers are part of the contract and of the journal. */
enum bw_kind {
  BW_KIND_NONE = 0,
  BW_KIND_TRACK = 1,
  BW_KIND_PAGE = 2,
  BW_KIND_SCREEN = 3,
  BW_KIND_IDENTIFY = 4,
  BW_KIND_GROUP = 5,
  BW_KIND_ALIAS = 6,
  BW_KIND_ACCOUNT = 7,
  BW_KIND_CONTACT = 8,
  BW_KIND_PLAN = 9,
  BW_KIND_SUBSCRIPTION = 10,
  BW_KIND_OPPORTUNITY = 11,
  BW_KIND_ACTIVITY = 12,
  BW_KIND_TICKET = 13,
  BW_KIND_SURVEY = 14,
  BW_KIND_COMPANY = 15,
  BW_KIND_JOB = 16,
  BW_KIND_NEWS = 17,
  BW_KIND_CALENDAR = 18,
  BW_KIND_FETCH = 19,
  BW_KIND_TICK = 20,
  BW_KIND_CUSTOM = 21, /* "x.<vendor>.<kind>"; the full type is a TOP field "type" */
  BW_KIND_COUNT = 22
};
#define BW_KIND_BIT(kind) (UINT64_C(1) << (kind))

/* Where in the source document a field stood. */
enum bw_section {
  BW_SECTION_TOP = 0, /* beside "type"; ids and times that have a place of their own are not repeated */
  BW_SECTION_PROPERTIES = 1,
  BW_SECTION_TRAITS = 2,
  BW_SECTION_CONTEXT = 3
};

enum bw_value_type {
  BW_VALUE_NULL = 0,
  BW_VALUE_BOOL = 1,   /* number is 0 or 1 */
  BW_VALUE_NUMBER = 2, /* number, and text as it was written */
  BW_VALUE_STRING = 3, /* text, unescaped */
  BW_VALUE_JSON = 4    /* text is an array, as JSON */
};

/* One leaf of a record's body.  Nested objects are flattened with dots: {"a":{"b":1}} is "a.b". */
struct bw_field {
  struct bw_str key;
  struct bw_str text;
  double number;
  uint32_t section; /* enum bw_section */
  uint32_t type;    /* enum bw_value_type */
};

/*
 * One input.  The hashes are 64-bit hashes of account, subject and name under
 * the host's hash_seed: good for hash tables, never to be saved or emitted.
 */
struct bw_record {
  uint32_t kind; /* enum bw_kind */
  uint32_t nfields;
  int64_t time_ms;       /* event time, UTC, milliseconds since 1970-01-01 */
  int64_t arrival_ms;    /* when it reached us */
  uint64_t offset;       /* position in the journal, from 1, strictly increasing */
  struct bw_str account; /* empty: not resolved */
  struct bw_str subject; /* the user, contact, plan, opportunity or ticket; may be empty */
  struct bw_str name;    /* the event's or page's name; may be empty */
  struct bw_str id;      /* message id */
  uint64_t account_hash;
  uint64_t subject_hash;
  uint64_t name_hash;
  const struct bw_field *fields;
};

/* Records in journal order.  Walk with bw_batch_at(): the stride may exceed sizeof. */
struct bw_batch {
  uint32_t size;
  uint32_t stride;
  uint64_t count;
  const void *records;
};

static inline const struct bw_record *bw_batch_at(const struct bw_batch *b, uint64_t i)
{
  return (const struct bw_record *)(const void *)((const char *)b->records + i * b->stride);
}

/* ---- what a watcher says ------------------------------------------------ */

enum bw_direction {
  BW_UP = 1,
  BW_DOWN = 2,
  BW_BOTH = 3,
  BW_UNCLEAR = 4, /* a person judges; no play may draft from it */
  BW_REVIVAL = 5,
  BW_CONTEXT = 6
};

enum bw_urgency { BW_URGENCY_WATCH = 0, BW_URGENCY_LOW = 1, BW_URGENCY_MEDIUM = 2, BW_URGENCY_HIGH = 3 };

enum bw_signal_state { BW_OPENED = 1, BW_UPDATED = 2, BW_CLEARED = 3 };

/* One shift on one account.  (account, type, key) names the episode. */
struct bw_signal {
  uint32_t size;
  uint32_t type;  /* index into the descriptor's signals */
  uint32_t state; /* enum bw_signal_state */
  uint32_t reserved;
  int64_t at_ms; /* the tick or event time that it was noticed at */
  struct bw_str account;
  struct bw_str key; /* which resource, feature, department ...; empty where the type has just one */
  double value;
  double threshold;
  double strength;        /* 0..1 */
  struct bw_str evidence; /* a JSON object */
};

/* A named current value about an account.  type BW_VALUE_NULL withdraws it. */
struct bw_trait {
  uint32_t size;
  uint32_t trait; /* index into the descriptor's traits */
  uint32_t type;  /* BW_VALUE_NULL, _NUMBER or _STRING */
  uint32_t reserved;
  int64_t at_ms;
  struct bw_str account;
  struct bw_str key; /* which resource ...; empty where there is just one */
  double number;
  struct bw_str text;
};

/* For the operator, not for an owner: a feed that went quiet, a fleet-wide dip. */
struct bw_notice {
  uint32_t size;
  uint32_t severity; /* enum bw_urgency */
  int64_t at_ms;
  struct bw_str account; /* may be empty */
  struct bw_str code;    /* a short stable word: "feed_silent" */
  struct bw_str text;
};

/* ---- the host's functions ----------------------------------------------- */

/* All return 0, or a negative number after which the plugin should return from its own call. */
struct bw_host {
  uint32_t size;
  uint32_t abi_minor;
  void *ctx; /* first argument of each function */
  uint64_t hash_seed;
  int32_t (*emit_signal)(void *ctx, const struct bw_signal *signal);
  int32_t (*emit_trait)(void *ctx, const struct bw_trait *trait);
  int32_t (*emit_notice)(void *ctx, const struct bw_notice *notice);
  int32_t (*log)(void *ctx, uint32_t severity, struct bw_str text);
};

/* ---- options ------------------------------------------------------------ */

enum bw_option_type {
  BW_OPTION_BOOL = 1,
  BW_OPTION_INTEGER = 2,
  BW_OPTION_NUMBER = 3,
  BW_OPTION_PERCENT = 4,  /* "30%" or 0.3; value in number, 0.3 */
  BW_OPTION_DURATION = 5, /* "28d", "12h", "30m"; value in integer, milliseconds */
  BW_OPTION_STRING = 6,
  BW_OPTION_JSON = 7 /* any structure; value in text, as JSON, checked by open() */
};

/* One row makes the default, the check, the help and the manual page. */
struct bw_option {
  const char *name; /* "usage_decline.threshold": dots nest in the YAML */
  uint32_t type;    /* enum bw_option_type */
  uint32_t reserved;
  const char *default_text; /* as it would be written in YAML (JSON for BW_OPTION_JSON) */
  double min, max;          /* bounds for numbers, in the value's unit; both 0: none */
  const char *help;         /* one sentence, with the unit */
};

/* A checked value, in the order of the option table. */
struct bw_option_value {
  uint32_t size;
  uint32_t type;
  int64_t integer; /* BOOL, INTEGER, DURATION */
  double number;   /* NUMBER, PERCENT; also INTEGER */
  struct bw_str text;
};

/* ---- the descriptor ----------------------------------------------------- */

struct bw_signal_decl {
  const char *name; /* "seat_limit" */
  uint32_t direction;
  uint32_t urgency;
  const char *play_types; /* "seat", "usage,tier", "any", "" */
  const char *help;       /* one sentence */
};

struct bw_trait_decl {
  const char *name; /* "dau_mau"; rules see "usage.dau_mau" */
  uint32_t type;    /* BW_VALUE_NUMBER or BW_VALUE_STRING */
  uint32_t reserved;
  const char *unit; /* "users", "ratio" (1.2 is 120 %), "share" (never more than 1), "ms", "" */
  const char *help;
};

struct bw_open_args {
  uint32_t size;
  uint32_t noptions;
  const struct bw_host *host;           /* outlives the instance */
  const struct bw_option_value *values; /* noptions of them, value_stride bytes apart */
  uint64_t value_stride;
  char *error; /* room for a NUL-terminated message on failure */
  uint64_t error_size;
};

struct bw_save_args {
  uint32_t size;
  uint32_t reserved;
  void *ctx;
  int32_t (*write)(void *ctx, const void *data, uint64_t len); /* negative: stop, return it */
};

struct bw_load_args {
  uint32_t size;
  uint32_t reserved;
  void *ctx;
  int64_t (*read)(void *ctx, void *data, uint64_t cap); /* bytes read, 0 at the end, negative: failed */
  char *error;
  uint64_t error_size;
};

struct bw_plugin {
  uint32_t magic;
  uint32_t size; /* sizeof(struct bw_plugin) where the plugin was built */
  uint32_t abi_major;
  uint32_t abi_minor;
  const char *name; /* "usage": also the prefix of its traits */
  const char *version;
  const char *summary;
  uint64_t kinds; /* BW_KIND_BITs of the records wanted; ticks included if wanted */
  const struct bw_option *options;
  const struct bw_signal_decl *signals;
  const struct bw_trait_decl *traits;
  const char *const *endpoints; /* fetches wanted, by configured name; NULL-terminated, or NULL */
  uint32_t noptions, option_size;
  uint32_t nsignals, signal_size;
  uint32_t ntraits, trait_size;
  uint32_t state_version; /* of what save() writes; load() is only given its own */
  uint32_t reserved;
  /* Makes an instance.  0, or negative with a message in args->error: one that begins "option NAME: " is told at that option's
     place in the watcher's file ("option signals[0]: " at an item of a list). */
  int32_t (*open)(const struct bw_open_args *args, void **ret_self);
  /* Takes records in order.  0, or negative: the batch failed and the instance is discarded. */
  int32_t (*records)(void *self, const struct bw_batch *batch);
  /* Writes the whole state.  Called between batches only. */
  int32_t (*save)(void *self, const struct bw_save_args *args);
  /* Restores into a fresh instance of the same options. */
  int32_t (*load)(void *self, const struct bw_load_args *args);
  void (*close)(void *self);
};

#if defined(__GNUC__)
#define BW_EXPORT __attribute__((visibility("default")))
#else
#define BW_EXPORT
#endif

/* The one exported symbol. */
BW_EXPORT const struct bw_plugin *basewatch_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
