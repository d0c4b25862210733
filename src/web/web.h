/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web role: Segment's HTTP API for events, /healthz and /metrics.  Parses and checks what strangers send, hands it to core
 * over the control API, and says "success" only after core's commit.  No store, no secrets but the write keys.
 */
#ifndef BW_WEB_WEB_H
#define BW_WEB_WEB_H

#include <sys/socket.h>

#include "base/time.h"
#include "config/config.h"
#include "control/client.h"
#include "loop/loop.h"

struct bw_web;

/* Who may send, and under which name it is recorded. */
struct bw_web_key {
  char *key;    /* the write key; compared in constant time */
  char *source; /* "app", "website": names the feed in records and metrics */
  double rate;  /* events per second that it may send, with a burst of ten seconds; 0: no limit */
};

struct bw_web_config {
  const struct bw_node *listen_node; /* as read from the file: one "host:port" or a list of them */
  const struct bw_node *keys_node;   /* as read: {source: key} or {source: {key, rate}} */
  int64_t max_batch, max_inflated, max_ratio, max_inflight, max_connections, max_headers;
  int64_t core_timeout, read_timeout, idle_timeout, retry_after;
  /* what bw_web_config_finish() makes of listen and keys, or a test sets itself */
  char **listen; /* "127.0.0.1:8181", "[::1]:8181"; port 0: any */
  size_t nlisten;
  struct bw_web_key *keys;
  size_t nkeys;
};

/* For the section `web:` of the daemon's configuration: bw_settings_read(bw_web_settings, bw_web_nsettings, node, &config, c).
 */
extern const struct bw_setting bw_web_settings[];
extern const size_t bw_web_nsettings;
/* Checks and copies the lists after bw_settings_read(); the nodes are not needed afterwards.  BW_EINVAL: complained about. */
int bw_web_config_finish(struct bw_web_config *config, struct bw_complaints *c);
/* The table's defaults, one listen address 127.0.0.1:0 and no keys; for tests. */
void bw_web_config_init(struct bw_web_config *config);
void bw_web_config_clear(struct bw_web_config *config);

/* Where the address of a setting is.  BW_EINVAL, BW_EIO: it is none, or its host is not known. */
int bw_web_resolve(const char *address, struct sockaddr_storage *ret, struct bw_error *err);
/* Whether web could not listen at both: they are one address and port, or one of them is that port of all addresses. */
bool bw_web_collide(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/* Whether web can listen at it when it begins anew; ours: where it listens now.  BW_EEXIST: somebody else has that port;
   BW_EIO: otherwise not. */
int bw_web_try_address(const char *address, const struct sockaddr_storage *ours, size_t n, struct bw_error *err);

/*
 * Starts to listen.  Loop, config, client and clock are borrowed and outlive it.  client may be unconnected: 503 until it is.
 * bound (may be NULL) is told each address really bound, "127.0.0.1:40123".  BW_EIO: an address cannot be bound; it is named.
 */
int bw_web_new(struct bw_loop *loop, const struct bw_web_config *config, struct bw_control_client *client,
               const struct bw_clock *clock, void (*bound)(void *ctx, const char *address), void *ctx, struct bw_web **ret_web,
               struct bw_error *err);
/* Asks core whether it is there, which /healthz goes by, instead of at the next of its turns; for a client newly connected. */
void bw_web_ping(struct bw_web *web);
/* Stops accepting; `done` is called when the last answer went out or after grace_ms. */
void bw_web_drain(struct bw_web *web, int64_t grace_ms, void (*done)(void *ctx), void *ctx);
void bw_web_free(struct bw_web **web);

#endif
