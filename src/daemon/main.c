/* SPDX-License-Identifier: Apache-2.0 */
/* basewatchd: the role table.  The parent supervises; each role is a re-execution of this program. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "core/core.h"
#include "daemon/options.h"
#include "daemon/web_role.h"
#include "host/host.h"
#include "pipeline/setup.h"
#include "proc/proc.h"

static int core_role(int fd, int argc, char **argv)
{
  struct daemon_options o;
  struct bw_core_options co;
  if (daemon_options_parse(argc, argv, &o) != 0)
    return BW_EXIT_CONFIG;
  bw_log_init("core", o.verbose ? BW_LOG_DEBUG : BW_LOG_INFO);
  co = (struct bw_core_options){.config_dir = o.config_dir,
                                .state_dir = o.state_dir,
                                .plugin_dir = o.plugin_dir,
                                .host_exe = "/proc/self/exe",
                                .again = o.again,
                                .clock = daemon_clock(&o),
                                .tests = o.tests,
                                .check_web = daemon_web_check_live};
  return bw_core_run(fd, &co);
}

static int web_role(int fd, int argc, char **argv)
{
  struct daemon_options o;
  if (daemon_options_parse(argc, argv, &o) != 0)
    return BW_EXIT_CONFIG;
  bw_log_init("web", o.verbose ? BW_LOG_DEBUG : BW_LOG_INFO);
  return daemon_web_run(fd, &o);
}

static int host_role(int fd, int argc, char **argv)
{
  (void)argc;
  (void)argv;
  bw_log_init("host", BW_LOG_INFO);
  return bw_host_run(fd);
}

static const struct bw_role roles[] = {
    {"core", core_role, BW_ROLE_HUB, 30, "the journal, the rules, the decisions; the only one that opens the store"},
    {"web", web_role, 0, 10, "HTTP in"},
    {"host", host_role, BW_ROLE_SLOTTED, 20, "one watcher plugin, sandboxed"},
};
#define NROLES (sizeof roles / sizeof *roles)

static int check(const struct daemon_options *o)
{
  const struct bw_setup_options so = {o->plugin_dir, "/proc/self/exe"};
  struct bw_complaints complaints = {0};
  struct bw_setup *setup = NULL;
  int rc = bw_setup_load(o->config_dir, &so, &setup, &complaints);
  if (rc == 0)
    rc = daemon_web_check(setup->web, &complaints);
  (void)fputs(bw_buf_cstr(&complaints.text), stdout);
  if (rc == 0)
    (void)printf("%s: the configuration is sound\n", o->config_dir);
  bw_complaints_clear(&complaints);
  bw_setup_free(&setup);
  return rc == 0 ? 0 : 1;
}

/* Of the user that the other processes will be. */
static void make_state_dir(const struct daemon_options *o)
{
  const struct passwd *user = o->user ? getpwnam(o->user) : NULL;
  if ((o->user && !user) || mkdir(o->state_dir, 0700) < 0) /* there is no such user: that is said in a moment */
    return;
  if (user && chown(o->state_dir, user->pw_uid, user->pw_gid) < 0)
    (void)rmdir(o->state_dir);
}

/* One daemon to a state directory: known before any process of this one touches it.  Held until the parent ends, however it
   ends. False: it is another one's.  Where the directory cannot be made or opened, core says so. */
static bool claim(const struct daemon_options *o)
{
  int fd;
  make_state_dir(o);
  fd = open(o->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return true;
  (void)close(fd);
  bw_log(BW_LOG_ERROR, "another basewatchd uses this state directory; stop that one first, or name another with --state",
         "state=%s", BW_Q(o->state_dir));
  return false;
}

/* The children are told when the daemon's clock began, so that one that is restarted does not begin again. */
static int supervise(const struct daemon_options *o, int argc, char **argv)
{
  struct bw_supervise_options so = {.user = o->user, .hang_ms = o->hang_ms, .again = "--again"};
  char **args = bw_calloc((size_t)argc + 3, sizeof(char *));
  char *at = bw_asprintf("%lld", (long long)bw_clock_now(bw_clock_system()));
  int i, status;
  if (o->tests) { /* which kill in earnest, again and again: no patience is asked of them */
    so.backoff_ms = 20;
    so.backoff_cap_ms = 200;
  }
  for (i = 0; i < argc; i++)
    args[i] = argv[i];
  args[argc] = bw_strdup("--started-at");
  args[argc + 1] = at;
  status = bw_supervise(roles, NROLES, argc + 2, args, &so);
  free(args[argc]);
  free(at);
  free(args);
  return status;
}

int main(int argc, char **argv)
{
  struct daemon_options o;
  int status = 0;
  if (bw_role_main(roles, NROLES, argc, argv, &status))
    return status;
  bw_log_init("parent", BW_LOG_INFO);
  status = daemon_options_parse(argc, argv, &o);
  if (status != 0)
    return status > 0 ? 0 : 2;
  (void)signal(SIGPIPE, SIG_IGN);
  if (o.check)
    return check(&o);
  return claim(&o) ? supervise(&o, argc, argv) : BW_EXIT_CONFIG;
}
