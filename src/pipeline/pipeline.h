/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record to a lead with a draft: book, signals, plays and drafts, joined.  The daemon's core drives it from the journal,
 * a replay from files; both get the same answers, because this is the same code.
 *
 *   bw_pipeline_project   records, up to and including a tick          → book
 *   bw_pipeline_output    what watchers said about these records       → signals, traits
 *   bw_pipeline_tick      when all of that has arrived                 → plays, leads, drafts
 */
#ifndef BW_PIPELINE_PIPELINE_H
#define BW_PIPELINE_PIPELINE_H

#include "book/book.h"
#include "deals/deals.h"
#include "drafts/drafts.h"
#include "pipeline/setup.h"
#include "plays/plays.h"
#include "signals/signals.h"
#include "store/store.h"

struct bw_pipeline;
extern const struct bw_schema bw_pipeline_schema;

/* Each may be NULL.  Called in order; what they are given is borrowed. */
struct bw_pipeline_events {
  void (*signal)(void *ctx, const struct bw_episode *episode, enum bw_signal_state state);
  void (*trait)(void *ctx, const struct bw_trait_value *trait);
  void (*lead)(void *ctx, const struct bw_lead *lead, const char *event,
               int64_t at_ms); /* "opened", "enriched", "changed", "queued" */
  void (*draft)(void *ctx, const struct bw_draft *draft);
  void (*notice)(void *ctx, int64_t at_ms, struct bw_str account, struct bw_str code, struct bw_str text);
};

/* store may be NULL: nothing is kept.  setup is borrowed and outlives the pipeline (until bw_pipeline_swap). */
int bw_pipeline_open(struct bw_store *store, const struct bw_setup *setup, const struct bw_pipeline_events *events, void *ctx,
                     struct bw_pipeline **ret, struct bw_error *err);
void bw_pipeline_close(struct bw_pipeline **p);

/* Checked new rules take the place of the running ones, in one step; the watchers must be the same.  setup was read with the
   running catalogue's watchers and outlives the pipeline, as does the old one where the signals still use its catalogue. */
void bw_pipeline_swap(struct bw_pipeline *p, const struct bw_setup *setup);
/* The next tick looks at every account that has a signal, also in another life of the process. */
void bw_pipeline_look_again(struct bw_pipeline *p);
/* A decision changed a lead: there is something to save. */
void bw_pipeline_touch(struct bw_pipeline *p);

int bw_pipeline_project(struct bw_pipeline *p, const struct bw_batch *batch, struct bw_error *err);
int bw_pipeline_output(struct bw_pipeline *p, size_t watcher, uint64_t offset, struct bw_str outputs, struct bw_error *err);
/* The tick record at `offset` for time at_ms.  historic: signals move on, plays are not evaluated. */
int bw_pipeline_tick(struct bw_pipeline *p, int64_t at_ms, uint64_t offset, bool historic, struct bw_error *err);
/* Writes all that changed into the store's open transaction; _committed() after its commit.  After a failed commit the pipeline
   is ahead of the store: close it and open it again. */
int bw_pipeline_save(struct bw_pipeline *p, struct bw_error *err);
void bw_pipeline_committed(struct bw_pipeline *p);
bool bw_pipeline_dirty(const struct bw_pipeline *p); /* something was not saved yet */

/* What is persisted of the progress: the last offset projected, the tick that is projected and not yet evaluated (0: none). */
uint64_t bw_pipeline_projected(const struct bw_pipeline *p);
uint64_t bw_pipeline_waiting_tick(const struct bw_pipeline *p, int64_t *ret_at_ms, bool *ret_historic);
int64_t bw_pipeline_last_tick(const struct bw_pipeline *p); /* time of the last one evaluated; BW_TIME_NONE before the first */

struct bw_book *bw_pipeline_book(struct bw_pipeline *p);
struct bw_signals *bw_pipeline_signals(struct bw_pipeline *p);
struct bw_engine *bw_pipeline_engine(struct bw_pipeline *p);
struct bw_deals *bw_pipeline_deals(struct bw_pipeline *p);

const struct bw_setup *bw_pipeline_setup(const struct bw_pipeline *p);

#endif
