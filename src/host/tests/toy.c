/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test watcher: counts `track` records by account.  A tick publishes the counts that changed and opens a signal at the
 * threshold.  Built several times, with TOY_POISON naming what it does on a record called "poison", and TOY_CONSTRUCTOR what it
 * tries before main.  Sees basewatch/plugin.h only, as every plugin.
 */
#include "basewatch/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CRASH 1
#define HANG 2
#define FLOOD 3
#define ALLOC 4
#define LIE 5
#define FAIL 6
#ifndef TOY_POISON
#define TOY_POISON 0
#endif
#ifndef TOY_NAME
#define TOY_NAME "toy"
#endif
#ifndef TOY_STATE_VERSION
#define TOY_STATE_VERSION 1
#endif

#define ACCOUNTS 4096
#define NAME 48

struct account {
  char name[NAME];
  uint64_t len, count, open, changed;
};

struct toy {
  const struct bw_host *host;
  int64_t threshold, lie;
  uint64_t n;
  struct account accounts[ACCOUNTS];
};

static const struct bw_option options[] = {
    {"threshold", BW_OPTION_INTEGER, 0, "3", 1, 1000000, "Records that open the signal."},
    {"nested.ratio", BW_OPTION_PERCENT, 0, "30%", 0, 1, "Not used; a share."},
    {"nested.pace", BW_OPTION_DURATION, 0, "28d", 86400e3, 8640e6, "Not used; a duration."},
    {"nested.weight", BW_OPTION_NUMBER, 0, "1.5", 0, 0, "Not used; a number."},
    {"label", BW_OPTION_STRING, 0, "plain", 0, 0, "Shown in the evidence."},
    {"strict", BW_OPTION_BOOL, 0, "false", 0, 0, "Not used; a switch."},
    {"table", BW_OPTION_JSON, 0, "{}", 0, 0, "Not used; any structure."},
    {"lie", BW_OPTION_INTEGER, 0, "0", 0, 100, "Which rule a poison record breaks."},
};
static const struct bw_signal_decl signal_decls[] = {{"busy", BW_UP, BW_URGENCY_LOW, "any", "Many records."}};
static const struct bw_trait_decl traits[] = {{"count", BW_VALUE_NUMBER, 0, "records", "Records so far."},
                                              {"mood", BW_VALUE_STRING, 0, "", "How it goes."}};

static struct bw_str str(const char *s)
{
  return (struct bw_str){s, strlen(s)};
}

static int32_t toy_open(const struct bw_open_args *args, void **ret_self)
{
  const struct bw_option_value *v = args->values;
  struct toy *t;
  if (args->noptions != sizeof options / sizeof *options || args->value_stride < sizeof *v)
    return -1;
  if (v[4].text.len == 4 && memcmp(v[4].text.data, "fail", 4) == 0) {
    snprintf(args->error, args->error_size, "the label \"fail\" is not to my taste");
    return -1;
  }
  t = calloc(1, sizeof *t);
  if (!t)
    return -1;
  t->host = args->host;
  t->threshold = v[0].integer;
  t->lie = v[7].integer;
  *ret_self = t;
  return 0;
}

static struct account *find(struct toy *t, struct bw_str name)
{
  uint64_t i;
  for (i = 0; i < t->n; i++)
    if (t->accounts[i].len == name.len && memcmp(t->accounts[i].name, name.data, name.len) == 0)
      return &t->accounts[i];
  if (t->n == ACCOUNTS || name.len == 0 || name.len > NAME)
    return NULL;
  memcpy(t->accounts[t->n].name, name.data, name.len);
  t->accounts[t->n].len = name.len;
  return &t->accounts[t->n++];
}

static int32_t say_count(struct toy *t, const struct account *a, int64_t at)
{
  struct bw_trait trait = {.size = sizeof trait,
                           .trait = 0,
                           .type = BW_VALUE_NUMBER,
                           .at_ms = at,
                           .account = {a->name, a->len},
                           .number = (double)a->count};
  return t->host->emit_trait(t->host->ctx, &trait);
}

static int32_t say_busy(struct toy *t, const struct account *a, int64_t at)
{
  char evidence[64];
  struct bw_signal s = {.size = sizeof s, .type = 0, .state = BW_OPENED, .at_ms = at, .account = {a->name, a->len}};
  snprintf(evidence, sizeof evidence, "{\"count\":%llu}", (unsigned long long)a->count);
  s.value = (double)a->count;
  s.threshold = (double)t->threshold;
  s.strength = 0.5;
  s.evidence = str(evidence);
  return t->host->emit_signal(t->host->ctx, &s);
}

static int32_t tick(struct toy *t, int64_t at)
{
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; i < t->n && rc == 0; i++) {
    struct account *a = &t->accounts[i];
    if (!a->changed)
      continue;
    a->changed = 0;
    rc = say_count(t, a, at);
    if (rc == 0 && !a->open && a->count >= (uint64_t)t->threshold) {
      a->open = 1;
      rc = say_busy(t, a, at);
    }
  }
  return rc;
}

/* One lie for each rule; the host must refuse them all, whatever we return. */
static int32_t lie(struct toy *t, int64_t at)
{
  static char big[20000];
  struct bw_signal s = {sizeof s, 0, BW_OPENED, 0, at, {"acme", 4}, {"", 0}, 1, 1, 0.5, {"{}", 2}};
  struct bw_trait r = {.size = sizeof r, .trait = 0, .type = BW_VALUE_NUMBER, .at_ms = at, .account = {"acme", 4}, .number = 1};
  struct bw_notice n = {sizeof n, BW_URGENCY_LOW, at, {"", 0}, {"odd", 3}, {"x", 1}};
  memset(big, 'x', sizeof big);
  switch (t->lie) {
  case 0:
    s.type = 7;
    break;
  case 1:
    s.size = 8;
    break;
  case 2:
    s.state = 9;
    break;
  case 3:
    s.value = __builtin_nan("");
    break;
  case 4:
    s.strength = 1.5;
    break;
  case 5:
    s.evidence = (struct bw_str){"[1]", 3};
    break;
  case 6:
    s.evidence = (struct bw_str){"{\"a\":", 5};
    break;
  case 7:
    s.account = (struct bw_str){"\xff", 1};
    break;
  case 8:
    s.key = (struct bw_str){big, sizeof big};
    break;
  case 9:
    s.evidence = (struct bw_str){big, sizeof big};
    break;
  case 10:
    s.account = (struct bw_str){NULL, 4};
    break;
  case 11:
    s.at_ms = -5;
    break;
  case 12:
    t->host->emit_signal(t->host->ctx, NULL);
    return 0;
  case 13:
    r.trait = 99;
    t->host->emit_trait(t->host->ctx, &r);
    return 0;
  case 14:
    r.trait = 1; /* declared as text */
    t->host->emit_trait(t->host->ctx, &r);
    return 0;
  case 15:
    n.code = (struct bw_str){"Not A Word", 10};
    t->host->emit_notice(t->host->ctx, &n);
    return 0;
  default:
    return 0;
  }
  t->host->emit_signal(t->host->ctx, &s);
  return 0;
}

static int32_t poison(struct toy *t, int64_t at)
{
  volatile uintptr_t nowhere = 8;
  struct account flood = {.name = "flood", .len = 5};
  char *p, *kept;
  int n;
  switch (TOY_POISON) {
  case CRASH:
    *(volatile int *)nowhere = 1;
    break;
  case HANG:
    for (;;)
      *(volatile uint64_t *)&flood.count += 1;
  case FLOOD:
    while (say_count(t, &flood, at) == 0)
      ;
    break;
  case ALLOC:
    /* Touched, so that it counts.  The end at 1 GiB is for builds with sanitizers, which have no address-space limit. */
    for (n = 0; n < 64 && (p = malloc(1 << 24)) != NULL; n++)
      *(char *volatile *)&kept = memset(p, 1, 1 << 24);
    return -ENOMEM;
  case LIE:
    return lie(t, at);
  case FAIL:
    return -7;
  default:
    break;
  }
  return 0;
}

static int32_t toy_records(void *self, const struct bw_batch *batch)
{
  struct toy *t = self;
  uint64_t i;
  int32_t rc = 0;
  for (i = 0; i < batch->count && rc == 0; i++) {
    const struct bw_record *r = bw_batch_at(batch, i);
    struct account *a;
    if (r->kind == BW_KIND_TICK) {
      rc = tick(t, r->time_ms);
      continue;
    }
    if (r->name.len == 6 && memcmp(r->name.data, "poison", 6) == 0)
      rc = poison(t, r->time_ms);
    a = find(t, r->account);
    if (a) {
      a->count++;
      a->changed = 1;
    }
  }
  return rc;
}

static int32_t toy_save(void *self, const struct bw_save_args *args)
{
  struct toy *t = self;
  int32_t rc = args->write(args->ctx, &t->n, sizeof t->n);
  return rc < 0 ? rc : args->write(args->ctx, t->accounts, t->n * sizeof *t->accounts);
}

static int32_t toy_load(void *self, const struct bw_load_args *args)
{
  struct toy *t = self;
  uint64_t want;
  if (args->read(args->ctx, &t->n, sizeof t->n) != (int64_t)sizeof t->n || t->n > ACCOUNTS) {
    snprintf(args->error, args->error_size, "the state is cut off");
    return -1;
  }
  want = t->n * sizeof *t->accounts;
  return args->read(args->ctx, t->accounts, want) == (int64_t)want ? 0 : -1;
}

static void toy_close(void *self)
{
  free(self);
}

#ifdef TOY_CONSTRUCTOR
/* Whatever of these succeeds is told on standard error, for the test to find; the sandbox ends us before. */
__attribute__((constructor)) static void evil(void)
{
  static const char told[] = "EVIL SUCCEEDED\n";
  long got = -1;
  switch (TOY_CONSTRUCTOR) {
  case 1:
    got = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    break;
  case 2:
    got = socket(AF_INET, SOCK_STREAM, 0);
    break;
  case 3:
    got = fork();
    if (got == 0)
      _exit(0);
    break;
  case 4:
    got = execl("/bin/true", "true", (char *)NULL);
    break;
  case 5:
    got = open("/tmp/basewatch-evil", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    break;
  case 6:
    got = syscall(SYS_ptrace, 0, 0, 0, 0);
    break;
  case 7:
    got = kill(getppid(), 0);
    break;
  }
  if (got >= 0 && write(2, told, sizeof told - 1) < 0)
    abort();
}
#endif

const struct bw_plugin *basewatch_plugin(void)
{
  static const struct bw_plugin plugin = {
      .magic = BW_PLUGIN_MAGIC,
      .size = sizeof plugin,
      .abi_major = BW_ABI_MAJOR,
      .abi_minor = BW_ABI_MINOR,
      .name = TOY_NAME,
      .version = "1.0",
      .summary = "Counts records; for tests.",
      .kinds = BW_KIND_BIT(BW_KIND_TRACK) | BW_KIND_BIT(BW_KIND_TICK),
      .options = options,
      .noptions = sizeof options / sizeof *options,
      .option_size = sizeof *options,
      .signals = signal_decls,
      .nsignals = 1,
      .signal_size = sizeof *signal_decls,
      .traits = traits,
      .ntraits = 2,
      .trait_size = sizeof *traits,
      .state_version = TOY_STATE_VERSION,
      .open = toy_open,
      .records = toy_records,
      .save = toy_save,
      .load = toy_load,
      .close = toy_close,
  };
  return &plugin;
}
