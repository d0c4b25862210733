/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drafts: the outreach of a lead.  Template files, their rendering with provenance for every filled-in value, edits by people,
 * versions in the store, and the hash that an approval is bound to.
 */
#ifndef BW_DRAFTS_DRAFTS_H
#define BW_DRAFTS_DRAFTS_H

#include "config/config.h"
#include "drafts/mustache.h"
#include "names/names.h"
#include "store/store.h"

/* ---- templates ---------------------------------------------------------- */

/*
 * NAME.txt: header lines ("To:", "Subject:", "Channel:"; '#' begins a comment line), an empty line, the body.
 * _NAME.txt: a partial for {{> NAME}}.  NAME.de.txt: its translation, for accounts whose language is German.  See
 * docs/templates.md.
 */
struct bw_template;
struct bw_templates; /* a directory of them */

/* Loads every *.txt of dir, in order of name.  BW_EINVAL where anything was complained about ("file:line:column: ..."). */
int bw_templates_load(const char *dir, struct bw_templates **ret_set, struct bw_complaints *complaints);
void bw_templates_free(struct bw_templates **set);
/* Borrowed from the set; NULL where there is none.  Translations are found when a draft is rendered. */
const struct bw_template *bw_templates_get(const struct bw_templates *set, struct bw_str name);
size_t bw_templates_count(const struct bw_templates *set);
const struct bw_template *bw_templates_at(const struct bw_templates *set, size_t i); /* in order of name */
/* An empty set, and a template added from text (file: what complaints call it).  For tests and defaults. */
struct bw_templates *bw_templates_new(void);
int bw_templates_add(struct bw_templates *set, const char *name, const char *file, struct bw_str text,
                     struct bw_complaints *complaints);
const char *bw_template_name(const struct bw_template *t);
/* Calls seen for each name that a template uses, header fields first, with file position; for lint. */
void bw_template_names(const struct bw_template *t,
                       void (*seen)(void *ctx, struct bw_str name, enum bw_mustache_use use, const char *file, uint32_t line,
                                    uint32_t column),
                       void *ctx);

/* ---- the account's names as a view -------------------------------------- */

/* What templates see: the names of docs/names.md, with the provenance that the environment gives.  env is borrowed. */
struct bw_env_view;
struct bw_env_view *bw_env_view_new(struct bw_env *env);
void bw_env_view_free(struct bw_env_view **ev);
struct bw_view bw_env_view(struct bw_env_view *ev);

/* Every name in every template and partial against those that there are, with file:line:column and the nearest one.  A trait
   that no configured watcher publishes is a warning: its section stays empty.  BW_EINVAL where anything was complained about.
 */
int bw_templates_check(const struct bw_templates *set, const struct bw_catalog *catalog, struct bw_complaints *complaints);

/* The same of a loose text (the opening angle of a play), where it stands in its file.  judged: nothing of it is written to a
   customer, so that it may tell of signals which can mean good or bad news. */
int bw_text_check(const struct bw_node *at, bool judged, const struct bw_catalog *catalog, struct bw_complaints *complaints);

/* ---- drafts ------------------------------------------------------------- */

enum bw_draft_field { BW_DRAFT_TO, BW_DRAFT_SUBJECT, BW_DRAFT_BODY };
#define BW_DRAFT_FIELDS 3
const char *bw_draft_field_name(enum bw_draft_field f); /* "to", "subject", "body" */

#define BW_DRAFT_HASH 65       /* 64 hex digits and NUL */
#define BW_DRAFT_MAX_VALUE 500 /* bytes of one filled-in value */
#define BW_DRAFT_MAX_BODY (64 * 1024)
#define BW_DRAFT_MAX_SUBJECT 400

/* A place that a person has to fill. */
struct bw_draft_gap {
  char *name;
  char *hint;   /* which record would supply it; may be empty */
  char *reason; /* why the value there could not be used; may be empty */
  enum bw_draft_field field;
  size_t offset, len; /* of the marker, in bytes of the field */
};

/* A value that was filled in, and who says so. */
struct bw_draft_fill {
  char *name;
  char *raw;  /* before filters and cleaning */
  char *from; /* JSON: the resolver's provenance, or {"kind":"human",...}, or null */
  enum bw_draft_field field;
  size_t offset, len; /* of what is shown, in bytes of the field */
};

/* init by zeroing; owns everything; clear with bw_draft_clear. */
struct bw_draft {
  char *lead;
  int64_t version; /* from 1 */
  char *template_name;
  char *channel;                /* "mail" */
  char *field[BW_DRAFT_FIELDS]; /* to, subject, body: UTF-8; to: comma-separated addresses */
  struct bw_draft_gap *gaps;    /* in order of field and offset */
  size_t ngaps;
  struct bw_draft_fill *fills; /* in order of field and offset */
  size_t nfills;
  bool complete; /* no gaps: can be approved.  A recipient that is no address, or a subject too long, is a gap too */
  char hash[BW_DRAFT_HASH];
  char *by;   /* who made this version: "basewatch" or the person's name */
  int64_t at; /* ms UTC */
};
void bw_draft_clear(struct bw_draft *d);

/* Version 1 of a lead's draft.  currency (may be NULL): where the view has no account.currency.  The locale is asked of the
   view (account.locale, the account's own field "locale", or its language and country): it says how numbers and dates are
   written, and which translation of the template is taken.  BW_ELIMIT, BW_EINVAL: the template is at fault. */
int bw_draft_render(const struct bw_templates *set, const struct bw_template *t, const struct bw_view *view, struct bw_str lead,
                    const char *currency, int64_t now, struct bw_draft *ret_draft, struct bw_error *err);

/*
 * A new version in which `who` filled every gap called `name` with `value` (one line, at most BW_DRAFT_MAX_VALUE bytes, no
 * control characters).  BW_ENOTFOUND: there is no such gap (the message lists those there are).
 */
int bw_draft_edit(const struct bw_draft *d, struct bw_str name, struct bw_str value, struct bw_str who, int64_t now,
                  struct bw_draft *ret_draft, struct bw_error *err);
/* A new version with a whole field rewritten by a person.  Gap markers that the new text still has stay gaps. */
int bw_draft_rewrite(const struct bw_draft *d, enum bw_draft_field field, struct bw_str text, struct bw_str who, int64_t now,
                     struct bw_draft *ret_draft, struct bw_error *err);

/* The draft as one JSON object, keys in a fixed order; its gaps and fills alone, as arrays:
   [{"field","offset","length","name","hint","reason"}], [{"field","offset","length","name","value","raw"?,"from"}]. */
void bw_draft_json(struct bw_buf *out, const struct bw_draft *d);
void bw_draft_missing_json(struct bw_buf *out, const struct bw_draft *d);
void bw_draft_provenance_json(struct bw_buf *out, const struct bw_draft *d);

/* A loose text (the opening angle of a lead) by the same rules: strict, clean values, markers for what is missing, whose number
   goes to *ret_missing (may be NULL).  Appends to out. */
int bw_text_render(struct bw_str text, const struct bw_view *view, const char *currency, struct bw_buf *out,
                   size_t *ret_missing, struct bw_error *err);

/*
 * The hash that approvals are bound to: BLAKE2b-256, in hex, over "basewatch message 1\n" and then lead, version in decimal,
 * channel, number of recipients in decimal, each recipient, subject, body: each as its length in 8 bytes little endian, and
 * its bytes.  Recipients are the trimmed comma-separated parts of `to`, in order.
 */
void bw_draft_hash(const struct bw_draft *d, char ret_hex[BW_DRAFT_HASH]);

/* True for one plain mailbox "local@domain" (RFC 5321 dot-atom local part, ASCII, no quotes, no comments). */
bool bw_address_valid(struct bw_str address);
/* Calls each recipient of a `to` text, trimmed; returns their number. */
size_t bw_recipients(struct bw_str to, void (*each)(void *ctx, struct bw_str address), void *ctx);
/* A person's name or address as it goes into decisions: 1..200 bytes of valid UTF-8 without controls, not blank. */
bool bw_person_valid(struct bw_str who);

/* ---- store -------------------------------------------------------------- */

extern const struct bw_schema bw_drafts_schema;
/* Into the open transaction.  BW_EEXIST: this version or a later one is there already (someone else edited).  s may be NULL
   (replay): nothing is kept. */
int bw_draft_save(struct bw_store *s, const struct bw_draft *d, struct bw_error *err);
/* Which is the latest, without reading it whole. */
struct bw_draft_head {
  int64_t version; /* 0: there is none */
  char hash[BW_DRAFT_HASH];
  bool ours; /* no person has written in it */
};
int bw_draft_latest(struct bw_store *s, struct bw_str lead, struct bw_draft_head *ret_head, struct bw_error *err);
struct bw_draft_head bw_draft_head_of(const struct bw_draft *d);
/* Makes d the version after `head`; false where it would say just the same, to the same, by the same channel. */
bool bw_draft_follow(struct bw_draft *d, const struct bw_draft_head *head);
/* version 0: the latest.  BW_ENOTFOUND; BW_ECORRUPT. */
int bw_draft_load(struct bw_store *s, struct bw_str lead, int64_t version, struct bw_draft *ret_draft, struct bw_error *err);

#endif
