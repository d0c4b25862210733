/* SPDX-License-Identifier: Apache-2.0 */
/* Watchers of a replay.  Runs in the command line; a hosted watcher runs in its own sandboxed process. */
#include "replay/runner.h"

#include <stdlib.h>

#include "host/instance.h"
#include "watch/hosted.h"

struct bw_runner {
  const struct bw_watcher_setup *watcher;
  const char *host_exe;
  uint64_t seed;
  struct bw_instance *instance;
  struct bw_hosted *hosted;
  struct bw_batch_writer writer;
  struct bw_buf encoded;
};

static int start(struct bw_runner *r, struct bw_error *err)
{
  const struct bw_hosted_options options = {.memory_bytes = (uint64_t)r->watcher->memory_bytes,
                                            .deadline_ms = r->watcher->deadline_ms};
  struct bw_str config = bw_str(r->watcher->options);
  if (r->host_exe)
    return bw_hosted_open(r->host_exe, r->watcher->path, config, r->seed, &options, &r->hosted, err);
  return bw_instance_open(r->watcher->path, config, r->seed, &r->instance, err);
}

int bw_runner_open(const struct bw_watcher_setup *watcher, const char *host_exe, uint64_t seed, struct bw_runner **ret,
                   struct bw_error *err)
{
  struct bw_runner *r = bw_alloc(sizeof *r);
  int rc;
  r->watcher = watcher;
  r->host_exe = host_exe;
  r->seed = seed;
  rc = start(r, err);
  if (rc < 0) {
    bw_runner_close(&r);
    return bw_error_prefix(err, "watcher %s", watcher->name);
  }
  *ret = r;
  return BW_OK;
}

void bw_runner_close(struct bw_runner **rp)
{
  struct bw_runner *r = *rp;
  if (!r)
    return;
  bw_instance_close(&r->instance);
  bw_hosted_close(&r->hosted);
  bw_batch_writer_clear(&r->writer);
  bw_buf_clear(&r->encoded);
  free(r);
  *rp = NULL;
}

static int flush(struct bw_runner *r, struct bw_buf *out, struct bw_error *err)
{
  bw_buf_reset(&r->encoded);
  bw_batch_finish(&r->writer, &r->encoded);
  return bw_hosted_records(r->hosted, bw_buf_str(&r->encoded), out, err);
}

static int feed_hosted(struct bw_runner *r, const struct bw_batch *batch, struct bw_buf *out, struct bw_error *err)
{
  uint64_t i;
  int rc = BW_OK;
  for (i = 0; rc == 0 && i < batch->count; i++) {
    const struct bw_record *record = bw_batch_at(batch, i);
    rc = bw_batch_add(&r->writer, record, err);
    if (rc == BW_ELIMIT && r->writer.count > 0) { /* full: send what is there, then try again */
      rc = flush(r, out, err);
      if (rc == 0)
        rc = bw_batch_add(&r->writer, record, err);
    }
  }
  return rc == 0 && r->writer.count > 0 ? flush(r, out, err) : rc;
}

int bw_runner_feed(struct bw_runner *r, const struct bw_batch *batch, struct bw_buf *out, struct bw_error *err)
{
  if (batch->count == 0)
    return BW_OK;
  if (r->host_exe)
    return feed_hosted(r, batch, out, err);
  return bw_instance_records(r->instance, batch, out, err);
}

int bw_runner_renew(struct bw_runner *r, struct bw_error *err)
{
  struct bw_buf state = {0};
  int rc = r->host_exe ? bw_hosted_save(r->hosted, &state, err) : bw_instance_save(r->instance, &state, err);
  if (rc == 0) {
    bw_hosted_close(&r->hosted);
    bw_instance_close(&r->instance);
    rc = start(r, err);
  }
  if (rc == 0)
    rc = r->host_exe ? bw_hosted_load(r->hosted, bw_buf_str(&state), err)
                     : bw_instance_load(r->instance, bw_buf_str(&state), err);
  bw_buf_clear(&state);
  return rc;
}
