/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the YAML reader and an option table over what it read: it may refuse, but must neither crash nor leak nor crawl. */
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct options {
  bool on;
  int64_t count, span, size;
  double share;
  char *name;
  int mode;
};
static const struct bw_setting table[] = {
    {"on", BW_SETTING_BOOL, offsetof(struct options, on), "true", 0, 0, NULL, "x"},
    {"count", BW_SETTING_INTEGER, offsetof(struct options, count), "3", 1, 10, NULL, "x"},
    {"a.span", BW_SETTING_DURATION, offsetof(struct options, span), "28d", 0, 0, NULL, "x"},
    {"a.size", BW_SETTING_SIZE, offsetof(struct options, size), "64M", 0, 0, NULL, "x"},
    {"share", BW_SETTING_PERCENT, offsetof(struct options, share), "30%", 0, 1, NULL, "x"},
    {"name", BW_SETTING_STRING, offsetof(struct options, name), "", 0, 0, NULL, "x"},
    {"mode", BW_SETTING_ENUM, offsetof(struct options, mode), "shadow", 0, 0, "shadow|pilot|live", "x"},
};
#define NTABLE (sizeof table / sizeof *table)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 leaks some of its own chunks for odd block texts (its issue 233); ours are still watched. */
const char *__lsan_default_suppressions(void)
{
  return "leak:libfyaml.so\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_document *d = NULL;
  struct bw_complaints c = {0};
  struct bw_buf out = {0};
  struct options o;
  bool many = size > 0 && (data[size - 1] & 1);
  if (bw_document_parse(bw_str_n((const char *)data, size), "fuzz", many, &d, &c) == 0) {
    bw_node_json(&out, bw_document_root(d));
    if (!bw_utf8_valid(out.data, out.len))
      __builtin_trap();
    if (bw_settings_read(table, NTABLE, bw_document_root(d), &o, &c) == 0)
      bw_settings_clear(table, NTABLE, &o);
    bw_document_free(&d);
  } else if (c.count == 0 || d) {
    __builtin_trap();
  }
  bw_buf_clear(&out);
  bw_complaints_clear(&c);
  return 0;
}
