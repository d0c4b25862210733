/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watcher host: one plugin behind a sandbox, speaking frames on one socket.  Its own process.
 * Gives up everything before the plugin's first instruction: files but libraries, sockets, processes, the environment.
 */
#include "host/host.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "host/instance.h"
#include "proc/sandbox.h"
#include "wire/conn.h"
#include "wire/output.h"
#include "wire/record.h"

#define OPEN_FILES 16

/* Where dlopen looks for what a plugin is linked to. */
static const char *const library_paths[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};

struct host {
  int fd;
  char *path;
  uint64_t seed;
  uint32_t flags;
  struct bw_instance *instance;
  struct bw_batch_reader reader;
  struct bw_buf frame, out, state;
  bool loaded; /* records or a state were taken: no state may be loaded any more */
};

static int reply(struct host *h, enum bw_frame_type type, uint32_t request, struct bw_str payload, struct bw_error *err)
{
  return bw_frame_write(h->fd, (uint16_t)type, request, payload, err);
}

/* ---- the sandbox ---- */

static int tolerate(int rc, const struct host *h, struct bw_error *err)
{
  if (rc != BW_EVERSION)
    return rc;
  if (!(h->flags & BW_HOST_BEST_EFFORT))
    return bw_error_prefix(err, "a watcher is never run without its sandbox");
  bw_log(BW_LOG_WARN, "sandbox incomplete", "plugin=%s missing=%s", BW_Q(h->path), bw_log_quote(bw_str(err->message)));
  return BW_OK;
}

static int enclose(const struct host *h, uint64_t memory_bytes, struct bw_error *err)
{
  struct bw_sandbox_limits limits = {.memory_bytes = memory_bytes, .open_files = OPEN_FILES};
  struct stat log;
  const char *paths[1 + sizeof library_paths / sizeof *library_paths];
  size_t i;
  int rc;
  paths[0] = h->path;
  for (i = 0; i < sizeof library_paths / sizeof *library_paths; i++)
    paths[i + 1] = library_paths[i];
  /* Where the log is a plain file, a limit of 0 would end us at our first line; the filters refuse to open files anyway. */
  limits.no_files = fstat(STDERR_FILENO, &log) < 0 || !S_ISREG(log.st_mode);
  clearenv();
  bw_sandbox_close_fds(&h->fd, 1);
  if ((rc = bw_sandbox_basics(&limits, err)) < 0)
    return rc;
  if ((rc = tolerate(bw_sandbox_files(paths, sizeof paths / sizeof *paths, err), h, err)) < 0)
    return rc;
  return tolerate(bw_sandbox_filter(BW_FILTER_LOAD, err), h, err);
}

/* ---- requests ---- */

/* HOST_CONFIG: what to load, and how. */
static int configure(struct host *h, struct bw_str payload, uint32_t request, struct bw_error *err)
{
  struct bw_host_config c;
  struct bw_buf json = {0};
  int rc = bw_host_config_read(payload, &c, err);
  if (rc < 0)
    return rc;
  h->path = bw_str_dup(c.plugin);
  h->seed = c.seed;
  h->flags = c.flags;
  if ((rc = enclose(h, c.memory_bytes, err)) < 0)
    return rc;
  if (c.flags & BW_HOST_DESCRIBE) {
    rc = bw_instance_describe(h->path, &json, err);
  } else {
    rc = bw_instance_open(h->path, c.options, c.seed, &h->instance, err);
    if (rc == BW_OK)
      rc = tolerate(bw_sandbox_filter(BW_FILTER_RUN, err), h, err);
    if (rc == BW_OK)
      bw_instance_description(h->instance, &json);
  }
  if (rc == BW_OK)
    rc = reply(h, BW_FRAME_HOST_READY, request, bw_buf_str(&json), err);
  bw_buf_clear(&json);
  return rc;
}

/* HOST_LOAD: a piece of a snapshot. */
static int take_state(struct host *h, struct bw_str payload, uint32_t request, struct bw_error *err)
{
  int rc;
  if (payload.len < 1 || h->loaded)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "a state was sent %s", h->loaded ? "too late" : "without its head");
  bw_buf_add(&h->state, payload.data + 1, payload.len - 1);
  if (payload.data[0] == 0)
    return BW_OK;
  h->loaded = true;
  rc = bw_instance_load(h->instance, bw_buf_str(&h->state), err);
  bw_buf_clear(&h->state);
  return rc < 0 ? rc : reply(h, BW_FRAME_HOST_READY, request, BW_STR(""), err);
}

/* HOST_BATCH: records in, what the watcher says out. */
static int take_batch(struct host *h, struct bw_str payload, uint32_t request, struct bw_error *err)
{
  struct bw_reader in = bw_reader(payload.data, payload.len);
  uint64_t first = bw_read_u64(&in), last = bw_read_u64(&in);
  int rc;
  if (in.bad)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "a batch was sent without its head");
  h->loaded = true;
  rc = bw_batch_read(&h->reader, bw_str_n(in.p, bw_reader_left(&in)), h->seed, err);
  if (rc < 0)
    return rc;
  bw_buf_reset(&h->out);
  bw_buf_add_u64(&h->out, first);
  bw_buf_add_u64(&h->out, last);
  rc = bw_instance_records(h->instance, &h->reader.batch, &h->out, err);
  return rc < 0 ? rc : reply(h, BW_FRAME_HOST_OUTPUT, request, bw_buf_str(&h->out), err);
}

/* HOST_SAVE: the whole state, in pieces. */
static int give_state(struct host *h, struct bw_str payload, uint32_t request, struct bw_error *err)
{
  struct bw_buf piece = {0};
  size_t at = 0, n;
  int rc = bw_instance_save(h->instance, &h->state, err);
  (void)payload;
  do {
    if (rc < 0)
      break;
    n = h->state.len - at < BW_HOST_CHUNK ? h->state.len - at : BW_HOST_CHUNK;
    bw_buf_reset(&piece);
    bw_buf_add_u8(&piece, at + n == h->state.len);
    bw_buf_add(&piece, h->state.data + at, n);
    rc = reply(h, BW_FRAME_HOST_SNAPSHOT, request, bw_buf_str(&piece), err);
    at += n;
  } while (at < h->state.len);
  bw_buf_clear(&piece);
  bw_buf_clear(&h->state);
  return rc;
}

static const struct {
  uint16_t type;
  bool configured; /* only after HOST_CONFIG */
  int (*take)(struct host *h, struct bw_str payload, uint32_t request, struct bw_error *err);
} requests[] = {{BW_FRAME_HOST_CONFIG, false, configure},
                {BW_FRAME_HOST_LOAD, true, take_state},
                {BW_FRAME_HOST_BATCH, true, take_batch},
                {BW_FRAME_HOST_SAVE, true, give_state}};

static int handle(struct host *h, uint16_t type, uint32_t request, struct bw_error *err)
{
  size_t i;
  for (i = 0; i < sizeof requests / sizeof *requests; i++)
    if (requests[i].type == type && requests[i].configured == (h->instance != NULL) && (h->instance || !h->path))
      return requests[i].take(h, bw_buf_str(&h->frame), request, err);
  return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "message %u was sent at the wrong time", type);
}

int bw_host_run(int fd)
{
  struct host h = {.fd = fd};
  struct bw_error err = {0}, lost;
  struct bw_buf json = {0};
  uint32_t request = 0;
  uint16_t type = 0;
  int rc;
  while ((rc = bw_frame_read(fd, BW_FRAME_MAX, &type, &request, &h.frame, &err)) == 1) {
    rc = handle(&h, type, request, &err);
    if (rc < 0)
      break;
  }
  if (rc < 0) {
    bw_host_error_write(&json, &err);
    if (bw_frame_write(fd, BW_FRAME_HOST_ERROR, request, bw_buf_str(&json), &lost) < 0)
      bw_log(BW_LOG_WARN, "watcher host lost its peer", "error=%s", bw_log_quote(bw_str(err.message)));
  }
  /* Neither the plugin's destructors nor the sanitizers' check for leaks, which needs what the sandbox refuses. */
  _exit(rc < 0 ? 1 : 0);
}
