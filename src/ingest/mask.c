/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write keys are secrets, wherever and however a sender writes them: where they are found, and what is shown in their place.
 * Runs in every process that parses or keeps what was refused, on bytes from anyone; no privileges.
 */
#include "config.h" /* first: memrchr */

#include "ingest/mask.h"

#include <ctype.h>
#include <string.h>

/* The character that stands at p in a JSON string, in small letters, and its bytes: itself, or "\u004b".  0 bytes: none does.
 */
static int letter_at(const char *p, const char *end, size_t *ret_len)
{
  int c = 0, i;
  *ret_len = p < end;
  if (p == end || *p != '\\')
    return p < end ? tolower((unsigned char)*p) : 0;
  *ret_len = 0;
  if (end - p < 6 || p[1] != 'u')
    return 0;
  for (i = 2; i < 6; i++) {
    if (!isxdigit((unsigned char)p[i]))
      return 0;
    c = c * 16 + (isdigit((unsigned char)p[i]) ? p[i] - '0' : tolower((unsigned char)p[i]) - 'a' + 10);
  }
  *ret_len = 6;
  return c < 0x80 ? tolower(c) : c;
}

/* Behind "writeKey", "write_key" and the like, if it stands at p; or NULL. */
static const char *name_end(const char *p, const char *end)
{
  const char *c = "writekey";
  size_t n;
  while (*c) {
    int letter = letter_at(p, end, &n);
    if (n == 0 || (letter != *c && !((letter == '_' || letter == '-') && *c == 'k')))
      return NULL;
    c += letter == *c;
    p += n;
  }
  return p;
}

bool bw_is_write_key(struct bw_str name)
{
  const char *dot = memrchr(name.data, '.', name.len), *word = dot ? dot + 1 : name.data;
  return name_end(word, name.data + name.len) == name.data + name.len;
}

static const char *spaces(const char *p, const char *end)
{
  while (p < end && memchr(" \t\r\n\v\f", *p, 6))
    p++;
  return p;
}

static bool is_quote(const char *p, const char *end)
{
  return p < end && (*p == '"' || *p == '\'');
}

/* A value, and whether what takes its place needs quotes to be one. */
struct place {
  const char *value; /* NULL: there is none */
  bool quotes;
};

/* The value of a key that ends at p. */
static struct place value_of(const char *p, const char *end, bool json)
{
  bool quoted = is_quote(p, end), colon;
  if (json && !(quoted && *p == '"')) /* part of a text, for all we know */
    return (struct place){0};
  p = spaces(p + quoted, end);
  colon = p < end && (*p == ':' || (*p == '=' && !json));
  p = colon ? spaces(p + 1, end) : p;
  if (!colon && (json || !quoted || !is_quote(p, end))) /* where a colon was forgotten, it is a key all the same */
    return (struct place){0};
  return (struct place){p, quoted};
}

/* At the closing quote. */
static const char *string_end(const char *p, const char *end)
{
  char quote = *p;
  for (p++; p < end && *p != quote; p++)
    p += *p == '\\' && p + 1 < end;
  return p;
}

/* Behind an object or array, or a word. */
static const char *other_end(const char *p, const char *end)
{
  int depth = 0;
  if (p < end && *p != '{' && *p != '[') {
    while (p < end && !memchr(",}]\"' \t\r\n\v\f", *p, 11))
      p++;
    return p;
  }
  for (; p < end; p++) {
    if (*p == '"' && (p = string_end(p, end)) == end)
      break;
    depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
    if (depth == 0)
      return p + 1;
  }
  return end;
}

/* Of the next write key at or behind p. */
static struct place find(const char *p, const char *end, bool json)
{
  struct place found = {0};
  const char *behind;
  for (; p < end && !found.value; p++)
    if ((behind = name_end(p, end)) != NULL)
      found = value_of(behind, end, json);
  return found;
}

static bool mask(struct bw_str text, bool json, struct bw_buf *out)
{
  const char *kept = text.data, *end = kept + text.len;
  bool any = false;
  struct place at;
  while (kept < end && (at = find(kept, end, json)).value) {
    any = true;
    bw_buf_add(out, kept, (size_t)(at.value - kept));
    if (is_quote(at.value, end)) {
      bw_buf_add(out, at.value, 1);
      bw_buf_add_cstr(out, "...");
      kept = string_end(at.value, end);
    } else {
      kept = other_end(at.value, end);
      if (kept > at.value)
        bw_buf_add_cstr(out, at.quotes ? "\"...\"" : "...");
    }
  }
  if (kept < end)
    bw_buf_add(out, kept, (size_t)(end - kept));
  return any;
}

void bw_mask_write_keys(struct bw_str text, struct bw_buf *out)
{
  (void)mask(text, false, out);
}

bool bw_mask_json(struct bw_str json, struct bw_buf *out)
{
  return find(json.data, json.data + json.len, true).value && mask(json, true, out);
}
