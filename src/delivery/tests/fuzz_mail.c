/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as sender, recipients, subject and body (NUL between them).  What must hold of a message that is built: the
 * headers are ours and no others, in our order; lines are short; the body decodes to exactly what went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                            \
  do {                                                                                                                         \
    if (!(cond))                                                                                                               \
      abort();                                                                                                                 \
  } while (0)

/* Checks the headers; returns where the body begins. */
static size_t check_headers(struct bw_str m)
{
  static const char *const names[] = {"Date: ",       "From: ",         "To: ",           "Subject: ",
                                      "Message-ID: ", "MIME-Version: ", "Content-Type: ", "Content-Transfer-Encoding: "};
  size_t at = 0, n = 0;
  for (;;) {
    const char *line = m.data + at, *nl = memchr(line, '\n', m.len - at);
    CHECK(nl && nl - line <= 998);
    at += (size_t)(nl - line) + 1;
    if (nl == line)
      break;
    if (*line == ' ')
      continue;
    CHECK(n < sizeof names / sizeof *names && strncmp(line, names[n], strlen(names[n])) == 0);
    n++;
  }
  CHECK(n == sizeof names / sizeof *names);
  return at;
}

static int digit(char c)
{
  CHECK((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
  return c <= '9' ? c - '0' : c - 'A' + 10;
}

static void check_body(struct bw_str m, size_t at, struct bw_str body)
{
  size_t n = 0, column = 0;
  while (at < m.len) {
    char c = m.data[at++];
    CHECK(c == '\n' || c == '\t' || (c >= ' ' && c < 0x7F));
    column = c == '\n' ? 0 : column + 1;
    CHECK(column <= 76);
    if (c == '=') {
      CHECK(at < m.len);
      if (m.data[at] == '\n') {
        at++;
        column = 0;
        continue;
      }
      CHECK(at + 1 < m.len);
      c = (char)(digit(m.data[at]) * 16 + digit(m.data[at + 1]));
      at += 2;
      column += 2;
    }
    CHECK(n < body.len && body.data[n] == c);
    n++;
  }
  CHECK(n == body.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bw_str part[4] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
  struct bw_mail m = {.date = 1795312345000,
                      .lead = BW_STR("L1"),
                      .version = 1,
                      .hash = BW_STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")};
  struct bw_buf out = {0};
  size_t i, from = 0;
  for (i = 0; i < 4 && from <= size; i++) {
    const uint8_t *end = i < 3 && from < size ? memchr(data + from, 0, size - from) : NULL;
    size_t len = end ? (size_t)(end - data) - from : size - from;
    part[i] = bw_str_n(len ? (const char *)data + from : "", len);
    from += len + 1;
  }
  m.from = part[0];
  m.to = part[1];
  m.subject = part[2];
  m.body = part[3];
  if (bw_mail_build(&m, &out, NULL) == 0)
    check_body(bw_buf_str(&out), check_headers(bw_buf_str(&out)), m.body);
  else
    CHECK(out.len == 0);
  bw_buf_clear(&out);
  return 0;
}
