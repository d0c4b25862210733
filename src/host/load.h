/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: a plugin's library, with its descriptor checked and brought to our own sizes. */
#ifndef BW_HOST_LOAD_H
#define BW_HOST_LOAD_H

#include "base/buf.h"
#include "base/error.h"

struct bw_loaded {
  void *library;
  struct bw_plugin plugin; /* options, signals and traits point to the arrays below, with our strides */
  struct bw_option *options;
  struct bw_signal_decl *signals;
  struct bw_trait_decl *traits;
};

/* Runs the library's constructors.  Zero *ret before; bw_loaded_close() afterwards in any case. */
int bw_loaded_open(const char *path, struct bw_loaded *ret, struct bw_error *err);
void bw_loaded_close(struct bw_loaded *l);

/* Checks and brings to size a descriptor that is in memory already (tests; statically linked plugins). */
int bw_loaded_descriptor(const struct bw_plugin *theirs, const char *path, struct bw_loaded *ret, struct bw_error *err);

void bw_loaded_describe(const struct bw_loaded *l, struct bw_buf *out);

/* The option values of a configuration. */
struct bw_options {
  struct bw_option_value *values; /* in the order of the table */
  char **texts;                   /* what their text borrows */
  size_t n;
};
/* Zero *ret before; bw_options_clear() afterwards in any case. */
int bw_options_read(const struct bw_option *table, size_t n, struct bw_str json, struct bw_options *ret, struct bw_error *err);
void bw_options_clear(struct bw_options *o);
/* Checks a table's defaults against its own types and bounds. */
int bw_options_check_table(const struct bw_option *table, size_t n, struct bw_error *err);

#endif
