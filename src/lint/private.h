/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share; nobody else includes it. */
#ifndef BW_LINT_PRIVATE_H
#define BW_LINT_PRIVATE_H

#include "drafts/drafts.h"
#include "lint/lint.h"
#include "lint/term.h"
#include "rules/rules.h"
#include "signals/signals.h"

struct where {
  const char *file;
  uint32_t line, column;
};
struct lint_gate {
  struct bw_gate_info info;
  struct term *term;
  struct where where; /* of its condition */
};
struct lint_play {
  size_t index;
  struct bw_play_info info;
  struct bw_play_rules rules;
  const struct bw_node *root; /* its document; NULL: not found */
  struct lint_gate *gates;
  size_t ngates;
  bool expansion, seen; /* seen: live or pilot, so that people get its leads */
};
struct finding {
  struct bw_finding pub;
  char *file, *text, *accepted;
  size_t order;
};
struct bw_lint {
  char *dir, *settings; /* settings: the path of basewatch.yaml */
  const struct bw_setup *setup;
  struct bw_document **docs;
  const struct bw_node **roots; /* every document of plays/ and watchers/ */
  size_t ndocs, nroots;
  struct lint_play *plays;
  size_t nplays;
  struct finding *findings;
  size_t n, cap;
  struct comment *comments; /* "# lint: accept RULE: reason" */
  size_t ncomments;
  const struct rule *rule; /* whose check is running */
  size_t steps;            /* of searches that are left */
};
struct rule {
  struct bw_lint_rule pub;
  void (*check)(struct bw_lint *l);
};
extern const struct rule lint_rules[];
extern const size_t lint_nrules;

/* A finding of the running rule. */
void lint_find(struct bw_lint *l, struct where at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Of a play: an error becomes a warning while the play is a shadow, which bothers nobody. */
void lint_find_play(struct bw_lint *l, const struct lint_play *p, struct where at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- files.c: where things stand ---- */
void lint_read_files(struct bw_lint *l);
void lint_read_plays(struct bw_lint *l);
void lint_free_files(struct bw_lint *l);
/* The value of a key of the play's document ("score", or "score.threshold"), else the play's first line. */
struct where lint_at(const struct lint_play *p, const char *key);
/* dir/basewatch.yaml, its first line. */
struct where lint_main(const struct bw_lint *l);
struct where lint_node(const struct bw_node *n);
/* A watcher's document by its name; NULL: none. */
const struct bw_node *lint_watcher(const struct bw_lint *l, const char *name);
/* The reason by which a comment of the file accepts the rule; NULL: none does. */
const char *lint_comment(struct bw_lint *l, const char *file, const char *rule);

/* ---- what rules ask ---- */
/* Whether some gate that stops (no `otherwise`) surely refuses an account of which this is known. */
bool lint_stops(const struct lint_play *p, const struct assumptions *a);
/* The conditions that must all hold for a lead: gates that stop, and what `timing` asks. */
struct condition {
  const struct term *term;
  struct term *own; /* ours to free; NULL: the gate's */
  const char *name; /* of the gate, or "timing: ..." */
  struct where where;
};
struct conditions {
  struct condition *items;
  const struct term **terms;
  size_t n;
};
void lint_conditions(const struct lint_play *p, struct conditions *ret);
void lint_conditions_clear(struct conditions *c);
bool lint_reads(const struct bw_expr *e, const char *name);
/* Whether the row can take a lead of the play, as far as its motion and type go. */
bool lint_row_takes(const struct bw_route_row_info *row, const struct lint_play *p);
/* The routes that a lead of the play may go: its own, and where gates, floor and nurture send it.  NULL past the end. */
const char *lint_route_of(const struct lint_play *p, size_t i);
/* The templates of its drafts, likewise. */
const char *lint_template_of(const struct lint_play *p, size_t i);
/* Whether the template goes to a contact of the account (and not to whoever a signal names). */
bool lint_writes_to_contact(struct bw_lint *l, const char *template_name);
/* How a signal of the catalogue is weighed. */
double lint_weight(const struct bw_lint *l, const struct lint_play *p, size_t signal);

/* ---- the checks ---- */
typedef void lint_check(struct bw_lint *l);
lint_check check_no_gate, check_gate_always, check_gate_never, check_diverts_all, check_contradiction, check_never_fires;
lint_check check_unhappy, check_month_one, check_tenure, check_escalation, check_contact;
lint_check check_floor, check_low_floor, check_high_floor, check_small_threshold, check_contract_floor, check_weak_signal,
    check_evidence, check_too_many, check_suppression, check_short_suppression, check_family, check_pilot, check_review,
    check_move;
lint_check check_at_risk, check_fit, check_loss_reason, check_cross_sell;
lint_check check_owner, check_fallback, check_csm_notice, check_unreachable_row, check_overlap, check_unused_route,
    check_empty_role;
lint_check check_empty_draft, check_never_filled, check_other_signal, check_unused_template;
lint_check check_clear, check_missing_watcher, check_unused_signals, check_pipeline, check_nothing_live, check_comments;

#endif
