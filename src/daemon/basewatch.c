/* SPDX-License-Identifier: Apache-2.0 */
/* basewatch: the command line. */
#include "cli/cli.h"
#include "replay/command.h"

int bw_cmd_replay(int argc, char **argv)
{
  return bw_replay_command(argc, argv);
}

int main(int argc, char **argv)
{
  return bw_cli_main(argc, argv);
}
