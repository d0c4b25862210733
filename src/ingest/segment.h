/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON events (Segment's shapes, and our own types of the same kind) into records, in one strict pass.
 *
 * A parser learns the keys of its input; a batch holds what it made: records, one shared array of fields, and the bytes of
 * strings that had escapes.  Neither is locked: one thread at a time uses a parser, and one a batch.
 */
#ifndef BW_INGEST_SEGMENT_H
#define BW_INGEST_SEGMENT_H

#include "base/buf.h"
#include "base/error.h"
#include "wire/record.h"

/* Segment's limits: one call, one body (developer documentation, "HTTP API source": 32 KB and 500 KB). */
#define BW_EVENT_MAX_BYTES (32u << 10)
#define BW_BODY_MAX_BYTES (500u << 10)
#define BW_BODY_MAX_EVENTS 5000
#define BW_JSON_MAX_DEPTH 32
#define BW_ID_MAX 256        /* account, subject and message ids, bytes */
#define BW_NAME_MAX 1024     /* an event's or page's name, bytes */
#define BW_FIELD_KEY_MAX 256 /* a dotted key, bytes */
/* Bytes behind the end of a buffer that the parser may read (their content does not matter). */
#define BW_JSON_PADDING 32

/* ---- what parsing fills ---- */
struct bw_event_batch;

struct bw_event_batch *bw_event_batch_new(void);
void bw_event_batch_free(struct bw_event_batch **batch);
/* Forgets the records, keeps the memory. */
void bw_event_batch_reset(struct bw_event_batch *batch);
/* What a watcher, the book or the journal is given; valid until records are added or the batch is reset. */
const struct bw_batch *bw_event_batch_view(const struct bw_event_batch *batch);
size_t bw_event_batch_count(const struct bw_event_batch *batch);
/* The records themselves, for who completes them in place (identity). */
struct bw_record *bw_event_batch_records(struct bw_event_batch *batch);
/* Stable sort by event time; true where it was in order already. */
bool bw_event_batch_sort(struct bw_event_batch *batch);
/* Copies a string into the batch: it lives as long as the records do. */
struct bw_str bw_event_batch_keep(struct bw_event_batch *batch, struct bw_str s);
/* Adds all records from index `from` to a wire batch.  BW_ELIMIT: ret_next (may be NULL) is the first that did not fit. */
int bw_event_batch_encode(const struct bw_event_batch *batch, size_t from, struct bw_batch_writer *writer, size_t *ret_next,
                          struct bw_error *err);

/* ---- parsing ---- */
struct bw_event_parser;

struct bw_event_options {
  uint64_t seed;      /* of the records' hashes */
  int64_t arrival_ms; /* BW_TIME_NONE: replay. Arrival is then the event time, which must be given, and no clock is compared */
  uint64_t internal;  /* BW_KIND_BITs of "tick" and "fetch", which only this program makes, where they are accepted */
  struct bw_str source; /* enters the message id that is made up for events without one; borrowed */
};

/*
 * Times, with an arrival: timestamp, else originalTimestamp, else the arrival.  Where the sender's clock is off
 * (|arrival - sentAt| > 60 s) and there is an originalTimestamp (or only a timestamp), the time is
 * arrival - (sentAt - originalTimestamp), as Segment documents it ("Spec: Common fields", timestamps).  More than a day after
 * the arrival, or before 1970, is refused.
 *
 * An event without messageId gets "h:" + 128 bits of BLAKE2b over source and its raw bytes: an HTTP retry of the same bytes is
 * de-duplicated, and so are two genuine events that are equal to the byte.  Therefore this is done only for events that carry a
 * time of their own (timestamp, originalTimestamp); without one, the id stays empty and nothing is de-duplicated.  In replay
 * ids are not made up (nothing is de-duplicated there).
 */
struct bw_event_parser *bw_event_parser_new(const struct bw_event_options *options);
void bw_event_parser_free(struct bw_event_parser **parser);
/* For the next events. */
void bw_event_parser_arrival(struct bw_event_parser *parser, int64_t arrival_ms);
void bw_event_parser_source(struct bw_event_parser *parser, struct bw_str source);
/* Where the next records go: batch is borrowed.  A new parser has a batch of its own; NULL returns to it. */
void bw_event_parser_into(struct bw_event_parser *parser, struct bw_event_batch *batch);
struct bw_event_batch *bw_event_parser_batch(struct bw_event_parser *parser);
/* Resets the present batch. */
void bw_event_parser_reset(struct bw_event_parser *parser);

/*
 * One event: adds a record to the parser's batch and shows it in *ret (may be NULL; shallow copy).  The input is copied into
 * the batch.  BW_EINVAL (malformed, "byte 17: ..."; or a field missing, "track: event is missing") or BW_ELIMIT; nothing was
 * added.
 */
int bw_event_parse(struct bw_str json, struct bw_event_parser *parser, struct bw_record *ret, struct bw_error *err);

/*
 * One line of a JSONL buffer, without a copy: the records' strings point into it.  text must be followed by BW_JSON_PADDING
 * readable bytes and contain a '\n' at or behind `line`.  *ret_next is the byte behind that '\n', also on failure.
 */
int bw_event_parse_line(const char *line, struct bw_event_parser *parser, const char **ret_next, struct bw_error *err);

/* ---- HTTP bodies ---- */
struct bw_body_events {
  /* One event was refused: its index in the batch (0 for a single call), its raw text, why.  May be NULL. */
  void (*rejected)(void *ctx, size_t index, struct bw_str text, const struct bw_error *why);
  void *ctx;
};

struct bw_body {
  struct bw_str write_key; /* empty where the body has none; lives in the parser's batch */
  size_t accepted, rejected;
};

/*
 * The body of /v1/track, identify ... (kind), or of /v1/batch and /v1/import (BW_KIND_NONE): {"batch": [...], "writeKey",
 * "sentAt", "context", ...}; sentAt and context of the body hold for events that do not have their own.  Also accepted for
 * BW_KIND_NONE: a bare array of events, or one event.  `kind` is what an event without "type" is; one that names another type
 * is refused. Adds the accepted events to the parser's batch, in order.  BW_EINVAL or BW_ELIMIT: the body itself is malformed,
 * too large or holds too many events (answer 400 or 413): nothing was added.
 */
int bw_body_parse(struct bw_str body, struct bw_event_parser *parser, uint32_t kind, const struct bw_body_events *events,
                  struct bw_body *ret_body, struct bw_error *err);

#endif
