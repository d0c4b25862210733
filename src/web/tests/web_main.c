/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web role with a stand-in for core in the same process, for black-box tests of the HTTP side alone.
 *
 *   web_main [--delay MS] [--set name=value]... [--key source=key[=rate]]... [--dump FILE]
 *
 * Prints "listening ADDRESS".  Every record that reached core is a line of FILE, rejects are lines {"reject": ...}.  Lines on
 * standard input change how core behaves: ok, silent, nospace, again, broken (a permanent error), gone, back, drain; each is
 * answered by "now WORD".  End of input ends the program.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "control/server.h"
#include "web/web.h"
#include "wire/record.h"

struct held {
  struct bw_request *req;
  struct bw_ingested n;
  struct bw_timer *timer;
  struct core *core;
};

struct core {
  struct bw_loop *loop;
  struct bw_control *control;
  struct bw_control_client *client;
  struct bw_web *web;
  struct bw_batch_reader reader;
  FILE *dump;
  int64_t delay;
  enum bw_code fail;
  bool silent;
  struct bw_request **kept;
  size_t nkept;
};

/* ---- the stand-in ---- */

/* A core that hangs: the request is never answered. */
static void keep(struct core *core, struct bw_request *req)
{
  core->kept = bw_realloc(core->kept, core->nkept + 1, sizeof *core->kept);
  core->kept[core->nkept++] = req;
}

static void on_due(void *ctx)
{
  struct held *h = ctx;
  bw_request_ingested(h->req, &h->n);
  bw_timer_free(&h->timer);
  free(h);
}

static void answer(struct core *core, struct bw_request *req, struct bw_ingested n)
{
  struct held *h;
  if (core->silent) {
    keep(core, req);
    return;
  }
  if (core->delay == 0) {
    bw_request_ingested(req, &n);
    return;
  }
  h = bw_alloc(sizeof *h);
  h->req = req;
  h->n = n;
  h->core = core;
  h->timer = bw_timer_new(core->loop, core->delay, false, on_due, h);
}

static int on_control(void *ctx, struct bw_request *req, const struct bw_command *command, const json_t *args,
                      struct bw_error *err)
{
  struct core *core = ctx;
  (void)args, (void)command, (void)err;
  if (core->silent) {
    keep(core, req);
    return 0;
  }
  bw_request_reply_json(req, json_pack("{s:s}", "text",
                                       "# HELP basewatch_test_core Stand-in.\n# TYPE basewatch_test_core gauge\n"
                                       "basewatch_test_core 1\n"));
  return 0;
}

static int on_ingest(void *ctx, struct bw_request *req, int64_t arrival, struct bw_str source, struct bw_str batch,
                     struct bw_error *err)
{
  struct core *core = ctx;
  struct bw_ingested n = {0};
  size_t i;
  int rc = bw_batch_read(&core->reader, batch, 1, err);
  (void)arrival;
  if (rc)
    return rc;
  if (core->fail)
    return bw_fail(err, core->fail, BW_CLASS_TRANSIENT, "as told by the test");
  for (i = 0; core->dump && i < core->reader.batch.count; i++) {
    struct bw_buf line = {0};
    bw_record_json(&line, bw_batch_at(&core->reader.batch, i));
    fprintf(core->dump, "{\"source\":\"%.*s\",\"record\":%s}\n", BW_FMT(source), bw_buf_cstr(&line));
    bw_buf_clear(&line);
  }
  if (core->dump)
    fflush(core->dump);
  n.accepted = core->reader.batch.count;
  answer(core, req, n);
  return 0;
}

static int on_reject(void *ctx, struct bw_request *req, const struct bw_reject *items, size_t n, struct bw_error *err)
{
  struct core *core = ctx;
  size_t i;
  (void)err;
  for (i = 0; core->dump && i < n; i++) {
    struct bw_buf line = {0};
    bw_json_open(&line, '{');
    bw_json_key(&line, "source");
    bw_json_str(&line, items[i].source);
    bw_json_key(&line, "reject");
    bw_json_str(&line, items[i].reason);
    bw_json_key(&line, "where");
    bw_json_str(&line, items[i].where);
    bw_json_key(&line, "text");
    bw_json_str(&line, items[i].text);
    bw_json_close(&line, '}');
    fprintf(core->dump, "%s\n", bw_buf_cstr(&line));
    bw_buf_clear(&line);
  }
  if (core->dump)
    fflush(core->dump);
  answer(core, req, (struct bw_ingested){.rejected = n});
  return 0;
}

static const struct bw_control_events events = {.control = on_control, .ingest = on_ingest, .reject = on_reject};

static void core_start(struct core *core)
{
  int fds[2];
  BW_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
  BW_ASSERT(bw_control_listen(core->loop, NULL, &events, core, &core->control, NULL) == 0);
  BW_ASSERT(bw_control_attach(core->control, fds[0], BW_PEER_WEB, NULL) == 0);
  BW_ASSERT(bw_control_client_connect(core->client, fds[1], NULL) == 0);
}

/* ---- what the test says ---- */

static void on_drained(void *ctx)
{
  struct core *core = ctx;
  printf("drained\n");
  fflush(stdout);
  bw_loop_stop(core->loop);
}

static void tell(struct core *core, const char *word)
{
  static const struct {
    const char *word;
    enum bw_code fail;
  } failures[] = {{"ok", BW_OK}, {"nospace", BW_ENOSPC}, {"again", BW_EAGAIN}, {"broken", BW_EINVAL}};
  size_t i;
  core->silent = strcmp(word, "silent") == 0;
  for (i = 0; i < sizeof failures / sizeof failures[0]; i++)
    if (strcmp(word, failures[i].word) == 0)
      core->fail = failures[i].fail;
  if (strcmp(word, "gone") == 0)
    bw_control_free(&core->control);
  if (strcmp(word, "back") == 0)
    core_start(core);
  printf("now %s\n", word);
  fflush(stdout);
  if (strcmp(word, "drain") == 0)
    bw_web_drain(core->web, 5000, on_drained, core);
}

static void on_input(int fd, int ready, void *ctx)
{
  struct core *core = ctx;
  char text[256], *word, *save;
  ssize_t n = read(fd, text, sizeof text - 1);
  (void)ready;
  if (n <= 0) {
    bw_loop_stop(core->loop);
    return;
  }
  text[n] = '\0';
  for (word = strtok_r(text, "\n", &save); word; word = strtok_r(NULL, "\n", &save))
    tell(core, word);
}

/* ---- options ---- */

static void on_bound(void *ctx, const char *address)
{
  (void)ctx;
  printf("listening %s\n", address);
  fflush(stdout);
}

static void set_number(struct bw_web_config *config, const char *text)
{
  size_t i;
  const char *eq = strchr(text, '=');
  for (i = 0; eq && i < bw_web_nsettings; i++)
    if (strlen(bw_web_settings[i].name) == (size_t)(eq - text) &&
        strncmp(bw_web_settings[i].name, text, (size_t)(eq - text)) == 0) {
      *(int64_t *)(void *)((char *)config + bw_web_settings[i].offset) = atoll(eq + 1);
      return;
    }
  fprintf(stderr, "no setting: %s\n", text);
  exit(2);
}

static void add_key(struct bw_web_config *config, char *text)
{
  char *save, *source = strtok_r(text, "=", &save), *key = strtok_r(NULL, "=", &save), *rate = strtok_r(NULL, "=", &save);
  BW_ASSERT(key);
  config->keys = bw_realloc(config->keys, config->nkeys + 1, sizeof *config->keys);
  config->keys[config->nkeys++] = (struct bw_web_key){bw_strdup(key), bw_strdup(source), rate ? atof(rate) : 0};
}

static void options(struct core *core, struct bw_web_config *config, int argc, char **argv)
{
  int i;
  bw_web_config_init(config);
  for (i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--delay") == 0)
      core->delay = atoll(argv[i + 1]);
    else if (strcmp(argv[i], "--set") == 0)
      set_number(config, argv[i + 1]);
    else if (strcmp(argv[i], "--key") == 0)
      add_key(config, argv[i + 1]);
    else if (strcmp(argv[i], "--dump") == 0)
      core->dump = fopen(argv[i + 1], "we");
    else
      exit(2);
  }
}

int main(int argc, char **argv)
{
  struct core core = {0};
  struct bw_web_config config;
  struct bw_watch *input;
  struct bw_error err;
  signal(SIGPIPE, SIG_IGN);
  core.loop = bw_loop_new();
  options(&core, &config, argc, argv);
  core.client = bw_control_client_new(core.loop);
  core_start(&core);
  if (bw_web_new(core.loop, &config, core.client, bw_clock_system(), on_bound, NULL, &core.web, &err)) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  input = bw_watch_new(core.loop, 0, BW_WATCH_READ, on_input, &core);
  if (bw_loop_run(core.loop, &err))
    fprintf(stderr, "%s\n", err.message);
  bw_watch_free(&input);
  bw_web_free(&core.web);
  bw_control_client_free(&core.client);
  bw_control_free(&core.control);
  while (core.nkept)
    bw_request_failf(core.kept[--core.nkept], BW_ESTATE, "the test is over");
  free(core.kept);
  bw_batch_reader_clear(&core.reader);
  bw_web_config_clear(&config);
  bw_loop_free(&core.loop);
  if (core.dump)
    fclose(core.dump);
  return 0;
}
