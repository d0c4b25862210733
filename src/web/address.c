/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen at, as text.  No privileges. */
#include "web/internal.h"

int bw_address_split(struct bw_str address, char *host, size_t size, uint16_t *ret_port)
{
  const char *p = address.data, *end = address.data + address.len, *from, *to;
  uint32_t port = 0;
  size_t digits = 0;
  if (address.len == 0)
    return BW_EINVAL;
  if (*p == '[') {
    from = p + 1;
    to = memchr(from, ']', (size_t)(end - from));
    p = to ? to + 1 : end;
  } else {
    from = p;
    to = memchr(from, ':', address.len);
    p = to ? to : end;
  }
  if (!to || to == from || (size_t)(to - from) >= size || p == end || *p++ != ':')
    return BW_EINVAL;
  for (; p < end && *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
    port = port * 10 + (uint32_t)(*p - '0');
  if (p != end || digits == 0 || port > 65535)
    return BW_EINVAL;
  memcpy(host, from, (size_t)(to - from));
  host[to - from] = '\0';
  *ret_port = (uint16_t)port;
  return 0;
}
