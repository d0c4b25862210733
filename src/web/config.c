/* SPDX-License-Identifier: Apache-2.0 */
/* What can be set about the web role, its defaults, and the checks of its lists.  No privileges. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "web/internal.h"

#define OFFSET(field) offsetof(struct bw_web_config, field)
#define MAX_LISTEN 16
#define MAX_KEYS 1000
#define KEY_MIN 8
#define KEY_MAX 256
#define DEFAULT_LISTEN "127.0.0.1:8380"

const struct bw_setting bw_web_settings[] = {
    {"listen", BW_SETTING_NODE, OFFSET(listen_node), "", 0, 0, NULL,
     "Address and port, or a list of them: 127.0.0.1:8380, \"[::1]:8380\"; port 0 takes any."},
    {"keys", BW_SETTING_NODE, OFFSET(keys_node), "", 0, 0, NULL,
     "Who may send: a map from a source's name to its write key, or to {key, rate} (events per second)."},
    {"max_batch", BW_SETTING_SIZE, OFFSET(max_batch), "500K", 1024, 500 << 10, NULL,
     "Largest request body as it arrives (Segment: 500 KB)."},
    {"max_inflated", BW_SETTING_SIZE, OFFSET(max_inflated), "10M", 1024, 64 << 20, NULL,
     "Largest body after inflating what came compressed."},
    {"max_ratio", BW_SETTING_INTEGER, OFFSET(max_ratio), "200", 2, 1100, NULL,
     "How many times its size a compressed body may grow, beyond the first 64 KB."},
    {"max_inflight", BW_SETTING_SIZE, OFFSET(max_inflight), "64M", 1 << 20, 1 << 30, NULL,
     "Bytes that may wait for core's commit; beyond, senders are told 429."},
    {"max_connections", BW_SETTING_INTEGER, OFFSET(max_connections), "512", 1, 65536, NULL,
     "Open connections; further ones wait in the kernel's queue until one ends, and the idlest are ended then."},
    {"max_headers", BW_SETTING_SIZE, OFFSET(max_headers), "16K", 1024, 1 << 20, NULL, "Largest request head."},
    {"core_timeout", BW_SETTING_DURATION, OFFSET(core_timeout), "10s", 100, 600000, NULL,
     "How long to wait for core's commit; then senders are told 503."},
    {"read_timeout", BW_SETTING_DURATION, OFFSET(read_timeout), "30s", 100, 3600000, NULL,
     "How long a client may take to send one whole request."},
    {"idle_timeout", BW_SETTING_DURATION, OFFSET(idle_timeout), "75s", 100, 3600000, NULL,
     "How long a connection may stay open between requests."},
    {"retry_after", BW_SETTING_DURATION, OFFSET(retry_after), "5s", 1000, 3600000, NULL,
     "What 429 and 503 tell the sender to wait."},
};
const size_t bw_web_nsettings = sizeof bw_web_settings / sizeof bw_web_settings[0];

void bw_web_config_init(struct bw_web_config *config)
{
  struct bw_complaints none = {0};
  memset(config, 0, sizeof *config);
  (void)bw_settings_read(bw_web_settings, bw_web_nsettings, NULL, config, &none);
  bw_complaints_clear(&none);
  config->listen = bw_alloc(sizeof *config->listen);
  config->listen[0] = bw_strdup("127.0.0.1:0");
  config->nlisten = 1;
}

void bw_web_config_clear(struct bw_web_config *config)
{
  size_t i;
  for (i = 0; i < config->nlisten; i++)
    free(config->listen[i]);
  free(config->listen);
  for (i = 0; i < config->nkeys; i++) {
    free(config->keys[i].key);
    free(config->keys[i].source);
  }
  free(config->keys);
  memset(config, 0, sizeof *config);
}

/* ---- listen ---- */

static void add_listen(struct bw_web_config *config, const struct bw_node *n, struct bw_complaints *c)
{
  char host[128];
  uint16_t port;
  if (n->type != BW_NODE_STRING || bw_address_split(n->text, host, sizeof host, &port)) {
    bw_complain(c, n, "'%.*s' is no address to listen at; write host:port, such as 127.0.0.1:8380 or \"[::1]:8380\"",
                BW_FMT(n->text));
    return;
  }
  config->listen[config->nlisten++] = bw_str_dup(n->text);
}

static void read_listen(struct bw_web_config *config, struct bw_complaints *c)
{
  const struct bw_node *n = config->listen_node;
  size_t i, count = n && n->type == BW_NODE_LIST ? n->nitems : 1;
  config->listen = bw_calloc(count ? count : 1, sizeof *config->listen);
  if (!n) {
    config->listen[config->nlisten++] = bw_strdup(DEFAULT_LISTEN);
  } else if (n->type == BW_NODE_LIST && (count == 0 || count > MAX_LISTEN)) {
    bw_complain(c, n, "'listen' names %zu addresses; 1 to %d can be listened at", count, MAX_LISTEN);
  } else {
    for (i = 0; i < count; i++)
      add_listen(config, n->type == BW_NODE_LIST ? &n->items[i] : n, c);
  }
}

/* ---- keys ---- */

static bool is_plain(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if ((unsigned char)s.data[i] <= 0x20 || (unsigned char)s.data[i] >= 0x7f)
      return false;
  return s.len > 0;
}

static void add_key(struct bw_web_config *config, const struct bw_node *n, struct bw_complaints *c)
{
  const struct bw_node *key = n->type == BW_NODE_MAP ? bw_node_get(n, "key") : n;
  const struct bw_node *rate = n->type == BW_NODE_MAP ? bw_node_get(n, "rate") : NULL;
  struct bw_web_key *k = &config->keys[config->nkeys];
  size_t i;
  if (!is_plain(n->key) || n->key.len > 64) {
    bw_complain_key(c, n, "a source's name has 1 to 64 printable characters without spaces");
    return;
  }
  if (bw_str_prefix(n->key, "history") || bw_str_prefix(n->key, "import")) {
    bw_complain_key(c, n, "'%.*s': sources named history... and import... are those of the command line; choose another name",
                    BW_FMT(n->key));
    return;
  }
  if (!key || (key->type != BW_NODE_STRING && key->type != BW_NODE_NUMBER) || !is_plain(key->text) || key->text.len < KEY_MIN ||
      key->text.len > KEY_MAX) {
    bw_complain(c, key ? key : n, "the write key of '%.*s' must be a string of %d to %d printable characters without spaces",
                BW_FMT(n->key), KEY_MIN, KEY_MAX);
    return;
  }
  if (rate && (rate->type != BW_NODE_NUMBER || rate->number <= 0)) {
    bw_complain(c, rate, "'rate' must be a number of events per second, above 0");
    return;
  }
  for (i = 0; i < config->nkeys; i++)
    if (bw_str_is(key->text, config->keys[i].key)) {
      bw_complain(c, key, "the write key of '%.*s' is also that of '%s'; every source needs its own", BW_FMT(n->key),
                  config->keys[i].source);
      return;
    }
  k->key = bw_str_dup(key->text);
  k->source = bw_str_dup(n->key);
  k->rate = rate ? rate->number : 0;
  config->nkeys++;
}

static void check_key_fields(const struct bw_node *n, struct bw_complaints *c)
{
  size_t i;
  if (n->type != BW_NODE_MAP)
    return;
  for (i = 0; i < n->nitems; i++)
    if (!bw_str_is(n->items[i].key, "key") && !bw_str_is(n->items[i].key, "rate"))
      bw_complain_key(c, &n->items[i], "unknown key '%.*s'; a source has 'key' and 'rate'", BW_FMT(n->items[i].key));
}

/* A key is a password. */
static void check_secret(const struct bw_node *n, struct bw_complaints *c)
{
  struct stat st;
  if (n->nitems && n->file && stat(n->file, &st) == 0 && st.st_mode & S_IROTH)
    bw_warn(c, n, "everybody on this machine can read these write keys: chmod o-r %s", n->file);
}

static void read_keys(struct bw_web_config *config, struct bw_complaints *c)
{
  const struct bw_node *n = config->keys_node;
  size_t i;
  if (!n || n->type == BW_NODE_NULL)
    return;
  if (n->type != BW_NODE_MAP || n->nitems > MAX_KEYS) {
    bw_complain(c, n, "'keys' must be a map of at most %d sources, such as {app: wk_2f8a91c07b}", MAX_KEYS);
    return;
  }
  check_secret(n, c);
  config->keys = bw_calloc(n->nitems ? n->nitems : 1, sizeof *config->keys);
  for (i = 0; i < n->nitems; i++) {
    check_key_fields(&n->items[i], c);
    add_key(config, &n->items[i], c);
  }
}

int bw_web_config_finish(struct bw_web_config *config, struct bw_complaints *c)
{
  size_t before = c->count;
  config->listen = NULL;
  config->keys = NULL;
  config->nlisten = config->nkeys = 0;
  read_listen(config, c);
  read_keys(config, c);
  config->listen_node = config->keys_node = NULL;
  if (c->count == before)
    return 0;
  bw_web_config_clear(config);
  return BW_EINVAL;
}
