/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of protobuf's text format, as far as the conformance cases use it.  Tests only. */
#ifndef BW_EXPR_TESTS_TEXTPROTO_H
#define BW_EXPR_TESTS_TEXTPROTO_H

#include "base/error.h"
#include "base/str.h"

/* name: "text", name: 12, name { ... }.  Repeated fields are several of one name. */
struct field {
  char *name;
  char *text; /* a scalar, unescaped and terminated; NULL: a message */
  size_t len;
  struct field *first; /* of a message */
  struct field *next;
};
/* BW_EINVAL with a message that names the line. */
int field_parse(struct bw_str source, struct field **ret, struct bw_error *err);
void field_free(struct field **f); /* and all that follow it */
/* The first of that name within a message, or NULL.  f may be NULL. */
const struct field *field_get(const struct field *f, const char *name);
const char *field_text(const struct field *f, const char *name); /* "": none */

#endif
