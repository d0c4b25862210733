/* SPDX-License-Identifier: Apache-2.0 */
/* Write keys.  Runs in web, on what strangers send; no privileges. */
#include <strings.h>

#include "web/internal.h"

/* No early way out: how long it takes says nothing about where a guess went wrong (the length is no secret). */
static bool same(struct bw_str a, const char *b)
{
  size_t n = strlen(b), i;
  unsigned char diff = a.len != n;
  for (i = 0; i < n; i++)
    diff |= (unsigned char)((unsigned char)b[i] ^ (unsigned char)(i < a.len ? a.data[i] : 0));
  return diff == 0;
}

const struct bw_web_key *bw_key_find(const struct bw_web_config *config, struct bw_str given)
{
  const struct bw_web_key *found = NULL;
  size_t i;
  for (i = 0; i < config->nkeys; i++)
    if (same(given, config->keys[i].key))
      found = &config->keys[i];
  return found;
}

static int sextet(char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+' || c == '-')
    return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

int bw_basic_user(const char *header, char *out, size_t *ret_len)
{
  uint32_t bits = 0, nbits = 0;
  size_t n = 0;
  if (!header || strncasecmp(header, "Basic ", 6) != 0)
    return BW_EINVAL;
  for (header += 6; *header == ' '; header++)
    ;
  for (; *header && *header != '=' && *header != ' '; header++) {
    int v = sextet(*header);
    if (v < 0)
      return BW_EINVAL;
    bits = (bits << 6 | (uint32_t)v) & 0xFFFFFF;
    nbits += 6;
    if (nbits < 8)
      continue;
    nbits -= 8;
    out[n] = (char)(bits >> nbits & 0xFF);
    if (out[n] == ':')
      break;
    if (++n == 512)
      return BW_EINVAL;
  }
  *ret_len = n;
  return 0;
}
