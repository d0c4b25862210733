/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that hold one of a few words, which rules compare letter by letter.  A CRM writes them as it likes; here they become
 * the one spelling.  Runs in core and replays; no privileges.
 */
#include <ctype.h>

#include "base/currency.h"
#include "base/language.h"
#include "book/private.h"

#define MAX_WORD 64

const char *const bw_health_words[] = {"green", "yellow", "red", NULL};
const char *const bw_budget_words[] = {"positive", "stable", "cuts", NULL};
const char *const bw_relationship_words[] = {"multi-threaded", "single", "weak", NULL};
const char *const bw_stages[] = {"baseline", "live", "first_results", "tangible_roi", "expansion_ready", NULL};
_Static_assert(sizeof bw_stages / sizeof *bw_stages == BW_STAGES + 1, "each has its place");

static const struct words {
  enum bw_entity_kind kind;
  const char *field;
  bool open;                    /* other words are all right as they are: a CRM has its own */
  const char *const *words;     /* as rules write them; NULL-terminated; NULL: ISO 4217 codes */
  const char *const *otherwise; /* what is also said, and the word for it, in turn; NULL-terminated, or NULL */
} table[] = {
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
    {BW_ENTITY_ACCOUNT, "health", false, bw_health_words, WORDS("amber", "yellow")},
    {BW_ENTITY_ACCOUNT, "stage", false, bw_stages, NULL},
    {BW_ENTITY_ACCOUNT, "budget", false, bw_budget_words, NULL},
    {BW_ENTITY_ACCOUNT, "relationship", false, bw_relationship_words, NULL},
    {BW_ENTITY_ACCOUNT, "currency", false, NULL, NULL},
    {BW_ENTITY_CONTACT, "role", true, WORDS("champion", "economic_buyer", "sponsor", "user"), WORDS("buyer", "economic_buyer")},
    {BW_ENTITY_OPPORTUNITY, "outcome", true, WORDS("won", "lost"), NULL},
    {BW_ENTITY_OPPORTUNITY, "currency", true, NULL, NULL},
    {BW_ENTITY_OPPORTUNITY, "kind", true, WORDS("new", "expansion", "renewal"), NULL},
    {BW_ENTITY_OPPORTUNITY, "loss_reason", true,
     WORDS("timing", "budget", "priorities", "competitor", "missing_capability", "fit", "other"), NULL},
#undef WORDS
};

/* Small letters, no spaces around it, and one kind of gap: "First Results " is "first_results". */
static bool fold(struct bw_str text, char out[MAX_WORD])
{
  size_t n = 0;
  while (text.len && isspace((unsigned char)text.data[0]))
    text.data++, text.len--;
  while (text.len && isspace((unsigned char)text.data[text.len - 1]))
    text.len--;
  if (text.len == 0 || text.len >= MAX_WORD)
    return false;
  for (; n < text.len; n++) {
    char c = text.data[n];
    out[n] = (char)(c == ' ' || c == '-' || c == '_' ? '_' : tolower((unsigned char)c));
  }
  out[n] = '\0';
  return true;
}

static bool same(const char *folded, const char *word)
{
  char other[MAX_WORD];
  return fold(bw_str(word), other) && strcmp(folded, other) == 0;
}

static const struct words *words_of(enum bw_entity_kind kind, struct bw_str field)
{
  size_t i;
  for (i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].kind == kind && bw_str_is(field, table[i].field))
      return &table[i];
  return NULL;
}

const char *bw_word_find(enum bw_entity_kind kind, struct bw_str field, struct bw_str text, bool *ret_odd)
{
  const struct words *w = words_of(kind, field);
  char folded[MAX_WORD];
  size_t i;
  *ret_odd = false;
  if (!w || text.len == 0)
    return NULL;
  if (!w->words) {
    const char *code = bw_currency_code(text);
    *ret_odd = !code && !w->open;
    return code;
  }
  if (fold(text, folded)) {
    for (i = 0; w->words[i]; i++)
      if (same(folded, w->words[i]))
        return w->words[i];
    for (i = 0; w->otherwise && w->otherwise[i]; i += 2)
      if (same(folded, w->otherwise[i]))
        return w->otherwise[i + 1];
  }
  *ret_odd = !w->open;
  return NULL;
}

bool bw_word_is(struct bw_str text, const char *word)
{
  char folded[MAX_WORD];
  return fold(text, folded) && same(folded, word);
}

bool bw_word_says_yes(struct bw_str text)
{
  static const char *const no[] = {"no", "false", "0", "n", "f", "off", "none", "null", "-", NULL};
  char folded[MAX_WORD];
  size_t i;
  if (!fold(text, folded))
    return text.len >= MAX_WORD;
  for (i = 0; no[i]; i++)
    if (strcmp(folded, no[i]) == 0)
      return false;
  return true;
}

/* "de", "de-AT", "gsw": whether there is a translation is for others to know. */
static bool is_tag(struct bw_str s)
{
  size_t n = 0;
  while (n < s.len && isalpha((unsigned char)s.data[n]))
    n++;
  return (n == 2 || n == 3) && (n == s.len || s.data[n] == '-' || s.data[n] == '_');
}

bool bw_word_is_language(enum bw_entity_kind kind, struct bw_str field, struct bw_str text)
{
  char code[3];
  return kind != BW_ENTITY_ACCOUNT || !bw_str_is(field, "language") || text.len == 0 || is_tag(text) ||
         bw_language_code(text, code);
}

bool bw_book_says_nobody(struct bw_str text)
{
  static const char *const nobody[] = {"n/a",          "none",         "null",   "nil",    "-",        "--",
                                       "\xE2\x80\x93", "\xE2\x80\x94", "?",      "tbd",    "tba",      "unassigned",
                                       "not assigned", "unknown",      "nobody", "no one", "no owner", NULL};
  size_t i;
  char folded[MAX_WORD];
  if (!fold(text, folded))
    return text.len < MAX_WORD; /* nothing but spaces */
  for (i = 0; nobody[i] && !same(folded, nobody[i]); i++)
    ;
  return nobody[i] != NULL || bw_str_is(text, "NA"); /* "Na" is a name */
}

bool bw_word_names_nobody(enum bw_entity_kind kind, struct bw_str field, struct bw_str text)
{
  static const char *const people[] = {"owner", "csm", "ae", "am", "bdr"};
  size_t i;
  for (i = 0; i < sizeof people / sizeof *people; i++)
    if (kind == BW_ENTITY_ACCOUNT && bw_str_is(field, people[i]))
      return bw_book_says_nobody(text);
  return false;
}

bool bw_word_expected(enum bw_entity_kind kind, struct bw_str field)
{
  const struct words *w = words_of(kind, field);
  return w && !w->open;
}

void bw_word_advise(enum bw_entity_kind kind, struct bw_str field, struct bw_buf *out)
{
  const struct words *w = words_of(kind, field);
  size_t i;
  if (!w->words) {
    bw_buf_add_cstr(out, "no currency that is plain: no text tells a price until it is an ISO 4217 code such as EUR");
    return;
  }
  bw_buf_add_cstr(out, "none of ");
  for (i = 0; w->words[i]; i++)
    bw_buf_printf(out, "%s%s", i == 0 ? "" : w->words[i + 1] ? ", " : " or ", w->words[i]);
  bw_buf_add_cstr(out, ": no rule knows what to make of it, and plays are careful with the account until it is one of these");
}
