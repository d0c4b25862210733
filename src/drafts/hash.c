/* SPDX-License-Identifier: Apache-2.0 */
/* What an approval is bound to, and the recipients in it.  Runs in core; no privileges needed. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "drafts/drafts_impl.h"
#include "drafts/mustache_impl.h"

size_t bw_recipients(struct bw_str to, void (*each)(void *ctx, struct bw_str address), void *ctx)
{
  size_t n = 0, i = 0, from;
  for (; i <= to.len; i++) {
    struct bw_str a;
    for (from = i; i < to.len && to.data[i] != ',';)
      i++;
    a = bw_str_n(to.data + from, i - from);
    while (a.len && a.data[0] == ' ') {
      a.data++;
      a.len--;
    }
    while (a.len && a.data[a.len - 1] == ' ')
      a.len--;
    if (to.len == 0)
      break;
    if (each)
      each(ctx, a);
    n++;
  }
  return n;
}

static bool is_alnum(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool domain_valid(struct bw_str d)
{
  size_t i, label = 0, dots = 0;
  if (d.len == 0 || d.len > 253)
    return false;
  for (i = 0; i < d.len; i++) {
    char c = d.data[i], before = i ? d.data[i - 1] : '.', after = i + 1 < d.len ? d.data[i + 1] : '.';
    if (c == '.') {
      dots++;
      label = 0;
      if (before == '.' || after == '.')
        return i > 0 && i + 1 < d.len && before != '.' && after != '.';
      continue;
    }
    if (!is_alnum(c) && c != '-')
      return false;
    if (c == '-' && (before == '.' || after == '.'))
      return false;
    if (++label > 63)
      return false;
  }
  return dots > 0;
}

bool bw_address_valid(struct bw_str a)
{
  const char *at = a.len ? memchr(a.data, '@', a.len) : NULL;
  size_t i, local = at ? (size_t)(at - a.data) : 0;
  if (!at || local == 0 || local > 64 || a.len > 254)
    return false;
  for (i = 0; i < local; i++) {
    char c = a.data[i];
    if (c == '.' ? i == 0 || i + 1 == local || a.data[i - 1] == '.' : !is_alnum(c) && (!c || !strchr("!#$%&'*+/=?^_`{|}~-", c)))
      return false;
  }
  return domain_valid(bw_str_n(at + 1, a.len - local - 1));
}

bool bw_person_valid(struct bw_str who)
{
  struct bw_buf b = {0};
  bool ok = who.len > 0 && who.len <= 200 && !bw_text_clean(who, &b) && !bw_text_blank(who) && bw_utf8_valid(who.data, who.len);
  bw_buf_clear(&b);
  return ok;
}

static void add_field(struct bw_buf *b, struct bw_str s)
{
  bw_buf_add_u64(b, s.len);
  bw_buf_add_str(b, s);
}

static void add_int(struct bw_buf *b, int64_t v)
{
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%lld", (long long)v);
  add_field(b, bw_str(digits));
}

static void add_recipient(void *ctx, struct bw_str address)
{
  add_field(ctx, address);
}

void bw_draft_hash(const struct bw_draft *d, char ret_hex[BW_DRAFT_HASH])
{
  unsigned char digest[32];
  struct bw_buf b = {0};
  struct bw_str to = bw_str(d->field[BW_DRAFT_TO]);
  bw_buf_add_cstr(&b, "basewatch message 1\n");
  add_field(&b, bw_str(d->lead));
  add_int(&b, d->version);
  add_field(&b, bw_str(d->channel));
  add_int(&b, (int64_t)bw_recipients(to, NULL, NULL));
  (void)bw_recipients(to, add_recipient, &b);
  add_field(&b, bw_str(d->field[BW_DRAFT_SUBJECT]));
  add_field(&b, bw_str(d->field[BW_DRAFT_BODY]));
  BW_ASSERT(crypto_generichash(digest, sizeof digest, (const unsigned char *)b.data, b.len, NULL, 0) == 0);
  (void)sodium_bin2hex(ret_hex, BW_DRAFT_HASH, digest, sizeof digest);
  bw_buf_clear(&b);
}
