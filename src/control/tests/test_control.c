/* SPDX-License-Identifier: Apache-2.0 */
/* The control API end to end over real sockets in one loop, and the checks of the command table. */

#define _GNU_SOURCE
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "control/client.h"
#include "control/metrics.h"
#include "control/server.h"
#include "wire/conn.h"

/* ---- the table ---- */

static int parse(const char *json, struct bw_error *err)
{
  const struct bw_command *cmd = NULL;
  json_t *args = NULL;
  int rc = bw_command_parse(bw_str(json), &cmd, &args, err);
  if (rc == 0) {
    assert_non_null(cmd);
    json_decref(args);
  } else {
    assert_null(cmd);
    assert_null(args);
    assert_true(strlen(err->message) > 0);
  }
  return rc;
}

static void test_commands_refused(void **state)
{
  static const struct {
    const char *json, *says;
  } cases[] = {
      {"", "not JSON"},
      {"[]", "must be an object"},
      {"{}", "\"command\""},
      {"{\"command\":1}", "\"command\""},
      {"{\"command\":\"format_disk\"}", "no command \"format_disk\""},
      {"{\"command\":\"show\"}", "show needs \"lead\""},
      {"{\"command\":\"show\",\"lead\":7}", "must be a string"},
      {"{\"command\":\"show\",\"lead\":\"\"}", "1 to 64 bytes"},
      {"{\"command\":\"show\",\"lead\":\"a\\u001bb\"}", "control characters"},
      {"{\"command\":\"show\",\"lead\":\"L1\",\"lead\":\"L2\"}", "not JSON"},
      {"{\"command\":\"show\",\"lead\":\"L1\",\"force\":true}", "no argument \"force\""},
      {"{\"command\":\"approve\",\"lead\":\"L1\"}", "needs \"hash\""},
      {"{\"command\":\"reject\",\"lead\":\"L1\",\"reason\":null}", "\"reason\" must be"},
      {"{\"command\":\"snooze\",\"lead\":\"L1\",\"for_ms\":1}", "60000"},
      {"{\"command\":\"snooze\",\"lead\":\"L1\",\"for_ms\":1e9}", "whole number"},
      {"{\"command\":\"inbox\",\"all\":\"yes\"}", "true or false"},
      {"{\"command\":\"tick\",\"at\":\"soon\"}", "must be a time"},
      {"{\"command\":\"status\"} x", "not JSON"},
      {"{\"command\":\"status\",\"a\":[[[[[[[[[[[]]]]]]]]]]]}", "deep"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct bw_error err = {0};
    int rc = parse(cases[i].json, &err);
    if (rc == 0 || !strstr(err.message, cases[i].says))
      fail_msg("%s: %d, \"%s\" does not say \"%s\"", cases[i].json, rc, err.message, cases[i].says);
  }
}

static void test_commands_accepted(void **state)
{
  const struct bw_command *cmd;
  json_t *args;
  struct bw_error err;
  (void)state;
  assert_int_equal(parse("{\"command\":\"status\"}", &err), 0);
  assert_int_equal(parse("{\"command\":\"inbox\",\"owner\":null,\"all\":true}", &err), 0);
  assert_int_equal(
      bw_command_parse(BW_STR("{\"command\":\"snooze\",\"lead\":\"L[[[[[[[[[[1\",\"for_ms\":604800000}"), &cmd, &args, &err),
      0);
  assert_string_equal(cmd->name, "snooze");
  assert_true(bw_str_is(bw_args_text(args, "lead"), "L[[[[[[[[[[1"));
  assert_int_equal(bw_args_int(args, "for_ms", 0), 7 * BW_DAY);
  assert_int_equal(bw_args_int(args, "absent", 5), 5);
  assert_int_equal(bw_args_text(args, "absent").len, 0);
  json_decref(args);
  assert_int_equal(bw_command_parse(BW_STR("{\"command\":\"tick\",\"at\":\"2026-11-22T01:00:00Z\"}"), &cmd, &args, &err), 0);
  assert_int_equal(bw_args_time(args, "at", 0), 1795309200000);
  json_decref(args);
}

/* Every row can be looked up, has a sentence of help, and a decision takes "who". */
static void test_table_sound(void **state)
{
  const struct bw_command *cmd;
  size_t i, k;
  (void)state;
  for (i = 0; (cmd = bw_command_at(i)); i++) {
    bool who = false;
    assert_ptr_equal(bw_command_find(bw_str(cmd->name)), cmd);
    assert_true(strlen(cmd->help) > 8);
    assert_true(cmd->peers != 0);
    for (k = 0; k < cmd->nargs; k++)
      who |= strcmp(cmd->args[k].name, "who") == 0;
    assert_int_equal(who, cmd->decides);
    if (cmd->decides)
      assert_int_equal(cmd->peers & BW_PEER_WEB, 0);
  }
  assert_true(i > 15);
}

/* ---- payloads ---- */

static void test_error_round_trip(void **state)
{
  struct bw_error a, b;
  struct bw_buf out = {0};
  (void)state;
  (void)bw_fail(&a, BW_ENOSPC, BW_CLASS_TRANSIENT, "no room on \"/var\"\n for %d%%", 5);
  bw_error_json(&out, &a);
  bw_error_from_json(bw_buf_str(&out), &b);
  assert_int_equal(b.code, BW_ENOSPC);
  assert_int_equal(b.cls, BW_CLASS_TRANSIENT);
  assert_string_equal(b.message, a.message);
  bw_error_from_json(BW_STR("garbage"), &b);
  assert_int_equal(b.code, BW_EPEER);
  bw_error_from_json(BW_STR("{\"code\":0,\"message\":\"%n%s\"}"), &b);
  assert_int_equal(b.code, BW_EPEER);
  assert_string_equal(b.message, "%n%s");
  bw_buf_clear(&out);
}

static void test_ingest_round_trip(void **state)
{
  struct bw_buf out = {0};
  struct bw_error err;
  struct bw_str source, batch;
  int64_t arrival;
  (void)state;
  bw_ingest_encode(&out, 1795309800000, BW_STR("app"), BW_STR("\1\0batch"));
  assert_int_equal(bw_ingest_decode(bw_buf_str(&out), &arrival, &source, &batch, &err), 0);
  assert_int_equal(arrival, 1795309800000);
  assert_true(bw_str_is(source, "app"));
  assert_int_equal(batch.len, 7);
  assert_int_equal(bw_ingest_decode(bw_str_n(out.data, 9), &arrival, &source, &batch, &err), BW_EINVAL);
  bw_buf_reset(&out);
  bw_ingest_encode(&out, -1, BW_STR("app"), BW_STR(""));
  assert_int_equal(bw_ingest_decode(bw_buf_str(&out), &arrival, &source, &batch, &err), BW_EINVAL);
  bw_buf_reset(&out);
  bw_ingest_encode(&out, 1, BW_STR("\xff"), BW_STR(""));
  assert_int_equal(bw_ingest_decode(bw_buf_str(&out), &arrival, &source, &batch, &err), BW_EINVAL);
  bw_buf_clear(&out);
}

static void test_metrics_text(void **state)
{
  static const char *const labels[] = {"path", "/v1/\"x\"\n\\", NULL};
  struct bw_histogram h = {0};
  struct bw_buf out = {0};
  (void)state;
  bw_metrics_family(&out, "a_total", "counter", "Help.");
  bw_metrics_sample(&out, "a_total", 3, labels);
  assert_string_equal(bw_buf_cstr(&out),
                      "# HELP a_total Help.\n# TYPE a_total counter\na_total{path=\"/v1/\\\"x\\\"\\n\\\\\"} 3\n");
  bw_buf_reset(&out);
  bw_histogram_add(&h, 0.0004);
  bw_histogram_add(&h, 0.5);
  bw_histogram_add(&h, 100);
  bw_metrics_histogram(&out, "h", &h, NULL);
  assert_non_null(strstr(bw_buf_cstr(&out), "h_bucket{le=\"0.0005\"} 1\n"));
  assert_non_null(strstr(out.data, "h_bucket{le=\"0.5\"} 2\n"));
  assert_non_null(strstr(out.data, "h_bucket{le=\"30\"} 2\n"));
  assert_non_null(strstr(out.data, "h_bucket{le=\"+Inf\"} 3\n"));
  assert_non_null(strstr(out.data, "h_count 3\n"));
  bw_buf_clear(&out);
}

/* ---- a server and its clients ---- */

struct world {
  struct bw_loop *loop;
  struct bw_control *control;
  struct bw_control_client *client;
  struct bw_request *held[4]; /* "outbox" is held back */
  size_t nheld;
  char via[64], who[64], source[64];
  size_t batch_bytes, nrejects, goodbyes;
  char reject_text[64];
  int code;
  char reply[256];
  size_t answers;
};

static int on_control(void *ctx, struct bw_request *req, const struct bw_command *cmd, const json_t *args, struct bw_error *err)
{
  struct world *w = ctx;
  if (strcmp(cmd->name, "show") == 0)
    return bw_fail(err, BW_ENOTFOUND, BW_CLASS_PERMANENT, "there is no lead");
  if (strcmp(cmd->name, "outbox") == 0) {
    w->held[w->nheld++] = req;
    return 0;
  }
  snprintf(w->who, sizeof w->who, "%.*s", BW_FMT(bw_args_text(args, "who")));
  snprintf(w->via, sizeof w->via, "%.*s", BW_FMT(bw_args_text(args, "via")));
  bw_request_let_go(req);
  bw_request_reply_json(req, json_pack("{s:s}", "command", cmd->name));
  return 0;
}

static int on_ingest(void *ctx, struct bw_request *req, int64_t arrival, struct bw_str source, struct bw_str batch,
                     struct bw_error *err)
{
  struct world *w = ctx;
  struct bw_ingested n = {.accepted = 7, .duplicates = 2, .rejected = 1, .queued = 4, .behind = 3, .scored_ms = 1764201600000};
  (void)arrival, (void)err;
  snprintf(w->source, sizeof w->source, "%.*s", BW_FMT(source));
  w->batch_bytes = batch.len;
  bw_request_keep(req);
  bw_request_ingested(req, &n);
  return 0;
}

static int on_reject(void *ctx, struct bw_request *req, const struct bw_reject *items, size_t n, struct bw_error *err)
{
  struct world *w = ctx;
  struct bw_ingested answer = {.rejected = n};
  (void)err;
  w->nrejects = n;
  snprintf(w->reject_text, sizeof w->reject_text, "%.*s", BW_FMT(items[n - 1].text));
  bw_request_ingested(req, &answer);
  return 0;
}

static void on_kept_gone(void *ctx)
{
  struct world *w = ctx;
  w->goodbyes++;
}

static const struct bw_control_events events = {on_control, on_ingest, on_reject, on_kept_gone};

static void on_done(void *ctx, int code, struct bw_str json, const struct bw_error *err)
{
  struct world *w = ctx;
  w->answers++;
  w->code = code;
  snprintf(w->reply, sizeof w->reply, "%.*s", BW_FMT(code ? bw_str(err->message) : json));
}

static void connect_client(struct world *w)
{
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  assert_int_equal(bw_control_attach(w->control, fds[0], BW_PEER_WEB, NULL), 0);
  assert_int_equal(bw_control_client_connect(w->client, fds[1], NULL), 0);
}

static int setup(void **state)
{
  struct world *w = bw_alloc(sizeof *w);
  w->loop = bw_loop_new();
  assert_int_equal(bw_control_listen(w->loop, NULL, &events, w, &w->control, NULL), 0);
  w->client = bw_control_client_new(w->loop);
  *state = w;
  return 0;
}

static int teardown(void **state)
{
  struct world *w = *state;
  bw_control_client_free(&w->client);
  bw_control_free(&w->control);
  bw_loop_free(&w->loop);
  free(w);
  return 0;
}

static void settle(struct world *w, size_t answers)
{
  int i;
  for (i = 0; i < 200 && w->answers < answers; i++)
    assert_int_equal(bw_loop_turn(w->loop, 20, NULL), 0);
  assert_int_equal(w->answers, answers);
}

static int send_text(struct world *w, const char *json, int64_t timeout)
{
  return bw_control_client_send(w->client, BW_FRAME_CONTROL, bw_str(json), timeout, on_done, w, NULL);
}

static void test_ask_and_answer(void **state)
{
  struct world *w = *state;
  struct bw_buf out = {0};
  assert_int_equal(send_text(w, "{}", 1000), BW_EPEER); /* not connected yet */
  connect_client(w);
  assert_int_equal(send_text(w, "{\"command\":\"status\"}", 1000), 0);
  settle(w, 1);
  assert_int_equal(w->code, 0);
  assert_string_equal(w->reply, "{\"command\":\"status\"}");
  send_text(w, "{\"command\":\"show\",\"lead\":\"L9\"}", 1000);
  settle(w, 2);
  assert_int_equal(w->code, BW_ENOTFOUND);
  send_text(w, "{\"command\":\"reload\"}", 1000); /* not for web */
  settle(w, 3);
  assert_int_equal(w->code, BW_ESTATE);
  bw_ingest_encode(&out, 1, BW_STR("site"), BW_STR("12345"));
  assert_int_equal(bw_control_client_send(w->client, BW_FRAME_INGEST, bw_buf_str(&out), 1000, on_done, w, NULL), 0);
  settle(w, 4);
  assert_string_equal(w->reply, "{\"accepted\":7,\"duplicates\":2,\"rejected\":1,\"queued\":4,\"behind\":3,\"scored\":\"2025-"
                                "11-27T00:00:00Z\"}");
  assert_int_equal(bw_control_kept(w->control), 1);
  assert_string_equal(w->source, "site");
  assert_int_equal(w->batch_bytes, 5);
  bw_buf_clear(&out);
  assert_int_equal(bw_control_pending(w->control), 0);
}

static void test_rejects_travel(void **state)
{
  struct world *w = *state;
  struct bw_buf out = {0};
  struct bw_reject r = {BW_STR("app"), BW_STR("batch[3]"), BW_STR("event is missing"), BW_STR("a\0b\xff\x01")};
  int i;
  connect_client(w);
  for (i = 0; i < 3; i++)
    bw_reject_add(&out, &r);
  bw_json_close(&out, ']');
  bw_control_client_send(w->client, BW_FRAME_REJECT, bw_buf_str(&out), 1000, on_done, w, NULL);
  settle(w, 1);
  assert_int_equal(w->code, 0);
  assert_int_equal(w->nrejects, 3);
  assert_string_equal(w->reject_text, "a?b\xEF\xBF\xBD\x01");
  bw_control_client_send(w->client, BW_FRAME_REJECT, BW_STR("{\"source\":\"x\"}"), 1000, on_done, w, NULL);
  settle(w, 2);
  assert_int_equal(w->code, BW_EINVAL);
  bw_buf_clear(&out);
}

/* A request outlives its client; answering it then is harmless.  And the other way round: a held request times out. */
static void test_client_gone(void **state)
{
  struct world *w = *state;
  connect_client(w);
  send_text(w, "{\"command\":\"metrics\"}", 1000);
  settle(w, 1);
  /* outbox is for the command line: ask as one */
  bw_control_client_free(&w->client);
  w->client = bw_control_client_new(w->loop);
  {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(bw_control_attach(w->control, fds[0], BW_PEER_LOCAL, NULL), 0);
    bw_control_client_connect(w->client, fds[1], NULL);
  }
  send_text(w, "{\"command\":\"outbox\"}", 100);
  send_text(w, "{\"command\":\"outbox\"}", 60000);
  settle(w, 2);
  assert_int_equal(w->code, BW_ETIMEOUT);
  assert_int_equal(w->nheld, 2);
  bw_control_client_free(&w->client);
  w->client = bw_control_client_new(w->loop);
  while (bw_control_clients(w->control) > 0)
    assert_int_equal(bw_loop_turn(w->loop, 20, NULL), 0);
  assert_int_equal(w->answers, 2); /* freed: not called */
  assert_true(bw_request_gone(w->held[0]));
  assert_int_equal(bw_control_pending(w->control), 2);
  bw_request_reply(w->held[0], BW_STR("{}"));
  assert_int_equal(bw_control_pending(w->control), 1);
  bw_control_free(&w->control);
  bw_request_failf(w->held[1], BW_EIO, "too late"); /* the server has gone as well */
}

static void test_reconnect_fails_pending(void **state)
{
  struct world *w = *state;
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  bw_control_client_connect(w->client, fds[1], NULL); /* nobody reads fds[0] */
  send_text(w, "{\"command\":\"status\"}", 60000);
  send_text(w, "{\"command\":\"status\"}", 60000);
  connect_client(w);
  assert_int_equal(w->answers, 2);
  assert_int_equal(w->code, BW_EPEER);
  send_text(w, "{\"command\":\"status\"}", 1000);
  settle(w, 3);
  assert_int_equal(w->code, 0);
  close(fds[0]);
}

/* Whoever brings more is missed when he goes; not where he said so before, and not when it is the server that ends. */
static void test_kept_client_goes(void **state)
{
  struct world *w = *state;
  struct bw_buf out = {0};
  int i;
  connect_client(w);
  bw_ingest_encode(&out, 1, BW_STR("history"), BW_STR("12345"));
  assert_int_equal(bw_control_client_send(w->client, BW_FRAME_INGEST, bw_buf_str(&out), 1000, on_done, w, NULL), 0);
  settle(w, 1);
  assert_int_equal(w->goodbyes, 0);
  bw_control_client_free(&w->client);
  for (i = 0; i < 200 && w->goodbyes == 0; i++)
    assert_int_equal(bw_loop_turn(w->loop, 20, NULL), 0);
  assert_int_equal(w->goodbyes, 1);
  w->client = bw_control_client_new(w->loop);
  connect_client(w);
  assert_int_equal(bw_control_client_send(w->client, BW_FRAME_INGEST, bw_buf_str(&out), 1000, on_done, w, NULL), 0);
  settle(w, 2);
  assert_int_equal(bw_control_kept(w->control), 1);
  send_text(w, "{\"command\":\"status\"}", 1000); /* the stand-in lets go on any command */
  settle(w, 3);
  assert_int_equal(bw_control_kept(w->control), 0);
  assert_int_equal(bw_control_client_send(w->client, BW_FRAME_INGEST, bw_buf_str(&out), 1000, on_done, w, NULL), 0);
  settle(w, 4);
  bw_control_free(&w->control);
  assert_int_equal(w->goodbyes, 1);
  bw_buf_clear(&out);
}

static void test_drain(void **state)
{
  struct world *w = *state;
  connect_client(w);
  bw_control_drain(w->control);
  send_text(w, "{\"command\":\"status\"}", 1000);
  settle(w, 1);
  assert_int_equal(w->code, BW_ESTATE);
}

static void test_garbage_closes(void **state)
{
  struct world *w = *state;
  int fds[2], i;
  char byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  assert_int_equal(bw_control_attach(w->control, fds[0], BW_PEER_LOCAL, NULL), 0);
  assert_int_equal(bw_frame_write(fds[1], BW_FRAME_HOST_CONFIG, 1, BW_STR("x"), NULL), 0);
  for (i = 0; i < 100 && bw_control_clients(w->control); i++)
    bw_loop_turn(w->loop, 20, NULL);
  assert_int_equal(bw_control_clients(w->control), 0);
  assert_int_equal(read(fds[1], &byte, 1), 0);
  close(fds[1]);
}

/* ---- the socket ---- */

static void serve_child(const char *path)
{
  struct world w = {0};
  w.loop = bw_loop_new();
  if (bw_control_listen(w.loop, path, &events, &w, &w.control, NULL))
    _exit(1);
  bw_control_allow_tests(w.control, true);
  for (;;)
    bw_loop_turn(w.loop, 1000, NULL);
}

static struct bw_control_link *dial(const char *path)
{
  struct bw_control_link *link = NULL;
  int i;
  for (i = 0; i < 500 && bw_control_open(path, 5000, &link, NULL); i++)
    usleep(10000);
  assert_non_null(link);
  return link;
}

static void test_socket(void **state)
{
  struct world *w = *state;
  char dir[64], path[96];
  struct bw_control_link *link;
  struct bw_control *second;
  struct bw_buf out = {0};
  struct bw_error err;
  struct stat st;
  json_t *args;
  pid_t pid;
  int status;
  snprintf(dir, sizeof dir, "%s/bw-control-XXXXXX", P_tmpdir); /* short: a socket's path has 107 bytes */
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/control.sock", dir);
  assert_int_equal(bw_control_open(path, 1000, &link, &err), BW_EPEER);
  assert_non_null(strstr(err.message, "is basewatchd running"));
  pid = fork();
  if (pid == 0)
    serve_child(path);
  link = dial(path);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  args = json_pack("{s:s,s:s}", "lead", "L1", "hash", "abcdef0123456789");
  assert_int_equal(bw_control_call(link, "approve", args, &out, &err), 0);
  assert_string_equal(bw_buf_cstr(&out), "{\"command\":\"approve\"}");
  json_decref(args);
  args = json_pack("{s:s}", "lead", "L1");
  assert_int_equal(bw_control_call(link, "show", args, &out, &err), BW_ENOTFOUND);
  assert_string_equal(err.message, "there is no lead");
  json_decref(args);
  args = json_pack("{s:s}", "at", "2026-11-22T01:00:00Z");
  assert_int_equal(bw_control_call(link, "tick", args, &out, &err), 0);
  json_decref(args);
  /* a second daemon on the same socket is refused, a left-over of a killed one replaced */
  assert_int_equal(bw_control_listen(w->loop, path, &events, w, &second, &err), BW_EEXIST);
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  assert_int_equal(bw_control_call(link, "status", NULL, &out, &err), BW_EPEER);
  bw_control_close(&link);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(bw_control_listen(w->loop, path, &events, w, &second, &err), 0);
  bw_control_free(&second);
  assert_int_equal(stat(path, &st), -1);
  /* a plain file is left alone */
  fclose(fopen(path, "w"));
  assert_int_equal(bw_control_listen(w->loop, path, &events, w, &second, &err), BW_EEXIST);
  unlink(path);
  rmdir(dir);
  bw_buf_clear(&out);
}

/* Who decides is never left open. */
static void test_who(void **state)
{
  struct world *w = *state;
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  assert_int_equal(bw_control_attach(w->control, fds[0], BW_PEER_LOCAL, NULL), 0);
  bw_control_client_connect(w->client, fds[1], NULL);
  send_text(w, "{\"command\":\"approve\",\"lead\":\"L1\",\"hash\":\"abcdef012345\"}", 1000);
  settle(w, 1);
  assert_string_equal(w->who, "local");
  send_text(w, "{\"command\":\"approve\",\"lead\":\"L1\",\"hash\":\"abcdef012345\",\"who\":\"ann\"}", 1000);
  settle(w, 2);
  assert_string_equal(w->who, "ann");
  assert_string_equal(w->via, "local");
  send_text(w, "{\"command\":\"tick\",\"at\":\"2026-01-01\"}", 1000);
  settle(w, 3);
  assert_int_equal(w->code, BW_ESTATE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_commands_refused),
      cmocka_unit_test(test_commands_accepted),
      cmocka_unit_test(test_table_sound),
      cmocka_unit_test(test_error_round_trip),
      cmocka_unit_test(test_ingest_round_trip),
      cmocka_unit_test(test_metrics_text),
      cmocka_unit_test_setup_teardown(test_ask_and_answer, setup, teardown),
      cmocka_unit_test_setup_teardown(test_rejects_travel, setup, teardown),
      cmocka_unit_test_setup_teardown(test_client_gone, setup, teardown),
      cmocka_unit_test_setup_teardown(test_reconnect_fails_pending, setup, teardown),
      cmocka_unit_test_setup_teardown(test_kept_client_goes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
      cmocka_unit_test_setup_teardown(test_garbage_closes, setup, teardown),
      cmocka_unit_test_setup_teardown(test_socket, setup, teardown),
      cmocka_unit_test_setup_teardown(test_who, setup, teardown),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
