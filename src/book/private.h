/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the book that only its own files see.  core process, replay. */
#ifndef BW_BOOK_PRIVATE_H
#define BW_BOOK_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "book/book.h"

enum value_flags {
  VALUE_CRM = 1,     /* set by an account record: stronger than one of a group call */
  VALUE_HISTORY = 2, /* its earlier values have rows in the history */
  VALUE_HIDDEN = 4   /* our own bookkeeping */
};

/* A field at rest: 32 bytes, then its text in the entity's block.  There may be tens of millions. */
struct value {
  uint16_t name; /* in book->names */
  uint16_t len;
  uint32_t at : 24, type : 4, flags : 4; /* at: of its text in the texts of the block */
  double number;
  uint64_t source; /* the record that last changed it */
  int64_t time;    /* of the last record that set or confirmed it */
};

struct bw_entity {
  struct bw_book *book;
  char *block; /* values, then id, then texts */
  uint32_t id_len;
  uint16_t nvalues;
  uint8_t kind;
  bool dirty;
};

/* A field in work. */
struct work {
  struct bw_str text;
  double number;
  uint64_t source;
  int64_t time;
  uint16_t name;
  uint8_t type, flags;
};

/* The contacts or opportunities of one account, by id. */
struct members {
  struct bw_entity **items;
  size_t n, cap;
};

struct past {
  struct bw_entity *entity;
  char *value;
  size_t len;
  uint64_t offset;
  int64_t time;
  uint16_t name;
};

/* ---- numbers.c ---- */
#define BW_NUMBER_TEXT 32
/* Makes a text that is plainly a number or a day one, where rules read the field so; what it says then stands in out.  NULL, or
   what is wrong with it: "no number that is plain: ...". */
const char *bw_number_mend(enum bw_entity_kind kind, struct bw_field *f, char out[BW_NUMBER_TEXT]);

/* Rules read a number in the field. */
bool bw_number_expected(enum bw_entity_kind kind, struct bw_str field);

/* ---- words.c ---- */
/* The one spelling of a word that rules know; NULL: the field has none such, or the text is not among them (*ret_odd, where
   that is worth a notice). */
const char *bw_word_find(enum bw_entity_kind kind, struct bw_str field, struct bw_str text, bool *ret_odd);
/* False: a language should stand in the field, and this is none that drafts can be written in. */
bool bw_word_is_language(enum bw_entity_kind kind, struct bw_str field, struct bw_str text);
/* "N/A", "tbd", "unassigned" where a person of ours should stand (owner, csm, ae, am, bdr). */
bool bw_word_names_nobody(enum bw_entity_kind kind, struct bw_str field, struct bw_str text);
/* One of a few words is expected, and what is none of them is worth a notice. */
bool bw_word_expected(enum bw_entity_kind kind, struct bw_str field);
/* What is wrong with a value that is not: "none of green, yellow or red: ...". */
void bw_word_advise(enum bw_entity_kind kind, struct bw_str field, struct bw_buf *out);
bool bw_word_is(struct bw_str text, const char *word); /* in any spelling */
/* Anything that is not clearly a no: of what must not be overlooked. */
bool bw_word_says_yes(struct bw_str text);

struct bw_book {
  struct bw_store *store;
  struct bw_map *entities[BW_ENTITY_KINDS];
  struct bw_map *members[BW_ENTITY_KINDS]; /* account id to struct members */
  struct bw_entity **sorted[BW_ENTITY_KINDS];
  size_t nsorted[BW_ENTITY_KINDS], nall[BW_ENTITY_KINDS], sorted_cap[BW_ENTITY_KINDS]; /* past nsorted: in order of arrival */

  struct bw_map *name_ids; /* name to its struct bw_str in names, plus one */
  char **names;
  size_t nnames, names_cap;

  struct bw_map *odd;     /* words that were told of: "health critical" */
  struct bw_map *changed; /* accounts, in order of first change */
  struct bw_entity **dirty;
  size_t ndirty, dirty_cap;
  struct past *past; /* history not yet saved */
  size_t npast, past_cap;

  struct bw_field ring[64];
  size_t ring_at;
  struct work work[BW_BOOK_MAX_FIELDS + 16]; /* the entity in work; room for our own fields past the limit */
  size_t nwork;
  struct bw_buf scratch;
};

/* ---- entity.c ---- */
/* -1 where the book has no such name; bw_name_add() makes one, -1 where there are too many. */
int bw_name_find(const struct bw_book *b, struct bw_str name);
int bw_name_add(struct bw_book *b, struct bw_str name);
struct bw_str bw_name(const struct bw_book *b, uint16_t name);
struct bw_entity *bw_entity_new(struct bw_book *b, enum bw_entity_kind kind, struct bw_str id);
void bw_entity_free(void *entity);
/* Into b->work (texts borrowed from the block), and back (into a new block; the old one is freed). */
void bw_entity_unpack(const struct bw_entity *e);
void bw_entity_pack(struct bw_entity *e);
struct bw_str bw_entity_raw(const struct bw_entity *e, const char *name); /* hidden ones too */

/* ---- index.c ---- */
void bw_index_add(struct bw_book *b, struct bw_entity *e);
void bw_index_move(struct bw_book *b, struct bw_entity *e, struct bw_str from, struct bw_str to);
void bw_index_free(struct bw_book *b);
void bw_book_mark_changed(struct bw_book *b, struct bw_str account);

/* ---- saved.c ---- */
void bw_past_add(struct bw_book *b, struct bw_entity *e, const struct work *w);
void bw_past_clear(struct bw_book *b);
int bw_book_load(struct bw_book *b, struct bw_error *err);

/* Where a contact or opportunity belongs: a hidden field, so that a late record cannot move it back. */
#define ACCOUNT_FIELD "_account"
#define ESCALATIONS_FIELD "_escalations"

#endif
