/* SPDX-License-Identifier: Apache-2.0 */
/* The web role.  Reads its own section of the configuration, opens its listeners, then gives up files and new sockets. */
#include "daemon/web_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/log.h"
#include "core/core.h"
#include "proc/proc.h"
#include "proc/sandbox.h"
#include "web/web.h"

struct web_role {
  struct bw_loop *loop;
  struct bw_parent_link *parent;
  struct bw_control_client *client;
  struct bw_web *web;
  char *port_file; /* the first address bound, for scripts */
};

static void on_peer(void *ctx, const char *role, int fd)
{
  struct web_role *w = ctx;
  struct bw_error err;
  (void)role;
  if (bw_control_client_connect(w->client, fd, &err) < 0)
    bw_log(BW_LOG_ERROR, "core cannot be reached", "error=%s", BW_Q(err.message));
  else
    bw_web_ping(w->web);
}

static void stopped(void *ctx)
{
  struct web_role *w = ctx;
  bw_loop_stop(w->loop);
}

static void on_stop(void *ctx)
{
  struct web_role *w = ctx;
  if (w->web)
    bw_web_drain(w->web, 5000, stopped, w);
  else
    bw_loop_stop(w->loop);
}

static const struct bw_parent_events events = {.peer = on_peer, .stop = on_stop};

static void on_bound(void *ctx, const char *address)
{
  struct web_role *w = ctx;
  FILE *f;
  bw_log(BW_LOG_INFO, "listening", "address=%s", address);
  f = w->port_file ? fopen(w->port_file, "we") : NULL;
  if (f) {
    (void)fprintf(f, "%s\n", address);
    (void)fclose(f);
  }
  free(w->port_file);
  w->port_file = NULL;
}

static int read_section(const struct bw_node *web, struct bw_web_config *ret, struct bw_complaints *c)
{
  static const struct bw_node empty = {.type = BW_NODE_MAP, .file = "basewatch.yaml"};
  int rc = bw_settings_read(bw_web_settings, bw_web_nsettings, web && web->type != BW_NODE_NULL ? web : &empty, ret, c);
  return rc < 0 ? rc : bw_web_config_finish(ret, c);
}

/* Which of those before it has i's address; i: none. */
static size_t listened_by(const struct sockaddr_storage *places, size_t i)
{
  size_t k;
  for (k = 0; k < i && !bw_web_collide(&places[k], &places[i]); k++)
    ;
  return k;
}

/* Where web listens, as far as its settings say it: a port that was found for port 0 is not known here. */
static size_t places_of(const struct bw_web_config *in_use, struct sockaddr_storage *ret)
{
  struct bw_error err;
  size_t i, n = 0;
  for (i = 0; in_use && i < in_use->nlisten; i++)
    n += bw_web_resolve(in_use->listen[i], &ret[n], &err) == 0;
  return n;
}

/* in_use: NULL where nothing is. */
static int try_addresses(const struct bw_node *web, const struct bw_web_config *config, const struct bw_web_config *in_use,
                         struct bw_complaints *c)
{
  const struct bw_node *list = bw_node_get(web, "listen"), *nodes = list && list->type == BW_NODE_LIST ? list->items : list;
  struct sockaddr_storage *places = bw_calloc(config->nlisten, sizeof *places);
  struct sockaddr_storage *ours = in_use ? bw_calloc(in_use->nlisten, sizeof *ours) : NULL;
  size_t i, k, before = c->count, nours = places_of(in_use, ours);
  struct bw_error err;
  for (i = 0; nodes && i < config->nlisten; i++) {
    const char *address = config->listen[i];
    if (bw_web_resolve(address, &places[i], &err) < 0)
      bw_complain(c, &nodes[i], "%s", err.message);
    else if ((k = listened_by(places, i)) < i)
      bw_complain(c, &nodes[i], "%s is listened at already, by %s (line %u, column %u); leave one of them out", address,
                  config->listen[k], nodes[k].line, nodes[k].column);
    else if (in_use && bw_web_try_address(address, ours, nours, &err) < 0)
      bw_complain(c, &nodes[i], "%s", err.message);
  }
  free(places);
  free(ours);
  return c->count == before ? BW_OK : BW_EINVAL;
}

int daemon_web_check(const struct bw_node *web, struct bw_complaints *c)
{
  struct bw_web_config config = {0};
  int rc = read_section(web, &config, c);
  if (rc == 0)
    rc = try_addresses(web, &config, NULL, c);
  bw_web_config_clear(&config);
  return rc;
}

int daemon_web_check_live(const struct bw_node *web, const struct bw_node *in_use, struct bw_complaints *c)
{
  struct bw_web_config config = {0}, now = {0};
  struct bw_complaints of_then = {0};
  int rc = read_section(web, &config, c);
  if (rc == 0 && read_section(in_use, &now, &of_then) == 0)
    rc = try_addresses(web, &config, &now, c);
  bw_complaints_clear(&of_then);
  bw_web_config_clear(&config);
  bw_web_config_clear(&now);
  return rc;
}

/* Only `web:` of basewatch.yaml is of interest here; core checks the rest. */
static int read_config(const char *dir, struct bw_web_config *ret)
{
  char *path = bw_asprintf("%s/basewatch.yaml", dir);
  struct bw_complaints c = {0};
  struct bw_document *doc = NULL;
  int rc = bw_document_load(path, false, &doc, &c);
  if (rc == 0)
    rc = read_section(bw_node_get(bw_document_root(doc), "web"), ret, &c);
  if (rc < 0)
    (void)fputs(bw_buf_cstr(&c.text), stderr);
  bw_document_free(&doc);
  bw_complaints_clear(&c);
  free(path);
  return rc;
}

int daemon_web_run(int fd, const struct daemon_options *o)
{
  struct web_role w = {.port_file = bw_asprintf("%s/web.address", o->state_dir)};
  struct bw_web_config config = {0};
  struct bw_error err = {0};
  char *accepted BW_AUTOFREE = o->again ? core_accepted_dir(o->state_dir) : NULL;
  int rc = read_config(accepted ? accepted : o->config_dir, &config);
  if (rc < 0)
    return BW_EXIT_CONFIG;
  (void)mkdir(o->state_dir, 0700); /* core makes it too; whoever comes first */
  w.loop = bw_loop_new();
  w.parent = bw_parent_link_new(w.loop, fd, &events, &w);
  w.client = bw_control_client_new(w.loop);
  rc = bw_web_new(w.loop, &config, w.client, daemon_clock(o), on_bound, &w, &w.web, &err);
  json_object_seed(0); /* jansson wants random numbers from a file, which the sandbox takes away */
  if (rc == 0)
    rc = bw_sandbox_web(true, &err);
  if (rc == 0)
    rc = bw_parent_ready(w.parent, &err);
  if (rc == 0)
    rc = bw_loop_run(w.loop, &err);
  if (rc < 0)
    bw_log(BW_LOG_ERROR, "web ends", "error=%s", BW_Q(err.message));
  bw_web_free(&w.web);
  bw_control_client_free(&w.client);
  bw_parent_link_free(&w.parent);
  bw_web_config_clear(&config);
  bw_loop_free(&w.loop);
  free(w.port_file);
  return rc < 0 ? 1 : 0;
}
