/* SPDX-License-Identifier: Apache-2.0 */
/* Languages and countries as people and CRMs name them.  Runs in every process; no privileges needed. */
#include "base/language.h"

#define MAX_TEXT 48

/* What is said for a code, its ASCII letters small; what begins with another letter, in both ways. */
struct named {
  const char *code;
  const char *const *words; /* NULL-terminated */
};
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* English and own names, and the codes of three letters. */
static const struct named languages[] = {
    {"en", WORDS("english", "eng", "inglés", "anglais", "englisch")},
    {"de", WORDS("german", "deutsch", "deu", "ger", "allemand", "alemán")},
    {"fr", WORDS("french", "français", "francais", "fra", "fre", "französisch")},
    {"es", WORDS("spanish", "español", "espanol", "castellano", "castilian", "spa", "spanisch")},
    {"it", WORDS("italian", "italiano", "ita", "italienisch")},
    {"nl", WORDS("dutch", "nederlands", "flemish", "vlaams", "nld", "dut")},
    {"pt", WORDS("portuguese", "português", "portugues", "brazilian portuguese", "por")},
    {"sv", WORDS("swedish", "svenska", "swe")},
    {"da", WORDS("danish", "dansk", "dan")},
    {"nb", WORDS("norwegian", "norsk", "bokmål", "norwegian bokmål", "norwegian bokmal", "nor", "nob")},
    {"fi", WORDS("finnish", "suomi", "fin")},
    {"pl", WORDS("polish", "polski", "pol")},
    {"cs", WORDS("czech", "čeština", "Čeština", "cestina", "ces", "cze")},
    {"ja", WORDS("japanese", "日本語", "jpn")},
    {"ko", WORDS("korean", "한국어", "kor")},
    {"zh", WORDS("chinese", "中文", "汉语", "漢語", "simplified chinese", "traditional chinese", "mandarin", "zho", "chi")},
    {"ar", WORDS("arabic", "ara")},
    {"bg", WORDS("bulgarian", "bul")},
    {"ca", WORDS("catalan", "català", "cat")},
    {"el", WORDS("greek", "ελληνικά", "Ελληνικά", "ell")},
    {"et", WORDS("estonian", "est")},
    {"he", WORDS("hebrew", "עברית", "heb")},
    {"hi", WORDS("hindi", "hin")},
    {"hr", WORDS("croatian", "hrvatski", "hrv")},
    {"hu", WORDS("hungarian", "magyar", "hun")},
    {"id", WORDS("indonesian", "ind")},
    {"lt", WORDS("lithuanian", "lit")},
    {"lv", WORDS("latvian", "lav")},
    {"ro", WORDS("romanian", "română", "ron")},
    {"ru", WORDS("russian", "русский", "Русский", "rus")},
    {"sk", WORDS("slovak", "slovenčina", "slk")},
    {"sl", WORDS("slovenian", "slovene", "slv")},
    {"sr", WORDS("serbian", "srp")},
    {"th", WORDS("thai", "tha")},
    {"tr", WORDS("turkish", "türkçe", "turkce", "tur")},
    {"uk", WORDS("ukrainian", "українська", "Українська", "ukr")},
    {"vi", WORDS("vietnamese", "tiếng việt", "vie")},
};

static const struct named countries[] = {
    {"US", WORDS("united states", "united states of america", "usa", "u.s.", "u.s.a.", "america")},
    {"GB", WORDS("united kingdom", "great britain", "uk", "u.k.", "gbr", "england", "scotland", "wales")},
    {"DE", WORDS("germany", "deutschland", "deu", "allemagne")},
    {"AT", WORDS("austria", "österreich", "Österreich", "aut")},
    {"CH", WORDS("switzerland", "schweiz", "suisse", "svizzera", "che")},
    {"FR", WORDS("france", "fra", "frankreich")},
    {"CA", WORDS("canada", "can")},
    {"ES", WORDS("spain", "españa", "esp")},
    {"MX", WORDS("mexico", "méxico", "mex")},
    {"IT", WORDS("italy", "italia", "ita")},
    {"NL", WORDS("netherlands", "the netherlands", "nederland", "holland", "nld")},
    {"BR", WORDS("brazil", "brasil", "bra")},
    {"PT", WORDS("portugal", "prt")},
    {"SE", WORDS("sweden", "sverige", "swe")},
    {"DK", WORDS("denmark", "danmark", "dnk")},
    {"NO", WORDS("norway", "norge", "nor")},
    {"FI", WORDS("finland", "suomi", "fin")},
    {"PL", WORDS("poland", "polska", "pol")},
    {"CZ", WORDS("czechia", "czech republic", "česko", "Česko", "česká republika", "Česká republika", "cze")},
    {"JP", WORDS("japan", "日本", "jpn")},
    {"KR", WORDS("south korea", "korea", "republic of korea", "대한민국", "kor")},
    {"CN", WORDS("china", "中国", "chn")},
};

static const char *find(const struct named *list, size_t n, const char *text)
{
  size_t i, k;
  for (i = 0; i < n; i++)
    for (k = 0; list[i].words[k]; k++)
      if (strcmp(list[i].words[k], text) == 0)
        return list[i].code;
  return NULL;
}

/* As it is compared; "Portuguese (Brazil)" without what explains it. */
static bool fold(struct bw_str said, char text[MAX_TEXT])
{
  const char *bracket = said.len ? memchr(said.data, '(', said.len) : NULL;
  return bw_str_fold(bracket ? bw_str_n(said.data, (size_t)(bracket - said.data)) : said, text, MAX_TEXT);
}

static bool two_letters(const char *s)
{
  return s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z' && s[2] == '\0';
}

bool bw_language_code(struct bw_str said, char ret[3])
{
  char text[MAX_TEXT];
  const char *code;
  if (!fold(said, text))
    return false;
  code = two_letters(text) ? text : find(languages, sizeof languages / sizeof *languages, text);
  if (code)
    memcpy(ret, code, 3);
  return code != NULL;
}

bool bw_country_code(struct bw_str said, char ret[3])
{
  char text[MAX_TEXT];
  const char *code;
  if (!fold(said, text))
    return false;
  code = find(countries, sizeof countries / sizeof *countries, text);
  if (!code && two_letters(text)) {
    text[0] = (char)(text[0] - 'a' + 'A');
    text[1] = (char)(text[1] - 'a' + 'A');
    code = text;
  }
  if (code)
    memcpy(ret, code, 3);
  return code != NULL;
}
