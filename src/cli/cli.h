/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, `basewatch`: speaks to the daemon over its control socket, and presents what it answers. */
#ifndef BW_CLI_CLI_H
#define BW_CLI_CLI_H

/* What the program ends with. */
enum bw_exit {
  BW_EXIT_OK = 0,
  BW_EXIT_REFUSED = 1,    /* the daemon, or a file, said no: the message says why */
  BW_EXIT_USAGE = 2,      /* the command was not understood; nothing was done */
  BW_EXIT_UNREACHABLE = 3 /* no daemon at the socket, or no answer in time */
};

/* The whole program; returns its exit code. */
int bw_cli_main(int argc, char **argv);

/* `basewatch replay ...`: argv[0] is "replay".  Not of this room: the program that links it provides it (it runs the pipeline,
   not a conversation with the daemon). */
int bw_cmd_replay(int argc, char **argv);
/* `basewatch plugin ...`, which reads its own arguments. */
int bw_cmd_plugin(int argc, char **argv);

#endif
