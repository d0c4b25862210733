/* SPDX-License-Identifier: Apache-2.0 */
/* One mail: RFC 5322, MIME, the same bytes every time.  Runs in core now, in the courier later; no privileges needed. */
#define _GNU_SOURCE /* memmem */
#include <sodium.h>
#include <string.h>

#include "base/time.h"
#include "delivery/delivery.h"

#define LINE 76       /* of folded headers and quoted-printable lines */
#define WORD_BYTES 39 /* of UTF-8 in one encoded word: 64 characters with its frame */
#define MAX_HEADER 8192

static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Controls, C1 controls and line separators have no business in a header; nor has what is not UTF-8. */
static int check_header(const char *header, struct bw_str v, struct bw_error *err)
{
  size_t i;
  const char *wrong = NULL;
  if (v.len == 0 || v.len > MAX_HEADER)
    wrong = v.len ? "is longer than 8192 bytes" : "is empty";
  else if (!bw_utf8_valid(v.data, v.len))
    wrong = "is not UTF-8";
  for (i = 0; !wrong && i < v.len; i++) {
    unsigned char c = (unsigned char)v.data[i], d = i + 1 < v.len ? (unsigned char)v.data[i + 1] : 0;
    if (c < ' ' || c == 0x7F || (c == 0xC2 && d < 0xA0) ||
        (c == 0xE2 && d == 0x80 && i + 2 < v.len && ((unsigned char)v.data[i + 2] & 0xFE) == 0xA8))
      wrong = "has a control character or line break in it";
  }
  if (wrong)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT, "the %s of this mail %s; edit the draft, then approve it again", header,
                   wrong);
  return BW_OK;
}

static bool is_ascii(struct bw_str s)
{
  size_t i;
  for (i = 0; i < s.len; i++)
    if ((unsigned char)s.data[i] >= 0x80)
      return false;
  return true;
}

/* Up to max bytes of s that end at a character's end. */
static size_t whole_characters(struct bw_str s, size_t max)
{
  size_t n = s.len < max ? s.len : max;
  while (n < s.len && n > 0 && ((unsigned char)s.data[n] & 0xC0) == 0x80)
    n--;
  return n;
}

/* RFC 2047: base64 words, one to a line. */
static void add_encoded_words(struct bw_buf *out, struct bw_str s)
{
  char word[64];
  size_t n, first = 1;
  while (s.len) {
    n = whole_characters(s, WORD_BYTES);
    (void)sodium_bin2base64(word, sizeof word, (const unsigned char *)s.data, n, sodium_base64_VARIANT_ORIGINAL);
    bw_buf_printf(out, "%s=?UTF-8?B?%s?=", first ? "" : "\n ", word);
    s = bw_str_n(s.data + n, s.len - n);
    first = 0;
  }
}

/* A plain text can stand as it is where folding it at spaces and unfolding it gives it back. */
static bool stands_plain(struct bw_str s)
{
  size_t i, word = 0;
  if (!is_ascii(s) || s.data[0] == ' ' || s.data[s.len - 1] == ' ' || memmem(s.data, s.len, "=?", 2))
    return false;
  for (i = 0; i < s.len; i++) {
    word = s.data[i] == ' ' ? 0 : word + 1;
    if (word > LINE - 10)
      return false;
  }
  return true;
}

static void add_folded(struct bw_buf *out, struct bw_str s, size_t column)
{
  size_t i = 0, end;
  while (i < s.len) {
    for (end = i; end < s.len && s.data[end] == ' ';)
      end++;
    while (end < s.len && s.data[end] != ' ')
      end++;
    if (i && column + (end - i) > LINE) {
      bw_buf_add_char(out, '\n');
      column = 0;
    }
    bw_buf_add(out, s.data + i, end - i);
    column += end - i;
    i = end;
  }
}

static int add_subject(struct bw_buf *out, struct bw_str subject, struct bw_error *err)
{
  int rc = check_header("Subject", subject, err);
  if (rc < 0)
    return rc;
  bw_buf_add_cstr(out, "Subject: ");
  if (stands_plain(subject))
    add_folded(out, subject, strlen("Subject: "));
  else
    add_encoded_words(out, subject);
  bw_buf_add_char(out, '\n');
  return BW_OK;
}

static struct bw_str trim(struct bw_str s)
{
  while (s.len && s.data[0] == ' ')
    s = bw_str_n(s.data + 1, s.len - 1);
  while (s.len && s.data[s.len - 1] == ' ')
    s.len--;
  return s;
}

/* "Name <a@b.c>" into its parts; name is empty where there is none. */
static int split_mailbox(struct bw_str v, struct bw_str *ret_name, struct bw_str *ret_address, struct bw_error *err)
{
  const char *open = v.len ? memrchr(v.data, '<', v.len) : NULL;
  struct bw_str name = {"", 0}, address = trim(v);
  if (open) {
    name = trim(bw_str_n(v.data, (size_t)(open - v.data)));
    address = trim(bw_str_n(open + 1, v.len - (size_t)(open - v.data) - 1));
    if (address.len == 0 || address.data[address.len - 1] != '>')
      address.len = 0;
    else
      address.len--;
    if (name.len >= 2 && name.data[0] == '"' && name.data[name.len - 1] == '"')
      name = trim(bw_str_n(name.data + 1, name.len - 2));
  }
  if (!bw_address_valid(address))
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "the sender of this mail is not an address such as \"Ada Okafor <ada@example.com>\"; correct it in the "
                   "configuration or in the owner's record");
  *ret_name = name;
  *ret_address = address;
  return BW_OK;
}

static void add_display_name(struct bw_buf *out, struct bw_str name)
{
  size_t i;
  if (!stands_plain(name)) {
    add_encoded_words(out, name);
    return;
  }
  bw_buf_add_char(out, '"');
  for (i = 0; i < name.len; i++) {
    if (name.data[i] == '"' || name.data[i] == '\\')
      bw_buf_add_char(out, '\\');
    bw_buf_add_char(out, name.data[i]);
  }
  bw_buf_add_char(out, '"');
}

int bw_mail_check_sender(struct bw_str from, struct bw_error *err)
{
  struct bw_str name, address;
  int rc = check_header("From", from, err);
  return rc < 0 ? rc : split_mailbox(from, &name, &address, err);
}

static int add_from(struct bw_buf *out, struct bw_str from, struct bw_str *ret_address, struct bw_error *err)
{
  struct bw_str name;
  int rc = check_header("From", from, err);
  if (rc == BW_OK)
    rc = split_mailbox(from, &name, ret_address, err);
  if (rc < 0)
    return rc;
  bw_buf_add_cstr(out, "From: ");
  if (name.len) {
    add_display_name(out, name);
    bw_buf_add_cstr(out, "\n <");
    bw_buf_add_str(out, *ret_address);
    bw_buf_add_char(out, '>');
  } else {
    bw_buf_add_str(out, *ret_address);
  }
  bw_buf_add_char(out, '\n');
  return BW_OK;
}

struct recipients {
  struct bw_buf *out;
  size_t n, bad;
};

static void add_recipient(void *ctx, struct bw_str address)
{
  struct recipients *r = ctx;
  if (!bw_address_valid(address))
    r->bad++;
  bw_buf_add_cstr(r->out, r->n++ ? ",\n " : "");
  bw_buf_add_str(r->out, address);
}

static int add_to(struct bw_buf *out, struct bw_str to, struct bw_error *err)
{
  struct recipients r = {.out = out};
  int rc = check_header("To", to, err);
  if (rc < 0)
    return rc;
  bw_buf_add_cstr(out, "To: ");
  (void)bw_recipients(to, add_recipient, &r);
  bw_buf_add_char(out, '\n');
  if (r.bad || r.n == 0)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "the To of this mail has %zu parts that are no address such as name@example.com; edit the draft", r.bad);
  return BW_OK;
}

static void add_date(struct bw_buf *out, int64_t ms)
{
  int32_t day = bw_time_day(ms);
  int s = (int)((ms - bw_day_time(day)) / BW_SECOND), y, m, d;
  bw_day_to_civil(day, &y, &m, &d);
  bw_buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\n", weekdays[bw_day_weekday(day)], d, months[m - 1], y,
                s / 3600, s / 60 % 60, s % 60);
}

static int add_message_id(struct bw_buf *out, const struct bw_mail *m, struct bw_str from, struct bw_error *err)
{
  const char *at = memchr(from.data, '@', from.len);
  struct bw_str domain = m->domain.len ? m->domain : bw_str_n(at + 1, from.len - (size_t)(at + 1 - from.data));
  struct bw_buf probe = {0};
  size_t i;
  bool ok = m->hash.len == BW_DRAFT_HASH - 1 && m->lead.len > 0 && m->version > 0;
  for (i = 0; ok && i < m->hash.len; i++)
    ok = strchr("0123456789abcdef", m->hash.data[i]) && m->hash.data[i];
  bw_buf_add_cstr(&probe, "x@");
  bw_buf_add_str(&probe, domain);
  ok = ok && bw_address_valid(bw_buf_str(&probe));
  bw_buf_clear(&probe);
  if (!ok)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "the Message-ID of this mail needs a lead, a version, a hash and a domain such as example.com");
  /* The hash covers lead and version; the version stands here for people.  128 bits of it keep the line short. */
  bw_buf_printf(out, "Message-ID: <bw.v%lld.%.32s@%.*s>\n", (long long)m->version, m->hash.data, BW_FMT(domain));
  return BW_OK;
}

/* ---- the body ----------------------------------------------------------- */

struct qp {
  struct bw_buf *out;
  size_t column;
};

/* One unit ("e", "=20") that must not be broken, leaving room for the soft break. */
static void add_unit(struct qp *q, const char *unit, size_t len, bool last_of_line)
{
  if (q->column + len > (size_t)(last_of_line ? LINE : LINE - 1)) {
    bw_buf_add_cstr(q->out, "=\n");
    q->column = 0;
  }
  bw_buf_add(q->out, unit, len);
  q->column += len;
}

/* ends: a line end follows; otherwise the caller's soft break does. */
static void add_line(struct qp *q, const char *line, size_t len, bool ends)
{
  static const char hex[] = "0123456789ABCDEF";
  size_t i;
  for (i = 0; i < len; i++) {
    unsigned char c = (unsigned char)line[i];
    bool last = ends && i + 1 == len, blank = c == ' ' || c == '\t';
    char escaped[3] = {'=', hex[c >> 4], hex[c & 15]};
    /* "From " at a line's start and a lone dot are changed by programs on the way. */
    bool fragile = q->column == 0 && (c == 'F' || c == '.');
    if ((blank && !last) || (c > ' ' && c < 0x7F && c != '=' && !fragile))
      add_unit(q, line + i, 1, last);
    else
      add_unit(q, escaped, 3, last);
  }
}

/* Decodes to exactly s: a last line without its end closes with a soft break. */
static void add_quoted_printable(struct bw_buf *out, struct bw_str s)
{
  size_t from = 0;
  while (from < s.len) {
    const char *nl = memchr(s.data + from, '\n', s.len - from);
    size_t to = nl ? (size_t)(nl - s.data) : s.len;
    struct qp q = {out, 0};
    add_line(&q, s.data + from, to - from, nl != NULL);
    bw_buf_add_cstr(out, nl ? "\n" : "=\n");
    from = to + 1;
  }
}

int bw_mail_build(const struct bw_mail *m, struct bw_buf *out, struct bw_error *err)
{
  size_t base = out->len;
  struct bw_str from = {"", 0};
  int rc = BW_OK;
  if (!bw_utf8_valid(m->body.data, m->body.len) || (m->body.len && memchr(m->body.data, '\0', m->body.len)) || m->date < 0 ||
      m->date > BW_TIME_MAX)
    return bw_fail(err, BW_EINVAL, BW_CLASS_PERMANENT,
                   "the body of this mail is not UTF-8 text, or its date is none; edit the draft, then approve it again");
  add_date(out, m->date);
  if ((rc = add_from(out, m->from, &from, err)) == BW_OK && (rc = add_to(out, m->to, err)) == BW_OK &&
      (rc = add_subject(out, m->subject, err)) == BW_OK && (rc = add_message_id(out, m, from, err)) == BW_OK) {
    bw_buf_add_cstr(out, "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
                         "Content-Transfer-Encoding: quoted-printable\n\n");
    add_quoted_printable(out, m->body);
  }
  if (rc < 0)
    out->len = base;
  return rc;
}
