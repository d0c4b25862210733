/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that brings events: checked, handed to core, and answered when core has committed.  Runs in web, on what strangers
 * send; no privileges.
 */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "web/internal.h"

#define BURST_SECONDS 10.0

/* ---- the answer, when core has spoken ---- */

/* What of core's refusals is which status: 503 and 429 make the sender try again, 500 too. */
static int status_of(enum bw_code code)
{
  static const struct {
    enum bw_code code;
    int status;
  } table[] = {{BW_OK, 200},  {BW_EAGAIN, 429}, {BW_ELIMIT, 429},   {BW_ENOSPC, 503},
               {BW_EIO, 503}, {BW_EPEER, 503},  {BW_ETIMEOUT, 503}, {BW_ESTATE, 503}};
  size_t i;
  for (i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].code == code)
      return table[i].status;
  return 500;
}

static void write_success(struct bw_buf *out, const struct bw_ask *ask)
{
  bw_json_open(out, '{');
  bw_json_key(out, "success");
  bw_json_bool(out, true);
  bw_json_key(out, "accepted");
  bw_json_int(out, (int64_t)ask->sum.accepted);
  bw_json_key(out, "duplicates");
  bw_json_int(out, (int64_t)ask->sum.duplicates);
  bw_json_key(out, "rejected");
  bw_json_int(out, (int64_t)ask->sum.rejected);
  if (ask->errors.len) {
    bw_json_key(out, "errors");
    bw_json_raw(out, bw_buf_str(&ask->errors));
  }
  bw_json_close(out, '}');
  bw_buf_add_char(out, '\n');
}

/* Nothing of it could be taken. */
static void answer_all_rejected(struct bw_ask *ask)
{
  struct bw_buf out = {0};
  bw_json_open(&out, '{');
  bw_json_key(&out, "success");
  bw_json_bool(&out, false);
  bw_json_key(&out, "error");
  bw_json_cstr(&out, ask->sum.rejected == 1 ? "the event is malformed" : "every event is malformed");
  bw_json_key(&out, "where");
  bw_json_cstr(&out, ask->route->path);
  bw_json_key(&out, "rejected");
  bw_json_int(&out, (int64_t)ask->sum.rejected);
  bw_json_key(&out, "errors");
  bw_json_raw(&out, bw_buf_str(&ask->errors));
  bw_json_close(&out, '}');
  bw_buf_add_char(&out, '\n');
  bw_answer(ask->shared, ask->req, ask->route, 400, bw_buf_str(&out));
  bw_buf_clear(&out);
}

static void answer_success(struct bw_ask *ask)
{
  struct bw_buf out = {0};
  write_success(&out, ask);
  bw_answer(ask->shared, ask->req, ask->route, 200, bw_buf_str(&out));
  bw_buf_clear(&out);
}

static void finish(struct bw_ask *ask)
{
  struct bw_web_shared *shared = ask->shared;
  int status = status_of(ask->failed.code);
  if (status == 200) {
    shared->stats.accepted += ask->sum.accepted;
    shared->stats.duplicates += ask->sum.duplicates;
    shared->stats.rejected += ask->sum.rejected;
    bw_histogram_add(&shared->stats.ack, (double)(bw_now_us() - ask->began) / 1e6);
  }
  if (ask->req) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(ask->req), NULL, NULL);
    if (status != 200)
      bw_answer_error(shared, ask->req, ask->route, status, ask->failed.message, "core");
    else if (ask->sum.accepted + ask->sum.duplicates == 0 && ask->sum.rejected && ask->errors.len)
      answer_all_rejected(ask);
    else
      answer_success(ask);
  }
  bw_ask_free(ask);
}

static void core_spoke(struct bw_web_shared *shared, int code)
{
  if (code != BW_EPEER && code != BW_ETIMEOUT)
    shared->core_seen = bw_monotonic();
}

static void part_done(struct bw_ask *ask, int code, const struct bw_error *err)
{
  core_spoke(ask->shared, code);
  if (code && !ask->failed.code)
    ask->failed = *err;
  if (--ask->waiting == 0)
    finish(ask);
}

static void on_ingested(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  struct bw_ask *ask = ctx;
  struct bw_ingested n = {0};
  struct bw_error bad;
  if (code == 0 && bw_ingested_parse(json, &n, &bad)) {
    code = bad.code;
    err = &bad;
  }
  ask->sum.accepted += n.accepted;
  ask->sum.duplicates += n.duplicates;
  ask->sum.rejected += n.rejected;
  part_done(ask, code, err);
}

static void on_rejects_kept(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  (void)json; /* how many there are, we have counted */
  part_done(ctx, code, err);
}

/* For a body that was refused as a whole: it is answered without waiting for this. */
static void on_malformed_kept(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  (void)json;
  core_spoke(ctx, code);
  if (code)
    bw_log(BW_LOG_WARN, "a malformed body could not be kept for inspection", "why=%s", BW_Q(err->message));
}

/* ---- to core ---- */

static void send_part(struct bw_ask *ask, enum bw_frame_type type, const struct bw_buf *payload, bw_control_done *done)
{
  struct bw_web_shared *shared = ask->shared;
  struct bw_error err;
  if (payload->len == 0)
    return;
  if (bw_control_client_send(shared->client, type, bw_buf_str(payload), shared->config->core_timeout, done, ask, &err)) {
    if (!ask->failed.code)
      ask->failed = err;
    return;
  }
  ask->waiting++;
  ask->bytes += payload->len;
  shared->inflight += payload->len;
}

static void hand_over(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route,
                      struct bw_body_result *result, int64_t began)
{
  struct bw_ask *ask = bw_ask_new(shared, req, route);
  ask->began = began;
  ask->sum.rejected = result->rejected;
  if (result->errors.len) {
    bw_json_close(&result->errors, ']');
    ask->errors = result->errors;
    result->errors = (struct bw_buf){0};
  }
  if (result->rejects.len)
    bw_json_close(&result->rejects, ']');
  send_part(ask, BW_FRAME_INGEST, &result->ingest, on_ingested);
  send_part(ask, BW_FRAME_REJECT, &result->rejects, on_rejects_kept);
  if (ask->waiting == 0)
    finish(ask); /* nothing to send, or core is gone */
}

static void refuse_body(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route, int status,
                        struct bw_body_result *result, const struct bw_error *err)
{
  if (result->rejects.len) {
    bw_json_close(&result->rejects, ']');
    shared->stats.rejected += result->rejected;
    (void)bw_control_client_send(shared->client, BW_FRAME_REJECT, bw_buf_str(&result->rejects), shared->config->core_timeout,
                                 on_malformed_kept, shared, NULL);
  }
  bw_answer_error(shared, req, route, status, err->message, route->path);
}

/* ---- whether to take it ---- */

static bool within_rate(struct bw_web_shared *shared, const struct bw_web_key *key, size_t events)
{
  size_t i;
  int64_t now = bw_monotonic();
  double elapsed = (double)(now - shared->tokens_at) / 1000;
  shared->tokens_at = now;
  for (i = 0; i < shared->config->nkeys; i++) {
    double rate = shared->config->keys[i].rate;
    shared->tokens[i] += elapsed * rate;
    if (shared->tokens[i] > rate * BURST_SECONDS)
      shared->tokens[i] = rate * BURST_SECONDS;
  }
  i = (size_t)(key - shared->config->keys);
  if (key->rate <= 0)
    return true;
  /* A batch larger than the whole burst passes when the bucket is full: else it never could. */
  if (shared->tokens[i] < (double)events && shared->tokens[i] < key->rate * BURST_SECONDS)
    return false;
  shared->tokens[i] -= (double)events;
  return true;
}

/* The key of the header; NULL and 0: there is no header, see the body. */
static int header_key(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_web_key **ret_key)
{
  const char *header = evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
  char user[512];
  size_t len;
  *ret_key = NULL;
  if (!header)
    return 0;
  if (bw_basic_user(header, user, &len))
    return 401;
  if (len == 0)
    return 0;
  *ret_key = bw_key_find(shared->config, bw_str_n(user, len));
  return *ret_key ? 0 : 401;
}

static int may_take(struct bw_web_shared *shared, size_t bytes, const char **ret_why)
{
  *ret_why = "the daemon is stopping; try again when it is back";
  if (shared->draining)
    return 503;
  *ret_why = "core is not there; try again later";
  if (!bw_control_client_connected(shared->client))
    return 503;
  *ret_why = "too much waits to be made durable; try again later";
  return shared->inflight + bytes > (uint64_t)shared->config->max_inflight ? 429 : 0;
}

void bw_events_take(struct bw_web_shared *shared, struct evhttp_request *req, const struct bw_route *route)
{
  struct evbuffer *in = evhttp_request_get_input_buffer(req);
  size_t bytes = evbuffer_get_length(in);
  struct bw_body_result result = {0};
  const struct bw_web_key *key;
  struct bw_error err = {0};
  int64_t began = bw_now_us();
  const char *why;
  int status = may_take(shared, bytes, &why);
  shared->stats.body_bytes += bytes;
  if (status) {
    bw_answer_error(shared, req, route, status, why, route->path);
    return;
  }
  if (header_key(shared, req, &key)) {
    bw_answer_error(shared, req, route, 401, "the write key is not known", "Authorization");
    return;
  }
  status = bw_body_read(shared->reader, bw_str_n((const char *)evbuffer_pullup(in, -1), bytes), route->kind, key,
                        bw_clock_now(shared->clock), &result, &err);
  shared->stats.inflated_bytes += result.inflated;
  if (status)
    refuse_body(shared, req, route, status, &result, &err);
  else if (!within_rate(shared, result.key, result.accepted))
    bw_answer_error(shared, req, route, 429, "more events per second than this write key may send", "rate");
  else
    hand_over(shared, req, route, &result, began);
  bw_body_result_clear(&result);
}
