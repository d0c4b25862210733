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
#define MAX_WEIGHT 300 /* characters, groups, | ^ and $, with {repetitions} multiplied out: the DFA has no more states */
#define MAX_GROUPS 50  /* inside each other */
#define WORKSPACE 6000 /* ints: three for each state, of this byte and of the next */

struct regex {
  struct regex *next;
  pcre2_code *compiled;
  pcre2_match_data *data; /* an expression is evaluated by one thread at a time */
  size_t weight;
};

/* ---- what RE2 has ---- */

struct scan {
  const char *p, *end;
  unsigned open;                 /* groups */
  size_t weight[MAX_GROUPS + 1]; /* of the groups that are open, the innermost last */
  struct bw_buf *out;            /* what PCRE2 is given */
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

static void skip_to(struct scan *s, char c)
{
  while (s->p < s->end && *s->p != c)
    s->p++;
  s->p += s->p < s->end;
}

/* At a backslash; what follows it belongs to it: \p{Greek}, \pL, \x41, \x{e9}. */
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
  if (c != 'p' && c != 'P' && c != 'x')
    return 0;
  if (look(s, 0) == '{')
    skip_to(s, '}');
  else
    s->p += s->p < s->end ? 1 + (c == 'x' && s->p + 1 < s->end) : 0;
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

static int open_group(struct scan *s)
{
  if (s->open == MAX_GROUPS)
    return refuse(s, "groups that are nested too deeply");
  s->weight[++s->open] = 0;
  return 0;
}

/* At an opening bracket: (, (?:, (?i), (?i:, (?P<name>. */
static int scan_group(struct scan *s)
{
  s->p++;
  if (look(s, 0) == '*')
    return refuse(s, "a * with nothing to repeat");
  if (look(s, 0) != '?')
    return open_group(s);
  s->p++;
  if (look(s, 0) == '=' || look(s, 0) == '!' || (look(s, 0) == '<' && (look(s, 1) == '=' || look(s, 1) == '!')))
    return refuse(s, "a look-ahead or look-behind, which is not offered");
  if (look(s, 0) == 'P' && look(s, 1) == '<')
    s->p++;
  if (look(s, 0) == '<') {
    skip_to(s, '>');
    return open_group(s);
  }
  while (s->p < s->end && *s->p && strchr("imsU-", *s->p))
    s->p++;
  if (look(s, 0) != ':' && look(s, 0) != ')')
    return refuse(s, "a kind of group that is not offered; there are ( ), (?: ) and (?i)");
  return *s->p++ == ':' ? open_group(s) : 0;
}

/* {3}, {3,}, {3,5}: how many at most, or at least where that is not said; 1: none is here. */
static size_t repetition(const struct scan *s)
{
  size_t i = 1, n = 0, last = 0;
  if (look(s, 0) != '{')
    return 1;
  for (; look(s, i) && look(s, i) != '}'; i++) {
    if (look(s, i) == ',') {
      last = n;
      n = 0;
    } else if (look(s, i) < '0' || look(s, i) > '9' || n > 10000) {
      return 1;
    } else {
      n = n * 10 + (size_t)(look(s, i) - '0');
    }
  }
  n = n > last ? n : last;
  return n ? n : 1;
}

static bool repeats(char c)
{
  return c == '*' || c == '+' || c == '?' || c == '}';
}

/* One character to match, or one of several: a, \d, [a-z], and all bytes of a character that has several. */
static int scan_atom(struct scan *s)
{
  const char *from = s->p;
  size_t len;
  int rc = 0;
  if (*s->p == '\\')
    rc = scan_escape(s, false);
  else if (*s->p == '[')
    rc = scan_class(s);
  else
    for (s->p++; s->p < s->end && ((unsigned char)*s->p & 0xC0) == 0x80;)
      s->p++;
  if (rc < 0)
    return rc;
  len = (size_t)(s->p - from);
  bw_buf_add(s->out, from, len);
  s->weight[s->open] += repetition(s);
  /* x+ as xx*: the DFA counts the rounds of the former, and would keep a state for each. */
  if (look(s, 0) == '+' && !(from[0] == '\\' && strchr("bBAz", from[1]))) {
    bw_buf_add(s->out, from, len);
    bw_buf_add_char(s->out, '*');
    s->weight[s->open]++;
    s->p++;
    if (look(s, 0) == '+')
      return refuse(s, "a possessive repetition such as a++, which is not offered");
  }
  return 0;
}

static int close_group(struct scan *s)
{
  size_t weight = s->weight[s->open] + 1; /* an empty group can be repeated too */
  if (s->open == 0)
    return refuse(s, "a ) without its (");
  s->open--;
  s->p++;
  s->weight[s->open] += weight * repetition(s);
  return s->weight[s->open] > MAX_WEIGHT ? refuse(s, "too much to match; use fewer or smaller {repetitions}") : 0;
}

static int scan_one(struct scan *s)
{
  const char *from = s->p;
  int rc = 0;
  if (*s->p == '(')
    rc = scan_group(s);
  else if (*s->p == ')')
    rc = close_group(s);
  else if (repeats(*s->p) && look(s, 1) == '+')
    rc = refuse(s, "a possessive repetition such as a++, which is not offered");
  else if (repeats(*s->p) || strchr("|^${", *s->p))
    s->weight[s->open] += !repeats(*s->p++);
  else
    return scan_atom(s);
  if (rc == 0)
    bw_buf_add(s->out, from, (size_t)(s->p - from));
  return rc;
}

static int scan_pattern(struct bw_str pattern, struct bw_buf *out, size_t *ret_weight, struct bw_error *err)
{
  struct scan s = {.p = pattern.data, .end = pattern.data + pattern.len, .out = out, .err = err};
  int rc = 0;
  if (pattern.len > MAX_PATTERN)
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is longer than %d bytes", MAX_PATTERN);
  if (pattern.len && (!bw_utf8_valid(pattern.data, pattern.len) || memchr(pattern.data, 0, pattern.len)))
    return bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is not UTF-8 text");
  while (rc == 0 && s.p < s.end)
    rc = scan_one(&s);
  if (rc == 0 && s.open)
    rc = refuse(&s, "a ( without its )");
  if (rc == 0 && s.weight[0] > MAX_WEIGHT)
    rc = refuse(&s, "too much to match; use fewer or smaller {repetitions}");
  *ret_weight = s.weight[0];
  return rc;
}

/* ---- compiling ---- */

/* Unanchored, as one match from the start: the DFA follows all starts at once. */
static int compile(struct bw_str pattern, pcre2_code **ret, size_t *ret_weight, struct bw_error *err)
{
  const uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE | PCRE2_ANCHORED;
  struct bw_buf text = {0};
  PCRE2_UCHAR why[160];
  PCRE2_SIZE at = 0;
  int failure = 0, rc;
  bw_buf_add_cstr(&text, "(?s:.*?)(?:");
  rc = scan_pattern(pattern, &text, ret_weight, err);
  bw_buf_add_char(&text, ')');
  if (rc == 0 && !(*ret = pcre2_compile((PCRE2_SPTR)text.data, text.len, options, &failure, &at, NULL))) {
    pcre2_get_error_message(failure, why, sizeof why);
    rc = bw_fail(err, BW_EINVAL, BW_CLASS_CONFIG, "this regular expression is wrong: %s", (const char *)why);
  }
  bw_buf_clear(&text);
  return rc;
}

int bw_regex_new(struct bw_str pattern, struct regex **ret, struct bw_error *err)
{
  struct regex *r;
  pcre2_code *compiled = NULL;
  size_t weight = 0;
  int rc = compile(pattern, &compiled, &weight, err);
  if (rc < 0)
    return rc;
  r = bw_alloc(sizeof *r);
  r->compiled = compiled;
  r->weight = weight;
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
  if (!bw_expr_pay(ev, 1 + subject.len / 16 + subject.len * r->weight * r->weight / 1024, ret))
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
  if (bw_regex_new(a[1].s, &regex, NULL) < 0) {
    *r = bw_value_error(BW_VALUE_BAD_ARGUMENT, BW_STR("this text is not a regular expression"));
    return;
  }
  bw_regex_match(regex, ev, a[0].s, r);
  bw_regex_free(&regex);
}
