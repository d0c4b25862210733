/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the text of a condition: reading and reasoning end in time, and free what they took. */
#include <stdlib.h>
#include <string.h>

#include "lint/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = bw_strndup((const char *)data, size > 2000 ? 2000 : size);
  struct term *t = term_text(text), *no = term_text("!(has(account.health))");
  const struct term *both[] = {t, no};
  struct assumptions a = {0};
  size_t steps = 2000;
  bool always = term_always(t, &steps);
  assume(&a, "account.health", guess_text("red"));
  (void)term_refuses(t, &a);
  (void)terms_possible(both, 2, &a, &steps);
  if (always && !terms_possible((const struct term *const *)&t, 1, NULL, &steps))
    abort(); /* what always holds can hold */
  if (term_refuses(t, &a) && term_holds(t, &a))
    abort();
  assume_clear(&a);
  term_free(&t);
  term_free(&no);
  free(text);
  return 0;
}
