/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: a configuration that loads is checked against what practice has taught (docs/lint.md), and against itself: plays that
 * can never fire, gates that contradict one another, leads without an owner, drafts that say nothing.  Works on files alone.
 * Runs on the command line and in core before a reload; no privileges.
 */
#ifndef BW_LINT_LINT_H
#define BW_LINT_LINT_H

#include "config/config.h"
#include "pipeline/setup.h"

enum bw_lint_severity { BW_LINT_NOTE = 0, BW_LINT_WARNING, BW_LINT_ERROR };
const char *bw_lint_severity_name(enum bw_lint_severity severity); /* "note", "warning", "error" */

/* A rule: what is looked for, why, and what to do about it.  The table is the documentation's too. */
struct bw_lint_rule {
  const char *name; /* "no-contract-floor" */
  enum bw_lint_severity severity;
  const char *what, *why, *fix; /* a sentence each */
};
const struct bw_lint_rule *bw_lint_rule_at(size_t i); /* NULL past the end */

struct bw_finding {
  const char *rule; /* "config": what the loader itself complained about */
  enum bw_lint_severity severity;
  const char *file;
  uint32_t line, column; /* 0: none */
  const char *text;
  const char *why, *fix; /* empty for "config" */
  const char *accepted;  /* the reason that a comment in the file gives; NULL: not accepted */
};

struct bw_lint; /* findings, in order of file, line, column and rule */
/*
 * Checks a directory that bw_setup_load() has read.  setup NULL: it could not be loaded, and only the complaints are findings.
 * complaints (may be NULL): what loading it said.  Never fails.
 */
struct bw_lint *bw_lint_new(const char *dir, const struct bw_setup *setup, const struct bw_complaints *complaints);
void bw_lint_free(struct bw_lint **lint);
bool bw_lint_at(const struct bw_lint *lint, size_t i, struct bw_finding *ret_finding); /* borrowed; false past the end */
/* Findings of a severity that no comment accepts. */
size_t bw_lint_count(const struct bw_lint *lint, enum bw_lint_severity severity);
size_t bw_lint_accepted(const struct bw_lint *lint);
/* "file:line:column: warning: text [rule]", a line each, and below the first of a rule why and what to do; at the end a line of
   counts. */
void bw_lint_text(const struct bw_lint *lint, struct bw_buf *out);
/* {"ok": no errors, "errors", "warnings", "notes", "accepted", "findings":
   [{"severity","rule","file","line","column","text","why", "fix","accepted"}]} */
void bw_lint_json(const struct bw_lint *lint, struct bw_buf *out);

#endif
