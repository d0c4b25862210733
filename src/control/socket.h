/* SPDX-License-Identifier: Apache-2.0 */
/* The listening unix socket: replaces what a dead process left, and names who connects. */
#ifndef BW_CONTROL_SOCKET_H
#define BW_CONTROL_SOCKET_H

#include "loop/loop.h"

struct bw_socket;

/* accepted() is given each new connection (close-on-exec, non-blocking; its own from then on) and the peer's login name. */
int bw_socket_listen(struct bw_loop *loop, const char *path, void (*accepted)(void *ctx, int fd, const char *who), void *ctx,
                     struct bw_socket **ret_socket, struct bw_error *err);
/* Removes the socket file, unless someone else's stands there by now. */
void bw_socket_free(struct bw_socket **socket);

#endif
