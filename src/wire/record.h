/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one encoding of a batch of records: in the journal's blocks, between processes, and into a watcher host.
 *
 * A batch is: u8 version (1), varint count, then the records, each
 *   varint kind, svarint time - previous time, svarint arrival - previous arrival, varint offset - previous offset,
 *   lstr account, subject, name, id, varint nfields, and per field u8 section<<4|type, lstr key, lstr text, and f64
 *   number where the type is number or bool.
 * Deltas start from zero.  Offsets may be 0 until the journal gives them.
 */
#ifndef BW_WIRE_RECORD_H
#define BW_WIRE_RECORD_H

#include "base/buf.h"
#include "base/error.h"

/* Limits that every batch obeys; one that does not is refused whole. */
#define BW_BATCH_MAX_RECORDS 65536
#define BW_BATCH_MAX_BYTES (8u << 20)
#define BW_RECORD_MAX_FIELDS 512
#define BW_RECORD_MAX_BYTES (64u << 10) /* encoded; Segment's own limit for one call is 32 KiB of JSON */

/* "track" ...; NULL for a number that is no kind. */
const char *bw_kind_name(uint32_t kind);
/* BW_KIND_CUSTOM for "x.<vendor>.<kind>", BW_KIND_NONE for what is unknown. */
uint32_t bw_kind_parse(struct bw_str name);

/* ---- writing ---- */
struct bw_batch_writer {
  struct bw_buf bytes; /* the records, without the head */
  uint64_t count;
  int64_t last_time, last_arrival;
  uint64_t last_offset;
};
/* Zero the struct to begin.  Copies all of r but the hashes.  BW_ELIMIT: the record is over a limit, or the batch is full;
   nothing was added. */
int bw_batch_add(struct bw_batch_writer *w, const struct bw_record *r, struct bw_error *err);
/* Appends the finished batch to out and makes w ready for the next. */
void bw_batch_finish(struct bw_batch_writer *w, struct bw_buf *out);
void bw_batch_writer_clear(struct bw_batch_writer *w);

/* ---- reading ---- */
/* Zero to begin; owns its arrays and reuses them from batch to batch. */
struct bw_batch_reader {
  struct bw_record *records;
  struct bw_field *fields;
  size_t nrecords, records_cap;
  size_t nfields, fields_cap;
  struct bw_batch batch; /* what a plugin is given */
};
/*
 * Decodes and checks all of it.  The records borrow from `bytes` (which must outlive their use) and from the reader (until
 * its next use).  Fills the hashes under `seed`.  BW_EINVAL or BW_ELIMIT with a message on anything out of order; the
 * reader then holds nothing.
 */
int bw_batch_read(struct bw_batch_reader *r, struct bw_str bytes, uint64_t seed, struct bw_error *err);
void bw_batch_reader_clear(struct bw_batch_reader *r);

/* ---- looking into one record ---- */
/* The field, or NULL. */
const struct bw_field *bw_record_field(const struct bw_record *r, uint32_t section, const char *key);
/* The text of a string (or number) field, or the empty string. */
struct bw_str bw_record_text(const struct bw_record *r, uint32_t section, const char *key);
/* The number of a number field, or of a string that is wholly a number; or missing. */
double bw_record_number(const struct bw_record *r, uint32_t section, const char *key, double missing);
/* One JSON object, in the shape that the record came in (Segment's), for `rejected`, dead letters and tests. */
void bw_record_json(struct bw_buf *out, const struct bw_record *r);

#endif
