/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher in a host process, spoken to synchronously.  Runs in the command line (replay, plugin check), and nothing that the
 * host says is trusted.  No privileges needed.
 */
#include "watch/hosted.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "host/host.h"
#include "proc/spawn.h"
#include "watch/describe.h"
#include "wire/conn.h"
#include "wire/output.h"

#define DEADLINE_MS 30000
#define STATE_MAX ((size_t)2 << 30)
#define LEAVE_MS 1000

struct bw_hosted {
  int fd;
  pid_t pid;
  uint64_t batches; /* numbers the batches of this conversation */
  struct bw_described plugin;
  struct bw_buf frame, request;
};

/* Waits for the end of a process that has closed its socket; kills it where it does not end. */
static int reap(struct bw_hosted *h)
{
  int status = 0, waited;
  for (waited = 0; waited < LEAVE_MS; waited += 5) {
    if (waitpid(h->pid, &status, WNOHANG) == h->pid)
      goto out;
    usleep(5000);
  }
  (void)kill(h->pid, SIGKILL);
  (void)waitpid(h->pid, &status, 0);
out:
  h->pid = 0;
  return status;
}

/* The host has gone without a word. */
static int lost(struct bw_hosted *h, struct bw_error *err)
{
  char how[128] = "it has ended before";
  if (h->pid > 0)
    bw_describe_status(reap(h), how, sizeof how);
  return bw_fail(err, BW_EPEER, BW_CLASS_PERMANENT, "the watcher host is gone: %s", how);
}

static int ask(struct bw_hosted *h, enum bw_frame_type type, struct bw_str payload, struct bw_error *err)
{
  int rc = bw_frame_write(h->fd, (uint16_t)type, 0, payload, err);
  if (rc == BW_EPEER) {
    /* It may have said why before it went; that is worth more than "broken pipe". */
    uint16_t t;
    uint32_t r;
    while (bw_frame_read(h->fd, BW_FRAME_MAX, &t, &r, &h->frame, NULL) == 1)
      if (t == BW_FRAME_HOST_ERROR) {
        bw_host_error_read(bw_buf_str(&h->frame), err);
        return err ? (int)err->code : rc;
      }
    return lost(h, err);
  }
  return rc;
}

/* The next answer, which must be of this type. */
static int answer(struct bw_hosted *h, enum bw_frame_type type, struct bw_error *err)
{
  struct bw_error own;
  uint16_t got = 0;
  uint32_t request;
  int rc = bw_frame_read(h->fd, BW_FRAME_MAX, &got, &request, &h->frame, err ? err : &own);
  if (rc == 0 || rc == BW_EPEER)
    return lost(h, err);
  if (rc < 0)
    return rc;
  if (got == BW_FRAME_HOST_ERROR) {
    bw_host_error_read(bw_buf_str(&h->frame), err ? err : &own);
    return err ? (int)err->code : (int)own.code;
  }
  if (got != type)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "the watcher host answered with message %u instead of %d", got, (int)type);
  return BW_OK;
}

static int start(const char *exe, int64_t deadline_ms, struct bw_hosted *h, struct bw_error *err)
{
  const struct bw_spawn how = {.exe = exe ? exe : "/proc/self/exe", .role = "host", .bare = true};
  const struct timeval limit = {.tv_sec = (time_t)(deadline_ms / 1000), .tv_usec = (suseconds_t)(deadline_ms % 1000 * 1000)};
  int fds[2], rc;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return bw_fail_errno(err, BW_EIO, "cannot make a socket pair");
  h->fd = fds[0];
  (void)setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)setsockopt(h->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  rc = bw_spawn(&how, fds[1], &h->pid, err);
  close(fds[1]);
  return rc;
}

static int open_with(const char *exe, const struct bw_host_config *config, int64_t deadline_ms, struct bw_hosted **ret,
                     struct bw_error *err)
{
  struct bw_hosted *h = bw_alloc(sizeof *h);
  int rc;
  h->fd = -1;
  rc = start(exe, deadline_ms > 0 ? deadline_ms : DEADLINE_MS, h, err);
  bw_host_config_write(&h->request, config);
  if (rc == BW_OK)
    rc = ask(h, BW_FRAME_HOST_CONFIG, bw_buf_str(&h->request), err);
  if (rc == BW_OK)
    rc = answer(h, BW_FRAME_HOST_READY, err);
  if (rc == BW_OK)
    rc = bw_described_read(&h->plugin, bw_buf_str(&h->frame), err);
  if (rc < 0) {
    bw_hosted_close(&h);
    return rc;
  }
  *ret = h;
  return BW_OK;
}

int bw_hosted_open(const char *exe, const char *plugin, struct bw_str options_json, uint64_t seed,
                   const struct bw_hosted_options *options, struct bw_hosted **ret, struct bw_error *err)
{
  char *path BW_AUTOFREE = realpath(plugin, NULL); /* the host has no working directory to speak of */
  struct bw_host_config config = {.plugin = bw_str(path), .options = options_json, .seed = seed};
  if (!path)
    return bw_fail_errno(err, BW_ENOTFOUND, "plugin %s", plugin);
  if (options) {
    config.memory_bytes = options->memory_bytes;
    config.flags = options->best_effort ? BW_HOST_BEST_EFFORT : 0;
  }
  return open_with(exe, &config, options ? options->deadline_ms : 0, ret, err);
}

struct bw_str bw_hosted_description(const struct bw_hosted *h)
{
  return bw_buf_str(&h->plugin.json);
}

int bw_hosted_records(struct bw_hosted *h, struct bw_str batch, struct bw_buf *out, struct bw_error *err)
{
  struct bw_reader in;
  struct bw_str said;
  uint64_t first, last;
  int rc;
  h->batches++;
  bw_buf_reset(&h->request);
  bw_buf_add_u64(&h->request, h->batches);
  bw_buf_add_u64(&h->request, h->batches);
  bw_buf_add_str(&h->request, batch);
  if ((rc = ask(h, BW_FRAME_HOST_BATCH, bw_buf_str(&h->request), err)) < 0 || (rc = answer(h, BW_FRAME_HOST_OUTPUT, err)) < 0)
    return rc;
  in = bw_reader(h->frame.data, h->frame.len);
  first = bw_read_u64(&in);
  last = bw_read_u64(&in);
  if (in.bad || first != h->batches || last != h->batches)
    return bw_fail(err, BW_EPEER, BW_CLASS_BUG, "the watcher host answered another batch than it was given");
  said = bw_str_n(in.p, bw_reader_left(&in));
  if ((rc = bw_output_check(said, h->plugin.nsignals, h->plugin.ntraits, err)) < 0)
    return rc;
  bw_buf_add_str(out, said);
  return BW_OK;
}

int bw_hosted_save(struct bw_hosted *h, struct bw_buf *out, struct bw_error *err)
{
  size_t start_len = out->len;
  int rc = ask(h, BW_FRAME_HOST_SAVE, BW_STR(""), err);
  while (rc == BW_OK) {
    rc = answer(h, BW_FRAME_HOST_SNAPSHOT, err);
    if (rc == BW_OK && (h->frame.len < 1 || out->len - start_len + h->frame.len > STATE_MAX))
      rc = bw_fail(err, BW_ELIMIT, BW_CLASS_BUG, "the watcher's state is malformed, or over %zu bytes", STATE_MAX);
    if (rc < 0)
      break;
    bw_buf_add(out, h->frame.data + 1, h->frame.len - 1);
    if (h->frame.data[0])
      return BW_OK;
  }
  out->len = start_len;
  return rc;
}

int bw_hosted_load(struct bw_hosted *h, struct bw_str state, struct bw_error *err)
{
  size_t at = 0, n;
  int rc;
  do {
    n = state.len - at < BW_HOST_CHUNK ? (size_t)state.len - at : BW_HOST_CHUNK;
    bw_buf_reset(&h->request);
    bw_buf_add_u8(&h->request, at + n == state.len);
    bw_buf_add(&h->request, state.data + at, n);
    rc = ask(h, BW_FRAME_HOST_LOAD, bw_buf_str(&h->request), err);
    at += n;
  } while (rc == BW_OK && at < state.len);
  return rc < 0 ? rc : answer(h, BW_FRAME_HOST_READY, err);
}

void bw_hosted_close(struct bw_hosted **hosted)
{
  struct bw_hosted *h = *hosted;
  if (!h)
    return;
  if (h->fd >= 0)
    close(h->fd);
  if (h->pid > 0) {
    (void)kill(h->pid, SIGKILL);
    (void)waitpid(h->pid, NULL, 0);
  }
  bw_described_clear(&h->plugin);
  bw_buf_clear(&h->frame);
  bw_buf_clear(&h->request);
  free(h);
  *hosted = NULL;
}

int bw_hosted_describe(const char *exe, const char *plugin, struct bw_buf *ret_json, struct bw_error *err)
{
  char *path BW_AUTOFREE = realpath(plugin, NULL);
  struct bw_host_config config = {.plugin = bw_str(path), .flags = BW_HOST_DESCRIBE};
  struct bw_hosted *h = NULL;
  int rc;
  if (!path)
    return bw_fail_errno(err, BW_ENOTFOUND, "plugin %s", plugin);
  rc = open_with(exe, &config, 0, &h, err);
  if (rc == BW_OK)
    bw_buf_add_str(ret_json, bw_hosted_description(h));
  bw_hosted_close(&h);
  return rc;
}
