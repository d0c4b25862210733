/* SPDX-License-Identifier: Apache-2.0 */
/* The web role: its configuration, its sandbox, its line to core. */
#ifndef BW_DAEMON_WEB_ROLE_H
#define BW_DAEMON_WEB_ROLE_H

#include "config/config.h"
#include "daemon/options.h"

int daemon_web_run(int fd, const struct daemon_options *o);
/* Checks the section `web:` (NULL: defaults), of a file alone: the hosts of its addresses are looked up. */
int daemon_web_check(const struct bw_node *web, struct bw_complaints *c);
/* The same of one that is to replace the one in use: addresses that are new are tried. */
int daemon_web_check_live(const struct bw_node *web, const struct bw_node *in_use, struct bw_complaints *c);

#endif
