/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values come from CRMs, forms and sign-ups: what they may do to a text.  Runs in core and in the command line's replay; no
 * privileges needed.
 */
#include <string.h>

#include "base/buf.h"
#include "drafts/mustache_impl.h"

/* The code point at p, of at most n bytes, and its length; length 1 and U+FFFD for a byte that is not UTF-8. */
static uint32_t decode(const char *p, size_t n, size_t *ret_len)
{
  static const uint32_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  unsigned char c = (unsigned char)*p;
  size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4, i;
  uint32_t v;
  *ret_len = 1;
  if (len > n || !bw_utf8_valid(p, len))
    return 0xFFFD;
  v = c & masks[len];
  for (i = 1; i < len; i++)
    v = v << 6 | ((unsigned char)p[i] & 0x3F);
  *ret_len = len;
  return v;
}

/* Ranges of code points, and what becomes of them. */
static const struct {
  uint32_t from, to;
  const char *as;
} unwanted[] = {
    {0x0000, 0x001F, " "}, /* controls, tabs and line breaks */
    {0x007F, 0x009F, " "}, /* DEL, C1 */
    {0x00AD, 0x00AD, ""},  /* soft hyphen */
    {0x061C, 0x061C, ""},  /* Arabic letter mark */
    {0x200B, 0x200B, ""},  /* zero-width space; joiners stay: scripts and emoji need them */
    {0x200E, 0x200F, ""},  /* left-to-right and right-to-left marks */
    {0x2028, 0x2029, " "}, /* line and paragraph separators */
    {0x202A, 0x202E, ""},  /* bidirectional embeddings and overrides */
    {0x2060, 0x2069, ""},  /* word joiner, invisible operators, bidirectional isolates */
    {0x206A, 0x206F, ""},  /* deprecated format characters */
    {0x27E6, 0x27E6, "["}, /* our own markers cannot be forged */
    {0x27E7, 0x27E7, "]"},
    {0xFEFF, 0xFEFF, ""},             /* byte order mark */
    {0xFFF9, 0xFFFB, ""},             /* interlinear annotations */
    {0xFFFD, 0xFFFD, "\xEF\xBF\xBD"}, /* also what bytes that are no UTF-8 become */
    {0xE0000, 0xE007F, ""}            /* tags: invisible text */
};

static const char *replacement(uint32_t v)
{
  size_t i;
  for (i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    if (v >= unwanted[i].from && v <= unwanted[i].to)
      return unwanted[i].as;
  return NULL;
}

bool bw_text_clean(struct bw_str s, struct bw_buf *out)
{
  size_t i = 0, len, base = out->len;
  while (i < s.len) {
    const char *as = replacement(decode(s.data + i, s.len - i, &len));
    bool after_space = out->len > base && out->data[out->len - 1] == ' ';
    if (!as)
      bw_buf_add(out, s.data + i, len);
    else if (*as && (*as != ' ' || (out->len > base && !after_space)))
      bw_buf_add_cstr(out, as);
    i += len;
  }
  while (out->len > base && out->data[out->len - 1] == ' ')
    out->len--;
  return !bw_str_eq(s, bw_str_n(out->data ? out->data + base : NULL, out->len - base));
}

bool bw_text_blank(struct bw_str s)
{
  size_t i = 0, len;
  while (i < s.len) {
    uint32_t v = decode(s.data + i, s.len - i, &len);
    const char *as = replacement(v);
    bool space = v == ' ' || v == 0xA0 || v == 0x1680 || (v >= 0x2000 && v <= 0x200D) || v == 0x202F || v == 0x205F ||
                 v == 0x3000 || v == 0x2800 || v == 0x3164;
    if (!space && !(as && (*as == '\0' || *as == ' ')))
      return false;
    i += len;
  }
  return true;
}

bool bw_text_doubles(struct bw_str value, struct bw_str next)
{
  static const char signs[] = ".,;:!?";
  char last = value.len ? value.data[value.len - 1] : '\0';
  return last && next.len && next.data[0] == last && memchr(signs, last, sizeof signs - 1) &&
         !(next.len > 1 && next.data[1] == last);
}
