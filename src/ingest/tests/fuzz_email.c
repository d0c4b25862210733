/* SPDX-License-Identifier: Apache-2.0 */
/* E-mail addresses and the domains that accounts list. */
#include <stdint.h>

#include "ingest/identity.h"
#include "ingest/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct bw_identity_options o = {.max_entries = 1000};
  struct bw_str text = bw_str_n((const char *)data, size);
  struct bw_field field = {.key = BW_STR("domains"), .text = text, .section = BW_SECTION_TRAITS, .type = BW_VALUE_STRING};
  struct bw_record r = {.kind = BW_KIND_ACCOUNT, .account = BW_STR("a"), .nfields = 1, .fields = &field};
  struct bw_identity *id;
  char domain[256], registrable[256];
  if (bw_email_domain(text, domain) == 0) {
    BW_ASSERT(strlen(domain) < 254 && strchr(domain, '.'));
    if (bw_registrable_domain(bw_str(domain), registrable) == 0)
      BW_ASSERT(strlen(registrable) <= strlen(domain) &&
                strcmp(domain + strlen(domain) - strlen(registrable), registrable) == 0);
  }
  if (bw_identity_open(NULL, &o, &id, NULL) < 0)
    return 0;
  (void)bw_identity_resolve(id, &r);
  field.type = BW_VALUE_JSON;
  (void)bw_identity_resolve(id, &r);
  field = (struct bw_field){.key = BW_STR("email"), .text = text, .section = BW_SECTION_TRAITS, .type = BW_VALUE_STRING};
  r.kind = BW_KIND_IDENTIFY;
  r.account = BW_STR("");
  r.subject = BW_STR("u");
  (void)bw_identity_resolve(id, &r);
  bw_identity_close(&id);
  return 0;
}
