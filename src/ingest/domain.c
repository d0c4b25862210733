/* SPDX-License-Identifier: Apache-2.0 */
/* E-mail addresses to company domains: normal form, public suffixes, free mail providers.  Runs in core, on text from anyone;
 * no privileges. */
#include "config.h" /* first: memrchr and the like */

#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>

#include "base/error.h"
#include "ingest/identity.h"
#include "ingest/segment.h"

#define DOMAIN_MAX 253
#define LABEL_MAX 63

/* Providers under many countries' names: "yahoo.co.jp". */
static const char *const free_families[] = {"aol", "gmail", "gmx", "googlemail", "hotmail", "outlook", "yahoo", "yandex"};

/* Sorted. */
static const char *const free_domains[] = {"10minutemail.com",
                                           "126.com",
                                           "163.com",
                                           "abv.bg",
                                           "alice.it",
                                           "att.net",
                                           "bellsouth.net",
                                           "bigpond.com",
                                           "bk.ru",
                                           "bluewin.ch",
                                           "bol.com.br",
                                           "btinternet.com",
                                           "centrum.cz",
                                           "charter.net",
                                           "comcast.net",
                                           "cox.net",
                                           "daum.net",
                                           "duck.com",
                                           "earthlink.net",
                                           "email.com",
                                           "email.cz",
                                           "fastmail.com",
                                           "fastmail.fm",
                                           "foxmail.com",
                                           "free.fr",
                                           "freemail.hu",
                                           "freenet.de",
                                           "guerrillamail.com",
                                           "hanmail.net",
                                           "hey.com",
                                           "hushmail.com",
                                           "i.ua",
                                           "icloud.com",
                                           "ig.com.br",
                                           "inbox.lv",
                                           "inbox.ru",
                                           "interia.pl",
                                           "juno.com",
                                           "laposte.net",
                                           "libero.it",
                                           "list.ru",
                                           "live.ca",
                                           "live.co.uk",
                                           "live.com",
                                           "live.de",
                                           "live.fr",
                                           "live.it",
                                           "live.nl",
                                           "mac.com",
                                           "mail.com",
                                           "mail.ru",
                                           "mailinator.com",
                                           "me.com",
                                           "msn.com",
                                           "naver.com",
                                           "ntlworld.com",
                                           "o2.pl",
                                           "onet.pl",
                                           "op.pl",
                                           "optonline.net",
                                           "optusnet.com.au",
                                           "orange.fr",
                                           "planet.nl",
                                           "pm.me",
                                           "proton.me",
                                           "protonmail.ch",
                                           "protonmail.com",
                                           "qq.com",
                                           "rambler.ru",
                                           "rediffmail.com",
                                           "rocketmail.com",
                                           "rogers.com",
                                           "sapo.pt",
                                           "sbcglobal.net",
                                           "seznam.cz",
                                           "sfr.fr",
                                           "shaw.ca",
                                           "sina.com",
                                           "sky.com",
                                           "sohu.com",
                                           "sympatico.ca",
                                           "t-online.de",
                                           "talktalk.net",
                                           "telenet.be",
                                           "telus.net",
                                           "terra.com.br",
                                           "tiscali.it",
                                           "tuta.io",
                                           "tutanota.com",
                                           "ukr.net",
                                           "uol.com.br",
                                           "verizon.net",
                                           "virgilio.it",
                                           "virginmedia.com",
                                           "walla.co.il",
                                           "wanadoo.fr",
                                           "web.de",
                                           "wp.pl",
                                           "xs4all.nl",
                                           "ya.ru",
                                           "yeah.net",
                                           "ymail.com",
                                           "yopmail.com",
                                           "ziggo.nl",
                                           "zoho.com"};

static int compare_domain(const void *key, const void *row)
{
  return bw_str_cmp(*(const struct bw_str *)key, bw_str(*(const char *const *)row));
}

bool bw_free_mail(struct bw_str domain)
{
  size_t i;
  if (bsearch(&domain, free_domains, sizeof free_domains / sizeof *free_domains, sizeof *free_domains, compare_domain))
    return true;
  for (i = 0; i < sizeof free_families / sizeof *free_families; i++) {
    size_t n = strlen(free_families[i]);
    if (domain.len > n && domain.data[n] == '.' && memcmp(domain.data, free_families[i], n) == 0)
      return true;
  }
  return false;
}

/* Letters, digits and hyphens in labels of 1 to 63, at least two of them, the last not a number; lower case, in place. */
static bool ascii_domain(char *d, size_t len)
{
  size_t i, label = 0, dots = 0;
  bool number = true;
  for (i = 0; i < len; i++) {
    char c = d[i];
    if (c == '.') {
      if (label == 0 || label > LABEL_MAX || d[i - 1] == '-')
        return false;
      label = 0;
      number = true;
      dots++;
      continue;
    }
    if (c >= 'A' && c <= 'Z')
      c = d[i] = (char)(c - 'A' + 'a');
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '-' && label > 0)))
      return false;
    number = number && c >= '0' && c <= '9';
    label++;
  }
  return dots > 0 && label > 0 && label <= LABEL_MAX && d[len - 1] != '-' && !number;
}

/* Lower case, without a dot at the end, punycode where needed. */
static int normal_domain(struct bw_str domain, char *out)
{
  char text[1024], *ascii = NULL;
  size_t i, n = domain.len;
  bool wide = false;
  if (n > 0 && domain.data[n - 1] == '.')
    n--;
  if (n == 0 || n >= sizeof text)
    return BW_EINVAL;
  for (i = 0; i < n; i++) {
    if (domain.data[i] == '\0')
      return BW_EINVAL;
    wide |= (unsigned char)domain.data[i] >= 0x80;
  }
  memcpy(text, domain.data, n);
  text[n] = '\0';
  if (wide) {
    if (!bw_utf8_valid(text, n) || idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
      return BW_EINVAL;
    n = strlen(ascii);
    if (n < sizeof text)
      memcpy(text, ascii, n + 1);
    idn2_free(ascii);
  }
  if (n > DOMAIN_MAX || !ascii_domain(text, n))
    return BW_EINVAL;
  memcpy(out, text, n + 1);
  return BW_OK;
}

int bw_email_domain(struct bw_str email, char *out)
{
  const char *at, *p;
  size_t n = email.len, local;
  if (n < 3 || n > 512)
    return BW_EINVAL;
  while (n > 0 && email.data[n - 1] == ' ')
    n--;
  if (n > 0 && email.data[n - 1] == '>')
    n--;
  at = memrchr(email.data, '@', n);
  if (!at || at == email.data)
    return BW_EINVAL;
  local = (size_t)(at - email.data);
  p = memrchr(email.data, '<', local);
  if (p)
    local -= (size_t)(p + 1 - email.data);
  else if (memchr(email.data, ' ', local) && email.data[0] != '"')
    return BW_EINVAL; /* prose with an @ in it */
  if (local == 0)
    return BW_EINVAL;
  return normal_domain(bw_str_n(at + 1, n - (size_t)(at + 1 - email.data)), out);
}

int bw_registrable_domain(struct bw_str domain, char *out)
{
  char normal[DOMAIN_MAX + 1];
  const char *r;
  if (normal_domain(domain, normal) < 0)
    return BW_EINVAL;
  r = psl_registrable_domain(psl_builtin(), normal);
  if (!r)
    return BW_EINVAL;
  memcpy(out, r, strlen(r) + 1);
  return BW_OK;
}

bool bw_account_id_valid(struct bw_str id)
{
  uint64_t i;
  if (id.len == 0 || id.len > BW_ID_MAX || !bw_utf8_valid(id.data, id.len))
    return false;
  for (i = 0; i < id.len; i++)
    if ((unsigned char)id.data[i] < 0x20 || id.data[i] == 0x7F)
      return false;
  return true;
}
