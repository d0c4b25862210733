/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent tells systemd (sd_notify(3)), without ever waiting for it: a parent that waits leads nobody. */
#ifndef BW_PROC_NOTIFY_H
#define BW_PROC_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct bw_notify;

/* To the datagram socket that NOTIFY_SOCKET names (a path, or "@" and an abstract name).  Never NULL: without one, nothing is
   said. */
struct bw_notify *bw_notify_new(struct bw_loop *loop);
void bw_notify_free(struct bw_notify **n);
/* Messages arrive in order.  Where systemd does not read for the moment they wait; one of no further use (the watchdog's) is
   dropped then. */
void bw_notify_say(struct bw_notify *n, const char *message, bool drop_if_late);
/* How often systemd wants to hear WATCHDOG=1, in ms (WATCHDOG_USEC, if WATCHDOG_PID is us); 0: not at all. */
int64_t bw_notify_watchdog_ms(void);

#endif
