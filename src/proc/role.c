/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first lines of main() in a child.  Runs in every process but the parent.
 * No privileges needed.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "proc/proc.h"

#define EX_USAGE 64

static const struct bw_role *find(const struct bw_role *roles, size_t n, const char *name)
{
  size_t i;
  for (i = 0; i < n; i++)
    if (strcmp(roles[i].name, name) == 0)
      return &roles[i];
  return NULL;
}

bool bw_role_main(const struct bw_role *roles, size_t n, int argc, char **argv, int *ret_status)
{
  static const int parents_alone[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
  const struct bw_role *role;
  size_t i;
  if (argc < 2 || strcmp(argv[1], "--role") != 0)
    return false;
  role = argc > 2 ? find(roles, n, argv[2]) : NULL;
  *ret_status = EX_USAGE;
  if (!role || fcntl(BW_FD_PARENT, F_GETFD) < 0) {
    bw_log(BW_LOG_ERROR, "--role is how the daemon starts its own processes; it cannot be given by hand", "role=%s",
           argc > 2 ? BW_Q(argv[2]) : "none");
    return true;
  }
  /* The parent takes the signals, of the terminal and of systemd, and stops its children in order. */
  for (i = 0; i < sizeof parents_alone / sizeof *parents_alone; i++)
    (void)signal(parents_alone[i], SIG_IGN);
  bw_log_init(role->name, BW_LOG_INFO);
  argv[2] = argv[0];
  *ret_status = role->run(BW_FD_PARENT, argc - 2, argv + 2);
  return true;
}
