/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matches(): RE2's syntax through PCRE2.  What RE2 lacks (back-references, look-around, recursion, possessive and atomic
 * groups) is refused here, and what is left runs on PCRE2's DFA matcher, which never backtracks: one pass over the text, with
 * work for each byte bounded by the size of the compiled pattern.  No privileges.
 */
#define _GNU_SOURCE /* memmem */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "expr/private.h"

#define MAX_PATTERN 500
#define MAX_COMPILED 2048    /* bytes */
#define WORKSPACE 3000       /* ints; six for each state that is active at one byte */
#define PREFIX "(?s:.*?)(?:" /* unanchored, as one match from the start */

struct regex {
  struct regex *next;
  pcre2_code *compiled;
  pcre2_match_data *data; /* an expression is evaluated by one thread at a time */
  size_t size;
};

/* ---- what RE2 has ---- */

struct scan {
  const char *p, *end;
  unsigned open; /* groups */
  struct bw_error *err;
};

static int refuse(struct scan *s, const char *what)
{
  return bw_fail(s->err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression has %s", what);
}

static char look(const struct scan *s, size_t ahead)
{
  return (size_t)(s->end - s->p) > ahead ? s->p[ahead] : '\0';
}

/* At a backslash. */
static int scan_escape(struct scan *s, bool in_class)
{
  char c = look(s, 1);
  if (s->end - s->p < 2)
    return refuse(s, "a \\ at its end; a backslash itself is written \\\\");
  if (c >= '1' && c <= '9')
    return refuse(s, "a back-reference such as \\1, which is not offered");
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '0') {
    if (!strchr(in_class ? "dDwWsSpPntrfax" : "dDwWsSpPntrfaxbBAz", c))
      return refuse(s, "an escape that is not offered; there are \\d \\w \\s \\b \\p{L} and their opposites");
  }
  s->p += 2;
  return 0;
}

/* At an opening square bracket. */
static int scan_class(struct scan *s)
{
  int rc;
  s->p++;
  if (look(s, 0) == '^')
    s->p++;
  if (look(s, 0) == ']')
    s->p++;
  while (s->p < s->end && *s->p != ']') {
    if (*s->p == '\\') {
      if ((rc = scan_escape(s, true)) < 0)
        return rc;
    } else if (*s->p == '[' && look(s, 1) == ':') {
      const char *close = memmem(s->p, (size_t)(s->end - s->p), ":]", 2);
      if (!close || look(s, 2) == '<' || look(s, 2) == '>')
        return refuse(s, "a [: without its :]");
      s->p = close + 2;
    } else {
      s->p++;
    }
  }
  if (s->p >= s->end)
    return refuse(s, "a [ without its ]");
  s->p++;
  return 0;
}

/* At an opening bracket: (, (?:, (?i), (?i:, (?P<name>. */
static int scan_group(struct scan *s)
{
  s->p++;
  if (look(s, 0) == '*')
    return refuse(s, "a * with nothing to repeat");
  if (look(s, 0) != '?') {
    s->open++;
    return 0;
  }
  s->p++;
  if (look(s, 0) == '=' || look(s, 0) == '!' || (look(s, 0) == '<' && (look(s, 1) == '=' || look(s, 1) == '!')))
    return refuse(s, "a look-ahead or look-behind, which is not offered");
  if (look(s, 0) == 'P' && look(s, 1) == '<')
    s->p++;
  if (look(s, 0) == '<') {
    s->open++;
    return 0;
  }
  while (s->p < s->end && strchr("imsU-", *s->p))
    s->p++;
  if (look(s, 0) != ':' && look(s, 0) != ')')
    return refuse(s, "a kind of group that is not offered; there are ( ), (?: ) and (?i)");
  s->open += look(s, 0) == ':';
  s->p++;
  return 0;
}

static bool repeats(char c)
{
  return c == '*' || c == '+' || c == '?' || c == '}';
}

static int scan_one(struct scan *s)
{
  switch (*s->p) {
  case '\\':
    return scan_escape(s, false);
  case '[':
    return scan_class(s);
  case '(':
    return scan_group(s);
  case ')':
    if (s->open-- == 0)
      return refuse(s, "a ) without its (");
    s->p++;
    return 0;
  default:
    if (repeats(*s->p) && look(s, 1) == '+')
      return refuse(s, "a possessive repetition such as a++, which is not offered");
    s->p++;
    return 0;
  }
}

static int scan_pattern(struct bw_str pattern, struct bw_error *err)
{
  struct scan s = {pattern.data, pattern.data + pattern.len, 0, err};
  int rc = 0;
  if (pattern.len > MAX_PATTERN)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is longer than %d bytes", MAX_PATTERN);
  while (rc == 0 && s.p < s.end)
    rc = scan_one(&s);
  return rc == 0 && s.open ? refuse(&s, "a ( without its )") : rc;
}

/* ---- compiling ---- */

static int fail_compile(int failure, size_t at, struct bw_error *err)
{
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(failure, text, sizeof text);
  at = at > sizeof PREFIX - 1 ? at - (sizeof PREFIX - 1) : 0;
  return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is wrong at its byte %zu: %s", at,
                 (const char *)text);
}

int bw_regex_new(struct bw_str pattern, struct regex **ret, struct bw_error *err)
{
  const uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE | PCRE2_ANCHORED;
  char *text BW_AUTOFREE = NULL;
  struct regex *r;
  PCRE2_SIZE at = 0, size = 0;
  pcre2_code *compiled;
  int failure = 0, rc = scan_pattern(pattern, err);
  if (rc < 0)
    return rc;
  text = bw_asprintf(PREFIX "%.*s)", BW_FMT(pattern));
  compiled = pcre2_compile((PCRE2_SPTR)text, strlen(text), options, &failure, &at, NULL);
  if (!compiled)
    return fail_compile(failure, at, err);
  pcre2_pattern_info(compiled, PCRE2_INFO_SIZE, &size);
  if (size > MAX_COMPILED) {
    pcre2_code_free(compiled);
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is too large; use fewer or smaller {repetitions}");
  }
  r = bw_alloc(sizeof *r);
  r->compiled = compiled;
  r->size = size;
  r->data = pcre2_match_data_create(1, NULL);
  BW_ASSERT(r->data);
  *ret = r;
  return 0;
}

void bw_regex_chain(struct regex **list, struct regex *r)
{
  r->next = *list;
  *list = r;
}

void bw_regex_free(struct regex **list)
{
  while (*list) {
    struct regex *next = (*list)->next;
    pcre2_match_data_free((*list)->data);
    pcre2_code_free((*list)->compiled);
    free(*list);
    *list = next;
  }
}

/* ---- matching ---- */

void bw_regex_match(const struct regex *r, struct bw_eval *ev, struct bw_str subject, struct bw_value *ret)
{
  int workspace[WORKSPACE], rc;
  /* The DFA looks for each new state among those that it has: quadratic in the pattern, linear in the text. */
  if (!bw_expr_pay(ev, 1 + subject.len * r->size / 256 * r->size / 1024, ret))
    return;
  rc = pcre2_dfa_match(r->compiled, (PCRE2_SPTR)(subject.len ? subject.data : ""), subject.len, 0, PCRE2_DFA_SHORTEST, r->data,
                       NULL, workspace, WORKSPACE);
  if (rc >= 0)
    *ret = bw_value_bool(true);
  else if (rc == PCRE2_ERROR_NOMATCH)
    *ret = bw_value_bool(false);
  else if (rc == PCRE2_ERROR_DFA_WSSIZE || rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT ||
           rc == PCRE2_ERROR_HEAPLIMIT)
    *ret = bw_value_error(BW_VALUE_COST, BW_STR("the regular expression takes too many steps"));
  else
    *ret = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("the text is not UTF-8"));
}

/* With a pattern that is only now known. */
void bw_expr_matches(struct bw_eval *ev, const struct bw_value *a, size_t n, struct bw_value *r)
{
  struct regex *regex = NULL;
  (void)n;
  if (!bw_expr_pay(ev, 100 + a[1].s.len / 4, r))
    return;
  if (memchr(a[1].s.len ? a[1].s.data : "", 0, a[1].s.len) || bw_regex_new(a[1].s, &regex, NULL) < 0) {
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a regular expression"));
    return;
  }
  bw_regex_match(regex, ev, a[0].s, r);
  bw_regex_free(&regex);
}
