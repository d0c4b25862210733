/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The given name in a full name, as CRMs and sign-ups write them: for a salutation.  Where it is not plain there is none, and a
 * person fills it in.  Runs in core and replays; no privileges.
 */
#include <stdio.h>

#include "names/names.h"

#define MAX_WORDS 12
#define NOT_PLAIN "does not say which part of it is the first name"

struct words {
  struct bw_str item[MAX_WORDS];
  size_t n;
};

/* ---- letters ---- */

static uint32_t decode(const char *p, size_t n, size_t *ret_len)
{
  unsigned char c = (unsigned char)*p;
  size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4, i;
  uint32_t v = c & (len == 1 ? 0x7F : 0xFFu >> (len + 1));
  *ret_len = 1;
  if (len > n || !bw_utf8_valid(p, len))
    return 0xFFFD;
  for (i = 1; i < len; i++)
    v = v << 6 | ((unsigned char)p[i] & 0x3F);
  *ret_len = len;
  return v;
}

/* Ranges of capital letters of Latin, Greek and Cyrillic script, and how far off the small ones are; every second letter of
   those that are 1 off is small itself. */
static uint32_t small(uint32_t c)
{
  static const struct {
    uint32_t from, to, off;
  } ranges[] = {{'A', 'Z', 32},     {0xC0, 0xD6, 32},   {0xD8, 0xDE, 32},  {0x100, 0x12F, 1},
                {0x132, 0x137, 1},  {0x139, 0x148, 1},  {0x14A, 0x177, 1}, {0x179, 0x17E, 1},
                {0x391, 0x3A9, 32}, {0x400, 0x40F, 80}, {0x410, 0x42F, 32}};
  size_t i;
  if (c == 0x178)
    return 0xFF;
  for (i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (c >= ranges[i].from && c <= ranges[i].to)
      return ranges[i].off == 1 && (c - ranges[i].from) % 2 ? c : c + ranges[i].off;
  return c;
}

/* Of two bytes at most: all that small() gives. */
static void add_char(struct bw_buf *out, uint32_t c)
{
  if (c >= 0x80)
    bw_buf_add_char(out, (char)(0xC0 | c >> 6));
  bw_buf_add_char(out, (char)(c < 0x80 ? c : 0x80 | (c & 0x3F)));
}

static bool begins_part(struct bw_str s, size_t i)
{
  return i == 0 || strchr(" -'.", s.data[i - 1]) || (i >= 3 && memcmp(s.data + i - 3, "\xE2\x80\x99", 3) == 0);
}

/* More than two capitals, and no other letter: somebody's caps lock. */
static bool shouts(struct bw_str s)
{
  size_t i, len, capitals = 0;
  for (i = 0; i < s.len; i += len) {
    uint32_t c = decode(s.data + i, s.len - i, &len);
    if (small(c) != c)
      capitals++;
    else if ((c >= 'a' && c <= 'z') || (c >= 0x80 && c != 0x2019))
      return false;
  }
  return capitals > 2;
}

/* "ERIN" as "Erin", "JEAN-PIERRE" as "Jean-Pierre". */
static void add_calm(struct bw_buf *out, struct bw_str s)
{
  bool calm = shouts(s);
  size_t i, len;
  for (i = 0; i < s.len; i += len) {
    uint32_t c = decode(s.data + i, s.len - i, &len);
    if (calm && small(c) != c && !begins_part(s, i))
      add_char(out, small(c));
    else
      bw_buf_add(out, s.data + i, len);
  }
}

/* ---- words ---- */

static size_t space_at(struct bw_str s, size_t i)
{
  static const char *const spaces[] = {" ",           "\t",           "\r",           "\n",
                                       "\xC2\xA0",    "\xE2\x80\x89", "\xE2\x80\xAF", "\xE3\x80\x80",
                                       "\xE3\x83\xBB" /* between the names of foreigners in Japanese */};
  size_t k;
  for (k = 0; k < sizeof spaces / sizeof *spaces; k++)
    if (bw_str_prefix(bw_str_n(s.data + i, s.len - i), spaces[k]))
      return strlen(spaces[k]);
  return 0;
}

static struct bw_str strip(struct bw_str s, const char *signs)
{
  while (s.len && strchr(signs, s.data[0]))
    s = bw_str_n(s.data + 1, s.len - 1);
  while (s.len && strchr(signs, s.data[s.len - 1]))
    s.len--;
  return s;
}

static void split(struct bw_str s, struct words *ret)
{
  size_t i = 0, from, space;
  ret->n = 0;
  while (i < s.len && ret->n < MAX_WORDS) {
    struct bw_str word;
    for (from = i; i < s.len && !(space = space_at(s, i)); i++)
      ;
    word = strip(bw_str_n(s.data + from, i - from), "\"");
    if (word.len)
      ret->item[ret->n++] = word;
    i += i < s.len ? space : 0;
  }
}

static bool among(struct bw_str word, const char *const *list)
{
  size_t i;
  for (; *list; list++) {
    for (i = 0; i < word.len && (*list)[i] && small((unsigned char)word.data[i]) == (unsigned char)(*list)[i]; i++)
      ;
    if (i == word.len && !(*list)[i])
      return true;
  }
  return false;
}

/* "Dr.", "Frau": what stands before a name. */
static bool is_title(struct bw_str word)
{
  static const char *const titles[] = {"dr",           "prof", "professor", "mr",        "mrs",      "ms",       "miss",
                                       "mx",           "herr", "frau",      "mme",       "mlle",     "monsieur", "madame",
                                       "mademoiselle", "sra",  "srta",      "dott",      "dott.ssa", "sig.ra",   "signor",
                                       "signora",      "dhr",  "mevr",      "dipl.-ing", NULL};
  static const char *const dotted[] = {"hr.",   "fr.",  "sr.",  "ing.", "sig.",  "mag.", "dipl.", "rev.", "hon.",
                                       "capt.", "col.", "h.c.", "med.", "phil.", "jur.", "rer.",  "nat.", NULL};
  struct bw_str bare = word;
  while (bare.len && bare.data[bare.len - 1] == '.')
    bare.len--;
  return bare.len == 0 || among(bare, titles) || among(word, dotted);
}

/* "J.", and "M." of Monsieur: nothing to call somebody by who has another name. */
static bool is_initial(struct bw_str word)
{
  return word.len == 1 || (word.len == 2 && word.data[1] == '.');
}

static void skip_titles(struct words *w)
{
  size_t skip = 0;
  while (skip < w->n && (is_title(w->item[skip]) || (w->n > 1 && is_initial(w->item[skip]))))
    skip++;
  w->n -= skip;
  memmove(w->item, w->item + skip, w->n * sizeof *w->item);
}

/* Behind a comma: no name. */
static bool only_suffixes(const struct words *w)
{
  static const char *const suffixes[] = {"jr",  "jr.", "sr",  "sr.",  "ii",  "iii", "iv",  "phd", "ph.d.", "md",  "m.d.", "mba",
                                         "msc", "bsc", "esq", "esq.", "cpa", "cfa", "pmp", "llm", "jd",    "dds", NULL};
  size_t i;
  for (i = 0; i < w->n && among(w->item[i], suffixes); i++)
    ;
  return i == w->n;
}

/* ---- Chinese, Japanese and Korean ---- */

static bool is_east_asian(struct bw_str s)
{
  return s.len && (unsigned char)s.data[0] >= 0xE3 && (unsigned char)s.data[0] <= 0xED;
}

/* A foreigner's name, which begins with the given one. */
static bool is_katakana(struct bw_str s)
{
  size_t i, len;
  for (i = 0; i < s.len; i += len) {
    uint32_t c = decode(s.data + i, s.len - i, &len);
    if (c < 0x30A0 || c > 0x30FF)
      return false;
  }
  return true;
}

static struct bw_str east_asian(struct words *w)
{
  static const char *const polite[] = {"\xE6\xA7\x98" /* sama */,
                                       "\xE3\x81\x95\xE3\x82\x93" /* san */,
                                       "\xE6\xB0\x8F" /* shi */,
                                       "\xE5\x85\x88\xE7\x94\x9F" /* sensei */,
                                       "\xEB\x8B\x98" /* nim */,
                                       "\xEC\x94\xA8" /* ssi */,
                                       NULL};
  size_t i;
  for (i = 0; polite[i] && w->n > 1; i++)
    if (bw_str_is(w->item[w->n - 1], polite[i]))
      w->n--;
  for (i = 0; i < w->n && is_katakana(w->item[i]); i++)
    ;
  return w->item[i == w->n ? 0 : w->n - 1];
}

/* ---- names ---- */

/* What no name holds. */
static const char *no_name(struct bw_str s)
{
  size_t i;
  bool letters = false;
  if (s.len && memchr(s.data, '@', s.len))
    return "is an e-mail address and no name";
  for (i = 0; i < s.len; i++)
    letters |= (unsigned char)s.data[i] >= 0x80 || small((unsigned char)s.data[i]) != (unsigned char)s.data[i] ||
               (s.data[i] >= 'a' && s.data[i] <= 'z');
  return letters && !bw_book_says_nobody(s) ? NULL : "is no name";
}

static const char *take(struct bw_str word, struct bw_buf *out)
{
  size_t i;
  for (i = 0; i < word.len; i++)
    if (strchr("<>{}[]/\\|=0123456789", word.data[i]))
      return "is no name";
  add_calm(out, word);
  return NULL;
}

/* "Dana Park", "Frau Dr. Dana Park"; not "Frau Park", nor "PARK Dana". */
static const char *given_first(struct words *w, struct bw_buf *out)
{
  size_t all = w->n, i;
  skip_titles(w);
  if (w->n && is_east_asian(w->item[0]))
    return take(east_asian(w), out);
  if (w->n < (all == w->n ? 1 : 2))
    return "holds no first name";
  for (i = 1; i < w->n && shouts(w->item[0]); i++)
    if (!shouts(w->item[i]) && !is_initial(w->item[i]))
      return NOT_PLAIN;
  return take(w->item[0], out);
}

/* One word, or one that begins as family names do. */
static bool is_family(struct words *w)
{
  static const char *const particles[] = {"van", "von", "de", "del", "della", "di",  "da", "dos", "du",
                                          "el",  "al",  "la", "le",  "ter",   "ten", "zu", NULL};
  skip_titles(w);
  return w->n == 1 || (w->n > 1 && among(w->item[0], particles));
}

const char *bw_given_name(struct bw_str full, struct bw_buf *out)
{
  struct words part[3], w;
  const char *why = no_name(full), *comma;
  size_t n = 0;
  if (why)
    return why;
  for (;;) {
    comma = memchr(full.data, ',', full.len);
    split(comma ? bw_str_n(full.data, (size_t)(comma - full.data)) : full, &w);
    if (n == 0 || !only_suffixes(&w)) {
      if (n == sizeof part / sizeof *part)
        return NOT_PLAIN;
      part[n++] = w;
    }
    if (!comma)
      break;
    full = bw_str_n(comma + 1, full.len - (size_t)(comma + 1 - full.data));
  }
  if (n == 1)
    return given_first(&part[0], out);
  if (n > 2 || !is_family(&part[0]))
    return NOT_PLAIN;
  skip_titles(&part[1]);
  return part[1].n ? take(part[1].item[0], out) : "holds no first name";
}

const char *bw_given_whole(struct bw_str first, struct bw_buf *out)
{
  const char *why = no_name(first);
  if (!why)
    add_calm(out, strip(first, " \t\r\n"));
  return why;
}
