/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plugin instance and the functions that it may call.  Runs in the watcher host, behind the sandbox, and in replays.
 * No privileges needed.
 */
#include "host/instance.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "host/load.h"
#include "wire/output.h"

#define LOG_LINES_MAX 32 /* per call into the plugin */
#define STATE_MAX (UINT64_C(2) << 30)

struct bw_instance {
  struct bw_loaded loaded;
  struct bw_options options;
  struct bw_host host;
  void *self;
  bool opened, dead;
  struct bw_buf *out; /* where emits go; NULL outside of records() */
  size_t out_limit;
  int failed; /* the first broken rule of the present call; the batch fails whatever the plugin returns */
  struct bw_error why;
  int log_lines;
  struct bw_record *kept; /* records of the kinds wanted */
  size_t kept_cap;
};

/* ---- what the plugin may call ---- */

static int32_t refused(struct bw_instance *i, int rc)
{
  if (i->failed == BW_OK)
    i->failed = rc;
  return rc;
}

static int may_emit(struct bw_instance *i)
{
  if (i->failed < 0)
    return i->failed;
  if (!i->out)
    return refused(i, bw_fail(&i->why, BW_ESTATE, BW_CLASS_BUG, "it emitted outside of records()"));
  if (i->out->len >= i->out_limit)
    return refused(
        i, bw_fail(&i->why, BW_ELIMIT, BW_CLASS_BUG, "it said more than %u bytes about one batch", BW_OUTPUT_MAX_BYTES));
  return BW_OK;
}

/* Copies min(ours, declared) into zeroed memory. */
static int take(struct bw_instance *i, void *ours, size_t size, size_t size_min, const void *theirs, const char *what)
{
  uint32_t declared;
  if (!theirs)
    return refused(i, bw_fail(&i->why, BW_EINVAL, BW_CLASS_BUG, "%s: a null pointer was emitted", what));
  memcpy(&declared, theirs, sizeof declared);
  if (declared < size_min)
    return refused(i, bw_fail(&i->why, BW_EVERSION, BW_CLASS_BUG, "%s: size says %u bytes; at least %zu are needed", what,
                              declared, size_min));
  memset(ours, 0, size);
  memcpy(ours, theirs, declared < size ? declared : size);
  return BW_OK;
}

static int32_t emit_signal(void *ctx, const struct bw_signal *signal)
{
  struct bw_instance *i = ctx;
  struct bw_signal s;
  int rc = may_emit(i);
  if (rc < 0 || (rc = take(i, &s, sizeof s, offsetof(struct bw_signal, evidence), signal, "signal")) < 0)
    return rc;
  rc = bw_output_add_signal(i->out, &s, i->loaded.plugin.nsignals, &i->why);
  return rc < 0 ? refused(i, rc) : BW_OK;
}

static int32_t emit_trait(void *ctx, const struct bw_trait *trait)
{
  struct bw_instance *i = ctx;
  struct bw_trait t;
  int rc = may_emit(i);
  if (rc < 0 || (rc = take(i, &t, sizeof t, offsetof(struct bw_trait, text), trait, "trait")) < 0)
    return rc;
  rc = bw_output_add_trait(i->out, &t, i->loaded.plugin.ntraits, &i->why);
  if (rc == BW_OK && t.type != BW_VALUE_NULL && t.type != i->loaded.traits[t.trait].type)
    rc = bw_fail(&i->why, BW_EINVAL, BW_CLASS_BUG, "trait: %s was declared with another type", i->loaded.traits[t.trait].name);
  return rc < 0 ? refused(i, rc) : BW_OK;
}

static int32_t emit_notice(void *ctx, const struct bw_notice *notice)
{
  struct bw_instance *i = ctx;
  struct bw_notice n;
  int rc = may_emit(i);
  if (rc < 0 || (rc = take(i, &n, sizeof n, sizeof n, notice, "notice")) < 0)
    return rc;
  rc = bw_output_add_notice(i->out, &n, &i->why);
  return rc < 0 ? refused(i, rc) : BW_OK;
}

/* Lines over the limit are dropped, not refused: a talkative plugin is no broken one. */
static int32_t plugin_log(void *ctx, uint32_t severity, struct bw_str text)
{
  struct bw_instance *i = ctx;
  if (++i->log_lines > LOG_LINES_MAX)
    return BW_OK;
  bw_log(severity >= BW_URGENCY_MEDIUM ? BW_LOG_WARN : BW_LOG_INFO, "watcher says", "plugin=%s text=%s", i->loaded.plugin.name,
         text.data ? bw_log_quote(text) : "\"\"");
  if (i->log_lines == LOG_LINES_MAX)
    bw_log(BW_LOG_WARN, "watcher says more than is kept", "plugin=%s lines=%d", i->loaded.plugin.name, LOG_LINES_MAX);
  return BW_OK;
}

/* ---- life ---- */

static void begin_call(struct bw_instance *i, struct bw_buf *out)
{
  i->out = out;
  i->out_limit = out ? out->len + BW_OUTPUT_MAX_BYTES : 0;
  i->failed = BW_OK;
  i->log_lines = 0;
}

/* What the call came to: what it broke counts before what it returned, and its own words before a number.  Who asked knows
   which watcher it is, and says so. */
static int end_call(struct bw_instance *i, int32_t returned, const char *call, const char *message, struct bw_error *err)
{
  i->out = NULL;
  if (i->failed < 0) {
    bw_fail(err, i->why.code, BW_CLASS_BUG, "in %s(): %s", call, i->why.message);
    return i->failed;
  }
  if (returned < 0 && message && *message)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s", message);
  if (returned < 0)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "%s() failed (%d)", call, returned);
  return BW_OK;
}

static int open_self(struct bw_instance *i, struct bw_error *err)
{
  char message[400] = "";
  struct bw_open_args args = {
      .size = sizeof args,
      .noptions = i->loaded.plugin.noptions,
      .host = &i->host,
      .values = i->options.values,
      .value_stride = sizeof *i->options.values,
      .error = message,
      .error_size = sizeof message,
  };
  int rc;
  begin_call(i, NULL);
  rc = i->loaded.plugin.open(&args, &i->self);
  message[sizeof message - 1] = '\0';
  i->opened = rc >= 0;
  rc = end_call(i, rc, "open", bw_utf8_valid(message, strlen(message)) ? message : "", err);
  if (rc < 0 && err)
    err->cls = i->failed < 0 ? BW_CLASS_BUG : BW_CLASS_CONFIG;
  return rc;
}

int bw_instance_open(const char *path, struct bw_str options_json, uint64_t hash_seed, struct bw_instance **ret,
                     struct bw_error *err)
{
  struct bw_instance *i = bw_alloc(sizeof *i);
  int rc = bw_loaded_open(path, &i->loaded, err);
  if (rc == BW_OK)
    rc = bw_options_read(i->loaded.options, i->loaded.plugin.noptions, options_json, &i->options, err);
  if (rc == BW_OK) {
    i->host = (struct bw_host){.size = sizeof i->host,
                               .abi_minor = BW_ABI_MINOR,
                               .ctx = i,
                               .hash_seed = hash_seed,
                               .emit_signal = emit_signal,
                               .emit_trait = emit_trait,
                               .emit_notice = emit_notice,
                               .log = plugin_log};
    rc = open_self(i, err);
  }
  if (rc < 0) {
    bw_instance_close(&i);
    return rc;
  }
  *ret = i;
  return BW_OK;
}

void bw_instance_close(struct bw_instance **instance)
{
  struct bw_instance *i = *instance;
  if (!i)
    return;
  if (i->opened) {
    begin_call(i, NULL);
    i->loaded.plugin.close(i->self);
  }
  bw_options_clear(&i->options);
  bw_loaded_close(&i->loaded);
  free(i->kept);
  free(i);
  *instance = NULL;
}

const struct bw_plugin *bw_instance_plugin(const struct bw_instance *i)
{
  return &i->loaded.plugin;
}

void bw_instance_description(const struct bw_instance *i, struct bw_buf *out)
{
  bw_loaded_describe(&i->loaded, out);
}

/* ---- records and state ---- */

static bool wanted(const struct bw_instance *i, const struct bw_record *r)
{
  return r->kind < BW_KIND_COUNT && (i->loaded.plugin.kinds & BW_KIND_BIT(r->kind)) != 0;
}

/* The batch without the kinds that the plugin does not want; the same batch where it wants them all. */
static struct bw_batch filter(struct bw_instance *i, const struct bw_batch *batch)
{
  uint64_t n, kept = 0;
  for (n = 0; n < batch->count && wanted(i, bw_batch_at(batch, n)); n++)
    ;
  if (n == batch->count)
    return *batch;
  if (batch->count > i->kept_cap) {
    i->kept_cap = (size_t)batch->count;
    i->kept = bw_realloc(i->kept, i->kept_cap, sizeof *i->kept);
  }
  for (n = 0; n < batch->count; n++)
    if (wanted(i, bw_batch_at(batch, n)))
      i->kept[kept++] = *bw_batch_at(batch, n);
  return (struct bw_batch){sizeof(struct bw_batch), sizeof *i->kept, kept, i->kept};
}

static int alive(const struct bw_instance *i, struct bw_error *err)
{
  return i->dead ? bw_fail(err, BW_ESTATE, BW_CLASS_BUG, "it has failed before") : BW_OK;
}

int bw_instance_records(struct bw_instance *i, const struct bw_batch *batch, struct bw_buf *out, struct bw_error *err)
{
  struct bw_batch mine;
  int rc = alive(i, err);
  if (rc < 0)
    return rc;
  mine = filter(i, batch);
  if (mine.count == 0)
    return BW_OK;
  begin_call(i, out);
  rc = i->loaded.plugin.records(i->self, &mine);
  rc = end_call(i, rc, "records", NULL, err);
  i->dead = rc < 0;
  return rc;
}

static int32_t save_write(void *ctx, const void *data, uint64_t len)
{
  struct bw_buf *out = ctx;
  if (len > STATE_MAX - out->len || (len > 0 && !data))
    return BW_ELIMIT;
  bw_buf_add(out, data, (size_t)len);
  return BW_OK;
}

int bw_instance_save(struct bw_instance *i, struct bw_buf *out, struct bw_error *err)
{
  struct bw_save_args args = {.size = sizeof args, .ctx = out, .write = save_write};
  size_t start = out->len;
  int rc = alive(i, err);
  if (rc < 0)
    return rc;
  begin_call(i, NULL);
  rc = i->loaded.plugin.save(i->self, &args);
  rc = end_call(i, rc, "save", NULL, err);
  if (rc < 0)
    out->len = start;
  return rc;
}

static int64_t load_read(void *ctx, void *data, uint64_t cap)
{
  struct bw_reader *in = ctx;
  size_t n = bw_reader_left(in) < cap ? bw_reader_left(in) : (size_t)cap;
  if (n > 0)
    memcpy(data, in->p, n);
  in->p += n;
  return (int64_t)n;
}

int bw_instance_load(struct bw_instance *i, struct bw_str state, struct bw_error *err)
{
  char message[400] = "";
  struct bw_reader in = bw_reader(state.data, state.len);
  struct bw_load_args args = {
      .size = sizeof args, .ctx = &in, .read = load_read, .error = message, .error_size = sizeof message};
  int rc = alive(i, err);
  if (rc < 0)
    return rc;
  begin_call(i, NULL);
  rc = i->loaded.plugin.load(i->self, &args);
  message[sizeof message - 1] = '\0';
  rc = end_call(i, rc, "load", bw_utf8_valid(message, strlen(message)) ? message : "", err);
  i->dead = rc < 0;
  return rc;
}
