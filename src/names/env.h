/* SPDX-License-Identifier: Apache-2.0 */
/* An account at one moment, from inside: for the room that judges accounts by compiled rules.  Others see names.h only. */
#ifndef BW_NAMES_ENV_H
#define BW_NAMES_ENV_H

#include "names/names.h"

#define ENV_RECORDS 7  /* account, subscription, plan, next plan, champion, economic buyer, sponsor */
#define ENV_ANSWERS 64 /* kept of shared expressions */

/* One that judges is reused: zero it, then bw_env_init() for each account. */
struct bw_env {
  const struct bw_env_source *from;
  struct bw_str account;
  int64_t now_ms;
  const struct bw_env_lead *lead; /* NULL: none */
  struct bw_eval eval;
  bool quick; /* nobody will read why a value is missing: do not write it */
  /* the open episodes, not held ones, in order of type; gathered for an evaluation, else asked for one by one */
  const struct bw_episode **open;
  size_t nopen, open_cap;
  bool gathered;
  /* as far as the judging of a play has come, as it says itself; NAN, NULL and -1 before */
  double score, estimate;
  const char *priority;
  int triggered; /* how many types of the play's signals are open */
  /* one value taken for another, to see what would have to change; UINT32_MAX: none */
  uint32_t instead_of;
  struct bw_value instead;

  /* The room's own: what slots mean, and what was read or answered already. */
  const struct bw_names *names; /* from->names, or own */
  struct bw_names *own;         /* bw_env_lookup()'s; NULL: one that judges */
  struct bw_map *own_index;
  const struct bw_entity *record[ENV_RECORDS];
  bool looked[ENV_RECORDS];
  int64_t start, renewal; /* INT64_MAX: not looked yet */
  int stage;              /* that milestones prove; -2: not looked yet, -1: not known */
  struct {
    const struct bw_expr *e;
    int answer;
  } answers[ENV_ANSWERS];
};
void bw_env_init(struct bw_env *env, const struct bw_env_source *from, struct bw_str account, int64_t now_ms);
void bw_env_clear(struct bw_env *env);
/* Reads the open episodes once, and forgets the answers. */
void bw_env_gather(struct bw_env *env);
/* The strongest open episode that is not held, of any key where `key` is NULL. */
const struct bw_episode *bw_env_episode(const struct bw_env *env, uint32_t type, const char *key);

const struct bw_entity *bw_env_account(struct bw_env *env); /* its record; NULL: none */
/* A fixed name of the account: "account.arr". */
void bw_env_account_value(struct bw_env *env, const char *name, struct bw_value *ret);
int64_t bw_env_start(struct bw_env *env); /* when they became a customer; BW_TIME_NONE where no record says so */
int64_t bw_env_renewal(struct bw_env *env);
bool bw_env_escalated(struct bw_env *env); /* a ticket of theirs, or the signal support_escalation */

/* Evaluates with the names of the source, whatever the environment's own are.  No leaves are collected. */
void bw_env_eval(struct bw_env *env, const struct bw_expr *e, struct bw_value *ret);
/* What a shared expression was answered with before, at this moment; NULL: nowhere to keep it. */
int *bw_env_answer(struct bw_env *env, const struct bw_expr *e, bool *ret_known);

/* ---- slots of the evaluated expressions, as leaves name them ---- */
enum bw_type bw_env_slot_type(const struct bw_env *env, uint32_t slot);
/* Of a signal: whether it is open. */
/* Between which numbers its value can be; false: any. */
bool bw_env_slot_range(const struct bw_env *env, uint32_t slot, double *ret_lo, double *ret_hi);
bool bw_env_slot_open(const struct bw_env *env, uint32_t slot);
/* Where its value comes from. */
void bw_env_slot_source(struct bw_env *env, uint32_t slot, struct bw_provenance *ret_from);

#endif
