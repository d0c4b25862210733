/* SPDX-License-Identifier: Apache-2.0 */
/* A program with the one role `host`, for tests that need real host processes. */
#include "host/host.h"
#include "proc/proc.h"

static int run_host(int fd, int argc, char **argv)
{
  (void)argc, (void)argv;
  return bw_host_run(fd);
}

int main(int argc, char **argv)
{
  static const struct bw_role roles[] = {{"host", run_host, BW_ROLE_SLOTTED, 0, "Runs one watcher."}};
  int status;
  return bw_role_main(roles, 1, argc, argv, &status) ? status : 64;
}
