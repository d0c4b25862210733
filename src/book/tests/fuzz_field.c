/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the value of a field that rules read: it becomes what can be read, or stays as it was.  The first byte picks the
   field, the rest is its text. */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "book/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
  enum bw_entity_kind kind;
  const char *name;
} fields[] = {{BW_ENTITY_ACCOUNT, "acv"},        {BW_ENTITY_ACCOUNT, "renewal"}, {BW_ENTITY_PLAN, "limits.api_calls"},
              {BW_ENTITY_SUBSCRIPTION, "start"}, {BW_ENTITY_ACCOUNT, "health"},  {BW_ENTITY_CONTACT, "role"}};
#define NFIELDS (sizeof fields / sizeof *fields)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t at = size ? data[0] % NFIELDS : 0, len = size ? size - 1 : 0;
  char *text = bw_strndup(size ? (const char *)data + 1 : "", len), out[BW_NUMBER_TEXT];
  struct bw_field f = {.key = bw_str(fields[at].name), .text = bw_str_n(text, len), .type = BW_VALUE_STRING};
  int64_t ms;
  bool odd;
  (void)bw_word_find(fields[at].kind, f.key, f.text, &odd);
  (void)bw_word_says_yes(f.text);
  (void)bw_number_mend(fields[at].kind, &f, out);
  if (f.type == BW_VALUE_NUMBER && !(isfinite(f.number) && f.number >= 0))
    abort();
  if (f.type == BW_VALUE_STRING && f.text.data == out && bw_time_parse(f.text, &ms) < 0)
    abort();
  free(text);
  return 0;
}
