/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' host. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"

static const char *const states[] = {"", "opened", "updated", "cleared"};

static void put_day(struct harness *h, int64_t at)
{
  char t[BW_TIME_TEXT];
  bw_time_format(at, t);
  bw_buf_printf(&h->said, "%s ", t);
}

static int32_t on_signal(void *ctx, const struct bw_signal *s)
{
  struct harness *h = ctx;
  (s->state == BW_OPENED ? h->opened : s->state == BW_UPDATED ? h->updated : h->cleared)[s->type]++;
  if (h->quiet)
    return 0;
  put_day(h, s->at_ms);
  bw_buf_printf(&h->said, "%s %s %.*s [%.*s] %.6g/%.6g %.3f %.*s\n", states[s->state],
                basewatch_plugin()->signals[s->type].name, BW_FMT(s->account), BW_FMT(s->key), s->value, s->threshold,
                s->strength, BW_FMT(s->evidence));
  return 0;
}

static int32_t on_trait(void *ctx, const struct bw_trait *t)
{
  struct harness *h = ctx;
  h->traits++;
  if (h->quiet || !h->keep_traits)
    return 0;
  put_day(h, t->at_ms);
  bw_buf_printf(&h->said, "trait %s %.*s [%.*s] %.6g %.*s\n", basewatch_plugin()->traits[t->trait].name, BW_FMT(t->account),
                BW_FMT(t->key), t->number, BW_FMT(t->text));
  return 0;
}

static int32_t on_notice(void *ctx, const struct bw_notice *n)
{
  struct harness *h = ctx;
  h->notices++;
  put_day(h, n->at_ms);
  bw_buf_printf(&h->said, "notice %.*s %.*s: %.*s\n", BW_FMT(n->code), BW_FMT(n->account), BW_FMT(n->text));
  return 0;
}

static int32_t on_log(void *ctx, uint32_t severity, struct bw_str text)
{
  (void)ctx;
  (void)severity;
  (void)text;
  return 0;
}

static void set_value(struct bw_option_value *v, uint32_t type, const char *text)
{
  char *end;
  v->size = sizeof *v;
  v->type = type;
  v->text = bw_str(text);
  if (type == BW_OPTION_DURATION) {
    if (bw_duration_parse(v->text, &v->integer))
      v->integer = 0;
  } else if (type == BW_OPTION_BOOL) {
    v->integer = strcmp(text, "true") == 0;
  } else if (type != BW_OPTION_STRING && type != BW_OPTION_JSON) {
    v->number = strtod(text, &end);
    if (*end == '%')
      v->number /= 100;
    v->integer = (int64_t)v->number;
  }
}

bool harness_open(struct harness *h, uint64_t seed, const char *const *options)
{
  const struct bw_plugin *p = basewatch_plugin();
  struct bw_open_args args = {.size = sizeof args, .noptions = p->noptions, .value_stride = sizeof(struct bw_option_value)};
  uint32_t i;
  h->values = bw_calloc(p->noptions, sizeof *h->values);
  for (i = 0; i < p->noptions; i++)
    set_value(&h->values[i], p->options[i].type, p->options[i].default_text);
  for (; options && *options; options++) {
    const char *eq = strchr(*options, '=');
    for (i = 0; i < p->noptions; i++)
      if (strlen(p->options[i].name) == (size_t)(eq - *options) &&
          memcmp(p->options[i].name, *options, (size_t)(eq - *options)) == 0)
        break;
    if (i == p->noptions) {
      (void)snprintf(h->error, sizeof h->error, "no option %s", *options);
      return false;
    }
    set_value(&h->values[i], p->options[i].type, eq + 1);
  }
  h->seed = seed;
  h->host = (struct bw_host){.size = sizeof h->host,
                             .ctx = h,
                             .hash_seed = seed,
                             .emit_signal = on_signal,
                             .emit_trait = on_trait,
                             .emit_notice = on_notice,
                             .log = on_log};
  if (!h->queue) {
    h->queue = bw_calloc(MAX_BATCH, sizeof *h->queue);
    h->fields = bw_calloc(MAX_BATCH * 8, sizeof *h->fields);
  }
  args.host = &h->host;
  args.values = h->values;
  args.error = h->error;
  args.error_size = sizeof h->error;
  h->self = NULL;
  return p->open(&args, &h->self) == 0;
}

static void drop(struct harness *h)
{
  if (h->self)
    basewatch_plugin()->close(h->self);
  h->self = NULL;
  free(h->values);
  h->values = NULL;
}

void harness_close(struct harness *h)
{
  drop(h);
  bw_buf_clear(&h->said);
  bw_buf_clear(&h->texts);
  free(h->queue);
  free(h->fields);
  memset(h, 0, sizeof *h);
}

int32_t harness_flush(struct harness *h)
{
  struct bw_batch b = {.size = sizeof b, .stride = sizeof(struct bw_record), .count = h->nqueue, .records = h->queue};
  int32_t rc = h->nqueue ? basewatch_plugin()->records(h->self, &b) : 0;
  h->nqueue = h->nfields = 0;
  return rc;
}

static void read_field(struct bw_field *f, const char *text)
{
  const char *eq = strchr(text, '=');
  f->section = text[0] == 'p' ? BW_SECTION_PROPERTIES : text[0] == 't' ? BW_SECTION_TRAITS : BW_SECTION_CONTEXT;
  f->key = (struct bw_str){text + 2, (size_t)(eq - text - 2)};
  f->type = eq[1] == '#' ? BW_VALUE_NUMBER : eq[1] == '=' ? BW_VALUE_JSON : BW_VALUE_STRING;
  f->text = bw_str(eq + (f->type == BW_VALUE_STRING ? 1 : 2));
  f->number = f->type == BW_VALUE_NUMBER ? strtod(f->text.data, NULL) : 0;
}

void harness_put(struct harness *h, uint32_t kind, int64_t at_ms, const char *account, const char *subject, const char *name,
                 const char *const *fields)
{
  struct bw_record *r;
  if (h->nqueue == MAX_BATCH)
    (void)harness_flush(h);
  r = &h->queue[h->nqueue++];
  *r = (struct bw_record){.kind = kind,
                          .time_ms = at_ms,
                          .arrival_ms = at_ms,
                          .offset = ++h->offset,
                          .account = bw_str(account),
                          .subject = bw_str(subject),
                          .name = bw_str(name),
                          .fields = &h->fields[h->nfields]};
  r->account_hash = bw_hash_str(r->account, h->seed);
  r->subject_hash = bw_hash_str(r->subject, h->seed);
  r->name_hash = bw_hash_str(r->name, h->seed);
  for (; fields && *fields && r->nfields < 8; fields++) {
    h->fields[h->nfields] = (struct bw_field){0};
    read_field(&h->fields[h->nfields++], *fields);
    r->nfields++;
  }
}

void harness_tick(struct harness *h, int64_t at_ms)
{
  harness_put(h, BW_KIND_TICK, at_ms, "", "", "", NULL);
  (void)harness_flush(h);
}

static int32_t write_buf(void *ctx, const void *data, uint64_t len)
{
  bw_buf_add(ctx, data, len);
  return 0;
}

static int64_t read_buf(void *ctx, void *data, uint64_t cap)
{
  struct bw_reader *r = ctx;
  size_t n = bw_reader_left(r) < cap ? bw_reader_left(r) : cap;
  if (n > 1000)
    n = 1000; /* short reads must do */
  memcpy(data, r->p, n);
  r->p += n;
  return (int64_t)n;
}

int32_t harness_save(struct harness *h, struct bw_buf *out)
{
  struct bw_save_args args = {.size = sizeof args, .ctx = out, .write = write_buf};
  return basewatch_plugin()->save(h->self, &args);
}

int32_t harness_load(struct harness *h, struct bw_str state)
{
  struct bw_reader r = bw_reader(state.data, state.len);
  struct bw_load_args args = {.size = sizeof args, .ctx = &r, .read = read_buf, .error = h->error, .error_size = 512};
  return basewatch_plugin()->load(h->self, &args);
}

int32_t harness_restart(struct harness *h, const char *const *options, uint64_t seed)
{
  struct bw_buf state = {0};
  int32_t rc = harness_flush(h);
  if (rc == 0)
    rc = harness_save(h, &state);
  drop(h);
  if (rc == 0 && !harness_open(h, seed, options))
    rc = -1;
  if (rc == 0)
    rc = harness_load(h, bw_buf_str(&state));
  bw_buf_clear(&state);
  return rc;
}

uint32_t harness_signal(const char *name)
{
  const struct bw_plugin *p = basewatch_plugin();
  uint32_t i;
  for (i = 0; i < p->nsignals; i++)
    if (strcmp(p->signals[i].name, name) == 0)
      return i;
  abort(); /* a test names a signal that there is not */
}

uint32_t harness_opened(const struct harness *h, const char *name)
{
  return h->opened[harness_signal(name)];
}

uint32_t harness_cleared(const struct harness *h, const char *name)
{
  return h->cleared[harness_signal(name)];
}
