/* SPDX-License-Identifier: Apache-2.0 */
/* Mustache: the specification's own cases, errors with positions, limits, strictness, filters, hostile values. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drafts/locale.h"
#include "drafts/tests/json_view.h"

#define MARKED(name) BW_MISSING_OPEN "missing: " name BW_MISSING_CLOSE

/* ---- the specification --------------------------------------------------- */

#define MAX_PARTIALS 8

struct partials {
  const char *name[MAX_PARTIALS];
  struct bw_mustache *m[MAX_PARTIALS];
  size_t n;
};

static const struct bw_mustache *spec_partial(void *ctx, struct bw_str name)
{
  const struct partials *p = ctx;
  size_t i;
  for (i = 0; i < p->n; i++)
    if (bw_str_is(name, p->name[i]))
      return p->m[i];
  return NULL;
}

/* True where the case renders as the specification says. */
static bool spec_case(const char *file, json_t *c)
{
  struct partials partials = {.n = 0};
  struct bw_mustache_options options = {.html = true, .partial = spec_partial, .ctx = &partials};
  const char *template = json_string_value(json_object_get(c, "template"));
  const char *expected = json_string_value(json_object_get(c, "expected")), *name;
  struct bw_view view = json_view(json_object_get(c, "data"));
  struct bw_mustache *m = NULL;
  struct bw_error err = {0};
  struct bw_buf out = {0};
  json_t *text;
  bool ok;
  json_object_foreach(json_object_get(c, "partials"), name, text)
  {
    assert_true(partials.n < MAX_PARTIALS);
    partials.name[partials.n] = name;
    assert_int_equal(bw_mustache_compile(bw_str(json_string_value(text)), &partials.m[partials.n], NULL, &err), 0);
    partials.n++;
  }
  ok = bw_mustache_compile(bw_str(template), &m, NULL, &err) == 0 && bw_mustache_render(m, &view, &options, &out, &err) == 0 &&
       bw_str_is(bw_buf_str(&out), expected);
  if (!ok)
    (void)fprintf(stderr, "%s: %s\n  template: %s\n  expected: %s\n  got:      %s %s\n", file,
                  json_string_value(json_object_get(c, "name")), template, expected, bw_buf_cstr(&out), err.message);
  bw_mustache_free(&m);
  while (partials.n)
    bw_mustache_free(&partials.m[--partials.n]);
  bw_buf_clear(&out);
  return ok;
}

static void the_specification_holds(void **state)
{
  static const struct {
    const char *name;
    size_t least; /* cases there are at least: an emptied file would prove nothing */
  } files[] = {{"comments", 12}, {"delimiters", 14}, {"interpolation", 38},
               {"inverted", 22}, {"partials", 12},   {"sections", 34}};
  const char *src = getenv("BW_SRCDIR");
  char path[4096];
  size_t i, k, bad = 0, cases = 0;
  (void)state;
  for (i = 0; i < sizeof files / sizeof *files; i++) {
    json_t *root, *list, *c;
    (void)snprintf(path, sizeof path, "%s/src/drafts/tests/mustache-spec/%s.json", src ? src : ".", files[i].name);
    root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    list = json_object_get(root, "tests");
    assert_true(json_array_size(list) >= files[i].least);
    json_array_foreach(list, k, c)
    {
      bad += !spec_case(files[i].name, c);
      cases++;
    }
    json_decref(root);
  }
  (void)fprintf(stderr, "%zu cases of the specification, %zu failed\n", cases, bad);
  assert_true(cases >= 136);
  assert_int_equal(bad, 0);
}

/* ---- helpers ------------------------------------------------------------ */

struct seen {
  struct bw_buf text; /* a line for every note */
  size_t missing;
};

static void see(void *ctx, const struct bw_mustache_note *n)
{
  struct seen *s = ctx;
  s->missing += n->missing;
  bw_buf_printf(&s->text, "%s %.*s at %zu: [%.*s] raw [%.*s] %s\n", n->missing ? "missing" : "filled", BW_FMT(n->name),
                n->offset, BW_FMT(n->shown), BW_FMT(n->raw), n->reason ? n->reason : "");
}

/* Renders and compares; options may be NULL for strict and clean. */
static void renders(const char *template, const char *json, const struct bw_mustache_options *options, const char *expected)
{
  struct bw_mustache_options strict = {.strict = true, .clean = true};
  json_t *data = json_loads(json, 0, NULL);
  struct bw_view view = json_view(data);
  struct bw_mustache *m = NULL;
  struct bw_error err = {0};
  struct bw_buf out = {0};
  assert_non_null(data);
  assert_int_equal(bw_mustache_compile(bw_str(template), &m, NULL, &err), 0);
  assert_int_equal(bw_mustache_render(m, &view, options ? options : &strict, &out, &err), 0);
  assert_string_equal(bw_buf_cstr(&out), expected);
  bw_mustache_free(&m);
  bw_buf_clear(&out);
  json_decref(data);
}

/* ---- errors and limits --------------------------------------------------- */

static void errors_say_where(void **state)
{
  static const struct {
    const char *text;
    uint32_t line, column;
    const char *says;
  } cases[] = {{"a\nbc {{name", 2, 4, "never closed"},
               {"{{#a}}\n  {{/b}}", 2, 3, "closes \"b\" while \"a\" (1 line above)"},
               {"{{#a}}{{/b}}", 1, 7, "while \"a\" (in this line)"},
               {"Hi {{a.name}, of {{b.name}}", 1, 4, "close it with }}"},
               {"Hi {{a.name} there}}", 1, 4, "close it with }}"},
               {"x\n{{#open}}\ny", 2, 1, "\"open\" is never closed"},
               {"{{/a}}", 1, 1, "no section is open"},
               {"{{ }}", 1, 1, "no name"},
               {"{{two words}}", 1, 1, "no spaces"},
               {"ab {{x|mony}}", 1, 4, "no filter \"mony\"; there are abs, date"},
               {"{{x|date:long}}", 1, 1, "date:iso"},
               {"{{x|plural:seat}}", 1, 1, "plural:seat,seats"},
               {"{{x|money:9}}", 1, 1, "0 to 6 decimals"},
               {"{{#x|money}}{{/x|money}}", 1, 1, "takes no filter but |positive"},
               {"{{#x|from:few}}{{/x}}", 1, 1, "or |from: and a number"},
               {"{{#x|from:0}}{{/x}}", 1, 1, "or |from: and a number"},
               {"{{=<%=}}", 1, 1, "two words"},
               {"{{<parent}}{{/parent}}", 1, 1, "not part of this Mustache"},
               {"{{{x}}", 1, 1, "write }}}"},
               {"{{#x|positive|abs}}{{/x}}", 1, 1, "takes no filter but |positive"},
               {"{{x|abs|abs|abs|abs|abs}}", 1, 1, "at most 4"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bw_mustache_where where = {0};
    struct bw_mustache *m = NULL;
    struct bw_error err = {0};
    assert_true(bw_mustache_compile(bw_str(cases[i].text), &m, &where, &err) < 0);
    assert_null(m);
    if (!strstr(err.message, cases[i].says) || where.line != cases[i].line || where.column != cases[i].column)
      fail_msg("%s: %u:%u: %s", cases[i].text, where.line, where.column, err.message);
  }
}

static void depth_size_and_steps_are_limited(void **state)
{
  struct bw_buf text = {0}, out = {0};
  struct bw_mustache *m = NULL;
  struct bw_error err = {0};
  struct bw_mustache_options options = {.strict = true};
  json_t *data = json_pack("{s:[]}", "l"), *list = json_object_get(data, "l");
  struct bw_view view = json_view(data);
  int i;
  (void)state;
  for (i = 0; i <= BW_MUSTACHE_MAX_DEPTH; i++)
    bw_buf_add_cstr(&text, "{{#a}}");
  assert_int_equal(bw_mustache_compile(bw_buf_str(&text), &m, NULL, &err), BW_ELIMIT);
  bw_buf_reset(&text);
  for (i = 0; i <= BW_MUSTACHE_MAX_NODES; i++)
    bw_buf_add_cstr(&text, "{{a}}");
  assert_int_equal(bw_mustache_compile(bw_buf_str(&text), &m, NULL, &err), BW_ELIMIT);
  bw_buf_reset(&text);
  memset(bw_buf_reserve(&text, BW_MUSTACHE_MAX_TEXT + 1), 'x', BW_MUSTACHE_MAX_TEXT + 1);
  text.len = BW_MUSTACHE_MAX_TEXT + 1;
  assert_int_equal(bw_mustache_compile(bw_buf_str(&text), &m, NULL, &err), BW_ELIMIT);
  /* 100^4 rounds that print nothing. */
  for (i = 0; i < 100; i++)
    json_array_append_new(list, json_integer(i));
  assert_int_equal(bw_mustache_compile(BW_STR("{{#l}}{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}{{/l}}"), &m, NULL, &err), 0);
  bw_buf_add_cstr(&out, "kept");
  assert_int_equal(bw_mustache_render(m, &view, &options, &out, &err), BW_ELIMIT);
  assert_string_equal(bw_buf_cstr(&out), "kept");
  bw_mustache_free(&m);
  /* And a hundred bytes at most. */
  options.max_output = 100;
  assert_int_equal(bw_mustache_compile(BW_STR("{{#l}}abc{{/l}}"), &m, NULL, &err), 0);
  assert_int_equal(bw_mustache_render(m, &view, &options, &out, &err), BW_ELIMIT);
  assert_string_equal(bw_buf_cstr(&out), "kept");
  bw_mustache_free(&m);
  bw_buf_clear(&text);
  bw_buf_clear(&out);
  json_decref(data);
}

static const struct bw_mustache *itself(void *ctx, struct bw_str name)
{
  (void)name;
  return *(struct bw_mustache **)ctx;
}

static void a_partial_that_includes_itself_ends(void **state)
{
  struct bw_mustache *m = NULL;
  struct bw_mustache_options options = {.partial = itself, .ctx = &m};
  json_t *data = json_object();
  struct bw_view view = json_view(data);
  struct bw_error err = {0};
  struct bw_buf out = {0};
  (void)state;
  assert_int_equal(bw_mustache_compile(BW_STR("x{{>me}}{{>me}}"), &m, NULL, &err), 0);
  assert_int_equal(bw_mustache_render(m, &view, &options, &out, &err), BW_ELIMIT);
  assert_non_null(strstr(err.message, "without end"));
  assert_int_equal(out.len, 0);
  bw_mustache_free(&m);
  bw_buf_clear(&out);
  json_decref(data);
}

static void a_section_can_ask_for_more_than_nothing(void **state)
{
  static const char template[] = "{{#n|positive}}{{n}} left{{/n}}{{^n|positive}}over{{/n|positive}}";
  (void)state;
  renders(template, "{\"n\":3}", NULL, "3 left");
  renders(template, "{\"n\":0}", NULL, "over");
  renders(template, "{\"n\":-3}", NULL, "over");
  renders(template, "{\"n\":\"3\"}", NULL, "over");
  renders(template, "{}", NULL, "over");
  renders("{{#n|from:5}}{{n}}{{/n}}{{^n|from:5}}few{{/n|from:5}}", "{\"n\":5}", NULL, "5");
  renders("{{#n|from:5}}{{n}}{{/n}}{{^n|from:5}}few{{/n|from:5}}", "{\"n\":4.9}", NULL, "few");
  renders("{{#n|from:5}}{{n}}{{/n}}{{^n|from:5}}few{{/n|from:5}}", "{}", NULL, "few");
}

/* ---- strictness ---------------------------------------------------------- */

static void nothing_missing_becomes_a_blank(void **state)
{
  (void)state;
  renders("Hi {{name}}", "{}", NULL, "Hi " MARKED("name"));
  renders("Hi {{name}}", "{\"name\":\"\"}", NULL, "Hi " MARKED("name"));
  renders("Hi {{name}}", "{\"name\":\" \\t \\u200b\\u00a0\"}", NULL, "Hi " MARKED("name"));
  renders("Hi {{name}}", "{\"name\":null}", NULL, "Hi " MARKED("name"));
  renders("Hi {{a.b.c}}", "{\"a\":{\"b\":{}}}", NULL, "Hi " MARKED("a.b.c"));
  renders("Hi {{l}}", "{\"l\":[1,2]}", NULL, "Hi " MARKED("l"));
  renders("{{n|money}}", "{\"n\":\"lots\"}", NULL, MARKED("n"));
  renders("{{{raw}}}{{&raw}}", "{}", NULL, MARKED("raw") MARKED("raw"));
  /* Sections ask; they do not complain. */
  renders("a{{#x}}b{{x}}{{/x}}{{^x}}c{{/x}}", "{}", NULL, "ac");
  renders("{{n}} seats{{#n}}, some{{/n}}{{^n}}, none{{/n}}", "{\"n\":0}", NULL, "0 seats, none");
}

static void notes_tell_what_was_filled_and_where(void **state)
{
  struct seen seen = {0};
  struct bw_mustache_options options = {.strict = true, .clean = true, .max_value = 10, .note = see, .ctx = &seen};
  (void)state;
  renders("Hi {{name}}: {{n|money}} {{gone}} {{long}}", "{\"name\":\"A\\nB\",\"n\":1234.5,\"long\":\"0123456789x\"}", &options,
          "Hi A B: 1,234 " MARKED("gone") " " MARKED("long"));
  assert_int_equal(seen.missing, 2);
  assert_string_equal(
      bw_buf_cstr(&seen.text),
      "filled name at 3: [A B] raw [A\nB] \n"
      "filled n at 8: [1,234] raw [1234.5] \n"
      "missing gone at 14: [" MARKED("gone") "] raw [] \n"
                                             "missing long at 34: [" MARKED(
                                                 "long") "] raw [0123456789x] is too long; a person has to shorten it\n");
  bw_buf_clear(&seen.text);
}

static void values_cannot_act(void **state)
{
  static const char *const cases[][2] = {{"\"{{secret}} {{{secret}}} {{>x}}\"", "{{secret}} {{{secret}}} {{>x}}"},
                                         {"\"Acme\\r\\nBcc: all@example.com\"", "Acme Bcc: all@example.com"},
                                         {"\"<script>alert(1)</script>\"", "<script>alert(1)</script>"},
                                         {"\"Acme\\u202egnp.exe\"", "Acmegnp.exe"},
                                         {"\"a\\u2066b\\u2069c\\u200ed\\ufeff\"", "abcd"},
                                         {"\"\\u27e6missing: x\\u27e7\"", "[missing: x]"},
                                         {"\"tab\\there\\u0007\\u0085\\u2028x\"", "tab here x"},
                                         {"\"  padded  \"", "  padded"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[200], expected[200];
    (void)snprintf(json, sizeof json, "{\"v\":%s,\"secret\":\"S\"}", cases[i][0]);
    (void)snprintf(expected, sizeof expected, "[%s]", cases[i][1]);
    renders("[{{v}}]", json, NULL, expected);
  }
}

#define NB "\xC2\xA0"      /* no-break space */
#define NNB "\xE2\x80\xAF" /* narrow no-break space */

/* What the CLDR says, by its own data; the table is made from them (mklocales.js). */
static void locales_format(void **state)
{
  static const struct {
    const char *tag, *number, *money, *percent, *date, *month;
  } cases[] = {{"en-US", "-1,234,567.5",
                "\xE2\x82\xAC"
                "1,234.50",
                "34%", "January 3, 2027", "March 2027"},
               {"en-GB", "-1,234,567.5",
                "\xE2\x82\xAC"
                "1,234.50",
                "34%", "3 January 2027", "March 2027"},
               {"en-AU", "-1,234,567.5",
                "\xE2\x82\xAC"
                "1,234.50",
                "34%", "3 January 2027", "March 2027"},
               {"xx-YY", "-1,234,567.5",
                "\xE2\x82\xAC"
                "1,234.50",
                "34%", "3 January 2027", "March 2027"},
               {"de-DE", "-1.234.567,5", "1.234,50" NB "€", "34" NB "%", "3. Januar 2027", "März 2027"},
               {"DE_de", "-1.234.567,5", "1.234,50" NB "€", "34" NB "%", "3. Januar 2027", "März 2027"},
               {"de-LU", "-1.234.567,5", "1.234,50" NB "€", "34" NB "%", "3. Januar 2027", "März 2027"},
               {"de-AT", "-1" NB "234" NB "567,5", "€" NB "1.234,50", "34" NB "%", "3. Jänner 2027", "März 2027"},
               {"de-CH", "-1'234'567.5", "€" NB "1'234.50", "34%", "3. Januar 2027", "März 2027"},
               {"fr-FR", "-1" NNB "234" NNB "567,5", "1" NNB "234,50" NB "€", "34" NB "%", "3 janvier 2027", "mars 2027"},
               {"es-ES", "-1.234.567,5", "1234,50" NB "€", "34" NB "%", "3 de enero de 2027", "marzo de 2027"},
               {"nl-NL", "-1.234.567,5", "€" NB "1.234,50", "34%", "3 januari 2027", "maart 2027"},
               {"pt-BR", "-1.234.567,5", "€" NB "1.234,50", "34%", "3 de janeiro de 2027", "março de 2027"},
               {"sv-SE", "−1" NB "234" NB "567,5", "1" NB "234,50" NB "€", "34" NB "%", "3 januari 2027", "mars 2027"},
               {"fi-FI", "−1" NB "234" NB "567,5", "1" NB "234,50" NB "€", "34" NB "%", "3. tammikuuta 2027", "maaliskuu 2027"},
               {"pl-PL", "-1" NB "234" NB "567,5", "1234,50" NB "€", "34%", "3 stycznia 2027", "marzec 2027"},
               {"no", "−1" NB "234" NB "567,5", "1" NB "234,50" NB "€", "34" NB "%", "3. januar 2027", "mars 2027"},
               {"ja-JP", "-1,234,567.5", "€1,234.50", "34%", "2027年1月3日", "2027年3月"},
               {"ko", "-1,234,567.5", "€1,234.50", "34%", "2027년 1월 3일", "2027년 3월"},
               {"zh-TW", "-1,234,567.5", "€1,234.50", "34%", "2027年1月3日", "2027年3月"}};
  struct bw_mustache_options options = {.strict = true, .clean = true, .currency = "EUR"};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    options.locale = options.words = bw_locale_find(bw_str(cases[i].tag));
    renders("{{v|number}}", "{\"v\":-1234567.5}", &options, cases[i].number);
    renders("{{v|money:2}}", "{\"v\":1234.5}", &options, cases[i].money);
    renders("{{v|percent}}", "{\"v\":0.34}", &options, cases[i].percent);
    renders("{{v|date}}", "{\"v\":\"2027-01-03\"}", &options, cases[i].date);
    renders("{{v|date:month}}", "{\"v\":\"2027-03-03\"}", &options, cases[i].month);
    renders("{{v|date:iso}}", "{\"v\":\"2027-03-03\"}", &options, "2027-03-03");
  }
}

static void currencies_are_at_home_somewhere(void **state)
{
  static const char *const cases[][3] = {
      {"pt-BR", "BRL", "R$" NB "12.345"},  {"en-US", "BRL", "BRL 12,345"},    {"sv-SE", "SEK", "12" NB "345" NB "kr"},
      {"de-DE", "SEK", "12.345" NB "SEK"}, {"de-DE", "USD", "12.345" NB "$"}, {"de-CH", "CHF", "CHF" NB "12'345"},
      {"en-GB", "GBP", "£12,345"},         {"ja-JP", "CHF", "CHF 12,345"},    {"pl-PL", "PLN", "12" NB "345" NB "zł"}};
  struct bw_mustache_options options = {.strict = true, .clean = true};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    options.locale = bw_locale_find(bw_str(cases[i][0]));
    options.currency = cases[i][1];
    renders("{{v|money}}", "{\"v\":12345}", &options, cases[i][2]);
  }
  options.currency = NULL;
  renders("{{v|money}}", "{\"v\":12345}", &options, "12" NB "345");
}

static void plurals_follow_the_texts_language(void **state)
{
  static const char *const cases[][4] = {{"en-US", "0", "seat,seats", "0 seats"},
                                         {"en-US", "1", "seat,seats", "1 seat"},
                                         {"en-US", "1.5", "seat,seats", "1.5 seats"},
                                         {"fr-FR", "0", "place,places", "0 place"},
                                         {"fr-FR", "1.5", "place,places", "1,5 place"},
                                         {"fr-FR", "2", "place,places", "2 places"},
                                         {"pt-PT", "0", "lugar,lugares", "0 lugares"},
                                         {"pt-BR", "0", "lugar,lugares", "0 lugar"},
                                         {"pl-PL", "1", "miejsce,miejsca,miejsc", "1 miejsce"},
                                         {"pl-PL", "3", "miejsce,miejsca,miejsc", "3 miejsca"},
                                         {"pl-PL", "5", "miejsce,miejsca,miejsc", "5 miejsc"},
                                         {"pl-PL", "13", "miejsce,miejsca,miejsc", "13 miejsc"},
                                         {"pl-PL", "22", "miejsce,miejsca,miejsc", "22 miejsca"},
                                         {"cs-CZ", "4", "místo,místa,míst", "4 místa"},
                                         {"cs-CZ", "22", "místo,místa,míst", "22 míst"},
                                         {"ja-JP", "1", "x,席", "1 席"}};
  struct bw_mustache_options options = {.strict = true, .clean = true};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char template[80], json[40];
    options.locale = options.words = bw_locale_find(bw_str(cases[i][0]));
    (void)snprintf(template, sizeof template, "{{v|plural:%s}}", cases[i][2]);
    (void)snprintf(json, sizeof json, "{\"v\":%s}", cases[i][1]);
    renders(template, json, &options, cases[i][3]);
  }
  options.words = NULL; /* an English text to a customer in France */
  options.locale = bw_locale_find(BW_STR("fr-FR"));
  renders("{{v|plural:seat,seats}} by {{d|date}}", "{\"v\":0,\"d\":\"2027-01-03\"}", &options, "0 seats by 3 January 2027");
}

static void given_names_are_found(void **state)
{
  static const char *const cases[][3] = {{"ja-JP", "山田 太郎", "太郎"},    {"ja-JP", "Taro Yamada", "Taro"},
                                         {"ja-JP", "山田太郎", "山田太郎"}, {"ko-KR", "김 민준", "민준"},
                                         {"en-US", "山田 太郎", "太郎"},    {"de-DE", "  Ada  Okafor ", "Ada"},
                                         {"ja-JP", "", MARKED("v")}};
  struct bw_mustache_options options = {.strict = true, .clean = true};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[80];
    options.locale = bw_locale_find(bw_str(cases[i][0]));
    (void)snprintf(json, sizeof json, "{\"v\":\"%s\"}", cases[i][1]);
    renders("{{v|first}}", json, &options, cases[i][2]);
  }
}

static void filters_format(void **state)
{
  static const char *const cases[][3] = {{"{{v|money}}", "12345", "$12,345"},
                                         {"{{v|money}}", "-0.4", "-$0.40"},
                                         {"{{v|money}}", "12.5", "$12.50"},
                                         {"{{v|money}}", "1234567.89", "$1,234,568"},
                                         {"{{v|money:2}}", "1234567.89", "$1,234,567.89"},
                                         {"{{v|money}}", "\"99\"", "$99"},
                                         {"{{v|number}}", "999", "999"},
                                         {"{{v|number}}", "1000", "1,000"},
                                         {"{{v|number}}", "-1234567.125", "-1,234,567.12"},
                                         {"{{v|number:0}}", "-0.2", "0"},
                                         {"{{v|percent}}", "0.345", "34%"},
                                         {"{{v|percent:1}}", "0.345", "34.5%"},
                                         {"{{v|abs|percent}}", "-0.34", "34%"},
                                         {"{{v|date}}", "\"2027-01-12T23:00:00Z\"", "12 January 2027"},
                                         {"{{v|date:iso}}", "\"2027-01-12\"", "2027-01-12"},
                                         {"{{v|date:month}}", "\"2027-01-12\"", "January 2027"},
                                         {"{{v|plural:seat,seats}}", "1", "1 seat"},
                                         {"{{v|plural:seat,seats}}", "1200", "1,200 seats"},
                                         {"{{v|plural:team member,team members}}", "0", "0 team members"},
                                         {"{{v|first}}", "\"Dana Park\"", "Dana"},
                                         {"{{v|first}}", "\"Park, Dana\"", "Dana"},
                                         {"{{v|first}}", "\"Frau Park\"", MARKED("v")},
                                         {"{{v|words}}", "\"api_calls-per_day\"", "API calls per day"},
                                         {"{{v}}", "0.1", "0.1"},
                                         {"{{v}}", "true", "true"},
                                         {"{{v|money}}", "1e300", MARKED("v")},
                                         {"{{v|date}}", "5", MARKED("v")}};
  struct bw_mustache_options options = {.strict = true, .clean = true, .currency = "USD"};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[100];
    (void)snprintf(json, sizeof json, "{\"v\":%s}", cases[i][1]);
    renders(cases[i][0], json, &options, cases[i][2]);
  }
  options.currency = "EUR";
  renders("{{v|money}}", "{\"v\":5000}", &options,
          "\xE2\x82\xAC"
          "5,000");
  options.currency = "CHF";
  renders("{{v|money}}", "{\"v\":-5000}", &options, "-CHF 5,000");
}

static void a_value_brings_its_own_full_stop(void **state)
{
  static const char *const cases[][3] = {{"for {{v}}. Then", "Acme Inc.", "for Acme Inc. Then"},
                                         {"for {{v}}.", "Acme", "for Acme."},
                                         {"for {{v}}, and", "Acme Inc.", "for Acme Inc., and"},
                                         {"Hi {{v}},", "Park,", "Hi Park,"},
                                         {"{{v}}...", "Acme Inc.", "Acme Inc...."},
                                         {"{{v}}.", "and so on...", "and so on..."},
                                         {"{{#v}}{{v}}{{/v}}. {{v}}!", "Wow!", "Wow!. Wow!"},
                                         {"{{#v}}{{v}}{{/v}}.{{! here }}. {{v}}", "Inc.", "Inc.. Inc."},
                                         {"{{v}} .", "Inc.", "Inc. ."},
                                         {"{{{v}}}.\n", "Inc. ", "Inc.\n"}};
  struct bw_mustache_options options = {.strict = true, .clean = true};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[80];
    (void)snprintf(json, sizeof json, "{\"v\":\"%s\"}", cases[i][1]);
    renders(cases[i][0], json, &options, cases[i][2]);
  }
  renders("{{x}}.", "{\"v\":1}", &options, MARKED("x") ".");
  options.clean = false;
  renders("{{v}}.", "{\"v\":\"Inc.\"}", &options, "Inc..");
}

static void names_can_be_listed(void **state)
{
  struct bw_mustache *m = NULL;
  struct bw_mustache_where where;
  enum bw_mustache_use use;
  struct bw_buf seen = {0};
  struct bw_str name;
  size_t i;
  (void)state;
  assert_int_equal(bw_mustache_compile(BW_STR("{{a.b|money}}\n {{#c}}{{^d}}{{>e}}{{/d}}{{/c}}"), &m, NULL, NULL), 0);
  for (i = 0; bw_mustache_next_name(m, &i, &name, &use, &where);)
    bw_buf_printf(&seen, "%.*s:%d@%u:%u ", BW_FMT(name), (int)use, where.line, where.column);
  assert_string_equal(bw_buf_cstr(&seen), "a.b:4@1:1 c:1@2:2 d:2@2:8 e:3@2:14 ");
  bw_buf_clear(&seen);
  bw_mustache_free(&m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_specification_holds),
                                     cmocka_unit_test(errors_say_where),
                                     cmocka_unit_test(depth_size_and_steps_are_limited),
                                     cmocka_unit_test(a_partial_that_includes_itself_ends),
                                     cmocka_unit_test(a_section_can_ask_for_more_than_nothing),
                                     cmocka_unit_test(nothing_missing_becomes_a_blank),
                                     cmocka_unit_test(notes_tell_what_was_filled_and_where),
                                     cmocka_unit_test(values_cannot_act),
                                     cmocka_unit_test(filters_format),
                                     cmocka_unit_test(locales_format),
                                     cmocka_unit_test(currencies_are_at_home_somewhere),
                                     cmocka_unit_test(plurals_follow_the_texts_language),
                                     cmocka_unit_test(given_names_are_found),
                                     cmocka_unit_test(a_value_brings_its_own_full_stop),
                                     cmocka_unit_test(names_can_be_listed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
