/* SPDX-License-Identifier: Apache-2.0 */
/* `basewatch replay`, for the program that links it. */
#ifndef BW_REPLAY_COMMAND_H
#define BW_REPLAY_COMMAND_H

/* argv[0] is "replay".  Exit code: 0, 1 refused or failed, 2 usage. */
int bw_replay_command(int argc, char **argv);

#endif
