/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share; nobody else includes it. */
#ifndef BW_DEALS_PRIVATE_H
#define BW_DEALS_PRIVATE_H

#include "base/map.h"
#include "base/time.h"
#include "deals/deals.h"

#define MAX_STEPS 200
#define MAX_ENTRIES INT64_C(1000000)
#define MAX_NOTE 2000
#define AHEAD BW_DAY /* how far other clocks may be ahead of ours */
#define RECORD_FIELDS 32

struct deal {
  struct bw_deal pub; /* first: found from the public part */
  size_t saved_steps, steps_cap;
  bool dirty;
};

/* An outcome that is not saved yet. */
struct entry {
  struct deal *deal;
  int64_t number, at, recorded;
  enum bw_outcome outcome;
  double amount;
  char *who, *via, *reason, *note, *split;
  bool by_record;
};

struct bw_deals {
  struct bw_store *store;
  const struct bw_deals_options *options;
  struct bw_deals_leads leads;
  const struct bw_book *book;
  struct bw_deals_events events;
  struct bw_map *by_id;   /* our id → struct deal; owns them */
  struct bw_map *by_crm;  /* the CRM's id */
  struct bw_map *by_lead; /* lead, NUL, account */
  struct bw_map *told;    /* stages that nobody knows, and like things said once */
  struct entry *entries;
  size_t nentries, entries_cap;
  bool dirty;
  /* the record that bw_deals_outcome() gives out */
  struct bw_record record;
  struct bw_field fields[RECORD_FIELDS];
  struct bw_buf text; /* its own texts */
};

/* ---- deals.c ---- */
struct deal *deal_new(struct bw_deals *d, struct bw_str id);
void deal_set(struct deal *deal, enum bw_deal_text which, struct bw_str value);
struct bw_str deal_text(const struct deal *deal, enum bw_deal_text which);
void deal_index(struct bw_deals *d, struct deal *deal);  /* after lead, account or CRM id are known */
void deal_forget(struct bw_deals *d, struct deal *deal); /* one that nothing was said of */
struct deal *deal_of_lead(const struct bw_deals *d, struct bw_str lead, struct bw_str account);
void deal_changed(struct bw_deals *d, struct deal *deal);
/* Enters a stage at a time; nothing where it stands there already.  who: copied. */
void deal_enter(struct bw_deals *d, struct deal *deal, const struct bw_deal_stage *stage, int64_t at, struct bw_str who,
                bool by_record);
void deal_add_step(struct deal *deal, struct bw_str stage, int64_t at, struct bw_str who, bool by_record);
void deal_entry(struct bw_deals *d, struct deal *deal, const struct entry *e); /* e's texts are copied */
void deal_notice(struct bw_deals *d, int64_t at, struct bw_str account, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- make.c: what a lead and the book say of its opportunity ---- */
void deal_id_of(const struct bw_lead *lead, struct bw_buf *out);
/* Lead, account, motion, people: what is known without any outcome. */
void deal_from_lead(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead);
/* Pipeline, owner, champion, buyer, close date: as the deal becomes an opportunity. */
void deal_make(struct bw_deals *d, struct deal *deal, const struct bw_lead *lead, int64_t at);
/* When it may be expected to close, as of a time: of one that is open again. */
void deal_expect(struct bw_deals *d, struct deal *deal, int64_t at);
void deal_rename(struct bw_deals *d, struct deal *deal);
/* The settings' split for the deal's motion and type; "" where there is none. */
const char *deal_default_split(const struct bw_deals *d, const struct deal *deal);

/* ---- outcome.c ---- */
/* "Missing capability" → "missing_capability"; empty where it is none of bw_loss_reasons. */
struct bw_str loss_reason(struct bw_str words);

/* ---- settings.c ---- */
const struct bw_deal_stage *stage_for_state(const struct bw_deals_options *o, enum bw_deal_state state);
const struct bw_deal_stage *stage_after(const struct bw_deals_options *o, enum bw_outcome outcome);

/* ---- write.c ---- */
#define RECORD_PREFIX "basewatch:"
const struct bw_record *deal_record(struct bw_deals *d, const struct deal *deal, const struct entry *e);

/* ---- persist.c ---- */
int deals_load(struct bw_deals *d, struct bw_error *err);
void entry_clear(struct entry *e);

/* settings.c: the pipeline of a motion's deals; borrowed from the options. */
const char *bw_deals_pipeline(const struct bw_deals_options *o, const char *motion);

#endif
