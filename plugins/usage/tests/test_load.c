/* SPDX-License-Identifier: Apache-2.0 */
/* The built plugin, as the host meets it: it loads, exports one symbol, and describes itself within bounds. */
#include "base/test.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basewatch/plugin.h"

static void the_plugin_loads_and_describes_itself(void **state)
{
  const char *dir = getenv("BW_BUILDDIR");
  const struct bw_plugin *(*get)(void);
  const struct bw_plugin *p;
  char path[4096];
  void *so, *sym;
  uint32_t i, k;
  (void)state;
  (void)snprintf(path, sizeof path, "%s/plugins/usage/usage.so", dir ? dir : ".");
  so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!so)
    print_error("%s\n", dlerror());
  assert_non_null(so);
  assert_null(dlsym(so, "bw_series_add")); /* the SDK stays inside */
  sym = dlsym(so, "basewatch_plugin");
  assert_non_null(sym);
  memcpy(&get, &sym, sizeof get);
  p = get();
  assert_int_equal(p->magic, BW_PLUGIN_MAGIC);
  assert_int_equal(p->size, sizeof *p);
  assert_int_equal(p->nsignals, 32);
  assert_string_equal(p->name, "usage");
  for (i = 0; i < p->noptions; i++) {
    assert_true(strlen(p->options[i].help) > 10);
    for (k = 0; k < i; k++)
      assert_string_not_equal(p->options[i].name, p->options[k].name);
  }
  dlclose(so);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_plugin_loads_and_describes_itself)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
