/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of watchers: asked for, taken in pieces, given back.  Runs in core.
 * Needs the store; the pieces come from an untrusted process and only ever go back to one.
 */
#include <zstd.h>

#include "host/host.h"
#include "watch/private.h"

#define SEND_AHEAD (4u << 20) /* queued towards the host at a time */
#define BYTES_MAX (UINT64_C(2) << 30)

bool bw_snapshot_due(const struct bw_watcher *w)
{
  return !w->saving && w->since_snap > 0 &&
         (w->since_snap >= w->cfg.snapshot_records || bw_monotonic() - w->snap_mono >= w->cfg.snapshot_ms);
}

/* Nothing else is asked of the host until it has answered: the deadline is for the snapshot alone. */
void bw_snapshot_ask(struct bw_watcher *w)
{
  if (w->saving || w->phase != BW_PHASE_FEEDING || w->nflights > 0 || w->cursor == 0)
    return;
  if (bw_conn_send(w->conn, BW_FRAME_HOST_SAVE, 0, BW_STR(""), NULL) < 0)
    return;
  w->saving = true;
  w->save_offset = w->cursor - 1;
  w->save_bytes = 0;
  w->save_chunks = 0;
  bw_watcher_deadline(w, true);
}

static int finish(struct bw_watcher *w, struct bw_error *err)
{
  w->saving = false;
  w->since_snap = 0;
  w->snap_mono = bw_monotonic();
  w->snap_gen++;
  w->snap_chunks = w->save_chunks;
  w->snap_offset = w->save_offset;
  w->snap_bytes = w->save_bytes;
  w->snap_at = bw_clock_now(bw_clock_system());
  w->snap_bad = false;
  bw_watcher_deadline(w, false);
  return bw_rows_snapshot_done(w, w->snap_gen, err);
}

int bw_snapshot_take(struct bw_watcher *w, struct bw_str payload, struct bw_error *err)
{
  struct bw_buf *out = &w->ws->scratch;
  size_t bound, n;
  int rc;
  if (!w->saving || payload.len < 1 || payload.len > BW_HOST_CHUNK + 1)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "it sent a piece of a snapshot that nobody asked for, or a malformed one");
  bound = ZSTD_compressBound((size_t)payload.len - 1);
  bw_buf_reset(out);
  n = ZSTD_compress(bw_buf_reserve(out, bound), bound, payload.data + 1, (size_t)payload.len - 1, 1);
  if (ZSTD_isError(n))
    return bw_fail(err, BW_EIO, BW_CLASS_BUG, "cannot compress a snapshot: %s", ZSTD_getErrorName(n));
  w->save_bytes += n;
  if (w->save_bytes > BYTES_MAX)
    return bw_fail(err, BW_ELIMIT, BW_CLASS_PERMANENT, "its snapshot is over %llu bytes", (unsigned long long)BYTES_MAX);
  rc = bw_store_begin(w->ws->store, err);
  if (rc == BW_OK)
    rc = bw_rows_snapshot_chunk(w, w->snap_gen + 1, w->save_chunks++, bw_str_n(out->data, n), err);
  if (rc == BW_OK && payload.data[0])
    rc = finish(w, err);
  return rc < 0 ? rc : bw_watchers_done(w->ws, err);
}

int bw_snapshot_send(struct bw_watcher *w, struct bw_error *err)
{
  struct bw_buf *packed = &w->ws->scratch, *frame = &w->ws->frame;
  size_t n;
  int rc = BW_OK;
  while (rc == BW_OK && w->load_chunk < w->snap_chunks && bw_conn_queued(w->conn) < SEND_AHEAD) {
    bw_buf_reset(packed);
    if ((rc = bw_rows_snapshot_read(w, w->load_chunk, packed, err)) < 0)
      return rc;
    w->load_chunk++;
    bw_buf_reset(frame);
    bw_buf_add_u8(frame, w->load_chunk == w->snap_chunks);
    n = ZSTD_decompress(bw_buf_reserve(frame, BW_HOST_CHUNK), BW_HOST_CHUNK, packed->data, packed->len);
    if (ZSTD_isError(n))
      return bw_fail(err, BW_ECORRUPT, BW_CLASS_PERMANENT, "the stored snapshot is damaged: %s", ZSTD_getErrorName(n));
    frame->len += n;
    rc = bw_conn_send(w->conn, BW_FRAME_HOST_LOAD, 0, bw_buf_str(frame), err);
    bw_watcher_deadline(w, true);
  }
  return rc;
}
