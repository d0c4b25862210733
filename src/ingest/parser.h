/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the event parser share; of no interest outside of this room. */
#ifndef BW_INGEST_PARSER_H
#define BW_INGEST_PARSER_H

#include "ingest/arena.h"
#include "ingest/json.h"
#include "ingest/segment.h"

/* ---- keys, as they are learned ---- */

/* Values that have a place of their own in a record, or decide about it. */
enum bw_slot {
  BW_SLOT_TYPE,
  BW_SLOT_MESSAGE_ID,
  BW_SLOT_TIMESTAMP,
  BW_SLOT_ORIGINAL_TIMESTAMP,
  BW_SLOT_SENT_AT,
  BW_SLOT_RECEIVED_AT,
  BW_SLOT_WRITE_KEY,
  BW_SLOT_EVENT,
  BW_SLOT_NAME,
  BW_SLOT_USER_ID,
  BW_SLOT_ANONYMOUS_ID,
  BW_SLOT_GROUP_ID,
  BW_SLOT_ACCOUNT_ID,
  BW_SLOT_CONTEXT_GROUP_ID, /* the one that stands in "context" */
  BW_SLOT_PREVIOUS_ID,
  BW_SLOT_CONTACT_ID,
  BW_SLOT_PLAN_ID,
  BW_SLOT_SUBSCRIPTION_ID,
  BW_SLOT_OPPORTUNITY_ID,
  BW_SLOT_TICKET_ID,
  BW_SLOT_INNER_WRITE_KEY, /* a write key anywhere else: a secret, never kept */
  BW_SLOTS,
  BW_SLOT_SECTION, /* properties, traits, context: an object is expected */
  BW_SLOT_NONE     /* a field like any other */
};
#define BW_SLOT_BIT(slot) (1u << (slot))
const char *bw_slot_name(unsigned slot);

/* One key at one place ("traits" at the top; "seats" within traits). */
struct bw_key {
  uint32_t seen; /* serial of the event that it was last seen in: twice in one is a duplicate */
  uint8_t section;
  uint8_t slot;
  bool dotted; /* its own part of the name has a dot: might collide with a nested one */
  struct bw_key *parent;
  struct bw_str own;  /* the key */
  struct bw_str name; /* with those of the objects around it: "limits.api_calls" */
  uint64_t hash;
  struct bw_key *chain;
};

/* The bytes of field names, shared by a parser's keys and the batches that use them. */
struct bw_names {
  unsigned refs; /* atomic: batches are freed by other threads */
  struct bw_arena bytes;
};
struct bw_names *bw_names_hold(struct bw_names *n);
void bw_names_drop(struct bw_names **n);

#define BW_KEYS_BUCKETS 4096
#define BW_KEYS_MAX 8192 /* beyond it all are forgotten between two events, and learned anew */

struct bw_keys {
  struct bw_names *names;
  struct bw_arena memory;
  struct bw_key *root;
  struct bw_key *sections[BW_SECTION_CONTEXT + 1];
  size_t count;
  struct bw_key *buckets[BW_KEYS_BUCKETS];
};

void bw_keys_init(struct bw_keys *k, uint64_t seed);
void bw_keys_clear(struct bw_keys *k);
/* The key `own` within `parent`; made where it is new.  NULL: the dotted name is too long. */
struct bw_key *bw_keys_get(struct bw_keys *k, struct bw_key *parent, struct bw_str own);

/* ---- the shapes of events (shapes.c): senders write the same keys in the same order, again and again ---- */

#define BW_STEP_BLOCK 32 /* bytes that are compared at once */
#define BW_STEP_LEN_MAX 160
#define BW_STEP_KEYS_MAX 64    /* of an event; what lies beyond is scanned in full */
#define BW_STEPS_MAX 4096      /* beyond it nothing is learned ... */
#define BW_STEPS_MISSED 100000 /* ... until so many values came where no step led: then all is forgotten, and learned anew */
#define BW_STEP_SIBLINGS 16

enum bw_step_kind {
  BW_STEP_STRING, /* the text ends with the opening quote */
  BW_STEP_NUMBER,
  BW_STEP_OTHER, /* true, false, null, an array */
  BW_STEP_EMPTY, /* an object without members; the text ends with its '}' */
  BW_STEP_END    /* the text ends with the event's '}' */
};

/*
 * From one value of an event to the next: the bytes between them, and whose the next value is.  Steps make a trie, so that the
 * way to a step is one order of keys, which was checked when it was learned: none stands there twice, none lies too deep.
 */
struct bw_step {
  char text[BW_STEP_BLOCK]; /* `","timestamp":"`: from the end of the value before up to this one */
  uint32_t mask;            /* a bit for each byte of `text` that counts */
  uint16_t len;
  uint8_t kind;     /* enum bw_step_kind */
  uint8_t slot;     /* the key's */
  uint16_t nfields; /* before this one: its place among the fields, if it is one */
  uint16_t nkeys;   /* so far, with those of objects */
  struct bw_step *child, *sibling, *parent;
  struct bw_key *key;        /* NULL: of BW_STEP_END, and of the beginning */
  const char *rest;          /* the text beyond the block */
  uint32_t present, numeric; /* slots, once the value is there */
  uint8_t nchildren;
  uint8_t depth; /* of the objects around the value; 1: the event's own */
  bool dotted;   /* this key or one before it */
};

struct bw_shapes {
  struct bw_step *steps; /* BW_STEPS_MAX, once one was learned; the first is the beginning */
  size_t count, missed;
  struct bw_arena texts;
};

void bw_shapes_clear(struct bw_shapes *shapes);
/* The beginning of all shapes. */
struct bw_step *bw_shapes_begin(struct bw_shapes *shapes);
/* A new step behind `from`; NULL where there is no room.  like: what the caller knows of it; text is copied. */
struct bw_step *bw_shapes_add(struct bw_shapes *shapes, struct bw_step *from, struct bw_str text, const struct bw_step *like);

/* ---- a batch ---- */

#define BW_FIELDS_BLOCK 16384

struct bw_fields_block {
  struct bw_fields_block *next;
  struct bw_field fields[BW_FIELDS_BLOCK];
};

struct bw_event_batch {
  struct bw_record *records;
  size_t count, cap;
  struct bw_fields_block *first, *block; /* fields of one record never straddle blocks, and never move */
  size_t nfields;                        /* used in `block` */
  struct bw_arena text;
  struct bw_names **names;
  size_t nnames;
  struct bw_batch view;
};

/* Room for the fields of one more record (BW_RECORD_MAX_FIELDS). */
struct bw_field *bw_event_batch_fields(struct bw_event_batch *b);
/* Where the next record goes, to be filled in place (all members: what stands there is of an older one); its fields were
   written to bw_event_batch_fields().  It counts once it is taken. */
struct bw_record *bw_event_batch_room(struct bw_event_batch *b);
void bw_event_batch_taken(struct bw_event_batch *b);
/* The records' field names are among these. */
void bw_event_batch_use(struct bw_event_batch *b, struct bw_names *names);
/* Back to an earlier number of records. */
void bw_event_batch_truncate(struct bw_event_batch *b, size_t count);

/* ---- the parser ---- */

struct bw_event_parser {
  struct bw_event_options options;
  struct bw_keys keys;
  struct bw_shapes shapes;
  struct bw_event_batch *own, *batch;

  /* the event at hand */
  const char *start;
  bool newlines; /* '\n' is whitespace (a body), or ends the text (a line) */
  bool merging;  /* a body's context is laid under the event's */
  uint32_t serial;
  uint32_t present; /* BW_SLOT_BITs */
  uint32_t empty;   /* of those, without text */
  uint32_t numeric; /* of those, written as numbers */
  struct bw_str slots[BW_SLOTS];
  struct bw_field *fields;
  uint32_t nfields, nkeys;
  bool check_names;          /* a key with a dot was seen */
  struct bw_json_error hard; /* the text cannot be followed any further */
  struct bw_json_error soft; /* the first thing that refuses this event alone */
  const struct bw_key *soft_key;

  /* what is remembered from event to event */
  char day_text[10];
  int64_t day_ms;

  /* a body's own */
  struct bw_str body_context; /* the object, raw */
  struct bw_str body_sent_at;
  uint32_t body_kind;
};

/* ---- scan.c and shapes.c, to each other ---- */

/* Where a scan stands: behind a value, or at the '{' of all. */
struct bw_place {
  const char *from;      /* behind the value; a string's closing quote belongs to what follows */
  struct bw_key *object; /* whose members are next */
  int depth;             /* of it; 1 is the outermost */
  struct bw_step *step;  /* that led here; NULL: nothing is learned */
};
/* As far as steps lead.  True: to the event's end, which is at->from. */
bool bw_shapes_follow(struct bw_event_parser *p, struct bw_place *at);
/* Makes it as if the steps up to t had been scanned in full. */
void bw_shapes_arrive(struct bw_event_parser *p, const struct bw_step *t);
/* The value of k at s (a string's first byte), into its slot or field.  The byte behind it, or NULL with p->hard filled. */
const char *bw_scan_string(struct bw_event_parser *p, const struct bw_key *k, const char *s);
const char *bw_scan_number(struct bw_event_parser *p, const struct bw_key *k, const char *s);
const char *bw_scan_other(struct bw_event_parser *p, const struct bw_key *k, const char *s, int depth);

/* Scans the object at `at`; its values are in slots and fields.  0 with *ret_end behind it, or negative with p->hard filled.
   p->soft may be set in both cases. */
int bw_scan_event(struct bw_event_parser *p, const char *at, const char **ret_end);
/* Lays an object under the event's context: what the event has itself, stays. */
int bw_scan_context(struct bw_event_parser *p, const char *at, const char **ret_end);
/* Makes the record of what was scanned; text is the event's raw bytes. */
int bw_event_finish(struct bw_event_parser *p, struct bw_str text, struct bw_error *err);
/* err from a hard or soft error: "byte 17: ..." */
int bw_event_refuse(const struct bw_event_parser *p, const struct bw_json_error *e, struct bw_error *err);

#endif
