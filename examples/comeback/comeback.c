/* SPDX-License-Identifier: Apache-2.0 */
/*
 * comeback: a complete watcher in one file, to start your own from.  An account that was away for `away` days and is active
 * again opens the signal `comeback`; a week later it clears.  Needs basewatch/plugin.h and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <basewatch/plugin.h>

#define DAY INT64_C(86400000)
#define STAYS_OPEN (7 * DAY)
#define MAX_ACCOUNTS 1000000

enum { OPT_AWAY, NOPTIONS };
static const struct bw_option options[NOPTIONS] = {
    {"away", BW_OPTION_DURATION, 0, "30d", 86400000.0, 31536000000.0, "How long an account must have been away."},
};

static const struct bw_signal_decl signals[] = {
    {"comeback", BW_UP, BW_URGENCY_LOW, "any", "An account that was away is active again."},
};

struct account {
  char *name;
  uint64_t len;
  int64_t last;   /* time of the latest event */
  int64_t opened; /* 0: no open episode */
  int64_t gap;    /* how long it had been away when it opened */
};

/* Everything lives here: a plugin has no globals that change. */
struct comeback_state {
  const struct bw_host *host;
  int64_t away;
  struct account *accounts;
  uint64_t n, cap;
};

static int32_t comeback_open(const struct bw_open_args *args, void **ret_self)
{
  struct comeback_state *c = calloc(1, sizeof *c);
  if (!c)
    return -1;
  c->host = args->host;
  c->away = args->values[OPT_AWAY].integer;
  *ret_self = c;
  return 0;
}

static void comeback_close(void *self)
{
  struct comeback_state *c = self;
  uint64_t i;
  for (i = 0; i < c->n; i++)
    free(c->accounts[i].name);
  free(c->accounts);
  free(c);
}

/* A scan is enough for an example; the SDK has tables that are fast. */
static struct account *find(struct comeback_state *c, struct bw_str name)
{
  struct account *grown;
  uint64_t i;
  for (i = 0; i < c->n; i++)
    if (c->accounts[i].len == name.len && memcmp(c->accounts[i].name, name.data, name.len) == 0)
      return &c->accounts[i];
  if (c->n == MAX_ACCOUNTS || name.len == 0)
    return NULL;
  if (c->n == c->cap) {
    grown = realloc(c->accounts, (c->cap * 2 + 16) * sizeof *grown);
    if (!grown)
      return NULL;
    c->accounts = grown;
    c->cap = c->cap * 2 + 16;
  }
  c->accounts[c->n] = (struct account){.name = malloc(name.len), .len = name.len};
  if (!c->accounts[c->n].name)
    return NULL;
  memcpy(c->accounts[c->n].name, name.data, name.len);
  return &c->accounts[c->n++];
}

static int32_t say(struct comeback_state *c, const struct account *a, uint32_t state, int64_t at)
{
  char evidence[96];
  struct bw_signal s = {.size = sizeof s, .type = 0, .state = state, .at_ms = at, .account = {a->name, a->len}};
  s.value = (double)a->gap / (double)DAY;
  s.threshold = (double)c->away / (double)DAY;
  s.strength = s.value >= 4 * s.threshold ? 1 : s.value / (4 * s.threshold);
  s.evidence.data = evidence;
  s.evidence.len = (uint64_t)snprintf(evidence, sizeof evidence, "{\"days_away\":%.0f}", s.value);
  return c->host->emit_signal(c->host->ctx, &s);
}

static int32_t take_event(struct comeback_state *c, const struct bw_record *r)
{
  struct account *a = find(c, r->account);
  int64_t gap;
  if (!a || r->time_ms <= a->last)
    return 0; /* not resolved, or late: nothing to learn */
  gap = a->last ? r->time_ms - a->last : 0;
  a->last = r->time_ms;
  if (gap < c->away || a->opened)
    return 0;
  a->gap = gap;
  a->opened = r->time_ms;
  return say(c, a, BW_OPENED, r->time_ms);
}

static int32_t take_tick(struct comeback_state *c, int64_t now)
{
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; rc == 0 && i < c->n; i++) {
    if (c->accounts[i].opened && now - c->accounts[i].opened >= STAYS_OPEN) {
      rc = say(c, &c->accounts[i], BW_CLEARED, now);
      c->accounts[i].opened = 0;
    }
  }
  return rc;
}

static int32_t comeback_records(void *self, const struct bw_batch *batch)
{
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; rc == 0 && i < batch->count; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    rc = r->kind == BW_KIND_TICK ? take_tick(self, r->time_ms) : take_event(self, r);
  }
  return rc;
}

/* The state: per account four numbers and the name.  Host and plugin are on one machine: native byte order will do. */
static int32_t comeback_save(void *self, const struct bw_save_args *args)
{
  const struct comeback_state *c = self;
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; rc == 0 && i < c->n; i++) {
    const struct account *a = &c->accounts[i];
    const int64_t head[4] = {(int64_t)a->len, a->last, a->opened, a->gap};
    rc = args->write(args->ctx, head, sizeof head);
    if (rc == 0)
      rc = args->write(args->ctx, a->name, a->len);
  }
  return rc;
}

/* 1: all of it; 0: the end, before the first byte; -1: cut off. */
static int read_all(const struct bw_load_args *args, void *to, uint64_t len)
{
  uint64_t have = 0;
  while (have < len) {
    int64_t n = args->read(args->ctx, (char *)to + have, len - have);
    if (n < 0 || (n == 0 && have > 0))
      return -1;
    if (n == 0)
      return 0;
    have += (uint64_t)n;
  }
  return 1;
}

static int32_t comeback_load(void *self, const struct bw_load_args *args)
{
  struct comeback_state *c = self;
  int64_t head[4];
  char name[256];
  int more;
  while ((more = read_all(args, head, sizeof head)) == 1) {
    struct account *a;
    /* What is loaded is not trusted either. */
    if (head[0] <= 0 || head[0] > (int64_t)sizeof name || read_all(args, name, (uint64_t)head[0]) != 1)
      return -1;
    a = find(c, (struct bw_str){name, (uint64_t)head[0]});
    if (!a)
      return -1;
    a->last = head[1];
    a->opened = head[2];
    a->gap = head[3];
  }
  return more;
}

const struct bw_plugin *basewatch_plugin(void)
{
  static const struct bw_plugin plugin = {
      .magic = BW_PLUGIN_MAGIC,
      .size = sizeof plugin,
      .abi_major = BW_ABI_MAJOR,
      .abi_minor = BW_ABI_MINOR,
      .name = "comeback",
      .version = "1.0",
      .summary = "Accounts that come back after a long absence.",
      .kinds = BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_TICK),
      .options = options,
      .noptions = NOPTIONS,
      .option_size = sizeof *options,
      .signals = signals,
      .nsignals = 1,
      .signal_size = sizeof *signals,
      .state_version = 1,
      .open = comeback_open,
      .records = comeback_records,
      .save = comeback_save,
      .load = comeback_load,
      .close = comeback_close,
  };
  return &plugin;
}
