/* SPDX-License-Identifier: Apache-2.0 */
/* The command line without replay, for black-box tests against a stand-in daemon (tests/cli). */
#include <stdio.h>

#include "cli/cli.h"

int bw_cmd_replay(int argc, char **argv)
{
  (void)printf("replay %d %s\n", argc, argv[argc - 1]);
  return BW_EXIT_OK;
}

int main(int argc, char **argv)
{
  return bw_cli_main(argc, argv);
}
