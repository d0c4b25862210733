/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a host's description of its plugin.  Runs in core and in replays, on bytes that an untrusted process wrote.
 * No privileges needed.
 */
#include "watch/describe.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define JSON_MAX (1u << 20)
#define ROWS_MAX 1024u

static bool copy_text(char *out, size_t size, const json_t *v)
{
  size_t n = json_string_length(v);
  if (!json_is_string(v) || n >= size || !bw_utf8_valid(json_string_value(v), n))
    return false;
  memcpy(out, json_string_value(v), n + 1);
  return true;
}

int bw_described_read(struct bw_described *d, struct bw_str json, struct bw_error *err)
{
  json_t *root = json.len <= JSON_MAX ? json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
  json_t *signals = json_object_get(root, "signals"), *traits = json_object_get(root, "traits");
  json_int_t state = json_integer_value(json_object_get(root, "state_version"));
  int rc = BW_OK;
  if (!json_is_array(signals) || !json_is_array(traits) || json_array_size(signals) > ROWS_MAX ||
      json_array_size(traits) > ROWS_MAX || state < 0 || state > UINT32_MAX ||
      !copy_text(d->name, sizeof d->name, json_object_get(root, "name")) ||
      !copy_text(d->version, sizeof d->version, json_object_get(root, "version"))) {
    rc = bw_fail(err, BW_EPEER, BW_CLASS_BUG, "the watcher host describes its plugin in a way that makes no sense");
  } else {
    d->state_version = (uint32_t)state;
    d->nsignals = (uint32_t)json_array_size(signals);
    d->ntraits = (uint32_t)json_array_size(traits);
    bw_buf_reset(&d->json);
    bw_buf_add_str(&d->json, json);
  }
  json_decref(root);
  return rc;
}

void bw_described_clear(struct bw_described *d)
{
  bw_buf_clear(&d->json);
}

void bw_describe_status(int status, char *out, size_t size)
{
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
    snprintf(out, size, "it did what the sandbox does not allow");
  else if (WIFSIGNALED(status))
    snprintf(out, size, "it was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else
    snprintf(out, size, "it ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
