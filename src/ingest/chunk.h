/* SPDX-License-Identifier: Apache-2.0 */
/* A file as a sequence of chunks of whole lines, and their parsing.  Of no interest outside of this room. */
#ifndef BW_INGEST_CHUNK_H
#define BW_INGEST_CHUNK_H

#include "base/buf.h"
#include "ingest/csv.h"
#include "ingest/input.h"
#include "ingest/reader.h"

#define BW_CHUNK_REJECTS 1000 /* kept with their reasons; the others are counted */

struct bw_reject {
  uint64_t line; /* JSONL: within the chunk, from 0; CSV: of the file */
  struct bw_str text, reason;
  enum bw_code code;
};

enum bw_chunk_state { BW_CHUNK_FREE, BW_CHUNK_BUSY, BW_CHUNK_READY };

struct bw_chunk {
  struct bw_chunk *next;
  enum bw_chunk_state state; /* under the reader's lock */
  char *raw;                 /* capacity, and room behind it for a last '\n' and BW_JSON_PADDING */
  size_t len;
  bool csv;
  struct bw_event_batch *batch;
  struct bw_reject *rejects;
  size_t nrejects, rejects_cap;
  uint64_t rejected, lines, doubtful;
  struct bw_str doubt;    /* the first of the doubtful cells: its place and text; of the batch */
  struct bw_error failed; /* code != 0: the file ends here, with this */
};

enum bw_format { BW_FORMAT_JSONL, BW_FORMAT_CSV, BW_FORMAT_EMPTY };

struct bw_source {
  char *path;
  size_t index; /* as named by the caller */
  enum bw_format format;
  int64_t first_ms; /* of its first good record; BW_TIME_NONE where none was found near its start */
  struct bw_input *input;
  struct bw_buf carry; /* read, and not yet in a chunk */
  struct bw_csv *csv;
  bool opened_before, skipping; /* skipping: within a line that is too long */
  struct bw_chunk *filling;     /* for the CSV callback */

  /* under the reader's lock */
  bool busy, at_end;
  struct bw_chunk *head, *tail; /* in order */
  size_t ahead;
  uint64_t line_base; /* lines before the head chunk */
  size_t pos;         /* records of the head chunk that were given out */
};

/* How the lines are read: what an export holds besides what people send, is known. */
struct bw_event_options bw_chunk_options(const struct bw_reader_options *options);
struct bw_chunk *bw_chunk_new(size_t chunk_bytes);
void bw_chunk_free(struct bw_chunk **chunk);
void bw_chunk_reset(struct bw_chunk *chunk);

/* Opens, tells the format, finds first_ms.  Large numbers of files are not kept open. */
int bw_source_open(struct bw_source *s, const char *path, const struct bw_reader_options *options, bool keep_open,
                   struct bw_error *err);
void bw_source_clear(struct bw_source *s);
/* The next lines (CSV: parsed as well, for its rows cannot be told apart from outside).  True at the end of the file. */
bool bw_source_fill(struct bw_source *s, const struct bw_reader_options *options, struct bw_chunk *chunk);
/* JSONL: the lines into records. */
void bw_chunk_parse(struct bw_chunk *chunk, struct bw_event_parser *parser, bool sort);

#endif
