/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a request's body to what is sent to core.  Runs in web, on what strangers send; no privileges.  Needs no
 * connection, so that it can be fuzzed and measured alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "ingest/segment.h"
#include "web/internal.h"

#define ERRORS_SHOWN 10
#define REJECTS_BYTES (8u << 20) /* of one request's frame; beyond, texts are left out */

struct bw_body_reader {
  const struct bw_web_config *config;
  struct bw_event_parser *parser;
  struct bw_batch_writer writer;
  struct bw_buf inflated, batch;
};

/* What the callback of the parser needs. */
struct refusal {
  struct bw_body_result *result;
  struct bw_str source;
};

struct bw_body_reader *bw_body_reader_new(const struct bw_web_config *config)
{
  struct bw_body_reader *r = bw_alloc(sizeof *r);
  struct bw_event_options options = {.seed = bw_hash_seed(), .arrival_ms = 0};
  r->config = config;
  r->parser = bw_event_parser_new(&options);
  return r;
}

void bw_body_reader_free(struct bw_body_reader **reader)
{
  struct bw_body_reader *r = *reader;
  if (!r)
    return;
  *reader = NULL;
  bw_event_parser_free(&r->parser);
  bw_batch_writer_clear(&r->writer);
  bw_buf_clear(&r->inflated);
  bw_buf_clear(&r->batch);
  free(r);
}

void bw_body_result_clear(struct bw_body_result *result)
{
  bw_buf_clear(&result->ingest);
  bw_buf_clear(&result->rejects);
  bw_buf_clear(&result->errors);
  memset(result, 0, sizeof *result);
}

/* ---- what is refused ---- */

static void keep_reject(struct bw_body_result *result, struct bw_str source, const char *where, struct bw_str text,
                        const char *why)
{
  struct bw_reject r = {source, bw_str(where), bw_str(why), text};
  if (result->rejected > BW_CONTROL_REJECTS)
    return;
  if (result->rejects.len > REJECTS_BYTES)
    r.text = bw_str_n("", 0);
  bw_reject_add(&result->rejects, &r);
}

static void on_rejected(void *ctx, size_t index, struct bw_str text, const struct bw_error *why)
{
  const struct refusal *f = ctx;
  struct bw_body_result *result = f->result;
  char where[40];
  result->rejected++;
  snprintf(where, sizeof where, "batch[%zu]", index);
  keep_reject(result, f->source, where, text, why->message);
  if (result->rejected > ERRORS_SHOWN)
    return;
  if (result->errors.len == 0)
    bw_json_open(&result->errors, '[');
  bw_json_open(&result->errors, '{');
  bw_json_key(&result->errors, "index");
  bw_json_int(&result->errors, (int64_t)index);
  bw_json_key(&result->errors, "error");
  bw_json_cstr(&result->errors, why->message);
  bw_json_close(&result->errors, '}');
}

static int malformed(struct bw_body_result *result, const struct bw_web_key *key, struct bw_str body,
                     const struct bw_error *err)
{
  if (key) {
    result->rejected++;
    keep_reject(result, bw_str(key->source), "body", body, err ? err->message : "malformed");
  }
  return 400;
}

/* ---- steps ---- */

static int unpack(struct bw_body_reader *r, struct bw_str *body, struct bw_body_result *result, struct bw_error *err)
{
  int rc = 0;
  if (body->len > (uint64_t)r->config->max_batch)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "the body has %zu bytes; at most %lld are taken: send smaller batches",
                   (size_t)body->len, (long long)r->config->max_batch);
  if (bw_packed_kind(*body) != BW_PACKED_NONE) {
    rc = bw_inflate(*body, (size_t)r->config->max_inflated, r->config->max_ratio, &r->inflated, err);
    if (rc == 0)
      *body = bw_buf_str(&r->inflated);
  }
  result->inflated = body->len;
  return rc;
}

static int parse(struct bw_body_reader *r, struct bw_str body, uint32_t kind, const struct bw_web_key *key,
                 struct bw_body_result *result, struct bw_body *ret_body, struct bw_error *err)
{
  struct refusal refusal = {result, bw_str(key ? key->source : "")};
  struct bw_body_events events = {key ? on_rejected : NULL, &refusal};
  bw_event_parser_reset(r->parser);
  bw_event_parser_source(r->parser, refusal.source);
  return bw_body_parse(body, r->parser, kind, &events, ret_body, err);
}

static int encode(struct bw_body_reader *r, int64_t now, const struct bw_web_key *key, struct bw_body_result *result,
                  struct bw_error *err)
{
  int rc;
  if (bw_event_batch_count(bw_event_parser_batch(r->parser)) == 0)
    return 0;
  rc = bw_event_batch_encode(bw_event_parser_batch(r->parser), 0, &r->writer, NULL, err);
  bw_buf_reset(&r->batch);
  bw_batch_finish(&r->writer, &r->batch); /* empties the writer, after a failure too */
  if (rc == 0)
    bw_ingest_encode(&result->ingest, now, bw_str(key->source), bw_buf_str(&r->batch));
  return rc;
}

/* A sender without a header names itself in the body: read once for that, before anything is kept under its name. */
static int identify(struct bw_body_reader *r, struct bw_str body, uint32_t kind, struct bw_body_result *result,
                    const struct bw_web_key **ret_key, struct bw_error *err)
{
  struct bw_body parsed = {0};
  if (parse(r, body, kind, NULL, result, &parsed, err))
    return 400;
  *ret_key = bw_key_find(r->config, parsed.write_key);
  if (*ret_key)
    return 0;
  (void)bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s",
                parsed.write_key.len ? "the write key is not known"
                                     : "a write key is needed: HTTP Basic user name, or \"writeKey\" in the body");
  return 401;
}

int bw_body_read(struct bw_body_reader *r, struct bw_str body, uint32_t kind, const struct bw_web_key *key, int64_t now,
                 struct bw_body_result *result, struct bw_error *err)
{
  struct bw_body parsed = {0};
  struct bw_str raw = body;
  int status;
  if (unpack(r, &body, result, err))
    return malformed(result, key, raw, err);
  bw_event_parser_arrival(r->parser, now);
  if (!key) {
    status = identify(r, body, kind, result, &key, err);
    if (status)
      return status;
  }
  result->key = key;
  if (parse(r, body, kind, key, result, &parsed, err) || encode(r, now, key, result, err))
    return malformed(result, key, body, err);
  result->accepted = parsed.accepted;
  return 0;
}
