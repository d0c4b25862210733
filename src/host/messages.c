/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watcher host's messages that are more than bytes in a row.  Runs in the watcher host and in whoever feeds it; what a host
 * sends is not trusted.  No privileges needed.
 */
#include <jansson.h>

#include "base/json.h"
#include "host/host.h"

#define CONFIG_VERSION 1
#define PATH_MAX_LEN 4096

void bw_host_config_write(struct bw_buf *b, const struct bw_host_config *c)
{
  bw_buf_add_u8(b, CONFIG_VERSION);
  bw_buf_add_lstr(b, c->plugin);
  bw_buf_add_lstr(b, c->options);
  bw_buf_add_u64(b, c->seed);
  bw_buf_add_u64(b, c->memory_bytes);
  bw_buf_add_u32(b, c->flags);
}

int bw_host_config_read(struct bw_str bytes, struct bw_host_config *ret_config, struct bw_error *err)
{
  struct bw_reader in = bw_reader(bytes.data, bytes.len);
  struct bw_host_config c = {0};
  uint8_t version = bw_read_u8(&in);
  c.plugin = bw_read_lstr(&in);
  c.options = bw_read_lstr(&in);
  c.seed = bw_read_u64(&in);
  c.memory_bytes = bw_read_u64(&in);
  c.flags = bw_read_u32(&in);
  if (in.bad || version != CONFIG_VERSION || bw_reader_left(&in) != 0 || c.plugin.len == 0 || c.plugin.len > PATH_MAX_LEN ||
      memchr(c.plugin.data, '\0', c.plugin.len))
    return bw_fail(err, BW_EINVAL, BW_CLASS_BUG, "the watcher host's configuration message is damaged");
  *ret_config = c;
  return BW_OK;
}

void bw_host_error_write(struct bw_buf *b, const struct bw_error *e)
{
  bw_json_open(b, '{');
  bw_json_key(b, "code");
  bw_json_int(b, e->code);
  bw_json_key(b, "class");
  bw_json_int(b, e->cls);
  bw_json_key(b, "message");
  bw_json_cstr(b, e->message);
  bw_json_close(b, '}');
}

void bw_host_error_read(struct bw_str bytes, struct bw_error *ret_error)
{
  json_t *root = bytes.len <= 8192 ? json_loadb(bytes.data, bytes.len, 0, NULL) : NULL;
  json_int_t code = json_integer_value(json_object_get(root, "code"));
  json_int_t cls = json_integer_value(json_object_get(root, "class"));
  const char *text = json_string_value(json_object_get(root, "message"));
  bool sane = code < 0 && code >= BW_EAGAIN && cls >= BW_CLASS_CONFIG && cls <= BW_CLASS_BUG;
  char *p;
  bw_fail(ret_error, sane ? (enum bw_code)code : BW_EPEER, sane ? (enum bw_error_class)cls : BW_CLASS_BUG, "%s",
          text ? text : "the watcher host failed and did not say why");
  for (p = ret_error->message; *p; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7F)
      *p = '?';
  json_decref(root);
}
