/* SPDX-License-Identifier: Apache-2.0 */
/* A view over JSON, for tests. */
#include "drafts/tests/json_view.h"

#include <stdio.h>
#include <string.h>

static void convert(json_t *v, struct bw_view_value *ret);

static void item(void *ctx, size_t i, struct bw_view_value *ret)
{
  convert(json_array_get(ctx, i), ret);
}

static void lookup(void *ctx, struct bw_str name, struct bw_view_value *ret)
{
  json_t *at = ctx;
  bool first = true;
  ret->hint = BW_STR("the test's JSON");
  if (bw_str_is(name, ".")) {
    convert(at, ret);
    return;
  }
  while (name.len) {
    char part[BW_MUSTACHE_MAX_NAME + 1];
    const char *dot = memchr(name.data, '.', name.len);
    size_t n = dot ? (size_t)(dot - name.data) : name.len;
    memcpy(part, name.data, n);
    part[n] = '\0';
    at = json_object_get(at, part);
    if (!at) {
      ret->type = first ? BW_VIEW_NONE : BW_VIEW_MISSING;
      return;
    }
    first = false;
    name = bw_str_n(name.data + n + (dot ? 1 : 0), name.len - n - (dot ? 1 : 0));
  }
  convert(at, ret);
}

static void convert(json_t *v, struct bw_view_value *ret)
{
  static char provenance[64];
  (void)snprintf(provenance, sizeof provenance, "{\"kind\":\"test\",\"type\":%d}", (int)(v ? json_typeof(v) : JSON_NULL));
  ret->provenance = bw_str(provenance);
  if (json_is_string(v)) {
    ret->type = BW_VIEW_TEXT;
    ret->text = bw_str_n(json_string_value(v), json_string_length(v));
  } else if (json_is_number(v)) {
    ret->type = BW_VIEW_NUMBER;
    ret->number = json_number_value(v);
  } else if (json_is_array(v)) {
    ret->type = BW_VIEW_LIST;
    ret->nitems = json_array_size(v);
    ret->item = item;
    ret->item_ctx = v;
  } else if (json_is_object(v)) {
    ret->type = BW_VIEW_MAP;
    ret->view = json_view(v);
  } else {
    ret->type = json_is_true(v) ? BW_VIEW_TRUE : json_is_false(v) ? BW_VIEW_FALSE : BW_VIEW_MISSING;
  }
}

struct bw_view json_view(json_t *root)
{
  return (struct bw_view){lookup, root};
}
