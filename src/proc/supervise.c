/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent: starts the others, passes them sockets, restarts them with backoff, stops them in order.  Its own process.
 * May be root, to give each child its user; parses nothing but fixed-size messages of its own children.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "proc/notify.h"
#include "proc/proc.h"
#include "proc/spawn.h"
#include "wire/conn.h"

#define START_TRIES 3 /* of a process that ends by itself before the daemon was ever ready */
#define MESSAGE_MAX 64
#define LEAVE_MS 2000 /* from closing its line to its end */

struct supervisor;

struct child {
  struct supervisor *sup;
  const struct bw_role *role; /* NULL: a slotted role's place, not used */
  pid_t pid;                  /* 0: does not run */
  struct bw_conn *conn;
  struct bw_timer *restart;
  bool ready;
  bool renewing;                                     /* the hub wants it to begin anew */
  int failures;                                      /* exits before the daemon was ready */
  int64_t started_at, ready_at, heard_at, closed_at; /* monotonic */
  int64_t backoff;
};

/* A process that the hub asked for. */
struct slot {
  pid_t pid;
  bool again;  /* asked for while it still ran: started when it has ended */
  bool orphan; /* its hub is dead: nobody is told of its end */
};

struct supervisor {
  struct bw_loop *loop;
  struct bw_notify *notify;
  const struct bw_role *roles;
  size_t nroles;
  int argc;
  char **argv;
  struct bw_supervise_options opt;
  struct child *children; /* one per role */
  struct child *hub;
  const struct bw_role *slotted;
  struct slot slots[BW_SLOTS_MAX];
  struct bw_timer *pinger, *stop_deadline, *watchdog;
  struct bw_watch *signals[4];
  int64_t ping_every, pinged_at;
  bool announced, stopping, slots_ended;
  bool reloading;          /* systemd was told so, and not yet that it is over */
  uint32_t reload_request; /* of the ping that follows the latest reload */
  unsigned stage;          /* stop_order that is being stopped */
  int status;
};

static void start(struct child *c);
static void start_again(void *ctx);
static void stop_step(struct supervisor *sup);

/* The hub has dealt with the latest reload: it answered what was sent after it, or it began anew. */
static void reloaded(struct supervisor *sup)
{
  if (sup->reloading)
    bw_notify_say(sup->notify, "READY=1", false);
  sup->reloading = false;
}

static void kill_pid(pid_t pid)
{
  if (pid > 0)
    (void)kill(pid, SIGKILL);
}

/* ---- messages to children ---- */

static void send_plain(struct child *c, enum bw_frame_type type)
{
  if (c->conn)
    (void)bw_conn_send(c->conn, (uint16_t)type, 0, BW_STR(""), NULL);
}

static void send_fd(struct child *c, enum bw_frame_type type, struct bw_str payload, int fd)
{
  if (!c->conn)
    close(fd);
  else if (bw_conn_send_fd(c->conn, (uint16_t)type, 0, payload, fd, NULL) < 0)
    kill_pid(c->pid); /* it has stopped reading its line */
}

static void send_gone(struct supervisor *sup, uint32_t slot, int status)
{
  struct bw_buf b = {0};
  bw_buf_add_u32(&b, slot);
  bw_buf_add_u32(&b, (uint32_t)status);
  if (sup->hub->conn)
    (void)bw_conn_send(sup->hub->conn, BW_FRAME_CHILD_GONE, 0, bw_buf_str(&b), NULL);
  bw_buf_clear(&b);
}

/* A fresh socket pair between a resident and the hub. */
static void introduce(struct child *c)
{
  struct child *hub = c->sup->hub;
  int fds[2];
  if (c == hub || !c->conn || !hub->conn)
    return;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
    bw_log(BW_LOG_ERROR, "cannot make a socket pair", "errno=%d", errno);
    return;
  }
  send_fd(hub, BW_FRAME_PEER, bw_str(c->role->name), fds[0]);
  send_fd(c, BW_FRAME_PEER, bw_str(hub->role->name), fds[1]);
}

/* ---- slots ---- */

static void slot_start(struct supervisor *sup, uint32_t n)
{
  const struct bw_spawn how = {.exe = sup->opt.exe, .role = sup->slotted->name, .user = sup->opt.user, .bare = true};
  struct bw_error err;
  struct bw_buf b = {0};
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
    bw_log(BW_LOG_ERROR, "cannot make a socket pair", "errno=%d", errno);
    send_gone(sup, n, 127 << 8);
    return;
  }
  if (bw_spawn(&how, fds[1], &sup->slots[n].pid, &err) < 0) {
    bw_log(BW_LOG_ERROR, "cannot start a process", "role=%s slot=%u error=%s", how.role, n, bw_log_quote(bw_str(err.message)));
    close(fds[0]);
    send_gone(sup, n, 127 << 8);
  } else {
    bw_buf_add_u32(&b, n);
    bw_buf_add_u32(&b, (uint32_t)sup->slots[n].pid);
    send_fd(sup->hub, BW_FRAME_SPAWNED, bw_buf_str(&b), fds[0]);
    bw_buf_clear(&b);
  }
  close(fds[1]);
}

static void slot_ended(struct supervisor *sup, uint32_t n, int status)
{
  struct slot *s = &sup->slots[n];
  struct slot was = *s;
  *s = (struct slot){0};
  if (was.again && !sup->stopping && sup->hub->conn)
    slot_start(sup, n);
  else if (!was.orphan)
    send_gone(sup, n, status);
}

/* Their hub is gone, or about to go. */
static void slots_kill(struct supervisor *sup)
{
  size_t i;
  for (i = 0; i < BW_SLOTS_MAX; i++)
    if (sup->slots[i].pid > 0) {
      sup->slots[i].orphan = true;
      sup->slots[i].again = false;
      kill_pid(sup->slots[i].pid);
    }
}

static bool slots_running(const struct supervisor *sup)
{
  size_t i;
  for (i = 0; i < BW_SLOTS_MAX; i++)
    if (sup->slots[i].pid > 0)
      return true;
  return false;
}

static int on_slot_message(struct child *c, uint16_t type, struct bw_str payload)
{
  struct supervisor *sup = c->sup;
  struct bw_reader in = bw_reader(payload.data, payload.len);
  uint32_t n = bw_read_u32(&in);
  struct slot *s;
  if (c != sup->hub || !sup->slotted || in.bad || payload.len != 4 || n >= BW_SLOTS_MAX)
    return BW_EPEER;
  s = &sup->slots[n];
  if (type == BW_FRAME_KILL) {
    s->again = false;
    kill_pid(s->pid);
  } else if (sup->stopping) {
    send_gone(sup, n, SIGTERM);
  } else if (s->pid > 0) {
    s->again = true;
    s->orphan = false;
    kill_pid(s->pid);
  } else {
    slot_start(sup, n);
  }
  return BW_OK;
}

/* ---- messages from children ---- */

static void announce(struct supervisor *sup)
{
  size_t i;
  for (i = 0; i < sup->nroles; i++)
    if (sup->children[i].role && !sup->children[i].ready)
      return;
  if (sup->announced)
    return;
  sup->announced = true;
  bw_log(BW_LOG_INFO, "ready", "roles=%zu", sup->nroles);
  bw_notify_say(sup->notify, "READY=1", false);
  if (sup->opt.ready)
    sup->opt.ready(sup->opt.ctx);
}

static int on_restart(struct child *from, struct bw_str name)
{
  struct supervisor *sup = from->sup;
  size_t i;
  for (i = 0; from == sup->hub && i < sup->nroles; i++) {
    struct child *c = &sup->children[i];
    if (!c->role || c == sup->hub || !bw_str_is(name, c->role->name))
      continue;
    c->renewing = c->pid > 0; /* one that waits to be started begins anew by itself */
    send_plain(c, BW_FRAME_STOP);
    return BW_OK;
  }
  return BW_EPEER;
}

static int on_frame(void *ctx, struct bw_conn *conn, uint16_t type, uint32_t request, struct bw_str payload)
{
  struct child *c = ctx;
  (void)conn;
  switch (type) {
  case BW_FRAME_CHILD_READY:
    if (!c->ready)
      c->ready_at = c->heard_at = bw_monotonic();
    c->ready = true;
    if (c == c->sup->hub)
      reloaded(c->sup);
    announce(c->sup);
    return BW_OK;
  case BW_FRAME_PONG:
    c->heard_at = bw_monotonic();
    if (c == c->sup->hub && request != 0 && request == c->sup->reload_request)
      reloaded(c->sup);
    return BW_OK;
  case BW_FRAME_RESTART:
    return on_restart(c, payload);
  case BW_FRAME_SPAWN:
  case BW_FRAME_KILL:
    return on_slot_message(c, type, payload);
  default:
    return BW_EPEER;
  }
}

/* A child that closed its line, or said what no child says, cannot be led any more.  Not killed at once: it may be on its way
   out, with a status that matters. */
static void on_closed(void *ctx, struct bw_conn *conn, const struct bw_error *why)
{
  struct child *c = ctx;
  (void)conn, (void)why;
  c->conn = NULL;
  c->closed_at = bw_monotonic();
}

/* ---- starting and restarting ---- */

static void restart_later(struct child *c)
{
  struct supervisor *sup = c->sup;
  int64_t delay = c->backoff;
  c->backoff = c->backoff * 2 < sup->opt.backoff_cap_ms ? c->backoff * 2 : sup->opt.backoff_cap_ms;
  bw_log(BW_LOG_WARN, "restarting a process", "child=%s in_ms=%lld", c->role->name, (long long)delay);
  bw_timer_free(&c->restart);
  c->restart = bw_timer_new(sup->loop, delay, false, start_again, c);
}

static void start(struct child *c)
{
  static const struct bw_conn_events events = {on_frame, on_closed, NULL};
  struct supervisor *sup = c->sup;
  const struct bw_spawn how = {.exe = sup->opt.exe,
                               .role = c->role->name,
                               .argc = sup->argc,
                               .argv = sup->argv,
                               .more = sup->announced ? sup->opt.again : NULL,
                               .user = sup->opt.user};
  struct bw_error err;
  size_t i;
  int fds[2];
  bw_timer_free(&c->restart);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
    bw_log(BW_LOG_ERROR, "cannot make a socket pair", "errno=%d", errno);
    restart_later(c);
    return;
  }
  if (bw_spawn(&how, fds[1], &c->pid, &err) < 0) {
    bw_log(BW_LOG_ERROR, "cannot start a process", "child=%s error=%s", c->role->name, bw_log_quote(bw_str(err.message)));
    close(fds[0]);
    close(fds[1]);
    restart_later(c);
    return;
  }
  close(fds[1]);
  c->conn = bw_conn_new(sup->loop, fds[0], MESSAGE_MAX, &events, c);
  c->ready = false;
  c->started_at = bw_monotonic();
  if (c != sup->hub)
    introduce(c);
  else
    for (i = 0; i < sup->nroles; i++)
      if (sup->children[i].role)
        introduce(&sup->children[i]);
}

static void start_again(void *ctx)
{
  start(ctx);
}

static void ended(struct child *c, int status)
{
  struct supervisor *sup = c->sup;
  int64_t now = bw_monotonic();
  bool asked = sup->stopping || c->renewing, renewing = c->renewing;
  bool config = WIFEXITED(status) && WEXITSTATUS(status) == BW_EXIT_CONFIG && !sup->announced;
  bw_log(asked ? BW_LOG_INFO : BW_LOG_WARN, "a process ended", "child=%s child_pid=%d exit=%d signal=%d", c->role->name,
         (int)c->pid, WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  if (c->ready && now - c->ready_at >= sup->opt.healthy_ms)
    c->backoff = sup->opt.backoff_ms;
  c->pid = 0;
  c->ready = false;
  bw_conn_free(&c->conn);
  if (c == sup->hub)
    slots_kill(sup);
  if (config && !asked) {
    sup->status = BW_EXIT_CONFIG;
    sup->stopping = true;
  } else if (!sup->announced && !asked && WIFEXITED(status) && ++c->failures == START_TRIES) {
    bw_log(BW_LOG_ERROR, "the daemon cannot start: what a process said of it stands above", "child=%s tries=%d", c->role->name,
           START_TRIES);
    sup->status = 1;
    sup->stopping = true;
  }
  c->renewing = false;
  if (sup->stopping)
    stop_step(sup);
  else if (renewing)
    start(c);
  else
    restart_later(c);
}

static void on_child(int signo, int unused, void *ctx)
{
  struct supervisor *sup = ctx;
  int status;
  pid_t pid;
  size_t i;
  (void)signo, (void)unused;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (i = 0; i < sup->nroles; i++)
      if (sup->children[i].pid == pid)
        ended(&sup->children[i], status);
    for (i = 0; i < BW_SLOTS_MAX; i++)
      if (sup->slots[i].pid == pid)
        slot_ended(sup, (uint32_t)i, status);
  }
  if (sup->stopping)
    stop_step(sup);
}

/* ---- hang deadlines ---- */

static void ping(void *ctx)
{
  struct supervisor *sup = ctx;
  int64_t now = bw_monotonic();
  /* We were held up ourselves (stopped, swapped out): answers may lie unread. */
  bool late = now - sup->pinged_at > 3 * sup->ping_every;
  size_t i;
  sup->pinged_at = now;
  for (i = 0; i < sup->nroles; i++) {
    struct child *c = &sup->children[i];
    if (!c->role || c->pid <= 0)
      continue;
    if (late)
      c->heard_at = now;
    if (!c->conn && now - c->closed_at > LEAVE_MS && !sup->stopping)
      kill_pid(c->pid);
    else if (c->ready ? now - c->heard_at > sup->opt.hang_ms : now - c->started_at > sup->opt.start_ms) {
      bw_log(BW_LOG_ERROR, c->ready ? "a process hangs and is killed" : "a process was not ready in time and is killed",
             "child=%s child_pid=%d", c->role->name, (int)c->pid);
      kill_pid(c->pid);
    } else if (c->ready && !sup->stopping) {
      send_plain(c, BW_FRAME_PING);
    }
  }
}

/* Not while a child owes an answer for long: either it is killed at its deadline and all is well again, or systemd ends us all.
 */
static void feed_watchdog(void *ctx)
{
  struct supervisor *sup = ctx;
  int64_t now = bw_monotonic();
  size_t i;
  for (i = 0; i < sup->nroles; i++) {
    const struct child *c = &sup->children[i];
    if (c->role && c->pid > 0 && c->ready && now - c->heard_at > sup->opt.hang_ms / 2)
      return;
  }
  bw_notify_say(sup->notify, "WATCHDOG=1", true);
}

/* ---- stopping ---- */

static void kill_everything(struct supervisor *sup)
{
  size_t i;
  for (i = 0; i < sup->nroles; i++)
    kill_pid(sup->children[i].pid);
  slots_kill(sup);
}

static void stop_late(void *ctx)
{
  struct supervisor *sup = ctx;
  size_t i;
  for (i = 0; i < sup->nroles; i++) {
    struct child *c = &sup->children[i];
    if (c->role && c->pid > 0 && c->role->stop_order <= sup->stage) {
      bw_log(BW_LOG_WARN, "a process did not stop in time and is killed", "child=%s", c->role->name);
      kill_pid(c->pid);
    }
  }
  bw_timer_again(sup->stop_deadline, sup->opt.stop_ms);
}

/* The lowest stop_order among what runs; false: nothing does. */
static bool next_stage(const struct supervisor *sup, unsigned *ret_stage)
{
  bool any = false;
  size_t i;
  for (i = 0; i < sup->nroles; i++) {
    const struct child *c = &sup->children[i];
    if (!c->role || c->pid <= 0 || (any && c->role->stop_order >= *ret_stage))
      continue;
    *ret_stage = c->role->stop_order;
    any = true;
  }
  return any;
}

/* Called whenever something has ended: begins the next stage when the present one is over. */
static void stop_step(struct supervisor *sup)
{
  unsigned stage = 0;
  bool any = next_stage(sup, &stage);
  size_t i;
  for (i = 0; i < sup->nroles; i++)
    bw_timer_free(&sup->children[i].restart);
  if (any && sup->stop_deadline && stage == sup->stage)
    return;
  /* Watcher hosts just before the hub: they only hold what a snapshot and the journal can give back. */
  if ((!any || stage == sup->hub->role->stop_order) && slots_running(sup)) {
    slots_kill(sup);
    return;
  }
  if (!any) {
    bw_loop_stop(sup->loop);
    return;
  }
  sup->stage = stage;
  for (i = 0; i < sup->nroles; i++)
    if (sup->children[i].role && sup->children[i].role->stop_order == stage)
      send_plain(&sup->children[i], BW_FRAME_STOP);
  bw_timer_free(&sup->stop_deadline);
  sup->stop_deadline = bw_timer_new(sup->loop, sup->opt.stop_ms, false, stop_late, sup);
}

static void on_stop(int signo, int unused, void *ctx)
{
  struct supervisor *sup = ctx;
  (void)unused;
  if (sup->stopping) {
    bw_log(BW_LOG_WARN, "asked again to stop: killing what still runs", "signal=%d", signo);
    kill_everything(sup);
    return;
  }
  bw_log(BW_LOG_INFO, "stopping", "signal=%d", signo);
  bw_notify_say(sup->notify, "STOPPING=1", false);
  sup->stopping = true;
  stop_step(sup);
}

static void on_reload(int signo, int unused, void *ctx)
{
  struct supervisor *sup = ctx;
  struct timespec now = {0};
  char text[64];
  (void)signo, (void)unused;
  if (sup->stopping)
    return;
  if (sup->announced) {
    /* systemd takes only a time after its own signal for an answer to it: microseconds matter. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + (long long)now.tv_nsec / 1000);
    bw_notify_say(sup->notify, text, false);
    sup->reloading = true;
  }
  if (++sup->reload_request == 0)
    sup->reload_request = 1;
  send_plain(sup->hub, BW_FRAME_RELOAD);
  if (sup->hub->conn) /* answered in order: after the reload */
    (void)bw_conn_send(sup->hub->conn, BW_FRAME_PING, sup->reload_request, BW_STR(""), NULL);
}

/* ---- the whole ---- */

static void defaults(struct bw_supervise_options *o)
{
  int64_t watchdog = bw_notify_watchdog_ms();
  /* A hung child is to be ended by us, before systemd ends everything. */
  if (!o->hang_ms && watchdog && watchdog / 2 < 60 * BW_SECOND)
    o->hang_ms = watchdog / 2;
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
  DEFAULT(backoff_ms, 200);
  DEFAULT(backoff_cap_ms, 30 * BW_SECOND);
  DEFAULT(healthy_ms, 60 * BW_SECOND);
  DEFAULT(hang_ms, 60 * BW_SECOND);
  DEFAULT(start_ms, 30 * BW_MINUTE);
  DEFAULT(stop_ms, 20 * BW_SECOND);
  DEFAULT(exe, "/proc/self/exe");
#undef DEFAULT
}

static void prepare(struct supervisor *sup)
{
  size_t i;
  sup->children = bw_calloc(sup->nroles, sizeof *sup->children);
  for (i = 0; i < sup->nroles; i++) {
    struct child *c = &sup->children[i];
    c->sup = sup;
    c->backoff = sup->opt.backoff_ms;
    if (sup->roles[i].flags & BW_ROLE_SLOTTED) {
      sup->slotted = &sup->roles[i];
      continue;
    }
    c->role = &sup->roles[i];
    if (c->role->flags & BW_ROLE_HUB)
      sup->hub = c;
  }
  BW_ASSERT(sup->hub);
  sup->signals[0] = bw_watch_signal(sup->loop, SIGCHLD, on_child, sup);
  sup->signals[1] = bw_watch_signal(sup->loop, SIGTERM, on_stop, sup);
  sup->signals[2] = bw_watch_signal(sup->loop, SIGINT, on_stop, sup);
  sup->signals[3] = bw_watch_signal(sup->loop, SIGHUP, on_reload, sup);
  sup->ping_every = sup->opt.hang_ms / 4 > 0 ? sup->opt.hang_ms / 4 : 1;
  sup->pinged_at = bw_monotonic();
  sup->pinger = bw_timer_new(sup->loop, sup->ping_every, true, ping, sup);
  if (bw_notify_watchdog_ms() > 0)
    sup->watchdog = bw_timer_new(sup->loop, bw_notify_watchdog_ms() / 2, true, feed_watchdog, sup);
}

static void clear(struct supervisor *sup)
{
  size_t i;
  for (i = 0; i < sizeof sup->signals / sizeof *sup->signals; i++)
    bw_watch_free(&sup->signals[i]);
  bw_timer_free(&sup->pinger);
  bw_timer_free(&sup->stop_deadline);
  bw_timer_free(&sup->watchdog);
  for (i = 0; i < sup->nroles; i++) {
    bw_timer_free(&sup->children[i].restart);
    bw_conn_free(&sup->children[i].conn);
  }
  free(sup->children);
  bw_notify_free(&sup->notify);
  bw_loop_free(&sup->loop);
}

int bw_supervise(const struct bw_role *roles, size_t n, int argc, char **argv, const struct bw_supervise_options *options)
{
  struct supervisor *sup = bw_alloc(sizeof *sup);
  struct bw_error err;
  size_t i;
  int status;
  (void)signal(SIGPIPE, SIG_IGN);
  sup->loop = bw_loop_new();
  sup->notify = bw_notify_new(sup->loop);
  sup->roles = roles;
  sup->nroles = n;
  sup->argc = argc;
  sup->argv = argv;
  if (options)
    sup->opt = *options;
  defaults(&sup->opt);
  prepare(sup);
  start(sup->hub);
  for (i = 0; i < n; i++)
    if (sup->children[i].role && &sup->children[i] != sup->hub)
      start(&sup->children[i]);
  if (bw_loop_run(sup->loop, &err) < 0) {
    bw_log(BW_LOG_ERROR, "the parent failed", "error=%s", bw_log_quote(bw_str(err.message)));
    sup->status = 1;
    kill_everything(sup);
  }
  status = sup->status;
  clear(sup);
  free(sup);
  return status;
}
